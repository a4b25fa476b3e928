/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a master knows is the same after it became another program.
 */
#include <base/test.h>

#include "../master_exec.c"

static struct gen old;

static void
add_row(const char *kind, const char *why, uint32_t carried, uint32_t left,
    uint32_t closed)
{
	struct ipc_row r = { .carried = carried, .left = left,
	    .closed = closed };

	snprintf(r.kind, sizeof r.kind, "%s", kind);
	snprintf(r.why, sizeof r.why, "%s", why);
	master_give_load_row(old.no, 2, &r);
}

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
	master_give_load(6, (struct ipc_carried){ 2, 3, 1, 2 });
	add_row("tcp", "", 3, 0, 0);
	add_row("http-idle", "its frontend is gone", 0, 1, 4);
	add_row("server-idle", "TLS", 0, 0, 5);
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
	CHECK_EQ(master_give_sum(g).carried, 3);
	CHECK_EQ(master_give_sum(g).lingering, 1);
	text_init(&shown);
	master_give_print(&shown, g, "<", ">");
	CHECK_STR(shown.p, "<tcp 3 carried>"
	    "<http-idle 1 stay: its frontend is gone>"
	    "<http-idle 4 closed: its frontend is gone>"
	    "<server-idle 5 closed: TLS>");
	text_fini(&shown);
	text_fini(&before);
	forget();
}
