/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of listening sockets over generations and over exec; sockets of
 * another process.
 */
#include <base/test.h>

#include "../ipc_holder.c"
#include "../ipc_adopt.c"
#include "../ipc_getsocks.c"

#include <pthread.h>
#include <sys/stat.h>

static int fds[IPC_FDS_MAX];
static size_t n_fds;
static bool is_first, is_again;
static const char *err_text;

static struct ipc_listen
tcp_any_port(uint32_t n)
{
	return ((struct ipc_listen){ .n = n, .family = ADDR_V4,
	    .reuseport = 1, .ip = { 127, 0, 0, 1 }, .mode = -1, .uid = -1,
	    .gid = -1 });
}

static bool
ask(const struct ipc_listen *l, const char *host, uint32_t gen)
{
	return (ipc_holder_get(l, span_str(host), SPAN(""), gen, fds, &n_fds,
	    &is_first, &is_again, &err_text));
}

static void
drop_all(void)
{
	while (rows != NULL)
		drop_row(&rows);
}

TEST(the_next_generation_gets_the_same_socket)
{
	struct ipc_listen l = tcp_any_port(2);
	int first;

	CHECK(ask(&l, "", 1) && n_fds == 2 && !is_again);
	first = fds[0];
	ipc_holder_commit(1);
	CHECK(ask(&l, "", 2) && n_fds == 2 && fds[0] == first && !is_again);
	l.n = 3;
	CHECK(ask(&l, "", 2) && n_fds == 3 && fds[0] == first && is_again);
	l.n = 1;
	CHECK(ask(&l, "", 2) && n_fds == 3);
	ipc_holder_commit(2);
	CHECK_EQ(ipc_holder_count(), 3);
	ipc_holder_commit(3);
	CHECK_EQ(ipc_holder_count(), 0);
}

TEST(a_failed_generation_leaves_no_trace)
{
	struct ipc_listen l = tcp_any_port(1), m = tcp_any_port(1);

	m.ip[3] = 2;
	CHECK(ask(&l, "", 1));
	ipc_holder_commit(1);
	CHECK(ask(&l, "", 2) && ask(&m, "", 2));
	CHECK_EQ(ipc_holder_count(), 2);
	ipc_holder_cancel(2);
	CHECK_EQ(ipc_holder_count(), 1);
	/* What it asked for is the old generation's again. */
	ipc_holder_commit(2);
	CHECK_EQ(ipc_holder_count(), 0);
}

TEST(a_removed_path_is_made_again)
{
	struct ipc_listen l = { .n = 1, .family = ADDR_UNIX, .mode = -1,
		.uid = -1, .gid = -1, .fd = -1 };
	char dir[] = "/tmp/holder.XXXXXX", path[64];
	int first;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "%s/s", dir);
	ipc_say_quiet = true;
	CHECK(ask(&l, path, 1));
	first = fds[0];
	ipc_holder_commit(1);
	CHECK(ask(&l, path, 2) && fds[0] == first);
	ipc_holder_commit(2);
	CHECK_EQ(unlink(path), 0);
	/* For a generation that fails: as it was before. */
	CHECK(ask(&l, path, 3) && fds[0] != first && access(path, F_OK) == 0);
	ipc_holder_cancel(3);
	CHECK(rows->fds[0] == first && access(path, F_OK) != 0);
	CHECK(ask(&l, path, 4) && fds[0] != first && ask(&l, path, 4));
	ipc_holder_commit(4);
	CHECK(access(path, F_OK) == 0 && fcntl(first, F_GETFD) < 0);
	/* Where it cannot be, the socket goes on without its path. */
	first = rows->fds[0];
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
	CHECK(ask(&l, path, 5) && fds[0] == first);
	drop_all();
}

TEST(an_inherited_descriptor_must_be_a_socket)
{
	struct ipc_listen l = { .n = 1, .family = ADDR_FD, .fd = 999 };

	CHECK(!ask(&l, "", 1));
	CHECK_STR(err_text, "descriptor 999 is not open in this process");
	l.fd = open("/dev/null", O_RDONLY);
	CHECK(!ask(&l, "", 1));
	fd_close(&l.fd);
	drop_all();
}

