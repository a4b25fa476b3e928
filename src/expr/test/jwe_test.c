/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt_decrypt_*(): tokens made by another implementation (pyca/cryptography),
 * each of their algorithms; one that is changed in any of its parts is empty.
 */
#include <base/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <base/must.h>
#include <base/text.h>

#include "expr_try.h"

#ifdef USE_OPENSSL
static const char rsa_jwk[] =
    "{\"kty\":\"RSA\",\"n\":\"vrjjl0hdWCiogVJOwEFpDXCcq3WkbCQV5"
    "rkDO9rBQ95Bhh8O4CHOhW2rV2aqQPg5ywcDnYL8i3IlLFXK24Zxu_ZoJ7i"
    "k_9oR7jQeidylY4Dj8IXRI0SdwlQBfZfG5lusaHfcaXpDM4OF_50ydRl6G"
    "YtOsKQDGSnrbPgzkkzuC5c\",\"e\":\"AQAB\",\"d\":\"TY4trmUU4D"
    "aYXw4zS-bNa1Oxwd9y3y7FYS82624HTSviBUI38FiO_J8eH8p1zTmjdrYB"
    "eFm9jI78Is04UpCXSpzwTyIsT559zS7r342FhmQ1Etv7hYXF6ttH0PrhTC"
    "sW_bmwwcEZqJIedSOkxNZPRRZyf789biXlxh2Ps6AaNwE\",\"p\":\"-K"
    "ihNDEgoe0epQuEnP88V9hN4RanV_cLdYI2-VIeM8gBOeJBR9vOQtwSSsJB"
    "e1mhOD9HE0JWFQ_2v13zfT2OQQ\",\"q\":\"xFpfoK4usRHaBcGEw7iiw"
    "PW-G0NMK46FNrtA1Ffbk1CKM49ESUWV5kfWcIZxy-1fMqdM9hXDB8FkF55"
    "f2vzT1w\",\"dp\":\"7xEpk8Vb63LPkLzHLi5StN542dzu3SresIaWFhT"
    "2hrBXRXCbdNwGrc9qIsgrLs3Yq_xieEjB_JQRlqFcdV_WQQ\",\"dq\":"
    "\"DOzOAqu0kx9TtLFKZf_PZthGTVEewHc_OZ0V5WRrJcVVc5NosVINTf1I"
    "llujPgNAEvuES2afUfFe_1cDhEzEPQ\",\"qi\":\"92X_d7qXyDCne12D"
    "h8E_uvQgshQHbnDNGhCRCwS93zovuMPaNyXP06INAPP2xgPv1gkXDH42ju"
    "b_tX8qnmG21g\"}";

static const char rsa_short[] =
    "{\"kty\":\"RSA\",\"n\":\"vrjjl0hdWCiogVJOwEFpDXCcq3WkbCQV5"
    "rkDO9rBQ95Bhh8O4CHOhW2rV2aqQPg5ywcDnYL8i3IlLFXK24Zxu_ZoJ7i"
    "k_9oR7jQeidylY4Dj8IXRI0SdwlQBfZfG5lusaHfcaXpDM4OF_50ydRl6G"
    "YtOsKQDGSnrbPgzkkzuC5c\",\"e\":\"AQAB\",\"d\":\"TY4trmUU4D"
    "aYXw4zS-bNa1Oxwd9y3y7FYS82624HTSviBUI38FiO_J8eH8p1zTmjdrYB"
    "eFm9jI78Is04UpCXSpzwTyIsT559zS7r342FhmQ1Etv7hYXF6ttH0PrhTC"
    "sW_bmwwcEZqJIedSOkxNZPRRZyf789biXlxh2Ps6AaNwE\"}";

static const char rsa_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAL6445dIXVgoqIFS\n"
    "TsBBaQ1wnKt1pGwkFea5AzvawUPeQYYfDuAhzoVtq1dmqkD4OcsHA52C/ItyJSxV\n"
    "ytuGcbv2aCe4pP/aEe40HoncpWOA4/CF0SNEncJUAX2XxuZbrGh33Gl6QzODhf+d\n"
    "MnUZehmLTrCkAxkp62z4M5JM7guXAgMBAAECgYBNji2uZRTgNphfDjNL5s1rU7HB\n"
    "33LfLsVhLzbrbgdNK+IFQjfwWI78nx4fynXNOaN2tgF4Wb2MjvwizThSkJdKnPBP\n"
    "IixPnn3NLuvfjYWGZDUS2/uFhcXq20fQ+uFMKxb9ubDBwRmokh51I6TE1k9FFnJ/\n"
    "vz1uJeXGHY+zoBo3AQJBAPiooTQxIKHtHqULhJz/PFfYTeEWp1f3C3WCNvlSHjPI\n"
    "ATniQUfbzkLcEkrCQXtZoTg/RxNCVhUP9r9d8309jkECQQDEWl+gri6xEdoFwYTD\n"
    "uKLA9b4bQ0wrjoU2u0DUV9uTUIozj0RJRZXmR9ZwhnHL7V8yp0z2FcMHwWQXnl/a\n"
    "/NPXAkEA7xEpk8Vb63LPkLzHLi5StN542dzu3SresIaWFhT2hrBXRXCbdNwGrc9q\n"
    "IsgrLs3Yq/xieEjB/JQRlqFcdV/WQQJADOzOAqu0kx9TtLFKZf/PZthGTVEewHc/\n"
    "OZ0V5WRrJcVVc5NosVINTf1IllujPgNAEvuES2afUfFe/1cDhEzEPQJBAPdl/3e6\n"
    "l8gwp3tdg4fBP7r0ILIUB25wzRoQkQsEvd86L7jD2jclz9OiDQDz9sYD79YJFwx+\n"
    "No7m/7V/Kp5httY=\n"
    "-----END PRIVATE KEY-----\n";

