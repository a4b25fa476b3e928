/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_takeover - take the place of a running process that is no child of
 * ours (-x, -sf, -st): its sockets and state before the first generation is
 * started, its connections when that one serves.
 */
#include <signal.h>
#include <string.h>

#include <ipc/holder.h>
#include <os/fd.h>

#include "master_int.h"

bool
master_takeover(struct master *m)
{
	const struct ipc_takeover_who who = { m->a->old_pids,
		m->a->n_old_pids, m->a->old_signal };
	struct ipc_heritage h;

	if (!ipc_replace(&who, m->a->getsocks))
		return (false);
	/* Generations of ours go on where its own ended. */
	if ((m->last_gen = ipc_replace_state(&h)) == 0) {
		m->copy = h;
		return (true);
	}
	m->state_fd = h.state_fd;
	m->ledger_fd = h.ledger_fd;
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

void
master_takeover_serve(struct master *m)
{
	const struct ipc_takeover_ops ops = {
		.n_workers = m->current->procs.n > 0 ?
		    (int)m->current->procs.n : 1,
		.take = take, .done = ipc_replace_done
	};

	ipc_holder_busy = NULL;
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
