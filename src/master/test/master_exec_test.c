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
