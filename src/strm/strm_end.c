/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_end - every way a stream ends: both messages done, an answer of our
 * own, a failure. One place writes the log line, the counters and the
 * termination state.
 */
#include "strm_int.h"

#include <cnt/hist.h>
#include <log/log.h>
#include <os/sock.h>
#include <stk/stk.h>
#include <strm/strm.h>

static const char phase_letter[STRM_PHASE_N] = {
#define PHASE(no, name, letter, fn) [no] = letter,
	STRM_PHASES(PHASE)
#undef PHASE
};

/* In which phase it ended, as the log says it (configuration manual 8.5). A
 * client that leaves within its body was transferring data, whether or not
 * there was a response. */
static char
stage_letter(const struct strm *s, enum why why)
{
	if (s->phase != STRM_EXCHANGE)
		return (phase_letter[s->phase]);
	if (s->tunnel)
		return ('D');           /* one way may be at its end */
	if (s->res_done && s->req_done)
		return ('L');
	if (s->res_head || (why == WHY_CLI_ABORT && !s->req_done) ||
	    s->inspect == STRM_INSPECT_REFUSED)
		return ('D');
	return ('H');
}

static void
set_term(struct strm *s, enum why why)
{
	if (s->txn.term[0] != '-')
		return;
	s->txn.why = why;
	s->txn.term[0] = why_rows[why].cause;
	s->txn.term[1] = why_rows[why].cause == '-' ? '-' :
	    stage_letter(s, why);
}

void
strm_count_status(struct strm *s, unsigned status)
{
	struct cnt_fe *fe = CNT_FE(fe_of(s->txn.fe)->cnt);
	struct cnt_be *be;
	struct cnt_srv *sv;

#define COUNT(c)                                                             \
	do {                                                                 \
		switch (status / 100) {                                      \
		case 1: (c)->hrsp_1xx++; break;                              \
		case 2: (c)->hrsp_2xx++; break;                              \
		case 3: (c)->hrsp_3xx++; break;                              \
		case 4: (c)->hrsp_4xx++; break;                              \
		case 5: (c)->hrsp_5xx++; break;                              \
		default: (c)->hrsp_other++;                                  \
		}                                                            \
	} while (0)
	COUNT(fe);
	if (s->txn.be == NULL)
		return;
	be = CNT_BE(be_of(s->txn.be)->cnt);
	COUNT(be);
	if (s->slot.srv == NULL || s->srv == NULL)
		return;
	sv = CNT_SRV(s->slot.srv->cnt);
	if (s->txn.res != NULL)         /* what it said itself */
		status = s->txn.res->status;
	COUNT(sv);
#undef COUNT
}

static uint64_t
ms_between(int64_t from_us, int64_t to_us)
{
	return (from_us == 0 || to_us <= from_us ? 0 :
	    (uint64_t)(to_us - from_us) / 1000);
}

static void
count_times(const struct strm *s)
{
	const struct txn_times *t = &s->txn.t;
	struct cnt_be *be = CNT_BE(be_of(s->txn.be)->cnt);
	struct cnt_srv *sv = CNT_SRV(s->slot.srv->cnt);
	uint64_t q = ms_between(t->request, t->queued);
	uint64_t c = ms_between(t->queued, t->connected);
	uint64_t r = ms_between(t->connected, t->response);
	uint64_t all = ms_between(t->idle_end != 0 ? t->idle_end : t->accept,
	    t->end);

	be->qtime_sum += q;
	be->ctime_sum += c;
	be->rtime_sum += r;
	be->ttime_sum += all;
	be->time_n++;
	sv->qtime_sum += q;
	sv->ctime_sum += c;
	sv->rtime_sum += r;
	sv->ttime_sum += all;
	sv->time_n++;
}

static void
add_time(struct cnt_hist *h, int64_t from_us, int64_t to_us)
{
	if (from_us != 0 && to_us != 0)
		cnt_hist_add(h, to_us - from_us);
}

/* Out of line: only where somebody shows them. Times of what was not reached
 * are not counted. */
