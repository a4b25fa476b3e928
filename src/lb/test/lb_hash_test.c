/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which part of a request is the key.
 */
#include <base/test.h>

#include "../lb_key.c"

#include <base/must.h>

#include "../../srv/test/srv_try.h"

#define S " server s0 127.0.0.1:1\n server s1 127.0.0.1:1\n"

static struct span try_body;

static struct span
body(struct txn *t, bool response)
{
	(void)t;
	(void)response;
	return (try_body);
}

static void
no_addr(struct txn *t, enum txn_addr which)
{
	(void)t;
	(void)which;
}

static const struct txn_ops try_ops = { .want_addr = no_addr,
	.payload = body };

static const struct {
	const char *balance, *in, *key;         /* key NULL: none */
} rows[] = {
	{ "uri", "/", "/" },
	{ "uri", "/a/b?c=d", "/a/b" },
	{ "uri", "http://h/abc/def?z", "http://h/abc/def" },
	{ "uri", "*", "*" },
	{ "uri whole", "/a/b?c=d", "/a/b?c=d" },
	{ "uri path-only", "http://h/abc/def?z", "/abc/def" },
	{ "uri path-only", "*", "" },
	{ "uri len 4", "/a/b?c=d", "/a/b" },
	{ "uri whole len 5", "/a/b?c=d", "/a/b?" },
	{ "uri depth 1", "/a/b/c", "/a" },
	{ "uri depth 2", "/a/b/c", "/a/b" },
	{ "uri depth 9", "/a/b/c", "/a/b/c" },
	{ "uri depth 2 len 3", "/abc/b/c", "/ab" },
	{ "uri depth 1", "//a", "/" },
	{ "url_param id", "/?id=abc", "abc" },
	{ "url_param id", "/?a=1&id=abc&b", "abc" },
	{ "url_param id", "/?xid=1&id=abc", "abc" },
	{ "url_param id", "/?id=", "" },
	{ "url_param id", "/?id=a=b?c", "a=b?c" },
	{ "url_param id", "/id?id=q", "q" },
	{ "url_param id", "/?id", NULL },
	{ "url_param id", "/?ID=abc", NULL },
	{ "url_param id", "/?x?id=abc", NULL },
	{ "url_param id", "/?a=1;id=abc", NULL },
	{ "url_param id", "/", NULL },
};

static bool
key_of(struct be *be, struct txn *txn, struct span *key)
{
	return (text_key(lb_key_of(be), txn, key));
}

static struct be *
world(const char *balance)
{
	static char cfg[256];

	snprintf(cfg, sizeof cfg, "backend b\n mode http\n balance %s\n" S,
	    balance);
	return (try_world(cfg));
}

TEST(parts_of_the_target)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct be *be = world(rows[i].balance);
		struct http_head req = { .request = true, .meth = HTTP_GET,
		    .target = span_str(rows[i].in) };
		struct txn txn = { .ops = &try_ops, .req = &req,
		    .meth = HTTP_GET };
		struct span key = SPAN_NONE;

		CHECK(be != NULL);
		CHECK_EQ(key_of(be, &txn, &key), rows[i].key != NULL);
		if (rows[i].key != NULL)
			CHECK_MEM(key.p, key.n, rows[i].key,
			    strlen(rows[i].key));
	}
}

TEST(a_post_may_have_it_in_its_body)
{
	struct be *be = world("url_param id");
	struct http_head req = { .request = true, .meth = HTTP_POST,
	    .target = SPAN("/?x=1") };
	struct txn txn = { .ops = &try_ops, .req = &req, .meth = HTTP_POST };
	struct span key;

	try_body = SPAN("a=1&id=me");
	CHECK(key_of(be, &txn, &key));
	CHECK_SPAN(key, "me");
	try_body = SPAN("a=1&di=me");
	CHECK(!key_of(be, &txn, &key));
	txn.meth = HTTP_PUT;
	try_body = SPAN("id=me");
	CHECK(!key_of(be, &txn, &key));
}

TEST(the_main_domain)
{
	static const struct { const char *in, *out; } domains[] = {
		{ "www.example.com", "example" }, { "example.com", "example" },
		{ "com", "com" }, { ".com", ".com" }, { "a.", "a" },
		{ "www.x.co.uk", "co" }, { "www.example.com:80", "example" },
		{ "localhost:80", "localhost:80" }, { "", "" },
	};

	for (size_t i = 0; i < NELEM(domains); i++) {
		struct span d = main_domain(span_str(domains[i].in));

		CHECK_MEM(d.p, d.n, domains[i].out, strlen(domains[i].out));
	}
}

