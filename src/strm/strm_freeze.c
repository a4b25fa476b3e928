/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_freeze - a stream of mode tcp goes to a worker of the next generation:
 * both ends, what is on its way between them, and what its log line needs.
 *
 * Objects go by name. Times are CLOCK_MONOTONIC of the same host, so they
 * stay as they are.
 */
#include "strm_int.h"

#include <base/must.h>
#include <wire/wire.h>

#define STRM_LAYOUT 1

enum {                                  /* tags; never reused */
	TAG_FE = 1, TAG_LISTEN = 2, TAG_BE = 3, TAG_SRV = 4, TAG_STATE = 5,
	TAG_PROTO = 6, TAG_CLI = 7, TAG_SERVER = 8, TAG_UNIQ_ID = 9
};

/* What crosses of the stream itself. */
struct frozen {
	struct txn_times t;
	uint64_t cli_got, cli_put, srv_got, srv_put;
	int64_t cli_seen_ms, srv_seen_ms;
	uint32_t up_held, down_held;
	uint32_t req_no;
	uint16_t retries;
	uint8_t req_done, res_done, cli_shut, srv_shut, redispatched;
	int8_t log_level;
};

static const struct wire_field fields[] = {
	WIRE(1,  RAW,  WIRE_REQUIRED, struct frozen, t),
	WIRE(2,  U64,  WIRE_REQUIRED, struct frozen, cli_got),
	WIRE(3,  U64,  WIRE_REQUIRED, struct frozen, cli_put),
	WIRE(4,  U64,  WIRE_REQUIRED, struct frozen, srv_got),
	WIRE(5,  U64,  WIRE_REQUIRED, struct frozen, srv_put),
	WIRE(6,  I64,  WIRE_REQUIRED, struct frozen, cli_seen_ms),
	WIRE(7,  I64,  WIRE_REQUIRED, struct frozen, srv_seen_ms),
	WIRE(8,  U32,  WIRE_REQUIRED, struct frozen, up_held),
	WIRE(9,  U32,  WIRE_REQUIRED, struct frozen, down_held),
	WIRE(10, U32,  WIRE_OPTIONAL, struct frozen, req_no),
	WIRE(11, U16,  WIRE_OPTIONAL, struct frozen, retries),
	WIRE(12, U8,   WIRE_REQUIRED, struct frozen, req_done),
	WIRE(13, U8,   WIRE_REQUIRED, struct frozen, res_done),
	WIRE(14, U8,   WIRE_REQUIRED, struct frozen, cli_shut),
	WIRE(15, U8,   WIRE_REQUIRED, struct frozen, srv_shut),
	WIRE(16, U8,   WIRE_OPTIONAL, struct frozen, redispatched),
	WIRE(17, U8,   WIRE_OPTIONAL, struct frozen, log_level),
	WIRE_END
};

/* ---- the old worker ---- */

static enum hand_when
can_go(void *conn)
{
	struct strm *s = OBJ(conn, struct strm, STRM_MAGIC);

	if (s->cli->ops->freeze == NULL)
		return (HAND_NEVER);
	if (s->phase != STRM_EXCHANGE || !s->cli->ops->can_freeze(s->cli) ||
	    !s->srv->ops->can_freeze(s->srv))
		return (HAND_SOON);
	return (HAND_NOW);
}

