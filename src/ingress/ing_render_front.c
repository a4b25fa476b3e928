/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_front - what is there once: process, defaults, the door, and the
 * few look-ups by which a request finds its backend.
 */
#include "ing_render_int.h"

#define BUFFER_BYTES 16384      /* what the proxy has without being told */

static void
render_global(struct ing_rendering *r)
{
	static const char *const tls_min[] = { "TLSv1.0", "TLSv1.1",
	    "TLSv1.2", "TLSv1.3" };
	const struct ing_opts *o = &r->plan->defaults;
	int64_t workers = r->plan->options->workers > 0 ?
	    r->plan->options->workers : o->workers;
	struct ing_cfg *c = &r->cfg;

	ing_section(c, "global", SPAN_NONE);
	ing_line(c, "default-path config");
	ing_line(c, "expose-experimental-directives");
	ing_line(c, "log stdout format raw daemon info");
	/* What can't cross (TLS) lingers, but not for ever. */
	ing_line(c, "mworker-max-reloads 20");
	ing_line(c, "hard-stop-after");
	ing_cfg_ms(c, o->shutdown_s * 1000);
	if (r->plan->buffer_bytes > BUFFER_BYTES) {
		ing_line(c, "tune.bufsize");
		ing_cfg_num(c, r->plan->buffer_bytes);
	}
	if (workers > 0) {
		ing_line(c, "nbthread");
		ing_cfg_num(c, workers);
	}
	if (o->connections > 0) {
		ing_line(c, "maxconn");
		ing_cfg_num(c, o->connections);
	}
	if (r->plan->options->https_port != 0) {
		ing_line(c, "ssl-default-bind-options");
		if (!o->tls_tickets)
			ing_keys(c, "no-tls-tickets");
		ing_keys(c, "ssl-min-ver");
		ing_cfg_name(c, span_str(tls_min[o->tls_min]));
		if (o->tls_ciphers != NULL) {
			ing_line(c, "ssl-default-bind-ciphers");
			ing_cfg_text(c, span_str(o->tls_ciphers));
		}
	}
}

