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
#endif
#endif
