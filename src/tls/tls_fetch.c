/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_fetch - samples of a client's TLS: what was negotiated, and what went
 * wrong.
 *
 * Source: configuration manual 7.3.4.
 */
#include "tls_fetch.h"

static bool
fetch_ssl_fc(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->tls;
	return (true);
}
FETCH(ssl_fc) = {
	.name = "ssl_fc", .args = "", .out = SMP_BOOL,
	.stages = SMP_ANYWHERE & ~(SMP_AT(CHECK) | SMP_AT(CONN)),
	.run = fetch_ssl_fc,
	.doc = "True when the client came over TLS.",
	.example = "http-request redirect scheme https unless { ssl_fc }",
};

#ifdef USE_OPENSSL

#include <base/must.h>
#include <xprt/conn.h>

#include <openssl/err.h>

struct tls_conn *
tls_of_client(struct txn *t)
{
	if (t->ops == NULL || t->ops->client_conn == NULL)
		return (NULL);
	return (tls_of(t->ops->client_conn(t)));
}

SSL *
tls_client(struct txn *t)
{
	struct tls_conn *c = tls_of_client(t);

	return (c == NULL ? NULL : c->ssl);
}

bool
tls_smp_text(struct smp *s, const char *z)
{
	s->str = span_str(z);
	s->constant = true;
	return (z != NULL);
}

bool
tls_smp_copy(struct txn *t, struct smp *s, const void *p, size_t n)
{
	if (p == NULL || n == 0)
		return (false);
	s->str = arena_span(t->arena, span_of(p, n));
	return (s->str.p != NULL);
}

/* A sample of the client's connection; `ssl` is OpenSSL's object of it. */
#define SAMPLE(ident, type, text, ...)                                       \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	SSL *ssl = tls_client(t);                                            \
                                                                             \
	(void)arg;                                                           \
	if (ssl == NULL)                                                     \
		return (false);                                              \
	__VA_ARGS__                                                          \
}                                                                            \
TLS_FETCH(ident, #ident, "", type, fetch_##ident, text)

/* ---- what was negotiated ---- */

SAMPLE(ssl_fc_protocol, SMP_STR, "The version of TLS, \"TLSv1.3\".",
	return (tls_smp_text(s, SSL_get_version(ssl)));)
SAMPLE(ssl_fc_cipher, SMP_STR, "The name of the cipher.",
	return (tls_smp_text(s, SSL_get_cipher_name(ssl)));)
SAMPLE(ssl_fc_use_keysize, SMP_INT, "Bits of the cipher's key.",
	s->num = SSL_get_cipher_bits(ssl, NULL);
	return (s->num != 0);)
SAMPLE(ssl_fc_alg_keysize, SMP_INT, "Bits of a key that the cipher allows.",
	int bits = 0;

	(void)SSL_get_cipher_bits(ssl, &bits);
	s->num = bits;
	return (bits != 0);)
SAMPLE(ssl_fc_curve, SMP_STR, "The group of the exchange of keys.",
	return (tls_smp_text(s, SSL_group_to_name(ssl, (int)
	    SSL_get_negotiated_group(ssl))));)
SAMPLE(ssl_fc_is_resumed, SMP_BOOL, "True when a session was taken up again.",
	s->num = SSL_session_reused(ssl);
	return (true);)
SAMPLE(ssl_fc_has_early, SMP_BOOL,
    "True when data came before the handshake was over. It is not accepted, "
    "so this is false.",
	s->num = 0;
	return (true);)

static bool
fetch_sni(struct txn *t, const struct arg *arg, struct smp *s)
{
	SSL *ssl = tls_client(t);
	const char *name = ssl == NULL ? NULL : SSL_get_servername(ssl,
	    TLSEXT_NAMETYPE_host_name);

	(void)arg;
	return (name != NULL && tls_smp_copy(t, s, name, strlen(name)));
}
FETCH(ssl_fc_sni) = {
	.name = "ssl_fc_sni", .args = "", .out = SMP_STR,
	.stages = TLS_STAGES, .run = fetch_sni, .acl = SMP_ACL_ALL,
	.doc = "The host name that the client asked for in its ClientHello. It "
	    "chose the certificate; a request's Host may be another.",
	.example = "http-request deny if { ssl_fc_sni old.example.com }",
};

static bool
fetch_has_sni(struct txn *t, const struct arg *arg, struct smp *s)
{
	SSL *ssl = tls_client(t);

	(void)arg;
	s->num = ssl != NULL && SSL_get_servername(ssl,
	    TLSEXT_NAMETYPE_host_name) != NULL;
	return (ssl != NULL);
}
TLS_FETCH(has_sni, "ssl_fc_has_sni", "", SMP_BOOL, fetch_has_sni,
    "True when the client asked for a host name in its ClientHello.")

static bool
fetch_alpn(struct txn *t, const struct arg *arg, struct smp *s)
{
	SSL *ssl = tls_client(t);
	const unsigned char *p = NULL;
	unsigned n = 0;

	(void)arg;
	if (ssl != NULL)
		SSL_get0_alpn_selected(ssl, &p, &n);
	return (tls_smp_copy(t, s, p, n));
}
TLS_FETCH(alpn, "ssl_fc_alpn", "", SMP_STR, fetch_alpn,
    "The protocol that was agreed on, \"http/1.1\".")

/* ---- identifiers and secrets ---- */

static bool
fetch_session_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	SSL *ssl = tls_client(t);
	const SSL_SESSION *sess = ssl == NULL ? NULL : SSL_get_session(ssl);
	unsigned n = 0;
	const unsigned char *p = sess == NULL ? NULL :
	    SSL_SESSION_get_id(sess, &n);

	(void)arg;
	return (tls_smp_copy(t, s, p, n));
}
TLS_FETCH(session_id, "ssl_fc_session_id", "", SMP_BIN, fetch_session_id,
    "The identifier of the session.")

