/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_COUNT_H
#define TLS_COUNT_H
/*
 * tls_count - how many connections and handshakes, inside the room.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

/* tls_count_begin - a handshake is to begin; false: there are too many. _done,
 * _failed - how it went. _end - the connection is over. */
bool tls_count_full(void);              /* accept no more now */
bool tls_count_begin(struct tls_conn *);
void tls_count_done(struct tls_conn *);
void tls_count_failed(struct tls_conn *);
void tls_count_end(struct tls_conn *);

#endif
#endif
