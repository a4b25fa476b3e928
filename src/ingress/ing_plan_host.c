/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_plan_host - hosts, their mode, and what is at their paths.
 *
 * The oldest Ingress keeps what two of them claim. A host is in regex mode when
 * any of its Ingresses asks for it, or rewrites; then all its paths are regular
 * expressions, the longest text first.
 * Source: controller.md 2 to 5.
 */
#include "ing_plan_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>

/* --- hosts ----------------------------------------------------------------- */

static struct ing_plan_host *
get_host(struct ing_planning *p, const char *name)
{
	struct ing_plan *plan = p->plan;
	struct span key = span_str(name == NULL ? "_" : name);
	struct ing_plan_host *h = ing_index_get(&p->hosts, key);

	if (h != NULL)
		return (h);
	h = arena_zget(p->mem, sizeof *h);
	h->name = key.p;
	ing_index_put(&p->hosts, key, h);
	plan->hosts = ing_plan_vec(p->mem, plan->hosts, plan->n_hosts,
	    sizeof *plan->hosts);
	plan->hosts[plan->n_hosts++] = h;
	return (h);
}

static const char *
path_of(const struct ing_path *path)
{
	return (path->path == NULL ? "/" : path->path);
}

static bool
wants_regex(const struct ing_taken *t, const struct ing_rule *rule)
{
	if (t->opts->use_regex)
		return (true);
	if (t->opts->rewrite_target == NULL)
		return (false);
	ING_EACH(struct ing_path, path, rule->paths)
		if (strcmp(path_of(path), t->opts->rewrite_target) != 0)
			return (true);
	return (false);
}

void
ing_plan_hosts(struct ing_planning *p)
{
	for (uint32_t i = 0; i < p->n_taken; i++) {
		struct ing_taken *t = &p->taken[i];

		if (t->opts->canary)
			continue;
		ING_EACH(struct ing_rule, rule, t->ing->rules) {
			struct ing_plan_host *h = get_host(p, rule->host);

			if (!h->regex && wants_regex(t, rule)) {
				h->regex = true;
				h->regex_by = t->ing;
			}
		}
		if (t->ing->rules.n == 0 && t->ing->dflt.service != NULL)
			get_host(p, NULL);
	}
}

/* --- paths ----------------------------------------------------------------- */

static bool
set_match(const struct ing_plan_host *h, const struct ing_path *path,
    enum ing_match *out)
{
	const char *type = path->type;

	if (type == NULL || strcmp(type, "ImplementationSpecific") == 0)
		*out = ING_BEGINS;
	else if (strcmp(type, "Exact") == 0)
		*out = ING_EXACT;
	else if (strcmp(type, "Prefix") == 0)
		*out = ING_ELEMENT;
	else
		return (false);
	if (h->regex)
		*out = ING_REGEX;
	return (true);
}

static bool
check_path(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_plan_host *h, const char *path)
{
	char why[200] = "";

	if (path[0] != '/')
		snprintf(why, sizeof why, "expected a '/' at its start");
	else if (strchr(path, ' ') != NULL)
		snprintf(why, sizeof why, "expected no blank in it");
	else if (!h->regex || ing_regex_check(path, why))
		return (true);
	ing_plan_problem(p->plan, &t->ing->o, "InvalidPath", true,
	    "path '%.100s' of host '%s' is left out: %s", path, h->name,
	    why);
	return (false);
}

