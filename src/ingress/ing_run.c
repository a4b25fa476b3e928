/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_run - one path for every change: gather for a moment, plan, render,
 * switch the directory, reload, and say what came of it.
 *
 * What can't be done now leaves the last good state running; it is said once,
 * and once more when it is right again.
 */
#include <ingress/apply.h>
#include <ingress/cmd.h>
#include <ingress/keep.h>
#include <ingress/run.h>

#include "ing_run_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <base/clock.h>
#include <base/must.h>
#include <base/rand.h>
#include <os/proc.h>
#include <version.h>

#define RETRY_MS 1000           /* the proxy did not answer */
#define REFUSED_MS 60000        /* it had no memory, perhaps */
#define SINGLES_MS 2000         /* how long a change waits for a new Secret */
#define LIVE_MS 60000
#define LIVE_SINGLES_MS 5000
#define AT_ONCE 4               /* reloads without a gap, after a quiet time */
#define LEAVE_MS 8000           /* taking out addresses, giving up the lease */

/* One object that is not used, and why. */
struct refusal {
	struct refusal *next;
	enum ing_kind kind;
	char *ns, *name, *uid, *why;
};

struct run {
	const struct ing_options *o;
	struct kube_conf conf;
	struct loop loop;
	struct kube_api *api;
	struct ing_store *store;
	struct ing_keep keep;   /* what was planned last */
	struct ing_source *source;
	struct ing_lease *lease;
	struct ing_events *events;
	struct ing_status *status;
	struct ing_health *health;
	const char *ns, *me;    /* our pod */
	struct refusal *refused;
	struct tmr update, leave;
	bool serves;            /* a whole configuration was taken */
	bool leaving, left;
	bool must_reload;       /* files are there, the proxy was not */
	struct ing_trouble trouble;     /* of applying */
	int64_t wait_since_ms;  /* for Secrets that are asked for */
	int64_t changed_us;     /* since then it is known what is not served;
	                         * 0: nothing */
	int64_t pace_ms;        /* reloads so far were due until then, had each
	                         * kept its distance */
	struct ing_metrics m;
};

static int64_t
now_ms(void)
{
	return (clock_mono_us() / 1000);
}

/* --- refusals --------------------------------------------------------------- */

static void
refusal_free(struct refusal *f)
{
	free(f->ns);
	free(f->name);
	free(f->uid);
	free(f->why);
	free(f);
}

static void
on_refused(enum ing_kind kind, const struct kube_node *meta, const char *why,
    void *arg)
{
	struct span ns = kube_str(kube_get(meta, "namespace"));
	struct span name = kube_str(kube_get(meta, "name"));
	struct run *r = arg;
	struct refusal **at, *f;

	for (at = &r->refused; (f = *at) != NULL; at = &f->next)
		if (f->kind == kind && span_is(name, f->name) &&
		    span_is(ns, f->ns))
			break;
	if (f != NULL) {
		if (why != NULL && strcmp(why, f->why) == 0)
			return;
		*at = f->next;
		refusal_free(f);
		r->m.n_refused--;
	}
	if (why == NULL || name.n == 0)
		return;
	ing_say("%s is not used: %s", ing_kinds[kind].kind, why);
	f = must_alloc(sizeof *f);
	f->kind = kind;
	f->ns = span_dup(ns);
	f->name = span_dup(name);
	f->uid = span_dup(kube_str(kube_get(meta, "uid")));
	f->why = must_strdup(why);
	f->next = r->refused;
	r->refused = f;
	r->m.n_refused++;
}

static void
say_events(struct run *r, const struct ing_plan *plan)
{
	ing_events_begin(r->events);
	for (const struct refusal *f = r->refused; f != NULL; f = f->next)
		ing_events_say(r->events, &(struct ing_subject){
		    ing_kinds[f->kind].kind, ing_kinds[f->kind].api, f->ns,
		    f->name, f->uid }, true, "Invalid", f->why);
	for (uint32_t i = 0; i < plan->n_problems; i++) {
		const struct ing_problem *p = &plan->problems[i];

		if (p->obj != NULL)
			ing_events_say(r->events, &(struct ing_subject){
			    ing_kinds[p->obj->kind].kind,
			    ing_kinds[p->obj->kind].api, p->obj->ns,
			    p->obj->name, p->obj->uid }, true, p->reason,
			    p->text);
	}
	/* One of several says that all is well. */
	for (uint32_t i = 0; i < plan->n_ours && !r->o->disable_sync_events &&
	    ing_lease_leads(r->lease); i++) {
		const struct ing_obj *o = &plan->ours[i]->o;

		ing_events_say(r->events, &(struct ing_subject){ "Ingress",
		    ing_kinds[ING_INGRESS].api, o->ns, o->name, o->uid },
		    false, "Sync", "accepted by ecluse-ingress");
	}
	ing_events_end(r->events);
}

