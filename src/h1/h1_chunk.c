/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_chunk - the chunked coding (RFC 9112 7.1), a machine over the framing
 * bytes that can stop behind any of them.
 *
 * The framing is never forwarded: chunks are written anew. So blanks behind a
 * size, which some senders pad with, and extensions are harmless and dropped;
 * a line end that is not CRLF or a size of many digits is not.
 */
#include "h1_parse.h"

#define DIGITS_MAX 16
#define EXT_BYTES_MAX 4096

/* Inside an extension `digits` has done its duty and says where we are. */
enum {
	EXT_BLANK = 0,          /* blanks behind the size so far */
	EXT_PLAIN = 1,
	EXT_QUOTED = 2,
	EXT_ESCAPED = 3         /* behind a backslash in quotes */
};

void
h1_chunk_init(struct h1_chunk *c)
{
	memset(c, 0, sizeof *c);
}

static int
hex_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return (ch - '0');
	ch |= 0x20;
	return (ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1);
}

static enum why
step_size(struct h1_chunk *c, struct h1_at *at)
{
	int v;

	for (; at->p < at->end; at->p++) {
		if ((v = hex_value(*at->p)) < 0)
			break;
		if (c->digits >= DIGITS_MAX || c->left > INT64_MAX >> 4)
			return (WHY_REQ_BAD);
		c->left = c->left << 4 | (unsigned)v;
		c->digits++;
	}
	if (at->p == at->end)
		return (WHY_AGAIN);
	if (c->digits == 0)
		return (WHY_REQ_BAD);
	c->digits = EXT_BLANK;
	c->ext_bytes = 0;
	c->state = H1_CHUNK_EXT;
	return (WHY_OK);
}

/* The next place in an extension, or -1 for a byte that cannot be there. */
static int
ext_move(unsigned place, char ch)
{
	if (!http_is_class(ch, HTTP_C_VALUE))
		return (-1);
	switch (place) {
	case EXT_BLANK:
		return (ch == ';' ? EXT_PLAIN : h1_is_blank(ch) ? EXT_BLANK :
		    -1);
	case EXT_PLAIN:
		return (ch == '"' ? EXT_QUOTED : EXT_PLAIN);
	case EXT_QUOTED:
		return (ch == '"' ? EXT_PLAIN : ch == '\\' ? EXT_ESCAPED :
		    EXT_QUOTED);
	default:
		return (EXT_QUOTED);
	}
}

static enum why
step_ext(struct h1_chunk *c, struct h1_at *at)
{
	int place;

	for (; at->p < at->end && *at->p != '\r'; at->p++) {
		if (c->ext_bytes >= EXT_BYTES_MAX ||
		    (place = ext_move(c->digits, *at->p)) < 0)
			return (WHY_REQ_BAD);
		c->digits = (uint8_t)place;
		c->ext_bytes++;
	}
	if (at->p == at->end)
		return (WHY_AGAIN);
	if (c->digits > EXT_PLAIN)      /* the quote was not closed */
		return (WHY_REQ_BAD);
	at->p++;
	c->state = H1_CHUNK_SIZE_LF;
	return (WHY_OK);
}

static enum why
step_byte(struct h1_chunk *c, struct h1_at *at, char want, unsigned next)
{
	if (at->p == at->end)
		return (WHY_AGAIN);
	if (*at->p != want)
		return (WHY_REQ_BAD);
	at->p++;
	c->state = (uint8_t)next;
	return (WHY_OK);
}

/* All of the trailer section with its empty line, or nothing. */
static enum why
step_trailer(struct h1_chunk *c, struct h1_at *at, struct span *trailers)
{
	struct h1_at t = *at;
	struct h1_line line;
	enum why why;
	size_t n;

	while (t.p < t.end && *t.p != '\r')
		if ((why = h1_line_parse(&t, &line, false)) != WHY_OK)
			return (why);
	n = (size_t)(t.p - at->p);
	if ((why = h1_line_end(&t)) != WHY_OK)
		return (why);
	if (trailers != NULL)
		*trailers = span_of(at->p, n);
	at->p = t.p;
	c->state = H1_CHUNK_DONE;
	return (WHY_OK);
}

