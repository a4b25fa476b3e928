/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_crypt - digests, authentication codes and AES, by OpenSSL.
 *
 * Algorithms are fetched when the configuration is read, and a process keeps
 * one context of each kind: a digest allocates nothing.
 *
 * Source: configuration manual 7.3.1; NIST SP 800-38D (GCM), 800-38A (CBC).
 */
#include "conv_secret.h"

#ifdef USE_OPENSSL
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/core_names.h>

#include <base/b64.h>
#include <base/must.h>
#include <expr/vars.h>

/* ---- digests ---- */

static bool
find_digest(struct arg *arg, struct span name, const char **err)
{
	char z[64];

	*err = "expected the name of a digest of OpenSSL, such as sha256";
	if (!span_copy(z, sizeof z, name) || *z == '\0')
		return (false);
	arg->ptr = EVP_MD_fetch(NULL, z, NULL);
	return (arg->ptr != NULL);
}

static bool
digest(struct txn *t, const EVP_MD *md, struct smp *s)
{
	static EVP_MD_CTX *ctx;
	char *p = arena_get(t->arena, EVP_MAX_MD_SIZE);
	unsigned n;

	if (ctx == NULL)
		MUST((ctx = EVP_MD_CTX_new()) != NULL);
	return (p != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
	    EVP_DigestUpdate(ctx, s->str.p, s->str.n) == 1 &&
	    EVP_DigestFinal_ex(ctx, (unsigned char *)p, &n) == 1 &&
	    conv_give(s, p, n));
}

static bool
check_digest(struct arg *arg, const char **err)
{
	return (find_digest(arg, arg[0].str, err));
}

static bool
check_sha1(struct arg *arg, const char **err)
{
	return (find_digest(arg, SPAN("SHA1"), err));
}

static bool
check_sha2(struct arg *arg, const char **err)
{
	static const struct { int64_t bits; struct span name; } sizes[] = {
		{ 224, { "SHA224", 6 } }, { 256, { "SHA256", 6 } },
		{ 384, { "SHA384", 6 } }, { 512, { "SHA512", 6 } },
	};

	for (size_t i = 0; i < NELEM(sizes); i++)
		if (sizes[i].bits == arg[0].num)
			return (find_digest(arg, sizes[i].name, err));
	*err = "<bits> must be 224, 256, 384 or 512";
	return (false);
}

static bool
conv_digest(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (digest(t, arg[0].ptr, s));
}

static bool
check_hmac(struct arg *arg, const char **err)
{
	return (find_digest(arg, arg[0].str, err) &&
	    conv_b64_check(&arg[1], err));
}

bool
conv_hmac_make(const EVP_MD *md, struct span key, struct span text,
    unsigned char *out, size_t *n)
{
	static EVP_MAC_CTX *ctx;
	const char *name = EVP_MD_get0_name(md);
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
	    OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)name, 0),
	    OSSL_PARAM_construct_end() };

	if (ctx == NULL) {
		EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

		MUST(mac != NULL && (ctx = EVP_MAC_CTX_new(mac)) != NULL);
		EVP_MAC_free(mac);
	}
	/* no pointer would mean the key of the last time */
	return (EVP_MAC_init(ctx, (const unsigned char *)(key.p == NULL ? "" :
	    key.p), key.n, params) == 1 && EVP_MAC_update(ctx,
	    (const unsigned char *)text.p, text.n) == 1 &&
	    EVP_MAC_final(ctx, out, n, EVP_MAX_MD_SIZE) == 1);
}

static bool
conv_hmac(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, EVP_MAX_MD_SIZE);
	struct span key;
	size_t n;

	return (p != NULL && conv_b64_arg(&arg[1], t, B64_STD, &key) &&
	    conv_hmac_make(arg[0].ptr, key, s->str, (unsigned char *)p, &n) &&
	    conv_give(s, p, n));
}

static bool
conv_secure_memcmp(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span v;

	if (!conv_text_arg(&arg[0], t, &v))
		return (false);
	return (conv_give_num(s, v.n == s->str.n && (v.n == 0 ||
	    CRYPTO_memcmp(v.p, s->str.p, v.n) == 0)));
}

/* ---- AES ---- */

#define GCM_TAG         16
#define AES_BLOCK       16
#define NONCE_MAX       128

struct aes {                    /* of one call */
	struct span nonce, key, tag, aad;
	bool encrypts, gcm;
};

static bool
check_aes(struct arg *arg, bool gcm, const char **err)
{
	char name[16];

	*err = "<bits> must be 128, 192 or 256";
	if (arg[0].num != 128 && arg[0].num != 192 && arg[0].num != 256)
		return (false);
	if (!conv_b64_check(&arg[1], err) || !conv_b64_check(&arg[2], err))
		return (false);
	*err = "the key has another size than <bits>";
	if (arg[2].type != ARG_VAR && ((const struct span *)arg[2].ptr)->n !=
	    (size_t)arg[0].num / 8)
		return (false);
	snprintf(name, sizeof name, "AES-%d-%s", (int)arg[0].num,
	    gcm ? "GCM" : "CBC");
	arg[0].ptr = EVP_CIPHER_fetch(NULL, name, NULL);
	*err = "OpenSSL does not have this cipher";
	return (arg[0].ptr != NULL);
}

