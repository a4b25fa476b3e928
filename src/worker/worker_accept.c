/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_accept - new connections from this worker's share of the listening
 * sockets.
 *
 * Listening sockets are level-triggered, so accepting may stop at any time:
 * what waits stays in the kernel's queue until there is a place for it.
 */
#include "worker_int.h"

#include <base/must.h>
#include <cnt/cnt.h>
#include <log/log.h>
#include <mux/mux.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/sock.h>
#include <px/px.h>
#include <px/sock.h>
#include <srv/srv.h>
#include <strm/strm.h>
#include <xprt/conn.h>

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#define FULL_RETRY_MS 10        /* another worker may have made room */
#define EMFILE_RETRY_MS 100
#define LAST_MAX 4096           /* of one socket's queue, before closing it */

struct lsn {
	const struct px_listen *listen;
	const struct mux_proto *proto;
	struct fe *fe;
	uint32_t cnt;           /* offset of its own counters, or 0 */
	int fd;
	unsigned batch;         /* accepts to try in one go */
	bool added;             /* known to the loop */
	bool resting;           /* until `again` */
	struct tmr again;
};

static struct lsn *lsns;
static size_t n_lsns;
static bool accepting;
static uint32_t most_here;      /* connections that this worker can carry */
static uint32_t takers;         /* workers that may accept at the same time */

#define OWN_FDS 32              /* of the worker itself, pipes, logs, … */

#define SERVER_FDS 2048         /* kept for servers, where there are many */

/* A client that is served needs two descriptors, its own and its server's:
 * taking more clients than that would only fail them later. Where there are
 * many, most clients are idle, and a fixed number is kept for servers. */
static uint32_t
carries(size_t own)
{
	struct rlimit r;
	rlim_t left;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == RLIM_INFINITY)
		return (UINT32_MAX);
	if (r.rlim_cur < own + 4)
		return (2);
	left = r.rlim_cur - own;
	return ((uint32_t)(left / 2 > SERVER_FDS ? left - SERVER_FDS :
	    left / 2));
}

static void
rest_over(struct tmr *t)
{
	struct lsn *l = HOLDER(t, struct lsn, again);

	l->resting = false;
	if (accepting && l->added)
		loop_resume(the_loop, l->fd);
}

static void
rest(struct lsn *l, int64_t ms)
{
	if (l->resting)
		return;
	l->resting = true;
	loop_pause(the_loop, l->fd);
	tmr_arm(&the_loop->wheel, &l->again, the_loop->now_ms + ms);
}

/* Why accepting failed; false: stop for now. */
static bool
accept_failed(struct lsn *l)
{
	static int64_t said_ms;

	switch (errno) {
	case EAGAIN:
		return (false);
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
		return (true);
	case EPIPE:                     /* sockpair@: nobody is behind it */
		loop_del(the_loop, l->fd);
		l->added = false;
		return (false);
	default:
		break;
	}
	CNT_PROC()->accept_emfile++;
	if (the_loop->now_ms - said_ms > 1000) {
		said_ms = the_loop->now_ms;
		log_event(l->listen->bind->px, LOG_L_EMERG,
		    "Proxy %s cannot accept connections now: %m; they wait; "
		    "raise 'ulimit-n' or lower 'maxconn'",
		    l->listen->bind->px->name);
	}
	rest(l, EMFILE_RETRY_MS);
	return (false);
}

static bool no_low_ports;       /* harden.reject-privileged-ports.tcp */

static bool
comes_from_low_port(const struct addr *peer)
{
	return ((peer->family == ADDR_V4 || peer->family == ADDR_V6) &&
	    peer->port < IPPORT_RESERVED);
}

/* The frontend was stopped by an order: nobody is to wait in vain. Or the
 * client is none that is wanted. */
static void
turn_away(struct lsn *l, int fd)
{
	fe_leave(l->fe);
	(void)sock_set_nolinger(fd);
	(void)close(fd);
}

#define TUNED_OPTS (UINT64_C(1) << PX_OPT_CLITCPKA)

static void
tune(const struct px *px, int fd)
{
	const struct px_sock_tune *t = px_sock_tune(PX_SOCK_CLIENT);

	if (px_opt(px, PX_OPT_CLITCPKA))
		px_tcpka_apply(px, true, fd);
	(void)sock_set_buffers(fd, t->sndbuf, t->rcvbuf);
	if (t->notsent_lowat > 0)
		(void)sock_set_lowat(fd, t->notsent_lowat);
}