static const struct { const char *want, *token, *secret; } shared[] = {
	{ "dir A128GCM",
	    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..En_EE7lgNff"
	    "pc-C8.Gk2bSYFAP933F7Q.adV8oaAYbQNWB4K0gnnSnQ",
	    "UspuTLSxbjF3CaWXxacvpg==" },
	{ "dir A192CBC-HS384",
	    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTkyQ0JDLUhTMzg0In0..sfC"
	    "sJev0BY4h2M3JodvSjg.fuKIsaWbvT7jaIhTDILg5g2mXIMMhxJR"
	    "QS8eTNBIU2g.szjBjkmaBkuxKk0taRkchVB5IgyXQuhw",
	    "TsS+5b/G91ULIqE6JSCx+NQyC1fAUGJ0ZHQHMagTgQJst0XvOFuM"
	    "AOz5Abf3TzTS" },
	{ "A128KW A192GCM",
	    "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTkyR0NNIn0.liz5nqkj"
	    "bAQJGr5NSYRZ73i4XUSHlHGWymPJYwdS0MQ.JQSAK-tFeNb3w_2S"
	    ".nnNaXWfQ2s2twXVGRlU.q8Pm4MuTEy25IcgHfP0a_g",
	    "PxdJ07+6HPM1O+KoEu9xdw==" },
	{ "A192KW A256CBC-HS512",
	    "eyJhbGciOiJBMTkyS1ciLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0."
	    "5AZI_2z3roc6Xm8SPLigdVqzyPzzxdaooAk2aQUK5icuo9UclBqG"
	    "l_lfTx-kxzibod6YCJNdmM6qABnSy7iJwdCmmuY1kLI0.zFSgXC6"
	    "kvFYohD-c086Udw.ZITwWNXqyi-aOWUk9a8Ji9gvYw_Ra-Yqhfej"
	    "vamCJeQ.K8njd2tquM1-xqXypZtuGO0IREHFaJrTpgUwf6nxajc",
	    "R5fxm4JnVwgNxnEU2zKUW4vdzxD2p8VD" },
	{ "A256KW A256GCM",
	    "eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIn0.6sGoEcTw"
	    "6c9T5_vkSlA-Dd1AN-DEJaAOojMx_DkgVBCJaMHS0yTTfQ.TlveV"
	    "j6BLQCCMKBx.M9tz_x-SEozeaV74jPA.x6Ky5KAqW7kXkSwPkbp5"
	    "JA",
	    "WkTUZPox1H5Sgtbs0TxBLolqBzBo2KnzhGMz0a6qMUQ=" },
	{ "A128GCMKW A128CBC-HS256",
	    "eyJhbGciOiJBMTI4R0NNS1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2"
	    "IiwiaXYiOiJlSTJCVnFVc0VzaE5QZkY4IiwidGFnIjoiaU5kRU91"
	    "WWttV3d3NTc5QUZ5bjdxUSJ9.ns33_tNNGereS9R5TCAjTdOsp1P"
	    "LEY8oDqsRa3HqAYo.wxVa0-BuzRqvjSxX1KMlLw.Wv9pzw9mYrRy"
	    "LfArt_PBDTqWxYWLYZRKqAwN7CJMlQY.FaEicdqYuZ4kgWeN-Q3V"
	    "mA",
	    "9lMYoaALUSqxbptrdCyEwQ==" },
	{ "A192GCMKW A128GCM",
	    "eyJhbGciOiJBMTkyR0NNS1ciLCJlbmMiOiJBMTI4R0NNIiwiaXYi"
	    "OiJJQllUMl9TN2xnSVFXbWpFIiwidGFnIjoiYUZ4alk5MlJGdnFo"
	    "bnUxZzBiZENtZyJ9.79gtNSo9G9UGSgxEeesFBA.qMuzW9ICNUEC"
	    "AGsO.T4EMsNmGmaBp-tWBMkeLGm0.pjRGAyE51TqYjYrfZtZjSQ",
	    "qbO3QW7HNTh8/rJPYXEiVMaeTPUD8w5W" },
	{ "A256GCMKW A256CBC-HS512",
	    "eyJhbGciOiJBMjU2R0NNS1ciLCJlbmMiOiJBMjU2Q0JDLUhTNTEy"
	    "IiwiaXYiOiJ0NFEwWEpReDV6dktSTFdvIiwidGFnIjoiaGptbzlM"
	    "OVUyYlNkN1VUTnBobWs2ZyJ9.sYAqPmZXVhPGeLQ9dfekZdhkC5v"
	    "hIQ3e5v4dJlJ0j3logs-lBtAmpJBYDmqZmlYKUNTHEviFEppc0-J"
	    "sWDXrIQ.enM1GZ92DQYKdA5Ta8ICuw.yyweKDWRBT4o2aWNY5Tc2"
	    "HrmkmljjJ3eHWSDIBIVk2k.OLIh-Q8WAm-fJFGMrLS4iqP_N568x"
	    "_w2SHQaK6fz82E",
	    "Dq7kXuRwEiqEw6lSoUTrY2JQNnrA6Ps+qd1XkHVbHOo=" },
	{ "",               /* compressed */
	    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIiwiemlwIjoiREVG"
	    "In0..6ZuUCQEFBjEcx8CK._A.aT9N6gvc1OQidkozhtDmHQ",
	    "F+2/aKhtya7EmqoL7ijy7g==" },
	{ "",               /* an extension that must be understood */
	    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIiwiY3JpdCI6WyJl"
	    "eHAiXX0..JkF7KP0y-E2M6qBV.6g.jZnotEgk9FvzoW_efaMAPA",
	    "F+2/aKhtya7EmqoL7ijy7g==" },
	{ "",
	    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..9eU8_RPfU88"
	    "U-Hk3..T9K7HBAsH1YQQcCiZ7a9-Q",
	    "F+2/aKhtya7EmqoL7ijy7g==" },
};

