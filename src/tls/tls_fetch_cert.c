/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_fetch_cert - samples of certificates: that of the client, and ours.
 *
 * Source: configuration manual 7.3.4; RFC 5280 for what is in one.
 */
#include "tls_fetch.h"

#ifdef USE_OPENSSL

#include <stdlib.h>

#include <base/must.h>
#include <base/text.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* ---- whose ---- */

static X509 *
cert_of_client(struct txn *t)
{
	SSL *ssl = tls_client(t);

	return (ssl == NULL ? NULL : SSL_get0_peer_certificate(ssl));
}

static X509 *
cert_of_server(struct txn *t)
{
	struct tls_conn *c = tls_bc(t);

	return (c == NULL || c->ssl == NULL ? NULL :
	    SSL_get0_peer_certificate(c->ssl));
}

static X509 *
cert_of_ours(struct txn *t)
{
	SSL *ssl = tls_client(t);

	return (ssl == NULL ? NULL : SSL_get_certificate(ssl));
}

/* ---- parts ---- */

/* `der` as i2d_X509() makes it. */
static bool
der_of(struct txn *t, struct smp *s, X509 *x)
{
	unsigned char *p = NULL;
	int n = i2d_X509(x, &p);
	bool good = n > 0 && tls_smp_copy(t, s, p, (size_t)n);

	OPENSSL_free(p);
	return (good);
}

static bool
sha1_of(struct txn *t, struct smp *s, X509 *x)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n;

	return (X509_digest(x, EVP_sha1(), md, &n) == 1 &&
	    tls_smp_copy(t, s, md, n));
}

static bool
serial_of(struct txn *t, struct smp *s, X509 *x)
{
	const ASN1_INTEGER *n = X509_get0_serialNumber(x);

	return (tls_smp_copy(t, s, n->data, (size_t)n->length));
}

/* As RFC 5280 has dates of our time: YYMMDDhhmmssZ. */
static bool
time_of(struct txn *t, struct smp *s, const ASN1_TIME *when)
{
	struct span v = span_of((const char *)when->data,
	    (size_t)when->length);

	if (when->type == V_ASN1_GENERALIZEDTIME) {
		if (!span_begins(v, SPAN("20")) || v.n < 12)
			return (false);
		v = span_skip(v, 2);
	}
	return (tls_smp_copy(t, s, v.p, v.n));
}

static bool
not_after_of(struct txn *t, struct smp *s, X509 *x)
{
	return (time_of(t, s, X509_get0_notAfter(x)));
}

static bool
not_before_of(struct txn *t, struct smp *s, X509 *x)
{
	return (time_of(t, s, X509_get0_notBefore(x)));
}

static bool
key_alg_of(struct txn *t, struct smp *s, X509 *x)
{
	ASN1_OBJECT *alg;

	(void)t;
	return (X509_PUBKEY_get0_param(&alg, NULL, NULL, NULL,
	    X509_get_X509_PUBKEY(x)) == 1 &&
	    tls_smp_text(s, OBJ_nid2sn(OBJ_obj2nid(alg))));
}

static bool
sig_alg_of(struct txn *t, struct smp *s, X509 *x)
{
	(void)t;
	return (tls_smp_text(s, OBJ_nid2sn(X509_get_signature_nid(x))));
}

static bool
version_of(struct txn *t, struct smp *s, X509 *x)
{
	(void)t;
	s->num = X509_get_version(x) + 1;
	return (true);
}

/* ---- names ---- */

static const char *
short_name(const ASN1_OBJECT *o, char *dotted, size_t size)
{
	int nid = OBJ_obj2nid(o);

	if (nid != NID_undef)
		return (OBJ_nid2sn(nid));
	(void)OBJ_obj2txt(dotted, (int)size, o, 1);
	return (dotted);
}

static struct span
value_of(const X509_NAME_ENTRY *e)
{
	const ASN1_STRING *v = X509_NAME_ENTRY_get_data(e);

	return (span_of((const char *)ASN1_STRING_get0_data(v),
	    (size_t)ASN1_STRING_length(v)));
}

static bool
has_short_name(const X509_NAME_ENTRY *e, struct span name)
{
	char dotted[80];

	return (span_is(name, short_name(X509_NAME_ENTRY_get_object(e),
	    dotted, sizeof dotted)));
}

/* The nth part of that name, from the end when negative. */
static bool
part_of(struct txn *t, struct smp *s, const X509_NAME *name, struct span what,
    int64_t nth)
{
	int n = X509_NAME_entry_count(name), step = nth < 0 ? -1 : 1;
	int64_t left = nth < 0 ? -nth : nth == 0 ? 1 : nth;

	for (int i = nth < 0 ? n - 1 : 0; i >= 0 && i < n; i += step) {
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		struct span v = value_of(e);

		if (has_short_name(e, what) && --left == 0)
			return (tls_smp_copy(t, s, v.p, v.n));
	}
	return (false);
}

