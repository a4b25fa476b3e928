/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../stk_log.c"
#include "stk_try.h"

TEST_MAY_LEAK          /* worlds of earlier tests are left lying */

#define CFG "backend t\n stick-table type string size 100 expire 1m store gpc0\n"

/* A table with a log, as a section of peers makes it. */
static struct stk_table *
logged(void)
{
	struct stk_table *t = try_world(CFG);
	const char *err;

	stk_replicate(t);
	CHECK(stk_setup(&err));
	CHECK_EQ(stk_log_open(t, 1), STK_LOG_FRESH);
	return (t);
}

static uint32_t
change(const struct stk_table *t, const char *key)
{
	struct stk_key k = try_key(t, key);
	struct stk_entry *e = stk_get(t, &k, true);
	uint32_t index = stk_index_of(t->shm, e);

	stk_put_changed(t, e);
	return (index);
}

TEST(a_table_without_peers_has_no_log)
{
	struct stk_table *t = try_world(CFG);

	CHECK(t->log == NULL);
	CHECK(change(t, "a") != 0);
}

TEST(an_entry_is_there_once_however_often_it_changes)
{
	struct stk_table *t = logged();
	uint32_t a = change(t, "a"), b = change(t, "b");

	for (int i = 0; i < 1000; i++)
		CHECK_EQ(change(t, "a"), a);
	CHECK_EQ(stk_log_take(t, 1), a);
	CHECK_EQ(change(t, "a"), a);
	CHECK_EQ(stk_log_take(t, 1), b);
	CHECK_EQ(stk_log_take(t, 1), a);
	CHECK_EQ(stk_log_take(t, 1), 0);
}

TEST(the_ring_goes_round)
{
	struct stk_table *t = logged();
	char key[12];

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 100; i++) {
			snprintf(key, sizeof key, "%d", i);
			change(t, key);
		}
		for (int i = 0; i < 100; i++)
			CHECK(stk_log_take(t, 1) != 0);
		CHECK_EQ(stk_log_take(t, 1), 0);
	}
}

TEST(only_the_generation_that_opened_it_takes)
{
	struct stk_table *t = logged();
	uint32_t a = change(t, "a");

	CHECK_EQ(stk_log_open(t, 2), STK_LOG_HANDED);
	CHECK_EQ(stk_log_take(t, 1), 0);
	CHECK_EQ(stk_log_take(t, 2), a);
	stk_log_close(t);
	CHECK_EQ(stk_log_open(t, 3), STK_LOG_HANDED);
	stk_log_close(t);                       /* 4 has no peers */
	CHECK_EQ(stk_log_open(t, 5), STK_LOG_LOST);
}

TEST(a_taker_that_died_is_noticed)
{
	struct stk_table *t = logged();
	pid_t pid = fork();

	if (pid == 0) {
		(void)stk_log_open(t, 1);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
	CHECK_EQ(stk_log_open(t, 1), STK_LOG_LOST);
}

/* It had reserved a slot, and set the bit, or not even that. */
TEST(what_the_dead_were_about_to_note_is_noted)
{
	struct stk_table *t = logged();
	uint32_t a = change(t, "a"), b;

	CHECK_EQ(stk_log_take(t, 1), a);
	atomic_store(&t->log->busy[0], a);
	atomic_fetch_or(&t->log->bits[(a - 1) / 32], 1u << (a - 1) % 32);
	atomic_fetch_add(&t->log->tail, 1);
	b = change(t, "b");                     /* of somebody else */
	atomic_store(&t->log->busy[0], a);
	reap(0);
	CHECK_EQ(stk_log_take(t, 1), 0);        /* it may still come */
	try_loop.now_ms += HOLE_MS + 1;
	CHECK_EQ(stk_log_take(t, 1), b);
	CHECK_EQ(stk_log_take(t, 1), a);
	CHECK_EQ(stk_log_take(t, 1), 0);
	CHECK_EQ(change(t, "a"), a);
	CHECK_EQ(stk_log_take(t, 1), a);
}

TEST(who_sleeps_is_woken_once)
{
	struct stk_table *t = logged();
	uint64_t n = 0;

	(void)read(stk_wake_fd, &n, sizeof n);
	CHECK(!stk_log_sleep(t));
	change(t, "a");
	change(t, "b");
	CHECK_EQ(read(stk_wake_fd, &n, sizeof n), 8);
	CHECK_EQ(n, 1);
	CHECK(stk_log_sleep(t));                /* not all were taken */
}
