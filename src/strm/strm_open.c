/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_open - the birth of a stream, its wake-ups, and its memory.
 */
#include "strm_int.h"

#include <base/must.h>
#include <base/pool.h>
#include <cnt/cnt.h>
#include <expr/vars.h>
#include <filt/filt.h>
#include <log/log.h>
#include <stk/stk.h>
#include <strm/strm.h>

#include <stdlib.h>
#include <string.h>

#define STRM_ARENA_BYTES (64 * 1024)
#define COUNT_MS 1000           /* between two looks at the bytes of a stream */

static struct pool strm_pool = POOL_INIT("strm", sizeof(struct strm));
static uint32_t last_id;

struct list strm_all = LIST_INIT(strm_all);

typedef enum strm_step step_fn(struct strm *);

static step_fn *const steps[STRM_PHASE_N] = {
#define PHASE(no, name, letter, fn) [no] = fn,
	STRM_PHASES(PHASE)
#undef PHASE
};

static void
want_addr(struct txn *t, enum txn_addr which)
{
	struct strm *s = HOLDER(t, struct strm, txn);
	struct mux_end *e = which == TXN_SRC || which == TXN_DST ?
	    s->cli : s->srv;
	struct conn *c;

	if (e == NULL)
		return;
	c = e->ops->conn(e);
	t->addr[which] = which == TXN_SRC || which == TXN_BDST ?
	    *conn_peer(c) : *conn_local(c);
	/* The kernel forgets it as soon as the server closed. */
	if (which == TXN_BDST && t->addr[which].family == ADDR_NONE &&
	    s->slot.srv != NULL)
		srv_addr(s->slot.srv, t, &t->addr[which]);
}

static struct span
payload(struct txn *t, bool response)
{
	struct strm *s = HOLDER(t, struct strm, txn);
	struct mux_end *e = response ? s->srv : s->cli;
	struct span data = SPAN_NONE;

	if (e != NULL && e->ops->gather != NULL)
		(void)e->ops->gather(e, 1, &data);
	else if (e != NULL && e->ops->peek(e, &data, NULL) != WHY_OK)
		return (SPAN_NONE);
	return (data);
}

static void
note_use(struct txn *t)
{
	strm_note_use(HOLDER(t, struct strm, txn));
}

static enum why
gather(struct txn *t, bool response, size_t want)
{
	return (strm_gather(HOLDER(t, struct strm, txn), response, want));
}

static int
client_fd(struct txn *t)
{
	struct strm *s = HOLDER(t, struct strm, txn);

	return (s->cli == NULL ? -1 : s->cli->ops->conn(s->cli)->fd);
}

static struct conn *
client_conn(struct txn *t)
{
	struct strm *s = HOLDER(t, struct strm, txn);

	return (s->cli == NULL ? NULL : s->cli->ops->conn(s->cli));
}

static struct conn *
server_conn(struct txn *t)
{
	struct strm *s = HOLDER(t, struct strm, txn);

	return (s->srv == NULL ? NULL : s->srv->ops->conn(s->srv));
}

static void
hint(struct txn *t, struct span name, struct span value)
{
	strm_hint(HOLDER(t, struct strm, txn), name, value);
}

static void
wake_rule(struct txn *t)
{
	strm_run(HOLDER(t, struct strm, txn));
}

static const struct txn_ops txn_ops = {
	.want_addr = want_addr,
	.payload = payload,
	.gather = gather,
	.hint = hint,
	.client_fd = client_fd,
	.client_conn = client_conn,
	.server_conn = server_conn,
	.sniff = strm_sniff,
	.wake = wake_rule,
	.note_use = note_use,
};

struct strm *
strm_of_txn(struct txn *t)
{
	return (t->ops == &txn_ops ? HOLDER(t, struct strm, txn) : NULL);
}

/* False: the stream is gone. */
static inline bool
run_steps(struct strm *s)
{
	enum strm_step step;

	do {
		s->again = false;
		while ((step = steps[s->phase](s)) == STEP_GO)
			;
		if (step == STEP_GONE)
			return (false);
	} while (s->again);
	s->running = false;
	return (true);
}

static bool
run_once(struct strm *s)
{
	return (run_steps(s));
}

