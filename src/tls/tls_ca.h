/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CA_H
#define TLS_CA_H
/*
 * tls_ca - files of authorities and of what they revoked, inside the room.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

struct tls_ca {
	struct tls_ca *next;
	const char *path;
	bool crl;                       /* what was revoked */
	bool system, dir;               /* then nothing of it is here */
	bool of_file;                   /* the configuration read it */
	bool live;                      /* the runtime API changed it */
	bool gone;                      /* … or deleted it */
	uint32_t n;                     /* certificates, or lists */
	uint64_t hash;                  /* of what is in it */
	struct span pem;
	char *block;
	STACK_OF(X509_INFO) *infos;     /* the same, as OpenSSL has it */
};

/* tls_ca_first - all of both kinds. tls_ca_find - by name, or NULL.
 * tls_ca_find_new - or a new one with nothing in it. */
struct tls_ca *tls_ca_first(void);
struct tls_ca *tls_ca_find(const char *path, bool crl);
struct tls_ca *tls_ca_find_new(const char *path, bool crl);

/* tls_ca_set - what is in it; false: nothing of that kind. tls_ca_clear -
 * nothing. tls_ca_forget - it is no more; nobody may verify with it. */
bool tls_ca_set(struct tls_ca *, struct span pem);
void tls_ca_clear(struct tls_ca *);
void tls_ca_forget(struct tls_ca *);

/* tls_ca_names - tell clients of these settings whose certificates count. */
void tls_ca_names(SSL_CTX *, const struct tls_conf *);

/* tls_ca_is_of - these settings name it. tls_ca_renew - what was made of it is
 * made anew. tls_ca_apply - a context verifies with that from now on. */
bool tls_ca_is_of(const struct tls_ca *, const struct tls_conf *);
void tls_ca_renew(const struct tls_ca *);
void tls_ca_apply(SSL_CTX *, const struct tls_conf *);

/* tls_ca_state - another number for other contents of these files. */
uint64_t tls_ca_state(const struct tls_conf *);
#endif
#endif
