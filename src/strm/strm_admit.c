/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_admit - rules about a connection that has no stream yet: "tcp-request
 * connection" when it was just accepted, and there is only a descriptor;
 * "tcp-request session" when the PROXY header and the handshake are over.
 */
#include "strm_int.h"

#include <base/arena.h>
#include <expr/vars.h>
#include <log/log.h>
#include <os/loop.h>
#include <os/sock.h>
#include <rule/rule.h>
#include <stk/stk.h>
#include <strm/strm.h>
#include <xprt/conn.h>

#include <string.h>

struct admission {
	struct txn txn;
	struct arena arena;
	struct conn *conn;              /* NULL: there is only … */
	int fd;
};

static void
want_addr(struct txn *t, enum txn_addr which)
{
	struct admission *a = HOLDER(t, struct admission, txn);

	if (a->conn != NULL && (which == TXN_SRC || which == TXN_DST))
		t->addr[which] = which == TXN_SRC ? *conn_peer(a->conn) :
		    *conn_local(a->conn);
	else if (which == TXN_DST)
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

static struct conn *
client_conn(struct txn *t)
{
	return (HOLDER(t, struct admission, txn)->conn);
}

static const struct txn_ops ops = {
	.want_addr = want_addr,
	.client_fd = client_fd,
	.client_conn = client_conn,
	.payload = no_payload,
};

static void
begin(struct admission *a, const struct px_listen *listen, int fd)
{
	memset(a, 0, sizeof *a);
	arena_init(&a->arena, 16 * 1024);
	a->fd = fd;
	a->txn.ops = &ops;
	a->txn.arena = &a->arena;
	a->txn.fe = listen->bind->px;
	a->txn.listen = listen;
	a->txn.is_http = a->txn.fe->mode == PX_HTTP;
	a->txn.t.accept = the_loop->now_us;
	a->txn.t.accept_wall = the_loop->wall_us;
	a->txn.log_level = -1;
}

static bool
passes(struct admission *a, enum rule_set set, enum txn_stage stage)
{
	struct rule_run run = { 0 };
	enum rule_verdict v;

	a->txn.stage = (uint8_t)stage;
	v = rule_run(a->txn.fe, set, &a->txn, &run);
	expr_vars_end(&a->txn);
	arena_reset(&a->arena);
	if (v == RULE_DROP)
		sock_silence(a->fd, run.ttl);
	return (v == RULE_NEXT || v == RULE_STOP || v == RULE_WAIT);
}

bool
strm_admit(const struct px_listen *listen, int fd, struct addr *peer)
{
	struct expr_vars *vars = NULL;
	struct stk_set *tracked = NULL;
	struct admission a;

	if (!rule_any(listen->bind->px, RULE_TCP_CONN))
		return (true);
	begin(&a, listen, fd);
	a.txn.addr[TXN_SRC] = *peer;
	a.txn.sess_vars = &vars;
	a.txn.conn_stk = &tracked;
	if (!passes(&a, RULE_TCP_CONN, TXN_CONN)) {
		expr_vars_free(vars);
		stk_set_free(tracked);
		return (false);
	}
	*peer = a.txn.addr[TXN_SRC];
	conn_inherit(vars, tracked, &a.txn.addr[TXN_DST],
	    (a.txn.expects_proxy ? CONN_FIRST_PROXY : 0) |
	    (a.txn.expects_cip ? CONN_FIRST_CIP : 0));
	return (true);
}

static void
count_denied(const struct px_listen *listen)
{
	CNT_FE(fe_of(listen->bind->px)->cnt)->denied_sess++;
	if (listen->cnt != 0)
		CNT_LI(listen->cnt)->denied_sess++;
}

/* What rules asked for, or changed, is what the connection has from now on. */
static void
keep_addresses(struct conn *c, const struct txn *t)
{
	if (t->addr[TXN_SRC].family != ADDR_NONE) {
		c->peer = t->addr[TXN_SRC];
		c->has_peer = true;
	}
	if (t->addr[TXN_DST].family != ADDR_NONE) {
		c->local = t->addr[TXN_DST];
		c->has_local = true;
	}
}

static bool __attribute__((noinline))
run_session(struct conn *c, const struct px_listen *listen)
{
	struct admission a;
	bool ok;

	begin(&a, listen, c->fd);
	a.conn = c;
	a.txn.tls = c->xprt->secure;
	a.txn.sess_vars = (struct expr_vars **)&c->vars;
	a.txn.conn_stk = (struct stk_set **)&c->tracked;
	ok = passes(&a, RULE_TCP_SESS, TXN_SESS);
	if (ok) {
		keep_addresses(c, &a.txn);
		stk_on(&a.txn, STK_EV_SESSION);
		log_step(&a.txn, LOG_AT_ACCEPT);
		arena_reset(&a.arena);
	} else
		count_denied(listen);
	return (ok);
}

bool
strm_session(struct conn *c, const struct px_listen *listen)
{
	if (__builtin_expect(c->tracked == NULL && !log_stepped &&
	    !rule_any(listen->bind->px, RULE_TCP_SESS), 1))
		return (true);
	return (run_session(c, listen));
}
