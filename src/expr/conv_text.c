/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_text - converters of texts and bytes.
 *
 * Source: configuration manual 7.3.1.
 */
#include "conv_int.h"

#include <base/num.h>
#include <expr/regex.h>
#include <expr/vars.h>

static bool
conv_lower(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, s->str.n + 1);

	(void)arg;
	if (p != NULL)
		span_lower_to(p, s->str);
	return (conv_give(s, p, s->str.n));
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
	return (conv_give(s, p, s->str.n));
}

static bool
conv_length(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = (int64_t)s->str.n;
	return (true);
}

/* Nothing for places that the text does not have. */
static bool
conv_bytes(struct txn *t, const struct arg *arg, struct smp *s)
{
	int64_t from, n = INT64_MAX;

	if (!smp_arg_int(&arg[0], t, &from))
		return (false);
	if (arg[1].type != ARG_NONE && !smp_arg_int(&arg[1], t, &n))
		return (false);
	if (from < 0 || n < 0 || (uint64_t)from >= s->str.n) {
		s->str.n = 0;
		return (true);
	}
	s->str = span_skip(s->str, (size_t)from);
	if ((uint64_t)n < s->str.n)
		s->str.n = (size_t)n;
	return (true);
}

static bool
check_bytes(struct arg *arg, const char **err)
{
	*err = "<offset> and <length> must not be negative";
	return (arg[0].type == ARG_VAR || (arg[0].num >= 0 &&
	    (arg[1].type != ARG_INT || arg[1].num >= 0)));
}

static bool
conv_trim(struct txn *t, const struct arg *arg, struct smp *s, bool left)
{
	(void)t;
	while (s->str.n > 0 && span_find(arg[0].str,
	    left ? *s->str.p : s->str.p[s->str.n - 1]) >= 0)
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
conv_cut_crlf(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	for (size_t i = 0; i < s->str.n; i++)
		if (s->str.p[i] == '\r' || s->str.p[i] == '\n')
			s->str.n = i;
	return (true);
}

static bool
conv_reverse(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, s->str.n + 1);

	(void)arg;
	for (size_t i = 0; p != NULL && i < s->str.n; i++)
		p[i] = s->str.p[s->str.n - 1 - i];
	return (conv_give(s, p, s->str.n));
}

/* ---- joining ---- */

/* The text of a variable, empty when it has none. */
static struct span
variable(struct txn *t, const struct arg *arg)
{
	struct smp s;

	if (arg->ptr == NULL || !expr_var_get(arg->ptr, t, &s) ||
	    !smp_cast(t, &s, SMP_STR) || s.str.p == NULL)
		return (SPAN(""));
	return (s.str);
}

static bool
join(struct txn *t, struct smp *s, const struct span *part, size_t n_parts)
{
	size_t n = s->str.n;
	char *p;

	for (size_t i = 0; i < n_parts; i++)
		n += part[i].n;
	if ((p = arena_get(t->arena, n + 1)) == NULL)
		return (false);
	n = 0;
	if (s->str.n != 0)
		memcpy(p, s->str.p, n = s->str.n);
	for (size_t i = 0; i < n_parts; i++) {
		if (part[i].n != 0)
			memcpy(p + n, part[i].p, part[i].n);
		n += part[i].n;
	}
	return (conv_give(s, p, n));
}

static bool
conv_concat(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span part[] = { arg[0].str, variable(t, &arg[1]), arg[2].str };

	return (join(t, s, part, 3));
}

static bool
conv_add_item(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span part[] = { arg[0].str, variable(t, &arg[1]), arg[2].str };

	if (s->str.n == 0 || part[1].n + part[2].n == 0)
		part[0].n = 0;
	return (join(t, s, part, 3));
}

static bool
check_concat(struct arg *arg, const char **err)
{
	if (arg[1].type == ARG_NONE)
		return (true);
	arg[1].type = ARG_VAR;
	arg[1].ptr = expr_var_named(arg[1].str, err);
	return (arg[1].ptr != NULL);
}

static bool
check_add_item(struct arg *arg, const char **err)
{
	if (arg[1].type == ARG_NONE && arg[2].type == ARG_NONE) {
		*err = "a variable or a text to add is missing";
		return (false);
	}
	return (check_concat(arg, err));
}

static bool
conv_strcmp(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct smp v;

	if (!expr_var_get(arg[0].ptr, t, &v) || !smp_cast(t, &v, SMP_STR))
		return (false);
	return (conv_give_num(s, span_cmp(s->str, v.str)));
}

static bool
check_strcmp(struct arg *arg, const char **err)
{
	arg[0].type = ARG_VAR;
	arg[0].ptr = expr_var_named(arg[0].str, err);
	return (arg[0].ptr != NULL);
}

/* ---- control characters ---- */

#define CTL_DEL         32      /* bit of 0x7f */
#define CTL_ANY         UINT64_C(0x1ffffffff)

static bool
conv_has_ctl(struct txn *t, const struct arg *arg, struct smp *s)
{
	uint64_t mask = (uint64_t)arg[0].num;
	bool found = false;

	(void)t;
	for (size_t i = 0; i < s->str.n && !found; i++) {
		uint8_t c = (uint8_t)s->str.p[i];

		found = (c < 0x20 && (mask >> c & 1) != 0) ||
		    (c == 0x7f && (mask >> CTL_DEL & 1) != 0);
	}
	return (conv_give_num(s, found));
}

