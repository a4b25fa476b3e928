/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr_parse_test - address words. Rows marked (H) were tried with
 * "haproxy -c" 2.6, which takes and refuses the same.
 */
#include <base/test.h>

#include "../addr_parse.c"

#define ANY 1
#define DNS 2
#define PORT 4
#define OFF 8
#define DGRAM 16

TEST(accepted)
{
	static const struct {
		const char *in;
		int family, flags, port, last, offset;
		const char *host, *ip;
	} rows[] = {
		/* (H) */
		{ "1.2.3.4:80", ADDR_V4, PORT, 80, 80, 0, "1.2.3.4",
		    "1.2.3.4" },
		{ "1.2.3.4:80-90", ADDR_V4, PORT, 80, 90, 0, "1.2.3.4",
		    "1.2.3.4" },
		{ "1.2.3.4", ADDR_V4, 0, 0, 0, 0, "1.2.3.4", "1.2.3.4" },
		{ "1.2.3.4:", ADDR_V4, 0, 0, 0, 0, "1.2.3.4", "1.2.3.4" },
		{ "1.2.3.4:0", ADDR_V4, PORT, 0, 0, 0, "1.2.3.4", "1.2.3.4" },
		{ "1.2.3.4:080", ADDR_V4, PORT, 80, 80, 0, "1.2.3.4",
		    "1.2.3.4" },
		{ "1.2.3.4:65535", ADDR_V4, PORT, 65535, 65535, 0, "1.2.3.4",
		    "1.2.3.4" },
		{ "1.2.3.4:+80", ADDR_V4, PORT | OFF, 0, 0, 80, "1.2.3.4",
		    "1.2.3.4" },
		{ "1.2.3.4:-80", ADDR_V4, PORT | OFF, 0, 0, -80, "1.2.3.4",
		    "1.2.3.4" },
		{ "1.2.3.4:+0", ADDR_V4, PORT | OFF, 0, 0, 0, "1.2.3.4",
		    "1.2.3.4" },
		{ "::1:80", ADDR_V6, PORT, 80, 80, 0, "::1", "::1" },
		{ ":::80", ADDR_V6, PORT, 80, 80, 0, "::", "::" },
		{ "[::1]:80", ADDR_V6, PORT, 80, 80, 0, "[::1]", "::1" },
		{ "[::1]", ADDR_V6, 0, 0, 0, 0, "[::1]", "::1" },
		{ "[1.2.3.4]:80", ADDR_V4, PORT, 80, 80, 0, "[1.2.3.4]",
		    "1.2.3.4" },
		{ "fe80::1:2:3:4:5:6", ADDR_V6, PORT, 6, 6, 0,
		    "fe80::1:2:3:4:5", "fe80::1:2:3:4:5" },
		{ "::ffff:1.2.3.4:80", ADDR_V6, PORT, 80, 80, 0,
		    "::ffff:1.2.3.4", "::ffff:1.2.3.4" },
		{ ":80", ADDR_V4, PORT | ANY, 80, 80, 0, "", "0.0.0.0" },
		{ "*:80", ADDR_V4, PORT | ANY, 80, 80, 0, "*", "0.0.0.0" },
		{ "*", ADDR_V4, ANY, 0, 0, 0, "*", "0.0.0.0" },
		{ "ipv4@:80", ADDR_V4, PORT | ANY, 80, 80, 0, "", "0.0.0.0" },
		{ "ipv6@:80", ADDR_V6, PORT | ANY, 80, 80, 0, "", "::" },
		{ "ipv6@*:80", ADDR_V6, PORT | ANY, 80, 80, 0, "*", "::" },
		{ "ipv6@", ADDR_V6, ANY, 0, 0, 0, "", "::" },
		{ "tcp@1.2.3.4:80", ADDR_V4, PORT, 80, 80, 0, "1.2.3.4",
		    "1.2.3.4" },
		{ "tcp4@1.2.3.4:80", ADDR_V4, PORT, 80, 80, 0, "1.2.3.4",
		    "1.2.3.4" },
		{ "tcp6@::1:80", ADDR_V6, PORT, 80, 80, 0, "::1", "::1" },
		{ "stream+ipv4@1.2.3.4:80", ADDR_V4, PORT, 80, 80, 0,
		    "1.2.3.4", "1.2.3.4" },
		{ "udp@1.2.3.4:514", ADDR_V4, PORT | DGRAM, 514, 514, 0,
		    "1.2.3.4", "1.2.3.4" },
		{ "dgram+ip@1.2.3.4:514", ADDR_V4, PORT | DGRAM, 514, 514, 0,
		    "1.2.3.4", "1.2.3.4" },
		{ "localhost:80", ADDR_NONE, PORT | DNS, 80, 80, 0,
		    "localhost", NULL },
		{ "10:80", ADDR_NONE, PORT | DNS, 80, 80, 0, "10", NULL },
		{ "ipv6@a_b.example", ADDR_V6, DNS, 0, 0, 0, "a_b.example",
		    NULL },
		{ "/tmp/x", ADDR_UNIX, 0, 0, 0, 0, "/tmp/x", NULL },
		{ "/x:80", ADDR_UNIX, 0, 0, 0, 0, "/x:80", NULL },
		{ "unix@tmp/z", ADDR_UNIX, 0, 0, 0, 0, "tmp/z", NULL },
		{ "abns@foo", ADDR_ABNS, 0, 0, 0, 0, "foo", NULL },
		/* later versions */
		{ "abnsz@foo", ADDR_ABNSZ, 0, 0, 0, 0, "foo", NULL },
		{ "uxdg@/dev/log", ADDR_UNIX, DGRAM, 0, 0, 0, "/dev/log",
		    NULL },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct addr_spec a;
		const char *err = NULL;
		char text[ADDR_TEXT];
		int flags;

		if (!CHECK(addr_parse(span_str(rows[i].in), &a, &err))) {
			printf("row '%s': %s\n", rows[i].in, err);
			continue;
		}
		flags = (a.any_host ? ANY : 0) | (a.need_dns ? DNS : 0) |
		    (a.port_given ? PORT : 0) | (a.port_offset ? OFF : 0) |
		    (a.dgram ? DGRAM : 0);
		if (CHECK_EQ(flags, rows[i].flags) +
		    CHECK_EQ(a.addr.family, rows[i].family) +
		    CHECK_EQ(a.addr.port, rows[i].port) +
		    CHECK_EQ(a.port_last, rows[i].last) +
		    CHECK_EQ(a.offset, rows[i].offset) +
		    CHECK_MEM(a.host.p, a.host.n, rows[i].host,
		    strlen(rows[i].host)) < 6)
			printf("row '%s'\n", rows[i].in);
		if (rows[i].ip != NULL) {
			addr_print(&a.addr, text);
			CHECK_STR(text, rows[i].ip);
		}
	}
}

