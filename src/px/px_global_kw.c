/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_global_kw - keywords of the global section that say how the processes
 * run. Sizes and limits of the traffic are in px_tune_kw.c.
 */
#include "px_int.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>

static struct px_global *
global_of(void *obj)
{
	return (OBJ(obj, struct px_global, PX_GLOBAL_MAGIC));
}

/* ---- who and where ---- */

/* The first one stays. */
static bool
twice(struct conf_line *l, const char *what)
{
	conf_warn(l, NULL, "%s already specified. Continuing", what);
	return (true);
}

static bool
parse_user(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);
	const struct conf_word *w = conf_peek(l);
	const struct passwd *pw;
	struct span s;

	if (!conf_want(l, "the name of a user", &s))
		return (false);
	if (g->set_uid)
		return (twice(l, "user/uid"));
	if ((pw = getpwnam(s.p)) == NULL)
		return (conf_err(l, w, "cannot find user id for '%s'", s.p));
	g->user = s.p;
	g->set_uid = true;
	g->uid = pw->pw_uid;
	return (conf_end(l));
}

static bool
parse_group(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);
	const struct conf_word *w = conf_peek(l);
	const struct group *gr;
	struct span s;

	if (!conf_want(l, "the name of a group", &s))
		return (false);
	if (g->set_gid)
		return (twice(l, "group/gid"));
	if ((gr = getgrnam(s.p)) == NULL)
		return (conf_err(l, w, "cannot find group id for '%s'", s.p));
	g->group = s.p;
	g->set_gid = true;
	g->gid = gr->gr_gid;
	return (conf_end(l));
}

static bool
parse_uid(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);

	if (g->set_uid)
		return (twice(l, "user/uid"));
	g->set_uid = px_want_u32(l, 0, UINT32_MAX, &g->uid);
	return (g->set_uid);
}

static bool
parse_gid(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);

	if (g->set_gid)
		return (twice(l, "group/gid"));
	g->set_gid = px_want_u32(l, 0, UINT32_MAX, &g->gid);
	return (g->set_gid);
}

static bool
take_text(struct conf_line *l, const char *what, const char **out)
{
	struct span s;

	if (!conf_want(l, what, &s))
		return (false);
	if (s.n == 0)
		return (conf_err(l, &l->word[l->at - 1], "'%s' expects %s",
		    l->kw->name, what));
	*out = s.p;
	return (conf_end(l));
}

static bool
parse_chroot(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);

	if (g->chroot != NULL)
		return (twice(l, "'chroot'"));
	return (take_text(l, "a directory as an argument", &g->chroot));
}

static bool
parse_pidfile(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);

	if (g->pidfile != NULL)
		return (twice(l, "'pidfile'"));
	return (take_text(l, "a file name as an argument", &g->pidfile));
}

static bool
parse_node(struct conf_line *l, void *obj)
{
	struct span s;

	if (!conf_want_name(l, "a node name", &s))
		return (false);
	global_of(obj)->node = s.p;
	return (conf_end(l));
}

static bool
parse_description(struct conf_line *l, void *obj)
{
	struct text t;
	struct span s;

	if (!conf_want(l, "a text", &s))
		return (false);
	text_init(&t);
	text_add(&t, s);
	while (conf_left(l) > 0 && conf_want(l, "", &s)) {
		text_addc(&t, ' ');
		text_add(&t, s);
	}
	global_of(obj)->description = px_text(text_span(&t));
	text_fini(&t);
	return (true);
}

static bool
parse_localpeer(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);
	const char *name;

	if (!take_text(l, "a name", &name))
		return (false);
	/* -L on the command line came first and wins. */
	if (g->localpeer_fixed || g->localpeer_used) {
		conf_warn(l, &l->word[0], "'localpeer' is ignored, as %s",
		    g->localpeer_fixed ? "-L on the command line has set it" :
		    "a peers section before it knows this node by another "
		    "name");
		return (true);
	}
	g->localpeer = name;
	setenv("HAPROXY_LOCALPEER", name, 1);
	return (true);
}

