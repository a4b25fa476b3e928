/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names a server's certificate is good for, and which of a request are
 * asked for.
 */
#include <base/test.h>

#include "../tls_connect.c"

#include "make_cert.h"

static const struct {
	const char *cn, *alt, *name;
	bool good;
} names[] = {
	{ "a.example", NULL, "a.example", true },
	{ "a.example", NULL, "A.Example", true },
	{ "a.example", NULL, "b.example", false },
	{ "a.example", NULL, "a.example.org", false },
	{ "*.b.example", NULL, "a.b.example", true },
	{ "*.b.example", NULL, "c.a.b.example", false },
	{ "*.b.example", NULL, "b.example", false },
	{ "a*.example.org", NULL, "ab.example.org", false },
	/* with alternative names the common one does not count */
	{ "a.example", "DNS:b.example,DNS:*.c.example", "a.example", false },
	{ "a.example", "DNS:b.example,DNS:*.c.example", "b.example", true },
	{ "a.example", "DNS:b.example,DNS:*.c.example", "x.c.example", true },
	{ "a.example", "DNS:b.example,DNS:*.c.example", "c.example", false },
	{ "a.example", "IP:192.0.2.1,IP:2001:db8::1", "192.0.2.1", true },
	{ "a.example", "IP:192.0.2.1,IP:2001:db8::1", "2001:db8::1", true },
	{ "a.example", "IP:192.0.2.1", "192.0.2.2", false },
	{ NULL, "DNS:b.example", "b.example", true },
	{ NULL, NULL, "b.example", false },
};

TEST(a_certificate_is_for_its_names)
{
	EVP_PKEY *key = make_key("ec");

	for (size_t i = 0; i < NELEM(names); i++) {
		X509 *x = make_x509(key, names[i].cn, names[i].alt);

		if (is_for(x, names[i].name) != names[i].good)
			printf("    row %zu\n", i);
		CHECK_EQ(is_for(x, names[i].name), names[i].good);
		X509_free(x);
	}
	EVP_PKEY_free(key);
}

static const struct {
	const char *host;
	const char *name;               /* NULL: none is asked for */
} hosts[] = {
	{ "a.example", "a.example" },
	{ "a.example:8080", "a.example" },
	{ "localhost", "localhost" },
	{ ":8080", NULL },
	{ "192.0.2.1", NULL },
	{ "192.0.2.1:80", NULL },
	{ "[2001:db8::1]", NULL },
	{ "[2001:db8::1]:80", NULL },
	{ "", NULL },
	{ NULL, NULL },
};

TEST(the_name_of_a_request_is_its_host)
{
	for (size_t i = 0; i < NELEM(hosts); i++) {
		struct http_head *h = http_head_new();
		struct txn txn = { .is_http = true, .req = h };
		struct span name;

		h->request = true;
		if (hosts[i].host != NULL)
			http_add(h, SPAN("host"), span_str(hosts[i].host));
		name = name_of_request(&txn);
		if (!span_eq(name, span_str(hosts[i].name)))
			printf("    row %zu\n", i);
		CHECK(span_eq(name, span_str(hosts[i].name)));
		txn.is_http = false;
		CHECK(name_of_request(&txn).n == 0);
		http_head_free(h);
	}
}
