/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_cors - which pages of other origins may use a location.
 *
 * Where ingress-nginx falls back to "*" for a list of origins that it can't
 * read, nobody is allowed here.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#include <base/num.h>

static bool
is_host_char(char c)
{
	c = span_lower(c);
	return ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_');
}

/* "*", "null", or scheme://host[:port]; a star may be the host's first label. */
static bool
is_origin(struct span s)
{
	ptrdiff_t colon = span_search(s, SPAN("://"));
	ptrdiff_t port;
	uint64_t n;

	if (span_is(s, "*") || span_is(s, "null"))
		return (true);
	if (colon <= 0)
		return (false);
	for (ptrdiff_t i = 0; i < colon; i++)
		if (!is_host_char(s.p[i]))
			return (false);
	s = span_skip(s, (size_t)colon + 3);
	if ((port = span_find(s, ':')) >= 0) {
		if (!num_u64(span_skip(s, (size_t)port + 1), &n) ||
		    n > 65535)
			return (false);
		s.n = (size_t)port;
	}
	if (span_begins(s, SPAN("*.")))
		s = span_skip(s, 2);
	for (size_t i = 0; i < s.n; i++)
		if (!is_host_char(s.p[i]))
			return (false);
	return (s.n > 0);
}

static bool
parse_origins(struct ing_parse *p, struct span v, void *field)
{
	struct ing_strs *out = field;
	struct span rest = v, one;
	bool good = true;

	out->v = arena_get(p->mem, (v.n / 2 + 1) * sizeof *out->v);
	out->n = 0;
	while (span_cut(&rest, ',', &one)) {
		one = span_trim(one);
		if (one.n == 0)
			continue;
		if (is_origin(one))
			out->v[out->n++] = arena_dup(p->mem, one);
		else
			good = ing_parse_bad(p, one, "origins like "
			    "https://app.example.com or https://*.example.com"
			    " (it is left out)");
	}
	return (good);
}

/* Letters, digits, and what else is in names of methods and headers. */
static bool
parse_names(struct ing_parse *p, struct span v, void *field)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_host_char(v.p[i]) && strchr(", *", v.p[i]) == NULL)
			return (ing_parse_bad(p, v, "names with commas "
			    "between"));
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

static bool
parse_age(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (!num_u64(v, &n) || n > INT32_MAX)
		return (ing_parse_bad(p, v, "a number of seconds"));
	*(int64_t *)field = (int64_t)n;
	return (true);
}

#define AT .at = ING_AT_RULES

const struct ing_opt ing_opt_cors[] = {
	{ .key = "enable-cors", .kind = ING_O_BOOL, OPT(cors), AT,
	  .parse = ing_parse_bool, .doc = "" },
	{ .key = "cors-allow-origin", .kind = ING_O_STRS, OPT(cors_origins),
	  AT, .parse = parse_origins, .dflt = "*",
	  .doc = "one that can't be read allows nobody, not all; Vary: Origin "
	  "is sent" },
	{ .key = "cors-allow-methods", .kind = ING_O_STR, OPT(cors_methods),
	  AT, .parse = parse_names,
	  .dflt = "GET, PUT, POST, DELETE, PATCH, OPTIONS", .doc = "" },
	{ .key = "cors-allow-headers", .kind = ING_O_STR, OPT(cors_headers),
	  AT, .parse = parse_names,
	  .dflt = "DNT,Keep-Alive,User-Agent,X-Requested-With,"
	  "If-Modified-Since,Cache-Control,Content-Type,Range,Authorization",
	  .doc = "" },
	{ .key = "cors-expose-headers", .kind = ING_O_STR, OPT(cors_expose),
	  AT, .parse = parse_names, .doc = "" },
	{ .key = "cors-allow-credentials", .kind = ING_O_BOOL,
	  OPT(cors_credentials), AT, .parse = ing_parse_bool, .dflt = "true",
	  .doc = "" },
	{ .key = "cors-max-age", .kind = ING_O_INT, OPT(cors_max_age_s), AT,
	  .parse = parse_age, .dflt = "1728000", .doc = "" },
	{ .key = NULL }
};
