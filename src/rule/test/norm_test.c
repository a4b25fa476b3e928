/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalizers: what each does to a text.
 */
#include <base/test.h>

#include "../act_norm.c"

TEST(each_normalizer)
{
	static const struct {
		enum norm kind;
		bool option;
		const char *in, *out;   /* NULL: refused */
	} rows[] = {
		{ FRAGMENT_ENCODE, 0, "/#foo#", "/%23foo%23" },
		{ FRAGMENT_STRIP, 0, "/#foo", "/" }, { FRAGMENT_STRIP, 0, "/x", "/x" },
		{ MERGE_SLASHES, 0, "//", "/" }, { MERGE_SLASHES, 0, "/a///b/", "/a/b/" },
		{ STRIP_DOT, 0, "/.", "/" }, { STRIP_DOT, 0, "/./bar/", "/bar/" },
		{ STRIP_DOT, 0, "/a/./a", "/a/a" }, { STRIP_DOT, 0, "/a/.", "/a/" },
		{ STRIP_DOT, 0, "/.well-known/", "/.well-known/" },
		{ STRIP_DOTDOT, 0, "/foo/../", "/" }, { STRIP_DOTDOT, 0, "/foo/..", "/" },
		{ STRIP_DOTDOT, 0, "/foo/../bar/", "/bar/" },
		{ STRIP_DOTDOT, 0, "/foo/bar/../", "/foo/" },
		{ STRIP_DOTDOT, 0, "/../bar/", "/../bar/" },
		{ STRIP_DOTDOT, 0, "/bar/../../", "/../" },
		{ STRIP_DOTDOT, 0, "/bar/../../..", "/../../" },
		{ STRIP_DOTDOT, 0, "/..", "/../" }, { STRIP_DOTDOT, 0, "/a/b..", "/a/b.." },
		{ STRIP_DOTDOT, 0, "/foo//../", "/foo/" },
		{ STRIP_DOTDOT, 0, "/foo/%2E%2E/", "/foo/%2E%2E/" },
		{ STRIP_DOTDOT, 0, "/a/..b/.../c", "/a/..b/.../c" },
		{ STRIP_DOTDOT, 1, "/../bar/", "/bar/" },
		{ STRIP_DOTDOT, 1, "/bar/../../", "/" }, { STRIP_DOTDOT, 1, "/..", "/" },
		{ DECODE_UNRESERVED, 0, "/%61dmin", "/admin" },
		{ DECODE_UNRESERVED, 0, "/foo%3Fbar=baz", "/foo%3Fbar=baz" },
		{ DECODE_UNRESERVED, 0, "/%%36%36", "/%66" },
		{ DECODE_UNRESERVED, 0, "/%ZZ%", "/%ZZ%" },
		{ DECODE_UNRESERVED, 1, "/%%36%36", NULL },
		{ DECODE_UNRESERVED, 1, "/%6", NULL },
		{ TO_UPPERCASE, 0, "/%6f%3fx", "/%6F%3Fx" },
		{ TO_UPPERCASE, 0, "/%zz", "/%zz" }, { TO_UPPERCASE, 1, "/%zz", NULL },
		{ SORT_BY_NAME, 0, "c=3&a=1&b=2", "a=1&b=2&c=3" },
		{ SORT_BY_NAME, 0, "aaa=3&a=1&aa=2", "a=1&aa=2&aaa=3" },
		{ SORT_BY_NAME, 0, "a=3&b=4&a=1&b=5&a=2", "a=3&a=1&a=2&b=4&b=5" },
		{ SORT_BY_NAME, 0, "b&&a", "&a&b" },
		{ SORT_BY_NAME, 0, "b&a&", "a&b" }, { SORT_BY_NAME, 0, "&", "" },
		{ SORT_BY_NAME, 0, "b&&a&&", "&&a&b" },
		{ SORT_BY_NAME, 0, "b=2&a=1&b=1&a", "a=1&a&b=2&b=1" },
		{ SORT_BY_NAME, 0, "a-b&a=1", "a=1&a-b" },
	};
	struct arena a;
	char out[128];

	arena_init(&a, 0);
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct norm_cfg c = { (uint8_t)rows[i].kind, rows[i].option };
		size_t n = normalize(&c, &a, span_str(rows[i].in), out);

		if (rows[i].out == NULL) {
			CHECK(n == SIZE_MAX);
			continue;
		}
		CHECK(n < sizeof out);
		out[n] = '\0';
		if (!CHECK_STR(out, rows[i].out))
			printf("    of '%s'\n", rows[i].in);
	}
	arena_reset(&a);
}
