/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_cli - "show sess", "shutdown session": the streams of all workers, a
 * page at a time, so that neither the worker nor the reader's answer grows
 * with their number.
 *
 * A stream is named by a number that looks like a pointer: the process and
 * the stream's own number in it. It never names another one later.
 *
 * Source: management manual 9.3: show sess, shutdown session.
 */
#include "strm_int.h"

#include <agent/agent.h>
#include <base/num.h>
#include <base/text.h>
#include <cli/cli.h>
#include <os/loop.h>

#include <stdio.h>
#include <unistd.h>

#define ASK_MS   1000
#define PAGE     100            /* streams of a worker per question */
#define PIECE    65536          /* bytes of an answer's piece, about */
#define LEFT_BYTES 24           /* of a time in words */

enum form { LINE, WHOLE };

struct question {
	uint8_t form;                   /* enum form */
	bool kill;                      /* end the stream `want` */
	uint64_t want;                  /* 0: all */
	int64_t before_us;              /* only those accepted before */
	struct {
		int32_t pid;
		uint32_t id;            /* streams up to this were shown */
	} after[PX_WORKERS_MAX];
	uint32_t n;
};

struct page_end {                       /* last piece of a worker's answer */
	uint32_t last;                  /* its last stream's number */
	bool more;
	bool found;
};

/* ---- in a worker ---- */

static uint64_t
name_of(const struct strm *s)
{
	return ((uint64_t)getpid() << 32 | s->id);
}

/* "10s", "3m5s", "2h", "4d3h": two units at most; nothing for no limit. */
static const char *
left_text(int64_t ms, char dst[LEFT_BYTES])
{
	static const struct { int64_t s; char unit, less; } t[] = {
		{ 86400, 'd', 'h' }, { 3600, 'h', 'm' }, { 60, 'm', 's' }, };
	static const int64_t less_s[] = { 3600, 60, 1 };
	int64_t s = ms / 1000;

	if (ms == CLOCK_NEVER) {
		dst[0] = '\0';
		return (dst);
	}
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		int whole = (int)(s / t[i].s);
		int rest = (int)(s % t[i].s / less_s[i]);

		if (whole <= 0)
			continue;
		if (rest == 0)
			snprintf(dst, LEFT_BYTES, "%d%c", whole, t[i].unit);
		else
			snprintf(dst, LEFT_BYTES, "%d%c%d%c", whole, t[i].unit, rest,
			    t[i].less);
		return (dst);
	}
	snprintf(dst, LEFT_BYTES, "%ds", s < 0 ? 0 : (int)s);
	return (dst);
}

static int64_t
left_of(int64_t seen_ms, int timeout_ms)
{
	return (timeout_ms == 0 ? CLOCK_NEVER :
	    seen_ms + timeout_ms - the_loop->now_ms);
}

static int64_t
cli_left(const struct strm *s)
{
	return (left_of(s->cli_seen_ms, s->txn.fe->timeout->client));
}

static int64_t
srv_left(const struct strm *s)
{
	return (s->srv == NULL || s->txn.be == NULL ? CLOCK_NEVER :
	    left_of(s->srv_seen_ms, s->txn.be->timeout->server));
}

static const char *
proto_of(const struct addr *a)
{
	return (a->family == ADDR_V4 ? "tcpv4" :
	    a->family == ADDR_V6 ? "tcpv6" : "unix_stream");
}

static void
put_addr(struct text *out, const struct strm *s, const struct addr *a)
{
	char ip[ADDR_TEXT];

	if (a->family == ADDR_V4 || a->family == ADDR_V6) {
		addr_print_port(a, ip);
		text_addz(out, ip);
	} else {
		text_printf(out, "unix:%u", s->txn.listen == NULL ? 0 :
		    s->txn.listen->luid);
	}
}

static int
fd_of(const struct mux_end *e)
{
	return (e == NULL ? -1 :
	    e->ops->conn((struct mux_end *)(uintptr_t)e)->fd);
}

static size_t
unsent_to(struct mux_end *e)
{
	return (e == NULL ? 0 : e->ops->unsent(e));
}

