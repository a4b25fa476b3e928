/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_resp - the response head: interim ones, rules, what the client gets
 * to see, tunnels.
 */
#include "strm_cookie.h"
#include "strm_int.h"

#include <cnt/cnt.h>
#include <log/log.h>
#include <stk/stk.h>

/* RFC 9110 9.2.2: only these may be sent again without being asked. */
static bool
is_idempotent(unsigned meth)
{
	switch (meth) {
	case HTTP_GET:
	case HTTP_HEAD:
	case HTTP_PUT:
	case HTTP_DELETE:
	case HTTP_OPTIONS:
	case HTTP_TRACE:
		return (true);
	default:
		return (false);
	}
}

/* An idle connection that the server closed just when we used it: the request
 * was not seen, as far as we can know, so a fresh one may be tried. */
static bool
lost_the_race(const struct strm *s, enum why why)
{
	return (why == WHY_SRV_ABORT && s->srv->reused && s->srv->got == 0 &&
	    s->txn.req != NULL && s->txn.req->body == HTTP_NO_BODY &&
	    is_idempotent(s->txn.meth) && !s->txn.no_l7_retry);
}

static enum strm_step
try_fresh(struct strm *s)
{
	s->srv->ops->abort(s->srv, WHY_SRV_ABORT);
	s->srv = NULL;
	s->req_sent = s->req_done = false;
	s->fresh_only = true;
	strm_go(s, STRM_CONNECT);
	s->again = true;                /* from outside the exchange */
	return (STEP_WAIT);
}

/* As strm_again(), from within the exchange: its rest is not for now. */
static enum strm_step
begin_anew(struct strm *s, enum why why)
{
	enum strm_step step = strm_again(s, why);

	if (step != STEP_GO)
		return (step);
	s->again = true;
	return (STEP_WAIT);
}

static enum strm_step
no_response(struct strm *s, enum why why)
{
	struct srv *srv = s->slot.srv;

	if (lost_the_race(s, why))
		return (try_fresh(s));
	if (__builtin_expect(s->kept != NULL, 0) && strm_may_again(s,
	    why == WHY_SRV_ABORT && s->srv->got == 0 ? PX_RETRY_EMPTY :
	    PX_RETRY_JUNK)) {
		if (why != WHY_SRV_ABORT || s->srv->got != 0) {
			CNT_BE(srv->be->cnt)->err_resp++;
			CNT_SRV(srv->cnt)->err_resp++;
		}
		strm_observe(s, why == WHY_SRV_ABORT ? SRV_SEEN_CLOSED :
		    SRV_SEEN_INVALID);
		return (begin_anew(s, why));
	}
	CNT_BE(srv->be->cnt)->err_resp++;
	CNT_SRV(srv->cnt)->err_resp++;
	strm_observe(s, why == WHY_SRV_TIMEOUT ? SRV_SEEN_SILENT : why ==
	    WHY_SRV_ABORT ? SRV_SEEN_CLOSED : SRV_SEEN_INVALID);
	/* The client may know whether it can be sent again: a close says that
	 * it was perhaps not seen (RFC 9112 9.3.1). */
	if (why == WHY_SRV_ABORT && s->srv->reused && s->srv->got == 0 &&
	    !s->txn.first)
		return (strm_hang_up(s, why));
	return (strm_fail(s, why));
}

/* A head with a status 1xx, not seen by HTTP/1.0 (RFC 9110 15.2). */
static void
send_interim(struct strm *s, struct http_head *h)
{
	size_t taken;

	if (s->txn.req_minor != 0 &&
	    s->cli->ops->send_head(s->cli, h) == WHY_OK)
		(void)s->cli->ops->send(s->cli, SPAN_NONE, SPAN_NONE, 0,
		    &taken);
}

static enum strm_step
forward_interim(struct strm *s)
{
	send_interim(s, s->txn.res);
	return (STEP_GO);
}

void
strm_hint(struct strm *s, struct span name, struct span value)
{
	struct http_head *h = http_head_new();

	if (h == NULL)
		return;
	h->major = h->minor = 1;
	h->status = 103;
	h->reason = SPAN("Early Hints");
	if (http_add(h, name, value))
		send_interim(s, h);
	http_head_free(h);
}

void
strm_continue(struct strm *s)
{
	struct http_head *h = http_head_new();

	if (h == NULL)
		return;
	h->major = h->minor = 1;
	h->status = 100;
	h->reason = SPAN("Continue");
	send_interim(s, h);
	http_head_free(h);
}

