/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock_listen - opening a listening socket, step by step, each with a name
 * for the operator.
 */
#include <os/sock.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TFO_QUEUE 256
#define DEFER_S 1

static bool
set_int(int fd, int level, int option, int value)
{
	return (setsockopt(fd, level, option, &value, sizeof(value)) == 0);
}

static bool
set_transparent(int fd, uint8_t family)
{
	if (family == ADDR_V6)
		return (set_int(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1));
	return (set_int(fd, IPPROTO_IP, IP_TRANSPARENT, 1));
}

/* A failed step is the last one that was named. */
static bool
set_ip_options(int fd, const struct sock_listen *l, const char **what)
{
	uint8_t family = l->addr.addr.family;

	*what = "SO_REUSEADDR";
	if (!set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1))
		return (false);
	*what = "SO_REUSEPORT";
	if (l->reuseport && !l->exclusive &&
	    !set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return (false);
	*what = "'transparent'";
	if (l->transparent && !set_transparent(fd, family))
		return (false);
	*what = "'interface'";
	if (l->interface != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE,
	    l->interface, (socklen_t)strlen(l->interface) + 1) != 0)
		return (false);
	*what = "'v6only' or 'v4v6'";
	if (family == ADDR_V6 && (l->v6only || l->v4v6) &&
	    !set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, l->v6only))
		return (false);
	return (true);
}

static bool
set_tcp_options(int fd, const struct sock_listen *l, const char **what)
{
	*what = "TCP_NODELAY";
	if (!set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1))
		return (false);
	*what = "'mss'";
	if (l->mss != 0 && !set_int(fd, IPPROTO_TCP, TCP_MAXSEG, l->mss))
		return (false);
	*what = "'tcp-ut'";
	if (l->tcp_user_timeout_ms != 0 && !set_int(fd, IPPROTO_TCP,
	    TCP_USER_TIMEOUT, (int)l->tcp_user_timeout_ms))
		return (false);
	*what = "'defer-accept'";
	if (l->defer_accept &&
	    !set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_S))
		return (false);
	*what = "'tfo'";
	if (l->tfo && !set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, TFO_QUEUE))
		return (false);
	return (true);
}

/* The kernel cuts the backlog to net.core.somaxconn. */
static bool
start_listening(int fd, const struct sock_listen *l, const char **what)
{
	*what = "listen";
	return (l->dgram ||
	    listen(fd, l->backlog > 0 ? l->backlog : INT_MAX) == 0);
}

static bool
setup_ip(int fd, const struct sock_listen *l, const char **what)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sa(&l->addr.addr, &ss);

	if (!set_ip_options(fd, l, what) ||
	    (!l->dgram && !set_tcp_options(fd, l, what)))
		return (false);
	*what = "bind";
	if (bind(fd, (struct sockaddr *)&ss, len) != 0)
		return (false);
	*what = "SO_REUSEPORT";
	if (l->reuseport && l->exclusive &&
	    !set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return (false);
	return (start_listening(fd, l, what));
}

void
sock_listen_retune(int fd, bool defer_accept, unsigned user_timeout_ms)
{
	(void)set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	(void)set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, defer_accept ?
	    DEFER_S : 0);
	(void)set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
	    (int)user_timeout_ms);
}

/* The program's result is the index in the group. */
bool
sock_listen_first(int fd, bool alone)
{
	struct sock_filter first = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &first };

	if (!alone)
		return (set_int(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0));
	return (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
	    sizeof prog) == 0);
}

static bool
set_owner(const char *path, const struct sock_listen *l, const char **what)
{
	*what = "chown of the socket's path";
	if ((l->uid != -1 || l->gid != -1) &&
	    chown(path, (uid_t)l->uid, (gid_t)l->gid) != 0)
		return (false);
	*what = "chmod of the socket's path";
	return (l->mode == -1 || chmod(path, (mode_t)l->mode) == 0);
}

/*
 * Under a temporary name first: clients of the old socket are served until
 * the new one is ready, and never find a path without a listener.
 */
static bool
setup_path(int fd, const struct sock_listen *l, const char **what)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char path[sizeof(un.sun_path)];
	int n, saved;

	*what = "name of the socket (too long with a suffix)";
	errno = ENAMETOOLONG;
	if (!span_copy(path, sizeof(path), l->addr.host))
		return (false);
	n = snprintf(un.sun_path, sizeof(un.sun_path), "%s.%ld.tmp", path,
	    (long)getpid());
	if (n < 0 || (size_t)n >= sizeof(un.sun_path))
		return (false);
	*what = "removal of an old temporary path";
	if (unlink(un.sun_path) != 0 && errno != ENOENT)
		return (false);
	*what = "bind";
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) != 0)
		return (false);
	if (set_owner(un.sun_path, l, what) && start_listening(fd, l, what)) {
		*what = "rename of the socket's path";
		if (rename(un.sun_path, path) == 0)
			return (true);
	}
	saved = errno;
	unlink(un.sun_path);
	errno = saved;
	return (false);
}

static bool
setup_abstract(int fd, const struct sock_listen *l, const char **what)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_spec_to_sa(&l->addr, &ss);

	*what = "bind";
	errno = EINVAL;
	if (len == 0 || bind(fd, (struct sockaddr *)&ss, len) != 0)
		return (false);
	return (start_listening(fd, l, what));
}

/* An inherited socket is bound already and may be listening. */
static bool
setup_inherited(int fd, const struct sock_listen *l, const char **what)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	*what = "inherited file descriptor";
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 ||
	    !sock_set_nonblock(fd, true) || !sock_set_cloexec(fd, true))
		return (false);
	return (listening || start_listening(fd, l, what));
}

int
sock_netns(const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "/var/run/netns/%s", name) >=
	    (int)sizeof path) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	return (open(path, O_RDONLY | O_CLOEXEC));
}

typedef bool setup_fn(int, const struct sock_listen *, const char **);

static int
open_with(int domain, setup_fn *setup, const struct sock_listen *l,
    const char **what)
{
	int type = l->dgram ? SOCK_DGRAM : SOCK_STREAM, fd, saved, ns = -1;

	*what = "'namespace'";
	if (l->namespace != NULL && (ns = sock_netns(l->namespace)) < 0)
		return (-1);
	if (l->namespace == NULL)
		*what = "socket";
	fd = sock_make(ns + 1, domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC);
	saved = errno;
	if (ns >= 0)
		close(ns);
	errno = saved;
	if (fd < 0 || setup(fd, l, what))
		return (fd);
	saved = errno;
	close(fd);
	errno = saved;
	return (-1);
}

int
sock_listen_open(const struct sock_listen *l, const char **what)
{
	switch (l->addr.addr.family) {
	case ADDR_V4:
		return (open_with(AF_INET, setup_ip, l, what));
	case ADDR_V6:
		return (open_with(AF_INET6, setup_ip, l, what));
	case ADDR_UNIX:
		return (open_with(AF_UNIX, setup_path, l, what));
	case ADDR_ABNS:
	case ADDR_ABNSZ:
		return (open_with(AF_UNIX, setup_abstract, l, what));
	case ADDR_FD:
		return (setup_inherited(l->addr.fd, l, what) ? l->addr.fd : -1);
	default:
		*what = "listening on this kind of address (not supported "
		    "yet)";
		errno = EAFNOSUPPORT;
		return (-1);
	}
}
