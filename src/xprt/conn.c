/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn - connections and the raw transport: bytes go to the descriptor as
 * they are.
 */
#include <xprt/conn.h>

#include <base/must.h>
#include <os/fd.h>
#include <os/sock.h>

#include <errno.h>
#include <sys/socket.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOGETHER 2048           /* bytes; twice as many cost the same */

/* A short read says that the socket is empty: the next edge will tell, unless
 * the peer closed, where the end is still to be read. */
static ssize_t
raw_recv(struct conn *c, char *p, size_t n)
{
	ssize_t got;

	do
		got = recv(c->fd, p, n, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		if ((size_t)got < n && !c->hup)
			c->can_in = false;
		return (got);
	}
	if (got < 0 && errno == EAGAIN) {
		c->can_in = false;
		return (0);
	}
	if (got < 0) {
		c->err = true;
		c->sys_errno = errno;
	}
	c->eof = true;
	c->can_in = false;
	return (-1);
}

/* A head and a short body: the kernel takes longer to read a list of pieces
 * than it takes to copy them together. */
static const char *
together(const struct iovec *iov, int n)
{
	static char all[TOGETHER];      /* one process, one thread */
	char *p = all;

	for (int i = 0; i < n; i++)
		p = mempcpy(p, iov[i].iov_base, iov[i].iov_len);
	return (all);
}

static ssize_t
send_pieces(int fd, const struct iovec *iov, int n, size_t bytes)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov,
		.msg_iovlen = (size_t)n };

	if (bytes > TOGETHER)
		return (sendmsg(fd, &m, MSG_NOSIGNAL));
	return (send(fd, together(iov, n), bytes, MSG_NOSIGNAL));
}

static ssize_t
raw_send(struct conn *c, const struct iovec *iov, int n)
{
	size_t want = 0;
	ssize_t put;

	for (int i = 0; i < n; i++)
		want += iov[i].iov_len;
	do
		put = n == 1 ?
		    send(c->fd, iov[0].iov_base, want, MSG_NOSIGNAL) :
		    send_pieces(c->fd, iov, n, want);
	while (put < 0 && errno == EINTR);
	if (put >= 0) {
		if ((size_t)put < want)
			c->can_out = false;
		c->connecting = false;
		return (put);
	}
	if (errno == EAGAIN || (errno == ENOTCONN && c->connecting)) {
		c->can_out = false;
		return (0);
	}
	c->err = true;
	c->sys_errno = errno;
	c->can_out = false;
	return (-1);
}

static void
raw_shut(struct conn *c)
{
	(void)shutdown(c->fd, SHUT_WR);
}

static void
raw_fini(struct conn *c)
{
	(void)c;
}

/* Bytes in the kernel's buffers go with the descriptor. */
static void
raw_put(const struct conn *c, struct wire_out *out)
{
	(void)c;
	(void)out;
}

static bool
raw_get(struct conn *c, struct wire_in *in)
{
	(void)c;
	(void)in;
	return (true);
}

const struct xprt_ops xprt_raw = {
	.name = "raw",
	.recv = raw_recv,
	.send = raw_send,
	.shut = raw_shut,
	.fini = raw_fini,
	.put = raw_put,
	.get = raw_get,
	.raw = true,
};

XPRT(raw, xprt_raw);

extern const struct xprt_ops *const __start_xprts[], *const __stop_xprts[];

const struct xprt_ops *
xprt_named(struct span name)
{
	for (const struct xprt_ops *const *x = __start_xprts;
	    x < __stop_xprts; x++)
		if (span_is(name, (*x)->name))
			return (*x);
	return (NULL);
}

struct span
conn_tell(const struct conn *c, enum conn_tell what)
{
	return (c->xprt->tell != NULL ? c->xprt->tell(c, what) : SPAN_NONE);
}

void (*conn_vars_free)(void *);
void (*conn_tracked_free)(void *);
static void *born_with, *born_tracking;
static unsigned born_first;             /* enum conn_first */
static struct addr born_at;             /* ADDR_NONE: the kernel knows */

static void
drop(void **what, void (*drop_fn)(void *))
{
	if (*what != NULL && drop_fn != NULL)
		drop_fn(*what);
	*what = NULL;
}

