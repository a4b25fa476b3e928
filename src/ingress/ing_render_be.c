/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_be - the backends: lines of their own, rules of their policies,
 * servers.
 */
#include "ing_render_int.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include <base/must.h>

/* A timer holds 24 days. */
static int64_t
retry_ms(const struct ing_opts *o)
{
	return ((o->retry_s < 2073600 ? o->retry_s : 2073600) * 1000);
}

static void
render_timeouts(struct ing_rendering *r, const struct ing_plan_be *be)
{
	const struct ing_opts *o = be->opts, *dflt = &r->plan->defaults;
	struct ing_cfg *c = &r->cfg;

	if (o->read_timeout_s != dflt->read_timeout_s) {
		ing_line(c, "timeout server");
		ing_cfg_ms(c, o->read_timeout_s * 1000);
		ing_line(c, "timeout tunnel");
		ing_cfg_ms(c, o->read_timeout_s * 1000);
	}
	if (o->connect_timeout_s != dflt->connect_timeout_s) {
		ing_line(c, "timeout connect");
		ing_cfg_ms(c, o->connect_timeout_s * 1000);
	}
	if (o->retry_s > 0) {
		ing_line(c, "timeout retry");
		ing_cfg_ms(c, retry_ms(o));
	}
	if ((o->retry_on & ING_RETRY_OFF) != 0) {
		ing_line(c, "retries 0");
	} else if (o->tries != dflt->tries) {
		ing_line(c, "retries");
		ing_cfg_num(c, o->tries > 0 ? o->tries - 1 : 10);
	}
}

/* What is tried again, at another server. Requests that change something only
 * when that is said, too. */
void
ing_render_retries(struct ing_cfg *c, int64_t set)
{
	static const struct { int64_t bit; const char *words; } rows[] = {
		{ ING_RETRY_ERROR, "conn-failure empty-response" },
		{ ING_RETRY_TIMEOUT, "response-timeout" },
		{ ING_RETRY_INVALID, "junk-response" },
		{ ING_RETRY_500, "500" }, { ING_RETRY_502, "502" },
		{ ING_RETRY_503, "503" }, { ING_RETRY_504, "504" },
		{ ING_RETRY_403, "403" }, { ING_RETRY_404, "404" },
		{ ING_RETRY_429, "429" },
	};

	ing_line(c, "retry-on");
	if ((set & ING_RETRY_OFF) != 0 ||
	    (set & ~(int64_t)ING_RETRY_ANY_METHOD) == 0) {
		ing_keys(c, "none");
		return;
	}
	for (size_t i = 0; i < NELEM(rows); i++)
		if ((set & rows[i].bit) != 0)
			ing_cfg_keys(c, rows[i].words);
}

static void
render_retries(struct ing_rendering *r, const struct ing_plan_be *be)
{
	int64_t set = be->opts->retry_on;

	if (set != r->plan->defaults.retry_on)
		ing_render_retries(&r->cfg, set);
	if ((set & (ING_RETRY_OFF | ING_RETRY_ANY_METHOD)) == 0 &&
	    !r->plan->defaults.retry_any)
		ing_line(&r->cfg, "http-request disable-l7-retry "
		    "if { method POST LOCK PATCH }");
}

static void
render_speed(struct ing_rendering *r, const struct ing_plan_be *be)
{
	struct ing_cfg *c = &r->cfg;

	if (be->opts->close_after)
		ing_line(c, "option http-server-close");
	if (be->opts->buffer_request)
		ing_line(c, "option http-buffer-request");
	if (be->opts->rate_kb == 0)
		return;
	ing_line(c, "filter bwlim-out rate default-limit");
	ing_cfg_num(c, be->opts->rate_kb * 1024);
	ing_keys(c, "default-period 1s");
	ing_line(c, "http-response set-bandwidth-limit rate");
	if (be->opts->rate_after_kb == 0)
		return;
	ing_keys(c, "after");
	ing_cfg_num(c, be->opts->rate_after_kb * 1024);
}

void
ing_render_algo(struct ing_cfg *c, int64_t balance)
{
	if (balance == ING_EWMA)
		ing_line(c, "balance random(2)");
	else if (balance == ING_LEASTCONN)
		ing_line(c, "balance leastconn");
	else
		ing_line(c, "balance roundrobin");
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
	} else if (o->balance != r->plan->defaults.balance) {
		ing_render_algo(c, o->balance);
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
put_sni(struct ing_cfg *c, const char *name)
{
	unsigned char bin[16];

	/* an address is no name that could be asked for (RFC 6066 3) */
	if (inet_pton(AF_INET, name, bin) == 1 || strchr(name, ':') != NULL) {
		ing_keys(c, "no-sni-auto");
		return;
	}
	ing_keys(c, "sni");
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "str(");
	ing_cfg_fmt_name(c, span_str(name));
	ing_fmt(c, ")");
	ing_cfg_fmt_end(c);
}

