/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_LIVE_H
#define TLS_LIVE_H
/*
 * tls_live - what the runtime API changes of certificates, done to the copy
 * of one process, inside the room.
 */
#include "tls_ca.h"
#include "tls_list.h"

#ifdef USE_OPENSSL

/* tls_live_cert - the certificate of that name is this one from now on (see
 * cert_pack), a new one when there is none. tls_live_cert_drop - there is
 * none; nobody may show it. */
void tls_live_cert(struct span path, struct span packed);
void tls_live_cert_drop(struct span path);

/* tls_live_row_add - one more row of a list, with that number, for all bind
 * lines that have it; false after an error. tls_live_row_drop - one less. */
bool tls_live_row_add(struct conf *, struct tls_list *, uint32_t line,
    struct span text);
void tls_live_row_drop(struct tls_list *, struct tls_row *);

/* tls_live_word - conf.live of such a row: all words of a crt-list. */
bool tls_live_word(const struct kw *);

/* tls_live_ca, tls_live_ca_drop - the same as for certificates. */
void tls_live_ca(const char *path, bool crl, struct span pem);
void tls_live_ca_drop(const char *path, bool crl);

/* tls_live_ca_used - somebody verifies with it. */
bool tls_live_ca_used(const struct tls_ca *);

/* tls_live_binds - calls `fn` with all bind lines of TLS. */
void tls_live_binds(void (*fn)(struct tls_bind *, void *), void *arg);

/* ---- tls_sync.c: the same in all processes ---- */

/* In the agent: do it here, and have all workers do it, those to be born, too.
 * tls_sync_wait - calls `done` when all did what they were told. */
void tls_sync_cert(struct span path, const struct cert *);
void tls_sync_cert_drop(struct span path);
bool tls_sync_row_add(struct conf *, struct tls_list *, uint32_t line,
    struct span text);
void tls_sync_row_drop(struct tls_list *, struct tls_row *);
void tls_sync_ca(const char *path, bool crl, struct span pem);
void tls_sync_ca_drop(const char *path, bool crl);
struct tls_ticket_file;
void tls_sync_tickets(struct tls_ticket_file *);
uint32_t tls_sync_wait(void (*done)(int missing, void *), void *arg);
#endif
#endif
