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

/* A server's, once there is a connection to it, also that of a check. */
#define TLS_BC_STAGES (SMP_FROM_RES | SMP_AT(CHECK))

#define TLS_FETCH_AT(at, ident, word, args_, type, fn, text)                 \
FETCH(tls_##ident) = { .name = word, .args = args_, .out = type,             \
	.stages = at, .run = fn, .doc = text,                                \
	.example = "log-format %[" word "]" };
#define TLS_FETCH(ident, word, args_, type, fn, text)                        \
	TLS_FETCH_AT(TLS_STAGES, ident, word, args_, type, fn, text)
#define TLS_STAGES_fc TLS_STAGES
#define TLS_STAGES_bc TLS_BC_STAGES

/* A sample of one side's connection: `fc` or `bc`. The
 * body has it as `c`, and OpenSSL's object of it as `ssl`. */
#define TLS_SAMPLE(side, word, args_, type, text, ...)                       \
static bool                                                                  \
fetch_##side##_##word(struct txn *t, const struct arg *arg, struct smp *s)   \
{                                                                            \
	const struct tls_conn *c = tls_##side(t);                            \
	SSL *ssl = c == NULL ? NULL : c->ssl;                                \
                                                                             \
	(void)arg;                                                           \
	if (ssl == NULL)                                                     \
		return (false);                                              \
	__VA_ARGS__                                                          \
}                                                                            \
TLS_FETCH_AT(TLS_STAGES_##side, side##_##word, "ssl_" #side "_" #word, args_,\
    type, fetch_##side##_##word, text)

/* The same of either. */
#define TLS_SAMPLES(word, type, text, ...)                                   \
TLS_SAMPLE(fc, word, "", type, text, __VA_ARGS__)                            \
TLS_SAMPLE(bc, word, "", type, text " Of the connection to the server.",     \
    __VA_ARGS__)

/* tls_fc, tls_bc - TLS of the client's connection, of that to the server, or
 * NULL. tls_client - OpenSSL's object of the former. */
struct tls_conn *tls_fc(struct txn *);
struct tls_conn *tls_bc(struct txn *);
SSL *tls_client(struct txn *);

/* tls_smp_text - a text that lasts; false for NULL. tls_smp_copy - bytes that
 * do not: copied for the stream. False for none, or without memory. */
bool tls_smp_text(struct smp *, const char *);
bool tls_smp_copy(struct txn *, struct smp *, const void *, size_t);

#endif
#endif
