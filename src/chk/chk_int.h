/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CHK_CHK_INT_H
#define CHK_CHK_INT_H
/*
 * What the files of this room share: settings, and a check that runs.
 */
#include <chk/chk.h>
#include <expr/vars.h>
#include <log/log.h>
#include <os/tmr.h>
#include <px/px.h>
#include <xprt/conn.h>

struct conf_line;
struct kw;
struct smp_regex;

/* ---- settings ---- */

enum chk_init { CHK_INIT_UP, CHK_INIT_FULLY_UP, CHK_INIT_DOWN,
	CHK_INIT_FULLY_DOWN };

enum chk_on_error { CHK_ON_FASTINTER, CHK_ON_FAIL_CHECK, CHK_ON_SUDDEN_DEATH,
	CHK_ON_MARK_DOWN };

/* TLS under the checks: as requests to the same address have it, or … */
enum chk_tls { CHK_TLS_AS_SERVER, CHK_TLS_ON, CHK_TLS_OFF };

struct chk_srv_cfg {                    /* of a server line */
	bool check;
	bool send_proxy;                /* check-send-proxy */
	bool has_addr;
	uint8_t init;                   /* enum chk_init */
	uint16_t port;                  /* 0: not given */
	int32_t inter_ms, fast_ms, down_ms;     /* 0: as inter */
	int32_t rise, fall;
	struct addr addr;
	/* agent-… */
	bool agent, has_agent_addr;
	uint16_t agent_port;
	int32_t agent_inter_ms;
	struct addr agent_addr;
	struct span agent_send;
	uint8_t on_error;               /* enum chk_on_error */
	/* check-ssl, … */
	uint8_t tls;                    /* enum chk_tls */
	bool no_sni_auto;               /* no-check-sni-auto */
	struct span sni;                /* host name to ask for; n 0: none */
	struct span alpn;               /* as on the wire; p NULL: as the server */
	/* track */
	const char *track;              /* as written; NULL: checks itself */
	const struct px_server *tracked;
};
PX_SLOT_DECLARE(chk_srv_slot);

/* ---- the script of a check ---- */

struct chk_range {
	uint16_t lo, hi;
};

/* A header whose value is a format. */
struct chk_hdr_fmt {
	const struct chk_hdr_fmt *next;
	struct span name;
	const struct logfmt *fmt;
};

/* The request of http-check send; empty fields: default. */
struct chk_http_send {
	struct span meth, uri, version;
	const struct logfmt *uri_fmt, *body_fmt;        /* NULL: none */
	const struct chk_hdr_fmt *hdr_fmts;
	struct span version_extra;      /* header lines with their CRLF, from */
	struct span extra;              /* the option's version, from send */
	struct span body;
};

enum chk_match { CHK_MATCH_HTTP, CHK_MATCH_STATUS, CHK_MATCH_RSTATUS,
	CHK_MATCH_BODY, CHK_MATCH_RBODY, CHK_MATCH_STRING, CHK_MATCH_RSTRING,
	CHK_MATCH_BINARY, CHK_MATCH_RBINARY, CHK_MATCH_PROTO,
	CHK_MATCH_HDR };

/* How a header's name or value is compared. */
enum chk_how { CHK_HOW_ANY, CHK_HOW_STR, CHK_HOW_BEG, CHK_HOW_END, CHK_HOW_SUB,
	CHK_HOW_REG };
struct chk_hdr_part {
	uint8_t how;                    /* enum chk_how; ANY: not looked at */
	struct span text;
	const struct logfmt *fmt;
	const struct smp_regex *regex;
};
struct chk_hdr_expect {
	bool full;                      /* values are not split at commas */
	struct chk_hdr_part name, value;
};

struct chk_verdict;
/* As chk_judge: looks at a protocol's answer, without knowing the line. */
typedef enum why chk_judge_fn(struct span in, bool eof, struct chk_verdict *);

struct chk_expect {
	uint8_t match;                  /* enum chk_match */
	bool negate;
	bool off_on_404;                /* http-check disable-on-404 */
	uint8_t ok, error, tout;        /* enum chk_status */
	int32_t min_recv;               /* -1: wait for more */
	const struct chk_range *ranges;
	unsigned n_ranges;
	struct span text;               /* of string, binary: what to find */
	struct span shown;              /* as written */
	struct span on_success, on_error;
	const struct logfmt *text_fmt;  /* string-lf, binary-lf; else NULL */
	bool hex;                       /* binary-lf */
	const struct logfmt *success_fmt, *error_fmt;
	const struct expr *code;        /* status-code */
	const struct chk_hdr_expect *hdr;
	const struct smp_regex *regex;
	chk_judge_fn *proto;
};

