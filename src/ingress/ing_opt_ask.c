/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_ask - a service of its own is asked about each request: auth-url and
 * what belongs to it; the same of the ConfigMap, for those that say nothing.
 *
 * What can't be read closes: ingress-nginx leaves the location open for some of
 * these.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#include <base/num.h>

/* What stands in a URL, letters, digits and '_' aside. */
#define URL_CHARS "-.~!*'()&=+,;:@/?%#"

static bool
parse_method(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "GET", "HEAD", "POST", "PUT",
	    "PATCH", "DELETE", "OPTIONS", "TRACE", NULL };

	for (size_t i = 0; words[i] != NULL; i++)
		if (span_is(v, words[i])) {
			*(const char **)field = words[i];
			return (true);
		}
	return (ing_parse_bad(p, v, "a method like GET or POST"));
}

static bool
is_header(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = span_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_'))
			return (false);
	}
	return (s.n <= 100);
}

static bool
parse_headers(struct ing_parse *p, struct span v, void *field)
{
	return (ing_parse_list(p, v, field, is_header,
	    "names of headers, with commas between"));
}

static bool
parse_format(struct ing_parse *p, struct span v, void *field)
{
	struct text t;
	bool good;

	text_init(&t);
	good = ing_opt_vars(&t, v, URL_CHARS);
	if (good)
		*(const char **)field = arena_dup(p->mem, text_span(&t));
	text_fini(&t);
	return (good || ing_parse_bad(p, v, "a URL or path with variables "
	    "like $request_uri, $host or $http_NAME"));
}

/* Kept as it is written: where it leads is looked at when all is read. */
static bool
parse_signin(struct ing_parse *p, struct span v, void *field)
{
	const char *format;

	return (parse_format(p, v, &format) && ing_parse_text(p, v, field));
}

/* "200 202 401 5m", several with commas between. */
static bool
parse_times(struct ing_parse *p, struct span v, void *field)
{
	struct span all = v, one, word;
	uint64_t code;
	int64_t us;

	while (span_cut(&v, ',', &one)) {
		bool timed = false;

		for (one = span_trim(one); span_cut(&one, ' ', &word);) {
			if (word.n == 0)
				continue;
			if (timed)
				goto odd;
			if (span_is(word, "any") || (num_u64(word, &code) &&
			    code >= 100 && code <= 599))
				continue;
			timed = num_time(word, "s", &us) == NUM_OK;
			if (!timed)
				goto odd;
		}
		if (!timed)
			goto odd;
	}
	return (ing_parse_text(p, all, field));
odd:
	return (ing_parse_bad(p, all, "codes and a time like 200 401 5m, "
	    "several with commas between"));
}

/* Any whole number: what is out of range turns it off, in nginx. */
static bool
parse_any(struct ing_parse *p, struct span v, void *field)
{
	bool minus = v.n > 1 && v.p[0] == '-';
	uint64_t n;

	if (!num_u64(span_skip(v, minus), &n) || n > INT32_MAX)
		return (ing_parse_bad(p, v, "a number"));
	*(int64_t *)field = minus ? -(int64_t)n : (int64_t)n;
	return (true);
}

/* --- where it is ----------------------------------------------------------- */

static bool
no_url(struct ing_parse *p, const struct ing_ask *a, struct span url,
    const char *why)
{
	snprintf(p->why, sizeof p->why, "%sexpected a URL like "
	    "http://login.NAMESPACE.svc/check, found '%.*s': %s",
	    a->global ? "global-auth-url: " : "",
	    (int)(url.n > 60 ? 60 : url.n), url.p, why);
	return (false);
}

static bool
is_host(struct span s)
{
	bool v6 = s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';

	for (size_t i = v6; i < s.n - v6; i++) {
		char c = span_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '.' || (v6 ? c == ':' : c == '-' || c == '_')))
			return (false);
	}
	return (s.n > 0 && s.n <= 253 && s.p[0] != '-' && s.p[0] != '.');
}

static const char *
lower(struct ing_parse *p, struct span s)
{
	char *z;

	if (s.n > 2 && s.p[0] == '[')
		s = span_of(s.p + 1, s.n - 2);
	z = arena_dup(p->mem, s);
	for (char *c = z; *c != '\0'; c++)
		*c = span_lower(*c);
	return (z);
}

/* A port behind the last ':' that is no part of an address. */
static bool
take_port(struct span *host, int64_t *port)
{
	size_t at = host->n;
	uint64_t n;

	while (at > 0 && host->p[at - 1] >= '0' && host->p[at - 1] <= '9')
		at--;
	if (at == 0 || host->p[at - 1] != ':')
		return (true);
	if (!num_u64(span_skip(*host, at), &n) || n < 1 || n > 65535)
		return (false);
	*port = (int64_t)n;
	host->n = at - 1;
	return (true);
}

