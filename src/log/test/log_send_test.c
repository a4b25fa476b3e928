/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines on their way to sockets: when they leave, in which order, and what
 * happens to the others when one of them cannot.
 */
#include <base/test.h>

#include <signal.h>
#include <stdio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../log_send.c"

static int
receiver(struct log_target *t)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof sin;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&sin, &n) == 0);
	*t = (struct log_target){ .len = 1024 };
	addr_from_sa(&t->addr.addr, (const struct sockaddr *)&sin, n);
	return (fd);
}

static void
say(const struct log_target *t, int no)
{
	char text[16], end[] = "\n";
	struct iovec v[] = {
		{ text, (size_t)snprintf(text, sizeof text, "line %d", no) },
		{ end, 1 },
	};

	log_send(t, v, 2);
}

/* The number of the next line, -1: none is here. */
static int
heard(int fd)
{
	char text[64];
	ssize_t n = recv(fd, text, sizeof text - 1, 0);
	int no = -1;

	if (n <= 0)
		return (-1);
	text[n] = '\0';
	CHECK(text[n - 1] == '\n');
	CHECK_EQ(sscanf(text, "line %d", &no), 1);
	return (no);
}

TEST(without_a_loop_a_line_goes_at_once)
{
	struct log_target t;
	int fd = receiver(&t);

	log_send_open();
	MUST(the_loop == NULL);
	say(&t, 1);
	CHECK_EQ(heard(fd), 1);
	close(fd);
}

TEST(lines_of_a_turn_go_at_its_end_in_order)
{
	struct loop l;
	struct log_target a, b;
	int to_a = receiver(&a), to_b = receiver(&b);

	loop_open(&l);
	log_send_open();
	for (int i = 0; i < 10; i++)
		say(i % 3 == 0 ? &b : &a, i);
	CHECK_EQ(heard(to_a), -1);
	loop_turn(&l, 0);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(heard(i % 3 == 0 ? to_b : to_a), i);
	CHECK_EQ(heard(to_a), -1);
	CHECK_EQ(heard(to_b), -1);
	loop_close(&l);
	close(to_a);
	close(to_b);
}

/* A socket at the address of one that was closed. */
static int
receiver_again(const struct log_target *t)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_spec_to_sa(&t->addr, &sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	CHECK(bind(fd, (struct sockaddr *)&sa, n) == 0);
	return (fd);
}

TEST(lines_of_one_target_go_through_a_connected_socket)
{
	struct loop l;
	struct log_target a, b;
	int to_a = receiver(&a), to_b = receiver(&b);

	loop_open(&l);
	log_send_open();
	queues[0].alone_until_ms = 0;
	say(&a, 1);
	loop_turn(&l, 0);
	CHECK(queues[0].peer == &a);
	CHECK_EQ(heard(to_a), 1);
	say(&b, 2);
	say(&b, 3);
	loop_turn(&l, 0);
	CHECK(queues[0].peer == &b);
	say(&a, 4);
	say(&b, 5);
	loop_turn(&l, 0);
	CHECK(queues[0].peer == NULL);
	CHECK_EQ(heard(to_b), 2);
	CHECK_EQ(heard(to_b), 3);
	CHECK_EQ(heard(to_b), 5);
	CHECK_EQ(heard(to_a), 4);
	CHECK_EQ(heard(to_a), -1);
	CHECK_EQ(heard(to_b), -1);
	loop_close(&l);
	close(to_a);
	close(to_b);
}

TEST(a_target_that_refused_gets_the_lines_behind_that)
{
	struct loop l;
	struct log_target t;
	int fd = receiver(&t);

	loop_open(&l);
	log_send_open();
	queues[0].alone_until_ms = 0;
	say(&t, 1);
	loop_turn(&l, 0);
	CHECK(queues[0].peer == &t);
	CHECK_EQ(heard(fd), 1);
	close(fd);
	for (int i = 2; i < 5; i++)
		say(&t, i);             /* the first is refused */
	loop_turn(&l, 0);
	CHECK(queues[0].peer == NULL);
	say(&t, 5);
	loop_turn(&l, 0);
	fd = receiver_again(&t);
	say(&t, 6);
	say(&t, 7);
	loop_turn(&l, 0);
	CHECK(queues[0].peer == NULL);  /* not for a while */
	CHECK_EQ(heard(fd), 6);
	CHECK_EQ(heard(fd), 7);
	CHECK_EQ(heard(fd), -1);
	queues[0].alone_until_ms = 0;
	say(&t, 8);
	loop_turn(&l, 0);
	CHECK(queues[0].peer == &t);
	close(fd);
	CHECK(send(queues[0].fd, "", 1, 0) == 1);       /* refused */
	fd = receiver_again(&t);
	say(&t, 9);                     /* is told, and goes all the same */
	loop_turn(&l, 0);
	CHECK_EQ(heard(fd), 9);
	loop_close(&l);
	close(fd);
}

