/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_ADDR_H
#define OS_ADDR_H
/*
 * addr - network addresses, small enough to keep in every connection, and
 * the address syntax of bind and server lines.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <base/span.h>

enum addr_family {
	ADDR_NONE = 0,
	ADDR_V4 = 4,
	ADDR_V6 = 6,
	ADDR_UNIX = 1,          /* path in addr_spec, not here */
	ADDR_ABNS = 2,          /* abstract name, padded to 107 bytes */
	ADDR_ABNSZ = 3,         /* abstract name, exact length */
	ADDR_FD = 7,            /* an inherited descriptor */
	ADDR_SOCKPAIR = 8
};

struct addr {                   /* 20 bytes */
	uint8_t family;         /* enum addr_family */
	uint8_t spare;
	uint16_t port;          /* host order */
	uint8_t ip[16];         /* v4: first four bytes */
};

/* What a configuration word names. */
struct addr_spec {
	struct addr addr;       /* family, ip, first port */
	uint16_t port_last;     /* ranges: last port; else same as port */
	bool port_given;
	bool port_offset;       /* "+n" or "-n": `offset` is added to the
	                         * client's destination port */
	int offset;
	bool any_host;          /* "*" or empty: any address of the family,
	                         * IPv4 when none was named */
	bool need_dns;          /* `host` is a name, not a number */
	bool dgram;             /* "udp@", "uxdg@", "dgram+": not a stream */
	int fd;                 /* ADDR_FD, ADDR_SOCKPAIR; else -1 */
	struct span host;       /* name or path, slice of the input */
};

/*
 * addr_parse - the address syntax of the configuration manual, 11.1 (2.6:
 * bind, server): [unix@|abns@|abnsz@|fd@|sockpair@|ipv4@|ipv6@|tcp@…]
 * HOST[:PORT[-PORT]], "*:80", ":80", "[::1]:80", "::1:80", "/path".
 *
 * Names are not resolved: need_dns is set. On error returns false and points
 * *err at a sentence (what was expected).
 */
bool addr_parse(struct span, struct addr_spec *out, const char **err);

/* addr_resolve - fill spec->addr of a need_dns spec with getaddrinfo();
 * blocking, for start-up only. */
bool addr_resolve(struct addr_spec *, const char **err);

/* addr_to_sa, addr_from_sa - to and from the kernel's form. The first returns
 * its length, 0 when the family has none. */
socklen_t addr_to_sa(const struct addr *, struct sockaddr_storage *);
void addr_from_sa(struct addr *, const struct sockaddr *, socklen_t);

/* addr_spec_to_sa - also for UNIX and abstract names. */
socklen_t addr_spec_to_sa(const struct addr_spec *, struct sockaddr_storage *);

/* addr_print - "10.0.0.1" or "2001:db8::1" ("unix" otherwise), NUL-terminated
 * in `dst`; returns its length. addr_print_port - with ":port" behind it, no
 * brackets, as in the logs of HAProxy. */
#define ADDR_TEXT 64
size_t addr_print(const struct addr *, char dst[ADDR_TEXT]);
size_t addr_print_port(const struct addr *, char dst[ADDR_TEXT]);

bool addr_eq(const struct addr *, const struct addr *);     /* with port */

/* A network "10.0.0.0/8"; a plain address is /32 or /128. */
struct addr_net {
	struct addr addr;
	uint8_t bits;
};
bool addr_net_parse(struct span, struct addr_net *);
/* addr_net_parse_short - also an IPv4 address that lacks octets of 0 before its
 * last one, as conditions may write it: "10.12/8" is 10.0.0.12/8. */
bool addr_net_parse_short(struct span, struct addr_net *);
/* addr_net_has - v4 in v6-mapped form matches v4 networks and the reverse. */
bool addr_net_has(const struct addr_net *, const struct addr *);
#endif
