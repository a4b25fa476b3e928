/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_req - from the request's arrival to the choice of its backend: rules,
 * answers of our own, what the request looks like on its way out.
 */
#include "strm_cookie.h"
#include "strm_int.h"

#include <cnt/cnt.h>
#include <log/log.h>
#include <stk/stk.h>
#include <strm/cfg.h>

/* The lists of rules that a request passes, in order. */
static const struct {
	enum rule_set set;
	bool backend, http;
} lists[] = {
	{ RULE_TCP_REQ, false, false },
	{ RULE_HTTP_REQ, false, true },
	{ RULE_TCP_REQ, true, false },
	{ RULE_HTTP_REQ, true, true },
};
#define FRONTEND_HTTP 1
#define FRONTEND_LISTS 2

void
strm_release_req(struct strm *s)
{
	if (s->txn.req != NULL)
		http_head_free(s->txn.req);
	s->txn.req = NULL;
	if (!s->txn.uri_kept)
		s->txn.uri = SPAN_NONE;
	buf_drop(&s->req_buf);
}

/* A slice of the request's buffer is one of its copy now. */
static const char *
moved(const char *p, const struct buf *b, const char *copy)
{
	const char *at = b->data + b->off;

	return (p >= at && p < at + b->len ? copy + (p - at) : p);
}

/* The request will wait for a while: keep its bytes, and not the buffer. */
static void
pack_request(struct strm *s)
{
	struct http_head *h = s->txn.req;
	const struct buf *b = &s->req_buf;
	char *copy;

	if (h == NULL || b->data == NULL ||
	    (copy = arena_get(&s->arena, b->len)) == NULL)
		return;
	memcpy(copy, b->data + b->off, b->len);
	for (unsigned i = 0; i < h->n; i++) {
		h->hdr[i].name = moved(h->hdr[i].name, b, copy);
		h->hdr[i].value = moved(h->hdr[i].value, b, copy);
	}
	h->method.p = moved(h->method.p, b, copy);
	h->target.p = moved(h->target.p, b, copy);
	s->txn.uri.p = moved(s->txn.uri.p, b, copy);
	txn_touch(&s->txn);
	buf_drop(&s->req_buf);
}

static const struct http_reply *
reply_of(struct strm *s, const struct px *px)
{
	unsigned status = s->rules.status != 0 ? s->rules.status : 403;

	return (s->rules.reply != NULL ? s->rules.reply :
	    rule_error_reply(px, status));
}

static void
count_denied(struct strm *s, const struct px *px)
{
	if (px->kind & PX_FE && !s->backend_rules) {
		CNT_FE(fe_of(px)->cnt)->denied_req++;
		if (strm_li(s) != NULL)
			strm_li(s)->denied_req++;
	} else
		CNT_BE(be_of(px)->cnt)->denied_req++;
	if (s->list >= NELEM(lists) || lists[s->list].http)
		stk_on(&s->txn, STK_EV_ERROR);
}

/* With a body that was wanted and never came whole, or was no body, it never was
 * a request: it has no time in the log. */
static void
unmake_request(struct strm *s, enum why why)
{
	if (why == WHY_CLI_REQ_TIMEOUT || why == WHY_REQ_BAD)
		s->txn.t.request = 0;
}

/* Rules wait for bytes of the client, which `timeout client` may end: it counts
 * from the last that came, although none went anywhere. */
static void
await_bytes(struct strm *s)
{
	size_t n;

	if (s->rules.paused && !s->rules.reads)
		return;
	n = s->txn.ops->payload(&s->txn, false).n;
	if (n != s->looked_bytes)
		s->cli_seen_ms = the_loop->now_ms;
	s->looked_bytes = n;
	s->looks = true;
}

enum strm_step
strm_look_over(struct strm *s)
{
	if (is_http(s) && !s->rules.paused) {   /* of content: no answer */
		s->txn.t.request = the_loop->now_us;
		return (strm_hang_up(s, WHY_CLI_TIMEOUT));
	}
	if (s->rules.paused) {
		s->txn.rule_waits = s->rules.by;
		rule_note(&s->txn, s->rules.by);
		s->txn.t.request = 0;
	}
	return (strm_fail(s, WHY_CLI_TIMEOUT));
}

