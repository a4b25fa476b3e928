/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_kw - the keywords that make rules, and the register of actions.
 *
 * Source: configuration manual 4.2.
 */
#include "rule_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>

PX_SLOT(PX_OBJ_PROXY, struct rule_cfg, rule_slot, NULL);

extern const struct rule_action *const __start_kw_action[]
    __attribute__((weak));
extern const struct rule_action *const __stop_kw_action[]
    __attribute__((weak));

static const struct {
	const char *keyword;
	unsigned stages;
} sets[RULE_N + 1] = {
	[RULE_TCP_CONN] = { "tcp-request connection", SMP_AT(CONN) },
	[RULE_TCP_SESS] = { "tcp-request session", SMP_AT(SESS) },
	[RULE_TCP_REQ] = { "tcp-request content", SMP_CONTENT },
	[RULE_TCP_RES] = { "tcp-response content", SMP_AT(RES_CONTENT) },
	[RULE_HTTP_REQ] = { "http-request", SMP_REQ_HEAD },
	[RULE_HTTP_RES] = { "http-response", SMP_AT(RES) },
	[RULE_HTTP_AFTER] = { "http-after-response", SMP_AT(RES) },
	/* at any time, whoever's line it is */
	[RULE_N] = { "http-error", SMP_REQ_HEAD | SMP_AT(RES) },
};

/* Whose rule is being read: a frontend's, a backend's, or, "listen", one that
 * runs as both. */
static unsigned side = ~0u;

static void
set_side(const struct px *px)
{
	side = ~0u;
	if ((px->kind & PX_DEFAULTS) != 0)
		return;
	if ((px->kind & PX_BE) == 0)
		side &= ~(SMP_AT(BE_CONTENT) | SMP_AT(BE_REQ));
	if ((px->kind & PX_FE) == 0)
		side &= ~(SMP_AT(CONTENT) | SMP_AT(REQ));
}

unsigned
rule_stages(enum rule_set set)
{
	return (sets[set].stages & (set == RULE_N ? ~0u : side));
}

/* ---- lists ---- */

static void
list_own(struct conf_line *l, struct rule_list *list)
{
	struct rule *v = list->v;

	list->cap = list->n + 4;
	list->v = arena_get(l->conf->arena, list->cap * sizeof *v);
	if (list->n != 0)
		memcpy(list->v, v, list->n * sizeof *v);
}

struct rule_cfg *
rule_cfg_edit(struct px *px)
{
	struct rule_cfg *c = px_edit(&px->slots, &rule_slot);

	if (c->owner == px)
		return (c);
	/* the rules of a defaults section come first; its room for more is
	 * its own, so here there is none */
	c->owner = px;
	for (int i = 0; i < RULE_N; i++)
		c->set[i].cap = c->set[i].n;
	c->redirects.cap = c->redirects.n;
	c->cap_own = false;
	c->use_last = NULL;
	c->seen = 0;
	return (c);
}

struct rule *
rule_append(struct conf_line *l, struct rule_list *list)
{
	if (list->n == list->cap) {
		unsigned n = list->n;

		list_own(l, list);
		if (n >= 8) {           /* double, to stay linear */
			list->cap = 2 * n;
			list->v = memcpy(arena_get(l->conf->arena,
			    list->cap * sizeof *list->v), list->v,
			    n * sizeof *list->v);
		}
	}
	memset(&list->v[list->n], 0, sizeof list->v[0]);
	return (&list->v[list->n++]);
}

/* ---- the order of lines ---- */

/* Request rules in the order in which they run, whatever the file says. */
enum step { STEP_CONN, STEP_SESS, STEP_CONTENT, STEP_MONITOR, STEP_HTTP,
	STEP_REDIRECT, STEP_USE, STEP_SERVER, STEP_N };

static unsigned
rules_at(const struct px *px, enum step step)
{
	const struct rule_cfg *c = px_get(&px->slots, &rule_slot);

	switch (step) {
	case STEP_CONN:
		return (c->set[RULE_TCP_CONN].n);
	case STEP_SESS:
		return (c->set[RULE_TCP_SESS].n);
	case STEP_CONTENT:
		return (c->set[RULE_TCP_REQ].n);
	case STEP_HTTP:
		return (c->set[RULE_HTTP_REQ].n);
	case STEP_REDIRECT:
		return (c->redirects.n);
	case STEP_USE:
		return (px->use_be != NULL);
	case STEP_MONITOR:
		return (c->seen >> RULE_MONITOR & 1);
	default:
		return (c->seen >> RULE_USE_SERVER & 1);
	}
}

