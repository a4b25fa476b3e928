/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns: indexes of each method, files, changes at run time.
 */
#include <base/test.h>

#include "../pat_index.c"
#include "../pat_ref.c"
#include "../pat_change.c"

#include "expr_try.h"

#define ROWS_MAX 3000

/* Rows in one string, separated by blanks, and an index over them. */
struct rows {
	struct pat_row row[ROWS_MAX];
	struct pat_index *x;
	uint32_t n;
	const char *err;
};

static bool
rows_init(struct rows *r, enum acl_match m, bool icase, const char *text)
{
	struct span rest = span_str(text), one;

	memset(r, 0, sizeof *r);
	r->x = pat_index_new(m, icase, 0);
	while (span_cut(&rest, ' ', &one)) {
		r->row[r->n].key = one.p;
		r->row[r->n].key_n = (uint32_t)one.n;
		if (!pat_index_add(r->x, r->row, r->n, &r->err))
			return (false);
		r->n++;
	}
	return (true);
}

static long
rows_find(struct rows *r, enum acl_match m, const char *text, bool first)
{
	struct smp s = { .type = SMP_STR, .str = span_str(text) };
	struct addr_net net;
	uint32_t no;
	size_t len;

	if (m == ACL_INT)
		s.num = strtoll(text, NULL, 10);
	if (m == ACL_IP) {
		CHECK(addr_net_parse(s.str, &net));
		s.addr = net.addr;
	}
	no = pat_index_find(r->x, r->row, &s, first, &len);
	return (no == PAT_MISS ? -1 : (long)no);
}

