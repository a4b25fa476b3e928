/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_hello - what a ClientHello leads to: the certificate for its name and
 * for the signatures it can check, and the settings of that certificate's
 * line.
 *
 * Source: RFC 8446 4.1.2, 4.2.1, 4.2.3; RFC 6066 3.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <string.h>

#include <base/must.h>

#include "tls_capture.h"
#include "tls_sni.h"

static unsigned
be16(const unsigned char *p)
{
	return ((unsigned)p[0] << 8 | p[1]);
}

/* The host name of a server_name extension; n 0: none. */
static struct span
host_name(SSL *ssl)
{
	const unsigned char *p;
	size_t n;

	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) ||
	    n < 5 || be16(p) != n - 2 || p[2] != TLSEXT_NAMETYPE_host_name ||
	    be16(p + 3) > n - 5)
		return (SPAN_NONE);
	return (span_of((const char *)p + 5, be16(p + 3)));
}

static bool
is_enabled(const struct tls_ctx *ctx, unsigned id)
{
	STACK_OF(SSL_CIPHER) *have = SSL_CTX_get_ciphers(ctx->ssl);

	for (int i = 0; i < sk_SSL_CIPHER_num(have); i++)
		if (SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(have, i)) ==
		    id)
			return (true);
	return (false);
}

/* The client has a suite of that kind which we have, too. */
static bool
share_suite(SSL *ssl, const struct tls_ctx *ctx, bool (*wanted)(unsigned id))
{
	const unsigned char *p;
	size_t n = SSL_client_hello_get0_ciphers(ssl, &p);

	for (size_t i = 0; i + 1 < n; i += 2)
		if (wanted(be16(p + i)) && is_enabled(ctx, be16(p + i)))
			return (true);
	return (false);
}

static bool
is_suite_of_13(unsigned id)
{
	return (id >> 8 == 0x13);
}

/* It will be TLS 1.3, where no cipher suite says what kind of key it is
 * for. */
static bool
speaks_13(SSL *ssl, const struct tls_ctx *ctx)
{
	const struct tls_conf *c = &ctx->conf;
	const unsigned char *p;
	size_t n;

	if ((c->max != TLS_VER_UNSET && c->max < TLS_VER_13) ||
	    (c->no_versions & 1u << TLS_VER_13) != 0 ||
	    !share_suite(ssl, ctx, is_suite_of_13))
		return (false);
	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions,
	    &p, &n) || n < 1 || p[0] != n - 1)
		return (false);
	for (size_t i = 1; i + 1 < n; i += 2)
		if (be16(p + i) == TLS1_3_VERSION)
			return (true);
	return (false);
}

/* Suites of TLS 1.2 and before that sign with ECDSA. */
static bool
is_ecdsa_suite(unsigned id)
{
	return ((id >= 0xc006 && id <= 0xc00a) || id == 0xc023 ||
	    id == 0xc024 || id == 0xc02b || id == 0xc02c || id == 0xcca9 ||
	    (id >= 0xc0ac && id <= 0xc0af));
}

/* The client can check a signature of ECDSA (or EdDSA, for which the same
 * suites are used). */
static bool
takes_ecdsa(SSL *ssl, const struct tls_ctx *ctx)
{
	const unsigned char *p;
	bool signs = false;
	size_t n;

	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_signature_algorithms,
	    &p, &n) || n < 2 || be16(p) != n - 2)
		return (false);
	for (size_t i = 2; i + 1 < n; i += 2)
		signs |= p[i + 1] == 3 || be16(p + i) == 0x0807;
	return (signs && (speaks_13(ssl, ctx) ||
	    share_suite(ssl, ctx, is_ecdsa_suite)));
}

/* The first of a kind that the client takes; else the first of all. */
static const struct tls_entry *
pick(SSL *ssl, const struct tls_entry *first, struct span name)
{
	static const uint8_t order[] = { CERT_EC, CERT_OTHER, CERT_RSA,
		CERT_DSA };
	bool ecdsa;

	if (first == NULL || first->next == NULL)
		return (first);
	ecdsa = takes_ecdsa(ssl, first->line->ctx);
	for (size_t i = ecdsa ? 0 : 2; i < NELEM(order); i++)
		for (const struct tls_entry *e = first; e != NULL; e = e->next)
			if (e->line->cert->facts.kind == order[i] &&
			    !tls_sni_excludes(e, name))
				return (e);
	return (first);
}

