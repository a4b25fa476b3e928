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

static bool
parse_hash(struct ing_parse *p, struct span v, void *field)
{
	struct text t;
	bool good;

	text_init(&t);
	good = ing_opt_vars(&t, v, "-");
	if (good)
		*(const char **)field = arena_dup(p->mem, text_span(&t));
	text_fini(&t);
	return (good || ing_parse_bad(p, v, "variables like $request_uri, "
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
		if (!ing_opt_is_word(v.p[i]) && strchr("-.", v.p[i]) == NULL)
			return (ing_parse_bad(p, v, "a domain"));
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

bool
ing_is_plain_path(const char *path)
{
	for (const char *c = path; *c != '\0'; c++)
		if (!ing_opt_is_word(*c) && strchr("/-.~%+@:", *c) == NULL)
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
