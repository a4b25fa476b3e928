/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H
/*
 * buf - a linear byte buffer of one fixed size (tune.bufsize) from a pool.
 *
 * An empty buffer holds no memory. Bytes are data[off .. off+len). They never
 * move while slices point into them unless the caller says buf_align().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <base/span.h>

struct buf {
	char *data;             /* NULL: no memory held */
	uint32_t off, len;
};

extern size_t buf_size;         /* bytes of every buffer, set once at start */

/* buf_setup - set the size of all buffers, before the first is used. */
void buf_setup(size_t bytes);

/* buf_hold - make sure there is memory; false when there is none. */
bool buf_get(struct buf *);       /* slow path of buf_hold() */
void buf_put(struct buf *);       /* slow path of buf_drop() */

static inline bool
buf_hold(struct buf *b)
{
	return (b->data != NULL || buf_get(b));
}

/* buf_drop - give the memory back, with whatever was in it. */
static inline void
buf_drop(struct buf *b)
{
	if (b->data != NULL)
		buf_put(b);
}

/* buf_trim - give the kernel the pages of buffers that were not needed since
 * the last call. Returns true while others may follow. */
bool buf_trim(void);

/* buf_drop_empty - give the memory back when there are no bytes. */
static inline void
buf_drop_empty(struct buf *b)
{
	if (b->len == 0 && b->data != NULL)
		buf_drop(b);
}

static inline struct span
buf_peek(const struct buf *b)
{
	return (span_of(b->data + b->off, b->len));
}

static inline char *
buf_tail(struct buf *b)
{
	return (b->data + b->off + b->len);
}

/* buf_room - bytes that fit behind the last one without moving. */
static inline size_t
buf_room(const struct buf *b)
{
	return (b->data == NULL ? 0 : buf_size - b->off - b->len);
}

static inline void
buf_wrote(struct buf *b, size_t n)
{
	b->len += (uint32_t)n;
}

/* buf_eat - the first `n` bytes are done; rewinds when it becomes empty. */
static inline void
buf_eat(struct buf *b, size_t n)
{
	b->len -= (uint32_t)n;
	b->off = b->len == 0 ? 0 : b->off + (uint32_t)n;
}

/* buf_align - move the bytes to the start, so that all room is behind. */
void buf_align(struct buf *);

/* buf_add - append all of `s`, or nothing and false. Moves when it must. */
bool buf_add(struct buf *, struct span s);
#endif
