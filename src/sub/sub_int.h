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

/* What is told to who asks. */
struct sub_ops {
	/* answered - the head of the answer; valid during the call */
	void (*answered)(void *arg, const struct http_head *);
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
};

/* Where requests of ours enter a proxy; in the configuration's arena. */
struct px_listen *sub_listen_new(struct px *);

/* sub_is - the stream whose facts these are is one of ours. */
bool sub_is(const struct txn *);

/* sub_new - from a client of these addresses; NULL without memory. */
struct sub *sub_new(const struct px_listen *, const struct addr *src,
    const struct addr *dst, const struct sub_ops *, void *arg);

/*
 * sub_start - send it. Head and bytes are taken. It may be over when this
 * returns. `again`: it may be sent once more over another connection.
 */
void sub_start(struct sub *, struct http_head *, struct buf *bytes,
    bool again);

/* sub_drop - nobody wants the answer any more; nothing is told from now on. */
void sub_drop(struct sub *);
#endif
