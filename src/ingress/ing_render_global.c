/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_global - what is there once: the process, what all sections have,
 * the pages of errors, where logs go.
 */
#include "ing_render_int.h"

#include <stdio.h>

#include <base/must.h>

#define BUFFER_BYTES 16384      /* what the proxy has without being told */

/* --- logs ------------------------------------------------------------------- */

/* "log TARGET", up to the level. */
static void
begin_log(struct ing_rendering *r, bool to_stderr)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "log");
	if (o->syslog && o->syslog_host != NULL) {
		ing_cfg_addr(c, o->syslog_host, o->syslog_port);
		ing_keys(c, "format rfc3164 local7");
	} else if (to_stderr) {
		ing_keys(c, "stderr format raw daemon");
	} else {
		ing_keys(c, "stdout format raw daemon");
	}
}

void
ing_render_access_log(struct ing_rendering *r, bool none, bool to_stderr)
{
	ing_line(&r->cfg, "no log");
	if (none)
		return;
	begin_log(r, to_stderr);
	ing_keys(&r->cfg, "info");
}

bool
ing_render_http_stderr(const struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;

	return (o->http_log_stderr != 0 ? o->http_log_stderr == 2 :
	    o->log_stderr != 0);
}

/* What the process itself has to say. */
static void
render_error_log(struct ing_rendering *r)
{
	static const char *const levels[] = { "debug", "info", "notice",
	    "warning", "err", "crit", "alert", "emerg" };

	begin_log(r, r->plan->defaults.errors_stderr != 0);
	ing_cfg_name(&r->cfg, span_str(levels[r->plan->defaults.log_errors]));
}

/* --- the process ------------------------------------------------------------ */

static void
render_tls(struct ing_rendering *r)
{
	static const char *const tls_min[] = { "TLSv1.0", "TLSv1.1",
	    "TLSv1.2", "TLSv1.3" };
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "ssl-default-bind-options");
	if (!o->tls_tickets)
		ing_keys(c, "no-tls-tickets");
	ing_keys(c, "ssl-min-ver");
	ing_cfg_name(c, span_str(tls_min[o->tls_min]));
	if (o->tls_ciphers != NULL) {
		ing_line(c, "ssl-default-bind-ciphers");
		ing_cfg_text(c, span_str(o->tls_ciphers));
	}
	if (o->curves != NULL) {
		ing_line(c, "ssl-default-bind-curves");
		ing_cfg_text(c, span_str(o->curves));
	}
	if (ing_render_dh(r))
		ing_line(c, "ssl-dh-param-file tls/dhparam.pem");
	ing_line(c, "tune.ssl.cachesize");
	ing_cfg_num(c, o->tls_sessions ? o->tls_cache : 0);
	ing_line(c, "tune.ssl.lifetime");
	ing_cfg_ms(c, o->tls_session_s * 1000);
	if (o->tls_record_bytes > 0) {
		ing_line(c, "tune.ssl.maxrecord");
		ing_cfg_num(c, o->tls_record_bytes);
	}
}

static void
render_workers(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	int64_t workers = r->plan->options->workers > 0 ?
	    r->plan->options->workers : o->workers;
	struct span rest = span_str(o->cpus == NULL ? "" : o->cpus), one;
	struct ing_cfg *c = &r->cfg;

	if (workers > 0) {
		ing_line(c, "nbthread");
		ing_cfg_num(c, workers);
	}
	if (o->connections > 0) {
		ing_line(c, "maxconn");
		ing_cfg_num(c, o->connections);
	}
	if (o->cpus == NULL)
		return;
	ing_line(c, "cpu-map");
	while (span_cut(&rest, ' ', &one))
		ing_cfg_text(c, one);
}

