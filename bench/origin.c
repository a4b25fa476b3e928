/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin - a very light HTTP/1.1 server on epoll, one process, for benchmarks.
 *
 *   origin PORT            listens on 127.0.0.1:PORT
 *
 *   GET /b/N               N bytes with Content-Length
 *   GET /slow/N/RATE       N bytes at RATE bytes per second
 *   GET /stat              "connections requests" accepted so far
 *   any other GET          1024 bytes
 *   Upgrade: ...           101, then echoes every byte
 *   first bytes not HTTP   echoes every byte
 */
#include "net.h"

enum { HTTP, ECHO_RAW };

struct conn {
	int fd, mode, closing, out_armed;
	char in[8192];
	int in_len;
	int64_t body_skip; /* request body left to discard */
	char head[256];
	int head_len, head_off;
	int64_t body_left;              /* response body left to send */
	int64_t rate, paced_at, budget; /* pacing of /slow */
	struct conn *next_slow;
};

static char zeros[1 << 20];
static int ep;
static long n_conns, n_reqs;
static struct conn *slow_list;

static void
arm(struct conn *c, int out)
{
	struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0),
		.data.ptr = c };
	if (c->out_armed == out)
		return;
	c->out_armed = out;
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void
drop(struct conn *c)
{
	for (struct conn **p = &slow_list; *p; p = &(*p)->next_slow)
		if (*p == c) {
			*p = c->next_slow;
			break;
		}
	close(c->fd);
	free(c);
}

/* Sends what is pending.  0: all sent, 1: blocked, -1: dead. */
static int
flush_out(struct conn *c)
{
	while (c->head_off < c->head_len || c->body_left > 0) {
		int64_t lim = c->body_left;
		if (c->rate && lim > c->budget)
			lim = c->budget;
		if (lim > (int64_t)sizeof(zeros))
			lim = sizeof(zeros);
		struct iovec v[2] = { { c->head + c->head_off,
					  c->head_len - c->head_off },
			{ zeros, lim } };
		if (!v[0].iov_len && !lim)
			return (1); /* paced: wait for budget */
		struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
		ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
		if (n < 0) {
			if (errno != EAGAIN)
				return (-1);
			arm(c, 1);
			return (1);
		}
		int64_t h =
		    n < (ssize_t)v[0].iov_len ? n : (ssize_t)v[0].iov_len;
		c->head_off += h;
		c->body_left -= n - h;
		if (c->rate)
			c->budget -= n - h;
	}
	if (c->closing)
		return (-1);
	if (c->out_armed)
		arm(c, 0);
	return (0);
}

static const char *
header(const char *req, const char *name)
{
	const char *p = strcasestr(req, name);
	return (p ? p + strlen(name) : NULL);
}

static int
reply(struct conn *c, char *req)
{
	long long size = 1024, rate = 0;
	const char *h;

	n_reqs++;
	c->rate = 0;
	c->head_off = 0;
	if (header(req, "\r\nUpgrade:")) {
		c->mode = ECHO_RAW;
		c->head_len = snprintf(c->head, sizeof c->head,
		    "HTTP/1.1 101 Switching Protocols\r\n"
		    "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n");
		return (flush_out(c));
	}
	if ((h = header(req, "\r\nContent-Length:")))
		c->body_skip = atoll(h);
	h = header(req, "\r\nConnection:");
	c->closing = h && !strncasecmp(h, " close", 6);
	char *path = strchr(req, ' ') + 1;
	if (!strncmp(path, "/stat", 5)) {
		char b[64];
		int n = snprintf(b, sizeof b, "%ld %ld\n", n_conns, n_reqs);
		c->head_len = snprintf(c->head, sizeof c->head,
		    "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, b);
		c->body_left = 0;
		return (flush_out(c));
	}
	if (sscanf(path, "/slow/%lld/%lld", &size, &rate) == 2) {
		c->rate = rate;
		c->budget = 0;
		c->paced_at = now_us();
		c->next_slow = slow_list;
		slow_list = c;
	} else {
		sscanf(path, "/b/%lld", &size);
	}
	c->head_len = snprintf(c->head, sizeof c->head,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: %lld\r\n\r\n",
	    size);
	c->body_left = size;
	return (flush_out(c));
}

static void
on_event(struct conn *c, uint32_t ev)
{
	if ((ev & EPOLLOUT) && flush_out(c) < 0) {
		drop(c);
		return;
	}
	if (!(ev & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	ssize_t n =
	    read(c->fd, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			drop(c);
		return;
	}
	c->in_len += n;
	c->in[c->in_len] = 0;
	for (;;) {
		if (c->body_skip && c->mode == HTTP) {
			int64_t k =
			    c->body_skip < c->in_len ? c->body_skip : c->in_len;
			memmove(c->in, c->in + k, c->in_len - k + 1);
			c->in_len -= k;
			c->body_skip -= k;
		}
		if (!c->in_len || c->body_left || c->head_off < c->head_len)
			return;
		if (c->mode == HTTP &&
		    strncmp(c->in, "GET ", c->in_len < 4 ? c->in_len : 4) &&
		    strncmp(c->in, "POST", c->in_len < 4 ? c->in_len : 4) &&
		    strncmp(c->in, "HEAD", c->in_len < 4 ? c->in_len : 4))
			c->mode = ECHO_RAW;
		if (c->mode == ECHO_RAW) {
			if (send(c->fd, c->in, c->in_len, MSG_NOSIGNAL) < 0)
				drop(c);
			else
				c->in_len = 0;
			return;
		}
		char *end = strstr(c->in, "\r\n\r\n");
		if (!end)
			return;
		int used = end + 4 - c->in;
		end[2] = 0;
		int r = reply(c, c->in);
		if (r < 0) {
			drop(c);
			return;
		}
		memmove(c->in, c->in + used, c->in_len - used);
		c->in_len -= used;
		c->in[c->in_len] = 0;
	}
}

static void
pace(void)
{
	int64_t t = now_us();
	for (struct conn *c = slow_list, *nx; c; c = nx) {
		nx = c->next_slow;
		c->budget += (t - c->paced_at) * c->rate / 1000000;
		c->paced_at = t;
		if (!c->body_left) {
			for (struct conn **p = &slow_list; *p;
			     p = &(*p)->next_slow)
				if (*p == c) {
					*p = c->next_slow;
					break;
				}
		} else if (flush_out(c) < 0) {
			drop(c);
		}
	}
}

static void
accept_all(int lfd)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct conn *c;
	int fd, k;

	for (k = 0; k < 64; k++) {
		if ((fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK)) < 0)
			return;
		if ((c = calloc(1, sizeof *c)) == NULL)
			die("calloc");
		no_delay(fd);
		c->fd = fd;
		n_conns++;
		e.data.ptr = c;
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	}
}

int
main(int argc, char **argv)
{
	struct epoll_event evs[256], e = { .events = EPOLLIN };
	int i, lfd, n;

	if (argc < 2) {
		fprintf(stderr, "usage: origin PORT\n");
		return (2);
	}
	raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	ep = epoll_create1(0);
	lfd = tcp_listen(atoi(argv[1]));
	epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &e);
	for (;;) {
		n = epoll_wait(ep, evs, 256, slow_list ? 20 : -1);
		for (i = 0; i < n; i++) {
			if (evs[i].data.ptr != NULL)
				on_event(evs[i].data.ptr, evs[i].events);
			else
				accept_all(lfd);
		}
		if (slow_list)
			pace();
	}
}
