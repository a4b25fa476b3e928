/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_run - a check from its connect() to its verdict.
 */
#include "chk_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <agent/agent.h>
#include <base/clock.h>
#include <base/must.h>
#include <base/rand.h>
#include <base/text.h>
#include <log/log.h>
#include <os/fd.h>
#include <os/loop.h>
#include <os/sock.h>
#include <srv/state.h>

#define PUT_OFF_MS 1000         /* until a check for which there was no room */

int
chk_inter_ms(const struct chk *c)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(c->srv);

	return (c->agent != NULL ? cfg->agent_inter_ms : cfg->inter_ms);
}

/* Until the next one, by the server's state (manual 5.2, inter). */
int
chk_pace_ms(const struct chk *c)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(c->srv);
	int health = c->srv->shm->chk_health;

	if (c->agent != NULL)
		return (cfg->agent_inter_ms);
	if (health == 0 && cfg->down_ms != 0)
		return (cfg->down_ms);
	if (health > 0 && health < cfg->rise + cfg->fall - 1 &&
	    cfg->fast_ms != 0)
		return (cfg->fast_ms);
	return (cfg->inter_ms);
}

/* The same, spread as spread-checks says. */
int
chk_interval(const struct chk *c)
{
	const struct chk_global_cfg *g = px_get(&px_model->global.slots,
	    &chk_global_slot);
	int ms = chk_pace_ms(c), part;

	if (g->spread_percent == 0)
		return (ms);
	part = (int)((int64_t)ms * g->spread_percent / 100);
	return (ms - part + (int)rand_below((uint32_t)(2 * part + 1)));
}

static void
close_connection(struct chk *c)
{
	if (c->fd >= 0) {
		loop_forget(the_loop, c->fd);
		fd_close(&c->fd);
	}
	conn_close(&c->conn);
	free(c->out);
	c->out = NULL;
	c->out_n = c->out_at = c->in_n = 0;
	c->connected = c->eof = c->tls = false;
}

/* ---- tune.max-checks-per-thread ---- */

static struct list waiting = LIST_INIT(waiting);
static unsigned n_running;

/* As many run as may. */
static bool
must_wait(struct chk *c)
{
	const struct chk_global_cfg *g = px_get(&px_model->global.slots,
	    &chk_global_slot);

	if (g->at_once == 0 || n_running < g->at_once)
		return (false);
	if (!list_linked(&c->place))
		list_push_back(&waiting, &c->place);
	return (true);
}

static void
wait_no_more(struct chk *c)
{
	if (list_linked(&c->place))
		list_del(&c->place);
}

static void
let_next_run(void)
{
	struct list *n = list_pop_front(&waiting);

	n_running--;
	if (n != NULL)
		chk_plan(OBJ(LIST_ITEM(n, struct chk, place), struct chk,
		    CHK_MAGIC), 0);
}

static void
end_connection(struct chk *c)
{
	if (c->running)
		let_next_run();
	chk_extern_stop(c);
	close_connection(c);
	free(c->in);
	c->in = NULL;
	chk_txn_end(c);
	c->running = false;
	*c->state &= (uint8_t)~CHK_RUNNING;
}

void
chk_plan(struct chk *c, int64_t in_ms)
{
	tmr_arm(&the_loop->wheel, &c->tmr, the_loop->now_ms + in_ms);
}

void
chk_stop(struct chk *c)
{
	c->conn.nolinger = c->conn.quits = false;       /* it may yet answer */
	end_connection(c);
	wait_no_more(c);
	tmr_stop(&the_loop->wheel, &c->tmr);
}

