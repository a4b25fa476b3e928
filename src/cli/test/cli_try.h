/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TRY_H
#define CLI_TRY_H
/*
 * cli_try - a session at one end of a socket pair, the test at the other.
 */
#include <cnt/cnt.h>
#include <os/loop.h>
#include <os/sock.h>
#include <px/px.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop try_loop;
static struct arena try_arena;
static uint64_t try_bank[512];
static int try_fd;
static struct text try_got;

/* try_begin - a process with an empty model. */
static inline void
try_begin(void)
{
	static bool begun;

	if (begun)
		return;
	begun = true;
	loop_open(&try_loop);
	arena_init(&try_arena, 0);
	px_model_new(&try_arena);
	cnt_bank = (char *)try_bank;
	text_init(&try_got);
}

/* try_open - a new session; try_fd is the peer's end. */
static inline struct cli *
try_open(enum px_level level)
{
	int pair[2];

	try_begin();
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	sock_set_nonblock(pair[0], true);
	try_fd = pair[0];
	cli_session_open(pair[1], level, NULL, NULL);
	return (LIST_ITEM(cli_sessions.prev, struct cli, node));
}

static inline void
try_turns(int n)
{
	while (n-- > 0)
		loop_turn(the_loop, 0);
}

static inline void
try_say(const char *z)
{
	CHECK_EQ(send(try_fd, z, strlen(z), 0), (ssize_t)strlen(z));
	try_turns(4);
}

/* try_hear - all that has come; *closed: and nothing more will. */
static inline const char *
try_hear(bool *closed)
{
	char buf[4096];
	ssize_t n;

	text_clear(&try_got);
	text_addz(&try_got, "");
	while ((n = recv(try_fd, buf, sizeof buf, 0)) > 0)
		text_add(&try_got, span_of(buf, (size_t)n));
	*closed = n == 0;
	return (try_got.n == 0 ? "" : try_got.p);
}

/* try_ask - a whole session: the answer to `z`. */
static inline const char *
try_ask(enum px_level level, const char *z)
{
	const char *answer;
	bool closed;

	(void)try_open(level);
	try_say(z);
	answer = try_hear(&closed);
	CHECK(closed);
	CHECK(list_empty(&cli_sessions));
	(void)close(try_fd);
	return (answer);
}
#endif
