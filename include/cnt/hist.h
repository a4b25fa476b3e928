/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CNT_HIST_H
#define CNT_HIST_H
/*
 * hist - how long things took, as counts of what took at most so long. They
 * are objects of the ledger like any, but there are none unless the
 * configuration has somebody who shows them.
 */
#include <cnt/cnt.h>

#define CNT_BUCKETS 16          /* the last one has no bound */

struct cnt_hist {
	uint64_t sum_us;
	uint64_t n[CNT_BUCKETS];        /* each value is in one of them */
};

struct cnt_fe_hist {
	struct cnt_hist request;        /* for the head of a request to come */
	struct cnt_hist total;          /* for all of it, without idle time */
};

struct cnt_be_hist {
	struct cnt_hist queue, connect, response, total;
};

#define CNT_FE_HIST(off) ((struct cnt_fe_hist *)(void *)(cnt_bank + (off)))
#define CNT_BE_HIST(off) ((struct cnt_be_hist *)(void *)(cnt_bank + (off)))

/* cnt_hist_us - the upper bound of each bucket but the last. */
extern const uint32_t cnt_hist_us[CNT_BUCKETS - 1];

/* cnt_hist_wanted - set by who shows them, while the configuration is read. */
extern bool cnt_hist_wanted;

void cnt_hist_add(struct cnt_hist *, int64_t us);
#endif
