/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_rdp_test - what an RDP cookie says of its server.
 */
#include <base/test.h>

#include "../strm_rdp.c"

TEST(a_cookie_has_an_address_and_a_port_with_the_wrong_end_first)
{
	static const struct { const char *value, *addr; } rows[] = {
		{ "3640205228.15629.0000", "172.31.249.216:3389" },
		{ "16777343.20480.0000", "127.0.0.1:80" },
		{ "0.0.0", "0.0.0.0:0" },
		{ "4294967295.65535.0000", "255.255.255.255:65535" },
		{ "4294967296.15629.0000", NULL },
		{ "16777343.65536.0000", NULL },
		{ "16777343.80", NULL },
		{ "16777343", NULL },
		{ ".80.0000", NULL },
		{ "1x.80.0000", NULL },
		{ "-1.80.0000", NULL },
		{ "user", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct addr a;
		char text[ADDR_TEXT];

		if (!CHECK_EQ(read_place(span_str(rows[i].value), &a),
		    rows[i].addr != NULL) || rows[i].addr == NULL)
			continue;
		addr_print_port(&a, text);
		CHECK_STR(text, rows[i].addr);
	}
}
