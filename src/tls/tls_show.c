/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_show - certificates and their like as the runtime API prints them.
 *
 * Source: management manual 9.3, "show ssl cert" to "show ssl ocsp-response".
 */
#include "tls_cli.h"

#ifdef USE_OPENSSL

#include <base/must.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

/* What a printing function of OpenSSL writes goes to a text. */
static void
drain(BIO *bio, struct text *t)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	if (n > 0)
		text_add(t, span_of(p, (size_t)n));
	BIO_free(bio);
}

static BIO *
paper(void)
{
	BIO *bio = BIO_new(BIO_s_mem());

	MUST(bio != NULL);
	return (bio);
}

static void
show_hex(struct text *t, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_printf(t, "%02X", p[i]);
}

static void
show_serial(struct text *t, const ASN1_INTEGER *i)
{
	BIO *bio = paper();

	(void)i2a_ASN1_INTEGER(bio, i);
	drain(bio, t);
}

void
tls_show_time(struct text *t, const ASN1_TIME *at)
{
	BIO *bio = paper();

	(void)ASN1_TIME_print(bio, at);
	drain(bio, t);
}

static void
show_time(struct text *t, const char *what, const ASN1_TIME *at)
{
	text_printf(t, "%s: ", what);
	if (at != NULL)
		tls_show_time(t, at);
	text_addc(t, '\n');
}

void
tls_show_name(struct text *t, const char *what, const X509_NAME *name)
{
	char *line = X509_NAME_oneline(name, NULL, 0);

	text_printf(t, "%s: %s\n", what, line != NULL ? line : "");
	OPENSSL_free(line);
}

static void
show_alt_names(struct text *t, X509 *x)
{
	int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	BIO *bio = paper();

	text_addz(t, "Subject Alternative Name: ");
	if (at >= 0)
		(void)X509V3_EXT_print(bio, X509_get_ext(x, at), 0, 0);
	drain(bio, t);
	text_addc(t, '\n');
}

void
tls_show_x509(struct text *t, X509 *x)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct span key = tls_key_name(x);
	unsigned n = 0;

	text_addz(t, "Serial: ");
	show_serial(t, X509_get0_serialNumber(x));
	text_addc(t, '\n');
	show_time(t, "notBefore", X509_get0_notBefore(x));
	show_time(t, "notAfter", X509_get0_notAfter(x));
	show_alt_names(t, x);
	text_printf(t, "Algorithm: %.*s\n", SPAN_FMT(key));
	text_addz(t, "SHA1 FingerPrint: ");
	if (X509_digest(x, EVP_sha1(), digest, &n))
		show_hex(t, digest, n);
	text_addc(t, '\n');
	tls_show_name(t, "Subject", X509_get_subject_name(x));
	tls_show_name(t, "Issuer", X509_get_issuer_name(x));
	ERR_clear_error();
}

static void
show_revoked(struct text *t, X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);

	if (sk_X509_REVOKED_num(list) <= 0) {
		text_addz(t, "No Revoked Certificates.\n");
		return;
	}
	text_addz(t, "Revoked Certificates:\n");
	for (int i = 0; i < sk_X509_REVOKED_num(list); i++) {
		const X509_REVOKED *r = sk_X509_REVOKED_value(list, i);

		text_addz(t, "    Serial Number: ");
		show_serial(t, X509_REVOKED_get0_serialNumber(r));
		text_addc(t, '\n');
		show_time(t, "        Revocation Date",
		    X509_REVOKED_get0_revocationDate(r));
	}
}

void
tls_show_crl(struct text *t, X509_CRL *crl)
{
	text_printf(t, "Version %ld\n", X509_CRL_get_version(crl) + 1);
	text_printf(t, "Signature Algorithm: %s\n",
	    OBJ_nid2ln(X509_CRL_get_signature_nid(crl)));
	tls_show_name(t, "Issuer", X509_CRL_get_issuer(crl));
	show_time(t, "Last Update", X509_CRL_get0_lastUpdate(crl));
	show_time(t, "Next Update", X509_CRL_get0_nextUpdate(crl));
	show_revoked(t, crl);
	ERR_clear_error();
}

/* ---- answers of OCSP ---- */

static OCSP_RESPONSE *
response_of(struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	OCSP_RESPONSE *r = der.n == 0 ? NULL : d2i_OCSP_RESPONSE(NULL, &p,
	    (long)der.n);

	ERR_clear_error();
	return (r);
}

