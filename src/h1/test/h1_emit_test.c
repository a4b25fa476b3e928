/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and replies as they go out, byte for byte. */
#include <base/must.h>
#include <base/test.h>

#include "h1_try.h"

#include "../h1_emit.c"

static char out[4096];

/* Parse, write, compare; and no size that is too small is accepted. */
static void
check_emit(struct span in, int meth, struct h1_emit e, struct span want)
{
	struct h1_try t;
	size_t n;

	h1_try_whole(&t, in, meth);
	CHECK_EQ(t.why, WHY_OK);
	n = h1_emit_head(out, sizeof out, t.head, &e);
	CHECK_MEM(out, n, want.p, want.n);
	for (size_t size = 0; size < want.n; size++)
		if (h1_emit_head(out, size, t.head, &e) != 0)
			CHECK_EQ(size, want.n);
	CHECK_EQ(h1_emit_head(out, want.n, t.head, &e), want.n);
	h1_try_fini(&t);
}

#define EMIT(in, meth, e, want) \
	check_emit(SPAN(in), meth, (struct h1_emit)e, SPAN(want))
#define E(...) { .minor = 1, __VA_ARGS__ }
#define E10(...) { __VA_ARGS__ }

TEST(request_heads)
{
	EMIT("GET /x HTTP/1.1\r\nHost: a\r\nA:b\r\nC:  d \r\nE: f\r\n\r\n", -1,
	    E(.body = HTTP_NO_BODY),
	    "GET /x HTTP/1.1\r\nhost: a\r\na: b\r\nc: d\r\ne: f\r\n\r\n");
	EMIT("PUT / HTTP/1.1\r\nA: b\r\ncontent-length: 007\r\nC: d\r\n\r\n",
	    -1, E(.body = HTTP_LENGTH, .close = true),
	    "PUT / HTTP/1.1\r\na: b\r\nc: d\r\ncontent-length: 7\r\n"
	    "connection: close\r\n\r\n");
	EMIT("PUT / HTTP/1.1\r\nA: b\r\nContent-Length: 7\r\nC: d\r\n\r\n",
	    -1, E(.body = HTTP_LENGTH),
	    "PUT / HTTP/1.1\r\na: b\r\ncontent-length: 7\r\nc: d\r\n\r\n");
	EMIT("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
	    "Connection: keep-alive\r\nKeep-Alive: 5\r\n\r\n", -1,
	    E(.body = HTTP_CHUNKED),
	    "PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n");
	EMIT("GET / HTTP/1.0\r\nA: b\r\n\r\n", -1,
	    E10(.keep_alive = true),
	    "GET / HTTP/1.0\r\na: b\r\nconnection: keep-alive\r\n\r\n");
	EMIT("GET / HTTP/1.1\r\nUpgrade: ws\r\nConnection: upgrade\r\n\r\n", -1,
	    E(.upgrade = true),
	    "GET / HTTP/1.1\r\nupgrade: ws\r\nconnection: Upgrade\r\n\r\n");
	EMIT("GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", -1,
	    E(.body = HTTP_LENGTH),
	    "GET / HTTP/1.1\r\ncontent-length: 0\r\n\r\n");
}

TEST(response_heads)
{
	EMIT("HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\n", HTTP_GET,
	    E(.body = HTTP_LENGTH),
	    "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 5\r\n\r\n");
	EMIT("HTTP/1.1 200\r\n\r\n", HTTP_GET, E(.body = HTTP_UNTIL_CLOSE,
	    .close = true),
	    "HTTP/1.1 200 \r\nconnection: close\r\n\r\n");
	/* without body, but it would have one */
	EMIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_HEAD,
	    E(.body = HTTP_NO_BODY),
	    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
	EMIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	    HTTP_HEAD, E(.body = HTTP_NO_BODY),
	    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
	EMIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	    HTTP_HEAD, E10(.body = HTTP_NO_BODY),
	    "HTTP/1.0 200 OK\r\n\r\n");
	EMIT("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", HTTP_GET,
	    E(.body = HTTP_NO_BODY),
	    "HTTP/1.1 304 x\r\ncontent-length: 5\r\n\r\n");
	EMIT("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", HTTP_GET,
	    E(.body = HTTP_NO_BODY), "HTTP/1.1 204 x\r\n\r\n");
	EMIT("HTTP/1.1 103 x\r\nLink: y\r\n\r\n", HTTP_GET,
	    E(.body = HTTP_NO_BODY), "HTTP/1.1 103 x\r\nlink: y\r\n\r\n");
}

