/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_replace - those that -x, -sf and -st name: what they give, asking them
 * to let go of an address, telling them to go.
 */
#include <signal.h>
#include <string.h>
#include <time.h>

#include <ipc/holder.h>
#include <ipc/say.h>
#include <ipc/takeover.h>
#include <os/fd.h>
#include <shm/shm.h>

#define BUSY_TRIES 100
#define BUSY_NS    10000000

static struct ipc_takeover_who who;
static int busy_tries;

static void
tell(int sig)
{
	for (size_t i = 0; i < who.n; i++)
		(void)kill(who.pids[i], sig);
}

/* An address is in use: they listen on it still. */
static bool
on_busy(void)
{
	const struct timespec nap = { 0, BUSY_NS };

	if (who.n == 0 || busy_tries++ >= BUSY_TRIES)
		return (false);
	if (busy_tries == 1)
		tell(SIGTTOU);
	(void)nanosleep(&nap, NULL);
	return (true);
}

bool
ipc_replace(const struct ipc_takeover_who *w, const char *path)
{
	const char *err;

	who = *w;
	ipc_holder_busy = on_busy;
	if (path == NULL)
		(void)ipc_takeover_named(&who);
	else if (strcmp(path, "/dev/null") != 0 &&
	    !ipc_takeover(path, &who, &err)) {
		ipc_say(DIAG_ALERT, "-x %s: no sockets from the old process: "
		    "%s", path, err);
		return (false);
	}
	return (true);
}

uint32_t
ipc_replace_state(struct ipc_heritage *h)
{
	const char *err = NULL;
	uint32_t last;

	ipc_takeover_heritage(h);
	if (!h->share)
		return (0);
	if ((last = shm_last_gen(h->state_fd, &err)) > 0)
		return (last);
	ipc_say(DIAG_WARNING, "counters and states of servers start afresh: "
	    "%s", err);
	fd_close(&h->state_fd);
	fd_close(&h->ledger_fd);
	h->share = false;
	return (0);
}

void
ipc_replace_failed(void)
{
	if (busy_tries == 0)
		return;
	ipc_holder_commit(UINT32_MAX);  /* they need the addresses again */
	(void)ipc_holder_settle();
	tell(SIGTTIN);
}

void
ipc_replace_done(void)
{
	tell(who.signal);
}
