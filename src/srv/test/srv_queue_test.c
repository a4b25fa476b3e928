/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots and the queue: alone, among processes, and after a death.
 */
#include <base/test.h>

#include "../srv_queue.c"

#include "srv_try.h"

#include <signal.h>
#include <sys/mman.h>

/* The room above has the real algorithms: here, the first that has room. */
static struct srv *
first_pick(struct be *be, struct txn *txn, struct srv *avoid)
{
	struct srv *last = NULL;

	(void)txn;
	for (uint32_t i = 0; i < be->n; i++) {
		struct srv *srv = be->srv[i];

		if (!atomic_load(&srv->shm->in_set) || !srv_has_room(srv))
			continue;
		if (srv != avoid)
			return (srv);
		last = srv;
	}
	return (last);
}

static const struct lb_algo roundrobin = { .name = "roundrobin",
	.pick = first_pick };
static const struct lb_algo *const row
    __attribute__((section("kw_balance"), used)) = &roundrobin;

static volatile int n_granted;
static struct srv_slot *granted_slot[64];
static enum why granted_why;

static void
on_granted(struct srv_slot *s, enum why why)
{
	granted_why = why;
	granted_slot[n_granted++ % 64] = s;
}

static enum why
acquire(struct be *be, struct srv_slot *s)
{
	s->granted = on_granted;
	return (srv_acquire(be, NULL, NULL, NULL, s));
}

#define S(n, words) " server s" #n " 127.0.0.1:1 " words "\n"
#define B "backend b\n"

static uint32_t
inflight(const struct srv *srv)
{
	return (atomic_load(&srv->shm->inflight));
}

static struct be *
world(const char *cfg)
{
	struct be *be = try_world(cfg);

	n_granted = 0;
	n_waiting = 0;
	CHECK(be != NULL && srv_worker_start(0));
	return (be);
}

TEST(places_are_counted_and_given_back)
{
	struct be *be = world(B S(1, ""));
	struct srv_slot s[3] = { 0 };

	for (int i = 0; i < 3; i++)
		CHECK_EQ(acquire(be, &s[i]), WHY_OK);
	CHECK_EQ(inflight(be->srv[0]), 3);
	CHECK_EQ(be_inflight(be), 3);
	CHECK_EQ(atomic_load(&be->srv[0]->shm->inflight_max), 3);
	CHECK_EQ(CNT_SRV(be->srv[0]->cnt)->sess_tot, 3);
	for (int i = 0; i < 3; i++)
		srv_release(&s[i]);
	srv_release(&s[0]);
	CHECK_EQ(inflight(be->srv[0]), 0);
	CHECK_EQ(be_inflight(be), 0);
	CHECK_EQ(srv_glob->own[0][be->srv[0]->shm->own] >> 32, 0);
}

TEST(nobody_is_there)
{
	struct be *be = world(B S(1, "disabled") S(2, "weight 0"));
	struct srv_slot s = { 0 };

	CHECK_EQ(acquire(be, &s), WHY_NO_SERVER);
	CHECK_EQ(be_inflight(be), 0);
	/* persistence still reaches one without weight */
	CHECK_EQ(srv_acquire(be, NULL, NULL, be->srv[1], &s), WHY_OK);
	srv_release(&s);
}

TEST(the_queue_is_served_in_order)
{
	struct be *be = world(B S(1, "maxconn 1"));
	struct srv_slot s[4] = { 0 };

	CHECK_EQ(acquire(be, &s[0]), WHY_OK);
	for (int i = 1; i < 4; i++)
		CHECK_EQ(acquire(be, &s[i]), WHY_AGAIN);
	CHECK_EQ(atomic_load(&be->shm->queued), 3);
	CHECK_EQ(atomic_load(&be->shm->queued_max), 3);
	srv_release(&s[2]);                     /* leaves the queue */
	srv_release(&s[0]);
	CHECK(try_turns(&n_granted));
	CHECK(granted_slot[0] == &s[1] && granted_why == WHY_OK);
	CHECK(s[1].state == SRV_SLOT_HELD && s[1].srv == be->srv[0]);
	CHECK_EQ(inflight(be->srv[0]), 1);
	n_granted = 0;
	srv_release(&s[1]);
	CHECK(try_turns(&n_granted));
	CHECK(granted_slot[0] == &s[3]);
	srv_release(&s[3]);
	CHECK_EQ(inflight(be->srv[0]), 0);
	CHECK_EQ(atomic_load(&be->shm->queued_all), 0);
	CHECK_EQ(be_inflight(be), 0);
}

