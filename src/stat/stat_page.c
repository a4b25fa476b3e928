/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_page - answers requests for the statistics page: who may see it, in
 * which form, and the walk over what it shows. A worker makes it by itself,
 * from counters and states in shared memory.
 */
#include "stat_page.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <base/b64.h>
#include <rule/rule.h>
#include <srv/state.h>

#define URI_DEFAULT   SPAN("/haproxy?stats")
#define REALM_DEFAULT SPAN("HAProxy Statistics")
#define REPLY_HDRS 3
#define SCOPE_MAX 20

/* Nothing is loaded, nothing runs but the one line that ticks all boxes, and no
 * other site can lay its own page over this one. */
#define POLICY SPAN("default-src 'none'; style-src 'unsafe-inline'; "        \
    "script-src 'unsafe-hashes' '" STAT_TICK_HASH "'; form-action 'self'; "  \
    "frame-ancestors 'none'; base-uri 'none'")

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
	struct http_reply_hdr *h = arena_zget(t->arena,
	    REPLY_HDRS * sizeof *h);

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
	struct http_reply_hdr *h = r->hdrs;

	while (h->next != NULL)
		h++;
	h->next = h + 1;
	h[1].name = name;
	h[1].value = value;
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

bool
stat_page_shows(const struct stat_page_cfg *c, const struct px *at,
    const struct px *px)
{
	for (const struct stat_word *w = c->scope; w != NULL; w = w->next)
		if (span_is(w->text, px->name) ||
		    (px == at && span_is(w->text, ".")))
			return (true);
	return (c->scope == NULL);
}

bool
stat_page_is_admin(const struct stat_page_cfg *c, struct txn *t)
{
	const struct stat_admin_rule *a = c->admins;

	while (a != NULL && !cond_true(a->cond, t))
		a = a->next;
	return (a != NULL);
}

static bool
in_scope(const struct stat_page *p, const struct px *px)
{
	return (!px->disabled && stat_page_shows(p->cfg, p->px, px) &&
	    (p->v.filter.n == 0 ||
	    span_search(span_str(px->name), p->v.filter) >= 0));
}

static void
show(struct stat_page *p, const struct px *px)
{
	if (p->v.html) {
		stat_html_row(p, px);
	} else if (p->v.csv) {
		stat_csv_row(&p->out, &p->row);
	} else if (p->v.opt.form == STAT_TYPED) {
		stat_typed_row(&p->out, &p->row, p->v.opt.desc);
		text_addc(&p->out, '\n');
	} else {
		if (text_span(&p->out).n > 1)
			text_addc(&p->out, ',');
		stat_json_row(&p->out, &p->row, p->v.opt.desc);
	}
}

static bool
is_wanted(const struct stat_page *p, const struct srv *srv)
{
	if (srv->gone || (p->v.opt.no_maint &&
	    (srv->shm->admin & SRV_MAINT) != 0))
		return (false);
	return (!p->v.opt.up || srv_is_up(srv));
}

static void
show_proxy(struct stat_page *p, const struct px *px)
{
	const struct be *be = be_of(px);

	if (p->v.html)
		stat_html_proxy(p, px);
	if (px->kind & PX_FE) {
		stat_fe(px, &p->row);
		show(p, px);
		for (const struct px_listen *l = px->listens;
		    l != NULL && px_opt(px, PX_OPT_SOCKET_STATS);
		    l = l->next) {
			stat_listen(l, &p->row);
			show(p, px);
		}
	}
	for (uint32_t i = 0; be != NULL && i < be->n; i++) {
		if (!is_wanted(p, be->srv[i]))
			continue;
		stat_srv(be->srv[i], &p->row);
		show(p, px);
	}
	if (be != NULL) {
		stat_be(be, &p->v.opt, &p->row);
		show(p, px);
	}
	if (p->v.html)
		stat_html_proxy_end(p, px);
}

static void
show_all(struct stat_page *p)
{
	if (p->v.html)
		stat_html_head(p);
	else if (p->v.csv)
		stat_csv_head(&p->out);
	else if (p->v.opt.form == STAT_JSON)
		text_addc(&p->out, '[');
	PX_EACH(px, px_model)
		if (in_scope(p, px))
			show_proxy(p, px);
	if (p->v.html)
		stat_html_end(p);
	else if (p->v.opt.form == STAT_JSON)
		text_addz(&p->out, "]");
}

