/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../stk_entry.c"
#include "stk_try.h"

TEST_MAY_LEAK          /* worlds of earlier tests are left lying */

/* Every entry is in its bucket, in its stripe's list by age, and counted. */
static void
check_whole(const struct stk_table *t)
{
	struct stk_shm *m = t->shm;
	uint32_t listed = 0, found = 0, idle = 0;

	for (uint32_t i = 0; i < m->n_stripes; i++) {
		struct stk_stripe *s = stripe_no(m, i);
		uint32_t n = 0, before = 0;

		for (uint32_t x = s->oldest; x != 0;
		    x = stk_entry_at(m, x)->newer) {
			struct stk_entry *e = stk_entry_at(m, x);

			CHECK_EQ(e->state, STK_USED);
			CHECK_EQ(e->older, before);
			if (before != 0)
				CHECK((int32_t)(e->due - stk_entry_at(m,
				    before)->due) >= 0);
			before = x;
			n++;
		}
		CHECK_EQ(s->newest, before);
		CHECK_EQ(s->n, n);
		listed += n;
		for (uint32_t x = s->free; x != 0;
		    x = stk_entry_at(m, x)->next)
			idle++;
	}
	for (uint32_t b = 0; b < m->n_buckets; b++)
		for (uint32_t x = *bucket_of(m, b); x != 0;
		    x = stk_entry_at(m, x)->next)
			found++;
	CHECK_EQ(found, listed);
	CHECK_EQ(m->used, listed);
	CHECK_EQ(m->top, listed + idle);
}

TEST(the_oldest_goes_when_the_table_is_full)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 3 expire 1m store gpc0\n");

	CHECK(try_add(t, "a"));
	try_loop.now_ms++;
	CHECK(try_add(t, "b"));
	try_loop.now_ms++;
	CHECK(try_add(t, "c"));
	try_loop.now_ms++;
	CHECK(try_add(t, "a"));                 /* younger than b now */
	try_loop.now_ms++;
	CHECK(try_add(t, "d"));
	CHECK(try_has(t, "a"));
	CHECK(!try_has(t, "b"));
	CHECK(try_has(t, "c"));
	CHECK(try_has(t, "d"));
	check_whole(t);
}

TEST(the_oldest_of_all_stripes_goes)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 4096 store gpc0\n");
	char name[16];

	CHECK_EQ(t->shm->n_stripes, 64);
	for (int i = 0; i < 4096; i++) {
		snprintf(name, sizeof name, "k%d", i);
		CHECK(try_add(t, name));
		try_loop.now_ms++;
	}
	check_whole(t);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "n%d", i);
		CHECK(try_add(t, name));
		try_loop.now_ms++;
		snprintf(name, sizeof name, "k%d", i);
		CHECK(!try_has(t, name));
		snprintf(name, sizeof name, "k%d", i + 1);
		CHECK(try_has(t, name));
	}
	CHECK_EQ(t->shm->used, 4096);
	CHECK_EQ(t->shm->top, 4096);
	check_whole(t);
}

TEST(with_nopurge_a_full_table_takes_nothing_until_something_expires)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 2 expire 1s nopurge\n");

	CHECK(try_add(t, "a"));
	try_loop.now_ms += 500;
	CHECK(try_add(t, "b"));
	CHECK(!try_add(t, "c"));
	CHECK_EQ(t->shm->used, 2);
	try_loop.now_ms += 499;
	CHECK(!try_add(t, "c"));
	try_loop.now_ms += 1;
	CHECK(try_add(t, "c"));
	CHECK(!try_has(t, "a"));
	CHECK(try_has(t, "b"));
	check_whole(t);
}

TEST(entries_expire_when_they_are_due)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 1000 expire 10s\n");
	char name[16];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "k%d", i);
		CHECK(try_add(t, name));
		try_loop.now_ms += 10;
	}
	CHECK_EQ(stk_sweep(t, 1000), 0);
	try_loop.now_ms += 10000 - 100 * 10;    /* the first is due */
	CHECK(!try_has(t, "k0"));
	CHECK(try_has(t, "k1"));
	try_loop.now_ms += 500;
	CHECK(stk_sweep(t, 1000) >= 48);
	CHECK_EQ(t->shm->used, 49);
	try_loop.now_ms += 100000;
	(void)stk_sweep(t, 1);                  /* a few at a time */
	CHECK(t->shm->used > 0);
	(void)stk_sweep(t, 1000);
	CHECK_EQ(t->shm->used, 0);
	check_whole(t);
}

