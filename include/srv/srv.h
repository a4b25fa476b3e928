/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_SRV_H
#define SRV_SRV_H
/*
 * srv - live backends and servers: state shared by all processes, slots and
 * queues, idle connections of this worker.
 *
 * `struct srv` and `struct be` are made by the keeper before it forks and
 * point into shared memory, so a state that the agent writes is seen by every
 * worker at once, and survives them all.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/buf.h>
#include <base/list.h>
#include <base/why.h>
#include <expr/txn.h>
#include <px/px.h>
#include <shm/shm.h>
#include <xprt/conn.h>

struct be;

/* Operational state; the numbers are those of "show servers state". */
enum srv_state { SRV_STOPPED = 0, SRV_STARTING = 1, SRV_RUNNING = 2,
	SRV_STOPPING = 3 };

/* Administrative state, bits as in "show servers state" (management 9.3). */
enum srv_admin {
	SRV_FMAINT = 0x01, SRV_IMAINT = 0x02, SRV_CMAINT = 0x04,
	SRV_FDRAIN = 0x08, SRV_IDRAIN = 0x10, SRV_RMAINT = 0x20,
	SRV_HMAINT = 0x40
};
#define SRV_MAINT (SRV_FMAINT | SRV_IMAINT | SRV_CMAINT | SRV_RMAINT)
#define SRV_DRAIN (SRV_FDRAIN | SRV_IDRAIN)

/*
 * A count that survives the death of those who count: beside it the tag of
 * who changed it last (srv_count.c). Read the count alone by its name.
 */
#define SRV_COUNT(name)                                                      \
	union {                                                              \
		_Atomic uint64_t name##_word;                                \
		struct {                                                     \
			_Atomic uint32_t name;                               \
			uint32_t name##_tag;                                 \
		};                                                           \
	}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "SRV_COUNT has the count in the low half of its word");

/* Events of the current and the last second, of all workers. */
struct srv_rate {
	_Atomic uint32_t sec, cur, prev, max;
};

struct srv_shm {                        /* SHM_SRV */
	_Atomic uint32_t state;         /* agent: enum srv_state */
	_Atomic uint32_t admin;         /* agent: enum srv_admin */
	_Atomic uint32_t uweight;       /* agent: as set by people, 0..256 */
	_Atomic uint32_t inflight_max;  /* workers */
	SRV_COUNT(inflight);            /* workers: streams that hold a slot */
	_Atomic uint32_t queued;        /* workers: streams in its queue */
	_Atomic uint32_t queued_max;
	SRV_COUNT(idle);                /* workers: idle connections */
	/* addr override: `set server addr`; agent, under addr_seq (odd while
	 * being written) */
	_Atomic uint32_t addr_seq;
	uint8_t  addr_set;
	uint8_t  spare0[3];
	struct addr addr;
	/* checks: the agent */
	uint8_t  chk_state;             /* bits: configured 1, enabled 2,
	                                 * agent 4/8, paused.. */
	uint8_t  chk_result;            /* enum chk_result */
	uint8_t  chk_status;            /* enum of status words (L4OK …) */
	uint8_t  agent_state;
	int16_t  chk_health;            /* 0..rise+fall-1 */
	uint16_t chk_code;              /* HTTP status or 0 */
	int32_t  chk_ms;                /* duration of the last */
	_Atomic uint32_t maxconn;       /* agent: 0: as configured, else one
	                                 * more than people or agents set */
	int64_t  changed_wall_s;        /* last change of state */
	int64_t  down_ms;               /* total time down */
	_Atomic uint64_t chk_failed, chk_down;  /* counts */
	struct srv_rate rate;           /* new sessions; workers */
	_Atomic int64_t last_sess_wall_s;
	/* what the configuration said when it was last applied: a change of
	 * it wins over what people set */
	uint16_t cfg_weight;
	uint8_t  cfg_disabled;
	uint8_t  tracks;                /* agent: follows another server */
	uint32_t own, own_idle;         /* numbers in the table of owners: of
	                                 * inflight, of idle */
	_Atomic uint32_t in_set;        /* the algorithm may choose it now */
	uint32_t q_head, q_tail;        /* its queue, under the backend's lock;
	                                 * ticket numbers, 0: none */
	_Atomic int64_t slow_from_ms;   /* slowstart began (monotonic), or 0 */
	_Atomic uint32_t lb_stamp;      /* leastconn: turn it was taken in */
	uint32_t cfg_maxconn;           /* as cfg_weight */
	struct addr cfg_addr;
	uint64_t cfg_host;              /* hash of the name it has, or 0 */
	_Atomic uint32_t errors;        /* workers: in a row, see observe */
	uint8_t  spare2[4];
};

