/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_json - json_query(): reads JSON until it has the value asked for.
 *
 * Source: configuration manual 7.3.1; RFC 8259; of RFC 9535 the paths that
 * name one value: names and indices.
 */
#include "conv_json.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>

#define PATH_STEPS 32

struct step {
	struct span name;               /* p NULL: an index */
	uint64_t index;
};

struct json_path {
	size_t n;
	struct step step[PATH_STEPS];
};

struct reader {
	const char *p, *end;
};

/* ---- reading ---- */

static void
skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' ||
	    *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

/* The byte after white space is `c`: over it. */
static bool
take(struct reader *r, char c)
{
	skip_space(r);
	if (r->p == r->end || *r->p != c)
		return (false);
	r->p++;
	return (true);
}

/* Behind the opening quote: what is before the closing one. */
static bool
take_string(struct reader *r, struct span *raw)
{
	const char *from = r->p;

	for (; r->p < r->end && *r->p != '"'; r->p++)
		if (*r->p == '\\' && ++r->p == r->end)
			return (false);
	if (r->p == r->end)
		return (false);
	*raw = span_of(from, (size_t)(r->p++ - from));
	return (true);
}

/* A value as it is written. Of what is inside of it, only strings and
 * brackets are looked at. */
static bool
take_value(struct reader *r, struct span *raw)
{
	const char *from;
	struct span s;
	size_t depth = 0;

	skip_space(r);
	from = r->p;
	do {
		if (r->p == r->end)
			return (false);
		switch (*r->p) {
		case '"':
			r->p++;
			if (!take_string(r, &s))
				return (false);
			continue;
		case '{': case '[':
			depth++;
			break;
		case '}': case ']':
			if (depth-- == 0)
				return (false);
			break;
		default:
			if (depth > 0)
				break;
			while (r->p < r->end && strchr(",]} \t\r\n", *r->p) ==
			    NULL)
				r->p++;
			goto done;
		}
		r->p++;
	} while (depth > 0);
done:
	*raw = span_of(from, (size_t)(r->p - from));
	return (raw->n != 0);
}

/* Four hexadecimal digits. */
static bool
take_hex4(struct reader *r, uint32_t *v)
{
	uint64_t n;

	if (r->end - r->p < 4 || !num_hex(span_of(r->p, 4), &n))
		return (false);
	r->p += 4;
	*v = (uint32_t)n;
	return (true);
}

