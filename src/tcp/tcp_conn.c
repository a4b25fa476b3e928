/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_conn - connections of mode tcp: a stream begins with the connection,
 * and its payload is whatever comes.
 */
#include "tcp_int.h"

#include <base/pool.h>
#include <os/fd.h>
#include <os/sock.h>

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

static struct pool tcp_conn_pool = POOL_INIT("tcp_conn",
    sizeof(struct tcp_conn));

static const struct mux_end_ops tcp_ops;

static void on_event(void *arg, unsigned events);
static void on_due(struct tmr *);

struct tcp_conn *
tcp_conn_new(bool client)
{
	struct tcp_conn *t = pool_zget(&tcp_conn_pool);

	if (t == NULL)
		return (NULL);
	t->magic = TCP_CONN_MAGIC;
	t->conn.fd = -1;
	t->end.ops = &tcp_ops;
	t->end.client = client;
	tmr_init(&t->tmr, on_due);
	if (client)
		tcp_may_travel(t);
	else
		list_init(&t->hand.node);
	return (t);
}

void
tcp_conn_free(struct tcp_conn *t)
{
	MUST(t->end.strm == NULL);
	hand_leave(&t->hand);
	if (t->counted) {
		fe_leave(fe_of(t->listen->bind->px));
		srv_listen_leave(t->listen);
	}
	tmr_stop(&the_loop->wheel, &t->tmr);
	conn_close(&t->conn);
	buf_drop(&t->in);
	buf_drop(&t->out);
	t->magic = 0;
	pool_put(&tcp_conn_pool, t);
}

static enum why
cut_short(const struct tcp_conn *t)
{
	return (t->end.client ? WHY_CLI_ABORT : WHY_SRV_ABORT);
}

/* ---- client connections ---- */

static void
begin(struct tcp_conn *t, enum why why)
{
	struct mux_begin b = {
		.listen = t->listen, .why = why, .req_no = 1,
		.accept_us = t->accept_us,
		.accept_wall_us = the_loop->wall_us -
		    (the_loop->now_us - t->accept_us),
		.handshake_us = the_loop->now_us - t->accept_us,
		.first_byte_us = the_loop->now_us,
	};

	t->end.strm = mux_stream->open(&t->end, &b);
	if (t->end.strm == NULL)
		tcp_conn_free(t);
	else
		mux_stream->wake(&t->end);
}

static void
begin_session(struct tcp_conn *t)
{
	if (mux_stream->session(&t->conn, t->listen))
		begin(t, WHY_OK);
	else
		tcp_conn_free(t);
}

static void
greet(struct tcp_conn *t)
{
	enum why why = conn_greet(&t->conn);

	if (why == WHY_AGAIN)
		return;
	t->greets = false;
	if (why == WHY_OK)
		begin_session(t);
	else
		begin(t, why);
}

static void
client_accept(const struct px_listen *listen, int fd, const struct addr *peer)
{
	struct fe *fe = fe_of(listen->bind->px);
	struct tcp_conn *t = tcp_conn_new(true);
	const struct px_timeouts *out = listen->bind->px->timeout;
	int64_t ms = out->client_hs != 0 ? out->client_hs : out->client;

	if (t == NULL) {
		(void)close(fd);
		fe_leave(fe);
		return;
	}
	t->listen = listen;
	t->counted = true;
	srv_listen_enter(listen);
	t->accept_us = the_loop->now_us;
	t->conn.peer = *peer;
	t->conn.has_peer = true;
	t->end.connected = true;
	if (!conn_open(&t->conn, fd, on_event, t)) {
		tcp_conn_free(t);
		return;
	}
	if (!conn_accept(&t->conn, listen->bind)) {
		begin_session(t);
		return;
	}
	t->greets = true;
	tmr_arm(&the_loop->wheel, &t->tmr, ms == 0 ? CLOCK_NEVER :
	    the_loop->now_ms + ms);
}

/* ---- server connections ---- */

static struct mux_end *
server_connect(struct srv *srv, struct txn *txn, bool reuse, void *strm,
    enum why *err)
{
	struct xprt_to to;
	struct tcp_conn *t;
	int fd;

	(void)reuse;
	if (srv->cfg->xprt != NULL)
		conn_ask(&to, srv->cfg, txn);
	if ((fd = srv_connect(srv, txn)) < 0) {
		*err = errno == EMFILE || errno == ENFILE ? WHY_NOFD :
		    WHY_SRV_REFUSED;
		return (NULL);
	}
	if ((t = tcp_conn_new(false)) == NULL) {
		fd_close(&fd);
		*err = WHY_NOMEM;
		return (NULL);
	}
	t->srv = srv;
	t->conn.connecting = true;
	*err = WHY_NOFD;
	if (!conn_open(&t->conn, fd, on_event, t) ||
	    !srv_begin(srv, txn, &to, &t->conn, &t->out)) {
		tcp_conn_free(t);
		return (NULL);
	}
	t->end.strm = strm;
	return (&t->end);
}

