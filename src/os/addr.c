/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr - addresses: to and from the kernel, text, networks.
 */
#include <base/must.h>
#include <base/num.h>
#include <os/addr.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>

static const uint8_t mapped_head[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

socklen_t
addr_to_sa(const struct addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	switch (a->family) {
	case ADDR_V4:
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return (sizeof(*in));
	case ADDR_V6:
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		memcpy(&in6->sin6_addr, a->ip, 16);
		return (sizeof(*in6));
	default:
		return (0);
	}
}

static void
from_un(struct addr *a, const struct sockaddr_un *un, socklen_t len)
{
	bool is_abstract = len > offsetof(struct sockaddr_un, sun_path) &&
	    un->sun_path[0] == '\0';

	if (!is_abstract)
		a->family = ADDR_UNIX;
	else
		a->family = len >= sizeof(*un) ? ADDR_ABNS : ADDR_ABNSZ;
}

void
addr_from_sa(struct addr *a, const struct sockaddr *sa, socklen_t len)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	memset(a, 0, sizeof(*a));
	if (len < (socklen_t)sizeof(sa->sa_family))
		return;
	if (sa->sa_family == AF_INET && len >= sizeof(*in)) {
		a->family = ADDR_V4;
		a->port = ntohs(in->sin_port);
		memcpy(a->ip, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6 && len >= sizeof(*in6)) {
		a->family = ADDR_V6;
		a->port = ntohs(in6->sin6_port);
		memcpy(a->ip, &in6->sin6_addr, 16);
	} else if (sa->sa_family == AF_UNIX) {
		from_un(a, (const void *)sa, len);
	}
}

/* unix(7): a path ends with NUL; an abstract name begins with one, and all
 * bytes up to the given length count. */
socklen_t
addr_spec_to_sa(const struct addr_spec *spec, struct sockaddr_storage *ss)
{
	struct sockaddr_un *un = (struct sockaddr_un *)ss;
	socklen_t head = offsetof(struct sockaddr_un, sun_path);
	unsigned family = spec->addr.family;

	if (family != ADDR_UNIX && family != ADDR_ABNS && family != ADDR_ABNSZ)
		return (addr_to_sa(&spec->addr, ss));
	memset(ss, 0, sizeof(*ss));
	if (spec->host.n == 0 || spec->host.n > sizeof(un->sun_path) - 1)
		return (0);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path + (family == ADDR_UNIX ? 0 : 1), spec->host.p,
	    spec->host.n);
	if (family == ADDR_ABNS)
		return (sizeof(*un));
	return (head + (socklen_t)spec->host.n + 1);
}

