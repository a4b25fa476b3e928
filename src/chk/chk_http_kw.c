/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_http_kw - option httpchk and the http-check lines.
 */
#include "chk_int.h"

#include <string.h>

#include <base/must.h>
#include <base/num.h>
#include <base/text.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <expr/regex.h>

PX_SLOT(PX_OBJ_PROXY, struct chk_px_cfg, chk_px_slot, NULL);

static struct chk_px_cfg *
cfg_of(void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);

	return (px_edit(&px->slots, &chk_px_slot));
}

static struct span
keep(struct conf_line *l, struct text *t)
{
	struct span s = arena_span(l->conf->arena, text_span(t));

	text_fini(t);
	return (s);
}

/* "HTTP/1.1\r\nHost:\ www": header lines behind the version, as of old. */
static void
split_version(struct conf_line *l, struct chk_http_send *r, struct span text)
{
	ptrdiff_t cr = span_find(text, '\r');
	struct text t;

	r->version = cr < 0 ? text : span_of(text.p, (size_t)cr);
	if (cr < 0)
		return;
	text.p += cr;
	text.n -= (size_t)cr;
	while (text.n > 0 && (text.p[0] == '\r' || text.p[0] == '\n')) {
		text.p++;
		text.n--;
	}
	text_init(&t);
	text_add(&t, text);
	text_addz(&t, "\r\n");
	r->version_extra = keep(l, &t);
}

static bool
check_version(struct conf_line *l, const struct conf_word *w, struct span v)
{
	if (v.n == 8 && span_begins(v, SPAN("HTTP/1.")))
		return (true);
	for (size_t i = 0; i < v.n; i++)
		if ((uint8_t)v.p[i] <= ' ' || v.p[i] == 0x7f)
			return (conf_err(l, w, "expected 'HTTP/1.0' or "
			    "'HTTP/1.1', found '%.*s'", SPAN_FMT(v)));
	/* Sent as it is: there are files whose backslashes went astray. */
	conf_warn(l, w, "'%.*s' is sent in place of 'HTTP/1.0' or 'HTTP/1.1', "
	    "and few servers take it", SPAN_FMT(v));
	return (true);
}

static bool
parse_httpchk(struct conf_line *l, void *obj)
{
	struct chk_px_cfg *cfg = cfg_of(obj);
	struct chk_http_send *r = &cfg->option;
	const struct conf_word *w;
	struct span a;

	if (!l->no)
		cfg->type = CHK_TYPE_HTTP;
	else if (cfg->type == CHK_TYPE_HTTP)
		cfg->type = CHK_TYPE_L4;
	if (l->no || conf_left(l) == 0)
		return (conf_end(l));
	conf_want(l, "a method or URI", &a);
	if (conf_left(l) == 0) {
		r->uri = a;
		return (true);
	}
	r->meth = a;
	conf_want(l, "a URI", &r->uri);
	if ((w = conf_peek(l)) != NULL) {
		conf_want(l, "a version", &a);
		split_version(l, r, a);
		if (!check_version(l, w, r->version))
			return (false);
	}
	return (conf_end(l));
}

/* Bytes that would end a line of the request. */
static bool
check_plain(struct conf_line *l, const struct conf_word *w, struct span s)
{
	if (span_find(s, '\r') < 0 && span_find(s, '\n') < 0)
		return (true);
	return (conf_err(l, w, "line breaks are not allowed here"));
}

/* A value that is always the same is text, others are evaluated. */
static bool
send_header(struct conf_line *l, struct chk_http_send *r, struct text *t)
{
	const struct conf_word *w = conf_peek(l);
	struct chk_hdr_fmt *h;
	struct span name, value;
	const struct logfmt *fmt;

	if (!conf_want(l, "a header's name", &name) ||
	    !check_plain(l, w, name))
		return (false);
	w = conf_peek(l);
	if (!chk_want_message(l, &value, &fmt))
		return (false);
	if (fmt == NULL) {
		text_printf(t, "%.*s: %.*s\r\n", SPAN_FMT(name),
		    SPAN_FMT(value));
		return (check_plain(l, w, value));
	}
	h = arena_zget(l->conf->arena, sizeof *h);
	*h = (struct chk_hdr_fmt){ r->hdr_fmts, name, fmt };
	r->hdr_fmts = h;
	return (true);
}

