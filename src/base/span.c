/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span - searching, cutting and hashing borrowed bytes.
 */
#include <base/must.h>
#include <base/span.h>

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define IHASH_CHUNK 256

#define ROW8(n) (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, \
	(n) + 7
#define ROW32(n) ROW8(n), ROW8((n) + 8), ROW8((n) + 16), ROW8((n) + 24)

const uint8_t span_lower_tab[256] = {
	ROW32(0), ROW32(32),
	'@',                                    /* 64 */
	ROW8('a'), ROW8('i'), ROW8('q'),
	'y', 'z', '[', '\\', ']', '^', '_',
	ROW32(96), ROW32(128), ROW32(160), ROW32(192), ROW32(224)
};

#define ALL(c) (UINT64_C(0x0101010101010101) * (c))

/* Eight bytes that differ in nothing but the case of letters. */
static inline bool
same8(const char *a, const char *b)
{
	uint64_t x, y, differ, low, letter;

	memcpy(&x, a, 8);
	memcpy(&y, b, 8);
	differ = x ^ y;
	if (differ == 0)
		return (true);
	if ((differ & ~ALL(0x20)) != 0)
		return (false);
	low = (x | ALL(0x20)) & ALL(0x7f);
	letter = (low + ALL(0x80 - 'a')) & ~(low + ALL(0x7f - 'z')) & ~x;
	return ((differ << 2 & ALL(0x80) & ~letter) == 0);
}

bool
span_ieq_long(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i + 8 <= n; i += 8)
		if (!same8(a + i, b + i))
			return (false);
	return (n % 8 == 0 || same8(a + n - 8, b + n - 8));
}

int
span_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (r != 0)
		return (r);
	return (a.n < b.n ? -1 : a.n > b.n);
}

void
span_lower_to(char *dst, struct span s)
{
	uint64_t w;
	size_t i;

	for (i = 0; i + 8 <= s.n; i += 8) {
		memcpy(&w, s.p + i, 8);
		w = span_lower8(w);
		memcpy(dst + i, &w, 8);
	}
	for (; i < s.n; i++)
		dst[i] = span_lower(s.p[i]);
}

ptrdiff_t
span_find(struct span s, char c)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return (at == NULL ? -1 : at - s.p);
}

ptrdiff_t
span_rfind(struct span s, char c)
{
	const char *at = s.n == 0 ? NULL : memrchr(s.p, c, s.n);

	return (at == NULL ? -1 : at - s.p);
}

ptrdiff_t
span_search(struct span in, struct span what)
{
	const char *at;

	if (what.n == 0)
		return (0);
	if (in.n < what.n)
		return (-1);
	at = memmem(in.p, in.n, what.p, what.n);
	return (at == NULL ? -1 : at - in.p);
}

bool
span_cut(struct span *rest, char sep, struct span *part)
{
	ptrdiff_t at;

	if (rest->p == NULL)
		return (false);
	at = span_find(*rest, sep);
	if (at < 0) {
		*part = *rest;
		*rest = SPAN_NONE;
		return (true);
	}
	*part = span_of(rest->p, (size_t)at);
	*rest = span_skip(*rest, (size_t)at + 1);
	return (true);
}

uint64_t
span_hash(struct span s)
{
	return (XXH3_64bits(s.n == 0 ? "" : s.p, s.n));
}

uint64_t
span_hash_seed(struct span s, uint64_t seed)
{
	return (XXH3_64bits_withSeed(s.n == 0 ? "" : s.p, s.n, seed));
}

static void
lower_into(char *dst, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		dst[i] = span_lower(s.p[i]);
}

/* XXH3 gives the same value in one go and by chunks, so both paths agree
 * with span_hash() of the lower-cased bytes. */
uint64_t
span_ihash(struct span s)
{
	char chunk[IHASH_CHUNK];
	XXH3_state_t state;

	if (s.n <= sizeof(chunk)) {
		lower_into(chunk, s);
		return (XXH3_64bits(chunk, s.n));
	}
	XXH3_64bits_reset(&state);
	while (s.n > 0) {
		size_t n = s.n < sizeof(chunk) ? s.n : sizeof(chunk);

		lower_into(chunk, span_of(s.p, n));
		XXH3_64bits_update(&state, chunk, n);
		s = span_skip(s, n);
	}
	return (XXH3_64bits_digest(&state));
}

char *
span_dup(struct span s)
{
	char *p = must_alloc(s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (p);
}

size_t
span_join(char *dst, size_t size, const struct span *parts, size_t n)
{
	size_t all = 0;

	if (size > 0)
		dst[0] = '\0';
	for (size_t i = 0; i < n; all += parts[i++].n)
		if (all < size)
			(void)span_copy(dst + all, size - all, parts[i]);
	return (all);
}

bool
span_copy(char *dst, size_t size, struct span s)
{
	size_t n = s.n;

	if (size == 0)
		return (false);
	if (n > size - 1)
		n = size - 1;
	if (n > 0)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
	return (n == s.n);
}
