/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_pick - a server for the stream: slot or queue, connection, and another
 * try when that fails.
 */
#include "strm_cookie.h"
#include "strm_int.h"

#include <errno.h>

#include <base/must.h>
#include <cnt/cnt.h>
#include <log/log.h>
#include <srv/algo.h>
#include <stk/stk.h>
#include <strm/cfg.h>

#define TURN_AROUND_MS 1000     /* before the same server is tried again */
#define ROOM_LOOK_MS 100        /* for room for a connection, if nobody calls */

bool
strm_client_left(const struct strm *s)
{
	const struct conn *c = s->cli->ops->conn(s->cli);

	return (s->cli->dead ||
	    (px_opt(s->txn.be, PX_OPT_ABORTONCLOSE) && (c->hup || c->eof)));
}

/* In mode tcp, one that closed and left nothing to send wants nothing, nor does
 * one that reset the connection. */
static bool
wants_nothing(const struct strm *s)
{
	struct span data;
	enum why why = s->cli->ops->peek(s->cli, &data, NULL);

	if (why == WHY_OK)              /* is there more behind it? */
		why = s->cli->ops->peek(s->cli, &data, NULL);
	return ((why != WHY_OK && why != WHY_AGAIN) ||
	    s->cli->ops->conn(s->cli)->err);
}

static bool
has_left(const struct strm *s)
{
	const struct conn *c = s->cli->ops->conn(s->cli);

	return (strm_client_left(s) || (!is_http(s) && (c->hup || c->eof) &&
	    wants_nothing(s)));
}

/* Not at once to the server that just failed: it may be starting. */
static enum strm_step
turn_around(struct strm *s)
{
	if (s->turn_ms <= the_loop->now_ms) {
		strm_go(s, STRM_CONNECT);
		return (STEP_GO);
	}
	s->txn.addr[TXN_BSRC].family = s->txn.addr[TXN_BDST].family =
	    ADDR_NONE;
	strm_go(s, STRM_BACKOFF);
	strm_wait(s, s->turn_ms - the_loop->now_ms);
	return (STEP_WAIT);
}

static void
on_granted(struct srv_slot *slot, enum why why)
{
	struct strm *s = OBJ(HOLDER(slot, struct strm, slot), struct strm,
	    STRM_MAGIC);

	s->granted = true;
	s->grant_why = why;
	strm_run(s);
}

static void
on_room(struct srv_slot *slot)
{
	struct strm *s = OBJ(HOLDER(slot, struct strm, slot), struct strm,
	    STRM_MAGIC);

	if (s->frozen || s->phase != STRM_BACKOFF)
		return;
	s->wait_until_ms = 0;
	strm_run(s);
}

/* The server left, or was told to end its sessions. */
void
strm_kill_slot(struct srv_slot *slot, enum why why)
{
	struct strm *s = OBJ(HOLDER(slot, struct strm, slot), struct strm,
	    STRM_MAGIC);

	if (s->frozen)                  /* when it comes back, if it does */
		s->kill_why = (uint8_t)why;
	else
		(void)strm_fail(s, why);
}

void
strm_slot_begin(struct strm *s)
{
	s->slot.granted = on_granted;
	s->slot.kill = strm_kill_slot;
	s->slot.room = on_room;
	s->slot.prio_class = s->txn.prio_class;
	s->slot.prio_ms = s->txn.prio_ms;
	s->granted = false;
}

/* Sent to another server; false: it is the same again, as there is no other. */
static bool
note_redispatch(struct strm *s)
{
	struct srv *from = s->avoid;

	if (s->slot.srv == from)
		return (false);
	CNT_BE(from->be->cnt)->redispatch++;
	CNT_SRV(from->cnt)->redispatch++;
	s->txn.redispatched = true;
	return (true);
}

static enum strm_step
have_slot(struct strm *s)
{
	const struct http_reply *redir;
	bool again = s->avoid != NULL && !note_redispatch(s);

	s->txn.srv = s->slot.srv->cfg;
	/* (a hash may lead there again although there are others) */
	if (again && s->turn_ms > the_loop->now_ms &&
	    be_usable_count(s->slot.be) <= 1)
		return (turn_around(s));
	s->txn.t.queued = the_loop->now_us;
	s->wait_until_ms = CLOCK_NEVER;
	strm_go(s, STRM_CONNECT);
	if (strm_persists(s->txn.be) && is_http(s) &&
	    (redir = strm_redir(s)) != NULL)
		return (strm_reply(s, redir, WHY_REDIRECTED));
	return (STEP_GO);
}

/* Not the one that just failed, nor one that is down. */
static bool
may_stick(struct txn *t, const struct px_server *want)
{
	struct strm *s = HOLDER(t, struct strm, txn);
	struct srv *srv = srv_of(want);

	return (srv != s->avoid && (srv_is_up(srv) || strm_even_down(s)));
}

