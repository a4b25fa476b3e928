/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf_test - bytes in, bytes out, and what moves when.
 */
#include <base/test.h>

#include "../buf.c"

static void
set_up(size_t bytes)
{
	buf_pool = (struct pool)POOL_INIT("buffer", DEFAULT_BYTES);
	pool_all = NULL;
	buf_setup(bytes);
}

TEST(an_empty_buffer_holds_nothing)
{
	struct buf b = { NULL, 0, 0 };

	set_up(64);
	CHECK_EQ(buf_room(&b), 0);
	CHECK(buf_add(&b, SPAN("")));
	CHECK(b.data == NULL);
	CHECK(buf_hold(&b));
	CHECK_EQ(buf_room(&b), 64);
	buf_drop_empty(&b);
	CHECK(b.data == NULL);
	CHECK_EQ(buf_pool.n_used, 0);
	buf_drop(&b);
	CHECK(b.data == NULL);
}

TEST(eating_everything_rewinds)
{
	struct buf b = { NULL, 0, 0 };

	set_up(64);
	CHECK(buf_add(&b, SPAN("hello world")));
	buf_eat(&b, 6);
	CHECK_SPAN(buf_peek(&b), "world");
	CHECK_EQ(b.off, 6);
	buf_drop_empty(&b);
	CHECK(b.data != NULL);
	buf_eat(&b, 5);
	CHECK_EQ(b.off, 0);
	CHECK_EQ(buf_room(&b), 64);
	buf_drop(&b);
}

TEST(adding_moves_only_when_it_must)
{
	struct buf b = { NULL, 0, 0 };

	set_up(16);
	CHECK(buf_add(&b, SPAN("0123456789")));
	buf_eat(&b, 4);
	CHECK(buf_add(&b, SPAN("abcdef")));
	CHECK_EQ(b.off, 4);
	CHECK_EQ(buf_room(&b), 0);
	CHECK(buf_add(&b, SPAN("wxyz")));
	CHECK_EQ(b.off, 0);
	CHECK_SPAN(buf_peek(&b), "456789abcdefwxyz");
	CHECK(!buf_add(&b, SPAN("!")));
	CHECK_SPAN(buf_peek(&b), "456789abcdefwxyz");
	buf_eat(&b, 15);
	buf_align(&b);
	CHECK_SPAN(buf_peek(&b), "z");
	CHECK_EQ(b.off, 0);
	CHECK_EQ(buf_tail(&b) - b.data, 1);
	buf_drop(&b);
}

TEST(more_than_a_buffer_is_refused_whole)
{
	struct buf b = { NULL, 0, 0 };

	set_up(16);
	CHECK(!buf_add(&b, SPAN("0123456789abcdefg")));
	CHECK_EQ(b.len, 0);
	buf_drop(&b);
	CHECK_EQ(buf_pool.n_used, 0);
}

TEST(without_memory_it_says_so)
{
	struct buf a = { NULL, 0, 0 }, b = { NULL, 0, 0 };

	set_up(16);
	buf_pool.limit = 1;
	CHECK(buf_hold(&a));
	CHECK(!buf_hold(&b));
	CHECK(!buf_add(&b, SPAN("x")));
	buf_drop(&a);
	CHECK(buf_hold(&b));
	buf_drop(&b);
}
