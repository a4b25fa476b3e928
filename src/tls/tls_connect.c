/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_connect - TLS towards servers: which name is asked for, whether the
 * certificate is one for it, and sessions that are taken up again.
 *
 * Source: configuration manual 5.2 (sni, sni-auto, verify, verifyhost,
 * ssl-reuse);
 * RFC 6066 3; RFC 9110 4.3.4 for names of certificates.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <string.h>

#include <base/must.h>
#include <expr/expr.h>
#include <tls/tls.h>
#include <xprt/conn.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls_capture.h"

#define NAME_MAX_BYTES 255              /* of a host name, RFC 1035 2.3.4 */

/* ---- which name ---- */

static bool
is_ip(struct span s)
{
	struct addr_spec a;
	const char *err;

	return (s.p[0] == '[' || (addr_parse(s, &a, &err) && !a.need_dns));
}

struct span
tls_host_name(struct span host)
{
	int port = span_find(host, ':');

	if (host.n == 0 || host.p[0] == '[')
		return (SPAN_NONE);
	if (port >= 0)
		host.n = (size_t)port;
	return (host.n == 0 || is_ip(host) ? SPAN_NONE : host);
}

/* What no line names: the host of the request, as browsers do it. */
static struct span
name_of_request(struct txn *txn)
{
	if (!txn->is_http || txn->req == NULL)
		return (SPAN_NONE);
	return (tls_host_name(http_host(txn->req, false)));
}

void
tls_ask(struct xprt_to *to, struct txn *txn)
{
	const struct tls_server *s = tls_server_of(to->server);
	struct span name = SPAN_NONE;

	if (s->sni != NULL)
		name = expr_text(s->sni, txn);
	else if (s->sni_auto != TLS_FLAG_OFF)
		name = name_of_request(txn);
	if (name.n == 0 || name.n > NAME_MAX_BYTES ||
	    memchr(name.p, '\0', name.n) != NULL)
		return;
	to->name = name;
	/* A name that nobody asked to be sent does not change what is
	 * verified, and one that the client chose never replaces the one
	 * that the line gives. */
	to->name_counts = s->sni != NULL ||
	    (s->sni_auto == TLS_FLAG_ON && s->verify_host == NULL);
}

/* ---- the server's certificate ---- */

static const char *
name_to_verify(const struct tls_conn *t)
{
	return (t->name != NULL && t->name_counts ? t->name :
	    t->server->verify_host);
}

static bool
is_for(X509 *x, const char *name)
{
	return (X509_check_host(x, name, 0,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1 ||
	    X509_check_ip_asc(x, name, 0) == 1);
}

static int
on_server_crt(int ok, X509_STORE_CTX *store)
{
	struct tls_conn *t = tls_of_ssl(X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx()));
	int depth = X509_STORE_CTX_get_error_depth(store);
	const char *name = name_to_verify(t);

	if (ok && depth == 0 && name != NULL &&
	    !is_for(X509_STORE_CTX_get_current_cert(store), name)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
		ok = 0;
	}
	if (ok)
		return (1);
	if (depth > 0) {
		t->ca_err = (uint8_t)X509_STORE_CTX_get_error(store);
		t->ca_err_depth = (uint8_t)depth;
	} else {
		t->crt_err = (uint8_t)X509_STORE_CTX_get_error(store);
	}
	return (0);
}

void
tls_connect_verify(SSL_CTX *ctx)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_server_crt);
}

/* ---- sessions ---- */

static bool
same_name(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

void
tls_connect_forget(struct tls_known *k)
{
	SSL_SESSION_free(k->session);
	OPENSSL_free(k->name);
	k->session = NULL;
	k->name = NULL;
}

/* The newest is kept, which the server knows longest. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_conn *t = tls_of_ssl(ssl);
	struct tls_known *k = t->server->known;
	char *name = NULL;

	if (t->server->no_reuse || (t->name != NULL &&
	    (name = OPENSSL_strdup(t->name)) == NULL))
		return (0);
	tls_connect_forget(k);
	k->session = session;
	k->name = name;
	return (1);
}

void
tls_connect_setup(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	tls_capture_setup(ctx);
}

bool
tls_connect_begin(struct tls_conn *t)
{
	const struct tls_server *s = t->server;
	const struct tls_known *k = s->known;

	if ((t->ssl = SSL_new(s->ctx)) == NULL)
		return (false);
	SSL_set_app_data(t->ssl, t);
	SSL_set_connect_state(t->ssl);
	if (t->name != NULL && !SSL_set_tlsext_host_name(t->ssl, t->name))
		return (false);
	if (t->alpn.p != NULL && SSL_set_alpn_protos(t->ssl,
	    (const unsigned char *)t->alpn.p, (unsigned)t->alpn.n) != 0)
		return (false);
	if (k->session != NULL && !s->no_reuse && same_name(k->name, t->name))
		(void)SSL_set_session(t->ssl, k->session);
	ERR_clear_error();
	return (true);
}

#endif