/* The server that stick rules want. */
static struct srv *
stuck_to(struct strm *s)
{
	const struct px_server *want = stk_match(&s->txn, may_stick);

	return (want == NULL ? NULL : srv_of(want));
}

/* option prefer-last-server: where this client has a connection of its own. */
static struct srv * __attribute__((noinline, cold))
kept_server(const struct strm *s)
{
	const struct strm_cfg *cfg = px_get(&s->txn.be->slots, &strm_slot);
	struct srv *srv = s->cli->ops->kept_srv == NULL ? NULL :
	    s->cli->ops->kept_srv(s->cli, be_of(s->txn.be));

	if (srv == NULL || srv == s->avoid || !srv_usable(srv))
		return (NULL);
	if (cfg->kept_queue != 0 && !srv_has_room(srv) &&
	    srv->shm->queued >= cfg->kept_queue - 1)
		return (NULL);
	return (srv);
}

enum strm_step
step_acquire(struct strm *s)
{
	struct srv *want = stuck_to(s);         /* and notes what to store */
	enum why why;

	if (want != NULL && s->want == NULL) {
		s->want_down = strm_even_down(s);
		/* as good as a cookie: this client is given none */
		s->txn.cookie_same = true;
	}
	if (s->want != NULL)
		want = s->want;
	if (__builtin_expect(px_opt(s->txn.be, PX_OPT_PREFER_LAST_SERVER), 0) &&
	    want == NULL)
		want = kept_server(s);
	s->directed = want != NULL;
	strm_slot_begin(s);
	s->slot.even_down = s->want_down;
	why = srv_acquire(be_of(s->txn.be), &s->txn, s->avoid, want,
	    &s->slot);
	if (why == WHY_OK)
		return (have_slot(s));
	if (why == WHY_NO_SERVER)
		CNT_BE(be_of(s->txn.be)->cnt)->err_conn++;
	if (why != WHY_AGAIN)
		return (strm_fail(s, why));
	if (s->slot.srv != NULL)
		s->txn.q_srv = s->slot.srv->shm->queued;
	else
		s->txn.q_be = be_queued(be_of(s->txn.be));
	strm_go(s, STRM_QUEUE);
	strm_wait(s, txn_timeout(&s->txn, TXN_TIMEOUT_QUEUE,
	    px_queue_ms(s->txn.be)));
	return (STEP_WAIT);
}

enum strm_step
step_queue(struct strm *s)
{
	enum why why;

	if (s->granted && s->grant_why == WHY_OK)
		return (have_slot(s));
	if (s->granted)
		why = s->grant_why;
	else if (has_left(s))
		why = WHY_CLI_ABORT;
	else if (the_loop->now_ms >= s->wait_until_ms)
		why = WHY_QUEUE_TIMEOUT;
	else
		return (STEP_WAIT);
	s->txn.t.queued = the_loop->now_us;
	return (strm_fail(s, why));
}

static void
let_server_go(struct strm *s, enum why why)
{
	if (s->srv == NULL)
		return;
	s->txn.bc_err = s->srv->ops->conn(s->srv)->xprt_err;
	s->srv->ops->abort(s->srv, why);
	s->srv = NULL;
}

static int
retries_of(const struct strm *s)
{
	return (s->txn.retries_most != 0 ? s->txn.retries_most - 1 :
	    s->txn.be->retries);
}

/* Neither too often nor too late (timeout retry). */
static bool
may_retry(const struct strm *s)
{
	int64_t ms = s->txn.be->timeout->retry;

	return (s->txn.retries < retries_of(s) && (ms == 0 ||
	    the_loop->now_us - s->txn.t.request < ms * 1000));
}

/* Is this retry one that goes to another server? (option redispatch) A negative
 * interval is counted from the last one; that one's number then counts as a
 * positive interval would, as the reference does. */
static bool
redispatches(const struct strm *s)
{
	int every = s->txn.be->redispatch;

	if (every < 0)
		every += retries_of(s) + 1;
	return (every != 0 && s->txn.be->redispatch != 0 &&
	    s->txn.retries % every == 0);
}

/* Any server would do as well: with option redispatch, another one is then
 * tried at once, at each retry. */
static bool
is_anyones(const struct strm *s)
{
	return (s->txn.be->redispatch != 0 && !s->directed &&
	    !be_of(s->txn.be)->lb->sticks &&
	    be_usable_count(be_of(s->txn.be)) > 1);
}

/* One more try: with another server, or with this one (false). */
static bool
goes_elsewhere(struct strm *s, struct srv *srv)
{
	s->txn.retries++;
	CNT_BE(srv->be->cnt)->retries++;
	CNT_SRV(srv->cnt)->retries++;
	if (!redispatches(s) && !is_anyones(s) &&
	    (srv_is_up(srv) || s->want_down)) {
		s->avoid = NULL;        /* not chosen anew */
		return (false);
	}
	s->avoid = srv;
	strm_persist_lost(s);
	srv_release(&s->slot);
	strm_go(s, STRM_ACQUIRE);
	return (true);
}

