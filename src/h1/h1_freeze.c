/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_freeze - HTTP/1 connections written down for another worker and served
 * again there: clients in every state, with the stream that they have, and
 * idle connections to servers.
 *
 * A client takes the connections along that only it may use (http-reuse
 * never); a server connection that serves a stream goes with its client.
 */
#include "h1_conn.h"

#include <base/must.h>
#include <os/fd.h>
#include <stk/stk.h>

enum {                                  /* tags; never reused */
	TAG_CONN = 1, TAG_END = 2, TAG_STATE = 3, TAG_LISTEN = 4,
	TAG_STREAM = 5, TAG_OWNED = 6, TAG_SERVER = 7, TAG_BE = 8, TAG_SRV = 9,
	TAG_TRACKED = 10, TAG_SWITCHED = 11
};
#define OWNED_MAX 8                     /* that go along */

struct frozen {
	uint8_t state, rx, tx, meth;
	bool first, tx_open, http10, got_bytes, want_close, safe, proxied;
	uint8_t chunk_state, chunk_digits;
	uint16_t chunk_ext;
	uint64_t rx_left, tx_left, chunk_left, pp_key;
	uint32_t req_no;
	int64_t due_ms, since_us, handshake_us, first_byte_us;
	struct buf in, out;
	uint64_t way;
};

static const struct wire_field fields[] = {
	WIRE(1,  U8,   WIRE_REQUIRED, struct frozen, state),
	WIRE(2,  U8,   WIRE_REQUIRED, struct frozen, rx),
	WIRE(3,  U8,   WIRE_REQUIRED, struct frozen, tx),
	WIRE(4,  U8,   WIRE_REQUIRED, struct frozen, meth),
	WIRE(5,  BOOL, WIRE_REQUIRED, struct frozen, first),
	WIRE(6,  BOOL, WIRE_REQUIRED, struct frozen, tx_open),
	WIRE(7,  BOOL, WIRE_REQUIRED, struct frozen, http10),
	WIRE(8,  BOOL, WIRE_REQUIRED, struct frozen, got_bytes),
	WIRE(9,  BOOL, WIRE_REQUIRED, struct frozen, want_close),
	WIRE(10, BOOL, WIRE_REQUIRED, struct frozen, safe),
	WIRE(11, U8,   WIRE_REQUIRED, struct frozen, chunk_state),
	WIRE(12, U8,   WIRE_REQUIRED, struct frozen, chunk_digits),
	WIRE(13, U16,  WIRE_REQUIRED, struct frozen, chunk_ext),
	WIRE(14, U64,  WIRE_REQUIRED, struct frozen, rx_left),
	WIRE(15, U64,  WIRE_REQUIRED, struct frozen, tx_left),
	WIRE(16, U64,  WIRE_REQUIRED, struct frozen, chunk_left),
	WIRE(17, U32,  WIRE_REQUIRED, struct frozen, req_no),
	WIRE(18, I64,  WIRE_REQUIRED, struct frozen, due_ms),
	WIRE(19, I64,  WIRE_REQUIRED, struct frozen, since_us),
	WIRE(20, I64,  WIRE_REQUIRED, struct frozen, handshake_us),
	WIRE(21, I64,  WIRE_REQUIRED, struct frozen, first_byte_us),
	WIRE(22, BUF,  WIRE_OPTIONAL, struct frozen, in),
	WIRE(23, BUF,  WIRE_OPTIONAL, struct frozen, out),
	WIRE(24, BOOL, WIRE_OPTIONAL, struct frozen, proxied),
	WIRE(25, U64,  WIRE_OPTIONAL, struct frozen, pp_key),
	WIRE(26, U64,  WIRE_OPTIONAL, struct frozen, way),
	/* not frozen: held (eaten before), scan (found again), in_pool and
	 * counted (follow), owner (the stream's client end) */
	WIRE_END
};

/* ---- what both sides share ---- */

