/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_pre - lines that begin with a dot: conditional blocks and messages.
 *
 * Source: configuration manual, 2.4.
 */
#include "conf_int.h"

#include <base/must.h>

static const char *const directives[] = { ".if", ".elif", ".else", ".endif",
	".notice", ".warning", ".alert", ".diag" };

static bool
is_skipping(const struct conf_section_state *st)
{
	return (st->n_if > 0 && st->ifs[st->n_if - 1].state != CONF_IF_TAKE);
}

/* The words after the directive as one text, a space between them. */
static int
eval_line(struct conf_line *l)
{
	struct text cond;
	const char *err;
	int col, truth;

	text_init(&cond);
	for (int i = 1; i < l->n; i++) {
		if (i > 1)
			text_addc(&cond, ' ');
		text_add(&cond, l->word[i].text);
	}
	truth = conf_eval(text_span(&cond), &err, &col);
	if (truth < 0) {
		conf_err(l, &l->word[1], "%s '%s' in '%s' at position %d",
		    err, cond.p, l->word[0].text.p, col);
		truth = 0;
	}
	text_fini(&cond);
	return (truth);
}

static void
pre_if(struct conf_line *l)
{
	struct conf_section_state *st = l->conf->state;
	bool hidden = is_skipping(st);
	struct conf_if_level *lvl;

	if (st->n_if == CONF_IF_MAX) {
		conf_err(l, &l->word[0], "too many nested '.if', max is %d",
		    CONF_IF_MAX);
		return;
	}
	lvl = &st->ifs[st->n_if++];
	lvl->had_else = false;
	lvl->line = l->line;
	if (hidden)
		lvl->state = CONF_IF_DONE;
	else
		lvl->state = eval_line(l) == 1 ? CONF_IF_TAKE : CONF_IF_SKIP;
}

static void
pre_elif(struct conf_line *l)
{
	struct conf_section_state *st = l->conf->state;
	struct conf_if_level *lvl;

	if (st->n_if == 0) {
		conf_err(l, &l->word[0], "lone '.elif' with no matching "
		    "'.if'");
		return;
	}
	lvl = &st->ifs[st->n_if - 1];
	if (lvl->had_else)
		conf_err(l, &l->word[0], "'.elif' after '.else' is not "
		    "permitted");
	else if (lvl->state == CONF_IF_SKIP)
		lvl->state = eval_line(l) == 1 ? CONF_IF_TAKE : CONF_IF_SKIP;
	else
		lvl->state = CONF_IF_DONE;
}

static void
pre_else(struct conf_line *l)
{
	struct conf_section_state *st = l->conf->state;
	struct conf_if_level *lvl;

	if (l->n > 1) {
		conf_err(l, &l->word[1], "unexpected argument '%s' for "
		    "'.else'", l->word[1].text.p);
		return;
	}
	if (st->n_if == 0) {
		conf_err(l, &l->word[0], "lone '.else' with no matching "
		    "'.if'");
		return;
	}
	lvl = &st->ifs[st->n_if - 1];
	if (lvl->had_else) {
		conf_err(l, &l->word[0], "'.else' after '.else' is not "
		    "permitted");
		return;
	}
	lvl->had_else = true;
	lvl->state = lvl->state == CONF_IF_SKIP ? CONF_IF_TAKE :
	    CONF_IF_DONE;
}

static void
pre_endif(struct conf_line *l)
{
	struct conf_section_state *st = l->conf->state;

	if (l->n > 1)
		conf_err(l, &l->word[1], "unexpected argument '%s' for "
		    "'.endif'", l->word[1].text.p);
	else if (st->n_if == 0)
		conf_err(l, &l->word[0], "lone '.endif' with no matching "
		    "'.if'");
	else
		st->n_if--;
}

static void
pre_message(struct conf_line *l, enum diag_level level)
{
	struct span text = l->n > 1 ? l->word[1].text : SPAN("");

	if (l->n > 2) {
		conf_err(l, &l->word[2], "unexpected argument '%s' for '%s'",
		    l->word[2].text.p, l->word[0].text.p);
		conf_err_hint(l, "quote a message that has spaces");
		return;
	}
	if (level == DIAG_DIAG && !l->conf->diagnostics)
		return;
	diag_add(l->conf->diags, level, conf_pos(l, NULL), SPAN_NONE, "'%s'",
	    text.p);
}

bool
conf_pre(struct conf_line *l)
{
	struct span w = l->word[0].text;
	bool skipping = is_skipping(l->conf->state);
	const char *near;

	if (w.n == 0 || w.p[0] != '.')
		return (skipping);
	if (span_is(w, ".if"))
		pre_if(l);
	else if (span_is(w, ".elif"))
		pre_elif(l);
	else if (span_is(w, ".else"))
		pre_else(l);
	else if (span_is(w, ".endif"))
		pre_endif(l);
	else if (skipping)
		return (true);
	else if (span_is(w, ".notice"))
		pre_message(l, DIAG_NOTICE);
	else if (span_is(w, ".warning"))
		pre_message(l, DIAG_WARNING);
	else if (span_is(w, ".alert"))
		pre_message(l, DIAG_ALERT);
	else if (span_is(w, ".diag"))
		pre_message(l, DIAG_DIAG);
	else {
		near = kw_nearest(w, directives, NELEM(directives));
		if (near != NULL)
			conf_err(l, &l->word[0], "unknown directive '%s'; "
			    "did you mean '%s' maybe ?", w.p, near);
		else
			conf_err(l, &l->word[0], "unknown directive '%s'",
			    w.p);
	}
	return (true);
}

void
conf_pre_end(struct conf_line *l)
{
	struct conf_section_state *st = l->conf->state;

	if (st->n_if > 0) {
		conf_err(l, NULL, "non-terminated '.if' block");
		conf_err_hint(l, "the '.if' of line %d wants an '.endif'",
		    st->ifs[st->n_if - 1].line);
	}
	st->n_if = 0;
}