TEST(each_method_finds_the_row_that_counts)
{
	/* few texts are compared one by one, more are hashed: both */
	static const struct {
		enum acl_match m;
		bool icase, first;
		const char *rows, *text;
		long want;
	} t[] = {
		{ ACL_STR, 0, 0, "a b", "b", 1 }, { ACL_STR, 0, 0, "a b", "B", -1 },
		{ ACL_STR, 1, 0, "a b c d E f", "e", 4 },
		{ ACL_STR, 0, 0, "a b c d e f a", "a", 0 },
		{ ACL_STR, 0, 0, "a b c d e f", "", -1 },
		{ ACL_BEG, 0, 0, "/a /a/b", "/a/b/c", 1 },
		{ ACL_BEG, 0, 1, "/a /a/b", "/a/b/c", 0 },
		{ ACL_BEG, 0, 0, "/a /a/b /x /y /z /a/b", "/a/b", 1 },
		{ ACL_BEG, 0, 1, "/a /a/b /x /y /z /", "/a/b", 0 },
		{ ACL_BEG, 1, 0, "/a /a/B /x /y /z /", "/A/b", 1 },
		{ ACL_BEG, 0, 0, "/a /a/b /x /y /z", "/", -1 },
		{ ACL_BEG, 0, 0, "/a /a/b /x /y /z ", "q", 5 },
		{ ACL_END, 0, 1, ".gif f .x .y .z", "a.gif", 0 },
		{ ACL_END, 0, 1, "f .gif .x .y .z", "a.gif", 0 },
		{ ACL_END, 0, 0, "f .gif .x .y .z", "a.gif", 1 },
		{ ACL_END, 0, 0, "f .gif .x .y .z", "gi", -1 },
		{ ACL_SUB, 0, 0, "b ab", "xab", 0 }, { ACL_SUB, 1, 0, "q AB", "xab", 1 },
		{ ACL_SUB, 0, 0, "q ab", "xa", -1 }, { ACL_SUB, 0, 0, "q ", "", 1 },
		{ ACL_DIR, 0, 0, "b /a/b", "/a/b/c", 0 },
		{ ACL_DIR, 0, 0, "c/ /a/b", "/a/b", 1 },
		{ ACL_DIR, 0, 0, "/ c", "/a/b", -1 },
		{ ACL_DOM, 1, 0, ".Org example", "www.example.org:80", 0 },
		{ ACL_DOM, 0, 0, "xample rg", "www.example.org", -1 },
		{ ACL_INT, 0, 0, "1:5 3 2:9", "3", 0 }, { ACL_INT, 0, 0, "1:5 2:9", "7", 1 },
		{ ACL_INT, 0, 0, "9: :0 3", "-4", 1 }, { ACL_INT, 0, 0, "9: :0 3", "5", -1 },
		{ ACL_INT, 0, 0, "1 2 3 4 5 6 7 8 1:9 10:20", "9", 8 },
		{ ACL_IP, 0, 0, "10.0.0.0/8 10.1.0.0/16", "10.1.2.3", 1 },
		{ ACL_IP, 0, 0, "10.0.0.0/8 10.1.0.0/16", "10.2.2.3", 0 },
		{ ACL_IP, 0, 0, "0.0.0.0/0 1.2.3.4", "9.9.9.9", 0 },
		{ ACL_IP, 0, 0, "1.2.3.0/24 2001:db8::/32", "2001:db8::1", 1 },
		{ ACL_IP, 0, 0, "1.2.3.0/24", "::ffff:1.2.3.4", 0 },
		{ ACL_IP, 0, 0, "1.2.3.0/24", "2002:102:304::", 0 },
		{ ACL_IP, 0, 0, "1.2.3.0/24", "::1.2.3.4", 0 },
		{ ACL_IP, 0, 0, "::ffff:1.2.0.0/112", "1.2.3.4", 0 },
		{ ACL_IP, 0, 0, "1.2.3.0/24", "1.2.4.0", -1 },
		{ ACL_IP, 0, 0, "1.0.3.0/255.0.255.0", "1.9.3.9", 0 },
		{ ACL_IP, 0, 0, "1.0.3.0/255.0.255.0", "1.9.4.9", -1 },
		{ ACL_IP, 0, 0, "1.7.3.7/255.0.255.0", "::ffff:1.9.3.9", 0 },
		{ ACL_IP, 0, 0, "1.0.3.0/255.0.255.0 1.0.0.0/8", "1.9.3.9",
		    1 },
		{ ACL_IP, 0, 0, "0.0.0.1/0.0.0.1 1.0.3.0/255.0.255.0",
		    "1.9.3.9", 0 },
		{ ACL_BIN, 0, 0, "6162 63", "c", 1 }, { ACL_BIN, 0, 0, "6A", "j", 0 },
		{ ACL_REG, 0, 0, "^b a+ a", "xa", 1 }, { ACL_REG, 0, 0, "^b", "ab", -1 },
		{ ACL_LEN, 0, 0, "5 1:3", "ab", 1 },
	};
	struct rows r;

	for (size_t i = 0; i < NELEM(t); i++) {
		CHECK(rows_init(&r, t[i].m, t[i].icase, t[i].rows));
		if (!CHECK_EQ(rows_find(&r, t[i].m, t[i].text, t[i].first),
		    t[i].want))
			printf("    %s of '%s' in '%s'\n",
			    acl_match_names[t[i].m], t[i].text, t[i].rows);
		pat_index_free(r.x);
	}
}

/* Results of these are remembered: what changes must show at once. */
TEST(remembered_results_follow_the_rows)
{
	static const char *const subs = "q0 q1 q2 q3 q4 q5 q6 q7 q8 q9 qa qb "
	    "qc qd qe qf a1 1";
	static const struct {
		enum acl_match m;
		const char *rows;
		uint32_t first, then;   /* that match "/a1" */
	} t[] = {
		{ ACL_REG, "^x ^/a[0-9] 1$ ^/$", 1, 2 },
		{ ACL_SUB, NULL, 16, 17 },
	};
	struct rows r;

	for (size_t i = 0; i < NELEM(t); i++) {
		CHECK(rows_init(&r, t[i].m, false, t[i].rows != NULL ?
		    t[i].rows : subs));
		for (int k = 0; k < 2; k++) {
			CHECK_EQ(rows_find(&r, t[i].m, "/a1", true),
			    t[i].first);
			CHECK_EQ(rows_find(&r, t[i].m, "/zz", true), -1);
		}
		r.row[t[i].first].dead = true;
		for (int k = 0; k < 2; k++)
			CHECK_EQ(rows_find(&r, t[i].m, "/a1", true),
			    t[i].then);
		r.row[t[i].then].dead = true;
		CHECK_EQ(rows_find(&r, t[i].m, "/a1", true), -1);
		r.row[r.n].key = "zz";
		r.row[r.n].key_n = 2;
		CHECK(pat_index_add(r.x, r.row, r.n, &r.err));
		CHECK_EQ(rows_find(&r, t[i].m, "/zz", true), r.n);
		CHECK_EQ(rows_find(&r, t[i].m, "/a1", true), -1);
		pat_index_free(r.x);
	}
}

