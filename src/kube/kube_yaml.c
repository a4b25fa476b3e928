/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_yaml - documents from libyaml's events.
 *
 * An alias is counted as all that it stands for, so that a few lines can't
 * become a tree of millions; the nodes behind it are shared, not copied.
 * Source: YAML 1.2.2, 10.3 (core schema); merge keys ("<<") are no part of it.
 */
#include "kube_doc_int.h"

#include <stdlib.h>
#include <yaml.h>

#include <base/must.h>

struct anchor {
	struct span name;
	struct kube_node node;
	uint32_t nodes, depth;  /* of what it stands for */
	size_t bytes;
	struct anchor *next;
};

struct reader {
	struct kube_build b;
	yaml_parser_t yaml;
	yaml_event_t event;     /* the current one */
	bool broken;            /* no YAML: the stream is over */
	struct anchor *anchors;
	uint32_t deepest;       /* since last reset */
	struct kube_node *stack;        /* items of open lists and maps */
	size_t n_stack, cap_stack;
};

static bool
next_event(struct reader *r)
{
	yaml_parser_t *y = &r->yaml;

	yaml_event_delete(&r->event);
	if (yaml_parser_parse(y, &r->event))
		return (true);
	r->broken = true;
	return (kube_refuse(&r->b, (int)y->problem_mark.line + 1,
	    (int)y->problem_mark.column + 1, "this is not YAML: %s%s%s",
	    y->problem != NULL ? y->problem : "unreadable",
	    y->context != NULL ? " " : "", y->context != NULL ? y->context :
	    ""));
}

static void
push(struct reader *r, const struct kube_node *n)
{
	if (r->n_stack == r->cap_stack) {
		r->cap_stack = r->cap_stack == 0 ? 64 : r->cap_stack * 2;
		r->stack = must_realloc(r->stack,
		    r->cap_stack * sizeof *r->stack);
	}
	r->stack[r->n_stack++] = *n;
}

static bool read_node(struct reader *, uint32_t depth, struct kube_node *);

static void
place(const struct reader *r, struct kube_node *n)
{
	memset(n, 0, sizeof *n);
	n->line = (int)r->event.start_mark.line + 1;
	n->col = (int)r->event.start_mark.column + 1;
}

/* Tags that say what the text says anyway are fine; !!str makes a string. */
static bool
read_scalar(struct reader *r, uint32_t depth, struct kube_node *n)
{
	const char *tag = (const char *)r->event.data.scalar.tag;
	struct span s = span_of((const char *)r->event.data.scalar.value,
	    r->event.data.scalar.length);

	if (!kube_count(&r->b, depth, s.n, n->line, n->col))
		return (false);
	if (tag != NULL && strcmp(tag, YAML_STR_TAG) != 0 &&
	    strcmp(tag, "!") != 0)
		return (kube_refuse(&r->b, n->line, n->col, "tag '%.60s': "
		    "only !!str is accepted", tag));
	if (tag == NULL &&
	    r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return (kube_plain(&r->b, s, n));
	return (kube_text(&r->b, s, n));
}

static bool
read_list(struct reader *r, uint32_t depth, struct kube_node *n)
{
	size_t first = r->n_stack;
	struct kube_node item, *all;

	if (!kube_count(&r->b, depth, 0, n->line, n->col))
		return (false);
	for (;;) {
		if (!next_event(r))
			return (false);
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (!read_node(r, depth + 1, &item))
			return (false);
		push(r, &item);
	}
	n->kind = KUBE_LIST;
	n->n = (uint32_t)(r->n_stack - first);
	n->item = all = arena_get(r->b.mem, (n->n + 1) * sizeof *all);
	if (n->n > 0)
		memcpy(all, r->stack + first, n->n * sizeof *all);
	r->n_stack = first;
	return (true);
}

static bool
read_map(struct reader *r, uint32_t depth, struct kube_node *n)
{
	size_t first = r->n_stack;
	struct kube_node key, value;
	struct kube_pair *all;
	char found[80];

	if (!kube_count(&r->b, depth, 0, n->line, n->col))
		return (false);
	for (;;) {
		if (!next_event(r))
			return (false);
		if (r->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (!read_node(r, depth + 1, &key))
			return (false);
		if (key.kind != KUBE_STRING)
			return (kube_refuse(&r->b, key.line, key.col, "a key "
			    "is a string, but here is %s; put it in quotes",
			    kube_found(&key, found, sizeof found)));
		if (span_is(kube_str(&key), "<<"))
			return (kube_refuse(&r->b, key.line, key.col,
			    "merge keys ('<<') are not part of YAML 1.2; "
			    "write the values out"));
		if (!next_event(r) || !read_node(r, depth + 1, &value))
			return (false);
		push(r, &key);
		push(r, &value);
	}
	n->kind = KUBE_MAP;
	n->n = (uint32_t)((r->n_stack - first) / 2);
	n->pair = all = arena_get(r->b.mem, (n->n + 1) * sizeof *all);
	for (uint32_t i = 0; i < n->n; i++) {
		all[i].key = kube_str(&r->stack[first + 2 * i]);
		all[i].value = r->stack[first + 2 * i + 1];
	}
	r->n_stack = first;
	return (kube_twice(&r->b, n));
}

static bool
read_alias(struct reader *r, uint32_t depth, struct kube_node *n)
{
	const char *name = (const char *)r->event.data.alias.anchor;
	int line = n->line, col = n->col;

	for (struct anchor *a = r->anchors; a != NULL; a = a->next) {
		if (!span_is(a->name, name))
			continue;
		*n = a->node;
		r->b.nodes += a->nodes;
		if (depth + a->depth > r->deepest)
			r->deepest = depth + a->depth;
		return (kube_count(&r->b, depth + a->depth, a->bytes, line,
		    col));
	}
	return (kube_refuse(&r->b, line, col, "alias '*%.60s' has no anchor "
	    "before it", name));
}

static const yaml_char_t *
anchor_of(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return (e->data.scalar.anchor);
	case YAML_SEQUENCE_START_EVENT:
		return (e->data.sequence_start.anchor);
	case YAML_MAPPING_START_EVENT:
		return (e->data.mapping_start.anchor);
	default:
		return (NULL);
	}
}

static bool
read_tagged(struct reader *r, const yaml_char_t *tag,
    const struct kube_node *n)
{
	if (tag == NULL || strcmp((const char *)tag, YAML_SEQ_TAG) == 0 ||
	    strcmp((const char *)tag, YAML_MAP_TAG) == 0)
		return (true);
	return (kube_refuse(&r->b, n->line, n->col, "tag '%.60s': only !!str "
	    "is accepted", (const char *)tag));
}

static bool
read_value(struct reader *r, uint32_t depth, struct kube_node *n)
{
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		return (read_scalar(r, depth, n));
	case YAML_SEQUENCE_START_EVENT:
		return (read_tagged(r, r->event.data.sequence_start.tag, n) &&
		    read_list(r, depth, n));
	case YAML_MAPPING_START_EVENT:
		return (read_tagged(r, r->event.data.mapping_start.tag, n) &&
		    read_map(r, depth, n));
	case YAML_ALIAS_EVENT:
		return (read_alias(r, depth, n));
	default:
		return (kube_refuse(&r->b, n->line, n->col,
		    "expected a value"));
	}
}

