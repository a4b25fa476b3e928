/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_NET_H
#define BENCH_NET_H
/*
 * net - helpers of the load tools: clock, sockets, latency histogram.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static inline int64_t
now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static inline void
die(const char *what)
{
	perror(what);
	exit(1);
}

static inline void
no_delay(int fd)
{
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static inline void
raise_fd_limit(void)
{
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

static inline int
tcp_listen(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (void *)&a, sizeof(a)) || listen(fd, 4096))
		die("listen");
	return (fd);
}

/* Non-blocking connect to 127.0.0.1:port.  src_slot spreads the client ports
 * over 127.0.1.1..127.0.1.16, or is negative to let the kernel choose. */
static inline int
tcp_connect(int port, int src_slot)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return (-1);
	if (src_slot >= 0) {
		struct sockaddr_in s = { .sin_family = AF_INET };
		int one = 1;
		s.sin_addr.s_addr = htonl(0x7f000101 + src_slot % 16);
		setsockopt(
		    fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		if (bind(fd, (void *)&s, sizeof(s)))
			die("bind");
	}
	no_delay(fd);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (void *)&a, sizeof(a)) && errno != EINPROGRESS) {
		close(fd);
		return (-1);
	}
	return (fd);
}

/* Latency histogram: 1 us slots up to 100 ms, then 1 ms slots up to 100 s. */
struct hist {
	uint32_t us[100000], ms[100000];
	uint64_t n, sum, max;
};

static inline void
hist_add(struct hist *h, int64_t us)
{
	if (us < 0)
		us = 0;
	if (us < 100000)
		h->us[us]++;
	else
		h->ms[us / 1000 < 100000 ? us / 1000 : 99999]++;
	h->n++;
	h->sum += us;
	if ((uint64_t)us > h->max)
		h->max = us;
}

static inline int64_t
hist_q(const struct hist *h, double q)
{
	uint64_t want = (uint64_t)(q * h->n), seen = 0;
	for (int i = 0; i < 100000; i++)
		if ((seen += h->us[i]) > want)
			return (i);
	for (int i = 0; i < 100000; i++)
		if ((seen += h->ms[i]) > want)
			return (int64_t)i * 1000;
	return (h->max);
}
#endif
