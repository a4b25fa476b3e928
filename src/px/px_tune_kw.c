/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_tune_kw - limits and sizes of the global section.
 */
#include "px_int.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#include <base/must.h>

static struct px_global *
global_of(void *obj)
{
	return (OBJ(obj, struct px_global, PX_GLOBAL_MAGIC));
}

bool
px_want_u32(struct conf_line *l, int64_t lo, int64_t hi, uint32_t *out)
{
	int64_t n;

	if (!conf_want_int(l, "an integer argument", lo, hi, &n))
		return (false);
	*out = (uint32_t)n;
	return (conf_end(l));
}

static bool
want_size(struct conf_line *l, uint64_t lo, uint64_t hi, uint32_t *out)
{
	const struct conf_word *w = conf_peek(l);
	uint64_t n;

	if (!conf_want_size(l, "a size", &n))
		return (false);
	if (n < lo || n > hi)
		return (conf_err(l, w, "'%s' must be between %llu and %llu "
		    "(was %llu)", l->kw->name, (unsigned long long)lo,
		    (unsigned long long)hi, (unsigned long long)n));
	*out = (uint32_t)n;
	return (conf_end(l));
}

static bool
parse_maxconn(struct conf_line *l, void *obj)
{
	uint32_t n;

	if (!px_want_u32(l, 0, INT32_MAX, &n))
		return (false);
	/* -n on the command line came first and wins. */
	if (!global_of(obj)->maxconn_fixed)
		global_of(obj)->maxconn = n;
	return (true);
}

static bool
parse_ulimit_n(struct conf_line *l, void *obj)
{
	return (px_want_u32(l, 0, INT32_MAX, &global_of(obj)->ulimit_n));
}

static bool
parse_bufsize(struct conf_line *l, void *obj)
{
	return (want_size(l, 1024, 1 << 28, &global_of(obj)->bufsize));
}

static bool
parse_maxrewrite(struct conf_line *l, void *obj)
{
	return (want_size(l, 0, 1 << 27, &global_of(obj)->maxrewrite));
}

/* -1: as many as there are. */
static bool
parse_maxaccept(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "an integer argument", -1, INT32_MAX, &n))
		return (false);
	global_of(obj)->maxaccept = n < 0 ? UINT32_MAX : (uint32_t)n;
	return (conf_end(l));
}

static bool
parse_maxhdr(struct conf_line *l, void *obj)
{
	return (px_want_u32(l, 1, 32767, &global_of(obj)->max_http_hdr));
}

static bool
parse_logurilen(struct conf_line *l, void *obj)
{
	return (px_want_u32(l, 1, 65535, &global_of(obj)->log_uri_len));
}

/* ---- unix-bind ---- */

static bool
unix_id(struct conf_line *l, const struct conf_word *key,
    const struct conf_word *w, int *out)
{
	const struct passwd *pw = NULL;
	const struct group *gr = NULL;
	char *end;
	long n;

	if (span_is(key->text, "user") && (pw = getpwnam(w->text.p)) != NULL)
		*out = (int)pw->pw_uid;
	else if (span_is(key->text, "group") &&
	    (gr = getgrnam(w->text.p)) != NULL)
		*out = (int)gr->gr_gid;
	else {
		n = strtol(w->text.p, &end,
		    span_is(key->text, "mode") ? 8 : 10);
		if (w->text.n == 0 || *end != '\0' || n < 0 || n > INT32_MAX)
			return (conf_err(l, w, "'unix-bind' : '%s' is no %s",
			    w->text.p, key->text.p));
		*out = (int)n;
	}
	return (true);
}