/* --- a change --------------------------------------------------------------- */

/* A few changes that follow each other, as those of a pod that is replaced, are
 * served at once; of many, one in each --reload-interval. */
static void
update_in(struct run *r, int64_t ms)
{
	int64_t due = now_ms() + ms;
	int64_t least = r->pace_ms - (AT_ONCE - 1) * r->o->reload_interval_ms;

	if (due < least)
		due = least;
	if (r->update.due_ms == CLOCK_NEVER || r->update.due_ms > due)
		tmr_arm(&r->loop.wheel, &r->update, due);
}

static void
keep_pace(struct run *r)
{
	int64_t now = now_ms();

	if (r->pace_ms < now)
		r->pace_ms = now;
	r->pace_ms += r->o->reload_interval_ms;
}

static void
on_changed(void *arg)
{
	struct run *r = arg;

	if (r->changed_us == 0)
		r->changed_us = clock_mono_us();
	update_in(r, r->o->wait_before_update_ms);
}

static enum ing_applied
apply(struct run *r, const struct ing_files *files, char **why)
{
	enum ing_applied done = ing_apply(r->o->dir, files,
	    r->o->master_socket, why);

	if (done == ING_APPLY_SAME && r->must_reload)
		done = ing_apply_reload(r->o->master_socket, why);
	r->must_reload = done == ING_APPLY_FAILED;
	return (done);
}

static void
take_result(struct run *r, enum ing_applied done, const char *why,
    const struct ing_plan *plan)
{
	int64_t since = r->changed_us;

	if (done == ING_APPLY_SAME || done == ING_APPLY_DONE)
		r->changed_us = 0;
	switch (done) {
	case ING_APPLY_SAME:
		r->m.n_same++;
		break;
	case ING_APPLY_DONE:
		r->m.n_good++;
		r->m.last_good_s = clock_wall_us() / 1000000;
		if (since != 0)
			r->m.change_us = clock_mono_us() - since;
		ing_say("serves %u Ingresses, %u hosts, %u backends; planned "
		    "in %lld ms, applied in %lld ms, %lld ms after the change",
		    plan->n_ours, plan->n_hosts, plan->n_backends,
		    (long long)(r->m.plan_us / 1000),
		    (long long)(r->m.apply_us / 1000),
		    (long long)(since != 0 ? r->m.change_us / 1000 : 0));
		break;
	case ING_APPLY_REFUSED:
	case ING_APPLY_FAILED:
		r->m.n_bad++;
		r->m.last_good = false;
		ing_trouble_say(&r->trouble, why);
		update_in(r, done == ING_APPLY_FAILED ? RETRY_MS :
		    REFUSED_MS);
		return;
	}
	r->m.last_good = r->serves = true;
	ing_trouble_over(&r->trouble,
	    "the configuration is up to date again");
	ing_status_serve(r->status, plan);
}

/* New Secrets and ConfigMaps are followed; true when all are there, or it was
 * waited long enough. */
static bool
has_all(struct run *r)
{
	const char *what;

	ing_source_wanted(r->source);
	if (ing_source_is_synced(r->source, &what)) {
		r->wait_since_ms = 0;
		return (true);
	}
	if (r->wait_since_ms == 0)
		r->wait_since_ms = now_ms();
	if (now_ms() - r->wait_since_ms >= SINGLES_MS)
		return (true);
	update_in(r, 100);
	return (false);
}

static void
render(struct run *r, int64_t began)
{
	const struct ing_plan *plan = r->keep.plan;
	const struct ing_files *files = &r->keep.files;
	enum ing_applied done;
	char *why = NULL;

	if (!ing_keep_render(&r->keep, &why)) {
		r->m.n_bad++;
		r->m.last_good = false;
		ing_trouble_say(&r->trouble, why);
	} else {
		r->m.plan_us = clock_mono_us() - began;
		ing_metrics_plan(&r->m, plan, files, r->store);
		began = clock_mono_us();
		done = apply(r, files, &why);
		r->m.apply_us = clock_mono_us() - began;
		if (done != ING_APPLY_SAME)
			keep_pace(r);
		take_result(r, done, why, plan);
		say_events(r, plan);
	}
	free(why);
}

static void
on_update(struct tmr *t)
{
	struct run *r = HOLDER(t, struct run, update);
	int64_t began = clock_mono_us();
	const char *what;

	/* Half of the objects make half of a configuration. */
	if (!r->serves && !ing_source_is_synced(r->source, &what) &&
	    r->wait_since_ms == 0)
		return;
	if (!ing_keep_plan(&r->keep, r->store, r->o) || has_all(r))
		render(r, began);
}

