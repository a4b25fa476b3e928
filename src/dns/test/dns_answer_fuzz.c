/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_answer_fuzz - messages of name servers; the first byte chooses the type
 * that was asked for.
 */
#include "../dns_answer.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
#ifdef USE_CARES
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV };
	enum dns_type type;
	struct dns_answer a;

	if (n == 0)
		return (0);
	type = types[p[0] % 3];
	if (!dns_answer_read(p + 1, n - 1, type, &a)) {
		MUST(a.n == 0 && a.rec == NULL);
		return (0);
	}
	for (unsigned i = 0; i < a.n; i++) {
		MUST((a.rec[i].target != NULL) == (type == DNS_SRV));
		MUST(type == DNS_SRV || a.rec[i].ip.family ==
		    (type == DNS_A ? ADDR_V4 : ADDR_V6));
	}
	dns_answer_fini(&a);
#else
	(void)dns_host_fits(span_of((const char *)p, n));
#endif
	return (0);
}
