/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_codes_test - lists of statuses.
 */
#include <base/test.h>

#include "../stk_codes.c"

static void
print(const struct codes *c, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	for (unsigned s = 0; s <= 640; s++)
		if (has(c, s) && n < size)
			n += (size_t)snprintf(dst + n, size - n, "%s%u",
			    n == 0 ? "" : " ", s);
}

TEST(words_set_add_and_take_out)
{
	static const struct { const char *word, *all; } rows[] = {
		{ "400-402", "400 401 402" },
		{ "+404,500", "400 401 402 404 500" },
		{ "-401-402", "400 404 500" },
		{ "-300", "400 404 500" },
		{ "100,599", "100 599" },
	};
	struct codes c = { { 0 } };
	char text[128];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CHECK(change(&c, span_str(rows[i].word)));
		print(&c, text, sizeof text);
		CHECK_STR(text, rows[i].all);
	}
}

TEST(other_words_are_refused_and_change_nothing)
{
	static const char *const bad[] = { "99", "600", "400-", "-", "+",
		"400-399", "400--401", "4xx", "400,", "400,,401", "400-401-402",
		"400 " };
	struct codes c = { { 0 } };
	char text[128];

	CHECK(change(&c, SPAN("404")));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (!CHECK(!change(&c, span_str(bad[i]))))
			printf("  '%s'\n", bad[i]);
		print(&c, text, sizeof text);
		CHECK_STR(text, "404");
	}
}

TEST(without_a_line_they_are_as_ever)
{
	CHECK(stk_is_error(400) && stk_is_error(499) && !stk_is_error(500));
	CHECK(stk_is_failure(500) && stk_is_failure(504));
	CHECK(!stk_is_failure(501) && !stk_is_failure(505));
	begin();
	CHECK(stk_is_error(400) && stk_is_error(499) && !stk_is_error(500));
	CHECK(stk_is_failure(500) && stk_is_failure(599));
	CHECK(!stk_is_failure(501) && !stk_is_failure(505));
	CHECK(!stk_is_error(999) && !stk_is_failure(0));
}
