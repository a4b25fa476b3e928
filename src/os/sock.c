/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock - connecting, accepting, options.
 */
#include <os/sock.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CC_NAME_MAX 17          /* TCP_CA_NAME_MAX of the kernel, and a NUL */

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

static int
start_connect(int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	if (connect(fd, (const struct sockaddr *)ss, len) == 0 ||
	    errno == EINPROGRESS || errno == EINTR)
		return (fd);
	return (give_up(fd));
}

int
sock_connect_unix(const struct addr_spec *spec)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_spec_to_sa(spec, &ss);
	int fd;

	if (len == 0 || ss.ss_family != AF_UNIX) {
		errno = EAFNOSUPPORT;
		return (-1);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (-1);
	return (start_connect(fd, &ss, len));
}

int
sock_accept(int fd, struct addr *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int got;

	if (peer == NULL)
		return (accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	got = accept4(fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (got >= 0)
		addr_from_sa(peer, (struct sockaddr *)&ss, len);
	return (got);
}

bool
sock_accept_passes(int e)
{
	return (e == EAGAIN || e == EINTR || e == ECONNABORTED || e == EPROTO);
}

int
sock_error(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		return (errno);
	return (err);
}

typedef int name_fn(int, struct sockaddr *, socklen_t *);

static void
ask_name(int fd, name_fn *ask, struct addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(a, 0, sizeof(*a));
	if (ask(fd, (struct sockaddr *)&ss, &len) == 0)
		addr_from_sa(a, (struct sockaddr *)&ss, len);
}

static int
ask_local(int fd, struct sockaddr *sa, socklen_t *len)
{
	return (getsockname(fd, sa, len));
}

static int
ask_peer(int fd, struct sockaddr *sa, socklen_t *len)
{
	return (getpeername(fd, sa, len));
}

void
sock_local(int fd, struct addr *a)
{
	ask_name(fd, ask_local, a);
}

void
sock_peer(int fd, struct addr *a)
{
	ask_name(fd, ask_peer, a);
}

bool
sock_set_nodelay(int fd, bool on)
{
	return (set_int(fd, IPPROTO_TCP, TCP_NODELAY, on));
}

bool
sock_set_keepalive(int fd, int idle_s, int intvl_s, int cnt)
{
	bool good = set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);

	if (idle_s > 0)
		good &= set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
	if (intvl_s > 0)
		good &= set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, intvl_s);
	if (cnt > 0)
		good &= set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, cnt);
	return (good);
}

bool
sock_has_bytes(int fd)
{
	int n;

	return (ioctl(fd, FIONREAD, &n) == 0 && n > 0);
}

bool
sock_has_unsent(int fd)
{
	int n;

	return (ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0);
}

bool
sock_set_nolinger(int fd)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	return (setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == 0);
}

void
sock_silence(int fd, unsigned ttl)
{
	int hops = ttl == 0 ? 1 : (int)ttl;

	/* What is not acknowledged now is sent again, and answered with a
	 * reset when nobody is here any more. */
	(void)set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
	if (ttl == 0 && set_int(fd, IPPROTO_TCP, TCP_REPAIR, 1))
		return;
	(void)set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	(void)set_int(fd, IPPROTO_IP, IP_TTL, hops);
	(void)set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
	(void)sock_set_nolinger(fd);
}

bool
sock_set_buffers(int fd, int sndbuf, int rcvbuf)
{
	bool good = true;

	if (sndbuf > 0)
		good &= set_int(fd, SOL_SOCKET, SO_SNDBUF, sndbuf);
	if (rcvbuf > 0)
		good &= set_int(fd, SOL_SOCKET, SO_RCVBUF, rcvbuf);
	return (good);
}

static bool
set_flag(int fd, int get, int set, int flag, bool on)
{
	int now = fcntl(fd, get);
	int want = on ? now | flag : now & ~flag;

	if (now < 0)
		return (false);
	return (want == now || fcntl(fd, set, want) == 0);
}

bool
sock_set_mark(int fd, uint32_t mark)
{
	return (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0);
}

bool
sock_set_tos(int fd, int tos)
{
	struct addr a;

	sock_local(fd, &a);
	if (a.family == ADDR_V6 && setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS,
	    &tos, sizeof tos) != 0)
		return (false);
	/* also of IPv4 on an IPv6 socket */
	return (setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos) == 0);
}

bool
sock_save_syn(int fd, int how)
{
	return (setsockopt(fd, IPPROTO_TCP, TCP_SAVE_SYN, &how,
	    sizeof how) == 0);
}

/* What the kernel gives a new socket; empty when it won't say. */
static const char *
usual_cc(void)
{
	static char name[CC_NAME_MAX];
	socklen_t n = sizeof name - 1;
	int fd;

	if (name[0] != '\0' ||
	    (fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return (name);
	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &n) != 0)
		name[0] = '\0';
	close(fd);
	return (name);
}

bool
sock_set_cc(int fd, const char *name)
{
	char now[CC_NAME_MAX] = "";
	socklen_t n = sizeof now - 1;

	if (name == NULL) {
		name = usual_cc();
		if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, now, &n) != 0 ||
		    strcmp(now, name) == 0)
			return (true);
	}
	return (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name,
	    (socklen_t)strlen(name)) == 0);
}

/* A key for a network of no bits is one for everybody, of either family. */
static bool
sign_family(int fd, sa_family_t family, const char *key)
{
	struct tcp_md5sig sig = { .tcpm_flags = TCP_MD5SIG_FLAG_PREFIX };
	size_t n = key == NULL ? 0 : strlen(key);

	if (n > sizeof sig.tcpm_key) {
		errno = EINVAL;
		return (false);
	}
	sig.tcpm_addr.ss_family = family;
	sig.tcpm_keylen = (uint16_t)n;
	if (n != 0)
		memcpy(sig.tcpm_key, key, n);
	return (setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &sig,
	    sizeof sig) == 0);
}

bool
sock_sign_peers(int fd, const char *key)
{
	struct addr a;

	sock_local(fd, &a);
	return (sign_family(fd, a.family == ADDR_V6 ? AF_INET6 : AF_INET, key) ||
	    (key == NULL && (errno == ENOENT || errno == ENOPROTOOPT)));
}

bool
sock_set_nonblock(int fd, bool on)
{
	return (set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on));
}

bool
sock_set_cloexec(int fd, bool on)
{
	return (set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on));
}

bool
sock_pair(int type, int fd[2])
{
	return (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fd) == 0);
}
