/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc - sending and receiving frames, each checked against its row.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <ipc/ipc.h>
#include <os/fd.h>
#include <os/loop.h>
#include <os/sock.h>

struct frame_head {
	uint16_t type;
	uint16_t flags;
	uint32_t tag;
};

struct frame {                  /* that waits for room */
	struct list node;
	size_t n;               /* head and data */
	size_t n_fds;
	int *fds;               /* copies of our own */
	char bytes[];
};

struct row {
	const char *name;
	uint8_t from, to;
	uint32_t bytes;
	uint16_t fds;
};

#define MASTER IPC_MASTER
#define KEEPER IPC_KEEPER
#define AGENT  IPC_AGENT
#define WORKER IPC_WORKER
#define TAKER  IPC_TAKER
#define GIVER  IPC_GIVER
static const struct row rows[256] = {
#define IPC(no, name, from, to, bytes, fds)                                  \
	[no] = { #name, (from), (to), (bytes), (fds) },
#include <ipc/msg.def>
#undef IPC
};
#undef MASTER
#undef KEEPER
#undef AGENT
#undef WORKER
#undef TAKER
#undef GIVER

static const struct row *
row_of(unsigned type)
{
	return (type < NELEM(rows) && rows[type].name != NULL ?
	    &rows[type] : NULL);
}

const char *
ipc_name(unsigned type)
{
	const struct row *r = row_of(type);

	return (r == NULL ? "unknown" : r->name);
}

/* ---- sending ---- */

static void
drop_frame(struct frame *f)
{
	list_del(&f->node);
	for (size_t i = 0; i < f->n_fds; i++)
		fd_close(&f->fds[i]);
	free(f->fds);
	free(f);
}

/* 1 sent, 0 no room now, -1 the peer is gone. */
static int
send_frame(struct ipc_chan *c, const void *bytes, size_t n, const int *fds,
    size_t n_fds)
{
	if (sock_send_fds(c->fd, bytes, n, fds, n_fds) >= 0)
		return (1);
	/* ENOBUFS, ETOOMANYREFS: too much is on its way; try again. */
	return (errno == EAGAIN || errno == ENOBUFS ||
	    errno == ETOOMANYREFS ? 0 : -1);
}

static void
send_waiting(struct ipc_chan *c)
{
	while (!list_empty(&c->out)) {
		struct frame *f = LIST_ITEM(c->out.next, struct frame, node);
		int sent = send_frame(c, f->bytes, f->n, f->fds, f->n_fds);

		if (sent == 0)
			return;
		c->out_bytes -= f->n;
		drop_frame(f);
	}
}

static bool
keep_frame(struct ipc_chan *c, const char *bytes, size_t n, const int *fds,
    size_t n_fds)
{
	struct frame *f = must_alloc(sizeof *f + n);

	memcpy(f->bytes, bytes, n);
	f->n = n;
	f->fds = must_alloc((n_fds + 1) * sizeof *f->fds);
	for (; f->n_fds < n_fds; f->n_fds++) {
		f->fds[f->n_fds] = fcntl(fds[f->n_fds], F_DUPFD_CLOEXEC, 3);
		if (f->fds[f->n_fds] < 0)
			break;
	}
	list_push_back(&c->out, &f->node);
	c->out_bytes += n;
	if (f->n_fds == n_fds)
		return (true);
	drop_frame(f);
	c->out_bytes -= n;
	return (false);
}

/* Without a loop there is nobody to send it later: wait. */
static bool
send_patiently(struct ipc_chan *c, const char *bytes, size_t n,
    const int *fds, size_t n_fds)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };
	int sent;

	while ((sent = send_frame(c, bytes, n, fds, n_fds)) == 0)
		if (poll(&p, 1, 1000) < 0 && errno != EINTR)
			return (false);
	return (sent > 0);
}

bool
ipc_send_tag(struct ipc_chan *c, enum ipc_type type, uint16_t flags,
    uint32_t tag, const void *data, size_t n, const int *fds, size_t n_fds)
{
	static char bytes[sizeof(struct frame_head) + IPC_BYTES_MAX];
	const struct frame_head head = { (uint16_t)type, flags, tag };
	const struct row *r = row_of(type);
	int sent;

	MUST(r != NULL && (r->from & c->me) != 0 && (r->to & c->peer) != 0);
	MUST(n <= r->bytes && n_fds <= r->fds);
	if (c->fd < 0)
		return (false);
	memcpy(bytes, &head, sizeof head);
	if (n != 0)
		memcpy(bytes + sizeof head, data, n);
	n += sizeof head;
	if (c->loop == NULL)
		return (send_patiently(c, bytes, n, fds, n_fds));
	if (!list_empty(&c->out))
		return (keep_frame(c, bytes, n, fds, n_fds));
	sent = send_frame(c, bytes, n, fds, n_fds);
	if (sent == 0)
		return (keep_frame(c, bytes, n, fds, n_fds));
	return (sent > 0);
}

bool
ipc_send(struct ipc_chan *c, enum ipc_type type, const void *data, size_t n,
    const int *fds, size_t n_fds)
{
	return (ipc_send_tag(c, type, 0, 0, data, n, fds, n_fds));
}

/* ---- receiving ---- */

static char in_bytes[sizeof(struct frame_head) + IPC_BYTES_MAX + 1];
static int in_fds[IPC_FDS_MAX + 1];