/* set-var, set-var-fmt; without both unset-var. */
struct chk_set {
	const struct expr_var *var;
	unsigned when;                  /* bits of enum expr_var_when */
	const struct expr *expr;
	const struct logfmt *fmt;
};

enum chk_kind { CHK_CONNECT, CHK_SEND, CHK_EXPECT, CHK_COMMENT, CHK_SET };

struct chk_step {
	struct chk_step *next;
	uint8_t kind;                   /* enum chk_kind */
	bool sends_proxy, linger;       /* CONNECT */
	bool has_addr, as_server;       /* as_server: `default` */
	bool via_socks;                 /* `via-socks4` */
	bool tls;                       /* `ssl`, with: */
	struct span sni, alpn;          /* as in chk_srv_cfg */
	bool http;                      /* SEND: `request`, else `data` */
	uint16_t port;                  /* 0: as the server */
	const struct expr *port_expr;   /* or this says it */
	struct addr addr;
	struct span data;
	const struct logfmt *data_fmt;  /* send-lf */
	bool data_hex;                  /* send-binary-lf */
	const struct chk_set *set;      /* SET */
	struct chk_http_send request;
	struct chk_expect expect;
	struct span comment;            /* its own */
	struct span shown;              /* "connect port 80" */
};

/* What the option in force makes of a check. */
enum chk_type { CHK_TYPE_L4, CHK_TYPE_TCP, CHK_TYPE_HTTP, CHK_TYPE_PROTO,
	CHK_TYPE_AGENT, CHK_TYPE_EXTERN };

struct chk_steps {                      /* of one keyword's lines */
	struct chk_step *first, *last;
	const void *by;                 /* the section that said so */
};

struct chk_px_cfg {                     /* of a proxy */
	uint8_t type;                   /* enum chk_type */
	bool off_on_404, sends_state;
	struct chk_http_send option;    /* option httpchk */
	struct chk_steps tcp, http;
	struct chk_step *proto;         /* of CHK_TYPE_PROTO */
	const struct kw *proto_kw;      /* the option that said so */
	const struct chk_step *script;  /* what runs; NULL: connect only */
	const char *ext_command, *ext_path;     /* external-check; or NULL */
};
PX_SLOT_DECLARE(chk_px_slot);

struct chk_global_cfg {
	int spread_percent;
	unsigned at_once;               /* tune.max-checks-per-thread; 0: any
	                                 * number */
	int64_t max_spread_ms;          /* 0: none */
	bool external, preserve_env;    /* external-check */
};
PX_SLOT_DECLARE(chk_global_slot);

static inline const struct chk_srv_cfg *
chk_cfg_of(const struct srv *srv)
{
	return (px_get(&srv->cfg->slots, &chk_srv_slot));
}

static inline const struct chk_px_cfg *
chk_px_of(const struct srv *srv)
{
	return (px_get(&srv->be->px->slots, &chk_px_slot));
}

/* ---- what is shared ---- */

#define CHK_SEND_BYTES 255

enum chk_place { CHK_AT, CHK_PORT, CHK_AGENT_AT, CHK_AGENT_PORT, CHK_AGENT_SEND,
	CHK_PLACES };

/* Of a server that is checked or has an agent; SHM_CHK, the agent writes. */
struct chk_shm {
	uint64_t cfg;                   /* hash of all that the line says of
	                                 * places, as older releases know it */
	int32_t agent_ms;               /* duration of the last */
	int16_t agent_health;           /* 0, 1 */
	uint8_t agent_status;           /* enum chk_status */
	uint8_t agent_result;           /* enum chk_result */
	/* set by people; ADDR_NONE, 0: as configured */
	struct addr addr, agent_addr;
	uint16_t port, agent_port;
	uint8_t agent_sends;            /* agent_send below is to be sent */
	uint8_t agent_send_n;
	char agent_send[CHK_SEND_BYTES];
	char agent_said[128];           /* last_agt, ends in NUL */
	uint8_t spare[3];
	uint64_t observed;              /* times that error-limit was met */
	uint32_t said[CHK_PLACES];      /* hash of each; 0: of an older release */
	uint8_t spare2[36];
};
_Static_assert(sizeof(struct chk_shm) == 512, "new layout: shm/layout.def");

