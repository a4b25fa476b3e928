/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_source - the store follows the API server.
 *
 * Whole collections of what every configuration needs; Secrets that are no
 * certificates, or all of them with --secrets-by-name, and ConfigMaps only by
 * name, once the plan has asked for them.
 */
#include "ing_run_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>

#define SINGLES_MAX 2000        /* objects followed by name */

struct stream {
	unsigned magic;
#define ING_STREAM_MAGIC 0x1c9e0b20
	struct ing_source *src;
	enum ing_kind kind;
	unsigned source;        /* number in the store */
	char *ns, *name;        /* of a single one; NULL: a collection */
	char *what;             /* "services", for messages */
	struct kube_follow *follow;
	struct shared *trouble; /* NULL: it is well */
	bool wanted;
	struct stream *next;
};

/* What is wrong with some streams, mostly the server that all of them ask. */
struct shared {
	struct shared *next;
	char *what;
	unsigned now, most;     /* streams that have it */
};

struct ing_source {
	struct kube_api *api;
	struct loop *loop;
	struct ing_store *store;
	const struct ing_options *o;
	const struct ing_source_fns *fns;
	void *arg;
	struct stream *all, *singles;
	struct shared *troubles;
	unsigned n_sources, n_singles;
	uint64_t told;          /* generation of the store when changed() was */
};

static void
maybe_changed(struct ing_source *s)
{
	uint64_t now = ing_store_generation(s->store);

	if (now == s->told)
		return;
	s->told = now;
	s->fns->changed(s->arg);
}

/* --- what a stream tells ---------------------------------------------------- */

static void
on_begin(void *arg)
{
	struct stream *t = OBJ(arg, struct stream, ING_STREAM_MAGIC);

	ing_store_list_begin(t->src->store, t->kind, t->source);
}

static void
drop(struct stream *t, const struct kube_node *meta)
{
	struct span ns = kube_str(kube_get(meta, "namespace"));
	struct span name = kube_str(kube_get(meta, "name"));

	if (name.p != NULL)
		ing_store_del(t->src->store, t->kind, ns.p == NULL ? "" : ns.p,
		    name.p);
}

static void
on_object(const struct kube_node *n, void *arg)
{
	struct stream *t = OBJ(arg, struct stream, ING_STREAM_MAGIC);
	const struct kube_node *meta = kube_get(n, "metadata");
	struct ing_source *s = t->src;
	struct ing_obj *o;
	char *why = NULL;

	switch (ing_model_read(n, t->kind, &o, &why, NULL)) {
	case ING_READ_OK:
		o->source = t->source;
		s->fns->refused(t->kind, meta, NULL, s->arg);
		ing_store_put(s->store, &o);
		break;
	case ING_READ_OTHER:
		break;
	case ING_READ_BAD:
		/* A restart would not know the version before, either. */
		drop(t, meta);
		s->fns->refused(t->kind, meta, why, s->arg);
		free(why);
		break;
	}
	if (kube_follow_is_listed(t->follow))
		maybe_changed(s);
}

static void
on_gone(const struct kube_node *n, void *arg)
{
	struct stream *t = OBJ(arg, struct stream, ING_STREAM_MAGIC);
	const struct kube_node *meta = kube_get(n, "metadata");

	drop(t, meta);
	t->src->fns->refused(t->kind, meta, NULL, t->src->arg);
	maybe_changed(t->src);
}

static void
on_listed(void *arg)
{
	struct stream *t = OBJ(arg, struct stream, ING_STREAM_MAGIC);

	ing_store_list_end(t->src->store, t->kind, t->source);
	t->src->told = ing_store_generation(t->src->store);
	t->src->fns->changed(t->src->arg);
}

/* Who has it no longer; the last one that gets well says that it is over. */
static void
leave_trouble(struct stream *t, bool is_well)
{
	struct shared **at = &t->src->troubles, *w = t->trouble;

	t->trouble = NULL;
	if (w == NULL || --w->now > 0)
		return;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (is_well && w->most > 1)
		ing_say("%s and %u more are followed again", t->what,
		    w->most - 1);
	else if (is_well)
		ing_say("%s are followed again", t->what);
	free(w->what);
	free(w);
}

