/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cnt - the ledger's memory: banks, the base, the baseline.
 *
 * The file is sparse: a header, then banks of BANK_BYTES each: the base, the
 * baseline of "clear counters", and one per process number. The directory of
 * names is in the state segment (slots "cnt/…").
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/must.h>
#include <cnt/cnt.h>
#include <cnt/hist.h>
#include <os/fd.h>
#include <shm/shm.h>

#include "cnt_int.h"

#define FOLD_WORDS  512u        /* folded while readers wait */
#define READ_TRIES  100000
/* The objects that have moved, sorted, from the slots; in the keeper and all
 * that it forks. Mostly none. */
struct move {
	uint32_t off, prev_off, prev_bytes;
};

char *cnt_bank;
uint32_t cnt_proc_at;

static struct move *moves;
static size_t n_moves;
static bool moves_sorted;

static struct cnt_head *head;
static int ledger_fd = -1;

static const uint32_t kind_bytes[CNT_KIND_N] = {
	[CNT_KIND_FE] = sizeof(struct cnt_fe),
	[CNT_KIND_BE] = sizeof(struct cnt_be),
	[CNT_KIND_SRV] = sizeof(struct cnt_srv),
	[CNT_KIND_LI] = sizeof(struct cnt_li),
	[CNT_KIND_PROC] = sizeof(struct cnt_proc),
	[CNT_KIND_FE_HIST] = sizeof(struct cnt_fe_hist),
	[CNT_KIND_BE_HIST] = sizeof(struct cnt_be_hist),
};

static uint64_t *
bank_at(int bank)
{
	return ((uint64_t *)(void *)((char *)head + HEAD_BYTES +
	    (uint64_t)bank * BANK_BYTES));
}

static bool
write_head(int fd)
{
	struct cnt_head h;

	memset(&h, 0, sizeof h);
	h.magic = CNT_MAGIC;
	h.layout = CNT_LAYOUT;
	/* The process counters are at offset 0 of every bank. */
	_Static_assert(sizeof(struct cnt_proc) <= PROC_ROOM, "more room");
	h.proc_room = PROC_ROOM;
	atomic_store(&h.used, PROC_ROOM);
	return (ftruncate(fd, (off_t)FILE_BYTES) == 0 &&
	    pwrite(fd, &h, sizeof h, 0) == (ssize_t)sizeof h);
}

int
cnt_create(void)
{
	int fd = fd_memfd("ecluse-counters"), e;

	if (fd < 0 || write_head(fd))
		return (fd);
	e = errno;
	fd_close(&fd);
	errno = e;
	return (-1);
}

static void forget_slot(struct span, enum shm_layout, void *, size_t);

bool
cnt_head_check(int fd)
{
	struct cnt_head h;
	struct stat st;

	if (fstat(fd, &st) != 0 ||
	    pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h)
		return (false);
	errno = EPROTO;
	return (h.magic == CNT_MAGIC && h.layout == CNT_LAYOUT &&
	    (uint64_t)st.st_size == FILE_BYTES &&
	    atomic_load(&h.used) <= BANK_BYTES);
}

bool
cnt_attach(int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || (st.st_size == 0 && !write_head(fd)) ||
	    !cnt_head_check(fd))
		return (false);
	p = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED)
		return (false);
	(void)madvise(p, FILE_BYTES, MADV_DONTDUMP);
	head = p;
	ledger_fd = fd;
	n_moves = 0;
	cnt_proc_at = 0;
	shm_swept = forget_slot;
	return (true);
}

/* ---- objects ---- */

static uint32_t *
free_list(enum cnt_kind kind)
{
	return (kind < KINDS_1 ? &head->free_off[kind] :
	    &head->free_more[kind - KINDS_1]);
}

static uint32_t
take_offset(enum cnt_kind kind)
{
	uint32_t *list = free_list(kind), off = *list, used;

	if (off != 0) {
		uint64_t *w = bank_at(BANK_BASE) + off / 8;

		*list = (uint32_t)*w;
		*w = 0;
		return (off);
	}
	used = atomic_load(&head->used);
	if (used + kind_bytes[kind] > BANK_BYTES)
		return (0);
	atomic_store(&head->used, used + kind_bytes[kind]);
	return (used);
}

