/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_agent - the agent's sockets of the runtime API, and connections that
 * the master passes on.
 */
#include "cli_int.h"

#include <agent/agent.h>
#include <os/loop.h>
#include <os/sock.h>

#include <unistd.h>

static void
on_waiting(void *arg, unsigned events)
{
	const struct agent_socket *s = arg;
	enum px_level level = s->listen->bind->level;
	int fd;

	(void)events;
	while ((fd = sock_accept(s->fd, NULL)) >= 0)
		cli_session_open(fd, level != PX_LEVEL_NONE ? level :
		    PX_LEVEL_OPERATOR, s->listen->bind->expose_fd);
}

static bool accepting;

static void
gates(bool open)
{
	for (size_t i = 0; i < agent_n_sockets; i++) {
		const struct agent_socket *s = &agent_sockets[i];

		if (!s->stats || open == accepting)
			continue;
		if (open)
			(void)loop_add_level(the_loop, s->fd, on_waiting,
			    (void *)(uintptr_t)s);
		else
			loop_del(the_loop, s->fd);
	}
	accepting = open;
}

static void
from_master(int fd, int level)
{
	cli_session_open(fd, (enum px_level)level, true);
}

static bool
is_busy(void)
{
	return (!list_empty(&cli_sessions));
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
