/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filt_bwlim_act - rules that put a limit of bandwidth to work on a stream.
 *
 * Source: configuration manual 4.4 "set-bandwidth-limit".
 */
#include "filt_bwlim.h"

#include <base/num.h>
#include <rule/rule.h>

struct set_limit {
	struct set_limit *next;         /* until all filters are known */
	struct px *px;
	struct span name;
	struct diag_pos pos;
	struct rule_number limit, period;
	uint64_t after;                 /* bytes that are free */
	bool own;                       /* one of these two is given */
	const struct filt *filt;
};
static struct set_limit *waiting;

/* "10k", or an expression that gives bytes. */
static bool
parse_limit(struct conf_line *l, enum rule_set set, struct rule_number *n)
{
	const struct conf_word *w = conf_peek(l);
	uint64_t bytes;

	if (w == NULL || w->text.n == 0 || *w->text.p < '0' ||
	    *w->text.p > '9')
		return (rule_want_expr(l, set, SMP_INT, &n->expr));
	if (!conf_want_size(l, "a number of bytes", &bytes))
		return (false);
	n->num = (int64_t)bytes;
	return ((bytes >= 1 && bytes <= UINT32_MAX) || conf_err(l, w,
	    "a limit is between 1 and %u bytes", UINT32_MAX));
}

static bool
parse_set(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct set_limit *a = arena_zget(l->conf->arena, sizeof *a);
	const struct conf_word *w = conf_peek(l);

	*priv = a;
	if ((px->kind & PX_DEFAULTS) != 0)
		return (conf_err(l, w, "there are no filters in a defaults "
		    "section, which this could put to work"));
	if (!conf_want_name(l, "the name of a limit", &a->name))
		return (false);
	for (;;) {
		if (conf_accept(l, "after")) {
			if (!conf_want_size(l, "a number of bytes", &a->after))
				return (false);
			continue;
		}
		if (conf_accept(l, "limit")) {
			if (!parse_limit(l, set, &a->limit))
				return (false);
		} else if (conf_accept(l, "period")) {
			if (!rule_want_duration(l, set, &a->period))
				return (false);
		} else
			break;
		a->own = true;
	}
	a->px = px;
	a->pos = conf_pos(l, w);
	a->next = waiting;
	waiting = a;
	return (true);
}

static bool
check_one(struct conf *c, struct set_limit *a)
{
	const struct bwlim_cfg *cfg;

	a->filt = filt_find(a->px, a->name);
	if (a->filt == NULL || !filt_bwlim_is(a->filt))
		return (conf_fail(c, DIAG_ALERT, a->pos, "there is no 'filter "
		    "bwlim-in' or 'filter bwlim-out' of the name '%.*s' in "
		    "%s '%s'", SPAN_FMT(a->name), a->px->section,
		    a->px->name));
	cfg = a->filt->cfg;
	if (cfg->key != NULL && a->own)
		return (conf_fail(c, DIAG_ALERT, a->pos, "filter '%.*s' is "
		    "shared by a key: its limit and period cannot be set for "
		    "one stream", SPAN_FMT(a->name)));
	return (true);
}

static bool
check_rules(struct conf *c)
{
	bool ok = true;

	for (struct set_limit *a = waiting; a != NULL; a = a->next)
		ok &= check_one(c, a);
	waiting = NULL;
	return (ok);
}
CONF_CHECK(bwlim_rules, 14, check_rules);

static uint64_t
number(const struct rule_number *n, struct txn *t, uint64_t most)
{
	int64_t v;

	if (!rule_number(n, t, &v) || v <= 0)
		return (0);             /* as the line says */
	return ((uint64_t)v > most ? most : (uint64_t)v);
}

static enum rule_verdict
run_set(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct set_limit *a = priv;

	(void)run;
	filt_bwlim_start(t, a->filt, number(&a->limit, t, UINT32_MAX),
	    (uint32_t)number(&a->period, t, INT32_MAX), a->after);
	return (RULE_NEXT);
}

#define IN(set) (1u << RULE_##set)

ACTION(set_bandwidth_limit) = {
	.name = "set-bandwidth-limit",
	.sets = IN(TCP_REQ) | IN(TCP_RES) | IN(HTTP_REQ) | IN(HTTP_RES),
	.args = "<name> [limit { <size> | <expr> }] "
	    "[period { <time> | <expr> }] [after <size>]",
	.parse = parse_set, .run = run_set,
	.doc = "Puts a 'filter bwlim-in' or 'bwlim-out' of this proxy to work "
	    "on this stream, from its beginning; with a limit or a period of "
	    "its own if the filter is not shared by a key. Only payload "
	    "counts; with 'after', a word of this program, what comes behind so "
	    "many bytes of it.",
};