TEST(more_lines_than_are_kept_go_before)
{
	struct loop l;
	struct log_target t;
	char big[BYTES / 3];
	struct iovec v = { big, sizeof big };
	int fd = receiver(&t);

	loop_open(&l);
	log_send_open();
	for (int i = 0; i < LINES + 1; i++)
		say(&t, i);
	for (int i = 0; i < LINES; i++)
		CHECK_EQ(heard(fd), i);
	CHECK_EQ(heard(fd), -1);
	memset(big, 'x', sizeof big);
	for (int i = 0; i < 3; i++)
		log_send(&t, &v, 1);    /* the third has no room */
	CHECK_EQ(heard(fd), LINES);
	CHECK_EQ(recv(fd, big, sizeof big, 0), (ssize_t)sizeof big);
	CHECK_EQ(recv(fd, big, sizeof big, 0), (ssize_t)sizeof big);
	CHECK_EQ(recv(fd, big, sizeof big, 0), -1);
	loop_turn(&l, 0);
	CHECK_EQ(recv(fd, big, sizeof big, 0), (ssize_t)sizeof big);
	loop_close(&l);
	close(fd);
}

TEST(a_line_too_long_to_keep_goes_behind_the_others)
{
	static char big[BYTES + 1], got[BYTES + 1];
	struct loop l;
	struct log_target t;
	struct iovec v = { big, sizeof big };
	int fd = receiver(&t);

	loop_open(&l);
	log_send_open();
	say(&t, 7);
	log_send(&t, &v, 1);
	CHECK_EQ(heard(fd), 7);
	CHECK_EQ(recv(fd, got, sizeof got, 0), (ssize_t)sizeof got);
	loop_turn(&l, 0);
	loop_close(&l);
	close(fd);
}

TEST(a_target_that_is_gone_costs_the_others_nothing)
{
	struct loop l;
	struct log_target gone = { .len = 1024 }, t;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t n = sizeof un;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	CHECK(bind(fd, (struct sockaddr *)&un, sizeof(sa_family_t)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&un, &n) == 0);
	t = gone;
	t.addr.addr.family = ADDR_ABNSZ;
	t.addr.host = span_of(un.sun_path + 1, n - sizeof(sa_family_t) - 1);
	gone.addr.addr.family = ADDR_UNIX;
	gone.addr.host = SPAN("/nonexistent/log");
	loop_open(&l);
	log_send_open();
	for (int i = 0; i < 6; i++)
		say(i == 0 || i == 3 || i == 5 ? &gone : &t, i);
	loop_turn(&l, 0);
	CHECK_EQ(heard(fd), 1);
	CHECK_EQ(heard(fd), 2);
	CHECK_EQ(heard(fd), 4);
	CHECK_EQ(heard(fd), -1);
	loop_close(&l);
	close(fd);
}

/* What a process that ends held back; `how`: 0 exit, 1 a broken promise. */
static int
last_line(int how)
{
	struct loop l;
	struct log_target t;
	int fd = receiver(&t), status, no;
	pid_t pid = fork();

	if (pid == 0) {
		owner = 0;              /* as if none had been opened */
		loop_open(&l);
		log_send_open();
		say(&t, 3);
		if (how == 0)
			exit(0);
		(void)signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		must_fail("file.c", 1, "here", "nothing");
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	no = heard(fd);
	CHECK_EQ(heard(fd), -1);
	close(fd);
	return (no);
}

TEST(a_process_that_ends_says_what_it_held)
{
	CHECK_EQ(last_line(0), 3);
	CHECK_EQ(last_line(1), 3);
}
