/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cnt_hist - histograms of times.
 */
#include <cnt/hist.h>

bool cnt_hist_wanted;

/* From what a cache answers to what nobody waits for; two or three to the
 * decade, as dashboards have them. */
const uint32_t cnt_hist_us[CNT_BUCKETS - 1] = {
	250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
	500000, 1000000, 2500000, 5000000, 10000000
};

void
cnt_hist_add(struct cnt_hist *h, int64_t us)
{
	uint64_t took = us < 0 ? 0 : (uint64_t)us;
	unsigned i = 0;

	while (i < CNT_BUCKETS - 1 && took > cnt_hist_us[i])
		i++;
	h->n[i]++;
	h->sum_us += took;
}
