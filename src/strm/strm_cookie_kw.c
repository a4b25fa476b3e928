/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_cookie_kw - the lines about persistence: cookie, dynamic-cookie-key,
 * force-persist, ignore-persist, use-server; cookie and redir of servers.
 */
#include "strm_cookie.h"

#include <string.h>

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <rule/rule.h>

PX_SLOT(PX_OBJ_PROXY, struct cookie_cfg, strm_cookie_slot, NULL);
PX_SLOT(PX_OBJ_SERVER, struct cookie_srv_cfg, strm_cookie_srv_slot, NULL);

static struct cookie_cfg *
edit(void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);

	return (px_edit(&px->slots, &strm_cookie_slot));
}

/* ---- cookie ---- */

static bool
add_attr(struct conf_line *l, struct cookie_attr **at, struct span text)
{
	struct cookie_attr *a = arena_zget(l->conf->arena, sizeof *a);

	a->text = text;
	for (; *at != NULL; at = &(*at)->next)
		;
	*at = a;
	return (true);
}

/* Nothing that would end the attribute, or the line. */
static bool
is_attr_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == ';' ||
		    s.p[i] == 0x7f)
			return (false);
	return (true);
}

static bool
parse_domain(struct conf_line *l, struct cookie_cfg *c)
{
	const struct conf_word *w = conf_peek(l);
	struct span name;

	if (!conf_want(l, "a domain", &name))
		return (false);
	for (size_t i = 0; i < name.n; i++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
		    "wxyz0123456789-._", name.p[i]) == NULL)
			return (conf_err(l, w, "character '%c' is not "
			    "permitted in domain name '%s'", name.p[i],
			    name.p));
	if (name.n < 2 || span_find(span_of(name.p + 1, name.n - 2), '.') < 0)
		conf_warn(l, w, "domain '%s' contains no dot inside: browsers "
		    "do not take such a cookie (RFC 6265 5.3)", name.p);
	return (add_attr(l, &c->domains, name));
}

static bool
parse_attr(struct conf_line *l, struct cookie_cfg *c)
{
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, "an attribute, such as SameSite=Lax", &text))
		return (false);
	if (!is_attr_text(text))
		return (conf_err(l, w, "an attribute of a cookie has neither "
		    "';' nor control characters"));
	return (add_attr(l, &c->attrs, text));
}

static bool
parse_age(struct conf_line *l, uint32_t *out_s)
{
	const struct conf_word *w = conf_peek(l);
	int64_t ms;

	if (!conf_want_time(l, "a duration", "s", &ms))
		return (false);
	if (ms == 0)
		return (conf_err(l, w, "'%s' expects a duration above 0",
		    l->word[l->at - 2].text.p));
	*out_s = (uint32_t)((ms + 999) / 1000);
	return (true);
}

static bool
set_mode(struct conf_line *l, struct cookie_cfg *c, enum cookie_mode mode)
{
	if (c->mode != COOKIE_WATCH && c->mode != mode)
		return (conf_err(l, &l->word[l->at - 1], "cookie 'rewrite', "
		    "'insert' and 'prefix' modes are incompatible"));
	c->mode = (uint8_t)mode;
	return (true);
}

static bool
parse_flag(struct conf_line *l, struct cookie_cfg *c)
{
	const struct { const char *word; bool *flag; } flags[] = {
		{ "indirect", &c->indirect }, { "nocache", &c->nocache },
		{ "postonly", &c->postonly }, { "preserve", &c->preserve },
		{ "dynamic", &c->dynamic }, { "httponly", &c->httponly },
		{ "secure", &c->secure },
	};

	for (size_t i = 0; i < NELEM(flags); i++)
		if (conf_accept(l, flags[i].word))
			return (*flags[i].flag = true);
	return (conf_err(l, conf_peek(l), "'cookie' supports 'rewrite', "
	    "'insert', 'prefix', 'indirect', 'nocache', 'postonly', "
	    "'preserve', 'httponly', 'secure', 'domain', 'maxidle', "
	    "'maxlife', 'dynamic' and 'attr', not '%s'",
	    conf_peek(l)->text.p));
}

