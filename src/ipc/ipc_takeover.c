/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_takeover - the side that takes over: ask, judge who answers, receive
 * sockets and state, then broker the hand-over of connections.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <ipc/holder.h>
#include <ipc/say.h>
#include <ipc/takeover.h>
#include <os/fd.h>
#include <os/loop.h>
#include <os/sock.h>

#include "holder_int.h"

#define ANSWER_MS   5000        /* for each message; it is a local process */
#define CARRY_MS    3000        /* for the first pass of handing over */
#define SOCKETS_MAX 100000

static struct taking {
	struct ipc_chan chan;
	struct ipc_greet greet;
	struct ipc_heritage heritage;
	struct ipc_takeover_ops ops;
	bool open;              /* there is an Écluse behind the channel */
	bool serves;            /* pairs were made */
	uint32_t n_given, n_carried;
	struct ipc_carried sum;
	int64_t began_us;
	struct tmr timer;
} taking = { .chan = { .fd = -1 }, .heritage = { -1, -1, false } };

void
ipc_takeover_ns(uint64_t id[2])
{
	struct stat st;

	id[0] = id[1] = 0;
	if (stat("/proc/self/ns/pid", &st) != 0)
		return;
	id[0] = st.st_dev;
	id[1] = st.st_ino;
}

static bool
same_ns(const struct ipc_greet *g)
{
	uint64_t mine[2];

	ipc_takeover_ns(mine);
	return (mine[1] != 0 && mine[0] == g->pid_ns[0] &&
	    mine[1] == g->pid_ns[1]);
}

/* ---- the greeting ---- */

/* Who made the socket that we are connected to. */
static bool
is_same_user(int sock, const char **why)
{
	static char text[80];
	struct ucred cred;
	socklen_t n = sizeof cred;

	*why = "its user can't be told";
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
		return (false);
	snprintf(text, sizeof text, "it runs as user %u, this one as user %u",
	    (unsigned)cred.uid, (unsigned)geteuid());
	*why = text;
	return (cred.uid == geteuid());
}

static bool
is_greeting(const struct ipc_greet *g, size_t n)
{
	return (n == sizeof *g && g->magic == IPC_TAKEOVER_MAGIC &&
	    g->format == IPC_TAKEOVER_FORMAT && g->bytes == sizeof *g &&
	    g->n_workers <= IPC_PROCS_MAX && g->top_pid > 0 && g->gen > 0);
}

static bool
read_greeting(int sock, struct ipc_greet *g, int *chan, const char **why)
{
	static char buf[512];
	size_t n_fds = 1;
	ssize_t n = sock_recv_fds(sock, buf, sizeof buf - 1, chan, &n_fds);

	*why = NULL;
	if (n == (ssize_t)sizeof *g)
		memcpy(g, buf, sizeof *g);
	if (n >= 0 && n_fds == 1 && is_greeting(g, (size_t)n) &&
	    sock_is_pair(*chan))
		return (true);
	if (n_fds == 1 && n >= 0)
		fd_close(chan);
	*chan = -1;
	/* Only an Écluse refuses in these words. */
	if (n > 0 && span_begins(span_of(buf, (size_t)n),
	    SPAN(IPC_TAKEOVER_ASK ": "))) {
		buf[n] = '\0';
		buf[strcspn(buf, "\r\n")] = '\0';
		*why = buf + sizeof IPC_TAKEOVER_ASK ": " - 1;
	}
	return (false);
}

/* False: not an Écluse that would come along; *why NULL: nothing to say. A
 * name may be taken by anybody, who could let us wait, so there the user is
 * looked at first. */
static bool
greet(const char *path, bool by_name, const char **why)
{
	static const char ask[] = IPC_TAKEOVER_ASK " 1\n";
	int sock = ipc_getsocks_dial(path, why), chan = -1;
	bool good;

	_Static_assert(IPC_TAKEOVER_FORMAT == 1, "the number in `ask`");
	if (sock < 0) {
		*why = NULL;            /* asking for sockets will say it */
		return (false);
	}
	good = (!by_name || is_same_user(sock, why)) &&
	    send(sock, ask, sizeof ask - 1, MSG_NOSIGNAL) > 0 &&
	    read_greeting(sock, &taking.greet, &chan, why);
	if (good && !is_same_user(sock, why)) {
		fd_close(&chan);
		good = false;
	}
	fd_close(&sock);
	if (good)
		ipc_open(&taking.chan, chan, IPC_TAKER, IPC_GIVER, NULL, NULL,
		    NULL);
	return (good);
}

