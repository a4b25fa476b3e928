/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_jwe - encrypted JSON Web Tokens: jwt_decrypt_secret(),
 * jwt_decrypt_jwk(), jwt_decrypt_cert().
 *
 * The header names two algorithms: "alg" gives the key of the contents, "enc"
 * decrypts these. What a token that fails anywhere says is empty, and nothing
 * tells where. Compressed ones ("zip") and those with extensions that must be
 * understood ("crit") are refused.
 *
 * Source: configuration manual 7.3.1; RFC 7516 section 5.2, RFC 7518 sections
 * 4 and 5, RFC 8725 section 3.2.
 */
#include "conv_json.h"
#include "conv_jwt.h"
#include "conv_secret.h"

#ifdef USE_OPENSSL
#include <stdio.h>
#include <stdlib.h>

#include <base/b64.h>
#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#define KEY_MAX 64
#define GCM_IV 12
#define TAG_N 16
#define BLOCK 16

enum jwe_kind { JWE_DIRECT, JWE_WRAP, JWE_GCM, JWE_RSA15, JWE_OAEP };

struct jwe_alg {
	char name[13];
	uint8_t kind;                   /* enum jwe_kind */
	uint8_t key_n;                  /* of the secret; 0: another way */
	char helper[13];                /* cipher that unwraps, or digest */
	bool allowed;
};

static struct jwe_alg algs[] = {
	{ "dir", JWE_DIRECT, 0, "", true },
	{ "A128KW", JWE_WRAP, 16, "AES-128-WRAP", true },
	{ "A192KW", JWE_WRAP, 24, "AES-192-WRAP", true },
	{ "A256KW", JWE_WRAP, 32, "AES-256-WRAP", true },
	{ "A128GCMKW", JWE_GCM, 16, "AES-128-GCM", true },
	{ "A192GCMKW", JWE_GCM, 24, "AES-192-GCM", true },
	{ "A256GCMKW", JWE_GCM, 32, "AES-256-GCM", true },
	{ "RSA1_5", JWE_RSA15, 0, "", true },
	{ "RSA-OAEP", JWE_OAEP, 0, "SHA1", true },
	{ "RSA-OAEP-256", JWE_OAEP, 0, "SHA256", true },
};

struct jwe_enc {
	char name[14];
	uint8_t key_n;                  /* with that of the code, for CBC */
	char cipher[12];
	char digest[7];                 /* of the code; "": GCM */
	bool allowed;
};

static struct jwe_enc encs[] = {
	{ "A128GCM", 16, "AES-128-GCM", "", true },
	{ "A192GCM", 24, "AES-192-GCM", "", true },
	{ "A256GCM", 32, "AES-256-GCM", "", true },
	{ "A128CBC-HS256", 32, "AES-128-CBC", "SHA256", true },
	{ "A192CBC-HS384", 48, "AES-192-CBC", "SHA384", true },
	{ "A256CBC-HS512", 64, "AES-256-CBC", "SHA512", true },
};

/* The parts of a token, decoded but for the header, which is authenticated as
 * it is. */
struct jwe {
	struct span header64, header, key, iv, text, tag;
	const struct jwe_alg *alg;
	const struct jwe_enc *enc;
};

/* ---- reading a token, a key ---- */

/* What a JSON object has by that name, if it is a text. */
static bool
field(struct txn *t, struct span doc, const char *path, struct span *out)
{
	const char *err;
	struct arg arg[2] = { { .type = ARG_STR }, { .type = ARG_NONE } };
	struct smp s = { .type = SMP_STR };
	bool has;

	/* compiled once for each, and kept */
	static struct { const char *path; struct json_path *json; } known[16];
	size_t i = 0;

	while (i < NELEM(known) && known[i].path != path &&
	    known[i].path != NULL)
		i++;
	MUST(i < NELEM(known));
	if (known[i].path == NULL) {
		known[i].json = conv_json_path(span_str(path), &err);
		known[i].path = path;
	}
	arg[0].ptr = known[i].json;
	has = conv_json_get(t, arg, doc, &s) && s.type == SMP_STR;
	*out = s.str;
	return (has);
}

