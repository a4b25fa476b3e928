/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_test - events, generations, tasks and sleeping, on socket pairs.
 */
#include <base/test.h>

#include "../loop.c"
#include "../loop_poll.c"

#include <os/fd.h>
#include <os/sock.h>

#define MAX_WAIT_MS 1000

static struct loop loop;
static unsigned seen, n_calls;

static void
note(void *arg, unsigned events)
{
	CHECK(arg == &seen);
	seen = events;
	n_calls++;
}

static unsigned
turn(int max_ms)
{
	seen = n_calls = 0;
	loop_turn(&loop, max_ms);
	return (seen);
}

TEST(edges_come_once)
{
	char byte;
	int fd[2];

	loop_open(&loop);
	CHECK(the_loop == &loop);
	CHECK(sock_pair(SOCK_STREAM, fd));
	CHECK(loop_add(&loop, fd[0], note, &seen));
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_OUT);
	CHECK_EQ(turn(0), 0);
	CHECK(write(fd[1], "ab", 2) == 2);
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_IN | LOOP_OUT);
	CHECK(read(fd[0], &byte, 1) == 1);
	CHECK_EQ(turn(0), 0);                   /* one byte is left */
	CHECK(shutdown(fd[1], SHUT_WR) == 0);
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_IN | LOOP_OUT | LOOP_HUP);
	CHECK_EQ(loop.n_events, 3);
	CHECK_EQ(loop.n_turns, 5);
	loop_forget(&loop, fd[0]);
	CHECK_EQ(loop.n_added, 0);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	loop_close(&loop);
	CHECK(the_loop == NULL);
}

TEST(levels_come_again_and_pause)
{
	int fd[2];

	loop_open(&loop);
	CHECK(sock_pair(SOCK_STREAM, fd));
	CHECK(loop_add_level(&loop, fd[0], note, &seen));
	CHECK_EQ(turn(0), 0);
	CHECK(write(fd[1], "a", 1) == 1);
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_IN);
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_IN);
	loop_pause(&loop, fd[0]);
	CHECK_EQ(turn(0), 0);
	loop_resume(&loop, fd[0]);
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_IN);
	loop_del(&loop, fd[0]);
	CHECK_EQ(turn(0), 0);
	CHECK(write(fd[0], "still open", 10) == 10);
	loop_del(&loop, fd[0]);                 /* harmless */
	CHECK_EQ(loop.n_added, 0);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	loop_close(&loop);
}

TEST(one_that_rests_comes_again_by_itself)
{
	int fd[2], i;

	loop_open(&loop);
	CHECK(sock_pair(SOCK_STREAM, fd));
	CHECK(loop_add_level(&loop, fd[0], note, &seen));
	CHECK(write(fd[1], "a", 1) == 1);
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_IN);
	loop_rest(&loop, fd[0]);
	CHECK_EQ(turn(0), 0);
	for (i = 0; i < 100 && turn(LOOP_REST_MS) != LOOP_IN; i++)
		;
	CHECK(i < 100);
	/* Its number is another's meanwhile: that one has its own events. */
	loop_rest(&loop, fd[0]);
	loop_del(&loop, fd[0]);
	CHECK(loop_add_level(&loop, fd[0], note, &seen));
	loop_pause(&loop, fd[0]);
	for (i = 0; i < 4; i++)
		CHECK_EQ(turn(LOOP_REST_MS), 0);
	CHECK_EQ(loop.n_resting, 0);
	loop_del(&loop, fd[0]);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	loop_close(&loop);
}

TEST(a_refused_descriptor_is_not_registered)
{
	loop_open(&loop);
	errno = 0;
	CHECK(!loop_add(&loop, 900, note, &seen));
	CHECK_EQ(errno, EBADF);
	CHECK_EQ(loop.n_added, 0);
	CHECK(loop.n_fds > 900);
	loop_close(&loop);
}

static int pairs[2][2];
static unsigned n_stale;

static void
stale(void *arg, unsigned events)
{
	(void)arg, (void)events;
	n_stale++;
}

