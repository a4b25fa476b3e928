/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_TRY_H
#define H1_TRY_H
/*
 * h1_try - parse a head at once, and byte by byte from memory that ends where
 * the bytes end, so that a read too far is seen by the address sanitizer.
 */
#include <stdlib.h>
#include <string.h>

#include <h1/h1.h>

struct h1_try {
	enum why why;
	size_t used, bad, scan;
	struct http_head *head;
	char *copy;
};

/* Also try what options accept-unsafe-violations-in-http-… take? */
static bool h1_try_relaxed;

static inline void
h1_try_parse(struct h1_try *t, struct span in, int meth, size_t *scan)
{
	t->why = meth < 0 ?
	    h1_req_parse(in, scan, t->head, &t->used, &t->bad) :
	    h1_res_parse(in, scan, (enum http_meth)meth, t->head,
	    &t->used, &t->bad);
	if (!h1_try_relaxed || t->why == WHY_OK || t->why == WHY_AGAIN)
		return;
	t->bad = SIZE_MAX;
	t->why = meth < 0 ?
	    h1_req_relax(t->why, in, scan, t->head, &t->used, &t->bad) :
	    h1_res_relax(t->why, in, scan, (enum http_meth)meth, t->head,
	    &t->used, &t->bad);
}

/* h1_try_whole - all bytes in one call; `meth` of the request for responses,
 * -1 parses a request. */
static inline void
h1_try_whole(struct h1_try *t, struct span in, int meth)
{
	t->used = t->scan = 0;
	t->bad = SIZE_MAX;
	t->head = http_head_new();
	t->copy = malloc(in.n + 1);
	memcpy(t->copy, in.p == NULL ? "" : in.p, in.n);
	t->copy = realloc(t->copy, in.n == 0 ? 1 : in.n);
	in.p = t->copy;
	h1_try_parse(t, in, meth, &t->scan);
}

static inline void
h1_try_fini(struct h1_try *t)
{
	http_head_free(t->head);
	free(t->copy);
}

/* h1_try_split - the same with `step` more bytes in each call, each time in
 * memory of its own; stops at the first answer that is not WHY_AGAIN. */
static inline void
h1_try_split(struct h1_try *t, struct span in, int meth, size_t step)
{
	size_t n = 0, scan = 0;

	for (;;) {
		n = in.n - n < step ? in.n : n + step;
		t->used = 0;
		t->bad = SIZE_MAX;
		t->head = http_head_new();
		t->copy = malloc(n == 0 ? 1 : n);
		memcpy(t->copy, in.p == NULL ? "" : in.p, n);
		h1_try_parse(t, span_of(t->copy, n), meth, &scan);
		t->scan = scan;
		if (t->why != WHY_AGAIN || n == in.n)
			return;
		h1_try_fini(t);
	}
}

/* h1_try_text - everything that is in a head, in one line. */
static inline void
h1_try_text(const struct http_head *h, char *out, size_t room)
{
	size_t n;

	n = (size_t)snprintf(out, room, "%.*s|%.*s|%u|%.*s|%u.%u|body%u|%llu|"
	    "%s%s%s%s|", SPAN_FMT(h->method), SPAN_FMT(h->target), h->status,
	    SPAN_FMT(h->reason), h->major, h->minor, h->body,
	    (unsigned long long)h->length, h->close ? "c" : "",
	    h->keep_alive ? "k" : "", h->upgrade ? "u" : "",
	    h->expect_100 ? "e" : "");
	for (const struct http_hdr *r = h->hdr; r < h->hdr + h->n; r++)
		if (n < room && r->name != NULL)
			n += (size_t)snprintf(out + n, room - n, "%.*s=%.*s%s;",
			    (int)r->name_n, r->name, (int)r->value_n, r->value,
			    r->raw ? "" : "~");
}
#endif