static unsigned
inherited(const struct px *px, enum step step)
{
	return (px->from == NULL ? 0 : rules_at(px->from, step));
}

/* Warn about a rule below one that runs after it; those of the defaults do
 * not count. */
static void
warn_order(struct conf_line *l, const struct px *px, enum step step)
{
	static const char *const names[] = { "'tcp-request connection'",
		"'tcp-request session'", "'tcp-request content'",
		"'monitor fail'", "'http-request'", "'redirect'",
		"'use_backend'", "'use-server'" };

	if ((px->kind & PX_DEFAULTS) != 0)
		return;
	for (int after = (int)step + 1; after < STEP_N; after++) {
		if (rules_at(px, after) <= inherited(px, after))
			continue;
		conf_warn(l, NULL, "a %s rule placed after a%s %s rule will "
		    "still be processed before", names[step],
		    after == STEP_HTTP ? "n" : "", names[after]);
		return;
	}
}

void
rule_note_order(struct conf_line *l, struct px *px, enum rule_place place)
{
	if (place == RULE_MONITOR)
		warn_order(l, px, STEP_MONITOR);
	rule_cfg_edit(px)->seen |= 1u << place;
}

/* The rule before this one lets nothing through. */
static void
warn_unreached(struct conf_line *l, const struct px *px, enum rule_set set)
{
	const struct rule_cfg *c = px_get(&px->slots, &rule_slot), *from;
	unsigned n = c->set[set].n, before = 0;

	if (px->from != NULL) {
		from = px_get(&px->from->slots, &rule_slot);
		before = from->set[set].n;
	}
	if (n > before && c->set[set].v[n - 1].action->final &&
	    c->set[set].v[n - 1].cond == NULL)
		conf_warn(l, NULL, "previous '%s' action is final and has no "
		    "condition attached, further entries are NOOP",
		    sets[set].keyword);
}

static void
warn_set_order(struct conf_line *l, const struct px *px, enum rule_set set)
{
	switch (set) {
	case RULE_TCP_CONN:
		warn_order(l, px, STEP_CONN);
		break;
	case RULE_TCP_SESS:
		warn_order(l, px, STEP_SESS);
		break;
	case RULE_TCP_REQ:
		warn_order(l, px, STEP_CONTENT);
		break;
	case RULE_HTTP_REQ:
		warn_order(l, px, STEP_HTTP);
		break;
	default:
		break;
	}
}

/* ---- actions ---- */

static const struct rule_action *
action_find(struct span name, enum rule_set set)
{
	const struct rule_action *const *a = __start_kw_action;

	for (; a < __stop_kw_action; a++)
		if (((*a)->sets >> set & 1) != 0 &&
		    (span_is(name, (*a)->name) || ((*a)->prefix &&
		    span_begins(name, span_str((*a)->name)))))
			return (*a);
	return (NULL);
}

const struct conf_word *
rule_word(const struct conf_line *l)
{
	return (&l->word[l->at - 1]);
}

static bool
action_unknown(struct conf_line *l, const struct conf_word *w,
    struct span name, enum rule_set set)
{
	const char *list[256], *text = NULL, *status = NULL, *near, *full;
	size_t n = 0;

	full = arena_printf(l->conf->arena, "%s %.*s", sets[set].keyword,
	    SPAN_FMT(name));
	if (kw_compat != NULL) {
		status = kw_compat("act", span_str(full), &text);
		if (status == NULL)
			status = kw_compat("cfg", span_str(full), &text);
	}
	if (status != NULL) {
		conf_err(l, w, "'%s' is not supported%s", full,
		    strcmp(status, "refused") == 0 ? "" : " yet");
		if (text != NULL)
			conf_err_hint(l, "%s", text);
		return (false);
	}
	for (const struct rule_action *const *a = __start_kw_action;
	    a < __stop_kw_action && n < NELEM(list); a++)
		if (((*a)->sets >> set & 1) != 0)
			list[n++] = (*a)->name;
	conf_err(l, w, "'%s' knows no action '%.*s'", sets[set].keyword,
	    SPAN_FMT(name));
	if ((near = kw_nearest(name, list, n)) != NULL)
		conf_err_hint(l, "did you mean '%s'?", near);
	return (false);
}

