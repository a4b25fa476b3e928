/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_cip_parse() over any bytes: what a whole header is taken for, it is
 * taken for in pieces, and never more bytes are asked for than it has.
 */
#include <base/must.h>
#include <xprt/cip.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static enum why
parse_copy(struct span in, struct conn_cip *c, size_t *used)
{
	char *copy = malloc(in.n == 0 ? 1 : in.n);
	enum why why;

	if (in.n != 0)
		memcpy(copy, in.p, in.n);
	why = conn_cip_parse(span_of(copy, in.n), 0x3cdf, c, used);
	free(copy);
	if (why == WHY_OK)
		MUST(*used <= in.n && c->src.family == c->dst.family &&
		    (c->src.family == ADDR_V4 || c->src.family == ADDR_V6));
	else if (why == WHY_AGAIN)
		MUST(*used > in.n && *used <= CONN_CIP_MAX);
	return (why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span in = span_of((const char *)bytes, n);
	struct conn_cip whole, cut;
	size_t used, need;
	enum why why = parse_copy(in, &whole, &used), last = WHY_AGAIN;

	for (size_t m = 0; m < n && m < 2 * CONN_CIP_MAX; m++) {
		enum why got = parse_copy(span_of(in.p, m), &cut, &need);

		/* once decided, more bytes do not change it */
		MUST(last == WHY_AGAIN || got == last);
		MUST(why != WHY_AGAIN || got == WHY_AGAIN);
		if (why == WHY_OK)
			MUST(got == (m < used ? WHY_AGAIN : WHY_OK));
		last = got;
	}
	MUST(last == WHY_AGAIN || n > 2 * CONN_CIP_MAX || why == last);
	return (0);
}
