/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_part - a part of a text: fields, words, parameters, the best language,
 * the host and the port of an authority, the labels of a domain name.
 *
 * Source: configuration manual 7.3.1; RFC 9110 sections 7.2 and 12.5.4.
 */
#include "conv_int.h"

#include <base/num.h>

/* ---- fields and words ---- */

static bool
is_delim(struct span delims, char c)
{
	return (delims.n == 1 ? c == *delims.p : span_find(delims, c) >= 0);
}

/*
 * Walks over the parts of a text, from either end. Words are runs of other
 * bytes than delimiters; fields lie between two of them and may be empty.
 */
struct walk {
	struct span delims;
	const char *at, *end;           /* what is left */
	bool words, backwards, done;
};

/* The next part, or p NULL behind the last one. */
static struct span
walk_forward(struct walk *w)
{
	const char *from;

	while (w->words && w->at < w->end && is_delim(w->delims, *w->at))
		w->at++;
	from = w->at;
	while (w->at < w->end && !is_delim(w->delims, *w->at))
		w->at++;
	if (w->done || (w->words && w->at == from))
		return (SPAN_NONE);
	if (w->at < w->end)
		return (span_of(from, (size_t)(w->at++ - from)));
	w->done = true;
	return (span_of(from, (size_t)(w->at - from)));
}

static struct span
walk_back(struct walk *w)
{
	const char *to, *from;

	while (w->words && w->end > w->at && is_delim(w->delims, w->end[-1]))
		w->end--;
	to = w->end;
	while (w->end > w->at && !is_delim(w->delims, w->end[-1]))
		w->end--;
	if (w->done || (w->words && w->end == to))
		return (SPAN_NONE);
	from = w->end;
	if (w->end > w->at)
		w->end--;
	else
		w->done = true;
	return (span_of(from, (size_t)(to - from)));
}

/* Part `no` (from 1, or from -1 at the end) and the `count` - 1 behind it, 0:
 * all of them. Empty when there is none. */
static bool
take_parts(struct smp *s, const struct arg *arg, bool words)
{
	struct walk w = { .delims = arg[1].str, .words = words,
	    .backwards = arg[0].num < 0 };
	int64_t no = !w.backwards ? arg[0].num :
	    arg[0].num == INT64_MIN ? INT64_MAX : -arg[0].num;
	int64_t last;
	const char *from = NULL, *to = NULL;
	struct span part = SPAN_NONE;

	if (arg[2].num == 0 ||
	    __builtin_add_overflow(no - 1, arg[2].num, &last))
		last = INT64_MAX;
	w.at = s->str.p != NULL ? s->str.p : "";
	w.end = w.at + s->str.n;
	for (int64_t n = 1; n <= last; n++) {
		part = w.backwards ? walk_back(&w) : walk_forward(&w);
		if (part.p == NULL)
			break;
		if (n < no)
			continue;
		if (from == NULL || w.backwards)
			from = part.p;
		if (to == NULL || !w.backwards)
			to = part.p + part.n;
	}
	if (from == NULL) {
		s->str.n = 0;
		return (words);         /* a field that is not there is none */
	}
	/* there were not that many: with the delimiters at the end */
	if (part.p == NULL && w.backwards)
		from = s->str.p;
	else if (part.p == NULL)
		to = s->str.p + s->str.n;
	s->str = span_of(from, (size_t)(to - from));
	return (true);
}

static bool
conv_field(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	return (take_parts(s, arg, false));
}

static bool
conv_word(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	return (take_parts(s, arg, true));
}

static bool
check_part(struct arg *arg, const char **err)
{
	*err = "<index> counts from 1, or from -1 at the end; there is no 0";
	return (arg[0].num != 0);
}

/* ---- parameters ---- */

static bool
conv_param(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span rest = s->str, name = arg[0].str, part;

	(void)t;
	if (rest.p == NULL)
		return (false);
	while (span_cut(&rest, (char)arg[1].num, &part)) {
		if (!span_begins(part, name))
			continue;
		part = span_skip(part, name.n);
		if (part.n != 0 && *part.p != '=')
			continue;
		s->str = part.n == 0 ? part : span_skip(part, 1);
		return (true);
	}
	return (false);
}

static bool
check_param(struct arg *arg, const char **err)
{
	struct span d = arg[1].str;
	uint64_t v = '&';

	*err = "the delimiter must be one character, or '0xHH'";
	if (arg[1].type == ARG_NONE)
		;
	else if (d.n == 1)
		v = (uint8_t)*d.p;
	else if (d.n != 4 || !span_begins(d, SPAN("0x")) ||
	    !num_hex(span_skip(d, 2), &v))
		return (false);
	arg[1].num = (int64_t)v;
	return (true);
}

/* ---- languages ---- */

#define Q_ONE 1000

/* "0.8" in thousandths; what is no number counts as 1. */
static int
quality(struct span s)
{
	int q = 0, unit = Q_ONE / 10;

	if (s.n == 0 || *s.p != '0')
		return (Q_ONE);
	for (size_t i = 2; i < s.n && unit > 0; i++, unit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			break;
		q += (s.p[i] - '0') * unit;
	}
	return (s.n > 1 && s.p[1] != '.' ? Q_ONE : q);
}

