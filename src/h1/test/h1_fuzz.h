/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_FUZZ_H
#define H1_FUZZ_H
/*
 * h1_fuzz - what must hold for every head, whatever the bytes: slices lie in
 * the input, pieces give the same answer as the whole, and what is written
 * reads back as the same message.
 */
#include <base/must.h>

#include <stdio.h>

#include "h1_try.h"

#define H1_FUZZ_TEXT 65536

static inline void
h1_fuzz_inside(struct span in, struct span slice)
{
	MUST(slice.n == 0 || (slice.p >= in.p &&
	    slice.p + slice.n <= in.p + in.n));
}

/* Nothing in a field can end its line, or its name early. */
static inline bool
h1_fuzz_on_line(struct span name, struct span value)
{
	if (!h1_try_relaxed)
		return (http_is_token(name) && http_is_field_value(value));
	return (name.n != 0 && span_find(name, ':') < 0 &&
	    span_find(name, '\r') < 0 && span_find(name, '\n') < 0 &&
	    span_find(value, '\r') < 0 && span_find(value, '\n') < 0);
}

static inline void
h1_fuzz_slices(const struct h1_try *t)
{
	struct span in = span_of(t->copy, t->used);
	const struct http_head *h = t->head;

	MUST(h->n <= h->cap - HTTP_SPARE_ROWS);
	h1_fuzz_inside(in, h->method);
	h1_fuzz_inside(in, h->target);
	h1_fuzz_inside(in, h->reason);
	for (const struct http_hdr *r = h->hdr; r < h->hdr + h->n; r++) {
		struct span value = span_of(r->value, r->value_n);

		if (r->name == NULL)
			continue;
		h1_fuzz_inside(in, span_of(r->name, r->name_n));
		h1_fuzz_inside(in, value);
		MUST(h1_fuzz_on_line(span_of(r->name, r->name_n), value));
		MUST(span_eq(span_trim(value), value));
		MUST(r->id == http_name_id(span_of(r->name, r->name_n)));
		MUST(r->id >= 32 || http_has(h, (enum http_name)r->id));
		if (r->raw)
			MUST(r->name[r->name_n] == ':' &&
			    r->name[r->name_n + 1] == ' ' &&
			    r->name + r->name_n + 2 == r->value &&
			    memcmp(r->value + r->value_n, "\r\n", 2) == 0);
	}
}

/* A field as text; its name in lower case, as names are written that way. */
static inline size_t
h1_fuzz_field(char *out, size_t size, const struct http_hdr *r)
{
	for (size_t i = 0; i < r->name_n && i < size; i++)
		out[i] = span_lower(r->name[i]);
	if (r->name_n >= size) {
		out[size - 1] = '\0';
		return (size);
	}
	return (r->name_n + (size_t)snprintf(out + r->name_n,
	    size - r->name_n, "=%.*s;", (int)r->value_n, r->value));
}

/* Everything but the framing rows, which the writer makes itself. */
static inline void
h1_fuzz_text(const struct http_head *h, char *out)
{
	size_t n = (size_t)snprintf(out, H1_FUZZ_TEXT, "%.*s|%.*s|%u|%.*s|%u|"
	    "%llu|", SPAN_FMT(h->method), SPAN_FMT(h->target), h->status,
	    SPAN_FMT(h->reason), h->body, (unsigned long long)h->length);

	for (const struct http_hdr *r = h->hdr; r < h->hdr + h->n; r++)
		if (r->name != NULL && n < H1_FUZZ_TEXT &&
		    r->id != HTTP_CONTENT_LENGTH && r->id != HTTP_KEEP_ALIVE &&
		    r->id != HTTP_TRANSFER_ENCODING && r->id != HTTP_CONNECTION)
			n += h1_fuzz_field(out + n, H1_FUZZ_TEXT - n, r);
}

/* Written and read twice, both texts are the same. */
static inline void
h1_fuzz_again(const struct h1_try *t, int meth)
{
	static char out[H1_FUZZ_TEXT], a[H1_FUZZ_TEXT], b[H1_FUZZ_TEXT];
	const struct http_head *h = t->head;
	const struct h1_emit e = {
		.body = (enum http_body)h->body, .close = h->close,
		.keep_alive = h->keep_alive, .upgrade = h->upgrade,
		.minor = h->minor
	};
	size_t n = h1_emit_head(out, sizeof out, h, &e);
	struct h1_try again;

	MUST(n != 0 || t->used > H1_FUZZ_TEXT / 2);
	if (n == 0)
		return;
	h1_try_whole(&again, span_of(out, n), meth);
	MUST(again.why == WHY_OK && again.used == n);
	h1_fuzz_text(h, a);
	h1_fuzz_text(again.head, b);
	/* a length means nothing to a tunnel, 1xx and 204: it is lost there */
	if (h->request || (h->status != 204 && h->status >= 200 &&
	    h->body != HTTP_TUNNEL))
		MUST(strcmp(a, b) == 0);
	MUST(h1_emit_head(a, sizeof a, again.head, &e) == n &&
	    memcmp(a, out, n) == 0);
	h1_try_fini(&again);
}

static inline void
h1_fuzz_pieces(struct span in, size_t step, int meth)
{
	struct h1_try whole, split;

	h1_try_whole(&whole, in, meth);
	h1_try_split(&split, in, meth, step);
	/* a short head may turn out wrong only when its line is complete */
	if (split.why == WHY_AGAIN && whole.why != WHY_AGAIN)
		MUST(whole.bad != SIZE_MAX && memchr(in.p + whole.bad, '\n',
		    in.n - whole.bad) == NULL);
	else
		MUST(split.why == whole.why && split.used == whole.used &&
		    split.bad == whole.bad);
	MUST(whole.bad == SIZE_MAX || whole.bad <= in.n);
	if (whole.why == WHY_OK) {
		MUST(whole.used <= in.n);
		h1_fuzz_slices(&whole);
		h1_fuzz_again(&whole, meth);
	}
	h1_try_fini(&whole);
	h1_try_fini(&split);
}

/* What a strict parser takes means the same to a relaxed one. */
static inline void
h1_fuzz_same(struct span in, int meth)
{
	static char a[H1_FUZZ_TEXT], b[H1_FUZZ_TEXT];
	struct h1_try strict, relaxed;
	size_t scan = 0;

	h1_try_relaxed = false;
	h1_try_whole(&strict, in, meth);
	h1_try_whole(&relaxed, in, meth);
	if (strict.why == WHY_OK) {
		relaxed.why = meth < 0 ? h1_req_relax(WHY_REQ_BAD,
		    span_of(relaxed.copy, in.n), &scan, relaxed.head,
		    &relaxed.used, &relaxed.bad) : h1_res_relax(WHY_RES_BAD,
		    span_of(relaxed.copy, in.n), &scan, (enum http_meth)meth,
		    relaxed.head, &relaxed.used, &relaxed.bad);
		MUST(relaxed.why == WHY_OK && relaxed.used == strict.used);
		h1_fuzz_text(strict.head, a);
		h1_fuzz_text(relaxed.head, b);
		MUST(strcmp(a, b) == 0);
		MUST(strict.head->minor == relaxed.head->minor);
	}
	h1_try_fini(&strict);
	h1_try_fini(&relaxed);
}

static inline void
h1_fuzz_head(struct span in, size_t step, int meth)
{
	h1_fuzz_same(in, meth);
	for (int relaxed = 0; relaxed < 2; relaxed++) {
		h1_try_relaxed = relaxed != 0;
		h1_fuzz_pieces(in, step, meth);
	}
}
#endif
