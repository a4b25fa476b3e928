/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../stk_value.c"
#include "stk_try.h"

TEST_MAY_LEAK          /* worlds of earlier tests are left lying */

/*
 * The rate after events at given times, as HAProxy 2.6 reported it in the same
 * steps (period 1 s).
 */
TEST(a_rate_is_that_of_the_last_period)
{
	static const struct {
		struct { uint32_t at, n; } add[4];
		uint32_t at, want;
	} rows[] = {
		{ { { 0, 100 } }, 20, 100 },
		{ { { 0, 100 } }, 920, 100 },
		{ { { 0, 100 } }, 999, 100 },
		{ { { 0, 100 } }, 1021, 97 },
		{ { { 0, 100 } }, 1121, 87 },
		{ { { 0, 100 } }, 1521, 47 },
		{ { { 0, 100 } }, 1920, 8 },
		{ { { 0, 100 } }, 2020, 0 },
		{ { { 0, 3 } }, 1020, 2 },
		{ { { 0, 3 } }, 1420, 1 },
		{ { { 0, 3 } }, 1720, 0 },
		{ { { 0, 1 }, { 500, 10 }, { 1200, 10 } }, 1220, 18 },
		{ { { 0, 1 }, { 500, 10 }, { 1200, 10 } }, 1320, 17 },
		{ { { 0, 1 }, { 500, 10 }, { 1200, 10 } }, 1820, 11 },
		{ { { 0, 1 }, { 500, 10 }, { 1200, 10 } }, 2020, 9 },
		{ { { 0, 1 }, { 500, 10 }, { 1200, 10 } }, 2920, 0 },
		/* idle for long: the window begins anew */
		{ { { 0, 5 }, { 5300, 4 } }, 6200, 4 },
		{ { { 0, 5 }, { 5300, 4 } }, 6800, 2 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct stk_rate r = { 0 };
		uint32_t t0 = 4294967000;       /* the clock wraps within */

		r.from = t0 - 100000;
		for (size_t k = 0; k < 4 && rows[i].add[k].n != 0; k++)
			rate_add(&r, 1000, rows[i].add[k].n,
			    t0 + rows[i].add[k].at);
		if (!CHECK_EQ(rate_read(&r, 1000, t0 + rows[i].at),
		    rows[i].want))
			printf("    row %zu\n", i);
	}
}

/* Another worker's loop read the clock some milliseconds later than ours. */
TEST(a_period_that_begins_in_the_future_begins_now)
{
	struct stk_rate r = { 0 };
	uint32_t t0 = 4294967295;

	r.from = t0 - 100000;
	rate_add(&r, 1000, 5, t0 + 8);
	CHECK_EQ(rate_read(&r, 1000, t0), 5);
	rate_add(&r, 1000, 2, t0 + 1);
	CHECK_EQ(rate_read(&r, 1000, t0 + 8), 7);
	CHECK_EQ(rate_read(&r, 1000, t0 + 1508), 3);
}

TEST(events_that_did_not_happen_are_taken_back)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 9 store bytes_out_rate(1s)\n");
	struct stk_key k = try_key(t, "k");
	struct stk_entry *e = stk_get(t, &k, true);

	stk_value_add(t, e, STK_BYTES_OUT_RATE, 0, 10, 100000);
	stk_value_back(t, e, STK_BYTES_OUT_RATE, 4);
	CHECK_EQ(stk_value_get(t, e, STK_BYTES_OUT_RATE, 0, 100000), 6);
	stk_value_add(t, e, STK_BYTES_OUT_RATE, 0, 3, 101000);
	stk_value_back(t, e, STK_BYTES_OUT_RATE, 5);    /* 2 of them older */
	CHECK_EQ(stk_value_get(t, e, STK_BYTES_OUT_RATE, 0, 101000), 4);
	stk_value_back(t, e, STK_BYTES_OUT_RATE, 50);
	CHECK_EQ(stk_value_get(t, e, STK_BYTES_OUT_RATE, 0, 101000), 0);
	stk_value_back(t, e, STK_BYTES_IN_RATE, 1);     /* not stored */
	stk_put(t, e);
}

TEST(values_of_every_form_are_kept_apart)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 9 store bytes_in_cnt,gpc(3),conn_rate(10s),gpt(2),"
	    "gpc_rate(2,10s),conn_cnt,server_key\n");
	struct stk_key k = try_key(t, "k");
	struct stk_entry *e = stk_get(t, &k, true);
	static const struct { uint8_t d, i; uint64_t v; } rows[] = {
		{ STK_BYTES_IN_CNT, 0, UINT64_C(1) << 40 },
		{ STK_GPC, 0, 1 }, { STK_GPC, 1, 2 }, { STK_GPC, 2, 3 },
		{ STK_CONN_RATE, 0, 4 }, { STK_GPT, 0, 5 }, { STK_GPT, 1, 6 },
		{ STK_GPC_RATE, 0, 7 }, { STK_GPC_RATE, 1, 8 },
		{ STK_CONN_CNT, 0, 9 },
	};

	for (size_t i = 0; i < NELEM(rows); i++)
		stk_value_set(t, e, rows[i].d, rows[i].i, rows[i].v, 1000);
	for (size_t i = 0; i < NELEM(rows); i++)
		CHECK_EQ(stk_value_get(t, e, rows[i].d, rows[i].i, 1000),
		    rows[i].v);
	stk_value_add(t, e, STK_BYTES_IN_CNT, 0, 5, 1000);
	CHECK_EQ(stk_value_get(t, e, STK_BYTES_IN_CNT, 0, 1000),
	    (UINT64_C(1) << 40) + 5);
	/* not stored, or behind the last */
	stk_value_add(t, e, STK_SESS_CNT, 0, 5, 1000);
	stk_value_add(t, e, STK_GPC, 3, 5, 1000);
	CHECK_EQ(stk_value_get(t, e, STK_GPC, 3, 1000), 0);
	CHECK_MEM(stk_entry_key(t->shm, e), 2, "k", 2);
	stk_put(t, e);
}

TEST(names_of_servers_have_numbers)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 9 store server_key\n");
	uint32_t a = stk_name_no(t->shm, SPAN("a")), b;

	b = stk_name_no(t->shm, SPAN("b"));
	CHECK(a != 0 && b != 0 && a != b);
	CHECK_EQ(stk_name_no(t->shm, SPAN("a")), a);
	CHECK_STR(stk_name(t->shm, b), "b");
	CHECK(stk_name(t->shm, 0) == NULL);
	CHECK(stk_name(t->shm, b + 1) == NULL);
	CHECK_EQ(stk_name_no(t->shm, SPAN("")), 0);
}
