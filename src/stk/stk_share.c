/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_share - a rate that many streams share and must not exceed together,
 * whichever worker they are in: what they are going to do is counted first,
 * with the entry locked.
 */
#include "stk_int.h"

uint32_t
stk_table_period(const struct stk_table *t, enum stk_data rate)
{
	return (t->n[rate] != 0 ? t->period[rate] : 0);
}

bool
stk_share_begin(struct stk_share *x, struct txn *t,
    const struct stk_table *tab, const struct expr *key, enum stk_data rate)
{
	struct stk_entry *e;
	struct stk_key k;
	struct smp s;

	x->tab = NULL;
	if (!expr_eval(key, t, &s) || !stk_key_smp(tab, t, &s, &k) ||
	    (e = stk_get(tab, &k, true)) == NULL)
		return (false);
	*x = (struct stk_share){ tab, stk_index_of(tab->shm, e), 0,
	    (uint8_t)rate };
	x->slot = stk_ref_take(tab->shm, e);
	stk_touch(tab, e);
	stk_put(tab, e);
	return (true);
}

void
stk_share_end(struct stk_share *x)
{
	struct stk_entry *e;

	if (x->tab == NULL)
		return;
	e = stk_take(x->tab, x->entry);
	stk_ref_drop(x->tab->shm, e, x->slot);
	stk_touch(x->tab, e);
	stk_put(x->tab, e);
	x->tab = NULL;
}

uint64_t
stk_share_take(const struct stk_share *x, uint64_t limit, uint64_t want,
    uint64_t least)
{
	uint32_t now = stk_now();
	struct stk_entry *e = stk_take(x->tab, x->entry);
	uint64_t rate = stk_value_get(x->tab, e, x->data, 0, now), n = 0;

	if (rate < limit)
		n = limit - rate;
	if (n < least)
		n = 0;
	if (n > want)
		n = want;
	if (n != 0)
		stk_value_add(x->tab, e, x->data, 0, n, now);
	stk_put(x->tab, e);
	return (n);
}

void
stk_share_give(const struct stk_share *x, uint64_t n)
{
	struct stk_entry *e = stk_take(x->tab, x->entry);

	stk_value_back(x->tab, e, x->data, (uint32_t)n);
	stk_put(x->tab, e);
}
