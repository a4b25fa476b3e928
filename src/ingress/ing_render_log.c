/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_log - the access log as log-format-upstream has it, variables of
 * nginx as what the proxy knows of them; one that it does not know is "-".
 *
 * What is only there while the request is, is kept in a variable.
 * Source: configmap.tsv, log-format-upstream.
 */
#include "ing_opt_int.h"
#include "ing_render_int.h"

#include <inttypes.h>
#include <stdio.h>

/* Known when the line is written. Numbers of seconds are made of milliseconds:
 * the quotient, and a remainder of three digits. */
#define SECONDS(timer)                                                       \
	"%[" timer ",div(1000)].%[" timer ",mod(1000),add(1000),regsub(^1,)]"
static const struct known {
	const char *name, *format;
} known[] = {
	{ "status", "%ST" },
	{ "body_bytes_sent", "%B" },
	{ "bytes_sent", "%B" },
	{ "upstream_response_length", "%B" },
	{ "upstream_bytes_received", "%B" },
	{ "request_length", "%U" },
	{ "request_time", SECONDS("txn.timer.total") },
	{ "upstream_response_time", SECONDS("var(txn.log_head)") },
	{ "upstream_header_time", SECONDS("var(txn.log_head)") },
	{ "upstream_connect_time", SECONDS("bc.timer.connect") },
	{ "upstream_addr", "%si:%sp" },
	{ "upstream_status", "%[server_status]" },
	{ "proxy_upstream_name", "%b" },
	{ "server_protocol", "%HV" },
	{ "request", "%r" },
	{ "time_local", "%Tl" },
	{ "time_iso8601", "%[date,utime(%Y-%m-%dT%H:%M:%S+00:00)]" },
	{ "msec", "%Ts.%ms" },
	{ "remote_port", "%cp" },
	{ "server_port", "%fp" },
	{ "connection", "%rt" },
	{ "ssl_protocol", "%sslv" },
	{ "ssl_cipher", "%sslc" },
};

/* The same as a sample of the request, beside those of ing_opt_vars.c. */
static const struct known of_request[] = {
	{ "req_id", "req.hdr(X-Request-ID)" },
	{ "request_id", "req.hdr(X-Request-ID)" },
	{ "remote_user", "http_auth_user" },
	{ "the_real_ip", "src" },
};

struct log_var {
	const char *sample;
	uint32_t no;
	struct log_var *next;
};

static const char *
find(const struct known *v, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++)
		if (span_is(name, v[i].name))
			return (v[i].format);
	return (NULL);
}

/* Its place among those that are kept. */
static uint32_t
keep(struct ing_rendering *r, struct log_var **list, const char *sample)
{
	uint32_t n = 0;

	for (; *list != NULL; list = &(*list)->next, n++)
		if (strcmp((*list)->sample, sample) == 0)
			return (n);
	*list = arena_zget(&r->plan->mem, sizeof **list);
	(*list)->sample = sample;
	(*list)->no = n;
	return (n);
}

static const char *
sample_of(struct ing_rendering *r, struct span name)
{
	const char *s = find(of_request, NELEM(of_request), name);
	struct text t;

	if (s != NULL)
		return (s);
	text_init(&t);
	if (ing_opt_var_sample(&t, name))
		s = arena_dup(&r->plan->mem, text_span(&t));
	text_fini(&t);
	return (s);
}

static void
put_one(struct ing_rendering *r, struct log_var **list, struct span name,
    struct text *out)
{
	const char *s = find(known, NELEM(known), name);

	if (s != NULL)
		text_addz(out, s);
	else if ((s = sample_of(r, name)) != NULL)
		text_printf(out, "%%[var(txn.log_%" PRIu32 ")%s]",
		    keep(r, list, s),
		    r->plan->defaults.log_json ? ",json" : "");
	else
		text_addc(out, '-');
}

void
ing_render_log(struct ing_rendering *r)
{
	const char *format = r->plan->defaults.log_format;
	struct span v = span_str(format == NULL ? "" : format), name;
	struct log_var *list = NULL;
	struct ing_cfg *c = &r->cfg;
	struct text t;
	char var[32];

	if (format == NULL)
		return;
	text_init(&t);
	text_addz(&t, "");
	while (v.n > 0) {
		if (v.p[0] == '$') {
			if (ing_opt_var_name(&v, &name))
				put_one(r, &list, name, &t);
			continue;
		}
		if (v.p[0] == '%')
			text_addc(&t, '%');
		text_addc(&t, v.p[0]);
		v = span_skip(v, 1);
	}
	ing_line(c, "log-format");
	ing_cfg_text(c, text_span(&t));
	if (strstr(t.p, "txn.log_head") != NULL)
		ing_line(c, "http-response set-var(txn.log_head) "
		    "res.timer.hdr");
	text_fini(&t);
	for (; list != NULL; list = list->next) {
		snprintf(var, sizeof var, "set-var(txn.log_%" PRIu32 ")",
		    list->no);
		ing_line(c, "http-request");
		ing_cfg_text(c, span_str(var));
		ing_cfg_text(c, span_str(list->sample));
	}
}
