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
note_codings(struct h1_framing *f, struct span value)
{
	struct span rest = value, item;

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
	for (size_t i = 0; i < s.n; i++)
		if (!http_is_class(s.p[i], HTTP_C_HOST))
			return (false);
	return (true);
}

/* A second Host is an error unless it says the same; then it is dropped. */
static bool
note_host(struct http_head *h, struct http_hdr *row)
{
	const struct http_hdr *first;

	if (!h->request)
		return (true);
	first = http_find(h, HTTP_HOST, SPAN_NONE, NULL);
	if (first == row)
		return (is_host(span_of(row->value, row->value_n)));
	if (first != NULL && !span_ieq(span_of(first->value, first->value_n),
	    span_of(row->value, row->value_n)))
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
static bool
note_field(struct http_head *h, struct h1_framing *f, struct http_hdr *row)
{
	struct span value = span_of(row->value, row->value_n);

	switch ((enum http_name)row->id) {
	case HTTP_CONTENT_LENGTH:
		return (!http_has(h, HTTP_CONTENT_LENGTH) &&
		    parse_length(value, &h->length));
	case HTTP_TRANSFER_ENCODING:
		return (note_codings(f, value));
	case HTTP_CONNECTION:
		note_connection(h, value);
		return (true);
	case HTTP_HOST:
		return (note_host(h, row));
	case HTTP_EXPECT:
		note_expect(h, f, value);
		return (true);
	default:
		return (true);
	}
}

static inline enum why
add_row(struct http_head *h, struct h1_framing *f, const struct h1_line *l,
    unsigned limit)
{
	struct http_hdr *row = &h->hdr[h->n];
	enum http_name id;

	if (h->n >= limit || l->name.n > UINT16_MAX ||
	    l->value.n > UINT32_MAX)
		return (WHY_REQ_HEAD_LONG);
	id = http_name_id(l->name);
	row->name = l->name.p;
	row->value = l->value.p;
	row->value_n = (uint32_t)l->value.n;
	row->name_n = (uint16_t)l->name.n;
	row->id = (uint8_t)id;
	row->raw = l->raw;
	h->n++;
	/* the first names of name.def are the ones that note_field() knows */
	if (id != HTTP_OTHER && id <= HTTP_EXPECT && !note_field(h, f, row))
		return (WHY_REQ_BAD);
	h->known |= (uint32_t)(UINT64_C(1) << id);
	return (WHY_OK);
}

enum why
h1_fields_parse(struct h1_at *at, struct http_head *h, struct h1_framing *f)
{
	unsigned limit = h->cap - (unsigned)HTTP_SPARE_ROWS;
	struct h1_line line;
	enum why why;

	MUST(h->cap >= HTTP_SPARE_ROWS);
	while (at->p < at->end && *at->p != '\r') {
		if ((why = h1_line_parse(at, &line)) != WHY_OK)
			return (why);
		if ((why = add_row(h, f, &line, limit)) != WHY_OK) {
			at->p = line.value.p;
			return (why);
		}
	}
	h->upgrade = h->upgrade && h->minor != 0 && http_has(h, HTTP_UPGRADE);
	return (h1_line_end(at));
}

enum why
h1_framing_check(const struct http_head *h, const struct h1_framing *f)
{
	if (!http_has(h, HTTP_TRANSFER_ENCODING))
		return (WHY_OK);
	/* two lengths, or a coding that the version does not have */
	if (http_has(h, HTTP_CONTENT_LENGTH) || h->minor == 0)
		return (WHY_REQ_BAD);
	/* chunked once and last, or the end cannot be known: RFC 9112 6.3 */
	if (f->n_chunked != 1 || !f->chunked_last)
		return (WHY_REQ_BAD);
	return (f->n_other != 0 ? WHY_REQ_TE_UNKNOWN : WHY_OK);
}
