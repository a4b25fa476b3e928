/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num_fuzz - numbers from any bytes: no overflow, and what was accepted means
 * the same when it is printed and read again.
 */
#include <base/must.h>
#include <base/num.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_u64(struct span s)
{
	char text[20];
	uint64_t v, again;

	if (num_u64(s, &v)) {
		MUST(num_u64(span_of(text, num_put(text, v)), &again));
		MUST(v == again);
	}
	if (num_hex(s, &v)) {
		MUST(num_hex(span_of(text, num_puthex(text, v)), &again));
		MUST(v == again);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span s = span_of((const char *)data, n);
	uint64_t size, u;
	int64_t i, us;

	check_u64(s);
	if (num_i64(s, &i) && num_u64(s, &u))
		MUST(i >= 0 && (uint64_t)i == u);
	if (num_time(s, "ms", &us) == NUM_OK)
		MUST(us >= 0 && us <= (int64_t)INT32_MAX * 1000);
	if (num_size(s, &size) == NUM_OK && num_u64(s, &u))
		MUST(size == u);
	return (0);
}