static bool
send_word(struct conf_line *l, struct chk_step *s, struct text *headers)
{
	struct chk_http_send *r = &s->request;
	const struct conf_word *w = conf_peek(l);
	struct span v;

	if (conf_accept(l, "meth"))
		return (conf_want(l, "a method", &r->meth));
	if (conf_accept(l, "uri"))
		return (conf_want(l, "a URI", &r->uri));
	if (conf_accept(l, "ver")) {
		w = conf_peek(l);
		return (conf_want(l, "a version", &r->version) &&
		    check_version(l, w, r->version));
	}
	if (conf_accept(l, "hdr"))
		return (send_header(l, r, headers));
	if (conf_accept(l, "body"))
		return (conf_want(l, "a body", &r->body));
	if (conf_accept(l, "comment"))
		return (conf_want(l, "a comment", &s->comment));
	if (conf_accept(l, "uri-lf"))
		return (chk_want_format(l, "a URI", &r->uri_fmt));
	if (conf_accept(l, "body-lf"))
		return (chk_want_format(l, "a body", &r->body_fmt));
	conf_want(l, "a word", &v);
	return (conf_err(l, w, "'http-check send' expects 'meth', 'uri', "
	    "'uri-lf', 'ver', 'hdr', 'body', 'body-lf' or 'comment', found "
	    "'%s'", v.p));
}

/* The last step of the section's own, comments and variables aside. */
static const struct chk_step *
last_step(const struct chk_steps *list, const void *by)
{
	const struct chk_step *last = NULL;

	if (list->by != by)
		return (NULL);
	for (const struct chk_step *s = list->first; s != NULL; s = s->next)
		if (s->kind != CHK_COMMENT && s->kind != CHK_SET)
			last = s;
	return (last);
}

static bool
parse_send(struct conf_line *l, void *obj)
{
	struct chk_steps *list = &cfg_of(obj)->http;
	const struct chk_step *last = last_step(list, obj);
	struct chk_step *s;
	struct text headers;
	bool good = true;

	if (last != NULL && last->kind != CHK_CONNECT)
		return (conf_err(l, NULL, "a 'http-check connect' is needed "
		    "before another 'http-check send'"));
	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'http-check send' expects 'meth', "
		    "'uri', 'ver', 'hdr' or 'body'"));
	s = chk_step_add(l, list, obj, CHK_SEND);
	s->http = true;
	s->shown = SPAN("send");
	text_init(&headers);
	while (good && conf_left(l) > 0)
		good = send_word(l, s, &headers);
	s->request.extra = keep(l, &headers);
	return (good);
}

static bool
parse_connect(struct conf_line *l, void *obj)
{
	struct chk_steps *list = &cfg_of(obj)->http;
	const struct chk_step *last = last_step(list, obj);

	for (const struct chk_step *s = list->first; last != NULL && s != NULL;
	    s = s->next)
		if (s->kind == CHK_CONNECT)
			last = NULL;
	if (last != NULL)
		return (conf_err(l, NULL, "the first step of a http-check "
		    "that has 'connect' must be a 'connect'"));
	return (chk_parse_connect(l, chk_step_add(l, list, obj,
	    CHK_CONNECT)));
}

static bool
parse_comment(struct conf_line *l, void *obj)
{
	struct chk_step *s = chk_step_add(l, &cfg_of(obj)->http, obj,
	    CHK_COMMENT);

	return (conf_want(l, "a comment", &s->comment) && conf_end(l));
}

