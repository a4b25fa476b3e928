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
	c->out_off = 0;
	c->out_len = n;
	c->made += n;
	c->crowd->frames += (long)(n / BYTES_FRAME);
	c->t0 = c->progress_us = now_us();
	link_flush(c);
}

void
tunnel_begin(struct conn *c)
{
	c->phase = TUNNEL;
	c->made = c->got = 0;
	c->worst_us = 0;
	/* Spread, so that they do not all talk at once. */
	wheel_arm(&c->timer, now + c->crowd->every_us *
	    (c->index % 97) / 97, speak);
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
	if (!bytes_frames_right(c->seed, c->got, p, n)) {
		c->crowd->wrong++;
		report_fault(c, "wrong", "frame lost, doubled or changed");
		link_close(c);
		crowd_rest(c);
		return;
	}
	c->got += n;
	if (c->got == c->made)
		report_round_trip(c, now_us() - c->t0);
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