TEST(class_then_age_and_offset_order_the_queue)
{
	/* the order in which these are served */
	static const struct { int32_t class, ms; int turn; } rows[] = {
		{ 0, 0, 3 }, { 0, -1000, 2 }, { 1, -524287, 5 }, { 0, 0, 4 },
		{ -2, 524287, 1 }, { -5000, 0, 0 }, { 1, 600000, 6 },
	};
	struct be *be = world(B S(1, "maxconn 1"));
	struct srv_slot s[NELEM(rows)] = { 0 }, first = { 0 };

	CHECK_EQ(acquire(be, &first), WHY_OK);
	for (size_t i = 0; i < NELEM(rows); i++) {
		s[i].prio_class = rows[i].class;
		s[i].prio_ms = rows[i].ms;
		CHECK_EQ(acquire(be, &s[i]), WHY_AGAIN);
	}
	srv_release(&first);
	for (int turn = 0; turn < (int)NELEM(rows); turn++) {
		size_t i = 0;

		CHECK(try_turns(&n_granted));
		while (rows[i].turn != turn)
			i++;
		CHECK(granted_slot[0] == &s[i]);
		n_granted = 0;
		srv_release(granted_slot[0]);
	}
}

TEST(a_stream_that_left_passes_its_place_on)
{
	struct be *be = world(B S(1, "maxconn 1"));
	struct srv_slot s[3] = { 0 };

	for (int i = 0; i < 3; i++)
		acquire(be, &s[i]);
	srv_release(&s[0]);                     /* granted to s[1] … */
	srv_release(&s[1]);                     /* … which goes unaware of it */
	CHECK(try_turns(&n_granted));
	CHECK(granted_slot[0] == &s[2]);
	srv_release(&s[2]);
	CHECK_EQ(inflight(be->srv[0]), 0);
}

TEST(the_queue_of_a_server_that_left_goes_to_others)
{
	struct be *be = world(B S(1, "maxconn 1") S(2, "maxconn 1"));
	struct srv_slot s[3] = { 0 };

	acquire(be, &s[0]);
	acquire(be, &s[1]);
	CHECK(s[0].srv == be->srv[0] && s[1].srv == be->srv[1]);
	s[2].granted = on_granted;
	CHECK_EQ(srv_acquire(be, NULL, NULL, be->srv[0], &s[2]), WHY_AGAIN);
	CHECK_EQ(atomic_load(&be->srv[0]->shm->queued), 1);
	atomic_store(&be->srv[0]->shm->state, SRV_STOPPED);
	CHECK_EQ(srv_requeue(be->srv[0]), 1);
	be_refresh(be);
	srv_release(&s[0]);
	CHECK_EQ(n_granted, 0);
	srv_release(&s[1]);
	CHECK(try_turns(&n_granted));
	CHECK(s[2].srv == be->srv[1]);
	srv_release(&s[2]);
}

TEST(a_server_that_comes_serves_who_waits)
{
	struct be *be = world(B S(1, "maxconn 1") S(2, "disabled"));
	struct srv_slot s[2] = { 0 };

	acquire(be, &s[0]);
	CHECK_EQ(acquire(be, &s[1]), WHY_AGAIN);
	atomic_store(&be->srv[1]->shm->admin, 0);
	atomic_store(&be->srv[1]->shm->state, SRV_RUNNING);
	be_refresh(be);
	CHECK(try_turns(&n_granted));
	CHECK(s[1].srv == be->srv[1]);
	srv_release(&s[0]);
	srv_release(&s[1]);
}

TEST(minconn_follows_the_load)
{
	struct be *be = world(B " fullconn 10\n" S(1, "minconn 2 maxconn 10"));

	CHECK_EQ(srv_max(be->srv[0]), 2);
	atomic_store(&be->shm->inflight_word, 5);
	CHECK_EQ(srv_max(be->srv[0]), 5);
	atomic_store(&be->shm->inflight_word, 50);
	CHECK_EQ(srv_max(be->srv[0]), 10);
}