static const char at_alg[] = "$.alg", at_enc[] = "$.enc", at_zip[] = "$.zip",
    at_crit[] = "$.crit[0]", at_iv[] = "$.iv", at_tag[] = "$.tag",
    at_kty[] = "$.kty", at_k[] = "$.k", at_n[] = "$.n", at_e[] = "$.e",
    at_d[] = "$.d", at_p[] = "$.p", at_q[] = "$.q", at_dp[] = "$.dp",
    at_dq[] = "$.dq", at_qi[] = "$.qi";

static bool
bytes_field(struct txn *t, struct span doc, const char *path,
    struct span *out)
{
	struct span text;

	return (field(t, doc, path, &text) && conv_jwt_decode(t, text, out));
}

static const struct jwe_alg *
find_alg(struct span name)
{
	for (size_t i = 0; i < NELEM(algs); i++)
		if (span_is(name, algs[i].name))
			return (&algs[i]);
	return (NULL);
}

static const struct jwe_enc *
find_enc(struct span name)
{
	for (size_t i = 0; i < NELEM(encs); i++)
		if (span_is(name, encs[i].name))
			return (&encs[i]);
	return (NULL);
}

static bool
read_token(struct txn *t, struct span token, struct jwe *j)
{
	struct span part[JWT_PARTS], alg, enc, other;

	if (conv_jwt_split(token, part) != JWT_PARTS ||
	    !conv_jwt_decode(t, part[0], &j->header) ||
	    !conv_jwt_decode(t, part[1], &j->key) ||
	    !conv_jwt_decode(t, part[2], &j->iv) ||
	    !conv_jwt_decode(t, part[3], &j->text) ||
	    !conv_jwt_decode(t, part[4], &j->tag))
		return (false);
	j->header64 = part[0];
	if (!field(t, j->header, at_alg, &alg) ||
	    !field(t, j->header, at_enc, &enc) ||
	    field(t, j->header, at_zip, &other) ||
	    field(t, j->header, at_crit, &other))
		return (false);
	j->alg = find_alg(alg);
	j->enc = find_enc(enc);
	return (j->alg != NULL && j->alg->allowed && j->enc != NULL &&
	    j->enc->allowed && j->text.n <= INT32_MAX / 2);
}

/* ---- ciphers ---- */

static const unsigned char *
bytes(struct span s)
{
	return ((const unsigned char *)s.p);
}

static EVP_CIPHER_CTX *
begin(const char *cipher, struct span key, struct span iv)
{
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, cipher, NULL);
	EVP_CIPHER_CTX *ctx = c == NULL ? NULL : EVP_CIPHER_CTX_new();
	bool ok;

	if (ctx != NULL)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = ctx != NULL && (size_t)EVP_CIPHER_get_key_length(c) == key.n &&
	    EVP_DecryptInit_ex(ctx, c, NULL, bytes(key),
	    iv.n == 0 ? NULL : bytes(iv)) == 1;
	EVP_CIPHER_free(c);
	if (ok)
		return (ctx);
	EVP_CIPHER_CTX_free(ctx);
	return (NULL);
}

/* `out` has room for a block more than `in`. */
static bool
finish(EVP_CIPHER_CTX *ctx, struct span in, unsigned char *out, size_t *n)
{
	int some = 0, rest = 0;
	bool ok = (in.n == 0 || EVP_DecryptUpdate(ctx, out, &some, bytes(in),
	    (int)in.n) == 1) &&
	    EVP_DecryptFinal_ex(ctx, out + some, &rest) == 1;

	EVP_CIPHER_CTX_free(ctx);
	*n = (size_t)(some + rest);
	return (ok);
}