static void
drop_kept(struct conn *c)
{
	drop(&c->vars, conn_vars_free);
	drop(&c->tracked, conn_tracked_free);
	free(c->tlvs);
	c->tlvs = NULL;
}

void
conn_inherit(void *vars, void *tracked, const struct addr *local,
    unsigned first)
{
	drop(&born_with, conn_vars_free);
	drop(&born_tracking, conn_tracked_free);
	born_with = vars;
	born_tracking = tracked;
	born_first = first;
	born_at = local != NULL ? *local : (struct addr){ .family = ADDR_NONE };
}

void
conn_take(struct conn *c, int fd)
{
	c->vars = born_with;
	born_with = NULL;
	c->tracked = born_tracking;
	born_tracking = NULL;
	c->wait_proxy = (born_first & CONN_FIRST_PROXY) != 0;
	c->wait_cip = (born_first & CONN_FIRST_CIP) != 0;
	born_first = 0;
	if (__builtin_expect(born_at.family != ADDR_NONE, 0)) {
		c->local = born_at;
		c->has_local = true;
		born_at.family = ADDR_NONE;
	}
	c->magic = CONN_MAGIC;
	c->fd = fd;
	c->xprt = &xprt_raw;
	c->can_in = c->can_out = true;
}

bool
conn_watch(struct conn *c, loop_fn *fn, void *arg)
{
	if (c->watched)
		return (true);
	if (loop_add(the_loop, c->fd, fn, arg)) {
		c->watched = true;
		return (true);
	}
	c->sys_errno = errno;
	c->err = true;
	return (false);
}

bool
conn_open(struct conn *c, int fd, loop_fn *fn, void *arg)
{
	conn_take(c, fd);
	c->can_in = false;
	if (conn_watch(c, fn, arg))
		return (true);
	fd_close(&c->fd);
	return (false);
}

ssize_t
conn_fill(struct conn *c, struct buf *b)
{
	ssize_t got = c->xprt->recv(c, buf_tail(b), buf_room(b));

	if (got > 0)
		buf_wrote(b, (size_t)got);
	return (got);
}

/* Whoever closes first waits a minute for packets that are late (RFC 9293
 * section 3.10, TIME-WAIT), and the port waits with it: a reset does without.
 * What the peer has not acknowledged yet would be lost by it. */
static bool
may_reset(const struct conn *c)
{
	return (c->nolinger || (c->quits && !c->hup && !c->eof &&
	    !c->shut_out && !sock_has_unsent(c->fd)));
}

void
conn_close(struct conn *c)
{
	bool reset;

	drop_kept(c);
	if (c->fd < 0)
		return;
	reset = may_reset(c);
	if (c->xprt->end != NULL && !c->nolinger && !c->err && !c->wait_hello)
		c->xprt->end(c);
	c->xprt->fini(c);
	if (reset)
		sock_set_nolinger(c->fd);
	if (c->watched)
		loop_forget(the_loop, c->fd);
	fd_close(&c->fd);
}

void
conn_move(struct conn *to, struct conn *from)
{
	if (from->watched)
		loop_del(the_loop, from->fd);
	*to = *from;
	to->watched = false;
	to->can_in = to->can_out = true;        /* edges were lost */
	*from = (struct conn){ .magic = CONN_MAGIC, .fd = -1,
		.xprt = &xprt_raw };
	if (to->xprt->moved != NULL)
		to->xprt->moved(to);
}

void
conn_shut(struct conn *c)
{
	if (c->fd < 0 || c->shut_out)
		return;
	c->shut_out = true;
	c->xprt->shut(c);
}

int
conn_detach(struct conn *c)
{
	int fd = c->fd;

	drop_kept(c);
	if (fd >= 0 && c->watched)
		loop_del(the_loop, fd);
	if (fd >= 0)
		c->xprt->fini(c);
	c->watched = false;
	c->fd = -1;
	return (fd);
}

const struct addr *
conn_local(struct conn *c)
{
	if (!c->has_local && c->fd >= 0) {
		sock_local(c->fd, &c->local);
		c->has_local = true;
	}
	return (&c->local);
}

const struct addr *
conn_peer(struct conn *c)
{
	if (!c->has_peer && c->fd >= 0) {
		sock_peer(c->fd, &c->peer);
		c->has_peer = true;
	}
	return (&c->peer);
}
