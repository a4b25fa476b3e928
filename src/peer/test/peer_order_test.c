/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../peer_order.c"

TEST(what_changed_last_is_last)
{
	struct peer_order o = { .n = 0 };
	uint32_t a = 0, b = 0, *cursors[] = { &a, &b };

	peer_order_touch(&o, 5, cursors, 2);
	CHECK_EQ(a, 5);
	peer_order_touch(&o, 3000, cursors, 2);
	peer_order_touch(&o, 7, cursors, 2);
	CHECK_EQ(a, 5);
	b = 0;                                  /* has sent all */
	peer_order_touch(&o, 5, cursors, 2);
	CHECK_EQ(a, 3000);                      /* 5 comes later now */
	CHECK_EQ(b, 5);
	CHECK_EQ(o.oldest, 3000);
	CHECK_EQ(o.newest, 5);
	CHECK_EQ(o.v[5].id, 4);
	CHECK_EQ(o.v[7].newer, 5);
	free(o.v);
}

TEST(the_only_entry_may_change_again)
{
	struct peer_order o = { .n = 0 };
	uint32_t a = 0, *cursors[] = { &a };

	for (uint32_t i = 1; i < 4; i++) {
		peer_order_touch(&o, 9, cursors, 1);
		CHECK_EQ(a, 9);
		CHECK_EQ(o.oldest, 9);
		CHECK_EQ(o.newest, 9);
		CHECK_EQ(o.v[9].id, i);
	}
	free(o.v);
}

TEST(what_came_after_a_change_is_found)
{
	struct peer_order o = { .n = 0 };

	CHECK_EQ(peer_order_after(&o, 0), 0);
	for (uint32_t i = 1; i <= 10; i++)
		peer_order_touch(&o, i * 2, NULL, 0);
	CHECK_EQ(peer_order_after(&o, 0), 2);
	CHECK_EQ(peer_order_after(&o, 4), 10);
	CHECK_EQ(peer_order_after(&o, 10), 0);
	/* ids begin again behind the last one */
	o.last_id = UINT32_MAX - 1;
	for (uint32_t i = 1; i <= 10; i++)
		peer_order_touch(&o, i * 2, NULL, 0);
	CHECK_EQ(o.last_id, 9);
	CHECK_EQ(peer_order_after(&o, UINT32_MAX), 4);
	CHECK_EQ(peer_order_after(&o, 3), 10);
	free(o.v);
}
