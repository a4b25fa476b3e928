/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_setup - where tables lie in shared memory: found again by a new
 * generation, or made, and then filled from what the one before had.
 *
 * The name of a slot says the table's name and a hash of its shape: type, key,
 * room, what is stored. A table whose shape changed gets a new slot beside the
 * one that the old generation still uses; its entries are copied as far as
 * they have a place there.
 */
#include "stk_int.h"

#include <agent/agent.h>
#include <base/must.h>
#include <base/rand.h>
#include <ipc/say.h>

#include <stdio.h>
#include <stdlib.h>

#define SLOT_NAME 256

/* ---- shape ---- */

static uint32_t
power_of_two(uint64_t at_least)
{
	uint32_t n = 1;

	while (n < at_least && n < 1u << 30)
		n *= 2;
	return (n);
}

static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return ((n + to - 1) / to * to);
}

static void
place_data(const struct stk_table *t, struct stk_shm *m)
{
	static const uint8_t width[] = { [STK_FORM_U32] = 4,
		[STK_FORM_U64] = 8, [STK_FORM_RATE] = 12, [STK_FORM_KEY] = 4 };
	uint32_t at = sizeof(struct stk_entry);

	for (int d = 0; d < STK_DATA_N; d++) {
		if (t->n[d] == 0)
			continue;
		m->data_at[d] = (uint16_t)at;
		m->data_n[d] = t->n[d];
		at += t->n[d] * width[stk_data_rows[d].form];
	}
	m->key_at = (uint16_t)at;
	m->key_bytes = t->key_bytes;
	m->entry_bytes = (uint16_t)round_up(at + t->key_bytes, 4);
}

uint64_t
stk_shape(const struct stk_table *t, struct stk_shm *m)
{
	uint64_t at = round_up(sizeof *m, 64);

	memset(m, 0, sizeof *m);
	m->magic = STK_SHM_MAGIC;
	m->type = t->type;
	place_data(t, m);
	m->cap = power_of_two(t->size);
	m->size = t->size;
	m->n_stripes = power_of_two(m->cap / 64);
	if (m->n_stripes > STK_STRIPES_MAX)
		m->n_stripes = STK_STRIPES_MAX;
	m->n_buckets = m->cap < m->n_stripes ? m->n_stripes : m->cap;
	m->stripes_at = at;
	at += m->n_stripes * sizeof(struct stk_stripe);
	if (t->n[STK_SERVER_KEY] != 0) {
		m->names_at = at;
		at += STK_NAMES * STK_NAME_BYTES;
	}
	m->buckets_at = at;
	at += (uint64_t)m->n_buckets * sizeof(uint32_t);
	m->entries_at = round_up(at, 64);
	return (m->entries_at + (uint64_t)m->cap * m->entry_bytes);
}

static struct span
slot_prefix(const struct stk_table *t, char out[SLOT_NAME])
{
	int n = snprintf(out, SLOT_NAME, "stk/%.200s/", t->name);

	return (span_of(out, (size_t)n));
}

static struct span
slot_name(const struct stk_table *t, const struct stk_shm *m,
    char out[SLOT_NAME])
{
	struct stk_shm plain = *m;
	struct span s = slot_prefix(t, out);
	uint64_t h;

	plain.size = 0;                 /* may change within the room */
	h = span_hash(span_of((const char *)&plain, sizeof plain)) ^
	    span_hash(span_str(t->name));
	s.n += (size_t)snprintf(out + s.n, SLOT_NAME - s.n, "%016llx",
	    (unsigned long long)h);
	return (s);
}

/* ---- the table before this one ---- */

struct search {
	const struct stk_table *t;
	struct span prefix;
	struct stk_shm *found;
};

/* Everything that is read of a table lies inside its slot: it may be that of
 * another master (stk_copy). */
static bool
is_whole(const struct stk_shm *m, size_t size)
{
	static const uint8_t width[] = { 4, 8, 12, 4 };
	uint64_t end = m->entries_at + (uint64_t)m->cap * m->entry_bytes;

	if (m->entries_at < sizeof *m || m->entries_at > size || end > size ||
	    m->key_at < sizeof(struct stk_entry) ||
	    (uint64_t)m->key_at + m->key_bytes > m->entry_bytes ||
	    m->n_names > STK_NAMES || m->names_at > size ||
	    m->n_names * (uint64_t)STK_NAME_BYTES > size - m->names_at)
		return (false);
	for (int d = 0; d < STK_DATA_N; d++)
		if (m->data_n[d] != 0 && m->data_at[d] + (unsigned)
		    m->data_n[d] * width[stk_data_rows[d].form] >
		    m->entry_bytes)
			return (false);
	return (true);
}

static void
note_live(struct span name, void *at, size_t size, void *arg)
{
	struct search *s = arg;
	struct stk_shm *m = at;

	if (size >= sizeof *m && m->magic == STK_SHM_MAGIC &&
	    m->gen_live != 0 && is_whole(m, size) &&
	    span_begins(name, s->prefix) && name.n == s->prefix.n + 16 &&
	    (s->found == NULL || m->gen_live > s->found->gen_live))
		s->found = m;
}

static struct stk_shm *
find_live(const struct stk_table *t, struct shm *in)
{
	char name[SLOT_NAME];
	struct search s = { t, slot_prefix(t, name), NULL };

	shm_each(in, SHM_STK, note_live, &s);
	return (s.found);
}

