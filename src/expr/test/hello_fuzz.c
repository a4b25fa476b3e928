/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a client sent first: every sample of a TLS hello, of RDP
 * and of payload stays inside of them.
 */
#include "../fetch_hello.c"

#include "expr_try.h"

static struct span input;

static struct span
fuzz_payload(struct txn *t, bool response)
{
	(void)t;
	(void)response;
	return (input);
}

static const struct txn_ops fuzz_ops = { .payload = fuzz_payload };

typedef bool fetch_fn(struct txn *, const struct arg *, struct smp *);

static fetch_fn *const texts[] = {
	fetch_sni, fetch_alpn, fetch_ciphers, fetch_sigalgs, fetch_groups,
	fetch_keyshares, fetch_rdp, fetch_req_payload, fetch_req_lv,
};
static fetch_fn *const numbers[] = {
	fetch_hello_type, fetch_res_hello_type, fetch_ssl_ver, fetch_ec_ext,
	fetch_st_ext, fetch_rdp_cnt,
};

static volatile unsigned sum;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arg arg[4] = { { .type = ARG_NONE } };
	struct arena arena;
	struct txn t;
	struct smp s;

	if (n < 2 || n > 4000)
		return (0);
	arena_init(&arena, 1 << 20);
	memset(&t, 0, sizeof t);
	t.ops = &fuzz_ops;
	t.arena = &arena;
	arg[0].num = data[0] % 64;
	arg[1].num = 1 + data[1] % 4;
	input = span_of((const char *)data + 2, n - 2);
	for (size_t i = 0; i < NELEM(texts); i++) {
		memset(&s, 0, sizeof s);
		if (texts[i](&t, arg, &s))
			for (size_t k = 0; k < s.str.n; k++)
				sum += (unsigned)s.str.p[k];
	}
	for (size_t i = 0; i < NELEM(numbers); i++) {
		memset(&s, 0, sizeof s);
		(void)numbers[i](&t, arg, &s);
	}
	arena_reset(&arena);
	return (0);
}
