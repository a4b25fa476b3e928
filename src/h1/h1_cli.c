/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_cli - the client side of HTTP/1: waits for requests, gives each to a
 * stream, and brings the connection to its end.
 */
#include "h1_conn.h"

#include <base/must.h>
#include <base/pool.h>
#include <os/fd.h>
#include <os/sock.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LINGER_MS 1000          /* for a peer that still sends */

static struct pool h1_conn_pool = POOL_INIT("h1_conn", sizeof(struct h1_conn));

static void on_client(void *arg, unsigned events);
static void on_client_due(struct tmr *);
static const struct mux_end_ops client_ops;

static const struct px *
frontend(const struct h1_conn *h)
{
	return (h->cli.listen->bind->px);
}

bool
h1_watch(struct h1_conn *h)
{
	if (h->conn.watched)
		return (true);
	if (conn_watch(&h->conn, h->end.client ? on_client : h1_on_server, h))
		return (true);
	h->end.dead = true;
	return (false);
}

static void
arm(struct h1_conn *h, int64_t ms)
{
	tmr_arm(&the_loop->wheel, &h->tmr,
	    ms == 0 ? CLOCK_NEVER : the_loop->now_ms + ms);
}

void
h1_client_free(struct h1_conn *h)
{
	h1_owned_close(h);
	if (__builtin_expect(px_opt(frontend(h), PX_OPT_NOLINGER), 0) &&
	    !h->conn.nolinger) {
		conn_shut(&h->conn);            /* it hears the end first */
		h->conn.nolinger = true;
	}
	if (h->counted) {
		fe_leave(fe_of(frontend(h)));
		srv_listen_leave(h->cli.listen);
	}
	h1_conn_free(h);
}

struct h1_conn *
h1_conn_new(bool client)
{
	struct h1_conn *h = pool_zget(&h1_conn_pool);

	if (h == NULL)
		return (NULL);
	h->magic = H1_CONN_MAGIC;
	h->conn.fd = -1;
	h->end.client = client;
	h1_may_travel(h);
	return (h);
}

struct h1_conn *
h1_client_new(const struct px_listen *listen)
{
	struct h1_conn *h = h1_conn_new(true);

	if (h == NULL)
		return (NULL);
	h->cli.listen = listen;
	list_init(&h->cli.owned);
	h->end.ops = &client_ops;
	tmr_init(&h->tmr, on_client_due);
	return (h);
}

void
h1_conn_free(struct h1_conn *h)
{
	MUST(h->end.strm == NULL);
	hand_leave(&h->hand);
	tmr_stop(&the_loop->wheel, &h->tmr);
	conn_close(&h->conn);
	if (!h->end.client)
		srv_conn_closed(h->srv.idle.srv);
	buf_drop(&h->in);
	buf_drop(&h->out);
	h->magic = 0;
	pool_put(&h1_conn_pool, h);
}

/* ---- the end of a connection ---- */

static void
linger(struct h1_conn *h)
{
	enum why why;

	do {
		h->in.off = h->in.len = 0;
		h->held = 0;
		why = h1_fill(h);
	} while (why == WHY_OK);
	buf_drop(&h->in);
	if (why != WHY_AGAIN)
		h1_client_free(h);
}

/* Send what is left, then close; softly when the client may still send, as a
 * reset would destroy what it has not read yet (RFC 9112 9.6). */
static void
finish(struct h1_conn *h)
{
	enum why why = h1_flush(h);

	if (why == WHY_AGAIN) {
		h->state = H1_FLUSH;
		arm(h, frontend(h)->timeout->client);
		return;
	}
	if (why != WHY_OK || px_opt(frontend(h), PX_OPT_NOLINGER) ||
	    h->conn.eof ||
	    (h->rx == H1_FLOW_NONE && h->in.len == 0 && !h->conn.can_in)) {
		h1_client_free(h);
		return;
	}
	conn_shut(&h->conn);
	h->state = H1_LINGER;
	arm(h, LINGER_MS);
	linger(h);
}

/* ---- between requests ---- */

static int64_t
wait_ms(const struct h1_conn *h)
{
	const struct px_timeouts *t = frontend(h)->timeout;

	if (h->state == H1_IDLE && !h->first && t->http_keep_alive != 0)
		return (t->http_keep_alive);
	return (t->http_request != 0 ? t->http_request : t->client);
}

