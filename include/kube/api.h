/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_API_H
#define KUBE_API_H
/*
 * api - requests to the API server, any number at once, over libcurl.
 *
 * Nothing blocks: kube_api_turn() waits for the answers and for the loop's own
 * descriptors and timers, and calls whoever waits. A token that is replaced on
 * disk is read again every minute, and as soon as the server refuses it.
 */
#include <base/text.h>
#include <kube/conf.h>
#include <os/loop.h>

struct kube_api;
struct kube_call;

struct kube_reply {
	int status;             /* of HTTP; 0: no answer, `error` says why */
	struct span body;       /* not of a stream */
	const char *error;      /* one sentence when status is 0 */
	int retry_after_s;      /* as the server asks; 0: it does not */
};
typedef void kube_reply_fn(const struct kube_reply *, void *arg);

/* Bytes of a stream as they come; false ends it. */
typedef bool kube_part_fn(struct span, void *arg);

/* kube_api_open - `conf` stays the caller's and must outlive it. */
struct kube_api *kube_api_open(struct kube_conf *, struct loop *);
void kube_api_close(struct kube_api *);

struct kube_ask {
	const char *method;     /* NULL: GET */
	const char *path;       /* "/api/v1/..." with its query */
	const char *type;       /* Content-Type of the body; NULL: JSON */
	struct span body;       /* copied */
	int timeout_s;          /* of all of it; 0: 30 */
	kube_part_fn *part;     /* NULL: the answer comes as a whole */
	void (*begun)(void *arg);       /* of a stream: 200, and it goes on;
	                                 * or NULL */
	kube_reply_fn *done;    /* called once, unless dropped before */
	void *arg;
};

/* kube_api_call - begin a request. Never NULL; ends by `done` or by
 * kube_call_drop(). `done` is not called before the next kube_api_turn(). */
struct kube_call *kube_api_call(struct kube_api *, const struct kube_ask *);

/* kube_call_drop - give it up; nobody is called any more. */
void kube_call_drop(struct kube_call *);

/* kube_reply_why - in words: what went wrong, or what the server answered. */
void kube_reply_why(const struct kube_reply *, struct text *out);

/* kube_api_turn - wait `max_ms` at most for the network, the loop's
 * descriptors and its timers, and handle what came. */
void kube_api_turn(struct kube_api *, int max_ms);
#endif
