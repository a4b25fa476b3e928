/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_fetch_ends - samples of the two connections of a stream: what is spoken
 * on them, whether they broke off, and at which rule the stream is.
 *
 * Source: configuration manual 7.3.2, 7.3.3.
 */
#include "strm_int.h"

#include <netinet/in.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <base/must.h>
#include <expr/expr.h>
#include <filt/filt.h>
#include <xprt/conn.h>

#define ON_FE SMP_ANYWHERE
#define ON_SESS (SMP_ANYWHERE & ~(SMP_AT(CHECK) | SMP_AT(CONN)))
#define ON_RES (SMP_FROM_RES | SMP_AT(CHECK))

#define ROW(ident, word, out_, at, run_, ...)                                \
FETCH(ident) = {                                                             \
	.name = word, .args = "", .out = out_, .stages = at, .run = run_,    \
	.fresh = true, .doc = __VA_ARGS__,                                   \
	.example = "log-format %[" word "]",                                 \
}

static const struct mux_end *
end_of(struct txn *t, bool server)
{
	const struct strm *s = strm_of_txn(t);

	return (s == NULL ? NULL : server ? s->srv : s->cli);
}

static struct conn *
conn_of(const struct mux_end *e)
{
	return (e->ops->conn((struct mux_end *)(uintptr_t)e));
}

/* ---- what is spoken ---- */

/* Before there is a stream, by the frontend's mode. */
static bool
fetch_fc_major(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = 1;
	return (t->is_http);
}
ROW(fc_http_major, "fc_http_major", SMP_INT, ON_FE, fetch_fc_major,
    "The major version of HTTP on the client's connection: 1. No sample in "
    "mode tcp.");

static bool
fetch_bc_major(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct mux_end *e = end_of(t, true);

	(void)arg;
	s->num = 1;
	return (t->stage == TXN_CHECK ? t->is_http :
	    e != NULL && e->ops->http);
}
ROW(bc_http_major, "bc_http_major", SMP_INT, ON_RES, fetch_bc_major,
    "The major version of HTTP on the server's connection: 1. No sample in "
    "mode tcp, or without a connection.");

/* Connections of HTTP/1 and of mode tcp have one stream at a time. */
static bool
fetch_fc_streams(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = 1;
	return (end_of(t, false) != NULL);
}
ROW(fc_nb_streams, "fc_nb_streams", SMP_INT, SMP_ANYWHERE &
    ~(SMP_AT(CONN) | SMP_AT(SESS)), fetch_fc_streams,
    "How many streams the client's connection has open: one, with HTTP/1 and "
    "in mode tcp.");

static bool
fetch_bc_streams(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = 1;
	return (end_of(t, true) != NULL);
}
ROW(bc_nb_streams, "bc_nb_streams", SMP_INT, ON_RES, fetch_bc_streams,
    "How many streams the server's connection has open: one, with HTTP/1 and "
    "in mode tcp.");

/* A second stream at a time would need HTTP/2. */
ROW(fc_streams_limit, "fc_settings_streams_limit", SMP_INT, SMP_ANYWHERE &
    ~(SMP_AT(CONN) | SMP_AT(SESS)), fetch_fc_streams,
    "How many streams the client's connection may have at a time: one, with "
    "HTTP/1 and in mode tcp.");
ROW(bc_streams_limit, "bc_settings_streams_limit", SMP_INT, ON_RES,
    fetch_bc_streams,
    "How many streams the server's connection may have at a time: one, with "
    "HTTP/1 and in mode tcp.");

/* A message that is not well-formed ends its connection: there is never a
 * second glitch. */
static bool
is_malformed(enum why why)
{
	return ((why >= WHY_REQ_BAD && why <= WHY_REQ_EXPECT) ||
	    why == WHY_RES_BAD || why == WHY_RES_HEAD_LONG);
}

static bool
fetch_fc_glitches(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct strm *strm = strm_of_txn(t);

	(void)arg;
	s->num = strm != NULL && is_malformed(strm->begin_why);
	return (true);
}
ROW(fc_glitches, "fc_glitches", SMP_INT, ON_FE, fetch_fc_glitches,
    "How often the client's connection broke the rules of its protocol: a "
    "malformed request of HTTP/1 ends it, so at most once.");

