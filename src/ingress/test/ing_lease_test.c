/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "fake_api.h"

#include "../ing_lease.c"

static struct loop loop;
static struct ing_lease *l;
static int changes, releases;

static void
on_change(bool leads, void *arg)
{
	(void)leads;
	(void)arg;
	changes++;
}

static void
on_release(void *arg)
{
	(void)arg;
	releases++;
}

static void
begin(void)
{
	changes = releases = 0;
	loop_open(&loop);
	l = ing_lease_open(NULL, &loop, "ns", "lock", "me", 30, on_change,
	    NULL);
}

static void
end(void)
{
	ing_lease_close(l);
	loop_close(&loop);
	fake_forget();
}

/* Time passes: what was seen and said is older. */
static void
pass(int64_t ms)
{
	l->seen_ms -= ms;
	l->held_ms -= ms;
}

static void
tick(void)
{
	tmr_stop(&loop.wheel, &l->timer);
	on_timer(&l->timer);
}

#define LOCK(holder, version, turns)                                         \
	"{\"metadata\":{\"resourceVersion\":\"" version "\"},\"spec\":{"      \
	"\"holderIdentity\":\"" holder "\",\"leaseDurationSeconds\":30,"      \
	"\"acquireTime\":\"2026-01-01T00:00:00.000000Z\","                   \
	"\"leaseTransitions\":" turns "}}"
#define READ  "GET /apis/coordination.k8s.io/v1/namespaces/ns/leases/lock"
#define WRITE "PUT /apis/coordination.k8s.io/v1/namespaces/ns/leases/lock"

TEST(the_first_makes_the_lease_and_leads)
{
	begin();
	tick();
	CHECK_STR(fake_asked(), READ);
	fake_answer(404, "");
	CHECK_STR(fake_asked(),
	    "POST /apis/coordination.k8s.io/v1/namespaces/ns/leases");
	CHECK(fake_sent("\"holderIdentity\":\"me\""));
	CHECK(fake_sent("\"leaseDurationSeconds\":30"));
	CHECK(!ing_lease_leads(l));
	fake_answer(201, "{}");
	CHECK(ing_lease_leads(l));
	CHECK_EQ(changes, 1);
	/* It is said again after a third of the time, and keeps its age. */
	CHECK(l->timer.due_ms - now_ms() >= 9900);
	CHECK(l->timer.due_ms - now_ms() <= 12501);
	tick();
	fake_answer(200, LOCK("me", "7", "3"));
	CHECK_STR(fake_asked(), WRITE);
	CHECK(fake_sent("\"resourceVersion\":\"7\""));
	CHECK(fake_sent("\"acquireTime\":\"2026-01-01T00:00:00.000000Z\""));
	CHECK(fake_sent("\"leaseTransitions\":3"));
	fake_answer(200, "{}");
	CHECK_EQ(changes, 1);
	end();
}

TEST(somebody_elses_is_left_alone_until_it_is_not_renewed)
{
	begin();
	tick();
	fake_answer(200, LOCK("other", "7", "3"));
	CHECK_STR(fake_asked(), "");
	pass(29000);
	tick();
	fake_answer(200, LOCK("other", "8", "3"));      /* it was renewed */
	CHECK_STR(fake_asked(), "");
	pass(29000);
	tick();
	fake_answer(200, LOCK("other", "8", "3"));
	CHECK_STR(fake_asked(), "");
	pass(1001);
	tick();
	fake_answer(200, LOCK("other", "8", "3"));
	CHECK_STR(fake_asked(), WRITE);
	CHECK(fake_sent("\"holderIdentity\":\"me\""));
	CHECK(fake_sent("\"leaseTransitions\":4"));
	CHECK(!fake_sent("2026-01-01"));        /* a new holder's time */
	fake_answer(409, "{}");                 /* another was quicker */
	CHECK(!ing_lease_leads(l));
	CHECK(l->trouble.said == NULL);
	end();
}

TEST(a_lease_that_was_given_up_is_taken_at_once)
{
	begin();
	tick();
	fake_answer(200, LOCK("", "7", "3"));
	CHECK_STR(fake_asked(), WRITE);
	fake_answer(200, "{}");
	CHECK(ing_lease_leads(l));
	end();
}

TEST(who_cannot_say_that_it_leads_does_not_lead)
{
	begin();
	tick();
	fake_answer(404, "");
	fake_answer(201, "{}");
	tick();
	fake_answer(0, "");
	CHECK(ing_lease_leads(l));              /* the time is not over */
	CHECK(strstr(l->trouble.said, "cannot read the lease ns/lock: the "
	    "connection broke") != NULL);
	pass(30000);
	tick();
	CHECK(!ing_lease_leads(l));
	CHECK_EQ(changes, 2);
	fake_answer(500, "");
	CHECK(strstr(l->trouble.said, "answers 500") != NULL);
	tick();
	fake_answer(200, LOCK("me", "9", "3"));
	fake_answer(200, "{}");
	CHECK(ing_lease_leads(l));
	CHECK(l->trouble.said == NULL);
	end();
}

TEST(a_lost_lease_is_noticed)
{
	begin();
	tick();
	fake_answer(404, "");
	fake_answer(201, "{}");
	tick();
	fake_answer(200, LOCK("other", "9", "4"));
	CHECK(!ing_lease_leads(l));
	CHECK_EQ(changes, 2);
	CHECK_STR(fake_asked(), "");
	end();
}

TEST(what_is_no_lease_changes_nothing)
{
	static const char *const bodies[] = { "", "{", "[]", "null",
		"{\"spec\":3}", "{\"spec\":{\"holderIdentity\":7}}" };

	for (size_t i = 0; i < NELEM(bodies); i++) {
		begin();
		tick();
		fake_answer(200, bodies[i]);
		CHECK(!ing_lease_leads(l));
		CHECK_EQ(changes, 0);
		CHECK_STR(fake_asked(), "");
		CHECK(strstr(l->trouble.said, "the answer is no lease") !=
		    NULL);
		end();
	}
}

TEST(it_is_given_up_so_that_the_next_need_not_wait)
{
	begin();
	tick();
	fake_answer(404, "");
	fake_answer(201, "{}");
	ing_lease_release(l, on_release, NULL);
	CHECK_STR(fake_asked(), READ);
	fake_answer(200, LOCK("me", "9", "4"));
	CHECK_STR(fake_asked(), WRITE);
	CHECK(fake_sent("\"holderIdentity\":\"\""));
	CHECK(fake_sent("\"leaseDurationSeconds\":1"));
	CHECK_EQ(releases, 0);
	fake_answer(200, "{}");
	CHECK_EQ(releases, 1);
	end();
}

TEST(giving_up_ends_whatever_the_server_says)
{
	static const struct { int status; const char *body; } rows[] = {
		{ 0, "" }, { 404, "" }, { 500, "" }, { 200, "{" },
		{ 200, LOCK("other", "9", "4") },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		begin();
		tick();
		fake_answer(404, "");
		fake_answer(201, "{}");
		ing_lease_release(l, on_release, NULL);
		fake_answer(rows[i].status, rows[i].body);
		CHECK_EQ(releases, 1);
		CHECK_STR(fake_asked(), "");
		end();
	}
	begin();
	ing_lease_release(l, on_release, NULL);         /* it has none */
	CHECK_EQ(releases, 1);
	end();
}
