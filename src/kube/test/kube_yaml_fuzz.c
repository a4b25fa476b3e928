/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes: a document or a message, never both missing; what JSON accepts is
 * a YAML document as well, unless it has control characters or odd escapes.
 */
#include "../kube_yaml.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct kube_limits small = { .bytes = 65536, .nodes = 5000,
    .depth = 32 };

static uint32_t
count(const struct kube_node *n)
{
	uint32_t sum = 1;

	if (n->kind == KUBE_LIST)
		for (uint32_t i = 0; i < n->n; i++)
			sum += count(&n->item[i]);
	if (n->kind == KUBE_MAP)
		for (uint32_t i = 0; i < n->n; i++)
			sum += count(&n->pair[i].value);
	if (n->kind == KUBE_STRING)
		MUST(n->str[n->n] == '\0');
	return (sum);
}

static bool
see(const struct kube_doc *d, void *arg)
{
	MUST(count(d->root) <= small.nodes);
	(*(unsigned *)arg)++;
	return (true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of((const char *)p, n);
	struct kube_doc doc;
	struct diags diags;
	unsigned docs = 0;
	bool good;

	diags_init(&diags);
	good = kube_yaml_read(in, "fuzz", &small, see, &docs, &diags);
	MUST(good == list_empty(&diags.all));
	diags_fini(&diags);
	diags_init(&diags);
	if (kube_json_read(in, "fuzz", &small, &doc, &diags)) {
		MUST(count(doc.root) <= small.nodes);
		kube_doc_fini(&doc);
	} else {
		MUST(!list_empty(&diags.all));
	}
	diags_fini(&diags);
	return (0);
}
