/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_ALGO_H
#define SRV_ALGO_H
/*
 * algo - what a balance algorithm offers to the room that holds the servers.
 * The rows are in room lb.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct be;
struct conf_line;
struct px;
struct srv;
struct txn;

struct lb_algo {
	const char *name;               /* "roundrobin" */
	const char *args;
	/* bytes of shared state for `n` servers */
	size_t (*state_bytes)(uint32_t n);
	/* words after the name on a balance line; NULL: none allowed */
	bool (*parse)(struct conf_line *, struct px *);
	/*
	 * pick - a server of the set with a free slot; NULL: none now. `avoid`
	 * is taken only when there is no other. `txn` may be NULL when the
	 * stream belongs to another process. Takes no lock.
	 */
	struct srv *(*pick)(struct be *, struct txn *, struct srv *avoid);
	/* changed - the set or weights are others now; in any process, under
	 * be_shm.lock. May be NULL. */
	void (*changed)(struct be *);
	/* taken, given - a stream took or left a server (leastconn); may be
	 * NULL */
	void (*taken)(struct srv *);
	void (*given)(struct srv *);
	/* fixed - weights of that proxy can't be changed at run time but to 0%
	 * and 100%; NULL: they can */
	bool (*fixed)(const struct px *);
	/* what pick() chose is waited for when it is full */
	bool sticks;
	const char *doc;
};

/* A proxy's choice of it; `algo` NULL: no balance line. */
struct srv_balance {
	const struct lb_algo *algo;
};

/* srv_algo_find - the row of that name, or NULL. */
const struct lb_algo *srv_algo_find(const char *name);
#endif
