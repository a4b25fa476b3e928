/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_TXN_H
#define EXPR_TXN_H
/*
 * txn - the facts of one stream: what samples, conditions, rules and log
 * lines read, and the stream and its protocols write.
 *
 * Plain data, so that it crosses a hand-over as one table of fields.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/why.h>
#include <http/http.h>
#include <os/addr.h>
#include <os/sock.h>
#include <px/px.h>

struct conn;
struct expr_vars;
struct filt_use;
struct rule;
struct stk_note;
struct stk_set;
struct txn;

enum txn_addr { TXN_SRC, TXN_DST, TXN_BSRC, TXN_BDST, TXN_ADDR_N };

/* What the stream can be asked for. */
struct txn_ops {
	/* fill txn->addr[which]; lazily asked of the kernel */
	void (*want_addr)(struct txn *, enum txn_addr which);
	/* payload that has arrived and waits in the stream, for inspection */
	struct span (*payload)(struct txn *, bool response);
	/* read on until the body is here, or `want` bytes of it (0: all that
	 * there is room for): WHY_OK, WHY_AGAIN, or why it will not come; may
	 * be NULL */
	enum why (*gather)(struct txn *, bool response, size_t want);
	/* send the client a response 103 with this header; may be NULL */
	void (*hint)(struct txn *, struct span name, struct span value);
	/* the client's connection, for options of its packets; may be NULL */
	int (*client_fd)(struct txn *);
	/* the same as room xprt knows it, for what its transport can tell;
	 * may be NULL, or say NULL */
	struct conn *(*client_conn)(struct txn *);
	/* that to the server, also while it is on its way; likewise */
	struct conn *(*server_conn)(struct txn *);
	/* the head of a request among bytes that are opaque so far; it stays in
	 * txn->req for as long as `sniffs` is set. NULL: there is none, or, with
	 * `head_waits`, not yet; may be NULL */
	struct http_head *(*sniff)(struct txn *);
	/* from the loop: go on with the rule that waits; it may end at once */
	void (*wake)(struct txn *);
	/* set n_act, n_fe, n_be, n_srv as they are now; may be NULL */
	void (*note_use)(struct txn *);
};

/* Where the stream is when something is evaluated, and what exists then. */
enum txn_stage {
	TXN_CONN, TXN_SESS, TXN_CONTENT, TXN_REQ, TXN_REQ_BODY, TXN_CHOOSE,
	TXN_SERVER, TXN_RES_CONTENT, TXN_RES, TXN_LOG,
	/* no stream at all: a health check, the configuration while it is
	 * read, the runtime API */
	TXN_CHECK, TXN_PARSER, TXN_CLI,
	/* only when expressions are compiled: the same moments in the rules of
	 * a backend; while the source address for a server is chosen */
	TXN_BE_CONTENT, TXN_BE_REQ, TXN_BE_REQ_BODY, TXN_SOURCE
};

/* What prio_class and prio_ms are cut to, to either side of 0. */
#define TXN_PRIO_CLASS_MAX 2047
#define TXN_PRIO_MS_MAX 524287

/* Timeouts that a rule may change. */
enum txn_timeout { TXN_TIMEOUT_CLIENT, TXN_TIMEOUT_SERVER, TXN_TIMEOUT_TUNNEL,
	TXN_TIMEOUT_CONNECT, TXN_TIMEOUT_QUEUE, TXN_TIMEOUT_TARPIT,
	TXN_TIMEOUT_N };

/* Moments, monotonic µs; 0: not reached. Differences are the log's timers. */
struct txn_times {
	int64_t accept;         /* connection accepted (first stream of it), or
	                         * end of the previous response */
	int64_t accept_wall;    /* wall clock of the accept, µs */
	int64_t request_wall;   /* wall clock of the request's first byte */
	int64_t handshake;      /* PROXY, TLS done */
	int64_t idle_end;       /* first byte of the request came */
	int64_t request;        /* whole request head came */
	int64_t queued;         /* left the queue (or never was in it) */
	int64_t connected;      /* server connection usable */
	int64_t response;       /* whole response head came */
	int64_t end;            /* all done; what is logged */
	int64_t tarpit;         /* held by a rule; TR and Tq mean nothing */
};