/* --- probes ----------------------------------------------------------------- */

static bool
on_probe(struct span path, struct ing_health_answer *a, void *arg)
{
	struct run *r = arg;
	const char *what = NULL;

	if (span_is(path, "/metrics")) {
		ing_metrics_write(&a->body, &r->m, r->store,
		    ing_source_troubles(r->source), ing_lease_leads(r->lease)
		    || r->o->disable_leader_election);
		return (true);
	}
	if (!span_is(path, "/healthz") && !span_is(path, "/readyz"))
		return (false);
	if (r->leaving) {
		a->status = 500;
		text_addz(&a->body, "leaving\n");
	} else if (span_is(path, "/readyz") && !r->serves) {
		a->status = 500;
		if (!ing_source_is_synced(r->source, &what))
			text_printf(&a->body, "%s are not read yet\n", what);
		else
			text_printf(&a->body, "no configuration is served "
			    "yet: %s\n", r->trouble.said != NULL ?
			    r->trouble.said : "it is being made");
	} else {
		text_addz(&a->body, "ok\n");
	}
	return (true);
}

/* --- coming and going ------------------------------------------------------- */

static void
on_lead(bool leads, void *arg)
{
	struct run *r = arg;

	ing_status_lead(r->status, leads);
	if (leads)
		update_in(r, r->o->wait_before_update_ms);
}

static void
on_released(void *arg)
{
	struct run *r = arg;

	r->left = true;
}

static void
on_withdrawn(void *arg)
{
	struct run *r = arg;

	if (r->lease == NULL)
		r->left = true;
	else
		ing_lease_release(r->lease, on_released, r);
}

static void
on_leave(struct tmr *t)
{
	struct run *r = HOLDER(t, struct run, leave);

	ing_status_withdraw(r->status, on_withdrawn, r);
}

static void
on_signal(void *arg, int sig, pid_t from)
{
	struct run *r = arg;

	(void)from;
	if (r->leaving) {
		r->left = true;
		return;
	}
	ing_say("leaves (signal %d) in %lld s", sig,
	    (long long)r->o->shutdown_grace_s);
	r->leaving = true;
	tmr_arm(&r->loop.wheel, &r->leave, now_ms() +
	    1000 * r->o->shutdown_grace_s);
}

static bool
is_ns_name(const char *s)
{
	const char *slash = s == NULL ? NULL : strchr(s, '/');

	return (s == NULL || (slash != NULL && slash != s &&
	    slash[1] != '\0' && strchr(slash + 1, '/') == NULL));
}

static bool
options_are_good(const struct ing_options *o)
{
	const struct { const char *flag, *value; } names[] = {
		{ "publish-service", o->publish_service },
		{ "configmap", o->configmap },
		{ "default-backend-service", o->default_backend_service },
		{ "default-ssl-certificate", o->default_ssl_certificate },
	};

	for (size_t i = 0; i < NELEM(names); i++)
		if (!is_ns_name(names[i].value)) {
			ing_say("--%s: expected namespace/name, found '%s'",
			    names[i].flag, names[i].value);
			return (false);
		}
	if (o->n_args > 0) {
		ing_say("run: expected flags only, found '%s'", o->args[0]);
		return (false);
	}
	if (o->election_ttl_s < 3) {
		ing_say("--election-ttl: expected 3s at least");
		return (false);
	}
	return (true);
}

static bool
open_all(struct run *r, const struct ing_options *o)
{
	static const struct ing_source_fns fns = { on_changed, on_refused };
	char *why = NULL;
	sigset_t set;

	if (!kube_conf_load(&r->conf, o->kubeconfig, o->apiserver_host,
	    &why)) {
		ing_say("%s", why);
		free(why);
		return (false);
	}
	r->ns = getenv("POD_NAMESPACE");
	if (r->ns == NULL || r->ns[0] == '\0')
		r->ns = r->conf.ns != NULL ? r->conf.ns : "default";
	r->me = getenv("POD_NAME");
	if (r->me == NULL || r->me[0] == '\0')
		r->me = "ecluse-ingress";
	r->m.o = o;
	r->m.ns = r->ns;
	r->m.pod = r->me;
	rand_seed();
	loop_open(&r->loop);
	tmr_init(&r->update, on_update);
	tmr_init(&r->leave, on_leave);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);       /* STOPSIGNAL of the image */
	proc_signals(&r->loop, &set, on_signal, r);
	r->store = ing_store_new();
	r->api = kube_api_open(&r->conf, &r->loop);
	r->events = ing_events_open(r->api, &r->loop, r->ns, r->me);
	r->status = ing_status_open(r->api, &r->loop, r->store, o, r->ns,
	    r->me);
	r->source = ing_source_open(r->api, &r->loop, r->store, o,
	    &fns, r);
	if (o->disable_leader_election)
		ing_status_lead(r->status, true);
	else
		r->lease = ing_lease_open(r->api, &r->loop, r->ns,
		    o->election_id, r->me, (int)o->election_ttl_s, on_lead, r);
	if (o->healthz_port != 0 && (r->health = ing_health_open(&r->loop,
	    o->healthz_host, (int)o->healthz_port, on_probe, r, &why)) ==
	    NULL) {
		ing_say("%s", why);
		free(why);
		return (false);
	}
	return (true);
}

