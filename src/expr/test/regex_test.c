/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: what a text must begin by, and that looking for it
 * changes no result.
 */
#include <base/rand.h>
#include <base/test.h>

#include "../smp_regex.c"

#ifdef USE_PCRE2

TEST(the_head_of_an_expression)
{
	static const struct { const char *re, *want; } t[] = {
		{ "^/p1/[a-z]*$", "/p1/" }, { "^/api", "/api" },
		{ "^/a\\.b\\/c\\d", "/a.b/c" }, { "^ab*c", "a" },
		{ "^ab?c", "a" }, { "^ab{0,2}", "a" }, { "^ab+c", "ab" },
		{ "^\\.*", "" }, { "^a(b|c)", "a" }, { "^a[b|]c", "a" },
		{ "^a[]|]", "a" }, { "^a(?:b|c)", "a" }, { "^a\\|b", "a|b" },
		{ "^0123456789012345678901234", "0123456789012345678901" },
		{ "^012345678901234567890*4", "01234567890123456789" },
		/* nothing is known of these */
		{ "", "" }, { "^", "" }, { "/a", "" }, { "^^a", "" },
		{ "^a|b", "" }, { "^(a)|b", "" }, { "^a[[:alpha:]]|b", "" },
		{ "^a\\Q(\\E|b", "" }, { "^a(?#()|b", "" },
		{ "^a(?x)# (\n|b", "" }, { "^a\\c(|b", "" },
		{ "^a[^]|]|b", "" }, { "(?i)^a", "" }, { "^a[\\E", "" },
	};
	char head[HEAD_MAX];

	for (size_t i = 0; i < NELEM(t); i++) {
		size_t n = literal_head(span_str(t[i].re), head);

		if (!CHECK_MEM(head, n, t[i].want, strlen(t[i].want)))
			printf("    '%s'\n", t[i].re);
	}
}

static size_t
any_text(const char *const word[], uint32_t n_words, char *to, uint32_t most)
{
	uint32_t n = rand_below(most + 1);
	size_t len = 0;

	for (uint32_t i = 0; i < n; i++) {
		const char *w = word[rand_below(n_words)];

		memcpy(to + len, w, strlen(w));
		len += strlen(w);
	}
	return (len);
}

/* Expressions of all sorts, those that do not compile among them. */
TEST(the_head_changes_no_result)
{
	static const char *const in_re[] = { "a", "b", "A", "(", ")", "|",
		"*", "?", "+", "{1}", "{0,1}", "[ab]", "[^b]", "[", "]", "^",
		"$", ".", "\\", "\\Q", "\\E", "\\.", "(?:", "(?i)", "(?=",
		"(?#", "(?x)", "#", "\\d", "\\(", "\\|", "\\c", "(?|" };
	static const char *const in_text[] = { "a", "b", "A", ".", "(", "|" };
	unsigned tried = 0, headed = 0, matched = 0;

	for (int i = 0; i < 40000; i++) {
		char re_text[64] = "^", text[16];
		size_t n = 1 + any_text(in_re, NELEM(in_re), re_text + 1, 7);
		struct smp_regex *re;
		const char *err;

		re = smp_regex_new(span_of(re_text, n), i % 2 != 0, &err);
		if (re == NULL)
			continue;
		headed += re->head_n != 0;
		for (int k = 0; k < 12 && re->head_n != 0; k++) {
			struct span s = span_of(text,
			    any_text(in_text, NELEM(in_text), text, 4));
			bool with = smp_regex_has(re, s), without;
			uint8_t head_n = re->head_n;

			re->head_n = 0;
			without = smp_regex_has(re, s);
			re->head_n = head_n;
			tried++;
			matched += without;
			if (!CHECK_EQ(with, without))
				printf("    '%.*s' on '%.*s'\n", (int)n,
				    re_text, SPAN_FMT(s));
		}
		smp_regex_free(re);
	}
	CHECK(headed > 1000);
	CHECK(matched > 1000 && matched < tried - 1000);
}

#else

TEST(without_a_library_none_compiles)
{
	const char *err = NULL;

	CHECK(smp_regex_new(SPAN("a"), false, &err) == NULL && err != NULL);
}

#endif
