/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_expr - samples and formats in the lines of a check: what they are
 * evaluated on, variables that steps set, formats in place of words.
 *
 * A check has a transaction of its own while it runs, made when the first
 * step needs it: no client, the backend and the server, and what the server
 * answered to the last question.
 *
 * Source: configuration manual 4.2 "http-check set-var", "tcp-check send-lf".
 */
#include "chk_int.h"

#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <base/must.h>
#include <base/num.h>
#include <conf/conf.h>
#include <h1/h1.h>

#define BUDGET_BYTES (1u << 20)

struct chk_txn {
	struct txn t;
	struct arena arena;
	struct expr_vars *sess;         /* as long as the check */
	struct chk *chk;
};

/* ---- the transaction ---- */

static struct chk *
check_of(const struct txn *t)
{
	return (((struct chk_txn *)t->strm)->chk);
}

static struct conn *
server_conn(struct txn *t)
{
	struct conn *c = &check_of(t)->conn;

	return (c->fd < 0 ? NULL : c);
}

static void
want_addr(struct txn *t, enum txn_addr which)
{
	struct conn *c = server_conn(t);

	if (c != NULL && (which == TXN_BSRC || which == TXN_BDST))
		t->addr[which] = which == TXN_BDST ? *conn_peer(c) :
		    *conn_local(c);
}

/* What came, without the head in HTTP. */
static struct span
payload(struct txn *t, bool response)
{
	const struct chk *c = check_of(t);
	struct span in = span_of(c->in, c->in == NULL ? 0 : c->in_n);
	const char *end;

	if (!response)
		return (SPAN_NONE);
	if (!t->is_http || in.n == 0)
		return (in);
	if ((end = memmem(in.p, in.n, "\r\n\r\n", 4)) == NULL)
		return (SPAN_NONE);
	end += 4;
	return (span_of(end, in.n - (size_t)(end - in.p)));
}

static const struct txn_ops ops = {
	.want_addr = want_addr, .payload = payload, .server_conn = server_conn,
};

/* The head of the answer, when it is here and well formed. */
static void
look_at_head(struct chk_txn *x)
{
	const struct chk *c = x->chk;
	size_t scan = 0, used, bad;

	if (x->t.res != NULL)
		http_head_free(x->t.res);
	x->t.res = NULL;
	x->t.srv_status = 0;
	x->t.addr[TXN_BSRC].family = x->t.addr[TXN_BDST].family = ADDR_NONE;
	txn_touch(&x->t);
	if (!x->t.is_http || c->in == NULL || c->in_n == 0 ||
	    (x->t.res = http_head_new()) == NULL)
		return;
	if (h1_res_parse(span_of(c->in, c->in_n), &scan, HTTP_GET, x->t.res,
	    &used, &bad) == WHY_OK) {
		x->t.srv_status = (uint16_t)x->t.res->status;
		return;
	}
	http_head_free(x->t.res);
	x->t.res = NULL;
}

static struct txn *
begin(struct chk *c)
{
	struct chk_txn *x = c->txn;

	if (x == NULL) {
		x = c->txn = must_alloc(sizeof *x);
		arena_init(&x->arena, BUDGET_BYTES);
		x->chk = c;
		x->t.ops = &ops;
		x->t.arena = &x->arena;
		x->t.stage = TXN_CHECK;
		x->t.fe = x->t.be = c->srv->be->px;
		x->t.srv = c->srv->cfg;
		x->t.is_http = c->type == CHK_TYPE_HTTP;
		x->t.sess_vars = &x->sess;
		x->t.t.accept_wall = x->t.t.request_wall = clock_wall_us();
		x->t.t.accept = clock_mono_us();
		x->t.log_level = -1;
		x->t.strm = x;
	}
	look_at_head(x);
	return (&x->t);
}

void
chk_txn_end(struct chk *c)
{
	struct chk_txn *x = c->txn;

	if (x == NULL)
		return;
	c->txn = NULL;
	if (x->t.res != NULL)
		http_head_free(x->t.res);
	expr_vars_end(&x->t);
	expr_vars_free(x->sess);
	arena_reset(&x->arena);
	free(x);
}

/* ---- steps ---- */

struct span
chk_format(struct chk *c, const struct logfmt *fmt)
{
	struct txn *t = begin(c);
	char *dst = arena_get(t->arena, CHK_IN_BYTES);

	if (dst == NULL)
		return (SPAN_NONE);
	return (span_of(dst, logfmt_run(fmt, t, dst, CHK_IN_BYTES)));
}

