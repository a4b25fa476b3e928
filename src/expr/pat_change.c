/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_change - changes of patterns at run time, in one process.
 *
 * A row of the base that is deleted or gets another value is changed where it
 * is: the page becomes this process's own. New rows go to a part beside it.
 */
#include "pat_int.h"

#include <stdlib.h>

#include <base/must.h>

void
pat_ref_changed(struct pat_ref *r)
{
	r->changed = true;
	for (const struct pat_watch *w = r->watches; w != NULL; w = w->next)
		*w->stale = true;
}

static struct pat_part *
part_new(struct pat_ref *r, uint32_t ver)
{
	struct pat_part *p = must_alloc(sizeof *p);
	const char *err;
	uint32_t bad;

	memset(p, 0, sizeof *p);
	p->ver = ver;
	for (struct pat_use *u = r->uses; u != NULL; u = u->next)
		MUST(pat_part_index(p, u, &bad, &err));
	return (p);
}

/* The part to which rows of that version are added. */
static struct pat_part *
part_of(struct pat_ref *r, uint32_t ver)
{
	struct pat_part *p;

	if (ver == r->curr_ver) {
		if (r->cur == NULL) {
			r->cur = part_new(r, ver);
			pat_uses_point(r);
		}
		return (r->cur);
	}
	for (p = r->prepared; p != NULL; p = p->next)
		if (p->ver == ver)
			return (p);
	p = part_new(r, ver);
	p->next = r->prepared;
	r->prepared = p;
	return (p);
}

static char *
text_new(struct span key, struct span val)
{
	char *p = must_alloc(key.n + val.n + 2);

	memcpy(p, key.p, key.n);
	p[key.n] = '\0';
	if (val.n != 0)
		memcpy(p + key.n + 1, val.p, val.n);
	p[key.n + 1 + val.n] = '\0';
	return (p);
}

static void
row_text(struct pat_row *row, struct span key, struct span val)
{
	row->key = text_new(key, val);
	row->key_n = (uint32_t)key.n;
	row->val = val.p == NULL ? 0 : (uint32_t)key.n + 1;
	row->val_n = (uint32_t)val.n & 0x7fffffff;
}

/* Rows that were deleted are many: write the part anew. */
static void
part_tidy(struct pat_ref *r, struct pat_part *p)
{
	uint32_t n = 0, bad;
	const char *err;

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->row[i].dead)
			free((char *)(uintptr_t)p->row[i].key);
		else
			p->row[n++] = p->row[i];
	}
	p->n = n;
	for (struct pat_use *u = r->uses; u != NULL; u = u->next)
		MUST(pat_part_index(p, u, &bad, &err));
	pat_uses_point(r);
}

bool
pat_add(struct pat_ref *r, uint32_t ver, uint32_t id, struct span key,
    struct span val, const char **err)
{
	struct pat_part *p = part_of(r, ver);
	struct pat_row *row;

	if (r->map && !pat_value_check(r, val, err))
		return (false);
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 4 : p->cap + p->cap / 2;
		p->row = must_realloc(p->row, p->cap * sizeof *p->row);
	}
	row = &p->row[p->n];
	memset(row, 0, sizeof *row);
	row_text(row, key, r->map ? val : SPAN_NONE);
	row->id = id != 0 ? id : r->next_id + 1;
	if (row->id > r->next_id && row->id <= INT32_MAX)
		r->next_id = row->id;
	p->n++;
	p->live++;
	pat_ref_changed(r);
	for (struct pat_use *u = r->uses; u != NULL; u = u->next)
		if (!pat_index_add(p->ix[u->no], p->row, p->n - 1, err)) {
			row->dead = true;       /* other uses may know it */
			p->live--;
			return (false);
		}
	return (true);
}

/* Row `id` of a part; they mostly are in the order of their numbers. */
static struct pat_row *
part_find(struct pat_part *p, uint32_t id)
{
	uint32_t lo = 0, hi = p->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->row[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < p->n && p->row[lo].id == id)
		return (&p->row[lo]);
	for (uint32_t i = 0; i < p->n && !p->base; i++)
		if (p->row[i].id == id)
			return (&p->row[i]);
	return (NULL);
}

struct pat_row *
pat_row_at(struct pat_ref *r, uint32_t id, struct pat_part **part)
{
	struct pat_row *row = NULL;

	*part = &r->base;
	if (!r->base_gone)
		row = part_find(*part, id);
	if (row == NULL && r->cur != NULL)
		row = part_find(*part = r->cur, id);
	return (row == NULL || row->dead ? NULL : row);
}

