/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which commands are proposed for a line that names none.
 */
#include <base/test.h>

#include "../cli_help.c"

TEST(edits_are_counted)
{
	static const struct { const char *a, *b; unsigned n; } t[] = {
		{ "", "", 0 }, { "a", "", 1 }, { "", "abc", 3 },
		{ "show", "show", 0 }, { "shwo", "show", 1 },
		{ "stats", "stat", 1 }, { "sat", "stat", 1 },
		{ "sbow", "show", 1 }, { "canal", "clear", 3 },
	};

	for (size_t i = 0; i < NELEM(t); i++) {
		CHECK_EQ(edits(span_str(t[i].a), span_str(t[i].b)), t[i].n);
		CHECK_EQ(edits(span_str(t[i].b), span_str(t[i].a)), t[i].n);
	}
}

TEST(long_words_are_far)
{
	char z[200];

	memset(z, 'a', sizeof z);
	CHECK_EQ(edits(span_of(z, sizeof z), SPAN("show")), WORD_MAX);
}

static struct cli_ctx
line(const char *a, const char *b)
{
	struct cli_ctx x = { .n = b == NULL ? 1 : 2 };

	x.arg[0] = span_str(a);
	if (b != NULL)
		x.arg[1] = span_str(b);
	return (x);
}

TEST(the_right_one_is_nearest)
{
	static const struct { const char *a, *b, *near, *far; } t[] = {
		{ "shwo", "info", "show info", "set weight" },
		{ "show", "stats", "show stat", "show errors" },
		{ "clear", "canal", "clear counters", "show info" },
		{ "set", NULL, "set server", "show info" },
		{ "get", "weigth", "get weight", "set weight" },
	};

	for (size_t i = 0; i < NELEM(t); i++) {
		struct cli_ctx x = line(t[i].a, t[i].b);

		CHECK(distance(&x, t[i].near) < distance(&x, t[i].far));
	}
}

TEST(unlike_everything_proposes_nothing)
{
	struct cli_ctx x = line("canal", NULL);

	CHECK(distance(&x, "show info") >= 100);
}
