/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_net - the agent's sockets of peers, and time: who is connected to, who
 * is silent, what changed.
 *
 * Changes wake the agent when it sleeps. While they keep coming it looks
 * every few milliseconds instead, so that a busy worker need not wake it for
 * each.
 */
#include "peer_int.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <agent/agent.h>
#include <base/must.h>
#include <log/log.h>
#include <os/sock.h>

#define TICK_MS         200             /* deadlines are that exact */
#define BUSY_MS         2               /* while there are changes */
#define STRANGERS_MAX   64              /* who did not say yet who they are */
#define ROUNDS          16              /* reads or writes in one go */
#define OUT_KEEP        (1u << 18)      /* of what is written already */
#define OUT_MAX         (1u << 20)      /* of answers that nobody reads */

static bool open_now;
static struct tmr ticker, looker;

static void settle(struct peer_section *);

/* ---- one session ---- */

static void
drop(struct peer_sess *s)
{
	loop_unpost(the_loop, &s->again);
	if (s->conn.fd >= 0)
		conn_close(&s->conn);
	peer_sess_free(s);
}

/* False: the socket takes no more now, or it is broken. */
static bool
write_some(struct peer_sess *s)
{
	struct conn *c = &s->conn;
	const struct iovec v = { s->out.p + s->out_at, s->out.n - s->out_at };
	ssize_t n = c->xprt->send(c, &v, 1);

	if (n == 0)
		return (false);
	if (n < 0) {
		text_clear(&s->out);
		s->out_at = 0;
		peer_sess_end(s, "the connection broke");
		return (false);
	}
	s->out_ms = peer_now_ms();
	s->out_at += (size_t)n;
	if (s->out_at == s->out.n) {
		text_clear(&s->out);
		s->out_at = 0;
	} else if (s->out_at > OUT_KEEP) {
		text_eat(&s->out, s->out_at);
		s->out_at = 0;
	}
	return (true);
}

static void
flush(struct peer_sess *s)
{
	if (s->state == PEER_CONNECTING || s->conn.fd < 0 ||
	    s->conn.wait_hello)
		return;
	for (int i = 0; i < ROUNDS; i++) {
		peer_sess_fill(s);
		if (s->out.n == 0 || !write_some(s))
			break;
	}
	if (s->out.n - s->out_at > OUT_MAX)
		peer_sess_end(s, "it does not read what we answer");
	/* An edge tells when there is room; without one we come again. */
	if (s->out.n == 0 && peer_sess_has_more(s))
		loop_post(the_loop, &s->again);
}

/* False: nothing more to read now. */
static bool
read_some(struct peer_sess *s)
{
	static char bytes[65536];
	struct conn *c = &s->conn;
	ssize_t n = c->can_in ? c->xprt->recv(c, bytes, sizeof bytes) : 0;

	if (n > 0) {
		peer_sess_input(s, span_of(bytes, (size_t)n));
		return (s->state != PEER_OVER);
	}
	if (n < 0)
		peer_sess_end(s, c->err ? "the connection broke" :
		    "it closed the connection");
	return (false);
}

/* TLS comes first. False: nothing can be said yet, or ever. */
static bool
greet(struct peer_sess *s)
{
	enum why why = conn_greet(&s->conn);

	if (why == WHY_OK)
		return (true);
	if (why != WHY_AGAIN)
		peer_sess_end(s, "the handshake of TLS failed");
	return (false);
}

static void
connected(struct peer_sess *s)
{
	if (sock_error(s->conn.fd) != 0)
		peer_sess_end(s, "it can't be reached");
	s->conn.connecting = false;
}

/* False: it is not as far that anything can be said. */
static bool
is_open(struct peer_sess *s)
{
	if (s->state == PEER_OVER || s->conn.connecting ||
	    (s->conn.wait_hello && !greet(s)))
		return (false);
	if (s->state == PEER_CONNECTING)
		peer_sess_hello(s);
	return (true);
}

static void
serve(struct peer_sess *s)
{
	struct peer_section *sec = s->sec;
	int i = 0;

	if (is_open(s))
		while (i < ROUNDS && s->state != PEER_OVER && read_some(s))
			i++;
	if (i == ROUNDS)
		loop_post(the_loop, &s->again);
	settle(sec);
}

static void
on_again(struct loop_task *t)
{
	serve(HOLDER(t, struct peer_sess, again));
}

