/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and keys of certificates, as OpenSSL made them; and bytes that are no
 * certificates.
 */
#include <base/test.h>

#include "../tls_der.c"

#include <stdlib.h>

#include "make_cert.h"

static struct span
der_of_cert(X509 *x)
{
	unsigned char *p = NULL;
	int n = i2d_X509(x, &p);

	return (span_of((char *)p, (size_t)n));
}

/* The private key in the form of that PEM label. */
static struct span
der_of_key(EVP_PKEY *k, const char *label)
{
	unsigned char *p = NULL;
	int n;

	if (strcmp(label, "PRIVATE KEY") == 0) {
		PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(k);

		n = i2d_PKCS8_PRIV_KEY_INFO(p8, &p);
		PKCS8_PRIV_KEY_INFO_free(p8);
	} else {
		n = i2d_PrivateKey(k, &p);
	}
	return (span_of((char *)p, (size_t)n));
}

static void
drop(struct span s)
{
	OPENSSL_free((char *)(uintptr_t)s.p);
}

static void
names_are(const char *cn, const char *alt, const char *expected)
{
	EVP_PKEY *k = make_key("ec");
	X509 *x = make_x509(k, cn, alt);
	struct span der = der_of_cert(x), name;
	struct cert_names state = { .stage = 0 };
	struct cert_facts f;
	char all[512] = "";

	if (CHECK(cert_facts(der, &f)))
		while (cert_next_name(&f, &state, &name)) {
			strncat(all, name.p, name.n);
			strcat(all, " ");
		}
	CHECK_STR(all, expected);
	drop(der);
	X509_free(x);
	EVP_PKEY_free(k);
}

TEST(names_of_a_certificate)
{
	names_are("one.example", NULL, "one.example ");
	names_are(NULL, "DNS:a.example,DNS:*.b.example",
	    "a.example *.b.example ");
	names_are("cn.example", "DNS:cn.example,IP:192.0.2.1,email:x@y.z,"
	    "DNS:two.example", "cn.example cn.example two.example ");
	names_are(NULL, NULL, "");
}

TEST(a_key_is_that_of_its_certificate)
{
	static const struct {
		const char *kind, *label;
		enum cert_kind is;
		enum cert_fit same, other;
	} rows[] = {
		{ "rsa", "PRIVATE KEY", CERT_RSA, CERT_FITS, CERT_UNFIT },
		{ "rsa", "RSA PRIVATE KEY", CERT_RSA, CERT_FITS, CERT_UNFIT },
		{ "ec", "PRIVATE KEY", CERT_EC, CERT_FITS, CERT_UNFIT },
		{ "ec", "EC PRIVATE KEY", CERT_EC, CERT_FITS, CERT_UNFIT },
		{ "ED25519", "PRIVATE KEY", CERT_OTHER, CERT_UNSURE,
		    CERT_UNSURE },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		EVP_PKEY *k = make_key(rows[i].kind);
		EVP_PKEY *other = make_key(rows[i].kind);
		X509 *x = make_x509(k, "x", NULL);
		struct span der = der_of_cert(x);
		struct span label = span_str(rows[i].label);
		struct span d1 = der_of_key(k, rows[i].label);
		struct span d2 = der_of_key(other, rows[i].label);
		struct cert_facts f;

		CHECK(cert_facts(der, &f));
		CHECK_EQ(f.kind, rows[i].is);
		CHECK_EQ(cert_key_fits(&f, label, d1), rows[i].same);
		CHECK_EQ(cert_key_fits(&f, label, d2), rows[i].other);
		for (size_t n = 0; n < d1.n; n++)
			(void)cert_key_fits(&f, label, span_of(d1.p, n));
		CHECK_EQ(cert_key_fits(&f, SPAN("DSA PRIVATE KEY"), d1),
		    CERT_UNSURE);
		drop(d1);
		drop(d2);
		drop(der);
		X509_free(x);
		EVP_PKEY_free(k);
		EVP_PKEY_free(other);
	}
}

TEST(a_key_of_another_kind_does_not_fit)
{
	EVP_PKEY *rsa = make_key("rsa"), *ec = make_key("ec");
	X509 *x = make_x509(rsa, "x", NULL);
	struct span der = der_of_cert(x), key = der_of_key(ec, "PRIVATE KEY");
	struct cert_facts f;

	CHECK(cert_facts(der, &f));
	CHECK_EQ(cert_key_fits(&f, SPAN("PRIVATE KEY"), key), CERT_UNFIT);
	drop(der);
	drop(key);
	X509_free(x);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

TEST(a_part_of_a_certificate_is_none)
{
	EVP_PKEY *k = make_key("ec");
	X509 *x = make_x509(k, "x.example", "DNS:y.example");
	struct span der = der_of_cert(x);
	struct cert_facts f;

	for (size_t n = 0; n < der.n; n++) {
		char *copy = malloc(n + 1);     /* so that ASan sees its end */

		memcpy(copy, der.p, n);
		CHECK(!cert_facts(span_of(copy, n), &f));
		free(copy);
	}
	drop(der);
	X509_free(x);
	EVP_PKEY_free(k);
}

TEST(lengths_are_the_shortest)
{
	static const struct { const char *in; size_t n; bool good; } rows[] = {
		{ "\x02\x01\x05", 3, true },
		{ "\x02\x00", 2, true },
		{ "\x02", 1, false },
		{ "\x02\x02\x05", 3, false },
		{ "\x02\x81\x01\x05", 4, false },
		{ "\x02\x80\x01\x05", 4, false },
		{ "\x02\x82\x00\x01\x05", 5, false },
		{ "\x1f\x01\x05", 3, false },
		{ "\x02\x85\x01\x01\x01\x01\x01\x05", 8, false },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct span in = span_of(rows[i].in, rows[i].n);
		struct der d;

		CHECK_EQ(der_next(&in, &d), rows[i].good);
	}
}

TEST(what_everybody_takes_is_known)
{
	static const struct { const char *kind; bool common; } rows[] = {
		{ "rsa", true }, { "ec", true }, { "ED25519", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		EVP_PKEY *k = make_key(rows[i].kind);
		X509 *x = make_x509(k, "a", NULL);
		struct span der = der_of_cert(x);
		struct cert_facts f;

		if (CHECK(cert_facts(der, &f)) &&
		    !CHECK_EQ(f.common, rows[i].common))
			fprintf(stderr, "%s\n", rows[i].kind);
		drop(der);
		X509_free(x);
		EVP_PKEY_free(k);
	}
}

TEST(weak_keys_and_signatures_are_not)
{
	static const struct { unsigned bits; const char *digest; } rows[] = {
		{ 1024, "SHA256" }, { 2048, "SHA1" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		EVP_PKEY *k = EVP_RSA_gen(rows[i].bits);
		X509 *x = make_x509(k, "a", NULL);
		struct span der;
		struct cert_facts f;

		MUST(X509_sign(x, k, EVP_get_digestbyname(rows[i].digest)) >
		    0);
		der = der_of_cert(x);
		CHECK(cert_facts(der, &f) && !f.common);
		drop(der);
		X509_free(x);
		EVP_PKEY_free(k);
	}
}
