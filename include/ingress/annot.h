/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_ANNOT_H
#define INGRESS_ANNOT_H
/*
 * annot - annotations: what each is (annot.def), and how those that we obey
 * become typed options.
 *
 * An annotation is done when an option row names it; there is no other list.
 * Rows stand in src/ingress/ing_opt_*.c, one table per family:
 *
 *	const struct ing_opt ing_opt_proxy[] = {
 *		{ .key = "proxy-read-timeout", .configmap = "proxy-read-timeout",
 *		  .kind = ING_O_INT, OPT(read_timeout_s), .at = ING_AT_BACKEND,
 *		  .parse = parse_seconds, .doc = "…" },
 *		{ .key = NULL }
 *	};
 *
 * What an option does to the configuration is in ing_rules*.c (rules of a
 * location) and ing_render_be.c (lines of a backend).
 */
#include <ingress/model.h>

struct ing_store;

enum ing_risk { ING_LOW, ING_MEDIUM, ING_HIGH, ING_CRITICAL };
enum ing_scope { ING_SCOPE_INGRESS, ING_SCOPE_LOCATION };
enum ing_state { ING_DONE, ING_PLANNED, ING_REFUSED };

struct ing_annot {                      /* a row of annot.def */
	const char *key;                /* without prefix */
	const char *type, *dflt;
	enum ing_scope scope;
	int priority;
	enum ing_risk risk;
	bool closed;
	const char *refused;            /* NULL: not */
};
extern const struct ing_annot ing_annots[];
extern const size_t ing_annots_n;

struct ing_strs { const char **v; uint32_t n; };

/* A header and its value, a log-format of ours; "": it is taken away. */
struct ing_header {
	const char *name, *format;
	struct ing_header *next;
};

/* A service that is asked about requests, as it is written. */
struct ing_ask_opts {
	const char *url, *method, *redirect, *headers_ref;
	const char *signin, *param;
	struct ing_strs copy;           /* headers of its answer */
	int64_t cookies;                /* bool: whatever the status is */
};

/* The same, read. Texts but `method` are log-formats of ours. */
struct ing_ask {
	bool global;                    /* of the ConfigMap */
	bool tls;
	const char *host;               /* NULL: this proxy itself */
	int64_t port;
	const char *path;
	const char *method;             /* NULL: not said, GET */
	const char *signin;             /* where to, instead of 401; or NULL */
	const char *redirect;           /* NULL: as it was asked for */
	struct ing_strs copy;
	const struct ing_data *headers; /* to send along; or NULL */
	int64_t cookies;
};

/*
 * What the annotations of an Ingress say, over the ConfigMap, over defaults.
 * Every member is named by exactly one option row; comparing, hashing and
 * printing walk the rows.
 */
