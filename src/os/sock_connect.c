/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock_connect - connections to IP addresses, from where and how it was said.
 */
#include <os/sock.h>

#include <base/must.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static bool
set_int(int fd, int level, int option, int value)
{
	return (setsockopt(fd, level, option, &value, sizeof(value)) == 0);
}

/* Close without losing the errno that is about to be reported. */
static int
give_up(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return (-1);
}

static bool
set_foreign(int fd, uint8_t family)
{
	if (family == ADDR_V6)
		return (set_int(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1));
	return (set_int(fd, IPPROTO_IP, IP_TRANSPARENT, 1));
}

/* With a source address, the choice of its port is left to connect(), which
 * knows the other end: more than 64k connections from one address. */
static bool
bind_source(int fd, const struct addr *src)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sa(src, &ss);

	if (len == 0) {
		errno = EAFNOSUPPORT;
		return (false);
	}
	if (src->port == 0)
		set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	else
		set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	return (bind(fd, (struct sockaddr *)&ss, len) == 0);
}

static void
set_marks(int fd, const struct sock_marks *m)
{
	if (m->set & SOCK_MARK)
		(void)sock_set_mark(fd, m->mark);
	if (m->set & SOCK_TOS)
		(void)sock_set_tos(fd, m->tos);
}

static bool
set_md5(int fd, const struct sockaddr_storage *peer, const char *key)
{
	struct tcp_md5sig sig = { .tcpm_addr = *peer };
	size_t n = strlen(key);

	if (n > sizeof(sig.tcpm_key)) {
		errno = EINVAL;
		return (false);
	}
	sig.tcpm_keylen = (uint16_t)n;
	memcpy(sig.tcpm_key, key, n);
	return (setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig,
	    sizeof(sig)) == 0);
}

/* Options that few ask for. */
static bool
set_rare(int fd, const struct sock_way *w, const struct sockaddr_storage *dst)
{
	if (w->interface != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE,
	    w->interface, (socklen_t)strlen(w->interface) + 1) != 0)
		return (false);
	if (w->foreign && !set_foreign(fd, w->src->family))
		return (false);
	if (w->md5_key != NULL && !set_md5(fd, dst, w->md5_key))
		return (false);
	if (w->cc != NULL)
		(void)sock_set_cc(fd, w->cc);
	if (w->user_timeout_ms != 0 && !set_int(fd, IPPROTO_TCP,
	    TCP_USER_TIMEOUT, (int)w->user_timeout_ms))
		return (false);
	if (w->tfo && !set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1))
		return (false);
	(void)sock_set_buffers(fd, w->sndbuf, w->rcvbuf);
	if (w->notsent_lowat > 0)
		(void)sock_set_lowat(fd, w->notsent_lowat);
	return (true);
}

/* A socket belongs to the namespace in which it was made. */
int
sock_make(int netns, int family, int type)
{
	int fd = -1, saved, home;

	if (netns == 0)
		return (socket(family, type, 0));
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return (-1);
	if (setns(netns - 1, CLONE_NEWNET) == 0) {
		fd = socket(family, type, 0);
		saved = errno;
		if (setns(home, CLONE_NEWNET) != 0 && fd >= 0)
			MUST(!"back in the own network namespace");
		errno = saved;
	}
	saved = errno;
	close(home);
	errno = saved;
	return (fd);
}

int
sock_connect_way(const struct addr *dst, const struct sock_way *w)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sa(dst, &ss);
	int fd;

	if (len == 0) {
		errno = EAFNOSUPPORT;
		return (-1);
	}
	if ((fd = sock_make(w->netns, ss.ss_family, SOCK_STREAM |
	    SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
		return (-1);
	if (!sock_set_nodelay(fd, true) || !set_rare(fd, w, &ss) ||
	    (w->src != NULL && !bind_source(fd, w->src)))
		return (give_up(fd));
	if (w->marks != NULL)
		set_marks(fd, w->marks);
	if (w->late_ack)
		sock_late_ack(fd, true);
	if (connect(fd, (struct sockaddr *)&ss, len) == 0 ||
	    errno == EINPROGRESS || errno == EINTR)
		return (fd);
	return (give_up(fd));
}

int
sock_connect(const struct addr *dst, const struct addr *src)
{
	return (sock_connect_way(dst, &(struct sock_way){ .src = src }));
}

int
sock_connect_marked(const struct addr *dst, const struct addr *src,
    const struct sock_marks *marks)
{
	return (sock_connect_way(dst, &(struct sock_way){ .src = src,
	    .marks = marks }));
}

int
sock_probe(const struct addr *dst, const struct addr *src)
{
	return (sock_connect_way(dst, &(struct sock_way){ .src = src,
	    .late_ack = true }));
}

void
sock_late_ack(int fd, bool late)
{
	(void)set_int(fd, IPPROTO_TCP, TCP_QUICKACK, !late);
}

bool
sock_set_lowat(int fd, int bytes)
{
	return (set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, bytes));
}
