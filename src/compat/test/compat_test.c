/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat_test - the census answers by kind, and has no name twice.
 */
#include "../compat.c"

#include <base/test.h>

static const char *
ask(const char *kind, const char *name, const char **text)
{
	return (compat_find(kind, span_str(name), text));
}

TEST(names_have_kinds)
{
	const char *text;

	CHECK_STR(ask("cfg", "lua-load", &text), "planned");
	CHECK_STR(text, NULL);
	CHECK_STR(ask("section", "ring", &text), "planned");
	CHECK_STR(ask("cfg", "no-such-word", &text), NULL);
	CHECK_STR(ask("bind", "lua-load", &text), NULL);
	CHECK_STR(ask("server", "allow-0rtt", &text), "planned");
	CHECK_STR(ask("server", "sni", &text), NULL);   /* we have it */
	CHECK_STR(ask("smp", "sni", &text), NULL);
	CHECK_STR(ask("cfg", "bind", &text), NULL);
	CHECK_STR(ask("nonsense", "sni", &text), NULL);
}

TEST(removed_words_say_what_to_write)
{
	const char *text;

	CHECK_STR(ask("cfg", "reqrep", &text), "refused");
	CHECK(text != NULL && strstr(text, "replace-path") != NULL);
	CHECK_STR(ask("cfg", "clitimeout", &text), "refused");
	CHECK_STR(text, "write 'timeout client'");
}

TEST(actions_go_by_their_bare_name_too)
{
	const char *text;

	CHECK_STR(ask("act", "http-request cache-use", &text), "planned");
	CHECK_STR(ask("act", "cache-use", &text), "planned");
	CHECK_STR(ask("act", "use", &text), NULL);
}

TEST(no_name_is_there_twice)
{
	static const struct row census[] = {
#define COMPAT(kind, name, status, text) { name, text, K_##kind, status },
#include "../haproxy.def"
#undef COMPAT
	};

	for (size_t i = 1; i < NELEM(census); i++)
		if (strcmp(census[i].name, census[i - 1].name) == 0)
			CHECK(census[i].kind != census[i - 1].kind);
	CHECK(NELEM(census) > 2000);
}
