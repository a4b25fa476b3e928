/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_reply - actions that answer instead of a server: return, deny, tarpit;
 * and those that close.
 *
 * A reply that is the same for every request is built once, here.
 * Source: configuration manual 4.2, "http-request return".
 */
#include "rule_int.h"

#include <errno.h>
#include <stdlib.h>

#include <base/buf.h>
#include <base/must.h>
#include <os/fd.h>
#include <px/errors.h>

enum body_kind { BODY_NONE, BODY_DEFAULT, BODY_FIXED, BODY_TEXT, BODY_FMT };

struct header_fmt {
	struct header_fmt *next;
	struct span name;
	struct logfmt *value;
};

struct reply_cfg {
	uint8_t body;                   /* enum body_kind */
	bool tarpit, deny;
	uint16_t status;
	struct span content_type;
	struct span text;
	struct logfmt *fmt;
	struct header_fmt *hdrs;
	const struct http_reply *fixed; /* BODY_FIXED, or all is constant */
	/* "errorfiles": looked up when all sections were read */
	const char *section, *px_name;
	struct diag_pos pos;
	struct reply_cfg *next;
};

static struct reply_cfg *sections;

/* ---- parsing ---- */

struct parse {
	struct conf_line *l;
	struct px *px;
	enum rule_set set;
	struct reply_cfg *c;
	bool body_given, status_given, page_given;
	const struct conf_word *type_word;
	const struct conf_word *error_file;     /* read when the status is
	                                         * known */
};

static bool
load_file(struct parse *p, const struct conf_word *w, struct span *out)
{
	const char *path = conf_path(p->l, w->text);
	size_t n;
	char *data = fd_read_file(path, buf_size != 0 ? buf_size : 16384, &n);

	if (data == NULL && errno == EFBIG)
		return (conf_err(p->l, w, "'%s' is larger than a buffer "
		    "(tune.bufsize)", path));
	if (data == NULL)
		return (conf_err(p->l, w, "cannot read '%s': %s", path,
		    strerror(errno)));
	*out = arena_span(p->l->conf->arena, span_of(data, n));
	free(data);
	return (true);
}

static bool
want_status(struct parse *p)
{
	int64_t status;

	if (!conf_want_int(p->l, "a status code", 200, 599, &status))
		return (false);
	p->c->status = (uint16_t)status;
	return (true);
}

static bool
want_body(struct parse *p, const char *how)
{
	const struct conf_word *w = conf_peek(p->l);
	struct span text;
	bool file = strstr(how, "file") != NULL;
	bool format = strncmp(how, "lf-", 3) == 0;

	if (!conf_want(p->l, file ? "a file name" : "a text", &text))
		return (false);
	if (file && !load_file(p, w, &text))
		return (false);
	p->c->body = format ? BODY_FMT : BODY_TEXT;
	p->c->text = text;
	if (!format)
		return (true);
	p->c->fmt = logfmt_parse(p->l, w, text, LOGFMT_BODY,
	    rule_stages(p->set));
	return (p->c->fmt != NULL);
}

static bool
want_error_files(struct parse *p)
{
	const struct conf_word *w = conf_peek(p->l);
	struct span name;

	if (!conf_want(p->l, "the name of an http-errors section", &name))
		return (false);
	p->c->body = BODY_FIXED;
	p->c->section = name.p;
	p->c->px_name = p->px->name != NULL ? p->px->name : "";
	p->c->pos = conf_pos(p->l, w);
	p->c->next = sections;
	sections = p->c;
	return (true);
}

static bool
want_header(struct parse *p)
{
	struct header_fmt *h = arena_zget(p->l->conf->arena, sizeof *h), **at;

	if (!rule_want_header(p->l, &h->name) ||
	    !rule_want_fmt(p->l, "a header value", LOGFMT_HEADER, p->set,
	    &h->value))
		return (false);
	for (at = &p->c->hdrs; *at != NULL; at = &(*at)->next)
		;
	*at = h;
	return (true);
}