/* Is there time left for the next request? The timer also means "look at
 * once" (client_done), and an event may have looked in the meantime. */
static bool
may_wait(const struct h1_conn *h)
{
	int64_t ms = wait_ms(h);

	return (ms == 0 || h->cli.since_us / 1000 + ms > the_loop->now_ms);
}

static void
await_request(struct h1_conn *h)
{
	h->state = H1_IDLE;
	h->rx = H1_FLOW_HEAD;
	h->scan = 0;
	h->cli.since_us = the_loop->now_us;
	h->cli.first_byte_us = 0;
	arm(h, wait_ms(h));
}

/* A stream for what is in the buffer, a request or a reason why it is none. */
static void
begin(struct h1_conn *h, struct http_head *head, size_t used, enum why why)
{
	struct buf head_buf = h->in;
	size_t rest = h->in.len - used;
	int64_t wall_lag = the_loop->now_us - h->cli.since_us;
	struct mux_begin b = {
		.listen = h->cli.listen, .head = head, .buf = &head_buf,
		.why = why, .req_no = ++h->req_no,
		.accept_us = h->cli.since_us,
		.accept_wall_us = the_loop->wall_us - wall_lag,
		.handshake_us = h->first ? h->cli.handshake_us : 0,
		.first_byte_us = h->cli.first_byte_us,
		.head_bytes = used,
	};

	h->in = (struct buf){ 0 };
	if (rest > 0) {
		if (!buf_hold(&h->in)) {
			rest = 0;
			h->end.close = true;
		}
		memcpy(h->in.data, head_buf.data + head_buf.off + used, rest);
		buf_wrote(&h->in, rest);
		head_buf.len = (uint32_t)used;
	}
	h->state = H1_BUSY;
	h->scan = 0;
	h->tx = H1_FLOW_NONE;
	h->tx_open = true;              /* until a response is complete */
	h->end.got = used;
	h->end.put = 0;
	if (__builtin_expect(h->end.strm != NULL, 0))
		mux_stream->message(&h->end, &b);
	else
		h->end.strm = mux_stream->open(&h->end, &b);
	buf_drop(&head_buf);
	if (h->end.strm == NULL) {
		if (b.head != NULL)
			http_head_free(b.head);
		h1_client_free(h);
		return;
	}
	mux_stream->wake(&h->end);
}

static void
refuse(struct h1_conn *h, enum why why, size_t bad)
{
	if (why_rows[why].status >= 400 && why != WHY_CLI_REQ_TIMEOUT)
		mux_stream->malformed(&h->end, frontend(h), buf_peek(&h->in),
		    bad);
	h->end.close = true;
	h->want_close = true;
	h->rx = H1_FLOW_NONE;
	begin(h, NULL, h->in.len, why);
}

/* option http-use-proxy-header: what it wants of its connection is said by
 * Proxy-Connection. */
static void __attribute__((noinline, cold))
read_proxy_connection(struct h1_conn *h, struct http_head *head)
{
	h->proxied = http_is_proxied(head);
	if (!h->proxied)
		return;
	head->close |= http_has_item(head, HTTP_PROXY_CONNECTION,
	    SPAN("close"));
	head->keep_alive |= http_has_item(head, HTTP_PROXY_CONNECTION,
	    SPAN("keep-alive"));
}

static void
accept_request(struct h1_conn *h, struct http_head *head, size_t used)
{
	uint32_t most;

	if (__builtin_expect(px_opt(frontend(h), PX_OPT_HTTP_USE_PROXY_HEADER),
	    0))
		read_proxy_connection(h, head);
	h->http10 = head->minor == 0;
	h->meth = head->meth;
	h->end.close = h->http10 ? !head->keep_alive || head->close :
	    head->close;
	most = h1_most_requests(frontend(h));
	if (most != 0 && h->req_no + 1 >= most)
		h->end.close = true;
	h->want_close = false;
	h1_set_rx(h, head);
	begin(h, head, used, WHY_OK);
}

static size_t
head_limit(void)
{
	return (buf_size - px_model->global.maxrewrite);
}

