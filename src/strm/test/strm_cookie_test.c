/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cookies as they are written, dates, and what may not be said.
 */
#include <base/test.h>

#include "../strm_cookie.c"

#include <base/must.h>

#include "../../srv/test/srv_try.h"

static const struct {
	const char *in, *pairs;
} fields[] = {
	{ "", "" },
	{ "a=1", "[a|1]" },
	{ "a=1; b=2", "[a|1][b|2]" },
	{ "a=1;b=2,c=3", "[a|1][b|2][c|3]" },
	{ " a = 1 ; b", "[a|1][b]" },
	{ "a=\"x;y\"; b=", "[a|\"x;y\"][b|]" },
	{ "a=b=c", "[a|b=c]" },
	{ ";; a=1;", "[][][a|1]" },
	{ "=v", "[|v]" },
	{ "a=\"open; b=2", "[a|\"open; b=2]" },
};

TEST(pairs_of_a_field)
{
	for (size_t i = 0; i < NELEM(fields); i++) {
		struct span in = span_str(fields[i].in);
		char out[128] = "";
		size_t n = 0;
		struct pair p;

		for (size_t at = 0; at < in.n; at = p.next + 1) {
			take_pair(in, at, &p);
			CHECK(p.next >= at && p.next <= in.n);
			CHECK(p.end <= p.next);
			n += (size_t)snprintf(out + n, sizeof out - n,
			    p.value.p == NULL ? "[%.*s]" : "[%.*s|%.*s]",
			    SPAN_FMT(p.name), SPAN_FMT(p.value));
		}
		CHECK_STR(out, fields[i].pairs);
	}
}

TEST(dates_there_and_back)
{
	char text[DATE_CHARS];

	for (uint32_t d = 1; d < 0x3fffffff; d = d * 3 + 1) {
		put_date(text, d);
		CHECK_EQ(get_date(span_of(text, sizeof text)), d);
	}
	CHECK_EQ(get_date(SPAN("awp5i")), 448962146);
	CHECK_EQ(get_date(SPAN("AAAA")), 0);
	CHECK_EQ(get_date(SPAN("AA*AA")), 0);
	CHECK_EQ(get_date(SPAN("AAAA\0")), 0);
}

static const struct { const char *cfg, *error; } bad[] = {
	{ " cookie\n", "the name of a cookie" },
	{ " cookie S;V insert\n", "cannot be the name" },
	{ " cookie SRV insert prefix\n", "incompatible" },
	{ " cookie SRV rewrite indirect\n", "incompatible" },
	{ " cookie SRV rewrite preserve\n", "'preserve' requires" },
	{ " cookie SRV insert often\n", "not 'often'" },
	{ " cookie SRV insert maxidle\n", "a duration" },
	{ " cookie SRV insert maxidle 0\n", "above 0" },
	{ " cookie SRV insert attr a;b\n", "neither ';'" },
	{ " cookie SRV insert domain a/b\n", "not permitted" },
	{ " ignore-persist\n", "requires either 'if'" },
	{ " force-persist path\n", "requires either 'if'" },
	{ " use-server s\n", "requires either 'if'" },
	{ " use-server x if { always_true }\n", "unable to find server 'x'" },
	{ " server s 127.0.0.1:1 cookie \"a;b\"\n", "neither ';'" },
	{ " dynamic-cookie-key\n", "a secret key" },
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
}
