/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of processes: who may own things in the segment.
 */
#include <errno.h>
#include <signal.h>

#include <base/must.h>
#include <shm/reap.h>
#include <shm/shm.h>

#include "shm_int.h"

int shm_proc_no = -1;

int
shm_proc_get(struct shm *s, uint32_t gen, char role)
{
	for (int i = 0; i < SHM_PROCS; i++) {
		struct seg_proc *p = &s->seg->proc[i];
		uint32_t no = 0;

		if (!atomic_compare_exchange_strong(&p->used, &no, 1))
			continue;
		atomic_store(&p->pid, 0);
		p->gen = gen;
		p->role = (uint32_t)(unsigned char)role;
		return (i);
	}
	return (-1);
}

void
shm_proc_set_pid(struct shm *s, int no, pid_t pid)
{
	MUST(no >= 0 && no < SHM_PROCS);
	atomic_store(&s->seg->proc[no].pid, (int32_t)pid);
}

void
shm_proc_put(struct shm *s, int no)
{
	MUST(no >= 0 && no < SHM_PROCS);
	atomic_store(&s->seg->proc[no].pid, 0);
	atomic_store(&s->seg->proc[no].used, 0);
}

uint32_t
shm_proc_oldest(struct shm *s, uint32_t gen)
{
	for (int i = 0; i < SHM_PROCS; i++) {
		struct seg_proc *p = &s->seg->proc[i];

		if (atomic_load(&p->used) != 0 && p->gen < gen)
			gen = p->gen;
	}
	return (gen);
}

bool
shm_proc_is(struct shm *s, int no, pid_t pid)
{
	MUST(no >= 0 && no < SHM_PROCS);
	return (atomic_load(&s->seg->proc[no].used) != 0 &&
	    atomic_load(&s->seg->proc[no].pid) == (int32_t)pid);
}

bool
shm_proc_any(struct shm *s, uint32_t gen)
{
	return (shm_proc_oldest(s, gen) < gen);
}

int
shm_proc_stale(struct shm *s)
{
	for (int i = 0; i < SHM_PROCS; i++) {
		struct seg_proc *p = &s->seg->proc[i];
		int32_t pid = atomic_load(&p->pid);

		if (atomic_load(&p->used) != 0 && pid > 0 &&
		    kill((pid_t)pid, 0) != 0 && errno == ESRCH)
			return (i);
	}
	return (-1);
}

extern const struct keeper_reap *const __start_keeper_reaps[]
    __attribute__((weak));
extern const struct keeper_reap *const __stop_keeper_reaps[]
    __attribute__((weak));

void
shm_reap(int proc_no)
{
	for (const struct keeper_reap *const *r = __start_keeper_reaps;
	    r < __stop_keeper_reaps; r++)
		(*r)->worker_dead(proc_no);
}
