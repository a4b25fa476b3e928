/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_event - what users should know of their objects, as Events beside them.
 *
 * An Event's name is made of what it says, so that several generators, or one
 * that was started again, write one Event and not many. They leave at a bounded
 * rate.
 */
#include "ing_run_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <base/clock.h>
#include <base/list.h>
#include <base/must.h>

#define QUEUE_MAX 2000
#define EACH_MS 50              /* 20 a second */
#define UNDER_WAY_MAX 4

struct event {
	unsigned magic;
#define ING_EVENT_MAGIC 0x1c9e0b22
	struct list node;       /* in `known` or `queue` */
	struct event *next;     /* in its slot */
	struct ing_events *all;
	uint64_t key;
	unsigned round;         /* in which it was said last */
	bool queued, flying;
	char *ns, *path, *name, *body;
};

#define SLOTS 1024

struct ing_events {
	struct kube_api *api;
	struct loop *loop;
	char *own_ns, *me;
	struct event *slot[SLOTS];
	struct list queue;
	size_t n_queued, n_flying;
	unsigned round, told_full;
	struct tmr timer;
	struct ing_trouble trouble;
};

static void
event_free(struct event *e)
{
	list_del(&e->node);
	free(e->ns);
	free(e->path);
	free(e->name);
	free(e->body);
	free(e);
}

/* --- sending ---------------------------------------------------------------- */

static void pump(struct ing_events *);

static void
done(struct event *e)
{
	e->flying = false;
	e->all->n_flying--;
	free(e->body);
	e->body = NULL;
}

/* 404: the namespace went, and its objects with it. */
static void
judge(struct ing_events *v, const struct kube_reply *r)
{
	if (r->status == 200 || r->status == 201)
		ing_trouble_over(&v->trouble, "Events are written again");
	else if (r->status != 404)
		ing_trouble_reply(&v->trouble, "cannot write Events", r);
}

static void
on_patched(const struct kube_reply *r, void *arg)
{
	struct event *e = OBJ(arg, struct event, ING_EVENT_MAGIC);

	judge(e->all, r);
	done(e);
	pump(e->all);
}