static bool
parse_word(struct parse *p)
{
	static const char *const bodies[] = { "file", "lf-file", "string",
	    "lf-string", "errorfile", "errorfiles", "default-errorfiles" };
	struct conf_line *l = p->l;
	const struct conf_word *w = conf_peek(l);
	struct span ignored;
	size_t i;

	l->at++;
	if (p->c->deny && span_is(w->text, "deny_status")) {
		p->page_given = true;
		return (want_status(p));
	}
	if (span_is(w->text, "status")) {
		p->status_given = true;
		return (want_status(p));
	}
	if (span_is(w->text, "content-type")) {
		p->type_word = w;
		return (conf_want(l, "a content type", &p->c->content_type));
	}
	if (span_is(w->text, "hdr"))
		return (want_header(p));
	for (i = 0; i < NELEM(bodies); i++)
		if (span_is(w->text, bodies[i]))
			break;
	if (i == NELEM(bodies))
		return (conf_err(l, w, "expected 'status', 'content-type', "
		    "'string', 'lf-string', 'file', 'lf-file', 'errorfile', "
		    "'errorfiles', 'default-errorfiles', 'hdr', 'if' or "
		    "'unless', found '%.*s'", SPAN_FMT(w->text)));
	if (p->body_given)
		return (conf_err(l, w, "'%.*s': only one body can be given",
		    SPAN_FMT(w->text)));
	p->body_given = true;
	if (i < 4)
		return (want_body(p, bodies[i]));
	if (i == 4) {
		p->c->body = BODY_FIXED;
		p->error_file = conf_peek(l);
		return (conf_want(l, "a file name", &ignored));
	}
	if (i == 5)
		return (want_error_files(p));
	p->c->body = BODY_DEFAULT;
	return (true);
}

static bool
load_error_file(struct parse *p)
{
	struct conf_line at = *p->l;

	at.at = (int)(p->error_file - p->l->word);
	p->c->fixed = px_error_load(&at, p->c->status);
	return (p->c->fixed != NULL);
}

static bool
check_sections(struct conf *conf)
{
	bool ok = true;

	for (struct reply_cfg *c = sections; c != NULL; c = c->next)
		if (!px_error_section(c->section, c->status, &c->fixed))
			ok = conf_fail(conf, DIAG_ALERT, c->pos,
			    "unknown http-errors section '%s'", c->section);
		else if (c->fixed == NULL) {    /* it has none for that */
			c->body = BODY_DEFAULT;
			conf_fail(conf, DIAG_WARNING, c->pos, "proxy '%s': "
			    "status '%u' referenced by an http reply not "
			    "declared in http-errors section '%s'",
			    c->px_name, c->status, c->section);
		}
	sections = NULL;
	return (ok);
}
CONF_CHECK(rule_errorfiles, 31, check_sections);

/* Words that have no meaning beside others. */
static void
warn_unused(struct parse *p, bool body)
{
	const struct reply_cfg *c = p->c;
	bool file = c->body == BODY_DEFAULT || c->body == BODY_FIXED;

	if (!body && c->content_type.n != 0)
		conf_warn(p->l, p->type_word, "content-type '%.*s' ignored by "
		    "the http reply %s", SPAN_FMT(c->content_type), file ?
		    "when used with an errorfile" : p->body_given ?
		    "when used with an empty payload" :
		    "because neither errorfile nor payload defined");
	if (file && c->hdrs != NULL)
		conf_warn(p->l, NULL, "hdr parameters ignored by the http "
		    "reply when used with an errorfile");
}

