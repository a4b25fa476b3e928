/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_observe - errors in a row that the traffic of all workers meets at a
 * server. One of them gets to tell that the limit was reached, and the count
 * begins again.
 */
#include <srv/srv.h>

void (*srv_on_errors)(struct srv *, enum srv_seen);

static bool
is_good(enum srv_seen seen)
{
	return (seen == SRV_SEEN_CONNECTED || seen == SRV_SEEN_GOOD);
}

/* Connections alone mean nothing at layer 7, but those that fail. */
static bool
is_of_layer(unsigned observe, enum srv_seen seen)
{
	if (observe == PX_OBSERVE_L4)
		return (seen == SRV_SEEN_CONNECTED ||
		    seen == SRV_SEEN_UNCONNECTED);
	return (seen != SRV_SEEN_CONNECTED);
}

void
srv_observed(struct srv *srv, enum srv_seen seen)
{
	_Atomic uint32_t *errors = &srv->shm->errors;
	uint32_t n, next;

	if (!is_of_layer(srv->cfg->observe, seen))
		return;
	if (is_good(seen)) {
		if (atomic_load_explicit(errors, memory_order_relaxed) != 0)
			atomic_store(errors, 0);
		return;
	}
	n = atomic_load(errors);
	do {
		next = n + 1 >= srv->cfg->error_limit ? 0 : n + 1;
	} while (!atomic_compare_exchange_weak(errors, &n, next));
	if (next == 0 && srv_on_errors != NULL)
		srv_on_errors(srv, seen);
}
