/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_handover - the counters of what went from old workers to new ones, over
 * all processes and generations since the start: "show handover", and the same
 * for the exporter.
 */
#include "stat_prom.h"

#include <base/must.h>
#include <cnt/cnt.h>
#include <hand/hand.h>

#include <string.h>

/* Rows of cnt/proc.def, by their name. */
#define PREFIX "handover_"
#define TIME   "handover_us"
#define WAIT   "handover_wait_"         /* a histogram to Prometheus */

static void
each(struct text *out, void (*put)(struct text *, const struct cnt_row *,
    uint64_t))
{
	uint64_t v[sizeof(struct cnt_proc) / sizeof(uint64_t)];

	cnt_sum(cnt_proc_at, v, NELEM(v));
	for (unsigned i = 0; i < cnt_n_rows[CNT_KIND_PROC]; i++) {
		const struct cnt_row *r = &cnt_rows[CNT_KIND_PROC][i];

		if (strncmp(r->name, PREFIX, sizeof PREFIX - 1) == 0)
			put(out, r, v[i]);
	}
}

static void
put_line(struct text *out, const struct cnt_row *r, uint64_t n)
{
	text_printf(out, "ecluse_%s %llu\n", r->name, (unsigned long long)n);
}

static enum cli_done
run_handover(struct cli_ctx *x)
{
	each(x->out, put_line);
	text_addc(x->out, '\n');
	return (CLI_DONE);
}

/* Prometheus counts in seconds. */
static void
put_metric(struct text *out, const struct cnt_row *r, uint64_t n)
{
	bool time = strcmp(r->name, TIME) == 0;
	const char *name = time ? PREFIX "seconds" : r->name;

	if (strncmp(r->name, WAIT, sizeof WAIT - 1) == 0)
		return;
	text_printf(out, "# HELP ecluse_%s_total %s\n"
	    "# TYPE ecluse_%s_total counter\necluse_%s_total ", name, time ?
	    "time that workers took to hand over, summed up" : r->help, name,
	    name);
	if (time)
		text_printf(out, "%.6f\n", (double)n / 1e6);
	else
		text_printf(out, "%llu\n", (unsigned long long)n);
}

/* The counters are cumulative, as buckets are. */
static void
put_waits(struct text *out)
{
	static const char name[] = "ecluse_handover_wait_seconds";
	union {
		struct cnt_proc p;
		uint64_t v[sizeof(struct cnt_proc) / sizeof(uint64_t)];
	} now;
	const uint64_t *waits = now.v + offsetof(struct cnt_proc,
	    handover_wait_250us) / sizeof(uint64_t);

	cnt_sum(cnt_proc_at, now.v, NELEM(now.v));
	text_printf(out, "# HELP %s time that nobody served a connection as it "
	    "crossed\n# TYPE %s histogram\n", name, name);
	for (unsigned i = 0; i < HAND_WAITS; i++)
		text_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name,
		    hand_wait_us[i] / 1e6, (unsigned long long)waits[i]);
	text_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n"
	    "%s_count %llu\n", name,
	    (unsigned long long)now.p.handover_given, name,
	    (double)now.p.handover_wait_us / 1e6, name,
	    (unsigned long long)now.p.handover_given);
}

void
stat_prom_handover(struct text *out)
{
	each(out, put_metric);
	put_waits(out);
}

CLI_COMMAND(show_handover) = {
	.name = "show handover", .args = "", .level = PX_LEVEL_USER,
	.run = run_handover,
	.doc = "connections that went from old workers to new ones",
};
