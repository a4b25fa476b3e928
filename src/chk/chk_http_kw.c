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
split_version(struct conf_line *l, struct chk_px_cfg *cfg, struct span text)
{
	ptrdiff_t cr = span_find(text, '\r');
	struct text t;

	cfg->version = cr < 0 ? text : span_of(text.p, (size_t)cr);
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
	cfg->version_extra = keep(l, &t);
}

static bool
check_version(struct conf_line *l, const struct conf_word *w, struct span v)
{
	if (v.n == 8 && span_begins(v, SPAN("HTTP/1.")))
		return (true);
	return (conf_err(l, w, "expected 'HTTP/1.0' or 'HTTP/1.1', found "
	    "'%.*s'", SPAN_FMT(v)));
}

static bool
parse_httpchk(struct conf_line *l, void *obj)
{
	struct chk_px_cfg *cfg = cfg_of(obj);
	const struct conf_word *w;
	struct span a;

	cfg->http = !l->no;
	if (l->no || conf_left(l) == 0)
		return (conf_end(l));
	conf_want(l, "a method or URI", &a);
	if (conf_left(l) == 0) {
		cfg->uri = a;
		return (true);
	}
	cfg->meth = a;
	conf_want(l, "a URI", &cfg->uri);
	if ((w = conf_peek(l)) != NULL) {
		conf_want(l, "a version", &a);
		split_version(l, cfg, a);
		if (!check_version(l, w, cfg->version))
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

static bool
send_header(struct conf_line *l, struct text *t)
{
	const struct conf_word *w = conf_peek(l);
	struct span name, value;

	if (!conf_want(l, "a header's name", &name) ||
	    !check_plain(l, w, name))
		return (false);
	w = conf_peek(l);
	if (!conf_want(l, "a header's value", &value) ||
	    !check_plain(l, w, value))
		return (false);
	if (memmem(value.p, value.n, "%[", 2) != NULL)
		return (conf_err(l, w, "a log-format in a check's header is "
		    "not supported yet"));
	text_printf(t, "%.*s: %.*s\r\n", SPAN_FMT(name), SPAN_FMT(value));
	return (true);
}

static bool
send_word(struct conf_line *l, struct chk_px_cfg *cfg, struct text *headers)
{
	const struct conf_word *w = conf_peek(l);
	struct span v;

	if (conf_accept(l, "meth"))
		return (conf_want(l, "a method", &cfg->meth));
	if (conf_accept(l, "uri"))
		return (conf_want(l, "a URI", &cfg->uri));
	if (conf_accept(l, "ver")) {
		w = conf_peek(l);
		return (conf_want(l, "a version", &cfg->version) &&
		    check_version(l, w, cfg->version));
	}
	if (conf_accept(l, "hdr"))
		return (send_header(l, headers));
	if (conf_accept(l, "body"))
		return (conf_want(l, "a body", &cfg->body));
	conf_want(l, "a word", &v);
	if (span_is(v, "uri-lf") || span_is(v, "body-lf") ||
	    span_is(v, "comment"))
		return (conf_err(l, w, "'%s' in 'http-check send' is not "
		    "supported yet", v.p));
	return (conf_err(l, w, "'http-check send' expects 'meth', 'uri', "
	    "'ver', 'hdr' or 'body', found '%s'", v.p));
}

static bool
parse_send(struct conf_line *l, void *obj)
{
	struct chk_px_cfg *cfg = cfg_of(obj);
	struct text headers;
	bool good = true;

	if (cfg->send_by == obj)
		return (conf_err(l, NULL, "a second 'http-check send' in one "
		    "section is not supported yet"));
	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'http-check send' expects 'meth', "
		    "'uri', 'ver', 'hdr' or 'body'"));
	text_init(&headers);
	while (good && conf_left(l) > 0)
		good = send_word(l, cfg, &headers);
	cfg->send_by = obj;
	cfg->extra = keep(l, &headers);
	return (good);
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
    struct chk_px_cfg *cfg)
{
	struct chk_range *r = arena_zget(l->conf->arena,
	    (s.n / 2 + 1) * sizeof *r);
	ptrdiff_t comma;

