/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, adding, replacing and removing headers keeps the table right. */
#include <base/test.h>

#include "../http_head.c"

static void
add(struct http_head *h, const char *name, const char *value)
{
	CHECK(http_add(h, span_str(name), span_str(value)));
}

/* The rows that are left, as "name=value;…". */
static const char *
rows_text(const struct http_head *h)
{
	static char text[512];
	size_t n = 0;

	text[0] = '\0';
	for (const struct http_hdr *r = h->hdr; r < h->hdr + h->n; r++)
		if (r->name != NULL)
			n += (size_t)snprintf(text + n, sizeof text - n,
			    "%.*s=%.*s;", (int)r->name_n, r->name,
			    (int)r->value_n, r->value);
	return (text);
}

TEST(find_by_id_and_by_name)
{
	struct http_head *h = http_head_new();
	struct http_hdr *r;

	add(h, "Host", "a");
	add(h, "X-One", "1");
	add(h, "x-one", " 2\t");
	add(h, "Range", "bytes=0-");
	CHECK_SPAN(http_get(h, HTTP_HOST), "a");
	CHECK_SPAN(http_get(h, HTTP_RANGE), "bytes=0-");
	CHECK(http_get(h, HTTP_COOKIE).p == NULL);
	CHECK(http_get(h, HTTP_AGE).p == NULL);
	r = http_find(h, HTTP_OTHER, SPAN("X-ONE"), NULL);
	CHECK(r != NULL && r->value_n == 1 && r->value[0] == '1');
	r = http_find(h, HTTP_OTHER, SPAN("X-ONE"), r);
	CHECK(r != NULL && r->value_n == 1 && r->value[0] == '2');
	CHECK(http_find(h, HTTP_OTHER, SPAN("X-ONE"), r) == NULL);
	/* a known name is found although its id was not given */
	CHECK(http_find(h, HTTP_OTHER, SPAN("hOST"), NULL) == h->hdr);
	http_head_free(h);
}

TEST(set_and_delete)
{
	struct http_head *h = http_head_new();

	add(h, "Cookie", "a");
	add(h, "X", "1");
	add(h, "Cookie", "b");
	CHECK(http_set(h, SPAN("cookie"), SPAN("c")));
	CHECK_STR(rows_text(h), "X=1;cookie=c;");
	CHECK(http_has(h, HTTP_COOKIE));
	CHECK_EQ(http_del(h, HTTP_COOKIE, SPAN_NONE), 1);
	CHECK(!http_has(h, HTTP_COOKIE));
	CHECK_EQ(http_del(h, HTTP_OTHER, SPAN("x")), 1);
	CHECK_EQ(http_del(h, HTTP_OTHER, SPAN("x")), 0);
	CHECK_STR(rows_text(h), "");
	http_head_free(h);
}

TEST(names_whose_id_is_known_are_not_looked_up)
{
	struct http_head *h = http_head_new();

	CHECK(http_set_known(h, HTTP_HOST, SPAN("host"), SPAN("a")));
	CHECK(http_add_known(h, HTTP_OTHER, SPAN("x"), SPAN("1")));
	CHECK(http_set_known(h, HTTP_OTHER, SPAN("X"), SPAN("2")));
	CHECK(http_add_known(h, HTTP_OTHER, SPAN("y"), SPAN("3")));
	CHECK(http_set_known(h, HTTP_HOST, SPAN("Host"), SPAN("b")));
	CHECK_STR(rows_text(h), "X=2;y=3;Host=b;");
	CHECK(http_has(h, HTTP_HOST));
	CHECK(http_find_only(h, HTTP_OTHER, SPAN("Y")) != NULL);
	CHECK(http_find_only(h, HTTP_HOST, SPAN_NONE) != NULL);
	CHECK(http_find_only(h, HTTP_OTHER, SPAN("z")) == NULL);
	CHECK(http_add_known(h, HTTP_OTHER, SPAN("Y"), SPAN("4")));
	CHECK(http_find_only(h, HTTP_OTHER, SPAN("y")) == NULL);
	http_head_free(h);
}

TEST(one_of_two_rows_removed_keeps_the_bit)
{
	struct http_head *h = http_head_new();

	add(h, "Cookie", "a");
	add(h, "Cookie", "b");
	http_del_hdr(h, &h->hdr[0]);
	http_del_hdr(h, &h->hdr[0]);
	CHECK(http_has(h, HTTP_COOKIE));
	CHECK_SPAN(http_get(h, HTTP_COOKIE), "b");
	http_del_hdr(h, &h->hdr[1]);
	CHECK(!http_has(h, HTTP_COOKIE));
	http_head_free(h);
}

TEST(nothing_gets_in_that_breaks_the_message)
{
	static const struct { struct span name, value; } bad[] = {
		{ SPAN(""), SPAN("v") },
		{ SPAN("a b"), SPAN("v") },
		{ SPAN("a:"), SPAN("v") },
		{ SPAN("a\r\nb"), SPAN("v") },
		{ SPAN("a"), SPAN("v\r\nb: c") },
		{ SPAN("a"), SPAN("v\nb") },
		{ SPAN("a"), SPAN("v\rb") },
		{ SPAN("a"), SPAN("v\0b") },
		{ SPAN("a"), SPAN("v\x7f") }
	};
	struct http_head *h = http_head_new();

	for (size_t i = 0; i < NELEM(bad); i++) {
		CHECK(!http_add(h, bad[i].name, bad[i].value));
		CHECK(!http_set(h, bad[i].name, bad[i].value));
	}
	CHECK_EQ(h->n, 0);
	CHECK(http_add(h, SPAN("a"), SPAN("caf\xc3\xa9\tb")));
	http_head_free(h);
}

TEST(a_full_table_refuses_but_replaces)
{
	struct http_head *h = http_head_new();
	unsigned i;

	/* it grows on the way, up to what tune.http.maxhdr allows */
	for (i = 0; i < head_rows; i++)
		CHECK(http_add(h, SPAN("a"), SPAN("1")));
	CHECK(!http_add(h, SPAN("a"), SPAN("1")));
	CHECK(!http_set(h, SPAN("b"), SPAN("1")));
	CHECK(http_set(h, SPAN("A"), SPAN("2")));
	CHECK_STR(rows_text(h), "A=2;");
	http_head_free(h);
}
