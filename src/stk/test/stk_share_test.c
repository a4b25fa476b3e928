/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared rates: nobody gets more than the limit leaves, and what is given
 * back another may take.
 */
#include <base/test.h>

#include "../stk_share.c"

#include "stk_try.h"

static struct stk_share
share_of(struct stk_table *t, const char *key)
{
	struct stk_key k = try_key(t, key);
	struct stk_entry *e = stk_get(t, &k, true);
	struct stk_share x = { t, stk_index_of(t->shm, e), 0,
		STK_BYTES_OUT_RATE };

	x.slot = stk_ref_take(t->shm, e);
	stk_put(t, e);
	return (x);
}

TEST(a_limit_is_never_exceeded_together)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 9 store bytes_out_rate(1s)\n");
	struct stk_share a = share_of(t, "k"), b = share_of(t, "k");
	struct stk_share other = share_of(t, "o");
	static const struct {
		char who;
		int at_ms;
		uint64_t want, least, got, back;
	} rows[] = {
		{ 'a', 0, 60, 1, 60, 0 }, { 'b', 0, 60, 1, 40, 10 },
		{ 'a', 10, 60, 1, 10, 0 }, { 'b', 20, 60, 1, 0, 0 },
		{ 'o', 20, 500, 1, 100, 0 },
		/* a period later what was before fades away */
		{ 'b', 1250, 500, 1, 25, 0 }, { 'a', 1250, 500, 1, 0, 0 },
		{ 'a', 1500, 500, 30, 0, 0 }, { 'a', 1500, 500, 25, 25, 0 },
		{ 'a', 9000, 500, 1, 100, 0 },
	};
	int64_t t0 = the_loop->now_ms;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct stk_share *x = rows[i].who == 'a' ? &a :
		    rows[i].who == 'b' ? &b : &other;

		the_loop->now_ms = t0 + rows[i].at_ms;
		if (!CHECK_EQ(stk_share_take(x, 100, rows[i].want,
		    rows[i].least), rows[i].got))
			printf("    row %zu\n", i);
		if (rows[i].back != 0)
			stk_share_give(x, rows[i].back);
	}
	stk_share_end(&a);
	stk_share_end(&b);
	CHECK(a.tab == NULL);
	stk_share_end(&other);
	stk_share_end(&other);          /* harmless */
}
