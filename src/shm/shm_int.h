/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_SHM_INT_H
#define SHM_SHM_INT_H
/*
 * The segment as it lies in memory. Change anything here and LAYOUT(SEGMENT)
 * gets a new number.
 */
#include <shm/shm.h>

#define SEG_MAGIC       UINT64_C(0x31304d4853434c45)    /* "ELCSHM01" */
#define SEG_BYTES       ((uint64_t)8 << 30)     /* sparse: address space */
#define SEG_HEAD_BYTES  ((uint64_t)1 << 20)
#define SEG_ENTRIES     (4u << 20)              /* slots at most */
#define SEG_CLASSES     40                      /* free blocks, by log2 */
#define NAME_MAX_BYTES  255

struct seg_entry {              /* a slot, or a free row */
	uint64_t hash;
	uint64_t at;                    /* offset of the contents */
	uint64_t size;                  /* as asked for */
	uint64_t room;                  /* bytes reserved */
	uint64_t name;                  /* offset of the name */
	uint32_t layout;                /* 0: free row */
	uint32_t gen;                   /* last generation that used it */
	uint32_t next;                  /* in the bucket, 0: last */
	uint16_t name_n;
	uint8_t dead;                   /* replaced: no longer found by name */
	uint8_t spare;
};
_Static_assert(sizeof(struct seg_entry) == 56, "LAYOUT(SEGMENT)");

struct seg_proc {
	_Atomic uint32_t used;
	_Atomic int32_t pid;            /* 0: reserved, not forked yet */
	uint32_t gen;
	uint32_t role;
};

struct seg {                    /* the first bytes of the segment */
	uint64_t magic;
	uint32_t layout;
	uint32_t head_bytes;
	uint64_t bytes;
	_Atomic uint32_t seq;           /* odd: the directory is changing */
	uint32_t gen;
	uint64_t entries;               /* offset of the array */
	uint64_t buckets;               /* offset of uint32_t[n_buckets] */
	uint32_t n_buckets;             /* power of two */
	uint32_t n_entries;             /* rows ever used; row 0 never is */
	uint32_t n_slots;
	uint32_t free_row;              /* list by `next` */
	uint64_t top;                   /* first byte never given out */
	uint64_t free_block[SEG_CLASSES];
	struct seg_proc proc[SHM_PROCS];
	struct shm_lock keeper;         /* who changes the directory, or clears
	                                 * up; zero in segments older than it */
};
_Static_assert(sizeof(struct seg) < 65536, "LAYOUT(SEGMENT)");

struct free_block {             /* at the start of freed room */
	uint64_t next, room;
};

struct shm {
	struct seg *seg;
	int fd;
	uint32_t next_row;      /* where the next slot is looked for first */
};

static inline void *
seg_at(const struct shm *s, uint64_t off)
{
	return ((char *)s->seg + off);
}

#endif
