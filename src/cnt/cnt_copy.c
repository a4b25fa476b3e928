/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cnt_copy - the counters of another ledger, whose processes still count: what
 * they showed at first is added, and from time to time what was added since.
 * So nothing is lost, and nothing counted twice.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <base/must.h>
#include <cnt/copy.h>

#include "cnt_int.h"

struct pair {                   /* one object, there and here */
	uint32_t from, to;
	uint32_t words;
	uint32_t had;           /* index in `seen` */
};

struct cnt_copy {
	struct cnt_head *head;  /* of the other ledger */
	struct pair *pairs;
	size_t n;
	uint64_t *seen;         /* what was added so far */
	uint32_t n_seen;
};

struct cnt_copy *
cnt_copy_open(int fd)
{
	struct cnt_copy *c;
	void *p;

	if (!cnt_head_check(fd))
		return (NULL);
	p = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd,
	    0);
	if (p == MAP_FAILED)
		return (NULL);
	(void)madvise(p, FILE_BYTES, MADV_DONTDUMP);
	c = must_alloc(sizeof *c);
	c->head = p;
	return (c);
}

void
cnt_copy_close(struct cnt_copy *c)
{
	if (c == NULL)
		return;
	(void)munmap(c->head, FILE_BYTES);
	free(c->pairs);
	free(c->seen);
	free(c);
}

static void
add_pair(struct cnt_copy *c, uint32_t from, uint32_t to, uint32_t bytes)
{
	uint32_t words = bytes / 8;

	c->pairs = must_realloc(c->pairs, (c->n + 1) * sizeof *c->pairs);
	c->pairs[c->n++] = (struct pair){ from, to, words, c->n_seen };
	c->seen = must_realloc(c->seen, (c->n_seen + words) * sizeof *c->seen);
	memset(c->seen + c->n_seen, 0, words * sizeof *c->seen);
	c->n_seen += words;
}

/* Of another release: as many fields as both have. */
static void
pair_places(struct cnt_copy *c, uint32_t from, uint32_t from_bytes, uint32_t to,
    uint32_t to_bytes)
{
	if (from % 8 == 0 && from_bytes <= BANK_BYTES &&
	    from <= BANK_BYTES - from_bytes)
		add_pair(c, from, to, from_bytes < to_bytes ? from_bytes :
		    to_bytes);
}

static void
look_at(struct span name, void *at, size_t size, void *arg)
{
	struct cnt_copy *c = arg;
	struct cnt_slot there = { 0 };
	const struct cnt_slot *here;
	size_t n = 0;

	if (span_is(name, CNT_PROC_SLOT))
		return;
	here = shm_peek(the_shm, name, SHM_CNT_DIR, &n);
	if (here == NULL || n < sizeof *here)
		return;
	memcpy(&there, at, size < sizeof there ? size : sizeof there);
	if (here->off != 0 && there.off != 0)
		pair_places(c, there.off, there.bytes, here->off, here->bytes);
	if (here->off != 0 && there.prev_bytes != 0)
		pair_places(c, there.prev_off, there.prev_bytes, here->off,
		    here->bytes);
}

/* The process counters, in their first place and in a later one. */
static void
find_process(struct cnt_copy *c, struct shm *from)
{
	const struct cnt_slot *slot;
	size_t n = 0;

	pair_places(c, 0, cnt_proc_room(c->head), cnt_proc_at,
	    sizeof(struct cnt_proc));
	slot = shm_peek(from, SPAN(CNT_PROC_SLOT), SHM_CNT_DIR, &n);
	if (slot != NULL && n >= sizeof *slot && slot->off != 0)
		pair_places(c, slot->off, slot->bytes, cnt_proc_at,
		    sizeof(struct cnt_proc));
}

void
cnt_copy_find(struct cnt_copy *c, struct shm *from)
{
	find_process(c, from);
	shm_each(from, SHM_CNT_DIR, look_at, c);
}

static const volatile uint64_t *
bank_there(const struct cnt_copy *c, int bank)
{
	return ((const volatile uint64_t *)(const void *)
	    ((const char *)c->head + HEAD_BYTES + (uint64_t)bank * BANK_BYTES));
}

static uint64_t
sum_there(const struct cnt_copy *c, uint32_t word)
{
	uint64_t v = bank_there(c, BANK_BASE)[word] -
	    bank_there(c, BANK_CLEARED)[word];

	for (int p = 0; p < SHM_PROCS; p++)
		if (atomic_load(&c->head->live[p]))
			v += bank_there(c, BANK_PROC + p)[word];
	return (v);
}

/* A sum that no fold disturbed; the last one if there are folds on and on. */
static uint64_t
calm_sum(const struct cnt_copy *c, uint32_t word)
{
	uint64_t v = 0;

	for (int tries = 0; tries < 1000; tries++) {
		uint32_t seq = atomic_load(&c->head->seq);

		v = sum_there(c, word);
		if (seq % 2 == 0 && atomic_load(&c->head->seq) == seq)
			break;
	}
	return (v);
}

void
cnt_copy_step(struct cnt_copy *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct pair *p = &c->pairs[i];

		for (uint32_t w = 0; w < p->words; w++) {
			uint64_t v = calm_sum(c, p->from / 8 + w);
			uint64_t *seen = &c->seen[p->had + w];

			/* Backwards: cleared there meanwhile. */
			if (v <= *seen)
				continue;
			cnt_base_begin();
			cnt_base_add(p->to / 8 + w, v - *seen);
			cnt_base_end();
			*seen = v;
		}
	}
}