/* The verdict. */
void
chk_conclude(struct chk *c, struct chk_verdict *v)
{
	char info[CHK_INFO_BYTES];
	size_t n = v->info.n < sizeof info ? v->info.n : sizeof info - 1;
	int64_t next;

	if (c->agent != NULL)
		chk_agent_heard(c, v);
	for (size_t i = 0; i < n; i++) {
		char b = v->info.p[i];

		info[i] = b < ' ' || b == '"' || b == 0x7f ? '.' : b;
	}
	v->info = span_of(info, n);
	v->ms = (int)((clock_mono_us() - c->start_us) / 1000);
	end_connection(c);
	if (c->agent != NULL)
		chk_agent_found(c, v);
	else
		chk_found(c, v);
	if ((*c->state & (CHK_ENABLED | CHK_PAUSED)) != CHK_ENABLED)
		return;
	next = c->start_ms + chk_interval(c) - the_loop->now_ms;
	chk_plan(c, next < 0 ? 0 : next);
}

/* Words of ours, the place in a tcp-check behind them. */
static void
conclude_at(struct chk *c, enum chk_status status, const char *why,
    const struct chk_step *at)
{
	char info[CHK_INFO_BYTES];
	struct chk_verdict v = { .status = status };
	int n = snprintf(info, sizeof info, "%s", why);

	if (c->type == CHK_TYPE_TCP)
		chk_where_text(c->script, at, info + n,
		    sizeof info - (size_t)n);
	v.info = span_str(info);
	chk_conclude(c, &v);
}

static void
conclude_errno(struct chk *c, enum chk_status status, int err)
{
	conclude_at(c, status, strerror(err), c->step != NULL &&
	    c->step->kind == CHK_CONNECT ? c->step : c->connected ? c->step :
	    NULL);
}

/* All steps went well. */
static void
succeed(struct chk *c)
{
	struct chk_verdict v = { .status = c->met != 0 ? c->met : c->talked ?
	    CHK_L7OK : c->tls ? CHK_L6OK : CHK_L4OK, .code = c->met_code,
	    .info = span_str(c->said) };

	if (c->type == CHK_TYPE_TCP && v.info.n == 0 && c->script != NULL)
		v.info = SPAN("(tcp-check)");
	chk_conclude(c, &v);
}

/* ---- events ---- */

/* By the clock, not by the time of the turn: the duration that is logged must
 * not be less than what was waited for. */
static void
arm_deadline(struct chk *c)
{
	const struct px_timeouts *t = c->srv->be->px->timeout;
	int64_t now = clock_mono_us() / 1000 + 1;
	int64_t due = (c->connected ? c->start_us / 1000 + 1 : now) +
	    chk_inter_ms(c);

	if (!c->connected && t->connect != 0 && now + t->connect < due)
		due = now + t->connect;
	if (c->connected && t->check != 0)
		due = now + t->check;
	tmr_stop(&the_loop->wheel, &c->tmr);
	tmr_arm(&the_loop->wheel, &c->tmr, due);
}

/* False while there is more to send. */
static bool
send_some(struct chk *c)
{
	struct iovec v;
	ssize_t n;

	while (c->out_at < c->out_n) {
		v = (struct iovec){ c->out + c->out_at, c->out_n - c->out_at };
		n = c->conn.xprt->send(&c->conn, &v, 1);
		if (n == 0)
			return (false);
		if (n < 0)              /* what it said before may tell why */
			c->out_at = c->out_n;
		else
			c->out_at += (size_t)n;
	}
	return (true);
}

/* What is there now. A connection that breaks has ended, too. */
static void
receive(struct chk *c)
{
	ssize_t n;

	while (!c->eof && c->in_n < CHK_IN_BYTES) {
		n = c->conn.xprt->recv(&c->conn, c->in + c->in_n,
		    CHK_IN_BYTES - c->in_n);
		if (n == 0)
			return;
		c->eof = n < 0;
		c->in_n += c->eof ? 0 : (size_t)n;
	}
}

/* ---- steps ---- */

static void
queue(struct chk *c, struct span data)
{
	free(c->out);
	c->out = malloc(data.n + 1);
	c->out_n = c->out_at = 0;
	if (c->out == NULL)
		return;
	memcpy(c->out, data.p, data.n);
	c->out_n = data.n;
}

