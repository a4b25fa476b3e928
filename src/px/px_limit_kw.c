/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_limit_kw - words of the global section about what the processes may use
 * of the machine, and those that would change nothing here.
 *
 * Source: configuration manual 3.1, 3.2.
 */
#include "px_int.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include <base/must.h>

static struct px_global *
global_of(void *obj)
{
	return (OBJ(obj, struct px_global, PX_GLOBAL_MAGIC));
}

static bool
want_int(struct conf_line *l, int64_t lo, int64_t hi, int *out)
{
	int64_t n;

	if (!conf_want_int(l, "an integer argument", lo, hi, &n))
		return (false);
	*out = (int)n;
	return (conf_end(l));
}

static bool
parse_fd_hard_limit(struct conf_line *l, void *obj)
{
	return (px_want_u32(l, 1, INT32_MAX,
	    &global_of(obj)->fd_hard_limit));
}

static bool
parse_thread_hard_limit(struct conf_line *l, void *obj)
{
	return (want_int(l, 1, INT32_MAX,
	    &global_of(obj)->thread_hard_limit));
}

static bool
parse_maxpipes(struct conf_line *l, void *obj)
{
	return (want_int(l, 0, INT32_MAX, &global_of(obj)->maxpipes));
}

static bool
want_bytes(struct conf_line *l, uint32_t *out)
{
	const struct conf_word *w = conf_peek(l);
	uint64_t n;

	if (!conf_want_size(l, "a size", &n))
		return (false);
	if (n > INT32_MAX)
		return (conf_err(l, w, "'%s' is at most 2g-1", l->kw->name));
	*out = (uint32_t)n;
	return (conf_end(l));
}

static bool
parse_pipesize(struct conf_line *l, void *obj)
{
	return (want_bytes(l, &global_of(obj)->pipe_bytes));
}

static bool
parse_log_sndbuf(struct conf_line *l, void *obj)
{
	uint32_t n;

	if (!want_bytes(l, &n))
		return (false);
	global_of(obj)->log_sndbuf = (int)n;
	return (true);
}

static bool
parse_renice(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);
	int *to = span_ends(span_str(l->kw->name), SPAN("startup")) ?
	    &g->renice_startup : &g->renice_runtime;

	if (!want_int(l, -20, 19, to))
		return (false);
	if (to != &g->renice_startup)
		return (true);
	/* from here on the file is read so; see keeper_start.c */
	g->nice_before = getpriority(PRIO_PROCESS, 0);
	if (setpriority(PRIO_PROCESS, 0, *to) != 0)
		conf_warn(l, &l->word[1], "couldn't set the runtime nice value "
		    "to %d: %s", *to, strerror(errno));
	return (true);
}

static bool
parse_setcap(struct conf_line *l, void *obj)
{
	static const struct { const char *name; int cap; } caps[] = {
		{ "cap_net_admin", CAP_NET_ADMIN },
		{ "cap_net_raw", CAP_NET_RAW },
		{ "cap_net_bind_service", CAP_NET_BIND_SERVICE },
		{ "cap_sys_admin", CAP_SYS_ADMIN },
	};
	const struct conf_word *w = conf_peek(l);
	struct span list, item;
	size_t i;

	if (!conf_want(l, "a list of capabilities", &list))
		return (false);
	while (span_cut(&list, ',', &item)) {
		for (i = 0; i < NELEM(caps); i++)
			if (span_is(item, caps[i].name))
				break;
		if (i == NELEM(caps))
			return (conf_err(l, w, "'setcap' : unsupported "
			    "capability '%.*s'; expected 'cap_net_admin', "
			    "'cap_net_raw', 'cap_net_bind_service' or "
			    "'cap_sys_admin'", SPAN_FMT(item)));
		global_of(obj)->caps |= UINT32_C(1) << caps[i].cap;
	}
	return (conf_end(l));
}

static bool
want_switch(struct conf_line *l, bool *on)
{
	if (conf_accept(l, "on"))
		*on = true;
	else if (conf_accept(l, "off"))
		*on = false;
	else
		return (conf_err(l, conf_peek(l), "'%s' expects 'on' or 'off'",
		    l->kw->name));
	return (conf_end(l));
}

static bool
parse_privileged(struct conf_line *l, void *obj)
{
	return (want_switch(l, &global_of(obj)->no_privileged_ports));
}

static bool
parse_prealloc(struct conf_line *l, void *obj)
{
	global_of(obj)->prealloc_fd = true;
	return (conf_end(l));
}

/* ---- what would change nothing ---- */

/* Words about QUIC, and about giving memory back. */
static bool
parse_nothing(struct conf_line *l, void *obj)
{
	(void)obj;
	return (conf_end(l));
}

static bool
parse_any_switch(struct conf_line *l, void *obj)
{
	bool on;

	(void)obj;
	return (want_switch(l, &on));
}

static bool
parse_secret(struct conf_line *l, void *obj)
{
	struct span s;

	(void)obj;
	return (conf_want(l, "a text", &s) && conf_end(l));
}

static bool
parse_unused_size(struct conf_line *l, void *obj)
{
	uint64_t n;

	(void)obj;
	return (conf_want_size(l, "a size", &n) && conf_end(l));
}

/* Maximums are always kept. */
static bool
parse_max_counters(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	bool on;

	(void)obj;
	if (!want_switch(l, &on))
		return (false);
	return (on || conf_err(l, w, "'stats calculate-max-counters off': "
	    "maximums are always kept here, they cost next to nothing; remove "
	    "it"));
}