/* What a backend shares; SHM_BE. */
struct be_shm {
	struct shm_lock lock;           /* queues and the set of servers */
	_Atomic uint32_t epoch;         /* moved when the set or weights did */
	_Atomic uint32_t turn;          /* choices so far: whose turn it is */
	_Atomic uint32_t inflight_max;
	SRV_COUNT(inflight);            /* streams on servers or queued */
	_Atomic uint32_t queued;        /* in the backend's own queue */
	_Atomic uint32_t queued_all;    /* and in those of its servers */
	_Atomic uint32_t queued_max;    /* of queued_all */
	uint32_t q_head, q_tail;
	uint32_t own;
	struct srv_rate rate;           /* new sessions */
	_Atomic int64_t last_sess_wall_s;
	int64_t changed_wall_s;         /* agent: last change up/down */
	int64_t down_ms;                /* agent: total time down */
	_Atomic uint64_t n_down;        /* agent: times it went down */
	_Atomic uint32_t unpublished;   /* agent: no line leads here */
	uint32_t cfg_unpublished;       /* what the configuration said of it,
	                                 * plus 1 */
	uint8_t spare[24];
};

struct srv {
	unsigned magic;
#define SRV_MAGIC 0x5e7a11fe
	struct be *be;
	const struct px_server *cfg;
	struct srv_shm *shm;
	uint32_t cnt;                   /* offset of its counters */
	uint32_t no;                    /* index in be->srv */
	bool gone;                      /* a place that a deleted one left */
	/* this worker only */
	struct list idle;               /* struct srv_idle, newest first */
	uint32_t n_idle;
	uint32_t n_conns;               /* open to it: idle and in use */
	uint32_t used_max;              /* in use at once since purged_ms */
	uint32_t used_before;           /* the same of before, fading */
	uint32_t moves;                 /* srv_idle_close_all() was called */
	int64_t purged_ms;
	struct list strms;              /* streams on it, for shutdown sessions */
	struct srv_strict_shm *strict;  /* strict-maxconn, or NULL */
	struct srv *strict_next;
};

struct be {
	unsigned magic;
#define BE_MAGIC 0xbac7e4d1
	const struct px *px;
	struct be_shm *shm;
	uint32_t cnt;
	uint32_t hist;                  /* offset of its times, or 0 */
	uint32_t n;                     /* places: some may be `gone` */
	struct srv **srv;               /* in file order, then as they came */
	const struct lb_algo *lb;
	void *lb_shm;                   /* the algorithm's shared state */
	uint32_t lb_room;               /* for so many places */
	uint32_t lb_epoch;              /* last seen be_shm epoch */
	uint32_t n_set;                 /* servers in the set then */
	uint32_t fullconn;
	void *lb_local;                 /* the algorithm's private state */
};

/* srv_setup - make be and srv objects for the whole model and find or create
 * their shared state (the keeper, once, before forking). */
bool srv_setup(const char **err);

/* be_of - the run-time backend of a proxy that has PX_BE. */
extern struct be *srv_all_be;           /* by px->rt */
static inline struct be *
be_of(const struct px *px)
{
	return (px == NULL || (px->kind & PX_BE) == 0 ? NULL :
	    &srv_all_be[px->rt]);
}

/* be_published - lines that choose a backend may choose it. */
static inline bool
be_published(const struct px *px)
{
	return (atomic_load_explicit(&be_of(px)->shm->unpublished,
	    memory_order_relaxed) == 0);
}

struct srv *srv_of(const struct px_server *);

/* srv_by_no - place `no` of the backend whose px.no is px_no, or NULL. */
struct srv *srv_by_no(uint32_t px_no, uint32_t no);

/* srv_slot_name - "srv/app/web1": how slots of shared memory are called that
 * belong to a backend or a server. One too long ends in a hash of all. */
#define SRV_SLOT_NAME 256
struct span srv_slot_name(char dst[SRV_SLOT_NAME], const char *kind,
    const char *a, const char *b);

