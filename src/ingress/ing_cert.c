/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_cert - a pair of certificate and key through OpenSSL and back.
 */
#include <ingress/cert.h>

#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "ing_shape_int.h"

#define CHAIN_MAX 16
#define NAMES_MAX 1000

struct pair {
	X509 *chain[CHAIN_MAX];
	int n;
	EVP_PKEY *key;
};

/* No password is ever asked for. */
static int
no_password(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return (0);
}

static const char *
read_pair(const struct ing_data *s, struct pair *p)
{
	struct span crt = ing_pair_find(&s->data, "tls.crt");
	struct span key = ing_pair_find(&s->data, "tls.key");
	X509 *x;
	BIO *b;

	if (crt.p == NULL || key.p == NULL)
		return ("it has no keys tls.crt and tls.key");
	b = BIO_new_mem_buf(crt.p, (int)crt.n);
	while (p->n < CHAIN_MAX &&
	    (x = PEM_read_bio_X509(b, NULL, no_password, NULL)) != NULL)
		p->chain[p->n++] = x;
	BIO_free(b);
	if (p->n == 0)
		return ("tls.crt holds no certificate in PEM form");
	b = BIO_new_mem_buf(key.p, (int)key.n);
	p->key = PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);
	BIO_free(b);
	if (p->key == NULL)
		return ("tls.key holds no private key in PEM form without a "
		    "password");
	if (X509_check_private_key(p->chain[0], p->key) != 1)
		return ("tls.key is not the key of the certificate in "
		    "tls.crt");
	return (NULL);
}

/* What was written, for as long as the Secret; frees `b`. */
static struct span
keep(struct ing_mem *m, BIO *b, bool good)
{
	struct span out = SPAN_NONE;
	char *at;
	long n = BIO_get_mem_data(b, &at);

	if (good && n > 0)
		out = span_of(ing_mem_dup(m, span_of(at, (size_t)n)),
		    (size_t)n);
	BIO_free(b);
	return (out);
}

static struct span
write_pair(struct ing_mem *m, const struct pair *p)
{
	BIO *b = BIO_new(BIO_s_mem());
	bool good = true;

	for (int i = 0; i < p->n; i++)
		good &= PEM_write_bio_X509(b, p->chain[i]) == 1;
	good &= PEM_write_bio_PrivateKey(b, p->key, NULL, NULL, 0, NULL,
	    NULL) == 1;
	return (keep(m, b, good));
}

static void
add_name(struct ing_mem *m, struct ing_cert *c, const ASN1_STRING *s)
{
	const char *p = (const char *)ASN1_STRING_get0_data(s);
	int n = ASN1_STRING_length(s);
	char *name;

	if (n <= 0 || n > 253 || memchr(p, 0, (size_t)n) != NULL ||
	    c->n_names == NAMES_MAX)
		return;
	name = ing_mem_dup(m, span_of(p, (size_t)n));
	for (int i = 0; i < n; i++)
		name[i] = span_lower(name[i]);
	c->names[c->n_names++] = name;
}

/* The DNS names of the SAN; without any, the common name. */
static void
read_names(struct ing_mem *m, struct ing_cert *c, X509 *x)
{
	GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	int n = san != NULL ? sk_GENERAL_NAME_num(san) : 0, at;
	X509_NAME *subject = X509_get_subject_name(x);

	if (n > NAMES_MAX)
		n = NAMES_MAX;
	c->names = ing_mem_get(m, ((size_t)n + 1) * sizeof *c->names);
	for (int i = 0; i < n; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(san, i);

		if (g->type == GEN_DNS)
			add_name(m, c, g->d.dNSName);
	}
	GENERAL_NAMES_free(san);
	if (c->n_names == 0 && (at = X509_NAME_get_index_by_NID(subject,
	    NID_commonName, -1)) >= 0)
		add_name(m, c, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(subject, at)));
}

const struct ing_cert *
ing_cert_of(const struct ing_data *secret)
{
	struct ing_data *s = (struct ing_data *)(uintptr_t)secret;
	struct pair p = { .n = 0 };
	struct ing_cert *c;
	struct tm tm;

	if (s->cert != NULL)
		return (s->cert);
	c = ing_mem_get(s->o.mem, sizeof *c);
	c->why = read_pair(s, &p);
	if (c->why == NULL) {
		c->pem = write_pair(s->o.mem, &p);
		read_names(s->o.mem, c, p.chain[0]);
		if (ASN1_TIME_to_tm(X509_get0_notAfter(p.chain[0]), &tm))
			c->not_after = (int64_t)timegm(&tm);
		if (c->pem.n == 0)
			c->why = "it can't be written";
	}
	for (int i = 0; i < p.n; i++)
		X509_free(p.chain[i]);
	EVP_PKEY_free(p.key);
	ERR_clear_error();
	s->cert = c;
	return (c);
}

/* --- authorities ----------------------------------------------------------- */

#define CA_MAX 1000

