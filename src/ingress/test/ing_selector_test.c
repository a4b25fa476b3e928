/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../ing_selector.c"

static const struct ing_pair pairs[] = {
	{ "a.example.com/team", { "web", 3 } },
	{ "empty", { "", 0 } },
	{ "tier", { "front", 5 } },
};
static const struct ing_vec labels = { (void *)(uintptr_t)pairs, 3 };

TEST(labels_fit_or_not)
{
	static const struct { const char *text; bool fits; } rows[] = {
		{ "tier=front", true }, { "tier==front", true },
		{ "tier=back", false }, { "tier!=back", true },
		{ "tier!=front", false }, { "none!=x", true },
		{ "none=x", false }, { "tier", true }, { "none", false },
		{ "!none", true }, { "!tier", false }, { "! none ", true },
		{ "tier in (back,front)", true },
		{ "tier in ( back )", false }, { "none in (x)", false },
		{ "tier notin (back, front)", false },
		{ "tier notin (back)", true }, { "none notin (x)", true },
		{ "empty=", true }, { "tier=", false }, { "empty in ()", true },
		{ "a.example.com/team = web , tier = front,!x", true },
		{ "a.example.com/team=web,tier=back", false },
		{ "tier in (front),empty", true },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct ing_selector *s;
		struct arena mem;
		char *why = NULL;

		arena_init(&mem, 0);
		s = ing_selector_parse(&mem, span_str(rows[i].text), &why);
		CHECK_STR(why, NULL);
		if (s != NULL && !CHECK_EQ(ing_selector_has(s, &labels),
		    rows[i].fits))
			printf("    of '%s'\n", rows[i].text);
		free(why);
		arena_reset(&mem);
	}
}

TEST(what_is_no_selector_is_refused_with_its_place)
{
	static const struct { const char *text, *why; } rows[] = {
		{ "", "column 1: expected the key of a label, found the end" },
		{ "a,", "column 3: expected the key of a label, found the end" },
		{ "=b", "column 1: expected the key of a label, found '=b'" },
		{ "!a=b", "column 3: expected ',' or the end, found '=b'" },
		{ "a b", "column 3: expected '=', '!=', 'in', 'notin', ',' or "
		    "the end, found 'b'" },
		{ "a>1", "column 2: expected '=', '!=', 'in', 'notin', ',' or "
		    "the end, found '>1'" },
		{ "a in b", "column 6: expected '(' and values, found 'b'" },
		{ "a in (b", "column 8: expected ',' or ')', found the end" },
		{ "a=b c", "column 5: expected ',' or the end, found 'c'" },
		{ "a=\"b\"", "column 3: expected ',' or the end, found "
		    "'\\x22b\\x22'" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct arena mem;
		char *why = NULL;

		arena_init(&mem, 0);
		CHECK(ing_selector_parse(&mem, span_str(rows[i].text), &why) ==
		    NULL);
		CHECK_STR(why, rows[i].why);
		free(why);
		arena_reset(&mem);
	}
}
