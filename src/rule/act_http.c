/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_http - actions that edit a message: headers, target, method, status.
 *
 * Source: configuration manual 4.2.
 */
#include "rule_int.h"

#include <base/must.h>
#include <expr/regex.h>

struct edit {                   /* what all of them need */
	struct span name;
	enum http_name id;
	struct logfmt *fmt;
	struct span fixed;              /* set-, add-header: the value, when it
	                                 * is always that; p NULL: it is not */
	bool plain;                     /* nothing but one expression */
	bool colon;                     /* the name was written with its ':' */
	struct smp_regex *regex;        /* replace-*, del-header -m reg */
	uint8_t match;                  /* del-header: enum del_match */
	uint16_t status;
	struct span reason;
};

enum del_match { DEL_STR, DEL_BEG, DEL_END, DEL_SUB, DEL_REG };

static struct http_head *
head_of(struct txn *t, const struct rule_run *run)
{
	(void)run;
	return (t->res != NULL ? t->res : t->req);
}

/* ---- parsing ---- */

static struct edit *
edit_new(struct conf_line *l)
{
	return (arena_zget(l->conf->arena, sizeof(struct edit)));
}

/* Real files have "X-Name: value", and what their servers see is X-Name with
 * the value ": value". */
static bool
want_name(struct conf_line *l, struct edit *e)
{
	const struct conf_word *w = conf_peek(l);

	if (w == NULL || w->text.n < 2 || w->text.p[w->text.n - 1] != ':')
		return (rule_want_header(l, &e->name));
	conf_want(l, "a header name", &e->name);
	e->name.n--;
	e->colon = true;
	if (!http_is_token(e->name) || e->name.n > UINT16_MAX)
		return (conf_err(l, w, "'%.*s' is not a header name",
		    SPAN_FMT(w->text)));
	conf_warn(l, w, "the ':' becomes part of the value; the name is "
	    "written '%.*s'", SPAN_FMT(e->name));
	return (true);
}

static struct span
behind_colon(struct arena *a, struct span value)
{
	char *p = arena_get(a, value.n + 2);

	if (p == NULL)
		return (SPAN_NONE);
	memcpy(p, ": ", 2);
	if (value.n != 0)
		memcpy(p + 2, value.p, value.n);
	return (span_trim(span_of(p, value.n + 2)));
}

static bool
parse_header(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct edit *e = edit_new(l);

	(void)px;
	*priv = e;
	if (!want_name(l, e))
		return (false);
	e->id = http_name_id(e->name);
	if (!rule_want_fmt(l, "a header value", LOGFMT_HEADER, set, &e->fmt))
		return (false);
	e->plain = logfmt_is_plain(e->fmt);
	if (logfmt_constant(e->fmt, &e->fixed) &&
	    http_is_field_value(e->fixed))
		e->fixed = span_trim(e->fixed);
	else
		e->fixed = SPAN_NONE;
	if (e->fixed.p != NULL && e->colon)
		e->fixed = behind_colon(l->conf->arena, e->fixed);
	return (true);
}

static bool
parse_text(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct edit *e = edit_new(l);

	(void)px;
	*priv = e;
	return (rule_want_fmt(l, "a format", LOGFMT_HEADER, set, &e->fmt));
}

static bool
want_regex(struct conf_line *l, bool icase, struct smp_regex **out)
{
	const struct conf_word *w = conf_peek(l);
	const char *err;
	struct span text;

	if (!conf_want(l, "a regular expression", &text))
		return (false);
	if ((*out = smp_regex_new(text, icase, &err)) == NULL)
		return (conf_err(l, w, "regular expression '%.*s': %s",
		    SPAN_FMT(text), err));
	return (true);
}

