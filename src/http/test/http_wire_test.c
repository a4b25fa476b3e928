/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads that go to another worker: what only accept-unsafe-violations-in-http-…
 * lets pass arrives there, what could end a line does not.
 */
#include <base/must.h>
#include <base/test.h>

#include "../http_wire.c"

static char bytes[4096];

/* Written down with one more row; true when it is read again, into `to`. */
static bool
send_over(struct http_head *from, struct http_head *to, struct arena *a,
    struct span name, struct span value)
{
	struct wire_out out;
	struct wire_in in;

	MUST(http_add_known(from, HTTP_OTHER, name, value));
	wire_out_init(&out, bytes, sizeof bytes);
	http_head_put(from, &out);
	from->n--;
	wire_in_init(&in, span_of(out.p, out.n));
	return (http_head_get(to, &in, a));
}

TEST(odd_heads_arrive)
{
	struct http_head *from = http_head_new(), *to = http_head_new();
	struct arena a;

	arena_init(&a, 65536);
	from->request = true;
	from->major = 1;
	from->method = SPAN("GET");
	from->target = SPAN("/\xe9#f");
	from->version = SPAN("RTSP/1.0");
	CHECK(send_over(from, to, &a, SPAN("X(\0"), SPAN("\0\1")));
	CHECK(span_eq(to->target, from->target));
	CHECK(span_eq(to->version, from->version));
	CHECK_EQ(to->n, 1);
	CHECK(span_eq(span_of(to->hdr[0].name, to->hdr[0].name_n),
	    SPAN("X(\0")));
	CHECK(span_eq(span_of(to->hdr[0].value, to->hdr[0].value_n),
	    SPAN("\0\1")));
	CHECK(!send_over(from, to, &a, SPAN("X"), SPAN("a\r")));
	CHECK(!send_over(from, to, &a, SPAN("X"), SPAN("a\nb")));
	CHECK(!send_over(from, to, &a, SPAN("X:"), SPAN("a")));
	CHECK(!send_over(from, to, &a, SPAN("X\r"), SPAN("a")));
	CHECK(!send_over(from, to, &a, SPAN(""), SPAN("a")));
	from->version = SPAN("RTSP/1.0\r\n");
	CHECK(!send_over(from, to, &a, SPAN("X"), SPAN("a")));
	arena_reset(&a);
	http_head_free(from);
	http_head_free(to);
}