static void
on_trouble(const char *doing, const char *what, void *arg)
{
	struct stream *t = OBJ(arg, struct stream, ING_STREAM_MAGIC);
	struct ing_source *s = t->src;
	struct shared *w = s->troubles;

	if (what == NULL) {
		leave_trouble(t, true);
		return;
	}
	while (w != NULL && strcmp(w->what, what) != 0)
		w = w->next;
	if (w == NULL) {
		ing_say("cannot %s: %s; what is known stays in use", doing,
		    what);
		w = must_alloc(sizeof *w);
		w->what = must_strdup(what);
		w->next = s->troubles;
		s->troubles = w;
	}
	if (w == t->trouble)
		return;
	leave_trouble(t, false);
	t->trouble = w;
	w->most += w->now == w->most;
	w->now++;
}

static const struct kube_watch_ops stream_ops = { on_begin, on_object, on_gone,
	on_listed, on_trouble };

/* --- streams ---------------------------------------------------------------- */

static struct stream *
open_stream(struct ing_source *s, enum ing_kind kind, const char *ns,
    const char *name, const char *query)
{
	const struct ing_kind_info *k = &ing_kinds[kind];
	struct stream *t = must_alloc(sizeof *t);
	struct text path, what;

	t->magic = ING_STREAM_MAGIC;
	t->src = s;
	t->kind = kind;
	t->source = ++s->n_sources;
	t->ns = ns != NULL ? must_strdup(ns) : NULL;
	t->name = name != NULL ? must_strdup(name) : NULL;
	text_init(&path);
	text_init(&what);
	text_printf(&path, "%s/%s", strchr(k->api, '/') != NULL ? "/apis" :
	    "/api", k->api);
	if (ns != NULL && k->namespaced)
		text_printf(&path, "/namespaces/%s", ns);
	text_printf(&path, "/%s", k->plural);
	text_addz(&what, k->plural);
	if (name != NULL)
		text_printf(&what, " %s/%s", ns, name);
	t->what = what.p;
	t->follow = kube_follow_open(s->api, s->loop, path.p, query,
	    &stream_ops, t);
	text_fini(&path);
	return (t);
}

static void
close_stream(struct stream *t)
{
	leave_trouble(t, false);
	/* Nobody follows what it put: that is gone, too. */
	ing_store_list_begin(t->src->store, t->kind, t->source);
	ing_store_list_end(t->src->store, t->kind, t->source);
	kube_follow_close(t->follow);
	free(t->ns);
	free(t->name);
	free(t->what);
	free(t);
}

static void
collection(struct ing_source *s, enum ing_kind kind, const char *query)
{
	struct stream *t = open_stream(s, kind, s->o->watch_namespace, NULL,
	    query);

	t->next = s->all;
	s->all = t;
}

static struct stream *
single(struct ing_source *s, enum ing_kind kind, const char *ns,
    const char *name)
{
	struct stream *t;
	char query[400];

	/* Names are DNS names: nothing to escape. */
	snprintf(query, sizeof query, "fieldSelector=metadata.name%%3D%s",
	    name);
	t = open_stream(s, kind, ns, name, query);
	t->next = s->singles;
	s->singles = t;
	s->n_singles++;
	return (t);
}

