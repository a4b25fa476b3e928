/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_lease - one of several generators leads: it holds a Lease, and says so
 * every third of its time. Leading is for status addresses only.
 *
 * Clocks of other machines are not believed: a Lease is over when *we* have not
 * seen it change for as long as it lasts.
 * Source: kubernetes.io/docs/concepts/architecture/leases.
 */
#include "ing_run_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <base/clock.h>
#include <base/must.h>
#include <base/rand.h>

struct ing_lease {
	unsigned magic;
#define ING_LEASE_MAGIC 0x1c9e0b21
	struct kube_api *api;
	struct loop *loop;
	char *path, *ns, *name, *me;
	int ttl_s;
	void (*changed)(bool, void *);
	void *arg;
	struct kube_call *call;
	struct tmr timer;
	bool leads, releasing;
	void (*released)(void *);
	void *released_arg;
	/* as last seen */
	char *seen;             /* resourceVersion */
	int64_t seen_ms;        /* when that was new to us */
	int64_t held_ms;        /* when we last said that we lead */
	int64_t transitions;
	char acquired[40];
	struct ing_trouble trouble;
};

static int64_t
now_ms(void)
{
	return (clock_mono_us() / 1000);
}

static void
stamp(char out[40])
{
	int64_t us = clock_wall_us();
	time_t s = us / 1000000;
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(out, 30, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 40 - n, ".%06uZ", (unsigned)(us % 1000000) %
	    1000000);
}

static void
lead(struct ing_lease *l, bool leads)
{
	if (l->leads == leads)
		return;
	l->leads = leads;
	ing_say(leads ? "%s leads: holds the lease %s/%s" :
	    "%s does not lead any more: lost the lease %s/%s", l->me, l->ns,
	    l->name);
	l->changed(leads, l->arg);
}

/* `doing`: "read" or "write". */
static void
say_trouble(struct ing_lease *l, const char *doing, const struct kube_reply *r)
{
	struct text t;

	text_init(&t);
	text_printf(&t, "cannot %s the lease %s/%s", doing, l->ns, l->name);
	ing_trouble_reply(&l->trouble, t.p, r);
	text_fini(&t);
}

/* It was read or written as it should be. */
static void
say_well(struct ing_lease *l)
{
	ing_trouble_over(&l->trouble, "the lease is read and written again");
}

static void
again(struct ing_lease *l, int64_t ms)
{
	/* Not two at the same moment, again and again. */
	ms += rand_below((uint32_t)ms / 4 + 1);
	tmr_arm(&l->loop->wheel, &l->timer, now_ms() + ms);
}

/* Who could not say so for the whole time does not lead: another may. */
static void
look_at_clock(struct ing_lease *l)
{
	if (l->leads && now_ms() - l->held_ms >= 1000 * (int64_t)l->ttl_s)
		lead(l, false);
}

/* --- writing ---------------------------------------------------------------- */

static void
on_written(const struct kube_reply *r, void *arg)
{
	struct ing_lease *l = OBJ(arg, struct ing_lease, ING_LEASE_MAGIC);

	l->call = NULL;
	if (l->releasing) {
		l->released(l->released_arg);
		return;
	}
	if (r->status == 200 || r->status == 201) {
		l->held_ms = now_ms();
		say_well(l);
		lead(l, true);
		again(l, 1000 * (int64_t)l->ttl_s / 3);
		return;
	}
	/* 409: somebody else was quicker. */
	if (r->status != 409)
		say_trouble(l, "write", r);
	look_at_clock(l);
	again(l, 1000);
}

/* version NULL: it is made. An empty holder gives it up. */
static void
write_lease(struct ing_lease *l, const char *version, const char *holder)
{
	struct kube_ask ask = { .method = version == NULL ? "POST" : "PUT",
		.timeout_s = 5, .done = on_written, .arg = l };
	struct text body, path;
	char now[40];

	stamp(now);
	if (l->acquired[0] == '\0')
		memcpy(l->acquired, now, sizeof now);
	text_init(&body);
	text_init(&path);
	text_addz(&body, "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":"
	    "\"Lease\",\"metadata\":{\"name\":");
	text_json(&body, span_str(l->name));
	text_addz(&body, ",\"namespace\":");
	text_json(&body, span_str(l->ns));
	if (version != NULL) {
		text_addz(&body, ",\"resourceVersion\":");
		text_json(&body, span_str(version));
	}
	text_addz(&body, "},\"spec\":{\"holderIdentity\":");
	text_json(&body, span_str(holder));
	text_printf(&body, ",\"leaseDurationSeconds\":%d,\"acquireTime\":"
	    "\"%s\",\"renewTime\":\"%s\",\"leaseTransitions\":%lld}}",
	    holder[0] == '\0' ? 1 : l->ttl_s, l->acquired, now,
	    (long long)l->transitions);
	text_addz(&path, l->path);
	if (version != NULL)
		text_printf(&path, "/%s", l->name);
	ask.path = path.p;
	ask.body = text_span(&body);
	l->call = kube_api_call(l->api, &ask);
	text_fini(&body);
	text_fini(&path);
}

/* --- reading ---------------------------------------------------------------- */