/* Idle connections to servers, where the ConfigMap says something of them. */
static void
render_pool(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	if (!o->pool_said && o->pool_s == 0)
		return;
	ing_line(c, "default-server");
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
render_defaults(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;
	const struct ing_opts *o = &r->plan->defaults;

	ing_section(c, "defaults", SPAN_NONE);
	ing_line(c, "mode http");
	ing_line(c, "log global");
	ing_line(c, "option httplog");
	ing_line(c, "option redispatch");
	ing_line(c, "option idle-close-on-response");
	if (!o->underscores)
		ing_line(c, "option http-restrict-req-hdr-names delete");
	ing_line(c, "retries");
	ing_cfg_num(c, o->tries > 0 ? o->tries - 1 : 10);
	ing_render_retries(c, o->retry_on);
	render_pool(r);
	ing_line(c, "timeout http-request");
	ing_cfg_ms(c, o->client_head_s * 1000);
	ing_line(c, "timeout http-keep-alive");
	ing_cfg_ms(c, o->keep_alive_s * 1000);
	ing_line(c, "timeout client");
	ing_cfg_ms(c, o->client_body_s * 1000);
	ing_line(c, "timeout connect");
	ing_cfg_ms(c, o->connect_timeout_s * 1000);
	ing_line(c, "timeout server");
	ing_cfg_ms(c, o->read_timeout_s * 1000);
	ing_line(c, "timeout tunnel");
	ing_cfg_ms(c, o->read_timeout_s * 1000);
}

void
ing_render_bind(struct ing_rendering *r, const char *ip, int64_t port)
{
	ing_line(&r->cfg, "bind");
	ing_cfg_bind(&r->cfg, ip, port);
	if (r->plan->options->proxy_protocol ||
	    r->plan->defaults.proxy_protocol)
		ing_keys(&r->cfg, "accept-proxy");
}

static void
end_tls_bind(struct ing_rendering *r)
{
	bool asks = false;

	for (uint32_t i = 0; i < r->plan->n_hosts; i++)
		asks |= ing_client_asks(r->plan->hosts[i]->client);
	ing_keys(&r->cfg, "ssl crt-list certs.list alpn");
	ing_keys(&r->cfg, "http/1.1");
	if (r->plan->defaults.strict_sni)
		ing_keys(&r->cfg, "strict-sni");
	/* What is wrong with a certificate is said in HTTP, by rules. */
	if (asks)
		ing_keys(&r->cfg, "ca-ignore-err all crt-ignore-err all");
}

static void
render_listeners(struct ing_rendering *r)
{
	const struct ing_options *o = r->plan->options;
	const struct ing_strs *ips = &r->plan->defaults.bind_address;
	bool tls = o->https_port != 0 && ing_render_certs(r);
	bool door = ing_render_passes(r->plan);

	for (uint32_t i = 0; i == 0 || i < ips->n; i++) {
		const char *ip = ips->n > 0 ? ips->v[i] : NULL;

		if (o->http_port != 0)
			ing_render_bind(r, ip, o->http_port);
		if (tls && !door) {
			ing_render_bind(r, ip, o->https_port);
			end_tls_bind(r);
		}
	}
	if (tls && door) {
		ing_render_inner_bind(r);
		end_tls_bind(r);
	}
}

/* txn.host: the host's key in the maps. One label may stand for a star. */
static void
find_host(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;
	const char *mark = "";

	ing_line(c, "http-request set-var(txn.host) "
	    "req.hdr(host),host_only,map_str(maps/hosts.map)");
	ing_line(c, "http-request set-var(txn.host) "
	    "\"req.hdr(host),host_only,regsub([.]\\$,),"
	    "map_str(maps/hosts.map)\" if !{ var(txn.host) -m found } "
	    "{ req.hdr(host),host_only -m end . }");
	ing_line(c, "http-request set-var(txn.host) "
	    "\"req.hdr(host),host_only,regsub([.]\\$,),regsub(^[^.]*,),"
	    "map_str(maps/wild.map)\" if !{ var(txn.host) -m found }");
	for (uint32_t i = 0; i < r->plan->n_hosts; i++)
		if (strcmp(r->plan->hosts[i]->name, "_") == 0)
			mark = ing_render_mark(r->plan->hosts[i]);
	if (mark[0] == '~')
		ing_line(c, "http-request set-var(txn.host) str(~_) "
		    "if !{ var(txn.host) -m found }");
	else if (mark[0] == '^')
		ing_line(c, "http-request set-var(txn.host) str(^_) "
		    "if !{ var(txn.host) -m found }");
	else
		ing_line(c, "http-request set-var(txn.host) str(_) "
		    "if !{ var(txn.host) -m found }");
}

/*
 * txn.path: the path by which rules are chosen. Servers get what the client
 * sent, but the rules are chosen as a server would understand it: "//admin",
 * "/x/../admin" and "/%61dmin" are "/admin", or a rule with a password could be
 * walked around. The URI is changed for that, and put back; few requests need
 * it.
 */
static void
find_path(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "http-request set-var(txn.uri) url "
	    "if { path -m sub -- // /. % }");
	ing_line(c, "http-request deny deny_status 400 "
	    "if { var(txn.uri) -m found } { path -m sub -- %00 }");
	ing_line(c, "http-request set-path %[path,url_dec] "
	    "if { var(txn.uri) -m found } { path -m sub -- % }");
	ing_line(c, "http-request normalize-uri path-merge-slashes "
	    "if { var(txn.uri) -m found }");
	ing_line(c, "http-request normalize-uri path-strip-dot "
	    "if { var(txn.uri) -m found }");
	ing_line(c, "http-request normalize-uri path-strip-dotdot full "
	    "if { var(txn.uri) -m found }");
	ing_line(c, "http-request set-var(txn.path) path");
	ing_line(c, "http-request set-uri %[var(txn.uri)] "
	    "if { var(txn.uri) -m found }");
}