struct pat_row *
pat_each(struct pat_ref *r, uint32_t ver, uint64_t *at)
{
	struct pat_part *p = r->cur;
	uint64_t base = 0;

	if (ver == r->curr_ver) {
		base = r->base_gone ? 0 : r->base.n;
		for (; *at < base; ++*at)
			if (!r->base.row[*at].dead)
				return (&r->base.row[(*at)++]);
	} else
		for (p = r->prepared; p != NULL && p->ver != ver;)
			p = p->next;
	for (; p != NULL && *at - base < p->n; ++*at)
		if (!p->row[*at - base].dead)
			return (&p->row[(*at)++ - base]);
	return (NULL);
}

bool
pat_set(struct pat_ref *r, struct pat_row *row, struct span val,
    const char **err)
{
	const char *old = row->key;
	bool kept = pat_row_stable(r, row);

	if (!pat_value_check(r, val, err))
		return (false);
	row_text(row, pat_key(row), val);
	if (!kept)
		free((char *)(uintptr_t)old);
	pat_ref_changed(r);
	return (true);
}

void
pat_del(struct pat_ref *r, struct pat_row *row, struct pat_part *p)
{
	row->dead = true;
	p->live--;
	pat_ref_changed(r);
	if (!p->base && p->n > 64 && p->live < p->n / 2)
		part_tidy(r, p);
}

static void
part_drop(struct pat_part **at)
{
	struct pat_part *p = *at;

	if (p == NULL)
		return;
	*at = p->next;
	pat_part_free(p);
	free(p);
}

void
pat_clear(struct pat_ref *r, uint32_t ver)
{
	struct pat_part **at = &r->prepared;

	pat_ref_changed(r);
	if (ver != r->curr_ver) {
		while (*at != NULL && (*at)->ver != ver)
			at = &(*at)->next;
		part_drop(at);
		return;
	}
	r->base_gone = true;
	part_drop(&r->cur);
	pat_uses_point(r);
}

void
pat_forget_added(struct pat_ref *r)
{
	pat_ref_changed(r);
	part_drop(&r->cur);
	while (r->prepared != NULL)
		part_drop(&r->prepared);
	pat_uses_point(r);
}

/* Versions wrap around: `a` is older than `b`. */
static bool
is_older(uint32_t a, uint32_t b)
{
	return ((int32_t)(a - b) < 0);
}

void
pat_commit(struct pat_ref *r, uint32_t ver)
{
	struct pat_part *p, *keep = NULL, *chosen = NULL;

	pat_clear(r, r->curr_ver);
	while ((p = r->prepared) != NULL) {
		r->prepared = p->next;
		p->next = NULL;
		if (p->ver == ver)
			chosen = p;
		else if (is_older(p->ver, ver))
			part_drop(&p);
		else {
			p->next = keep;
			keep = p;
		}
	}
	r->prepared = keep;
	r->cur = chosen;
	r->curr_ver = ver;
	pat_uses_point(r);
}

/* ---- by key ---- */

bool
pat_by_key(struct pat_ref *r)
{
	const char *err;

	r->by_key = true;
	return (pat_use_get(r, ACL_STR, false, PAT_VIEW_NONE, &err) != NULL);
}

/* The index of exact texts. */
static const struct pat_use *
keys_of(const struct pat_ref *r)
{
	const struct pat_use *u = r->uses;

	while (u != NULL && (u->match != ACL_STR || u->icase))
		u = u->next;
	MUST(u != NULL);
	return (u);
}

static struct pat_row *
row_by_key(struct pat_ref *r, struct span key, struct pat_part **part)
{
	struct smp s = { .type = SMP_STR, .str = key };
	const struct pat_index *ix;
	uint32_t no;
	const struct pat_use *u = keys_of(r);

	if (pat_find(u, &s, &ix, &no) == NULL)
		return (NULL);
	*part = ix == u->base ? &r->base : r->cur;
	return (&(*part)->row[no]);
}

bool
pat_put(struct pat_ref *r, uint32_t id, struct span key, struct span val,
    const char **err)
{
	struct pat_part *part;
	struct pat_row *row = row_by_key(r, key, &part);

	if (row == NULL)
		return (pat_add(r, r->curr_ver, id, key, val, err));
	if (r->map && !span_eq(pat_value(row), val))
		return (pat_set(r, row, val, err));
	return (true);
}

unsigned
pat_drop(struct pat_ref *r, struct span key)
{
	struct pat_part *part;
	struct pat_row *row;
	unsigned n = 0;

	while ((row = row_by_key(r, key, &part)) != NULL) {
		pat_del(r, row, part);
		n++;
	}
	return (n);
}

struct pat_row *
pat_by_text(struct pat_ref *r, struct span key)
{
	struct pat_part *part;

	return (row_by_key(r, key, &part));
}

uint64_t
pat_count(const struct pat_ref *r)
{
	uint64_t n = r->base_gone ? 0 : r->base.live;

	if (r->cur != NULL)
		n += r->cur->live;
	for (const struct pat_part *p = r->prepared; p != NULL; p = p->next)
		n += p->live;
	return (n);
}
