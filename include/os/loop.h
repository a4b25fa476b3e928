/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_LOOP_H
#define OS_LOOP_H
/*
 * loop - the event loop of a process: epoll, one registration per descriptor
 * for its whole life, edge-triggered, in + out + rdhup.
 *
 * One loop per process; its clock is read once per turn. Callbacks may add
 * and remove any descriptor: an event of a descriptor that was removed (and
 * perhaps reused) in the same turn is dropped by its generation.
 */
#include <stdbool.h>
#include <stdint.h>

#include <os/tmr.h>

enum loop_event {
	LOOP_IN  = 1,           /* there may be bytes, or the end */
	LOOP_OUT = 2,           /* there may be room */
	LOOP_HUP = 4,           /* peer closed its side (RDHUP: with IN) or both
	                         * (HUP: with IN and OUT) */
	LOOP_ERR = 8            /* error pending: SO_ERROR tells; with IN and OUT */
};

typedef void loop_fn(void *arg, unsigned events);

struct loop_fd {                /* one row of the table indexed by fd */
	loop_fn *fn;            /* NULL: not registered */
	void *arg;
	uint32_t gen;
	/* only without epoll, see loop_poll.h */
	uint8_t want, masked, told;
	bool edge;
};

/* Work to do at the end of this turn, once, in order of posting. */
struct loop_task {
	struct loop_task *next;
	void (*fn)(struct loop_task *);
	bool posted;
};

#define LOOP_RESTING_MAX 16
#define LOOP_REST_MS 100

#define LOOP_BATCH_MAX 256
extern int loop_batch;          /* events taken in one turn */

struct loop {
	int epfd;               /* -1: poll(2) instead */
	int64_t now_us;         /* monotonic, read after each wait */
	int64_t now_ms;         /* the same in milliseconds */
	int64_t wall_us;        /* wall clock of the same moment */
	struct loop_fd *fds;
	uint32_t n_fds;         /* rows of `fds`, grows */
	uint32_t n_added;       /* registered descriptors */
	struct tmr_wheel wheel;
	struct loop_task *tasks, **tasks_tail;
	bool stop;
	struct loop_resting {           /* by loop_rest() */
		int fd;
		uint32_t gen;           /* of its row */
	} resting[LOOP_RESTING_MAX];
	unsigned n_resting;
	struct tmr rested;
	/* statistics for show info/activity */
	uint64_t n_turns, n_events;
	int64_t busy_us, idle_us;       /* since loop_open() */
	int64_t slow_us;                /* a turn that takes longer is told to */
	void (*slow)(int64_t us);       /* this one; NULL: none is */
	void (*woken)(void);            /* called before the events of a turn;
	                                 * NULL: nobody wants to know */
};

extern struct loop *the_loop;           /* of this process; set by loop_open */

/*
 * What this process has got done: loop_step() counts each turn, event, timer
 * and descriptor that came or went, so that somebody who looks at it tells work
 * for many from work without an end. Its place is the process's own until it
 * is set to memory that is shared with whoever looks. Long work in one callback
 * may count its steps, too.
 */
extern uint32_t *loop_steps;

static inline void
loop_step(void)
{
	__atomic_store_n(loop_steps, *loop_steps + 1, __ATOMIC_RELAXED);
}

/* Set before loop_open() to wait with poll(2) and leave epoll alone. */
extern bool loop_no_epoll;

/* loop_open - the loop of this process. Call after fork, once. */
void loop_open(struct loop *);

/* loop_close - close epoll; registered descriptors stay open. */
void loop_close(struct loop *);

/* loop_add - register `fd`, edge-triggered. The first event comes at once if
 * there is one. Returns false (errno) when the kernel refuses. */
bool loop_add(struct loop *, int fd, loop_fn *, void *arg);

/* loop_add_level - level-triggered, only readable: listening sockets,
 * signal and event descriptors. */
bool loop_add_level(struct loop *, int fd, loop_fn *, void *arg);

/* loop_set - change who is called for a registered fd. */
void loop_set(struct loop *, int fd, loop_fn *, void *arg);

/* loop_highest - the highest descriptor that needs no larger table; all that
 * are registered are not above it. */
int loop_highest(const struct loop *);

/* loop_each - call `visit` for each registered descriptor whose events go to
 * `fn`; it may remove that one. */
void loop_each(struct loop *, loop_fn *fn, void (*visit)(void *arg));

/* loop_pause, loop_resume - stop and start events of a level-triggered fd. */
void loop_pause(struct loop *, int fd);
void loop_resume(struct loop *, int fd);

/*
 * loop_rest - no events of a level-triggered fd for LOOP_REST_MS: when accept()
 * fails for want of descriptors or memory, what waits goes on waiting, and
 * would be told again and again.
 */
void loop_rest(struct loop *, int fd);

/* loop_forget - unregister without telling epoll: the caller closes `fd` now
 * and holds the only reference to its open file. */
void loop_forget(struct loop *, int fd);

/* loop_del - unregister with epoll_ctl: `fd` lives on (was passed on, or is
 * shared with another process). */
void loop_del(struct loop *, int fd);

/* loop_post - run `t->fn` at the end of this turn; posting twice is once. What
 * a task posts runs at the end of the next turn, which does not wait. */
void loop_post(struct loop *, struct loop_task *);
void loop_unpost(struct loop *, struct loop_task *);

/* loop_turn - wait `max_ms` at most (-1: until an event or timer) and handle
 * what came. */
void loop_turn(struct loop *, int max_ms);

/* loop_run - turn until loop->stop. */
void loop_run(struct loop *);
#endif
