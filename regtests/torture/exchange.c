/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer: written at once, slowly, or a few bytes at a
 * time; read, compared byte by byte, and judged. */
#include "torture.h"

#define TICK_US 20000           /* a slow sender sends so often */
#define DRIP_US 100000
#define DRIP_BYTES 9
#define CHUNK_FRAME 8           /* "1000\r\n" before, "\r\n" after */

/* The key is the one of RFC 6455 section 1.3, and so is the server's answer. */
#define UPGRADE                                                         \
	"Connection: Upgrade\r\nUpgrade: websocket\r\n"             \
	"Sec-WebSocket-Version: 13\r\n"                               \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* The head, as many times as are to be pipelined. */
static void
write_head(struct conn *c)
{
	struct ask *a = &c->ask;
	int copies = a->copies > 1 ? a->copies : 1;
	size_t room = c->crowd->kind->room;
	char body[64] = "";

	if (a->up_form == BODY_LENGTH)
		snprintf(body, sizeof body, "Content-Length: %lld\r\n",
		    (long long)a->up);
	if (a->up_form == BODY_CHUNKED)
		snprintf(body, sizeof body, "Transfer-Encoding: chunked\r\n");
	c->answers_left = copies;
	for (c->out_len = c->out_off = 0; copies-- > 0;)
		c->out_len += (size_t)snprintf(c->out + c->out_len,
		    room - c->out_len,
		    "%s %s HTTP/1.1\r\nHost: torture.example\r\n%s%s%s\r\n",
		    a->method, a->path, body,
		    a->close ? "Connection: close\r\n" : "",
		    a->tunnel && a->method[0] == 'G' ? UPGRADE : "");
}

static void
push_again(struct timer *t)
{
	exchange_push(CONN(t));
}

/* Puts the next piece of the request's body into the buffer. */
static void
write_body(struct conn *c, size_t n)
{
	int64_t left = c->ask.up - (int64_t)c->made;
	size_t most = c->crowd->kind->room - 3 * CHUNK_FRAME;
	char *p = c->out;

	if (n > most)
		n = most;
	if ((int64_t)n > left)
		n = (size_t)left;
	if (c->ask.up_form == BODY_CHUNKED)
		p += snprintf(p, CHUNK_FRAME, "%zx\r\n", n);
	bytes_fill(c->seed, c->made, p, n);
	p += n;
	c->made += n;
	if (c->ask.up_form == BODY_CHUNKED) {
		memcpy(p, "\r\n0\r\n\r\n", 7);
		p += (int64_t)c->made == c->ask.up ? 7 : 2;
	}
	c->out_off = 0;
	c->out_len = (size_t)(p - c->out);
}

/* A few more bytes of the head. */
static void
drip(struct conn *c)
{
	size_t whole = c->out_len;

	if (c->out_off + DRIP_BYTES < whole)
		c->out_len = c->out_off + DRIP_BYTES;
	while (c->out_off < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_off,
		    c->out_len - c->out_off, MSG_NOSIGNAL);

		if (n <= 0)
			return;         /* the reading side will tell */
		c->out_off += (size_t)n;
		c->crowd->bytes_up += (uint64_t)n;
	}
	c->out_len = whole;
	c->progress_us = now;
	if (c->out_off < whole)
		wheel_arm(&c->timer, now + DRIP_US, push_again);
	else
		c->crowd->sent++;
}

/* Sends what may be sent now. */
void
exchange_push(struct conn *c)
{
	size_t piece = 1 << 16;

	if (c->phase != BUSY)
		return;
	if (c->ask.drip) {
		drip(c);
		return;
	}
	for (;;) {
		if (c->out_len > 0)
			link_flush(c);
		if (c->waits_room || (int64_t)c->made >= c->ask.up)
			return;
		if (c->ask.up_rate > 0) {
			if (c->made > 0 && c->timer.next != NULL)
				return;
			piece = (size_t)(c->ask.up_rate * TICK_US / 1000000);
			wheel_arm(&c->timer, now + TICK_US, push_again);
		}
		write_body(c, piece);
	}
}

