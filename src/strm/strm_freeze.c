/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_freeze - a stream goes to a worker of the next generation along with
 * its client: the server end or the place in a queue, the request as long as
 * it may be needed, what is on its way, and what the log line will say.
 *
 * Objects go by name. Times are CLOCK_MONOTONIC of the same host, so they
 * stay as they are.
 */
#include "strm_int.h"

#include <base/must.h>
#include <expr/vars.h>
#include <filt/filt.h>
#include <hand/hand.h>
#include <stk/stk.h>
#include <wire/wire.h>

#include "strm_freeze.h"

enum {                                  /* tags; never reused */
	TAG_STATE = 1, TAG_TXN = 2, TAG_TIMES = 3, TAG_BE = 4, TAG_SRV = 5,
	TAG_REQUEST = 6, TAG_REPLY = 7, TAG_PROTO = 8, TAG_SERVER = 9,
	TAG_AVOID = 10, TAG_CAP_REQ = 11, TAG_CAP_RES = 12, TAG_VARS = 13,
	TAG_TRACKED = 14, TAG_STICK = 15, TAG_FILTERS = 32, TAG_KEPT = 36
};
#define ENTITY_MAX 512                  /* of the name of a file, cut there */
#define TAG_CAPTURE 1                   /* inside TAG_CAP_*: one value */
#define TAG_NO_CAPTURE 2                /* the header was not there */

/* ---- the old worker ---- */

static struct strm *
of_client(const struct mux_end *cli)
{
	return (OBJ(cli->strm, struct strm, STRM_MAGIC));
}

static const char *
what(const struct mux_end *cli)
{
	const struct strm *s = of_client(cli);

	if (s->phase == STRM_QUEUE)
		return ("queued");
	if (s->phase == STRM_TARPIT)
		return ("tarpit");
	if (s->tunnel)
		return (is_http(s) ? "tunnel" : "tcp");
	return ("http-exchange");
}

static enum hand_when
can_freeze(struct mux_end *cli, const char **why)
{
	const struct strm *s = of_client(cli);

	switch ((enum strm_phase)s->phase) {
	case STRM_QUEUE:
	case STRM_TARPIT:
	case STRM_BACKOFF:
		return (HAND_NOW);
	case STRM_CONNECT:
	case STRM_EXCHANGE:
		if (s->res_waits) {
			*why = "it waits for a body";
			return (HAND_SOON);
		}
		if (s->inspect == STRM_INSPECT_NONE)
			break;
		*why = "a rule waits for the response";
		return (HAND_SOON);
	case STRM_SERVE:
		*why = "an answer of our own is on its way";
		return (HAND_SOON);
	default:
		*why = s->awaits_head ? "its request is not here yet" :
		    s->buffering ? "it waits for a body" :
		    "a rule waits for something";
		return (HAND_SOON);
	}
	if (s->srv->ops->freeze == NULL) {
		*why = "its server's protocol cannot be handed over yet";
		return (HAND_NEVER);
	}
	if (s->srv->ops->may_cross(s->srv, why))
		return (HAND_NOW);
	/* An exchange will be over; its client can go then. */
	return (s->tunnel && s->srv->ops->conn(s->srv)->xprt->put == NULL ?
	    HAND_NEVER : HAND_SOON);
}

static void
put_captures(struct wire_out *out, unsigned tag, const struct txn_capture *c)
{
	size_t mark;

	if (c->n == 0)
		return;
	mark = wire_begin(out, tag, WIRE_OPTIONAL);
	for (unsigned i = 0; i < c->n; i++)
		wire_put_bytes(out, c->v[i].p == NULL ? TAG_NO_CAPTURE :
		    TAG_CAPTURE, WIRE_REQUIRED, c->v[i]);
	wire_end(out, mark);
}

