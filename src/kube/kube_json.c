/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_json - a document from jansson: RFC 8259, a key once.
 */
#include "kube_doc_int.h"

#include <jansson.h>

#include <stdio.h>

static bool build(struct kube_build *, json_t *, uint32_t depth,
    struct kube_node *);

static bool
build_list(struct kube_build *b, json_t *j, uint32_t depth,
    struct kube_node *n)
{
	size_t count = json_array_size(j);
	struct kube_node *all = arena_get(b->mem, (count + 1) * sizeof *all);

	n->kind = KUBE_LIST;
	n->n = (uint32_t)count;
	n->item = all;
	for (size_t i = 0; i < count; i++)
		if (!build(b, json_array_get(j, i), depth + 1, &all[i]))
			return (false);
	return (true);
}

static bool
build_map(struct kube_build *b, json_t *j, uint32_t depth,
    struct kube_node *n)
{
	struct kube_pair *all = arena_get(b->mem,
	    (json_object_size(j) + 1) * sizeof *all);
	const char *key;
	json_t *value;

	n->kind = KUBE_MAP;
	n->n = 0;
	n->pair = all;
	json_object_foreach(j, key, value) {
		struct kube_pair *p = &all[n->n++];
		struct span k = span_str(key);

		if (!kube_count(b, depth, k.n, 0, 0))
			return (false);
		p->key = arena_span(b->mem, k);
		if (!build(b, value, depth + 1, &p->value))
			return (false);
	}
	return (true);
}

static bool
build_real(struct kube_build *b, json_t *j, struct kube_node *n)
{
	char z[40];
	int len = snprintf(z, sizeof z, "%.17g", json_real_value(j));

	if (!kube_text(b, span_of(z, (size_t)len), n))
		return (false);
	n->kind = KUBE_REAL;
	return (true);
}

static bool
build(struct kube_build *b, json_t *j, uint32_t depth, struct kube_node *n)
{
	memset(n, 0, sizeof *n);
	if (!kube_count(b, depth, json_string_length(j), 0, 0))
		return (false);
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return (build_map(b, j, depth, n));
	case JSON_ARRAY:
		return (build_list(b, j, depth, n));
	case JSON_STRING:
		return (kube_text(b, span_of(json_string_value(j),
		    json_string_length(j)), n));
	case JSON_INTEGER:
		n->kind = KUBE_INT;
		n->num = json_integer_value(j);
		return (true);
	case JSON_REAL:
		return (build_real(b, j, n));
	case JSON_TRUE:
	case JSON_FALSE:
		n->kind = KUBE_BOOL;
		n->yes = json_is_true(j);
		return (true);
	case JSON_NULL:
		return (true);
	}
	return (false);
}

bool
kube_json_read(struct span in, const char *file, const struct kube_limits *l,
    struct kube_doc *out, struct diags *diags)
{
	struct kube_build b = { .limits = l, .diags = diags, .file = file };
	struct kube_node *root;
	json_error_t err;
	json_t *j;
	bool good;

	if (in.n > l->bytes)
		return (kube_refuse(&b, 0, 0, "%zu bytes, but at most %zu are "
		    "accepted", in.n, l->bytes));
	j = json_loadb(in.p, in.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY |
	    JSON_ALLOW_NUL,
	    &err);
	if (j == NULL)
		return (kube_refuse(&b, err.line, err.column,
		    "this is not JSON: %s", err.text));
	arena_init(&out->mem, 0);
	b.mem = &out->mem;
	root = arena_get(b.mem, sizeof *root);
	out->root = root;
	good = build(&b, j, 1, root);
	json_decref(j);
	if (!good)
		kube_doc_fini(out);
	return (good);
}
