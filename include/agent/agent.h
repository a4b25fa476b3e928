/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H
/*
 * agent - the process that does once per generation what workers must not do
 * N times: health checks, runtime API, name resolution.
 *
 * It knows no room. A room that has work here adds a row:
 *
 *	AGENT_PART(chk) = { .name = "chk", .rank = 20, .start = chk_start };
 *
 * and talks with the workers about topics, which are rows as well:
 *
 *	AGENT_TOPIC(strm_sess) = { .name = "sess", .asked = list_sessions };
 *
 *	(agent)  agent_ask(&AGENT_TOPIC_OF(strm_sess), query, n, 1000,
 *	             on_piece, on_done, arg);
 *	(worker) list_sessions(answer, query) calls agent_answer() as often
 *	             as it wants; returning ends the answer unless it said
 *	             agent_answer_later().
 *
 * Agent and workers are forked from one keeper, so a topic's place in the
 * table is the same in all of them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/list.h>
#include <base/span.h>
#include <ipc/ipc.h>

struct loop;

/* ---- what is true for the whole generation; set before the first fork ---- */

struct agent_facts {
	uint32_t gen;                   /* from 1 */
	uint32_t reloads;               /* of the master before this one */
	pid_t top_pid;                  /* the process that was launched */
	pid_t keeper_pid;               /* %pid, syslog header, show info */
	pid_t agent_pid;                /* in the agent; else 0 */
	uid_t top_uid;                  /* before privileges were dropped */
	uint64_t pid_ns[2];             /* ipc_takeover_ns() */
	int n_workers;
	bool has_master;
	int64_t start_wall_us;          /* of this generation */
	int64_t start_mono_us;
	const char *node;               /* never NULL: host name by default */
	const char *description;        /* or NULL */
	const char *progname;           /* base name of argv[0]: log tag */
	const char *version;            /* "3.5-ecluse…", as HAProxy counts */
	const char *date;
	long memory_mb;                 /* -m; 0: no limit */
	const char *startup_log;        /* messages of this start; never NULL
	                                 * in agent and workers */
};
extern struct agent_facts agent_facts;

/* Listening sockets of this generation, for the runtime API ("stats socket"
 * lines) and for _getsocks. Open in the keeper and the agent. */
struct agent_socket {
	int fd;
	const struct px_listen *listen; /* whose it is */
	bool stats;                     /* of a "stats socket" line */
	bool peers;                     /* of a section of peers */
	bool door;                      /* ipc/takeover.h */
	bool exportable;                /* goes to who asks _getsocks */
	bool shard;                     /* not the first of its address */
	bool first;                     /* of its SO_REUSEPORT group, surely */
	const char *interface;          /* as in ipc/holder.h, or NULL */
};
extern const struct agent_socket *agent_sockets;
extern size_t agent_n_sockets;

/* ---- in the agent ---- */

struct agent_worker {           /* a live worker */
	struct list node;
	int no;                         /* 1..n_workers */
	pid_t pid;
	struct ipc_chan chan;
	bool settled;                   /* told all there was to tell */
	unsigned owed;                  /* parts that have yet to tell it */
	unsigned unanswered;            /* questions */
};
extern struct list agent_workers;       /* struct agent_worker */

/* A room's part of the agent. Every member may be NULL but name. */
struct agent_part {
	const char *name;
	int rank;                       /* started in this order */
	void (*start)(struct loop *);   /* privileges are dropped already */
	void (*gates)(bool open);       /* true: this generation serves now
	                                 * (checks run, stats sockets accept);
	                                 * false: the next one has taken over */
	void (*paused)(bool);           /* TTOU, TTIN */
	void (*worker_came)(struct agent_worker *);
	void (*worker_gone)(struct agent_worker *);
	/* a connection to serve, owned, from the master; level: enum
	 * px_level; flags: IPC_CLI_… */
	void (*cli)(int fd, int level, uint32_t flags);
	void (*keeper_said)(const struct ipc_msg *);    /* A_CARRIED */
	bool (*busy)(void);             /* something to finish before leaving? */
	void (*leave)(void);            /* soft stop: no new work */
};

#define AGENT_PART(ident)                                                    \
	static const struct agent_part agent_part_##ident;                   \
	static const struct agent_part *const agent_partp_##ident            \
	    __attribute__((section("agent_parts"), used))                    \
	    = &agent_part_##ident;                                           \
	static const struct agent_part agent_part_##ident

/* agent_tell_keeper - one of the agent's rows in ipc/msg.def. */
bool agent_tell_keeper(enum ipc_type, const void *data, size_t n,
    const int *fds, size_t n_fds);

/* ---- topics ---- */

struct agent_answer;            /* a question that is being answered */

struct agent_topic {
	const char *name;
	bool state;                     /* what workers say is never dropped */
	/* in the worker; what was kept also in an agent that is forked later */
	void (*told)(struct span);
	void (*told_fds)(struct span, int *fds, size_t n);      /* takes fds */
	void (*asked)(struct agent_answer *, struct span);
	/* in the agent */
	void (*said)(struct agent_worker *, struct span);
};