/* "UP 1/2; address=10.0.0.1; …": how the server is seen here. */
static void
add_state(const struct srv *srv, struct text *t)
{
	char status[CHK_STATUS_TEXT], addr[ADDR_TEXT];
	uint32_t weights = 0;
	struct addr a;

	for (uint32_t i = 0; i < srv->be->n; i++)
		if (srv_usable(srv->be->srv[i]))
			weights += srv_weight(srv->be->srv[i]);
	srv_addr(srv, NULL, &a);
	text_printf(t, "x-haproxy-server-state: %s",
	    chk_status_text(srv, status));
	if (srv->cfg->unix_path != NULL)
		text_addz(t, "; address=unix; port=unix");
	else {
		addr_print(&a, addr);
		text_printf(t, "; address=%s; port=%u", addr, a.port);
	}
	text_printf(t, "; name=%s/%s; node=%s; weight=%u/%u; scur=%u/%u; "
	    "qcur=%u\r\n", srv->be->px->name, srv->cfg->name,
	    agent_facts.node, srv_weight(srv), weights,
	    atomic_load(&srv->shm->inflight), be_inflight(srv->be),
	    atomic_load(&srv->shm->queued));
}

static void
queue_request(struct chk *c, const struct chk_step *step)
{
	struct chk_http_send r = step->request;
	struct text more;

	text_init(&more);
	for (const struct chk_hdr_fmt *h = r.hdr_fmts; h != NULL;
	    h = h->next) {
		struct span value = chk_format(c, h->fmt);

		text_printf(&more, "%.*s: %.*s\r\n", SPAN_FMT(h->name),
		    SPAN_FMT(value));
	}
	if (r.uri_fmt != NULL)
		r.uri = chk_format(c, r.uri_fmt);
	if (r.body_fmt != NULL)
		r.body = chk_format(c, r.body_fmt);
	if (chk_px_of(c->srv)->sends_state)
		add_state(c->srv, &more);
	free(c->out);
	c->out_at = c->out_n = 0;
	c->out = chk_request(&r, text_span(&more), &c->out_n);
	text_fini(&more);
}

static struct span
data_of(struct chk *c, const struct chk_step *step)
{
	if (step->data_fmt == NULL)
		return (step->data);
	return (step->data_hex ? chk_format_hex(c, step->data_fmt) :
	    chk_format(c, step->data_fmt));
}

/* True when all of it went. A new question makes the old answer void. */
static bool
run_send(struct chk *c)
{
	if (c->queued != c->step) {
		if (!send_some(c))
			return (false);
		if (c->step->http)
			queue_request(c, c->step);
		else
			queue(c, data_of(c, c->step));
		c->queued = c->step;
		c->in_n = 0;
		c->talked = true;
	}
	return (send_some(c));
}

/* The words of a verdict, when the line has its own. */
static void
put_words(struct chk *c, const struct chk_expect *x, bool met,
    struct chk_verdict *v, char info[CHK_INFO_BYTES])
{
	const struct logfmt *fmt = met ? x->success_fmt : x->error_fmt;
	struct span own = met ? x->on_success : x->on_error;
	int64_t code;

	if (x->code != NULL && chk_number(c, x->code, &code))
		v->code = (unsigned)code & 0xffff;
	if (fmt != NULL)
		own = chk_format(c, fmt);
	if (own.n > 0)
		v->info = own;
	else if (!met && c->type == CHK_TYPE_TCP) {
		chk_why_text(c->script, c->step, span_of(c->in, c->in_n),
		    info);
		v->info = span_str(info);
	}
}

/* Patterns that are formats have a text now. */
static const struct chk_expect *
resolve_formats(struct chk *c, const struct chk_expect *x,
    struct chk_expect *now, struct chk_hdr_expect *hdr)
{
	bool in_hdr = x->hdr != NULL && (x->hdr->name.fmt != NULL ||
	    x->hdr->value.fmt != NULL);

