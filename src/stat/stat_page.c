/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_page - answers requests for the statistics page: who may see it, in
 * which form, and the walk over what it shows. A worker makes it by itself,
 * from counters and states in shared memory.
 */
#include "stat_page.h"

#include <stdio.h>
#include <string.h>

#include <base/b64.h>
#include <rule/rule.h>
#include <srv/state.h>

#define URI_DEFAULT   SPAN("/haproxy?stats")
#define REALM_DEFAULT SPAN("HAProxy Statistics")

static const struct stat_page_cfg *
cfg_of(const struct px *px)
{
	return (px_get(&px->slots, &stat_page_slot));
}

/* ---- who may see it ---- */

/* "Basic dXNlcjpwYXNz": one of the accounts? */
static bool
is_known(const struct stat_page_cfg *c, struct span field)
{
	char plain[512];
	size_t n = 0;
	struct span sent;

	if (field.n < 6 || !span_ieq(span_of(field.p, 6), SPAN("Basic ")))
		return (false);
	sent = span_trim(span_skip(field, 6));
	if (sent.n > sizeof plain || !b64_get(plain, &n, sent, B64_STD))
		return (false);
	for (const struct stat_word *a = c->accounts; a != NULL; a = a->next)
		if (span_eq(a->text, span_of(plain, n)))
			return (true);
	return (false);
}

static enum stat_access
access_of(const struct stat_page_cfg *c, struct txn *t, struct span *realm)
{
	*realm = c->realm.n != 0 ? c->realm : REALM_DEFAULT;
	for (const struct stat_access_rule *r = c->rules; r != NULL;
	    r = r->next) {
		if (!cond_true(r->cond, t))
			continue;
		if (r->realm.n != 0)
			*realm = r->realm;
		return (r->what);
	}
	if (c->accounts == NULL)
		return (STAT_ALLOW);
	return (is_known(c, http_get(t->req, HTTP_AUTHORIZATION)) ?
	    STAT_ALLOW : STAT_AUTH);
}

/* ---- replies ---- */

static struct http_reply *
new_reply(struct txn *t, unsigned status, struct span type)
{
	struct http_reply *r = arena_zget(t->arena, sizeof *r);
	struct http_reply_hdr *h = arena_zget(t->arena, 2 * sizeof *h);

	if (r == NULL || h == NULL)
		return (NULL);
	r->status = (uint16_t)status;
	r->content_type = type;
	r->hdrs = h;
	h->name = SPAN("Cache-Control");
	h->value = SPAN("no-cache");
	return (r);
}

static void
add_header(struct http_reply *r, struct span name, struct span value)
{
	r->hdrs[0].next = &r->hdrs[1];
	r->hdrs[1].name = name;
	r->hdrs[1].value = value;
}

static const struct http_reply *
ask_password(struct txn *t, struct span realm)
{
	struct http_reply *r = new_reply(t, 401, SPAN("text/html"));
	char text[512];
	int n = snprintf(text, sizeof text, "Basic realm=\"%.*s\"",
	    SPAN_FMT(realm));

	if (r == NULL || n >= (int)sizeof text)
		return (NULL);
	r->body = SPAN("<html><body><h1>401 Unauthorized</h1>\n"
	    "A user and a password are needed to see this page.\n"
	    "</body></html>\n");
	add_header(r, SPAN("WWW-Authenticate"),
	    arena_span(t->arena, span_of(text, (size_t)n)));
	return (r);
}

/* ---- what is shown ---- */

static bool
in_scope(const struct stat_page *p, const struct px *px)
{
	const struct stat_word *w = p->cfg->scope;

	for (; w != NULL; w = w->next)
		if (span_is(w->text, px->name) ||
		    (px == p->px && span_is(w->text, ".")))
			return (true);
	return (p->cfg->scope == NULL);
}

static void
show(struct stat_page *p)
{
	if (p->html) {
		stat_html_row(p);
	} else if (p->csv) {
		stat_csv_row(&p->out, &p->row);
	} else if (p->opt.form == STAT_TYPED) {
		stat_typed_row(&p->out, &p->row, p->opt.desc);
		text_addc(&p->out, '\n');
	} else {
		if (text_span(&p->out).n > 1)
			text_addc(&p->out, ',');
		stat_json_row(&p->out, &p->row, p->opt.desc);
	}
}

static bool
is_wanted(const struct stat_page *p, const struct srv *srv)
{
	if (p->opt.no_maint && (srv->shm->admin & SRV_MAINT) != 0)
		return (false);
	return (!p->opt.up || srv_is_up(srv));
}

