/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr_parse - the address words of a configuration.
 *
 * Source: configuration manual 11, and what "haproxy -c" says to the rows of
 * addr_parse_test.c: the port stands behind the last colon, whatever came
 * before it.
 */
#include <base/must.h>
#include <base/num.h>
#include <os/addr.h>

#include <arpa/inet.h>

#define PORT_MAX 65535

enum prefix_flag {
	F_DGRAM = 1,
	F_IP = 2,               /* a host and port follow */
	F_REFUSE = 4
};

static const struct prefix {
	const char *name;
	uint8_t family;
	uint8_t flags;
} prefixes[] = {
	{ "unix@", ADDR_UNIX, 0 },
	{ "uxst@", ADDR_UNIX, 0 },
	{ "uxdg@", ADDR_UNIX, F_DGRAM },
	{ "abns@", ADDR_ABNS, 0 },
	{ "abnsz@", ADDR_ABNSZ, 0 },
	{ "fd@", ADDR_FD, 0 },
	{ "sockpair@", ADDR_SOCKPAIR, 0 },
	{ "ip@", ADDR_NONE, F_IP },
	{ "ipv4@", ADDR_V4, F_IP },
	{ "ipv6@", ADDR_V6, F_IP },
	{ "tcp@", ADDR_NONE, F_IP },
	{ "tcp4@", ADDR_V4, F_IP },
	{ "tcp6@", ADDR_V6, F_IP },
	{ "udp@", ADDR_NONE, F_IP | F_DGRAM },
	{ "udp4@", ADDR_V4, F_IP | F_DGRAM },
	{ "udp6@", ADDR_V6, F_IP | F_DGRAM },
	{ "quic4@", ADDR_V4, F_REFUSE },
	{ "quic6@", ADDR_V6, F_REFUSE },
};

static const struct prefix bare_host = { "", ADDR_NONE, F_IP };
static const struct prefix bare_path = { "", ADDR_UNIX, 0 };

/* Take "stream+", "dgram+" and the family off the front of `*s`. */
static const struct prefix *
take_prefix(struct span *s, bool *dgram)
{
	const struct prefix *found = NULL;

	if (span_begins(*s, SPAN("stream+"))) {
		*s = span_skip(*s, 7);
	} else if (span_begins(*s, SPAN("dgram+"))) {
		*s = span_skip(*s, 6);
		*dgram = true;
	}
	for (size_t i = 0; i < NELEM(prefixes) && found == NULL &&
	    span_find(*s, '@') >= 0; i++)
		if (span_begins(*s, span_str(prefixes[i].name)))
			found = &prefixes[i];
	if (found == NULL)
		return (s->n > 0 && s->p[0] == '/' ? &bare_path : &bare_host);
	*s = span_skip(*s, strlen(found->name));
	if (found->flags & F_DGRAM)
		*dgram = true;
	return (found);
}

static bool
fail(const char **err, const char *why)
{
	*err = why;
	return (false);
}

static bool
parse_name(struct span s, struct addr_spec *out, const char **err)
{
	struct sockaddr_un un;

	if (s.n == 0)
		return (fail(err, "a socket name was expected"));
	if (s.n > sizeof(un.sun_path) - 1)
		return (fail(err, "socket name longer than 107 characters"));
	if (out->addr.family == ADDR_UNIX && span_find(s, '\0') >= 0)
		return (fail(err, "NUL in the path of a socket"));
	out->host = s;
	return (true);
}

static bool
parse_fd(struct span s, struct addr_spec *out, const char **err)
{
	uint64_t n;

	if (!num_u64(s, &n) || n > INT32_MAX)
		return (fail(err, "file descriptor is not a valid integer"));
	out->fd = (int)n;
	out->host = s;
	return (true);
}

static bool
parse_port(struct span s, uint16_t *port, const char **err)
{
	uint64_t n;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return (fail(err, "invalid character in port number"));
	if (!num_u64(s, &n) || n > PORT_MAX)
		return (fail(err, "invalid port, expected 0 to 65535"));
	*port = (uint16_t)n;
	return (true);
}

static bool
parse_ports(struct span s, struct addr_spec *out, const char **err)
{
	ptrdiff_t dash = span_find(s, '-');
	uint16_t port;

	out->port_given = true;
	if (s.p[0] == '+' || s.p[0] == '-') {
		if (!parse_port(span_skip(s, 1), &port, err))
			return (false);
		out->port_offset = true;
		out->offset = s.p[0] == '-' ? -(int)port : port;
		return (true);
	}
	if (dash < 0) {
		if (!parse_port(s, &out->addr.port, err))
			return (false);
		out->port_last = out->addr.port;
		return (true);
	}
	if (!parse_port(span_of(s.p, (size_t)dash), &out->addr.port, err) ||
	    !parse_port(span_skip(s, (size_t)dash + 1), &out->port_last, err))
		return (false);
	if (out->port_last < out->addr.port)
		return (fail(err, "invalid port range, the first port is "
		    "above the last"));
	return (true);
}