/* ---- flags ---- */

static bool
parse_flag(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);
	bool never;             /* what Linux does not have */
	const struct { const char *name; bool *flag; bool value; } flags[] = {
		{ "daemon", &g->daemon, true },
		{ "expose-deprecated-directives", &g->expose_deprecated,
		    true },
		{ "expose-experimental-directives", &g->expose_experimental,
		    true },
		{ "insecure-fork-wanted", &g->insecure_fork, true },
		{ "insecure-setuid-wanted", &g->insecure_setuid, true },
		{ "noepoll", &g->no_epoll, true },
		{ "noevports", &never, true },
		{ "nokqueue", &never, true },
		{ "nopoll", &g->no_poll, true },
		{ "noreuseport", &g->no_reuseport, true },
		{ "nosplice", &g->no_splice, true },
		{ "quiet", &g->quiet, true },
		{ "strict-limits", &g->strict_limits, true },
		{ "zero-warning", &g->zero_warning, true },
	};

	for (size_t i = 0; i < NELEM(flags); i++)
		if (strcmp(l->kw->name, flags[i].name) == 0)
			*flags[i].flag = flags[i].value != (l->no);
	return (conf_end(l));
}

static bool
parse_zero_warning(struct conf_line *l, void *obj)
{
	global_of(obj)->zero_warning = true;
	l->conf->zero_warning = true;
	return (conf_end(l));
}

/* "on" and "off" came with 3.x; the bare word means on. */
static bool
parse_set_dumpable(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);

	if (conf_accept(l, "off") || l->no)
		g->set_dumpable = false;
	else {
		conf_accept(l, "on");
		g->set_dumpable = true;
	}
	return (conf_end(l));
}

/* ---- processes ---- */

static bool
parse_nbthread(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "an integer", 1, PX_WORKERS_MAX, &n))
		return (false);
	global_of(obj)->nbthread = (int)n;
	return (conf_end(l));
}

static bool
parse_nbproc(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	int64_t n;

	(void)obj;
	if (!conf_want_int(l, "an integer", 1, INT32_MAX, &n))
		return (false);
	if (n != 1) {
		conf_err(l, w, "'nbproc' is not supported any more, only the "
		    "value 1 is left");
		conf_err_hint(l, "nbthread %lld gives as many workers",
		    (long long)n);
		return (false);
	}
	return (conf_end(l));
}

/* One group is all there is. */
static bool
parse_thread_groups(struct conf_line *l, void *obj)
{
	int64_t n;

	(void)obj;
	if (!conf_want_int(l, "the number of thread groups", 1, 1, &n))
		return (false);
	return (conf_end(l));
}

static bool
parse_master_worker(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);
	const struct conf_word *w = conf_peek(l);

	if (conf_accept(l, "no-exit-on-failure"))
		g->no_exit_on_failure = true;
	else if (w != NULL && w->text.n > 0)
		return (conf_err(l, w, "'master-worker' only supports "
		    "'no-exit-on-failure' option"));
	g->master_worker = true;
	return (conf_end(l));
}

static bool
parse_mworker_max_reloads(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "an integer argument", 0, INT32_MAX, &n))
		return (false);
	global_of(obj)->mworker_max_reloads = (int)n;
	return (conf_end(l));
}

static bool
parse_hard_stop_after(struct conf_line *l, void *obj)
{
	return (conf_want_time(l, "a time", "ms",
	    &global_of(obj)->hard_stop_after_ms) && conf_end(l));
}

static bool
parse_grace(struct conf_line *l, void *obj)
{
	return (conf_want_time(l, "a time", "ms",
	    &global_of(obj)->grace_ms) && conf_end(l));
}

static bool
parse_close_spread(struct conf_line *l, void *obj)
{
	int64_t *ms = &global_of(obj)->close_spread_ms;

	if (conf_accept(l, "infinite"))
		*ms = -1;
	else if (!conf_want_time(l, "a time, or 'infinite'", "ms", ms))
		return (false);
	return (conf_end(l));
}

