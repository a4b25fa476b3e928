/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: match methods, operators, names, indexes, errors.
 */
#include <base/test.h>

#include <expr/index.h>

#include "expr_int.h"
#include "expr_try.h"

/* 1 true, 0 false, -1 refused. */
static int
holds(struct try *t, const char *text)
{
	struct conf_line *l = try_line(t, text);
	static struct px *px;
	struct cond *c;

	px = px_find(t->model, SPAN("f"), PX_FE);
	if (!cond_parse(l, px, SMP_ANYWHERE, &c))
		return (-1);
	return (cond_true(c, &t->txn));
}

static void
start(struct try *t)
{
	static const char *const headers[] = { "Host: www.Example.org",
	    "X-List: a, bb ,ccc", "X-N: 5", NULL };

	try_init(t);
	CHECK(try_load(t, "frontend f\n\tmode http\n"
	    "\tacl api path_beg /api/\n\tacl api path /v2\n"
	    "\tacl local src 127.0.0.0/8\n"));
	try_request(t, "GET", "/api/x.y/z.png?q=1", headers);
}

TEST(match_methods)
{
	static const struct { const char *cond; int want; } rows[] = {
		{ "if { path /api/x.y/z.png }", 1 }, { "if { path /API/ }", 0 },
		{ "if { path -i /API/X.Y/Z.PNG }", 1 },
		{ "if { path_beg /x /api }", 1 }, { "if { path_beg /ap/ }", 0 },
		{ "if { path_end .jpg .png }", 1 }, { "if { path_end png. }", 0 },
		{ "if { path_sub x.y }", 1 }, { "if { path_sub q=1 }", 0 },
		{ "if { path_dir x.y }", 1 }, { "if { path_dir /x.y/ }", 1 },
		{ "if { path_dir x }", 0 }, { "if { path_dir x.y/z.png }", 1 },
		{ "if { path_dir api/x.y }", 1 },
		{ "if { hdr_dom(host) -i example }", 1 },
		{ "if { hdr_dom(host) -i exam }", 0 },
		{ "if { hdr_dom(host) -i .example.org }", 1 },
		{ "if { path_reg ^/api/.*png$ }", 1 },
		{ "if { path_reg -i ^/API }", 1 }, { "if { path_reg ^x }", 0 },
		{ "if { path_len 14 }", 1 }, { "if { path_len gt 20 }", 0 },
		{ "if { path -m len 10:20 }", 1 },
		{ "if { hdr(x-list) bb }", 1 }, { "if { hdr(x-list) b }", 0 },
		{ "if { hdr(x-list) ccc }", 1 },
		{ "if { hdr_len(x-list) 3 }", 1 },
		{ "if { hdr(x-list,2) a }", 0 },
		{ "if { hdr(x-list),upper BB }", 1 },
		{ "if { hdr_val(x-n) gt 4 }", 1 },
		{ "if { hdr_val(x-n) 1:3 5: }", 1 },
		{ "if { hdr_val(x-n) lt 5 }", 0 },
		{ "if { hdr_val(x-n) le 5 }", 1 },
		{ "if { hdr(x-none) -m found }", 0 },
		{ "if { hdr(x-list) -m found }", 1 },
		{ "if { hdr(x-n) -m int 5 }", 1 },
		{ "if { hdr(x-n) -m bool }", 1 },
		{ "if { hdr(x-n) -m bin 35 }", 1 },
		{ "if { src 10.0.0.0/8 }", 1 }, { "if { src 11.0.0.0/8 }", 0 },
		{ "if { src ::ffff:10.0.0.7 }", 1 },
		{ "if { src 1.1.1.1 2.2.2.2 3.0.0.0/8 4.4.4.4 10.0.0.0/9 }", 1 },
		{ "if { src_port 1000:2000 }", 1 },
		{ "if { method get }", 0 }, { "if { method -i get }", 1 },
		{ "if { method GET }", 1 }, { "if { method POST PUT }", 0 },
		{ "if { always_true }", 1 }, { "if { always_false }", 0 },
		{ "if { path_beg -- -i }", 0 },
		{ "if { path_beg /api/ -m str }", 1 },
	};
	struct try t;

	start(&t);
	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK_EQ(holds(&t, rows[i].cond), rows[i].want))
			printf("    in '%s': %s\n", rows[i].cond, t.error);
	try_fini(&t);
}

