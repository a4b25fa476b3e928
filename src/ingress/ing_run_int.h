/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ING_RUN_INT_H
#define ING_RUN_INT_H
/*
 * run - the parts of `ecluse-ingress run`: what follows the API server, what
 * is written there, who leads, and what is told to probes and scrapers.
 */
#include <ingress/plan.h>
#include <ingress/render.h>
#include <kube/watch.h>

/* --- the log (ing_say.c) ----------------------------------------------------- */

/* ing_say - one line on standard error, with the time. */
void ing_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What is wrong with one thing; zeroed when nothing is. */
struct ing_trouble {
	char *said;
};

/* ing_trouble_say - a line, unless it is the same as the last one. */
void ing_trouble_say(struct ing_trouble *, const char *what);

/* ing_trouble_reply - the same; `what` is "DOING: " and what the server said. */
void ing_trouble_reply(struct ing_trouble *, const char *doing,
    const struct kube_reply *);

/* ing_trouble_over - it is well; a line says so if anything was wrong. */
void ing_trouble_over(struct ing_trouble *, const char *what);
void ing_trouble_fini(struct ing_trouble *);

/* --- objects from the API server (ing_source.c) ----------------------------- */

struct ing_source;

struct ing_source_fns {
	void (*changed)(void *arg);     /* the store is not what it was */
	/* One object is not used; `why` NULL: it is again. `meta` holds its
	 * name, namespace and uid. */
	void (*refused)(enum ing_kind, const struct kube_node *meta,
	    const char *why, void *arg);
};

struct ing_source *ing_source_open(struct kube_api *, struct loop *,
    struct ing_store *, const struct ing_options *,
    const struct ing_source_fns *, void *arg);
void ing_source_close(struct ing_source *);

/* ing_source_is_synced - has each collection been read once? Else *what names
 * one that was not. */
bool ing_source_is_synced(const struct ing_source *, const char **what);

/* ing_source_troubles - how many of what is followed can't be read now. */
unsigned ing_source_troubles(const struct ing_source *);

/* ing_source_wanted - follow those Secrets and ConfigMaps, by name, that the
 * store was asked for, and no others. */
void ing_source_wanted(struct ing_source *);

/* --- who leads (ing_lease.c) ------------------------------------------------ */

struct ing_lease;

struct ing_lease *ing_lease_open(struct kube_api *, struct loop *,
    const char *ns, const char *name, const char *me, int ttl_s,
    void (*changed)(bool leads, void *arg), void *arg);
bool ing_lease_leads(const struct ing_lease *);

/* ing_lease_release - so that another need not wait for the time to be over;
 * `done` is called when the server has heard it, or could not. */
void ing_lease_release(struct ing_lease *, void (*done)(void *arg), void *arg);
void ing_lease_close(struct ing_lease *);

/* --- Events (ing_event.c) --------------------------------------------------- */

struct ing_events;

struct ing_subject {            /* of an Event; strings are copied */
	const char *kind, *api, *ns, *name, *uid;
};

struct ing_events *ing_events_open(struct kube_api *, struct loop *,
    const char *own_ns, const char *me);
void ing_events_close(struct ing_events *);

/*
 * ing_events_round - between begin and end each thing that is so now is said;
 * what was said in the round before is not sent again, and what is said no
 * longer may be sent anew later.
 */
void ing_events_begin(struct ing_events *);
void ing_events_say(struct ing_events *, const struct ing_subject *,
    bool warning, const char *reason, const char *text);
void ing_events_end(struct ing_events *);

/* --- status addresses (ing_status.c) ---------------------------------------- */

struct ing_status;

struct ing_status *ing_status_open(struct kube_api *, struct loop *,
    struct ing_store *, const struct ing_options *, const char *own_ns,
    const char *me);
void ing_status_close(struct ing_status *);

/* ing_status_serve - these are served now, each may have our addresses. */
void ing_status_serve(struct ing_status *, const struct ing_plan *);
void ing_status_lead(struct ing_status *, bool leads);

/* ing_status_withdraw - nobody serves them any more: take our addresses out,
 * unless there is another replica or --update-status-on-shutdown=false. Nothing
 * else is written from now on; `done` is called when all is done that can be. */
void ing_status_withdraw(struct ing_status *, void (*done)(void *arg),
    void *arg);

/* --- metrics (ing_metrics.c) ------------------------------------------------ */

struct ing_metrics {
	const struct ing_options *o;
	const char *ns, *pod;           /* ours */
	uint64_t n_good, n_bad, n_same;
	bool last_good;
	int64_t last_good_s, hash;
	uint32_t n_ours, n_hosts, n_backends, n_problems, n_refused;
	int64_t plan_us, apply_us;
	int64_t change_us;      /* from the first change to its being served */
	struct text of_objects;         /* lines for what the plan has */
};

/* ing_metrics_plan - remember what a plan holds. */
void ing_metrics_plan(struct ing_metrics *, const struct ing_plan *,
    const struct ing_files *, const struct ing_store *);

/* ing_metrics_write - all of it, in Prometheus' text format. */
void ing_metrics_write(struct text *, const struct ing_metrics *,
    struct ing_store *, unsigned troubles, bool leads);
void ing_metrics_fini(struct ing_metrics *);

/* --- probes (ing_health.c) -------------------------------------------------- */

struct ing_health;

struct ing_health_answer { int status; struct text body; };

/* What is asked; false: there is no such path. */
typedef bool ing_health_fn(struct span path, struct ing_health_answer *,
    void *arg);

struct ing_health *ing_health_open(struct loop *, const char *host, int port,
    ing_health_fn *, void *arg, char **why);
void ing_health_close(struct ing_health *);
#endif
