/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing records. A field is {u16 tag, the top bit set when required; u32
 * length; bytes}, little-endian.
 */
#include <endian.h>
#include <string.h>

#include <base/buf.h>
#include <base/must.h>
#include <wire/wire.h>

#include "wire_int.h"

void
wire_out_init(struct wire_out *o, void *mem, size_t cap)
{
	*o = (struct wire_out){ .p = mem, .cap = cap };
}

static void
add(struct wire_out *o, const void *p, size_t n)
{
	if (o->over || o->cap - o->n < n) {
		o->over = true;
		return;
	}
	if (n != 0)
		memcpy(o->p + o->n, p, n);
	o->n += n;
}

/* The head of a field of `n` bytes, which follow. */
static void
add_head(struct wire_out *o, unsigned tag, enum wire_need need, size_t n)
{
	const uint64_t head = htole64(tag | (uint64_t)n << 16 |
	    (need == WIRE_REQUIRED ? HEAD_REQUIRED : 0));

	MUST(tag > 0 && tag <= WIRE_TAG_MAX && n <= UINT32_MAX);
	add(o, &head, HEAD_BYTES);
}

static void
put_int(struct wire_out *o, unsigned tag, enum wire_need need, uint64_t v,
    unsigned bytes)
{
	add_head(o, tag, need, bytes);
	v = htole64(v);
	if (!o->over && o->cap - o->n >= sizeof v) {
		memcpy(o->p + o->n, &v, sizeof v);      /* one store */
		o->n += bytes;
	} else
		add(o, &v, bytes);
}

void
wire_put_u64(struct wire_out *o, unsigned tag, enum wire_need need, uint64_t v)
{
	put_int(o, tag, need, v, 8);
}

void
wire_put_bytes(struct wire_out *o, unsigned tag, enum wire_need need,
    struct span s)
{
	add_head(o, tag, need, s.n);
	add(o, s.p, s.n);
}

static struct span
held_bytes(const struct buf *b)
{
	return (b->data == NULL ? span_of("", 0) : buf_peek(b));
}

static void
put_field(struct wire_out *o, const struct wire_field *f, const char *at)
{
	const enum wire_need need = (enum wire_need)f->need;

	switch ((enum wire_kind)f->kind) {
	case WIRE_KIND_U8:
		put_int(o, f->tag, need, *(const uint8_t *)at, 1);
		break;
	case WIRE_KIND_BOOL:
		put_int(o, f->tag, need, *(const bool *)at, 1);
		break;
	case WIRE_KIND_U16:
		put_int(o, f->tag, need, *(const uint16_t *)(const void *)at,
		    2);
		break;
	case WIRE_KIND_U32:
	case WIRE_KIND_I32:
		put_int(o, f->tag, need, *(const uint32_t *)(const void *)at,
		    4);
		break;
	case WIRE_KIND_U64:
	case WIRE_KIND_I64:
		put_int(o, f->tag, need, *(const uint64_t *)(const void *)at,
		    8);
		break;
	case WIRE_KIND_RAW:
		wire_put_bytes(o, f->tag, need, span_of(at, f->size));
		break;
	case WIRE_KIND_SPAN:
		wire_put_bytes(o, f->tag, need,
		    *(const struct span *)(const void *)at);
		break;
	case WIRE_KIND_BUF:
		wire_put_bytes(o, f->tag, need,
		    held_bytes((const struct buf *)(const void *)at));
		break;
	case WIRE_KIND_END:
		break;
	}
}

void
wire_put(struct wire_out *o, const struct wire_field *table, const void *obj)
{
	for (const struct wire_field *f = table; f->kind != WIRE_KIND_END; f++) {
		MUST(f->size == wire_size(f));
		put_field(o, f, (const char *)obj + f->at);
	}
}

size_t
wire_begin(struct wire_out *o, unsigned tag, enum wire_need need)
{
	add_head(o, tag, need, 0);
	return (o->n);
}

void
wire_end(struct wire_out *o, size_t mark)
{
	const uint32_t n = htole32((uint32_t)(o->n - mark));

	if (!o->over)
		memcpy(o->p + mark - sizeof n, &n, sizeof n);
}
