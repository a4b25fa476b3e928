/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_say - messages to the operator who starts, stops and reloads.
 */
#include <errno.h>
#include <unistd.h>

#include <base/must.h>
#include <base/text.h>
#include <ipc/say.h>
#include <os/fd.h>

bool ipc_say_quiet;
void (*ipc_say_also)(struct span);

static const char *const words[] = {
	[DIAG_NOTICE] = "[NOTICE]  ", [DIAG_DIAG] = "[DIAG]    ",
	[DIAG_WARNING] = "[WARNING] ", [DIAG_ALERT] = "[ALERT]   "
};

void
ipc_say_text(struct span s)
{
	int e = errno;

	(void)fd_write_all(STDERR_FILENO, s.p, s.n);
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
