/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_LOG_H
#define LOG_LOG_H
/*
 * log - access log lines and events, to syslog, files, descriptors.
 *
 * A line never blocks a worker: a sink that does not take it now loses it,
 * and the loss is counted.
 */
#include <stdbool.h>

#include <base/why.h>
#include <expr/txn.h>

enum log_level { LOG_L_EMERG, LOG_L_ALERT, LOG_L_CRIT, LOG_L_ERR,
	LOG_L_WARNING, LOG_L_NOTICE, LOG_L_INFO, LOG_L_DEBUG };

/* log_start - open the sinks of this process (after fork, before chroot);
 * `pid` is what log lines show. */
void log_start(int pid);

/* log_access - the line of an ended (or logasap) stream, as its frontend
 * wants it. */
void log_access(struct txn *);

/* log_accept - the line of a frontend without a format option, when its
 * stream begins; nothing otherwise. */
void log_accept(struct txn *);

/*
 * log_unique_id - make the stream's identifier as unique-id-format says, in
 * txn->uniq_id, and add unique-id-header to the request; after the rules of
 * the frontend. Harmless twice.
 */
void log_unique_id(struct txn *);

/* log_event - a line about a proxy (NULL: the process), to its log targets. */
void log_event(const struct px *, enum log_level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* log_conn_error - the line of a connection that never became a stream
 * (PROXY header, handshake). */
void log_conn_error(struct txn *);

/* log_failed - the stream did not end well, in the sense of dontlog-normal
 * and log-separate-errors. */
bool log_failed(const struct txn *);

/* log_wanted - the end of this stream may be logged: what its line needs must
 * be kept. */
bool log_wanted(const struct txn *);
#endif
