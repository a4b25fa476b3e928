/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_map - maps that lead from a host and a path to "BACKEND/POLICY".
 *
 * A host's key is its name; in regex mode with '~' before it, or with '^' when
 * its expressions can be looked up as prefixes of the path in lower case. An ELEMENT path
 * "/a" is "/a" in the exact map and "/a/" among the prefixes; an Exact rule for
 * the same path takes the first half from it. A location with a canary has
 * "BACKEND/POLICY/CLASS/BACKEND/POLICY", the class being what chooses.
 */
#include "ing_render_int.h"
#include "ing_index_int.h"

#include <stdlib.h>

#include <base/must.h>

struct maps {
	struct ing_rendering *r;
	struct text hosts, wild, names, www, exact, prefix, regex;
	struct text key, value;
	struct ing_index seen;          /* exact keys of hosts with '^' */
};

static void
put(struct maps *m, struct text *map)
{
	/* Hosts, paths and names were checked by the plan. */
	MUST(ing_map_write(map, text_span(&m->key), text_span(&m->value)));
}

static void
set_value(struct maps *m, const struct ing_loc *loc)
{
	text_clear(&m->value);
	if (loc->to == ING_TO_BACKEND) {
		text_addz(&m->value, loc->be->id);
		text_addc(&m->value, '/');
		text_addz(&m->value, loc->policy->id);
	}
	if (loc->to == ING_TO_BACKEND && loc->canary != NULL)
		text_printf(&m->value, "/%s/%s/%s", ing_render_class(m->r, loc), loc->canary_be->id,
		    loc->canary_policy->id);
	if (loc->to != ING_TO_BACKEND)
		text_printf(&m->value, "%s/-", loc->to == ING_TO_503 ?
		    "_503" : loc->to == ING_TO_403 ? "_403" : "_404");
}

static void
set_key(struct maps *m, const char *host, const char *path, const char *end)
{
	text_clear(&m->key);
	text_addz(&m->key, host);
	text_addz(&m->key, path);
	text_addz(&m->key, end);
}

static void
put_name(struct maps *m, const char *name)
{
	bool wild = name[0] == '*', regex = name[0] == '~';

	set_key(m, name + (wild || regex), "", "");
	put(m, wild ? &m->wild : regex ? &m->names : &m->hosts);
}

static void
put_host(struct maps *m, const struct ing_plan_host *h)
{
	if (strcmp(h->name, "_") == 0)
		return;
	text_clear(&m->value);
	text_addz(&m->value, ing_render_mark(h));
	text_addz(&m->value, h->name);
	put_name(m, h->name);
	for (uint32_t i = 0; i < h->n_aliases; i++)
		put_name(m, h->aliases[i]);
	if (h->www == NULL)
		return;
	set_key(m, h->www, "", "");
	text_clear(&m->value);
	text_addz(&m->value, h->name);
	put(m, &m->www);
}

/* An Exact rule for the same path stands beside it in the sorted order. */
static bool
has_exact(const struct ing_plan_host *h, uint32_t i)
{
	for (uint32_t k = i; k-- > 0 &&
	    strcmp(h->locs[k]->path, h->locs[i]->path) == 0;)
		if (h->locs[k]->match == ING_EXACT)
			return (true);
	return (false);
}

static void
put_plain(struct maps *m, const struct ing_plan_host *h, uint32_t i)
{
	const struct ing_loc *loc = h->locs[i];
	bool root = strcmp(loc->path, "/") == 0;

	set_value(m, loc);
	set_key(m, h->name, loc->path, "");
	switch (loc->match) {
	case ING_EXACT:
		put(m, &m->exact);
		break;
	case ING_ELEMENT:
		if (!root && !has_exact(h, i))
			put(m, &m->exact);
		set_key(m, h->name, loc->path, root ? "" : "/");
		put(m, &m->prefix);
		break;
	default:
		put(m, &m->prefix);
		break;
	}
}

/* For all other paths, unless a rule has them already. */
static void
put_default(struct maps *m, const struct ing_plan_host *h)
{
	if (h->dflt == NULL)
		return;
	for (uint32_t i = 0; i < h->n_locs; i++)
		if (strcmp(h->locs[i]->path, "/") == 0 &&
		    h->locs[i]->match != ING_EXACT)
			return;
	set_value(m, h->dflt);
	set_key(m, h->name, "/", "");
	put(m, &m->prefix);
}

