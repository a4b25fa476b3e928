/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_CONV_INT_H
#define EXPR_CONV_INT_H
/*
 * conv_int - what the families of converters share.
 *
 * A converter answers false when there is no result: the expression then has
 * no value. What it makes is in the arena of the stream, or part of its input.
 */
#include <expr/expr.h>

/* One row, short: identifier and name, arguments, types, function, example
 * and its result, description; what else may follow it. */
#define CONV_ROW(ident, word, args_, in_, out_, fn, ex, res, ...)            \
CONVERTER(ident) = { .name = word, .args = args_, .in = in_, .out = out_,    \
	.run = fn, .example = { ex, res }, .doc = __VA_ARGS__ }

/* Bytes of the arena become the sample; NULL: there was no memory. */
static inline bool
conv_give(struct smp *s, char *p, size_t n)
{
	if (p == NULL)
		return (false);
	s->str = span_of(p, n);
	s->constant = false;
	return (true);
}

static inline bool
conv_give_num(struct smp *s, int64_t n)
{
	s->num = n;
	return (true);
}

/* Big-endian numbers on a wire. */
static inline unsigned
conv_be16(const char *p)
{
	return ((unsigned)(uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

static inline uint32_t
conv_be32(const char *p)
{
	return ((uint32_t)conv_be16(p) << 16 | conv_be16(p + 2));
}
#endif
