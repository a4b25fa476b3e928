/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_doc - the tree: limits, plain scalars, look-up, words for messages.
 */
#include "kube_doc_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>

const struct kube_limits kube_limits_object = {
	.bytes = 4u << 20, .nodes = 200000, .depth = 64
};
const struct kube_limits kube_limits_list = {
	.bytes = 512u << 20, .nodes = 50000000, .depth = 68
};

const char *const kube_kind_name[] = {
	[KUBE_NULL] = "null", [KUBE_BOOL] = "boolean", [KUBE_INT] = "number",
	[KUBE_REAL] = "number", [KUBE_STRING] = "string",
	[KUBE_LIST] = "list", [KUBE_MAP] = "map"
};

bool
kube_refuse(struct kube_build *b, int line, int col, const char *fmt, ...)
{
	struct diag_pos pos = { .file = b->file, .line = line, .col = col };
	va_list ap;

	va_start(ap, fmt);
	diag_vadd(b->diags, DIAG_ALERT, pos, SPAN_NONE, fmt, ap);
	va_end(ap);
	b->refused = true;
	return (false);
}

bool
kube_count(struct kube_build *b, uint32_t depth, size_t bytes, int line,
    int col)
{
	const struct kube_limits *l = b->limits;

	b->bytes += bytes;
	b->nodes++;
	if (depth > l->depth)
		return (kube_refuse(b, line, col, "nested deeper than the "
		    "%u levels that are accepted", l->depth));
	if (b->nodes > l->nodes)
		return (kube_refuse(b, line, col, "more than the %u values "
		    "that are accepted in a document (do aliases repeat a "
		    "large part?)", l->nodes));
	if (b->bytes > l->bytes)
		return (kube_refuse(b, line, col, "more than the %zu bytes "
		    "that are accepted in a document (do aliases repeat a "
		    "large part?)", l->bytes));
	return (true);
}

bool
kube_text(struct kube_build *b, struct span s, struct kube_node *n)
{
	if (s.n > UINT32_MAX / 2)
		return (kube_refuse(b, n->line, n->col, "a string of %zu "
		    "bytes", s.n));
	n->kind = KUBE_STRING;
	n->n = (uint32_t)s.n;
	n->str = arena_dup(b->mem, s);
	return (true);
}

static int
pair_cmp(const void *a, const void *b)
{
	const struct kube_pair *const *x = a, *const *y = b;

	return (span_cmp((*x)->key, (*y)->key));
}

static bool
say_twice(struct kube_build *b, const struct kube_pair *p)
{
	char key[80];
	struct kube_node n = { .kind = KUBE_STRING, .str = p->key.p,
	    .n = (uint32_t)p->key.n };

	return (kube_refuse(b, p->value.line, p->value.col, "key %s is there "
	    "twice; remove one of them", kube_found(&n, key, sizeof key) +
	    sizeof "string"));
}

bool
kube_twice(struct kube_build *b, const struct kube_node *map)
{
	const struct kube_pair **sorted;
	bool good = true;

	if (map->n <= 8) {
		for (uint32_t i = 1; i < map->n; i++)
			for (uint32_t k = 0; k < i; k++)
				if (span_eq(map->pair[i].key,
				    map->pair[k].key))
					return (say_twice(b, &map->pair[i]));
		return (true);
	}
	sorted = must_alloc(map->n * sizeof *sorted);
	for (uint32_t i = 0; i < map->n; i++)
		sorted[i] = &map->pair[i];
	qsort(sorted, map->n, sizeof *sorted, pair_cmp);
	for (uint32_t i = 1; i < map->n && good; i++)
		if (span_eq(sorted[i]->key, sorted[i - 1]->key))
			good = say_twice(b, sorted[i] > sorted[i - 1] ?
			    sorted[i] : sorted[i - 1]);
	free(sorted);
	return (good);
}

static bool
is_one_of(struct span s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (span_is(s, *words))
			return (true);
	return (false);
}

/* [-+]?(digits[.digits]|.digits)([eE][-+]?digits)?, and not an integer. */
static bool
is_real(struct span s)
{
	size_t i = 0, digits = 0;

	if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
		i++;
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		digits++;
	if (i < s.n && s.p[i] == '.')
		for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			digits++;
	if (digits == 0)
		return (false);
	if (i < s.n && (s.p[i] | 0x20) == 'e') {
		i++;
		if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
			i++;
		if (i == s.n)
			return (false);
		while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
	}
	return (i == s.n);
}

bool
kube_plain(struct kube_build *b, struct span s, struct kube_node *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL",
	    NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE",
	    NULL };
	static const char *const reals[] = { ".inf", "-.inf", ".nan", ".Inf",
	    "-.Inf", ".NaN", ".INF", "-.INF", ".NAN", NULL };
	uint64_t hex;

	n->n = 0;
	if (is_one_of(s, nulls)) {
		n->kind = KUBE_NULL;
		return (true);
	}
	n->kind = KUBE_BOOL;
	if ((n->yes = is_one_of(s, trues)) || is_one_of(s, falses))
		return (true);
	n->kind = KUBE_INT;
	if (num_i64(s, &n->num))
		return (true);
	if (span_begins(s, SPAN("0x")) && num_hex(span_skip(s, 2), &hex) &&
	    hex <= INT64_MAX) {
		n->num = (int64_t)hex;
		return (true);
	}
	if (!kube_text(b, s, n))
		return (false);
	if (is_real(s) || is_one_of(s, reals))
		n->kind = KUBE_REAL;
	return (true);
}

void
kube_doc_fini(struct kube_doc *d)
{
	arena_reset(&d->mem);
	d->root = NULL;
}

static const struct kube_node *
get(const struct kube_node *n, struct span key)
{
	if (n == NULL || n->kind != KUBE_MAP)
		return (NULL);
	for (uint32_t i = 0; i < n->n; i++)
		if (span_eq(n->pair[i].key, key))
			return (&n->pair[i].value);
	return (NULL);
}

const struct kube_node *
kube_get(const struct kube_node *n, const char *key)
{
	return (get(n, span_str(key)));
}

const struct kube_node *
kube_at(const struct kube_node *n, const char *path)
{
	struct span rest = span_str(path), key;

	while (n != NULL && span_cut(&rest, '.', &key))
		n = get(n, key);
	return (n);
}

struct span
kube_str(const struct kube_node *n)
{
	if (n == NULL || n->kind != KUBE_STRING)
		return (SPAN_NONE);
	return (span_of(n->str, n->n));
}

const char *
kube_found(const struct kube_node *n, char *out, size_t room)
{
	struct text t;

	if (n == NULL)
		return ("nothing");
	text_init(&t);
	switch (n->kind) {
	case KUBE_NULL:
		text_addz(&t, "null");
		break;
	case KUBE_BOOL:
		text_printf(&t, "boolean %s", n->yes ? "true" : "false");
		break;
	case KUBE_INT:
		text_printf(&t, "number %" PRId64, n->num);
		break;
	case KUBE_REAL:
		text_printf(&t, "number %.40s", n->str);
		break;
	case KUBE_STRING:
		text_addz(&t, "string \"");
		text_quote(&t, span_of(n->str, n->n > 48 ? 48 : n->n));
		text_addz(&t, n->n > 48 ? "\"..." : "\"");
		break;
	default:
		text_printf(&t, "%s of %u", kube_kind_name[n->kind], n->n);
		break;
	}
	span_copy(out, room, text_span(&t));
	text_fini(&t);
	return (out);
}
