/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of server-state files: what each field may be, and which line is said
 * to be wrong.
 */
#include <base/test.h>

#include "../px_state.c"

/* backend, server, address, and then as the fields are numbered above */
#define LINE(addr, state, admin, uw, iw, age, status, result, health, chk,   \
	port)                                                                \
	"3 be 1 s1 " addr " " state " " admin " " uw " " iw " " age " "     \
	status " " result " " health " " chk " 0 0 0 - " port " - 0 0 - - 0"
#define GOOD LINE("192.0.2.1", "2", "0", "1", "1", "7", "6", "3", "4", "6",  \
	"80")

TEST(fields_have_their_bounds)
{
	static const struct { const char *line; bool good; } rows[] = {
		{ GOOD, true },
		{ LINE("-", "3", "127", "256", "256", "2147483647", "255", "4",
		    "20000", "31", "65535"), true },
		{ LINE("-", "4", "0", "1", "1", "0", "0", "0", "0", "0", "0"),
		    false },
		{ LINE("-", "0", "128", "1", "1", "0", "0", "0", "0", "0",
		    "0"), false },
		{ LINE("-", "0", "0", "257", "1", "0", "0", "0", "0", "0",
		    "0"), false },
		{ LINE("-", "0", "0", "1", "x", "0", "0", "0", "0", "0", "0"),
		    false },
		{ LINE("-", "0", "0", "1", "1", "-1", "0", "0", "0", "0",
		    "0"), false },
		{ LINE("-", "0", "0", "1", "1", "0", "256", "0", "0", "0",
		    "0"), false },
		{ LINE("-", "0", "0", "1", "1", "0", "0", "5", "0", "0", "0"),
		    false },
		{ LINE("-", "0", "0", "1", "1", "0", "0", "0", "20001", "0",
		    "0"), false },
		{ LINE("-", "0", "0", "1", "1", "0", "0", "0", "0", "32",
		    "0"), false },
		{ LINE("-", "0", "0", "1", "1", "0", "0", "0", "0", "0",
		    "65536"), false },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct span f[FIELDS_MAX];
		struct px_state st = { .ip = { .family = ADDR_NONE } };

		CHECK(split(span_str(rows[i].line), f) >= FIELDS_MIN);
		if (!CHECK_EQ(read_fields(f, &st), rows[i].good))
			printf("    in '%s'\n", rows[i].line);
	}
}

TEST(a_line_gives_what_it_says)
{
	struct span f[FIELDS_MAX];
	struct px_state st = { .ip = { .family = ADDR_NONE } };
	char ip[ADDR_TEXT];

	CHECK_EQ(split(SPAN(GOOD), f), 25);
	CHECK(read_fields(f, &st));
	CHECK_MEM(ip, addr_print(&st.ip, ip), "192.0.2.1", 9);
	CHECK_EQ(st.port, 80);
	CHECK_EQ(st.state, 2);
	CHECK_EQ(st.age_s, 7);
	CHECK_EQ(st.chk_health, 4);
}

TEST(the_line_that_is_wrong_is_told)
{
	static const struct { const char *text; int line; } rows[] = {
		{ "", 1 }, { "2\n", 1 }, { "# be_id\n", 1 }, { "1\n", 0 },
		{ "1\n# be_id\n\n", 0 }, { "1\nbe s1\n", 2 },
		{ "1\n# x\n3 be 1 s1 - x\n", 3 },
	};

	for (size_t i = 0; i < NELEM(rows); i++)
		CHECK_EQ(read_text(span_str(rows[i].text), NULL),
		    rows[i].line);
}
