/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing over with pretended connections: both workers in one process.
 */
#include <base/test.h>

#include "../hand_give.c"
#include "../hand_take.c"

#include <os/fd.h>
#include <os/sock.h>
#include <unistd.h>

struct pretend {
	struct hand_item item;
	uint32_t number;
	enum hand_when when;
	bool frozen, went;
	int fd;
	int thaws;
};

static const struct wire_field pretend_wire[] = {
	WIRE(1, U32, WIRE_REQUIRED, struct pretend, number),
	WIRE_END
};

static struct loop loop;
static struct pretend all[1000];
static int n_gone, n_back, n_thawed, n_done, n_broken, n_stuck, both_served;
static uint32_t refuse_from = UINT32_MAX;
static bool too_long;
static struct hand_counts last;

static enum hand_when
pretend_can(void *conn)
{
	return (((struct pretend *)conn)->when);
}

static bool
pretend_freeze(void *conn, struct wire_out *o, int *fds, size_t *n)
{
	static char much[IPC_BYTES_MAX];
	struct pretend *p = conn;

	CHECK(!p->frozen && !p->went);
	p->frozen = true;
	wire_put(o, pretend_wire, p);
	if (too_long)
		wire_put_bytes(o, 2, WIRE_OPTIONAL, span_of(much,
		    sizeof much));
	if (p->fd >= 0)
		fds[(*n)++] = p->fd;
	return (true);
}

static void
pretend_gone(void *conn)
{
	struct pretend *p = conn;

	CHECK(p->frozen);
	p->went = true;
	fd_close(&p->fd);
	n_gone++;
}

static void
pretend_back(void *conn)
{
	struct pretend *p = conn;

	CHECK(p->frozen);
	p->frozen = false;
	n_back++;
}

static void *
pretend_thaw(struct wire_in *in, const int *fds, size_t n, const char **why)
{
	static char someone;
	struct pretend p = { 0 };

	if (!wire_get(in, pretend_wire, &p, NULL) || p.number >= NELEM(all)) {
		*why = "bad record";
		return (NULL);
	}
	if (p.number >= refuse_from)
		return (NULL);
	both_served += !all[p.number].frozen;
	all[p.number].thaws++;
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	n_thawed++;
	return (&someone);
}

HAND_KIND(pretend) = { .name = "pretend", .layout = 3, .can = pretend_can,
	.freeze = pretend_freeze, .gone = pretend_gone, .back = pretend_back,
	.thaw = pretend_thaw };
static const struct hand_kind stranger = { .name = "stranger", .layout = 1,
	.can = pretend_can, .freeze = pretend_freeze, .gone = pretend_gone,
	.back = pretend_back };

static void
on_news(enum hand_event event, const struct hand_counts *c)
{
	n_done += event == HAND_PASSED;
	n_broken += event == HAND_BROKEN;
	n_stuck += event == HAND_STUCK;
	last = *c;
}

static void
set_up(int n, const struct hand_kind *kind)
{
	n_gone = n_back = n_thawed = n_done = both_served = 0;
	n_broken = n_stuck = 0;
	gave = (struct hand_counts){ 0 };
	refuse_from = UINT32_MAX;
	too_long = false;
	list_init(&hand_items);
	hand_items_n = 0;
	loop_open(&loop);
	for (int i = 0; i < n; i++) {
		all[i] = (struct pretend){ .number = (uint32_t)i,
		    .when = HAND_NOW, .fd = -1 };
		hand_enter(&all[i].item, kind, &all[i]);
	}
}

static void
turns(int n)
{
	while (n-- > 0)
		loop_turn(&loop, 5);
}

TEST(all_go_over)
{
	int fd[2];

	set_up(1000, HAND_KIND_OF(pretend));
	all[7].fd = dup(STDERR_FILENO);
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	for (int i = 0; i < 1000 && n_done == 0; i++)
		loop_turn(&loop, 10);
	turns(3);
	CHECK(n_gone == 1000 && n_thawed == 1000 && n_back == 0);
	CHECK(n_done == 1 && last.carried == 1000 && last.left == 0);
	CHECK_EQ(hand_n_items(), 0);
	CHECK_EQ(both_served, 0);
	loop_close(&loop);
}