static void
now_text(char out[40])
{
	time_t s = clock_wall_us() / 1000000;
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, 40, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* It is there from before: it is so still. */
static void
patch(struct event *e)
{
	struct kube_ask ask = { .method = "PATCH",
		.type = "application/merge-patch+json", .timeout_s = 10,
		.done = on_patched, .arg = e };
	char now[40], body[80];
	struct text path;

	now_text(now);
	snprintf(body, sizeof body, "{\"lastTimestamp\":\"%s\"}", now);
	text_init(&path);
	text_printf(&path, "%s/%s", e->path, e->name);
	ask.path = path.p;
	ask.body = span_str(body);
	(void)kube_api_call(e->all->api, &ask);
	text_fini(&path);
}

static void
on_posted(const struct kube_reply *r, void *arg)
{
	struct event *e = OBJ(arg, struct event, ING_EVENT_MAGIC);
	struct ing_events *v = e->all;

	if (r->status == 409) {
		patch(e);
		return;
	}
	judge(v, r);
	done(e);
	pump(v);
}

static void
send(struct event *e)
{
	struct kube_ask ask = { .method = "POST", .path = e->path,
		.body = span_str(e->body), .timeout_s = 10,
		.done = on_posted, .arg = e };

	list_del(&e->node);
	e->queued = false;
	e->flying = true;
	e->all->n_queued--;
	e->all->n_flying++;
	(void)kube_api_call(e->all->api, &ask);
}

static void
pump(struct ing_events *v)
{
	int64_t now = clock_mono_us() / 1000;

	if (list_empty(&v->queue) || v->n_flying >= UNDER_WAY_MAX ||
	    v->timer.due_ms != CLOCK_NEVER)
		return;
	tmr_arm(&v->loop->wheel, &v->timer, now + EACH_MS);
}

static void
on_timer(struct tmr *t)
{
	struct ing_events *v = HOLDER(t, struct ing_events, timer);

	if (!list_empty(&v->queue) && v->n_flying < UNDER_WAY_MAX)
		send(LIST_ITEM(v->queue.next, struct event, node));
	pump(v);
}

/* --- saying ----------------------------------------------------------------- */

struct ing_events *
ing_events_open(struct kube_api *api, struct loop *loop, const char *own_ns,
    const char *me)
{
	struct ing_events *v = must_alloc(sizeof *v);

	v->api = api;
	v->loop = loop;
	v->own_ns = must_strdup(own_ns);
	v->me = must_strdup(me);
	list_init(&v->queue);
	tmr_init(&v->timer, on_timer);
	return (v);
}

/* Calls under way still point to their events: the API is closed before. */
void
ing_events_close(struct ing_events *v)
{
	if (v == NULL)
		return;
	tmr_stop(&v->loop->wheel, &v->timer);
	for (size_t i = 0; i < SLOTS; i++)
		while (v->slot[i] != NULL) {
			struct event *e = v->slot[i];

			v->slot[i] = e->next;
			event_free(e);
		}
	free(v->own_ns);
	free(v->me);
	ing_trouble_fini(&v->trouble);
	free(v);
}

void
ing_events_begin(struct ing_events *v)
{
	v->round++;
}

static void
add_member(struct text *t, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	text_printf(t, ",\"%s\":", key);
	text_json(t, span_str(value));
}

static void
write_body(struct event *e, const struct ing_subject *o, bool warning,
    const char *reason, const char *what)
{
	struct text t;
	char now[40];

	now_text(now);
	text_init(&t);
	text_addz(&t, "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":"
	    "{\"name\":");
	text_json(&t, span_str(e->name));
	add_member(&t, "namespace", e->ns);
	text_printf(&t, "},\"type\":\"%s\"", warning ? "Warning" : "Normal");
	add_member(&t, "reason", reason);
	text_addz(&t, ",\"message\":");
	/* At most 1024 bytes, says the API. */
	text_json(&t, span_of(what, strnlen(what, 1000)));
	text_printf(&t, ",\"firstTimestamp\":\"%s\",\"lastTimestamp\":\"%s\","
	    "\"count\":1,\"involvedObject\":{\"kind\":\"%s\"", now, now,
	    o->kind);
	add_member(&t, "apiVersion", o->api);
	add_member(&t, "namespace", o->ns);
	add_member(&t, "name", o->name);
	add_member(&t, "uid", o->uid);
	text_addz(&t, "},\"source\":{\"component\":\"ecluse-ingress\"");
	add_member(&t, "host", e->all->me);
	text_addz(&t, "},\"reportingComponent\":\"ecluse-ingress\"");
	add_member(&t, "reportingInstance", e->all->me);
	text_addz(&t, "}");
	e->body = t.p;
}

static uint64_t
key_of(const struct ing_subject *o, const char *reason, const char *what)
{
	uint64_t h = span_hash(span_str(o->kind));

	h = span_hash_seed(span_str(o->ns), h);
	h = span_hash_seed(span_str(o->name), h);
	h = span_hash_seed(span_str(o->uid), h);
	h = span_hash_seed(span_str(reason), h);
	return (span_hash_seed(span_str(what), h));
}

void
ing_events_say(struct ing_events *v, const struct ing_subject *o, bool warning,
    const char *reason, const char *what)
{
	uint64_t key = key_of(o, reason, what);
	struct event **at = &v->slot[key % SLOTS], *e;
	/* What is in no namespace has its Events in "default". */
	const char *ns = o->ns != NULL && o->ns[0] != '\0' ? o->ns : "default";
	struct text t;

	for (; (e = *at) != NULL; at = &e->next)
		if (e->key == key) {
			e->round = v->round;
			return;
		}
	if (v->n_queued >= QUEUE_MAX) {
		if (v->told_full != v->round)
			ing_say("more than %d Events wait: the others are not "
			    "written, see `check`", QUEUE_MAX);
		v->told_full = v->round;
		return;
	}
	e = *at = must_alloc(sizeof *e);
	e->magic = ING_EVENT_MAGIC;
	e->all = v;
	e->key = key;
	e->round = v->round;
	e->ns = must_strdup(ns);
	text_init(&t);
	text_printf(&t, "%.200s.%016llx", o->name, (unsigned long long)key);
	e->name = t.p;
	text_init(&t);
	text_printf(&t, "/api/v1/namespaces/%s/events", ns);
	e->path = t.p;
	write_body(e, o, warning, reason, what);
	e->queued = true;
	v->n_queued++;
	list_push_back(&v->queue, &e->node);
	pump(v);
}

void
ing_events_end(struct ing_events *v)
{
	for (size_t i = 0; i < SLOTS; i++)
		for (struct event **at = &v->slot[i], *e; (e = *at) != NULL;) {
			if (e->round == v->round || e->flying) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			v->n_queued -= e->queued;
			event_free(e);
		}
}