static const struct { const char *want, *token; } by_rsa_key[] = {
	{ "RSA1_5 A128CBC-HS256",
	    "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0."
	    "EUWiWIyaDWhLr9mC4vjQ8k7EegDLLvHucFikAA36PiKOXkSXR36J"
	    "e7JrFKmsJlIJtZAj2Wn8sdAD1naYPixT-2umtyxCdRaCc1i1u4K1"
	    "8BsxWAHjwv9skIYZUGJMsWuniJURZuB2eTEQJn8yiD8AWlN4LlLS"
	    "ki2Y9AReAC46qsw.ktXb36vg2vpUERXK4B7f9A.U86ht8KkBvk2i"
	    "CVluUMAcVQsLvMPFPpTEkNnN2-r_qA.WNe637V2GqTFPXnnjuFjf"
	    "Q" },
	{ "RSA-OAEP A256GCM",
	    "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.sI08C"
	    "ENXaQRxbwqJwzeFp79IsmTK4H9NJg7pzCeiXkFSEt3m02UsGKh5K"
	    "wchcr_4oYWV4j18cmVvh7PgbjRzZLECQtpPoV_XrbiQKuaf4IcXy"
	    "yDk0PtA5557hDooqyqY5pX9j8rE2DDZMQyj1wudrjYOhd0gy35JT"
	    "UIDnfTMXNI.qHMgFi8fMwknaey1.tckvwxAr86F1_2oTrb7bVQ.0"
	    "48C4My88MLxHmZPcUvm4Q" },
	{ "RSA-OAEP-256 A128GCM",
	    "eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMTI4R0NNIn0."
	    "U0pgjovvLy48mIL5GAhSrgfa7KstepNQXjf2fwhsR9GoqMrENoK8"
	    "13NpteXWA0X533iyftifbQGNPPbfQgFpsfZEDsOf84PeRd4GVy56"
	    "TXz2UiecsOAAo7mKxFQxdc2PwTEXTvWxLX6HAhloobhJUY8DYRZt"
	    "CDjXEhFZIaCeXnE.TNzP36Nl1tEIi3iK.oklXMevhiYEFNbcnJlF"
	    "8MT3NH-w.2cH74yhmSxNVVR5DHCctMQ" },
	{ "",               /* for another key */
	    "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4R0NNIn0.wNd1xcrP"
	    "5EXfOa4zY5ZD_nILA7E4YgIPyvHI1CqWcv22o2DD9bVBORw-cWJq"
	    "AzwpbjzFBnYbmfjF1wIgKCH3GgpERiRmbG3cezfpgo4G_ljJrm69"
	    "-eAAbQGLRRqiuptzGdDlBmVzFNb8u63BpJHYsNZcGL_3wcL8K7RM"
	    "7NcI4A8.pwqLp4Jx45CVRlSx.5g.3yZQetyogXd-OE8nCAAmtw" },
};