static bool
decrypt_gcm(const char *cipher, struct span key, struct span iv,
    struct span aad, struct span tag, struct span in, unsigned char *out,
    size_t *n)
{
	EVP_CIPHER_CTX *ctx;
	int some;

	if (iv.n != GCM_IV || tag.n != TAG_N ||
	    (ctx = begin(cipher, key, iv)) == NULL)
		return (false);
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_N,
	    (void *)(uintptr_t)tag.p) == 1 && (aad.n == 0 ||
	    EVP_DecryptUpdate(ctx, NULL, &some, bytes(aad), (int)aad.n) == 1))
		return (finish(ctx, in, out, n));
	EVP_CIPHER_CTX_free(ctx);
	return (false);
}

/* RFC 7518 section 5.2.2: the first half of the key is that of the code. */
static bool
decrypt_cbc(struct txn *t, const struct jwe *j, struct span key,
    unsigned char *out, size_t *n)
{
	size_t half = key.n / 2, mac_n;
	size_t all = j->header64.n + j->iv.n + j->text.n + 8;
	char *p = arena_get(t->arena, all), *at = p;
	unsigned char mac[EVP_MAX_MD_SIZE];
	EVP_MD *md;
	EVP_CIPHER_CTX *ctx;
	bool ok;

	if (p == NULL || j->iv.n != BLOCK || j->tag.n != half ||
	    (md = EVP_MD_fetch(NULL, j->enc->digest, NULL)) == NULL)
		return (false);
	memcpy(at, j->header64.p, j->header64.n);
	memcpy(at += j->header64.n, j->iv.p, j->iv.n);
	at += j->iv.n;
	if (j->text.n != 0)
		memcpy(at, j->text.p, j->text.n);
	at += j->text.n;
	for (int i = 0; i < 8; i++)     /* of the header, in bits */
		at[i] = (char)((uint64_t)j->header64.n * 8 >> (56 - 8 * i));
	ok = conv_hmac_make(md, span_of(key.p, half), span_of(p, all), mac,
	    &mac_n) && CRYPTO_memcmp(mac, j->tag.p, half) == 0;
	EVP_MD_free(md);
	if (!ok || (ctx = begin(j->enc->cipher, span_skip(key, half),
	    j->iv)) == NULL)
		return (false);
	return (finish(ctx, j->text, out, n));
}

static bool
decrypt(struct txn *t, const struct jwe *j, struct span key, struct smp *s)
{
	unsigned char *out = arena_get(t->arena, j->text.n + BLOCK);
	size_t n;
	bool ok;

	if (out == NULL || key.n != j->enc->key_n)
		return (false);
	ok = j->enc->digest[0] == '\0' ? decrypt_gcm(j->enc->cipher, key,
	    j->iv, j->header64, j->tag, j->text, out, &n) :
	    decrypt_cbc(t, j, key, out, &n);
	return (ok && conv_give(s, (char *)out, n));
}

/* ---- the key of the contents ---- */

static bool
unwrap(const struct jwe *j, struct span secret, unsigned char *key, size_t *n)
{
	EVP_CIPHER_CTX *ctx;

	if (j->key.n > KEY_MAX + 8 || j->key.n < 24 ||
	    (ctx = begin(j->alg->helper, secret, SPAN(""))) == NULL)
		return (false);
	return (finish(ctx, j->key, key, n));
}

static bool
by_secret(struct txn *t, const struct jwe *j, struct span secret,
    struct smp *s)
{
	unsigned char key[KEY_MAX + 2 * BLOCK];
	struct span iv, tag;
	size_t n;
	bool ok;