static void __attribute__((noinline))
count_hist(const struct strm *s)
{
	const struct txn_times *t = &s->txn.t;
	int64_t begin = t->idle_end != 0 ? t->idle_end : t->accept;
	uint32_t fe = fe_of(s->txn.fe)->hist;
	uint32_t be = s->txn.be == NULL ? 0 : be_of(s->txn.be)->hist;

	if (fe != 0 && (!is_http(s) || s->txn.status != 0)) {
		if (is_http(s))
			add_time(&CNT_FE_HIST(fe)->request, begin, t->request);
		add_time(&CNT_FE_HIST(fe)->total, begin, t->end);
	}
	if (be == 0 || s->slot.srv == NULL)
		return;
	add_time(&CNT_BE_HIST(be)->queue, t->request, t->queued);
	add_time(&CNT_BE_HIST(be)->connect, t->queued, t->connected);
	if (is_http(s))
		add_time(&CNT_BE_HIST(be)->response, t->connected, t->response);
	add_time(&CNT_BE_HIST(be)->total, begin, t->end);
}

void
strm_count_bytes(struct strm *s)
{
	uint64_t in = s->cli->got - s->counted_in;
	uint64_t out = s->cli->put - s->counted_out;
	struct cnt_fe *fe = CNT_FE(fe_of(s->txn.fe)->cnt);
	struct cnt_li *li = strm_li(s);
	const struct be *be = be_of(s->txn.be);
	struct cnt_be *bc;
	struct cnt_srv *sc;

	s->counted_in = s->cli->got;
	s->counted_out = s->cli->put;
	s->counted_ms = the_loop->now_ms;
	stk_on_bytes(&s->txn, in, out);
	fe->bytes_in += in;
	fe->bytes_out += out;
	CNT_PROC()->bytes_out += out;
	if (li != NULL) {
		li->bytes_in += in;
		li->bytes_out += out;
	}
	if (be == NULL)
		return;
	bc = CNT_BE(be->cnt);
	bc->bytes_in += in;
	bc->bytes_out += out;
	if (s->slot.srv == NULL)
		return;
	sc = CNT_SRV(s->slot.srv->cnt);
	sc->bytes_in += in;
	sc->bytes_out += out;
}

static bool
is_server_fault(enum why why)
{
	return (why_rows[why].cause == 'S' || why_rows[why].cause == 's' ||
	    why == WHY_RES_BAD || why == WHY_RES_HEAD_LONG);
}

/* Who is to blame, in the counters that "show stat" has for it. */
static void
count_blame(struct strm *s, enum why why)
{
	struct cnt_be *be = s->txn.be == NULL ? NULL :
	    CNT_BE(be_of(s->txn.be)->cnt);
	struct cnt_srv *sv = s->slot.srv == NULL ? NULL :
	    CNT_SRV(s->slot.srv->cnt);

	if (s->phase == STRM_REQUEST && !why_greeting(why) &&
	    (why_rows[why].cause == 'C' ||
	    why_rows[why].cause == 'c' ||
	    (why_rows[why].cause == 'P' && why != WHY_REQ_DENIED))) {
		CNT_FE(fe_of(s->txn.fe)->cnt)->err_req++;
		if (strm_li(s) != NULL)
			strm_li(s)->err_req++;
		if (s->cli->got > 0)
			stk_on(&s->txn, STK_EV_ERROR);
	}
	if (s->phase == STRM_EXCHANGE && !s->res_head && is_server_fault(why))
		stk_on(&s->txn, STK_EV_FAILURE);
	if (why == WHY_CLI_ABORT && be != NULL && s->phase == STRM_EXCHANGE) {
		be->cli_abort++;
		if (sv != NULL)
			sv->cli_abort++;
	}
	if (why == WHY_SRV_ABORT && be != NULL && s->res_head) {
		be->srv_abort++;
		if (sv != NULL)
			sv->srv_abort++;
	}
	if (why_rows[why].cause == 'I') {
		CNT_FE(fe_of(s->txn.fe)->cnt)->err_internal++;
		if (strm_li(s) != NULL)
			strm_li(s)->err_internal++;
		if (be != NULL)
			be->err_internal++;
	}
}

static bool
is_silent(struct strm *s)
{
	const struct px *fe = s->txn.fe;
	/* What failed in a handshake is something, but for one that the client
	 * gave up. */
	bool nothing = s->cli->got == 0 && (s->begin_why < WHY_TLS_FULL ||
	    s->begin_why > WHY_TLS_FAILED);

	if (s->monitor)
		return (true);
	if (nothing && px_opt(fe, PX_OPT_HTTP_IGNORE_PROBES) && is_http(s))
		return (true);
	return (nothing && px_opt(fe, PX_OPT_DONTLOGNULL));
}

void
strm_note_use(struct strm *s)
{
	struct txn *t = &s->txn;

	t->n_fe = fe_of(t->fe)->shm->conn;
	t->n_act = fe_conn_total();
	if (t->be != NULL)
		t->n_be = be_inflight(be_of(t->be));
	if (s->slot.state == SRV_SLOT_HELD)
		t->n_srv = s->slot.srv->shm->inflight;
}