/* What lies between them, in milliseconds; the letters are those of log
 * formats. */
enum txn_timer {
	TXN_TIME_Th, TXN_TIME_Ti, TXN_TIME_TR, TXN_TIME_Tq, TXN_TIME_Tw,
	TXN_TIME_Tc, TXN_TIME_Tr, TXN_TIME_Td, TXN_TIME_Ta, TXN_TIME_Tt,
	TXN_TIME_Tu
};

/* txn_timer - differences of whole milliseconds since the accept, so that the
 * parts of a line add up; -1: not reached. A stream that has not ended counts
 * until now. */
int64_t txn_timer(const struct txn *, enum txn_timer);

struct txn_capture {            /* option: captured header values */
	struct span *v;
	unsigned n;
};

struct txn {
	const struct txn_ops *ops;
	struct arena *arena;            /* dies with the stream */
	const struct px *fe, *be;       /* be: NULL until chosen */
	const struct px_server *srv;    /* NULL until chosen, or none */
	const struct px_listen *listen;
	const char *service;            /* what answered instead of a server:
	                                 * "<STATS>"; or NULL */
	struct addr addr[TXN_ADDR_N];   /* ADDR_NONE until wanted */
	struct http_head *req, *res;    /* NULL when there is none (any more) */
	uint8_t stage;                  /* enum txn_stage */
	uint8_t meth;                   /* enum http_meth, kept after req */
	uint8_t req_minor;
	bool is_http;
	bool first;                     /* first request of its connection */
	bool srv_reused;                /* request went over an open connection */
	bool redispatched;
	bool uri_kept;                  /* uri is in the arena, not in req */
	bool tls;                       /* the client came over TLS */
	bool wait_over;                 /* inspection ended: no more will come */
	bool sniffs;                    /* in mode tcp: rules may look for a
	                                 * request, see txn_req() */
	bool head_waits;                /* it has begun and is not whole */
	uint16_t status;                /* sent to the client; 0 none */
	uint16_t srv_status;            /* the server's, before rules; 0 none */
	uint8_t res_ver;                /* of the response, its minor version
	                                 * plus one; 0: none came */
	uint16_t retries;
	uint16_t retries_most;          /* set-retries: that plus one; 0: as
	                                 * configured */
	bool no_l7_retry;               /* disable-l7-retry */
	bool expects_proxy;             /* expect-proxy; not frozen: the
	                                 * connection has it from its birth */
	bool expects_cip;               /* expect-netscaler-cip; likewise */
	struct sock_marks bc;           /* set-bc-mark, set-bc-tos */
	unsigned long bc_err;           /* xprt_err of the last connection to a
	                                 * server that came to nothing; not
	                                 * frozen */
	uint32_t req_no;                /* number of the request: %rt */
	struct txn_times t;
	uint64_t bytes_in;              /* read from the client: %U */
	uint64_t bytes_out;             /* sent to the client: %B */
	uint64_t req_body_bytes, res_body_bytes;
	uint32_t n_fe, n_be, n_srv, n_act;      /* %fc %bc %sc %ac at the end */
	uint32_t q_srv, q_be;           /* places in queues: %sq %bq */
	uint32_t timeout_ms[TXN_TIMEOUT_N];     /* set-timeout; 0: as
	                                         * configured */
	enum why why;                   /* first reason that ended it */
	char term[5];                   /* "CD--": see log_term() */
	char cookie_term[3];            /* last two letters: "--" */
	bool cookie_same;               /* the persistence cookie named the
	                                 * server that is used, and it had … */
	bool cookie_off;                /* the server was chosen otherwise */
	uint32_t cookie_last, cookie_first;     /* dates, units of 4 s; 0: no */
	struct span rule_file;          /* the last rule that ended a list: */
	int32_t rule_line;              /* where it is written; p NULL: none */
	const struct rule *rule_ran;    /* the last rule that ran; not frozen, */
	struct span entity;             /* but this, what it was called where
	                                 * the stream came from */
	const struct rule *rule_waits;  /* what the end came upon while it
	                                 * waited; NULL: nothing */
	struct span uri;                /* request target as logged, in arena */
	struct span line;               /* … within its request line, when that
	                                 * was kept; not frozen: made of the
	                                 * others */
	struct span method_text;        /* for unknown methods */
	struct span uniq_id;
	struct txn_capture cap_req, cap_res;
	struct span cap_cookie_req, cap_cookie_res;     /* capture cookie */
	struct expr_vars *vars;         /* of the stream; NULL: none set yet */
	struct expr_vars **sess_vars;   /* where the client connection has
	                                 * those of the session; or NULL */
	struct stk_set *stk;            /* keys that the stream tracks: room stk;
	                                 * NULL: none */
	struct stk_set **conn_stk;      /* where the client connection has those
	                                 * that it tracks; or NULL */
	struct filt_use *filts;         /* at work on it: room filt */
	uint64_t body_room;             /* limit-body: bytes of the request's
	                                 * body that may still come, plus one;
	                                 * 0: no limit */
	struct stk_note *stk_notes;     /* keys to store with the server */
	int32_t nice;                   /* -1024..1024: see strm_rounds() */
	int32_t prio_class, prio_ms;    /* place in queues: srv_queue.c */
	int8_t log_level;               /* -1: as configured; 8: silent */
	uint8_t log_at;                 /* enum log_event + 1 of the line that
	                                 * is made; 0: none of them. Not frozen:
	                                 * set for each line */
	uint64_t cache_epoch;           /* set by txn_touch() with each message
	                                 * and each edit of it: what is evaluated
	                                 * once per message compares it. 0: do
	                                 * not keep results */
	void *strm;                     /* the stream, opaque here */
	void *session;                  /* what the requests of one client
	                                 * connection have in common: its
	                                 * client end */
};

