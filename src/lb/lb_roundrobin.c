/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_roundrobin - each server in turn, as often as its weight says.
 *
 * The turn is one number in shared memory which every choice moves on by one,
 * so that all workers together go round exactly. What a turn means is an
 * order that each process derives from the weights by itself: server i comes
 * for the k-th time at k/weight of the round (earliest deadline first), the
 * heavier one first when two come together. Equal weights need no order.
 */
#include <lb/lb.h>

#include <base/must.h>

#include <stdlib.h>

struct round {                  /* be->lb_local */
	uint32_t epoch;
	uint32_t n;                     /* turns in a round */
	uint32_t room;
	uint32_t turn[];                /* server numbers */
};

struct entry {                  /* in the heap: who comes next */
	uint32_t srv, weight, k;
};

/* a comes before b: (a.k + 1) / a.weight is smaller. */
static bool
before(const struct entry *a, const struct entry *b)
{
	uint64_t x = (uint64_t)(a->k + 1) * b->weight;
	uint64_t y = (uint64_t)(b->k + 1) * a->weight;

	if (x != y)
		return (x < y);
	if (a->weight != b->weight)
		return (a->weight > b->weight);
	return (a->srv < b->srv);
}

static void
sift_down(struct entry *h, uint32_t n, uint32_t i)
{
	for (uint32_t c; (c = 2 * i + 1) < n; i = c) {
		struct entry e;

		if (c + 1 < n && before(&h[c + 1], &h[c]))
			c++;
		if (!before(&h[c], &h[i]))
			return;
		e = h[i];
		h[i] = h[c];
		h[c] = e;
	}
}

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

/* The servers of the set with their weights; weights by their common
 * divisor. Returns how many, *sum the turns of a round. */
static uint32_t
gather(const struct be *be, struct entry *h, uint32_t *sum)
{
	uint32_t n = 0, g = 0, total = 0;

	for (uint32_t i = 0; i < be->n; i++) {
		uint32_t w = srv_weight(be->srv[i]);

		if (!atomic_load(&be->srv[i]->shm->in_set) || w == 0)
			continue;
		h[n++] = (struct entry){ i, w, 0 };
		g = gcd(w, g);
	}
	for (uint32_t i = 0; i < n; i++)
		total += h[i].weight /= g;
	*sum = total;
	return (n);
}

static void
lay_out(struct entry *h, uint32_t n, uint32_t *turn, uint32_t sum)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift_down(h, n, i);
	for (uint32_t t = 0; t < sum; t++) {
		turn[t] = h[0].srv;
		h[0].k++;
		sift_down(h, n, 0);
	}
}

static struct round *
make_round(struct be *be, uint32_t epoch)
{
	struct round *r = be->lb_local;
	struct entry *h = malloc((be->n + 1u) * sizeof *h);
	uint32_t n, sum;

	if (h == NULL)
		return (r);             /* go on with the old one */
	n = gather(be, h, &sum);
	if (r == NULL || r->room < sum) {
		r = realloc(r, sizeof *r + sum * sizeof r->turn[0]);
		if (r == NULL) {
			free(h);
			return (be->lb_local);
		}
		r->room = sum;
		be->lb_local = r;
	}
	r->epoch = epoch;
	r->n = sum;
	lay_out(h, n, r->turn, sum);
	free(h);
	return (r);
}

static struct srv *
roundrobin_pick(struct be *be, struct txn *txn, struct srv *avoid)
{
	uint32_t epoch = atomic_load_explicit(&be->shm->epoch,
	    memory_order_acquire);
	struct round *r = be->lb_local;
	struct srv *srv, *last = NULL;

	(void)txn;
	if (__builtin_expect(r == NULL || r->epoch != epoch, 0))
		r = make_round(be, epoch);
	if (r == NULL || r->n == 0)
		return (NULL);
	for (uint32_t tries = 0; tries < r->n; tries++) {
		uint32_t turn = atomic_fetch_add_explicit(&be->shm->turn, 1,
		    memory_order_relaxed);

		srv = be->srv[r->turn[turn % r->n]];
		if (!srv_has_room(srv))
			continue;
		if (srv != avoid)
			return (srv);
		last = srv;
	}
	return (last);
}

BALANCE(roundrobin) = {
	.name = "roundrobin", .args = "",
	.pick = roundrobin_pick,
	.doc = "Each server in turn, as often as its weight says; weights may "
	    "change at run time.",
};