static void
put_common(const struct h1_conn *h, struct wire_out *out)
{
	struct frozen f = {
		.state = h->state, .rx = h->rx, .tx = h->tx, .meth = h->meth,
		.first = h->first, .tx_open = h->tx_open,
		.http10 = h->http10, .got_bytes = h->got_bytes,
		.want_close = h->want_close, .proxied = h->proxied,
		.chunk_state = h->rx_chunk.state,
		.chunk_digits = h->rx_chunk.digits,
		.chunk_ext = h->rx_chunk.ext_bytes,
		.chunk_left = h->rx_chunk.left,
		.rx_left = h->rx_left, .tx_left = h->tx_left,
		.req_no = h->req_no, .due_ms = h->tmr.due_ms,
		.in = h->in, .out = h->out,
	};
	size_t mark;

	if (h->held != 0)               /* nobody looks at these any more */
		buf_eat(&f.in, h->held);
	if (h->end.client) {
		f.since_us = h->cli.since_us;
		f.handshake_us = h->cli.handshake_us;
		f.first_byte_us = h->cli.first_byte_us;
	} else {
		f.safe = h->srv.idle.safe;
		f.pp_key = h->srv.idle.pp_key;
		f.way = srv_way_key(h->srv.idle.srv);
	}
	mark = wire_begin(out, TAG_CONN, WIRE_REQUIRED);
	conn_put(&h->conn, out);
	wire_end(out, mark);
	mark = wire_begin(out, TAG_END, WIRE_REQUIRED);
	mux_end_put(&h->end, out);
	wire_end(out, mark);
	mark = wire_begin(out, TAG_STATE, WIRE_REQUIRED);
	wire_put(out, fields, &f);
	wire_end(out, mark);
}

static bool
is_possible(const struct frozen *f, bool client)
{
	if (f->state > H1_CLOSED || f->rx > H1_FLOW_TUNNEL ||
	    f->tx > H1_FLOW_TUNNEL || f->meth > HTTP_PATCH ||
	    f->chunk_state > H1_CHUNK_DONE)
		return (false);
	return (client || f->state == H1_IDLE || f->state == H1_BUSY);
}

static void
restore(struct h1_conn *h, const struct frozen *f)
{
	h->state = f->state;
	if (f->state == H1_GREET)
		conn_greets(&h->conn);
	h->rx = f->rx;
	h->tx = f->tx;
	h->meth = f->meth;
	h->first = f->first;
	h->tx_open = f->tx_open;
	h->http10 = f->http10;
	h->got_bytes = f->got_bytes;
	h->want_close = f->want_close;
	h->proxied = f->proxied;
	h->rx_chunk = (struct h1_chunk){ .left = f->chunk_left,
		.state = f->chunk_state, .digits = f->chunk_digits,
		.ext_bytes = f->chunk_ext };
	h->rx_left = f->rx_left;
	h->tx_left = f->tx_left;
	h->req_no = f->req_no;
	if (h->end.client) {
		h->cli.since_us = f->since_us;
		h->cli.handshake_us = f->handshake_us;
		h->cli.first_byte_us = f->first_byte_us;
	} else {
		h->srv.idle.safe = f->safe;
		h->srv.idle.pp_key = f->pp_key;
		h->srv.idle.since_ms = the_loop->now_ms;
		if (f->way != 0 && f->way != srv_way_key(h->srv.idle.srv))
			h->srv.idle.moves--;
	}
	/* A deadline stays what it was; the next one is by the new settings. */
	tmr_arm(&the_loop->wheel, &h->tmr, f->due_ms);
}

/* `fd` is taken, but for what fails: then it is the caller's again. */
static bool
get_common(struct h1_conn *h, struct wire_in *in, int fd, const char **why)
{
	struct wire_in conn, end, state;
	struct frozen f = { .state = H1_CLOSED };

	*why = "its record is damaged";
	if (!wire_find_in(in, TAG_CONN, &conn) ||
	    !wire_find_in(in, TAG_END, &end) ||
	    !wire_find_in(in, TAG_STATE, &state))
		return (false);
	if (!wire_get(&state, fields, &f, NULL) ||
	    !is_possible(&f, h->end.client) || !mux_end_get(&h->end, &end) ||
	    !conn_get(&h->conn, &conn, fd)) {
		*why = state.err != NULL ? state.err : conn.err != NULL ?
		    conn.err : *why;
		buf_drop(&f.in);
		buf_drop(&f.out);
		return (false);
	}
	h->in = f.in;
	h->out = f.out;
	restore(h, &f);
	if (h1_watch(h))
		return (true);
	*why = "the kernel refuses to watch its socket";
	h->conn.fd = -1;
	return (false);
}

