/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_say - messages to the operator who starts, stops and reloads.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <base/must.h>
#include <base/text.h>
#include <ipc/say.h>
#include <os/fd.h>

bool ipc_say_quiet;
bool ipc_say_hurries;
void (*ipc_say_also)(struct span);

static const char *const words[] = {
	[DIAG_NOTICE] = "[NOTICE]  ", [DIAG_DIAG] = "[DIAG]    ",
	[DIAG_WARNING] = "[WARNING] ", [DIAG_ALERT] = "[ALERT]   "
};

static unsigned lost;           /* messages, since the last that went */

/* A pipe that is writable takes PIPE_BUF bytes at once. While nobody reads, only
 * the first message waits. */
static bool
has_room(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return (poll(&p, 1, lost == 0 ? IPC_SAY_WAIT_MS : 0) > 0);
}

static bool
write_soon(struct span s)
{
	while (s.n > 0) {
		size_t n = s.n < PIPE_BUF ? s.n : PIPE_BUF;

		if (!has_room() || !fd_write_all(STDERR_FILENO, s.p, n))
			return (false);
		s = span_skip(s, n);
	}
	return (true);
}

static void
tell_lost(void)
{
	char line[120];
	int n = snprintf(line, sizeof line, "%s (%d) : %u messages are missing "
	    "here: nobody read standard error\n", words[DIAG_WARNING],
	    (int)getpid(), lost);

	if (write_soon(span_of(line, (size_t)n)))
		lost = 0;
}

static void
put(struct span s)
{
	if (!ipc_say_hurries) {
		(void)fd_write_all(STDERR_FILENO, s.p, s.n);
		return;
	}
	if (lost != 0)
		tell_lost();
	if (lost != 0 || !write_soon(s))
		lost++;
}

void
ipc_say_text(struct span s)
{
	int e = errno;

	put(s);
	if (ipc_say_also != NULL)
		ipc_say_also(s);
	errno = e;
}

void
ipc_say(enum diag_level level, const char *fmt, ...)
{
	struct text t;
	va_list ap;

	if (ipc_say_quiet && level != DIAG_ALERT)
		return;
	text_init(&t);
	text_printf(&t, "%s (%d) : ", words[level], (int)getpid());
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
	text_addc(&t, '\n');
	ipc_say_text(text_span(&t));
	text_fini(&t);
}
