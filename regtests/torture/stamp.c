/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures a pause of the proxy and not of those who measure it: clients and
 * server share a small machine with the proxy, and may be late themselves.
 *
 * The kernel stamps what comes in.  The server writes into each frame of a probe
 * how long it kept it, from its coming to its going; the client takes that off
 * the time from its own sending to the frame's coming back.
 */
#include "torture.h"

int64_t
stamp_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
}

void
stamp_enable(int fd)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
		die("SO_TIMESTAMPNS");
}

/* As read(), and when the last of it came; now where that is not known. */
ssize_t
stamp_read(int fd, char *p, size_t n, int64_t *came_ns)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec v = { p, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control };
	struct cmsghdr *c;
	struct timespec ts;
	ssize_t got = recvmsg(fd, &m, 0);

	*came_ns = stamp_now_ns();
	if (got <= 0)
		return (got);
	for (c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(c), sizeof ts);
			*came_ns = (int64_t)ts.tv_sec * 1000000000 +
			    ts.tv_nsec;
		}
	return (got);
}
