/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What show proc says of the processes, and who answers for a generation.
 */
#include <base/test.h>

#include "../master_cmd.c"

static struct master_args args = { .version = "3.5-test" };
static struct gen current, old;

static void
set_up(struct mcli *c)
{
	struct master *m = &the_master;

	m->a = &args;
	list_init(&m->gens);
	current = (struct gen){ .no = 2, .pid = 4711, .state = GEN_SERVING,
	    .procs = { .n = 2, .worker = { 4713, 4714 }, .agent = 4712 } };
	old = (struct gen){ .no = 1, .pid = 4700, .state = GEN_OLD,
	    .reloads = 1 };
	list_push_front(&m->gens, &old.node);
	list_push_front(&m->gens, &current.node);
	m->current = &current;
	memset(c, 0, sizeof *c);
	text_init(&c->out);
}

static bool
says(struct mcli *c, const char *what, struct span args_)
{
	text_clear(&c->out);
	show_proc(c, args_);
	return (strstr(c->out.p, what) != NULL);
}

TEST(show_proc_lists_who_serves_and_who_leaves)
{
	struct mcli c;

	set_up(&c);
	CHECK(says(&c, "\n# workers\n4711            worker          0 ",
	    SPAN("")));
	CHECK(says(&c, "\n# old workers\n4700            worker          1 ",
	    SPAN("")));
	CHECK(!says(&c, "4713", SPAN("")));
	CHECK(says(&c, "\n4712              agent         0 ",
	    SPAN("debug")));
	CHECK(says(&c, "\n4714              process       0 ",
	    SPAN("debug")));
	CHECK(!says(&c, "# handover", SPAN("")));
	the_master.last_change = span_dup(SPAN("generation 2 took over"));
	CHECK(says(&c, "# handover\n# generation 2 took over\n# generation 1 "
	    "(4700) age 0d00h00m00s: 0 carried, 0 stay, 0 refused\n",
	    SPAN("")));
	free(the_master.last_change);
	text_fini(&c.out);
}

TEST(one_reload_at_a_time)
{
	struct mcli c;

	set_up(&c);
	the_master.swapping = true;
	reload(&c, true);
	CHECK_STR(c.out.p, "Success=0\n--\nAnother reload is still in "
	    "progress.\n");
	CHECK(c.ends && !c.waits && !the_master.hard);
	the_master.swapping = false;
	text_fini(&c.out);
}

TEST(channels_are_found_by_their_keeper)
{
	struct mcli c;

	set_up(&c);
	CHECK_EQ(keeper(), 4711);
	CHECK(chan(4711) == &current.chan && chan(4700) == &old.chan);
	CHECK(chan(4713) == NULL && chan(0) == NULL && chan(-1) == NULL);
	the_master.current = NULL;
	CHECK_EQ(keeper(), 0);
	text_fini(&c.out);
}
