/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol headers: every example is parsed at once and cut after each
 * byte; what is written can be read again.
 */
#include <base/must.h>
#include <base/test.h>

#include "../proxy_proto.c"

#include "pair_text.h"

#define SIGN "\r\n\r\n\0\r\nQUIT\n"
#define A4 "\x0a\x00\x00\x01\xc0\x00\x02\x02\x1f\x90\x01\xbb"

static const char *
text_of(const struct conn_proxy *pp)
{
	return (pp->has_addr ? pair_text(&pp->src, &pp->dst) : "none");
}

static const struct good_row {
	struct span in;
	size_t left;            /* bytes behind the header */
	const char *text;
} good_rows[] = {
	{ SPAN("PROXY TCP4 10.0.0.1 192.0.2.2 8080 443\r\nGET"), 3,
	    "10.0.0.1 8080 > 192.0.2.2 443" },
	{ SPAN("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n"), 0,
	    "255.255.255.255 65535 > 0.0.0.0 0" },
	{ SPAN("PROXY TCP6 2001:DB8::1 ::ffff:10.0.0.1 1 2\r\n"), 0,
	    "2001:db8::1 1 > ::ffff:10.0.0.1 2" },
	{ SPAN("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1 "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff2 65535 65535\r\n"), 0,
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1 65535 > "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff2 65535" },
	{ SPAN("PROXY UNKNOWN\r\n\r\n"), 2, "none" },
	{ SPAN("PROXY UNKNOWN anything at all\0\r\n"), 0, "none" },
	/* version 2 */
	{ SPAN(SIGN "\x21\x11\x00\x0c" A4 "x"), 1,
	    "10.0.0.1 8080 > 192.0.2.2 443" },
	{ SPAN(SIGN "\x21\x21\x00\x24"
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x00\x01\x00\x02"), 0,
	    "2001:db8::1 1 > 2001:db8::2 2" },
	{ SPAN(SIGN "\x20\x00\x00\x00"), 0, "none" },
	{ SPAN(SIGN "\x20\xff\x00\x03zzz"), 0, "none" },        /* LOCAL */
	{ SPAN(SIGN "\x21\x00\x00\x05zzzzz"), 0, "none" },      /* UNSPEC */
	{ SPAN(SIGN "\x21\x12\x00\x0c" A4), 0, "none" },        /* UDP */
	/* authority, no-op, unique-id, ssl with a version */
	{ SPAN(SIGN "\x21\x11\x00\x30" A4 "\x02\x00\x03" "a.b"
	    "\x04\x00\x00" "\x05\x00\x02" "id"
	    "\x20\x00\x0f\x01\0\0\0\0\x21\x00\x07TLSv1.3" "\xe0\x00\x01x"), 0,
	    "10.0.0.1 8080 > 192.0.2.2 443" },
};

TEST(headers_cut_after_every_byte)
{
	for (size_t i = 0; i < NELEM(good_rows); i++) {
		const struct good_row *r = &good_rows[i];
		size_t whole = r->in.n - r->left, used;
		struct conn_proxy pp;

		for (size_t n = 0; n <= r->in.n; n++) {
			char *copy = malloc(n == 0 ? 1 : n);
			enum why why;

			memcpy(copy, r->in.p, n);
			why = conn_proxy_parse(span_of(copy, n), &pp, &used);
			if (n >= whole) {
				CHECK_EQ(why, WHY_OK);
				CHECK_EQ(used, whole);
				CHECK_STR(text_of(&pp), r->text);
			} else if (!CHECK_EQ(why, WHY_AGAIN) ||
			    !CHECK(used > n && used <= whole)) {
				printf("    row %zu byte %zu\n", i, n);
			}
			free(copy);
		}
	}
}

static const struct span bad_rows[] = {
	SPAN("GET / HTTP/1.1\r\n"),
	SPAN("proxy UNKNOWN\r\n"),
	SPAN("PROXYUNKNOWN\r\n"),
	SPAN("PROXY  UNKNOWN\r\n"),
	SPAN("PROXY UNKNOWN\n"),
	SPAN("PROXY UNKNOWN\r\r\n"),
	SPAN("PROXY UNKNOWNS\r\n"),
	SPAN("PROXY \r\n"),
	SPAN("PROXY TCP5 10.0.0.1 10.0.0.2 1 2\r\n"),
	SPAN("PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n"),
	SPAN("PROXY TCP4 10.0.0.1 10.0.0.2 1 2 \r\n"),
	SPAN("PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n"),
	SPAN("PROXY TCP4  10.0.0.1 10.0.0.2 1 2\r\n"),
	SPAN("PROXY TCP4 10.0.0.01 10.0.0.2 1 2\r\n"),
	SPAN("PROXY TCP4 10.0.0.256 10.0.0.2 1 2\r\n"),
	SPAN("PROXY TCP4 10.0.1 10.0.0.2 1 2\r\n"),
	SPAN("PROXY TCP4 ::1 ::2 1 2\r\n"),
	SPAN("PROXY TCP4 10.0.0.1\0 10.0.0.2 1 2\r\n"),
	SPAN("PROXY TCP4 10.0.0.1 10.0.0.2 01 2\r\n"),
	SPAN("PROXY TCP4 10.0.0.1 10.0.0.2 65536 2\r\n"),
	SPAN("PROXY TCP4 10.0.0.1 10.0.0.2 -1 2\r\n"),
	SPAN("PROXY TCP4 10.0.0.1 10.0.0.2  2\r\n"),
	SPAN("PROXY TCP6 10.0.0.1 10.0.0.2 1 2\r\n"),
	SPAN("PROXY TCP6 1::2::3 ::1 1 2\r\n"),
	SPAN("PROXY TCP6 ::1%lo ::1 1 2\r\n"),
	SPAN("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1 "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff2 65535 65535 \r\n"),
	/* version 2 */
	SPAN("\r\n\r\n\0\r\nQUITX"),
	SPAN(SIGN "\x11"),
	SPAN(SIGN "\x22"),
	SPAN(SIGN "\x21\x10\x00\x00"),
	SPAN(SIGN "\x21\x13\x00\x00"),
	SPAN(SIGN "\x21\x41\x00\x00"),
	SPAN(SIGN "\x21\x11\x00\x0bzzzzzzzzzzz"),
	SPAN(SIGN "\x21\x11\x00\x0d" A4 "\x02"),
	SPAN(SIGN "\x21\x11\x00\x0f" A4 "\x02\x00\x01"),
	SPAN(SIGN "\x21\x11\x00\x11" A4 "\x20\x00\x02\x01\x00"),
	SPAN(SIGN "\x21\x11\x00\x16" A4 "\x20\x00\x07\x01\0\0\0\0\x21\x00"),
	SPAN(SIGN "\x21\x11\x00\x13" A4 "\x03\x00\x04\0\0\0\0"),
	SPAN(SIGN "\x21\x11\x00\x12" A4 "\x03\x00\x03\0\0\0"),
};

TEST(refused_headers)
{
	struct conn_proxy pp;
	size_t used;

	for (size_t i = 0; i < NELEM(bad_rows); i++)
		if (!CHECK_EQ(conn_proxy_parse(bad_rows[i], &pp, &used),
		    WHY_PROXY_BAD))
			printf("    row %zu: %.*s\n", i,
			    SPAN_FMT(bad_rows[i]));
}

TEST(a_line_without_end_is_not_waited_for)
{
	char line[CONN_PROXY_V1_MAX + 1];
	struct conn_proxy pp;
	size_t used;

	memset(line, 'x', sizeof line);
	memcpy(line, "PROXY UNKNOWN ", 14);
	CHECK_EQ(conn_proxy_parse(span_of(line, CONN_PROXY_V1_MAX - 2), &pp,
	    &used), WHY_AGAIN);
	CHECK_EQ(conn_proxy_parse(span_of(line, CONN_PROXY_V1_MAX - 1), &pp,
	    &used), WHY_PROXY_BAD);
	line[CONN_PROXY_V1_MAX - 2] = '\r';
	line[CONN_PROXY_V1_MAX - 1] = '\n';
	CHECK_EQ(conn_proxy_parse(span_of(line, CONN_PROXY_V1_MAX), &pp,
	    &used), WHY_OK);
	CHECK_EQ(used, CONN_PROXY_V1_MAX);
}

TEST(checksums)
{
	/* the check value of CRC-32C; then a header that carries its own */
	static char in[] = SIGN "\x21\x11\x00\x13" A4 "\x03\x00\x04\0\0\0\0";
	struct span s = span_of(in, sizeof in - 1);
	struct conn_proxy pp;
	uint32_t crc;
	size_t used;

	CHECK_EQ(~crc32c(0xffffffff, "123456789", 9) & 0xffffffff, 0xe3069283);
	crc = htonl(~crc32c(0xffffffff, in, s.n));
	memcpy(in + s.n - 4, &crc, 4);
	CHECK_EQ(conn_proxy_parse(s, &pp, &used), WHY_OK);
	in[17] ^= 1;
	CHECK_EQ(conn_proxy_parse(s, &pp, &used), WHY_PROXY_BAD);
}

TEST(tlvs_are_found)
{
	struct conn_proxy pp;
	struct span v;
	size_t used;

	CHECK_EQ(conn_proxy_parse(good_rows[NELEM(good_rows) - 1].in, &pp,
	    &used), WHY_OK);
	CHECK(conn_proxy_tlv(pp.tlvs, CONN_PROXY_AUTHORITY, &v));
	CHECK_SPAN(v, "a.b");
	CHECK(conn_proxy_tlv(pp.tlvs, CONN_PROXY_UNIQUE_ID, &v));
	CHECK_SPAN(v, "id");
	CHECK(conn_proxy_tlv(pp.tlvs, 0xe0, &v));
	CHECK_SPAN(v, "x");
	CHECK(!conn_proxy_tlv(pp.tlvs, CONN_PROXY_ALPN, &v));
	CHECK(!conn_proxy_tlv(SPAN_NONE, CONN_PROXY_ALPN, &v));
}

static void
check_written(unsigned version, const struct addr *src, const struct addr *dst,
    const char *text)
{
	char out[CONN_PROXY_EMIT_MAX];
	struct conn_proxy pp;
	size_t n = conn_proxy_emit(out, sizeof out, version, src, dst), used;

	CHECK(n > 0);
	CHECK_EQ(conn_proxy_parse(span_of(out, n), &pp, &used), WHY_OK);
	CHECK_EQ(used, n);
	CHECK_EQ(pp.version, version);
	CHECK_STR(text_of(&pp), text);
	CHECK_EQ(conn_proxy_emit(out, n - 1, version, src, dst), 0);
}

TEST(what_is_written_can_be_read)
{
	const struct addr v4 = { ADDR_V4, 0, 8080, { 10, 0, 0, 1 } };
	const struct addr v6 = { ADDR_V6, 0, 443,
	    { 0x20, 1, 0x0d, 0xb8, [15] = 2 } };
	const struct addr local = { ADDR_UNIX, 0, 0, { 0 } };

	for (unsigned version = 1; version <= 2; version++) {
		check_written(version, &v4, &v4,
		    "10.0.0.1 8080 > 10.0.0.1 8080");
		check_written(version, &v6, &v6,
		    "2001:db8::2 443 > 2001:db8::2 443");
		check_written(version, &v4, &v6,
		    "::ffff:10.0.0.1 8080 > 2001:db8::2 443");
		check_written(version, &v6, &v4,
		    "2001:db8::2 443 > ::ffff:10.0.0.1 8080");
		check_written(version, &local, &v4, "none");
		check_written(version, NULL, NULL, "none");
	}
}

TEST(what_is_written_byte_for_byte)
{
	const struct addr a = { ADDR_V4, 0, 0x1f90, { 10, 0, 0, 1 } };
	const struct addr b = { ADDR_V4, 0, 443, { 192, 0, 2, 2 } };
	char out[CONN_PROXY_EMIT_MAX];
	static const char v1[] = "PROXY TCP4 10.0.0.1 192.0.2.2 8080 443\r\n";
	static const char v2[] = SIGN "\x21\x11\x00\x0c" A4;
	static const char local[] = SIGN "\x20\x00\x00\x00";

	CHECK_MEM(out, conn_proxy_emit(out, sizeof out, 1, &a, &b), v1,
	    sizeof v1 - 1);
	CHECK_MEM(out, conn_proxy_emit(out, sizeof out, 2, &a, &b), v2,
	    sizeof v2 - 1);
	CHECK_MEM(out, conn_proxy_emit(out, sizeof out, 2, NULL, NULL), local,
	    sizeof local - 1);
}

/* Written with room for every number of bytes less than all: cut, and never
 * past the room. */
TEST(tlvs_that_are_written_are_read)
{
	const struct addr a = { ADDR_V4, 0, 0x1f90, { 10, 0, 0, 1 } };
	char out[120];
	struct conn_proxy pp;
	struct span v;
	size_t used, mark, room, n, all = 0;
	char *to;

	for (size_t size = sizeof out; size >= 28; size--) {
		struct conn_proxy_out o = { .p = out, .size = size };

		memset(out, '#', sizeof out);
		o.n = conn_proxy_emit(out, size, 2, &a, &a);
		conn_proxy_want_crc(&o);
		conn_proxy_put(&o, CONN_PROXY_ALPN, SPAN("h1"));
		mark = conn_proxy_open(&o, CONN_PROXY_SSL);
		conn_proxy_add(&o, span_of("\1\0\0\0\0", 5));
		conn_proxy_put(&o, CONN_PROXY_SSL_CN, SPAN("ann"));
		conn_proxy_close(&o, mark);
		mark = conn_proxy_open(&o, 0xe1);
		to = conn_proxy_room(&o, &room);
		n = room < 2 ? room : 2;
		memcpy(to, "xy", n);
		conn_proxy_wrote(&o, n);
		conn_proxy_close(&o, mark);
		conn_proxy_finish(&o);
		CHECK_EQ(o.n <= size, true);
		for (size_t i = size; i < sizeof out; i++)
			CHECK_EQ(out[i], '#');
		if (size == sizeof out)
			all = o.n;
		CHECK_EQ(o.cut, size <= all);
		if (o.cut)
			continue;
		CHECK_EQ(conn_proxy_parse(span_of(out, o.n), &pp, &used),
		    WHY_OK);
		CHECK_EQ(used, o.n);
		CHECK(conn_proxy_tlv(pp.tlvs, CONN_PROXY_ALPN, &v));
		CHECK_SPAN(v, "h1");
		CHECK(conn_proxy_tlv(pp.tlvs, 0xe1, &v));
		CHECK_SPAN(v, "xy");
		CHECK(conn_proxy_tlv(pp.tlvs, CONN_PROXY_SSL, &v));
		CHECK(conn_proxy_tlv(span_skip(v, 5), CONN_PROXY_SSL_CN, &v));
		CHECK_SPAN(v, "ann");
	}
}
