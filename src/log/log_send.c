/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_send - lines on their way to sockets, many with one system call.
 *
 * A line is kept until the end of the loop's turn, or until so many are there:
 * the datagrams of a turn leave together. Where there is no loop, and for a
 * descriptor, it goes at once. Nothing waits: what a socket does not take is
 * lost and counted.
 *
 * While all lines go to one target the socket is connected to it, so that the
 * kernel does not look for the way each time.
 */
#include "log_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <cnt/cnt.h>
#include <ipc/say.h>
#include <os/loop.h>
#include <os/sock.h>
#include <px/px.h>

#define LINES 32
#define BYTES 16384
#define ALONE_MS 30000          /* not connected, behind an error */
#define TOLD_AGAIN_MS 60000     /* that lines are lost, by one process */

/* One for each kind of socket, so the lines of a target keep their order. */
static struct queue {
	int fd;
	unsigned n;
	size_t used;                    /* of `bytes` */
	const struct log_target *peer;  /* it is connected to that; NULL: not */
	int64_t alone_until_ms;
	const struct log_target *to[LINES];
	struct mmsghdr msg[LINES];
	struct iovec text[LINES];
	struct sockaddr_storage sa[LINES];
	char bytes[BYTES];
} queues[] = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } };

static struct loop_task at_turn_end;
static pid_t owner;

static void
count(unsigned sent, unsigned lost)
{
	if (cnt_bank == NULL)
		return;
	CNT_PROC()->log_sent += sent;
	CNT_PROC()->log_lost += lost;
}

/* Where log lines go is no place for it. */
static void
tell_lost(const struct log_target *t, int err)
{
	static int64_t next_ms;
	int64_t now_ms = clock_mono_us() / 1000;

	if (now_ms < next_ms)
		return;
	next_ms = now_ms + TOLD_AGAIN_MS;
	ipc_say(DIAG_WARNING, "%s:%d: lines for the log target '%s' are lost: "
	    "%s; 'show info' counts them as DroppedLogs",
	    t->pos.file != NULL ? t->pos.file : "-", t->pos.line,
	    t->text != NULL ? t->text : "-", err == EAGAIN ?
	    "it does not read them fast enough" : strerror(err));
}

/* The one that all lines go to, or NULL. */
static const struct log_target *
only_target(const struct queue *q)
{
	for (unsigned i = 1; i < q->n; i++)
		if (q->to[i] != q->to[0])
			return (NULL);
	return (q->to[0]);
}

static void
connect_to(struct queue *q, const struct log_target *t)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage sa;
	socklen_t n;

	if (t == q->peer)
		return;
	if (q->peer != NULL)
		(void)connect(q->fd, &nobody, sizeof nobody);
	q->peer = NULL;
	if (t == NULL || the_loop == NULL ||
	    the_loop->now_ms < q->alone_until_ms)
		return;
	n = addr_spec_to_sa(&t->addr, &sa);
	if (connect(q->fd, (struct sockaddr *)&sa, n) == 0)
		q->peer = t;
	else
		q->alone_until_ms = the_loop->now_ms + ALONE_MS;
}

/* Most lines go where the one before them went. */
static void
set_addresses(struct queue *q)
{
	void *name = NULL;
	socklen_t n = 0;

	for (unsigned i = 0; i < q->n; i++) {
		if (q->peer == NULL && (i == 0 || q->to[i] != q->to[i - 1])) {
			name = &q->sa[i];
			n = addr_spec_to_sa(&q->to[i]->addr, name);
		}
		q->msg[i].msg_hdr.msg_name = name;
		q->msg[i].msg_hdr.msg_namelen = n;
	}
}

/* An error may be that of an earlier line, which was refused, or the way of the
 * time when it was connected is no more: what is left is sent as if it had never
 * been. */
static bool
goes_alone(struct queue *q)
{
	if (q->peer == NULL)
		return (false);
	connect_to(q, NULL);
	if (the_loop != NULL)
		q->alone_until_ms = the_loop->now_ms + ALONE_MS;
	set_addresses(q);
	return (true);
}

