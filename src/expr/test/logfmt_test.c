/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log formats: text, variables, expressions, flags, errors, cutting.
 */
#include <base/test.h>

#include "expr_int.h"
#include "expr_try.h"

static struct span
var_text(struct txn *t)
{
	(void)t;
	return (SPAN("q\"]\t{x"));
}

static struct span
var_none(struct txn *t)
{
	(void)t;
	return (SPAN_NONE);
}

static size_t
var_num(struct txn *t, char *out, size_t size, bool hex)
{
	(void)t;
	if (size < 2)
		return (0);
	memcpy(out, hex ? "2A" : "42", 2);
	return (2);
}

LOGVAR(ztext) = { .name = "ztext", .text = var_text, .code = LOGVAR_HTTP,
	.doc = "text" };
LOGVAR(zhdr) = { .name = "zhdr", .text = var_text, .code = LOGVAR_HEADER,
	.doc = "text" };
LOGVAR(znone) = { .name = "znone", .text = var_none, .http_only = true,
	.doc = "none" };
LOGVAR(znum) = { .name = "znum", .put = var_num, .doc = "number" };

static int64_t number = 42;

static int64_t
var_number(struct txn *t)
{
	(void)t;
	return (number);
}
LOGVAR(zint) = { .name = "zint", .number = var_number, .doc = "number" };
LOGVAR(zlate) = { .name = "zlate", .number = var_number, .late = true,
	.doc = "number" };
LOGVAR(zhex) = { .name = "zhex", .number = var_number, .hex = 4,
	.doc = "number" };
LOGVAR(zip) = { .name = "zip", .put = var_num, .quoted = true,
	.doc = "address" };
LOGVAR(zbare) = { .name = "zbare", .text = var_none, .bare = true,
	.doc = "none" };

static struct logfmt *
parse(struct try *t, const char *text, enum logfmt_use use)
{
	struct conf_word w = { .text = span_str(text), .col = 1,
	    .width = (int)strlen(text) };

	return (logfmt_parse(try_line(t, "x"), &w, w.text, use,
	    SMP_ANYWHERE));
}

static const char *
run(struct try *t, const char *text, enum logfmt_use use)
{
	static char out[256];
	struct logfmt *f = parse(t, text, use);

	if (f == NULL)
		return (t->error);
	out[logfmt_run(f, &t->txn, out, sizeof out - 1)] = '\0';
	return (out);
}

TEST(formats_give_text)
{
	static const struct { const char *fmt, *log, *hdr; } rows[] = {
		{ "", "", "" }, { "a %% b", "a % b", "a % b" },
		{ " a   b ", "a b ", " a   b " },
		{ "%znum", "42", "42" }, { "%{+X}znum/%znum", "2A/42", "2A/42" },
		{ "%znone", "-", "" }, { "%{+Q}znone", "\"\"", "\"\"" },
		{ "%ztext", "q#22]#09{x", "q#22]#09{x" },
		{ "%zhdr", "q#22]#09#7Bx", "q#22]#09#7Bx" },
		{ "%{+E}ztext", "q\\\"\\]#09{x", "q\\\"\\]#09{x" },
		{ "%{+Q}o %znum %{-Q}zip %zip %{+X}zip %znone",
		    "42 42 \"42\" 2A \"\"", " 42 42 \"42\" 2A \"\"" },
		{ "a %zbare b", "a b", "a  b" }, { "%zbare b", "b", " b" },
		{ "%[str(\"a\nb\")]", "a#0Ab", "a%0Ab" },
		{ "%[bin(611f7f09c3)]", "a\x1f\x7f\t\xc3", "a%1F%7F\t\xc3" },
		{ "%{+bin}o%[bin(610d)]", "a\r", "a\r" },
		{ "[%[path,upper]]", "[/A]", "[/A]" },
		{ "%[hdr(none)]", "-", "" },
		{ "%{+Q}[path]", "\"/a\"", "/a" },   /* as the reference */
		{ "%{+Q}[hdr(none)]", "\"\"", "" },
		{ "%{+X}[path]", "/a", "/a" },      /* variables alone */
		{ "%{+X}[int(255)]", "255", "255" },
		{ "%[int(3),add(4)]%[str(\"]\")]", "7]", "7]" },
		{ "%zint/%{+X}zint %zhex/%{+X}zhex",
		    "42/42 42/002A", "42/42 42/002A" },
		{ " much text before%zint", "much text before42",
		    " much text before42" },
		{ "%znone  eight by", "- eight by", "  eight by" },
	};
	struct try t;

	try_init(&t);
	try_request(&t, "GET", "/a", NULL);
	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK_STR(run(&t, rows[i].fmt, LOGFMT_LOG), rows[i].log) ||
		    !CHECK_STR(run(&t, rows[i].fmt, LOGFMT_HEADER),
		    rows[i].hdr))
			printf("    in '%s'\n", rows[i].fmt);
	try_fini(&t);
}