static bool
parse_set_var(struct conf_line *l, void *obj)
{
	return (chk_parse_set(l, chk_step_add(l, &cfg_of(obj)->http, obj,
	    CHK_SET)));
}

static bool
parse_set_var_fmt(struct conf_line *l, void *obj)
{
	return (chk_parse_set_fmt(l, chk_step_add(l, &cfg_of(obj)->http, obj,
	    CHK_SET)));
}

static bool
parse_unset_var(struct conf_line *l, void *obj)
{
	return (chk_parse_unset(l, chk_step_add(l, &cfg_of(obj)->http, obj,
	    CHK_SET)));
}

static bool
parse_404(struct conf_line *l, void *obj)
{
	cfg_of(obj)->off_on_404 = true;
	return (conf_end(l));
}

static bool
parse_send_state(struct conf_line *l, void *obj)
{
	cfg_of(obj)->sends_state = true;
	return (conf_end(l));
}

/* ---- http-check expect ---- */

static bool
one_range(struct conf_line *l, const struct conf_word *w, struct span s,
    struct chk_range *r)
{
	ptrdiff_t dash = span_find(s, '-');
	struct span lo = s, hi = s;
	uint64_t a, b;

	if (dash >= 0) {
		lo = span_of(s.p, (size_t)dash);
		hi = span_of(s.p + dash + 1, s.n - (size_t)dash - 1);
	}
	if (!num_u64(lo, &a) || !num_u64(hi, &b) || a > b || b > 999)
		return (conf_err(l, w, "expected status codes as '200' or "
		    "'200-399', found '%.*s'", SPAN_FMT(s)));
	*r = (struct chk_range){ (uint16_t)a, (uint16_t)b };
	return (true);
}

static bool
parse_ranges(struct conf_line *l, const struct conf_word *w, struct span s,
    struct chk_expect *x)
{
	struct chk_range *r = arena_zget(l->conf->arena,
	    (s.n / 2 + 1) * sizeof *r);
	ptrdiff_t comma;

	x->n_ranges = 0;
	do {
		struct span one = s;

		if ((comma = span_find(s, ',')) >= 0) {
			one.n = (size_t)comma;
			s.p += comma + 1;
			s.n -= (size_t)comma + 1;
		}
		if (!one_range(l, w, one, &r[x->n_ranges++]))
			return (false);
	} while (comma >= 0);
	x->ranges = r;
	return (true);
}

static bool
take_match(struct conf_line *l, struct chk_expect *x)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (conf_accept(l, "status")) {
		x->match = CHK_MATCH_STATUS;
		w = conf_peek(l);
		return (conf_want(l, "status codes", &s) &&
		    parse_ranges(l, w, s, x));
	}
	if (conf_accept(l, "rstatus")) {
		x->match = CHK_MATCH_RSTATUS;
		return (chk_parse_pattern(l, x, true, false));
	}
	if (conf_accept(l, "string")) {
		x->match = CHK_MATCH_BODY;
		return (chk_parse_pattern(l, x, false, false));
	}
	if (conf_accept(l, "rstring")) {
		x->match = CHK_MATCH_RBODY;
		return (chk_parse_pattern(l, x, true, false));
	}
	if (conf_accept(l, "string-lf")) {
		x->match = CHK_MATCH_BODY;
		return (chk_want_format(l, "a pattern", &x->text_fmt));
	}
	if (conf_accept(l, "hdr"))
		return (chk_parse_hdr(l, x, false));
	if (conf_accept(l, "fhdr"))
		return (chk_parse_hdr(l, x, true));
	return (conf_err(l, w, "'http-check expect' expects 'status', "
	    "'rstatus', 'hdr', 'fhdr', 'string', 'string-lf' or 'rstring', "
	    "found '%s'", w->text.p));
}