static void
note_move(const struct cnt_slot *slot)
{
	moves = must_realloc(moves, (n_moves + 1) * sizeof *moves);
	moves[n_moves++] = (struct move){ slot->off, slot->prev_off,
	    slot->prev_bytes };
	moves_sorted = false;
}

static int
by_offset(const void *a, const void *b)
{
	uint32_t x = ((const struct move *)a)->off;
	uint32_t y = ((const struct move *)b)->off;

	return ((x > y) - (x < y));
}

static const struct move *
find_move(uint32_t off)
{
	const struct move key = { .off = off };

	if (n_moves == 0)
		return (NULL);
	if (!moves_sorted)
		qsort(moves, n_moves, sizeof *moves, by_offset);
	moves_sorted = true;
	return (bsearch(&key, moves, n_moves, sizeof *moves, by_offset));
}

/* What was counted at `from` is counted at `to`. */
static void
move_base(uint32_t from, uint32_t to, uint32_t bytes)
{
	atomic_fetch_add(&head->seq, 1);
	for (int b = BANK_BASE; b <= BANK_CLEARED; b++)
		for (uint32_t w = 0; w < bytes / 8; w++) {
			bank_at(b)[to / 8 + w] += bank_at(b)[from / 8 + w];
			bank_at(b)[from / 8 + w] = 0;
		}
	atomic_fetch_add(&head->seq, 1);
}

/* A place that is large enough; the one before it is remembered. That of two
 * releases ago has nobody left who counts there. */
static void
fit(struct cnt_slot *slot, enum cnt_kind kind)
{
	uint32_t off;

	if (slot->bytes >= kind_bytes[kind])
		return;
	if ((off = take_offset(kind)) == 0) {
		slot->off = 0;
		return;
	}
	if (slot->prev_bytes != 0)
		move_base(slot->prev_off, slot->off, slot->prev_bytes);
	slot->prev_off = slot->off;
	slot->prev_bytes = slot->bytes;
	slot->off = off;
	slot->bytes = kind_bytes[kind];
}

/* The process counters have a place without a slot, as long as that is large
 * enough. */
static uint32_t
place_proc(void)
{
	uint32_t room = cnt_proc_room(head);
	struct cnt_slot *slot;
	void *at;

	if (room >= sizeof(struct cnt_proc))
		return (0);
	if (shm_slot(the_shm, SPAN(CNT_PROC_SLOT), SHM_CNT_DIR, sizeof *slot,
	    &at, NULL) == SHM_FAILED)
		return (0);
	slot = at;
	if (slot->bytes == 0)
		*slot = (struct cnt_slot){ 0, room, 0, 0 };
	fit(slot, CNT_KIND_PROC);
	if (slot->prev_bytes != 0)
		note_move(slot);
	return (slot->off);
}

bool
cnt_place_process(void)
{
	uint32_t room = cnt_proc_room(head);

	cnt_proc_at = place_proc();
	return (cnt_proc_at != 0 || room >= sizeof(struct cnt_proc));
}

uint32_t
cnt_object(enum cnt_kind kind, struct span name)
{
	char key[256];
	const struct span parts[] = { SPAN("cnt/"), name };
	struct cnt_slot *slot;
	void *at;
	size_t n;

	MUST(kind != CNT_KIND_PROC);
	n = span_join(key, sizeof key, parts, 2);
	if (n >= sizeof key)            /* a name may have any length */
		n = (size_t)snprintf(key, sizeof key, "cnt/%.180s#%016llx",
		    name.p, (unsigned long long)span_hash(name));
	if (shm_slot(the_shm, span_of(key, n), SHM_CNT_DIR,
	    sizeof *slot, &at, NULL) == SHM_FAILED)
		return (0);
	slot = at;
	if (slot->off == 0)
		*slot = (struct cnt_slot){ take_offset(kind),
		    kind_bytes[kind], 0, 0 };
	else
		fit(slot, kind);
	if (slot->prev_bytes != 0 && slot->off != 0)
		note_move(slot);
	return (slot->off);
}

