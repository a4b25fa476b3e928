/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - buffers' memory, and the few operations that move bytes.
 */
#include <base/buf.h>
#include <base/must.h>
#include <base/pool.h>

#define DEFAULT_BYTES 16384

size_t buf_size = DEFAULT_BYTES;

static struct pool buf_pool = POOL_INIT("buffer", DEFAULT_BYTES);

void
buf_setup(size_t bytes)
{
	MUST(bytes <= UINT32_MAX / 2);
	pool_set_size(&buf_pool, bytes);
	buf_size = bytes;
}

bool
buf_hold(struct buf *b)
{
	if (b->data != NULL)
		return (true);
	b->data = pool_get(&buf_pool);
	b->off = b->len = 0;
	return (b->data != NULL);
}

void
buf_drop(struct buf *b)
{
	pool_put(&buf_pool, b->data);
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