/* "$host": the proxy asks itself, as if it had been found by its own name. */
static bool
take_host(struct ing_parse *p, struct span url, struct span host,
    struct ing_ask *a)
{
	struct span name;

	if (!take_port(&host, &a->port))
		return (no_url(p, a, url, "the port"));
	if (host.n > 0 && host.p[0] == '$') {
		if (!ing_opt_var_name(&host, &name) || host.n > 0 ||
		    !(span_is(name, "host") || span_is(name, "http_host") ||
		    span_is(name, "best_http_host")))
			return (no_url(p, a, url, "$host is the one variable "
			    "that may be its host"));
		return (true);
	}
	if (!is_host(host))
		return (no_url(p, a, url, "the host"));
	a->host = lower(p, host);
	return (true);
}

static bool
take_url(struct ing_parse *p, const char *text, struct ing_ask *a)
{
	struct span url = span_str(text), rest = url, host;
	struct text t;
	size_t n = 0;
	bool good;

	a->tls = span_begins(url, SPAN("https://"));
	if (!a->tls && !span_begins(url, SPAN("http://")))
		return (no_url(p, a, url, "the scheme"));
	a->port = a->tls ? 443 : 80;
	rest = span_skip(url, a->tls ? 8 : 7);
	while (n < rest.n && strchr("/?#", rest.p[n]) == NULL)
		n++;
	host = span_of(rest.p, n);
	rest = span_skip(rest, n);
	if (!take_host(p, url, host, a))
		return (false);
	text_init(&t);
	if (rest.n == 0 || rest.p[0] != '/')
		text_addc(&t, '/');
	good = span_find(rest, '#') < 0 && ing_opt_vars(&t, rest, URL_CHARS);
	if (good)
		a->path = arena_dup(p->mem, text_span(&t));
	text_fini(&t);
	return (good || no_url(p, a, url, "the path, or a variable in it"));
}

/* Whether a query has that parameter. */
static bool
has_param(struct span url, const char *param)
{
	ptrdiff_t at = span_find(url, '?');
	struct span query = at < 0 ? SPAN_NONE :
	    span_skip(url, (size_t)at + 1), one, name;

	while (span_cut(&query, '&', &one)) {
		span_cut(&one, '=', &name);
		if (span_is(name, param))
			return (true);
	}
	return (false);
}

/* The way back is added, unless the URL has it already. */
static const char *
signin_of(struct ing_parse *p, const char *url, const char *param)
{
	const char *way;
	struct text t;

	if (url == NULL)
		return (NULL);
	text_init(&t);
	(void)ing_opt_vars(&t, span_str(url), URL_CHARS);
	if (!has_param(span_str(url), param))
		text_printf(&t, "%c%s=%%[var(txn.scheme)]://%%[req.hdr(host)]"
		    "%%[pathq,url_enc]", strchr(url, '?') == NULL ? '?' : '&',
		    param);
	way = arena_dup(p->mem, text_span(&t));
	text_fini(&t);
	return (way);
}

bool
ing_opt_ask_finish(struct ing_parse *p, struct ing_opts *o)
{
	bool global = o->ask.url == NULL;
	const struct ing_ask_opts *w = global ? &o->ask_global : &o->ask;
	struct ing_ask *a;

	if (w->url == NULL || (global && !o->global_auth_on))
		return (true);
	a = arena_zget(p->mem, sizeof *a);
	a->global = global;
	if (!take_url(p, w->url, a))
		return (false);
	a->method = w->method;
	a->signin = signin_of(p, w->signin, w->param != NULL ? w->param :
	    "rd");
	a->redirect = w->redirect;
	a->copy = w->copy;
	a->cookies = w->cookies;
	if (w->headers_ref != NULL) {
		if ((a->headers = ing_opt_headers(p, w->headers_ref, NULL)) ==
		    NULL)
			return (false);
		if (strcmp(a->headers->o.ns, p->ns) != 0 &&
		    !p->cross_namespace) {
			snprintf(p->why, sizeof p->why, "a ConfigMap of "
			    "another namespace may not be used");
			return (false);
		}
	}
	o->asks = a;
	return (true);
}

/* "[NAMESPACE/]NAME" of a ConfigMap. */
static bool
parse_ref(struct ing_parse *p, struct span v, void *field)
{
	const char *ref = arena_printf(p->mem, "%s%s%.*s",
	    span_find(v, '/') < 0 ? p->ns : "", span_find(v, '/') < 0 ? "/" :
	    "", SPAN_FMT(v));

	*(const char **)field = ref;
	return (true);
}

