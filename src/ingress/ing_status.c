/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_status - the addresses under which Ingresses are served, written into
 * their status by the generator that leads, and only for those that the running
 * configuration has.
 *
 * Where they come from, the first that is given: --publish-status-address,
 * --publish-service, the nodes of our pods. The last replica that leaves takes
 * them out again.
 */
#include "ing_run_int.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include <base/clock.h>
#include <base/must.h>

#define UNDER_WAY_MAX 8
#define ADDRESSES_MAX 64
#define SOON_MS 2000            /* none of our pods is ready yet */

struct target {                 /* an Ingress that is served */
	char *ns, *name;
};

struct ing_status {
	unsigned magic;
#define ING_STATUS_MAGIC 0x1c9e0b24
	struct kube_api *api;
	struct loop *loop;
	struct ing_store *store;
	const struct ing_options *o;
	char *own_ns, *me;
	bool leads;
	struct target *served;
	size_t n_served, at;    /* at: the next to be looked at */
	unsigned flying;
	/* what is to be published, sorted: "ip" or "host name" */
	char *address[ADDRESSES_MAX];
	size_t n_addresses;
	bool known;             /* … has been found out */
	bool finding;
	bool leaving;           /* nothing more is written … */
	bool taking_out;        /* … but that there is no address */
	void (*left)(void *arg);
	void *left_arg;
	char *selector;         /* of our pods */
	char *nodes[ADDRESSES_MAX];     /* on which they run */
	size_t n_nodes, node_at;
	struct tmr timer;
	struct ing_trouble finding_trouble, writing_trouble;
};

static void pump(struct ing_status *);

/* --- which addresses -------------------------------------------------------- */