/* Its certificate is for the name that was said, or that of the Service in the
 * cluster. */
static void
put_name(struct ing_rendering *r, const struct ing_plan_be *be)
{
	const struct ing_opts *o = be->opts;
	const char *name = o->srv_name != NULL ? o->srv_name :
	    arena_printf(&r->plan->mem, "%s.%s.svc", be->service, be->ns);
	struct ing_cfg *c = &r->cfg;

	if (o->srv_sni)
		put_sni(c, name);
	else
		ing_keys(c, "no-sni-auto");
	if (!o->srv_verify || o->srv_sni)
		return;
	ing_keys(c, "verifyhost");
	ing_cfg_name(c, span_str(name));
}

static void
put_versions(struct ing_cfg *c, int64_t set)
{
	static const char *const names[] = { "TLSv1.0", "TLSv1.1", "TLSv1.2",
	    "TLSv1.3" };
	int min = 0, max = ING_TLS13;

	while (min < max && (set >> min & 1) == 0)
		min++;
	while (max > min && (set >> max & 1) == 0)
		max--;
	ing_keys(c, "ssl-min-ver");
	ing_cfg_name(c, span_str(names[min]));
	ing_keys(c, "ssl-max-ver");
	ing_cfg_name(c, span_str(names[max]));
}

static void
put_authorities(struct ing_rendering *r, const struct ing_opts *o)
{
	const char *crl, *ca = ing_render_ca_file(r, o->srv_data, &crl);
	struct ing_cfg *c = &r->cfg;

	ing_keys(c, "verify required ca-file");
	ing_cfg_file(c, ca);
	ing_keys(c, "verify-depth");
	ing_cfg_num(c, o->srv_depth);
	if (crl == NULL)
		return;
	ing_keys(c, "crl-file");
	ing_cfg_file(c, crl);
}

/* Without a Secret nothing is verified, as in ingress-nginx. */
static void
put_tls(struct ing_rendering *r, const struct ing_plan_be *be)
{
	const struct ing_opts *o = be->opts;
	const struct ing_data *s = o->srv_data;
	struct ing_cfg *c = &r->cfg;

	ing_keys(c, "ssl");
	if (be->asked != NULL) {
		ing_keys(c, "verify none");
		put_sni(c, be->asked->host);
		return;
	}
	if (s == NULL) {
		ing_keys(c, "verify none no-sni-auto");
		return;
	}
	if (o->srv_verify)
		put_authorities(r, o);
	else
		ing_keys(c, "verify none");
	put_name(r, be);
	if (ing_pair_find(&s->data, "tls.crt").p != NULL) {
		ing_keys(c, "crt");
		ing_cfg_file(c, ing_render_pair_file(r, s));
	}
	if (o->srv_ciphers != NULL) {
		ing_keys(c, "ciphers");
		ing_cfg_text(c, span_str(o->srv_ciphers));
	}
	put_versions(c, o->srv_versions);
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
		if (r->plan->defaults.ipv4_names)
			ing_keys(c, "resolve-prefer ipv4");
		r->needs_dns = true;
	} else {
		ing_cfg_addr(c, s->ip, s->port);
	}
	if (be->opts->protocol == ING_HTTPS && !be->tcp)
		put_tls(r, be);
	if (be->opts->affinity)
		ing_render_key(r, s);
	if (s->drain)
		ing_keys(c, "weight 0");
}

/* Rules for requests that no rule of an Ingress is for: probes of load balancers
 * are answered, and nobody reads of any of them in the log. */
static void
render_nowhere(struct ing_rendering *r)
{
	const char *path = r->plan->options->health_check_path;
	struct ing_cfg *c = &r->cfg;

	if (!r->plan->defaults.log_default)
		ing_line(c, "http-request set-log-level silent "
		    "if !{ var(txn.route) -m found }");
	if (path == NULL || r->plan->options->starting)
		return;
	ing_line(c, "http-request return status 200 content-type text/plain "
	    "string ok if !{ var(txn.route) -m found } "
	    "{ var(txn.path) -m str");
	ing_cfg_pattern(c, span_str(path));
	ing_keys(c, "}");
}

/* --- what most have in common ------------------------------------------------ */

/* Rules that say nothing about an Ingress or a backend are said once for all
 * that have no others, in a defaults section, and read once. By the text of
 * the only policy; ING_POLICY_CERT: plain requests are sent to TLS. */
