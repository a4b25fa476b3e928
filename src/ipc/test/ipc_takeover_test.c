/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers on the socket of -x may be anybody: nothing it says crashes us,
 * leaves a descriptor open or is believed.
 */
#include <base/test.h>

#include "../ipc_takeover.c"
#include "../ipc_getsocks.c"
#include "../ipc_adopt.c"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/un.h>

/* ---- the other process ---- */

enum trick {
	GOOD, CLOSES, UNKNOWN, REFUSES, SHORT, LONG, NO_FD, MAGIC, FORMAT,
	WORKERS, NO_STATE, STATE_FDS, STATE_SIZE, TOO_MANY, MORE_SOCKETS,
	CUT_RECORD, LONG_RECORD, FOREIGN, NO_SOCKET, HALF_WAY, NO_CHANNEL
};

static enum trick trick;
static int lsock, tcp_fd = -1, pipe_fd[2];

static void
send_socket(struct ipc_chan *c, int fd, const char *record, size_t n)
{
	(void)ipc_send(c, IPC_T_SOCKETS, record, n, &fd, 1);
}

static void
serve_chan(int fd)
{
	struct ipc_handed h = { 2, 0 };
	const int state[2] = { pipe_fd[0], pipe_fd[1] };
	struct ipc_chan c;

	ipc_open(&c, fd, IPC_GIVER, IPC_TAKER, NULL, NULL, NULL);
	if (trick == FOREIGN)
		(void)send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
	if (trick == TOO_MANY)
		h.n_sockets = 1u << 30;
	if (trick != NO_STATE && trick != FOREIGN)
		(void)ipc_send(&c, IPC_T_STATE, &h, sizeof h -
		    (trick == STATE_SIZE), state, trick == STATE_FDS ? 1 : 2);
	if (trick == GOOD)
		send_socket(&c, tcp_fd, "\1\2lo", 4);
	if (trick == NO_SOCKET)
		send_socket(&c, pipe_fd[0], "\0\0", 2);
	if (trick == HALF_WAY)
		send_socket(&c, tcp_fd, "\0\0", 2);
	if (trick == CUT_RECORD)
		send_socket(&c, tcp_fd, "\0\11lo", 4);
	if (trick == LONG_RECORD)
		send_socket(&c, tcp_fd, "\0\2lo!", 5);
	if (trick == MORE_SOCKETS) {
		const int many[3] = { tcp_fd, tcp_fd, tcp_fd };

		(void)ipc_send(&c, IPC_T_SOCKETS, "\0\0\0\0\0\0", 6, many, 3);
	}
	if (trick == GOOD || trick == NO_SOCKET)
		send_socket(&c, tcp_fd, "\0\0", 2);
	if (trick == GOOD) {    /* until the other side lets go */
		struct pollfd p = { .fd = fd, .events = POLLIN };

		(void)poll(&p, 1, 2000);
	}
	ipc_close(&c);
}

static void
answer_handover(int fd)
{
	struct ipc_greet g = { .magic = IPC_TAKEOVER_MAGIC, .format = 1,
		.bytes = sizeof g, .top_pid = 4711, .keeper_pid = 4711,
		.gen = 1, .n_workers = 2 };
	char bytes[sizeof g + 1];
	size_t n = sizeof g;
	int pair[2];

	if (trick == UNKNOWN)
		(void)send(fd, "Unknown command: '_handover'\n\n", 30, 0);
	if (trick == REFUSES)
		(void)send(fd, "_handover: not you\n", 19, 0);
	if (trick <= REFUSES && trick != GOOD)
		return;
	g.magic += trick == MAGIC;
	g.format += trick == FORMAT;
	g.n_workers += trick == WORKERS ? 1000 : 0;
	n += trick == LONG ? 1 : trick == SHORT ? (size_t)-1 : 0;
	memset(bytes, 0, sizeof bytes);
	memcpy(bytes, &g, sizeof g);
	MUST(sock_pair(SOCK_SEQPACKET, pair));
	(void)sock_send_fds(fd, bytes, n, trick == NO_CHANNEL ? &pipe_fd[0] :
	    &pair[1], trick != NO_FD);
	fd_close(&pair[1]);
	if (trick == GOOD || (trick >= NO_STATE && trick <= HALF_WAY))
		serve_chan(pair[0]);
	else
		fd_close(&pair[0]);
}

