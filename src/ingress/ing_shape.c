/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_shape - read a document's fields as a table says, and nothing else.
 */
#include "ing_shape_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <base/b64.h>
#include <base/must.h>
#include <base/num.h>

#define FIRST_BYTES   512u
#define MOST_BYTES  65536u

struct block {
	struct block *next;
	size_t spare;
};

struct ing_mem {
	struct block *blocks;
	char *at, *end;
	size_t grow, bytes;
};

struct ing_mem *
ing_mem_new(void)
{
	struct ing_mem *m = must_alloc(sizeof *m);

	m->grow = FIRST_BYTES;
	return (m);
}

void *
ing_mem_get(struct ing_mem *m, size_t bytes)
{
	struct block *b;
	size_t size;
	char *p;

	bytes = (bytes + 7) & ~(size_t)7;
	if (m->at == NULL || (size_t)(m->end - m->at) < bytes) {
		size = bytes + sizeof *b > m->grow ? bytes + sizeof *b :
		    m->grow;
		if (m->grow < MOST_BYTES)
			m->grow *= 2;
		b = must_alloc(size);
		b->next = m->blocks;
		m->blocks = b;
		m->bytes += size;
		m->at = (char *)(b + 1);
		m->end = (char *)b + size;
	}
	p = m->at;
	m->at += bytes;
	return (p);
}

char *
ing_mem_dup(struct ing_mem *m, struct span s)
{
	char *p = ing_mem_get(m, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (p);
}

size_t
ing_mem_bytes(const struct ing_mem *m)
{
	return (m->bytes + sizeof *m);
}

void
ing_mem_free(struct ing_mem *m)
{
	if (m == NULL)
		return;
	while (m->blocks != NULL) {
		struct block *b = m->blocks;

		m->blocks = b->next;
		free(b);
	}
	free(m);
}

/* --- one value ------------------------------------------------------------ */

struct read {
	struct ing_mem *mem;
	char where[256];        /* "spec.rules[2].http" */
	char **why;
	struct ing_at *at;
};

static bool
refuse(struct read *r, const char *path, const struct kube_node *n,
    const char *expected)
{
	struct text t;
	char found[96];

	text_init(&t);
	text_printf(&t, "%s%s%s: expected %s, found %s", r->where,
	    r->where[0] != '\0' && path[0] != '[' ? "." : "", path, expected,
	    kube_found(n, found, sizeof found));
	if (n != NULL)
		*r->at = (struct ing_at){ n->line, n->col };
	*r->why = t.p;
	return (false);
}

static bool
is_alnum(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
}

static bool
is_label(struct span s)
{
	if (s.n == 0 || s.n > 63 || !is_alnum(s.p[0]) ||
	    !is_alnum(s.p[s.n - 1]))
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return (false);
	return (true);
}

static bool
is_name(struct span s)
{
	struct span label;

	if (s.n == 0 || s.n > 253)
		return (false);
	while (span_cut(&s, '.', &label))
		if (!is_label(label))
			return (false);
	return (true);
}

static bool
is_port_name(struct span s)
{
	bool letter = false;

	if (s.n > 63 || !is_label(s))
		return (false);
	for (size_t i = 0; i < s.n; i++)
		letter |= s.p[i] >= 'a' && s.p[i] <= 'z';
	return (letter);
}

static bool
is_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return (false);
	return (true);
}

/* A host name as Ingress has it, in lower case; "*." may be its first label.
 * A dot at the end is not kept. */
static char *
take_host(struct ing_mem *m, struct span s)
{
	char *p = ing_mem_dup(m, s);
	struct span rest = span_of(p, s.n);

	for (size_t i = 0; i < s.n; i++)
		p[i] = span_lower(p[i]);
	if (s.n > 1 && p[s.n - 1] == '.') {
		p[s.n - 1] = '\0';
		rest.n--;
	}
	if (span_begins(rest, SPAN("*.")))
		rest = span_skip(rest, 2);
	return (is_name(rest) ? p : NULL);
}

