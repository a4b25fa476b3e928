/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_SNI_H
#define TLS_SNI_H
/*
 * tls_sni - host names and their certificates, inside the room.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

/* tls_sni_build - a table of all names of the lines; also finds the
 * defaults. */
void tls_sni_build(struct tls_bind *);

/* tls_sni_find - the entries for a host name, or NULL. The one returned is
 * good; tls_sni_excludes() tells it of those behind it. */
const struct tls_entry *tls_sni_find(const struct tls_bind *, struct span);
bool tls_sni_excludes(const struct tls_entry *, struct span name);

/* tls_sni_add, tls_sni_drop - the names of a line come or go, as its
 * certificate and filters say now. tls_sni_defaults - find the defaults anew,
 * after lines or certificates changed. */
void tls_sni_add(struct tls_bind *, const struct tls_line *);
void tls_sni_drop(struct tls_bind *, const struct tls_line *);
void tls_sni_defaults(struct tls_bind *);

/* tls_sni_is_default - it is one of the defaults. tls_sni_each - all names and
 * who has them; a wildcard without its star. */
bool tls_sni_is_default(const struct tls_bind *, const struct tls_line *);
void tls_sni_each(const struct tls_bind *, void (*)(struct span name,
    const struct tls_line *, void *), void *arg);
#endif
#endif
