/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_give - the old worker's side: look at each connection, freeze what can
 * go, keep it until it was answered.
 *
 * Two phases: a frozen connection is not served and not freed. Ack: it is the
 * other one's. Nack, or the other one's death: it is served on here. One that
 * was on its way at several deaths may be what they died of: it stays.
 */
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <ipc/ipc.h>
#include <os/fault.h>
#include <os/loop.h>

#include "hand_int.h"

#define IN_FLIGHT_MAX   64      /* sent and not answered */
#define LOOKS_PER_TURN  512     /* so that others get their turn */
#define AGAIN_MS        20      /* until those who said soon are asked */
#define STUCK_MS        4000    /* without an answer */
#define IMPATIENT_MS    200     /* the same, in tests */

struct giver {
	struct ipc_chan chan;
	hand_heard_fn *heard;
	struct hand_item *flying[IN_FLIGHT_MAX];
	unsigned n_flying;
	uint32_t last_id;
	uint32_t pass_left;     /* items not looked at in this pass */
	bool first_pass, any_soon;
	int64_t answered_ms;    /* or began; INT64_MAX: said to be stuck */
	int64_t patience_ms;
	struct tmr timer;
};

struct list hand_items = LIST_INIT(hand_items);
uint32_t hand_items_n;
uint32_t hand_took_n;

static struct giver *giver;             /* of this process; NULL: none */
static struct hand_counts gave;         /* so far, by all givers */

/* ---- the list ---- */

void
hand_enter(struct hand_item *i, const struct hand_kind *kind, void *conn)
{
	i->kind = kind;
	i->conn = conn;
	i->id = 0;
	i->refused = false;
	i->deaths = 0;
	list_push_back(&hand_items, &i->node);
	hand_items_n++;
}

void
hand_leave(struct hand_item *i)
{
	MUST(i->id == 0);
	if (!list_linked(&i->node))
		return;
	list_del(&i->node);
	hand_items_n--;
}

uint32_t
hand_n_items(void)
{
	return (hand_items_n);
}

void
hand_now(struct hand_counts *out, uint32_t *took)
{
	*out = gave;
	out->left = hand_items_n;
	*took = hand_took_n;
}

/* ---- the end ---- */

static void
say(struct giver *g, enum hand_event event)
{
	gave.left = hand_items_n;
	g->heard(event, &gave);
}

static void
say_passed(struct giver *g)
{
	if (g->first_pass)
		say(g, HAND_PASSED);
	g->first_pass = false;
}

static struct hand_item *
take_flying(struct giver *g, uint32_t id)
{
	for (unsigned i = 0; i < g->n_flying; i++) {
		struct hand_item *it = g->flying[i];

		if (it->id != id)
			continue;
		g->flying[i] = g->flying[--g->n_flying];
		it->id = 0;
		return (it);
	}
	return (NULL);
}

/* Nothing more will go this way: what flies comes back. */
static void
end(struct giver *g)
{
	tmr_stop(&the_loop->wheel, &g->timer);
	ipc_close(&g->chan);
	giver = NULL;
	while (g->n_flying > 0) {
		struct hand_item *it = take_flying(g, g->flying[0]->id);

		if (++it->deaths >= HAND_DEATHS_MAX) {
			it->refused = true;
			gave.refused++;
		}
		it->kind->back(it->conn);
	}
	free(g);
}

static void
broken(struct giver *g)
{
	hand_heard_fn *heard = g->heard;

	end(g);
	gave.left = hand_items_n;
	heard(HAND_BROKEN, &gave);
}

/* ---- giving ---- */

static size_t
put_name(char *mem, const struct hand_kind *kind)
{
	size_t n = strlen(kind->name);

	MUST(n > 0 && n < 256);
	mem[0] = (char)(uint8_t)n;
	memcpy(mem + 1, kind->name, n);
	return (n + 1);
}