static bool
parse_del(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	static const char *const names[] = { "str", "beg", "end", "sub",
	    "reg" };
	struct edit *e = edit_new(l);
	const struct conf_word *w = conf_peek(l), *m;
	struct span name, how;
	const char *err;

	(void)px;
	(void)set;
	*priv = e;
	if (!conf_want(l, "a header name", &name))
		return (false);
	e->name = name;
	if (conf_accept(l, "-m")) {
		m = conf_peek(l);
		if (!conf_want(l, "a match method", &how))
			return (false);
		while (e->match < NELEM(names) &&
		    !span_is(how, names[e->match]))
			e->match++;
		if (e->match == NELEM(names))
			return (conf_err(l, m, "expected 'str', 'beg', 'end', "
			    "'sub' or 'reg', found '%.*s'", SPAN_FMT(how)));
	}
	if (e->match == DEL_REG) {
		e->regex = smp_regex_new(name, true, &err);
		return (e->regex != NULL || conf_err(l, w, "regular expression "
		    "'%.*s': %s", SPAN_FMT(name), err));
	}
	if (!http_is_token(name))
		return (conf_err(l, w, "'%.*s' is not a header name",
		    SPAN_FMT(name)));
	e->id = http_name_id(name);
	return (true);
}

static bool
parse_replace(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct edit *e = edit_new(l);

	(void)px;
	*priv = e;
	if (!rule_want_header(l, &e->name))
		return (false);
	e->id = http_name_id(e->name);
	return (want_regex(l, false, &e->regex) && rule_want_fmt(l,
	    "a replacement", LOGFMT_HEADER, set, &e->fmt));
}

static bool
parse_replace_path(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct edit *e = edit_new(l);

	(void)px;
	*priv = e;
	return (want_regex(l, false, &e->regex) && rule_want_fmt(l,
	    "a replacement", LOGFMT_HEADER, set, &e->fmt));
}

static bool
parse_status(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct edit *e = edit_new(l);
	int64_t status;

	(void)px;
	(void)set;
	*priv = e;
	if (!conf_want_int(l, "a status code", 100, 999, &status))
		return (false);
	e->status = (uint16_t)status;
	return (!conf_accept(l, "reason") ||
	    conf_want(l, "a reason", &e->reason));
}

/* ---- headers ---- */

/* A target that names a host names the one that Host was given: servers have
 * to believe the target (RFC 9112 3.2.2). */
static void
target_follows(struct txn *t, const struct http_head *h, const struct edit *e,
    struct span host)
{
	struct http_uri u;
	struct text before;

	if (e->id != HTTP_HOST || h != t->req || h->target.n == 0 ||
	    h->target.p[0] == '/' || host.n == 0 ||
	    !http_uri_split((enum http_meth)h->meth, h->target, &u) ||
	    u.authority.n == 0)
		return;
	text_init(&before);
	if (u.scheme.n != 0) {
		text_add(&before, u.scheme);
		text_addz(&before, "://");
	}
	text_add(&before, host);
	rule_target_set(t, text_span(&before), u.path, u.query);
	text_fini(&before);
}

typedef bool put_fn(struct http_head *, enum http_name, struct span name,
    struct span value);

/* A header gets the value of the rule; one that would break the message is
 * left alone. The name was checked when the rule was read, and so was a value
 * that is always the same. */
static enum rule_verdict
put_header(const struct edit *e, struct txn *t, struct rule_run *run,
    put_fn *put)
{
	struct http_head *h = head_of(t, run);
	struct span v = e->fixed;

	if (h == NULL)
		return (RULE_NEXT);
	if (v.p == NULL) {
		v = rule_text(e->fmt, t);
		if (!e->plain && !http_is_field_value(v))
			return (RULE_NEXT);
		v = span_trim(v);
		if (e->colon)
			v = behind_colon(t->arena, v);
	}
	if (v.p == NULL || v.n > UINT32_MAX || !put(h, e->id, e->name, v))
		return (rule_failed(run));
	target_follows(t, h, e, v);
	txn_touch(t);
	return (RULE_NEXT);
}

static enum rule_verdict
run_set_header(const void *priv, struct txn *t, struct rule_run *run)
{
	return (put_header(priv, t, run, http_set_known));
}

static enum rule_verdict
run_add_header(const void *priv, struct txn *t, struct rule_run *run)
{
	return (put_header(priv, t, run, http_add_known));
}

static bool
name_matches(const struct edit *e, struct span name)
{
	switch (e->match) {
	case DEL_BEG:
		return (name.n >= e->name.n &&
		    span_ieq(span_of(name.p, e->name.n), e->name));
	case DEL_END:
		return (name.n >= e->name.n && span_ieq(span_skip(name,
		    name.n - e->name.n), e->name));
	case DEL_SUB:
		for (size_t i = 0; i + e->name.n <= name.n; i++)
			if (span_ieq(span_of(name.p + i, e->name.n), e->name))
				return (true);
		return (false);
	default:
		return (smp_regex_has(e->regex, name));
	}
}