/* The event is the first of a value; ends at its last. */
static bool
read_node(struct reader *r, uint32_t depth, struct kube_node *n)
{
	const yaml_char_t *name = anchor_of(&r->event);
	struct anchor *a = NULL;
	uint32_t nodes = r->b.nodes, outer = r->deepest;
	size_t bytes = r->b.bytes;

	place(r, n);
	if (name != NULL) {
		a = arena_zget(r->b.mem, sizeof *a);
		a->name = arena_span(r->b.mem, span_str((const char *)name));
		r->deepest = depth;
	}
	if (!read_value(r, depth, n))
		return (false);
	if (depth > r->deepest)
		r->deepest = depth;
	if (a == NULL)
		return (true);
	a->node = *n;
	a->nodes = r->b.nodes - nodes;
	a->bytes = r->b.bytes - bytes;
	a->depth = r->deepest - depth;
	a->next = r->anchors;
	r->anchors = a;
	if (outer > r->deepest)
		r->deepest = outer;
	return (true);
}

/* After a refusal: on to the end of this document, if there is one. */
static void
skip_document(struct reader *r)
{
	while (!r->broken && r->event.type != YAML_DOCUMENT_END_EVENT &&
	    r->event.type != YAML_STREAM_END_EVENT)
		next_event(r);
}

static bool
read_document(struct reader *r, struct kube_doc *doc)
{
	struct kube_node *root;

	arena_init(&doc->mem, 0);
	r->b.mem = &doc->mem;
	r->b.bytes = r->b.nodes = r->deepest = 0;
	r->anchors = NULL;
	r->n_stack = 0;
	root = arena_get(&doc->mem, sizeof *root);
	doc->root = root;
	if (next_event(r) && read_node(r, 1, root) && next_event(r))
		return (true);
	skip_document(r);
	return (false);
}

static bool
refuse_nul(struct reader *r, struct span in, size_t at)
{
	int line = 1, col = 1;

	for (size_t i = 0; i < at; i++) {
		col = in.p[i] == '\n' ? 1 : col + 1;
		line += in.p[i] == '\n';
	}
	return (kube_refuse(&r->b, line, col, "holds a NUL character: this is "
	    "no text"));
}

bool
kube_yaml_read(struct span in, const char *file, const struct kube_limits *l,
    kube_doc_fn *each, void *arg, struct diags *diags)
{
	struct reader r = { .b = { .limits = l, .diags = diags,
	    .file = file } };
	struct kube_doc doc;
	bool good, more = true;
	ptrdiff_t nul = span_find(in, '\0');

	if (nul >= 0)
		return (refuse_nul(&r, in, (size_t)nul));
	MUST(yaml_parser_initialize(&r.yaml));
	yaml_parser_set_input_string(&r.yaml, (const unsigned char *)in.p,
	    in.n);
	memset(&r.event, 0, sizeof r.event);
	good = next_event(&r);                          /* stream start */
	while (good && more && (good = next_event(&r)) &&
	    r.event.type != YAML_STREAM_END_EVENT) {
		/* An empty document ("---" at the end of a file) says
		 * nothing. */
		if (read_document(&r, &doc) && doc.root->kind != KUBE_NULL)
			more = each(&doc, arg);
		kube_doc_fini(&doc);
		good = !r.broken;
	}
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.yaml);
	free(r.stack);
	return (!r.b.refused);
}
