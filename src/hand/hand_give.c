/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_give - the old worker's side: look at each connection, freeze what can
 * go, keep it until it was answered.
 *
 * Two phases: a frozen connection is not served and not freed. Taken: it is
 * the other one's. Refused, or the other one's death: it is served on here.
 * One that was on its way at several deaths may be what they died of: it
 * stays.
 *
 * Few are on their way at any time, so that none waits long: what the other
 * one has not read yet holds connections that nobody serves.
 *
 * Those on which a request begins go first. So the old configuration serves no
 * new one while thousands of others cross, unless nobody answers.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <ipc/ipc.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/loop.h>

#include "hand_int.h"

#define FRAMES_MAX   4          /* sent and not answered */
#define GIVE_BATCH   8          /* in a frame: others wait for a tenth of 1 ms */
#define TURN_US      2000       /* freezing in a row before others get theirs */
#define AGAIN_MS     20         /* until those who said soon are asked */
#define AGAIN_MANY_MS 100       /* the same, when that is much work */
#define MANY         1000
#define STUCK_MS     4000       /* without an answer */
#define IMPATIENT_MS 200        /* the same, in tests */
#define HOLD_MS      500        /* without an answer: serve what is held */
#define RECORD_ROOM  (IPC_BYTES_MAX - 256)      /* of one that goes in a frame */

struct flight {                 /* a frame that is on its way */
	uint32_t first_id;
	unsigned n, left;       /* connections in it; not answered yet */
	struct hand_item *item[GIVE_BATCH];
	int64_t frozen_us[GIVE_BATCH];
};

struct giver {
	struct ipc_chan chan;
	hand_heard_fn *heard;
	struct flight flight[FRAMES_MAX];
	unsigned n_flying;      /* connections */
	uint32_t last_id;
	uint32_t pass_left;     /* items not looked at in this pass */
	bool first_pass, any_soon;
	bool let_go;            /* the other one leaves: it has not died */
	bool slow;              /* requests are not held for it */
	struct loop_task task;
	int64_t answered_ms;    /* or began; INT64_MAX: said to be stuck */
	int64_t patience_ms;
	int64_t heard_us;       /* what it answers now */
	struct tmr timer;
};

/* The frame that is being made. */
struct frame {
	struct flight *f;       /* NULL: none yet */
	struct wire_out out;
	int fds[IPC_FDS_MAX];
	size_t n_fds;
	int memfd[GIVE_BATCH];  /* of long records; ours to close */
	unsigned n_memfd;
};

uint32_t hand_took_n;

bool hand_giving;
const uint32_t hand_wait_us[HAND_WAITS] = {
	250, 500, 1000, 2000, 5000, 10000, 20000, 50000
};

static struct giver *giver;             /* of this process; NULL: none */
static struct hand_counts gave;         /* so far, by all givers */
static char frame_bytes[IPC_BYTES_MAX];
static char record_bytes[HAND_LONG_MAX];        /* touched as far as used */

/* What is left here: parts of others are not counted. */
static uint32_t
n_left(void)
{
	uint32_t n = 0;

	for (size_t k = 0; k < NELEM(hand_lists); k++)
		LIST_EACH(it, hand_lists[k]) {
			struct hand_item *i = LIST_ITEM(it, struct hand_item,
			    node);

			n += hand_kind_of(i)->what(i) != NULL;
		}
	return (n);
}

void
hand_now(struct hand_counts *out)
{
	*out = gave;
	out->closed = hand_closed_n;
	out->left = n_left();
}

uint32_t
hand_taken(void)
{
	return (hand_took_n);
}

/* ---- the end ---- */

static void
say(hand_heard_fn *heard, enum hand_event event)
{
	struct hand_counts now;

	hand_now(&now);
	heard(event, &now);
}

static void
bring_back(struct giver *g, struct hand_item *it, bool stays)
{
	g->n_flying--;
	it->id = 0;
	hand_kind_of(it)->back(it, stays);
}

