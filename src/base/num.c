/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num - numbers to and from text, strict: no spaces, no surplus characters.
 */
#include <base/must.h>
#include <base/num.h>

#define TIME_MAX_US ((int64_t)INT32_MAX * 1000)         /* 24.8 days */

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

/*
 * Take the decimal digits at the start of `s`; `rest` is what follows them.
 * A number that does not fit is UINT64_MAX with `*over` set.
 */
static uint64_t
take_digits(struct span s, struct span *rest, bool *over)
{
	uint64_t v = 0;
	size_t i;

	*over = false;
	for (i = 0; i < s.n && is_digit(s.p[i]); i++) {
		unsigned digit = (unsigned)(s.p[i] - '0');

		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			*over = true;
	}
	*rest = i == 0 ? s : span_skip(s, i);
	return (*over ? UINT64_MAX : v);
}

bool
num_u64(struct span s, uint64_t *out)
{
	struct span rest;
	bool over;
	uint64_t v = take_digits(s, &rest, &over);

	if (s.n == 0 || rest.n != 0 || over)
		return (false);
	*out = v;
	return (true);
}

bool
num_i64(struct span s, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
		s = span_skip(s, 1);
	if (!num_u64(s, &v) || v > (uint64_t)INT64_MAX + minus)
		return (false);
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return (true);
}

bool
num_hex(struct span s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 16)
		return (false);
	for (size_t i = 0; i < s.n; i++) {
		int digit = num_hexval(s.p[i]);

		if (digit < 0)
			return (false);
		v = v << 4 | (unsigned)digit;
	}
	*out = v;
	return (true);
}

/* Microseconds of a unit's name, 0 when there is no such unit. */
static int64_t
unit_us(struct span unit)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {
		{ "us", 1 },
		{ "ms", 1000 },
		{ "s", 1000000 },
		{ "m", 60 * (int64_t)1000000 },
		{ "h", 3600 * (int64_t)1000000 },
		{ "d", 86400 * (int64_t)1000000 },
	};

	for (size_t i = 0; i < NELEM(units); i++)
		if (span_is(unit, units[i].name))
			return (units[i].us);
	return (0);
}

enum num_unit
num_time(struct span s, const char *unit, int64_t *out_us)
{
	struct span rest;
	bool over;
	uint64_t v = take_digits(s, &rest, &over);
	int64_t us;

	if (rest.n == s.n)
		return (NUM_BAD);
	us = unit_us(rest.n == 0 ? span_str(unit) : rest);
	if (us == 0)
		return (NUM_BAD_UNIT);
	if (over || v > (uint64_t)(TIME_MAX_US / us))
		return (NUM_OVER);
	*out_us = (int64_t)v * us;
	return (NUM_OK);
}

enum num_unit
num_size(struct span s, uint64_t *out)
{
	struct span rest;
	bool over;
	uint64_t v = take_digits(s, &rest, &over);
	unsigned shift = 0;

	if (rest.n == s.n)
		return (NUM_BAD);
	if (rest.n > 1)
		return (NUM_BAD_UNIT);
	if (rest.n == 1) {
		switch (span_lower(rest.p[0])) {
		case 'k': shift = 10; break;
		case 'm': shift = 20; break;
		case 'g': shift = 30; break;
		default: return (NUM_BAD_UNIT);
		}
	}
	if (over || v > UINT64_MAX >> shift)
		return (NUM_OVER);
	*out = v << shift;
	return (NUM_OK);
}

static const char pairs[] =
    "0001020304050607080910111213141516171819"
    "2021222324252627282930313233343536373839"
    "4041424344454647484950515253545556575859"
    "6061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

static inline size_t
put_pair(char *dst, uint64_t v)
{
	memcpy(dst, pairs + 2 * v, 2);
	return (2);
}

/* Less than 10,000, without zeros before it. */
static inline size_t
put_short(char *dst, uint64_t v)
{
	size_t n = 0;

	if (v >= 100) {
		uint64_t high = v / 100;

		if (high < 10)
			dst[n++] = (char)('0' + high);
		else
			n = put_pair(dst, high);
		return (n + put_pair(dst + n, v % 100));
	}
	if (v >= 10)
		return (put_pair(dst, v));
	*dst = (char)('0' + v);
	return (1);
}

size_t
num_put(char *dst, uint64_t v)
{
	size_t n;

	if (v < 10000)
		return (put_short(dst, v));
	n = num_put(dst, v / 10000);
	v %= 10000;
	put_pair(dst + n, v / 100);
	put_pair(dst + n + 2, v % 100);
	return (n + 4);
}

size_t
num_puthex(char *dst, uint64_t v)
{
	size_t n = 1;

	while (n < 16 && v >> (4 * n) != 0)
		n++;
	for (size_t i = 0; i < n; i++)
		dst[i] = "0123456789abcdef"[v >> (4 * (n - 1 - i)) & 15];
	return (n);
}
