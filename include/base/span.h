/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H
/*
 * span - borrowed bytes: a pointer and a length, not owned, not terminated.
 *
 * Everything that comes from outside the process is a span. Comparison in
 * "i" form folds ASCII case only, as protocol elements need it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

#define SPAN(lit)  ((struct span){ "" lit, sizeof(lit) - 1 })
#define SPAN_NONE  ((struct span){ NULL, 0 })
#define SPAN_FMT(s) (int)(s).n, (s).p           /* for "%.*s" */

extern const uint8_t span_lower_tab[256];       /* ASCII lower case */

static inline struct span
span_str(const char *z)
{
	return ((struct span){ z, z == NULL ? 0 : strlen(z) });
}

static inline struct span
span_of(const char *p, size_t n)
{
	return ((struct span){ p, n });
}

static inline bool
span_eq(struct span a, struct span b)
{
	return (a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
}

static inline char
span_lower(char c)
{
	return ((char)span_lower_tab[(uint8_t)c]);
}

/* span_ieq - equal but for ASCII case. span_ieq_long - of 8 bytes or more. */
bool span_ieq_long(const char *, const char *, size_t n);
static inline bool
span_ieq(struct span a, struct span b)
{
	if (a.n != b.n)
		return (false);
	if (a.n >= 8)
		return (span_ieq_long(a.p, b.p, a.n));
	for (size_t i = 0; i < a.n; i++)
		if (span_lower(a.p[i]) != span_lower(b.p[i]))
			return (false);
	return (true);
}

/* span_is, span_iis - the same against a C string. */
static inline bool
span_is(struct span a, const char *z)
{
	return (strlen(z) == a.n && (a.n == 0 || memcmp(a.p, z, a.n) == 0));
}

static inline bool
span_iis(struct span a, const char *z)
{
	return (span_ieq(a, span_str(z)));
}

static inline bool
span_begins(struct span a, struct span head)
{
	return (a.n >= head.n && (head.n == 0 ||
	    memcmp(a.p, head.p, head.n) == 0));
}

static inline bool
span_ends(struct span a, struct span tail)
{
	return (a.n >= tail.n && (tail.n == 0 ||
	    memcmp(a.p + a.n - tail.n, tail.p, tail.n) == 0));
}

/* span_skip - without its first `n` bytes; n <= a.n. */
static inline struct span
span_skip(struct span a, size_t n)
{
	return ((struct span){ a.p + n, a.n - n });
}

/* span_cmp - memcmp() order, the shorter first when one begins the other. */
int span_cmp(struct span a, struct span b);

/* span_trim - without spaces and tabs at both ends. */
static inline struct span
span_trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_skip(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return (s);
}

/* span_lower8 - eight letters at a time: bit 7 of each byte of `upper` tells
 * whether it is one from 'A' to 'Z'. */
static inline uint64_t
span_lower8(uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t low = w & ones * 0x7f;
	uint64_t upper = ((low + ones * (0x80 - 'A')) ^
	    (low + ones * (0x7f - 'Z'))) & ~w & ones * 0x80;

	return (w | upper >> 2);
}

/* span_lower_to - a copy in lower case at `dst`, which has room for it. */
void span_lower_to(char *dst, struct span);

/* span_find, span_rfind - offset of the first or last `c`, or -1. */
ptrdiff_t span_find(struct span, char c);
ptrdiff_t span_rfind(struct span, char c);

/* span_search - offset of `what` in `in`, or -1. */
ptrdiff_t span_search(struct span in, struct span what);

/*
 * span_cut - the part before the first `sep`, and the rest after it.
 *
 * Returns false when `*rest` was used up before the call. A text without
 * `sep` is one part. "a,,b" has three parts; "" has one, empty.
 * Start with *rest = the text; ends by setting rest->p to NULL.
 */
bool span_cut(struct span *rest, char sep, struct span *part);

/* span_hash - a 64-bit hash (XXH3) of the bytes; stable within a release. */
uint64_t span_hash(struct span);

/* span_hash_seed - another one for each seed, for tables whose keys come from
 * outside. */
uint64_t span_hash_seed(struct span, uint64_t seed);

/* span_ihash - the same for any ASCII case of the letters. */
uint64_t span_ihash(struct span);

/* span_dup - a NUL-terminated copy, owned by the caller; panics without
 * memory: for start-up and the agent. */
char *span_dup(struct span);

/* span_join - all `parts` one behind the other, NUL-terminated, cut to `size`
 * bytes with the NUL; returns how long the whole is, as snprintf(3) does. */
size_t span_join(char *dst, size_t size, const struct span *parts, size_t n);

/* span_copy - fill `dst` with a NUL-terminated copy, cut to `size`; the
 * return value tells whether all of it fitted. */
bool span_copy(char *dst, size_t size, struct span);
#endif