/* The action's word: "set-header", or a name with arguments "capture(0)". */
static const struct rule_action *
take_action(struct conf_line *l, enum rule_set set)
{
	const struct conf_word *w = conf_peek(l);
	const struct rule_action *a;
	struct span name;
	ptrdiff_t open;

	if (w == NULL) {
		conf_err(l, NULL, "expected an action after '%s'",
		    sets[set].keyword);
		return (NULL);
	}
	name = w->text;
	if ((open = span_find(name, '(')) > 0)
		name.n = (size_t)open;
	if ((a = action_find(name, set)) == NULL) {
		action_unknown(l, w, name, set);
		return (NULL);
	}
	if (open > 0 && !a->parens) {
		conf_err(l, w, "action '%s' takes no argument in parentheses",
		    a->name);
		return (NULL);
	}
	l->at++;
	return (a);
}

/* The words of the action; messages name it, and show how it is written. */
static bool
parse_action(struct conf_line *l, struct px *px, enum rule_set set,
    const struct rule_action *a, void **priv)
{
	const struct kw *kw = l->kw;
	struct kw as = { .args = a->args };
	char name[80];
	bool ok;

	if (a->parse == NULL)
		return (true);
	snprintf(name, sizeof name, "%s %s", sets[set].keyword, a->name);
	as.name = name;
	l->kw = &as;
	ok = a->parse(l, px, set, priv);
	l->kw = kw;
	return (ok);
}

static bool
parse_rule(struct conf_line *l, struct px *px, enum rule_set set)
{
	struct rule r = { .pos = conf_pos(l, NULL) };
	struct cond *cond;
	void *priv = NULL;

	set_side(px);
	if (!px_takes_rules(l, px) || (r.action = take_action(l, set)) == NULL)
		return (false);
	if (!parse_action(l, px, set, r.action, &priv))
		return (false);
	if (!rule_if(l)) {
		conf_err(l, conf_peek(l), "'%s %s' expects 'if' or 'unless' "
		    "here, found '%.*s'", sets[set].keyword, r.action->name,
		    SPAN_FMT(conf_peek(l)->text));
		return (false);
	}
	if (!cond_parse(l, px, rule_stages(set), &cond) || !conf_end(l))
		return (false);
	r.cond = cond;
	r.priv = priv;
	warn_set_order(l, px, set);
	if (set >= RULE_HTTP_REQ)
		warn_unreached(l, px, set);
	*rule_append(l, &rule_cfg_edit(px)->set[set]) = r;
	return (true);
}

bool
rule_want_fmt(struct conf_line *l, const char *what, enum logfmt_use use,
    enum rule_set set, struct logfmt **out)
{
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, what, &text))
		return (false);
	*out = logfmt_parse(l, w, text, use, rule_stages(set));
	return (*out != NULL);
}

bool
rule_want_header(struct conf_line *l, struct span *name)
{
	const struct conf_word *w = conf_peek(l);

	if (!conf_want(l, "a header name", name))
		return (false);
	if (!http_is_token(*name) || name->n > UINT16_MAX)
		return (conf_err(l, w, "'%.*s' is not a header name",
		    SPAN_FMT(*name)));
	return (true);
}

/* ---- keywords ---- */

static bool
parse_http_request(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, RULE_HTTP_REQ));
}

static bool
parse_http_response(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, RULE_HTTP_RES));
}

static bool
parse_http_after(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, RULE_HTTP_AFTER));
}

static bool
parse_tcp_conn(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, RULE_TCP_CONN));
}

static bool
parse_tcp_sess(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, RULE_TCP_SESS));
}

static bool
parse_tcp_content(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, RULE_TCP_REQ));
}

bool rule_on_tcp_response;

