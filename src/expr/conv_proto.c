/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_proto - one field of a message in Protocol Buffers, alone or behind
 * the header of gRPC.
 *
 * Source: configuration manual 7.3.1; protobuf.dev/programming-guides/
 * encoding; gRPC over HTTP2, "Length-Prefixed-Message".
 */
#include "conv_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>

#define PATH_DEPTH      16
#define FIELD_MAX       536870911       /* 2^29 - 1 */
#define GRPC_HEADER     5

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct path {
	size_t n;
	uint32_t field[PATH_DEPTH];
};

/* How a number is written. The order is that of the argument's choices. */
#define TYPES "enum(int32|int64|uint32|uint64|bool|enum|sint32|sint64|" \
	"fixed64|sfixed64|double|fixed32|sfixed32|float)"
enum number { INT32, INT64, UINT32, UINT64, BOOL, ENUM, SINT32, SINT64,
	FIXED64, SFIXED64, DOUBLE, FIXED32, SFIXED32, FLOAT };

static bool
take_varint(struct span *in, uint64_t *v)
{
	*v = 0;
	for (unsigned i = 0; i < in->n && i < 10; i++) {
		uint8_t c = (uint8_t)in->p[i];

		*v |= (uint64_t)(c & 0x7f) << (7 * i);
		if ((c & 0x80) == 0) {
			*in = span_skip(*in, i + 1);
			return (true);
		}
	}
	return (false);
}

/* One field: its number, how it is written, and the bytes of its value. */
static bool
take_field(struct span *in, uint64_t *no, unsigned *wire, struct span *value)
{
	const char *from;
	uint64_t v, n;

	if (!take_varint(in, &v))
		return (false);
	*no = v >> 3;
	*wire = v & 7;
	from = in->p;
	switch (*wire) {
	case WIRE_VARINT:
		if (!take_varint(in, &v))
			return (false);
		*value = span_of(from, (size_t)(in->p - from));
		return (true);
	case WIRE_BYTES:
		if (!take_varint(in, &n))
			return (false);
		break;
	case WIRE_64:
		n = 8;
		break;
	case WIRE_32:
		n = 4;
		break;
	default:
		return (false);
	}
	if (n > in->n)
		return (false);
	*value = span_of(in->p, (size_t)n);
	*in = span_skip(*in, (size_t)n);
	return (true);
}

/* The first field with the number of each level; only messages have fields. */
static bool
find(struct span in, const struct path *path, unsigned *wire,
    struct span *value)
{
	uint64_t no;

	for (size_t i = 0; i < path->n; i++) {
		if (i > 0 && *wire != WIRE_BYTES)
			return (false);
		do {
			if (!take_field(&in, &no, wire, value))
				return (false);
		} while (no != path->field[i]);
		in = *value;
	}
	return (true);
}

static uint64_t
little(struct span s)
{
	uint64_t v = 0;

	for (size_t i = s.n; i > 0; i--)
		v = v << 8 | (uint8_t)s.p[i - 1];
	return (v);
}

static bool
give_float(struct smp *s, double d)
{
	if (d != d)
		return (conv_give_num(s, 0));   /* not a number */
	return (d > -9.2e18 && d < 9.2e18 && conv_give_num(s, (int64_t)d));
}

static bool
give_number(struct smp *s, enum number type, unsigned wire, struct span raw)
{
	unsigned want = type <= SINT64 ? WIRE_VARINT :
	    type <= DOUBLE ? WIRE_64 : WIRE_32;
	uint64_t v;
	uint32_t low;
	double d;
	float f;

	if (wire != want)
		return (false);
	if (wire != WIRE_VARINT)
		v = little(raw);
	else if (!take_varint(&raw, &v))
		return (false);
	low = (uint32_t)v;
	s->type = SMP_INT;
	switch (type) {
	case SINT32: case SINT64:
		return (conv_give_num(s, (int64_t)(v >> 1 ^ (0 - (v & 1)))));
	case SFIXED32:
		return (conv_give_num(s, (int32_t)low));
	case DOUBLE:
		memcpy(&d, &v, sizeof d);
		return (give_float(s, d));
	case FLOAT:
		memcpy(&f, &low, sizeof f);
		return (give_float(s, (double)f));
	default:
		return (conv_give_num(s, (int64_t)v));
	}
}

static bool
take_path(const struct arg *arg, struct span message, struct smp *s)
{
	unsigned wire = WIRE_BYTES;
	struct span raw;

	if (!find(message, arg[0].ptr, &wire, &raw))
		return (false);
	if (arg[1].type != ARG_NONE)
		return (give_number(s, (enum number)arg[1].num, wire, raw));
	s->type = SMP_BIN;
	s->str = raw;
	return (true);
}

static bool
conv_protobuf(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	return (take_path(arg, s->str, s));
}

/* A compressed message cannot be looked into. */
static bool
conv_ungrpc(struct txn *t, const struct arg *arg, struct smp *s)
{
	size_t n;

	(void)t;
	if (s->str.n < GRPC_HEADER || *s->str.p != 0)
		return (false);
	n = conv_be32(s->str.p + 1);
	if (n > s->str.n - GRPC_HEADER)
		return (false);
	return (take_path(arg, span_of(s->str.p + GRPC_HEADER, n), s));
}

static bool
check_path(struct arg *arg, const char **err)
{
	struct span rest = arg[0].str, one;
	struct path *path = must_alloc(sizeof *path);
	uint64_t no;

	*err = "expected field numbers from 1 to 536870911, separated by dots, "
	    "16 at most";
	path->n = 0;
	while (span_cut(&rest, '.', &one)) {
		if (path->n == PATH_DEPTH || !num_u64(one, &no) || no == 0 ||
		    no > FIELD_MAX) {
			free(path);
			return (false);
		}
		path->field[path->n++] = (uint32_t)no;
	}
	arg[0].ptr = path;
	return (true);
}

CONV_ROW(protobuf, "protobuf", "str field, " TYPES " type=", SMP_BIN, SMP_BIN,
    conv_protobuf, "bin(0a02102a),protobuf(1.2,int32)", "42",
    "The first field of a Protocol Buffers message with that number, or with "
    "the number behind a dot in it, and so on: its bytes, or with <type> a "
    "number. No result when it is not there, or is written in another way "
    "than <type> is.", .check = check_path, .typed = true);
CONV_ROW(ungrpc, "ungrpc", "str field, " TYPES " type=", SMP_BIN, SMP_BIN,
    conv_ungrpc, "bin(00000000020805),ungrpc(1,int32)", "5",
    "As protobuf(), of the message behind a header of gRPC. No result when it "
    "is compressed.", .check = check_path, .typed = true);
