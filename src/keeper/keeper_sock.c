/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_sock - the listening sockets of a generation: asked for, shared out
 * among the workers, paused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <agent/agent.h>
#include <base/must.h>
#include <ipc/holder.h>
#include <ipc/say.h>
#include <ipc/takeover.h>
#include <os/fd.h>
#include <os/sock.h>
#include <px/px.h>
#include <worker/worker.h>

#include "keeper_int.h"

#define ANSWER_MS 30000         /* the master may be opening sockets */

static bool
is_inet(const struct addr_spec *a)
{
	return (a->addr.family == ADDR_V4 || a->addr.family == ADDR_V6);
}

static struct span
host_of(const struct addr_spec *a)
{
	return (is_inet(a) || a->addr.family == ADDR_FD ||
	    a->addr.family == ADDR_SOCKPAIR ? SPAN("") : a->host);
}

/* Where its sockets are: "eth0", or "blue/eth0" or "blue/" in a network
 * namespace. NULL: nowhere in particular. */
static const char *
place_of(const struct px_bind *b)
{
	if (b->namespace == NULL)
		return (b->interface);
	return (arena_printf(px_model->arena, "%s/%s", b->namespace,
	    b->interface == NULL ? "" : b->interface));
}

static struct ipc_listen
request(const struct keeper *k, const struct px_listen *li, const char *place,
    bool stats)
{
	const struct px_bind *b = li->bind;
	struct ipc_listen l = {
		.n = 1, .family = li->addr.addr.family,
		.transparent = b->transparent, .v6only = b->v6only,
		.v4v6 = b->v4v6, .defer_accept = b->defer_accept,
		.tfo = b->tfo, .port = li->addr.addr.port, .fd = li->addr.fd,
		.backlog = b->backlog, .mss = b->mss, .mode = b->mode,
		.uid = b->uid, .gid = b->gid, .user_timeout_ms = b->tcp_ut_ms
	};

	if (l.backlog == 0 && b->px != NULL)
		l.backlog = b->px->backlog;
	if (is_inet(&li->addr)) {
		memcpy(l.ip, li->addr.addr.ip, sizeof l.ip);
		l.reuseport = !px_model->global.no_reuseport &&
		    (!stats || b->px != NULL);
		if (l.reuseport && !stats)
			l.n = (uint32_t)k->n;
	}
	l.host_n = (uint16_t)host_of(&li->addr).n;
	l.interface_n = place == NULL ? 0 : (uint16_t)strlen(place);
	return (l);
}

/* ---- from the master ---- */

static bool
ask_master(struct keeper *k, const struct ipc_listen *l, struct span host,
    struct span interface, struct keeper_sock *s, const char **err)
{
	static char why[256];
	struct ipc_msg m;
	struct text t;
	bool sent;

	text_init(&t);
	text_add(&t, span_of((const char *)l, sizeof *l));
	text_add(&t, host);
	text_add(&t, interface);
	sent = t.n <= 4096 && ipc_send(&k->master, IPC_LISTEN, t.p, t.n, NULL,
	    0);
	text_fini(&t);
	*err = "the master does not answer";
	if (!sent || !ipc_wait(&k->master, &m, ANSWER_MS))
		return (false);
	if (m.type != IPC_LISTEN_OK || m.n_fds == 0) {
		if (m.type == IPC_LISTEN_FAIL) {
			span_copy(why, sizeof why, m.data);
			*err = why;
		}
		return (false);
	}
	s->n = m.n_fds;
	s->first = m.flags != 0;
	s->again = false;
	memcpy(s->fds, m.fds, m.n_fds * sizeof *m.fds);
	return (true);
}

static bool
get_fds(struct keeper *k, const struct ipc_listen *l, struct span host,
    struct span interface, struct keeper_sock *s, const char **err)
{
	if (k->has_master)
		return (ask_master(k, l, host, interface, s, err));
	return (ipc_holder_get(l, host, interface, k->gen, s->fds, &s->n,
	    &s->first, &s->again, err));
}

static void
say_failed(const struct px_bind *b, bool stats, const char *err,
    const struct px_listen *li)
{
	ipc_say(DIAG_ALERT, "Starting %s%s%s: %s [%s]", b->px == NULL ?
	    "stats socket" : stats ? b->px->section : "frontend",
	    b->px == NULL ? "" : " ", b->px == NULL ? "" : b->px->name, err,
	    li->text);
}

/* A request is acknowledged by its response. */
static bool
answers_at_once(const struct px *px)
{
	return (px != NULL && (px_opt(px, PX_OPT_TCP_SMART_ACCEPT) ||
	    (px->mode == PX_HTTP &&
	    (px->opt_off >> PX_OPT_TCP_SMART_ACCEPT & 1) == 0)));
}

