/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_response - what is done to the responses of servers: headers from a
 * ConfigMap, places and cookies that are named otherwise outside, their speed.
 */
#include "ing_opt_int.h"
#include "ing_place_int.h"

#include <stdio.h>

#include <base/num.h>
#include <ingress/store.h>

/* --- headers of a ConfigMap ------------------------------------------------ */

static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = span_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_'))
			return (false);
	}
	return (s.n > 0 && s.n <= 100);
}

static bool
is_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < ' ' || (uint8_t)s.p[i] > '~')
			return (false);
	return (s.n <= 2000);
}

static bool
parse_names(struct ing_parse *p, struct span v, void *field)
{
	return (ing_parse_list(p, v, field, is_name,
	    "names of headers, with commas between"));
}

static bool
parse_ref(struct ing_parse *p, struct span v, void *field)
{
	if (span_find(v, '/') <= 0)
		return (ing_parse_bad(p, v, "NAMESPACE/NAME of a ConfigMap"));
	return (ing_parse_text(p, v, field));
}

static bool
is_allowed(const struct ing_strs *names, const char *name)
{
	for (uint32_t i = 0; i < names->n; i++)
		if (span_iis(span_str(names->v[i]), name))
			return (true);
	return (false);
}

const struct ing_data *
ing_opt_headers(struct ing_parse *p, const char *ref,
    const struct ing_strs *allowed)
{
	const struct ing_data *d = ing_opt_data(p, ING_CONFIGMAP, ref);

	if (d == NULL)
		return (NULL);
	ING_EACH(struct ing_pair, h, d->data) {
		if (!is_name(span_str(h->key)) || !is_value(h->value)) {
			snprintf(p->why, sizeof p->why, "ConfigMap '%.80s': "
			    "'%.40s' is no header", ref, h->key);
			return (NULL);
		}
		if (allowed != NULL && !is_allowed(allowed, h->key)) {
			snprintf(p->why, sizeof p->why, "header '%.40s' is not "
			    "among the global-allowed-response-headers",
			    h->key);
			return (NULL);
		}
	}
	return (d);
}

/* Of another namespace, too: names are what the administrator allowed. */
bool
ing_opt_headers_finish(struct ing_parse *p, struct ing_opts *o)
{
	if (o->headers_ref == NULL)
		return (true);
	o->headers = ing_opt_headers(p, o->headers_ref, &o->headers_allowed);
	return (o->headers != NULL);
}

/* --- texts that are replaced ----------------------------------------------- */

static bool
is_printable(struct span s, const char *not)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' ||
		    strchr(not, s.p[i]) != NULL)
			return (false);
	return (s.n > 0 && s.n <= 500);
}

/* A text that means itself, or an expression. */
static bool
check_old(struct ing_parse *p, struct span v, struct ing_old *o)
{
	if (!ing_old_read(v, o))
		return (ing_parse_bad(p, v, "an expression with ^ at its start "
		    "alone, and no | beside it but in parentheses"));
	if (!is_printable(o->text, o->regex ? "'\"" : "$\\\"';"))
		return (ing_parse_bad(p, v, "a text without variables, or ~ "
		    "and an expression"));
	return (!o->regex ||
	    ing_regex_check(arena_dup(p->mem, o->text), p->why));
}

/* What takes its place: $1 to $9 of an expression, and variables. */
static bool
check_new(struct ing_parse *p, struct span v)
{
	struct ing_place place;

	return ((is_printable(v, "\\\"'") &&
	    ing_place_read(p->mem, v, &place)) || ing_parse_bad(p, v,
	    "a text, with $1 or variables like $host in it"));
}

static bool
parse_to(struct ing_parse *p, struct span v, void *field)
{
	if (span_is(v, "off")) {
		*(const char **)field = NULL;
		return (true);
	}
	return (check_new(p, v) && ing_parse_text(p, v, field));
}

