/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_balance - which server of a backend gets a request.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#include <base/num.h>

static bool
parse_balance(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "round_robin", "ewma",
	    "leastconn", NULL };

	return (ing_parse_enum(p, v, field, words, "round_robin, ewma or "
	    "leastconn"));
}

/* Variables of nginx as samples. Those with a name behind them take letters,
 * digits and '_' of it. */
static const struct variable {
	const char *name, *sample;
	bool named;
} variables[] = {
	{ "request_uri", "pathq", false },
	{ "uri", "path", false },
	{ "args", "query", false },
	{ "query_string", "query", false },
	{ "remote_addr", "src", false },
	{ "binary_remote_addr", "src", false },
	{ "host", "req.hdr(host),host_only", false },
	{ "scheme", "var(txn.scheme)", false },
	{ "request_method", "method", false },
	{ "http_", "req.hdr(", true },
	{ "cookie_", "req.cook(", true },
	{ "arg_", "url_param(", true },
};

static bool
is_word(char c)
{
	c = span_lower(c);
	return ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
}

static bool
put_variable(struct text *t, struct span name)
{
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		const struct variable *v = &variables[i];
		struct span rest;

		if (!v->named && !span_is(name, v->name))
			continue;
		if (!v->named) {
			text_printf(t, "%%[%s]", v->sample);
			return (true);
		}
		if (!span_begins(name, span_str(v->name)) ||
		    name.n == strlen(v->name))
			continue;
		text_printf(t, "%%[%s", v->sample);
		rest = span_skip(name, strlen(v->name));
		/* $http_x_forwarded_for is the header X-Forwarded-For. */
		for (size_t k = 0; k < rest.n; k++)
			text_addc(t, rest.p[k] == '_' && i == 9 ? '-' :
			    rest.p[k]);
		text_addz(t, ")]");
		return (true);
	}
	return (false);
}

/* Cuts "$name" or "${name}" from the front. */
static bool
take_name(struct span *v, struct span *name)
{
	bool brace = v->n > 1 && v->p[1] == '{';
	size_t n = 0;

	*v = span_skip(*v, brace ? 2 : 1);
	while (n < v->n && is_word(v->p[n]))
		n++;
	*name = span_of(v->p, n);
	*v = span_skip(*v, n);
	if (brace && (v->n == 0 || v->p[0] != '}'))
		return (false);
	if (brace)
		*v = span_skip(*v, 1);
	return (n > 0);
}

static bool
parse_hash(struct ing_parse *p, struct span v, void *field)
{
	struct span all = v, name;
	struct text t;
	bool good = true;

	text_init(&t);
	while (good && v.n > 0) {
		if (v.p[0] == '$') {
			good = take_name(&v, &name) &&
			    put_variable(&t, name);
			continue;
		}
		good = is_word(v.p[0]) || v.p[0] == '-';
		text_addc(&t, v.p[0]);
		v = span_skip(v, 1);
	}
	if (good)
		*(const char **)field = arena_dup(p->mem, text_span(&t));
	text_fini(&t);
	return (good || ing_parse_bad(p, all, "variables like $request_uri, "
	    "$remote_addr, $http_NAME, $cookie_NAME, $arg_NAME"));
}

static bool
parse_affinity(struct ing_parse *p, struct span v, void *field)
{
	if (!span_is(v, "cookie"))
		return (ing_parse_bad(p, v, "cookie"));
	*(int64_t *)field = 1;
	return (true);
}

static bool
parse_mode(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "balanced", "persistent", NULL };

	return (ing_parse_enum(p, v, field, words,
	    "balanced or persistent"));
}

static bool
parse_samesite(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "None", "Lax", "Strict", NULL };
	int64_t n;

	if (!ing_parse_enum(p, v, &n, words, "None, Lax or Strict"))
		return (false);
	*(const char **)field = words[n];
	return (true);
}

static bool
parse_domain(struct ing_parse *p, struct span v, void *field)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_word(v.p[i]) && strchr("-.", v.p[i]) == NULL)
			return (ing_parse_bad(p, v, "a domain"));
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

bool
ing_is_plain_path(const char *path)
{
	for (const char *c = path; *c != '\0'; c++)
		if (!is_word(*c) && strchr("/-.~%+@:", *c) == NULL)
			return (false);
	return (path[0] == '/');
}

static bool
parse_cookie_path(struct ing_parse *p, struct span v, void *field)
{
	const char *path = arena_dup(p->mem, v);

	if (!ing_is_plain_path(path))
		return (ing_parse_bad(p, v, "a path of letters, digits and "
		    "/-._~%+@:"));
	*(const char **)field = path;
	return (true);
}

#define BE .at = ING_AT_BACKEND

const struct ing_opt ing_opt_balance[] = {
	{ .key = "load-balance", .configmap = "load-balance",
	  .kind = ING_O_INT, OPT(balance), .at = ING_AT_SERVICE,
	  .parse = parse_balance, .dflt = "round_robin",
	  .doc = "ewma is the better of two at random by connections; "
	  "leastconn is there, too" },
	{ .key = "upstream-hash-by", .kind = ING_O_STR, OPT(hash_by),
	  .at = ING_AT_SERVICE, .parse = parse_hash,
	  .doc = "which server a key leads to is another one than in nginx" },
	{ .key = "affinity", .kind = ING_O_BOOL, OPT(affinity), BE,
	  .parse = parse_affinity, .doc = "" },
	{ .key = "affinity-mode", .kind = ING_O_BOOL,
	  OPT(affinity_persistent), BE, .parse = parse_mode,
	  .doc = "both are persistent: a client stays until its server "
	  "goes" },
	{ .key = "session-cookie-name", .kind = ING_O_STR, OPT(cookie_name),
	  BE, .parse = ing_parse_token, .dflt = "INGRESSCOOKIE", .doc = "" },
	{ .key = "session-cookie-domain", .kind = ING_O_STR,
	  OPT(cookie_domain), BE, .parse = parse_domain, .doc = "" },
	{ .key = "session-cookie-samesite", .kind = ING_O_STR,
	  OPT(cookie_samesite), BE, .parse = parse_samesite, .doc = "" },
	{ .key = "session-cookie-max-age", .kind = ING_O_INT,
	  OPT(cookie_max_age_s), BE, .parse = ing_parse_age, .doc = "" },
	{ .key = "session-cookie-expires", .kind = ING_O_INT,
	  OPT(cookie_expires_s), BE, .parse = ing_parse_age, .doc = "" },
	{ .key = "session-cookie-path", .kind = ING_O_STR, OPT(cookie_path),
	  .at = ING_AT_RULES, .parse = parse_cookie_path,
	  .doc = "of a regular expression it is / when not said" },
	{ .key = "session-cookie-conditional-samesite-none",
	  .kind = ING_O_BOOL, OPT(cookie_conditional), BE,
	  .parse = ing_parse_bool, .doc = "" },
	{ .key = "session-cookie-secure", .kind = ING_O_BOOL,
	  OPT(cookie_secure), BE, .parse = ing_parse_bool,
	  .doc = "" },
	{ .key = "session-cookie-change-on-failure", .kind = ING_O_BOOL,
	  OPT(cookie_change), BE, .parse = ing_parse_bool, .doc = "" },
	{ .key = NULL }
};