struct span
chk_format_hex(struct chk *c, const struct logfmt *fmt)
{
	struct span s = chk_format(c, fmt);
	char *bytes = (char *)(uintptr_t)s.p;   /* in its place: shorter */

	if (s.n % 2 != 0)
		return (SPAN_NONE);
	for (size_t i = 0; i < s.n; i += 2) {
		int hi = num_hexval(s.p[i]), lo = num_hexval(s.p[i + 1]);

		if (hi < 0 || lo < 0)
			return (SPAN_NONE);
		bytes[i / 2] = (char)(hi << 4 | lo);
	}
	return (span_of(bytes, s.n / 2));
}

bool
chk_number(struct chk *c, const struct expr *expr, int64_t *n)
{
	struct txn *t = begin(c);
	struct smp s;

	if (!expr_eval(expr, t, &s) || !smp_cast(t, &s, SMP_INT))
		return (false);
	*n = s.num;
	return (true);
}

void
chk_set(struct chk *c, const struct chk_set *set)
{
	struct txn *t = begin(c);
	struct smp s = { .type = SMP_STR };

	if (set->fmt != NULL)
		s.str = chk_format(c, set->fmt);
	else if (set->expr == NULL || !expr_eval(set->expr, t, &s)) {
		expr_var_unset(set->var, t);
		return;
	}
	expr_var_set(set->var, t, set->when, &s);
}

/* ---- configuration ---- */

/* "set-var(check.x,ifset)": between the parentheses of the line's keyword. */
static bool
take_name(struct conf_line *l, bool conditions, struct chk_set *set)
{
	const struct conf_word *w = &l->word[l->at - 1];
	struct conf_word at = *w;
	ptrdiff_t open = span_find(w->text, '(');
	const char *err;

	if (open < 0 || w->text.p[w->text.n - 1] != ')')
		return (conf_err(l, w, "expected a variable in parentheses, "
		    "'%.*s(check.name)'", open < 0 ? (int)w->text.n :
		    (int)open, w->text.p));
	at.text = span_of(w->text.p + open + 1,
	    w->text.n - (size_t)open - 2);
	at.col += (int)open + 1;
	at.width = (int)at.text.n;
	set->var = expr_var_word(at.text, conditions ? &set->when : NULL,
	    &err);
	if (set->var == NULL)
		return (conf_err(l, &at, "'%.*s': %s", SPAN_FMT(at.text),
		    err));
	switch (expr_var_scope(set->var)) {
	case EXPR_SCOPE_PROC:
	case EXPR_SCOPE_SESS:
	case EXPR_SCOPE_CHECK:
		return (true);
	default:
		return (conf_err(l, &at, "a check has variables of the scopes "
		    "'proc', 'sess' and 'check', not '%.*s'",
		    SPAN_FMT(at.text)));
	}
}

bool
chk_parse_set(struct conf_line *l, struct chk_step *s)
{
	struct chk_set *set = arena_zget(l->conf->arena, sizeof *set);
	const struct conf_word *w;
	struct span text;

	s->set = set;
	if (!take_name(l, true, set))
		return (false);
	w = conf_peek(l);
	if (!conf_want(l, "a sample expression", &text))
		return (false);
	set->expr = expr_parse_words(l, w, text, SMP_AT(CHECK));
	return (set->expr != NULL && conf_end(l));
}

bool
chk_parse_set_fmt(struct conf_line *l, struct chk_step *s)
{
	struct chk_set *set = arena_zget(l->conf->arena, sizeof *set);

	s->set = set;
	if (!take_name(l, true, set) ||
	    !chk_want_format(l, "a format", &set->fmt))
		return (false);
	return (conf_end(l));
}

bool
chk_parse_unset(struct conf_line *l, struct chk_step *s)
{
	struct chk_set *set = arena_zget(l->conf->arena, sizeof *set);

	s->set = set;
	return (take_name(l, false, set) && conf_end(l));
}

bool
chk_want_format(struct conf_line *l, const char *what,
    const struct logfmt **out)
{
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, what, &text))
		return (false);
	*out = logfmt_parse(l, w, text, LOGFMT_BODY, SMP_AT(CHECK));
	return (*out != NULL);
}

/* Words that may be a format: `text` when they are always the same. */
bool
chk_want_message(struct conf_line *l, struct span *text,
    const struct logfmt **fmt)
{
	if (!chk_want_format(l, "a message", fmt))
		return (false);
	if (logfmt_constant(*fmt, text))
		*fmt = NULL;
	return (true);
}

bool
chk_want_expr(struct conf_line *l, const struct expr **out)
{
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, "a sample expression", &text))
		return (false);
	*out = expr_parse_words(l, w, text, SMP_AT(CHECK));
	if (*out != NULL && !smp_may_cast(expr_type(*out), SMP_INT))
		return (conf_err(l, w, "expected an expression that gives a "
		    "number, found one of type %s",
		    smp_type_name(expr_type(*out))));
	return (*out != NULL);
}