/* What a rule decided; STEP_GO: nothing that ends the stream. */
static enum strm_step
obey(struct strm *s, const struct px *px, enum rule_verdict v)
{
	switch (v) {
	case RULE_NEXT:
	case RULE_STOP:
		return (STEP_GO);
	case RULE_WAIT:
		await_bytes(s);
		if (s->rules.paused) {
			pack_request(s);
			strm_watch(s);
			strm_wait(s, s->rules.until_ms - the_loop->now_ms);
		} else if (s->wait_until_ms == CLOCK_NEVER)
			strm_wait(s, s->rules.wait_ms);
		else                    /* after a turn of others */
			tmr_arm(&the_loop->wheel, &s->tmr, s->wait_until_ms);
		return (STEP_WAIT);
	case RULE_YIELD:
		tmr_arm_at_once(&the_loop->wheel, &s->tmr);
		return (STEP_WAIT);
	case RULE_DENY:
		count_denied(s, px);
		return (strm_reply(s, reply_of(s, px), WHY_REQ_DENIED));
	case RULE_REPLY:
		if (s->rules.status == 401 || s->rules.status == 407) /* not authenticated */
			stk_on(&s->txn, STK_EV_ERROR);
		if (s->txn.service != NULL)     /* a server, and it is quick */
			s->txn.t.queued = s->txn.t.connected =
			    s->txn.t.response = the_loop->now_us;
		return (strm_reply(s, reply_of(s, px),
		    s->rules.why == WHY_OK ? WHY_REPLIED : s->rules.why));
	case RULE_TARPIT:
		count_denied(s, px);
		strm_go(s, STRM_TARPIT);
		s->txn.t.tarpit = the_loop->now_us;
		strm_watch(s);
		strm_release_req(s);
		strm_wait(s, txn_timeout(&s->txn, TXN_TIMEOUT_TARPIT,
		    px_tarpit_ms(px)));
		return (STEP_WAIT);
	case RULE_FAIL:
		s->txn.rule_waits = s->rules.by;
		unmake_request(s, s->rules.why);
		return (strm_fail(s, s->rules.why));
	case RULE_DROP:
		s->txn.t.request = 0;
		count_denied(s, px);
		return (strm_forget(s, WHY_REQ_DENIED, s->rules.ttl));
	case RULE_CLOSE:
		s->txn.t.request = 0;
		count_denied(s, px);
		return (strm_drop(s, WHY_REQ_DENIED));
	case RULE_SWITCH:
		if (is_http(s))         /* a later request of its client */
			return (STEP_GO);
		s->list++;
		return (strm_switch(s));
	}
	return (STEP_GO);
}

/* Rules need not hope for more bytes: the inspection delay is over, or the
 * client has no more, or its request none. */
static bool
input_is_final(const struct strm *s)
{
	return (s->cli->eof || s->cli->dead ||
	    (is_http(s) && s->txn.req->body == HTTP_NO_BODY) ||
	    (s->wait_until_ms != CLOCK_NEVER &&
	    the_loop->now_ms >= s->wait_until_ms));
}

bool
strm_has_closed(struct strm *s, struct mux_end *end)
{
	struct span data;

	if (is_http(s) || s->txn.wait_over)
		return (false);
	for (int i = 0; i < 2 && !end->eof; i++)
		if (end->ops->peek(end, &data, NULL) == WHY_AGAIN)
			break;
	txn_touch(&s->txn);
	return (s->txn.wait_over = end->eof || end->dead);
}

/* The client waits for a word before it sends its body (RFC 9110 10.1.1): we
 * want it now, so the server need not ask again. */
static void
ask_for_body(struct strm *s)
{
	if (!s->txn.req->expect_100)
		return;
	s->txn.req->expect_100 = false;
	(void)http_del(s->txn.req, HTTP_EXPECT, SPAN_NONE);
	txn_touch(&s->txn);
	strm_continue(s);
}

enum why
strm_gather(struct strm *s, bool response, size_t want)
{
	struct mux_end *e = response ? s->srv : s->cli;
	struct span data;
	enum why why;

	if (e == NULL || e->ops->gather == NULL)
		return (WHY_OK);
	why = e->ops->gather(e, want, &data);
	if (why == WHY_AGAIN && !response && s->txn.req != NULL)
		ask_for_body(s);
	return (why);
}

/* Until when the body may take to come: as the head, or, without such a
 * limit, as long as it does not stand still. */
static int64_t
body_wait_ms(const struct strm *s)
{
	const struct px_timeouts *t = s->txn.fe->timeout;
	int64_t begin_us = s->txn.t.idle_end != 0 ? s->txn.t.idle_end :
	    s->txn.t.accept;
	int64_t left_ms = t->http_request -
	    (the_loop->now_us - begin_us) / 1000;

	if (t->http_request == 0)
		return (t->client);
	return (left_ms > 0 ? left_ms : 1);
}