static const struct { const char *text, *name; } commons[] = {
	{ "", "plain" },
	{ ING_POLICY_CERT, "plain-tls" },
};

/* The number in commons[]; -1: it has rules of its own. */
static int
common_of(const struct ing_rendering *r, const struct ing_plan_be *be)
{
	const struct ing_opts *o = be->opts;

	if (be->tcp || be->inside || be == r->plan->dflt ||
	    be->n_policies != 1 || be->policies->opts->asks != NULL ||
	    be->policies->client != NULL || o->affinity || o->rate_kb > 0 ||
	    o->retry_on != r->plan->defaults.retry_on)
		return (-1);
	for (size_t i = 0; i < NELEM(commons); i++)
		if (strcmp(be->policies->text, commons[i].text) == 0)
			return ((int)i);
	return (-1);
}

/* `any` of those that have it. */
static void
render_common(struct ing_rendering *r, int no, const struct ing_plan_be *any)
{
	ing_section(&r->cfg, "defaults", span_str(commons[no].name));
	ing_keys(&r->cfg, "from all");
	render_retries(r, any);
	render_rules(r, any);
}

static void
render_backend(struct ing_rendering *r, const struct ing_plan_be *be)
{
	bool own = common_of(r, be) < 0;

	/* One that is asked is entered without a door of its own. */
	if (be->inside)
		ing_section(&r->cfg, "listen", span_str(be->id));
	else
		ing_section(&r->cfg, "backend", span_str(be->id));
	if (be->inside)
		ing_render_access_log(r, be->asked == NULL ||
		    !r->plan->defaults.ask_log,
		    ing_render_http_stderr(r));
	if (be->tcp)
		ing_line(&r->cfg, "mode tcp");
	render_timeouts(r, be);
	if (!be->tcp && own)
		render_retries(r, be);
	if (!be->tcp)
		render_speed(r, be);
	if (be == r->plan->dflt)
		render_nowhere(r);
	ing_render_cookie(r, be);
	if (own)
		render_rules(r, be);
	render_balance(r, be);
	for (uint32_t i = 0; i < be->n_servers; i++)
		render_server(r, be, &be->servers[i]);
}

/* AUTO_HTTP: the same once more, by TLS, for clients who came so. */
static void
render_twin(struct ing_rendering *r, const struct ing_plan_be *be)
{
	struct ing_opts *opts = arena_get(&r->plan->mem, sizeof *opts);
	struct ing_plan_be twin = *be;

	*opts = *be->opts;
	opts->protocol = ING_HTTPS;
	twin.opts = opts;
	twin.id = ing_twin_id(r, be);
	render_backend(r, &twin);
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
ing_render_be(struct ing_rendering *r, struct ing_plan_be *be)
{
	ing_cfg_write(&r->cfg, &r->out);
	be->at = r->out.n;
	render_backend(r, be);
	if (ing_is_auto(be))
		render_twin(r, be);
	ing_cfg_write(&r->cfg, &r->out);
	be->bytes = r->out.n - be->at;
}

/* First those with rules of their own (-1), then the others behind what they
 * have in common. */
static void
render_all(struct ing_rendering *r)
{
	const struct ing_plan *plan = r->plan;
	int *common = must_alloc((plan->n_backends + 1) * sizeof *common);

	for (uint32_t i = 0; i < plan->n_backends; i++)
		common[i] = common_of(r, plan->backends[i]);
	for (int no = -1; no < (int)NELEM(commons); no++) {
		bool begun = no < 0;

		for (uint32_t i = 0; i < plan->n_backends; i++) {
			if (common[i] != no)
				continue;
			if (!begun)
				render_common(r, no, plan->backends[i]);
			begun = true;
			ing_render_be(r, plan->backends[i]);
		}
	}
	free(common);
}

void
ing_render_backends(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	ing_section(c, "backend", SPAN("_404"));
	render_nowhere(r);
	ing_line(c, "http-request return status 404 content-type text/html "
	    "string");
	ing_render_page(c, 404);
	if (is_any_closed(r->plan)) {
		ing_section(c, "backend", SPAN("_403"));
		ing_line(c, "http-request deny deny_status 403");
	}
	ing_section(c, "backend", SPAN("_503"));
	ing_line(c, "http-request return status 503 content-type text/html "
	    "string");
	ing_render_page(c, 503);
	render_all(r);
	ing_render_lists(r);
	if (r->needs_dns) {
		ing_section(c, "resolvers", SPAN("cluster"));
		ing_line(c, "parse-resolv-conf");
	}
}