/* ---- what is given ---- */

static bool
receive_state(uint32_t *n_sockets)
{
	struct ipc_handed h;
	struct ipc_msg m;

	if (!ipc_wait(&taking.chan, &m, ANSWER_MS))
		return (false);
	if (m.type != IPC_T_STATE || m.data.n != sizeof h || m.n_fds != 2) {
		ipc_drop_fds(&m);
		return (false);
	}
	memcpy(&h, m.data.p, sizeof h);
	*n_sockets = h.n_sockets;
	taking.heritage.state_fd = m.fds[0];
	taking.heritage.ledger_fd = m.fds[1];
	return (h.n_sockets <= SOCKETS_MAX);
}

/* Flags and interface of one socket. */
static bool
take_record(struct span *left, unsigned *flags, struct span *interface)
{
	size_t n;

	if (left->n < 2)
		return (false);
	*flags = (unsigned char)left->p[0];
	n = (unsigned char)left->p[1];
	if (left->n - 2 < n)
		return (false);
	*interface = span_of(left->p + 2, n);
	*left = span_skip(*left, 2 + n);
	return (true);
}

static bool
receive_batch(uint32_t *left)
{
	struct span records, interface;
	struct ipc_msg m;
	unsigned flags;

	if (!ipc_wait(&taking.chan, &m, ANSWER_MS))
		return (false);
	records = m.data;
	if (m.type != IPC_T_SOCKETS || m.n_fds == 0 || m.n_fds > *left) {
		ipc_drop_fds(&m);
		return (false);
	}
	for (size_t i = 0; i < m.n_fds; i++) {
		if (!take_record(&records, &flags, &interface)) {
			ipc_drop_fds(&m);
			return (false);
		}
		ipc_holder_adopt(m.fds[i], interface,
		    (flags & IPC_SOCKET_FIRST) != 0);
		m.fds[i] = -1;
	}
	*left -= (uint32_t)m.n_fds;
	return (records.n == 0);
}

static bool
receive_all(void)
{
	uint32_t left = 0;

	if (!receive_state(&left))
		return (false);
	while (left > 0)
		if (!receive_batch(&left))
			return (false);
	return (true);
}

/* ---- asking ---- */

/* Without -sf both go on. Elsewhere its number is another one, if it can be
 * written at all, so -sf alone says it. */
static bool
is_meant(const struct ipc_takeover_who *who)
{
	if (who->signal == 0)
		return (false);
	if (!same_ns(&taking.greet))
		return (true);
	for (size_t i = 0; i < who->n; i++)
		if (who->pids[i] == taking.greet.top_pid ||
		    who->pids[i] == taking.greet.keeper_pid)
			return (true);
	return (false);
}

void
ipc_takeover_drop(void)
{
	fd_close(&taking.heritage.state_fd);
	fd_close(&taking.heritage.ledger_fd);
	if (taking.serves)
		tmr_stop(&the_loop->wheel, &taking.timer);
	if (taking.open)
		ipc_close(&taking.chan);
	taking.open = taking.serves = false;
}

/* What the one that greeted has to give. */
static bool
come_over(const char *from, const struct ipc_takeover_who *who,
    const char **err)
{
	taking.open = true;
	if (!receive_all()) {
		ipc_takeover_drop();
		*err = "it stopped in the middle, or there are no descriptors "
		    "left here (ulimit -n)";
		return (false);
	}
	if (!is_meant(who)) {           /* it stays, and so does what it has */
		ipc_takeover_drop();
		return (true);
	}
	taking.heritage.share = same_ns(&taking.greet);
	ipc_say(DIAG_NOTICE, "%s: taking over from process %d, %s", from,
	    (int)taking.greet.top_pid, taking.heritage.share ?
	    "with its state" : "in another PID namespace: with a copy of its "
	    "state");
	return (true);
}

bool
ipc_takeover(const char *path, const struct ipc_takeover_who *who,
    const char **err)
{
	const char *why = NULL;
	char from[300];

	if (greet(path, false, &why)) {
		snprintf(from, sizeof from, "-x %s", path);
		return (come_over(from, who, err));
	}
	if (why != NULL)
		ipc_say(DIAG_WARNING, "-x %s: only listening sockets come "
		    "over, no state and no connections: %s", path, why);
	return (ipc_getsocks(path, err) >= 0);
}

