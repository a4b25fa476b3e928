/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of a request target (RFC 9112 3.2) and the host they name. */
#include <base/test.h>

#include "../http_uri.c"

TEST(targets)
{
	static const struct {
		enum http_meth meth;
		const char *target;
		bool good;
		const char *scheme, *authority, *path, *query;
	} rows[] = {
		{ HTTP_GET, "/", true, "", "", "/", NULL },
		{ HTTP_GET, "/a/b?c=d?e", true, "", "", "/a/b", "c=d?e" },
		{ HTTP_GET, "/a?", true, "", "", "/a", "" },
		{ HTTP_GET, "//a/b", true, "", "", "//a/b", NULL },
		{ HTTP_GET, "http://a/b?c", true, "http", "a", "/b", "c" },
		{ HTTP_GET, "http://a", true, "http", "a", "", NULL },
		{ HTTP_GET, "http://a?c", true, "http", "a", "", "c" },
		{ HTTP_GET, "HTTPS://[::1]:8/x", true, "HTTPS", "[::1]:8",
		    "/x", NULL },
		{ HTTP_OPTIONS, "*", true, "", "", "*", NULL },
		{ HTTP_GET, "*", false, "", "", "*", NULL },
		{ HTTP_OPTIONS, "*a", false, "", "", "*a", NULL },
		{ HTTP_GET, "", false, "", "", "", NULL },
		{ HTTP_GET, "a", false, "", "", "", NULL },
		{ HTTP_GET, "http:/a", false, NULL, "", "", NULL },
		{ HTTP_GET, "http:///a", false, "http", "", "/a", NULL },
		{ HTTP_GET, "1http://a/", false, "", "", "", NULL },
		{ HTTP_GET, "://a/", false, "", "", "", NULL },
		{ HTTP_CONNECT, "a:443", true, "", "a:443", "", NULL },
		{ HTTP_CONNECT, "[::1]:443", true, "", "[::1]:443", "", NULL },
		{ HTTP_CONNECT, "a", false, "", "a", "", NULL },
		{ HTTP_CONNECT, "[::1]", false, "", "[::1]", "", NULL },
		{ HTTP_CONNECT, "a:", false, "", "a:", "", NULL },
		{ HTTP_CONNECT, ":443", false, "", ":443", "", NULL },
		{ HTTP_CONNECT, "a:4x", false, "", "a:4x", "", NULL },
		{ HTTP_CONNECT, "u@a:443", false, "", "u@a:443", "", NULL },
		{ HTTP_CONNECT, "/a", false, "", "/a", "", NULL }
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_uri u;
		bool good = http_uri_split(rows[i].meth,
		    span_str(rows[i].target), &u);

		if (!CHECK_EQ(good, rows[i].good))
			printf("    target '%s'\n", rows[i].target);
		if (!good)
			continue;
		CHECK(span_is(u.scheme, rows[i].scheme));
		CHECK(span_is(u.authority, rows[i].authority));
		CHECK(span_is(u.path, rows[i].path));
		CHECK_EQ(u.query.p == NULL, rows[i].query == NULL);
		if (rows[i].query != NULL)
			CHECK(span_is(u.query, rows[i].query));
	}
}

TEST(hosts)
{
	static const struct {
		const char *target, *host;
		bool no_port;
		const char *found;
	} rows[] = {
		{ "/", "a:80", false, "a:80" },
		{ "/", "a:80", true, "a" },
		{ "/", "a", true, "a" },
		{ "/", "[::1]:80", true, "[::1]" },
		{ "/", "[::1]", true, "[::1]" },
		{ "/", "", true, "" },
		{ "http://b:81/", "a", false, "b:81" },
		{ "http://b:81/", "a", true, "b" },
		{ "http://u@b/", "a", true, "b" }
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_head *h = http_head_new();

		h->meth = HTTP_GET;
		h->target = span_str(rows[i].target);
		http_add(h, SPAN("Host"), span_str(rows[i].host));
		if (!CHECK(span_is(http_host(h, rows[i].no_port),
		    rows[i].found)))
			printf("    target '%s' host '%s'\n", rows[i].target,
			    rows[i].host);
		http_head_free(h);
	}
}
