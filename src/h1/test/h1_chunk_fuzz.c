/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_chunk_next() over any bytes: pieces of every size give the same payload,
 * the same trailers and the same answer; a payload written as chunks again
 * reads back as itself.
 */
#include <base/must.h>
#include <h1/h1.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct body {
	enum why why;
	size_t used, n;
	char *data;
	struct span trailers;
};

static void
decode(struct body *b, struct span in, size_t step)
{
	struct h1_chunk c;
	size_t seen = 0, skip, data;

	memset(b, 0, sizeof *b);
	b->data = malloc(in.n + 1);
	h1_chunk_init(&c);
	do {
		seen = in.n - seen < step ? in.n : seen + step;
		do {
			size_t m = seen - b->used;
			char *now = malloc(m == 0 ? 1 : m);
			struct span t = SPAN_NONE;

			memcpy(now, in.p + b->used, m);
			b->why = h1_chunk_next(&c, span_of(now, m), &skip,
			    &data, &t);
			MUST(skip <= m && data <= m - skip);
			MUST(data == 0 || b->why == WHY_OK);
			MUST(data != 0 || b->why != WHY_OK);
			memcpy(b->data + b->n, now + skip, data);
			if (t.n != 0) {
				MUST(b->why == WHY_EOF && t.p >= now &&
				    t.p + t.n <= now + skip);
				b->trailers = span_of(in.p + b->used +
				    (t.p - now), t.n);
			}
			b->n += data;
			b->used += skip + data;
			free(now);
		} while (b->why == WHY_OK);
	} while (b->why == WHY_AGAIN && seen < in.n);
}

/* One chunk with all of it, and the trailers behind. */
static void
encode_and_compare(const struct body *b)
{
	char *out = malloc(H1_CHUNK_HEAD_MAX + b->n + 8 + b->trailers.n);
	struct body again;
	size_t n = 0;

	if (b->n != 0) {
		n = h1_emit_chunk(out, b->n);
		memcpy(out + n, b->data, b->n);
		memcpy(out + n + b->n, "\r\n", 2);
		n += b->n + 2;
	}
	n += h1_emit_chunk(out + n, 0);
	if (b->trailers.n != 0)
		memcpy(out + n, b->trailers.p, b->trailers.n);
	n += b->trailers.n;
	memcpy(out + n, "\r\n", 2);
	decode(&again, span_of(out, n + 2), SIZE_MAX);
	MUST(again.why == WHY_EOF && again.used == n + 2);
	MUST(again.n == b->n && memcmp(again.data, b->data, b->n) == 0);
	MUST(span_eq(again.trailers, b->trailers));
	free(again.data);
	free(out);
}

/* Merged in place, the same payload is in a piece. */
static void
merge_and_compare(const struct body *b, struct span in)
{
	char *p = malloc(in.n + 1);
	size_t n = in.n, here;
	struct h1_chunk c;
	enum why why;

	memcpy(p, in.n == 0 ? "" : in.p, in.n);
	h1_chunk_init(&c);
	why = h1_chunk_merge(&c, p, &n, &here);
	MUST(why == b->why && here <= n && n <= in.n);
	MUST(here == b->n && memcmp(p, b->data, here) == 0);
	free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span in = span_of((const char *)bytes, n);
	struct body whole, split;

	decode(&whole, in, SIZE_MAX);
	decode(&split, in, n < 512 ? 1 : n / 64);
	MUST(whole.why == split.why && whole.used == split.used);
	MUST(whole.n == split.n &&
	    memcmp(whole.data, split.data, whole.n) == 0);
	MUST(span_eq(whole.trailers, split.trailers));
	merge_and_compare(&whole, in);
	if (whole.why == WHY_EOF) {
		(void)h1_trailers_ok(whole.trailers);
		encode_and_compare(&whole);
	}
	free(whole.data);
	free(split.data);
	return (0);
}
