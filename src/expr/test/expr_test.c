/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sample expressions: values, types, arguments, errors, sharing.
 */
#include <base/clock.h>
#include <base/test.h>

#include <inttypes.h>

#include "expr_int.h"
#include "expr_try.h"

extern const struct smp_conv *const __start_kw_conv[];
extern const struct smp_conv *const __stop_kw_conv[];
extern const struct smp_fetch *const __start_kw_fetch[];
extern const struct smp_fetch *const __stop_kw_fetch[];

static struct expr *
parse(struct try *t, const char *text)
{
	struct conf_word w = { .text = span_str(text), .col = 1,
	    .width = (int)strlen(text) };
	struct conf_line *l = try_line(t, "x");

	return (expr_parse(l, &w, w.text, SMP_ANYWHERE));
}

/* The value as text; "(none)" for no sample. */
static const char *
value(struct try *t, const char *text)
{
	static char out[256];
	struct expr *e = parse(t, text);
	struct span s;

	if (e == NULL)
		return (t->error);
	t->txn.vars = NULL;     /* names may have been added */
	s = expr_text(e, &t->txn);
	if (s.p == NULL)
		return ("(none)");
	span_copy(out, sizeof out, s);
	return (out);
}

TEST(rows_have_examples_and_docs_and_the_examples_are_true)
{
	struct try t;

	try_init(&t);
	for (const struct smp_conv *const *c = __start_kw_conv;
	    c < __stop_kw_conv; c++) {
		CHECK((*c)->doc != NULL && (*c)->example[0] != NULL);
		CHECK_STR(value(&t, (*c)->example[0]), (*c)->example[1]);
	}
	for (const struct smp_fetch *const *f = __start_kw_fetch;
	    f < __stop_kw_fetch; f++)
		CHECK((*f)->doc != NULL && (*f)->example != NULL &&
		    (*f)->stages != 0);
	try_fini(&t);
}

TEST(values_come_from_the_request_and_the_connection)
{
	static const char *const headers[] = { "Host: Www.Example.org:80",
	    "X-List: a, b ,c", "X-List: d", "X-Ip: 192.0.2.7:99",
	    "X-N: 12", "X-Full: one, two", NULL };
	static const struct { const char *expr, *want; } rows[] = {
		{ "path", "/a/b" }, { "url", "/a/b?x=1&y=2" },
		{ "query", "x=1&y=2" }, { "pathq", "/a/b?x=1&y=2" },
		{ "url_param(y)", "2" }, { "urlp(z)", "(none)" },
		{ "base", "Www.Example.org:80/a/b" },
		{ "method", "GET" }, { "req.ver", "1.1" },
		{ "hdr(host)", "Www.Example.org:80" },
		{ "hdr(host),lower,field(1,:)", "www.example.org" },
		{ "req.hdr(x-list)", "d" }, { "req.hdr(X-List,1)", "a" },
		{ "req.hdr(x-list,2)", "b" }, { "req.hdr(x-list,-2)", "c" },
		{ "req.hdr(x-list,-4)", "a" }, { "req.hdr(x-list,5)", "(none)" },
		{ "req.hdr(x-list,-5)", "(none)" },
		{ "req.fhdr(x-full)", "one, two" },
		{ "req.hdr_cnt(x-list)", "4" }, { "req.fhdr_cnt(x-list)", "2" },
		{ "req.hdr_ip(x-ip)", "192.0.2.7" },
		{ "req.hdr_val(x-n),add(1)", "13" },
		{ "hdr(none)", "(none)" },
		{ "src", "10.0.0.7" }, { "src_port", "1234" },
		{ "dst_port", "80" }, { "src,ipmask(8)", "10.0.0.0" },
		{ "always_true", "1" }, { "int(-5)", "-5" },
		{ "str(\"a,b)\"),length", "4" }, { "str('a b'),upper", "A B" },
		{ "bin(6869),hex", "6869" }, { "req.len", "96" },
		{ "ipv6(::1)", "::1" }, { "str(12abc),add(1)", "13" },
		{ "baseq", "Www.Example.org:80/a/b?x=1&y=2" },
		{ "query(with_qm)", "?x=1&y=2" }, { "urlp(X,,i)", "1" },
		{ "urlp_val(y)", "2" }, { "urlp_val(x),add(1)", "2" },
		{ "hdr_val(host)", "0" }, { "req.hdr_names(;)",
		    "host;x-list;x-list;x-ip;x-n;x-full" },
		{ "req.payload(1,2)", "(none)" }, { "url_ip", "(none)" },
		{ "fc_src", "10.0.0.7" }, { "fc_src_port", "1234" },
		{ "str(f1_f2_f3__f5),field(5,_)", "f5" },
		{ "str(f1_f2_f3__f5),field(2,_,0)", "f2_f3__f5" },
		{ "str(f1_f2_f3__f5),field(2,_,2)", "f2_f3" },
		{ "str(f1_f2_f3__f5),field(-2,_,3)", "f2_f3_" },
		{ "str(f1_f2_f3__f5),field(-3,_,0)", "f1_f2_f3" },
		{ "str(f1_f2_f3__f5),word(4,_)", "f5" },
		{ "str(f1_f2_f3__f5),word(2,_,0)", "f2_f3__f5" },
		{ "str(f1_f2_f3__f5),word(3,_,2)", "f3__f5" },
		{ "str(f1_f2_f3__f5),word(-2,_,3)", "f1_f2_f3" },
		{ "str(f1_f2_f3__f5),word(-3,_,0)", "f1_f2" },
		{ "str(/f1/f2/f3/f4),word(1,/)", "f1" },
	};
	struct try t;

	try_init(&t);
	try_request(&t, "GET", "/a/b?x=1&y=2", headers);
	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK_STR(value(&t, rows[i].expr), rows[i].want))
			printf("    in '%s'\n", rows[i].expr);
	try_fini(&t);
}

