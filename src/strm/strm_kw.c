/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_kw - the stream's own lines in a proxy: monitor-uri, monitor fail,
 * option forwardfor and originalto; and what these do to a request.
 */
#include "strm_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <rule/rule.h>
#include <expr/expr.h>
#include <strm/cfg.h>

PX_SLOT(PX_OBJ_PROXY, struct strm_cfg, strm_slot, NULL);

static bool
parse_monitor_uri(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct strm_cfg *c = px_edit(&px->slots, &strm_slot);

	return (conf_want(l, "a URI to answer with 200", &c->monitor_uri) &&
	    conf_end(l));
}

KEYWORD(monitor_uri) = {
	.name = "monitor-uri", .in = KW_DEFAULTS | KW_FRONTEND,
	.flags = KW_HTTP, .args = "<uri>", .parse = parse_monitor_uri,
	.doc = "Answers a request for exactly this target with 200, before any "
	    "rule, without logging it; or with 503 when a \"monitor fail\" "
	    "condition is true.",
	.example = "monitor-uri /haproxy_test",
};

static bool
parse_monitor(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct strm_cfg *c = px_edit(&px->slots, &strm_slot);
	struct strm_monitor *m, **at;

	if (!conf_accept(l, "fail"))
		return (conf_err(l, conf_peek(l), "'%s' expects 'fail' and a "
		    "condition beginning with 'if' or 'unless'",
		    l->kw->name));
	m = arena_zget(l->conf->arena, sizeof *m);
	if (!cond_parse(l, px, 1u << TXN_REQ, &m->cond))
		return (false);
	if (m->cond == NULL)
		return (conf_err(l, NULL, "'monitor fail' expects a condition "
		    "beginning with 'if' or 'unless'"));
	for (at = &c->monitor_fail; *at != NULL; at = &(*at)->next)
		;
	*at = m;
	rule_note_order(l, obj, RULE_MONITOR);
	return (conf_end(l));
}

KEYWORD(monitor) = {
	.name = "monitor", .in = KW_FRONTEND,
	.flags = KW_HTTP, .args = "fail { if | unless } <condition>",
	.parse = parse_monitor,
	.doc = "Makes monitor requests fail with 503 while the condition is "
	    "true.",
	.example = "monitor fail if { path /down }",
};

static bool
parse_except(struct conf_line *l, struct strm_addr_hdr *h)
{
	const struct conf_word *w = conf_peek(l);
	struct strm_except *e = arena_zget(l->conf->arena, sizeof *e);
	struct span net;

	if (!conf_want(l, "a network after 'except'", &net))
		return (false);
	if (!addr_net_parse(net, &e->net))
		return (conf_err(l, w, "'%.*s' is not a network; expected an "
		    "address with an optional mask, such as 10.0.0.0/8",
		    SPAN_FMT(net)));
	e->next = h->except;
	h->except = e;
	return (true);
}

static bool
parse_addr_hdr(struct conf_line *l, struct strm_addr_hdr *h, bool if_none)
{
	*h = (struct strm_addr_hdr){ .on = !l->no && !l->reset };
	if (!h->on)
		return (conf_end(l));
	while (conf_left(l) > 0) {
		if (conf_accept(l, "except")) {
			if (!parse_except(l, h))
				return (false);
		} else if (conf_accept(l, "header")) {
			if (!conf_want(l, "a header name after 'header'",
			    &h->name))
				return (false);
		} else if (if_none && conf_accept(l, "if-none")) {
			h->if_none = true;
		} else {
			return (conf_err(l, conf_peek(l), "'%s' only supports "
			    "%s", l->kw->name, if_none ? "'except', 'header' "
			    "and 'if-none'" : "'except' and 'header'"));
		}
	}
	return (true);
}

static bool
parse_forwardfor(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct strm_cfg *c = px_edit(&px->slots, &strm_slot);

	return (parse_addr_hdr(l, &c->forwardfor, true));
}

static bool
parse_originalto(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct strm_cfg *c = px_edit(&px->slots, &strm_slot);

	return (parse_addr_hdr(l, &c->originalto, false));
}