static void
put_line(struct text *out, struct strm *s)
{
	const struct txn *t = &s->txn;
	int64_t now = the_loop->now_us, cli = cli_left(s), srv = srv_left(s);
	char a[LEFT_BYTES], b[LEFT_BYTES], c[LEFT_BYTES];

	text_printf(out, "0x%llx: proto=%s src=",
	    (unsigned long long)name_of(s), proto_of(txn_addr(&s->txn,
	    TXN_SRC)));
	put_addr(out, s, txn_addr(&s->txn, TXN_SRC));
	text_printf(out, " fe=%s be=%s srv=%s ts=%02x epoch=0 age=%llds "
	    "calls=0 rate=0 cpu=0 lat=0 ", t->fe->name,
	    t->be == NULL ? "<NONE>" : t->be->name,
	    t->srv == NULL ? "<none>" : t->srv->name, s->phase,
	    (long long)((now - t->t.accept) / 1000000));
	text_printf(out, "rq[f=%02xh,i=%zu,an=00h,rx=%s,wx=,ax=] ",
	    s->req_done | s->cli_shut << 1, unsent_to(s->srv),
	    left_text(cli, a));
	text_printf(out, "rp[f=%02xh,i=%zu,an=00h,rx=%s,wx=,ax=] ",
	    s->res_done | s->srv_shut << 1, unsent_to(s->cli),
	    left_text(srv, b));
	text_printf(out, "scf=[%d,0h,fd=%d] scb=[%d,0h,fd=%d] exp=%s rc=%u "
	    "c_exp=\n", s->cli != NULL, fd_of(s->cli), s->srv != NULL,
	    fd_of(s->srv), left_text(cli < srv ? cli : srv, c), s->tries);
}

static void
put_proxy(struct text *out, const char *kind, const struct px *px)
{
	if (px == NULL)
		text_printf(out, "  %s=<NONE> (id=-1 mode=-)", kind);
	else
		text_printf(out, "  %s=%s (id=%u mode=%s)", kind, px->name,
		    px->id, px->mode == PX_HTTP ? "http" : "tcp");
}

static void
put_server(struct text *out, struct strm *s)
{
	const struct px_server *sv = s->txn.srv;

	put_proxy(out, "backend", s->txn.be);
	if (s->srv != NULL) {
		text_addz(out, " addr=");
		put_addr(out, s, txn_addr(&s->txn, TXN_BSRC));
	}
	if (sv == NULL) {
		text_addz(out, "\n  server=<NONE> (id=-1)\n");
		return;
	}
	text_printf(out, "\n  server=%s (id=%u)", sv->name, sv->id);
	if (s->srv != NULL) {
		text_addz(out, " addr=");
		put_addr(out, s, txn_addr(&s->txn, TXN_BDST));
	}
	text_addc(out, '\n');
}

static void
put_side(struct text *out, const char *name, const struct mux_end *e,
    int64_t left)
{
	char t[LEFT_BYTES];

	if (e == NULL) {
		text_printf(out, "  %s=(nil)\n", name);
		return;
	}
	text_printf(out, "  %s=%s fd=%d connected=%d reused=%d eof=%d dead=%d "
	    "got=%llu put=%llu exp=%s\n", name, e->ops->name, fd_of(e),
	    e->client || e->connected, e->reused, e->eof, e->dead,
	    (unsigned long long)e->got, (unsigned long long)e->put,
	    left == CLOCK_NEVER ? "<NEVER>" : left_text(left, t));
}