static void
find_route(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	find_path(r);
	ing_line(c, "http-request set-var(txn.key) "
	    "var(txn.host),concat(,txn.path)");
	if (ing_render_any_simple(r->plan))
		ing_line(c, "http-request set-var(txn.key) "
		    "var(txn.key),lower if { var(txn.host) -m beg ^ }");
	ing_line(c, "http-request set-var(txn.route) "
	    "var(txn.key),map_str(maps/exact.map)");
	ing_line(c, "http-request set-var(txn.route) "
	    "var(txn.key),map_beg(maps/prefix.map) "
	    "if !{ var(txn.route) -m found }");
	if (ing_render_any_regex(r->plan))
		ing_line(c, "http-request set-var(txn.route) "
		    "var(txn.key),map_reg(maps/regex.map) "
		    "if { var(txn.host) -m beg ~ }");
	ing_line(c, "http-request set-var(txn.pol) "
	    "var(txn.route),field(2,/)");
}

static void
answer_health(struct ing_rendering *r)
{
	const char *path = r->plan->options->health_check_path;
	struct ing_cfg *c = &r->cfg;

	if (path == NULL || r->plan->options->starting)
		return;
	ing_line(c, "http-request return status 200 content-type text/plain "
	    "string ok if !{ var(txn.route) -m found } "
	    "{ var(txn.path) -m str");
	ing_cfg_pattern(c, span_str(path));
	ing_keys(c, "}");
}

/* "if { src -- NETWORK... }": who may say where a request came from. */
static void
if_trusted(struct ing_rendering *r)
{
	const struct ing_strs *from = &r->plan->defaults.real_ip_from;

	ing_keys(&r->cfg, "if { src --");
	for (uint32_t i = 0; i < from->n; i++)
		ing_cfg_text(&r->cfg, span_str(from->v[i]));
	ing_keys(&r->cfg, "}");
}

/* "hdr_ip(NAME,NO)" */
static void
put_address(struct ing_cfg *c, const char *name, int no)
{
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "hdr_ip(");
	ing_cfg_fmt_name(c, span_str(name));
	ing_fmt(c, ",");
	ing_cfg_fmt_num(c, no);
	ing_fmt(c, ")");
	ing_cfg_fmt_end(c);
}

static bool
trusts_all(const struct ing_strs *from)
{
	for (uint32_t i = 0; i < from->n; i++)
		if (strcmp(from->v[i], "0.0.0.0/0") == 0)
			return (true);
	return (false);
}

#define HOPS 8                  /* of proxies before us that may be trusted */

/* The last address that none of those wrote who may be trusted: what is before
 * it anybody can have made up. */
static void
find_client(struct ing_rendering *r)
{
	const char *name = r->plan->defaults.for_header;
	bool all = trusts_all(&r->plan->defaults.real_ip_from);
	struct ing_cfg *c = &r->cfg;

	for (int i = 1; i <= (all ? 1 : HOPS); i++) {
		ing_line(c, "http-request set-src");
		put_address(c, name, all ? 1 : -i);
		if_trusted(r);
		ing_keys(c, "{");
		put_address(c, name, all ? 1 : -i);
		ing_keys(c, "-m found }");
	}
}

/* With use-forwarded-headers, what a proxy before us says of the client. */
static void
believe_forwarded(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	if (o->real_ip && !o->forwarded)
		find_client(r);
	if (!o->forwarded)
		return;
	ing_line(c, "http-request set-var(txn.scheme) "
	    "req.hdr(X-Forwarded-Proto,1),lower");
	if_trusted(r);
	ing_keys(c, "{ req.hdr(X-Forwarded-Proto,1) -m str -i http https }");
	ing_line(c, "http-request set-var(txn.fhost) "
	    "req.hdr(X-Forwarded-Host,1)");
	if_trusted(r);
	ing_line(c, "http-request set-var(txn.ffor)");
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "req.fhdr(");
	ing_cfg_fmt_name(c, span_str(o->for_header));
	ing_fmt(c, ")");
	ing_cfg_fmt_end(c);
	if_trusted(r);
	ing_line(c, "http-request set-var(txn.peer) src");
	find_client(r);
}