/* ---- cpu-map ---- */

struct range { unsigned first, last, step; };

static bool
take_range(struct span s, unsigned lo, unsigned hi, struct range *r)
{
	struct span rest = s, a, b;
	uint64_t first, last;

	span_cut(&rest, '-', &a);
	b = rest.p == NULL ? a : rest;
	if (!num_u64(a, &first) || (b.n > 0 && !num_u64(b, &last)))
		return (false);
	if (b.n == 0)
		last = hi;
	if (first > last) {
		uint64_t t = first;

		first = last;
		last = t;
	}
	if (first < lo || last > hi)
		return (false);
	*r = (struct range){ (unsigned)first, (unsigned)last, 1 };
	return (true);
}

/* As many "auto:" means by all of a group, or of all groups. */
#define AUTO_MAX 64

/* Groups or workers, `most` of them: a range, or a word for some. */
static bool
take_set(struct span s, unsigned most, struct range *r)
{
	if (span_is(s, "all"))
		*r = (struct range){ 1, most, 1 };
	else if (span_is(s, "odd"))
		*r = (struct range){ 1, most - 1, 2 };
	else if (span_is(s, "even"))
		*r = (struct range){ 2, most, 2 };
	else
		return (take_range(s, 1, most, r));
	return (true);
}

static unsigned
range_size(const struct range *r)
{
	return ((r->last - r->first) / r->step + 1);
}

/* "auto:" wants a processor for each, of several groups or of several workers;
 * one alone is for all. */
static bool
fits(const struct range *group, const struct range *who, const cpu_set_t *set)
{
	unsigned n = (unsigned)CPU_COUNT(set), groups = range_size(group),
	    workers = who == NULL ? 1 : range_size(who);

	return (n == 1 || ((groups == 1 || workers == 1) &&
	    n == groups * workers));
}

/* "auto:" gives one processor of the list to each; without it, all of them. */
static void
map_cpus(struct px_global *g, struct range who, const cpu_set_t *set,
    bool each)
{
	int cpu = -1;

	for (unsigned i = who.first; i <= who.last; i += who.step) {
		if (!each) {
			g->cpu_map[i - 1] = *set;
			continue;
		}
		if (cpu < 0 || CPU_COUNT(set) > 1)
			do
				cpu++;
			while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, set));
		if (cpu == CPU_SETSIZE)
			return;
		CPU_ZERO(&g->cpu_map[i - 1]);
		CPU_SET(cpu, &g->cpu_map[i - 1]);
	}
}

static bool
take_cpus(struct conf_line *l, cpu_set_t *set)
{
	struct span s, item;
	struct range r;

	CPU_ZERO(set);
	do {
		const struct conf_word *w = conf_peek(l);

		if (!conf_want(l, "CPU numbers or ranges", &s))
			return (false);
		while (span_cut(&s, ',', &item)) {
			if (!take_range(item, 0, CPU_SETSIZE - 1, &r))
				return (conf_err(l, w, "cpu-map : '%s' is "
				    "not a CPU range", w->text.p));
			for (unsigned i = r.first; i <= r.last; i++)
				CPU_SET((int)i, set);
		}
	} while (conf_left(l) > 0);
	return (true);
}

