/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_life - no process outlives the top one.
 *
 * The top process holds the writing end of a pipe and nobody else does. Each
 * follower asks the kernel for a signal when that end closes, so it ends even
 * while it is busy or stuck. The parent-death signal would not do: it follows
 * the parent (a keeper, which may be replaced) and is lost with setuid().
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/must.h>
#include <ipc/ipc.h>

static int life_fd = -1;

bool
ipc_life_open(int fd[2])
{
	return (pipe2(fd, O_CLOEXEC | O_NONBLOCK) == 0);
}

static bool
has_ended(void)
{
	struct pollfd p = { .fd = life_fd, .events = POLLIN };

	return (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0);
}

static void
on_life(int sig)
{
	(void)sig;
	if (has_ended())
		_exit(1);
}

void
ipc_life_follow(int fd)
{
	const int sig = SIGRTMIN + 3;
	struct sigaction sa;
	sigset_t set;
	char path[40];

	/* An open file of its own: the owner of the signal is a property of
	 * the open file, which processes would share after fork. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	life_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (life_fd < 0)
		life_fd = fd;   /* no /proc: the last follower gets it */
	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_life;
	sa.sa_flags = SA_RESTART;
	MUST(sigaction(sig, &sa, NULL) == 0);
	sigemptyset(&set);
	sigaddset(&set, sig);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)fcntl(life_fd, F_SETOWN, getpid());
	(void)fcntl(life_fd, F_SETSIG, sig);
	(void)fcntl(life_fd, F_SETFL, O_ASYNC | O_NONBLOCK);
	on_life(sig);           /* it may have ended before */
}
