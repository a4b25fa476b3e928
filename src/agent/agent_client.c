/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's side of the topics.
 */
#include <poll.h>
#include <stdlib.h>

#include <agent/agent.h>
#include <base/clock.h>
#include <base/must.h>
#include <ipc/say.h>

#include "agent_int.h"

struct agent_answer {
	uint32_t channel;       /* which agent asked: a new one did not */
	uint32_t tag;
	bool later, on_heap;
};

static struct ipc_chan chan = { .fd = -1 };
static uint32_t n_channels;
static uint64_t n_dropped;      /* messages, since the agent listened */
static void (*told_fn)(void);   /* NULL: nobody waits */

static void
on_ask(const struct agent_topic *t, const struct ipc_msg *m)
{
	struct agent_answer a = { n_channels, m->tag, false, false };

	if (t != NULL && t->asked != NULL)
		t->asked(&a, m->data);
	if (!a.later)
		agent_answer_end(&a);
}

static void
all_told(void)
{
	void (*fn)(void) = told_fn;

	told_fn = NULL;
	if (fn != NULL)
		fn();
}

static void
on_agent(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	const struct agent_topic *t;

	(void)c;
	(void)arg;
	if (m == NULL)
		return;         /* the keeper makes a new agent */
	if (m->type == IPC_TOLD) {
		all_told();
		return;
	}
	t = agent_topic_at(m->flags);
	if (m->type == IPC_ASK)
		on_ask(t, m);
	else if (t != NULL && m->n_fds > 0 && t->told_fds != NULL)
		t->told_fds(m->data, m->fds, m->n_fds);
	else if (t != NULL && t->told != NULL)
		t->told(m->data);
}

void
agent_client_open(struct loop *loop, int fd)
{
	if (n_channels++ > 0)
		ipc_close(&chan);
	ipc_open(&chan, fd, IPC_WORKER, IPC_AGENT, loop, on_agent, NULL);
}

void
agent_client_told(void (*fn)(void))
{
	told_fn = fn;
}

bool
agent_client_wait(int ms)
{
	int64_t end = clock_mono_us() / 1000 + ms;
	int64_t left = ms;

	while (told_fn != NULL && chan.fd >= 0 && left > 0) {
		struct pollfd p = { .fd = chan.fd, .events = POLLIN };

		(void)poll(&p, 1, (int)left);
		ipc_hear(&chan);
		left = end - clock_mono_us() / 1000;
	}
	return (left > 0);
}

/* An agent that does not read must not cost memory. */
static bool
has_room(const struct agent_topic *t)
{
	if (t->state || chan.out_bytes <= AGENT_SAY_BYTES_MAX) {
		if (n_dropped > 0 && list_empty(&chan.out)) {
			ipc_say(DIAG_NOTICE, "the agent reads again; %llu "
			    "reports to it were dropped",
			    (unsigned long long)n_dropped);
			n_dropped = 0;
		}
		return (true);
	}
	if (n_dropped++ == 0)
		ipc_say(DIAG_WARNING, "the agent does not read what workers "
		    "report: dropping reports of errors and questions for "
		    "names until it does");
	return (false);
}

void
agent_say(const struct agent_topic *t, const void *data, size_t n)
{
	if (chan.fd >= 0 && has_room(t))
		(void)ipc_send_tag(&chan, IPC_SAY, agent_topic_no(t), 0, data,
		    n, NULL, 0);
}

void
agent_answer(struct agent_answer *a, const void *data, size_t n)
{
	if (n > 0 && chan.fd >= 0 && a->channel == n_channels)
		(void)ipc_send_tag(&chan, IPC_ANSWER, 0, a->tag, data, n, NULL,
		    0);
}

struct agent_answer *
agent_answer_later(struct agent_answer *a)
{
	struct agent_answer *copy = must_alloc(sizeof *copy);

	a->later = true;
	*copy = *a;
	copy->on_heap = true;
	return (copy);
}

void
agent_answer_end(struct agent_answer *a)
{
	if (chan.fd >= 0 && a->channel == n_channels)
		(void)ipc_send_tag(&chan, IPC_ANSWER, AGENT_LAST_PIECE, a->tag,
		    NULL, 0, NULL, 0);
	if (a->on_heap)
		free(a);
}
