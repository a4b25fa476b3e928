/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets are given in batches, each only when the one before
 * was acknowledged, and never to somebody who may not have them.
 */
#include <base/test.h>

#include "../cli_getsocks.c"

#include <base/must.h>

#include "cli_try.h"

#define MANY 300

static struct agent_socket sockets[MANY];

/* `n` sockets, each third not exportable, one with an interface. */
static void
have(size_t n)
{
	for (size_t i = 0; i < n; i++)
		sockets[i] = (struct agent_socket){ .fd = 2,
			.exportable = i % 3 != 0 || n < 3,
			.interface = i == 1 ? "eth0" : NULL };
	agent_sockets = sockets;
	agent_n_sockets = n;
}

/* One message: bytes into `data`, descriptors are counted and closed. */
static ssize_t
receive(char *data, size_t size, size_t *n_fds)
{
	char control[CMSG_SPACE(256 * sizeof(int))]
	    __attribute__((aligned(8)));
	struct iovec iov = { data, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(try_fd, &m, 0);

	*n_fds = 0;
	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c != NULL;
	    c = CMSG_NXTHDR(&m, c))
		*n_fds += (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < *n_fds; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)) + i * sizeof fd,
		    sizeof fd);
		(void)close(fd);
	}
	return (n);
}

TEST(sockets_are_given_in_batches)
{
	char data[8192];
	size_t n_fds;
	int total;

	have(MANY);
	for (size_t i = 0; i < MANY; i++)
		sockets[i].exportable = true;
	(void)try_open(PX_LEVEL_USER);
	try_say("_getsocks\n");
	CHECK_EQ(recv(try_fd, &total, sizeof total, 0), sizeof total);
	CHECK_EQ(total, MANY);
	CHECK_EQ(receive(data, sizeof data, &n_fds), 252 * 6 + 4);
	CHECK_EQ(n_fds, 252);
	CHECK_MEM(data, 16, "\0\0\0\0\0\0" "\0\4eth0\0\0\0\0", 16);
	try_turns(4);
	CHECK_EQ(receive(data, sizeof data, &n_fds), -1);       /* not yet */
	try_say("ack1");
	CHECK_EQ(receive(data, sizeof data, &n_fds), 48 * 6);
	CHECK_EQ(n_fds, 48);
	CHECK(!list_empty(&cli_sessions));
	try_say("ack2");
	CHECK_EQ(recv(try_fd, data, sizeof data, 0), 0);
	CHECK(list_empty(&cli_sessions));
	(void)close(try_fd);
}

TEST(only_exportable_ones_are_given)
{
	char data[64];
	size_t n_fds;
	int total;

	have(4);                /* 1 and 2 are */
	(void)try_open(PX_LEVEL_USER);
	try_say("_getsocks\n");
	CHECK_EQ(recv(try_fd, &total, sizeof total, 0), sizeof total);
	CHECK_EQ(total, 2);
	CHECK_EQ(receive(data, sizeof data, &n_fds), 16);
	CHECK_EQ(n_fds, 2);
	(void)close(try_fd);
	try_turns(4);
	CHECK(list_empty(&cli_sessions));
}

TEST(nothing_to_give_is_said_by_closing)
{
	have(0);
	CHECK_STR(try_ask(PX_LEVEL_ADMIN, "_getsocks\n"), "");
}

TEST(not_to_everybody)
{
	struct cli *c;
	bool closed;

	have(1);
	c = try_open(PX_LEVEL_ADMIN);
	c->expose_fd = false;
	try_say("_getsocks\n");
	CHECK_STR(try_hear(&closed), "");
	CHECK(closed);
	(void)close(try_fd);
}

