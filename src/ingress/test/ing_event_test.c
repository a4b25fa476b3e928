/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "fake_api.h"

#include "../ing_event.c"

static struct loop loop;
static struct ing_events *v;

static const struct ing_subject shop = { "Ingress", "networking.k8s.io/v1",
	"web", "shop", "u-1" };
static const struct ing_subject class = { "IngressClass",
	"networking.k8s.io/v1", "", "nginx", "u-2" };

static void
begin(void)
{
	loop_open(&loop);
	v = ing_events_open(NULL, &loop, "own", "me");
}

static void
end(void)
{
	ing_events_close(v);
	loop_close(&loop);
	fake_forget();
}

/* The time for the next one has come. */
static void
tick(void)
{
	tmr_stop(&loop.wheel, &v->timer);
	on_timer(&v->timer);
}

static void
say(const struct ing_subject *o, const char *what)
{
	ing_events_say(v, o, true, "Invalid", what);
}

#define POST "POST /api/v1/namespaces/"

TEST(an_event_says_who_and_what)
{
	begin();
	ing_events_begin(v);
	say(&shop, "a \"bad\" thing\n");
	ing_events_end(v);
	CHECK_STR(fake_asked(), "");            /* not all at once */
	tick();
	CHECK_STR(fake_asked(), POST "web/events");
	CHECK(fake_sent("\"type\":\"Warning\",\"reason\":\"Invalid\""));
	CHECK(fake_sent("\"message\":\"a \\\"bad\\\" thing\\n\""));
	CHECK(fake_sent("\"involvedObject\":{\"kind\":\"Ingress\","
	    "\"apiVersion\":\"networking.k8s.io/v1\",\"namespace\":\"web\","
	    "\"name\":\"shop\",\"uid\":\"u-1\"}"));
	CHECK(fake_sent("\"reportingInstance\":\"me\""));
	fake_answer(201, "{}");
	end();
}

TEST(what_is_in_no_namespace_has_its_events_in_default)
{
	begin();
	ing_events_begin(v);
	say(&class, "x");
	ing_events_end(v);
	tick();
	CHECK_STR(fake_asked(), POST "default/events");
	CHECK(!fake_sent("\"namespace\":\"\""));
	fake_answer(201, "{}");
	end();
}

TEST(what_is_so_still_is_said_once)
{
	begin();
	for (int i = 0; i < 3; i++) {
		ing_events_begin(v);
		say(&shop, "x");
		ing_events_end(v);
		tick();
		if (i == 0)
			fake_answer(201, "{}");
		CHECK_STR(fake_asked(), "");
	}
	/* It was well in between: then it is news. */
	ing_events_begin(v);
	ing_events_end(v);
	ing_events_begin(v);
	say(&shop, "x");
	ing_events_end(v);
	tick();
	CHECK_STR(fake_asked(), POST "web/events");
	fake_answer(201, "{}");
	end();
}

/* Its name is made of what it says: another generator wrote the same. */
TEST(one_that_is_there_is_dated_anew)
{
	char name[80];

	begin();
	ing_events_begin(v);
	say(&shop, "x");
	ing_events_end(v);
	tick();
	snprintf(name, sizeof name, "PATCH /api/v1/namespaces/web/events/"
	    "shop.%016llx", (unsigned long long)key_of(&shop, "Invalid",
	    "x"));
	fake_answer(409, "{}");
	CHECK_STR(fake_asked(), name);
	CHECK(fake_sent("{\"lastTimestamp\":\""));
	fake_answer(200, "{}");
	CHECK_STR(fake_asked(), "");
	CHECK(key_of(&shop, "Invalid", "x") != key_of(&shop, "Invalid", "y"));
	CHECK(key_of(&shop, "Invalid", "x") != key_of(&class, "Invalid",
	    "x"));
	end();
}

TEST(what_is_no_longer_so_is_not_sent)
{
	begin();
	ing_events_begin(v);
	say(&shop, "x");
	ing_events_end(v);
	ing_events_begin(v);
	ing_events_end(v);
	tick();
	CHECK_STR(fake_asked(), "");
	CHECK_EQ(v->n_queued, 0);
	end();
}

TEST(few_are_under_way_and_the_queue_has_an_end)
{
	char what[20];

	begin();
	ing_events_begin(v);
	for (int i = 0; i < QUEUE_MAX + 10; i++) {
		snprintf(what, sizeof what, "%d", i);
		say(&shop, what);
	}
	ing_events_end(v);
	CHECK_EQ(v->n_queued, QUEUE_MAX);
	CHECK_EQ(v->told_full, v->round);
	for (int i = 0; i < 20; i++)
		tick();
	CHECK_EQ(fake_n, UNDER_WAY_MAX);
	fake_answer(201, "{}");
	tick();
	CHECK_EQ(fake_n, UNDER_WAY_MAX + 1);
	CHECK(fake_asks[0].over && strstr(fake_asks[1].body,
	    "\"message\":\"1\"") != NULL);
	end();
}

TEST(a_long_message_is_cut_where_the_api_wants_it)
{
	char *much = must_alloc(5001);

	memset(much, 'x', 5000);
	begin();
	ing_events_begin(v);
	say(&shop, much);
	ing_events_end(v);
	tick();
	CHECK(strlen(fake_asks[0].body) < 1024 + 600);
	fake_answer(201, "{}");
	free(much);
	end();
}

TEST(a_refusal_is_said_once_and_its_end_too)
{
	begin();
	for (int i = 0; i < 4; i++) {
		static const char *const what[] = { "a", "b", "c", "d" };
		static const int status[] = { 403, 403, 404, 201 };

		ing_events_begin(v);
		say(&shop, what[i]);
		ing_events_end(v);
		tick();
		fake_answer(status[i], "{}");
		CHECK_EQ(v->trouble.said != NULL, i < 3);
	}
	end();
}
