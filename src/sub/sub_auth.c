/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sub_auth - auth-request: a service of its own is asked about a request, and
 * the rules behind decide by what it said.
 *
 * The stream waits, nothing else does. Until there is an answer it stays with
 * the worker that asked, and goes on in a new one only then; so nothing of
 * this is handed over but the variables.
 */
#include "sub_int.h"

#include <string.h>

#include <base/must.h>
#include <conf/conf.h>
#include <expr/vars.h>
#include <rule/rule.h>
#include <srv/srv.h>

#define DEFAULT_MS 60000

struct hdr_set {
	struct hdr_set *next;
	struct span name;
	struct logfmt *fmt;
};

struct hdr_save {
	struct hdr_save *next;
	struct span name;
	unsigned nth;                   /* from 1 */
	const struct expr_var *var;
};

struct auth_act {
	struct auth_act *next;          /* until all proxies are known */
	const struct expr_var *var;     /* of the status */
	struct span proxy;
	struct diag_pos pos;
	const struct px_listen *listen;
	enum http_meth meth;
	struct span method;
	struct logfmt *path;            /* NULL: as the request has it */
	struct hdr_set *set;
	struct hdr_save *save;
	int64_t ms;
};

static struct auth_act *waiting;

/* ---- the configuration ---- */

/* "x-user", or "set-cookie(2)": the second of them. */
static bool
take_save(struct conf_line *l, struct auth_act *a)
{
	struct hdr_save *h = arena_zget(l->conf->arena, sizeof *h), **at;
	const struct conf_word *w = conf_peek(l);
	struct span name, var, no = SPAN("1");
	ptrdiff_t open;
	const char *err;

	if (!conf_want(l, "a header name", &name))
		return (false);
	if ((open = span_find(name, '(')) > 0 && name.p[name.n - 1] == ')') {
		no = span_of(name.p + open + 1, name.n - (size_t)open - 2);
		name.n = (size_t)open;
	}
	if (!http_is_token(name) || no.n != 1 || *no.p < '1' || *no.p > '9')
		return (conf_err(l, w, "expected a header name, or "
		    "'<name>(<n>)' with a number from 1 to 9, found '%.*s'",
		    SPAN_FMT(w->text)));
	h->name = name;
	h->nth = (unsigned)(*no.p - '0');
	w = conf_peek(l);
	if (!conf_want(l, "a variable", &var))
		return (false);
	if ((h->var = expr_var_named(var, &err)) == NULL)
		return (conf_err(l, w, "'%.*s': %s", SPAN_FMT(var), err));
	for (at = &a->save; *at != NULL; at = &(*at)->next)
		;
	*at = h;
	return (true);
}

static bool
take_header(struct conf_line *l, struct auth_act *a)
{
	struct hdr_set *h = arena_zget(l->conf->arena, sizeof *h), **at;

	if (!rule_want_header(l, &h->name) || !rule_want_fmt(l,
	    "a header value", LOGFMT_HEADER, RULE_HTTP_REQ, &h->fmt))
		return (false);
	for (at = &a->set; *at != NULL; at = &(*at)->next)
		;
	*at = h;
	return (true);
}

static bool
take_method(struct conf_line *l, struct auth_act *a)
{
	const struct conf_word *w = conf_peek(l);

	if (!conf_want(l, "a method", &a->method))
		return (false);
	a->meth = http_meth_id(a->method);
	return ((http_is_token(a->method) && a->meth != HTTP_CONNECT) ||
	    conf_err(l, w, "'%.*s' is no method for a request without a body",
	    SPAN_FMT(a->method)));
}

static bool
take_var(struct conf_line *l, struct auth_act *a)
{
	const struct conf_word *w = rule_word(l);
	ptrdiff_t open = span_find(w->text, '(');
	const char *err = "expected 'auth-request(<variable>)'";

	if (open > 0 && w->text.p[w->text.n - 1] == ')')
		a->var = expr_var_named(span_of(w->text.p + open + 1,
		    w->text.n - (size_t)open - 2), &err);
	return (a->var != NULL || conf_err(l, w, "'%.*s': %s",
	    SPAN_FMT(w->text), err));
}

static bool
take_option(struct conf_line *l, struct auth_act *a)
{
	if (conf_accept(l, "method"))
		return (take_method(l, a));
	if (conf_accept(l, "path"))
		return (rule_want_fmt(l, "a path", LOGFMT_HEADER,
		    RULE_HTTP_REQ, &a->path));
	if (conf_accept(l, "hdr"))
		return (take_header(l, a));
	if (conf_accept(l, "save"))
		return (take_save(l, a));
	if (conf_accept(l, "timeout"))
		return (conf_want_time(l, "a time", "ms", &a->ms));
	return (conf_err(l, conf_peek(l), "expected 'method', 'path', 'hdr', "
	    "'save' or 'timeout'"));
}

