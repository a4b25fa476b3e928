/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_read_test - files, sections, conditional blocks, keyword rows and what
 * is said about wrong ones; with a little language of its own.
 */
#include <base/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>

static struct text seen;                /* what the rows were given */

static void *
begin(struct conf_line *l)
{
	struct span s = SPAN("-");

	if (conf_left(l) > 0)
		conf_want_name(l, "a name", &s);
	if (span_is(s, "bad")) {
		conf_err(l, NULL, "no such box");
		return (NULL);
	}
	text_printf(&seen, "[%.*s]", SPAN_FMT(s));
	return (&seen);
}

static void
end(struct conf *c, void *obj)
{
	(void)c;
	(void)obj;
	text_addz(&seen, ".");
}

static bool
parse(struct conf_line *l, void *obj)
{
	(void)obj;
	text_printf(&seen, "%s%s", l->no ? "!" : "", l->kw->name);
	while (conf_left(l) > 0)
		text_printf(&seen, ",%s", l->word[l->at++].text.p);
	text_addz(&seen, ";");
	return (true);
}

static bool
parse_time(struct conf_line *l, void *obj)
{
	int64_t ms;

	(void)obj;
	if (!conf_want_time(l, "a time", "ms", &ms) || !conf_end(l))
		return (false);
	text_printf(&seen, "%lldms;", (long long)ms);
	return (true);
}

static bool
parse_words(struct conf_line *l, void *obj)
{
	char subject[] = "dock 1";
	bool good;

	l->subject = subject;
	good = kw_words(l, KW_BIND, obj);
	l->subject = NULL;
	return (good);
}

static bool
parse_word(struct conf_line *l, void *obj)
{
	int64_t n = 0;

	(void)obj;
	if (l->kw->args[0] != '\0' && !conf_want_int(l, "a number", 0, 9, &n))
		return (false);
	text_printf(&seen, "%s%s=%d;", l->no ? "!" : "", l->kw->name, (int)n);
	return (true);
}

static bool
check(struct conf *c)
{
	(void)c;
	text_addz(&seen, "checked");
	return (true);
}

CONF_CHECK(test_check, 5, check);

SECTION(box) = { .name = "box", .in = KW_GLOBAL, .begin = begin, .end = end,
	.args = "[<name>]", .doc = "A box." };
SECTION(shed) = { .name = "shed", .in = KW_FRONTEND, .begin = begin,
	.args = "", .doc = "A shed." };
KEYWORD(put) = { .name = "put", .in = KW_GLOBAL, .args = "<what>",
	.parse = parse, .doc = "Puts." };
KEYWORD(put_in) = { .name = "put in", .in = KW_GLOBAL, .args = "<what>",
	.parse = parse, .doc = "Puts in." };
KEYWORD(opt) = { .name = "option wet", .in = KW_GLOBAL, .flags = KW_NO,
	.args = "", .parse = parse, .doc = "Wet." };
KEYWORD(rake) = { .name = "rake", .in = KW_FRONTEND, .args = "",
	.parse = parse, .doc = "Rakes." };
KEYWORD(pause) = { .name = "pause", .in = KW_GLOBAL, .args = "<time>",
	.parse = parse_time, .doc = "Waits." };
KEYWORD(dock) = { .name = "dock", .in = KW_GLOBAL, .args = "<word>...",
	.parse = parse_words, .doc = "Docks." };
KEYWORD(w_deep) = { .name = "deep", .in = KW_BIND, .args = "<n>",
	.parse = parse_word, .doc = "Depth." };
KEYWORD(w_dry) = { .name = "dry", .in = KW_BIND, .flags = KW_NO, .args = "",
	.parse = parse_word, .doc = "Dry." };

/* Loads the text; the messages, a line each: "LINE:COL level text". */
struct loaded {
	bool good;
	struct text msgs;
};

static struct arena arena;

static void
note_all(struct diags *ds, struct text *out)
{
	static const char level[] = "ndwa";

	LIST_EACH(it, &ds->all) {
		const struct diag *d = LIST_ITEM(it, struct diag, node);

		text_printf(out, "%d:%d %c %s\n", d->pos.line, d->pos.col,
		    level[d->level], d->text);
		if (d->hint != NULL)
			text_printf(out, "  (%s)\n", d->hint);
	}
}

static struct loaded
load(const char *cfg)
{
	struct loaded r = { false, { NULL, 0, 0 } };
	struct conf c = { .arena = &arena };
	struct diags ds;

	text_fini(&seen);
	text_init(&seen);
	text_init(&r.msgs);
	text_addz(&r.msgs, "");
	arena_init(&arena, 0);
	diags_init(&ds);
	c.diags = &ds;
	r.good = conf_load_text(&c, "t.cfg", span_str(cfg));
	note_all(&ds, &r.msgs);
	diags_fini(&ds);
	return (r);
}

