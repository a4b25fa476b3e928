/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_body - wait-for-body: the rules behind it see the message's body, as
 * much of it as a buffer holds; limit-body: how long it may be.
 *
 * Source: configuration manual 4.2.
 */
#include "rule_int.h"

#include <os/loop.h>

#define IN(set) (1u << RULE_##set)

struct body_act {
	int64_t ms;
	size_t at_least;                /* 0: all of it */
	bool response;
};

/* The words come in any order. */
static bool
parse_wait(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct body_act *a = arena_zget(l->conf->arena, sizeof *a);
	bool timed = false;
	uint64_t n;

	(void)px;
	*priv = a;
	a->response = set == RULE_HTTP_RES;
	for (;;) {
		if (conf_accept(l, "time")) {
			timed = true;
			if (!conf_want_time(l, "a time", "ms", &a->ms))
				return (false);
		} else if (conf_accept(l, "at-least")) {
			if (!conf_want_size(l, "a number of bytes", &n))
				return (false);
			a->at_least = (size_t)n;
		} else
			break;
	}
	return (timed || conf_err(l, conf_peek(l), "expected 'time <time>', "
	    "how long to wait for the body at most"));
}

static enum rule_verdict
fail(struct rule_run *run, enum why why)
{
	run->paused = run->reads = false;
	run->why = why;
	return (RULE_FAIL);
}

static enum rule_verdict
run_wait(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct body_act *a = priv;
	enum why why = t->ops == NULL || t->ops->gather == NULL ? WHY_OK :
	    t->ops->gather(t, a->response, a->at_least);

	/* What there is of a response goes on, and ends as it did. */
	if (why == WHY_OK || (why == WHY_SRV_ABORT && a->response)) {
		if (run->paused && !a->response)
			t->t.request = the_loop->now_us;
		run->paused = run->reads = false;
		return (RULE_NEXT);
	}
	if (why != WHY_AGAIN)
		return (fail(run, why));
	if (!run->paused) {
		run->paused = true;
		run->reads = !a->response;
		run->until_ms = the_loop->now_ms + a->ms;
	}
	if (the_loop->now_ms >= run->until_ms)
		return (fail(run, a->response ? WHY_SRV_TIMEOUT :
		    WHY_CLI_REQ_TIMEOUT));
	return (RULE_WAIT);
}

struct limit_act { uint64_t bytes; };

static bool
parse_limit(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct limit_act *a = arena_zget(l->conf->arena, sizeof *a);
	const struct conf_word *w = conf_peek(l);

	(void)px;
	(void)set;
	*priv = a;
	if (!conf_want_size(l, "a number of bytes", &a->bytes))
		return (false);
	return (a->bytes < UINT64_MAX || conf_err(l, w, "'limit-body' : that "
	    "is no limit"));
}

/* A length that is announced is known at once; chunks are counted on their
 * way. */
static enum rule_verdict
run_limit(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct limit_act *a = priv;

	if (t->req == NULL)
		return (RULE_NEXT);
	if (t->req->body == HTTP_LENGTH && t->req->length > a->bytes)
		return (fail(run, WHY_REQ_BODY_LONG));
	t->body_room = t->req->body == HTTP_CHUNKED ? a->bytes + 1 : 0;
	return (RULE_NEXT);
}

ACTION(limit_body) = {
	.name = "limit-body", .sets = IN(HTTP_REQ), .args = "<size>",
	.parse = parse_limit, .run = run_limit,
	.doc = "Answers 413 to a request whose body is longer: at once when its "
	    "length is announced, else as soon as more came in chunks, without "
	    "holding any of it; the server then sees an incomplete request. "
	    "The last such rule counts. A word of this program, which HAProxy "
	    "lacks.",
	.example = "http-request limit-body 10m",
};

ACTION(wait_for_body) = {
	.name = "wait-for-body", .sets = IN(HTTP_REQ) | IN(HTTP_RES),
	.args = "time <time> [at-least <bytes>]",
	.parse = parse_wait, .run = run_wait,
	.doc = "Waits until the body is here whole, or that many bytes of it, "
	    "or as much as a buffer holds, so that rules behind this one can "
	    "look into it. A body that takes longer than <time> ends the "
	    "request by 408, a response by 504.",
	.example = "http-request wait-for-body time 1s at-least 1k if METH_POST",
};
