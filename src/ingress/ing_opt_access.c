/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_access - who may use a location: addresses, and passwords.
 *
 * All of it fails closed. A Secret without auth-type protects as well, where
 * ingress-nginx leaves the location open.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#include <ingress/store.h>

#define USERS_MAX 10000u

static bool
parse_type(struct ing_parse *p, struct span v, void *field)
{
	if (!span_is(v, "basic"))
		return (ing_parse_bad(p, v, "basic (digest is not supported)"));
	*(int64_t *)field = 1;
	return (true);
}

/* Nobody looks into requests here: who asks for that is not served without. */
static bool
parse_waf(struct ing_parse *p, struct span v, void *field)
{
	int64_t on = 1;

	if (ing_parse_bool(p, v, &on) && !on) {
		*(int64_t *)field = 0;
		return (true);
	}
	snprintf(p->why, sizeof p->why, "expected false (there is no firewall "
	    "for applications yet), found '%.*s'", (int)(v.n > 20 ? 20 : v.n),
	    v.p);
	return (false);
}

static bool
parse_secret_type(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "auth-file", "auth-map", NULL };

	return (ing_parse_enum(p, v, field, words, "auth-file or auth-map"));
}

static bool
parse_satisfy(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "all", "any", NULL };

	return (ing_parse_enum(p, v, field, words, "all or any"));
}

static bool
parse_realm(struct ing_parse *p, struct span v, void *field)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = span_lower(v.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    strchr("-_.~/: ", c) != NULL))
			return (ing_parse_bad(p, v, "letters, digits, blanks "
			    "and -_.~/:"));
	}
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

/* --- the users of a Secret ------------------------------------------------- */

static bool
is_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return (false);
	return (s.n > 0 && s.n <= 255);
}

static void
add_user(struct ing_parse *p, struct ing_users *u, struct span name,
    struct span hash)
{
	if (!is_printable(name) || !is_printable(hash) ||
	    u->n == USERS_MAX)
		return;                 /* not a line that could let in */
	for (uint32_t i = 0; i < u->n; i++)
		if (span_is(name, u->v[i].name))
			return;
	u->v[u->n].name = arena_dup(p->mem, name);
	u->v[u->n++].hash = arena_dup(p->mem, hash);
}

static uint32_t
count_lines(struct span s)
{
	uint32_t n = 1;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return (n);
}

static bool
read_file(struct ing_parse *p, const struct ing_data *s, struct ing_users *u)
{
	struct span rest = ing_pair_find(&s->data, "auth"), line;
	ptrdiff_t colon;

	if (rest.p == NULL) {
		snprintf(p->why, sizeof p->why, "Secret '%.80s' has no key "
		    "'auth'", s->o.name);
		return (false);
	}
	u->v = arena_get(p->mem, count_lines(rest) * sizeof *u->v);
	while (span_cut(&rest, '\n', &line)) {
		line = span_trim(line);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		colon = span_find(line, ':');
		if (colon <= 0 || line.p[0] == '#')
			continue;
		add_user(p, u, span_of(line.p, (size_t)colon),
		    span_skip(line, (size_t)colon + 1));
	}
	return (true);
}

static void
read_map(struct ing_parse *p, const struct ing_data *s, struct ing_users *u)
{
	u->v = arena_get(p->mem, (s->data.n + 1) * sizeof *u->v);
	ING_EACH(struct ing_pair, pair, s->data) {
		struct span v = span_trim(pair->value);

		while (v.n > 0 && strchr("\r\n", v.p[v.n - 1]) != NULL)
			v.n--;
		add_user(p, u, span_str(pair->key), v);
	}
}

const struct ing_data *
ing_opt_data(struct ing_parse *p, enum ing_kind kind, const char *ref)
{
	const char *slash = strchr(ref, '/'), *ns = p->ns, *name = ref;
	const struct ing_obj *o;

	if (slash != NULL) {
		ns = arena_dup(p->mem, span_of(ref, (size_t)(slash - ref)));
		name = slash + 1;
	}
	o = ing_store_find(p->store, kind, ns, name);
	if (o == NULL)
		snprintf(p->why, sizeof p->why, "there is no %s '%.120s'",
		    ing_kinds[kind].kind, ref);
	return ((const struct ing_data *)o);
}

const struct ing_data *
ing_opt_secret(struct ing_parse *p, const char *ref)
{
	const char *slash = strchr(ref, '/');

	if (slash != NULL && !p->cross_namespace &&
	    !span_is(span_of(ref, (size_t)(slash - ref)), p->ns)) {
		snprintf(p->why, sizeof p->why, "a Secret of another "
		    "namespace may not be used");
		return (NULL);
	}
	return (ing_opt_data(p, ING_SECRET, ref));
}

bool
ing_opt_auth_finish(struct ing_parse *p, struct ing_opts *o)
{
	const struct ing_data *s;
	struct ing_users *u;

	if (o->auth_secret == NULL && !o->auth_basic)
		return (true);
	if (o->auth_secret == NULL) {
		snprintf(p->why, sizeof p->why, "auth-type needs it");
		return (false);
	}
	if ((s = ing_opt_secret(p, o->auth_secret)) == NULL)
		return (false);
	u = arena_zget(p->mem, sizeof *u);
	u->id = arena_printf(p->mem, "%s_%s%s", s->o.ns, s->o.name,
	    o->auth_map ? "_map" : "");
	if (o->auth_map)
		read_map(p, s, u);
	else if (!read_file(p, s, u))
		return (false);
	o->users = u;
	return (true);
}

#define AT .at = ING_AT_RULES

const struct ing_opt ing_opt_access[] = {
	{ .key = "allowlist-source-range", .kind = ING_O_STRS, OPT(allow), AT,
	  .parse = ing_parse_cidrs, .doc = "" },
	{ .key = "whitelist-source-range",
	  .configmap = "whitelist-source-range", .kind = ING_O_STRS,
	  OPT(whitelist), AT, .parse = ing_parse_cidrs, .doc = "" },
	{ .key = "denylist-source-range",
	  .configmap = "denylist-source-range", .kind = ING_O_STRS, OPT(deny),
	  AT, .parse = ing_parse_cidrs, .doc = "" },
	{ .key = "auth-type", .kind = ING_O_BOOL, OPT(auth_basic), AT,
	  .parse = parse_type, .doc = "", .lacks = "digest" },
	{ .key = "auth-secret", .kind = ING_O_STR, OPT(auth_secret), AT,
	  .parse = ing_parse_text,
	  .doc = "protects without auth-type, too" },
	{ .key = "auth-secret-type", .kind = ING_O_BOOL, OPT(auth_map), AT,
	  .parse = parse_secret_type, .doc = "" },
	{ .key = "auth-realm", .kind = ING_O_STR, OPT(auth_realm), AT,
	  .parse = parse_realm, .doc = "" },
	{ .key = "satisfy", .kind = ING_O_BOOL, OPT(satisfy_any), AT,
	  .parse = parse_satisfy, .doc = "" },
	{ .key = "enable-modsecurity", .kind = ING_O_BOOL, OPT(waf),
	  .at = ING_AT_PLAN, .parse = parse_waf, .doc = "",
	  .lacks = "true (503)" },
	{ .key = "enable-owasp-core-rules", .kind = ING_O_BOOL,
	  OPT(waf_rules), .at = ING_AT_PLAN, .parse = parse_waf, .doc = "",
	  .lacks = "true (503)" },
	{ .key = NULL }
};
