/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth_hash - the forms of htpasswd files that crypt(3) does not have: what
 * Apache's tool writes by default ("$apr1$", 1,000 rounds of MD5), and
 * "{SHA}". Weak both; they are read because they are what people have.
 */
#include "auth_hash.h"

#ifdef USE_OPENSSL
#include <openssl/evp.h>

#include <base/b64.h>

#define MAGIC "$apr1$"
#define MD5_BYTES 16u
#define SALT_MAX 8u

/* Six bits at a time, the lowest first, in crypt's own alphabet. */
static char *
put64(char *out, uint32_t v, int digits)
{
	static const char alphabet[] = "./0123456789"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (; digits > 0; digits--, v >>= 6)
		*out++ = alphabet[v & 63];
	return (out);
}

static void
add(EVP_MD_CTX *c, struct span s)
{
	EVP_DigestUpdate(c, s.p, s.n);
}

static void
start(EVP_MD_CTX *c)
{
	EVP_DigestInit_ex(c, EVP_md5(), NULL);
}

static void
first_round(EVP_MD_CTX *c, struct span pass, struct span salt,
    unsigned char sum[MD5_BYTES])
{
	const struct span whole = span_of((const char *)sum, MD5_BYTES);

	start(c);
	add(c, pass);
	add(c, salt);
	add(c, pass);
	EVP_DigestFinal_ex(c, sum, NULL);
	start(c);
	add(c, pass);
	add(c, SPAN(MAGIC));
	add(c, salt);
	for (size_t n = pass.n; n > 0; n -= n < MD5_BYTES ? n : MD5_BYTES)
		add(c, span_of(whole.p, n < MD5_BYTES ? n : MD5_BYTES));
	for (size_t n = pass.n; n > 0; n >>= 1)
		add(c, n & 1 ? span_of("", 1) : span_of(pass.p, 1));
	EVP_DigestFinal_ex(c, sum, NULL);
}

static void
other_round(EVP_MD_CTX *c, int i, struct span pass, struct span salt,
    unsigned char sum[MD5_BYTES])
{
	const struct span whole = span_of((const char *)sum, MD5_BYTES);

	start(c);
	add(c, i & 1 ? pass : whole);
	if (i % 3 != 0)
		add(c, salt);
	if (i % 7 != 0)
		add(c, pass);
	add(c, i & 1 ? whole : pass);
	EVP_DigestFinal_ex(c, sum, NULL);
}

static void
apr1(struct span pass, struct span salt, char out[AUTH_HASH_MAX])
{
	static const uint8_t order[5][3] = { { 0, 6, 12 }, { 1, 7, 13 },
		{ 2, 8, 14 }, { 3, 9, 15 }, { 4, 10, 5 } };
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sum[MD5_BYTES];
	char *at;

	first_round(c, pass, salt, sum);
	for (int i = 0; i < 1000; i++)
		other_round(c, i, pass, salt, sum);
	EVP_MD_CTX_free(c);
	memcpy(out, MAGIC, sizeof MAGIC - 1);
	at = out + sizeof MAGIC - 1;
	memcpy(at, salt.p, salt.n);
	at += salt.n;
	*at++ = '$';
	for (int i = 0; i < 5; i++)
		at = put64(at, (uint32_t)sum[order[i][0]] << 16 |
		    (uint32_t)sum[order[i][1]] << 8 | sum[order[i][2]], 4);
	at = put64(at, sum[11], 2);
	*at = '\0';
}

bool
expr_auth_hash(struct span pass, struct span hash, char out[AUTH_HASH_MAX])
{
	unsigned char sum[20];
	struct span salt;
	ptrdiff_t end;

	if (span_begins(hash, SPAN("{SHA}"))) {
		EVP_Digest(pass.p, pass.n, sum, NULL, EVP_sha1(), NULL);
		memcpy(out, "{SHA}", 5);
		out[5 + b64_put(out + 5, span_of((const char *)sum, 20),
		    B64_STD)] = '\0';
		return (true);
	}
	if (!span_begins(hash, SPAN(MAGIC)))
		return (false);
	salt = span_skip(hash, sizeof MAGIC - 1);
	if ((end = span_find(salt, '$')) >= 0)
		salt.n = (size_t)end;
	if (salt.n > SALT_MAX)
		salt.n = SALT_MAX;
	apr1(pass, salt, out);
	return (true);
}

#else

bool
expr_auth_hash(struct span pass, struct span hash, char out[AUTH_HASH_MAX])
{
	(void)pass;
	(void)hash;
	(void)out;
	return (false);
}
#endif