static enum why
step(struct h1_chunk *c, struct h1_at *at, struct span *trailers)
{
	switch (c->state) {
	case H1_CHUNK_SIZE:
		return (step_size(c, at));
	case H1_CHUNK_EXT:
		return (step_ext(c, at));
	case H1_CHUNK_SIZE_LF:
		c->digits = 0;
		return (step_byte(c, at, '\n', c->left != 0 ? H1_CHUNK_DATA :
		    H1_CHUNK_TRAILER));
	case H1_CHUNK_DATA_CR:
		return (step_byte(c, at, '\r', H1_CHUNK_DATA_LF));
	case H1_CHUNK_DATA_LF:
		return (step_byte(c, at, '\n', H1_CHUNK_SIZE));
	case H1_CHUNK_TRAILER:
		return (step_trailer(c, at, trailers));
	default:                        /* a state that a hand-over made up */
		return (WHY_REQ_BAD);
	}
}

enum why
h1_chunk_next(struct h1_chunk *c, struct span in, size_t *skip, size_t *data,
    struct span *trailers)
{
	const char *p = in.n != 0 ? in.p : "";
	struct h1_at at = { p, p, p + in.n };
	enum why why = WHY_OK;
	size_t n;

	*data = 0;
	while (why == WHY_OK && c->state != H1_CHUNK_DATA &&
	    c->state != H1_CHUNK_DONE)
		why = step(c, &at, trailers);
	*skip = (size_t)(at.p - p);
	if (why != WHY_OK)
		return (why);
	if (c->state == H1_CHUNK_DONE)
		return (WHY_EOF);
	if ((n = in.n - *skip) == 0)
		return (WHY_AGAIN);
	*data = n < c->left ? n : (size_t)c->left;
	c->left -= *data;
	if (c->left == 0)
		c->state = H1_CHUNK_DATA_CR;
	return (WHY_OK);
}

enum why
h1_chunk_merge(struct h1_chunk *c, char *p, size_t *n, size_t *data)
{
	size_t here = 0, at, skip, got;
	struct h1_chunk next;
	enum why why = WHY_AGAIN;

	if (c->state == H1_CHUNK_DATA)
		here = *n < c->left ? *n : (size_t)c->left;
	at = here;
	while (c->state != H1_CHUNK_DATA || c->left == here) {
		next = *c;
		if (c->state == H1_CHUNK_DATA)
			next = (struct h1_chunk){ .state = H1_CHUNK_DATA_CR };
		why = h1_chunk_next(&next, span_of(p + at, *n - at), &skip,
		    &got, NULL);
		if (why != WHY_OK)
			break;
		memmove(p + here, p + at + skip, got);
		here += got;
		at += skip + got;
		c->left = here + next.left;
		c->state = H1_CHUNK_DATA;
		why = WHY_AGAIN;
	}
	memmove(p + here, p + at, *n - at);
	*n -= at - here;
	*data = here;
	return (why);
}

/* ---- trailers ---- */

/* Fields that must be known before the body (RFC 9110 6.5.1): a server that
 * merges trailers into the header could be told anything by them. */
static bool
is_trailer_name(struct span name)
{
	switch (http_name_id(name)) {
	case HTTP_CONNECTION:
	case HTTP_CONTENT_LENGTH:
	case HTTP_TRANSFER_ENCODING:
	case HTTP_HOST:
	case HTTP_UPGRADE:
	case HTTP_EXPECT:
	case HTTP_KEEP_ALIVE:
	case HTTP_PROXY_CONNECTION:
	case HTTP_TE:
	case HTTP_TRAILER:
	case HTTP_COOKIE:
	case HTTP_SET_COOKIE:
	case HTTP_X_FORWARDED_FOR:
	case HTTP_X_FORWARDED_PROTO:
	case HTTP_FORWARDED:
	case HTTP_AUTHORIZATION:
	case HTTP_PROXY_AUTHORIZATION:
	case HTTP_PROXY_AUTHENTICATE:
	case HTTP_WWW_AUTHENTICATE:
	case HTTP_CONTENT_TYPE:
	case HTTP_CONTENT_ENCODING:
	case HTTP_CONTENT_RANGE:
	case HTTP_CACHE_CONTROL:
	case HTTP_RANGE:
		return (false);
	default:
		return (true);
	}
}

bool
h1_trailers_ok(struct span s)
{
	const char *p = s.n != 0 ? s.p : "";
	struct h1_at at = { p, p, p + s.n };
	struct h1_line line;

	while (at.p < at.end)
		if (h1_line_parse(&at, &line, false) != WHY_OK ||
		    !is_trailer_name(line.name))
			return (false);
	return (true);
}
