/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
/*
 * arena - memory that is freed all at once.
 *
 * A stream's arena takes its chunks from a pool and has a byte budget; the
 * configuration's arena grows without one. Ending is one arena_reset().
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <base/span.h>

struct arena_chunk;

struct arena {
	char *at, *end;                 /* free part of the current chunk */
	struct arena_chunk *chunks;     /* newest first */
	size_t used_bytes;              /* of all chunks */
	size_t budget_bytes;            /* 0: none, and panics without memory */
};

/* arena_init - empty; `budget_bytes` 0 for a configuration arena. */
void arena_init(struct arena *, size_t budget_bytes);

/* arena_reset - free everything that came from it. */
void arena_reset(struct arena *);

/* arena_grow - slow path of arena_get(). */
void *arena_grow(struct arena *, size_t bytes);

/* arena_get - `bytes` aligned to 8, contents undefined; NULL when the budget
 * or memory is exhausted (never NULL without a budget). */
static inline void *
arena_get(struct arena *a, size_t bytes)
{
	char *p = a->at;

	bytes = (bytes + 7) & ~(size_t)7;
	if (__builtin_expect((size_t)(a->end - p) < bytes, 0))
		return (arena_grow(a, bytes));
	a->at = p + bytes;
	return (p);
}

/* arena_zget - the same, zeroed. */
void *arena_zget(struct arena *, size_t bytes);

/* arena_dup - a NUL-terminated copy of the bytes, or NULL. */
char *arena_dup(struct arena *, struct span);

/* arena_span - arena_dup() as a span; p is NULL without memory. */
struct span arena_span(struct arena *, struct span);

/* arena_printf - formatted text, or NULL. */
char *arena_printf(struct arena *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#endif