TEST(errors_are_said)
{
	static const struct { const char *fmt, *says; } rows[] = {
		{ "%", "expected a format variable" },
		{ "% x", "expected a format variable" },
		{ "%nope", "no such format variable 'nope'" },
		{ "%{+Q", "missing '}'" }, { "%{q}znum", "expected format flags" },
		{ "%{+Z}znum", "unknown format flag" },
		{ "%{+json,+bin,+jsn}[path]", "unknown format flag" },
		{ "%(namexznum", "missing ')'" },
		{ "%(n:float)znum", "expected 'bool', 'int' or 'str'" },
		{ "%[path", "expected ']'" }, { "%[nope]", "unknown fetch" },
	};
	struct try t;

	try_init(&t);
	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK(parse(&t, rows[i].fmt, LOGFMT_LOG) == NULL &&
		    strstr(t.error, rows[i].says) != NULL))
			printf("    '%s' says: %s\n", rows[i].fmt, t.error);
	try_fini(&t);
}

TEST(cbor_has_the_same_in_hexadecimal_or_as_it_is)
{
	static const struct { const char *fmt, *want; } rows[] = {
		{ "%{+cbor}o", "BFFF" },
		{ "%{+cbor}o text %znum", "BFFF" },
		{ "%{+cbor}o %(n)znum, %(ip)zip", "BF616E182A6269706234" "32FF" },
		{ "%{+cbor}o%(a)znone%(b)[hdr(none)]", "BF6161F66162F6FF" },
		{ "%{+cbor}o%(i)[int(-7)]%(b)[bool(true)]%(s)[str(a)]",
		    "BF61692661" "62F561736161FF" },
		{ "%{+cbor}o%(i)[int(23)]%(j)[int(24)]%(k)[int(256)]",
		    "BF616917616A1818616B190100FF" },
		{ "%{+cbor}o%(i)[int(65536)]%(j)[int(-4294967297)]",
		    "BF61691A00010000616A3B0000000100000000FF" },
		{ "%{+cbor}o%(x)[bin(c3a9)]", "BF617862C3A9FF" },
		{ "%{+cbor,+bin}o%(x)[bin(c3a9)]", "\xbf" "ax\x42\303\251\xff" },
		{ "%{+cbor}o%(i:str)[int(7)]", "BF61696137FF" },
	};
	struct try t;

	try_init(&t);
	try_request(&t, "GET", "/a", NULL);
	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK_STR(run(&t, rows[i].fmt, LOGFMT_LOG),
		    rows[i].want))
			printf("    in '%s'\n", rows[i].fmt);
	try_fini(&t);
}

TEST(single_items_are_encoded)
{
	static const struct { const char *fmt, *want; } rows[] = {
		{ "{\"p\": %{+json}[path], \"n\": %{+json}znum}",
		    "{\"p\": \"/a\", \"n\": 42}" },
		{ "%{+json}[bool(true)] %{+json}[hdr(none)] %{+json}znone",
		    "true null null" },
		{ "%{+json}[int(-7)] %(x:str){+json}[int(7)]",
		    "-7 \"7\"" },
		{ "%{+json}ztext", "\"q\\\"]\\u0009{x\"" },
		{ "%{+json,+X}zhex", "\"002A\"" },
		{ "%{+cbor}[int(500)] %{+cbor}[str(ab)]", "1901F4 626162" },
		{ "%{+cbor,+bin}[str(ab)]", "626162" },
		{ "%{+bin}o%{+cbor}[str(ab)]", "bab" },
		{ "%(x:sint){+json}[str(7)]%(:sint){+json}[str(8)]", "78" },
		{ "%(name)[int(5)] %(name:str)[int(6)]", "5 6" },
		/* of a whole that is encoded, they are what they would be */
		{ "%{+json}o%(a){+json}[int(1)]%(b){+cbor}znum",
		    "{\"a\": 1, \"b\": 42}" },
	};
	struct try t;

	try_init(&t);
	try_request(&t, "GET", "/a", NULL);
	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK_STR(run(&t, rows[i].fmt, LOGFMT_LOG), rows[i].want))
			printf("    in '%s'\n", rows[i].fmt);
	try_fini(&t);
}