/* chk_shm_of - NULL: the server has neither. chk_setup_apply - where the
 * configuration says something else than before, it wins over what people set. */
struct chk_shm *chk_shm_of(const struct srv *);
void chk_setup_apply(const struct srv *);

/* chk_part_came, chk_part_went - a server's checks come and go with it; of
 * which there are some only in the agent. */
void chk_part_came(struct srv *);
void chk_part_went(struct srv *);

/* chk_setup_live - in the keeper, for a server that comes: *at is NULL if it is
 * not checked; false: there is no room. chk_setup_came - it is there. */
bool chk_setup_live(const struct srv *, void **at);
void chk_setup_came(const struct srv *, struct chk_shm *at);

/* ---- a check ---- */

#define CHK_INFO_BYTES 128
#define CHK_IN_BYTES 16384

struct chk {                            /* of a server's health or agent */
	unsigned magic;
#define CHK_MAGIC 0xc4ec7a11
	struct srv *srv;
	struct chk_agent *agent;        /* NULL: a health check */
	const struct chk_step *script;  /* NULL: connect only */
	uint8_t type;                   /* enum chk_type */
	uint8_t *state;                 /* shared: enum chk_flag */
	struct tmr tmr;                 /* next start, or the deadline */
	int fd;                         /* that tells when the program ends; -1:
	                                 * none runs */
	struct conn conn;               /* its descriptor: -1, none is open */
	const struct chk_step *step;    /* the one in progress */
	const struct chk_step *queued;  /* the send that `out` is of */
	struct list place;              /* among those that wait for their
	                                 * turn, while it does */
	bool running, connected, eof;
	bool tls;                       /* the connection has TLS, */
	bool name_counts;               /* and must be the name asked for */
	bool talked;                    /* more than connections so far */
	bool logged;                    /* a result since it was (re)started */
	char *out;                      /* what is to be sent, malloc'ed */
	size_t out_n, out_at;
	char *in;                       /* the response, CHK_IN_BYTES */
	size_t in_n;
	int64_t start_ms, start_us;
	pid_t pid;                      /* of a program; 0: none runs */
	bool ext_late;                  /* it was killed for that */
	struct chk_txn *txn;            /* while it runs, when it is needed */
	char info[CHK_INFO_BYTES];
	char said[CHK_INFO_BYTES];      /* by the last expectation met */
	uint8_t met;                    /* enum chk_status of it; 0: none */
	unsigned met_code;
};

/* What a check found. */
struct chk_verdict {
	enum chk_status status;
	unsigned code;                  /* HTTP status; 0: none */
	struct span info;               /* may be empty */
	int ms;
};

/* chk_of - the check of a server, chk_agent_of - that of its agent; NULL:
 * none, or not in this process. */
struct chk *chk_of(const struct srv *);
struct chk *chk_agent_of(const struct srv *);

/* ---- chk_run.c ---- */
void chk_plan(struct chk *, int64_t in_ms);     /* next start */
void chk_stop(struct chk *);                    /* end it, plan nothing */
void chk_due(struct tmr *);                      /* the time has come */
int chk_interval(const struct chk *);
int chk_pace_ms(const struct chk *);    /* the same, not spread */
int chk_inter_ms(const struct chk *);   /* inter, agent-inter */

/* chk_goes_elsewhere - what the server's line says of TLS and the PROXY header
 * is not for this connection, at a CONNECT step or without any (NULL): mostly as
 * it does not go where requests go. */
bool chk_goes_elsewhere(const struct srv *, const struct chk_step *);

/* ---- chk_tls.c ---- */
/* chk_wants_tls - has this connection TLS? chk_tls_begin - then prepare it, on
 * its way; `first` goes ahead. False without memory. */
bool chk_wants_tls(const struct chk *, const struct chk_step *);
bool chk_tls_begin(struct chk *, const struct chk_step *, struct span first);
/* chk_parse_tls_word - a word of a connect line; *taken: it was one. */
bool chk_parse_tls_word(struct conf_line *, struct chk_step *, bool *taken);

/* chk_conclude - the check ends with this verdict. */
void chk_conclude(struct chk *, struct chk_verdict *);