static void
zero_words(uint32_t off, uint32_t bytes)
{
	for (int b = 0; b < N_BANKS; b++)
		if (b < BANK_PROC || atomic_load(&head->live[b - BANK_PROC]))
			memset(bank_at(b) + off / 8, 0, bytes);
}

/* No generation has this object any more: its place may be given again. */
static void
forget_slot(struct span name, enum shm_layout layout, void *at, size_t size)
{
	struct cnt_slot *slot = at;

	(void)name;
	if (layout != SHM_CNT_DIR || slot->off == 0)
		return;
	if (size >= sizeof *slot && slot->prev_bytes != 0)
		zero_words(slot->prev_off, slot->prev_bytes);
	for (int k = 0; k < CNT_KIND_N; k++) {
		if (kind_bytes[k] != slot->bytes)
			continue;
		zero_words(slot->off, slot->bytes);
		bank_at(BANK_BASE)[slot->off / 8] = *free_list(k);
		*free_list(k) = slot->off;
		return;
	}
}

/* ---- banks ---- */

bool
cnt_bank_open(int proc_no)
{
	MUST(head != NULL && proc_no >= 0 && proc_no < SHM_PROCS);
	if (atomic_load(&head->live[proc_no]))
		cnt_bank_fold(proc_no);
	atomic_store(&head->live[proc_no], 1);
	cnt_bank = (char *)bank_at(BANK_PROC + proc_no);
	return (true);
}

static void
fold_word(uint64_t *base, uint64_t *bank, int proc_no, uint32_t w)
{
	head->fold_bank = (uint32_t)proc_no;
	head->fold_word = w;
	head->fold_value = base[w] + bank[w];
	atomic_store(&head->fold_on, 1);
	base[w] = head->fold_value;
	bank[w] = 0;
	atomic_store(&head->fold_on, 0);
}

/* A folder died between the two stores of a word. */
static void
finish_word(void)
{
	uint32_t w = head->fold_word;

	if (atomic_load(&head->fold_on) == 0)
		return;
	if (head->fold_bank < SHM_PROCS && w < BANK_BYTES / 8) {
		bank_at(BANK_BASE)[w] = head->fold_value;
		bank_at(BANK_PROC + (int)head->fold_bank)[w] = 0;
	}
	atomic_store(&head->fold_on, 0);
}

static void
fold_piece(int proc_no, uint32_t from, uint32_t to)
{
	uint64_t *base = bank_at(BANK_BASE);
	uint64_t *bank = bank_at(BANK_PROC + proc_no);

	atomic_fetch_add(&head->seq, 1);
	for (uint32_t w = from; w < to; w++)
		if (bank[w] != 0)
			fold_word(base, bank, proc_no, w);
	atomic_fetch_add(&head->seq, 1);
}

void
cnt_bank_fold(int proc_no)
{
	off_t start = (off_t)(HEAD_BYTES +
	    (uint64_t)(BANK_PROC + proc_no) * BANK_BYTES);
	off_t used = (off_t)atomic_load(&head->used), at = start, end;

	MUST(proc_no >= 0 && proc_no < SHM_PROCS);
	/* Keepers of two generations may have one each to fold. It is held
	 * over system calls, which is long but rare. */
	(void)shm_lock(&head->folder);
	finish_word();
	if (atomic_load(&head->seq) % 2 != 0)
		atomic_fetch_add(&head->seq, 1);
	/* Only pages that were ever written: reading a hole would fill it. */
	while ((at = lseek(ledger_fd, at, SEEK_DATA)) >= 0 &&
	    at < start + used) {
		uint32_t w = (uint32_t)((at - start) / 8), last;

		end = lseek(ledger_fd, at, SEEK_HOLE);
		if (end < 0 || end > start + used)
			end = start + used;
		last = (uint32_t)((end - start) / 8);
		for (; w < last; w += FOLD_WORDS)
			fold_piece(proc_no, w, w + FOLD_WORDS < last ?
			    w + FOLD_WORDS : last);
		at = end;
	}
	atomic_store(&head->live[proc_no], 0);
	(void)fallocate(ledger_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    start, (off_t)BANK_BYTES);
	shm_unlock(&head->folder);
}

