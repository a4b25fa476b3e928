/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_fwd - the exchange: payload from end to end, both ways, and the
 * deadlines of both sides.
 */
#include "strm_int.h"

#include <base/must.h>
#include <filt/filt.h>

#define ROUNDS 16               /* reads in a row before others get their turn */

/* Go on in the next turn of the loop: the edge was used up. */
static void
yield(struct strm *s)
{
	tmr_arm_at_once(&the_loop->wheel, &s->tmr);
}

/* Trailers that are not for the other side. */
static bool
drops_trailers(const struct strm *s, const struct mux_end *to)
{
	return (to->client ?
	    px_opt(s->txn.fe, PX_OPT_HTTP_DROP_RESPONSE_TRAILERS) :
	    px_opt(s->txn.be, PX_OPT_HTTP_DROP_REQUEST_TRAILERS));
}

/* The source is at its end: say so to the sink, until all of it is out. */
static enum why
close_message(const struct strm *s, struct mux_end *to, struct span trailers)
{
	size_t taken;
	enum why why;

	if (trailers.n != 0 && drops_trailers(s, to))
		trailers = SPAN_NONE;
	why = to->ops->send(to, SPAN_NONE, trailers, MUX_END, &taken);
	if (why == WHY_OK && to->ops->unsent(to) > 0)
		return (WHY_AGAIN);
	return (why);
}

/* Nothing to read now; what is queued at the sink may still go. */
static enum why
push(struct mux_end *to)
{
	size_t taken;
	enum why why;

	if (to->ops->unsent(to) == 0)
		return (WHY_AGAIN);
	why = to->ops->send(to, SPAN_NONE, SPAN_NONE, 0, &taken);
	return (why == WHY_OK ? WHY_AGAIN : why);
}

/* ---- payload that a filter may hold back ---- */

#define HOLD_MS 250             /* at most, before looking again */

/* The filter says "not yet". Neither side is to blame, so that their timeouts
 * begin anew. */
static enum why
hold(struct strm *s, struct mux_end *from, struct mux_end *to,
    int64_t again_ms)
{
	struct strm_pipe *pipe = strm_pipe_of(s, from);
	int64_t due = the_loop->now_ms + (again_ms > HOLD_MS ? HOLD_MS :
	    again_ms);

	strm_moved(s, from->client);
	strm_moved(s, to->client);
	if (pipe->held == 0)
		strm_pipe_close(pipe);  /* others may want it meanwhile */
	if (s->tmr.due_ms > due)
		tmr_arm(&the_loop->wheel, &s->tmr, due);
	return (push(to));
}

/* As a round of strm_pump(), at most `room` bytes. WHY_OK: go on; WHY_EOF: it
 * is all over there. */
static enum why
move_some(struct strm *s, struct mux_end *from, struct mux_end *to,
    uint64_t room)
{
	struct span data, trailers = SPAN_NONE;
	uint64_t before = from->got;
	size_t taken;
	bool last;
	enum why why;

	strm_pipe_of(s, from)->eager = true;    /* nothing is held here then */
	if ((why = strm_splice(s, from, to, room)) != WHY_INTERNAL)
		return (why);
	if (from->got != before)
		return (WHY_OK);                /* the rest next time */
	why = from->ops->peek(from, &data, &trailers);
	if (why == WHY_EOF) {
		why = close_message(s, to, trailers);
		return (why == WHY_OK ? WHY_EOF : why);
	}
	if (why != WHY_OK)
		return (why == WHY_AGAIN ? push(to) : why);
	last = from->last && data.n <= room;
	if (data.n > room)
		data.n = (size_t)room;
	why = to->ops->send(to, data, SPAN_NONE, last ? MUX_END : 0, &taken);
	if (taken > 0) {
		strm_moved(s, from->client);
		from->ops->eat(from, taken);
	}
	return (why == WHY_OK && last && taken == data.n ? WHY_EOF : why);
}

/* limit-body: all that may come is here, so that the end must follow. */
static enum why
want_end(struct strm *s, struct mux_end *from, struct mux_end *to)
{
	struct span data, trailers = SPAN_NONE;
	enum why why = from->ops->peek(from, &data, &trailers);

	if (why == WHY_EOF)
		return (close_message(s, to, trailers));
	if (why == WHY_OK)
		return (WHY_REQ_BODY_LONG);
	return (why == WHY_AGAIN ? push(to) : why);
}

static bool
is_limited(const struct strm *s, const struct mux_end *from)
{
	return (s->txn.body_room != 0 && from->client && !s->tunnel);
}

