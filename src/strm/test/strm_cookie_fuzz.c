/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any Cookie field: pairs are inside of it and it comes to an end; what is left
 * when one name is taken out no longer has that name.
 */
#include "../strm_cookie.c"

#include <base/must.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
has_name(struct span in, struct span name)
{
	struct pair p;

	for (size_t at = 0; at < in.n; at = p.next + 1) {
		take_pair(in, at, &p);
		MUST(p.next >= at && p.next <= in.n && p.end <= p.next);
		if (p.value.p != NULL && span_eq(p.name, name))
			return (true);
	}
	return (false);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct span name = { "S", 1 };
	struct copy c = { .in = span_of((const char *)data, size),
	    .out = malloc(size + 1) };
	struct pair p;

	for (size_t at = 0; at < c.in.n; at = p.next + 1) {
		take_pair(c.in, at, &p);
		if (p.value.p != NULL && span_eq(p.name, name))
			leave_out_pair(&c, at, &p);
	}
	leave_out(&c, c.in.n, c.in.n);
	MUST(c.n <= size);
	MUST(!has_name(span_of(c.out, c.n), name));
	free(c.out);
	return (0);
}