/* --- regex mode ------------------------------------------------------------ */

/*
 * Most regular expressions are a text with something like "(/|$)(.*)" behind it.
 * Those say no more than a prefix does, and are looked up like one, in lower
 * case; so only hosts with others pay for trying them one after the other.
 *
 * literal  out: the text, in lower case
 * element  out: it must end there, or a '/' must follow
 */
static bool
simplify(const char *path, struct text *literal, bool *element)
{
	static const char *const any[] = { "", "(.*)", ".*", "(.*)$", ".*$",
	    NULL };
	static const char *const part[] = { "(/|$)(.*)", "(/|$)(.*)$", "(/|$)",
	    "(/|$).*", "(/|$).*$", NULL };
	static const char *const maybe[] = { "?(.*)", "?", "?.*", "?(.*)$",
	    NULL };
	const char *p = path;

	text_clear(literal);
	for (; *p != '\0' && strchr("^$.[]|()?*+{}", *p) == NULL; p++) {
		if (*p == '\\' && (p[1] == '\0' || strchr("./-_~", p[1]) ==
		    NULL))
			return (false);
		p += *p == '\\';
		text_addc(literal, span_lower(*p));
	}
	*element = false;
	for (int i = 0; any[i] != NULL; i++)
		if (strcmp(p, any[i]) == 0)
			return (literal->n > 0);
	if (literal->n == 0)
		return (false);
	for (int i = 0; maybe[i] != NULL; i++)
		if (strcmp(p, maybe[i]) == 0 && literal->n > 1 &&
		    literal->p[literal->n - 1] == '/') {
			literal->p[--literal->n] = '\0';
			return (true);
		}
	*element = true;
	for (int i = 0; part[i] != NULL; i++)
		if (strcmp(p, part[i]) == 0)
			return (literal->p[literal->n - 1] != '/');
	return (false);
}

static bool
is_simple(const struct ing_plan_host *h)
{
	struct text literal;
	bool element, simple = h->regex;

	text_init(&literal);
	for (uint32_t i = 0; i < h->n_locs && simple; i++)
		simple = simplify(h->locs[i]->path, &literal, &element);
	text_fini(&literal);
	return (simple);
}

const char *
ing_render_mark(const struct ing_plan_host *h)
{
	return (!h->regex ? "" : is_simple(h) ? "^" : "~");
}

/* Prefixes of a host that came before: what begins so never gets further. */
struct before {
	char **v;
	uint32_t n;
};

static bool
is_covered(const struct before *b, const char *path)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (strncmp(path, b->v[i], strlen(b->v[i])) == 0)
			return (true);
	return (false);
}

static void
put_simple(struct maps *m, const struct ing_plan_host *h,
    const struct ing_loc *loc, struct before *b, struct text *literal)
{
	bool element;

	MUST(simplify(loc->path, literal, &element));
	set_value(m, loc);
	text_clear(&m->key);
	text_printf(&m->key, "^%s%s", h->name, literal->p);
	if (element && !is_covered(b, literal->p) &&
	    ing_index_get(&m->seen, text_span(&m->key)) == NULL) {
		ing_index_put(&m->seen, span_str(arena_dup(&m->r->plan->mem,
		    text_span(&m->key))), m);
		put(m, &m->exact);
	}
	if (element) {
		text_addc(&m->key, '/');
		text_addc(literal, '/');
	}
	if (is_covered(b, literal->p))
		return;
	put(m, &m->prefix);
	b->v[b->n++] = must_strdup(literal->p);
}

static void
put_all_simple(struct maps *m, const struct ing_plan_host *h)
{
	struct before b = { .v = must_alloc((h->n_locs + 1) * sizeof *b.v) };
	struct ing_loc rest = { .path = "/" };
	struct text literal;

	text_init(&literal);
	for (uint32_t i = 0; i < h->n_locs; i++)
		put_simple(m, h, h->locs[i], &b, &literal);
	if (h->dflt != NULL) {
		rest = *h->dflt;
		rest.path = "/";
		put_simple(m, h, &rest, &b, &literal);
	}
	while (b.n > 0)
		free(b.v[--b.n]);
	free(b.v);
	text_fini(&literal);
}

/* The host's key as a regular expression: names hold dots, and a star. */
static void
quote_host(struct text *t, const char *host)
{
	for (; *host != '\0'; host++) {
		if (*host == '.' || *host == '*')
			text_addc(t, '\\');
		text_addc(t, *host);
	}
}

