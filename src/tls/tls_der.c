/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_der - as much of a certificate and of its key as loading needs: names,
 * and whether they belong together. OpenSSL would build objects of all of it,
 * a hundred times slower, for thousands that no client ever asks for.
 *
 * What is not understood here is left to OpenSSL (CERT_UNSURE).
 *
 * Source: X.690 (DER), RFC 5280, 5958, 8017 appendix A, 5915.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <string.h>

enum {                                  /* tags */
	INTEGER = 0x02, BIT_STRING = 0x03, OCTET_STRING = 0x04, OID = 0x06,
	SEQUENCE = 0x30, SET = 0x31, CONTEXT = 0x80, CONSTRUCTED = 0x20
};

#define TAG(n)    (CONTEXT | CONSTRUCTED | (n))
#define IS_OID(s, bytes) span_eq((s), SPAN(bytes))
#define OID_RSA   "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_PSS   "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define OID_DSA   "\x2a\x86\x48\xce\x38\x04\x01"
#define OID_EC    "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256  "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384  "\x2b\x81\x04\x00\x22"
#define OID_P521  "\x2b\x81\x04\x00\x23"
#define OID_RSA_SHA256 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
#define OID_RSA_SHA384 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"
#define OID_RSA_SHA512 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"
#define OID_ECDSA_SHA256 "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_ECDSA_SHA384 "\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define OID_ECDSA_SHA512 "\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define OID_CN    "\x55\x04\x03"
#define OID_SAN   "\x55\x1d\x11"

bool
der_next(struct span *in, struct der *d)
{
	const uint8_t *p = (const uint8_t *)in->p;
	size_t head = 2, n;

	if (in->n < 2 || (p[0] & 0x1f) == 0x1f)
		return (false);
	n = p[1];
	if (n >= 0x80) {
		unsigned octets = (unsigned)n & 0x7f;

		if (octets == 0 || octets > 4 || in->n < 2 + octets)
			return (false);
		n = 0;
		for (unsigned i = 0; i < octets; i++)
			n = n << 8 | p[2 + i];
		head += octets;
		if (n < 0x80 || p[2] == 0)      /* DER: the shortest form */
			return (false);
	}
	if (n > in->n - head)
		return (false);
	d->tag = p[0];
	d->whole = span_of(in->p, head + n);
	d->body = span_of(in->p + head, n);
	*in = span_skip(*in, head + n);
	return (true);
}

bool
der_want(struct span *in, uint8_t tag, struct der *d)
{
	return (der_next(in, d) && d->tag == tag);
}

static bool
may_have(struct span *in, uint8_t tag, struct der *d)
{
	struct span rest = *in;

	if (!der_next(&rest, d) || d->tag != tag)
		return (false);
	*in = rest;
	return (true);
}

/* ---- certificates ---- */

static uint8_t
kind_of(struct span oid)
{
	return (IS_OID(oid, OID_RSA) || IS_OID(oid, OID_PSS) ? CERT_RSA :
	    IS_OID(oid, OID_EC) ? CERT_EC :
	    IS_OID(oid, OID_DSA) ? CERT_DSA : CERT_OTHER);
}

/* The algorithm, its parameters and the key of a SubjectPublicKeyInfo. */
static bool
open_spki(struct span whole, struct span *oid, struct span *params,
    struct span *key)
{
	struct der spki, alg, d;

	if (!der_want(&whole, SEQUENCE, &spki) ||
	    !der_want(&spki.body, SEQUENCE, &alg) ||
	    !der_want(&alg.body, OID, &d))
		return (false);
	*oid = d.body;
	*params = alg.body;
	if (!der_want(&spki.body, BIT_STRING, &d) || d.body.n < 2 ||
	    d.body.p[0] != 0)
		return (false);
	*key = span_skip(d.body, 1);
	return (true);
}

