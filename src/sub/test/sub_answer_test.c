/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of an answer: one of ours that is sent, or nothing, when it is
 * too long or never comes.
 */
#include <base/test.h>

#include "../../expr/test/expr_try.h"
#include "../sub_answer.c"

static struct {
	size_t body;
	unsigned status;
	bool silent;
	int dead;
} world;
static struct mux_end *here;
static struct loop clock_only;

static void *
open_one(struct mux_end *cli, const struct mux_begin *b)
{
	CHECK_SPAN(b->head->target, "/page");
	CHECK_SPAN(http_get(b->head, HTTP_HOST), "pages");
	http_head_free(b->head);
	here = cli;
	return (&world);
}

static void
send_all(void)
{
	static const char bytes[4096];
	struct http_head *h = http_head_new();
	size_t taken;

	h->status = (uint16_t)world.status;
	CHECK(http_add(h, SPAN("Content-Length"), SPAN("7")) &&
	    http_add(h, SPAN("Connection"), SPAN("close")) &&
	    http_add(h, SPAN("X-A"), SPAN("b")));
	CHECK_EQ(here->ops->send_head(here, h), WHY_OK);
	http_head_free(h);
	for (size_t left = world.body; left > 0; left -= taken)
		CHECK_EQ(here->ops->send(here, span_of(bytes, left <
		    sizeof bytes ? left : sizeof bytes), SPAN_NONE, 0,
		    &taken), WHY_OK);
}

static void
wake_one(struct mux_end *e)
{
	if (e->dead) {
		world.dead++;
		e->ops->abort(e, WHY_CLI_ABORT);
		return;
	}
	if (world.silent)
		return;
	if (world.status != 0)
		send_all();
	e->ops->done(e, true);
}

static const struct mux_stream_ops made_up = { .open = open_one,
	.wake = wake_one };

static const char conf[] = "defaults\n\tmode http\n"
    "frontend pages\n"
    "backend b\n\thttp-response answer-from pages path /page timeout 1s\n";

static struct try t;

static enum rule_verdict
respond(struct rule_run *run)
{
	const struct px *be = px_find(t.model, SPAN("b"), PX_BE);

	t.txn.addr[TXN_SRC].family = t.txn.addr[TXN_DST].family = ADDR_V4;
	*run = (struct rule_run){ 0 };
	return (rule_run(be, RULE_HTTP_RES, &t.txn, run));
}

static bool
begin_test(void)
{
	try_init(&t);
	the_loop = &clock_only;
	mux_stream = &made_up;
	memset(&world, 0, sizeof world);
	return (CHECK(try_load(&t, conf)));
}

TEST(an_answer_is_taken_whole_or_not_at_all)
{
	static const struct {
		unsigned status;
		size_t body;
		enum rule_verdict v;
	} rows[] = {
		{ 200, 0, RULE_REPLY }, { 404, 10000, RULE_REPLY },
		{ 200, BODY_MAX, RULE_REPLY }, { 200, BODY_MAX + 1, RULE_NEXT },
		{ 0, 0, RULE_NEXT }, { 101, 0, RULE_NEXT },
	};
	struct rule_run run;

	if (!begin_test())
		return;
	for (size_t i = 0; i < NELEM(rows); i++) {
		world.status = rows[i].status;
		world.body = rows[i].body;
		CHECK_EQ(respond(&run), rows[i].v);
		CHECK(run.wait == NULL && !run.paused);
		if (rows[i].v != RULE_REPLY)
			continue;
		CHECK_EQ(run.reply->status, rows[i].status);
		CHECK_EQ(run.reply->body.n, rows[i].body);
		/* what is about the way is not what it is */
		CHECK_SPAN(run.reply->hdrs->name, "X-A");
		CHECK(run.reply->hdrs->next == NULL && run.reply->owned);
		free((char *)(uintptr_t)run.reply->body.p);
	}
	try_fini(&t);
}

TEST(the_response_goes_on_when_none_comes)
{
	struct rule_run run;

	if (!begin_test())
		return;
	world.silent = true;
	CHECK_EQ(respond(&run), RULE_WAIT);
	CHECK(run.paused && run.wait != NULL);
	run.until_ms = the_loop->now_ms;
	CHECK_EQ(rule_run(px_find(t.model, SPAN("b"), PX_BE), RULE_HTTP_RES,
	    &t.txn, &run), RULE_NEXT);
	CHECK_EQ(world.dead, 1);
	CHECK_EQ(respond(&run), RULE_WAIT);
	run.wait->drop(run.wait);
	CHECK_EQ(world.dead, 2);
	try_fini(&t);
}
