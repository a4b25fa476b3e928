/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_socks - connections to servers through a SOCKS proxy, version 4: as long
 * as it has not said yes, the connection is of a transport that takes no
 * bytes; then of the one that was meant.
 *
 * Source: "SOCKS: A protocol for TCP proxy across firewalls" (version 4), which
 * the manual refers to; the user is called as HAProxy 2.6 calls itself.
 */
#include <xprt/conn.h>

#include <base/must.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define USER "HAProxy"
#define REQUEST_BYTES (8 + sizeof USER)
#define REPLY_BYTES 8
#define GRANTED 90

static const struct xprt_ops *
inner(const struct conn *c)
{
	return (c->socks_tls ? xprt_named(SPAN("tls")) : &xprt_raw);
}

static bool
send_request(struct conn *c)
{
	char b[REQUEST_BYTES] = { 4, 1, (char)(c->peer.port >> 8),
		(char)c->peer.port };

	memcpy(b + 4, c->peer.ip, 4);
	memcpy(b + 8, USER, sizeof USER);
	return (send(c->fd, b, sizeof b, MSG_NOSIGNAL) == sizeof b);
}

/* Nothing behind the reply is read. */
static enum why
take_reply(struct conn *c)
{
	char b[REPLY_BYTES];
	ssize_t got = recv(c->fd, b, sizeof b, MSG_PEEK);

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		c->can_in = false;
		return (WHY_AGAIN);
	}
	if (got > 0 && got < REPLY_BYTES && !c->hup) {
		c->can_in = false;
		return (WHY_AGAIN);
	}
	if (got < REPLY_BYTES || b[0] != 0 || b[1] != GRANTED ||
	    recv(c->fd, b, sizeof b, 0) != REPLY_BYTES)
		return (WHY_SRV_REFUSED);
	return (WHY_OK);
}

static enum why
socks_handshake(struct conn *c)
{
	enum why why;

	if (!c->socks_asked) {
		if (!send_request(c))
			return (WHY_SRV_REFUSED);
		c->socks_asked = true;
	}
	if (!c->can_in)
		return (WHY_AGAIN);
	if ((why = take_reply(c)) != WHY_OK)
		return (why);
	c->xprt = inner(c);
	c->can_out = true;
	return (c->socks_tls ? c->xprt->handshake(c) : WHY_OK);
}

static ssize_t
socks_recv(struct conn *c, char *p, size_t n)
{
	(void)p;
	(void)n;
	c->can_in = false;
	return (0);
}

static ssize_t
socks_send(struct conn *c, const struct iovec *iov, int n)
{
	(void)iov;
	(void)n;
	c->can_out = false;
	return (0);
}

static void
socks_shut(struct conn *c)
{
	(void)shutdown(c->fd, SHUT_WR);
}

static void
socks_moved(struct conn *c)
{
	if (inner(c)->moved != NULL)
		inner(c)->moved(c);
}

static void
socks_fini(struct conn *c)
{
	inner(c)->fini(c);
}

static const struct xprt_ops xprt_socks = {
	.name = "socks",
	.handshake = socks_handshake,
	.recv = socks_recv,
	.send = socks_send,
	.shut = socks_shut,
	.moved = socks_moved,
	.fini = socks_fini,
	.stays = "its SOCKS proxy has not answered yet",
};

bool
conn_socks(struct conn *c, const struct addr *to)
{
	if (to->family != ADDR_V4)      /* version 4 knows no other */
		return (false);
	c->peer = *to;
	c->has_peer = true;
	c->socks_tls = c->xprt != &xprt_raw;
	c->xprt = &xprt_socks;
	c->wait_hello = true;
	return (true);
}
