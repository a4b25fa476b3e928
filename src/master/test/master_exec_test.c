/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a master knows is the same after it became another program.
 */
#include <base/test.h>

#include "../master_exec.c"

static struct gen old;

static void
set_up(void)
{
	struct master *m = &the_master;

	list_init(&m->gens);
	text_init(&m->log);
	tmr_wheel_init(&m->loop.wheel, 0);
	m->state_fd = fd_memfd("state");
	m->ledger_fd = fd_memfd("ledger");
	m->life[0] = fd_memfd("life");
	m->life[1] = fd_memfd("life");
	m->last_gen = 7;
	m->reloads = 5;
	m->failed = 1;
	old = (struct gen){ .no = 6, .pid = 100, .state = GEN_OLD,
	    .quiet = true, .drained = true, .chan.fd = -1, .level = 2,
	    .procs = { .n = 2, .worker = { 101, 102 }, .agent = 103 } };
	tmr_init(&old.tick, master_on_give_tick);
	list_push_front(&m->gens, &old.node);
	master_give_load(6, 2, SPAN("give"), SPAN("3 1 2"));
	master_give_load(6, 2, SPAN("row"), SPAN("3 0 tcp "));
	master_give_load(6, 2, SPAN("row"),
	    SPAN("0 1 http-idle its frontend is gone"));
	master_give_load(6, 2, SPAN("closed"),
	    SPAN("4 http-idle its frontend is gone"));
	master_give_load(6, 2, SPAN("closed"), SPAN("5 server-idle TLS"));
	m->last_change = span_dup(SPAN("generation 7 took over"));
	master_note(SPAN("one\n\ntwo\n"));
}

static void
forget(void)
{
	struct master *m = &the_master;

	while (!list_empty(&m->gens)) {
		struct gen *g = LIST_ITEM(m->gens.next, struct gen, node);

		list_del(&g->node);
		master_give_free(g);
		if (g != &old)
			free(g);
	}
	free(m->last_change);
	m->last_change = NULL;
	m->last_gen = m->reloads = m->failed = 0;
	m->current = NULL;
	text_clear(&m->log);
}

TEST(all_of_it_is_read_again)
{
	struct master *m = &the_master;
	const struct gen *g;
	struct ipc_report sum;
	struct text before, shown;
	int fd = fd_memfd("test");

	set_up();
	text_init(&before);
	save_all(m, &before);
	CHECK(fd_write_all(fd, before.p, before.n));
	forget();
	CHECK(master_resume(m, fd));
	CHECK(m->last_gen == 7 && m->reloads == 5 && m->failed == 1);
	CHECK_STR(m->last_change, "generation 7 took over");
	CHECK_SPAN(text_span(&m->log), "one\n\ntwo\n");
	g = LIST_ITEM(m->gens.next, struct gen, node);
	CHECK(g->no == 6 && g->pid == 100 && g->level == 2);
	sum = master_give_sum(g);
	CHECK_EQ(sum.said.carried, 3);
	CHECK_EQ(sum.said.lingering, 1);
	text_init(&shown);
	ipc_report_print(&sum, &shown, "<", ">");
	ipc_report_fini(&sum);
	CHECK_STR(shown.p, "<tcp 3 carried>"
	    "<http-idle 1 stay: its frontend is gone>"
	    "<http-idle 4 closed: its frontend is gone>"
	    "<server-idle 5 closed: TLS>");
	text_fini(&shown);
	text_fini(&before);
	forget();
}

/* Where `%d` is, the descriptor of a memfd. */
static bool
resume(const char *fmt)
{
	struct text t;
	int some = fd_memfd("some"), fd = fd_memfd("test");
	bool done;

	text_init(&t);
	text_printf(&t, fmt, some, some, some, some);
	CHECK(fd_write_all(fd, t.p, t.n));
	text_fini(&t);
	list_init(&the_master.gens);
	done = master_resume(&the_master, fd);
	(void)close(some);
	return (done);
}

#define MASTER "master 7 5 1 10 20 %d %d %d %d 1 0\n"

TEST(text_of_other_releases_is_read)
{
	static const struct {
		const char *text;
		bool ok;
		unsigned procs, agent, level;
	} rows[] = {
		/* the first release, ours, a newer one */
		{ MASTER "gen 6 100 2 0 9 -1 0 0 -1 2 11 12 13\n", true, 2, 13,
		    0 },
		{ MASTER "gen 6 100 2 0 9 -1 0 0 -1 2 11 12 13 2\n", true, 2,
		    13, 2 },
		{ MASTER "news 1 2\ngen 6 100 2 0 9 -1 0 0 -1 0 13 2 77 x\n",
		    true, 0, 13, 2 },
		/* damaged */
		{ MASTER "gen 6 100 2 0 9 -1 0 0 -1 2 11 12\n", false, 0, 0, 0 },
		{ MASTER "gen 6 100 2 0 9 -1 0 0 -1 9999 11 12\n", false, 0, 0, 0 },
		{ MASTER "gen 6 x 2 0 9 -1 0 0 -1 0 13 2\n", false, 0, 0, 0 },
		{ MASTER "gen 6 100 2 0 9 -1 0 0 9999 0 13 2\n", false, 0, 0, 0 },
		{ "master 7 5 1 10 20 %d %d %d %d 1\n", false, 0, 0, 0 },
		{ "master 7 5 1 10 20 %d %d 9999 %d 1 0\n", false, 0, 0, 0 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		const struct gen *g;

		if (!CHECK_EQ(resume(rows[i].text), rows[i].ok))
			printf("row %zu\n", i);
		if (rows[i].ok && !list_empty(&the_master.gens)) {
			g = the_master.current;
			CHECK(g->no == 6 && g->procs.n == rows[i].procs &&
			    g->procs.agent == (int)rows[i].agent &&
			    g->level == rows[i].level);
		}
		forget();
	}
}