void
strm_run(struct strm *s)
{
	if (s->frozen)
		return;
	if (s->running) {
		s->again = true;
		return;
	}
	s->running = true;
	if (!(__builtin_expect(strm_profiles, 0) ?
	    strm_profile_run(s, run_once) : run_steps(s)))
		return;
	/* Long ones are counted now and then, not only when they end. */
	if (__builtin_expect(the_loop->now_ms - s->counted_ms >= COUNT_MS,
	    0) && s->phase == STRM_EXCHANGE)
		strm_count_bytes(s);
	if (__builtin_expect(s->thawed, 0) && !strm_moved_here(s))
		return;                 /* deadlines stay what they were */
	if (__builtin_expect(s->awaits_head, 0))
		return;                 /* its client end has one of its own */
	strm_deadlines(s);
}

static void
on_due(struct tmr *t)
{
	struct strm *s = OBJ(HOLDER(t, struct strm, tmr), struct strm,
	    STRM_MAGIC);

	strm_run(s);
}

void
strm_wait(struct strm *s, int64_t ms)
{
	s->wait_until_ms = ms == 0 ? CLOCK_NEVER : the_loop->now_ms + ms;
	tmr_arm(&the_loop->wheel, &s->tmr, s->wait_until_ms);
}

/* The facts that are known when a message begins. */
static void
begin_txn(struct strm *s, const struct mux_begin *b)
{
	struct txn *t = &s->txn;

	t->fe = b->listen->bind->px;
	t->listen = b->listen;
	t->nice = b->listen->bind->nice;
	t->is_http = s->cli->ops->http;
	t->first = b->req_no <= 1;
	t->req_no = last_id;
	t->t.accept = b->accept_us;
	t->t.accept_wall = b->accept_wall_us;
	t->t.handshake = b->accept_us + b->handshake_us;
	t->t.idle_end = b->first_byte_us;
	t->t.request_wall = the_loop->wall_us -
	    (the_loop->now_us - (b->first_byte_us != 0 ? b->first_byte_us :
	    the_loop->now_us));
	t->stage = TXN_REQ;
}

/* The request line as it is logged, in one piece; the target is within. */
static void __attribute__((noinline))
keep_line(struct txn *t, struct span method, struct span target,
    struct span version)
{
	char *p;

	if (method.n == 0 || (p = arena_get(t->arena,
	    method.n + 1 + target.n + 1 + version.n)) == NULL)
		return;
	t->line = span_of(p, method.n + 1 + target.n + 1 + version.n);
	memcpy(p, method.p, method.n);
	p += method.n;
	*p++ = ' ';
	if (target.n != 0)
		memcpy(p, target.p, target.n);
	t->uri = span_of(p, target.n);
	p += target.n;
	*p++ = ' ';
	memcpy(p, version.p, version.n);
}

static struct span
version_of(const struct http_head *h)
{
	if (h->version.n != 0)
		return (h->version);
	return (h->minor != 0 ? SPAN("HTTP/1.1") : SPAN("HTTP/1.0"));
}

static void
keep_for_log(struct txn *t, const struct http_head *head)
{
	struct span target = head->target;
	size_t most = px_model->global.log_uri_len;

	if (!log_wanted(t) && !txn_wants_uri)
		return;
	if (most != 0 && target.n > most)
		target.n = most;
	if (head->meth == HTTP_METH_OTHER)
		t->method_text = arena_span(t->arena, head->method);
	keep_line(t, head->meth == HTTP_METH_OTHER ? head->method :
	    http_meth_text(head->meth), target, version_of(head));
	if (t->line.p == NULL)
		t->uri = arena_span(t->arena, target);
	t->uri_kept = true;
}

/* The head that a message begins with, or why there is none. */
static void
take_head(struct strm *s, const struct mux_begin *b)
{
	struct txn *t = &s->txn;

	s->begin_why = b->why;
	t->req = b->head;
	t->t.request = b->why == WHY_OK ? the_loop->now_us : 0;
	txn_touch(t);
	if (b->head == NULL)
		return;
	t->meth = b->head->meth;
	t->req_minor = b->head->minor;
	t->uri = b->head->target;
	s->req_buf = *b->buf;
	*b->buf = (struct buf){ 0 };
	keep_for_log(t, b->head);
}

static void
count_request(const struct strm *s, struct fe *fe)
{
	/* What is no request but has an answer counts as one. */
	if (s->txn.req == NULL && (why_rows[s->begin_why].cause != 'P' ||
	    why_rows[s->begin_why].status == 0))
		return;
	CNT_FE(fe->cnt)->req_tot++;
	CNT_PROC()->req_tot++;
	fe_count_request(fe, the_loop->wall_us);
}

