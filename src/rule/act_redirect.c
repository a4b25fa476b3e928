/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_redirect - sends the client to another address.
 *
 * Source: configuration manual 4.2, "redirect".
 */
#include "rule_int.h"

#include <base/must.h>

enum redirect_kind { TO_LOCATION, TO_PREFIX, TO_SCHEME };

struct redirect_cfg {
	uint8_t kind;                   /* enum redirect_kind */
	uint16_t code;
	bool drop_query, append_slash, ignore_empty, keep_query;
	struct logfmt *fmt;             /* or NULL: `text` */
	struct span text;
	struct span cookie;             /* whole header value, or empty */
};

static bool
want_code(struct conf_line *l, struct redirect_cfg *c)
{
	const struct conf_word *w = conf_peek(l);
	int64_t code;

	if (!conf_want_int(l, "a status code", 0, 999, &code))
		return (false);
	if (code != 301 && code != 302 && code != 303 && code != 307 &&
	    code != 308)
		return (conf_err(l, w, "redirects have code 301, 302, 303, 307 "
		    "or 308, found %lld", (long long)code));
	c->code = (uint16_t)code;
	return (true);
}

static bool
want_cookie(struct conf_line *l, struct redirect_cfg *c, bool clear)
{
	struct span s;

	if (!conf_want(l, "a cookie as 'name=value'", &s))
		return (false);
	if (!http_is_field_value(s))
		return (conf_err(l, &l->word[l->at - 1], "this cannot be sent "
		    "as a cookie"));
	c->cookie = span_str(arena_printf(l->conf->arena, clear ?
	    "%.*s; path=/; Max-Age=0;" : "%.*s; path=/;", SPAN_FMT(s)));
	return (true);
}

static bool
parse_option(struct conf_line *l, struct redirect_cfg *c)
{
	const struct conf_word *w = conf_peek(l);

	l->at++;
	if (span_is(w->text, "code"))
		return (want_code(l, c));
	if (span_is(w->text, "set-cookie"))
		return (want_cookie(l, c, false));
	if (span_is(w->text, "clear-cookie"))
		return (want_cookie(l, c, true));
	if (span_is(w->text, "drop-query"))
		c->drop_query = true;
	else if (span_is(w->text, "keep-query"))
		c->keep_query = true;
	else if (span_is(w->text, "append-slash"))
		c->append_slash = true;
	else if (span_is(w->text, "ignore-empty"))
		c->ignore_empty = true;
	else
		return (conf_err(l, w, "expected 'code', 'drop-query', "
		    "'append-slash', 'set-cookie', 'clear-cookie', "
		    "'ignore-empty', 'keep-query', 'if' or 'unless', found "
		    "'%.*s'",
		    SPAN_FMT(w->text)));
	return (true);
}

/* Options may come before the address, too. */
static bool
is_option(struct span word)
{
	static const char *const words[] = { "code", "set-cookie",
	    "clear-cookie", "drop-query", "keep-query", "append-slash",
	    "ignore-empty" };

	for (size_t i = 0; i < NELEM(words); i++)
		if (span_is(word, words[i]))
			return (true);
	return (false);
}

void *
rule_redirect_parse(struct conf_line *l, enum rule_set set, bool plain)
{
	static const char *const kinds[] = { "location", "prefix", "scheme" };
	struct redirect_cfg *c = arena_zget(l->conf->arena, sizeof *c);
	const struct conf_word *w = conf_peek(l);
	size_t k = 0;

	c->code = 302;
	while (w != NULL && is_option(w->text)) {
		if (!parse_option(l, c))
			return (NULL);
		w = conf_peek(l);
	}
	while (w != NULL && k < NELEM(kinds) && !span_is(w->text, kinds[k]))
		k++;
	if (w == NULL || k == NELEM(kinds)) {
		conf_err(l, w, "expected 'location', 'prefix' or 'scheme'");
		return (NULL);
	}
	if (set == RULE_HTTP_RES && k != TO_LOCATION) {
		conf_err(l, w, "responses are redirected by 'location' only");
		return (NULL);
	}
	l->at++;
	c->kind = (uint8_t)k;
	if (plain ? !conf_want(l, "an address", &c->text) :
	    !rule_want_fmt(l, "an address", LOGFMT_HEADER, set, &c->fmt))
		return (NULL);
	while (!rule_if(l))
		if (!parse_option(l, c))
			return (NULL);
	return (c);
}

static bool
parse_redirect(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	(void)px;
	*priv = rule_redirect_parse(l, set, false);
	return (*priv != NULL);
}