/* ---- chk_extern.c ---- */
void chk_extern_start(struct chk *);
void chk_extern_late(struct chk *);     /* its time is over */
void chk_extern_stop(struct chk *);     /* nobody wants to know any more */

/* ---- chk_http.c ---- */
/* chk_request - the bytes to send; malloc'ed, NULL without memory. `state` is
 * a header line with CRLF, or empty. */
char *chk_request(const struct chk_http_send *, struct span state, size_t *n);
/* chk_http_judge - see chk_judge. */
enum why chk_http_judge(const struct chk_expect *, struct span in, bool eof,
    struct chk_verdict *);

/* ---- chk_expr.c ---- */
void chk_txn_end(struct chk *);
/* chk_format - the text of a format, valid until the check ends; _hex: the
 * bytes that its digits name, n 0 when it has others. */
struct span chk_format(struct chk *, const struct logfmt *);
struct span chk_format_hex(struct chk *, const struct logfmt *);
bool chk_number(struct chk *, const struct expr *, int64_t *);
void chk_set(struct chk *, const struct chk_set *);
bool chk_parse_set(struct conf_line *, struct chk_step *);
bool chk_parse_set_fmt(struct conf_line *, struct chk_step *);
bool chk_parse_unset(struct conf_line *, struct chk_step *);
bool chk_want_format(struct conf_line *, const char *what,
    const struct logfmt **);
bool chk_want_message(struct conf_line *, struct span *text,
    const struct logfmt **);
bool chk_want_expr(struct conf_line *, const struct expr **);

/* ---- chk_judge.c ---- */
/*
 * chk_judge - look at what came so far. WHY_AGAIN: more is needed. True in
 * *met when the expectation was. v->info may point into `in` or be static.
 */
enum why chk_judge(const struct chk_expect *, struct span in, bool eof,
    struct chk_verdict *, bool *met);
/* chk_step_no - its number in the script, from 1. */
unsigned chk_step_no(const struct chk_step *first, const struct chk_step *);
/* chk_step_comment - its own, or that of a comment line right before. */
struct span chk_step_comment(const struct chk_step *first,
    const struct chk_step *);
/* chk_why_text - the words of a failed expectation: "TCPCHK did not match
 * content 'x' at step 2"; chk_where_text - " at step 2 of tcp-check (send)",
 * which follows the words of an error or a timeout. */
void chk_why_text(const struct chk_step *first, const struct chk_step *,
    struct span in, char dst[CHK_INFO_BYTES]);
void chk_where_text(const struct chk_step *first, const struct chk_step *,
    char *dst, size_t size);

/* ---- chk_script.c ---- */
/* chk_step_add - a step at the end of a section's own list. */
struct chk_step *chk_step_add(struct conf_line *, struct chk_steps *,
    const void *by, enum chk_kind);
bool chk_parse_connect(struct conf_line *, struct chk_step *);
bool chk_parse_expect_word(struct conf_line *, struct chk_expect *,
    struct chk_step *, bool *taken);
bool chk_parse_pattern(struct conf_line *, struct chk_expect *, bool regex,
    bool hex);
bool chk_parse_hdr(struct conf_line *, struct chk_expect *, bool full);
bool chk_parse_hex(struct conf_line *, struct span *out, struct span *shown);

/* ---- chk_kw.c ---- */
bool chk_want_interval(struct conf_line *, int32_t *ms);

/* ---- chk_state.c ---- */
#define CHK_LINE 512            /* bytes of a log line's parts */

/* What a change starts from: it is told by what became of it. */
struct chk_before {
	bool be_up, up, usable;
};
struct chk_before chk_look(const struct srv *);
/* chk_act - state and orders were written: let the workers have it. Returns
 * how many streams must look for another server. */
uint32_t chk_act(struct srv *, const struct chk_before *);
/* chk_leave_server - after the line that says so: connections and, if wanted,
 * sessions end. */
void chk_leave_server(struct srv *, const struct chk_before *);
void chk_note_backend(struct be *, bool was_up);
void chk_log_down(const struct srv *, enum log_level, const char *what,
    uint32_t requeued);
void chk_log_up(const struct srv *, const char *what, uint32_t requeued);
void chk_log_short(const struct srv *, const char *what);
/* chk_mail - to who is told by mail of this level: `what` is the line, without
 * its full stop. */
