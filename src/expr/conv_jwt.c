/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_jwt - JSON Web Tokens in their compact form: what is in them, and
 * whether their signature is right.
 *
 * Public keys are read when the configuration is; a variable can choose among
 * those which are named somewhere.
 *
 * Source: configuration manual 7.3.1; RFC 7515 sections 3 and 7, RFC 7518
 * section 3, RFC 8725 section 3.2.
 */
#include "conv_json.h"
#include "conv_jwt.h"
#include "conv_secret.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/b64.h>
#include <base/must.h>

size_t
conv_jwt_split(struct span token, struct span part[JWT_PARTS])
{
	size_t n = 0;

	while (token.p != NULL && span_cut(&token, '.', &part[n]))
		if (++n == JWT_PARTS && token.p != NULL)
			return (0);
	return (n);
}

bool
conv_jwt_decode(struct txn *t, struct span in, struct span *out)
{
	char *p = arena_get(t->arena, B64_DECODED(in.n));

	if (p == NULL || (in.n > 0 && in.p[in.n - 1] == '=') ||
	    !b64_get(p, &out->n, in, B64_URL))
		return (false);
	out->p = p;
	return (true);
}

static bool
query(struct txn *t, const struct arg *arg, struct smp *s, size_t no)
{
	struct span part[JWT_PARTS], plain;
	size_t n = conv_jwt_split(s->str, part);

	/* the second part of an encrypted token is a key */
	if ((n != 3 && (n != JWT_PARTS || no != 0)) ||
	    !conv_jwt_decode(t, part[no], &plain))
		return (false);
	if (arg[0].type != ARG_NONE)
		return (conv_json_get(t, arg, plain, s));
	s->type = SMP_STR;
	return (conv_give(s, (char *)(uintptr_t)plain.p, plain.n));
}

static bool
conv_header(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (query(t, arg, s, 0));
}

static bool
conv_payload(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (query(t, arg, s, 1));
}

static bool
check_query(struct arg *arg, const char **err)
{
	return (arg[0].type == ARG_NONE || conv_json_check(arg, err));
}

CONV_ROW(jwt_header_query, "jwt_header_query",
    "str path=, enum(int) type=", SMP_BIN, SMP_ANY, conv_header,
    "str(eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln),jwt_header_query('$.alg')",
    "HS256", "The header of a signed or encrypted token, or what "
    "json_query() finds in it.", .check = check_query, .typed = true);
CONV_ROW(jwt_payload_query, "jwt_payload_query",
    "str path=, enum(int) type=", SMP_BIN, SMP_ANY, conv_payload,
    "str(eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln),jwt_payload_query",
    "{\"a\":1}", "The payload of a signed token, or what json_query() finds "
    "in it. Nothing is verified: see jwt_verify().", .check = check_query,
    .typed = true);

#ifdef USE_OPENSSL
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* What jwt_verify() gives. */
enum {
	JWT_WRONG = 0, JWT_RIGHT = 1, JWT_NO_ALG = -1,
	JWT_MALFORMED = -3, JWT_NO_MEMORY = -4, JWT_NO_KEY = -5
};

enum jwt_kind { JWT_HMAC, JWT_RSA, JWT_PSS, JWT_EC, JWT_NONE };

struct jwt_alg {
	char name[6];
	uint8_t kind;                   /* enum jwt_kind */
	uint8_t half;                   /* bytes of a number of an ECDSA
	                                 * signature */
	char digest[7];
};

static const struct jwt_alg algs[] = {
	{ "HS256", JWT_HMAC, 0, "SHA256" }, { "HS384", JWT_HMAC, 0, "SHA384" },
	{ "HS512", JWT_HMAC, 0, "SHA512" }, { "RS256", JWT_RSA, 0, "SHA256" },
	{ "RS384", JWT_RSA, 0, "SHA384" }, { "RS512", JWT_RSA, 0, "SHA512" },
	{ "PS256", JWT_PSS, 0, "SHA256" }, { "PS384", JWT_PSS, 0, "SHA384" },
	{ "PS512", JWT_PSS, 0, "SHA512" }, { "ES256", JWT_EC, 32, "SHA256" },
	{ "ES384", JWT_EC, 48, "SHA384" }, { "ES512", JWT_EC, 66, "SHA512" },
	{ "none", JWT_NONE, 0, "" },
};
static EVP_MD *digests[NELEM(algs)];    /* fetched with the first key */

static const struct jwt_alg *
find_alg(struct span name)
{
	for (size_t i = 0; i < NELEM(algs); i++)
		if (span_is(name, algs[i].name))
			return (&algs[i]);
	return (NULL);
}

