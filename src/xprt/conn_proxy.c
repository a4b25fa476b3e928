/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_proxy - what comes in front of a connection: the handshake of its
 * transport, and before that a PROXY protocol header, or NetScaler's. Headers
 * are looked at in the socket and taken out whole, so that no byte behind them
 * is read before its time.
 */
#include <xprt/conn.h>
#include <xprt/cip.h>
#include <xprt/proxy_proto.h>

#include <px/px.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER_MAX 4096         /* with all TLVs; longer ones are refused */

bool conn_keeps_tlvs;

struct conn_tlvs {
	size_t n;
	char p[];
};

struct span
conn_tlvs(const struct conn *c)
{
	return (c->tlvs == NULL ? SPAN_NONE :
	    span_of(c->tlvs->p, c->tlvs->n));
}

bool
conn_tlvs_keep(struct conn *c, struct span s)
{
	if ((c->tlvs = malloc(sizeof *c->tlvs + s.n)) == NULL)
		return (false);
	c->tlvs->n = s.n;
	memcpy(c->tlvs->p, s.p, s.n);
	return (true);
}

static bool
take(struct conn *c, char *p, size_t n)
{
	return (recv(c->fd, p, n, 0) == (ssize_t)n);
}

/* It began as a header does, of either version. */
static bool
has_signature(const char *p, size_t n)
{
	static const char v2[] = "\r\n\r\n\0\r\nQUIT\n";

	return ((n >= 6 && memcmp(p, "PROXY ", 6) == 0) ||
	    (n >= 12 && memcmp(p, v2, 12) == 0));
}

/* What is there of a header, into HEADER_MAX bytes; the socket keeps it. Else
 * `closed`, `error`, or WHY_AGAIN. */
static enum why
look(struct conn *c, char *bytes, struct span *head, enum why closed,
    enum why error)
{
	ssize_t got = recv(c->fd, bytes, HEADER_MAX, MSG_PEEK);

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		c->can_in = false;
		return (WHY_AGAIN);
	}
	if (got <= 0)
		return (got == 0 ? closed : error);
	*head = span_of(bytes, (size_t)got);
	return (WHY_OK);
}

enum why
conn_proxy_take(struct conn *c)
{
	char bytes[HEADER_MAX];
	struct conn_proxy pp;
	struct span head;
	size_t used;
	enum why why;

	why = look(c, bytes, &head, WHY_PROXY_CLOSED, WHY_PROXY_ERROR);
	if (why != WHY_OK)
		return (why);
	why = conn_proxy_parse(head, &pp, &used);
	if (why == WHY_AGAIN)
		return (c->hup || head.n == HEADER_MAX ? WHY_PROXY_SHORT : why);
	if (why != WHY_OK)
		return (has_signature(head.p, head.n) ?
		    WHY_PROXY_INVALID : WHY_PROXY_BAD);
	if (!take(c, bytes, used))
		return (WHY_PROXY_SHORT);
	if (pp.has_addr) {
		c->peer = pp.src;
		c->local = pp.dst;
		c->has_peer = c->has_local = c->proxied = true;
	}
	/* without memory they are not known, as if they had not come */
	if (__builtin_expect(conn_keeps_tlvs, 0) && pp.tlvs.n != 0)
		(void)conn_tlvs_keep(c, pp.tlvs);
	return (WHY_OK);
}

/* As above for NetScaler's header. Its addresses are the client's, but
 * `proxied` is what samples tell of PROXY headers. */
static enum why
cip_take(struct conn *c)
{
	char bytes[HEADER_MAX];
	struct conn_cip cip;
	struct span head;
	size_t used;
	enum why why;

	why = look(c, bytes, &head, WHY_CIP_CLOSED, WHY_CIP_ERROR);
	if (why != WHY_OK)
		return (why);
	why = conn_cip_parse(head, c->cip_magic, &cip, &used);
	if (why == WHY_AGAIN && c->hup)
		why = WHY_CIP_SHORT;
	if (why != WHY_OK)
		return (why);
	if (!take(c, bytes, used))
		return (WHY_CIP_SHORT);
	c->peer = cip.src;
	c->local = cip.dst;
	c->has_peer = c->has_local = true;
	return (WHY_OK);
}

/* From here on the transport's error has that place. */
static enum why
end_cip(struct conn *c, enum why why)
{
	if (why != WHY_AGAIN) {
		c->wait_cip = false;
		c->xprt_err = 0;
	}
	return (why);
}

void
conn_greets(struct conn *c)
{
	if (!c->wait_cip)
		c->wait_proxy = true;
}

bool
conn_accept(struct conn *c, const struct px_bind *b)
{
	c->wait_cip |= b->cip_magic != 0;
	if (__builtin_expect(c->wait_cip, 0))
		c->cip_magic = b->cip_magic;
	c->wait_proxy |= b->accept_proxy;
	if (b->xprt != NULL) {
		c->xprt = b->xprt;
		c->wait_hello = true;
		c->xprt->accept(c, b);
	}
	return (c->wait_cip || c->wait_proxy || c->wait_hello);
}

void
conn_ask(struct xprt_to *to, const struct px_server *server, struct txn *txn)
{
	*to = (struct xprt_to){ .server = server };
	server->xprt->ask(to, txn);
}

bool
conn_connect(struct conn *c, const struct xprt_ops *xprt, struct xprt_to *to)
{
	c->xprt = xprt;
	c->wait_hello = true;
	return (xprt->connect(c, to));
}

enum why
conn_greet(struct conn *c)
{
	enum why why;

	if (__builtin_expect(c->wait_cip, 0)) {
		if (!c->can_in)
			return (WHY_AGAIN);
		if ((why = end_cip(c, cip_take(c))) != WHY_OK)
			return (why);
	}
	if (c->wait_proxy) {
		if (!c->can_in)
			return (WHY_AGAIN);
		if ((why = conn_proxy_take(c)) != WHY_OK)
			return (why);
		c->wait_proxy = false;
	}
	if (c->wait_hello) {
		if ((why = c->xprt->handshake(c)) != WHY_OK)
			return (why);
		c->wait_hello = false;
	}
	return (WHY_OK);
}

enum why
conn_greet_late(struct conn *c)
{
	if (c->wait_cip)
		return (end_cip(c, WHY_CIP_TIMEOUT));
	return (c->wait_proxy || c->xprt->late == NULL ? WHY_PROXY_TIMEOUT :
	    c->xprt->late(c));
}