static void
survive(struct giver *g, struct hand_item *it)
{
	bool stays = !g->let_go && ++it->deaths >= HAND_DEATHS_MAX;

	if (stays) {
		it->refused = hand_refusal(SPAN("new workers died of it"));
		gave.refused++;
	}
	bring_back(g, it, stays);
}

/* It waited to go first and can't: it is served here. It may be freed. */
static void
serve(struct hand_item *it)
{
	if (!it->first)
		return;
	it->first = false;
	hand_kind_of(it)->serve(it);
}

static void
serve_all_asked(void)
{
	struct list *node;

	while ((node = list_pop_front(&hand_asked)) != NULL) {
		list_push_back(&hand_items, node);
		serve(LIST_ITEM(node, struct hand_item, node));
	}
}

/* Nothing more will go this way: what flies comes back. */
static void
end(struct giver *g)
{
	tmr_stop(&the_loop->wheel, &g->timer);
	loop_unpost(the_loop, &g->task);
	ipc_close(&g->chan);
	giver = NULL;
	hand_giving = false;
	for (unsigned i = 0; i < FRAMES_MAX; i++)
		for (unsigned j = 0; j < g->flight[i].n; j++)
			if (g->flight[i].item[j] != NULL)
				survive(g, g->flight[i].item[j]);
	serve_all_asked();
	free(g);
}

static void
end_saying(struct giver *g, enum hand_event event)
{
	hand_heard_fn *heard = g->heard;

	end(g);
	say(heard, event);
}

/* ---- a frame ---- */

static struct flight *
free_flight(struct giver *g)
{
	for (unsigned i = 0; i < FRAMES_MAX; i++)
		if (g->flight[i].left == 0)
			return (&g->flight[i]);
	return (NULL);
}

static bool
frame_begin(struct giver *g, struct frame *fr)
{
	if (fr->f != NULL)
		return (true);
	if ((fr->f = free_flight(g)) == NULL)
		return (false);
	fr->f->n = 0;
	fr->f->first_id = g->last_id + 1;
	wire_out_init(&fr->out, frame_bytes, sizeof frame_bytes);
	fr->n_fds = 0;
	fr->n_memfd = 0;
	return (true);
}

/* Send what was gathered; false: the channel has ended, all of it is back. */
static bool
frame_send(struct giver *g, struct frame *fr)
{
	struct flight *f = fr->f;
	bool sent;

	if (f == NULL || f->n == 0)
		return (true);
	fr->f = NULL;
	f->left = f->n;
	if (g->n_flying == f->n)
		g->answered_ms = the_loop->now_ms;
	(void)fault_at("hand.send");
	sent = ipc_send_tag(&g->chan, IPC_OFFERS, HAND_VERSION, f->first_id,
	    fr->out.p, fr->out.n, fr->fds, fr->n_fds);
	for (unsigned i = 0; i < fr->n_memfd; i++)
		fd_close(&fr->memfd[i]);
	return (sent);
}

/* A record that is too long for a frame goes through memory. */
static int
long_record(const struct wire_out *rec)
{
	int fd = memfd_create("ecluse-hand", MFD_CLOEXEC);

	if (fd >= 0 && !fd_write_all(fd, rec->p, rec->n))
		fd_close(&fd);
	return (fd);
}

static void
put_entry(struct frame *fr, const struct hand_item *it, uint32_t id,
    const struct wire_out *rec, const int *fds, size_t n_fds, int memfd)
{
	const struct hand_kind *kind = hand_kind_of(it);
	struct wire_out *o = &fr->out;
	size_t mark = wire_begin(o, HAND_ENTRY, WIRE_REQUIRED);

	wire_put_u64(o, HAND_E_ID, WIRE_REQUIRED, id);
	wire_put_bytes(o, HAND_E_KIND, WIRE_REQUIRED, span_str(kind->name));
	wire_put_u64(o, HAND_E_LAYOUT, WIRE_REQUIRED, kind->layout);
	wire_put_u64(o, HAND_E_FDS, WIRE_REQUIRED, n_fds + (memfd >= 0));
	if (memfd >= 0) {
		wire_put_u64(o, HAND_E_LONG, WIRE_REQUIRED, rec->n);
		fr->fds[fr->n_fds++] = memfd;
		fr->memfd[fr->n_memfd++] = memfd;
	} else {
		wire_put_bytes(o, HAND_E_RECORD, WIRE_REQUIRED,
		    span_of(rec->p, rec->n));
	}
	wire_end(o, mark);
	for (size_t i = 0; i < n_fds; i++)
		fr->fds[fr->n_fds++] = fds[i];
}