static bool
read_extensions(struct span in, struct cert_facts *f)
{
	struct der list, ext, oid, d;

	if (!der_want(&in, SEQUENCE, &list))
		return (false);
	while (list.body.n > 0) {
		if (!der_want(&list.body, SEQUENCE, &ext) ||
		    !der_want(&ext.body, OID, &oid) ||
		    !der_next(&ext.body, &d))
			return (false);
		if (d.tag != OCTET_STRING &&    /* "critical" */
		    !der_want(&ext.body, OCTET_STRING, &d))
			return (false);
		if (!IS_OID(oid.body, OID_SAN))
			continue;
		in = d.body;
		if (!der_want(&in, SEQUENCE, &d))
			return (false);
		f->alt_names = d.body;
	}
	return (true);
}

/* 112 bits of security and more: RSA from 2048 bits, curves of NIST from
 * P-256. */
static bool
is_strong_key(struct span oid, struct span params, struct span key)
{
	struct der d, n;

	if (IS_OID(oid, OID_RSA))
		return (der_want(&key, SEQUENCE, &d) &&
		    der_want(&d.body, INTEGER, &n) && n.body.n > 2048 / 8);
	return (IS_OID(oid, OID_EC) && der_want(&params, OID, &d) &&
	    (IS_OID(d.body, OID_P256) || IS_OID(d.body, OID_P384) ||
	    IS_OID(d.body, OID_P521)));
}

/* With SHA-256 or better. */
static bool
is_strong_signature(struct span oid)
{
	return (IS_OID(oid, OID_RSA_SHA256) || IS_OID(oid, OID_RSA_SHA384) ||
	    IS_OID(oid, OID_RSA_SHA512) || IS_OID(oid, OID_ECDSA_SHA256) ||
	    IS_OID(oid, OID_ECDSA_SHA384) || IS_OID(oid, OID_ECDSA_SHA512));
}

bool
cert_facts(struct span der, struct cert_facts *f)
{
	struct span oid, params, key;
	struct der cert, tbs, sig, d;

	memset(f, 0, sizeof *f);
	if (!der_want(&der, SEQUENCE, &cert) || der.n != 0 ||
	    !der_want(&cert.body, SEQUENCE, &tbs) ||
	    !der_want(&cert.body, SEQUENCE, &d) ||
	    !der_want(&d.body, OID, &sig) ||
	    !der_want(&cert.body, BIT_STRING, &d) || cert.body.n != 0)
		return (false);
	(void)may_have(&tbs.body, TAG(0), &d);          /* version */
	if (!der_want(&tbs.body, INTEGER, &d) ||        /* serial */
	    !der_want(&tbs.body, SEQUENCE, &d))         /* signature */
		return (false);
	if (!der_want(&tbs.body, SEQUENCE, &d))
		return (false);
	f->issuer = d.whole;
	if (!der_want(&tbs.body, SEQUENCE, &d) ||       /* validity */
	    !der_want(&tbs.body, SEQUENCE, &d))
		return (false);
	f->subject = d.whole;
	if (!der_want(&tbs.body, SEQUENCE, &d))
		return (false);
	f->spki = d.whole;
	if (!open_spki(f->spki, &oid, &params, &key))
		return (false);
	f->kind = kind_of(oid);
	f->common = is_strong_key(oid, params, key) &&
	    is_strong_signature(sig.body);
	while (tbs.body.n > 0) {
		if (!der_next(&tbs.body, &d))
			return (false);
		if (d.tag == TAG(3) && !read_extensions(d.body, f))
			return (false);
	}
	return (true);
}

/* A common name of the subject; `rest` starts as the contents of the name. */
static bool
next_cn(struct span *rest, struct span *name)
{
	struct der set, pair, oid, value;

	while (der_want(rest, SET, &set)) {
		if (!der_want(&set.body, SEQUENCE, &pair) ||
		    !der_want(&pair.body, OID, &oid) ||
		    !der_next(&pair.body, &value))
			return (false);
		if (!IS_OID(oid.body, OID_CN))
			continue;
		*name = value.body;
		return (true);
	}
	return (false);
}

static bool
next_alt(struct span *rest, struct span *name)
{
	struct der d;

	while (der_next(rest, &d)) {
		if (d.tag != (CONTEXT | 2))     /* dNSName */
			continue;
		*name = d.body;
		return (true);
	}
	return (false);
}