	switch ((enum jwe_kind)j->alg->kind) {
	case JWE_DIRECT:
		return (j->key.n == 0 && decrypt(t, j, secret, s));
	case JWE_WRAP:
		ok = unwrap(j, secret, key, &n);
		break;
	case JWE_GCM:
		ok = j->key.n <= KEY_MAX &&
		    bytes_field(t, j->header, at_iv, &iv) &&
		    bytes_field(t, j->header, at_tag, &tag) &&
		    decrypt_gcm(j->alg->helper, secret, iv, SPAN(""), tag,
		    j->key, key, &n);
		break;
	default:
		return (false);
	}
	ok = ok && decrypt(t, j, span_of((char *)key, n), s);
	OPENSSL_cleanse(key, sizeof key);
	return (ok);
}

static EVP_PKEY_CTX *
begin_rsa(const struct jwe *j, EVP_PKEY *pkey)
{
	bool oaep = j->alg->kind == JWE_OAEP;
	EVP_PKEY_CTX *ctx;

	if ((!oaep && j->alg->kind != JWE_RSA15) ||
	    EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA ||
	    (ctx = EVP_PKEY_CTX_new(pkey, NULL)) == NULL)
		return (NULL);
	if (EVP_PKEY_decrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, oaep ? RSA_PKCS1_OAEP_PADDING :
	    RSA_PKCS1_PADDING) == 1 && (!oaep ||
	    EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, j->alg->helper, NULL) == 1))
		return (ctx);
	EVP_PKEY_CTX_free(ctx);
	return (NULL);
}

/* A key that does not come out right is replaced by one of chance, so that
 * the same is done next, whatever was wrong (RFC 7516 section 11.5). */
static bool
by_rsa(struct txn *t, const struct jwe *j, EVP_PKEY *pkey, struct smp *s)
{
	EVP_PKEY_CTX *ctx = begin_rsa(j, pkey);
	size_t most = ctx == NULL ? 0 : (size_t)EVP_PKEY_get_size(pkey), n = most;
	unsigned char *key = arena_get(t->arena, most + KEY_MAX);
	unsigned char other[KEY_MAX];
	bool ok;

	if (ctx == NULL || key == NULL ||
	    RAND_bytes(other, sizeof other) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return (false);
	}
	ok = EVP_PKEY_decrypt(ctx, key, &n, bytes(j->key), j->key.n) == 1 &&
	    n == j->enc->key_n;
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		memcpy(key, other, sizeof other);
	ok = decrypt(t, j, span_of((char *)key, j->enc->key_n), s);
	OPENSSL_cleanse(key, most + KEY_MAX);
	return (ok);
}

/* ---- keys in JSON (RFC 7517, RFC 7518 section 6.3) ---- */

static bool
push_number(struct txn *t, OSSL_PARAM_BLD *b, struct span jwk,
    const char *path, const char *name, BIGNUM **num)
{
	struct span v;

	return (bytes_field(t, jwk, path, &v) && v.n <= 2048 &&
	    (*num = BN_bin2bn(bytes(v), (int)v.n, NULL)) != NULL &&
	    OSSL_PARAM_BLD_push_BN(b, name, *num) == 1);
}

static EVP_PKEY *
build_rsa(OSSL_PARAM_BLD *b)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;

	if (params == NULL || ctx == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return (pkey);
}

static EVP_PKEY *
read_rsa(struct txn *t, struct span jwk)
{
	static const struct { const char *path, *name; bool must; } parts[] = {
		{ at_n, OSSL_PKEY_PARAM_RSA_N, true },
		{ at_e, OSSL_PKEY_PARAM_RSA_E, true },
		{ at_d, OSSL_PKEY_PARAM_RSA_D, true },
		{ at_p, OSSL_PKEY_PARAM_RSA_FACTOR1, false },
		{ at_q, OSSL_PKEY_PARAM_RSA_FACTOR2, false },
		{ at_dp, OSSL_PKEY_PARAM_RSA_EXPONENT1, false },
		{ at_dq, OSSL_PKEY_PARAM_RSA_EXPONENT2, false },
		{ at_qi, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, false },
	};
	BIGNUM *num[NELEM(parts)] = { NULL };
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	bool ok = b != NULL;

	for (size_t i = 0; ok && i < NELEM(parts); i++)
		ok = push_number(t, b, jwk, parts[i].path, parts[i].name,
		    &num[i]) || !parts[i].must;
	if (ok)
		pkey = build_rsa(b);
	OSSL_PARAM_BLD_free(b);
	for (size_t i = 0; i < NELEM(parts); i++)
		BN_clear_free(num[i]);
	return (pkey);
}