static struct span
copy_cas(struct ing_mem *m, struct span pem)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	BIO *out = BIO_new(BIO_s_mem());
	bool good = true;
	X509 *x;

	for (int n = 0; good && n < CA_MAX && (x = PEM_read_bio_X509(in, NULL,
	    no_password, NULL)) != NULL; n++) {
		good = PEM_write_bio_X509(out, x) == 1;
		X509_free(x);
	}
	BIO_free(in);
	return (keep(m, out, good));
}

static struct span
copy_crls(struct ing_mem *m, struct span pem)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	BIO *out = BIO_new(BIO_s_mem());
	bool good = true;
	X509_CRL *x;

	for (int n = 0; good && n < CA_MAX && (x = PEM_read_bio_X509_CRL(in,
	    NULL, no_password, NULL)) != NULL; n++) {
		good = PEM_write_bio_X509_CRL(out, x) == 1;
		X509_CRL_free(x);
	}
	BIO_free(in);
	return (keep(m, out, good));
}

const struct ing_ca *
ing_ca_of(const struct ing_data *secret)
{
	struct ing_data *s = (struct ing_data *)(uintptr_t)secret;
	struct span crt = ing_pair_find(&s->data, "ca.crt");
	struct span crl = ing_pair_find(&s->data, "ca.crl");
	struct ing_ca *c;

	if (s->ca != NULL)
		return (s->ca);
	c = ing_mem_get(s->o.mem, sizeof *c);
	if (crt.p == NULL)
		c->why = "it has no key ca.crt";
	else if ((c->pem = copy_cas(s->o.mem, crt)).n == 0)
		c->why = "ca.crt holds no certificate in PEM form";
	else if (crl.n > 0 && (c->crl = copy_crls(s->o.mem, crl)).n == 0)
		c->why = "ca.crl holds no list of revoked certificates in "
		    "PEM form";
	ERR_clear_error();
	s->ca = c;
	return (c);
}

static struct span
copy_params(struct ing_mem *m, struct span pem, int *bits)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	BIO *out = BIO_new(BIO_s_mem());
	EVP_PKEY *k = PEM_read_bio_Parameters(in, NULL);
	bool good = k != NULL && (EVP_PKEY_is_a(k, "DH") ||
	    EVP_PKEY_is_a(k, "DHX")) && PEM_write_bio_Parameters(out, k) == 1;

	*bits = good ? EVP_PKEY_get_bits(k) : 0;
	EVP_PKEY_free(k);
	BIO_free(in);
	return (keep(m, out, good));
}

#define DH_BITS 2048            /* what OpenSSL asks for at its usual level */

const struct ing_dh *
ing_dh_of(const struct ing_data *secret)
{
	struct ing_data *s = (struct ing_data *)(uintptr_t)secret;
	struct span pem = ing_pair_find(&s->data, "dhparam.pem");
	struct ing_dh *d;
	int bits = 0;

	if (s->dh != NULL)
		return (s->dh);
	d = ing_mem_get(s->o.mem, sizeof *d);
	if (pem.p == NULL)
		d->why = "it has no key dhparam.pem";
	else if ((d->pem = copy_params(s->o.mem, pem, &bits)).n == 0)
		d->why = "dhparam.pem holds no parameters of Diffie-Hellman "
		    "in PEM form";
	else if (bits < DH_BITS)
		d->why = "dhparam.pem has less than 2048 bits";
	ERR_clear_error();
	s->dh = d;
	return (d);
}

bool
ing_cert_covers(const struct ing_cert *c, const char *host)
{
	const char *rest = strchr(host, '.');

	for (uint32_t i = 0; i < c->n_names; i++) {
		const char *name = c->names[i];

		if (strcmp(name, host) == 0)
			return (true);
		if (name[0] == '*' && rest != NULL && rest != host &&
		    host[0] != '*' && strcmp(name + 1, rest) == 0)
			return (true);
	}
	return (false);
}

static X509 *
make_cert(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	uint64_t serial = 0;
	X509_EXTENSION *san;

	RAND_bytes((unsigned char *)&serial, 7);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 365L * 24 * 3600);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
	    (const unsigned char *)"Ecluse", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"Ecluse self-signed certificate", -1, -1,
	    0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
	    "DNS:ingress.local");
	if (san != NULL)
		X509_add_ext(x, san, -1);
	X509_EXTENSION_free(san);
	if (X509_sign(x, key, EVP_sha256()) > 0)
		return (x);
	X509_free(x);
	return (NULL);
}

bool
ing_cert_self_signed(struct text *pem)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key != NULL ? make_cert(key) : NULL;
	BIO *b = BIO_new(BIO_s_mem());
	bool good = x != NULL && PEM_write_bio_X509(b, x) == 1 &&
	    PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1;
	char *at;
	long n = BIO_get_mem_data(b, &at);

	if (good)
		text_add(pem, span_of(at, (size_t)n));
	BIO_free(b);
	X509_free(x);
	EVP_PKEY_free(key);
	return (good);
}