TEST(the_table_survives_exec)
{
	struct ipc_listen l = tcp_any_port(1);
	struct text t;
	int first;

	CHECK(ask(&l, "", 4) && is_first);
	first = fds[0];
	text_init(&t);
	ipc_holder_save(&t);
	CHECK((fcntl(first, F_GETFD) & FD_CLOEXEC) == 0);
	rows->n = 0;
	drop_all();
	CHECK(ipc_holder_load(text_span(&t)));
	CHECK((fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK(ask(&l, "", 5) && fds[0] == first && is_first);
	CHECK(!ipc_holder_load(SPAN("socket 1 x")));
	text_fini(&t);
	drop_all();
}

static int tries;

static bool
try_thrice(void)
{
	return (++tries < 3);
}

TEST(a_busy_address_is_tried_again)
{
	struct ipc_listen l = tcp_any_port(1);
	struct addr a;
	int held;

	l.reuseport = 0;
	CHECK(ask(&l, "", 1));
	held = fds[0];
	sock_local(held, &a);
	l.port = a.port;
	ipc_holder_busy = try_thrice;
	CHECK(!ask(&l, "", 1));
	CHECK_EQ(tries, 3);
	CHECK(strstr(err_text, "in use") != NULL);
	ipc_holder_busy = NULL;
	drop_all();
}

/* The other process of _getsocks: three sockets in two messages, the records
 * cut in the middle. */
static int serve_fd, offered[3];

static void *
serve(void *arg)
{
	char buf[64];
	int n = 3, ack;
	static const char records[] =
	    "\0\0\0\0\0\0" "\0\2lo\0\0\0\0" "\0\0\0\0\0\0";

	(void)recv(serve_fd, buf, sizeof buf, 0);
	(void)send(serve_fd, &n, sizeof n, 0);
	(void)sock_send_fds(serve_fd, records, 8, offered, 2);
	(void)recv(serve_fd, &ack, sizeof ack, 0);
	(void)sock_send_fds(serve_fd, records + 8, 12, offered + 2, 1);
	(void)recv(serve_fd, &ack, sizeof ack, 0);
	return (arg);
}

TEST(sockets_of_another_process_are_matched)
{
	struct ipc_listen l = tcp_any_port(1), m;
	struct addr a;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *err;
	int pair[2], carrier[2];
	char path[64], name[32];
	pthread_t t;

	/* One of TCP, one of UNIX under its temporary name, one unwanted. */
	CHECK(ask(&l, "", 1));
	offered[0] = dup(fds[0]);
	sock_local(offered[0], &a);
	drop_all();
	offered[1] = socket(AF_INET, SOCK_STREAM, 0);
	offered[2] = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(path, sizeof path, "/tmp/ipc-holder-test.%d", getpid());
	snprintf(un.sun_path, sizeof un.sun_path, "%s.4711.tmp", path);
	CHECK(bind(offered[2], (struct sockaddr *)&un, sizeof un) == 0 &&
	    listen(offered[2], 1) == 0);

	/* sockpair@N: one end of a fresh pair comes through N. */
	CHECK(sock_pair(SOCK_STREAM, carrier) && sock_pair(SOCK_STREAM, pair));
	serve_fd = pair[0];
	(void)sock_set_nonblock(serve_fd, false);
	pthread_create(&t, NULL, serve, NULL);
	snprintf(name, sizeof name, "fd %d", pair[1]);
	{
		struct text records;
		int got[3], total = 0;

		text_init(&records);
		(void)sock_set_nonblock(pair[1], false);
		CHECK(send(pair[1], "_getsocks\n", 10, 0) == 10);
		CHECK(recv(pair[1], &total, sizeof total, MSG_WAITALL) == 4);
		err = NULL;
		CHECK_EQ(gather(pair[1], total, got, &records, &err), 3);
		CHECK_STR(err, NULL);
		CHECK_EQ(adopt_all(got, 3, text_span(&records), &err), 3);
		CHECK_STR(err, NULL);
		text_fini(&records);
	}
	pthread_join(t, NULL);
	l.port = a.port;
	CHECK(ask(&l, "", 1) && n_fds == 1);
	m = (struct ipc_listen){ .n = 1, .family = ADDR_UNIX, .mode = -1,
	    .uid = -1, .gid = -1 };
	CHECK_EQ(ipc_holder_adopted(&m, span_str(path), SPAN("lo"),
	    &is_first), -1);
	CHECK(ipc_holder_adopted(&m, span_str(path), SPAN(""), &is_first) >=
	    0);
	CHECK_EQ(ipc_holder_settle(), 1);
	(void)unlink(un.sun_path);
	drop_all();
}
