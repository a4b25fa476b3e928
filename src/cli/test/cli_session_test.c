/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: lines, commands, payloads, prompts; answers that are long, late or
 * that nobody waits for.
 */
#include <base/test.h>

#include "../cli_session.c"

#include "cli_try.h"

/* ---- commands for the tests ---- */

static enum cli_done
run_payload(struct cli_ctx *x)
{
	text_printf(x->out, "%d words, payload '%.*s'\n", x->n,
	    SPAN_FMT(x->payload));
	return (CLI_DONE);
}

CLI_COMMAND(payload) = {
	.name = "test payload", .args = "", .level = PX_LEVEL_USER,
	.run = run_payload, .doc = "show the payload",
};

static unsigned pieces;

static enum cli_done
run_long(struct cli_ctx *x)
{
	char piece[8192];

	memset(piece, 'x', sizeof piece);
	text_add(x->out, span_of(piece, sizeof piece));
	CHECK_EQ(x->turn, pieces);
	return (++pieces < 256 ? CLI_MORE : CLI_DONE);
}

CLI_COMMAND(long) = {
	.name = "test long", .args = "", .level = PX_LEVEL_USER,
	.run = run_long, .doc = "2 MiB",
};

static struct cli_ctx *waiting;
static int n_dropped;

static enum cli_done
run_late(struct cli_ctx *x)
{
	if (x->turn == 1) {
		text_addz(x->out, "resumed\n");
		return (CLI_DONE);
	}
	waiting = x;
	return (CLI_LATER);
}

static void
drop_late(struct cli_ctx *x)
{
	CHECK(x == waiting);
	n_dropped++;
}

CLI_COMMAND(late) = {
	.name = "test late", .args = "", .level = PX_LEVEL_USER,
	.run = run_late, .dropped = drop_late, .doc = "answer later",
};

static enum cli_done
run_admin(struct cli_ctx *x)
{
	text_addz(x->out, "done\n");
	return (CLI_DONE);
}

CLI_COMMAND(admin) = {
	.name = "test admin", .args = "", .level = PX_LEVEL_ADMIN,
	.run = run_admin, .doc = "for admins",
};

/* ---- lines ---- */