TEST(json_has_the_named_items_with_their_types)
{
	static const struct { const char *fmt, *want; } rows[] = {
		{ "%{+json}o", "{}" },
		{ "%{+json}o text %znum", "{}" },
		{ "%{+json}o %(n)znum, %(ip)zip",
		    "{\"n\": 42, \"ip\": \"42\"}" },
		{ "%{+json}o%(t)ztext", "{\"t\": \"q\\\"]\\u0009{x\"}" },
		{ "%{+json}o%(a)znone%(b)[hdr(none)]",
		    "{\"a\": null, \"b\": null}" },
		{ "%{+json}o%(i)[int(-7)]%(b)[bool(true)]%(s)[str(a)]",
		    "{\"i\": -7, \"b\": true, \"s\": \"a\"}" },
		{ "%{+json}o%(i:str)[int(7)]%(b:bool)[int(7)]%(n:int)[str(9x)]",
		    "{\"i\": \"7\", \"b\": true, \"n\": 9}" },
		{ "%{+json}o%(n:str)znum%(m:bool)znum",
		    "{\"n\": \"42\", \"m\": true}" },
		{ "%{+json}o%(u)[bin(c3a9ff41ed)]",
		    "{\"u\": \"\303\251\\u00ffA\\u00ed\"}" },
		{ "%{+json}o%(a\"b)[src]", "{\"a\\\"b\": \"10.0.0.7\"}" },
		{ "%(x)znum %(y){+X}znum", "42 2A" },
		{ "%{+json}o%(n)zint%(h){+X}zhex",
		    "{\"n\": 42, \"h\": \"002A\"}" },
	};
	struct try t;

	try_init(&t);
	try_request(&t, "GET", "/a", NULL);
	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK_STR(run(&t, rows[i].fmt, LOGFMT_LOG),
		    rows[i].want))
			printf("    in '%s'\n", rows[i].fmt);
	try_fini(&t);
}

TEST(output_is_cut_where_it_ends)
{
	struct try t;
	char out[16];
	struct logfmt *f;

	try_init(&t);
	try_request(&t, "GET", "/a", NULL);
	f = parse(&t, "abc%{+Q}ztext%znum%[path]%{+X}[path]xyz", LOGFMT_LOG);
	for (size_t n = 0; n < sizeof out; n++) {
		memset(out, '!', sizeof out);
		CHECK(logfmt_run(f, &t.txn, out, n) <= n);
		CHECK(n == sizeof out || out[n] == '!');
	}
	try_fini(&t);
}

TEST(numbers_of_any_size)
{
	static const int64_t rows[] = { 0, 9, 10, -1, -10, 99999, INT64_MAX,
	    INT64_MIN };
	char want[40], out[40];
	struct try t;
	struct logfmt *f;

	try_init(&t);
	f = parse(&t, "%zint", LOGFMT_LOG);
	for (size_t i = 0; i < NELEM(rows); i++) {
		number = rows[i];
		snprintf(want, sizeof want, "%lld", (long long)number);
		CHECK_MEM(out, logfmt_run(f, &t.txn, out, sizeof out), want,
		    strlen(want));
		for (size_t n = 0; n < strlen(want); n++)
			CHECK_MEM(out, logfmt_run(f, &t.txn, out, n), want, n);
	}
	number = 42;
	try_fini(&t);
}