#define AT .at = ING_AT_RULES
#define PLAN .at = ING_AT_PLAN
#define NO_CACHE "no answer is kept: the service is asked each time"
#define POOL "connections to it are kept as those to servers"

const struct ing_opt ing_opt_ask[] = {
	{ .key = "auth-url", .kind = ING_O_STR, OPT(ask.url), AT,
	  .parse = ing_parse_text, .doc = "",
	  .lacks = "other variables in its host" },
	{ .key = "auth-signin", .kind = ING_O_STR, OPT(ask.signin), AT,
	  .parse = parse_signin, .doc = "" },
	{ .key = "auth-signin-redirect-param", .kind = ING_O_STR,
	  OPT(ask.param), AT, .parse = ing_parse_token, .doc = "" },
	{ .key = "auth-method", .kind = ING_O_STR, OPT(ask.method), AT,
	  .parse = parse_method, .doc = "" },
	{ .key = "auth-response-headers", .kind = ING_O_STRS, OPT(ask.copy),
	  AT, .parse = parse_headers, .doc = "" },
	{ .key = "auth-proxy-set-headers", .kind = ING_O_STR,
	  OPT(ask.headers_ref), AT, .parse = parse_ref, .doc = "" },
	{ .key = "auth-request-redirect", .kind = ING_O_STR,
	  OPT(ask.redirect), AT, .parse = parse_format, .doc = "" },
	{ .key = "auth-always-set-cookie", .kind = ING_O_BOOL,
	  OPT(ask.cookies), AT, .parse = ing_parse_bool, .dflt = "false",
	  .doc = "" },
	{ .key = "auth-cache-key", .configmap = "global-auth-cache-key",
	  .kind = ING_O_STR, OPT(ask_key), PLAN, .parse = ing_parse_text, .doc = NO_CACHE },
	{ .key = "auth-cache-duration",
	  .configmap = "global-auth-cache-duration", .kind = ING_O_STR,
	  OPT(ask_times), PLAN, .parse = parse_times, .doc = NO_CACHE },
	{ .key = "auth-keepalive", .kind = ING_O_INT, OPT(ask_pool), PLAN,
	  .parse = parse_any, .doc = POOL },
	{ .key = "auth-keepalive-share-vars", .kind = ING_O_BOOL,
	  OPT(ask_shared), PLAN, .parse = ing_parse_bool, .dflt = "false",
	  .doc = "the request has the same identifier in any case" },
	{ .key = "auth-keepalive-requests", .kind = ING_O_INT,
	  OPT(ask_pool_requests), PLAN, .parse = parse_any, .doc = POOL },
	{ .key = "auth-keepalive-timeout", .kind = ING_O_INT, OPT(ask_pool_s),
	  PLAN, .parse = parse_any, .doc = POOL },
	{ .key = "enable-global-auth", .kind = ING_O_BOOL,
	  OPT(global_auth_on), AT, .parse = ing_parse_bool,
	  .dflt = "true", .doc = "" },
	{ .configmap = "global-auth-url", .kind = ING_O_STR,
	  OPT(ask_global.url), AT, .parse = ing_parse_text,
	  .doc = "one that can't be read closes what it guards" },
	{ .configmap = "global-auth-signin", .kind = ING_O_STR,
	  OPT(ask_global.signin), AT, .parse = parse_signin, .doc = "" },
	{ .configmap = "global-auth-signin-redirect-param",
	  .kind = ING_O_STR, OPT(ask_global.param), AT,
	  .parse = ing_parse_token, .doc = "" },
	{ .configmap = "global-auth-method", .kind = ING_O_STR,
	  OPT(ask_global.method), AT, .parse = parse_method, .doc = "" },
	{ .configmap = "global-auth-response-headers", .kind = ING_O_STRS,
	  OPT(ask_global.copy), AT, .parse = parse_headers, .doc = "" },
	{ .configmap = "global-auth-request-redirect", .kind = ING_O_STR,
	  OPT(ask_global.redirect), AT, .parse = parse_format, .doc = "" },
	{ .configmap = "global-auth-always-set-cookie", .kind = ING_O_BOOL,
	  OPT(ask_global.cookies), AT, .parse = ing_parse_bool,
	  .dflt = "false", .doc = "" },
	{ .configmap = "enable-auth-access-log", .kind = ING_O_BOOL,
	  OPT(ask_log), PLAN, .parse = ing_parse_bool, .dflt = "false",
	  .doc = "" },
	{ .key = NULL }
};
