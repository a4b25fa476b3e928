/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the record of a stream's or session's variables: refused, or
 * read, and then written and read the same again.
 */
#include <wire/wire.h>

#include "expr_int.h"
#include "expr_try.h"
#include "vars_int.h"

static struct try t;

static void
check_round(struct expr_vars *x, struct arena *a)
{
	static char mem[2][1 << 16];
	struct expr_vars *again = NULL;
	struct wire_out out;
	struct wire_in in;
	size_t n;

	wire_out_init(&out, mem[0], sizeof mem[0]);
	expr_vars_put(&out, x);
	if (out.over)
		return;
	n = out.n;
	wire_in_init(&in, span_of(mem[0], n));
	if (!expr_vars_get(&in, a, &again))
		__builtin_trap();
	wire_out_init(&out, mem[1], sizeof mem[1]);
	expr_vars_put(&out, again);
	if (out.n != n || memcmp(mem[0], mem[1], n) != 0)
		__builtin_trap();
	if (a == NULL)
		expr_vars_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = { "txn.a", "txn.b", "sess.a",
	    "sess.b", "req.c" };
	struct expr_vars *x = NULL;
	struct arena *a;
	struct wire_in in;
	const char *err;

	if (n == 0 || n > 4000)
		return (0);
	if (t.txn.arena == NULL) {
		try_init(&t);
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			expr_var_named(span_str(names[i]), &err);
	}
	a = data[0] % 2 != 0 ? NULL : &t.arena;
	wire_in_init(&in, span_of((const char *)data + 1, n - 1));
	if (expr_vars_get(&in, a, &x) && x != NULL) {
		check_round(x, a);
		if (a == NULL)
			expr_vars_free(x);
	}
	arena_reset(&t.arena);
	return (0);
}
