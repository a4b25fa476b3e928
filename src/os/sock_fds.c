/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock_fds - descriptors as part of a message (unix(7), SCM_RIGHTS).
 */
#include <base/must.h>
#include <os/fd.h>
#include <os/sock.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As many as the kernel ever puts into one message (SCM_MAX_FD is 253). */
#define KERNEL_FDS_MAX 253

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(KERNEL_FDS_MAX * sizeof(int))];
};

ssize_t
sock_send_fds(int sock, const void *data, size_t len, const int *fds,
    size_t n_fds)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	struct cmsghdr *c;
	ssize_t sent;

	if (n_fds > SOCK_FDS_MAX) {
		errno = EINVAL;
		return (-1);
	}
	if (n_fds > 0) {
		memset(&control, 0, CMSG_SPACE(n_fds * sizeof(int)));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		MUST(c != NULL);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return (sent);
}

/* Copy descriptors out; those for which there is no room are closed. */
static bool
take_fds(struct msghdr *msg, int *fds, size_t room, size_t *n)
{
	struct cmsghdr *c;
	bool all = true;

	*n = 0;
	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(fd));
			if (*n < room) {
				fds[(*n)++] = fd;
				continue;
			}
			close(fd);
			all = false;
		}
	}
	return (all);
}

ssize_t
sock_recv_fds_cut(int sock, void *data, size_t len, int *fds, size_t *n_fds,
    bool *cut)
{
	struct iovec iov = { data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t room = *n_fds;
	union control control;
	ssize_t got;

	memset(&control, 0, sizeof(control));
	msg.msg_control = control.bytes;
	msg.msg_controllen = sizeof(control.bytes);
	*n_fds = 0;
	*cut = false;
	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return (-1);
	*cut = !take_fds(&msg, fds, room, n_fds) ||
	    (msg.msg_flags & MSG_CTRUNC) != 0;
	if (!*cut && (msg.msg_flags & MSG_TRUNC) == 0)
		return (got);
	while (*n_fds > 0)
		close(fds[--*n_fds]);
	if ((msg.msg_flags & MSG_TRUNC) == 0)
		return (got);
	errno = EMSGSIZE;
	return (-1);
}

ssize_t
sock_recv_fds(int sock, void *data, size_t len, int *fds, size_t *n_fds)
{
	bool cut;
	ssize_t got = sock_recv_fds_cut(sock, data, len, fds, n_fds, &cut);

	if (got < 0 || !cut)
		return (got);
	errno = EMSGSIZE;
	return (-1);
}

bool
sock_is_pair(int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(int), len = sizeof ss;
	int domain = 0, type = 0;

	return (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
	    domain == AF_UNIX && type == SOCK_SEQPACKET &&
	    getpeername(fd, (struct sockaddr *)&ss, &len) == 0);
}

/* Source: two zero bytes go along, as everybody does who speaks sockpair@. */
int
sock_connect_pair(int fd)
{
	static const char mark[2];
	int pair[2], saved;

	if (!sock_pair(SOCK_STREAM, pair))
		return (-1);
	if (sock_send_fds(fd, mark, sizeof(mark), &pair[1], 1) < 0) {
		saved = errno;
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		errno = saved;
		return (-1);
	}
	fd_close(&pair[1]);
	return (pair[0]);
}

int
sock_accept_pair(int fd)
{
	char mark[2];
	size_t n = 1;
	ssize_t got;
	int conn = -1;

	got = sock_recv_fds(fd, mark, sizeof(mark), &conn, &n);
	if (got < 0)
		return (-1);
	if (got == 0 || n != 1) {
		errno = got == 0 ? EPIPE : EPROTO;
		return (-1);
	}
	(void)sock_set_nonblock(conn, true);
	return (conn);
}
