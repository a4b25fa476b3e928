/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server - what stands behind the proxy in the torture test; one process.
 *
 *   server PORT                  listens on 127.0.0.1:PORT
 *
 *   GET /b/N/SEED/RATE/FORM      N bytes that belong to SEED (bytes.c), at RATE
 *                                bytes a second (0: at once); FORM: l length,
 *                                c chunks, x up to the end of the connection
 *   GET /w/N/SEED/RATE/FORM      the same; what leads to a server of its own
 *   GET /wait/MS                 answers after MS milliseconds
 *   GET /q/MS                    the same, and counts how many wait at once
 *   GET /peak                    the most that /q ever saw at once
 *   POST /up/SEED/RATE           compares the body, reads RATE bytes a second:
 *                                "right N" or "wrong at N"
 *   Upgrade, CONNECT             sends back every byte
 *   first byte not a letter      the same
 *   frames that begin with 1     the same, and how long each was here (stamp.c)
 */
#include "torture.h"

#define TICK_US 20000
#define ROOM 16384

enum mode { HEAD, BODY, WAITING, ANSWER, ECHO, PROBE };

struct peer {
	struct timer timer;     /* first */
	int      fd;
	uint8_t  mode;          /* enum mode */
	bool     deaf, waits_room, closing, ended, counted;
	uint32_t events;
	int64_t  came_ns;       /* a probe's frame */
	char     in[ROOM];
	size_t   in_len;
	/* the body of a request */
	struct answer body;
	uint32_t seed;
	int64_t  at, wrong_at, up_rate;
	/* the answer: text, then `left` bytes of a body */
	char     out[4200];
	size_t   out_off, out_len;
	char     form;          /* l, c, x */
	int64_t  down, made, rate;
};

int64_t now;
int ep;
static int n_queue, peak_queue;

static void go_on(struct peer *);

static void
watch(struct peer *c, int op)
{
	struct epoll_event e = { .data.ptr = c };

	e.events = (c->deaf ? 0 : EPOLLIN) | (c->waits_room ? EPOLLOUT : 0);
	if (op == EPOLL_CTL_MOD && e.events == c->events)
		return;
	c->events = e.events;
	if (epoll_ctl(ep, op, c->fd, &e) != 0)
		die("epoll_ctl");
}

static void
drop(struct peer *c)
{
	if (c->counted)
		n_queue--;
	wheel_stop(&c->timer);
	close(c->fd);
	c->fd = -1;
}

/* Writes what stands in `out`: true when all of it is gone. */
static bool
flush(struct peer *c, const char *p, size_t *off, size_t len)
{
	while (*off < len) {
		ssize_t n = send(c->fd, p + *off, len - *off, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN) {
			drop(c);
			return (false);
		}
		if (n < 0) {
			c->waits_room = true;
			watch(c, EPOLL_CTL_MOD);
			return (false);
		}
		*off += (size_t)n;
	}
	if (c->waits_room) {
		c->waits_room = false;
		watch(c, EPOLL_CTL_MOD);
	}
	return (true);
}

/* --- answers -------------------------------------------------------------- */

static void
text_answer(struct peer *c, const char *text)
{
	c->mode = ANSWER;
	c->down = c->made = c->rate = 0;
	c->form = 'l';
	c->out_off = 0;
	c->out_len = (size_t)snprintf(c->out, sizeof c->out,
	    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
	    strlen(text), text);
}

static void
body_answer(struct peer *c)
{
	char framing[64];

	c->mode = ANSWER;
	c->made = 0;
	if (c->form == 'c')
		snprintf(framing, sizeof framing, "Transfer-Encoding: chunked");
	else if (c->form == 'x')
		snprintf(framing, sizeof framing, "Connection: close");
	else
		snprintf(framing, sizeof framing, "Content-Length: %lld",
		    (long long)c->down);
	if (c->form == 'x')
		c->closing = true;
	c->out_off = 0;
	c->out_len = (size_t)snprintf(c->out, sizeof c->out,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n%s\r\n\r\n",
	    framing);
}

/* The next piece of the body. */
static void
make_piece(struct peer *c)
{
	int64_t n = c->rate > 0 ? c->rate * TICK_US / 1000000 : 4096;
	char *p = c->out;

	if (n > 4096)
		n = 4096;
	if (n > c->down - c->made)
		n = c->down - c->made;
	if (c->form == 'c')
		p += snprintf(p, 16, "%llx\r\n", (long long)n);
	bytes_fill(c->seed, (uint64_t)c->made, p, (size_t)n);
	p += n;
	c->made += n;
	if (c->form == 'c') {
		memcpy(p, "\r\n0\r\n\r\n", 7);
		p += c->made == c->down ? 7 : 2;
	}
	c->out_off = 0;
	c->out_len = (size_t)(p - c->out);
}

/* A timer's step: nobody else looks at it, so a peer that ended goes now. */
static void
go_on_alone(struct peer *c)
{
	go_on(c);
	if (c->fd < 0)
		free(c);
}

static void
tick(struct timer *t)
{
	go_on_alone((struct peer *)t);
}