bool
strm_may_again(const struct strm *s, uint32_t what)
{
	return (s->kept != NULL && (s->txn.be->retry_on & what) != 0 &&
	    s->txn.req != NULL && s->slot.srv != NULL && !s->res_head &&
	    !s->tunnel && !s->kept->off && !s->cli->dead && may_retry(s));
}

enum strm_step
strm_again(struct strm *s, enum why why)
{
	let_server_go(s, why);
	s->turn_ms = 0;                 /* it is not starting */
	if (s->txn.res != NULL)
		http_head_free(s->txn.res);
	s->txn.res = NULL;
	s->txn.status = 0;
	s->txn.stage = TXN_SERVER;
	txn_touch(&s->txn);
	s->req_sent = s->req_done = false;
	s->kept->at = 0;
	if (!goes_elsewhere(s, s->slot.srv))
		strm_go(s, STRM_CONNECT);
	return (STEP_GO);
}

/* Where the connection that failed came from and went to, for the log. */
static void
note_failed(struct strm *s)
{
	s->srv_err = s->no_socket;
	s->no_socket = 0;
	if (s->srv != NULL) {
		s->srv_err = strm_server_error(s->srv);
		s->txn.addr[TXN_BSRC] = *conn_local(s->srv->ops->conn(s->srv));
	}
	if (s->slot.srv != NULL)
		srv_addr(s->slot.srv, &s->txn, &s->txn.addr[TXN_BDST]);
}

/* How long a connection to a server may take; 0: for ever. */
static int
connect_ms(const struct strm *s)
{
	return (txn_timeout(&s->txn, TXN_TIMEOUT_CONNECT,
	    s->txn.be->timeout->connect));
}

enum strm_step
strm_retry(struct strm *s, enum why why)
{
	const struct px *be = s->txn.be;
	struct srv *srv = s->slot.srv;
	int ms = connect_ms(s);

	note_failed(s);
	let_server_go(s, why);
	/* the server was asked */
	if (!s->lacked && s->room_ms == 0)
		strm_observe(s, SRV_SEEN_UNCONNECTED);
	s->lacked = false;
	s->room_ms = 0;
	s->req_sent = false;
	if (srv == NULL || !may_retry(s) ||
	    (be->retry_on & PX_RETRY_CONN) == 0) {
		CNT_BE(be_of(be)->cnt)->err_conn++;
		if (srv != NULL)
			CNT_SRV(srv->cnt)->err_conn++;
		return (strm_fail(s, why));
	}
	s->turn_ms = the_loop->now_ms;
	if (why != WHY_SRV_CONN_TIMEOUT)        /* that took its time */
		s->turn_ms += ms != 0 && ms < TURN_AROUND_MS ? ms :
		    TURN_AROUND_MS;
	if (goes_elsewhere(s, srv))
		return (STEP_GO);
	return (turn_around(s));
}

enum strm_step
step_backoff(struct strm *s)
{
	if (has_left(s))
		return (strm_fail(s, WHY_CLI_ABORT));
	if (the_loop->now_ms < s->wait_until_ms)
		return (STEP_WAIT);
	s->wait_until_ms = CLOCK_NEVER;
	if (s->slot.srv == s->avoid)    /* chosen anew, but the same */
		s->txn.t.queued = the_loop->now_us;
	strm_go(s, STRM_CONNECT);
	return (STEP_GO);
}

static bool
may_reuse(const struct strm *s)
{
	return (is_http(s) && !s->fresh_only && !strm_marks(s));
}

/* Queue the request's head; it goes with the first send. */
static enum why
queue_request(struct strm *s)
{
	const struct strm_cfg *cfg = px_get(&s->txn.be->slots, &strm_slot);
	enum why why;

	if (__builtin_expect(cfg->send_name.n != 0, 0) &&
	    !strm_send_name(s, cfg))
		return (WHY_REQ_HEAD_LONG);
	if (s->conn_mode != PX_CONN_KEEP_ALIVE &&
	    !px_opt(s->txn.be, PX_OPT_HTTP_PRETEND_KEEPALIVE))
		s->srv->close = true;
	why = s->srv->ops->send_head(s->srv, s->txn.req);
	if (s->conn_mode != PX_CONN_KEEP_ALIVE)
		s->srv->close = true;
	s->req_sent = why == WHY_OK;
	return (why);
}

