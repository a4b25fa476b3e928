/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock_diag - how many listen on an address, asked of the kernel
 * (sock_diag(7)); that needs no privileges.
 */
#include <os/fd.h>
#include <os/sock.h>

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define WAIT_S 1

struct query {
	struct nlmsghdr head;
	struct inet_diag_req_v2 req;
};

/* Everything that listens on this port, of the family. */
static bool
ask(int nl, const struct addr *a)
{
	struct query q = {
		.head = { .nlmsg_len = sizeof q,
		    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = a->family == ADDR_V6 ? AF_INET6 :
		    AF_INET, .sdiag_protocol = IPPROTO_TCP,
		    .idiag_states = 1u << TCP_LISTEN }
	};
	const struct timeval tv = { WAIT_S, 0 };

	q.req.id.idiag_sport = htons(a->port);
	(void)setsockopt(nl, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	return (send(nl, &q, sizeof q, 0) == (ssize_t)sizeof q);
}

static bool
is_there(const struct nlmsghdr *h, const struct addr *a)
{
	struct inet_diag_msg m;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof m))
		return (false);
	memcpy(&m, NLMSG_DATA(h), sizeof m);
	return (ntohs(m.id.idiag_sport) == a->port &&
	    memcmp(m.id.idiag_src, a->ip, a->family == ADDR_V6 ? 16 : 4) ==
	    0);
}

/* Messages of one reply; false when it was the last one, or failed. */
static bool
count(const char *buf, size_t n, const struct addr *a, int *found)
{
	while (n >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr h;

		memcpy(&h, buf, sizeof h);
		if (h.nlmsg_len < sizeof h || h.nlmsg_len > n)
			break;
		if (h.nlmsg_type == NLMSG_DONE)
			return (false);
		if (h.nlmsg_type == NLMSG_ERROR) {
			*found = -1;
			return (false);
		}
		*found += is_there((const void *)buf, a);
		if (NLMSG_ALIGN(h.nlmsg_len) >= n)
			return (true);
		buf += NLMSG_ALIGN(h.nlmsg_len);
		n -= NLMSG_ALIGN(h.nlmsg_len);
	}
	*found = -1;
	return (false);
}

int
sock_count_listeners(int fd)
{
	static char buf[32768] __attribute__((aligned(8)));
	struct addr a;
	int nl, found = 0;
	ssize_t n;

	sock_local(fd, &a);
	if (a.family != ADDR_V4 && a.family != ADDR_V6)
		return (-1);
	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (nl < 0)
		return (-1);
	if (!ask(nl, &a))
		found = -1;
	else {
		do
			n = recv(nl, buf, sizeof buf, 0);
		while (n > 0 && count(buf, (size_t)n, &a, &found));
		if (n <= 0)
			found = -1;
	}
	fd_close(&nl);
	return (found);
}