static void
expect(const char *cfg, const char *what, const char *messages)
{
	struct loaded r = load(cfg);

	if (what != NULL)
		CHECK_STR(seen.p, what);
	CHECK_STR(r.msgs.p == NULL ? "" : r.msgs.p, messages);
	CHECK_EQ(r.good, strstr(messages, " a ") == NULL);
	text_fini(&r.msgs);
	arena_reset(&arena);
}

TEST(sections_and_rows)
{
	expect("box a\n put x\n put in y z\nbox\n pause 3s\n",
	    "[a]put,x;put in,y,z;.[-]3000ms;.checked", "");
	expect("", "checked", "");
}

TEST(no_and_default)
{
	expect("box\n option wet\n no option wet\n",
	    "[-]option wet;!option wet;.checked", "");
	expect("box\n no put x\n", NULL, "2:2 a negation/default currently "
	    "supported only for options\n");
	expect("box\n no\n", NULL, "2:2 a negation/default currently "
	    "supported only for options\n");
}

TEST(every_error_is_told)
{
	expect("put x\nbox bad\n nothing here\nbox b\n putt x\n rake\n"
	    " pause 3q\n pause\n pause 1 2\n pause 99999d\n option wed\n",
	    "[b].checked",
	    "1:1 a unknown keyword 'put' out of section\n"
	    "2:1 a no such box\n"
	    "5:2 a unknown keyword 'putt' in 'box' section; did you mean "
	    "'put' maybe ?\n"
	    "6:2 a 'rake' not allowed in 'box' section\n"
	    "  ('rake' is allowed in 'frontend', 'listen')\n"
	    "7:8 a unexpected character 'q' in 'pause'\n"
	    "  (a time is a number and one of us, ms, s, m, h, d)\n"
	    "8:2 a 'pause' expects a time, but the line ends here\n"
	    "  (pause <time>)\n"
	    "9:10 a 'pause' cannot handle unexpected argument '2'\n"
	    "10:8 a timer overflow in argument '99999d' to 'pause' (maximum "
	    "value is 2147483647 ms or ~24.8 days)\n"
	    "11:9 a 'option' supports 'wet' (got 'wed') in 'box' section; did "
	    "you mean 'option wet' maybe ?\n");
}

TEST(words_of_a_line)
{
	expect("box\n dock deep 3 dry no-dry\n",
	    "[-]deep=3;dry=0;!dry=0;.checked", "");
	expect("box\n dock deep 3 \"\"\n", "[-]deep=3;.checked", "");
	expect("box\n dock deepp 3\n", NULL, "2:7 a 'dock 1' : unknown "
	    "keyword 'deepp'; did you mean 'deep' maybe ?\n");
	expect("box\n dock deep\n", NULL, "2:7 a 'dock 1' : 'deep' expects a "
	    "number, but the line ends here\n  (deep <n>)\n");
	expect("box\n dock deep 10\n", NULL, "2:12 a 'dock 1' : 'deep' value "
	    "must be between 0 and 9 (was '10')\n");
	expect("box\n dock put\n", NULL, "2:7 a 'dock 1' : 'put' not allowed "
	    "here\n  ('put' is allowed in 'global')\n");
}

TEST(conditional_blocks)
{
	expect("box\n.if 0\n put a\n.elif 0\n put b\n.elif 1\n put c\n"
	    ".elif 1\n \"broken\n.else\n put d\n.endif\n put e\n",
	    "[-]put,c;put,e;.checked", "");
	expect("box\n.if 0\n.if 1\n put a\n.else\n put b\n.if bad(\n.endif\n"
	    ".endif\n.else\n put c\n.endif\n", "[-]put,c;.checked", "");
	expect(".endif\n.else\n.elif 1\n", NULL,
	    "1:1 a lone '.endif' with no matching '.if'\n"
	    "2:1 a lone '.else' with no matching '.if'\n"
	    "3:1 a lone '.elif' with no matching '.if'\n");
	expect(".if 0\n.else\n.elif 1\n.else\n.endif\n", NULL,
	    "3:1 a '.elif' after '.else' is not permitted\n"
	    "4:1 a '.else' after '.else' is not permitted\n");
	expect("box\n.if 1\n", NULL, "2:0 a non-terminated '.if' block\n"
	    "  (the '.if' of line 2 wants an '.endif')\n");
	expect(".if foo\n.endif x\n.endif\n.fi\n", NULL,
	    "1:5 a unparsable conditional expression 'foo' in '.if' at "
	    "position 1\n"
	    "2:8 a unexpected argument 'x' for '.endif'\n"
	    "4:1 a unknown directive '.fi'; did you mean '.if' maybe ?\n");
}

