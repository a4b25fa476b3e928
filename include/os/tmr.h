/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_TMR_H
#define OS_TMR_H
/*
 * tmr - timers: a hierarchical wheel with lazy re-arming.
 *
 * Moving a deadline later is a store; the wheel looks again when the old one
 * comes. Moving it earlier re-inserts. Millisecond steps.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/clock.h>
#include <base/list.h>

struct tmr;
typedef void tmr_fn(struct tmr *);

struct tmr {
	struct list node;       /* in a slot; unlinked when not armed */
	tmr_fn *fn;             /* called once when due; the holder by HOLDER() */
	int64_t due_ms;         /* CLOCK_NEVER: not armed */
	int64_t slot_ms;        /* when the wheel looks at it */
};

#define TMR_LEVELS 4
#define TMR_SLOTS 256           /* per level */

struct tmr_wheel {
	int64_t now_ms;                 /* how far the wheel has turned */
	uint32_t n_armed;
	uint64_t busy[TMR_LEVELS][TMR_SLOTS / 64];      /* slots in use */
	struct list slot[TMR_LEVELS][TMR_SLOTS];
	struct list at_once;            /* for the next turn, without a wait */
};

/* tmr_wheel_init - empty, at `now_ms`. */
void tmr_wheel_init(struct tmr_wheel *, int64_t now_ms);

/* tmr_init - a timer that is not armed. */
void tmr_init(struct tmr *, tmr_fn *);

/* tmr_insert - slow path of tmr_arm(). */
void tmr_insert(struct tmr_wheel *, struct tmr *, int64_t due_ms);

/* tmr_arm - due at `due_ms` (absolute, loop->now_ms based), armed or not.
 * CLOCK_NEVER disarms lazily. */
static inline void
tmr_arm(struct tmr_wheel *w, struct tmr *t, int64_t due_ms)
{
	if (__builtin_expect(t->node.next != &t->node &&
	    due_ms >= t->slot_ms, 1)) {
		t->due_ms = due_ms;             /* lazy: only later */
		return;
	}
	tmr_insert(w, t, due_ms);
}

/* tmr_arm_at_once - due when the wheel turns next, for which nobody waits: what
 * goes on after others had their turn. (With tmr_arm(), what is due already
 * waits for the next millisecond.) */
void tmr_arm_at_once(struct tmr_wheel *, struct tmr *);

/* tmr_stop - not armed any more; harmless when it was not. */
void tmr_stop(struct tmr_wheel *, struct tmr *);

/* tmr_wheel_turn - advance to `now_ms`, calling what is due. */
void tmr_wheel_turn(struct tmr_wheel *, int64_t now_ms);

/* tmr_wheel_next - ms until the wheel wants to look, -1 for never; may be
 * early for lazily moved timers, never late. */
int64_t tmr_wheel_next(const struct tmr_wheel *, int64_t now_ms);
#endif