static bool
parse_unix_bind(struct conf_line *l, void *obj)
{
	struct px_global *g = global_of(obj);
	const struct conf_word *key, *w;
	struct span s;
	bool good = true;

	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'unix-bind' expects 'prefix', "
		    "'mode', 'user', 'uid', 'group' or 'gid' and a value"));
	while (good && (key = conf_peek(l)) != NULL) {
		l->at++;
		w = conf_peek(l);
		if (!conf_want(l, "a value", &s))
			return (false);
		if (span_is(key->text, "prefix"))
			g->unix_prefix = s.p;
		else if (span_is(key->text, "mode"))
			good = unix_id(l, key, w, &g->unix_mode);
		else if (span_is(key->text, "user") ||
		    span_is(key->text, "uid"))
			good = unix_id(l, key, w, &g->unix_uid);
		else if (span_is(key->text, "group") ||
		    span_is(key->text, "gid"))
			good = unix_id(l, key, w, &g->unix_gid);
		else
			good = conf_err(l, key, "'unix-bind' only supports "
			    "the 'prefix', 'mode', 'user', 'uid', 'group' and "
			    "'gid' options (got '%s')", key->text.p);
	}
	return (good);
}

static bool
parse_cli_payload(struct conf_line *l, void *obj)
{
	return (want_size(l, 1024, INT32_MAX, &global_of(obj)->cli_payload));
}

static bool
parse_warn_blocked(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	int64_t ms;

	if (!conf_want_time(l, "a time", "ms", &ms))
		return (false);
	if (ms < 1 || ms > 1000)
		return (conf_err(l, w, "'%s' expects a time from 1ms to 1s",
		    l->kw->name));
	global_of(obj)->warn_blocked_ms = (uint32_t)ms;
	return (conf_end(l));
}

#define GLOBAL(ident, word, words, fn, text, line)                           \
	KEYWORD(tune_##ident) = {                                            \
		.name = word, .in = KW_GLOBAL, .args = words, .parse = fn,   \
		.doc = text, .example = line,                                \
	}
GLOBAL(maxconn, "maxconn", "<n>", parse_maxconn,
    "Connections of clients at a time, all workers together. Default: what "
    "the limit of descriptors allows.", "maxconn 100000");
GLOBAL(ulimit_n, "ulimit-n", "<n>", parse_ulimit_n,
    "The limit of descriptors to ask the system for. Default: what maxconn "
    "needs.", "ulimit-n 200000");
GLOBAL(bufsize, "tune.bufsize", "<size>", parse_bufsize,
    "Bytes of a buffer, and so the longest head of a message (16384).",
    "tune.bufsize 32k");
GLOBAL(maxrewrite, "tune.maxrewrite", "<size>", parse_maxrewrite,
    "Bytes of a buffer kept free for added headers (1024).",
    "tune.maxrewrite 2048");
GLOBAL(maxaccept, "tune.maxaccept", "<n>", parse_maxaccept,
    "Connections accepted in one go; -1: no limit.", "tune.maxaccept 100");
GLOBAL(maxhdr, "tune.http.maxhdr", "<n>", parse_maxhdr,
    "Headers of a message (101).", "tune.http.maxhdr 200");
GLOBAL(logurilen, "tune.http.logurilen", "<n>", parse_logurilen,
    "Bytes of a request's target in the log (1024).",
    "tune.http.logurilen 4096");
GLOBAL(unix_bind, "unix-bind", "<what> <value>...", parse_unix_bind,
    "What UNIX sockets of bind lines begin with: `prefix` of the path, "
    "`mode`, `user`, `uid`, `group`, `gid`.",
    "unix-bind prefix /run/gate/ mode 770");
GLOBAL(cli_payload, "tune.cli.max-payload-size", "<size>", parse_cli_payload,
    "Bytes of what a command of the runtime API may have behind `<<` (128k).",
    "tune.cli.max-payload-size 1m");
GLOBAL(warn_blocked, "warn-blocked-traffic-after", "<time>",
    parse_warn_blocked,
    "A worker that could not look at its connections for so long, 1ms to 1s, as "
    "something took its time, says so in a warning, once a second at most. Not "
    "said: no warnings.",
    "warn-blocked-traffic-after 50ms");
