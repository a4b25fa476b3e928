/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the master's sockets: cut from the input, told apart, answered.
 */
#include <base/test.h>

#include "../mcli.c"
#include "../mcli_arg.c"
#include "../mcli_cmd.c"

static struct ipc_chan worker = { .fd = -1 };
static bool failed;
static int reloads, hard_ones;

static pid_t
keeper(void)
{
	return (4711);
}

static struct ipc_chan *
chan(pid_t pid)
{
	return (pid == 4711 || pid == 4700 ? &worker : NULL);
}

static bool
last_failed(void)
{
	return (failed);
}

static struct span
startup_log(void)
{
	return (SPAN("what was said\n"));
}

static void
reload(struct mcli *c, bool hard)
{
	reloads++;
	hard_ones += hard;
	c->waits = true;
}

static void
say_procs(struct mcli *c, struct span args)
{
	text_printf(&c->out, "procs '%.*s'\n\n", SPAN_FMT(args));
}

static const struct mcli_owner owner = { .version = "3.5-test",
	.keeper = keeper, .chan = chan, .last_failed = last_failed,
	.startup_log = startup_log, .reload = reload, .show_proc = say_procs };

static void
set_up(struct mcli *c, const char *input)
{
	mcli_owner = &owner;
	memset(c, 0, sizeof *c);
	c->fd = c->relay = -1;
	c->level = MCLI_ADMIN;
	text_init(&c->in);
	text_init(&c->out);
	text_addz(&c->in, input);
	text_addz(&c->out, "");
}

static void
tear_down(struct mcli *c)
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
		struct mcli c;
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
	struct mcli c;

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
answer(struct mcli *c, const char *line)
{
	text_clear(&c->out);
	text_addz(&c->out, "");
	mcli_command(c, span_str(line));
	return (c->out.p);
}

TEST(answers)
{
	struct mcli c;

	set_up(&c, "");
	CHECK_STR(answer(&c, "show version"), "3.5-test\n\n");
	CHECK_STR(answer(&c, "  show cli level \r"), "admin\n\n");
	CHECK_STR(answer(&c, "show proc debug"), "procs 'debug'\n\n");
	CHECK_STR(answer(&c, "show startup-logs"), "what was said\n\n");
	CHECK_STR(answer(&c, "_loadstatus"), "Success=1\n--\nwhat was said\n\n");
	CHECK(strncmp(answer(&c, "show procx"), "Unknown command", 15) == 0);
	CHECK(strncmp(answer(&c, "@7 show proc"), "Can't find the target PID "
	    "matching the prefix '@7'\n", 50) == 0);
	CHECK_STR(answer(&c, ""), "");
	tear_down(&c);
}

TEST(a_reload_is_waited_for)
{
	struct mcli c;

	set_up(&c, "");
	CHECK_STR(answer(&c, "reload"), "");
	CHECK(c.waits && reloads == 1 && hard_ones == 0);
	CHECK_STR(answer(&c, "hard-reload"), "");
	CHECK(reloads == 2 && hard_ones == 1);
	list_push_back(&clients, &c.node);
	CHECK(mcli_busy());
	c.running = true;               /* it has no socket to write to */
	mcli_reloaded(false);
	CHECK(!c.waits && c.ends);
	CHECK_STR(c.out.p, "Success=0\n--\nwhat was said\n");
	list_del(&c.node);
	CHECK(!mcli_busy());
	tear_down(&c);
}

TEST(a_lower_level_may_do_less)
{
	struct mcli c;

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
	struct mcli c;

	set_up(&c, "");
	CHECK_STR(answer(&c, "prompt"), "master> ");
	CHECK_STR(answer(&c, "@1"), "4711> ");
	CHECK_STR(answer(&c, "@master"), "master> ");
	failed = true;
	CHECK_STR(answer(&c, ""), "master[ReloadFailed]> ");
	failed = false;
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

		CHECK_EQ(mcli_check(&rows[i].arg, 1, &err),
		    rows[i].err == NULL);
		if (rows[i].err != NULL)
			CHECK_STR(err, rows[i].err);
	}
}