static void
put_regex(struct maps *m, const struct ing_plan_host *h,
    const struct ing_loc *loc, const char *path)
{
	text_clear(&m->key);
	text_addz(&m->key, "^~");
	quote_host(&m->key, h->name);
	text_printf(&m->key, "(?i:%s)", path);
	set_value(m, loc);
	put(m, &m->regex);
}

static void
put_locs(struct maps *m, const struct ing_plan_host *h)
{
	if (is_simple(h)) {
		put_all_simple(m, h);
		return;
	}
	if (!h->regex) {
		for (uint32_t i = 0; i < h->n_locs; i++)
			put_plain(m, h, i);
		put_default(m, h);
		return;
	}
	for (uint32_t i = 0; i < h->n_locs; i++)
		put_regex(m, h, h->locs[i], h->locs[i]->path);
	if (h->dflt != NULL)
		put_regex(m, h, h->dflt, "/");
}

bool
ing_render_any_regex(const struct ing_plan *p)
{
	for (uint32_t i = 0; i < p->n_hosts; i++)
		if (p->hosts[i]->regex && !is_simple(p->hosts[i]))
			return (true);
	return (false);
}

bool
ing_render_any_www(const struct ing_plan *p)
{
	for (uint32_t i = 0; i < p->n_hosts; i++)
		if (p->hosts[i]->www != NULL)
			return (true);
	return (false);
}

/* Names that are expressions. */
bool
ing_render_any_alias(const struct ing_plan *p)
{
	for (uint32_t i = 0; i < p->n_hosts; i++)
		for (uint32_t k = 0; k < p->hosts[i]->n_aliases; k++)
			if (p->hosts[i]->aliases[k][0] == '~')
				return (true);
	return (false);
}

bool
ing_render_any_simple(const struct ing_plan *p)
{
	for (uint32_t i = 0; i < p->n_hosts; i++)
		if (is_simple(p->hosts[i]))
			return (true);
	return (false);
}

bool
ing_is_auto(const struct ing_plan_be *be)
{
	return (be->opts->protocol == ING_AUTO_HTTP && !be->tcp &&
	    !be->inside);
}

const char *
ing_twin_id(struct ing_rendering *r, const struct ing_plan_be *be)
{
	return (arena_printf(&r->plan->mem, "%s_tls", be->id));
}

bool
ing_render_any_auto(const struct ing_plan *p)
{
	for (uint32_t i = 0; i < p->n_backends; i++)
		if (ing_is_auto(p->backends[i]))
			return (true);
	return (false);
}

static void
put_twins(struct ing_rendering *r)
{
	struct text t;

	if (!ing_render_any_auto(r->plan))
		return;
	text_init(&t);
	for (uint32_t i = 0; i < r->plan->n_backends; i++)
		if (ing_is_auto(r->plan->backends[i]))
			MUST(ing_map_write(&t, span_str(
			    r->plan->backends[i]->id), span_str(
			    ing_twin_id(r, r->plan->backends[i]))));
	ing_files_add(r->files, "maps/twins.map")->body = t;
}

static void
keep(struct ing_files *f, const char *path, struct text *t)
{
	struct ing_file *one = ing_files_add(f, path);

	one->body = *t;
	text_init(t);
}

void
ing_render_maps(struct ing_rendering *r)
{
	struct maps m;

	memset(&m, 0, sizeof m);
	m.r = r;
	for (uint32_t i = 0; i < r->plan->n_hosts; i++) {
		put_host(&m, r->plan->hosts[i]);
		put_locs(&m, r->plan->hosts[i]);
	}
	keep(r->files, "maps/hosts.map", &m.hosts);
	keep(r->files, "maps/wild.map", &m.wild);
	keep(r->files, "maps/exact.map", &m.exact);
	keep(r->files, "maps/prefix.map", &m.prefix);
	if (ing_render_any_alias(r->plan))
		keep(r->files, "maps/names.map", &m.names);
	if (ing_render_any_regex(r->plan))
		keep(r->files, "maps/regex.map", &m.regex);
	if (ing_render_any_www(r->plan))
		keep(r->files, "maps/www.map", &m.www);
	put_twins(r);
	text_fini(&m.regex);
	ing_index_fini(&m.seen);
	text_fini(&m.key);
	text_fini(&m.value);
}
