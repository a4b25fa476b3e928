/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_CERT_H
#define INGRESS_CERT_H
/*
 * cert - the certificate and key of a Secret, read and written anew, so that
 * what the proxy gets is what OpenSSL understood and nothing beside it.
 */
#include <ingress/model.h>

struct ing_cert {
	const char *why;        /* why it is of no use; NULL: it is good */
	struct span pem;        /* certificate, chain, key */
	const char **names;     /* of its SAN, or its CN; lower case */
	uint32_t n_names;
	int64_t not_after;      /* wall, seconds */
};

/*
 * ing_cert_of - of the Secret's tls.crt and tls.key.
 *
 * Made at the first call and kept with the Secret, whose memory it is in: not
 * for two threads at once.
 */
const struct ing_cert *ing_cert_of(const struct ing_data *secret);

/* Authorities of a Secret, and what they revoked, read and written alike. */
struct ing_ca {
	const char *why;        /* why it is of no use; NULL: it is good */
	struct span pem;        /* of ca.crt */
	struct span crl;        /* of ca.crl; p NULL: there is none */
};

/* ing_ca_of - made at the first call and kept, as above. */
const struct ing_ca *ing_ca_of(const struct ing_data *secret);

/* Parameters of Diffie-Hellman, the same way. */
struct ing_dh {
	const char *why;        /* why they are of no use; NULL: they are good */
	struct span pem;
};

/* ing_dh_of - of the Secret's dhparam.pem; made at the first call and kept. */
const struct ing_dh *ing_dh_of(const struct ing_data *secret);

/* ing_cert_covers - true when one of its names is the host, or a wildcard for
 * one label of it; "*.foo.com" only by the same name. */
bool ing_cert_covers(const struct ing_cert *, const char *host);

/* ing_cert_self_signed - a new certificate and key as PEM, for those who show
 * no other; false without entropy or memory. */
bool ing_cert_self_signed(struct text *pem);
#endif
