/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_give - the old worker's side: look at each connection, freeze what can
 * go, keep it until it was answered.
 *
 * Two phases: a frozen connection is not served and not freed. Ack: it is the
 * other one's. Nack, or the other one's death: it is served on here.
 */
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <ipc/ipc.h>
#include <os/loop.h>

#include "hand_int.h"

#define IN_FLIGHT_MAX   64      /* sent and not answered */
#define LOOKS_PER_TURN  512     /* so that others get their turn */
#define AGAIN_MS        20      /* until those who said soon are asked */

struct giver {
	struct ipc_chan chan;
	hand_done_fn *done;
	struct hand_counts counts;
	struct hand_item *flying[IN_FLIGHT_MAX];
	unsigned n_flying;
	uint32_t last_id;
	uint32_t pass_left;     /* items not looked at in this pass */
	bool first_pass, any_soon;
	struct tmr timer;
};

struct list hand_items = LIST_INIT(hand_items);
uint32_t hand_items_n;
uint32_t hand_took_n;

static struct giver *giver;             /* of this process; NULL: none */
static struct hand_counts gave;         /* kept when it has ended */

/* ---- the list ---- */

void
hand_enter(struct hand_item *i, const struct hand_kind *kind, void *conn)
{
	i->kind = kind;
	i->conn = conn;
	i->id = 0;
	i->refused = false;
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
	*out = giver != NULL ? giver->counts : gave;
	out->left = hand_items_n;
	*took = hand_took_n;
}

/* ---- the end ---- */

static void
say_done(struct giver *g)
{
	hand_done_fn *done = g->done;

	g->counts.left = hand_items_n;
	g->done = NULL;
	gave = g->counts;
	if (done != NULL)
		done(&gave);
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

/* Nothing more will go: what flies comes back. */
static void
end(struct giver *g)
{
	tmr_stop(&the_loop->wheel, &g->timer);
	ipc_close(&g->chan);
	giver = NULL;
	while (g->n_flying > 0) {
		struct hand_item *it = take_flying(g, g->flying[0]->id);

		it->kind->back(it->conn);
	}
	say_done(g);
	free(g);
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
			g->counts.never++;
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
		end(g);
		return;
	}
	if (g->pass_left > 0)
		wait = g->n_flying < IN_FLIGHT_MAX ? 0 : AGAIN_MS;
	else if (g->n_flying == 0) {
		if (g->first_pass && g->any_soon) {
			g->first_pass = false;
			say_done(g);
		}
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
	go_on(g);
}

static void
on_taker(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	struct giver *g = arg;
	struct hand_item *it;

	(void)c;
	if (m == NULL) {
		end(g);
		return;
	}
	if ((it = take_flying(g, m->tag)) == NULL)
		return;
	if (m->type == IPC_ACK) {
		g->counts.carried++;
		hand_leave(it);
		it->kind->gone(it->conn);
	} else {
		g->counts.refused++;
		it->refused = true;
		it->kind->back(it->conn);
	}
	if (g->n_flying == 0 || g->pass_left > 0)
		go_on(g);
}

void
hand_give(struct loop *loop, int fd, hand_done_fn *done)
{
	struct giver *g = must_alloc(sizeof *g);

	if (giver != NULL)
		end(giver);
	giver = g;
	g->done = done;
	g->first_pass = true;
	tmr_init(&g->timer, on_timer);
	ipc_open(&g->chan, fd, IPC_WORKER, IPC_WORKER, loop, on_taker, g);
	begin_pass(g);
	tmr_arm(&loop->wheel, &g->timer, loop->now_ms);
}
