/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_emit - heads, chunk sizes and whole replies as bytes.
 */
#include "h1_parse.h"

#include <base/num.h>

/* A place to write that remembers when it was too small. */
struct out {
	char *p, *end;
	bool full;
};

static inline void
put(struct out *o, const char *p, size_t n)
{
	if ((size_t)(o->end - o->p) < n) {
		o->full = true;
		return;
	}
	memcpy(o->p, p, n);
	o->p += n;
}

static inline void
put_span(struct out *o, struct span s)
{
	if (s.n != 0)
		put(o, s.p, s.n);
}

#define PUT_LIT(o, lit) put((o), "" lit, sizeof(lit) - 1)

static void
put_number(struct out *o, uint64_t v)
{
	char digits[20];

	put(o, digits, num_put(digits, v));
}

static void
put_status(struct out *o, unsigned status, struct span reason)
{
	char digits[4] = {
		(char)('0' + status / 100 % 10),
		(char)('0' + status / 10 % 10),
		(char)('0' + status % 10), ' '
	};

	put(o, digits, sizeof digits);
	put_span(o, reason);
	PUT_LIT(o, "\r\n");
}

static void
put_start_line(struct out *o, const struct http_head *h, unsigned minor)
{
	if (!h->request) {
		if (minor == 0)
			PUT_LIT(o, "HTTP/1.0 ");
		else
			PUT_LIT(o, "HTTP/1.1 ");
		put_status(o, h->status, h->reason);
		return;
	}
	put_span(o, h->method);
	PUT_LIT(o, " ");
	put_span(o, h->target);
	if (minor == 0)
		PUT_LIT(o, " HTTP/1.0\r\n");
	else
		PUT_LIT(o, " HTTP/1.1\r\n");
}

/* ---- rows ---- */

#define BIT(id) (UINT64_C(1) << HTTP_##id)
#define FRAMING_BITS (BIT(CONNECTION) | BIT(KEEP_ALIVE) | \
	BIT(CONTENT_LENGTH) | BIT(TRANSFER_ENCODING))

static inline bool
is_written(const struct http_hdr *r)
{
	return (r->name != NULL && (FRAMING_BITS >> r->id & 1) == 0);
}

static void
put_row(struct out *o, const struct http_hdr *r)
{
	put(o, r->name, r->name_n);
	PUT_LIT(o, ": ");
	put_span(o, span_of(r->value, r->value_n));
	PUT_LIT(o, "\r\n");
}

/* Lines that lie behind each other in the message are one copy. */
static void
put_rows(struct out *o, const struct http_head *h)
{
	const struct http_hdr *r = h->hdr, *end = h->hdr + h->n;
	const char *from, *to;

	while (r < end) {
		if (!is_written(r)) {
			r++;
			continue;
		}
		if (!r->raw) {
			put_row(o, r++);
			continue;
		}
		from = r->name;
		do {
			to = r->value + r->value_n + 2;
			r++;
		} while (r < end && r->raw && r->name == to && is_written(r));
		put(o, from, (size_t)(to - from));
	}
}

/* ---- framing ---- */

static void
put_length(struct out *o, uint64_t length)
{
	PUT_LIT(o, "content-length: ");
	put_number(o, length);
	PUT_LIT(o, "\r\n");
}

/* The answer to HEAD, and 304, say what the body would have been; 1xx and
 * 204 have none to speak of (RFC 9110 8.6, RFC 9112 6.1). */
static void
put_no_body(struct out *o, const struct http_head *h, unsigned minor)
{
	if (h->request || h->status < 200 || h->status == 204)
		return;
	if (http_has(h, HTTP_CONTENT_LENGTH))
		put_length(o, h->length);
	else if (minor != 0 && http_has(h, HTTP_TRANSFER_ENCODING))
		PUT_LIT(o, "transfer-encoding: chunked\r\n");
}

