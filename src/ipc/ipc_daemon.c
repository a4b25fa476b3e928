/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_daemon - into the background, and the pid file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/must.h>
#include <ipc/daemon.h>
#include <ipc/say.h>
#include <os/fd.h>

void
ipc_daemon_to_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		if (fd != i)
			(void)dup2(fd, i);
	if (fd > 2)
		fd_close(&fd);
}

/* The launcher: stays until the daemon serves or fails. */
static _Noreturn void
wait_for_daemon(int fd)
{
	char status = 1;

	while (read(fd, &status, 1) < 0 && errno == EINTR)
		;
	_exit(status);
}

int
ipc_daemon(void)
{
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		ipc_say(DIAG_ALERT, "can't go into the background: %s",
		    strerror(errno));
		exit(1);
	}
	if (pid > 0) {
		(void)close(fd[1]);
		wait_for_daemon(fd[0]);
	}
	(void)close(fd[0]);
	(void)setsid();
	return (fd[1]);
}

void
ipc_daemon_serves(int *fd)
{
	char zero = 0;

	if (*fd >= 0)
		(void)fd_write_all(*fd, &zero, 1);
	fd_close(fd);
}

bool
ipc_pidfile(const char *path, pid_t pid)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%d\n", (int)pid), fd;
	bool good;

	if (path == NULL)
		return (true);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	good = fd >= 0 && fd_write_all(fd, text, (size_t)n);
	if (!good)
		ipc_say(DIAG_ALERT, "Cannot create pidfile %s: %s", path,
		    strerror(errno));
	if (fd >= 0)
		fd_close(&fd);
	return (good);
}