/* ---- events ---- */

static enum why flush(struct tcp_conn *);

static void
settle_connect(struct tcp_conn *t, unsigned events)
{
	if (!t->conn.connecting || (events & (LOOP_OUT | LOOP_ERR)) == 0)
		return;
	t->conn.connecting = false;
	if (events & LOOP_ERR) {
		t->conn.sys_errno = sock_error(t->conn.fd);
		t->end.dead = true;
		return;
	}
	t->end.connected = !t->conn.wait_hello;
	(void)flush(t);
}

static void
greet_server(struct tcp_conn *t)
{
	enum why why;

	if (t->conn.connecting || t->end.dead ||
	    (why = conn_greet(&t->conn)) == WHY_AGAIN)
		return;
	t->end.connected = why == WHY_OK;
	t->end.dead = why != WHY_OK;
	t->end.why = (uint8_t)why;
}

static void
on_event(void *arg, unsigned events)
{
	struct tcp_conn *t = OBJ(arg, struct tcp_conn, TCP_CONN_MAGIC);

	conn_edge(&t->conn, events);
	settle_connect(t, events);
	if (t->greets) {
		greet(t);
		return;
	}
	if (t->conn.wait_hello)
		greet_server(t);
	mux_stream->wake(&t->end);
}

static void
on_due(struct tmr *tmr)
{
	struct tcp_conn *t = OBJ(HOLDER(tmr, struct tcp_conn, tmr),
	    struct tcp_conn, TCP_CONN_MAGIC);

	if (t->greets) {
		t->greets = false;
		begin(t, conn_greet_late(&t->conn));
	} else {
		mux_stream->expired(&t->end);
	}
}

bool
tcp_watch(struct tcp_conn *t)
{
	return (conn_watch(&t->conn, on_event, t));
}

/* ---- what the stream asks of an end ---- */

static enum why
tcp_peek(struct mux_end *e, struct span *data, struct span *trailers)
{
	struct tcp_conn *t = tcp_of(e);

	(void)trailers;
	e->last = false;
	if (t->in.len == 0) {
		if (t->conn.eof)
			return (t->conn.err ? cut_short(t) : WHY_EOF);
		if (!t->conn.can_in)
			return (WHY_AGAIN);
		if (!buf_hold(&t->in))
			return (WHY_NOMEM);
		switch (conn_fill(&t->conn, &t->in)) {
		case 0:
			buf_drop(&t->in);
			return (WHY_AGAIN);
		case -1:
			e->eof = true;
			buf_drop(&t->in);
			return (t->conn.err ? cut_short(t) : WHY_EOF);
		default:
			break;
		}
	} else if (t->conn.can_in && !t->conn.eof && buf_room(&t->in) != 0 &&
	    conn_fill(&t->conn, &t->in) == -1)
		e->eof = true;          /* more for those who only look */
	*data = buf_peek(&t->in);
	return (WHY_OK);
}

static void
tcp_eat(struct mux_end *e, size_t n)
{
	struct tcp_conn *t = tcp_of(e);

	e->got += n;
	buf_eat(&t->in, n);
	buf_drop_empty(&t->in);
}

static enum why
flush(struct tcp_conn *t)
{
	struct iovec v = { t->out.data + t->out.off, t->out.len };
	ssize_t put;

	if (t->out.len == 0)
		return (WHY_OK);
	if (!t->conn.can_out || t->conn.connecting)
		return (WHY_AGAIN);
	if ((put = t->conn.xprt->send(&t->conn, &v, 1)) < 0) {
		t->end.dead = true;
		return (cut_short(t));
	}
	buf_eat(&t->out, (size_t)put);
	buf_drop_empty(&t->out);
	return (t->out.len == 0 ? WHY_OK : WHY_AGAIN);
}

static enum why
tcp_send(struct mux_end *e, struct span data, struct span trailers,
    unsigned flags, size_t *taken)
{
	struct tcp_conn *t = tcp_of(e);
	struct iovec v = { (char *)(uintptr_t)data.p, data.n };
	enum why why;
	ssize_t put;

	(void)trailers;
	(void)flags;
	*taken = 0;
	if (e->dead)
		return (cut_short(t));
	if ((why = flush(t)) != WHY_OK || data.n == 0)
		return (why);
	if (!t->conn.can_out || t->conn.connecting)
		return (WHY_AGAIN);
	if ((put = t->conn.xprt->send(&t->conn, &v, 1)) < 0) {
		e->dead = true;
		return (cut_short(t));
	}
	*taken = (size_t)put;
	e->put += *taken;
	return (*taken == data.n ? WHY_OK : WHY_AGAIN);
}