static bool
check_cbc(struct arg *arg, const char **err)
{
	*err = "CBC authenticates nothing, so there is no <aad>: use GCM";
	return (arg[3].type == ARG_NONE && check_aes(arg, false, err));
}

static bool
check_gcm_dec(struct arg *arg, const char **err)
{
	return (conv_b64_check(&arg[3], err) && (arg[4].type == ARG_NONE ||
	    conv_b64_check(&arg[4], err)) && check_aes(arg, true, err));
}

static bool
check_gcm_enc(struct arg *arg, const char **err)
{
	return (conv_var_check(&arg[3], err) && (arg[4].type == ARG_NONE ||
	    conv_b64_check(&arg[4], err)) && check_aes(arg, true, err));
}

static bool
gcm_begin(EVP_CIPHER_CTX *ctx, const struct aes *a)
{
	int n;

	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN,
	    (int)a->nonce.n, NULL) != 1)
		return (false);
	if (!a->encrypts && (a->tag.n != GCM_TAG ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG,
	    (void *)(uintptr_t)a->tag.p) != 1))
		return (false);
	return (EVP_CipherInit_ex(ctx, NULL, NULL,
	    (const unsigned char *)a->key.p, (const unsigned char *)a->nonce.p,
	    a->encrypts) == 1 && (a->aad.n == 0 || EVP_CipherUpdate(ctx, NULL,
	    &n, (const unsigned char *)a->aad.p, (int)a->aad.n) == 1));
}

/* The result becomes the sample; `tag` is made when GCM encrypts. */
static bool
crypt(struct txn *t, const EVP_CIPHER *cipher, const struct aes *a,
    struct smp *s, unsigned char tag[GCM_TAG])
{
	static EVP_CIPHER_CTX *ctx;
	char *p = arena_get(t->arena, s->str.n + AES_BLOCK);
	int n, rest;

	if (ctx == NULL)
		MUST((ctx = EVP_CIPHER_CTX_new()) != NULL);
	if (p == NULL || a->nonce.n == 0 || a->nonce.n > NONCE_MAX ||
	    (!a->gcm && a->nonce.n != AES_BLOCK) || s->str.n > INT32_MAX / 2 ||
	    a->key.n != (size_t)EVP_CIPHER_get_key_length(cipher))
		return (false);
	if (EVP_CipherInit_ex(ctx, cipher, NULL, NULL, NULL,
	    a->encrypts) != 1)
		return (false);
	if (a->gcm ? !gcm_begin(ctx, a) : EVP_CipherInit_ex(ctx, NULL, NULL,
	    (const unsigned char *)a->key.p, (const unsigned char *)a->nonce.p,
	    a->encrypts) != 1)
		return (false);
	n = 0;
	if (s->str.n != 0 && EVP_CipherUpdate(ctx, (unsigned char *)p, &n,
	    (const unsigned char *)s->str.p, (int)s->str.n) != 1)
		return (false);
	if (EVP_CipherFinal_ex(ctx, (unsigned char *)p + n, &rest) != 1)
		return (false);
	if (a->gcm && a->encrypts && EVP_CIPHER_CTX_ctrl(ctx,
	    EVP_CTRL_AEAD_GET_TAG, GCM_TAG, tag) != 1)
		return (false);
	return (conv_give(s, p, (size_t)(n + rest)));
}

static bool
conv_cbc(struct txn *t, const struct arg *arg, struct smp *s, bool encrypts)
{
	struct aes a = { .encrypts = encrypts };

	return (conv_b64_arg(&arg[1], t, B64_STD, &a.nonce) &&
	    conv_b64_arg(&arg[2], t, B64_STD, &a.key) &&
	    crypt(t, arg[0].ptr, &a, s, NULL));
}

static bool
conv_aes_cbc_enc(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (conv_cbc(t, arg, s, true));
}

static bool
conv_aes_cbc_dec(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (conv_cbc(t, arg, s, false));
}

static bool
conv_aes_gcm_dec(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct aes a = { .gcm = true };

	return (conv_b64_arg(&arg[1], t, B64_STD, &a.nonce) &&
	    conv_b64_arg(&arg[2], t, B64_STD, &a.key) &&
	    conv_b64_arg(&arg[3], t, B64_STD, &a.tag) &&
	    (arg[4].type == ARG_NONE ||
	    conv_b64_arg(&arg[4], t, B64_STD, &a.aad)) &&
	    crypt(t, arg[0].ptr, &a, s, NULL));
}