static bool
by_jwk(struct txn *t, const struct jwe *j, struct span jwk, struct smp *s)
{
	struct span kty, secret;
	EVP_PKEY *pkey;
	bool ok;

	if (!field(t, jwk, at_kty, &kty))
		return (false);
	if (span_is(kty, "oct"))
		return (bytes_field(t, jwk, at_k, &secret) &&
		    by_secret(t, j, secret, s));
	if (!span_is(kty, "RSA") || (pkey = read_rsa(t, jwk)) == NULL)
		return (false);
	ok = by_rsa(t, j, pkey, s);
	EVP_PKEY_free(pkey);
	return (ok);
}

/* ---- keys in files ---- */

struct jwe_key {
	struct jwe_key *next;
	struct span path;
	EVP_PKEY *key;
};
static struct jwe_key *keys;            /* of this generation, by path */

static const struct jwe_key *
find_key(struct span path)
{
	const struct jwe_key *k = keys;

	while (k != NULL && !span_eq(k->path, path))
		k = k->next;
	return (k);
}

/* The private key that stands beside a certificate in a file. */
static bool
load_key(struct span path)
{
	struct jwe_key *k;
	EVP_PKEY *key = NULL;
	char *z;
	FILE *f;

	if (find_key(path) != NULL)
		return (true);
	z = span_dup(path);
	if ((f = fopen(z, "re")) != NULL) {
		key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		fclose(f);
	}
	if (key == NULL) {
		free(z);
		return (false);
	}
	k = must_alloc(sizeof *k);
	*k = (struct jwe_key){ keys, span_of(z, path.n), key };
	keys = k;
	return (true);
}

/* ---- converters ---- */

/* A token that was not decrypted says nothing: empty, and found. */
static bool
end_with(struct smp *s, bool ok)
{
	if (!ok)
		s->str = SPAN("");
	return (true);
}

static bool
conv_secret(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span secret;
	struct jwe j;

	return (end_with(s, conv_b64_arg(&arg[0], t, B64_LOOSE, &secret) &&
	    read_token(t, s->str, &j) && by_secret(t, &j, secret, s)));
}

static bool
conv_jwk(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span jwk;
	struct jwe j;

	return (end_with(s, conv_text_arg(&arg[0], t, &jwk) &&
	    read_token(t, s->str, &j) && by_jwk(t, &j, jwk, s)));
}

static bool
conv_cert(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct jwe_key *k;
	struct span path;
	struct jwe j;

	return (end_with(s, conv_text_arg(&arg[0], t, &path) &&
	    (k = find_key(path)) != NULL && read_token(t, s->str, &j) &&
	    by_rsa(t, &j, k->key, s)));
}

static bool
check_jwk(struct arg *arg, const char **err)
{
	(void)err;
	conv_text_check(&arg[0]);
	return (true);
}

static bool
check_cert(struct arg *arg, const char **err)
{
	conv_text_check(&arg[0]);
	*err = "cannot read a private key from the file";
	return (arg[0].type == ARG_VAR || load_key(arg[0].str));
}

/* RFC 7516 appendix A.3, with its key. */
CONV_ROW(jwt_decrypt_secret, "jwt_decrypt_secret", "str secret", SMP_BIN,
    SMP_BIN, conv_secret, "str(eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2"
    "In0.6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.AxY8DCtDaGlsbG"
    "ljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbC"
    "VQ),jwt_decrypt_secret(GawgguFyGrWKav7AX4VKUg)",
    "Live long and prosper.",
    "What an encrypted token (RFC 7516) says, by a secret that both sides "
    "have: 'alg' is dir, A128KW, A192KW, A256KW, A128GCMKW, A192GCMKW or "
    "A256GCMKW. <secret> is base64, its padding may be missing, or a variable "
    "that has it. Empty when anything is wrong.", .check = conv_b64_check_loose,
    .fresh = true);
