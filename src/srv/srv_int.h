/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_SRV_INT_H
#define SRV_SRV_INT_H
/*
 * What the files of this room share: the table of owners, tickets of the
 * queue, settings of server lines.
 *
 * Offsets in shared memory count from `srv_glob`, which lies at the same
 * distance from everything else in each process.
 */
#include <srv/algo.h>
#include <srv/srv.h>

/* ---- what all processes of all generations share: slot "srv" ---- */

#define OWN_IDS     (1u << 20)          /* counted objects at most */
#define OWN_CONNS   1                   /* id of srv_glob->conns */
#define OWN_FIRST   2
#define TICKETS     (1u << 20)

enum ticket_state { TICKET_FREE = 0, TICKET_WAITING = 1, TICKET_GRANTED = 2 };

struct srv_ticket {                     /* a stream's place in a queue */
	_Atomic uint32_t state;         /* enum ticket_state */
	uint32_t next, prev;            /* in its queue, or the free list */
	uint32_t box_next;              /* granted, not fetched yet */
	uint64_t seq;                   /* who came first */
	int64_t be_at;                  /* offset of its struct be_shm */
	int64_t srv_at;                 /* of its struct srv_shm: queued at, or
	                                 * granted; 0: the backend's queue */
	uint32_t proc_no;               /* owner */
	uint32_t srv_no;                /* where the owner may look first */
	uint8_t  spare[16];
};
_Static_assert(sizeof(struct srv_ticket) == 64, "LAYOUT(QUEUE)");

struct srv_glob {                       /* SHM_QUEUE */
	uint64_t id;                    /* random: names of wake-up sockets */
	struct shm_lock lock;           /* free tickets */
	uint32_t free_ticket;           /* list by `next` */
	uint32_t n_tickets;             /* ever used, with the unused 0 */
	_Atomic uint64_t seq;
	_Atomic uint32_t n_ids;         /* owner ids given out */
	_Atomic uint32_t conns;         /* open connections of frontends */
	_Atomic uint32_t conns_max;
	uint32_t spare;
	_Atomic uint32_t box[SHM_PROCS];        /* granted tickets, a stack */
	int64_t counter_at[OWN_IDS];    /* offset of the id's counter */
	uint32_t own[SHM_PROCS][OWN_IDS];       /* written by that process */
	struct srv_ticket ticket[TICKETS];
};

extern struct srv_glob *srv_glob;
/* This process's row of the table; NULL before srv_worker_start(). */
extern uint32_t *srv_own;

extern struct be *srv_all_be;
extern struct fe *srv_all_fe;
extern uint32_t srv_n_be, srv_n_fe;

static inline int64_t
srv_off(const void *p)
{
	return ((const char *)p - (const char *)srv_glob);
}

static inline void *
srv_at(int64_t off)
{
	return ((char *)srv_glob + off);
}

/* own_add, own_sub - remember that this process holds one of these. */
static inline void
own_add(uint32_t id)
{
	if (srv_own != NULL)
		srv_own[id]++;
}

static inline void
own_sub(uint32_t id)
{
	if (srv_own != NULL && srv_own[id] > 0)
		srv_own[id]--;
}

/* srv_own_new - an id for a counter in shared memory; 0 when there are no more:
 * then a dead process's share is not given back. */
uint32_t srv_own_new(_Atomic uint32_t *counter);

static inline void
raise_max(_Atomic uint32_t *max, uint32_t n)
{
	uint32_t m = atomic_load_explicit(max, memory_order_relaxed);

	while (__builtin_expect(n > m, 0) &&
	    !atomic_compare_exchange_weak(max, &m, n))
		;
}

/* ---- srv_slot.c ---- */

/* srv_reserve - one more stream on the server, if there is room.
 * srv_unreserve - and one less. */
bool srv_reserve(struct srv *);
void srv_unreserve(struct srv *);
/* srv_slot_take - the slot holds the server, which was reserved for it. */
void srv_slot_take(struct srv_slot *, struct srv *);

/* ---- srv_queue.c ---- */

/* queue_push - wait at `srv`, or NULL: for any server of the backend. */
enum why queue_push(struct be *, struct srv *, struct srv_slot *);
/* queue_leave - a queued slot goes away. */
void queue_leave(struct srv_slot *);
/* queue_pass - hand a reserved place over to the first in the queue; false:
 * nobody takes it. */
bool queue_pass(struct srv *);
/* queue_serve - give places to those who wait, as long as there are any. */
void queue_serve(struct be *);
/* queue_reap - drop the tickets of a dead process. */
void queue_reap(int proc_no);

/* ---- settings of a server line ---- */

struct srv_cfg {
	int32_t pool_max;               /* -1: no limit */
	int32_t pool_purge_ms;
	int64_t slow_ms;                /* slowstart; 0: none */
	uint8_t send_proxy;             /* version; 0: none */
	bool down_shuts;                /* on-marked-down shutdown-sessions */
	bool up_shuts_backup;           /* on-marked-up shutdown-backup-… */
	bool source_set;
	struct addr source;
};
PX_SLOT_DECLARE(srv_cfg_slot);

static inline const struct srv_cfg *
srv_cfg_of(const struct srv *srv)
{
	return (px_get(&srv->cfg->slots, &srv_cfg_slot));
}
#endif
