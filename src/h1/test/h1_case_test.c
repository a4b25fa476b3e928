/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_case_test - names are spelled as lines say, and nothing else is touched.
 */
#include <base/test.h>

#include "../h1_case.c"

static struct arena arena;
static struct diags diags;

static bool
load(const char *cfg)
{
	struct conf c = { .arena = &arena, .diags = &diags };

	arena_init(&arena, 0);
	diags_init(&diags);
	px_model_new(&arena);
	return (conf_load_text(&c, "t.cfg", span_str(cfg)));
}

static void
unload(void)
{
	px_model_free(px_model);
	diags_fini(&diags);
	arena_reset(&arena);
}

#define NAMES "global\n h1-case-adjust host HoSt\n h1-case-adjust x-a X-A\n" \
	" h1-case-adjust content-length Content-Length\n"

TEST(names_of_a_head_are_spelled)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "GET / HTTP/1.1\r\nhost: x-a\r\nx-a: host:\r\nx-b: 1\r\n\r\n",
		    "GET / HTTP/1.1\r\nHoSt: x-a\r\nX-A: host:\r\nx-b: 1\r\n\r\n" },
		/* what is behind the head is a body */
		{ "HTTP/1.1 200 OK\r\n\r\nhost: a\r\n",
		    "HTTP/1.1 200 OK\r\n\r\nhost: a\r\n" },
		/* lines of a file may end with LF alone */
		{ "HTTP/1.1 200 OK\ncontent-length: 3\nX-a: 1\n\nx-a",
		    "HTTP/1.1 200 OK\nContent-Length: 3\nX-A: 1\n\nx-a" },
		{ "host: a\r\nhost", "host: a\r\nhost" },
		{ "", "" },
	};
	char text[128];

	CHECK(load(NAMES));
	for (size_t i = 0; i < NELEM(rows); i++) {
		size_t n = strlen(rows[i].in);

		memcpy(text, rows[i].in, n + 1);
		h1_case_head(text, n);
		CHECK_STR(text, rows[i].out);
	}
	memcpy(text, "X-A: 1\r\nhost: 2\r\n", 18);
	h1_case_fields(text, 17);
	CHECK_STR(text, "X-A: 1\r\nHoSt: 2\r\n");
	unload();
}

TEST(spellings_that_cannot_be_are_refused)
{
	static const char *const bad[] = {
		"global\n h1-case-adjust Host HOST\n",
		"global\n h1-case-adjust host\n",
		"global\n h1-case-adjust host HOST more\n",
		"global\n h1-case-adjust host HOTS\n",
		"global\n h1-case-adjust ho:st HO:ST\n",
		NAMES " h1-case-adjust x-a x-A\n",
		"global\n h1-case-adjust-file /nonexistent/names\n",
	};

	for (size_t i = 0; i < NELEM(bad); i++) {
		CHECK(!load(bad[i]));
		unload();
	}
}
