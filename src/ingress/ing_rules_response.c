/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_rules_response - what servers say of places and cookies, as clients know
 * them; headers that are added.
 */
#include "ing_render_int.h"

/* "^" and a text that means itself, with a group of the rest behind it. */
static void
add_literal(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr("\\^$.[]|()?*+{}", *s) != NULL)
			text_addc(t, '\\');
		text_addc(t, *s);
	}
}

/* "http-response replace-header NAME REGEX", up to what replaces it. */
static void
begin_replace(struct ing_cfg *c, const char *name, const char *before,
    const char *old, const char *behind)
{
	struct text t;

	ing_line(c, "http-response replace-header");
	ing_cfg_keys(c, name);
	text_init(&t);
	text_addz(&t, before);
	add_literal(&t, old);
	text_addz(&t, behind);
	ing_cfg_text(c, text_span(&t));
	text_fini(&t);
	ing_cfg_fmt_begin(c);
}

static void
replace_place(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;
	struct ing_cfg *c = r->cfg;

	if (o->redirect_from == NULL || o->redirect_to == NULL)
		return;
	begin_replace(c, "Location", "^", o->redirect_from, "(.*)$");
	ing_cfg_fmt_text(c, span_str(o->redirect_to));
	ing_fmt(c, "\\1");
	ing_cfg_fmt_end(c);
	ing_rule_if(r, "");
	begin_replace(c, "Refresh", "^(.*[uU][rR][lL]=)", o->redirect_from,
	    "(.*)$");
	ing_fmt(c, "\\1");
	ing_cfg_fmt_text(c, span_str(o->redirect_to));
	ing_fmt(c, "\\2");
	ing_cfg_fmt_end(c);
	ing_rule_if(r, "");
}

static void
replace_attribute(struct ing_rules *r, const struct ing_strs *pair,
    const char *before, const char *behind)
{
	struct ing_cfg *c = r->cfg;

	if (pair->n != 2)
		return;
	begin_replace(c, "Set-Cookie", before, pair->v[0], behind);
	ing_fmt(c, "\\1");
	ing_cfg_fmt_text(c, span_str(pair->v[1]));
	ing_fmt(c, "\\2");
	ing_cfg_fmt_end(c);
	ing_rule_if(r, "");
}

static void
add_headers(struct ing_rules *r)
{
	const struct ing_data *d = r->policy->opts->headers;
	struct ing_cfg *c = r->cfg;

	if (d == NULL)
		return;
	ING_EACH(struct ing_pair, h, d->data) {
		ing_line(c, "http-after-response set-header");
		ing_cfg_name(c, span_str(h->key));
		ing_cfg_fmt_begin(c);
		ing_cfg_fmt_text(c, h->value);
		ing_cfg_fmt_end(c);
		ing_rule_if(r, "");
	}
}

void
ing_rules_response(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;

	replace_place(r);
	replace_attribute(r, &o->cookie_paths,
	    "^([^;]*;(?:.*;)? *(?i:path)=)", "(.*)$");
	replace_attribute(r, &o->cookie_domains,
	    "^([^;]*;(?:.*;)? *(?i:domain)=)[.]?(?i:", ")( *;.*|)$");
	add_headers(r);
}
