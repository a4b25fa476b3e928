/* SPDX-License-Identifier: Apache-2.0 */
/* Response heads: where the body ends, and what is refused. */
#include <base/must.h>
#include <base/test.h>

#include "h1_try.h"

#include "../h1_res.c"

static const struct good_row {
	enum http_meth meth;
	struct span in;
	const char *text;
} good_rows[] = {
	{ HTTP_GET, SPAN("HTTP/1.1 200 OK\r\n\r\n"),
	    "||200|OK|1.1|body3|0||" },
	{ HTTP_GET, SPAN("HTTP/1.1 200\r\n\r\n"), "||200||1.1|body3|0||" },
	{ HTTP_GET, SPAN("HTTP/1.1 200 \r\n\r\n"), "||200||1.1|body3|0||" },
	{ HTTP_GET, SPAN("HTTP/1.0 404 Not  Found\t\xc3\xa9\r\n\r\n"),
	    "||404|Not  Found\t\xc3\xa9|1.0|body3|0||" },
	{ HTTP_GET, SPAN("HTTP/1.9 999 x\r\n\r\n"),
	    "||999|x|1.1|body3|0||" },
	{ HTTP_GET, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
	    "ETag: \"a\"\r\n\r\n"),
	    "||200|OK|1.1|body1|5||Content-Length=5;ETag=\"a\";" },
	{ HTTP_GET, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
	    "||200|OK|1.1|body1|0||Content-Length=0;" },
	{ HTTP_GET,
	    SPAN("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
	    "||200|OK|1.1|body2|0||transfer-encoding=chunked;" },
	{ HTTP_GET, SPAN("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
	    "||200|OK|1.1|body3|0|c|Connection=close;" },
	/* none */
	{ HTTP_HEAD, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
	    "||200|OK|1.1|body0|5||Content-Length=5;" },
	{ HTTP_GET, SPAN("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"),
	    "||304|x|1.1|body0|5||Content-Length=5;" },
	{ HTTP_GET, SPAN("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n"),
	    "||204|x|1.1|body0|5||Content-Length=5;" },
	{ HTTP_GET, SPAN("HTTP/1.1 100 Continue\r\n\r\n"),
	    "||100|Continue|1.1|body0|0||" },
	{ HTTP_HEAD,
	    SPAN("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    "||200|OK|1.1|body0|0||Transfer-Encoding=chunked;" },
	/* tunnels */
	{ HTTP_GET, SPAN("HTTP/1.1 101 x\r\nConnection: upgrade\r\n"
	    "Upgrade: ws\r\n\r\n"),
	    "||101|x|1.1|body4|0|u|Connection=upgrade;Upgrade=ws;" },
	{ HTTP_CONNECT, SPAN("HTTP/1.1 200 OK\r\n\r\n"),
	    "||200|OK|1.1|body4|0||" },
	{ HTTP_CONNECT, SPAN("HTTP/1.1 407 x\r\nContent-Length: 5\r\n\r\n"),
	    "||407|x|1.1|body1|5||Content-Length=5;" },
	/* Host and Expect say nothing in a response */
	{ HTTP_GET, SPAN("HTTP/1.1 200 OK\r\nHost: a b\r\nHost: c\r\n"
	    "Expect: x\r\n\r\n"),
	    "||200|OK|1.1|body3|0||Host=a b;Host=c;Expect=x;" },
};

TEST(bodies_of_responses)
{
	for (size_t i = 0; i < NELEM(good_rows); i++) {
		const struct good_row *r = &good_rows[i];
		struct h1_try whole, split;
		char a[1024], b[1024];

		h1_try_whole(&whole, r->in, (int)r->meth);
		h1_try_split(&split, r->in, (int)r->meth, 1);
		CHECK_EQ(whole.why, WHY_OK);
		CHECK_EQ(split.why, WHY_OK);
		CHECK_EQ(whole.used, r->in.n);
		CHECK_EQ(split.used, r->in.n);
		h1_try_text(whole.head, a, sizeof a);
		h1_try_text(split.head, b, sizeof b);
		CHECK_STR(a, r->text);
		CHECK_STR(b, r->text);
		h1_try_fini(&whole);
		h1_try_fini(&split);
	}
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static const struct bad_row {
	struct span in;
	int at;                 /* -1: any */
} bad_rows[] = {
	{ SPAN("\r\nHTTP/1.1 200 OK\r\n\r\n"), 0 },
	{ SPAN("http/1.1 200 OK\r\n\r\n"), 0 },
	{ SPAN("HTTP/2.0 200 OK\r\n\r\n"), 5 },
	{ SPAN("HTTP/1.x 200 OK\r\n\r\n"), 7 },
	{ SPAN("HTTP/1.1  200 OK\r\n\r\n"), 9 },
	{ SPAN("HTTP/1.1 099 OK\r\n\r\n"), 9 },
	{ SPAN("HTTP/1.1 20 OK\r\n\r\n"), 11 },
	{ SPAN("HTTP/1.1 2000 OK\r\n\r\n"), 12 },
	{ SPAN("HTTP/1.1 2x0 OK\r\n\r\n"), 10 },
	{ SPAN("HTTP/1.1 200\tOK\r\n\r\n"), 12 },
	{ SPAN("HTTP/1.1 200 OK\n\r\n"), 15 },
	{ SPAN("HTTP/1.1 200 O\x01K\r\n\r\n"), 14 },
	{ SPAN("HTTP/1.1 200 O\rK\r\n\r\n"), 15 },
	{ SPAN(OK_LINE " a: b\r\n\r\n"), 17 },
	{ SPAN(OK_LINE "a: b\r\n c\r\n\r\n"), 23 },
	{ SPAN(OK_LINE "a : b\r\n\r\n"), 18 },
	{ SPAN(OK_LINE "a: b\nc: d\r\n\r\n"), 21 },
	{ SPAN(OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), -1 },
	{ SPAN(OK_LINE "Content-Length: 5, 5\r\n\r\n"), -1 },
	{ SPAN(OK_LINE "Content-Length: -5\r\n\r\n"), -1 },
	{ SPAN(OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n"), -1 },
	{ SPAN(OK_LINE "Transfer-Encoding: gzip\r\n\r\n"), -1 },
	{ SPAN(OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n"), -1 },
	{ SPAN("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), -1 },
};

TEST(refused_responses)
{
	for (size_t i = 0; i < NELEM(bad_rows); i++) {
		const struct bad_row *r = &bad_rows[i];
		struct h1_try whole, split;
		int good;

		h1_try_whole(&whole, r->in, HTTP_GET);
		h1_try_split(&split, r->in, HTTP_GET, 1);
		good = CHECK_EQ(whole.why, WHY_RES_BAD);
		good &= CHECK_EQ(split.why, WHY_RES_BAD);
		good &= CHECK(whole.bad == split.bad);
		if (r->at >= 0)
			good &= CHECK_EQ(whole.bad, r->at);
		if (!good)
			printf("    row %zu: %.*s\n", i, SPAN_FMT(r->in));
		h1_try_fini(&whole);
		h1_try_fini(&split);
	}
}

TEST(too_many_rows_have_a_reason_of_their_own)
{
	char in[4096];
	size_t n = (size_t)snprintf(in, sizeof in, OK_LINE);
	struct h1_try t;

	for (unsigned i = 0; i < 102; i++)
		n += (size_t)snprintf(in + n, sizeof in - n, "h%u: v\r\n", i);
	h1_try_whole(&t, span_of(in, n), HTTP_GET);
	CHECK_EQ(t.why, WHY_RES_HEAD_LONG);
	h1_try_fini(&t);
}

/* ---- option accept-unsafe-violations-in-http-response ---- */

static const struct {
	struct span in;
	const char *text;               /* NULL: refused all the same */
} relaxed_rows[] = {
#define ROW(lit, text) { { lit, sizeof(lit) - 1 }, text }
	ROW(OK_LINE "X(: \1\r\n\r\n", "||200|OK|1.1|body3|0||X(=\1;"),
	ROW("RTSP/1.0 200 OK\r\n\r\n", "||200|OK|1.0|body3|0||"),
	ROW("RTSP/2.0 200 \2\r\n\r\n", "||200|\2|1.1|body3|0||"),
	ROW(OK_LINE "Transfer-Encoding:\r\n\r\n", "||200|OK|1.1|body3|0||"),
	ROW(OK_LINE "Transfer-Encoding: chunked, chunked\r\n\r\n",
	    "||200|OK|1.1|body2|0||Transfer-Encoding=chunked, chunked~;"),
	ROW(OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
	    NULL),
	ROW(OK_LINE "Transfer-Encoding: x, chunked\r\n\r\n", NULL),
	ROW(OK_LINE "Content-Length\1: 1\r\n\r\n", NULL),
	ROW(OK_LINE "X: a\rb\r\n\r\n", NULL),
	ROW("HTTP/1.1 20 OK\r\n\r\n", NULL),
	ROW("http/1.1 200 OK\r\n\r\n", NULL),
	ROW("RTSP/1.0  200 OK\r\n\r\n", NULL),
#undef ROW
};

TEST(relaxed_responses)
{
	char text[1024];

	for (size_t i = 0; i < NELEM(relaxed_rows); i++) {
		struct h1_try strict, whole, split;

		h1_try_whole(&strict, relaxed_rows[i].in, HTTP_GET);
		CHECK(strict.why != WHY_OK);
		h1_try_relaxed = true;
		h1_try_whole(&whole, relaxed_rows[i].in, HTTP_GET);
		h1_try_split(&split, relaxed_rows[i].in, HTTP_GET, 1);
		h1_try_relaxed = false;
		CHECK_EQ(whole.why, split.why);
		CHECK_EQ(whole.why, relaxed_rows[i].text != NULL ? WHY_OK :
		    strict.why);
		if (relaxed_rows[i].text != NULL) {
			h1_try_text(whole.head, text, sizeof text);
			CHECK_STR(text, relaxed_rows[i].text);
		}
		h1_try_fini(&strict);
		h1_try_fini(&whole);
		h1_try_fini(&split);
	}
}
