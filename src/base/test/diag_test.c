/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag_test - the form in which an operator reads a diagnostic.
 */
#include <base/test.h>

#include "../diag.c"

static struct diags ds;

static char *
render(enum diag_level level, struct diag_pos pos, struct span source,
    const char *hint)
{
	struct diag *d;
	struct text t;

	diags_init(&ds);
	d = diag_add(&ds, level, pos, source, "'%s' : wrong", "word");
	if (hint != NULL)
		diag_hint(d, "%s", hint);
	text_init(&t);
	diag_render(d, 1234, &t);
	diags_fini(&ds);
	return (t.p);
}

static void
check(char *got, const char *want)
{
	CHECK_STR(got, want);
	free(got);
}

TEST(a_caret_points_to_the_word)
{
	check(render(DIAG_ALERT, (struct diag_pos){ "site.cfg", 41, 29, 4 },
	    SPAN("    server web1 10.0.0.1:80 chek inter 2s\n"),
	    "'check' enables health checks"),
	    "[ALERT]    (1234) : config : parsing [site.cfg:41] : "
	    "'word' : wrong\n"
	    "    site.cfg:41:29\n"
	    "        server web1 10.0.0.1:80 chek inter 2s\n"
	    "                                ^~~~\n"
	    "    hint: 'check' enables health checks\n");
}

TEST(tabs_and_utf8_keep_it_in_place)
{
	check(render(DIAG_WARNING, (struct diag_pos){ "f", 1, 3, 2 },
	    SPAN("\t\tab c"), NULL),
	    "[WARNING]  (1234) : config : parsing [f:1] : 'word' : wrong\n"
	    "    f:1:3\n"
	    "    \t\tab c\n"
	    "    \t\t^~\n");
	check(render(DIAG_NOTICE, (struct diag_pos){ "f", 1, 4, 3 },
	    SPAN("\xc3\xa9 \xc3\xa9x\x1b[0m"), NULL),
	    "[NOTICE]   (1234) : config : parsing [f:1] : 'word' : wrong\n"
	    "    f:1:4\n"
	    "    \xc3\xa9 \xc3\xa9x?[0m\n"
	    "      ^~\n");
}

TEST(positions_that_are_not_known)
{
	check(render(DIAG_NOTICE, (struct diag_pos){ NULL, 0, 0, 0 },
	    SPAN("source"), NULL),
	    "[NOTICE]   (1234) : config : 'word' : wrong\n");
	check(render(DIAG_DIAG, (struct diag_pos){ "f", 2, 0, 0 },
	    SPAN("source"), NULL),
	    "[DIAG]     (1234) : config : parsing [f:2] : 'word' : wrong\n"
	    "    f:2\n"
	    "    source\n");
	check(render(DIAG_ALERT, (struct diag_pos){ "f", 2, 7, 9 },
	    SPAN("source"), NULL),
	    "[ALERT]    (1234) : config : parsing [f:2] : 'word' : wrong\n"
	    "    f:2:7\n"
	    "    source\n"
	    "          ^\n");
	check(render(DIAG_ALERT, (struct diag_pos){ "f", 2, 99, 9 },
	    SPAN("source"), NULL),
	    "[ALERT]    (1234) : config : parsing [f:2] : 'word' : wrong\n"
	    "    f:2:99\n"
	    "    source\n");
	check(render(DIAG_ALERT, (struct diag_pos){ "f", 2, 1, 1 }, SPAN_NONE,
	    "do it"),
	    "[ALERT]    (1234) : config : parsing [f:2] : 'word' : wrong\n"
	    "    hint: do it\n");
}

static int n_sunk;

static void
sink(const struct diag *d, void *arg)
{
	CHECK_STR(d->text, "one");
	CHECK(arg == &n_sunk);
	n_sunk++;
}

TEST(they_are_counted_kept_and_passed_on)
{
	char line[2000];
	struct diag *d;

	memset(line, 'x', sizeof(line));
	diags_init(&ds);
	ds.sink = sink;
	ds.sink_arg = &n_sunk;
	d = diag_add(&ds, DIAG_ALERT, (struct diag_pos){ "f", 1, 1, 1 },
	    span_of(line, sizeof(line)), "one");
	CHECK_EQ(strlen(d->source), SOURCE_MAX);
	diag_hint(d, "first");
	diag_hint(d, "second");
	CHECK_STR(d->hint, "second");
	diag_add(&ds, DIAG_WARNING, (struct diag_pos){ NULL, 0, 0, 0 },
	    SPAN_NONE, "one");
	CHECK_EQ(n_sunk, 2);
	CHECK_EQ(ds.n[DIAG_ALERT], 1);
	CHECK_EQ(ds.n[DIAG_WARNING], 1);
	CHECK(list_first(&ds.all) == &d->node);
	diags_fini(&ds);
	CHECK(list_empty(&ds.all));
	CHECK_EQ(ds.n[DIAG_ALERT], 0);
}