static bool
read_text(struct read *r, const struct ing_field *f,
    const struct kube_node *n, const char **out)
{
	static const struct {
		bool (*is)(struct span);
		const char *expected;
	} kind[] = {
		[ING_F_TEXT] = { is_text, "text without control characters" },
		[ING_F_LABEL] = { is_label, "a name of a-z, 0-9 and '-', 63 "
		    "characters at most" },
		[ING_F_NAME] = { is_name, "a name of a-z, 0-9, '-' and '.', "
		    "253 characters at most" },
		[ING_F_PORT_NAME] = { is_port_name, "the name of a port: a-z, "
		    "0-9 and '-'" },
	};
	struct span s = kube_str(n);
	size_t max = f->max > 0 ? (size_t)f->max : 4096;
	char expected[64];

	if (n->kind != KUBE_STRING)
		return (refuse(r, f->path, n, "a string"));
	if (s.n > max) {
		snprintf(expected, sizeof expected,
		    "at most %zu characters", max);
		return (refuse(r, f->path, n, expected));
	}
	if (s.n == 0 && !f->must) {
		*out = NULL;
		return (true);
	}
	if (f->type == ING_F_HOST)
		return ((*out = take_host(r->mem, s)) != NULL ||
		    refuse(r, f->path, n, "a host name, which may begin with "
		    "'*.'"));
	if (!kind[f->type].is(s))
		return (refuse(r, f->path, n, kind[f->type].expected));
	*out = ing_mem_dup(r->mem, s);
	return (true);
}

static bool
read_int(struct read *r, const struct ing_field *f,
    const struct kube_node *n, int64_t *out)
{
	char expected[64];

	if (n->kind == KUBE_INT && n->num >= f->min && n->num <= f->max) {
		*out = n->num;
		return (true);
	}
	snprintf(expected, sizeof expected,
	    "a number from %" PRId64 " to %" PRId64, f->min, f->max);
	return (refuse(r, f->path, n, expected));
}

static bool
read_time(struct read *r, const struct ing_field *f,
    const struct kube_node *n, int64_t *out)
{
	struct tm tm = { .tm_sec = 0 };
	char z[40];
	const char *end;

	/* The API server always writes UTC, as "2026-11-28T09:13:21Z". */
	if (n->kind != KUBE_STRING ||
	    !span_copy(z, sizeof z, kube_str(n)) ||
	    (end = strptime(z, "%Y-%m-%dT%H:%M:%S", &tm)) == NULL)
		return (refuse(r, f->path, n, "a time, as "
		    "2026-11-28T09:13:21Z"));
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (strcmp(end, "Z") != 0)
		return (refuse(r, f->path, n, "a time in UTC, ending in Z"));
	*out = (int64_t)timegm(&tm);
	return (true);
}

static bool
read_intstr(struct read *r, const struct ing_field *f,
    const struct kube_node *n, struct ing_intstr *out)
{
	const struct ing_field number = { f->path, ING_F_INT, 0, false, 0,
	    65535, NULL };
	const struct ing_field name = { f->path, ING_F_PORT_NAME, 0, false, 0,
	    63, NULL };

	if (n->kind == KUBE_STRING)
		return (read_text(r, &name, n, &out->name));
	return (read_int(r, &number, n, &out->num));
}

/* --- vectors and maps ------------------------------------------------------ */

static bool
too_many(struct read *r, const struct ing_field *f,
    const struct kube_node *n, enum kube_kind kind)
{
	uint32_t max = f->max > 0 ? (uint32_t)f->max : 1024;
	char expected[64];

	if (n->kind != kind)
		return (!refuse(r, f->path, n, kind == KUBE_LIST ? "a list" :
		    "a map"));
	if (n->n <= max)
		return (false);
	snprintf(expected, sizeof expected, "at most %u entries", max);
	return (!refuse(r, f->path, n, expected));
}

static bool
read_texts(struct read *r, const struct ing_field *f,
    const struct kube_node *n, struct ing_vec *out)
{
	struct ing_field one = { f->path, f->type == ING_F_HOSTS ?
	    ING_F_HOST : ING_F_TEXT, 0, true, 0, 1024, NULL };
	const char **v;

	if (too_many(r, f, n, KUBE_LIST))
		return (false);
	out->v = v = ing_mem_get(r->mem, (n->n + 1) * sizeof *v);
	out->n = n->n;
	for (uint32_t i = 0; i < n->n; i++)
		if (!read_text(r, &one, &n->item[i], &v[i]))
			return (false);
	return (true);
}

static int
pair_cmp(const void *a, const void *b)
{
	const struct ing_pair *x = a, *y = b;

	return (strcmp(x->key, y->key));
}

static bool
decode(struct ing_mem *m, struct span *value)
{
	char *p = ing_mem_get(m, B64_DECODED(value->n) + 1);
	size_t n;

	if (!b64_get(p, &n, *value, B64_STD))
		return (false);
	p[n] = '\0';
	*value = span_of(p, n);
	return (true);
}

