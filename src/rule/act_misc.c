/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_misc - actions on the log: set-log-level, capture; set-nice.
 *
 * Source: configuration manual 4.2.
 */
#include "rule_int.h"

#include <base/must.h>

static bool
parse_level(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	static const int8_t values[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const char *const names[] = { "emerg", "alert", "crit", "err",
	    "warning", "notice", "info", "debug", "silent" };
	const struct conf_word *w = conf_peek(l);
	struct span s;

	(void)px;
	(void)set;
	if (!conf_want(l, "a log level", &s))
		return (false);
	for (size_t i = 0; i < NELEM(names); i++)
		if (span_is(s, names[i])) {
			*priv = (void *)(uintptr_t)&values[i];
			return (true);
		}
	conf_err(l, w, "unknown log level '%.*s'", SPAN_FMT(s));
	conf_err_hint(l, "levels are: emerg, alert, crit, err, warning, "
	    "notice, info, debug, silent");
	return (false);
}

static enum rule_verdict
run_level(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)run;
	t->log_level = *(const int8_t *)priv;
	return (RULE_NEXT);
}

static bool
parse_nice(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	int32_t *nice = arena_zget(l->conf->arena, sizeof *nice);
	int64_t n;

	(void)px;
	(void)set;
	*priv = nice;
	if (!conf_want_int(l, "a number", -1024, 1024, &n))
		return (false);
	*nice = (int32_t)n;
	return (true);
}

static enum rule_verdict
run_nice(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)run;
	t->nice = *(const int32_t *)priv;
	return (RULE_NEXT);
}

struct capture_cfg {
	const struct expr *expr;
	struct capture_cfg *next;       /* until their slots are known */
	const struct px *px;
	struct diag_pos pos;
	const struct px *fe;            /* whose slots, or NULL: the txn's */
	unsigned id;
	uint32_t len;                   /* 0: as its slot says */
	bool response;
};

static struct capture_cfg *captures;    /* of this load, with an id */

static bool
parse_capture(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct capture_cfg *c = arena_zget(l->conf->arena, sizeof *c);
	const struct conf_word *w = conf_peek(l);
	struct span text;
	int64_t n;

	*priv = c;
	c->response = set == RULE_HTTP_RES || set == RULE_HTTP_AFTER;
	if (!conf_want(l, "a sample expression", &text))
		return (false);
	if ((c->expr = expr_parse_words(l, w, text, rule_stages(set))) == NULL)
		return (false);
	if (conf_accept(l, "id")) {
		if (!conf_want_int(l, "the number of a capture", 0, 65535, &n))
			return (false);
		c->id = (unsigned)n;
		c->px = px;
		c->pos = conf_pos(l, &l->word[l->at - 1]);
		c->next = captures;
		captures = c;
		return (true);
	}
	if (!conf_accept(l, "len"))
		return (conf_err(l, conf_peek(l), "expected 'len <length>' or "
		    "'id <number>' after the sample expression"));
	if (c->response || (px->kind & (PX_FE | PX_DEFAULTS)) == 0)
		return (conf_err(l, &l->word[l->at - 1], "'len' makes a capture "
		    "of its own, which only rules for requests in a frontend "
		    "can; declare one and give its 'id'"));
	if (!conf_want_int(l, "a length", 1, 65535, &n))
		return (false);
	c->len = (uint32_t)n;
	rule_capture_new(l, px, false, &c->id)->len = c->len;
	return (true);
}

/* Which frontend a backend's rule runs for is known with the request only. */
static bool
check_captures(struct conf *conf)
{
	const struct rule_cfg *cfg;
	bool ok = true;

	for (const struct capture_cfg *c = captures; c != NULL; c = c->next) {
		cfg = px_get(&c->px->slots, &rule_slot);
		if ((c->px->kind & PX_FE) != 0 && c->id >=
		    cfg->n_cap[c->response])
			ok = conf_fail(conf, DIAG_ALERT, c->pos, "proxy '%s': "
			    "unable to find capture id '%u': it has %u for %s",
			    c->px->name, c->id, cfg->n_cap[c->response],
			    c->response ? "responses" : "requests");
	}
	captures = NULL;
	return (ok);
}
CONF_CHECK(captures, 31, check_captures);

