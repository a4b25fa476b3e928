/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shm - the segment and its directory of slots.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/must.h>
#include <shm/shm.h>

#include "shm_int.h"

#define FIRST_BUCKETS 1024u
#define PUNCH_BYTES   65536u    /* freed room from here on goes back */

static size_t n_lost;           /* slots of another layout, made afresh */
struct shm *the_shm;

/* Two rows of layout.def with one number are two equal cases. */
static inline bool
is_known_layout(uint32_t number)
{
	switch (number) {
#define LAYOUT(name, number, history) case SHM_##name:
#include <shm/layout.def>
#undef LAYOUT
		return (true);
	default:
		return (false);
	}
}

static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return ((n + to - 1) & ~(to - 1));
}

int
shm_create(const char *name)
{
	struct seg seg;
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return (-1);
	memset(&seg, 0, sizeof seg);
	seg.magic = SEG_MAGIC;
	seg.layout = SHM_SEGMENT;
	seg.head_bytes = SEG_HEAD_BYTES;
	seg.bytes = SEG_BYTES;
	seg.entries = SEG_HEAD_BYTES;
	seg.top = round_up(seg.entries +
	    (uint64_t)SEG_ENTRIES * sizeof(struct seg_entry), 4096);
	seg.buckets = seg.top;
	seg.n_buckets = FIRST_BUCKETS;
	seg.top += FIRST_BUCKETS * sizeof(uint32_t);
	seg.n_entries = 1;
	if (ftruncate(fd, (off_t)SEG_BYTES) == 0 &&
	    pwrite(fd, &seg, sizeof seg, 0) == (ssize_t)sizeof seg)
		return (fd);
	int e = errno;
	(void)close(fd);
	errno = e;
	return (-1);
}

/* Read with pread(): nothing is mapped before it is known to be ours. */
static const char *
check_head(int fd)
{
	struct seg seg;
	struct stat st;

	if (fstat(fd, &st) != 0 ||
	    pread(fd, &seg, sizeof seg, 0) != (ssize_t)sizeof seg)
		return ("state segment can't be read");
	if (seg.magic != SEG_MAGIC)
		return ("not a state segment");
	if (seg.layout != SHM_SEGMENT || seg.head_bytes != SEG_HEAD_BYTES)
		return ("state segment has another layout");
	if (seg.bytes != SEG_BYTES || (uint64_t)st.st_size != seg.bytes)
		return ("state segment has another size");
	if (seg.n_buckets == 0 || (seg.n_buckets & (seg.n_buckets - 1)) != 0 ||
	    seg.top > seg.bytes || seg.buckets > seg.top ||
	    seg.n_entries > SEG_ENTRIES || seg.entries != SEG_HEAD_BYTES)
		return ("state segment's directory is damaged");
	return (NULL);
}

struct shm *
shm_attach(int fd, const char **err)
{
	struct shm *s;
	void *p;

	if ((*err = check_head(fd)) != NULL)
		return (NULL);
	p = mmap(NULL, SEG_BYTES, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED) {
		*err = "state segment can't be mapped: no address space";
		return (NULL);
	}
	(void)madvise(p, SEG_BYTES, MADV_DONTDUMP);
	s = must_alloc(sizeof *s);
	s->seg = p;
	s->fd = fd;
	return (s);
}

void
shm_detach(struct shm *s)
{
	if (s == NULL)
		return;
	(void)munmap(s->seg, SEG_BYTES);
	if (the_shm == s)
		the_shm = NULL;
	free(s);
}

int
shm_fd(const struct shm *s)
{
	return (s->fd);
}

size_t
shm_lost(void)
{
	return (n_lost);
}

uint32_t
shm_last_gen(int fd, const char **err)
{
	struct seg seg;

	if ((*err = check_head(fd)) != NULL ||
	    pread(fd, &seg, sizeof seg, 0) != (ssize_t)sizeof seg)
		return (0);
	return (seg.gen);
}