void
ipc_drop_fds(struct ipc_msg *m)
{
	for (size_t i = 0; i < m->n_fds; i++)
		fd_close(&m->fds[i]);
	m->n_fds = 0;
}

static bool
is_allowed(const struct ipc_chan *c, const struct ipc_msg *m)
{
	const struct row *r = row_of(m->type);

	/* Connections that find no place here can still be refused. */
	if (m->cut && m->type != IPC_OFFERS)
		return (false);
	return (r != NULL && (r->from & c->peer) != 0 &&
	    (r->to & c->me) != 0 && m->data.n <= r->bytes &&
	    m->n_fds <= r->fds);
}

/* 1 a message, 0 nothing now, -1 the end. */
static int
receive(struct ipc_chan *c, struct ipc_msg *m)
{
	struct frame_head head;
	ssize_t got;

	m->fds = in_fds;
	m->n_fds = IPC_FDS_MAX;
	got = sock_recv_fds_cut(c->fd, in_bytes, sizeof in_bytes, in_fds,
	    &m->n_fds, &m->cut);
	if (got < 0)
		return (errno == EAGAIN ? 0 : -1);
	if (got < (ssize_t)sizeof head) {
		ipc_drop_fds(m);
		return (-1);
	}
	memcpy(&head, in_bytes, sizeof head);
	m->type = head.type;
	m->flags = head.flags;
	m->tag = head.tag;
	m->data = span_of(in_bytes + sizeof head, (size_t)got - sizeof head);
	if (is_allowed(c, m))
		return (1);
	ipc_drop_fds(m);
	return (-1);
}

static void
at_end(struct ipc_chan *c)
{
	ipc_fn *fn = c->fn;
	void *arg = c->arg;

	ipc_close(c);
	fn(c, NULL, arg);
}

static void
on_event(void *arg, unsigned events)
{
	struct ipc_chan *c = arg;
	struct ipc_msg m;
	bool gone = false;
	unsigned n = 0;
	int got;

	(void)events;
	send_waiting(c);
	while ((got = receive(c, &m)) > 0) {
		c->gone = &gone;
		loop_step();
		c->fn(c, &m, c->arg);
		ipc_drop_fds(&m);
		if (gone)
			return;
		c->gone = NULL;
		if (++n == c->per_turn) {
			loop_post(c->loop, &c->more);
			return;
		}
	}
	if (got < 0)
		at_end(c);
}

static void
on_more(struct loop_task *t)
{
	on_event(HOLDER(t, struct ipc_chan, more), 0);
}

void
ipc_hear(struct ipc_chan *c)
{
	if (c->fd >= 0 && c->loop != NULL)
		on_event(c, 0);
}

bool
ipc_wait(struct ipc_chan *c, struct ipc_msg *m, int ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int64_t end = clock_mono_us() / 1000 + ms;
	int got;

	MUST(c->loop == NULL);
	if (c->fd < 0)
		return (false);
	while ((got = receive(c, m)) == 0) {
		int64_t left = end - clock_mono_us() / 1000;

		if (ms >= 0 && left <= 0)
			return (false);
		if (poll(&p, 1, ms < 0 ? -1 : (int)left) < 0 &&
		    errno != EINTR)
			return (false);
	}
	if (got < 0)
		ipc_close(c);
	return (got > 0);
}

/* ---- open and close ---- */

void
ipc_open(struct ipc_chan *c, int fd, enum ipc_role me, enum ipc_role peer,
    struct loop *loop, ipc_fn *fn, void *arg)
{
	memset(c, 0, sizeof *c);
	c->fd = fd;
	c->me = (uint8_t)me;
	c->peer = (uint8_t)peer;
	c->more.fn = on_more;
	list_init(&c->out);
	(void)sock_set_nonblock(fd, true);
	if (loop != NULL)
		ipc_attach(c, loop, fn, arg);
}

void
ipc_attach(struct ipc_chan *c, struct loop *loop, ipc_fn *fn, void *arg)
{
	MUST(c->loop == NULL);
	c->fn = fn;
	c->arg = arg;
	if (c->fd < 0)
		return;
	c->loop = loop;
	MUST(loop_add(loop, c->fd, on_event, c));
}

void
ipc_raise(struct ipc_chan *c, int least)
{
	int fd;

	if (c->fd < 0 || c->fd >= least || c->loop == NULL ||
	    (fd = fcntl(c->fd, F_DUPFD_CLOEXEC, least)) < 0)
		return;
	loop_del(c->loop, c->fd);
	fd_close(&c->fd);
	c->fd = fd;
	MUST(loop_add(c->loop, fd, on_event, c));
}

static void
shut(struct ipc_chan *c, bool registered)
{
	while (c->out.next != NULL && !list_empty(&c->out))
		drop_frame(LIST_ITEM(c->out.next, struct frame, node));
	c->out_bytes = 0;
	if (c->fd < 0)
		return;
	if (registered && c->loop != NULL) {
		loop_unpost(c->loop, &c->more);
		loop_del(c->loop, c->fd);
	}
	fd_close(&c->fd);
	c->loop = NULL;
	if (c->gone != NULL)
		*c->gone = true;
	c->gone = NULL;
}

void
ipc_close(struct ipc_chan *c)
{
	shut(c, true);
}

void
ipc_abandon(struct ipc_chan *c)
{
	c->gone = NULL;
	shut(c, false);
}
