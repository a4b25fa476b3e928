/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CAPTURE_H
#define TLS_CAPTURE_H
/*
 * tls_capture - what is kept of a handshake when it is asked for, inside the
 * room.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

enum { TLS_HELLO_CIPHERS, TLS_HELLO_EXTS, TLS_HELLO_GROUPS,
	TLS_HELLO_FORMATS, TLS_HELLO_SIGALGS, TLS_HELLO_VERSIONS,
	TLS_HELLO_PARTS };

#define TLS_SECRETS 7

/* tls_capture_hello - parts of the ClientHello, if that is configured.
 * tls_capture_setup - secrets, likewise. tls_capture_drop - wipe and free. */
void tls_capture_hello(SSL *, struct tls_conn *);
void tls_capture_setup(SSL_CTX *);
void tls_capture_drop(struct tls_conn *);

#endif
#endif
