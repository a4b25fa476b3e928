/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_freeze - connections of mode tcp written down for another worker and
 * served again there: a client takes its stream along, with the other end.
 */
#include "tcp_int.h"

#include <unistd.h>

#include <stk/stk.h>
#include <wire/wire.h>

enum {                                  /* tags; never reused */
	TAG_CONN = 1, TAG_END = 2, TAG_STATE = 3, TAG_LISTEN = 4,
	TAG_STREAM = 5, TAG_TRACKED = 6
};

struct frozen {
	struct buf in, out;
	bool wait_proxy;
	int64_t accept_us, due_ms;
};

static const struct wire_field fields[] = {
	WIRE(1, BUF,  WIRE_OPTIONAL, struct frozen, in),
	WIRE(2, BUF,  WIRE_OPTIONAL, struct frozen, out),
	WIRE(3, BOOL, WIRE_REQUIRED, struct frozen, wait_proxy),
	WIRE(4, I64,  WIRE_REQUIRED, struct frozen, accept_us),
	WIRE(5, I64,  WIRE_REQUIRED, struct frozen, due_ms),
	/* not frozen: counted (follows) */
	WIRE_END
};

/* ---- what both sides share ---- */

static void
put_common(const struct tcp_conn *t, struct wire_out *out)
{
	const struct frozen f = {
		.in = t->in, .out = t->out, .wait_proxy = t->greets,
		.accept_us = t->accept_us, .due_ms = t->tmr.due_ms,
	};
	size_t mark = wire_begin(out, TAG_CONN, WIRE_REQUIRED);

	conn_put(&t->conn, out);
	wire_end(out, mark);
	mark = wire_begin(out, TAG_END, WIRE_REQUIRED);
	mux_end_put(&t->end, out);
	wire_end(out, mark);
	mark = wire_begin(out, TAG_STATE, WIRE_REQUIRED);
	wire_put(out, fields, &f);
	wire_end(out, mark);
}

/* `fd` is taken, but for what fails: then it is the caller's again. */
static bool
get_common(struct tcp_conn *t, struct wire_in *in, int fd, const char **why)
{
	struct wire_in conn, end, state;
	struct frozen f = { .due_ms = CLOCK_NEVER };

	*why = "its record is damaged";
	if (!wire_find_in(in, TAG_CONN, &conn) ||
	    !wire_find_in(in, TAG_END, &end) ||
	    !wire_find_in(in, TAG_STATE, &state))
		return (false);
	if (!wire_get(&state, fields, &f, NULL) ||
	    !mux_end_get(&t->end, &end) || !conn_get(&t->conn, &conn, fd)) {
		*why = state.err != NULL ? state.err : conn.err != NULL ?
		    conn.err : *why;
		buf_drop(&f.in);
		buf_drop(&f.out);
		return (false);
	}
	t->in = f.in;
	t->out = f.out;
	if ((t->greets = f.wait_proxy))
		conn_greets(&t->conn);
	t->accept_us = f.accept_us;
	/* A deadline stays what it was; the next one is by the new settings. */
	tmr_arm(&the_loop->wheel, &t->tmr, f.due_ms);
	if (tcp_watch(t))
		return (true);
	*why = "the kernel refuses to watch its socket";
	t->conn.fd = -1;
	return (false);
}

static void
stop_serving(struct tcp_conn *t)
{
	int64_t due_ms = t->tmr.due_ms;

	tmr_stop(&the_loop->wheel, &t->tmr);
	t->tmr.due_ms = due_ms;         /* for serve_on() */
	if (t->conn.watched)
		loop_del(the_loop, t->conn.fd);
	t->conn.watched = false;
}

static void
serve_on(struct tcp_conn *t)
{
	int64_t due_ms = t->tmr.due_ms;

	t->conn.can_in = t->conn.can_out = true;        /* edges were lost */
	if (!tcp_watch(t))
		t->end.dead = true;
	tmr_arm(&the_loop->wheel, &t->tmr, due_ms);
}

/* Undo a thaw: the descriptor is the caller's, no count is kept. */
static void
forget(struct tcp_conn *t)
{
	(void)conn_detach(&t->conn);
	tcp_conn_free(t);
}

/* ---- server ends of a stream ---- */

bool
tcp_may_cross(const struct mux_end *e, const char **why)
{
	const struct tcp_conn *t = tcp_of((struct mux_end *)(uintptr_t)e);

	*why = "it is broken and about to end";
	return (!e->dead && conn_may_cross(&t->conn, why));
}

int
tcp_freeze(struct mux_end *e, struct wire_out *out)
{
	struct tcp_conn *t = tcp_of(e);

	put_common(t, out);
	stop_serving(t);
	return (t->conn.fd);
}

void
tcp_gone(struct mux_end *e)
{
	e->strm = NULL;
	tcp_of(e)->conn.nolinger = false;
	tcp_conn_free(tcp_of(e));
}

void
tcp_back(struct mux_end *e)
{
	serve_on(tcp_of(e));
}

