/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_leastconn - the server with the fewest streams for its weight; among
 * equals the one that was not chosen for longest.
 *
 * A knock-out tree in shared memory holds, for each pair of servers, then of
 * winners, who is better now; the root is the choice. A server whose count
 * changed plays its matches again on the way up. There is no lock: whoever
 * plays a match looks again after writing the result, so that the last one to
 * write has seen the latest counts. A result that is wrong all the same, as
 * after a crash, is corrected by the next choice on that way.
 */
#include <lb/lb.h>

struct tree {                   /* be->lb_shm */
	uint32_t spare[2];
	_Atomic uint32_t win[];         /* 1: root; children 2i, 2i+1; a leaf
	                                 * is number n_leaves + server */
};

static uint32_t
leaves(uint32_t n)
{
	uint32_t l = 1;

	while (l < n)
		l *= 2;
	return (l);
}

static size_t
state_bytes(uint32_t n)
{
	return (sizeof(struct tree) + leaves(n) * sizeof(uint32_t));
}

/* Other processes may know of servers that this one will hear of next. */
static bool
is_open(const struct be *be, uint32_t no)
{
	return (no < be->n && atomic_load(&be->srv[no]->shm->in_set) &&
	    srv_has_room(be->srv[no]));
}

/* Streams for weight, of one more: smaller is better. */
static bool
better(const struct be *be, uint32_t a, uint32_t b)
{
	const struct srv *x, *y;
	uint64_t wx, wy, nx, ny;
	uint32_t sx, sy;
	bool in_x = is_open(be, a), in_y = is_open(be, b);

	if (!in_x || !in_y)
		return (in_x || !in_y);
	x = be->srv[a];
	y = be->srv[b];
	wx = srv_weight(x);
	wy = srv_weight(y);
	nx = atomic_load(&x->shm->inflight) * wy;
	ny = atomic_load(&y->shm->inflight) * wx;
	if (nx != ny)
		return (nx < ny);
	sx = atomic_load_explicit(&x->shm->lb_stamp, memory_order_relaxed);
	sy = atomic_load_explicit(&y->shm->lb_stamp, memory_order_relaxed);
	return (sx != sy ? (int32_t)(sx - sy) < 0 : a < b);
}

/* The server that a node stands for. */
static uint32_t
holder(const struct tree *t, uint32_t node, uint32_t l)
{
	return (node >= l ? node - l : atomic_load(&t->win[node]));
}

/* Returns true when parents must look again at a match of server `no`. */
static bool
play(const struct be *be, struct tree *t, uint32_t node, uint32_t l,
    uint32_t no)
{
	bool changed = false;

	for (int again = 0; again < 3; again++) {
		uint32_t a = holder(t, 2 * node, l);
		uint32_t b = holder(t, 2 * node + 1, l);
		uint32_t w = better(be, a, b) ? a : b;

		if (atomic_load(&t->win[node]) == w)
			return (changed || w == no);
		atomic_store(&t->win[node], w);
		changed = true;
	}
	return (true);
}

/* The matches from one server up to the root, as far as they change. */
static void
replay(const struct be *be, uint32_t no)
{
	struct tree *t = be->lb_shm;
	uint32_t l = leaves(be->lb_room);

	for (uint32_t node = (l + no) / 2; node > 0; node /= 2)
		if (!play(be, t, node, l, no))
			return;
}

static void
replay_all(struct be *be)
{
	uint32_t l = leaves(be->lb_room);

	for (uint32_t node = l; --node > 0;)
		(void)play(be, be->lb_shm, node, l, be->n);
}

/* The long way, for what the root can't answer. */
static struct srv *
search(struct be *be, const struct srv *avoid)
{
	uint32_t best = be->n;

	for (uint32_t i = 0; i < be->n; i++)
		if (be->srv[i] != avoid && is_open(be, i) &&
		    (best == be->n || better(be, i, best)))
			best = i;
	return (best == be->n ? NULL : be->srv[best]);
}

static struct srv *
leastconn_pick(struct be *be, struct txn *txn, struct srv *avoid)
{
	const struct tree *t = be->lb_shm;
	uint32_t l = leaves(be->lb_room), no;
	struct srv *srv;

	(void)txn;
	if (be->n == 0)
		return (NULL);
	no = holder(t, 1, l);
	if (is_open(be, no) && be->srv[no] != avoid)
		return (be->srv[no]);
	if ((srv = search(be, avoid)) != NULL)
		replay(be, srv->no);
	else if (avoid != NULL)
		srv = search(be, NULL);
	return (srv);
}

static void
leastconn_taken(struct srv *srv)
{
	uint32_t turn = atomic_fetch_add_explicit(&srv->be->shm->turn, 1,
	    memory_order_relaxed) + 1;

	atomic_store_explicit(&srv->shm->lb_stamp, turn,
	    memory_order_relaxed);
	replay(srv->be, srv->no);
}

static void
leastconn_given(struct srv *srv)
{
	replay(srv->be, srv->no);
}

BALANCE(leastconn) = {
	.name = "leastconn", .args = "",
	.state_bytes = state_bytes,
	.pick = leastconn_pick,
	.changed = replay_all,
	.taken = leastconn_taken,
	.given = leastconn_given,
	.doc = "The server with the fewest streams for its weight; equals take "
	    "turns. For long sessions as those of databases.",
};