static bool
check_reply(struct parse *p, const struct conf_word *first)
{
	struct reply_cfg *c = p->c;
	bool body = (c->body == BODY_TEXT || c->body == BODY_FMT) &&
	    c->text.n != 0;

	if (body && c->content_type.n == 0)
		return (conf_err(p->l, first, "a body needs 'content-type'"));
	if (body && c->status == 204)
		return (conf_err(p->l, first, "no body is expected for status "
		    "204"));
	warn_unused(p, body);
	if (!body)
		c->content_type = SPAN_NONE;
	if ((c->body == BODY_DEFAULT || c->body == BODY_FIXED) &&
	    !px_error_has(c->status))
		return (conf_err(p->l, first, "there are no error files for "
		    "status %u", c->status));
	if (!http_is_field_value(c->content_type))
		return (conf_err(p->l, p->type_word, "this content type cannot "
		    "be sent"));
	return (p->error_file == NULL || load_error_file(p));
}

/* The reply that never changes, when nothing in it does. */
static const struct http_reply *
prebuild(struct arena *a, const struct reply_cfg *c)
{
	struct http_reply *r;
	struct http_reply_hdr **at;
	struct span body = c->text, value;

	if (c->body == BODY_FMT && !logfmt_constant(c->fmt, &body))
		return (NULL);
	for (const struct header_fmt *h = c->hdrs; h != NULL; h = h->next)
		if (!logfmt_constant(h->value, &value))
			return (NULL);
	r = arena_zget(a, sizeof *r);
	r->status = c->status;
	r->content_type = c->content_type;
	r->body = body;
	at = &r->hdrs;
	for (const struct header_fmt *h = c->hdrs; h != NULL; h = h->next) {
		logfmt_constant(h->value, &value);
		if (value.n == 0)
			continue;
		*at = arena_zget(a, sizeof **at);
		(*at)->name = h->name;
		(*at)->value = value;
		at = &(*at)->next;
	}
	return (r);
}

static bool
parse_reply(struct conf_line *l, struct px *px, enum rule_set set,
    unsigned status, bool deny, bool tarpit, void **priv)
{
	struct reply_cfg *c = arena_zget(l->conf->arena, sizeof *c);
	struct parse p = { .l = l, .px = px, .set = set, .c = c };
	const struct conf_word *first = &l->word[l->at - 1];

	c->status = (uint16_t)status;
	c->deny = deny;
	c->tarpit = tarpit;
	while (!rule_if(l))
		if (!parse_word(&p))
			return (false);
	/* the older words say the page, too; 'status' alone is an answer
	 * without one, as for 'return' */
	if (deny && !p.body_given && !p.status_given && c->hdrs == NULL &&
	    p.type_word == NULL && (p.page_given || px_error_has(c->status)))
		c->body = BODY_DEFAULT;
	if (!check_reply(&p, first))
		return (false);
	if (c->body == BODY_TEXT || c->body == BODY_FMT ||
	    c->body == BODY_NONE)
		c->fixed = prebuild(l->conf->arena, c);
	*priv = c;
	return (true);
}

/* An answer that depends on the request: made when it is needed. */
static const struct http_reply *
lively(struct arena *a, const struct reply_cfg *c)
{
	struct http_reply *r = arena_zget(a, sizeof *r);

	r->status = c->status;
	r->recipe = c;
	return (r);
}

/* "http-error status CODE …": the same, as a proxy's answer for an error. It
 * may come at any time, so formats may name what requests and responses
 * have. */
static bool
parse_http_error(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	const struct conf_word *first = conf_peek(l);
	struct reply_cfg *c;
	void *priv;

	if (!conf_next_is(l, "status"))
		return (conf_err(l, first, "expected 'status <code>'"));
	if (!parse_reply(l, px, RULE_N, 200, false, false, &priv) ||
	    !conf_end(l))
		return (false);
	c = priv;
	if (!px_error_has(c->status))
		return (conf_err(l, first, "status code '%u' not handled",
		    c->status));
	if (c->section != NULL) {
		sections = c->next;     /* looked up with the proxy's others */
		px_error_take(px, c->status, c->section, c->pos);
		return (true);
	}
	if (c->body == BODY_DEFAULT)    /* the built-in one again */
		c->fixed = http_reply_default(c->status);
	if (c->body == BODY_DEFAULT && c->fixed == NULL)
		return (conf_err(l, first, "there is no built-in answer for "
		    "status %u", c->status));
	px_error_set(px, c->status, c->fixed != NULL ? c->fixed :
	    lively(l->conf->arena, c));
	return (true);
}