/* Those that opt.def does not have; also when they come from defaults. */
static bool
check_addr_hdrs(struct conf *conf)
{
	static const char text[] = "'option %s' ignored for %s '%s' as it "
	    "requires HTTP mode";

	if (conf->diags->n[DIAG_ALERT] > 0)
		return (true);
	PX_EACH(px, px_model) {
		const struct strm_cfg *c = px_get(&px->slots, &strm_slot);
		const char *what = px->kind == (PX_FE | PX_BE) ? "proxy" :
		    px->section;

		if (px->mode == PX_HTTP || px->may_switch || px->disabled)
			continue;
		if (c->forwardfor.on)
			conf_fail(conf, DIAG_WARNING, px->pos, text,
			    "forwardfor", what, px->name);
		if (c->originalto.on)
			conf_fail(conf, DIAG_WARNING, px->pos, text,
			    "originalto", what, px->name);
	}
	return (true);
}
CONF_CHECK(strm_addr_hdrs, 20, check_addr_hdrs);

KEYWORD(option_forwardfor) = {
	.name = "option forwardfor", .in = KW_PROXY,
	.flags = KW_HTTP | KW_NO,
	.args = "[except <network>] [header <name>] [if-none]",
	.parse = parse_forwardfor,
	.doc = "Adds the client's address to requests in X-Forwarded-For, or "
	    "the named header. With if-none only when there is none yet.",
	.example = "option forwardfor except 127.0.0.0/8",
};

KEYWORD(option_originalto) = {
	.name = "option originalto", .in = KW_PROXY,
	.flags = KW_HTTP,
	.args = "[except <network>] [header <name>]",
	.parse = parse_originalto,
	.doc = "Adds the address that the client connected to to requests in "
	    "X-Original-To, or the named header; unless it is in the network.",
	.example = "option originalto except 127.0.0.1",
};

static bool
parse_kept_queue(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct strm_cfg *c = px_edit(&px->slots, &strm_slot);
	int64_t n;

	if (!conf_want_int(l, "a number of places (-1: no limit)", -1,
	    INT32_MAX, &n))
		return (false);
	c->kept_queue = (uint32_t)(n + 1);
	return (conf_end(l));
}

KEYWORD(max_keep_alive_queue) = {
	.name = "max-keep-alive-queue", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_HTTP, .args = "<n>", .parse = parse_kept_queue,
	.doc = "With `option prefer-last-server`: another server is taken when "
	    "so many wait already for the one that the client has a connection "
	    "to. 0: as soon as it would have to wait; -1, the default: never.",
	.example = "max-keep-alive-queue 10",
};

/* ---- at run time ---- */

static bool
excepted(const struct strm_addr_hdr *h, const struct addr *a)
{
	for (const struct strm_except *e = h->except; e != NULL; e = e->next)
		if (addr_net_has(&e->net, a))
			return (true);
	return (false);
}

/* What the backend says comes before what the frontend does. */
static bool
add_addr(struct strm *s, const struct strm_addr_hdr *fe,
    const struct strm_addr_hdr *be, enum txn_addr which, struct span name)
{
	const struct addr *a;
	char text[ADDR_TEXT];
	struct span value;

	if (be->on && be->name.n != 0)
		name = be->name;
	else if (fe->on && fe->name.n != 0)
		name = fe->name;
	if ((fe->if_none || !fe->on) && (be->if_none || !be->on) &&
	    http_find(s->txn.req, http_name_id(name), name, NULL) != NULL)
		return (true);
	a = txn_addr(&s->txn, which);
	if ((a->family != ADDR_V4 && a->family != ADDR_V6) ||
	    excepted(fe, a) || excepted(be, a))
		return (true);
	value = arena_span(&s->arena, span_of(text, addr_print(a, text)));
	return (value.p != NULL && http_add(s->txn.req, name, value));
}

bool
strm_forwarded(struct strm *s)
{
	const struct strm_cfg *fe = px_get(&s->txn.fe->slots, &strm_slot);
	const struct strm_cfg *be = px_get(&s->txn.be->slots, &strm_slot);

	if ((fe->forwardfor.on || be->forwardfor.on) &&
	    !add_addr(s, &fe->forwardfor, &be->forwardfor, TXN_SRC,
	    SPAN("X-Forwarded-For")))
		return (false);
	if ((fe->originalto.on || be->originalto.on) &&
	    !add_addr(s, &fe->originalto, &be->originalto, TXN_DST,
	    SPAN("X-Original-To")))
		return (false);
	return (be->rfc7239 == NULL || strm_rfc7239(s, be->rfc7239));
}