static void
put_state(const struct strm *s, struct wire_out *out)
{
	char name[ENTITY_MAX];
	struct txn txn = s->txn;
	const struct frozen f = {
		.phase = s->phase, .conn_mode = s->conn_mode,
		.tunnel = s->tunnel, .req_sent = s->req_sent,
		.req_done = s->req_done, .res_head = s->res_head,
		.res_done = s->res_done, .cli_shut = s->cli_shut,
		.srv_shut = s->srv_shut, .logged = s->logged,
		.monitor = s->monitor, .fresh_only = s->fresh_only,
		.tries = s->tries, .reply_status = s->rules.status,
		.cli_seen_ms = s->cli_seen_ms, .srv_seen_ms = s->srv_seen_ms,
		.wait_until_ms = s->wait_until_ms,
		.up_held = s->up.held, .down_held = s->down.held,
		.queued = s->slot.state == SRV_SLOT_QUEUED,
		.place = s->slot.state == SRV_SLOT_QUEUED ?
		    srv_queue_place(&s->slot) : 0,
		.counted_in = s->counted_in, .counted_out = s->counted_out,
		.calls = s->prof.calls, .cpu_ns = s->prof.cpu_ns,
		.lat_ns = s->prof.lat_ns,
		.cli_read_ms = s->cli_read_ms, .srv_read_ms = s->srv_read_ms,
	};
	size_t mark = wire_begin(out, TAG_STATE, WIRE_REQUIRED);

	wire_put(out, strm_frozen_fields, &f);
	wire_end(out, mark);
	mark = wire_begin(out, TAG_TXN, WIRE_REQUIRED);
	txn.entity = strm_entity(&s->txn, name, sizeof name);
	wire_put(out, strm_txn_fields, &txn);
	wire_end(out, mark);
	mark = wire_begin(out, TAG_TIMES, WIRE_REQUIRED);
	wire_put(out, strm_times_fields, &s->txn.t);
	wire_end(out, mark);
	put_captures(out, TAG_CAP_REQ, &s->txn.cap_req);
	put_captures(out, TAG_CAP_RES, &s->txn.cap_res);
	stk_track_put(out, TAG_TRACKED, s->txn.stk);
	stk_notes_put(out, TAG_STICK, &s->txn);
	filt_put(out, TAG_FILTERS, &s->txn);
	if (s->txn.vars == NULL)
		return;
	mark = wire_begin(out, TAG_VARS, WIRE_OPTIONAL);
	expr_vars_put(out, s->txn.vars);
	wire_end(out, mark);
}

static void
put_names(const struct strm *s, struct wire_out *out)
{
	const struct srv *srv = s->slot.srv;

	if (s->txn.be != NULL)
		wire_put_bytes(out, TAG_BE, WIRE_REQUIRED,
		    span_str(s->txn.be->name));
	if (srv != NULL)
		wire_put_bytes(out, TAG_SRV, WIRE_REQUIRED,
		    span_str(srv->cfg->name));
	if (s->avoid != NULL)
		wire_put_bytes(out, TAG_AVOID, WIRE_OPTIONAL,
		    span_str(s->avoid->cfg->name));
}

static void
put_messages(const struct strm *s, struct wire_out *out)
{
	size_t mark;

	if (s->txn.req != NULL) {
		mark = wire_begin(out, TAG_REQUEST, WIRE_REQUIRED);
		http_head_put(s->txn.req, out);
		wire_end(out, mark);
	}
	if (s->phase == STRM_TARPIT && s->rules.reply != NULL) {
		mark = wire_begin(out, TAG_REPLY, WIRE_REQUIRED);
		http_reply_put(s->rules.reply, out);
		wire_end(out, mark);
	}
	if (s->kept != NULL) {
		mark = wire_begin(out, TAG_KEPT, WIRE_OPTIONAL);
		wire_put(out, strm_kept_fields, s->kept);
		wire_end(out, mark);
	}
}

static void
put_pipe(const struct strm_pipe *p, int *fds, size_t *n)
{
	if (p->held == 0)
		return;
	fds[(*n)++] = p->rd;
	fds[(*n)++] = p->wr;
}

static bool
freeze(struct mux_end *cli, struct wire_out *out, int *fds, size_t *n_fds)
{
	struct strm *s = of_client(cli);
	size_t mark;

	MUST(!s->frozen && !s->running);
	put_state(s, out);
	put_names(s, out);
	put_messages(s, out);
	if (s->srv != NULL) {
		wire_put_bytes(out, TAG_PROTO, WIRE_REQUIRED,
		    span_str(s->srv->ops->name));
		mark = wire_begin(out, TAG_SERVER, WIRE_REQUIRED);
		fds[(*n_fds)++] = s->srv->ops->freeze(s->srv, out);
		wire_end(out, mark);
	}
	put_pipe(&s->up, fds, n_fds);
	put_pipe(&s->down, fds, n_fds);
	tmr_stop(&the_loop->wheel, &s->tmr);
	s->frozen = true;
	return (true);
}

