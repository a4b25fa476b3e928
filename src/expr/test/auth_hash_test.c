/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../auth_hash.c"

/* Made with `openssl passwd -apr1 -salt SALT PASSWORD`, `openssl sha1`. */
TEST(hashes_are_those_of_htpasswd)
{
	static const struct { const char *pass, *hash; } rows[] = {
		{ "secret", "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/" },
		{ "secret", "$apr1$ab$jiiV6N7hIIuIoJbc1hxOE/" },
		{ "", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie." },
		{ "x", "$apr1$ab$eIePjsejfBGR8ITtu2z0U1" },
		{ "averyverylongpasswordindeed1234",
		  "$apr1$abcdefgh$VFGXlCAl/Sm4yNLzamrYU/" },
		{ "averyverylongpasswordindeed1234",
		  "$apr1$ab$nBEHEf6klYZ5I/nkPSgxm1" },
		{ "secret", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=" },
	};
	char out[AUTH_HASH_MAX];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CHECK(expr_auth_hash(span_str(rows[i].pass),
		    span_str(rows[i].hash), out));
		CHECK_STR(out, rows[i].hash);
		CHECK(expr_auth_hash(SPAN("other"), span_str(rows[i].hash),
		    out));
		CHECK(strcmp(out, rows[i].hash) != 0);
	}
	CHECK(!expr_auth_hash(SPAN("x"), SPAN("$5$ab$cd"), out));
	CHECK(!expr_auth_hash(SPAN("x"), SPAN(""), out));
	CHECK(expr_auth_hash(SPAN("x"), SPAN("$apr1$"), out));
}
