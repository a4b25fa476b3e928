/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_selector - label selectors: read, and asked of an object.
 */
#include "ing_selector_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <base/text.h>

#define VALUES_MAX 64

struct demand {
	struct demand *next;
	char *key;
	bool must;              /* false: it must not be so */
	bool any;               /* the key alone: its value does not matter */
	struct span value[VALUES_MAX];
	uint32_t n;
};

struct ing_selector {
	struct demand *first;
};

struct reader {
	struct arena *mem;
	struct span all, rest;
	char **why;
};

static void
skip_blanks(struct reader *r)
{
	while (r->rest.n > 0 && (r->rest.p[0] == ' ' || r->rest.p[0] == '\t'))
		r->rest = span_skip(r->rest, 1);
}

static bool
refuse(struct reader *r, const char *expected)
{
	struct text t;

	skip_blanks(r);
	text_init(&t);
	text_printf(&t, "column %zu: expected %s, found ",
	    r->all.n - r->rest.n + 1, expected);
	if (r->rest.n == 0) {
		text_addz(&t, "the end");
	} else {
		text_addc(&t, '\'');
		text_quote(&t, span_of(r->rest.p, r->rest.n > 40 ? 40 :
		    r->rest.n));
		text_addc(&t, '\'');
	}
	*r->why = t.p;
	return (false);
}

static bool
take(struct reader *r, struct span sign)
{
	skip_blanks(r);
	if (!span_begins(r->rest, sign))
		return (false);
	r->rest = span_skip(r->rest, sign.n);
	return (true);
}

static bool
is_word_char(char c, bool slash)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	    (slash && c == '/'));
}

/* A key, with its prefix before a slash, or a value; it may be empty. */
static struct span
take_word(struct reader *r, bool slash)
{
	size_t n = 0;
	struct span s;

	skip_blanks(r);
	while (n < r->rest.n && is_word_char(r->rest.p[n], slash))
		n++;
	s = span_of(r->rest.p, n);
	r->rest = span_skip(r->rest, n);
	return (s);
}

static bool
take_values(struct reader *r, struct demand *d)
{
	if (!take(r, SPAN("(")))
		return (refuse(r, "'(' and values"));
	do {
		if (d->n == VALUES_MAX)
			return (refuse(r, "')' after 64 values at most"));
		d->value[d->n++] = take_word(r, false);
	} while (take(r, SPAN(",")));
	return (take(r, SPAN(")")) || refuse(r, "',' or ')'"));
}

static bool
take_demand(struct reader *r, struct demand *d)
{
	bool not = take(r, SPAN("!"));
	struct span key = take_word(r, true), op;

	if (key.n == 0)
		return (refuse(r, "the key of a label"));
	d->key = arena_dup(r->mem, key);
	d->must = !not;
	d->any = true;
	skip_blanks(r);
	if (r->rest.n == 0 || r->rest.p[0] == ',')
		return (true);
	if (not)
		return (refuse(r, "',' or the end"));
	d->any = false;
	if (take(r, SPAN("!="))) {
		d->must = false;
	} else if (!take(r, SPAN("==")) && !take(r, SPAN("="))) {
		struct reader before = *r;

		op = take_word(r, false);
		if (span_is(op, "in") || span_is(op, "notin")) {
			d->must = span_is(op, "in");
			return (take_values(r, d));
		}
		*r = before;
		return (refuse(r, "'=', '!=', 'in', 'notin', ',' or the end"));
	}
	d->value[d->n++] = take_word(r, false);
	return (true);
}

struct ing_selector *
ing_selector_parse(struct arena *mem, struct span text, char **why)
{
	struct reader r = { .mem = mem, .all = text, .rest = text, .why = why };
	struct ing_selector *s = arena_zget(mem, sizeof *s);
	struct demand **last = &s->first;

	do {
		struct demand *d = arena_zget(mem, sizeof *d);

		if (!take_demand(&r, d))
			return (NULL);
		*last = d;
		last = &d->next;
	} while (take(&r, SPAN(",")));
	skip_blanks(&r);
	if (r.rest.n > 0) {
		refuse(&r, "',' or the end");
		return (NULL);
	}
	return (s);
}

/* A label that is not there has none of the values. */
static bool
is_so(const struct demand *d, struct span label)
{
	if (label.p == NULL || d->any)
		return (label.p != NULL);
	for (uint32_t i = 0; i < d->n; i++)
		if (span_eq(label, d->value[i]))
			return (true);
	return (false);
}

bool
ing_selector_has(const struct ing_selector *s, const struct ing_vec *labels)
{
	for (const struct demand *d = s->first; d != NULL; d = d->next)
		if (is_so(d, ing_pair_find(labels, d->key)) != d->must)
			return (false);
	return (true);
}
