/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_entry - finds, makes and drops entries.
 *
 * A stripe is a part of the hash: its lock guards its buckets, its list in
 * order of age and its free list. An entry belongs to the stripe of its hash.
 * When a stripe has no free entry it may take one from another: what is on
 * its way is marked STK_VIRGIN, so that nobody who mends a stripe takes it (a
 * process that dies just then loses one entry).
 */
#include "stk_int.h"

#include <base/clock.h>
#include <base/must.h>
#include <os/loop.h>

#include <stdlib.h>

#define EXPIRE_PER_GET  2       /* old entries dropped with each use */
#define AGE_STEPS       64      /* to find the place of an older one */
#define ROOM_TRIES      64      /* tracked entries passed over, and races */

uint32_t
stk_now(void)
{
	return ((uint32_t)(the_loop != NULL ? the_loop->now_ms :
	    clock_mono_us() / 1000));
}

/* XXH3 of eight bytes is a multiplication away from this; keys of clients
 * must not be able to choose their bucket. */
uint32_t
stk_hash(const struct stk_shm *m, const uint8_t *key)
{
	uint64_t h;

	if (m->key_bytes == 4) {
		uint32_t k;

		memcpy(&k, key, 4);
		h = (k ^ m->seed) * UINT64_C(0x9fb21c651e98df25);
		h ^= h >> 32;
		h *= UINT64_C(0x9fb21c651e98df25);
	} else {
		h = span_hash_seed(span_of((const char *)key, m->key_bytes),
		    m->seed);
	}
	return ((uint32_t)(h >> 32) ^ (uint32_t)h);
}

static uint32_t *
bucket_of(const struct stk_shm *m, uint32_t hash)
{
	return ((uint32_t *)(void *)((char *)(uintptr_t)m + m->buckets_at) +
	    (hash & (m->n_buckets - 1)));
}

static bool
is_over(uint32_t due, uint32_t now)
{
	return ((int32_t)(due - now) <= 0);
}

/* ---- the list by age ---- */

static void
note_first(struct stk_shm *m, struct stk_stripe *s)
{
	if (s->oldest != 0)
		atomic_store_explicit(&s->first_due,
		    stk_entry_at(m, s->oldest)->due, memory_order_relaxed);
}

static void
age_unlink(struct stk_shm *m, struct stk_stripe *s, struct stk_entry *e)
{
	if (e->older != 0)
		stk_entry_at(m, e->older)->newer = e->newer;
	else
		s->oldest = e->newer;
	if (e->newer != 0)
		stk_entry_at(m, e->newer)->older = e->older;
	else
		s->newest = e->older;
}

static void
age_push(struct stk_shm *m, struct stk_stripe *s, struct stk_entry *e,
    uint32_t index)
{
	e->older = s->newest;
	e->newer = 0;
	if (s->newest != 0)
		stk_entry_at(m, s->newest)->newer = index;
	else
		s->oldest = index;
	s->newest = index;
}

void
stk_touch(const struct stk_table *t, struct stk_entry *e)
{
	uint32_t due = stk_now() + t->expire_ms, index;
	struct stk_stripe *s;
	bool first;

	if (e->due == due)
		return;
	e->due = due;
	index = stk_index_of(t->shm, e);
	s = stk_stripe_at(t->shm, e->hash);
	first = s->oldest == index;
	if (s->newest != index) {
		age_unlink(t->shm, s, e);
		age_push(t->shm, s, e, index);
	}
	if (first)
		note_first(t->shm, s);
}

static void
age_insert(struct stk_shm *m, struct stk_stripe *s, struct stk_entry *e,
    uint32_t before)
{
	uint32_t index = stk_index_of(m, e);

	e->older = before;
	e->newer = before != 0 ? stk_entry_at(m, before)->newer : s->oldest;
	if (before != 0)
		stk_entry_at(m, before)->newer = index;
	else
		s->oldest = index;
	if (e->newer != 0)
		stk_entry_at(m, e->newer)->older = index;
	else
		s->newest = index;
}

/* It goes among those of its age, if these are not far: one that is too near
 * to the young ones is dropped late, and nobody sees it meanwhile. */