/* option http-buffer-request */
static enum strm_step
buffer_request(struct strm *s)
{
	enum why why = strm_gather(s, false, 0);
	bool over = s->buffering && the_loop->now_ms >= s->wait_until_ms;

	if (why == WHY_AGAIN && !over) {
		if (!s->buffering || s->txn.fe->timeout->http_request == 0)
			strm_wait(s, body_wait_ms(s));
		s->buffering = true;
		return (STEP_WAIT);
	}
	if (why != WHY_OK) {
		why = over ? WHY_CLI_REQ_TIMEOUT : why;
		unmake_request(s, why);
		return (strm_fail(s, why));
	}
	if (s->buffering) {
		strm_wait(s, 0);
		s->txn.t.request = the_loop->now_us;
		s->buffering = false;
	}
	return (STEP_GO);
}

static inline bool
wants_body(const struct strm *s, const struct px *px)
{
	return (lists[s->list].http && is_http(s) && s->rules.at == 0 &&
	    px_opt(px, PX_OPT_HTTP_BUFFER_REQUEST));
}

/* Run the lists from where we are up to `last`. */
static enum strm_step
run_lists(struct strm *s, unsigned last)
{
	const struct px *px;
	enum strm_step step;
	enum rule_verdict v;
	bool paused;

	for (; s->list < last; s->list++) {
		px = lists[s->list].backend ? s->txn.be : s->txn.fe;
		if (!rule_any(px, lists[s->list].set) &&
		    !px_opt(px, PX_OPT_HTTP_BUFFER_REQUEST))
			continue;
		if (__builtin_expect(wants_body(s, px), 0) &&
		    (step = buffer_request(s)) != STEP_GO)
			return (step);
		if ((lists[s->list].http && !is_http(s)) ||
		    !rule_any(px, lists[s->list].set))
			continue;
		s->txn.stage = lists[s->list].http ? TXN_REQ : TXN_CONTENT;
		s->txn.wait_over = input_is_final(s);
		paused = s->rules.paused;
		if (s->cli->dead && (paused || !is_http(s))) {
			s->txn.rule_waits = s->rules.by;
			return (strm_fail(s, WHY_CLI_ABORT));
		}
		s->looks = false;
		strm_sniffs(s);
		do {
			v = rule_run(px, lists[s->list].set, &s->txn,
			    &s->rules);
		} while (v == RULE_WAIT && !s->rules.paused &&
		    strm_has_closed(s, s->cli));
		strm_sniffed(s);
		if (!is_http(s) && s->cli->ops->conn(s->cli)->err)
			return (strm_fail(s, WHY_CLI_ABORT));
		if (paused && !s->rules.paused)
			strm_wait(s, 0);        /* that one is over */
		step = obey(s, px, v);
		if (step != STEP_GO || s->phase == STRM_TARPIT)
			return (step);
		s->rules = (struct rule_run){ 0 };
	}
	if (s->wait_until_ms != CLOCK_NEVER)
		strm_wait(s, 0);
	return (STEP_GO);
}

/* "monitor-uri": answered before anything else looks at the request. */
static bool
is_monitor(const struct strm *s, const struct strm_cfg *cfg)
{
	return (cfg->monitor_uri.n != 0 && s->txn.req != NULL &&
	    span_eq(http_path_query(s->txn.req), cfg->monitor_uri));
}

static enum strm_step
answer_monitor(struct strm *s, const struct strm_cfg *cfg)
{
	static struct http_reply_hdr uncached = {
		.name = SPAN("Cache-Control"), .value = SPAN("no-cache") };
	static const struct http_reply fine = {
		.status = 200, .content_type = SPAN("text/html"),
		.hdrs = &uncached,
		.body = SPAN("<html><body><h1>200 OK</h1>\n"
		    "Service ready.\n</body></html>\n"),
	};

	s->monitor = true;
	for (const struct strm_monitor *m = cfg->monitor_fail; m != NULL;
	    m = m->next)
		if (cond_true(m->cond, &s->txn))
			return (strm_reply(s, rule_error_reply(s->txn.fe, 503),
			    WHY_REPLIED));
	return (strm_reply(s, &fine, WHY_REPLIED));
}

static enum strm_step __attribute__((noinline, cold))
restrict_names(struct strm *s, const struct px *px, const struct strm_cfg *cfg)
{
	if (!is_http(s) || strm_names_ok(s, cfg))
		return (STEP_GO);
	count_denied(s, px);
	return (strm_reply(s, rule_error_reply(px, 403), WHY_REQ_DENIED));
}