static enum rule_verdict
run_del_header(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct edit *e = priv;
	struct http_head *h = head_of(t, run);

	if (h == NULL)
		return (RULE_NEXT);
	if (e->match == DEL_STR)
		http_del_known(h, e->id, e->name);
	else for (unsigned i = 0; i < h->n; i++)
		if (h->hdr[i].name != NULL && name_matches(e,
		    span_of(h->hdr[i].name, h->hdr[i].name_n)))
			http_del_hdr(h, &h->hdr[i]);
	txn_touch(t);
	return (RULE_NEXT);
}

/*
 * Groups of the expression in the replacement: its format is run first, then
 * \0 to \9 are put in.
 */
static struct span
replaced(const struct edit *e, struct txn *t, struct span subject)
{
	struct span g[SMP_REGEX_GROUPS], text;
	char *out;
	size_t n;

	if (!smp_regex_groups(e->regex, subject, g))
		return (SPAN_NONE);
	text = rule_text(e->fmt, t);
	n = text.n + 1;
	for (size_t i = 0; i + 1 < text.n; i++)
		if (text.p[i] == '\\' && text.p[i + 1] >= '0' &&
		    text.p[i + 1] <= '9')
			n += g[text.p[i + 1] - '0'].n;
	if (text.p == NULL || (out = arena_get(t->arena, n)) == NULL)
		return (SPAN_NONE);
	n = smp_regex_expand(text, g, out, n);
	return (n == SIZE_MAX ? SPAN_NONE : span_of(out, n));
}

static void
set_value(struct http_hdr *hdr, struct span v)
{
	hdr->value = v.p;
	hdr->value_n = (uint32_t)v.n;
	hdr->raw = false;
}

static void
replace_whole(const struct edit *e, struct txn *t, struct http_head *h,
    struct http_hdr *hdr)
{
	struct span v = replaced(e, t, span_of(hdr->value, hdr->value_n));

	if (v.p == NULL || !http_is_field_value(v))
		return;
	set_value(hdr, v);
	target_follows(t, h, e, v);
	txn_touch(t);
}

static enum rule_verdict
run_replace_header(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct edit *e = priv;
	struct http_head *h = head_of(t, run);
	struct http_hdr *hdr = NULL;

	while (h != NULL &&
	    (hdr = http_find(h, e->id, e->name, hdr)) != NULL)
		replace_whole(e, t, h, hdr);
	return (RULE_NEXT);
}

/* Blanks behind a value go with it. */
static const char *
skip_blanks(const char *p, const struct http_hdr *hdr)
{
	while (p < hdr->value + hdr->value_n && (*p == ' ' || *p == '\t'))
		p++;
	return (p);
}

/* Each value of a list by itself, what is between them as it was. */
static void
replace_values(const struct edit *e, struct txn *t, struct http_head *h,
    struct http_hdr *hdr)
{
	struct span rest = span_of(hdr->value, hdr->value_n), item, v, all;
	const char *copied = rest.p;
	struct text out;
	bool changed = false;

	text_init(&out);
	while (http_list_next(&rest, &item)) {
		if ((v = replaced(e, t, item)).p == NULL)
			continue;
		text_add(&out, span_of(copied, (size_t)(item.p - copied)));
		while (out.n > 0 && out.p[out.n - 1] == ' ')
			out.n--;        /* as the reference does */
		text_add(&out, v);
		copied = skip_blanks(item.p + item.n, hdr);
		changed = true;
	}
	if (changed) {
		text_add(&out, span_of(copied,
		    (size_t)(hdr->value + hdr->value_n - copied)));
		all = arena_span(t->arena, text_span(&out));
		if (all.p != NULL && http_is_field_value(all)) {
			set_value(hdr, all);
			target_follows(t, h, e, all);
		}
		txn_touch(t);
	}
	text_fini(&out);
}

static enum rule_verdict
run_replace_value(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct edit *e = priv;
	struct http_head *h = head_of(t, run);
	struct http_hdr *hdr = NULL;

	while (h != NULL &&
	    (hdr = http_find(h, e->id, e->name, hdr)) != NULL) {
		if (hdr->value_n != 0)
			replace_values(e, t, h, hdr);
		else
			replace_whole(e, t, h, hdr);       /* one empty value */
	}
	return (RULE_NEXT);
}

