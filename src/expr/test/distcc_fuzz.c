/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message of distcc: what is found lies within them. */
#include "../fetch_distcc.c"

static struct span input;

static struct span
fuzz_payload(struct txn *t, bool response)
{
	(void)t;
	(void)response;
	return (input);
}

static const struct txn_ops fuzz_ops = { .payload = fuzz_payload };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arg arg[2] = { { .type = ARG_STR }, { .type = ARG_INT } };
	struct txn t = { .ops = &fuzz_ops };
	struct smp s = { 0 };

	if (n < 5)
		return (0);
	arg[0].str = span_of((const char *)data, 4);
	arg[1].num = data[4] % 8;
	input = span_of((const char *)data + 5, n - 5);
	if (fetch_body(&t, arg, &s))
		MUST(s.str.n == 0 || (s.str.p >= input.p &&
		    s.str.p + s.str.n <= input.p + input.n));
	(void)fetch_param(&t, arg, &s);
	return (0);
}
