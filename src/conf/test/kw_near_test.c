/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kw_near_test - the nearest known word, and when none is near enough.
 */
#include "../kw_near.c"

#include <base/test.h>

TEST(distances)
{
	CHECK_EQ(distance(SPAN(""), SPAN("abc")), 3);
	CHECK_EQ(distance(SPAN("abc"), SPAN("abc")), 0);
	CHECK_EQ(distance(SPAN("wieght"), SPAN("weight")), 1);
	CHECK_EQ(distance(SPAN("maxcon"), SPAN("maxconn")), 1);
	CHECK_EQ(distance(SPAN("kitten"), SPAN("sitting")), 3);
}

TEST(nearest)
{
	static const char *const names[] = { "mode", "maxconn", "bind",
		"backlog", "default_backend" };
	static const struct { const char *word, *best; } rows[] = {
		{ "mod", "mode" }, { "maxcon", "maxconn" },
		{ "bnid", "bind" }, { "back_log", "backlog" },
		{ "default-backend", "default_backend" },
		{ "zzqqxx", NULL }, { "", NULL }, { "m", NULL },
	};

	for (size_t i = 0; i < NELEM(rows); i++)
		CHECK_STR(kw_nearest(span_str(rows[i].word), names,
		    NELEM(names)), rows[i].best);
}

TEST(long_words_are_left_alone)
{
	static const char *const names[] = { "mode" };
	char word[200];

	memset(word, 'm', sizeof word);
	CHECK_STR(kw_nearest(span_of(word, sizeof word), names, 1), NULL);
}