static void
stop_serving(struct h1_conn *h)
{
	int64_t due_ms = h->tmr.due_ms;

	h->frozen = true;
	tmr_stop(&the_loop->wheel, &h->tmr);
	h->tmr.due_ms = due_ms;         /* for serve_on() */
	if (h->conn.watched)
		loop_del(the_loop, h->conn.fd);
	h->conn.watched = false;
}

static void
serve_on(struct h1_conn *h)
{
	int64_t due_ms = h->tmr.due_ms;

	h->frozen = false;
	h->conn.can_in = h->conn.can_out = true;        /* edges were lost */
	if (!h1_watch(h))
		h->end.dead = true;
	tmr_arm(&the_loop->wheel, &h->tmr, due_ms);
}

/* ---- server ends of a stream ---- */

bool
h1_may_cross(const struct mux_end *e, const char **why)
{
	const struct h1_conn *h = HOLDER((struct mux_end *)(uintptr_t)e,
	    struct h1_conn, end);

	*why = "it is broken and about to end";
	return (!e->dead && conn_may_cross(&h->conn, why));
}

int
h1_freeze(struct mux_end *e, struct wire_out *out)
{
	struct h1_conn *h = h1_of(e);

	put_common(h, out);
	stop_serving(h);
	return (h->conn.fd);
}

void
h1_gone(struct mux_end *e)
{
	struct h1_conn *h = h1_of(e);

	e->strm = NULL;
	h->conn.nolinger = false;
	h1_conn_free(h);
}

void
h1_back(struct mux_end *e)
{
	serve_on(h1_of(e));
}

/* Undo a thaw: the descriptor is the caller's, no count is kept. */
static void
forget(struct h1_conn *h)
{
	(void)conn_detach(&h->conn);
	h1_conn_free(h);
}

static struct h1_conn *
thaw_server(struct wire_in *in, int fd, struct srv *srv, const char **why)
{
	struct h1_conn *h = h1_server_new(srv);

	*why = "out of memory";
	if (h == NULL)
		return (NULL);
	srv_conn_adopt(srv);
	if (get_common(h, in, fd, why)) {
		if (!srv_is_at(srv, &h->conn))
			h->srv.idle.moves--;
		return (h);
	}
	forget(h);
	return (NULL);
}

struct mux_end *
h1_thaw(struct wire_in *in, int fd, struct srv *srv, struct txn *txn,
    void *strm, const char **why)
{
	struct h1_conn *h = thaw_server(in, fd, srv, why);

	if (h == NULL)
		return (NULL);
	h->state = H1_BUSY;
	h->srv.owner = h1_owner(txn);
	h->end.strm = strm;
	return (&h->end);
}

/* ---- idle connections to servers ---- */

static struct h1_conn *
of_item(struct hand_item *i)
{
	return (OBJ(HOLDER(i, struct h1_conn, hand), struct h1_conn,
	    H1_CONN_MAGIC));
}

static const char *
server_what(const struct hand_item *i)
{
	const struct h1_conn *h = of_item((struct hand_item *)(uintptr_t)i);

	return (h->state == H1_IDLE && (h->in_pool || h->frozen) ?
	    "server-idle" : NULL);
}

static enum hand_when
server_can(struct hand_item *i, const char **why)
{
	struct h1_conn *h = of_item(i);

	if (h->state != H1_IDLE || !h->in_pool)
		return (HAND_ALONG);
	return (conn_may_cross(&h->conn, why) ? HAND_NOW : HAND_NEVER);
}

