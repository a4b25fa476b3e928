/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of PEM files, good and damaged.
 */
#include <base/test.h>

#include "../tls_pem.c"

#include <base/must.h>

TEST(blocks_of_a_file)
{
	static const struct { const char *in, *label, *der, *err; } rows[] = {
		{ "", NULL, NULL, NULL },
		{ "some text\n", NULL, NULL, NULL },
		{ "-----BEGIN X-----\nZm9v\n-----END X-----\n", "X", "foo",
		    NULL },
		{ "text\r\n-----BEGIN A B-----\r\nZm9v\r\nYmFy\r\n"
		    "-----END A B-----", "A B", "foobar", NULL },
		{ "-----BEGIN X-----\nA: b\n\nZm8=\n-----END X-----\n", "X",
		    "fo", NULL },
		{ "-----BEGIN X-----\nZm9v\n", NULL, NULL,
		    "a block without its END line" },
		{ "-----BEGIN X-----\nZm9v\n-----END Y-----\n", NULL, NULL,
		    "a block without its END line" },
		{ "-----BEGIN X-----\nZm9\n-----END X-----\n", NULL, NULL,
		    "a block that is not base64" },
		{ "-----BEGIN X-----\n-----END X-----\n", NULL, NULL,
		    "a block that is not base64" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		char *copy = must_strdup(rows[i].in);
		struct span in = span_str(copy);
		const char *err = NULL;
		struct pem b;
		enum why why = pem_next(&in, &b, &err);

		if (rows[i].err != NULL) {
			CHECK_EQ(why, WHY_INTERNAL);
			CHECK_STR(err, rows[i].err);
		} else if (rows[i].label == NULL) {
			CHECK_EQ(why, WHY_EOF);
		} else if (CHECK_EQ(why, WHY_OK)) {
			CHECK_MEM(b.label.p, b.label.n, rows[i].label,
			    strlen(rows[i].label));
			CHECK_MEM(b.der.p, b.der.n, rows[i].der,
			    strlen(rows[i].der));
			CHECK(!b.encrypted);
		}
		free(copy);
	}
}

TEST(encrypted_keys_are_told)
{
	static const char *const rows[] = {
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nZm9v\n"
		"-----END ENCRYPTED PRIVATE KEY-----\n",
		"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
		"DEK-Info: AES-128-CBC,00\n\nZm9v\n"
		"-----END RSA PRIVATE KEY-----\n",
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		char *copy = must_strdup(rows[i]);
		struct span in = span_str(copy);
		const char *err;
		struct pem b;

		CHECK_EQ(pem_next(&in, &b, &err), WHY_OK);
		CHECK(b.encrypted);
		free(copy);
	}
}

TEST(one_after_the_other)
{
	char text[] = "-----BEGIN A-----\nMQ==\n-----END A-----\n"
	    "-----BEGIN B-----\nMg==\n-----END B-----\nrest\n";
	struct span in = span_of(text, sizeof text - 1);
	const char *err;
	struct pem b;

	CHECK_EQ(pem_next(&in, &b, &err), WHY_OK);
	CHECK_SPAN(b.der, "1");
	CHECK_EQ(pem_next(&in, &b, &err), WHY_OK);
	CHECK_SPAN(b.label, "B");
	CHECK_SPAN(b.der, "2");
	CHECK_EQ(pem_next(&in, &b, &err), WHY_EOF);
}
