/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_rules_ask - a service of its own is asked whether a request may pass, and
 * what it said of the client goes along to the server.
 *
 * Only an answer of 200 to 299 lets pass: 401 and 403 are passed on, or lead to
 * a page for that; all else, and no answer, is 500.
 * Source: annotations.tsv, auth-url and its family.
 */
#include "ing_render_int.h"

#include <inttypes.h>
#include <stdio.h>

#define COOKIES 4               /* of an answer that are passed on */

/* txn.ask_h0, txn.ask_c1: of a name and a number. */
static void
put_var(struct ing_cfg *c, const char *name, uint32_t no)
{
	char var[40];

	snprintf(var, sizeof var, "txn.ask_%s%" PRIu32, name, no);
	ing_cfg_name(c, span_str(var));
}

static void
put_var_fmt(struct ing_cfg *c, const char *name, uint32_t no)
{
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "%[var(");
	ing_cfg_fmt_name(c, span_str("txn.ask_"));
	ing_cfg_fmt_name(c, span_str(name));
	ing_cfg_fmt_num(c, no);
	ing_fmt(c, ")]");
	ing_cfg_fmt_end(c);
}

static void
if_var(struct ing_rules *r, const char *name, uint32_t no)
{
	struct ing_cfg *c = r->cfg;

	ing_keys(c, "if {");
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "var(");
	ing_cfg_fmt_name(c, span_str("txn.ask_"));
	ing_cfg_fmt_name(c, span_str(name));
	ing_cfg_fmt_num(c, no);
	ing_fmt(c, ")");
	ing_cfg_fmt_end(c);
	ing_keys(c, "-m found }");
	ing_rule_and(r);
}

/* Which requests it is asked about: as ing_rules_exempt() and "satisfy: any"
 * have it. */
static void
and_asked(struct ing_rules *r, const struct ing_strs *or_from,
    const struct ing_users *or_users)
{
	ing_rules_exempt(r);
	if (or_from != NULL) {
		ing_keys(r->cfg, "!{");
		ing_rule_networks(r, or_from);
	}
	if (or_users != NULL)
		ing_rules_stranger(r, or_users);
	ing_rule_and(r);
}

static void
put_headers(struct ing_rules *r)
{
	const struct ing_ask *a = r->policy->opts->asks;
	struct ing_cfg *c = r->cfg;

	if (a->host != NULL) {
		ing_keys(c, "hdr Host");
		ing_cfg_text(c, span_str(a->host));
	}
	ing_keys(c, "hdr X-Original-URL "
	    "%[var(txn.scheme)]://%[req.hdr(host)]%[pathq] "
	    "hdr X-Original-Method %[method] "
	    "hdr X-Sent-From nginx-ingress-controller "
	    "hdr X-Auth-Request-Redirect");
	if (a->redirect != NULL)
		ing_cfg_text(c, span_str(a->redirect));
	else
		ing_keys(c, "%[pathq]");
	if (a->method != NULL)
		ing_keys(c, "hdr X-Original-URI %[pathq] "
		    "hdr X-Scheme %[var(txn.scheme)]");
	if (a->headers == NULL)
		return;
	ING_EACH(struct ing_pair, h, a->headers->data) {
		ing_keys(c, "hdr");
		ing_cfg_name(c, span_str(h->key));
		ing_cfg_fmt_begin(c);
		ing_cfg_fmt_text(c, h->value);
		ing_cfg_fmt_end(c);
	}
}

static void
put_saves(struct ing_rules *r)
{
	const struct ing_ask *a = r->policy->opts->asks;
	struct ing_cfg *c = r->cfg;
	char header[24];

	ing_keys(c, "save www-authenticate txn.ask_www");
	for (uint32_t i = 1; i <= COOKIES; i++) {
		snprintf(header, sizeof header, "set-cookie(%" PRIu32 ")", i);
		ing_keys(c, "save");
		ing_cfg_text(c, span_str(header));
		put_var(c, "c", i);
	}
	for (uint32_t i = 0; i < a->copy.n; i++) {
		ing_keys(c, "save");
		ing_cfg_name(c, span_str(a->copy.v[i]));
		put_var(c, "h", i);
	}
}

static void
put_question(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;
	struct ing_cfg *c = r->cfg;

	ing_line(c, "http-request auth-request(txn.ask)");
	ing_cfg_name(c, r->policy->ask != NULL ? span_str(r->policy->ask->id) :
	    SPAN("ingress"));
	if (o->asks->method != NULL) {
		ing_keys(c, "method");
		ing_cfg_name(c, span_str(o->asks->method));
	}
	ing_keys(c, "path");
	ing_cfg_text(c, span_str(o->asks->path));
	put_headers(r);
	put_saves(r);
	ing_keys(c, "timeout");
	ing_cfg_ms(c, (o->connect_timeout_s + o->read_timeout_s) * 1000);
}

static void
refuse(struct ing_rules *r)
{
	const struct ing_ask *a = r->policy->opts->asks;
	struct ing_cfg *c = r->cfg;

	if (a->signin != NULL) {
		ing_line(c, "http-request redirect location");
		ing_cfg_text(c, span_str(a->signin));
		ing_keys(c, "code 302");
		ing_rule_if(r, "{ var(txn.ask) -m int 401 }");
	}
	ing_line(c, "http-request return status 401 "
	    "hdr WWW-Authenticate %[var(txn.ask_www)]");
	ing_rule_if(r, "{ var(txn.ask) -m int 401 } "
	    "{ var(txn.ask_www) -m found }");
	ing_line(c, "http-request return status 401");
	ing_rule_if(r, "{ var(txn.ask) -m int 401 }");
	ing_line(c, "http-request deny deny_status 403");
	ing_rule_if(r, "{ var(txn.ask) -m int 403 }");
}

/* A header that the service did not send is none that the client may. */
static void
copy_headers(struct ing_rules *r, const struct ing_strs *or_from,
    const struct ing_users *or_users)
{
	const struct ing_strs *copy = &r->policy->opts->asks->copy;
	struct ing_cfg *c = r->cfg;

	for (uint32_t i = 0; i < copy->n; i++) {
		ing_line(c, "http-request del-header");
		ing_cfg_name(c, span_str(copy->v[i]));
		ing_keys(c, "if TRUE");
		and_asked(r, or_from, or_users);
		ing_line(c, "http-request set-header");
		ing_cfg_name(c, span_str(copy->v[i]));
		put_var_fmt(c, "h", i);
		if_var(r, "h", i);
	}
}

static void
pass_cookies(struct ing_rules *r)
{
	struct ing_cfg *c = r->cfg;

	for (uint32_t i = 1; i <= COOKIES; i++) {
		ing_line(c, "http-after-response add-header Set-Cookie");
		put_var_fmt(c, "c", i);
		if_var(r, "c", i);
		if (!r->policy->opts->asks->cookies)
			ing_keys(c, "{ status 200 201 204 206 301:304 307 "
			    "308 }");
	}
}

void
ing_rules_ask(struct ing_rules *r, const struct ing_strs *or_from,
    const struct ing_users *or_users)
{
	struct ing_cfg *c = r->cfg;

	if (r->policy->opts->asks == NULL)
		return;
	put_question(r);
	ing_keys(c, "if TRUE");
	and_asked(r, or_from, or_users);
	pass_cookies(r);
	refuse(r);
	ing_line(c, "http-request deny deny_status 500 "
	    "if !{ var(txn.ask) -m int 200:299 }");
	and_asked(r, or_from, or_users);
	copy_headers(r, or_from, or_users);
}