void
shm_keeper_lock(struct shm *s)
{
	(void)shm_lock(&s->seg->keeper);
}

void
shm_keeper_unlock(struct shm *s)
{
	shm_unlock(&s->seg->keeper);
}

void
shm_begin(struct shm *s, uint32_t gen)
{
	s->seg->gen = gen;
	n_lost = 0;
	/* The last one may have died while it changed the directory. */
	if (atomic_load(&s->seg->seq) % 2 != 0)
		atomic_fetch_add(&s->seg->seq, 1);
}

static void
change_begin(struct seg *seg)
{
	atomic_fetch_add(&seg->seq, 1);
}

static void
change_end(struct seg *seg)
{
	atomic_fetch_add(&seg->seq, 1);
}

/* ---- room ---- */

static unsigned
class_of(uint64_t room)
{
	unsigned c = 63u - (unsigned)__builtin_clzll(room);

	return (c < SEG_CLASSES ? c : SEG_CLASSES - 1);
}

/* A freed block of at least `room` bytes and at most four times as many. */
static uint64_t
take_freed(struct shm *s, uint64_t *room)
{
	for (unsigned c = class_of(*room);
	    c < SEG_CLASSES && c <= class_of(*room) + 1; c++) {
		uint64_t *link = &s->seg->free_block[c];

		for (int tries = 0; *link != 0 && tries < 32; tries++) {
			struct free_block *b = seg_at(s, *link);
			uint64_t at = *link;

			if (b->room >= *room) {
				*link = b->next;
				*room = b->room;
				return (at);
			}
			link = &b->next;
		}
	}
	return (0);
}

/* Zeroed room in the segment; 0 when it is full. */
static uint64_t
take_room(struct shm *s, uint64_t *room)
{
	uint64_t at;

	*room = round_up(*room == 0 ? 1 : *room, 64);
	if ((at = take_freed(s, room)) != 0) {
		if (*room < PUNCH_BYTES)
			memset(seg_at(s, at), 0, *room);
		else
			memset(seg_at(s, at), 0, sizeof(struct free_block));
		return (at);
	}
	at = round_up(s->seg->top, *room >= 4096 ? 4096 : 64);
	if (*room > s->seg->bytes || at > s->seg->bytes - *room)
		return (0);
	s->seg->top = at + *room;
	return (at);
}

static void
free_room(struct shm *s, uint64_t at, uint64_t room)
{
	struct free_block *b = seg_at(s, at);
	unsigned c = class_of(room);

	/* The kernel zeroes big ones and takes their pages back; take_room()
	 * zeroes the others. */
	if (room >= PUNCH_BYTES && fallocate(s->fd, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)room) != 0)
		memset(b, 0, room);
	b->room = room;
	b->next = s->seg->free_block[c];
	s->seg->free_block[c] = at;
}

/* ---- directory ---- */

static struct seg_entry *
entry_at(const struct shm *s, uint32_t i)
{
	return ((struct seg_entry *)seg_at(s, s->seg->entries) + i);
}

static uint32_t *
bucket_of(const struct shm *s, uint64_t hash)
{
	uint32_t *b = seg_at(s, s->seg->buckets);

	return (&b[hash & (s->seg->n_buckets - 1)]);
}

static bool
entry_is(const struct shm *s, const struct seg_entry *e, uint64_t hash,
    struct span name, uint32_t layout)
{
	return (e->hash == hash && e->name_n == name.n && !e->dead &&
	    e->layout != 0 && (layout == 0 || e->layout == layout) &&
	    memcmp(seg_at(s, e->name), name.p, name.n) == 0);
}

/* layout 0: any; the one that was made last. */
static struct seg_entry *
look_up(const struct shm *s, uint64_t hash, struct span name, uint32_t layout)
{
	uint32_t i = *bucket_of(s, hash), hops = 0;

	while (i != 0 && i < SEG_ENTRIES && hops++ < SEG_ENTRIES) {
		struct seg_entry *e = entry_at(s, i);

		if (entry_is(s, e, hash, name, layout))
			return (e);
		i = e->next;
	}
	return (NULL);
}

