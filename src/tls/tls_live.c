/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_live - certificates, lists and authorities change while we run.
 *
 * Everybody's copy is changed in place: the agent's, who answers for it and
 * whose health checks use it, and each worker's. Only names of the lines that
 * show a certificate are looked at. A handshake keeps OpenSSL's objects that it
 * has, as these are counted.
 */
#include "tls_live.h"

#ifdef USE_OPENSSL

#include <stdlib.h>
#include <string.h>

#include <base/must.h>

#include "tls_sni.h"

void
tls_live_binds(void (*fn)(struct tls_bind *, void *), void *arg)
{
	struct px *const chains[] = { px_model->all, px_model->hidden };

	for (size_t i = 0; i < NELEM(chains); i++)
		for (struct px *px = chains[i]; px != NULL; px = px->next)
			for (struct px_bind *b = px->binds; b != NULL;
			    b = b->next) {
				const struct tls_bind *t = px_get(&b->slots,
				    &tls_bind_slot);

				if (t->ssl)
					fn(px_edit(&b->slots, &tls_bind_slot),
					    arg);
			}
}

/* ---- certificates ---- */

static void
drop_names(struct tls_bind *b, void *cert)
{
	for (const struct tls_line *i = b->lines; i != NULL; i = i->next)
		if (i->cert == cert)
			tls_sni_drop(b, i);
}

static void
add_names(struct tls_bind *b, void *cert)
{
	bool any = false;

	for (const struct tls_line *i = b->lines; i != NULL; i = i->next)
		if (i->cert == cert) {
			tls_sni_add(b, i);
			any = true;
		}
	if (any)
		tls_sni_defaults(b);
}

void
tls_live_cert(struct span path, struct span packed)
{
	struct cert *c = cert_find_new(path);

	if (c->users > 0)
		tls_live_binds(drop_names, c);
	MUST(cert_unpack(c, packed));
	if (c->users == 0)
		return;
	tls_live_binds(add_names, c);
	tls_server_ctx_cert(c);
}

void
tls_live_cert_drop(struct span path)
{
	struct cert *c = cert_find(path);

	if (c != NULL)
		cert_forget(c);
}

/* ---- rows of lists ---- */

static struct tls_line *
line_new(struct tls_bind *b, const struct tls_row *row)
{
	struct tls_line *line = must_alloc(sizeof *line);

	line->cert = row->cert;
	line->row = row;
	line->pos = b->bind->pos;
	line->live = true;
	line->no = ++b->last_no;
	return (line);
}

static void
line_drop(struct tls_bind *b, struct tls_line *line)
{
	struct tls_line **at = &b->lines;

	while (*at != line)
		at = &(*at)->next;
	*at = line->next;
	if (b->tail == &line->next)
		b->tail = at;
	tls_sni_drop(b, line);
	line->cert->users--;
	tls_ctx_put(line->ctx);
	if (line->live)
		free(line);
	tls_sni_defaults(b);
}

static void
lines_drop(struct tls_list *list, const struct tls_row *row)
{
	for (struct tls_list_user *u = list->users; u != NULL; u = u->next)
		for (struct tls_line *i = u->bind->ssl ? u->bind->lines : NULL,
		    *next; i != NULL; i = next) {
			next = i->next;
			if (i->row == row)
				line_drop(u->bind, i);
		}
}

static bool
line_add(struct conf *conf, struct tls_bind *b, const struct tls_row *row)
{
	struct tls_line *line = line_new(b, row);

	if (!tls_line_ready(conf, b, line)) {
		free(line);
		return (false);
	}
	*b->tail = line;
	b->tail = &line->next;
	line->cert->users++;
	tls_sni_add(b, line);
	tls_sni_defaults(b);
	return (true);
}

bool
tls_live_word(const struct kw *kw)
{
	(void)kw;
	return (true);
}

bool
tls_live_row_add(struct conf *conf, struct tls_list *list, uint32_t line,
    struct span text)
{
	struct tls_row *row = tls_list_row(conf, list, line, text);
	bool good = row != NULL;

	for (struct tls_list_user *u = list->users; good && u != NULL;
	    u = u->next)
		good = !u->bind->ssl || line_add(conf, u->bind, row);
	if (good) {
		tls_list_append(list, row);
	} else if (row != NULL) {
		lines_drop(list, row);
		free(row);
	}
	return (good);
}

void
tls_live_row_drop(struct tls_list *list, struct tls_row *row)
{
	struct tls_row **at = &list->rows;

	lines_drop(list, row);
	if (!row->live) {               /* who is born later has it */
		row->gone = true;
		return;
	}
	while (*at != row)
		at = &(*at)->next;
	*at = row->next;
	if (list->tail == &row->next)
		list->tail = at;
	free(row);
}

/* ---- authorities ---- */

static void
renew_contexts(struct tls_bind *b, void *arg)
{
	const struct tls_ca *ca = arg;

	for (const struct tls_ctx *i = b->ctxs; i != NULL; i = i->next) {
		if (!tls_ca_is_of(ca, &i->conf) ||
		    i->conf.verify <= TLS_VERIFY_NONE)
			continue;
		tls_ca_apply(i->ssl, &i->conf);
		tls_ca_names(i->ssl, &i->conf);
		tls_sess_context(i->ssl, b, &i->conf);
	}
}

/* A session that is taken up again is not verified again. */
static void
forget_sessions(const struct tls_ca *ca)
{
	if (!px_said(&tls_server_slot))
		return;
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px) {
			const struct tls_server *s = tls_server_of(sv);

			if (s->known != NULL && tls_ca_is_of(ca, &s->conf))
				tls_connect_forget(s->known);
		}
}

void
tls_live_ca(const char *path, bool crl, struct span pem)
{
	struct tls_ca *ca = tls_ca_find_new(path, crl);

	MUST(tls_ca_set(ca, pem));
	tls_ca_renew(ca);
	tls_live_binds(renew_contexts, ca);
	tls_server_ctx_ca(ca);
	forget_sessions(ca);
}

void
tls_live_ca_drop(const char *path, bool crl)
{
	struct tls_ca *ca = tls_ca_find(path, crl);

	if (ca != NULL)
		tls_ca_forget(ca);
}

struct usage {
	const struct tls_ca *ca;
	bool used;
};

static void
look_at_contexts(struct tls_bind *b, void *arg)
{
	struct usage *u = arg;

	for (const struct tls_ctx *i = b->ctxs; i != NULL; i = i->next)
		u->used |= tls_ca_is_of(u->ca, &i->conf);
}

bool
tls_live_ca_used(const struct tls_ca *ca)
{
	struct usage u = { ca, tls_server_ctx_names(ca) };

	tls_live_binds(look_at_contexts, &u);
	return (u.used);
}

#endif