void
stk_age(const struct stk_table *t, struct stk_entry *e, uint32_t due)
{
	struct stk_shm *m = t->shm;
	struct stk_stripe *s = stk_stripe_at(m, e->hash);
	uint32_t before = e->older;

	e->due = due;
	for (int i = 0; i < AGE_STEPS && before != 0 &&
	    (int32_t)(stk_entry_at(m, before)->due - due) > 0; i++)
		before = stk_entry_at(m, before)->older;
	if (before != e->older) {
		age_unlink(m, s, e);
		age_insert(m, s, e, before);
	}
	note_first(m, s);
}

/* ---- taking out ---- */

static void
set_free(struct stk_stripe *s, struct stk_entry *e, uint32_t index)
{
	e->next = s->free;
	s->free = index;
	e->state = STK_FREE;
}

void
stk_remove(struct stk_shm *m, struct stk_stripe *s, struct stk_entry *e)
{
	uint32_t index = stk_index_of(m, e), *link = bucket_of(m, e->hash);

	MUST(e->state == STK_USED && e->use == 0);
	while (*link != index)
		link = &stk_entry_at(m, *link)->next;
	*link = e->next;
	age_unlink(m, s, e);
	set_free(s, e, index);
	s->n--;
	note_first(m, s);
	atomic_fetch_sub(&m->used, 1);
}

/*
 * The oldest entry goes, if nobody holds it: with `force` whatever its age.
 * One that is held is made young. False: there is nothing more to do here.
 */
static bool
drop_oldest(const struct stk_table *t, struct stk_stripe *s, bool force,
    bool *dropped)
{
	struct stk_entry *e;

	*dropped = false;
	if (s->oldest == 0)
		return (false);
	e = stk_entry_at(t->shm, s->oldest);
	if (!force && (t->expire_ms == 0 || !is_over(e->due, stk_now())))
		return (false);
	if (e->use != 0) {
		if (s->oldest == s->newest && e->due ==
		    stk_now() + t->expire_ms)
			return (false);
		e->due = stk_now() + t->expire_ms - 1;
		stk_touch(t, e);
		return (true);
	}
	stk_remove(t->shm, s, e);
	*dropped = true;
	return (true);
}

static uint32_t
expire_some(const struct stk_table *t, struct stk_stripe *s, uint32_t most)
{
	uint32_t n = 0;
	bool dropped;

	while (n < most && drop_oldest(t, s, false, &dropped))
		n++;
	return (n);
}

static struct stk_stripe *
stripe_no(const struct stk_shm *m, uint32_t i)
{
	return (stk_stripe_at(m, i));
}

uint32_t
stk_sweep(const struct stk_table *t, uint32_t most)
{
	struct stk_shm *m = t->shm;
	uint32_t n = 0;

	if (t->expire_ms == 0)
		return (0);
	for (uint32_t i = 0; i < m->n_stripes; i++) {
		struct stk_stripe *s = stripe_no(m, i);

		if (s->n == 0 || !is_over(atomic_load_explicit(&s->first_due,
		    memory_order_relaxed), stk_now()))
			continue;
		stk_lock(m, s);
		n += expire_some(t, s, most);
		shm_unlock(&s->lock);
	}
	return (n);
}

/* ---- mending ---- */

static int
by_due(const void *a, const void *b, void *arg)
{
	const struct stk_shm *m = arg;
	const struct stk_entry *x = stk_entry_at(m, *(const uint32_t *)a);
	const struct stk_entry *y = stk_entry_at(m, *(const uint32_t *)b);
	int32_t d = (int32_t)(x->due - y->due);

	return (d < 0 ? -1 : d > 0);
}

/*
 * Every list of a stripe anew, from what its entries say of themselves. The
 * table's count follows that of the stripe: both go up before an entry is in
 * use, and down after, so that a death in between may leave the table's one
 * too high, never too low.
 */
