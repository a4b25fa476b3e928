/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading records that may come from an attacker or another version.
 */
#include <endian.h>
#include <string.h>

#include <base/buf.h>
#include <base/must.h>
#include <wire/wire.h>

#include "wire_int.h"

void
wire_in_init(struct wire_in *in, struct span record)
{
	*in = (struct wire_in){ .all = record, .left = record };
}

static bool
refuse(struct wire_in *in, const char *why)
{
	if (in->err == NULL)
		in->err = why;
	return (false);
}

/* Lengths that the compiler knows cost an instruction each. */
static uint64_t
take_le(const char *p, size_t bytes)
{
	uint64_t v = 0;

	switch (bytes) {
	case 1:
		return ((uint8_t)*p);
	case 2:
		memcpy(&v, p, 2);
		break;
	case 4:
		memcpy(&v, p, 4);
		break;
	default:
		memcpy(&v, p, 8);
		break;
	}
	return (le64toh(v));
}

/* One field off the front of `left`. */
static bool
cut_field(struct wire_in *in, struct span *left, unsigned *tag,
    enum wire_need *need, struct span *bytes)
{
	unsigned head;
	size_t n;

	if (left->n == 0)
		return (false);
	if (left->n < HEAD_BYTES)
		return (refuse(in, "record ends within a field's head"));
	head = (unsigned)take_le(left->p, 2);
	n = (size_t)take_le(left->p + 2, 4);
	*tag = head & WIRE_TAG_MAX;
	*need = (head & HEAD_REQUIRED) != 0 ? WIRE_REQUIRED : WIRE_OPTIONAL;
	if (*tag == 0)
		return (refuse(in, "field with tag 0"));
	if (n > left->n - HEAD_BYTES)
		return (refuse(in, "field is longer than its record"));
	*bytes = span_of(left->p + HEAD_BYTES, n);
	*left = span_skip(*left, HEAD_BYTES + n);
	return (true);
}

bool
wire_next(struct wire_in *in, unsigned *tag, enum wire_need *need,
    struct span *bytes)
{
	return (in->err == NULL && cut_field(in, &in->left, tag, need, bytes));
}

bool
wire_find(struct wire_in *in, unsigned tag, struct span *bytes)
{
	struct span left = in->all, found;
	enum wire_need need;
	unsigned t;

	while (in->err == NULL && cut_field(in, &left, &t, &need, &found)) {
		if (t != tag)
			continue;
		*bytes = found;
		return (true);
	}
	return (false);
}

bool
wire_find_u64(struct wire_in *in, unsigned tag, uint64_t *v)
{
	struct span s;

	if (!wire_find(in, tag, &s))
		return (false);
	if (s.n != 1 && s.n != 2 && s.n != 4 && s.n != 8)
		return (refuse(in, "integer field of another length"));
	*v = take_le(s.p, s.n);
	return (true);
}

bool
wire_find_in(struct wire_in *in, unsigned tag, struct wire_in *inner)
{
	struct span s;

	if (!wire_find(in, tag, &s))
		return (false);
	wire_in_init(inner, s);
	return (true);
}

/* ---- by table ---- */

static bool
get_int(struct wire_in *in, const struct wire_field *f, void *at,
    struct span s)
{
	uint64_t v;

	if (s.n != f->size)
		return (refuse(in, "integer field of another length"));
	v = take_le(s.p, s.n);
	if (f->kind == WIRE_KIND_BOOL && v > 1)
		return (refuse(in, "yes-or-no field with another value"));
	switch (s.n) {
	case 1:
		*(uint8_t *)at = (uint8_t)v;
		break;
	case 2:
		*(uint16_t *)at = (uint16_t)v;
		break;
	case 4:
		*(uint32_t *)at = (uint32_t)v;
		break;
	default:
		*(uint64_t *)at = v;
		break;
	}
	return (true);
}

static bool
get_buf(struct wire_in *in, struct buf *b, struct span s)
{
	if (s.n > buf_size)
		return (refuse(in, "bytes are more than a buffer here holds"));
	if (b->data != NULL)
		buf_drop(b);
	if (s.n == 0)
		return (true);
	if (!buf_hold(b))
		return (refuse(in, "no memory for a buffer"));
	return (buf_add(b, s) || refuse(in, "no room in a buffer"));
}

static bool
get_field(struct wire_in *in, const struct wire_field *f, void *obj,
    struct span s)
{
	char *at = (char *)obj + f->at;

	switch ((enum wire_kind)f->kind) {
	case WIRE_KIND_RAW:
		if (s.n != f->size)
			return (refuse(in, "field of another length"));
		memcpy(at, s.p, s.n);
		return (true);
	case WIRE_KIND_SPAN:
		*(struct span *)(void *)at = s;
		return (true);
	case WIRE_KIND_BUF:
		return (get_buf(in, (struct buf *)(void *)at, s));
	default:
		return (get_int(in, f, at, s));
	}
}

static bool
is_listed(const uint16_t *tags, unsigned tag)
{
	for (; tags != NULL && *tags != 0; tags++)
		if (*tags == tag)
			return (true);
	return (false);
}

/* Rows without a field, that are required. */
static bool
check_absent(struct wire_in *in, const struct wire_field *table,
    uint64_t seen)
{
	for (unsigned i = 0; table[i].kind != WIRE_KIND_END; i++)
		if (table[i].need == WIRE_REQUIRED && (seen >> i & 1) == 0)
			return (refuse(in, "a required field is missing"));
	return (true);
}

/* The row of a tag. Most fields come in the order of the table. */
static unsigned
find_row(const struct wire_field *table, unsigned tag, unsigned likely)
{
	unsigned i;

	if (table[likely].tag == tag)
		return (likely);
	for (i = 0; table[i].kind != WIRE_KIND_END; i++)
		if (table[i].tag == tag)
			break;
	MUST(i < WIRE_FIELDS_MAX);
	return (i);
}

bool
wire_get(struct wire_in *in, const struct wire_field *table, void *obj,
    const uint16_t *more)
{
	struct span left = in->all, s;
	enum wire_need need;
	uint64_t seen = 0;
	unsigned tag, i, likely = 0;

	while (in->err == NULL && cut_field(in, &left, &tag, &need, &s)) {
		i = find_row(table, tag, likely);
		if (table[i].kind == WIRE_KIND_END) {
			if (need == WIRE_REQUIRED && !is_listed(more, tag))
				return (refuse(in,
				    "a required field is unknown here"));
			continue;
		}
		MUST(table[i].size == wire_size(&table[i]));
		if ((seen >> i & 1) != 0)
			return (refuse(in, "a field occurs twice"));
		seen |= UINT64_C(1) << i;
		likely = i + 1;
		if (!get_field(in, &table[i], obj, s))
			return (false);
	}
	return (in->err == NULL && check_absent(in, table, seen));
}