static void
write_state(const struct strm *s, struct wire_out *out)
{
	const struct txn *t = &s->txn;
	struct frozen f = {
		.t = t->t,
		.cli_got = s->cli->got, .cli_put = s->cli->put,
		.srv_got = s->srv->got, .srv_put = s->srv->put,
		.cli_seen_ms = s->cli_seen_ms, .srv_seen_ms = s->srv_seen_ms,
		.up_held = s->up.held, .down_held = s->down.held,
		.req_no = t->req_no, .retries = t->retries,
		.req_done = s->req_done, .res_done = s->res_done,
		.cli_shut = s->cli_shut, .srv_shut = s->srv_shut,
		.redispatched = t->redispatched, .log_level = t->log_level,
	};
	size_t mark;

	wire_put_bytes(out, TAG_FE, WIRE_REQUIRED, span_str(t->fe->name));
	wire_put_bytes(out, TAG_LISTEN, WIRE_OPTIONAL,
	    span_str(t->listen->text));
	wire_put_bytes(out, TAG_BE, WIRE_REQUIRED, span_str(t->be->name));
	wire_put_bytes(out, TAG_SRV, WIRE_REQUIRED, span_str(t->srv->name));
	wire_put_bytes(out, TAG_PROTO, WIRE_REQUIRED,
	    span_str(s->cli->ops->name));
	if (t->uniq_id.n > 0)
		wire_put_bytes(out, TAG_UNIQ_ID, WIRE_OPTIONAL, t->uniq_id);
	mark = wire_begin(out, TAG_STATE, WIRE_REQUIRED);
	wire_put(out, fields, &f);
	wire_end(out, mark);
}

static bool
freeze(void *conn, struct wire_out *out, int *fds, size_t *n_fds)
{
	struct strm *s = OBJ(conn, struct strm, STRM_MAGIC);
	size_t mark, n = 0;

	write_state(s, out);
	tmr_stop(&the_loop->wheel, &s->tmr);
	mark = wire_begin(out, TAG_CLI, WIRE_REQUIRED);
	fds[n++] = s->cli->ops->freeze(s->cli, out);
	wire_end(out, mark);
	mark = wire_begin(out, TAG_SERVER, WIRE_REQUIRED);
	fds[n++] = s->srv->ops->freeze(s->srv, out);
	wire_end(out, mark);
	if (s->up.held > 0) {
		fds[n++] = s->up.rd;
		fds[n++] = s->up.wr;
	}
	if (s->down.held > 0) {
		fds[n++] = s->down.rd;
		fds[n++] = s->down.wr;
	}
	*n_fds = n;
	if (!out->over)
		return (true);
	s->cli->ops->back(s->cli);
	s->srv->ops->back(s->srv);
	return (false);
}

static void
gone(void *conn)
{
	struct strm *s = OBJ(conn, struct strm, STRM_MAGIC);
	struct mux_end *cli = s->cli, *srv = s->srv;

	s->cli = s->srv = NULL;
	strm_free(s);
	cli->ops->gone(cli);
	srv->ops->gone(srv);
}

static void
back(void *conn)
{
	struct strm *s = OBJ(conn, struct strm, STRM_MAGIC);

	s->cli->ops->back(s->cli);
	s->srv->ops->back(s->srv);
	strm_run(s);
}

/* ---- the new worker ---- */

struct names {
	struct span fe, listen, be, srv, proto, uniq_id;
	struct wire_in state, cli, server;
};

static bool
read_names(struct wire_in *in, struct names *n)
{
	*n = (struct names){ 0 };
	(void)wire_find(in, TAG_LISTEN, &n->listen);
	(void)wire_find(in, TAG_UNIQ_ID, &n->uniq_id);
	return (wire_find(in, TAG_FE, &n->fe) &&
	    wire_find(in, TAG_BE, &n->be) &&
	    wire_find(in, TAG_SRV, &n->srv) &&
	    wire_find(in, TAG_PROTO, &n->proto) &&
	    wire_find_in(in, TAG_STATE, &n->state) &&
	    wire_find_in(in, TAG_CLI, &n->cli) &&
	    wire_find_in(in, TAG_SERVER, &n->server));
}

static const struct px_listen *
find_listen(const struct px *fe, struct span text)
{
	for (const struct px_listen *l = fe->listens; l != NULL; l = l->next)
		if (span_is(text, l->text))
			return (l);
	return (fe->listens);
}

/* Everything by its name; *why when the configuration lacks it now. */
static bool
resolve(struct txn *t, const struct names *n, const char **why)
{
	t->fe = px_find(px_model, n->fe, PX_FE);
	t->be = px_find(px_model, n->be, PX_BE);
	t->listen = t->fe == NULL ? NULL : find_listen(t->fe, n->listen);
	t->srv = t->be == NULL ? NULL : px_server_find(t->be, n->srv);
	if (t->fe == NULL)
		*why = "its frontend is gone";
	else if (t->listen == NULL)
		*why = "its frontend does not listen any more";
	else if (t->be == NULL)
		*why = "its backend is gone";
	else if (t->srv == NULL)
		*why = "its server is gone";
	else if (t->fe->mode != PX_TCP || t->be->mode != PX_TCP)
		*why = "its proxy has another mode now";
	else
		return (true);
	return (false);
}