static void
put_whole(struct text *out, struct strm *s)
{
	static const char *const phases[] = {
#define PHASE(no, name, letter, fn) [no] = #name,
		STRM_PHASES(PHASE)
#undef PHASE
	};
	const struct txn *t = &s->txn;
	const struct px_listen *l = t->listen;

	text_printf(out, "0x%llx: ", (unsigned long long)name_of(s));
	cli_put_date(out, t->t.accept_wall, 6);
	text_printf(out, " id=%u proto=%s source=", s->id,
	    proto_of(txn_addr(&s->txn, TXN_SRC)));
	put_addr(out, s, txn_addr(&s->txn, TXN_SRC));
	text_printf(out, "\n  phase=%s, pid=%d, conn_retries=%u, tries=%u, "
	    "slot=%u\n", phases[s->phase], (int)getpid(), t->retries,
	    s->tries, s->slot.state);
	put_proxy(out, "frontend", t->fe);
	text_printf(out, ", listener=%s (id=%u) addr=", l == NULL ||
	    l->bind->name == NULL ? "?" : l->bind->name,
	    l == NULL ? 0 : l->luid);
	put_addr(out, s, txn_addr(&s->txn, TXN_DST));
	text_addc(out, '\n');
	put_server(out, s);
	put_side(out, "client", s->cli, cli_left(s));
	put_side(out, "server", s->srv, srv_left(s));
	text_printf(out, "  age=%llds req_sent=%d req_done=%d res_head=%d "
	    "res_done=%d tunnel=%d bytes_in=%llu bytes_out=%llu\n",
	    (long long)((the_loop->now_us - t->t.accept) / 1000000),
	    s->req_sent, s->req_done, s->res_head, s->res_done, s->tunnel,
	    (unsigned long long)t->bytes_in, (unsigned long long)t->bytes_out);
}

static uint32_t
after_of(const struct question *q)
{
	for (uint32_t i = 0; i < q->n && i < PX_WORKERS_MAX; i++)
		if (q->after[i].pid == (int32_t)getpid())
			return (q->after[i].id);
	return (0);
}

static struct strm *
find_strm(uint64_t name)
{
	LIST_EACH(it, &strm_all) {
		struct strm *s = LIST_ITEM(it, struct strm, node);

		if (name_of(s) == name)
			return (s);
	}
	return (NULL);
}

static void
one_stream(struct agent_answer *a, const struct question *q,
    struct text *out, struct page_end *end)
{
	struct strm *s = find_strm(q->want);

	if (s == NULL || s->frozen)
		return;
	end->found = true;
	if (!q->kill) {
		put_whole(out, s);
		agent_answer(a, out->p, out->n);
		return;
	}
	(void)strm_fail(s, WHY_KILLED);
}

static void
one_page(struct agent_answer *a, const struct question *q,
    struct text *out, struct page_end *end)
{
	uint32_t after = after_of(q), n = 0;

	LIST_EACH(it, &strm_all) {
		struct strm *s = LIST_ITEM(it, struct strm, node);

		if (s->id <= after || s->txn.t.accept > q->before_us)
			continue;
		if (n++ == PAGE) {
			end->more = true;
			break;
		}
		if (q->form == WHOLE)
			put_whole(out, s);
		else
			put_line(out, s);
		end->last = s->id;
		if (out->n > PIECE) {
			agent_answer(a, out->p, out->n);
			text_clear(out);
		}
	}
	if (out->n > 0)
		agent_answer(a, out->p, out->n);
}

static void
answer_sess(struct agent_answer *a, struct span query)
{
	struct page_end end = { .found = false };
	struct question q;
	struct text out;

	if (query.n != sizeof q)
		return;
	memcpy(&q, query.p, sizeof q);
	text_init(&out);
	if (q.want != 0)
		one_stream(a, &q, &out, &end);
	else
		one_page(a, &q, &out, &end);
	text_fini(&out);
	agent_answer(a, &end, sizeof end);
}

AGENT_TOPIC(sess) = { .name = "sess", .asked = answer_sess };

/* ---- in the agent ---- */

struct listing {
	struct cli_ctx *x;
	struct question q, next;
	uint32_t asked;                 /* question under way, or 0 */
	bool found, more;
};

/* A worker's next page begins behind this one. */
static void
note_end(struct listing *l, pid_t pid, const struct page_end *end)
{
	uint32_t i;

	l->found |= end->found;
	if (!end->more || l->next.n == PX_WORKERS_MAX)
		return;
	l->more = true;
	i = l->next.n++;
	l->next.after[i].pid = (int32_t)pid;
	l->next.after[i].id = end->last;
}

