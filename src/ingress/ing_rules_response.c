/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_rules_response - what servers say of places and cookies, as clients know
 * them; headers that are added.
 */
#include "ing_place_int.h"
#include "ing_render_int.h"

#include <base/must.h>

/* Where a text is that is replaced: what is before it, behind it, and of which
 * variables what takes its place is made. */
struct spot {
	const char *header;
	const char *before, *behind;    /* expressions with one group each, or
	                                 * "" for the beginning of the header */
	const char *behind_regex;       /* the same, behind one of theirs */
	bool inside;                    /* of a part of the header */
	bool any_case;                  /* whatever is said */
	uint32_t first;                 /* number of the first variable; a text
	                                 * has less than 200 */
	bool again;                     /* they are kept for another spot */
};

/* Variables of what takes a place are those of the request: kept in time. */
static void
keep_variables(struct ing_rules *r, const struct ing_place *p, uint32_t no)
{
	struct ing_cfg *c = r->cfg;

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->v[i].sample == NULL)
			continue;
		ing_line(c, "http-request");
		ing_cfg_fmt_begin(c);
		ing_fmt(c, "set-var(txn.place_");
		ing_cfg_fmt_num(c, no++);
		ing_fmt(c, ")");
		ing_cfg_fmt_end(c);
		ing_cfg_text(c, span_str(p->v[i].sample));
		ing_rule_if(r, "");
	}
}

/* `groups` of ours are before those of the expression. */
static void
put_place(struct ing_cfg *c, const struct ing_place *p, uint32_t no,
    int groups)
{
	for (uint32_t i = 0; i < p->n; i++) {
		const struct ing_part *part = &p->v[i];

		if (part->sample != NULL) {
			ing_fmt(c, "%[var(txn.place_");
			ing_cfg_fmt_num(c, no++);
			ing_fmt(c, ")]");
		} else if (part->group > 0) {
			ing_fmt(c, "\\");
			ing_cfg_fmt_num(c, part->group + groups);
		} else {
			ing_cfg_fmt_text(c, part->text);
		}
	}
}

/* The whole header as an expression; returns the number of the group behind. */
static int
put_expression(struct ing_cfg *c, const struct spot *spot,
    const struct ing_old *old)
{
	int behind = spot->before[0] != '\0' ? 2 : 1;
	struct text t;

	text_init(&t);
	text_printf(&t, "^%s", spot->before);
	if (!old->regex) {
		text_addz(&t, spot->any_case ? "(?i:" : "(?:");
		ing_regex_quote(&t, old->text);
		text_printf(&t, ")%s$", spot->behind);
	} else {
		if (!old->anchored)
			text_addz(&t, spot->inside ? "[^;]*?" : ".*?");
		text_addz(&t, spot->any_case || old->any_case ? "(?i:" :
		    "(?:");
		if (spot->inside)
			behind += ing_old_inside(&t, old->text);
		else
			text_add(&t, old->text);
		text_printf(&t, ")%s$", spot->behind_regex);
	}
	ing_cfg_text(c, text_span(&t));
	text_fini(&t);
	return (behind);
}

/* A redirect of this proxy is absolute, unless it may be relative. */
static void
put_origin(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;

	ing_fmt(r->cfg, "%[ssl_fc,iif(https,http)]://"
	    "%[var(txn.place_host)]");
	if (o->redirect_port)
		ing_fmt(r->cfg, ":%[dst_port]");
}

static void
replace(struct ing_rules *r, const struct spot *spot, const char *was,
    struct span becomes, bool origin)
{
	struct ing_cfg *c = r->cfg;
	struct ing_place place;
	struct ing_old old;
	int behind;

	MUST(ing_old_read(span_str(was), &old) &&
	    ing_place_read(&r->r->plan->mem, becomes, &place));
	if (spot->any_case && !old.regex && old.text.p[0] == '.')
		old.text = span_skip(old.text, 1);
	if (!spot->again)
		keep_variables(r, &place, spot->first);
	ing_line(c, "http-response replace-header");
	ing_cfg_keys(c, spot->header);
	behind = put_expression(c, spot, &old);
	ing_cfg_fmt_begin(c);
	if (spot->before[0] != '\0')
		ing_fmt(c, "\\1");
	if (origin)
		put_origin(r);
	put_place(c, &place, spot->first, spot->before[0] != '\0');
	if (!old.regex || spot->inside) {
		ing_fmt(c, "\\");
		ing_cfg_fmt_num(c, behind);
	}
	ing_cfg_fmt_end(c);
	ing_rule_if(r, "");
}

static const struct spot of_location = {
	.header = "Location", .before = "", .behind = "(.*)",
	.behind_regex = ".*",
};
static const struct spot of_refresh = {
	.header = "Refresh", .before = "(.*?[uU][rR][lL]=)",
	.behind = "(.*)", .behind_regex = ".*", .again = true,
};
static const struct spot of_path = {
	.header = "Set-Cookie", .inside = true, .first = 200,
	.before = "([^;]*;(?:.*;)? *(?i:path)=)",
	.behind = "(.*)", .behind_regex = "[^;]*(|;.*)",
};
static const struct spot of_domain = {
	.header = "Set-Cookie", .inside = true, .first = 400,
	.before = "([^;]*;(?:.*;)? *(?i:domain)=[.]?)",
	.behind = "( *;.*|)", .behind_regex = "[^;]*(|;.*)",
	.any_case = true,
};
static const struct spot of_whole_domain = {
	.header = "Set-Cookie", .inside = true, .first = 400,
	.before = "([^;]*;(?:.*;)? *(?i:domain)=)",
	.behind = "", .behind_regex = "[^;]*(|;.*)",
	.any_case = true,
};

/* What is replaced of Location and Refresh, and of the attributes of a cookie;
 * nginx keeps the dot that a domain begins with, unless an expression has it. */
static void
replace_texts(struct ing_rules *r)
{
	const struct ing_opts *o = r->policy->opts;

	if (o->redirect_from != NULL && o->redirect_to != NULL) {
		struct span to = span_str(o->redirect_to);
		bool origin = to.p[0] == '/' && !o->relative;

		if (origin) {
			ing_line(r->cfg, "http-request "
			    "set-var(txn.place_host) req.hdr(host),host_only");
			ing_rule_if(r, "");
		}
		replace(r, &of_location, o->redirect_from, to, origin);
		replace(r, &of_refresh, o->redirect_from, to, false);
	}
	if (o->cookie_paths.n == 2)
		replace(r, &of_path, o->cookie_paths.v[0],
		    span_str(o->cookie_paths.v[1]), false);
	if (o->cookie_domains.n == 2) {
		struct span new = span_str(o->cookie_domains.v[1]);
		bool regex = o->cookie_domains.v[0][0] == '~';

		if (!regex && new.n > 1 && new.p[0] == '.')
			new = span_skip(new, 1);
		replace(r, regex ? &of_whole_domain : &of_domain,
		    o->cookie_domains.v[0], new, false);
	}
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
	replace_texts(r);
	add_headers(r);
}
