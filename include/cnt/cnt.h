/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CNT_CNT_H
#define CNT_CNT_H
/*
 * cnt - the ledger: counters that never go backwards.
 *
 * Each process adds to a bank of its own (no atomics); readers add the banks;
 * a dead process's bank is folded into the base bank. An object's place in
 * every bank is the same offset, found by its name in the directory, so
 * counters go on over generations.
 *
 * The declarations are rows: cnt/fe.def, be.def, srv.def, li.def, proc.def:
 * CNT(field, "help text"). All are uint64_t.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/span.h>

struct cnt_fe {
#define CNT(field, help) uint64_t field;
#include <cnt/fe.def>
#undef CNT
};
struct cnt_be {
#define CNT(field, help) uint64_t field;
#include <cnt/be.def>
#undef CNT
};
struct cnt_srv {
#define CNT(field, help) uint64_t field;
#include <cnt/srv.def>
#undef CNT
};
struct cnt_li {
#define CNT(field, help) uint64_t field;
#include <cnt/li.def>
#undef CNT
};
struct cnt_proc {
#define CNT(field, help) uint64_t field;
#include <cnt/proc.def>
#undef CNT
};

enum cnt_kind { CNT_KIND_FE, CNT_KIND_BE, CNT_KIND_SRV, CNT_KIND_LI,
	CNT_KIND_PROC, CNT_KIND_FE_HIST, CNT_KIND_BE_HIST, /* cnt/hist.h */
	CNT_KIND_N };

/* This process's bank: the object at offset `off` has its counters there. */
extern char *cnt_bank;
extern uint32_t cnt_proc_at;            /* the process counters' */

#define CNT_FE(off)  ((struct cnt_fe *)(void *)(cnt_bank + (off)))
#define CNT_BE(off)  ((struct cnt_be *)(void *)(cnt_bank + (off)))
#define CNT_SRV(off) ((struct cnt_srv *)(void *)(cnt_bank + (off)))
#define CNT_LI(off)  ((struct cnt_li *)(void *)(cnt_bank + (off)))
#define CNT_PROC()   ((struct cnt_proc *)(void *)(cnt_bank + cnt_proc_at))

/* cnt_create - a new ledger memfd (owned by the caller: the master or the
 * top keeper); cnt_attach - map it; an empty memfd becomes one. -1/false with
 * errno. */
int cnt_create(void);
bool cnt_attach(int fd);

/* cnt_fd - the descriptor that was attached. */
int cnt_fd(void);

/* cnt_place_process - find the place of the process counters, in the keeper.
 * False: there is no room. */
bool cnt_place_process(void);

/*
 * cnt_object - the offset of an object's counters, found or reserved; called
 * by the keeper for each object before it forks. 0 when there is no room.
 * name: "fe/www", "be/app", "srv/app/web1", "li/www/1".
 */
uint32_t cnt_object(enum cnt_kind, struct span name);

/* cnt_bank_open - this process's bank, number shm_proc_no; zeroed.
 * cnt_bank_fold - add bank `no` of a dead process to the base and clear it
 * (exact if the folder itself dies half way: a journal word says how far). */
bool cnt_bank_open(int proc_no);
void cnt_bank_fold(int proc_no);

/* cnt_proc_add - in the keeper, which has no bank: add to a counter of the
 * process in the base. */
#define CNT_PROC_ADD(field, n)                                               \
	cnt_proc_add(offsetof(struct cnt_proc, field), (n))
void cnt_proc_add(size_t at, uint64_t n);

/* cnt_add - `n` counters of an object get more, in the base: in the keeper. */
void cnt_add(uint32_t off, const uint64_t *more, size_t n);

/* cnt_sum - add all banks for one object into `out` (`n` uint64_t). */
void cnt_sum(uint32_t off, uint64_t *out, size_t n);

/* cnt_clear - "clear counters": what readers see starts again from zero. The
 * banks are not touched; a baseline is stored and subtracted.
 * all: also the totals, not only maxima. */
void cnt_clear(bool all);

/* The names and help texts of the fields, in order. */
struct cnt_row {
	const char *name, *help;
};
extern const struct cnt_row *const cnt_rows[CNT_KIND_N];
extern const unsigned cnt_n_rows[CNT_KIND_N];
#endif