static bool
parse_expect(struct conf_line *l, void *obj)
{
	struct chk_steps *list = &cfg_of(obj)->http;
	const struct chk_step *last = last_step(list, obj);
	bool matched = false, taken;
	struct chk_step *s;

	if (last != NULL && last->kind == CHK_CONNECT)
		return (conf_err(l, NULL, "a 'http-check send' is needed "
		    "between 'connect' and 'expect'"));
	s = chk_step_add(l, list, obj, CHK_EXPECT);
	s->shown = SPAN("expect");
	s->expect.error = 0;
	while (conf_left(l) > 0) {
		if (!chk_parse_expect_word(l, &s->expect, s, &taken))
			return (false);
		if (taken)
			continue;
		if (matched)
			return (conf_end(l));
		if (!take_match(l, &s->expect))
			return (false);
		matched = true;
	}
	if (!matched)
		return (conf_err(l, NULL, "'http-check expect' expects [!] and "
		    "'status', 'rstatus', 'hdr', 'fhdr', 'string', "
		    "'string-lf' or 'rstring'"));
	if (s->expect.error == 0)
		s->expect.error = s->expect.match == CHK_MATCH_BODY ||
		    s->expect.match == CHK_MATCH_HDR ||
		    s->expect.match == CHK_MATCH_RBODY ? CHK_L7RSP : CHK_L7STS;
	return (true);
}

/* ---- the script, when all lines are known ---- */

static struct chk_step *
copy_step(struct conf *conf, const struct chk_step *s, struct chk_step ***end)
{
	struct chk_step *n = arena_zget(conf->arena, sizeof *n);

	*n = *s;
	n->next = NULL;
	**end = n;
	*end = &n->next;
	return (n);
}

/* The first request also has what the option said. */
static void
complete_request(struct chk_http_send *r, const struct chk_http_send *o)
{
	if (r->meth.n == 0)
		r->meth = o->meth;
	if (r->uri.n == 0)
		r->uri = o->uri;
	if (r->version.n == 0)
		r->version = o->version;
	r->version_extra = o->version_extra;
}

/* Without a send there is the option's, without an expect the usual one. */
static struct chk_step *
http_script(struct conf *conf, const struct chk_px_cfg *cfg)
{
	static const struct chk_step send = { .kind = CHK_SEND, .http = true,
		.shown = { "send", 4 } };
	static const struct chk_step expect = { .kind = CHK_EXPECT,
		.shown = { "expect", 6 }, .expect = { .ok = CHK_L7OK,
		.error = CHK_L7STS, .tout = CHK_L7TOUT, .min_recv = -1 } };
	struct chk_step *first = NULL, **end = &first, *n;
	bool sent = false, expected = false;

	for (const struct chk_step *s = cfg->http.first; s != NULL;
	    s = s->next) {
		if (s->kind == CHK_EXPECT && !sent) {
			n = copy_step(conf, &send, &end);
			n->request = cfg->option;
			sent = true;
		}
		n = copy_step(conf, s, &end);
		if (s->kind == CHK_SEND && !sent) {
			complete_request(&n->request, &cfg->option);
			sent = true;
		}
		if (s->kind == CHK_EXPECT) {
			n->expect.off_on_404 = cfg->off_on_404;
			expected = true;
		} else if (s->kind != CHK_COMMENT && s->kind != CHK_SET)
			expected = false;
	}
	if (!sent)
		copy_step(conf, &send, &end)->request = cfg->option;
	if (!expected)
		copy_step(conf, &expect, &end)->expect.off_on_404 =
		    cfg->off_on_404;
	return (first);
}

static bool
make_scripts(struct conf *conf)
{
	PX_EACH(px, px_model) {
		const struct chk_px_cfg *cfg = px_get(&px->slots,
		    &chk_px_slot);
		struct chk_px_cfg *edit;

		if ((px->kind & PX_BE) == 0 || cfg->type == CHK_TYPE_L4)
			continue;
		edit = px_edit(&px->slots, &chk_px_slot);
		edit->script = edit->type == CHK_TYPE_HTTP ?
		    http_script(conf, edit) : edit->type == CHK_TYPE_TCP ?
		    edit->tcp.first : edit->proto;
	}
	return (true);
}
CONF_CHECK(chk_scripts, 29, make_scripts);

