/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_roundrobin - each server in turn, as often as its weight says.
 *
 * The turn is one number in shared memory which every choice moves on by one,
 * so that all workers together go round exactly. What a turn means is a table
 * that each process derives from the weights by itself, in the reference's
 * order, as its choices show it:
 *
 * Servers wait, the heaviest first, until there is a turn for which no other is
 * due. One that had a turn is due again sum/weight turns later. Of two that are
 * due at once, it is the one whose remainder is farther from its weight. Servers
 * that are not due before the end of the round wait for the next one.
 */
#include <lb/lb.h>

#include <base/must.h>

#include <stdlib.h>
#include <string.h>

struct round {                  /* be->lb_local */
	uint32_t epoch;
	uint32_t n;                     /* turns in a round */
	uint32_t room;
	uint32_t turn[];                /* server numbers */
};

struct entry {                  /* a server that has turns */
	uint32_t srv, weight;
	uint32_t at, rem;               /* due at at + rem/weight */
	uint32_t seq;                   /* since when */
};

/* Those that wait, those that are due some time, those of the next round. */
struct lists {
	struct entry *wait, *due, *next;
	uint32_t n, n_due, n_next;
	uint32_t sum, length;           /* of weights; turns of a round */
};

enum {
	ROUND_FINE = 16,                /* rounds of the weights in one of all */
	ROUND_TURNS = 16384             /* enough */
};

static bool
before(const struct entry *a, const struct entry *b)
{
	if (a->at != b->at)
		return (a->at < b->at);
	if (a->weight - a->rem != b->weight - b->rem)
		return (a->weight - a->rem > b->weight - b->rem);
	return (a->seq < b->seq);
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

static void
sift_up(struct entry *h, uint32_t i)
{
	for (uint32_t up; i > 0 && before(&h[i], &h[up = (i - 1) / 2]); i = up) {
		struct entry e = h[i];

		h[i] = h[up];
		h[up] = e;
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

/* The heaviest first, else as they came. */
static int
by_weight(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->weight != y->weight)
		return (x->weight > y->weight ? -1 : 1);
	return (x->seq < y->seq ? -1 : x->seq > y->seq);
}

/* The servers of the set wait, with their weights by the common divisor. */
static void
gather(const struct be *be, struct lists *l)
{
	uint32_t n = 0, g = 0, most = 0;
	uint64_t rounds;

	for (uint32_t i = 0; i < be->n; i++) {
		uint32_t w = srv_weight(be->srv[i]);

		if (!atomic_load(&be->srv[i]->shm->in_set) || w == 0)
			continue;
		l->wait[n] = (struct entry){ .srv = i, .weight = w, .seq = n };
		n++;
		g = gcd(w, g);
		most = w > most ? w : most;
	}
	for (uint32_t i = 0; i < n; i++)
		l->sum += l->wait[i].weight /= g;
	l->n = n;
	if (n == 0)
		return;
	rounds = most == g ? 1 : ROUND_FINE * g;        /* equal: any will do */
	if (rounds > ROUND_TURNS / l->sum)
		rounds = ROUND_TURNS / l->sum;
	l->length = rounds > 1 ? l->sum * (uint32_t)rounds : l->sum;
	qsort(l->wait, n, sizeof l->wait[0], by_weight);
}

/* It had turn t: when is it due again? */
static void
move_on(struct lists *l, struct entry *e, uint32_t t)
{
	e->at += l->sum / e->weight;
	e->rem += l->sum % e->weight;
	if (e->rem >= e->weight) {
		e->rem -= e->weight;
		e->at++;
	}
	e->seq = t;
}

/* Who has turn t of the round; at least one server is not in the next one. */
static uint32_t
take_turn(struct lists *l, uint32_t *waited, uint32_t t)
{
	struct entry e, *due = l->due;

	if (l->n_due > 0 && (due->at <= t || *waited == l->n)) {
		move_on(l, due, t);
		e = *due;
		if (e.at > l->length) {
			l->next[l->n_next++] = e;
			*due = due[--l->n_due];
		}
		sift_down(due, l->n_due, 0);
		return (e.srv);
	}
	e = l->wait[(*waited)++];
	e.at = t;
	e.rem = 0;
	move_on(l, &e, t);
	if (e.at > l->length)
		l->next[l->n_next++] = e;
	else {
		due[l->n_due++] = e;
		sift_up(due, l->n_due - 1);
	}
	return (e.srv);
}

/* Returns how many turns it has: it is over when no server is left for it. */
static uint32_t
lay_out(struct lists *l, uint32_t *turn)
{
	struct entry *wait = l->wait;
	uint32_t t = 0, waited = 0;

	l->n_due = l->n_next = 0;
	while (t < l->length && l->n_next < l->n) {
		turn[t] = take_turn(l, &waited, t + 1);
		t++;
	}
	while (l->n_due > 0)
		l->next[l->n_next++] = l->due[--l->n_due];
	while (waited < l->n)
		l->next[l->n_next++] = wait[waited++];
	for (uint32_t i = 0; i < l->n; i++)
		l->next[i].seq = i;
	qsort(l->next, l->n, sizeof l->next[0], by_weight);
	l->wait = l->next;
	l->next = wait;
	return (t);
}

/* Rounds differ in the order of servers of one weight: is it the first's? */
static bool
is_closed(const struct lists *l, const struct entry *first)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->wait[i].srv != first[i].srv)
			return (false);
	return (true);
}

/* Room for another round; NULL without memory. */
static struct round *
grow(struct be *be, struct round *r, uint64_t turns)
{
	if (r != NULL && r->room >= turns)
		return (r);
	turns += turns / 2;
	r = turns > UINT32_MAX ? NULL : realloc(r, sizeof *r + turns *
	    sizeof r->turn[0]);
	if (r != NULL) {
		r->room = (uint32_t)turns;
		be->lb_local = r;
	}
	return (r);
}

static struct round *
make_round(struct be *be, uint32_t epoch)
{
	struct entry *e = malloc((be->n + 1u) * 4 * sizeof *e);
	struct entry *first = e + (be->n + 1u) * 3;
	struct lists l = { .wait = e, .due = e + be->n + 1,
	    .next = e + (be->n + 1u) * 2 };
	struct round *r;
	uint32_t n = 0;

	if (e == NULL)
		return (be->lb_local);  /* go on with the old one */
	gather(be, &l);
	memcpy(first, l.wait, l.n * sizeof *first);
	do {
		r = grow(be, be->lb_local, (uint64_t)n + l.length);
		if (r == NULL)
			break;
		n += lay_out(&l, r->turn + n);
	} while (n + l.length <= ROUND_TURNS && !is_closed(&l, first));
	free(e);
	if (r == NULL)
		return (be->lb_local);
	r->epoch = epoch;
	r->n = n;
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