static size_t
tcp_unsent(struct mux_end *e)
{
	return (tcp_of(e)->out.len);
}

static void
tcp_shut(struct mux_end *e)
{
	conn_shut(&tcp_of(e)->conn);
}

static void
tcp_tunnel(struct mux_end *e)
{
	(void)e;                        /* it never was anything else */
}

static int
tcp_splice_in(struct mux_end *e, uint64_t *left)
{
	struct tcp_conn *t = tcp_of(e);

	if (t->in.len > 0 || t->conn.eof || !t->conn.xprt->raw)
		return (-1);            /* (an end that was read is no edge) */
	*left = UINT64_MAX;
	return (t->conn.fd);
}

static void
tcp_spliced_in(struct mux_end *e, uint64_t n)
{
	e->got += n;
}

static int
tcp_splice_out(struct mux_end *e, uint64_t n)
{
	struct tcp_conn *t = tcp_of(e);

	(void)n;
	return (t->out.len > 0 || !t->conn.xprt->raw || e->dead ? -1 :
	    t->conn.fd);
}

static void
tcp_spliced_out(struct mux_end *e, uint64_t n)
{
	e->put += n;
}

static struct conn *
tcp_get_conn(struct mux_end *e)
{
	return (&tcp_of(e)->conn);
}

static void
tcp_deadline(struct mux_end *e, int64_t due_ms)
{
	tmr_arm(&the_loop->wheel, &tcp_of(e)->tmr, due_ms);
}

static bool
wants_reset(const struct tcp_conn *t)
{
	const struct px *px = t->end.client ? t->listen->bind->px :
	    t->srv->be->px;

	return (px_opt(px, PX_OPT_NOLINGER));
}

/* The peer hears the end, and it is not waited for what he makes of it. */
static void
leave(struct tcp_conn *t)
{
	conn_shut(&t->conn);
	t->conn.nolinger = true;
}

static void
tcp_done(struct mux_end *e, bool keep)
{
	struct tcp_conn *t = tcp_of(e);

	(void)keep;
	e->strm = NULL;
	if (wants_reset(t) && e->client)
		leave(t);
	t->conn.nolinger = wants_reset(t);
	tcp_conn_free(t);
}

/* It is given up, with the port that it would keep for a minute. In a tunnel
 * both sides are late at the same time, and the client's is looked at first. */
static bool
server_is_late(const struct tcp_conn *t, enum why why)
{
	return (!t->end.client && (why == WHY_SRV_TIMEOUT ||
	    (why == WHY_CLI_TIMEOUT && t->tmr.due_ms <= the_loop->now_ms)));
}

static void
tcp_abort(struct mux_end *e, enum why why)
{
	struct tcp_conn *t = tcp_of(e);

	e->strm = NULL;
	t->conn.nolinger = wants_reset(t) || why == WHY_CLI_ABORT ||
	    why == WHY_SRV_ABORT;       /* a reset becomes one */
	if (!t->conn.nolinger && server_is_late(t, why))
		leave(t);
	tcp_conn_free(t);
}

static void
tcp_give(struct mux_end *e, struct mux_given *g)
{
	struct tcp_conn *t = tcp_of(e);

	conn_move(g->conn, &t->conn);
	g->in = t->in;
	t->in = (struct buf){ 0 };
	g->listen = t->listen;
	g->counted = t->counted;
	t->counted = false;
	e->strm = NULL;
	tcp_conn_free(t);
}

static const struct mux_end_ops tcp_ops = {
	.name = "tcp",
	.peek = tcp_peek,
	.eat = tcp_eat,
	.send = tcp_send,
	.unsent = tcp_unsent,
	.shut = tcp_shut,
	.tunnel = tcp_tunnel,
	.splice_in = tcp_splice_in,
	.spliced_in = tcp_spliced_in,
	.splice_out = tcp_splice_out,
	.spliced_out = tcp_spliced_out,
	.conn = tcp_get_conn,
	.deadline = tcp_deadline,
	.done = tcp_done,
	.abort = tcp_abort,
	.give = tcp_give,
	.may_cross = tcp_may_cross,
	.freeze = tcp_freeze,
	.gone = tcp_gone,
	.back = tcp_back,
};

MUX_PROTO(tcp) = {
	.name = "tcp",
	.mode = PX_TCP,
	.accept = client_accept,
	.connect = server_connect,
	.thaw = tcp_thaw,
};