	if (x->text_fmt == NULL && !in_hdr)
		return (x);
	*now = *x;
	if (x->text_fmt != NULL)
		now->text = x->hex ? chk_format_hex(c, x->text_fmt) :
		    chk_format(c, x->text_fmt);
	if (in_hdr) {
		*hdr = *x->hdr;
		if (hdr->name.fmt != NULL)
			hdr->name.text = chk_format(c, hdr->name.fmt);
		if (hdr->value.fmt != NULL)
			hdr->value.text = chk_format(c, hdr->value.fmt);
		now->hdr = hdr;
	}
	return (now);
}

/* True when it is met; else it waits, or the check has ended. */
static bool
run_expect(struct chk *c)
{
	struct chk_verdict v = { .status = CHK_L7RSP };
	char info[CHK_INFO_BYTES];
	struct chk_hdr_expect hdr;
	struct chk_expect now;
	const struct chk_expect *x = resolve_formats(c, &c->step->expect,
	    &now, &hdr);
	bool met = false;

	if (chk_judge(x, span_of(c->in, c->in_n), c->eof, &v, &met) !=
	    WHY_OK)
		return (false);
	put_words(c, x, met, &v, info);
	c->talked = true;
	if (!met) {
		chk_conclude(c, &v);
		return (false);
	}
	c->met = (uint8_t)v.status;
	c->met_code = v.code;
	(void)span_copy(c->said, sizeof c->said, v.info);
	return (true);
}

static bool connect_now(struct chk *);

/* Go on as far as it goes. */
static void
proceed(struct chk *c)
{
	while (c->step != NULL) {
		switch ((enum chk_kind)c->step->kind) {
		case CHK_COMMENT:
			break;
		case CHK_SET:
			chk_set(c, c->step->set);
			break;
		case CHK_CONNECT:
			close_connection(c);
			if (!connect_now(c))
				return;
			break;
		case CHK_SEND:
			if (!run_send(c))
				return;
			break;
		case CHK_EXPECT:
			if (!run_expect(c))
				return;
			break;
		}
		c->step = c->step->next;
	}
	if (send_some(c))               /* a PROXY header at most */
		succeed(c);
}

/* The connection is established: go on with what its transport does first. False
 * while that goes on, or when the check ended there. */
static bool
greet(struct chk *c)
{
	enum why why;

	c->connected = true;
	c->conn.connecting = false;
	why = conn_greet(&c->conn);
	if (why == WHY_OK || c->srv->be->px->timeout->check == 0)
		arm_deadline(c);
	if (why == WHY_SRV_NAME)
		conclude_at(c, CHK_L6RSP, c->name_counts ?
		    "Server presented an SSL certificate different from the "
		    "expected one" : "Server presented an SSL certificate "
		    "different from the configured one", c->step);
	else if (why == WHY_SRV_REFUSED)
		conclude_at(c, CHK_SOCKERR, "SOCKS4 Proxy deny the request",
		    c->step);
	else if (why != WHY_OK && why != WHY_AGAIN)
		conclude_at(c, CHK_L6RSP, "SSL handshake failure", c->step);
	return (why == WHY_OK);
}

static void
on_event(void *arg, unsigned events)
{
	struct chk *c = OBJ(arg, struct chk, CHK_MAGIC);
	int err;

	conn_edge(&c->conn, events);
	if (!c->connected) {
		if ((err = sock_error(c->conn.fd)) != 0) {
			conclude_errno(c, CHK_L4CON, err);
			return;
		}
		if ((events & LOOP_OUT) == 0)
			return;
	}
	if (!c->connected || c->conn.wait_hello) {
		if (!greet(c))
			return;
		if (c->step != NULL && c->step->kind == CHK_CONNECT)
			c->step = c->step->next;
	}
	if (c->conn.can_in)
		receive(c);
	proceed(c);
}

/* ---- connections ---- */

