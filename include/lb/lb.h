/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LB_LB_H
#define LB_LB_H
/*
 * lb - choose the server that will get a stream.
 *
 * An algorithm is a row (struct lb_algo, srv/algo.h); its state lives in the
 * backend's shared memory, so all workers and the next generation take turns
 * together.
 */
#include <stdbool.h>
#include <stddef.h>

#include <conf/conf.h>
#include <srv/algo.h>
#include <srv/srv.h>

#define BALANCE(ident)                                                       \
	static const struct lb_algo lb_row_##ident;                          \
	static const struct lb_algo *const lb_ptr_##ident                    \
	    KW_SECTION("kw_balance") = &lb_row_##ident;                      \
	static const struct lb_algo lb_row_##ident

/* lb_of - the algorithm a backend's configuration names. */
const struct lb_algo *lb_of(const struct px *);
#endif
