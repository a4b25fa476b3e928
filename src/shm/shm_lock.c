/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks in shared memory. The owner's process id is the lock word, so whoever
 * waits can see that the owner has died and take over.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <base/must.h>
#include <shm/shm.h>

#define SPINS   200             /* before giving the processor away */
#define YIELDS  50              /* before sleeping */

static pid_t my_pid;              /* 0: not asked yet */

static void
breathe(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static uint32_t
own_word(void)
{
	if (my_pid == 0)
		my_pid = getpid();
	return ((uint32_t)my_pid);
}

void
shm_lock_forked(void)
{
	my_pid = 0;
}

/* A dead child which nobody waited for yet has ended as well: the keeper
 * itself may be the one who wants the lock. */
static bool
has_ended(pid_t pid)
{
	siginfo_t si = { .si_pid = 0 };

	if (kill(pid, 0) != 0)
		return (errno == ESRCH);
	return (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) ==
	    0 && si.si_pid == pid);
}

bool
shm_lock(struct shm_lock *l)
{
	struct timespec nap = { 0, 50000 };
	uint32_t mine = own_word(), owner;

	for (unsigned n = 0;; n++) {
		owner = 0;
		if (atomic_compare_exchange_weak_explicit(&l->owner, &owner,
		    mine, memory_order_acquire, memory_order_relaxed))
			return (false);
		if (owner == 0 || n < SPINS) {
			breathe();
			continue;
		}
		MUST(owner != mine);
		if (n < SPINS + YIELDS) {
			(void)sched_yield();
			continue;
		}
		if (has_ended((pid_t)owner) &&
		    atomic_compare_exchange_strong(&l->owner, &owner, mine))
			return (true);
		(void)nanosleep(&nap, NULL);
	}
}

void
shm_unlock(struct shm_lock *l)
{
	MUST(atomic_load_explicit(&l->owner, memory_order_relaxed) ==
	    own_word());
	atomic_store_explicit(&l->owner, 0, memory_order_release);
}
