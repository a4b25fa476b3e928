/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request heads: what is understood and how, what is refused and where.
 * Every row is parsed at once and byte by byte.
 */
#include <base/test.h>

#include "h1_try.h"

#include "../h1_req.c"

#define H "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n" H

static void
check_good(struct span in, const char *text)
{
	struct h1_try whole, split;
	char a[1024], b[1024];

	h1_try_whole(&whole, in, -1);
	h1_try_split(&split, in, -1, 1);
	CHECK_EQ(whole.why, WHY_OK);
	CHECK_EQ(split.why, WHY_OK);
	CHECK_EQ(whole.used, in.n);
	CHECK_EQ(split.used, in.n);
	h1_try_text(whole.head, a, sizeof a);
	h1_try_text(split.head, b, sizeof b);
	CHECK_STR(a, text);
	CHECK_STR(b, text);
	h1_try_fini(&whole);
	h1_try_fini(&split);
}

#define GOOD(lit, text) check_good(SPAN(lit), text)

TEST(simple_requests)
{
	GOOD("GET / HTTP/1.1\r\n\r\n", "GET|/|0||1.1|body0|0||");
	GOOD(GET "\r\n", "GET|/|0||1.1|body0|0||Host=a;");
	GOOD("GET / HTTP/1.0\r\n\r\n", "GET|/|0||1.0|body0|0||");
	GOOD("GET / HTTP/1.7\r\n\r\n", "GET|/|0||1.1|body0|0||");
	GOOD("\r\n\r\nGET / HTTP/1.1\r\n\r\n", "GET|/|0||1.1|body0|0||");
	GOOD("x-Y! /?q HTTP/1.1\r\n\r\n", "x-Y!|/?q|0||1.1|body0|0||");
	GOOD("OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS|*|0||1.1|body0|0||");
}

TEST(values_are_trimmed_and_raw_lines_are_known)
{
	GOOD("GET / HTTP/1.1\r\na: b\r\nc:d\r\ne:  f\r\ng: h \r\ni:\t\r\n"
	    "j: \r\nk:\r\nAccept: x\r\naccept:  y\t\r\nl: \xc3\xa9 \t m\r\n\r\n",
	    "GET|/|0||1.1|body0|0||a=b;c=d~;e=f~;g=h~;i=~;j=;k=~;"
	    "Accept=x;accept=y~;l=\xc3\xa9 \t m;");
	GOOD("GET / HTTP/1.1\r\n"
	    "x-a-name-of-more-than-thirty-two-bytes-here: v\r\n"
	    "long: 0123456789012345678901234567890123456789\r\n\r\n",
	    "GET|/|0||1.1|body0|0||"
	    "x-a-name-of-more-than-thirty-two-bytes-here=v;"
	    "long=0123456789012345678901234567890123456789;");
}

TEST(bodies)
{
	GOOD("POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\n",
	    "POST|/|0||1.1|body1|12||Content-Length=12;");
	GOOD("POST / HTTP/1.1\r\ncontent-length:0\r\n\r\n",
	    "POST|/|0||1.1|body1|0||content-length=0~;");
	GOOD("POST / HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n\r\n",
	    "POST|/|0||1.1|body1|9223372036854775807||"
	    "Content-Length=9223372036854775807;");
	GOOD("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n",
	    "POST|/|0||1.1|body2|0||Transfer-Encoding=Chunked;");
}

