/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master's commands: cut from the input, told apart, answered.
 */
#include <base/test.h>

#include "../master_cli.c"
#include "../master_cmd.c"
#include "../master_socket.c"

static struct master_args args = { .version = "3.5-test" };
static struct gen worker, old;

static void
set_up(struct cli *c, const char *input)
{
	the_master.a = &args;
	list_init(&the_master.gens);
	list_init(&the_master.clis);
	worker = (struct gen){ .no = 2, .pid = 4711, .state = GEN_SERVING };
	old = (struct gen){ .no = 1, .pid = 4700, .state = GEN_OLD,
	    .reloads = 1 };
	list_push_front(&the_master.gens, &old.node);
	list_push_front(&the_master.gens, &worker.node);
	the_master.current = &worker;
	memset(c, 0, sizeof *c);
	c->fd = c->relay = -1;
	c->level = ADMIN;
	text_init(&c->in);
	text_init(&c->out);
	text_addz(&c->in, input);
	text_addz(&c->out, "");
}

static void
tear_down(struct cli *c)
{
	text_fini(&c->in);
	text_fini(&c->out);
}

TEST(commands_are_cut_where_they_end)
{
	static const struct { const char *in; bool eof, got; const char *cmd;
		size_t used; bool last; } rows[] = {
		{ "a;b\n", false, true, "a", 2, false },
		{ "ab\n", false, true, "ab", 3, true },
		{ "ab", false, false, "", 0, false },
		{ "ab", true, true, "ab", 2, true },
		{ "", true, false, "", 0, false },
		{ "a\\;b\nc", false, true, "a\\;b", 5, true },
		{ "add x <<\nk;1\nk2\n\nrest", false, true,
		    "add x <<\nk;1\nk2\n", 17, true },
		{ "add x <<\nk;1\n", false, false, "", 0, false },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct cli c;
		struct span cmd = { "", 0 };
		size_t used = 0;
		bool last = false;

		set_up(&c, rows[i].in);
		c.eof = rows[i].eof;
		if (!CHECK_EQ(cut_command(&c, &cmd, &used, &last),
		    rows[i].got))
			printf("    row %zu\n", i);
		CHECK_MEM(cmd.p, cmd.n, rows[i].cmd, strlen(rows[i].cmd));
		CHECK(used == rows[i].used && last == rows[i].last);
		tear_down(&c);
	}
}

TEST(prefixes_name_processes)
{
	static const struct { const char *word; int got; pid_t pid; } rows[] = {
		{ "@", 0, 0 }, { "@0", 0, 0 }, { "@master", 0, 0 },
		{ "@1", 0, 4711 }, { "@!4711", 0, 4711 }, { "@!4700", 0, 4700 },
		{ "@2", -1, 0 }, { "@!1", -1, 0 }, { "@!", -1, 0 },
		{ "@!x", -1, 0 }, { "@!99999999999", -1, 0 },
	};
	struct cli c;

	set_up(&c, "");
	for (size_t i = 0; i < NELEM(rows); i++) {
		pid_t pid = 0;
		int got = find_target(span_str(rows[i].word), &pid);

		if (!CHECK_EQ(got, rows[i].got) ||
		    (got == 0 && !CHECK_EQ(pid, rows[i].pid)))
			printf("    word %s\n", rows[i].word);
	}
	tear_down(&c);
}

static const char *
answer(struct cli *c, const char *line)
{
	text_clear(&c->out);
	text_addz(&c->out, "");
	master_cli_command(c, span_str(line));
	return (c->out.p);
}

TEST(answers)
{
	struct cli c;

	set_up(&c, "");
	CHECK_STR(answer(&c, "show version"), "3.5-test\n\n");
	CHECK_STR(answer(&c, "  show cli level \r"), "admin\n\n");
	CHECK(strstr(answer(&c, "show proc"),
	    "\n# workers\n4711            worker          0 ") != NULL);
	CHECK(strstr(answer(&c, "show proc"),
	    "\n# old workers\n4700            worker          1 ") != NULL);
	CHECK(strncmp(answer(&c, "show procx"), "Unknown command", 15) == 0);
	CHECK(strncmp(answer(&c, "@7 show proc"), "Can't find the target PID "
	    "matching the prefix '@7'\n", 50) == 0);
	CHECK_STR(answer(&c, ""), "");
	tear_down(&c);
}

TEST(a_lower_level_may_do_less)
{
	struct cli c;

	set_up(&c, "");
	CHECK_STR(answer(&c, "operator"), "\n");
	CHECK_STR(answer(&c, "reload"), "Permission denied\n\n");
	CHECK(!c.waits);
	answer(&c, "user");
	CHECK_STR(answer(&c, "show proc"), "Permission denied\n\n");
	CHECK_STR(answer(&c, "show cli level"), "user\n\n");
	tear_down(&c);
}

TEST(the_prompt_says_whom_one_talks_to)
{
	struct cli c;

	set_up(&c, "");
	CHECK_STR(answer(&c, "prompt"), "master> ");
	CHECK_STR(answer(&c, "@1"), "4711> ");
	CHECK_STR(answer(&c, "@master"), "master> ");
	the_master.last_failed = true;
	CHECK_STR(answer(&c, ""), "master[ReloadFailed]> ");
	the_master.last_failed = false;
	answer(&c, "quit");
	CHECK(c.ends);
	tear_down(&c);
}

TEST(socket_arguments)
{
	static const struct { const char *arg; const char *err; } rows[] = {
		{ "/run/m.sock", NULL },
		{ "/run/m.sock,mode,600,level,operator", NULL },
		{ "unix@/run/m,uid,0,gid,0,level,user", NULL },
		{ "127.0.0.1:99", NULL },
		{ "fd@3", NULL },
		{ "/m,canal", "unknown option 'canal'; expected mode, uid, gid, "
		    "user, group, backlog or level" },
		{ "/m,mode", "'mode' expects an octal number, found ''" },
		{ "/m,mode,9", "'mode' expects an octal number, found '9'" },
		{ "/m,level,king",
		    "'level' expects user, operator or admin, found 'king'" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		const char *err = NULL;

		CHECK_EQ(master_sockets_check(&rows[i].arg, 1, &err),
		    rows[i].err == NULL);
		if (rows[i].err != NULL)
			CHECK_STR(err, rows[i].err);
	}
}