/* [auto:]<group>[/<worker>] <cpu>[-<cpu>]... ; without a slash it is 1/all. */
static bool
parse_cpu_map(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);
	const struct conf_word *w = conf_peek(l);
	struct range group, who = { 1, PX_WORKERS_MAX, 1 };
	struct span s, head;
	cpu_set_t set;
	unsigned most;
	bool each;

	if (!conf_want(l, "[auto:]<group>[/<thread>] and CPU numbers", &s))
		return (false);
	if ((each = span_begins(s, SPAN("auto:"))))
		s = span_skip(s, 5);
	span_cut(&s, '/', &head);
	most = each ? AUTO_MAX : PX_WORKERS_MAX;
	if (!take_set(head, most, &group) || (s.p != NULL &&
	    !take_set(s, most, &who)))
		return (conf_err(l, w, "cpu-map : '%s' is not a valid "
		    "number/range: expected numbers from 1 to %u, 'all', 'odd' "
		    "or 'even'", w->text.p, most));
	if (!take_cpus(l, &set))
		return (false);
	if (each && !fits(&group, s.p != NULL ? &who : NULL, &set))
		return (conf_err(l, w, "cpu-map : '%s' wants as many CPUs as "
		    "it names groups or threads, or a single one; found %d",
		    w->text.p, CPU_COUNT(&set)));
	if (group.first != 1)
		return (true);          /* of a group that has no workers */
	if (g->cpu_map == NULL) {
		g->n_cpu_map = PX_WORKERS_MAX;
		g->cpu_map = arena_zget(px_model->arena,
		    PX_WORKERS_MAX * sizeof *g->cpu_map);
	}
	map_cpus(g, who, &set, each);
	return (true);
}

/* ---- runtime API ---- */

static bool
parse_stats_socket(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);

	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'stats socket' in global section "
		    "expects an address or a path to a UNIX socket"));
	return (px_bind_parse(l, NULL, &g->stats_binds,
	    &g->stats_listens) != NULL);
}

static bool
parse_stats_timeout(struct conf_line *l, void *obj)
{
	return (conf_want_time(l, "a time", "ms",
	    &global_of(obj)->stats_timeout_ms) && conf_end(l));
}

static bool
parse_stats_maxconn(struct conf_line *l, void *obj)
{
	return (px_want_u32(l, 1, UINT32_MAX,
	    &global_of(obj)->stats_maxconn));
}

#define GLOBAL(ident, word, bits, words, fn, text, line)                     \
	KEYWORD(global_##ident) = {                                          \
		.name = word, .in = KW_GLOBAL, .flags = bits, .args = words, \
		.parse = fn, .doc = text, .example = line,                   \
	}
GLOBAL(user, "user", 0, "<name>", parse_user,
    "The user that workers become.", "user www-data");
GLOBAL(group, "group", 0, "<name>", parse_group,
    "The group that workers become.", "group www-data");
GLOBAL(uid, "uid", 0, "<n>", parse_uid,
    "The user that workers become, by number.", "uid 33");
GLOBAL(gid, "gid", 0, "<n>", parse_gid,
    "The group that workers become, by number.", "gid 33");
GLOBAL(chroot, "chroot", 0, "<dir>", parse_chroot,
    "The directory that workers lock themselves into.",
    "chroot /var/lib/haproxy");
GLOBAL(pidfile, "pidfile", KW_EARLY, "<file>", parse_pidfile,
    "Where the process number is written.", "pidfile /run/haproxy.pid");
GLOBAL(node, "node", 0, "<name>", parse_node,
    "This machine's name in statistics. Default: the host name.",
    "node gate1");
GLOBAL(description, "description", 0, "<text>", parse_description,
    "A text for people, shown in statistics.",
    "description \"public gate\"");
GLOBAL(localpeer, "localpeer", 0, "<name>", parse_localpeer,
    "This process's name, as -L.", "localpeer gate1");
GLOBAL(daemon, "daemon", KW_EARLY, "", parse_flag,
    "Go to the background, as -D.", NULL);
GLOBAL(quiet, "quiet", 0, "", parse_flag,
    "Say nothing at the start, as -q.", NULL);
GLOBAL(zero_warning, "zero-warning", 0, "", parse_zero_warning,
    "Refuse a configuration that has warnings, as -dW.", NULL);
GLOBAL(strict_limits, "strict-limits", KW_NO, "", parse_flag,
    "Refuse to start when a system limit cannot be set (the default).",
    "no strict-limits");
GLOBAL(set_dumpable, "set-dumpable", KW_NO, "[on|off]", parse_set_dumpable,
    "Let the kernel write core files although the user changed.",
    "set-dumpable");
GLOBAL(insecure_fork, "insecure-fork-wanted", KW_NO, "", parse_flag,
    "Let workers start programs, which they may without it as well.",
    NULL);
