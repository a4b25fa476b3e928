/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_lex_test - a line becomes words as the manual's sections 2.2 and 2.3
 * say; each row was compared with what HAProxy 2.6 does.
 */
#include "../conf_lex.c"

#include <base/test.h>

/* The words in <angle brackets>, or what is wrong and its column. */
static const char *
lex(const char *line)
{
	static char out[4096];
	struct conf_lex l;
	size_t n = 0;

	conf_lex_init(&l);
	l.file = "site.cfg";
	l.line = 7;
	l.section = "fe";
	out[0] = '\0';
	if (!conf_lex_line(&l, span_str(line)))
		snprintf(out, sizeof out, "%s at %d", l.err, l.err_col);
	else
		for (int i = 0; i < l.n; i++)
			n += (size_t)snprintf(out + n, sizeof out - n,
			    "<%s>", l.out.p + l.word[i].off);
	conf_lex_fini(&l);
	return (out);
}

struct row { const char *in, *out; };

static void
try_rows(const struct row *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK_STR(lex(r[i].in), r[i].out);
}

TEST(words_are_cut_at_blanks)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "   \t ", "" },
		{ "a", "<a>" },
		{ "  a\tb   c ", "<a><b><c>" },
		{ "bind :80\r", "<bind><:80>" },
		{ "a b#c d", "<a><b>" },
		{ "# all of it", "" },
		{ "a \"\" b ''", "<a><><b><>" },
	};

	try_rows(rows, NELEM(rows));
}

/* What the line says with a comment behind it, which is read byte by byte. */
TEST(lines_of_words_alone_are_read_as_all_others)
{
	static const char *const lines[] = {
		"", " ", "a", " a", "a ", "\t\tserver  s1 10.0.0.1:80\t weight 1 ",
		"a\v\fb\rc", "$x ${y} a$b", "\x80\xff \x01", "{ } %[src] -- }",
	};

	for (size_t i = 0; i < NELEM(lines); i++) {
		struct conf_lex one, other;
		char line[200];

		snprintf(line, sizeof line, "%s #", lines[i]);
		conf_lex_init(&one);
		conf_lex_init(&other);
		CHECK(conf_lex_line(&one, span_str(lines[i])));
		CHECK(conf_lex_line(&other, span_str(line)));
		CHECK_EQ(one.n, other.n);
		for (int k = 0; k < one.n && k < other.n; k++) {
			const struct conf_lex_word *a = &one.word[k],
			    *b = &other.word[k];

			CHECK_STR(one.out.p + a->off, other.out.p + b->off);
			CHECK_EQ(a->n, b->n);
			CHECK_EQ(a->col, b->col);
			CHECK_EQ(a->width, b->width);
		}
		conf_lex_fini(&one);
		conf_lex_fini(&other);
	}
}

TEST(quotes_and_escapes)
{
	static const struct row rows[] = {
		{ "a\\ b", "<a b>" },
		{ "\\#x", "<#x>" },
		{ "\\\\ \\' \\\"", "<\\><'><\">" },
		{ "a\\n\\t\\r\\x41z", "<a\n\t\rAz>" },
		{ "a\\db", "<a\\db>" },
		{ "a\\$b", "<a\\$b>" },
		{ "\"a\\db\"", "<a\\db>" },
		{ "\"a # 'b' \\\"c\"", "<a # 'b' \"c>" },
		{ "\"\\$HOME\"", "<$HOME>" },
		{ "'a \\n $X \"'", "<a \\n $X \">" },
		{ "a\"b\"c'd'\\ e#f", "<abcd e>" },
		{ "abc\\", "<abc\\>" },
		{ "\"abc", "unmatched quote at 1" },
		{ "x 'abc", "unmatched quote at 3" },
		{ "\"abc\\", "unmatched quote at 1" },
		{ "a\\x4", "truncated or invalid hexadecimal sequence at 2" },
		{ "\\x4g", "truncated or invalid hexadecimal sequence at 1" },
	};

	try_rows(rows, NELEM(rows));
}

TEST(variables_are_replaced_in_double_quotes_only)
{
	static const struct row rows[] = {
		{ "\"$LX_A\"", "<hello>" },
		{ "\"${LX_A}s $LX_A-b\"", "<hellos hello-b>" },
		{ "$LX_A '$LX_A'", "<$LX_A><$LX_A>" },
		{ "\"$LX_NONE\"", "<>" },
		{ "\"${LX_NONE-a b}\"", "<a b>" },
		{ "\"${LX_E-a}\"", "<>" },
		{ "\"${LX_NONE-}\"", "<>" },
		{ "\"$.FILE:${.LINE} $.SECTION\"", "<site.cfg:7 fe>" },
		{ "\"$ x\"",
		    "forbidden first char in environment variable name at 3" },
		{ "\"$1\"",
		    "forbidden first char in environment variable name at 3" },
		{ "\"${}\"",
		    "forbidden first char in environment variable name at 4" },
		{ "\"${LX_A x\"",
		    "unmatched brace in environment variable name at 2" },
		{ "\"${LX_A-x\"",
		    "unmatched brace in environment variable name at 2" },
		{ "\"${.NOPE}\"", "unknown pseudo-variable at 4" },
	};

	setenv("LX_A", "hello", 1);
	setenv("LX_E", "", 1);
	unsetenv("LX_NONE");
	try_rows(rows, NELEM(rows));
}

TEST(lists_become_words)
{
	static const struct row rows[] = {
		{ "\"${LX_L[*]}\"", "<a><b><c>" },
		{ "\"x${LX_L[*]}\"", "<xa><b><c>" },
		{ "\"${LX_L[*]}x\"", "<a><b><c><x>" },
		{ "\"${LX_L}\"", "<a b  c >" },
		{ "\"${LX_ONE[*]}y\"", "<oney>" },
		{ "\"${LX_E[*]}\"", "<>" },
		{ "\"${LX_L[*\"", "truncated or invalid word expansion "
		    "sequence at 8" },
		{ "\"${LX_L[1]}\"", "truncated or invalid word expansion "
		    "sequence at 8" },
	};

	setenv("LX_L", "a b  c ", 1);
	setenv("LX_ONE", "one", 1);
	setenv("LX_E", "", 1);
	try_rows(rows, NELEM(rows));
}

TEST(words_know_their_columns)
{
	struct arena a;
	struct conf_word *w;
	const char *err;
	int col, n;

	arena_init(&a, 0);
	n = conf_split(&a, SPAN("  server 'web 1'\t1.1.1.1"), &w, &err, &col);
	CHECK_EQ(n, 3);
	CHECK_EQ(w[0].col, 3);
	CHECK_EQ(w[0].width, 6);
	CHECK_EQ(w[1].col, 10);
	CHECK_EQ(w[1].width, 7);
	CHECK_SPAN(w[1].text, "web 1");
	CHECK_EQ(w[2].col, 18);
	CHECK_EQ(conf_split(&a, SPAN("a \"b"), &w, &err, &col), -1);
	CHECK_EQ(col, 3);
	arena_reset(&a);
}

TEST(a_line_of_a_mebibyte_is_read)
{
	size_t n = 1 << 20;
	char *line = must_alloc(n + 1);
	struct conf_lex l;

	memset(line, 'x', n);
	for (size_t i = 0; i < n; i += 8)
		line[i] = ' ';
	conf_lex_init(&l);
	CHECK(conf_lex_line(&l, span_of(line, n)));
	CHECK_EQ(l.n, (int)(n / 8));
	conf_lex_fini(&l);
	free(line);
}
