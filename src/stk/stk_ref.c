/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_ref - who tracks which entry. An entry counts its references; a process
 * has a list of those it holds, so that they can be given back when it dies.
 *
 * Count and list change together under the lock of the entry's stripe, which
 * first notes what was there: a process that dies in between leaves a lock,
 * and who takes it over undoes the half change.
 */
#include "stk_int.h"

#include <base/must.h>
#include <shm/reap.h>

struct stk_refs *stk_refs;

/* Free slots of this process's list: what was given back, newest first. */
static uint32_t *spare;
static uint32_t n_spare, cap_spare;
static int spare_of = -1;               /* whose they are */

static uint64_t
word_of(const struct stk_shm *m, uint32_t entry)
{
	int64_t at = (const char *)m - (const char *)stk_refs;

	return ((uint64_t)(uint32_t)(at / 64) << 32 | entry);
}

static struct stk_shm *
table_of(uint64_t word)
{
	int32_t at = (int32_t)(word >> 32);     /* may lie before */
	struct stk_shm *m = (void *)((char *)stk_refs + (int64_t)at * 64);

	return (m->magic == STK_SHM_MAGIC ? m : NULL);
}

static uint32_t
take_slot(void)
{
	uint32_t top;

	if (spare_of != shm_proc_no) {          /* forked meanwhile */
		n_spare = 0;
		spare_of = shm_proc_no;
	}
	if (stk_refs == NULL || shm_proc_no < 0)
		return (UINT32_MAX);
	if (n_spare > 0)
		return (spare[--n_spare]);
	top = stk_refs->top[shm_proc_no];
	if (top >= STK_REFS)
		return (UINT32_MAX);
	stk_refs->top[shm_proc_no] = top + 1;
	return (top);
}

static void
give_slot(uint32_t slot)
{
	if (n_spare == cap_spare) {
		cap_spare = cap_spare == 0 ? 64 : cap_spare * 2;
		spare = must_realloc(spare, cap_spare * sizeof *spare);
	}
	spare[n_spare++] = slot;
}

static uint32_t *
conn_cur(const struct stk_shm *m, const struct stk_entry *e)
{
	return (stk_data_at(m, e, STK_CONN_CUR, 0));
}

/* Note how things are, change them, forget the note. */
static void
change(struct stk_shm *m, struct stk_entry *e, int proc_no, uint32_t slot,
    int by, uint64_t word)
{
	struct stk_stripe *s = stk_stripe_at(m, e->hash);
	uint32_t *cur = conn_cur(m, e);
	uint64_t *ref = slot == UINT32_MAX ? NULL :
	    &stk_refs->word[proc_no][slot];

	s->undo_use = e->use;
	s->undo_cur = cur != NULL ? *cur : 0;
	s->undo_ref = ref == NULL ? UINT32_MAX :
	    (uint32_t)proc_no << 20 | slot;
	s->undo_word = ref != NULL ? *ref : 0;
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint32_t *)&s->undo_entry = stk_index_of(m, e);
	atomic_signal_fence(memory_order_seq_cst);
	e->use = (uint32_t)((int)e->use + by) & 0x3fffffff;
	if (cur != NULL && (by > 0 || *cur > 0))
		*cur = (uint32_t)((int)*cur + by);
	if (ref != NULL)
		*(volatile uint64_t *)ref = word;
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint32_t *)&s->undo_entry = 0;
}

void
stk_ref_undo(struct stk_shm *m, struct stk_stripe *s)
{
	struct stk_entry *e;
	uint32_t *cur, no = s->undo_ref >> 20;

	if (s->undo_entry == 0 || s->undo_entry > m->cap)
		return;
	e = stk_entry_at(m, s->undo_entry);
	e->use = s->undo_use & 0x3fffffff;
	if ((cur = conn_cur(m, e)) != NULL)
		*cur = s->undo_cur;
	if (s->undo_ref != UINT32_MAX && stk_refs != NULL && no < SHM_PROCS)
		stk_refs->word[no][s->undo_ref & (STK_REFS - 1)] =
		    s->undo_word;
	s->undo_entry = 0;
}

uint32_t
stk_ref_take(struct stk_shm *m, struct stk_entry *e)
{
	uint32_t slot = take_slot();

	change(m, e, shm_proc_no, slot, 1, slot == UINT32_MAX ? 0 :
	    word_of(m, stk_index_of(m, e)));
	return (slot);
}

void
stk_ref_drop(struct stk_shm *m, struct stk_entry *e, uint32_t slot)
{
	MUST(e->use > 0);
	change(m, e, shm_proc_no, slot, -1, 0);
	if (slot != UINT32_MAX)
		give_slot(slot);
}

/* ---- the dead ---- */

/* A lock that the dead one holds hides what it did last. */
static void
settle(struct stk_shm *m)
{
	for (uint32_t i = 0; i < m->n_stripes; i++) {
		struct stk_stripe *s = stk_stripe_at(m, i);

		if (atomic_load(&s->lock.owner) == 0)
			continue;
		stk_lock(m, s);
		shm_unlock(&s->lock);
	}
}

static void
settle_slot(struct span name, void *at, size_t size, void *arg)
{
	struct stk_shm *m = at;

	(void)name;
	(void)size;
	(void)arg;
	if (m->magic == STK_SHM_MAGIC)
		settle(m);
}

static void
give_back(int proc_no, uint32_t slot)
{
	uint64_t word = stk_refs->word[proc_no][slot];
	struct stk_shm *m;
	struct stk_stripe *s;
	struct stk_entry *e;

	if (word == 0)
		return;
	if ((m = table_of(word)) == NULL || (uint32_t)word == 0 ||
	    (uint32_t)word > m->cap) {
		stk_refs->word[proc_no][slot] = 0;
		return;
	}
	e = stk_entry_at(m, (uint32_t)word);
	s = stk_stripe_at(m, e->hash);
	stk_lock(m, s);
	if (e->state == STK_USED && e->use > 0)
		change(m, e, proc_no, slot, -1, 0);
	stk_refs->word[proc_no][slot] = 0;
	shm_unlock(&s->lock);
}

void
stk_reap(int proc_no)
{
	uint32_t top;

	if (stk_refs == NULL || the_shm == NULL)
		return;
	shm_each(the_shm, SHM_STK, settle_slot, NULL);
	top = atomic_load(&stk_refs->top[proc_no]);
	for (uint32_t i = 0; i < top && i < STK_REFS; i++)
		give_back(proc_no, i);
	atomic_store(&stk_refs->top[proc_no], 0);
}

KEEPER_REAP(stk_refs, stk_reap);