TEST(errors_name_what_was_expected)
{
	static const struct { const char *expr, *says; } rows[] = {
		{ "", "expected a sample fetch" },
		{ "pathh", "unknown fetch method 'pathh'" },
		{ "path,lowwer", "unknown converter 'lowwer'" },
		{ "path(", "expected ')'" },
		{ "path(a)", "takes at most 0 arguments" },
		{ "hdr(a,b)", "expected a number as <occ>, found 'b'" },
		{ "hdr(a,-11)", "<occ> must be between -10" },
		{ "hdr(a,1,2)", "takes at most 2 arguments" },
		{ "str(\"a)", "unfinished quotes" },
		{ "int(x)", "expected a number" },
		{ "int", "expects an argument <value>" },
		{ "src,even", "cannot be applied" },
		{ "str(a),field(1)", "expects an argument <delims>" },
		{ "str(a),regsub(\"(\",b)", "regsub" },
		{ "path garbage", "unexpected ' garbage'" },
		{ "ipv4(::1)", "expected an IPv4 address" },
		{ "date(0,h)", "expected one of 's|ms|us'" },
	};
	struct try t;

	try_init(&t);
	for (size_t i = 0; i < NELEM(rows); i++) {
		CHECK(parse(&t, rows[i].expr) == NULL || (i == 11));
		if (i != 11 && !CHECK(strstr(t.error, rows[i].says) != NULL))
			printf("    '%s' says: %s\n", rows[i].expr, t.error);
	}
	try_fini(&t);
}

static int n_runs;

static bool
fetch_counted(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = ++n_runs;
	return (true);
}

FETCH(counted) = {
	.name = "counted", .args = "", .out = SMP_INT,
	.stages = SMP_ANYWHERE, .run = fetch_counted,
	.doc = "Counts its calls.", .example = "acl x counted 1",
};

TEST(equal_expressions_are_one_and_run_once_per_message)
{
	struct try t;
	struct expr *a, *b, *c;
	struct smp s;

	try_init(&t);
	try_request(&t, "GET", "/", NULL);
	a = parse(&t, "counted");
	b = parse(&t, "counted");
	c = parse(&t, "counted,add(0)");
	CHECK(a == b);
	CHECK(expr_same(a, b));
	CHECK(!expr_same(a, c));
	n_runs = 0;
	CHECK(expr_eval(a, &t.txn, &s));
	CHECK(expr_eval(b, &t.txn, &s));
	CHECK(expr_eval(c, &t.txn, &s));
	CHECK_EQ(s.num, 1);
	CHECK_EQ(n_runs, 1);
	txn_touch(&t.txn);
	CHECK(expr_eval(c, &t.txn, &s));
	CHECK(expr_eval(a, &t.txn, &s));
	CHECK_EQ(n_runs, 2);
	CHECK(parse(&t, "path,lower") == parse(&t, "path,lower"));
	CHECK(!expr_same(parse(&t, "rand"), parse(&t, "rand")));
	try_fini(&t);
}

