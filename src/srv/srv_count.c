/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_count - counts that all processes share, exact even when one of them is
 * killed between two instructions.
 *
 * A process has a share in each count. Before it changes one it notes the step
 * (kind, count, number) for itself; the change of the count leaves the tag
 * (process, number) in the same word; then the share is written together with
 * the number. Whoever overwrites a tag first tells its process that the step
 * was seen (ack). So of a dead process's last step it is known whether it
 * happened (the tag is there, or acknowledged) and whether the share knows of
 * it.
 *
 * Source: recoverable compare-and-swap; Attiya, Ben-Baruch, Hendler 2018.
 */
#include "srv_int.h"

#include <base/must.h>
#include <srv/state.h>

#define SEQ_BITS 24
#define SEQ_MASK ((1u << SEQ_BITS) - 1)

enum step { STEP_NONE, STEP_UP, STEP_DOWN, STEP_PASS, STEP_TAKE };

static int my_no = -1;
static struct srv_proc *me;     /* NULL: a process without shares */

uint32_t
srv_own_new(_Atomic uint64_t *word)
{
	uint32_t id = atomic_load(&srv_glob->n_ids);

	if (id >= OWN_IDS)
		return (0);
	atomic_store(&srv_glob->n_ids, id + 1);
	srv_glob->counter_at[id] = srv_off(word);
	return (id);
}

void
srv_count_start(int proc_no)
{
	MUST(proc_no >= 0 && proc_no < SHM_PROCS);
	my_no = proc_no;
	me = &srv_glob->proc[proc_no];
	atomic_store(&me->step, 0);
}

/* ---- steps ---- */

/* Note what is about to be done; returns its tag. */
static uint32_t
begin(enum step kind, uint32_t id)
{
	if (me == NULL)
		return (0);
	me->seq = (me->seq + 1) & SEQ_MASK;
	if (me->seq == 0)
		me->seq = 1;
	atomic_store_explicit(&me->step, (uint64_t)kind << 56 |
	    (uint64_t)id << SEQ_BITS | me->seq, memory_order_release);
	return ((uint32_t)my_no << SEQ_BITS | me->seq);
}

static void
end(void)
{
	if (me != NULL)
		atomic_store_explicit(&me->step, 0, memory_order_release);
}

static void
write_share(uint32_t id, int delta)
{
	uint64_t *own;
	uint32_t n;

	if (me == NULL)
		return;
	own = &srv_glob->own[my_no][id];
	n = (uint32_t)(*own >> 32) + (uint32_t)delta;
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)own = (uint64_t)n << 32 | me->seq;
	atomic_signal_fence(memory_order_seq_cst);
}

void
srv_count_ack(uint32_t tag)
{
	uint32_t seq = tag & SEQ_MASK, no = tag >> SEQ_BITS, old;
	_Atomic uint32_t *ack = &srv_glob->proc[no].ack;

	if (tag == 0 || (int)no == my_no)
		return;
	old = atomic_load(ack);
	while (((seq - old) & SEQ_MASK) - 1 < SEQ_MASK / 2 &&
	    !atomic_compare_exchange_weak(ack, &old, seq))
		;
}

bool
srv_count_up(_Atomic uint64_t *word, uint32_t id, uint32_t limit,
    uint32_t *now)
{
	uint64_t old = atomic_load(word), tag;

	if ((uint32_t)old >= limit)
		return (false);
	tag = begin(STEP_UP, id);
	do {
		if ((uint32_t)old >= limit) {
			end();
			return (false);
		}
		srv_count_ack((uint32_t)(old >> 32));
	} while (!atomic_compare_exchange_weak(word, &old,
	    tag << 32 | ((uint32_t)old + 1)));
	write_share(id, 1);
	end();
	*now = (uint32_t)old + 1;
	return (true);
}

void
srv_count_down(_Atomic uint64_t *word, uint32_t id)
{
	uint64_t tag = begin(STEP_DOWN, id), old = atomic_load(word);

	do
		srv_count_ack((uint32_t)(old >> 32));
	while (!atomic_compare_exchange_weak(word, &old,
	    tag << 32 | ((uint32_t)old == 0 ? 0 : (uint32_t)old - 1)));
	write_share(id, -1);
	end();
}

void
srv_count_less(_Atomic uint64_t *word, uint32_t n)
{
	uint64_t old = atomic_load(word);

	do
		srv_count_ack((uint32_t)(old >> 32));
	while (!atomic_compare_exchange_weak(word, &old,
	    (uint32_t)old < n ? 0 : (uint32_t)old - n));
}

uint32_t
srv_count_pass_begin(uint32_t id)
{
	return (begin(STEP_PASS, id));
}

void
srv_count_pass_end(uint32_t id)
{
	write_share(id, -1);
	end();
}

void
srv_count_take_begin(uint32_t id, uint32_t ticket, uint32_t tag)
{
	if (me != NULL)
		me->ticket = ticket;
	(void)begin(STEP_TAKE, id);
	write_share(id, 1);
	srv_count_ack(tag);
}

void
srv_count_take_end(void)
{
	end();
}

/* ---- the dead ---- */

static bool
is_granted(uint32_t tag)
{
	for (uint32_t i = 1; i < srv_glob->n_tickets; i++)
		if (srv_glob->ticket[i].grant_tag == tag &&
		    atomic_load(&srv_glob->ticket[i].state) ==
		    TICKET_GRANTED)
			return (true);
	return (false);
}

static bool
has_happened(int no, enum step kind, uint32_t id, uint32_t seq)
{
	_Atomic uint64_t *word = srv_at(srv_glob->counter_at[id]);
	uint32_t tag = (uint32_t)no << SEQ_BITS | seq;

	/* The tag first: it is acknowledged before it goes. */
	if (kind == STEP_PASS ? is_granted(tag) :
	    (uint32_t)(atomic_load(word) >> 32) == tag)
		return (true);
	return (atomic_load(&srv_glob->proc[no].ack) == seq);
}

/* Bring the share of a dead process up to its last step. */
static void
finish_step(int no)
{
	uint64_t step = atomic_load(&srv_glob->proc[no].step);
	enum step kind = (enum step)(step >> 56);
	uint32_t id = (uint32_t)(step >> SEQ_BITS), seq = step & SEQ_MASK;
	uint64_t *own;

	if (kind == STEP_NONE || id >= OWN_IDS)
		return;
	own = &srv_glob->own[no][id];
	if (kind == STEP_TAKE || (uint32_t)*own == seq ||
	    !has_happened(no, kind, id, seq))
		return;
	*own += kind == STEP_UP ? UINT64_C(1) << 32 : -(UINT64_C(1) << 32);
}

bool
srv_count_took(int no, uint32_t ticket)
{
	uint64_t step = atomic_load(&srv_glob->proc[no].step);
	uint32_t id = (uint32_t)(step >> SEQ_BITS), seq = step & SEQ_MASK;

	return ((enum step)(step >> 56) == STEP_TAKE && id < OWN_IDS &&
	    srv_glob->proc[no].ticket == ticket &&
	    (uint32_t)srv_glob->own[no][id] == seq);
}

void
srv_count_reap(int no)
{
	uint64_t *row = srv_glob->own[no];
	uint32_t n = atomic_load(&srv_glob->n_ids);

	finish_step(no);
	atomic_store(&srv_glob->proc[no].step, 0);
	for (uint32_t id = OWN_CONNS; id < n; id++) {
		uint32_t share = (uint32_t)(row[id] >> 32);

		if (share == 0)
			continue;
		row[id] = 0;
		srv_count_less(srv_at(srv_glob->counter_at[id]), share);
	}
}
