/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRM_STRM_H
#define STRM_STRM_H
/*
 * strm - the stream: rules, choice of a server, queue, connection, the
 * exchange of the two messages, the log line.
 */
#include <stdbool.h>
#include <stddef.h>

#include <base/span.h>
#include <mux/mux.h>

/* strm_start - offer the stream's half of the mux contract (a worker, before
 * its first connection). */
void strm_start(void);

/* strm_admit - run the rules for a connection that was just accepted, which
 * may change its address; false: it is refused. `fd` stays the caller's. */
bool strm_admit(const struct px_listen *, int fd, struct addr *peer);

/* strm_malformed - keep the bytes of a malformed message for "show errors";
 * as mux_stream_ops.malformed. */
void strm_malformed(struct mux_end *, const struct px *, struct span bytes,
    size_t at);

/* strm_count - streams alive in this worker. */
unsigned strm_count(void);

/* strm_kill_all - hard stop: end every stream as killed. */
void strm_kill_all(void);
#endif