static void
mend(struct stk_shm *m, struct stk_stripe *s)
{
	uint32_t own = (uint32_t)(s - stripe_no(m, 0)), top = m->top, n = 0;
	uint32_t *found = must_alloc((size_t)top * sizeof *found + 1);
	uint32_t was = s->n;

	stk_ref_undo(m, s);
	for (uint32_t b = own; b < m->n_buckets; b += m->n_stripes)
		*bucket_of(m, b) = 0;
	s->oldest = s->newest = s->free = s->n = 0;
	if (top > m->cap)
		top = m->cap;
	for (uint32_t i = 1; i <= top; i++) {
		struct stk_entry *e = stk_entry_at(m, i);

		if (e->state == STK_VIRGIN ||
		    (e->hash & (m->n_stripes - 1)) != own)
			continue;
		if (e->state == STK_USED)
			found[n++] = i;
		else
			set_free(s, e, i);
	}
	qsort_r(found, n, sizeof *found, by_due, m);
	for (uint32_t i = 0; i < n; i++) {
		struct stk_entry *e = stk_entry_at(m, found[i]);
		uint32_t *b = bucket_of(m, e->hash);

		e->next = *b;
		*b = found[i];
		age_push(m, s, e, found[i]);
	}
	s->n = n;
	note_first(m, s);
	atomic_fetch_add(&m->used, n - was);
	free(found);
}

void
stk_lock(struct stk_shm *m, struct stk_stripe *s)
{
	if (__builtin_expect(shm_lock(&s->lock), 0))
		mend(m, s);
}

/* ---- finding and making ---- */

static struct stk_entry *
look_up(const struct stk_shm *m, const struct stk_key *k)
{
	uint32_t i = *bucket_of(m, k->hash);

	while (i != 0) {
		struct stk_entry *e = stk_entry_at(m, i);

		if (e->hash == k->hash &&
		    memcmp(stk_entry_key(m, e), k->p, m->key_bytes) == 0)
			return (e);
		i = e->next;
	}
	return (NULL);
}

/* An entry out of the free list; it is STK_VIRGIN then. */
static uint32_t
pop_free(struct stk_shm *m, struct stk_stripe *s)
{
	uint32_t i = s->free;
	struct stk_entry *e;

	if (i == 0)
		return (0);
	e = stk_entry_at(m, i);
	s->free = e->next;
	e->state = STK_VIRGIN;
	return (i);
}

/* One that was never used; memory follows the size, not the room there is. */
static uint32_t
take_new(struct stk_shm *m, uint32_t most)
{
	uint32_t top = atomic_load_explicit(&m->top, memory_order_relaxed);

	if (most > m->cap)
		most = m->cap;
	while (top < most)
		if (atomic_compare_exchange_weak(&m->top, &top, top + 1))
			return (top + 1);
	return (0);
}

static bool
reserve(struct stk_shm *m)
{
	if (atomic_fetch_add(&m->used, 1) < m->size)
		return (true);
	atomic_fetch_sub(&m->used, 1);
	return (false);
}

static void
fill(const struct stk_table *t, struct stk_stripe *s, uint32_t i,
    const struct stk_key *k)
{
	struct stk_shm *m = t->shm;
	struct stk_entry *e = stk_entry_at(m, i);
	uint32_t *b = bucket_of(m, k->hash);

	memset((char *)e + sizeof *e, 0, m->entry_bytes - sizeof *e);
	memcpy(stk_entry_key(m, e), k->p, m->key_bytes);
	e->hash = k->hash;
	e->due = stk_now() + t->expire_ms;
	e->use = 0;
	atomic_signal_fence(memory_order_seq_cst);
	e->state = STK_USED;
	s->n++;
	e->next = *b;
	*b = i;
	age_push(m, s, e, i);
	if (s->oldest == i)
		note_first(m, s);
}

/* The stripe whose oldest entry is the oldest of all. */
static struct stk_stripe *
oldest_stripe(const struct stk_shm *m)
{
	struct stk_stripe *best = NULL;

	for (uint32_t i = 0; i < m->n_stripes; i++) {
		struct stk_stripe *s = stripe_no(m, i);

		if (s->n != 0 && (best == NULL || (int32_t)(atomic_load(
		    &s->first_due) - atomic_load(&best->first_due)) < 0))
			best = s;
	}
	return (best);
}

