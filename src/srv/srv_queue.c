/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_queue - one queue per backend and server for all workers.
 *
 * A waiting stream has a ticket. Whoever frees a place hands it to the first
 * ticket (the count of the server does not move), puts the ticket into its
 * owner's box and wakes the owner by a datagram to a socket with an abstract
 * name, which any process of any generation can reach without holding a
 * descriptor of it. The datagram is only a bell: a lost one costs some
 * milliseconds, as waiting streams look into the box from time to time.
 *
 * A backend's lock guards its queue and those of its servers. A lock whose
 * owner died is followed by a repair: the queues are made again from the
 * tickets.
 */
#include "srv_int.h"

#include <base/must.h>
#include <os/fd.h>
#include <os/loop.h>
#include <srv/state.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOK_MS 100             /* into the box, in case the bell was lost */

struct bells {                  /* processes to wake, when locks are free */
	uint64_t bit[SHM_PROCS / 64];
};

static struct srv_slot **slots;         /* of this process, by ticket */
static uint32_t n_slots;
static unsigned n_waiting;
static int my_no = -1;
static int bell_fd = -1, ring_fd = -1;
static struct tmr look_tmr;
static bool looking;                    /* look_tmr is armed */
static uint32_t repairs_seen;           /* srv_glob->repairs then */

static void fetch(void);

/* ---- tickets ---- */

static struct srv_ticket *
ticket_at(uint32_t no)
{
	MUST(no != 0 && no < TICKETS);
	return (&srv_glob->ticket[no]);
}

/* The list of free tickets may be half changed: make it again. */
static void
repair_free(void)
{
	srv_glob->free_ticket = 0;
	for (uint32_t i = srv_glob->n_tickets; --i > 0;) {
		if (atomic_load(&srv_glob->ticket[i].state) != TICKET_FREE)
			continue;
		srv_glob->ticket[i].next = srv_glob->free_ticket;
		srv_glob->free_ticket = i;
	}
}

static uint32_t
ticket_get(void)
{
	uint32_t no;

	if (shm_lock(&srv_glob->lock))
		repair_free();
	no = srv_glob->free_ticket;
	if (no != 0)
		srv_glob->free_ticket = srv_glob->ticket[no].next;
	else if (srv_glob->n_tickets < TICKETS)
		no = srv_glob->n_tickets++;
	if (no != 0) {
		srv_glob->ticket[no].proc_no = (uint32_t)my_no;
		srv_glob->ticket[no].be_at = 0;
		srv_glob->ticket[no].grant_tag = 0;
		atomic_store(&srv_glob->ticket[no].state, TICKET_GRANTED);
	}
	shm_unlock(&srv_glob->lock);
	return (no);
}

static void
ticket_put(uint32_t no)
{
	if (shm_lock(&srv_glob->lock))
		repair_free();
	atomic_store(&srv_glob->ticket[no].state, TICKET_FREE);
	srv_glob->ticket[no].next = srv_glob->free_ticket;
	srv_glob->free_ticket = no;
	shm_unlock(&srv_glob->lock);
}

/* ---- queues; under the backend's lock ---- */

struct ends {
	uint32_t *head, *tail;
	_Atomic uint32_t *n;
};

static struct ends
queue_of(struct be_shm *be, struct srv_shm *srv)
{
	if (srv != NULL)
		return ((struct ends){ &srv->q_head, &srv->q_tail,
		    &srv->queued });
	return ((struct ends){ &be->q_head, &be->q_tail, &be->queued });
}

/* Into its place by age; nearly always that is the end. */
static void
insert(struct be_shm *be, struct srv_shm *srv, uint32_t no)
{
	struct ends q = queue_of(be, srv);
	struct srv_ticket *t = ticket_at(no);
	uint32_t after = *q.tail;

	while (after != 0 && ticket_at(after)->seq > t->seq)
		after = ticket_at(after)->prev;
	t->prev = after;
	t->next = after == 0 ? *q.head : ticket_at(after)->next;
	if (after == 0)
		*q.head = no;
	else
		ticket_at(after)->next = no;
	if (t->next == 0)
		*q.tail = no;
	else
		ticket_at(t->next)->prev = no;
	t->srv_at = srv == NULL ? 0 : srv_off(srv);
	t->be_at = srv_off(be);
	atomic_store(&t->state, TICKET_WAITING);
	atomic_fetch_add(q.n, 1);
	if (srv != NULL)
		raise_max(&srv->queued_max, atomic_load(q.n));
	raise_max(&be->queued_max, atomic_fetch_add(&be->queued_all, 1) + 1);
}

