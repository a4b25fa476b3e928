/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_PLAN_H
#define INGRESS_PLAN_H
/*
 * plan - from objects to decisions: who is served, which path of which host
 * leads where, which servers a backend has, and what is wrong with what.
 *
 * A pure function of the store and the options: no clock, no file, no order of
 * arrival. Equal input gives an equal plan, and everything in it is sorted.
 */
#include <ingress/annot.h>
#include <ingress/model.h>
#include <ingress/options.h>
#include <ingress/store.h>

/* What becomes an Event of an object, a line of the log, a row of `check`. */
struct ing_problem {
	const struct ing_obj *obj;      /* NULL: of the controller itself */
	const char *reason;             /* CamelCase, stable */
	const char *text;
	bool refused;                   /* it, or a part of it, is not served */
};

enum ing_match {
	ING_EXACT,              /* the path is equal */
	ING_ELEMENT,            /* Prefix: equal, or followed by '/' */
	ING_BEGINS,             /* the path begins so */
	ING_REGEX               /* PCRE, anchored at its start, any case */
};

struct ing_server {
	const char *name;       /* "10.0.0.1_8080" */
	const char *ip;         /* or a DNS name, see dns */
	int64_t port;
	bool dns;
	bool drain;             /* serves only what it has */
};

/* One per namespace, Service, port, and set of options at ING_AT_BACKEND. */
struct ing_plan_be {
	const char *id;         /* name in the configuration */
	const char *ns, *service, *port;        /* port: as the rule says it */
	const struct ing_ingress *by;           /* the oldest that names it */
	bool tcp;               /* bytes, not requests */
	bool inside;            /* no path leads there: it is asked by rules */
	const struct ing_ask *asked;    /* what auth-url says of it; or NULL */
	const struct ing_opts *opts;
	const struct ing_opts *service_opts;    /* see ING_AT_SERVICE */
	const struct ing_server *servers;       /* sorted by name */
	uint32_t n_servers;
	struct ing_policy *policies;            /* sorted by id */
	uint32_t n_policies;
	/* Whose endpoints its servers are, at which port; NULL: they are not
	 * from EndpointSlices. See ing_plan_update(). */
	const struct ing_svc_port *port_of;
	struct ing_plan_be *next_of;            /* of the same Service */
	bool moved;             /* its servers are others than before */
	bool in_maps;           /* they are in a map, too */
	size_t at, bytes;       /* its lines in ecluse.cfg */
};

/* What is asked of a host's clients: auth-tls-*. */
struct ing_client {
	const struct ing_ingress *by;
	const struct ing_opts *opts;
	bool closed;            /* it can't be: the host answers 403 */
};

/* In the text of a policy: plain requests are sent to TLS, as the host has a
 * certificate. */
#define ING_POLICY_CERT "cert\n"

/* What a location does to a request, beside where it goes. */
struct ing_policy {
	const char *id;         /* hash of its text; "-": nothing special */
	const char *text;       /* equal texts are equal policies */
	const struct ing_opts *opts;
	const struct ing_ingress *by;
	const char *rewrite_path;       /* the rule's path, when rewriting */
	const char *cookie_path;        /* idem, for affinity; NULL: "/" */
	bool host_has_cert;
	const struct ing_client *client;        /* of the host; or NULL */
	bool any_host;          /* it is that for names nobody has */
	const struct ing_plan_be *ask;          /* who is asked about requests;
	                                         * NULL: nobody, or ourselves */
	const struct ing_plan_be *pages;        /* who has those for errors of
	                                         * servers; NULL: nobody */
	const struct ing_plan_be *served_by;    /* whose errors they are */
	const struct ing_plan_be *instead_of;   /* default-backend answers,
	                                         * as this has no server */
	struct ing_policy *next;        /* of the same backend */
};

enum ing_to {
	ING_TO_BACKEND,
	ING_TO_404,
	ING_TO_403,             /* see struct ing_client */
	ING_TO_503              /* a location that must not be served */
};

struct ing_loc {
	enum ing_match match;
	const char *path;
	enum ing_to to;
	struct ing_plan_be *be;         /* ING_TO_BACKEND */
	struct ing_policy *policy;
	const struct ing_ingress *by;
	/* A canary beside it: who, by what it is chosen, and where to. */
	const struct ing_ingress *canary;
	const struct ing_opts *canary_opts;
	struct ing_plan_be *canary_be;
	struct ing_policy *canary_policy;
};

struct ing_plan_host {
	const char *name;       /* "foo.com", "*.foo.com", or "_" for any */
	bool regex;             /* all paths are regex, first match wins */
	const struct ing_ingress *regex_by;
	struct ing_loc **locs;  /* in the order in which they are to be tried */
	uint32_t n_locs;
	struct ing_loc *dflt;   /* for all other paths; NULL: 404 */
	const struct ing_data *cert;    /* tls Secret; NULL: the default */
	bool has_tls;           /* it asked for one */
	const struct ing_client *client;        /* NULL: not asked for one */
	struct ing_plan_be *pass;       /* its TLS is not ours; or NULL */
	const char **aliases;   /* names that serve the same */
	uint32_t n_aliases;
	const struct ing_ingress *alias_by;
	const char *www;        /* the name that leads here; or NULL */
	const char *ciphers;    /* of its own; or NULL */
	bool client_order;      /* of ciphers */
};

struct ing_plan {
	struct arena mem;
	const struct ing_options *options;
	const struct ing_data *configmap;       /* --configmap; or NULL */
	struct ing_opts defaults;               /* what it says */
	const struct ing_ingress **ours;        /* accepted, oldest first */
	uint32_t n_ours;
	struct ing_plan_host **hosts;           /* sorted by name */
	uint32_t n_hosts;
	struct ing_plan_be **backends;          /* sorted by id */
	uint32_t n_backends;
	struct ing_plan_be *dflt;               /* --default-backend-service */
	const struct ing_service *dflt_service; /* the same */
	struct ing_problem *problems;           /* sorted by object */
	uint32_t n_problems;
	const struct ing_data *default_cert;
	int64_t buffer_bytes;                   /* for the largest head */
	bool asks_itself;                       /* see struct ing_ask */
	struct ing_services *services;          /* see ing_plan_update() */
	struct ing_plan_be **moved;             /* by the last of those */
	uint32_t n_moved;
};

/* ing_plan_make - the objects it points to stay the store's: it is of no use
 * after the next change there. */
struct ing_plan *ing_plan_make(struct ing_store *, const struct ing_options *);
void ing_plan_free(struct ing_plan *);

/*
 * ing_plan_update - the plan as ing_plan_make() would make it now, when nothing
 * else changed in the store than EndpointSlices of these Services
 * (ing_store_touched()): backends with other servers are in `moved`.
 *
 * False when more than that depends on it, and the plan is of no use any more.
 */
bool ing_plan_update(struct ing_plan *, struct ing_store *,
    const struct ing_touched *, size_t n);

/* ing_plan_problem - add one; for what is found while rendering. */
void ing_plan_problem(struct ing_plan *, const struct ing_obj *,
    const char *reason, bool refused, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
#endif
