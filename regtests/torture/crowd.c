/* SPDX-License-Identifier: Apache-2.0 */
/* The crowds: who they are, what each of their connections asks for, and when
 * the next request is due. */
#include "torture.h"

#define MS 1000

static void
fill_short(struct conn *c, struct ask *a)
{
	(void)c;
	a->down = 128;
	snprintf(a->path, sizeof a->path, "/b/128/%u/0/l", c->seed);
}

static void
fill_close(struct conn *c, struct ask *a)
{
	fill_short(c, a);
	a->close = true;
}

/* To a server that nobody else uses. */
static void
fill_watch(struct conn *c, struct ask *a)
{
	fill_close(c, a);
	a->path[1] = 'w';
}

static void
fill_pipe(struct conn *c, struct ask *a)
{
	fill_short(c, a);
	a->copies = 4;
}

static void
fill_drip(struct conn *c, struct ask *a)
{
	fill_short(c, a);
	a->drip = true;
}

/* Every other body is slow because the server is, the rest because we are. */
static void
fill_down(struct conn *c, struct ask *a, char form)
{
	bool slow_server = c->index & 1;
	int64_t rate = 300000;

	a->down = 1200000;
	a->read_rate = slow_server ? 0 : rate;
	snprintf(a->path, sizeof a->path, "/b/%lld/%u/%lld/%c",
	    (long long)a->down, c->seed,
	    (long long)(slow_server ? rate : 0), form);
}

static void
fill_down_length(struct conn *c, struct ask *a)
{
	fill_down(c, a, 'l');
}

static void
fill_down_chunked(struct conn *c, struct ask *a)
{
	fill_down(c, a, 'c');
}

static void
fill_down_close(struct conn *c, struct ask *a)
{
	fill_down(c, a, 'x');
	/* Its end is the end of the connection, as both sides know. */
	a->close = true;
}

static void
fill_up(struct conn *c, struct ask *a)
{
	bool slow_server = c->index & 1;
	int64_t rate = 150000;

	a->method = "POST";
	a->up = 600000;
	a->up_form = c->index & 2 ? BODY_CHUNKED : BODY_LENGTH;
	a->up_rate = slow_server ? 0 : rate;
	snprintf(a->path, sizeof a->path, "/up/%u/%lld", c->seed,
	    (long long)(slow_server ? rate : 0));
}

static void
fill_wait(struct conn *c, struct ask *a)
{
	/* Not all at the same moment. */
	snprintf(a->path, sizeof a->path, "/wait/%d",
	    3000 + c->index * 37 % 500);
}

static void
fill_queue(struct conn *c, struct ask *a)
{
	(void)c;
	snprintf(a->path, sizeof a->path, "/q/40");
}

static void
fill_upgrade(struct conn *c, struct ask *a)
{
	(void)c;
	a->tunnel = true;
	snprintf(a->path, sizeof a->path, "/ws");
}

static void
fill_connect(struct conn *c, struct ask *a)
{
	(void)c;
	a->tunnel = true;
	a->method = "CONNECT";
	snprintf(a->path, sizeof a->path, "torture.example:443");
}

