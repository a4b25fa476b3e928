/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_look_test - who is asked what after which answer.
 */
#include <base/test.h>

#include "../dns_int.h"

#ifdef USE_CARES
#include <stdio.h>

/* Name servers that answer when the test says so. */
static struct asked {
	struct dns_ns *ns;
	enum dns_type type;
	void (*told)(void *, struct dns_ns *, enum dns_status,
	    const struct dns_answer *);
	void *arg;
} asked[64];
static unsigned n_asked, at_once;       /* so many say DNS_NX at once */
static unsigned counted[DNS_COUNT_N];

static void
fake_ask(const struct dns_sect *s, struct dns_ns *ns, const char *host,
    enum dns_type type, dns_told_fn *told, void *arg)
{
	(void)s;
	CHECK_STR(host, "a.test");
	if (at_once > 0) {
		at_once--;
		told(arg, ns, DNS_NX, NULL);
		return;
	}
	asked[n_asked++] = (struct asked){ ns, type, told, arg };
}

static void
fake_count(struct dns_ns *ns, enum dns_count what)
{
	(void)ns;
	counted[what]++;
}

#define dns_ask fake_ask
#define dns_count fake_count
#include "../dns_look.c"
#undef dns_ask
#undef dns_count

static struct loop loop;
static struct arena arena;
static struct dns_ns servers[2] = { { .next = &servers[1], .name = "n1" },
	{ .name = "n2" } };
static struct dns_sect sect = { .name = "dns", .ns = servers, .n_ns = 2,
	.retries = 2, .retry_ms = 100 };
static struct dns_look look;
static int n_done;
static enum dns_status done_status;
static const struct dns_ns *done_by;

static void
done(struct dns_look *l, enum dns_status status, struct dns_ns *by,
    const struct dns_answer *a)
{
	(void)l;
	CHECK((status == DNS_VALID) == (a != NULL));
	n_done++;
	done_status = status;
	done_by = by;
}

static void
begin(bool srv)
{
	static bool begun;

	if (!begun) {
		arena_init(&arena, 0);
		px_model_new(&arena);
		the_loop = &loop;
		tmr_wheel_init(&loop.wheel, 0);
		begun = true;
	}
	n_asked = 0;
	n_done = 0;
	memset(counted, 0, sizeof counted);
	look = (struct dns_look){ .sect = &sect, .host = "a.test",
	    .srv = srv, .v6_first = true, .done = done };
	dns_look_init(&look);
	dns_look_start(&look);
}

static void
answer(unsigned i, enum dns_status status)
{
	static const struct dns_answer some;

	asked[i].told(asked[i].arg, asked[i].ns, status,
	    status == DNS_VALID ? &some : NULL);
}

/* What was asked since number `from`: "AAAA AAAA A A". */
static const char *
types(unsigned from)
{
	static char text[256];
	size_t n = 0;

	text[0] = '\0';
	for (; from < n_asked; from++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
		    n > 0 ? " " : "", asked[from].type == DNS_A ? "A" :
		    asked[from].type == DNS_AAAA ? "AAAA" : "SRV");
	return (text);
}

static void
turn(int64_t ms)
{
	loop.now_ms += ms + 1;
	tmr_wheel_turn(&loop.wheel, loop.now_ms);
}

TEST(the_first_valid_answer_ends_it)
{
	begin(false);
	CHECK_STR(types(0), "AAAA AAAA");
	answer(0, DNS_NX);
	CHECK_EQ(n_done, 0);
	answer(1, DNS_VALID);
	CHECK_EQ(n_done, 1);
	CHECK_EQ(done_status, DNS_VALID);
	CHECK_STR(done_by->name, "n2");
	CHECK(!dns_look_is_on(&look));

	begin(false);
	answer(0, DNS_VALID);
	answer(1, DNS_VALID);
	CHECK_EQ(n_done, 1);
	CHECK_EQ(counted[DNS_COUNT_OUTDATED], 1);
}

TEST(faults_change_the_type_and_then_repeat)
{
	begin(false);
	answer(0, DNS_NX);
	answer(1, DNS_REFUSED);
	turn(0);
	CHECK_STR(types(2), "A A");
	answer(2, DNS_NX);
	answer(3, DNS_NX);
	turn(0);
	CHECK_STR(types(4), "AAAA AAAA");
	answer(4, DNS_OTHER);
	answer(5, DNS_OTHER);
	turn(0);
	CHECK_STR(types(6), "A A");
	answer(6, DNS_NX);
	CHECK_EQ(n_done, 0);
	answer(7, DNS_REFUSED);
	CHECK_EQ(n_done, 1);
	CHECK_EQ(done_status, DNS_REFUSED);     /* the last one */
	turn(1000);
	CHECK_EQ(n_asked, 8);
}

TEST(silence_does_not_change_the_type)
{
	begin(false);
	answer(0, DNS_NX);
	answer(1, DNS_TIMEOUT);
	turn(0);
	CHECK_EQ(n_asked, 2);           /* who is not there is given time */
	turn(sect.retry_ms);
	CHECK_STR(types(2), "AAAA AAAA");
	answer(2, DNS_TIMEOUT);
	answer(3, DNS_TIMEOUT);
	CHECK_EQ(n_done, 1);
	CHECK_EQ(done_status, DNS_TIMEOUT);
}

TEST(srv_records_have_one_type)
{
	begin(true);
	answer(0, DNS_NX);
	answer(1, DNS_NX);
	turn(0);
	CHECK_STR(types(0), "SRV SRV SRV SRV");
	answer(2, DNS_NX);
	answer(3, DNS_NX);
	CHECK_EQ(n_done, 1);
}

TEST(families_that_are_not_accepted_are_not_asked_for)
{
	begin(false);
	dns_glob_edit()->families = DNS_V4;
	answer(0, DNS_NX);
	answer(1, DNS_NX);
	turn(0);
	CHECK_STR(types(2), "A A");
	answer(2, DNS_NX);
	answer(3, DNS_NX);
	CHECK_EQ(n_done, 1);
	dns_glob_edit()->families = DNS_V4 | DNS_V6;
}

TEST(answers_at_once_and_late_ones_are_no_harm)
{
	at_once = 2;
	begin(false);
	CHECK_EQ(n_asked, 0);
	turn(0);
	CHECK_STR(types(0), "A A");
	dns_look_stop(&look);
	answer(0, DNS_VALID);
	answer(1, DNS_NX);
	CHECK_EQ(n_done, 0);
	CHECK_EQ(counted[DNS_COUNT_OUTDATED], 2);
	CHECK(!dns_look_is_on(&look));
}
#else
TEST(there_is_nothing_without_c_ares)
{
	CHECK(true);
}
#endif