static bool
parse_tcp_response(struct conf_line *l, void *obj)
{
	rule_on_tcp_response = true;
	return (parse_rule(l, obj, RULE_TCP_RES));
}

static bool
parse_inspect(struct conf_line *l, void *obj, bool response)
{
	int64_t ms;

	if (!px_takes_rules(l, obj) ||
	    !conf_want_time(l, "a delay", "ms", &ms) || !conf_end(l))
		return (false);
	rule_cfg_edit(obj)->inspect_ms[response] = ms;
	return (true);
}

static bool
parse_inspect_req(struct conf_line *l, void *obj)
{
	return (parse_inspect(l, obj, false));
}

static bool
parse_inspect_res(struct conf_line *l, void *obj)
{
	return (parse_inspect(l, obj, true));
}

static bool
parse_redirect(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct rule r = { .action = rule_redirect_action,
	    .pos = conf_pos(l, NULL), .unnoted = true };
	struct cond *cond;

	set_side(px);
	if (!px_takes_rules(l, px))
		return (false);
	if ((r.priv = rule_redirect_parse(l, RULE_HTTP_REQ, true)) == NULL ||
	    !cond_parse(l, px, rule_stages(RULE_HTTP_REQ), &cond) ||
	    !conf_end(l))
		return (false);
	r.cond = cond;
	warn_order(l, px, STEP_REDIRECT);
	*rule_append(l, &rule_cfg_edit(px)->redirects) = r;
	return (true);
}

static bool
parse_force(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct rule_force **at = &rule_cfg_edit(px)->force;

	while (*at != NULL)
		at = &(*at)->next;
	if (!rule_if(l) || conf_left(l) == 0)
		return (conf_err(l, conf_peek(l), "'force-be-switch' expects "
		    "'if' or 'unless' and a condition"));
	*at = arena_zget(l->conf->arena, sizeof **at);
	return (cond_parse(l, px, SMP_AT(CHOOSE), &(*at)->cond) &&
	    conf_end(l));
}

static bool
parse_use_backend(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	const struct conf_word *w = conf_peek(l);
	struct px_use_be *u;
	struct rule_cfg *c;
	struct span name;

	if (!conf_want(l, "a backend name", &name))
		return (false);
	if (!rule_if(l)) {
		conf_err(l, conf_peek(l), "'use_backend' expects 'if' or "
		    "'unless' before the condition, found '%.*s'",
		    SPAN_FMT(conf_peek(l)->text));
		return (false);
	}
	u = arena_zget(l->conf->arena, sizeof *u);
	u->pos = conf_pos(l, w);
	if (span_find(name, '%') >= 0) {
		u->fmt = logfmt_parse(l, w, name, LOGFMT_NAME,
		    SMP_AT(CHOOSE));
		if (u->fmt == NULL)
			return (false);
	} else
		u->name = name.p;
	if (!cond_parse(l, px, SMP_AT(CHOOSE), &u->cond) || !conf_end(l))
		return (false);
	c = rule_cfg_edit(px);
	if (c->use_last == NULL)
		px->use_be = u;
	else
		c->use_last->next = u;
	c->use_last = u;
	return (true);
}

/* ---- captures ---- */

/* What the defaults have is theirs: others add to a copy. */
static void
own_captures(struct conf_line *l, struct rule_cfg *c)
{
	struct rule_capture_cfg **at;

	if (c->cap_own)
		return;
	c->cap_own = true;
	for (int i = 0; i < 2; i++)
		for (at = &c->cap[i]; *at != NULL; at = &(*at)->next)
			*at = memcpy(arena_get(l->conf->arena, sizeof **at),
			    *at, sizeof **at);
}

struct rule_capture_cfg *
rule_capture_new(struct conf_line *l, struct px *px, bool response,
    unsigned *no)
{
	struct rule_capture_cfg *x = arena_zget(l->conf->arena, sizeof *x);
	struct rule_cfg *c = rule_cfg_edit(px);
	struct rule_capture_cfg **at;

	own_captures(l, c);
	for (at = &c->cap[response]; *at != NULL; at = &(*at)->next)
		;
	*at = x;
	*no = c->n_cap[response]++;
	return (x);
}