/* The one with that number greets, at one of the doors that bear it. */
static bool
greet_named(pid_t pid, const char **why)
{
	struct ipc_door door;
	size_t nth;

	for (nth = 0; ipc_door_find(pid, nth, &door); nth++) {
		if (!greet(door.name, true, why))
			continue;
		if (same_ns(&taking.greet) && taking.greet.top_pid == pid)
			return (true);
		ipc_close(&taking.chan);
		*why = "the process behind its name is another one";
	}
	if (nth > 0 && *why == NULL)
		*why = "it does not answer to this user";
	return (false);
}

bool
ipc_takeover_named(const struct ipc_takeover_who *who)
{
	for (size_t i = 0; i < who->n; i++) {
		const char *err = NULL;
		char from[32];

		snprintf(from, sizeof from, "%s %d", who->signal == SIGTERM ?
		    "-st" : "-sf", (int)who->pids[i]);
		if (greet_named(who->pids[i], &err) &&
		    come_over(from, who, &err))
			return (true);
		if (err != NULL)
			ipc_say(DIAG_WARNING, "%s: its sockets, state and "
			    "connections do not come over: %s", from, err);
	}
	return (false);
}

void
ipc_takeover_heritage(struct ipc_heritage *h)
{
	*h = taking.heritage;
	taking.heritage = (struct ipc_heritage){ -1, -1, false };
}

/* ---- connections ---- */

static void
finish(const char *how)
{
	void (*done)(void) = taking.ops.done;

	ipc_say(DIAG_NOTICE, "Taking over took %lld ms%s: %u connections came "
	    "over, %u stay with the old process (%u refused)",
	    (long long)((clock_mono_us() - taking.began_us) / 1000), how,
	    taking.sum.carried, taking.sum.lingering, taking.sum.refused);
	if (taking.chan.fd >= 0)
		(void)ipc_send(&taking.chan, IPC_T_LEAVE, NULL, 0, NULL, 0);
	ipc_takeover_drop();
	done();
}

static void
on_timer(struct tmr *t)
{
	(void)t;
	finish(", and not all workers said that they are done");
}

static void
on_giver(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	struct ipc_carried said;

	(void)c;
	(void)arg;
	if (m == NULL) {
		finish(", and the old process went away meanwhile");
		return;
	}
	if (m->type != IPC_T_CARRIED || m->data.n != sizeof said)
		return;
	memcpy(&said, m->data.p, sizeof said);
	taking.sum.carried += said.carried;
	taking.sum.lingering += said.lingering;
	taking.sum.refused += said.refused;
	if (++taking.n_carried == taking.n_given)
		finish("");
}

/* A pair between one of their workers and one of ours. */
static void
pair_one(int32_t theirs)
{
	int32_t ours = 1 + (theirs - 1) % (int32_t)taking.ops.n_workers;
	int fd[2];

	if (!sock_pair(SOCK_SEQPACKET, fd))
		return;
	taking.ops.take(ours, fd[1]);
	if (ipc_send(&taking.chan, IPC_T_PAIR, &theirs, sizeof theirs, &fd[0],
	    1))
		taking.n_given++;
	fd_close(&fd[0]);
	fd_close(&fd[1]);
}

void
ipc_takeover_serve(struct loop *loop, const struct ipc_takeover_ops *ops)
{
	taking.ops = *ops;
	if (!taking.open) {
		ops->done();
		return;
	}
	taking.began_us = clock_mono_us();
	taking.serves = true;
	tmr_init(&taking.timer, on_timer);
	tmr_arm(&loop->wheel, &taking.timer, loop->now_ms + CARRY_MS);
	ipc_attach(&taking.chan, loop, on_giver, NULL);
	(void)ipc_send(&taking.chan, IPC_T_SERVES, NULL, 0, NULL, 0);
	for (uint32_t i = 1; i <= taking.greet.n_workers; i++)
		pair_one((int32_t)i);
	if (taking.n_given == 0)
		finish(", but the old process is gone");
}

bool
ipc_takeover_busy(void)
{
	return (taking.serves);
}