TEST(maxqueue_sends_elsewhere)
{
	struct be *be = world(B S(1, "maxconn 1 maxqueue 1") S(2, ""));
	struct srv_slot s[3] = { 0 };

	for (int i = 0; i < 3; i++)
		s[i].granted = on_granted;
	CHECK_EQ(srv_acquire(be, NULL, NULL, be->srv[0], &s[0]), WHY_OK);
	CHECK_EQ(srv_acquire(be, NULL, NULL, be->srv[0], &s[1]), WHY_AGAIN);
	CHECK_EQ(srv_acquire(be, NULL, NULL, be->srv[0], &s[2]), WHY_OK);
	CHECK(s[2].srv == be->srv[1]);
	for (int i = 0; i < 3; i++)
		srv_release(&s[i]);
	CHECK_EQ(be_inflight(be), 0);
}

/* ---- two processes ---- */

struct shared {
	_Atomic int ready, held, most, rounds;
};

static struct shared *
share(void)
{
	return (mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static struct shared *sh;

/* Take and give back, some slots at a time; how many hold one is never more
 * than maxconn. */
static void
hammer(struct be *be, int rounds)
{
	static struct srv_slot s[8];
	int64_t end = clock_mono_us() + 20000000;
	int done = 0;

	memset(s, 0, sizeof s);
	while (done < rounds && clock_mono_us() < end) {
		for (int i = 0; i < 8; i++) {
			if (s[i].state == SRV_SLOT_NONE)
				(void)acquire(be, &s[i]);
			if (s[i].state != SRV_SLOT_HELD)
				continue;
			if (atomic_load(&be->srv[0]->shm->inflight) > 3)
				atomic_store(&sh->most, 4);
			done++;
			srv_release(&s[i]);
		}
		loop_turn(the_loop, 1);
	}
	atomic_fetch_add(&sh->rounds, done);
	for (int i = 0; i < 8; i++)
		srv_release(&s[i]);
	n_granted = 0;
	try_turns(&(volatile int){ n_waiting == 0 });
	loop_turn(the_loop, 0);
	fetch();
}

TEST(processes_share_the_limit_and_nobody_is_forgotten)
{
	struct be *be = world(B S(1, "maxconn 3"));
	pid_t pid[2];

	sh = share();
	for (int i = 0; i < 2; i++) {
		if ((pid[i] = try_fork(i + 1)) != 0)
			continue;
		hammer(be, 5000);
		_exit(0);
	}
	CHECK(try_exit_ok(pid[0]));
	CHECK(try_exit_ok(pid[1]));
	CHECK(atomic_load(&sh->rounds) >= 10000);
	CHECK_EQ(atomic_load(&sh->most), 0);
	CHECK_EQ(inflight(be->srv[0]), 0);
	CHECK_EQ(atomic_load(&be->shm->queued_all), 0);
	CHECK_EQ(be_inflight(be), 0);
}

/* Another process holds the only place and waits for more. */
static void
hold_and_die(struct be *be)
{
	static struct srv_slot s[3];

	for (int i = 0; i < 3; i++)
		(void)acquire(be, &s[i]);
	atomic_store(&sh->ready, 1);
	for (;;)
		pause();
}

TEST(what_a_dead_process_held_is_given_back)
{
	struct be *be = world(B S(1, "maxconn 1"));
	struct srv_slot mine = { 0 };
	pid_t pid;

	sh = share();
	if ((pid = try_fork(1)) == 0)
		hold_and_die(be);
	while (atomic_load(&sh->ready) == 0)
		usleep(1000);
	CHECK_EQ(acquire(be, &mine), WHY_AGAIN);
	CHECK_EQ(atomic_load(&be->shm->queued), 3);
	CHECK_EQ(be_inflight(be), 4);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	srv_worker_dead(1);
	CHECK(try_turns(&n_granted));
	CHECK_EQ(mine.state, SRV_SLOT_HELD);
	CHECK_EQ(inflight(be->srv[0]), 1);
	CHECK_EQ(be_inflight(be), 1);
	srv_release(&mine);
	CHECK_EQ(atomic_load(&be->shm->queued_all), 0);
	CHECK_EQ(inflight(be->srv[0]), 0);
}

TEST(a_place_granted_to_the_dead_is_granted_again)
{
	struct be *be = world(B S(1, "maxconn 1"));
	struct srv_slot mine = { 0 }, later = { 0 };
	pid_t pid;

	sh = share();
	CHECK_EQ(acquire(be, &mine), WHY_OK);
	if ((pid = try_fork(1)) == 0)
		hold_and_die(be);
	while (atomic_load(&sh->ready) == 0)
		usleep(1000);
	CHECK_EQ(acquire(be, &later), WHY_AGAIN);
	srv_release(&mine);             /* into the box of the other one */
	CHECK_EQ(inflight(be->srv[0]), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	srv_worker_dead(1);
	CHECK(try_turns(&n_granted));
	CHECK_EQ(later.state, SRV_SLOT_HELD);
	srv_release(&later);
	CHECK_EQ(inflight(be->srv[0]), 0);
}

TEST(a_lock_of_the_dead_leaves_the_queue_whole)
{
	struct be *be = world(B S(1, "maxconn 1"));
	struct srv_slot s[3] = { 0 };
	pid_t pid;

	for (int i = 0; i < 3; i++)
		acquire(be, &s[i]);
	if ((pid = try_fork(1)) == 0) {
		shm_lock(&be->shm->lock);
		be->shm->q_head = 0;            /* half of a change */
		atomic_store(&be->shm->queued, 7);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
	srv_release(&s[0]);
	CHECK(try_turns(&n_granted));
	CHECK(granted_slot[0] == &s[1]);
	CHECK_EQ(atomic_load(&be->shm->queued), 1);
	srv_release(&s[1]);
	srv_release(&s[2]);
	CHECK_EQ(atomic_load(&be->shm->queued_all), 0);
}

static void
take_and_give(struct be *be)
{
	static struct srv_slot s[8];

	for (;; loop_turn(the_loop, 0)) {
		for (int i = 0; i < 8; i++) {
			if (s[i].state == SRV_SLOT_NONE)
				(void)acquire(be, &s[i]);
			else if (s[i].state == SRV_SLOT_HELD)
				srv_release(&s[i]);
		}
	}
}

static void
end_process(pid_t *pid, int proc_no)
{
	if (*pid == 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	srv_worker_dead(proc_no);
	*pid = 0;
}

/* Each death is somewhere else, between any two instructions. */
TEST(deaths_anywhere_leave_exact_counts)
{
	struct be *be = world(B S(1, "maxconn 5") S(2, "maxconn 5"));
	pid_t pid[4] = { 0 };

	for (int round = 0; round < 48; round++) {
		int k = round % 4;

		usleep(1000 + (useconds_t)(round * 37 % 1000));
		end_process(&pid[k], k + 1);
		if ((pid[k] = try_fork(k + 1)) == 0)
			take_and_give(be);
	}
	for (int k = 0; k < 4; k++)
		end_process(&pid[k], k + 1);
	CHECK(atomic_load(&be->srv[0]->shm->inflight_max) == 5);
	CHECK_EQ(inflight(be->srv[0]), 0);
	CHECK_EQ(inflight(be->srv[1]), 0);
	CHECK_EQ(be_inflight(be), 0);
	CHECK_EQ(atomic_load(&be->shm->queued_all), 0);
}

/* ---- idle connections ---- */

static int n_closed;

static void
close_idle(struct srv_idle *i)
{
	(void)i;
	n_closed++;
}

TEST(idle_connections_are_kept_newest_first)
{
	struct be *be = world(B S(1, "pool-max-conn 3"));
	struct srv_idle c[4];

	memset(c, 0, sizeof c);
	for (int i = 0; i < 4; i++) {
		c[i].close = close_idle;
		c[i].safe = i == 0;
		CHECK_EQ(srv_idle_put(be->srv[0], &c[i]), i < 3);
	}
	CHECK_EQ(atomic_load(&be->srv[0]->shm->idle), 3);
	CHECK(srv_idle_get(be->srv[0], SPAN_NONE, 0, false) == &c[2]);
	CHECK(srv_idle_get(be->srv[0], SPAN_NONE, 0, true) == &c[0]);
	CHECK(srv_idle_get(be->srv[0], SPAN_NONE, 0, true) == NULL);
	c[1].name = SPAN("a.example");
	CHECK(srv_idle_get(be->srv[0], SPAN_NONE, 0, false) == NULL);
	CHECK(srv_idle_get(be->srv[0], SPAN("b.example"), 0, false) == NULL);
	srv_idle_gone(&c[1]);
	srv_idle_gone(&c[1]);
	CHECK_EQ(atomic_load(&be->srv[0]->shm->idle), 0);
	n_closed = 0;
	srv_idle_put(be->srv[0], &c[1]);
	srv_idle_put(be->srv[0], &c[2]);
	c[1].pp_key = 7;
	CHECK(srv_idle_get(be->srv[0], SPAN("a.example"), 0, false) == NULL);
	CHECK(srv_idle_get(be->srv[0], SPAN("a.example"), 9, false) == NULL);
	CHECK(srv_idle_get(be->srv[0], SPAN("a.example"), 7, false) == &c[1]);
	srv_idle_put(be->srv[0], &c[1]);
	srv_idle_close_all(NULL);
	CHECK_EQ(n_closed, 2);
	be = world(B S(1, "pool-purge-delay 0"));
	CHECK(!srv_idle_put(be->srv[0], &c[1]));
}

/* ---- the next generation ---- */

TEST(state_is_kept_and_the_file_wins_where_it_changed)
{
	struct be *be = world(B S(1, "weight 5") S(2, "disabled"));

	CHECK_EQ(atomic_load(&be->srv[1]->shm->admin), SRV_CMAINT | SRV_FMAINT);
	atomic_store(&be->srv[0]->shm->uweight, 9);
	atomic_store(&be->srv[0]->shm->state, SRV_STOPPED);
	be = try_setup(B S(1, "weight 5") S(2, ""));
	CHECK(!srv_usable(be->srv[1]));        /* not in charge yet */
	srv_config_apply(be);
	CHECK_EQ(atomic_load(&be->srv[0]->shm->uweight), 9);
	CHECK_EQ(atomic_load(&be->srv[0]->shm->state), SRV_STOPPED);
	CHECK_EQ(atomic_load(&be->srv[1]->shm->admin), 0);
	CHECK(srv_usable(be->srv[1]));
	be = try_setup(B S(1, "weight 6") S(2, ""));
	srv_config_apply(be);
	CHECK_EQ(atomic_load(&be->srv[0]->shm->uweight), 6);
}

TEST(frontends_count_together)
{
	struct fe *fe;

	world("frontend f\n bind 127.0.0.1:8000\n maxconn 2\n" B S(1, ""));
	fe = fe_of(px_model->all);
	CHECK(fe_enter(fe) && fe_enter(fe));
	CHECK(!fe_enter(fe));
	CHECK_EQ(fe_conn_total(), 2);
	fe_leave(fe);
	CHECK(fe_enter(fe));
	fe_conn_limit = 2;
	CHECK(!fe_enter(fe));
	fe_conn_limit = 0;
	srv_worker_dead(0);
	CHECK_EQ(atomic_load(&fe->shm->conn), 0);
	CHECK_EQ(fe_conn_total(), 0);
}

TEST(rates_slide_over_a_second)
{
	struct srv_rate r = { 0 };

	for (int i = 0; i < 10; i++)
		srv_rate_add(&r, 5000000);
	CHECK_EQ(srv_rate_now(&r, 5000000), 10);
	srv_rate_add(&r, 6000000);
	CHECK_EQ(srv_rate_now(&r, 6500000), 1 + 5);
	CHECK_EQ(srv_rate_now(&r, 9000000), 0);
	CHECK_EQ(atomic_load(&r.max), 10);
}

TEST(words_are_refused_with_their_place)
{
	CHECK(!try_parse(B S(1, "source 127.0.0.1:1000-2000")));
	CHECK(strstr(try_error, "2:31") != NULL);
	CHECK(!try_parse(B S(1, "on-marked-down now")));
	CHECK(strstr(try_error, "'shutdown-sessions'") != NULL);
	CHECK(!try_parse(B S(1, "pool-max-conn -2")));
	CHECK(try_parse(B S(1, "pool-max-conn -1 slowstart 10s send-proxy-v2 "
	    "on-marked-up shutdown-backup-sessions")));
	CHECK_EQ(((const struct srv_cfg *)px_get(
	    &px_model->all->servers->slots, &srv_cfg_slot))->slow_ms, 10000);
}