TEST(nesting_is_bounded)
{
	struct text t;
	struct loaded r;

	text_init(&t);
	for (int i = 0; i < 65; i++)
		text_addz(&t, ".if 1\n");
	for (int i = 0; i < 64; i++)
		text_addz(&t, ".endif\n");
	r = load(t.p);
	CHECK_STR(r.msgs.p, "65:1 a too many nested '.if', max is 64\n");
	text_fini(&r.msgs);
	text_fini(&t);
	arena_reset(&arena);
}

TEST(messages)
{
	expect(".notice \"low tide\"\n.warning high\n.diag x\n", "checked",
	    "1:1 n 'low tide'\n2:1 w 'high'\n");
	expect(".alert \"no tide\"\n.notice a b\n", NULL,
	    "1:1 a 'no tide'\n2:11 a unexpected argument 'b' for '.notice'\n"
	    "  (quote a message that has spaces)\n");
}

TEST(broken_files)
{
	expect("box\n put a", NULL, "2:7 a Missing LF on last line, file "
	    "might have been truncated at position 7\n");
	expect("box\r\n put a\r\n", "[-]put,a;.checked", "");
	expect("box\n put \"a\n put b\n", "[-]put,b;.checked",
	    "2:6 a unmatched quote at position 6\n");
}

TEST(environment)
{
	setenv("CR_A", "a", 1);
	setenv("CR_B", "b", 1);
	expect("box\n setenv CR_A \"new $CR_B\"\n presetenv CR_B x\n"
	    " presetenv CR_C y\n put \"$CR_A\" \"$CR_B\" \"$CR_C\"\n"
	    " unsetenv CR_A CR_C\n put \"${CR_A-gone}\" \"${CR_C-gone}\"\n"
	    " resetenv CR_B\n put \"${CR_B-gone}${CR_A-gone}\"\n"
	    " put \"$HAPROXY_BRANCH\" \"${.SECTION}\" \"${.LINE}\"\n",
	    "[-]put,new b,b,y;put,gone,gone;put,bgone;put,3.5,box,10;"
	    ".checked", "");
	expect("box\n setenv A\n unsetenv\n setenv A=B c\n", NULL,
	    "2:9 a 'setenv' expects a name and a value, but the line ends "
	    "here\n  (setenv <name> <value>)\n"
	    "3:2 a 'unsetenv' expects the name of a variable, but the line "
	    "ends here\n  (unsetenv <name>...)\n"
	    "4:9 a 'setenv' expects the name of a variable, got 'A=B'\n");
	CHECK(getenv("HAPROXY_HTTP_LOG_FMT") == NULL);
	setenv("HAPROXY_MWORKER", "1", 1);
	expect("box\n resetenv\n put \"$HAPROXY_MWORKER\"\n",
	    "[-]put,1;.checked", "");
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	MUST(f != NULL);
	fputs(text, f);
	fclose(f);
}

TEST(directories_are_read_in_order_of_names)
{
	char dir[] = "/tmp/conf_read_test.XX" "XX" "XX", path[300];
	static const char *const names[] = { "b.cfg", "a.cfg", "c.txt",
		".d.cfg" };
	struct conf_source src[2] = { { dir }, { "/nonexistent/x.cfg" } };
	struct conf c = { .arena = &arena };
	struct diags ds;

	MUST(mkdtemp(dir) != NULL);
	write_file(dir, "b.cfg", "box b\n put 2\n");
	write_file(dir, "a.cfg", "box a\n put \"$HAPROXY_CFGFILES\"\n");
	write_file(dir, "c.txt", "nonsense\n");
	write_file(dir, ".d.cfg", "nonsense\n");
	text_fini(&seen);
	text_init(&seen);
	arena_init(&arena, 0);
	diags_init(&ds);
	c.diags = &ds;
	CHECK(conf_load(&c, src, 1));
	snprintf(path, sizeof path, "[a]put,%s/a.cfg;%s/b.cfg;.[b]put,2;."
	    "checked", dir, dir);
	CHECK_STR(seen.p, path);
	CHECK(!conf_load(&c, src, 2));
	CHECK_EQ(ds.n[DIAG_ALERT], 1);
	diags_fini(&ds);
	arena_reset(&arena);
	for (size_t i = 0; i < NELEM(names); i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

TEST(dumps_list_the_rows)
{
	struct text t;

	text_init(&t);
	CHECK(kw_dump(SPAN("cfg"), &t));
	CHECK(strstr(t.p, "\nglobal\n") != NULL);
	CHECK(strstr(t.p, "\tput in\n") != NULL);
	CHECK(strstr(t.p, "\tbind <addr> deep +1\n") != NULL);
	CHECK(strstr(t.p, "\tbind <addr> no-dry\n") != NULL);
	CHECK(strstr(t.p, "\tbox\n") != NULL);
	text_clear(&t);
	CHECK(!kw_dump(SPAN("help,nope"), &t));
	CHECK(strstr(t.p, "all: list all keywords\n") != NULL);
	CHECK(strstr(t.p, "unknown keyword class 'nope'") != NULL);
	text_fini(&t);
}
