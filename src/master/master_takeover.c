/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_takeover - take the place of a running process that is no child of
 * ours (-x, -sf, -st): its sockets and state before the first generation is
 * started, its connections when that one serves.
 */
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ipc/holder.h>
#include <ipc/say.h>
#include <os/fd.h>
#include <shm/shm.h>

#include "master_int.h"

#define BUSY_TRIES 100
#define BUSY_NS    10000000

static void
signal_all(int sig)
{
	const struct master_args *a = the_master.a;

	for (size_t i = 0; i < a->n_old_pids; i++)
		(void)kill(a->old_pids[i], sig);
}

static bool
on_busy(void)
{
	static int tries;
	const struct timespec nap = { 0, BUSY_NS };

	if (the_master.a->n_old_pids == 0 || the_master.current != NULL ||
	    tries++ >= BUSY_TRIES)
		return (false);
	if (tries == 1)
		signal_all(SIGTTOU);
	(void)nanosleep(&nap, NULL);
	return (true);
}

/* Generations of ours go on where its own ended. */
static void
take_state(struct master *m)
{
	struct ipc_heritage h;
	const char *err = NULL;
	uint32_t last;

	ipc_takeover_heritage(&h);
	if (h.state_fd < 0)
		return;
	if (!h.share)
		m->copy = h;
	else if ((last = shm_last_gen(h.state_fd, &err)) > 0) {
		m->state_fd = h.state_fd;
		m->ledger_fd = h.ledger_fd;
		m->last_gen = last;
	} else {
		ipc_say(DIAG_WARNING, "counters and states of servers start "
		    "afresh: %s", err);
		fd_close(&h.state_fd);
		fd_close(&h.ledger_fd);
	}
}

bool
master_takeover(struct master *m)
{
	const struct ipc_takeover_who who = { m->a->old_pids,
		m->a->n_old_pids, m->a->old_signal };
	const char *path = m->a->getsocks, *err;

	ipc_holder_busy = on_busy;
	if (path == NULL)
		(void)ipc_takeover_named(&who);
	else if (strcmp(path, "/dev/null") != 0 &&
	    !ipc_takeover(path, &who, &err)) {
		ipc_say(DIAG_ALERT, "-x %s: no sockets from the old process: "
		    "%s", path, err);
		return (false);
	}
	take_state(m);
	return (true);
}

/* ---- the first generation serves ---- */

static void
take(int32_t no, int fd)
{
	if (the_master.current != NULL)
		(void)ipc_send(&the_master.current->chan, IPC_TAKE, &no,
		    sizeof no, &fd, 1);
}

static void
tell_to_go(void)
{
	signal_all(the_master.a->old_signal);
}

void
master_takeover_serve(struct master *m)
{
	const struct ipc_takeover_ops ops = {
		.n_workers = m->current->procs.n > 0 ?
		    (int)m->current->procs.n : 1,
		.take = take, .done = tell_to_go
	};

	(void)ipc_holder_settle();
	fd_close(&m->copy.state_fd);
	fd_close(&m->copy.ledger_fd);
	ipc_takeover_serve(&m->loop, &ops);
}

/* ---- somebody took over from us ---- */

void
master_taken(struct master *m, const struct gen *g, const struct ipc_msg *msg)
{
	int32_t leave;

	if (msg->data.n != sizeof leave || g != m->current)
		return;
	memcpy(&leave, msg->data.p, sizeof leave);
	if (leave != 0)
		master_stop(m, SIGUSR1);
	else
		master_reload(m);
}