static bool
offer(struct giver *g, struct hand_item *it)
{
	static char mem[IPC_BYTES_MAX];
	size_t head = put_name(mem, it->kind), n_fds = 0;
	struct wire_out out;
	int fds[HAND_FDS_MAX];

	wire_out_init(&out, mem + head, sizeof mem - head);
	if (!it->kind->freeze(it->conn, &out, fds, &n_fds))
		return (false);
	MUST(n_fds <= HAND_FDS_MAX);
	if (++g->last_id == 0)
		g->last_id = 1;
	if (out.over || !ipc_send_tag(&g->chan, IPC_OFFER, it->kind->layout,
	    g->last_id, mem, head + out.n, fds, n_fds)) {
		it->refused = out.over;
		it->kind->back(it->conn);
		return (false);
	}
	if (g->n_flying == 0)
		g->answered_ms = the_loop->now_ms;
	it->id = g->last_id;
	g->flying[g->n_flying++] = it;
	return (true);
}

static void
look_at(struct giver *g, struct hand_item *it)
{
	if (it->refused)
		return;
	switch (it->kind->can(it->conn)) {
	case HAND_NOW:
		if (!offer(g, it))
			g->any_soon = true;
		break;
	case HAND_SOON:
		g->any_soon = true;
		break;
	case HAND_NEVER:
		if (g->first_pass)
			gave.never++;
		break;
	}
}

/* A pass looks at every item once; who was looked at goes to the end. */
static void
pump(struct giver *g)
{
	unsigned looks = 0;

	while (g->pass_left > 0 && g->n_flying < IN_FLIGHT_MAX &&
	    looks++ < LOOKS_PER_TURN && !list_empty(&hand_items)) {
		struct hand_item *it = LIST_ITEM(hand_items.next,
		    struct hand_item, node);

		g->pass_left--;
		list_del(&it->node);
		list_push_back(&hand_items, &it->node);
		if (it->id == 0)
			look_at(g, it);
	}
	if (list_empty(&hand_items))
		g->pass_left = 0;
}

static void
begin_pass(struct giver *g)
{
	g->pass_left = hand_items_n;
	g->any_soon = false;
}

static void
go_on(struct giver *g)
{
	int64_t wait = AGAIN_MS;

	pump(g);
	if (g->chan.fd < 0) {
		broken(g);
		return;
	}
	if (g->pass_left > 0)
		wait = g->n_flying < IN_FLIGHT_MAX ? 0 : AGAIN_MS;
	else if (g->n_flying == 0) {
		say_passed(g);
		if (!g->any_soon || hand_items_n == 0) {
			(void)ipc_send(&g->chan, IPC_HAND_END, NULL, 0, NULL,
			    0);
			end(g);
			return;
		}
	}
	tmr_stop(&the_loop->wheel, &g->timer);
	tmr_arm(&the_loop->wheel, &g->timer, the_loop->now_ms + wait);
}

static void
on_timer(struct tmr *t)
{
	struct giver *g = HOLDER(t, struct giver, timer);

	if (g->pass_left == 0 && g->n_flying == 0)
		begin_pass(g);
	else if (g->n_flying > 0 && the_loop->now_ms >= g->answered_ms +
	    g->patience_ms) {
		g->answered_ms = INT64_MAX - g->patience_ms;
		say(g, HAND_STUCK);
	}
	go_on(g);
}

static void
on_taker(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	struct giver *g = arg;
	struct hand_item *it;

	(void)c;
	if (m == NULL) {
		broken(g);
		return;
	}
	g->answered_ms = the_loop->now_ms;
	if ((it = take_flying(g, m->tag)) == NULL)
		return;
	if (m->type == IPC_ACK) {
		gave.carried++;
		hand_leave(it);
		it->kind->gone(it->conn);
	} else {
		gave.refused++;
		it->refused = true;
		it->kind->back(it->conn);
	}
	if (g->n_flying == 0 || g->pass_left > 0)
		go_on(g);
}

void
hand_give(struct loop *loop, int fd, hand_heard_fn *heard)
{
	struct giver *g = must_alloc(sizeof *g);

	if (giver != NULL)
		end(giver);
	giver = g;
	g->heard = heard;
	g->first_pass = true;
	g->answered_ms = loop->now_ms;
	g->patience_ms = fault_at("hand.patience") ? IMPATIENT_MS : STUCK_MS;
	tmr_init(&g->timer, on_timer);
	ipc_open(&g->chan, fd, IPC_WORKER, IPC_WORKER, loop, on_taker, g);
	begin_pass(g);
	tmr_arm(&loop->wheel, &g->timer, loop->now_ms);
}