void
exchange_begin(struct conn *c, int64_t t0)
{
	memset(&c->ask, 0, sizeof c->ask);
	c->ask.method = "GET";
	c->ask.down = -1;
	c->seed = (uint32_t)c->crowd->begun * 131u + (uint32_t)c->index;
	if (c->crowd->kind->fill != NULL)
		c->crowd->kind->fill(c, &c->ask);
	c->t0 = t0;
	c->progress_us = now;
	c->made = c->got = 0;
	c->wrong = c->told = false;
	c->answers_left = 1;
	answer_init(&c->in, c->ask.tunnel);
	if (!c->crowd->kind->tcp)
		write_head(c);
	c->crowd->begun += c->answers_left;
	if (!c->ask.drip)
		c->crowd->sent += c->answers_left;
	if (c->fd < 0) {
		link_open(c);
		return;
	}
	c->phase = BUSY;
	exchange_push(c);
}

static void
body_bytes(void *priv, const char *p, size_t n)
{
	struct conn *c = priv;

	if (c->ask.down >= 0 && !bytes_right(c->seed, c->got, p, n))
		c->wrong = true;
	c->got += n;
}

/* Whether the answer is the one that was asked for. */
static const char *
judge(struct conn *c)
{
	static char text[80];
	struct answer *a = &c->in;

	if (a->status != 200 && !(a->tunnel && a->status == 101)) {
		snprintf(text, sizeof text, "status %d", a->status);
		return (text);
	}
	if (a->tunnel)
		return (NULL);
	if (c->ask.down >= 0 && (int64_t)c->got != c->ask.down)
		return ("length of the body");
	if (c->ask.up > 0) {
		snprintf(text, sizeof text, "right %lld",
		    (long long)c->ask.up);
		if (strcmp(a->text, text) != 0) {
			snprintf(text, sizeof text, "server got: %s", a->text);
			return (text);
		}
	}
	return (c->wrong ? "bytes" : NULL);
}

static void
wrong(struct conn *c, const char *why)
{
	/* A wrong status is an answer the client did not want. */
	if (strncmp(why, "status", 6) == 0) {
		c->crowd->lost++;
		report_fault(c, "lost", why);
	} else {
		c->crowd->wrong++;
		report_fault(c, "wrong", why);
	}
}

/* An answer is whole. */
static void
answered(struct conn *c)
{
	const char *why = judge(c);

	c->answers_left--;
	report_version(c, c->in.version, c->t0);
	if (why != NULL) {
		wrong(c, why);
	} else {
		c->crowd->done++;
		report_latency(c, now - c->t0);
	}
	c->told = why == NULL && c->in.closing && !c->ask.close &&
	    c->in.form != FORM_CLOSE;
	if (why == NULL && c->ask.tunnel) {
		tunnel_begin(c);
		return;
	}
	if (c->answers_left > 0 && !c->in.closing) {
		c->got = 0;
		answer_init(&c->in, c->ask.tunnel);
		return;
	}
	if (c->answers_left > 0) {
		link_fail(c, "closed before all were answered");
		return;
	}
	if (c->told) {
		/* Told to leave is as good as closed. */
		c->crowd->told++;
		report_fault(c, "told", "Connection: close");
	}
	wheel_stop(&c->timer);
	link_listen(c, true);
	if (c->told || c->ask.close || c->in.form == FORM_CLOSE ||
	    c->in.closing)
		link_close(c);
	else
		c->phase = QUIET;
	crowd_rest(c);
}

void
exchange_bytes(struct conn *c, const char *p, size_t n)
{
	size_t used = 0;

	while (n > 0 && c->phase == BUSY) {
		switch (answer_feed(&c->in, p, n, &used, c, body_bytes)) {
		case ANSWER_MORE:
			return;
		case ANSWER_BAD:
			link_fail(c, "not an answer of HTTP/1");
			return;
		case ANSWER_DONE:
			break;
		}
		p += used;
		n -= used;
		answered(c);
	}
	if (n == 0 || c->fd < 0)
		return;
	if (c->phase == TUNNEL)
		tunnel_bytes(c, p, n);
	else
		link_fail(c, "bytes after the answer");
}

bool
exchange_ended(struct conn *c)
{
	if (!c->in.in_body || c->in.form != FORM_CLOSE ||
	    (c->ask.down >= 0 && (int64_t)c->got < c->ask.down))
		return (false);
	answered(c);
	return (true);
}