static enum why
pump_filtered(struct strm *s, struct mux_end *from, struct mux_end *to)
{
	int rounds = strm_rounds(s, ROUNDS);
	bool response = !from->client, limited = is_limited(s, from);
	int64_t again_ms = HOLD_MS;
	uint64_t room, before, moved;
	enum why why;

	while (rounds-- > 0) {
		if (limited && s->txn.body_room == 1)
			return (want_end(s, from, to));
		room = filt_take(&s->txn, response, limited ?
		    s->txn.body_room - 1 : UINT64_MAX, &again_ms);
		if (room == 0)
			return (hold(s, from, to, again_ms));
		before = from->got;
		why = move_some(s, from, to, room);
		moved = from->got - before;
		filt_give(&s->txn, response, room - moved);
		if (limited)
			s->txn.body_room -= moved;
		if (why != WHY_OK)
			return (why == WHY_EOF ? WHY_OK : why);
	}
	yield(s);
	return (WHY_AGAIN);
}

enum why
strm_pump(struct strm *s, struct mux_end *from, struct mux_end *to)
{
	struct strm_pipe *pipe = strm_pipe_of(s, from);
	struct span data, trailers;
	int rounds = strm_rounds(s, ROUNDS);
	size_t taken;
	bool last;
	enum why why;

	if (__builtin_expect(s->txn.filts != NULL || s->txn.body_room != 0,
	    0) && (filt_cares(&s->txn, !from->client) || is_limited(s, from)))
		return (pump_filtered(s, from, to));
	for (int round = 0; round < rounds; round++) {
		if ((pipe->bulk || pipe->eager || pipe->held > 0) &&
		    (why = strm_splice(s, from, to, UINT64_MAX)) !=
		    WHY_INTERNAL)
			return (why);
		trailers = SPAN_NONE;
		why = from->ops->peek(from, &data, &trailers);
		if (why == WHY_EOF)
			return (close_message(s, to, trailers));
		if (why == WHY_AGAIN)
			return (push(to));
		if (why != WHY_OK)
			return (why);
		if (data.n >= buf_size / 2)
			pipe->bulk = true;
		last = from->last;
		why = to->ops->send(to, data, SPAN_NONE, last ? MUX_END : 0,
		    &taken);
		if (taken > 0) {
			strm_moved(s, from->client);
			from->ops->eat(from, taken);
		}
		if (why != WHY_OK)
			return (why);
		if (last && taken == data.n)
			return (WHY_OK);
	}
	yield(s);
	return (WHY_AGAIN);
}

/* ---- a request that may have to be sent again: retry-on ---- */

/* Before the first byte of the body went; false: it is not sent again. */
static bool
begin_kept(struct strm *s)
{
	if (s->tunnel)
		return (false);
	if (s->kept == NULL && !s->txn.no_l7_retry && s->txn.req != NULL &&
	    !s->in_body && (s->txn.be->retry_on & PX_RETRY_SENT) != 0)
		s->kept = arena_zget(&s->arena, sizeof *s->kept);
	return (s->kept != NULL && !s->kept->off);
}

static void
keep(struct strm_kept *k, struct span sent)
{
	k->at += sent.n;
	if (k->off || sent.n == 0)
		return;
	if (!buf_hold(&k->buf) || !buf_add(&k->buf, sent)) {
		k->off = true;          /* too long: what went, went */
		buf_drop(&k->buf);
	}
}

/* What was sent before; WHY_OK: all of that went. */
static enum why
pump_again(struct strm *s)
{
	struct strm_kept *k = s->kept;
	struct span rest = span_skip(buf_peek(&k->buf), k->at);
	size_t taken = 0;
	enum why why;

	if (rest.n == 0)
		return (WHY_OK);
	why = s->srv->ops->send(s->srv, rest, SPAN_NONE,
	    k->whole ? MUX_END : 0, &taken);
	k->at += taken;
	if (taken > 0)
		strm_moved(s, true);
	return (why == WHY_OK && taken < rest.n ? WHY_AGAIN : why);
}

/* As strm_pump() of the request, with a copy of what went. */
static enum why
pump_kept(struct strm *s)
{
	struct strm_kept *k = s->kept;
	struct span data, trailers = SPAN_NONE;
	size_t taken;
	enum why why;
	bool last;

	if ((why = pump_again(s)) != WHY_OK)
		return (why);
	if (k->whole)
		return (close_message(s, s->srv, SPAN_NONE));
	why = s->cli->ops->peek(s->cli, &data, &trailers);
	if (why == WHY_EOF) {
		k->whole = true;
		k->off |= trailers.n != 0;
		return (close_message(s, s->srv, trailers));
	}
	if (why != WHY_OK)
		return (why == WHY_AGAIN ? push(s->srv) : why);
	if (s->txn.body_room != 0 && data.n >= s->txn.body_room)
		return (WHY_REQ_BODY_LONG);
	last = s->cli->last;
	why = s->srv->ops->send(s->srv, data, SPAN_NONE, last ? MUX_END : 0,
	    &taken);
	if (s->txn.body_room != 0)
		s->txn.body_room -= taken;
	if (taken > 0) {
		keep(k, span_of(data.p, taken));
		strm_moved(s, true);
		s->cli->ops->eat(s->cli, taken);
	}
	if (why != WHY_OK)
		return (why);
	k->whole = last && taken == data.n;
	if (k->whole)
		return (WHY_OK);
	yield(s);
	return (WHY_AGAIN);
}

