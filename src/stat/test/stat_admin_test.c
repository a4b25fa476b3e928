/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms as browsers write them, and the words of results.
 */
#include <base/test.h>

#include "../stat_admin.c"

TEST(fields_are_decoded)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "s1", "s1" }, { "%233", "#3" }, { "a+b", "a b" },
		{ "%7", "%7" }, { "%", "%" }, { "%zz1", "%zz1" },
		{ "%41%4a%4A", "AJJ" }, { "", "" }, { "%2", "%2" },
		{ "x%", "x%" }, { "%+1", "% 1" },
	};
	char room[32];

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct span s = form_text(span_str(rows[i].in), room);

		if (!CHECK(span_is(s, rows[i].out)))
			fprintf(stderr, "row %zu\n", i);
	}
	CHECK_EQ(form_text(SPAN("a%00b"), room).n, 3);
}

TEST(fields_are_taken_apart)
{
	struct span rest = SPAN("a=1&b&=x&c=%3d=&&"), name, value;
	static const char *const want[][2] = { { "a", "1" }, { "b", "" },
		{ "", "x" }, { "c", "==" }, { "", "" } };
	char room[32];

	for (size_t i = 0; i < NELEM(want); i++) {
		CHECK(next_field(&rest, room, &name, &value));
		CHECK(span_is(name, want[i][0]));
		CHECK(span_is(value, want[i][1]));
	}
}

TEST(words_of_results)
{
	CHECK_EQ(stat_result_of(SPAN("DONE")), STAT_DONE);
	CHECK_EQ(stat_result_of(SPAN("DENY")), STAT_DENIED);
	CHECK_EQ(stat_result_of(SPAN("<b>")), -1);
	CHECK_EQ(find_order(SPAN("shutdown")), KILL);
	CHECK_EQ(find_order(SPAN("")), -1);
	for (int i = 0; i < N_ORDERS; i++)
		CHECK_EQ(find_order(span_str(stat_orders[i].word)), i);
}
