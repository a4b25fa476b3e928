/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl_pivot - tests without which a condition is false, so that one look-up
 * can stand for many conditions.
 *
 * "if host_a api or host_b api" needs what `host_a` and `host_b` compare:
 * each of its groups has a test of the Host header. A test qualifies when all
 * alternatives of its ACL compare the same sample by the same method.
 *
 * Where conditions of rules behind each other begin with the same test, its
 * failing for the first of them stands for all.
 */
#include "acl_int.h"

static bool
is_indexed(unsigned match)
{
	return (match == ACL_STR || match == ACL_BEG || match == ACL_END);
}

/* What an ACL compares, when it is one thing. */
static bool
acl_pivot(const struct acl *a, struct cond_pivot *p)
{
	const struct acl_term *t = a->terms;

	if (t == NULL || t->pats == NULL || t->expr->fresh ||
	    !is_indexed(t->match))
		return (false);
	*p = (struct cond_pivot){ .expr = t->expr,
	    .match = acl_match_names[t->match],
	    .icase = t->pats->use->icase };
	for (; t != NULL; t = t->next) {
		if (t->expr != p->expr || t->pats == NULL ||
		    acl_match_names[t->match] != p->match)
			return (false);
		for (const struct acl_pats *x = t->pats; x; x = x->next) {
			if (x->use->icase != p->icase)
				return (false);
			p->n += x->use->ref->base.n;
		}
	}
	return (true);
}

/* Evaluating it changes nothing, and gives the same each time. */
static bool
is_pure(const struct acl *a)
{
	for (const struct acl_term *t = a->terms; t != NULL; t = t->next)
		if (t->expr->fresh)
			return (false);
	return (true);
}

/* The test of the group from `x` on that is `want`, or the next of any kind
 * behind it; NULL: there is none that is always evaluated. */
static const struct cond_test *
group_pivot(const struct cond_test *x, const struct cond_pivot *want,
    struct cond_pivot *p)
{
	for (;; x++) {
		if (!x->negate && acl_pivot(x->acl, p) &&
		    (want == NULL || cond_pivot_same(want, p)))
			return (x);
		if (x->last || !is_pure(x->acl))
			return (NULL);
	}
}

/* The first test of the group behind the one that `x` is in. */
static const struct cond_test *
next_group(const struct cond *c, const struct cond_test *x)
{
	while (!x->last)
		x++;
	return (++x < c->test + c->n ? x : NULL);
}

/* All groups have that pivot; its patterns are those of all. */
static bool
in_all_groups(const struct cond *c, struct cond_pivot *p)
{
	const struct cond_test *x = c->test, *found;
	struct cond_pivot one;

	p->n = 0;
	p->whole = true;
	p->test = -1;
	for (; x != NULL; x = next_group(c, x)) {
		if ((found = group_pivot(x, p, &one)) == NULL)
			return (false);
		p->n += one.n;
		p->whole &= x->last;
		if (x == c->test && next_group(c, x) == NULL)
			p->test = (int)(found - c->test);
	}
	return (true);
}

unsigned
cond_pivots(const struct cond *c, struct cond_pivot *out, unsigned max)
{
	const struct cond_test *x, *behind;
	struct cond_pivot p;
	unsigned n = 0;

	if (c == NULL || c->unless)
		return (0);
	behind = next_group(c, c->test);
	for (x = c->test; n < max &&
	    (x = group_pivot(x, NULL, &p)) != NULL; x++) {
		if (in_all_groups(c, &p))
			out[n++] = p;
		if (x->last || x + 1 == behind)
			break;
	}
	return (n);
}

bool
cond_pivot_same(const struct cond_pivot *a, const struct cond_pivot *b)
{
	return (expr_same(a->expr, b->expr) && a->icase == b->icase &&
	    strcmp(a->match, b->match) == 0);
}

/* ---- their patterns ---- */

typedef void ref_fn(struct pat_ref *, void *);

static void
each_ref(const struct cond *c, const struct cond_pivot *p, ref_fn *fn,
    void *arg)
{
	struct cond_pivot one;

	for (const struct cond_test *x = c->test; x != NULL;
	    x = next_group(c, x))
		for (const struct acl_term *t =
		    group_pivot(x, p, &one)->acl->terms; t; t = t->next)
			for (const struct acl_pats *a = t->pats; a;
			    a = a->next)
				fn(a->use->ref, arg);
}

static void
copy_patterns(struct pat_ref *r, void *arg)
{
	struct span **at = arg;

	for (uint32_t i = 0; i < r->base.n; i++)
		*(*at)++ = pat_key(&r->base.row[i]);
}

void
cond_pivot_patterns(const struct cond *c, const struct cond_pivot *p,
    struct span *out)
{
	each_ref(c, p, copy_patterns, &out);
}

struct watcher {
	struct arena *arena;
	bool *stale;
};

static void
add_watch(struct pat_ref *r, void *arg)
{
	struct watcher *x = arg;
	struct pat_watch *w = arena_zget(x->arena, sizeof *w);

	w->stale = x->stale;
	w->next = r->watches;
	r->watches = w;
}

void
cond_pivot_watch(struct arena *a, const struct cond *c,
    const struct cond_pivot *p, bool *stale)
{
	struct watcher x = { a, stale };

	each_ref(c, p, add_watch, &x);
}

/* ---- what conditions behind each other begin with ---- */

/* Nothing but what a rule does changes it. */
static bool
is_steady(const struct acl *a)
{
	for (const struct acl_term *t = a->terms; t != NULL; t = t->next)
		if (t->expr->waits || (t->expr->fresh &&
		    (t->expr->from != NULL || !t->expr->fetch->steady)))
			return (false);
	return (true);
}

/* The same ACL, or two without a name that ask whether there is the same. */
static bool
same_acl(const struct acl *a, const struct acl *b)
{
	const struct acl_term *x = a->terms, *y = b->terms;

	return (a == b || (x != NULL && y != NULL && x->next == NULL &&
	    y->next == NULL && x->expr == y->expr && x->match == y->match &&
	    x->pats == NULL && y->pats == NULL));
}

/* A is false where its first test is: "if A B", and neither "unless A" nor "if
 * A or B". */
static bool
needs_first(const struct cond *c)
{
	return (c != NULL && !c->unless && next_group(c, c->test) == NULL);
}

bool
cond_same_first(const struct cond *a, const struct cond *b)
{
	return (needs_first(a) && needs_first(b) &&
	    a->test->negate == b->test->negate &&
	    same_acl(a->test->acl, b->test->acl) && is_steady(a->test->acl));
}

bool
cond_first(const struct cond *c, struct txn *t)
{
	return (acl_true(c->test->acl, t) != c->test->negate);
}