/* True when the answer is out, and the next request may be looked at. */
static bool
push_answer(struct peer *c)
{
	for (;;) {
		if (!flush(c, c->out, &c->out_off, c->out_len))
			return (false);
		if (c->made >= c->down)
			break;
		if (c->rate > 0) {
			if (c->timer.next != NULL)
				return (false);
			wheel_arm(&c->timer, now + TICK_US, tick);
		}
		make_piece(c);
	}
	wheel_stop(&c->timer);
	if (c->closing) {
		drop(c);
		return (false);
	}
	c->mode = HEAD;
	return (true);
}

/* --- requests ------------------------------------------------------------- */

static const char *
field(const char *head, const char *name)
{
	const char *p = strcasestr(head, name);

	return (p != NULL ? p + strlen(name) : NULL);
}

static void
done_waiting(struct timer *t)
{
	struct peer *c = (struct peer *)t;

	if (c->counted)
		n_queue--;
	c->counted = false;
	text_answer(c, "waited");
	go_on_alone(c);
}

static void
wait_answer(struct peer *c, int ms, bool counted)
{
	c->mode = WAITING;
	c->counted = counted;
	if (counted && ++n_queue > peak_queue)
		peak_queue = n_queue;
	wheel_arm(&c->timer, now + (int64_t)ms * 1000, done_waiting);
}

static void
upload(struct peer *c, const char *head)
{
	const char *length = field(head, "\r\nContent-Length: ");

	c->mode = BODY;
	c->at = 0;
	c->wrong_at = -1;
	answer_init_body(&c->body, length ? FORM_LENGTH : FORM_CHUNKED,
	    length ? atoll(length) : 0);
}

