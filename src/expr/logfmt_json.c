/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logfmt_json - a format written as a JSON object: the named items, in their
 * order, with values of their types; null without a value. What stands
 * between them has no place in it.
 *
 * Source: configuration manual 8.2.6; RFC 8259.
 */
#include "logfmt_int.h"

#include <base/num.h>

#define VALUE_MAX 16384                 /* of one variable */

/* Bytes of a well-formed UTF-8 character at the front; 0: none. */
static size_t
utf8_length(struct span s)
{
	uint8_t c = (uint8_t)*s.p, lo = 0x80, hi = 0xbf;
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 :
	    (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;

	if (n > s.n)
		return (0);
	if (c == 0xe0)
		lo = 0xa0;              /* a shorter form exists */
	else if (c == 0xed)
		hi = 0x9f;              /* half of a pair */
	else if (c == 0xf0)
		lo = 0x90;
	else if (c == 0xf4)
		hi = 0x8f;
	for (size_t i = 1; i < n; i++) {
		uint8_t d = (uint8_t)s.p[i];

		if (d < lo || d > hi)
			return (0);
		lo = 0x80;
		hi = 0xbf;
	}
	return (n);
}

/* Bytes that are no text are taken for Latin-1, so that none is lost. */
static void
put_string(struct logfmt_out *o, struct span s)
{
	static const char digit[] = "0123456789abcdef";

	logfmt_char(o, '"');
	while (s.n > 0) {
		size_t n = utf8_length(s);
		uint8_t c = (uint8_t)*s.p;

		if (n == 0 || c < 32) {
			logfmt_bytes(o, "\\u00", 4);
			logfmt_char(o, digit[c >> 4]);
			logfmt_char(o, digit[c & 15]);
			n = 1;
		} else {
			if (c == '"' || c == '\\')
				logfmt_char(o, '\\');
			logfmt_bytes(o, s.p, n);
		}
		s = span_skip(s, n);
	}
	logfmt_char(o, '"');
}

static bool
is_number(struct span s)
{
	if (s.n > 1 && *s.p == '-')
		s = span_skip(s, 1);
	if (s.n == 0 || s.n > 18)
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return (false);
	return (true);
}

static void
put_word(struct logfmt_out *o, const char *z)
{
	logfmt_bytes(o, z, strlen(z));
}

/* The text that a variable is. */
static struct span
text_of(const struct piece *x, struct txn *t)
{
	static char scratch[VALUE_MAX];         /* one process, one thread */
	struct logfmt_out n = { scratch, scratch + sizeof scratch };
	const struct logvar *v = x->var;
	bool hex = (x->flags & FLAG_X) != 0;

	if (v->text != NULL)
		return (v->text(t));
	if (v->number == NULL)
		return (span_of(scratch, v->put(t, scratch, sizeof scratch,
		    hex)));
	logfmt_number(&n, v->number(t), hex ? v->hex : 0);
	return (span_of(scratch, (size_t)(n.at - scratch)));
}

/* The flag X made this text: hexadecimal digits are no number. */
static bool
is_hex(const struct piece *x, struct txn *t, struct span text)
{
	const struct logvar *v = x->var;
	char plain[64];
	size_t n;

	if ((x->flags & FLAG_X) == 0)
		return (false);
	if (v->number != NULL)
		return (v->hex != 0);
	n = v->put(t, plain, sizeof plain, false);
	return (!span_eq(text, span_of(plain, n)));
}

/* A variable that is a number has none of what marks it as not final. */
static void
as_number(const struct piece *x, struct txn *t, struct smp *s)
{
	if (s->str.n > 1 && *s->str.p == '+')
		s->str = span_skip(s->str, 1);
	if (x->type == SMP_ANY && is_number(s->str) &&
	    !is_hex(x, t, s->str) && num_i64(s->str, &s->num))
		s->type = SMP_INT;
}

static bool
is_simple(const struct smp *s)
{
	return (s->type == SMP_BOOL || s->type == SMP_INT ||
	    s->type == SMP_STR || s->type == SMP_BIN);
}

bool
logfmt_value(const struct piece *x, struct txn *t, struct smp *s)
{
	*s = (struct smp){ .type = SMP_STR };
	if (x->kind == PIECE_EXPR || x->kind == PIECE_CODED_EXPR) {
		if (!expr_eval(x->expr, t, s))
			return (false);
	} else {
		s->str = text_of(x, t);
		if (s->str.n == 0)
			return (false);
		if (x->var->text == NULL && !x->var->quoted)
			as_number(x, t, s);
	}
	return (smp_cast(t, s, x->type) &&
	    (is_simple(s) || smp_cast(t, s, SMP_STR)));
}

void
logfmt_json_value(struct logfmt_out *o, const struct piece *x, struct txn *t)
{
	struct smp s;

	if (!logfmt_value(x, t, &s))
		put_word(o, "null");
	else if (s.type == SMP_BOOL)
		put_word(o, s.num != 0 ? "true" : "false");
	else if (s.type == SMP_INT)
		logfmt_number(o, s.num, 0);
	else if (smp_cast(t, &s, SMP_STR))
		put_string(o, s.str);
	else
		put_word(o, "null");
}

void
logfmt_json(struct logfmt_out *o, const struct logfmt *f, struct txn *t)
{
	const char *before = "{";

	for (const struct piece *x = f->first; x != NULL; x = x->next) {
		if (x->kind == PIECE_TEXT || x->name.p == NULL)
			continue;
		put_word(o, before);
		before = ", ";
		put_string(o, x->name);
		put_word(o, ": ");
		logfmt_json_value(o, x, t);
	}
	put_word(o, *before == '{' ? "{}" : "}");
}
