/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_INT_H
#define PEER_INT_H
/*
 * peer - replication of stick tables with other nodes, by the peers protocol.
 *
 * The agent of the generation that serves has the sessions. Tables are in
 * shared memory: what workers change is found in a table's log (stk/sync.h),
 * and what is learned here is seen by them at once. The next generation's
 * agent takes over the listening sockets and the logs; it need not learn what
 * the tables have already.
 *
 *	peer_msg     bytes of messages
 *	peer_order   what changed here, in order, and how far each node is
 *	peer_sess    a session: what comes in, what goes out. No sockets
 *	peer_resync  whom to ask for everything
 *	peer_net     sockets and time
 *	peer_kw      the section
 *	peer_cli     show peers
 *
 * Source: "Peers protocol 2.1", configuration manual 3.5.
 */
#include <base/list.h>
#include <os/addr.h>
#include <os/loop.h>
#include <px/px.h>
#include <xprt/conn.h>

#include "peer_msg.h"

#define PEER_NODES_MAX    256           /* of a section */
#define PEER_RETRY_MS     5000          /* to connect again */
#define PEER_AGAIN_LO_MS  50            /* after a session that ended */
#define PEER_AGAIN_HI_MS  2050
#define PEER_HELLO_MS     5000          /* to say who one is */
#define PEER_HEARTBEAT_MS 3000          /* of silence before we say so */
#define PEER_SILENCE_MS   5000          /* of theirs that ends a session */
#define PEER_RESYNC_MS    5000          /* to find a node that teaches us */

/* ---- what changed here, oldest first; the agent's private memory ---- */

struct peer_link {
	uint32_t older, newer;          /* entries; 0: none */
	uint32_t id;                    /* of its last change; 0: not in it */
};

struct peer_order {
	struct peer_link *v;            /* by number of the entry */
	uint32_t n;                     /* of v */
	uint32_t oldest, newest;
	uint32_t last_id;
};

/* peer_order_touch - this entry changed. Cursors that stood on it move on;
 * those at the end (0) stand on it now. */
void peer_order_touch(struct peer_order *, uint32_t index,
    uint32_t *const cursors[], unsigned n);

/* peer_order_after - the first that changed after `id`; 0: none. */
uint32_t peer_order_after(const struct peer_order *, uint32_t id);

/* ---- configuration, and what a generation's agent knows of it ---- */

struct peer_table {
	struct stk_table *t;
	struct stk_traits x;
	struct peer_def def;            /* as we define it: id from 1 */
	struct peer_order order;
};

enum peer_status {                      /* what we are told, or tell */
	PEER_S_NONE = 0, PEER_S_CONNECTING = 1, PEER_S_OK = 200,
	PEER_S_LATER = 300, PEER_S_PROTOCOL = 501, PEER_S_VERSION = 502,
	PEER_S_NOT_ME = 503, PEER_S_STRANGER = 504
};

struct peer_progress {                  /* of a node, in a table */
	uint32_t next;                  /* entry to send next; 0: none */
	uint32_t sent, acked;           /* ids of changes */
};

struct peer_node {                      /* a peer, or server line */
	struct peer_node *next;
	const char *name;
	struct px_server *srv;          /* its address; the words */
	struct addr_spec addr;
	bool local;                     /* it's us */
	struct diag_pos pos;
	/* in the agent */
	struct peer_sess *sess;         /* or NULL */
	struct peer_progress *at;       /* one per table of the section */
	int64_t retry_ms;               /* when to connect */
	uint16_t status;                /* enum peer_status: the last */
	int64_t up_ms;                  /* the last handshake; 0: never */
	bool in_part;                   /* it can't teach us all */
	uint32_t n_conn, n_bad, n_collided, n_silent, n_beats_out, n_beats_in;
};

enum peer_resync { PEER_R_NONE, PEER_R_WANTED, PEER_R_ASKED };

struct peer_section {
	struct peer_section *next;
	struct px *px;                  /* name, bind line, log targets; it
	                                 * is not among the proxies */
	bool disabled, has_peer_lines;
	const char *local_name;         /* as it was at the section */
	struct peer_node *nodes, *local;
	struct conf_line *bind_words;   /* default-bind; or NULL */
	struct peer_table *tables;
	unsigned n_tables;
	/* in the agent */
	int64_t since_wall_us;
	uint8_t resync;                 /* enum peer_resync */
	int64_t resync_ms;              /* when to give up */
	struct list sessions;
};

