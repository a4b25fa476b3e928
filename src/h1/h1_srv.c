/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_srv - the server side of HTTP/1: connects or takes an idle connection,
 * reads responses, and gives the connection back to the pool.
 */
#include "h1_conn.h"

#include <base/must.h>
#include <base/pool.h>
#include <os/fd.h>
#include <os/sock.h>

#include <errno.h>

static const struct mux_end_ops server_ops;

/* Nobody needs it any more, nor the TIME_WAIT that would keep its port from
 * the next connection to that server. */
static void
part(struct h1_conn *h)
{
	h->conn.quits = true;
	h1_conn_free(h);
}

static void
server_free(struct h1_conn *h)
{
	if (h->in_pool)
		srv_idle_gone(&h->srv.idle);
	else
		list_del(&h->srv.idle.node);
	part(h);
}

static void
close_idle(struct srv_idle *i)
{
	struct h1_conn *h = HOLDER(i, struct h1_conn, srv.idle);

	if (mux_leaving)
		hand_closed(&h->hand);
	h->in_pool = false;
	part(h);
}

/* Nothing came for an exchange. What did come may have been for the transport
 * alone, such as a ticket for the next session. */
static bool
is_silent(struct h1_conn *h)
{
	char byte;

	return (!h->conn.xprt->raw && !h->conn.hup &&
	    h->conn.xprt->recv(&h->conn, &byte, 1) == 0);
}

static void
greet_server(struct h1_conn *h)
{
	enum why why = conn_greet(&h->conn);

	if (why == WHY_AGAIN)
		return;
	h->end.connected = why == WHY_OK;
	h->end.dead = why != WHY_OK;
	h->end.why = (uint8_t)why;
}

/* ---- events ---- */

void
h1_on_server(void *arg, unsigned events)
{
	struct h1_conn *h = OBJ(arg, struct h1_conn, H1_CONN_MAGIC);

	conn_edge(&h->conn, events);
	if (h->state != H1_BUSY) {              /* idle: bytes or the end */
		if ((events & (LOOP_IN | LOOP_HUP | LOOP_ERR)) != 0 &&
		    !is_silent(h))
			server_free(h);
		return;
	}
	if (h->conn.connecting && (events & (LOOP_OUT | LOOP_ERR)) != 0) {
		h->conn.connecting = false;
		h->conn.sys_errno = events & LOOP_ERR ?
		    sock_error(h->conn.fd) : 0;
		if (events & LOOP_ERR)
			h->end.dead = true;
		else
			h->end.connected = !h->conn.wait_hello;
	}
	if (__builtin_expect(h->conn.wait_hello, 0) && !h->conn.connecting &&
	    !h->end.dead)
		greet_server(h);
	if (h->out.len > 0 && h->conn.can_out && !h->end.dead)
		(void)h1_flush(h);
	mux_stream->wake(&h->end);
}

static void
on_server_due(struct tmr *t)
{
	struct h1_conn *h = OBJ(HOLDER(t, struct h1_conn, tmr),
	    struct h1_conn, H1_CONN_MAGIC);

	if (h->state == H1_BUSY)
		mux_stream->expired(&h->end);
	else
		server_free(h);
}

/* ---- a connection for a stream ---- */

/* http-reuse never: a connection serves one client, all its requests. */
static struct h1_conn *
take_owned(struct srv *srv, struct span name, uint64_t pp_key,
    struct h1_conn *owner)
{
	if (owner == NULL)
		return (NULL);
	LIST_EACH(n, &owner->cli.owned) {
		struct srv_idle *i = LIST_ITEM(n, struct srv_idle, node);

		if (i->srv != srv || !srv_idle_fits(i, name, pp_key))
			continue;
		list_del(&i->node);
		return (OBJ(HOLDER(i, struct h1_conn, srv.idle),
		    struct h1_conn, H1_CONN_MAGIC));
	}
	return (NULL);
}

void
h1_owned_close(struct h1_conn *client)
{
	LIST_EACH(n, &client->cli.owned) {
		struct srv_idle *i = LIST_ITEM(n, struct srv_idle, node);

		list_del(&i->node);
		part(HOLDER(i, struct h1_conn, srv.idle));
	}
}

/* A client tries again by itself when its connection ends, but not with its
 * first request: that one gets a connection of its own, or, with aggressive,
 * one that was shared before and stood it. */
static struct h1_conn *
take_shared(struct srv *srv, struct span name, uint64_t pp_key,
    struct txn *txn)
{
	enum px_reuse reuse = srv->be->px->reuse;
	struct srv_idle *i;
	struct h1_conn *h;

	if (txn->first && reuse == PX_REUSE_SAFE)
		return (NULL);
	i = srv_idle_get(srv, name, pp_key, txn->first &&
	    reuse == PX_REUSE_AGGRESSIVE);
	if (i == NULL)
		return (NULL);
	h = OBJ(HOLDER(i, struct h1_conn, srv.idle), struct h1_conn,
	    H1_CONN_MAGIC);
	h->in_pool = false;
	return (h);
}