bool
chk_goes_elsewhere(const struct srv *srv, const struct chk_step *s)
{
	/* A server that came at run time asks for what it wants ("check" in
	 * chapter 5.2). */
	return (srv->cfg->live || chk_port(srv) != 0 || chk_addr(srv) != NULL || (s != NULL &&
	    (s->port != 0 || s->port_expr != NULL || s->has_addr)));
}

/* A connect line decides for itself unless it says `default`. */
static bool
wants_proxy(const struct chk *c, const struct chk_step *s)
{
	if (c->agent != NULL)
		return (false);
	if (s != NULL && !s->as_server)
		return (s->sends_proxy);
	return ((s != NULL && s->sends_proxy) || chk_cfg_of(c->srv)->send_proxy
	    || (srv_sends_proxy(c->srv) && !chk_goes_elsewhere(c->srv,
	    s)));
}

/* Through the server's SOCKS proxy: as its line or the connect line says. */
static bool
goes_by_socks(const struct chk *c, const struct chk_step *s,
    const struct addr *to)
{
	bool line = s == NULL || s->as_server;

	if (c->agent != NULL || (to->family != ADDR_V4 &&
	    to->family != ADDR_V6))
		return (false);
	return (s != NULL && s->via_socks ? srv_has_socks(c->srv, false) :
	    line && srv_has_socks(c->srv, true));
}

/* What the connection begins with: SOCKS, a PROXY header, TLS. False without
 * memory, or when SOCKS can't lead there. */
static bool
begin(struct chk *c, const struct chk_step *s, const struct addr *to)
{
	struct span first = SPAN_NONE;

	if (wants_proxy(c, s) &&
	    (first = srv_pp_of_check(c->srv, c->conn.fd, to)).n == 0)
		return (false);
	c->tls = chk_wants_tls(c, s);
	if (c->tls && !chk_tls_begin(c, s, first))
		return (false);
	if (!c->tls && first.n > 0)
		queue(c, first);
	return (!goes_by_socks(c, s, to) || conn_socks(&c->conn, to));
}

static int
open_connection(struct chk *c, const struct chk_step *s, bool probe,
    struct addr *to)
{
	const struct srv *srv = c->srv;
	const struct addr *own = c->agent != NULL ? chk_agent_addr(srv) :
	    s != NULL && s->has_addr ? &s->addr : chk_addr(srv);
	unsigned port = c->agent != NULL ? chk_agent_port(srv) :
	    s != NULL && s->port != 0 ? s->port : chk_port(srv);
	int64_t n;

	if (s != NULL && s->port_expr != NULL) {
		if (!chk_number(c, s->port_expr, &n) || n < 1 || n > 65535) {
			errno = EINVAL;
			return (-1);
		}
		port = (unsigned)n;
	}

	srv_addr(srv, NULL, to);
	if (own != NULL) {
		uint16_t usual = to->port;

		*to = *own;
		if (to->port == 0)
			to->port = usual;
	}
	if (port != 0)
		to->port = (uint16_t)port;
	return (srv_connect_to(srv, to, probe && !goes_by_socks(c, s, to),
	    goes_by_socks(c, s, to)));
}

/* Nothing is said on it: the application need not see it. */
static bool
is_probe(const struct chk *c, const struct chk_step *s)
{
	return ((s == NULL ? c->step == NULL : s->next == NULL) &&
	    !wants_proxy(c, s) && !chk_wants_tls(c, s));
}

/*
 * This machine lacks what a check needs: that tells nothing of the server, and
 * all of them would be down at once, although traffic goes on in processes that
 * lack nothing.
 */
static bool
put_off(struct chk *c, int err)
{
	static int64_t next_ms;

	if (err != EMFILE && err != ENFILE && err != ENOMEM && err != ENOBUFS)
		return (false);
	end_connection(c);
	if ((*c->state & (CHK_ENABLED | CHK_PAUSED)) == CHK_ENABLED)
		chk_plan(c, PUT_OFF_MS);
	if (the_loop->now_ms < next_ms)
		return (true);
	next_ms = the_loop->now_ms + PUT_OFF_MS;
	errno = err;
	log_event(c->srv->be->px, LOG_L_EMERG, "Server %s/%s cannot be "
	    "checked, nor may others: %m; they keep their state; raise "
	    "'ulimit-n' or lower 'tune.max-checks-per-thread'",
	    c->srv->be->px->name, c->srv->cfg->name);
	return (true);
}