/* Workers run where the system lets them, until cpu-map says otherwise. */
static bool
parse_numa(struct conf_line *l, void *obj)
{
	(void)obj;
	if (l->no)
		return (conf_end(l));
	conf_err(l, NULL, "'numa-cpu-mapping': workers are not put on one node "
	    "by themselves");
	conf_err_hint(l, "say it: 'cpu-map auto:1/1-8 0-7', or leave it to the "
	    "system: 'no numa-cpu-mapping'");
	return (false);
}

#define GLOBAL(ident, word, bits, words, fn, text, line)                     \
	KEYWORD(limit_##ident) = {                                           \
		.name = word, .in = KW_GLOBAL, .flags = (bits),              \
		.args = words, .parse = fn, .doc = text, .example = line,    \
	}
GLOBAL(fd_hard, "fd-hard-limit", 0, "<n>", parse_fd_hard_limit,
    "Descriptors that a process may have at most, whatever the system's limit "
    "is; connections follow from it where no maxconn is set.",
    "fd-hard-limit 50000");
GLOBAL(thread_hard, "thread-hard-limit", 0, "<n>", parse_thread_hard_limit,
    "Workers that there are at most, however many CPUs the machine has.",
    "thread-hard-limit 8");
GLOBAL(maxpipes, "maxpipes", 0, "<n>", parse_maxpipes,
    "Pipes for splicing that all workers may have together; a quarter of "
    "maxconn. Where there is none left, payload is copied.", "maxpipes 1000");
GLOBAL(pipesize, "tune.pipesize", 0, "<size>", parse_pipesize,
    "How much such a pipe takes (256k).", "tune.pipesize 1m");
GLOBAL(renice_startup, "tune.renice.startup", 0, "<n>", parse_renice,
    "The priority, as of nice(1), at which the rest of the configuration is "
    "read.", "tune.renice.startup 10");
GLOBAL(renice_runtime, "tune.renice.runtime", 0, "<n>", parse_renice,
    "The priority, as of nice(1), of the agent and the workers.",
    "tune.renice.runtime -5");
GLOBAL(setcap, "setcap", 0, "<capability>[,<capability>]...", parse_setcap,
    "Capabilities that workers and the agent keep when they become another "
    "user: `cap_net_admin` (marks, foreign addresses), `cap_net_raw` "
    "(foreign addresses), `cap_net_bind_service`, `cap_sys_admin` (network "
    "namespaces).", "setcap cap_net_bind_service,cap_net_admin");
GLOBAL(privileged, "harden.reject-privileged-ports.tcp", 0, "on|off",
    parse_privileged, "Close connections of clients that come from a port "
    "below 1024.", "harden.reject-privileged-ports.tcp on");
GLOBAL(privileged_quic, "harden.reject-privileged-ports.quic", 0, "on|off",
    parse_any_switch, "The same for QUIC, of which there is none.",
    "harden.reject-privileged-ports.quic on");
GLOBAL(prealloc, "prealloc-fd", 0, "", parse_prealloc,
    "Have the kernel make room for all the descriptors that a worker may have "
    "when it starts.", "prealloc-fd");
GLOBAL(secret, "cluster-secret", 0, "<text>", parse_secret,
    "What nodes make secrets of QUIC from, of which there is none.",
    "cluster-secret swordfish");
GLOBAL(quick_exit, "quick-exit", 0, "", parse_nothing,
    "Processes always end without giving back their memory piece by piece.",
    "quick-exit");
GLOBAL(trimming, "no-memory-trimming", 0, "", parse_nothing,
    "Nothing is trimmed at a reload.", "no-memory-trimming");
GLOBAL(noktls, "noktls", 0, "", parse_nothing,
    "TLS is never left to the kernel.", "noktls");
GLOBAL(any_method, "h1-accept-payload-with-any-method", 0, "", parse_nothing,
    "Requests of HTTP/1.0 may always have a body, whatever their method.",
    "h1-accept-payload-with-any-method");
GLOBAL(max_counters, "stats calculate-max-counters", 0, "on", parse_max_counters,
    "Maximums are always kept.", "stats calculate-max-counters on");
GLOBAL(numa, "numa-cpu-mapping", KW_NO, "", parse_numa,
    "Only to be switched off: where workers run is left to the system, or said "
    "by cpu-map.", "no numa-cpu-mapping");
GLOBAL(sndbuf_be, "tune.sndbuf.backend", 0, "<size>", parse_log_sndbuf,
    "The kernel's buffer of the sockets that logs leave by, over UDP and to "
    "UNIX sockets.", "tune.sndbuf.backend 1m");
GLOBAL(sndbuf_fe, "tune.sndbuf.frontend", 0, "<size>", parse_unused_size,
    "The kernel's buffer of the sockets that QUIC listens on, of which there "
    "are none.", "tune.sndbuf.frontend 1m");
GLOBAL(rcvbuf_fe, "tune.rcvbuf.frontend", 0, "<size>", parse_unused_size,
    "The same for what comes in.", "tune.rcvbuf.frontend 1m");
GLOBAL(rcvbuf_be, "tune.rcvbuf.backend", 0, "<size>", parse_unused_size,
    "The kernel's buffer for what comes in on sockets that are not connected: "
    "those of logs, on which nothing comes in.", "tune.rcvbuf.backend 64k");