static void
on_event(void *arg, unsigned events)
{
	struct peer_sess *s = OBJ(arg, struct peer_sess, PEER_SESS_MAGIC);

	conn_edge(&s->conn, events);
	if (s->conn.connecting && (events & (LOOP_OUT | LOOP_ERR)))
		connected(s);
	serve(s);
}

static bool
watch(struct peer_sess *s, int fd)
{
	s->again.fn = on_again;
	return (conn_open(&s->conn, fd, on_event, s));
}

/* ---- all of them ---- */

static void
settle(struct peer_section *sec)
{
	(void)peer_drain(sec);
	LIST_EACH(p, &sec->sessions)
		flush(LIST_ITEM(p, struct peer_sess, link));
	LIST_EACH(q, &sec->sessions) {
		struct peer_sess *s = LIST_ITEM(q, struct peer_sess, link);

		if (s->state == PEER_OVER)
			drop(s);
	}
}

static void
call(struct peer_section *sec, struct peer_node *n)
{
	struct peer_sess *s = peer_sess_new(sec, n);
	int fd = n->srv->unix_path != NULL ? sock_connect_unix(&n->addr) :
	    sock_connect(&n->addr.addr, NULL);

	struct xprt_to to = { .server = n->srv };

	n->status = PEER_S_CONNECTING;
	if (fd < 0)
		peer_sess_end(s, "it can't be reached");
	else if (!watch(s, fd))
		peer_sess_end(s, "no room for its descriptor");
	else if (n->srv->xprt != NULL &&
	    !conn_connect(&s->conn, n->srv->xprt, &to))
		peer_sess_end(s, "no memory for TLS");
	s->conn.connecting = true;
}

static void
on_waiting(void *arg, unsigned events)
{
	const struct agent_socket *sock = arg;
	struct peer_section *sec = peer_sections;
	struct addr from;
	int fd;

	(void)events;
	while (sec->px != sock->listen->bind->px)
		sec = sec->next;
	while ((fd = sock_accept(sock->fd, &from)) >= 0) {
		struct peer_sess *s;
		unsigned n = 0;

		LIST_EACH(p, &sec->sessions)
			n += LIST_ITEM(p, struct peer_sess, link)->node ==
			    NULL;
		if (n >= STRANGERS_MAX) {
			(void)close(fd);
			continue;
		}
		s = peer_sess_new(sec, NULL);
		if (!watch(s, fd))
			peer_sess_end(s, "no room for its descriptor");
		else
			(void)conn_accept(&s->conn, sock->listen->bind);
	}
	if (!sock_accept_passes(errno))
		loop_rest(the_loop, sock->fd);
	settle(sec);
}

/* ---- time ---- */

static void
look_at(struct peer_sess *s)
{
	int64_t now = peer_now_ms();

	switch ((enum peer_state)s->state) {
	case PEER_CONNECTING:
	case PEER_WAITS_STATUS:
	case PEER_WAITS_HELLO:
		if (now - s->since_ms >= PEER_HELLO_MS)
			peer_sess_end(s, "it does not answer");
		break;
	case PEER_RUNS:
		if (now - s->in_ms >= PEER_SILENCE_MS) {
			s->node->n_silent++;
			peer_sess_end(s, "it is silent");
		} else if (now - s->out_ms >= PEER_HEARTBEAT_MS &&
		    s->out.n == 0) {
			peer_put_control(&s->out, PEER_HEARTBEAT);
			s->node->n_beats_out++;
		}
		break;
	default:
		break;
	}
}

static void
tick_section(struct peer_section *sec)
{
	peer_resync_tick(sec);
	LIST_EACH(p, &sec->sessions)
		look_at(LIST_ITEM(p, struct peer_sess, link));
	for (struct peer_node *n = sec->nodes; n != NULL; n = n->next)
		if (!n->local && !n->srv->disabled && n->sess == NULL &&
		    peer_now_ms() >= n->retry_ms)
			call(sec, n);
	settle(sec);
}

static void
each_running(void (*fn)(struct peer_section *))
{
	for (struct peer_section *s = peer_sections; s != NULL; s = s->next)
		if (peer_section_runs(s))
			fn(s);
}

static bool waiting;