static bool
no_line_yet(const struct h1_conn *h)
{
	return (span_find(buf_peek(&h->in), '\n') < 0);
}

/* What is wrong with a request that passes nonetheless is kept. */
static enum why __attribute__((noinline, cold))
relax(struct h1_conn *h, enum why why, size_t *scan, struct http_head *head,
    size_t *used, size_t *bad)
{
	size_t at = *bad;

	if (!px_opt(frontend(h), PX_OPT_ACCEPT_UNSAFE_REQUEST))
		return (why);
	why = h1_req_relax(why, buf_peek(&h->in), scan, head, used, bad);
	if (why == WHY_OK)
		mux_stream->malformed(&h->end, frontend(h), buf_peek(&h->in),
		    at);
	return (why);
}

/* Returns true when a request (or its refusal) was given to a stream. */
static bool
parse_request(struct h1_conn *h)
{
	struct http_head *head;
	size_t used = 0, bad = 0, scan = h->scan;
	enum why why;

	if (h->state == H1_IDLE) {
		h->state = H1_HEAD;
		h->got_bytes = true;
		h->cli.first_byte_us = the_loop->now_us;
		if (!h->first)
			arm(h, wait_ms(h));
	}
	if ((head = http_head_new()) == NULL) {
		refuse(h, WHY_NOMEM, 0);
		return (true);
	}
	why = h1_req_parse(buf_peek(&h->in), &scan, head, &used, &bad);
	if (why != WHY_OK && why != WHY_AGAIN)
		why = relax(h, why, &scan, head, &used, &bad);
	if (why == WHY_OK && used <= head_limit()) {
		accept_request(h, head, used);
		return (true);
	}
	http_head_free(head);
	h->scan = (uint32_t)scan;
	if (why == WHY_AGAIN && h->in.len < head_limit())
		return (false);
	if (why == WHY_AGAIN || why == WHY_OK)
		why = no_line_yet(h) ? WHY_REQ_URI_LONG : WHY_REQ_HEAD_LONG;
	refuse(h, why, bad);
	return (true);
}

/* The client closed before a request was complete. */
static void
lost_client(struct h1_conn *h)
{
	if (h->state == H1_IDLE && !h->first) {
		h1_client_free(h);
		return;
	}
	refuse(h, h->got_bytes ? WHY_CLI_ABORT : WHY_CLI_NO_REQUEST, 0);
}

void
h1_serve(struct h1_conn *h)
{
	enum why why;

	if (h->in.len > 0 && parse_request(h))
		return;
	for (;;) {
		why = h1_fill(h);
		if (why == WHY_AGAIN)
			return;
		if (why != WHY_OK) {
			lost_client(h);
			return;
		}
		if (parse_request(h))
			return;
	}
}

/* While connections go over to the next generation, this is its request. */
static void
read_request(struct h1_conn *h)
{
	if (!hand_first(&h->hand))
		h1_serve(h);
}

/* ---- what may have to come first ---- */

/* Nothing of the first request was looked at so far. */
static void
begin_session(struct h1_conn *h)
{
	if (mux_stream->session(&h->conn, h->cli.listen))
		read_request(h);
	else
		h1_client_free(h);
}

static void
greet(struct h1_conn *h)
{
	enum why why = conn_greet(&h->conn);

	if (why == WHY_AGAIN) {
		if (!h1_watch(h))
			h1_client_free(h);
		return;
	}
	if (why != WHY_OK) {
		refuse(h, why, 0);
		return;
	}
	h->cli.handshake_us = the_loop->now_us - h->cli.since_us;
	h->state = H1_IDLE;
	arm(h, wait_ms(h));             /* the request has its own time */
	begin_session(h);
}

static void
begin_greeting(struct h1_conn *h)
{
	const struct px_timeouts *t = frontend(h)->timeout;

	h->state = H1_GREET;
	arm(h, t->client_hs != 0 ? t->client_hs : t->client);
	greet(h);
}

/* ---- events ---- */

