/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../ing_cfg.c"
#include "../ing_write.c"

#define KINDS "name file host addr text pattern fmt arg"

/* The line that one word makes, or NULL when it was not accepted. */
static char *
line(const char *kind, struct span s)
{
	struct ing_cfg c;
	struct arena mem;
	struct text t;
	const char *what;
	char *z = span_dup(s);

	arena_init(&mem, 0);
	text_init(&t);
	ing_cfg_init(&c, &mem);
	ing_section(&c, "x", SPAN_NONE);
	ing_line(&c, "");
	if (strcmp(kind, "name") == 0)
		ing_cfg_name(&c, s);
	else if (strcmp(kind, "file") == 0)
		ing_cfg_file(&c, z);
	else if (strcmp(kind, "host") == 0)
		ing_cfg_host(&c, z, 80);
	else if (strcmp(kind, "addr") == 0)
		ing_cfg_addr(&c, z, 80);
	else if (strcmp(kind, "text") == 0)
		ing_cfg_text(&c, s);
	else if (strcmp(kind, "pattern") == 0)
		ing_cfg_pattern(&c, s);
	else {
		ing_cfg_fmt_begin(&c);
		ing_fmt(&c, "%[x(");
		if (strcmp(kind, "arg") == 0)
			ing_cfg_fmt_name(&c, s);
		ing_fmt(&c, ")]");
		if (strcmp(kind, "fmt") == 0)
			ing_cfg_fmt_text(&c, s);
		ing_cfg_fmt_end(&c);
	}
	ing_line_write(c.sections->lines->next, &t);
	if (ing_cfg_bad(&c, &what) > 0) {
		CHECK(what != NULL);
		text_fini(&t);
	}
	free(z);
	ing_cfg_fini(&c);
	arena_reset(&mem);
	return (t.p);
}

TEST(a_word_is_written_as_what_it_is)
{
	static const struct {
		const char *kind;
		struct span in;
		const char *out;
	} rows[] = {
		{ "name", SPAN("web_shop_80"), "web_shop_80" },
		{ "name", SPAN(""), NULL },
		{ "name", SPAN("a b"), NULL },
		{ "name", SPAN("-a"), NULL },
		{ "name", SPAN("a/b"), NULL },
		{ "file", SPAN("certs/a_b.pem"), "certs/a_b.pem" },
		{ "file", SPAN("/etc/passwd"), NULL },
		{ "file", SPAN("a/../b"), NULL },
		{ "host", SPAN("a.example.com"), "a.example.com:80" },
		{ "host", SPAN("unix@/x"), NULL },
		{ "addr", SPAN("10.0.0.1"), "10.0.0.1:80" },
		{ "addr", SPAN("fd00::1"), "[fd00::1]:80" },
		{ "addr", SPAN("fd@3"), NULL },
		{ "addr", SPAN("10.0.0.1:1"), NULL },
		{ "text", SPAN("plain-text_1.0"), "plain-text_1.0" },
		{ "text", SPAN(""), "''" },
		{ "text", SPAN("a b"), "'a b'" },
		{ "text", SPAN("# \\ \" $x"), "'# \\ \" $x'" },
		{ "text", SPAN("it's $x \\ \""), "\"it's \\$x \\\\ \\\"\"" },
		{ "text", SPAN("a\nb"), NULL },
		{ "text", SPAN("a\0b"), NULL },
		{ "text", SPAN("a\tb"), NULL },
		{ "pattern", SPAN("-f"), "-- -f" },
		{ "pattern", SPAN("}"), NULL },
		{ "pattern", SPAN("} x"), "-- '} x'" },
		{ "fmt", SPAN("100% %[src]"), "'%[x()]100%% %%[src]'" },
		{ "fmt", SPAN("a\rb"), NULL },
		{ "arg", SPAN("X-Name.1"), "%[x(X-Name.1)]" },
		{ "arg", SPAN("a,b"), NULL },
		{ "arg", SPAN("a)"), NULL },
		{ "arg", SPAN(""), NULL },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		char *out = line(rows[i].kind, rows[i].in);

		if (!CHECK_STR(out, rows[i].out))
			printf("    %s\n", rows[i].kind);
		free(out);
	}
}

TEST(a_line_of_a_map_is_two_words)
{
	struct text t;

	text_init(&t);
	CHECK(ing_map_write(&t, SPAN("a.b/c"), SPAN("x/y")));
	CHECK(!ing_map_write(&t, SPAN("a b"), SPAN("x")));
	CHECK(!ing_map_write(&t, SPAN("a"), SPAN("x\ny")));
	CHECK(!ing_map_write(&t, SPAN("#a"), SPAN("x")));
	CHECK(!ing_map_write(&t, SPAN(""), SPAN("x")));
	CHECK(!ing_map_write(&t, SPAN("a\x7f"), SPAN("x")));
	CHECK_SPAN(text_span(&t), "a.b/c x/y\n");
	text_fini(&t);
}