/* Room for a record of `n` bytes, in the frame's bytes and descriptors. */
static bool
has_room(const struct frame *fr, size_t n, size_t n_fds)
{
	return (fr->f->n < GIVE_BATCH && fr->n_fds + n_fds + 1 <= IPC_FDS_MAX &&
	    fr->out.cap - fr->out.n >= n + 256);
}

/* It stays here; there is no other way to write it. */
static void
stays(struct hand_item *it, const char *why)
{
	gave.refused++;
	it->refused = hand_refusal(span_str(why));
	hand_kind_of(it)->back(it, true);
}

/* Room for one more connection, in this frame or the next. */
static bool
have_frame(struct giver *g, struct frame *fr)
{
	if (fr->f != NULL && has_room(fr, 0, 0))
		return (true);
	return (frame_send(g, fr) && frame_begin(g, fr));
}

/* Freeze one and put it into the frame; a long one may need the next. It may
 * be freed here, when it cannot go and ends instead. */
static void
offer(struct giver *g, struct frame *fr, struct hand_item *it)
{
	const struct hand_kind *kind = hand_kind_of(it);
	int64_t frozen_us = clock_mono_us();
	int fds[HAND_FDS_MAX], memfd = -1;
	struct wire_out rec;
	size_t n_fds = 0;

	wire_out_init(&rec, record_bytes, sizeof record_bytes);
	if (fault_at("hand.freeze") || !kind->freeze(it, &rec, fds, &n_fds)) {
		g->any_soon = true;
		serve(it);
		return;
	}
	MUST(n_fds <= HAND_FDS_MAX);
	it->first = false;
	if (rec.over || (rec.n > RECORD_ROOM &&
	    (memfd = long_record(&rec)) < 0)) {
		stays(it, "its state is too long to be written down");
		return;
	}
	if (!has_room(fr, memfd >= 0 ? 0 : rec.n, n_fds) &&
	    (!frame_send(g, fr) || !frame_begin(g, fr))) {
		fd_close(&memfd);
		g->any_soon = true;
		kind->back(it, false);
		return;
	}
	it->id = ++g->last_id;
	put_entry(fr, it, it->id, &rec, fds, n_fds, memfd);
	fr->f->frozen_us[fr->f->n] = frozen_us;
	fr->f->item[fr->f->n++] = it;
	g->n_flying++;
}

/* ---- passes ---- */

/* Not as long as it does what the new one has refused. */
static bool
is_refused(struct hand_item *it)
{
	if (it->task != 0 && hand_kind_of(it)->task(it) != it->task)
		it->refused = it->task = 0;
	return (it->refused != 0);
}

static void
never(struct hand_item *it)
{
	if (it->stays)
		return;
	it->stays = true;
	it->first = false;
	gave.never++;
	if (hand_kind_of(it)->stays != NULL)
		hand_kind_of(it)->stays(it);
}

static void
look_at(struct giver *g, struct frame *fr, struct hand_item *it)
{
	enum hand_when when = HAND_ALONG;
	const char *why;

	if (!is_refused(it) && it->id == 0)
		when = hand_kind_of(it)->can(it, &why);
	if (when == HAND_NOW) {
		offer(g, fr, it);
		return;
	}
	g->any_soon |= it->task != 0 || when == HAND_SOON;
	if (when == HAND_NEVER)
		never(it);
	else
		serve(it);
}

