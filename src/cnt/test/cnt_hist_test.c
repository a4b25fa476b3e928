/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every value is in the first bucket whose bound it does not pass.
 */
#include <base/test.h>

#include "../cnt_hist.c"

#include <base/must.h>

TEST(values_find_their_bucket)
{
	static const struct { int64_t us; unsigned bucket; } rows[] = {
		{ -5, 0 }, { 0, 0 }, { 250, 0 }, { 251, 1 }, { 1000, 2 },
		{ 1001, 3 }, { 10000000, 14 }, { 10000001, 15 },
		{ INT64_MAX, 15 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct cnt_hist h = { 0 };

		cnt_hist_add(&h, rows[i].us);
		for (unsigned b = 0; b < CNT_BUCKETS; b++)
			CHECK_EQ(h.n[b], b == rows[i].bucket);
		CHECK_EQ(h.sum_us, rows[i].us < 0 ? 0 : rows[i].us);
	}
}

TEST(bounds_grow)
{
	for (unsigned i = 1; i < CNT_BUCKETS - 1; i++)
		CHECK(cnt_hist_us[i] > cnt_hist_us[i - 1]);
}
