/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_emit - heads, chunk sizes and whole replies as bytes.
 */
#include "h1_case.h"
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
put_status_line(struct out *o, unsigned minor, unsigned status,
    struct span reason)
{
	const char head[13] = {
		'H', 'T', 'T', 'P', '/', '1', '.', (char)('0' + minor), ' ',
		(char)('0' + status / 100 % 10),
		(char)('0' + status / 10 % 10),
		(char)('0' + status % 10), ' '
	};
	char *p = o->p;

	if ((size_t)(o->end - p) < sizeof head + reason.n + 2) {
		o->full = true;
		return;
	}
	memcpy(p, head, sizeof head);
	p += sizeof head;
	if (reason.n != 0)
		memcpy(p, reason.p, reason.n);
	p += reason.n;
	memcpy(p, "\r\n", 2);
	o->p = p + 2;
}

static void __attribute__((noinline, cold))
put_odd_status_line(struct out *o, const struct http_head *h)
{
	put_span(o, h->version);
	PUT_LIT(o, " ");
	put_number(o, h->status);
	PUT_LIT(o, " ");
	put_span(o, h->reason);
	PUT_LIT(o, "\r\n");
}

static void
put_old_version(struct out *o, const struct http_head *h)
{
	PUT_LIT(o, " ");
	if (h->version.n != 0)
		put_span(o, h->version);
	else
		PUT_LIT(o, "HTTP/1.0");
	PUT_LIT(o, "\r\n");
}

static void
put_start_line(struct out *o, const struct http_head *h, unsigned minor)
{
	if (!h->request) {
		if (__builtin_expect(minor == 0 && h->version.n != 0, 0)) {
			put_odd_status_line(o, h);
			return;
		}
		put_status_line(o, minor != 0, h->status, h->reason);
		return;
	}
	put_span(o, h->method);
	PUT_LIT(o, " ");
	put_span(o, h->target);
	if (minor == 0)
		put_old_version(o, h);
	else
		PUT_LIT(o, " HTTP/1.1\r\n");
}

/* ---- rows ---- */

#define BIT(id) (UINT64_C(1) << HTTP_##id)
#define CONNECTION_BITS (BIT(CONNECTION) | BIT(KEEP_ALIVE))
#define FRAMING_BITS (BIT(CONTENT_LENGTH) | BIT(TRANSFER_ENCODING))

/*
 * Field names leave in lower case, as in every later version of HTTP: sixteen
 * or eight letters at a time. `p` has `n` bytes of a token (RFC 9110 5.6.2); up
 * to `end` there is memory, so that the last letters are taken in one go, too.
 */
#ifdef __SSE2__
static inline void
lower_16(char *p, size_t n)
{
	static const char ends[32] = {  /* [16 - n]: n bytes of ones */
		[0 ... 15] = -1 };
	const __m128i v = _mm_loadu_si128((const __m128i *)(void *)p);
	const __m128i part = _mm_loadu_si128((const __m128i *)(const void *)
	    (ends + 16 - (n < 16 ? n : 16)));
	/* 'A' to 'Z' become the lowest 26 of all signed numbers */
	const __m128i upper = _mm_cmplt_epi8(
	    _mm_sub_epi8(v, _mm_set1_epi8((char)('A' + 128))),
	    _mm_set1_epi8(-128 + 26));

	_mm_storeu_si128((__m128i *)(void *)p, _mm_or_si128(v, _mm_and_si128(
	    _mm_and_si128(upper, part), _mm_set1_epi8(0x20))));
}
#endif

static inline void
lower_name(char *p, size_t n, const char *end)
{
	uint64_t w, all;

#ifdef __SSE2__
	for (; n > 0 && end - p >= 16; p += 16) {
		lower_16(p, n);
		if (n <= 16)
			return;
		n -= 16;
	}
#endif
	for (; n > 0 && end - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		all = n < 8 ? (UINT64_C(1) << (8 * n)) - 1 : UINT64_MAX;
		w = (w & ~all) | (span_lower8(w) & all);
		memcpy(p, &w, 8);
		if (n <= 8)
			return;
		n -= 8;
	}
	for (; n > 0; p++, n--)
		*p = span_lower(*p);
}

static inline bool
is_written(const struct http_hdr *r, uint64_t skip)
{
	return (r->name != NULL && (skip >> (r->id & 63) & 1) == 0);
}

