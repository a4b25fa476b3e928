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
tls_fc(struct txn *t)
{
	if (t->ops == NULL || t->ops->client_conn == NULL)
		return (NULL);
	return (tls_of(t->ops->client_conn(t)));
}

struct tls_conn *
tls_bc(struct txn *t)
{
	if (t->ops == NULL || t->ops->server_conn == NULL)
		return (NULL);
	return (tls_of(t->ops->server_conn(t)));
}

SSL *
tls_client(struct txn *t)
{
	struct tls_conn *c = tls_fc(t);

	return (c == NULL ? NULL : c->ssl);
}

static bool
fetch_ssl_bc(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = tls_bc(t) != NULL;
	return (true);
}
FETCH(ssl_bc) = {
	.name = "ssl_bc", .args = "", .out = SMP_BOOL,
	.stages = TLS_BC_STAGES, .run = fetch_ssl_bc,
	.doc = "True when the connection to the server has TLS.",
	.example = "http-response set-header X-TLS %[ssl_bc]",
};

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

/* ---- what was negotiated ---- */

TLS_SAMPLES(protocol, SMP_STR, "The version of TLS, \"TLSv1.3\".",
	return (tls_smp_text(s, SSL_get_version(ssl)));)
TLS_SAMPLES(cipher, SMP_STR, "The name of the cipher.",
	return (tls_smp_text(s, SSL_get_cipher_name(ssl)));)
TLS_SAMPLES(use_keysize, SMP_INT, "Bits of the cipher's key.",
	s->num = SSL_get_cipher_bits(ssl, NULL);
	return (s->num != 0);)
TLS_SAMPLES(alg_keysize, SMP_INT, "Bits of a key that the cipher allows.",
	int bits = 0;

	(void)SSL_get_cipher_bits(ssl, &bits);
	s->num = bits;
	return (bits != 0);)
TLS_SAMPLES(curve, SMP_STR, "The group of the exchange of keys.",
	return (tls_smp_text(s, SSL_group_to_name(ssl, (int)
	    SSL_get_negotiated_group(ssl))));)

/* False is a sample, too, also where there is no TLS. */
static bool
resumed(const struct tls_conn *c, struct smp *s)
{
	s->num = c != NULL && c->ssl != NULL && SSL_session_reused(c->ssl);
	return (true);
}

static bool
fetch_fc_resumed(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (resumed(tls_fc(t), s));
}
TLS_FETCH(fc_resumed, "ssl_fc_is_resumed", "", SMP_BOOL, fetch_fc_resumed,
    "True when a session was taken up again.")

static bool
fetch_bc_resumed(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (resumed(tls_bc(t), s));
}
TLS_FETCH_AT(TLS_BC_STAGES, bc_resumed, "ssl_bc_is_resumed", "", SMP_BOOL,
    fetch_bc_resumed,
    "True when a session was taken up again with the server.")