extern uint64_t txn_epoch_last;         /* of this process */

/* txn_touch - the message is another one than before, or was changed: forget
 * what was fetched from it. */
static inline void
txn_touch(struct txn *t)
{
	t->cache_epoch = ++txn_epoch_last;
}

/* txn_req - the head of the request, also one that the rules of mode tcp only
 * look at; NULL: none. */
static inline struct http_head *
txn_req(struct txn *t)
{
	return (t->req != NULL || !t->sniffs ? t->req : t->ops->sniff(t));
}

/* txn_timeout - a timeout of this stream: what a rule set, or the proxy's. */
static inline int
txn_timeout(const struct txn *t, enum txn_timeout which, int configured)
{
	return (t->timeout_ms[which] != 0 ? (int)t->timeout_ms[which] :
	    configured);
}

/* txn_is_proxied - the client takes the frontend for a proxy of its own
 * (option http-use-proxy-header). */
static inline bool
txn_is_proxied(const struct txn *t)
{
	return (t->req != NULL &&
	    px_opt(t->fe, PX_OPT_HTTP_USE_PROXY_HEADER) &&
	    http_is_proxied(t->req));
}

/* txn_wants_uri - some expression asks for the request's target when its head
 * may be gone: streams keep it. */
extern bool txn_wants_uri;

/* txn_make_id - fills txn->uniq_id when the frontend has a format for it; set
 * by room log. NULL: there are no identifiers. */
extern void (*txn_make_id)(struct txn *);

/* txn_src, txn_dst - addresses, asked for on first use. */
static inline const struct addr *
txn_addr(struct txn *t, enum txn_addr which)
{
	if (t->addr[which].family == ADDR_NONE)
		t->ops->want_addr(t, which);
	return (&t->addr[which]);
}
#endif
