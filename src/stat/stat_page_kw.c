/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_page_kw - the "stats" lines of proxies.
 */
#include "stat_page.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <rule/rule.h>

PX_SLOT(PX_OBJ_PROXY, struct stat_page_cfg, stat_page_slot, NULL);

static struct stat_page_cfg *
edit(void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct stat_page_cfg *c = px_edit(&px->slots, &stat_page_slot);

	c->on = true;
	return (c);
}

static void
add_word(struct conf_line *l, struct stat_word **at, struct span text)
{
	struct stat_word *w = arena_zget(l->conf->arena, sizeof *w);

	w->text = text;
	w->next = *at;                  /* may share those of defaults */
	*at = w;
}

static bool
parse_enable(struct conf_line *l, void *obj)
{
	edit(obj);
	return (conf_end(l));
}

static bool
parse_uri(struct conf_line *l, void *obj)
{
	return (conf_want(l, "the beginning of a URI", &edit(obj)->uri) &&
	    conf_end(l));
}

static bool
parse_realm(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct stat_page_cfg *c = edit(obj);

	if (!conf_want(l, "a realm; escape its blanks", &c->realm))
		return (false);
	if (!http_is_field_value(c->realm) || span_find(c->realm, '"') >= 0)
		return (conf_err(l, w, "a realm has neither quotes nor "
		    "control characters"));
	return (conf_end(l));
}

static bool
parse_auth(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct stat_page_cfg *c = edit(obj);
	struct span account;

	if (!conf_want(l, "<user>:<password>", &account))
		return (false);
	if (span_find(account, ':') <= 0)
		return (conf_err(l, w, "'stats auth' expects <user>:<password>"
		    ", found '%s'", account.p));
	add_word(l, &c->accounts, account);
	return (conf_end(l));
}

static bool
parse_scope(struct conf_line *l, void *obj)
{
	struct stat_page_cfg *c = edit(obj);
	struct span name;

	if (!conf_want(l, "the name of a proxy, or '.' for this one", &name))
		return (false);
	add_word(l, &c->scope, name);
	return (conf_end(l));
}

static bool
parse_refresh(struct conf_line *l, void *obj)
{
	struct stat_page_cfg *c = edit(obj);
	int64_t ms;

	if (!conf_want_time(l, "a delay", "s", &ms))
		return (false);
	c->refresh_s = (ms + 999) / 1000;
	return (conf_end(l));
}

static bool
parse_hide_version(struct conf_line *l, void *obj)
{
	edit(obj)->hide_version = true;
	return (conf_end(l));
}

static bool
parse_show_version(struct conf_line *l, void *obj)
{
	edit(obj)->hide_version = false;
	return (conf_end(l));
}

static bool
parse_legends(struct conf_line *l, void *obj)
{
	edit(obj)->legends = true;
	return (conf_end(l));
}

static bool
parse_modules(struct conf_line *l, void *obj)
{
	edit(obj)->modules = true;
	return (conf_end(l));
}

static bool
parse_node(struct conf_line *l, void *obj)
{
	struct stat_page_cfg *c = edit(obj);
	struct span name = SPAN_NONE;

	c->show_node = true;
	if (conf_left(l) > 0 && !conf_want(l, "a name", &name))
		return (false);
	c->node = name.p;
	return (conf_end(l));
}

static bool
parse_desc(struct conf_line *l, void *obj)
{
	struct stat_page_cfg *c = edit(obj);
	struct text t;

	c->show_desc = true;
	c->desc = NULL;
	if (conf_left(l) == 0)
		return (true);
	text_init(&t);
	for (struct span w; conf_left(l) > 0;) {
		(void)conf_want(l, "a description", &w);
		text_printf(&t, "%s%s", text_span(&t).n == 0 ? "" : " ", w.p);
	}
	c->desc = arena_span(l->conf->arena, text_span(&t)).p;
	text_fini(&t);
	return (true);
}

static bool
parse_access(struct conf_line *l, void *obj)
{
	struct stat_page_cfg *c = edit(obj);
	struct stat_access_rule *r = arena_zget(l->conf->arena, sizeof *r), **at;

	if (conf_accept(l, "allow"))
		r->what = STAT_ALLOW;
	else if (conf_accept(l, "deny"))
		r->what = STAT_DENY;
	else if (conf_accept(l, "auth"))
		r->what = STAT_AUTH;
	else
		return (conf_err(l, conf_peek(l), "'stats http-request' "
		    "expects 'allow', 'deny' or 'auth'"));
	if (r->what == STAT_AUTH && conf_accept(l, "realm") &&
	    !conf_want(l, "a realm", &r->realm))
		return (false);
	if (!cond_parse(l, obj, SMP_AT(REQ), &r->cond) || !conf_end(l))
		return (false);
	for (at = &c->rules; *at != NULL; at = &(*at)->next)
		;
	*at = r;
	return (true);
}