/* ---- target ---- */

static bool
is_target(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return (false);
	return (s.n != 0);
}

void
rule_target_set(struct txn *t, struct span before, struct span path,
    struct span query)
{
	size_t n = before.n + path.n + query.n + 1;
	char *p = arena_get(t->arena, n + 1);
	size_t at = 0;
	struct span target;

	if (p == NULL)
		return;
	if (before.n != 0)
		memcpy(p, before.p, before.n);
	at = before.n;
	if (path.n != 0)
		memcpy(p + at, path.p, path.n);
	at += path.n;
	if (query.p != NULL)
		p[at++] = '?';
	if (query.n != 0)
		memcpy(p + at, query.p, query.n);
	at += query.n;
	target = span_of(p, at);
	if (is_target(target)) {
		t->req->target = target;
		txn_touch(t);
	}
}

/* An absolute target says the host, too (RFC 9112 3.2.2). */
static void
host_follows(struct txn *t)
{
	struct http_uri u;

	memset(&u, 0, sizeof u);
	if (http_uri_split(t->req->meth, t->req->target, &u) &&
	    u.scheme.n != 0 && u.authority.n != 0)
		http_set(t->req, SPAN("Host"), u.authority);
}

/* Scheme and authority, path, query of the target as it is now. */
bool
rule_target_split(struct txn *t, struct span *before, struct http_uri *u)
{
	memset(u, 0, sizeof *u);
	if (t->req == NULL ||
	    !http_uri_split(t->req->meth, t->req->target, u))
		return (false);
	*before = u->path_query.p == NULL ? t->req->target :
	    span_of(t->req->target.p,
	    (size_t)(u->path_query.p - t->req->target.p));
	if (before->n > t->req->target.n)
		*before = SPAN("");
	return (true);
}

static enum rule_verdict
run_set_path(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span before, text = rule_text(((const struct edit *)priv)->fmt,
	    t);
	struct http_uri u;

	(void)run;
	if (text.p != NULL && rule_target_split(t, &before, &u))
		rule_target_set(t, before, text, u.query);
	return (RULE_NEXT);
}

static enum rule_verdict
run_set_pathq(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span before, text = rule_text(((const struct edit *)priv)->fmt,
	    t);
	struct http_uri u;

	(void)run;
	if (text.p != NULL && rule_target_split(t, &before, &u))
		rule_target_set(t, before, text, SPAN_NONE);
	return (RULE_NEXT);
}

static enum rule_verdict
run_set_query(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span before, text = rule_text(((const struct edit *)priv)->fmt,
	    t);
	struct http_uri u;

	(void)run;
	/* a question mark stays, and comes only with a query */
	if (text.p != NULL && rule_target_split(t, &before, &u))
		rule_target_set(t, before, u.path,
		    text.n != 0 || u.query.p != NULL ? text : SPAN_NONE);
	return (RULE_NEXT);
}

static enum rule_verdict
run_set_uri(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span text = rule_text(((const struct edit *)priv)->fmt, t);

	(void)run;
	if (text.p == NULL || t->req == NULL || !is_target(text))
		return (RULE_NEXT);
	rule_target_set(t, text, SPAN_NONE, SPAN_NONE);
	host_follows(t);
	return (RULE_NEXT);
}

static enum rule_verdict
run_replace_path(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span before, v;
	struct http_uri u;

	(void)run;
	if (rule_target_split(t, &before, &u) && (v = replaced(priv, t, u.path)).p != NULL)
		rule_target_set(t, before, v, u.query);
	return (RULE_NEXT);
}

static enum rule_verdict
run_replace_pathq(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span before, v;
	struct http_uri u;

	(void)run;
	if (rule_target_split(t, &before, &u) &&
	    (v = replaced(priv, t, u.path_query)).p != NULL)
		rule_target_set(t, before, v, SPAN_NONE);
	return (RULE_NEXT);
}

static enum rule_verdict
run_replace_uri(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span v;

	(void)run;
	if (t->req == NULL || (v = replaced(priv, t, t->req->target)).p == NULL)
		return (RULE_NEXT);
	rule_target_set(t, v, SPAN_NONE, SPAN_NONE);
	host_follows(t);
	return (RULE_NEXT);
}

