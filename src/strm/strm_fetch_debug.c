/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_fetch_debug - samples for people who look into one stream: what the
 * objects at its two ends are in, and how they came to their ends.
 *
 * Their form is ours and may change. Source: configuration manual 7.3.2
 * (term_events), 7.3.4 (fs.id, fs.debug_str).
 */
#include "strm_int.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include <base/must.h>
#include <base/text.h>
#include <expr/expr.h>
#include <xprt/conn.h>

#define ON_SESS (SMP_ANYWHERE & ~(SMP_AT(CHECK) | SMP_AT(CONN)))
#define ON_RES (SMP_FROM_RES | SMP_AT(CHECK))

/* What to show: the sum of these, or 0. The numbers are the manual's. */
enum layer { OF_EXCHANGE = 1, OF_MUX = 2, OF_XPRT = 4, OF_CONN = 8,
	OF_SOCKET = 16, OF_ALL = 31 };

static struct mux_end *
end_of(struct txn *t, bool server)
{
	const struct strm *s = strm_of_txn(t);

	return (s == NULL ? NULL : server ? s->srv : s->cli);
}

static uint32_t
number_of(const struct mux_end *e)
{
	return (e->ops->number == NULL ? 0 : e->ops->number(e));
}

/* ---- fs.id, bs.id ---- */

static bool
give_number(const struct mux_end *e, struct smp *s)
{
	if (e == NULL)
		return (false);
	s->num = number_of(e);
	return (true);
}

static bool
fetch_fs_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (give_number(end_of(t, false), s));
}

static bool
fetch_bs_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (give_number(end_of(t, true), s));
}

FETCH(fs_id) = {
	.name = "fs.id", .args = "", .out = SMP_INT, .stages = ON_SESS,
	.run = fetch_fs_id, .fresh = true,
	.doc = "The number of this exchange on the client's connection, from "
	    "1; 0 in mode tcp, where there is but one.",
	.example = "log-format \"%ci:%cp %[fs.id]\"",
};
FETCH(bs_id) = {
	.name = "bs.id", .args = "", .out = SMP_INT, .stages = ON_RES,
	.run = fetch_bs_id, .fresh = true,
	.doc = "The number of this exchange on the server's connection, from "
	    "1; 0 in mode tcp. No sample without a connection.",
	.example = "log-format \"%si:%sp %[bs.id]\"",
};

/* ---- fs.debug_str(), bs.debug_str() ---- */

static void
add_exchange(struct text *out, const struct mux_end *e)
{
	text_printf(out, " connected=%d reused=%d eof=%d dead=%d why=%s "
	    "close=%d last=%d got=%" PRIu64 " put=%" PRIu64,
	    e->connected, e->reused, e->eof, e->dead, why_rows[e->why].name,
	    e->close, e->last, e->got, e->put);
}

static void
add_mux(struct text *out, const struct mux_end *e)
{
	text_printf(out, " mux=%s id=%" PRIu32, e->ops->name, number_of(e));
}

static void
add_xprt(struct text *out, const struct conn *c)
{
	struct span version = conn_tell(c, CONN_TELL_VERSION);

	text_printf(out, " xprt=%s xprt_err=%#lx hello=%d", c->xprt->name,
	    c->xprt_err, c->wait_hello);
	if (version.p != NULL)
		text_printf(out, " tls=%.*s", SPAN_FMT(version));
}

static void
add_conn(struct text *out, const struct conn *c)
{
	text_printf(out, " can_in=%d can_out=%d hup=%d read_eof=%d err=%d "
	    "errno=%d shut=%d connecting=%d watched=%d", c->can_in,
	    c->can_out, c->hup, c->eof, c->err, c->sys_errno, c->shut_out,
	    c->connecting, c->watched);
}

static void
add_socket(struct text *out, const struct conn *c)
{
	struct tcp_info i;
	socklen_t n = sizeof i;

	text_printf(out, " fd=%d", c->fd);
	if (c->fd >= 0 &&
	    getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &i, &n) == 0)
		text_printf(out, " tcp=%u unacked=%u retrans=%u rtt_us=%u "
		    "cwnd=%u", i.tcpi_state, i.tcpi_unacked,
		    i.tcpi_total_retrans, i.tcpi_rtt, i.tcpi_snd_cwnd);
}

