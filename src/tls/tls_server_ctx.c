/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_server_ctx - OpenSSL's contexts for connections to servers. Servers with
 * the same settings share one, so that ten thousand of them read their
 * authorities once.
 */
#include "tls_ca.h"

#ifdef USE_OPENSSL

#include <string.h>

#include <base/must.h>

#include <openssl/err.h>

#define BUCKETS 256

struct shared {
	struct shared *next;            /* same bucket */
	struct tls_conf conf;
	struct cert *cert;
	SSL_CTX *ssl;
};

/* Of the model that is loaded; contexts of an older one are gone with it. */
static struct shared *buckets[BUCKETS];
static const struct px_model *of_model;

/* ---- one ---- */

static bool
set_cert(struct tls_making *m, struct cert *c)
{
	if (c == NULL)
		return (true);
	return (cert_use(c) && (SSL_CTX_use_cert_and_key(m->ssl, c->x509,
	    c->pkey, c->stack, 1) == 1 || tls_ctx_fail(m, "'crt' : '%s'",
	    c->path)));
}

/* Nobody looks at the result: spare the work. */
static int
accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return (1);
}

static bool
set_verify(struct tls_making *m)
{
	if (m->c->verify != TLS_VERIFY_REQUIRED) {
		SSL_CTX_set_cert_verify_callback(m->ssl, accept_any, NULL);
		return (true);
	}
	tls_connect_verify(m->ssl);
	if (m->c->verify_depth != 0)
		SSL_CTX_set_verify_depth(m->ssl, m->c->verify_depth);
	return (tls_ctx_authorities(m));
}

static bool
set_alpn(struct tls_making *m)
{
	const struct span a = m->c->alpn;

	return (a.n == 0 || SSL_CTX_set_alpn_protos(m->ssl,
	    (const unsigned char *)a.p, (unsigned)a.n) == 0 ||
	    tls_ctx_fail(m, "'alpn'"));
}

static SSL_CTX *
make(struct conf *conf, struct diag_pos pos, const struct tls_conf *c,
    struct cert *cert)
{
	struct tls_making m = { .conf = conf, .pos = pos, .c = c,
		.ssl = SSL_CTX_new(TLS_client_method()) };

	if (m.ssl == NULL) {
		(void)tls_ctx_fail(&m, "OpenSSL makes no context for TLS, see "
		    "'ssl-provider'");
		return (NULL);
	}
	tls_connect_setup(m.ssl);
	if (tls_ctx_algorithms(&m) && set_verify(&m) && set_alpn(&m) &&
	    set_cert(&m, cert))
		return (m.ssl);
	SSL_CTX_free(m.ssl);
	return (NULL);
}

SSL_CTX *
tls_server_ctx(struct conf *conf, struct diag_pos pos,
    const struct tls_conf *c, struct cert *cert)
{
	struct shared **bucket, *s;

	if (of_model != px_model)
		memset(buckets, 0, sizeof buckets);
	of_model = px_model;
	bucket = &buckets[tls_conf_hash(c) % BUCKETS];
	for (s = *bucket; s != NULL; s = s->next)
		if (s->cert == cert && tls_conf_same(&s->conf, c))
			return (s->ssl);
	s = arena_zget(px_model->arena, sizeof *s);
	s->conf = *c;
	s->cert = cert;
	if ((s->ssl = make(conf, pos, &s->conf, cert)) == NULL)
		return (NULL);
	if (cert != NULL)
		cert->users++;
	s->next = *bucket;
	*bucket = s;
	return (s->ssl);
}

/* ---- when the runtime API changed something ---- */

void
tls_server_ctx_cert(struct cert *c)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct shared *s = buckets[i]; s != NULL;
		    s = s->next)
			if (s->cert == c && cert_use(c))
				(void)SSL_CTX_use_cert_and_key(s->ssl,
				    c->x509, c->pkey, c->stack, 1);
	ERR_clear_error();
}

void
tls_server_ctx_ca(const struct tls_ca *ca)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct shared *s = buckets[i]; s != NULL;
		    s = s->next)
			if (s->conf.verify == TLS_VERIFY_REQUIRED &&
			    tls_ca_is_of(ca, &s->conf))
				tls_ca_apply(s->ssl, &s->conf);
}

bool
tls_server_ctx_names(const struct tls_ca *ca)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct shared *s = buckets[i]; s != NULL;
		    s = s->next)
			if (tls_ca_is_of(ca, &s->conf))
				return (true);
	return (false);
}

#endif