GLOBAL(insecure_setuid, "insecure-setuid-wanted", KW_NO, "", parse_flag,
    "Let workers gain privileges through set-user-ID programs.", NULL);
GLOBAL(expose_deprecated, "expose-deprecated-directives", 0, "", parse_flag,
    "Permit directives that will go; there are none that ask for it.", NULL);
GLOBAL(expose_experimental, "expose-experimental-directives", 0, "",
    parse_flag, "Permit experimental directives; there are none that ask for "
    "it.", NULL);
GLOBAL(nosplice, "nosplice", 0, "", parse_flag,
    "Never splice, as -dS.", NULL);
GLOBAL(noepoll, "noepoll", 0, "", parse_flag,
    "Wait with poll() instead of epoll, as -de; slow.", NULL);
GLOBAL(nopoll, "nopoll", 0, "", parse_flag,
    "Do not use poll() instead of epoll.", NULL);
GLOBAL(nokqueue, "nokqueue", 0, "", parse_flag,
    "Do not use kqueue(); it never is.", NULL);
GLOBAL(noevports, "noevports", 0, "", parse_flag,
    "Do not use event ports; they never are.", NULL);
GLOBAL(noreuseport, "noreuseport", 0, "", parse_flag,
    "Do not share ports with SO_REUSEPORT, as -dR.", NULL);
GLOBAL(nbthread, "nbthread", 0, "<n>", parse_nbthread,
    "Workers to run. Default: one per available CPU.", "nbthread 4");
GLOBAL(nbproc, "nbproc", 0, "1", parse_nbproc,
    "Only 1 is left of it; see nbthread.", "nbproc 1");
GLOBAL(thread_groups, "thread-groups", 0, "1", parse_thread_groups,
    "Workers form one group.", "thread-groups 1");
GLOBAL(master_worker, "master-worker", KW_EARLY, "[no-exit-on-failure]",
    parse_master_worker, "Run under a master process, as -W. The master "
    "outlives its workers' failure, with or without no-exit-on-failure.",
    "master-worker");
GLOBAL(mworker_max_reloads, "mworker-max-reloads", KW_EARLY, "<n>",
    parse_mworker_max_reloads,
    "After so many reloads an old process is ended.",
    "mworker-max-reloads 20");
GLOBAL(hard_stop_after, "hard-stop-after", 0, "<time>",
    parse_hard_stop_after,
    "How long old processes may take to end what they have.",
    "hard-stop-after 30s");
GLOBAL(grace, "grace", 0, "<time>", parse_grace,
    "How long to go on accepting after a soft stop.", "grace 5s");
GLOBAL(close_spread_time, "close-spread-time", 0, "<time> | infinite",
    parse_close_spread,
    "Over how long a soft stop closes connections of HTTP clients, each at a "
    "moment of its own: idle ones then, others with the response that follows. "
    "0, the default: idle ones at once, others with their next response. "
    "infinite: as their timeouts have it, as if there were no stop. A reload "
    "hands connections over; those that cannot cross are closed at once when "
    "they are idle, whatever this says.", "close-spread-time 30s");
GLOBAL(cpu_map, "cpu-map", 0, "[auto:]1[/<worker>] <cpu>...",
    parse_cpu_map, "Which processors workers may run on: each of them, or "
    "with `auto:` one per worker in order.", "cpu-map auto:1/1-4 0-3");
GLOBAL(stats_socket, "stats socket", 0, "<address> [<word>...]",
    parse_stats_socket, "An address of the runtime API. It takes the words "
    "of bind lines; `level` says what it may do.",
    "stats socket /run/haproxy.sock mode 660 level admin");
GLOBAL(stats_timeout, "stats timeout", 0, "<time>", parse_stats_timeout,
    "Silence allowed to a user of the runtime API (10s).",
    "stats timeout 2m");
GLOBAL(stats_maxconn, "stats maxconn", 0, "<n>", parse_stats_maxconn,
    "Users of the runtime API at a time (10).", "stats maxconn 20");