/* What accepted connections inherit, as this generation has it. Returns what
 * the kernel refused, or NULL. */
static const char *
tune(const struct px_bind *b, int fd)
{
	sock_late_ack(fd, answers_at_once(b->px));
	if (!sock_save_syn(fd, b->tcp_ss) && b->tcp_ss != 0)
		return ("'tcp-ss' is refused by the kernel");
	if (!sock_sign_peers(fd, b->md5_key))
		return ("'tcp-md5sig' is refused by the kernel");
	if (!sock_set_cc(fd, b->cc) && b->cc != NULL)
		ipc_say(DIAG_WARNING, "'cc %s' is refused by the kernel (%s), "
		    "the usual congestion control stays [%s:%d]", b->cc,
		    strerror(errno), b->pos.file, b->pos.line);
	return (NULL);
}

/* The same address stood before, and without a master these are the very same
 * descriptors, of which a loop takes each once: copies then, and whoever is
 * first has a connection, as between two sockets of a port. */
static bool
copy_repeated(struct keeper_sock *s)
{
	for (size_t i = 0; i < s->n && s->again; i++)
		if ((s->fds[i] = fcntl(s->fds[i], F_DUPFD_CLOEXEC, 3)) < 0)
			return (false);
	return (true);
}

static bool
open_one(struct keeper *k, struct px_listen *li, bool stats)
{
	struct keeper_sock *s = &k->socks[k->n_socks];
	const struct px_bind *b = li->bind;
	const char *err = NULL;
	int fds[IPC_FDS_MAX];
	struct ipc_listen l;

	if (li->addr.need_dns && !addr_resolve(&li->addr, &err)) {
		say_failed(b, stats, err, li);
		return (false);
	}
	s->interface = place_of(b);
	l = request(k, li, s->interface, stats);
	s->fds = fds;
	if (!get_fds(k, &l, host_of(&li->addr), span_str(s->interface), s,
	    &err)) {
		say_failed(b, stats, err, li);
		return (false);
	}
	for (size_t i = 0; is_inet(&li->addr) && i < s->n; i++)
		if ((err = tune(b, fds[i])) != NULL) {
			say_failed(b, stats, err, li);
			return (false);
		}
	s->listen = li;
	s->stats = stats;
	if (!copy_repeated(s)) {
		say_failed(b, stats, strerror(errno), li);
		return (false);
	}
	s->fds = must_alloc(s->n * sizeof *fds);
	memcpy(s->fds, fds, s->n * sizeof *fds);
	k->n_socks++;
	return (true);
}

static struct agent_socket *sockets;    /* agent_sockets, to be added to */
static int door = -1;

/* The agent needs them all: to serve the stats sockets, to export the rest. */
static void
list_for_agent(struct keeper *k)
{
	struct agent_socket *list;
	size_t n = 0;

	for (size_t i = 0; i < k->n_socks; i++)
		n += k->socks[i].n;
	list = must_alloc((n + 1) * sizeof *list);      /* and the door */
	for (size_t i = 0; i < k->n_socks; i++) {
		const struct keeper_sock *s = &k->socks[i];

		for (size_t j = 0; j < s->n; j++)
			list[agent_n_sockets++] = (struct agent_socket){
			    .fd = s->fds[j], .listen = s->listen,
			    .stats = s->stats && s->listen->bind->px == NULL,
			    .peers = s->stats && s->listen->bind->px != NULL,
			    .interface = s->interface, .exportable =
			    s->listen->addr.addr.family != ADDR_SOCKPAIR,
			    .shard = j > 0, .first = s->first && j == 0 };
	}
	agent_sockets = sockets = list;
}

/* As if a "stats socket" line with "expose-fd listeners" asked for it. */
void
keeper_door_open(void)
{
	static struct px_bind bind = { .level = PX_LEVEL_USER,
		.expose_fd = true };
	static struct px_listen listen = { .bind = &bind };

	door = ipc_door_open(agent_facts.top_pid, agent_facts.keeper_pid);
	if (door >= 0)
		sockets[agent_n_sockets++] = (struct agent_socket){
		    .fd = door, .listen = &listen, .door = true };
}

void
keeper_door_close(void)
{
	fd_close(&door);
}

bool
keeper_sockets(struct keeper *k)
{
	const struct px_global *g = &px_model->global;
	size_t room = px_model->n_listens + 1;
	bool good = true;

	for (struct px_listen *li = g->stats_listens; li; li = li->next)
		room++;
	k->socks = must_alloc(room * sizeof *k->socks);
	PX_EACH(px, px_model) {
		if ((px->kind & PX_FE) == 0 || px->disabled)
			continue;
		for (struct px_listen *li = px->listens; li; li = li->next)
			good = open_one(k, li, false) && good;
	}
	for (struct px_listen *li = g->stats_listens; li; li = li->next)
		good = open_one(k, li, true) && good;
	for (const struct px *px = px_model->hidden; px; px = px->next)
		for (struct px_listen *li = px->listens; li; li = li->next)
			good = open_one(k, li, true) && good;
	if (!good)
		return (false);
	if (k->n_socks == 0) {
		ipc_say(DIAG_ALERT, "no 'bind' line is enabled: there is "
		    "nothing to listen on");
		return (false);
	}
	list_for_agent(k);
	return (true);
}

