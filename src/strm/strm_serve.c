/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_serve - sends an answer of our own that is longer than a buffer: the
 * statistics page and the like. Its body is one piece of memory, made when the
 * request came; here it goes out as the client takes it.
 */
#include "strm_int.h"

#include <cnt/cnt.h>

#include <stdint.h>

static enum why
send_head(struct strm *s, const struct http_reply *r)
{
	struct http_head *res = http_head_new();
	bool fits;
	enum why why;

	if (res == NULL)
		return (WHY_NOMEM);
	res->request = false;
	res->major = res->minor = 1;
	res->status = r->status;
	res->reason = r->reason.n != 0 ? r->reason : http_reason(r->status);
	res->body = HTTP_LENGTH;
	res->length = r->body.n;
	/* the answer to HEAD says how long the body would have been */
	fits = s->txn.meth != HTTP_HEAD ||
	    http_add(res, SPAN("content-length"), SPAN("0"));
	for (const struct http_reply_hdr *h = r->hdrs; h != NULL; h = h->next)
		fits = fits && http_add(res, h->name, h->value);
	if (r->content_type.n != 0)
		fits = fits && http_add(res, SPAN("content-type"),
		    r->content_type);
	why = fits ? s->cli->ops->send_head(s->cli, res) : WHY_INTERNAL;
	http_head_free(res);
	return (why);
}

enum strm_step
step_serve(struct strm *s)
{
	struct span rest = span_of(s->serve.body + s->serve.at,
	    s->serve.n - s->serve.at);
	size_t taken = 0;
	enum why why;

	if (s->cli->dead)
		return (strm_fail(s, WHY_CLI_ABORT));
	why = s->cli->ops->send(s->cli, rest, SPAN_NONE, MUX_END, &taken);
	s->serve.at += taken;
	if (taken > 0)
		s->cli_seen_ms = the_loop->now_ms;
	if (why == WHY_OK && s->serve.at == s->serve.n)
		return (strm_served(s, s->serve.why));
	return (why == WHY_OK || why == WHY_AGAIN ? STEP_WAIT :
	    strm_fail(s, why));
}

enum strm_step
strm_serve(struct strm *s, const struct http_reply *r, enum why why)
{
	enum why sent;

	s->serve.body = (char *)(uintptr_t)r->body.p;
	s->serve.n = s->txn.meth == HTTP_HEAD ? 0 : r->body.n;
	s->serve.at = 0;
	s->serve.why = why;
	if (s->txn.fe->conn_mode == PX_CONN_CLOSE)
		s->cli->close = true;
	if ((sent = send_head(s, r)) != WHY_OK)
		return (strm_fail(s, sent));
	s->res_head = true;
	CNT_FE(fe_of(s->txn.fe)->cnt)->intercepted++;
	strm_count_status(s, r->status);
	strm_known(s, why);
	s->cli_seen_ms = the_loop->now_ms;
	strm_watch(s);
	strm_go(s, STRM_SERVE);
	return (step_serve(s));         /* not STEP_GO: rules end here */
}
