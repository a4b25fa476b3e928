/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../stk_sync.c"
#include "stk_try.h"

TEST_MAY_LEAK          /* worlds of earlier tests are left lying */

static struct stk_image im;

static void
begin(const char *key, size_t n)
{
	im = (struct stk_image){ .key = span_of(key, n) };
}

static struct stk_cell *
cell(enum stk_data d, unsigned i, uint64_t v)
{
	struct stk_cell *c = &im.cell[im.n++];

	*c = (struct stk_cell){ .data = (uint8_t)d, .i = (uint8_t)i, .v = v };
	return (c);
}

/* What element `i` of `d` is in entry `no`, as it went out. */
static const struct stk_cell *
out(const struct stk_table *t, uint32_t no, enum stk_data d, unsigned i)
{
	static const struct stk_cell none = { .v = UINT64_MAX };

	if (!stk_image_get(t, no, &im))
		return (&none);
	for (uint32_t k = 0; k < im.n; k++)
		if (im.cell[k].data == d && im.cell[k].i == i)
			return (&im.cell[k]);
	return (&none);
}

TEST(what_goes_in_comes_out)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "len 8 size 100 expire 1m store server_id,server_key,gpc(3),"
	    "gpc_rate(2,10s),bytes_in_cnt,conn_cur\n");
	struct stk_cell *c;

	begin("longer than eight", 17);
	cell(STK_SERVER_ID, 0, 3);
	cell(STK_SERVER_KEY, 0, 0)->name = SPAN("web1");
	cell(STK_GPC, 2, 77);
	cell(STK_BYTES_IN_CNT, 0, 99999999999);
	cell(STK_CONN_CUR, 0, 5);
	cell(STK_GPT0, 0, 5);                   /* not stored */
	cell(STK_GPC, 99, 5);
	c = cell(STK_GPC_RATE, 1, 40);
	c->age = 4000;
	c->prev = 100;
	CHECK(stk_image_put(t, &im));
	CHECK_EQ(t->shm->used, 1);
	CHECK_EQ(out(t, 1, STK_SERVER_ID, 0)->v, 3);
	CHECK_SPAN(im.key, "longer t");
	CHECK(im.has_left);
	CHECK_EQ(im.left_ms, 60000);
	CHECK_SPAN(out(t, 1, STK_SERVER_KEY, 0)->name, "web1");
	CHECK_EQ(out(t, 1, STK_GPC, 2)->v, 77);
	CHECK_EQ(out(t, 1, STK_BYTES_IN_CNT, 0)->v, 99999999999);
	CHECK_EQ(out(t, 1, STK_CONN_CUR, 0)->v, 0);     /* our own business */
	CHECK_EQ(out(t, 1, STK_GPC_RATE, 1)->v, 40);
	CHECK_EQ(out(t, 1, STK_GPC_RATE, 1)->age, 4000);
	CHECK_EQ(out(t, 1, STK_GPC_RATE, 1)->prev, 100);
	/* 40 of this period, 60 % of the one before */
	CHECK_EQ(stk_value_get(t, stk_entry_at(t->shm, 1), STK_GPC_RATE, 1,
	    stk_now()), 100);
	try_loop.now_ms += 60000;
	CHECK(!stk_image_get(t, 1, &im));
	CHECK(!stk_image_get(t, 2, &im));
	CHECK(!stk_image_get(t, 0, &im));
}

TEST(an_entry_lives_as_long_as_it_is_said_to)
{
	struct stk_table *t = try_world("backend t\n stick-table type integer "
	    "size 100 expire 1m\n");
	static const struct {
		uint32_t left, lives;
	} rows[] = { { 5000, 5000 }, { 70000, 60000 },
		{ 59999, 59999 }, { 0, 0 } };

	for (uint32_t i = 0; i < NELEM(rows); i++) {
		begin((const char *)&i, 4);
		im.has_left = true;
		im.left_ms = rows[i].left;
		CHECK(stk_image_put(t, &im));
		CHECK_EQ(stk_image_get(t, i + 1, &im), rows[i].lives != 0);
		if (rows[i].lives != 0)
			CHECK_EQ(im.left_ms, rows[i].lives);
	}
}

/* The list by age stays in order, so that old ones go in time. */
TEST(entries_that_come_in_no_order_expire_in_time)
{
	struct stk_table *t = try_world("backend t\n stick-table type integer "
	    "size 1000 expire 1m\n");
	uint32_t n = 0;

	for (uint32_t i = 0; i < 500; i++) {
		uint32_t key = i;

		begin((const char *)&key, 4);
		im.has_left = true;
		im.left_ms = 100 + i * 7919 % 50000;
		CHECK(stk_image_put(t, &im));
	}
	for (int s = 0; s < 51; s++) {
		try_loop.now_ms += 1000;
		n += stk_sweep(t, 1000);
	}
	CHECK_EQ(n, 500);
	CHECK_EQ(t->shm->used, 0);
}

TEST(keys_of_another_length_are_refused)
{
	struct stk_table *t = try_world("backend t\n stick-table type binary "
	    "len 4 size 2 nopurge\n");

	begin("abc", 3);
	CHECK(!stk_image_put(t, &im));
	begin("abcd", 4);
	CHECK(stk_image_put(t, &im));
	begin("abce", 4);
	CHECK(stk_image_put(t, &im));
	begin("abcf", 4);
	CHECK(!stk_image_put(t, &im));          /* full */
}

TEST(a_table_that_only_receives_learns_connections_too)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 2 store conn_cur recv-only\n");

	begin("k", 1);
	cell(STK_CONN_CUR, 0, 5);
	CHECK(stk_image_put(t, &im));
	CHECK_EQ(out(t, 1, STK_CONN_CUR, 0)->v, 5);
}

TEST(what_is_not_summed_up_is_written_on)
{
	struct stk_table *to = try_world("backend a\n stick-table type string "
	    "size 9 expire 1m store server_id,gpt0,gpc0\n"
	    "backend b\n stick-table type string size 9 expire 1m store "
	    "server_id,gpt0,gpc0 write-to a\n"), *from = to;

	CHECK(to != NULL);
	to = stk_table_find(SPAN("a"));
	from = stk_table_find(SPAN("b"));
	begin("k", 1);
	cell(STK_SERVER_ID, 0, 5);
	cell(STK_GPT0, 0, 6);
	cell(STK_GPC0, 0, 7);
	CHECK(stk_image_put(from, &im));
	CHECK_EQ(out(from, 1, STK_GPC0, 0)->v, 7);
	CHECK_EQ(out(to, 1, STK_SERVER_ID, 0)->v, 5);
	CHECK_EQ(out(to, 1, STK_GPT0, 0)->v, 6);
	CHECK_EQ(out(to, 1, STK_GPC0, 0)->v, 0);
}
