/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_SESS_H
#define TLS_SESS_H
/*
 * tls_sess - sessions that are taken up again, inside the room.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

/* tls_ticket_setup, tls_cache_setup - find or make what is in shared memory,
 * in the keeper. False: there is no room. */
bool tls_ticket_setup(void);
bool tls_cache_setup(void);

/* tls_ticket_use, tls_cache_use - have a context use them. */
void tls_ticket_use(SSL_CTX *);
void tls_cache_use(SSL_CTX *);

/* tls_ticket_read - keys of a file; NULL after an error. */
struct tls_ticket_file *tls_ticket_read(struct conf_line *,
    const struct conf_word *, const char *path);

#endif
#endif
