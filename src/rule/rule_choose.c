/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_choose - which backend takes a stream.
 *
 * Lines are tried in order. Neighbouring lines whose conditions need a test
 * of the same sample by the same method become one step with one index: it
 * finds those lines whose test holds, in order, and only their conditions are
 * evaluated.
 */
#include "rule_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <expr/index.h>
#include <srv/srv.h>

struct choose_step {
	const struct px_use_be *line;   /* the first line */
	unsigned n;                     /* lines; 1: no index */
	bool stale;                     /* patterns changed: line by line */
	const struct expr *expr;
	struct expr_index *index;
	struct choose_line {            /* by the number the index gives */
		const struct px_use_be *line;
		bool whole;             /* found is chosen */
		int test;               /* else: the test that holds */
	} *found;
};

/* ---- building ---- */

/* The pivot of a line that is the same as `want`. */
static bool
line_pivot(const struct px_use_be *u, const struct cond_pivot *want,
    struct cond_pivot *out)
{
	struct cond_pivot p[COND_PIVOTS];
	unsigned n = cond_pivots(u->cond, p, COND_PIVOTS);

	for (unsigned i = 0; i < n; i++)
		if (cond_pivot_same(want, &p[i])) {
			*out = p[i];
			return (true);
		}
	return (false);
}

struct run {                    /* lines that can be one step */
	struct cond_pivot by;
	unsigned n;
	size_t patterns;
};

static struct run
run_by(const struct px_use_be *u, const struct cond_pivot *by)
{
	struct run r = { .by = *by };
	struct cond_pivot p;

	for (; u != NULL && line_pivot(u, by, &p); u = u->next) {
		r.patterns += p.n;
		r.n++;
	}
	return (r);
}

/* The longest run from `u` on; of equal ones that with more patterns, as they
 * tell the lines apart. */
static struct run
longest_run(const struct px_use_be *u)
{
	struct cond_pivot p[COND_PIVOTS];
	unsigned n = cond_pivots(u->cond, p, COND_PIVOTS);
	struct run best = { .n = 0 };

	for (unsigned i = 0; i < n; i++) {
		struct run r = run_by(u, &p[i]);

		if (r.n > best.n ||
		    (r.n == best.n && r.patterns > best.patterns))
			best = r;
	}
	return (best);
}

static void
build_run(struct arena *a, struct choose_step *step, struct px_use_be *u,
    const struct run *r)
{
	struct span *key = must_alloc((r->patterns + 1) * sizeof *key);
	uint32_t *no = must_alloc((r->patterns + 1) * sizeof *no);
	struct cond_pivot p;
	size_t k = 0;

	step->line = u;
	step->n = r->n;
	step->expr = r->by.expr;
	step->found = arena_get(a, r->n * sizeof *step->found);
	for (unsigned i = 0; i < r->n; i++, u = u->next) {
		MUST(line_pivot(u, &r->by, &p));
		cond_pivot_watch(a, u->cond, &p, &step->stale);
		cond_pivot_patterns(u->cond, &p, key + k);
		for (size_t j = 0; j < p.n; j++)
			no[k++] = i;
		step->found[i] = (struct choose_line){ u, p.whole,
		    p.test };
	}
	step->index = expr_index_new(a, r->by.match, r->by.icase, key, no, k);
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
	struct run r;
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

		r = longest_run(u);
		if (r.n < 2) {
			step->line = u;
			step->n = 1;
			u = u->next;
			continue;
		}
		build_run(conf->arena, step, u, &r);
		for (n = r.n; n > 0; n--)
			u = u->next;
	}
	return (true);
}

/* ---- choosing ---- */

static bool
is_forced(struct txn *t)
{
	const struct rule_cfg *c = px_get(&t->fe->slots, &rule_slot);

	for (const struct rule_force *f = c->force; f != NULL; f = f->next)
		if (cond_true(f->cond, t))
			return (true);
	return (false);
}

static const struct px *
if_published(const struct px *be, struct txn *t)
{
	return (be == NULL || be_published(be) || is_forced(t) ? be : NULL);
}

static const struct px *
line_backend(const struct px_use_be *u, struct txn *t)
{
	struct span name;

	if (u->fmt == NULL)
		return (if_published(u->be, t));
	name = rule_text(u->fmt, t);
	return (name.n == 0 ? NULL : if_published(px_find(px_model, name,
	    PX_BE), t));
}

static const struct px *
choose_line(const struct px_use_be *u, struct txn *t)
{
	return (cond_true(u->cond, t) ? line_backend(u, t) : NULL);
}

static const struct px *
choose_each(const struct choose_step *step, struct txn *t)
{
	const struct px_use_be *u = step->line;
	const struct px *be = NULL;

	for (unsigned i = 0; i < step->n && be == NULL; i++, u = u->next)
		be = choose_line(u, t);
	return (be);
}

static const struct px *
choose_run(const struct choose_step *step, struct txn *t)
{
	struct expr_hits hits;
	const struct px *be = NULL;
	uint32_t no;

	if (step->stale || !expr_index_find(step->index, step->expr, t, &hits))
		return (choose_each(step, t));
	while (be == NULL && (no = expr_index_next(&hits)) != EXPR_INDEX_MISS) {
		const struct choose_line *x = &step->found[no];

		if (x->whole || cond_rest(x->line->cond, x->test, t))
			be = line_backend(x->line, t);
	}
	return (be);
}

const struct px *
rule_choose(const struct px *fe, struct txn *t)
{
	const struct rule_cfg *c = px_get(&fe->slots, &rule_slot);

	for (unsigned i = 0; i < c->n_steps; i++) {
		const struct choose_step *step = &c->steps[i];
		const struct px *be = step->n == 1 ?
		    choose_line(step->line, t) : choose_run(step, t);

		/* a dynamic name that no backend has, or one that is not
		 * published: the next line */
		if (be != NULL)
			return (be);
	}
	if (fe->default_be != NULL)
		return (if_published(fe->default_be, t));
	return ((fe->kind & PX_BE) != 0 ? if_published(fe, t) : NULL);
}