/* The next one to look at: one that asked, or one of this pass; NULL: none.
 * Who was looked at goes to the end. */
static struct hand_item *
next_item(struct giver *g)
{
	struct list *from = &hand_asked;

	if (list_empty(from)) {
		from = &hand_items;
		if (g->pass_left == 0 || list_empty(from))
			return (NULL);
		g->pass_left--;
	}
	from = list_pop_front(from);
	list_push_back(&hand_items, from);
	return (LIST_ITEM(from, struct hand_item, node));
}

/* A pass looks at every item once. */
static void
pump(struct giver *g)
{
	int64_t until = clock_mono_us() + TURN_US;
	struct frame fr = { 0 };
	struct hand_item *it;
	unsigned looks = 0;

	while ((++looks % 16 != 0 || clock_mono_us() < until) &&
	    have_frame(g, &fr) && (it = next_item(g)) != NULL)
		look_at(g, &fr, it);
	if (list_empty(&hand_items))
		g->pass_left = 0;
	if (!frame_send(g, &fr))
		g->pass_left = 0;
}

static bool
is_over(const struct giver *g)
{
	return (g->pass_left == 0 && g->n_flying == 0 &&
	    list_empty(&hand_asked));
}

static void
begin_pass(struct giver *g)
{
	g->pass_left = hand_items_n;
	g->any_soon = false;
}

static int64_t
until_next(const struct giver *g)
{
	if (g->n_flying == 0 && !is_over(g))
		return (0);
	return (hand_items_n > MANY ? AGAIN_MANY_MS : AGAIN_MS);
}

static void
go_on(struct giver *g)
{
	pump(g);
	if (g->chan.fd < 0) {
		end_saying(g, HAND_BROKEN);
		return;
	}
	if (is_over(g)) {
		if (!g->any_soon) {
			(void)ipc_send(&g->chan, IPC_HAND_END, NULL, 0, NULL,
			    0);
			end_saying(g, HAND_ENDED);
			return;
		}
		if (g->first_pass)
			say(g->heard, HAND_PASSED);
		g->first_pass = false;
	}
	tmr_stop(&the_loop->wheel, &g->timer);
	tmr_arm(&the_loop->wheel, &g->timer, the_loop->now_ms + until_next(g));
}

static void
on_timer(struct tmr *t)
{
	struct giver *g = HOLDER(t, struct giver, timer);
	int64_t waits_ms = g->n_flying == 0 ? 0 :
	    the_loop->now_ms - g->answered_ms;

	if (is_over(g))
		begin_pass(g);
	if (waits_ms >= HOLD_MS || waits_ms >= g->patience_ms) {
		g->slow = true;
		serve_all_asked();
	}
	if (waits_ms >= g->patience_ms) {
		g->answered_ms = INT64_MAX;
		say(g->heard, HAND_STUCK);
	}
	go_on(g);
}

static void
on_task(struct loop_task *t)
{
	go_on(HOLDER(t, struct giver, task));
}

bool
hand_goes_first(struct hand_item *it)
{
	const char *why;

	if (giver == NULL || giver->slow || giver->let_go || is_refused(it) ||
	    hand_kind_of(it)->can(it, &why) != HAND_NOW)
		return (false);
	if (it->first || it->id != 0)
		return (true);
	it->first = true;
	list_del(&it->node);
	list_push_back(&hand_asked, &it->node);
	loop_post(the_loop, &giver->task);
	return (true);
}

/* ---- answers ---- */

/* The item with that id, off its flight, and since when it is frozen; NULL:
 * none of ours. */
static struct hand_item *
take_flying(struct giver *g, uint32_t id, int64_t *frozen_us)
{
	for (unsigned i = 0; i < FRAMES_MAX; i++) {
		struct flight *f = &g->flight[i];
		struct hand_item *it;

		if (f->left == 0 || id - f->first_id >= f->n)
			continue;
		it = f->item[id - f->first_id];
		*frozen_us = f->frozen_us[id - f->first_id];
		f->item[id - f->first_id] = NULL;
		if (it != NULL)
			f->left--;
		return (it);
	}
	return (NULL);
}