TLS_SAMPLE(fc, has_early, "", SMP_BOOL,
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

TLS_SAMPLES(alpn, SMP_STR, "The protocol that was agreed on, \"http/1.1\".",
	const unsigned char *p = NULL;
	unsigned n = 0;

	SSL_get0_alpn_selected(ssl, &p, &n);
	return (tls_smp_copy(t, s, p, n));)
TLS_SAMPLE(bc, sni, "", SMP_STR,
    "The host name that the server was asked for: see sni.",
	(void)ssl;
	return (c->name != NULL && tls_smp_copy(t, s, c->name,
	    strlen(c->name)));)

/* ---- identifiers and secrets ---- */

TLS_SAMPLES(session_id, SMP_BIN, "The identifier of the session.",
	const SSL_SESSION *sess = SSL_get_session(ssl);
	unsigned n = 0;
	const unsigned char *p = sess == NULL ? NULL :
	    SSL_SESSION_get_id(sess, &n);

	return (tls_smp_copy(t, s, p, n));)
TLS_SAMPLES(session_key, SMP_BIN,
    "The master secret of the session, to decrypt recorded traffic.",
	const SSL_SESSION *sess = SSL_get_session(ssl);
	unsigned char key[SSL_MAX_MASTER_KEY_LENGTH];

	return (sess != NULL && tls_smp_copy(t, s, key,
	    SSL_SESSION_get_master_key(sess, key, sizeof key)));)
TLS_SAMPLES(client_random, SMP_BIN, "The random bytes of the ClientHello.",
	unsigned char p[SSL3_RANDOM_SIZE];

	return (tls_smp_copy(t, s, p, SSL_get_client_random(ssl, p,
	    sizeof p)));)
TLS_SAMPLES(server_random, SMP_BIN, "The random bytes of the ServerHello.",
	unsigned char p[SSL3_RANDOM_SIZE];

	return (tls_smp_copy(t, s, p, SSL_get_server_random(ssl, p,
	    sizeof p)));)
/* tls-unique: the first Finished message (RFC 5929 3), which the client sends
 * in a full handshake, the server in one that is resumed. */
TLS_SAMPLES(unique_id, SMP_BIN,
    "What tells this connection from all others to both sides (tls-unique).",
	unsigned char p[EVP_MAX_MD_SIZE];
	bool ours = SSL_is_server(ssl) == SSL_session_reused(ssl);
	size_t n = ours ? SSL_get_finished(ssl, p, sizeof p) :
	    SSL_get_peer_finished(ssl, p, sizeof p);

	return (tls_smp_copy(t, s, p, n < sizeof p ? n : sizeof p));)

/* ---- what went wrong ---- */

#define NUMBER(ident, side, field, text)                                     \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	const struct tls_conn *c = tls_##side(t);                            \
                                                                             \
	(void)arg;                                                           \
	s->num = c == NULL ? 0 : (int64_t)c->field;                          \
	return (c != NULL);                                                  \
}                                                                            \
TLS_FETCH(ident, #ident, "", SMP_INT, fetch_##ident, text)
NUMBER(ssl_fc_err, fc, err,
    "The number of the error of OpenSSL that ended the handshake, or 0.")
NUMBER(ssl_c_err, fc, crt_err,
    "The number of the first error in the client's own certificate, or 0.")
NUMBER(ssl_c_ca_err, fc, ca_err,
    "The number of the first error in the certificates of the client's "
    "authorities, or 0.")
NUMBER(ssl_c_ca_err_depth, fc, ca_err_depth,
    "How far above the client's certificate that error was.")


/* What there is no connection of any more is known as long as the stream. */
static unsigned long
err_of_server(struct txn *t, bool *known)
{
	const struct tls_conn *c = tls_bc(t);

	*known = c != NULL || t->bc_err != 0;
	return (c != NULL ? c->err : t->bc_err);
}

static bool
fetch_bc_err(struct txn *t, const struct arg *arg, struct smp *s)
{
	bool known;

	(void)arg;
	s->num = (int64_t)err_of_server(t, &known);
	return (known);
}
TLS_FETCH_AT(TLS_BC_STAGES, bc_err, "ssl_bc_err", "", SMP_INT, fetch_bc_err,
    "The number of the error of OpenSSL that ended the handshake with the "
    "server, or 0.")

static bool
put_err_text(struct txn *t, struct smp *s, unsigned long err)
{
	char text[256];

	if (err == 0)
		return (false);
	ERR_error_string_n(err, text, sizeof text);
	return (tls_smp_copy(t, s, text, strlen(text)));
}

static bool
fetch_fc_err_str(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct tls_conn *c = tls_fc(t);

	(void)arg;
	return (put_err_text(t, s, c == NULL ? 0 : c->err));
}
TLS_FETCH(fc_err_str, "ssl_fc_err_str", "", SMP_STR, fetch_fc_err_str,
    "What OpenSSL says of the error in ssl_fc_err.")

static bool
fetch_bc_err_str(struct txn *t, const struct arg *arg, struct smp *s)
{
	bool known;

	(void)arg;
	return (put_err_text(t, s, err_of_server(t, &known)));
}
TLS_FETCH_AT(TLS_BC_STAGES, bc_err_str, "ssl_bc_err_str", "", SMP_STR,
    fetch_bc_err_str,
    "What OpenSSL says of the error in ssl_bc_err.")

#endif