static bool
parse_admin(struct conf_line *l, void *obj)
{
	struct stat_page_cfg *c = edit(obj);
	struct stat_admin_rule *a = arena_zget(l->conf->arena, sizeof *a);

	if (!conf_next_is(l, "if") && !conf_next_is(l, "unless"))
		return (conf_err(l, conf_peek(l), "'stats admin' expects 'if' "
		    "or 'unless' and a condition: who sees the page could "
		    "stop servers"));
	if (!cond_parse(l, obj, SMP_AT(REQ), &a->cond) || !conf_end(l))
		return (false);
	a->next = c->admins;
	c->admins = a;
	return (true);
}

/* Pages answer behind the http-request rules of their proxy. */
static bool
add_pages(struct conf *conf)
{
	PX_EACH(px, px_model) {
		const struct stat_page_cfg *c = px_get(&px->slots,
		    &stat_page_slot);

		if (c->on && px->mode == PX_HTTP)
			rule_add_last(conf, px, RULE_HTTP_REQ,
			    &stat_page_action, NULL, NULL);
		else if (c->on && px->from == NULL)
			conf_fail(conf, DIAG_WARNING, px->pos, "the 'stats' "
			    "lines of '%s' are ignored: they need 'mode http'",
			    px->name);
	}
	return (true);
}

CONF_CHECK(stat_pages, 25, add_pages);

#define PAGE(ident, word, words, fn, text, ex)                               \
	KEYWORD(stats_##ident) = {                                           \
		.name = "stats " word, .in = KW_PROXY,                       \
		.args = words, .parse = fn, .doc = text, .example = ex,      \
	}
PAGE(enable, "enable", "", parse_enable,
    "Shows the statistics page in this proxy, as the other `stats` lines do. "
    "Its URI may be followed by `;csv`, `;json`, `;typed`, `;norefresh`, `;up` "
    "and `;no-maint`.", "stats enable");
PAGE(uri, "uri", "<prefix>", parse_uri,
    "What the URI of the page begins with (`/haproxy?stats`).",
    "stats uri /stats");
PAGE(realm, "realm", "<realm>", parse_realm,
    "The realm that browsers show when they ask for a password.",
    "stats realm Statistics");
PAGE(auth, "auth", "<user>:<password>", parse_auth,
    "Only these accounts see the page; may be repeated. Passwords cross the "
    "network in clear.", "stats auth admin:s3cr3t");
PAGE(scope, "scope", "<name>|.", parse_scope,
    "Shows only proxies that such lines name; `.` is this one.",
    "stats scope .");
PAGE(refresh, "refresh", "<time>", parse_refresh,
    "Has browsers load the page again each such time.", "stats refresh 10s");
PAGE(hide_version, "hide-version", "", parse_hide_version,
    "Does not tell the version.", "stats hide-version");
PAGE(show_version, "show-version", "", parse_show_version,
    "Tells the version, whatever `defaults` says.", "stats show-version");
PAGE(show_legends, "show-legends", "", parse_legends,
    "Shows more of each server: its address, identifier, cookie and the last "
    "check's answer.", "stats show-legends");
PAGE(show_modules, "show-modules", "", parse_modules,
    "Shows, behind each line of the page, every other figure there is about "
    "that object.", "stats show-modules");
PAGE(show_node, "show-node", "[<name>]", parse_node,
    "Shows a name, or that of this host or of `node`.", "stats show-node");
PAGE(show_desc, "show-desc", "[<text>...]", parse_desc,
    "Shows a description, or that of `global`.", "stats show-desc master");

KEYWORD(stats_admin) = {
	.name = "stats admin", .in = KW_FRONTEND | KW_BACKEND,
	.args = "{ if | unless } <condition>", .parse = parse_admin,
	.doc = "Who sees the page under this condition may change servers on it: "
	    "their state, their checks, what their health is taken for, and "
	    "end their sessions. Servers that 'stats scope' hides stay as they "
	    "are, and a form that another site sent is refused where the "
	    "browser says so.",
	.example = "stats admin if { src 127.0.0.1 }",
};

KEYWORD(stats_http_request) = {
	.name = "stats http-request", .in = KW_BACKEND,
	.args = "{ allow | deny | auth [realm <realm>] } "
	    "[{ if | unless } <condition>]",
	.parse = parse_access,
	.doc = "Who may see the page; the first line that applies counts.",
	.example = "stats http-request deny unless { src 127.0.0.0/8 }",
};
