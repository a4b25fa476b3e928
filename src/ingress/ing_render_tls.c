/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_tls - one PEM file for each Secret in use, and the list that says
 * for which hosts it is, and by which settings.
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

/* Names of Kubernetes hold nothing but letters, digits, '-' and '.'; what is
 * too long for a file becomes a hash. */
static void
file_name(const struct ing_obj *o, const char *folder, const char *end,
    char out[NAME_BYTES])
{
	struct text t;

	text_init(&t);
	text_printf(&t, "%s_%s", o->ns, o->name);
	if (t.n + 40 <= NAME_BYTES)
		snprintf(out, NAME_BYTES, "%s/%s%s", folder, t.p, end);
	else
		snprintf(out, NAME_BYTES, "%s/%.63s_%016" PRIx64 "%s", folder,
		    o->ns, span_hash(text_span(&t)), end);
	text_fini(&t);
}

struct certs {
	struct ing_rendering *r;
	struct text list;
	struct ing_index seen;          /* paths of files that are there */
	struct ing_index wild;          /* what follows the star of hosts that
	                                 * have a line */
};

static void
add_file(struct certs *c, const char *path, struct span body, bool secret)
{
	struct span key = span_str(arena_dup(&c->r->plan->mem,
	    span_str(path)));
	struct ing_file *f;

	if (ing_index_get(&c->seen, key) != NULL)
		return;
	ing_index_put(&c->seen, key, c);
	f = ing_files_add(c->r->files, path);
	f->secret = secret;
	text_add(&f->body, body);
}

static bool
add_default(struct certs *c)
{
	const struct ing_data *s = c->r->plan->default_cert;
	struct span pem = c->r->plan->options->fallback_pem;

	if (s != NULL)
		pem = ing_cert_of(s)->pem;
	if (pem.n == 0)
		return (false);
	add_file(c, "certs/default.pem", pem, true);
	return (true);
}

/* The files' names say what is in them: sessions of clients that were let in by
 * other authorities are not taken up again. */
static void
put_client(struct certs *c, const struct ing_client *client)
{
	const struct ing_opts *o = client->opts;
	const struct ing_ca *ca = ing_ca_of(o->client_ca);
	char end[40], path[NAME_BYTES];
	uint64_t h = span_hash_seed(ca->crl, span_hash(ca->pem));

	snprintf(end, sizeof end, "_%016" PRIx64 ".pem", h);
	file_name(&o->client_ca->o, "ca", end, path);
	add_file(c, path, ca->pem, false);
	text_printf(&c->list, "verify optional verify-depth %" PRId64
	    " ca-file %s ", o->client_depth, path);
	if (ca->crl.n == 0)
		return;
	snprintf(end, sizeof end, "_%016" PRIx64 ".crl", h);
	file_name(&o->client_ca->o, "ca", end, path);
	add_file(c, path, ca->crl, false);
	text_printf(&c->list, "crl-file %s ", path);
}

static bool
has_settings(const struct ing_plan_host *h)
{
	return (ing_client_asks(h->client));
}

/* "FILE [SETTING...] NAME" */
static void
put_line(struct certs *c, const char *path, const struct ing_plan_host *h,
    const char *name)
{
	text_printf(&c->list, "%s ", path);
	if (h != NULL && has_settings(h)) {
		text_addz(&c->list, "[ ");
		if (ing_client_asks(h->client))
			put_client(c, h->client);
		text_addz(&c->list, "] ");
	}
	text_printf(&c->list, "%s\n", name);
}

/* It has a certificate or settings of its own, or would get those of a
 * wildcard. */
static bool
needs_line(struct certs *c, const struct ing_plan_host *h)
{
	const char *dot = strchr(h->name, '.');

	if (strcmp(h->name, "_") == 0)
		return (false);
	return (h->cert != NULL || has_settings(h) || (h->name[0] != '*' &&
	    dot != NULL && ing_index_get(&c->wild, span_str(dot)) != NULL));
}

static void
put_host(struct certs *c, const struct ing_plan_host *h)
{
	char path[NAME_BYTES] = "certs/default.pem";

	if (!needs_line(c, h))
		return;
	if (h->cert != NULL) {
		file_name(&h->cert->o, "certs", ".pem", path);
		add_file(c, path, ing_cert_of(h->cert)->pem, true);
	}
	put_line(c, path, h, h->name);
}

bool
ing_render_certs(struct ing_rendering *r)
{
	const struct ing_plan *p = r->plan;
	const struct ing_plan_host *any = NULL;
	struct certs c = { .r = r };

	if (!add_default(&c)) {
		ing_index_fini(&c.seen);
		return (false);
	}
	text_init(&c.list);
	for (uint32_t i = 0; i < p->n_hosts; i++) {
		if (strcmp(p->hosts[i]->name, "_") == 0)
			any = p->hosts[i];
		if (p->hosts[i]->name[0] == '*' && needs_line(&c, p->hosts[i]))
			ing_index_put(&c.wild, span_str(p->hosts[i]->name + 1),
			    r);
	}
	put_line(&c, "certs/default.pem", any, "!*");
	for (uint32_t i = 0; i < p->n_hosts; i++)
		put_host(&c, p->hosts[i]);
	ing_files_add(r->files, "certs.list")->body = c.list;
	ing_index_fini(&c.seen);
	ing_index_fini(&c.wild);
	return (true);
}
