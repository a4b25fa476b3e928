/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_tls - one PEM file for each Secret in use, and the list that says
 * for which hosts it is.
 *
 * The first of the list is for everybody who asks for nothing else.
 */
#include "ing_render_int.h"
#include "ing_index_int.h"

#include <inttypes.h>
#include <stdio.h>

#include <base/must.h>
#include <ingress/cert.h>

#define NAME_BYTES 200

/* A file's name from two names of Kubernetes, which hold nothing but letters,
 * digits, '-' and '.'; what is too long for a file becomes a hash. */
static void
file_name(const struct ing_obj *o, char out[NAME_BYTES])
{
	struct text t;

	text_init(&t);
	text_printf(&t, "%s_%s", o->ns, o->name);
	if (t.n + sizeof "certs/.pem" <= NAME_BYTES)
		snprintf(out, NAME_BYTES, "certs/%s.pem", t.p);
	else
		snprintf(out, NAME_BYTES, "certs/%.63s_%016" PRIx64 ".pem",
		    o->ns, span_hash(text_span(&t)));
	text_fini(&t);
}

static void
add_pem(struct ing_rendering *r, const char *path, struct span pem)
{
	struct ing_file *f = ing_files_add(r->files, path);

	f->secret = true;
	text_add(&f->body, pem);
}

static bool
add_default(struct ing_rendering *r)
{
	const struct ing_data *s = r->plan->default_cert;
	struct span pem = r->plan->options->fallback_pem;

	if (s != NULL)
		pem = ing_cert_of(s)->pem;
	if (pem.n == 0)
		return (false);
	add_pem(r, "certs/default.pem", pem);
	return (true);
}

bool
ing_render_certs(struct ing_rendering *r)
{
	struct ing_index seen = { .slot = NULL };
	struct text list;
	char path[NAME_BYTES];

	if (!add_default(r))
		return (false);
	text_init(&list);
	MUST(ing_map_write(&list, SPAN("certs/default.pem"), SPAN("!*")));
	for (uint32_t i = 0; i < r->plan->n_hosts; i++) {
		const struct ing_plan_host *h = r->plan->hosts[i];

		if (h->cert == NULL || strcmp(h->name, "_") == 0)
			continue;
		file_name(&h->cert->o, path);
		MUST(ing_map_write(&list, span_str(path),
		    span_str(h->name)));
		if (ing_index_get(&seen, span_str(path)) == NULL) {
			add_pem(r, path, ing_cert_of(h->cert)->pem);
			ing_index_put(&seen, span_str(arena_dup(
			    &r->plan->mem, span_str(path))), r);
		}
	}
	ing_files_add(r->files, "certs.list")->body = list;
	ing_index_fini(&seen);
	return (true);
}
