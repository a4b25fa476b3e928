/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_PAT_SYNC_INT_H
#define EXPR_PAT_SYNC_INT_H
/*
 * pat_sync - what worker and agent say to each other about patterns.
 *
 * Every change has its place in the order of an agent: a *position*. Equal
 * positions are equal lists, but for changes of a process's own that are not
 * confirmed.
 */
#include "pat_int.h"

#include <agent/agent.h>
#include <ipc/ipc.h>

#define PAT_BATCH_BYTES 32768
#define PAT_TEMPORARY 0x80000000u       /* a row the agent has not numbered */
#define PAT_TEXTS_MAX (IPC_BYTES_MAX - 2 * sizeof(struct pat_frame))

enum pat_op {
	PAT_OP_ADD = 1, PAT_OP_SET, PAT_OP_DEL,         /* runtime API */
	PAT_OP_CLEAR, PAT_OP_PREPARE, PAT_OP_COMMIT,
	PAT_OP_PUT, PAT_OP_DROP,                        /* rules */
	PAT_OP_RENEW,                   /* a drop, then a put */
	PAT_OP_AFRESH,                  /* no rows but those of the file */
	PAT_OP_AT,                      /* a position */
	/* each is a message of its own */
	PAT_OP_WHERE,                   /* agent: where are you? */
	PAT_OP_WHAT_IS,                 /* agent: teach me */
	PAT_OP_THAT_IS,                 /* worker: you know it all */
	PAT_OP_LESSON,                  /* agent: all there is follows */
	PAT_OP_SYNCED                   /* agent: you are at this position */
};

struct pat_frame {              /* then the bytes of key and value */
	uint32_t op, ref, ver, id;
	uint32_t key_n, val_n;
	uint32_t from, seq;             /* whose rule it was, and which change */
};
_Static_assert(sizeof(struct pat_frame) == 32, "no padding");

/* Which agent, by its birth, and how many changes it has told; zeros: what the
 * configuration says. */
struct pat_pos {
	uint64_t agent_us, n;
};

/* ---- pat_frame.c ---- */

void pat_frame_put(struct text *, struct pat_frame, struct span key,
    struct span val);

/* pat_frame_take - the next of a message; false at its end, or when it is
 * none. */
bool pat_frame_take(struct span *rest, struct pat_frame *, struct span *key,
    struct span *val);

/* pat_frame_apply - do it. pat_frame_apply_all - all of a message, or of a lesson
 * that is complete; frames of lists that are not here are passed over. */
void pat_frame_apply(struct pat_ref *, const struct pat_frame *,
    struct span key, struct span val);
void pat_frame_apply_all(struct span);

/* pat_frame_at - a frame that tells a position. pat_frame_pos - it. */
struct pat_frame pat_frame_at(enum pat_op, struct pat_pos);
struct pat_pos pat_frame_pos(const struct pat_frame *);

/* pat_tell_all - all that was changed, numbered rows only. `complete`: for
 * who has other changes, so all that there is; else for one who has a part of
 * them, or none. Returns the bytes. */
typedef void pat_send_fn(const void *, size_t, void *);
size_t pat_tell_all(bool complete, pat_send_fn *, void *);

/* ---- pat_own.c: a worker's own changes that are not confirmed ---- */

struct pat_own_stats {
	size_t n, bytes;                /* not confirmed */
	size_t said_bytes;              /* on their way */
	uint64_t refused;               /* there was no room for */
};
extern struct pat_own_stats pat_own_stats;

/* pat_own_put, pat_own_drop - a rule changes a row, here at once and by the
 * agent everywhere. False: not done. */
bool pat_own_put(struct pat_ref *, struct span key, struct span val);
bool pat_own_drop(struct pat_ref *, struct span key);

/* pat_own_told - a change that the agent tells: a confirmation, or somebody's,
 * which comes before those that are not confirmed. */
void pat_own_told(const struct pat_frame *, struct span key, struct span val);

/* pat_own_relay - all rows were replaced: do those of one's own again. */
void pat_own_relay(void);

/* pat_own_hush - nothing was said. pat_own_say - the agent listens. */
void pat_own_hush(void);
void pat_own_say(void);

/* ---- pat_worker.c ---- */

void pat_worker_told(struct span);

/* pat_worker_asked - the answer, that all is done, ends when this process is in
 * step. */
void pat_worker_asked(struct agent_answer *, struct span);

/* ---- pat_agent.c ---- */

void pat_agent_said(struct agent_worker *, struct span);

/* pat_agent_broadcast - the agent did this: all that are in step do it. */
void pat_agent_broadcast(struct text *);

/* ---- pat_sync.c ---- */

void pat_sync_tell(struct agent_worker *, const void *, size_t);
void pat_sync_say(const void *, size_t);
#endif
