/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_prom_proc - what the exporter tells of the whole program: the figures
 * of "show info" that any process of it knows, and stick tables.
 */
#include "stat_prom.h"

#include <inttypes.h>

#include <cnt/cnt.h>
#include <stk/stk.h>

static const struct {
	const char *name, *type;
	int col;
} metrics[] = {
	{ "nbthread", "gauge", INFO_nbthread },
	{ "nbproc", "gauge", INFO_nbproc },
	{ "relative_process_id", "gauge", INFO_process_num },
	{ "uptime_seconds", "gauge", INFO_uptime_sec },
	{ "start_time_seconds", "gauge", INFO_start_time },
	{ "max_memory_bytes", "gauge", INFO_memmax_b },
	{ "max_fds", "gauge", INFO_ulimit_n },
	{ "max_sockets", "gauge", INFO_maxsock },
	{ "max_connections", "gauge", INFO_maxconn },
	{ "current_connections", "gauge", INFO_currconns },
	{ "connections_total", "counter", INFO_cumconns },
	{ "requests_total", "counter", INFO_cumreq },
	{ "max_pipes", "gauge", INFO_maxpipes },
	{ "pipes_used_total", "counter", INFO_pipesused },
	{ "pipes_free_total", "counter", INFO_pipesfree },
	{ "current_connection_rate", "gauge", INFO_connrate },
	{ "limit_connection_rate", "gauge", INFO_connratelimit },
	{ "current_session_rate", "gauge", INFO_sessrate },
	{ "limit_session_rate", "gauge", INFO_sessratelimit },
	{ "dropped_logs_total", "counter", INFO_droppedlogs },
	{ "bytes_out_total", "counter", INFO_totalout },
	{ "spliced_bytes_out_total", "counter", INFO_totalspliced },
};

void
stat_prom_process(struct text *out)
{
	struct stat_val v[INFO_N] = { { 0 } };
	struct text part = { 0 };

	stat_info_here(v);
	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
		text_printf(&part, "haproxy_process_%s %" PRIu64 "\n",
		    metrics[i].name, (uint64_t)v[metrics[i].col].n);
		stat_prom_join(out, &part, "process", metrics[i].name,
		    metrics[i].type, stat_info_cols[metrics[i].col].help);
	}
	text_printf(&part, "haproxy_process_build_info{version=\"%s\"} 1\n",
	    agent_facts.version);
	stat_prom_join(out, &part, "process", "build_info", "gauge",
	    "the version");
}

/* Of our own: HAProxy ends itself as a whole then. */
void
stat_prom_hung(struct text *out)
{
	static const struct {
		const char *name;
		int col;
	} rows[] = {
		{ "hung_agents_total", INFO_hung_agents },
		{ "hung_workers_total", INFO_hung_workers },
	};
	struct stat_val v[INFO_N] = { { 0 } };

	stat_info_here(v);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		text_printf(out, "# HELP ecluse_%s %s\n"
		    "# TYPE ecluse_%s counter\necluse_%s %" PRIu64 "\n",
		    rows[i].name, stat_info_cols[rows[i].col].help,
		    rows[i].name, rows[i].name, (uint64_t)v[rows[i].col].n);
}

struct tables {
	struct text size, used;
};

static void
begin(struct text *t, const char *name, const struct stk_about *a)
{
	text_printf(t, "haproxy_sticktable_%s{name=\"", name);
	stat_prom_label(t, a->name);
	text_printf(t, "\",type=\"%s\"} ", a->type);
}

static void
take_table(const struct stk_about *a, void *arg)
{
	struct tables *t = arg;

	begin(&t->size, "size", a);
	text_printf(&t->size, "%u\n", a->size);
	begin(&t->used, "used", a);
	text_printf(&t->used, "%u\n", a->used);
}

void
stat_prom_tables(struct text *out)
{
	struct tables t = { { 0 }, { 0 } };

	stk_each_table(take_table, &t);
	stat_prom_join(out, &t.size, "sticktable", "size", "gauge",
	    "entries that a stick table has room for");
	stat_prom_join(out, &t.used, "sticktable", "used", "gauge",
	    "entries that a stick table has");
}
