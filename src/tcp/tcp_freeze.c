/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_freeze - one end of a mode tcp stream, written down for another worker
 * and served again there.
 */
#include "tcp_int.h"

#include <wire/wire.h>

struct frozen {
	struct buf in, out;
	struct addr peer, local;
	uint8_t has_peer, has_local, proxied, eof, shut_out;
	int64_t accept_us;
};

static const struct wire_field fields[] = {
	WIRE(1, BUF,  WIRE_OPTIONAL, struct frozen, in),
	WIRE(2, BUF,  WIRE_OPTIONAL, struct frozen, out),
	WIRE(3, RAW,  WIRE_REQUIRED, struct frozen, peer),
	WIRE(4, RAW,  WIRE_REQUIRED, struct frozen, local),
	WIRE(5, U8,   WIRE_REQUIRED, struct frozen, has_peer),
	WIRE(6, U8,   WIRE_REQUIRED, struct frozen, has_local),
	WIRE(7, U8,   WIRE_REQUIRED, struct frozen, proxied),
	WIRE(8, U8,   WIRE_REQUIRED, struct frozen, eof),
	WIRE(9, U8,   WIRE_REQUIRED, struct frozen, shut_out),
	WIRE(10, I64, WIRE_OPTIONAL, struct frozen, accept_us),
	WIRE_END
};

bool
tcp_can_freeze(const struct mux_end *e)
{
	return (e->connected && !e->dead);
}

int
tcp_freeze(struct mux_end *e, struct wire_out *out)
{
	struct tcp_conn *t = tcp_of(e);
	struct frozen f = {
		.in = t->in, .out = t->out,
		.peer = t->conn.peer, .local = t->conn.local,
		.has_peer = t->conn.has_peer, .has_local = t->conn.has_local,
		.proxied = t->conn.proxied, .eof = t->conn.eof,
		.shut_out = t->conn.shut_out, .accept_us = t->accept_us,
	};

	wire_put(out, fields, &f);
	tmr_stop(&the_loop->wheel, &t->tmr);
	loop_del(the_loop, t->conn.fd);
	t->conn.watched = false;
	return (t->conn.fd);
}

void
tcp_gone(struct mux_end *e)
{
	e->strm = NULL;
	tcp_conn_free(tcp_of(e));
}

void
tcp_back(struct mux_end *e)
{
	struct tcp_conn *t = tcp_of(e);

	if (!tcp_watch(t))
		e->dead = true;
}

struct mux_end *
tcp_thaw(struct wire_in *in, int fd, const struct px_listen *listen,
    struct srv *srv, void *strm, const char **why)
{
	struct tcp_conn *t = tcp_conn_new(listen != NULL);
	struct frozen f = { 0 };

	*why = "out of memory";
	if (t == NULL)
		return (NULL);
	if (!wire_get(in, fields, &f, NULL)) {
		buf_drop(&f.in);
		buf_drop(&f.out);
		*why = in->err != NULL ? in->err : "the record is malformed";
		tcp_conn_free(t);
		return (NULL);
	}
	t->in = f.in;
	t->out = f.out;
	t->listen = listen;
	t->srv = srv;
	t->accept_us = f.accept_us;
	t->conn.peer = f.peer;
	t->conn.local = f.local;
	t->conn.has_peer = f.has_peer != 0;
	t->conn.has_local = f.has_local != 0;
	t->conn.proxied = f.proxied != 0;
	t->conn.eof = f.eof != 0;
	t->conn.shut_out = f.shut_out != 0;
	t->conn.can_in = true;          /* the edges did not cross */
	t->end.eof = t->conn.eof;
	t->end.connected = true;
	t->conn.magic = CONN_MAGIC;
	t->conn.fd = fd;
	t->conn.xprt = &xprt_raw;
	t->conn.can_out = true;
	if (!tcp_watch(t)) {
		*why = "the kernel refused to watch its socket";
		t->conn.fd = -1;        /* the caller's */
		tcp_conn_free(t);
		return (NULL);
	}
	if (listen != NULL) {
		fe_adopt(fe_of(listen->bind->px));
		t->counted = true;
	}
	t->end.strm = strm;
	return (&t->end);
}