static bool
parse_return(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	return (parse_reply(l, px, set, 200, false, false, priv));
}

static bool
parse_deny(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	return (parse_reply(l, px, set, set == RULE_HTTP_REQ ? 403 : 502, true,
	    false, priv));
}

static bool
parse_tarpit(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	return (parse_reply(l, px, set, 500, true, true, priv));
}

/* ---- running ---- */

static const struct http_reply *
build(const struct reply_cfg *c, struct txn *t)
{
	struct http_reply *r = arena_zget(t->arena, sizeof *r);
	struct http_reply_hdr **at;

	if (r == NULL)
		return (NULL);
	r->status = c->status;
	r->content_type = c->content_type;
	r->body = c->body == BODY_FMT ? rule_text(c->fmt, t) : c->text;
	at = &r->hdrs;
	for (const struct header_fmt *h = c->hdrs; h != NULL; h = h->next) {
		struct http_reply_hdr *x = arena_zget(t->arena, sizeof *x);

		if (x == NULL)
			return (NULL);
		x->name = h->name;
		x->value = rule_text(h->value, t);
		if (x->value.n == 0 || !http_is_field_value(x->value))
			continue;       /* nothing, or it breaks the message */
		*at = x;
		at = &x->next;
	}
	return (r);
}

static enum rule_verdict
run_reply(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct reply_cfg *c = priv;
	bool response = t->res != NULL;

	run->status = c->status;
	run->reply = c->fixed != NULL ? c->fixed :
	    c->body == BODY_DEFAULT ? rule_reply_made(
	    rule_error_reply(run->px, c->status), t) : build(c, t);
	if (run->reply == NULL) {
		run->reply = rule_error_reply(run->px, 500);
		run->status = 500;
		run->why = WHY_BUDGET;
		return (RULE_DENY);
	}
	if (!c->deny) {
		run->why = WHY_REPLIED;
		return (RULE_REPLY);
	}
	run->why = c->tarpit ? WHY_REQ_TARPIT : response ? WHY_RES_DENIED :
	    WHY_REQ_DENIED;
	return (c->tarpit ? RULE_TARPIT : RULE_DENY);
}

const struct http_reply *
rule_reply_make(const struct http_reply *r, struct txn *t)
{
	const struct http_reply *made = build(r->recipe, t);

	return (made != NULL ? made : http_reply_default(500));
}

const struct http_reply *
rule_error_reply(const struct px *px, unsigned status)
{
	const struct http_reply *r = px_error_reply(px, status);

	if (r == NULL)
		r = http_reply_default(status);
	return (r != NULL ? r : http_reply_default(500));
}

static enum rule_verdict
run_accept(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)priv;
	(void)t;
	(void)run;
	return (RULE_STOP);
}

static enum rule_verdict
run_reject(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)priv;
	run->why = t->res != NULL || t->stage == TXN_RES_CONTENT ?
	    WHY_RES_DENIED : WHY_REQ_DENIED;
	return (RULE_CLOSE);
}

static bool
parse_drop(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	uint8_t *ttl = arena_zget(l->conf->arena, 1);
	int64_t n = 0;

	(void)px;
	(void)set;
	*priv = ttl;
	if (conf_accept(l, "rst-ttl") &&
	    !conf_want_int(l, "a number of hops", 1, 255, &n))
		return (false);
	*ttl = (uint8_t)n;
	return (true);
}

static enum rule_verdict
run_drop(const void *priv, struct txn *t, struct rule_run *run)
{
	run_reject(priv, t, run);
	run->ttl = *(const uint8_t *)priv;
	return (RULE_DROP);
}

static enum rule_verdict
run_close(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)priv;
	(void)t;
	run->close_server = true;
	return (RULE_STOP);
}

