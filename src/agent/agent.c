/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent - the process: starts the parts, listens to the keeper, leaves.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <agent/agent.h>
#include <base/clock.h>
#include <base/must.h>
#include <os/fault.h>
#include <os/loop.h>

#include "agent_int.h"

#define LEAVE_MS 2000           /* what parts have to finish */
#define POLL_MS  20

struct agent_facts agent_facts;
const struct agent_socket *agent_sockets;
size_t agent_n_sockets;

extern const struct agent_part *const __start_agent_parts[]
    __attribute__((weak));
extern const struct agent_part *const __stop_agent_parts[]
    __attribute__((weak));

static const struct agent_part *parts[64];
static int n_parts;
static struct loop loop;
static struct ipc_chan keeper = { .fd = -1 };
static struct tmr leave_timer;
static int64_t leave_until_ms;

static int
by_rank(const void *a, const void *b)
{
	const struct agent_part *const *p = a, *const *q = b;

	if ((*p)->rank != (*q)->rank)
		return ((*p)->rank < (*q)->rank ? -1 : 1);
	return (strcmp((*p)->name, (*q)->name));
}

static void
collect_parts(void)
{
	for (const struct agent_part *const *p = __start_agent_parts;
	    p < __stop_agent_parts; p++) {
		MUST(n_parts < (int)NELEM(parts));
		parts[n_parts++] = *p;
	}
	qsort(parts, (size_t)n_parts, sizeof parts[0], by_rank);
}

static void
parts_worker(struct agent_worker *w, bool came)
{
	for (int i = 0; i < n_parts; i++) {
		if (came && parts[i]->worker_came != NULL)
			parts[i]->worker_came(w);
		if (!came && parts[i]->worker_gone != NULL)
			parts[i]->worker_gone(w);
	}
}

static bool
is_busy(void)
{
	for (int i = 0; i < n_parts; i++)
		if (parts[i]->busy != NULL && parts[i]->busy())
			return (true);
	return (false);
}

static void
on_leave_timer(struct tmr *t)
{
	if (!is_busy() || loop.now_ms >= leave_until_ms)
		loop.stop = true;
	else
		tmr_arm(&loop.wheel, t, loop.now_ms + POLL_MS);
}

static void
begin_leaving(void)
{
	for (int i = 0; i < n_parts; i++)
		if (parts[i]->leave != NULL)
			parts[i]->leave();
	leave_until_ms = loop.now_ms + LEAVE_MS;
	on_leave_timer(&leave_timer);
}

/* A connection goes to the first part that serves the runtime API. */
static void
serve_cli(struct ipc_msg *m)
{
	struct ipc_cli cli;

	if (m->n_fds != 1 || m->data.n != sizeof cli)
		return;
	memcpy(&cli, m->data.p, sizeof cli);
	for (int i = 0; i < n_parts; i++) {
		if (parts[i]->cli == NULL)
			continue;
		parts[i]->cli(m->fds[0], cli.level, cli.flags);
		m->fds[0] = -1;
		return;
	}
}

static void
on_worker_news(struct ipc_msg *m)
{
	struct ipc_worker news;
	struct agent_worker *w;

	if (m->data.n != sizeof news)
		return;
	memcpy(&news, m->data.p, sizeof news);
	if (m->type == IPC_A_GONE) {
		if ((w = agent_worker_find(news.pid)) != NULL)
			agent_worker_drop(w);
	} else if (m->n_fds == 1 && news.no >= 1 &&
	    news.no <= IPC_PROCS_MAX) {
		agent_worker_add(&loop, news.no, news.pid, m->fds[0]);
		m->fds[0] = -1;
	}
}

/* A listening socket is open as long as anybody holds it. Those of the stats
 * lines are the parts' to close. */
static void
close_sockets(void)
{
	for (size_t i = 0; i < agent_n_sockets; i++)
		if (!agent_sockets[i].stats)
			(void)close(agent_sockets[i].fd);
	agent_n_sockets = 0;
}

static void
tell_parts(struct ipc_msg *m)
{
	int32_t yes;

	if (m->data.n != sizeof yes)
		return;
	memcpy(&yes, m->data.p, sizeof yes);
	if (m->type == IPC_A_GATES)
		(void)fault_at("agent.gates");
	for (int i = 0; i < n_parts; i++) {
		if (m->type == IPC_A_GATES && parts[i]->gates != NULL)
			parts[i]->gates(yes != 0);
		if (m->type == IPC_A_PAUSE && parts[i]->paused != NULL)
			parts[i]->paused(yes != 0);
	}
	if (m->type != IPC_A_GATES)
		return;
	if (yes == 0)
		close_sockets();
	else
		(void)ipc_send(&keeper, IPC_A_READY, NULL, 0, NULL, 0);
}

static void
keeper_said(const struct ipc_msg *m)
{
	for (int i = 0; i < n_parts; i++)
		if (parts[i]->keeper_said != NULL)
			parts[i]->keeper_said(m);
}

bool
agent_tell_keeper(enum ipc_type type, const void *data, size_t n,
    const int *fds, size_t n_fds)
{
	return (keeper.fd >= 0 && ipc_send(&keeper, type, data, n, fds,
	    n_fds));
}

void
agent_keep(const struct agent_topic *t, const void *data, size_t n,
    size_t key_n)
{
	uint16_t no = agent_topic_no(t);

	agent_news_made();
	MUST(agent_kept_put(no, key_n, span_of(data, n)));
	agent_broadcast(t, data, n);
	if (keeper.fd >= 0)
		(void)ipc_send_tag(&keeper, IPC_A_KEEP, no, (uint32_t)key_n,
		    data, n, NULL, 0);
}

static void
on_keeper(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	(void)c;
	(void)arg;
	if (m == NULL) {
		loop.stop = true;       /* without a keeper there is no use:
		                         * the next one forks its own agent */
		return;
	}
	switch (m->type) {
	case IPC_A_WORKER:
	case IPC_A_GONE:
		on_worker_news(m);
		break;
	case IPC_A_CLI:
		serve_cli(m);
		break;
	case IPC_A_GATES:
	case IPC_A_PAUSE:
		tell_parts(m);
		break;
	case IPC_A_CARRIED:
	case IPC_A_SERVER_IS:
		keeper_said(m);
		break;
	case IPC_A_LEAVE:
		begin_leaving();
		break;
	case IPC_A_TURN:                /* it sees that we did */
		break;
	default:
		break;
	}
}

void
agent_main(const struct agent_start *start)
{
	agent_facts.agent_pid = getpid();
	loop_open(&loop);
	tmr_init(&leave_timer, on_leave_timer);
	if (start->settle != NULL)
		start->settle();
	collect_parts();
	agent_kept_apply();
	agent_on_worker = parts_worker;
	for (int i = 0; i < n_parts; i++)
		if (parts[i]->start != NULL)
			parts[i]->start(&loop);
	ipc_open(&keeper, start->keeper_fd, IPC_AGENT, IPC_KEEPER, &loop,
	    on_keeper, NULL);
	(void)ipc_send(&keeper, IPC_A_READY, NULL, 0, NULL, 0);
	loop_run(&loop);
	exit(0);
}