/* The same at its end: how many others there are. */
static void
note_others(struct strm *s)
{
	struct txn *t = &s->txn;

	strm_note_use(s);
	if (t->be != NULL)
		t->n_be -= s->slot.state != SRV_SLOT_NONE;
	if (s->slot.state == SRV_SLOT_HELD)
		t->n_srv--;
}

static void
note_end(struct strm *s)
{
	s->txn.bytes_in = s->cli->got;
	s->txn.bytes_out = s->cli->put;
	s->txn.t.end = the_loop->now_us;
	s->txn.stage = TXN_LOG;
}

static void
log_end(struct strm *s)
{
	bool no_stream = s->phase == STRM_REQUEST &&
	    why_greeting(s->begin_why);

	if (s->logged || (!no_stream && !log_wanted(&s->txn)) || is_silent(s))
		return;
	note_others(s);
	note_end(s);
	if (no_stream)
		log_conn_error(&s->txn);
	else
		(void)log_access(&s->txn, LOG_AT_CLOSE);
}

/* That nothing came (dontlognull) is not known yet. */
void
strm_log_early(struct strm *s, enum why why)
{
	struct txn *t = &s->txn;
	uint8_t stage = t->stage;

	if (s->monitor)
		return;
	set_term(s, why);
	strm_note_use(s);
	note_end(s);
	s->logged = log_access(t, is_http(s) ? LOG_AT_RESPONSE :
	    LOG_AT_CONNECT);
	t->stage = stage;
	t->t.end = 0;
	t->why = WHY_OK;
	t->term[0] = t->term[1] = '-';
}

/* Bytes of mode tcp that nobody took came all the same, and left unread would
 * make a reset of the close. */
static void __attribute__((noinline, cold))
take_rest(struct strm *s)
{
	struct span data;

	if (s->begin_why == WHY_OK &&
	    s->cli->ops->peek(s->cli, &data, NULL) == WHY_OK)
		s->cli->ops->eat(s->cli, data.n);
}

static void
part_from_server(struct mux_end *srv, enum why why, bool keep)
{
	if (srv == NULL)
		return;
	if (why_rows[why].cause != '-' && !keep)
		srv->ops->abort(srv, why);
	else
		srv->ops->done(srv, keep);
}

/* The last steps of all ends. A client whose connection ends sees that first;
 * one that goes on may want the server's connection for its next request. */
static enum strm_step
bury(struct strm *s, enum why why, bool keep_cli, bool keep_srv, bool reset)
{
	struct mux_end *cli = s->cli, *srv = s->srv;
	bool cli_first = (!keep_cli || cli->close) && !reset;

	s->txn.t.end = the_loop->now_us;
	set_term(s, why);
	if (why != WHY_OK)
		count_blame(s, why);
	if (__builtin_expect(!is_http(s) && srv == NULL, 0))
		take_rest(s);
	s->txn.bytes_in = s->cli->got;
	s->txn.bytes_out = s->cli->put;
	strm_count_bytes(s);
	if (s->slot.srv != NULL && s->slot.state == SRV_SLOT_HELD)
		count_times(s);
	if (__builtin_expect(cnt_hist_wanted, 0))
		count_hist(s);
	log_end(s);
	if (strm_debugs())
		strm_debug_end(s);
	/* with http-reuse never it would be kept for this client */
	if (cli_first && srv != NULL && s->txn.be->reuse == PX_REUSE_NEVER)
		keep_srv = false;
	s->cli = s->srv = NULL;
	s->running = false;
	if (!cli_first)
		part_from_server(srv, why, keep_srv);
	strm_free(s);
	if (reset)
		cli->ops->abort(cli, why);
	else
		cli->ops->done(cli, keep_cli);
	if (cli_first)
		part_from_server(srv, why, keep_srv);
	return (STEP_GONE);
}

enum strm_step
strm_finish(struct strm *s)
{
	bool whole = s->req_done && s->res_done;

	return (bury(s, WHY_OK, whole && !s->tunnel, whole && !s->tunnel &&
	    !strm_marks(s), false));
}

enum strm_step
strm_drop(struct strm *s, enum why why)
{
	return (bury(s, why, false, false, true));
}

enum strm_step
strm_forget(struct strm *s, enum why why, unsigned ttl)
{
	sock_silence(s->cli->ops->conn(s->cli)->fd, ttl);
	return (bury(s, why, false, false, true));
}