/* The one of our languages that `lang` is, or its base is. */
static struct span
known(struct span list, struct span lang)
{
	struct span rest = list, one;
	ptrdiff_t dash;

	while (span_cut(&rest, ';', &one))
		if (span_eq(one, lang))
			return (one);
	dash = span_rfind(lang, '-');
	return (dash <= 0 ? SPAN_NONE :
	    known(list, span_of(lang.p, (size_t)dash)));
}

static bool
conv_language(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span rest = s->str, part, lang, best = SPAN_NONE, found;
	int best_q = 0, q;

	(void)t;
	while (rest.p != NULL && span_cut(&rest, ',', &part)) {
		span_cut(&part, ';', &lang);
		part = part.p == NULL ? SPAN_NONE : span_trim(part);
		q = span_begins(part, SPAN("q=")) ?
		    quality(span_skip(part, 2)) : Q_ONE;
		if (q <= best_q)
			continue;
		found = known(arg[0].str, span_trim(lang));
		if (found.p != NULL && found.n != 0) {
			best = found;
			best_q = q;
		}
	}
	s->constant = true;
	s->str = best.p != NULL ? best : arg[1].str;
	return (best.p != NULL || arg[1].type != ARG_NONE);
}

/* ---- hosts ---- */

/* Where the port of an authority begins: at ':'; its end without one. */
static size_t
port_at(struct span s)
{
	for (size_t i = s.n; i > 0 && s.p[i - 1] != ']'; i--)
		if (s.p[i - 1] == ':')
			return (i - 1);
	return (s.n);
}

static bool
conv_host_only(struct txn *t, const struct arg *arg, struct smp *s)
{
	size_t n = port_at(s->str);
	char *p = arena_get(t->arena, n + 1);

	(void)arg;
	if (p != NULL)
		span_lower_to(p, span_of(s->str.p, n));
	return (conv_give(s, p, n));
}

/* What is no number is no port: 0, as without one. */
static bool
conv_port_only(struct txn *t, const struct arg *arg, struct smp *s)
{
	size_t at = port_at(s->str);
	uint64_t port = 0;

	(void)t;
	(void)arg;
	if (at == s->str.n || !num_u64(span_skip(s->str, at + 1), &port) ||
	    port > INT64_MAX)
		port = 0;
	return (conv_give_num(s, (int64_t)port));
}

static bool
conv_reverse_dom(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span rest = s->str, label;
	char *p, *to;

	(void)arg;
	if (rest.n != 0 && rest.p[rest.n - 1] == '.')
		rest.n--;
	p = arena_get(t->arena, rest.n + 1);
	if (p == NULL || rest.n == 0)
		return (false);
	to = p + rest.n;
	s->str = span_of(p, rest.n);
	s->constant = false;
	while (span_cut(&rest, '.', &label)) {
		if (label.n == 0)
			return (false);
		to -= label.n;
		memcpy(to, label.p, label.n);
		if (to != p)
			*--to = '.';
	}
	return (true);
}

CONV_ROW(field, "field", "int index, str delims, int count=1 [0..]", SMP_STR,
    SMP_STR, conv_field, "str(f1_f2_f3),field(2,_)", "f2",
    "The part between two delimiters, numbered from 1, or from -1 at the "
    "end, and the <count> - 1 parts behind it; all of them for 0. No result "
    "when there are fewer.", .check = check_part);
CONV_ROW(word, "word", "int index, str delims, int count=1 [0..]", SMP_STR,
    SMP_STR, conv_word, "str(a__b_c),word(2,_)", "b",
    "As field(), but several delimiters are like one, and those at the ends "
    "do not count. Empty when there are fewer.", .check = check_part);
CONV_ROW(param, "param", "str name, str delim=", SMP_STR, SMP_STR, conv_param,
    "str(a=b&c=d&a=r),param(c)", "d", "The value of the first parameter of "
    "that name, where '&' or <delim> separates them: one character, or "
    "'0xHH'. Empty without '='. Nothing is decoded.", .check = check_param);
CONV_ROW(language, "language", "str languages, str default=", SMP_STR,
    SMP_STR, conv_language, "str(en-GB),language(es;fr;en)",
    "en", "Which one of <languages>, separated by ';', an Accept-Language "
    "header likes best. 'en-GB' counts as 'en' when only that is in the list; "
    "q=0 excludes. <default>, or no result, when none is wanted.");
CONV_ROW(host_only, "host_only", "", SMP_STR, SMP_STR, conv_host_only,
    "str([2001:DB8::1]:80),host_only", "[2001:db8::1]",
    "The value of a Host header without its port, in lower case.");
CONV_ROW(port_only, "port_only", "", SMP_STR, SMP_INT, conv_port_only,
    "str(example.org:8080),port_only", "8080",
    "The port of a Host header; 0 without one.");
CONV_ROW(reverse_dom, "reverse_dom", "", SMP_STR, SMP_STR, conv_reverse_dom,
    "str(www.example.com.),reverse_dom", "com.example.www", "The labels of a "
    "domain name backwards, so that a domain can be looked up as a "
    "beginning. A dot at the end is ignored; no result with an empty label.");
