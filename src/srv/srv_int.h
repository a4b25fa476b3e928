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
	uint64_t seq;                   /* whose turn is first: place_of() */
	int64_t be_at;                  /* offset of its struct be_shm */
	int64_t srv_at;                 /* of its struct srv_shm: queued at, or
	                                 * granted; 0: the backend's queue */
	uint32_t proc_no;               /* owner */
	uint32_t srv_no;                /* where the owner may look first */
	uint32_t grant_tag;             /* who granted it, in which step */
	uint8_t  spare[12];
};
_Static_assert(sizeof(struct srv_ticket) == 64, "LAYOUT(QUEUE)");

struct srv_proc {                       /* what a process is about to do */
	_Atomic uint64_t step;          /* kind, owner id, number; 0: nothing */
	uint32_t seq;                   /* number of its last step */
	uint32_t ticket;                /* of a step with tickets */
	_Atomic uint32_t ack;           /* others saw the effect of this one */
	uint8_t  spare[44];
};
_Static_assert(sizeof(struct srv_proc) == 64, "LAYOUT(QUEUE)");

struct srv_glob {                       /* SHM_QUEUE */
	uint64_t id;                    /* random: names of wake-up sockets */
	struct shm_lock lock;           /* free tickets */
	uint32_t free_ticket;           /* list by `next` */
	uint32_t n_tickets;             /* ever used, with the unused 0 */
	_Atomic uint64_t seq;
	_Atomic uint32_t n_ids;         /* owner ids given out */
	_Atomic uint32_t conns_max;
	SRV_COUNT(conns);               /* open connections of frontends */
	_Atomic uint32_t repairs;       /* of queues */
	uint32_t spare;
	struct srv_proc proc[SHM_PROCS];
	_Atomic uint32_t box[SHM_PROCS];        /* granted tickets, a stack */
	int64_t counter_at[OWN_IDS];    /* offset of the id's word */
	/* each process's share: count << 32 | number of the step */
	uint64_t own[SHM_PROCS][OWN_IDS];
	struct srv_ticket ticket[TICKETS];
};

extern struct srv_glob *srv_glob;
extern struct be *srv_all_be;
extern struct fe *srv_all_fe;
extern uint32_t srv_n_be, srv_n_fe;
extern struct srv **srv_all;            /* by px_server.rt */

/* srv_init - a server of which nothing is shared yet. srv_place - where that
 * lies: found by its name, or made; by the keeper alone. srv_config_fresh - its
 * state is as the configuration says. */
void srv_init(struct srv *, struct be *, const struct px_server *,
    uint32_t no);
bool srv_place(struct srv *, bool *fresh);
void srv_config_fresh(struct srv *);

/* srv_pace_setup - the rates of the program, of a frontend. */
bool srv_pace_setup(void);
bool srv_pace_setup_fe(struct fe *);

/* srv_strict_setup - the counts of a server with strict-maxconn. */
bool srv_strict_setup(struct srv *);

/* srv_listen_setup - places for the counts of sockets, if they are wanted. */
bool srv_listen_setup(void);

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

/* ---- srv_count.c ---- */

/* srv_own_new - an id for a counter in shared memory; 0 when there are no
 * more: then a dead process's share is not given back. */
uint32_t srv_own_new(_Atomic uint64_t *word);

/* srv_count_up - one more, unless there are `limit`; *now says how many then.
 * srv_count_down - one less. */
bool srv_count_up(_Atomic uint64_t *word, uint32_t id, uint32_t limit,
    uint32_t *now);
void srv_count_down(_Atomic uint64_t *word, uint32_t id);

/* srv_count_pass - our share becomes that of a ticket: between pass_begin,
 * which returns the tag that the ticket must carry before it is granted, and
 * pass_end. srv_count_take - and from a ticket it becomes ours; the ticket
 * may be forgotten between take_begin and take_end. */
uint32_t srv_count_pass_begin(uint32_t id);
void srv_count_pass_end(uint32_t id);
void srv_count_take_begin(uint32_t id, uint32_t ticket, uint32_t tag);
void srv_count_take_end(void);

/* srv_count_took - a dead process had made the ticket's share its own. */
bool srv_count_took(int proc_no, uint32_t ticket);

/* srv_count_ack - the effect of that step will not be seen any more. */
void srv_count_ack(uint32_t tag);

/* srv_count_reap - what a dead process held goes back. (srv_count_start is in
 * srv/state.h.) */
void srv_count_reap(int proc_no);
/* srv_count_less - take `n` off for somebody else. */
void srv_count_less(_Atomic uint64_t *word, uint32_t n);

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
/* srv_slot_take - the slot holds the server, which was reserved for it;
 * `chosen` by the algorithm, which counts. */
void srv_slot_take(struct srv_slot *, struct srv *, bool chosen);

/* ---- srv_queue.c ---- */

/* queue_push - wait at `srv`, or NULL: for any server of the backend. */
enum why queue_push(struct be *, struct srv *, struct srv_slot *);
/* queue_push_at - the same, as old as `seq`. */
enum why queue_push_at(struct be *, struct srv *, struct srv_slot *,
    uint64_t seq);
/* queue_leave - a queued slot goes away. */
void queue_leave(struct srv_slot *);
/* queue_pass - hand a reserved place over to the first in the queue; false:
 * nobody takes it. */
bool queue_pass(struct srv *);
/* queue_serve - give places to those who wait, as long as there are any. */
void queue_serve(struct be *);
/* queue_ring_owners - wake all processes that hold a share of that count. */
void queue_ring_owners(uint32_t id);
/* queue_reap - drop the tickets of a dead process. */
void queue_reap(int proc_no);

/* ---- srv_idle.c ---- */

/* srv_idle_close_one - the oldest idle connection; false: there is none. */
bool srv_idle_close_one(struct srv *);

/* ---- srv_strict.c; for servers that have srv->strict ---- */

/* srv_strict_enter - count a connection, unless there may be no more and none
 * of this worker is idle. srv_strict_adopt - in any case. srv_strict_leave - it
 * is closed: whoever waits is woken. */
bool srv_strict_enter(struct srv *);
void srv_strict_adopt(struct srv *);
void srv_strict_leave(struct srv *);
/* srv_strict_rung - the bell rang: somebody waits for a connection, or one was
 * closed. */
void srv_strict_rung(void);

/* ---- settings of a server line ---- */

struct srv_cfg {
	int32_t pool_max;               /* -1: no limit */
	int32_t pool_purge_ms;
	int32_t max_reuse;              /* -1: no limit */
	int64_t slow_ms;                /* slowstart; 0: none */
	const struct expr *pool_name;   /* pool-conn-name, or NULL */
	bool strict;                    /* strict-maxconn */
	bool down_shuts;                /* on-marked-down shutdown-sessions */
	bool up_shuts_backup;           /* on-marked-up shutdown-backup-… */
};
PX_SLOT_DECLARE(srv_cfg_slot);

static inline const struct srv_cfg *
srv_cfg_of(const struct srv *srv)
{
	return (px_get(&srv->cfg->slots, &srv_cfg_slot));
}
#endif