static bool
read_pairs(struct read *r, const struct ing_field *f,
    const struct kube_node *n, struct ing_vec *out)
{
	struct ing_pair *v;

	if (too_many(r, f, n, KUBE_MAP))
		return (false);
	v = ing_mem_get(r->mem, (out->n + n->n + 1) * sizeof *v);
	if (out->n > 0)         /* a second field that adds to the first */
		memcpy(v, out->v, out->n * sizeof *v);
	for (uint32_t i = 0; i < n->n; i++) {
		const struct kube_node *value = &n->pair[i].value;
		struct ing_pair *p = &v[out->n + i];

		if (!is_text(n->pair[i].key) || n->pair[i].key.n > 317)
			return (refuse(r, f->path, n, "keys that are names"));
		p->key = ing_mem_dup(r->mem, n->pair[i].key);
		p->value = SPAN("");
		if (value->kind == KUBE_NULL)
			continue;
		if (value->kind != KUBE_STRING)
			return (refuse(r, f->path, value, "strings as values; "
			    "put it in quotes"));
		p->value = kube_str(value);
		if (f->type == ING_F_PAIRS)
			p->value = span_of(ing_mem_dup(r->mem, p->value),
			    p->value.n);
		else if (!decode(r->mem, &p->value))
			return (refuse(r, f->path, NULL, "base64"));
	}
	out->v = v;
	out->n += n->n;
	qsort(v, out->n, sizeof *v, pair_cmp);
	return (true);
}

static bool read_fields(struct read *, const struct ing_shape *,
    const struct kube_node *, char *out);

static bool
read_shapes(struct read *r, const struct ing_field *f,
    const struct kube_node *n, struct ing_vec *out)
{
	size_t outer = strlen(r->where);
	char *v;

	if (too_many(r, f, n, KUBE_LIST))
		return (false);
	out->v = v = ing_mem_get(r->mem, n->n * f->shape->bytes + 1);
	out->n = n->n;
	for (uint32_t i = 0; i < n->n; i++) {
		snprintf(r->where + outer, sizeof r->where - outer,
		    "%s%s[%u]", outer > 0 ? "." : "", f->path, i);
		if (n->item[i].kind != KUBE_MAP)
			return (refuse(r, "", &n->item[i], "a map"));
		if (!read_fields(r, f->shape, &n->item[i],
		    v + i * f->shape->bytes))
			return (false);
	}
	r->where[outer] = '\0';
	return (true);
}

static bool
read_field(struct read *r, const struct ing_field *f,
    const struct kube_node *n, char *out)
{
	void *at = out + f->offset;

	switch (f->type) {
	case ING_F_TEXT:
	case ING_F_LABEL:
	case ING_F_NAME:
	case ING_F_HOST:
	case ING_F_PORT_NAME:
		return (read_text(r, f, n, at));
	case ING_F_INT:
		return (read_int(r, f, n, at));
	case ING_F_BOOL:
		if (n->kind != KUBE_BOOL)
			return (refuse(r, f->path, n, "true or false"));
		*(int *)at = n->yes;
		return (true);
	case ING_F_TIME:
		return (read_time(r, f, n, at));
	case ING_F_INTSTR:
		return (read_intstr(r, f, n, at));
	case ING_F_TEXTS:
	case ING_F_HOSTS:
		return (read_texts(r, f, n, at));
	case ING_F_PAIRS:
	case ING_F_BASE64:
		return (read_pairs(r, f, n, at));
	case ING_F_SHAPE:
		return (read_fields(r, f->shape, n, at));
	case ING_F_SHAPES:
		return (read_shapes(r, f, n, at));
	}
	return (false);
}

static bool
read_fields(struct read *r, const struct ing_shape *s,
    const struct kube_node *n, char *out)
{
	static const struct kube_node nothing = { .kind = KUBE_NULL };

	for (const struct ing_field *f = s->fields; f->path != NULL; f++) {
		const struct kube_node *value = kube_at(n, f->path);

		if (f->type == ING_F_BOOL)
			*(int *)(void *)(out + f->offset) = -1;
		if (value == NULL || value->kind == KUBE_NULL) {
			if (f->must)
				return (refuse(r, f->path, value,
				    "a value, as it is required"));
			if (f->type != ING_F_SHAPE)
				continue;
			/* Its booleans still become "not said". */
			value = &nothing;
		}
		if (!read_field(r, f, value, out))
			return (false);
	}
	return (true);
}

bool
ing_shape_read(const struct ing_shape *s, const struct kube_node *n,
    struct ing_mem *mem, void *out, char **why, struct ing_at *at)
{
	struct read r = { .mem = mem, .why = why, .at = at };

	return (read_fields(&r, s, n, out));
}