struct ing_opts {
	/* where a request goes: ing_opt_route.c (flags are int64_t) */
	int64_t ssl_redirect, force_ssl_redirect, preserve_slash;
	int64_t use_regex, passthrough;
	const char *rewrite_target, *forwarded_prefix;
	const char *app_root;
	const char *permanent_redirect, *temporal_redirect;
	int64_t permanent_code, temporal_code;
	int64_t relative, redirect_port;        /* of redirects: bool */
	/* of a host: ing_opt_host.c */
	struct ing_strs aliases;
	int64_t www;                            /* bool */
	const char *tls_ciphers;
	int64_t tls_server_order;               /* bool */
	/* responses: ing_opt_response.c */
	struct ing_strs headers_allowed;
	const char *headers_ref;
	const struct ing_data *headers;         /* set by headers_ref */
	const char *redirect_from, *redirect_to;
	struct ing_strs cookie_paths, cookie_domains;   /* old, new */
	int64_t rate_kb, rate_after_kb;         /* 0: any; at once */
	/* who may: ing_opt_access.c */
	struct ing_strs allow, whitelist, deny;
	int64_t auth_basic, auth_map, satisfy_any;
	int64_t waf, waf_rules;                 /* one value each: none */
	const char *auth_secret, *auth_realm;
	const struct ing_users *users;  /* set by auth_secret */
	int64_t limit_rps, limit_rpm, limit_connections, limit_burst;
	struct ing_strs limit_allow, limit_whitelist;
	/* a service about them: ing_opt_ask.c */
	struct ing_ask_opts ask, ask_global;
	int64_t global_auth_on;                 /* bool */
	const char *ask_key, *ask_times;
	int64_t ask_pool, ask_shared, ask_pool_requests, ask_pool_s, ask_log;
	const struct ing_ask *asks;     /* set by one of the two URLs */
	/* certificates of clients: ing_opt_client.c */
	const char *client_secret, *client_page, *client_cn;
	int64_t client_verify;          /* enum ing_client_verify */
	int64_t client_depth, client_pass;
	const struct ing_data *client_ca;       /* set by client_secret */
	/* other origins: ing_opt_cors.c */
	int64_t cors, cors_credentials, cors_max_age_s;
	struct ing_strs cors_origins;
	const char *cors_methods, *cors_headers, *cors_expose;
	/* a second backend: ing_opt_canary.c */
	int64_t canary;
	int64_t canary_weight, canary_weight_total;
	const char *canary_header, *canary_header_value;
	const char *canary_header_pattern;
	const char *canary_cookie;
	int64_t canary_legacy;          /* bool: affinity has no say */
	/* how servers are spoken to: ing_opt_proxy.c */
	int64_t protocol;               /* enum ing_protocol */
	int64_t read_timeout_s, send_timeout_s, connect_timeout_s;
	int64_t body_bytes;             /* 0: any */
	int64_t buffer_bytes;
	int64_t tries;                  /* 0: as by default */
	int64_t service_upstream;       /* bool */
	const char *vhost;
	int64_t access_log;             /* bool */
	int64_t retry_on;               /* enum ing_retry, a set */
	int64_t retry_any;              /* bool: ING_RETRY_ANY_METHOD for all */
	int64_t close_after;            /* connection-proxy-header: bool */
	int64_t http_version, streams_back;     /* one value each */
	int64_t buffer_request;         /* bool */
	int64_t retry_s;                /* 0: any time */
	int64_t own_errors;             /* bool: of servers, not replaced */
	const char *dflt_service;       /* default-backend */
	struct ing_strs error_codes;    /* custom-http-errors */
	/* TLS with them: ing_opt_upstream.c */
	const char *srv_secret, *srv_name, *srv_ciphers;
	int64_t srv_verify, srv_depth, srv_sni;
	int64_t srv_versions;           /* bit 1 << enum ing_tls_version */
	const struct ing_data *srv_data;        /* set by srv_secret */
	/* which of them: ing_opt_balance.c */
	int64_t balance;                /* enum ing_balance */
	const char *hash_by;            /* a log-format of ours */
	int64_t affinity, affinity_persistent, cookie_change;
	const char *cookie_name, *cookie_domain, *cookie_samesite;
	int64_t cookie_max_age_s, cookie_expires_s, cookie_secure;
	const char *cookie_path;
	int64_t cookie_conditional;     /* of SameSite=None */
	/* of the ConfigMap alone: ing_opt_block.c */
	struct ing_strs block_from, block_agents, block_referers;
	struct ing_strs hide_headers;
	const struct ing_data *add_headers;
	const struct ing_header *set_headers;   /* of requests */
	struct ing_strs silent_urls, word_block;
	const char *for_header;                 /* X-Forwarded-For */
	const char *host_header;                /* X-Forwarded-Host */
	const char *limit_key;                  /* a log-format of ours; NULL:
	                                         * the client's address */
	int64_t server_header, real_ip;         /* bool */
	int64_t pool_said, pool_s;              /* 0: not said; the first is
	                                         * plus one */
	int64_t pool_requests;                  /* 0: any number */
	int64_t ipv4_names;                     /* bool: no AAAA is asked for */
	/* idem, connections of clients: ing_opt_door.c */
	const char *curves, *ticket_keys;       /* NULL: as OpenSSL has them;
	                                         * of our own */
	const struct ing_data *dh_params;
	int64_t tls_sessions, tls_cache, tls_session_s, tls_tickets;
	int64_t tls_record_bytes;               /* 0: not said */
	int64_t strict_sni;                     /* bool */
	int64_t underscores, clean_names;       /* bool: names of headers */
	int64_t head_bytes, first_head_bytes;   /* 0: not said */
	int64_t requests;                       /* of a connection; 0: any */
	int64_t proxy_header_s;                 /* wait for it */
	int64_t no_ipv6, share_port;            /* bool; one value */
	const char *cpus;                       /* words of cpu-map, or NULL */
	/* idem, what is told of them: ing_opt_log.c */
	const char *log_format;                 /* of nginx; NULL: our own */
	int64_t log_json;                       /* bool: how it is escaped */
	int64_t no_log, no_http_log, log_default;       /* bool */
	int64_t log_errors;                     /* enum ing_log_level */
	int64_t log_stderr, http_log_stderr, errors_stderr;
	int64_t syslog, syslog_port;
	const char *syslog_host;
	/* idem: ing_opt_global.c */
	struct ing_strs bind_address;
	struct ing_strs no_tls_redirect;
	struct ing_strs no_auth;
	int64_t cross_namespace, risk_level;
	int64_t forwarded, full_forwarded;      /* X-Forwarded-* of clients */
	struct ing_strs real_ip_from;
	int64_t proxy_protocol, http2, request_id, original_uri;
	int64_t hsts, hsts_subdomains, hsts_preload, hsts_max_age_s;
	int64_t tls_min;                        /* enum ing_tls_version */
	int64_t keep_alive_s, client_head_s, client_body_s, shutdown_s;
	int64_t workers, connections;           /* 0: as the proxy has it */
	int64_t strict_paths;                   /* bool: told of odd ones */
	int64_t redirect_code, limit_req_code, limit_conn_code;
};

