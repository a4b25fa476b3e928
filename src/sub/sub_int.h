/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUB_INT_H
#define SUB_INT_H
/*
 * sub - requests of our own, which a rule needs answered before it can go on.
 *
 * Such a request enters a proxy as if a client had sent it: it has a stream of
 * its own, so that rules, balancing, queues, connections, retries, timeouts
 * and counters are those of that proxy. Only its client end is of this room:
 * one without a connection under it, which has no body to send and throws that
 * of the answer away.
 */
#include <mux/mux.h>

#include <rule/rule.h>

struct logfmt;

/* What is told to who asks. */
struct sub_ops {
	/* answered - the head of the answer; valid during the call */
	void (*answered)(void *arg, const struct http_head *);
	/* payload - some bytes of its body; NULL: nobody wants them */
	void (*payload)(void *arg, struct span);
	/* over - all of it came, or nothing will: the request is gone */
	void (*over)(void *arg);
};

struct sub {
	unsigned magic;
#define SUB_MAGIC 0x5b2e71d4
	struct mux_end end;
	struct conn conn;               /* addresses; no descriptor */
	const struct px_listen *listen;
	const struct sub_ops *ops;      /* NULL: nobody asks any more */
	void *arg;
	struct http_head *head;         /* until it starts; and what its */
	struct buf bytes;               /* slices point into */
	bool again;                     /* it may be sent over another
	                                 * connection once more */
};

/* Words of a rule: where to, and what is different from the request that it
 * is about. */
struct sub_ask {
	struct sub_ask *next;
	struct span action, proxy;
	struct diag_pos pos;
	const struct px_listen *listen;
	enum http_meth meth;
	struct span method;
	struct logfmt *path;            /* NULL: as the request has it */
	struct sub_hdr {
		struct sub_hdr *next;
		struct span name;
		struct logfmt *fmt;
	} *set;
	int64_t ms;
};

/* sub_ask_begin - the proxy's name; sub_ask_option - one word of the others and
 * what belongs to it, or it is none of them (*found). */
bool sub_ask_begin(struct conf_line *, struct sub_ask *);
bool sub_ask_option(struct conf_line *, struct sub_ask *, enum rule_set,
    bool *found);

/* sub_ask - make that request for a stream, for sub_start(); NULL: it can't be
 * made, or the stream is one of ours, which ask nobody. */
struct sub *sub_ask(const struct sub_ask *, struct txn *,
    const struct sub_ops *, void *arg);

/* Where requests of ours enter a proxy; in the configuration's arena. */
struct px_listen *sub_listen_new(struct px *);

/* sub_is - the stream whose facts these are is one of ours. */
bool sub_is(const struct txn *);

/* sub_new - from a client of these addresses; NULL without memory. */
struct sub *sub_new(const struct px_listen *, const struct addr *src,
    const struct addr *dst, const struct sub_ops *, void *arg);

/* sub_start - send it. It may be over when this returns. */
void sub_start(struct sub *);

/* sub_drop - nobody wants the answer any more; nothing is told from now on. */
void sub_drop(struct sub *);

/* A rule that waits for such an answer: within what the rule keeps of it. */
struct sub_wait {
	struct rule_wait wait;
	struct txn *txn;
	struct sub *sub;                /* NULL: it is over */
	bool starting;
};

/* sub_wait_begin - ask; `ops` are told of the wait, their `over` is
 * sub_wait_over(). False: nothing was asked. It may be over already. `drop` is
 * what rule_wait has it for, and calls sub_wait_drop().
 *
 * sub_wait_pause - the rule waits for `ms` from now on.
 * sub_wait_more - true while there is time and no answer. */
bool sub_wait_begin(struct sub_wait *, const struct sub_ask *, struct txn *,
    const struct sub_ops *, void (*drop)(struct rule_wait *));
void sub_wait_over(void *wait);
void sub_wait_drop(struct sub_wait *);
enum rule_verdict sub_wait_pause(struct sub_wait *, struct rule_run *,
    int64_t ms);
bool sub_wait_more(const struct sub_wait *, const struct rule_run *);
#endif
