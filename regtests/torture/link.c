/* SPDX-License-Identifier: Apache-2.0 */
/* The connection below an exchange or a tunnel: opening it, writing what is to
 * be written, reading no faster than wanted, and finding out that it is gone. */
#include "torture.h"

#define STALL_US 20000000       /* no progress for so long: given up */
#define TICK_US 20000           /* how often a slow reader reads */

static char buf[1 << 16];

static void
watch(struct conn *c, int op)
{
	uint32_t want = (c->deaf ? 0 : EPOLLIN) |
	    (c->waits_room || c->phase == CONNECTING ? EPOLLOUT : 0);
	struct epoll_event e = { .events = want, .data.ptr = c };

	if (op == EPOLL_CTL_MOD && want == c->events)
		return;
	c->events = want;
	if (epoll_ctl(ep, op, c->fd, &e) != 0)
		die("epoll_ctl");
}

/* How the proxy sees this connection, to find it among a worker's. */
static void
know_yourself(struct conn *c)
{
	struct sockaddr_in a;
	socklen_t n = sizeof a;

	if (getsockname(c->fd, (void *)&a, &n) != 0)
		return;
	c->addr = ntohl(a.sin_addr.s_addr);
	c->port = ntohs(a.sin_port);
}

void
link_open(struct conn *c)
{
	/* Crowds that open many connections need many addresses. */
	int slot = slot_base >= 0 ? slot_base + c->index / 2000
	    : c->ask.close ? c->index : -1;

	c->crowd->opened++;
	c->doomed = c->waits_room = c->deaf = false;
	c->phase = CONNECTING;
	c->fd = tcp_connect(c->crowd->kind->tcp ? tcp_port : http_port, slot);
	if (c->fd < 0) {
		link_fail(c, strerror(errno));
		return;
	}
	know_yourself(c);
	if (c->ask.read_rate > 0) {
		int small = 16384;

		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	}
	watch(c, EPOLL_CTL_ADD);
}

void
link_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->phase = CLOSED;
	c->out_off = c->out_len = 0;
	wheel_stop(&c->timer);
}

/* It ended where it should not have. Say so, and go on with the next. */
void
link_fail(struct conn *c, const char *why)
{
	struct crowd *w = c->crowd;

	if (c->doomed)
		w->broken++;
	else if (c->phase == TUNNEL) {
		w->cut++;
		report_fault(c, "cut", why);
	} else if (c->phase == QUIET) {
		w->closed++;
		report_fault(c, "closed", why);
	} else if (w->kind->body && c->in.in_body) {
		w->cut++;
		report_fault(c, "cut", why);
	} else {
		w->lost += c->answers_left;
		report_fault(c, "lost", why);
	}
	link_close(c);
	crowd_replace(c);
}

void
link_flush(struct conn *c)
{
	while (c->out_off < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_off,
		    c->out_len - c->out_off, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			c->waits_room = true;
			watch(c, EPOLL_CTL_MOD);
			return;
		}
		if (n < 0) {
			/* What the other side had to say may still be there
			 * to be read; the end of input is what counts. */
			c->out_off = c->out_len;
			break;
		}
		c->crowd->bytes_up += (uint64_t)n;
		c->progress_us = now;
		c->out_off += (size_t)n;
	}
	c->out_off = c->out_len = 0;
	if (c->waits_room) {
		c->waits_room = false;
		watch(c, EPOLL_CTL_MOD);
	}
}

void
link_listen(struct conn *c, bool on)
{
	if (c->fd < 0 || c->deaf == !on)
		return;
	c->deaf = !on;
	watch(c, EPOLL_CTL_MOD);
}

static void
connected(struct conn *c)
{
	int err = 0;
	socklen_t n = sizeof err;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n);
	if (err != 0) {
		link_fail(c, strerror(err));
		return;
	}
	c->phase = BUSY;
	watch(c, EPOLL_CTL_MOD);
	if (c->crowd->kind->tcp) {
		c->crowd->done++;
		tunnel_begin(c);
	} else {
		exchange_push(c);
	}
}

static void
ended(struct conn *c, const char *why)
{
	if (c->phase == LEAVING)
		link_close(c);
	else if (c->phase == BUSY && exchange_ended(c))
		return;
	else
		link_fail(c, why);
}

static void
listen_again(struct timer *t)
{
	link_listen(CONN(t), true);
}

static void
readable(struct conn *c)
{
	size_t most = sizeof buf;
	ssize_t n;
	bool slow = c->phase == BUSY && c->ask.read_rate > 0;

	if (slow)
		most = (size_t)(c->ask.read_rate * TICK_US / 1000000);
	if (c->phase == TUNNEL && c->crowd->kind->probe)
		n = stamp_read(c->fd, buf, most, &c->came_ns);
	else
		n = read(c->fd, buf, most);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		ended(c, n == 0 ? "end of connection" : strerror(errno));
		return;
	}
	c->crowd->bytes_down += (uint64_t)n;
	c->progress_us = now;
	if (slow) {
		link_listen(c, false);
		wheel_arm(&c->timer, now + TICK_US, listen_again);
	}
	if (c->phase == TUNNEL || c->phase == LEAVING)
		tunnel_bytes(c, buf, (size_t)n);
	else if (c->phase == BUSY)
		exchange_bytes(c, buf, (size_t)n);
	else
		link_fail(c, "an answer nobody asked for");
}

void
link_event(struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->phase == CONNECTING) {
		connected(c);
		return;
	}
	if ((events & EPOLLOUT) && c->waits_room) {
		link_flush(c);
		if (c->phase == BUSY && !c->waits_room)
			exchange_push(c);
	}
	if (c->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		readable(c);
}

static void
look(struct conn *c)
{
	if (c->phase == CLOSED || c->phase == QUIET)
		return;
	if (c->phase == TUNNEL && c->got == c->made)
		return;
	if (c->phase == LEAVING)
		return;
	if (now - c->progress_us > STALL_US)
		link_fail(c, "no progress for 20 s");
}

void
link_sweep(void)
{
	static int64_t last;

	if (now - last < 1000000)
		return;
	last = now;
	crowd_each(look);
}
