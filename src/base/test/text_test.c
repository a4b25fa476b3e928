/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_test - growing strings and their escapes.
 */
#include <base/test.h>

#include "../text.c"

TEST(it_grows_and_stays_terminated)
{
	struct text t;

	text_init(&t);
	for (int i = 0; i < 5000; i++) {
		text_addc(&t, (char)('a' + i % 26));
		if (strlen(t.p) != (size_t)i + 1)
			CHECK(!"a NUL stands behind the last byte");
	}
	CHECK_EQ(t.n, 5000);
	text_eat(&t, 4998);
	CHECK_STR(t.p, "gh");
	text_eat(&t, 2);
	CHECK_STR(t.p, "");
	text_eat(&t, 0);
	text_addz(&t, "again");
	text_add(&t, SPAN_NONE);
	CHECK_SPAN(text_span(&t), "again");
	text_clear(&t);
	CHECK_STR(t.p, "");
	text_fini(&t);
	CHECK(t.p == NULL);
	text_clear(&t);
	text_eat(&t, 0);
	text_add(&t, SPAN_NONE);
	CHECK_STR(t.p, "");
	text_fini(&t);
}

TEST(printing_at_every_fill_level)
{
	for (size_t fill = 240; fill < 270; fill++) {
		struct text t;

		text_init(&t);
		for (size_t i = 0; i < fill; i++)
			text_addc(&t, '.');
		text_printf(&t, "%d-%s", 123456, "tail");
		CHECK_EQ(t.n, fill + 11);
		CHECK_STR(t.p + fill, "123456-tail");
		text_printf(&t, "%2000d", 7);
		CHECK_EQ(t.n, fill + 2011);
		CHECK_EQ(t.p[t.n - 1], '7');
		text_fini(&t);
	}
}

TEST(quoting)
{
	struct text t;

	text_init(&t);
	text_quote(&t, SPAN("a \"b\" \\ \n\x7f\xc3\xa9 '~"));
	CHECK_STR(t.p, "a \\x22b\\x22 \\x5c \\x0a\\x7f\\xc3\\xa9 '~");
	text_fini(&t);
}

TEST(json)
{
	static const struct {
		struct span in;
		const char *want;
	} rows[] = {
		{ { "", 0 }, "\"\"" },
		{ { NULL, 0 }, "\"\"" },
		{ { "a\"b\\c/", 6 }, "\"a\\\"b\\\\c/\"" },
		{ { "\n\r\t\0\x1f\x7f", 6 },
		    "\"\\n\\r\\t\\u0000\\u001f\\u007f\"" },
		{ { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9 },
		    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ { "\xff" "a", 2 }, "\"\\ufffda\"" },
		{ { "\xc3", 1 }, "\"\\ufffd\"" },
		{ { "\xc0\x80", 2 }, "\"\\ufffd\\ufffd\"" },
		{ { "\xed\xa0\x80", 3 }, "\"\\ufffd\\ufffd\\ufffd\"" },
		{ { "\xe0\x80\x80", 3 }, "\"\\ufffd\\ufffd\\ufffd\"" },
		{ { "\xf4\x90\x80\x80", 4 },
		    "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct text t;

		text_init(&t);
		text_json(&t, rows[i].in);
		CHECK_STR(t.p, rows[i].want);
		text_fini(&t);
	}
}
