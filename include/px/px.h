/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PX_PX_H
#define PX_PX_H
/*
 * px - the configuration model: global, proxies, bind lines, servers.
 *
 * Rooms keep their own settings in typed slots of these objects. A slot is a
 * pointer: an object shares its defaults' copy until one of its own lines
 * changes it, so 100,000 backends cost what they differ in.
 *
 *      static PX_SLOT(PX_OBJ_PROXY, struct lb_cfg, lb_slot, lb_cfg_default);
 *      struct lb_cfg *c = px_edit(&px->slots, &lb_slot);       (parsing)
 *      const struct lb_cfg *c = px_get(&px->slots, &lb_slot);  (reading)
 *
 * After loading everything here is constant and shared copy-on-write by the
 * processes of a generation.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/diag.h>
#include <conf/kw.h>
#include <os/addr.h>

/* ---- slots ---- */

enum px_obj { PX_OBJ_GLOBAL, PX_OBJ_PROXY, PX_OBJ_BIND, PX_OBJ_SERVER,
	PX_OBJ_N };

struct px_slot {
	enum px_obj obj;
	size_t size;
	const void *initial;    /* value without any line; NULL: zeroes */
	unsigned *index;        /* assigned at start */
};

#define PX_SLOT(kind, type, var, init)                                       \
	unsigned var##_index;                                                \
	const struct px_slot var = { (kind), sizeof(type), (init),           \
	    &var##_index };                                                  \
	static const struct px_slot *const var##_ptr                         \
	    KW_SECTION("px_slots") = &var
#define PX_SLOT_DECLARE(var)                                                 \
	extern unsigned var##_index; extern const struct px_slot var

struct px_slots {
	const void **v;         /* one pointer per slot of this kind */
	uint64_t own;           /* bit i: v[i] is ours alone */
};

/* px_get - the settings, never NULL. Valid for the life of the generation. */
static inline const void *
px_get(const struct px_slots *s, const struct px_slot *slot)
{
	return (s->v[*slot->index]);
}

/* px_edit - the same for writing: copied first when shared. */
void *px_edit(struct px_slots *, const struct px_slot *);

/* px_said - has any object of the model a value that lines changed? If none has,
 * all have the initial one, and nobody needs to look at each. */
bool px_said(const struct px_slot *);

/* px_inherit - start as `from` has it (NULL: initial values). */
void px_inherit(struct px_slots *, enum px_obj, const struct px_slots *from);

/* ---- objects ---- */

enum px_mode { PX_TCP, PX_HTTP };

/* proto: what a line's connections speak; AUTO: what the mode says. With NONE
 * they can't become HTTP. */
enum px_proto { PX_PROTO_AUTO, PX_PROTO_H1, PX_PROTO_NONE };

enum px_conn_mode { PX_CONN_KEEP_ALIVE, PX_CONN_SERVER_CLOSE, PX_CONN_CLOSE };
enum px_reuse { PX_REUSE_NEVER, PX_REUSE_SAFE, PX_REUSE_AGGRESSIVE,
	PX_REUSE_ALWAYS };

enum px_kind {                  /* of a struct px; "listen" has both */
	PX_FE = 1, PX_BE = 2, PX_DEFAULTS = 4
};

/* Boolean options: "option <name>" sets, "no option <name>" clears. The table
 * is px/opt.def: OPT(enum name, "name", where, flags, doc). */
enum px_opt {
#define OPT(name, word, where, flags, doc) PX_OPT_##name,
#include <px/opt.def>
#undef OPT
	PX_OPT_N
};

/* retry-on: after what a request is sent again. Statuses have a bit each from
 * PX_RETRY_STATUS on: px_retry_status(). */
enum px_retry {
	PX_RETRY_CONN = 1, PX_RETRY_EMPTY = 2, PX_RETRY_JUNK = 4,
	PX_RETRY_TIMEOUT = 8, PX_RETRY_0RTT = 16, PX_RETRY_STATUS = 32
};
#define PX_RETRY_SENT (~(uint32_t)PX_RETRY_CONN) /* it had been sent then */

/* px_retry_status - the bit of a status; 0: none retries on that. */
uint32_t px_retry_status(unsigned status);

struct px_timeouts {            /* ms; 0: none */
	int client, server, connect, queue, http_request, http_keep_alive,
	    tunnel, client_fin, server_fin, tarpit, check, client_hs, retry;
};

/* What a state file said of a server (srv_shm has the meanings). */
struct px_state {
	struct addr ip;                 /* ADDR_NONE: no address; no port */
	struct addr chk_addr, agent_addr;       /* as ip */
	uint16_t chk_port, agent_port;  /* 0: none */
	uint16_t port, uweight, iweight;
	uint8_t state, admin, chk_status, chk_result, chk_state;
	int16_t chk_health;
	uint32_t age_s;                 /* since its last change */
	struct span fqdn, srvrecord;    /* "-": none */
};

struct xprt_ops;

/* What of the traffic counts as a check (observe). */
enum px_observe { PX_OBSERVE_NONE, PX_OBSERVE_L4, PX_OBSERVE_L7 };

struct px_server {
	unsigned magic;
#define PX_SERVER_MAGIC 0x5e12fe71
	uint32_t id;                    /* "sid": from 1, or the id word */
	const char *name;
	const char *guid;               /* or NULL */
	struct px *px;
	struct px_server *next;
	struct addr addr;
	int16_t port_offset;
	bool port_from_client;          /* no port given: the client's */
	bool ip_from_client;            /* 0.0.0.0, ::, *: likewise */
	bool has_port_offset;
	const char *unix_path;          /* ADDR_UNIX, ADDR_ABNS*; or NULL */
	const char *host;               /* as written */
	const struct addr_spec *named;  /* `host` has a name; else NULL */
	struct diag_pos named_pos;
	const struct px_init_addr *init_addr;   /* private; NULL: as usual */
	const struct px_state *saved;   /* of a state file, or NULL */
	bool dynamic;                   /* its name is looked up while we run */
	uint32_t maxconn, minconn, maxqueue;    /* 0: none */
	uint16_t weight;                /* 0..256, default 1 */
	bool backup, disabled;
	bool id_given;                  /* by the id word */
	bool live;                      /* added at run time, see px/live.h */
	bool ready;                     /* live: does not begin in maintenance */
	bool referred;                  /* other lines name it: it stays */
	uint8_t proto, check_proto;     /* enum px_proto */
	uint8_t observe;                /* enum px_observe */
	uint32_t error_limit;           /* what it watches for; 10 by default */
	uint32_t rt;                    /* index into the run-time array */
	uint32_t cnt;                   /* offset into the counter bank */
	const struct xprt_ops *xprt;    /* what carries the bytes, for room
	                                 * xprt; NULL: the bare socket */
	struct diag_pos pos;
	struct px_slots slots;
};

struct px_bind {                        /* a bind line */
	unsigned magic;
#define PX_BIND_MAGIC 0xb12d0c4f
	struct px *px;                  /* NULL: a CLI socket */
	struct px_bind *next;
	struct px_listen *listens;      /* its first; others follow there */
	const char *name;               /* "name" word, or NULL */
	uint32_t id;
	uint32_t maxconn;
	int backlog;
	uint32_t cip_magic;             /* accept-netscaler-cip; 0: not */
	bool accept_proxy, transparent, v6only, v4v6, defer_accept, tfo;
	const struct xprt_ops *xprt;    /* what carries the bytes, for room
	                                 * xprt; NULL: the bare socket */
	bool expose_fd;                 /* stats sockets */
	uint8_t proto;                  /* enum px_proto */
	int16_t nice;                   /* of its streams: see strm_rounds() */
	const uint64_t *threads;        /* bit per worker, the first is 0; NULL:
	                                 * all of them */
	uint8_t level;                  /* stats sockets: enum px_level */
	uint8_t severity;               /* 0 none, 1 number, 2 string */
	int mode, uid, gid;             /* UNIX sockets; -1 unset */
	const char *interface, *namespace;      /* or NULL */
	int mss;
	int tcp_ss;                     /* 0: off; 1, 2: see tcp-ss */
	const char *cc;                 /* congestion control, or NULL */
	const char *md5_key;            /* tcp-md5sig, or NULL */
	unsigned tcp_ut_ms;
	struct diag_pos pos;
	struct px_slots slots;
};

enum px_level { PX_LEVEL_NONE, PX_LEVEL_USER, PX_LEVEL_OPERATOR,
	PX_LEVEL_ADMIN };

/* One listening address. A bind line with ranges or several addresses makes
 * many. */
struct px_listen {
	struct px_bind *bind;
	struct px_listen *next;         /* of the same proxy */
	struct addr_spec addr;          /* one port only */
	const char *text;               /* as in the configuration */
	uint32_t id;                    /* index over the whole model */
	const char *guid;               /* or NULL */
	uint32_t luid;                  /* number in its proxy, from 1 */
	uint32_t cnt;                   /* offset into the counter bank; 0: none
	                                 * of its own (option socket-stats) */
	bool sub;                       /* no socket: requests of our own */
};

struct px_use_be {                      /* use_backend, in order */
	struct px_use_be *next;
	const char *name;               /* NULL when `fmt` */
	struct px *be;                  /* resolved at the end */
	struct cond *cond;              /* compiled by room rule; NULL: always */
	struct logfmt *fmt;             /* dynamic name */
	struct diag_pos pos;
};

struct px {                             /* a proxy */
	unsigned magic;
#define PX_MAGIC 0x9c07a3b5
	uint8_t kind;                   /* PX_FE | PX_BE | PX_DEFAULTS */
	uint8_t mode;                   /* enum px_mode */
	bool disabled;
	bool unpublished;               /* be-unpublished */
	bool id_given;                  /* by an "id" line */
	uint32_t id;                    /* "iid" */
	uint32_t no;                    /* 0, 1, …: order in the file */
	const char *name;
	const char *guid;               /* or NULL */
	const char *section;            /* "frontend", "backend", "listen" */
	struct px *next;                /* all but defaults, in file order */
	const struct px *from;          /* its defaults section, or NULL */
	uint64_t opt;                   /* bit per enum px_opt */
	uint64_t opt_off;               /* the same: "no option …" was said */
	uint32_t maxconn;               /* frontend; 0: global */
	uint32_t fullconn;
	int backlog;
	int retries;                    /* default 3 */
	int redispatch;                 /* option redispatch: 0 off, n: each n-th
	                                 * retry, -n: the n-th last (default -1) */
	uint32_t retry_on;              /* bits of enum px_retry */
	uint32_t rule_sets;             /* bits of enum rule_set: has rules of
	                                 * it; rule/ fills it in at the end */
	bool may_switch;                /* mode tcp, with a "switch-mode http" */
	bool late_rules;                /* a format in them tells what is whole
	                                 * only at the end of a stream: expr/ */
	bool log_early;                 /* lines are written before that: log/
	                                 * fills it in at the end */
	bool asked;                     /* requests of our own enter it, so that it
	                                 * needs no bind line */
	uint8_t conn_mode;              /* enum px_conn_mode */
	uint8_t reuse;                  /* enum px_reuse */
	const struct px_timeouts *timeout;      /* shared with defaults */
	bool timeout_own;
	const char *default_be_name;
	const struct diag_pos *default_be_pos;  /* of that line */
	struct px *default_be;
	struct px_use_be *use_be;
	struct px_bind *binds;
	struct px_listen *listens;
	struct px_server *servers, *servers_last;
	uint32_t n_servers;
	bool hashed;                    /* private: they are in server_names */
	struct px_server *server_defaults;      /* default-server; or NULL.
	                                         * Ours when its px is this one */
	struct px_listen *listens_last;
	struct px_bind *binds_last;
	const char *description;
	struct diag_pos pos;
	uint32_t rt;                    /* index into the run-time array */
	uint32_t cnt_fe, cnt_be;        /* offsets into the counter bank */
	struct px_slots slots;
};

static inline bool
px_opt(const struct px *px, enum px_opt o)
{
	return ((px->opt >> o & 1) != 0);
}

#define PX_WORKERS_MAX 256
#define PX_NICE_KEPT 100

struct px_global {
	unsigned magic;
#define PX_GLOBAL_MAGIC 0x6107ba11
	uint32_t maxconn;               /* 0: from ulimit-n */
	uint32_t ulimit_n;
	int nbthread;                   /* workers; 0: one per CPU */
	bool daemon, master_worker, quiet, debug_mode;
	bool no_exit_on_failure;        /* master-worker no-exit-on-failure */
	bool zero_warning;
	bool maxconn_fixed;             /* -n was given: the keyword is idle */
	bool localpeer_fixed;           /* -L was given */
	bool localpeer_used;            /* by a section of peers */
	cpu_set_t *cpu_map;             /* one set per worker; NULL: no lines */
	int n_cpu_map;
	const char *user, *group, *chroot, *pidfile;
	bool set_uid, set_gid;
	uint32_t uid, gid;
	const char *node, *description, *localpeer;
	const char *unix_prefix;        /* unix-bind: before every UNIX path */
	int unix_mode, unix_uid, unix_gid;      /* unix-bind; -1 unset */
	int64_t hard_stop_after_ms;     /* 0: none */
	int64_t grace_ms;
	int64_t close_spread_ms;        /* 0: at once; -1: never */
	int mworker_max_reloads;        /* -1: default */
	int64_t stats_timeout_ms;
	uint32_t stats_maxconn;
	struct px_bind *stats_binds;    /* level, expose_fd in them */
	struct px_listen *stats_listens;
	bool expose_deprecated, expose_experimental;
	bool strict_limits, set_dumpable, insecure_setuid, insecure_fork;
	uint32_t bufsize, maxrewrite, maxaccept, max_http_hdr;
	uint32_t log_uri_len;
	uint32_t cli_payload;           /* tune.cli.max-payload-size; 0: ours */
	uint32_t warn_blocked_ms;       /* 0: never */
	bool no_splice, no_reuseport, no_epoll, no_poll;
	uint32_t fd_hard_limit;         /* 0: the system's */
	int thread_hard_limit;          /* workers at most; 0: no limit */
	uint32_t caps;                  /* to keep: see proc_drop() */
	int maxpipes;                   /* -1: a quarter of maxconn */
	uint32_t pipe_bytes;            /* tune.pipesize; 0: ours */
	int renice_startup, renice_runtime;     /* PX_NICE_KEPT: as it is */
	int nice_before;                /* what it was before renice_startup */
	int log_sndbuf;                 /* tune.sndbuf.backend; 0: the
	                                 * kernel's choice */
	bool prealloc_fd, no_privileged_ports;
	struct px_slots slots;
};

struct px_slab {                        /* private: see px_model.c */
	char *at;
	unsigned left, n;
};

struct px_model {
	struct arena *arena;
	struct px_slab px_slab, server_slab;
	struct px_global global;
	struct px *all;                 /* file order */
	uint32_t n_px, n_listens;
	uint32_t n_servers;             /* of the configuration */
	struct px_hash *names;          /* private: look-up by name and kind */
	struct px_hash *server_names;   /* private: the same for servers of
	                                 * proxies with many */
	struct px_hash *ids;            /* private: numbers that were given */
	struct px_hash *guids;          /* private: px_guid.c */
	uint64_t said[PX_OBJ_N];        /* private: see px_said() */
	uint32_t n_named;               /* servers with a name as address */
	struct px *last;                /* of `all` */
	struct px *defaults;            /* every defaults section, newest first */
	struct px_userlist *userlists;  /* newest first */
	struct px_error_section *error_sections;
	struct px *defaults_now;        /* what a proxy starts from; or NULL */
	struct px *hidden;              /* of no frontend: what rooms listen on
	                                 * in the agent */
};

extern struct px_model *px_model;       /* this generation's; NULL before */

/* px_model_new - an empty model, becomes px_model. */
struct px_model *px_model_new(struct arena *);

/* px_model_free - what is not in the arena, which the caller resets. */
void px_model_free(struct px_model *);

/* px_find - a proxy of any of `kinds` by name, or NULL. */
struct px *px_find(const struct px_model *, struct span name, unsigned kinds);
struct px_server *px_server_find(const struct px *, struct span name);

/* px_by_no - the proxy whose px.no that is, or NULL: what other processes of
 * the generation call it. */
struct px *px_by_no(uint32_t no);

/* px_server_has_label - its name is that of SRV records, which are looked up
 * while we run: they say where it is, at which port. */
bool px_server_has_label(const struct px_server *);

/* px_server_keeps_addr - it has a name, and the address that it had before is
 * preferred to a new look-up ("init-addr last,..."). */
bool px_server_keeps_addr(const struct px_server *);

/* px_new - a proxy (or defaults section) that starts as `from` has it; not in
 * the model yet. */
struct px *px_new(const struct px *from, unsigned kind);

/* px_add - into the model, at the end. */
void px_add(struct px *);

/* px_server_new - a server of `px` with what default-server lines say; not
 * in its list yet. */
struct px_server *px_server_new(struct px *, const char *name);

/* px_bind_is_for - the worker, from 1 on, may accept on that line. */
static inline bool
px_bind_is_for(const struct px_bind *b, int worker)
{
	return (b == NULL || b->threads == NULL ||
	    (b->threads[(worker - 1) / 64] >> (worker - 1) % 64 & 1) != 0);
}

/* px_tcpka_apply - TCP's own probes on the connection of a client or to a
 * server, at the times that the proxy says. */
void px_tcpka_apply(const struct px *, bool client, int fd);

/* px_queue_ms, px_tarpit_ms - those timeouts, which are that of connections
 * unless they are given. */
static inline int
px_queue_ms(const struct px *px)
{
	return (px->timeout->queue != 0 ? px->timeout->queue :
	    px->timeout->connect);
}

static inline int
px_tarpit_ms(const struct px *px)
{
	return (px->timeout->tarpit != 0 ? px->timeout->tarpit :
	    px->timeout->connect);
}

/* px_timeouts_edit - this proxy's timeouts, for writing. */
struct px_timeouts *px_timeouts_edit(struct px *);

/* px_bind_parse - the address list and words of a bind or stats socket line:
 * appends to *binds and *listens. */
struct px_bind *px_bind_parse(struct conf_line *, struct px *,
    struct px_bind **binds, struct px_listen **listens);

/* px_takes_rules - rules and ACLs may be here: not in a defaults section without
 * a name, where they would apply to who knows what. Says so when they may not. */
bool px_takes_rules(struct conf_line *, const struct px *);

#define PX_EACH(it, model)                                                   \
	for (struct px *it = (model)->all; it != NULL; it = it->next)
#define PX_EACH_SERVER(sv, px)                                               \
	for (struct px_server *sv = (px)->servers; sv != NULL; sv = sv->next)
#endif
