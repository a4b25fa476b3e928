/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_look_test - time and state of processes that work, sleep, are stopped
 * and have ended.
 */
#include <base/test.h>

#include "../proc_look.c"

#include <signal.h>
#include <sys/wait.h>

static pid_t
start(bool busy)
{
	pid_t pid = fork();

	while (pid == 0)
		if (!busy)
			(void)pause();
	return (pid);
}

/* Within some seconds, however busy the machine is. */
static bool
becomes(pid_t pid, char state)
{
	const struct timespec nap = { 0, 10000000 };

	for (int i = 0; i < 1000 && proc_state(pid) != state; i++)
		(void)nanosleep(&nap, NULL);
	return (proc_state(pid) == state);
}

static void
end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	CHECK(becomes(pid, 'Z'));
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK_EQ(proc_state(pid), '\0');
	CHECK_EQ(proc_cpu_us(pid), -1);
}

TEST(one_that_works)
{
	const struct timespec nap = { 0, 10000000 };
	pid_t pid = start(true);
	int64_t was = proc_cpu_us(pid);

	CHECK(was >= 0);
	CHECK(becomes(pid, 'R'));
	for (int i = 0; i < 1000 && proc_cpu_us(pid) < was + 20000; i++)
		(void)nanosleep(&nap, NULL);
	CHECK(proc_cpu_us(pid) >= was + 20000);
	end(pid);
}

TEST(one_that_sleeps_and_one_that_is_stopped)
{
	pid_t pid = start(false);
	int64_t was;

	CHECK(becomes(pid, 'S'));
	was = proc_cpu_us(pid);
	CHECK(was >= 0);
	(void)kill(pid, SIGSTOP);
	CHECK(becomes(pid, 'T'));
	CHECK(proc_cpu_us(pid) < was + 1000000);
	end(pid);
}