static void
on_client(void *arg, unsigned events)
{
	struct h1_conn *h = OBJ(arg, struct h1_conn, H1_CONN_MAGIC);

	conn_edge(&h->conn, events);
	switch ((enum h1_state)h->state) {
	case H1_BUSY:
		if (events & LOOP_ERR)
			h->end.dead = true;
		if (h->out.len > 0 && h->conn.can_out)
			(void)h1_flush(h);
		mux_stream->wake(&h->end);
		break;
	case H1_IDLE:
	case H1_HEAD:
		if (h->out.len > 0 && h->conn.can_out)
			(void)h1_flush(h);
		if (h->conn.can_in)
			read_request(h);
		break;
	case H1_GREET:
		greet(h);
		break;
	case H1_FLUSH:
		finish(h);
		break;
	case H1_LINGER:
		linger(h);
		break;
	case H1_CLOSED:
		break;
	}
}

static void
on_client_due(struct tmr *t)
{
	struct h1_conn *h = OBJ(HOLDER(t, struct h1_conn, tmr),
	    struct h1_conn, H1_CONN_MAGIC);

	switch ((enum h1_state)h->state) {
	case H1_BUSY:
		mux_stream->expired(&h->end);
		break;
	case H1_IDLE:
		if (h->in.len > 0 || h->conn.can_in) {
			arm(h, wait_ms(h));
			read_request(h);        /* pipelined */
		} else if (may_wait(h)) {
			arm(h, wait_ms(h));
		} else if (h->first) {
			refuse(h, WHY_CLI_REQ_TIMEOUT, 0);
		} else {
			h1_client_free(h);
		}
		break;
	case H1_HEAD:
		refuse(h, WHY_CLI_REQ_TIMEOUT, 0);
		break;
	case H1_GREET:
		refuse(h, conn_greet_late(&h->conn), 0);
		break;
	case H1_FLUSH:
	case H1_LINGER:
	case H1_CLOSED:
		h1_client_free(h);
		break;
	}
}

static void
client_accept(const struct px_listen *listen, int fd, const struct addr *peer)
{
	struct fe *fe = fe_of(listen->bind->px);
	struct h1_conn *h = h1_client_new(listen);

	if (h == NULL) {
		(void)close(fd);
		fe_leave(fe);
		return;
	}
	h->counted = true;
	srv_listen_enter(listen);
	h->first = true;
	h->end.connected = true;
	h->conn.peer = *peer;
	h->conn.has_peer = true;
	conn_take(&h->conn, fd);
	await_request(h);
	if (conn_accept(&h->conn, listen->bind))
		begin_greeting(h);
	else
		begin_session(h);       /* it may have come already */
}

/* ---- what the stream asks of a client end ---- */

static bool
may_keep(const struct h1_conn *h)
{
	return (!h->end.close && !h->stays && !mux_ending);
}

static enum why
client_send_head(struct mux_end *e, struct http_head *head)
{
	struct h1_conn *h = h1_of(e);
	struct h1_emit emit = { .body = head->body, .minor = head->minor,
	    .spelled = h1_spells(h), .proxied = h->proxied };

	if (head->status == 101 || head->body == HTTP_TUNNEL) {
		emit.upgrade = head->status == 101;
		emit.body = HTTP_TUNNEL;
		h->want_close = true;
	} else if (head->status >= 200) {
		if (emit.body == HTTP_CHUNKED && h->http10)
			emit.body = HTTP_UNTIL_CLOSE;
		/* A rule may have changed the method that the server saw. */
		if (h->meth == HTTP_HEAD)
			emit.body = HTTP_NO_BODY;
		h->want_close = emit.body == HTTP_UNTIL_CLOSE || !may_keep(h);
		emit.close = h->want_close;
		emit.keep_alive = !h->want_close && h->http10;
	}
	return (h1_queue_head(h, head, &emit));
}

/* The rest of a request body that is here already need not cost the
 * connection. */
static bool
request_over(struct h1_conn *h)
{
	if (h->rx == H1_FLOW_LENGTH && h->rx_left <= h->in.len) {
		buf_eat(&h->in, (size_t)h->rx_left);
		buf_drop_empty(&h->in);
		h->rx = H1_FLOW_NONE;
	}
	return (h->rx == H1_FLOW_NONE);
}