/* "/C=FR/O=example/CN=name" */
static bool
all_of(struct txn *t, struct smp *s, const X509_NAME *name)
{
	char out[4096], dotted[80];
	size_t at = 0;

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		struct span v = value_of(e);
		const char *n = short_name(X509_NAME_ENTRY_get_object(e),
		    dotted, sizeof dotted);
		size_t k = strlen(n);

		if (at + k + v.n + 2 > sizeof out)
			return (false);
		out[at++] = '/';
		memcpy(out + at, n, k);
		at += k;
		out[at++] = '=';
		memcpy(out + at, v.p, v.n);
		at += v.n;
	}
	return (tls_smp_copy(t, s, out, at));
}

static bool
as_rfc2253(struct txn *t, struct smp *s, const X509_NAME *name)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	bool good = false;

	if (out != NULL && X509_NAME_print_ex(out, name, 0,
	    XN_FLAG_RFC2253) >= 0 && (n = BIO_get_mem_data(out, &p)) > 0)
		good = tls_smp_copy(t, s, p, (size_t)n);
	BIO_free(out);
	return (good);
}

static bool
name_of(struct txn *t, const struct arg *arg, struct smp *s,
    const X509_NAME *name)
{
	if (arg[0].type != ARG_NONE && arg[0].str.n > 0)
		return (part_of(t, s, name, arg[0].str, arg[1].num));
	if (arg[2].type != ARG_NONE && arg[2].str.n > 0)
		return (as_rfc2253(t, s, name));
	return (all_of(t, s, name));
}

static bool
check_name(struct arg *arg, const char **err)
{
	if (arg[2].type == ARG_NONE || arg[2].str.n == 0 ||
	    span_is(arg[2].str, "rfc2253"))
		return (true);
	*err = "only the format 'rfc2253' is known";
	return (false);
}

/* ---- rows: one set for each side ---- */

