/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: a wheel of slots of about a millisecond.  What is due later than one
 * turn of the wheel is looked at once a turn. */
#include "torture.h"

#define SLOTS 8192
#define SLOT_US_SHIFT 10

static struct timer slots[SLOTS];
static int64_t done_slot;

static struct timer *
slot_of(int64_t us)
{
	return (&slots[(us >> SLOT_US_SHIFT) & (SLOTS - 1)]);
}

void
wheel_init(void)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		slots[i].next = slots[i].prev = &slots[i];
	done_slot = now >> SLOT_US_SHIFT;
}

void
wheel_stop(struct timer *t)
{
	if (t->next == NULL)
		return;
	t->next->prev = t->prev;
	t->prev->next = t->next;
	t->next = t->prev = NULL;
}

void
wheel_arm(struct timer *t, int64_t due_us, void (*fn)(struct timer *))
{
	struct timer *head;

	wheel_stop(t);
	/* The slot of this moment has been emptied already. */
	if (due_us >> SLOT_US_SHIFT <= done_slot)
		due_us = (done_slot + 1) << SLOT_US_SHIFT;
	head = slot_of(due_us);
	t->due_us = due_us;
	t->fn = fn;
	t->next = head;
	t->prev = head->prev;
	head->prev->next = t;
	head->prev = t;
}

void
wheel_run(void)
{
	int64_t last = now >> SLOT_US_SHIFT;
	struct timer *head, *t, *next;

	while (done_slot < last) {
		done_slot++;
		head = slot_of(done_slot << SLOT_US_SHIFT);
		/* A function may stop timers, its own slot's next one too:
		 * start again after each that was run. */
		for (t = head->next; t != head; t = next) {
			next = t->next;
			if (t->due_us >> SLOT_US_SHIFT > done_slot)
				continue;
			wheel_stop(t);
			t->fn(t);
			next = head->next;
		}
	}
}

int64_t
wheel_wait_us(void)
{
	int64_t slot;

	for (slot = done_slot + 1; slot < done_slot + 50; slot++) {
		struct timer *head = slot_of(slot << SLOT_US_SHIFT);

		if (head->next != head)
			break;
	}
	slot = (slot << SLOT_US_SHIFT) - now;
	return (slot > 0 ? slot : 0);
}
