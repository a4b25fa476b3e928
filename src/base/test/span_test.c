/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span_test - borrowed bytes, empty ones above all.
 */
#include <base/test.h>

#include "../span.c"

#include <ctype.h>

TEST(copies_in_lower_case_change_letters_only)
{
	char all[256], got[256];

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	for (size_t from = 0; from < 256; from += 3)
		for (size_t n = 0; n <= 256 - from; n = n < 18 ? n + 1 :
		    n + 41) {
			memset(got, '!', sizeof got);
			span_lower_to(got, span_of(all + from, n));
			for (size_t i = 0; i < n; i++)
				CHECK_EQ(got[i], span_lower(all[from + i]));
			CHECK(n == sizeof got || got[n] == '!');
		}
}

TEST(folding_is_ascii_only)
{
	for (int c = 0; c < 256; c++)
		CHECK_EQ(span_lower_tab[c], c >= 'A' && c <= 'Z' ? c + 32 : c);
}

TEST(equality_and_order)
{
	CHECK(span_eq(SPAN(""), SPAN_NONE));
	CHECK(span_eq(SPAN("ab"), SPAN("ab")));
	CHECK(!span_eq(SPAN("ab"), SPAN("aB")));
	CHECK(!span_eq(SPAN("ab"), SPAN("abc")));
	CHECK(span_ieq(SPAN("Host"), SPAN("hOST")));
	CHECK(!span_ieq(SPAN("[ab"), SPAN("{ab")));
	CHECK(span_is(SPAN("x"), "x"));
	CHECK(span_iis(SPAN("X"), "x"));
	CHECK(span_begins(SPAN("abc"), SPAN("ab")));
	CHECK(span_begins(SPAN("abc"), SPAN_NONE));
	CHECK(!span_begins(SPAN("a"), SPAN("ab")));
	CHECK(span_ends(SPAN("abc"), SPAN("bc")));
	CHECK(!span_ends(SPAN("c"), SPAN("bc")));
	CHECK_EQ(span_cmp(SPAN("a"), SPAN("a")), 0);
	CHECK(span_cmp(SPAN("a"), SPAN("ab")) < 0);
	CHECK(span_cmp(SPAN("b"), SPAN("ab")) > 0);
	CHECK(span_cmp(SPAN("\x80"), SPAN("a")) > 0);
	CHECK_EQ(span_cmp(SPAN_NONE, SPAN_NONE), 0);
	CHECK(span_cmp(SPAN_NONE, SPAN("a")) < 0);
}

/* Eight bytes at a time and one by one agree, wherever the difference is. */
TEST(case_is_folded_in_long_texts_as_in_short_ones)
{
	char a[24], b[24];

	for (size_t n = 8; n <= sizeof a; n++)
		for (int c = 0; c < 256; c++) {
			size_t at = (size_t)c % n;

			memset(a, 'x', sizeof a);
			memcpy(b, a, sizeof b);
			b[0] = 'X';
			for (int d = 0; d < 256; d++) {
				bool same = span_lower((char)c) ==
				    span_lower((char)d);

				a[at] = (char)c;
				b[at] = (char)d;
				if (span_ieq(span_of(a, n), span_of(b, n)) !=
				    same) {
					CHECK_EQ(c, d);
					return;
				}
			}
		}
	CHECK(span_ieq(SPAN("Long-Header-Name"), SPAN("lONG-hEADER-nAME")));
	CHECK(!span_ieq(SPAN("long_header"), SPAN("long-header")));
}

TEST(trimming)
{
	CHECK_SPAN(span_trim(SPAN(" \t a b\t ")), "a b");
	CHECK_SPAN(span_trim(SPAN("a")), "a");
	CHECK_EQ(span_trim(SPAN(" \t ")).n, 0);
	CHECK_EQ(span_trim(SPAN_NONE).n, 0);
	CHECK_SPAN(span_trim(SPAN("\r\n")), "\r\n");
}