extern struct peer_section *peer_sections;
extern int64_t peer_max_updates;        /* tune.peers.max-updates-at-once */

/* peer_section_runs - it has a local peer, and is not disabled. */
static inline bool
peer_section_runs(const struct peer_section *s)
{
	return (!s->disabled && s->local != NULL);
}

/* peer_node_find - by name; NULL. */
struct peer_node *peer_node_find(const struct peer_section *, struct span);

/* ---- a session ---- */

enum peer_state {
	PEER_CONNECTING,                /* theirs to accept */
	PEER_WAITS_STATUS,              /* we said who we are */
	PEER_WAITS_HELLO,               /* they have to */
	PEER_RUNS,
	PEER_OVER                       /* close when all is sent */
};

struct peer_theirs {                    /* a table of ours, as they see it */
	bool known;
	bool learn;                     /* its keys are as ours */
	bool ack;                       /* there is something to acknowledge */
	uint32_t got;                   /* id of their last change */
	struct peer_def def;
};

struct peer_sess {
	unsigned magic;
#define PEER_SESS_MAGIC 0x9ee25e55
	struct list link;               /* of section->sessions */
	struct peer_section *sec;
	struct peer_node *node;         /* NULL: not known yet */
	bool outgoing;
	uint8_t state;                  /* enum peer_state */
	const char *why;                /* it is over */
	int64_t since_ms, in_ms, out_ms;        /* began; last bytes */
	struct text in, out;
	size_t out_at;                  /* of `out`: written */
	struct conn conn;               /* peer_net.c */
	struct loop_task again;         /* peer_net.c: more to read or write */
	struct peer_dict *dict;
	/* theirs */
	struct peer_theirs *theirs;     /* one per table of the section, and
	                                 * one for a table we don't have */
	struct peer_theirs *cur;        /* updates are about it; or NULL */
	/* ours */
	unsigned said;                  /* table that was defined last, from 1 */
	bool may_count;                 /* they know the id before */
	unsigned turn;                  /* table to look at next */
	bool asked;                     /* we want everything */
	bool teaching;                  /* they do: */
	unsigned teach_table;
	uint32_t teach_entry;
	bool unconfirmed;               /* taught, not confirmed */
};

/* peer_sess_new - outgoing to a node, or incoming (NULL). */
struct peer_sess *peer_sess_new(struct peer_section *, struct peer_node *);
void peer_sess_free(struct peer_sess *);

/* peer_sess_hello - connected: say who we are. */
void peer_sess_hello(struct peer_sess *);

/* peer_sess_input - bytes came; answers go to s->out. */
void peer_sess_input(struct peer_sess *, struct span);

/* peer_sess_fill - put into s->out what there is to say, unless it has much
 * already. */
void peer_sess_fill(struct peer_sess *);

/* peer_sess_has_more - fill() stopped before the end. */
bool peer_sess_has_more(const struct peer_sess *);

/* peer_sess_end - it is over; `why` is static. */
void peer_sess_end(struct peer_sess *, const char *why);

/* peer_drain - take what workers changed in the tables of a section; false:
 * nothing. peer_note_all - all entries of a table are taken for changed. */
bool peer_drain(struct peer_section *);
void peer_note_all(struct peer_section *, unsigned table);

/* peer_section_start - before the first session: memory of the nodes. */
void peer_section_start(struct peer_section *);

/* ---- whom to ask ---- */

/* peer_resync_up - a session runs; _down - it ended; _done - it taught us
 * all it has, which is all there is if `full`; _more - it goes on teaching;
 * _tick - time passes. */
void peer_resync_up(struct peer_sess *);
void peer_resync_down(struct peer_sess *);
void peer_resync_done(struct peer_sess *, bool full);
void peer_resync_more(struct peer_sess *);
void peer_resync_tick(struct peer_section *);

/* peer_now_ms - of the loop. */
int64_t peer_now_ms(void);
#endif