/* Everybody gives one socket to who asks the old way. */
static void
answer_getsocks(int fd)
{
	int one = 1;
	char ack[4];

	(void)send(fd, &one, sizeof one, 0);
	(void)sock_send_fds(fd, "\0\0\0\0\0\0", 6, &tcp_fd, 1);
	(void)recv(fd, ack, sizeof ack, MSG_WAITALL);
}

static void *
serve(void *arg)
{
	int left = *(int *)arg;

	while (left-- > 0) {
		int fd = accept(lsock, NULL, NULL);
		char line[64];
		ssize_t n = recv(fd, line, sizeof line, 0);

		if (n > 2 && line[1] == 'h')
			answer_handover(fd);
		else if (n > 2)
			answer_getsocks(fd);
		(void)close(fd);
	}
	return (NULL);
}

static int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

static const char *
listen_somewhere(void)
{
	static char path[64];
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(path, sizeof path, "/tmp/ipc-takeover-test.%d", getpid());
	(void)unlink(path);
	memcpy(un.sun_path, path, sizeof path);
	lsock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(bind(lsock, (struct sockaddr *)&un, sizeof un) == 0);
	MUST(listen(lsock, 5) == 0);
	return (path);
}

static int
listening_tcp(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	MUST(bind(fd, (struct sockaddr *)&in, sizeof in) == 0);
	MUST(listen(fd, 5) == 0);
	return (fd);
}

TEST(whoever_answers)
{
	static const struct {
		enum trick trick;
		bool good;              /* there are sockets */
		int asks;               /* connections that are made */
		size_t adopted;
		bool channel;           /* and an Écluse */
	} rows[] = {
		{ GOOD, true, 1, 2, true },
		{ CLOSES, true, 2, 1, false },
		{ UNKNOWN, true, 2, 1, false },
		{ REFUSES, true, 2, 1, false },
		{ SHORT, true, 2, 1, false },
		{ LONG, true, 2, 1, false },
		{ NO_FD, true, 2, 1, false },
		{ MAGIC, true, 2, 1, false },
		{ FORMAT, true, 2, 1, false },
		{ WORKERS, true, 2, 1, false },
		{ NO_STATE, false, 1, 0, false },
		{ STATE_FDS, false, 1, 0, false },
		{ STATE_SIZE, false, 1, 0, false },
		{ TOO_MANY, false, 1, 0, false },
		{ MORE_SOCKETS, false, 1, 0, false },
		{ CUT_RECORD, false, 1, 0, false },
		{ LONG_RECORD, false, 1, 1, false },
		{ FOREIGN, false, 1, 0, false },
		{ NO_SOCKET, true, 1, 1, true },
		{ HALF_WAY, false, 1, 1, false },
		{ NO_CHANNEL, true, 2, 1, false },
	};
	const struct ipc_takeover_who who = { NULL, 0, SIGUSR1 };
	const char *path = listen_somewhere(), *err;
	int before;

	tcp_fd = listening_tcp();
	CHECK(pipe2(pipe_fd, O_CLOEXEC) == 0);
	ipc_say_quiet = true;
	before = count_fds();
	for (size_t i = 0; i < NELEM(rows); i++) {
		int asks = rows[i].asks;
		struct ipc_heritage h;
		pthread_t t;

		trick = rows[i].trick;
		pthread_create(&t, NULL, serve, &asks);
		err = NULL;
		CHECK_EQ(ipc_takeover(path, &who, &err), rows[i].good);
		CHECK_EQ(taking.open, rows[i].channel);
		CHECK_EQ(err == NULL, rows[i].good);
		CHECK_EQ(ipc_holder_settle(), rows[i].adopted);
		ipc_takeover_heritage(&h);
		CHECK_EQ(h.state_fd >= 0, rows[i].channel);
		fd_close(&h.state_fd);
		fd_close(&h.ledger_fd);
		ipc_takeover_drop();
		pthread_join(t, NULL);
		if (!CHECK_EQ(count_fds(), before))
			printf("row %zu leaves descriptors open\n", i);
	}
	(void)unlink(path);
}