#define AGENT_TOPIC(ident)                                                   \
	static const struct agent_topic agent_topic_##ident;                 \
	static const struct agent_topic *const agent_topicp_##ident          \
	    __attribute__((section("agent_topics"), used))                   \
	    = &agent_topic_##ident;                                          \
	static const struct agent_topic agent_topic_##ident
#define AGENT_TOPIC_OF(ident) (agent_topic_##ident)

/* agent_broadcast - tell all workers. agent_keep - also every worker and agent
 * that is forked later in this generation, in order; the first `key_n` bytes
 * say what is set: the last one that has them counts. */
void agent_broadcast(const struct agent_topic *, const void *data, size_t n);
void agent_keep(const struct agent_topic *, const void *data, size_t n,
    size_t key_n);

/*
 * agent_news_open - the keeper, before the first fork of a generation.
 * agent_news_made - an agent or a worker, before it tells of something that was
 * changed at run time and holds for processes that are forked later.
 * agent_news - something was.
 */
void agent_news_open(void);
void agent_news_made(void);
bool agent_news(void);

/* agent_tell - tell one worker. */
void agent_tell(struct agent_worker *, const struct agent_topic *,
    const void *data, size_t n);

/* agent_owe - a part has yet to tell a worker that came something, or has told
 * it: the worker learns when all have (agent_client_told()). */
void agent_owe(struct agent_worker *, bool);

/*
 * Changes that are too many to be kept: each process has them, and an agent
 * that replaces another learns them from a worker.
 *
 * ask      send the question; the worker answers with pieces and an end
 * tell     send all changes to one that knows of none
 *
 * agent_lesson_came - a worker came. agent_lesson_piece - it sent a piece; true:
 * take it over. agent_lesson_end - that was all it knows. agent_lesson_gone - it
 * has ended (and is in the list no more).
 */
struct agent_lesson {
	void (*ask)(struct agent_worker *);
	void (*tell)(struct agent_worker *);
	bool has_history;       /* this agent changed something itself */
	bool over;              /* it knows what its teacher knew */
	pid_t teacher;
	uint8_t pupil[IPC_PROCS_MAX + 1];       /* by worker number */
	struct agent_lesson *next;              /* of all */
};
void agent_lesson_came(struct agent_lesson *, struct agent_worker *);
bool agent_lesson_piece(struct agent_lesson *, struct agent_worker *);
void agent_lesson_end(struct agent_lesson *, struct agent_worker *);
void agent_lesson_gone(struct agent_lesson *, struct agent_worker *);

/*
 * agent_ask - ask all workers and gather what they answer.
 *
 * piece    called for each agent_answer() of each worker, as they come
 * done     called once: every worker ended its answer, died, or `ms` passed
 *          (`missing` says how many did not end it)
 *
 * Returns a number for agent_ask_drop(); `done` is called from the loop,
 * never before the return.
 */
typedef void agent_piece_fn(struct agent_worker *, struct span, void *arg);
typedef void agent_done_fn(int missing, void *arg);
uint32_t agent_ask(const struct agent_topic *, const void *data, size_t n,
    int ms, agent_piece_fn *piece, agent_done_fn *done, void *arg);

/* agent_ask_drop - whoever asked is gone: no more callbacks. */
void agent_ask_drop(uint32_t id);

/* ---- in a worker ---- */

/* agent_client_open - serve topics on the channel to the agent (owned from
 * now on); again when the keeper passes one to a new agent. */
void agent_client_open(struct loop *, int fd);

/* agent_client_told - call `fn`, once, when the agent has told all that it
 * told the workers before this one. */
void agent_client_told(void (*fn)(void));

/* agent_client_wait - do nothing else until it has, or there is no agent (the
 * keeper makes another). False: it has not within `ms`. */
bool agent_client_wait(int ms);

/* agent_say - tell the agent something unasked; lost while there is none, and
 * dropped when AGENT_SAY_BYTES_MAX wait already, unless the topic says that it is
 * state. */
#define AGENT_SAY_BYTES_MAX (1u << 20)
void agent_say(const struct agent_topic *, const void *data, size_t n);

/* agent_answer - a piece of an answer; IPC_BYTES_MAX bytes at most. */
void agent_answer(struct agent_answer *, const void *data, size_t n);

/* agent_answer_later - the answer goes on after `asked` returns; returns what
 * agent_answer() and agent_answer_end() want then. */
struct agent_answer *agent_answer_later(struct agent_answer *);
void agent_answer_end(struct agent_answer *);

/* ---- in the keeper ---- */

/* agent_kept_put - an agent keeps something (IPC_A_KEEP); false if it can't be.
 * agent_kept_apply - a forked process does what the agents before it said. */
bool agent_kept_put(uint16_t topic, size_t key_n, struct span data);
void agent_kept_apply(void);

/* ---- the process ---- */

struct agent_start {
	int keeper_fd;
	/* called once in the new process: drop privileges and the like */
	void (*settle)(void);
};
_Noreturn void agent_main(const struct agent_start *);
#endif
