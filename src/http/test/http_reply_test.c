/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in pages say which status they are for. */
#include <base/test.h>

#include <http/class.h>

#include "../http_reply.c"

TEST(every_status_that_we_refuse_with_has_a_page)
{
	static const unsigned all[] = {
		400, 401, 403, 404, 405, 407, 408, 410, 413, 414, 417, 421,
		422, 425, 429, 431, 500, 501, 502, 503, 504, 505
	};

	for (size_t i = 0; i < NELEM(all); i++) {
		const struct http_reply *r = http_reply_default(all[i]);
		char no[4];

		snprintf(no, sizeof no, "%u", all[i]);
		CHECK(r != NULL && r->status == all[i]);
		CHECK(r != NULL && span_search(r->body, span_str(no)) > 0);
		CHECK(r != NULL && r->hdrs != NULL);
	}
	CHECK(http_reply_default(399) == NULL);
}

TEST(class_table_has_the_sets_of_the_rfcs)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char host[] = "-._~!$&'()*+,;=%:[]0123456789"
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (int c = 0; c < 256; c++) {
		char ch = (char)c;

		CHECK_EQ(http_is_class(ch, HTTP_C_TOKEN),
		    c != 0 && strchr(token, c) != NULL);
		CHECK_EQ(http_is_class(ch, HTTP_C_HOST),
		    c != 0 && strchr(host, c) != NULL);
		CHECK_EQ(http_is_class(ch, HTTP_C_VALUE),
		    c == '\t' || (c >= ' ' && c != 0x7f));
		CHECK_EQ(http_is_class(ch, HTTP_C_TARGET),
		    c > ' ' && c < 0x7f && c != '#');
	}
}
