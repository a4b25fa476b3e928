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

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <base/must.h>

#define REGEX_MAX 1024u

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
	if (t->opts.use_regex)
		return (true);
	if (t->opts.rewrite_target == NULL)
		return (false);
	ING_EACH(struct ing_path, path, rule->paths)
		if (strcmp(path_of(path), t->opts.rewrite_target) != 0)
			return (true);
	return (false);
}

void
ing_plan_hosts(struct ing_planning *p)
{
	for (uint32_t i = 0; i < p->n_taken; i++) {
		struct ing_taken *t = &p->taken[i];

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

/* A regular expression that the proxy will accept, and that looks at nothing
 * but the text. */
static bool
is_regex(const char *path, char why[200])
{
	PCRE2_UCHAR text[120];
	PCRE2_SIZE at;
	pcre2_code *re;
	int err;

	if (strlen(path) > REGEX_MAX) {
		snprintf(why, 200, "at most %u characters", REGEX_MAX);
		return (false);
	}
	re = pcre2_compile((PCRE2_SPTR)path, PCRE2_ZERO_TERMINATED,
	    PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C, &err, &at, NULL);
	if (re != NULL) {
		pcre2_code_free(re);
		return (true);
	}
	pcre2_get_error_message(err, text, sizeof text);
	snprintf(why, 200, "a regular expression: %s (at character %zu)",
	    (char *)text, (size_t)at + 1);
	return (false);
}

static bool
check_path(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_plan_host *h, const char *path)
{
	char why[200] = "";

	if (path[0] != '/')
		snprintf(why, sizeof why, "a '/' at its start");
	else if (strchr(path, ' ') != NULL)
		snprintf(why, sizeof why, "no blank in it");
	else if (!h->regex || is_regex(path, why))
		return (true);
	ing_plan_problem(p->plan, &t->ing->o, "InvalidPath", true,
	    "path '%.100s' of host '%s' is left out: expected %s", path,
	    h->name, why);
	return (false);
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

/* Where a location leads. */
static void
lead(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_plan_host *h, const struct ing_backend_ref *ref,
    const char *path, struct ing_loc *loc)
{
	struct ing_plan_be *be;

	loc->by = t->ing;
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
	loc->be = be;
	loc->policy = ing_plan_policy(p, be, t, path, h->has_tls);
}

static void
add_path(struct ing_planning *p, const struct ing_taken *t,
    struct ing_plan_host *h, const struct ing_path *path)
{
	struct ing_loc loc = { .by = t->ing }, *mine, *first;

	if (!set_match(h, path, &loc.match)) {
		ing_plan_problem(p->plan, &t->ing->o, "InvalidPath", true,
		    "path '%.100s' of host '%s' is left out: expected Exact, "
		    "Prefix or ImplementationSpecific as pathType, found "
		    "'%.60s'", path_of(path), h->name, path->type);
		return;
	}
	if (!check_path(p, t, h, path_of(path)))
		return;
	loc.path = strip(p, loc.match, path_of(path));
	mine = arena_zget(p->mem, sizeof *mine);
	*mine = loc;
	first = ing_index_put(&p->keys, claim(p, h, &loc), mine);
	if (first != mine) {
		tell_loser(p, t, h, loc.path, first);
		return;
	}
	lead(p, t, h, &path->backend, loc.path, &loc);
	h->locs = ing_plan_vec(p->mem, h->locs, h->n_locs, sizeof *h->locs);
	h->locs[h->n_locs++] = loc;
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
	const struct ing_loc *x = a, *y = b;
	int c = strcmp(x->path, y->path);

	return (c != 0 ? c : (int)x->match - (int)y->match);
}

/* The longest text first, then in reverse order of the alphabet. */
static int
regex_cmp(const void *a, const void *b)
{
	const struct ing_loc *x = a, *y = b;
	size_t n = strlen(x->path), m = strlen(y->path);

	if (n != m)
		return (n > m ? -1 : 1);
	return (strcmp(y->path, x->path));
}

void
ing_plan_locs(struct ing_planning *p)
{
	for (uint32_t i = 0; i < p->n_taken; i++) {
		struct ing_taken *t = &p->taken[i];
		bool dflt = t->ing->dflt.service != NULL ||
		    t->ing->dflt.resource != NULL;

		ING_EACH(struct ing_rule, rule, t->ing->rules) {
			struct ing_plan_host *h = get_host(p, rule->host);

			ING_EACH(struct ing_path, path, rule->paths)
				add_path(p, t, h, path);
			if (dflt && (h->dflt == NULL || h->dflt->by !=
			    t->ing))
				add_default(p, t, h);
		}
		if (dflt && t->ing->rules.n == 0)
			add_default(p, t, get_host(p, NULL));
	}
	for (uint32_t i = 0; i < p->plan->n_hosts; i++) {
		struct ing_plan_host *h = p->plan->hosts[i];

		if (h->n_locs > 0)
			qsort(h->locs, h->n_locs, sizeof *h->locs,
			    h->regex ? regex_cmp : plain_cmp);
	}
}
