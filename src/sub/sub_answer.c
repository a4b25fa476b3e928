/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sub_answer - answer-from: the client gets the answer of another proxy instead
 * of the response that is here, say a page for an error.
 *
 * The answer is gathered whole, so it may not be long; until then the response
 * waits where it is. When there is none, the response goes on.
 */
#include "sub_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <base/text.h>
#include <conf/conf.h>

#define BODY_MAX (1u << 20)

struct wait {                           /* in the arena of who asks */
	struct sub_wait on;
	bool bad;                       /* too long, or without memory */
	struct text body;
	struct http_reply reply;        /* status 0: there is none */
};

static bool
parse_answer(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct sub_ask *a = arena_zget(l->conf->arena, sizeof *a);
	bool found;

	(void)px;
	*priv = a;
	if (!sub_ask_begin(l, a))
		return (false);
	while (conf_left(l) > 0 && !conf_next_is(l, "if") &&
	    !conf_next_is(l, "unless")) {
		if (!sub_ask_option(l, a, set, &found))
			return (false);
		if (!found)
			return (conf_err(l, conf_peek(l), "expected 'method', "
			    "'path', 'hdr' or 'timeout'"));
	}
	return (a->path != NULL || conf_err(l, conf_peek(l), "expected "
	    "'path <fmt>': the request is not there any more"));
}

/* About its way to us, and not about what it is. */
static bool
is_hop(unsigned id)
{
	switch (id) {
	case HTTP_CONNECTION:
	case HTTP_KEEP_ALIVE:
	case HTTP_PROXY_CONNECTION:
	case HTTP_TRANSFER_ENCODING:
	case HTTP_CONTENT_LENGTH:
	case HTTP_TRAILER:
	case HTTP_UPGRADE:
	case HTTP_TE:
		return (true);
	default:
		return (false);
	}
}

static void
answered(void *arg, const struct http_head *head)
{
	struct wait *w = HOLDER(arg, struct wait, on);
	struct http_reply_hdr **at = &w->reply.hdrs, *h;

	for (unsigned i = 0; i < head->n && !w->bad; i++) {
		const struct http_hdr *from = &head->hdr[i];

		if (from->name == NULL || is_hop(from->id))
			continue;
		h = arena_zget(w->on.txn->arena, sizeof *h);
		if (h == NULL) {
			w->bad = true;
			return;
		}
		h->name = arena_span(w->on.txn->arena, span_of(from->name,
		    from->name_n));
		h->value = arena_span(w->on.txn->arena, span_of(from->value,
		    from->value_n));
		w->bad = h->name.p == NULL ||
		    (h->value.p == NULL && from->value_n > 0);
		*at = h;
		at = &h->next;
	}
	w->reply.status = head->status;
}

static void
payload(void *arg, struct span data)
{
	struct wait *w = HOLDER(arg, struct wait, on);

	w->bad = w->bad || w->body.n + data.n > BODY_MAX;
	if (!w->bad)
		text_add(&w->body, data);
}

static const struct sub_ops answer_ops = { .answered = answered,
	.payload = payload, .over = sub_wait_over };

static void
drop(struct rule_wait *rw)
{
	struct wait *w = HOLDER(rw, struct wait, on.wait);

	sub_wait_drop(&w->on);
	text_fini(&w->body);
}

/* What became of it: its answer, or the response as it is. */
static enum rule_verdict
end(struct wait *w, struct rule_run *run)
{
	struct http_reply *r = &w->reply;

	run->wait = NULL;
	run->paused = false;
	if (w->on.sub != NULL || w->bad || r->status < 200) {
		drop(&w->on.wait);
		return (RULE_NEXT);
	}
	text_addc(&w->body, '\0');      /* so that there is memory to own */
	r->body = span_of(w->body.p, w->body.n - 1);
	r->owned = true;
	w->body = (struct text){ 0 };
	run->reply = r;
	run->why = WHY_REPLIED;
	return (RULE_REPLY);
}

static enum rule_verdict
begin(const struct sub_ask *a, struct txn *t, struct rule_run *run)
{
	struct wait *w = arena_zget(t->arena, sizeof *w);

	if (w == NULL)
		return (RULE_NEXT);
	text_init(&w->body);
	if (!sub_wait_begin(&w->on, a, t, &answer_ops, drop))
		return (RULE_NEXT);
	return (w->on.sub == NULL ? end(w, run) :
	    sub_wait_pause(&w->on, run, a->ms));
}

static enum rule_verdict
run_answer(const void *priv, struct txn *t, struct rule_run *run)
{
	struct wait *w;

	if (!run->paused)
		return (begin(priv, t, run));
	w = HOLDER(run->wait, struct wait, on.wait);
	return (sub_wait_more(&w->on, run) ? RULE_WAIT : end(w, run));
}

ACTION(answer_from) = {
	.name = "answer-from", .sets = 1u << RULE_HTTP_RES,
	.args = "<proxy> path <fmt> [method <method>] [hdr <name> <fmt>]... "
	    "[timeout <time>]",
	.parse = parse_answer, .run = run_answer,
	.doc = "Sends a request of our own, without a body, to a 'frontend' or "
	    "'listen' section, which needs no 'bind' line for that, and gives "
	    "the client the answer instead of the response: its status, its "
	    "headers and its body, which may be 1 MiB long. Headers of the "
	    "request are those that are named, as those of the client may be "
	    "gone. Without an answer within the timeout (60s) the response goes "
	    "on. A word of this program, which HAProxy lacks.",
	.example = "http-response answer-from login path /sorry "
	    "hdr X-Code %[status] if { status 500 }",
};