/* True when the connection is there at once; else it is on its way, or the
 * check has ended. */
static bool
connect_now(struct chk *c)
{
	const struct chk_step *s = c->step != NULL &&
	    c->step->kind == CHK_CONNECT ? c->step : NULL;
	bool probe = is_probe(c, s);
	struct addr to;
	int err, fd;

	if ((fd = open_connection(c, s, probe, &to)) < 0) {
		if (put_off(c, errno))
			return (false);
		conclude_errno(c, errno == ECONNREFUSED || errno == EACCES ||
		    errno == ENOENT || errno == ENETUNREACH ? CHK_L4CON :
		    CHK_SOCKERR, errno);
		return (false);
	}
	c->conn = (struct conn){ .connecting = true };
	if (!conn_open(&c->conn, fd, on_event, c)) {
		conclude_errno(c, CHK_SOCKERR, c->conn.sys_errno);
		return (false);
	}
	if (!begin(c, s, &to)) {
		conclude_errno(c, CHK_SOCKERR, ENOMEM);
		return (false);
	}
	if (s == NULL || !s->linger) {          /* leave no TIME_WAIT */
		c->conn.nolinger = !c->tls;
		c->conn.quits = c->tls;
	}
	arm_deadline(c);
	/* On the same host it is decided already. */
	if (poll(&(struct pollfd){ fd, POLLOUT, 0 }, 1, 0) != 1)
		return (false);
	if ((err = sock_error(fd)) != 0) {
		conclude_errno(c, CHK_L4CON, err);
		return (false);
	}
	return (greet(c));
}

/* ---- the start ---- */

static void
start(struct chk *c)
{
	const struct chk_step *first;

	c->start_ms = the_loop->now_ms;
	c->start_us = clock_mono_us();
	c->running = true;
	n_running++;
	*c->state |= CHK_RUNNING;
	if (c->agent != NULL)
		chk_agent_begin(c);
	if (c->type == CHK_TYPE_EXTERN) {
		c->connected = true;    /* all of its time is for it */
		arm_deadline(c);
		chk_extern_start(c);
		return;
	}
	c->step = c->script;
	first = c->script;
	while (first != NULL && (first->kind == CHK_COMMENT ||
	    first->kind == CHK_SET))
		first = first->next;
	c->queued = NULL;
	c->talked = false;
	c->met = 0;
	c->met_code = 0;
	c->said[0] = '\0';
	if ((c->in = malloc(CHK_IN_BYTES)) == NULL) {
		conclude_errno(c, CHK_SOCKERR, ENOMEM);
		return;
	}
	if ((first == NULL || first->kind != CHK_CONNECT) && !connect_now(c))
		return;
	proceed(c);
}

/* The status of a timeout is that of the step. */
static void
time_out(struct chk *c)
{
	enum chk_status status = !c->connected ? CHK_L4TOUT :
	    c->conn.wait_hello ? CHK_L6TOUT : c->step != NULL && c->step->kind == CHK_EXPECT ?
	    c->step->expect.tout : CHK_L7TOUT;

	conclude_at(c, status, "", c->step != NULL && (c->connected ||
	    c->step->kind == CHK_CONNECT) ? c->step : NULL);
}

void
chk_due(struct tmr *t)
{
	struct chk *c = OBJ(HOLDER(t, struct chk, tmr), struct chk,
	    CHK_MAGIC);

	if (!c->running && must_wait(c))
		return;
	wait_no_more(c);
	if (!c->running)
		start(c);
	else if (c->type == CHK_TYPE_EXTERN)
		chk_extern_late(c);
	else
		time_out(c);
}
