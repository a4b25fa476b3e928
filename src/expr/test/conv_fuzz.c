/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes through the converters that read foreign formats: the first byte
 * chooses one, the rest is its input. A result lies in the input or in the
 * arena, and the same input gives the same again.
 */
#include "expr_int.h"
#include "expr_try.h"

#include <base/must.h>

static const char *const chains[] = {
	"json_query('$.a')", "json_query('$.a[1].b',int)",
	"json_query('$[0]')", "json_query('$')", "jwt_header_query",
	"jwt_header_query('$.alg')", "jwt_payload_query('$.a',int)",
#ifdef USE_OPENSSL
	"jwt_verify(HS256,secret)",
	"jwt_decrypt_secret(GawgguFyGrWKav7AX4VKUg==)",
#else
	"length", "length",
#endif
	"protobuf(1)", "protobuf(1.2.3,int32)", "protobuf(2,double)",
	"ungrpc(1)", "ungrpc(1.1,sint64)", "mqtt_is_valid",
	"mqtt_field_value(1,password)", "mqtt_field_value(1,17)",
	"mqtt_field_value(2,33)", "mqtt_field_value(1,3)", "fix_is_valid",
	"fix_tag_value(35)", "b64dec", "ub64dec", "url_dec", "url_dec(1)",
	"json(utf8)", "json(utf8ps)", "language(en;fr-CA)", "date",
	"host_only", "port_only", "word(2,/)", "field(-2,/)", "param(a)",
	"reverse_dom", "be2dec(:,3)", "be2hex(:,2)", "hex2i", "cut_crlf",
	"regsub(a*,b,g)", "has_ctl", "ip.fp(7)", "tcp.options_list",
	"eth.data,ip.hdr",
};

static struct try t;
static struct span input;
static const struct expr *expr[NELEM(chains)];

static struct span
payload(struct txn *txn, bool response)
{
	(void)txn;
	(void)response;
	return (input);
}

static const struct txn_ops ops = { .want_addr = try_addr,
	.payload = payload };

static void
setup(void)
{
	char text[128];

	try_init(&t);
	t.txn.ops = &ops;
	for (size_t i = 0; i < NELEM(chains); i++) {
		struct conf_word w = { .col = 1 };

		snprintf(text, sizeof text, "req.payload(0,0),%s", chains[i]);
		w.text = span_str(arena_dup(t.conf.arena, span_str(text)));
		w.width = (int)w.text.n;
		expr[i] = expr_parse(try_line(&t, "x"), &w, w.text,
		    SMP_ANYWHERE);
		MUST(expr[i] != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct expr *e;
	struct smp a, b;
	bool has;

	if (expr[0] == NULL)
		setup();
	if (n == 0)
		return (0);
	e = expr[data[0] % NELEM(chains)];
	input = span_of((const char *)data + 1, n - 1);
	txn_touch(&t.txn);
	has = expr_eval(e, &t.txn, &a) && smp_cast(&t.txn, &a, SMP_BIN);
	txn_touch(&t.txn);
	if ((expr_eval(e, &t.txn, &b) && smp_cast(&t.txn, &b, SMP_BIN)) !=
	    has || (has && !span_eq(a.str, b.str)))
		__builtin_trap();
	arena_reset(&t.arena);
	return (0);
}
