/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_freeze - a connection written down for another worker: addresses, what
 * has ended, and the state of its transport.
 *
 * A transport that can be written down has its own record inside, under its
 * own name; a worker that does not know that name refuses the connection.
 */
#include <xprt/conn.h>

#include <wire/wire.h>

enum { TAG_XPRT = 20, TAG_XPRT_STATE = 21, TAG_TLVS = 22 };
static const uint16_t more[] = { TAG_XPRT, TAG_XPRT_STATE, TAG_TLVS, 0 };

struct frozen {
	struct addr peer, local;
	bool has_peer, has_local, proxied;
	bool hup, eof, shut_out, connecting;
};

static const struct wire_field fields[] = {
	WIRE(1, RAW,  WIRE_REQUIRED, struct frozen, peer),
	WIRE(2, RAW,  WIRE_REQUIRED, struct frozen, local),
	WIRE(3, BOOL, WIRE_REQUIRED, struct frozen, has_peer),
	WIRE(4, BOOL, WIRE_REQUIRED, struct frozen, has_local),
	WIRE(5, BOOL, WIRE_REQUIRED, struct frozen, proxied),
	WIRE(6, BOOL, WIRE_REQUIRED, struct frozen, hup),
	WIRE(7, BOOL, WIRE_REQUIRED, struct frozen, eof),
	WIRE(8, BOOL, WIRE_REQUIRED, struct frozen, shut_out),
	WIRE(9, BOOL, WIRE_REQUIRED, struct frozen, connecting),
	/* not frozen: can_in, can_out (the kernel tells again), err (a broken
	 * one stays), nolinger (set when it is closed), watched, socks_…
	 * (it stays until its SOCKS proxy has answered) */
	WIRE_END
};

bool
conn_may_cross(const struct conn *c, const char **why)
{
	if (c->xprt->put == NULL)
		*why = c->xprt->stays;
	else if (c->err || c->fd < 0)
		*why = "it is broken and about to end";
	else
		return (true);
	return (false);
}

void
conn_put(const struct conn *c, struct wire_out *out)
{
	struct frozen f = {
		.peer = c->peer, .local = c->local,
		.has_peer = c->has_peer, .has_local = c->has_local,
		.proxied = c->proxied, .hup = c->hup, .eof = c->eof,
		.shut_out = c->shut_out, .connecting = c->connecting,
	};
	size_t mark;

	wire_put(out, fields, &f);
	wire_put_bytes(out, TAG_XPRT, WIRE_REQUIRED, span_str(c->xprt->name));
	mark = wire_begin(out, TAG_XPRT_STATE, WIRE_REQUIRED);
	c->xprt->put(c, out);
	wire_end(out, mark);
	if (c->tlvs != NULL)
		wire_put_bytes(out, TAG_TLVS, WIRE_OPTIONAL, conn_tlvs(c));
}

bool
conn_get(struct conn *c, struct wire_in *in, int fd)
{
	struct frozen f = { .has_peer = false };
	const struct xprt_ops *xprt;
	struct span name = SPAN_NONE, tlvs;
	struct wire_in state;

	if (!wire_get(in, fields, &f, more))
		return (false);
	if (!wire_find(in, TAG_XPRT, &name) ||
	    (xprt = xprt_named(name)) == NULL || xprt->get == NULL ||
	    !wire_find_in(in, TAG_XPRT_STATE, &state)) {
		in->err = "a transport that is not known here";
		return (false);
	}
	c->magic = CONN_MAGIC;
	c->fd = fd;
	c->xprt = xprt;
	c->can_in = false;
	c->can_out = true;
	c->peer = f.peer;
	c->local = f.local;
	c->has_peer = f.has_peer;
	c->has_local = f.has_local;
	c->proxied = f.proxied;
	c->hup = f.hup;
	c->eof = f.eof;
	c->shut_out = f.shut_out;
	c->connecting = f.connecting;
	if (!xprt->get(c, &state)) {
		in->err = state.err;
		return (false);
	}
	if (conn_keeps_tlvs && wire_find(in, TAG_TLVS, &tlvs) && tlvs.n != 0)
		(void)conn_tlvs_keep(c, tlvs);
	return (true);
}