/* What the servers are told of the client; what it said itself is dropped,
 * unless it is to be believed. */
static void
set_forwarded(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	if (o->request_id)
		ing_line(c, "http-request set-header X-Request-ID %[uuid] "
		    "unless { req.hdr(X-Request-ID) -m found }");
	if (o->original_uri)
		ing_line(c, "http-request set-header X-Original-URI %[pathq]");
	ing_line(c, "http-request set-header X-Real-IP %[src]");
	ing_line(c, "http-request set-header X-Forwarded-For %[src]");
	if (o->forwarded && o->full_forwarded)
		ing_line(c, "http-request set-header X-Forwarded-For "
		    "'%[var(txn.ffor)], %[var(txn.peer)]' "
		    "if { var(txn.ffor) -m found }");
	ing_line(c, "http-request set-header X-Forwarded-Host "
	    "%[req.hdr(host)]");
	if (o->forwarded)
		ing_line(c, "http-request set-header X-Forwarded-Host "
		    "%[var(txn.fhost)] if { var(txn.fhost) -m found }");
	ing_line(c, "http-request set-header X-Forwarded-Port %[dst_port]");
	ing_line(c, "http-request set-header X-Forwarded-Proto "
	    "%[var(txn.scheme)]");
	ing_line(c, "http-request set-header X-Forwarded-Scheme "
	    "%[var(txn.scheme)]");
	ing_line(c, "http-request set-header X-Scheme %[var(txn.scheme)]");
	for (const struct ing_header *h = o->set_headers; h != NULL;
	    h = h->next) {
		if (h->format[0] == '\0') {
			ing_line(c, "http-request del-header");
			ing_cfg_name(c, span_str(h->name));
			continue;
		}
		ing_line(c, "http-request set-header");
		ing_cfg_name(c, span_str(h->name));
		ing_cfg_text(c, span_str(h->format));
	}
}

static void
find_scheme(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "http-request set-var(txn.scheme) str(http)");
	ing_line(c, "http-request set-var(txn.scheme) str(https) "
	    "if { ssl_fc }");
	believe_forwarded(r);
	if (!r->plan->asks_itself)
		return;
	/* What a location asks of another: it came by the door before. */
	ing_line(c, "http-request set-var(txn.scheme) str(https) "
	    "if { sub_request }");
	if (!r->plan->defaults.ask_log)
		ing_line(c, "http-request set-log-level silent "
		    "if { sub_request }");
}

/* Browsers are told to stay with https. */
static void
set_hsts(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	if (!o->hsts || r->plan->options->https_port == 0)
		return;
	ing_line(c, "http-after-response set-header "
	    "Strict-Transport-Security");
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "max-age=");
	ing_cfg_fmt_num(c, o->hsts_max_age_s);
	if (o->hsts_subdomains)
		ing_fmt(c, "; includeSubDomains");
	if (o->hsts_preload)
		ing_fmt(c, "; preload");
	ing_cfg_fmt_end(c);
	ing_keys(c, "if { ssl_fc }");
}

/* "www.X" or X, where the other of them is a host. */
static void
redirect_www(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	if (!ing_render_any_www(r->plan))
		return;
	ing_line(c, "http-request set-var(txn.www) "
	    "req.hdr(host),host_only,map_str(maps/www.map)");
	ing_line(c, "http-request redirect location "
	    "%[var(txn.scheme)]://%[var(txn.www)]%[pathq] code");
	ing_cfg_num(c, r->plan->defaults.redirect_code);
	ing_keys(c, "if { var(txn.www) -m found }");
}

