/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IN_CHILD_H
#define IN_CHILD_H
/*
 * in_child - for tests of what a process does to itself for good.
 */
#include <base/test.h>

#include <sys/wait.h>
#include <unistd.h>

/* Exit code of `fn` in a process of its own, negative when a signal ended it. */
static inline int
in_child(int (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}
#endif
