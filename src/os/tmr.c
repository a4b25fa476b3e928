/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmr - the wheel.
 *
 * A timer sits at level l when the highest byte in which its time differs
 * from the wheel's is byte l. So on levels 0 to 2 every used slot is ahead of
 * the wheel's position in the same turn of that level, a lower level is always
 * earlier than a higher one, and the wheel can jump over empty slots however
 * many they are. Level 3 goes round: 255 slots of 4.6 hours, and what is
 * farther away waits in the last of them and is looked at again.
 */
#include <base/must.h>
#include <os/loop.h>
#include <os/tmr.h>

#define LEVEL_BITS 8
#define TOP (TMR_LEVELS - 1)
#define SLOT_MASK (TMR_SLOTS - 1)
#define WORDS (TMR_SLOTS / 64)

_Static_assert(TMR_SLOTS == 1 << LEVEL_BITS, "one byte of time per level");

static unsigned
slot_of(int64_t ms, int level)
{
	return ((unsigned)(ms >> (LEVEL_BITS * level)) & SLOT_MASK);
}

static int64_t
slot_start(int64_t ms, int level)
{
	return (ms & ~(((int64_t)1 << (LEVEL_BITS * level)) - 1));
}

void
tmr_wheel_init(struct tmr_wheel *w, int64_t now_ms)
{
	w->now_ms = now_ms;
	w->n_armed = 0;
	list_init(&w->at_once);
	for (int l = 0; l < TMR_LEVELS; l++) {
		for (int i = 0; i < WORDS; i++)
			w->busy[l][i] = 0;
		for (int i = 0; i < TMR_SLOTS; i++)
			list_init(&w->slot[l][i]);
	}
}

void
tmr_init(struct tmr *t, tmr_fn *fn)
{
	list_init(&t->node);
	t->fn = fn;
	t->due_ms = CLOCK_NEVER;
	t->slot_ms = CLOCK_NEVER;
}

static int
level_of(const struct tmr_wheel *w, int64_t ms)
{
	uint64_t differ = (uint64_t)(ms ^ w->now_ms);

	for (int l = 0; l < TOP; l++)
		if (differ >> (LEVEL_BITS * (l + 1)) == 0)
			return (l);
	return (TOP);
}

/* Put an unlinked timer where the wheel meets it at its deadline, or before. */
static void
enter_slot(struct tmr_wheel *w, struct tmr *t)
{
	int64_t farthest = slot_start(w->now_ms, TOP) +
	    ((int64_t)SLOT_MASK << (LEVEL_BITS * TOP));
	int64_t ms = t->due_ms;
	unsigned slot;
	int level;

	if (ms <= w->now_ms)
		ms = w->now_ms + 1;
	if (ms > farthest)
		ms = farthest;
	level = level_of(w, ms);
	slot = slot_of(ms, level);
	t->slot_ms = ms;
	list_push_back(&w->slot[level][slot], &t->node);
	w->busy[level][slot / 64] |= (uint64_t)1 << (slot % 64);
}

/* Unlink; a slot that becomes empty is no longer busy. */
static void
leave_slot(struct tmr_wheel *w, struct tmr *t)
{
	struct list *head = t->node.next;
	uintptr_t first = (uintptr_t)&w->slot[0][0];
	uintptr_t at = (uintptr_t)head - first;

	if (t->node.prev == head && (uintptr_t)head >= first &&
	    at < sizeof(w->slot)) {
		unsigned n = (unsigned)(at / sizeof(struct list));
		unsigned slot = n % TMR_SLOTS;

		w->busy[n / TMR_SLOTS][slot / 64] &=
		    ~((uint64_t)1 << (slot % 64));
	}
	list_del(&t->node);
}

void
tmr_insert(struct tmr_wheel *w, struct tmr *t, int64_t due_ms)
{
	tmr_stop(w, t);
	if (due_ms == CLOCK_NEVER)
		return;
	t->due_ms = due_ms;
	w->n_armed++;
	enter_slot(w, t);
}

void
tmr_arm_at_once(struct tmr_wheel *w, struct tmr *t)
{
	tmr_stop(w, t);
	t->due_ms = t->slot_ms = w->now_ms;
	w->n_armed++;
	list_push_back(&w->at_once, &t->node);
}