/* Both are ready. The first one called closes the other, and a new socket
 * takes over its number. */
static void
replace_other(void *arg, unsigned events)
{
	int *mine = arg, *other = mine == pairs[0] ? pairs[1] : pairs[0];
	int old = other[0], fresh[2];

	(void)events;
	n_calls++;
	loop_forget(&loop, other[0]);
	fd_close(&other[0]);
	CHECK(sock_pair(SOCK_STREAM, fresh));
	CHECK_EQ(fresh[0], old);
	CHECK(loop_add_level(&loop, fresh[0], stale, NULL));
	loop_forget(&loop, mine[0]);
	fd_close(&mine[0]);
	pairs[0][0] = fresh[0];
	pairs[1][0] = fresh[1];
}

TEST(an_event_of_a_closed_descriptor_is_dropped)
{
	loop_open(&loop);
	for (int i = 0; i < 2; i++) {
		CHECK(sock_pair(SOCK_STREAM, pairs[i]));
		CHECK(loop_add(&loop, pairs[i][0], replace_other, pairs[i]));
		CHECK(write(pairs[i][1], "a", 1) == 1);
	}
	turn(MAX_WAIT_MS);
	CHECK_EQ(n_calls, 1);
	CHECK_EQ(n_stale, 0);
	CHECK_EQ(loop.n_added, 1);
	loop_forget(&loop, pairs[0][0]);
	for (int i = 0; i < 2; i++) {
		fd_close(&pairs[i][0]);
		fd_close(&pairs[i][1]);
	}
	loop_close(&loop);
}

static char order[16];
static struct loop_task tasks[4];

static void
run(struct loop_task *t)
{
	size_t n = strlen(order);

	order[n] = (char)('a' + (t - tasks));
	if (t == &tasks[0])
		loop_post(&loop, t);            /* again, next turn */
	if (t == &tasks[1])
		loop_unpost(&loop, &tasks[2]);
}

TEST(tasks_run_in_order_and_once)
{
	loop_open(&loop);
	for (int i = 0; i < 4; i++)
		tasks[i].fn = run;
	for (int i = 0; i < 4; i++)
		loop_post(&loop, &tasks[i]);
	loop_post(&loop, &tasks[1]);
	turn(-1);                       /* does not wait: there is work */
	CHECK_STR(order, "abd");
	CHECK(tasks[0].posted && !tasks[1].posted && !tasks[2].posted);
	turn(-1);
	CHECK_STR(order, "abda");
	loop_unpost(&loop, &tasks[0]);
	loop_unpost(&loop, &tasks[0]);
	turn(0);
	CHECK_STR(order, "abda");
	loop_post(&loop, &tasks[3]);
	loop_post(&loop, &tasks[2]);
	loop_unpost(&loop, &tasks[2]);  /* the last one */
	loop_post(&loop, &tasks[1]);
	turn(0);
	CHECK_STR(order, "abdadb");
	loop_close(&loop);
}

static struct tmr tmr;
static int64_t fired_us;

static void
on_tmr(struct tmr *t)
{
	CHECK(t == &tmr);
	fired_us = clock_mono_us();
	loop.stop = true;
}

TEST(it_sleeps_until_the_deadline_and_does_not_spin)
{
	int64_t due_ms;

	loop_open(&loop);
	tmr_init(&tmr, on_tmr);
	due_ms = loop.now_ms + 300;     /* more than one level of the wheel */
	tmr_arm(&loop.wheel, &tmr, due_ms);
	loop_run(&loop);
	CHECK(fired_us >= due_ms * 1000);
	CHECK(fired_us < due_ms * 1000 + 200000);       /* a busy machine */
	CHECK(loop.n_turns <= 3);
	CHECK(loop.idle_us > 250000);
	CHECK_EQ(loop.n_events, 0);
	loop_close(&loop);
}

