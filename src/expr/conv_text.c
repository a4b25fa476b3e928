/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_text - converters of texts and bytes.
 *
 * Source: configuration manual 7.3.1.
 */
#include <expr/expr.h>
#include <expr/regex.h>

#include <base/num.h>

/* Bytes of the arena become the sample. */
static bool
give(struct smp *s, char *p, size_t n)
{
	if (p == NULL)
		return (false);
	s->str = span_of(p, n);
	s->constant = false;
	return (true);
}

static bool
conv_lower(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, s->str.n + 1);

	(void)arg;
	for (size_t i = 0; p != NULL && i < s->str.n; i++)
		p[i] = span_lower(s->str.p[i]);
	return (give(s, p, s->str.n));
}

static bool
conv_upper(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, s->str.n + 1);

	(void)arg;
	for (size_t i = 0; p != NULL && i < s->str.n; i++) {
		char c = s->str.p[i];

		p[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
	}
	return (give(s, p, s->str.n));
}

static bool
conv_length(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = (int64_t)s->str.n;
	return (true);
}

static bool
is_delim(struct span delims, char c)
{
	return (memchr(delims.p, c, delims.n) != NULL);
}

/*
 * Part `no` (from 1, or from -1 at the end) and the `count` - 1 behind it,
 * 0: all of them. Words are runs of other bytes than delimiters; fields lie
 * between two of them and may be empty.
 */
static bool
take_parts(struct smp *s, struct span delims, int64_t no, int64_t count,
    bool words)
{
	const char *p = s->str.p, *end = p + s->str.n;
	const char *from = NULL, *to = NULL;
	int64_t n = 0;

	if (no == 0)
		return (true);
	if (no > 0) {
		for (;;) {
			while (words && p < end && is_delim(delims, *p))
				p++;
			if (words && p == end)
				break;
			n++;
			if (n == no)
				from = p;
			while (p < end && !is_delim(delims, *p))
				p++;
			if (n >= no)
				to = p;
			if (p == end || (count != 0 && n == no + count - 1))
				break;
			p++;
		}
	} else {
		const char *q = end;

		for (p = s->str.p;;) {
			const char *stop;

			while (words && q > p && is_delim(delims, q[-1]))
				q--;
			if (words && q == p)
				break;
			n++;
			stop = q;
			while (q > p && !is_delim(delims, q[-1]))
				q--;
			if (n == -no)
				to = stop;
			if (n >= -no)
				from = q;
			if (q == p || (count != 0 && n == -no + count - 1))
				break;
			q--;
		}
	}
	if (from == NULL || to == NULL)
		s->str.n = 0;
	else
		s->str = span_of(from, (size_t)(to - from));
	return (true);
}

static bool
conv_field(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	return (take_parts(s, arg[1].str, arg[0].num, arg[2].num, false));
}

static bool
conv_word(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	return (take_parts(s, arg[1].str, arg[0].num, arg[2].num, true));
}

static bool
conv_bytes(struct txn *t, const struct arg *arg, struct smp *s)
{
	size_t from = (size_t)arg[0].num;

	(void)t;
	if (from > s->str.n)
		from = s->str.n;
	s->str = span_skip(s->str, from);
	if (arg[1].type == ARG_INT && (size_t)arg[1].num < s->str.n)
		s->str.n = (size_t)arg[1].num;
	return (true);
}

static bool
conv_trim(struct txn *t, const struct arg *arg, struct smp *s, bool left)
{
	(void)t;
	while (s->str.n > 0 && is_delim(arg[0].str,
	    left ? *s->str.p : s->str.p[s->str.n - 1]))
		s->str = left ? span_skip(s->str, 1) :
		    span_of(s->str.p, s->str.n - 1);
	return (true);
}

static bool
conv_ltrim(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (conv_trim(t, arg, s, true));
}

static bool
conv_rtrim(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (conv_trim(t, arg, s, false));
}

static bool
conv_hex(struct txn *t, const struct arg *arg, struct smp *s)
{
	static const char digit[] = "0123456789ABCDEF";
	char *p = arena_get(t->arena, 2 * s->str.n + 1);

	(void)arg;
	for (size_t i = 0; p != NULL && i < s->str.n; i++) {
		p[2 * i] = digit[(uint8_t)s->str.p[i] >> 4];
		p[2 * i + 1] = digit[(uint8_t)s->str.p[i] & 15];
	}
	return (give(s, p, 2 * s->str.n));
}

static bool
conv_url_dec(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, s->str.n + 1);
	bool query = arg[0].num != 0;
	size_t n = 0;

	for (size_t i = 0; p != NULL && i < s->str.n; i++) {
		char c = s->str.p[i];

		if (c == '?')
			query = true;
		if (c == '+' && query)
			c = ' ';
		else if (c == '%') {
			int hi, lo;

			if (i + 2 >= s->str.n ||
			    (hi = num_hexval(s->str.p[i + 1])) < 0 ||
			    (lo = num_hexval(s->str.p[i + 2])) < 0)
				return (false);
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		p[n++] = c;
	}
	return (give(s, p, n));
}

