/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_takeover - without a master: take the place of a running process
 * (-x, -sf, -st), and tell it to go.
 */
#include <cnt/cnt.h>
#include <ipc/holder.h>
#include <ipc/takeover.h>

#include "keeper_int.h"
#include "keeper_life.h"

bool
keeper_takeover(struct keeper *k)
{
	const struct ipc_takeover_who who = { k->o->old_pids,
		k->o->n_old_pids, k->o->old_signal };
	bool good;

	if (!ipc_replace(&who, k->o->getsocks))
		return (false);
	good = keeper_sockets(k);
	if (!good)
		ipc_replace_failed();
	(void)ipc_holder_settle();
	return (good);
}

/* The state of who is replaced, or a fresh one. */
bool
keeper_takeover_state(struct keeper *k)
{
	struct ipc_heritage h;
	uint32_t last = ipc_replace_state(&h);

	if (last > 0) {
		k->gen = last + 1;
		return (keeper_state(k, h.state_fd, h.ledger_fd, k->gen));
	}
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

void
keeper_takeover_serve(struct keeper *k)
{
	const struct ipc_takeover_ops ops = { k->n, take, ipc_replace_done };

	ipc_takeover_serve(&k->loop, &ops);
}