TEST(the_cookie_of_a_remote_desktop)
{
	struct be *be = try_world("backend b\n balance rdp-cookie\n" S);
	struct txn txn = { .ops = &try_ops };
	struct span key;

#define X224 "\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00"
	try_body = SPAN(X224 "Cookie: mstshash=user7\r\n");
	CHECK(key_of(be, &txn, &key));
	CHECK_SPAN(key, "user7");
	try_body = SPAN(X224 "Cookie: other=user7\r\n");
	CHECK(!key_of(be, &txn, &key));
	try_body = SPAN(X224 "Cookie: mstshash=\r\n");
	CHECK(!key_of(be, &txn, &key));
	try_body = SPAN(X224 "Coo");
	CHECK(!key_of(be, &txn, &key));
	try_body = SPAN("GET / HTTP/1.1\r\nCookie: mstshash=user7\r\n");
	CHECK(!key_of(be, &txn, &key));
	try_body = SPAN_NONE;
	CHECK(!key_of(be, &txn, &key));
}

TEST(an_address_is_a_number)
{
	static const struct { struct addr addr; uint32_t n; } addrs[] = {
		{ { .family = ADDR_V4, .ip = { 10, 1, 2, 3 } }, 0x0a010203 },
		{ { .family = ADDR_V6, .ip = { [15] = 1 } }, 1 },
		{ { .family = ADDR_V6, .ip = { [3] = 1, [7] = 2, [11] = 4,
		    [15] = 8 } }, 15 },
	};
	struct be *be = world("source");
	uint32_t n;

	for (size_t i = 0; i < NELEM(addrs); i++) {
		struct txn txn = { .ops = &try_ops };

		txn.addr[TXN_SRC] = addrs[i].addr;
		CHECK(lb_key_hash(be, &txn, &n));
		CHECK_EQ(n, addrs[i].n);
	}
	CHECK(!lb_key_hash(be, &(struct txn){ .ops = &try_ops }, &n));
	CHECK(!lb_key_hash(be, NULL, &n));
}

static const struct { const char *cfg, *error; } bad[] = {
	{ " balance uri depth\n", "a number" },
	{ " balance uri width 3\n", "'len', 'depth', 'whole'" },
	{ " balance hdr\n", "the name of a header" },
	{ " balance hdr(host\n", "expected ')'" },
	{ " balance hdr(host) domain\n", "unexpected" },
	{ " balance roundrobin(2)\n", "no argument in parentheses" },
	{ " balance random(0)\n", "a number of draws" },
	{ " balance random(x)\n", "a number of draws" },
	{ " balance url_param\n", "the name of a parameter" },
	{ " balance url_param x check_post y\n", "number" },
	{ " balance hash nothing\n", "nothing" },
	{ " balance source x\n", "x" },
	{ " balance log-hash\n", "'balance log-hash' is not supported yet" },
	{ " hash-type mapped\n", "'map-based' or 'consistent'" },
	{ " hash-type consistent md5\n", "'sdbm', 'djb2'" },
	{ " hash-type consistent wt6\n", "'wt6' is not supported" },
	{ " hash-type consistent avalanche\n", "'sdbm', 'djb2'" },
	{ " hash-type consistent sdbm twice\n", "twice" },
	{ " hash-balance-factor 90\n", "above 100" },
	{ " server s 127.0.0.1:1 hash-key addr\n", "not supported yet" },
};

TEST(what_is_wrong_is_said)
{
	for (size_t i = 0; i < NELEM(bad); i++) {
		char cfg[256];

		snprintf(cfg, sizeof cfg, "backend b\n mode http\n%s",
		    bad[i].cfg);
		CHECK(!try_parse(cfg));
		if (!CHECK(strstr(try_error, bad[i].error) != NULL))
			printf("    %s: %s\n", bad[i].cfg, try_error);
	}
	CHECK(try_parse("backend b\n mode tcp\n balance uri\n" S));
	CHECK(strstr(try_error, "needs 'mode http'") != NULL);
	CHECK_STR(lb_of(px_model->all)->name, "roundrobin");
}
