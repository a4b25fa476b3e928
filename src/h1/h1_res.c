/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_res - the head of a response (RFC 9112 4, 6).
 */
#include "h1_parse.h"

#define STATUS_LINE_MIN 12      /* "HTTP/1.1 200" */
#define VERSION_N 8             /* of it */

/* Does byte `i` of a status line look like it should? */
static bool
is_status_line_byte(size_t i, char c)
{
	static const char shape[] = "HTTP/1.d sdd";

	return (shape[i] == 'd' ? h1_is_digit(c) :
	    shape[i] == 's' ? h1_is_digit(c) && c != '0' : c == shape[i]);
}

/* Where the first bytes leave the shape of a status line; the end of the
 * input or of the status when they do not. */
static const char *
check_status_line(const char *p, const char *end)
{
	size_t i = 0;

	while (i < STATUS_LINE_MIN && p + i < end &&
	    is_status_line_byte(i, p[i]))
		i++;
	return (p + i);
}

/* "HTTP/1.1 ddd", as nearly always? */
static bool
is_usual_status_line(const char *p, const char *end)
{
	return (end - p >= STATUS_LINE_MIN && memcmp(p, "HTTP/1.1", 8) == 0 &&
	    p[8] == ' ' && h1_is_digit(p[9]) && p[9] != '0' && h1_is_digit(p[10]) &&
	    h1_is_digit(p[11]));
}

/* Relaxed: the version is any word in capitals. */
static enum why
parse_odd_status(struct h1_at *at, struct http_head *h)
{
	enum why why = h1_version_take(at, h);
	const char *p = at->p;

	if (why != WHY_OK)
		return (why);
	for (size_t i = VERSION_N; i < STATUS_LINE_MIN; i++, p++) {
		at->p = p;
		if (p == at->end)
			return (WHY_AGAIN);
		if (!is_status_line_byte(i, *p))
			return (WHY_REQ_BAD);
	}
	at->p = p;
	return (WHY_OK);
}

static enum why
parse_status(struct h1_at *at, struct http_head *h)
{
	const char *p = at->p;

	at->p = is_usual_status_line(p, at->end) ? p + STATUS_LINE_MIN :
	    check_status_line(p, at->end);
	if (at->p < p + STATUS_LINE_MIN)
		return (at->p == at->end ? WHY_AGAIN : WHY_REQ_BAD);
	h->major = 1;
	h->minor = p[7] != '0';
	return (WHY_OK);
}

static inline __attribute__((always_inline)) enum why
parse_status_line(struct h1_at *at, struct http_head *h, const bool relaxed)
{
	enum why why = relaxed ? parse_odd_status(at, h) :
	    parse_status(at, h);
	const char *p = at->p;

	if (why != WHY_OK)
		return (why);
	h->status = (uint16_t)((p[-3] - '0') * 100 + (p[-2] - '0') * 10 +
	    (p[-1] - '0'));
	if (p < at->end && *p == ' ') { /* the reason may be left out */
		at->p = h1_scan_value(at->lo, ++p, at->end);
		if (relaxed)
			at->p = h1_odd_value_end(at->p, at->end);
		h->reason = span_of(p, (size_t)(at->p - p));
	}
	return (h1_line_end(at));
}

/* Where the body ends: RFC 9112 6.3. */
static enum http_body
body_of(const struct http_head *h, enum http_meth meth)
{
	if (h->status == 101)
		return (HTTP_TUNNEL);
	if (h->status < 200 || h->status == 204 || h->status == 304 ||
	    meth == HTTP_HEAD)
		return (HTTP_NO_BODY);
	if (meth == HTTP_CONNECT && h->status < 300)
		return (HTTP_TUNNEL);
	if (http_has(h, HTTP_TRANSFER_ENCODING))
		return (HTTP_CHUNKED);
	if (http_has(h, HTTP_CONTENT_LENGTH))
		return (HTTP_LENGTH);
	return (HTTP_UNTIL_CLOSE);
}

/* Relaxed: codings that say nothing are none, and those that say "chunked" more
 * than once are written anew, as one. */
static void
drop_odd_codings(struct http_head *h, const struct h1_framing *f)
{
	if (!http_has(h, HTTP_TRANSFER_ENCODING))
		return;
	if (f->n_chunked == 0 && f->n_other == 0)
		(void)http_del_known(h, HTTP_TRANSFER_ENCODING, SPAN_NONE);
	for (struct http_hdr *r = h->hdr; r < h->hdr + h->n; r++)
		if (r->id == HTTP_TRANSFER_ENCODING)
			r->raw = false;
}

static inline __attribute__((always_inline)) enum why
parse(struct h1_at *at, struct http_head *h, const bool relaxed)
{
	struct h1_framing f = { 0 };
	enum why why;

	if ((why = parse_status_line(at, h, relaxed)) != WHY_OK ||
	    (why = relaxed ? h1_fields_relax(at, h, &f) :
	    h1_fields_parse(at, h, &f)) != WHY_OK)
		return (why);
	if (relaxed)
		drop_odd_codings(h, &f);
	return (h1_framing_check(h, &f, relaxed));
}

/* What the shared parsers say of a request, said of a response. */
static enum why
of_response(enum why why)
{
	switch (why) {
	case WHY_REQ_BAD:
	case WHY_REQ_TE_UNKNOWN:
		return (WHY_RES_BAD);
	case WHY_REQ_HEAD_LONG:
		return (WHY_RES_HEAD_LONG);
	default:
		return (why);
	}
}

static inline __attribute__((always_inline)) enum why
parse_all(struct span in, size_t *scan, enum http_meth meth,
    struct http_head *h, size_t *used, size_t *bad, bool relaxed)
{
	struct h1_at at = { in.p, in.p, in.p + in.n };
	enum why why;

	http_head_clear(h);
	if ((why = parse(&at, h, relaxed)) != WHY_OK)
		return (h1_stop(&at, of_response(why), scan, bad));
	h->body = (uint8_t)body_of(h, meth);
	*used = (size_t)(at.p - in.p);
	*scan = 0;
	return (WHY_OK);
}

enum why
h1_res_parse(struct span in, size_t *scan, enum http_meth meth,
    struct http_head *h, size_t *used, size_t *bad)
{
	if (h1_is_still_short(in, scan))
		return (WHY_AGAIN);
	return (parse_all(in, scan, meth, h, used, bad, false));
}

enum why __attribute__((cold))
h1_res_relax(enum why why, struct span in, size_t *scan, enum http_meth meth,
    struct http_head *h, size_t *used, size_t *bad)
{
	return (h1_relaxes(why) ? parse_all(in, scan, meth, h, used, bad,
	    true) : why);
}
