/* SPDX-License-Identifier: Apache-2.0 */
/* Comma lists, and what may not travel further than one connection. */
#include <base/test.h>

#include "../http_list.c"

TEST(lists)
{
	static const struct { const char *value, *items; } rows[] = {
		{ "", "" }, { ",", "" }, { " , ,\t", "" }, { "a", "a|" },
		{ "a,b", "a|b|" }, { " a , b ,", "a|b|" },
		{ ",a,,b", "a|b|" }, { "\"a,b\",c", "\"a,b\"|c|" },
		{ "a=\"x\\\",y\",b", "a=\"x\\\",y\"|b|" },
		{ "\"open,a", "\"open,a|" }, { "\"a\\", "\"a\\|" }
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span rest = span_str(rows[i].value), item;
		char text[128];
		size_t n = 0;

		text[0] = '\0';
		while (http_list_next(&rest, &item))
			n += (size_t)snprintf(text + n, sizeof text - n,
			    "%.*s|", (int)item.n, item.p);
		CHECK_STR(text, rows[i].items);
	}
}

TEST(an_item_is_found_in_any_line)
{
	struct http_head *h = http_head_new();

	http_add(h, SPAN("Vary"), SPAN("accept, origin"));
	http_add(h, SPAN("Vary"), SPAN("Cookie"));
	CHECK(http_has_item(h, HTTP_VARY, SPAN("ORIGIN")));
	CHECK(http_has_item(h, HTTP_VARY, SPAN("cookie")));
	CHECK(!http_has_item(h, HTTP_VARY, SPAN("cook")));
	http_head_free(h);
}

static unsigned
rows_left(const struct http_head *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->n; i++)
		n += h->hdr[i].name != NULL;
	return (n);
}

TEST(hop_by_hop_fields_stay_behind)
{
	struct http_head *h = http_head_new();

	http_add(h, SPAN("Connection"), SPAN("X-Private, close, Host, TE"));
	http_add(h, SPAN("Connection"), SPAN("authorization,Upgrade,age"));
	http_add(h, SPAN("Host"), SPAN("a"));
	http_add(h, SPAN("Authorization"), SPAN("b"));
	http_add(h, SPAN("x-private"), SPAN("1"));
	http_add(h, SPAN("Age"), SPAN("1"));
	http_add(h, SPAN("Keep-Alive"), SPAN("1"));
	http_add(h, SPAN("Proxy-Connection"), SPAN("close"));
	http_add(h, SPAN("TE"), SPAN("trailers"));
	http_add(h, SPAN("Upgrade"), SPAN("websocket"));
	http_strip_hop(h, true);
	CHECK_EQ(rows_left(h), 4);      /* host authorization te upgrade */
	CHECK(http_has(h, HTTP_HOST));
	CHECK(http_has(h, HTTP_AUTHORIZATION));
	CHECK(http_has(h, HTTP_TE));
	CHECK(http_has(h, HTTP_UPGRADE));
	http_strip_hop(h, false);
	CHECK(!http_has(h, HTTP_UPGRADE));
	http_set(h, SPAN("TE"), SPAN("trailers, deflate"));
	http_strip_hop(h, false);
	CHECK(!http_has(h, HTTP_TE));
	CHECK_EQ(rows_left(h), 2);
	http_head_free(h);
}