/* srv_usable - may get new streams now (running, no maintenance or drain,
 * weight above 0). srv_is_up - for persistent ones also in drain. */
bool srv_usable(const struct srv *);
bool srv_is_up(const struct srv *);
uint32_t srv_weight(const struct srv *);

/* srv_maxconn - the server's maxconn, as configured or as it was set since; 0:
 * no limit. */
static inline uint32_t
srv_maxconn(const struct srv *srv)
{
	uint32_t set = atomic_load_explicit(&srv->shm->maxconn,
	    memory_order_relaxed);

	return (set != 0 ? set - 1 : srv->cfg->maxconn);
}

/* srv_max - how many streams it may have now: maxconn, less with minconn or
 * during slowstart; UINT32_MAX without limit. srv_has_room - one more? */
uint32_t srv_max(const struct srv *);
bool srv_has_room(const struct srv *);

/* What traffic meets at a server that is observed. */
enum srv_seen { SRV_SEEN_CONNECTED, SRV_SEEN_UNCONNECTED, SRV_SEEN_GOOD,
	SRV_SEEN_STATUS, SRV_SEEN_INVALID, SRV_SEEN_SILENT, SRV_SEEN_CLOSED };

/* srv_observe - say so. srv_on_errors - called in the worker in which
 * error-limit of them in a row were reached, counted over all workers; set by
 * the room of the checks. */
void srv_observed(struct srv *, enum srv_seen);
extern void (*srv_on_errors)(struct srv *, enum srv_seen last);
static inline void
srv_observe(struct srv *srv, enum srv_seen seen)
{
	if (__builtin_expect(srv->cfg->observe != PX_OBSERVE_NONE, 0))
		srv_observed(srv, seen);
}

/* srv_rate_now - events in the last second (sliding). srv_rate_add - one. */
uint32_t srv_rate_now(const struct srv_rate *, int64_t wall_us);
void srv_rate_add(struct srv_rate *, int64_t wall_us);

/* be_count - servers that there are. */
unsigned be_count(const struct be *);

/* be_usable_count - usable non-backup (or, without any, backup) servers. */
unsigned be_usable_count(const struct be *);

/* be_inflight - streams of all workers on the backend's servers or in its
 * queues. */
uint32_t be_inflight(const struct be *);

/* be_queued - streams in the backend's own queue. */
uint32_t be_queued(const struct be *);

/* srv_addr - where to connect now: address override, port mapping. */
void srv_addr(const struct srv *, struct txn *, struct addr *out);

/*
 * srv_connect - a socket on its way to the server (non-blocking), from the
 * configured source; -1 with errno.
 * srv_begin - what this connection begins with: the PROXY header that the
 * server wants, queued in `out` unless its transport sends it; and the
 * transport's own beginning, see conn_connect(). False without memory.
 */
int srv_connect(struct srv *, struct txn *);
bool srv_begin(const struct srv *, struct txn *, struct xprt_to *,
    struct conn *, struct buf *out);

/* srv_pp_key - stands for what the PROXY header to this server says of an
 * exchange, and for its pool-conn-name; 0: there is neither. The server
 * believes the header of all that comes on the connection: only who is of the
 * same one may use it again. */
uint64_t srv_pp_key(const struct srv *, struct txn *);

/* srv_may_reuse - a connection that has served so many exchanges may serve one
 * more (max-reuse). */
bool srv_may_reuse(const struct srv *, uint32_t served);

/* ---- slots: one stream on one server ---- */

enum srv_slot_state { SRV_SLOT_NONE, SRV_SLOT_QUEUED, SRV_SLOT_HELD };

struct srv_slot {                       /* embedded in the stream; zeroed */
	struct be *be;
	struct srv *srv;                /* held, or queued at; may be NULL when
	                                 * queued at the backend */
	uint8_t state;                  /* enum srv_slot_state */
	bool even_down;                 /* asked for: take the wanted server
	                                 * even when it is down */
	int32_t prio_class, prio_ms;    /* before others in a queue; 0: as it
	                                 * came */
	bool awaits;                    /* held, and counted as waiting for a
	                                 * connection (strict-maxconn) */
	uint32_t ticket;                /* place in the shared queue */
	struct list node;               /* in srv->strms while held */
	/* granted - the slot is HELD now, or why not (WHY_NO_SERVER, …) */
	void (*granted)(struct srv_slot *, enum why);
	/* room - there may be room for its connection: see srv_conn_await */
	void (*room)(struct srv_slot *);
	/* kill - end the stream that holds the slot: its server left or was
	 * told to (WHY_SRV_KILLED, WHY_KILLED); NULL: it can't be */
	void (*kill)(struct srv_slot *, enum why);
};

