/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters: the edges of what the manual says of each, and arguments that
 * are refused. Their ordinary results are the examples of their rows
 * (expr_test.c); what HAProxy gives is compared by
 * regtests/expr/conv-differential.test.
 */
#include <base/test.h>

#include <base/must.h>

#include "expr_try.h"

/* The value as text, "(none)" without one, or the error. */
static const char *
value(struct try *t, const char *text)
{
	static char out[1024];
	struct conf_word w = { .text = span_str(text), .col = 1,
	    .width = (int)strlen(text) };
	struct expr *e = expr_parse(try_line(t, "x"), &w, w.text,
	    SMP_ANYWHERE);
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

struct row {
	const char *expr, *want;
};

static void
check_rows(const struct row *rows, size_t n)
{
	struct try t;

	try_init(&t);
	try_request(&t, "GET", "/", NULL);
	for (size_t i = 0; i < n; i++)
		if (!CHECK_STR(value(&t, rows[i].expr), rows[i].want))
			printf("    in '%s'\n", rows[i].expr);
	try_fini(&t);
}

/* Errors: the sentence begins or has in it. */
static void
check_errors(const struct row *rows, size_t n)
{
	struct try t;

	try_init(&t);
	for (size_t i = 0; i < n; i++)
		if (!CHECK(strstr(value(&t, rows[i].expr), rows[i].want) !=
		    NULL))
			printf("    in '%s': %s\n", rows[i].expr, t.error);
	try_fini(&t);
}

TEST(numbers_stop_at_their_ends)
{
	static const struct row rows[] = {
		{ "int(9223372036854775807),add(1)", "9223372036854775807" },
		{ "int(-9223372036854775808),add(-1)",
		    "-9223372036854775808" },
		{ "int(-9223372036854775808),sub(1)",
		    "-9223372036854775808" },
		{ "int(-1),sub(3)", "-4" },
		{ "int(1),sub(-9223372036854775808)", "9223372036854775807" },
		{ "int(-9223372036854775808),neg", "9223372036854775807" },
		{ "int(4611686018427387904),mul(2)", "9223372036854775807" },
		{ "int(4611686018427387905),mul(-2)",
		    "-9223372036854775808" },
		{ "int(-5),div(0)", "9223372036854775807" },
		{ "int(-9223372036854775808),div(-1)",
		    "9223372036854775807" },
		{ "int(-7),div(2)", "-3" }, { "int(-7),mod(2)", "-1" },
		{ "int(-9223372036854775808),mod(-1)", "0" },
		{ "int(5),mod(0)", "0" },
		{ "int(2),set-var(txn.a),add(txn.a),mul(txn.a)", "8" },
		{ "int(2),add(txn.unknown)", "(none)" },
		{ "str(5),set-var(txn.b),add(txn.b)", "10" },
	};

	check_rows(rows, NELEM(rows));
}

TEST(casts_follow_the_manual)
{
	static const struct row rows[] = {
		{ "str(12abc),add(0)", "12" }, { "str(abc),add(0)", "0" },
		{ "str(),add(0)", "(none)" }, { "str(-),add(0)", "0" },
		{ "str(+5),add(0)", "5" }, { "str(--5),add(0)", "0" },
		{ "str(99999999999999999999),add(0)", "9223372036854775807" },
		{ "str(-99999999999999999999),add(0)",
		    "-9223372036854775808" },
		{ "str(9223372036854775808),add(0)", "9223372036854775807" },
		{ "str(true),bool", "0" }, { "str(2),bool", "1" },
		{ "int(2),iif(y,n)", "y" }, { "bool(true),add(1)", "2" },
		{ "bool(true),hex", "0000000000000001" },
		{ "int(-1),hex", "FFFFFFFFFFFFFFFF" },
		{ "bin(61006263),lower", "a" },
		{ "bin(61006263),hex", "61006263" },
		{ "bin(61006263),length", "1" },
		{ "ipv4(10.1.2.3),add(0)", "167838211" },
		{ "ipv4(10.1.2.3),hex", "0A010203" },
		{ "ipv6(1::2),hex", "00010000000000000000000000000002" },
		{ "int(167838211),ipmask(32)", "10.1.2.3" },
		{ "str(10.1.2.3),ipmask(24)", "10.1.2.0" },
		{ "str(::ffff:10.1.2.3),ipmask(24)", "10.1.2.0" },
		{ "str(nothing),ipmask(24)", "(none)" },
		{ "method,lower", "get" }, { "method,hex", "474554" },
	};
	static const struct row errors[] = {
		{ "bin(31),add(1)", "converter 'add' cannot be applied" },
		{ "bin(31),iif(a,b)", "cannot be applied" },
		{ "ipv6(::1),add(1)", "cannot be applied" },
		{ "ipv4(1.2.3.4),iif(a,b)", "cannot be applied" },
		{ "bool(true),ipmask(8)", "cannot be applied" },
		{ "method,add(1)", "cannot be applied" },
	};

	check_rows(rows, NELEM(rows));
	check_errors(errors, NELEM(errors));
}

TEST(masks_of_both_families)
{
	static const struct row rows[] = {
		{ "ipv4(10.255.255.255),ipmask(0)", "0.0.0.0" },
		{ "ipv4(10.255.255.255),ipmask(9)", "10.128.0.0" },
		{ "ipv4(10.255.255.255),ipmask(32)", "10.255.255.255" },
		{ "ipv4(1.2.3.4),ipmask(255.0.255.0)", "1.0.3.0" },
		{ "ipv6(1:2:3:4::5),ipmask(8,ffff:0:ffff::)",
		    "1:0:3::" },
		{ "ipv4(10.255.255.255),ipmask(255.255.128.0)",
		    "10.255.128.0" },
		{ "ipv6(1:2:3:4::5),ipmask(24)", "(none)" },
		{ "ipv6(1:2:3:4::5),ipmask(24,33)", "1:2::" },
		{ "ipv6(1:2:3:4::5),ipmask(24,ffff:ffff::)", "1:2::" },
		{ "ipv6(1:2:3:4::5),ipmask(24,128)", "1:2:3:4::5" },
	};
	static const struct row errors[] = {
		{ "str(a),regsub(,b)", "regular expression is missing" },
		{ "ipv4(1.2.3.4),ipmask(33)", "prefix length from 0 to 32" },
		{ "ipv4(1.2.3.4),ipmask(ffff::)", "or a mask" },
		{ "ipv4(1.2.3.4),ipmask(8,129)", "from 0 to 128" },
		{ "ipv4(1.2.3.4),ipmask(8,255.0.0.0)", "mask of IPv6" },
	};

	check_rows(rows, NELEM(rows));
	check_errors(errors, NELEM(errors));
}

TEST(texts_are_cut_joined_and_replaced)
{
	static const struct row rows[] = {
		{ "str(hello),bytes(4)", "o" }, { "str(hello),bytes(5)", "" },
		{ "str(hello),bytes(1,0)", "" },
		{ "int(2),set-var(txn.c,ifset)", "(none)" },
		{ "int(2),set-var(txn.c,ifnotset),concat(,txn.c)", "22" },
		{ "int(2),set-var(txn.c),set-var(txn.c,ifgt)", "(none)" },
		{ "int(2),set-var(txn.c),add(1),set-var(txn.c,iflt)", "3" },
		{ "str(),set-var(txn.c,ifnotempty)", "(none)" },
		{ "int(2),set-var(txn.c,ifnotempty,ifempty)", "(none)" },
		{ "str(a b),word(2, )", "b" }, { "str( a ),length", "3" },
		{ "str(xx),regsub(x, ,g),length", "2" },
		{ "int(2),set-var(txn.n),unset-var(txn.n),set-var(txn.m)",
		    "2" },
		{ "int(-1),set-var(txn.i),concat(ab),bytes(txn.i)", "" },
		{ "int(1),set-var(txn.i),concat(ab),bytes(txn.i,txn.i)", "a" },
		{ "str(hello),bytes(txn.none)", "(none)" },
		{ "str(a\\rb),cut_crlf", "a" }, { "str(\\n),cut_crlf", "" },
		{ "str(abba),ltrim(ab)", "" }, { "str(),rtrim(x)", "" },
		{ "str(),add_item(\",\",,b)", "b" },
		{ "str(a),add_item(\",\",txn.none)", "a" },
		{ "str(a),set-var(txn.v),add_item(\",\",txn.v,\"(x)\")", "a,a(x)" },
		{ "str(),concat()", "" },
		{ "str(a),set-var(txn.v),concat(<,txn.v,>)", "a<a>" },
		{ "str(a),concat(<,txn.none,>)", "a<>" },
		{ "str(b),set-var(txn.v),strcmp(txn.none)", "(none)" },
		{ "str(abc),reverse", "cba" }, { "str(),reverse", "" },
		{ "bin(610d),has_ctl", "1" }, { "bin(6109),has_ctl", "0" },
		{ "bin(6109),has_ctl(any)", "1" },
		{ "bin(617f),has_ctl(http)", "0" },
		{ "bin(617f),has_ctl(0x100000000)", "1" },
		{ "bin(00),has_ctl(1)", "1" }, { "bin(ff20),has_ctl(any)", "0" },
		{ "str(aaa),regsub(^a,b,g)", "baa" },
		{ "str(axb),regsub(x*,-,g)", "-a--b-" },
		{ "str(aab),regsub(\"(?<=a)a\",x,g)", "axb" },
		{ "str(),regsub(x*,-,g)", "-" },
		{ "str(abc),regsub(\"(b)|(z)\",\"[\\1\\2]\")", "a[b]c" },
	};
	static const struct row errors[] = {
		{ "str(a),bytes(-1)", "must not be negative" },
		{ "str(a),bytes(0,-1)", "must not be negative" },
		{ "str(a),bytes(x)", "expected a number or a variable" },
		{ "str(a),add_item(x)", "is missing" },
		{ "str(a),concat(a,novar)", "scope" },
		{ "str(a),strcmp(novar)", "scope" },
		{ "str(a),has_ctl(0x200000000)", "33 bits" },
		{ "str(a),has_ctl(all)", "33 bits" },
		{ "str(a),regsub(\"(\",x)", "missing" },
		{ "str(a),regsub(a,x,z)", "flags are" },
	};

	check_rows(rows, NELEM(rows));
	check_errors(errors, NELEM(errors));
}

TEST(parts_are_counted_from_both_ends)
{
	static const struct row rows[] = {
		{ "str(f1_f2_f3__f5),field(4,_)", "" },
		{ "str(a_b),field(3,_)", "(none)" },
		{ "str(a_b),field(-3,_)", "(none)" },
		{ "str(a_),field(-1,_)", "" }, { "str(),field(1,_)", "" },
		{ "str(a_b_c),field(-1,_,9)", "a_b_c" },
		{ "str(a_b),word(3,_)", "" }, { "str(___),word(1,_)", "" },
		{ "str(__a__b__),word(1,_,0)", "a__b__" },
		{ "str(__a__b__),word(2,_,2)", "b__" },
		{ "str(__a__b__),word(-2,_,2)", "__a" },
		{ "str(/f1////f2/f3/f4),word(2,/)", "f2" },
		{ "str(a=b&c=d&a=r),param(a)", "b" },
		{ "str(a&b=c),param(a)", "" },
		{ "str(a=&b&c=a),param(b)", "" },
		{ "str(a=1;b=2;c=4),param(b,;)", "2" },
		{ "str(a=1;b=2;c=4),param(c,0x3B)", "4" },
		{ "str(aa=1&ab=2),param(a)", "(none)" },
		{ "str(a==2),param(a)", "=2" }, { "str(),param(a)", "(none)" },
		{ "str(\"en;q=0.1, fr;q=0.25\"),language(es;fr;en)", "fr" },
		{ "str(en;q=0),language(en)", "(none)" },
		{ "str(EN),language(en,none)", "none" },
		{ "str(en-GB-x),language(en;en-GB)", "en-GB" },
		{ "str(en-GB),language(en-US)", "(none)" },
		{ "str(\"en ; q=0.3, fr;q=0.30\"),language(fr;en)", "en" },
		{ "str([::1]),host_only", "[::1]" },
		{ "str(A.b:),host_only", "a.b" }, { "str(:80),host_only", "" },
		{ "str(a:x),port_only", "0" }, { "str([::1]),port_only", "0" },
		{ "str(.),reverse_dom", "(none)" },
		{ "str(a..b),reverse_dom", "(none)" },
		{ "str(a),reverse_dom", "a" }, { "str(),reverse_dom", "(none)" },
	};
	static const struct row errors[] = {
		{ "str(a),field(0,_)", "there is no 0" },
		{ "str(a),word(0,_)", "there is no 0" },
		{ "str(a),param(a,xx)", "one character" },
		{ "str(a),param(a,0xgg)", "one character" },
	};

	check_rows(rows, NELEM(rows));
	check_errors(errors, NELEM(errors));
}

TEST(codes_are_read_strictly)
{
	static const struct row rows[] = {
		{ "str(YQ==),b64dec", "a" }, { "str(YQ),b64dec", "(none)" },
		{ "str(YQ),ub64dec", "a" }, { "str(YQ==),ub64dec", "a" },
		{ "str(+/),ub64dec", "(none)" },
		{ "str(),base64,length", "0" },
		{ "str(ffffffffffffffff),hex2i", "-1" },
		{ "str(0x1),hex2i", "(none)" }, { "str(),hex2i", "0" },
		{ "bin(ffffffffffffffff),be2dec(:,8)",
		    "18446744073709551615" },
		{ "bin(01020304050607),be2dec(-,2,1)", "258-772-1286" },
		{ "bin(01020304050607),be2dec(,2,1)", "2587721286" },
		{ "bin(7f000001),be2dec(.,1)", "127.0.0.1" },
		{ "bin(7f000001),le2dec(.,1)", "127.0.0.1" },
		{ "bin(01020304050607),le2dec(-,2,1)", "513-1027-1541" },
		{ "bin(01020304050607),be2hex", "01020304050607" },
		{ "bin(01020304050607),be2hex(--,2,1)", "0102--0304--0506" },
		{ "bin(0102030405060708),be2hex(,3,1)", "010203040506" },
		{ "bin(00ff),base2", "0000000011111111" },
		{ "int(4294967297),htonl,hex", "00000001" },
		{ "str(a%2),url_dec", "(none)" },
		{ "str(%zz),url_dec", "(none)" },
		{ "str(a+b?c+d),url_dec", "a+b?c d" },
		{ "str(a+b),url_dec(1)", "a b" },
		{ "bin(c3a9),json(utf8)", "\\u00e9" },
		{ "bin(c3a9),json", "\\u00c3\\u00a9" },
		{ "bin(c3),json(utf8)", "(none)" },
		{ "bin(61c362),json(utf8s)", "ab" },
		{ "bin(c0af),json(utf8)", "(none)" },
		{ "bin(c0af),json(utf8s)", "" },
		{ "bin(c0af),json(utf8p)", "\\/" },
		{ "bin(ff61),json(utf8p)", "(none)" },
		{ "bin(c0afff61),json(utf8ps)", "\\/a" },
		{ "bin(f09f9880),json(utf8)", "(none)" },
		{ "bin(eda08061),json(utf8s)", "a" },
		{ "bin(011f7f),json", "\\u0001\\u001f\\u007f" },
	};
	static const struct row errors[] = {
		{ "bin(00),be2dec(:)", "from 1 to 8" },
		{ "bin(00),be2dec(:,9)", "between 1 and 8" },
		{ "bin(00),be2hex(:)", "a separator needs" },
		{ "str(a),json(latin1)", "expected one of" },
		{ "str(a),url_enc(path)", "expected one of" },
	};

	check_rows(rows, NELEM(rows));
	check_errors(errors, NELEM(errors));
}

TEST(times_have_fractions_and_zones)
{
	static const struct row rows[] = {
		{ "int(0),utime(%Y)", "1970" }, { "int(-1),utime(%T)",
		    "23:59:59" },
		{ "int(0),utime(%T,3600)", "01:00:00" },
		{ "int(1),ms_utime(%T.%N)", "00:00:00.001000000" },
		{ "int(-1),ms_utime(%T.%3N)", "23:59:59.999" },
		{ "int(1),us_utime(%6N%%N,1)", "000002%N" },
		{ "int(9223372036854775807),utime(%Y)", "(none)" },
		{ "int(9223372036854775807),utime(%Y,1)", "(none)" },
		{ "int(1),utime(%N)", "%N" },
		{ "int(1500),http_date(500,ms)",
		    "Thu, 01 Jan 1970 00:00:02 GMT" },
		{ "str(\"Sunday, 06-Nov-94 08:49:37 GMT\"),date",
		    "784111777" },
		{ "str(\"Sun Nov  6 08:49:37 1994\"),date", "784111777" },
		{ "str(\"Sun, 06 Nov 1994 08:49:37\"),date", "(none)" },
		{ "str(\"Sun, 06 Nov 1994 08:49:37 GMT x\"),date", "(none)" },
		{ "str(),date", "(none)" },
		{ "str(\"Thu, 01 Jan 1970 00:00:00 GMT\"),date,http_date",
		    "Thu, 01 Jan 1970 00:00:00 GMT" },
	};

	check_rows(rows, NELEM(rows));
}

TEST(hashes_take_a_seed_or_an_avalanche)
{
	static const struct row rows[] = {
		{ "str(a),crc32(1)", "1288200982" },
		{ "str(a),crc32c(1)", "626010576" },
		{ "str(a),djb2(1)", "3548763807" },
		{ "str(a),sdbm(1)", "1830748055" },
		{ "str(),crc32(1)", "2874071335" },
		{ "str(a),xxh32(5)", "3100559697" },
		{ "str(a),xxh64(5)", "5861026382062077246" },
		{ "str(a),xxh3(5)", "2854901637758732422" },
		{ "str(),xxh32", "46947589" },
		{ "str(),xxh64", "-1205034819632174695" },
		{ "str(),xxh3", "3244421341483603138" },
	};

	check_rows(rows, NELEM(rows));
}

#ifdef USE_OPENSSL
#define KEY "AAAAAAAAAAAAAAAAAAAAAA=="
TEST(secrets_come_as_base64_or_from_variables)
{
	static const struct row rows[] = {
		{ "str(),sha1,hex",
		    "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709" },
		{ "str(a),sha2,length", "32" },
		{ "str(abc),digest(SHA256),hex", "BA7816BF8F01CFEA414140DE5DAE"
		    "2223B00361A396177A9CB410FF61F20015AD" },
		/* RFC 2202, test case 2 */
		{ "str(what do ya want for nothing?),hmac(md5,SmVmZQ==),hex",
		    "750C783E6AB0B503EAA86E310A5DB738" },
		{ "str(SmVmZQ==),set-var(txn.k),hmac(sha1,txn.k),length",
		    "20" },
		{ "str(a),hmac(sha256,),hex", "9615A95D4A336118C435B9CD54C5E8"
		    "644AB956B573AA2926274A1280B6674713" },
		{ "str(a),hmac(sha1,txn.none)", "(none)" },
		{ "str(a),set-var(txn.x),concat(b),secure_memcmp(txn.x)",
		    "0" },
		{ "str(a),secure_memcmp(txn.none)", "(none)" },
		{ "str(secret),aes_gcm_enc(256,AAAAAAAAAAAAAAAA," KEY ",txn.t)",
		    "converter 'aes_gcm_enc': the key has another size than "
		    "<bits>" },
		{ "str(secret),aes_gcm_enc(128,AAAAAAAAAAAAAAAA," KEY ",txn.t,"
		    "Zm9v),aes_gcm_dec(128,AAAAAAAAAAAAAAAA," KEY ",txn.t,"
		    "Zm9v)", "secret" },
		{ "str(secret),aes_gcm_enc(128,AAAAAAAAAAAAAAAA," KEY ",txn.t,"
		    "Zm9v),aes_gcm_dec(128,AAAAAAAAAAAAAAAA," KEY ",txn.t,"
		    "Zm9w)", "(none)" },
		{ "str(secret),aes_gcm_enc(128,AAAAAAAAAAAAAAAA," KEY ",txn.t),"
		    "concat(x),aes_gcm_dec(128,AAAAAAAAAAAAAAAA," KEY
		    ",txn.t)", "(none)" },
		{ "str(),aes_gcm_enc(128,AAAAAAAAAAAAAAAA," KEY ",txn.t),"
		    "aes_gcm_dec(128,AAAAAAAAAAAAAAAA," KEY ",txn.t)", "" },
		{ "str(a),aes_gcm_dec(128,AAAAAAAAAAAAAAAA," KEY ",AAAA)",
		    "(none)" },
		{ "str(a),aes_gcm_dec(128,," KEY "," KEY ")", "(none)" },
		{ "str(0123456789abcdef),aes_cbc_enc(128," KEY "," KEY "),"
		    "length", "32" },
		{ "str(a),aes_cbc_dec(128," KEY "," KEY ")", "(none)" },
		{ "str(a),aes_cbc_enc(128,AAAA," KEY ")", "(none)" },
	};
	static const struct row errors[] = {
		{ "str(a),digest(none256)", "name of a digest" },
		{ "str(a),sha2(100)", "must be 224" },
		{ "str(a),hmac(sha1,Zm9)", "expected base64" },
		{ "str(a),hmac(sha0,Zm9v)", "name of a digest" },
		{ "str(a),aes_gcm_dec(64,AAAA," KEY "," KEY ")",
		    "128, 192 or 256" },
		{ "str(a),aes_gcm_enc(128,AAAA," KEY "," KEY ")", "scope" },
		{ "str(a),aes_cbc_enc(128," KEY "," KEY ",Zm9v)", "use GCM" },
		{ "str(a),secure_memcmp(abc)", "scope" },
	};

	check_rows(rows, NELEM(rows));
	check_errors(errors, NELEM(errors));
}
#endif

TEST(json_gives_one_value)
{
#define DOC(text, path) "str('" text "'),json_query('" path "')"
	static const struct row rows[] = {
		{ DOC("{\"a\":1}", "$.a"), "1" },
		{ DOC("{\"a\":\"x\"}", "$.a"), "x" },
		{ DOC("{\"a\":true}", "$.a"), "1" },
		{ DOC("{\"a\":false}", "$.a"), "0" },
		{ DOC("{\"a\":null}", "$.a"), "(none)" },
		{ DOC("{\"a\":{}}", "$.a"), "(none)" },
		{ DOC("{\"a\":1.50}", "$.a"), "1.5" },
		{ DOC("{\"a\":1e3}", "$.a"), "1000" },
		{ DOC("{\"a\":3.14159265358979}", "$.a"),
		    "3.14159265358979" },
		{ DOC("{\"a\":12345678901234567890}", "$.a"),
		    "12345678901234567890" },
		{ DOC("{\"a\":01}", "$.a"), "(none)" },
		{ DOC("{\"a\":tru}", "$.a"), "(none)" },
		{ DOC("{\"a\":[1, {\"b\" : \"c d\"}]}", "$.a"),
		    "[1,{\"b\":\"c d\"}]" },
		{ DOC("{\"a\":[1,{\"b\":\"z\"}]}", "$.a[1].b"), "z" },
		{ DOC("{\"x\":[{\"a\":\"]\"}],\"a\":5}", "$.a"), "5" },
		{ DOC("{\"a\":[1,2]}", "$.a[2]"), "(none)" },
		{ DOC("{\"a\":[]}", "$.a[0]"), "(none)" },
		{ DOC("{\"a\":1", "$.a"), "1" },
		{ DOC("{\"a\":\"1", "$.a"), "(none)" },
		{ DOC("{\"a\" 1}", "$.a"), "(none)" },
		{ "str('{\"a.b\":1}'),json_query(\"$['a.b']\")", "1" },
		{ DOC("{\"a.b\":1}", "$.a\\.b"), "1" },
		{ DOC("7", "$"), "7" }, { DOC("", "$"), "(none)" },
		{ DOC("[[1],[2,3]]", "$[1][1]"), "3" },
		{ "bin(7b2261223a225c75303065395c75643833645c7564653030227d),"
		    "json_query('$.a')", "\xc3\xa9\xf0\x9f\x98\x80" },
		{ "bin(7b2261223a225c7564383364227d),json_query('$.a')",
		    "(none)" },
		{ "bin(7b225c7530303631223a317d),json_query('$.a')", "1" },
		{ "str('{\"a\":1.9}'),json_query('$.a',int)", "1" },
		{ "str('{\"a\":1e3}'),json_query('$.a',int)", "1000" },
		{ "str('{\"a\":1e30}'),json_query('$.a',int)", "(none)" },
		{ "str('{\"a\":-3}'),json_query('$.a',int),add(1)", "-2" },
		{ "str('{\"a\":12345678901234567890}'),"
		    "json_query('$.a',int)", "(none)" },
		{ "str('{\"a\":true}'),json_query('$.a'),iif(y,n)", "y" },
	};
	static const struct row errors[] = {
		{ "str(1),json_query(a)", "begins with '$'" },
		{ "str(1),json_query($a)", "expected '.' or '['" },
		{ "str(1),json_query($.)", "a name is missing" },
		{ "str(1),json_query($..a)", "a name is missing" },
		{ "str(1),json_query($.*)", "must name one value" },
		{ "str(1),json_query($[*])", "must name one value" },
		{ "str(1),json_query($[-1])", "must name one value" },
		{ "str(1),json_query($[0)", "']' is missing" },
		{ "str(1),json_query($.a,str)", "expected one of 'int'" },
	};

	check_rows(rows, NELEM(rows));
	check_errors(errors, NELEM(errors));
}

TEST(tokens_are_split_and_verified)
{
#define HS "str(eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ."
	static const struct row rows[] = {
		{ HS "c2ln),jwt_header_query", "{\"alg\":\"HS256\"}" },
		{ HS "c2ln),jwt_payload_query('$.a',int),add(1)", "2" },
		{ HS "c2ln.x),jwt_header_query", "(none)" },
		{ HS "c2ln.x.y),jwt_header_query('$.alg')", "HS256" },
		{ HS "c2ln.x.y),jwt_payload_query('$.a')", "(none)" },
		{ HS "c2ln.x.y.z),jwt_header_query('$.alg')", "(none)" },
		{ "str(e30=.e30.x),jwt_header_query", "(none)" },
		{ "str(),jwt_header_query", "(none)" },
#ifdef USE_OPENSSL
		{ HS "c2ln),jwt_verify(HS256,secret)", "0" },
		{ HS "),jwt_verify(HS256,secret)", "-3" },
		{ HS "!!),jwt_verify(HS256,secret)", "-3" },
		{ "str(a.b),jwt_verify(HS256,secret)", "-3" },
		{ "str(XS1),set-var(txn.a),jwt_verify(txn.a,secret)", "-1" },
		{ "str(none),set-var(txn.a),jwt_verify(txn.a,secret)", "-3" },
		{ "str(a.b.),jwt_verify(none,x)", "1" },
		{ "str(a.b),jwt_verify(none,x)", "1" },
		{ "str(a.b.c2ln),jwt_verify(none,x)", "0" },
		{ "str(a),jwt_verify(none,x)", "-3" },
		{ "str(...),jwt_verify(none,x)", "-3" },
		{ "str(RS256),set-var(txn.a),concat(.b.c2ln),"
		    "jwt_verify(txn.a,secret)", "-5" },
		{ HS "c2ln),jwt_verify(txn.none,secret)", "(none)" },
#endif
	};
#ifdef USE_OPENSSL
	static const struct row errors[] = {
		{ "str(a),jwt_verify(HS1,x)", "algorithm of RFC 7518" },
		{ "str(a),jwt_verify(RS256,/nonexistent)",
		    "cannot read a public key" },
	};

	check_errors(errors, NELEM(errors));
#endif
	check_rows(rows, NELEM(rows));
}

TEST(protocol_buffers_are_walked)
{
	static const struct row rows[] = {
		{ "bin(089601),protobuf(1,int32)", "150" },
		{ "bin(089601),protobuf(1),hex", "9601" },
		{ "bin(0a03616263),protobuf(1)", "abc" },
		{ "bin(0a036162),protobuf(1)", "(none)" },
		{ "bin(0a03616263),protobuf(1,int32)", "(none)" },
		{ "bin(0880),protobuf(1,int32)", "(none)" },
		{ "bin(08ffffffffffffffffff01),protobuf(1,int64)", "-1" },
		{ "bin(08ffffffffffffffffffff01),protobuf(1,int64)",
		    "(none)" },
		{ "bin(0801),protobuf(1,sint32)", "-1" },
		{ "bin(0802),protobuf(1,sint64)", "1" },
		{ "bin(0d01020304),protobuf(1,fixed32)", "67305985" },
		{ "bin(0dffffffff),protobuf(1,sfixed32)", "-1" },
		{ "bin(0d010203),protobuf(1,fixed32)", "(none)" },
		{ "bin(09ffffffffffffffff),protobuf(1,sfixed64)", "-1" },
		{ "bin(0d0000c03f),protobuf(1,float)", "1" },
		{ "bin(09000000000000f8bf),protobuf(1,double)", "-1" },
		{ "bin(0dffffff7f),protobuf(1,float)", "0" },
		{ "bin(0d0000807f),protobuf(1,float)", "(none)" },
		{ "bin(12016108010a021007),protobuf(1.2,int32)", "(none)" },
		{ "bin(1201610a021007),protobuf(1.2,int32)", "7" },
		{ "bin(0b0c),protobuf(1)", "(none)" },
		{ "bin(00000000020805),ungrpc(1,int32),add(1)", "6" },
		{ "bin(01000000020805),ungrpc(1,int32)", "(none)" },
		{ "bin(00000000030805),ungrpc(1,int32)", "(none)" },
		{ "bin(0000),ungrpc(1,int32)", "(none)" },
		{ "bin(00000000040a021007),ungrpc(1),protobuf(2,int32)", "7" },
	};
	static const struct row errors[] = {
		{ "str(a),protobuf(0)", "field numbers from 1" },
		{ "str(a),protobuf(1.)", "field numbers from 1" },
		{ "str(a),protobuf(536870912)", "field numbers from 1" },
		{ "str(a),protobuf(1,string)", "expected one of" },
	};

	check_rows(rows, NELEM(rows));
	check_errors(errors, NELEM(errors));
}

TEST(packets_of_mqtt_and_fix_are_validated)
{
#define C311 "bin(101000044d5154540402003c000461626364)"
#define C5 "bin(101600044d5154540502003c051100000009000461626364)"
#define FIX(text) "str(" text "),regsub('[|]','\\x01',g),"
	static const struct row rows[] = {
		{ C311 ",mqtt_is_valid", "1" }, { C5 ",mqtt_is_valid", "1" },
		{ C311 ",bytes(0,17),mqtt_is_valid", "(none)" },
		{ "bin(10ffffffff01),mqtt_is_valid", "0" },
		{ "bin(10ffff),mqtt_is_valid", "(none)" },
		{ "bin(101000044d5154540403003c000461626364),mqtt_is_valid",
		    "0" },
		{ "bin(300000),mqtt_is_valid", "0" },
		{ C311 ",mqtt_field_value(1,Keepalive)", "60" },
		{ C311 ",mqtt_field_value(connack,flags)", "(none)" },
		{ C311 ",mqtt_field_value(1,username)", "(none)" },
		{ C5 ",mqtt_field_value(1,17)", "9" },
		{ C5 ",mqtt_field_value(1,33)", "(none)" },
		{ "bin(2006000003210007),mqtt_field_value(2,33)", "7" },
		{ "bin(2009000006210007210007),mqtt_is_valid", "0" },
		{ FIX("8=FIX.4.2|9=5|35=0|10=161|") "fix_is_valid", "1" },
		{ FIX("8=FIX.4.2|9=5|35=0|10=162|") "fix_is_valid", "0" },
		{ FIX("8=FIX.4.2|9=5|34=0|10=160|") "fix_is_valid", "0" },
		{ FIX("8=FIX.9.2|9=5|35=0|10=166|") "fix_is_valid", "0" },
		{ FIX("8=FIX.4.2|9=50|35=0|49=abcdef") "fix_is_valid",
		    "(none)" },
		{ FIX("8=FIX.4.2|9=5|35=0|10=1") "fix_is_valid", "(none)" },
		{ FIX("8=FIX.4.2|35=D|") "fix_tag_value(35)", "D" },
		{ FIX("8=FIX.4.2|1=|35=D|") "fix_tag_value(msgtype)", "D" },
		{ FIX("8=FIX.4.2|x|35=D|") "fix_tag_value(35)", "(none)" },
		{ FIX("8=FIX.4.2|35=D") "fix_tag_value(35)", "(none)" },
	};
	static const struct row errors[] = {
		{ "str(a),mqtt_field_value(publish,flags)", "type of packet" },
		{ "str(a),mqtt_field_value(2,username)", "no such field" },
		{ "str(a),mqtt_field_value(1,38)", "no such field" },
		{ "str(a),mqtt_field_value(1,99)", "no such field" },
		{ "str(a),fix_tag_value(Foo)", "number of a tag" },
		{ "str(a),fix_tag_value(0)", "number of a tag" },
	};

	check_rows(rows, NELEM(rows));
	check_errors(errors, NELEM(errors));
}

TEST(packets_are_not_trusted)
{
#define V6 "6030000000140640" "20010db8000000000000000000000001" \
	"20010db8000000000000000000000002"
#define TCP20 "1f9000500000000700000000" "5002faf000000000"
	static const struct row rows[] = {
		{ "bin(" V6 TCP20 "),ip.src", "2001:db8::1" },
		{ "bin(" V6 TCP20 "),ip.dst", "2001:db8::2" },
		{ "bin(" V6 TCP20 "),ip.tos", "3" },
		{ "bin(" V6 TCP20 "),ip.ttl", "64" },
		{ "bin(" V6 TCP20 "),ip.df", "1" },
		{ "bin(" V6 TCP20 "ffff),ip.data,be2hex,length", "40" },
		{ "bin(" V6 TCP20 "),ip.data,tcp.src", "8080" },
		{ "bin(" V6 TCP20 "),ip.fp,hex", "03D050FAF0000000" },
		{ "bin(" V6 TCP20 "),ip.fp(4),be2hex,length", "48" },
		/* a destination option of 8 bytes in front of TCP */
		{ "bin(60000000001c3c40" "20010db8000000000000000000000001"
		    "20010db8000000000000000000000002" "0600010400000000" TCP20
		    "),ip.proto", "6" },
		{ "bin(60000000001c3c40" "20010db8000000000000000000000001"
		    "20010db8000000000000000000000002" "06ff010400000000" TCP20
		    "),ip.proto", "(none)" },
		{ "bin(" V6 "),bytes(0,39),ip.ver", "(none)" },
		{ "bin(4f00001400000000400600000102030405060708),ip.ver",
		    "(none)" },
		{ "bin(4500001000000000400600000102030405060708),ip.ver",
		    "(none)" },
		{ "bin(55),ip.ver", "(none)" }, { "str(),ip.ver", "(none)" },
		{ "bin(" TCP20 "),tcp.win", "64240" },
		{ "bin(" TCP20 "),bytes(0,19),tcp.win", "(none)" },
		{ "bin(1f90005000000007000000006002faf0000000000205ffff),"
		    "tcp.options.mss", "(none)" },
		{ "bin(1f90005000000007000000006002faf00000000001010402),"
		    "tcp.options_list,hex", "010104" },
		{ "bin(1f90005000000007000000006002faf00000000000050402),"
		    "tcp.options_list,hex", "" },
		{ "bin(020000000001020000000002),eth.proto", "(none)" },
		{ "bin(0200000000010200000000028100002a),eth.proto",
		    "(none)" },
		{ "bin(0200000000010200000000020800),eth.vlan", "(none)" },
		{ "bin(02000000000102000000000288a8000181000002" "86dd60),"
		    "eth.vlan", "2" },
		{ "bin(02000000000102000000000288a8000181000002" "86dd60),"
		    "eth.data,hex", "60" },
	};

	check_rows(rows, NELEM(rows));
}

TEST(nodes_of_forwarded_headers)
{
	static const struct row rows[] = {
		{ "str(for=192.0.2.1),rfc7239_is_valid", "1" },
		{ "str('For=\"[2001:db8::1]:4711\";proto=http;by=_x, for=unknown'),"
		    "rfc7239_is_valid", "1" },
		{ "str(for=2001:db8::1),rfc7239_is_valid", "0" },
		{ "str('for=\"2001:db8::1\"'),rfc7239_is_valid", "0" },
		{ "str(for=1.2.3),rfc7239_is_valid", "0" },
		{ "str(for=_),rfc7239_is_valid", "0" },
		{ "str(proto=ftp),rfc7239_is_valid", "0" },
		{ "str('host=\"a b\"'),rfc7239_is_valid", "0" },
		{ "str('host=\"a.b:80\";secret=x'),rfc7239_is_valid", "1" },
		{ "str(for),rfc7239_is_valid", "0" },
		{ "str(for=),rfc7239_is_valid", "0" },
		{ "str(for=a b),rfc7239_is_valid", "0" },
		{ "str('for=\"1.2.3.4'),rfc7239_is_valid", "0" },
		{ "str(),rfc7239_is_valid", "0" },
		{ "str('proto=https;host=\"h.example:80\"'),rfc7239_field(host)",
		    "h.example:80" },
		{ "str('by=_a;FOR=\"[::1]\"'),rfc7239_field(for)", "[::1]" },
		{ "str(by=_a),rfc7239_field(for)", "(none)" },
		{ "str('for=\"_\\q\"'),rfc7239_field(for)", "_q" },
		{ "str([2001:db8::1]:80),rfc7239_n2nn", "2001:db8::1" },
		{ "str(unknown:_port),rfc7239_n2nn", "unknown" },
		{ "str(_hidden),rfc7239_n2nn", "_hidden" },
		{ "str(hidden),rfc7239_n2nn", "(none)" },
		{ "str([::1),rfc7239_n2nn", "(none)" },
		{ "str([::1]x),rfc7239_n2nn", "(none)" },
		{ "str(1.2.3.4:65535),rfc7239_n2np", "65535" },
		{ "str(1.2.3.4:65536),rfc7239_n2np", "(none)" },
		{ "str(1.2.3.4:_p.1),rfc7239_n2np", "_p.1" },
		{ "str(1.2.3.4),rfc7239_n2np", "(none)" },
		{ "src,rfc7239_nn", "10.0.0.7" },
		{ "str(test),rfc7239_nn", "_test" },
		{ "str(),rfc7239_nn", "unknown" },
		{ "str(_x.y-1),rfc7239_nn", "__x.y-1" },
		{ "str(_a b),rfc7239_nn", "(none)" },
		{ "str(1.2.3.4:5),rfc7239_nn", "(none)" },
		{ "int(65535),rfc7239_np", "65535" },
		{ "int(65536),rfc7239_np", "(none)" },
		{ "int(-1),rfc7239_np", "(none)" },
		{ "str(p),rfc7239_np", "_p" },
		{ "str(8888),rfc7239_np", "_8888" },
		{ "str(),rfc7239_np", "(none)" },
		{ "str(a:b),rfc7239_np", "(none)" },
	};

	check_rows(rows, NELEM(rows));
}

TEST(results_of_verifying_have_names)
{
	static const struct row rows[] = {
		{ "int(0),x509_v_err_str", "X509_V_OK" },
		{ "int(18),x509_v_err_str",
		    "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT" },
		{ "int(23),x509_v_err_str", "X509_V_ERR_CERT_REVOKED" },
		{ "int(99999),x509_v_err_str", "99999" },
		{ "int(-1),x509_v_err_str", "-1" },
	};

	check_rows(rows, NELEM(rows));
}

TEST(what_debug_and_certificates_refuse)
{
	static const struct row rows[] = {
		{ "str(a),debug", "name 'stderr' or 'stdout'" },
		{ "str(a),debug(x,buf0)", "name 'stderr' or 'stdout'" },
		{ "str(a),jwt_verify_cert(HS256,x)", "has no certificate" },
		{ "str(a),jwt_verify_cert(RS256,/nowhere)", "cannot read" },
		{ "str(a),jwt_verify_cert(RS1,/nowhere)", "RFC 7518" },
		{ "str(a),rfc7239_field(x)", "" },
	};

	check_errors(rows, NELEM(rows));
}