/* Used for one that went over, and for one that came and may not stay. */
static void
gone(struct mux_end *cli)
{
	struct strm *s = of_client(cli);
	struct mux_end *srv = s->srv;

	s->cli = s->srv = NULL;
	cli->strm = NULL;
	strm_free(s);
	if (srv != NULL)
		srv->ops->gone(srv);
}

static void
back(struct mux_end *cli, bool stays)
{
	struct strm *s = of_client(cli);

	(void)stays;                    /* its client end knows */
	s->frozen = false;
	if (s->srv != NULL)
		s->srv->ops->back(s->srv);
	if (s->kill_why != WHY_OK) {    /* its server was told to end it */
		(void)strm_fail(s, (enum why)s->kill_why);
		return;
	}
	if (s->wait_until_ms != CLOCK_NEVER)
		tmr_arm(&the_loop->wheel, &s->tmr, s->wait_until_ms);
	strm_run(s);
}

/* ---- the new worker ---- */

static bool
find_backend(struct txn *t, struct wire_in *in, const char **why)
{
	struct span name;

	*why = "its record is damaged";
	if (!wire_find(in, TAG_BE, &name))
		return (false);
	*why = HAND_WHY_BACKEND;
	if ((t->be = px_find(px_model, name, PX_BE)) == NULL)
		return (false);
	*why = "its backend has another mode now";
	return ((t->be->mode == PX_HTTP) == t->is_http);
}

static const struct px_server *
find_server(const struct txn *t, struct wire_in *in, unsigned tag)
{
	struct span name;

	return (wire_find(in, tag, &name) ? px_server_find(t->be, name) :
	    NULL);
}

/* A place on its server, or in the queue. */
static bool
take_slot(struct strm *s, struct wire_in *in, const struct frozen *f,
    const char **why)
{
	const struct px_server *cfg = find_server(&s->txn, in, TAG_SRV);
	struct span name;

	if (cfg == NULL && (!f->queued || wire_find(in, TAG_SRV, &name))) {
		*why = HAND_WHY_SERVER;
		return (false);
	}
	strm_slot_begin(s);
	if (!f->queued) {
		s->txn.srv = cfg;
		srv_adopt(srv_of(cfg), &s->slot);
		return (true);
	}
	*why = "the queue is full here";
	return (srv_queue_join(be_of(s->txn.be), cfg == NULL ? NULL :
	    srv_of(cfg), f->place, &s->slot) == WHY_AGAIN);
}

static bool
take_pipe(struct strm_pipe *p, uint32_t held, const int *fds, size_t n_fds,
    size_t *at)
{
	if (held == 0)
		return (true);
	if (*at + 2 > n_fds)
		return (false);
	strm_pipe_adopt(p, fds[*at], fds[*at + 1], held);
	*at += 2;
	return (true);
}

static bool
thaw_server(struct strm *s, struct wire_in *in, const int *fds, size_t n_fds,
    size_t *used, const char **why)
{
	const struct mux_proto *proto;
	struct wire_in end;
	struct span name;

	if (!wire_find_in(in, TAG_SERVER, &end))
		return (s->phase != STRM_CONNECT && s->phase != STRM_EXCHANGE);
	if (!wire_find(in, TAG_PROTO, &name) || *used >= n_fds ||
	    s->slot.state != SRV_SLOT_HELD)
		return (false);
	proto = mux_proto_named(name);
	if (proto == NULL || proto->thaw == NULL) {
		*why = "its server's protocol is not known here";
		return (false);
	}
	s->srv = proto->thaw(&end, fds[*used], s->slot.srv, &s->txn, s, why);
	if (s->srv == NULL)
		return (false);
	(*used)++;
	return (true);
}

static bool
get_captures(struct txn *t, struct wire_in *in, unsigned tag,
    struct txn_capture *c)
{
	struct wire_in all;
	enum wire_need need;
	struct span s;
	unsigned kind, n = 0;

	if (!wire_find_in(in, tag, &all))
		return (true);
	while (wire_next(&all, &kind, &need, &s))
		n++;
	if (all.err != NULL ||
	    (c->v = arena_zget(t->arena, n * sizeof *c->v)) == NULL)
		return (false);
	all.left = all.all;
	while (c->n < n && wire_next(&all, &kind, &need, &s)) {
		if (kind == TAG_CAPTURE)
			c->v[c->n] = arena_span(t->arena, s);
		c->n++;
	}
	return (true);
}

