/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sub_ask - the words of rules that send a request of our own, and what such a
 * request looks like.
 */
#include "sub_int.h"

#include <string.h>

#include <base/must.h>
#include <conf/conf.h>
#include <rule/rule.h>

#define DEFAULT_MS 60000

static struct sub_ask *waiting;         /* until all proxies are known */

/* ---- the configuration ---- */

static bool
take_header(struct conf_line *l, struct sub_ask *a, enum rule_set set)
{
	struct sub_hdr *h = arena_zget(l->conf->arena, sizeof *h), **at;

	if (!rule_want_header(l, &h->name) || !rule_want_fmt(l,
	    "a header value", LOGFMT_HEADER, set, &h->fmt))
		return (false);
	for (at = &a->set; *at != NULL; at = &(*at)->next)
		;
	*at = h;
	return (true);
}

static bool
take_method(struct conf_line *l, struct sub_ask *a)
{
	const struct conf_word *w = conf_peek(l);

	if (!conf_want(l, "a method", &a->method))
		return (false);
	a->meth = http_meth_id(a->method);
	return ((http_is_token(a->method) && a->meth != HTTP_CONNECT) ||
	    conf_err(l, w, "'%.*s' is no method for a request without a body",
	    SPAN_FMT(a->method)));
}

bool
sub_ask_begin(struct conf_line *l, struct sub_ask *a)
{
	a->ms = DEFAULT_MS;
	a->meth = HTTP_GET;
	a->method = SPAN("GET");
	a->action = rule_word(l)->text;
	a->pos = conf_pos(l, conf_peek(l));
	a->next = waiting;
	waiting = a;
	return (conf_want_name(l, "the name of a proxy", &a->proxy));
}

bool
sub_ask_option(struct conf_line *l, struct sub_ask *a, enum rule_set set,
    bool *found)
{
	*found = true;
	if (conf_accept(l, "method"))
		return (take_method(l, a));
	if (conf_accept(l, "path"))
		return (rule_want_fmt(l, "a path", LOGFMT_HEADER, set,
		    &a->path));
	if (conf_accept(l, "hdr"))
		return (take_header(l, a, set));
	if (conf_accept(l, "timeout"))
		return (conf_want_time(l, "a time", "ms", &a->ms));
	*found = false;
	return (true);
}

static bool
link_one(struct conf *c, struct sub_ask *a)
{
	struct px *px = px_find(px_model, a->proxy, PX_FE);

	if (px == NULL)
		return (conf_fail(c, DIAG_ALERT, a->pos, "'%.*s' : "
		    "there is no 'frontend' or 'listen' section '%.*s'",
		    SPAN_FMT(a->action), SPAN_FMT(a->proxy)));
	if (px->mode != PX_HTTP)
		return (conf_fail(c, DIAG_ALERT, a->pos, "'%.*s' : "
		    "%s '%s' is not in mode http", SPAN_FMT(a->action),
		    px->section, px->name));
	px->asked = true;
	a->listen = sub_listen_new(px);
	return (true);
}

/* Before proxies without a door are complained about. */
static bool
link_all(struct conf *c)
{
	bool good = true;

	for (struct sub_ask *a = waiting; a != NULL; a = a->next)
		good &= link_one(c, a);
	waiting = NULL;
	return (good);
}
CONF_CHECK(sub_asks, 8, link_all);

/* ---- the request ---- */

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
set_headers(struct writer *w, const struct sub_ask *a, struct txn *t)
{
	for (const struct sub_hdr *h = a->set; h != NULL; h = h->next) {
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

	return (t->req != NULL && http_uri_split((enum http_meth)t->req->meth, t->req->target,
	    &u) ? u.path_query : SPAN_NONE);
}

static bool
write_request(struct writer *w, const struct sub_ask *a, struct txn *t)
{
	struct span target = a->path != NULL ? rule_text(a->path, t) :
	    own_path(t);

	if (!is_target(target))
		return (false);
	if ((w->head = http_head_new()) == NULL || !buf_hold(&w->buf))
		return (false);
	w->head->request = true;
	w->head->major = w->head->minor = 1;
	w->head->meth = (uint8_t)a->meth;
	w->head->method = a->method;
	w->head->target = copy(w, target);
	if (t->req != NULL)
		copy_headers(w, t->req);
	set_headers(w, a, t);
	if (!http_has(w->head, HTTP_HOST))      /* RFC 9112 3.2 */
		w->full = w->full || !http_add(w->head, SPAN("host"),
		    a->proxy);
	return (!w->full);
}

struct sub *
sub_ask(const struct sub_ask *a, struct txn *t, const struct sub_ops *ops,
    void *arg)
{
	struct writer w = { 0 };
	struct sub *s;

	/* One of ours that asks in turn would never end. */
	if (!sub_is(t) && write_request(&w, a, t) && (s = sub_new(a->listen,
	    txn_addr(t, TXN_SRC), txn_addr(t, TXN_DST), ops, arg)) != NULL) {
		s->head = w.head;
		s->bytes = w.buf;
		s->again = a->meth == HTTP_GET || a->meth == HTTP_HEAD ||
		    a->meth == HTTP_OPTIONS;
		return (s);
	}
	if (w.head != NULL)
		http_head_free(w.head);
	buf_drop(&w.buf);
	return (NULL);
}
