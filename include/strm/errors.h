/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRM_ERRORS_H
#define STRM_ERRORS_H
/*
 * errors - malformed messages that a worker keeps for "show errors".
 */
#include <stdbool.h>
#include <stdint.h>

#include <os/addr.h>
#include <px/px.h>

#define STRM_ERROR_BYTES 4096           /* kept of a message */

struct strm_error {
	const struct px *px;            /* who received it; NULL: none yet */
	const struct px *other;         /* the proxy at the other side, or NULL */
	const struct px_server *srv;    /* the stream's, or NULL */
	bool response;
	uint32_t no;                    /* of this worker, from 0 */
	int64_t wall_us;
	struct addr peer;
	uint32_t n, at;                 /* bytes kept; the wrong one */
	char *bytes;
};

/* strm_errors_count - how many there were in this worker. */
uint32_t strm_errors_count(void);

/* strm_errors_each - this worker's, in order of the proxies. */
void strm_errors_each(void (*fn)(const struct strm_error *, void *arg),
    void *arg);
#endif
