/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_hist - histograms of times for the exporter.
 *
 * HAProxy has averages and maxima under names like queue_time_average_seconds;
 * these are what dashboards make quantiles of, named accordingly.
 *
 * Source: prometheus.io/docs/concepts/metric_types.
 */
#include "stat_prom.h"

#include <inttypes.h>
#include <stdio.h>

#include <cnt/hist.h>

static const struct {
	bool backend;
	const char *name, *help;
	uint32_t at;                    /* in the object */
} hists[STAT_HISTS] = {
	{ false, "request_time_seconds", "time for a request's head to come",
	    offsetof(struct cnt_fe_hist, request) },
	{ false, "total_time_seconds", "time from the first byte of a request "
	    "to the end of its response", offsetof(struct cnt_fe_hist, total) },
	{ true, "queue_time_seconds", "time in the queue",
	    offsetof(struct cnt_be_hist, queue) },
	{ true, "connect_time_seconds", "time to connect to a server",
	    offsetof(struct cnt_be_hist, connect) },
	{ true, "response_time_seconds", "time until the response's head came",
	    offsetof(struct cnt_be_hist, response) },
	{ true, "total_time_seconds", "time from the first byte of a request "
	    "to the end of its response", offsetof(struct cnt_be_hist, total) },
};

static void
begin(struct text *t, int i, const struct px *px, const char *what)
{
	text_printf(t, "haproxy_%s_%s_%s{proxy=\"",
	    hists[i].backend ? "backend" : "frontend", hists[i].name, what);
	stat_prom_label(t, px->name);
	text_addc(t, '"');
}

static void
put_seconds(struct text *t, uint64_t us)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%06u",
	    (unsigned)(us % 1000000));

	while (n > 0 && digits[n - 1] == '0')
		digits[--n] = '\0';
	text_printf(t, "%" PRIu64 "%s%s", us / 1000000, n > 0 ? "." : "",
	    digits);
}

static void
put_hist(struct text *t, int i, const struct px *px, const struct cnt_hist *h)
{
	uint64_t n = 0;

	for (int b = 0; b < CNT_BUCKETS; b++) {
		n += h->n[b];
		begin(t, i, px, "bucket");
		text_addz(t, ",le=\"");
		if (b < CNT_BUCKETS - 1)
			put_seconds(t, cnt_hist_us[b]);
		else
			text_addz(t, "+Inf");
		text_printf(t, "\"} %" PRIu64 "\n", n);
	}
	begin(t, i, px, "sum");
	text_addz(t, "} ");
	put_seconds(t, h->sum_us);
	text_addc(t, '\n');
	begin(t, i, px, "count");
	text_printf(t, "} %" PRIu64 "\n", n);
}

static void
take(struct stat_hist *x, const struct px *px, bool backend, uint32_t off)
{
	union {
		struct cnt_fe_hist fe;
		struct cnt_be_hist be;
	} u;
	size_t n = backend ? sizeof u.be : sizeof u.fe;

	if (off == 0)
		return;
	cnt_sum(off, (uint64_t *)&u, n / sizeof(uint64_t));
	for (int i = 0; i < STAT_HISTS; i++)
		if (hists[i].backend == backend)
			put_hist(&x->of[i], i, px, (const struct cnt_hist *)
			    (const void *)((const char *)&u + hists[i].at));
}

void
stat_hist_take(struct stat_hist *x, const struct px *px, bool fe, bool be)
{
	if (fe && (px->kind & PX_FE) != 0)
		take(x, px, false, fe_of(px)->hist);
	if (be && (px->kind & PX_BE) != 0)
		take(x, px, true, be_of(px)->hist);
}

void
stat_hist_join(struct stat_hist *x, struct text *out)
{
	for (int i = 0; i < STAT_HISTS; i++)
		stat_prom_join(out, &x->of[i], hists[i].backend ? "backend" :
		    "frontend", hists[i].name, "histogram", hists[i].help);
}