void chk_mail(const struct srv *, enum log_level, const char *what);
/* chk_log_backend - after the server's own line. */
void chk_log_backend(const struct srv *, const struct chk_before *);
/* chk_go_* - the change with its line; `why` follows "is DOWN". */
void chk_go_down(struct srv *, const char *why);
void chk_go_up(struct srv *, const char *why);
/* chk_mark_up - what on-marked-up says, of a server that is up again. */
void chk_mark_up(struct srv *);
void chk_go_stopping(struct srv *, const char *why);
int chk_full_health(const struct srv *);
/* chk_via - " via app/web1". */
const char *chk_via(const struct srv *, char dst[CHK_LINE]);
/* chk_kind_text - "Server", "Backup Server". chk_reason_text - ", reason:
 * Layer7 wrong status, code: 404, info: "…", check duration: 3ms". */
const char *chk_kind_text(const struct srv *);
const char *chk_reason_text(const struct chk_verdict *, char dst[CHK_LINE]);
void chk_take_over(struct srv *);       /* state at the start of an agent */

/* ---- chk_orders.c ---- */
/* chk_enter_maint - maintenance; `bit` says who wants it: people, the server
 * that it tracks, or its name, `via` says so in words. chk_leave_maint - they
 * want it no more; `name`, with a space, or "". Both with their lines, and for
 * servers that track this one. */
void chk_enter_maint(struct srv *, uint32_t bit, const char *via);
void chk_leave_maint(struct srv *, uint32_t bits, const char *name);

/* ---- chk_found.c ---- */
void chk_found(struct chk *, const struct chk_verdict *);
bool chk_is_good(enum chk_status);
/* chk_log_check - "Health check for server …", "Agent check for …". */
void chk_log_check(const struct chk *, const struct chk_verdict *, int health,
    int rise, int fall);

/* ---- chk_observe.c ---- */
void chk_observe_setup(void);   /* in the keeper */
void chk_observed(struct srv *, uint32_t seen);

/* ---- chk_track.c ---- */
/* chk_track_begin - who tracks whom, in the agent. */
void chk_track_begin(void);
void chk_track_came(struct srv *);
void chk_track_went(struct srv *);
/* chk_tracked - whom it tracks, or NULL; chk_root - the server at the end of
 * the chain, by whose checks it is judged: itself when it tracks none. */
struct srv *chk_tracked(const struct srv *);
const struct srv *chk_root(const struct srv *);
/* chk_each_follower - `fn` with each server that tracks this one. */
void chk_each_follower(const struct srv *, void (*fn)(struct srv *,
    struct srv *by));
/* chk_any_follows - does anybody track another? */
bool chk_any_follows(void);
/* chk_take_over_track - one that tracks no longer is as its checks say. */
void chk_take_over_track(struct srv *);
/* chk_follow - the state at the start of an agent, when all others have
 * theirs. */
void chk_follow(struct srv *);

/* ---- chk_agent.c ---- */
enum chk_agent_word { CHK_AGENT_NONE, CHK_AGENT_UP, CHK_AGENT_DOWN };

/* A line of an agent, taken apart; its words point into the line. */
struct chk_agent_line {
	struct span weight;             /* "75%"; n 0: none */
	int64_t maxconn;                /* -1: none */
	int admin;                      /* enum chk_admin, -1: none */
	enum chk_agent_word state;
	struct span word, why;          /* "down", behind '#' */
	struct span unknown;            /* the first word that says nothing */
};
void chk_agent_parse(struct span line, struct chk_agent_line *);

/* chk_agent_init - the check of a server's agent. chk_agent_begin - it starts:
 * what is sent may have been changed since. */
void chk_agent_init(struct chk *, struct srv *);
void chk_agent_begin(struct chk *);
/* chk_agent_heard - the line that came; valid until chk_agent_found(). */
void chk_agent_heard(struct chk *, struct chk_verdict *);
void chk_agent_found(struct chk *, struct chk_verdict *);
/* chk_agent_agrees - no agent has anything against the server being up. */
bool chk_agent_agrees(const struct srv *);
void chk_agent_take_over(struct srv *);

/* ---- chk_part.c ---- */
/* chk_tell - have every worker close idle connections to the server, and end
 * its sessions unless `kill` is WHY_OK. */
void chk_tell(struct srv *, enum why kill);
void chk_slow(struct srv *);            /* slow start began */
bool chk_is_open(void);                 /* this generation serves */
#endif
