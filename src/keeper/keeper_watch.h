/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KEEPER_KEEPER_WATCH_H
#define KEEPER_KEEPER_WATCH_H
/*
 * keeper_watch - a process that hangs is ended, so that it is replaced as one
 * that died.
 *
 * Each process counts its steps (loop_step()) in a row of memory that it shares
 * with its keeper; a few times a second the keeper looks whether they went on,
 * and at the processor time of those whose did not.
 */
#include <stdbool.h>
#include <stdint.h>

struct keeper;

/* ---- judging ---- */

struct keeper_look {            /* what is seen of a process */
	int64_t now_ms;
	int64_t cpu_us;         /* processor time it has used */
	uint32_t steps;
	char state;             /* proc_state() */
};

struct keeper_patience {
	int64_t cpu_us;         /* processor time for one step */
	int64_t silent_ms;      /* asleep after it was asked; 0: as long as
	                         * it likes */
};

/* What is known of a process; zeroed when it is forked. */
struct keeper_watched {
	bool begun, asked;
	uint32_t steps;
	int64_t seen_ms;
	int64_t first_us, last_us;      /* processor time, when this step was
	                                 * first seen and last */
	int64_t still_ms;               /* for how long nothing moved */
};

enum keeper_verdict {
	KEEPER_WELL,
	KEEPER_ASK,             /* nothing moves: ask whether it is there */
	KEEPER_SPINS,           /* works without an end */
	KEEPER_SILENT           /* asleep or stopped, does not answer */
};

/*
 * keeper_watch_judge - what to think of a process, called at each look.
 *
 * Judges by one step: any that is new makes all good. Asleep counts only time
 * at which it was looked on: after a pause of the whole machine nobody hangs.
 * Nor does who waits for a disk, is held by a debugger or waits its turn for a
 * processor.
 */
enum keeper_verdict keeper_watch_judge(struct keeper_watched *,
    const struct keeper_look *, const struct keeper_patience *);

/* ---- in the keeper ---- */

/* keeper_watch_begin - before the first fork. keeper_watch_forked - in process
 * `no`, before it has a loop. */
void keeper_watch_begin(struct keeper *);
void keeper_watch_forked(int no);
#endif