/* Get the server end and, in mode http, queue the head. */
static enum why
open_server(struct strm *s)
{
	struct srv *srv = s->slot.srv;
	enum why why = WHY_SRV_REFUSED;
	int ms;

	errno = 0;
	s->srv = mux_proto_for(s->txn.be->mode)->connect(srv, &s->txn,
	    may_reuse(s), s, &why);
	if (s->srv == NULL && why == WHY_AGAIN)
		return (why);
	s->room_ms = 0;
	if (s->srv == NULL) {           /* no connection, but it was tried */
		s->no_socket = strm_errno_error(errno);
		s->lacked = strm_is_short(s, errno);
		s->tries++;
		return (why);
	}
	if (__builtin_expect(s->tries++ != 0, 0))
		s->txn.addr[TXN_BSRC].family = s->txn.addr[TXN_BDST].family =
		    ADDR_NONE;
	s->txn.srv_reused = s->srv->reused;
	if (s->srv->reused) {
		CNT_BE(srv->be->cnt)->reuse++;
		CNT_SRV(srv->cnt)->reuse++;
		s->srv->connected = true;
	} else {
		CNT_BE(srv->be->cnt)->connect++;
		CNT_SRV(srv->cnt)->connect++;
	}
	ms = connect_ms(s);
	s->wait_until_ms = ms == 0 ? CLOCK_NEVER : the_loop->now_ms + ms;
	s->srv_seen_ms = the_loop->now_ms;
	return (is_http(s) ? queue_request(s) : WHY_OK);
}

/* A connection on its way may already take what is queued: on the same host
 * it is established before connect() returns. */
static void
try_early(struct strm *s)
{
	size_t taken;

	if (!s->srv->connected && is_http(s))
		(void)s->srv->ops->send(s->srv, SPAN_NONE, SPAN_NONE, 0,
		    &taken);
}

/* Said in either proxy, for this direction or for both. */
static bool
wants_splice(const struct strm *s, enum px_opt way)
{
	uint64_t opt = s->txn.fe->opt | s->txn.be->opt;

	return ((opt >> way & 1) != 0 || (opt >> PX_OPT_SPLICE_AUTO & 1) != 0);
}

/* The server has all connections that it may have (strict-maxconn): until one
 * of them is closed, or for as long as it may take to open one. */
static enum strm_step
await_room(struct strm *s)
{
	int64_t ms = connect_ms(s), left = ROOM_LOOK_MS;

	if (s->room_ms == 0)
		s->room_ms = the_loop->now_ms;
	if (ms != 0 && the_loop->now_ms >= s->room_ms + ms)
		return (strm_retry(s, WHY_SRV_CONN_TIMEOUT));
	if (!srv_conn_await(&s->slot))
		return (STEP_GO);
	if (ms != 0 && s->room_ms + ms - the_loop->now_ms < left)
		left = s->room_ms + ms - the_loop->now_ms;
	strm_go(s, STRM_BACKOFF);
	strm_wait(s, left);
	return (STEP_WAIT);
}

enum strm_step
step_connect(struct strm *s)
{
	bool begins = s->srv == NULL;
	enum why why;

	if (begins) {
		if (__builtin_expect(s->slot.awaits, 0))
			srv_conn_await_end(&s->slot);
		if ((why = open_server(s)) != WHY_OK) {
			if (s->srv == NULL && why == WHY_AGAIN)
				return (await_room(s));
			if (s->srv != NULL)     /* the head did not fit */
				return (strm_fail(s, why));
			return (strm_retry(s, why));
		}
		try_early(s);
	}
	if (s->srv->dead)
		return (strm_retry(s, s->srv->why != WHY_OK ?
		    (enum why)s->srv->why : WHY_SRV_REFUSED));
	if (s->srv->connected) {
		s->txn.t.connected = the_loop->now_us;
		if (is_http(s))
			CNT_SRV(s->slot.srv->cnt)->req_tot++;
		srv_observe(s->slot.srv, SRV_SEEN_CONNECTED);
		s->up.eager = wants_splice(s, PX_OPT_SPLICE_REQUEST);
		s->down.eager = wants_splice(s, PX_OPT_SPLICE_RESPONSE);
		s->wait_until_ms = CLOCK_NEVER;
		strm_note_independent(s);
		s->txn.stage = TXN_RES;
		log_step(&s->txn, LOG_AT_CONNECT);
		if (s->tunnel)
			strm_known(s, WHY_OK);
		stk_store_request(&s->txn);
		strm_go(s, STRM_EXCHANGE);
		return (__builtin_expect(rule_on_tcp_response || stk_sticky,
		    0) ? strm_inspect_begin(s) : STEP_GO);
	}
	/* (a client that closed before gets the connection if there is one) */
	if (strm_client_left(s) || (!begins && has_left(s)))
		return (strm_fail(s, WHY_CLI_ABORT));
	if (the_loop->now_ms >= s->wait_until_ms)
		return (strm_retry(s, WHY_SRV_CONN_TIMEOUT));
	return (STEP_WAIT);
}