static bool
add_capture(struct conf_line *l, struct px *px, struct span name,
    bool response)
{
	struct rule_capture_cfg *x;
	unsigned no;
	int64_t len;

	if (!conf_accept(l, "len"))
		return (conf_err(l, conf_peek(l), "'%s' expects 'len "
		    "<length>' here", l->kw->name));
	if (!conf_want_int(l, "a length", 1, 65535, &len) || !conf_end(l))
		return (false);
	x = rule_capture_new(l, px, response, &no);
	x->name = name;
	x->id = http_name_id(name);
	x->len = (uint32_t)len;
	rule_cfg_edit(px)->cap_named[response] |= x->name.n != 0;
	return (true);
}

static bool
parse_capture_req(struct conf_line *l, void *obj)
{
	struct span name;

	return (rule_want_header(l, &name) &&
	    add_capture(l, obj, name, false));
}

static bool
parse_capture_res(struct conf_line *l, void *obj)
{
	struct span name;

	return (rule_want_header(l, &name) &&
	    add_capture(l, obj, name, true));
}

static int64_t cookie_most = 63;        /* tune.http.cookielen */

static bool
parse_capture_cookie(struct conf_line *l, void *obj)
{
	struct rule_cfg *c;
	struct span name;
	int64_t len;

	if (!conf_want(l, "the name of a cookie", &name))
		return (false);
	if (!conf_accept(l, "len"))
		return (conf_err(l, conf_peek(l), "'%s' expects 'len "
		    "<length>' here", l->kw->name));
	if (!conf_want_int(l, "a length", 1, 65535, &len) || !conf_end(l))
		return (false);
	c = rule_cfg_edit(obj);
	c->cookie = name;
	c->cookie_len = (uint32_t)(len < cookie_most ? len : cookie_most);
	return (true);
}

static bool
parse_cookielen(struct conf_line *l, void *obj)
{
	(void)obj;
	return (conf_want_int(l, "a length", 1, 65535, &cookie_most) &&
	    conf_end(l));
}

static bool
parse_declare_req(struct conf_line *l, void *obj)
{
	return (add_capture(l, obj, SPAN(""), false));
}

static bool
parse_declare_res(struct conf_line *l, void *obj)
{
	return (add_capture(l, obj, SPAN(""), true));
}

/* ---- the end of the configuration ---- */

/* Rules that only HTTP has, in a proxy that does not read it. */
static void
warn_mode(struct conf *conf, const struct px *px)
{
	static const enum rule_set http[] = { RULE_HTTP_REQ, RULE_HTTP_RES,
		RULE_HTTP_AFTER };
	const struct rule_cfg *c = px_get(&px->slots, &rule_slot), *from;
	const char *what = px->kind == (PX_FE | PX_BE) ? "proxy" :
	    px->section;

	if (px->mode == PX_HTTP || px->may_switch || px->disabled)
		return;
	for (size_t i = 0; i < NELEM(http); i++) {
		from = px->from == NULL ? NULL :
		    px_get(&px->from->slots, &rule_slot);
		if (c->set[http[i]].n > (from == NULL ? 0 :
		    from->set[http[i]].n))
			conf_fail(conf, DIAG_WARNING, px->pos, "'%s' rules "
			    "ignored for %s '%s' as they require HTTP mode",
			    sets[http[i]].keyword, what, px->name);
	}
	if (c->redirects.n > inherited(px, STEP_REDIRECT))
		conf_fail(conf, DIAG_WARNING, px->pos, "'redirect' rules "
		    "ignored for %s '%s' as they require HTTP mode", what,
		    px->name);
}

void
rule_add_last(struct conf *conf, struct px *px, enum rule_set set,
    const struct rule_action *action, const struct cond *cond,
    const void *priv)
{
	struct conf_line l = { .conf = conf };

	*rule_append(&l, &rule_cfg_edit(px)->set[set]) = (struct rule){
	    .action = action, .cond = cond, .priv = priv, .pos = px->pos };
}

/* Runs of rules whose conditions begin with the same test. */
static void
find_runs(const struct rule_list *list)
{
	for (unsigned i = list->n; i-- > 1; ) {
		struct rule *r = &list->v[i - 1];

		if (cond_same_first(r->cond, r[1].cond) &&
		    r[1].skips < UINT16_MAX)
			r->skips = (uint16_t)(r[1].skips + 1);
	}
}

