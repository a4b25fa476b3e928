/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_kw - words of server lines about its connections and its state.
 */
#include "srv_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <expr/expr.h>

static const struct srv_cfg initial = {
	.pool_max = -1,
	.pool_purge_ms = 5000,
	.max_reuse = -1,
};

PX_SLOT(PX_OBJ_SERVER, struct srv_cfg, srv_cfg_slot, &initial);

static struct srv_cfg *
cfg_of(void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);

	return (px_edit(&sv->slots, &srv_cfg_slot));
}

static bool
parse_pool_max(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a number of connections (-1: no limit)", -1,
	    INT32_MAX, &n))
		return (false);
	cfg_of(obj)->pool_max = (int32_t)n;
	return (true);
}

static bool
parse_pool_low(struct conf_line *l, void *obj)
{
	int64_t n;

	(void)obj;
	return (conf_want_int(l, "a number of connections", 0, INT32_MAX,
	    &n));
}

static bool
parse_pool_purge(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	int64_t ms;

	if (!conf_want_time(l, "a delay", "ms", &ms))
		return (false);
	if (ms > INT32_MAX)
		return (conf_err(l, w, "'pool-purge-delay' expects at most "
		    "24 days"));
	cfg_of(obj)->pool_purge_ms = (int32_t)ms;
	return (true);
}

static bool
parse_pool_name(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	const struct expr *e;
	struct span s;

	if (!conf_want(l, "a sample expression", &s) ||
	    (e = expr_parse(l, w, s, SMP_AT(SERVER))) == NULL)
		return (false);
	cfg_of(obj)->pool_name = e;
	return (true);
}

static bool
parse_max_reuse(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a number of requests (-1: no limit)", -1,
	    INT32_MAX, &n))
		return (false);
	cfg_of(obj)->max_reuse = (int32_t)n;
	return (true);
}

static bool
parse_strict(struct conf_line *l, void *obj)
{
	(void)l;
	return (cfg_of(obj)->strict = true);
}

static bool
parse_slowstart(struct conf_line *l, void *obj)
{
	int64_t ms;

	if (!conf_want_time(l, "a duration", "ms", &ms))
		return (false);
	cfg_of(obj)->slow_ms = ms;
	return (true);
}

static bool
parse_marked_down(struct conf_line *l, void *obj)
{
	if (conf_accept(l, "shutdown-sessions"))
		return (cfg_of(obj)->down_shuts = true);
	return (conf_err(l, conf_peek(l), "'on-marked-down' expects "
	    "'shutdown-sessions'"));
}

static bool
parse_marked_up(struct conf_line *l, void *obj)
{
	if (conf_accept(l, "shutdown-backup-sessions"))
		return (cfg_of(obj)->up_shuts_backup = true);
	return (conf_err(l, conf_peek(l), "'on-marked-up' expects "
	    "'shutdown-backup-sessions'"));
}

#define SERVER_WORD(ident, word, bits, words, fn, text)                      \
	KEYWORD(srv_##ident) = {                                             \
		.name = word, .in = KW_SERVER, .flags = (bits),              \
		.args = words, .parse = fn, .doc = text,                     \
	}
SERVER_WORD(pool_max, "pool-max-conn", 0, "<n>", parse_pool_max,
    "Idle connections to keep open, by all workers together; a worker keeps "
    "no more than it had in use at once lately. -1, the default: no other "
    "limit; 0: none.");
SERVER_WORD(pool_low, "pool-low-conn", 0, "<n>", parse_pool_low,
    "Idle connections below which none is taken from another worker. Workers "
    "never take idle connections from each other, so that any number holds.");
SERVER_WORD(pool_purge, "pool-purge-delay", 0, "<time>", parse_pool_purge,
    "Each such time, half of the idle connections are closed that are more "
    "than were in use at once lately, the oldest first (5s). 0: keep none.");
SERVER_WORD(pool_name, "pool-conn-name", 0, "<expression>", parse_pool_name,
    "What an idle connection must have in common with a request that is to "
    "use it: this expression gives the same for both. Counts in place of the "
    "host name that TLS asked for (sni).");
SERVER_WORD(max_reuse, "max-reuse", 0, "<n>", parse_max_reuse,
    "How often a connection is used again after its first request, before it "
    "is closed. -1, the default: no limit; 0: each serves one request.");
SERVER_WORD(strict, "strict-maxconn", 0, "", parse_strict,
    "maxconn counts connections for traffic, idle ones as well, of all workers. "
    "A request that may not have another one uses an idle one, or has one "
    "closed, in whichever worker it is; with http-reuse never, where idle ones "
    "belong to clients, it may wait for timeout connect in vain.");
SERVER_WORD(slowstart, "slowstart", 0, "<time>", parse_slowstart,
    "After it came up, weight and maxconn grow for so long from 1 to all.");
SERVER_WORD(on_marked_down, "on-marked-down", 0, "shutdown-sessions",
    parse_marked_down,
    "When checks find it down, end the sessions that it has.");
SERVER_WORD(on_marked_up, "on-marked-up", 0, "shutdown-backup-sessions",
    parse_marked_up,
    "When checks find it up again, end the sessions of backup servers.");