TEST(connection_and_friends)
{
	GOOD("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n",
	    "GET|/|0||1.1|body0|0|c|Connection=Close;");
	GOOD("GET / HTTP/1.0\r\nConnection: keep-alive, x\r\n\r\n",
	    "GET|/|0||1.0|body0|0|k|Connection=keep-alive, x;");
	GOOD("GET / HTTP/1.1\r\nconnection: x,upgrade\r\nUpgrade: ws\r\n\r\n",
	    "GET|/|0||1.1|body0|0|u|connection=x,upgrade;Upgrade=ws;");
	GOOD("GET / HTTP/1.1\r\nconnection: upgrade\r\n\r\n",
	    "GET|/|0||1.1|body0|0||connection=upgrade;");
	GOOD("GET / HTTP/1.0\r\nconnection: upgrade\r\nupgrade: a\r\n\r\n",
	    "GET|/|0||1.0|body0|0||connection=upgrade;upgrade=a;");
	GOOD("PUT / HTTP/1.1\r\nExpect: 100-Continue\r\n\r\n",
	    "PUT|/|0||1.1|body0|0|e|Expect=100-Continue;");
	GOOD("PUT / HTTP/1.0\r\nExpect: anything\r\n\r\n",
	    "PUT|/|0||1.0|body0|0||Expect=anything;");
}

TEST(hosts_that_agree)
{
	GOOD("GET / HTTP/1.1\r\nHost: a\r\nhost: A\r\n\r\n",
	    "GET|/|0||1.1|body0|0||Host=a;");
	GOOD("GET http://A/x HTTP/1.1\r\n" H "\r\n",
	    "GET|http://A/x|0||1.1|body0|0||Host=a;");
	GOOD("GET http://a:80/x HTTP/1.1\r\n" H "\r\n",
	    "GET|http://a:80/x|0||1.1|body0|0||Host=a;");
	GOOD("GET https://a/x HTTP/1.1\r\nHost: a:443\r\n\r\n",
	    "GET|https://a/x|0||1.1|body0|0||Host=a:443;");
	GOOD("GET http://b/x HTTP/1.1\r\n\r\n",
	    "GET|http://b/x|0||1.1|body0|0||");
	GOOD("CONNECT a:443 HTTP/1.1\r\n" H "\r\n",
	    "CONNECT|a:443|0||1.1|body0|0||Host=a;");
	GOOD("CONNECT a:22 HTTP/1.1\r\nHost: a:22\r\n\r\n",
	    "CONNECT|a:22|0||1.1|body0|0||Host=a:22;");
	GOOD("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
	    "GET|/|0||1.1|body0|0||Host=[2001:db8::1]:80;");
	GOOD("GET / HTTP/1.1\r\nHost:\r\n\r\n",
	    "GET|/|0||1.1|body0|0||Host=~;");
}

struct bad_row {
	struct span in;
	enum why why;
	int at;                 /* offset of the wrong byte; -1: any */
};

#define BAD(lit, at) { SPAN(lit), WHY_REQ_BAD, at }