static void
admit(struct lsn *l, int fd, struct addr *peer)
{
	struct cnt_fe *c = CNT_FE(l->fe->cnt);

	(void)fault_at("worker.conn");
	if (l->fe->run != FE_RUNS || __builtin_expect(no_low_ports &&
	    comes_from_low_port(peer), 0)) {
		turn_away(l, fd);
		return;
	}
	if (__builtin_expect((l->fe->px->opt & TUNED_OPTS) != 0 ||
	    px_sock_tuned, 0))
		tune(l->fe->px, fd);
	c->conn_tot++;
	CNT_PROC()->conn_tot++;
	if (l->cnt != 0)
		CNT_LI(l->cnt)->conn_tot++;
	fe_pace_conn();
	if (!strm_admit(l->listen, fd, peer)) {
		c->denied_conn++;
		if (l->cnt != 0)
			CNT_LI(l->cnt)->denied_conn++;
		turn_away(l, fd);
		return;
	}
	fe_pace_sess(l->fe);
	l->proto->accept(l->listen, fd, peer);
	conn_inherit(NULL, NULL, NULL, 0);
}

static int
accept_one(const struct lsn *l, struct addr *peer)
{
	if (l->listen->addr.addr.family != ADDR_SOCKPAIR)
		return (sock_accept(l->fd, peer));
	*peer = (struct addr){ .family = ADDR_UNIX };
	return (sock_accept_pair(l->fd));
}

static bool
is_full(const struct lsn *l)
{
	const struct xprt_ops *x = l->listen->bind->xprt;

	return (fe_conn_here >= most_here ||
	    (x != NULL && x->full != NULL && x->full()));
}

static void
on_waiting(void *arg, unsigned events)
{
	struct lsn *l = arg;
	unsigned most = px_model->global.maxaccept, n = 0;
	struct addr peer;
	bool tried;
	int64_t ms;
	int fd;

	(void)events;
	if (most == 0 || most > l->batch)
		most = l->batch;
	while (n < most) {
		if ((ms = fe_pace_wait_ms(l->fe)) > 0) {
			rest(l, ms);
			break;
		}
		tried = !fe_has_room(l->fe, takers);
		if (is_full(l) || (tried && !fe_enter(l->fe))) {
			rest(l, FULL_RETRY_MS);
			break;
		}
		if ((fd = accept_one(l, &peer)) < 0) {
			if (tried)
				fe_withdraw(l->fe);
			if (!accept_failed(l))
				break;
			continue;
		}
		n++;
		if (tried)
			fe_entered(l->fe);
		else
			fe_came(l->fe);
		admit(l, fd, &peer);
	}
	/* As many as came at once are likely to come at once again. */
	l->batch = n == l->batch ? n * 2 : n == 0 ? 1 : n;
	if (l->batch > 256)
		l->batch = 256;
}

void
worker_listen_open(const struct worker_start *s)
{
	lsns = must_alloc(s->n_listens * sizeof *lsns + 1);
	n_lsns = s->n_listens;
	most_here = carries(OWN_FDS + n_lsns);
	takers = 2 * (uint32_t)s->n_workers;    /* two generations, for a moment */
	no_low_ports = px_model->global.no_privileged_ports;
	for (size_t i = 0; i < n_lsns; i++) {
		struct lsn *l = &lsns[i];
		const struct px *px = s->listens[i].listen->bind->px;

		l->listen = s->listens[i].listen;
		l->cnt = l->listen->cnt;
		l->fd = s->listens[i].fd;
		l->proto = mux_proto_for(px->mode);
		l->fe = fe_of(px);
		l->batch = 1;
		tmr_init(&l->again, rest_over);
	}
}

static void
watch(struct lsn *l)
{
	if (l->added) {
		if (!l->resting)
			loop_resume(the_loop, l->fd);
		return;
	}
	l->added = loop_add_level(the_loop, l->fd, on_waiting, l);
	MUST(l->added);
}

void
worker_accept(bool on)
{
	accepting = on;
	for (size_t i = 0; i < n_lsns; i++) {
		if (on)
			watch(&lsns[i]);
		else if (lsns[i].added)
			loop_pause(the_loop, lsns[i].fd);
	}
}

/* Closing a socket resets what waits in its queue. */
void
worker_accept_last(void)
{
	for (size_t i = 0; i < n_lsns; i++) {
		struct lsn *l = &lsns[i];
		struct addr peer;
		int fd, n = 0;

		while (accepting && l->added && n++ < LAST_MAX &&
		    fe_enter(l->fe)) {
			if ((fd = sock_accept(l->fd, &peer)) >= 0) {
				fe_entered(l->fe);
				admit(l, fd, &peer);
				continue;
			}
			fe_withdraw(l->fe);
			break;
		}
	}
}

void
worker_accept_end(void)
{
	accepting = false;
	for (size_t i = 0; i < n_lsns; i++) {
		if (lsns[i].added)
			loop_del(the_loop, lsns[i].fd);
		lsns[i].added = false;
		tmr_stop(&the_loop->wheel, &lsns[i].again);
		/* Open here would be open for clients. */
		fd_close(&lsns[i].fd);
	}
	n_lsns = 0;
}

unsigned
worker_connections(void)
{
	unsigned n = 0;

	PX_EACH(px, px_model)
		if (px->kind & PX_FE)
			n += fe_of(px)->n_conn;
	return (n);
}
