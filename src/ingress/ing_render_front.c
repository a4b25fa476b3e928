/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_front - the door, and the few look-ups by which a request finds its
 * backend.
 */
#include "ing_render_int.h"

static void
put_bind(struct ing_rendering *r, const char *ip, int64_t port)
{
	ing_line(&r->cfg, "bind");
	ing_cfg_bind(&r->cfg, ip, port);
	if (r->plan->options->proxy_protocol ||
	    r->plan->defaults.proxy_protocol)
		ing_keys(&r->cfg, "accept-proxy");
}

void
ing_render_binds(struct ing_rendering *r, int64_t port,
    void (*end)(struct ing_rendering *))
{
	const struct ing_strs *ips = &r->plan->defaults.bind_address;
	bool both = ips->n == 0 && r->plan->options->ipv6 &&
	    !r->plan->defaults.no_ipv6;

	for (uint32_t i = 0; i == 0 || i < ips->n; i++) {
		put_bind(r, ips->n > 0 ? ips->v[i] : NULL, port);
		if (end != NULL)
			end(r);
	}
	if (!both)
		return;
	put_bind(r, "::", port);
	ing_keys(&r->cfg, "v6only");
	if (end != NULL)
		end(r);
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
	if (r->plan->defaults.tls_tickets && ing_render_tickets(r))
		ing_keys(&r->cfg, "tls-ticket-keys tls/tickets.keys");
	/* What is wrong with a certificate is said in HTTP, by rules. */
	if (asks)
		ing_keys(&r->cfg, "ca-ignore-err all crt-ignore-err all");
}

static void
render_listeners(struct ing_rendering *r)
{
	const struct ing_options *o = r->plan->options;
	bool tls = o->https_port != 0 && ing_render_certs(r);
	bool door = ing_render_passes(r->plan);

	if (o->http_port != 0)
		ing_render_binds(r, o->http_port, NULL);
	if (tls && !door)
		ing_render_binds(r, o->https_port, end_tls_bind);
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
	if (ing_render_any_alias(r->plan))
		ing_line(c, "http-request set-var(txn.host) "
		    "\"req.hdr(host),host_only,lower,regsub([.]\\$,),"
		    "map_reg(maps/names.map)\" if !{ var(txn.host) -m found }");
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

/* As it came, under another name: what is in its place is ours. */
static void
keep_header(struct ing_rendering *r, const char *name, const char *as)
{
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "http-request del-header");
	ing_cfg_name(c, span_str(as));
	ing_line(c, "http-request set-header");
	ing_cfg_name(c, span_str(as));
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "%[req.fhdr(");
	ing_cfg_fmt_name(c, span_str(name));
	ing_fmt(c, ")]");
	ing_cfg_fmt_end(c);
	ing_keys(c, "if {");
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "req.fhdr(");
	ing_cfg_fmt_name(c, span_str(name));
	ing_fmt(c, ")");
	ing_cfg_fmt_end(c);
	ing_keys(c, "-m found }");
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
	keep_header(r, o->for_header, "X-Original-Forwarded-For");
	keep_header(r, o->host_header, "X-Original-Forwarded-Host");
	/* CGI would take it for a setting of its own, HTTP_PROXY. */
	ing_line(c, "http-request del-header Proxy");
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

	if (o->silent_urls.n == 0)
		return;
	ing_line(c, "http-request set-log-level silent if { url -m str --");
	for (uint32_t i = 0; i < o->silent_urls.n; i++)
		ing_cfg_text(c, span_str(o->silent_urls.v[i]));
	ing_keys(c, "}");
}

/* nginx takes names of letters, digits and '-', or '_' as well when told so; the
 * option of the defaults section knows the first alone. */
static void
clean_names(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;

	if (o->clean_names && o->underscores)
		ing_line(&r->cfg, "http-request del-header [^A-Za-z0-9_-] "
		    "-m reg");
}

/* AUTO_HTTP: who came by TLS goes on by TLS. */
static void
choose_twins(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	if (!ing_render_any_auto(r->plan))
		return;
	if (r->n_classes > 0)
		ing_line(c, "http-request set-var(txn.twin) var(txn.route),"
		    "field(4,/),map_str(maps/twins.map) if { ssl_fc } "
		    "{ var(txn.side) -m str canary }");
	ing_line(c, "http-request set-var(txn.twin) var(txn.route),"
	    "field(1,/),map_str(maps/twins.map) if { ssl_fc }");
	if (r->n_classes > 0)
		ing_keys(c, "!{ var(txn.side) -m str canary }");
	ing_line(c, "use_backend %[var(txn.twin)] "
	    "if { var(txn.twin) -m found }");
}

static void
render_frontend(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	ing_section(c, "frontend", SPAN("ingress"));
	ing_render_access_log(r, o->no_log || o->no_http_log,
	    ing_render_http_stderr(r));
	ing_line(c, "max-keep-alive-requests");
	ing_cfg_num(c, o->requests > 0 && o->keep_alive_s > 0 ?
	    o->requests : 1);
	render_listeners(r);
	keep_silent(r);
	clean_names(r);
	find_scheme(r);
	block(r);
	redirect_www(r);
	find_host(r);
	find_route(r);
	set_forwarded(r);
	ing_render_log(r);
	set_hsts(r);
	set_headers(r);
	ing_render_canaries(r);
	choose_twins(r);
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
	if (o->ipv6) {
		ing_line(c, "bind");
		ing_cfg_bind(c, "::", o->status_port);
		ing_keys(c, "v6only");
	}
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
	ing_render_global(r);
	render_frontend(r);
	if (ing_render_passes(r->plan))
		ing_render_door(r);
	render_status(r);
}