static bool
conv_aes_gcm_enc(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct aes a = { .encrypts = true, .gcm = true };
	struct smp v = { .type = SMP_STR };
	char tag[GCM_TAG], text[B64_ENCODED(GCM_TAG)];

	if (!conv_b64_arg(&arg[1], t, B64_STD, &a.nonce) ||
	    !conv_b64_arg(&arg[2], t, B64_STD, &a.key) ||
	    (arg[4].type != ARG_NONE &&
	    !conv_b64_arg(&arg[4], t, B64_STD, &a.aad)) ||
	    !crypt(t, arg[0].ptr, &a, s, (unsigned char *)tag))
		return (false);
	v.str = span_of(text, b64_put(text, span_of(tag, sizeof tag),
	    B64_STD));
	expr_var_set(arg[3].ptr, t, 0, &v);
	return (true);
}

CONV_ROW(digest, "digest", "str algorithm", SMP_BIN, SMP_BIN, conv_digest,
    "str(a),digest(md5),hex", "0CC175B9C0F1B6A831C399E269772661",
    "The digest by an algorithm that OpenSSL knows by that name.",
    .check = check_digest);
CONV_ROW(sha1, "sha1", "", SMP_BIN, SMP_BIN, conv_digest,
    "str(a),sha1,hex", "86F7E437FAA5A7FCE15D1DDCB9EAEAEA377667B8",
    "The SHA-1 digest: 20 bytes.", .check = check_sha1);
CONV_ROW(sha2, "sha2", "int bits=256", SMP_BIN, SMP_BIN, conv_digest,
    "str(a),sha2(224),hex",
    "ABD37534C7D9A2EFB9465DE931CD7055FFDB8879563AE98078D6D6D5",
    "The SHA-2 digest of <bits>: 224, 256, 384 or 512.",
    .check = check_sha2);
CONV_ROW(hmac, "hmac", "str algorithm, str key", SMP_BIN, SMP_BIN, conv_hmac,
    "str(a),hmac(sha1,Zm9v),hex", "356693E97857C24675FA5AFF88F6101F8F069B35",
    "The message authentication code (RFC 2104) by a digest of OpenSSL. "
    "<key> is base64, or a variable that has it.", .check = check_hmac);
CONV_ROW(secure_memcmp, "secure_memcmp", "str var", SMP_BIN, SMP_BOOL,
    conv_secure_memcmp, "str(a),set-var(txn.x),secure_memcmp(txn.x)", "1",
    "Whether the variable has the same bytes. How long that takes depends on "
    "their number only, not on where they differ.",
    .check = conv_var_check);
CONV_ROW(aes_gcm_enc, "aes_gcm_enc",
    "int bits, str nonce, str key, str tag, str aad=", SMP_BIN, SMP_BIN,
    conv_aes_gcm_enc, "str(a),aes_gcm_enc(128,AAAAAAAAAAAAAAAA,"
    "AAAAAAAAAAAAAAAAAAAAAA==,txn.tag),hex", "62",
    "Encrypts by AES-GCM with a key of <bits>; the tag goes into the variable "
    "<tag>, as base64. <nonce>, <key> and <aad> are base64, or variables that "
    "have it. Never use a nonce twice with one key.",
    .check = check_gcm_enc, .fresh = true);
CONV_ROW(aes_gcm_dec, "aes_gcm_dec",
    "int bits, str nonce, str key, str tag, str aad=", SMP_BIN, SMP_BIN,
    conv_aes_gcm_dec, "bin(62),aes_gcm_dec(128,AAAAAAAAAAAAAAAA,"
    "AAAAAAAAAAAAAAAAAAAAAA==,QFcTRQTyB4p8+qOG5DKZZQ==)", "a",
    "Decrypts what aes_gcm_enc() made. No result when the data, the tag or "
    "<aad> are not those of the encryption.", .check = check_gcm_dec);
CONV_ROW(aes_cbc_enc, "aes_cbc_enc", "int bits, str nonce, str key, str aad=",
    SMP_BIN, SMP_BIN, conv_aes_cbc_enc, "str(a),aes_cbc_enc(128,"
    "AAAAAAAAAAAAAAAAAAAAAA==,AAAAAAAAAAAAAAAAAAAAAA==),hex",
    "8E4A3D4BEB92D54C7E95F67D41DAED59",
    "Encrypts by AES-CBC with padding (RFC 5652 section 6.3), a key of <bits> "
    "and a <nonce> of 16 bytes; both are base64, or variables that have it. "
    "It proves nothing about who wrote the data: prefer GCM.",
    .check = check_cbc);
CONV_ROW(aes_cbc_dec, "aes_cbc_dec", "int bits, str nonce, str key, str aad=",
    SMP_BIN, SMP_BIN, conv_aes_cbc_dec, "str(a),aes_cbc_enc(128,"
    "AAAAAAAAAAAAAAAAAAAAAA==,AAAAAAAAAAAAAAAAAAAAAA==),aes_cbc_dec(128,"
    "AAAAAAAAAAAAAAAAAAAAAA==,AAAAAAAAAAAAAAAAAAAAAA==)", "a",
    "Decrypts what aes_cbc_enc() made.", .check = check_cbc);
#endif