/* A rule waits for the body. The timer may be due sooner: a request that is
 * still being sent on had its turn. */
static enum strm_step
wait_in_rules(struct strm *s)
{
	s->res_waits = true;
	s->srv_seen_ms = the_loop->now_ms;
	if (s->rules.wait != NULL)      /* nobody else looks after it */
		strm_watch(s);
	if (s->tmr.due_ms > s->rules.until_ms)
		tmr_arm(&the_loop->wheel, &s->tmr, s->rules.until_ms);
	return (STEP_WAIT);
}

/* A denied response counts for all that it would have passed. */
static void
count_denied(const struct strm *s)
{
	CNT_FE(fe_of(s->txn.fe)->cnt)->denied_resp++;
	CNT_BE(be_of(s->txn.be)->cnt)->denied_resp++;
	if (s->slot.srv != NULL)
		CNT_SRV(s->slot.srv->cnt)->denied_resp++;
}

/* One list of response rules; STEP_GO: go on. */
static enum strm_step
run_rules(struct strm *s, const struct px *px, enum rule_set set)
{
	struct rule_run run = s->res_waits ? s->rules : (struct rule_run){ 0 };
	enum rule_verdict v;
	unsigned status;

	s->res_waits = false;
	s->rules.wait = NULL;           /* `run` has it */
	switch (v = rule_run(px, set, &s->txn, &run)) {
	case RULE_NEXT:
	case RULE_STOP:
	case RULE_SWITCH:               /* none of responses */
		return (STEP_GO);
	case RULE_YIELD:
		s->rules = run;
		s->res_waits = true;
		s->srv_seen_ms = the_loop->now_ms;
		tmr_arm_at_once(&the_loop->wheel, &s->tmr);
		return (STEP_WAIT);
	case RULE_WAIT:
		s->rules = run;
		return (wait_in_rules(s));
	case RULE_FAIL:
		s->txn.rule_waits = run.by;
		s->txn.t.response = 0;
		return (strm_fail(s, run.why));
	case RULE_DROP:
		return (strm_forget(s, WHY_RES_DENIED, run.ttl));
	case RULE_CLOSE:
		return (strm_drop(s, WHY_RES_DENIED));
	case RULE_DENY:
	case RULE_TARPIT:
	case RULE_REPLY:
		break;
	}
	s->txn.t.response = 0;          /* nothing of it reaches the client */
	if (v != RULE_REPLY)
		count_denied(s);
	status = run.status != 0 ? run.status : 502;
	return (strm_reply(s, run.reply != NULL ? run.reply :
	    rule_error_reply(px, status),
	    run.why == WHY_OK ? WHY_RES_DENIED : run.why));
}

static inline enum strm_step
rules_of(struct strm *s, const struct px *px, enum rule_set set)
{
	return (rule_any(px, set) ? run_rules(s, px, set) : STEP_GO);
}

/* What happens before the rules, once. */
static void
note_response(struct strm *s)
{
	s->txn.stage = TXN_RES;
	txn_touch(&s->txn);
	stk_on_response(&s->txn, s->txn.res->status);
	rule_capture(&s->txn, true);
}

static enum strm_step
deny_response(struct strm *s, const struct px *be)
{
	count_denied(s);
	return (strm_reply(s, rule_error_reply(be, 502), WHY_RES_DENIED));
}

static enum strm_step
response_rules(struct strm *s)
{
	const struct px *fe = s->txn.fe, *be = s->txn.be;
	bool in_fe = s->res_waits && s->rules.px == fe && fe != be;
	bool leaks = px_opt(be, PX_OPT_CHECKCACHE);
	enum strm_step step;

	if (!s->res_waits) {
		note_response(s);
		/* one that a rule sets is ours */
		s->no_cookie = leaks && http_get(s->txn.res,
		    HTTP_SET_COOKIE).p == NULL;
	}
	if (!in_fe && (step = rules_of(s, be, RULE_HTTP_RES)) != STEP_GO)
		return (step);
	if (fe != be &&
	    (step = rules_of(s, fe, RULE_HTTP_RES)) != STEP_GO)
		return (step);
	if (__builtin_expect(leaks, 0) && !s->no_cookie && strm_cookie_leaks(s))
		return (deny_response(s, be));
	if (strm_persists(be) && !strm_cookie_set(s))
		return (strm_fail(s, WHY_BUDGET));
	if ((step = rules_of(s, be, RULE_HTTP_AFTER)) != STEP_GO)
		return (step);
	if (fe != be)
		return (rules_of(s, fe, RULE_HTTP_AFTER));
	return (STEP_GO);
}

