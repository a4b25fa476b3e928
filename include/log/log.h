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

/* When a line is written: at a step of a stream, or because a rule says so.
 * Names are those of log-steps and of log profiles. */
#define LOG_EVENTS(E)                                                        \
	E(ACCEPT,     "accept")                                              \
	E(REQUEST,    "request")                                             \
	E(CONNECT,    "connect")                                             \
	E(RESPONSE,   "response")                                            \
	E(CLOSE,      "close")                                               \
	E(ERROR,      "error")                                               \
	E(TCP_CONN,   "tcp-req-conn")                                        \
	E(TCP_SESS,   "tcp-req-sess")                                        \
	E(TCP_REQ,    "tcp-req-cont")                                        \
	E(TCP_RES,    "tcp-res-cont")                                        \
	E(HTTP_REQ,   "http-req")                                            \
	E(HTTP_RES,   "http-res")                                            \
	E(HTTP_AFTER, "http-after-res")                                      \
	E(ANY,        "any")
enum log_event {
#define LOG_EVENT(ident, name) LOG_AT_##ident,
	LOG_EVENTS(LOG_EVENT)
#undef LOG_EVENT
	LOG_EVENT_N
};
#define LOG_STEP_N LOG_AT_ERROR         /* those before are steps */

/* log_start - open the sinks of this process (after fork, before chroot);
 * `pid` is what log lines show. */
void log_start(int pid);

/* log_access - the line of a stream, as its frontend wants it, at its end or,
 * with px->log_early, before, which the event tells (%OG). False: not of one
 * that ends well (option dontlog-normal), so that an early one is asked for
 * again at its end. */
bool log_access(struct txn *, enum log_event);

/* log_step - the same at an earlier step, when "log-steps" names it. */
extern bool log_stepped;                /* any frontend has such a line */
void log_at_step(struct txn *, enum log_event);
static inline void
log_step(struct txn *t, enum log_event ev)
{
	if (__builtin_expect(log_stepped, 0))
		log_at_step(t, ev);
}

/* log_now - a line because a rule says so; its targets' profiles give way to
 * `profile`, unless that is NULL. log_profile_find - by name, when the
 * configuration was read. */
struct log_profile;
void log_now(struct txn *, enum log_event, const struct log_profile *profile);
const struct log_profile *log_profile_find(struct span name);

/* log_accept - the line of a frontend without a format option, when its
 * stream begins; nothing otherwise. */
void log_accept(struct txn *);

/*
 * log_unique_id - make the stream's identifier as unique-id-format says, in
 * txn->uniq_id, and add unique-id-header to the request; after the rules of
 * the frontend. Harmless twice.
 */
void log_unique_id(struct txn *);

/* log_want_level - the name of a level, as enum log_level. */
struct conf_line;
bool log_want_level(struct conf_line *, uint8_t *);

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