static enum rule_verdict
run_set_method(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span text = rule_text(((const struct edit *)priv)->fmt, t);

	(void)run;
	if (t->req != NULL && http_is_token(text)) {
		t->req->method = text;
		t->req->meth = (uint8_t)http_meth_id(text);
		txn_touch(t);
	}
	return (RULE_NEXT);
}

static enum rule_verdict
run_set_status(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct edit *e = priv;

	(void)run;
	if (t->res == NULL)
		return (RULE_NEXT);
	t->res->status = e->status;
	t->res->reason = e->reason.p != NULL ? e->reason :
	    http_reason(e->status);
	txn_touch(t);
	return (RULE_NEXT);
}

/* ---- rows ---- */

#define IN(set) (1u << RULE_##set)
#define HTTP_ALL (IN(HTTP_REQ) | IN(HTTP_RES) | IN(HTTP_AFTER))

#define EDIT(ident, word, sets_, args_, parse_, run_, ex, doc_)              \
ACTION(ident) = { .name = word, .sets = sets_, .args = args_,                \
	.parse = parse_, .run = run_, .doc = doc_, .example = ex }

EDIT(set_header, "set-header", HTTP_ALL, "<name> <fmt>", parse_header,
    run_set_header, "http-request set-header X-Client %[src]",
    "Replaces all headers of that name by one.");
EDIT(add_header, "add-header", HTTP_ALL, "<name> <fmt>", parse_header,
    run_add_header, "http-request add-header Via proxy",
    "Adds a header behind the others.");
EDIT(del_header, "del-header", HTTP_ALL, "<name> [-m <method>]", parse_del,
    run_del_header, "http-response del-header x- -m beg",
    "Removes the headers of that name, or whose name matches.");
EDIT(replace_header, "replace-header", HTTP_ALL, "<name> <regex> <fmt>",
    parse_replace, run_replace_header,
    "http-request replace-header Host (.*)\\.old \\1.new",
    "Replaces the whole value of headers that match; \\1 stands for a group.");
EDIT(replace_value, "replace-value", HTTP_ALL, "<name> <regex> <fmt>",
    parse_replace, run_replace_value,
    "http-request replace-value X-Forwarded-For ^192\\.168\\.(.*)$ 10.0.\\1",
    "As replace-header, for each value of a comma-separated list.");
EDIT(set_path, "set-path", IN(HTTP_REQ), "<fmt>", parse_text, run_set_path,
    "http-request set-path /app%[path]",
    "Replaces the path, the query string stays.");
EDIT(set_pathq, "set-pathq", IN(HTTP_REQ), "<fmt>", parse_text,
    run_set_pathq, "http-request set-pathq /app%[pathq]",
    "Replaces path and query string.");
EDIT(set_query, "set-query", IN(HTTP_REQ), "<fmt>", parse_text,
    run_set_query, "http-request set-query a=1",
    "Replaces the query string. A question mark that is there stays.");
EDIT(set_uri, "set-uri", IN(HTTP_REQ), "<fmt>", parse_text, run_set_uri,
    "http-request set-uri http://example.org%[pathq]",
    "Replaces the whole request target.");
EDIT(replace_path, "replace-path", IN(HTTP_REQ), "<regex> <fmt>",
    parse_replace_path, run_replace_path,
    "http-request replace-path /old/(.*) /new/\\1",
    "Replaces a path that matches, the query string stays.");
EDIT(replace_pathq, "replace-pathq", IN(HTTP_REQ), "<regex> <fmt>",
    parse_replace_path, run_replace_pathq,
    "http-request replace-pathq /old/(.*) /new/\\1",
    "Replaces path and query string when they match.");
EDIT(replace_uri, "replace-uri", IN(HTTP_REQ), "<regex> <fmt>",
    parse_replace_path, run_replace_uri,
    "http-request replace-uri ^http://(.*) https://\\1",
    "Replaces the request target when it matches.");
EDIT(set_method, "set-method", IN(HTTP_REQ), "<fmt>", parse_text,
    run_set_method, "http-request set-method GET if { method HEAD }",
    "Replaces the method.");
EDIT(set_status, "set-status", IN(HTTP_RES) | IN(HTTP_AFTER),
    "<code> [reason <text>]", parse_status, run_set_status,
    "http-response set-status 503 reason \"closed\" if { status 500 }",
    "Replaces the status and its reason.");
