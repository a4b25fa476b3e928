/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_field - the field section of a message, and the few fields that decide
 * where the message ends and who may read it.
 */
#include "h1_parse.h"

#include <base/must.h>

/* A length of at most 19 digits that fits 63 bits (RFC 9110 8.6). */
static bool
parse_length(struct span s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 19)
		return (false);
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

		if (digit > 9)
			return (false);
		v = v * 10 + digit;
	}
	*out = v;
	return (v <= INT64_MAX);
}

/* Codings are counted over all lines of the field, which are one list. An
 * empty element or an empty value is read differently by different people. */
static bool
note_codings(struct h1_framing *f, struct span value, bool lax)
{
	struct span rest = value, item;

	if (lax && value.n == 0)
		return (true);
	if (value.n == 0 || value.p[0] == ',' || value.p[value.n - 1] == ',')
		return (false);
	while (http_list_next(&rest, &item)) {
		f->chunked_last = span_ieq(item, SPAN("chunked"));
		if (f->chunked_last)
			f->n_chunked += f->n_chunked < 2;
		else
			f->n_other = 1;
	}
	return (true);
}

static void
note_option(struct http_head *h, struct span option)
{
	if (span_ieq(option, SPAN("close")))
		h->close = true;
	else if (span_ieq(option, SPAN("keep-alive")))
		h->keep_alive = true;
	else if (span_ieq(option, SPAN("upgrade")))
		h->upgrade = true;
}

static void
note_connection(struct http_head *h, struct span value)
{
	struct span item;

	while (http_list_next(&value, &item))
		note_option(h, item);
}

/* Host has to be a host: what one reader takes for a name must not be a path
 * or two names for another. Empty is allowed (RFC 9110 7.2). */
static bool
is_host(struct span s)
{
	unsigned all = HTTP_C_HOST;

	for (size_t i = 0; i < s.n; i++)
		all &= http_class_tab[(uint8_t)s.p[i]];
	return (all != 0);
}

/* A second Host is an error unless it says the same; then it is dropped. */
static inline __attribute__((always_inline)) bool
note_host(struct http_head *h, struct http_hdr *row, bool relaxed)
{
	struct span value = span_of(row->value, row->value_n);
	const struct http_hdr *first = h->hdr;

	if (!h->request)
		return (true);
	if (!http_has(h, HTTP_HOST))
		return (relaxed || is_host(value));
	while (first->id != HTTP_HOST)          /* it is there, before `row` */
		first++;
	if (!span_ieq(span_of(first->value, first->value_n), value))
		return (false);
	row->name = NULL;
	return (true);
}

static void
note_expect(struct http_head *h, struct h1_framing *f, struct span value)
{
	if (!h->request || h->minor == 0)
		return;         /* unknown to HTTP/1.0: RFC 9110 10.1.1 */
	if (span_ieq(value, SPAN("100-continue")))
		h->expect_100 = true;
	else
		f->odd_expect = true;
}

/* Fields with a say in framing and routing; false: refused. */
static inline bool
note_field(struct http_head *h, struct h1_framing *f, struct http_hdr *row,
    const bool relaxed)
{
	struct span value = span_of(row->value, row->value_n);

	switch ((enum http_name)row->id) {
	case HTTP_CONTENT_LENGTH:
		return (!http_has(h, HTTP_CONTENT_LENGTH) &&
		    parse_length(value, &h->length));
	case HTTP_TRANSFER_ENCODING:
		return (note_codings(f, value, relaxed && !h->request));
	case HTTP_CONNECTION:
		note_connection(h, value);
		return (true);
	case HTTP_HOST:
		return (note_host(h, row, relaxed));
	case HTTP_EXPECT:
		note_expect(h, f, value);
		return (true);
	default:
		return (true);
	}
}

static inline void
fill_row(struct http_hdr *row, const struct h1_line *l)
{
	row->name = l->name.p;
	row->value = l->value.p;
	row->value_n = (uint32_t)l->value.n;
	row->name_n = (uint16_t)l->name.n;
	row->id = (uint8_t)l->id;
	row->raw = l->raw;
}

/* The first names of name.def are the ones that note_field() knows. */
static inline bool
is_noted(enum http_name id)
{
	return (id - 1u < HTTP_EXPECT);
}

static inline __attribute__((always_inline)) enum why
parse_fields(struct h1_at *out, struct http_head *h, struct h1_framing *f,
    const bool relaxed)
{
	struct http_hdr *rows = h->hdr, *row = rows,
	    *end = row + h->cap - HTTP_SPARE_ROWS;
	struct h1_at at = *out;         /* a copy of our own, in registers */
	struct h1_line line;
	enum why why = WHY_OK;

	MUST(h->cap >= HTTP_SPARE_ROWS);
	for (; at.p < at.end && *at.p != '\r'; row++) {
		if ((why = h1_line_parse(&at, &line, relaxed)) != WHY_OK)
			break;
		if (row == end && http_grow(h)) {
			row = h->hdr + (row - rows);
			rows = h->hdr;
			end = rows + h->cap - HTTP_SPARE_ROWS;
		}
		if (row == end || at.p - line.name.p > UINT16_MAX) {
			why = WHY_REQ_HEAD_LONG;
			break;
		}
		fill_row(row, &line);
		if (is_noted(line.id) && !note_field(h, f, row, relaxed)) {
			at.p = line.value.p;
			why = WHY_REQ_BAD;
			break;
		}
		h->known |= (uint32_t)(UINT64_C(1) << line.id);
	}
	h->n = (uint16_t)(row - h->hdr);
	if (why == WHY_OK)
		why = h1_line_end(&at);
	out->p = at.p;
	h->upgrade = h->upgrade && h->minor != 0 && http_has(h, HTTP_UPGRADE);
	return (why);
}

enum why
h1_fields_parse(struct h1_at *out, struct http_head *h, struct h1_framing *f)
{
	return (parse_fields(out, h, f, false));
}

enum why __attribute__((cold))
h1_fields_relax(struct h1_at *out, struct http_head *h, struct h1_framing *f)
{
	return (parse_fields(out, h, f, true));
}

enum why
h1_framing_check(const struct http_head *h, const struct h1_framing *f,
    bool relaxed)
{
	if (!http_has(h, HTTP_TRANSFER_ENCODING))
		return (WHY_OK);
	/* two lengths, or a coding that the version does not have */
	if (http_has(h, HTTP_CONTENT_LENGTH) || h->minor == 0)
		return (WHY_REQ_BAD);
	/* chunked once and last, or the end cannot be known: RFC 9112 6.3 */
	if ((f->n_chunked != 1 && (f->n_chunked == 0 || !relaxed ||
	    h->request)) || !f->chunked_last)
		return (WHY_REQ_BAD);
	return (f->n_other != 0 ? WHY_REQ_TE_UNKNOWN : WHY_OK);
}