static void
put_server(struct h1_conn *h, struct wire_out *out)
{
	wire_put_bytes(out, TAG_BE, WIRE_REQUIRED,
	    span_str(h->srv.idle.srv->be->px->name));
	wire_put_bytes(out, TAG_SRV, WIRE_REQUIRED,
	    span_str(h->srv.idle.srv->cfg->name));
	put_common(h, out);
}

static struct srv *
find_server(struct wire_in *in, const char **why)
{
	struct span be_name, srv_name;
	const struct px *be;
	const struct px_server *cfg;

	*why = "its record is damaged";
	if (!wire_find(in, TAG_BE, &be_name) ||
	    !wire_find(in, TAG_SRV, &srv_name))
		return (NULL);
	*why = HAND_WHY_BACKEND;
	if ((be = px_find(px_model, be_name, PX_BE)) == NULL)
		return (NULL);
	*why = "its backend has another mode now";
	if (be->mode != PX_HTTP)
		return (NULL);
	*why = HAND_WHY_SERVER;
	return ((cfg = px_server_find(be, srv_name)) == NULL ? NULL :
	    srv_of(cfg));
}

static bool
server_freeze(struct hand_item *i, struct wire_out *out, int *fds,
    size_t *n_fds)
{
	struct h1_conn *h = of_item(i);

	put_server(h, out);
	stop_serving(h);
	srv_idle_gone(&h->srv.idle);
	h->in_pool = false;
	fds[(*n_fds)++] = h->conn.fd;
	return (true);
}

static void
server_gone(struct hand_item *i)
{
	struct h1_conn *h = of_item(i);

	if (h->in_pool)
		srv_idle_gone(&h->srv.idle);
	if (h->conn.watched)            /* thawed, and not ours after all */
		stop_serving(h);
	h1_conn_free(h);
}

static void
server_back(struct hand_item *i, bool stays)
{
	struct h1_conn *h = of_item(i);

	serve_on(h);
	h->conn.can_in = false;
	h->in_pool = true;
	if (stays)
		hand_closed(i);
	if (stays || h->end.dead ||
	    !srv_idle_put(h->srv.idle.srv, &h->srv.idle))
		h1_conn_free(h);
}

static struct hand_item *
server_thaw(struct wire_in *in, const int *fds, size_t n_fds,
    const char **why)
{
	struct srv *srv = find_server(in, why);
	struct h1_conn *h;

	if (srv == NULL)
		return (NULL);
	*why = "its record is damaged";
	if (n_fds != 1 || (h = thaw_server(in, fds[0], srv, why)) == NULL)
		return (NULL);
	if (srv_idle_is_old(&h->srv.idle)) {
		*why = "its server is reached another way now";
		forget(h);
		return (NULL);
	}
	*why = "idle connections of its server are not kept here";
	h->in_pool = h->state == H1_IDLE &&
	    srv->be->px->reuse != PX_REUSE_NEVER &&
	    srv_idle_put(srv, &h->srv.idle);
	if (h->in_pool)
		return (&h->hand);
	forget(h);
	return (NULL);
}

static void
server_start(struct hand_item *i)
{
	(void)i;                /* it waits for the next request */
}

HAND_KIND(h1_server) = {
	.name = "h1-server",
	.layout = 1,
	.what = server_what,
	.can = server_can,
	.freeze = server_freeze,
	.gone = server_gone,
	.back = server_back,
	.thaw = server_thaw,
	.start = server_start,
};

/* ---- clients ---- */

static const char *
client_what(const struct hand_item *i)
{
	const struct h1_conn *h = of_item((struct hand_item *)(uintptr_t)i);

	switch ((enum h1_state)h->state) {
	case H1_BUSY:
		return (mux_stream->what(&h->end));
	case H1_HEAD:
		return ("http-request");
	case H1_IDLE:
	case H1_GREET:
		return ("http-idle");
	default:
		return ("http-closing");
	}
}

static enum hand_when
client_can(struct hand_item *i, const char **why)
{
	struct h1_conn *h = of_item(i);

	if (h->conn.xprt->put == NULL) {
		(void)conn_may_cross(&h->conn, why);
		return (HAND_NEVER);
	}
	if (h->end.dead || !conn_may_cross(&h->conn, why)) {
		*why = "it is broken and about to end";
		return (HAND_SOON);
	}
	return (h->end.strm != NULL ? mux_stream->can_freeze(&h->end, why) :
	    HAND_NOW);
}

