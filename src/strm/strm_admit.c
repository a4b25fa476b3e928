/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_admit - "tcp-request connection" rules: whether a connection that was
 * just accepted may become one. There is no stream yet, only its two
 * addresses.
 */
#include <strm/strm.h>

#include <base/arena.h>
#include <expr/vars.h>
#include <os/loop.h>
#include <os/sock.h>
#include <rule/rule.h>
#include <stk/stk.h>
#include <xprt/conn.h>

#include <string.h>

struct admission {
	struct txn txn;
	struct arena arena;
	int fd;
};

static void
want_addr(struct txn *t, enum txn_addr which)
{
	struct admission *a = HOLDER(t, struct admission, txn);

	if (which == TXN_DST)
		sock_local(a->fd, &t->addr[which]);
}

static struct span
no_payload(struct txn *t, bool response)
{
	(void)t;
	(void)response;
	return (SPAN_NONE);
}

static int
client_fd(struct txn *t)
{
	return (HOLDER(t, struct admission, txn)->fd);
}

static const struct txn_ops ops = {
	.want_addr = want_addr,
	.client_fd = client_fd,
	.payload = no_payload,
};

static bool
passes(struct admission *a, enum rule_set set, enum txn_stage stage)
{
	struct rule_run run = { 0 };

	a->txn.stage = (uint8_t)stage;
	switch (rule_run(a->txn.fe, set, &a->txn, &run)) {
	case RULE_NEXT:
	case RULE_STOP:
	case RULE_WAIT:
		return (true);
	default:
		return (false);
	}
}

bool
strm_admit(const struct px_listen *listen, int fd, const struct addr *peer)
{
	const struct px *fe = listen->bind->px;
	struct expr_vars *vars = NULL;
	struct stk_set *tracked = NULL;
	struct admission a;
	bool ok;

	if (!rule_any(fe, RULE_TCP_CONN) && !rule_any(fe, RULE_TCP_SESS))
		return (true);
	memset(&a, 0, sizeof a);
	arena_init(&a.arena, 16 * 1024);
	a.fd = fd;
	a.txn.ops = &ops;
	a.txn.arena = &a.arena;
	a.txn.fe = fe;
	a.txn.listen = listen;
	a.txn.addr[TXN_SRC] = *peer;
	a.txn.t.accept = the_loop->now_us;
	a.txn.t.accept_wall = the_loop->wall_us;
	a.txn.log_level = -1;
	a.txn.sess_vars = &vars;
	a.txn.conn_stk = &tracked;
	ok = passes(&a, RULE_TCP_CONN, TXN_CONN) &&
	    passes(&a, RULE_TCP_SESS, TXN_SESS);
	expr_vars_end(&a.txn);
	arena_reset(&a.arena);
	if (ok) {
		stk_on(&a.txn, STK_EV_SESSION);
		conn_inherit(vars, tracked);
	} else {
		expr_vars_free(vars);
		stk_set_free(tracked);
	}
	return (ok);
}
