/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of static turns, and who is skipped in them.
 */
#include <base/test.h>

#include "../lb_map.c"

#include <base/must.h>

#include "../../srv/test/srv_try.h"

static const char *
order(struct be *be, int n)
{
	static char s[64];

	for (int i = 0; i < n; i++) {
		struct srv *srv = be->lb->pick(be, NULL, NULL);

		s[i] = srv == NULL ? '-' : (char)('0' + srv->no);
	}
	s[n] = '\0';
	return (s);
}

/* As seen at HAProxy 2.6. */
static const struct {
	uint32_t w[5];
	const char *order;
} seen[] = {
	{ { 1, 1, 1 }, "012" },
	{ { 1, 2, 3 }, "021212" },
	{ { 2, 1, 1 }, "0012" },
	{ { 7, 3 }, "0001001001" },
	{ { 1, 1, 1, 1, 4 }, "04142434" },
	{ { 3, 2, 1 }, "001012" },
	{ { 11, 11, 1, 1, 2 }, "01010120101041010101301014" },
	{ { 3, 5, 2, 7 }, "01313013231031323" },
};

TEST(the_order_is_that_of_the_reference)
{
	for (size_t i = 0; i < NELEM(seen); i++) {
		uint32_t turn[64], sum = (uint32_t)strlen(seen[i].order);
		char text[65] = "";

		CHECK(lb_map_layout(seen[i].w, 5, sum, turn));
		for (uint32_t t = 0; t < sum; t++)
			text[t] = (char)('0' + turn[t]);
		CHECK_STR(text, seen[i].order);
	}
}

/* The rule itself, a look at all servers for each turn. */
static void
plain_layout(const uint32_t *w, uint32_t n, uint32_t sum, uint32_t *turn)
{
	int64_t has[8] = { 0 };

	for (uint32_t t = 0; t < sum; t++) {
		uint32_t best = n;
		int64_t most = 0, sums;

		for (uint32_t i = 0; i < n; i++) {
			if (w[i] == 0)
				continue;
			has[i] += w[i];
			sums = (has[i] + 1000 * (int64_t)sum) / sum - 1000;
			if (best == n || sums > most) {
				best = i;
				most = sums;
			}
		}
		turn[t] = best;
		has[best] -= sum;
	}
}

TEST(the_calendar_gives_what_the_rule_says)
{
	static uint32_t a[8 * 256], b[8 * 256];
	uint32_t w[8], seed = 1, sum;

	for (int round = 0; round < 500; round++) {
		sum = 0;
		for (int i = 0; i < 8; i++) {
			seed = seed * 1103515245 + 12345;
			w[i] = (seed >> 16) % (i % 2 ? 257 : 5);
			sum += w[i];
		}
		plain_layout(w, 8, sum, a);
		CHECK(lb_map_layout(w, 8, sum, b));
		CHECK_MEM(a, sum * sizeof *a, b, sum * sizeof *b);
	}
}

#define S(n, words) " server s" #n " 127.0.0.1:1 " words "\n"
#define B "backend b\n balance static-rr\n"

TEST(turns_go_on_where_they_were)
{
	struct be *be = try_world(B S(0, "weight 3") S(1, "weight 5")
	    S(2, "weight 2") S(3, "weight 7"));

	CHECK_STR(order(be, 5), "01313");
	atomic_store(&be->srv[1]->shm->admin, SRV_FMAINT);
	be_refresh(be);
	CHECK_STR(order(be, 8), "33032330");
	/* a weight of 100% or less does not matter, 0 does */
	atomic_store(&be->srv[1]->shm->admin, 0);
	atomic_store(&be->srv[1]->shm->uweight, 0);
	be_refresh(be);
	for (int i = 0; i < 12; i++)
		CHECK(be->lb->pick(be, NULL, NULL) != be->srv[1]);
}

TEST(a_full_server_is_skipped)
{
	struct be *be = try_world(B S(0, "maxconn 1") S(1, "") S(2, ""));

	atomic_store(&be->srv[0]->shm->inflight, 1);
	CHECK_STR(order(be, 4), "1212");
	CHECK(be->lb->pick(be, NULL, be->srv[1]) != be->srv[1]);
	be = try_world(B S(0, "disabled"));
	CHECK_STR(order(be, 2), "--");
}
