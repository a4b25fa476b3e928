/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_FETCH_H
#define TLS_FETCH_H
/*
 * tls_fetch - what the files with samples share, inside the room.
 */
#include <string.h>

#include "tls_int.h"

#include <expr/expr.h>

#ifdef USE_OPENSSL

/* Where a client's TLS can be asked. */
#define TLS_STAGES (SMP_ANYWHERE & ~(SMP_AT(CHECK) | SMP_AT(CONN)))

#define TLS_FETCH(ident, word, args_, type, fn, text)                        \
FETCH(tls_##ident) = { .name = word, .args = args_, .out = type,             \
	.stages = TLS_STAGES, .run = fn, .doc = text,                        \
	.example = "log-format %[" word "]" };

/* tls_of_client, tls_client - TLS of the client's connection, or NULL. */
struct tls_conn *tls_of_client(struct txn *);
SSL *tls_client(struct txn *);

/* tls_smp_text - a text that lasts; false for NULL. tls_smp_copy - bytes that
 * do not: copied for the stream. False for none, or without memory. */
bool tls_smp_text(struct smp *, const char *);
bool tls_smp_copy(struct txn *, struct smp *, const void *, size_t);

#endif
#endif