TEST(what_is_tracked_neither_expires_nor_is_purged)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 2 expire 1s store conn_cur\n");
	struct stk_key k;
	struct stk_entry *e;
	uint32_t slot;

	k = try_key(t, "held");
	e = stk_get(t, &k, true);
	slot = stk_ref_take(t->shm, e);
	stk_put(t, e);
	try_loop.now_ms += 5000;
	(void)stk_sweep(t, 100);
	CHECK(try_has(t, "held"));
	CHECK(try_add(t, "a"));
	CHECK(try_add(t, "b"));
	CHECK(try_add(t, "c"));
	CHECK(try_has(t, "held"));
	e = stk_take(t, stk_index_of(t->shm, e));
	CHECK_EQ(e->use, 1);
	stk_ref_drop(t->shm, e, slot);
	CHECK_EQ(e->use, 0);
	stk_put(t, e);
	try_loop.now_ms += 5000;
	(void)stk_sweep(t, 100);
	CHECK(!try_has(t, "held"));
	check_whole(t);
}

/* A process that dies in a stripe, with its lists torn. */
static void
die_in(const struct stk_table *t, const char *key)
{
	struct stk_key k = try_key(t, key);
	struct stk_stripe *s = stk_stripe_at(t->shm, k.hash);
	pid_t pid = fork();

	if (pid == 0) {
		shm_lock_forked();
		stk_lock(t->shm, s);
		s->oldest = s->free = 0;
		*bucket_of(t->shm, k.hash) = 0;
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
}

TEST(a_stripe_whose_owner_died_is_mended)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 500 expire 1m store gpc0\n");
	char name[16];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "k%d", i);
		CHECK(try_add(t, name));
		try_loop.now_ms++;
	}
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "k%d", i * 7);
		die_in(t, name);
		CHECK(try_has(t, name));
	}
	for (uint32_t i = 0; i < t->shm->n_stripes; i++) {
		stk_lock(t->shm, stripe_no(t->shm, i));
		shm_unlock(&stripe_no(t->shm, i)->lock);
	}
	CHECK_EQ(t->shm->used, 300);
	check_whole(t);
}

TEST(keys_are_told_apart_in_every_type)
{
	static const struct {
		const char *type, *a, *b;
	} rows[] = {
		{ "ip", "10.0.0.1", "10.0.0.2" },
		{ "ipv6", "2001:db8::1", "2001:db8::2" },
		{ "integer", "1", "4294967295" },
		{ "string", "a", "b" },
		{ "string len 3", "abc", "abd" },
		{ "binary len 2", "0a0b", "0a0c" },
	};
	char cfg[128];

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct stk_table *t;
		struct text out;
		struct stk_key k;

		snprintf(cfg, sizeof cfg, "backend t\n stick-table type %s "
		    "size 10\n", rows[i].type);
		t = try_world(cfg);
		CHECK(try_add(t, rows[i].a));
		CHECK(try_has(t, rows[i].a));
		CHECK(!try_has(t, rows[i].b));
		k = try_key(t, rows[i].a);
		text_init(&out);
		stk_key_print(t, k.p, &out);
		CHECK(strcasecmp(out.p, rows[i].a) == 0);
		text_fini(&out);
	}
}

TEST(words_that_are_no_keys_are_refused)
{
	static const struct {
		const char *type, *key;
	} rows[] = {
		{ "ip", "x" }, { "ip", "10.0.0.0/8" }, { "ip", "::1" },
		{ "ipv6", "10.0.0" }, { "integer", "-1" },
		{ "integer", "4294967296" }, { "integer", "" },
		{ "binary len 2", "0a0b0c" }, { "binary len 2", "0" },
		{ "binary len 2", "zz" },
	};
	char cfg[128];

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct stk_key k;

		snprintf(cfg, sizeof cfg, "backend t\n stick-table type %s "
		    "size 10\n", rows[i].type);
		if (!CHECK(!stk_key_text(try_world(cfg),
		    span_str(rows[i].key), &k)))
			printf("    row %zu\n", i);
	}
}
