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

/* Such files: tls_ticket_first, tls_ticket_next - all; tls_ticket_no - its
 * number, from 0; tls_ticket_is_live - the runtime API changed it. */
struct tls_ticket_file *tls_ticket_first(void);
struct tls_ticket_file *tls_ticket_next(const struct tls_ticket_file *);
const char *tls_ticket_path(const struct tls_ticket_file *);
unsigned tls_ticket_no(const struct tls_ticket_file *);
bool tls_ticket_is_live(const struct tls_ticket_file *);

/* tls_ticket_text - key number `i` as in the file; false: there is none.
 * tls_ticket_add - one more, as in a file; false: of another size. */
bool tls_ticket_text(const struct tls_ticket_file *, unsigned i,
    struct text *);
bool tls_ticket_add(struct tls_ticket_file *, const uint8_t *, size_t);

/* tls_ticket_keys - all of them. tls_ticket_take - those of that file from
 * now on. */
struct span tls_ticket_keys(const struct tls_ticket_file *);
void tls_ticket_take(const char *path, struct span keys);

#endif
#endif