static void
put_framing(struct out *o, const struct http_head *h, const struct h1_emit *e)
{
	switch (e->body) {
	case HTTP_NO_BODY:
		put_no_body(o, h, e->minor);
		break;
	case HTTP_LENGTH:
		put_length(o, h->length);
		break;
	case HTTP_CHUNKED:
		PUT_LIT(o, "transfer-encoding: chunked\r\n");
		break;
	case HTTP_UNTIL_CLOSE:
	case HTTP_TUNNEL:
		break;
	}
}

static void
put_connection(struct out *o, const struct h1_emit *e)
{
	if (e->upgrade && e->close)
		PUT_LIT(o, "connection: upgrade, close\r\n");
	else if (e->upgrade)
		PUT_LIT(o, "connection: upgrade\r\n");
	else if (e->close)
		PUT_LIT(o, "connection: close\r\n");
	else if (e->keep_alive)
		PUT_LIT(o, "connection: keep-alive\r\n");
}

static size_t
written(const struct out *o, const char *dst)
{
	return (o->full ? 0 : (size_t)(o->p - dst));
}

size_t
h1_emit_head(char *dst, size_t size, const struct http_head *h,
    const struct h1_emit *e)
{
	struct out o = { dst, dst + size, false };

	put_start_line(&o, h, e->minor);
	put_rows(&o, h);
	put_framing(&o, h, e);
	put_connection(&o, e);
	PUT_LIT(&o, "\r\n");
	return (written(&o, dst));
}

size_t
h1_emit_chunk(char *dst, uint64_t size)
{
	size_t n = num_puthex(dst, size);

	dst[n] = '\r';
	dst[n + 1] = '\n';
	return (n + 2);
}

/* ---- replies ---- */

/* A reply's values may come from a request by way of a rule: what could end
 * the line early is written as '?'. */
static void
put_safe(struct out *o, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		put(o, http_is_class(s.p[i], HTTP_C_VALUE) ? s.p + i : "?", 1);
}

static void
put_reply_headers(struct out *o, const struct http_reply *r)
{
	for (const struct http_reply_hdr *h = r->hdrs; h != NULL;
	    h = h->next) {
		if (!http_is_token(h->name))
			continue;
		put_span(o, h->name);
		PUT_LIT(o, ": ");
		put_safe(o, h->value);
		PUT_LIT(o, "\r\n");
	}
}

/* Length of the head in a message from a file, which may end its lines with
 * LF alone. */
static size_t
raw_head(struct span raw)
{
	ptrdiff_t crlf = span_search(raw, SPAN("\r\n\r\n"));
	ptrdiff_t lf = span_search(raw, SPAN("\n\n"));

	if (crlf >= 0 && (lf < 0 || crlf < lf))
		return ((size_t)crlf + 4);
	return (lf >= 0 ? (size_t)lf + 2 : raw.n);
}

static bool
has_body(unsigned status)
{
	return (status >= 200 && status != 204 && status != 304);
}

size_t
h1_emit_reply(char *dst, size_t size, const struct http_reply *r, bool close,
    bool keep_alive_10, bool head_only)
{
	struct out o = { dst, dst + size, false };
	const struct h1_emit e = {
		.close = close || r->close, .keep_alive = keep_alive_10
	};

	if (r->raw.p != NULL) {
		put(&o, r->raw.p, head_only ? raw_head(r->raw) : r->raw.n);
		return (written(&o, dst));
	}
	PUT_LIT(&o, "HTTP/1.1 ");
	put_status(&o, r->status,
	    r->reason.n != 0 ? r->reason : http_reason(r->status));
	if (has_body(r->status))
		put_length(&o, r->body.n);
	put_reply_headers(&o, r);
	if (r->content_type.n != 0 && r->body.n != 0) {
		PUT_LIT(&o, "content-type: ");
		put_safe(&o, r->content_type);
		PUT_LIT(&o, "\r\n");
	}
	put_connection(&o, &e);
	PUT_LIT(&o, "\r\n");
	if (!head_only && has_body(r->status))
		put_span(&o, r->body);
	return (written(&o, dst));
}
