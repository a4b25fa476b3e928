/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_load - objects from files: YAML with many documents, JSON, lists.
 */
#include <ingress/cmd.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/must.h>

#define FILE_BYTES (512u << 20)

struct load {
	struct ing_store *store;
	const char *file;
	bool good;
};

static void
put(struct load *l, const struct kube_node *n)
{
	struct ing_at at;
	struct ing_obj *o;
	char *why;

	switch (ing_model_read(n, ING_KINDS, &o, &why, &at)) {
	case ING_READ_OK:
		ing_store_put(l->store, &o);
		break;
	case ING_READ_OTHER:
		break;
	case ING_READ_BAD:
		fprintf(stderr, "%s:%d:%d: %s\n", l->file, at.line, at.col,
		    why);
		free(why);
		l->good = false;
		break;
	}
}

/* An object, or a list of them ("kubectl get -o yaml" makes such). */
static bool
take_document(const struct kube_doc *d, void *arg)
{
	const struct kube_node *items = kube_get(d->root, "items");
	struct load *l = arg;

	if (items == NULL || items->kind != KUBE_LIST ||
	    !span_ends(kube_str(kube_get(d->root, "kind")), SPAN("List"))) {
		put(l, d->root);
		return (true);
	}
	for (uint32_t i = 0; i < items->n; i++)
		put(l, &items->item[i]);
	return (true);
}

bool
ing_read_file(const char *path, size_t max, struct text *out)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char buf[65536];
	size_t n;
	bool good;

	if (f == NULL)
		return (false);
	while ((n = fread(buf, 1, sizeof buf, f)) > 0 && out->n + n <= max)
		text_add(out, span_of(buf, n));
	good = !ferror(f) && n == 0;
	if (n > 0)
		errno = EFBIG;
	if (f != stdin)
		fclose(f);
	return (good);
}

char *
ing_path(const char *dir, const char *name)
{
	struct text t;

	text_init(&t);
	text_printf(&t, "%s/%s", dir, name);
	return (t.p);
}

static void
print_diags(const struct diags *d)
{
	for (const struct list *n = d->all.next; n != &d->all; n = n->next) {
		const struct diag *one = LIST_ITEM(n, struct diag, node);

		fprintf(stderr, "%s:%d:%d: %s\n", one->pos.file,
		    one->pos.line, one->pos.col, one->text);
	}
}

static bool
load_file(struct ing_store *s, const char *path)
{
	struct load l = { .store = s, .file = path, .good = true };
	struct diags diags;
	struct text in;

	text_init(&in);
	if (!ing_read_file(path, FILE_BYTES, &in)) {
		fprintf(stderr, "ecluse-ingress: cannot read '%s': %s\n",
		    path, strerror(errno));
		text_fini(&in);
		return (false);
	}
	diags_init(&diags);
	if (!kube_yaml_read(text_span(&in), path, &kube_limits_list,
	    take_document, &l, &diags))
		l.good = false;
	print_diags(&diags);
	diags_fini(&diags);
	text_fini(&in);
	return (l.good);
}

void
ing_cmd_class(struct ing_store *s, const struct ing_options *o)
{
	struct load l = { .store = s, .file = "(class)" };
	struct diags diags;
	struct text t;
	size_t n;

	ing_store_all(s, ING_CLASS, &n);
	if (n > 0)
		return;
	text_init(&t);
	text_addz(&t, "{apiVersion: networking.k8s.io/v1, kind: IngressClass, "
	    "metadata: {name: ");
	text_quote(&t, span_str(o->ingress_class));
	text_addz(&t, "}, spec: {controller: ");
	text_quote(&t, span_str(o->controller_class));
	text_addz(&t, "}}");
	diags_init(&diags);
	(void)kube_yaml_read(text_span(&t), l.file, &kube_limits_list,
	    take_document, &l, &diags);
	diags_fini(&diags);
	text_fini(&t);
}

bool
ing_cmd_load(struct ing_store *s, char **files, int n)
{
	bool good = true;

	for (int i = 0; i < n; i++)
		good &= load_file(s, files[i]);
	return (good);
}
