/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_run - a check from its connect() to its verdict.
 */
#include "chk_int.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <base/rand.h>
#include <os/fd.h>
#include <os/loop.h>
#include <os/sock.h>
#include <srv/state.h>
#include <xprt/proxy_proto.h>

/* How long until the next one, by the server's state (manual 5.2, inter). */
int
chk_interval(const struct srv *srv)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(srv);
	const struct chk_global_cfg *g = px_get(&px_model->global.slots,
	    &chk_global_slot);
	int health = srv->shm->chk_health, ms = cfg->inter_ms, part;

	if (health == 0 && cfg->down_ms != 0)
		ms = cfg->down_ms;
	else if (health > 0 && health < cfg->rise + cfg->fall - 1 &&
	    cfg->fast_ms != 0)
		ms = cfg->fast_ms;
	if (g->spread_percent == 0)
		return (ms);
	part = (int)((int64_t)ms * g->spread_percent / 100);
	return (ms - part + (int)rand_below((uint32_t)(2 * part + 1)));
}

static void
end_connection(struct chk *c)
{
	if (c->fd >= 0) {
		loop_forget(the_loop, c->fd);
		fd_close(&c->fd);
	}
	free(c->out);
	free(c->in);
	c->out = c->in = NULL;
	c->srv->shm->chk_state &= (uint8_t)~CHK_RUNNING;
}

void
chk_plan(struct chk *c, int64_t in_ms)
{
	tmr_arm(&the_loop->wheel, &c->tmr, the_loop->now_ms + in_ms);
}

void
chk_stop(struct chk *c)
{
	end_connection(c);
	tmr_stop(&the_loop->wheel, &c->tmr);
}

/* The verdict: the next one is planned before it is acted upon, as an order
 * that follows may want to stop it. */
static void
conclude(struct chk *c, struct chk_verdict *v)
{
	char info[CHK_INFO_BYTES];
	size_t n = v->info.n < sizeof info ? v->info.n : sizeof info - 1;
	int64_t next;

	for (size_t i = 0; i < n; i++) {
		char b = v->info.p[i];

		info[i] = b < ' ' || b == '"' || b == 0x7f ? '.' : b;
	}
	v->info = span_of(info, n);
	v->ms = (int)((clock_mono_us() - c->start_us) / 1000);
	end_connection(c);
	chk_found(c, v);
	next = c->start_ms + chk_interval(c->srv) - the_loop->now_ms;
	chk_plan(c, next < 0 ? 0 : next);
}

static void
conclude_errno(struct chk *c, enum chk_status status, int err)
{
	struct chk_verdict v = { .status = status,
	    .info = span_str(err == 0 ? "" : strerror(err)) };

	conclude(c, &v);
}

/* ---- events ---- */

/* By the clock, not by the time of the turn: the duration that is logged must
 * not be less than what was waited for. */
static void
arm_deadline(struct chk *c)
{
	const struct px_timeouts *t = c->srv->be->px->timeout;
	int64_t start = c->start_us / 1000 + 1;
	int64_t due = start + chk_cfg_of(c->srv)->inter_ms;

	if (t->connect != 0 && start + t->connect < due)
		due = start + t->connect;
	if (c->connected && t->check != 0)
		due = clock_mono_us() / 1000 + 1 + t->check;
	tmr_stop(&the_loop->wheel, &c->tmr);
	tmr_arm(&the_loop->wheel, &c->tmr, due);
}

/* True while there is more to send. */
static bool
send_some(struct chk *c)
{
	ssize_t n;

	while (c->out_at < c->out_n) {
		n = send(c->fd, c->out + c->out_at, c->out_n - c->out_at,
		    MSG_NOSIGNAL);
		if (n < 0)
			return (errno == EAGAIN || errno == EWOULDBLOCK);
		c->out_at += (size_t)n;
	}
	return (false);
}

static void
receive(struct chk *c)
{
	struct chk_verdict v = { .status = CHK_L7RSP };
	bool eof = false;
	ssize_t n;

	for (;;) {
		n = recv(c->fd, c->in + c->in_n, CHK_IN_BYTES - c->in_n, 0);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0 && c->in_n == 0) {
			conclude_errno(c, CHK_SOCKERR, errno);
			return;
		}
		eof = n <= 0;
		c->in_n += eof ? 0 : (size_t)n;
		if (chk_judge(chk_px_of(c->srv), span_of(c->in, c->in_n), eof,
		    &v) == WHY_OK) {
			conclude(c, &v);
			return;
		}
	}
}

