/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RULE_HDRS_BIN_H
#define RULE_HDRS_BIN_H
/*
 * hdrs_bin - lists of headers in binary, as req.hdrs_bin makes them: for each
 * header the length of the name, the name, the length of the value, the value;
 * an empty name and an empty value end the list. The end may be missing.
 *
 * A length below 240 is one byte. Of a larger one the first byte has the low
 * four bits under four ones, and seven bits follow in each byte, of what is
 * left less 240 and less 128; the last of them is below 128.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/span.h>

enum hdrs_bin { HDRS_BIN_END, HDRS_BIN_ONE, HDRS_BIN_BAD };

static inline bool
hdrs_bin_length(struct span *in, uint64_t *v)
{
	unsigned shift = 4;
	uint8_t c;

	if (in->n == 0)
		return (false);
	*v = (uint8_t)*in->p;
	*in = span_skip(*in, 1);
	if (*v < 240)
		return (true);
	do {
		if (in->n == 0 || shift > 32)
			return (false);
		c = (uint8_t)*in->p;
		*in = span_skip(*in, 1);
		*v += (uint64_t)c << shift;
		shift += 7;
	} while (c >= 128);
	return (true);
}

static inline bool
hdrs_bin_text(struct span *in, struct span *out)
{
	uint64_t n;

	if (!hdrs_bin_length(in, &n) || n > in->n)
		return (false);
	*out = span_of(in->p, (size_t)n);
	*in = span_skip(*in, (size_t)n);
	return (true);
}

/* hdrs_bin_next - the next header of the list, whose slices are of `in`. */
static inline enum hdrs_bin
hdrs_bin_next(struct span *in, struct span *name, struct span *value)
{
	if (in->n == 0)
		return (HDRS_BIN_END);
	if (!hdrs_bin_text(in, name) || !hdrs_bin_text(in, value))
		return (HDRS_BIN_BAD);
	return (name->n == 0 && value->n == 0 ? HDRS_BIN_END :
	    name->n == 0 ? HDRS_BIN_BAD : HDRS_BIN_ONE);
}
#endif
