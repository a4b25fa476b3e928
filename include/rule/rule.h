/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RULE_RULE_H
#define RULE_RULE_H
/*
 * rule - ordered lists of actions under conditions.
 *
 * An action is a row beside its function. A list is an array compiled at
 * parse time; running one is a loop.
 */
#include <stdbool.h>

#include <base/why.h>
#include <conf/conf.h>
#include <expr/expr.h>
#include <px/px.h>

enum rule_set {
	RULE_TCP_CONN, RULE_TCP_SESS, RULE_TCP_REQ, RULE_TCP_RES,
	RULE_HTTP_REQ, RULE_HTTP_RES, RULE_HTTP_AFTER, RULE_N
};

enum rule_verdict {
	RULE_NEXT,              /* go on with the next rule */
	RULE_STOP,              /* accepted: no more rules of this list */
	RULE_DENY,              /* answer out->reply (or the error for
	                         * out->status) and end */
	RULE_REPLY,             /* answer out->reply; keep-alive if possible */
	RULE_TARPIT,            /* hold, then as RULE_DENY */
	RULE_CLOSE,             /* close without a word (reject) */
	RULE_DROP,              /* silent-drop */
	RULE_SWITCH,            /* accepted, and HTTP from here on */
	RULE_FAIL,              /* the message will never be whole: out->why */
	RULE_WAIT,              /* call again at the same rule when there is
	                         * more input or out->wait_ms went by */
	RULE_YIELD              /* of rule_run(): call again in the next turn of
	                         * the loop (tune.max-rules-at-once) */
};

struct rule;

/* What a rule waits for that comes from elsewhere. It ends the waiting itself,
 * or `drop` does when the stream ends first. */
struct rule_wait {
	void (*drop)(struct rule_wait *);
};

struct rule_run {               /* where one run of a list is; in the stream */
	uint16_t at;            /* next rule */
	uint16_t status;        /* RULE_DENY, RULE_TARPIT */
	const struct http_reply *reply;         /* may be in the arena */
	const struct rule *by;  /* the rule that ended it, for logs */
	int64_t wait_ms;
	int64_t until_ms;       /* pause, wait-for-body: its end */
	bool paused;            /* the rule at `at` waits, its condition held */
	bool reads;             /* … for bytes of the client */
	uint8_t ttl;            /* RULE_DROP: hops of a reset; 0: see
	                         * sock_silence() */
	bool close_server;      /* "close" of tcp-response */
	bool lenient;           /* strict-mode off: a rule that fails is passed
	                         * over */
	enum why why;           /* WHY_REQ_DENIED, WHY_REPLIED, … */
	struct rule_wait *wait; /* of the rule at `at`; mostly NULL */
	const struct px *px;    /* whose rules run; set by rule_run() */
};

/*
 * rule_run - run `set` of proxy `px` from run->at on (zero the struct before
 * the first call).
 *
 * RULE_NEXT: all rules were run. RULE_WAIT comes only from the content sets:
 * call again when more bytes came, or when run->wait_ms have passed since the
 * first call, then with txn->wait_over set.
 */
enum rule_verdict rule_run(const struct px *, enum rule_set, struct txn *,
    struct rule_run *run);

/* rule_note - it is the rule that ended the stream, for last_rule_line. */
void rule_note(struct txn *, const struct rule *);

/* rule_name - how samples call a rule: "FILE:LINE" of its line, at most `size`
 * bytes at `p`. */
struct span rule_name(const struct rule *, char *p, size_t size);

/* rule_at_once - rules of a list that are looked at before others have their
 * turn; 0: all. */
extern uint32_t rule_at_once;

/* rule_any - the proxy has rules of that set: cheap enough for each stream */
static inline bool
rule_any(const struct px *px, enum rule_set set)
{
	return ((px->rule_sets >> set & 1) != 0);
}

/* rule_on_tcp_response - some backend has rules of RULE_TCP_RES. */
extern bool rule_on_tcp_response;

/* rule_inspects - the content rules of that set may wait for more bytes. */
bool rule_inspects(const struct px *, enum rule_set);

/*
 * rule_capture - take what "capture request|response header" of the frontend
 * names into txn->cap_req or cap_res; after the rules of that side ran.
 */
