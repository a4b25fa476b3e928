/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_takeover - without a master: take the place of a running process
 * (-x, -sf, -st), and tell it to go.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <cnt/cnt.h>
#include <ipc/holder.h>
#include <ipc/say.h>
#include <ipc/takeover.h>

#include "keeper_int.h"
#include "keeper_life.h"

#define BUSY_TRIES 100
#define BUSY_NS    10000000

static const struct keeper_opts *opts;
static int busy_tries;

static void
signal_all(int sig)
{
	for (size_t i = 0; i < opts->n_old_pids; i++)
		(void)kill(opts->old_pids[i], sig);
}

/* An address is in use: ask those we replace to let go of it. */
static bool
on_busy(void)
{
	const struct timespec nap = { 0, BUSY_NS };

	if (opts->n_old_pids == 0 || busy_tries++ >= BUSY_TRIES)
		return (false);
	if (busy_tries == 1)
		signal_all(SIGTTOU);
	(void)nanosleep(&nap, NULL);
	return (true);
}

bool
keeper_takeover(struct keeper *k)
{
	const struct ipc_takeover_who who = { k->o->old_pids,
		k->o->n_old_pids, k->o->old_signal };
	const char *path = k->o->getsocks, *err;
	bool good;

	opts = k->o;
	if (path == NULL)
		(void)ipc_takeover_named(&who);
	else if (strcmp(path, "/dev/null") != 0 &&
	    !ipc_takeover(path, &who, &err)) {
		ipc_say(DIAG_ALERT, "-x %s: no sockets from the old process: "
		    "%s", path, err);
		return (false);
	}
	ipc_holder_busy = on_busy;
	good = keeper_sockets(k);
	if (!good && busy_tries > 0)
		signal_all(SIGTTIN);
	(void)ipc_holder_settle();
	return (good);
}

/* The state of who is replaced, or a fresh one. */
bool
keeper_takeover_state(struct keeper *k)
{
	struct ipc_heritage h;
	const char *err = NULL;
	uint32_t last;

	ipc_takeover_heritage(&h);
	if (h.share && (last = shm_last_gen(h.state_fd, &err)) > 0) {
		k->gen = last + 1;
		return (keeper_state(k, h.state_fd, h.ledger_fd, k->gen));
	}
	if (err != NULL)
		ipc_say(DIAG_WARNING, "counters and states of servers start "
		    "afresh: %s", err);
	return (keeper_state(k, shm_create("ecluse-state"), cnt_create(),
	    k->gen) && keeper_copy(&h));
}

/* ---- serving ---- */

static void
take(int32_t no, int fd)
{
	struct keeper *k = &the_keeper;

	if (k->procs[no].pid > 0)
		(void)ipc_send(&k->procs[no].chan, IPC_W_TAKE, &no, sizeof no,
		    &fd, 1);
}

static void
tell_to_go(void)
{
	signal_all(opts->old_signal);
}

void
keeper_takeover_serve(struct keeper *k)
{
	const struct ipc_takeover_ops ops = { k->n, take, tell_to_go };

	ipc_takeover_serve(&k->loop, &ops);
}
