/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_plan_update - a plan after a change of endpoints, which is what changes
 * most often: nothing but the servers of a few backends.
 */
#include "ing_plan_int.h"

#include <stdlib.h>

#include <base/must.h>

struct ing_services {
	struct ing_index backends;      /* ns, service: the first of them */
	struct ing_plan_be **moved;
	uint32_t cap;
};

void
ing_plan_forget_services(struct ing_plan *plan)
{
	struct ing_services *x = plan->services;

	if (x == NULL)
		return;
	ing_index_fini(&x->backends);
	free(x->moved);
	free(x);
	plan->services = NULL;
}

/* Backends by Service: made when it is first asked for. */
static struct ing_services *
services_of(struct ing_planning *p)
{
	struct ing_plan *plan = p->plan;
	struct ing_services *x = plan->services;

	if (x != NULL)
		return (x);
	plan->services = x = must_alloc(sizeof *x);
	for (uint32_t i = 0; i < plan->n_backends; i++) {
		struct ing_plan_be *be = plan->backends[i], *first;

		if (be->port_of == NULL)
			continue;
		first = ing_index_put(&x->backends, ing_plan_key(p, be->ns,
		    be->service, "", ""), be);
		if (first != be) {
			be->next_of = first->next_of;
			first->next_of = be;
		}
	}
	return (x);
}

/* --- the slices of a Service ------------------------------------------------- */

/* The first of `all` that is not in a namespace before `ns`. */
static size_t
first_in(const struct ing_obj *const *all, size_t n, const char *ns)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(all[mid]->ns, ns) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

static struct ing_slice_ref *
slices_of(struct ing_planning *p, const struct ing_touched *t)
{
	struct ing_slice_ref *refs = NULL, *one;
	const struct ing_obj *const *all;
	size_t n;

	all = ing_store_all(p->store, ING_SLICE, &n);
	for (size_t i = first_in(all, n, t->ns); i < n &&
	    strcmp(all[i]->ns, t->ns) == 0; i++) {
		const struct ing_slice *s = (const struct ing_slice *)all[i];

		if (s->service == NULL || strcmp(s->service, t->service) != 0)
			continue;
		one = arena_get(p->mem, sizeof *one);
		one->slice = s;
		one->next = refs;
		refs = one;
	}
	return (refs);
}

/* --- backends ---------------------------------------------------------------- */

/* A name has the address and the port in it. */
static bool
is_same(const struct ing_plan_be *a, const struct ing_plan_be *b)
{
	if (a->n_servers != b->n_servers)
		return (false);
	for (uint32_t i = 0; i < a->n_servers; i++)
		if (a->servers[i].drain != b->servers[i].drain ||
		    strcmp(a->servers[i].name, b->servers[i].name) != 0)
			return (false);
	return (true);
}

static void
note_moved(struct ing_plan *plan, struct ing_plan_be *be)
{
	struct ing_services *x = plan->services;

	if (be->moved)
		return;
	be->moved = true;
	if (plan->n_moved == x->cap) {
		x->cap = x->cap == 0 ? 16 : x->cap * 2;
		x->moved = must_realloc(x->moved, x->cap * sizeof *x->moved);
	}
	x->moved[plan->n_moved++] = be;
	plan->moved = x->moved;
}

/* Others are led elsewhere when it has servers, or has none any more. */
static bool
update(struct ing_planning *p, struct ing_plan_be *be,
    const struct ing_slice_ref *refs)
{
	struct ing_servers s = { .p = p };
	struct ing_plan_be old = *be;

	for (; refs != NULL; refs = refs->next)
		ing_plan_add_slice(&s, refs->slice, be->port_of->name);
	ing_plan_servers_end(&s, be);
	if ((be->n_servers == 0) != (old.n_servers == 0))
		return (false);
	if (is_same(be, &old))
		return (true);
	note_moved(p->plan, be);
	return (!be->in_maps);
}

bool
ing_plan_update(struct ing_plan *plan, struct ing_store *store,
    const struct ing_touched *v, size_t n)
{
	struct ing_planning p = { .plan = plan, .mem = &plan->mem,
	    .store = store, .o = plan->options };
	struct ing_services *x = services_of(&p);
	bool good = true;

	for (uint32_t i = 0; i < plan->n_moved; i++)
		plan->moved[i]->moved = false;
	plan->n_moved = 0;
	for (size_t i = 0; i < n && good; i++) {
		struct ing_plan_be *be = ing_index_get(&x->backends,
		    ing_plan_key(&p, v[i].ns, v[i].service, "", ""));
		struct ing_slice_ref *refs = be == NULL ? NULL :
		    slices_of(&p, &v[i]);

		for (; be != NULL && good; be = be->next_of)
			good = update(&p, be, refs);
	}
	return (good);
}
