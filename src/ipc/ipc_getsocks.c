/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_getsocks - ask a running process for its listening sockets.
 *
 * The exchange: we write "_getsocks\n"; it answers an int, how many there
 * are, then messages with up to 252 descriptors and, as data, one record for
 * each: {u8 length, name of the namespace; u8 length, name of the interface;
 * four bytes of nothing}. Each message wants four bytes as an answer. Records
 * may be cut anywhere between messages, so they are read at the end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <base/num.h>
#include <base/text.h>
#include <ipc/holder.h>
#include <os/addr.h>
#include <os/fd.h>
#include <os/sock.h>

#include "holder_int.h"

#define WAIT_S      2           /* for each answer; it is a local process */
#define ALL_MS      4000        /* for all of them */
#define TOTAL_MAX   100000
#define RECORD_MAX  (252 * (255 + 255 + 6))

int
ipc_getsocks_dial(const char *path, const char **err)
{
	struct timeval tv = { WAIT_S, 0 };
	struct addr_spec spec;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, pair[2];
	char zero[2] = { 0, 0 };

	if (!addr_parse(span_str(path), &spec, err))
		return (-1);
	*err = "can't connect to the socket";
	if (spec.addr.family == ADDR_SOCKPAIR) {
		if (!sock_pair(SOCK_STREAM, pair))
			return (-1);
		if (sock_send_fds(spec.fd, zero, sizeof zero, &pair[1], 1) < 0)
			fd_close(&pair[0]);
		fd_close(&pair[1]);
		fd = pair[0];
		(void)sock_set_nonblock(fd, false);
	} else {
		if ((len = addr_spec_to_sa(&spec, &ss)) == 0 ||
		    ss.ss_family != AF_UNIX) {
			*err = "expected the path of a UNIX socket";
			return (-1);
		}
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, (struct sockaddr *)&ss, len) != 0) {
			*err = strerror(errno);
			fd_close(&fd);
		}
	}
	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	}
	return (fd);
}

/* All messages: descriptors to `fds`, data to `records`. */
static int
gather(int sock, int total, int *fds, struct text *records, const char **err)
{
	static char data[RECORD_MAX];
	int64_t end_ms = clock_mono_us() / 1000 + ALL_MS;
	int n = 0;

	while (n < total) {
		size_t room = (size_t)(total - n);
		ssize_t got;
		uint32_t before = (uint32_t)n;

		if (room > SOCK_FDS_MAX)
			room = SOCK_FDS_MAX;
		got = sock_recv_fds(sock, data, sizeof data, fds + n, &room);
		if (got < 0 && errno == EMSGSIZE)
			*err = "more sockets came than were announced, or "
			    "than there are descriptors here (ulimit -n)";
		else if (got <= 0)
			*err = "the other process stopped sending sockets";
		else if (clock_mono_us() / 1000 > end_ms ||
		    records->n + (size_t)got >
		    ((size_t)total + 1) * (RECORD_MAX / 252))
			*err = "the other process sends on and on, but no "
			    "sockets";
		if (*err != NULL) {
			for (size_t i = 0; got > 0 && i < room; i++)
				fd_close(&fds[n + (int)i]);
			return (n);
		}
		text_add(records, span_of(data, (size_t)got));
		n += (int)room;
		if (room > 0 && send(sock, &before, sizeof before,
		    MSG_NOSIGNAL) < 0)
			break;
	}
	return (n);
}

static bool
take_name(struct span *left, struct span *name)
{
	size_t n;

	if (left->n == 0)
		return (false);
	n = (unsigned char)left->p[0];
	if (left->n - 1 < n)
		return (false);
	*name = span_of(left->p + 1, n);
	*left = span_skip(*left, 1 + n);
	return (true);
}

/* As in ipc/holder.h. */
static void
adopt(int fd, struct span namespace, struct span interface)
{
	struct text place;

	text_init(&place);
	if (namespace.n > 0) {
		text_add(&place, namespace);
		text_addc(&place, '/');
	}
	text_add(&place, interface);
	ipc_holder_adopt(fd, text_span(&place), false);
	text_fini(&place);
}

static int
adopt_all(int *fds, int n, struct span left, const char **err)
{
	struct span namespace, interface;
	int taken = 0;

	for (int i = 0; i < n; i++) {
		if (!take_name(&left, &namespace) ||
		    !take_name(&left, &interface) || left.n < 4) {
			left = span_of("", 0);
			fd_close(&fds[i]);
			*err = "the description of a socket is cut off";
			continue;
		}
		left = span_skip(left, 4);
		adopt(fds[i], namespace, interface);
		taken++;
	}
	return (taken);
}

int
ipc_getsocks(const char *path, const char **err)
{
	static const char ask[] = "_getsocks\n";
	struct text records;
	int sock = ipc_getsocks_dial(path, err), total = 0, n, *fds;

	if (sock < 0)
		return (-1);
	if (send(sock, ask, sizeof ask - 1, MSG_NOSIGNAL) < 0 ||
	    recv(sock, &total, sizeof total, MSG_WAITALL) !=
	    (ssize_t)sizeof total) {
		*err = "it sent no sockets; its 'stats socket' line needs "
		    "'expose-fd listeners'";
		fd_close(&sock);
		return (-1);
	}
	if (total < 0 || total > TOTAL_MAX) {
		*err = "it announced a number of sockets that can't be";
		fd_close(&sock);
		return (-1);
	}
	text_init(&records);
	fds = must_alloc(((size_t)total + 1) * sizeof *fds);
	*err = NULL;
	n = gather(sock, total, fds, &records, err);
	n = adopt_all(fds, n, text_span(&records), err);
	if (*err != NULL)
		(void)ipc_holder_settle();
	free(fds);
	text_fini(&records);
	fd_close(&sock);
	return (*err != NULL ? -1 : n);
}
