/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_rules - the rules of a location, in the order in which they are needed.
 */
#include "ing_render_int.h"

#include <base/must.h>

void
ing_rule_and(struct ing_rules *r)
{
	struct ing_cfg *c = r->cfg;

	if (!r->guarded)
		return;
	ing_keys(c, "{ var(txn.pol) -m str");
	ing_cfg_pattern(c, span_str(r->policy->id));
	ing_keys(c, "}");
}

void
ing_rules_if(struct ing_rules *r, const char *cond)
{
	if (cond[0] == '\0' && !r->guarded)
		return;
	ing_keys(r->cfg, "if");
	ing_cfg_keys(r->cfg, cond);
	ing_rule_and(r);
}

void
ing_rule_networks(struct ing_rules *r, const struct ing_strs *list)
{
	ing_keys(r->cfg, "src --");
	for (uint32_t i = 0; i < list->n; i++)
		ing_cfg_text(r->cfg, span_str(list->v[i]));
	ing_keys(r->cfg, "}");
}

/* An answer of a fixed place, before anything else is looked at. */
static void
redirect_fixed(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;
	struct ing_cfg *c = r->cfg;
	const char *to = o->temporal_redirect != NULL ? o->temporal_redirect :
	    o->permanent_redirect;

	ing_line(c, "http-request redirect location");
	ing_cfg_fmt_begin(c);
	ing_cfg_fmt_text(c, span_str(to));
	ing_cfg_fmt_end(c);
	ing_keys(c, "code");
	ing_cfg_num(c, o->temporal_redirect != NULL ? o->temporal_code :
	    o->permanent_code);
	ing_rule_if(r, "");
}

static void
redirect_root(struct ing_rules *r)
{
	struct ing_cfg *c = r->cfg;

	if (r->policy->opts->app_root == NULL)
		return;
	ing_line(c, "http-request redirect location");
	ing_cfg_fmt_begin(c);
	if (!r->policy->opts->relative)
		ing_fmt(c, "%[var(txn.scheme)]://%[req.hdr(host)]");
	ing_cfg_fmt_text(c, span_str(r->policy->opts->app_root));
	ing_cfg_fmt_end(c);
	ing_keys(c, "code 302");
	ing_rule_if(r, "{ var(txn.path) -m str / }");
}

/* To the same place by https, where the host has a certificate, or always when
 * forced; the challenges of ACME are answered as they come. */
static void
redirect_as(struct ing_rules *r, bool forwarded)
{
	const struct ing_opts *o = r->policy->opts;
	const struct ing_strs *not = &r->plan->defaults.no_tls_redirect;
	struct ing_cfg *c = r->cfg;

	ing_line(c, "http-request redirect location");
	ing_cfg_fmt_begin(c);
	if (forwarded)
		ing_fmt(c, "https://%[var(txn.fhost),host_only]");
	else
		ing_fmt(c, "https://%[req.hdr(host),host_only]");
	if (o->redirect_port) {
		ing_fmt(c, ":");
		ing_cfg_fmt_num(c, r->plan->options->https_port);
	}
	if (o->preserve_slash)
		ing_fmt(c, "%[pathq]");
	else
		ing_fmt(c, "%[pathq,regsub(/$,)]");
	ing_cfg_fmt_end(c);
	ing_keys(c, "code");
	ing_cfg_num(c, r->plan->defaults.redirect_code);
	ing_keys(c, "if { var(txn.scheme) -m str http }");
	if (forwarded)
		ing_keys(c, "{ var(txn.fhost) -m found }");
	if (not->n > 0) {
		ing_keys(c, "!{ var(txn.path) -m beg --");
		for (uint32_t i = 0; i < not->n; i++)
			ing_cfg_text(c, span_str(not->v[i]));
		ing_keys(c, "}");
	}
	ing_rule_and(r);
}

static void
redirect_https(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;

	if (!o->force_ssl_redirect && !(o->ssl_redirect &&
	    r->policy->host_has_cert))
		return;
	if (r->plan->defaults.forwarded)
		redirect_as(r, true);
	redirect_as(r, false);
}

static void
check_size(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;

	if (o->body_bytes == 0)
		return;
	ing_line(r->cfg, "http-request limit-body");
	ing_cfg_num(r->cfg, o->body_bytes);
	ing_rule_if(r, "");
}

static void
set_host(struct ing_rules *r)
{
	const char *host = r->policy->opts->vhost;

	if (host == NULL)
		return;
	ing_line(r->cfg, "http-request set-header Host");
	ing_cfg_fmt_begin(r->cfg);
	ing_cfg_fmt_text(r->cfg, span_str(host));
	ing_cfg_fmt_end(r->cfg);
	ing_rule_if(r, "");
}

static void
set_header(struct ing_rules *r, const char *name, const char *value)
{
	ing_line(r->cfg, "http-request set-header");
	ing_cfg_keys(r->cfg, name);
	ing_cfg_fmt_begin(r->cfg);
	ing_cfg_fmt_text(r->cfg, span_str(value));
	ing_cfg_fmt_end(r->cfg);
	ing_rule_if(r, "");
}

static void
silence(struct ing_rules *r)
{
	if (r->policy->opts->access_log)
		return;
	ing_line(r->cfg, "http-request set-log-level silent");
	ing_rule_if(r, "");
}

/* "$1" of nginx is "\1" here. */
static void
put_target(struct ing_cfg *c, const char *target)
{
	ing_cfg_fmt_begin(c);
	for (const char *p = target; *p != '\0'; p++) {
		if (p[0] == '$' && p[1] >= '0' && p[1] <= '9')
			ing_fmt(c, "\\");
		else
			ing_cfg_fmt_text(c, span_of(p, 1));
	}
	ing_cfg_fmt_end(c);
}

