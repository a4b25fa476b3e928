/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CLI_H
#define TLS_CLI_H
/*
 * tls_cli - commands of the runtime API about TLS, inside the room.
 */
#include <cli/cli.h>

#include "tls_live.h"

#ifdef USE_OPENSSL

/* tls_cli_synced - the answer is complete when all workers did what they were
 * told; tls_cli_dropped - the session ended before that. */
enum cli_done tls_cli_synced(struct cli_ctx *);
void tls_cli_dropped(struct cli_ctx *);

/* tls_cli_name - the word that names a file, as a text that lives until the
 * answer is complete; NULL after saying that it lacks. */
const char *tls_cli_name(struct cli_ctx *, const char *expects);

/* tls_cli_txn - the transaction that is going on, NULL none, is about that
 * file; or false after saying that it is not. */
bool tls_cli_txn(struct cli_ctx *, const char *path, const char *name);

/* tls_cli_cut - "file:12": the name before the colon, and the number; 0: none
 * is given, -1: it is no number. */
int tls_cli_cut(const char *word, struct span *name);

/* tls_cli_copy - a copy, say of a payload for a reader that overwrites it;
 * lives until the answer is complete. */
struct span tls_cli_copy(struct cli_ctx *, struct span);

/* tls_cli_base64 - decodes base64, in lines or not, in its place; false: it is
 * none, and with out->n 0 there is nothing. */
bool tls_cli_base64(struct span text, struct span *out);

/* A certificate, a list of what was revoked, and an answer of OCSP, as lines of
 * text; false: it is none. Of that answer, which certificate it is about. */
void tls_show_x509(struct text *, X509 *);
void tls_show_crl(struct text *, X509_CRL *);
void tls_show_name(struct text *, const char *what, const X509_NAME *);
bool tls_show_ocsp(struct text *, struct span der);
void tls_show_ocsp_id(struct text *, struct span der);
void tls_show_time(struct text *, const ASN1_TIME *);

/* tls_ocsp_key - how a certificate's answer of OCSP is known: hexadecimal
 * digits; false: nobody knows who issued the certificate, or there is none.
 * tls_ocsp_fits - it is an answer about this certificate. */
bool tls_ocsp_key(const struct cert *, struct text *);
bool tls_ocsp_fits(const struct cert *, struct span der, const char **why);
#endif
#endif
