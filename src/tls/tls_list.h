/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_LIST_H
#define TLS_LIST_H
/*
 * tls_list - crt-list files of a bind line, inside the room.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

/* tls_list_load - its lines are added to the bind line's. False after errors.
 * tls_list_parse - the same for text, which the caller keeps. */
bool tls_list_load(struct conf_line *, const struct conf_word *,
    const char *path, struct tls_bind *);
bool tls_list_parse(struct conf_line *from, const char *path,
    struct span text, struct tls_bind *);

/* tls_bind_add - one more line of certificates. */
void tls_bind_add(struct tls_bind *, struct tls_line *);
#endif
#endif