static void
render_process(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	ing_section(c, "global", SPAN_NONE);
	ing_line(c, "default-path config");
	ing_line(c, "expose-experimental-directives");
	render_error_log(r);
	/* What can't cross (TLS) lingers, but not for ever. */
	ing_line(c, "mworker-max-reloads 20");
	ing_line(c, "hard-stop-after");
	ing_cfg_ms(c, o->shutdown_s * 1000);
	if (r->plan->buffer_bytes > BUFFER_BYTES) {
		ing_line(c, "tune.bufsize");
		ing_cfg_num(c, r->plan->buffer_bytes);
	}
	render_workers(r);
	if (r->plan->options->https_port != 0)
		render_tls(r);
}

/* --- what all sections have ------------------------------------------------- */

/* Those that the proxy answers by itself. */
static const struct page { int status; const char *text; } pages[] = {
	{ 400, "Bad Request" }, { 401, "Authorization Required" },
	{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Not Allowed" },
	{ 408, "Request Time-out" }, { 413, "Request Entity Too Large" },
	{ 429, "Too Many Requests" }, { 500, "Internal Server Error" },
	{ 501, "Not Implemented" }, { 502, "Bad Gateway" },
	{ 503, "Service Temporarily Unavailable" },
	{ 504, "Gateway Time-out" },
};

void
ing_render_page(struct ing_cfg *c, int status)
{
	char z[300];

	for (size_t i = 0; i < NELEM(pages); i++)
		if (pages[i].status == status) {
			ing_cfg_text(c, span_of(z, (size_t)snprintf(z,
			    sizeof z, "<html><head><title>%d %s</title>"
			    "</head><body><center><h1>%d %s</h1></center>"
			    "</body></html>", status, pages[i].text, status,
			    pages[i].text)));
			return;
		}
	MUST(false);
}

static void
render_pages(struct ing_cfg *c)
{
	for (size_t i = 0; i < NELEM(pages); i++) {
		ing_line(c, "http-error status");
		ing_cfg_num(c, pages[i].status);
		ing_keys(c, "content-type text/html string");
		ing_render_page(c, pages[i].status);
	}
}

/* Idle connections to servers. */
static void
render_pool(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "default-server max-reuse");
	ing_cfg_num(c, o->pool_requests > 0 ? o->pool_requests - 1 : 0);
	if (o->pool_said) {
		ing_keys(c, "pool-max-conn");
		ing_cfg_num(c, o->pool_said - 1);
	}
	if (o->pool_s > 0) {
		ing_keys(c, "pool-purge-delay");
		ing_cfg_ms(c, o->pool_s * 1000);
	}
}

static void
render_timeouts(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "timeout http-request");
	ing_cfg_ms(c, o->client_head_s * 1000);
	if (o->keep_alive_s > 0) {
		ing_line(c, "timeout http-keep-alive");
		ing_cfg_ms(c, o->keep_alive_s * 1000);
	}
	ing_line(c, "timeout client");
	ing_cfg_ms(c, o->client_body_s * 1000);
	ing_line(c, "timeout connect");
	ing_cfg_ms(c, o->connect_timeout_s * 1000);
	ing_line(c, "timeout server");
	ing_cfg_ms(c, o->read_timeout_s * 1000);
	ing_line(c, "timeout tunnel");
	ing_cfg_ms(c, o->read_timeout_s * 1000);
}

static void
render_defaults(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	ing_section(c, "defaults", SPAN("all"));
	ing_line(c, "mode http");
	ing_line(c, "log global");
	ing_line(c, "option httplog");
	/* A request is tried again at another server each time. */
	ing_line(c, "option redispatch 1");
	ing_line(c, "option idle-close-on-response");
	ing_line(c, "option http-gateway-status");
	if (o->clean_names && !o->underscores)
		ing_line(c, "option http-restrict-req-hdr-names delete");
	ing_line(c, "retries");
	ing_cfg_num(c, o->tries > 0 ? o->tries - 1 : 10);
	ing_render_retries(c, o->retry_on);
	ing_render_algo(c, o->balance);
	render_pool(r);
	render_timeouts(r);
	render_pages(c);
}

void
ing_render_global(struct ing_rendering *r)
{
	render_process(r);
	render_defaults(r);
}