/* From here on no rule is added: what streams ask is one bit. */
static void
note_sets(struct px *px)
{
	const struct rule_cfg *c = px_get(&px->slots, &rule_slot);

	px->rule_sets = 0;
	for (unsigned i = 0; i < RULE_N; i++) {
		if (c->set[i].n != 0)
			px->rule_sets |= 1u << i;
		find_runs(&c->set[i]);
	}
}

static bool
check_rules(struct conf *conf)
{
	bool ok = true;

	PX_EACH(px, px_model) {
		const struct rule_cfg *have = px_get(&px->slots, &rule_slot);
		struct conf_line l = { .conf = conf };
		struct rule_cfg *c;

		warn_mode(conf, px);
		if (have->redirects.n != 0) {
			c = rule_cfg_edit(px);
			for (unsigned i = 0; i < c->redirects.n; i++)
				*rule_append(&l, &c->set[RULE_HTTP_REQ]) =
				    c->redirects.v[i];
			c->redirects.n = 0;
		}
		if (px->use_be != NULL)
			ok &= rule_choose_build(conf, px);
		note_sets(px);
	}
	return (ok);
}
CONF_CHECK(rules, 30, check_rules);

/* ---- -dK ---- */

static void
dump_actions(struct text *out)
{
	for (int set = 0; set < RULE_N; set++)
		for (const struct rule_action *const *a = __start_kw_action;
		    a < __stop_kw_action; a++)
			if (((*a)->sets >> set & 1) != 0)
				text_printf(out, "\t%s %s\n",
				    sets[set].keyword, (*a)->name);
}
KW_DUMPER(act, "act", dump_actions);

#define SET(ident, word, fn, flags_, doc_, ex)                               \
KEYWORD(ident) = {                                                           \
	.name = word, .in = KW_PROXY, .flags = flags_, .parse = fn,          \
	.args = "<action> [<arguments>…] [ { if | unless } <condition> ]",   \
	.doc = doc_, .example = ex,                                          \
}
SET(http_request, "http-request", parse_http_request, KW_HTTP,
    "A rule for requests: the action is done when the condition is true. "
    "Rules run in order, those of the frontend before those of the backend.",
    "http-request deny if { path_beg /private/ }");
SET(http_response, "http-response", parse_http_response, KW_HTTP,
    "A rule for responses of servers, as http-request for requests.",
    "http-response del-header Server");
SET(http_after, "http-after-response", parse_http_after, KW_HTTP,
    "A rule for every response, also those that the proxy makes itself.",
    "http-after-response set-header X-Door main");
SET(tcp_content, "tcp-request content", parse_tcp_content, 0,
    "A rule for what a client sends first, before it is forwarded.",
    "tcp-request content reject if { src 192.0.2.0/24 }");
KEYWORD(tcp_response) = {
	.name = "tcp-response content", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_ONE_SIDE, .parse = parse_tcp_response,
	.args = "<action> [<arguments>…] [ { if | unless } <condition> ]",
	.doc = "A rule for what a server sends first.",
	.example = "tcp-response content reject if { res.len gt 65536 }",
};

