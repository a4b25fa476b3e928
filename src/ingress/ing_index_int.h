/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ING_INDEX_INT_H
#define ING_INDEX_INT_H
/*
 * ing_index_int - a hash table from text to pointer, for the time of a plan.
 */
#include <base/arena.h>
#include <base/span.h>

struct ing_index {
	struct ing_index_slot {
		struct span key;        /* the caller's */
		uint64_t hash;
		void *value;            /* NULL: free */
	} *slot;
	size_t size, n;
};

void ing_index_fini(struct ing_index *);
void *ing_index_get(const struct ing_index *, struct span key);

/* ing_index_put - returns what is there: `value`, or an older one that stays.
 * The key must live as long as the index. */
void *ing_index_put(struct ing_index *, struct span key, void *value);
#endif
