/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_req - the head of a request (RFC 9112 2.2, 3, 6).
 *
 * Stricter than RFC 9112 allows a server to be, on purpose: one space between
 * the parts of the request line, CRLF and nothing else ends a line.
 */
#include "h1_parse.h"

static const char version_11[] = "HTTP/1.1";
#define VERSION_N 8

/* Empty lines before a request: left over by old clients (RFC 9112 2.2). */
static enum why
skip_empty_lines(struct h1_at *at)
{
	enum why why;

	while (at->p < at->end && *at->p == '\r')
		if ((why = h1_line_end(at)) != WHY_OK)
			return (why);
	return (WHY_OK);
}

/* Relaxed: fragments and what is no ASCII are part of the target. */
static enum why
find_odd_end(struct h1_at *at, const char *start)
{
	while (at->p < at->end && (*at->p == '#' || (uint8_t)*at->p >= 0x80))
		at->p = h1_scan_target(at->lo, at->p + 1, at->end);
	if (at->p == at->end)
		return (WHY_AGAIN);
	/* at the end of the line: HTTP/0.9, see parse_odd_version() */
	return (at->p != start && (*at->p == ' ' || *at->p == '\r') ?
	    WHY_OK : WHY_REQ_BAD);
}

/* Method and target, each with the space behind it. */
static inline __attribute__((always_inline)) enum why
parse_method_target(struct h1_at *at, struct http_head *h, const bool relaxed)
{
	const char *start = at->p;
	enum why why;

	at->p = h1_scan_token(start, at->end);
	if (at->p == at->end)
		return (WHY_AGAIN);
	if (*at->p != ' ' || at->p == start)
		return (WHY_REQ_BAD);
	h->method = span_of(start, (size_t)(at->p - start));
	h->meth = (uint8_t)http_meth_id(h->method);
	start = ++at->p;
	at->p = h1_scan_target(at->lo, start, at->end);
	if (at->p == at->end)
		return (WHY_AGAIN);
	if (*at->p != ' ' || at->p == start) {
		if (!relaxed)
			return (WHY_REQ_BAD);
		if ((why = find_odd_end(at, start)) != WHY_OK)
			return (why);
	}
	h->target = span_of(start, (size_t)(at->p - start));
	at->p += !relaxed || *at->p == ' ';
	return (WHY_OK);
}

/* Relaxed: any version but that of the preface of HTTP/2, which is none. "GET
 * /path" CRLF is all of a request, one of HTTP/0.9; it keeps major 0. */
static enum why
parse_odd_version(struct h1_at *at, struct http_head *h)
{
	bool none = at->p == at->end || *at->p == '\r';
	enum why why = WHY_OK;

	if (!none || h->meth != HTTP_GET)
		why = h1_version_take(at, h);
	if (why == WHY_OK)
		why = h1_line_end(at);
	if (why == WHY_OK && h->version.n > 0 &&
	    span_eq(h->method, SPAN("PRI")))
		why = WHY_REQ_BAD_VERSION;
	return (why);
}

/* Versions that are well-formed but not ours are told so. Nothing is said
 * about one before all of it is there. */
static inline __attribute__((always_inline)) enum why
parse_version(struct h1_at *at, struct http_head *h, const bool relaxed)
{
	const char *p = at->p;
	size_t n = (size_t)(at->end - p);

	if (n >= VERSION_N + 2 && memcmp(p, "HTTP/1.1\r\n", 10) == 0) {
		h->major = h->minor = 1;        /* nearly always */
		at->p = p + VERSION_N + 2;
		return (WHY_OK);
	}
	if (relaxed)
		return (parse_odd_version(at, h));
	for (size_t i = 0; i < n && i < VERSION_N; i++)
		if (i == 5 || i == 7 ? !h1_is_digit(p[i]) :
		    p[i] != version_11[i]) {
			at->p = p + i;
			return (WHY_REQ_BAD);
		}
	if (n < VERSION_N) {
		at->p = at->end;
		return (WHY_AGAIN);
	}
	h->major = (uint8_t)(p[5] - '0');
	h->minor = p[7] != '0';         /* 1.2 and up are spoken as 1.1 */
	if (h->major != 1) {
		at->p = p + 5;
		return (WHY_REQ_BAD_VERSION);
	}
	at->p = p + VERSION_N;
	return (h1_line_end(at));
}

/* ---- target against Host ---- */

