/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_agent - the agent's side of keeping patterns the same.
 *
 * It asks each worker that comes how far it is. An agent that replaces another
 * waits until all have answered, or for a second, and learns from the one that
 * is farthest: what was confirmed to anybody is known there, as all were told
 * in the same order. Then each worker that is elsewhere gets a lesson; only
 * those that are in step are told changes, and only from them changes are taken.
 *
 * A worker that does not read is told nothing more when some bytes wait for it:
 * it is asked again how far it is, which it answers when it reads on.
 */
#include "pat_sync_int.h"

#include <base/clock.h>
#include <os/loop.h>

#define LEARN_MS 1000           /* for workers that do not answer */
#define BEHIND_BYTES (1u << 20) /* that wait for a worker, but its lesson … */
#define BEHIND_MS 500           /* … for so long: one command may be longer */

enum step { ASKED = 1, ANSWERED, IN_STEP };

static struct pupil {           /* by worker number */
	enum step step;
	bool owed;                      /* new here, has to be told all */
	struct pat_pos pos;
	size_t lesson_bytes;
	int64_t full_ms;                /* so much waits since; 0: less */
} pupils[IPC_PROCS_MAX + 1];

static struct pat_pos here;     /* the list in this process */
static struct pat_pos learnt;   /* where it began */
static uint64_t born_us;
static bool knows;              /* it has learned, or there was nothing */
static pid_t teacher;
static struct text lesson;
static struct tmr timer;
static struct pat_waiter *waiters;

static bool
is_at(struct pat_pos a, struct pat_pos b)
{
	return (a.agent_us == b.agent_us && a.n == b.n);
}

static bool
is_before(struct pat_pos a, struct pat_pos b)
{
	return (a.agent_us != b.agent_us ? a.agent_us < b.agent_us :
	    a.n < b.n);
}

static void
tell_frame(struct agent_worker *w, struct pat_frame f)
{
	pat_sync_tell(w, &f, sizeof f);
}

static void
ask_where(struct agent_worker *w)
{
	pupils[w->no].step = ASKED;
	tell_frame(w, (struct pat_frame){ .op = PAT_OP_WHERE });
}

/* ---- teaching ---- */

static void
tell_piece(const void *p, size_t n, void *worker)
{
	pat_sync_tell(worker, p, n);
}

/* Its changes are the first of those that were made here. */
static bool
is_on_the_way(struct pat_pos p)
{
	return ((p.agent_us == 0 && p.n == 0) || p.agent_us == born_us ||
	    (p.agent_us == learnt.agent_us && p.n <= learnt.n));
}

static void
bring_in_step(struct agent_worker *w)
{
	struct pupil *p = &pupils[w->no];

	p->lesson_bytes = 0;
	p->full_ms = 0;
	if (!is_at(p->pos, here)) {
		tell_frame(w, (struct pat_frame){ .op = PAT_OP_LESSON });
		p->lesson_bytes = pat_tell_all(!is_on_the_way(p->pos),
		    tell_piece, w);
	}
	tell_frame(w, pat_frame_at(PAT_OP_SYNCED, here));
	p->step = IN_STEP;
	if (p->owed) {
		p->owed = false;
		agent_owe(w, false);
	}
}

static bool
is_behind(const struct agent_worker *w)
{
	struct pupil *p = &pupils[w->no];

	if (w->chan.out_bytes <= BEHIND_BYTES + p->lesson_bytes) {
		p->full_ms = 0;
		return (false);
	}
	if (p->full_ms == 0)
		p->full_ms = the_loop->now_ms;
	return (the_loop->now_ms - p->full_ms >= BEHIND_MS);
}

void
pat_agent_broadcast(struct text *t)
{
	struct pat_frame at;

	agent_news_made();
	if (here.agent_us != born_us)
		here = (struct pat_pos){ born_us, 0 };
	here.n++;
	at = pat_frame_at(PAT_OP_AT, here);
	pat_frame_put(t, at, SPAN_NONE, SPAN_NONE);
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *w =
		    LIST_ITEM(it, struct agent_worker, node);

		if (pupils[w->no].step != IN_STEP)
			continue;
		if (is_behind(w))
			ask_where(w);
		else
			pat_sync_tell(w, t->p, t->n);
	}
}

/* ---- learning ---- */

static void
let_waiters_go(void)
{
	while (waiters != NULL) {
		struct pat_waiter *x = waiters;

		waiters = x->next;
		x->go(x->arg);
	}
}

static void
know(void)
{
	knows = true;
	teacher = 0;
	text_fini(&lesson);
	tmr_stop(&the_loop->wheel, &timer);
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *w =
		    LIST_ITEM(it, struct agent_worker, node);

		if (pupils[w->no].step == ANSWERED)
			bring_in_step(w);
	}
	let_waiters_go();
}

