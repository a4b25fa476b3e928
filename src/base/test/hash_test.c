/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hashes, with values that HAProxy 2.6 gives (converters sdbm, djb2 and
 * crc32, with and without their avalanche).
 */
#include <base/test.h>

#include "../hash.c"

#include <base/must.h>

static const struct {
	const char *in;
	uint32_t sdbm, sdbm_av, djb2, crc32, crc32_av;
} rows[] = {
	{ "a", 97, 1830748055, 177670, 3904355907, 1288200982 },
	{ "b", 98, 3356184089, 177671, 1908338681, 4244536606 },
	{ "abc", 807794786, 659243622, 193485963, 891568578, 930845320 },
	{ "hello world", 430867652, 261123301, 894552257, 222957957,
	    2832483188 },
	{ "127.0.0.1", 1894847165, 88673145, 1532542490, 3619153832,
	    3849206273 },
	{ "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 1625874944, 1371014120,
	    632842261, 2705981541, 3969678922 },
};

TEST(values_are_those_of_the_reference)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct span in = span_str(rows[i].in);

		CHECK_EQ(hash_sdbm(in), rows[i].sdbm);
		CHECK_EQ(hash_avalanche(hash_sdbm(in)), rows[i].sdbm_av);
		CHECK_EQ(hash_djb2(in), rows[i].djb2);
		CHECK_EQ(hash_crc32(in), rows[i].crc32);
		CHECK_EQ(hash_avalanche(hash_crc32(in)), rows[i].crc32_av);
	}
	CHECK_EQ(hash_sdbm(SPAN_NONE), 0);
	CHECK_EQ(hash_djb2(SPAN_NONE), 5381);
	CHECK_EQ(hash_crc32(SPAN_NONE), 0);
	CHECK_EQ(hash_crc32c(SPAN_NONE), 0);
	CHECK_EQ(hash_crc32c(SPAN("123456789")), 0xe3069283);
	CHECK_EQ(hash_crc32c(SPAN("hello world")), 3381945770);
}

TEST(the_avalanche_keeps_numbers_apart)
{
	/* neighbours differ in about half of their bits */
	for (uint32_t x = 0; x < 100000; x++) {
		int d = __builtin_popcount(hash_avalanche(x) ^
		    hash_avalanche(x + 1));

		CHECK(d > 1 && d < 31);
	}
}
