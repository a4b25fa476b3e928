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

enum { TAG_XPRT = 20, TAG_XPRT_STATE = 21, TAG_TLVS = 22,
	TAG_CIP = 23 };
static const uint16_t more[] = { TAG_XPRT, TAG_XPRT_STATE, TAG_TLVS, TAG_CIP,
	0 };

struct frozen {
	struct addr peer, local;
	bool has_peer, has_local, proxied;
	bool hup, eof, shut_out, connecting;
};

/* There as long as NetScaler's header has to come. Required then: who does not
 * know it would take that header for the client's first words. */
struct frozen_cip {
	uint32_t magic;
	bool proxy_next;
};

static const struct wire_field cip_fields[] = {
	WIRE(1, U32,  WIRE_REQUIRED, struct frozen_cip, magic),
	WIRE(2, BOOL, WIRE_REQUIRED, struct frozen_cip, proxy_next),
	WIRE_END
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
	 * one stays), nolinger, quits (set when it is closed), watched, socks_…
	 * (it stays until its SOCKS proxy has answered), wait_proxy (the
	 * protocol's state says it) */
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

static void
put_cip(const struct conn *c, struct wire_out *out)
{
	const struct frozen_cip f = { .magic = c->cip_magic,
		.proxy_next = c->wait_proxy };
	size_t mark = wire_begin(out, TAG_CIP, WIRE_REQUIRED);

	wire_put(out, cip_fields, &f);
	wire_end(out, mark);
}

static bool
get_cip(struct conn *c, struct wire_in *in)
{
	struct frozen_cip f = { .magic = 0 };
	struct wire_in cip;

	if (!wire_find_in(in, TAG_CIP, &cip))
		return (true);
	if (!wire_get(&cip, cip_fields, &f, NULL)) {
		in->err = cip.err;
		return (false);
	}
	c->wait_cip = true;
	c->wait_proxy = f.proxy_next;
	c->cip_magic = f.magic;
	return (true);
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
	if (c->wait_cip)
		put_cip(c, out);
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
	if (!get_cip(c, in))
		return (false);
	if (conn_keeps_tlvs && wire_find(in, TAG_TLVS, &tlvs) && tlvs.n != 0)
		(void)conn_tlvs_keep(c, tlvs);
	return (true);
}