static struct span
default_port(struct span scheme)
{
	if (span_ieq(scheme, SPAN("http")))
		return (SPAN(":80"));
	if (span_ieq(scheme, SPAN("https")))
		return (SPAN(":443"));
	return (SPAN_NONE);
}

static struct span
without(struct span host, struct span tail)
{
	if (tail.n != 0 && span_ends(host, tail))
		host.n -= tail.n;
	return (host);
}

static bool
is_same_host(struct span a, struct span b, struct span port)
{
	return (span_ieq(a, b) || span_ieq(without(a, port), without(b, port)));
}

/*
 * The target names a host and Host does too: they must agree, or the rules
 * would judge another site than the server serves (RFC 9112 3.2.2).
 */
static bool
is_target_fit(const struct http_head *h)
{
	struct http_uri u;
	struct span host;

	if (!http_uri_split((enum http_meth)h->meth, h->target, &u))
		return (false);
	if (u.authority.n == 0)
		return (true);
	for (size_t i = 0; i < u.authority.n; i++)      /* no user info */
		if (!http_is_class(u.authority.p[i], HTTP_C_HOST))
			return (false);
	host = http_get(h, HTTP_HOST);
	if (host.p == NULL)
		return (true);
	if (h->meth == HTTP_CONNECT)
		return (is_same_host(u.authority, host, SPAN(":443")) ||
		    is_same_host(u.authority, host, SPAN(":80")));
	return (is_same_host(u.authority, host, default_port(u.scheme)));
}

static inline __attribute__((always_inline)) enum why
finish(struct h1_at *at, struct http_head *h, const struct h1_framing *f,
    const bool relaxed)
{
	enum why why = h1_framing_check(h, f, relaxed);

	if (why != WHY_OK)
		return (why);
	if ((h->target.p[0] != '/' || h->meth == HTTP_CONNECT) &&
	    !relaxed && !is_target_fit(h)) {
		at->p = h->target.p;
		return (WHY_REQ_BAD);
	}
	if (http_has(h, HTTP_TRANSFER_ENCODING))
		h->body = HTTP_CHUNKED;
	else if (http_has(h, HTTP_CONTENT_LENGTH))
		h->body = HTTP_LENGTH;
	return (f->odd_expect ? WHY_REQ_EXPECT : WHY_OK);
}

static inline __attribute__((always_inline)) enum why
parse(struct h1_at *at, struct http_head *h, const bool relaxed)
{
	struct h1_framing f = { 0 };
	enum why why;

	if ((why = skip_empty_lines(at)) != WHY_OK ||
	    (why = parse_method_target(at, h, relaxed)) != WHY_OK ||
	    (why = parse_version(at, h, relaxed)) != WHY_OK)
		return (why);
	if (relaxed && h->major == 0) { /* goes on as HTTP/1.0 */
		h->major = 1;
		return (WHY_OK);
	}
	if ((why = relaxed ? h1_fields_relax(at, h, &f) :
	    h1_fields_parse(at, h, &f)) != WHY_OK)
		return (why);
	return (finish(at, h, &f, relaxed));
}

static inline __attribute__((always_inline)) enum why
parse_all(struct span in, size_t *scan, struct http_head *h, size_t *used,
    size_t *bad, bool relaxed)
{
	struct h1_at at = { in.p, in.p, in.p + in.n };
	enum why why;

	http_head_clear(h);
	h->request = true;
	if ((why = parse(&at, h, relaxed)) != WHY_OK)
		return (h1_stop(&at, why, scan, bad));
	*used = (size_t)(at.p - in.p);
	*scan = 0;
	return (WHY_OK);
}

enum why
h1_req_parse(struct span in, size_t *scan, struct http_head *h, size_t *used,
    size_t *bad)
{
	if (h1_is_still_short(in, scan))
		return (WHY_AGAIN);
	return (parse_all(in, scan, h, used, bad, false));
}

enum why __attribute__((cold))
h1_req_relax(enum why why, struct span in, size_t *scan, struct http_head *h,
    size_t *used, size_t *bad)
{
	return (h1_relaxes(why) ? parse_all(in, scan, h, used, bad, true) :
	    why);
}

enum why
h1_req_full(struct span in)
{
	while (in.n >= 2 && in.p[0] == '\r' && in.p[1] == '\n')
		in = span_skip(in, 2);
	return (in.n != 0 && span_find(in, '\n') < 0 ? WHY_REQ_URI_LONG :
	    WHY_REQ_HEAD_LONG);
}