/* What was read are slices of the record: they need memory of the stream. */
static bool
keep_spans(struct txn *t)
{
	struct span *const all[] = { &t->uri, &t->method_text, &t->uniq_id,
		&t->cap_cookie_req, &t->cap_cookie_res, &t->rule_file,
		&t->entity };

	for (size_t i = 0; i < NELEM(all); i++) {
		if (all[i]->n == 0)
			*all[i] = SPAN_NONE;
		else if ((*all[i] = arena_span(t->arena, *all[i])).p == NULL)
			return (false);
	}
	t->uri_kept = t->uri.p != NULL;
	return (true);
}

static bool
get_messages(struct strm *s, struct wire_in *in)
{
	struct http_reply *reply;
	struct wire_in msg;

	if (wire_find_in(in, TAG_REQUEST, &msg)) {
		if ((s->txn.req = http_head_new()) == NULL ||
		    !http_head_get(s->txn.req, &msg, &s->arena))
			return (false);
	}
	if (wire_find_in(in, TAG_REPLY, &msg)) {
		reply = arena_zget(&s->arena, sizeof *reply);
		if (reply == NULL || !http_reply_get(reply, &msg, &s->arena))
			return (false);
		s->rules.reply = reply;
	}
	return (true);
}

static bool
get_kept(struct strm *s, struct wire_in *in)
{
	struct wire_in kept;

	if (!wire_find_in(in, TAG_KEPT, &kept)) {
		s->in_body = s->phase == STRM_EXCHANGE;
		return (true);
	}
	s->kept = arena_zget(&s->arena, sizeof *s->kept);
	return (s->kept != NULL &&
	    wire_get(&kept, strm_kept_fields, s->kept, NULL) &&
	    s->kept->at <= s->kept->buf.len);
}

static bool
get_vars(struct strm *s, struct wire_in *in)
{
	struct wire_in values;

	return (!wire_find_in(in, TAG_VARS, &values) ||
	    expr_vars_get(&values, &s->arena, &s->txn.vars));
}

static void
restore(struct strm *s, const struct frozen *f)
{
	s->phase = f->phase;
	s->conn_mode = f->conn_mode;
	s->tunnel = f->tunnel;
	s->req_sent = f->req_sent;
	s->req_done = f->req_done;
	s->res_head = f->res_head;
	s->res_done = f->res_done;
	s->cli_shut = f->cli_shut;
	s->srv_shut = f->srv_shut;
	s->logged = f->logged;
	s->monitor = f->monitor;
	s->fresh_only = f->fresh_only;
	s->tries = f->tries;
	s->rules.status = f->reply_status;
	s->cli_seen_ms = f->cli_seen_ms;
	s->srv_seen_ms = f->srv_seen_ms;
	s->wait_until_ms = f->wait_until_ms;
	s->counted_in = f->counted_in;
	s->counted_out = f->counted_out;
	s->cli_read_ms = f->cli_read_ms;
	s->srv_read_ms = f->srv_read_ms;
	s->prof.calls = f->calls;
	s->prof.cpu_ns = f->cpu_ns;
	s->prof.lat_ns = f->lat_ns;
	s->entered = true;
	s->backend_rules = true;
	s->list = UINT8_MAX;            /* all of its rules have run */
}

static bool
is_possible(const struct frozen *f, const struct txn *t)
{
	switch (f->phase) {
	case STRM_TARPIT:
		return (t->is_http && !f->queued);
	case STRM_QUEUE:
		return (f->queued);
	case STRM_BACKOFF:
	case STRM_CONNECT:
	case STRM_EXCHANGE:
		return (!f->queued && t->stage <= TXN_LOG &&
		    (t->is_http || f->tunnel));
	default:
		return (false);
	}
}

