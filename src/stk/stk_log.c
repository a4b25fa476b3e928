/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_log - which entries of a replicated table changed and were not taken
 * yet.
 *
 * Who changes an entry sets its bit, and appends it to the ring if the bit
 * was not set: so it is there once, however often it changes. The taker
 * clears the bit before it reads the entry. A process that dies in between
 * has noted what it was appending, and the keeper appends it again; the slot
 * that it may have reserved stays empty, and is passed over after a while.
 */
#include "stk_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <base/must.h>
#include <shm/reap.h>

#define HOLE_MS 500

int stk_wake_fd = -1;

static _Atomic uint32_t *
slot_at(struct stk_log *log, uint32_t no)
{
	return ((_Atomic uint32_t *)(void *)((char *)log + log->ring_at) +
	    (no & (log->n_slots - 1)));
}

static void
append(struct stk_log *log, uint32_t index)
{
	uint32_t no = atomic_fetch_add(&log->tail, 1);

	atomic_store(slot_at(log, no), index);
}

static void
wake(struct stk_log *log)
{
	static const uint64_t one = 1;

	if (atomic_load_explicit(&log->asleep, memory_order_seq_cst) == 0 ||
	    atomic_exchange(&log->asleep, 0) == 0 || stk_wake_fd < 0)
		return;
	if (write(stk_wake_fd, &one, sizeof one) < 0)
		return;                 /* the taker looks now and then */
}

void
stk_log_note(const struct stk_table *t, uint32_t index)
{
	struct stk_log *log = t->log;
	_Atomic uint32_t *word = &log->bits[(index - 1) / 32];
	uint32_t bit = 1u << (index - 1) % 32;

	if ((atomic_load_explicit(word, memory_order_relaxed) & bit) != 0)
		return;
	if (shm_proc_no >= 0)
		atomic_store(&log->busy[shm_proc_no], index);
	if ((atomic_fetch_or(word, bit) & bit) == 0)
		append(log, index);
	if (shm_proc_no >= 0)
		atomic_store(&log->busy[shm_proc_no], 0);
	wake(log);
}

/* ---- the taker ---- */

static bool
is_alive(pid_t pid)
{
	return (kill(pid, 0) == 0 || errno == EPERM);
}

/* A taker that lives has been told that we are here, and will put back what
 * it has; we may take its log again after a reload that failed. One that has
 * closed has put it back, but nobody noted changes in generations between. */
enum stk_log_was
stk_log_open(const struct stk_table *t, uint32_t gen)
{
	uint32_t was = atomic_exchange(&t->log->taker, gen);
	pid_t pid = atomic_exchange(&t->log->taker_pid, getpid());

	atomic_store(&t->log->asleep, 0);
	if (was == 0)
		return (STK_LOG_FRESH);
	if (pid != 0 ? is_alive(pid) : was + 1 == gen)
		return (STK_LOG_HANDED);
	return (STK_LOG_LOST);
}

void
stk_log_close(const struct stk_table *t)
{
	int32_t own = getpid();

	(void)atomic_compare_exchange_strong(&t->log->taker_pid, &own, 0);
}

/* Somebody is about to fill this slot, or died before. */
static bool
is_lost(struct stk_log *log, uint32_t head)
{
	uint32_t now = stk_now();

	if (log->hole_at != head || log->hole_ms == 0) {
		log->hole_at = head;
		log->hole_ms = now | 1;
	}
	return ((int32_t)(now - log->hole_ms) >= HOLE_MS);
}

uint32_t
stk_log_take(const struct stk_table *t, uint32_t gen)
{
	struct stk_log *log = t->log;
	uint32_t head, index;

	if (atomic_load(&log->taker) != gen)
		return (0);
	while ((head = atomic_load(&log->head)) != atomic_load(&log->tail)) {
		index = atomic_load(slot_at(log, head));
		if (index == 0 && !is_lost(log, head))
			return (0);
		atomic_store(slot_at(log, head), 0);
		atomic_store(&log->head, head + 1);
		log->hole_ms = 0;
		if (index == 0 || index > log->n_slots / 2)
			continue;
		atomic_fetch_and(&log->bits[(index - 1) / 32],
		    ~(1u << (index - 1) % 32));
		return (index);
	}
	return (0);
}

bool
stk_log_sleep(const struct stk_table *t)
{
	atomic_store(&t->log->asleep, 1);
	return (atomic_load(&t->log->head) != atomic_load(&t->log->tail));
}

/* ---- its place ---- */

bool
stk_log_setup(struct stk_table *t, struct span name)
{
	size_t words = (t->shm->cap + 31) / 32;
	size_t ring_at = (sizeof(struct stk_log) + words * 4 + 63) / 64 * 64;
	size_t bytes = ring_at + (size_t)t->shm->cap * 2 * sizeof(uint32_t);
	char buf[256];
	void *at;

	t->log = NULL;
	if (!t->replicated)
		return (true);
	(void)snprintf(buf, sizeof buf, "log-%.*s", SPAN_FMT(name));
	switch (shm_slot(the_shm, span_str(buf), SHM_STK_LOG, bytes, &at,
	    NULL)) {
	case SHM_FAILED:
		return (false);
	case SHM_FRESH:
		t->log = at;
		t->log->n_slots = t->shm->cap * 2;
		t->log->ring_at = ring_at;
		t->log->magic = STK_LOG_MAGIC;
		break;
	default:
		t->log = at;
	}
	if (stk_wake_fd < 0)
		stk_wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return (true);
}

/* ---- the dead ---- */

static void
finish(struct span name, void *at, size_t size, void *arg)
{
	struct stk_log *log = at;
	uint32_t index;

	(void)name;
	if (size < sizeof *log || log->magic != STK_LOG_MAGIC)
		return;
	index = atomic_exchange(&log->busy[*(const int *)arg], 0);
	if (index == 0 || index > log->n_slots / 2)
		return;
	atomic_fetch_or(&log->bits[(index - 1) / 32], 1u << (index - 1) % 32);
	append(log, index);
	wake(log);
}

static void
reap(int proc_no)
{
	if (the_shm != NULL)
		shm_each(the_shm, SHM_STK_LOG, finish, &proc_no);
}

KEEPER_REAP(stk_log, reap);
