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

#include <stdlib.h>
#include <string.h>

#include <base/must.h>

#define NAME_MAX_BYTES 255              /* of a host name, RFC 1035 2.3.4 */

struct name {
	struct name *next;              /* same bucket */
	struct tls_entry *first;        /* in the order of lines */
	bool live;                      /* made at run time */
	uint8_t n;
	char text[];                    /* lower case; ".rest" of "*.rest" */
};

struct tls_sni {
	uint32_t mask, n;
	struct name **bucket;
	bool live;                      /* the configuration is loaded: what is
	                                 * made from now on may go again */
};

static struct span
text_of(const struct name *n)
{
	return (span_of(n->text, n->n));
}

static struct name **
place_of(const struct tls_sni *t, struct span s)
{
	struct name **at = &t->bucket[span_hash(s) & t->mask];

	while (*at != NULL && !span_eq(text_of(*at), s))
		at = &(*at)->next;
	return (at);
}

static struct name *
look_up(const struct tls_sni *t, struct span s)
{
	return (*place_of(t, s));
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
			struct name **b = &t->bucket[span_hash(text_of(n)) &
			    t->mask];

			next = n->next;
			n->next = *b;
			*b = n;
		}
	}
}

static void *
get(const struct tls_sni *t, size_t bytes)
{
	return (t->live ? must_alloc(bytes) : arena_zget(px_model->arena,
	    bytes));
}

static struct name *
name_get(struct tls_sni *t, struct span s)
{
	struct name *n, **b;

	if (t->bucket == NULL || t->n > t->mask)
		grow(t);
	if ((n = look_up(t, s)) != NULL)
		return (n);
	n = get(t, sizeof *n + s.n);
	n->live = t->live;
	n->n = (uint8_t)s.n;
	memcpy(n->text, s.p, s.n);
	b = &t->bucket[span_hash(s) & t->mask];
	n->next = *b;
	*b = n;
	t->n++;
	return (n);
}

static struct tls_entry *
entry_new(const struct tls_sni *t, const struct tls_line *line)
{
	struct tls_entry *e = get(t, sizeof *e);

	e->line = line;
	e->live = t->live;
	return (e);
}

static void
entry_free(struct tls_entry *e)
{
	if (e->live)
		free(e);
}

/* ---- the names of a line ---- */

/* A name as it is written down here, or n 0: nobody can ask for that. */
static struct span
written(struct span s, char *to)
{
	if (s.n == 0 || s.n > NAME_MAX_BYTES)
		return (SPAN_NONE);
	for (size_t i = 0; i < s.n; i++)
		to[i] = span_lower(s.p[i]);
	s.p = to;
	return (s);
}

static void
add_name(struct tls_sni *t, const struct tls_line *line, struct span s)
{
	struct tls_entry **at, *e;

	if (span_begins(s, SPAN("*.")))
		s = span_skip(s, 1);
	at = &name_get(t, s)->first;
	while (*at != NULL && (*at)->line->no < line->no)
		at = &(*at)->next;
	if (*at != NULL && (*at)->line == line)
		return;                         /* common and alternative */
	e = entry_new(t, line);
	e->next = *at;
	*at = e;
}

static void
drop_name(struct tls_sni *t, const struct tls_line *line, struct span s)
{
	struct name **place, *n;
	struct tls_entry **at, *e;

	if (span_begins(s, SPAN("*.")))
		s = span_skip(s, 1);
	place = place_of(t, s);
	if ((n = *place) == NULL)
		return;
	for (at = &n->first; (e = *at) != NULL && e->line != line;)
		at = &e->next;
	if (e == NULL)
		return;
	*at = e->next;
	entry_free(e);
	if (n->first != NULL)
		return;
	*place = n->next;
	t->n--;
	if (n->live)
		free(n);
}

static bool
is_excluded(const struct tls_line *line, struct span name)
{
	uint32_t n = line->row == NULL ? 0 : line->row->n_filters;

	for (uint32_t i = 0; i < n; i++) {
		struct span f = line->row->filters[i];

		if (f.n > 1 && f.p[0] == '!' &&
		    span_eq(span_skip(f, 1), name))
			return (true);
	}
	return (false);
}

typedef void name_fn(struct tls_sni *, const struct tls_line *, struct span);