static bool
opens_tunnel(const struct strm *s, const struct http_head *res)
{
	return (res->status == 101 || res->body == HTTP_TUNNEL ||
	    (s->txn.meth == HTTP_CONNECT && res->status / 100 == 2));
}

static void
begin_tunnel(struct strm *s)
{
	s->tunnel = true;
	s->req_done = s->res_done = false;
	s->cli->ops->tunnel(s->cli);
	s->srv->ops->tunnel(s->srv);
}

/* The final head, after rules: on its way to the client. */
static enum strm_step
forward_head(struct strm *s)
{
	struct http_head *res = s->txn.res;
	bool tunnel = opens_tunnel(s, res);
	enum why why;

	if (tunnel && res->status != 101)
		res->body = HTTP_TUNNEL;
	http_strip_hop(res, tunnel);
	why = s->cli->ops->send_head(s->cli, res);
	if (why != WHY_OK)
		return (strm_fail(s, why));
	s->res_head = true;
	strm_count_status(s, res->status);
	if (tunnel)
		begin_tunnel(s);
	strm_known(s, WHY_OK);
	http_head_free(res);
	s->txn.res = NULL;
	return (STEP_GO);
}

/* 500 to 504 but 501, and from 506 on: the manual calls these invalid (5.2
 * "observe"). */
static bool
is_well(unsigned status)
{
	return ((status >= 100 && status < 500) || status == 501 ||
	    status == 505);
}

/* A status after which the request is sent again. */
static bool __attribute__((noinline, cold))
disliked(const struct strm *s)
{
	unsigned status = s->txn.res->status;

	if (!strm_may_again(s, px_retry_status(status)))
		return (false);
	strm_observe(s, is_well(status) ? SRV_SEEN_GOOD : SRV_SEEN_STATUS);
	return (true);
}

/* The final head, with interim ones sent on; STEP_GO: here it is. */
static enum strm_step
take_head(struct strm *s)
{
	enum strm_step step;
	size_t taken;
	enum why why;

	for (;;) {
		if (s->cli->ops->unsent(s->cli) > 0) {
			/* behind an older response, or an interim one */
			(void)s->cli->ops->send(s->cli, SPAN_NONE, SPAN_NONE,
			    0, &taken);
			if (s->cli->ops->unsent(s->cli) > 0)
				return (STEP_WAIT);
		}
		if (s->txn.res == NULL &&
		    (s->txn.res = http_head_new()) == NULL)
			return (strm_fail(s, WHY_NOMEM));
		why = s->srv->ops->head(s->srv, s->txn.res);
		if (why != WHY_OK) {
			http_head_free(s->txn.res);
			s->txn.res = NULL;
		}
		if (why == WHY_AGAIN)
			return (STEP_WAIT);
		if (why != WHY_OK)
			return (no_response(s, why));
		s->srv_seen_ms = s->srv_read_ms = the_loop->now_ms;
		if (s->txn.res->status == 101 && s->no_upgrade)
			return (no_response(s, WHY_RES_BAD));
		s->txn.srv_status = s->txn.res->status;
		s->txn.res_ver = s->txn.res->minor == 0 ? 1 : 2;
		if (s->txn.res->status >= 200 || s->txn.res->status == 101)
			break;
		if ((step = forward_interim(s)) != STEP_GO)
			return (step);
	}
	if (__builtin_expect(s->kept != NULL, 0) && disliked(s))
		return (begin_anew(s, WHY_SRV_ABORT));
	s->txn.t.response = the_loop->now_us;
	if (strm_debugs())
		strm_debug_response(s);
	s->cli_seen_ms = the_loop->now_ms;
	s->txn.status = s->txn.res->status;
	strm_observe(s, is_well(s->txn.status) ? SRV_SEEN_GOOD :
	    SRV_SEEN_STATUS);
	log_step(&s->txn, LOG_AT_RESPONSE);
	if (s->req_done)
		strm_release_req(s);
	return (STEP_GO);
}

enum strm_step
strm_response(struct strm *s)
{
	enum strm_step step;

	if (!s->res_waits && s->inspect != STRM_INSPECT_WAITS &&
	    (step = take_head(s)) != STEP_GO)
		return (step);
	if (__builtin_expect(s->inspect != STRM_INSPECT_NONE, 0) &&
	    (step = strm_inspect(s)) != STEP_GO)
		return (step);
	if ((step = response_rules(s)) != STEP_GO)
		return (step);
	stk_store_response(&s->txn);
	return (forward_head(s));
}