/* ---- copying entries ---- */

static int
by_due(const void *a, const void *b, void *arg)
{
	const struct stk_shm *m = arg;
	int32_t d = (int32_t)(stk_entry_at(m, *(const uint32_t *)a)->due -
	    stk_entry_at(m, *(const uint32_t *)b)->due);

	return (d < 0 ? -1 : d > 0);
}

static void
copy_data(const struct stk_table *t, struct stk_entry *to,
    const struct stk_shm *m, const struct stk_entry *from)
{
	static const uint8_t width[] = { 4, 8, 12, 4 };

	for (int d = 0; d < STK_DATA_N; d++) {
		void *dst = stk_data_at(t->shm, to, d, 0);
		const void *src = stk_data_at(m, from, d, 0);
		uint8_t n = m->data_n[d] < t->n[d] ? m->data_n[d] : t->n[d];

		if (dst == NULL || src == NULL || d == STK_CONN_CUR)
			continue;       /* who tracks will say so again */
		if (d == STK_SERVER_KEY)
			*(uint32_t *)dst = stk_name_no(t->shm, span_str(
			    stk_name(m, *(const uint32_t *)src)));
		else
			memcpy(dst, src, (size_t)n *
			    width[stk_data_rows[d].form]);
	}
}

static void
copy_entry(const struct stk_table *t, struct stk_shm *m, uint32_t i)
{
	struct stk_entry *from = stk_entry_at(m, i), *to;
	uint32_t now = stk_now();
	static uint8_t key[STK_KEY_MAX + 1];
	struct stk_key k;

	/* Those who serve with it may use the entry for another key now. */
	memcpy(key, stk_entry_key(m, from), m->key_bytes);
	k.p = key;
	k.hash = stk_hash(t->shm, k.p);
	if ((to = stk_get(t, &k, true)) == NULL)
		return;
	copy_data(t, to, m, from);
	/* as young as it was, never younger than a new one */
	if (t->expire_ms != 0 && to->use == 0 &&
	    (int32_t)(from->due - now) > 0 && from->due - now < t->expire_ms)
		stk_age(t, to, from->due);
	stk_put(t, to);
}

/* In order of age, so that a smaller table keeps the youngest. */
static uint32_t
copy_entries(const struct stk_table *t, struct stk_shm *m)
{
	uint32_t top = m->top < m->cap ? m->top : m->cap, n = 0;
	uint32_t *list = must_alloc((size_t)top * sizeof *list + 1);

	for (uint32_t i = 1; i <= top; i++)
		if (stk_entry_at(m, i)->state == STK_USED)
			list[n++] = i;
	qsort_r(list, n, sizeof *list, by_due, m);
	for (uint32_t i = 0; i < n; i++)
		copy_entry(t, m, list[i]);
	free(list);
	return (n);
}

static void
convert(const struct stk_table *t, struct stk_shm *m)
{
	if (m->type != t->type || m->key_bytes != t->key_bytes) {
		ipc_say(DIAG_WARNING, "table '%s' begins empty: its keys are "
		    "of another type or length than before", t->name);
		return;
	}
	(void)copy_entries(t, m);
}

/* ---- setting up ---- */

static bool
open_table(struct stk_table *t, const char **err)
{
	static char why[512];
	struct stk_shm head, *live;
	uint64_t bytes = stk_shape(t, &head);
	char name[SLOT_NAME];
	void *at;

	live = find_live(t, the_shm);
	*err = why;
	snprintf(why, sizeof why, "no room in shared memory for table '%s' of "
	    "%u entries (%llu bytes); lower its 'size'", t->name, t->size,
	    (unsigned long long)bytes);
	switch (shm_slot(the_shm, slot_name(t, &head, name), SHM_STK,
	    (size_t)bytes, &at, NULL)) {
	case SHM_FRESH:
		head.seed = rand_u64();
		memcpy(at, &head, sizeof head);
		break;
	case SHM_FAILED:
		return (false);
	default:
		break;
	}
	t->shm = at;
	t->shm->size = t->size;
	if (!stk_log_setup(t, span_str(name)))
		return (false);
	if (live != NULL && live != t->shm)
		convert(t, live);
	return (true);
}

bool
stk_setup(const char **err)
{
	void *at;

	if (stk_all == NULL && shm_peek(the_shm, SPAN("stk-refs"),
	    SHM_STK_REFS, NULL) == NULL)
		return (true);
	if (shm_slot(the_shm, SPAN("stk-refs"), SHM_STK_REFS,
	    sizeof(struct stk_refs), &at, NULL) == SHM_FAILED) {
		*err = "no room in shared memory for stick tables";
		return (false);
	}
	stk_refs = at;
	for (struct stk_table *t = stk_all; t != NULL; t = t->next)
		if (!open_table(t, err))
			return (false);
	return (true);
}

void
stk_copy(struct shm *from)
{
	for (struct stk_table *t = stk_all; t != NULL; t = t->next) {
		struct stk_shm *m = find_live(t, from);

		if (m != NULL)
			convert(t, m);
	}
}

void
stk_serve(void)
{
	for (struct stk_table *t = stk_all; t != NULL; t = t->next)
		t->shm->gen_live = agent_facts.gen;
}
