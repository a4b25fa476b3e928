/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_index - open addressing, at most half full.
 */
#include "ing_index_int.h"

#include <stdlib.h>

#include <base/must.h>

void
ing_index_fini(struct ing_index *x)
{
	free(x->slot);
	memset(x, 0, sizeof *x);
}

static struct ing_index_slot *
find(const struct ing_index *x, struct span key, uint64_t hash)
{
	size_t i = hash & (x->size - 1);

	while (x->slot[i].value != NULL && (x->slot[i].hash != hash ||
	    !span_eq(x->slot[i].key, key)))
		i = (i + 1) & (x->size - 1);
	return (&x->slot[i]);
}

void *
ing_index_get(const struct ing_index *x, struct span key)
{
	return (x->n == 0 ? NULL : find(x, key, span_hash(key))->value);
}

static void
grow(struct ing_index *x)
{
	struct ing_index big = { .size = x->size == 0 ? 64 : x->size * 2 };

	big.slot = must_alloc(big.size * sizeof *big.slot);
	for (size_t i = 0; i < x->size; i++)
		if (x->slot[i].value != NULL)
			*find(&big, x->slot[i].key, x->slot[i].hash) =
			    x->slot[i];
	free(x->slot);
	x->slot = big.slot;
	x->size = big.size;
}

void *
ing_index_put(struct ing_index *x, struct span key, void *value)
{
	uint64_t hash = span_hash(key);
	struct ing_index_slot *s;

	if (x->n * 2 >= x->size)
		grow(x);
	s = find(x, key, hash);
	if (s->value == NULL) {
		s->key = key;
		s->hash = hash;
		s->value = value;
		x->n++;
	}
	return (s->value);
}
