/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_answer_test - records of messages; what is malformed is refused.
 */
#include <base/test.h>

#include "../dns_answer.c"

#ifdef USE_CARES

/* Messages in pieces: a question for "a.test", whose name is at 12. */
#define HEADER(an, ns, ar)                                                   \
	"\x12\x34\x81\x80\0\x01\0" an "\0" ns "\0" ar
#define QUESTION(type) "\x01" "a\x04test\0\0" type "\0\x01"
#define OWNER "\xc0\x0c"
#define RR(type, len) "\0" type "\0\x01\0\0\0\x3c\0" len

static bool
read_msg(struct span m, enum dns_type type, struct dns_answer *a)
{
	return (dns_answer_read((const unsigned char *)m.p, m.n, type, a));
}

TEST(addresses_come_under_the_name_or_its_alias)
{
	struct dns_answer a;
	char ip[ADDR_TEXT];

	CHECK(read_msg(SPAN(HEADER("\x02", "\0", "\0") QUESTION("\x01")
	    OWNER RR("\x01", "\x04") "\x7f\0\0\x05"
	    OWNER RR("\x01", "\x04") "\x0a\0\0\x01"), DNS_A, &a));
	CHECK_EQ(a.n, 2);
	addr_print(&a.rec[0].ip, ip);
	CHECK_STR(ip, "127.0.0.5");
	addr_print(&a.rec[1].ip, ip);
	CHECK_STR(ip, "10.0.0.1");
	CHECK(!a.cname);
	dns_answer_fini(&a);

	/* b.test is what a.test is called too; c.test is nobody's. */
	CHECK(read_msg(SPAN(HEADER("\x03", "\0", "\0") QUESTION("\x1c")
	    OWNER RR("\x05", "\x04") "\x01" "B\xc0\x0e"
	    "\x01" "b\xc0\x0e" RR("\x1c", "\x10")
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	    "\x01" "c\xc0\x0e" RR("\x1c", "\x10")
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"), DNS_AAAA, &a));
	CHECK_EQ(a.n, 1);
	CHECK(a.cname);
	addr_print(&a.rec[0].ip, ip);
	CHECK_STR(ip, "2001:db8::1");
	dns_answer_fini(&a);
}

TEST(other_types_and_classes_are_passed_over)
{
	struct dns_answer a;

	CHECK(read_msg(SPAN(HEADER("\x02", "\0", "\0") QUESTION("\x01")
	    OWNER RR("\x10", "\x02") "\x01x"
	    OWNER "\0\x01\0\x03\0\0\0\x3c\0\x04" "\x7f\0\0\x05"), DNS_A, &a));
	CHECK_EQ(a.n, 0);
	dns_answer_fini(&a);
}

#define SRV_RR(prio, weight, port, target, len)                              \
	OWNER RR("\x21", len) "\0" prio weight port target

TEST(srv_records_take_addresses_from_the_additional_section)
{
	struct dns_answer a;
	char ip[ADDR_TEXT];

	CHECK(read_msg(SPAN(HEADER("\x03", "\x01", "\x02") QUESTION("\x21")
	    SRV_RR("\x01", "\x01\x02", "\x1f\x90", "\x02H1\xc0\x0e", "\x0b")
	    SRV_RR("\x02", "\0\0", "\0\x50", "\x02h2\xc0\x0e", "\x0b")
	    SRV_RR("\x02", "\0\0", "\0\x50", "\0", "\x07")
	    OWNER RR("\x02", "\x02") "\xc0\x0c"
	    "\x02h1\xc0\x0e" RR("\x01", "\x04") "\x7f\0\0\x0b"
	    "\x02h9\xc0\x0e" RR("\x01", "\x04") "\x7f\0\0\x0c"), DNS_SRV, &a));
	CHECK_EQ(a.n, 2);               /* "." is no target */
	CHECK_STR(a.rec[0].target, "h1.test");
	CHECK_EQ(a.rec[0].priority, 1);
	CHECK_EQ(a.rec[0].weight, 0x102);
	CHECK_EQ(a.rec[0].port, 8080);
	addr_print(&a.rec[0].ip, ip);
	CHECK_STR(ip, "127.0.0.11");
	CHECK_STR(a.rec[1].target, "h2.test");
	CHECK_EQ(a.rec[1].port, 80);
	CHECK_EQ(a.rec[1].ip.family, ADDR_NONE);
	dns_answer_fini(&a);
}

TEST(every_cut_of_a_message_is_refused)
{
	static const struct { struct span m; enum dns_type type; } rows[] = {
		{ SPAN(HEADER("\x01", "\0", "\0") QUESTION("\x01")
		    OWNER RR("\x01", "\x04") "\x7f\0\0\x05"), DNS_A },
		{ SPAN(HEADER("\x01", "\0", "\0") QUESTION("\x21")
		    SRV_RR("\x01", "\x01\x02", "\x1f\x90", "\x02h1\xc0\x0e",
		    "\x0b")), DNS_SRV },
	};
	struct dns_answer a;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t n = 0; n <= rows[i].m.n; n++) {
			/* of that size, so that a look past its end is seen */
			char *cut = malloc(n + 1);

			memcpy(cut, rows[i].m.p, n);
			CHECK_EQ(read_msg(span_of(cut, n), rows[i].type, &a),
			    n == rows[i].m.n);
			dns_answer_fini(&a);
			free(cut);
		}
}

TEST(wrong_lengths_and_loops_are_refused)
{
	static const struct { struct span m; enum dns_type type; } rows[] = {
		{ SPAN(HEADER("\x01", "\0", "\0") QUESTION("\x01")
		    OWNER RR("\x01", "\x05") "\x7f\0\0\x05\0"), DNS_A },
		{ SPAN(HEADER("\x01", "\0", "\0") QUESTION("\x1c")
		    OWNER RR("\x1c", "\x04") "\x7f\0\0\x05"), DNS_AAAA },
		/* names that point at themselves */
		{ SPAN(HEADER("\x01", "\0", "\0") QUESTION("\x01")
		    "\xc0\x18" RR("\x01", "\x04") "\x7f\0\0\x05"), DNS_A },
		{ SPAN(HEADER("\x01", "\0", "\0") QUESTION("\x05")
		    OWNER RR("\x05", "\x02") "\xc0\x24"), DNS_A },
		/* a target that ends before or behind its record */
		{ SPAN(HEADER("\x01", "\0", "\0") QUESTION("\x21")
		    SRV_RR("\0", "\0\0", "\0\x50", "\x02h1\xc0\x0e\0",
		    "\x0c")), DNS_SRV },
		{ SPAN(HEADER("\x01", "\0", "\0") QUESTION("\x21")
		    SRV_RR("\0", "\0\0", "\0\x50", "\x02h1\xc0\x0e", "\x09")
		    ), DNS_SRV },
		{ SPAN("\x12\x34\x81\x80\0\x02\0\0\0\0\0\0"
		    QUESTION("\x01") QUESTION("\x01")), DNS_A },
	};
	struct dns_answer a;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!CHECK(!read_msg(rows[i].m, rows[i].type, &a)))
			printf("  row %zu\n", i);
}
#endif

TEST(a_host_is_told_from_what_is_none)
{
	static const struct { const char *name; bool fits; } rows[] = {
		{ "a", true }, { "www.example.com", true },
		{ "_a._tcp.b", true }, { "A-1.b", true }, { "", false },
		{ ".", false }, { "a..b", false }, { ".a", false },
		{ "a b", false }, { "a:80", false }, { "a/b", false },
		{ "a\\.b", false },
		{ "1234567890123456789012345678901234567890123456789012345678"
		    "90123", true },
		{ "1234567890123456789012345678901234567890123456789012345678"
		    "901234", false },
	};
	char longest[300];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!CHECK_EQ(dns_host_fits(span_str(rows[i].name)),
		    rows[i].fits))
			printf("  row '%s'\n", rows[i].name);
	for (size_t i = 0; i < sizeof longest; i++)
		longest[i] = i % 50 == 49 ? '.' : 'a';
	CHECK(dns_host_fits(span_of(longest, 253)));
	CHECK(!dns_host_fits(span_of(longest, 254)));
}
