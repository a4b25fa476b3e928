/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_copy - the state of an Écluse in another PID namespace: numbers of
 * processes, which own locks and places there, mean others here. So nothing is
 * shared; what outlives its processes is copied, by name.
 */
#include <ipc/takeover.h>
#include <os/fd.h>

#include "keeper_int.h"

bool
keeper_copy(struct ipc_heritage *h)
{
	fd_close(&h->state_fd);
	fd_close(&h->ledger_fd);
	return (true);
}
