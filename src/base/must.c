/* SPDX-License-Identifier: Apache-2.0 */
/*
 * must - the end of a process that found itself wrong, and memory that
 * start-up cannot do without.
 */
#include <base/must.h>

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKTRACE_FRAMES 24

void (*must_last_words)(void);

/*
 * Everything is written with write(2) from the stack: the heap may be what is
 * broken.
 */
_Noreturn void
must_fail(const char *file, int line, const char *func, const char *what)
{
	void *frames[BACKTRACE_FRAMES];
	void (*last)(void);
	char msg[512];
	int n;

	n = snprintf(msg, sizeof(msg), "panic: %s:%d: %s: promise broken: %s\n",
	    file, line, func, what);
	if (n > (int)sizeof(msg) - 1)
		n = (int)sizeof(msg) - 1;
	if (n > 0 && write(STDERR_FILENO, msg, (size_t)n) > 0) {
		n = backtrace(frames, BACKTRACE_FRAMES);
		backtrace_symbols_fd(frames, n, STDERR_FILENO);
	}
	last = must_last_words;
	must_last_words = NULL;         /* it may fail itself */
	if (last != NULL)
		last();
	abort();
}

_Noreturn void
must_oom(size_t bytes)
{
	char what[64];

	snprintf(what, sizeof(what), "memory for %zu more bytes", bytes);
	must_fail(__FILE__, __LINE__, __func__, what);
}

void *
must_alloc(size_t bytes)
{
	void *p = calloc(1, bytes == 0 ? 1 : bytes);

	if (p == NULL)
		must_oom(bytes);
	return (p);
}

void *
must_realloc(void *old, size_t bytes)
{
	void *p = realloc(old, bytes == 0 ? 1 : bytes);

	if (p == NULL)
		must_oom(bytes);
	return (p);
}

char *
must_strdup(const char *z)
{
	char *p = strdup(z);

	if (p == NULL)
		must_oom(strlen(z) + 1);
	return (p);
}