/* Eight bytes at a time and one by one agree on what is coded. */
TEST(every_byte_is_coded_as_its_place_wants)
{
	char in[40], out[200], want[200];

	srand(5);
	for (int round = 0; round < 20000; round++) {
		enum logvar_code code = (enum logvar_code)(round % 4);
		const char *bad = code == LOGVAR_HEADER ? "#\"{|}" :
		    code == LOGVAR_HTTP ? "#\"" : "";
		size_t n = (size_t)rand() % sizeof in, k = 0;

		for (size_t i = 0; i < n; i++)
			in[i] = rand() % 12 != 0 ? (char)('a' + rand() % 26) :
			    (char)rand();
		for (size_t i = 0; i < n; i++) {
			uint8_t c = (uint8_t)in[i];
			bool hash = code == LOGVAR_PLAIN ? false :
			    code == LOGVAR_LINE ?
			    c == 0 || c == '\n' || c == '\r' :
			    c < 32 || c > 126 || strchr(bad, c) != NULL;

			k += (size_t)sprintf(want + k, hash ? "#%02X" : "%c",
			    c);
		}
		if (!CHECK_MEM(out, logfmt_coded(out, sizeof out,
		    span_of(in, n), code), want, k))
			return;
	}
}

TEST(one_expression_alone_gives_what_running_gives)
{
	static const struct { const char *fmt, *target, *want; } rows[] = {
		{ "%[path,url_dec]", "/%0a%0dx%7f%01%09%ff{~",
		    "/%0A%0Dx%7F%01\t\377{~" },
		{ "%[path]", "/a/much/longer/path", "/a/much/longer/path" },
		{ "%[path,url_dec]", "/a/much/longer%00path",
		    "/a/much/longer%00path" },
		{ "%[path,length]", "/abc", "4" },
		{ "%[src]", "/", "10.0.0.7" },
		{ "%[str(abc)]", "/", "abc" },
		{ "%[hdr(none)]", "/", "" },
	};
	struct try t;
	struct span got;
	char out[64];

	try_init(&t);
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct logfmt *f = parse(&t, rows[i].fmt, LOGFMT_HEADER);

		try_request(&t, "GET", rows[i].target, NULL);
		CHECK(logfmt_is_plain(f));
		CHECK(logfmt_plain(f, &t.txn, &got));
		CHECK_MEM(got.p, got.n, rows[i].want, strlen(rows[i].want));
		CHECK_MEM(got.p, got.n, out,
		    logfmt_run(f, &t.txn, out, sizeof out));
	}
	CHECK(!logfmt_is_plain(parse(&t, "a%[src]", LOGFMT_HEADER)));
	CHECK(!logfmt_is_plain(parse(&t, "%[src]%[src]", LOGFMT_HEADER)));
	CHECK(!logfmt_is_plain(parse(&t, "%{+E}[src]", LOGFMT_HEADER)));
	CHECK(!logfmt_is_plain(parse(&t, "%znum", LOGFMT_HEADER)));
	try_fini(&t);
}

TEST(what_waits_for_the_end_of_a_stream_is_known)
{
	struct try t;

	try_init(&t);
	CHECK(!logfmt_is_late(parse(&t, "a %znum %[src]", LOGFMT_LOG)));
	CHECK(logfmt_is_late(parse(&t, "%znum %zlate b", LOGFMT_LOG)));
	CHECK(logfmt_is_late(parse(&t, "%[fc.timer.total,add(1)]",
	    LOGFMT_LOG)));
	try_fini(&t);
}

TEST(constant_formats_and_http_only_ones_are_known)
{
	struct try t;
	struct span s;

	try_init(&t);
	CHECK(logfmt_constant(parse(&t, "a b", LOGFMT_HEADER), &s));
	CHECK_SPAN(s, "a b");
	CHECK(logfmt_constant(parse(&t, "", LOGFMT_HEADER), &s));
	CHECK(!logfmt_constant(parse(&t, "a%znum", LOGFMT_HEADER), &s));
	CHECK_STR(logfmt_http_only(parse(&t, "%znum%znone", LOGFMT_LOG)),
	    "znone");
	CHECK(logfmt_http_only(parse(&t, "%znum", LOGFMT_LOG)) == NULL);
	try_fini(&t);
}