static size_t
put_utf8(char *p, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		p[i] = (char)(0x80 | (c & 0x3f));
	p[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
	return (n);
}

/* What an escape stands for, behind its backslash; a pair of surrogates is one
 * character. At most 4 bytes; SIZE_MAX: it is none. */
static size_t
take_escape(struct reader *r, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	uint32_t c, low;

	if (r->p == r->end)
		return (SIZE_MAX);
	if (*r->p != 'u') {
		at = *r->p == '\0' ? NULL : strchr(from, *r->p);
		if (at == NULL)
			return (SIZE_MAX);
		r->p++;
		*out = to[at - from];
		return (1);
	}
	r->p++;
	if (!take_hex4(r, &c) || (c >= 0xdc00 && c < 0xe000))
		return (SIZE_MAX);
	if (c >= 0xd800 && c < 0xdc00) {
		if (r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u')
			return (SIZE_MAX);
		r->p += 2;
		if (!take_hex4(r, &low) || low < 0xdc00 || low >= 0xe000)
			return (SIZE_MAX);
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	return (put_utf8(out, c));
}

/* A string without its escapes at `dst`, which has room for raw.n bytes: an
 * escape is longer than what it stands for. SIZE_MAX: one is wrong. */
static size_t
unescape(struct span raw, char *dst)
{
	struct reader r = { raw.p, raw.p + raw.n };
	size_t n = 0, k;

	while (r.p < r.end) {
		if (*r.p != '\\') {
			dst[n++] = *r.p++;
			continue;
		}
		r.p++;
		if ((k = take_escape(&r, dst + n)) == SIZE_MAX)
			return (SIZE_MAX);
		n += k;
	}
	return (n);
}

static bool
name_is(struct span raw, struct span name)
{
	char key[256];
	size_t n;

	if (span_find(raw, '\\') < 0)
		return (span_eq(raw, name));
	if (raw.n > sizeof key)
		return (false);
	n = unescape(raw, key);
	return (n != SIZE_MAX && span_eq(span_of(key, n), name));
}

/* ---- walking ---- */

/* To the value of one step; the reader is then before it. */
static bool
go_name(struct reader *r, struct span name)
{
	struct span raw, value;

	if (!take(r, '{'))
		return (false);
	do {
		if (!take(r, '"') || !take_string(r, &raw) || !take(r, ':'))
			return (false);
		if (name_is(raw, name))
			return (true);
		if (!take_value(r, &value))
			return (false);
	} while (take(r, ','));
	return (false);
}

static bool
go_index(struct reader *r, uint64_t index)
{
	struct span value;

	if (!take(r, '['))
		return (false);
	for (; index > 0; index--)
		if (!take_value(r, &value) || !take(r, ','))
			return (false);
	skip_space(r);
	return (r->p < r->end && *r->p != ']');
}

static bool
find(const struct json_path *path, struct span doc, struct span *raw)
{
	struct reader r = { doc.p, doc.p + doc.n };

	if (doc.n == 0)
		return (false);
	for (size_t i = 0; i < path->n; i++)
		if (path->step[i].name.p != NULL ?
		    !go_name(&r, path->step[i].name) :
		    !go_index(&r, path->step[i].index))
			return (false);
	return (take_value(&r, raw));
}

/* ---- values ---- */

static size_t
digits(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return (n);
}

/* The text is a number, *whole: an integer. */
static bool
is_number(struct span s, bool *whole)
{
	size_t n;

	if (s.n > 0 && *s.p == '-')
		s = span_skip(s, 1);
	n = digits(s);
	if (n == 0 || (n > 1 && *s.p == '0'))
		return (false);
	s = span_skip(s, n);
	*whole = s.n == 0;
	if (s.n > 0 && *s.p == '.') {
		n = digits(span_skip(s, 1));
		if (n == 0)
			return (false);
		s = span_skip(s, n + 1);
	}
	if (s.n > 0 && (*s.p == 'e' || *s.p == 'E')) {
		s = span_skip(s, 1);
		if (s.n > 0 && (*s.p == '+' || *s.p == '-'))
			s = span_skip(s, 1);
		n = digits(s);
		if (n == 0)
			return (false);
		s = span_skip(s, n);
	}
	return (s.n == 0);
}

static bool
give_number(struct txn *t, struct span raw, bool as_int, struct smp *s)
{
	char text[64], shown[64];
	struct span out = raw;
	bool whole;
	double d;

	if (!is_number(raw, &whole) || !span_copy(text, sizeof text, raw))
		return (false);
	if (as_int && whole) {
		s->type = SMP_INT;
		return (num_i64(raw, &s->num));
	}
	d = strtod(text, NULL);
	if (as_int) {
		if (!(d > -9.2e18 && d < 9.2e18))
			return (false);
		s->type = SMP_INT;
		return (conv_give_num(s, (int64_t)d));
	}
	/* 1.50 as 1.5, when nothing is lost by it */
	if (!whole) {
		snprintf(shown, sizeof shown, "%g", d);
		if (strtod(shown, NULL) == d)
			out = span_str(shown);
	}
	s->type = SMP_STR;
	return (conv_give(s, arena_dup(t->arena, out), out.n));
}

/* An array as it is written, less the white space. */
static bool
give_array(struct txn *t, struct span raw, struct smp *s)
{
	char *p = arena_get(t->arena, raw.n);
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; p != NULL && i < raw.n; i++) {
		char c = raw.p[i];

		if (!quoted && (c == ' ' || c == '\t' || c == '\n' ||
		    c == '\r'))
			continue;
		p[n++] = c;
		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted && i + 1 < raw.n)
			p[n++] = raw.p[++i];
	}
	s->type = SMP_STR;
	return (conv_give(s, p, n));
}

static bool
give_string(struct txn *t, struct span raw, struct smp *s)
{
	char *p = arena_get(t->arena, raw.n + 1);
	size_t n;

	if (p == NULL || (n = unescape(raw, p)) == SIZE_MAX)
		return (false);
	s->type = SMP_STR;
	return (conv_give(s, p, n));
}

bool
conv_json_get(struct txn *t, const struct arg *arg, struct span doc,
    struct smp *s)
{
	struct span raw;

	if (!find(arg[0].ptr, doc, &raw))
		return (false);
	switch (*raw.p) {
	case '"':
		return (give_string(t, span_of(raw.p + 1, raw.n - 2), s));
	case '[':
		return (give_array(t, raw, s));
	case 't': case 'f':
		if (!span_is(raw, "true") && !span_is(raw, "false"))
			return (false);
		s->type = SMP_BOOL;
		return (conv_give_num(s, *raw.p == 't'));
	default:
		return (give_number(t, raw, arg[1].num != 0, s));
	}
}

/* ---- paths ---- */

static bool
add_step(struct json_path *path, struct span name, uint64_t index,
    const char **err)
{
	*err = "a path has 32 steps at most";
	if (path->n == PATH_STEPS)
		return (false);
	path->step[path->n++] = (struct step){ name, index };
	return (true);
}

/* ".name" up to '.' or '['; a backslash takes the next byte as it is. */
static bool
path_name(struct json_path *path, struct span *rest, const char **err)
{
	char *p = must_alloc(rest->n + 1);
	size_t n = 0;

	while (rest->n > 0 && *rest->p != '.' && *rest->p != '[') {
		if (*rest->p == '\\' && rest->n > 1)
			*rest = span_skip(*rest, 1);
		p[n++] = *rest->p;
		*rest = span_skip(*rest, 1);
	}
	*err = "a name is missing in the path";
	if (n != 0 && !span_is(span_of(p, n), "*"))
		return (add_step(path, span_of(p, n), 0, err));
	if (n != 0)
		*err = "a path must name one value: '*' cannot be used";
	free(p);
	return (false);
}

/* "[0]", "['name']" or "["name"]", behind the bracket. */
static bool
path_bracket(struct json_path *path, struct span *rest, const char **err)
{
	ptrdiff_t at = span_find(*rest, ']');
	struct span in;
	uint64_t index;
	char *p;

	*err = "']' is missing in the path";
	if (rest->n > 1 && (*rest->p == '\'' || *rest->p == '"')) {
		at = span_find(span_skip(*rest, 1), *rest->p);
		if (at < 0 || (size_t)at + 2 >= rest->n ||
		    rest->p[at + 2] != ']')
			return (false);
		p = span_dup(span_of(rest->p + 1, (size_t)at));
		in = span_of(p, (size_t)at);
		*rest = span_skip(*rest, (size_t)at + 3);
		return (add_step(path, in, 0, err));
	}
	if (at < 0)
		return (false);
	in = span_of(rest->p, (size_t)at);
	*rest = span_skip(*rest, (size_t)at + 1);
	*err = "a path must name one value: between '[' and ']', expected a "
	    "number or a name in quotes";
	return (num_u64(in, &index) && *in.p != '+' &&
	    add_step(path, SPAN_NONE, index, err));
}

struct json_path *
conv_json_path(struct span text, const char **err)
{
	struct json_path *path;
	bool ok = true;

	*err = "a path begins with '$'";
	if (text.n == 0 || *text.p != '$')
		return (NULL);
	path = must_alloc(sizeof *path);
	path->n = 0;
	text = span_skip(text, 1);
	while (ok && text.n > 0) {
		char c = *text.p;

		*err = "expected '.' or '[' in the path";
		text = span_skip(text, 1);
		ok = c == '.' ? path_name(path, &text, err) :
		    c == '[' && path_bracket(path, &text, err);
	}
	if (ok)
		return (path);
	for (size_t i = 0; i < path->n; i++)
		free((void *)(uintptr_t)path->step[i].name.p);
	free(path);
	return (NULL);
}

bool
conv_json_check(struct arg *arg, const char **err)
{
	arg[0].ptr = conv_json_path(arg[0].str, err);
	arg[1].num = arg[1].type != ARG_NONE;
	return (arg[0].ptr != NULL);
}

static bool
conv_json_query(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (conv_json_get(t, arg, s->str, s));
}

CONV_ROW(json_query, "json_query", "str path, enum(int) type=", SMP_STR,
    SMP_ANY, conv_json_query, "str('{\"a\":[7,8]}'),json_query('$.a[1]')",
    "8", "The value at a path, as \"$.user.name\", \"$.list[0]\" or "
    "\"$['a.b']\"; a backslash takes the character behind it as it is. A "
    "text, a truth value, a number as text or, with 'int', as a number, or an "
    "array as JSON without white space. No result for an object and null. "
    "What comes behind the value is not looked at: this does not prove that "
    "the text is JSON.", .check = conv_json_check, .typed = true);