/* The one that is farthest; how many there are, and have answered. */
static struct agent_worker *
farthest(int *n, int *n_answered)
{
	struct agent_worker *best = NULL;

	*n = *n_answered = 0;
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *w =
		    LIST_ITEM(it, struct agent_worker, node);

		++*n;
		if (pupils[w->no].step != ANSWERED)
			continue;
		++*n_answered;
		if (best == NULL || is_before(pupils[best->no].pos,
		    pupils[w->no].pos))
			best = w;
	}
	return (best);
}

/* Begins as soon as all have answered, or `now` with those that have. */
static void
begin_learning(bool now)
{
	int n, n_answered;
	struct agent_worker *w = farthest(&n, &n_answered);

	if (knows || teacher != 0 || w == NULL ||
	    (!now && (n_answered < n || n < agent_facts.n_workers)))
		return;
	if (is_at(pupils[w->no].pos, here)) {
		know();
		return;
	}
	teacher = w->pid;
	text_clear(&lesson);
	tell_frame(w, (struct pat_frame){ .op = PAT_OP_WHAT_IS });
	tmr_arm(&the_loop->wheel, &timer, the_loop->now_ms + LEARN_MS);
}

/* The teacher has said all; `more`: also what is not confirmed, so that nobody
 * is where it is now. */
static void
learn(struct agent_worker *w, bool more)
{
	pat_frame_apply_all(text_span(&lesson));
	here = learnt = pupils[w->no].pos;
	if (more)
		here = (struct pat_pos){ born_us, 1 };
	know();
}

/* It has stopped half-way. */
static void
leave_teacher(void)
{
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *w =
		    LIST_ITEM(it, struct agent_worker, node);

		if (w->pid == teacher)
			ask_where(w);
	}
	teacher = 0;
}

static void
on_time(struct tmr *t)
{
	leave_teacher();
	begin_learning(true);
	if (!knows)
		tmr_arm(&the_loop->wheel, t, the_loop->now_ms + LEARN_MS);
}

/* ---- what workers say ---- */

/* A rule of a worker: do it here, number the row, pass it on. */
static void
pass_on(struct text *t, struct pat_frame f, struct span key, struct span val)
{
	struct pat_ref *r = pat_by_no(f.ref);
	struct pat_row *row;

	if (r == NULL || !r->by_key)
		return;
	f.id = 0;
	pat_frame_apply(r, &f, key, val);
	row = pat_by_text(r, key);
	if (row != NULL)
		f.id = row->id;
	else
		f.op = PAT_OP_DROP;
	if (t->n + key.n + val.n > PAT_BATCH_BYTES && t->n != 0) {
		pat_agent_broadcast(t);
		text_clear(t);
	}
	pat_frame_put(t, f, key, val);
}

static void
pass_all_on(struct agent_worker *w, struct span rest)
{
	struct span key, val;
	struct pat_frame f;
	struct text t;

	text_init(&t);
	while (pat_frame_take(&rest, &f, &key, &val)) {
		f.from = (uint32_t)w->pid;
		if (f.op == PAT_OP_PUT || f.op == PAT_OP_DROP ||
		    f.op == PAT_OP_RENEW)
			pass_on(&t, f, key, val);
	}
	if (t.n != 0)
		pat_agent_broadcast(&t);
	text_fini(&t);
}

void
pat_agent_said(struct agent_worker *w, struct span data)
{
	struct span rest = data, key, val;
	struct pupil *p = &pupils[w->no];
	struct pat_frame f;

	if (!pat_frame_take(&rest, &f, &key, &val))
		return;
	if (f.op == PAT_OP_AT) {
		p->pos = pat_frame_pos(&f);
		p->step = ANSWERED;
		if (knows)
			bring_in_step(w);
		else
			begin_learning(false);
	} else if (teacher == w->pid && p->step == ANSWERED) {
		if (f.op == PAT_OP_THAT_IS)
			learn(w, f.ref != 0);
		else
			text_add(&lesson, data);
	} else if (p->step == IN_STEP)
		pass_all_on(w, data);
}

/* ---- the runtime API ---- */

bool
pat_agent_wait(struct pat_waiter *x)
{
	if (knows)
		return (false);
	x->next = waiters;
	waiters = x;
	return (true);
}

void
pat_agent_unwait(const void *arg)
{
	struct pat_waiter **at = &waiters;

	while (*at != NULL && (*at)->arg != arg)
		at = &(*at)->next;
	if (*at != NULL)
		*at = (*at)->next;
}

/* ---- the part ---- */

static void
worker_came(struct agent_worker *w)
{
	pupils[w->no] = (struct pupil){ .owed = true };
	agent_owe(w, true);
	ask_where(w);
}

static void
worker_gone(struct agent_worker *w)
{
	if (teacher == w->pid)
		teacher = 0;
	begin_learning(false);
}

static void
start(struct loop *loop)
{
	born_us = (uint64_t)clock_mono_us();
	text_init(&lesson);
	tmr_init(&timer, on_time);
	tmr_arm(&loop->wheel, &timer, loop->now_ms + LEARN_MS);
}

AGENT_PART(pat) = { .name = "pat", .rank = 30, .start = start,
	.worker_came = worker_came, .worker_gone = worker_gone };
