/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What set-nice does: how many reads in a row a stream gets.
 */
#include <base/test.h>

#include "../strm_int.h"

TEST(nice_moves_the_share_and_never_takes_it_all)
{
	static const struct { int32_t nice; int rounds; } rows[] = {
		{ 0, 16 }, { 1024, 1 }, { 512, 9 }, { 1, 16 }, { -1, 16 },
		{ -512, 40 }, { -1024, 64 }, { INT32_MAX, 1 },
		{ INT32_MIN, 64 },
	};
	struct strm s = { 0 };

	for (size_t i = 0; i < NELEM(rows); i++) {
		s.txn.nice = rows[i].nice;
		if (!CHECK_EQ(strm_rounds(&s, 16), rows[i].rounds))
			printf("row %zu\n", i);
	}
}