static bool
parse_auth(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct auth_act *a = arena_zget(l->conf->arena, sizeof *a);
	const struct conf_word *w = conf_peek(l);

	(void)px;
	(void)set;
	*priv = a;
	a->ms = DEFAULT_MS;
	a->meth = HTTP_GET;
	a->method = SPAN("GET");
	a->pos = conf_pos(l, w);
	if (!take_var(l, a) ||
	    !conf_want_name(l, "the name of a proxy", &a->proxy))
		return (false);
	while (conf_left(l) > 0 && !conf_next_is(l, "if") &&
	    !conf_next_is(l, "unless"))
		if (!take_option(l, a))
			return (false);
	a->next = waiting;
	waiting = a;
	return (true);
}

static bool
link_one(struct conf *c, struct auth_act *a)
{
	struct px *px = px_find(px_model, a->proxy, PX_FE);

	if (px == NULL)
		return (conf_fail(c, DIAG_ALERT, a->pos, "'auth-request' : "
		    "there is no 'frontend' or 'listen' section '%.*s'",
		    SPAN_FMT(a->proxy)));
	if (px->mode != PX_HTTP)
		return (conf_fail(c, DIAG_ALERT, a->pos, "'auth-request' : "
		    "%s '%s' is not in mode http", px->section, px->name));
	px->asked = true;
	a->listen = sub_listen_new(px);
	return (true);
}

/* Before proxies without a door are complained about. */
static bool
link_all(struct conf *c)
{
	bool good = true;

	for (struct auth_act *a = waiting; a != NULL; a = a->next)
		good &= link_one(c, a);
	waiting = NULL;
	return (good);
}
CONF_CHECK(sub_auth, 8, link_all);

/* ---- the request ---- */

struct wait {                           /* in the arena of who asks */
	struct rule_wait wait;
	struct txn *txn;
	const struct auth_act *act;
	struct sub *sub;                /* NULL: it is over */
	uint16_t status;                /* 0: there was no answer */
	bool starting;
};

/* What a request writes down: bytes that its head points into. */
struct writer {
	struct http_head *head;
	struct buf buf;
	bool full;
};

static struct span
copy(struct writer *w, struct span s)
{
	struct span at = span_of(w->buf.data + w->buf.len, s.n);

	if (s.n > buf_room(&w->buf)) {
		w->full = true;
		return (SPAN_NONE);
	}
	memcpy(buf_tail(&w->buf), s.p, s.n);
	buf_wrote(&w->buf, s.n);
	return (at);
}

/* Its body does not go along, so nothing that is said of it does. */
static bool
is_about_body(unsigned id)
{
	return (id == HTTP_CONTENT_LENGTH || id == HTTP_TRANSFER_ENCODING ||
	    id == HTTP_EXPECT);
}

static void
copy_headers(struct writer *w, const struct http_head *from)
{
	for (unsigned i = 0; i < from->n && !w->full; i++) {
		const struct http_hdr *h = &from->hdr[i];
		struct span name, value;

		if (h->name == NULL || is_about_body(h->id))
			continue;
		name = copy(w, span_of(h->name, h->name_n));
		value = copy(w, span_of(h->value, h->value_n));
		w->full = w->full || !http_add_known(w->head,
		    (enum http_name)h->id, name, value);
	}
}

static void
set_headers(struct writer *w, const struct auth_act *a, struct txn *t)
{
	for (const struct hdr_set *h = a->set; h != NULL; h = h->next) {
		struct span v = rule_text(h->fmt, t);

		if (v.n == 0) {
			(void)http_del(w->head, HTTP_OTHER, h->name);
			continue;
		}
		v = copy(w, v);
		w->full = w->full || !http_set(w->head, h->name, v);
	}
}

/* A target is one word that begins like a path. */
static bool
is_target(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return (false);
	return (s.n > 0 && s.p[0] == '/');
}

static struct span
own_path(struct txn *t)
{
	struct http_uri u;

	return (http_uri_split((enum http_meth)t->req->meth, t->req->target,
	    &u) ? u.path_query : SPAN_NONE);
}

static bool
write_request(struct writer *w, const struct auth_act *a, struct txn *t)
{
	struct span target = a->path != NULL ? rule_text(a->path, t) :
	    own_path(t);

	if (t->req == NULL || !is_target(target))
		return (false);
	if ((w->head = http_head_new()) == NULL || !buf_hold(&w->buf))
		return (false);
	w->head->request = true;
	w->head->major = w->head->minor = 1;
	w->head->meth = (uint8_t)a->meth;
	w->head->method = a->method;
	w->head->target = copy(w, target);
	copy_headers(w, t->req);
	set_headers(w, a, t);
	return (!w->full);
}

/* ---- the answer ---- */

static struct span
nth_header(const struct http_head *head, const struct hdr_save *h)
{
	enum http_name id = http_name_id(h->name);
	struct http_hdr *at = NULL;

	for (unsigned i = 0; i < h->nth; i++)
		if ((at = http_find(head, id, h->name, at)) == NULL)
			return (SPAN_NONE);
	return (span_of(at->value, at->value_n));
}

