/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strict-maxconn: connections are counted over processes, idle ones make room.
 */
#include <base/test.h>

#include "../srv_strict.c"

#include "srv_try.h"

#include <signal.h>

static struct srv *
first_pick(struct be *be, struct txn *txn, struct srv *avoid)
{
	(void)txn;
	(void)avoid;
	return (srv_has_room(be->srv[0]) ? be->srv[0] : NULL);
}

static const struct lb_algo roundrobin = { .name = "roundrobin",
	.pick = first_pick };
static const struct lb_algo *const row
    __attribute__((section("kw_balance"), used)) = &roundrobin;

static volatile int n_roomed, n_closed;

static void
on_room(struct srv_slot *s)
{
	(void)s;
	n_roomed++;
}

static void
on_close(struct srv_idle *i)
{
	n_closed++;
	srv_conn_closed(i->srv);
}

static struct srv *
world(const char *words)
{
	char cfg[200];
	struct be *be;

	snprintf(cfg, sizeof cfg, "backend b\n server s 127.0.0.1:1 %s\n",
	    words);
	all = NULL;
	n_roomed = n_closed = 0;
	be = try_world(cfg);
	CHECK(be != NULL && srv_worker_start(0));
	return (be->srv[0]);
}

static uint32_t
conns(const struct srv *srv)
{
	return (atomic_load(&srv->strict->conns));
}

static bool
keep_idle(struct srv *srv, struct srv_idle *i)
{
	*i = (struct srv_idle){ .close = on_close, .moves = srv->moves };
	return (srv_conn_enter(srv) && srv_idle_put(srv, i));
}

/* A stream's slot that waits for a connection. */
static bool
await(struct srv *srv, struct srv_slot *s)
{
	*s = (struct srv_slot){ .room = on_room };
	CHECK_EQ(srv_acquire(srv->be, NULL, NULL, NULL, s), WHY_OK);
	return (srv_conn_await(s));
}

TEST(without_it_connections_are_not_counted)
{
	struct srv *srv = world("maxconn 1");

	CHECK(srv->strict == NULL);
	CHECK(srv_conn_enter(srv) && srv_conn_enter(srv));
	CHECK(!srv_conn_wanted(srv));
}

TEST(no_more_than_maxconn)
{
	struct srv *srv = world("maxconn 2 strict-maxconn");

	CHECK(srv_conn_enter(srv) && srv_conn_enter(srv));
	CHECK(!srv_conn_enter(srv));
	srv_conn_closed(srv);
	CHECK(srv_conn_enter(srv));
	srv_conn_adopt(srv);                    /* is there, whatever it says */
	CHECK_EQ(conns(srv), 3);
	srv_conn_closed(srv);
	CHECK(!srv_conn_enter(srv));
	atomic_store(&srv->shm->maxconn, 1 + 3);        /* as people set it */
	CHECK(srv_conn_enter(srv));
	CHECK(!srv_conn_enter(srv));
}

TEST(without_maxconn_there_is_no_limit)
{
	struct srv *srv = world("strict-maxconn");

	for (int i = 0; i < 100; i++)
		CHECK(srv_conn_enter(srv));
	CHECK_EQ(conns(srv), 100);
}

TEST(an_idle_one_of_this_worker_goes)
{
	struct srv *srv = world("maxconn 2 strict-maxconn");
	struct srv_idle idle[2];

	CHECK(keep_idle(srv, &idle[0]) && keep_idle(srv, &idle[1]));
	CHECK(srv_conn_enter(srv));
	CHECK_EQ(n_closed, 1);
	CHECK(!list_linked(&idle[0].node));     /* the oldest */
	CHECK_EQ(conns(srv), 2);
}

TEST(who_waits_hears_of_room)
{
	struct srv *srv = world("maxconn 1 strict-maxconn");
	struct srv_slot s;

	CHECK(srv_conn_enter(srv));
	CHECK(await(srv, &s));
	CHECK(srv_conn_wanted(srv));
	srv_conn_closed(srv);
	CHECK_EQ(n_roomed, 0);                  /* not within the call */
	CHECK(try_turns(&n_roomed));
	CHECK(!s.awaits && !srv_conn_wanted(srv));
	srv_release(&s);
}

TEST(room_that_came_meanwhile_is_seen)
{
	struct srv *srv = world("maxconn 1 strict-maxconn");
	struct srv_slot s;

	CHECK(!await(srv, &s));
	CHECK(!s.awaits && !srv_conn_wanted(srv));
	srv_release(&s);
}

TEST(who_leaves_waits_no_more)
{
	struct srv *srv = world("maxconn 1 strict-maxconn");
	struct srv_slot s;

	CHECK(srv_conn_enter(srv));
	CHECK(await(srv, &s));
	srv_release(&s);
	CHECK(!srv_conn_wanted(srv));
}

TEST(none_is_kept_while_somebody_waits)
{
	struct srv *srv = world("maxconn 1 strict-maxconn");
	struct srv_idle i = { .close = on_close, .moves = srv->moves };
	struct srv_slot s;

	CHECK(srv_conn_enter(srv));
	CHECK(await(srv, &s));
	CHECK(!srv_idle_put(srv, &i));
	srv_release(&s);
	CHECK(srv_idle_put(srv, &i));
}

TEST(another_process_closes_an_idle_one)
{
	struct srv *srv = world("maxconn 1 strict-maxconn");
	struct srv_slot s;
	pid_t pid = try_fork(1);

	if (pid == 0) {
		struct srv_idle i;

		if (!keep_idle(srv, &i))
			_exit(1);
		_exit(try_turns(&n_closed) ? 0 : 2);
	}
	while (atomic_load(&srv->shm->idle) == 0)
		usleep(1000);
	CHECK(!srv_conn_enter(srv));
	CHECK(await(srv, &s));
	CHECK(try_turns(&n_roomed));
	CHECK(srv_conn_enter(srv));
	CHECK(try_exit_ok(pid));
	srv_release(&s);
}

TEST(what_a_dead_process_had_is_given_back)
{
	struct srv *srv = world("maxconn 2 strict-maxconn");
	struct srv_slot s;
	pid_t pid = try_fork(1);

	if (pid == 0) {
		if (srv_conn_enter(srv) && srv_conn_enter(srv))
			(void)await(srv, &s);
		pause();
	}
	while (!srv_conn_wanted(srv))
		usleep(1000);
	CHECK(!srv_conn_enter(srv));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	srv_worker_dead(1);
	CHECK_EQ(conns(srv), 0);
	CHECK(!srv_conn_wanted(srv));
	CHECK_EQ(atomic_load(&srv->shm->inflight), 0);
}