static const struct bad_row bad_rows[] = {
	/* request line */
	BAD(" GET / HTTP/1.1\r\n\r\n", 0),
	BAD("\nGET / HTTP/1.1\r\n\r\n", 0),
	BAD("\rGET / HTTP/1.1\r\n\r\n", 1),
	BAD("G@T / HTTP/1.1\r\n\r\n", 1),
	BAD("GET\t/ HTTP/1.1\r\n\r\n", 3),
	BAD("GET  / HTTP/1.1\r\n\r\n", 4),
	BAD("GET /  HTTP/1.1\r\n\r\n", 6),
	BAD("GET / HTTP/1.1 \r\n\r\n", 14),
	BAD("GET /\r\n\r\n", 5),
	BAD("GET\r\n\r\n", 3),
	BAD("GET / HTTP/1.1\n\r\n", 14),
	BAD("GET / HTTP/1.1\r\r\n", 15),
	BAD("GET / http/1.1\r\n\r\n", 6),
	BAD("GET / HTTP/1.\r\n\r\n", 13),
	BAD("GET / HTTP/11\r\n\r\n", 12),
	BAD("GET / HTTP/1.10\r\n\r\n", 14),
	BAD("GET / HTTP/01.1\r\n\r\n", 12),
	BAD("GET / HTTP 1.1\r\n\r\n", 10),
	BAD("GET /\x80 HTTP/1.1\r\n\r\n", 5),
	BAD("GET /\x7f HTTP/1.1\r\n\r\n", 5),
	BAD("GET /\0 HTTP/1.1\r\n\r\n", 5),
	BAD("GET /a#b HTTP/1.1\r\n\r\n", 6),
	BAD("GET x HTTP/1.1\r\n\r\n", 4),
	BAD("GET * HTTP/1.1\r\n\r\n", 4),
	BAD("GET http://u@a/ HTTP/1.1\r\n" H "\r\n", 4),
	BAD("CONNECT / HTTP/1.1\r\n" H "\r\n", 8),
	BAD("CONNECT http://a/ HTTP/1.1\r\n" H "\r\n", 8),
	{ SPAN("GET / HTTP/2.0\r\n\r\n"), WHY_REQ_BAD_VERSION, 11 },
	{ SPAN("GET / HTTP/0.9\r\n\r\n"), WHY_REQ_BAD_VERSION, 11 },
	{ SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), WHY_REQ_BAD_VERSION, 11 },
	/* field lines */
	BAD("GET / HTTP/1.1\r\nno colon\r\n\r\n", 18),
	BAD("GET / HTTP/1.1\r\nnocolon\r\n\r\n", 23),
	BAD("GET / HTTP/1.1\r\na : b\r\n\r\n", 17),
	BAD("GET / HTTP/1.1\r\nHost : b\r\n\r\n", 20),
	BAD("GET / HTTP/1.1\r\n: b\r\n\r\n", 16),
	BAD("GET / HTTP/1.1\r\n a: b\r\n\r\n", 16),
	BAD("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n", 22),
	BAD("GET / HTTP/1.1\r\na: b\r\n\tc: d\r\n\r\n", 22),
	BAD("GET / HTTP/1.1\r\na: b\n\r\n", 20),
	BAD("GET / HTTP/1.1\r\na: b\rc: d\r\n\r\n", 21),
	BAD("GET / HTTP/1.1\r\nAccept: b\nc: d\r\n\r\n", 25),
	BAD("GET / HTTP/1.1\r\na: b\0c\r\n\r\n", 20),
	BAD("GET / HTTP/1.1\r\na: b\x01\r\n\r\n", 20),
	BAD("GET / HTTP/1.1\r\na: b\x7f\r\n\r\n", 20),
	BAD("GET / HTTP/1.1\r\na\0: b\r\n\r\n", 17),
	BAD("GET / HTTP/1.1\r\n\xc3: b\r\n\r\n", 16),
	BAD("GET / HTTP/1.1\r\na\r\nHost: b\r\n\r\n", 17),
	BAD("GET / HTTP/1.1\r\na: b\r\n\n", 22),
	BAD("GET / HTTP/1.1\r\na: b\r\n\r\r\n", 23),
	/* lengths */
	BAD(GET "Content-Length: +1\r\n\r\n", 41),
	BAD(GET "Content-Length: -1\r\n\r\n", 41),
	BAD(GET "Content-Length:\r\n\r\n", -1),
	BAD(GET "Content-Length: 1 2\r\n\r\n", -1),
	BAD(GET "Content-Length: 0x10\r\n\r\n", -1),
	BAD(GET "Content-Length: 5, 5\r\n\r\n", -1),
	BAD(GET "Content-Length: 9223372036854775808\r\n\r\n", -1),
	BAD(GET "Content-Length: 18446744073709551617\r\n\r\n", -1),
	BAD(GET "Content-Length: 00000000000000000001\r\n\r\n", -1),
	BAD(GET "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", -1),
	BAD(GET "Content-Length: 5\r\ncontent-length: 6\r\n\r\n", -1),
	BAD(GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	    -1),
	BAD(GET "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
	    -1),
	/* codings */
	BAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: gzip\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: identity\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: chunked, gzip\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: chunked, chunked\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: gzip\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding:\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: ,chunked\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: chunked,\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: chunked;a=b\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: \"chunked\"\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: xchunked\r\n\r\n", -1),
	BAD(GET "Transfer-Encoding: chunked\x0b\r\n\r\n", -1),
	{ SPAN(GET "Transfer-Encoding: gzip, chunked\r\n\r\n"),
	    WHY_REQ_TE_UNKNOWN, -1 },
	{ SPAN(GET "Transfer-Encoding: gzip\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"), WHY_REQ_TE_UNKNOWN, -1 },
	/* host */
	BAD("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 31),
	BAD("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 22),
	BAD("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 22),
	BAD("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 22),
	BAD("GET http://b/ HTTP/1.1\r\n" H "\r\n", 4),
	BAD("GET http://a:81/ HTTP/1.1\r\n" H "\r\n", 4),
	BAD("GET http://a:443/ HTTP/1.1\r\n" H "\r\n", 4),
	BAD("CONNECT b:443 HTTP/1.1\r\n" H "\r\n", 8),
	BAD("CONNECT a:22 HTTP/1.1\r\n" H "\r\n", 8),
	/* expectations */
	{ SPAN(GET "Expect: 200-ok\r\n\r\n"), WHY_REQ_EXPECT, -1 },
	{ SPAN(GET "Expect: 100-continue, x\r\n\r\n"), WHY_REQ_EXPECT, -1 },
};

TEST(refused_requests)
{
	for (size_t i = 0; i < sizeof bad_rows / sizeof bad_rows[0]; i++) {
		const struct bad_row *r = &bad_rows[i];
		struct h1_try whole, split;
		int good;

		h1_try_whole(&whole, r->in, -1);
		h1_try_split(&split, r->in, -1, 1);
		good = CHECK_EQ(whole.why, r->why);
		good &= CHECK_EQ(split.why, r->why);
		good &= CHECK(whole.bad == split.bad);
		good &= CHECK(whole.bad <= r->in.n);
		if (r->at >= 0)
			good &= CHECK_EQ(whole.bad, r->at);
		if (!good)
			printf("    row %zu: %.*s\n", i, SPAN_FMT(r->in));
		h1_try_fini(&whole);
		h1_try_fini(&split);
	}
}

TEST(short_heads_wait)
{
	const struct span in = SPAN("\r\n" GET "A: b\r\n\r\nnot ours");
	size_t used = in.n - 8;
	struct h1_try t;

	for (size_t n = 0; n <= in.n; n++) {
		h1_try_whole(&t, span_of(in.p, n), -1);
		CHECK_EQ(t.why, n < used ? WHY_AGAIN : WHY_OK);
		CHECK_EQ(t.used, n < used ? 0 : used);
		CHECK_EQ(t.scan, n < used ? n : 0);
		h1_try_fini(&t);
	}
}

TEST(more_rows_than_the_table_has)
{
	char in[16384];
	size_t n;
	struct h1_try t;

	for (unsigned rows = 100; rows < 103; rows++) {
		n = (size_t)snprintf(in, sizeof in, "GET / HTTP/1.1\r\n");
		for (unsigned i = 0; i < rows; i++)
			n += (size_t)snprintf(in + n, sizeof in - n,
			    "h%u: v\r\n", i);
		n += (size_t)snprintf(in + n, sizeof in - n, "\r\n");
		h1_try_whole(&t, span_of(in, n), -1);
		CHECK_EQ(t.why, rows <= 101 ? WHY_OK : WHY_REQ_HEAD_LONG);
		h1_try_fini(&t);
	}
}

TEST(why_a_full_buffer_is_refused)
{
	CHECK_EQ(h1_req_full(SPAN("\r\nGET /aaaa")), WHY_REQ_URI_LONG);
	CHECK_EQ(h1_req_full(SPAN("GET / HTTP/1.1\r\na: b")),
	    WHY_REQ_HEAD_LONG);
	CHECK_EQ(h1_req_full(SPAN("\r\n\r\n")), WHY_REQ_HEAD_LONG);
}

/* ---- option accept-unsafe-violations-in-http-request ---- */

static void
check_relaxed(struct span in, enum why why, const char *text)
{
	struct h1_try whole, split;
	char a[1024], b[1024];

	h1_try_whole(&whole, in, -1);
	CHECK(whole.why != WHY_OK);             /* without it */
	h1_try_fini(&whole);
	h1_try_relaxed = true;
	h1_try_whole(&whole, in, -1);
	h1_try_split(&split, in, -1, 1);
	h1_try_relaxed = false;
	CHECK_EQ(whole.why, why);
	CHECK_EQ(split.why, why);
	if (why == WHY_OK) {
		CHECK_EQ(whole.used, split.used);
		h1_try_text(whole.head, a, sizeof a);
		h1_try_text(split.head, b, sizeof b);
		CHECK_STR(a, text);
		CHECK_STR(b, text);
	}
	h1_try_fini(&whole);
	h1_try_fini(&split);
}

#define RELAXED(lit, text) check_relaxed(SPAN(lit), WHY_OK, text)
#define REFUSED(lit) check_relaxed(SPAN(lit), WHY_REQ_BAD, "")

TEST(relaxed_requests)
{
	RELAXED(GET "X(: v\r\n\r\n", "GET|/|0||1.1|body0|0||Host=a;X(=v;");
	RELAXED(GET "X : v\r\n\r\n", "GET|/|0||1.1|body0|0||Host=a;X =v;");
	RELAXED(GET "X: \1a \r\n\r\n",
	    "GET|/|0||1.1|body0|0||Host=a;X=\1a~;");
	RELAXED("GET /\xe9#f HTTP/1.1\r\n\r\n", "GET|/\xe9#f|0||1.1|body0|0||");
	RELAXED("GET x HTTP/1.1\r\n\r\n", "GET|x|0||1.1|body0|0||");
	RELAXED("GET http://b/ HTTP/1.1\r\n" H "\r\n",
	    "GET|http://b/|0||1.1|body0|0||Host=a;");
	RELAXED("CONNECT x HTTP/1.1\r\n\r\n", "CONNECT|x|0||1.1|body0|0||");
	RELAXED("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
	    "GET|/|0||1.1|body0|0||Host=a/b;");
	RELAXED("GET / RTSP/1.0\r\n\r\n", "GET|/|0||1.0|body0|0||");
	RELAXED("GET / RTSP/1.1\r\n\r\n", "GET|/|0||1.1|body0|0||");
	RELAXED("GET / HTTP/1.10\r\n\r\n", "GET|/|0||1.0|body0|0||");
	RELAXED("GET / HTTP/2.0\r\n\r\n", "GET|/|0||1.1|body0|0||");
	RELAXED("GET /\r\n", "GET|/|0||1.0|body0|0||");
	RELAXED("GET / \r\nHost: a\r\n\r\n", "GET|/|0||1.0|body0|0||");
}

TEST(relaxed_refusals)
{
	REFUSED(GET "Transfer-Encoding\1: chunked\r\n\r\n");
	REFUSED(GET "Transfer-Encoding : chunked\r\n\r\n");
	REFUSED(GET "Content\x80Length: 1\r\n\r\n");
	REFUSED(GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n");
	REFUSED(GET "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
	REFUSED(GET "Transfer-Encoding: chunked, chunked\r\n\r\n");
	REFUSED(GET "Transfer-Encoding:\r\n\r\n");
	REFUSED(GET "Host: b\r\n\r\n");
	REFUSED(GET " X: v\r\n\r\n");
	REFUSED(GET ": v\r\n\r\n");
	REFUSED(GET "X: a\rb\r\n\r\n");
	REFUSED(GET "X\r: b\r\n\r\n");
	REFUSED(GET "X: a\nb\r\n\r\n");
	REFUSED("GET /\1 HTTP/1.1\r\n\r\n");
	REFUSED("G\x80T / HTTP/1.1\r\n\r\n");
	REFUSED("POST /\r\n\r\n");
	REFUSED("GET / HTTP/1.1x\r\n\r\n");
	REFUSED("GET / http/1.1\r\n\r\n");
	REFUSED("GET / x HTTP/1.1\r\n\r\n");
	check_relaxed(SPAN("PRI * HTTP/2.0\r\n\r\n"), WHY_REQ_BAD_VERSION, "");
}
