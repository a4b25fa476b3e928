/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock_test - listening, connecting and passing descriptors, on loopback.
 */
#include <base/test.h>

#include "../sock.c"

#include <base/must.h>
#include <os/fd.h>
#include <poll.h>
#include <sys/stat.h>

static struct sock_listen
on(const char *word)
{
	struct sock_listen l = { .mode = -1, .uid = -1, .gid = -1 };
	const char *err;

	CHECK(addr_parse(span_str(word), &l.addr, &err));
	return (l);
}

static bool
is_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return (poll(&p, 1, 1000) == 1 && (p.revents & events) != 0);
}

static int
get_int(int fd, int level, int option)
{
	int v = -1;
	socklen_t len = sizeof(v);

	getsockopt(fd, level, option, &v, &len);
	return (v);
}

/* A byte goes from `a` to `b`. */
static bool
carries(int a, int b)
{
	char byte = 0;

	return (write(a, "!", 1) == 1 && is_ready(b, POLLIN) &&
	    read(b, &byte, 1) == 1 && byte == '!');
}

static bool
has_flags(int fd)
{
	return ((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 &&
	    (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

/* How many of 60 connections each of the group got. */
static void
connect_many(const struct addr *at, const int *fds, int n, int *got)
{
	int c[60];

	for (int i = 0; i < 60; i++) {
		c[i] = sock_connect(at, NULL);
		(void)is_ready(c[i], POLLOUT);
	}
	for (int i = 0; i < n; i++) {
		int s;

		for (got[i] = 0; fds[i] >= 0 && (s = sock_accept(fds[i],
		    NULL)) >= 0; got[i]++)
			(void)close(s);
	}
	for (int i = 0; i < 60; i++)
		(void)close(c[i]);
}

TEST(the_first_of_a_group_gets_all)
{
	struct sock_listen l = on("127.0.0.1:0");
	const char *what = NULL;
	int fds[4], got[4];
	struct addr at;

	l.defer_accept = false;
	l.reuseport = l.exclusive = true;
	CHECK((fds[0] = sock_listen_open(&l, &what)) >= 0);
	sock_local(fds[0], &at);
	l.addr.addr.port = at.port;
	CHECK_EQ(sock_count_listeners(fds[0]), 1);
	CHECK_EQ(sock_listen_open(&l, &what), -1);      /* it is not alone */
	CHECK_EQ(errno, EADDRINUSE);
	l.exclusive = false;
	for (int i = 1; i < 4; i++)
		CHECK((fds[i] = sock_listen_open(&l, &what)) >= 0);
	CHECK_EQ(sock_count_listeners(fds[0]), 4);
	connect_many(&at, fds, 4, got);
	CHECK(got[0] < 60 && got[0] + got[1] + got[2] + got[3] == 60);
	CHECK(sock_listen_first(fds[0], true));
	connect_many(&at, fds, 4, got);
	CHECK_EQ(got[0], 60);
	fd_close(&fds[1]);      /* the last one takes its place, not the first */
	connect_many(&at, fds, 4, got);
	CHECK_EQ(got[0], 60);
	CHECK(sock_listen_first(fds[0], false));
	connect_many(&at, fds, 4, got);
	CHECK(got[0] < 60 && got[0] + got[2] + got[3] == 60);
	for (int i = 0; i < 4; i++)
		fd_close(&fds[i]);
}

TEST(tcp_from_end_to_end)
{
	struct sock_listen l = on("127.0.0.1:0");
	struct addr at, src = { .family = ADDR_V4, .ip = { 127, 0, 0, 2 } };
	struct addr peer, name;
	const char *what = NULL;
	int lfd, c, s;

	l.defer_accept = false;
	l.reuseport = true;
	lfd = sock_listen_open(&l, &what);
	CHECK(lfd >= 0 && has_flags(lfd));
	sock_local(lfd, &at);
	CHECK(at.port != 0);
	errno = 0;
	CHECK_EQ(sock_accept(lfd, &peer), -1);
	CHECK_EQ(errno, EAGAIN);
	c = sock_connect(&at, &src);
	CHECK(c >= 0 && has_flags(c) && is_ready(c, POLLOUT));
	CHECK_EQ(sock_error(c), 0);
	CHECK(is_ready(lfd, POLLIN));
	s = sock_accept(lfd, &peer);
	CHECK(s >= 0 && has_flags(s));
	CHECK_EQ(get_int(s, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(get_int(c, IPPROTO_TCP, TCP_NODELAY), 1);
	sock_local(c, &name);
	CHECK(addr_eq(&name, &peer));
	CHECK_MEM(peer.ip, 4, "\x7f\0\0\x02", 4);
	sock_peer(c, &name);
	CHECK(addr_eq(&name, &at));
	CHECK(carries(c, s) && carries(s, c));
	CHECK(!sock_has_unsent(c));
	while (write(c, name.ip, sizeof name.ip) > 0)
		;
	CHECK(sock_has_unsent(c));              /* nobody reads it */
	CHECK(sock_set_keepalive(c, 10, 5, 3));
	CHECK_EQ(get_int(c, IPPROTO_TCP, TCP_KEEPIDLE), 10);
	CHECK(sock_set_buffers(c, 8192, 8192));
	CHECK(sock_set_nolinger(c));
	close(c);                               /* a reset */
	CHECK(is_ready(s, POLLIN));
	CHECK_EQ(sock_error(s), ECONNRESET);
	close(s);
	close(lfd);
	c = sock_connect(&at, NULL);            /* nobody there any more */
	CHECK(c < 0 || (is_ready(c, POLLOUT) &&
	    sock_error(c) == ECONNREFUSED));
	fd_close(&c);
}

TEST(failed_steps_have_names)
{
	struct sock_listen l = on("127.0.0.1:0");
	struct addr at, none = { .family = ADDR_NONE };
	const char *what = NULL;
	int lfd = sock_listen_open(&l, &what);

	CHECK(lfd >= 0);
	sock_local(lfd, &at);
	l.addr.addr.port = at.port;
	CHECK_EQ(sock_listen_open(&l, &what), -1);
	CHECK_EQ(errno, EADDRINUSE);
	CHECK(strcmp(what, "bind") == 0 || strcmp(what, "listen") == 0);
	l.namespace = "blue";
	CHECK_EQ(sock_listen_open(&l, &what), -1);
	CHECK(strstr(what, "namespace") != NULL);
	l = on("127.0.0.1:0");
	l.interface = "no-such-device0";
	CHECK_EQ(sock_listen_open(&l, &what), -1);
	CHECK_STR(what, "'interface'");
	l = on("fd@999");
	CHECK_EQ(sock_listen_open(&l, &what), -1);
	CHECK_EQ(errno, EBADF);
	CHECK_STR(what, "inherited file descriptor");
	errno = 0;
	CHECK_EQ(sock_connect(&none, NULL), -1);
	CHECK_EQ(errno, EAFNOSUPPORT);
	close(lfd);
}

TEST(inherited_sockets_are_made_to_listen)
{
	struct sock_listen l = on("127.0.0.1:0"), inherited = on("fd@3");
	const char *what = NULL;
	int fd;

	l.dgram = true;
	fd = sock_listen_open(&l, &what);
	CHECK(fd >= 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	inherited.addr.fd = fd;
	CHECK_EQ(sock_listen_open(&inherited, &what), fd);
	CHECK(has_flags(fd));
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
	close(fd);
}

TEST(a_path_is_replaced_without_a_gap)
{
	char dir[] = "/tmp/sock_test.XX" "XX" "XX", path[64];
	struct sock_listen l;
	const char *what = NULL;
	struct addr peer;
	struct stat st;
	int old, fresh, c, s;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/s", dir);
	l = on(path);
	l.mode = 0640;
	CHECK((old = sock_listen_open(&l, &what)) >= 0);
	CHECK((fresh = sock_listen_open(&l, &what)) >= 0);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
	CHECK((c = sock_connect_unix(&l.addr)) >= 0);
	CHECK_EQ(sock_accept(old, NULL), -1);
	CHECK((s = sock_accept(fresh, &peer)) >= 0);
	CHECK_EQ(peer.family, ADDR_UNIX);
	CHECK(carries(c, s));
	close(c);
	close(s);
	close(old);
	close(fresh);
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);    /* nothing else left */
	CHECK_EQ(sock_listen_open(&l, &what), -1);
	CHECK_STR(what, "bind");
}

TEST(abstract_names)
{
	static const char *const kinds[] = { "abns@", "abnsz@" };

	for (size_t i = 0; i < NELEM(kinds); i++) {
		char word[64];
		struct sock_listen l;
		const char *what = NULL;
		int lfd, c, s;

		snprintf(word, sizeof(word), "%ssock_test.%ld", kinds[i],
		    (long)getpid());
		l = on(word);
		CHECK((lfd = sock_listen_open(&l, &what)) >= 0);
		CHECK((c = sock_connect_unix(&l.addr)) >= 0);
		CHECK((s = sock_accept(lfd, NULL)) >= 0);
		CHECK(carries(s, c));
		close(c);
		close(s);
		close(lfd);
	}
}

/* Descriptors this process has open. */
static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return (n);
}

TEST(descriptors_travel)
{
	int before = count_fds(), pair[2], many[SOCK_FDS_MAX + 1], got[300];
	char data[16];
	size_t n;

	CHECK(sock_pair(SOCK_SEQPACKET, pair));
	CHECK(has_flags(pair[0]) && has_flags(pair[1]));
	for (size_t i = 0; i < NELEM(many); i++)
		many[i] = pair[0];
	CHECK_EQ(sock_send_fds(pair[0], "abc", 3, many, SOCK_FDS_MAX), 3);
	n = NELEM(got);
	CHECK_EQ(sock_recv_fds(pair[1], data, sizeof(data), got, &n), 3);
	CHECK_MEM(data, 3, "abc", 3);
	CHECK_EQ(n, SOCK_FDS_MAX);
	CHECK(fcntl(got[n - 1], F_GETFD) == FD_CLOEXEC);
	CHECK(carries(got[n - 1], pair[1]));
	while (n > 0)
		close(got[--n]);
	CHECK_EQ(count_fds(), before + 2);
	CHECK_EQ(sock_send_fds(pair[0], "abc", 3, many, NELEM(many)), -1);
	CHECK_EQ(errno, EINVAL);
	/* no room for all of them: none is taken */
	CHECK_EQ(sock_send_fds(pair[0], "abc", 3, many, 3), 3);
	n = 2;
	CHECK_EQ(sock_recv_fds(pair[1], data, sizeof(data), got, &n), -1);
	CHECK_EQ(errno, EMSGSIZE);
	CHECK_EQ(n, 0);
	CHECK_EQ(count_fds(), before + 2);
	/* nor for all bytes */
	CHECK_EQ(sock_send_fds(pair[0], "abc", 3, many, 1), 3);
	n = 2;
	CHECK_EQ(sock_recv_fds(pair[1], data, 2, got, &n), -1);
	CHECK_EQ(errno, EMSGSIZE);
	CHECK_EQ(count_fds(), before + 2);
	/* nothing there, and a message without any */
	n = 2;
	CHECK_EQ(sock_recv_fds(pair[1], data, sizeof(data), got, &n), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(n, 0);
	CHECK_EQ(sock_send_fds(pair[0], "x", 1, NULL, 0), 1);
	n = 2;
	CHECK_EQ(sock_recv_fds(pair[1], data, sizeof(data), got, &n), 1);
	CHECK_EQ(n, 0);
	close(pair[0]);
	n = 2;
	CHECK_EQ(sock_recv_fds(pair[1], data, sizeof(data), got, &n), 0);
	CHECK_EQ(sock_send_fds(pair[1], "x", 1, NULL, 0), -1);  /* no signal */
	CHECK_EQ(errno, EPIPE);
	close(pair[1]);
}

TEST(flags_go_on_and_off)
{
	int pair[2];

	CHECK(sock_pair(SOCK_STREAM, pair));
	CHECK(sock_set_nonblock(pair[0], false));
	CHECK(sock_set_cloexec(pair[0], false));
	CHECK_EQ(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(fcntl(pair[0], F_GETFD), 0);
	CHECK(sock_set_nonblock(pair[0], true));
	CHECK(sock_set_cloexec(pair[0], true));
	CHECK(has_flags(pair[0]));
	close(pair[0]);
	CHECK(!sock_set_nonblock(pair[0], true));
	close(pair[1]);
}

TEST(bytes_that_wait_are_seen)
{
	int fd[2];
	char c;

	CHECK(sock_pair(SOCK_STREAM, fd));
	CHECK(!sock_has_bytes(fd[0]));
	CHECK(write(fd[1], "x", 1) == 1 && sock_has_bytes(fd[0]));
	CHECK(read(fd[0], &c, 1) == 1 && !sock_has_bytes(fd[0]));
	(void)close(fd[1]);
	CHECK(!sock_has_bytes(fd[0]));          /* the end is none */
	(void)close(fd[0]);
	CHECK(!sock_has_bytes(-1));
}