void
cnt_base_begin(void)
{
	(void)shm_lock(&head->folder);
	finish_word();
	if (atomic_load(&head->seq) % 2 == 0)
		atomic_fetch_add(&head->seq, 1);
}

void
cnt_base_add(uint32_t word, uint64_t n)
{
	bank_at(BANK_BASE)[word] += n;
}

void
cnt_base_end(void)
{
	atomic_fetch_add(&head->seq, 1);
	shm_unlock(&head->folder);
}

void
cnt_proc_add(size_t at, uint64_t n)
{
	cnt_base_begin();
	cnt_base_add((uint32_t)((cnt_proc_at + at) / 8), n);
	cnt_base_end();
}

void
cnt_add(uint32_t off, const uint64_t *more, size_t n)
{
	cnt_base_begin();
	for (size_t i = 0; i < n; i++)
		cnt_base_add(off / 8 + (uint32_t)i, more[i]);
	cnt_base_end();
}

int
cnt_fd(void)
{
	return (ledger_fd);
}

/* ---- reading ---- */

static void
add_bank(int bank, uint32_t off, uint64_t *out, size_t n, bool minus)
{
	const volatile uint64_t *w = bank_at(bank) + off / 8;

	for (size_t i = 0; i < n; i++)
		out[i] += minus ? -w[i] : w[i];
}

static void
add_place(uint32_t off, uint64_t *out, size_t n)
{
	add_bank(BANK_BASE, off, out, n, false);
	for (int p = 0; p < SHM_PROCS; p++)
		if (atomic_load(&head->live[p]))
			add_bank(BANK_PROC + p, off, out, n, false);
	add_bank(BANK_CLEARED, off, out, n, true);
}

/* `v` NULL: nothing else than what is at `off`. */
static void
sum(uint32_t off, const struct move *v, uint64_t *out, size_t n)
{
	for (int tries = 0; tries < READ_TRIES; tries++) {
		uint32_t seq = atomic_load(&head->seq);

		if (seq % 2 != 0 && tries < READ_TRIES - 1)
			continue;
		memset(out, 0, n * sizeof *out);
		add_place(off, out, n);
		if (v != NULL)
			add_place(v->prev_off, out, n < v->prev_bytes / 8 ? n :
			    v->prev_bytes / 8);
		if (atomic_load(&head->seq) == seq)
			return;
	}
}

void
cnt_sum(uint32_t off, uint64_t *out, size_t n)
{
	sum(off, find_move(off), out, n);
}

void
cnt_clear(bool all)
{
	uint32_t used = atomic_load(&head->used);
	uint64_t *cleared = bank_at(BANK_CLEARED), v;

	if (!all)
		return;         /* maxima are not kept in the ledger */
	for (uint32_t off = 0; off < used; off += 8) {
		sum(off, NULL, &v, 1);
		if (v != 0)
			cleared[off / 8] += v;
	}
}

/* ---- rows ---- */

#define CNT(field, text) { #field, text },
static const struct cnt_row rows_fe[] = {
#include <cnt/fe.def>
};
static const struct cnt_row rows_be[] = {
#include <cnt/be.def>
};
static const struct cnt_row rows_srv[] = {
#include <cnt/srv.def>
};
static const struct cnt_row rows_li[] = {
#include <cnt/li.def>
};
static const struct cnt_row rows_proc[] = {
#include <cnt/proc.def>
};
#undef CNT

const struct cnt_row *const cnt_rows[CNT_KIND_N] = {
	rows_fe, rows_be, rows_srv, rows_li, rows_proc
};
const unsigned cnt_n_rows[CNT_KIND_N] = {
	NELEM(rows_fe), NELEM(rows_be), NELEM(rows_srv), NELEM(rows_li),
	NELEM(rows_proc)
};
