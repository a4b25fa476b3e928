/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_OPTIONS_H
#define INGRESS_OPTIONS_H
/*
 * options - what the command line says. One row per flag in ing_flags.c; the
 * names are those of ingress-nginx where it has one.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/text.h>

#define ING_LIST_MAX 16

struct ing_selector;

struct ing_list {
	const char *v[ING_LIST_MAX];
	uint32_t n;
};

struct ing_options {
	/* which Ingresses are ours */
	const char *controller_class;
	const char *ingress_class;
	bool class_by_name;
	bool watch_without_class;
	const char *watch_namespace;
	struct ing_selector *watch_selector;    /* of namespaces, or NULL */
	bool secrets_by_name;           /* none is listed, as none may be */
	bool disable_catch_all;
	struct ing_list annotations_prefix;
	/* what they get */
	const char *configmap;
	const char *default_backend_service;
	const char *default_ssl_certificate;
	bool disable_svc_external_name;
	bool allow_loopback_endpoints;
	/* where it listens */
	int64_t http_port, https_port;  /* 0: not */
	int64_t status_port;            /* idem */
	bool enable_metrics;
	bool proxy_protocol;
	bool ipv6;                      /* all addresses of it, too; of no flag
	                                 * but the machine for `run` */
	bool enable_ssl_passthrough;
	int64_t workers;                /* 0: one for each CPU */
	bool starting;                  /* 503 for all: nothing is known yet */
	const char *health_check_path;
	struct span fallback_pem;       /* shown where no certificate is; not
	                                 * of a flag */
	/* where it goes */
	const char *output;             /* for render */
	const char *dir;                /* for init and run: DIR/current */
	const char *master_socket;
	bool timings;
	struct arena mem;               /* of what flags are cut into */
	/* the API server */
	bool live;                      /* instead of files */
	const char *kubeconfig, *apiserver_host;
	int64_t wait_before_update_ms, reload_interval_ms;
	/* what is told */
	const char *healthz_host;
	int64_t healthz_port;
	bool nginx_metrics;             /* under their names, too */
	bool disable_sync_events;
	const char *election_id;
	bool disable_leader_election;
	int64_t election_ttl_s;
	bool update_status, update_status_on_shutdown;
	int64_t status_update_interval_s;
	const char *publish_service;
	struct ing_list publish_status_address;
	bool report_node_internal;
	/* leaving */
	int64_t shutdown_grace_s, post_shutdown_grace_s;
	int64_t timeout_s;              /* of probe */
	char **args;                    /* words that are no flags */
	int n_args;
};

/* ing_flags_parse - false with *why.
 * The words that are no flags are moved to the front of `argv`. */
bool ing_flags_parse(int argc, char **argv, struct ing_options *, char **why);
void ing_flags_fini(struct ing_options *);

/* ing_flags_help - a line for each flag. */
void ing_flags_help(struct text *);
#endif
