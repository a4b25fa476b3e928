/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the record of what is tracked: refused, or read, and then
 * written and read the same again; nothing stays in use afterwards.
 */
#include <wire/wire.h>

#include "stk_try.h"

static void
check_round(const struct stk_set *s)
{
	static char mem[2][1 << 16];
	struct stk_set *again = NULL;
	struct wire_out out;
	struct wire_in in;
	size_t n;

	wire_out_init(&out, mem[0], sizeof mem[0]);
	stk_track_put(&out, 3, s);
	if (out.over)
		__builtin_trap();
	n = out.n;
	wire_in_init(&in, span_of(mem[0], n));
	if (!stk_track_get(&in, 3, NULL, &again) || again == NULL)
		__builtin_trap();
	wire_out_init(&out, mem[1], sizeof mem[1]);
	stk_track_put(&out, 3, again);
	if (out.n != n || memcmp(mem[0], mem[1], n) != 0)
		__builtin_trap();
	stk_set_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct stk_table *t;
	struct stk_set *s = NULL;
	struct wire_in in;

	if (t == NULL)
		t = try_world("backend a\n stick-table type string len 3 size "
		    "20 store conn_cur\nbackend b\n stick-table type ip size "
		    "20 expire 1m\n");
	wire_in_init(&in, span_of((const char *)data, n));
	if (stk_track_get(&in, 3, NULL, &s) && s != NULL)
		check_round(s);
	stk_set_free(s);
	for (const struct stk_table *x = stk_all; x != NULL; x = x->next)
		for (uint32_t i = 1; i <= x->shm->top; i++)
			if (stk_entry_at(x->shm, i)->use != 0)
				__builtin_trap();
	return (0);
}
