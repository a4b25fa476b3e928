/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_adopt - listening sockets from another process: which of them is the one
 * that a bind line asks for.
 *
 * Judged by what the socket itself says: address, type, transparency, IPv6
 * only-ness; and by the interface that came with it.
 */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <base/must.h>
#include <ipc/holder.h>
#include <os/addr.h>
#include <os/fd.h>
#include <os/sock.h>

#include "holder_int.h"

struct adopted {
	struct adopted *next;
	int fd;
	bool first;             /* of its SO_REUSEPORT group */
	uint8_t type;           /* SOCK_STREAM … */
	socklen_t len;
	struct sockaddr_storage ss;
	char *interface;        /* "" none */
};

static struct adopted *all, **last = &all;

static int option(int fd, int level, int name);

/* What is no socket, or has no address, is nobody's listener. */
void
ipc_holder_adopt(int fd, struct span interface, bool first)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	struct adopted *a;

	memset(&ss, 0, sizeof ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0) {
		fd_close(&fd);
		return;
	}
	a = must_alloc(sizeof *a);
	a->fd = fd;
	a->first = first;
	a->type = (uint8_t)option(fd, SOL_SOCKET, SO_TYPE);
	a->ss = ss;
	a->len = len;
	a->interface = span_dup(interface);
	*last = a;              /* in order: the first of a group stays first */
	last = &a->next;
}

static void
unlink_adopted(struct adopted **link)
{
	struct adopted *a = *link;

	*link = a->next;
	if (last == &a->next)
		last = link;
	free(a->interface);
	free(a);
}

size_t
ipc_holder_settle(void)
{
	size_t n = 0;

	while (all != NULL) {
		fd_close(&all->fd);
		unlink_adopted(&all);
		n++;
	}
	return (n);
}

static int
option(int fd, int level, int name)
{
	int v = 0;
	socklen_t n = sizeof v;

	return (getsockopt(fd, level, name, &v, &n) == 0 ? v : 0);
}

/* A path socket is bound as PATH.PID.tmp and renamed: the kernel still says
 * the first name. */
static struct span
without_tmp(struct span path)
{
	size_t i;

	if (!span_ends(path, SPAN(".tmp")))
		return (path);
	for (i = path.n - 4; i > 0 && isdigit((unsigned char)path.p[i - 1]);)
		i--;
	if (i == 0 || i == path.n - 4 || path.p[i - 1] != '.')
		return (path);
	return (span_of(path.p, i - 1));
}

static bool
same_unix(const struct ipc_listen *l, struct span host,
    const struct sockaddr_un *un, socklen_t len)
{
	size_t n = len - offsetof(struct sockaddr_un, sun_path);
	struct span path;

	if (n == 0 || l->family == ADDR_V4 || l->family == ADDR_V6)
		return (false);
	if (un->sun_path[0] != '\0') {
		path = span_of(un->sun_path, strnlen(un->sun_path, n));
		return (l->family == ADDR_UNIX &&
		    span_eq(without_tmp(path), without_tmp(host)));
	}
	path = span_of(un->sun_path + 1, n - 1);
	if (l->family == ADDR_ABNSZ)
		return (span_eq(path, host));
	return (l->family == ADDR_ABNS && n == sizeof un->sun_path &&
	    path.n >= host.n && memcmp(path.p, host.p, host.n) == 0 &&
	    (path.n == host.n || path.p[host.n] == '\0'));
}

static bool
same_ip(const struct ipc_listen *l, int fd, const struct sockaddr *sa,
    socklen_t len)
{
	static const uint8_t any[sizeof l->ip];
	struct addr a, want = { .family = l->family, .port = l->port };
	bool transparent;
	int fresh, v6only;

	memcpy(want.ip, l->ip, sizeof want.ip);
	addr_from_sa(&a, sa, len);
	if (!addr_eq(&a, &want))
		return (false);
	transparent = option(fd, IPPROTO_IP, IP_TRANSPARENT) != 0 ||
	    option(fd, IPPROTO_IP, IP_FREEBIND) != 0;
	if (l->family == ADDR_V6)
		transparent = transparent ||
		    option(fd, IPPROTO_IPV6, IPV6_TRANSPARENT) != 0;
	if (transparent != (l->transparent != 0))
		return (false);
	/* One address is IPv6 only in any case, and the kernel says so. */
	if (l->family != ADDR_V6 || memcmp(l->ip, any, sizeof any) != 0)
		return (true);
	v6only = l->v6only;
	if (!l->v6only && !l->v4v6 &&
	    (fresh = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0) {
		v6only = option(fresh, IPPROTO_IPV6, IPV6_V6ONLY);
		fd_close(&fresh);
	}
	return (option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == v6only);
}

static bool
is_it(const struct adopted *a, const struct ipc_listen *l, struct span host,
    struct span interface)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->ss;

	if (a->type != (l->dgram ? SOCK_DGRAM : SOCK_STREAM) ||
	    !span_is(interface, a->interface))
		return (false);
	if (sa->sa_family == AF_UNIX)
		return (same_unix(l, host, (const struct sockaddr_un *)sa,
		    a->len));
	return ((l->family == ADDR_V4 || l->family == ADDR_V6) &&
	    same_ip(l, a->fd, sa, a->len));
}

/* It listens (also after a pause), with this configuration's options. */
static bool
can_serve(int fd, const struct ipc_listen *l)
{
	bool ip = l->family == ADDR_V4 || l->family == ADDR_V6;

	if (!sock_set_nonblock(fd, true))
		return (false);
	if (l->dgram)
		return (true);
	if (ip)
		sock_listen_retune(fd, l->defer_accept, l->user_timeout_ms);
	return (listen(fd, l->backlog > 0 ? l->backlog : INT_MAX) == 0);
}

int
ipc_holder_adopted(const struct ipc_listen *l, struct span host,
    struct span interface, bool *first)
{
	struct adopted **link = &all;

	while (*link != NULL) {
		int fd = (*link)->fd;

		if (!is_it(*link, l, host, interface)) {
			link = &(*link)->next;
			continue;
		}
		*first = (*link)->first;
		unlink_adopted(link);
		if (can_serve(fd, l))
			return (fd);
		fd_close(&fd);
	}
	return (-1);
}