static void
count_wait(int64_t us)
{
	gave.waited_us += (uint64_t)us;
	for (unsigned i = 0; i < HAND_WAITS; i++)
		gave.waits[i] += us <= hand_wait_us[i];
}

static void
was_taken(struct giver *g, uint32_t id)
{
	int64_t frozen_us;
	struct hand_item *it = take_flying(g, id, &frozen_us);
	const char *what;

	if (it == NULL)
		return;
	count_wait(g->heard_us - frozen_us);
	what = hand_kind_of(it)->what(it);
	hand_count_carried(what != NULL ? what : "other");
	gave.carried++;
	g->n_flying--;
	it->id = 0;
	hand_leave(it);
	hand_kind_of(it)->gone(it);
}

/* What the connection does, when that is refused and not the connection. */
static uint32_t
refused_task(const struct hand_item *it, struct span why)
{
	const struct hand_kind *kind = hand_kind_of(it);

	if (kind->task == NULL || (!span_is(why, HAND_WHY_BACKEND) &&
	    !span_is(why, HAND_WHY_SERVER)))
		return (0);
	return (kind->task(it));
}

static void
was_refused(struct giver *g, uint32_t id, struct span why)
{
	int64_t frozen_us;
	struct hand_item *it = take_flying(g, id, &frozen_us);

	if (it == NULL)
		return;
	gave.refused++;
	it->refused = hand_refusal(why);
	it->task = refused_task(it, why);
	g->any_soon |= it->task != 0;
	bring_back(g, it, it->task == 0);
}

static void
read_answers(struct giver *g, struct span data)
{
	struct wire_in in, one;
	enum wire_need need;
	struct span s;
	unsigned tag;
	uint64_t id;

	wire_in_init(&in, data);
	while (wire_next(&in, &tag, &need, &s)) {
		if (tag == HAND_A_TAKEN) {
			for (; s.n >= 4; s = span_skip(s, 4)) {
				uint32_t v;

				memcpy(&v, s.p, 4);
				was_taken(g, v);
			}
		} else if (tag == HAND_A_REFUSED) {
			wire_in_init(&one, s);
			if (!wire_find_u64(&one, HAND_R_ID, &id) ||
			    id > UINT32_MAX || !wire_find(&one, HAND_R_WHY,
			    &s))
				continue;
			was_refused(g, (uint32_t)id, s);
		}
	}
}

static void
on_taker(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	struct giver *g = arg;

	(void)c;
	if (m == NULL) {
		end_saying(g, HAND_BROKEN);
		return;
	}
	if (m->type == IPC_HAND_END)
		g->let_go = true;
	if (m->type != IPC_ANSWERS)
		return;
	g->answered_ms = the_loop->now_ms;
	g->heard_us = clock_mono_us();
	g->slow = false;
	read_answers(g, m->data);
	if (g->n_flying == 0 || g->pass_left > 0 || !list_empty(&hand_asked))
		go_on(g);
}

void
hand_give(struct loop *loop, int fd, hand_heard_fn *heard)
{
	static bool hurry;
	struct giver *g = must_alloc(sizeof *g);

	if (giver != NULL)
		end(giver);
	giver = g;
	hand_giving = true;
	g->task.fn = on_task;
	g->heard = heard;
	g->first_pass = true;
	g->answered_ms = loop->now_ms;
	hurry = hurry || fault_at("hand.patience");
	g->patience_ms = hurry ? IMPATIENT_MS : STUCK_MS;
	tmr_init(&g->timer, on_timer);
	ipc_open(&g->chan, fd, IPC_WORKER, IPC_WORKER, loop, on_taker, g);
	g->chan.per_turn = 1;
	begin_pass(g);
	tmr_arm(&loop->wheel, &g->timer, loop->now_ms);
}
