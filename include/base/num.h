/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_NUM_H
#define BASE_NUM_H
/*
 * num - numbers to and from text.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/span.h>

/* num_u64 - all of `s` as a decimal number; false when it is empty, has
 * anything else, or does not fit. */
bool num_u64(struct span s, uint64_t *out);

/* num_i64 - the same with an optional sign. */
bool num_i64(struct span s, int64_t *out);

/* num_hex - all of `s` (1 to 16 hexadecimal digits). */
bool num_hex(struct span s, uint64_t *out);

enum num_unit { NUM_OK, NUM_BAD, NUM_BAD_UNIT, NUM_OVER, NUM_UNDER };

/*
 * num_time - a duration with unit us ms s m h d; `unit` is the default.
 *
 * out_us  microseconds
 * NUM_BAD: no digits; NUM_BAD_UNIT: something else than a unit behind them;
 * NUM_OVER: more than 2^31-1 ms (24.8 days). Whether "1us" is too little for
 * a deadline in milliseconds is for the caller to judge (NUM_UNDER is there
 * for it; never returned here).
 * Source: configuration manual 2.5 (time format).
 */
enum num_unit num_time(struct span s, const char *unit, int64_t *out_us);

/* num_size - a size with unit k m g (1024-based, any case), bytes without;
 * NUM_OVER when it does not fit 64 bits. */
enum num_unit num_size(struct span s, uint64_t *out);

/* num_put - decimal digits of `v` at `dst` (20 bytes at most), no NUL;
 * returns how many. */
size_t num_put(char *dst, uint64_t v);

/* num_puthex - lower-case hexadecimal digits (16 at most). */
size_t num_puthex(char *dst, uint64_t v);

/* num_hexval - value of a hexadecimal digit, or -1. */
static inline int
num_hexval(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c |= 0x20;
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}
#endif