TEST(refused_ones_are_served_on)
{
	int fd[2];

	set_up(100, HAND_KIND_OF(pretend));
	refuse_from = 60;
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(40);
	CHECK(n_gone == 60 && n_back == 40);
	CHECK(n_done == 1 && last.carried == 60 && last.refused == 40 &&
	    last.left == 40);
	for (int i = 60; i < 100; i++)
		CHECK(!all[i].frozen && !hand_in_flight(&all[i].item));
	loop_close(&loop);
}

TEST(an_unknown_kind_stays)
{
	int fd[2];

	set_up(3, &stranger);
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(20);
	CHECK(n_back == 3 && last.refused == 3);
	loop_close(&loop);
}

TEST(what_flies_comes_back_when_the_new_one_dies)
{
	int fd[2];

	set_up(100, HAND_KIND_OF(pretend));
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_give(&loop, fd[0], on_news);
	turns(3);
	CHECK_EQ(giver->n_flying, IN_FLIGHT_MAX);
	CHECK(all[0].frozen && hand_in_flight(&all[0].item));
	(void)close(fd[1]);
	turns(5);
	CHECK(n_back == IN_FLIGHT_MAX && n_gone == 0 && n_done == 0);
	CHECK(n_broken == 1 && giver == NULL);
	CHECK_EQ(last.left, 100);
	CHECK_EQ(last.refused, 0);
	/* Another one takes all. */
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(20);
	CHECK(n_gone == 100 && n_done == 1 && n_broken == 1);
	loop_close(&loop);
}

TEST(who_was_there_at_two_deaths_stays)
{
	int fd[2];

	set_up(100, HAND_KIND_OF(pretend));
	for (int death = 0; death < 2; death++) {
		list_init(&hand_items);
		for (int i = 0; i < 100; i++)
			list_push_back(&hand_items, &all[i].item.node);
		CHECK(sock_pair(SOCK_SEQPACKET, fd));
		hand_give(&loop, fd[0], on_news);
		turns(3);
		(void)close(fd[1]);
		turns(3);
	}
	CHECK_EQ(n_broken, 2);
	CHECK_EQ(last.refused, IN_FLIGHT_MAX);
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(20);
	CHECK_EQ(n_gone, 100 - IN_FLIGHT_MAX);
	CHECK(n_done == 1 && last.left == IN_FLIGHT_MAX);
	loop_close(&loop);
}

TEST(nothing_is_taken_back_from_one_that_is_stuck)
{
	int fd[2];

	set_up(3, HAND_KIND_OF(pretend));
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_give(&loop, fd[0], on_news);
	turns(3);
	giver->patience_ms = 1;
	turns(20);
	CHECK(n_stuck == 1 && n_back == 0 && giver->n_flying == 3);
	(void)close(fd[1]);
	turns(3);
	CHECK(n_broken == 1 && n_back == 3);
	loop_close(&loop);
}

TEST(soon_goes_later_and_never_stays)
{
	int fd[2];

	set_up(10, HAND_KIND_OF(pretend));
	all[4].when = HAND_SOON;
	all[5].when = HAND_NEVER;
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(10);
	CHECK(n_done == 1 && last.carried == 8 && last.never == 1);
	all[4].when = HAND_NOW;
	turns(30);
	CHECK_EQ(n_gone, 9);
	CHECK(giver == NULL && n_done == 1);
	CHECK(!all[5].frozen);
	loop_close(&loop);
}

TEST(a_record_that_is_too_long_stays)
{
	int fd[2];

	set_up(2, HAND_KIND_OF(pretend));
	too_long = true;
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(60);
	CHECK(n_gone == 0 && n_back == 2 && n_done == 1 && giver == NULL);
	loop_close(&loop);
}

TEST(nothing_to_give_is_done_at_once)
{
	int fd[2];

	set_up(0, HAND_KIND_OF(pretend));
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(3);
	CHECK(n_done == 1 && last.carried == 0);
	loop_close(&loop);
}
