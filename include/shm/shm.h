/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_SHM_H
#define SHM_SHM_H
/*
 * shm - state that outlives a process and a generation: one memfd with a
 * directory of named slots, mapped at the same address by a keeper and all
 * that it forks.
 *
 * A slot is found by name, layout number and size; a new generation finds
 * what it knows, creates what is missing and leaves the rest. The file is
 * sparse: what nobody touched costs nothing. Nothing is mapped before magic,
 * layout and size of the segment were checked.
 *
 * Contents: fixed widths, offsets, no pointers. Only a keeper (one at a time,
 * the master sees to it) changes the directory; agents and workers read it.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/span.h>

/* Layout numbers, one row per shared struct with its history: layout.def. */
enum shm_layout {
#define LAYOUT(name, number, history) SHM_##name = (number),
#include <shm/layout.def>
#undef LAYOUT
};

struct shm;                             /* this process's mapping */

extern struct shm *the_shm;             /* the state segment */

/* shm_create - a new empty segment; returns its memfd (owned by the caller,
 * the master), or -1 with errno. */
int shm_create(const char *name);

/* shm_attach - map the segment behind `fd` (kept, not closed). NULL with
 * *err when it is not one of ours or of a version we can't use. */
struct shm *shm_attach(int fd, const char **err);
void shm_detach(struct shm *);
int shm_fd(const struct shm *);

/* shm_last_gen - the last generation that used the segment behind `fd`, which
 * is not mapped for that; 0 with *err when it is none that can be used. */
uint32_t shm_last_gen(int fd, const char **err);

/* shm_keeper_lock - one keeper at a time changes the directory or clears up
 * after the dead: those of two generations do not wait for each other, nor do
 * those of two masters after a takeover. Held over system calls, but rarely. */
void shm_keeper_lock(struct shm *);
void shm_keeper_unlock(struct shm *);

/* shm_begin - a keeper starts a generation: slots used from now on are marked
 * with `gen`. shm_sweep - free slots last used before `oldest_gen`. */
void shm_begin(struct shm *, uint32_t gen);
size_t shm_sweep(struct shm *, uint32_t oldest_gen);

/* shm_swept - called for each slot that shm_sweep() frees; NULL at start. */
extern void (*shm_swept)(struct span name, enum shm_layout, void *at,
    size_t size);

enum shm_found {
	SHM_FAILED = -1,        /* no memory or no room in the segment */
	SHM_FRESH = 0,          /* created, zeroed */
	SHM_KEPT = 1,           /* found with the same layout and size */
	SHM_GROWN = 2           /* found smaller: contents kept, rest zeroed;
	                         * may have moved while old ones use the old
	                         * place, so only for slots that allow it */
};

/*
 * shm_slot - find or create the slot `name` (1 to 255 bytes).
 *
 * layout  enum shm_layout; another layout under the same name is a stranger:
 *         a fresh slot is made, and *old (if not NULL) points to the old one
 *         for conversion, valid until shm_sweep(). The old one is left to
 *         those who know it: generations before, and after a way back
 * size    bytes; 64-byte aligned
 * at      out: its address in this process and in those forked from it
 */
enum shm_found shm_slot(struct shm *, struct span name, enum shm_layout,
    size_t size, void **at, const void **old);

/* shm_lost - how many slots of another layout were made afresh since
 * shm_begin(), as nobody asked for *old. */
size_t shm_lost(void);

/* shm_peek - look a slot up without creating or marking; NULL if none. */
void *shm_peek(struct shm *, struct span name, enum shm_layout, size_t *size);

/* shm_each - call `fn` for each slot of a layout. */
void shm_each(struct shm *, enum shm_layout, void (*fn)(struct span name,
    void *at, size_t size, void *arg), void *arg);

/* ---- locks that survive the death of their owner ---- */

struct shm_lock {
	_Atomic uint32_t owner;         /* pid, 0 free */
	uint32_t spare;
};

/* shm_lock - spin, yield, then sleep; takes over from a dead owner and then
 * returns true: what it guards may be half changed. Never hold across a
 * system call. */
bool shm_lock(struct shm_lock *);
void shm_unlock(struct shm_lock *);

/* shm_lock_forked - in a forked child, before its first lock. */
void shm_lock_forked(void);

/* Processes that own things in shared memory have a number 0..SHM_PROCS-1,
 * given by the keeper before fork and free again after the dead one's things
 * were given back. */
#define SHM_PROCS 256
extern int shm_proc_no;                 /* of this process; -1 none */

/* shm_proc_get - reserve a process number for (gen, role); -1 when none.
 * shm_proc_set_pid - after fork. shm_proc_put - after it was cleaned up. */
int shm_proc_get(struct shm *, uint32_t gen, char role);
void shm_proc_set_pid(struct shm *, int no, pid_t);
void shm_proc_put(struct shm *, int no);

/* shm_proc_oldest - the lowest generation with a process, or `gen`. */
uint32_t shm_proc_oldest(struct shm *, uint32_t gen);

/* shm_proc_is - `no` still is the number of process `pid`. */
bool shm_proc_is(struct shm *, int no, pid_t);

/* shm_proc_any - whether a process of an earlier generation than `gen` has a
 * number. */
bool shm_proc_any(struct shm *, uint32_t gen);

/* shm_proc_stale - a number whose process has gone unnoticed (its keeper died
 * as well), or -1. */
int shm_proc_stale(struct shm *);
#endif