static void
close_all(struct run *r)
{
	ing_health_close(r->health);
	ing_lease_close(r->lease);
	ing_source_close(r->source);
	kube_api_close(r->api);         /* drops the calls of those below */
	ing_status_close(r->status);
	ing_events_close(r->events);
	ing_keep_fini(&r->keep);
	ing_store_free(r->store);
	while (r->refused != NULL) {
		struct refusal *f = r->refused;

		r->refused = f->next;
		refusal_free(f);
	}
	ing_trouble_fini(&r->trouble);
	ing_metrics_fini(&r->m);
	kube_conf_fini(&r->conf);
}

int
ing_run(struct ing_options *o)
{
	struct run *r = must_alloc(sizeof *r);
	struct text pem;
	int64_t end = 0;
	bool good;

	text_init(&pem);
	o->ipv6 = ing_cmd_ipv6();
	ing_cmd_fallback(o, o->dir, &pem);
	ing_keep_memory();
	r->o = o;
	signal(SIGPIPE, SIG_IGN);
	good = options_are_good(o) && open_all(r, o);
	while (good && !r->left) {
		kube_api_turn(r->api, 1000);
		if (r->leaving && end == 0)
			end = now_ms() + 1000 * r->o->shutdown_grace_s +
			    LEAVE_MS;
		if (end != 0 && now_ms() > end)
			break;
	}
	if (good && o->post_shutdown_grace_s > 0) {
		struct timespec ts = { .tv_sec = o->post_shutdown_grace_s };

		(void)nanosleep(&ts, NULL);
	}
	if (r->api != NULL)
		close_all(r);
	text_fini(&pem);
	free(r);
	return (good ? 0 : 1);
}

/* --- once ------------------------------------------------------------------- */

struct once {
	struct kube_conf conf;
	struct loop loop;
	struct kube_api *api;
	struct ing_source *source;
	char *last;             /* refusal */
};

static void
once_changed(void *arg)
{
	(void)arg;
}

static void
once_refused(enum ing_kind kind, const struct kube_node *meta, const char *why,
    void *arg)
{
	(void)meta;
	(void)arg;
	if (why != NULL)
		ing_say("%s is not used: %s", ing_kinds[kind].kind, why);
}

static bool
wait_synced(struct once *x, int64_t ms, const char **what)
{
	int64_t end = now_ms() + ms;

	while (!ing_source_is_synced(x->source, what)) {
		if (now_ms() > end)
			return (false);
		kube_api_turn(x->api, 100);
	}
	return (true);
}

bool
ing_live_load(const struct ing_options *o, struct ing_store *store,
    char **why)
{
	static const struct ing_source_fns fns = { once_changed,
		once_refused };
	struct once *x = must_alloc(sizeof *x);
	const char *what = NULL;
	bool good;

	if (!kube_conf_load(&x->conf, o->kubeconfig, o->apiserver_host, why)) {
		free(x);
		return (false);
	}
	rand_seed();
	loop_open(&x->loop);
	x->api = kube_api_open(&x->conf, &x->loop);
	x->source = ing_source_open(x->api, &x->loop, store, o, &fns, x);
	good = wait_synced(x, LIVE_MS, &what);
	if (good) {
		/* What the plan looks for by name comes in a second turn. */
		ing_plan_free(ing_plan_make(store, o));
		ing_source_wanted(x->source);
		/* One that may not be read is as one that is not there. */
		(void)wait_synced(x, LIVE_SINGLES_MS, &what);
	}
	if (!good) {
		struct text t;

		text_init(&t);
		text_printf(&t, "the API server at %s did not tell %s within "
		    "%d s", x->conf.server, what, LIVE_MS / 1000);
		*why = t.p;
	}
	/* The objects stay: what followed them goes with the process. */
	kube_api_close(x->api);
	loop_close(&x->loop);
	kube_conf_fini(&x->conf);
	free(x);
	return (good);
}
