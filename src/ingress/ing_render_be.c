/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_be - the backends: lines of their own, rules of their policies,
 * servers.
 */
#include "ing_render_int.h"

static int64_t
server_ms(const struct ing_opts *o)
{
	return ((o->send_timeout_s > o->read_timeout_s ? o->send_timeout_s :
	    o->read_timeout_s) * 1000);
}

static void
render_timeouts(struct ing_rendering *r, const struct ing_plan_be *be)
{
	const struct ing_opts *o = be->opts, *dflt = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	if (server_ms(o) != server_ms(dflt)) {
		ing_line(c, "timeout server");
		ing_cfg_ms(c, server_ms(o));
		ing_line(c, "timeout tunnel");
		ing_cfg_ms(c, server_ms(o));
	}
	if (o->connect_timeout_s != dflt->connect_timeout_s) {
		ing_line(c, "timeout connect");
		ing_cfg_ms(c, o->connect_timeout_s * 1000);
	}
	if (o->tries != dflt->tries) {
		ing_line(c, "retries");
		ing_cfg_num(c, o->tries > 0 ? o->tries - 1 : 10);
	}
}

/* A cookie wins over a hash, a hash over an algorithm. */
static void
render_balance(struct ing_rendering *r, const struct ing_plan_be *be)
{
	const struct ing_opts *o = be->service_opts;
	struct ing_cfg *c = &r->cfg;

	if (o->hash_by != NULL && !be->opts->affinity) {
		ing_line(c, "http-request set-var-fmt(txn.hash)");
		ing_cfg_text(c, span_str(o->hash_by));
		ing_line(c, "balance hash var(txn.hash)");
		ing_line(c, "hash-type consistent");
	} else if (o->balance == ING_EWMA) {
		ing_line(c, "balance random(2)");
	} else if (o->balance == ING_LEASTCONN) {
		ing_line(c, "balance leastconn");
	} else {
		ing_line(c, "balance roundrobin");
	}
}

static void
render_rules(struct ing_rendering *r, const struct ing_plan_be *be)
{
	struct ing_rules rules = { .r = r, .cfg = &r->cfg, .plan = r->plan,
	    .be = be, .guarded = be->n_policies > 1 };

	for (rules.policy = be->policies; rules.policy != NULL;
	    rules.policy = rules.policy->next)
		ing_rules_policy(&rules);
}

static void
render_server(struct ing_rendering *r, const struct ing_plan_be *be,
    const struct ing_server *s)
{
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "server");
	ing_cfg_name(c, span_str(s->name));
	if (s->dns) {
		ing_cfg_host(c, s->ip, s->port);
		ing_keys(c, "resolvers cluster init-addr none");
		r->needs_dns = true;
	} else {
		ing_cfg_addr(c, s->ip, s->port);
	}
	if (be->opts->affinity)
		ing_render_key(r, s);
	if (s->drain)
		ing_keys(c, "weight 0");
}

static void
render_backend(struct ing_rendering *r, const struct ing_plan_be *be)
{
	ing_section(&r->cfg, "backend", span_str(be->id));
	if (be->tcp)
		ing_line(&r->cfg, "mode tcp");
	render_timeouts(r, be);
	ing_render_cookie(r, be);
	render_rules(r, be);
	render_balance(r, be);
	for (uint32_t i = 0; i < be->n_servers; i++)
		render_server(r, be, &be->servers[i]);
}

static bool
is_any_closed(const struct ing_plan *p)
{
	for (uint32_t i = 0; i < p->n_hosts; i++)
		if (p->hosts[i]->client != NULL && p->hosts[i]->client->closed)
			return (true);
	return (false);
}

void
ing_render_backends(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	ing_section(c, "backend", SPAN("_404"));
	ing_line(c, "http-request return status 404 content-type text/plain "
	    "string 'default backend - 404'");
	if (is_any_closed(r->plan)) {
		ing_section(c, "backend", SPAN("_403"));
		ing_line(c, "http-request deny deny_status 403");
	}
	ing_section(c, "backend", SPAN("_503"));
	ing_line(c, "http-request return status 503 content-type text/plain "
	    "string '503 Service Temporarily Unavailable'");
	for (uint32_t i = 0; i < r->plan->n_backends; i++)
		render_backend(r, r->plan->backends[i]);
	ing_render_lists(r);
	if (r->needs_dns) {
		ing_section(c, "resolvers", SPAN("cluster"));
		ing_line(c, "parse-resolv-conf");
	}
}