static void
answered(void *arg, const struct http_head *head)
{
	struct wait *w = arg;

	w->status = head->status;
	for (const struct hdr_save *h = w->act->save; h != NULL;
	    h = h->next) {
		struct smp s = { .type = SMP_STR, .str = nth_header(head, h) };

		if (s.str.p != NULL)
			expr_var_set(h->var, w->txn, 0, &s);
	}
}

static void
over(void *arg)
{
	struct wait *w = arg;

	w->sub = NULL;
	if (!w->starting)
		w->txn->ops->wake(w->txn);
}

static const struct sub_ops auth_ops = { .answered = answered, .over = over };

static void
drop(struct rule_wait *rw)
{
	struct wait *w = HOLDER(rw, struct wait, wait);

	if (w->sub != NULL)
		sub_drop(w->sub);
	w->sub = NULL;
}

/* ---- the rule ---- */

/* What an earlier request of this stream left must not count for this one. */
static void
forget(const struct auth_act *a, struct txn *t)
{
	for (const struct hdr_save *h = a->save; h != NULL; h = h->next)
		expr_var_unset(h->var, t);
}

static enum rule_verdict
say(const struct auth_act *a, struct txn *t, unsigned status)
{
	struct smp s = { .type = SMP_INT, .num = status };

	expr_var_set(a->var, t, 0, &s);
	return (RULE_NEXT);
}

static struct wait *
ask(const struct auth_act *a, struct txn *t)
{
	struct writer w = { 0 };
	struct wait *wait = arena_zget(t->arena, sizeof *wait);

	if (wait == NULL || !write_request(&w, a, t) || (wait->sub = sub_new(
	    a->listen, txn_addr(t, TXN_SRC), txn_addr(t, TXN_DST), &auth_ops,
	    wait)) == NULL) {
		if (w.head != NULL)
			http_head_free(w.head);
		buf_drop(&w.buf);
		return (NULL);
	}
	wait->wait.drop = drop;
	wait->txn = t;
	wait->act = a;
	wait->starting = true;
	sub_start(wait->sub, w.head, &w.buf, a->meth == HTTP_GET ||
	    a->meth == HTTP_HEAD || a->meth == HTTP_OPTIONS);
	wait->starting = false;
	return (wait);
}

static enum rule_verdict
begin(const struct auth_act *a, struct txn *t, struct rule_run *run)
{
	struct wait *w;

	forget(a, t);
	/* One of ours that asks in turn would never end. */
	if (sub_is(t) || (w = ask(a, t)) == NULL)
		return (say(a, t, 0));
	if (w->sub == NULL)
		return (say(a, t, w->status));
	run->wait = &w->wait;
	run->paused = true;
	run->until_ms = the_loop->now_ms + a->ms;
	run->wait_ms = a->ms;
	return (RULE_WAIT);
}

static enum rule_verdict
run_auth(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct auth_act *a = priv;
	struct wait *w;

	if (!run->paused)
		return (begin(a, t, run));
	w = HOLDER(run->wait, struct wait, wait);
	if (w->sub != NULL && the_loop->now_ms < run->until_ms)
		return (RULE_WAIT);
	if (w->sub != NULL) {           /* it took too long */
		w->status = 0;
		forget(a, t);
	}
	drop(run->wait);
	run->wait = NULL;
	run->paused = false;
	return (say(a, t, w->status));
}

ACTION(auth_request) = {
	.name = "auth-request", .parens = true, .sets = 1u << RULE_HTTP_REQ,
	.args = "(<variable>) <proxy> [method <method>] [path <fmt>] "
	    "[hdr <name> <fmt>]... [save <header>[(<n>)] <variable>]... "
	    "[timeout <time>]",
	.parse = parse_auth, .run = run_auth,
	.doc = "Sends a request of our own, without a body, to a 'frontend' or "
	    "'listen' section, which needs no 'bind' line for that, and puts "
	    "the status of the answer into the variable, or 0 when there is "
	    "none: the rules behind this one decide what becomes of the request. "
	    "It is a GET with the headers of the request and its path, when "
	    "nothing else is said; <hdr> replaces a header, or removes it by an "
	    "empty value. <save> keeps a header of the answer, the first or the "
	    "n-th of that name, in a variable, which is unset when there is "
	    "none. After the timeout (60s) there is no answer. The request "
	    "waits, nothing else does. A word of this program, which HAProxy "
	    "lacks.",
	.example = "http-request auth-request(txn.auth) login path /check "
	    "save x-user txn.user",
};

static bool
fetch_sub(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->type = SMP_BOOL;
	s->num = sub_is(t);
	return (true);
}

FETCH(sub_request) = {
	.name = "sub_request", .args = "", .out = SMP_BOOL, .run = fetch_sub,
	.stages = SMP_ANYWHERE & ~SMP_AT(CHECK),
	.doc = "True for a request that an 'auth-request' rule sent. A word of "
	    "this program, which HAProxy lacks.",
	.example = "http-request set-log-level silent if { sub_request }",
};