static bool
check_regsub(struct arg *arg, const char **err)
{
	bool icase = false;

	arg[2].num = 0;
	for (size_t i = 0; arg[2].type == ARG_STR && i < arg[2].str.n; i++) {
		if (arg[2].str.p[i] == 'i')
			icase = true;
		else if (arg[2].str.p[i] == 'g')
			arg[2].num = 1;
		else {
			*err = "flags are 'i' and 'g'";
			return (false);
		}
	}
	arg[0].ptr = smp_regex_new(arg[0].str, icase, err);
	return (arg[0].ptr != NULL);
}

#define REGSUB_MAX 16384

static bool
conv_regsub(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span rest = s->str, g[SMP_REGEX_GROUPS];
	char *out = arena_get(t->arena, REGSUB_MAX);
	size_t n = 0, before, k;

	if (out == NULL)
		return (false);
	while (smp_regex_groups(arg[0].ptr, rest, g)) {
		before = (size_t)(g[0].p - rest.p);
		if (before > REGSUB_MAX - n)
			return (false);
		memcpy(out + n, rest.p, before);
		n += before;
		k = smp_regex_expand(arg[1].str, g, out + n, REGSUB_MAX - n);
		if (k == SIZE_MAX)
			return (false);
		n += k;
		rest = span_skip(rest, before + g[0].n);
		if (arg[2].num == 0 || rest.n == 0)
			break;
		if (g[0].n == 0) {              /* step over one byte */
			if (n == REGSUB_MAX)
				return (false);
			out[n++] = *rest.p;
			rest = span_skip(rest, 1);
		}
	}
	if (rest.n > REGSUB_MAX - n)
		return (false);
	memcpy(out + n, rest.p, rest.n);
	return (give(s, out, n + rest.n));
}

#define ROW(ident, word, args_, in_, out_, fn, ex, res, ...)                 \
CONVERTER(ident) = { .name = word, .args = args_, .in = in_, .out = out_,    \
	.run = fn, .example = { ex, res }, .doc = __VA_ARGS__ }

ROW(lower, "lower", "", SMP_STR, SMP_STR, conv_lower, "str(ABC),lower", "abc",
    "Letters in lower case.");
ROW(upper, "upper", "", SMP_STR, SMP_STR, conv_upper, "str(abc),upper", "ABC",
    "Letters in upper case.");
ROW(length, "length", "", SMP_STR, SMP_INT, conv_length,
    "str(four),length", "4", "The number of bytes.");
ROW(field, "field", "int index, str delims, int count=1 [0..]", SMP_STR,
    SMP_STR, conv_field, "str(f1_f2_f3),field(2,_)", "f2",
    "The part between two delimiters, numbered from 1, or from -1 at the end, "
    "and the <count> - 1 parts behind it; all of them for 0.");
ROW(word, "word", "int index, str delims, int count=1 [0..]", SMP_STR,
    SMP_STR, conv_word, "str(a__b_c),word(2,_)", "b",
    "As field(), but several delimiters are like one.");
ROW(bytes, "bytes", "int offset [0..], int length= [0..]", SMP_BIN, SMP_BIN,
    conv_bytes, "str(abcdef),bytes(1,3)", "bcd",
    "<length> bytes from <offset> on, or all behind it.");
ROW(ltrim, "ltrim", "str chars", SMP_STR, SMP_STR, conv_ltrim,
    "str(  a),ltrim(\" \")", "a", "Without those bytes at the beginning.");
ROW(rtrim, "rtrim", "str chars", SMP_STR, SMP_STR, conv_rtrim,
    "str(a//),rtrim(/)", "a", "Without those bytes at the end.");
ROW(hex, "hex", "", SMP_BIN, SMP_STR, conv_hex, "str(hi),hex", "6869",
    "Two hexadecimal digits for each byte.");
ROW(url_dec, "url_dec", "int in_form=0 [0..1]", SMP_STR, SMP_STR,
    conv_url_dec, "str(a%20b),url_dec", "a b",
    "Decodes %XX; '+' becomes a space behind a '?', or everywhere with "
    "<in_form>.");
ROW(regsub, "regsub", "str regex, str subst, str flags=", SMP_STR, SMP_STR,
    conv_regsub, "str(/foo/foo),regsub(foo,bar,g)", "/bar/bar",
    "Replaces what the expression matches; \\0 to \\9 stand for its groups. "
    "Flags: 'i' ignores case, 'g' replaces all.", .check = check_regsub);