/* Its own names, unless the line has filters that say which. */
static void
each_own_name(struct tls_sni *t, const struct tls_line *line, name_fn *fn)
{
	struct cert_names state = { .stage = 0 };
	char text[NAME_MAX_BYTES];
	struct span s;

	if (is_excluded(line, SPAN("*")))
		return;
	while (cert_next_name(&line->cert->facts, &state, &s)) {
		s = written(s, text);
		if (s.n > 0 && !is_excluded(line, s))
			fn(t, line, s);
	}
}

static void
each_name(struct tls_sni *t, const struct tls_line *line, name_fn *fn)
{
	const struct tls_row *row = line->row;
	bool given = false;

	for (uint32_t k = 0; row != NULL && k < row->n_filters; k++) {
		struct span f = row->filters[k];

		if (f.n == 0 || f.p[0] == '!')
			continue;
		given = true;
		if (f.n <= NAME_MAX_BYTES)
			fn(t, line, f);
	}
	if (!given)
		each_own_name(t, line, fn);
}

void
tls_sni_add(struct tls_bind *b, const struct tls_line *line)
{
	each_name(b->sni, line, add_name);
}

void
tls_sni_drop(struct tls_bind *b, const struct tls_line *line)
{
	each_name(b->sni, line, drop_name);
}

/* ---- who asks for no name, or an unknown one ---- */

static bool
has_star(const struct tls_line *line)
{
	uint32_t n = line->row == NULL ? 0 : line->row->n_filters;

	for (uint32_t i = 0; i < n; i++)
		if (span_is(line->row->filters[i], "*"))
			return (true);
	return (false);
}

/* The files of a bundle are all of the first word; of a directory it is the
 * first file only, and those that have its name with another kind of key. */
static bool
is_same_bundle(const struct tls_line *first, const struct tls_line *line)
{
	struct span pa = span_str(first->cert->path),
	    pc = span_str(line->cert->path);
	ptrdiff_t da = span_rfind(pa, '.'), dc = span_rfind(pc, '.');

	return (first == line || (first->pos.file == line->pos.file &&
	    first->pos.line == line->pos.line &&
	    first->pos.col == line->pos.col && da > 0 && da == dc &&
	    memcmp(pa.p, pc.p, (size_t)da) == 0 &&
	    first->cert->facts.kind != line->cert->facts.kind));
}

void
tls_sni_defaults(struct tls_bind *b)
{
	struct tls_entry **tail = &b->defaults, *e, *next;
	bool asked = false;

	for (e = b->defaults; e != NULL; e = next) {
		next = e->next;
		entry_free(e);
	}
	b->defaults = NULL;
	for (struct tls_line *line = b->lines; line != NULL; line = line->next)
		asked |= line->is_default || has_star(line);
	for (struct tls_line *line = b->lines; line != NULL; line = line->next) {
		if (asked ? !line->is_default && !has_star(line) :
		    !is_same_bundle(b->lines, line))
			continue;
		*tail = entry_new(b->sni, line);
		tail = &(*tail)->next;
	}
}

void
tls_sni_build(struct tls_bind *b)
{
	b->sni = arena_zget(px_model->arena, sizeof *b->sni);
	grow(b->sni);
	for (const struct tls_line *line = b->lines; line != NULL;
	    line = line->next)
		tls_sni_add(b, line);
	tls_sni_defaults(b);
	b->sni->live = true;
}

bool
tls_sni_is_default(const struct tls_bind *b, const struct tls_line *line)
{
	const struct tls_entry *e = b->defaults;

	while (e != NULL && e->line != line)
		e = e->next;
	return (e != NULL);
}

bool
tls_sni_excludes(const struct tls_entry *e, struct span name)
{
	return (is_excluded(e->line, name));
}

void
tls_sni_each(const struct tls_bind *b, void (*fn)(struct span name,
    const struct tls_line *, void *), void *arg)
{
	for (uint32_t i = 0; i <= b->sni->mask; i++)
		for (const struct name *n = b->sni->bucket[i]; n != NULL;
		    n = n->next)
			for (const struct tls_entry *e = n->first; e != NULL;
			    e = e->next)
				fn(text_of(n), e->line, arg);
}

const struct tls_entry *
tls_sni_find(const struct tls_bind *b, struct span name)
{
	char text[NAME_MAX_BYTES + 1];
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