/* A value into a slot of the frontend; false: there is no such slot. */
static bool
keep_capture(struct txn *t, bool response, unsigned id, struct span s)
{
	const struct rule_cfg *cfg = px_get(&t->fe->slots, &rule_slot);
	const struct rule_capture_cfg *x = cfg->cap[response];
	struct txn_capture *cap = response ? &t->cap_res : &t->cap_req;

	for (unsigned i = 0; x != NULL && i < id; i++)
		x = x->next;
	if (x == NULL || s.p == NULL)
		return (false);
	if (cap->v == NULL) {
		cap->n = cfg->n_cap[response];
		cap->v = arena_zget(t->arena, cap->n * sizeof *cap->v);
		if (cap->v == NULL) {
			cap->n = 0;
			return (true);
		}
	}
	if (s.n > x->len)
		s.n = x->len;
	cap->v[id] = arena_span(t->arena, s);
	return (true);
}

static const struct expr *
captured(const void *priv)
{
	return (((const struct capture_cfg *)priv)->expr);
}

static enum rule_verdict
run_capture(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct capture_cfg *c = priv;

	(void)run;
	(void)keep_capture(t, c->response, c->id, expr_text(c->expr, t));
	return (RULE_NEXT);
}

static bool
conv_capture_req(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (t->fe != NULL &&
	    keep_capture(t, false, (unsigned)arg[0].num, s->str));
}

static bool
conv_capture_res(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (t->fe != NULL &&
	    keep_capture(t, true, (unsigned)arg[0].num, s->str));
}

CONVERTER(capture_req) = {
	.name = "capture-req", .args = "int id [0..65535]", .in = SMP_STR,
	.out = SMP_STR, .run = conv_capture_req, .fresh = true, .live = true,
	.doc = "Keeps the value in the slot <id> of the request's captures "
	    "and gives it on as it is; no result when there is no such slot.",
	.example = { "path,capture-req(0)", "/abc" },
};
CONVERTER(capture_res) = {
	.name = "capture-res", .args = "int id [0..65535]", .in = SMP_STR,
	.out = SMP_STR, .run = conv_capture_res, .fresh = true, .live = true,
	.doc = "Keeps the value in the slot <id> of the response's captures "
	    "and gives it on as it is; no result when there is no such slot.",
	.example = { "path,capture-res(0)", "/abc" },
};

#define IN(set) (1u << RULE_##set)

ACTION(set_log_level) = {
	.name = "set-log-level",
	.sets = IN(HTTP_REQ) | IN(HTTP_RES) | IN(HTTP_AFTER) | IN(TCP_REQ) |
	    IN(TCP_RES),
	.args = "<level>", .parse = parse_level, .run = run_level,
	.doc = "The level of this stream's log line; 'silent': no line.",
	.example = "http-request set-log-level silent if { path /health }",
};
ACTION(set_nice) = {
	.name = "set-nice",
	.sets = IN(HTTP_REQ) | IN(HTTP_RES) | IN(TCP_REQ) | IN(TCP_RES),
	.args = "<number>", .parse = parse_nice, .run = run_nice,
	.doc = "How large a share of its worker this stream gets while others "
	    "want one: at -1024 it moves four times as much as usual before "
	    "the next has its turn, at 1024 one buffer.",
	.example = "http-request set-nice 512 if { path_beg /backup }",
};
ACTION(capture) = {
	.name = "capture",
	.sets = IN(TCP_REQ) | IN(HTTP_REQ) | IN(HTTP_RES) | IN(HTTP_AFTER),
	.args = "<sample> { len <length> | id <number> }",
	.parse = parse_capture, .run = run_capture, .keeps = captured,
	.doc = "Keeps a value for the log, in a capture of its own or a "
	    "declared one.",
	.example = "http-request capture req.hdr(User-Agent) len 60",
};
