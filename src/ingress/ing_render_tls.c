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
	struct ing_index wild;          /* what follows the star of hosts that
	                                 * have a line */
};

/* Once for each path; returns a copy of that. */
static const char *
add_file(struct ing_rendering *r, const char *path, struct span body,
    bool secret)
{
	struct span key = span_str(arena_dup(&r->plan->mem, span_str(path)));
	struct ing_file *f;

	if (ing_index_get(&r->seen, key) != NULL)
		return (key.p);
	ing_index_put(&r->seen, key, r);
	f = ing_files_add(r->files, path);
	f->secret = secret;
	text_add(&f->body, body);
	return (key.p);
}

const char *
ing_render_pair_file(struct ing_rendering *r, const struct ing_data *s)
{
	char path[NAME_BYTES];

	file_name(&s->o, "certs", ".pem", path);
	return (add_file(r, path, ing_cert_of(s)->pem, true));
}

/* The files' names say what is in them: sessions of clients that were let in by
 * other authorities are not taken up again. */
const char *
ing_render_ca_file(struct ing_rendering *r, const struct ing_data *s,
    const char **crl)
{
	const struct ing_ca *ca = ing_ca_of(s);
	uint64_t h = span_hash_seed(ca->crl, span_hash(ca->pem));
	char end[40], path[NAME_BYTES];

	*crl = NULL;
	if (ca->crl.n > 0) {
		snprintf(end, sizeof end, "_%016" PRIx64 ".crl", h);
		file_name(&s->o, "ca", end, path);
		*crl = add_file(r, path, ca->crl, false);
	}
	snprintf(end, sizeof end, "_%016" PRIx64 ".pem", h);
	file_name(&s->o, "ca", end, path);
	return (add_file(r, path, ca->pem, false));
}

/* nginx has one key; here three are read, and the second is sealed with. */
bool
ing_render_tickets(struct ing_rendering *r)
{
	const char *key = r->plan->defaults.ticket_keys;
	struct text t;

	if (key == NULL)
		return (false);
	text_init(&t);
	text_printf(&t, "%s\n%s\n%s\n", key, key, key);
	add_file(r, "tls/tickets.keys", text_span(&t), true);
	text_fini(&t);
	return (true);
}

bool
ing_render_dh(struct ing_rendering *r)
{
	const struct ing_data *s = r->plan->defaults.dh_params;

	if (s == NULL)
		return (false);
	add_file(r, "tls/dhparam.pem", ing_dh_of(s)->pem, false);
	return (true);
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
	add_file(c->r, "certs/default.pem", pem, true);
	return (true);
}

static void
put_client(struct certs *c, const struct ing_client *client)
{
	const struct ing_opts *o = client->opts;
	const char *crl, *ca = ing_render_ca_file(c->r, o->client_ca, &crl);

	text_printf(&c->list, "verify optional verify-depth %" PRId64
	    " ca-file %s ", o->client_depth, ca);
	if (crl != NULL)
		text_printf(&c->list, "crl-file %s ", crl);
}

static bool
has_settings(const struct ing_plan_host *h)
{
	return (ing_client_asks(h->client) || h->ciphers != NULL ||
	    h->client_order);
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
		if (h->ciphers != NULL)
			text_printf(&c->list, "ciphers %s ", h->ciphers);
		if (h->client_order)
			text_addz(&c->list, "prefer-client-ciphers ");
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
	const char *path;

	if (!needs_line(c, h))
		return;
	path = h->cert == NULL ? "certs/default.pem" :
	    ing_render_pair_file(c->r, h->cert);
	put_line(c, path, h, h->name);
	for (uint32_t i = 0; i < h->n_aliases; i++)
		if (h->aliases[i][0] != '~')
			put_line(c, path, h, h->aliases[i]);
	if (h->www != NULL && h->cert != NULL &&
	    ing_cert_covers(ing_cert_of(h->cert), h->www))
		put_line(c, path, NULL, h->www);
}

bool
ing_render_certs(struct ing_rendering *r)
{
	const struct ing_plan *p = r->plan;
	const struct ing_plan_host *any = NULL;
	struct certs c = { .r = r };

	if (!add_default(&c))
		return (false);
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
	ing_index_fini(&c.wild);
	return (true);
}
