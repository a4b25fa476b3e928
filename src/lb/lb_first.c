/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_first - the first server, by number, that has a free slot: the others may
 * sleep. Says nothing without maxconn.
 */
#include "lb_int.h"

static struct srv *
first_pick(struct be *be, struct txn *txn, struct srv *avoid)
{
	struct srv *best = NULL;

	(void)txn;
	for (uint32_t i = 0; i < be->n; i++) {
		struct srv *srv = be->srv[i];

		if (srv != avoid && atomic_load(&srv->shm->in_set) &&
		    (best == NULL || srv->cfg->id < best->cfg->id) &&
		    srv_has_room(srv))
			best = srv;
	}
	if (best == NULL && avoid != NULL &&
	    atomic_load(&avoid->shm->in_set) && srv_has_room(avoid))
		return (avoid);
	return (best);
}

BALANCE(first) = {
	.name = "first", .args = "",
	.pick = first_pick,
	.doc = "The server with the lowest number that has a free slot "
	    "(`maxconn`), so that the last ones are idle; weights do not count.",
};
