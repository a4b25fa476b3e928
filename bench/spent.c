/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spent - run a program to its end and print what it took, as JSON.
 *
 *   spent PROGRAM [ARGUMENT...]
 *
 * A small process of its own, because the peak of resident memory that the
 * kernel reports for a child includes that of the image it was forked from.
 * The program's output goes to standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
seconds_of(struct timeval t)
{
	return ((double)t.tv_sec + (double)t.tv_usec / 1e6);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

int
main(int argc, char **argv)
{
	struct rusage ru;
	double began = now();
	int status;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: spent PROGRAM [ARGUMENT...]\n");
		return (2);
	}
	if ((pid = fork()) == 0) {
		dup2(2, 1);
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &ru) != pid) {
		perror("spent");
		return (1);
	}
	printf("{\"seconds\":%.4f,\"cpu\":%.4f,\"peak_kib\":%ld,\"status\":%d}\n",
	    now() - began, seconds_of(ru.ru_utime) + seconds_of(ru.ru_stime),
	    ru.ru_maxrss,
	    WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	return (0);
}
