/* SPDX-License-Identifier: Apache-2.0 */
/* A tunnel: numbered frames go out, the server sends them back, each must come
 * once, in order and unchanged.  One burst is under way at a time, so that the
 * time from sending to the last byte back is what a client would feel. */
#include "torture.h"

#define BURST_EVERY 16          /* every so many turns a long one */
#define BURST_FRAMES 100
#define LEAVE_US 3000000

static void
speak(struct timer *t)
{
	struct conn *c = CONN(t);
	size_t n = BYTES_FRAME, room = c->crowd->kind->room;

	wheel_arm(t, now + c->crowd->every_us, speak);
	if (stopping && c->got == c->made) {
		tunnel_leave(c);
		return;
	}
	if (paused || c->got != c->made)
		return;
	if (!c->crowd->kind->probe &&
	    (c->made / BYTES_FRAME + (unsigned)c->index) % BURST_EVERY == 0)
		n *= BURST_FRAMES;
	if (n > room)
		n = room / BYTES_FRAME * BYTES_FRAME;
	bytes_frames(c->seed, c->made, c->out, n);
	if (c->crowd->kind->probe)
		c->out[0] = STAMP_MARK;
	c->out_off = 0;
	c->out_len = n;
	c->made += n;
	c->crowd->frames += (long)(n / BYTES_FRAME);
	c->t0 = c->progress_us = now_us();
	c->sent_ns = stamp_now_ns();
	link_flush(c);
}

void
tunnel_begin(struct conn *c)
{
	c->phase = TUNNEL;
	c->made = c->got = 0;
	c->worst_us = 0;
	if (c->crowd->kind->probe)
		stamp_enable(c->fd);
	/* Spread, so that they do not all talk at once. */
	wheel_arm(&c->timer, now + c->crowd->every_us *
	    (c->index % 97) / 97, speak);
}

/* A probe's frame, the only one under way, still stands in `out`; the server
 * wrote over its end. */
static bool
probe_right(struct conn *c, const char *p, size_t n)
{
	size_t off = c->got % BYTES_FRAME, i;

	if (off + n > BYTES_FRAME)
		return (false);
	for (i = 0; i < n; i++, off++) {
		if (off >= STAMP_AT)
			c->held[off - STAMP_AT] = (uint8_t)p[i];
		else if (p[i] != c->out[off])
			return (false);
	}
	return (true);
}

static int64_t
round_trip_us(struct conn *c)
{
	uint64_t held = 0;
	int i;

	if (!c->crowd->kind->probe)
		return (now_us() - c->t0);
	for (i = 0; i < 8; i++)
		held = held << 8 | c->held[i];
	return ((c->came_ns - c->sent_ns - (int64_t)held) / 1000);
}

static bool
right(struct conn *c, const char *p, size_t n)
{
	return (c->crowd->kind->probe ? probe_right(c, p, n)
	    : bytes_frames_right(c->seed, c->got, p, n));
}

void
tunnel_bytes(struct conn *c, const char *p, size_t n)
{
	if (c->phase == LEAVING || c->got + n > c->made) {
		c->crowd->wrong++;
		report_fault(c, "wrong", "more came back than was sent");
		link_close(c);
		crowd_rest(c);
		return;
	}
	if (!right(c, p, n)) {
		c->crowd->wrong++;
		report_fault(c, "wrong", "frame lost, doubled or changed");
		link_close(c);
		crowd_rest(c);
		return;
	}
	c->got += n;
	if (c->got == c->made)
		report_round_trip(c, round_trip_us(c));
}

static void
give_up(struct timer *t)
{
	link_close(CONN(t));
}

/* Say goodbye in one direction; the other side should do so, too. */
void
tunnel_leave(struct conn *c)
{
	c->phase = LEAVING;
	shutdown(c->fd, SHUT_WR);
	wheel_arm(&c->timer, now + LEAVE_US, give_up);
}
