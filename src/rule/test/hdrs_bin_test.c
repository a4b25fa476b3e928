/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of headers in binary: lengths of one byte and more, ends, damage.
 */
#include <base/test.h>

#include "../act_hdrs_bin.c"

TEST(a_length_is_what_its_bytes_say)
{
	static const struct { const char *in; size_t n; uint64_t v; } rows[] = {
		{ "\x00", 1, 0 }, { "\x01", 1, 1 }, { "\xef", 1, 239 },
		{ "\xf0\x00", 2, 240 }, { "\xf1\x00", 2, 241 },
		{ "\xf0\x01", 2, 256 }, { "\xff\x7f", 2, 2287 },
		{ "\xf0\x80\x00", 3, 2288 }, { "\xff\xff\x7f", 3, 264431 },
		{ "\xf0\x80\x80\x00", 4, 264432 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct span in = span_of(rows[i].in, rows[i].n);
		uint64_t v = 0;

		CHECK(hdrs_bin_length(&in, &v));
		CHECK_EQ(v, rows[i].v);
		CHECK_EQ(in.n, 0);
		in = span_of(rows[i].in, rows[i].n - 1);
		CHECK(!hdrs_bin_length(&in, &v));
	}
}

TEST(a_length_that_never_ends_is_refused)
{
	static const char many[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
	struct span in = span_of(many, sizeof many - 1);
	uint64_t v;

	CHECK(!hdrs_bin_length(&in, &v));
}

TEST(a_list_is_headers_and_an_end)
{
	static const struct {
		const char *in;
		size_t n;
		unsigned headers;
		enum hdrs_bin last;
	} rows[] = {
#define LIST(bytes, headers, last)                                           \
	{ bytes, sizeof bytes - 1, headers, HDRS_BIN_##last }
		LIST("", 0, END), LIST("\0\0", 0, END),
		LIST("\1a\1b\0\0", 1, END), LIST("\1a\1b", 1, END),
		LIST("\1a\0\2bc\1d\0\0", 2, END),
		LIST("\1a\1b\0\0\1c\1d", 1, END),
		LIST("\1a\2b", 0, BAD), LIST("\1a", 0, BAD),
		LIST("\0\1b", 0, BAD), LIST("\5ab", 0, BAD),
		LIST("\1a\1b\xff", 1, BAD), LIST("\1a\1b\0", 1, BAD),
#undef LIST
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct span in = span_of(rows[i].in, rows[i].n), name, value;
		unsigned n = 0;
		enum hdrs_bin got;

		while ((got = hdrs_bin_next(&in, &name, &value)) ==
		    HDRS_BIN_ONE)
			n++;
		CHECK_EQ(n, rows[i].headers);
		CHECK_EQ(got, rows[i].last);
	}
}

TEST(names_match_by_each_method)
{
	static const struct {
		const char *have, *name;
		uint8_t match;
		bool yes;
	} rows[] = {
		{ "X-One", "x-one", MATCH_STR, true },
		{ "X-One", "x-on", MATCH_STR, false },
		{ "X-One", "x-", MATCH_BEG, true },
		{ "X-One", "one", MATCH_BEG, false },
		{ "X-One", "ONE", MATCH_END, true },
		{ "X-One", "x-", MATCH_END, false },
		{ "X-One", "-o", MATCH_SUB, true },
		{ "X-One", "two", MATCH_SUB, false },
		{ "X", "x-one", MATCH_SUB, false },
	};

	for (size_t i = 0; i < NELEM(rows); i++)
		CHECK_EQ(name_matches(span_str(rows[i].have),
		    span_str(rows[i].name), rows[i].match), rows[i].yes);
}