/* ---- what OpenSSL calls ---- */

static bool
use_dh(SSL *ssl, const struct cert *c)
{
	const unsigned char *p = (const unsigned char *)c->dh.p;
	EVP_PKEY *params = d2i_KeyParams(EVP_PKEY_DH, NULL, &p, (long)c->dh.n);

	if (params != NULL && SSL_set0_tmp_dh_pkey(ssl, params))
		return (true);
	EVP_PKEY_free(params);
	return (false);
}

static bool
serve_by(SSL *ssl, struct tls_conn *t, const struct tls_entry *e)
{
	const struct tls_ctx *ctx = e->line->ctx;
	struct cert *c = e->line->cert;

	/* After a HelloRetryRequest it may have another's already. */
	if (SSL_get_SSL_CTX(ssl) != ctx->ssl && !tls_ctx_switch(ssl, ctx))
		return (false);
	if (!cert_use(c) ||
	    !SSL_use_cert_and_key(ssl, c->x509, c->pkey, c->stack, 1))
		return (false);
	t->cert = c;
	return (c->dh.p == NULL || use_dh(ssl, c));
}

static int
on_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls_conn *t = tls_of_ssl(ssl);
	struct span name = host_name(ssl);
	const struct tls_entry *e = tls_sni_find(t->bind, name);

	(void)arg;
	tls_capture_hello(ssl, t);
	if (e == NULL) {
		if (t->bind->conf.strict_sni == TLS_FLAG_ON) {
			*alert = SSL_AD_UNRECOGNIZED_NAME;
			return (SSL_CLIENT_HELLO_ERROR);
		}
		e = t->bind->defaults;
	}
	if ((e = pick(ssl, e, name)) != NULL && serve_by(ssl, t, e))
		return (SSL_CLIENT_HELLO_SUCCESS);
	*alert = SSL_AD_INTERNAL_ERROR;
	return (SSL_CLIENT_HELLO_ERROR);
}

/* The name is noted by OpenSSL only if somebody says that it is known. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)alert;
	(void)arg;
	return (SSL_TLSEXT_ERR_OK);
}

static int
on_status(SSL *ssl, void *arg)
{
	const struct tls_conn *t = tls_of_ssl(ssl);
	struct span ocsp = t->cert != NULL ? t->cert->ocsp : SPAN_NONE;
	unsigned char *copy;

	(void)arg;
	if (ocsp.n == 0 || (copy = OPENSSL_memdup(ocsp.p, ocsp.n)) == NULL)
		return (SSL_TLSEXT_ERR_NOACK);
	(void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)ocsp.n);
	return (SSL_TLSEXT_ERR_OK);
}

static int
add_sctl(SSL *ssl, unsigned type, unsigned where, const unsigned char **out,
    size_t *n, X509 *x, size_t at, int *alert, void *arg)
{
	const struct tls_conn *t = tls_of_ssl(ssl);
	struct span s = t != NULL && t->cert != NULL ? t->cert->sctl :
	    SPAN_NONE;

	(void)type;
	(void)where;
	(void)x;
	(void)alert;
	(void)arg;
	if (s.n == 0 || at != 0)
		return (0);
	*out = (const unsigned char *)s.p;
	*n = s.n;
	return (1);
}

static int
skip_sctl(SSL *ssl, unsigned type, unsigned where, const unsigned char *in,
    size_t n, X509 *x, size_t at, int *alert, void *arg)
{
	(void)ssl;
	(void)type;
	(void)where;
	(void)in;
	(void)n;
	(void)x;
	(void)at;
	(void)alert;
	(void)arg;
	return (1);
}

void
tls_hello_setup(SSL_CTX *ssl)
{
	tls_capture_setup(ssl);
	SSL_CTX_set_client_hello_cb(ssl, on_hello, NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(ssl, on_name);
	(void)SSL_CTX_set_tlsext_status_cb(ssl, on_status);
	(void)SSL_CTX_add_custom_ext(ssl,
	    TLSEXT_TYPE_signed_certificate_timestamp, SSL_EXT_CLIENT_HELLO |
	    SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_CERTIFICATE,
	    add_sctl, NULL, NULL, skip_sctl, NULL);
}

#endif