static enum why
client_reply(struct mux_end *e, const struct http_reply *r, bool head_only)
{
	struct h1_conn *h = h1_of(e);
	struct h1_emit emit = { .spelled = h1_spells(h),
	    .proxied = h->proxied };
	size_t n;

	h->want_close = r->close || r->raw.p != NULL || !may_keep(h) ||
	    !request_over(h);
	emit.close = h->want_close;
	emit.keep_alive = !h->want_close && h->http10;
	if (!buf_hold(&h->out))
		return (WHY_NOMEM);
	buf_align(&h->out);
	n = h1_emit_reply(buf_tail(&h->out), buf_room(&h->out), r, &emit,
	    head_only);
	if (n == 0)
		return (WHY_INTERNAL);
	buf_wrote(&h->out, n);
	e->put += n;
	h->tx = H1_FLOW_NONE;
	h->tx_open = false;
	return (h1_flush(h));
}

static void
client_done(struct mux_end *e, bool keep)
{
	struct h1_conn *h = h1_of(e);

	e->strm = NULL;
	if (h->held != 0) {
		buf_eat(&h->in, h->held);
		h->held = 0;
	}
	if (e->dead || h->conn.err) {
		h1_client_free(h);
		return;
	}
	if (!keep || h->want_close || h->tx_open || !may_keep(h) ||
	    !request_over(h)) {
		finish(h);
		return;
	}
	h->first = false;
	await_request(h);
	if (h->in.len > 0 || h->conn.can_in)
		tmr_arm_at_once(&the_loop->wheel, &h->tmr);
	else if (!h1_watch(h))
		h1_client_free(h);
}

static void
client_abort(struct mux_end *e, enum why why)
{
	struct h1_conn *h = h1_of(e);

	e->strm = NULL;
	/* Where the end of the connection is the end of the message, only a
	 * reset says that it is not whole. */
	h->conn.nolinger = px_opt(frontend(h), PX_OPT_NOLINGER) ||
	    h->tx == H1_FLOW_CLOSE ||
	    (h->tx == H1_FLOW_TUNNEL && why == WHY_SRV_ABORT);
	h1_client_free(h);
}

static void
client_watch(struct mux_end *e)
{
	(void)h1_watch(h1_of(e));
}

/* The newest one that it has for itself. */
static struct srv *
client_kept_srv(struct mux_end *e, const struct be *be)
{
	const struct list *owned = &h1_of(e)->cli.owned;

	for (struct list *n = owned->prev; n != owned; n = n->prev) {
		struct srv *srv = LIST_ITEM(n, struct srv_idle, node)->srv;

		if (srv->be == be)
			return (srv);
	}
	return (NULL);
}

static const struct mux_end_ops client_ops = {
	.name = "h1",
	.http = true,
	.kept_srv = client_kept_srv,
	.watch = client_watch,
	.peek = h1_end_peek,
	.gather = h1_end_gather,
	.eat = h1_end_eat,
	.send_head = client_send_head,
	.send = h1_end_send,
	.send_reply = client_reply,
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
	.done = client_done,
	.abort = client_abort,
};

/* What came and was not read yet would be reset. */
void
h1_stay(struct h1_conn *h)
{
	h->stays = true;
	if (h->state != H1_IDLE || h->in.len > 0 || h->out.len > 0)
		return;
	if (sock_has_bytes(h->conn.fd)) {
		h->conn.can_in = true;
		h1_serve(h);
		return;
	}
	hand_closed(&h->hand);
	h1_client_free(h);
}

void
h1_stay_politely(struct h1_conn *h)
{
	h->stays = true;
	if (!h->first && !px_opt(frontend(h), PX_OPT_IDLE_CLOSE_ON_RESPONSE))
		h1_stay(h);
}

static void
close_if_idle(void *arg)
{
	struct h1_conn *h = OBJ(arg, struct h1_conn, H1_CONN_MAGIC);

	if (!h->frozen && mux_is_due(h))
		h1_stay_politely(h);
}

static void
client_leave(void)
{
	loop_each(the_loop, on_client, close_if_idle);
}


MUX_PROTO(h1) = {
	.name = "h1",
	.mode = PX_HTTP,
	.accept = client_accept,
	.connect = h1_server_connect,
	.look = h1_look,
	.take = h1_take,
	.leave = client_leave,
	.thaw = h1_thaw,
};