/* ---- the two directions ---- */

static enum strm_step
request_failed(struct strm *s, enum why why)
{
	switch (why) {
	case WHY_SRV_ABORT:
		/* The server takes no more; it may have said why. */
		s->req_done = true;
		if (s->tunnel)
			return (strm_fail(s, why));
		return (STEP_GO);
	default:
		return (strm_fail(s, why));
	}
}

static void
request_went(struct strm *s)
{
	s->req_done = true;
	if (!s->tunnel || s->srv_shut)
		return;
	s->srv_shut = true;
	if (px_opt(s->txn.be, PX_OPT_NOLINGER))
		s->res_done = true;     /* a reset, there is no other end */
	else
		s->srv->ops->shut(s->srv);
}

/* Out of line, as few have retry-on. */
static enum strm_step __attribute__((noinline, cold))
move_kept(struct strm *s)
{
	bool keeps = begin_kept(s);
	enum why why = keeps ? pump_kept(s) : strm_pump(s, s->cli, s->srv);

	if (why == WHY_AGAIN)
		return (STEP_GO);
	if (why != WHY_OK)
		return (request_failed(s, why));
	request_went(s);
	if (!keeps && !s->srv->reused)
		strm_release_req(s);
	return (STEP_GO);
}

static enum strm_step
move_request(struct strm *s)
{
	enum why why;

	/* (what was kept may have come from a generation with retry-on) */
	if (__builtin_expect((s->txn.be->retry_on & PX_RETRY_SENT) != 0 ||
	    s->kept != NULL, 0))
		return (move_kept(s));
	why = strm_pump(s, s->cli, s->srv);
	if (why == WHY_AGAIN)
		return (STEP_GO);
	if (why != WHY_OK)
		return (request_failed(s, why));
	request_went(s);
	/* A reused connection may turn out to be closed: keep the request
	 * until the server has said something. */
	if (!s->srv->reused)
		strm_release_req(s);
	return (STEP_GO);
}

static enum strm_step
move_response(struct strm *s)
{
	enum why why = strm_pump(s, s->srv, s->cli);

	if (why == WHY_AGAIN)
		return (STEP_GO);
	if (why != WHY_OK)
		return (strm_fail(s, why));
	s->res_done = true;
	if (s->tunnel && !s->cli_shut) {
		s->cli_shut = true;
		s->cli->ops->shut(s->cli);
	}
	return (STEP_GO);
}

/* No response can have begun: all that came was read, no head was taken, and
 * an event will say when there is more. Saves the preparing of a head. */
static bool
nothing_yet(const struct strm *s)
{
	const struct conn *c = s->srv->ops->conn(s->srv);

	return (!c->can_in && c->watched && !c->eof && s->srv->got == 0 &&
	    s->cli->ops->unsent(s->cli) == 0);
}

enum strm_step
step_exchange(struct strm *s)
{
	enum strm_step step;

	if (s->cli->dead)
		return (strm_fail(s, WHY_CLI_ABORT));
	if (!s->tunnel && s->req_done && strm_client_left(s))
		return (strm_fail(s, WHY_CLI_ABORT));
	if (!s->req_done && (step = move_request(s)) != STEP_GO)
		return (step);
	if (s->tunnel) {
		if (__builtin_expect(s->inspect != STRM_INSPECT_NONE, 0) &&
		    (step = strm_inspect(s)) != STEP_GO)
			return (step);
	} else if (!s->res_head) {
		if (nothing_yet(s))
			return (STEP_WAIT);
		if ((step = strm_response(s)) != STEP_GO)
			return (step);
		if (s->tunnel)                  /* its bytes may be here */
			return (STEP_GO);
	}
	if (!s->res_done && (step = move_response(s)) != STEP_GO)
		return (step);
	/* A response that was faster than its request does not stop it. */
	if (s->res_done && s->req_done)
		return (strm_finish(s));
	return (STEP_WAIT);
}

/* ---- deadlines ---- */