static void
flush(struct queue *q)
{
	unsigned sent = 0, lost = 0;
	int n;

	connect_to(q, only_target(q));
	set_addresses(q);
	while (sent + lost < q->n) {
		n = sendmmsg(q->fd, q->msg + sent + lost, q->n - sent - lost,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			tell_lost(q->to[sent + lost], errno);
		else
			sent += (unsigned)n;
		/* the first of the rest is why it stopped there */
		if (sent + lost < q->n && !goes_alone(q) && n <= 0)
			lost++;
	}
	q->n = 0;
	q->used = 0;
	count(sent, lost);
}

void
log_flush(void)
{
	for (size_t i = 0; i < NELEM(queues); i++)
		if (queues[i].n != 0)
			flush(&queues[i]);
}

static void
on_turn_end(struct loop_task *t)
{
	(void)t;
	log_flush();
}

/* Lines of a child that was forked meanwhile are its parent's. */
static void
on_exit_flush(void)
{
	if (getpid() == owner)
		log_flush();
}

void
log_send_open(void)
{
	static const int family[NELEM(queues)] = { AF_INET, AF_INET6,
		AF_UNIX };

	for (size_t i = 0; i < NELEM(queues); i++) {
		struct queue *q = &queues[i];

		if (q->fd >= 0 && owner == getpid())
			continue;
		if (q->fd >= 0)         /* its parent's, who connects it */
			close(q->fd);
		q->fd = socket(family[i], SOCK_DGRAM | SOCK_NONBLOCK |
		    SOCK_CLOEXEC, 0);
		q->peer = NULL;
		(void)sock_set_buffers(q->fd, px_model == NULL ?
		    0 : px_model->global.log_sndbuf, 0);
	}
	if (owner == 0)
		MUST(atexit(on_exit_flush) == 0);
	owner = getpid();
	at_turn_end.fn = on_turn_end;
	must_last_words = on_exit_flush;
}

static struct queue *
queue_of(const struct log_target *t)
{
	switch (t->addr.addr.family) {
	case ADDR_V4:
		return (&queues[0]);
	case ADDR_V6:
		return (&queues[1]);
	default:
		return (&queues[2]);
	}
}

static void
keep(struct queue *q, const struct log_target *t, const struct iovec *piece,
    int n, size_t size)
{
	struct msghdr *m = &q->msg[q->n].msg_hdr;
	char *to = q->bytes + q->used;

	q->text[q->n] = (struct iovec){ to, size };
	for (int i = 0; i < n; i++) {
		memcpy(to, piece[i].iov_base, piece[i].iov_len);
		to += piece[i].iov_len;
	}
	q->to[q->n] = t;
	m->msg_iov = &q->text[q->n];
	m->msg_iovlen = 1;
	q->used += size;
	q->n++;
}

static void
send_now(struct queue *q, const struct log_target *t, struct iovec *piece,
    int n)
{
	struct sockaddr_storage sa;
	struct msghdr m = { .msg_name = &sa, .msg_iov = piece,
		.msg_iovlen = (size_t)n };
	bool sent;

	connect_to(q, NULL);
	m.msg_namelen = addr_spec_to_sa(&t->addr, &sa);
	sent = sendmsg(q->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	if (!sent)
		tell_lost(t, errno);
	count(sent, !sent);
}

/* A pipe that nobody reads, or a terminal that was stopped, would have us wait:
 * the descriptor is told not to, also for those who share it (manual 4.2,
 * "log"). */
static void
write_now(const struct log_target *t, const struct iovec *piece, int n)
{
	int fd = t->addr.fd;
	static uint64_t told;           /* of these descriptors */
	uint64_t bit = fd < 64 ? UINT64_C(1) << fd : 0;
	bool sent;

	if ((told & bit) == 0) {
		(void)sock_set_nonblock(fd, true);
		told |= bit;
	}
	sent = writev(fd, piece, n) >= 0;
	if (!sent)
		tell_lost(t, errno);
	count(sent, !sent);
}

void
log_send(const struct log_target *t, struct iovec *piece, int n)
{
	struct queue *q = queue_of(t);
	size_t size = 0;

	if (t->addr.addr.family == ADDR_FD) {
		write_now(t, piece, n);
		return;
	}
	for (int i = 0; i < n; i++)
		size += piece[i].iov_len;
	if (q->n == LINES || size > BYTES - q->used)
		flush(q);
	if (the_loop == NULL || size > BYTES) {
		send_now(q, t, piece, n);
		return;
	}
	keep(q, t, piece, n, size);
	loop_post(the_loop, &at_turn_end);
}
