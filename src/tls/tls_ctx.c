/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_ctx - OpenSSL's contexts: one per bind line, and one per line of a
 * crt-list that has settings of its own. Made when the configuration is
 * loaded, so that what OpenSSL refuses is an error there.
 */
#include "tls_ca.h"

#ifdef USE_OPENSSL

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <xprt/conn.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static const char *
reason(void)
{
	const char *s = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return (s != NULL ? s : "refused");
}

bool
tls_ctx_fail(struct tls_making *m, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return (conf_fail(m->conf, DIAG_ALERT, m->pos, "%s: %s", text,
	    reason()));
}

/* ---- versions ---- */

static int
wire_version(unsigned v)
{
	static const int wire[] = { 0, SSL3_VERSION, TLS1_VERSION,
		TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION };

	return (wire[v]);
}

static uint64_t
version_options(unsigned no)
{
	return ((no & 1u << TLS_VER_10 ? SSL_OP_NO_TLSv1 : 0) |
	    (no & 1u << TLS_VER_11 ? SSL_OP_NO_TLSv1_1 : 0) |
	    (no & 1u << TLS_VER_12 ? SSL_OP_NO_TLSv1_2 : 0) |
	    (no & 1u << TLS_VER_13 ? SSL_OP_NO_TLSv1_3 : 0) |
	    SSL_OP_NO_SSLv3);
}

static int
min_version(const struct tls_conf *c)
{
	/* A maximum below the usual minimum is meant. */
	if (c->min == TLS_VER_UNSET && c->max != TLS_VER_UNSET &&
	    c->max < TLS_VER_12)
		return (wire_version(c->max));
	return (wire_version(c->min == TLS_VER_UNSET ? TLS_VER_12 : c->min));
}

static bool
set_versions(struct tls_making *m)
{
	const struct tls_conf *c = m->c;
	unsigned some = 0;

	for (unsigned v = TLS_VER_10; v <= TLS_VER_13; v++)
		some += (c->no_versions & 1u << v) == 0 &&
		    wire_version(v) >= min_version(c) &&
		    (c->max == 0 || v <= c->max);
	if (some == 0)
		return (conf_fail(m->conf, DIAG_ALERT, m->pos, "all versions "
		    "of TLS are disabled: see 'ssl-min-ver' and "
		    "'ssl-max-ver'"));
	(void)SSL_CTX_set_min_proto_version(m->ssl, min_version(c));
	(void)SSL_CTX_set_max_proto_version(m->ssl, wire_version(c->max));
	(void)SSL_CTX_set_options(m->ssl, version_options(c->no_versions));
	return (true);
}

/* ---- algorithms ---- */

static bool
set_ciphers(struct tls_making *m)
{
	const struct tls_conf *c = m->c;

	if (c->ciphers != NULL && !SSL_CTX_set_cipher_list(m->ssl,
	    c->ciphers))
		return (tls_ctx_fail(m, "'ciphers %s'", c->ciphers));
	if (c->ciphersuites != NULL && !SSL_CTX_set_ciphersuites(m->ssl,
	    c->ciphersuites))
		return (tls_ctx_fail(m, "'ciphersuites %s'", c->ciphersuites));
	return (true);
}

static bool
set_groups(struct tls_making *m)
{
	const struct tls_conf *c = m->c;
	const char *list = c->curves != NULL ? c->curves : c->ecdhe;

	if (list != NULL && !SSL_CTX_set1_groups_list(m->ssl, list))
		return (tls_ctx_fail(m, "'%s %s'", c->curves != NULL ? "curves" :
		    "ecdhe", list));
	if (c->sigalgs != NULL && !SSL_CTX_set1_sigalgs_list(m->ssl,
	    c->sigalgs))
		return (tls_ctx_fail(m, "'sigalgs %s'", c->sigalgs));
	if (c->client_sigalgs != NULL &&
	    !SSL_CTX_set1_client_sigalgs_list(m->ssl, c->client_sigalgs))
		return (tls_ctx_fail(m, "'client-sigalgs %s'", c->client_sigalgs));
	return (true);
}

/* ---- parameters of Diffie and Hellman ---- */

static EVP_PKEY *
read_dh(const char *path)
{
	BIO *in = BIO_new_file(path, "r");
	EVP_PKEY *p = in == NULL ? NULL : PEM_read_bio_Parameters(in, NULL);

	BIO_free(in);
	return (p);
}