KEYWORD(tcp_conn) = {
	.name = "tcp-request connection", .in = KW_DEFAULTS | KW_FRONTEND,
	.args = "<action> [ { if | unless } <condition> ]",
	.flags = KW_ONE_SIDE, .parse = parse_tcp_conn,
	.doc = "A rule for new connections, before anything was read.",
	.example = "tcp-request connection reject if { src 192.0.2.0/24 }",
};
KEYWORD(tcp_sess) = {
	.name = "tcp-request session", .in = KW_DEFAULTS | KW_FRONTEND,
	.args = "<action> [ { if | unless } <condition> ]",
	.flags = KW_ONE_SIDE, .parse = parse_tcp_sess,
	.doc = "A rule for new connections after their handshakes, when the "
	    "addresses of a PROXY header are known.",
	.example = "tcp-request session reject if { src 192.0.2.0/24 }",
};
KEYWORD(inspect_req) = {
	.name = "tcp-request inspect-delay", .in = KW_PROXY,
	.args = "<time>", .parse = parse_inspect_req,
	.doc = "How long tcp-request content rules may wait for more bytes.",
	.example = "tcp-request inspect-delay 5s",
};
KEYWORD(inspect_res) = {
	.name = "tcp-response inspect-delay", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_ONE_SIDE, .args = "<time>", .parse = parse_inspect_res,
	.doc = "How long tcp-response content rules may wait for more bytes.",
	.example = "tcp-response inspect-delay 5s",
};
KEYWORD(redirect) = {
	.name = "redirect", .in = KW_FRONTEND | KW_BACKEND,
	.flags = KW_HTTP, .args = "{ location | prefix | scheme } <text> "
	    "[code <code>] [<option>…] [ { if | unless } <condition> ]",
	.parse = parse_redirect,
	.doc = "Answers a request with another address, after the http-request "
	    "rules.",
	.example = "redirect prefix https://www.example.org code 301 "
	    "if { hdr(host) -i example.org }",
};
KEYWORD(force_be_switch) = {
	.name = "force-be-switch", .in = KW_FRONTEND,
	.args = "{ if | unless } <condition>", .parse = parse_force,
	.doc = "Lines that choose a backend may choose one that is not "
	    "published, so that somebody can try it.",
	.example = "force-be-switch if { src 192.0.2.0/24 }",
};
KEYWORD(use_backend) = {
	.name = "use_backend", .in = KW_FRONTEND,
	.args = "<backend> [ { if | unless } <condition> ]",
	.parse = parse_use_backend,
	.doc = "Chooses the backend of a request when the condition is true; "
	    "the first such line counts. The name may be a format, as in "
	    "%[req.hdr(host),lower].",
	.example = "use_backend static if { path_beg /static/ }",
};
#define CAPTURE(ident, word, args_, fn, doc_, ex)                            \
KEYWORD(ident) = {                                                           \
	.name = word, .in = KW_FRONTEND, .flags = KW_HTTP, .args = args_,    \
	.parse = fn, .doc = doc_, .example = ex,                             \
}
CAPTURE(capture_req, "capture request header", "<name> len <length>",
    parse_capture_req,
    "Keeps the last value of a request header for the log, cut at <length>.",
    "capture request header Host len 40");
CAPTURE(capture_res, "capture response header", "<name> len <length>",
    parse_capture_res,
    "Keeps the last value of a response header for the log, cut at <length>.",
    "capture response header Server len 20");
KEYWORD(cookielen) = {
	.name = "tune.http.cookielen", .in = KW_GLOBAL, .args = "<n>",
	.parse = parse_cookielen,
	.doc = "The longest length that `capture cookie` may have; more is cut "
	    "to it (63).",
	.example = "tune.http.cookielen 200",
};
CAPTURE(capture_cookie, "capture cookie", "<name> len <length>",
    parse_capture_cookie,
    "Keeps the first cookie whose name begins so, of the request and of the "
    "response, for the log; end the name by '=' to have all of it compared.",
    "capture cookie SID= len 40");
CAPTURE(declare_req, "declare capture request", "len <length>",
    parse_declare_req,
    "A place for 'http-request capture … id' to keep a value in.",
    "declare capture request len 40");
CAPTURE(declare_res, "declare capture response", "len <length>",
    parse_declare_res,
    "A place for 'http-response capture … id' to keep a value in.",
    "declare capture response len 40");

static bool
parse_at_once(struct conf_line *l, void *obj)
{
	int64_t n;

	(void)obj;
	if (!conf_want_int(l, "a number of rules", 0, UINT16_MAX, &n))
		return (false);
	rule_at_once = (uint32_t)n;
	return (conf_end(l));
}

KEYWORD(max_rules_at_once) = {
	.name = "tune.max-rules-at-once", .in = KW_GLOBAL, .args = "<n>",
	.parse = parse_at_once,
	.doc = "Rules of a list that a stream looks at before others have their "
	    "turn: of tcp-request content, http-request and http-response. 0, "
	    "the default here: all of them.",
	.example = "tune.max-rules-at-once 50",
};
