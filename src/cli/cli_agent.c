/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_agent - the agent's sockets of the runtime API, and connections that
 * the master passes on.
 */
#include "cli_int.h"

#include <agent/agent.h>
#include <os/fd.h>
#include <os/loop.h>
#include <os/sock.h>

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static bool accepting;
static unsigned n_open;                 /* sessions of stats sockets */
static bool full;                       /* as many as stats maxconn says */

static bool
is_ours(const struct agent_socket *s)
{
	return (s->stats || s->door);
}

static void
each_socket(void (*fn)(struct loop *, int fd))
{
	for (size_t i = 0; i < agent_n_sockets; i++)
		if (is_ours(&agent_sockets[i]))
			fn(the_loop, agent_sockets[i].fd);
}

/* No mode of a file guards an abstract name: only the same user may enter. */
static bool
may_enter(const struct agent_socket *s, int fd)
{
	struct ucred cred = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t n = sizeof cred;

	return (!s->door || (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred,
	    &n) == 0 && cred.uid == agent_facts.top_uid));
}

static void
on_waiting(void *arg, unsigned events)
{
	const struct agent_socket *s = arg;
	enum px_level level = s->listen->bind->level;
	struct addr peer;
	int fd;

	(void)events;
	if (full) {                     /* it had a rest meanwhile */
		loop_pause(the_loop, s->fd);
		return;
	}
	while (!full && (fd = sock_accept(s->fd, &peer)) >= 0) {
		if (!may_enter(s, fd)) {
			fd_close(&fd);
			continue;
		}
		full = ++n_open >= px_model->global.stats_maxconn;
		if (full)
			each_socket(loop_pause);
		cli_session_open(fd, level != PX_LEVEL_NONE ? level :
		    PX_LEVEL_OPERATOR, s->listen, &peer);
	}
	if (!full && !sock_accept_passes(errno))
		loop_rest(the_loop, s->fd);
}

void
cli_session_ended(const struct cli *c)
{
	if (c->listen == NULL)
		return;
	n_open--;
	if (!full)
		return;
	full = false;
	if (accepting)
		each_socket(loop_resume);
}

static void
gates(bool open)
{
	for (size_t i = 0; i < agent_n_sockets; i++) {
		const struct agent_socket *s = &agent_sockets[i];

		if (!is_ours(s) || open == accepting)
			continue;
		if (open)
			(void)loop_add_level(the_loop, s->fd, on_waiting,
			    (void *)(uintptr_t)s);
		else
			loop_del(the_loop, s->fd);
	}
	accepting = open;
	if (open && full)
		each_socket(loop_pause);
}

static void
from_master(int fd, int level, uint32_t flags)
{
	struct cli *c = cli_session_open(fd, (enum px_level)level, NULL, NULL);

	if (c == NULL)
		return;
	c->experimental = flags & IPC_CLI_EXPERIMENTAL;
	c->expert = flags & IPC_CLI_EXPERT;
}

static bool
is_busy(void)
{
	return (!list_empty(&cli_sessions));
}

static void
put_session(struct text *out, const struct cli *c, bool whole)
{
	char peer[ADDR_TEXT + 16];
	bool ip = c->peer.family == ADDR_V4 || c->peer.family == ADDR_V6;
	uint32_t id = c->listen == NULL ? 0 : c->listen->luid;
	const char *proto = c->listen == NULL ? "sockpair" : !ip ?
	    "unix_stream" : c->peer.family == ADDR_V4 ? "tcpv4" : "tcpv6";

	if (ip)
		addr_print_port(&c->peer, peer);
	else
		snprintf(peer, sizeof peer, "unix:%u", id);
	text_printf(out, whole ? "%p: proto=%s source=%s\n  frontend=GLOBAL "
	    "(id=0 mode=tcp)\n  backend=<NONE> (id=-1 mode=-)\n"
	    "  server=<NONE> (id=-1)\n  age=%llds\n" :
	    "%p: proto=%s src=%s fe=GLOBAL be=<NONE> srv=<none> age=%llds "
	    "fd=%d\n", (const void *)c, proto, peer,
	    (long long)((the_loop->wall_us - c->since_us) / 1000000), c->fd);
}

void
cli_each_session(struct cli_ctx *x, bool whole)
{
	LIST_EACH(p, &cli_sessions)
		put_session(x->out, LIST_ITEM(p, struct cli, node), whole);
}

unsigned
cli_session_count(void)
{
	unsigned n = 0;

	LIST_EACH(p, &cli_sessions)
		n++;
	return (n);
}

AGENT_PART(cli) = {
	.name = "cli",
	.rank = 50,
	.gates = gates,
	.cli = from_master,
	.busy = is_busy,
};