static void
on_piece(struct agent_worker *w, struct span data, void *arg)
{
	struct listing *l = arg;
	struct page_end end;

	if (data.n == sizeof end) {
		memcpy(&end, data.p, sizeof end);
		note_end(l, w->pid, &end);
	} else {
		text_add(l->x->out, data);
	}
}

static void
on_all(int missing, void *arg)
{
	struct listing *l = arg;

	(void)missing;
	l->asked = 0;
	cli_resume(l->x);
}

static enum cli_done
ask(struct listing *l)
{
	l->asked = agent_ask(&AGENT_TOPIC_OF(sess), &l->q, sizeof l->q,
	    ASK_MS, on_piece, on_all, l);
	return (CLI_LATER);
}

/* "0x1f3": the number, or false. */
static bool
parse_name(struct span s, uint64_t *out)
{
	if (s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x')
		s = span_skip(s, 2);
	return (num_hex(s, out) && *out != 0);
}

static struct listing *
new_listing(struct cli_ctx *x)
{
	struct listing *l = x->priv = cli_alloc(x, sizeof *l);

	l->x = x;
	l->q.before_us = the_loop->now_us;
	return (l);
}

/* The next page of those workers that have one; the others have shown all. */
static enum cli_done
next_page(struct listing *l)
{
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *w = LIST_ITEM(it, struct agent_worker,
		    node);
		uint32_t i;

		for (i = 0; i < l->next.n; i++)
			if (l->next.after[i].pid == (int32_t)w->pid)
				break;
		if (i == l->next.n && i < PX_WORKERS_MAX) {
			l->next.after[i].pid = (int32_t)w->pid;
			l->next.after[i].id = UINT32_MAX;
			l->next.n++;
		}
	}
	memcpy(l->q.after, l->next.after, sizeof l->q.after);
	l->q.n = l->next.n;
	l->next.n = 0;
	l->more = false;
	return (ask(l));
}

static enum cli_done
run_sess(struct cli_ctx *x)
{
	struct listing *l = x->priv;
	bool all = cli_is(x, x->at, "all");

	if (x->turn == 0) {
		l = new_listing(x);
		l->q.form = all ? WHOLE : LINE;
		if (!all && x->at < x->n &&
		    !parse_name(x->arg[x->at], &l->q.want)) {
			cli_say(x, 3, "Session not found.");
			return (CLI_DONE);
		}
		return (ask(l));
	}
	if (l->q.want != 0 && !l->found)
		cli_say(x, 3, "Session not found.");
	if (l->q.want == 0 && l->more)
		return (next_page(l));
	if (l->q.want == 0)
		cli_each_session(x, all);
	return (CLI_DONE);
}

static void
drop_listing(struct cli_ctx *x)
{
	struct listing *l = x->priv;

	if (l->asked != 0)
		agent_ask_drop(l->asked);
}

CLI_COMMAND(show_sess) = {
	.name = "show sess", .args = "[<id>|all]",
	.level = PX_LEVEL_OPERATOR, .run = run_sess, .dropped = drop_listing,
	.doc = "the streams in progress, or one of them in full",
};

static enum cli_done
run_shutdown(struct cli_ctx *x)
{
	struct listing *l = x->priv;

	if (x->turn > 0) {
		if (!l->found)
			cli_say(x, 3, "No such session (use 'show sess').");
		return (CLI_DONE);
	}
	if (x->at >= x->n) {
		cli_say(x, 3, "Session pointer expected (use 'show sess').");
		return (CLI_DONE);
	}
	l = new_listing(x);
	if (!parse_name(x->arg[x->at], &l->q.want)) {
		cli_say(x, 3, "Session pointer expected (use 'show sess').");
		return (CLI_DONE);
	}
	l->q.kill = true;
	return (ask(l));
}

CLI_COMMAND(shutdown_session) = {
	.name = "shutdown session", .args = "<id>",
	.level = PX_LEVEL_ADMIN, .run = run_shutdown,
	.dropped = drop_listing, .doc = "end one stream",
};