/* "REGEX FORMAT": what matches the rule's path, whatever is around it, becomes
 * the text, with what it caught filled in. */
static void
put_swap(struct ing_cfg *c, const char *path, const char *text)
{
	struct text t;

	text_init(&t);
	text_printf(&t, "(?i)^.*?(?:%s).*$", path);
	ing_cfg_text(c, text_span(&t));
	text_fini(&t);
	put_target(c, text);
}

static void
tell_prefix(struct ing_rules *r, const char *path)
{
	struct ing_cfg *c = r->cfg;

	if (r->policy->opts->forwarded_prefix == NULL)
		return;
	ing_line(c, "http-request set-header X-Forwarded-Prefix %[path]");
	ing_rule_if(r, "");
	ing_line(c, "http-request replace-header X-Forwarded-Prefix");
	put_swap(c, path, r->policy->opts->forwarded_prefix);
	ing_rule_if(r, "");
}

/* As the rule was chosen: "//", dots, and letters that are written as %61. */
static void
normalize(struct ing_rules *r)
{
	static const char *const how[] = { "percent-decode-unreserved",
	    "path-merge-slashes", "path-strip-dot", "path-strip-dotdot full" };

	for (size_t i = 0; i < NELEM(how); i++) {
		ing_line(r->cfg, "http-request normalize-uri");
		ing_cfg_keys(r->cfg, how[i]);
		ing_rule_if(r, "{ var(txn.uri) -m found }");
	}
}

/* The whole path becomes the target, where the rule's path is found in it. */
static void
rewrite(struct ing_rules *r)
{
	const char *target = r->policy->opts->rewrite_target;
	const char *path = r->policy->rewrite_path;
	struct ing_cfg *c = r->cfg;

	if (r->policy->instead_of != NULL)
		return;
	if (target == NULL || path == NULL || strcmp(target, path) == 0)
		return;
	normalize(r);
	tell_prefix(r, path);
	ing_line(c, "http-request replace-path");
	put_swap(c, path, target);
	ing_rule_if(r, "");
}

/* What was asked for has no server: a page of the default backend's choice. */
static void
ask_default(struct ing_rules *r)
{
	const struct ing_plan_be *empty = r->policy->instead_of;
	struct ing_cfg *c = r->cfg;

	if (empty == NULL)
		return;
	set_header(r, "X-Code", "503");
	ing_line(c, "http-request set-header X-Format %[req.fhdr(accept)]");
	ing_rule_if(r, "");
	ing_line(c, "http-request set-header X-Original-URI %[pathq]");
	ing_rule_if(r, "");
	set_header(r, "X-Namespace", empty->ns);
	set_header(r, "X-Ingress-Name", r->policy->by->o.name);
	set_header(r, "X-Service-Name", empty->service);
	set_header(r, "X-Service-Port", empty->port);
	ing_line(c, "http-request set-method GET");
	ing_rule_if(r, "");
	ing_line(c, "http-request set-pathq /");
	ing_rule_if(r, "");
}

/* Pages for errors of servers, by another server; what it is told of the request
 * is kept while the request is there. */
static void
replace_errors(struct ing_rules *r)
{
	const struct ing_strs *codes = &r->policy->opts->error_codes;
	const struct ing_plan_be *by = r->policy->served_by;
	struct ing_cfg *c = r->cfg;

	if (r->policy->pages == NULL || r->policy->opts->own_errors)
		return;
	ing_line(c, "http-request set-var(txn.page_format) "
	    "req.fhdr(accept)");
	ing_rule_if(r, "");
	ing_line(c, "http-request set-var(txn.page_uri) pathq");
	ing_rule_if(r, "");
	ing_line(c, "http-request set-var(txn.page_id) "
	    "req.hdr(X-Request-ID)");
	ing_rule_if(r, "");
	ing_line(c, "http-response answer-from");
	ing_cfg_name(c, span_str(r->policy->pages->id));
	ing_keys(c, "path / hdr X-Code %[status] "
	    "hdr X-Format %[var(txn.page_format)] "
	    "hdr X-Original-URI %[var(txn.page_uri)] "
	    "hdr X-Request-ID %[var(txn.page_id)] hdr X-Namespace");
	ing_cfg_text(c, span_str(by->ns));
	ing_keys(c, "hdr X-Ingress-Name");
	ing_cfg_text(c, span_str(r->policy->by->o.name));
	ing_keys(c, "hdr X-Service-Name");
	ing_cfg_text(c, span_str(by->service));
	ing_keys(c, "hdr X-Service-Port");
	ing_cfg_text(c, span_str(by->port));
	ing_keys(c, "if { status");
	for (uint32_t i = 0; i < codes->n; i++)
		ing_cfg_text(c, span_str(codes->v[i]));
	ing_keys(c, "}");
	ing_rule_and(r);
}

static void (*const steps[])(struct ing_rules *) = {
	silence,
	check_size,
	redirect_root,
	ing_rules_cors,
	redirect_https,
	ing_rules_client_plain,
	ing_rules_limit,
	ing_rules_auth,
	ask_default,
	replace_errors,
	rewrite,
	set_host,
	ing_rules_cookie,
	ing_rules_response,
};

void
ing_rules_policy(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;

	ing_rules_client(r);
	if (o->permanent_redirect != NULL || o->temporal_redirect != NULL) {
		redirect_fixed(r);
		return;
	}
	for (size_t i = 0; i < NELEM(steps); i++)
		steps[i](r);
}
