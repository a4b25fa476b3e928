/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_fetch_key - samples and converters about keys rather than what is
 * counted with them: whether one is tracked or known, which one, for how long,
 * and how full a table is.
 *
 * Source: configuration manual 7.3.1, 7.3.3.
 */
#include "stk_int.h"

#define SWEEP_EACH 1000         /* of a stripe, before counting */

/* ---- counters ---- */

static bool
tracked(struct txn *t, int64_t no, const struct arg *table, struct smp *s)
{
	const struct stk_track *r = stk_tracked(t, (unsigned)no);

	(void)table;
	s->num = r != NULL;
	return (true);
}

static bool
key(struct txn *t, int64_t no, const struct arg *table, struct smp *s)
{
	const struct stk_track *r = stk_tracked(t, (unsigned)no);
	struct stk_entry *e;
	bool ok;

	(void)table;
	if (r == NULL)
		return (false);
	e = stk_take(r->tab, r->entry);
	ok = stk_key_get(r->tab, stk_entry_key(r->tab->shm, e), t, s);
	stk_put(r->tab, e);
	return (ok);
}

#define ROW(ident, args_, out_, call, doc_, ex)                              \
static bool                                                                  \
run_##ident(struct txn *t, const struct arg *arg, struct smp *s)             \
{                                                                            \
	return (call);                                                       \
}                                                                            \
FETCH(ident) = { .name = #ident, .args = args_, .out = out_,                 \
	.stages = SMP_ANYWHERE, .run = run_##ident, .fresh = true,           \
	.doc = doc_, .example = ex }

#define TRACKED(n)                                                           \
ROW(sc##n##_tracked, "table table=", SMP_BOOL, tracked(t, n, arg, s),        \
    "True when counter " #n " follows a key.",                               \
    "http-request deny unless { sc" #n "_tracked }")
ROW(sc_tracked, "int counter [0..99], table table=", SMP_BOOL,
    tracked(t, arg[0].num, arg, s), "True when <counter> follows a key.",
    "http-request deny unless { sc_tracked(0) }");
TRACKED(0);
TRACKED(1);
TRACKED(2);

#define KEY(n)                                                               \
ROW(sc##n##_key, "", SMP_ANY, key(t, n, arg, s),                             \
    "The key that counter " #n " follows.",                                  \
    "http-request set-header X-Key %[sc" #n "_key]")
ROW(sc_key, "int counter [0..99]", SMP_ANY, key(t, arg[0].num, arg, s),
    "The key that <counter> follows.",
    "http-request set-header X-Key %[sc_key(0)]");
KEY(0);
KEY(1);
KEY(2);

/* ---- the client's address ---- */

static bool
updt_conn_cnt(struct txn *t, const struct stk_table *tab, struct smp *s)
{
	const struct addr *a = txn_addr(t, TXN_SRC);
	struct stk_entry *e;
	struct stk_key k;

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return (false);
	s->type = a->family == ADDR_V4 ? SMP_V4 : SMP_V6;
	s->addr = *a;
	if (!stk_key_smp(tab, t, s, &k) || tab->n[STK_CONN_CNT] == 0 ||
	    (e = stk_get(tab, &k, true)) == NULL)
		return (false);
	stk_value_add(tab, e, STK_CONN_CNT, 0, 1, 0);
	s->num = (int64_t)stk_value_get(tab, e, STK_CONN_CNT, 0, 0);
	s->type = SMP_INT;
	stk_touch(tab, e);
	stk_put(tab, e);
	return (true);
}

ROW(src_updt_conn_cnt, "table table=.", SMP_INT,
    updt_conn_cnt(t, arg[0].ptr, s), "Connections so far of the client's "
    "address, one more with each use of this.",
    "acl many src_updt_conn_cnt(per_client) gt 10");

/* ---- tables ---- */

static uint32_t
used(const struct stk_table *tab)
{
	(void)stk_sweep(tab, SWEEP_EACH);
	return (tab->shm->used);
}

static bool
table_cnt(const struct stk_table *tab, struct smp *s)
{
	s->num = used(tab);
	return (true);
}

static bool
table_avl(const struct stk_table *tab, struct smp *s)
{
	uint32_t n = used(tab);

	s->num = n < tab->size ? tab->size - n : 0;
	return (true);
}

ROW(table_cnt, "table table=.", SMP_INT, ((void)t, table_cnt(arg[0].ptr, s)),
    "How many keys the table has.", "acl full table_cnt(per_client) gt 9000");
ROW(table_avl, "table table=.", SMP_INT, ((void)t, table_avl(arg[0].ptr, s)),
    "For how many more keys the table has room.",
    "acl full table_avl(per_client) lt 100");

/* ---- converters ---- */

/* False: the value is no key of that table. Else *e is its entry, or NULL. */
static bool
entry_of(struct txn *t, const struct stk_table *tab, struct smp *s,
    struct stk_entry **e)
{
	struct stk_key k;

	if (!stk_key_smp(tab, t, s, &k))
		return (false);
	*e = stk_get(tab, &k, false);
	return (true);
}

static bool
conv_in_table(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct stk_entry *e;

	if (!entry_of(t, arg[0].ptr, s, &e))
		return (false);
	s->num = e != NULL;
	if (e != NULL)
		stk_put(arg[0].ptr, e);
	return (true);
}

/* How long an entry will last, or has been left alone; else the default. */
static bool
age(struct txn *t, const struct arg *arg, struct smp *s, bool idle)
{
	const struct stk_table *tab = arg[0].ptr;
	struct stk_entry *e;

	if (!entry_of(t, tab, s, &e))
		return (false);
	s->num = arg[1].num;
	if (e == NULL)
		return (arg[1].type != ARG_NONE);
	s->num = tab->expire_ms == 0 ? 0 : (int32_t)(e->due - stk_now());
	if (idle)
		s->num = tab->expire_ms == 0 ?
		    (int32_t)(stk_now() - e->due) :
		    (int64_t)tab->expire_ms - s->num;
	if (s->num < 0)
		s->num = 0;
	stk_put(tab, e);
	return (true);
}

static bool
conv_expire(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (age(t, arg, s, false));
}

static bool
conv_idle(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (age(t, arg, s, true));
}

#define CONV(ident, args_, out_, fn, doc_)                                   \
CONVERTER(ident) = { .name = #ident, .args = args_, .in = SMP_ANY,           \
	.out = out_, .run = fn, .fresh = true, .doc = doc_ }

CONV(in_table, "table table=.", SMP_BOOL, conv_in_table,
    "True when the table knows the value as a key.");
CONV(table_expire, "table table=., int default=", SMP_INT, conv_expire,
    "In how many ms the value's entry expires; <default>, or no sample, when "
    "it has none.");
CONV(table_idle, "table table=., int default=", SMP_INT, conv_idle,
    "Since how many ms nothing happened to the value's entry; <default>, or "
    "no sample, when it has none.");
