/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_list_fuzz - any bytes as a crt-list: no fault, and what was taken has a
 * file. Nothing is read: every name stands for a certificate.
 */
#include <base/must.h>

#define cert_load load_nothing
#include "../tls_list.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

bool
load_nothing(struct conf_line *l, const struct conf_word *w, const char *path,
    bool dirs, struct cert_set *set)
{
	static struct cert c = { .path = "file" };
	static struct cert *all[] = { &c };

	(void)l;
	MUST(path != NULL && w->text.n > 0 && !dirs);
	*set = (struct cert_set){ all, 1 };
	return (true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct kw kw = { .name = "crt-list" };
	struct arena arena;
	struct diags diags;
	struct conf c = { .arena = &arena, .diags = &diags };
	struct conf_line l = { .conf = &c, .file = "f", .kw = &kw };
	struct tls_list list = { .path = "list", .tail = &list.rows };
	struct text t;

	arena_init(&arena, 0);
	diags_init(&diags);
	px_model_new(&arena);
	(void)tls_list_parse(&l, &list, arena_span(&arena,
	    span_of((const char *)data, n)));
	text_init(&t);
	for (const struct tls_row *i = list.rows; i != NULL; i = i->next) {
		MUST(i->cert != NULL && i->line <= list.last_line);
		tls_list_put_row(i, true, &t);
	}
	text_fini(&t);
	px_model_free(px_model);
	diags_fini(&diags);
	arena_reset(&arena);
	return (0);
}