/* "default" would be the address of the server, which none of them names. */
static bool
parse_from(struct ing_parse *p, struct span v, void *field)
{
	struct ing_old old;

	if (span_is(v, "off") || span_is(v, "default")) {
		*(const char **)field = NULL;
		return (true);
	}
	return (check_old(p, v, &old) && ing_parse_text(p, v, field));
}

#define GROUPS 7        /* of nine, two are ours */

static bool
check_pair(struct ing_parse *p, struct span old, struct span new)
{
	struct ing_old o;
	struct text t;
	int n = 0;

	if (!check_old(p, old, &o) || !check_new(p, new))
		return (false);
	text_init(&t);
	if (o.regex)
		n = ing_old_inside(&t, o.text);
	text_fini(&t);
	return ((n >= 0 && n <= GROUPS) || ing_parse_bad(p, old,
	    "an expression with 7 groups at most, without \\Q and the like, "
	    "and without \\S and the like in a class"));
}

/* "off", or "OLD NEW". */
static bool
parse_pair(struct ing_parse *p, struct span v, void *field)
{
	struct ing_strs *out = field;
	struct span word, words[2];
	uint32_t n = 0;

	while (span_cut(&v, ' ', &word)) {
		if (word.n == 0)
			continue;
		if (n == 2)
			return (ing_parse_bad(p, word, "off, or two texts"));
		words[n++] = word;
	}
	if (n == 1 && span_is(words[0], "off"))
		n = 0;
	else if (n != 2)
		return (ing_parse_bad(p, words[0], "off, or two texts"));
	else if (!check_pair(p, words[0], words[1]))
		return (false);
	out->v = arena_get(p->mem, 2 * sizeof *out->v);
	for (out->n = 0; out->n < n; out->n++)
		out->v[out->n] = arena_dup(p->mem, words[out->n]);
	return (true);
}

static bool
parse_rate(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (!num_u64(v, &n) || n > 4000000)
		return (ing_parse_bad(p, v, "a number of kilobytes "
		    "up to 4000000"));
	*(int64_t *)field = (int64_t)n;
	return (true);
}

#define AT .at = ING_AT_RULES

const struct ing_opt ing_opt_response[] = {
	{ .configmap = "global-allowed-response-headers", .kind = ING_O_STRS,
	  OPT(headers_allowed), .at = ING_AT_PLAN, .parse = parse_names,
	  .doc = "" },
	{ .key = "custom-headers", .kind = ING_O_STR, OPT(headers_ref), AT,
	  .parse = parse_ref, .doc = "" },
	{ .key = "proxy-redirect-from", .configmap = "proxy-redirect-from",
	  .kind = ING_O_STR, OPT(redirect_from), AT, .parse = parse_from,
	  .dflt = "off", .doc = "", .lacks = "variables" },
	{ .key = "proxy-redirect-to", .configmap = "proxy-redirect-to",
	  .kind = ING_O_STR, OPT(redirect_to), AT, .parse = parse_to,
	  .dflt = "off", .doc = "" },
	{ .key = "proxy-cookie-path", .configmap = "proxy-cookie-path",
	  .kind = ING_O_STRS, OPT(cookie_paths), AT, .parse = parse_pair,
	  .dflt = "off", .doc = "", .lacks = "variables in the first text" },
	{ .key = "proxy-cookie-domain", .configmap = "proxy-cookie-domain",
	  .kind = ING_O_STRS, OPT(cookie_domains), AT, .parse = parse_pair,
	  .dflt = "off", .doc = "", .lacks = "variables in the first text" },
	{ .key = "limit-rate-after", .configmap = "limit-rate-after",
	  .kind = ING_O_INT, OPT(rate_after_kb), .at = ING_AT_BACKEND,
	  .parse = parse_rate, .doc = "" },
	{ .key = "limit-rate", .configmap = "limit-rate", .kind = ING_O_INT,
	  OPT(rate_kb), .at = ING_AT_BACKEND, .parse = parse_rate,
	  .doc = "" },
	{ .key = NULL }
};