void rule_capture(struct txn *, bool response);

/* rule_choose - the backend for a stream: use_backend lines in order, then
 * default_backend; runs of host or path tests are one look-up. NULL: none. */
const struct px *rule_choose(const struct px *fe, struct txn *);

/* rule_add_last - one more rule of a proxy, behind those of its lines; from a
 * check of rank 25 to 29, so that redirect lines come behind it. */
struct rule_action;
void rule_add_last(struct conf *, struct px *, enum rule_set,
    const struct rule_action *, const struct cond *, const void *priv);

struct rule_action {
	const char *name;       /* "set-header" */
	uint32_t sets;          /* bit per enum rule_set */
	const char *args;       /* for documentation: "<name> <fmt>" */
	/* words after the action's name up to if/unless; *priv out */
	bool (*parse)(struct conf_line *, struct px *, enum rule_set,
	    void **priv);
	enum rule_verdict (*run)(const void *priv, struct txn *,
	    struct rule_run *);
	const char *doc, *example;
	/* what it keeps of a connection; those that have one are warned of
	 * when they come too early or too late to do so; may be NULL */
	const struct expr *(*keeps)(const void *priv);
	bool counts;            /* it keeps something that is counted */
	bool final;             /* nothing behind it runs, without condition */
	bool parens;            /* "name(args)": `parse` takes them from the word
	                         * before the next, by rule_word() */
	bool prefix;            /* the word only begins so: "track-sc0" */
};

/* rule_stages - what exists when a set runs: bits for expr_parse(). */
unsigned rule_stages(enum rule_set);

/* rule_word - the action's own word, for rows with `parens` or `prefix`:
 * "sc-inc-gpc0(1)", "track-sc2". */
const struct conf_word *rule_word(const struct conf_line *);
/* rule_stages - what exists when a set runs: bits for expr_parse(). */
unsigned rule_stages(enum rule_set);

/* A number that a rule gives, or what its expression gives. */
struct rule_number {
	const struct expr *expr;        /* NULL: `num` */
	int64_t num;
};

/* rule_want_number - words for one from 0 to `max`; rule_want_duration - a
 * time, in ms; rule_want_expr - an expression of that type. rule_number - the
 * number now; false: the expression gives none. */
bool rule_want_number(struct conf_line *, enum rule_set, int64_t max,
    struct rule_number *);
bool rule_want_duration(struct conf_line *, enum rule_set,
    struct rule_number *);
bool rule_want_expr(struct conf_line *, enum rule_set, enum smp_type,
    const struct expr **out);
bool rule_number(const struct rule_number *, struct txn *, int64_t *v);

/* rule_want_fmt - a word as a format string. */
bool rule_want_fmt(struct conf_line *, const char *what, enum logfmt_use,
    enum rule_set, struct logfmt **out);

/* rule_want_header - a word as a header name. */
bool rule_want_header(struct conf_line *, struct span *name);

/* rule_text - run a format into the arena; p NULL without memory. */
struct span rule_text(const struct logfmt *, struct txn *);

#define ACTION(ident)                                                        \
	static const struct rule_action act_row_##ident;                     \
	static const struct rule_action *const act_ptr_##ident               \
	    KW_SECTION("kw_action") = &act_row_##ident;                      \
	static const struct rule_action act_row_##ident

/*
 * rule_error_reply - what to answer for an error status in this backend or
 * frontend: errorfile, http-error, errorfiles, else the built-in one.
 */
const struct http_reply *rule_error_reply(const struct px *, unsigned status);

/* rule_reply_made - the reply as this stream gets it: one that depends on the
 * request (http-error with formats) is made in its arena. */
const struct http_reply *rule_reply_make(const struct http_reply *,
    struct txn *);
static inline const struct http_reply *
rule_reply_made(const struct http_reply *r, struct txn *t)
{
	return (r->recipe == NULL ? r : rule_reply_make(r, t));
}

/* rule_note_order - a line of another room that has its place among the rules
 * of requests is there: whoever stands behind it and runs before is told. */
enum rule_place { RULE_MONITOR, RULE_USE_SERVER };
void rule_note_order(struct conf_line *, struct px *, enum rule_place);
#endif
