/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_eval_test - conditions, compared row by row with HAProxy 2.6 where
 * that has the predicate.
 */
#include "../conf_eval.c"

#include <base/test.h>

static const struct { const char *cond; int truth, col; } rows[] = {
	{ "", 0, 0 },
	{ "0", 0, 0 }, { "1", 1, 0 }, { "12", 1, 0 }, { "00", 0, 0 },
	{ "-1", 1, 0 }, { "0x10", 1, 0 }, { "010", 1, 0 },
	{ "1a", -1, 2 },
	{ "!0", 1, 0 }, { "! 1", 0, 0 }, { "!!1", 1, 0 }, { "!", -1, 2 },
	{ "1 && 1", 1, 0 }, { "1&&0", 0, 0 }, { "0||1", 1, 0 },
	{ "0 || 1 && 0", 0, 0 }, { "1 || 0 && 0", 1, 0 },
	{ "(0) || (1)", 1, 0 }, { "((1))", 1, 0 }, { "!(1) || 1", 1, 0 },
	{ "(1 || 1) && 0", 0, 0 },
	{ "(1", -1, 1 }, { "1)", -1, 2 }, { "1&&", -1, 4 },
	{ "1 & 1", -1, 3 }, { "1 | 1", -1, 3 }, { "1 &&& 1", -1, 5 },
	/* what cannot change the answer is still read */
	{ "1 || foo", -1, 6 }, { "0 && foo", -1, 6 }, { "1 || bar(", -1, 6 },
	{ "foo", -1, 1 }, { "foo(1)", -1, 1 },
	{ "streq(a,a)", 1, 0 }, { "streq(a,b)", 0, 0 }, { "streq(,)", 1, 0 },
	{ "streq( a,a)", 0, 0 }, { "streq(a,a )", 0, 0 },
	{ "streq(\"a,b\",\"a,b\")", 1, 0 }, { "streq(\"a)\",'a)')", 1, 0 },
	{ "streq(a\\,b,\"a,b\")", 1, 0 },
	{ "streq(a)", -1, 8 }, { "streq(a,b,c)", -1, 10 },
	{ "streq (a,a)", -1, 6 }, { "streq(a,b", -1, 10 },
	{ "strneq(a,b)", 1, 0 }, { "strneq(a,a)", 0, 0 },
	{ "strstr(canal,nal)", 1, 0 }, { "strstr(canal,x)", 0, 0 },
	{ "defined(CE_SET)", 1, 0 }, { "defined(CE_NONE)", 0, 0 },
	{ "defined", 0, 0 }, { "defined()", 0, 0 },
	{ "defined(CE_SET) x", -1, 17 }, { "defined(A,B)", -1, 10 },
	{ "feature(EPOLL)", 1, 0 }, { "feature(epoll)", 0, 0 },
	{ "feature(LUA)", 0, 0 }, { "feature(NO_SUCH)", 0, 0 },
	{ "enabled(EPOLL)", 1, 0 }, { "enabled(KQUEUE)", 0, 0 },
	{ "enabled(X)", 0, 0 },
	{ "version_atleast(3.5)", 1, 0 }, { "version_atleast(3.5-dev5)", 1, 0 },
	{ "version_atleast(2.6.12-1+deb)", 1, 0 },
	{ "version_atleast(3.5.1)", 0, 0 }, { "version_atleast(3.6-dev0)", 0, 0 },
	{ "version_atleast(4)", 0, 0 }, { "version_atleast(abc)", 1, 0 },
	{ "version_before(3.6)", 1, 0 }, { "version_before(3.5-dev5)", 0, 0 },
	{ "awslc_api_atleast(1)", 0, 0 }, { "fips_mode()", 0, 0 },
	{ "openssl_version_atleast(99.0.0)", 0, 0 },
};

TEST(conditions)
{
	setenv("CE_SET", "", 1);
	unsetenv("CE_NONE");
	for (size_t i = 0; i < NELEM(rows); i++) {
		const char *err = NULL;
		int col = 0, truth;

		truth = conf_eval(span_str(rows[i].cond), &err, &col);
		if (truth != rows[i].truth || col != rows[i].col)
			printf("condition: %s\n", rows[i].cond);
		CHECK_EQ(truth, rows[i].truth);
		CHECK_EQ(col, rows[i].col);
		CHECK((truth < 0) == (err != NULL));
	}
}

TEST(depth_is_bounded)
{
	char deep[400];
	int col;

	memset(deep, '(', 200);
	deep[200] = '1';
	memset(deep + 201, ')', 199);
	deep[399] = '\0';
	CHECK_EQ(conf_eval(span_str(deep), NULL, &col), -1);
	CHECK_EQ(col, 65);
}