static void
look_again(struct peer_section *sec)
{
	bool some = peer_drain(sec);

	if (some)
		settle(sec);
	for (unsigned i = 0; !some && i < sec->n_tables; i++)
		some = stk_log_sleep(sec->tables[i].t);
	waiting |= some;
}

static void
on_look(struct tmr *t)
{
	if (!open_now)
		return;
	waiting = false;
	each_running(look_again);
	if (waiting)
		tmr_arm(&the_loop->wheel, t, the_loop->now_ms + BUSY_MS);
}

static void
on_tick(struct tmr *t)
{
	if (!open_now)
		return;
	each_running(tick_section);
	/* A worker of an old generation wakes nobody, but takes the wish to be
	 * woken away. */
	on_look(&looker);
	tmr_arm(&the_loop->wheel, t, the_loop->now_ms + TICK_MS);
}

static void
on_wake(void *arg, unsigned events)
{
	uint64_t n;

	(void)arg;
	(void)events;
	if (read(stk_wake_fd, &n, sizeof n) == (ssize_t)sizeof n)
		on_look(&looker);
}

/* ---- the part ---- */

static void
open_section(struct peer_section *sec)
{
	peer_section_start(sec);
	sec->since_wall_us = the_loop->wall_us;
	sec->resync = PEER_R_NONE;
	sec->resync_ms = peer_now_ms() + PEER_RESYNC_MS;
	for (unsigned i = 0; i < sec->n_tables; i++) {
		enum stk_log_was was = stk_log_open(sec->tables[i].t,
		    agent_facts.gen);

		if (was == STK_LOG_FRESH)
			sec->resync = PEER_R_WANTED;
		if (was != STK_LOG_HANDED)
			peer_note_all(sec, i);
	}
}

static bool
is_ours(const struct agent_socket *s)
{
	for (const struct peer_section *sec = peer_sections; s->peers &&
	    sec != NULL; sec = sec->next)
		if (sec->px == s->listen->bind->px)
			return (peer_section_runs(sec));
	return (false);
}

static void
open_all(void)
{
	each_running(open_section);
	for (size_t i = 0; i < agent_n_sockets; i++)
		if (is_ours(&agent_sockets[i]))
			(void)loop_add_level(the_loop, agent_sockets[i].fd,
			    on_waiting, (void *)(uintptr_t)&agent_sockets[i]);
	if (stk_wake_fd >= 0)
		(void)loop_add_level(the_loop, stk_wake_fd, on_wake, NULL);
	tmr_init(&ticker, on_tick);
	tmr_init(&looker, on_look);
	on_tick(&ticker);
	on_look(&looker);
}

/* What some node may not have is for the next one to send. */
static void
hand_back(struct peer_section *sec, unsigned i)
{
	struct peer_table *t = &sec->tables[i];
	uint32_t acked = t->order.last_id;

	for (const struct peer_node *n = sec->nodes; n != NULL; n = n->next)
		if (!n->local && (int32_t)(n->at[i].acked - acked) < 0)
			acked = n->at[i].acked;
	for (uint32_t at = peer_order_after(&t->order, acked); at != 0;
	    at = t->order.v[at].newer)
		stk_log_note(t->t, at);
}

static void
close_section(struct peer_section *sec)
{
	LIST_EACH(p, &sec->sessions) {
		struct peer_sess *s = LIST_ITEM(p, struct peer_sess, link);

		peer_sess_end(s, "the next generation goes on");
		drop(s);
	}
	for (unsigned i = 0; i < sec->n_tables; i++) {
		hand_back(sec, i);
		stk_log_close(sec->tables[i].t);
	}
}

static void
close_all(void)
{
	for (size_t i = 0; i < agent_n_sockets; i++)
		if (is_ours(&agent_sockets[i]))
			loop_del(the_loop, agent_sockets[i].fd);
	if (stk_wake_fd >= 0)
		loop_del(the_loop, stk_wake_fd);
	tmr_stop(&the_loop->wheel, &ticker);
	tmr_stop(&the_loop->wheel, &looker);
	each_running(close_section);
}

static void
gates(bool open)
{
	if (open == open_now)
		return;
	open_now = open;
	if (open)
		open_all();
	else
		close_all();
}

static void
leave(void)
{
	gates(false);
}

AGENT_PART(peer) = {
	.name = "peer", .rank = 45, .gates = gates, .leave = leave,
};