/* ---- rows ---- */

#define IN(set) (1u << RULE_##set)
#define HTTP_SETS (IN(HTTP_REQ) | IN(HTTP_RES))
#define ALL_TCP (IN(TCP_CONN) | IN(TCP_SESS) | IN(TCP_REQ) | IN(TCP_RES))
#define REPLY_ARGS "[status <code>] [content-type <type>] "                  \
	"[ { default-errorfiles | errorfile <file> | errorfiles <name> | "   \
	"file <file> | lf-file <file> | string <text> | lf-string <fmt> } ] "\
	"[ hdr <name> <fmt> ]*"

KEYWORD(http_error) = {
	.name = "http-error", .in = KW_PROXY, .flags = KW_HTTP,
	.args = "status <code> " REPLY_ARGS, .parse = parse_http_error,
	.doc = "What is answered for an error status, as 'http-request return' "
	    "would. Formats are evaluated when the error happens, with what is "
	    "known of the request and the response by then.",
	.example = "http-error status 503 content-type text/plain "
	    "string \"closed\"",
};
ACTION(return) = {
	.name = "return", .sets = HTTP_SETS, .args = REPLY_ARGS,
	.parse = parse_return, .run = run_reply, .final = true,
	.doc = "Answers at once, by status 200 when nothing else is said, with "
	    "the body and headers given.",
	.example = "http-request return status 200 content-type text/plain "
	    "string \"pong\" if { path /ping }",
};
ACTION(deny) = {
	.name = "deny", .sets = HTTP_SETS,
	.args = "[deny_status <code>] " REPLY_ARGS,
	.parse = parse_deny, .run = run_reply, .final = true,
	.doc = "Refuses: a request by status 403, a response by 502. The same "
	    "arguments as for 'return' may say otherwise.",
	.example = "http-request deny deny_status 429 if { src 192.0.2.1 }",
};
ACTION(tarpit) = {
	.name = "tarpit", .sets = IN(HTTP_REQ),
	.args = "[deny_status <code>] " REPLY_ARGS,
	.parse = parse_tarpit, .run = run_reply, .final = true,
	.doc = "Holds the request for 'timeout tarpit', then refuses it, by "
	    "status 500 when nothing else is said.",
	.example = "http-request tarpit if { path_end .php }",
};
ACTION(allow) = {
	.name = "allow",
	.sets = HTTP_SETS | IN(HTTP_AFTER), .args = "", .run = run_accept,
	.final = true,
	.doc = "Ends this list of rules; the message goes on.",
	.example = "http-request allow if { src 10.0.0.0/8 }",
};
ACTION(accept) = {
	.name = "accept", .sets = ALL_TCP, .args = "", .run = run_accept,
	.doc = "Ends this list of rules; the connection goes on.",
	.example = "tcp-request content accept if { req.len gt 10 }",
};
ACTION(reject) = {
	.name = "reject", .sets = ALL_TCP | IN(HTTP_REQ), .args = "",
	.run = run_reject,
	.doc = "Closes the connection without an answer.",
	.example = "tcp-request connection reject if { src 192.0.2.0/24 }",
};
ACTION(close) = {
	.name = "close", .sets = IN(TCP_RES), .args = "", .run = run_close,
	.doc = "Closes the connection to the server; what it has said still "
	    "goes to the client.",
	.example = "tcp-response content close if { res.len gt 0 }",
};
ACTION(silent_drop) = {
	.name = "silent-drop", .sets = ALL_TCP | HTTP_SETS,
	.args = "[rst-ttl <hops>]", .parse = parse_drop, .run = run_drop,
	.doc = "Forgets the connection without telling the client, where the "
	    "system allows it (CAP_NET_ADMIN), else by a reset that dies on "
	    "its way, after one hop or as many as 'rst-ttl' says.",
	.example = "tcp-request connection silent-drop if { src 192.0.2.9 }",
};