/* ---- public keys ---- */

struct jwt_key {
	struct jwt_key *next;
	struct span path;
	EVP_PKEY *key;
};
static struct jwt_key *keys;            /* of this generation, by path */

static const struct jwt_key *
find_key(struct span path)
{
	const struct jwt_key *k;

	for (k = keys; k != NULL; k = k->next)
		if (span_eq(k->path, path))
			return (k);
	return (NULL);
}

/* A public key (SPKI or PKCS #1), or that of a certificate. */
static EVP_PKEY *
read_key(FILE *f)
{
	EVP_PKEY *key = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	X509 *cert;

	if (key != NULL)
		return (key);
	rewind(f);
	if ((cert = PEM_read_X509(f, NULL, NULL, NULL)) == NULL)
		return (NULL);
	key = X509_get_pubkey(cert);
	X509_free(cert);
	return (key);
}

static const struct jwt_key *
load_key(struct span path)
{
	const struct jwt_key *have = find_key(path);
	struct jwt_key *k;
	EVP_PKEY *key = NULL;
	char *z;
	FILE *f;

	if (have != NULL || path.n == 0)
		return (have);
	z = span_dup(path);
	if ((f = fopen(z, "re")) != NULL) {
		key = read_key(f);
		fclose(f);
	}
	if (key == NULL) {
		free(z);
		return (NULL);
	}
	k = must_alloc(sizeof *k);
	*k = (struct jwt_key){ keys, span_of(z, path.n), key };
	keys = k;
	return (k);
}

static void
fetch_digests(void)
{
	for (size_t i = 0; i < NELEM(algs); i++)
		if (digests[i] == NULL && algs[i].kind != JWT_NONE)
			MUST((digests[i] = EVP_MD_fetch(NULL, algs[i].digest,
			    NULL)) != NULL);
}

static bool
needs_file(const struct jwt_alg *alg)
{
	return (alg->kind != JWT_HMAC && alg->kind != JWT_NONE);
}

static bool
check_verify(struct arg *arg, const char **err)
{
	const struct jwt_alg *alg;
	const struct jwt_key *key = NULL;

	fetch_digests();
	conv_text_check(&arg[0]);
	conv_text_check(&arg[1]);
	alg = find_alg(arg[0].str);
	*err = "expected an algorithm of RFC 7518: HS256, RS256, ES256, PS256, "
	    "one of these with 384 or 512, or none";
	if (arg[0].type != ARG_VAR && alg == NULL)
		return (false);
	if (arg[1].type == ARG_VAR)
		return (true);
	if (arg[0].type == ARG_VAR || needs_file(alg))
		key = load_key(arg[1].str);
	*err = "cannot read a public key or a certificate from the file";
	return (key != NULL || arg[0].type == ARG_VAR || !needs_file(alg));
}

/* A certificate proves nothing about a shared secret. */
static bool
check_verify_cert(struct arg *arg, const char **err)
{
	const struct jwt_alg *alg;

	conv_text_check(&arg[0]);
	alg = find_alg(arg[0].str);
	*err = "an algorithm with a shared secret has no certificate: expected "
	    "one of RS, ES, PS with 256, 384 or 512";
	return ((arg[0].type == ARG_VAR || alg == NULL ||
	    alg->kind != JWT_HMAC) && check_verify(arg, err));
}

/* ---- signatures ---- */

static int
verify_hmac(const EVP_MD *md, struct span key, struct span text,
    struct span sig)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	size_t n;

	if (!conv_hmac_make(md, key, text, mac, &n))
		return (JWT_NO_MEMORY);
	return (n == sig.n && CRYPTO_memcmp(mac, sig.p, n) == 0 ?
	    JWT_RIGHT : JWT_WRONG);
}

