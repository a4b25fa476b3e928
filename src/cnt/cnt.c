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
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/must.h>
#include <cnt/cnt.h>
#include <os/fd.h>
#include <shm/shm.h>

#define CNT_MAGIC   UINT64_C(0x31544e434c434545)
#define CNT_LAYOUT  1u
#define HEAD_BYTES  ((uint64_t)1 << 16)
#define BANK_BYTES  ((uint64_t)64 << 20)        /* address space, sparse */
#define N_BANKS     (SHM_PROCS + 2)             /* base, baseline, processes */
#define BANK_BASE   0
#define BANK_CLEARED 1
#define BANK_PROC   2
#define FILE_BYTES  (HEAD_BYTES + N_BANKS * BANK_BYTES)
#define FOLD_WORDS  512u        /* folded while readers wait */
#define READ_TRIES  100000

struct cnt_head {
	uint64_t magic;
	uint32_t layout;
	_Atomic uint32_t seq;           /* odd: a fold moves a piece */
	_Atomic uint32_t used;          /* bytes of every bank given out */
	uint32_t spare;
	uint32_t free_off[CNT_KIND_N];  /* lists through the base bank */
	/* The word that a fold is moving: enough to finish it. */
	_Atomic uint32_t fold_on;
	uint32_t fold_bank, fold_word, fold_spare;
	uint64_t fold_value;
	_Atomic uint8_t live[SHM_PROCS];        /* has something in its bank */
	struct shm_lock folder;         /* zero in ledgers older than it */
};
_Static_assert(sizeof(struct cnt_head) < HEAD_BYTES, "ledger header");

struct cnt_slot {               /* SHM_CNT_DIR */
	uint32_t off;
	uint32_t bytes;
};

char *cnt_bank;

static struct cnt_head *head;
static int ledger_fd = -1;

static const uint32_t kind_bytes[CNT_KIND_N] = {
	[CNT_KIND_FE] = sizeof(struct cnt_fe),
	[CNT_KIND_BE] = sizeof(struct cnt_be),
	[CNT_KIND_SRV] = sizeof(struct cnt_srv),
	[CNT_KIND_LI] = sizeof(struct cnt_li),
	[CNT_KIND_PROC] = sizeof(struct cnt_proc)
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
	atomic_store(&h.used, (uint32_t)sizeof(struct cnt_proc));
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
cnt_attach(int fd)
{
	struct cnt_head h;
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || (st.st_size == 0 && !write_head(fd)) ||
	    fstat(fd, &st) != 0 ||
	    pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h)
		return (false);
	if (h.magic != CNT_MAGIC || h.layout != CNT_LAYOUT ||
	    (uint64_t)st.st_size != FILE_BYTES ||
	    atomic_load(&h.used) > BANK_BYTES) {
		errno = EPROTO;
		return (false);
	}
	p = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED)
		return (false);
	(void)madvise(p, FILE_BYTES, MADV_DONTDUMP);
	head = p;
	ledger_fd = fd;
	shm_swept = forget_slot;
	return (true);
}

/* ---- objects ---- */

static uint32_t
take_offset(enum cnt_kind kind)
{
	uint32_t off = head->free_off[kind], used;

	if (off != 0) {
		uint64_t *w = bank_at(BANK_BASE) + off / 8;

		head->free_off[kind] = (uint32_t)*w;
		*w = 0;
		return (off);
	}
	used = atomic_load(&head->used);
	if (used + kind_bytes[kind] > BANK_BYTES)
		return (0);
	atomic_store(&head->used, used + kind_bytes[kind]);
	return (used);
}

uint32_t
cnt_object(enum cnt_kind kind, struct span name)
{
	char key[256];
	struct cnt_slot *slot;
	void *at;
	int n;

	if (kind == CNT_KIND_PROC)
		return (0);
	n = snprintf(key, sizeof key, "cnt/%.*s", SPAN_FMT(name));
	if (n >= (int)sizeof key)       /* a name may have any length */
		n = snprintf(key, sizeof key, "cnt/%.180s#%016llx", name.p,
		    (unsigned long long)span_hash(name));
	if (shm_slot(the_shm, span_of(key, (size_t)n), SHM_CNT_DIR,
	    sizeof *slot, &at, NULL) == SHM_FAILED)
		return (0);
	slot = at;
	/* Fields are added at a release's end of a struct: another size is
	 * another object. */
	if (slot->off == 0 || slot->bytes != kind_bytes[kind]) {
		slot->off = take_offset(kind);
		slot->bytes = kind_bytes[kind];
	}
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
	if (layout != SHM_CNT_DIR || size < sizeof *slot || slot->off == 0)
		return;
	for (int k = 0; k < CNT_KIND_N; k++) {
		if (kind_bytes[k] != slot->bytes)
			continue;
		zero_words(slot->off, slot->bytes);
		bank_at(BANK_BASE)[slot->off / 8] = head->free_off[k];
		head->free_off[k] = slot->off;
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

void
cnt_sum(uint32_t off, uint64_t *out, size_t n)
{
	for (int tries = 0; tries < READ_TRIES; tries++) {
		uint32_t seq = atomic_load(&head->seq);

		if (seq % 2 != 0 && tries < READ_TRIES - 1)
			continue;
		memset(out, 0, n * sizeof *out);
		add_bank(BANK_BASE, off, out, n, false);
		for (int p = 0; p < SHM_PROCS; p++)
			if (atomic_load(&head->live[p]))
				add_bank(BANK_PROC + p, off, out, n, false);
		add_bank(BANK_CLEARED, off, out, n, true);
		if (atomic_load(&head->seq) == seq)
			return;
	}
}

void
cnt_clear(bool all)
{
	uint32_t used = atomic_load(&head->used);
	uint64_t *cleared = bank_at(BANK_CLEARED), v;

	if (!all)
		return;         /* maxima are not kept in the ledger */
	for (uint32_t off = 0; off < used; off += 8) {
		cnt_sum(off, &v, 1);
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
