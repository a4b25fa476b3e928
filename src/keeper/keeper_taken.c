/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_taken - another Écluse takes over: stop accepting, let the workers
 * hand their connections to its workers, leave.
 *
 * The agent talks with it (cli_handover.c) and passes on what it wants.
 */
#include <string.h>

#include <agent/agent.h>
#include <ipc/say.h>

#include "keeper_int.h"
#include "keeper_life.h"

void
keeper_taken_carried(struct keeper *k, const void *said, size_t n)
{
	if (k->procs[0].pid > 0)
		(void)ipc_send(&k->procs[0].chan, IPC_A_CARRIED, said, n,
		    NULL, 0);
}

static void
begin(struct keeper *k)
{
	if (k->phase != KEEPER_SERVING && k->phase != KEEPER_GRACE)
		return;
	ipc_say(DIAG_NOTICE, "Another process takes over");
	tmr_stop(&k->loop.wheel, &k->grace);
	k->phase = KEEPER_SERVING;
	k->taken = true;
	keeper_quiesce(k);
}

/* One end of a pair for worker `no`. */
static void
give(struct keeper *k, const struct ipc_msg *m)
{
	struct ipc_carried none = { 0, 0, 0, 0 };
	int32_t no;

	memcpy(&no, m->data.p, sizeof no);
	if (k->taken && no >= 1 && no <= k->n && k->procs[no].pid > 0) {
		(void)ipc_send(&k->procs[no].chan, IPC_W_GIVE, &no, sizeof no,
		    m->fds, 1);
		return;
	}
	none.worker = no;
	keeper_taken_carried(k, &none, sizeof none);
}

void
keeper_taken_left(struct keeper *k, bool well)
{
	int32_t leave = well;

	if (!k->taken || k->left)
		return;
	k->left = true;
	/* The master still has the sockets. When the other one vanished, a new
	 * generation serves them, and gets what is left here. */
	if (k->has_master)
		(void)ipc_send(&k->master, IPC_TAKEN, &leave, sizeof leave,
		    NULL, 0);
	else if (well)
		keeper_leave(k);
	else
		keeper_check_end(k);
}

/* Told to stop accepting, by the master's own reload this time. */
bool
keeper_taken_quiet(struct keeper *k)
{
	if (!k->taken || !k->left || k->phase != KEEPER_QUIET)
		return (false);
	k->taken = false;
	if (k->n_socks == 0)
		(void)ipc_send(&k->master, IPC_QUIET, NULL, 0, NULL, 0);
	return (true);
}

/* A keeper that ends before its master was told to leave is replaced. */
bool
keeper_taken_waits(const struct keeper *k)
{
	return (k->taken && k->has_master && k->phase == KEEPER_QUIET);
}

bool
keeper_taken_said(struct keeper *k, struct ipc_msg *m)
{
	int32_t well;

	switch (m->type) {
	case IPC_A_TAKEN:
		begin(k);
		return (true);
	case IPC_A_PAIR:
		if (m->data.n == sizeof(int32_t) && m->n_fds == 1)
			give(k, m);
		return (true);
	case IPC_A_LEFT:
		if (m->data.n != sizeof well)
			return (true);
		memcpy(&well, m->data.p, sizeof well);
		keeper_taken_left(k, well != 0);
		return (true);
	case IPC_A_EXPORTED:
		k->exported = true;
		return (true);
	default:
		return (false);
	}
}
