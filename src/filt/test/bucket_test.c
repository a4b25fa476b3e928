/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets: over any time as many bytes as the limit says, whenever they are
 * asked for.
 */
#include <base/test.h>

#include "../bucket.h"

/* Bytes taken in `ms` by who asks as it is told to, `late` ms late. */
static uint64_t
taken(uint64_t limit, uint32_t period_ms, uint64_t least, int64_t ms,
    int64_t late, uint64_t want)
{
	struct bucket b = { limit, period_ms, 0, 0 };
	int64_t now = INT64_C(7000000), end = now + ms * 1000, again;
	uint64_t sum = 0, n;

	bucket_start(&b, now);
	while (now < end) {
		again = 0;
		n = bucket_take(&b, want, least, now, &again);
		sum += n;
		if (n == 0 && !CHECK(again > 0))
			break;
		now += n != 0 ? 100 : (again + late) * 1000;
	}
	return (sum);
}

TEST(over_time_the_limit_is_what_goes)
{
	static const struct {
		uint64_t limit;
		uint32_t period_ms;
		uint64_t least;
		int64_t ms, late;
		uint64_t want;
	} rows[] = {
		{ 100000, 1000, 0, 10000, 0, UINT64_MAX },
		{ 100000, 1000, 0, 10000, 3, UINT64_MAX },
		{ 100000, 1000, 0, 10000, 20, UINT64_MAX },
		{ 100000, 1000, 20000, 10000, 1, UINT64_MAX },
		{ 100000, 1000, 500000, 10000, 1, UINT64_MAX },
		{ 333, 1000, 0, 30000, 1, UINT64_MAX },
		{ 7, 1000, 0, 100000, 2, UINT64_MAX },
		{ 1000000, 60000, 0, 60000, 5, UINT64_MAX },
		{ 4000000000, 1000, 0, 2000, 1, UINT64_MAX },
		{ 4000000000, 1, 0, 2000, 1, UINT64_MAX },
		{ 4000000000, INT32_MAX, 0, 20000, 1, UINT64_MAX },
		{ 100000, 1000, 0, 10000, 1, 1460 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		double due = (double)rows[i].limit / rows[i].period_ms *
		    (double)rows[i].ms;
		double got = (double)taken(rows[i].limit, rows[i].period_ms,
		    rows[i].least, rows[i].ms, rows[i].late, rows[i].want);
		struct bucket b = { rows[i].limit, rows[i].period_ms, 0, 0 };
		double slack = (double)bucket_most(&b, rows[i].least <
		    b.limit ? rows[i].least : b.limit);

		if (!CHECK(got <= due + slack) || !CHECK(got >= due - slack -
		    due / 50))
			printf("    row %zu: %.0f, due %.0f\n", i, got, due);
	}
}

TEST(a_pause_saves_up_no_burst)
{
	struct bucket b = { 100000, 1000, 0, 0 };
	int64_t again = 0;

	bucket_start(&b, 0);
	CHECK_EQ(bucket_take(&b, UINT64_MAX, 0, 0, &again), 5000);
	CHECK_EQ(bucket_take(&b, UINT64_MAX, 0, 3600000000, &again), 10000);
	CHECK_EQ(bucket_take(&b, UINT64_MAX, 0, 3600000000, &again), 0);
	CHECK_EQ(again, 50);
	b.left += 2500;                 /* given back */
	CHECK_EQ(bucket_take(&b, 100, 0, 3600000000, &again), 100);
}

TEST(pieces_are_not_smaller_than_asked_for)
{
	struct bucket b = { 100000, 1000, 0, 0 };
	int64_t again = 0;

	bucket_start(&b, 0);
	CHECK_EQ(bucket_take(&b, UINT64_MAX, 20000, 0, &again), 0);
	CHECK_EQ(again, 150);
	CHECK_EQ(bucket_take(&b, UINT64_MAX, 20000, 150000, &again), 20000);
}
