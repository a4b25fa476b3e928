/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunked bodies: the payload and trailers that come out, whatever the pieces
 * that went in, and framing that is refused.
 */
#include <base/must.h>
#include <base/test.h>

#include "../h1_chunk.c"

struct result {
	enum why why;
	size_t used;            /* bytes of `in` taken in all */
	char data[512], trailers[512];
	size_t data_n, trailers_n;
};

static void
take(struct result *r, struct span in, size_t skip, size_t data)
{
	MUST(skip + data <= in.n && r->data_n + data <= sizeof r->data);
	memcpy(r->data + r->data_n, in.p + skip, data);
	r->data_n += data;
	r->used += skip + data;
}

/* Feed `in` so that each call sees at most `step` new bytes. */
static void
decode(struct result *r, struct span in, size_t step)
{
	struct span trailers = SPAN_NONE;
	struct h1_chunk c;
	size_t seen = 0, skip, data;

	memset(r, 0, sizeof *r);
	h1_chunk_init(&c);
	do {
		seen = in.n - seen < step ? in.n : seen + step;
		do {
			struct span now = span_of(in.p + r->used,
			    seen - r->used);

			r->why = h1_chunk_next(&c, now, &skip, &data,
			    &trailers);
			take(r, now, skip, data);
		} while (r->why == WHY_OK);
	} while (r->why == WHY_AGAIN && seen < in.n);
	if (r->why != WHY_EOF)
		return;
	MUST(trailers.n < sizeof r->trailers);
	r->trailers_n = trailers.n;
	memcpy(r->trailers, trailers.n == 0 ? "" : trailers.p, trailers.n);
}