static struct h1_conn *
take_idle(struct srv *srv, struct span name, uint64_t pp_key, struct txn *txn)
{
	struct h1_conn *h = srv->be->px->reuse == PX_REUSE_NEVER ?
	    take_owned(srv, name, pp_key, h1_owner(txn)) :
	    take_shared(srv, name, pp_key, txn);

	if (h != NULL)
		h->end.reused = true;
	return (h);
}

static enum why
connect_failed(void)
{
	switch (errno) {
	case EMFILE:
	case ENFILE:
		return (WHY_NOFD);
	case ENOMEM:
	case ENOBUFS:
		return (WHY_NOMEM);
	default:
		return (WHY_SRV_REFUSED);
	}
}

struct h1_conn *
h1_server_new(struct srv *srv)
{
	struct h1_conn *h = h1_conn_new(false);

	if (h == NULL)
		return (NULL);
	h->end.ops = &server_ops;
	h->srv.idle.srv = srv;
	h->srv.idle.moves = srv->moves;
	h->srv.idle.close = close_idle;
	list_init(&h->srv.idle.node);
	tmr_init(&h->tmr, on_server_due);
	return (h);
}

static struct h1_conn *
open_new(struct srv *srv, struct txn *txn, struct xprt_to *to, enum why *err)
{
	struct h1_conn *h;
	int fd;

	if (!srv_conn_enter(srv)) {
		*err = WHY_AGAIN;
		return (NULL);
	}
	if ((fd = srv_connect(srv, txn)) < 0) {
		*err = connect_failed();
		srv_conn_closed(srv);
		return (NULL);
	}
	if ((h = h1_server_new(srv)) == NULL) {
		fd_close(&fd);
		srv_conn_closed(srv);
		*err = WHY_NOMEM;
		return (NULL);
	}
	h->conn.connecting = true;
	if (!conn_open(&h->conn, fd, h1_on_server, h)) {
		h1_conn_free(h);
		*err = WHY_NOFD;
		return (NULL);
	}
	if (!srv_begin(srv, txn, to, &h->conn, &h->out)) {
		h1_conn_free(h);
		*err = WHY_NOMEM;
		return (NULL);
	}
	h->srv.idle.name = to->name;
	return (h);
}

struct mux_end *
h1_server_connect(struct srv *srv, struct txn *txn, bool reuse, void *strm,
    enum why *err)
{
	struct xprt_to to;
	struct h1_conn *h;
	uint64_t pp_key;

	to.name = SPAN_NONE;
	if (__builtin_expect(srv->cfg->xprt != NULL, 0))
		conn_ask(&to, srv->cfg, txn);
	pp_key = srv_pp_key(srv, txn);
	h = reuse ? take_idle(srv, to.name, pp_key, txn) : NULL;
	if (h == NULL && (h = open_new(srv, txn, &to, err)) == NULL)
		return (NULL);
	h->srv.idle.pp_key = pp_key;
	h->state = H1_BUSY;
	h->req_no++;
	h->rx = H1_FLOW_HEAD;
	h->tx = H1_FLOW_NONE;
	h->scan = 0;
	h->meth = txn->meth;
	h->proxied = txn_is_proxied(txn);
	h->srv.owner = h1_owner(txn);
	h->end.strm = strm;
	h->end.close = !srv_may_reuse(srv, h->req_no);
	h->end.got = h->end.put = 0;
	return (&h->end);
}

/* ---- what the stream asks of a server end ---- */

static enum why
server_send_head(struct mux_end *e, struct http_head *head)
{
	struct h1_conn *h = h1_of(e);
	struct h1_emit emit = {
		.body = head->body, .minor = head->minor,
		.spelled = h1_spells(h), .proxied = h->proxied,
		.close = e->close, .upgrade = head->upgrade,
		.keep_alive = head->minor == 0 && !e->close,
	};

	h->meth = head->meth;
	return (h1_queue_head(h, head, &emit));
}

static enum why
bad_response(struct h1_conn *h, enum why why, size_t at)
{
	mux_stream->malformed(&h->end, h->srv.idle.srv->be->px, buf_peek(&h->in),
	    at);
	h->end.close = true;
	return (why);
}

/* What is wrong with a response that passes nonetheless is kept. */
static enum why __attribute__((noinline, cold))
relax(struct h1_conn *h, enum why why, size_t *scan, struct http_head *head,
    size_t *used, size_t *bad)
{
	size_t at = *bad;

	if (!px_opt(h->srv.idle.srv->be->px, PX_OPT_ACCEPT_UNSAFE_RESPONSE))
		return (why);
	why = h1_res_relax(why, buf_peek(&h->in), scan, h->meth, head, used,
	    bad);
	if (why == WHY_OK)
		mux_stream->malformed(&h->end, h->srv.idle.srv->be->px,
		    buf_peek(&h->in), at);
	return (why);
}

