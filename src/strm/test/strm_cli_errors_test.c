/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a malformed message, as "show errors" lists them: harmless to a
 * terminal, a line per line, long ones in pieces.
 */
#include <base/test.h>

#include "../strm_cli_errors.c"

static const char *
listed(struct span bytes)
{
	static struct text out;

	text_clear(&out);
	text_addz(&out, "");
	put_bytes(&out, bytes);
	return (out.p);
}

TEST(lines_begin_with_their_place)
{
	CHECK_STR(listed(SPAN("")), "");
	CHECK_STR(listed(SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
	    "  00000  GET / HTTP/1.1\\r\\n\n"
	    "  00016  Host: a\\r\\n\n"
	    "  00025  \\r\\n\n");
}

TEST(bytes_are_made_harmless)
{
	CHECK_STR(listed(SPAN("\t\033\\\0\x7f\xff~ ")),
	    "  00000  \\t\\e\\\\\\x00\\x7F\\xFF~ \n");
}

TEST(long_lines_go_on)
{
	char z[150];

	memset(z, 'a', sizeof z);
	z[149] = '\n';
	CHECK_STR(listed(span_of(z, sizeof z)),
	    "  00000  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
	    "  00070+ aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
	    "  00140+ aaaaaaaaa\\n\n");
}

TEST(no_line_is_wider_than_a_terminal)
{
	char z[400];
	const char *p, *nl;

	memset(z, 0xff, sizeof z);
	for (p = listed(span_of(z, sizeof z)); *p != '\0'; p = nl + 1) {
		nl = strchr(p, '\n');
		CHECK(nl != NULL && nl - p <= 79 + 3);
	}
}