void
tmr_stop(struct tmr_wheel *w, struct tmr *t)
{
	t->due_ms = CLOCK_NEVER;
	if (!list_linked(&t->node))
		return;
	leave_slot(w, t);
	w->n_armed--;
}

/* The first busy slot of a level from `from` on, or -1. */
static int
busy_from(const uint64_t *busy, unsigned from)
{
	uint64_t bits;

	if (from >= TMR_SLOTS)
		return (-1);
	bits = busy[from / 64] & (UINT64_MAX << (from % 64));
	for (unsigned i = from / 64;;) {
		if (bits != 0)
			return ((int)(i * 64) + __builtin_ctzll(bits));
		if (++i == WORDS)
			return (-1);
		bits = busy[i];
	}
}

/* When the wheel next has something to look at: the start of the first busy
 * slot, CLOCK_NEVER when there is none. */
static int64_t
next_look(const struct tmr_wheel *w)
{
	unsigned at;
	int slot, turns = 0;

	for (int l = 0; l < TOP; l++) {
		slot = busy_from(w->busy[l], slot_of(w->now_ms, l) + 1);
		if (slot >= 0)
			return (slot_start(w->now_ms, l + 1) +
			    ((int64_t)slot << (LEVEL_BITS * l)));
	}
	at = slot_of(w->now_ms, TOP);
	slot = busy_from(w->busy[TOP], at + 1);
	if (slot < 0) {
		slot = busy_from(w->busy[TOP], 0);
		turns = 1;
	}
	if (slot < 0)
		return (CLOCK_NEVER);
	return (slot_start(w->now_ms, TMR_LEVELS) +
	    ((int64_t)(slot + turns * TMR_SLOTS) << (LEVEL_BITS * TOP)));
}

/* Empty one slot: what is due goes to `due`, the rest to a lower level. */
static void
open_slot(struct tmr_wheel *w, int level, unsigned slot, struct list *due)
{
	struct list here;
	struct list *node;

	list_init(&here);
	list_splice(&here, &w->slot[level][slot]);
	w->busy[level][slot / 64] &= ~((uint64_t)1 << (slot % 64));
	while ((node = list_pop_front(&here)) != NULL) {
		struct tmr *t = LIST_ITEM(node, struct tmr, node);

		if (t->due_ms <= w->now_ms)
			list_push_back(due, node);
		else if (t->due_ms != CLOCK_NEVER)
			enter_slot(w, t);
		else
			w->n_armed--;           /* disarmed lazily */
	}
}

/* Collected first and called afterwards, so that a callback which arms for
 * "now" is called again in the next turn and not for ever in this one. */
static void
call_due(struct tmr_wheel *w, struct list *due)
{
	struct list *node;

	while ((node = list_pop_front(due)) != NULL) {
		struct tmr *t = LIST_ITEM(node, struct tmr, node);

		/* an earlier callback may have moved this one */
		if (t->due_ms > w->now_ms && t->due_ms != CLOCK_NEVER) {
			enter_slot(w, t);
			continue;
		}
		w->n_armed--;
		if (t->due_ms == CLOCK_NEVER)
			continue;
		t->due_ms = CLOCK_NEVER;
		loop_step();
		t->fn(t);
	}
}

void
tmr_wheel_turn(struct tmr_wheel *w, int64_t now_ms)
{
	struct list due;
	int64_t at;

	if (now_ms <= w->now_ms && list_empty(&w->at_once))
		return;
	list_init(&due);
	list_splice(&due, &w->at_once);
	while ((at = next_look(w)) <= now_ms) {
		w->now_ms = at;
		for (int l = TOP; l > 0; l--)
			if (slot_start(at, l) == at)
				open_slot(w, l, slot_of(at, l), &due);
		open_slot(w, 0, slot_of(at, 0), &due);
	}
	if (now_ms > w->now_ms)
		w->now_ms = now_ms;
	call_due(w, &due);
}

int64_t
tmr_wheel_next(const struct tmr_wheel *w, int64_t now_ms)
{
	int64_t at;

	if (!list_empty(&w->at_once))
		return (0);
	at = next_look(w);
	if (at == CLOCK_NEVER)
		return (-1);
	return (at <= now_ms ? 0 : at - now_ms);
}
