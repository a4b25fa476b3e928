/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places on the ring: which is nearest, who is passed over, what moves.
 */
#include <base/test.h>

#include "../lb_ring.c"

#include <base/must.h>
#include <base/rand.h>

#include "../../srv/test/srv_try.h"

#define S(n, words) " server s" #n " 127.0.0.1:1 " words "\n"
#define B "backend b\n balance source\n hash-type consistent\n"

TEST(the_nearest_place_wins_the_one_before_among_equals)
{
	static const struct lb_ring_node nodes[] = {
		{ 100, 0 }, { 200, 1 }, { 203, 2 }, { 0xfffffff0, 3 },
	};
	static const struct { uint32_t hash, at; } rows[] = {
		{ 100, 0 }, { 101, 0 }, { 150, 0 }, { 151, 1 }, { 200, 1 },
		{ 201, 1 }, { 202, 2 }, { 203, 2 }, { 0x7fffffff, 2 },
		{ 0x80000100, 3 }, { 0xffffffff, 3 }, { 0, 3 }, { 42, 3 },
		{ 43, 0 }, { 99, 0 },
	};
	struct lb_ring *r = malloc(sizeof *r + sizeof nodes);

	r->n = NELEM(nodes);
	memcpy(r->node, nodes, sizeof nodes);
	for (size_t i = 0; i < NELEM(rows); i++)
		CHECK_EQ(nearest(r, rows[i].hash), rows[i].at);
	free(r);
}

TEST(places_are_sorted_and_follow_weights)
{
	struct be *be = try_world(B S(0, "") S(1, "weight 20")
	    S(2, "weight 256 id 9"));
	const struct lb_ring *r = lb_ring_of(be);
	uint32_t n[3] = { 0 };

	CHECK_EQ(r->n, 16 + 320 + 4096);
	for (uint32_t i = 0; i < r->n; i++) {
		CHECK(i == 0 || r->node[i - 1].at <= r->node[i].at);
		n[r->node[i].srv]++;
	}
	CHECK_EQ(n[0], 16);
	CHECK_EQ(n[1], 320);
	CHECK_EQ(n[2], 4096);
}

TEST(only_the_keys_of_a_server_that_left_move)
{
	struct be *be = try_world(B S(0, "") S(1, "") S(2, ""));
	struct srv *was[2000];
	int moved = 0;

	for (uint32_t i = 0; i < NELEM(was); i++)
		was[i] = lb_ring_pick(be, i * 2654435761u, NULL);
	atomic_store(&be->srv[1]->shm->admin, SRV_FMAINT);
	be_refresh(be);
	for (uint32_t i = 0; i < NELEM(was); i++) {
		struct srv *srv = lb_ring_pick(be, i * 2654435761u, NULL);

		CHECK(srv != be->srv[1]);
		CHECK(srv == was[i] || was[i] == be->srv[1]);
		moved += srv != was[i];
	}
	CHECK(moved > 300 && moved < 1200);
}

TEST(the_one_to_avoid_is_passed_over)
{
	struct be *be = try_world(B S(0, "") S(1, ""));

	for (uint32_t i = 0; i < 100; i++)
		CHECK(lb_ring_pick(be, i << 25, be->srv[0]) == be->srv[1]);
	be = try_world(B S(0, ""));
	CHECK(lb_ring_pick(be, 1, be->srv[0]) == be->srv[0]);
	be = try_world(B S(0, "disabled"));
	CHECK(lb_ring_pick(be, 1, NULL) == NULL);
	CHECK(lb_ring_next(be, NULL) == NULL);
}

TEST(the_factor_bounds_the_load)
{
	struct be *be = try_world(B " hash-balance-factor 125\n" S(0, "")
	    S(1, "") S(2, "weight 2"));

	/* one hot key */
	for (int i = 0; i < 400; i++)
		atomic_fetch_add(&lb_ring_pick(be, 7, NULL)->shm->inflight, 1);
	CHECK(atomic_load(&be->srv[0]->shm->inflight) <= 126);
	CHECK(atomic_load(&be->srv[1]->shm->inflight) <= 126);
	CHECK(atomic_load(&be->srv[2]->shm->inflight) <= 251);
}
