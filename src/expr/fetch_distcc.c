/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_distcc - samples from messages of distcc, which sends files to
 * compilers elsewhere.
 *
 * A message is a row of tokens: four letters, a number of eight hexadecimal
 * digits, and, behind some, as many bytes. Source: distcc's protocol-1.txt;
 * configuration manual 7.3.5.
 */
#include <expr/expr.h>

#include <string.h>

#include <base/must.h>
#include <base/num.h>

#define TOKEN_N 12

enum found { FOUND_NO, FOUND_YES, FOUND_NOT_YET };

struct token {
	struct span name;
	uint32_t param;
	bool has_body;
};

/* Those whose number is a length. */
static const char with_body[][5] = { "ARGV", "CDIR", "DOTI", "NAME", "LINK",
	"FILE", "SERR", "SOUT", "DOTO" };

static bool
read_token(const char *p, struct token *t)
{
	t->name = span_of(p, 4);
	t->param = 0;
	t->has_body = false;
	for (int i = 4; i < TOKEN_N; i++) {
		int digit = num_hexval(p[i]);

		if (digit < 0)
			return (false);
		t->param = t->param << 4 | (uint32_t)digit;
	}
	for (size_t i = 0; i < NELEM(with_body); i++)
		t->has_body |= span_is(t->name, with_body[i]);
	return (true);
}

/* The `occ`th token of that name; `body`: and all bytes behind it. */
static enum found
find_token(struct span in, struct span name, int64_t occ, bool body,
    struct token *t, struct span *out)
{
	while (in.n >= TOKEN_N) {
		bool is;

		if (!read_token(in.p, t))
			return (FOUND_NO);
		is = span_eq(t->name, name) && --occ <= 0;
		in = span_skip(in, TOKEN_N);
		if (is && !body)
			return (FOUND_YES);
		if (t->has_body && t->param > in.n)
			return (FOUND_NOT_YET);
		*out = span_of(in.p, t->has_body ? t->param : 0);
		if (is)
			return (FOUND_YES);
		in = span_skip(in, out->n);
	}
	return (FOUND_NOT_YET);
}

static bool
find(struct txn *txn, const struct arg *arg, bool body, struct smp *s,
    struct token *t, struct span *out)
{
	bool response = txn->stage == TXN_RES_CONTENT || txn->stage == TXN_RES;
	struct span in = txn->ops == NULL || txn->ops->payload == NULL ?
	    SPAN_NONE : txn->ops->payload(txn, response);
	enum found f = find_token(in, arg[0].str, arg[1].num, body, t, out);

	s->waits = f == FOUND_NOT_YET;
	return (f == FOUND_YES);
}

static bool
fetch_param(struct txn *txn, const struct arg *arg, struct smp *s)
{
	struct span body;
	struct token t;

	if (!find(txn, arg, false, s, &t, &body))
		return (false);
	s->num = t.param;
	return (true);
}

static bool
fetch_body(struct txn *txn, const struct arg *arg, struct smp *s)
{
	struct token t;

	return (find(txn, arg, true, s, &t, &s->str));
}

static bool
check_token(struct arg *arg, const char **err)
{
	*err = "expected a token of distcc, four letters, as DOTI";
	return (arg[0].str.n == 4);
}

#define AT (SMP_CONTENT | SMP_AT(CHOOSE) | SMP_AT(SERVER) | SMP_RESPONSE)
FETCH(distcc_param) = {
	.name = "distcc_param", .args = "str token, int occ=1 [1..1000000]",
	.out = SMP_INT, .stages = AT, .run = fetch_param,
	.check = check_token, .waits = true, .fresh = true, .raw = true,
	.doc = "The number of the <occ>th <token> of a distcc message: a "
	    "version, a count, a length.",
	.example = "tcp-request content accept if { distcc_param(DOTI) "
	    "-m found }",
};
FETCH(distcc_body) = {
	.name = "distcc_body", .args = "str token, int occ=1 [1..1000000]",
	.out = SMP_BIN, .stages = AT, .run = fetch_body,
	.check = check_token, .waits = true, .fresh = true, .raw = true,
	.doc = "The bytes that follow the <occ>th <token> of a distcc message, "
	    "when all are here: an argument, a file.",
	.example = "tcp-request content set-var(sess.arg) distcc_body(ARGV,1)",
};
