/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../ing_place.c"

TEST(an_old_text_is_itself_or_an_expression)
{
	static const struct {
		const char *in;
		bool good, regex, any_case, anchored;
		const char *text;
	} rows[] = {
		{ "/a", true, false, false, false, "/a" },
		{ "~a", true, true, false, false, "a" },
		{ "~*^a(b|c)$", true, true, true, true, "a(b|c)$" },
		{ "~a|b", true, true, false, false, "a|b" },
		{ "~^a|b", false, false, false, false, "" },
		{ "~a^b", false, false, false, false, "" },
		{ "~[^a]\\^[|]b", true, true, false, false, "[^a]\\^[|]b" },
		{ "~^[]^|]", true, true, false, true, "[]^|]" },
		{ "~^(a\\)|b)", true, true, false, true, "(a\\)|b)" },
		{ "~", true, true, false, false, "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ing_old o;

		if (!CHECK_EQ(ing_old_read(span_str(rows[i].in), &o),
		    rows[i].good) || !rows[i].good)
			continue;
		CHECK_EQ(o.regex, rows[i].regex);
		CHECK_EQ(o.any_case, rows[i].any_case);
		CHECK_EQ(o.anchored, rows[i].anchored);
		CHECK_MEM(o.text.p, o.text.n, rows[i].text,
		    strlen(rows[i].text));
	}
}

TEST(an_expression_stays_inside_of_an_attribute)
{
	static const struct { const char *in, *out; int groups; } rows[] = {
		{ "a.*", "a[^;]*", 0 },
		{ "(.*)$", "([^;]*)(?= *(?:;|$))", 1 },
		{ "[^/]+", "[^;/]+", 0 },
		{ "[.$^]", "[.$^]", 0 },
		{ "\\S\\s\\.", "[^\\s;]\\s\\.", 0 },
		{ "(a)(?:b)(c)", "(a)(?:b)(c)", 2 },
		{ "[(]\\(", "[(]\\(", 0 },
		{ "[\\S]", NULL, -1 },
		{ "\\Qa", NULL, -1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct text t;

		text_init(&t);
		CHECK_EQ(ing_old_inside(&t, span_str(rows[i].in)),
		    rows[i].groups);
		if (rows[i].out != NULL)
			CHECK_STR(t.p, rows[i].out);
		text_fini(&t);
	}
}

TEST(a_new_text_has_groups_and_variables)
{
	struct ing_place p;
	struct arena mem;

	arena_init(&mem, 0);
	CHECK(ing_place_read(&mem, SPAN("a$1$host/${uri}b"), &p));
	CHECK_EQ(p.n, 6);
	CHECK_SPAN(p.v[0].text, "a");
	CHECK_EQ(p.v[1].group, 1);
	CHECK_STR(p.v[2].sample, "req.hdr(host),host_only");
	CHECK_SPAN(p.v[3].text, "/");
	CHECK_STR(p.v[4].sample, "path");
	CHECK_SPAN(p.v[5].text, "b");
	CHECK(!ing_place_read(&mem, SPAN("$nobody"), &p));
	CHECK(!ing_place_read(&mem, SPAN("$"), &p));
	CHECK(!ing_place_read(&mem, SPAN("${host"), &p));
	arena_reset(&mem);
}