TEST(edited_rows)
{
	const struct span in = SPAN("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\n"
	    "D: 4\r\n\r\n");
	const struct span want = SPAN("GET / HTTP/1.1\r\na: 1\r\nc: 3\r\n"
	    "d: 4\r\nx: 5\r\n\r\n");
	const struct h1_emit e = { .minor = 1 };
	struct h1_try t;

	h1_try_whole(&t, in, -1);
	CHECK_EQ(http_del(t.head, HTTP_OTHER, SPAN("b")), 1);
	CHECK(http_add(t.head, SPAN("X"), SPAN("5")));
	CHECK_MEM(out, h1_emit_head(out, sizeof out, t.head, &e), want.p,
	    want.n);
	h1_try_fini(&t);
}

TEST(chunk_sizes)
{
	CHECK_MEM(out, h1_emit_chunk(out, 0), "0\r\n", 3);
	CHECK_MEM(out, h1_emit_chunk(out, 4096), "1000\r\n", 6);
	CHECK_MEM(out, h1_emit_chunk(out, UINT64_MAX),
	    "ffffffffffffffff\r\n", H1_CHUNK_HEAD_MAX);
}

static size_t
emit_reply(char *dst, size_t size, const struct http_reply *r, bool close,
    bool keep_alive, bool head_only)
{
	const struct h1_emit e = { .close = close, .keep_alive = keep_alive };

	return (h1_emit_reply(dst, size, r, &e, head_only));
}

#define REPLY(r, close, ka, head, want)                                      \
	CHECK_MEM(out, emit_reply(out, sizeof out, r, close, ka, head),   \
	    want, sizeof(want) - 1)

TEST(replies)
{
	struct http_reply_hdr two = { NULL, SPAN("X"), SPAN("a\r\nb: c") };
	struct http_reply_hdr one = { &two, SPAN("A b"), SPAN("never") };
	const struct http_reply r = {
		.status = 200, .content_type = SPAN("text/plain"),
		.body = SPAN("hi"), .hdrs = &one
	};
	const struct http_reply empty = { .status = 404, .close = true };
	const struct http_reply none = { .status = 204, .body = SPAN("x") };
	const struct http_reply raw = {
		.status = 503, .raw = SPAN("HTTP/1.0 503 x\r\na: b\n\nbody")
	};

	REPLY(&r, false, false, false, "HTTP/1.1 200 OK\r\n"
	    "content-length: 2\r\nx: a??b: c\r\ncontent-type: text/plain\r\n"
	    "\r\nhi");
	REPLY(&r, false, true, true, "HTTP/1.1 200 OK\r\n"
	    "content-length: 2\r\nx: a??b: c\r\ncontent-type: text/plain\r\n"
	    "connection: keep-alive\r\n\r\n");
	REPLY(&empty, false, true, false, "HTTP/1.1 404 Not Found\r\n"
	    "content-length: 0\r\nconnection: close\r\n\r\n");
	REPLY(&none, true, false, false, "HTTP/1.1 204 No Content\r\n"
	    "connection: close\r\n\r\n");
	REPLY(&raw, true, false, false, "HTTP/1.0 503 x\r\na: b\n\nbody");
	REPLY(&raw, true, false, true, "HTTP/1.0 503 x\r\na: b\n\n");
	CHECK_EQ(emit_reply(out, 40, &r, false, false, false), 0);
}

TEST(default_replies_can_be_parsed)
{
	static const unsigned all[] = { 400, 408, 500, 502, 503, 504 };

	for (size_t i = 0; i < NELEM(all); i++) {
		const struct http_reply *r = http_reply_default(all[i]);
		size_t n = emit_reply(out, sizeof out, r, true, false, false);
		struct h1_try t;

		h1_try_whole(&t, span_of(out, n), HTTP_GET);
		CHECK_EQ(t.why, WHY_OK);
		CHECK_EQ(t.head->status, all[i]);
		CHECK(t.head->close);
		CHECK_EQ(t.head->length, n - t.used);
		CHECK_SPAN(http_get(t.head, HTTP_CACHE_CONTROL), "no-cache");
		h1_try_fini(&t);
	}
}
