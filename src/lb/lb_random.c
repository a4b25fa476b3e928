/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_random - draw servers, by weight, and take the one with the fewest streams
 * for its weight among them.
 *
 * Source: Mitzenmacher, "The power of two choices in randomized load balancing"
 * (2001). A draw is a random place on the ring of lb_ring.
 */
#include "lb_int.h"

#include <base/must.h>
#include <base/num.h>
#include <base/rand.h>
#include <conf/conf.h>

#define DRAWS_DEFAULT 2

static bool
less_loaded(const struct srv *a, const struct srv *b)
{
	uint64_t na = atomic_load_explicit(&a->shm->inflight,
	    memory_order_relaxed);
	uint64_t nb = atomic_load_explicit(&b->shm->inflight,
	    memory_order_relaxed);

	return (na * srv_weight(b) < nb * srv_weight(a));
}

static struct srv *
random_pick(struct be *be, struct txn *txn, struct srv *avoid)
{
	uint32_t draws = lb_key_of(be)->draws;
	struct srv *best = NULL, *srv;

	(void)txn;
	for (uint32_t i = 0; i < (draws == 0 ? DRAWS_DEFAULT : draws); i++) {
		srv = lb_ring_pick(be, (uint32_t)rand_u64(), avoid);
		if (srv == NULL)
			return (NULL);
		if (srv_has_room(srv) &&
		    (best == NULL || less_loaded(srv, best)))
			best = srv;
	}
	return (best != NULL ? best : lb_ring_next(be, avoid));
}

static bool
parse_random(struct conf_line *l, struct px *px)
{
	const struct conf_word *w = &l->word[l->at - 1];
	struct span arg;
	int64_t n = DRAWS_DEFAULT;

	if (!lb_arg(l, &arg))
		return (false);
	if (arg.p != NULL && (!num_i64(arg, &n) || n < 1 || n > INT32_MAX))
		return (conf_err(l, w, "'balance random' expects a number of "
		    "draws from 1 on, as in 'random(2)', not '%.*s'",
		    SPAN_FMT(arg)));
	((struct lb_key_cfg *)px_edit(&px->slots, &lb_key_slot))->draws =
	    (uint32_t)n;
	return (conf_end(l));
}

BALANCE(random) = {
	.name = "random", .args = "[(<draws>)]",
	.parse = parse_random,
	.pick = random_pick,
	.doc = "The least busy of `draws` servers (2) chosen at random by "
	    "weight. For many servers, or many load balancers of the same ones.",
};