TEST(lines_that_came_together_are_answered)
{
	static const struct { const char *line, *answer; } t[] = {
		{ "echo a\n", "a\n\n" },
		{ "echo a\r\n", "a\n\n" },
		{ "  echo   a  b\t\n", "a b\n\n" },
		{ "echo a;echo b\n", "a\n\nb\n\n" },
		{ "echo a ; echo b ;\n", "a\n\nb\n\n" },
		{ ";;echo a\n", "a\n\n" },
		{ "echo a\\;b\n", "a;b\n\n" },
		{ "echo 'a;b' \"c;d\"\n", "a;b c;d\n\n" },
		{ "echo a\\ b\n", "a b\n\n" },
		{ "echo \"a\\\"b\" 'c\\d'\n", "a\"b c\\d\n\n" },
		{ "echo a\necho b\n", "a\n\nb\n\n" },
		{ "echo a\n\r\n\necho b\n", "a\n\nb\n\n" },
		{ "echo 1;quit;echo 2\n", "1\n\n" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		CHECK_STR(try_ask(PX_LEVEL_USER, t[i].line), t[i].answer);
}

TEST(line_without_end_counts_at_the_end)
{
	bool closed;

	(void)try_open(PX_LEVEL_USER);
	try_say("echo a");
	CHECK_STR(try_hear(&closed), "");
	CHECK(!closed);
	(void)shutdown(try_fd, SHUT_WR);
	try_turns(4);
	CHECK_STR(try_hear(&closed), "a\n\n");
	CHECK(closed);
	(void)close(try_fd);
}

TEST(line_may_come_in_pieces)
{
	bool closed;

	(void)try_open(PX_LEVEL_USER);
	try_say("ec");
	try_say("ho a;ec");
	CHECK_STR(try_hear(&closed), "");
	CHECK(!closed);
	try_say("ho b\n");
	CHECK_STR(try_hear(&closed), "a\n\nb\n\n");
	CHECK(closed);
	(void)close(try_fd);
}

TEST(payload_ends_with_an_empty_line_or_its_word)
{
	CHECK_STR(try_ask(PX_LEVEL_USER, "test payload <<\na\nb\n\n"),
	    "2 words, payload 'a\nb\n'\n\n");
	CHECK_STR(try_ask(PX_LEVEL_USER, "test payload x <<END\na\n\nb\nEND\n"),
	    "3 words, payload 'a\n\nb\n'\n\n");
	CHECK_STR(try_ask(PX_LEVEL_USER, "test payload <<\r\na\r\n\r\n"),
	    "2 words, payload 'a\r\n'\n\n");
}

TEST(payload_may_come_in_pieces)
{
	bool closed;

	(void)try_open(PX_LEVEL_USER);
	try_say("test payload <<\na\n");
	CHECK_STR(try_hear(&closed), "");
	try_say("\n");
	CHECK_STR(try_hear(&closed), "2 words, payload 'a\n'\n\n");
	(void)close(try_fd);
}

TEST(prompt_keeps_the_session)
{
	bool closed;

	(void)try_open(PX_LEVEL_USER);
	try_say("prompt\n");
	CHECK_STR(try_hear(&closed), "\n> ");
	try_say("echo a\n");
	CHECK_STR(try_hear(&closed), "a\n\n> ");
	CHECK(!closed);
	try_say("quit\n");
	(void)try_hear(&closed);
	CHECK(closed);
	(void)close(try_fd);
}

TEST(endless_line_is_refused)
{
	char line[8192];
	bool closed;

	memset(line, 'a', sizeof line);
	(void)try_open(PX_LEVEL_USER);
	for (int i = 0; i < 3; i++) {
		(void)!write(try_fd, line, sizeof line);
		try_turns(4);
	}
	CHECK(strstr(try_hear(&closed), "longer than") != NULL);
	CHECK(closed);
	CHECK(list_empty(&cli_sessions));
	(void)close(try_fd);
}

/* ---- levels ---- */

TEST(level_is_asked_for)
{
	CHECK_STR(try_ask(PX_LEVEL_ADMIN, "test admin\n"), "done\n\n");
	CHECK_STR(try_ask(PX_LEVEL_OPERATOR, "test admin\n"),
	    "Permission denied\n\n");
	CHECK_STR(try_ask(PX_LEVEL_ADMIN, "operator;test admin\n"),
	    "\nPermission denied\n\n");
	CHECK_STR(try_ask(PX_LEVEL_USER, "operator\n"),
	    "Permission denied\n\n");
}

TEST(severity_is_shown_when_wanted)
{
	CHECK_STR(try_ask(PX_LEVEL_USER,
	    "set severity-output number;test admin\n"),
	    "\n[3]: Permission denied\n\n");
	CHECK_STR(try_ask(PX_LEVEL_USER,
	    "set severity-output string;test admin\n"),
	    "\n[err]: Permission denied\n\n");
}

/* ---- long and late answers ---- */

TEST(long_answer_waits_for_its_reader)
{
	struct cli *c = try_open(PX_LEVEL_USER);
	size_t got = 0;
	char buf[4096];
	ssize_t n;

	pieces = 0;
	try_say("test long\n");
	try_turns(50);
	CHECK(pieces > 0 && pieces < 256);      /* it rests */
	CHECK(c->out.cap <= 4 * CLI_OUT_HIGH);  /* and is not hoarded */
	while (!list_empty(&cli_sessions)) {
		while ((n = recv(try_fd, buf, sizeof buf, 0)) > 0)
			got += (size_t)n;
		try_turns(1);
	}
	while ((n = recv(try_fd, buf, sizeof buf, 0)) > 0)
		got += (size_t)n;
	CHECK_EQ(pieces, 256);
	CHECK_EQ(got, 256 * 8192 + 1);
	(void)close(try_fd);
}

TEST(long_answers_wait_for_each_other)
{
	size_t got = 0;
	char buf[4096];
	ssize_t n;

	(void)try_open(PX_LEVEL_USER);
	pieces = 0;
	try_say("test long;echo behind\n");
	while (!list_empty(&cli_sessions)) {
		while ((n = recv(try_fd, buf, sizeof buf, 0)) > 0)
			got += (size_t)n;
		try_turns(1);
	}
	while ((n = recv(try_fd, buf, sizeof buf, 0)) > 0)
		got += (size_t)n;
	CHECK_EQ(got, 256 * 8192 + 1 + strlen("behind\n\n"));
	(void)close(try_fd);
}

TEST(late_answer_holds_back_what_follows)
{
	bool closed;

	(void)try_open(PX_LEVEL_USER);
	try_say("test late;echo b\n");
	CHECK_STR(try_hear(&closed), "");
	CHECK(!closed);
	text_addz(waiting->out, "late\n");
	cli_finish(waiting);
	try_turns(4);
	CHECK_STR(try_hear(&closed), "late\n\nb\n\n");
	CHECK(closed);
	(void)close(try_fd);
}

TEST(late_answer_may_go_on_by_itself)
{
	bool closed;

	(void)try_open(PX_LEVEL_USER);
	try_say("test late\n");
	cli_resume(waiting);
	try_turns(4);
	CHECK_STR(try_hear(&closed), "resumed\n\n");
	CHECK(closed);
	(void)close(try_fd);
}

TEST(command_hears_that_its_session_went)
{
	struct cli *c = try_open(PX_LEVEL_USER);

	n_dropped = 0;
	try_say("test late\n");
	session_close(c);
	CHECK_EQ(n_dropped, 1);
	CHECK(list_empty(&cli_sessions));
	(void)close(try_fd);
}

TEST(late_answer_for_nobody_is_dropped)
{
	(void)try_open(PX_LEVEL_USER);
	n_dropped = 0;
	try_say("test late\n");
	(void)shutdown(try_fd, SHUT_WR);        /* still reads */
	try_turns(4);
	CHECK_EQ(n_dropped, 0);
	(void)close(try_fd);
	try_turns(4);
	CHECK_EQ(n_dropped, 1);
	CHECK(list_empty(&cli_sessions));
}

TEST(silent_session_is_closed)
{
	struct cli *c = try_open(PX_LEVEL_USER);
	bool closed;

	CHECK(c->timeout_ms > 0);
	c->timeout_ms = 1;
	try_turns(1);           /* the first event of its socket */
	arm(c);
	usleep(5000);
	try_turns(4);
	(void)try_hear(&closed);
	CHECK(closed);
	CHECK(list_empty(&cli_sessions));
	(void)close(try_fd);
}

TEST(wait_is_no_silence)
{
	struct cli *c = try_open(PX_LEVEL_USER);
	bool closed;

	c->timeout_ms = 1;
	try_say("wait 20ms;echo over\n");
	usleep(5000);
	try_turns(2);
	CHECK_STR(try_hear(&closed), "");
	CHECK(!closed);
	usleep(30000);
	try_turns(4);
	CHECK_STR(try_hear(&closed), "\nover\n\n");
	(void)close(try_fd);
}
