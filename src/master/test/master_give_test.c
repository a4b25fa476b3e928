/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What old workers say while they hand over: read, kept, added up, printed.
 */
#include <base/test.h>

#include "../master_give.c"

static struct gen old, new;

struct said {
	struct ipc_carried head;
	struct ipc_rows rows;
	struct ipc_row row[IPC_ROWS_MAX + 1];
};

static void
set_up(void)
{
	free(the_master.last_change);
	memset(&the_master, 0, sizeof the_master);
	ipc_say_quiet = true;
	list_init(&the_master.gens);
	tmr_wheel_init(&the_master.loop.wheel, 0);
	old = (struct gen){ .no = 1, .pid = 100, .state = GEN_OLD,
	    .quiet = true, .procs = { .n = 2, .worker = { 101, 102 } } };
	new = (struct gen){ .no = 2, .pid = 200, .state = GEN_SERVING,
	    .procs = { .n = 2, .worker = { 201, 202 } } };
	old.chan.fd = new.chan.fd = -1;
	old.state_fd = new.state_fd = old.ledger_fd = new.ledger_fd = -1;
	old.chan.me = new.chan.me = IPC_MASTER;
	old.chan.peer = new.chan.peer = IPC_KEEPER;
	tmr_init(&old.tick, master_on_give_tick);
	tmr_init(&new.tick, master_on_give_tick);
	list_push_front(&the_master.gens, &old.node);
	list_push_front(&the_master.gens, &new.node);
	the_master.current = &new;
}

static void
hear_of(const struct said *s, size_t n)
{
	master_give_said(&the_master, &old, span_of((const char *)s, n));
}

static size_t
add_row(struct said *s, const char *kind, const char *why, uint32_t carried,
    uint32_t left)
{
	struct ipc_row *r = &s->row[s->rows.n++];

	snprintf(r->kind, sizeof r->kind, "%s", kind);
	snprintf(r->why, sizeof r->why, "%s", why);
	r->carried = carried;
	r->left = left;
	return (offsetof(struct said, row) + s->rows.n * sizeof *r);
}

static struct ipc_carried
sum_of(const struct gen *g)
{
	struct ipc_report sum = master_give_sum(g);
	struct ipc_carried said = sum.said;

	ipc_report_fini(&sum);
	return (said);
}

TEST(rows_of_all_workers_are_added_up)
{
	struct said a = { { 1, 3, 1, 1 }, { IPC_ROWS_VERSION,
	    IPC_CARRY_PASSED, 0 }, { { .kind = "" } } }, b = a;
	struct ipc_report sum;
	struct text t;
	size_t n;

	set_up();
	b.head.worker = 2;
	enter(give_of(&old, 1), GIVE_GOES, 0);
	enter(give_of(&old, 2), GIVE_GOES, 0);
	(void)add_row(&a, "tcp", "", 3, 0);
	n = add_row(&a, "h1", "no such frontend", 0, 1);
	hear_of(&a, n);
	CHECK(!old.drained);
	(void)add_row(&b, "h1", "no such frontend", 0, 1);
	b.row[0].closed = 4;
	n = add_row(&b, "tcp", "", 3, 0);
	hear_of(&b, n);
	CHECK(old.drained);
	CHECK_EQ(sum_of(&old).carried, 6);
	CHECK_EQ(sum_of(&old).lingering, 2);
	text_init(&t);
	sum = master_give_sum(&old);
	ipc_report_print(&sum, &t, "<", ">");
	ipc_report_fini(&sum);
	CHECK_STR(t.p, "<tcp 6 carried><h1 2 stay: no such frontend>"
	    "<h1 4 closed: no such frontend>");
	text_fini(&t);
	master_give_free(&old);
}

TEST(later_numbers_replace_earlier_ones)
{
	struct said s = { { 1, 1, 5, 0 }, { IPC_ROWS_VERSION,
	    IPC_CARRY_PASSED, 0 }, { { .kind = "" } } };
	size_t n;

	set_up();
	n = add_row(&s, "tcp", "", 1, 0);
	hear_of(&s, n);
	s.head.carried = s.row[0].carried = 6;
	s.head.lingering = 0;
	s.rows.event = IPC_CARRY_NEWS;
	hear_of(&s, n);
	CHECK_EQ(sum_of(&old).carried, 6);
	CHECK_EQ(sum_of(&old).lingering, 0);
	CHECK_EQ(old.gives[0].report.rows[0].carried, 6);
	master_give_free(&old);
}

TEST(what_is_not_understood_is_left_alone)
{
	struct said s = { { 1, 7, 0, 0 }, { IPC_ROWS_VERSION + 1,
	    IPC_CARRY_PASSED, 0 }, { { .kind = "" } } };
	size_t n = add_row(&s, "tcp", "", 7, 0);

	set_up();
	hear_of(&s, n);                 /* of another version: the head */
	CHECK_EQ(sum_of(&old).carried, 7);
	CHECK_EQ(old.gives[0].report.n_rows, 0);
	s.rows.version = IPC_ROWS_VERSION;
	hear_of(&s, n - 1);             /* cut */
	CHECK_EQ(old.gives[0].report.n_rows, 0);
	s.rows.n = IPC_ROWS_MAX + 1;    /* too many */
	hear_of(&s, sizeof s);
	CHECK_EQ(old.gives[0].report.n_rows, 0);
	s.head.worker = 0;              /* nobody */
	hear_of(&s, sizeof s.head);
	s.head.worker = IPC_PROCS_MAX + 1;
	hear_of(&s, sizeof s.head);
	CHECK_EQ(old.n_gives, 1);
	hear_of(&s, 3);
	s.head = (struct ipc_carried){ 2, 9, 0, 0 };
	hear_of(&s, sizeof s.head);     /* the first release says no more */
	CHECK_EQ(old.gives[1].state, GIVE_DONE);
	CHECK_EQ(sum_of(&old).carried, 16);
	master_give_free(&old);
}

TEST(who_is_dead_now_is_not_paired_with)
{
	set_up();
	CHECK_EQ(choose(&new, 1), 1);
	CHECK_EQ(choose(&new, 2), 2);
	CHECK_EQ(choose(&new, 3), 1);
	new.procs.worker[0] = 0;
	CHECK_EQ(choose(&new, 1), 2);
	new.procs.worker[1] = 0;
	CHECK_EQ(choose(&new, 1), 0);
}

TEST(an_end_that_was_not_said_is_one)
{
	set_up();
	enter(give_of(&old, 1), GIVE_GOES, 0);
	enter(give_of(&old, 2), GIVE_GOES, 0);
	old.procs.worker[0] = 0;
	master_give_procs(&the_master, &old);
	CHECK(!old.drained);
	old.procs.worker[1] = 0;
	master_give_procs(&the_master, &old);
	CHECK(old.drained);
	master_give_free(&old);
}