/* Twice the buckets; without room for them chains just get longer. */
static void
grow_buckets(struct shm *s)
{
	struct seg *seg = s->seg;
	uint32_t n = seg->n_buckets * 2, *old = seg_at(s, seg->buckets), *new;
	uint64_t room = (uint64_t)n * sizeof *new, at = take_room(s, &room);
	uint64_t old_at = seg->buckets;
	uint32_t old_n = seg->n_buckets;

	if (at == 0)
		return;
	new = seg_at(s, at);
	for (uint32_t b = 0; b < old_n; b++) {
		uint32_t i = old[b];

		while (i != 0) {
			struct seg_entry *e = entry_at(s, i);
			uint32_t next = e->next, *head = &new[e->hash & (n - 1)];

			e->next = *head;
			*head = i;
			i = next;
		}
	}
	seg->buckets = at;
	seg->n_buckets = n;
	free_room(s, old_at, (uint64_t)old_n * sizeof *old);
}

static struct seg_entry *
add_entry(struct shm *s, uint64_t hash, struct span name,
    enum shm_layout layout, size_t size)
{
	struct seg *seg = s->seg;
	uint64_t room = size, name_room = name.n, at, name_at;
	struct seg_entry *e;
	uint32_t i = seg->free_row;

	if (i == 0 && seg->n_entries >= SEG_ENTRIES)
		return (NULL);
	if ((name_at = take_room(s, &name_room)) == 0)
		return (NULL);
	if ((at = take_room(s, &room)) == 0) {
		free_room(s, name_at, name_room);
		return (NULL);
	}
	if (seg->n_slots >= seg->n_buckets)
		grow_buckets(s);
	if (i != 0)
		seg->free_row = entry_at(s, i)->next;
	else
		i = seg->n_entries++;
	memcpy(seg_at(s, name_at), name.p, name.n);
	e = entry_at(s, i);
	*e = (struct seg_entry){ .hash = hash, .at = at, .size = size,
	    .room = room, .name = name_at, .layout = layout, .gen = seg->gen,
	    .next = *bucket_of(s, hash), .name_n = (uint16_t)name.n };
	*bucket_of(s, hash) = i;
	seg->n_slots++;
	return (e);
}

/* Found too small: in place when there is room, else a copy elsewhere. */
static struct seg_entry *
grow_entry(struct shm *s, struct seg_entry *e, struct span name, size_t size)
{
	struct seg_entry *new;

	if (size <= e->room) {
		e->size = size;
		return (e);
	}
	if ((new = add_entry(s, e->hash, name, e->layout, size)) == NULL)
		return (NULL);
	memcpy(seg_at(s, new->at), seg_at(s, e->at), e->size);
	e->dead = 1;
	return (new);
}

/*
 * Each generation asks for its slots in the order in which the first one made
 * them, so the next one is mostly in the next row, and rows, names and contents
 * are walked from one end to the other and not all over the segment.
 */
static struct seg_entry *
look_up_next(struct shm *s, uint64_t hash, struct span name, uint32_t layout)
{
	uint32_t i = s->next_row;
	struct seg_entry *e;

	if (i != 0 && i < s->seg->n_entries &&
	    entry_is(s, entry_at(s, i), hash, name, layout))
		e = entry_at(s, i);
	else
		e = look_up(s, hash, name, layout);
	if (e != NULL)
		s->next_row = (uint32_t)(e - entry_at(s, 0)) + 1;
	return (e);
}

