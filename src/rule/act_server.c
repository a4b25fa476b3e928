/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_server - actions on how a stream reaches its server: retries, and the
 * marks of packets to it.
 *
 * Source: configuration manual 4.4.
 */
#include "rule_int.h"

#define IN(set) (1u << RULE_##set)
#define ON_STREAM (IN(TCP_REQ) | IN(HTTP_REQ))
#define RETRIES_MAX 100

static bool
parse_number(struct conf_line *l, enum rule_set set, int64_t max, void **priv)
{
	return (rule_want_number(l, set, max, *priv =
	    arena_zget(l->conf->arena, sizeof(struct rule_number))));
}

static bool
parse_retries(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	if ((px->kind & PX_BE) == 0)
		return (conf_err(l, rule_word(l), "'set-retries' is for "
		    "proxies that have servers: a backend or listen section"));
	return (parse_number(l, set, RETRIES_MAX, priv));
}

static bool
parse_mark(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	return (parse_number(l, set, UINT32_MAX, priv));
}

static bool
parse_tos(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	return (parse_number(l, set, 255, priv));
}

static enum rule_verdict
run_retries(const void *priv, struct txn *t, struct rule_run *run)
{
	int64_t n;

	(void)run;
	if (rule_number(priv, t, &n) && n >= 0)
		t->retries_most = (uint16_t)(1 +
		    (n > RETRIES_MAX ? RETRIES_MAX : n));
	return (RULE_NEXT);
}

static enum rule_verdict
run_no_l7(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)priv;
	(void)run;
	t->no_l7_retry = true;
	return (RULE_NEXT);
}

static enum rule_verdict
run_mark(const void *priv, struct txn *t, struct rule_run *run)
{
	int64_t v;

	(void)run;
	if (rule_number(priv, t, &v)) {
		t->bc.mark = (uint32_t)v;
		t->bc.set |= SOCK_MARK;
	}
	return (RULE_NEXT);
}

static enum rule_verdict
run_tos(const void *priv, struct txn *t, struct rule_run *run)
{
	int64_t v;

	(void)run;
	if (rule_number(priv, t, &v)) {
		t->bc.tos = (uint8_t)v;
		t->bc.set |= SOCK_TOS;
	}
	return (RULE_NEXT);
}

/* A request is only read when its connection's handshake is over: no data is
 * accepted before. */
static enum rule_verdict
run_handshake(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)priv;
	(void)t;
	(void)run;
	return (RULE_NEXT);
}

ACTION(set_retries) = {
	.name = "set-retries", .sets = ON_STREAM, .args = "{ <number> | <expr> }",
	.parse = parse_retries, .run = run_retries,
	.doc = "How often a connection to a server may be tried again for this "
	    "stream, instead of what 'retries' says.",
	.example = "http-request set-retries 1 if { path_beg /search }",
};
ACTION(disable_l7_retry) = {
	.name = "disable-l7-retry", .sets = IN(HTTP_REQ), .args = "",
	.run = run_no_l7,
	.doc = "Sends this request only once: after that, nothing but a "
	    "connection that could not be made is tried again.",
	.example = "http-request disable-l7-retry if METH_POST",
};
ACTION(set_bc_mark) = {
	.name = "set-bc-mark", .sets = ON_STREAM, .args = "{ <number> | <expr> }",
	.parse = parse_mark, .run = run_mark,
	.doc = "The mark of packets to the server, for routing and filters "
	    "(SO_MARK, needs CAP_NET_ADMIN). The stream gets a connection of "
	    "its own, which no other uses later.",
	.example = "http-request set-bc-mark 0x10 if { path_beg /bulk }",
};
ACTION(set_bc_tos) = {
	.name = "set-bc-tos", .sets = ON_STREAM, .args = "{ <number> | <expr> }",
	.parse = parse_tos, .run = run_tos,
	.doc = "The TOS or traffic class of packets to the server, on a "
	    "connection of this stream's own.",
	.example = "tcp-request content set-bc-tos 46",
};
ACTION(wait_for_handshake) = {
	.name = "wait-for-handshake", .sets = IN(HTTP_REQ), .args = "",
	.run = run_handshake,
	.doc = "Has the request wait until the client's handshake is over. It "
	    "always is: requests that come earlier are not accepted.",
	.example = "http-request wait-for-handshake if METH_POST",
};