static bool
set_dh(struct tls_making *m)
{
	const struct tls_global *g = tls_global();
	EVP_PKEY *p;

	if (g->dh_file == NULL) {
		/* Without parameters of anybody's choice there is no DHE. */
		(void)SSL_CTX_set_dh_auto(m->ssl, g->default_dh != 0);
		return (true);
	}
	if ((p = read_dh(g->dh_file)) == NULL)
		return (tls_ctx_fail(m, "'ssl-dh-param-file' : unable to load "
		    "parameters from '%s'", g->dh_file));
	if (SSL_CTX_set0_tmp_dh_pkey(m->ssl, p))
		return (true);
	EVP_PKEY_free(p);
	return (tls_ctx_fail(m, "'ssl-dh-param-file' : parameters of '%s'",
	    g->dh_file));
}

/* ---- certificates of clients ---- */

static bool
ignores(const uint64_t *set, int err)
{
	return (err >= 0 && err < 256 && (set[err / 64] >> err % 64 & 1) != 0);
}

/* Notes what is wrong with a client's certificate, for logs and samples, and
 * lets pass what the line says to. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_conn *t = tls_of_ssl(ssl);
	int err = X509_STORE_CTX_get_error(store);
	int depth = X509_STORE_CTX_get_error_depth(store);

	if (t == NULL)
		return (ok);
	t->got_crt = true;
	if (ok)
		return (ok);
	if (depth > 0) {
		if (t->ca_err == 0) {
			t->ca_err = (uint8_t)err;
			t->ca_err_depth = (uint8_t)depth;
		}
		if (!ignores(t->bind->ignore_ca, err))
			return (0);
	} else {
		if (t->crt_err == 0)
			t->crt_err = (uint8_t)err;
		if (!ignores(t->bind->ignore_crt, err))
			return (0);
	}
	ERR_clear_error();
	return (1);
}

static int
verify_mode(const struct tls_conf *c)
{
	return (c->verify == TLS_VERIFY_REQUIRED ?
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT :
	    c->verify == TLS_VERIFY_OPTIONAL ? SSL_VERIFY_PEER :
	    SSL_VERIFY_NONE);
}

/* -1: no limit of ours. */
static int
verify_depth(const struct tls_conf *c)
{
	return (c->verify_depth == 0 ? -1 : c->verify_depth);
}

static bool
set_verify(struct tls_making *m)
{
	const struct tls_conf *c = m->c;

	SSL_CTX_set_verify(m->ssl, verify_mode(c), on_verify);
	SSL_CTX_set_verify_depth(m->ssl, verify_depth(c));
	if (verify_mode(c) == SSL_VERIFY_NONE)
		return (true);
	if (c->ca_file == NULL && c->ca_verify_file == NULL)
		return (conf_fail(m->conf, DIAG_ALERT, m->pos, "'verify' is "
		    "on, but there is no 'ca-file' to verify against"));
	if (!tls_ctx_authorities(m))
		return (false);
	tls_ca_names(m->ssl, c);
	return (true);
}

/* ---- protocols above ---- */

/* Nothing in common: the connection goes on without a protocol, as HAProxy's
 * does; RFC 7301 section 3.2 would end it, and with it clients that only ask. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned in_n, void *arg)
{
	const struct tls_ctx *ctx = arg;
	const struct span a = ctx->conf.alpn;

	(void)ssl;
	return (SSL_select_next_proto((unsigned char **)(uintptr_t)out, n,
	    (const unsigned char *)a.p, (unsigned)a.n, in, in_n) ==
	    OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK :
	    SSL_TLSEXT_ERR_NOACK);
}

/* ---- all of it ---- */

#ifdef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION     /* OpenSSL 3.2 */
#define NO_CERT_COMPRESSION                                                  \
	(SSL_OP_NO_TX_CERTIFICATE_COMPRESSION |                              \
	SSL_OP_NO_RX_CERTIFICATE_COMPRESSION)
#else
#define NO_CERT_COMPRESSION 0
#endif

static uint64_t
options_of(const struct tls_conf *c)
{
	return (SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA | SSL_OP_SINGLE_ECDH_USE |
	    SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION |
	    (tls_global()->no_cert_compression ? NO_CERT_COMPRESSION : 0) |
	    (c->no_tickets == TLS_FLAG_ON ? SSL_OP_NO_TICKET : 0));
}