/*
 * srv_acquire - choose a server for a stream and take a slot of it.
 *
 * avoid  a server to stay away from if another is usable (redispatch), or NULL
 * want   use this one if it is up (persistence), or NULL
 *
 * WHY_OK: slot->srv is held. WHY_AGAIN: queued; slot->granted() will be called
 * from the loop. WHY_NO_SERVER: none is usable. WHY_QUEUE_FULL.
 */
enum why srv_acquire(struct be *, struct txn *, struct srv *avoid,
    struct srv *want, struct srv_slot *);

/*
 * srv_queue_place - a number for the place of a queued slot; smaller is
 * earlier. srv_queue_join - a stream that came from another process waits here
 * at that place; `at` is the server it waits for, or NULL. As srv_acquire.
 */
uint64_t srv_queue_place(const struct srv_slot *);
enum why srv_queue_join(struct be *, struct srv *at, uint64_t place,
    struct srv_slot *);

/* srv_adopt - a stream that came from another process holds a slot here from
 * now on, whatever the limits: the other one gives its own back. */
void srv_adopt(struct srv *, struct srv_slot *);

/* srv_release - give the slot back or leave the queue; harmless twice. Wakes
 * the first in the queue, in whichever worker it is. */
void srv_release(struct srv_slot *);

/* srv_worker_start - this worker's wake-up descriptor for queues (after fork,
 * loop open). srv_worker_dead - the keeper: give back what process number
 * `no` held. */
bool srv_worker_start(int proc_no);
void srv_worker_dead(int proc_no);

/* ---- idle connections of this worker ---- */

struct srv_idle {                       /* embedded in a protocol's conn */
	struct list node;
	struct srv *srv;
	int64_t since_ms;
	bool safe;                      /* was shared before, and stood it */
	uint32_t moves;                 /* srv->moves when it began; another
	                                 * number: it leads somewhere else */
	struct span name;               /* host name that it asked for: only who
	                                 * wants the same may have it; n 0: none */
	uint64_t pp_key;                /* srv_pp_key() of who it began for */
	void (*close)(struct srv_idle *);
};

/* srv_conn_enter - a connection to it that could be shared is about to be
 * opened by this worker; false: there may be no more of them (strict-maxconn),
 * and none here is idle. srv_conn_adopt - the same of one that came from another
 * worker. srv_conn_closed - it is closed, or another worker has it now. */
bool srv_conn_enter(struct srv *);
void srv_conn_adopt(struct srv *);
void srv_conn_closed(struct srv *);
/* srv_conn_await - after that false: other workers are asked to close idle ones,
 * and slot->room() will be called from the loop when there may be room, or not,
 * if they had none; so look again after a while as well. False: there is room
 * now. srv_conn_await_end - it waits no more; harmless twice.
 * srv_conn_wanted - somebody waits: keep no idle connection. */
bool srv_conn_await(struct srv_slot *);
void srv_conn_await_end(struct srv_slot *);
bool srv_conn_wanted(const struct srv *);
/* srv_idle_keep - an exchange is over: keep the connection, or false when the
 * pool is full or off, or when more are open than were in use at once lately
 * (the caller closes). srv_idle_put - the same of one that comes from another
 * worker, where it was needed. srv_idle_get - one that asked for `name`, begun for the same
 * `pp_key`; with http-reuse aggressive and a first request only a `safe` one.
 * srv_idle_gone - it closed by itself. */
static inline bool
srv_idle_is_old(const struct srv_idle *i)       /* see moves */
{
	return (i->moves != i->srv->moves);
}
bool srv_idle_keep(struct srv *, struct srv_idle *);
bool srv_idle_put(struct srv *, struct srv_idle *);
/* srv_idle_fits - it is for such a name and key; with pool-conn-name, which is
 * part of the key, names do not count. */
bool srv_idle_fits(const struct srv_idle *, struct span name,
    uint64_t pp_key);
