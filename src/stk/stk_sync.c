/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_sync - tables as replication sees them: entries out, entries in.
 *
 * Source: configuration manual 4.2 (stick-table: recv-only, write-to), 3.5.
 */
#include "stk_int.h"

#include <base/must.h>

struct stk_table *
stk_next(const struct stk_table *t)
{
	return (t == NULL ? stk_all : t->next);
}

struct stk_traits
stk_traits_of(const struct stk_table *t)
{
	struct stk_traits x = {
		.name = t->name, .peers = t->peers, .peers_pos = t->peers_pos,
		.wire = t->wire, .type = t->type, .key_bytes = t->key_bytes,
		.expire_ms = t->expire_ms,
	};

	memcpy(x.n, t->n, sizeof x.n);
	memcpy(x.period, t->period, sizeof x.period);
	return (x);
}

void
stk_replicate(struct stk_table *t)
{
	t->replicated = true;
}

uint32_t
stk_top(const struct stk_table *t)
{
	uint32_t top = atomic_load(&t->shm->top);

	return (top < t->shm->cap ? top : t->shm->cap);
}

/* ---- out ---- */

/* Entry number `index`, its stripe locked; NULL: it is not in use. */
static struct stk_entry *
take_used(const struct stk_table *t, uint32_t index)
{
	struct stk_entry *e = stk_entry_at(t->shm, index);
	uint32_t hash = e->hash;

	if (e->state != STK_USED)
		return (NULL);
	stk_lock(t->shm, stk_stripe_at(t->shm, hash));
	if (e->state == STK_USED && e->hash == hash)
		return (e);
	shm_unlock(&stk_stripe_at(t->shm, hash)->lock);
	return (NULL);
}

static void
take_key(const struct stk_table *t, const struct stk_entry *e,
    struct stk_image *im)
{
	static uint8_t key[STK_KEY_MAX];

	memcpy(key, stk_entry_key(t->shm, e), t->key_bytes);
	im->key = span_of((const char *)key, t->type == STK_STRING ?
	    strnlen((const char *)key, t->key_bytes) : t->key_bytes);
}

bool
stk_image_get(const struct stk_table *t, uint32_t index, struct stk_image *im)
{
	uint32_t now = stk_now();
	struct stk_entry *e;
	int32_t left;

	if (index == 0 || index > stk_top(t) ||
	    (e = take_used(t, index)) == NULL)
		return (false);
	/* While it is tracked it does not grow old. */
	left = e->use != 0 ? (int32_t)t->expire_ms : (int32_t)(e->due - now);
	if (t->expire_ms != 0 && left <= 0) {
		stk_put(t, e);
		return (false);
	}
	im->has_left = t->expire_ms != 0;
	im->left_ms = im->has_left ? (uint32_t)left : 0;
	take_key(t, e, im);
	im->n = 0;
	for (int d = 0; d < STK_DATA_N; d++)
		for (unsigned i = 0; i < t->n[d]; i++)
			stk_cell_get(t, e, d, i, now, &im->cell[im->n++]);
	stk_put(t, e);
	return (true);
}

/* ---- in ---- */

static bool
make_key(const struct stk_table *t, const struct stk_image *im,
    struct stk_key *k)
{
	static uint8_t key[STK_KEY_MAX];
	size_t most = t->key_bytes - (t->type == STK_STRING);
	size_t n = im->key.n < most ? im->key.n : most;

	if (t->type == STK_STRING)
		n = strnlen(im->key.p, n);
	else if (im->key.n != t->key_bytes)
		return (false);
	memcpy(key, im->key.p, n);
	memset(key + n, 0, t->key_bytes - n);
	k->p = key;
	k->hash = stk_hash(t->shm, key);
	return (true);
}

static void
live_on(const struct stk_table *t, struct stk_entry *e,
    const struct stk_image *im, uint32_t now)
{
	stk_touch(t, e);
	if (im->has_left && t->expire_ms != 0 && e->use == 0 &&
	    im->left_ms < t->expire_ms)
		stk_age(t, e, now + im->left_ms);
}

/* Copied to the table of write-to: what is not summed up there. */
static bool
goes_on(enum stk_data d)
{
	return (d == STK_SERVER_ID || d == STK_SERVER_KEY || d == STK_GPT0 ||
	    d == STK_GPT);
}

static void
write_on(const struct stk_table *to, const struct stk_image *im)
{
	uint32_t now = stk_now();
	struct stk_entry *e;
	struct stk_key k;

	if (!make_key(to, im, &k) || (e = stk_get(to, &k, true)) == NULL)
		return;
	for (uint32_t i = 0; i < im->n; i++)
		if (goes_on(im->cell[i].data))
			stk_cell_set(to, e, &im->cell[i], now);
	stk_touch(to, e);
	stk_put_changed(to, e);
}

bool
stk_image_put(const struct stk_table *t, const struct stk_image *im)
{
	uint32_t now = stk_now();
	struct stk_entry *e;
	struct stk_key k;

	if (!make_key(t, im, &k) || (e = stk_get(t, &k, true)) == NULL)
		return (false);
	for (uint32_t i = 0; i < im->n; i++)
		if (im->cell[i].data != STK_CONN_CUR || t->recv_only)
			stk_cell_set(t, e, &im->cell[i], now);
	live_on(t, e, im, now);
	stk_put(t, e);
	if (t->write_to != NULL)
		write_on(stk_table_find(span_str(t->write_to)), im);
	return (true);
}