static const struct kind kinds[] = {
	{ .name = "keep", .n = 64, .room = 512, .rate = 4000,
	  .fill = fill_short },
	{ .name = "close", .n = 64, .room = 512, .rate = 200,
	  .fill = fill_close },
	{ .name = "watch", .room = 512, .rate = 250, .fill = fill_watch },
	{ .name = "pipe", .n = 4, .room = 1024, .every_us = 50 * MS,
	  .fill = fill_pipe },
	{ .name = "drip", .n = 8, .room = 512, .every_us = 50 * MS,
	  .fill = fill_drip },
	{ .name = "idle", .n = 500, .room = 512, .speaks = true,
	  .fill = fill_short },
	{ .name = "down-length", .n = 12, .room = 512, .body = true,
	  .every_us = 20 * MS, .fill = fill_down_length },
	{ .name = "down-chunked", .n = 12, .room = 512, .body = true,
	  .every_us = 20 * MS, .fill = fill_down_chunked },
	{ .name = "down-close", .n = 12, .room = 512, .body = true,
	  .every_us = 20 * MS, .fill = fill_down_close },
	{ .name = "up", .n = 24, .room = 4096, .body = true,
	  .every_us = 20 * MS, .fill = fill_up },
	{ .name = "wait", .n = 50, .room = 512, .every_us = 20 * MS,
	  .fill = fill_wait },
	{ .name = "queue", .n = 16, .room = 512, .every_us = 1 * MS,
	  .fill = fill_queue },
	{ .name = "ws", .n = 200, .room = 8192, .every_us = 200 * MS,
	  .fill = fill_upgrade },
	{ .name = "connect", .n = 50, .room = 8192, .every_us = 200 * MS,
	  .fill = fill_connect },
	{ .name = "tcp", .n = 200, .room = 8192, .every_us = 200 * MS,
	  .tcp = true },
	{ .name = "probe-ws", .n = 4, .room = 512, .every_us = 2 * MS,
	  .probe = true, .fill = fill_upgrade },
	{ .name = "probe-tcp", .n = 4, .room = 512, .every_us = 2 * MS,
	  .probe = true, .tcp = true },
};

struct crowd crowds[sizeof kinds / sizeof kinds[0]];
int n_crowds = sizeof kinds / sizeof kinds[0];

void
crowd_init(void)
{
	int i;

	for (i = 0; i < n_crowds; i++) {
		crowds[i].kind = &kinds[i];
		crowds[i].n = kinds[i].n;
		crowds[i].rate = kinds[i].rate;
		crowds[i].every_us = kinds[i].every_us;
	}
}

/* "keep=32", "keep.rate=1000", "ws.every_ms=50", "all=0" */
bool
crowd_set(const char *word, double value)
{
	int i;
	size_t len = strcspn(word, ".=");
	bool all = len == 3 && memcmp(word, "all", 3) == 0, found = false;

	for (i = 0; i < n_crowds; i++) {
		struct crowd *w = &crowds[i];

		if (!all && (strncmp(word, w->kind->name, len) != 0 ||
		    w->kind->name[len] != '\0'))
			continue;
		found = true;
		if (strncmp(word + len, ".rate", 5) == 0)
			w->rate = value;
		else if (strncmp(word + len, ".every_ms", 9) == 0)
			w->every_us = (int64_t)(value * MS);
		else
			w->n = (int)value;
	}
	return (found);
}

static void
next(struct timer *t)
{
	struct conn *c = CONN(t);

	if (paused)             /* look again a little later */
		wheel_arm(t, now + 20 * MS, next);
	else if (!stopping)
		exchange_begin(c, now);
}

static void
make_ready(struct conn *c)
{
	struct crowd *w = c->crowd;

	if (c->listed)          /* closed between two of its requests */
		return;
	c->listed = true;
	c->next = NULL;
	*w->ready_end = c;
	w->ready_end = &c->next;
}

void
crowd_start(void)
{
	int i, k;

	for (i = 0; i < n_crowds; i++) {
		struct crowd *w = &crowds[i];

		w->ready_end = &w->ready;
		w->due_us = now;
		w->conns = calloc((size_t)w->n + 1, sizeof *w->conns);
		if (w->conns == NULL)
			die("calloc");
		for (k = 0; k < w->n; k++) {
			struct conn *c = calloc(1,
			    sizeof *c + w->kind->room);

			if (c == NULL)
				die("calloc");
			c->fd = -1;
			c->crowd = w;
			c->index = k;
			w->conns[k] = c;
			if (w->rate > 0)
				make_ready(c);
			else            /* 4,000 new connections a second */
				wheel_arm(&c->timer, now + k * 250 +
				    (w->every_us > 0 ? i * MS : 0), next);
		}
	}
}

void
crowd_rest(struct conn *c)
{
	struct crowd *w = c->crowd;

	if (stopping)
		return;
	if (w->rate > 0)
		make_ready(c);
	else if (!w->kind->speaks)
		wheel_arm(&c->timer, now + w->every_us, next);
	else if (c->fd < 0)     /* it should be there, silent */
		crowd_replace(c);
}

