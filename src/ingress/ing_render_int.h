/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ING_RENDER_INT_H
#define ING_RENDER_INT_H
/*
 * ing_render_int - the parts of a rendering.
 */
#include "ing_index_int.h"

#include <ingress/cfg.h>
#include <ingress/render.h>

struct ing_rendering {
	struct ing_plan *plan;
	struct ing_files *files;
	struct ing_cfg cfg;
	struct text out;                /* what is written of it */
	bool needs_dns;
	struct ing_index lists;         /* of users, by id */
	struct ing_users_ref *users;    /* the same, sorted */
	struct ing_index tables;        /* of limits, by name */
	struct ing_table *first_table;
	struct ing_canary_class *classes;
	uint32_t n_classes;
	struct ing_index seen;          /* files that are there */
	struct text sticky;             /* a map: "BACKEND/KEY" of servers */
	struct ing_index sticky_seen;   /* backends that are in it */
};

/* ing_render_canary.c: canaries that are chosen alike are of one class. */
const char *ing_render_class(struct ing_rendering *, const struct ing_loc *);
void ing_render_canaries(struct ing_rendering *);

/* ing_render_map.c */
void ing_render_maps(struct ing_rendering *);
bool ing_render_any_regex(const struct ing_plan *);
bool ing_render_any_simple(const struct ing_plan *);
bool ing_render_any_alias(const struct ing_plan *);
bool ing_render_any_auto(const struct ing_plan *);
bool ing_render_any_www(const struct ing_plan *);
const char *ing_render_mark(const struct ing_plan_host *);

/* Backends that have another of the same, by TLS (AUTO_HTTP), and its name. */
bool ing_is_auto(const struct ing_plan_be *);
const char *ing_twin_id(struct ing_rendering *, const struct ing_plan_be *);

/* ing_render_front.c: listeners, routing. */
void ing_render_front(struct ing_rendering *);

/* ing_render_global.c: global and defaults; a frontend's lines about its log. */
void ing_render_global(struct ing_rendering *);
void ing_render_access_log(struct ing_rendering *, bool none, bool to_stderr);
bool ing_render_http_stderr(const struct ing_rendering *);

/* ing_render_tls.c: certificates and their list; false when there is none that
 * could be shown to everybody. */
bool ing_render_certs(struct ing_rendering *);

/* tls/tickets.keys and tls/dhparam.pem; false when there is no need of it. */
bool ing_render_tickets(struct ing_rendering *);
bool ing_render_dh(struct ing_rendering *);

/* The file of a Secret's certificate and key; that of its authorities, and
 * *crl: of what they revoked, or NULL. */
const char *ing_render_pair_file(struct ing_rendering *,
    const struct ing_data *);
const char *ing_render_ca_file(struct ing_rendering *,
    const struct ing_data *, const char **crl);

/* ing_rules_client.c: TLS asks those clients for certificates. */
bool ing_client_asks(const struct ing_client *);

/* ing_render_pass.c: TLS that is passed on, by the name that is asked for. */
bool ing_render_passes(const struct ing_plan *);
void ing_render_inner_bind(struct ing_rendering *);
void ing_render_door(struct ing_rendering *);

/* ing_render_front.c: lines of a listener, one for each address; `end` adds what
 * else is on them (NULL: nothing). */
void ing_render_binds(struct ing_rendering *, int64_t port,
    void (*end)(struct ing_rendering *));

/*
 * ing_render_cookie.c - the line "cookie" and what goes with it; what a client
 * shows to come back to a server: it tells nobody where that is, and is the
 * same in every rendering.
 */
#define ING_KEY_BYTES 24
void ing_render_cookie(struct ing_rendering *, const struct ing_plan_be *);
void ing_render_key(struct ing_rendering *, const struct ing_server *);
struct span ing_server_key(const struct ing_server *, char z[ING_KEY_BYTES]);

/* ing_render_log.c: the frontend's log-format, and what it needs to keep. */
void ing_render_log(struct ing_rendering *);

/* ing_render_be.c */
void ing_render_retries(struct ing_cfg *, int64_t set);
void ing_render_algo(struct ing_cfg *, int64_t balance);
void ing_render_backends(struct ing_rendering *);

/* The lines of a backend, and of its twin: where they begin in r->out, and how
 * many bytes they are, is kept in it. */
void ing_render_be(struct ing_rendering *, struct ing_plan_be *);

/* ing_render_global.c: the page of an error status, as a word. */
void ing_render_page(struct ing_cfg *, int status);

/*
 * ing_rules.c: what a location does to requests and responses, in the order in
 * which it must be done. `guarded`: the backend has other policies, so each
 * rule asks for this one.
 */
struct ing_rules {
	struct ing_rendering *r;
	struct ing_cfg *cfg;
	const struct ing_plan *plan;
	const struct ing_plan_be *be;
	const struct ing_policy *policy;
	bool guarded;
};
void ing_rules_policy(struct ing_rules *);

/* ing_rule_if - end a rule of a policy with its conditions; `cond` is a
 * literal, or empty. */
#define ing_rule_if(r, cond)  ing_rules_if((r), "" cond)
void ing_rules_if(struct ing_rules *, const char *cond);

/* ing_rule_and - what is missing behind other conditions. */
void ing_rule_and(struct ing_rules *);

/* ing_rule_networks - "src -- NETWORK... }", behind "{" or "!{". */
void ing_rule_networks(struct ing_rules *, const struct ing_strs *);

/* Steps in files of their own. ing_rules_auth() names a list of users, and
 * ing_rules_limit() tables, that ing_render_lists() writes at the end. */
void ing_rules_auth(struct ing_rules *);
/* A request about which a service is asked: unless it comes from there, or from
 * one of those users (NULL: in any case). */
void ing_rules_ask(struct ing_rules *, const struct ing_strs *or_from,
    const struct ing_users *or_users);
/* Conditions: it is none of those users; its path needs no authentication. */
void ing_rules_stranger(struct ing_rules *, const struct ing_users *);
void ing_rules_exempt(struct ing_rules *);
void ing_rules_limit(struct ing_rules *);
void ing_render_lists(struct ing_rendering *);
void ing_rules_cors(struct ing_rules *);
void ing_rules_response(struct ing_rules *);
void ing_rules_cookie(struct ing_rules *);
void ing_rules_client(struct ing_rules *);
void ing_rules_client_plain(struct ing_rules *);
#endif
