/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_look - what the kernel tells of another process.
 */
#include <os/proc.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <os/fd.h>

int64_t
proc_cpu_us(pid_t pid)
{
	struct timespec ts;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &ts) != 0)
		return (-1);
	return ((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

/* "PID (NAME) STATE ...", where NAME may have anything in it. */
char
proc_state(pid_t pid)
{
	char path[32], line[128];
	const char *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return ('\0');
	n = read(fd, line, sizeof line - 1);
	fd_close(&fd);
	if (n <= 0)
		return ('\0');
	line[n] = '\0';
	end = strrchr(line, ')');
	return (end != NULL && end[1] == ' ' ? end[2] : '\0');
}
