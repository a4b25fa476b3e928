/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_fuzz - any bytes as what a peer of the runtime API sends, in one piece
 * or two: no fault, and the session ends when the peer has nothing more to
 * say.
 */
#include <base/must.h>
#include <cnt/cnt.h>

#include "../cli_int.h"

#include <os/sock.h>

#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
begin(void)
{
	static struct loop loop;
	static struct arena arena;
	static uint64_t bank[512];

	if (the_loop != NULL)
		return;
	loop_open(&loop);
	arena_init(&arena, 0);
	px_model_new(&arena);
	px_model->global.stats_timeout_ms = 100;
	cnt_bank = (char *)bank;
}

/* What has been answered is read, so that the session can go on. */
static void
turn(int fd)
{
	char buf[65536];

	loop_turn(the_loop, 0);
	while (recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0)
		;
}

static void
say(int fd, const uint8_t *data, size_t n)
{
	ssize_t sent;

	while (n > 0 && !list_empty(&cli_sessions)) {
		sent = send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0) {
			data += sent;
			n -= (size_t)sent;
		}
		turn(fd);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t cut = n == 0 ? 0 : data[0] % n;
	int pair[2];

	begin();
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	cli_session_open(pair[1], PX_LEVEL_ADMIN, NULL, NULL);
	say(pair[0], data, cut);
	say(pair[0], data + cut, n - cut);
	(void)shutdown(pair[0], SHUT_WR);
	for (int i = 0; i < 1000 && !list_empty(&cli_sessions); i++)
		turn(pair[0]);
	(void)close(pair[0]);
	loop_turn(the_loop, 0);
	loop_turn(the_loop, 0);
	MUST(list_empty(&cli_sessions));
	return (0);
}
