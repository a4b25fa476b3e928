/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc - title, CPUs, the parent's death, the service manager.
 */
#include <base/clock.h>
#include <base/must.h>
#include <base/span.h>
#include <os/proc.h>

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proc_int.h"

static char *title;             /* the memory of argv, and of environ */
static size_t title_bytes;
static int64_t start_us;

extern char **environ;

/* The environment lies behind the arguments: copied elsewhere, its place
 * makes a longer title possible. */
static char *
move_environ(char *end)
{
	static char **copy;     /* setenv() replaces environ: kept for the
	                         * strings that are still in use */
	size_t n = 0;

	while (environ[n] != NULL)
		n++;
	copy = must_alloc((n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		if (environ[i] == end)
			end = environ[i] + strlen(environ[i]) + 1;
		copy[i] = must_strdup(environ[i]);
	}
	environ = copy;
	return (end);
}

void
proc_title_init(int argc, char **argv)
{
	char *end = argv[0];

	proc_started_now();
	program_invocation_short_name =
	    must_strdup(program_invocation_short_name);
	for (int i = 0; i < argc; i++)
		if (argv[i] == end)
			end = argv[i] + strlen(argv[i]) + 1;
	title = argv[0];
	title_bytes = (size_t)(move_environ(end) - title);
}

void
proc_title(const char *fmt, ...)
{
	va_list ap;

	if (title == NULL || title_bytes == 0)
		return;
	memset(title, 0, title_bytes);
	va_start(ap, fmt);
	vsnprintf(title, title_bytes, fmt, ap);
	va_end(ap);
	prctl(PR_SET_NAME, title, 0, 0, 0);     /* cut to 15 characters */
}

void
proc_die_with_parent(int sig, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0);
	if (getppid() != parent)                /* it was faster */
		raise(sig);
}

int
proc_cpu_count(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return (1);
	return (CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1);
}

bool
proc_pin(const unsigned long *mask, size_t words)
{
	return (sched_setaffinity(0, words * sizeof(*mask),
	    (const cpu_set_t *)(const void *)mask) == 0);
}

void
proc_notify(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char msg[512];
	va_list ap;
	size_t len;
	int fd, n;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    !span_copy(un.sun_path, sizeof(un.sun_path), span_str(path)))
		return;
	len = strlen(path);
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	va_start(ap, fmt);
	n = vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(msg))
		n = sizeof(msg) - 1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* nobody to tell when it fails */
	(void)sendto(fd, msg, (size_t)n, MSG_NOSIGNAL, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

bool
proc_is_current(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 128];
	bool current = f != NULL;

	/* "address r-xp offset dev inode path": code, so no memfd of ours. */
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strstr(line, " r-xp ") != NULL &&
		    strstr(line, " (deleted)\n") != NULL)
			current = false;
	if (f != NULL)
		(void)fclose(f);
	return (current);
}

void
proc_started_now(void)
{
	start_us = clock_mono_us();
}

long
proc_start_s(void)
{
	if (start_us == 0)
		proc_started_now();
	return ((long)((clock_mono_us() - start_us) / 1000000));
}
