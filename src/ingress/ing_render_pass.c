/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_pass - a door before the https port, when a host's TLS is not ours
 * to end: its servers are found by the name that the client asks for; all else
 * goes to our own listener, behind a PROXY header.
 *
 * Only there when a host wants it: others would pay for a second pass through
 * the proxy.
 */
#include "ing_render_int.h"

#include <inttypes.h>
#include <stdio.h>

#include <base/must.h>

bool
ing_render_passes(const struct ing_plan *p)
{
	if (p->options->https_port == 0)
		return (false);
	for (uint32_t i = 0; i < p->n_hosts; i++)
		if (p->hosts[i]->pass != NULL)
			return (true);
	return (false);
}

/* A name that no other proxy in the same network namespace has. */
static void
put_inner(struct ing_rendering *r)
{
	char z[40];
	int n = snprintf(z, sizeof z, "abns@ecluse-https-%" PRId64,
	    r->plan->options->https_port);

	ing_cfg_text(&r->cfg, span_of(z, (size_t)n));
}

void
ing_render_inner_bind(struct ing_rendering *r)
{
	ing_line(&r->cfg, "bind");
	put_inner(r);
	ing_keys(&r->cfg, "accept-proxy");
}

static void
render_maps(struct ing_rendering *r)
{
	struct text exact, wild;

	text_init(&exact);
	text_init(&wild);
	for (uint32_t i = 0; i < r->plan->n_hosts; i++) {
		const struct ing_plan_host *h = r->plan->hosts[i];
		bool star = h->name[0] == '*';

		if (h->pass != NULL)
			MUST(ing_map_write(star ? &wild : &exact,
			    span_str(h->name + star), span_str(h->pass->id)));
		for (uint32_t k = 0; h->pass != NULL && k < h->n_aliases;
		    k++) {
			if (h->aliases[k][0] == '~')
				continue;       /* no name to look up */
			star = h->aliases[k][0] == '*';
			MUST(ing_map_write(star ? &wild : &exact,
			    span_str(h->aliases[k] + star),
			    span_str(h->pass->id)));
		}
	}
	ing_files_add(r->files, "maps/sni.map")->body = exact;
	ing_files_add(r->files, "maps/sniwild.map")->body = wild;
}

void
ing_render_door(struct ing_rendering *r)
{
	const struct ing_opts *o = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	render_maps(r);
	ing_section(c, "frontend", SPAN("door"));
	ing_line(c, "mode tcp");
	ing_line(c, "option tcplog");
	ing_render_access_log(r, o->no_log, o->log_stderr != 0);
	if (o->proxy_protocol || r->plan->options->proxy_protocol) {
		ing_line(c, "timeout client-hs");
		ing_cfg_ms(c, o->proxy_header_s * 1000);
	}
	ing_render_binds(r, r->plan->options->https_port, NULL);
	ing_line(c, "tcp-request inspect-delay 5s");
	ing_line(c, "tcp-request content set-var(txn.to) "
	    "req.ssl_sni,lower,map_str(maps/sni.map) "
	    "if { req.ssl_hello_type 1 }");         /* waits for it */
	ing_line(c, "tcp-request content set-var(txn.to) "
	    "\"req.ssl_sni,lower,regsub(^[^.]*,),map_str(maps/sniwild.map)\" "
	    "if { req.ssl_hello_type 1 } !{ var(txn.to) -m found }");
	ing_line(c, "tcp-request content accept "
	    "if { req.ssl_hello_type 1 }");
	ing_line(c, "use_backend %[var(txn.to)] if { var(txn.to) -m found }");
	ing_line(c, "default_backend _inner");
	ing_section(c, "backend", SPAN("_inner"));
	ing_line(c, "mode tcp");
	ing_line(c, "server inner");
	put_inner(r);
	ing_keys(c, "send-proxy-v2");
}