/* Who is sent away, and what nobody is told, whatever was asked for. */
static void
block(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	if (o->block_from.n > 0) {
		ing_line(c, "http-request deny deny_status 403 if { src --");
		for (uint32_t i = 0; i < o->block_from.n; i++)
			ing_cfg_text(c, span_str(o->block_from.v[i]));
		ing_keys(c, "}");
	}
	if (o->block_agents.n > 0) {
		ing_line(c, "http-request deny deny_status 403 "
		    "if { req.fhdr(user-agent) -m reg --");
		for (uint32_t i = 0; i < o->block_agents.n; i++)
			ing_cfg_text(c, span_str(o->block_agents.v[i]));
		ing_keys(c, "}");
	}
	if (o->block_referers.n > 0) {
		ing_line(c, "http-request deny deny_status 403 "
		    "if { req.fhdr(referer) -m reg --");
		for (uint32_t i = 0; i < o->block_referers.n; i++)
			ing_cfg_text(c, span_str(o->block_referers.v[i]));
		ing_keys(c, "}");
	}
}

/* A server that could not be reached is 502, one that did not answer in time
 * 504; 503 is for those that are not there. */
static void
name_failures(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "http-after-response set-status 502 if { status 503 } "
	    "{ bc_err gt 0 } !{ server_status -m found }");
	ing_line(c, "http-after-response set-status 504 if { status 503 } "
	    "{ bc_err 0 } !{ server_status -m found }");
}

static void
set_headers(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	if (!o->server_header)
		ing_line(c, "http-response del-header Server");
	for (uint32_t i = 0; i < o->hide_headers.n; i++) {
		ing_line(c, "http-response del-header");
		ing_cfg_name(c, span_str(o->hide_headers.v[i]));
	}
	if (o->add_headers == NULL)
		return;
	ING_EACH(struct ing_pair, h, o->add_headers->data) {
		ing_line(c, "http-after-response set-header");
		ing_cfg_name(c, span_str(h->key));
		ing_cfg_fmt_begin(c);
		ing_cfg_fmt_text(c, h->value);
		ing_cfg_fmt_end(c);
	}
}

static void
keep_silent(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	if (o->no_log || o->no_http_log)
		ing_line(c, "http-request set-log-level silent");
	if (o->silent_urls.n == 0)
		return;
	ing_line(c, "http-request set-log-level silent if { url -m str --");
	for (uint32_t i = 0; i < o->silent_urls.n; i++)
		ing_cfg_text(c, span_str(o->silent_urls.v[i]));
	ing_keys(c, "}");
}

static void
render_frontend(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	ing_section(c, "frontend", SPAN("ingress"));
	render_listeners(r);
	keep_silent(r);
	find_scheme(r);
	block(r);
	redirect_www(r);
	find_host(r);
	find_route(r);
	answer_health(r);
	set_forwarded(r);
	ing_render_log(r);
	set_hsts(r);
	set_headers(r);
	name_failures(r);
	ing_render_canaries(r);
	if (r->n_classes > 0)
		ing_line(c, "use_backend %[var(txn.route),field(4,/)] "
		    "if { var(txn.side) -m str canary }");
	ing_line(c, "use_backend %[var(txn.route),field(1,/)] "
	    "if { var(txn.route) -m found }");
	ing_line(c, "default_backend");
	ing_cfg_name(c, r->plan->dflt != NULL ?
	    span_str(r->plan->dflt->id) : r->plan->options->starting ?
	    SPAN("_503") : SPAN("_404"));
}

/* For probes and scrapers, not for users: a port of its own. */
static void
render_status(struct ing_rendering *r)
{
	const struct ing_options *o = r->plan->options;
	struct ing_cfg *c = &r->cfg;

	if (o->status_port == 0)
		return;
	ing_section(c, "frontend", SPAN("status"));
	ing_line(c, "bind");
	ing_cfg_bind(c, NULL, o->status_port);
	ing_line(c, "option dontlog-normal");
	if (o->enable_metrics)
		ing_line(c, "http-request use-service prometheus-exporter "
		    "if { path /metrics }");
	ing_line(c, "http-request return status 200 content-type text/plain "
	    "string ok if { path /healthz }");
	ing_line(c, "http-request return status 404");
}

void
ing_render_front(struct ing_rendering *r)
{
	render_global(r);
	render_defaults(r);
	render_frontend(r);
	if (ing_render_passes(r->plan))
		ing_render_door(r);
	render_status(r);
}
