/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../stk_ref.c"
#include "stk_try.h"
#include <agent/agent.h>
#include <wire/wire.h>

TEST_MAY_LEAK          /* worlds of earlier tests are left lying */

#define TABLES "backend a\n stick-table type string size 50 store conn_cur," \
	"conn_cnt\nbackend b\n stick-table type ip size 50 expire 1m\n"

static struct stk_entry *
entry(const struct stk_table *t, const char *key)
{
	struct stk_key k = try_key(t, key);
	struct stk_entry *e = stk_get(t, &k, true);

	stk_put(t, e);
	return (e);
}

static uint64_t
cur(const struct stk_table *t, const char *key)
{
	return (stk_value_get(t, entry(t, key), STK_CONN_CUR, 0, 0));
}

TEST(a_dead_process_gives_back_what_it_held)
{
	struct stk_table *t = try_world(TABLES)->next;
	uint32_t slot[3];

	for (int no = 0; no < 2; no++) {
		shm_proc_no = no;
		for (int i = 0; i < 3; i++) {
			struct stk_entry *e = stk_take(t, stk_index_of(t->shm,
			    entry(t, i == 0 ? "x" : "y")));

			slot[i] = stk_ref_take(t->shm, e);
			stk_put(t, e);
		}
	}
	CHECK_EQ(cur(t, "x"), 2);
	CHECK_EQ(cur(t, "y"), 4);
	stk_reap(0);
	CHECK_EQ(cur(t, "x"), 1);
	CHECK_EQ(cur(t, "y"), 2);
	CHECK_EQ(entry(t, "y")->use, 2);
	stk_reap(0);                            /* there is nothing more */
	CHECK_EQ(cur(t, "y"), 2);
	for (int i = 0; i < 3; i++) {
		struct stk_entry *e = stk_take(t, stk_index_of(t->shm,
		    entry(t, i == 0 ? "x" : "y")));

		stk_ref_drop(t->shm, e, slot[i]);
		stk_put(t, e);
	}
	stk_reap(1);
	CHECK_EQ(cur(t, "x"), 0);
	CHECK_EQ(cur(t, "y"), 0);
	CHECK_EQ(entry(t, "y")->use, 0);
}

/* The process dies at each point of a change of references. */
TEST(a_change_that_was_interrupted_is_undone)
{
	for (int point = 0; point < 4; point++) {
		struct stk_table *t = try_world(TABLES)->next;
		struct stk_entry *e = entry(t, "x");
		pid_t pid;

		pid = fork();
		if (pid == 0) {
			struct stk_stripe *s = stk_stripe_at(t->shm, e->hash);
			uint32_t slot;

			shm_lock_forked();
			shm_proc_no = 5;
			stk_lock(t->shm, s);
			slot = take_slot();
			s->undo_ref = 5u << 20 | slot;
			s->undo_use = s->undo_cur = 0;
			s->undo_word = 0;
			s->undo_entry = stk_index_of(t->shm, e);
			if (point > 0)
				e->use = 1;
			if (point > 1)
				*conn_cur(t->shm, e) = 1;
			if (point > 2)
				stk_refs->word[5][slot] = word_of(t->shm,
				    stk_index_of(t->shm, e));
			_exit(0);
		}
		(void)waitpid(pid, NULL, 0);
		stk_reap(5);
		CHECK_EQ(e->use, 0);
		CHECK_EQ(cur(t, "x"), 0);
		CHECK_EQ(stk_refs->word[5][0], 0);
		CHECK_EQ(stk_refs->top[5], 0);
	}
}

static void
follow(struct stk_set *s, unsigned no, const struct stk_table *t,
    const char *key)
{
	struct stk_entry *e = stk_take(t, stk_index_of(t->shm,
	    entry(t, key)));

	s->v[no] = (struct stk_track){ t, stk_index_of(t->shm, e), 0 };
	s->v[no].slot = stk_ref_take(t->shm, e);
	stk_put(t, e);
}

TEST(what_is_tracked_moves_to_another_process)
{
	struct stk_table *b = try_world(TABLES), *a = b->next;
	struct stk_set *old = stk_set_new(NULL), *new = NULL;
	struct wire_out out, again;
	char mem[2][512];
	struct wire_in in;

	follow(old, 0, a, "x");
	follow(old, 2, b, "10.0.0.1");
	wire_out_init(&out, mem[0], sizeof mem[0]);
	stk_track_put(&out, 7, old);
	CHECK(!out.over);
	shm_proc_no = 1;
	wire_in_init(&in, span_of(out.p, out.n));
	CHECK(stk_track_get(&in, 7, NULL, &new));
	CHECK_EQ(cur(a, "x"), 2);               /* until the old one lets go */
	wire_out_init(&again, mem[1], sizeof mem[1]);
	stk_track_put(&again, 7, new);
	CHECK_EQ(again.n, out.n);
	CHECK_MEM(again.p, again.n, out.p, out.n);
	shm_proc_no = 0;
	stk_set_free(old);
	CHECK_EQ(cur(a, "x"), 1);
	CHECK_EQ(entry(b, "10.0.0.1")->use, 1);
	CHECK_EQ(stk_value_get(a, entry(a, "x"), STK_CONN_CNT, 0, 0), 0);
	shm_proc_no = 1;
	stk_set_free(new);
	CHECK_EQ(cur(a, "x"), 0);
}

