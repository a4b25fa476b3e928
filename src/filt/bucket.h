/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILT_BUCKET_H
#define FILT_BUCKET_H
/*
 * bucket - `limit` bytes in each `period_ms`, evenly: bytes become free as
 * time passes, and a stream takes them in slices of a twentieth of the period,
 * 10 to 100 ms.
 *
 * What was not taken is kept for two slices, so that a wake-up that comes late
 * costs nothing, and a pause saves up no burst.
 */
#include <stdint.h>

struct bucket {
	uint64_t limit;         /* bytes; not 0 */
	uint32_t period_ms;     /* not 0 */
	uint64_t left;          /* bytes that may go */
	int64_t at_us;          /* as of then */
};

static inline int64_t
bucket_slice_ms(const struct bucket *b)
{
	int64_t ms = b->period_ms / 20;

	return (ms < 10 ? 10 : ms > 100 ? 100 : ms);
}

/* bucket_slice - bytes that become free in a slice, at least one. */
static inline uint64_t
bucket_slice(const struct bucket *b)
{
	uint64_t n = b->limit / b->period_ms * (uint64_t)bucket_slice_ms(b) +
	    b->limit % b->period_ms * (uint64_t)bucket_slice_ms(b) /
	    b->period_ms;

	return (n == 0 ? 1 : n);
}

/* bucket_most - what it holds at most; a stream that wants to send `least` at
 * once must be able to. */
static inline uint64_t
bucket_most(const struct bucket *b, uint64_t least)
{
	uint64_t n = 2 * bucket_slice(b);

	return (n < least ? least : n);
}

static inline void
bucket_start(struct bucket *b, int64_t now_us)
{
	b->left = bucket_slice(b);
	b->at_us = now_us;
}

/* Bytes of a whole number; the rest of the time stays for the next call. */
static inline void
bucket_fill(struct bucket *b, uint64_t least, int64_t now_us)
{
	uint64_t most = bucket_most(b, least);
	double period_us = b->period_ms * 1000.0;
	double full_us = (double)most * period_us / (double)b->limit;
	int64_t passed = now_us - b->at_us;
	uint64_t n;

	if (passed <= 0)
		return;
	if ((double)passed >= full_us) {
		b->left = most;
		b->at_us = now_us;
		return;
	}
	n = (uint64_t)((double)passed * (double)b->limit / period_us);
	if (n == 0)
		return;
	b->at_us += (int64_t)((double)n * period_us / (double)b->limit);
	b->left = b->left + n > most ? most : b->left + n;
}

/* bucket_wait_ms - until there are `n` bytes, or a slice, what is more. */
static inline int64_t
bucket_wait_ms(const struct bucket *b, uint64_t n)
{
	uint64_t want = bucket_slice(b);
	double ms;

	if (want < n)
		want = n;
	if (want <= b->left)
		return (1);
	ms = (double)(want - b->left) * b->period_ms / (double)b->limit;
	return (ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (int64_t)ms);
}

/*
 * bucket_take - of `want` bytes those that may go now: none, and *again_ms,
 * when there are less than `least` (as far as the limit allows so many), or
 * when it has to wait for a slice.
 */
static inline uint64_t
bucket_take(struct bucket *b, uint64_t want, uint64_t least, int64_t now_us,
    int64_t *again_ms)
{
	uint64_t slice = bucket_slice(b);

	if (least > b->limit)
		least = b->limit;
	bucket_fill(b, least, now_us);
	if (least < slice / 4)          /* no crumbs */
		least = slice / 4;
	if (b->left == 0 || b->left < least) {
		*again_ms = bucket_wait_ms(b, least);
		return (0);
	}
	if (want > b->left)
		want = b->left;
	b->left -= want;
	return (want);
}
#endif
