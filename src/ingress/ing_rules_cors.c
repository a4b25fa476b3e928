/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_rules_cors - headers for pages of other origins, and the answer to what
 * their browsers ask beforehand.
 *
 * txn.cors is the origin that is allowed, or "*"; without it nothing is added.
 * Source: Fetch standard, CORS protocol; annotations.tsv.
 */
#include "ing_render_int.h"

#include <base/num.h>

static bool
allows_all(const struct ing_strs *origins)
{
	for (uint32_t i = 0; i < origins->n; i++)
		if (strcmp(origins->v[i], "*") == 0)
			return (true);
	return (false);
}

/* An origin as a regular expression: one label for a star. */
static void
put_pattern(struct ing_cfg *c, const char *origin)
{
	struct text t;

	text_init(&t);
	text_addc(&t, '^');
	for (; *origin != '\0'; origin++) {
		if (*origin == '*')
			text_addz(&t, "[A-Za-z0-9_-]+");
		else if (*origin == '.')
			text_addz(&t, "[.]");
		else
			text_addc(&t, *origin);
	}
	text_addc(&t, '$');
	ing_cfg_text(c, text_span(&t));
	text_fini(&t);
}

static void
find_origin(struct ing_rules *r, const struct ing_strs *origins)
{
	struct ing_cfg *c = r->cfg;

	if (origins->n == 0)
		return;
	if (allows_all(origins)) {
		ing_line(c, "http-request set-var(txn.cors) str(*)");
		ing_rule_if(r, "");
		return;
	}
	ing_line(c, "http-request set-var(txn.cors) req.hdr(origin) "
	    "if { req.hdr(origin) -m reg -i --");
	for (uint32_t i = 0; i < origins->n; i++)
		put_pattern(c, origins->v[i]);
	ing_keys(c, "}");
	ing_rule_and(r);
}

static void
set_header(struct ing_rules *r, const char *name, const char *value)
{
	struct ing_cfg *c = r->cfg;

	ing_line(c, "http-after-response set-header");
	ing_cfg_keys(c, name);
	ing_cfg_fmt_begin(c);
	ing_cfg_fmt_text(c, span_str(value));
	ing_cfg_fmt_end(c);
	ing_rule_if(r, "{ var(txn.cors) -m found }");
}

void
ing_rules_cors(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;
	struct ing_cfg *c = r->cfg;
	char age[24];

	if (!o->cors)
		return;
	find_origin(r, &o->cors_origins);
	ing_line(c, "http-request return status 204");
	ing_rule_if(r, "METH_OPTIONS { var(txn.cors) -m found }");
	ing_line(c, "http-after-response set-header "
	    "Access-Control-Allow-Origin %[var(txn.cors)]");
	ing_rule_if(r, "{ var(txn.cors) -m found }");
	if (!allows_all(&o->cors_origins)) {
		ing_line(c, "http-after-response add-header Vary Origin");
		ing_rule_if(r, "");
	}
	if (o->cors_credentials)
		set_header(r, "Access-Control-Allow-Credentials", "true");
	set_header(r, "Access-Control-Allow-Methods", o->cors_methods);
	set_header(r, "Access-Control-Allow-Headers", o->cors_headers);
	if (o->cors_expose != NULL)
		set_header(r, "Access-Control-Expose-Headers",
		    o->cors_expose);
	age[num_put(age, (uint64_t)o->cors_max_age_s)] = '\0';
	set_header(r, "Access-Control-Max-Age", age);
}
