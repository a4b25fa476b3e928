/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_inspect - "tcp-response content": rules of the backend that look at
 * what a server says before any of it goes on.
 *
 * They run as soon as the server is connected; with an inspection delay they
 * wait for bytes, or, in mode http, for the head of the response. They must
 * have run before a stream can be handed over.
 */
#include "strm_int.h"

#include <cnt/cnt.h>
#include <stk/stk.h>

#include <sys/socket.h>

/* The timer may be due sooner: who sends the request on had its turn. */
static enum strm_step
wait_for_more(struct strm *s)
{
	if (s->inspect == STRM_INSPECT_DUE)
		s->wait_until_ms = the_loop->now_ms + s->rules.wait_ms;
	s->inspect = STRM_INSPECT_WAITS;
	if (s->tmr.due_ms > s->wait_until_ms)
		tmr_arm(&the_loop->wheel, &s->tmr, s->wait_until_ms);
	return (STEP_WAIT);
}

/* "close": what the server said goes on, and no more comes. */
static void
close_server(struct strm *s)
{
	(void)shutdown(s->srv->ops->conn(s->srv)->fd, SHUT_RDWR);
	s->req_done = s->srv_shut = true;
}

static enum strm_step
refuse(struct strm *s, enum rule_verdict v)
{
	s->inspect = STRM_INSPECT_REFUSED;
	s->txn.status = 0;              /* nobody sees the response */
	s->txn.t.response = 0;
	CNT_BE(be_of(s->txn.be)->cnt)->denied_resp++;
	if (s->slot.srv != NULL)
		CNT_SRV(s->slot.srv->cnt)->denied_resp++;
	return (v == RULE_DROP ? strm_forget(s, WHY_RES_DENIED,
	    s->rules.ttl) : strm_hang_up(s, WHY_RES_DENIED));
}

/* "stick store-response" in mode tcp, where what the rules waited for is all
 * that is known of a response. */
static void
store(struct strm *s)
{
	if (is_http(s))
		return;
	s->txn.stage = TXN_RES_CONTENT;
	stk_store_response(&s->txn);
	s->txn.stage = TXN_RES;
}

enum strm_step
strm_inspect(struct strm *s)
{
	enum rule_verdict v;

	s->txn.stage = TXN_RES_CONTENT;
	s->txn.wait_over = s->srv->eof || s->srv->dead ||
	    (s->inspect == STRM_INSPECT_WAITS &&
	    the_loop->now_ms >= s->wait_until_ms);
	do {
		v = rule_run(s->txn.be, RULE_TCP_RES, &s->txn, &s->rules);
	} while (v == RULE_WAIT && strm_has_closed(s, s->srv));
	s->txn.stage = TXN_RES;
	if (v == RULE_WAIT)
		return (wait_for_more(s));
	s->inspect = STRM_INSPECT_NONE;
	s->wait_until_ms = CLOCK_NEVER;
	if (v == RULE_CLOSE || v == RULE_DROP || v == RULE_DENY)
		return (refuse(s, v));
	if (s->rules.close_server)
		close_server(s);
	s->rules = (struct rule_run){ 0 };
	store(s);
	return (STEP_GO);
}

enum strm_step
strm_inspect_begin(struct strm *s)
{
	s->inspect = STRM_INSPECT_NONE;
	if (!rule_any(s->txn.be, RULE_TCP_RES)) {
		store(s);
		return (STEP_GO);
	}
	/* Those that wait for nothing ran, on the connection that turned out to
	 * be closed. */
	if (s->fresh_only && !rule_inspects(s->txn.be, RULE_TCP_RES))
		return (STEP_GO);
	s->inspect = STRM_INSPECT_DUE;
	s->rules = (struct rule_run){ 0 };
	return (rule_inspects(s->txn.be, RULE_TCP_RES) ? STEP_GO :
	    strm_inspect(s));
}
