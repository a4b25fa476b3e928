/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_turns_test - the scheduler knows what was asked of it.
 */
#include <base/test.h>

#include "../proc_turns.c"

#include "in_child.h"

/* What the scheduler says of this process; a kernel before 6.12 says 0. */
static uint64_t
turn_ns(void)
{
	struct sched_attr a = { .size = sizeof a };

	if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0)
		return (0);
	return (a.sched_runtime);
}

static int
short_turns(void)
{
	uint64_t before = turn_ns();
	int nice_before = getpriority(PRIO_PROCESS, 0), status = -1;
	pid_t pid;

	proc_short_turns();
	if (getpriority(PRIO_PROCESS, 0) != nice_before)
		return (1);
	if (before != 0 && turn_ns() != SHORT_TURN_NS)
		return (2);
	if ((pid = fork()) == 0)
		_exit(before != 0 && turn_ns() != SHORT_TURN_NS);
	return (waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 3);
}

TEST(turns_are_short_for_children_too)
{
	CHECK_EQ(in_child(short_turns), 0);
}

static int
step_back(void)
{
	int before = getpriority(PRIO_PROCESS, 0);

	proc_short_turns();
	proc_step_back();
	proc_step_back();
	return (getpriority(PRIO_PROCESS, 0) - before);
}

static int
hold_back(void)
{
	int before, after;
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	before = getpriority(PRIO_PROCESS, (id_t)pid);
	proc_hold_back(pid);
	after = getpriority(PRIO_PROCESS, (id_t)pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return (after - before);
}

TEST(a_child_is_held_back)
{
	int room = 19 - getpriority(PRIO_PROCESS, 0);

	CHECK_EQ(in_child(hold_back), room < STEP_BACK ? room : STEP_BACK);
}

TEST(a_step_back_is_made_once)
{
	/* nice values end at 19 */
	int room = 19 - getpriority(PRIO_PROCESS, 0);

	CHECK_EQ(in_child(step_back), room < STEP_BACK ? room : STEP_BACK);
}