/* Exact and Prefix are texts: what looks like more is told about. */
static void
tell_odd(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_plan_host *h, const struct ing_path *path)
{
	bool text = path->type != NULL && (strcmp(path->type, "Exact") == 0 ||
	    strcmp(path->type, "Prefix") == 0);

	if (!p->plan->defaults.strict_paths || !text || path->path == NULL)
		return;
	for (const char *c = path->path; *c != '\0'; c++) {
		char b = span_lower(*c);

		if ((b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') ||
		    strchr("/-._", b) != NULL)
			continue;
		ing_plan_problem(p->plan, &t->ing->o, "PathType", false,
		    "path '%.100s' of host '%s' is of type %s, but has more "
		    "in it than letters, digits and /-._; ImplementationSpecific "
		    "says that it is meant", path->path, h->name, path->type);
		return;
	}
}

static void
tell_loser(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_plan_host *h, const char *path, const struct ing_loc *by)
{
	ing_plan_problem(p->plan, &t->ing->o, "PathConflict", true,
	    "path '%.100s' of host '%s' is left out: Ingress %s/%s, which is "
	    "older, has it", path, h->name, by->by->o.ns, by->by->o.name);
}

/* The text that a location is found by, without what comes after it. */
static const char *
strip(struct ing_planning *p, enum ing_match match, const char *path)
{
	size_t n = strlen(path);

	while (match == ING_ELEMENT && n > 1 && path[n - 1] == '/')
		n--;
	return (path[n] == '\0' ? path : arena_dup(p->mem,
	    span_of(path, n)));
}

/* What two locations of a host can't both have. */
static struct span
claim(struct ing_planning *p, const struct ing_plan_host *h,
    const struct ing_loc *loc)
{
	const char *begins = loc->path;

	switch (loc->match) {
	case ING_EXACT:
		return (ing_plan_key(p, h->name, "exact", loc->path, ""));
	case ING_REGEX:
		return (ing_plan_key(p, h->name, "regex", loc->path, ""));
	case ING_ELEMENT:
		if (strcmp(begins, "/") != 0)
			begins = arena_printf(p->mem, "%s/", begins);
		break;
	case ING_BEGINS:
		break;
	}
	return (ing_plan_key(p, h->name, "begins", begins, ""));
}

/* The Service that answers while another has no server; NULL: none. */
static struct ing_plan_be *
find_default(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_plan_be *empty)
{
	const char *name = t->opts->dflt_service;
	struct ing_backend_ref ref = { .service = name };
	const struct ing_svc_port *port;
	const struct ing_service *s;
	struct ing_plan_be *be;

	if (name == NULL || empty->n_servers > 0)
		return (NULL);
	s = (const struct ing_service *)ing_store_find(p->store, ING_SERVICE,
	    t->ing->o.ns, name);
	if (s == NULL || s->ports.n == 0) {
		ing_plan_problem(p->plan, &t->ing->o, "DefaultBackend", false,
		    "default-backend: there is no Service '%s' with a port",
		    name);
		return (NULL);
	}
	port = s->ports.v;
	ref.port = port->port;
	be = ing_plan_be(p, t, &ref);
	return (be != NULL && be->n_servers > 0 ? be : NULL);
}

/* Where a location leads. */
static void
lead(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_plan_host *h, const struct ing_backend_ref *ref,
    const char *path, struct ing_loc *loc)
{
	struct ing_plan_be *be, *other;

	loc->by = t->ing;
	if (h->client != NULL && h->client->closed) {
		loc->to = ING_TO_403;
		return;
	}
	if (!t->open) {
		loc->to = ING_TO_503;
		return;
	}
	if ((be = ing_plan_be(p, t, ref)) == NULL) {
		loc->to = ING_TO_404;
		ing_plan_problem(p->plan, &t->ing->o, "InvalidBackend", true,
		    "path '%.100s' of host '%s' answers 404: its backend is "
		    "no Service with a port", path == NULL ? "/" : path,
		    h->name);
		return;
	}
	loc->to = ING_TO_BACKEND;
	other = find_default(p, t, be);
	loc->be = other != NULL ? other : be;
	loc->policy = ing_plan_policy(p, loc->be, t, path, h,
	    other != NULL ? be : NULL);
}

/* The locations of a path that are not left out so far: where, and by what. */
static bool
set_loc(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_plan_host *h, const struct ing_path *path,
    struct ing_loc *loc)
{
	loc->by = t->ing;
	if (!set_match(h, path, &loc->match)) {
		ing_plan_problem(p->plan, &t->ing->o, "InvalidPath", true,
		    "path '%.100s' of host '%s' is left out: expected Exact, "
		    "Prefix or ImplementationSpecific as pathType, found "
		    "'%.60s'", path_of(path), h->name, path->type);
		return (false);
	}
	if (!check_path(p, t, h, path_of(path)))
		return (false);
	loc->path = strip(p, loc->match, path_of(path));
	return (true);
}

static void
add_path(struct ing_planning *p, const struct ing_taken *t,
    struct ing_plan_host *h, const struct ing_path *path)
{
	struct ing_loc *mine = arena_zget(p->mem, sizeof *mine), *first;

	tell_odd(p, t, h, path);
	if (!set_loc(p, t, h, path, mine))
		return;
	first = ing_index_put(&p->keys, claim(p, h, mine), mine);
	if (first != mine) {
		tell_loser(p, t, h, mine->path, first);
		return;
	}
	lead(p, t, h, &path->backend, mine->path, mine);
	h->locs = ing_plan_vec(p->mem, h->locs, h->n_locs, sizeof *h->locs);
	h->locs[h->n_locs++] = mine;
}

/* --- canaries -------------------------------------------------------------- */

static void
refuse_canary(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_loc *loc, const char *host, const char *text)
{
	ing_plan_problem(p->plan, &t->ing->o, "CanaryRefused", true,
	    "path '%.100s' of host '%s': %s", loc->path, host, text);
}

/* A second backend of a location that another Ingress has; what is done to a
 * request stays the other's business. */
static void
add_canary(struct ing_planning *p, struct ing_taken *t,
    const struct ing_plan_host *h, const struct ing_path *path)
{
	struct ing_loc loc = { .by = t->ing }, *first;
	struct ing_plan_be *be;

	if (!set_loc(p, t, h, path, &loc))
		return;
	first = ing_index_get(&p->keys, claim(p, h, &loc));
	if (first == NULL || first->match != loc.match)
		refuse_canary(p, t, &loc, h->name, "no other Ingress has the "
		    "same host, path and type");
	else if (first->canary != NULL)
		refuse_canary(p, t, &loc, h->name, "it has a canary already");
	else if (strcmp(first->by->o.ns, t->ing->o.ns) != 0)
		refuse_canary(p, t, &loc, h->name, "an Ingress of another "
		    "namespace has it");
	else if (first->to != ING_TO_BACKEND)
		return;                 /* said with the other Ingress */
	else if (!t->open)
		refuse_canary(p, t, &loc, h->name, "an annotation that guards "
		    "something can't be obeyed");
	else if ((be = ing_plan_canary_be(p, first, t, &path->backend)) ==
	    NULL || be == first->be)
		refuse_canary(p, t, &loc, h->name, "expected another Service "
		    "with a port as its backend");
	else {
		first->canary = t->ing;
		first->canary_opts = t->opts;
		first->canary_be = be;
		first->canary_policy = ing_plan_policy_as(p, be,
		    first->policy);
	}
}

static void
add_canaries(struct ing_planning *p, struct ing_taken *t)
{
	ING_EACH(struct ing_rule, rule, t->ing->rules) {
		const char *name = rule->host == NULL ? "_" : rule->host;
		struct ing_plan_host *h = ing_index_get(&p->hosts,
		    span_str(name));

		if (h == NULL) {
			ing_plan_problem(p->plan, &t->ing->o, "CanaryRefused",
			    true, "no other Ingress has the host '%s'", name);
			continue;
		}
		ING_EACH(struct ing_path, path, rule->paths)
			add_canary(p, t, h, path);
	}
}

/* For all paths of a host that nothing else is at: the oldest one. */
static void
add_default(struct ing_planning *p, const struct ing_taken *t,
    struct ing_plan_host *h)
{
	if (h->dflt != NULL) {
		ing_plan_problem(p->plan, &t->ing->o, "DefaultBackend", true,
		    "its default backend for host '%s' is left out: Ingress "
		    "%s/%s, which is older, has one", h->name,
		    h->dflt->by->o.ns, h->dflt->by->o.name);
		return;
	}
	h->dflt = arena_zget(p->mem, sizeof *h->dflt);
	lead(p, t, h, &t->ing->dflt, NULL, h->dflt);
}

static int
plain_cmp(const void *a, const void *b)
{
	const struct ing_loc *x = *(struct ing_loc *const *)a;
	const struct ing_loc *y = *(struct ing_loc *const *)b;
	int c = strcmp(x->path, y->path);

	return (c != 0 ? c : (int)x->match - (int)y->match);
}

/* The longest text first, then in reverse order of the alphabet. */
static int
regex_cmp(const void *a, const void *b)
{
	const struct ing_loc *x = *(struct ing_loc *const *)a;
	const struct ing_loc *y = *(struct ing_loc *const *)b;
	size_t n = strlen(x->path), m = strlen(y->path);

	if (n != m)
		return (n > m ? -1 : 1);
	return (strcmp(y->path, x->path));
}

/* The Service at "/" gets the TLS of the host as it comes; the oldest one. */
static void
pass_tls(struct ing_planning *p, const struct ing_taken *t,
    struct ing_plan_host *h, const struct ing_rule *rule)
{
	if (!p->o->enable_ssl_passthrough) {
		ing_plan_problem(p->plan, &t->ing->o, "PassthroughDisabled",
		    true, "ssl-passthrough needs --enable-ssl-passthrough");
		return;
	}
	if (rule->host == NULL) {
		ing_plan_problem(p->plan, &t->ing->o, "PassthroughRefused",
		    true, "ssl-passthrough needs a host");
		return;
	}
	ING_EACH(struct ing_path, path, rule->paths)
		if (h->pass == NULL && strcmp(path_of(path), "/") == 0)
			h->pass = ing_plan_tcp_be(p, t, &path->backend);
}

static void
add_rules(struct ing_planning *p, struct ing_taken *t)
{
	bool dflt = t->ing->dflt.service != NULL ||
	    t->ing->dflt.resource != NULL;

	ING_EACH(struct ing_rule, rule, t->ing->rules) {
		struct ing_plan_host *h = get_host(p, rule->host);

		if (t->opts->passthrough)
			pass_tls(p, t, h, rule);
		ING_EACH(struct ing_path, path, rule->paths)
			add_path(p, t, h, path);
		if (dflt && (h->dflt == NULL || h->dflt->by != t->ing))
			add_default(p, t, h);
	}
	if (dflt && t->ing->rules.n == 0)
		add_default(p, t, get_host(p, NULL));
}

void
ing_plan_locs(struct ing_planning *p)
{
	for (uint32_t i = 0; i < p->n_taken; i++)
		if (!p->taken[i].opts->canary)
			add_rules(p, &p->taken[i]);
	for (uint32_t i = 0; i < p->n_taken; i++)
		if (p->taken[i].opts->canary)
			add_canaries(p, &p->taken[i]);
	for (uint32_t i = 0; i < p->plan->n_hosts; i++) {
		struct ing_plan_host *h = p->plan->hosts[i];

		if (h->n_locs > 0)
			qsort(h->locs, h->n_locs, sizeof *h->locs,
			    h->regex ? regex_cmp : plain_cmp);
	}
}
