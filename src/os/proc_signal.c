/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_signal - signals as events of the loop (signalfd(2)).
 */
#include <base/must.h>
#include <os/loop.h>
#include <os/proc.h>

#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "proc_int.h"

#define BATCH 8

struct listener {
	struct listener *next;
	proc_signal_fn *fn;
	void *arg;
	int fd;
};

static struct listener *listeners;      /* of this process */

/* Level-triggered: what does not fit the batch comes with the next turn. The
 * callback may reset everything, so the listener is not looked at again. */
static void
on_signals(void *arg, unsigned events)
{
	struct listener *at = arg, l = *at;
	struct signalfd_siginfo info[BATCH];
	ssize_t got = read(l.fd, info, sizeof(info));

	(void)events;
	for (ssize_t i = 0; i < got / (ssize_t)sizeof(info[0]); i++)
		l.fn(l.arg, (int)info[i].ssi_signo, (pid_t)info[i].ssi_pid);
}

int
proc_signals(struct loop *loop, const sigset_t *set, proc_signal_fn *fn,
    void *arg)
{
	struct listener *l = must_alloc(sizeof(*l));

	MUST(sigprocmask(SIG_BLOCK, set, NULL) == 0);
	l->fn = fn;
	l->arg = arg;
	l->fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	MUST(l->fd >= 0);
	MUST(loop_add_level(loop, l->fd, on_signals, l));
	l->next = listeners;
	listeners = l;
	return (l->fd);
}

void
proc_signals_reset(void)
{
	struct listener *l;
	sigset_t none;

	while ((l = listeners) != NULL) {
		listeners = l->next;
		close(l->fd);
		free(l);
	}
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);   /* refused for SIGKILL and SIGSTOP */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	proc_started_now();
}
