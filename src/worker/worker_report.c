/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_report - handing connections over, and what the operator is told of
 * it: to the keeper (and through it the master) at the end of the first pass,
 * then at most once a second while numbers change; to the ledger always.
 */
#include "worker_int.h"

#include <base/clock.h>
#include <base/must.h>
#include <cnt/cnt.h>
#include <hand/hand.h>
#include <mux/mux.h>
#include <os/fault.h>

#include <stdio.h>
#include <string.h>

#define NEWS_MS  1000
#define AGAIN_MS 5000           /* until another new worker is named */

struct report {
	struct ipc_carried head;
	struct ipc_rows rows;
	struct ipc_row row[IPC_ROWS_MAX];
};
_Static_assert(sizeof(struct report) <= 4096, "W_CARRIED in msg.def");

static bool gave_once;
static int64_t began_us;
static struct report said;
static struct tmr news, again;
static struct hand_counts counted;      /* in the ledger already */
static uint32_t took_counted;

/* ---- the ledger ---- */

/* The kinds that have a counter of their own. */
static const struct {
	const char *kind;
	size_t at;              /* in struct cnt_proc */
} kind_counters[] = {
#define KIND(name, field) { name, offsetof(struct cnt_proc, field) }
	KIND("tcp", handover_tcp),
	KIND("http-idle", handover_http_idle),
	KIND("http-exchange", handover_http_exchange),
	KIND("tunnel", handover_tunnel),
	KIND("queued", handover_queued),
	KIND("server-idle", handover_server_idle),
#undef KIND
};

_Static_assert(offsetof(struct cnt_proc, handover_wait_50ms) -
    offsetof(struct cnt_proc, handover_wait_250us) ==
    (HAND_WAITS - 1) * sizeof(uint64_t), "a counter for each of hand_wait_us");

static uint64_t
carried_of(const struct report *r, const char *kind)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->rows.n; i++)
		if (strcmp(r->row[i].kind, kind) == 0)
			n += r->row[i].carried;
	return (n);
}

static void
count(const struct report *now, const struct hand_counts *c)
{
	struct cnt_proc *cnt = CNT_PROC();
	uint64_t *waits = (uint64_t *)(void *)((char *)cnt +
	    offsetof(struct cnt_proc, handover_wait_250us));

	cnt->handover_given += c->carried - counted.carried;
	cnt->handover_refused += c->refused - counted.refused;
	cnt->handover_closed += c->closed - counted.closed;
	cnt->handover_wait_us += c->waited_us - counted.waited_us;
	for (size_t i = 0; i < HAND_WAITS; i++)
		waits[i] += c->waits[i] - counted.waits[i];
	for (size_t i = 0; i < NELEM(kind_counters); i++)
		*(uint64_t *)(void *)((char *)cnt + kind_counters[i].at) +=
		    carried_of(now, kind_counters[i].kind) -
		    carried_of(&said, kind_counters[i].kind);
	counted = *c;
}

void
worker_report_taken(void)
{
	uint32_t took = hand_taken();

	CNT_PROC()->handover_taken += took - took_counted;
	took_counted = took;
}

/* ---- a report ---- */

static void
fill(struct report *r, const struct hand_counts *c)
{
	struct hand_row rows[IPC_ROWS_MAX];
	size_t n = hand_rows(rows, NELEM(rows));

	memset(r, 0, sizeof *r);
	r->head = (struct ipc_carried){ the_worker.start->no, c->carried,
	    c->left, c->refused };
	r->rows.version = IPC_ROWS_VERSION;
	r->rows.n = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		struct ipc_row *row = &r->row[i];

		snprintf(row->kind, sizeof row->kind, "%s", rows[i].kind);
		if (rows[i].why != NULL)
			snprintf(row->why, sizeof row->why, "%s",
			    rows[i].why);
		row->carried = rows[i].carried;
		row->left = rows[i].left;
		row->closed = rows[i].closed;
	}
}

static void
send_report(enum ipc_carry event)
{
	struct hand_counts c;
	struct report now;

	hand_now(&c);
	fill(&now, &c);
	count(&now, &c);
	if (event == IPC_CARRY_NEWS && memcmp(&now, &said, sizeof now) == 0)
		return;
	said = now;
	now.rows.event = (uint16_t)event;
	if (!fault_at("worker.carried"))
		(void)ipc_send(&the_worker.keeper, IPC_W_CARRIED, &now,
		    offsetof(struct report, row) + now.rows.n *
		    sizeof now.row[0], NULL, 0);
}

static void
on_news(struct tmr *t)
{
	send_report(IPC_CARRY_NEWS);
	tmr_arm(&the_loop->wheel, t, the_loop->now_ms + NEWS_MS);
}

void
worker_report_last(void)
{
	worker_report_taken();
	if (gave_once)
		send_report(IPC_CARRY_NEWS);
}

/* ---- handing over ---- */

/* The first pass is over: the master may go on. Who has to wait a little
 * follows. */
static void
passed(void)
{
	struct cnt_proc *cnt = CNT_PROC();

	send_report(IPC_CARRY_PASSED);
	if (the_worker.reported)
		return;
	the_worker.reported = true;
	cnt->handover_passes++;
	cnt->handover_us += (uint64_t)(clock_mono_us() - began_us);
	tmr_arm(&the_loop->wheel, &news, the_loop->now_ms + NEWS_MS);
	worker_leave_if_empty();
}

/* What is idle and stays is closed before the report, so that this tells of
 * it: a moment later there may be nobody to ask. */
static void
ended(void)
{
	struct hand_counts c;

	if (!the_worker.leaving) {
		worker_close_idle(0);
		hand_now(&c);
		CNT_PROC()->handover_lingered += c.left;
	}
	if (!the_worker.reported)
		passed();
	else
		send_report(IPC_CARRY_NEWS);
	worker_leave_if_empty();
}

/* The new worker is gone. The master names another one, unless it is gone
 * itself, or has tried often. */
static void
broken(void)
{
	CNT_PROC()->handover_broken++;
	send_report(IPC_CARRY_BROKEN);
	if (the_worker.alone)
		worker_leave();
	tmr_stop(&the_loop->wheel, &again);
	tmr_arm(&the_loop->wheel, &again, the_loop->now_ms + AGAIN_MS);
}

static void
on_again(struct tmr *t)
{
	(void)t;
	if (the_worker.told_to_leave)
		worker_leave();
}

static void
heard(enum hand_event event, const struct hand_counts *c)
{
	(void)c;                /* send_report() looks itself */
	switch (event) {
	case HAND_PASSED:
		passed();
		break;
	case HAND_ENDED:
		ended();
		break;
	case HAND_BROKEN:
		broken();
		break;
	case HAND_STUCK:
		CNT_PROC()->handover_stuck++;
		send_report(IPC_CARRY_STUCK);
		break;
	}
}

void
worker_give(int fd)
{
	if (!gave_once) {
		began_us = clock_mono_us();
		tmr_init(&news, on_news);
		tmr_init(&again, on_again);
	}
	gave_once = true;
	tmr_stop(&the_loop->wheel, &again);
	hand_give(the_loop, fd, heard);
}
