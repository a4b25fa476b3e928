/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_var - set-var, set-var-fmt and unset-var, in all kinds of rules.
 *
 * Source: configuration manual 4.2.
 */
#include "rule_int.h"

#include <expr/vars.h>

struct set_var {
	const struct expr_var *var;
	unsigned when;                  /* bits of enum expr_var_when */
	const struct expr *expr;        /* one of them */
	const struct logfmt *fmt;
};

/* "(txn.x,ifset)" of the action's word. */
static bool
take_name(struct conf_line *l, bool conditions, struct set_var *s)
{
	const struct conf_word *w = rule_word(l);
	ptrdiff_t open = span_find(w->text, '(');
	struct conf_word at = *w;
	const char *err;

	if (open < 0 || w->text.p[w->text.n - 1] != ')')
		return (conf_err(l, w, "expected a variable in parentheses, "
		    "'%.*s(txn.name)', found '%.*s'",
		    open < 0 ? (int)w->text.n : (int)open, w->text.p,
		    SPAN_FMT(w->text)));
	at.text = span_of(w->text.p + open + 1,
	    w->text.n - (size_t)open - 2);
	at.col += (int)open + 1;
	at.width = (int)at.text.n;
	s->var = expr_var_word(at.text, conditions ? &s->when : NULL, &err);
	return (s->var != NULL || conf_err(l, &at, "'%.*s': %s",
	    SPAN_FMT(at.text), err));
}

static bool
parse_set(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct set_var *s = arena_zget(l->conf->arena, sizeof *s);
	const struct conf_word *w;
	struct span text;

	(void)px;
	*priv = s;
	if (!take_name(l, true, s))
		return (false);
	w = conf_peek(l);
	if (!conf_want(l, "a sample expression", &text))
		return (false);
	s->expr = expr_parse_words(l, w, text, rule_stages(set));
	return (s->expr != NULL);
}

static bool
parse_set_fmt(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct set_var *s = arena_zget(l->conf->arena, sizeof *s);
	struct logfmt *f;

	(void)px;
	*priv = s;
	if (!take_name(l, true, s) ||
	    !rule_want_fmt(l, "a format", LOGFMT_RAW, set, &f))
		return (false);
	s->fmt = f;
	return (true);
}

static bool
parse_unset(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct set_var *s = arena_zget(l->conf->arena, sizeof *s);

	(void)px;
	(void)set;
	*priv = s;
	return (take_name(l, false, s));
}

static enum rule_verdict
run_set(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct set_var *v = priv;
	struct smp s;

	(void)run;
	if (expr_eval(v->expr, t, &s))
		expr_var_set(v->var, t, v->when, &s);
	return (RULE_NEXT);
}

static enum rule_verdict
run_set_fmt(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct set_var *v = priv;
	struct smp s = { .type = SMP_STR, .str = rule_text(v->fmt, t) };

	(void)run;
	if (s.str.p != NULL)
		expr_var_set(v->var, t, v->when, &s);
	return (RULE_NEXT);
}

static enum rule_verdict
run_unset(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct set_var *v = priv;

	(void)run;
	expr_var_unset(v->var, t);
	return (RULE_NEXT);
}

#define ALL_SETS ((1u << RULE_N) - 1)

ACTION(set_var) = {
	.name = "set-var", .sets = ALL_SETS, .parens = true,
	.args = "(<name>[,<condition>…]) <sample>",
	.parse = parse_set, .run = run_set,
	.doc = "Keeps the value of a sample in a variable, when the conditions "
	    "hold: ifexists, ifnotexists, ifempty, ifnotempty, ifset, "
	    "ifnotset, ifgt, iflt.",
	.example = "http-request set-var(txn.host) req.hdr(host),lower",
};
ACTION(set_var_fmt) = {
	.name = "set-var-fmt", .sets = ALL_SETS, .parens = true,
	.args = "(<name>[,<condition>…]) <format>",
	.parse = parse_set_fmt, .run = run_set_fmt,
	.doc = "Keeps the text of a format in a variable.",
	.example = "http-request set-var-fmt(txn.from) %[src]:%[src_port]",
};
ACTION(unset_var) = {
	.name = "unset-var", .sets = ALL_SETS, .parens = true,
	.args = "(<name>)", .parse = parse_unset, .run = run_unset,
	.doc = "Forgets the value of a variable.",
	.example = "http-request unset-var(txn.host)",
};