/* str(TOKEN),CONV(KEY) as text; "(none)" without a result. */
static const char *
value(struct try *t, const char *token, const char *conv, const char *key)
{
	static char out[256];
	struct text text;
	struct conf_word w = { .col = 1 };
	struct expr *e;
	struct span s;

	text_init(&text);
	text_printf(&text, "str(%s),%s('%s')", token, conv, key);
	w.text = arena_span(t->conf.arena, text_span(&text));
	text_fini(&text);
	w.width = (int)w.text.n;
	e = expr_parse(try_line(t, "x"), &w, w.text, SMP_ANYWHERE);
	if (e == NULL)
		return (t->error);
	arena_reset(&t->arena);
	s = expr_text(e, &t->txn);
	if (s.p == NULL)
		return ("(none)");
	span_copy(out, sizeof out, s);
	return (out);
}

/* Another letter anywhere: no part of a token may be changed. The last letter
 * of a part may have bits that mean nothing. */
static void
check_tampered(struct try *t, const char *token, const char *conv,
    const char *key)
{
	size_t n = strlen(token);
	char *copy = must_alloc(n + 1);

	for (size_t i = 1; i + 1 < n; i += 7) {
		if (token[i] == '.' || token[i + 1] == '.')
			continue;
		memcpy(copy, token, n + 1);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		if (!CHECK_STR(value(t, copy, conv, key), ""))
			printf("    at %zu of %s\n", i, token);
	}
	free(copy);
}

TEST(tokens_for_a_shared_secret)
{
	struct try t;
	char jwk[256], url[128];

	try_init(&t);
	for (size_t i = 0; i < NELEM(shared); i++) {
		const char *token = shared[i].token;

		CHECK_STR(value(&t, token, "jwt_decrypt_secret",
		    shared[i].secret), shared[i].want);
		check_tampered(&t, token, "jwt_decrypt_secret",
		    shared[i].secret);
		CHECK_STR(value(&t, token, "jwt_decrypt_secret", "AAAA"),
		    "");
		/* without its padding */
		snprintf(url, sizeof url, "%.*s",
		    (int)strcspn(shared[i].secret, "="), shared[i].secret);
		CHECK_STR(value(&t, token, "jwt_decrypt_secret", url),
		    shared[i].want);
		/* the same key in JSON, where it is base64url */
		snprintf(url, sizeof url, "%s", shared[i].secret);
		for (char *p = url; *p != '\0'; p++)
			*p = *p == '+' ? '-' : *p == '/' ? '_' :
			    *p == '=' ? '\0' : *p;
		snprintf(jwk, sizeof jwk, "{\"k\":\"%s\",\"kty\":\"oct\"}",
		    url);
		CHECK_STR(value(&t, token, "jwt_decrypt_jwk", jwk),
		    shared[i].want);
	}
	CHECK_STR(value(&t, shared[0].token, "jwt_decrypt_jwk", "{}"),
	    "");
	CHECK_STR(value(&t, "a.b.c", "jwt_decrypt_secret", "AAAA"), "");
	CHECK(strstr(value(&t, "a", "jwt_decrypt_secret", "!"), "base64") !=
	    NULL);
	try_fini(&t);
}

TEST(tokens_for_an_rsa_key)
{
	char path[] = "/tmp/jwe-test-XXXXXX";
	int fd = mkstemp(path);
	struct try t;

	MUST(fd >= 0 && write(fd, rsa_pem, sizeof rsa_pem - 1) ==
	    (ssize_t)sizeof rsa_pem - 1);
	(void)close(fd);
	try_init(&t);
	for (size_t i = 0; i < NELEM(by_rsa_key); i++) {
		const char *token = by_rsa_key[i].token;

		CHECK_STR(value(&t, token, "jwt_decrypt_jwk", rsa_jwk),
		    by_rsa_key[i].want);
		CHECK_STR(value(&t, token, "jwt_decrypt_jwk", rsa_short),
		    by_rsa_key[i].want);
		CHECK_STR(value(&t, token, "jwt_decrypt_cert", path),
		    by_rsa_key[i].want);
		CHECK_STR(value(&t, token, "jwt_decrypt_secret", "AAAA"),
		    "");
		check_tampered(&t, token, "jwt_decrypt_cert", path);
	}
	CHECK_STR(value(&t, shared[0].token, "jwt_decrypt_cert", path),
	    "");
	CHECK(strstr(value(&t, "a", "jwt_decrypt_cert", "/nonexistent"),
	    "private key") != NULL);
	try_fini(&t);
	(void)unlink(path);
}
#endif
