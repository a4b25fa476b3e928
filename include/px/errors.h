/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PX_ERRORS_H
#define PX_ERRORS_H
/*
 * errors - what a proxy answers for an error status, as errorfile, errorloc,
 * errorfiles and http-errors sections say. `http-error` lines of another room
 * enter theirs with px_error_set().
 */
#include <px/px.h>

struct http_reply;

/* px_error_has - whether the status can be given an answer at all. */
bool px_error_has(unsigned status);

/* px_error_set - from this line on, `reply` is the proxy's answer for
 * `status`, which px_error_has(). */
void px_error_set(struct px *, unsigned status, const struct http_reply *);

/* px_error_reply - the answer, or NULL: the built-in one. For a request with
 * a backend ask the backend first. */
const struct http_reply *px_error_reply(const struct px *, unsigned status);
#endif
