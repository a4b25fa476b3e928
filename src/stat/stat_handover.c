/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_handover - "show handover": the counters of what went from old workers
 * to new ones, over all processes and generations since the start.
 */
#include "stat_int.h"

#include <base/must.h>
#include <cnt/cnt.h>

#include <string.h>

/* Rows of cnt/proc.def, by their name. */
#define PREFIX "handover_"

static enum cli_done
run_handover(struct cli_ctx *x)
{
	uint64_t v[sizeof(struct cnt_proc) / sizeof(uint64_t)];

	cnt_sum(cnt_proc_at, v, NELEM(v));
	for (unsigned i = 0; i < cnt_n_rows[CNT_KIND_PROC]; i++) {
		const struct cnt_row *r = &cnt_rows[CNT_KIND_PROC][i];

		if (strncmp(r->name, PREFIX, sizeof PREFIX - 1) == 0)
			text_printf(x->out, "ecluse_%s %llu\n", r->name,
			    (unsigned long long)v[i]);
	}
	text_addc(x->out, '\n');
	return (CLI_DONE);
}

CLI_COMMAND(show_handover) = {
	.name = "show handover", .args = "", .level = PX_LEVEL_USER,
	.run = run_handover,
	.doc = "connections that went from old workers to new ones",
};