static bool
fetch_bc_glitches(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct mux_end *e = end_of(t, true);

	(void)arg;
	s->num = t->why == WHY_RES_BAD || t->why == WHY_RES_HEAD_LONG;
	return (e != NULL);
}
ROW(bc_glitches, "bc_glitches", SMP_INT, ON_RES, fetch_bc_glitches,
    "How often the server's connection broke the rules of its protocol: a "
    "malformed response of HTTP/1 ends it, so at most once.");

/* ---- how the client's began ---- */

#define SYN_MAX 512             /* headers with all their options */

/* The kernel gives it once. */
static bool
fetch_saved_syn(struct txn *t, const struct arg *arg, struct smp *s)
{
	int fd = t->ops != NULL && t->ops->client_fd != NULL ?
	    t->ops->client_fd(t) : -1;
	char *p = arena_get(t->arena, SYN_MAX);
	socklen_t n = SYN_MAX;

	(void)arg;
	if (p == NULL || fd < 0 ||
	    getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, p, &n) != 0)
		return (false);
	s->str = span_of(p, n);
	return (n != 0);
}
FETCH(fc_saved_syn) = {
	.name = "fc_saved_syn", .args = "", .out = SMP_BIN, .stages = ON_FE,
	.run = fetch_saved_syn, .fresh = true,
	.doc = "The headers of the packet that opened the client's connection, "
	    "where 'tcp-ss' of the bind line has them kept. They are there "
	    "once: keep them in a variable.",
	.example = "tcp-request connection set-var(sess.syn) fc_saved_syn",
};

/* ---- what became of them ---- */

/* Its message is not over, and no more of it will come. */
static bool
broke_off(const struct mux_end *e, bool done)
{
	const struct conn *c = conn_of(e);

	return (e->dead || c->err || (c->eof && !done));
}

static bool
fetch_fs_aborted(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct strm *strm = strm_of_txn(t);
	const struct mux_end *e = end_of(t, false);

	(void)arg;
	s->num = e != NULL && broke_off(e, strm->req_done);
	return (e != NULL);
}
ROW(fs_aborted, "fs.aborted", SMP_BOOL, ON_SESS, fetch_fs_aborted,
    "True when the client gave this exchange up: its connection broke, or "
    "ended within the request.",
    .late = true);

static bool
fetch_bs_aborted(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct strm *strm = strm_of_txn(t);
	const struct mux_end *e = end_of(t, true);

	(void)arg;
	s->num = e != NULL && broke_off(e, strm->res_done);
	return (e != NULL);
}
ROW(bs_aborted, "bs.aborted", SMP_BOOL, ON_RES, fetch_bs_aborted,
    "True when the server gave this exchange up: its connection broke, or "
    "ended within the response.",
    .late = true);

/* ---- at which rule the stream is ---- */

struct span
strm_entity(const struct txn *t, char *p, size_t size)
{
	return (t->rule_ran == NULL ? t->entity :
	    rule_name(t->rule_ran, p, size));
}

static bool
entity(struct txn *t, const struct rule *r, struct smp *s)
{
	char *p = arena_get(t->arena, 512);

	if (p == NULL || r == NULL)
		return (false);
	s->str = rule_name(r, p, 512);
	return (true);
}

static bool
fetch_last_entity(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->str = t->entity;
	return (t->rule_ran != NULL ? entity(t, t->rule_ran, s) :
	    s->str.p != NULL);
}
ROW(last_entity, "last_entity", SMP_STR, ON_FE | SMP_AT(CLI), fetch_last_entity,
    "The rule that ran last for this stream, as FILE:LINE.");

static bool
fetch_waiting_entity(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (t->rule_waits != NULL && entity(t, t->rule_waits, s));
}
ROW(waiting_entity, "waiting_entity", SMP_STR, ON_FE | SMP_AT(CLI),
    fetch_waiting_entity,
    "The rule that waited for something when the stream ended by an error or "
    "a timeout, as FILE:LINE.",
    .late = true);
