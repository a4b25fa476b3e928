/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side of the topics: telling workers, asking them, gathering.
 */
#include <stdlib.h>
#include <string.h>

#include <agent/agent.h>
#include <base/must.h>
#include <os/fault.h>
#include <os/loop.h>

#include "agent_int.h"

#define UNANSWERED_MAX 1000      /* questions that wait for one worker */

struct ask {
	struct list node;
	uint32_t id;
	int n_pending;
	agent_piece_fn *piece;
	agent_done_fn *done;
	void *arg;
	struct tmr timer;
	uint8_t pending[IPC_PROCS_MAX + 1];     /* by worker number */
};

struct list agent_workers = LIST_INIT(agent_workers);
void (*agent_on_worker)(struct agent_worker *, bool came);

static struct list asks = LIST_INIT(asks);
static uint32_t last_ask;

extern const struct agent_topic *const __start_agent_topics[]
    __attribute__((weak));
extern const struct agent_topic *const __stop_agent_topics[]
    __attribute__((weak));

uint16_t
agent_topic_no(const struct agent_topic *t)
{
	const struct agent_topic *const *p = __start_agent_topics;

	while (p < __stop_agent_topics && *p != t)
		p++;
	MUST(p < __stop_agent_topics);
	return ((uint16_t)(p - __start_agent_topics));
}

const struct agent_topic *
agent_topic_at(uint16_t no)
{
	if (__start_agent_topics == NULL ||
	    no >= __stop_agent_topics - __start_agent_topics)
		return (NULL);
	return (__start_agent_topics[no]);
}

/* ---- telling ---- */

void
agent_tell(struct agent_worker *w, const struct agent_topic *t,
    const void *data, size_t n)
{
	(void)ipc_send_tag(&w->chan, IPC_TELL, agent_topic_no(t), 0, data, n,
	    NULL, 0);
}

void
agent_broadcast(const struct agent_topic *t, const void *data, size_t n)
{
	LIST_EACH(it, &agent_workers)
		agent_tell(LIST_ITEM(it, struct agent_worker, node), t, data,
		    n);
}

/* ---- asking ---- */

static void
finish(struct ask *a)
{
	agent_done_fn *done = a->done;
	void *arg = a->arg;
	int missing = a->n_pending;

	tmr_stop(&the_loop->wheel, &a->timer);
	list_del(&a->node);
	free(a);
	if (done != NULL)
		done(missing, arg);
}

static void
on_ask_timer(struct tmr *t)
{
	finish(HOLDER(t, struct ask, timer));
}

uint32_t
agent_ask(const struct agent_topic *t, const void *data, size_t n, int ms,
    agent_piece_fn *piece, agent_done_fn *done, void *arg)
{
	struct ask *a = must_alloc(sizeof *a);

	if (++last_ask == 0)
		last_ask = 1;
	a->id = last_ask;
	a->piece = piece;
	a->done = done;
	a->arg = arg;
	tmr_init(&a->timer, on_ask_timer);
	list_push_back(&asks, &a->node);
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *w =
		    LIST_ITEM(it, struct agent_worker, node);

		/* one that does not read is missing, and costs nothing */
		if (w->unanswered < UNANSWERED_MAX) {
			if (!ipc_send_tag(&w->chan, IPC_ASK,
			    agent_topic_no(t), a->id, data, n, NULL, 0))
				continue;
			w->unanswered++;
		}
		a->pending[w->no] = 1;
		a->n_pending++;
	}
	tmr_arm(&the_loop->wheel, &a->timer,
	    the_loop->now_ms + (a->n_pending == 0 ? 0 : ms));
	return (a->id);
}

static struct ask *
find_ask(uint32_t id)
{
	LIST_EACH(it, &asks)
		if (LIST_ITEM(it, struct ask, node)->id == id)
			return (LIST_ITEM(it, struct ask, node));
	return (NULL);
}

void
agent_ask_drop(uint32_t id)
{
	struct ask *a = find_ask(id);

	if (a == NULL)
		return;
	a->done = NULL;
	a->piece = NULL;
	finish(a);
}

static void
worker_ended(struct ask *a, int no)
{
	if (!a->pending[no])
		return;
	a->pending[no] = 0;
	if (--a->n_pending == 0)
		finish(a);
}

static void
on_answer(struct agent_worker *w, const struct ipc_msg *m)
{
	struct ask *a = find_ask(m->tag);

	if ((m->flags & AGENT_LAST_PIECE) != 0 && w->unanswered > 0)
		w->unanswered--;
	if (a == NULL || !a->pending[w->no])
		return;
	if (m->data.n != 0 && a->piece != NULL)
		a->piece(w, m->data, a->arg);
	/* The callback may have dropped it. */
	if ((m->flags & AGENT_LAST_PIECE) != 0 &&
	    (a = find_ask(m->tag)) != NULL)
		worker_ended(a, w->no);
}

/* ---- workers ---- */

static void
on_worker(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	struct agent_worker *w = arg;
	const struct agent_topic *t;

	(void)c;
	if (m == NULL) {
		agent_worker_drop(w);
		return;
	}
	if (m->type == IPC_ANSWER) {
		on_answer(w, m);
		return;
	}
	t = agent_topic_at(m->flags);
	if (m->type == IPC_SAY && t != NULL && t->said != NULL)
		t->said(w, m->data);
}

static void
tell_kept(uint16_t topic, struct span data, void *worker)
{
	struct agent_worker *w = worker;

	(void)ipc_send_tag(&w->chan, IPC_TELL, topic, 0, data.p, data.n, NULL,
	    0);
}

void
agent_worker_add(struct loop *loop, int no, pid_t pid, int fd)
{
	struct agent_worker *w = must_alloc(sizeof *w);

	(void)fault_at("agent.worker");
	w->no = no;
	w->pid = pid;
	ipc_open(&w->chan, fd, IPC_AGENT, IPC_WORKER, loop, on_worker, w);
	list_push_back(&agent_workers, &w->node);
	agent_kept_each(tell_kept, w);
	if (agent_on_worker != NULL)
		agent_on_worker(w, true);
	agent_settle();
}

void
agent_worker_drop(struct agent_worker *w)
{
	list_del(&w->node);
	ipc_close(&w->chan);
	/* One may end all: callbacks change the list, so start over. */
	for (struct list *it = asks.next; it != &asks;) {
		struct ask *a = LIST_ITEM(it, struct ask, node);

		if (a->pending[w->no]) {
			worker_ended(a, w->no);
			it = asks.next;
		} else
			it = it->next;
	}
	if (agent_on_worker != NULL)
		agent_on_worker(w, false);
	free(w);
}

struct agent_worker *
agent_worker_find(pid_t pid)
{
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *w =
		    LIST_ITEM(it, struct agent_worker, node);

		if (w->pid == pid)
			return (w);
	}
	return (NULL);
}