static void
established(struct chk *c)
{
	c->connected = true;
	if (!chk_px_of(c->srv)->http) {
		(void)send_some(c);             /* a PROXY header at most */
		conclude_errno(c, CHK_L4OK, 0);
		return;
	}
	arm_deadline(c);
}

static void
on_event(void *arg, unsigned events)
{
	struct chk *c = OBJ(arg, struct chk, CHK_MAGIC);
	int err;

	if (!c->connected && (events & (LOOP_OUT | LOOP_ERR | LOOP_HUP)) != 0) {
		if ((err = sock_error(c->fd)) != 0) {
			conclude_errno(c, CHK_L4CON, err);
			return;
		}
		if ((events & LOOP_OUT) == 0)
			return;
		established(c);
	}
	if (c->fd < 0 || !c->connected)
		return;
	(void)send_some(c);
	if (events & (LOOP_IN | LOOP_HUP | LOOP_ERR))
		receive(c);
}

/* ---- the start ---- */

static bool
wants_proxy(const struct srv *srv)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(srv);

	return (cfg->send_proxy || (srv_send_proxy(srv) != 0 &&
	    cfg->port == 0 && !cfg->has_addr));
}

/* What goes out first: PROXY header, request. */
static bool
make_output(struct chk *c)
{
	const struct chk_px_cfg *cfg = chk_px_of(c->srv);
	unsigned version = srv_send_proxy(c->srv);
	char head[CONN_PROXY_EMIT_MAX];
	size_t head_n = 0, n = 0;
	char *request = cfg->http ? chk_request(cfg, &n) : NULL;

	if (wants_proxy(c->srv))
		head_n = conn_proxy_emit(head, sizeof head, version == 0 ? 1 :
		    version, NULL, NULL);
	c->out = malloc(head_n + n + 1);
	c->in = malloc(CHK_IN_BYTES);
	if (c->out == NULL || c->in == NULL) {
		free(request);
		return (false);
	}
	memcpy(c->out, head, head_n);
	if (n > 0)
		memcpy(c->out + head_n, request, n);
	free(request);
	c->out_n = head_n + n;
	c->out_at = c->in_n = 0;
	return (true);
}

static int
open_connection(const struct srv *srv)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(srv);
	struct addr to;

	srv_addr(srv, NULL, &to);
	if (cfg->has_addr) {
		uint16_t port = to.port;

		to = cfg->addr;
		if (to.port == 0)
			to.port = port;
	}
	if (cfg->port != 0)
		to.port = cfg->port;
	return (srv_connect_to(srv, &to, !chk_px_of(srv)->http &&
	    !wants_proxy(srv)));
}

static void
start(struct chk *c)
{
	c->start_ms = the_loop->now_ms;
	c->start_us = clock_mono_us();
	c->connected = false;
	c->srv->shm->chk_state |= CHK_RUNNING;
	if (!make_output(c)) {
		conclude_errno(c, CHK_SOCKERR, ENOMEM);
		return;
	}
	if ((c->fd = open_connection(c->srv)) < 0) {
		conclude_errno(c, errno == ECONNREFUSED || errno == EACCES ||
		    errno == ENOENT || errno == ENETUNREACH ? CHK_L4CON :
		    CHK_SOCKERR, errno);
		return;
	}
	if (!chk_px_of(c->srv)->http)           /* leave no TIME_WAIT */
		(void)sock_set_nolinger(c->fd);
	arm_deadline(c);
	if (!loop_add(the_loop, c->fd, on_event, c)) {
		conclude_errno(c, CHK_SOCKERR, errno);
		return;
	}
	/* On the same host it is decided already. */
	if (poll(&(struct pollfd){ c->fd, POLLOUT, 0 }, 1, 0) == 1)
		on_event(c, LOOP_OUT);
}

void
chk_due(struct tmr *t)
{
	struct chk *c = OBJ(HOLDER(t, struct chk, tmr), struct chk,
	    CHK_MAGIC);

	if (c->fd < 0)
		start(c);
	else
		conclude_errno(c, c->connected ? CHK_L7TOUT : CHK_L4TOUT, 0);
}