static void
set_modes(SSL_CTX *ssl, const struct tls_conf *c)
{
	(void)SSL_CTX_set_options(ssl, options_of(c));
	if (c->client_order == TLS_FLAG_ON)
		(void)SSL_CTX_clear_options(ssl,
		    SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ssl, 1);
}

bool
tls_ctx_algorithms(struct tls_making *m)
{
	if (tls_global()->security_level >= 0)
		SSL_CTX_set_security_level(m->ssl,
		    tls_global()->security_level);
	set_modes(m->ssl, m->c);
	return (set_versions(m) && set_ciphers(m) && set_groups(m));
}

static bool
ctx_init(struct tls_ctx *ctx, struct conf *conf, struct diag_pos pos)
{
	struct tls_making m = { .conf = conf, .pos = pos, .c = &ctx->conf,
		.ssl = SSL_CTX_new(TLS_server_method()) };

	ctx->ssl = m.ssl;
	if (m.ssl == NULL)
		return (tls_ctx_fail(&m, "OpenSSL makes no context for TLS, "
		    "see 'ssl-provider'"));
	if (!tls_ctx_algorithms(&m) || !set_dh(&m) || !set_verify(&m))
		return (false);
	if (ctx->conf.alpn.n > 0)
		SSL_CTX_set_alpn_select_cb(ctx->ssl, on_alpn, ctx);
	tls_hello_setup(ctx->ssl);
	tls_sess_setup(ctx->ssl, ctx->bind, &ctx->conf);
	return (true);
}

struct tls_ctx *
tls_ctx_get(struct conf *conf, struct diag_pos pos, struct tls_bind *b,
    const struct tls_conf *c)
{
	uint64_t hash = tls_conf_hash(c);
	struct tls_ctx *ctx;

	for (ctx = b->ctxs; ctx != NULL; ctx = ctx->next)
		if (ctx->hash == hash && tls_conf_same(&ctx->conf, c)) {
			ctx->users++;
			return (ctx);
		}
	ctx = must_alloc(sizeof *ctx);
	ctx->conf = *c;
	ctx->hash = hash;
	ctx->bind = b;
	ctx->users = 1;
	if (!ctx_init(ctx, conf, pos)) {
		SSL_CTX_free(ctx->ssl);
		free(ctx);
		return (NULL);
	}
	ctx->next = b->ctxs;
	b->ctxs = ctx;
	return (ctx);
}

/* A handshake that is half done may have the context: it looks for another
 * one when it goes on (tls_hello.c). */
void
tls_ctx_put(struct tls_ctx *ctx)
{
	struct tls_ctx **at = &ctx->bind->ctxs;

	if (--ctx->users > 0)
		return;
	while (*at != ctx)
		at = &(*at)->next;
	*at = ctx->next;
	SSL_CTX_free(ctx->ssl);
	free(ctx);
}

bool
tls_ctx_switch(SSL *ssl, const struct tls_ctx *ctx)
{
	const struct tls_conf *c = &ctx->conf;
	const char *groups = c->curves != NULL ? c->curves : c->ecdhe;

	/* This takes the other's certificates, authorities and callbacks, but
	 * not what a connection copied when it was made. */
	if (SSL_set_SSL_CTX(ssl, ctx->ssl) == NULL)
		return (false);
	SSL_set_verify(ssl, verify_mode(c), on_verify);
	SSL_set_verify_depth(ssl, verify_depth(c));
	SSL_set0_CA_list(ssl, SSL_dup_CA_list(
	    SSL_CTX_get_client_CA_list(ctx->ssl)));
	(void)SSL_clear_options(ssl, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
	    SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3 | SSL_OP_NO_TICKET);
	(void)SSL_set_options(ssl, version_options(c->no_versions) |
	    options_of(c));
	if (c->client_order == TLS_FLAG_ON)
		(void)SSL_clear_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
	return (SSL_set_min_proto_version(ssl, min_version(c)) &&
	    SSL_set_max_proto_version(ssl, wire_version(c->max)) &&
	    (c->ciphers == NULL || SSL_set_cipher_list(ssl, c->ciphers)) &&
	    (c->ciphersuites == NULL ||
	    SSL_set_ciphersuites(ssl, c->ciphersuites)) &&
	    (groups == NULL || SSL_set1_groups_list(ssl, groups)) &&
	    (c->sigalgs == NULL || SSL_set1_sigalgs_list(ssl, c->sigalgs)) &&
	    (c->client_sigalgs == NULL ||
	    SSL_set1_client_sigalgs_list(ssl, c->client_sigalgs)));
}

#endif
