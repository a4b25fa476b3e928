/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_value - what is stored with a key: counters, tags, rates, names.
 *
 * A rate counts in periods that follow each other. What it was over the last
 * period is what this one has, and of the one before the part that still lies
 * within: 3 s into a period of 10 s, 70 % of it. An idle rate begins anew with
 * its next event.
 */
#include "stk_int.h"

#include <base/must.h>

const struct stk_data_row stk_data_rows[STK_DATA_N] = {
#define STK_DATA(ident, name_, form_, array_)                                \
	[STK_##ident] = { name_, STK_FORM_##form_, array_ },
#include <stk/data.def>
#undef STK_DATA
};

/* ---- rates ---- */

/* How long ago the period began. The loop of another worker may have been
 * ahead of ours by some milliseconds when it began it. */
#define AHEAD_MS 60000
static uint32_t
rate_age(const struct stk_rate *r, uint32_t now)
{
	uint32_t age = now - r->from;

	return (age > UINT32_MAX - AHEAD_MS ? 0 : age);
}

static uint32_t
rate_read(const struct stk_rate *r, uint32_t period, uint32_t now)
{
	uint32_t age = rate_age(r, now), cur = r->cur, prev = r->prev;

	if (period == 0 || age >= 2 * (uint64_t)period)
		return (0);
	if (age >= period) {
		prev = cur;
		cur = 0;
		age -= period;
	}
	return (cur + (uint32_t)((uint64_t)prev * (period - age) / period));
}

static void
rate_add(struct stk_rate *r, uint32_t period, uint32_t n, uint32_t now)
{
	uint32_t age = rate_age(r, now);

	if (age >= 2 * (uint64_t)period) {
		r->from = now;
		r->prev = r->cur = 0;
	} else if (age >= period) {
		r->from += period;
		r->prev = r->cur;
		r->cur = 0;
	}
	r->cur += n;
}

/* ---- names of servers ---- */

static char *
name_at(const struct stk_shm *m, uint32_t no)
{
	return ((char *)(uintptr_t)m + m->names_at +
	    (size_t)no * STK_NAME_BYTES);
}

const char *
stk_name(const struct stk_shm *m, uint32_t no)
{
	return (no == 0 || no > m->n_names || m->names_at == 0 ? NULL :
	    name_at(m, no));
}

static uint32_t
find_name(const struct stk_shm *m, struct span name)
{
	for (uint32_t i = 1; i <= m->n_names; i++)
		if (span_is(name, name_at(m, i)))
			return (i);
	return (0);
}

uint32_t
stk_name_no(struct stk_shm *m, struct span name)
{
	uint32_t no;

	if (m->names_at == 0 || name.n == 0 || name.n >= STK_NAME_BYTES)
		return (0);
	if ((no = find_name(m, name)) != 0)
		return (no);
	(void)shm_lock(&m->names_lock);         /* appending needs no mending */
	if ((no = find_name(m, name)) == 0 && m->n_names + 1 < STK_NAMES) {
		no = m->n_names + 1;
		(void)span_copy(name_at(m, no), STK_NAME_BYTES, name);
		atomic_store(&m->n_names, no);
	}
	shm_unlock(&m->names_lock);
	return (no);
}

/* ---- values ---- */

uint64_t
stk_value_get(const struct stk_table *t, const struct stk_entry *e,
    enum stk_data d, unsigned i, uint32_t now)
{
	const void *at = stk_data_at(t->shm, e, d, i);
	uint64_t v;

	if (at == NULL)
		return (0);
	switch (stk_data_rows[d].form) {
	case STK_FORM_U64:
		memcpy(&v, at, sizeof v);       /* aligned to 4 only */
		return (v);
	case STK_FORM_RATE:
		return (rate_read(at, t->period[d], now));
	default:
		return (*(const uint32_t *)at);
	}
}

void
stk_value_set(const struct stk_table *t, struct stk_entry *e,
    enum stk_data d, unsigned i, uint64_t v, uint32_t now)
{
	void *at = stk_data_at(t->shm, e, d, i);

	if (at == NULL)
		return;
	switch (stk_data_rows[d].form) {
	case STK_FORM_U64:
		memcpy(at, &v, sizeof v);
		break;
	case STK_FORM_RATE:
		*(struct stk_rate *)at = (struct stk_rate){ .from = now,
		    .cur = (uint32_t)v };
		break;
	default:
		*(uint32_t *)at = (uint32_t)v;
	}
}

void
stk_value_add(const struct stk_table *t, struct stk_entry *e,
    enum stk_data d, unsigned i, uint64_t n, uint32_t now)
{
	void *at = stk_data_at(t->shm, e, d, i);
	uint64_t v;

	if (at == NULL)
		return;
	switch (stk_data_rows[d].form) {
	case STK_FORM_U64:
		memcpy(&v, at, sizeof v);
		v += n;
		memcpy(at, &v, sizeof v);
		break;
	case STK_FORM_RATE:
		rate_add(at, t->period[d], (uint32_t)n, now);
		break;
	default:
		*(uint32_t *)at += (uint32_t)n;
	}
}

void
stk_value_back(const struct stk_table *t, struct stk_entry *e,
    enum stk_data d, uint32_t n)
{
	struct stk_rate *r = stk_data_at(t->shm, e, d, 0);

	if (r == NULL)
		return;
	if (n > r->cur) {               /* a period ended meanwhile */
		n -= r->cur;
		r->cur = 0;
		r->prev -= n < r->prev ? n : r->prev;
	} else
		r->cur -= n;
}

void
stk_cell_get(const struct stk_table *t, const struct stk_entry *e,
    enum stk_data d, unsigned i, uint32_t now, struct stk_cell *c)
{
	const struct stk_rate *r = stk_data_at(t->shm, e, d, i);
	const char *name;

	*c = (struct stk_cell){ .data = (uint8_t)d, .i = (uint8_t)i };
	if (stk_data_rows[d].form == STK_FORM_RATE) {
		c->age = rate_age(r, now);
		c->v = r->cur;
		c->prev = r->prev;
		return;
	}
	c->v = stk_value_get(t, e, d, i, now);
	if (stk_data_rows[d].form == STK_FORM_KEY &&
	    (name = stk_name(t->shm, (uint32_t)c->v)) != NULL)
		c->name = span_str(name);
}

void
stk_cell_set(const struct stk_table *t, struct stk_entry *e,
    const struct stk_cell *c, uint32_t now)
{
	struct stk_rate *r = stk_data_at(t->shm, e, c->data, c->i);

	if (r == NULL)
		return;
	if (stk_data_rows[c->data].form == STK_FORM_RATE)
		*r = (struct stk_rate){ now - c->age, (uint32_t)c->v,
		    c->prev };
	else
		stk_value_set(t, e, c->data, c->i, stk_data_rows[c->data].form
		    == STK_FORM_KEY ? stk_name_no(t->shm, c->name) : c->v,
		    now);
}