bool
addr_resolve(struct addr_spec *spec, const char **err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	uint16_t port = spec->addr.port;
	char host[256];
	int r;

	if (!spec->need_dns)
		return (true);
	if (!span_copy(host, sizeof(host), spec->host)) {
		*err = "host name longer than 255 characters";
		return (false);
	}
	hints.ai_family = spec->addr.family == ADDR_V4 ? AF_INET :
	    spec->addr.family == ADDR_V6 ? AF_INET6 : AF_UNSPEC;
	r = getaddrinfo(host, NULL, &hints, &found);
	if (r != 0) {
		*err = gai_strerror(r);
		return (false);
	}
	addr_from_sa(&spec->addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	spec->addr.port = port;
	spec->need_dns = false;
	return (true);
}

static size_t
print_v4(const uint8_t *ip, char *dst)
{
	static char text[256][4];       /* "0.", … "255."; filled once */
	char *p = dst;

	if (__builtin_expect(text[0][0] == '\0', 0))
		for (unsigned v = 0; v < 256; v++)
			text[v][num_put(text[v], v)] = '.';
	for (int i = 0; i < 4; i++) {
		memcpy(p, text[ip[i]], 4);
		p += 2 + (ip[i] >= 10) + (ip[i] >= 100);
	}
	return ((size_t)(p - dst) - 1);
}

size_t
addr_print(const struct addr *a, char dst[ADDR_TEXT])
{
	size_t n = 0;

	switch (a->family) {
	case ADDR_V4:
		n = print_v4(a->ip, dst);
		break;
	case ADDR_V6:
		MUST(inet_ntop(AF_INET6, a->ip, dst, ADDR_TEXT) != NULL);
		return (strlen(dst));
	default:
		n = 4;
		memcpy(dst, "unix", n);
	}
	dst[n] = '\0';
	return (n);
}

size_t
addr_print_port(const struct addr *a, char dst[ADDR_TEXT])
{
	size_t n = addr_print(a, dst);

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return (n);
	dst[n++] = ':';
	n += num_put(dst + n, a->port);
	dst[n] = '\0';
	return (n);
}

static size_t
ip_bytes(const struct addr *a)
{
	return (a->family == ADDR_V4 ? 4 : a->family == ADDR_V6 ? 16 : 0);
}

bool
addr_eq(const struct addr *a, const struct addr *b)
{
	return (a->family == b->family && a->port == b->port &&
	    memcmp(a->ip, b->ip, ip_bytes(a)) == 0);
}

static bool
ip_parse(struct span s, struct addr *a)
{
	char text[ADDR_TEXT];

	memset(a, 0, sizeof(*a));
	if (!span_copy(text, sizeof(text), s) || strlen(text) != s.n)
		return (false);
	if (inet_pton(AF_INET, text, a->ip) == 1)
		a->family = ADDR_V4;
	else if (inet_pton(AF_INET6, text, a->ip) == 1)
		a->family = ADDR_V6;
	return (a->family != ADDR_NONE);
}

/* "255.255.0.0" as a number of bits; only ones followed by zeros will do. */
static bool
mask_bits(struct span s, uint64_t *bits)
{
	struct addr mask;
	uint32_t m;

	if (!ip_parse(s, &mask) || mask.family != ADDR_V4)
		return (false);
	m = (uint32_t)mask.ip[0] << 24 | (uint32_t)mask.ip[1] << 16 |
	    (uint32_t)mask.ip[2] << 8 | mask.ip[3];
	*bits = m == 0 ? 0 : 32 - (unsigned)__builtin_ctz(m);
	return ((uint64_t)m == ((1ull << 32) - (1ull << (32 - *bits))));
}

bool
addr_net_parse(struct span s, struct addr_net *net)
{
	ptrdiff_t slash = span_find(s, '/');
	struct span ip = slash < 0 ? s : span_of(s.p, (size_t)slash);
	struct span mask;
	uint64_t bits;

	if (!ip_parse(ip, &net->addr))
		return (false);
	net->bits = (uint8_t)(8 * ip_bytes(&net->addr));
	if (slash < 0)
		return (true);
	mask = span_skip(s, (size_t)slash + 1);
	if (!num_u64(mask, &bits) &&
	    !(net->addr.family == ADDR_V4 && mask_bits(mask, &bits)))
		return (false);
	if (bits > net->bits)
		return (false);
	net->bits = (uint8_t)bits;
	return (true);
}

bool
addr_net_parse_short(struct span s, struct addr_net *net)
{
	static const char *const zeros[] = { "0.0.0.", ".0.0.", ".0." };
	ptrdiff_t slash = span_find(s, '/'), dot;
	struct span ip = slash < 0 ? s : span_of(s.p, (size_t)slash);
	char full[ADDR_TEXT];
	unsigned dots = 0;

	if (addr_net_parse(s, net))
		return (true);
	for (size_t i = 0; i < ip.n; i++)
		dots += ip.p[i] == '.';
	if (ip.n == 0 || dots > 2 || s.n >= ADDR_TEXT / 2)
		return (false);
	dot = span_rfind(ip, '.');      /* -1: the last octet is all there is */
	snprintf(full, sizeof full, "%.*s%s%.*s", dot < 0 ? 0 : (int)dot,
	    ip.p, zeros[dots], (int)(s.n - (size_t)(dot + 1)),
	    s.p + dot + 1);
	return (addr_net_parse(span_str(full), net));
}

static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (bytes > 0 && memcmp(a, b, bytes) != 0)
		return (false);
	return (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

bool
addr_net_has(const struct addr_net *net, const struct addr *a)
{
	uint8_t mapped[16];

	if (a->family == net->addr.family)
		return (ip_bytes(a) > 0 &&
		    same_bits(net->addr.ip, a->ip, net->bits));
	if (net->addr.family == ADDR_V4 && a->family == ADDR_V6)
		return (memcmp(a->ip, mapped_head, 12) == 0 &&
		    same_bits(net->addr.ip, a->ip + 12, net->bits));
	if (net->addr.family == ADDR_V6 && a->family == ADDR_V4) {
		memcpy(mapped, mapped_head, 12);
		memcpy(mapped + 12, a->ip, 4);
		return (same_bits(net->addr.ip, mapped, net->bits));
	}
	return (false);
}