static const struct row {
	struct span in;
	enum why why;
	const char *data, *trailers;
	size_t left;            /* bytes of `in` that are not ours */
} rows[] = {
	{ SPAN("0\r\n\r\n"), WHY_EOF, "", "", 0 },
	{ SPAN("0\r\n\r\nGET"), WHY_EOF, "", "", 3 },
	{ SPAN("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), WHY_EOF,
	    "hello world", "", 0 },
	{ SPAN("A\r\n0123456789\r\n0\r\n\r\n"), WHY_EOF, "0123456789", "", 0 },
	{ SPAN("00000003\r\nabc\r\n000\r\n\r\n"), WHY_EOF, "abc", "", 0 },
	{ SPAN("3 \t\r\nabc\r\n0\r\n\r\n"), WHY_EOF, "abc", "", 0 },
	{ SPAN("3;a\r\nabc\r\n0;b=c\r\n\r\n"), WHY_EOF, "abc", "", 0 },
	{ SPAN("3 ; a = \"x;\\\"y\" ;b\r\nabc\r\n0\r\n\r\n"), WHY_EOF, "abc",
	    "", 0 },
	{ SPAN("0\r\na: b\r\nc:\td\r\n\r\nx"), WHY_EOF, "",
	    "a: b\r\nc:\td\r\n", 1 },
	/* more to come */
	{ SPAN(""), WHY_AGAIN, "", "", 0 },
	{ SPAN("5"), WHY_AGAIN, "", "", 0 },
	{ SPAN("5\r\nhel"), WHY_AGAIN, "hel", "", 0 },
	{ SPAN("5\r\nhello"), WHY_AGAIN, "hello", "", 0 },
	{ SPAN("5\r\nhello\r"), WHY_AGAIN, "hello", "", 0 },
	{ SPAN("0\r\n\r"), WHY_AGAIN, "", "", 1 },
	{ SPAN("0\r\na: b\r\n"), WHY_AGAIN, "", "", 6 },
	{ SPAN("7fffffffffffffff\r\nx"), WHY_AGAIN, "x", "", 0 },
	/* refused */
	{ SPAN("\r\n"), WHY_REQ_BAD, "", "", 2 },
	{ SPAN(" 5\r\n"), WHY_REQ_BAD, "", "", 4 },
	{ SPAN("-5\r\n"), WHY_REQ_BAD, "", "", 4 },
	{ SPAN("+5\r\n"), WHY_REQ_BAD, "", "", 4 },
	{ SPAN("0x5\r\n"), WHY_REQ_BAD, "", "", 4 },
	{ SPAN("5 5\r\n"), WHY_REQ_BAD, "", "", 3 },
	{ SPAN("g\r\n"), WHY_REQ_BAD, "", "", 3 },
	{ SPAN("8000000000000000\r\n"), WHY_REQ_BAD, "", "", 3 },
	{ SPAN("10000000000000000\r\n"), WHY_REQ_BAD, "", "", 3 },
	{ SPAN("00000000000000001\r\n"), WHY_REQ_BAD, "", "", 3 },
	{ SPAN("3\nabc\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("3\rabc\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("3;a\nabc\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("3;a=\"b\r\nabc\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("3;a=\"b\\\r\nabc\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("3;a\0\r\nabc\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("3;\x7f\r\nabc\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("3\r\nabcd\r\n"), WHY_REQ_BAD, "abc", "", 0 },
	{ SPAN("3\r\nabc\n0\r\n"), WHY_REQ_BAD, "abc", "", 0 },
	{ SPAN("3\r\nabc\rx"), WHY_REQ_BAD, "abc", "", 0 },
	{ SPAN("3\r\nabc0\r\n"), WHY_REQ_BAD, "abc", "", 0 },
	{ SPAN("0\r\n\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("0\r\n\rx"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("0\r\na : b\r\n\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("0\r\n a: b\r\n\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("0\r\nab\r\n\r\n"), WHY_REQ_BAD, "", "", 0 },
	{ SPAN("0\r\na: b\n\r\n"), WHY_REQ_BAD, "", "", 0 },
};

TEST(bodies_in_pieces_of_every_size)
{
	struct result r;

	for (size_t i = 0; i < NELEM(rows); i++)
		for (size_t step = 1; step <= rows[i].in.n + 1; step++) {
			int good;

			decode(&r, rows[i].in, step);
			good = CHECK_EQ(r.why, rows[i].why);
			good &= CHECK_MEM(r.data, r.data_n, rows[i].data,
			    strlen(rows[i].data));
			good &= CHECK_MEM(r.trailers, r.trailers_n,
			    rows[i].trailers, strlen(rows[i].trailers));
			if (rows[i].why != WHY_REQ_BAD)
				good &= CHECK_EQ(r.used,
				    rows[i].in.n - rows[i].left);
			if (!good)
				printf("    row %zu step %zu: %.*s\n", i, step,
				    SPAN_FMT(rows[i].in));
		}
}

TEST(extensions_are_bounded)
{
	static char in[EXT_BYTES_MAX + 16];
	struct result r;

	memset(in, 'a', sizeof in);
	in[0] = '0';
	in[1] = ';';
	memcpy(in + 1 + EXT_BYTES_MAX, "\r\n\r\n", 4);
	decode(&r, span_of(in, EXT_BYTES_MAX + 5), SIZE_MAX);
	CHECK_EQ(r.why, WHY_EOF);
	in[1 + EXT_BYTES_MAX] = 'a';
	decode(&r, span_of(in, EXT_BYTES_MAX + 2), SIZE_MAX);
	CHECK_EQ(r.why, WHY_REQ_BAD);
}

TEST(trailers_that_may_be_forwarded)
{
	CHECK(h1_trailers_ok(SPAN("")));
	CHECK(h1_trailers_ok(SPAN("x-sum: 1\r\nETag: a\r\n")));
	CHECK(!h1_trailers_ok(SPAN("x-sum: 1\r\nhost: a\r\n")));
	CHECK(!h1_trailers_ok(SPAN("Content-Length: 1\r\n")));
	CHECK(!h1_trailers_ok(SPAN("transfer-encoding: chunked\r\n")));
	CHECK(!h1_trailers_ok(SPAN("authorization: a\r\n")));
	CHECK(!h1_trailers_ok(SPAN("a: b")));
	CHECK(!h1_trailers_ok(SPAN("a b: c\r\n")));
	CHECK(!h1_trailers_ok(SPAN("\r\n")));
}

TEST(a_made_up_state_is_refused)
{
	struct h1_chunk c = { .left = 1, .state = 200 };
	size_t skip, data;

	CHECK_EQ(h1_chunk_next(&c, SPAN("abc"), &skip, &data, NULL),
	    WHY_REQ_BAD);
	CHECK_EQ(skip + data, 0);
}

/* What a body of chunks becomes when it is merged whenever `step` more bytes
 * came: the same payload, in a piece, and the same end. */
static void
merge(struct result *r, const struct row *row, size_t step)
{
	char buf[512];
	size_t n = 0, seen = 0, here = 0, skip, data;
	struct span trailers = SPAN_NONE;
	struct h1_chunk c;

	memset(r, 0, sizeof *r);
	h1_chunk_init(&c);
	do {
		size_t more = row->in.n - seen < step ? row->in.n - seen : step;

		memcpy(buf + n, row->in.p + seen, more);
		n += more;
		seen += more;
		r->why = h1_chunk_merge(&c, buf, &n, &here);
		MUST(here <= n);
	} while (r->why == WHY_AGAIN && seen < row->in.n);
	memcpy(r->data, buf, here);
	r->data_n = here;
	if (here > 0) {                 /* shown by the usual way */
		CHECK_EQ(h1_chunk_next(&c, span_of(buf, n), &skip, &data,
		    NULL), WHY_OK);
		CHECK_EQ(skip, 0);
		CHECK_EQ(data, here);
	}
	r->why = h1_chunk_next(&c, span_of(buf + here, n - here), &skip, &data,
	    &trailers);
	if (r->why != WHY_EOF)
		return;
	r->trailers_n = trailers.n;
	memcpy(r->trailers, trailers.n == 0 ? "" : trailers.p, trailers.n);
}

TEST(merged_chunks_are_the_same_body_in_a_piece)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		for (size_t step = 1; step <= rows[i].in.n; step++) {
			struct result r;

			merge(&r, &rows[i], step);
			if (!CHECK_EQ(r.why, rows[i].why) ||
			    !CHECK_MEM(r.data, r.data_n, rows[i].data,
			    strlen(rows[i].data)) ||
			    !CHECK_MEM(r.trailers, r.trailers_n,
			    rows[i].trailers, strlen(rows[i].trailers)))
				printf("row %zu, step %zu\n", i, step);
		}
	}
}

TEST(a_chunk_that_is_still_coming_is_merged_as_far_as_it_is_here)
{
	char buf[] = "3\r\nabc\r\n8\r\ndefg";
	size_t n = sizeof buf - 1, here;
	struct h1_chunk c;

	h1_chunk_init(&c);
	CHECK_EQ(h1_chunk_merge(&c, buf, &n, &here), WHY_AGAIN);
	CHECK_SPAN(span_of(buf, here), "abcdefg");
	CHECK_EQ(n, here);
	CHECK_EQ(c.left, 11);
	CHECK_EQ(c.state, H1_CHUNK_DATA);
}