struct srv_idle *srv_idle_get(struct srv *, struct span name, uint64_t pp_key,
    bool only_safe);
void srv_idle_gone(struct srv_idle *);

/* srv_way_key - stands for how connections to this server begin now, but for
 * its address. srv_is_at - this one leads where the server is now. One of the
 * generation before is of no use where either has changed. */
uint64_t srv_way_key(const struct srv *);
bool srv_is_at(const struct srv *, const struct conn *);

/* srv_idle_close_all - this worker's idle connections to a server (it left)
 * or, NULL, to all. */
void srv_idle_close_all(struct srv *);

/* ---- use of frontends and of the process ---- */

struct fe_shm {                         /* SHM_FE */
	SRV_COUNT(conn);                /* open connections, all workers */
	_Atomic uint32_t conn_max;
	struct srv_rate conn_rate, sess_rate, req_rate;
	uint32_t own;
	_Atomic uint32_t trying;        /* of conn: not accepted yet */
};

/* What people ordered about a frontend; this process's, as maxconn is. */
enum fe_run { FE_RUNS, FE_DISABLED, FE_SHUT };

struct fe {
	const struct px *px;
	struct fe_shm *shm;
	uint32_t cnt;
	uint32_t hist;                  /* offset of its times, or 0 */
	uint32_t n_conn;                /* this worker's share of shm->conn */
	uint32_t sess_rate_limit;       /* 0: none */
	struct fe_pace_shm *pace;       /* counted for it, or NULL */
	struct list paused;             /* listeners waiting for a place */
	uint8_t run;                    /* enum fe_run: else new connections
	                                 * are reset */
};
extern struct fe *srv_all_fe;           /* by px->rt */
static inline struct fe *
fe_of(const struct px *px)
{
	return (px == NULL || (px->kind & PX_FE) == 0 ? NULL :
	    &srv_all_fe[px->rt]);
}


/*
 * srv_listen_enter, srv_listen_leave - connections by the socket they came in
 * at, of all workers; counted only where a sample asks (dst_conn).
 */
struct srv_listen_shm;
extern struct srv_listen_shm **srv_listens;     /* by px_listen.id, or NULL */
void srv_listen_count(const struct px_listen *, bool enter);
static inline void
srv_listen_enter(const struct px_listen *l)
{
	if (__builtin_expect(srv_listens != NULL, 0))
		srv_listen_count(l, true);
}
static inline void
srv_listen_leave(const struct px_listen *l)
{
	if (__builtin_expect(srv_listens != NULL, 0))
		srv_listen_count(l, false);
}

/* fe_has_room - more places than `takers` are free, in the frontend and in the
 * whole process group: that many may accept first and then say fe_came(), one
 * connection each. So who is woken for a connection that another one gets
 * counts nothing.
 * fe_enter - where it has not: a place for a connection that may come; false
 * when it is full: the listener should pause. fe_entered - it came; fe_withdraw
 * - it did not.
 * fe_leave - it ended. */
bool fe_has_room(const struct fe *, uint32_t takers);
void fe_came(struct fe *);
bool fe_enter(struct fe *);
void fe_entered(struct fe *);
void fe_withdraw(struct fe *);
void fe_leave(struct fe *);
/* fe_pace_wait_ms - how long to wait before the next one may come; 0: it may.
 * fe_pace_conn, fe_pace_sess - one was accepted, and let in by the rules. */
int64_t fe_pace_wait_ms(const struct fe *);
void fe_pace_conn(void);
void fe_pace_sess(struct fe *);
extern uint32_t fe_conn_rate_limit, fe_sess_rate_limit; /* of all; 0: none */
/* fe_adopt - a connection that came from another process, as srv_adopt. */
void fe_adopt(struct fe *);
/* fe_conn_total - open connections of all frontends and workers;
 * fe_conn_peak - the most there were. fe_conn_limit - how many there may be;
 * the keeper sets it when the configuration says nothing. */
uint32_t fe_conn_total(void);
uint32_t fe_conn_peak(void);
extern uint32_t fe_conn_here;   /* of this worker */
extern uint32_t fe_conn_limit;
/* fe_rate_* - count an event in the rates. */
void fe_count_session(struct fe *, int64_t wall_us);
void fe_count_request(struct fe *, int64_t wall_us);
#endif
