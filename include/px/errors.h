/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PX_ERRORS_H
#define PX_ERRORS_H
/*
 * errors - what a proxy answers for an error status, as errorfile, errorloc,
 * errorfiles and http-errors sections say. `http-error` lines of another room
 * enter theirs with px_error_set().
 */
#include <px/px.h>

struct conf_line;
struct http_reply;

/* px_error_has - whether the status can be given an answer at all. */
bool px_error_has(unsigned status);

/* px_error_set - from this line on, `reply` is the proxy's answer for
 * `status`, which px_error_has(). */
void px_error_set(struct px *, unsigned status, const struct http_reply *);

/* px_error_take - the same: its answer is that of an http-errors section. */
struct diag_pos;
void px_error_take(struct px *, unsigned status, const char *section,
    struct diag_pos);

/* px_error_reply - the answer, or NULL: the built-in one. For a request with
 * a backend ask the backend first. */
const struct http_reply *px_error_reply(const struct px *, unsigned status);

/* px_error_load - the next word's file as an answer, checked; NULL after
 * recording the error. */
const struct http_reply *px_error_load(struct conf_line *, unsigned status);

/* px_error_section - the answer of an http-errors section, or NULL in *out;
 * false when there is no such section. For when all lines were read. */
bool px_error_section(const char *name, unsigned status,
    const struct http_reply **out);
#endif
