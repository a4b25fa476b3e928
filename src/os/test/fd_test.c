/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd_test - files, limits, long writes.
 */
#include <base/test.h>

#include "../fd.c"
#include "in_child.h"

#include <sys/wait.h>

TEST(closing)
{
	int fd = fd_memfd("test"), copy = fd;

	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	fd_close(&fd);
	CHECK_EQ(fd, -1);
	CHECK_EQ(fcntl(copy, F_GETFD), -1);
	fd_close(&fd);
	CHECK_EQ(fd, -1);
}

static int
close_inherited(void)
{
	int gone = fd_memfd("gone"), kept = fd_memfd("kept");
	int stays = dup(gone);                  /* not close-on-exec */

	return (!(stays >= 0 && fd_close_inherited(kept) &&
	    fcntl(gone, F_GETFD) == -1 && fcntl(kept, F_GETFD) >= 0 &&
	    fcntl(stays, F_GETFD) == 0 && fcntl(0, F_GETFD) >= 0));
}

TEST(a_fork_closes_what_exec_would)
{
	CHECK_EQ(in_child(close_inherited), 0);
}

TEST(whole_files)
{
	static const size_t sizes[] = { 0, 1, 16382, 16383, 16384, 100000 };
	char path[64], *p;
	int fd = fd_memfd("file");
	size_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		char *want = must_alloc(sizes[i] + 1);

		memset(want, 'x', sizes[i]);
		CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
		CHECK(fd_write_all(fd, want, sizes[i]));
		p = fd_read_file(path, sizes[i], &n);
		CHECK(p != NULL);
		CHECK_EQ(n, sizes[i]);
		CHECK(strcmp(p, want) == 0);
		free(p);
		free(want);
		errno = 0;
		if (sizes[i] > 0) {
			CHECK(fd_read_file(path, sizes[i] - 1, &n) == NULL);
			CHECK_EQ(errno, EFBIG);
		}
	}
	fd_close(&fd);
	CHECK(fd_read_file("/nonexistent/file", 10, &n) == NULL);
	CHECK_EQ(errno, ENOENT);
	CHECK(fd_read_file("/", 10, &n) == NULL);
	CHECK_EQ(errno, EISDIR);
}

TEST(long_writes_wait_for_the_reader)
{
	static char data[300000];
	int fd[2], status = -1;
	pid_t pid;

	CHECK(pipe2(fd, O_NONBLOCK) == 0);
	pid = fork();
	if (pid == 0) {
		size_t sum = 0;
		ssize_t got;

		close(fd[1]);
		fcntl(fd[0], F_SETFL, 0);
		while ((got = read(fd[0], data, 1000)) > 0)
			sum += (size_t)got;
		_exit(sum == sizeof(data) ? 0 : 1);
	}
	close(fd[0]);
	CHECK(fd_write_all(fd[1], data, sizeof(data)));
	close(fd[1]);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(!fd_write_all(fd[1], data, 1));
	CHECK_EQ(errno, EBADF);
}

TEST(the_limit_of_descriptors)
{
	struct rlimit r;

	CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0);
	r.rlim_cur = 100;
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	CHECK_EQ(fd_limit_raise(50), 100);
	CHECK_EQ(fd_limit_raise(200), 200);
	CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0);
	CHECK_EQ(r.rlim_cur, 200);
}