TEST(what_is_no_pattern_is_refused)
{
	static const struct { enum acl_match m; const char *text; } t[] = {
		{ ACL_INT, "x" }, { ACL_INT, "5:1" }, { ACL_INT, ":" },
		{ ACL_IP, "1.2.3.4.5" }, { ACL_IP, "1.2.3.4/33" }, { ACL_BIN, "123" },
		{ ACL_BIN, "xx" }, { ACL_REG, "(" }, { ACL_BOOL, "1" },
	};
	struct rows r;

	for (size_t i = 0; i < NELEM(t); i++) {
		CHECK(!rows_init(&r, t[i].m, false, t[i].text));
		CHECK(r.err != NULL);
		pat_index_free(r.x);
	}
}

TEST(a_deleted_row_uncovers_the_next_of_the_same_text)
{
	struct rows r;

	CHECK(rows_init(&r, ACL_STR, false, "a b c d e a f a"));
	CHECK_EQ(rows_find(&r, ACL_STR, "a", false), 0);
	r.row[0].dead = true;
	CHECK_EQ(rows_find(&r, ACL_STR, "a", false), 5);
	r.row[5].dead = true;
	CHECK_EQ(rows_find(&r, ACL_STR, "a", false), 7);
	r.row[7].dead = true;
	CHECK_EQ(rows_find(&r, ACL_STR, "a", false), -1);
	pat_index_free(r.x);
}

TEST(many_rows_are_found_as_one_by_one)
{
	static const enum acl_match methods[] = { ACL_STR, ACL_BEG, ACL_END,
	    ACL_SUB, ACL_DIR, ACL_DOM };
	static char text[ROWS_MAX][16], probe[24];
	struct rows r;
	uint32_t seed = 7;

	for (size_t k = 0; k < NELEM(methods); k++) {
		memset(&r, 0, sizeof r);
		r.x = pat_index_new(methods[k], false, 0);
		for (uint32_t i = 0; i < ROWS_MAX; i++) {
			seed = seed * 1103515245 + 12345;
			snprintf(text[i], sizeof text[i], "%x/%x",
			    seed >> 16 & 63, seed >> 24 & 31);
			r.row[i].key = text[i];
			r.row[i].key_n = (uint32_t)strlen(text[i]);
			CHECK(pat_index_add(r.x, r.row, i, &r.err));
		}
		for (uint32_t i = 0; i < 500; i++) {
			long want = -1;

			seed = seed * 1103515245 + 12345;
			snprintf(probe, sizeof probe, "%x/%x.%x",
			    seed >> 16 & 63, seed >> 24 & 31, seed & 15);
			for (uint32_t n = 0; n < ROWS_MAX && want < 0; n++) {
				struct rows one;

				memset(&one, 0, offsetof(struct rows, row[1]));
				one.x = pat_index_new(methods[k], false, 1);
				one.row[0] = r.row[n];
				(void)pat_index_add(one.x, one.row, 0, &one.err);
				if (rows_find(&one, methods[k], probe,
				    true) == 0)
					want = n;
				pat_index_free(one.x);
			}
			CHECK_EQ(rows_find(&r, methods[k], probe, true), want);
		}
		pat_index_free(r.x);
	}
}

TEST(rows_added_at_once_are_found_as_if_one_by_one)
{
	static const enum acl_match methods[] = { ACL_STR, ACL_BEG, ACL_END,
	    ACL_SUB, ACL_DIR, ACL_DOM, ACL_BIN };
	static char text[ROWS_MAX][16];
	static struct rows r, whole;
	uint32_t bad;

	for (size_t k = 0; k < NELEM(methods); k++)
		for (uint32_t n = 1; n <= ROWS_MAX; n += n < 10 ? 1 : 37) {
			memset(&r, 0, sizeof r);
			r.x = pat_index_new(methods[k], false, n);
			whole.x = pat_index_new(methods[k], false, n);
			for (uint32_t i = 0; i < n; i++) {
				snprintf(text[i], sizeof text[i], "%04x",
				    i * 7 % 90);
				r.row[i].key = text[i];
				r.row[i].key_n = 4;
				r.row[i].dead = i % 11 == 3;
				if (!r.row[i].dead)
					CHECK(pat_index_add(r.x, r.row, i,
					    &r.err));
			}
			memcpy(whole.row, r.row, sizeof whole.row);
			CHECK(pat_index_fill(whole.x, whole.row, n, &bad,
			    &whole.err));
			for (uint32_t i = 0; i < n; i++)
				CHECK_EQ(rows_find(&whole, methods[k], text[i],
				    true), rows_find(&r, methods[k], text[i],
				    true));
			pat_index_free(r.x);
			pat_index_free(whole.x);
		}
}