static enum why
server_head(struct mux_end *e, struct http_head *head)
{
	struct h1_conn *h = h1_of(e);
	size_t used, bad = 0, scan;
	enum why why;

	if (h->held != 0) {
		buf_eat(&h->in, h->held);
		h->held = 0;
	}
	if (h->rx != H1_FLOW_HEAD)
		return (WHY_EOF);
	for (;;) {
		scan = h->scan;
		why = h->in.len == 0 ? WHY_AGAIN : h1_res_parse(
		    buf_peek(&h->in), &scan, h->meth, head, &used, &bad);
		if (why != WHY_OK && why != WHY_AGAIN)
			why = relax(h, why, &scan, head, &used, &bad);
		h->scan = (uint32_t)scan;
		if (why == WHY_OK)
			break;
		if (why != WHY_AGAIN)
			return (bad_response(h, why, bad));
		if (h->in.len == buf_size)
			return (bad_response(h, WHY_RES_HEAD_LONG, 0));
		if ((why = h1_fill(h)) != WHY_OK)
			return (why == WHY_EOF ? WHY_SRV_ABORT : why);
	}
	h->scan = 0;
	h->held = (uint32_t)used;
	e->got += used;
	if (head->status >= 100 && head->status < 200 && head->status != 101)
		return (WHY_OK);                /* another head follows */
	if (head->minor == 0 ? !head->keep_alive || head->close : head->close)
		e->close = true;
	h1_set_rx(h, head);
	return (WHY_OK);
}

/* Bytes behind the response that a transport took from the socket already: no
 * edge will tell of them, and the next request must not take them for its
 * response. */
static bool
has_more(struct h1_conn *h)
{
	return (!h->conn.xprt->raw && h->conn.can_in && !is_silent(h));
}

/* The client's own from now on, unless it has enough of them. */
static void
keep_for_owner(struct h1_conn *h, struct h1_conn *owner)
{
	unsigned n = 0;

	if (owner == NULL || srv_conn_wanted(h->srv.idle.srv)) {
		part(h);
		return;
	}
	LIST_EACH(it, &owner->cli.owned)
		n++;
	if (n < h1_session_conns(owner->cli.listen->bind->px))
		list_push_back(&owner->cli.owned, &h->srv.idle.node);
	else
		part(h);
}

static void
server_done(struct mux_end *e, bool keep)
{
	struct h1_conn *h = h1_of(e);

	e->strm = NULL;
	if (h->held != 0) {
		buf_eat(&h->in, h->held);
		h->held = 0;
		buf_drop_empty(&h->in);
	}
	if (!keep || e->close || e->dead || e->eof || h->conn.hup ||
	    h->tx_open || h->rx != H1_FLOW_NONE || h->in.len > 0 ||
	    h->out.len > 0 || mux_ending || has_more(h) ||
	    srv_idle_is_old(&h->srv.idle)) {
		h->conn.nolinger = px_opt(h->srv.idle.srv->be->px, PX_OPT_NOLINGER);
		part(h);
		return;
	}
	h->state = H1_IDLE;
	h->srv.idle.safe = h->srv.idle.safe || h->end.reused;
	h->srv.idle.since_ms = the_loop->now_ms;
	tmr_arm(&the_loop->wheel, &h->tmr, CLOCK_NEVER);
	if (h->srv.idle.srv->be->px->reuse == PX_REUSE_NEVER)
		keep_for_owner(h, h->srv.owner);
	else if (srv_idle_keep(h->srv.idle.srv, &h->srv.idle))
		h->in_pool = true;
	else
		part(h);
}

static void
server_abort(struct mux_end *e, enum why why)
{
	struct h1_conn *h = h1_of(e);

	(void)why;
	e->strm = NULL;
	h->conn.nolinger = !h->conn.eof;        /* it need not go on */
	h1_conn_free(h);
}

static const struct mux_end_ops server_ops = {
	.name = "h1",
	.http = true,
	.head = server_head,
	.peek = h1_end_peek,
	.gather = h1_end_gather,
	.eat = h1_end_eat,
	.send_head = server_send_head,
	.send = h1_end_send,
	.unsent = h1_end_unsent,
	.shut = h1_end_shut,
	.tunnel = h1_end_tunnel,
	.splice_in = h1_end_splice_in,
	.spliced_in = h1_end_spliced_in,
	.splice_out = h1_end_splice_out,
	.spliced_out = h1_end_spliced_out,
	.number = h1_end_number,
	.conn = h1_end_conn,
	.deadline = h1_end_deadline,
	.done = server_done,
	.abort = server_abort,
	.may_cross = h1_may_cross,
	.freeze = h1_freeze,
	.gone = h1_gone,
	.back = h1_back,
};
