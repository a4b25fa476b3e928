/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_cookie - the cookie that keeps a client with its server.
 *
 * What the line "cookie" can't say is put behind the cookie when the response
 * is complete: its path, a date, and what depends on the client.
 */
#include "ing_render_int.h"

#include <inttypes.h>
#include <stdio.h>

#include <base/must.h>

/* Clients that take SameSite=None for Strict, or refuse it: iOS 12, Safari and
 * embedded views of macOS 10.14, Chrome 51 to 66, UC Browser before 12.13.2.
 * Source: chromium.org, "SameSite=None: Known Incompatible Clients". */
static const char *const old_clients[] = {
	"[(]iP.+; CPU .*OS 12[_0-9]*.*[)] AppleWebKit/",
	"[(]Macintosh;.*Mac OS X 10_14[_0-9]*.*[)] AppleWebKit/"
	    "(?!.*Chrom).*Version/.* Safari/",
	"^Mozilla/[.0-9]+ [(]Macintosh;.*Mac OS X 10_14[_0-9]*[)] "
	    "AppleWebKit/[.0-9]+ [(]KHTML, like Gecko[)]$",
	"Chrom[^ /]*/(5[1-9]|6[0-6])[.]",
	"UCBrowser/([0-9]|1[01])[.]",
	"UCBrowser/12[.]([0-9]|1[0-2])[.]",
	"UCBrowser/12[.]13[.][01]([.]|$)"
};

static void
put_attribute(struct ing_cfg *c, const char *name)
{
	ing_keys(c, "attr");
	ing_cfg_fmt_begin(c);
	ing_cfg_fmt_expr(c, name);
}

/* "http-after-response replace-header Set-Cookie ^(NAME=[^;]*)REST" */
static void
begin_change(struct ing_cfg *c, const char *name, const char *rest)
{
	struct text t;

	ing_line(c, "http-after-response replace-header Set-Cookie");
	text_init(&t);
	text_printf(&t, "^(%s=[^;]*)%s", name, rest);
	ing_cfg_text(c, text_span(&t));
	text_fini(&t);
	ing_cfg_fmt_begin(c);
}

/* None, but not for those who misunderstand it. */
static void
spare_old_clients(struct ing_cfg *c, const struct ing_opts *o)
{
	if (!o->cookie_conditional || o->cookie_samesite == NULL ||
	    strcmp(o->cookie_samesite, "None") != 0)
		return;
	ing_line(c, "http-request set-var(txn.old) bool(true) "
	    "if { req.fhdr(user-agent) -m reg --");
	for (size_t i = 0; i < NELEM(old_clients); i++)
		ing_cfg_text(c, span_str(old_clients[i]));
	ing_keys(c, "}");
	begin_change(c, o->cookie_name, "(.*); SameSite=None(.*)$");
	ing_fmt(c, "\\1\\2\\3");
	ing_cfg_fmt_end(c);
	ing_keys(c, "if { var(txn.old) -m found }");
}

static void
add_rest(struct ing_cfg *c, const struct ing_opts *o)
{
	if (o->cookie_expires_s > 0) {
		begin_change(c, o->cookie_name, "(.*)$");
		ing_fmt(c, "\\1\\2; Expires=%[date(");
		ing_cfg_fmt_num(c, o->cookie_expires_s);
		ing_fmt(c, "),http_date]");
		ing_cfg_fmt_end(c);
	}
	if (!o->cookie_secure) {
		begin_change(c, o->cookie_name, "(.*)$");
		ing_fmt(c, "\\1\\2; Secure");
		ing_cfg_fmt_end(c);
		ing_keys(c, "if { ssl_fc }");
	}
	spare_old_clients(c, o);
}

void
ing_render_cookie(struct ing_rendering *r, const struct ing_plan_be *be)
{
	const struct ing_opts *o = be->opts;
	struct ing_cfg *c = &r->cfg;

	if (!o->affinity)
		return;
	ing_line(c, "cookie");
	ing_cfg_name(c, span_str(o->cookie_name));
	ing_keys(c, "insert indirect nocache httponly");
	if (o->cookie_secure)
		ing_keys(c, "secure");
	if (o->cookie_domain != NULL) {
		ing_keys(c, "domain");
		ing_cfg_name(c, span_str(o->cookie_domain));
	}
	if (o->cookie_samesite != NULL) {
		put_attribute(c, "SameSite=");
		ing_cfg_fmt_name(c, span_str(o->cookie_samesite));
		ing_cfg_fmt_end(c);
	}
	if (o->cookie_max_age_s > 0) {
		put_attribute(c, "Max-Age=");
		ing_cfg_fmt_num(c, o->cookie_max_age_s);
		ing_cfg_fmt_end(c);
	}
	if (!o->cookie_change)
		ing_line(c, "no option redispatch");
	add_rest(c, o);
}

/* The path that was said, or that of the rule; of a regular expression nobody
 * could tell which requests the cookie is for, so those have "/". */
void
ing_rules_cookie(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;
	const char *path = o->cookie_path != NULL ? o->cookie_path :
	    r->policy->cookie_path;
	struct ing_cfg *c = r->cfg;

	if (!r->be->opts->affinity || path == NULL || strcmp(path, "/") == 0)
		return;
	begin_change(c, r->be->opts->cookie_name, "; path=/(.*)$");
	ing_fmt(c, "\\1; Path=");
	ing_cfg_fmt_text(c, span_str(path));
	ing_fmt(c, "\\2");
	ing_cfg_fmt_end(c);
	ing_rule_if(r, "");
}

void
ing_render_key(struct ing_rendering *r, const struct ing_server *s)
{
	char z[ING_KEY_BYTES];

	ing_keys(&r->cfg, "cookie");
	ing_cfg_name(&r->cfg, ing_server_key(s, z));
}

struct span
ing_server_key(const struct ing_server *s, char z[ING_KEY_BYTES])
{
	int n = snprintf(z, ING_KEY_BYTES, "%016" PRIx64,
	    span_hash(span_str(s->name)));

	return (span_of(z, (size_t)n));
}
