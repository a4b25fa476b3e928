/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The knock-out tree against a plain search, alone and among processes.
 */
#include <base/test.h>

#include "../lb_leastconn.c"

#include "../../srv/test/srv_try.h"

#include <base/rand.h>

#define S(n, words) " server s" #n " 127.0.0.1:1 " words "\n"
#define B "backend b\n balance leastconn\n"

static struct srv *
take(struct be *be)
{
	struct srv *srv = be->lb->pick(be, NULL, NULL);

	if (srv == NULL)
		return (NULL);
	atomic_fetch_add(&srv->shm->inflight, 1);
	be->lb->taken(srv);
	return (srv);
}

static void
give(struct srv *srv)
{
	atomic_fetch_sub(&srv->shm->inflight, 1);
	srv->be->lb->given(srv);
}

TEST(equals_take_turns_when_idle)
{
	struct be *be = try_world(B S(1, "") S(2, "") S(3, ""));
	static const uint32_t want[] = { 0, 1, 2, 0, 1, 2 };

	for (size_t i = 0; i < NELEM(want); i++) {
		struct srv *srv = take(be);

		CHECK_EQ(srv->no, want[i]);
		give(srv);
	}
}

TEST(the_fewest_for_the_weight_wins)
{
	struct be *be = try_world(B S(1, "weight 3") S(2, "weight 1"));
	unsigned n[2] = { 0, 0 };

	for (int i = 0; i < 40; i++)
		n[take(be)->no]++;
	CHECK_EQ(n[0], 30);
	CHECK_EQ(n[1], 10);
}

TEST(full_and_down_servers_are_left_out)
{
	struct be *be = try_world(B S(1, "maxconn 1") S(2, "maxconn 2")
	    S(3, "disabled") S(4, "backup"));

	for (int i = 0; i < 3; i++)
		CHECK(take(be)->no < 2);
	CHECK(take(be) == NULL);
	give(be->srv[1]);
	CHECK(take(be) == be->srv[1]);
	atomic_store(&be->srv[0]->shm->admin, SRV_FMAINT);
	atomic_store(&be->srv[1]->shm->admin, SRV_FMAINT);
	be_refresh(be);
	CHECK(take(be) == be->srv[3]);
}

/* Another process has heard of more servers than this one. */
TEST(places_that_are_not_known_are_left_out)
{
	struct be *be = try_world(B S(1, "") S(2, "") S(3, "") S(4, ""));
	struct tree *t = be->lb_shm;

	be->n = 2;
	atomic_store(&t->win[1], 3);
	CHECK(take(be)->no < 2);
	for (int i = 0; i < 8; i++)
		CHECK(take(be)->no < 2);
	CHECK_EQ(atomic_load(&be->srv[0]->shm->inflight) +
	    atomic_load(&be->srv[1]->shm->inflight), 9);
}

static const char *
many(char *cfg, size_t room, int n)
{
	int at = snprintf(cfg, room, B);

	for (int i = 0; i < n; i++)
		at += snprintf(cfg + at, room - (size_t)at,
		    " server s%d 127.0.0.1:1 weight %d\n", i, i % 3 + 1);
	return (cfg);
}

TEST(the_tree_agrees_with_a_search)
{
	static char cfg[8192];
	struct be *be = try_world(many(cfg, sizeof cfg, 37));
	int wrong = 0;

	for (int i = 0; i < 5000; i++) {
		struct srv *srv = be->srv[rand_below(be->n)];

		wrong += be->lb->pick(be, NULL, NULL) != search(be, NULL);
		if (atomic_load(&srv->shm->inflight) > 0 && rand_below(2) == 0)
			give(srv);
		else
			take(be);
	}
	CHECK_EQ(wrong, 0);
}

TEST(processes_share_the_tree)
{
	static char cfg[8192];
	struct be *be = try_world(many(cfg, sizeof cfg, 20));
	pid_t pid = fork();

	for (int i = 0; i < 20000; i++) {
		struct srv *a = take(be), *b = take(be);

		give(a);
		give(b);
	}
	if (pid == 0)
		_exit(0);
	CHECK(try_exit_ok(pid));
	for (uint32_t i = 0; i < be->n; i++)
		CHECK_EQ(atomic_load(&be->srv[i]->shm->inflight), 0);
	CHECK(be->lb->pick(be, NULL, NULL) == search(be, NULL));
}