static void
unlink_ticket(struct srv_ticket *t)
{
	struct be_shm *be = srv_at(t->be_at);
	struct ends q = queue_of(be, t->srv_at == 0 ? NULL :
	    srv_at(t->srv_at));

	if (t->prev == 0)
		*q.head = t->next;
	else
		ticket_at(t->prev)->next = t->next;
	if (t->next == 0)
		*q.tail = t->prev;
	else
		ticket_at(t->next)->prev = t->prev;
	t->next = t->prev = 0;
	atomic_fetch_sub(q.n, 1);
	atomic_fetch_sub(&be->queued_all, 1);
}

static void
clear_queue(struct be_shm *be, struct srv_shm *srv)
{
	struct ends q = queue_of(be, srv);

	*q.head = *q.tail = 0;
	atomic_store(q.n, 0);
}

/* The owner of the lock died inside: the tickets know the truth. */
static void
repair(struct be *be)
{
	struct be_shm *sh = be->shm;
	uint32_t n = srv_glob->n_tickets;

	atomic_fetch_add(&srv_glob->repairs, 1);
	clear_queue(sh, NULL);
	for (uint32_t i = 0; i < be->n; i++)
		clear_queue(sh, be->srv[i]->shm);
	atomic_store(&sh->queued_all, 0);
	for (uint32_t i = 1; i < n; i++) {
		struct srv_ticket *t = &srv_glob->ticket[i];

		if (atomic_load(&t->state) == TICKET_WAITING &&
		    t->be_at == srv_off(sh))
			insert(sh, t->srv_at == 0 ? NULL : srv_at(t->srv_at),
			    i);
	}
}

static void
lock(struct be *be)
{
	if (shm_lock(&be->shm->lock))
		repair(be);
}

/* ---- bells ---- */

static socklen_t
bell_name(struct sockaddr_un *un, uint32_t proc_no)
{
	int n;

	memset(un, 0, sizeof *un);
	un->sun_family = AF_UNIX;
	n = snprintf(un->sun_path + 1, sizeof un->sun_path - 1,
	    "ecluse-%016llx-%u", (unsigned long long)srv_glob->id, proc_no);
	return ((socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)n));
}

static void
ring(const struct bells *b)
{
	struct sockaddr_un un;
	socklen_t len;

	for (uint32_t no = 0; no < SHM_PROCS; no++) {
		if ((b->bit[no / 64] >> no % 64 & 1) == 0)
			continue;
		if (ring_fd < 0)
			ring_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC |
			    SOCK_NONBLOCK, 0);
		len = bell_name(&un, no);
		if (ring_fd >= 0)
			(void)sendto(ring_fd, "", 1, MSG_NOSIGNAL,
			    (struct sockaddr *)&un, len);
	}
}

void
queue_ring_owners(uint32_t id)
{
	struct bells b = { { 0 } };

	for (uint32_t no = 0; no < SHM_PROCS; no++)
		if (*(volatile uint64_t *)&srv_glob->own[no][id] >> 32 != 0)
			b.bit[no / 64] |= UINT64_C(1) << no % 64;
	ring(&b);
}

/* The ticket gets our place on `srv`: into the box. */
static void
grant(struct srv_ticket *t, struct srv *srv, struct bells *b)
{
	_Atomic uint32_t *box = &srv_glob->box[t->proc_no];
	uint32_t no = (uint32_t)(t - srv_glob->ticket);
	uint32_t top = atomic_load(box);

	unlink_ticket(t);
	t->srv_at = srv_off(srv->shm);
	t->srv_no = srv->no;
	t->grant_tag = srv_count_pass_begin(srv->shm->own);
	atomic_store(&t->state, TICKET_GRANTED);
	srv_count_pass_end(srv->shm->own);
	do
		t->box_next = top;
	while (!atomic_compare_exchange_weak(box, &top, no));
	b->bit[t->proc_no / 64] |= UINT64_C(1) << t->proc_no % 64;
}