TEST(keys_to_store_cross_as_well)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 9\n stick on src\n");
	struct txn old = { .arena = &try_arena }, new = { .arena = &try_arena };
	struct stk_key k = try_key(t, "k");
	struct wire_out out;
	struct wire_in in;
	char mem[256];

	wire_out_init(&out, mem, sizeof mem);
	stk_notes_put(&out, 4, &old);
	CHECK_EQ(out.n, 0);
	stk_note(&old, t, &k);
	stk_notes_put(&out, 4, &old);
	wire_in_init(&in, span_of(out.p, out.n));
	CHECK(stk_notes_get(&in, 4, &new));
	if (CHECK(new.stk_notes != NULL)) {
		CHECK(new.stk_notes->table == t);
		CHECK_EQ(new.stk_notes->key.hash, k.hash);
		CHECK_MEM(new.stk_notes->key.p, t->key_bytes, k.p,
		    t->key_bytes);
		CHECK(new.stk_notes->next == NULL);
	}
	/* the table stores no servers any more */
	new.stk_notes = NULL;
	CHECK(try_tables("backend t\n stick-table type string size 9\n") !=
	    NULL);
	wire_in_init(&in, span_of(out.p, out.n));
	CHECK(stk_notes_get(&in, 4, &new));
	CHECK(new.stk_notes == NULL);
}

TEST(tables_that_are_gone_or_have_other_keys_are_left_out)
{
	struct stk_table *b = try_world(TABLES), *a = b->next;
	struct stk_set *old = stk_set_new(NULL), *new = NULL;
	struct wire_out out;
	struct wire_in in;
	char mem[512];

	follow(old, 0, a, "x");
	follow(old, 1, b, "10.0.0.1");
	wire_out_init(&out, mem, sizeof mem);
	stk_track_put(&out, 7, old);
	b = try_tables("backend b\n stick-table type integer size 50\n");
	wire_in_init(&in, span_of(out.p, out.n));
	CHECK(stk_track_get(&in, 7, NULL, &new));
	CHECK(new != NULL && new->v[0].tab == NULL && new->v[1].tab == NULL);
	stk_set_free(new);
	/* every cut of the record is refused or harmless */
	for (size_t n = 0; n < out.n; n++) {
		new = NULL;
		wire_in_init(&in, span_of(out.p, n));
		(void)stk_track_get(&in, 7, NULL, &new);
		stk_set_free(new);
	}
	CHECK_EQ(b->shm->used, 0);
}

TEST(a_table_of_another_shape_is_filled_from_the_old_one)
{
	struct stk_table *t = try_world("backend t\n stick-table type string "
	    "size 100 expire 1m store gpc0,conn_cnt,server_key\n");
	struct stk_entry *e;
	char name[16];

	agent_facts.gen = 1;
	stk_serve();
	for (int i = 0; i < 90; i++) {
		snprintf(name, sizeof name, "k%d", i);
		e = entry(t, name);
		stk_value_set(t, e, STK_GPC0, 0, (uint64_t)i, 0);
		stk_value_set(t, e, STK_SERVER_KEY, 0,
		    stk_name_no(t->shm, SPAN("s")), 0);
		try_loop.now_ms += 10;
	}
	shm_begin(the_shm, 2);
	t = try_tables("backend t\n stick-table type string size 50 "
	    "expire 1m store gpt0,server_key,gpc0\n");
	CHECK_EQ(t->shm->used, 50);             /* the youngest */
	CHECK(!try_has(t, "k39"));
	CHECK(try_has(t, "k40"));
	e = entry(t, "k77");
	CHECK_EQ(stk_value_get(t, e, STK_GPC0, 0, 0), 77);
	CHECK_STR(stk_name(t->shm, (uint32_t)stk_value_get(t, e,
	    STK_SERVER_KEY, 0, 0)), "s");
	CHECK_EQ(e->due, (uint32_t)(1000000 + 770 + 60000));
	agent_facts.gen = 2;
	stk_serve();
	/* keys of another length: nothing is taken over */
	shm_begin(the_shm, 3);
	t = try_tables("backend t\n stick-table type string len 5 size 50\n");
	CHECK_EQ(t->shm->used, 0);
	/* and back, as if that one had not been accepted */
	t = try_tables("backend t\n stick-table type string size 50 "
	    "expire 1m store gpt0,server_key,gpc0\n");
	CHECK_EQ(t->shm->used, 50);
}
