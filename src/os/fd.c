/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd - descriptors, whole files.
 */
#include <base/must.h>
#include <base/num.h>
#include <os/fd.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ_BYTES 16384

void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool
fd_close_inherited(int keep)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;
	uint64_t fd;

	if (d == NULL)
		return (false);
	while ((e = readdir(d)) != NULL)
		if (num_u64(span_str(e->d_name), &fd) && (int)fd != keep &&
		    (int)fd != dirfd(d) &&
		    fcntl((int)fd, F_GETFD) == FD_CLOEXEC)
			(void)close((int)fd);
	(void)closedir(d);
	return (true);
}

size_t
fd_limit_raise(size_t want)
{
	struct rlimit now, more;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return (0);
	if (now.rlim_cur >= want)
		return (now.rlim_cur);
	more = now;
	more.rlim_cur = want;
	if (more.rlim_max < want)
		more.rlim_max = want;           /* needs privileges */
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return (want);
	more.rlim_max = now.rlim_max;
	more.rlim_cur = want < now.rlim_max ? want : now.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return (more.rlim_cur);
	return (now.rlim_cur);
}

/* It makes the table as large as the highest number asks for. */
void
fd_prealloc(void)
{
	struct rlimit r;
	int fd;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur > INT_MAX ||
	    (fd = fcntl(0, F_DUPFD_CLOEXEC, (int)r.rlim_cur - 1)) < 0)
		return;
	close(fd);
}

/* How much there is to read, where that is known beforehand. */
static size_t
expected_size(int fd, size_t limit)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    (uint64_t)st.st_size > limit)
		return (FIRST_READ_BYTES);
	return ((size_t)st.st_size + 2);
}

/* Read to the end into a buffer that doubles; one byte is kept for the NUL
 * and one more tells a file that is too large, or grew. */
static char *
read_all(int fd, size_t limit, size_t *n)
{
	size_t cap = expected_size(fd, limit), len = 0;
	char *p = must_alloc(cap);
	ssize_t got;

	for (;;) {
		if (len == cap - 1) {
			cap *= 2;
			p = must_realloc(p, cap);
		}
		got = read(fd, p + len, cap - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
		if (len > limit) {
			got = -1;
			errno = EFBIG;
			break;
		}
	}
	if (got < 0) {
		int saved = errno;

		free(p);
		errno = saved;
		return (NULL);
	}
	p[len] = '\0';
	*n = len;
	return (p);
}

char *
fd_read_file(const char *path, size_t limit, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int saved;
	char *p;

	if (fd < 0)
		return (NULL);
	p = read_all(fd, limit, n);
	saved = errno;
	close(fd);
	errno = saved;
	return (p);
}

int
fd_memfd(const char *name)
{
	return (memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

/* A non-blocking descriptor is waited for: the caller asked for blocking. */
static bool
wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return (poll(&p, 1, -1) >= 0 || errno == EINTR);
}

bool
fd_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t put = write(fd, p, n);

		if (put < 0) {
			if (errno == EINTR ||
			    (errno == EAGAIN && wait_writable(fd)))
				continue;
			return (false);
		}
		p += put;
		n -= (size_t)put;
	}
	return (true);
}