TEST(searching)
{
	CHECK_EQ(span_find(SPAN("a:b:c"), ':'), 1);
	CHECK_EQ(span_rfind(SPAN("a:b:c"), ':'), 3);
	CHECK_EQ(span_find(SPAN("abc"), ':'), -1);
	CHECK_EQ(span_rfind(SPAN_NONE, ':'), -1);
	CHECK_EQ(span_find(SPAN_NONE, ':'), -1);
	CHECK_EQ(span_search(SPAN("aabab"), SPAN("bab")), 2);
	CHECK_EQ(span_search(SPAN("aab"), SPAN("bab")), -1);
	CHECK_EQ(span_search(SPAN("ab"), SPAN("abc")), -1);
	CHECK_EQ(span_search(SPAN("ab"), SPAN("")), 0);
	CHECK_EQ(span_search(SPAN_NONE, SPAN("a")), -1);
}

TEST(cutting)
{
	struct span rest = SPAN("a,,bc"), part;

	CHECK(span_cut(&rest, ',', &part));
	CHECK_SPAN(part, "a");
	CHECK(span_cut(&rest, ',', &part));
	CHECK_EQ(part.n, 0);
	CHECK(span_cut(&rest, ',', &part));
	CHECK_SPAN(part, "bc");
	CHECK(!span_cut(&rest, ',', &part));
	rest = SPAN("");
	CHECK(span_cut(&rest, ',', &part));
	CHECK_EQ(part.n, 0);
	CHECK(!span_cut(&rest, ',', &part));
	rest = SPAN("a,");
	CHECK(span_cut(&rest, ',', &part));
	CHECK(span_cut(&rest, ',', &part));
	CHECK_EQ(part.n, 0);
	CHECK(!span_cut(&rest, ',', &part));
}

TEST(a_folded_hash_is_the_hash_of_the_folded)
{
	static const size_t lengths[] = {
		0, 1, 3, 4, 8, 9, 16, 17, 128, 129, 240, 241, 255, 256, 257,
		511, 512, 513, 1024, 1500
	};
	char mixed[1500], lower[1500];

	for (size_t i = 0; i < sizeof(mixed); i++) {
		mixed[i] = (char)(i * 37 + i / 7);
		lower[i] = span_lower(mixed[i]);
	}
	for (size_t i = 0; i < NELEM(lengths); i++) {
		size_t n = lengths[i];

		CHECK(span_ihash(span_of(mixed, n)) ==
		    span_hash(span_of(lower, n)));
	}
	CHECK(span_hash(SPAN("a")) != span_hash(SPAN("A")));
	CHECK(span_hash(SPAN_NONE) == span_hash(SPAN("")));
	/* the value of XXH3 for no bytes: a new library must not change it */
	CHECK(span_hash(SPAN("")) == 0x2d06800538d394c2u);
}

TEST(joined_parts_are_cut_and_terminated)
{
	const struct span parts[] = { SPAN("ab"), SPAN_NONE, SPAN("cde") };
	char dst[8] = "zzzzzzz";

	CHECK_EQ(span_join(dst, sizeof dst, parts, 3), 5);
	CHECK_STR(dst, "abcde");
	CHECK_EQ(span_join(dst, 6, parts, 3), 5);
	CHECK_STR(dst, "abcde");
	CHECK_EQ(span_join(dst, 5, parts, 3), 5);
	CHECK_STR(dst, "abcd");
	CHECK_EQ(span_join(dst, 3, parts, 3), 5);
	CHECK_STR(dst, "ab");
	CHECK_EQ(span_join(dst, 2, parts, 3), 5);
	CHECK_STR(dst, "a");
	CHECK_EQ(span_join(dst, 1, parts, 3), 5);
	CHECK_STR(dst, "");
	dst[0] = 'z';
	CHECK_EQ(span_join(dst, 0, parts, 3), 5);
	CHECK_EQ(dst[0], 'z');
	CHECK_EQ(span_join(dst, sizeof dst, parts, 0), 0);
	CHECK_STR(dst, "");
}

TEST(copies_are_terminated)
{
	char small[4];
	char *p = span_dup(SPAN("ab"));

	CHECK_STR(p, "ab");
	free(p);
	p = span_dup(SPAN_NONE);
	CHECK_STR(p, "");
	free(p);
	CHECK(span_copy(small, sizeof(small), SPAN("abc")));
	CHECK_STR(small, "abc");
	CHECK(!span_copy(small, sizeof(small), SPAN("wxyz")));
	CHECK_STR(small, "wxy");
	CHECK(span_copy(small, sizeof(small), SPAN_NONE));
	CHECK_STR(small, "");
	CHECK(!span_copy(small, 0, SPAN_NONE));
}