enum strm_step
strm_hang_up(struct strm *s, enum why why)
{
	return (bury(s, why, false, false, false));
}

/* After these the client's connection is as good as before. */
static bool
spares_client(enum why why)
{
	switch (why) {
	case WHY_REPLIED:
	case WHY_REDIRECTED:
	case WHY_REQ_DENIED:
	case WHY_RES_DENIED:
	case WHY_NO_SERVER:
	case WHY_QUEUE_TIMEOUT:
	case WHY_QUEUE_FULL:
	case WHY_SRV_REFUSED:
	case WHY_SRV_CONN_TIMEOUT:
	case WHY_SRV_TLS:
	case WHY_SRV_CERT:
	case WHY_SRV_NAME:
	case WHY_SRV_ABORT:
	case WHY_SRV_TIMEOUT:
	case WHY_RES_BAD:
	case WHY_RES_HEAD_LONG:
		return (true);
	default:
		return (false);
	}
}

enum strm_step
strm_reply(struct strm *s, const struct http_reply *r, enum why why)
{
	bool head_only = s->txn.meth == HTTP_HEAD;
	bool keep = spares_client(why) && (r == NULL || !r->close);

	if (!is_http(s) || r == NULL || s->res_head)
		return (bury(s, why, false, false, s->res_head));
	r = strm_after(s, rule_reply_made(r, &s->txn));
	s->txn.status = r->status;
	if (r->owned)
		return (strm_serve(s, r, why));
	if (!keep || s->txn.fe->conn_mode == PX_CONN_CLOSE)
		s->cli->close = true;
	(void)s->cli->ops->send_reply(s->cli, r, head_only);
	if (why_rows[why].cause == 'L' && s->txn.res == NULL)
		CNT_FE(fe_of(s->txn.fe)->cnt)->intercepted++;
	strm_count_status(s, r->status);
	return (bury(s, why, keep, false, false));
}

enum strm_step
strm_served(struct strm *s, enum why why)
{
	return (bury(s, why, !s->cli->close, false, false));
}

/* option http-gateway-status: as RFC 9110 15.6.3 and 15.6.5 have it. */
static unsigned __attribute__((noinline, cold))
gateway_status(enum why why)
{
	switch (why) {
	case WHY_SRV_CONN_TIMEOUT:
		return (504);
	case WHY_SRV_REFUSED:
	case WHY_SRV_TLS:
	case WHY_SRV_CERT:
	case WHY_SRV_NAME:
		return (502);
	default:
		return (503);
	}
}

/* A client that left is answered, or at least logged, as one that made a bad
 * request if it never made a whole one, or if it could have had a response. */
static bool
left_for_400(const struct strm *s, enum why why)
{
	if ((why != WHY_CLI_ABORT && why != WHY_CLI_NO_REQUEST) ||
	    !is_http(s) || s->res_head || s->txn.status != 0)
		return (false);
	return (s->phase == STRM_EXCHANGE ? s->req_done && !s->cli->dead :
	    s->phase == STRM_REQUEST && s->begin_why != WHY_OK);
}

enum strm_step
strm_fail(struct strm *s, enum why why)
{
	const struct px *px = s->txn.be != NULL ? s->txn.be : s->txn.fe;
	unsigned status = why_rows[why].status;
	bool client_gone = s->cli->dead;

	if (status == 503 && px_opt(px, PX_OPT_HTTP_GATEWAY_STATUS))
		status = gateway_status(why);
	if (why == WHY_CLI_TIMEOUT && !s->res_head && is_http(s))
		status = 408;
	if (left_for_400(s, why))
		status = 400;
	if (status != 0 && is_http(s) && !s->res_head && !client_gone &&
	    !(s->cli->got == 0 && px_opt(s->txn.fe,
	    PX_OPT_HTTP_IGNORE_PROBES)))
		return (strm_reply(s, rule_error_reply(px, status), why));
	if (status == 400 && s->txn.status == 0)
		s->txn.status = 400;
	return (bury(s, why, false, false, s->res_head || client_gone));
}

void
strm_kill_all(void)
{
	LIST_EACH(n, &strm_all) {
		struct strm *s = LIST_ITEM(n, struct strm, node);

		if (!s->frozen)         /* another worker may have it */
			(void)strm_fail(s, WHY_STOP);
	}
}

unsigned
strm_count(void)
{
	unsigned n = 0;

	LIST_EACH(it, &strm_all)
		n++;
	return (n);
}
