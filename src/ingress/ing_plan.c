/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_plan - who is served, in which order; the steps of a plan.
 */
#include "ing_plan_int.h"
#include "ing_selector_int.h"

#include <stdlib.h>

#include <base/must.h>

struct span
ing_plan_key(struct ing_planning *p, const char *a, const char *b,
    const char *c, const char *d)
{
	const char *const part[] = { a, b, c, d };
	size_t len[NELEM(part)], n = 0;
	char *out, *at;

	for (size_t i = 0; i < NELEM(part); i++)
		n += (len[i] = strlen(part[i])) + 1;
	out = at = arena_get(p->mem, n);
	for (size_t i = 0; i < NELEM(part); i++) {
		memcpy(at, part[i], len[i]);
		at += len[i];
		*at++ = '\n';
	}
	return (span_of(out, n));
}

void *
ing_plan_vec(struct arena *mem, void *v, uint32_t n, size_t each)
{
	void *big;

	/* Full at 0, 8, 16, 32, ... */
	if (n != 0 && (n < 8 || (n & (n - 1)) != 0))
		return (v);
	big = arena_get(mem, (n == 0 ? 8 : n * 2) * each);
	if (n > 0)
		memcpy(big, v, n * each);
	return (big);
}

void
ing_plan_problem(struct ing_plan *p, const struct ing_obj *obj,
    const char *reason, bool refused, const char *fmt, ...)
{
	struct ing_problem *one;
	struct text t;
	va_list ap;

	text_init(&t);
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
	p->problems = ing_plan_vec(&p->mem, p->problems, p->n_problems,
	    sizeof *p->problems);
	one = &p->problems[p->n_problems++];
	one->obj = obj;
	one->reason = reason;
	one->text = arena_dup(&p->mem, text_span(&t));
	one->refused = refused;
	text_fini(&t);
}

static int
problem_cmp(const void *a, const void *b)
{
	const struct ing_problem *x = a, *y = b;
	int c;

	if (x->obj == NULL || y->obj == NULL)
		c = (x->obj != NULL) - (y->obj != NULL);
	else if ((c = (int)x->obj->kind - (int)y->obj->kind) == 0 &&
	    (c = strcmp(x->obj->ns, y->obj->ns)) == 0)
		c = strcmp(x->obj->name, y->obj->name);
	return (c != 0 ? c : strcmp(x->text, y->text));
}

/* --- which Ingresses are ours (controller.md 1) ---------------------------- */

static bool
is_our_class(const struct ing_planning *p, const char *name)
{
	const struct ing_class *c = (const struct ing_class *)ing_store_find(
	    p->store, ING_CLASS, "", name);

	if (c == NULL)
		return (false);
	if (p->o->class_by_name && strcmp(name, p->o->ingress_class) == 0)
		return (true);
	return (c->controller != NULL &&
	    strcmp(c->controller, p->o->controller_class) == 0);
}

static bool
has_our_class(struct ing_planning *p, const struct ing_ingress *ing)
{
	struct span annotation;

	if (ing->class_name != NULL)
		return (is_our_class(p, ing->class_name));
	annotation = ing_pair_find(&ing->o.annots,
	    "kubernetes.io/ingress.class");
	if (annotation.p != NULL && annotation.n > 0)
		return (span_is(annotation, p->o->ingress_class));
	return (p->o->watch_without_class);
}

static bool
is_watched(struct ing_planning *p, const char *ns)
{
	const struct ing_obj *o;

	if (p->o->watch_namespace != NULL)
		return (strcmp(p->o->watch_namespace, ns) == 0);
	if (p->o->watch_selector == NULL)
		return (true);
	o = ing_store_find(p->store, ING_NAMESPACE, "", ns);
	return (o != NULL && ing_selector_has(p->o->watch_selector,
	    &o->labels));
}

static bool
is_ours(struct ing_planning *p, const struct ing_ingress *ing)
{
	if (ing->o.deleted != 0 || !has_our_class(p, ing))
		return (false);
	if (!is_watched(p, ing->o.ns))
		return (false);
	if (p->o->disable_catch_all && (ing->dflt.service != NULL ||
	    ing->dflt.resource != NULL)) {
		ing_plan_problem(p->plan, &ing->o, "CatchAllDisabled", true,
		    "has a default backend, which --disable-catch-all "
		    "refuses");
		return (false);
	}
	return (true);
}

struct aged {
	int64_t created;
	const struct ing_ingress *ing;
	size_t no;              /* in the order of names */
};

