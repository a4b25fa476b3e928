/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CNT_INT_H
#define CNT_INT_H
/*
 * The ledger as it lies in memory.
 */
#include <stdatomic.h>

#include <cnt/cnt.h>
#include <shm/shm.h>

#define CNT_MAGIC   UINT64_C(0x31544e434c434545)
#define CNT_LAYOUT  1u
#define HEAD_BYTES  ((uint64_t)1 << 16)
#define BANK_BYTES  ((uint64_t)64 << 20)        /* address space, sparse */
#define N_BANKS     (SHM_PROCS + 2)             /* base, baseline, processes */
#define BANK_BASE   0
#define BANK_CLEARED 1
#define BANK_PROC   2
#define PROC_ROOM   2048u       /* for process counters, at offset 0 */
#define PROC_ROOM_1 112u        /* the same in ledgers of the first release */
#define KINDS_1     5           /* kinds in ledgers of the first release */
#define KINDS_MORE  11          /* room for others */
#define FILE_BYTES  (HEAD_BYTES + N_BANKS * BANK_BYTES)

struct cnt_head {
	uint64_t magic;
	uint32_t layout;
	_Atomic uint32_t seq;           /* odd: a fold moves a piece */
	_Atomic uint32_t used;          /* bytes of every bank given out */
	uint32_t proc_room;             /* at offset 0; 0: PROC_ROOM_1 */
	uint32_t free_off[KINDS_1];     /* lists through the base bank */
	/* The word that a fold is moving: enough to finish it. */
	_Atomic uint32_t fold_on;
	uint32_t fold_bank, fold_word, fold_spare;
	uint64_t fold_value;
	_Atomic uint8_t live[SHM_PROCS];        /* has something in its bank */
	struct shm_lock folder;         /* zero in ledgers older than it */
	uint32_t free_more[KINDS_MORE]; /* as free_off; zero in older ones */
};
_Static_assert(sizeof(struct cnt_head) < HEAD_BYTES, "ledger header");
_Static_assert(CNT_KIND_N <= KINDS_1 + KINDS_MORE, "more kinds");

/*
 * SHM_CNT_DIR. A release may add fields at the end of a struct; then an object
 * moves to a larger place, and what it had counted, and what processes of the
 * release before go on counting there, is added by readers. The first release
 * knows the first two members.
 */
struct cnt_slot {
	uint32_t off;
	uint32_t bytes;
	uint32_t prev_off;
	uint32_t prev_bytes;            /* 0: it has not moved */
};

#define CNT_PROC_SLOT "cnt/process"     /* when PROC_ROOM was not enough */

static inline uint32_t
cnt_proc_room(const struct cnt_head *h)
{
	return (h->proc_room != 0 ? h->proc_room : PROC_ROOM_1);
}

/* cnt_head_check - false unless `fd` is a ledger that can be mapped. */
bool cnt_head_check(int fd);

/* cnt_base_add - to a word of the base bank, while readers wait: between
 * cnt_base_begin and cnt_base_end. */
void cnt_base_begin(void);
void cnt_base_add(uint32_t word, uint64_t n);
void cnt_base_end(void);
#endif