/* The ticket that a place on `srv` is for; NULL: nobody wants one. */
static struct srv_ticket *
first_for(struct srv *srv)
{
	uint32_t no = srv_is_up(srv) ? srv->shm->q_head : 0;

	if (no == 0 && atomic_load(&srv->shm->in_set))
		no = srv->be->shm->q_head;
	return (no == 0 ? NULL : ticket_at(no));
}

bool
queue_pass(struct srv *srv)
{
	struct srv_ticket *t = NULL;
	struct bells b = { { 0 } };

	lock(srv->be);
	if (atomic_load(&srv->shm->inflight) <= srv_max(srv))
		t = first_for(srv);
	if (t != NULL)
		grant(t, srv, &b);
	shm_unlock(&srv->be->shm->lock);
	ring(&b);
	return (t != NULL);
}

static void
serve_own(struct srv *srv, struct bells *b)
{
	while (srv->shm->q_head != 0 && srv_is_up(srv) && srv_reserve(srv))
		grant(ticket_at(srv->shm->q_head), srv, b);
}

void
queue_serve(struct be *be)
{
	struct bells b = { { 0 } };
	struct srv *srv;

	if (atomic_load(&be->shm->queued_all) == 0)
		return;
	lock(be);
	for (uint32_t i = 0; i < be->n; i++)
		serve_own(be->srv[i], &b);
	while (be->shm->q_head != 0 &&
	    (srv = be->lb->pick(be, NULL, NULL)) != NULL && srv_reserve(srv))
		grant(ticket_at(be->shm->q_head), srv, &b);
	shm_unlock(&be->shm->lock);
	ring(&b);
}

uint32_t
srv_requeue(struct srv *srv)
{
	uint32_t n = 0, no;

	if (atomic_load(&srv->shm->queued) == 0)
		return (0);
	lock(srv->be);
	while ((no = srv->shm->q_head) != 0) {
		unlink_ticket(ticket_at(no));
		insert(srv->be->shm, NULL, no);
		n++;
	}
	shm_unlock(&srv->be->shm->lock);
	queue_serve(srv->be);
	return (n);
}

/* ---- the waiting side ---- */

static bool
remember(uint32_t no, struct srv_slot *slot)
{
	uint32_t n = n_slots == 0 ? 256 : n_slots;
	struct srv_slot **p;

	while (n <= no)
		n *= 2;
	if (n > n_slots) {
		if ((p = realloc(slots, n * sizeof *p)) == NULL)
			return (false);
		memset(p + n_slots, 0, (n - n_slots) * sizeof *p);
		slots = p;
		n_slots = n;
	}
	slots[no] = slot;
	return (true);
}

static void
keep_looking(void)
{
	if (n_waiting == 0 || looking)
		return;
	looking = true;
	tmr_arm(&the_loop->wheel, &look_tmr, the_loop->now_ms + LOOK_MS);
}

/*
 * Where a stream stands in a queue, the smallest first: by class, then by
 * when it came, moved by its offset, then one behind the other. 12 bits, 38
 * (eight years of milliseconds), 14 (that many may come in one of them).
 */
#define SEQ_BITS 14
#define TIME_BITS 38

static int64_t
within(int64_t v, int64_t most)
{
	return (v < -most ? -most : v > most ? most : v);
}

static uint64_t
place_of(const struct srv_slot *slot)
{
	uint64_t class = (uint64_t)(within(slot->prio_class,
	    TXN_PRIO_CLASS_MAX) + TXN_PRIO_CLASS_MAX);
	uint64_t ms = (uint64_t)(the_loop->now_ms + TXN_PRIO_MS_MAX +
	    within(slot->prio_ms, TXN_PRIO_MS_MAX));
	uint64_t seq = atomic_fetch_add(&srv_glob->seq, 1);

	return (class << (TIME_BITS + SEQ_BITS) |
	    (ms & ((UINT64_C(1) << TIME_BITS) - 1)) << SEQ_BITS |
	    (seq & ((UINT64_C(1) << SEQ_BITS) - 1)));
}