static int64_t
after(int64_t from_ms, int ms)
{
	return (ms == 0 ? CLOCK_NEVER : from_ms + ms);
}

static const struct px_timeouts *
back_timeouts(const struct strm *s)
{
	return ((s->txn.be != NULL ? s->txn.be : s->txn.fe)->timeout);
}

/* option independent-streams: what was sent to a side is no sign of it. */
static bool
listens_only(const struct strm *s, const struct px *px, bool over)
{
	return (__builtin_expect(s->indep, 0) && !over &&
	    px_opt(px, PX_OPT_INDEPENDENT_STREAMS));
}

/* After its end a side has nothing left to say: what it is waited for is that
 * it takes what there is (configuration manual 4.2, timeout client). */
static bool
rests(struct mux_end *e, bool over)
{
	return (over && e->ops->unsent(e) == 0 &&
	    e->ops->conn(e)->can_out);
}

static int64_t
client_due(const struct strm *s)
{
	const struct px_timeouts *t = s->txn.fe->timeout;
	int client = txn_timeout(&s->txn, TXN_TIMEOUT_CLIENT, t->client);
	int64_t seen_ms;
	int tunnel;

	if (s->phase == STRM_SERVE)
		return (after(s->cli_seen_ms, t->client));
	if (s->phase != STRM_EXCHANGE)
		return (s->looks ? after(s->cli_seen_ms, client) : CLOCK_NEVER);
	seen_ms = listens_only(s, s->txn.fe, s->req_done) ? s->cli_read_ms :
	    s->cli_seen_ms;
	if (s->tunnel) {
		if (rests(s->cli, s->req_done))
			return (CLOCK_NEVER);
		if ((s->req_done || s->cli_shut) && t->client_fin != 0)
			return (after(seen_ms, t->client_fin));
		tunnel = txn_timeout(&s->txn, TXN_TIMEOUT_TUNNEL,
		    back_timeouts(s)->tunnel);
		return (after(seen_ms, tunnel != 0 ? tunnel : client));
	}
	if (!s->req_done || s->cli->ops->unsent(s->cli) > 0 ||
	    !s->cli->ops->conn(s->cli)->can_out)
		return (after(seen_ms, client));
	return (CLOCK_NEVER);
}

static int64_t
server_due(const struct strm *s)
{
	const struct px_timeouts *t = back_timeouts(s);
	int server = txn_timeout(&s->txn, TXN_TIMEOUT_SERVER, t->server);
	int tunnel = txn_timeout(&s->txn, TXN_TIMEOUT_TUNNEL, t->tunnel);
	int64_t seen_ms;
	bool listens;

	if (s->phase == STRM_CONNECT)
		return (s->wait_until_ms);
	if (s->phase != STRM_EXCHANGE)
		return (CLOCK_NEVER);
	listens = listens_only(s, s->txn.be, s->res_done);
	seen_ms = listens ? s->srv_read_ms : s->srv_seen_ms;
	if (s->tunnel) {
		if (rests(s->srv, s->res_done))
			return (CLOCK_NEVER);
		if ((s->res_done || s->srv_shut) && t->server_fin != 0)
			return (after(seen_ms, t->server_fin));
		return (after(seen_ms, tunnel != 0 ? tunnel : server));
	}
	if (s->req_done || listens || !s->srv->ops->conn(s->srv)->can_out)
		return (after(seen_ms, server));
	return (CLOCK_NEVER);
}

void
strm_deadlines(struct strm *s)
{
	if (s->cli != NULL)
		s->cli->ops->deadline(s->cli, client_due(s));
	if (s->srv != NULL)
		s->srv->ops->deadline(s->srv, server_due(s));
}

bool
strm_overdue(struct strm *s, struct mux_end *e)
{
	int64_t due = e->client ? client_due(s) : server_due(s);

	if (the_loop->now_ms < due)
		return (false);
	if (s->phase == STRM_CONNECT) {
		strm_run(s);
		return (true);
	}
	if (s->looks && s->phase != STRM_EXCHANGE) {
		(void)strm_look_over(s);
		return (true);
	}
	if (s->res_waits && s->rules.by != NULL) {
		rule_note(&s->txn, s->rules.by);
		s->txn.t.response = 0;
	}
	if (!e->client && !s->res_head && is_http(s))
		strm_observe(s, SRV_SEEN_SILENT);
	if (!e->client && is_http(s) && strm_may_again(s, PX_RETRY_TIMEOUT)) {
		(void)strm_again(s, WHY_SRV_TIMEOUT);
		strm_run(s);
		return (true);
	}
	(void)strm_fail(s, e->client ? WHY_CLI_TIMEOUT : WHY_SRV_TIMEOUT);
	return (true);
}
