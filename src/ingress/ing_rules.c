/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_rules - the rules of a location, in the order in which they are needed.
 */
#include "ing_render_int.h"

#include <base/must.h>

void
ing_rules_if(struct ing_rules *r, const char *cond)
{
	struct ing_cfg *c = r->cfg;

	if (cond[0] == '\0' && !r->guarded)
		return;
	ing_keys(c, "if");
	ing_cfg_keys(c, cond);
	if (r->guarded) {
		ing_keys(c, "{ var(txn.pol) -m str");
		ing_cfg_pattern(c, span_str(r->policy->id));
		ing_keys(c, "}");
	}
}

/* To the same place by https, where the host has a certificate; the challenges
 * of ACME are answered as they come. */
static void
redirect_https(struct ing_rules *r)
{
	struct ing_cfg *c = r->cfg;

	if (!r->policy->opts->ssl_redirect || !r->policy->host_has_cert)
		return;
	ing_line(c, "http-request redirect location");
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "https://%[req.hdr(host),host_only]%[pathq,regsub(/$,)]");
	ing_cfg_fmt_end(c);
	ing_keys(c, "code 308");
	ing_rule_if(r, "!{ ssl_fc } !{ path_beg /.well-known/acme-challenge }");
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

/* The whole path becomes the target, where the rule's path is found in it. */
static void
rewrite(struct ing_rules *r)
{
	const char *target = r->policy->opts->rewrite_target;
	const char *path = r->policy->rewrite_path;
	struct ing_cfg *c = r->cfg;
	struct text t;

	if (target == NULL || path == NULL || strcmp(target, path) == 0)
		return;
	ing_line(c, "http-request replace-path");
	text_init(&t);
	text_printf(&t, "(?i)^.*?(?:%s).*$", path);
	ing_cfg_text(c, text_span(&t));
	text_fini(&t);
	put_target(c, target);
	ing_rule_if(r, "");
}

static void (*const steps[])(struct ing_rules *) = {
	redirect_https,
	rewrite,
};

void
ing_rules_policy(struct ing_rules *r)
{
	for (size_t i = 0; i < NELEM(steps); i++)
		steps[i](r);
}
