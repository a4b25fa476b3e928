/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gencert - write N self-signed ECDSA P-256 certificates (key + certificate, PEM),
 * quickly.
 *
 *   gencert DIR N [NAME]    DIR/0.pem .. for s0.example .., or DIR/NAME.pem for
 * NAME
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static void
make(const char *file, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	char san[300];
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), rand());
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400L * 3650);
	X509_set_pubkey(x, key);
	X509_NAME *n = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(
	    n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, n);
	snprintf(san, sizeof(san), "DNS:%s", name);
	X509_EXTENSION *e =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	X509_sign(x, key, EVP_sha256());
	FILE *f = fopen(file, "w");
	if (!f) {
		perror(file);
		exit(1);
	}
	PEM_write_X509(f, x);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

int
main(int argc, char **argv)
{
	char file[4096], name[256];
	if (argc < 3)
		return (2);
	for (int i = 0; i < atoi(argv[2]); i++) {
		if (argc > 3) {
			snprintf(name, sizeof(name), "%s", argv[3]);
			snprintf(
			    file, sizeof(file), "%s/%s.pem", argv[1], name);
		} else {
			snprintf(name, sizeof(name), "s%d.example", i);
			snprintf(file, sizeof(file), "%s/%d.pem", argv[1], i);
		}
		make(file, name);
	}
	return (0);
}
