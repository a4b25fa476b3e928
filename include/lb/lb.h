/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LB_LB_H
#define LB_LB_H
/*
 * lb - choose the server that will get a stream.
 *
 * An algorithm is a row; its state lives in the backend's shared memory, so
 * all workers and the next generation take turns together.
 */
#include <stdbool.h>
#include <stddef.h>

#include <conf/conf.h>
#include <srv/srv.h>

struct lb_algo {
	const char *name;               /* "roundrobin" */
	const char *args;
	/* bytes of shared state for `n` servers */
	size_t (*state_bytes)(uint32_t n);
	/* words after the name on a balance line; NULL: none allowed */
	bool (*parse)(struct conf_line *, struct px *);
	/*
	 * pick - a usable server with a free slot; NULL: none now. `avoid` is
	 * taken only when there is no other. Called under no lock.
	 */
	struct srv *(*pick)(struct be *, struct txn *, struct srv *avoid);
	/* changed - usable set or weights changed (be->lb_epoch moved) */
	void (*changed)(struct be *);
	/* taken, given - a stream took or left a server (leastconn); may be
	 * NULL */
	void (*taken)(struct srv *);
	void (*given)(struct srv *);
	const char *doc;
};
#define BALANCE(ident)                                                       \
	static const struct lb_algo lb_row_##ident;                          \
	static const struct lb_algo *const lb_ptr_##ident                    \
	    KW_SECTION("kw_balance") = &lb_row_##ident;                      \
	static const struct lb_algo lb_row_##ident

/* lb_of - the algorithm a backend's configuration names. */
const struct lb_algo *lb_of(const struct px *);
#endif
