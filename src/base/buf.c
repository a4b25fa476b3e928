/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - buffers' memory, and the few operations that move bytes.
 */
#include <base/buf.h>
#include <base/must.h>
#include <base/pool.h>

#include <stdlib.h>
#include <sys/mman.h>

#define DEFAULT_BYTES 16384

size_t buf_size = DEFAULT_BYTES;

static struct pool buf_pool = POOL_INIT("buffer", DEFAULT_BYTES);

/*
 * Buffers that were given back, last in first out. What lies below `n_low`
 * has not been needed since the last buf_trim(), and below `n_cold` the
 * kernel has its pages back.
 */
static char **spare;
static size_t n_spare, n_low, n_cold, spare_cap;

#define PAGE_BYTES 4096u

#ifdef __SANITIZE_ADDRESS__
#define KEEPS_SPARE 0           /* the pool finds more errors */
#else
#define KEEPS_SPARE 1
#endif

static char *
take_spare(void)
{
	char *p = spare[--n_spare];

	if (n_spare < n_low)
		n_low = n_spare;
	if (n_spare < n_cold)
		n_cold = n_spare;
	buf_pool.n_used++;
	if (__builtin_expect(pool_poison >= 0, 0))
		memset(p, pool_poison, buf_size);
	return (p);
}

static bool
grow_spare(void)
{
	size_t cap = spare_cap == 0 ? 64 : spare_cap * 2;
	char **more = realloc(spare, cap * sizeof *more);

	if (more == NULL)
		return (false);
	spare = more;
	spare_cap = cap;
	return (true);
}

static void
give_spare(char *p)
{
	if (KEEPS_SPARE && (n_spare < spare_cap || grow_spare())) {
		spare[n_spare++] = p;
		buf_pool.n_used--;
		return;
	}
	pool_put(&buf_pool, p);
}

bool
buf_trim(void)
{
	uintptr_t from, to;

	for (size_t i = n_cold; i < n_low; i++) {
		from = ((uintptr_t)spare[i] + PAGE_BYTES - 1) &
		    ~(uintptr_t)(PAGE_BYTES - 1);
		to = ((uintptr_t)spare[i] + buf_size) &
		    ~(uintptr_t)(PAGE_BYTES - 1);
		if (to > from)
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	n_cold = n_low;
	n_low = n_spare;
	return (n_cold < n_spare);
}

void
buf_setup(size_t bytes)
{
	MUST(bytes <= UINT32_MAX / 2);
	pool_set_size(&buf_pool, bytes);
	buf_size = bytes;
}

bool
buf_get(struct buf *b)
{
	b->data = n_spare > 0 ? take_spare() : pool_get(&buf_pool);
	b->off = b->len = 0;
	return (b->data != NULL);
}

void
buf_put(struct buf *b)
{
	give_spare(b->data);
	*b = (struct buf){ NULL, 0, 0 };
}

void
buf_align(struct buf *b)
{
	if (b->off == 0)
		return;
	if (b->len > 0)
		memmove(b->data, b->data + b->off, b->len);
	b->off = 0;
}

bool
buf_add(struct buf *b, struct span s)
{
	if (s.n == 0)
		return (true);
	if (!buf_hold(b) || s.n > buf_size - b->len)
		return (false);
	if (s.n > buf_room(b))
		buf_align(b);
	memcpy(buf_tail(b), s.p, s.n);
	buf_wrote(b, s.n);
	return (true);
}