	cfg->n_ranges = 0;
	do {
		struct span one = s;

		if ((comma = span_find(s, ',')) >= 0) {
			one.n = (size_t)comma;
			s.p += comma + 1;
			s.n -= (size_t)comma + 1;
		}
		if (!one_range(l, w, one, &r[cfg->n_ranges++]))
			return (false);
	} while (comma >= 0);
	cfg->ranges = r;
	return (true);
}

static bool
take_pattern(struct conf_line *l, struct chk_px_cfg *cfg, bool regex)
{
	const struct conf_word *w = conf_peek(l);
	const char *err;

	if (!conf_want(l, "a pattern", &cfg->text))
		return (false);
	if (!regex)
		return (conf_end(l));
	if ((cfg->regex = smp_regex_new(cfg->text, false, &err)) == NULL)
		return (conf_err(l, w, "bad regular expression '%s': %s",
		    cfg->text.p, err));
	return (conf_end(l));
}

static bool
parse_expect(struct conf_line *l, void *obj)
{
	struct chk_px_cfg *cfg = cfg_of(obj);
	const struct conf_word *w;
	struct span s;

	if (cfg->expect_by == obj)
		return (conf_err(l, NULL, "a second 'http-check expect' in one "
		    "section is not supported yet"));
	cfg->expect_by = obj;
	cfg->negate = conf_accept(l, "!");
	w = conf_peek(l);
	if (conf_accept(l, "status")) {
		cfg->expect = CHK_EXPECT_STATUS;
		w = conf_peek(l);
		return (conf_want(l, "status codes", &s) &&
		    parse_ranges(l, w, s, cfg) && conf_end(l));
	}
	if (conf_accept(l, "rstatus")) {
		cfg->expect = CHK_EXPECT_RSTATUS;
		return (take_pattern(l, cfg, true));
	}
	if (conf_accept(l, "string")) {
		cfg->expect = CHK_EXPECT_STRING;
		return (take_pattern(l, cfg, false));
	}
	if (conf_accept(l, "rstring")) {
		cfg->expect = CHK_EXPECT_RSTRING;
		return (take_pattern(l, cfg, true));
	}
	if (w != NULL)
		return (conf_err(l, w, "'http-check expect' only supports "
		    "'status', 'rstatus', 'string' and 'rstring' yet, got "
		    "'%s'", w->text.p));
	return (conf_err(l, NULL, "'http-check expect' expects [!] and "
	    "'status', 'rstatus', 'string' or 'rstring'"));
}

KEYWORD(option_httpchk) = {
	.name = "option httpchk", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_NO, .args = "[<method>] [<uri>] [<version>]",
	.parse = parse_httpchk,
	.doc = "Checks send an HTTP request, `OPTIONS / HTTP/1.0` by default, "
	    "and take a response of 2xx or 3xx as good.",
	.example = "option httpchk GET /health",
};
KEYWORD(http_check_send) = {
	.name = "http-check send", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "[meth <method>] [uri <uri>] [ver <version>] "
	    "[hdr <name> <value>]... [body <text>]",
	.parse = parse_send,
	.doc = "What the request of a check looks like.",
	.example = "http-check send meth GET uri /health ver HTTP/1.1 "
	    "hdr Host www.example.com",
};
KEYWORD(http_check_expect) = {
	.name = "http-check expect", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "[!] status|rstatus|string|rstring <pattern>",
	.parse = parse_expect,
	.doc = "Which responses are good (or, with `!`, bad): `status` takes "
	    "codes and ranges with commas, `string` looks in the body; `r…` "
	    "take regular expressions.",
	.example = "http-check expect status 200,301-304",
};