static int64_t
number(const struct kube_node *root, const char *path, int64_t dflt)
{
	const struct kube_node *n = kube_at(root, path);

	return (n != NULL && n->kind == KUBE_INT ? n->num : dflt);
}

/* It is there: ours, somebody's, or nobody's any more. */
static void
take_lease(struct ing_lease *l, const struct kube_node *root)
{
	struct span holder = kube_str(kube_at(root, "spec.holderIdentity"));
	struct span version = kube_str(kube_at(root,
	    "metadata.resourceVersion"));
	struct span acquired = kube_str(kube_at(root, "spec.acquireTime"));
	int64_t ttl = number(root, "spec.leaseDurationSeconds", l->ttl_s);
	bool mine = span_is(holder, l->me);
	char *v = span_dup(version);

	l->transitions = number(root, "spec.leaseTransitions", 0);
	if (l->seen == NULL || strcmp(l->seen, v) != 0) {
		free(l->seen);
		l->seen = must_strdup(v);
		l->seen_ms = now_ms();
	}
	if (l->releasing) {
		if (mine)
			write_lease(l, v, "");
		else
			l->released(l->released_arg);
	} else if (mine) {
		if (acquired.n < sizeof l->acquired)
			span_copy(l->acquired, sizeof l->acquired, acquired);
		write_lease(l, v, l->me);
	} else if (holder.n == 0 || now_ms() - l->seen_ms >= 1000 * ttl) {
		l->transitions++;
		l->acquired[0] = '\0';
		write_lease(l, v, l->me);
	} else {
		say_well(l);
		lead(l, false);
		again(l, 1000 * (int64_t)l->ttl_s / 3);
	}
	free(v);
}

/* Without a version, what we write would be in place of anything. */
static bool
read_doc(const struct kube_reply *r, struct kube_doc *doc)
{
	struct diags diags;
	bool good;

	diags_init(&diags);
	good = kube_json_read(r->body, "lease", &kube_limits_object, doc,
	    &diags);
	diags_fini(&diags);
	if (good && kube_str(kube_at(doc->root,
	    "metadata.resourceVersion")).n == 0) {
		kube_doc_fini(doc);
		good = false;
	}
	return (good);
}

static void
on_read(const struct kube_reply *r, void *arg)
{
	struct ing_lease *l = OBJ(arg, struct ing_lease, ING_LEASE_MAGIC);
	static const struct kube_reply none = {
		.error = "the answer is no lease" };
	struct kube_doc doc;

	l->call = NULL;
	look_at_clock(l);
	if (r->status == 404 && !l->releasing) {
		l->transitions = 0;
		l->acquired[0] = '\0';
		write_lease(l, NULL, l->me);
	} else if (r->status == 200 && read_doc(r, &doc)) {
		take_lease(l, doc.root);
		kube_doc_fini(&doc);
	} else if (l->releasing) {
		l->released(l->released_arg);
	} else {
		say_trouble(l, "read", r->status == 200 ? &none : r);
		again(l, 1000);
	}
}

static void
read_lease(struct ing_lease *l)
{
	struct kube_ask ask = { .timeout_s = 5, .done = on_read, .arg = l };
	struct text path;

	text_init(&path);
	text_printf(&path, "%s/%s", l->path, l->name);
	ask.path = path.p;
	l->call = kube_api_call(l->api, &ask);
	text_fini(&path);
}

static void
on_timer(struct tmr *t)
{
	struct ing_lease *l = HOLDER(t, struct ing_lease, timer);

	look_at_clock(l);
	if (l->call == NULL)
		read_lease(l);
}

struct ing_lease *
ing_lease_open(struct kube_api *api, struct loop *loop, const char *ns,
    const char *name, const char *me, int ttl_s,
    void (*changed)(bool, void *), void *arg)
{
	struct ing_lease *l = must_alloc(sizeof *l);
	struct text path;

	l->magic = ING_LEASE_MAGIC;
	l->api = api;
	l->loop = loop;
	l->ns = must_strdup(ns);
	l->name = must_strdup(name);
	l->me = must_strdup(me);
	l->ttl_s = ttl_s;
	l->changed = changed;
	l->arg = arg;
	text_init(&path);
	text_printf(&path,
	    "/apis/coordination.k8s.io/v1/namespaces/%s/leases", ns);
	l->path = path.p;
	tmr_init(&l->timer, on_timer);
	tmr_arm(&loop->wheel, &l->timer, now_ms());
	return (l);
}

bool
ing_lease_leads(const struct ing_lease *l)
{
	return (l != NULL && l->leads);
}

void
ing_lease_release(struct ing_lease *l, void (*done)(void *), void *arg)
{
	if (!l->leads) {
		done(arg);
		return;
	}
	kube_call_drop(l->call);
	tmr_stop(&l->loop->wheel, &l->timer);
	l->releasing = true;
	l->released = done;
	l->released_arg = arg;
	read_lease(l);
}

void
ing_lease_close(struct ing_lease *l)
{
	if (l == NULL)
		return;
	kube_call_drop(l->call);
	tmr_stop(&l->loop->wheel, &l->timer);
	free(l->path);
	free(l->ns);
	free(l->name);
	free(l->me);
	free(l->seen);
	ing_trouble_fini(&l->trouble);
	free(l);
}