static bool
give_debug(struct txn *t, struct mux_end *e, int64_t layers, struct smp *s)
{
	const struct conn *c;
	struct text out;

	if (e == NULL)
		return (false);
	c = e->ops->conn(e);
	layers = layers == 0 ? OF_ALL : layers;
	text_init(&out);
	if (layers & OF_EXCHANGE)
		add_exchange(&out, e);
	if (layers & OF_MUX)
		add_mux(&out, e);
	if (layers & OF_XPRT)
		add_xprt(&out, c);
	if (layers & OF_CONN)
		add_conn(&out, c);
	if (layers & OF_SOCKET)
		add_socket(&out, c);
	s->str = arena_span(t->arena, span_skip(text_span(&out), 1));
	text_fini(&out);
	return (s->str.p != NULL);
}

static bool
fetch_fs_debug(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (give_debug(t, end_of(t, false), arg[0].num, s));
}

static bool
fetch_bs_debug(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (give_debug(t, end_of(t, true), arg[0].num, s));
}

FETCH(fs_debug_str) = {
	.name = "fs.debug_str", .args = "int layers=0 [0..31]",
	.out = SMP_STR, .stages = ON_SESS, .run = fetch_fs_debug,
	.fresh = true, .late = true,
	.doc = "What the client's side is in, as NAME=VALUE with spaces "
	    "between them, for developers: 1 the exchange, 2 the protocol, 4 "
	    "the transport, 8 the connection, 16 the socket, or a sum of "
	    "these; 0 all. What is shown may change at any time.",
	.example = "log-format \"%ci:%cp fs=<%[fs.debug_str]>\"",
};
FETCH(bs_debug_str) = {
	.name = "bs.debug_str", .args = "int layers=0 [0..31]",
	.out = SMP_STR, .stages = ON_RES, .run = fetch_bs_debug,
	.fresh = true, .late = true,
	.doc = "The same of the server's side. No sample without a "
	    "connection.",
	.example = "log-format \"%ci:%cp bs=<%[bs.debug_str]>\"",
};

/* ---- term_events ---- */

/* F: the end was read, R: it broke, W: we sent our end. */
static void
add_events(struct text *out, struct mux_end *e)
{
	const struct conn *c = e == NULL ? NULL : e->ops->conn(e);

	if (c == NULL)
		return;
	text_printf(out, "%s%s%s", c->eof ? "F" : "", c->err ? "R" : "",
	    c->shut_out ? "W" : "");
}

/* The words of the exchange: G: its message is complete, D: it is dead. */
static void
add_exchange_events(struct text *out, const struct mux_end *e, bool complete)
{
	if (e != NULL)
		text_printf(out, "%s%s", complete ? "G" : "",
		    e->dead ? "D" : "");
}

static bool
fetch_term_events(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct strm *strm = strm_of_txn(t);
	struct text out;

	(void)arg;
	if (strm == NULL)
		return (false);
	text_init(&out);
	text_addz(&out, "{");
	add_events(&out, strm->cli);
	text_addz(&out, ",-,");
	add_exchange_events(&out, strm->cli, strm->req_done);
	text_printf(&out, ",%s,", t->why == WHY_OK ? "" :
	    why_rows[t->why].name);
	add_exchange_events(&out, strm->srv, strm->res_done);
	text_addz(&out, ",-,");
	add_events(&out, strm->srv);
	text_addz(&out, "}");
	s->str = arena_span(t->arena, text_span(&out));
	text_fini(&out);
	return (s->str.p != NULL);
}

FETCH(term_events) = {
	.name = "term_events", .args = "", .out = SMP_STR,
	.stages = SMP_ANYWHERE | SMP_AT(CLI), .run = fetch_term_events,
	.fresh = true, .late = true,
	.doc = "How a stream came to its end, for developers: of the client "
	    "its connection, its protocol, its exchange; the stream; of the "
	    "server its exchange, its protocol, its connection. F an end was "
	    "read, R it broke, W we sent ours; G a message is complete, D its "
	    "end is dead; the stream's is the name of a reason; - is not "
	    "known. What is shown may change at any time.",
	.example = "log-format \"%ci:%cp %ts %[term_events]\"",
};
