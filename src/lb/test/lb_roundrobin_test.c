/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of turns, and that all processes take turns together.
 */
#include <base/test.h>

#include "../lb_roundrobin.c"

#include "../../srv/test/srv_try.h"

#include <sys/mman.h>

/* The servers of `n` choices, as digits. */
static const char *
order(struct be *be, int n)
{
	static char s[256];
	struct srv *srv;

	for (int i = 0; i < n; i++) {
		srv = be->lb->pick(be, NULL, NULL);
		s[i] = srv == NULL ? '-' : (char)('1' + srv->no);
	}
	s[n] = '\0';
	return (s);
}

#define S(n, words) " server s" #n " 127.0.0.1:1 " words "\n"
#define B "backend b\n"

static const struct {
	const char *cfg, *order;
} orders[] = {
	{ B S(1, "") S(2, "") S(3, ""), "123123123" },
	{ B S(1, "weight 20") S(2, "weight 20"), "121212" },
	{ B S(1, "weight 3") S(2, "weight 1"), "11121112" },
	{ B S(1, "weight 10") S(2, "weight 1"), "1111111111211" },
	{ B S(1, "weight 3") S(2, "weight 2"), "1121211212" },
	{ B S(1, "weight 20") S(2, "weight 10") S(3, "weight 2"),
	    "11211213121121121121121312112112" },
	{ B S(1, "weight 5") S(2, "weight 3") S(3, "weight 2"),
	    "12131212131213121" },
	{ B S(1, "weight 2") S(2, "weight 3") S(3, "weight 5"),
	    "3231323231" },
	{ B S(1, "weight 0") S(2, "weight 1"), "2222" },
	{ B S(1, "weight 0"), "----" },
	{ B S(1, "disabled") S(2, "") S(3, ""), "232323" },
	{ B S(1, "backup") S(2, "") S(3, ""), "232323" },
	{ B S(1, "backup") S(2, "backup") S(3, "disabled"), "1111" },
	{ B " option allbackups\n" S(1, "backup") S(2, "backup")
	    S(3, "disabled"), "1212" },
	{ B S(1, "disabled"), "--" },
	{ B, "--" },
};

TEST(the_order_follows_the_weights)
{
	for (size_t i = 0; i < NELEM(orders); i++) {
		struct be *be = try_world(orders[i].cfg);

		CHECK(be != NULL);
		if (be != NULL)
			CHECK_STR(order(be, (int)strlen(orders[i].order)),
			    orders[i].order);
	}
}

/* One has 127 turns here: nobody is left for the last one. */
TEST(rounds_follow_each_other)
{
	struct be *be = try_world(B S(1, "weight 3") S(2, "weight 3")
	    S(3, "weight 2"));
	char first[128];

	memcpy(first, order(be, 127), 128);
	CHECK_STR(first + 117, "1213212312");
	CHECK_STR(order(be, 13), "1212312132123");
}

TEST(a_new_weight_counts_at_once)
{
	struct be *be = try_world(B S(1, "") S(2, ""));

	CHECK_STR(order(be, 4), "1212");
	atomic_store(&be->srv[0]->shm->uweight, 3);
	be_refresh(be);
	CHECK_STR(order(be, 8), "11121112");
	atomic_store(&be->srv[0]->shm->uweight, 0);
	be_refresh(be);
	CHECK_STR(order(be, 3), "222");
}

TEST(a_full_server_and_one_to_avoid_are_left_out)
{
	struct be *be = try_world(B S(1, "maxconn 1") S(2, "") S(3, ""));

	atomic_store(&be->srv[0]->shm->inflight, 1);
	CHECK_STR(order(be, 4), "2323");
	CHECK(be->lb->pick(be, NULL, be->srv[1]) != be->srv[1]);
	atomic_store(&be->srv[0]->shm->inflight, 0);
	be = try_world(B S(1, ""));
	CHECK(be->lb->pick(be, NULL, be->srv[0]) == be->srv[0]);
}

TEST(two_processes_take_turns_together)
{
	struct be *be = try_world(B S(1, "weight 2") S(2, "") S(3, ""));
	_Atomic uint32_t *got = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	for (int i = 0; i < 20000; i++)
		atomic_fetch_add(&got[be->lb->pick(be, NULL, NULL)->no], 1);
	if (pid == 0)
		_exit(0);
	CHECK(try_exit_ok(pid));
	CHECK_EQ(got[0], 20000);
	CHECK_EQ(got[1], 10000);
	CHECK_EQ(got[2], 10000);
	munmap(got, 4096);
}

TEST(the_turn_goes_on_in_the_next_generation)
{
	struct be *be = try_world(B S(1, "") S(2, "") S(3, ""));

	CHECK_STR(order(be, 4), "1231");
	be = try_setup(B S(1, "") S(2, "") S(3, ""));
	CHECK_STR(order(be, 4), "2312");
}

TEST(what_is_not_there_is_refused_by_name)
{
	CHECK(!try_parse(B " balance sticky\n"));
	CHECK_STR(try_error, "2:10 'balance sticky' is not supported yet");
	CHECK(!try_parse(B " balance roundrobim\n"));
	CHECK_STR(try_error,
	    "2:10 unknown algorithm 'roundrobim' after 'balance'");
	CHECK(!try_parse(B " balance\n"));
	CHECK(strstr(try_error, "an algorithm") != NULL);
	CHECK(try_parse("defaults\n balance leastconn\n" B));
	CHECK_STR(lb_of(px_model->all)->name, "leastconn");
}
