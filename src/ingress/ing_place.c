/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_place - texts of responses that take the place of others, read.
 */
#include "ing_place_int.h"
#include "ing_opt_int.h"

/* --- what is looked for ----------------------------------------------------- */

/* What one step through an expression comes by. */
struct step {
	struct span rest;
	bool in_class, class_begins;
	unsigned depth;
};

/* The next piece, of one character or of a backslash and one. */
static struct span
next(struct step *s)
{
	struct span one = span_of(s->rest.p, s->rest.p[0] == '\\' &&
	    s->rest.n > 1 ? 2 : 1);
	char c = one.n == 1 ? one.p[0] : '\0';
	bool began = s->class_begins;

	s->class_begins = false;
	if (s->in_class) {
		if (c == ']' && !began)
			s->in_class = false;
		else if (c == '^' && began)
			s->class_begins = true;
	} else if (c == '[') {
		s->in_class = s->class_begins = true;
	} else if (c == '(') {
		s->depth++;
	} else if (c == ')' && s->depth > 0) {
		s->depth--;
	}
	s->rest = span_skip(s->rest, one.n);
	return (one);
}

bool
ing_old_read(struct span v, struct ing_old *o)
{
	struct step s;
	bool either = false;

	memset(o, 0, sizeof *o);
	o->text = v;
	if (v.n == 0 || v.p[0] != '~')
		return (true);
	o->regex = true;
	o->any_case = span_begins(v, SPAN("~*"));
	v = span_skip(v, o->any_case ? 2 : 1);
	o->anchored = v.n > 0 && v.p[0] == '^';
	o->text = v = span_skip(v, o->anchored ? 1 : 0);
	s = (struct step){ .rest = v };
	while (s.rest.n > 0) {
		bool was_class = s.in_class;
		struct span one = next(&s);

		if (was_class || one.n != 1)
			continue;
		if (one.p[0] == '^')
			return (false);
		either |= one.p[0] == '|' && s.depth == 0;
	}
	return (!(either && o->anchored));
}

/* "\S" and its kin take a ';' as well. */
static bool
put_escape(struct text *out, char c, bool in_class)
{
	if (strchr("QEXNRCK", c) != NULL)
		return (false);
	if (strchr("SDWHV", c) == NULL) {
		text_printf(out, "\\%c", c);
		return (true);
	}
	if (in_class)
		return (false);
	text_printf(out, "[^\\%c;]", span_lower(c));
	return (true);
}

int
ing_old_inside(struct text *out, struct span regex)
{
	struct step s = { .rest = regex };
	int groups = 0;

	while (s.rest.n > 0) {
		bool was_class = s.in_class, begins = s.class_begins;
		struct span one = next(&s);
		char c = one.p[one.n - 1];

		if (one.n == 2) {
			if (!put_escape(out, c, was_class))
				return (-1);
			continue;
		}
		if (was_class && begins && c == '^')
			text_addz(out, "^;");
		else if (was_class)
			text_addc(out, c);
		else if (c == '.')
			text_addz(out, "[^;]");
		else if (c == '$')
			text_addz(out, "(?= *(?:;|$))");
		else
			text_addc(out, c);
		groups += !was_class && c == '(' && (s.rest.n == 0 ||
		    s.rest.p[0] != '?');
	}
	return (groups);
}

/* --- what takes its place --------------------------------------------------- */

static const char *
sample_of(struct arena *mem, struct span name)
{
	const char *z = NULL;
	struct text t;

	text_init(&t);
	if (ing_opt_var_sample(&t, name))
		z = arena_dup(mem, text_span(&t));
	text_fini(&t);
	return (z);
}

bool
ing_place_read(struct arena *mem, struct span v, struct ing_place *p)
{
	struct ing_part *part;
	struct span name;
	size_t n;

	p->v = arena_zget(mem, (v.n + 1) * sizeof *p->v);
	for (p->n = 0; v.n > 0; p->n++) {
		part = &p->v[p->n];
		if (v.p[0] != '$') {
			for (n = 1; n < v.n && v.p[n] != '$'; n++)
				;
			part->text = arena_span(mem, span_of(v.p, n));
			v = span_skip(v, n);
		} else if (v.n > 1 && v.p[1] >= '1' && v.p[1] <= '9') {
			part->group = v.p[1] - '0';
			v = span_skip(v, 2);
		} else if (!ing_opt_var_name(&v, &name) ||
		    (part->sample = sample_of(mem, name)) == NULL) {
			return (false);
		}
	}
	return (true);
}