enum why
queue_push(struct be *be, struct srv *srv, struct srv_slot *slot)
{
	return (queue_push_at(be, srv, slot, place_of(slot)));
}

enum why
queue_push_at(struct be *be, struct srv *srv, struct srv_slot *slot,
    uint64_t seq)
{
	uint32_t no;

	if (my_no < 0 || (no = ticket_get()) == 0)
		return (WHY_QUEUE_FULL);
	if (!remember(no, slot)) {
		ticket_put(no);
		return (WHY_NOMEM);
	}
	slot->state = SRV_SLOT_QUEUED;
	slot->ticket = no;
	slot->srv = srv;
	n_waiting++;
	ticket_at(no)->seq = seq;
	lock(be);
	insert(be->shm, srv == NULL ? NULL : srv->shm, no);
	shm_unlock(&be->shm->lock);
	/* A place that was freed before we stood in the queue is for us. */
	queue_serve(be);
	keep_looking();
	return (WHY_AGAIN);
}

uint64_t
srv_queue_place(const struct srv_slot *slot)
{
	MUST(slot->state == SRV_SLOT_QUEUED);
	return (ticket_at(slot->ticket)->seq);
}

void
queue_leave(struct srv_slot *slot)
{
	struct srv_ticket *t = ticket_at(slot->ticket);
	bool waiting;

	slots[slot->ticket] = NULL;
	n_waiting--;
	lock(slot->be);
	waiting = atomic_load(&t->state) == TICKET_WAITING;
	if (waiting)
		unlink_ticket(t);
	shm_unlock(&slot->be->shm->lock);
	if (waiting)
		ticket_put(slot->ticket);
	/* else it is in the box, and fetch() passes the place on */
}

static struct srv *
granted_srv(const struct be *be, const struct srv_ticket *t)
{
	const struct srv_shm *sh = srv_at(t->srv_at);

	if (t->srv_no < be->n && be->srv[t->srv_no]->shm == sh)
		return (be->srv[t->srv_no]);
	for (uint32_t i = 0; i < be->n; i++)
		if (be->srv[i]->shm == sh)
			return (be->srv[i]);
	return (NULL);
}

/* The ticket's place becomes ours, the ticket is free. */
static void
take_place(uint32_t no)
{
	struct srv_ticket *t = ticket_at(no);
	const struct srv_shm *sh = srv_at(t->srv_at);

	srv_count_take_begin(sh->own, no, t->grant_tag);
	ticket_put(no);
	srv_count_take_end();
}

/* Nobody here wants the place: a stream that left meanwhile had it. */
static void
refuse(uint32_t no)
{
	struct srv_ticket *t = ticket_at(no);
	struct srv_shm *sh = srv_at(t->srv_at);
	int64_t at = t->be_at;

	take_place(no);
	srv_count_down(&sh->inflight_word, sh->own);
	for (uint32_t i = 0; i < srv_n_be; i++)
		if (srv_off(srv_all_be[i].shm) == at)
			queue_serve(&srv_all_be[i]);
}

static void
accept_grant(uint32_t no)
{
	struct srv_ticket *t = ticket_at(no);
	struct srv_slot *slot = no < n_slots ? slots[no] : NULL;
	struct srv *srv = slot == NULL ? NULL : granted_srv(slot->be, t);

	/* Found twice: in the box and by a look after a repair. */
	if (atomic_load(&t->state) != TICKET_GRANTED || t->be_at == 0 ||
	    t->proc_no != (uint32_t)my_no)
		return;
	if (slot == NULL) {
		refuse(no);
		return;
	}
	slots[no] = NULL;
	n_waiting--;
	slot->state = SRV_SLOT_NONE;
	if (srv == NULL) {              /* a server of another generation */
		struct be *be = slot->be;

		refuse(no);
		if (queue_push(be, NULL, slot) != WHY_AGAIN)
			slot->granted(slot, WHY_NO_SERVER);
		return;
	}
	take_place(no);
	srv_slot_take(slot, srv, slot->srv == NULL || slot->be->lb->sticks);
	slot->granted(slot, WHY_OK);
}