/* ---- references ---- */

static struct pat_ref *
file_ref(struct try *t, const char *text, bool map)
{
	static const char path[] = "pat_test.lst";
	FILE *f = fopen(path, "w");
	struct conf_line *l = try_line(t, "x pat_test.lst");
	struct pat_ref *r;

	fputs(text, f);
	fclose(f);
	r = pat_ref_file(l, &l->word[1], l->word[1].text, map);
	remove(path);
	return (r);
}

/* "key=value key2=" of a version, in order. */
static const char *
listing(struct pat_ref *r, uint32_t ver)
{
	static char out[512];
	struct pat_row *row;
	uint64_t at = 0;
	size_t n = 0;

	out[0] = '\0';
	while ((row = pat_each(r, ver, &at)) != NULL)
		n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s=%.*s",
		    n == 0 ? "" : " ", SPAN_FMT(pat_key(row)),
		    SPAN_FMT(pat_value(row)));
	return (out);
}

static const char *
value_of(const struct pat_use *u, const char *key)
{
	struct smp s = { .type = SMP_STR, .str = span_str(key) };
	static char out[64];
	const struct pat_row *row;
	uint32_t no;

	if ((row = pat_find(u, &s, NULL, &no)) == NULL)
		return ("-");
	snprintf(out, sizeof out, "%.*s", SPAN_FMT(pat_value(row)));
	return (out);
}

TEST(a_map_file_has_comments_blanks_and_values_with_blanks)
{
	struct try t;
	struct pat_ref *r;

	try_init(&t);
	r = file_ref(&t, "# c\n\n  a  one two \t\r\nb\n\t\n #x y\nc\t3",
	    true);
	CHECK_STR(listing(r, 0), "a=one two b= #x=y c=3");
	CHECK(file_ref(&t, "", true) == r);
	CHECK(file_ref(&t, "", false) == NULL);
	CHECK(strstr(t.error, "two column file") != NULL);
	try_fini(&t);
}

TEST(a_line_that_is_no_pattern_is_named)
{
	struct try t;
	struct pat_ref *r;
	const char *err = "";

	try_init(&t);
	r = file_ref(&t, "#\n1 5\n\nx 6\n3 y\n", true);
	CHECK(pat_use_get(r, ACL_INT, false, PAT_VIEW_STR, &err) == NULL);
	CHECK(strstr(err, "pat_test.lst:4: 'x' is no pattern") != NULL);
	CHECK(pat_use_get(r, ACL_STR, false, PAT_VIEW_INT, &err) == NULL);
	CHECK(strstr(err, "pat_test.lst:5: 'y': expected a number") != NULL);
	try_fini(&t);
}