bool
cert_next_name(const struct cert_facts *f, struct cert_names *state,
    struct span *name)
{
	struct span subject = f->subject;
	struct der d;

	if (state->stage == 0) {
		state->stage = 1;
		if (der_want(&subject, SEQUENCE, &d))
			state->rest = d.body;
	}
	if (state->stage == 1) {
		if (next_cn(&state->rest, name))
			return (true);
		state->stage = 2;
		state->rest = f->alt_names;
	}
	return (next_alt(&state->rest, name));
}

/* ---- keys ---- */

static enum cert_fit
fits(bool same)
{
	return (same ? CERT_FITS : CERT_UNFIT);
}

/* RSAPrivateKey: version, n, e, … against RSAPublicKey: n, e. */
static enum cert_fit
rsa_fits(struct span public, struct span key)
{
	struct der pub, prv, n1, e1, n2, e2, version;

	if (!der_want(&public, SEQUENCE, &pub) ||
	    !der_want(&pub.body, INTEGER, &n1) ||
	    !der_want(&pub.body, INTEGER, &e1) ||
	    !der_want(&key, SEQUENCE, &prv) ||
	    !der_want(&prv.body, INTEGER, &version) ||
	    !der_want(&prv.body, INTEGER, &n2) ||
	    !der_want(&prv.body, INTEGER, &e2))
		return (CERT_UNSURE);
	return (fits(span_eq(n1.body, n2.body) && span_eq(e1.body, e2.body)));
}

/* ECPrivateKey may carry the public point; `params` is the certificate's. */
static enum cert_fit
ec_fits(struct span public, struct span params, struct span key)
{
	struct der prv, d;

	if (!der_want(&key, SEQUENCE, &prv) ||
	    !der_want(&prv.body, INTEGER, &d) ||
	    !der_want(&prv.body, OCTET_STRING, &d))
		return (CERT_UNSURE);
	if (may_have(&prv.body, TAG(0), &d) && !span_eq(d.body, params))
		return (CERT_UNSURE);
	if (!may_have(&prv.body, TAG(1), &d) ||
	    !der_want(&d.body, BIT_STRING, &prv) || prv.body.n < 2)
		return (CERT_UNSURE);
	return (fits(span_eq(span_skip(prv.body, 1), public)));
}

/* PKCS#8: version, algorithm, the key of that algorithm as octets. */
static bool
open_pkcs8(struct span *key, struct span *oid)
{
	struct der all, alg, d;

	if (!der_want(key, SEQUENCE, &all) ||
	    !der_want(&all.body, INTEGER, &d) ||
	    !der_want(&all.body, SEQUENCE, &alg) ||
	    !der_want(&alg.body, OID, &d))
		return (false);
	*oid = d.body;
	if (!der_want(&all.body, OCTET_STRING, &d))
		return (false);
	*key = d.body;
	return (true);
}

enum cert_fit
cert_key_fits(const struct cert_facts *f, struct span label, struct span key)
{
	struct span oid, params, public, key_oid = SPAN_NONE;
	uint8_t kind;

	if (!open_spki(f->spki, &oid, &params, &public))
		return (CERT_UNSURE);
	if (span_is(label, "PRIVATE KEY")) {
		if (!open_pkcs8(&key, &key_oid))
			return (CERT_UNSURE);
		kind = kind_of(key_oid);
	} else {
		kind = span_is(label, "RSA PRIVATE KEY") ? CERT_RSA :
		    span_is(label, "EC PRIVATE KEY") ? CERT_EC : CERT_OTHER;
	}
	if (kind == CERT_OTHER || f->kind == CERT_OTHER)
		return (CERT_UNSURE);
	if (kind != f->kind)
		return (CERT_UNFIT);
	return (kind == CERT_RSA ? rsa_fits(public, key) :
	    kind == CERT_EC ? ec_fits(public, params, key) : CERT_UNSURE);
}

#endif