/* The table is full: make room by age; nothing is locked. */
static bool
purge(const struct stk_table *t)
{
	for (int tries = 0; tries < ROOM_TRIES; tries++) {
		struct stk_stripe *s = oldest_stripe(t->shm);
		bool dropped, more;

		if (s == NULL)
			return (false);
		stk_lock(t->shm, s);
		more = drop_oldest(t, s, !t->nopurge, &dropped);
		shm_unlock(&s->lock);
		if (dropped)
			return (true);
		if (!more)
			return (false);
	}
	return (false);
}

/* A free entry of any stripe; nothing is locked. */
static uint32_t
steal(struct stk_shm *m)
{
	for (uint32_t i = 0; i < m->n_stripes; i++) {
		struct stk_stripe *s = stripe_no(m, i);
		uint32_t got;

		if (s->free == 0)
			continue;
		stk_lock(m, s);
		got = pop_free(m, s);
		shm_unlock(&s->lock);
		if (got != 0)
			return (got);
	}
	return (0);
}

/* Slow path of stk_get(): the stripe is unlocked meanwhile. */
static uint32_t
make_room(const struct stk_table *t, struct stk_stripe *s)
{
	uint32_t i = 0;
	bool have = false;

	shm_unlock(&s->lock);
	for (int tries = 0; tries < ROOM_TRIES && i == 0; tries++) {
		if (!have && !(have = reserve(t->shm)) && !purge(t))
			break;
		if (have && (i = steal(t->shm)) == 0)
			i = take_new(t->shm, t->shm->cap);
	}
	if (have && i == 0)
		atomic_fetch_sub(&t->shm->used, 1);
	stk_lock(t->shm, s);
	return (i);
}

static struct stk_entry *
make(const struct stk_table *t, struct stk_stripe *s,
    const struct stk_key *k)
{
	struct stk_shm *m = t->shm;
	struct stk_entry *e;
	uint32_t i = 0;

	if (reserve(m)) {
		if ((i = pop_free(m, s)) == 0 &&
		    (i = take_new(m, m->size)) == 0)
			atomic_fetch_sub(&m->used, 1);
	}
	if (i == 0) {
		if ((i = make_room(t, s)) == 0)
			return (look_up(m, k));
		if ((e = look_up(m, k)) != NULL) {      /* made meanwhile */
			stk_entry_at(m, i)->hash = k->hash;
			set_free(s, stk_entry_at(m, i), i);
			atomic_fetch_sub(&m->used, 1);
			return (e);
		}
	}
	fill(t, s, i, k);
	return (stk_entry_at(m, i));
}

struct stk_entry *
stk_get(const struct stk_table *t, const struct stk_key *k, bool want)
{
	struct stk_stripe *s = stk_stripe_at(t->shm, k->hash);
	struct stk_entry *e;

	stk_lock(t->shm, s);
	(void)expire_some(t, s, EXPIRE_PER_GET);
	e = look_up(t->shm, k);
	if (e != NULL && t->expire_ms != 0 && e->use == 0 &&
	    is_over(e->due, stk_now())) {
		stk_remove(t->shm, s, e);
		e = NULL;
	}
	if (e == NULL && want)
		e = make(t, s, k);
	if (e == NULL)
		shm_unlock(&s->lock);
	return (e);
}

struct stk_entry *
stk_take(const struct stk_table *t, uint32_t index)
{
	struct stk_entry *e = stk_entry_at(t->shm, index);

	stk_lock(t->shm, stk_stripe_at(t->shm, e->hash));
	return (e);
}

void
stk_put(const struct stk_table *t, struct stk_entry *e)
{
	shm_unlock(&stk_stripe_at(t->shm, e->hash)->lock);
}

void
stk_put_changed(const struct stk_table *t, struct stk_entry *e)
{
	uint32_t index = stk_index_of(t->shm, e);

	stk_put(t, e);
	if (__builtin_expect(t->log != NULL, 0))
		stk_log_note(t, index);
}
