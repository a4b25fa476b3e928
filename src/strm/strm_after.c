/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_after - http-after-response rules on an answer of our own: a return, a
 * redirect, an error. They see and edit it as they would a server's response.
 *
 * Source: configuration manual, http-after-response.
 */
#include "strm_int.h"

#include <base/num.h>

/* The answer as a head that rules can read and edit; NULL: it cannot be. The
 * text of its length is in `number`. */
static struct http_head *
head_of_reply(const struct http_reply *r, char number[20])
{
	struct http_head *h = http_head_new();
	bool good = h != NULL;

	if (!good)
		return (NULL);
	h->major = h->minor = 1;
	h->status = r->status;
	h->reason = r->reason;
	h->body = HTTP_LENGTH;
	h->length = r->body.n;
	good = http_add_known(h, HTTP_CONTENT_LENGTH, SPAN("content-length"),
	    span_of(number, num_put(number, r->body.n)));
	if (good && r->content_type.n != 0 && r->body.n != 0)
		good = http_add(h, SPAN("content-type"), r->content_type);
	for (const struct http_reply_hdr *x = r->hdrs; good && x != NULL;
	    x = x->next)
		good = http_add(h, x->name, x->value);
	if (good)
		return (h);
	http_head_free(h);
	return (NULL);
}

static bool
take_header(struct arena *a, struct http_reply_hdr ***last,
    const struct http_hdr *row)
{
	struct http_reply_hdr *x = arena_zget(a, sizeof *x);

	if (x == NULL)
		return (false);
	x->name = span_of(row->name, row->name_n);
	x->value = span_of(row->value, row->value_n);
	**last = x;
	*last = &x->next;
	return (true);
}

/* And back, in the stream's arena. */
static const struct http_reply *
reply_of_head(struct strm *s, const struct http_reply *r,
    const struct http_head *h)
{
	struct http_reply *out = arena_get(&s->arena, sizeof *out);
	struct http_reply_hdr **last;

	if (out == NULL)
		return (r);
	*out = *r;
	out->status = h->status;
	out->reason = h->reason;
	out->content_type = SPAN_NONE;
	out->hdrs = NULL;
	last = &out->hdrs;
	for (const struct http_hdr *row = h->hdr; row < h->hdr + h->n; row++)
		if (row->name != NULL && row->id != HTTP_CONTENT_LENGTH &&
		    !take_header(&s->arena, &last, row))
			return (r);
	return (out);
}

static void
run_after(struct strm *s, const struct px *px)
{
	struct rule_run run = { 0 };

	if (rule_any(px, RULE_HTTP_AFTER))
		(void)rule_run(px, RULE_HTTP_AFTER, &s->txn, &run);
}

const struct http_reply *
strm_after(struct strm *s, const struct http_reply *r)
{
	const struct px *fe = s->txn.fe, *be = s->txn.be;
	struct http_head *server = s->txn.res, *h;
	char number[20];

	/* A whole message from a file has no parts that a rule could edit. */
	if (r->raw.p != NULL || s->begin_why != WHY_OK || s->monitor ||
	    (!rule_any(fe, RULE_HTTP_AFTER) &&
	    (be == NULL || !rule_any(be, RULE_HTTP_AFTER))) ||
	    (h = head_of_reply(r, number)) == NULL)
		return (r);
	s->txn.res = h;
	s->txn.stage = TXN_RES;
	txn_touch(&s->txn);
	if (be != NULL && be != fe)
		run_after(s, be);
	run_after(s, fe);
	r = reply_of_head(s, r, h);
	s->txn.res = server;
	http_head_free(h);
	return (r);
}
