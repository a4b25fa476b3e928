/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_map - turns laid out once for the servers that are up, with the weights
 * of the configuration, and `balance static-rr`, which walks them.
 *
 * Each server gains its weight with every turn and pays the sum of all weights
 * when it is chosen. What it has is looked at in whole sums: the richest is
 * chosen, the first in the file among equals. (The rule reproduces the order
 * that HAProxy 2.6 shows; see regtests/lb/same_server.test.)
 *
 * Its richness changes only as often as it is chosen, so that laying out needs
 * a heap and a calendar of such changes, not a look at every server for each
 * turn.
 */
#include "lb_int.h"

#include <stdlib.h>

struct layout {
	const uint32_t *weight;
	uint32_t sum;
	uint32_t n_heap;
	uint32_t *heap;                 /* server numbers, best first */
	uint32_t *place;                /* of a server in the heap */
	int64_t *rich;                  /* whole sums it has */
	uint32_t *gained;               /* sums gained so far */
	uint32_t *due;                  /* by turn: first server that gains,
	                                 * plus 1 */
	uint32_t *next;                 /* by server: another one, plus 1 */
};

static bool
before(const struct layout *l, uint32_t a, uint32_t b)
{
	return (l->rich[a] != l->rich[b] ? l->rich[a] > l->rich[b] : a < b);
}

static void
put(struct layout *l, uint32_t i, uint32_t srv)
{
	l->heap[i] = srv;
	l->place[srv] = i;
}

static void
sift_up(struct layout *l, uint32_t i)
{
	uint32_t srv = l->heap[i];

	for (; i > 0 && before(l, srv, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		put(l, i, l->heap[(i - 1) / 2]);
	put(l, i, srv);
}

static void
sift_down(struct layout *l, uint32_t i)
{
	uint32_t srv = l->heap[i];

	for (uint32_t c; (c = 2 * i + 1) < l->n_heap; i = c) {
		if (c + 1 < l->n_heap && before(l, l->heap[c + 1],
		    l->heap[c]))
			c++;
		if (!before(l, l->heap[c], srv))
			break;
		put(l, i, l->heap[c]);
	}
	put(l, i, srv);
}

/* Enter into the calendar when the server has gained its next whole sum. */
static void
schedule(struct layout *l, uint32_t srv)
{
	uint64_t m = (uint64_t)l->gained[srv] + 1;
	uint64_t at = (m * l->sum + l->weight[srv] - 1) / l->weight[srv];

	if (at > l->sum)
		return;
	l->next[srv] = l->due[at];
	l->due[at] = srv + 1;
}

static void
gain(struct layout *l, uint32_t turn)
{
	uint32_t at = l->due[turn];

	while (at != 0) {
		uint32_t srv = at - 1;

		at = l->next[srv];
		l->gained[srv]++;
		l->rich[srv]++;
		sift_up(l, l->place[srv]);
		schedule(l, srv);
	}
}

static void
lay_out(struct layout *l, uint32_t n, uint32_t *turn)
{
	for (uint32_t i = 0; i < n; i++) {
		if (l->weight[i] == 0)
			continue;
		put(l, l->n_heap++, i);
		schedule(l, i);
	}
	for (uint32_t t = 1; t <= l->sum; t++) {
		gain(l, t);
		turn[t - 1] = l->heap[0];
		l->rich[l->heap[0]]--;
		sift_down(l, 0);
	}
}

bool
lb_map_layout(const uint32_t *weight, uint32_t n, uint32_t sum,
    uint32_t *turn)
{
	struct layout l = { .weight = weight, .sum = sum };
	bool done;

	l.heap = malloc((n + 1) * sizeof *l.heap);
	l.place = malloc((n + 1) * sizeof *l.place);
	l.rich = calloc(n + 1, sizeof *l.rich);
	l.gained = calloc(n + 1, sizeof *l.gained);
	l.due = calloc((size_t)sum + 1, sizeof *l.due);
	l.next = calloc(n + 1, sizeof *l.next);
	done = l.heap != NULL && l.place != NULL && l.rich != NULL &&
	    l.gained != NULL && l.due != NULL && l.next != NULL;
	if (done)
		lay_out(&l, n, turn);
	free(l.heap);
	free(l.place);
	free(l.rich);
	free(l.gained);
	free(l.due);
	free(l.next);
	return (done);
}

/* ---- the map of a backend ---- */

static uint32_t
gcd(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return (a);
}

/* Configured weights of the set, by their common divisor; returns the sum. */
static uint32_t
gather(const struct be *be, uint32_t *weight)
{
	uint32_t g = 0, sum = 0;

	for (uint32_t i = 0; i < be->n; i++) {
		weight[i] = atomic_load(&be->srv[i]->shm->in_set) ?
		    be->srv[i]->cfg->weight : 0;
		g = gcd(weight[i], g);
	}
	for (uint32_t i = 0; i < be->n && g != 0; i++)
		sum += weight[i] /= g;
	return (sum);
}

static struct lb_map *
make_map(struct be *be, uint32_t epoch)
{
	struct lb_map *m = be->lb_local, *fresh;
	uint32_t *weight = malloc((be->n + 1u) * sizeof *weight);
	uint32_t sum;

	if (weight == NULL)
		return (m);
	sum = gather(be, weight);
	if (m == NULL || m->room < sum) {
		fresh = realloc(m, sizeof *m + sum * sizeof m->turn[0]);
		if (fresh == NULL) {
			free(weight);
			return (m);     /* go on with the old one */
		}
		be->lb_local = m = fresh;
		m->room = sum;
	}
	m->epoch = epoch;
	m->n = lb_map_layout(weight, be->n, sum, m->turn) ? sum : 0;
	free(weight);
	return (m);
}

const struct lb_map *
lb_map_of(struct be *be)
{
	uint32_t epoch = atomic_load_explicit(&be->shm->epoch,
	    memory_order_acquire);
	struct lb_map *m = be->lb_local;

	if (__builtin_expect(m == NULL || m->epoch != epoch, 0))
		m = make_map(be, epoch);
	return (m == NULL || m->n == 0 ? NULL : m);
}

/* The place of the next turn: one for all workers. A map that became shorter
 * begins again. */
static uint32_t
take_turn(struct be *be, uint32_t n)
{
	uint32_t at = atomic_load_explicit(&be->shm->turn,
	    memory_order_relaxed), now;

	do {
		now = at >= n ? 0 : at;
	} while (!atomic_compare_exchange_weak_explicit(&be->shm->turn, &at,
	    now + 1, memory_order_relaxed, memory_order_relaxed));
	return (now);
}

struct srv *
lb_map_next(struct be *be, struct srv *avoid)
{
	const struct lb_map *m = lb_map_of(be);
	struct srv *srv, *last = NULL;

	if (m == NULL)
		return (NULL);
	for (uint32_t tries = 0; tries < m->n; tries++) {
		srv = be->srv[m->turn[take_turn(be, m->n)]];
		if (!srv_has_room(srv))
			continue;
		if (srv != avoid)
			return (srv);
		last = srv;
	}
	return (last);
}

static struct srv *
static_pick(struct be *be, struct txn *txn, struct srv *avoid)
{
	(void)txn;
	return (lb_map_next(be, avoid));
}

static bool
always(const struct px *px)
{
	(void)px;
	return (true);
}

BALANCE(static_rr) = {
	.name = "static-rr", .args = "",
	.pick = static_pick,
	.fixed = always,
	.doc = "Each server in turn, as often as the weight in the file says; at "
	    "run time a weight can be 0% or 100% of it.",
};