/* ECDSA: two numbers of fixed size in the token, DER for OpenSSL. */
static bool
ec_to_der(const struct jwt_alg *alg, struct span sig, unsigned char *der,
    size_t *n)
{
	const unsigned char *p = (const unsigned char *)sig.p;
	ECDSA_SIG *ec;
	BIGNUM *r, *s;
	int len = 0;

	if (sig.n != 2u * alg->half || (ec = ECDSA_SIG_new()) == NULL)
		return (false);         /* of another algorithm */
	r = BN_bin2bn(p, alg->half, NULL);
	s = BN_bin2bn(p + alg->half, alg->half, NULL);
	if (r != NULL && s != NULL && ECDSA_SIG_set0(ec, r, s) == 1) {
		len = i2d_ECDSA_SIG(ec, &der);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(ec);
	*n = (size_t)len;
	return (len > 0);
}

/* The key is one that the algorithm is made for. */
static bool
key_fits(const struct jwt_alg *alg, const EVP_PKEY *key)
{
	if (alg->kind == JWT_EC)
		return (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
		    (EVP_PKEY_get_bits(key) + 7) / 8 == alg->half);
	return (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ||
	    (alg->kind == JWT_PSS &&
	    EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS));
}

static int
verify_public(const struct jwt_alg *alg, const EVP_MD *md, EVP_PKEY *key,
    struct span text, struct span sig)
{
	static EVP_MD_CTX *ctx;
	unsigned char der[160];
	EVP_PKEY_CTX *pctx;
	size_t n;
	bool ok;

	if (!key_fits(alg, key))
		return (JWT_WRONG);
	if (alg->kind == JWT_EC) {
		if (sig.n % 2 != 0)
			return (JWT_MALFORMED);
		if (!ec_to_der(alg, sig, der, &n))
			return (JWT_WRONG);
		sig = span_of((const char *)der, n);
	}
	if (ctx == NULL && (ctx = EVP_MD_CTX_new()) == NULL)
		return (JWT_NO_MEMORY);
	ok = EVP_DigestVerifyInit(ctx, &pctx, md, NULL, key) == 1 &&
	    (alg->kind != JWT_PSS || (EVP_PKEY_CTX_set_rsa_padding(pctx,
	    RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
	    RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	    EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n,
	    (const unsigned char *)text.p, text.n) == 1;
	EVP_MD_CTX_reset(ctx);
	return (ok ? JWT_RIGHT : JWT_WRONG);
}

/* Nothing is proved, but that there is no signature (RFC 7518 section 3.6). */
static int
verify_none(const struct span part[JWT_PARTS], size_t n)
{
	if (n < 2 || n > 3)
		return (JWT_MALFORMED);
	return (n == 2 || part[2].n == 0 ? JWT_RIGHT : JWT_WRONG);
}

static int
verify(struct txn *t, struct span name, struct span key, struct span token)
{
	struct span part[JWT_PARTS], text, sig;
	const struct jwt_alg *alg = find_alg(name);
	const struct jwt_key *k;
	size_t n = conv_jwt_split(token, part);

	if (alg == NULL)
		return (JWT_NO_ALG);
	if (alg->kind == JWT_NONE)
		return (verify_none(part, n));
	if (n != 3 || part[2].n == 0 ||
	    !conv_jwt_decode(t, part[2], &sig))
		return (JWT_MALFORMED);
	text = span_of(token.p, (size_t)(part[2].p - token.p) - 1);
	if (alg->kind == JWT_HMAC)
		return (verify_hmac(digests[alg - algs], key, text, sig));
	k = find_key(key);
	return (k == NULL ? JWT_NO_KEY : verify_public(alg,
	    digests[alg - algs], k->key, text, sig));
}

static bool
conv_jwt_verify(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span name, key;

	return (conv_text_arg(&arg[0], t, &name) &&
	    conv_text_arg(&arg[1], t, &key) &&
	    conv_give_num(s, verify(t, name, key, s->str)));
}

CONV_ROW(jwt_verify, "jwt_verify", "str alg, str key", SMP_BIN, SMP_INT,
    conv_jwt_verify, "str(eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ."
    "UVfMk9UzVOvlPQCoTh8WM4WSh7JZuh-JLwzKGAMNcLA),jwt_verify(HS256,secret)",
    "0", "Whether the signature of a token is right: 1, or 0 when it is not; "
    "-1: no such algorithm, -3: malformed token, -5: no such key. Compare "
    "with 1; never take it for a truth value. <alg> is one of RFC 7518 or a "
    "variable, which must not come from the token alone: 'none' says 1 when "
    "there is no signature, and so proves nothing. <key> is the secret for "
    "HS, else the file of a public key or certificate in PEM; or a variable "
    "with the secret or with the path of a file that is named somewhere. Files "
    "are read at load.",
    .check = check_verify, .fresh = true);
CONVERTER(jwt_verify_cert) = {
	.name = "jwt_verify_cert", .args = "str alg, str cert",
	.in = SMP_BIN, .out = SMP_INT, .run = conv_jwt_verify,
	.check = check_verify_cert, .fresh = true,
	.doc = "As jwt_verify(), with the file of a certificate and without "
	    "the algorithms of a shared secret.",
	.example = { "str(a.b.c),jwt_verify_cert(RS256,txn.unset)", "(none)" },
};
#endif
