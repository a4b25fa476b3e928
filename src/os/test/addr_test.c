/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr_test - addresses to and from the kernel and as text; networks.
 */
#include <base/test.h>

#include "../addr.c"

static struct addr
make(const char *text, uint16_t port)
{
	struct addr a;

	CHECK(ip_parse(span_str(text), &a));
	a.port = port;
	return (a);
}

TEST(there_and_back)
{
	static const char *const rows[] = {
		"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1",
		"2001:db8::1", "::ffff:1.2.3.4",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct addr a = make(rows[i], 65535), b;
		struct sockaddr_storage ss;
		socklen_t len = addr_to_sa(&a, &ss);
		char text[ADDR_TEXT], want[ADDR_TEXT];

		CHECK(len > 0);
		addr_from_sa(&b, (struct sockaddr *)&ss, len);
		CHECK(addr_eq(&a, &b));
		b.port--;
		CHECK(!addr_eq(&a, &b));
		CHECK_EQ(addr_print(&a, text), strlen(rows[i]));
		CHECK_STR(text, rows[i]);
		snprintf(want, sizeof(want), "%s:65535", rows[i]);
		CHECK_EQ(addr_print_port(&a, text), strlen(want));
		CHECK_STR(text, want);
		addr_from_sa(&b, (struct sockaddr *)&ss, len - 1);
		CHECK_EQ(b.family, ADDR_NONE);
	}
	CHECK_EQ(sizeof(struct addr), 20);
}

TEST(unix_names)
{
	struct addr_spec spec = { .host = SPAN("name") };
	struct sockaddr_storage ss;
	struct sockaddr_un *un = (void *)&ss;
	size_t head = offsetof(struct sockaddr_un, sun_path);
	struct addr a;
	char text[ADDR_TEXT];

	spec.addr.family = ADDR_UNIX;
	CHECK_EQ(addr_to_sa(&spec.addr, &ss), 0);
	CHECK_EQ(addr_spec_to_sa(&spec, &ss), head + 5);
	CHECK_STR(un->sun_path, "name");
	addr_from_sa(&a, (void *)&ss, (socklen_t)head + 5);
	CHECK_EQ(a.family, ADDR_UNIX);
	CHECK_EQ(addr_print_port(&a, text), 4);
	CHECK_STR(text, "unix");
	addr_from_sa(&a, (void *)&ss, (socklen_t)head);  /* unnamed */
	CHECK_EQ(a.family, ADDR_UNIX);
	spec.addr.family = ADDR_ABNS;
	CHECK_EQ(addr_spec_to_sa(&spec, &ss), sizeof(*un));
	CHECK_MEM(un->sun_path, 6, "\0name\0", 6);
	addr_from_sa(&a, (void *)&ss, sizeof(*un));
	CHECK_EQ(a.family, ADDR_ABNS);
	spec.addr.family = ADDR_ABNSZ;
	CHECK_EQ(addr_spec_to_sa(&spec, &ss), head + 5);
	CHECK_MEM(un->sun_path, 5, "\0name", 5);
	addr_from_sa(&a, (void *)&ss, (socklen_t)head + 5);
	CHECK_EQ(a.family, ADDR_ABNSZ);
	spec.host = SPAN_NONE;
	CHECK_EQ(addr_spec_to_sa(&spec, &ss), 0);
}

TEST(networks)
{
	static const struct {
		const char *net, *addr;
		int has;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.0.1", 1 },
		{ "10.0.0.0/8", "11.0.0.1", 0 },
		{ "10.0.0.0/255.0.0.0", "10.1.2.3", 1 },
		{ "10.1.2.3", "10.1.2.3", 1 },
		{ "10.1.2.3", "10.1.2.2", 0 },
		{ "10.1.2.3/31", "10.1.2.2", 1 },
		{ "10.1.2.4/30", "10.1.2.3", 0 },
		{ "0.0.0.0/0", "255.1.2.3", 1 },
		{ "0.0.0.0/0.0.0.0", "255.1.2.3", 1 },
		{ "0.0.0.0/0", "2001:db8::1", 0 },
		{ "2001:db8::/32", "2001:db8:ffff::1", 1 },
		{ "2001:db8::/33", "2001:db8:ffff::1", 0 },
		{ "::1", "::1", 1 },
		{ "::1/127", "::", 1 },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", 1 },
		{ "10.0.0.0/8", "::ffff:11.1.2.3", 0 },
		{ "0.0.0.0/0", "::fffe:11.1.2.3", 0 },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", 1 },
		{ "::ffff:10.0.0.0/104", "11.1.2.3", 0 },
		{ "2001::/16", "32.1.0.0", 0 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct addr a = make(rows[i].addr, 0);
		struct addr_net net;

		if (CHECK(addr_net_parse(span_str(rows[i].net), &net)) +
		    CHECK_EQ(addr_net_has(&net, &a), rows[i].has) < 2)
			printf("row '%s' '%s'\n", rows[i].net, rows[i].addr);
	}
}

TEST(no_networks)
{
	static const char *const rows[] = {
		"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/255.0.255.0", "10.0.0.0/8/8", "::/129", "::/ffff::",
		"10.0.0/8", "x", "10.0.0.0/99999999999999999999", " 10.0.0.1",
		"2001:db8::1%lo",
		"00000000000000000000000000000000000000000000000000000000::1",
		"00000000000000000000000000000000000000000000000000000000000:1"
	};
	struct addr_net net;
	struct addr unix_addr = { .family = ADDR_UNIX };

	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK(!addr_net_parse(span_str(rows[i]), &net)))
			printf("row '%s'\n", rows[i]);
	CHECK(!addr_net_parse(SPAN("10.0.0.1\0"), &net));
	CHECK(addr_net_parse(SPAN("::/0"), &net));
	CHECK(!addr_net_has(&net, &unix_addr));
}

TEST(names_are_looked_up)
{
	struct addr_spec spec = { .need_dns = true, .host = SPAN("127.1") };
	const char *err = NULL;
	char text[ADDR_TEXT];

	spec.addr.port = 81;
	CHECK(addr_resolve(&spec, &err));
	CHECK(!spec.need_dns);
	addr_print_port(&spec.addr, text);
	CHECK_STR(text, "127.0.0.1:81");
	spec = (struct addr_spec){ .need_dns = true, .host = SPAN("127.1") };
	spec.addr.family = ADDR_V6;
	CHECK(!addr_resolve(&spec, &err));
	CHECK(err != NULL && spec.need_dns);
}