bool
tls_show_ocsp(struct text *t, struct span der)
{
	OCSP_RESPONSE *r = response_of(der);
	BIO *bio;

	if (r == NULL)
		return (false);
	bio = paper();
	(void)OCSP_RESPONSE_print(bio, r, 0);
	drain(bio, t);
	OCSP_RESPONSE_free(r);
	return (true);
}

static void
show_octets(struct text *t, const char *what, const ASN1_STRING *s)
{
	text_printf(t, "   %s: ", what);
	show_hex(t, s->data, (size_t)s->length);
	text_addc(t, '\n');
}

void
tls_show_ocsp_id(struct text *t, struct span der)
{
	OCSP_RESPONSE *r = response_of(der);
	OCSP_BASICRESP *basic = r == NULL ? NULL : OCSP_response_get1_basic(r);
	OCSP_SINGLERESP *one = basic == NULL ? NULL : OCSP_resp_get0(basic, 0);
	ASN1_OCTET_STRING *name, *key;
	ASN1_INTEGER *serial;

	if (one != NULL && OCSP_id_get0_info(&name, NULL, &key, &serial,
	    (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(one)) == 1) {
		text_addz(t, " Certificate ID:\n");
		show_octets(t, "Issuer Name Hash", name);
		show_octets(t, "Issuer Key Hash", key);
		show_octets(t, "Serial Number", serial);
	}
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(r);
}

/* Who issued it: a file of its own, or one of the chain. */
static X509 *
issuer_of(const struct cert *c)
{
	struct cert_facts f;

	if (c->issuer.n > 0)
		return (cert_x509(c->issuer));
	for (uint32_t i = 0; i < c->n_chain; i++)
		if (cert_facts(c->chain[i], &f) &&
		    span_eq(f.subject, c->facts.issuer))
			return (cert_x509(c->chain[i]));
	return (NULL);
}

static OCSP_CERTID *
id_of(const struct cert *c)
{
	X509 *x = cert_x509(c->leaf), *issuer = issuer_of(c);
	OCSP_CERTID *id = x == NULL || issuer == NULL ? NULL :
	    OCSP_cert_to_id(EVP_sha1(), x, issuer);

	X509_free(x);
	X509_free(issuer);
	ERR_clear_error();
	return (id);
}

bool
tls_ocsp_key(const struct cert *c, struct text *t)
{
	OCSP_CERTID *id = c->ocsp.n == 0 ? NULL : id_of(c);
	unsigned char *der = NULL;
	int n;

	if (id == NULL)
		return (false);
	n = i2d_OCSP_CERTID(id, &der);
	for (int i = 0; i < n; i++)
		text_printf(t, "%02x", der[i]);
	OPENSSL_free(der);
	OCSP_CERTID_free(id);
	return (n > 0);
}

static const char *
check_single(OCSP_BASICRESP *basic, const OCSP_CERTID *id)
{
	OCSP_SINGLERESP *one = OCSP_resp_get0(basic, 0);
	ASN1_GENERALIZEDTIME *from, *to = NULL;
	int status;

	if (one == NULL || OCSP_resp_count(basic) != 1)
		return ("expected an answer about one certificate");
	status = OCSP_single_get0_status(one, NULL, NULL, &from, &to);
	if (status == V_OCSP_CERTSTATUS_UNKNOWN)
		return ("the answer is that the certificate is not known");
	if (to != NULL && !OCSP_check_validity(from, to, 300, -1))
		return ("the answer is out of date");
	if (id != NULL && OCSP_id_cmp(OCSP_SINGLERESP_get0_id(one), id) != 0)
		return ("the answer is about another certificate");
	return (NULL);
}

bool
tls_ocsp_fits(const struct cert *c, struct span der, const char **why)
{
	OCSP_RESPONSE *r = response_of(der);
	OCSP_BASICRESP *basic = r == NULL ? NULL : OCSP_response_get1_basic(r);
	OCSP_CERTID *id = id_of(c);

	if (r == NULL)
		*why = "expected the DER of an answer of OCSP";
	else if (OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL ||
	    basic == NULL)
		*why = "the answer is that there was an error";
	else
		*why = check_single(basic, id);
	OCSP_CERTID_free(id);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(r);
	ERR_clear_error();
	return (*why == NULL);
}

#endif