/* Connections that only this client may use; more than a few are closed. */
static void
put_owned(struct h1_conn *h, struct wire_out *out, int *fds, size_t *n_fds)
{
	unsigned n = 0;

	LIST_EACH(it, &h->cli.owned) {
		struct h1_conn *o = HOLDER(LIST_ITEM(it, struct srv_idle,
		    node), struct h1_conn, srv.idle);
		const char *why;
		size_t mark;

		if (n == OWNED_MAX || *n_fds == HAND_FDS_MAX)
			break;
		if (!conn_may_cross(&o->conn, &why))
			continue;
		n++;
		mark = wire_begin(out, TAG_SERVER, WIRE_REQUIRED);
		put_server(o, out);
		wire_end(out, mark);
		stop_serving(o);
		fds[(*n_fds)++] = o->conn.fd;
	}
}

static void
take_owned_back(struct h1_conn *h)
{
	LIST_EACH(it, &h->cli.owned) {
		struct h1_conn *o = HOLDER(LIST_ITEM(it, struct srv_idle,
		    node), struct h1_conn, srv.idle);

		if (o->frozen)
			serve_on(o);
		o->conn.can_in = false;
	}
}

static bool
client_freeze(struct hand_item *i, struct wire_out *out, int *fds,
    size_t *n_fds)
{
	struct h1_conn *h = of_item(i);
	size_t mark;

	if (h->state == H1_BUSY) {
		mark = wire_begin(out, TAG_STREAM, WIRE_REQUIRED);
		fds[(*n_fds)++] = h->conn.fd;
		if (!mux_stream->freeze(&h->end, out, fds, n_fds))
			return (false);
		wire_end(out, mark);
	} else {
		fds[(*n_fds)++] = h->conn.fd;
	}
	if (h->switched)
		wire_put_bytes(out, TAG_SWITCHED, WIRE_OPTIONAL, SPAN(""));
	mark = wire_begin(out, TAG_LISTEN, WIRE_REQUIRED);
	mux_listen_put(h->cli.listen, out);
	wire_end(out, mark);
	put_common(h, out);
	stk_track_put(out, TAG_TRACKED, h->conn.tracked);
	mark = wire_begin(out, TAG_OWNED, WIRE_REQUIRED);
	put_owned(h, out, fds, n_fds);
	wire_end(out, mark);
	stop_serving(h);
	return (true);
}

static uint32_t
client_task(const struct hand_item *i)
{
	const struct h1_conn *h = of_item((struct hand_item *)(uintptr_t)i);

	return (h->state == H1_BUSY ? h->req_no + 1 : 0);
}

static void
client_gone(struct hand_item *i)
{
	struct h1_conn *h = of_item(i);

	if (h->end.strm != NULL)
		mux_stream->gone(&h->end);
	h->end.strm = NULL;
	h->conn.nolinger = false;
	if (h->conn.watched)            /* thawed, and not ours after all */
		stop_serving(h);
	h1_client_free(h);
}

static void
client_back(struct hand_item *i, bool stays)
{
	struct h1_conn *h = of_item(i);

	serve_on(h);
	take_owned_back(h);
	if (stays)
		h->stays = h->end.close = true;
	if (h->state == H1_BUSY)
		mux_stream->back(&h->end, stays);
	else if (h->end.dead)
		h1_client_free(h);
	else if (stays)
		h1_stay(h);
}

static void
client_serve(struct hand_item *i)
{
	struct h1_conn *h = of_item(i);

	if (h->state == H1_IDLE || h->state == H1_HEAD)
		h1_serve(h);
}

static void
client_stays(struct hand_item *i)
{
	h1_stay_politely(of_item(i));
}

