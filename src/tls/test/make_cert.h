/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_TEST_MAKE_CERT_H
#define TLS_TEST_MAKE_CERT_H
/*
 * make_cert - certificates for unit tests, made on the spot.
 */
#include <stdio.h>
#include <string.h>

#include <base/must.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static EVP_PKEY *
make_key(const char *kind)
{
	EVP_PKEY *k = strcmp(kind, "rsa") == 0 ? EVP_RSA_gen(2048) :
	    strcmp(kind, "ec") == 0 ? EVP_EC_gen("P-256") :
	    EVP_PKEY_Q_keygen(NULL, NULL, kind);

	MUST(k != NULL);
	return (k);
}

/* `alt`: "DNS:a,DNS:b", or NULL. */
static X509 *
make_x509(EVP_PKEY *key, const char *cn, const char *alt)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
	    (const unsigned char *)"test", -1, -1, 0);
	if (cn != NULL)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		    (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	if (alt != NULL) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL,
		    NID_subject_alt_name, alt);

		MUST(e != NULL && X509_add_ext(x, e, -1));
		X509_EXTENSION_free(e);
	}
	MUST(X509_sign(x, key, EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ?
	    NULL : EVP_sha256()) > 0);
	return (x);
}

/* A file with both. */
__attribute__((unused)) static void
make_pem(const char *path, const char *kind, const char *cn, const char *alt)
{
	EVP_PKEY *k = make_key(kind);
	X509 *x = make_x509(k, cn, alt);
	FILE *f = fopen(path, "w");

	MUST(f != NULL && PEM_write_X509(f, x) &&
	    PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(k);
}
#endif