/* Empty the box, oldest first. */
static void
fetch(void)
{
	uint32_t top = atomic_exchange(&srv_glob->box[my_no], 0), first = 0;

	while (top != 0) {
		uint32_t next = ticket_at(top)->box_next;

		ticket_at(top)->box_next = first;
		first = top;
		top = next;
	}
	while (first != 0) {
		uint32_t no = first;

		first = ticket_at(no)->box_next;
		accept_grant(no);
	}
	keep_looking();
}

static void
on_bell(void *arg, unsigned events)
{
	char drop[64];

	(void)arg;
	(void)events;
	while (recv(bell_fd, drop, sizeof drop, MSG_DONTWAIT) > 0)
		;
	fetch();
	srv_strict_rung();
}

/* Whoever died while it granted may have left a ticket out of the box. Under
 * the lock nobody is about to put it there. */
static void
look_behind(void)
{
	for (uint32_t no = 1; no < n_slots; no++) {
		struct srv_slot *slot = slots[no];

		if (slot == NULL)
			continue;
		lock(slot->be);
		shm_unlock(&slot->be->shm->lock);
		fetch();
		if (slots[no] == slot)
			accept_grant(no);
	}
}

static void
on_look(struct tmr *t)
{
	uint32_t repairs = atomic_load(&srv_glob->repairs);

	(void)t;
	looking = false;
	fetch();
	if (repairs != repairs_seen)
		look_behind();
	repairs_seen = repairs;
}

bool
srv_worker_start(int proc_no)
{
	struct sockaddr_un un;
	socklen_t len;

	MUST(proc_no >= 0 && proc_no < SHM_PROCS);
	my_no = proc_no;
	srv_count_start(proc_no);
	tmr_init(&look_tmr, on_look);
	looking = false;
	atomic_store(&srv_glob->box[proc_no], 0);
	bell_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (bell_fd < 0)
		return (false);
	len = bell_name(&un, (uint32_t)proc_no);
	/* A name that is taken leaves the looks from time to time. */
	if (bind(bell_fd, (struct sockaddr *)&un, len) != 0 &&
	    errno != EADDRINUSE) {
		fd_close(&bell_fd);
		return (false);
	}
	return (loop_add(the_loop, bell_fd, on_bell, NULL));
}

/* ---- the dead ---- */

static struct be *
be_at(int64_t off)
{
	for (uint32_t i = 0; i < srv_n_be; i++)
		if (srv_off(srv_all_be[i].shm) == off)
			return (&srv_all_be[i]);
	return (NULL);
}

/* What a ticket that is not free stands for goes back. */
static void
drop_ticket(uint32_t no)
{
	struct srv_ticket *t = ticket_at(no);
	struct be *be = be_at(t->be_at);

	if (be != NULL)
		lock(be);
	if (atomic_load(&t->state) == TICKET_WAITING && be != NULL)
		unlink_ticket(t);
	else if (t->be_at != 0 && t->srv_at != 0 &&
	    !srv_count_took((int)t->proc_no, no))
		srv_count_less(&((struct srv_shm *)srv_at(t->srv_at))->
		    inflight_word, 1);
	if (be != NULL)
		shm_unlock(&be->shm->lock);
	srv_count_ack(t->grant_tag);
	ticket_put(no);
}

void
queue_reap(int proc_no)
{
	atomic_store(&srv_glob->box[proc_no], 0);
	for (uint32_t i = 1; i < srv_glob->n_tickets; i++) {
		struct srv_ticket *t = &srv_glob->ticket[i];

		if (atomic_load(&t->state) != TICKET_FREE &&
		    t->proc_no == (uint32_t)proc_no)
			drop_ticket(i);
	}
}
