/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena - chunks: from two pools for streams, malloc'ed and large for the
 * configuration.
 */
#include <base/arena.h>
#include <base/must.h>
#include <base/pool.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SMALL_BYTES   4096u
#define BIG_BYTES    16384u
#define CONF_BYTES  262144u
#define HUGE_BYTES 2097152u      /* a large page */
#define HUGE_FROM  (4 * HUGE_BYTES)     /* a configuration that is large */
#define HUGE_REST      64u      /* for malloc's own, so that the next one can
				 * lie behind it */

struct arena_chunk {
	struct arena_chunk *next;
	size_t bytes;           /* with this header */
	struct pool *pool;      /* NULL: malloc'ed */
	size_t spare;           /* keeps what follows aligned to 16 */
};

static struct pool small_pool = POOL_INIT("arena_small", SMALL_BYTES);
static struct pool big_pool = POOL_INIT("arena_big", BIG_BYTES);
static char nowhere[8];         /* an empty arena points here, not to NULL */

void
arena_init(struct arena *a, size_t budget_bytes)
{
	a->at = a->end = nowhere;
	a->chunks = NULL;
	a->used_bytes = 0;
	a->budget_bytes = budget_bytes;
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *c, *next;

	for (c = a->chunks; c != NULL; c = next) {
		next = c->next;
		if (c->pool != NULL)
			pool_put(c->pool, c);
		else
			free(c);
	}
	arena_init(a, a->budget_bytes);
}

static struct arena_chunk *
new_chunk(struct arena *a, struct pool *pool, size_t bytes)
{
	struct arena_chunk *c = pool != NULL ? pool_get(pool) : malloc(bytes);

	if (c == NULL) {
		if (a->budget_bytes == 0)
			must_oom(bytes);
		return (NULL);
	}
	c->pool = pool;
	c->bytes = bytes;
	a->used_bytes += bytes;
	return (c);
}

/* The chunk from which small requests are served from now on. */
static void *
make_current(struct arena *a, struct arena_chunk *c, size_t bytes)
{
	char *p = (char *)(c + 1);

	c->next = a->chunks;
	a->chunks = c;
	a->at = p + bytes;
	a->end = (char *)c + c->bytes;
	return (p);
}

/* A chunk for one large request; the current one stays current. */
static void *
own_chunk(struct arena *a, size_t bytes)
{
	struct arena_chunk *c = new_chunk(a, NULL, sizeof(*c) + bytes);

	if (c == NULL)
		return (NULL);
	if (a->chunks == NULL)
		return (make_current(a, c, bytes));
	c->next = a->chunks->next;
	a->chunks->next = c;
	return (c + 1);
}

static void *
grow_stream(struct arena *a, size_t bytes)
{
	size_t left = a->budget_bytes - a->used_bytes;
	size_t want = bytes + sizeof(struct arena_chunk);
	struct pool *pool = &big_pool;
	struct arena_chunk *c;

	if (want > left)
		return (NULL);
	if (want > BIG_BYTES)
		return (own_chunk(a, bytes));
	if (want <= SMALL_BYTES && (a->chunks == NULL || left < BIG_BYTES))
		pool = &small_pool;
	if (pool->size > left)          /* the last bytes of the budget */
		return (own_chunk(a, bytes));
	c = new_chunk(a, pool, pool->size);
	return (c == NULL ? NULL : make_current(a, c, bytes));
}

/* A large configuration is walked many times, by each process: one page of
 * the processor's tables for all of a chunk, where the kernel has it. */
static struct arena_chunk *
huge_chunk(struct arena *a)
{
	size_t bytes = HUGE_BYTES - HUGE_REST;
	struct arena_chunk *c;
	void *p;

	if (posix_memalign(&p, HUGE_BYTES, bytes) != 0)
		must_oom(bytes);
	(void)madvise(p, HUGE_BYTES, MADV_HUGEPAGE);
	c = p;
	c->pool = NULL;
	c->bytes = bytes;
	a->used_bytes += bytes;
	return (c);
}

void *
arena_grow(struct arena *a, size_t bytes)
{
	struct arena_chunk *c;

	if (bytes > SIZE_MAX / 2) {
		MUST(a->budget_bytes != 0);
		return (NULL);
	}
	if (a->budget_bytes != 0)
		return (grow_stream(a, bytes));
	if (bytes > CONF_BYTES / 4)
		return (own_chunk(a, bytes));
	if (a->used_bytes >= HUGE_FROM)
		c = huge_chunk(a);
	else
		c = new_chunk(a, NULL, CONF_BYTES);
	return (make_current(a, c, bytes));
}

void *
arena_zget(struct arena *a, size_t bytes)
{
	void *p = arena_get(a, bytes);

	if (p != NULL)
		memset(p, 0, bytes);
	return (p);
}

char *
arena_dup(struct arena *a, struct span s)
{
	char *p = arena_get(a, s.n + 1);

	if (p == NULL)
		return (NULL);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (p);
}

struct span
arena_span(struct arena *a, struct span s)
{
	char *p = arena_dup(a, s);

	return (p == NULL ? SPAN_NONE : span_of(p, s.n));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	char *at = a->at, *p;
	va_list ap;
	int n;

	/* Where it will be, if it fits there. */
	va_start(ap, fmt);
	n = vsnprintf(at, (size_t)(a->end - at), fmt, ap);
	va_end(ap);
	MUST(n >= 0);
	if ((p = arena_get(a, (size_t)n + 1)) == at || p == NULL)
		return (p);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (p);
}
