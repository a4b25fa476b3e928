/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_POOL_H
#define BASE_POOL_H
/*
 * pool - fixed-size objects without malloc in the steady state.
 *
 * One process, one thread: no locks. Objects come from slabs of about 64 KiB
 * (a large object is its own slab) and return to a free list; slabs stay.
 * A freed object's first bytes hold the free list; -dM fills the rest.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool {
	const char *name;
	size_t size;            /* bytes of one object, rounded up to 16 */
	void *free_list;
	size_t n_total;         /* objects ever carved */
	size_t n_used;
	size_t n_failed;        /* pool_get() that found no memory */
	size_t limit;           /* objects at most; 0: none */
	struct pool *next;      /* every pool of the process */
};

#define POOL_INIT(nm, bytes)                                                 \
	{ .name = (nm), .size = ((bytes) + 15u) & ~(size_t)15 }

extern struct pool *pool_all;           /* list of used pools, for reports */
extern int pool_poison;                 /* -dM: fill byte, -1 when off */

/* pool_get - an object, contents undefined, or NULL without memory. */
void *pool_get(struct pool *);

/* pool_zget - the same, zeroed. */
void *pool_zget(struct pool *);

/* pool_put - give it back; NULL is fine. */
void pool_put(struct pool *, void *);

/* pool_set_size - change the size of an unused pool (tune.bufsize). */
void pool_set_size(struct pool *, size_t bytes);
#endif