static int
address_cmp(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

static void
forget_addresses(struct ing_status *s)
{
	for (size_t i = 0; i < s->n_addresses; i++)
		free(s->address[i]);
	s->n_addresses = 0;
}

static void
add_address(struct ing_status *s, const char *a)
{
	if (a == NULL || a[0] == '\0' || s->n_addresses == ADDRESSES_MAX)
		return;
	for (size_t i = 0; i < s->n_addresses; i++)
		if (strcmp(s->address[i], a) == 0)
			return;
	s->address[s->n_addresses++] = must_strdup(a);
}

static void
look_again(struct ing_status *s, int64_t ms)
{
	tmr_arm(&s->loop->wheel, &s->timer, clock_mono_us() / 1000 + ms);
}

/* No address is no news: a Service whose load balancer is being made, pods
 * that are about to be ready. What is published stays. */
static void
found(struct ing_status *s)
{
	qsort(s->address, s->n_addresses, sizeof *s->address, address_cmp);
	s->known = s->n_addresses > 0;
	if (s->known)
		ing_trouble_over(&s->finding_trouble,
		    "status addresses are known again");
	else
		look_again(s, SOON_MS);
	s->at = 0;
	pump(s);
}

/* As the reference does it, by the type of the Service. */
static void
of_service(struct ing_status *s)
{
	const char *slash = strchr(s->o->publish_service, '/');
	const struct ing_service *v;
	char *ns = span_dup(span_of(s->o->publish_service,
	    (size_t)(slash - s->o->publish_service)));

	v = (const struct ing_service *)ing_store_find(s->store, ING_SERVICE,
	    ns, slash + 1);
	free(ns);
	if (v == NULL)
		return;
	if (v->type != NULL && strcmp(v->type, "ExternalName") == 0)
		add_address(s, v->external_name);
	else if (v->type == NULL || strcmp(v->type, "ClusterIP") == 0)
		add_address(s, v->cluster_ip);
	else if (strcmp(v->type, "NodePort") == 0) {
		if (v->external_ips.n == 0)
			add_address(s, v->cluster_ip);
	} else {
		ING_EACH(struct ing_address, a, v->published)
			add_address(s, a->ip != NULL && a->ip[0] != '\0' ?
			    a->ip : a->hostname);
	}
	for (uint32_t i = 0; i < v->external_ips.n; i++)
		add_address(s, ((const char *const *)v->external_ips.v)[i]);
	found(s);
}

/* A reply's document; false with a line in the log. */
static bool
read_doc(struct ing_status *s, const char *what, const struct kube_reply *r,
    struct kube_doc *doc)
{
	struct diags diags;
	struct text t;
	bool good;

	diags_init(&diags);
	good = r->status == 200 && kube_json_read(r->body, what,
	    &kube_limits_list, doc, &diags);
	diags_fini(&diags);
	if (!good) {
		text_init(&t);
		text_printf(&t, "status addresses: cannot read %s", what);
		ing_trouble_reply(&s->finding_trouble, t.p, r);
		text_fini(&t);
		s->finding = false;
	}
	return (good);
}

static void
ask(struct ing_status *s, const char *path, kube_reply_fn *done)
{
	struct kube_ask a = { .path = path, .done = done, .arg = s };

	(void)kube_api_call(s->api, &a);
}

static void next_node(struct ing_status *);

static void
on_node(const struct kube_reply *r, void *arg)
{
	struct ing_status *s = OBJ(arg, struct ing_status, ING_STATUS_MAGIC);
	const struct kube_node *all;
	const char *want = s->o->report_node_internal ? "InternalIP" :
	    "ExternalIP", *spare = NULL;
	size_t before = s->n_addresses;
	struct kube_doc doc;

	if (!read_doc(s, "our nodes", r, &doc))
		return;
	all = kube_at(doc.root, "status.addresses");
	for (uint32_t i = 0; all != NULL && all->kind == KUBE_LIST &&
	    i < all->n; i++) {
		struct span type = kube_str(kube_get(&all->item[i], "type"));
		const char *a = kube_str(kube_get(&all->item[i],
		    "address")).p;

		if (span_is(type, want))
			add_address(s, a);
		else if (span_is(type, "InternalIP"))
			spare = a;
	}
	if (s->n_addresses == before)
		add_address(s, spare);
	kube_doc_fini(&doc);
	next_node(s);
}

static void
next_node(struct ing_status *s)
{
	char path[400];

	if (s->node_at == s->n_nodes) {
		s->finding = false;
		found(s);
		return;
	}
	snprintf(path, sizeof path, "/api/v1/nodes/%s",
	    s->nodes[s->node_at++]);
	ask(s, path, on_node);
}

static void
add_node(struct ing_status *s, const struct kube_node *pod)
{
	struct span node = kube_str(kube_at(pod, "spec.nodeName"));
	const struct kube_node *c = kube_at(pod, "status.conditions");
	bool ready = false;

	for (uint32_t i = 0; c != NULL && c->kind == KUBE_LIST && i < c->n;
	    i++)
		if (span_is(kube_str(kube_get(&c->item[i], "type")), "Ready"))
			ready = span_is(kube_str(kube_get(&c->item[i],
			    "status")), "True");
	if (!ready || node.n == 0 || s->n_nodes == ADDRESSES_MAX ||
	    !span_is(kube_str(kube_at(pod, "status.phase")), "Running"))
		return;
	for (size_t i = 0; i < s->n_nodes; i++)
		if (span_is(node, s->nodes[i]))
			return;
	s->nodes[s->n_nodes++] = span_dup(node);
}

static void
on_pods(const struct kube_reply *r, void *arg)
{
	struct ing_status *s = OBJ(arg, struct ing_status, ING_STATUS_MAGIC);
	const struct kube_node *items;
	struct kube_doc doc;

	/* What is taken out is what was published last. */
	if (s->leaving || !read_doc(s, "our pods", r, &doc))
		return;
	for (size_t i = 0; i < s->n_nodes; i++)
		free(s->nodes[i]);
	s->n_nodes = s->node_at = 0;
	items = kube_get(doc.root, "items");
	for (uint32_t i = 0; items != NULL && items->kind == KUBE_LIST &&
	    i < items->n; i++)
		add_node(s, &items->item[i]);
	kube_doc_fini(&doc);
	forget_addresses(s);
	next_node(s);
}

static void
list_pods(struct ing_status *s, kube_reply_fn *done)
{
	struct text path;

	text_init(&path);
	text_printf(&path, "/api/v1/namespaces/%s/pods?labelSelector=%s",
	    s->own_ns, s->selector);
	ask(s, path.p, done);
	text_fini(&path);
}

/* Pods with our own labels are our replicas; those of a revision or a version
 * are not what makes them so. */
static bool
is_of_revision(struct span key)
{
	return (span_is(key, "pod-template-hash") ||
	    span_is(key, "controller-revision-hash") ||
	    span_is(key, "pod-template-generation") ||
	    span_is(key, "helm.sh/chart") ||
	    span_is(key, "app.kubernetes.io/version") ||
	    span_is(key, "app.kubernetes.io/managed-by"));
}

/* False: there is nothing by which a replica could be told. */
static bool
take_selector(struct ing_status *s, const struct kube_node *pod)
{
	const struct kube_node *labels = kube_at(pod, "metadata.labels");
	struct text t;

	text_init(&t);
	for (uint32_t i = 0; labels != NULL && labels->kind == KUBE_MAP &&
	    i < labels->n; i++) {
		const struct kube_pair *p = &labels->pair[i];

		if (!is_of_revision(p->key))
			text_printf(&t, "%s%.*s%%3D%s", t.n > 0 ? "%2C" : "",
			    SPAN_FMT(p->key), kube_str(&p->value).p);
	}
	free(s->selector);
	s->selector = t.p;
	return (t.p != NULL);
}

static void
on_own_pod(const struct kube_reply *r, void *arg)
{
	struct ing_status *s = OBJ(arg, struct ing_status, ING_STATUS_MAGIC);
	struct kube_doc doc;

	if (!read_doc(s, "our own pod", r, &doc))
		return;
	if (take_selector(s, doc.root)) {
		list_pods(s, on_pods);
	} else {
		ing_trouble_say(&s->finding_trouble, "status addresses: our own pod "
		    "has no labels by which its replicas are known");
		s->finding = false;
	}
	kube_doc_fini(&doc);
}

static void
read_own_pod(struct ing_status *s, kube_reply_fn *done)
{
	char path[600];

	snprintf(path, sizeof path, "/api/v1/namespaces/%s/pods/%s",
	    s->own_ns, s->me);
	ask(s, path, done);
}

static void
of_nodes(struct ing_status *s)
{
	if (s->finding)
		return;
	s->finding = true;
	if (s->selector != NULL)
		list_pods(s, on_pods);
	else
		read_own_pod(s, on_own_pod);
}

static void
find_out(struct ing_status *s)
{
	const struct ing_list *fixed = &s->o->publish_status_address;

	if (fixed->n > 0) {
		forget_addresses(s);
		for (uint32_t i = 0; i < fixed->n; i++)
			add_address(s, fixed->v[i]);
		found(s);
	} else if (s->o->publish_service != NULL) {
		forget_addresses(s);
		of_service(s);
	} else {
		of_nodes(s);
	}
}

/* --- writing ---------------------------------------------------------------- */

static bool
is_ip(const char *a)
{
	unsigned char b[16];

	return (inet_pton(AF_INET, a, b) == 1 ||
	    inet_pton(AF_INET6, a, b) == 1);
}

static bool
is_published(const struct ing_status *s, const struct ing_ingress *i)
{
	const char *have[ADDRESSES_MAX];
	size_t n = 0;

	ING_EACH(struct ing_address, a, i->published) {
		if (n == ADDRESSES_MAX)
			return (false);
		have[n++] = a->ip != NULL && a->ip[0] != '\0' ? a->ip :
		    a->hostname != NULL ? a->hostname : "";
	}
	if (n != s->n_addresses)
		return (false);
	qsort(have, n, sizeof *have, address_cmp);
	for (size_t k = 0; k < n; k++)
		if (strcmp(have[k], s->address[k]) != 0)
			return (false);
	return (true);
}

static void
on_written(const struct kube_reply *r, void *arg)
{
	struct ing_status *s = OBJ(arg, struct ing_status, ING_STATUS_MAGIC);

	s->flying--;
	/* 404, 409: it went, or changed; what comes of that comes anyway. */
	if (r->status == 200)
		ing_trouble_over(&s->writing_trouble,
		    "status addresses are written again");
	else if (r->status != 404 && r->status != 409)
		ing_trouble_reply(&s->writing_trouble,
		    "cannot write status addresses", r);
	pump(s);
}

static void
write_status(struct ing_status *s, const struct target *t)
{
	struct kube_ask a = { .method = "PATCH",
		.type = "application/merge-patch+json", .timeout_s = 10,
		.done = on_written, .arg = s };
	struct text path, body;

	text_init(&path);
	text_init(&body);
	text_printf(&path, "/apis/networking.k8s.io/v1/namespaces/%s/ingresses"
	    "/%s/status", t->ns, t->name);
	text_addz(&body, "{\"status\":{\"loadBalancer\":{\"ingress\":[");
	for (size_t i = 0; i < s->n_addresses && !s->taking_out; i++) {
		text_printf(&body, "%s{\"%s\":", i > 0 ? "," : "",
		    is_ip(s->address[i]) ? "ip" : "hostname");
		text_json(&body, span_str(s->address[i]));
		text_addc(&body, '}');
	}
	text_addz(&body, "]}}}");
	a.path = path.p;
	a.body = text_span(&body);
	s->flying++;
	(void)kube_api_call(s->api, &a);
	text_fini(&path);
	text_fini(&body);
}

/* When we leave, only what is ours is taken out. */
static void
pump(struct ing_status *s)
{
	if (!s->leads || !s->known || !s->o->update_status ||
	    s->leaving != s->taking_out)
		return;
	while (s->at < s->n_served && s->flying < UNDER_WAY_MAX) {
		const struct target *t = &s->served[s->at++];
		const struct ing_obj *i = ing_store_find(s->store,
		    ING_INGRESS, t->ns, t->name);

		if (i != NULL && is_published(s,
		    (const struct ing_ingress *)i) == s->taking_out)
			write_status(s, t);
	}
	if (s->taking_out && s->flying == 0)
		s->left(s->left_arg);
}

static void
on_timer(struct tmr *t)
{
	struct ing_status *s = HOLDER(t, struct ing_status, timer);

	look_again(s, 1000 * s->o->status_update_interval_s);
	if (s->leads && s->n_served > 0 && !s->leaving)
		find_out(s);
}

static void
forget_served(struct ing_status *s)
{
	for (size_t i = 0; i < s->n_served; i++) {
		free(s->served[i].ns);
		free(s->served[i].name);
	}
	free(s->served);
	s->served = NULL;
	s->n_served = 0;
}

void
ing_status_serve(struct ing_status *s, const struct ing_plan *plan)
{
	if (s->leaving)
		return;
	forget_served(s);
	s->served = must_alloc((plan->n_ours + 1) * sizeof *s->served);
	for (uint32_t i = 0; i < plan->n_ours; i++)
		s->served[s->n_served++] = (struct target){
			must_strdup(plan->ours[i]->o.ns),
			must_strdup(plan->ours[i]->o.name) };
	s->at = 0;
	if (!s->leads)
		return;
	if (s->known && s->o->publish_service == NULL)
		pump(s);
	else
		find_out(s);
}

void
ing_status_lead(struct ing_status *s, bool leads)
{
	s->leads = leads;
	if (leads && s->n_served > 0 && !s->leaving)
		find_out(s);
}

/* --- leaving ---------------------------------------------------------------- */

/* Another pod of ours that serves, and goes on. */
static bool
is_replica(const struct ing_status *s, const struct kube_node *pod)
{
	return (!span_is(kube_str(kube_at(pod, "metadata.name")), s->me) &&
	    kube_at(pod, "metadata.deletionTimestamp") == NULL &&
	    span_is(kube_str(kube_at(pod, "status.phase")), "Running"));
}

static void
on_replicas(const struct kube_reply *r, void *arg)
{
	struct ing_status *s = OBJ(arg, struct ing_status, ING_STATUS_MAGIC);
	const struct kube_node *items;
	struct kube_doc doc;
	unsigned others = 0;

	if (!read_doc(s, "our pods", r, &doc)) {
		s->left(s->left_arg);
		return;
	}
	items = kube_get(doc.root, "items");
	for (uint32_t i = 0; items != NULL && items->kind == KUBE_LIST &&
	    i < items->n; i++)
		others += is_replica(s, &items->item[i]);
	kube_doc_fini(&doc);
	if (others > 0) {
		s->left(s->left_arg);
		return;
	}
	ing_say("status addresses are taken out: no replica is left");
	s->taking_out = true;
	s->at = 0;
	pump(s);
}

static void
on_own_pod_leaving(const struct kube_reply *r, void *arg)
{
	struct ing_status *s = OBJ(arg, struct ing_status, ING_STATUS_MAGIC);
	struct kube_doc doc;

	if (!read_doc(s, "our own pod", r, &doc)) {
		s->left(s->left_arg);
		return;
	}
	if (take_selector(s, doc.root))
		list_pods(s, on_replicas);
	else
		s->left(s->left_arg);
	kube_doc_fini(&doc);
}

void
ing_status_withdraw(struct ing_status *s, void (*done)(void *), void *arg)
{
	bool must = s->leads && s->known && s->n_served > 0 &&
	    s->o->update_status && s->o->update_status_on_shutdown;

	s->leaving = true;
	s->left = done;
	s->left_arg = arg;
	if (!must)
		done(arg);
	else if (s->selector != NULL)
		list_pods(s, on_replicas);
	else
		read_own_pod(s, on_own_pod_leaving);
}

struct ing_status *
ing_status_open(struct kube_api *api, struct loop *loop,
    struct ing_store *store, const struct ing_options *o, const char *own_ns,
    const char *me)
{
	struct ing_status *s = must_alloc(sizeof *s);

	s->magic = ING_STATUS_MAGIC;
	s->api = api;
	s->loop = loop;
	s->store = store;
	s->o = o;
	s->own_ns = must_strdup(own_ns);
	s->me = must_strdup(me);
	tmr_init(&s->timer, on_timer);
	look_again(s, 1000 * o->status_update_interval_s);
	return (s);
}

/* Calls under way still point to it: the API is closed before. */
void
ing_status_close(struct ing_status *s)
{
	if (s == NULL)
		return;
	tmr_stop(&s->loop->wheel, &s->timer);
	forget_served(s);
	forget_addresses(s);
	for (size_t i = 0; i < s->n_nodes; i++)
		free(s->nodes[i]);
	free(s->selector);
	free(s->own_ns);
	free(s->me);
	ing_trouble_fini(&s->finding_trouble);
	ing_trouble_fini(&s->writing_trouble);
	free(s);
}
