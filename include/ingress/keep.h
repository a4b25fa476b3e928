/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_KEEP_H
#define INGRESS_KEEP_H
/*
 * keep - a plan and its files while objects come and go.
 *
 * Both are what ing_plan_make() and ing_render() would make of the store, to the
 * byte. When nothing but endpoints changed, only their backends are looked at.
 */
#include <ingress/plan.h>
#include <ingress/render.h>

struct ing_keep {
	struct ing_plan *plan;          /* NULL: none was made yet */
	struct ing_files files;
	bool rendered;                  /* `files` are the plan's */
	size_t bytes_most;              /* of the plan, before it is made anew */
};

/* ing_keep_plan - of the store as it is now. True when it was made from scratch:
 * then the store knows what it was asked for (ing_store_asked()), which is what
 * it was before otherwise. ing_keep_render - its files; false as ing_render(). */
bool ing_keep_plan(struct ing_keep *, struct ing_store *,
    const struct ing_options *);
bool ing_keep_render(struct ing_keep *, char **why);
void ing_keep_fini(struct ing_keep *);

/* ing_keep_memory - for a program that plans again and again: each plan takes
 * as much as the one before gave back; without this the kernel takes those
 * pages, and zeroes as many anew, a third of the time of a plan. */
void ing_keep_memory(void);
#endif