TEST(a_uuid_has_its_version_and_variant)
{
	static const struct { const char *text; char version; } rows[] = {
		{ "uuid", '4' }, { "uuid(4)", '4' }, { "uuid(7)", '7' },
	};
	struct try t;
	struct smp s, again;
	uint64_t ms;

	try_init(&t);
	for (size_t i = 0; i < NELEM(rows); i++) {
		const struct expr *e = parse(&t, rows[i].text);

		CHECK(expr_eval(e, &t.txn, &s));
		CHECK_EQ(s.str.n, 36);
		for (size_t k = 0; k < s.str.n; k++)
			CHECK(k == 8 || k == 13 || k == 18 || k == 23 ?
			    s.str.p[k] == '-' :
			    strchr("0123456789abcdef", s.str.p[k]) != NULL);
		CHECK_EQ(s.str.p[14], rows[i].version);
		CHECK(strchr("89ab", s.str.p[19]) != NULL);
		CHECK(expr_eval(e, &t.txn, &again));
		CHECK(!span_eq(s.str, again.str));
	}
	CHECK_EQ(sscanf(s.str.p, "%8" SCNx64, &ms), 1);
	CHECK(ms - ((uint64_t)clock_wall_us() / 1000 >> 16) + 1 <= 1);
	try_fini(&t);
}

TEST(constants_are_folded)
{
	struct try t;

	try_init(&t);
	CHECK(parse(&t, "str(abc),upper,length")->folded);
	CHECK_EQ(parse(&t, "str(abc),upper,length")->value.num, 3);
	CHECK(!parse(&t, "path,upper")->folded);
	CHECK(!parse(&t, "date")->folded);
	try_fini(&t);
}

/* As keys of stick tables are read by the reference. */
TEST(texts_that_are_addresses)
{
	static const struct { const char *in, *v4, *v6; } rows[] = {
		{ "1.2.3.4", "1.2.3.4", NULL }, { "1.2.3.4:80", "1.2.3.4", NULL },
		{ "01.2.3.004", "1.2.3.4", NULL }, { "1.2.3.4/8", "1.2.3.4", NULL },
		{ "1.2.3.4x", "1.2.3.4", NULL }, { "1.2.3.0000004", "1.2.3.4", NULL },
		{ "1.2.3.4.5", NULL, NULL }, { "1.2.3", NULL, NULL },
		{ "1.2.3.", NULL, NULL }, { "1.2.3.256", NULL, NULL },
		{ "256.1.1.1", NULL, NULL }, { ".1.2.3.4", NULL, NULL },
		{ "1..2.3.4", NULL, NULL }, { "", NULL, NULL },
		{ "::ffff:1.2.3.4", NULL, "::ffff:1.2.3.4" },
		{ "2001:db8::1", NULL, "2001:db8::1" }, { "host", NULL, NULL },
	};
	struct try t;

	try_init(&t);
	for (size_t i = 0; i < NELEM(rows); i++)
		for (int v6 = 0; v6 < 2; v6++) {
			struct smp s = { .type = SMP_STR,
			    .str = span_str(rows[i].in) };
			const char *want = v6 ? rows[i].v6 : rows[i].v4;
			bool is = smp_cast(&t.txn, &s, v6 ? SMP_V6 : SMP_V4);

			if (!CHECK_EQ(is, want != NULL) || !is)
				continue;
			CHECK(smp_cast(&t.txn, &s, SMP_STR));
			CHECK_MEM(s.str.p, s.str.n, want, strlen(want));
		}
	try_fini(&t);
}

TEST(casts_keep_what_they_can)
{
	struct try t;
	struct smp s;

	try_init(&t);
	s = (struct smp){ .type = SMP_STR, .str = SPAN("::ffff:10.0.0.1") };
	CHECK(smp_cast(&t.txn, &s, SMP_V6));
	CHECK(smp_cast(&t.txn, &s, SMP_V4));
	CHECK(smp_cast(&t.txn, &s, SMP_STR));
	CHECK_SPAN(s.str, "10.0.0.1");
	CHECK(smp_cast(&t.txn, &s, SMP_V4));
	CHECK(smp_cast(&t.txn, &s, SMP_V6));
	CHECK(smp_cast(&t.txn, &s, SMP_INT) == false);
	s = (struct smp){ .type = SMP_STR, .str = SPAN("no") };
	CHECK(smp_cast(&t.txn, &s, SMP_INT) && s.num == 0);
	s = (struct smp){ .type = SMP_STR, .str = SPAN("") };
	CHECK(!smp_cast(&t.txn, &s, SMP_INT));
	s = (struct smp){ .type = SMP_INT, .num = INT64_MIN };
	CHECK(smp_cast(&t.txn, &s, SMP_STR));
	CHECK_SPAN(s.str, "-9223372036854775808");
	CHECK(!smp_may_cast(SMP_BIN, SMP_INT));
	try_fini(&t);
}