CONVERTER(jwt_decrypt_jwk) = {
	.name = "jwt_decrypt_jwk", .args = "str jwk", .in = SMP_BIN,
	.out = SMP_BIN, .run = conv_jwk, .check = check_jwk, .fresh = true,
	.doc = "The same by a key in JSON (RFC 7517), a text or a variable "
	    "that has it: of type 'oct' for the algorithms of "
	    "jwt_decrypt_secret(), a private one of type 'RSA' for those of "
	    "jwt_decrypt_cert().",
	.example = { "str(a.b.c.d.e),jwt_decrypt_jwk(txn.unset)", "" },
};
CONVERTER(jwt_decrypt_cert) = {
	.name = "jwt_decrypt_cert", .args = "str cert", .in = SMP_BIN,
	.out = SMP_BIN, .run = conv_cert, .check = check_cert, .fresh = true,
	.doc = "The same by the private key in the file of a certificate, in "
	    "PEM: 'alg' is RSA1_5, RSA-OAEP or RSA-OAEP-256. A variable names "
	    "one of the files that are named somewhere. Files are read at "
	    "load.",
	.example = { "str(a.b.c.d.e),jwt_decrypt_cert(txn.unset)", "" },
};

/* ---- which algorithms are allowed ---- */

static bool
take_list(struct conf_line *l, bool of_algs)
{
	const struct conf_word *w = conf_peek(l);
	struct span rest, one;
	struct jwe_alg *alg;
	struct jwe_enc *enc;
	char sep;

	if (!conf_want(l, "algorithms, with commas between them", &rest))
		return (false);
	sep = span_find(rest, ':') >= 0 ? ':' : ',';
	for (size_t i = 0; i < NELEM(algs); i++)
		algs[i].allowed = algs[i].allowed && !of_algs;
	for (size_t i = 0; i < NELEM(encs); i++)
		encs[i].allowed = encs[i].allowed && of_algs;
	while (span_cut(&rest, sep, &one)) {
		one = span_trim(one);
		alg = of_algs ? (struct jwe_alg *)(uintptr_t)find_alg(one) :
		    NULL;
		enc = of_algs ? NULL :
		    (struct jwe_enc *)(uintptr_t)find_enc(one);
		if (alg == NULL && enc == NULL)
			return (conf_err(l, w, "'%.*s' is no algorithm that "
			    "'%.*s' knows", SPAN_FMT(one),
			    SPAN_FMT(l->word->text)));
		if (alg != NULL)
			alg->allowed = true;
		else
			enc->allowed = true;
	}
	return (conf_end(l));
}

static bool
parse_algs(struct conf_line *l, void *obj)
{
	(void)obj;
	return (take_list(l, true));
}

static bool
parse_encs(struct conf_line *l, void *obj)
{
	(void)obj;
	return (take_list(l, false));
}

KEYWORD(jwt_alg_list) = {
	.name = "jwt.decrypt_alg_list", .in = KW_GLOBAL, .args = "<list>",
	.parse = parse_algs,
	.doc = "Which values of 'alg' the converters jwt_decrypt_* take, with "
	    "commas or colons between them; by default all that they know.",
	.example = "jwt.decrypt_alg_list RSA-OAEP-256,A256KW",
};
KEYWORD(jwt_enc_list) = {
	.name = "jwt.decrypt_enc_list", .in = KW_GLOBAL, .args = "<list>",
	.parse = parse_encs,
	.doc = "Which values of 'enc' they take.",
	.example = "jwt.decrypt_enc_list A128GCM,A256GCM",
};
#endif