static bool
parse_word(struct conf_line *l, struct cookie_cfg *c)
{
	if (conf_accept(l, "insert"))
		return (set_mode(l, c, COOKIE_INSERT));
	if (conf_accept(l, "rewrite"))
		return (set_mode(l, c, COOKIE_REWRITE));
	if (conf_accept(l, "prefix"))
		return (set_mode(l, c, COOKIE_PREFIX));
	if (conf_accept(l, "domain"))
		return (parse_domain(l, c));
	if (conf_accept(l, "attr"))
		return (parse_attr(l, c));
	if (conf_accept(l, "maxidle"))
		return (parse_age(l, &c->idle_s));
	if (conf_accept(l, "maxlife"))
		return (parse_age(l, &c->life_s));
	return (parse_flag(l, c));
}

static bool
parse_cookie(struct conf_line *l, void *obj)
{
	struct cookie_cfg *c = edit(obj), was = *c;
	const struct conf_word *w = conf_peek(l);

	*c = (struct cookie_cfg){ .key = was.key, .rules = was.rules,
	    .use = was.use };
	if (!conf_want(l, "the name of a cookie", &c->name))
		return (false);
	if (!http_is_token(c->name))
		return (conf_err(l, w, "'%s' cannot be the name of a cookie",
		    c->name.p));
	while (conf_left(l) > 0)
		if (!parse_word(l, c))
			return (false);
	if (c->mode == COOKIE_REWRITE && c->indirect)
		return (conf_err(l, NULL, "cookie 'rewrite' and 'indirect' "
		    "modes are incompatible"));
	if (c->preserve && c->mode != COOKIE_INSERT && !c->indirect)
		return (conf_err(l, NULL, "cookie 'preserve' requires at least "
		    "'insert' or 'indirect'"));
	return (true);
}

KEYWORD(cookie) = {
	.name = "cookie", .in = KW_DEFAULTS | KW_BACKEND, .flags = KW_HTTP,
	.args = "<name> [insert|rewrite|prefix] [indirect] [nocache] "
	    "[postonly] [preserve] [httponly] [secure] [domain <domain>]* "
	    "[maxidle <time>] [maxlife <time>] [dynamic] [attr <value>]*",
	.parse = parse_cookie,
	.doc = "Clients stay on the server that this cookie names, by the value "
	    "of the word `cookie` on its line. `insert`: it is set here, for "
	    "clients that have none that is valid; `rewrite`: the application "
	    "sets it and its value is replaced; `prefix`: the value is put before "
	    "the application's own, with a `~`; without these it is only read. "
	    "`indirect`: servers do not see it. `nocache`: responses that get one "
	    "are marked private. `postonly`: only in answers to POST. `preserve`: "
	    "one that the server sets goes through. `maxidle`, `maxlife`: a date "
	    "is sent along, and a cookie that was not used for so long, or is so "
	    "old, does not count. `dynamic`: servers without a value have one made "
	    "from their address and `dynamic-cookie-key`.",
	.example = "cookie SRV insert indirect nocache",
};

static bool
parse_key(struct conf_line *l, void *obj)
{
	struct cookie_cfg *c = edit(obj);

	return (conf_want(l, "a secret key", &c->key) && conf_end(l));
}

KEYWORD(dynamic_cookie_key) = {
	.name = "dynamic-cookie-key", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_HTTP, .args = "<key>", .parse = parse_key,
	.doc = "The key of dynamic cookies: equal keys and addresses give equal "
	    "cookies on all load balancers.",
	.example = "dynamic-cookie-key s3cr3t",
};

/* ---- rules ---- */

static bool
parse_rule(struct conf_line *l, void *obj)
{
	struct cookie_cfg *c = edit(obj);
	struct persist_rule *r = arena_zget(l->conf->arena, sizeof *r), **at;

	if (!conf_next_is(l, "if") && !conf_next_is(l, "unless"))
		return (conf_err(l, conf_peek(l), "'%s' requires either 'if' or "
		    "'unless' followed by a condition", l->kw->name));
	if (!cond_parse(l, obj, SMP_AT(SERVER), &r->cond))
		return (false);
	r->force = span_is(span_str(l->kw->name), "force-persist");
	for (at = &c->rules; *at != NULL; at = &(*at)->next)
		;
	*at = r;
	return (conf_end(l));
}

KEYWORD(force_persist) = {
	.name = "force-persist", .in = KW_BACKEND, .flags = KW_HTTP,
	.args = "{ if | unless } <condition>", .parse = parse_rule,
	.doc = "While the condition is true, a cookie leads to its server even "
	    "when that is down or in maintenance: to try a server before it is "
	    "opened.",
	.example = "force-persist if { src 192.0.2.0/24 }",
};
KEYWORD(ignore_persist) = {
	.name = "ignore-persist", .in = KW_BACKEND, .flags = KW_HTTP,
	.args = "{ if | unless } <condition>", .parse = parse_rule,
	.doc = "While the condition is true, cookies do not choose the server "
	    "and none is set.",
	.example = "ignore-persist if { path_beg /static/ }",
};

