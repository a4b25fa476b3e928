/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a record: never read outside, and what was accepted is written
 * and read again to the same values.
 */
#include <stdlib.h>

#include "../wire_in.c"
#include "../wire_out.c"

struct thing {
	uint8_t state;
	bool flag;
	uint32_t n;
	uint8_t ip[4];
	struct span name;
	struct buf in;
};

static const struct wire_field thing_wire[] = {
	WIRE(1, U8, WIRE_REQUIRED, struct thing, state),
	WIRE(2, BOOL, WIRE_OPTIONAL, struct thing, flag),
	WIRE(4, U32, WIRE_OPTIONAL, struct thing, n),
	WIRE(6, RAW, WIRE_OPTIONAL, struct thing, ip),
	WIRE(7, SPAN, WIRE_OPTIONAL, struct thing, name),
	WIRE(8, BUF, WIRE_OPTIONAL, struct thing, in),
	WIRE_END
};

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char mem[1 << 16], mem2[1 << 16];
	struct thing t = { 0 }, u = { 0 };
	struct wire_in in;
	struct wire_out o, o2;

	wire_in_init(&in, span_of((const char *)data, n));
	if (wire_get(&in, thing_wire, &t, NULL)) {
		wire_out_init(&o, mem, sizeof mem);
		wire_put(&o, thing_wire, &t);
		wire_in_init(&in, span_of(o.p, o.n));
		MUST(o.over || wire_get(&in, thing_wire, &u, NULL));
		wire_out_init(&o2, mem2, sizeof mem2);
		wire_put(&o2, thing_wire, &u);
		MUST(o.over || span_eq(span_of(o.p, o.n),
		    span_of(o2.p, o2.n)));
	}
	if (t.in.data != NULL)
		buf_drop(&t.in);
	if (u.in.data != NULL)
		buf_drop(&u.in);
	return (0);
}
