/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILT_BWLIM_H
#define FILT_BWLIM_H
/*
 * bwlim - a limit of bandwidth: its line, and at work on a stream.
 */
#include "bucket.h"
#include "filt_int.h"

#include <stk/stk.h>

struct bwlim_cfg {
	bool response;                  /* bwlim-out */
	bool shared;                    /* by a key */
	uint64_t limit, min_size;
	uint32_t period_ms;             /* of each stream: default-period */
	const struct expr *key;         /* shared */
	const char *table_name;
	const struct stk_table *table;
};

struct bwlim_use {
	struct filt_use use;
	struct bucket bucket;           /* limit and period in force */
	uint64_t free;                  /* bytes that go before it counts */
	bool was_free;                  /* those of the last time did */
	struct stk_share share;         /* tab NULL: a limit of its own */
};

/* filt_bwlim_start - at work on this stream, as if for the first time, behind
 * `free` bytes. A limit or period of 0: as its line says. */
void filt_bwlim_start(struct txn *, const struct filt *, uint64_t limit,
    uint32_t period_ms, uint64_t free);

/* filt_bwlim_is - a filter of this kind. */
bool filt_bwlim_is(const struct filt *);
#endif
