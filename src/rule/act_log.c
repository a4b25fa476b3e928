/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_log - do-log: a line of the log now, whatever comes later.
 *
 * Source: configuration manual 4.4.
 */
#include "rule_int.h"

#include <log/log.h>

struct do_log {
	struct do_log *next;            /* until all profiles are known */
	enum log_event at;
	const char *name;
	const struct log_profile *profile;
	struct diag_pos pos;
};
static struct do_log *waiting;

static bool
parse_do_log(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	static const uint8_t at[RULE_N] = {
		[RULE_TCP_CONN] = LOG_AT_TCP_CONN,
		[RULE_TCP_SESS] = LOG_AT_TCP_SESS,
		[RULE_TCP_REQ] = LOG_AT_TCP_REQ,
		[RULE_TCP_RES] = LOG_AT_TCP_RES,
		[RULE_HTTP_REQ] = LOG_AT_HTTP_REQ,
		[RULE_HTTP_RES] = LOG_AT_HTTP_RES,
		[RULE_HTTP_AFTER] = LOG_AT_HTTP_AFTER,
	};
	struct do_log *a = arena_zget(l->conf->arena, sizeof *a);
	struct span name;

	(void)px;
	*priv = a;
	a->at = (enum log_event)at[set];
	if (!conf_accept(l, "profile"))
		return (true);
	a->pos = conf_pos(l, conf_peek(l));
	if (!conf_want(l, "the name of a log profile", &name))
		return (false);
	a->name = name.p;
	a->next = waiting;
	waiting = a;
	return (true);
}

static bool
check_profiles(struct conf *c)
{
	bool ok = true;

	for (struct do_log *a = waiting; a != NULL; a = a->next)
		if ((a->profile = log_profile_find(span_str(a->name))) == NULL)
			ok = conf_fail(c, DIAG_ALERT, a->pos, "there is no "
			    "'log-profile %s'", a->name);
	waiting = NULL;
	return (ok);
}
CONF_CHECK(do_log, 15, check_profiles);

static enum rule_verdict
run_do_log(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct do_log *a = priv;

	(void)run;
	log_now(t, a->at, a->profile);
	return (RULE_NEXT);
}

ACTION(do_log) = {
	.name = "do-log", .sets = (1u << RULE_N) - 1,
	.args = "[profile <name>]", .parse = parse_do_log, .run = run_do_log,
	.doc = "Writes a line to the log of the frontend now, besides those "
	    "that are written anyway. Log profiles may give it a format of its "
	    "own.",
	.example = "http-request do-log if { path_beg /admin }",
};