enum ing_tls_version { ING_TLS10, ING_TLS11, ING_TLS12, ING_TLS13 };
/* error-log-level; the words are in ing_opt_log.c, in this order. */
enum ing_log_level { ING_LOG_DEBUG, ING_LOG_INFO, ING_LOG_NOTICE,
	ING_LOG_WARNING, ING_LOG_ERR, ING_LOG_CRIT, ING_LOG_ALERT,
	ING_LOG_EMERG };
enum ing_client_verify { ING_CLIENT_ON, ING_CLIENT_OFF, ING_CLIENT_OPTIONAL,
	ING_CLIENT_NO_CA };
/* AUTO: as the client came. */
enum ing_protocol { ING_HTTP, ING_HTTPS, ING_AUTO_HTTP };
/* proxy-next-upstream; the words are in ing_opt_proxy.c, in this order. */
enum ing_retry { ING_RETRY_ERROR = 1, ING_RETRY_TIMEOUT = 2,
	ING_RETRY_INVALID = 4, ING_RETRY_500 = 8, ING_RETRY_502 = 16,
	ING_RETRY_503 = 32, ING_RETRY_504 = 64, ING_RETRY_403 = 128,
	ING_RETRY_404 = 256, ING_RETRY_429 = 512, ING_RETRY_ANY_METHOD = 1024,
	ING_RETRY_OFF = 2048 };
enum ing_balance { ING_ROUND_ROBIN, ING_EWMA, ING_LEASTCONN };

/* Who is in a Secret: names and hashes, as the proxy wants them. */
struct ing_users {
	const char *id;                 /* of the list */
	struct ing_user { const char *name, *hash; } *v;
	uint32_t n;
};

enum ing_opt_kind { ING_O_BOOL, ING_O_INT, ING_O_STR, ING_O_STRS,
	ING_O_PTR };

/* Where an option has its effect. */
enum ing_opt_at {
	ING_AT_RULES,           /* rules of the location */
	ING_AT_BACKEND,         /* lines of the backend: another value makes
	                         * another backend of the same Service */
	ING_AT_SERVICE,         /* idem, but the oldest Ingress that names the
	                         * Service decides for all (be->service_opts) */
	ING_AT_PLAN             /* the plan alone reads it */
};

struct ing_parse {
	struct arena *mem;              /* of what the field points to */
	struct ing_store *store;        /* for Secrets and ConfigMaps */
	const char *ns;                 /* of the Ingress */
	bool cross_namespace;           /* allow-cross-namespace-resources */
	bool close;                     /* set by the parser when false: what
	                                 * is asked for would be another thing
	                                 * without it */
	char why[200];                  /* set by the parser when false:
	                                 * "expected …" */
};