/* Oldest first; among equals the later name, as ingress-nginx has it. */
static int
age_cmp(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;

	if (x->created != y->created)
		return (x->created < y->created ? -1 : 1);
	return (x->no > y->no ? -1 : x->no < y->no);
}

static void
find_ours(struct ing_planning *p)
{
	struct ing_plan *plan = p->plan;
	const struct ing_obj *const *all;
	struct aged *v;
	size_t n;

	all = ing_store_all(p->store, ING_INGRESS, &n);
	v = must_alloc((n + 1) * sizeof *v);
	for (size_t i = 0; i < n; i++) {
		const struct ing_ingress *ing =
		    (const struct ing_ingress *)all[i];

		if (is_ours(p, ing))
			v[plan->n_ours++] = (struct aged){ ing->o.created,
				ing, i };
	}
	qsort(v, plan->n_ours, sizeof *v, age_cmp);
	plan->ours = arena_get(p->mem, (n + 1) * sizeof *plan->ours);
	for (uint32_t i = 0; i < plan->n_ours; i++)
		plan->ours[i] = v[i].ing;
	free(v);
}

static void
tell_annotation(const struct ing_annot_issue *i, void *arg)
{
	struct ing_planning *p = arg;

	if (i->closed && span_begins(span_str(i->key), SPAN("auth-tls-")))
		p->client_closed = true;
	ing_plan_problem(p->plan, p->about, p->about != NULL &&
	    p->about->kind == ING_CONFIGMAP ? "ConfigMapValue" :
	    "AnnotationParsingFailed", i->closed, "%s: %s%s", i->key, i->text,
	    i->closed ? "; its locations answer 503" : "");
}

/* annotation-value-word-blocklist */
static bool
is_blocked(struct ing_planning *p, const struct ing_ingress *ing)
{
	const struct ing_strs *words = &p->plan->defaults.word_block;

	ING_EACH(struct ing_pair, a, ing->o.annots)
		for (uint32_t i = 0; i < words->n; i++) {
			if (memmem(a->value.p, a->value.n, words->v[i],
			    strlen(words->v[i])) == NULL)
				continue;
			ing_plan_problem(p->plan, &ing->o, "BlockedWord",
			    true, "annotation %s has '%s', which "
			    "annotation-value-word-blocklist forbids; its "
			    "locations answer 503", a->key, words->v[i]);
			return (true);
		}
	return (false);
}

/* What a buffer holds beside a head. */
#define RESERVE 1024

static int64_t
longest_head(const struct ing_opts *o)
{
	int64_t n = o->head_bytes > o->first_head_bytes ? o->head_bytes :
	    o->first_head_bytes;

	return (n == 0 ? 0 : n + RESERVE);
}

static void
take(struct ing_planning *p)
{
	struct ing_plan *plan = p->plan;
	struct ing_annot_ctx ctx = {
		.mem = p->mem, .store = p->store,
		.prefixes = p->o->annotations_prefix.v,
		.n_prefixes = p->o->annotations_prefix.n,
		.risk_limit = ING_HIGH, .issue = tell_annotation, .arg = p
	};
	struct ing_opts opts;

	find_ours(p);
	p->about = plan->configmap != NULL ? &plan->configmap->o : NULL;
	ing_opts_defaults(&ctx, plan->configmap, &plan->defaults);
	plan->buffer_bytes = longest_head(&plan->defaults);
	ctx.risk_limit = (enum ing_risk)plan->defaults.risk_level;
	ctx.cross_namespace = plan->defaults.cross_namespace != 0;
	p->n_taken = plan->n_ours;
	p->taken = arena_zget(p->mem, (p->n_taken + 1) * sizeof *p->taken);
	for (uint32_t i = 0; i < plan->n_ours; i++) {
		struct ing_taken *t = &p->taken[i];

		t->ing = plan->ours[i];
		opts = plan->defaults;
		p->about = &t->ing->o;
		p->client_closed = false;
		t->open = ing_annot_read(&ctx, t->ing, &opts);
		t->client_closed = p->client_closed;
		t->open &= !is_blocked(p, t->ing);
		ing_plan_taken(p, t, &opts);
		if (t->opts->buffer_bytes > plan->buffer_bytes)
			plan->buffer_bytes = t->opts->buffer_bytes;
	}
}

