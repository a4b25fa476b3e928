/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_route - what decides where a request goes: regex mode, rewriting,
 * redirects to HTTPS.
 */
#include "ing_opt_int.h"

#include <stdio.h>

/* The characters that ingress-nginx lets through; a target with others is not
 * used, as there. */
static bool
parse_rewrite(struct ing_parse *p, struct span v, void *field)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || strchr("-._~/:$", c) != NULL)
			continue;
		snprintf(p->why, sizeof p->why, "expected a path of letters, "
		    "digits and -._~/:$ only, found '%c'", c);
		return (false);
	}
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

/* What may be in a URL that is put into an answer as it is. */
static bool
is_url_text(struct span v)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (c <= ' ' || c == 0x7f || strchr("\"'`<>{}|\\^$", c) != NULL)
			return (false);
	}
	return (true);
}

bool
ing_parse_url(struct ing_parse *p, struct span v, void *field)
{
	if ((!span_begins(v, SPAN("http://")) &&
	    !span_begins(v, SPAN("https://"))) || !is_url_text(v))
		return (ing_parse_bad(p, v, "an absolute URL, http:// or "
		    "https://"));
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

static bool
parse_path(struct ing_parse *p, struct span v, void *field)
{
	if (v.p[0] != '/' || span_begins(v, SPAN("//")) || !is_url_text(v))
		return (ing_parse_bad(p, v, "a path that begins with one '/'"));
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

static bool
parse_permanent(struct ing_parse *p, struct span v, void *field)
{
	static const int64_t codes[] = { 301, 302, 303, 307, 308, 0 };

	return (ing_parse_code(p, v, field, codes));
}

static bool
parse_temporal(struct ing_parse *p, struct span v, void *field)
{
	static const int64_t codes[] = { 302, 301, 303, 307, 0 };

	return (ing_parse_code(p, v, field, codes));
}

#define AT .at = ING_AT_RULES

const struct ing_opt ing_opt_route[] = {
	{ .key = "ssl-redirect", .configmap = "ssl-redirect",
	  .kind = ING_O_BOOL, OPT(ssl_redirect), AT,
	  .parse = ing_parse_bool, .dflt = "true", .doc = "" },
	{ .key = "force-ssl-redirect", .configmap = "force-ssl-redirect",
	  .kind = ING_O_BOOL, OPT(force_ssl_redirect), AT,
	  .parse = ing_parse_bool, .doc = "" },
	{ .key = "preserve-trailing-slash",
	  .configmap = "preserve-trailing-slash", .kind = ING_O_BOOL,
	  OPT(preserve_slash), AT, .parse = ing_parse_bool, .doc = "" },
	{ .key = "use-regex", .kind = ING_O_BOOL, OPT(use_regex),
	  .at = ING_AT_PLAN, .parse = ing_parse_bool, .doc = "" },
	{ .key = "ssl-passthrough", .kind = ING_O_BOOL, OPT(passthrough),
	  .at = ING_AT_PLAN, .parse = ing_parse_bool, .doc = "" },
	{ .key = "rewrite-target", .kind = ING_O_STR, OPT(rewrite_target), AT,
	  .parse = parse_rewrite, .doc = "" },
	{ .key = "x-forwarded-prefix", .kind = ING_O_STR,
	  OPT(forwarded_prefix), AT, .parse = parse_rewrite, .doc = "" },
	{ .key = "app-root", .kind = ING_O_STR, OPT(app_root), AT,
	  .parse = parse_path, .doc = "" },
	{ .key = "permanent-redirect", .kind = ING_O_STR,
	  OPT(permanent_redirect), AT, .parse = ing_parse_url, .doc = "" },
	{ .key = "permanent-redirect-code", .kind = ING_O_INT,
	  OPT(permanent_code), AT, .parse = parse_permanent, .dflt = "301",
	  .doc = "300, 304, 305 and 306 become 301" },
	{ .key = "temporal-redirect", .kind = ING_O_STR,
	  OPT(temporal_redirect), AT, .parse = ing_parse_url, .doc = "" },
	{ .key = "temporal-redirect-code", .kind = ING_O_INT,
	  OPT(temporal_code), AT, .parse = parse_temporal, .dflt = "302",
	  .doc = "300, 304, 305 and 306 become 302" },
	{ .key = "relative-redirects", .configmap = "relative-redirects",
	  .kind = ING_O_BOOL, OPT(relative), AT, .parse = ing_parse_bool,
	  .doc = "that of app-root; others lead to another scheme or host" },
	{ .key = "use-port-in-redirects",
	  .configmap = "use-port-in-redirects", .kind = ING_O_BOOL,
	  OPT(redirect_port), AT, .parse = ing_parse_bool, .doc = "" },
	{ .key = NULL }
};
