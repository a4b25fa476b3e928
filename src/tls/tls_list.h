/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_LIST_H
#define TLS_LIST_H
/*
 * tls_list - crt-list files of a bind line, inside the room.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

/* tls_list_load - a bind line has the certificates of this crt-list.
 * tls_list_load_dir - or those of a directory. False after errors.
 * tls_list_parse - reads a list's text, which the caller keeps. */
bool tls_list_load(struct conf_line *, const struct conf_word *,
    const char *path, struct tls_bind *);
bool tls_list_load_dir(struct conf_line *, const struct conf_word *,
    const char *path, struct tls_bind *);
bool tls_list_parse(struct conf_line *from, struct tls_list *,
    struct span text);

/* tls_list_first, tls_list_find - all lists; the one of that path, or NULL. */
struct tls_list *tls_list_first(void);
struct tls_list *tls_list_find(struct span path);

/* tls_list_append - one more row. */
void tls_list_append(struct tls_list *, struct tls_row *);

/* tls_list_row - one that the runtime API adds, with that number; freed by
 * free(). NULL after an error. */
struct tls_row *tls_list_row(struct conf *, const struct tls_list *,
    uint32_t line, struct span text);

/* tls_list_row_no - the one that came at run time with that number, or
 * NULL. */
struct tls_row *tls_list_row_no(const struct tls_list *, uint32_t line);

/* tls_list_put_row - as a line of a crt-list; with `number`, the line's behind
 * the name. */
void tls_list_put_row(const struct tls_row *, bool number, struct text *);

/* tls_bind_add - one more certificate of the line. */
struct tls_line *tls_bind_add(struct tls_bind *, struct cert *,
    struct diag_pos);
#endif
#endif
