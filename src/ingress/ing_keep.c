/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_keep - make a plan, or take the last one further.
 */
#include <ingress/keep.h>

#include <malloc.h>
#include <string.h>

/* What updates may add to the arena of a plan: it gives back nothing. */
#define UPDATES_BYTES (8 << 20)

#define MMAP_BYTES (32 << 20)   /* the most that malloc takes there */
#define KEEP_BYTES (128 << 20)

void
ing_keep_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
}

void
ing_keep_fini(struct ing_keep *k)
{
	ing_files_fini(&k->files);
	ing_plan_free(k->plan);
	memset(k, 0, sizeof *k);
}

static bool
update(struct ing_keep *k, struct ing_store *store)
{
	size_t n;
	const struct ing_touched *v = ing_store_touched(store, &n);

	return (v != NULL && k->rendered &&
	    k->plan->mem.used_bytes <= k->bytes_most &&
	    ing_plan_update(k->plan, store, v, n) &&
	    ing_render_moved(k->plan, &k->files));
}

bool
ing_keep_plan(struct ing_keep *k, struct ing_store *store,
    const struct ing_options *o)
{
	bool kept = k->plan != NULL && update(k, store);

	if (!kept) {
		ing_keep_fini(k);
		ing_store_forget_asked(store);
		k->plan = ing_plan_make(store, o);
	}
	ing_store_forget_touched(store);
	return (!kept);
}

bool
ing_keep_render(struct ing_keep *k, char **why)
{
	if (k->rendered)
		return (true);
	ing_files_fini(&k->files);
	k->rendered = ing_render(k->plan, &k->files, why);
	k->bytes_most = k->plan->mem.used_bytes + UPDATES_BYTES;
	return (k->rendered);
}