#define PART(pre, side, ident, type, text)                                   \
static bool                                                                  \
fetch_##pre##_##ident(struct txn *t, const struct arg *arg, struct smp *s)   \
{                                                                            \
	X509 *x = side(t);                                                   \
                                                                             \
	(void)arg;                                                           \
	return (x != NULL && ident##_of(t, s, x));                           \
}                                                                            \
TLS_FETCH(pre##_##ident, ROW_NAME_##pre(ident), "", type,                    \
    fetch_##pre##_##ident, text)

#define NAME(pre, side, ident, word, get, text)                              \
static bool                                                                  \
fetch_##pre##_##ident(struct txn *t, const struct arg *arg, struct smp *s)   \
{                                                                            \
	X509 *x = side(t);                                                   \
                                                                             \
	return (x != NULL && name_of(t, arg, s, get(x)));                    \
}                                                                            \
FETCH(tls_##pre##_##ident) = {                                               \
	.name = word, .args = "str part=, int occ=0, str format=",           \
	.out = SMP_STR, .stages = TLS_STAGES, .check = check_name,           \
	.run = fetch_##pre##_##ident, .doc = text,                           \
	.example = "log-format %[" word "(CN)]",                             \
};

#define WORD_der "der"
#define WORD_sha1 "sha1"
#define WORD_serial "serial"
#define WORD_not_after "notafter"
#define WORD_not_before "notbefore"
#define WORD_key_alg "key_alg"
#define WORD_sig_alg "sig_alg"
#define WORD_version "version"
#define ROW_NAME_c(ident) "ssl_c_" WORD_##ident
#define ROW_NAME_f(ident) "ssl_f_" WORD_##ident
#define ROW_NAME_s(ident) "ssl_s_" WORD_##ident

#define CERTIFICATE(pre, side, whose)                                        \
PART(pre, side, der, SMP_BIN, whose " certificate, in DER.")                 \
PART(pre, side, sha1, SMP_BIN, "The SHA-1 digest of " whose " certificate.") \
PART(pre, side, serial, SMP_BIN, "The serial number of " whose               \
    " certificate.")                                                         \
PART(pre, side, not_after, SMP_STR, "When " whose                            \
    " certificate ends: YYMMDDhhmmssZ.")                                     \
PART(pre, side, not_before, SMP_STR, "When " whose                           \
    " certificate begins: YYMMDDhhmmssZ.")                                   \
PART(pre, side, key_alg, SMP_STR, "What kind of key is in " whose            \
    " certificate.")                                                         \
PART(pre, side, sig_alg, SMP_STR, "What " whose                              \
    " certificate is signed with.")                                          \
PART(pre, side, version, SMP_INT, "The version of " whose " certificate.")   \
NAME(pre, side, s_dn, "ssl_" #pre "_s_dn", X509_get_subject_name,            \
    "The subject of " whose " certificate: all of the name, or the value "   \
    "of the <occ>th <part> of it (from the end when negative).")             \
NAME(pre, side, i_dn, "ssl_" #pre "_i_dn", X509_get_issuer_name,             \
    "The issuer of " whose " certificate, as ssl_" #pre "_s_dn has the "     \
    "subject.")

CERTIFICATE(c, cert_of_client, "the client's")
CERTIFICATE(f, cert_of_ours, "our")
CERTIFICATE(s, cert_of_server, "the server's")

/* ---- the client's alone ---- */

static bool
fetch_used(struct txn *t, const struct arg *arg, struct smp *s)
{
	SSL *ssl = tls_client(t);

	(void)arg;
	s->num = ssl != NULL && SSL_get0_peer_certificate(ssl) != NULL;
	return (ssl != NULL);
}
TLS_FETCH(c_used, "ssl_c_used", "", SMP_BOOL, fetch_used,
    "True when the session has a certificate of the client, also when it was "
    "taken up again.")

/* The root is only known on the connection where the chain was built: a
 * session that is taken up again does not have it. */
static X509 *
root_of_client(struct txn *t)
{
	SSL *ssl = tls_client(t);
	STACK_OF(X509) *chain = ssl == NULL ||
	    SSL_get_verify_result(ssl) != X509_V_OK ? NULL :
	    SSL_get0_verified_chain(ssl);
	int n = chain == NULL ? 0 : sk_X509_num(chain);

	return (n <= 0 ? NULL : sk_X509_value(chain, n - 1));
}

NAME(c, root_of_client, r_dn, "ssl_c_r_dn", X509_get_subject_name,
    "The subject of the root authority that the client's certificate was "
    "verified with, as ssl_c_s_dn has that of the certificate. Not known of "
    "a session that was taken up again.")

/* "DNS:a.example, IP Address:192.0.2.1" */
static bool
alt_names_of(struct txn *t, struct smp *s, X509 *x)
{
	int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	BIO *out = at < 0 ? NULL : BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	bool good = false;

	if (out != NULL && X509V3_EXT_print(out, X509_get_ext(x, at), 0,
	    0) == 1 && (n = BIO_get_mem_data(out, &p)) > 0)
		good = tls_smp_copy(t, s, p, (size_t)n);
	BIO_free(out);
	return (good);
}

static bool
fetch_san(struct txn *t, const struct arg *arg, struct smp *s)
{
	X509 *x = cert_of_client(t);

	(void)arg;
	return (x != NULL && alt_names_of(t, s, x));
}
TLS_FETCH(c_san, "ssl_c_san", "", SMP_STR, fetch_san,
    "The alternative names in the client's certificate, with their kinds: "
    "`DNS:a.example, IP Address:192.0.2.1`.")

static bool
fetch_has_crt(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct tls_conn *c = tls_fc(t);

	(void)arg;
	s->num = c != NULL && c->got_crt;
	return (c != NULL && c->ssl != NULL);
}
TLS_FETCH(fc_has_crt, "ssl_fc_has_crt", "", SMP_BOOL, fetch_has_crt,
    "True when the client showed a certificate on this connection.")

static bool
fetch_verify(struct txn *t, const struct arg *arg, struct smp *s)
{
	SSL *ssl = tls_client(t);

	(void)arg;
	s->num = ssl == NULL ? 0 : SSL_get_verify_result(ssl);
	return (ssl != NULL);
}
TLS_FETCH(c_verify, "ssl_c_verify", "", SMP_INT, fetch_verify,
    "The number of the error that verification ended with, 0: none.")

static bool
chain_of(struct txn *t, struct smp *s, const struct tls_conn *c)
{
	STACK_OF(X509) *chain = c == NULL || c->ssl == NULL ? NULL :
	    SSL_get_peer_cert_chain(c->ssl);
	struct text all;
	bool good = true;

	text_init(&all);
	for (int i = 0; good && i < sk_X509_num(chain); i++)
		if ((good = der_of(t, s, sk_X509_value(chain, i))))
			text_add(&all, s->str);
	good = good && all.n > 0 && tls_smp_copy(t, s, all.p, all.n);
	text_fini(&all);
	return (good);
}

static bool
fetch_c_chain(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (chain_of(t, s, tls_fc(t)));
}
TLS_FETCH(c_chain, "ssl_c_chain_der", "", SMP_BIN, fetch_c_chain,
    "The certificates that the client showed beside its own, in DER.")

static bool
fetch_s_chain(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (chain_of(t, s, tls_bc(t)));
}
TLS_FETCH(s_chain, "ssl_s_chain_der", "", SMP_BIN, fetch_s_chain,
    "The certificates that the server showed, its own first, in DER.")

#endif
