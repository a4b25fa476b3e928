/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rand_test - ranges, spread, and that processes differ after a new seed.
 */
#include <base/must.h>
#include <base/test.h>
#include <base/why.h>

#include "../rand.c"

TEST(below_is_below_and_spread)
{
	unsigned seen[10] = { 0 };

	CHECK_EQ(rand_below(0), 0);
	CHECK_EQ(rand_below(1), 0);
	for (int i = 0; i < 100000; i++) {
		uint32_t v = rand_below(10);

		if (v >= 10)
			CHECK(!"below 10");
		else
			seen[v]++;
	}
	for (int i = 0; i < 10; i++)
		CHECK(seen[i] > 9000 && seen[i] < 11000);
}

/* First values of xoshiro256** from the state { 1, 2, 3, 4 }. */
TEST(the_generator_is_the_published_one)
{
	static const uint64_t want[] = {
		11520, 0, 1509978240, 1215971899390074240
	};

	rand_seed();
	for (uint64_t i = 0; i < 4; i++)
		state[i] = i + 1;
	for (size_t i = 0; i < NELEM(want); i++)
		CHECK(rand_u64() == want[i]);
}

TEST(a_new_seed_is_another_sequence)
{
	uint64_t a, b;

	rand_seed();
	a = rand_u64();
	rand_seed();
	b = rand_u64();
	CHECK(a != b);
}

TEST(every_reason_has_a_row)
{
	for (int w = 0; w < WHY_N; w++) {
		const struct why_row *row = &why_rows[w];

		CHECK(row->name != NULL && row->text[0] != '\0');
		CHECK(strchr("-CSPLRIDUKcs", row->cause) != NULL);
		CHECK(row->status == 0 ||
		    (row->status >= 100 && row->status <= 599));
	}
	CHECK_STR(why_rows[WHY_SRV_REFUSED].name, "SRV_REFUSED");
	CHECK_STR(why_text(WHY_OK), "no error");
}
