/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_sni - which certificates a host name has: a table of exact names, and of
 * what follows a wildcard's star, for one label.
 *
 * Of two lines with the same name the first one wins, so a list keeps their
 * order.
 */
#include "tls_sni.h"

#ifdef USE_OPENSSL

#include <string.h>

#include <base/must.h>

struct name {
	struct name *next;              /* same bucket */
	struct span text;               /* lower case; ".rest" of "*.rest" */
	struct tls_entry *first, **tail;
};

struct tls_sni {
	uint32_t mask, n;
	struct name **bucket;
};

static struct name *
look_up(const struct tls_sni *t, struct span s)
{
	struct name *n = t->bucket[span_hash(s) & t->mask];

	while (n != NULL && !span_eq(n->text, s))
		n = n->next;
	return (n);
}

static void
grow(struct tls_sni *t)
{
	uint32_t old = t->bucket == NULL ? 0 : t->mask + 1;
	uint32_t size = old == 0 ? 16 : old * 4;
	struct name **was = t->bucket;

	t->bucket = arena_zget(px_model->arena, size * sizeof *t->bucket);
	t->mask = size - 1;
	for (uint32_t i = 0; i < old; i++) {
		struct name *n = was[i], *next;

		for (; n != NULL; n = next) {
			struct name **b = &t->bucket[span_hash(n->text) &
			    t->mask];

			next = n->next;
			n->next = *b;
			*b = n;
		}
	}
}

static struct name *
name_get(struct tls_sni *t, struct span s)
{
	struct name *n, **b;

	if (t->bucket == NULL || t->n > t->mask)
		grow(t);
	if ((n = look_up(t, s)) != NULL)
		return (n);
	n = arena_zget(px_model->arena, sizeof *n);
	n->text = s;
	n->tail = &n->first;
	b = &t->bucket[span_hash(s) & t->mask];
	n->next = *b;
	*b = n;
	t->n++;
	return (n);
}

static struct tls_entry *
entry_new(const struct tls_line *line, struct cert *c)
{
	struct tls_entry *e = arena_zget(px_model->arena, sizeof *e);

	e->line = line;
	e->cert = c;
	return (e);
}

static void
add_name(struct tls_sni *t, const struct tls_line *line, struct cert *c,
    struct span s)
{
	struct name *n;

	if (span_begins(s, SPAN("*.")))
		s = span_skip(s, 1);
	n = name_get(t, s);
	for (const struct tls_entry *e = n->first; e != NULL; e = e->next)
		if (e->cert == c && e->line == line)
			return;                 /* common and alternative */
	*n->tail = entry_new(line, c);
	n->tail = &(*n->tail)->next;
}

static struct span
lower(struct span s)
{
	char *p = arena_dup(px_model->arena, s);

	for (size_t i = 0; i < s.n; i++)
		p[i] = span_lower(p[i]);
	return (span_of(p, s.n));
}

static bool
is_excluded(const struct tls_line *line, struct span name)
{
	for (uint32_t i = 0; i < line->n_filters; i++) {
		struct span f = line->filters[i];

		if (f.n > 1 && f.p[0] == '!' &&
		    span_eq(span_skip(f, 1), name))
			return (true);
	}
	return (false);
}

/* Its own names, unless the line has filters that say which. */
static void
add_own_names(struct tls_sni *t, const struct tls_line *line, struct cert *c)
{
	struct cert_names state = { .stage = 0 };
	struct span s;

	if (is_excluded(line, SPAN("*")))
		return;
	while (cert_next_name(&c->facts, &state, &s)) {
		s = lower(s);
		if (!is_excluded(line, s))
			add_name(t, line, c, s);
	}
}

static void
add_line(struct tls_bind *b, const struct tls_line *line)
{
	for (uint32_t i = 0; i < line->certs.n; i++) {
		bool given = false;

		for (uint32_t k = 0; k < line->n_filters; k++) {
			struct span f = line->filters[k];

			if (f.n == 0 || f.p[0] == '!')
				continue;
			given = true;
			add_name(b->sni, line, line->certs.v[i], f);
		}
		if (!given)
			add_own_names(b->sni, line, line->certs.v[i]);
	}
}

static bool
has_star(const struct tls_line *line)
{
	for (uint32_t i = 0; i < line->n_filters; i++)
		if (span_is(line->filters[i], "*"))
			return (true);
	return (false);
}

/* The files of a bundle are all of the first word; of a directory it is the
 * first file only, and those that have its name with another kind of key. */
static bool
is_same_bundle(const struct cert *a, const struct cert *c)
{
	struct span pa = span_str(a->path), pc = span_str(c->path);
	ptrdiff_t da = span_rfind(pa, '.'), dc = span_rfind(pc, '.');

	return (a == c || (da > 0 && da == dc &&
	    memcmp(pa.p, pc.p, (size_t)da) == 0 &&
	    a->facts.kind != c->facts.kind));
}

static void
find_defaults(struct tls_bind *b)
{
	struct tls_entry **tail = &b->defaults;
	bool asked = false;

	for (struct tls_line *line = b->lines; line != NULL; line = line->next)
		asked |= line->is_default || has_star(line);
	for (struct tls_line *line = b->lines; line != NULL; line = line->next) {
		if (asked && !line->is_default && !has_star(line))
			continue;
		for (uint32_t i = 0; i < line->certs.n; i++) {
			if (!asked && !is_same_bundle(line->certs.v[0],
			    line->certs.v[i]))
				continue;
			*tail = entry_new(line, line->certs.v[i]);
			tail = &(*tail)->next;
		}
		if (!asked)
			break;
	}
}

void
tls_sni_build(struct tls_bind *b)
{
	b->sni = arena_zget(px_model->arena, sizeof *b->sni);
	grow(b->sni);
	for (const struct tls_line *line = b->lines; line != NULL;
	    line = line->next)
		add_line(b, line);
	find_defaults(b);
}

bool
tls_sni_excludes(const struct tls_entry *e, struct span name)
{
	return (e->line->n_filters > 0 && is_excluded(e->line, name));
}

const struct tls_entry *
tls_sni_find(const struct tls_bind *b, struct span name)
{
	char text[256];
	const struct name *n;
	ptrdiff_t dot;

	if (name.n == 0 || name.n > sizeof text)
		return (NULL);
	for (size_t i = 0; i < name.n; i++)
		text[i] = span_lower(name.p[i]);
	name.p = text;
	if (name.p[name.n - 1] == '.')          /* the root, written out */
		name.n--;
	if ((n = look_up(b->sni, name)) != NULL && name.p[0] != '.')
		return (n->first);
	if ((dot = span_find(name, '.')) < 1)
		return (NULL);
	n = look_up(b->sni, span_skip(name, (size_t)dot));
	for (const struct tls_entry *e = n == NULL ? NULL : n->first;
	    e != NULL; e = e->next)
		if (!is_excluded(e->line, name))
			return (e);
	return (NULL);
}

#endif
