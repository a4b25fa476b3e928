/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request of our own looks like and what becomes of its answers, with a
 * stream that is made up: one that answers at once, one that never does, none.
 */
#include <base/test.h>

#include "../../expr/test/expr_try.h"
#include "../sub_auth.c"

static struct {
	bool none, silent;
	unsigned status, interim;
	struct text head;
	int opened, woken, dead;
} world;
static struct mux_end *here;
static struct loop clock_only;

static void *
open_one(struct mux_end *cli, const struct mux_begin *b)
{
	world.opened++;
	if (world.none)
		return (NULL);
	world.head.n = 0;
	text_printf(&world.head, "%.*s %.*s", SPAN_FMT(b->head->method),
	    SPAN_FMT(b->head->target));
	for (unsigned i = 0; i < b->head->n; i++)
		if (b->head->hdr[i].name != NULL)
			text_printf(&world.head, "|%.*s: %.*s",
			    (int)b->head->hdr[i].name_n, b->head->hdr[i].name,
			    (int)b->head->hdr[i].value_n,
			    b->head->hdr[i].value);
	http_head_free(b->head);
	here = cli;
	return (&world);
}

static void
say_status(unsigned status)
{
	struct http_head *h = http_head_new();

	h->status = (uint16_t)status;
	CHECK(http_add(h, SPAN("X-User"), SPAN("fred")));
	CHECK_EQ(here->ops->send_head(here, h), WHY_OK);
	http_head_free(h);
}

static void
wake_one(struct mux_end *e)
{
	world.woken++;
	if (e->dead) {
		world.dead++;
		e->ops->abort(e, WHY_CLI_ABORT);
		return;
	}
	if (world.silent)
		return;
	if (world.interim != 0)
		say_status(world.interim);
	if (world.status != 0)
		say_status(world.status);
	e->ops->done(e, true);
}

static const struct mux_stream_ops made_up = { .open = open_one,
	.wake = wake_one };

static const char conf[] = "defaults\n\tmode http\n"
    "frontend login\n"
    "frontend f\n\tbind :1\n\thttp-request auth-request(txn.a) login "
    "path /c?%[path] hdr X-New %[method] hdr X-Gone '' "
    "save x-user txn.user save x-user(2) txn.second timeout 1s\n";

static struct try t;

/* Runs the rules for a request; what they came to. */
static enum rule_verdict
ask_about(const char *const *headers, struct rule_run *run)
{
	try_request(&t, "POST", "/a", headers);
	t.txn.fe = px_find(t.model, SPAN("f"), PX_FE);
	t.txn.listen = t.txn.fe->listens;
	t.txn.addr[TXN_SRC].family = t.txn.addr[TXN_DST].family = ADDR_V4;
	*run = (struct rule_run){ 0 };
	return (rule_run(t.txn.fe, RULE_HTTP_REQ, &t.txn, run));
}

static bool
value(const char *var, struct smp *s)
{
	const char *err;

	return (expr_var_get(expr_var_named(span_str(var), &err), &t.txn, s));
}

static int64_t
status(void)
{
	struct smp s;

	return (value("txn.a", &s) ? s.num : -1);
}

static bool
is_set(const char *var)
{
	struct smp s;

	return (value(var, &s));
}

static bool
begin_test(void)
{
	try_init(&t);
	the_loop = &clock_only;
	mux_stream = &made_up;
	memset(&world, 0, sizeof world);
	text_init(&world.head);
	return (CHECK(try_load(&t, conf)));
}

static void
end_test(void)
{
	text_fini(&world.head);
	try_fini(&t);
}

TEST(headers_go_along_but_not_what_tells_of_a_body)
{
	static const char *const headers[] = { "Host: h", "X-Gone: 1",
	    "x-new: old", "Content-Length: 3", "Expect: 100-continue",
	    "Accept: a, b", NULL };
	struct rule_run run;

	if (!begin_test())
		return;
	world.status = 204;
	CHECK_EQ(ask_about(headers, &run), RULE_NEXT);
	CHECK_SPAN(text_span(&world.head), "GET /c?/a|Host: h|Accept: a, b|"
	    "X-New: POST");
	CHECK_EQ(status(), 204);
	CHECK(is_set("txn.user") && !is_set("txn.second"));
	end_test();
}

TEST(the_last_head_is_the_answer)
{
	static const struct { unsigned interim, status; bool none;
	    int64_t found; } rows[] = {
		{ 0, 200, false, 200 }, { 100, 403, false, 403 },
		{ 103, 0, false, 0 }, { 0, 101, false, 101 },
		{ 0, 0, false, 0 }, { 0, 200, true, 0 },
	};
	static const char *const headers[] = { "Host: h", NULL };
	struct rule_run run;

	if (!begin_test())
		return;
	for (size_t i = 0; i < NELEM(rows); i++) {
		world.interim = rows[i].interim;
		world.status = rows[i].status;
		world.none = rows[i].none;
		CHECK_EQ(ask_about(headers, &run), RULE_NEXT);
		CHECK(run.wait == NULL && !run.paused);
		CHECK_EQ(status(), rows[i].found);
		CHECK_EQ(is_set("txn.user"), rows[i].found != 0);
	}
	end_test();
}

TEST(one_that_never_comes_is_given_up_in_time)
{
	static const char *const headers[] = { "Host: h", NULL };
	struct rule_run run;

	if (!begin_test())
		return;
	world.silent = true;
	CHECK_EQ(ask_about(headers, &run), RULE_WAIT);
	CHECK(run.paused && run.wait != NULL);
	CHECK_EQ(rule_run(t.txn.fe, RULE_HTTP_REQ, &t.txn, &run), RULE_WAIT);
	run.until_ms = the_loop->now_ms;
	CHECK_EQ(rule_run(t.txn.fe, RULE_HTTP_REQ, &t.txn, &run), RULE_NEXT);
	CHECK_EQ(world.dead, 1);
	CHECK_EQ(status(), 0);
	/* the stream of who asks ends first */
	CHECK_EQ(ask_about(headers, &run), RULE_WAIT);
	run.wait->drop(run.wait);
	CHECK_EQ(world.dead, 2);
	end_test();
}

TEST(our_own_requests_ask_nobody)
{
	static const char *const headers[] = { "Host: h", NULL };
	struct px_listen own = { .sub = true };
	struct rule_run run = { 0 };

	if (!begin_test())
		return;
	world.status = 200;
	(void)ask_about(headers, &run);
	t.txn.listen = &own;
	run = (struct rule_run){ 0 };
	CHECK_EQ(rule_run(t.txn.fe, RULE_HTTP_REQ, &t.txn, &run), RULE_NEXT);
	CHECK_EQ(world.opened, 1);
	CHECK_EQ(status(), 0);
	CHECK(!is_set("txn.user"));
	end_test();
}