static enum shm_found
find_or_make(struct shm *s, struct span name, enum shm_layout layout,
    size_t size, struct seg_entry **out, const void **old)
{
	uint64_t hash = span_hash(name);
	struct seg_entry *e = look_up_next(s, hash, name, layout);
	struct seg_entry *other = NULL;

	if (e == NULL && (other = look_up(s, hash, name, 0)) != NULL) {
		/* It is left for those who know it, and for a way back. */
		if (old != NULL)
			*old = seg_at(s, other->at);
		else
			n_lost++;
	}
	if (e == NULL) {
		*out = add_entry(s, hash, name, layout, size);
		return (*out == NULL ? SHM_FAILED : SHM_FRESH);
	}
	if (e->size >= size) {
		*out = e;
		return (SHM_KEPT);
	}
	*out = grow_entry(s, e, name, size);
	return (*out == NULL ? SHM_FAILED : SHM_GROWN);
}

enum shm_found
shm_slot(struct shm *s, struct span name, enum shm_layout layout, size_t size,
    void **at, const void **old)
{
	struct seg_entry *e = NULL;
	enum shm_found found;

	MUST(name.n > 0 && name.n <= NAME_MAX_BYTES &&
	    is_known_layout((uint32_t)layout));
	if (old != NULL)
		*old = NULL;
	change_begin(s->seg);
	found = find_or_make(s, name, layout, size, &e, old);
	if (e != NULL)
		e->gen = s->seg->gen;
	change_end(s->seg);
	*at = e == NULL ? NULL : seg_at(s, e->at);
	return (found);
}

void *
shm_peek(struct shm *s, struct span name, enum shm_layout layout, size_t *size)
{
	uint64_t hash = span_hash(name);
	uint32_t seq;

	for (int tries = 0; tries < 10000; tries++) {
		struct seg_entry *e;
		void *at = NULL;

		seq = atomic_load(&s->seg->seq);
		if (seq % 2 != 0)
			continue;
		if ((e = look_up(s, hash, name, layout)) != NULL) {
			at = seg_at(s, e->at);
			if (size != NULL)
				*size = e->size;
		}
		if (atomic_load(&s->seg->seq) == seq)
			return (at);
	}
	return (NULL);
}

/* The segment may be another's (keeper_copy.c). */
static bool
is_inside(const struct shm *s, const struct seg_entry *e)
{
	return (e->at < s->seg->bytes && e->size <= s->seg->bytes - e->at &&
	    e->name < s->seg->bytes && e->name_n <= s->seg->bytes - e->name);
}

void
shm_each(struct shm *s, enum shm_layout layout, void (*fn)(struct span name,
    void *at, size_t size, void *arg), void *arg)
{
	for (uint32_t i = 1; i < s->seg->n_entries && i < SEG_ENTRIES; i++) {
		struct seg_entry *e = entry_at(s, i);

		if (e->layout == (uint32_t)layout && !e->dead &&
		    is_inside(s, e))
			fn(span_of(seg_at(s, e->name), e->name_n),
			    seg_at(s, e->at), e->size, arg);
	}
}

static void
drop_entry(struct shm *s, uint32_t i)
{
	struct seg_entry *e = entry_at(s, i);
	uint32_t *link = bucket_of(s, e->hash);

	while (*link != i)
		link = &entry_at(s, *link)->next;
	*link = e->next;
	free_room(s, e->at, round_up(e->room, 64));
	free_room(s, e->name, round_up(e->name_n, 64));
	e->layout = 0;
	e->next = s->seg->free_row;
	s->seg->free_row = i;
	s->seg->n_slots--;
}

void (*shm_swept)(struct span name, enum shm_layout, void *at, size_t size);

size_t
shm_sweep(struct shm *s, uint32_t oldest_gen)
{
	size_t n = 0;

	change_begin(s->seg);
	for (uint32_t i = 1; i < s->seg->n_entries; i++) {
		struct seg_entry *e = entry_at(s, i);

		if (e->layout == 0 || e->gen >= oldest_gen)
			continue;
		if (shm_swept != NULL && !e->dead)
			shm_swept(span_of(seg_at(s, e->name), e->name_n),
			    (enum shm_layout)e->layout, seg_at(s, e->at),
			    e->size);
		drop_entry(s, i);
		n++;
	}
	change_end(s->seg);
	return (n);
}
