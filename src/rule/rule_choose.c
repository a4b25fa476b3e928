/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_choose - which backend takes a stream.
 *
 * Lines are tried in order. Neighbouring lines that compare the same sample
 * by the same method become one step with one index; the number found in it
 * is that of the first line that matches, so order is kept.
 */
#include "rule_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <expr/index.h>

struct choose_step {
	const struct px_use_be *line;   /* the first line */
	unsigned n;                     /* lines; 1: no index */
	bool stale;                     /* patterns changed: line by line */
	const struct expr *expr;
	struct expr_index *index;
	const struct px *const *be;     /* by the number the index gives */
};

/* ---- building ---- */

static bool
same_run(const struct cond_single *a, const struct cond_single *b)
{
	return (expr_same(a->expr, b->expr) && a->icase == b->icase &&
	    strcmp(a->match, b->match) == 0);
}

/* Lines from `u` on that can be one step; their patterns are counted. */
static unsigned
run_length(const struct px_use_be *u, size_t *patterns)
{
	struct cond_single first, next;
	unsigned n = 0;

	*patterns = 0;
	if (u->fmt != NULL || !cond_single(u->cond, &first))
		return (0);
	for (; u != NULL && u->fmt == NULL && cond_single(u->cond, &next) &&
	    same_run(&first, &next); u = u->next) {
		*patterns += next.n;
		n++;
	}
	return (n);
}

static void
build_run(struct arena *a, struct choose_step *step, struct px_use_be *u,
    unsigned n, size_t patterns)
{
	struct span *key = must_alloc((patterns + 1) * sizeof *key);
	uint32_t *no = must_alloc((patterns + 1) * sizeof *no);
	const struct px **be = arena_get(a, n * sizeof *be);
	struct cond_single c;
	size_t k = 0;

	step->line = u;
	step->n = n;
	for (unsigned i = 0; i < n; i++, u = u->next) {
		MUST(cond_single(u->cond, &c));
		cond_watch(a, &c, &step->stale);
		be[i] = u->be;
		for (size_t j = 0; j < c.n; j++, k++) {
			key[k] = cond_pattern(&c, j);
			no[k] = i;
		}
	}
	step->expr = c.expr;
	step->be = be;
	step->index = expr_index_new(a, c.match, c.icase, key, no, k);
	free(key);
	free(no);
}

static bool
resolve_lines(struct conf *conf, struct px *px, unsigned *n)
{
	bool ok = true;

	*n = 0;
	for (struct px_use_be *u = px->use_be; u != NULL; u = u->next, ++*n) {
		if (u->fmt != NULL)
			continue;
		u->be = px_find(px_model, span_str(u->name), PX_BE);
		if (u->be == NULL)
			ok = false;     /* the model's check has said so */
		else if (px->mode == PX_HTTP && u->be->mode == PX_TCP)
			ok = conf_fail(conf, DIAG_ALERT, u->pos, "http %s '%s' "
			    "tries to use incompatible tcp %s '%s' (see "
			    "'mode')", px->section, px->name, u->be->section,
			    u->name);
	}
	return (ok);
}

bool
rule_choose_build(struct conf *conf, struct px *px)
{
	struct rule_cfg *c;
	struct px_use_be *u;
	size_t patterns;
	unsigned n;

	if (px->disabled)
		return (true);
	if (!resolve_lines(conf, px, &n))
		return (false);
	c = rule_cfg_edit(px);
	c->steps = arena_zget(conf->arena, n * sizeof *c->steps);
	c->n_steps = 0;
	for (u = px->use_be; u != NULL;) {
		struct choose_step *step = &c->steps[c->n_steps++];

		n = run_length(u, &patterns);
		if (n < 2) {
			step->line = u;
			step->n = 1;
			u = u->next;
			continue;
		}
		build_run(conf->arena, step, u, n, patterns);
		for (; n > 0; n--)
			u = u->next;
	}
	return (true);
}

/* ---- choosing ---- */

static const struct px *
choose_line(const struct px_use_be *u, struct txn *t)
{
	struct span name;

	if (!cond_true(u->cond, t))
		return (NULL);
	if (u->fmt == NULL)
		return (u->be);
	name = rule_text(u->fmt, t);
	return (name.n == 0 ? NULL : px_find(px_model, name, PX_BE));
}

static const struct px *
choose_run(const struct choose_step *step, struct txn *t)
{
	const struct px_use_be *u = step->line;
	uint32_t best;

	if (step->stale) {
		for (unsigned i = 0; i < step->n; i++, u = u->next)
			if (cond_true(u->cond, t))
				return (u->be);
		return (NULL);
	}
	best = expr_index_find(step->index, step->expr, t);
	return (best == EXPR_INDEX_MISS ? NULL : step->be[best]);
}

const struct px *
rule_choose(const struct px *fe, struct txn *t)
{
	const struct rule_cfg *c = px_get(&fe->slots, &rule_slot);

	for (unsigned i = 0; i < c->n_steps; i++) {
		const struct choose_step *step = &c->steps[i];
		const struct px *be = step->n == 1 ?
		    choose_line(step->line, t) : choose_run(step, t);

		/* a dynamic name that no backend has ends the search, too */
		if (be != NULL)
			return (be);
	}
	if (fe->default_be != NULL)
		return (fe->default_be);
	return ((fe->kind & PX_BE) != 0 ? fe : NULL);
}