static struct span
join(struct arena *a, const struct span *part, size_t n)
{
	size_t len = 0;
	char *p, *at;

	for (size_t i = 0; i < n; i++)
		len += part[i].n;
	if ((p = at = arena_get(a, len + 1)) == NULL)
		return (SPAN_NONE);
	for (size_t i = 0; i < n; i++) {
		if (part[i].n != 0)
			memcpy(at, part[i].p, part[i].n);
		at += part[i].n;
	}
	return (span_of(p, len));
}

static struct span
location_of(const struct redirect_cfg *c, struct txn *t)
{
	struct span text = c->fmt != NULL ? rule_text(c->fmt, t) : c->text;
	struct span part[5] = { { NULL, 0 } };
	struct http_uri u = { 0 };
	size_t n = 0;

	if (text.p == NULL || (text.n == 0 &&
	    (c->kind == TO_LOCATION || c->ignore_empty)))
		return (text);
	if (t->req != NULL)
		http_uri_split(t->req->meth, t->req->target, &u);
	if (u.path.n == 0 || *u.path.p != '/')
		u.path = u.path_query = SPAN("/");
	if (c->kind == TO_LOCATION) {
		if (!c->keep_query || u.query.n == 0)
			return (text);
		part[n++] = text;
		part[n++] = span_find(text, '?') >= 0 ? SPAN("&") : SPAN("?");
		part[n++] = u.query;
		return (join(t->arena, part, n));
	}
	if (c->kind == TO_SCHEME) {
		part[n++] = text;
		part[n++] = SPAN("://");
		part[n++] = t->req != NULL ? http_host(t->req, false) :
		    SPAN("");
	} else if (!span_is(text, "/"))
		part[n++] = text;
	part[n] = c->drop_query ? u.path : u.path_query;
	if (c->append_slash && part[n].p[part[n].n - 1] != '/')
		part[++n] = SPAN("/");
	n++;
	return (join(t->arena, part, n));
}

static struct http_reply_hdr *
add_header(struct arena *a, struct http_reply_hdr **at, struct span name,
    struct span value)
{
	struct http_reply_hdr *h = arena_zget(a, sizeof *h);

	if (h != NULL) {
		h->name = name;
		h->value = value;
		*at = h;
	}
	return (h);
}

static enum rule_verdict
fail(struct rule_run *run, enum why why)
{
	run->status = 500;
	run->reply = rule_error_reply(run->px, 500);
	run->why = why;
	return (RULE_DENY);
}

static enum rule_verdict
run_redirect(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct redirect_cfg *c = priv;
	struct span where = location_of(c, t);
	struct http_reply *r;
	struct http_reply_hdr *h, **at;

	if (where.p != NULL && where.n == 0 && c->ignore_empty)
		return (RULE_NEXT);
	if (where.p == NULL || (r = arena_zget(t->arena, sizeof *r)) == NULL)
		return (fail(run, WHY_BUDGET));
	if (!http_is_field_value(where))
		return (fail(run, WHY_INTERNAL));
	r->status = c->code;
	at = &r->hdrs;
	if ((h = add_header(t->arena, at, SPAN("location"), where)) == NULL)
		return (fail(run, WHY_BUDGET));
	at = &h->next;
	if (c->code == 302 || c->code == 303 || c->code == 307) {
		h = add_header(t->arena, at, SPAN("cache-control"),
		    SPAN("no-cache"));
		if (h == NULL)
			return (fail(run, WHY_BUDGET));
		at = &h->next;
	}
	if (c->cookie.n != 0 && add_header(t->arena, at, SPAN("set-cookie"),
	    c->cookie) == NULL)
		return (fail(run, WHY_BUDGET));
	run->status = c->code;
	run->reply = r;
	run->why = WHY_REDIRECTED;
	return (RULE_REPLY);
}

ACTION(redirect) = {
	.name = "redirect",
	.sets = 1u << RULE_HTTP_REQ | 1u << RULE_HTTP_RES,
	.args = "{ location | prefix | scheme } <fmt> [code <code>] "
	    "[drop-query] [append-slash] [ignore-empty] "
	    "[set-cookie <name>[=<value>]] [clear-cookie <name>[=]]",
	.parse = parse_redirect, .run = run_redirect, .final = true,
	.doc = "Answers with another address: 'location' is all of it, "
	    "'prefix' goes before the path of the request, 'scheme' replaces "
	    "its scheme. Responses take 'location' only.",
	.example = "http-request redirect scheme https code 301 "
	    "if { dst_port 80 }",
};

const struct rule_action *const rule_redirect_action = &act_row_redirect;