enum strm_step
step_request(struct strm *s)
{
	const struct strm_cfg *cfg = px_get(&s->txn.fe->slots, &strm_slot);
	enum strm_step step;

	if (__builtin_expect(s->awaits_head, 0))
		return (STEP_WAIT);
	if (s->begin_why != WHY_OK)
		return (strm_fail(s, s->begin_why));
	if (!s->begun && is_monitor(s, cfg))
		return (answer_monitor(s, cfg));
	if (!s->begun)
		rule_capture(&s->txn, false);
	s->begun = s->txn.is_http;
	if ((step = run_lists(s, FRONTEND_LISTS)) != STEP_GO)
		return (step);
	if (__builtin_expect(cfg->names != STRM_NAMES_PRESERVE, 0) &&
	    (step = restrict_names(s, s->txn.fe, cfg)) != STEP_GO)
		return (step);
	log_unique_id(&s->txn);
	strm_go(s, STRM_CHOOSE);
	return (STEP_GO);
}

enum strm_step
step_tarpit(struct strm *s)
{
	const struct px *px = s->txn.be != NULL ? s->txn.be : s->txn.fe;

	if (the_loop->now_ms < s->wait_until_ms && !s->cli->dead &&
	    !s->cli->ops->conn(s->cli)->hup)
		return (STEP_WAIT);
	s->txn.t.queued = the_loop->now_us;
	if (s->rules.status == 0)
		s->rules.status = 500;
	return (strm_reply(s, reply_of(s, px), WHY_REQ_TARPIT));
}

/* How long the server's connection may live, by the stricter of both sides.
 * About the client's only the frontend has a say. */
static enum px_conn_mode
conn_mode(const struct strm *s)
{
	return (s->txn.fe->conn_mode > s->txn.be->conn_mode ?
	    s->txn.fe->conn_mode : s->txn.be->conn_mode);
}

/* Once, after all rules: what the server gets to see. */
static bool
prepare_request(struct strm *s)
{
	struct http_head *req = s->txn.req;

	s->conn_mode = conn_mode(s);
	if (s->txn.fe->conn_mode == PX_CONN_CLOSE)
		s->cli->close = true;
	http_strip_hop(req, req->upgrade);
	s->no_upgrade = !req->upgrade;
	return (strm_forwarded(s));
}

/* The backend speaks HTTP, and the client came in mode tcp: a request must
 * follow, and passes the frontend's rules about requests, too. The other way
 * round nothing can be done. */
static enum strm_step
change_mode(struct strm *s)
{
	if (is_http(s))
		return (strm_hang_up(s, WHY_INTERNAL));
	s->list = FRONTEND_HTTP;
	strm_go(s, STRM_REQUEST);
	return (strm_switch(s));
}

static enum strm_step
enter_backend(struct strm *s)
{
	const struct px *be;

	strm_sniffs(s);
	be = rule_choose(s->txn.fe, &s->txn);
	strm_sniffed(s);
	if (be == NULL) {               /* it never came as far as a queue */
		s->txn.t.request = 0;
		strm_go(s, STRM_ACQUIRE);
		return (strm_fail(s, WHY_NO_SERVER));
	}
	s->txn.be = be;
	s->entered = true;
	CNT_BE(be_of(be)->cnt)->sess_tot++;
	if (is_http(s))
		CNT_BE(be_of(be)->cnt)->req_tot++;
	if (px_opt(be, PX_OPT_ABORTONCLOSE))
		strm_watch(s);
	if (be == s->txn.fe)
		s->list = NELEM(lists);
	if (__builtin_expect((be->mode == PX_HTTP) != is_http(s), 0))
		return (change_mode(s));
	return (STEP_GO);
}

enum strm_step
step_choose(struct strm *s)
{
	const struct strm_cfg *cfg;
	enum strm_step step;

	s->txn.stage = TXN_CHOOSE;
	if (!s->entered && (step = enter_backend(s)) != STEP_GO)
		return (step);
	s->backend_rules = true;
	if ((step = run_lists(s, NELEM(lists))) != STEP_GO)
		return (step);
	cfg = px_get(&s->txn.be->slots, &strm_slot);
	if (__builtin_expect(cfg->names != STRM_NAMES_PRESERVE, 0) &&
	    s->txn.be != s->txn.fe &&
	    (step = restrict_names(s, s->txn.be, cfg)) != STEP_GO)
		return (step);
	s->txn.stage = TXN_SERVER;
	if (strm_persists(s->txn.be) && !strm_persist(s))
		return (strm_fail(s, WHY_BUDGET));
	if (is_http(s) && !prepare_request(s))
		return (strm_fail(s, WHY_REQ_HEAD_LONG));
	strm_go(s, STRM_ACQUIRE);
	return (STEP_GO);
}
