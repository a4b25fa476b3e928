/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay - the smallest useful TCP relay: one process, epoll, no parsing, no pooling.
 * It is the physical limit for a user-space proxy on this kernel.
 *
 *   relay LISTEN_PORT TARGET_PORT [splice]
 */
#include "net.h"

#define CHUNK 65536

struct side {
	int fd, peer_dead, eof, shut, out_armed;
	struct side *peer;
	int pipe[2]; /* splice: bytes read from fd wait here */
	char *pend;  /* copy: bytes read from fd, not yet written to peer */
	int pend_off, pend_len;
};

static int ep, use_splice;
static char buf[CHUNK];

static void
arm(struct side *s, int out)
{
	struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0),
		.data.ptr = s };
	if (s->out_armed != out) {
		s->out_armed = out;
		epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &e);
	}
}

static void
stop_reading(struct side *s, int stop)
{
	struct epoll_event e = { .events = (stop ? 0 : EPOLLIN) |
					   (s->out_armed ? EPOLLOUT : 0),
		.data.ptr = s };
	epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &e);
}

static void
free_pair(struct side *s)
{
	struct side *pair[2] = { s, s->peer };
	for (int i = 0; i < 2; i++) {
		close(pair[i]->fd);
		if (pair[i]->pipe[0] > 0) {
			close(pair[i]->pipe[0]);
			close(pair[i]->pipe[1]);
		}
		pair[i]->fd = -1; /* freed after the event batch */
	}
}

/* Writes what s holds to its peer.  0: empty, 1: blocked, -1: dead. */
static int
drain(struct side *s)
{
	while (s->pend_len) {
		ssize_t n =
		    use_splice
			? splice(s->pipe[0], NULL, s->peer->fd, NULL,
			      s->pend_len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
			: send(s->peer->fd, s->pend + s->pend_off, s->pend_len,
			      MSG_NOSIGNAL);
		if (n <= 0) {
			if (n < 0 && errno != EAGAIN)
				return (-1);
			arm(s->peer, 1);
			return (1);
		}
		s->pend_off += n;
		s->pend_len -= n;
	}
	s->pend_off = 0;
	return (0);
}

static int
pump(struct side *s)
{
	if (use_splice && !s->pipe[0] && pipe2(s->pipe, O_NONBLOCK))
		return (-1);
	for (int round = 0; round < 4; round++) {
		ssize_t n = use_splice
				? splice(s->fd, NULL, s->pipe[1], NULL, CHUNK,
				      SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
				: read(s->fd, buf, CHUNK);
		if (n < 0)
			return (errno == EAGAIN ? 0 : -1);
		if (n == 0) {
			s->eof = 1;
			shutdown(s->peer->fd, SHUT_WR);
			stop_reading(s, 1);
			return (s->peer->eof ? -1 : 0);
		}
		if (use_splice) {
			s->pend_len = n;
		} else {
			ssize_t w = send(s->peer->fd, buf, n, MSG_NOSIGNAL);
			if (w < 0 && errno != EAGAIN)
				return (-1);
			if (w < 0)
				w = 0;
			if (w < n) {
				if (!s->pend)
					s->pend = malloc(CHUNK);
				memcpy(s->pend, buf + w, n - w);
				s->pend_len = n - w;
			}
		}
		int r = drain(s);
		if (r < 0)
			return (-1);
		if (r) {
			stop_reading(s, 1);
			return (0);
		}
		if (n < CHUNK)
			return (0);
	}
	return (0);
}

static void
accept_pairs(int lfd, int target)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct side *p;
	int fd, sfd, k;

	for (k = 0; k < 64; k++) {
		if ((fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK)) < 0)
			return;
		no_delay(fd);
		if ((sfd = tcp_connect(target, k)) < 0) {
			close(fd);
			continue;
		}
		if ((p = calloc(2, sizeof *p)) == NULL)
			die("calloc");
		p[0].fd = fd, p[1].fd = sfd;
		p[0].peer = &p[1], p[1].peer = &p[0];
		e.data.ptr = &p[0];
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
		e.data.ptr = &p[1];
		epoll_ctl(ep, EPOLL_CTL_ADD, sfd, &e);
	}
}

/* 0: goes on, -1: the pair is to be closed. */
static int
on_event(struct side *s, uint32_t events)
{
	int r = 0;

	if (events & EPOLLOUT) {
		r = drain(s->peer);
		if (r == 0) {
			arm(s, 0);
			if (!s->peer->eof)
				stop_reading(s->peer, 0);
		}
	}
	if (r >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !s->eof &&
	    !s->pend_len)
		return (pump(s));
	return (events & (EPOLLHUP | EPOLLERR) ? -1 : r);
}

int
main(int argc, char **argv)
{
	struct epoll_event evs[256], e = { .events = EPOLLIN };
	struct side *dead[512], *s;
	int i, lfd, n, n_dead, target;

	if (argc < 3) {
		fprintf(stderr, "usage: relay LISTEN_PORT TARGET_PORT [splice]\n");
		return (2);
	}
	use_splice = argc > 3 && strcmp(argv[3], "splice") == 0;
	raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	ep = epoll_create1(0);
	lfd = tcp_listen(atoi(argv[1]));
	target = atoi(argv[2]);
	epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &e);
	for (;;) {
		n = epoll_wait(ep, evs, 256, -1);
		for (i = n_dead = 0; i < n; i++) {
			if ((s = evs[i].data.ptr) == NULL) {
				accept_pairs(lfd, target);
			} else if (s->fd >= 0 &&
			    on_event(s, evs[i].events) < 0) {
				free_pair(s);
				dead[n_dead++] = s < s->peer ? s : s->peer;
			}
		}
		for (i = 0; i < n_dead; i++) {
			free(dead[i][0].pend);
			free(dead[i][1].pend);
			free(dead[i]);
		}
	}
}
