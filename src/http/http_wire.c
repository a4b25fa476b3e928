/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_wire - message heads and replies written down for another worker.
 *
 * A head goes as its parts, with all edits made, so the other side needs no
 * parser; names and values are checked again: what could end a line is none,
 * as accept-unsafe-violations-in-http-request takes anything else.
 */
#include <http/http.h>
#include <wire/wire.h>

enum { TAG_ROWS = 20, TAG_NAME = 1, TAG_VALUE = 2, TAG_HDRS = 20 };
static const uint16_t rows_too[] = { TAG_ROWS, 0 };

static const struct wire_field head_fields[] = {
	WIRE(1,  BOOL, WIRE_REQUIRED, struct http_head, request),
	WIRE(2,  U8,   WIRE_REQUIRED, struct http_head, major),
	WIRE(3,  U8,   WIRE_REQUIRED, struct http_head, minor),
	WIRE(4,  U8,   WIRE_REQUIRED, struct http_head, meth),
	WIRE(5,  U8,   WIRE_REQUIRED, struct http_head, body),
	WIRE(6,  U16,  WIRE_REQUIRED, struct http_head, status),
	WIRE(7,  BOOL, WIRE_REQUIRED, struct http_head, close),
	WIRE(8,  BOOL, WIRE_REQUIRED, struct http_head, keep_alive),
	WIRE(9,  BOOL, WIRE_REQUIRED, struct http_head, upgrade),
	WIRE(10, BOOL, WIRE_REQUIRED, struct http_head, expect_100),
	WIRE(11, U64,  WIRE_REQUIRED, struct http_head, length),
	WIRE(12, SPAN, WIRE_REQUIRED, struct http_head, method),
	WIRE(13, SPAN, WIRE_REQUIRED, struct http_head, target),
	WIRE(14, SPAN, WIRE_REQUIRED, struct http_head, reason),
	WIRE(15, SPAN, WIRE_OPTIONAL, struct http_head, version),
	/* not frozen: n, cap, hdr (the rows), known (follows from them) */
	WIRE_END
};

void
http_head_put(const struct http_head *h, struct wire_out *out)
{
	size_t mark;

	wire_put(out, head_fields, h);
	mark = wire_begin(out, TAG_ROWS, WIRE_REQUIRED);
	for (const struct http_hdr *r = h->hdr; r < h->hdr + h->n; r++) {
		if (r->name == NULL)
			continue;
		wire_put_bytes(out, TAG_NAME, WIRE_REQUIRED,
		    span_of(r->name, r->name_n));
		wire_put_bytes(out, TAG_VALUE, WIRE_REQUIRED,
		    span_of(r->value, r->value_n));
	}
	wire_end(out, mark);
}

static bool
keep(struct arena *a, struct span *s)
{
	*s = s->n == 0 ? SPAN("") : arena_span(a, *s);
	return (s->p != NULL);
}

/* A name, then its value. */
static bool
next_pair(struct wire_in *in, struct span *name, struct span *value)
{
	enum wire_need need;
	unsigned tag;

	if (!wire_next(in, &tag, &need, name))
		return (false);
	if (tag == TAG_NAME && wire_next(in, &tag, &need, value) &&
	    tag == TAG_VALUE)
		return (true);
	in->err = "a header without name or value";
	return (false);
}

static bool
has_any(struct span s, const char *bytes)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\0' && strchr(bytes, s.p[i]) != NULL)
			return (true);
	return (false);
}

static bool
add_row(struct http_head *h, struct span name, struct span value)
{
	if (http_add(h, name, value))
		return (true);
	return (name.n != 0 && name.n <= UINT16_MAX && value.n <= UINT32_MAX &&
	    !has_any(name, ":\r\n") && !has_any(value, "\r\n") &&
	    http_add_known(h, http_name_id(name), name, value));
}

static bool
get_rows(struct http_head *h, struct wire_in *in, struct arena *a)
{
	struct span name, value;

	while (next_pair(in, &name, &value))
		if (!keep(a, &name) || !keep(a, &value) ||
		    !add_row(h, name, value)) {
			in->err = "a header that cannot be";
			return (false);
		}
	return (in->err == NULL);
}

bool
http_head_get(struct http_head *h, struct wire_in *in, struct arena *a)
{
	struct wire_in rows;

	http_head_clear(h);
	if (!wire_get(in, head_fields, h, rows_too) ||
	    !wire_find_in(in, TAG_ROWS, &rows))
		return (false);
	if (!get_rows(h, &rows, a)) {
		in->err = rows.err;
		return (false);
	}
	if (h->meth > HTTP_PATCH || h->body > HTTP_TUNNEL ||
	    !keep(a, &h->method) || !keep(a, &h->target) ||
	    !keep(a, &h->reason) || !keep(a, &h->version) ||
	    has_any(h->version, "\r\n")) {
		in->err = "a message head that cannot be";
		return (false);
	}
	return (true);
}

/* ---- replies ---- */

static const struct wire_field reply_fields[] = {
	WIRE(1, U16,  WIRE_REQUIRED, struct http_reply, status),
	WIRE(2, SPAN, WIRE_REQUIRED, struct http_reply, reason),
	WIRE(3, SPAN, WIRE_REQUIRED, struct http_reply, content_type),
	WIRE(4, SPAN, WIRE_REQUIRED, struct http_reply, body),
	WIRE(5, BOOL, WIRE_REQUIRED, struct http_reply, close),
	WIRE(6, SPAN, WIRE_OPTIONAL, struct http_reply, raw),
	WIRE_END
};
static const uint16_t hdrs_too[] = { TAG_HDRS, 0 };

void
http_reply_put(const struct http_reply *r, struct wire_out *out)
{
	size_t mark;

	wire_put(out, reply_fields, r);
	mark = wire_begin(out, TAG_HDRS, WIRE_REQUIRED);
	for (const struct http_reply_hdr *h = r->hdrs; h != NULL; h = h->next) {
		wire_put_bytes(out, TAG_NAME, WIRE_REQUIRED, h->name);
		wire_put_bytes(out, TAG_VALUE, WIRE_REQUIRED, h->value);
	}
	wire_end(out, mark);
}

bool
http_reply_get(struct http_reply *r, struct wire_in *in, struct arena *a)
{
	struct http_reply_hdr **last = &r->hdrs, *h;
	struct span name, value;
	struct wire_in hdrs;

	*r = (struct http_reply){ .status = 0 };
	if (!wire_get(in, reply_fields, r, hdrs_too) ||
	    !wire_find_in(in, TAG_HDRS, &hdrs) || !keep(a, &r->reason) ||
	    !keep(a, &r->content_type) || !keep(a, &r->body))
		return (false);
	if (r->raw.n == 0)
		r->raw = SPAN_NONE;
	else if (!keep(a, &r->raw))
		return (false);
	while (next_pair(&hdrs, &name, &value)) {
		if (!http_is_token(name) || !http_is_field_value(value) ||
		    !keep(a, &name) || !keep(a, &value) ||
		    (h = arena_zget(a, sizeof *h)) == NULL)
			return (false);
		h->name = name;
		h->value = value;
		*last = h;
		last = &h->next;
	}
	return (hdrs.err == NULL && r->status >= 100 && r->status <= 999);
}