TEST(time_spent_in_callbacks_is_not_slept_again)
{
	int64_t begin_us;

	loop_open(&loop);
	tmr_init(&tmr, on_tmr);
	begin_us = loop.now_us;
	tmr_arm(&loop.wheel, &tmr, loop.now_ms + 100);
	while (clock_mono_us() < begin_us + 90000)
		;
	CHECK(wait_ms(&loop, clock_mono_us(), -1) <= 11);
	CHECK_EQ(wait_ms(&loop, begin_us + 200000, -1), 0);
	/* less where the wheel looks at its next level before */
	CHECK(wait_ms(&loop, begin_us, 5) <= 5);
	loop_run(&loop);
	CHECK(fired_us >= begin_us / 1000 * 1000 + 100000);
	CHECK(loop.busy_us >= 90000);
	CHECK_EQ(wait_ms(&loop, loop.now_us, -1), -1);
	loop_close(&loop);
}

static unsigned
turns(int n, unsigned *calls)
{
	unsigned all = 0;

	*calls = 0;
	for (int i = 0; i < n; i++) {
		all |= turn(1);
		*calls += n_calls;
	}
	return (all);
}

TEST(poll_loses_no_edge_and_does_not_spin)
{
	char byte;
	unsigned calls;
	int fd[2];

	loop_no_epoll = true;
	loop_open(&loop);
	loop_no_epoll = false;
	CHECK_EQ(loop.epfd, -1);
	CHECK(sock_pair(SOCK_STREAM, fd));
	CHECK(loop_add(&loop, fd[0], note, &seen));
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_OUT);
	CHECK_EQ(turn(0), 0);                   /* masked until the tick */
	CHECK(write(fd[1], "ab", 2) == 2);
	CHECK_EQ(turn(MAX_WAIT_MS) & LOOP_IN, LOOP_IN);
	CHECK(read(fd[0], &byte, 1) == 1);
	CHECK_EQ(turns(200, &calls) & LOOP_IN, LOOP_IN);
	CHECK(calls < 200);                     /* the rest waited for ticks */
	CHECK(read(fd[0], &byte, 1) == 1);
	CHECK_EQ(turns(20, &calls) & (LOOP_IN | LOOP_HUP), 0);
	CHECK(shutdown(fd[1], SHUT_WR) == 0);
	CHECK_EQ(turns(20, &calls) & LOOP_HUP, LOOP_HUP);
	loop_del(&loop, fd[0]);
	CHECK_EQ(turn(0), 0);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	loop_close(&loop);
}

TEST(poll_tells_levels_each_time_and_pauses)
{
	int fd[2];

	loop_no_epoll = true;
	loop_open(&loop);
	loop_no_epoll = false;
	CHECK(sock_pair(SOCK_STREAM, fd));
	CHECK(loop_add_level(&loop, fd[0], note, &seen));
	CHECK_EQ(turn(0), 0);
	CHECK(write(fd[1], "a", 1) == 1);
	for (int i = 0; i < 2 * IN_A_ROW; i++)
		CHECK_EQ(turn(MAX_WAIT_MS), LOOP_IN);
	loop_pause(&loop, fd[0]);
	CHECK_EQ(turn(0), 0);
	loop_resume(&loop, fd[0]);
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_IN);
	loop_forget(&loop, fd[0]);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	loop_close(&loop);
}

static int64_t slow_seen_us;

static void
note_slow(int64_t us)
{
	slow_seen_us = us;
}

static void
take_long(void *arg, unsigned events)
{
	int64_t until = clock_mono_us() + 5000;

	note(arg, events);
	while (clock_mono_us() < until)
		;
}

TEST(a_turn_that_takes_long_is_told)
{
	int fd[2];

	loop_open(&loop);
	loop.slow = note_slow;
	loop.slow_us = 4000;
	CHECK(sock_pair(SOCK_STREAM, fd));
	CHECK(loop_add(&loop, fd[0], take_long, &seen));
	CHECK_EQ(turn(MAX_WAIT_MS), LOOP_OUT);
	CHECK_EQ(slow_seen_us, 0);
	(void)turn(0);          /* the one before took long */
	CHECK(slow_seen_us >= 5000);
	loop_forget(&loop, fd[0]);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	loop_close(&loop);
}
