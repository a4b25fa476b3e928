/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_proxy_parse() over any bytes: a cut header asks for more and never for
 * less than it has; what it says can be written and read again.
 */
#include <base/must.h>
#include <xprt/proxy_proto.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static enum why
parse_copy(struct span in, struct conn_proxy *pp, size_t *used)
{
	char *copy = malloc(in.n == 0 ? 1 : in.n);
	struct span v;
	enum why why;

	if (in.n != 0)
		memcpy(copy, in.p, in.n);
	why = conn_proxy_parse(span_of(copy, in.n), pp, used);
	if (why == WHY_OK) {
		MUST(*used <= in.n);
		MUST(pp->tlvs.n == 0 || (pp->tlvs.p >= copy &&
		    pp->tlvs.p + pp->tlvs.n == copy + *used));
		for (unsigned type = 0; type < 256; type++)
			if (conn_proxy_tlv(pp->tlvs, type, &v))
				MUST(v.p >= copy && v.p + v.n <= copy + *used);
	} else if (why == WHY_AGAIN) {
		MUST(*used > in.n && *used <= CONN_PROXY_V2_MIN + 65535);
	}
	free(copy);
	pp->tlvs = SPAN_NONE;
	return (why);
}

static void
write_and_compare(const struct conn_proxy *pp, unsigned version)
{
	char out[CONN_PROXY_EMIT_MAX];
	struct conn_proxy again;
	size_t used, n = conn_proxy_emit(out, sizeof out, version, &pp->src,
	    &pp->dst);

	MUST(n != 0);
	MUST(conn_proxy_parse(span_of(out, n), &again, &used) == WHY_OK);
	MUST(used == n && again.has_addr == pp->has_addr);
	MUST(memcmp(&again.src, &pp->src, sizeof pp->src) == 0);
	MUST(memcmp(&again.dst, &pp->dst, sizeof pp->dst) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span in = span_of((const char *)bytes, n);
	struct conn_proxy whole, cut;
	size_t used, m;
	enum why why = parse_copy(in, &whole, &used), again;

	if (why == WHY_OK) {
		write_and_compare(&whole, 1);
		write_and_compare(&whole, 2);
	}
	for (m = 0; m < n; m += n < 512 ? 1 : n / 64) {
		size_t need;

		again = parse_copy(span_of(in.p, m), &cut, &need);
		if (why == WHY_OK)
			MUST(m < used ? again == WHY_AGAIN && need <= used :
			    again == WHY_OK && need == used);
		else if (why == WHY_AGAIN)
			MUST(again == WHY_AGAIN);
	}
	return (0);
}
