/* SPDX-License-Identifier: Apache-2.0 */
/* Every name, method and status we know is found, and nothing else is. */
#include <base/test.h>
#include <http/class.h>

#include "../http_name.c"

TEST(every_name_finds_itself_in_any_case)
{
	char upper[32];

	for (unsigned id = 1; id < HTTP_NAME_N; id++) {
		struct span s = http_name_text((enum http_name)id);

		CHECK_EQ(http_name_id(s), id);
		for (size_t i = 0; i < s.n; i++)
			upper[i] = (char)(s.p[i] >= 'a' && s.p[i] <= 'z' ?
			    s.p[i] - 32 : s.p[i]);
		CHECK_EQ(http_name_id(span_of(upper, s.n)), id);
	}
}

TEST(one_other_byte_is_another_name)
{
	char name[32];

	for (unsigned id = 1; id < HTTP_NAME_N; id++) {
		struct span s = http_name_text((enum http_name)id);

		for (size_t i = 0; i < s.n; i++)
			for (int c = 0; c < 256; c++) {
				memcpy(name, s.p, s.n);
				name[i] = (char)c;
				if (span_lower((char)c) == s.p[i])
					continue;
				if (http_name_id(span_of(name, s.n)) == id)
					CHECK_SPAN(s, "not this one");
			}
	}
	CHECK_EQ(http_name_id(SPAN("")), HTTP_OTHER);
	CHECK_EQ(http_name_id(SPAN("x")), HTTP_OTHER);
	CHECK_EQ(http_name_id(SPAN("x-a-very-long-name-of-a-field")),
	    HTTP_OTHER);
	CHECK_EQ(http_name_id(SPAN("content\rlength")), HTTP_OTHER);
}

/* Who looks for names that servers mix up passes over those with a number. */
TEST(names_with_a_number_are_plain)
{
	for (unsigned id = 1; id < HTTP_NAME_N; id++) {
		struct span s = http_name_text((enum http_name)id);

		for (size_t i = 0; i < s.n; i++)
			CHECK(http_is_class(s.p[i], HTTP_C_PLAIN));
	}
	for (int c = 0; c < 256; c++)
		CHECK_EQ(http_is_class((char)c, HTTP_C_PLAIN),
		    c == '-' || (c >= '0' && c <= '9') ||
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

TEST(methods)
{
	static const struct { const char *text; enum http_meth meth; } rows[] = {
		{ "GET", HTTP_GET }, { "HEAD", HTTP_HEAD },
		{ "POST", HTTP_POST }, { "PUT", HTTP_PUT },
		{ "DELETE", HTTP_DELETE }, { "OPTIONS", HTTP_OPTIONS },
		{ "CONNECT", HTTP_CONNECT }, { "TRACE", HTTP_TRACE },
		{ "PATCH", HTTP_PATCH }, { "get", HTTP_METH_OTHER },
		{ "PURGE", HTTP_METH_OTHER }, { "GETS", HTTP_METH_OTHER },
		{ "", HTTP_METH_OTHER }, { "PROPFIND", HTTP_METH_OTHER }
	};

	for (size_t i = 0; i < NELEM(rows); i++)
		CHECK_EQ(http_meth_id(span_str(rows[i].text)), rows[i].meth);
	CHECK_SPAN(http_meth_text(HTTP_PATCH), "PATCH");
}

TEST(reasons_are_never_empty)
{
	CHECK_SPAN(http_reason(200), "OK");
	CHECK_SPAN(http_reason(404), "Not Found");
	CHECK_SPAN(http_reason(511), "Network Authentication Required");
	CHECK_SPAN(http_reason(499), "Client Error");
	CHECK_SPAN(http_reason(999), "Other");
	CHECK_SPAN(http_reason(0), "Other");
	for (unsigned s = 0; s < 1000; s++)
		if (http_reason(s).n == 0)
			CHECK_EQ(s, 1000);
}