static void
put_name(struct out *o, const char *name, size_t n)
{
	put(o, name, n);
	if (!o->full)
		lower_name(o->p - n, n, o->end);
}

static void
put_row(struct out *o, const struct http_hdr *r)
{
	char *p = o->p;

	if ((size_t)(o->end - p) < (size_t)r->name_n + r->value_n + 4) {
		o->full = true;
		return;
	}
	memcpy(p, r->name, r->name_n);
	lower_name(p, r->name_n, o->end);
	p += r->name_n;
	memcpy(p, ": ", 2);
	p += 2;
	if (r->value_n != 0)
		memcpy(p, r->value, r->value_n);
	p += r->value_n;
	memcpy(p, "\r\n", 2);
	o->p = p + 2;
}

/* Lines that lie behind each other in the message are one copy. */
static void
put_rows(struct out *o, const struct http_head *h, uint64_t skip)
{
	const struct http_hdr *r = h->hdr, *end = h->hdr + h->n, *run;
	const char *from, *to;
	char *dst;

	while (r < end) {
		if (!is_written(r, skip)) {
			r++;
			continue;
		}
		if (!r->raw) {
			put_row(o, r++);
			continue;
		}
		from = r->name;
		run = r;
		do {
			to = r->value + r->value_n + 2;
			r++;
		} while (r < end && r->raw && r->name == to &&
		    is_written(r, skip));
		dst = o->p;
		put(o, from, (size_t)(to - from));
		if (o->full)
			return;
		for (; run < r; run++)
			lower_name(dst + (run->name - from), run->name_n,
			    o->end);
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
		PUT_LIT(o, "connection: Upgrade, close\r\n");
	else if (e->upgrade)
		PUT_LIT(o, "connection: Upgrade\r\n");
	if (e->upgrade || (!e->close && !e->keep_alive))
		return;
	if (e->proxied)
		PUT_LIT(o, "proxy-");
	if (e->close)
		PUT_LIT(o, "connection: close\r\n");
	else
		PUT_LIT(o, "connection: keep-alive\r\n");
}

static size_t
written(const struct out *o, char *dst, const struct h1_emit *e)
{
	if (o->full)
		return (0);
	if (__builtin_expect(e->spelled, 0))
		h1_case_head(dst, (size_t)(o->p - dst));
	return ((size_t)(o->p - dst));
}

/* The message's own framing field, as it came, when it still says what we
 * would write; it then stays in its place. */
static bool
keeps_framing(const struct http_head *h, const struct h1_emit *e)
{
	enum http_name id = e->body == HTTP_LENGTH ? HTTP_CONTENT_LENGTH :
	    HTTP_TRANSFER_ENCODING;
	const struct http_hdr *r;

	if ((e->body != HTTP_LENGTH && e->body != HTTP_CHUNKED) ||
	    e->body != h->body || (h->known & FRAMING_BITS) != 1u << id)
		return (false);
	r = http_find_only(h, id, SPAN_NONE);
	/* zeros before a length are legal, but not everybody reads them alike */
	if (r == NULL || (id == HTTP_CONTENT_LENGTH && r->value_n > 1 &&
	    r->value[0] == '0'))
		return (false);
	return (r->raw);
}

size_t
h1_emit_head(char *dst, size_t size, const struct http_head *h,
    const struct h1_emit *e)
{
	struct out o = { dst, dst + size, false };
	bool keeps = keeps_framing(h, e);

	put_start_line(&o, h, e->minor);
	put_rows(&o, h, keeps ? CONNECTION_BITS :
	    CONNECTION_BITS | FRAMING_BITS);
	if (!keeps)
		put_framing(&o, h, e);
	put_connection(&o, e);
	PUT_LIT(&o, "\r\n");
	return (written(&o, dst, e));
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
		put_name(o, h->name.p, h->name.n);
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
h1_emit_reply(char *dst, size_t size, const struct http_reply *r,
    const struct h1_emit *emit, bool head_only)
{
	struct out o = { dst, dst + size, false };
	struct h1_emit e = *emit;

	e.close |= r->close;

	if (r->raw.p != NULL) {
		put(&o, r->raw.p, head_only ? raw_head(r->raw) : r->raw.n);
		return (written(&o, dst, &e));
	}
	put_status_line(&o, 1, r->status,
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
	return (written(&o, dst, &e));
}