static bool
fetch_session_key(struct txn *t, const struct arg *arg, struct smp *s)
{
	SSL *ssl = tls_client(t);
	const SSL_SESSION *sess = ssl == NULL ? NULL : SSL_get_session(ssl);
	unsigned char key[SSL_MAX_MASTER_KEY_LENGTH];

	(void)arg;
	return (sess != NULL && tls_smp_copy(t, s, key,
	    SSL_SESSION_get_master_key(sess, key, sizeof key)));
}
TLS_FETCH(session_key, "ssl_fc_session_key", "", SMP_BIN, fetch_session_key,
    "The master secret of the session, to decrypt recorded traffic.")

#define RANDOM(ident, word, fn, text)                                        \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	SSL *ssl = tls_client(t);                                            \
	unsigned char p[SSL3_RANDOM_SIZE];                                   \
                                                                             \
	(void)arg;                                                           \
	return (ssl != NULL && tls_smp_copy(t, s, p, fn(ssl, p, sizeof p))); \
}                                                                            \
TLS_FETCH(ident, word, "", SMP_BIN, fetch_##ident, text)
RANDOM(client_random, "ssl_fc_client_random", SSL_get_client_random,
    "The random bytes of the ClientHello.")
RANDOM(server_random, "ssl_fc_server_random", SSL_get_server_random,
    "The random bytes of the ServerHello.")

/* tls-unique: the first Finished message (RFC 5929 3). */
static bool
fetch_unique_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	SSL *ssl = tls_client(t);
	unsigned char p[EVP_MAX_MD_SIZE];
	size_t n;

	(void)arg;
	if (ssl == NULL)
		return (false);
	n = SSL_session_reused(ssl) ? SSL_get_finished(ssl, p, sizeof p) :
	    SSL_get_peer_finished(ssl, p, sizeof p);
	return (tls_smp_copy(t, s, p, n < sizeof p ? n : sizeof p));
}
TLS_FETCH(unique_id, "ssl_fc_unique_id", "", SMP_BIN, fetch_unique_id,
    "What tells this connection from all others to both sides (tls-unique).")

/* ---- what went wrong ---- */

#define NUMBER(ident, field, text)                                           \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	const struct tls_conn *c = tls_of_client(t);                         \
                                                                             \
	(void)arg;                                                           \
	s->num = c == NULL ? 0 : (int64_t)c->field;                          \
	return (c != NULL);                                                  \
}                                                                            \
TLS_FETCH(ident, #ident, "", SMP_INT, fetch_##ident, text)
NUMBER(ssl_fc_err, err,
    "The number of the error of OpenSSL that ended the handshake, or 0.")
NUMBER(ssl_c_err, crt_err,
    "The number of the first error in the client's own certificate, or 0.")
NUMBER(ssl_c_ca_err, ca_err,
    "The number of the first error in the certificates of the client's "
    "authorities, or 0.")
NUMBER(ssl_c_ca_err_depth, ca_err_depth,
    "How far above the client's certificate that error was.")

static bool
fetch_err_str(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct tls_conn *c = tls_of_client(t);
	char text[256];

	(void)arg;
	if (c == NULL || c->err == 0)
		return (false);
	ERR_error_string_n(c->err, text, sizeof text);
	return (tls_smp_copy(t, s, text, strlen(text)));
}
TLS_FETCH(err_str, "ssl_fc_err_str", "", SMP_STR, fetch_err_str,
    "What OpenSSL says of that error.")

#endif
