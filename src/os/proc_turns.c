/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_turns - what a process asks of the scheduler.
 *
 * Apart from proc.c, as <linux/sched/types.h> and <sched.h> of a libc before
 * its 2.41 define the same structure.
 */
#include <os/proc.h>

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STEP_BACK 15            /* 1/28 of the share of those who serve */
#define SHORT_TURN_NS 100000    /* the least that Linux grants */

void
proc_short_turns(void)
{
	struct sched_attr a = { .size = sizeof a };

	if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0 ||
	    a.sched_policy != SCHED_NORMAL)
		return;
	a.sched_runtime = SHORT_TURN_NS;
	(void)syscall(SYS_sched_setattr, 0, &a, 0);
}

void
proc_step_back(void)
{
	static bool done;

	if (!done)
		proc_hold_back(0);
	done = true;
}

void
proc_hold_back(pid_t pid)
{
	(void)setpriority(PRIO_PROCESS, (id_t)pid,
	    getpriority(PRIO_PROCESS, (id_t)pid) + STEP_BACK);
}
