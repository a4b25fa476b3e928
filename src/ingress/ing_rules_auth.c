/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_rules_auth - who is let in: by address, by password, or by either of them
 * ("satisfy: any"). Passwords are in lists of users, one for each Secret.
 */
#include "ing_render_int.h"

#include <base/must.h>

struct ing_users_ref {
	const struct ing_users *users;
	struct ing_users_ref *next;
};

static void
need_list(struct ing_rendering *r, const struct ing_users *u)
{
	struct ing_users_ref *ref = arena_zget(&r->plan->mem, sizeof *ref);
	struct ing_users_ref **at = &r->users;

	ref->users = u;
	if (ing_index_put(&r->lists, span_str(u->id), ref) != ref)
		return;
	while (*at != NULL && strcmp((*at)->users->id, u->id) < 0)
		at = &(*at)->next;
	ref->next = *at;
	*at = ref;
}

/* "http_auth(LIST) }" */
static void
put_list(struct ing_cfg *c, const struct ing_users *u)
{
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "http_auth(");
	ing_cfg_fmt_name(c, span_str(u->id));
	ing_fmt(c, ")");
	ing_cfg_fmt_end(c);
	ing_keys(c, "}");
}

void
ing_rules_stranger(struct ing_rules *r, const struct ing_users *u)
{
	need_list(r->r, u);
	ing_keys(r->cfg, "!{");
	put_list(r->cfg, u);
}

void
ing_rules_exempt(struct ing_rules *r)
{
	const struct ing_strs *not = &r->plan->defaults.no_auth;

	if (not->n == 0)
		return;
	ing_keys(r->cfg, "!{ var(txn.path) -m beg --");
	for (uint32_t i = 0; i < not->n; i++)
		ing_cfg_text(r->cfg, span_str(not->v[i]));
	ing_keys(r->cfg, "}");
}

static void
check_password(struct ing_rules *r, const struct ing_strs *or_from)
{
	const struct ing_opts *o = r->policy->opts;
	struct ing_cfg *c = r->cfg;

	ing_line(c, "http-request auth realm");
	ing_cfg_text(c, span_str(o->auth_realm != NULL ? o->auth_realm : ""));
	ing_keys(c, "if");
	ing_rules_stranger(r, o->users);
	ing_rules_exempt(r);
	if (or_from != NULL) {
		ing_keys(c, "!{");
		ing_rule_networks(r, or_from);
	}
	ing_rule_and(r);
}

/* One way in is enough. */
static void
check_any(struct ing_rules *r, const struct ing_strs *allow)
{
	const struct ing_opts *o = r->policy->opts;

	if (o->asks != NULL)
		ing_rules_ask(r, allow, o->users);
	else
		check_password(r, allow);
}

static void
check_all(struct ing_rules *r, const struct ing_strs *allow)
{
	const struct ing_opts *o = r->policy->opts;
	struct ing_cfg *c = r->cfg;

	if (allow != NULL) {
		ing_line(c, "http-request deny deny_status 403 if !{");
		ing_rule_networks(r, allow);
		ing_rule_and(r);
	}
	if (o->users != NULL)
		check_password(r, NULL);
	ing_rules_ask(r, NULL, NULL);
}

void
ing_rules_auth(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;
	const struct ing_strs *allow = o->allow.n > 0 ? &o->allow :
	    o->whitelist.n > 0 ? &o->whitelist : NULL;
	struct ing_cfg *c = r->cfg;

	if (o->deny.n > 0) {
		ing_line(c, "http-request deny deny_status 403 if {");
		ing_rule_networks(r, &o->deny);
		ing_rule_and(r);
	}
	if (o->satisfy_any && (allow != NULL) + (o->users != NULL) +
	    (o->asks != NULL) > 1)
		check_any(r, allow);
	else
		check_all(r, allow);
	if (o->users == NULL)
		return;
	/* It was for us, and not for the server. */
	ing_line(c, "http-request del-header Authorization");
	ing_rule_if(r, "");
}

/* A hash, or the password itself as nginx has it, "{PLAIN}password". */
static void
put_password(struct ing_cfg *c, struct span hash)
{
	bool plain = span_begins(hash, SPAN("{PLAIN}"));

	if (plain)
		ing_keys(c, "insecure-password");
	else
		ing_keys(c, "password");
	ing_cfg_text(c, plain ? span_skip(hash, 7) : hash);
}

static void
render_users(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	for (const struct ing_users_ref *ref = r->users; ref != NULL;
	    ref = ref->next) {
		ing_section(c, "userlist", span_str(ref->users->id));
		for (uint32_t i = 0; i < ref->users->n; i++) {
			ing_line(c, "user");
			ing_cfg_text(c, span_str(ref->users->v[i].name));
			put_password(c, span_str(ref->users->v[i].hash));
		}
	}
}

/* --- limits ---------------------------------------------------------------- */

struct ing_table {
	const char *name;
	bool slow;
	struct ing_table *next;
};

/* One for each Ingress: its locations count together. The two rates of a table
 * are those of a second and a minute, or of a minute and ten. */