static void
show_proxy(struct stat_page *p, const struct px *px)
{
	const struct be *be = be_of(px);

	if (p->html)
		stat_html_proxy(p, px);
	if (px->kind & PX_FE) {
		stat_fe(px, &p->row);
		show(p);
		for (const struct px_listen *l = px->listens;
		    l != NULL && px_opt(px, PX_OPT_SOCKET_STATS);
		    l = l->next) {
			stat_listen(l, &p->row);
			show(p);
		}
	}
	for (uint32_t i = 0; be != NULL && i < be->n; i++) {
		if (!is_wanted(p, &be->srv[i]))
			continue;
		stat_srv(&be->srv[i], &p->row);
		show(p);
	}
	if (be != NULL) {
		stat_be(be, &p->opt, &p->row);
		show(p);
	}
	if (p->html)
		stat_html_proxy_end(p);
}

static void
show_all(struct stat_page *p)
{
	if (p->html)
		stat_html_head(p);
	else if (p->csv)
		stat_csv_head(&p->out);
	else if (p->opt.form == STAT_JSON)
		text_addc(&p->out, '[');
	PX_EACH(px, px_model)
		if (!px->disabled && in_scope(p, px))
			show_proxy(p, px);
	if (p->html)
		stat_html_end(p);
	else if (p->opt.form == STAT_JSON)
		text_addz(&p->out, "]");
}

/* ";csv;norefresh" behind the URI. */
static void
read_options(struct stat_page *p, struct span rest)
{
	struct span word;

	while (span_cut(&rest, ';', &word)) {
		if (span_is(word, "csv"))
			p->csv = true;
		else if (span_is(word, "json"))
			p->opt.form = STAT_JSON;
		else if (span_is(word, "typed"))
			p->opt.form = STAT_TYPED;
		else if (span_is(word, "norefresh"))
			p->refresh = false;
		else if (span_is(word, "up"))
			p->opt.up = true;
		else if (span_is(word, "no-maint"))
			p->opt.no_maint = true;
	}
	p->html = !p->csv && p->opt.form == STAT_PLAIN;
}

static const struct http_reply *
make_page(struct txn *t, const struct px *px)
{
	struct stat_page *p = arena_zget(t->arena, sizeof *p);
	struct span base = t->req->target, rest;
	struct http_reply *r;
	char sec[24];
	int n;

	if (p == NULL)
		return (NULL);
	p->cfg = cfg_of(px);
	p->px = px;
	p->refresh = p->cfg->refresh_s != 0;
	rest = base;
	(void)span_cut(&rest, ';', &p->base);
	read_options(p, rest);
	r = new_reply(t, 200, p->html ? SPAN("text/html; charset=utf-8") :
	    p->opt.form == STAT_JSON && !p->csv ? SPAN("application/json") :
	    SPAN("text/plain"));
	if (r == NULL)
		return (NULL);
	if (p->refresh) {
		n = snprintf(sec, sizeof sec, "%lld",
		    (long long)p->cfg->refresh_s);
		add_header(r, SPAN("Refresh"), arena_span(t->arena,
		    span_of(sec, (size_t)n)));
	}
	text_init(&p->out);
	show_all(p);
	r->body = text_span(&p->out);   /* from malloc: now the reply's */
	r->owned = true;
	return (r);
}

static enum rule_verdict
run_page(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct stat_page_cfg *c = cfg_of(run->px);
	struct span uri = c->uri.n != 0 ? c->uri : URI_DEFAULT, realm;

	(void)priv;
	if (t->req == NULL || !span_begins(t->req->target, uri))
		return (RULE_NEXT);
	run->why = WHY_REPLIED;
	switch (access_of(c, t, &realm)) {
	case STAT_DENY:
		return (RULE_DENY);
	case STAT_AUTH:
		run->reply = ask_password(t, realm);
		break;
	case STAT_ALLOW:
		t->service = "<STATS>";
		if (t->meth != HTTP_GET && t->meth != HTTP_HEAD) {
			run->status = 405;
			return (RULE_DENY);
		}
		run->reply = make_page(t, run->px);
		break;
	}
	if (run->reply == NULL)
		run->status = 500;
	return (run->reply == NULL ? RULE_DENY : RULE_REPLY);
}

const struct rule_action stat_page_action = {
	.name = "stats", .sets = 1u << RULE_HTTP_REQ, .args = "",
	.run = run_page, .doc = "the statistics page",
};