static void
restore(struct strm *s, const struct frozen *f)
{
	struct txn *t = &s->txn;

	t->t = f->t;
	t->req_no = f->req_no;
	t->retries = f->retries;
	t->redispatched = f->redispatched != 0;
	t->log_level = f->log_level;
	t->stage = TXN_RES;
	s->tunnel = true;
	s->phase = STRM_EXCHANGE;
	s->req_done = f->req_done != 0;
	s->res_done = f->res_done != 0;
	s->cli_shut = f->cli_shut != 0;
	s->srv_shut = f->srv_shut != 0;
	s->entered = true;
	s->cli_seen_ms = f->cli_seen_ms;
	s->srv_seen_ms = f->srv_seen_ms;
	s->cli->got = f->cli_got;
	s->cli->put = f->cli_put;
	s->srv->got = f->srv_got;
	s->srv->put = f->srv_put;
}

static bool
take_pipe(struct strm_pipe *p, uint32_t held, const int *fds, size_t n_fds,
    size_t *at)
{
	if (held == 0)
		return (true);
	if (*at + 2 > n_fds)
		return (false);
	p->rd = fds[(*at)++];
	p->wr = fds[(*at)++];
	p->held = held;
	return (true);
}

static bool
thaw_ends(struct strm *s, struct names *n, const int *fds, const char **why)
{
	const struct mux_proto *proto = mux_proto_named(n->proto);
	struct srv *srv = srv_of(s->txn.srv);

	if (proto == NULL || proto->thaw == NULL) {
		*why = "its protocol is not known here";
		return (false);
	}
	s->cli = proto->thaw(&n->cli, fds[0], s->txn.listen, NULL, s, why);
	if (s->cli == NULL)
		return (false);
	s->srv = proto->thaw(&n->server, fds[1], NULL, srv, s, why);
	if (s->srv != NULL)
		return (true);
	(void)conn_detach(s->cli->ops->conn(s->cli));   /* the caller's */
	s->cli->ops->gone(s->cli);
	s->cli = NULL;
	return (false);
}

static void *
thaw(struct wire_in *in, const int *fds, size_t n_fds, const char **why)
{
	struct frozen f = { .log_level = -1 };
	struct strm *s = strm_new();
	struct names names;
	size_t at = 2;

	*why = "the record is malformed";
	if (s == NULL || n_fds < 2 || !read_names(in, &names) ||
	    !wire_get(&names.state, fields, &f, NULL) ||
	    n_fds != 2 + (f.up_held > 0 ? 2u : 0u) +
	    (f.down_held > 0 ? 2u : 0u) ||
	    !resolve(&s->txn, &names, why) ||
	    !thaw_ends(s, &names, fds, why)) {
		if (s != NULL)
			strm_free(s);
		return (NULL);
	}
	(void)take_pipe(&s->up, f.up_held, fds, n_fds, &at);
	(void)take_pipe(&s->down, f.down_held, fds, n_fds, &at);
	restore(s, &f);
	if (names.uniq_id.n > 0)
		s->txn.uniq_id = arena_span(&s->arena, names.uniq_id);
	srv_adopt(srv_of(s->txn.srv), &s->slot);
	s->slot.kill = strm_kill_slot;
	strm_may_travel(s);
	strm_run(s);
	return (s);
}

HAND_KIND(strm_tcp) = {
	.name = "tcp",
	.layout = STRM_LAYOUT,
	.can = can_go,
	.freeze = freeze,
	.gone = gone,
	.back = back,
	.thaw = thaw,
};

void
strm_may_travel(struct strm *s)
{
	hand_enter(&s->hand, HAND_KIND_OF(strm_tcp), s);
}
