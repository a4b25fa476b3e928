/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: whole, in order, with their descriptors; what breaks the rules
 * ends the channel.
 */
#include <base/test.h>

#include "../ipc.c"

#include <sys/socket.h>

static struct loop loop;
static int n_got, n_end, got_fds;
static uint32_t last_tag;
static char got_data[64];

static void
on_msg(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	(void)arg;
	if (m == NULL) {
		n_end++;
		return;
	}
	n_got++;
	last_tag = m->tag;
	got_fds += (int)m->n_fds;
	span_copy(got_data, sizeof got_data, m->data);
	if (m->tag == 7777)
		ipc_close(c);
}

static struct ipc_chan a, b;

static void
set_up(void)
{
	int fd[2];

	n_got = n_end = got_fds = 0;
	loop_open(&loop);
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	ipc_open(&a, fd[0], IPC_AGENT, IPC_WORKER, &loop, on_msg, NULL);
	ipc_open(&b, fd[1], IPC_WORKER, IPC_AGENT, &loop, on_msg, NULL);
}

static void
tear_down(void)
{
	ipc_close(&a);
	ipc_close(&b);
	loop_close(&loop);
}

TEST(a_raised_channel_goes_on)
{
	int low;

	set_up();
	low = b.fd;
	CHECK(ipc_send_tag(&a, IPC_TELL, 3, 99, "hello", 5, NULL, 0));
	ipc_raise(&b, 200);
	CHECK(b.fd >= 200);
	CHECK_EQ(fcntl(low, F_GETFD), -1);
	CHECK(fcntl(b.fd, F_GETFD) & FD_CLOEXEC);
	loop_turn(&loop, 0);
	CHECK_EQ(n_got, 1);            /* what had come before, too */
	low = b.fd;
	ipc_raise(&b, 100);             /* is there already */
	CHECK_EQ(b.fd, low);
	ipc_raise(&b, 1 << 30);         /* beyond the limit */
	CHECK_EQ(b.fd, low);
	ipc_close(&b);
	loop_turn(&loop, 0);
	CHECK_EQ(n_end, 1);
	tear_down();
}

TEST(a_message_arrives_whole)
{
	int fd = STDERR_FILENO;

	set_up();
	CHECK(ipc_send_tag(&a, IPC_TELL, 3, 99, "hello", 5, &fd, 1));
	loop_turn(&loop, 100);
	CHECK_EQ(n_got, 1);
	CHECK_EQ(last_tag, 99);
	CHECK_EQ(got_fds, 1);
	CHECK_STR(got_data, "hello");
	tear_down();
}

TEST(many_messages_wait_for_room)
{
	static char big[100000];

	set_up();
	for (uint32_t i = 1; i <= 50; i++)
		CHECK(ipc_send_tag(&a, IPC_TELL, 0, i, big, sizeof big, NULL,
		    0));
	CHECK(!list_empty(&a.out));
	for (int i = 0; i < 500 && n_got < 50; i++)
		loop_turn(&loop, 100);
	CHECK_EQ(n_got, 50);
	CHECK_EQ(last_tag, 50);
	CHECK_EQ(a.out_bytes, 0);
	tear_down();
}

TEST(the_end_is_told_once)
{
	set_up();
	ipc_close(&a);
	for (int i = 0; i < 3; i++)
		loop_turn(&loop, 10);
	CHECK_EQ(n_end, 1);
	CHECK_EQ(b.fd, -1);
	CHECK(!ipc_send(&b, IPC_SAY, "x", 1, NULL, 0));
	tear_down();
}

TEST(a_callback_may_close)
{
	set_up();
	CHECK(ipc_send_tag(&a, IPC_TELL, 0, 7777, "x", 1, NULL, 0));
	CHECK(ipc_send_tag(&a, IPC_TELL, 0, 2, "y", 1, NULL, 0));
	for (int i = 0; i < 3; i++)
		loop_turn(&loop, 10);
	CHECK_EQ(n_got, 1);
	tear_down();
}

TEST(who_may_not_say_it_is_cut_off)
{
	static const struct { struct frame_head h; size_t n; } rows_bad[] = {
		{ { IPC_W_STOP, 0, 0 }, sizeof(struct frame_head) },
		{ { 200, 0, 0 }, sizeof(struct frame_head) },
		{ { 9999, 0, 0 }, sizeof(struct frame_head) },
		{ { IPC_SAY, 0, 0 }, 3 },
	};

	for (size_t i = 0; i < NELEM(rows_bad); i++) {
		set_up();
		CHECK(send(b.fd, &rows_bad[i].h, rows_bad[i].n, 0) > 0);
		for (int t = 0; t < 3; t++)
			loop_turn(&loop, 10);
		CHECK_EQ(n_got, 0);
		CHECK(a.fd == -1 && n_end >= 1);
		tear_down();
	}
}

TEST(too_many_descriptors_cut_off)
{
	int fds[3] = { 0, 1, 2 };
	struct frame_head h = { IPC_SAY, 0, 0 };

	set_up();
	CHECK(sock_send_fds(b.fd, &h, sizeof h, fds, 3) > 0);
	for (int t = 0; t < 3; t++)
		loop_turn(&loop, 10);
	CHECK(n_got == 0 && a.fd == -1);
	tear_down();
}

TEST(waiting_without_a_loop)
{
	struct ipc_msg m;
	int fd[2];

	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	ipc_open(&a, fd[0], IPC_MASTER, IPC_KEEPER, NULL, NULL, NULL);
	ipc_open(&b, fd[1], IPC_KEEPER, IPC_MASTER, NULL, NULL, NULL);
	CHECK(!ipc_wait(&b, &m, 20));
	CHECK(ipc_send(&a, IPC_GATES, NULL, 0, NULL, 0));
	CHECK(ipc_wait(&b, &m, 1000) && m.type == IPC_GATES);
	ipc_close(&a);
	CHECK(!ipc_wait(&b, &m, 1000) && b.fd == -1);
}