struct ing_source *
ing_source_open(struct kube_api *api, struct loop *loop,
    struct ing_store *store, const struct ing_options *o,
    const struct ing_source_fns *fns, void *arg)
{
	struct ing_source *s = must_alloc(sizeof *s);

	s->api = api;
	s->loop = loop;
	s->store = store;
	s->o = o;
	s->fns = fns;
	s->arg = arg;
	collection(s, ING_INGRESS, "");
	collection(s, ING_CLASS, "");
	collection(s, ING_SERVICE, "");
	collection(s, ING_SLICE, "");
	if (o->watch_selector != NULL)
		collection(s, ING_NAMESPACE, "");
	if (!o->secrets_by_name)
		collection(s, ING_SECRET,
		    "fieldSelector=type%3Dkubernetes.io%2Ftls");
	/* Our own settings and Service are not in the namespace watched. */
	if (o->publish_service != NULL && o->watch_namespace != NULL) {
		const char *slash = strchr(o->publish_service, '/');
		char *ns = span_dup(span_of(o->publish_service,
		    (size_t)(slash - o->publish_service)));

		if (strcmp(ns, o->watch_namespace) != 0)
			single(s, ING_SERVICE, ns, slash + 1)->wanted = true;
		free(ns);
	}
	return (s);
}

void
ing_source_close(struct ing_source *s)
{
	struct stream *t;

	if (s == NULL)
		return;
	while ((t = s->all) != NULL) {
		s->all = t->next;
		close_stream(t);
	}
	while ((t = s->singles) != NULL) {
		s->singles = t->next;
		close_stream(t);
	}
	free(s);
}

bool
ing_source_is_synced(const struct ing_source *s, const char **what)
{
	for (const struct stream *t = s->all; t != NULL; t = t->next)
		if (!kube_follow_is_listed(t->follow)) {
			*what = t->what;
			return (false);
		}
	for (const struct stream *t = s->singles; t != NULL; t = t->next)
		if (!kube_follow_is_listed(t->follow)) {
			*what = t->what;
			return (false);
		}
	return (true);
}

unsigned
ing_source_troubles(const struct ing_source *s)
{
	unsigned n = 0;

	for (const struct shared *w = s->troubles; w != NULL; w = w->next)
		n += w->now;
	return (n);
}

/* --- by name ---------------------------------------------------------------- */

static struct stream *
find_single(struct ing_source *s, const struct ing_asked *a)
{
	for (struct stream *t = s->singles; t != NULL; t = t->next)
		if (t->kind == a->kind && strcmp(t->name, a->name) == 0 &&
		    strcmp(t->ns, a->ns) == 0)
			return (t);
	return (NULL);
}

/* Is it one of the certificates that are followed as a collection? */
static bool
is_in_collection(struct ing_source *s, const struct ing_asked *a)
{
	const struct ing_obj *o;

	if (a->kind != ING_SECRET)
		return (false);
	o = ing_store_find(s->store, ING_SECRET, a->ns, a->name);
	for (const struct stream *t = s->all; t != NULL && o != NULL;
	    t = t->next)
		if (t->source == o->source)
			return (true);
	return (false);
}

void
ing_source_wanted(struct ing_source *s)
{
	struct stream **at, *t;
	size_t n;
	const struct ing_asked *asked = ing_store_asked(s->store, &n);
	struct ing_asked *copy = must_alloc((n + 1) * sizeof *copy);

	/* The look-ups below are asked for, too. */
	for (size_t i = 0; i < n; i++)
		copy[i] = asked[i];
	for (t = s->singles; t != NULL; t = t->next)
		if (t->kind == ING_SECRET || t->kind == ING_CONFIGMAP)
			t->wanted = false;
	for (size_t i = 0; i < n; i++) {
		if ((t = find_single(s, &copy[i])) != NULL) {
			t->wanted = true;
		} else if (!is_in_collection(s, &copy[i])) {
			if (s->n_singles == SINGLES_MAX) {
				ing_say("more than %d Secrets and ConfigMaps "
				    "are named: '%s/%s' is not followed",
				    SINGLES_MAX, copy[i].ns, copy[i].name);
				continue;
			}
			single(s, copy[i].kind, copy[i].ns,
			    copy[i].name)->wanted = true;
		}
	}
	free(copy);
	for (at = &s->singles; (t = *at) != NULL;) {
		if (t->wanted) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		s->n_singles--;
		close_stream(t);
	}
	ing_store_forget_asked(s->store);
	s->told = ing_store_generation(s->store);
}