static bool
get_state(struct strm *s, struct wire_in *in, struct frozen *f)
{
	struct wire_in state, txn, times;
	struct txn *t = &s->txn;

	if (!wire_find_in(in, TAG_STATE, &state) ||
	    !wire_find_in(in, TAG_TXN, &txn) ||
	    !wire_find_in(in, TAG_TIMES, &times) ||
	    !wire_get(&state, strm_frozen_fields, f, NULL) ||
	    !wire_get(&txn, strm_txn_fields, t, NULL) ||
	    !wire_get(&times, strm_times_fields, &t->t, NULL) ||
	    !keep_spans(t) || !is_possible(f, t) ||
	    t->is_http != s->cli->ops->http)
		return (false);
	restore(s, f);
	txn_touch(t);
	return (get_messages(s, in) && get_kept(s, in) && get_vars(s, in) &&
	    stk_track_get(in, TAG_TRACKED, &s->arena, &t->stk) &&
	    stk_notes_get(in, TAG_STICK, t) &&
	    filt_get(in, TAG_FILTERS, t) &&
	    get_captures(t, in, TAG_CAP_REQ, &t->cap_req) &&
	    get_captures(t, in, TAG_CAP_RES, &t->cap_res));
}

static bool
needs_request(const struct strm *s)
{
	return (is_http(s) && s->txn.req == NULL &&
	    (s->phase == STRM_QUEUE || s->phase == STRM_BACKOFF ||
	    (s->phase == STRM_CONNECT && s->srv == NULL)));
}

static bool
build(struct strm *s, struct wire_in *in, const int *fds, size_t n_fds,
    size_t *used, const char **why)
{
	struct frozen f = { .phase = STRM_PHASE_N };
	const struct px_server *avoid;

	*why = "its record is damaged";
	if (!get_state(s, in, &f))
		return (false);
	if (s->phase == STRM_TARPIT && !wire_find_in(in, TAG_BE,
	    &(struct wire_in){ 0 }))
		return (true);          /* by a rule of the frontend */
	if (!find_backend(&s->txn, in, why))
		return (false);
	if (s->phase == STRM_TARPIT)
		return (true);
	if (!take_slot(s, in, &f, why))
		return (false);
	*why = "its record is damaged";
	if ((avoid = find_server(&s->txn, in, TAG_AVOID)) != NULL)
		s->avoid = srv_of(avoid);
	return (thaw_server(s, in, fds, n_fds, used, why) &&
	    !needs_request(s) &&
	    take_pipe(&s->up, f.up_held, fds, n_fds, used) &&
	    take_pipe(&s->down, f.down_held, fds, n_fds, used));
}

static bool
thaw(struct mux_end *cli, const struct px_listen *listen, struct wire_in *in,
    const int *fds, size_t n_fds, size_t *used, const char **why)
{
	struct strm *s = strm_new();

	*used = 0;
	*why = "out of memory";
	if (s == NULL)
		return (false);
	strm_attach(s, cli);
	cli->strm = s;
	s->txn.listen = listen;
	s->txn.fe = listen->bind->px;
	if (build(s, in, fds, n_fds, used, why)) {
		if (s->wait_until_ms != CLOCK_NEVER)
			tmr_arm(&the_loop->wheel, &s->tmr, s->wait_until_ms);
		return (true);
	}
	strm_pipe_disown(&s->up);
	strm_pipe_disown(&s->down);
	if (s->srv != NULL)
		(void)conn_detach(s->srv->ops->conn(s->srv));
	gone(cli);
	return (false);
}

static int64_t
last_seen(const struct strm *s)
{
	return (s->cli_seen_ms > s->srv_seen_ms ? s->cli_seen_ms :
	    s->srv_seen_ms);
}

bool
strm_moved_here(struct strm *s)
{
	s->thawed = last_seen(s) == s->thawed_seen_ms;
	return (!s->thawed);
}

/* The new configuration says whether sides are looked at by themselves; if
 * they were before, what was read when is known. */
static void
note_independent(struct strm *s)
{
	int64_t cli_ms = s->cli_read_ms, srv_ms = s->srv_read_ms;

	strm_note_independent(s);
	if (s->indep && cli_ms != 0) {
		s->cli_read_ms = cli_ms;
		s->srv_read_ms = srv_ms;
	}
}

static void
start(struct mux_end *cli)
{
	struct strm *s = of_client(cli);

	s->thawed = true;
	s->thawed_seen_ms = last_seen(s);
	if (s->phase == STRM_EXCHANGE)
		note_independent(s);
	strm_run(s);
}

void
strm_freeze_ops(struct mux_stream_ops *ops)
{
	ops->what = what;
	ops->can_freeze = can_freeze;
	ops->freeze = freeze;
	ops->gone = gone;
	ops->back = back;
	ops->thaw = thaw;
	ops->start = start;
}
