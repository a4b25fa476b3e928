/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_ring - consistent hashing: each server stands at many places of a circle
 * of 2^32, as many as its weight says; a key leads to the nearest one.
 *
 * The places come from the server's number (word "id", or its position), so
 * that all load balancers with the same servers agree, and that a server which
 * leaves takes only its own keys along. The positions and the rule for ties are
 * those that HAProxy 2.6 shows (regtests/lb/same_server.test).
 */
#include "lb_int.h"

#include <stdlib.h>
#include <string.h>

#include <base/hash.h>

#define NODES_PER_WEIGHT 16
#define NODES_MAX        4096   /* of one server: weight 256 */

static uint32_t
nodes_of(const struct srv *srv)
{
	uint32_t n;

	if (!atomic_load(&srv->shm->in_set))
		return (0);
	n = srv_weight(srv) * NODES_PER_WEIGHT;
	return (n > NODES_MAX ? NODES_MAX : n);
}

/* By position, four passes of a byte; the order of servers stays where two
 * meet. `tmp` is as long. */
static void
sort(struct lb_ring_node *node, struct lb_ring_node *tmp, uint32_t n)
{
	for (int shift = 0; shift < 32; shift += 8) {
		uint32_t from[257] = { 0 };
		struct lb_ring_node *other = node;

		for (uint32_t i = 0; i < n; i++)
			from[(node[i].at >> shift & 255) + 1]++;
		for (int i = 0; i < 255; i++)
			from[i + 1] += from[i];
		for (uint32_t i = 0; i < n; i++)
			tmp[from[node[i].at >> shift & 255]++] = node[i];
		node = tmp;
		tmp = other;
	}
}

static void
fill(const struct be *be, struct lb_ring *r)
{
	r->n = 0;
	r->weight = 0;
	for (uint32_t i = 0; i < be->n; i++) {
		const struct srv *srv = be->srv[i];
		uint32_t n = nodes_of(srv);

		r->weight += n;
		for (uint32_t k = 0; k < n; k++)
			r->node[r->n++] = (struct lb_ring_node){
			    hash_avalanche(srv->cfg->id * NODES_MAX + k), i };
	}
}

static struct lb_ring *
make_ring(struct be *be, uint32_t epoch)
{
	struct lb_ring *r = be->lb_local, *fresh;
	struct lb_ring_node *tmp;
	uint32_t n = 0;

	for (uint32_t i = 0; i < be->n; i++)
		n += nodes_of(be->srv[i]);
	if ((tmp = malloc((n + 1) * sizeof *tmp)) == NULL)
		return (r);             /* go on with the old one */
	if (r == NULL || r->room < n) {
		fresh = realloc(r, sizeof *r + n * sizeof r->node[0]);
		if (fresh == NULL) {
			free(tmp);
			return (r);
		}
		be->lb_local = r = fresh;
		r->room = n;
	}
	r->epoch = epoch;
	fill(be, r);
	sort(r->node, tmp, r->n);
	free(tmp);
	return (r);
}

const struct lb_ring *
lb_ring_of(struct be *be)
{
	uint32_t epoch = atomic_load_explicit(&be->shm->epoch,
	    memory_order_acquire);
	struct lb_ring *r = be->lb_local;

	if (__builtin_expect(r == NULL || r->epoch != epoch, 0))
		r = make_ring(be, epoch);
	return (r == NULL || r->n == 0 ? NULL : r);
}

/* The node nearest to `hash`; the one before it when both are as near. */
static uint32_t
nearest(const struct lb_ring *r, uint32_t hash)
{
	uint32_t lo = 0, hi = r->n, prev;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (r->node[mid].at < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	prev = (lo == 0 ? r->n : lo) - 1;
	if (lo == r->n)
		lo = 0;
	return (r->node[lo].at - hash < hash - r->node[prev].at ? lo : prev);
}

/* One more stream keeps it within factor % of the average for its weight. */
static bool
within(const struct lb_ring *r, const struct srv *srv, uint64_t factor,
    uint64_t streams)
{
	uint64_t most = ((streams + 1) * factor * nodes_of(srv) +
	    100 * r->weight - 1) / (100 * r->weight);

	return (atomic_load_explicit(&srv->shm->inflight,
	    memory_order_relaxed) < most);
}

static uint64_t
streams_of(const struct be *be)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < be->n; i++)
		if (atomic_load(&be->srv[i]->shm->in_set))
			n += atomic_load_explicit(&be->srv[i]->shm->inflight,
			    memory_order_relaxed);
	return (n);
}

struct srv *
lb_ring_pick(struct be *be, uint32_t hash, struct srv *avoid)
{
	const struct lb_ring *r = lb_ring_of(be);
	enum lb_affinity affinity = lb_hash_of(be)->affinity;
	uint64_t factor = lb_hash_of(be)->factor, streams = 0;
	struct srv *first;
	uint32_t at;

	if (r == NULL)
		return (NULL);
	at = nearest(r, hash);
	first = be->srv[r->node[at].srv];
	if (factor == 0 && first != avoid && affinity == LB_AFFINE_ALWAYS)
		return (first);
	if (factor != 0)
		streams = streams_of(be);
	for (uint32_t tries = 0; tries < r->n; tries++) {
		struct srv *srv = be->srv[r->node[at].srv];

		if (srv != avoid && !lb_passes_by(affinity, srv) &&
		    (factor == 0 || within(r, srv, factor, streams)))
			return (srv);
		at = at + 1 == r->n ? 0 : at + 1;
	}
	return (first);
}

struct srv *
lb_ring_next(struct be *be, struct srv *avoid)
{
	const struct lb_ring *r = lb_ring_of(be);
	struct srv *last = NULL;

	if (r == NULL)
		return (NULL);
	for (uint32_t tries = 0; tries < r->n; tries++) {
		uint32_t turn = atomic_fetch_add_explicit(&be->shm->turn, 1,
		    memory_order_relaxed);
		struct srv *srv = be->srv[r->node[turn % r->n].srv];

		if (!srv_has_room(srv))
			continue;
		if (srv != avoid)
			return (srv);
		last = srv;
	}
	return (last);
}
