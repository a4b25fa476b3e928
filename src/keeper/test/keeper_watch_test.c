/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper thinks of a process, from what it sees of it.
 */
#include <base/test.h>

#include "../keeper_watch.c"

static const struct keeper_patience agent = { 5000000, 5000 };
static const struct keeper_patience worker = { 2000000, 0 };

static struct keeper_watched w;
static struct keeper_look at;

static void
begin(void)
{
	w = (struct keeper_watched){ 0 };
	at = (struct keeper_look){ .now_ms = 1000, .cpu_us = 7000000,
		.steps = 3, .state = 'R' };
	CHECK_EQ(keeper_watch_judge(&w, &at, &worker), KEEPER_WELL);
}

static enum keeper_verdict
later(const struct keeper_patience *p, int64_t ms, int64_t cpu_ms)
{
	at.now_ms += ms;
	at.cpu_us += cpu_ms * 1000;
	return (keeper_watch_judge(&w, &at, p));
}

/* How many looks until something else than that all is well. */
static int
looks(const struct keeper_patience *p, int64_t cpu_ms,
    enum keeper_verdict *what)
{
	int n = 0;

	do
		n++;
	while ((*what = later(p, LOOK_MS, cpu_ms)) == KEEPER_WELL && n < 100);
	return (n);
}

TEST(time_of_one_step_counts)
{
	enum keeper_verdict what;

	begin();
	CHECK_EQ(looks(&worker, 500, &what), 4);
	CHECK_EQ(what, KEEPER_SPINS);
	begin();
	CHECK_EQ(looks(&agent, 500, &what), 10);
	CHECK_EQ(what, KEEPER_SPINS);
	/* With half of a processor it takes as much of it. */
	begin();
	CHECK_EQ(looks(&worker, 250, &what), 8);
	CHECK_EQ(what, KEEPER_SPINS);
}

TEST(a_new_step_makes_all_good)
{
	begin();
	for (int i = 0; i < 100; i++) {
		at.steps++;
		CHECK_EQ(later(&worker, 1500, 1500), KEEPER_WELL);
	}
	/* What it had used before its first look is not of this step. */
	CHECK_EQ(later(&worker, 500, 1999), KEEPER_WELL);
	CHECK_EQ(later(&worker, 500, 1), KEEPER_SPINS);
	/* The counter may begin again. */
	at.steps = 0;
	CHECK_EQ(later(&worker, 500, 500), KEEPER_WELL);
}

TEST(a_worker_may_sleep_and_be_stopped)
{
	static const char states[] = "STDtR";
	enum keeper_verdict what;

	for (const char *z = states; *z != '\0'; z++) {
		begin();
		at.state = *z;
		(void)looks(&worker, 0, &what);
		CHECK_EQ(what, KEEPER_WELL);
	}
}

TEST(an_agent_is_asked_and_has_to_answer)
{
	static const char states[] = "ST";
	enum keeper_verdict what;

	for (const char *z = states; *z != '\0'; z++) {
		begin();
		at.state = *z;
		CHECK_EQ(looks(&agent, 0, &what), ASK_MS / LOOK_MS);
		CHECK_EQ(what, KEEPER_ASK);
		CHECK_EQ(looks(&agent, 0, &what), SILENT_MS / LOOK_MS);
		CHECK_EQ(what, KEEPER_SILENT);
	}
	begin();
	at.state = 'S';
	for (int i = 0; i < 20; i++) {          /* asked once only */
		CHECK_EQ(looks(&agent, 0, &what), ASK_MS / LOOK_MS);
		CHECK_EQ(what, KEEPER_ASK);
		CHECK_EQ(later(&agent, LOOK_MS, 0), KEEPER_WELL);
		at.steps++;
		CHECK_EQ(later(&agent, LOOK_MS, 1), KEEPER_WELL);
	}
}

/* Disk, debugger, a processor that others have. */
TEST(who_waits_is_not_silent)
{
	static const char states[] = "DtRZ";
	enum keeper_verdict what;

	for (const char *z = states; *z != '\0'; z++) {
		begin();
		at.state = *z;
		(void)looks(&agent, 0, &what);
		CHECK_EQ(what, KEEPER_WELL);
	}
	/* And time of that kind is not time asleep. */
	begin();
	at.state = 'S';
	(void)looks(&agent, 0, &what);
	for (int i = 0; i < 9; i++) {
		at.state = 'S';
		CHECK_EQ(later(&agent, LOOK_MS, 0), KEEPER_WELL);
		at.state = 'D';
		CHECK_EQ(later(&agent, LOOK_MS, 0), KEEPER_WELL);
	}
	at.state = 'S';
	CHECK_EQ(later(&agent, LOOK_MS, 0), KEEPER_SILENT);
}

/* The machine was held, the keeper as well. */
TEST(a_pause_of_all_is_nobodys_fault)
{
	enum keeper_verdict what;

	begin();
	at.state = 'S';
	CHECK_EQ(later(&agent, 3600000, 0), KEEPER_ASK);
	CHECK_EQ(later(&agent, 3600000, 0), KEEPER_WELL);
	CHECK_EQ(looks(&agent, 0, &what), (SILENT_MS - 2 * LOOK_MS) / LOOK_MS);
	CHECK_EQ(what, KEEPER_SILENT);
}

TEST(where_states_can_not_be_read)
{
	enum keeper_verdict what;

	begin();
	at.state = '\0';
	CHECK_EQ(looks(&agent, 1, &what), 100);         /* it does something */
	CHECK_EQ(what, KEEPER_WELL);
	CHECK_EQ(looks(&agent, 0, &what), ASK_MS / LOOK_MS);
	CHECK_EQ(what, KEEPER_ASK);
	CHECK_EQ(looks(&agent, 0, &what), SILENT_MS / LOOK_MS);
	CHECK_EQ(what, KEEPER_SILENT);
}