/* "ns/name" of a flag. */
static const struct ing_obj *
find_flag(struct ing_planning *p, enum ing_kind kind, const char *ref,
    const char *flag)
{
	const char *slash = ref != NULL ? strchr(ref, '/') : NULL;
	const struct ing_obj *o = NULL;
	char *ns;

	if (ref == NULL)
		return (NULL);
	if (slash != NULL) {
		ns = arena_dup(p->mem, span_of(ref, (size_t)(slash - ref)));
		o = ing_store_find(p->store, kind, ns, slash + 1);
	}
	if (o == NULL)
		ing_plan_problem(p->plan, NULL, "NotFound", false,
		    "--%s: there is no %s '%s' (expected namespace/name)",
		    flag, ing_kinds[kind].kind, ref);
	return (o);
}

static void
plan_default(struct ing_planning *p)
{
	const struct ing_service *s = p->plan->dflt_service;
	struct ing_taken *t;
	struct ing_ingress *nobody;
	const struct ing_svc_port *port;
	struct ing_backend_ref ref = { .service = NULL };

	if (s == NULL || s->ports.n == 0)
		return;
	port = s->ports.v;
	ref.service = s->o.name;
	ref.port = port->port;
	nobody = arena_zget(p->mem, sizeof *nobody);
	nobody->o.ns = s->o.ns;
	nobody->o.name = "default-backend-service";
	t = arena_zget(p->mem, sizeof *t);
	t->ing = nobody;
	t->open = true;
	ing_plan_taken(p, t, &p->plan->defaults);
	p->plan->dflt = ing_plan_be(p, t, &ref);
}

/* Something by its name, whose first bytes are here, as most names differ in
 * them. */
struct named {
	uint64_t head;
	const char *name;
	void *what;
};

static struct named
named(const char *name, void *what)
{
	struct named x = { 0, name, what };

	for (int i = 0; i < 8; i++) {
		x.head = x.head << 8 | (uint8_t)*name;
		name += *name != '\0';
	}
	return (x);
}

static int
named_cmp(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->head != y->head)
		return (x->head < y->head ? -1 : 1);
	return (strcmp(x->name, y->name));
}

static void
sort_hosts(struct ing_plan *p)
{
	struct named *v = must_alloc((p->n_hosts + 1) * sizeof *v);

	for (uint32_t i = 0; i < p->n_hosts; i++)
		v[i] = named(p->hosts[i]->name, p->hosts[i]);
	qsort(v, p->n_hosts, sizeof *v, named_cmp);
	for (uint32_t i = 0; i < p->n_hosts; i++)
		p->hosts[i] = v[i].what;
	free(v);
}

static void
sort_backends(struct ing_plan *p)
{
	struct named *v = must_alloc((p->n_backends + 1) * sizeof *v);

	for (uint32_t i = 0; i < p->n_backends; i++)
		v[i] = named(p->backends[i]->id, p->backends[i]);
	qsort(v, p->n_backends, sizeof *v, named_cmp);
	for (uint32_t i = 0; i < p->n_backends; i++)
		p->backends[i] = v[i].what;
	free(v);
}

static void
sort(struct ing_plan *p)
{
	sort_hosts(p);
	sort_backends(p);
	if (p->n_problems > 0)
		qsort(p->problems, p->n_problems, sizeof *p->problems,
		    problem_cmp);
}

struct ing_plan *
ing_plan_make(struct ing_store *store, const struct ing_options *o)
{
	struct ing_plan *plan = must_alloc(sizeof *plan);
	struct ing_planning p = { .plan = plan, .mem = &plan->mem,
	    .store = store, .o = o };

	arena_init(&plan->mem, 0);
	plan->options = o;
	plan->configmap = (const struct ing_data *)find_flag(&p,
	    ING_CONFIGMAP, o->configmap, "configmap");
	plan->default_cert = (const struct ing_data *)find_flag(&p,
	    ING_SECRET, o->default_ssl_certificate,
	    "default-ssl-certificate");
	plan->dflt_service = (const struct ing_service *)find_flag(&p,
	    ING_SERVICE, o->default_backend_service,
	    "default-backend-service");
	take(&p);
	ing_plan_slices(&p);
	ing_plan_hosts(&p);
	ing_plan_names(&p);
	ing_plan_tls(&p);
	ing_plan_clients(&p);
	ing_plan_locs(&p);
	plan_default(&p);
	sort(plan);
	ing_index_fini(&p.said);
	ing_index_fini(&p.hosts);
	ing_index_fini(&p.names);
	ing_index_fini(&p.keys);
	ing_index_fini(&p.backends);
	ing_index_fini(&p.services);
	ing_index_fini(&p.slices);
	return (plan);
}

void
ing_plan_free(struct ing_plan *p)
{
	if (p == NULL)
		return;
	ing_plan_forget_services(p);
	arena_reset(&p->mem);
	free(p);
}