TEST(rows_change_at_run_time)
{
	struct try t;
	struct pat_ref *r;
	struct pat_use *u, *b;
	struct pat_part *part;
	struct pat_row *row;
	const char *err;

	try_init(&t);
	r = file_ref(&t, "a 1\nb 2\na 3\n", true);
	u = pat_use_get(r, ACL_STR, false, PAT_VIEW_STR, &err);
	b = pat_use_get(r, ACL_BEG, false, PAT_VIEW_STR, &err);
	CHECK(pat_by_key(r));
	CHECK_STR(value_of(u, "a"), "1");
	CHECK(pat_add(r, 0, 0, SPAN("c"), SPAN("4"), &err));
	CHECK(pat_add(r, 0, 0, SPAN("ax"), SPAN("5"), &err));
	CHECK_STR(value_of(u, "c"), "4");
	CHECK_STR(value_of(b, "axy"), "5");
	CHECK_STR(value_of(b, "ab"), "1");
	row = pat_row_at(r, 1, &part);
	CHECK(row != NULL && part->base);
	CHECK(pat_set(r, row, SPAN("one"), &err));
	CHECK_STR(value_of(u, "a"), "one");
	pat_del(r, row, part);
	CHECK_STR(value_of(u, "a"), "3");
	CHECK_EQ(pat_drop(r, SPAN("a")), 1);
	CHECK_STR(value_of(u, "a"), "-");
	CHECK_EQ(pat_drop(r, SPAN("a")), 0);
	CHECK(pat_put(r, 0, SPAN("c"), SPAN("44"), &err));
	CHECK(pat_put(r, 0, SPAN("d"), SPAN("7"), &err));
	CHECK_STR(listing(r, 0), "b=2 c=44 ax=5 d=7");
	CHECK_EQ(pat_count(r), 4);
	CHECK(pat_row_at(r, 1, &part) == NULL);
	CHECK(pat_row_at(r, 6, &part) != NULL);
	pat_clear(r, 0);
	CHECK_STR(listing(r, 0), "");
	CHECK_STR(value_of(b, "axy"), "-");
	CHECK(pat_add(r, 0, 0, SPAN("n"), SPAN("1"), &err));
	CHECK_STR(value_of(u, "n"), "1");
	try_fini(&t);
}

TEST(versions_come_into_force_at_once)
{
	struct try t;
	struct pat_ref *r;
	struct pat_use *u;
	const char *err;

	try_init(&t);
	r = file_ref(&t, "a 1\nb 2\n", true);
	u = pat_use_get(r, ACL_STR, false, PAT_VIEW_STR, &err);
	CHECK(pat_add(r, 1, 0, SPAN("a"), SPAN("x"), &err));
	CHECK(pat_add(r, 2, 0, SPAN("a"), SPAN("y"), &err));
	CHECK(pat_add(r, 3, 0, SPAN("a"), SPAN("z"), &err));
	CHECK_STR(value_of(u, "a"), "1");
	CHECK_STR(listing(r, 2), "a=y");
	CHECK_EQ(pat_count(r), 5);
	pat_commit(r, 2);
	CHECK_STR(value_of(u, "a"), "y");
	CHECK_STR(value_of(u, "b"), "-");
	CHECK_STR(listing(r, 1), "");
	CHECK_STR(listing(r, 3), "a=z");
	pat_clear(r, 3);
	CHECK_STR(listing(r, 3), "");
	pat_commit(r, 4);
	CHECK_STR(listing(r, 4), "");
	CHECK_EQ(pat_count(r), 0);
	try_fini(&t);
}

TEST(a_row_that_some_user_cannot_read_is_refused_for_all)
{
	struct try t;
	struct pat_ref *r;
	struct pat_use *u;
	const char *err = "";

	try_init(&t);
	r = file_ref(&t, "1 5\n", true);
	u = pat_use_get(r, ACL_STR, false, PAT_VIEW_STR, &err);
	CHECK(pat_use_get(r, ACL_INT, false, PAT_VIEW_INT, &err) != NULL);
	CHECK(!pat_add(r, 0, 0, SPAN("x"), SPAN("1"), &err));
	CHECK(!pat_add(r, 0, 0, SPAN("2"), SPAN("x"), &err));
	CHECK(strstr(err, "not a number") != NULL);
	CHECK_STR(value_of(u, "x"), "-");
	CHECK_STR(listing(r, 0), "1=5");
	try_fini(&t);
}

TEST(a_part_full_of_deleted_rows_is_written_anew)
{
	struct try t;
	struct pat_ref *r;
	struct pat_use *u;
	char key[16];
	const char *err;

	try_init(&t);
	r = file_ref(&t, "", true);
	u = pat_use_get(r, ACL_STR, false, PAT_VIEW_STR, &err);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "k%d", i);
		CHECK(pat_put(r, 0, span_str(key), SPAN("v"), &err));
		if (i >= 10) {
			snprintf(key, sizeof key, "k%d", i - 10);
			CHECK_EQ(pat_drop(r, span_str(key)), 1);
		}
	}
	CHECK(r->cur->n < 200);
	CHECK_STR(value_of(u, "k995"), "v");
	CHECK_STR(value_of(u, "k5"), "-");
	CHECK_EQ(pat_count(r), 10);
	try_fini(&t);
}