/* How many workers accept at a socket ("thread"), and which of them number `no`
 * is; as many as there are: none. */
static size_t
workers_of(const struct keeper *k, const struct keeper_sock *s, int no,
    size_t *rank)
{
	const struct px_bind *b = s->listen == NULL ? NULL : s->listen->bind;
	size_t all = 0, before = 0;

	for (int i = 1; i <= k->n; i++) {
		if (!px_bind_is_for(b, i))
			continue;
		all++;
		before += i < no;
	}
	*rank = px_bind_is_for(b, no) ? before : all;
	return (all);
}

struct worker_listen *
keeper_listens(const struct keeper *k, int no, size_t *n)
{
	struct worker_listen *v;
	size_t room = 1;

	for (size_t i = 0; i < k->n_socks; i++)
		room += k->socks[i].n;
	v = must_alloc(room * sizeof *v);
	*n = 0;
	for (size_t i = 0; i < k->n_socks; i++) {
		const struct keeper_sock *s = &k->socks[i];
		size_t rank, all = workers_of(k, s, no, &rank);

		if (s->stats || rank == all)
			continue;
		if (s->n < all) {               /* shared */
			v[(*n)++] = (struct worker_listen){ s->listen,
			    s->fds[rank % s->n] };
			continue;
		}
		/* Its own shard, and those that have no worker. */
		for (size_t j = rank; j < s->n; j += all)
			v[(*n)++] = (struct worker_listen){ s->listen,
			    s->fds[j] };
	}
	return (v);
}

void
keeper_sockets_close(struct keeper *k)
{
	keeper_door_close();
	for (size_t i = 0; i < k->n_socks; i++) {
		/* A holder's own descriptors are the holder's to close. */
		bool ours = k->has_master || k->socks[i].again;

		for (size_t j = 0; j < k->socks[i].n && ours; j++)
			fd_close(&k->socks[i].fds[j]);
		free(k->socks[i].fds);
	}
	free(k->socks);
	k->socks = NULL;
	k->n_socks = 0;
	if (!k->has_master)
		ipc_holder_commit(UINT32_MAX);
}

/*
 * Who takes over with _getsocks has the first socket of each address and no
 * more. While we close the others, the kernel must not put connections there:
 * a program says that the first gets them all. It stays at its place while
 * others of the group are closed, and those that come later (the new one's
 * own shards) get their share when the program is taken away again.
 */
static int *narrowed;
static size_t n_narrowed;

bool
keeper_sockets_narrow(struct keeper *k)
{
	narrowed = must_alloc((k->n_socks + 1) * sizeof *narrowed);
	for (size_t i = 0; k->exported && i < k->n_socks; i++) {
		const struct keeper_sock *s = &k->socks[i];
		int fd;

		/* One more in the group is the new one's own: it may not have
		 * wanted ours. */
		if (!s->first || s->n < 2 ||
		    sock_count_listeners(s->fds[0]) != (int)s->n ||
		    !sock_listen_first(s->fds[0], true))
			continue;
		if ((fd = fcntl(s->fds[0], F_DUPFD_CLOEXEC, 3)) >= 0)
			narrowed[n_narrowed++] = fd;
		else
			(void)sock_listen_first(s->fds[0], false);
	}
	return (n_narrowed > 0);
}

void
keeper_sockets_widen(void)
{
	while (n_narrowed > 0) {
		(void)sock_listen_first(narrowed[--n_narrowed], false);
		fd_close(&narrowed[n_narrowed]);
	}
}

/* shutdown() works on the socket itself, so on that of all processes. */
void
keeper_sockets_pause(struct keeper *k, bool pause)
{
	for (size_t i = 0; i < k->n_socks; i++) {
		const struct keeper_sock *s = &k->socks[i];
		int backlog = s->listen->bind->backlog;

		if (!is_inet(&s->listen->addr) || s->stats)
			continue;
		for (size_t j = 0; j < s->n; j++) {
			if (pause)
				(void)shutdown(s->fds[j], SHUT_RD);
			else if (listen(s->fds[j], backlog > 0 ? backlog :
			    SOMAXCONN) != 0)
				ipc_say(DIAG_WARNING, "can't listen again on "
				    "%s: %s", s->listen->text,
				    strerror(errno));
		}
	}
}