static bool
parse_use_server(struct conf_line *l, void *obj)
{
	struct cookie_cfg *c = edit(obj);
	struct use_server *u = arena_zget(l->conf->arena, sizeof *u), **at;
	const struct conf_word *w = conf_peek(l);
	struct span name;

	if (!conf_want(l, "the name of a server", &name))
		return (false);
	u->pos = conf_pos(l, w);
	u->name = logfmt_parse(l, w, name, LOGFMT_NAME, SMP_AT(SERVER));
	if (u->name == NULL)
		return (false);
	if (!conf_next_is(l, "if") && !conf_next_is(l, "unless"))
		return (conf_err(l, conf_peek(l), "'use-server' requires "
		    "either 'if' or 'unless' followed by a condition"));
	if (!cond_parse(l, obj, SMP_AT(SERVER), &u->cond))
		return (false);
	for (at = &c->use; *at != NULL; at = &(*at)->next)
		;
	*at = u;
	rule_note_order(l, obj, RULE_USE_SERVER);
	return (conf_end(l));
}

KEYWORD(use_server) = {
	.name = "use-server", .in = KW_BACKEND,
	.args = "<server> { if | unless } <condition>",
	.parse = parse_use_server,
	.doc = "Takes this server, whatever cookies and the algorithm say, while "
	    "it is up; the first line that applies counts. The name may be a "
	    "format.",
};

static bool
says_anything(const struct px *px, const struct cookie_cfg *c)
{
	if (c->name.n != 0 || c->use != NULL)
		return (true);
	if (!px_said(&strm_cookie_srv_slot))
		return (false);
	PX_EACH_SERVER(sv, px) {
		const struct cookie_srv_cfg *sc = px_get(&sv->slots,
		    &strm_cookie_srv_slot);

		if (sc->redir.n != 0)
			return (true);
	}
	return (false);
}

static bool
resolve(struct conf *conf)
{
	bool ok = true;
	struct px_server *sv;
	struct span name;

	PX_EACH(px, px_model) {
		const struct cookie_cfg *c = px_get(&px->slots,
		    &strm_cookie_slot);

		if ((px->kind & PX_BE) == 0)
			continue;
		if (says_anything(px, c))
			edit(px)->active = true;
		for (struct use_server *u = c->use; u != NULL; u = u->next) {
			if (!logfmt_constant(u->name, &name))
				continue;
			sv = px_server_find(px, name);
			u->srv = sv;
			if (sv != NULL)
				sv->referred = true;
			else
				ok = conf_fail(conf, DIAG_ALERT, u->pos,
				    "unable to find server '%.*s' in backend "
				    "'%s' referenced in a 'use-server' rule",
				    SPAN_FMT(name), px->name);
		}
	}
	return (ok);
}

CONF_CHECK(strm_use_server, 20, resolve);

/* ---- words of servers ---- */

static struct cookie_srv_cfg *
edit_server(void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);

	return (px_edit(&sv->slots, &strm_cookie_srv_slot));
}

static bool
parse_value(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct cookie_srv_cfg *c = edit_server(obj);

	if (!conf_want(l, "a value for the cookie", &c->value))
		return (false);
	return (is_attr_text(c->value) || conf_err(l, w, "the value of a "
	    "cookie has neither ';' nor control characters"));
}

KEYWORD(srv_cookie) = {
	.name = "cookie", .in = KW_SERVER, .args = "<value>",
	.parse = parse_value,
	.doc = "The value by which the backend's cookie names it.",
};

static bool
parse_redir(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct cookie_srv_cfg *c = edit_server(obj);

	if (!conf_want(l, "what to put before the path", &c->redir))
		return (false);
	return (http_is_field_value(c->redir) || conf_err(l, w, "'redir' "
	    "cannot be in a Location field"));
}

KEYWORD(srv_redir) = {
	.name = "redir", .in = KW_SERVER, .args = "<prefix>",
	.parse = parse_redir,
	.doc = "Answers GET and HEAD that come to this server with a redirection "
	    "(302) to the prefix and the path; clients load from there.",
};