struct strm *
strm_new(void)
{
	struct strm *s = pool_zget(&strm_pool);

	if (s == NULL)
		return (NULL);
	s->magic = STRM_MAGIC;
	s->id = ++last_id;
	s->up.rd = s->up.wr = s->down.rd = s->down.wr = -1;
	s->wait_until_ms = CLOCK_NEVER;
	s->cli_seen_ms = s->srv_seen_ms = the_loop->now_ms;
	s->counted_ms = the_loop->now_ms;
	s->txn.ops = &txn_ops;
	s->txn.arena = &s->arena;
	s->txn.log_level = -1;
	memcpy(s->txn.term, "----", 5);
	arena_init(&s->arena, STRM_ARENA_BYTES);
	tmr_init(&s->tmr, on_due);
	list_push_back(&strm_all, &s->node);
	return (s);
}

void
strm_attach(struct strm *s, struct mux_end *cli)
{
	struct conn *c = cli->ops->conn(cli);

	s->cli = cli;
	/* An end that keeps no connections has nothing for others. */
	s->txn.session = cli->ops->kept_srv != NULL ? cli : NULL;
	s->txn.tls = c->xprt->secure;
	s->txn.sess_vars = (struct expr_vars **)&c->vars;
	s->txn.conn_stk = (struct stk_set **)&c->tracked;
}

static void *
open_stream(struct mux_end *cli, const struct mux_begin *b)
{
	struct strm *s = strm_new();
	struct fe *fe = fe_of(b->listen->bind->px);

	if (s == NULL)
		return (NULL);
	strm_attach(s, cli);
	begin_txn(s, b);
	if (is_http(s))
		stk_on(&s->txn, STK_EV_REQUEST);
	s->tunnel = !is_http(s);
	take_head(s, b);
	if (!why_greeting(b->why))
		log_accept(&s->txn);
	if (b->req_no <= 1 && !why_greeting(b->why)) {
		CNT_FE(fe->cnt)->sess_tot++;
		CNT_PROC()->sess_tot++;
		if (strm_li(s) != NULL)
			strm_li(s)->sess_tot++;
		fe_count_session(fe, the_loop->wall_us);
	}
	count_request(s, fe);
	if (__builtin_expect(log_stepped, 0) && b->why == WHY_OK)
		log_at_step(&s->txn, LOG_AT_REQUEST);
	if (strm_debugs() && b->req_no <= 1)
		strm_debug_accept(s);
	if (strm_debugs() && b->head != NULL)
		strm_debug_request(s);
	return (s);
}

static void
message(struct mux_end *cli, const struct mux_begin *b)
{
	struct strm *s = OBJ(cli->strm, struct strm, STRM_MAGIC);

	s->awaits_head = false;
	take_head(s, b);
	stk_on(&s->txn, STK_EV_REQUEST);
	count_request(s, fe_of(s->txn.fe));
	if (strm_debugs() && b->head != NULL)
		strm_debug_request(s);
}

void
strm_free(struct strm *s)
{
	MUST(s->cli == NULL && s->srv == NULL);
	srv_release(&s->slot);
	tmr_stop(&the_loop->wheel, &s->tmr);
	strm_pipe_close(&s->up);
	strm_pipe_close(&s->down);
	strm_release_req(s);
	if (__builtin_expect(s->kept != NULL, 0))
		buf_drop(&s->kept->buf);
	if (s->txn.res != NULL)
		http_head_free(s->txn.res);
	list_del(&s->node);
	if (__builtin_expect(s->rules.wait != NULL, 0))
		s->rules.wait->drop(s->rules.wait);
	if (__builtin_expect(s->txn.stk != NULL, 0))
		stk_set_free(s->txn.stk);
	if (__builtin_expect(s->txn.filts != NULL, 0))
		filt_end(&s->txn);
	free(s->serve.body);
	arena_reset(&s->arena);
	s->magic = 0;
	pool_put(&strm_pool, s);
}

static void
wake(struct mux_end *e)
{
	strm_run(OBJ(e->strm, struct strm, STRM_MAGIC));
}

static void
expired(struct mux_end *e)
{
	struct strm *s = OBJ(e->strm, struct strm, STRM_MAGIC);

	if (!strm_overdue(s, e))
		strm_deadlines(s);
}

static struct mux_stream_ops stream_ops = {
	.open = open_stream,
	.message = message,
	.session = strm_session,
	.wake = wake,
	.expired = expired,
	.malformed = strm_malformed,
};

void
strm_start(void)
{
	strm_freeze_ops(&stream_ops);
	mux_stream = &stream_ops;
	conn_vars_free = expr_vars_free;
	conn_tracked_free = stk_set_free;
}