static struct h1_conn *
thaw_client(struct wire_in *in, int fd, const char **why)
{
	const struct px_listen *listen;
	struct wire_in where;
	struct span stream, mark;
	bool switched = wire_find(in, TAG_SWITCHED, &mark);
	struct h1_conn *h;

	*why = "its record is damaged";
	if (!wire_find_in(in, TAG_LISTEN, &where))
		return (NULL);
	listen = mux_listen_get(&where, switched ? PX_TCP : PX_HTTP,
	    !wire_find(in, TAG_STREAM, &stream), why);
	if (listen == NULL)
		return (NULL);
	if ((h = h1_client_new(listen)) == NULL) {
		*why = "out of memory";
		return (NULL);
	}
	if (!get_common(h, in, fd, why) || !stk_track_get(in, TAG_TRACKED,
	    NULL, (struct stk_set **)&h->conn.tracked)) {
		forget(h);
		return (NULL);
	}
	fe_adopt(fe_of(listen->bind->px));
	srv_listen_enter(listen);
	h->counted = true;
	h->switched = switched;
	return (h);
}

static void
thaw_owned(struct h1_conn *h, struct wire_in *in, const int *fds,
    size_t n_fds)
{
	struct wire_in owned, one;
	enum wire_need need;
	struct span s;
	const char *why;
	unsigned tag;

	if (!wire_find_in(in, TAG_OWNED, &owned))
		wire_in_init(&owned, SPAN(""));
	while (n_fds-- > 0) {
		struct h1_conn *o = NULL;
		struct srv *srv;
		int fd = *fds++;

		if (wire_next(&owned, &tag, &need, &s) && tag == TAG_SERVER) {
			wire_in_init(&one, s);
			srv = find_server(&one, &why);
			o = srv == NULL ? NULL :
			    thaw_server(&one, fd, srv, &why);
			if (o != NULL && srv_idle_is_old(&o->srv.idle)) {
				forget(o);
				o = NULL;
			}
		}
		if (o == NULL) {
			fd_close(&fd);
			continue;
		}
		o->srv.owner = h;
		o->state = H1_IDLE;
		list_push_back(&h->cli.owned, &o->srv.idle.node);
	}
}

static bool
thaw_stream(struct h1_conn *h, struct wire_in *in, const int *fds,
    size_t n_fds, size_t *used, const char **why)
{
	struct wire_in stream;

	*used = 0;
	if (h->state != H1_BUSY)
		return (true);
	*why = "its record is damaged";
	return (wire_find_in(in, TAG_STREAM, &stream) &&
	    mux_stream->thaw(&h->end, h->cli.listen, &stream, fds, n_fds,
	    used, why));
}

static struct hand_item *
client_thaw(struct wire_in *in, const int *fds, size_t n_fds,
    const char **why)
{
	struct h1_conn *h;
	size_t used;

	*why = "its record is damaged";
	if (n_fds == 0 || (h = thaw_client(in, fds[0], why)) == NULL)
		return (NULL);
	if (thaw_stream(h, in, fds + 1, n_fds - 1, &used, why)) {
		thaw_owned(h, in, fds + 1 + used, n_fds - 1 - used);
		return (&h->hand);
	}
	(void)conn_detach(&h->conn);
	h1_client_free(h);
	return (NULL);
}

static void
client_start(struct hand_item *i)
{
	struct h1_conn *h = of_item(i);

	if (h->state == H1_BUSY)
		mux_stream->start(&h->end);
	else if (h->state == H1_IDLE && h->in.len > 0)  /* pipelined */
		tmr_arm_at_once(&the_loop->wheel, &h->tmr);
}

HAND_KIND(h1) = {
	.name = "h1",
	.layout = 1,
	.what = client_what,
	.can = client_can,
	.task = client_task,
	.freeze = client_freeze,
	.gone = client_gone,
	.back = client_back,
	.serve = client_serve,
	.stays = client_stays,
	.thaw = client_thaw,
	.start = client_start,
};

void
h1_may_travel(struct h1_conn *h)
{
	if (h->end.client)
		hand_enter(&h->hand, HAND_KIND_OF(h1));
	else
		hand_enter(&h->hand, HAND_KIND_OF(h1_server));
}