static bool
check_has_ctl(struct arg *arg, const char **err)
{
	struct span in = arg[0].str;
	uint64_t v = CTL_ANY & ~(UINT64_C(1) << '\t');

	*err = "expected 'any', 'http', or a number of 33 bits";
	if (span_is(in, "any"))
		v = CTL_ANY;
	else if (span_is(in, "http"))
		v = 1 << '\0' | 1 << '\r' | 1 << '\n';
	else if (span_begins(in, SPAN("0x"))) {
		if (!num_hex(span_skip(in, 2), &v))
			return (false);
	} else if (arg[0].type != ARG_NONE && !num_u64(in, &v))
		return (false);
	arg[0].num = (int64_t)v;
	return (v <= CTL_ANY);
}

/* ---- regular expressions ---- */

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
	*err = "a regular expression is missing";
	if (arg[0].str.n == 0)
		return (false);
	arg[0].ptr = smp_regex_new(arg[0].str, icase, err);
	return (arg[0].ptr != NULL);
}

#define REGSUB_MAX 16384

/* What is made goes here first: one process, one thread. */
static char scratch[REGSUB_MAX];

static bool
put(size_t *n, struct span s)
{
	if (s.n > REGSUB_MAX - *n)
		return (false);
	if (s.n != 0)
		memcpy(scratch + *n, s.p, s.n);
	*n += s.n;
	return (true);
}

static bool
conv_regsub(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span g[SMP_REGEX_GROUPS], in = s->str;
	size_t at = 0, n = 0, k;

	if (in.p == NULL)
		in.p = "";
	while (smp_regex_groups_at(arg[0].ptr, in, at, g)) {
		if (!put(&n, span_of(in.p + at, (size_t)(g[0].p - in.p) - at)))
			return (false);
		k = smp_regex_expand(arg[1].str, g, scratch + n,
		    REGSUB_MAX - n);
		if (k == SIZE_MAX)
			return (false);
		n += k;
		at = (size_t)(g[0].p - in.p) + g[0].n;
		if (g[0].n == 0) {              /* step over one byte */
			if (at == in.n)
				break;
			if (!put(&n, span_of(in.p + at++, 1)))
				return (false);
		}
		if (arg[2].num == 0)
			break;
	}
	if (at < in.n && !put(&n, span_skip(in, at)))
		return (false);
	return (conv_give(s, arena_dup(t->arena, span_of(scratch, n)), n));
}

CONV_ROW(lower, "lower", "", SMP_STR, SMP_STR, conv_lower,
    "str(ABC),lower", "abc", "Letters in lower case.");
CONV_ROW(upper, "upper", "", SMP_STR, SMP_STR, conv_upper,
    "str(abc),upper", "ABC", "Letters in upper case.");
CONV_ROW(length, "length", "", SMP_STR, SMP_INT, conv_length,
    "str(four),length", "4", "The number of bytes.");
CONV_ROW(bytes, "bytes", "num offset, num length=", SMP_BIN, SMP_BIN,
    conv_bytes, "str(abcdef),bytes(1,3)", "bcd",
    "<length> bytes from <offset> on, or all behind it; both may be "
    "variables. Empty when there is no byte at <offset>.",
    .check = check_bytes);
CONV_ROW(cut_crlf, "cut_crlf", "", SMP_STR, SMP_STR, conv_cut_crlf,
    "bin(61620d0a63),cut_crlf", "ab", "What is before the first end of a "
    "line, be it CR or LF.");
CONV_ROW(reverse, "reverse", "", SMP_STR, SMP_STR, conv_reverse,
    "str(example.com),reverse", "moc.elpmaxe", "The bytes backwards, so that "
    "an end can be looked up as a beginning. Not for text in UTF-8.");
CONV_ROW(concat, "concat", "str start=, str var=, str end=", SMP_STR, SMP_STR,
    conv_concat, "str(a),concat(<,,>)", "a<>", "The text, <start>, the value "
    "of the variable <var>, and <end>; each may be left out.",
    .check = check_concat);
CONV_ROW(add_item, "add_item", "str delim, str var=, str suffix=", SMP_STR,
    SMP_STR, conv_add_item, "str(a),add_item(\",\",,b)", "a,b",
    "The text, <delim>, the value of the variable <var>, and <suffix>. "
    "Without <delim> when nothing comes before or behind it.",
    .check = check_add_item);
CONV_ROW(strcmp, "strcmp", "str var", SMP_STR, SMP_INT, conv_strcmp,
    "str(a),set-var(txn.x),strcmp(txn.x)", "0",
    "Negative, 0 or positive as the text sorts before that of the variable, "
    "is equal, or sorts behind it. No result when the variable is not set.",
    .check = check_strcmp);
CONV_ROW(has_ctl, "has_ctl", "str mask=", SMP_BIN, SMP_BOOL, conv_has_ctl,
    "bin(610a),has_ctl(http)", "1", "Whether there is a control character "
    "that <mask> names: bit n for byte n up to 31, bit 32 for DEL; in "
    "decimal, or in hexadecimal behind '0x'. 'http' is NUL, CR and LF, 'any' "
    "all of them; without it, all but tabs.", .check = check_has_ctl);
CONV_ROW(ltrim, "ltrim", "str chars", SMP_STR, SMP_STR, conv_ltrim,
    "str(  a),ltrim(\" \")", "a", "Without those bytes at the beginning.");
CONV_ROW(rtrim, "rtrim", "str chars", SMP_STR, SMP_STR, conv_rtrim,
    "str(a//),rtrim(/)", "a", "Without those bytes at the end.");
CONV_ROW(regsub, "regsub", "str regex, str subst, str flags=", SMP_STR, SMP_STR,
    conv_regsub, "str(/foo/foo),regsub(foo,bar,g)", "/bar/bar",
    "Replaces what the expression matches; \\0 to \\9 stand for its groups. "
    "Flags: 'i' ignores case, 'g' replaces all.", .check = check_regsub);