TEST(refused)
{
	static const struct {
		const char *in, *word;
	} rows[] = {
		{ "", "expected" },
		{ "::", "brackets" },                           /* (H) */
		{ "::1", "brackets" },                          /* (H) */
		{ "[::1", "brackets" },                         /* (H) */
		{ "[::1]80", "brackets" },                      /* (H) */
		{ "[fe80::1%eth0]:80", "brackets" },            /* (H) */
		{ "ipv6@1.2.3.4:80", "IPv6" },                  /* (H) */
		{ "ipv4@[::1]:80", "IPv4" },                    /* (H) */
		{ "ipv4@::1:80", "IPv4" },
		{ "1.2.3.4:x", "invalid character in port" },   /* (H) */
		{ "1.2.3.4:80x", "invalid character in port" },
		{ "1.2.3.4:+x", "invalid character in port" },
		{ "1.2.3.4:+", "invalid port" },
		{ "1.2.3.4:80-", "invalid port" },
		{ "1.2.3.4:65536", "0 to 65535" },              /* (H) */
		{ "1.2.3.4:99999999999999999999", "0 to 65535" },
		{ "1.2.3.4:80-70", "range" },                   /* (H) */
		{ "1.2.3.4:80-70000", "0 to 65535" },
		{ "@1.2.3.4", "host name" },                    /* (H) */
		{ "xyz@1.2.3.4:80", "host name" },              /* (H) */
		{ "a b:80", "host name" },
		{ "*4:80", "host name" },                       /* (H) */
		{ "fd@x", "integer" },                          /* (H) */
		{ "fd@", "integer" },
		{ "fd@-1", "integer" },
		{ "sockpair@99999999999", "integer" },
		{ "unix@", "name was expected" },
		{ "abns@", "name was expected" },
		{ "quic4@1.2.3.4:80", "QUIC" },                 /* (H) */
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct addr_spec a;
		const char *err = "";

		if (CHECK(!addr_parse(span_str(rows[i].in), &a, &err)) +
		    CHECK(strstr(err, rows[i].word) != NULL) < 2)
			printf("row '%s': %s\n", rows[i].in, err);
	}
}

TEST(descriptors_and_names_at_their_limits)
{
	struct addr_spec a;
	const char *err = NULL;
	char path[120];

	CHECK(addr_parse(SPAN("fd@3"), &a, &err));
	CHECK_EQ(a.addr.family, ADDR_FD);
	CHECK_EQ(a.fd, 3);
	CHECK(addr_parse(SPAN("sockpair@2147483647"), &a, &err));
	CHECK_EQ(a.fd, 2147483647);
	CHECK(addr_parse(SPAN(":80"), &a, &err));
	CHECK_EQ(a.fd, -1);
	memset(path, '/', sizeof(path));
	CHECK(addr_parse(span_of(path, 107), &a, &err));
	CHECK(!addr_parse(span_of(path, 108), &a, &err));
	CHECK(strstr(err, "107") != NULL);
	CHECK(!addr_parse(SPAN("/a\0b"), &a, &err));
	CHECK(!addr_parse(SPAN("1.2.3.4\0:80"), &a, &err));
}

/* With the family before it, the same is read the long way. */
TEST(usual_addresses_are_read_as_all_others)
{
	static const char *const rows[] = {
		"10.0.0.1:8080", "0.0.0.0:1", "255.255.255.255:65535",
		"1.2.3.4:0", "1.2.3.4:080", "1.2.3.4:65536", "1.2.3.4:99999999",
		"1.2.3.4:80x", "1.2.3.4:", "1.2.3.4", "1.2.3:80", "1.2.3.4.5:80",
		"256.2.3.4:80", "01.2.3.4:80", "1.2.3.04:80", "1..3.4:80",
		"1.2.3.4 :80", ".2.3.4:80", "1.2.3.4444444444:80", "1.2.3.4:80:90",
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct addr_spec one, other;
		const char *why[2] = { "", "" };
		char z[80];
		bool good;

		snprintf(z, sizeof z, "ip@%s", rows[i]);
		good = addr_parse(span_str(rows[i]), &one, &why[0]);
		CHECK_EQ(addr_parse(span_str(z), &other, &why[1]), good);
		CHECK_STR(why[0], why[1]);
		if (!good)
			continue;
		CHECK_MEM(one.host.p, one.host.n, other.host.p, other.host.n);
		one.host = other.host;
		CHECK_MEM((const char *)&one, sizeof one,
		    (const char *)&other, sizeof other);
	}
}
