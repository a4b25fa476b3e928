/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_be - the backends: lines of their own, rules of their policies,
 * servers.
 */
#include "ing_render_int.h"

static void
render_timeouts(struct ing_rendering *r, const struct ing_plan_be *be)
{
	struct ing_cfg *c = &r->cfg;

	if (be->opts->read_timeout_s == r->plan->defaults.read_timeout_s)
		return;
	ing_line(c, "timeout server");
	ing_cfg_ms(c, be->opts->read_timeout_s * 1000);
	ing_line(c, "timeout tunnel");
	ing_cfg_ms(c, be->opts->read_timeout_s * 1000);
}

static void
render_rules(struct ing_rendering *r, const struct ing_plan_be *be)
{
	struct ing_rules rules = { .cfg = &r->cfg, .plan = r->plan, .be = be,
	    .guarded = be->n_policies > 1 };

	for (rules.policy = be->policies; rules.policy != NULL;
	    rules.policy = rules.policy->next)
		ing_rules_policy(&rules);
}

static void
render_server(struct ing_rendering *r, const struct ing_server *s)
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
	if (s->drain)
		ing_keys(c, "weight 0");
}

static void
render_backend(struct ing_rendering *r, const struct ing_plan_be *be)
{
	ing_section(&r->cfg, "backend", span_str(be->id));
	render_timeouts(r, be);
	render_rules(r, be);
	for (uint32_t i = 0; i < be->n_servers; i++)
		render_server(r, &be->servers[i]);
}

void
ing_render_backends(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	ing_section(c, "backend", SPAN("_404"));
	ing_line(c, "http-request return status 404 content-type text/plain "
	    "string 'default backend - 404'");
	ing_section(c, "backend", SPAN("_503"));
	ing_line(c, "http-request return status 503 content-type text/plain "
	    "string '503 Service Temporarily Unavailable'");
	for (uint32_t i = 0; i < r->plan->n_backends; i++)
		render_backend(r, r->plan->backends[i]);
	if (r->needs_dns) {
		ing_section(c, "resolvers", SPAN("cluster"));
		ing_line(c, "parse-resolv-conf");
	}
}