KEYWORD(option_httpchk) = {
	.name = "option httpchk", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_NO, .args = "[<method>] [<uri>] [<version>]",
	.parse = parse_httpchk,
	.doc = "Checks send an HTTP request, `OPTIONS / HTTP/1.0` by default, "
	    "and take a response of 2xx or 3xx as good.",
	.example = "option httpchk GET /health",
};
#define LINE_OF(bits, ident, word, words, fn, text, sample)                  \
	KEYWORD(http_check_##ident) = {                                      \
		.name = "http-check " word, .in = KW_DEFAULTS | KW_BACKEND,  \
		.flags = (bits), .args = words, .parse = fn, .doc = text,    \
		.example = sample,                                           \
	}
#define LINE(...) LINE_OF(0, __VA_ARGS__)
LINE(send, "send", "[meth <method>] [uri <uri>|uri-lf <format>] "
    "[ver <version>] [hdr <name> <format>]... [body <text>|body-lf <format>] "
    "[comment <text>]", parse_send,
    "What the request of a check looks like; the value of a header is a "
    "format. Behind another `connect` it is another request.",
    "http-check send meth GET uri /health ver HTTP/1.1 "
    "hdr Host www.example.com");
LINE(expect, "expect", "[min-recv <n>] [comment <text>] [ok-status <status>] "
    "[error-status <status>] [tout-status <status>] [on-success <text>] "
    "[on-error <text>] [status-code <expression>] [!] "
    "status|rstatus|hdr|fhdr|string|string-lf|rstring <pattern>",
    parse_expect,
    "Which responses are good (or, with `!`, bad): `status` takes "
    "codes and ranges with commas, `string` looks in the body; `r…` "
    "take regular expressions, `-lf` a format. `hdr` is followed by `name` or "
    "`name-lf`, perhaps `-m str|beg|end|sub|reg`, and a name, then perhaps by "
    "`value` or `value-lf` in the same way, for any of the values that commas "
    "separate; `fhdr` looks at whole values. `ok-status` and so on say what the check's "
    "status becomes.",
    "http-check expect status 200,301-304");
LINE(connect, "connect", "[default] [port <port>|<expression>] [addr <address>] "
    "[send-proxy] [via-socks4] [ssl] [sni <name>] [alpn <protocols>] "
    "[linger] "
    "[comment <text>]", parse_connect,
    "Connect, anew if there is a connection; words as those of `tcp-check "
    "connect`.", "http-check connect port 8080");
LINE(comment, "comment", "<text>", parse_comment,
    "Is told when the next line fails.", "http-check comment login");
LINE(disable_on_404, "disable-on-404", "", parse_404,
    "A running server that answers 404 gets only persistent sessions until "
    "it answers otherwise.", "http-check disable-on-404");
LINE(send_state, "send-state", "", parse_send_state,
    "Requests of checks tell the server how it is seen, in a header "
    "X-Haproxy-Server-State.", "http-check send-state");
LINE_OF(KW_PAREN, set_var, "set-var", "(<name>[,<condition>...]) <expression>",
    parse_set_var,
    "Set a variable of the scope `check`, `sess` (both: of this check) or "
    "`proc`.", "http-check set-var(check.port) int(1234)");
LINE_OF(KW_PAREN, set_var_fmt, "set-var-fmt",
    "(<name>[,<condition>...]) <format>", parse_set_var_fmt,
    "Set a variable to the text that the format gives.",
    "http-check set-var-fmt(check.name) \"name=%H\"");
LINE_OF(KW_PAREN, unset_var, "unset-var", "(<name>)", parse_unset_var,
    "Forget a variable.", "http-check unset-var(check.port)");