static const char *
need_table(struct ing_rules *r, bool slow)
{
	struct arena *mem = &r->r->plan->mem;
	struct ing_table *t = arena_zget(mem, sizeof *t), **at, *have;

	t->name = arena_printf(mem, "_%s_%s_%s", slow ? "rpm" : "rps",
	    r->policy->by->o.ns, r->policy->by->o.name);
	t->slow = slow;
	have = ing_index_put(&r->r->tables, span_str(t->name), t);
	if (have != t)
		return (have->name);
	at = &r->r->first_table;
	while (*at != NULL && strcmp((*at)->name, t->name) < 0)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	return (t->name);
}

/* Conditions of every rule about limits. */
static void
unless_free(struct ing_rules *r, const char *cond)
{
	const struct ing_opts *o = r->policy->opts;
	const struct ing_strs *not = o->limit_allow.n > 0 ? &o->limit_allow :
	    &o->limit_whitelist;
	struct ing_cfg *c = r->cfg;

	if (cond[0] == '\0' && not->n == 0 && !r->guarded)
		return;
	ing_keys(c, "if");
	ing_cfg_keys(c, cond);
	if (not->n > 0) {
		ing_keys(c, "!{");
		ing_rule_networks(r, not);
	}
	ing_rule_and(r);
}

/* The proxy has a page of its own for it. */
static bool
has_page(int64_t code)
{
	static const short pages[] = { 400, 401, 403, 404, 405, 407, 408, 410,
		413, 421, 422, 425, 429, 500, 501, 502, 503, 504 };

	for (size_t i = 0; i < NELEM(pages); i++)
		if (code == pages[i])
			return (true);
	return (false);
}

static void
refuse_past(struct ing_rules *r, const char *sample, int64_t limit,
    int64_t code)
{
	struct ing_cfg *c = r->cfg;

	ing_line(c, "http-request deny");
	if (has_page(code))
		ing_keys(c, "deny_status");
	else
		ing_keys(c, "status");
	ing_cfg_num(c, code);
	ing_keys(c, "if {");
	ing_cfg_keys(c, sample);
	ing_keys(c, "ge");
	ing_cfg_num(c, limit);
	ing_keys(c, "}");
	ing_rule_and(r);
}

/* What comes at once is one and a burst, as a bucket that leaks has it; in the
 * long run, the rate and a share of the burst. What is refused does not count. */
static void
limit_rate(struct ing_rules *r, int64_t rate, bool slow)
{
	int64_t burst = rate * r->policy->opts->limit_burst;
	int64_t once = burst + 1 > rate ? burst + 1 : rate;
	int64_t code = r->plan->defaults.limit_req_code;
	struct ing_cfg *c = r->cfg;

	if (slow) {
		refuse_past(r, "sc_gpc0_rate(1)", once, code);
		refuse_past(r, "sc_gpc1_rate(1)", rate * 10 + burst, code);
		ing_line(c, "http-request sc-inc-gpc0(1)");
		unless_free(r, "");
		ing_line(c, "http-request sc-inc-gpc1(1)");
	} else {
		refuse_past(r, "sc_gpc0_rate(0)", once, code);
		refuse_past(r, "sc_gpc1_rate(0)", rate * 60 + burst, code);
		ing_line(c, "http-request sc-inc-gpc0(0)");
		unless_free(r, "");
		ing_line(c, "http-request sc-inc-gpc1(0)");
	}
	unless_free(r, "");
}

/* By what limit-conn-zone-variable says; nobody counts what that has nothing
 * for. */
static void
track(struct ing_rules *r, bool slow)
{
	bool keyed = r->plan->defaults.limit_key != NULL;

	if (keyed)
		ing_keys(r->cfg, "var(txn.limit) table");
	else
		ing_keys(r->cfg, "src table");
	ing_cfg_name(r->cfg, span_str(need_table(r, slow)));
	unless_free(r, keyed ? "{ var(txn.limit),length gt 0 }" : "");
}

void
ing_rules_limit(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;
	const char *key = r->plan->defaults.limit_key;
	struct ing_cfg *c = r->cfg;

	if (key != NULL && (o->limit_rps > 0 || o->limit_rpm > 0 ||
	    o->limit_connections > 0)) {
		ing_line(c, "http-request set-var-fmt(txn.limit)");
		ing_cfg_text(c, span_str(key));
		ing_rule_if(r, "");
	}
	if (o->limit_rps > 0 || o->limit_connections > 0) {
		ing_line(c, "http-request track-sc0");
		track(r, false);
	}
	if (o->limit_connections > 0)
		refuse_past(r, "sc_conn_cur(0)", o->limit_connections + 1,
		    r->plan->defaults.limit_conn_code);
	if (o->limit_rpm > 0) {
		ing_line(c, "http-request track-sc1");
		track(r, true);
	}
	if (o->limit_rps > 0)
		limit_rate(r, o->limit_rps, false);
	if (o->limit_rpm > 0)
		limit_rate(r, o->limit_rpm, true);
}

void
ing_render_lists(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	render_users(r);
	for (const struct ing_table *t = r->first_table; t != NULL;
	    t = t->next) {
		ing_section(c, "backend", span_str(t->name));
		ing_keys(c, "from all");
		if (r->plan->defaults.limit_key != NULL)
			ing_line(c, "stick-table type string len 128");
		else
			ing_line(c, "stick-table type ipv6");
		if (t->slow)
			ing_keys(c, "size 100k expire 20m store "
			    "gpc0_rate(1m),gpc1_rate(10m)");
		else
			ing_keys(c, "size 100k expire 2m store "
			    "gpc0_rate(1s),gpc1_rate(1m),conn_cur");
	}
}
