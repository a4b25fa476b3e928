/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64: the vectors of RFC 4648 section 10, and what is malformed.
 */
#include <base/test.h>

#include "../b64.c"

#include <base/must.h>

TEST(vectors_of_the_rfc)
{
	static const struct { const char *plain, *std, *url; } rows[] = {
		{ "", "", "" }, { "f", "Zg==", "Zg" }, { "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" }, { "foob", "Zm9vYg==", "Zm9vYg" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
		{ "\xff\xef\xbe", "/+++", "_---" },
	};
	char b[64];
	size_t n;

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct span in = span_str(rows[i].plain);

		n = b64_put(b, in, B64_STD);
		CHECK_MEM(b, n, rows[i].std, strlen(rows[i].std));
		n = b64_put(b, in, B64_URL);
		CHECK_MEM(b, n, rows[i].url, strlen(rows[i].url));
		CHECK(b64_get(b, &n, span_str(rows[i].std), B64_STD));
		CHECK(b64_get(b, &n, span_of(rows[i].std,
		    strcspn(rows[i].std, "=")), B64_LOOSE));
		CHECK(n == in.n);
		CHECK_MEM(b, n, in.p, in.n);
		CHECK(b64_get(b, &n, span_str(rows[i].url), B64_URL));
		CHECK_MEM(b, n, in.p, in.n);
	}
}

TEST(malformed_is_refused)
{
	static const char *const std[] = { "Z", "Zg", "Zg=", "Zg=g", "Z===",
	    "====", "Zm9v=", "Zm9vZg==x", "Zm 9", "Zm8=Zm8=", "_---",
	    "Zg==\n" };
	static const char *const url[] = { "Z", "Zm9vY", "/+++", "Zg=", "Zm9v=",
	    "Zg===", "Z m8" };
	char b[64];
	size_t n;

	for (size_t i = 0; i < NELEM(std); i++)
		if (!CHECK(!b64_get(b, &n, span_str(std[i]), B64_STD)))
			printf("    '%s'\n", std[i]);
	for (size_t i = 0; i < NELEM(url); i++)
		if (!CHECK(!b64_get(b, &n, span_str(url[i]), B64_URL)))
			printf("    '%s'\n", url[i]);
	CHECK(b64_get(b, &n, SPAN("Zg=="), B64_URL));
	CHECK_MEM(b, n, "f", 1);
}

TEST(every_length_comes_back_in_place)
{
	char in[100], text[200];
	size_t n, k;

	for (n = 0; n < sizeof in; n++) {
		in[n] = (char)(n * 37);
		for (int kind = B64_STD; kind <= B64_URL; kind++) {
			k = b64_put(text, span_of(in, n), kind);
			CHECK(k <= B64_ENCODED(n));
			CHECK(b64_get(text, &k, span_of(text, k), kind));
			CHECK_MEM(text, k, in, n);
		}
	}
}