static void
request(struct peer *c, const char *head)
{
	long long n, rate, wait;
	char text[32];

	/* Most requests are short ones: their head holds no such field. */
	c->closing = strcasestr(head, "\r\nConnection: close") != NULL;
	if (strncmp(head, "CONNECT ", 8) == 0) {
		c->mode = ECHO;
		send(c->fd, "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL);
	} else if (strcasestr(head, "\r\nUpgrade:") != NULL) {
		static const char yes[] =
		    "HTTP/1.1 101 Switching Protocols\r\n"
		    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
		    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		    "\r\n";

		c->mode = ECHO;
		send(c->fd, yes, sizeof yes - 1, MSG_NOSIGNAL);
	} else if (sscanf(head, "GET /%*1[bw]/%lld/%u/%lld/%c", &n,
	    &c->seed, &rate, &c->form) == 4) {
		c->down = n;
		c->rate = rate;
		body_answer(c);
	} else if (sscanf(head, "GET /wait/%lld", &wait) == 1) {
		wait_answer(c, (int)wait, false);
	} else if (sscanf(head, "GET /q/%lld", &wait) == 1) {
		wait_answer(c, (int)wait, true);
	} else if (strncmp(head, "GET /peak", 9) == 0) {
		snprintf(text, sizeof text, "%d", peak_queue);
		text_answer(c, text);
	} else if (sscanf(head, "POST /up/%u/%lld", &c->seed, &rate) == 2) {
		c->up_rate = rate;
		upload(c, head);
	} else {
		text_answer(c, "ready");
	}
}

static void
body_bytes(void *priv, const char *p, size_t n)
{
	struct peer *c = priv;

	if (c->wrong_at < 0 && !bytes_right(c->seed, (uint64_t)c->at, p, n))
		c->wrong_at = c->at;
	c->at += (int64_t)n;
}

static void
consume(struct peer *c, size_t n)
{
	c->in_len -= n;
	memmove(c->in, c->in + n, c->in_len + 1);
}

/* Bytes of the request's body: true when it is whole. */
static bool
take_body(struct peer *c)
{
	enum answer_state st;
	char text[40];
	size_t used;

	st = answer_feed(&c->body, c->in, c->in_len, &used, c, body_bytes);
	consume(c, used);
	if (st == ANSWER_MORE)
		return (false);
	if (st == ANSWER_BAD)
		snprintf(text, sizeof text, "bad chunk at %lld",
		    (long long)c->at);
	else if (c->wrong_at >= 0)
		snprintf(text, sizeof text, "wrong near %lld",
		    (long long)c->wrong_at);
	else
		snprintf(text, sizeof text, "right %lld", (long long)c->at);
	text_answer(c, text);
	return (true);
}

/* --- one step after the other --------------------------------------------- */

static bool
take_head(struct peer *c)
{
	char *end;

	if (c->in_len == 0)
		return (false);
	if (c->in[0] < 'A' || c->in[0] > 'Z') {
		c->mode = ECHO;
		return (true);
	}
	if ((end = strstr(c->in, "\r\n\r\n")) == NULL)
		return (false);
	end[2] = '\0';
	request(c, c->in);
	consume(c, (size_t)(end + 4 - c->in));
	return (true);
}

static bool
echo(struct peer *c)
{
	size_t off = 0;
	bool all = flush(c, c->in, &off, c->in_len);

	if (c->fd < 0)
		return (false);
	consume(c, off);
	if (all && c->ended)
		drop(c);
	return (false);
}

/* Whole frames only, each with the time it was kept. */
static bool
probe(struct peer *c)
{
	size_t whole = c->in_len / BYTES_FRAME * BYTES_FRAME, at;
	int64_t held = stamp_now_ns() - c->came_ns;
	int i;

	for (at = 0; at < whole; at += BYTES_FRAME)
		for (i = 0; i < 8; i++)
			c->in[at + STAMP_AT + i] = (char)(held >>
			    (56 - 8 * i));
	/* So short that there always is room for it. */
	if (whole > 0 && send(c->fd, c->in, whole, MSG_NOSIGNAL) !=
	    (ssize_t)whole) {
		drop(c);
		return (false);
	}
	consume(c, whole);
	if (c->ended)
		drop(c);
	return (false);
}

static bool
echo_or_probe(struct peer *c)
{
	if (c->in_len == 0 || c->in[0] != STAMP_MARK)
		return (echo(c));
	c->mode = PROBE;
	stamp_enable(c->fd);
	c->came_ns = stamp_now_ns();
	return (true);
}

static void
go_on(struct peer *c)
{
	bool more = true;

	while (more && c->fd >= 0) {
		switch (c->mode) {
		case HEAD: more = take_head(c); break;
		case BODY: more = c->in_len > 0 && take_body(c); break;
		case WAITING: more = false; break;
		case ANSWER: more = push_answer(c); break;
		case ECHO: more = echo_or_probe(c); break;
		default: more = probe(c); break;
		}
	}
	if (c->fd < 0)
		return;
	if (c->ended && c->mode == HEAD) {
		drop(c);
		return;
	}
	if (c->in_len + 1 >= sizeof c->in && !c->deaf) {
		c->deaf = true;
		watch(c, EPOLL_CTL_MOD);
	} else if (c->in_len + 1 < sizeof c->in && c->deaf && !c->ended &&
	    !(c->mode == BODY && c->up_rate > 0)) {
		c->deaf = false;
		watch(c, EPOLL_CTL_MOD);
	}
}

static void
listen_again(struct timer *t)
{
	struct peer *c = (struct peer *)t;

	if (c->in_len + 1 < sizeof c->in) {
		c->deaf = false;
		watch(c, EPOLL_CTL_MOD);
	}
}

static void
readable(struct peer *c)
{
	size_t room = sizeof c->in - 1 - c->in_len;
	bool slow = c->mode == BODY && c->up_rate > 0;
	ssize_t n;

	if (slow && room > (size_t)(c->up_rate * TICK_US / 1000000))
		room = (size_t)(c->up_rate * TICK_US / 1000000);
	if (room == 0)
		return;
	if (c->mode == PROBE)
		n = stamp_read(c->fd, c->in + c->in_len, room, &c->came_ns);
	else
		n = read(c->fd, c->in + c->in_len, room);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		drop(c);
		return;
	}
	if (n == 0) {
		c->ended = c->deaf = true;
		/* Whoever leaves a question open does not want the answer. */
		if (c->mode != ECHO && c->mode != PROBE) {
			drop(c);
			return;
		}
		watch(c, EPOLL_CTL_MOD);
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	if (slow) {
		c->deaf = true;
		watch(c, EPOLL_CTL_MOD);
		wheel_arm(&c->timer, now + TICK_US, listen_again);
	}
	go_on(c);
}

static void
accept_all(int lfd)
{
	struct peer *c;
	int fd;

	while ((fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		if ((c = calloc(1, sizeof *c)) == NULL)
			die("calloc");
		no_delay(fd);
		c->fd = fd;
		watch(c, EPOLL_CTL_ADD);
	}
}

static void
on_event(struct peer *c, uint32_t events)
{
	if (events & EPOLLOUT)
		go_on(c);
	if (c->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
		if (c->deaf && (events & (EPOLLHUP | EPOLLERR)))
			drop(c);        /* nobody is there any more */
		else if (!c->deaf)
			readable(c);
	}
	if (c->fd < 0)
		free(c);
}

int
main(int argc, char **argv)
{
	struct epoll_event evs[256], e = { .events = EPOLLIN };
	struct timespec wait = { 0, 0 };
	int i, lfd, n;

	if (argc != 2) {
		fprintf(stderr, "usage: server PORT\n");
		return (2);
	}
	raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	bytes_init();
	now = now_us();
	wheel_init();
	ep = epoll_create1(0);
	lfd = tcp_listen(atoi(argv[1]));
	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &e) != 0)
		die("epoll");
	for (;;) {
		wait.tv_nsec = wheel_wait_us() * 1000;
		n = epoll_pwait2(ep, evs, 256, &wait, NULL);
		now = now_us();
		for (i = 0; i < n; i++) {
			if (evs[i].data.ptr == NULL)
				accept_all(lfd);
			else
				on_event(evs[i].data.ptr, evs[i].events);
		}
		wheel_run();
	}
}