struct ing_opt {
	const char *key;                /* of the annotation, or NULL */
	const char *configmap;          /* key there of the default, or NULL;
	                                 * both NULL: the end */
	enum ing_opt_kind kind;
	size_t offset;                  /* in struct ing_opts */
	enum ing_opt_at at;
	/* The value is trimmed, at most 4096 bytes, never empty, and without
	 * control characters. False: the field is as it was. */
	bool (*parse)(struct ing_parse *, struct span value, void *field);
	const char *dflt;               /* parsed at start; NULL: 0 or NULL */
	const char *doc;                /* how we differ, or "" */
	const char *lacks;              /* values that are refused, or NULL */
};
#define OPT(member)  .offset = offsetof(struct ing_opts, member)

/*
 * What can only be said when all annotations are read: Secrets and the like.
 * False with p->why: closed, for the reason given, about `key`.
 */
struct ing_opt_end {
	const char *key;
	bool (*finish)(struct ing_parse *, struct ing_opts *);
};
extern const struct ing_opt_end ing_opt_ends[];         /* key NULL: the end */

/* The tables, in the order in which they are walked. */
extern const struct ing_opt *const ing_opt_tables[];

/* Parsers for many rows. */
bool ing_parse_bool(struct ing_parse *, struct span, void *);
bool ing_parse_seconds(struct ing_parse *, struct span, void *);
/* A name of letters, digits, '-' and '_'. */
bool ing_parse_token(struct ing_parse *, struct span, void *);
bool ing_parse_regex(struct ing_parse *, struct span, void *);
bool ing_parse_text(struct ing_parse *, struct span, void *);

bool ing_parse_cidrs(struct ing_parse *, struct span, void *);

/* ing_regex_check - whether the proxy will accept it; otherwise what it should
 * be is in `why`. */
bool ing_regex_check(const char *regex, char why[200]);

/* ing_regex_quote - a text as an expression that means itself. */
void ing_regex_quote(struct text *, struct span);

const struct ing_annot *ing_annot_find(const char *key);
const struct ing_opt *ing_opt_find(const char *key);

/* ing_opt_setting - the row of a key of the ConfigMap, or NULL.
 * ing_settings_each - all keys of ingress-nginx, and why one is refused. */
const struct ing_opt *ing_opt_setting(const char *key);
void ing_settings_each(void (*)(const char *key, const char *refused, void *),
    void *);
enum ing_state ing_annot_state(const struct ing_annot *);

/* Says what is wrong with one annotation. */
struct ing_annot_issue {
	const struct ing_annot *annot;  /* NULL: nobody knows this key */
	const char *key;
	const char *text;               /* one sentence, in the arena */
	bool closed;                    /* the Ingress must answer 503 */
};
typedef void ing_annot_issue_fn(const struct ing_annot_issue *, void *arg);

/* What ing_annot_read() is told. */
struct ing_annot_ctx {
	struct arena *mem;
	struct ing_store *store;
	const char *const *prefixes;    /* "nginx.ingress.kubernetes.io" */
	size_t n_prefixes;
	enum ing_risk risk_limit;
	bool cross_namespace;
	ing_annot_issue_fn *issue;
	void *arg;
};

/* ing_opts_defaults - from the rows and a ConfigMap (NULL: none). Keys there that
 * are not read are told, too. */
void ing_opts_defaults(const struct ing_annot_ctx *, const struct ing_data *,
    struct ing_opts *);

/*
 * ing_annot_read - options of an Ingress, over `opts` as it comes.
 *
 * False when one that guards something can't be obeyed: all its locations are
 * to answer 503. Every fault is told through ctx->issue.
 */
bool ing_annot_read(const struct ing_annot_ctx *, const struct ing_ingress *,
    struct ing_opts *opts);

/* ing_opts_text - the options at `at` that are not as in `base` (NULL: all
 * set), "key=value" in a line each: equal texts are equal options. */
void ing_opts_text(const struct ing_opts *, const struct ing_opts *base,
    enum ing_opt_at at, struct text *out);
#endif
