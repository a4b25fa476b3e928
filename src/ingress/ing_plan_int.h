/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ING_PLAN_INT_H
#define ING_PLAN_INT_H
/*
 * ing_plan_int - what the steps of a plan share while it is made.
 */
#include "ing_index_int.h"

#include <ingress/plan.h>

/* An accepted Ingress with what its annotations say. */
struct ing_taken {
	const struct ing_ingress *ing;
	const struct ing_opts *opts;    /* of all that say the same */
	const char *be_text;            /* what of them makes another backend, */
	const char *rules_text;         /* another policy: ing_plan_taken() */
	bool open;                      /* false: all its locations are 503 */
	bool client_closed;             /* for an annotation auth-tls-* */
};

struct ing_slice_ref {                  /* EndpointSlices of a Service */
	const struct ing_slice *slice;
	struct ing_slice_ref *next;
};

struct ing_planning {
	struct ing_plan *plan;
	struct arena *mem;              /* the plan's */
	struct ing_store *store;
	const struct ing_options *o;
	struct ing_taken *taken;        /* oldest first */
	uint32_t n_taken;
	struct ing_index said;          /* options: struct ing_said */
	struct ing_index hosts;         /* name: struct ing_plan_host */
	struct ing_index names;         /* other names: whose they are */
	struct ing_index keys;          /* host, kind, path: struct ing_loc */
	struct ing_index backends;      /* ns, service, port, options */
	struct ing_index services;      /* ns, service, port: first opts */
	struct ing_index slices;        /* ns, service: struct ing_slice_ref */
	const struct ing_obj *about;    /* whose annotations are read */
	bool client_closed;             /* one of them was auth-tls-* */
};

/* ing_plan.c: "a\nb\nc" in the plan's arena. */
struct span ing_plan_key(struct ing_planning *, const char *,
    const char *, const char *, const char *);

/* ing_plan_vec - room for one more in an array of the arena that has `n`. */
void *ing_plan_vec(struct arena *, void *v, uint32_t n, size_t each);

/* ing_plan_be.c */
void ing_plan_slices(struct ing_planning *);

/* ing_plan_add_slice - the endpoints of one at that port, for a backend whose
 * servers are found anew: ing_plan_servers_end() makes them its own. */
struct ing_servers {
	struct ing_planning *p;
	struct ing_server *v;
	uint32_t n, n_active;
};
void ing_plan_add_slice(struct ing_servers *, const struct ing_slice *,
    const char *port_name);
void ing_plan_servers_end(struct ing_servers *, struct ing_plan_be *);

/* ing_plan_update.c */
void ing_plan_forget_services(struct ing_plan *);

/* ing_plan_taken - what its options are, and what follows from them. */
void ing_plan_taken(struct ing_planning *, struct ing_taken *,
    const struct ing_opts *);
struct ing_plan_be *ing_plan_be(struct ing_planning *,
    const struct ing_taken *, const struct ing_backend_ref *);
struct ing_policy *ing_plan_policy(struct ing_planning *,
    struct ing_plan_be *, const struct ing_taken *, const char *path,
    const struct ing_plan_host *, const struct ing_plan_be *instead_of);

/* For bytes that are passed on as they come; without options. */
struct ing_plan_be *ing_plan_tcp_be(struct ing_planning *,
    const struct ing_taken *, const struct ing_backend_ref *);

/* For a canary: the Service of its own, all else as the location has it. */
struct ing_plan_be *ing_plan_canary_be(struct ing_planning *,
    const struct ing_loc *, const struct ing_taken *,
    const struct ing_backend_ref *);
struct ing_policy *ing_plan_policy_as(struct ing_planning *,
    struct ing_plan_be *, const struct ing_policy *);

/* ing_plan_host.c: which hosts there are, and which are in regex mode; when they
 * have their certificates, what is at their paths. */
void ing_plan_hosts(struct ing_planning *);
void ing_plan_locs(struct ing_planning *);

/* ing_plan_names.c: other names of hosts, and their ciphers. */
void ing_plan_names(struct ing_planning *);

/* ing_plan_client.c: which hosts ask their clients for certificates. */
void ing_plan_clients(struct ing_planning *);

/* ing_plan_tls.c: certificates of the hosts. */
void ing_plan_tls(struct ing_planning *);
#endif
