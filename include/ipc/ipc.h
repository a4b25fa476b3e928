/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_IPC_H
#define IPC_IPC_H
/*
 * ipc - frames with descriptors between our own processes, over
 * SOCK_SEQPACKET pairs.
 *
 * Every message is a row of ipc/msg.def. What arrives is checked against its
 * row: sender, length, number of descriptors; anything else ends the channel.
 * Structs in frames have fixed widths and no padding.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/list.h>
#include <base/span.h>
#include <os/loop.h>

struct loop;

/*
 * The version of START, which never changes, and the level of a release, which
 * a keeper says in HELLO and a master in START (1 there: not said).
 *
 *	2  CARRIED has rows; KILL; STATE
 */
#define IPC_VERSION 1
#define IPC_LEVEL 2
#define IPC_BYTES_MAX 131064            /* payload of one frame */
#define IPC_FDS_MAX 252

enum ipc_role {
	IPC_MASTER = 1,
	IPC_KEEPER = 2,
	IPC_AGENT = 4,
	IPC_WORKER = 8,
	IPC_TAKER = 16,         /* top process of another Écluse: takes over */
	IPC_GIVER = 32          /* agent of the one that is replaced */
};

enum ipc_type {
#define IPC(no, name, from, to, bytes, fds) IPC_##name = (no),
#include <ipc/msg.def>
#undef IPC
};

struct ipc_msg {
	uint16_t type;          /* enum ipc_type */
	uint16_t flags;         /* for the rooms that talk */
	uint32_t tag;           /* the same */
	struct span data;       /* valid during the callback */
	int *fds;               /* the callback takes what it wants and sets -1;
	                         * the rest is closed afterwards */
	size_t n_fds;
	bool cut;               /* descriptors came that found no place here,
	                         * and all were closed; only where the row says
	                         * that this is no end of the channel */
};

struct ipc_chan;

/* Called for each message; `m` is NULL once, when the peer is gone or broke
 * the rules. The callback may close the channel. */
typedef void ipc_fn(struct ipc_chan *, struct ipc_msg *m, void *arg);

struct ipc_chan {
	int fd;                 /* -1: closed */
	uint8_t me, peer;       /* enum ipc_role */
	struct loop *loop;      /* NULL: ipc_wait() is used */
	ipc_fn *fn;
	void *arg;
	struct list out;        /* frames that wait for room */
	size_t out_bytes;
	bool *gone;             /* inside a callback: set when closed there */
	unsigned per_turn;      /* messages before others get their turn; 0:
	                         * all that there are */
	struct loop_task more;  /* the rest, in the next turn */
};

/* ipc_open - take `fd` (owned from now on). With a loop, `fn` is called from
 * it; with NULL, see ipc_wait(). */
void ipc_open(struct ipc_chan *, int fd, enum ipc_role me, enum ipc_role peer,
    struct loop *, ipc_fn *, void *arg);

/* ipc_attach - a channel opened without a loop is served by one from now. */
void ipc_attach(struct ipc_chan *, struct loop *, ipc_fn *, void *arg);

/*
 * ipc_raise - give a channel that a loop serves a descriptor of `least` or
 * more. When a process ends, the kernel closes the highest first (as of Linux
 * 6.x; it is not promised): so its peer learns of it before thousands of
 * connections were taken down. Stays as it is when the limit is lower.
 */
void ipc_raise(struct ipc_chan *, int least);

/* ipc_close - harmless when closed. ipc_abandon - the same in a forked child:
 * the parent's registration is not touched. */
void ipc_close(struct ipc_chan *);
void ipc_abandon(struct ipc_chan *);

/*
 * ipc_send - one message; waits in memory when the peer is slow. Descriptors
 * stay the caller's (a waiting frame has copies of its own).
 *
 * Returns false when the channel is closed or the peer gone.
 */
bool ipc_send(struct ipc_chan *, enum ipc_type, const void *data, size_t n,
    const int *fds, size_t n_fds);
bool ipc_send_tag(struct ipc_chan *, enum ipc_type, uint16_t flags,
    uint32_t tag, const void *data, size_t n, const int *fds, size_t n_fds);

/* ipc_wait - the next message of a channel without a loop, `ms` at most
 * (-1: for ever). The data is valid until the next call; descriptors belong
 * to the caller. Returns false at the end, after a broken rule or in time. */