struct mux_end *
tcp_thaw(struct wire_in *in, int fd, struct srv *srv, struct txn *txn,
    void *strm, const char **why)
{
	struct tcp_conn *t = tcp_conn_new(false);

	(void)txn;
	*why = "out of memory";
	if (t == NULL)
		return (NULL);
	t->srv = srv;
	if (!get_common(t, in, fd, why)) {
		forget(t);
		return (NULL);
	}
	t->end.strm = strm;
	return (&t->end);
}

/* ---- clients ---- */

static struct tcp_conn *
of_item(const struct hand_item *i)
{
	struct hand_item *it = (struct hand_item *)(uintptr_t)i;

	return (OBJ(HOLDER(it, struct tcp_conn, hand), struct tcp_conn,
	    TCP_CONN_MAGIC));
}

static const char *
client_what(const struct hand_item *i)
{
	const struct tcp_conn *t = of_item(i);

	return (t->end.strm == NULL ? "tcp" : mux_stream->what(&t->end));
}

static enum hand_when
client_can(struct hand_item *i, const char **why)
{
	struct tcp_conn *t = of_item(i);

	if (t->conn.xprt->put == NULL) {
		(void)conn_may_cross(&t->conn, why);
		return (HAND_NEVER);
	}
	if (!tcp_may_cross(&t->end, why))
		return (HAND_SOON);
	return (t->end.strm == NULL ? HAND_NOW :
	    mux_stream->can_freeze(&t->end, why));
}

static bool
client_freeze(struct hand_item *i, struct wire_out *out, int *fds,
    size_t *n_fds)
{
	struct tcp_conn *t = of_item(i);
	size_t mark;

	fds[(*n_fds)++] = t->conn.fd;
	if (t->end.strm != NULL) {
		mark = wire_begin(out, TAG_STREAM, WIRE_REQUIRED);
		if (!mux_stream->freeze(&t->end, out, fds, n_fds))
			return (false);
		wire_end(out, mark);
	}
	stk_track_put(out, TAG_TRACKED, t->conn.tracked);
	mark = wire_begin(out, TAG_LISTEN, WIRE_REQUIRED);
	mux_listen_put(t->listen, out);
	wire_end(out, mark);
	put_common(t, out);
	stop_serving(t);
	return (true);
}

static void
client_gone(struct hand_item *i)
{
	struct tcp_conn *t = of_item(i);

	if (t->end.strm != NULL)
		mux_stream->gone(&t->end);
	if (t->conn.watched)            /* thawed, and not ours after all */
		stop_serving(t);
	tcp_gone(&t->end);
}

static void
client_back(struct hand_item *i, bool stays)
{
	struct tcp_conn *t = of_item(i);

	serve_on(t);
	if (t->end.strm != NULL)
		mux_stream->back(&t->end, stays);
}

static struct tcp_conn *
thaw_client(struct wire_in *in, int fd, const char **why)
{
	const struct px_listen *listen;
	struct wire_in where;
	struct span stream;
	struct tcp_conn *t;

	*why = "its record is damaged";
	if (!wire_find_in(in, TAG_LISTEN, &where))
		return (NULL);
	listen = mux_listen_get(&where, PX_TCP,
	    !wire_find(in, TAG_STREAM, &stream), why);
	if (listen == NULL)
		return (NULL);
	if ((t = tcp_conn_new(true)) == NULL) {
		*why = "out of memory";
		return (NULL);
	}
	t->listen = listen;
	if (!get_common(t, in, fd, why) || !stk_track_get(in, TAG_TRACKED,
	    NULL, (struct stk_set **)&t->conn.tracked)) {
		forget(t);
		return (NULL);
	}
	fe_adopt(fe_of(listen->bind->px));
	srv_listen_enter(listen);
	t->counted = true;
	return (t);
}

static struct hand_item *
client_thaw(struct wire_in *in, const int *fds, size_t n_fds,
    const char **why)
{
	struct tcp_conn *t;
	struct wire_in stream;
	size_t used = 0;

	*why = "its record is damaged";
	if (n_fds == 0 || (t = thaw_client(in, fds[0], why)) == NULL)
		return (NULL);
	/* Only one that waits for its PROXY header has no stream yet. */
	if (t->greets == wire_find_in(in, TAG_STREAM, &stream) ||
	    (!t->greets && !mux_stream->thaw(&t->end, t->listen, &stream,
	    fds + 1, n_fds - 1, &used, why))) {
		forget(t);
		return (NULL);
	}
	for (size_t i = 1 + used; i < n_fds; i++)
		(void)close(fds[i]);    /* nothing speaks of them */
	return (&t->hand);
}

static void
client_start(struct hand_item *i)
{
	struct tcp_conn *t = of_item(i);

	if (t->end.strm != NULL)
		mux_stream->start(&t->end);
}

HAND_KIND(tcp) = {
	.name = "tcp",
	.layout = 2,
	.what = client_what,
	.can = client_can,
	.freeze = client_freeze,
	.gone = client_gone,
	.back = client_back,
	.thaw = client_thaw,
	.start = client_start,
};

void
tcp_may_travel(struct tcp_conn *t)
{
	hand_enter(&t->hand, HAND_KIND_OF(tcp));
}