TEST(operators_and_names)
{
	static const struct { const char *cond; int want; } rows[] = {
		{ "if TRUE", 1 }, { "if FALSE", 0 }, { "unless TRUE", 0 },
		{ "if !FALSE", 1 }, { "if ! FALSE", 1 }, { "if !!TRUE", 1 },
		{ "if TRUE FALSE", 0 }, { "if FALSE or TRUE", 1 },
		{ "if FALSE || TRUE FALSE || TRUE", 1 },
		{ "if TRUE FALSE OR FALSE", 0 }, { "unless FALSE or FALSE", 1 },
		{ "if api", 1 }, { "if api !local", 1 }, { "if local or !api", 0 },
		{ "if api { method GET } !{ src 1.1.1.1 }", 1 },
		{ "if METH_GET HTTP_1.1", 1 }, { "if HTTP_URL_SLASH", 1 },
		{ "if HTTP_URL_ABS", 0 }, { "if LOCALHOST", 0 },
		{ "if HTTP_CONTENT", 0 }, { "if REQ_CONTENT", 1 },
		{ "if HTTP", 1 }, { "", 1 }, { "if WAIT_END", 1 },
		{ "if { int(-7) -- -7 }", 1 }, { "if { int(-7) -10:-5 }", -1 },
		{ "if { int(-7) lt -5 }", 1 }, { "if { int(-7) -- -10:-5 }", 1 },
		{ "if { path_beg,upper /A }", 0 },
		{ "if { src 10.7 }", 1 }, { "if { src 10.0.7 }", 1 },
		{ "if { ipv4(10.0.0.12) 10.12 }", 1 },
		{ "if { ipv4(10.9.9.9) 10.12/8 }", 1 },
		{ "if { ipv4(192.168.0.1) 192.168.1 }", 1 },
		{ "if { ipv4(192.168.1.0) 192.168.1 }", 0 },
		{ "if { ipv4(127.0.0.1) 127.1/8 }", 1 },
		{ "if { int(4) gt 3:5 }", 1 }, { "if { int(6) gt 3:5 }", 0 },
		{ "if { path,, lower /api/x.y/z.png }", 1 },
		{ "if { path, -m beg /api }", 1 },
		{ "if { HTTP_3.0 }", -1 }, { "if HTTP_3.0", 0 },
		{ "if { str(x?y/z) -m dir y }", 1 },
		{ "if { ipv4(127.0.0.1) localhost } || { ipv6(::1) localhost }",
		    1 },
		{ "if { int(5) -m bool 1 }", 1 },
	};
	struct try t;

	start(&t);
	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK_EQ(holds(&t, rows[i].cond), rows[i].want))
			printf("    in '%s': %s\n", rows[i].cond, t.error);
	try_fini(&t);
}

