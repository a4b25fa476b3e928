/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of NetScaler's Client IP insertion: every example is parsed at once
 * and cut after each byte.
 */
#include <base/test.h>

#include <stdio.h>

#include "../cip.c"

#include "pair_text.h"

#define MAGIC "\x00\x00\x3c\xdf"
#define V4_(ihl, proto) ihl "\0\0\x28\0\1\0\0\x40" proto "\0\0"             \
	"\xc0\0\2\7\xc6\x33\x64\x09"
#define V4 V4_("\x45", "\6")
#define V6_(next) "\x60\0\0\0\0\x14" next "\x40"                             \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"                             \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09"
#define V6 V6_("\6")
#define TCP_(off) "\4\x57\x1f\x90\0\0\0\1\0\0\0\2" off "\x10\3\xe8\0\0\0\0"
#define TCP TCP_("\x50")

static const struct row {
	struct span in;
	enum why why;
	size_t left;            /* bytes behind the header */
	const char *text;
} rows[] = {
	/* the older layout */
	{ SPAN(MAGIC "\0\0\0\x28" V4 TCP "GET"), WHY_OK, 3,
	    "192.0.2.7 1111 > 198.51.100.9 8080" },
	{ SPAN(MAGIC "\0\0\0\x3c" V6 TCP "\n"), WHY_OK, 1,
	    "2001:db8::7 1111 > 2001:db8::9 8080" },
	{ SPAN(MAGIC "\0\0\0\x30" V4_("\x47", "\6") "\1\1\1\1\1\1\1\1" TCP),
	    WHY_OK, 0, "192.0.2.7 1111 > 198.51.100.9 8080" },
	{ SPAN(MAGIC "\0\0\0\x34" V4 TCP_("\x80") "\1\1\1\1\1\1\1\1\1\1\1\1"),
	    WHY_OK, 0, "192.0.2.7 1111 > 198.51.100.9 8080" },
	/* the newer one; its length of all may count itself or not */
	{ SPAN(MAGIC "\0\0\0\x34\0\1\0\x28" V4 TCP "GET"), WHY_OK, 3,
	    "192.0.2.7 1111 > 198.51.100.9 8080" },
	{ SPAN(MAGIC "\0\0\0\x28\0\1\0\x28" V4 TCP), WHY_OK, 0,
	    "192.0.2.7 1111 > 198.51.100.9 8080" },
	{ SPAN(MAGIC "\0\0\0\x48\0\1\0\x3c" V6 TCP), WHY_OK, 0,
	    "2001:db8::7 1111 > 2001:db8::9 8080" },
	/* another magic number, also when only its first byte is here */
	{ SPAN("\0\0\x3c\xde\0\0\0\x28" V4 TCP), WHY_CIP_MAGIC, 0, NULL },
	{ SPAN("GET / HTTP/1.1\r\n"), WHY_CIP_MAGIC, 0, NULL },
	{ SPAN("P"), WHY_CIP_MAGIC, 0, NULL },
	/* no TCP in IP, or no IP */
	{ SPAN(MAGIC "\0\0\0\x28" V4_("\x45", "\x11") TCP), WHY_CIP_PROTO, 0,
	    NULL },
	{ SPAN(MAGIC "\0\0\0\x3c" V6_("\0") TCP), WHY_CIP_PROTO, 0, NULL },
	{ SPAN(MAGIC "\0\0\0\x28" V4_("\x55", "\6") TCP), WHY_CIP_PROTO, 0,
	    NULL },
	{ SPAN(MAGIC "\0\0\0\x28" V4_("\x44", "\6") TCP), WHY_CIP_PROTO, 0,
	    NULL },
	{ SPAN(MAGIC "\0\0\0\x34\0\1\0\x28" V4_("\x75", "\6") TCP),
	    WHY_CIP_PROTO, 0, NULL },
	/* a type that nobody has described */
	{ SPAN(MAGIC "\0\0\0\x34\0\2\0\x28" V4 TCP), WHY_CIP_PROTO, 0, NULL },
	/* lengths that nothing fits in, or too much */
	{ SPAN(MAGIC "\0\0\0\x27" V4 TCP), WHY_CIP_SHORT, 0, NULL },
	{ SPAN(MAGIC "\0\0\0\x3b" V6 TCP), WHY_CIP_SHORT, 0, NULL },
	{ SPAN(MAGIC "\0\0\0\x28" V4_("\x4f", "\6") TCP), WHY_CIP_SHORT, 0,
	    NULL },
	{ SPAN(MAGIC "\0\0\0\0" V4 TCP), WHY_CIP_SHORT, 0, NULL },
	{ SPAN(MAGIC "\xff\xff\xff\xff" V4 TCP), WHY_CIP_PROTO, 0, NULL },
	{ SPAN(MAGIC "\0\0\0\x34\0\1\xff\xff" V4 TCP), WHY_CIP_PROTO, 0, NULL },
};

TEST(headers_of_both_layouts)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct conn_cip c;
		size_t used;

		if (!CHECK_EQ(conn_cip_parse(r->in, 0x3cdf, &c, &used),
		    r->why))
			fprintf(stderr, "row %zu\n", i);
		if (r->why != WHY_OK)
			continue;
		CHECK_EQ(used, r->in.n - r->left);
		CHECK_STR(pair_text(&c.src, &c.dst), r->text);
	}
}

TEST(a_cut_header_asks_for_more)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];

		for (size_t n = 0; r->why == WHY_OK && n < r->in.n - r->left;
		    n++) {
			struct conn_cip c;
			size_t used;

			CHECK_EQ(conn_cip_parse(span_of(r->in.p, n), 0x3cdf, &c,
			    &used), WHY_AGAIN);
			CHECK(used > n && used <= r->in.n - r->left);
		}
	}
}

TEST(all_bits_of_the_magic_number_count)
{
	struct span in = SPAN("\xff\xfe\xfd\xfc\0\0\0\x28" V4 TCP);
	struct conn_cip c;
	size_t used;

	CHECK_EQ(conn_cip_parse(in, 0xfffefdfc, &c, &used), WHY_OK);
	for (int bit = 0; bit < 32; bit++)
		CHECK_EQ(conn_cip_parse(in, 0xfffefdfc ^ 1u << bit, &c, &used),
		    WHY_CIP_MAGIC);
}
