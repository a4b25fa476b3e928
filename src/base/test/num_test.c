/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num_test - numbers, times and sizes, at their limits.
 */
#include <base/test.h>

#include "../num.c"

TEST(whole_text_must_be_a_number)
{
	static const struct {
		const char *in;
		int good;
		uint64_t v;
	} rows[] = {
		{ "0", 1, 0 }, { "007", 1, 7 }, { "65535", 1, 65535 },
		{ "18446744073709551615", 1, UINT64_MAX },
		{ "18446744073709551616", 0, 0 },
		{ "99999999999999999999999999", 0, 0 },
		{ "", 0, 0 }, { "-1", 0, 0 }, { "+1", 0, 0 }, { " 1", 0, 0 },
		{ "1 ", 0, 0 }, { "1x", 0, 0 }, { "x", 0, 0 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		uint64_t v = 0;

		CHECK_EQ(num_u64(span_str(rows[i].in), &v), rows[i].good);
		CHECK_EQ(v, rows[i].v);
	}
	CHECK(!num_u64(SPAN_NONE, &(uint64_t){ 0 }));
}

TEST(signs)
{
	static const struct {
		const char *in;
		int good;
		int64_t v;
	} rows[] = {
		{ "0", 1, 0 }, { "-0", 1, 0 }, { "+5", 1, 5 }, { "-5", 1, -5 },
		{ "9223372036854775807", 1, INT64_MAX },
		{ "-9223372036854775808", 1, INT64_MIN },
		{ "9223372036854775808", 0, 0 },
		{ "-9223372036854775809", 0, 0 },
		{ "", 0, 0 }, { "-", 0, 0 }, { "+", 0, 0 }, { "--1", 0, 0 },
		{ "+-1", 0, 0 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		int64_t v = 0;

		CHECK_EQ(num_i64(span_str(rows[i].in), &v), rows[i].good);
		CHECK_EQ(v, rows[i].v);
	}
}

TEST(hexadecimal)
{
	uint64_t v = 0;

	CHECK(num_hex(SPAN("ffffFFFFffffFFFF"), &v));
	CHECK_EQ(v, UINT64_MAX);
	CHECK(num_hex(SPAN("1aB"), &v));
	CHECK_EQ(v, 0x1ab);
	CHECK(!num_hex(SPAN(""), &v));
	CHECK(!num_hex(SPAN("10000000000000000"), &v));
	CHECK(!num_hex(SPAN("0x1"), &v));
	CHECK(!num_hex(SPAN("g"), &v));
	CHECK_EQ(num_hexval('@'), -1);
	CHECK_EQ(num_hexval('`'), -1);
	CHECK_EQ(num_hexval('\x10'), -1);
	CHECK_EQ(num_hexval('\x11'), -1);
}

TEST(durations)
{
	static const struct {
		const char *in, *unit;
		enum num_unit result;
		int64_t us;
	} rows[] = {
		{ "0", "ms", NUM_OK, 0 },
		{ "10", "ms", NUM_OK, 10000 },
		{ "10", "s", NUM_OK, 10000000 },
		{ "10ms", "s", NUM_OK, 10000 },
		{ "1us", "ms", NUM_OK, 1 },
		{ "2s", "ms", NUM_OK, 2000000 },
		{ "3m", "ms", NUM_OK, 180000000 },
		{ "4h", "ms", NUM_OK, 14400000000 },
		{ "24d", "ms", NUM_OK, 2073600000000 },
		{ "2147483647", "ms", NUM_OK, 2147483647000 },
		{ "2147483647000us", "ms", NUM_OK, 2147483647000 },
		{ "2147483648", "ms", NUM_OVER, -7 },
		{ "2147483647001us", "ms", NUM_OVER, -7 },
		{ "25d", "ms", NUM_OVER, -7 },
		{ "99999999999999999999", "ms", NUM_OVER, -7 },
		{ "18446744073709551615d", "ms", NUM_OVER, -7 },
		{ "", "ms", NUM_BAD, -7 }, { "s", "ms", NUM_BAD, -7 },
		{ "-1s", "ms", NUM_BAD, -7 }, { "+1s", "ms", NUM_BAD, -7 },
		{ "1S", "ms", NUM_BAD_UNIT, -7 },
		{ "1 s", "ms", NUM_BAD_UNIT, -7 },
		{ "1.5s", "ms", NUM_BAD_UNIT, -7 },
		{ "1msx", "ms", NUM_BAD_UNIT, -7 },
		{ "1u", "ms", NUM_BAD_UNIT, -7 },
		{ "99999999999999999999x", "ms", NUM_BAD_UNIT, -7 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		int64_t us = -7;

		if (num_time(span_str(rows[i].in), rows[i].unit, &us) !=
		    rows[i].result || us != rows[i].us)
			printf("row '%s':\n", rows[i].in);
		CHECK_EQ(num_time(span_str(rows[i].in), rows[i].unit, &us),
		    rows[i].result);
		CHECK_EQ(us, rows[i].us);
	}
}

TEST(sizes)
{
	static const struct {
		const char *in;
		enum num_unit result;
		uint64_t v;
	} rows[] = {
		{ "0", NUM_OK, 0 }, { "16384", NUM_OK, 16384 },
		{ "16k", NUM_OK, 16384 }, { "16K", NUM_OK, 16384 },
		{ "2m", NUM_OK, 2097152 }, { "1g", NUM_OK, 1073741824 },
		{ "17179869183g", NUM_OK, UINT64_MAX - 1073741823 },
		{ "17179869184g", NUM_OVER, 7 },
		{ "18446744073709551616", NUM_OVER, 7 },
		{ "", NUM_BAD, 7 }, { "k", NUM_BAD, 7 }, { "-1k", NUM_BAD, 7 },
		{ "16kb", NUM_BAD_UNIT, 7 }, { "16b", NUM_BAD_UNIT, 7 },
		{ "1.5k", NUM_BAD_UNIT, 7 }, { "1 k", NUM_BAD_UNIT, 7 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		uint64_t v = 7;

		CHECK_EQ(num_size(span_str(rows[i].in), &v), rows[i].result);
		CHECK_EQ(v, rows[i].v);
	}
}

TEST(printing_gives_what_printf_gives)
{
	static const uint64_t rows[] = {
		0, 1, 9, 10, 15, 16, 99, 100, 255, 256, 999, 1000, 9999,
		10000, 10001, 99999, 100000, 1000000, 99990000, 4294967295u,
		4294967296u, UINT64_MAX - 1, UINT64_MAX
	};
	char got[32], want[32];

	for (size_t i = 0; i < NELEM(rows); i++) {
		size_t n = num_put(got, rows[i]);

		snprintf(want, sizeof(want), "%" PRIu64, rows[i]);
		CHECK_MEM(got, n, want, strlen(want));
		n = num_puthex(got, rows[i]);
		snprintf(want, sizeof(want), "%" PRIx64, rows[i]);
		CHECK_MEM(got, n, want, strlen(want));
	}
}