TEST(refused_conditions_say_why)
{
	static const struct { const char *cond, *says; } rows[] = {
		{ "if shut", "no such ACL: 'shut'" },
		{ "if", "expected a condition" },
		{ "if TRUE or", "expected a condition" },
		{ "if or TRUE", "expected an ACL before" },
		{ "if TRUE || || TRUE", "expected an ACL before" },
		{ "if !", "expected an ACL after '!'" },
		{ "if { path /", "missing closing '}'" },
		{ "if { }", "expected a sample expression" },
		{ "if { water 1 }", "unknown fetch method 'water'" },
		{ "if { path_foo 1 }", "unknown fetch method 'path_foo'" },
		{ "if { path -m sub }", "" },
		{ "if { path -m subb x }", "unknown match method 'subb'" },
		{ "if { src 300.0.0.1 }", "expected an IPv4 or IPv6 address" },
		{ "if { src_port 1x }", "expected a number" },
		{ "if { src_port 9:1 }", "above its high end" },
		{ "if { src_port gt }", "expected a number after 'gt'" },
		{ "if { src_port gt x }", "expected a number after 'gt'" },
		{ "if { path_reg ( }", "is no pattern" },
		{ "if { path -m bin 123 }", "even number" },
		{ "if { always_true x }", "" },
		{ "if { src_port -5 }", "'-5' is no flag of ACLs" },
		{ "if { src_port -- -5 }", "" },
		{ "if { src 10.0.0.0/8 -n }", "expected an IPv4 or IPv6" },
		{ "if { src -n localhost }", "expected an IPv4 or IPv6" },
		{ "if { path -f /nonexistent/x }", "cannot read" },
		{ "if { path -u x y }", "expected a number after '-u'" },
		{ "if { path -f }", "expected a file name after '-f'" },
		{ "if { http_auth_group(people) }", "expects patterns" },
		{ "if { req.payload(0,4) ping }", "hexadecimal digits" },
		{ "if { src -m beg 1 -m end 2 }", "" },
	};
	struct try t;

	start(&t);
	for (size_t i = 0; i < NELEM(rows); i++) {
		int got = holds(&t, rows[i].cond);

		if (*rows[i].says == '\0')
			CHECK(got >= 0);
		else if (!CHECK(got == -1 &&
		    strstr(t.error, rows[i].says) != NULL))
			printf("    '%s' says: %s\n", rows[i].cond, t.error);
	}
	try_fini(&t);
}

TEST(patterns_come_from_files_and_many_of_them_are_indexed)
{
	static const char path[] = "acl_test.lst";
	FILE *f = fopen(path, "w");
	struct try t;

	for (int i = 0; i < 1000; i++)
		fprintf(f, "/p%d/\n", i);
	fprintf(f, "# comment\n\n   /lead\r\n");
	fclose(f);
	start(&t);
	try_request(&t, "GET", "/p512/x", NULL);
	CHECK_EQ(holds(&t, "if { path_beg -f acl_test.lst }"), 1);
	CHECK_EQ(holds(&t, "if { path_dir -f acl_test.lst }"), 1);
	CHECK_EQ(holds(&t, "if { path_sub -f acl_test.lst }"), 1);
	CHECK_EQ(holds(&t, "if { path -f acl_test.lst }"), 0);
	try_request(&t, "GET", "/lead", NULL);
	CHECK_EQ(holds(&t, "if { path -f acl_test.lst }"), 1);
	CHECK_EQ(holds(&t, "if { path_end -i -f acl_test.lst x }"), 1);
	try_request(&t, "GET", "# comment", NULL);
	CHECK_EQ(holds(&t, "if { url_beg -f acl_test.lst }"), 0);
	remove(path);
	try_fini(&t);
}

TEST(a_condition_waits_while_more_input_may_change_it)
{
	struct try t;
	struct conf_line *l;
	struct cond *c;

	start(&t);
	t.txn.stage = TXN_CONTENT;
	t.txn.is_http = false;
	l = try_line(&t, "if { req.len gt 10 }");
	CHECK(cond_parse(l, px_find(t.model, SPAN("f"), PX_FE), SMP_ANYWHERE,
	    &c));
	CHECK_EQ(cond_try(c, &t.txn), COND_WAIT);
	t.txn.wait_over = true;
	CHECK_EQ(cond_try(c, &t.txn), COND_FALSE);
	l = try_line(&t, "if WAIT_END or { src 1.1.1.1 }");
	CHECK(cond_parse(l, px_find(t.model, SPAN("f"), PX_FE), SMP_ANYWHERE,
	    &c));
	CHECK_EQ(cond_try(c, &t.txn), COND_TRUE);
	t.txn.wait_over = false;
	CHECK_EQ(cond_try(c, &t.txn), COND_WAIT);
	try_fini(&t);
}
