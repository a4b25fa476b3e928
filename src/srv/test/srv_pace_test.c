/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who comes too early waits, as long as the window is full.
 */
#include <base/test.h>

#include "../srv_pace.c"

static struct loop loop;

TEST(a_full_window_makes_wait)
{
	struct srv_rate r = { 0 };

	the_loop = &loop;
	loop.wall_us = 5000000;
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(wait_for(&r, 10), 0);
		srv_rate_add(&r, loop.wall_us);
	}
	CHECK_EQ(wait_for(&r, 10), 100);
	CHECK_EQ(wait_for(&r, 0), 0);           /* no limit */
	CHECK_EQ(wait_for(&r, 11), 0);
	loop.wall_us = 5900000;
	CHECK_EQ(wait_for(&r, 10), 100);
	/* Of the last second's ten, nine are in the window, then eight. */
	loop.wall_us = 6110000;
	CHECK_EQ(wait_for(&r, 10), 0);
	srv_rate_add(&r, loop.wall_us);
	srv_rate_add(&r, loop.wall_us);
	CHECK_EQ(wait_for(&r, 10), 100);
	loop.wall_us = 9000000;
	CHECK_EQ(wait_for(&r, 10), 0);
}

TEST(waits_are_short_and_never_zero)
{
	struct srv_rate r = { .sec = 7, .cur = 100000 };

	the_loop = &loop;
	loop.wall_us = 7000000;
	CHECK_EQ(wait_for(&r, 1), 100);
	CHECK_EQ(wait_for(&r, 50), 20);
	CHECK_EQ(wait_for(&r, 5000), 1);
}