/* Something went wrong with this one: another comes, but not at once, as what
 * broke one connection may well have broken a thousand. */
void
crowd_replace(struct conn *c)
{
	if (stopping)
		return;
	if (c->crowd->rate > 0)
		make_ready(c);
	else
		wheel_arm(&c->timer, now + 100 * MS + c->index % 64 * MS, next);
}

void
crowd_run(void)
{
	int i;

	if (paused || stopping)
		return;
	for (i = 0; i < n_crowds; i++) {
		struct crowd *w = &crowds[i];

		while (w->rate > 0 && w->due_us <= now && w->ready != NULL) {
			struct conn *c = w->ready;

			if ((w->ready = c->next) == NULL)
				w->ready_end = &w->ready;
			c->listed = false;
			/* Far behind (a pause): not a flood afterwards. */
			if (now - w->due_us > 200 * MS)
				w->due_us = now;
			exchange_begin(c, w->due_us);
			w->due_us += (int64_t)(1e6 / w->rate);
		}
	}
}

int64_t
crowd_wait_us(void)
{
	int64_t wait = 50 * MS;
	int i;

	if (paused || stopping)
		return (wait);
	for (i = 0; i < n_crowds; i++) {
		struct crowd *w = &crowds[i];

		if (w->rate > 0 && w->ready != NULL && w->due_us - now < wait)
			wait = w->due_us - now;
	}
	return (wait > 0 ? wait : 0);
}

void
crowd_each(void (*fn)(struct conn *))
{
	int i, k;

	for (i = 0; i < n_crowds; i++)
		for (k = 0; k < crowds[i].n; k++)
			fn(crowds[i].conns[k]);
}

/* The silent ones speak again, one every 100 us at most, or every_us. */
void
crowd_speak(void)
{
	int i, k;

	for (i = 0; i < n_crowds; i++) {
		struct crowd *w = &crowds[i];
		int64_t all_us = w->n > 3000 ? w->n * 100 : 300 * MS;

		if (w->kind->speaks && w->every_us > 0)
			all_us = w->n * w->every_us;
		for (k = 0; w->kind->speaks && k < w->n; k++)
			if (w->conns[k]->phase == QUIET)
				wheel_arm(&w->conns[k]->timer, now +
				    all_us * k / w->n, next);
	}
}

static void
stop(struct conn *c)
{
	if (c->phase == QUIET || c->phase == CLOSED)
		link_close(c);
}

void
crowd_stop(void)
{
	stopping = true;
	paused = false;
	crowd_each(stop);
}

/* All connections of crowds without a rate have been made. */
bool
crowd_is_ready(void)
{
	int i, k;

	for (i = 0; i < n_crowds; i++) {
		struct crowd *w = &crowds[i];

		if (w->rate > 0)
			continue;
		if (w->opened < w->n ||
		    (w->kind->speaks && w->done + w->lost < w->n))
			return (false);
		for (k = 0; k < w->n; k++)
			if (w->conns[k]->phase == CONNECTING)
				return (false);
	}
	return (true);
}

/* Nothing is under way but silent tunnels. */
bool
crowd_is_quiet(void)
{
	int i, k;

	for (i = 0; i < n_crowds; i++)
		for (k = 0; k < crowds[i].n; k++) {
			struct conn *c = crowds[i].conns[k];

			if (c->phase == CONNECTING || c->phase == BUSY ||
			    (c->phase == TUNNEL && c->got != c->made))
				return (false);
		}
	return (true);
}

int
crowd_left(void)
{
	int i, k, left = 0;

	for (i = 0; i < n_crowds; i++)
		for (k = 0; k < crowds[i].n; k++) {
			struct conn *c = crowds[i].conns[k];

			/* After "stop" it may have come to rest just now. */
			if (c->phase == QUIET)
				link_close(c);
			left += c->phase != CLOSED;
		}
	return (left);
}
