/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate in one piece of bytes, and out of it again.
 */
#include <base/test.h>

#include "../tls_pack.c"

#include "make_cert.h"

static struct span
leaf(void)
{
	EVP_PKEY *key = make_key("ec");
	X509 *x = make_x509(key, "a.example", "DNS:b.example");
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	MUST(n > 0);
	X509_free(x);
	EVP_PKEY_free(key);
	return (span_of((char *)der, (size_t)n));
}

TEST(all_parts_come_out_again)
{
	struct span chain[2] = { SPAN("first"), SPAN("") }, der = leaf();
	struct cert in = { .key_label = SPAN("PRIVATE KEY"),
		.key = SPAN("secret"), .leaf = der, .chain = chain,
		.n_chain = 2, .sctl = SPAN("s"), .issuer = SPAN("i") };
	struct cert out = { .path = "x" };
	struct text t;

	text_init(&t);
	cert_pack(&in, &t);
	for (int twice = 0; twice < 2; twice++) {
		CHECK(cert_unpack(&out, text_span(&t)));
		CHECK_SPAN(out.key_label, "PRIVATE KEY");
		CHECK_SPAN(out.key, "secret");
		CHECK_EQ(out.n_chain, 2);
		CHECK_SPAN(out.chain[0], "first");
		CHECK_EQ(out.chain[1].n, 0);
		CHECK_SPAN(out.sctl, "s");
		CHECK_SPAN(out.issuer, "i");
		CHECK(out.ocsp.p == NULL && out.dh.p == NULL);
		CHECK(span_eq(out.leaf, der) && out.leaf.p != der.p);
		CHECK_EQ(out.facts.kind, CERT_EC);
	}
	CHECK(cert_unpack(&out, SPAN_NONE));
	CHECK(out.leaf.p == NULL && out.n_chain == 0 && out.block == NULL);
	text_fini(&t);
	OPENSSL_free((char *)(uintptr_t)der.p);
}

TEST(what_is_cut_changes_nothing)
{
	struct cert in = { .key = SPAN("secret") }, out = { .path = "x" };
	struct text t;

	text_init(&t);
	cert_pack(&in, &t);
	CHECK(cert_unpack(&out, text_span(&t)));
	for (size_t n = 1; n < t.n; n++)
		CHECK(!cert_unpack(&out, span_of(t.p, n)));
	CHECK_SPAN(out.key, "secret");
	CHECK(cert_unpack(&out, SPAN_NONE));
	text_fini(&t);
}
