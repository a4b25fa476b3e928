/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_run - runs compiled rule lists.
 */
#include "rule_int.h"

#include <stdio.h>
#include <stdlib.h>

#define RULE_TEXT_MAX 16384     /* of one formatted value */

uint32_t rule_at_once;

/* Where the stream can go on in the next turn of the loop. */
static bool
may_yield(enum rule_set set)
{
	return (set == RULE_TCP_REQ || set == RULE_HTTP_REQ ||
	    set == RULE_HTTP_RES);
}

/* Leaves run->at at the last rule that is known not to apply. */
static bool
applies(const struct rule *r, struct txn *t, struct rule_run *run)
{
	if (r->skips == 0)
		return (cond_true(r->cond, t));
	if (cond_first(r->cond, t))
		return (cond_rest(r->cond, 0, t));
	run->at += r->skips;
	return (false);
}

void
rule_note(struct txn *t, const struct rule *r)
{
	if (r->pos.file == NULL || r->unnoted)
		return;
	t->rule_file = span_str(r->pos.file);
	t->rule_line = r->pos.line;
}

enum rule_verdict
rule_run(const struct px *px, enum rule_set set, struct txn *t,
    struct rule_run *run)
{
	const struct rule_cfg *c = px_get(&px->slots, &rule_slot);
	const struct rule_list *list = &c->set[set];
	bool may_wait = set == RULE_TCP_REQ || set == RULE_TCP_RES;
	int64_t wait_ms = may_wait ? c->inspect_ms[set == RULE_TCP_RES] : 0;
	uint32_t end = list->n;

	if (__builtin_expect(rule_at_once != 0, 0) && may_yield(set) &&
	    end - run->at > rule_at_once)
		end = run->at + rule_at_once;
	run->px = px;
	for (; run->at < end; run->at++) {
		const struct rule *r = &list->v[run->at];
		enum rule_verdict v;
		enum cond_result is = run->paused ? COND_TRUE :
		    wait_ms != 0 ? cond_try(r->cond, t) :
		    applies(r, t, run) ? COND_TRUE : COND_FALSE;

		if (is == COND_FALSE)
			continue;
		if (is == COND_WAIT) {
			run->wait_ms = wait_ms;
			return (RULE_WAIT);
		}
		run->by = t->rule_ran = r;
		v = r->action->run(r->priv, t, run);
		if (v == RULE_NEXT)
			continue;
		if (v != RULE_WAIT) {
			run->at++;
			if (set >= RULE_TCP_REQ)
				rule_note(t, r);
		}
		return (v);
	}
	run->by = NULL;
	return (end < list->n ? RULE_YIELD : RULE_NEXT);
}

struct span
rule_name(const struct rule *r, char *p, size_t size)
{
	int n = snprintf(p, size, "%s:%d", r->pos.file != NULL ?
	    r->pos.file : "", r->pos.line);

	return (span_of(p, n < 0 ? 0 : (size_t)n < size ? (size_t)n :
	    size - 1));
}

enum rule_verdict
rule_failed(struct rule_run *run)
{
	if (run->lenient)
		return (RULE_NEXT);
	run->status = 500;
	run->reply = rule_error_reply(run->px, 500);
	run->why = WHY_BUDGET;
	return (RULE_REPLY);
}

bool
rule_inspects(const struct px *px, enum rule_set set)
{
	const struct rule_cfg *c = px_get(&px->slots, &rule_slot);

	return (c->inspect_ms[set == RULE_TCP_RES] != 0);
}

struct span
rule_text(const struct logfmt *f, struct txn *t)
{
	static char *scratch;           /* one process, one thread */
	struct span s;

	if (logfmt_plain(f, t, &s) || logfmt_constant(f, &s))
		return (s);
	if (scratch == NULL && (scratch = malloc(RULE_TEXT_MAX)) == NULL)
		return (SPAN_NONE);
	s = span_of(scratch, logfmt_run(f, t, scratch, RULE_TEXT_MAX));
	return (arena_span(t->arena, s));
}

/* A captured value is cut at the length its line gives. */
static struct span
capture_one(const struct http_head *h, const struct rule_capture_cfg *c)
{
	const struct http_hdr *hdr = c->name.n == 0 ? NULL :
	    http_find(h, c->id, c->name, NULL), *next;
	struct span s;

	if (hdr == NULL)
		return (SPAN_NONE);
	while ((next = http_find(h, c->id, c->name, hdr)) != NULL)
		hdr = next;             /* the last one counts */
	s = span_of(hdr->value, hdr->value_n);
	if (s.n > c->len)
		s.n = c->len;
	return (s);
}

/* "name=value" of the first cookie that begins so; Set-Cookie has one in each
 * header, and attributes behind it. */
static struct span
find_cookie(const struct http_head *h, enum http_name id, struct span begin)
{
	const struct http_hdr *hdr = NULL;
	struct span rest, one;

	while ((hdr = http_find(h, id, SPAN_NONE, hdr)) != NULL) {
		rest = span_of(hdr->value, hdr->value_n);
		while (span_cut(&rest, ';', &one)) {
			one = span_trim(one);
			if (span_begins(one, begin))
				return (one);
			if (id == HTTP_SET_COOKIE)
				break;
		}
	}
	return (SPAN_NONE);
}

static void __attribute__((noinline))
capture_cookie(const struct rule_cfg *c, struct txn *t, bool response)
{
	struct span s = find_cookie(response ? t->res : t->req,
	    response ? HTTP_SET_COOKIE : HTTP_COOKIE, c->cookie);

	if (s.p == NULL)
		return;
	if (s.n > c->cookie_len)
		s.n = c->cookie_len;
	s = arena_span(t->arena, s);
	if (response)
		t->cap_cookie_res = s;
	else
		t->cap_cookie_req = s;
}

static struct txn_capture *
hold_captures(struct txn *t, unsigned n, bool response)
{
	struct txn_capture *c = response ? &t->cap_res : &t->cap_req;

	if (c->v == NULL) {
		c->v = arena_zget(t->arena, n * sizeof *c->v);
		c->n = c->v != NULL ? n : 0;
	}
	return (c);
}

/* Out of line: most frontends capture nothing, and pay for a test only. */
static void __attribute__((noinline))
capture_headers(const struct rule_cfg *cfg, struct txn *t, bool response)
{
	struct txn_capture *c = hold_captures(t, cfg->n_cap[response],
	    response);
	const struct http_head *h = response ? t->res : t->req;
	unsigned i = 0;

	for (const struct rule_capture_cfg *x = cfg->cap[response];
	    x != NULL && i < c->n; x = x->next, i++) {
		struct span s = capture_one(h, x);

		if (s.p != NULL)        /* buffers go before the log line */
			c->v[i] = arena_span(t->arena, s);
	}
}

void
rule_capture(struct txn *t, bool response)
{
	const struct rule_cfg *cfg = px_get(&t->fe->slots, &rule_slot);

	if ((response ? t->res : t->req) == NULL)
		return;
	if (cfg->cookie.n != 0)
		capture_cookie(cfg, t, response);
	if (cfg->cap_named[response])
		capture_headers(cfg, t, response);
	else if (!response && cfg->n_cap[false] != 0)
		(void)hold_captures(t, cfg->n_cap[false], false);
	/* they have a place in the log line, also without a response */
	if (!response && cfg->n_cap[true] != 0)
		(void)hold_captures(t, cfg->n_cap[true], true);
}