bool ipc_wait(struct ipc_chan *, struct ipc_msg *, int ms);

/* ipc_hear - call `fn` now for what has come on a channel with a loop: before
 * closing one whose peer has died, as its last words may wait in there. */
void ipc_hear(struct ipc_chan *);

/* ipc_drop_fds - close what a message carries. */
void ipc_drop_fds(struct ipc_msg *);

/* ipc_name - a type's name, for messages. */
const char *ipc_name(unsigned type);

/* ---- life: end when the top process has ended ---- */

/* ipc_life_open - the top process keeps fd[1] as long as it lives; all others
 * follow fd[0]. */
bool ipc_life_open(int fd[2]);

/* ipc_life_follow - end this process (status 1) as soon as the top one has
 * ended, whatever it is doing then. After fork, before chroot. */
void ipc_life_follow(int fd);

/* ---- payloads ---- */

struct ipc_start {              /* fds: state, ledger, life */
	uint32_t version;
	uint32_t gen;
	int32_t master_pid;
	uint32_t reloads;
	int64_t start_wall_s;           /* of the master */
	uint32_t flags;                 /* bit 0: nothing serves yet; from bit
	                                 * 8 on: the master's IPC_LEVEL */
	uint32_t oldest_gen;            /* that still has a process */
};

struct ipc_hello {              /* then the pid file's name, if any */
	uint32_t level;                 /* IPC_LEVEL of the keeper */
	int32_t n_workers;
	int32_t max_reloads;            /* -1: not given */
	uint32_t want_daemon;
	int64_t hard_stop_after_ms;
};

struct ipc_listen {             /* then: host or path, interface */
	uint32_t n;                     /* shards wanted */
	uint8_t family;                 /* enum addr_family */
	uint8_t reuseport, transparent, v6only, v4v6, defer_accept, tfo, dgram;
	uint16_t port;
	uint16_t host_n, interface_n;
	uint16_t spare;
	uint8_t ip[16];
	int32_t fd;                     /* ADDR_FD, ADDR_SOCKPAIR */
	int32_t backlog, mss;
	int32_t mode, uid, gid;
	uint32_t user_timeout_ms;
};

struct ipc_handed {             /* fds: state, ledger */
	uint32_t n_sockets;             /* that follow */
	uint32_t spare;
};

/* T_SOCKETS: for each descriptor its flags, the length of its interface's
 * name, the name. */
#define IPC_SOCKET_FIRST 1              /* first of its SO_REUSEPORT group */

#define IPC_PROCS_MAX 255
struct ipc_ready {
	int32_t agent;
	uint32_t n;
	int32_t worker[IPC_PROCS_MAX];  /* pid by worker number - 1 */
	uint32_t in_service;            /* how many accept now */
};

struct ipc_worker {
	int32_t no, pid;
};

struct ipc_cli {
	int32_t level;                  /* 1 user, 2 operator, 3 admin */
	uint32_t flags;                 /* IPC_CLI_…: modes it begins in */
};
#define IPC_CLI_EXPERIMENTAL    1u
#define IPC_CLI_EXPERT          2u

struct ipc_carried {            /* of one old worker, so far */
	int32_t worker;
	uint32_t carried;               /* acknowledged */
	uint32_t lingering;             /* stay until they end by themselves */
	uint32_t refused;               /* of these: the new one said no */
};

/* Behind it from level 2 on. A reader that does not know the version leaves
 * the rows alone. */
enum ipc_carry {
	IPC_CARRY_PASSED = 0,           /* the first pass is over */
	IPC_CARRY_NEWS = 1,             /* numbers have changed */
	IPC_CARRY_BROKEN = 2,           /* its new worker has gone */
	IPC_CARRY_STUCK = 3             /* its new worker does not answer */
};

#define IPC_ROWS_VERSION 2
#define IPC_ROWS_MAX 40
struct ipc_rows {
	uint16_t version;
	uint16_t event;                 /* enum ipc_carry */
	uint32_t n;                     /* struct ipc_row that follow */
};

struct ipc_row {                /* texts end with NUL, cut when too long */
	char kind[16];                  /* "tcp", "http-idle" */
	char why[64];                   /* they did not go; "": carried */
	uint32_t carried, left;
	uint32_t closed;                /* idle, and not left for that */
};
#endif