/* What may stand behind the URI: ";csv;norefresh?scope=name". */
static void
read_option(struct stat_view *v, struct span word)
{
	if (span_is(word, "csv"))
		v->csv = true;
	else if (span_is(word, "json"))
		v->opt.form = STAT_JSON;
	else if (span_is(word, "json-schema"))
		v->schema = true;
	else if (span_is(word, "typed"))
		v->opt.form = STAT_TYPED;
	else if (span_is(word, "norefresh"))
		v->norefresh = true;
	else if (span_is(word, "up"))
		v->opt.up = true;
	else if (span_is(word, "no-maint"))
		v->opt.no_maint = true;
	else if (span_begins(word, SPAN("st=")))
		v->result = stat_result_of(span_skip(word, 3));
}

/* A part of a name, of bytes that names may have: it is shown again. */
static bool
is_name_part(struct span s)
{
	if (s.n > SCOPE_MAX)
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) &&
		    memchr("-_.:", s.p[i], 4) == NULL)
			return (false);
	return (true);
}

static struct stat_view
read_view(const struct stat_page_cfg *c, struct span uri, struct span target)
{
	struct stat_view v = { .result = -1, .base = uri };
	struct span rest = span_skip(target, uri.n), word;
	ptrdiff_t at = span_search(rest, SPAN("scope="));

	if (at > 0 && (rest.p[at - 1] == '?' || rest.p[at - 1] == '&')) {
		word = span_skip(rest, (size_t)at + 6);
		(void)span_cut(&word, ';', &v.filter);
		word = v.filter;
		(void)span_cut(&word, '&', &v.filter);
		if (!is_name_part(v.filter))
			v.filter = SPAN_NONE;
	}
	while (span_cut(&rest, ';', &word)) {
		struct span query = word;

		(void)span_cut(&query, '?', &word);
		read_option(&v, word);
	}
	v.norefresh = v.norefresh && c->refresh_s != 0;
	v.refresh = c->refresh_s != 0 && !v.norefresh;
	v.html = !v.csv && !v.schema && v.opt.form == STAT_PLAIN;
	return (v);
}

static struct span
type_of(const struct stat_view *v)
{
	return (v->html ? SPAN("text/html; charset=utf-8") :
	    v->schema || (v->opt.form == STAT_JSON && !v->csv) ?
	    SPAN("application/json") : SPAN("text/plain"));
}

static const struct http_reply *
make_page(struct txn *t, const struct px *px, const struct stat_view *v)
{
	struct stat_page *p = arena_zget(t->arena, sizeof *p);
	struct http_reply *r = new_reply(t, 200, type_of(v));
	char sec[24];
	int n;

	if (p == NULL || r == NULL)
		return (NULL);
	p->cfg = cfg_of(px);
	p->px = px;
	p->v = *v;
	if (v->refresh) {
		n = snprintf(sec, sizeof sec, "%lld",
		    (long long)p->cfg->refresh_s);
		add_header(r, SPAN("Refresh"), arena_span(t->arena,
		    span_of(sec, (size_t)n)));
	}
	if (v->html) {
		p->admin = stat_page_is_admin(p->cfg, t);
		add_header(r, SPAN("Content-Security-Policy"), POLICY);
	}
	text_init(&p->out);
	if (v->schema)
		stat_schema_put(&p->out);
	else
		show_all(p);
	r->body = text_span(&p->out);   /* from malloc: now the reply's */
	r->owned = true;
	return (r);
}

/* Of the methods only these are ours; others are requests like any. */
static bool
is_ours(const struct txn *t, struct span uri)
{
	return (t->req != NULL && (t->meth == HTTP_GET ||
	    t->meth == HTTP_HEAD || t->meth == HTTP_POST) &&
	    span_begins(http_path_query(t->req), uri));
}

static enum rule_verdict
run_page(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct stat_page_cfg *c = cfg_of(run->px);
	struct span uri = c->uri.n != 0 ? c->uri : URI_DEFAULT, realm;
	struct stat_view v;

	(void)priv;
	if (!is_ours(t, uri))
		return (RULE_NEXT);
	run->why = WHY_REPLIED;
	switch (access_of(c, t, &realm)) {
	case STAT_DENY:
		return (RULE_DENY);
	case STAT_AUTH:
		t->service = "<STATS>";
		run->reply = ask_password(t, realm);
		break;
	case STAT_ALLOW:
		t->service = "<STATS>";
		v = read_view(c, uri, http_path_query(t->req));
		if (t->meth == HTTP_POST)
			return (stat_admin_run(c, &v, t, run));
		run->reply = make_page(t, run->px, &v);
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
