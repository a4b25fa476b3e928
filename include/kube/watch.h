/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H
/*
 * watch - a copy of one collection of the API server, kept up to date: a list
 * in pages, then a watch from where the list ended, and again from the
 * beginning when the server has forgotten that place.
 *
 * The first half is a machine without input or output: it says what to ask next
 * and is fed what came. The second half runs it over kube_api.
 * Source: kubernetes.io/docs/reference/using-api/api-concepts, "Efficient
 * detection of changes", "Resource versions", "Retrieving large results sets in
 * chunks".
 */
#include <kube/api.h>
#include <kube/doc.h>

struct kube_watch_ops {
	/* A list begins, perhaps again: what is not told until `listed` is
	 * not there any more. */
	void (*begin)(void *arg);
	void (*object)(const struct kube_node *, void *arg);
	void (*gone)(const struct kube_node *, void *arg);
	void (*listed)(void *arg);
	/* What is wrong, once until it is another thing; `doing` is "list PATH"
	 * or "watch PATH", and `what` NULL: it is well. */
	void (*trouble)(const char *doing, const char *what, void *arg);
};

enum kube_step { KUBE_DO_LIST, KUBE_DO_WATCH, KUBE_DO_WAIT };

struct kube_watch {
	const struct kube_watch_ops *ops;
	void *arg;
	char *path, *query;     /* query: "fieldSelector=..." or "" */
	char *version;          /* to watch from; NULL: list */
	char *more;             /* token of the next page, or NULL */
	struct text line;       /* of the watch, so far */
	bool skipping;          /* the rest of a line that is too long */
	bool was_listed;        /* once, at least */
	bool expired;           /* the watch ended because of its version */
	bool begun;             /* the server has said yes to the watch */
	unsigned fails;         /* in a row */
	int64_t not_before_ms;
	int64_t began_ms;       /* of the watch */
	int watch_s;            /* how long the watch is asked for */
	char *trouble;          /* as told */
};

/* kube_watch_init - `path` of the collection, "/api/v1/services". */
void kube_watch_init(struct kube_watch *, const char *path, const char *query,
    const struct kube_watch_ops *, void *arg);
void kube_watch_fini(struct kube_watch *);

/* kube_watch_next - what is to be done now. `url` gets what to ask for on LIST
 * and WATCH, *wait_ms how long to do nothing on WAIT. */
enum kube_step kube_watch_next(struct kube_watch *, int64_t now_ms,
    struct text *url, int64_t *wait_ms);

/* kube_watch_page - the answer to a LIST. */
void kube_watch_page(struct kube_watch *, const struct kube_reply *,
    int64_t now_ms);

/* kube_watch_begun - the server has said that it will tell. */
void kube_watch_begun(struct kube_watch *);

/* kube_watch_lives - said after KUBE_WATCH_HEALTHY_MS of a watch that goes on:
 * it is not another one that begins only to break. */
#define KUBE_WATCH_HEALTHY_MS 3000
void kube_watch_lives(struct kube_watch *);

/* kube_watch_bytes - of the answer to a WATCH; false: end it. */
bool kube_watch_bytes(struct kube_watch *, struct span);

/* kube_watch_ended - the watch is over. */
void kube_watch_ended(struct kube_watch *, const struct kube_reply *,
    int64_t now_ms);

/* --- the same over the network ---------------------------------------------- */

struct kube_follow;

struct kube_follow *kube_follow_open(struct kube_api *, struct loop *,
    const char *path, const char *query, const struct kube_watch_ops *,
    void *arg);
void kube_follow_close(struct kube_follow *);

/* kube_follow_is_listed - has the whole collection been told once? */
bool kube_follow_is_listed(const struct kube_follow *);
#endif