/* Try `s` as a number of the family that is wanted, or any. */
static bool
parse_ip(struct span s, uint8_t wanted, struct addr *a)
{
	char text[ADDR_TEXT];

	if (!span_copy(text, sizeof(text), s) || strlen(text) != s.n)
		return (false);
	if (wanted != ADDR_V6 && inet_pton(AF_INET, text, a->ip) == 1)
		a->family = ADDR_V4;
	else if (wanted != ADDR_V4 && inet_pton(AF_INET6, text, a->ip) == 1)
		a->family = ADDR_V6;
	else
		return (false);
	return (true);
}

/* What may be looked up: letters, digits, "-", "_" and "."; "10.1" too, which
 * the resolver reads as inet_aton(3) does. */
static bool
is_host_name(struct span s)
{
	if (s.n == 0 || s.n > 253)
		return (false);
	for (size_t i = 0; i < s.n; i++) {
		char c = span_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && c != '.')
			return (false);
	}
	return (true);
}

static bool
parse_host(struct span s, struct addr_spec *out, const char **err)
{
	uint8_t wanted = out->addr.family;
	struct addr ip;

	out->host = s;
	if (s.n == 0 || span_is(s, "*")) {
		out->any_host = true;
		if (wanted == ADDR_NONE)
			out->addr.family = ADDR_V4;
		return (true);
	}
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']') {
		s = span_of(s.p + 1, s.n - 2);
		if (wanted == ADDR_V4)
			return (fail(err, "an IPv4 address was expected"));
	}
	memset(&ip, 0, sizeof(ip));
	if (parse_ip(s, wanted, &ip)) {
		ip.port = out->addr.port;
		out->addr = ip;
		return (true);
	}
	if (span_find(s, ':') >= 0)
		return (fail(err, wanted == ADDR_V4 ?
		    "an IPv4 address was expected" :
		    "invalid IPv6 address; without a port it is written "
		    "in brackets, as in [::1]"));
	if (parse_ip(s, ADDR_NONE, &ip))
		return (fail(err, wanted == ADDR_V4 ?
		    "an IPv4 address was expected" :
		    "an IPv6 address was expected"));
	if (!is_host_name(s))
		return (fail(err, "invalid address, expected a number, a host "
		    "name or '*'"));
	out->host = s;
	out->need_dns = true;
	return (true);
}

/* "HOST:PORTS": the last colon, unless it is inside of brackets. */
static bool
parse_host_port(struct span s, struct addr_spec *out, const char **err)
{
	ptrdiff_t colon = span_rfind(s, ':'), bracket = span_rfind(s, ']');
	struct span host = s;

	if (colon >= 0 && colon > bracket) {
		struct span ports = span_skip(s, (size_t)colon + 1);

		host = span_of(s.p, (size_t)colon);
		if (ports.n > 0 && !parse_ports(ports, out, err))
			return (false);
	}
	return (parse_host(host, out, err));
}

/* A number without a sign or a zero in front, up to `most`, off `*s`. */
static bool
take_number(struct span *s, unsigned most, unsigned *out)
{
	size_t i = 0;
	unsigned n = 0;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9' && n <= most; i++)
		n = n * 10 + (unsigned)(s->p[i] - '0');
	if (i == 0 || n > most || (s->p[0] == '0' && i > 1))
		return (false);
	*s = span_skip(*s, i);
	*out = n;
	return (true);
}

static bool
take_byte(struct span *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return (false);
	*s = span_skip(*s, 1);
	return (true);
}

/* "10.0.0.1:8080", which is what most lines of a large configuration have.
 * False: it is something else, and nothing is said of it. */
static bool
parse_usual(struct span s, struct addr_spec *out)
{
	struct span rest = s;
	unsigned n, port;

	for (int i = 0; i < 4; i++) {
		if ((i > 0 && !take_byte(&rest, '.')) ||
		    !take_number(&rest, 255, &n))
			return (false);
		out->addr.ip[i] = (uint8_t)n;
	}
	out->host = span_of(s.p, s.n - rest.n);
	if (!take_byte(&rest, ':') || !take_number(&rest, PORT_MAX, &port) ||
	    rest.n > 0)
		return (false);
	out->addr.family = ADDR_V4;
	out->addr.port = out->port_last = (uint16_t)port;
	out->port_given = true;
	return (true);
}

bool
addr_parse(struct span s, struct addr_spec *out, const char **err)
{
	const struct prefix *pre;

	memset(out, 0, sizeof(*out));
	out->fd = -1;
	if (parse_usual(s, out))
		return (true);
	memset(&out->addr, 0, sizeof out->addr);
	if (s.n == 0)
		return (fail(err, "an address was expected"));
	pre = take_prefix(&s, &out->dgram);
	out->addr.family = pre->family;
	if (pre->flags & F_REFUSE)
		return (fail(err, "QUIC addresses are not supported yet"));
	if (pre->flags & F_IP)
		return (parse_host_port(s, out, err));
	if (pre->family == ADDR_FD || pre->family == ADDR_SOCKPAIR)
		return (parse_fd(s, out, err));
	return (parse_name(s, out, err));
}
