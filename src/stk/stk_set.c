/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_set - what connections and streams track, and what happens to it.
 *
 * A stream's set lies in its arena, a connection's on the heap, and there is
 * none before something is tracked. What is counted of a stream counts for
 * its connection's keys, too.
 */
#include "stk_int.h"

#include <base/must.h>

#include <stdlib.h>

/* ---- sets ---- */

static size_t
set_bytes(void)
{
	return (sizeof(struct stk_set) +
	    stk_counters() * sizeof(struct stk_track));
}

static bool
of_conn(const struct txn *t)
{
	return (t->conn_stk != NULL &&
	    (t->stage == TXN_CONN || t->stage == TXN_SESS));
}

static const struct stk_set *
conn_set(const struct txn *t)
{
	return (t->conn_stk != NULL ? *t->conn_stk : NULL);
}

struct stk_set *
stk_set_new(struct arena *a)
{
	struct stk_set *s = a == NULL ? calloc(1, set_bytes()) :
	    arena_zget(a, set_bytes());

	if (s == NULL)
		return (NULL);
	s->n = stk_counters();
	s->in_arena = a != NULL;
	return (s);
}

static struct stk_set *
make_set(struct txn *t)
{
	struct stk_set **at = of_conn(t) ? t->conn_stk : &t->stk;

	if (*at == NULL)
		*at = stk_set_new(of_conn(t) ? NULL : t->arena);
	return (*at);
}

static const struct stk_track *
track_in(const struct stk_set *s, unsigned no)
{
	return (s != NULL && no < s->n && s->v[no].tab != NULL ? &s->v[no] :
	    NULL);
}

const struct stk_track *
stk_tracked(const struct txn *t, unsigned no)
{
	const struct stk_track *r = track_in(t->stk, no);

	return (r != NULL ? r : track_in(conn_set(t), no));
}

void
stk_set_free(void *set)
{
	struct stk_set *s = set;

	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct stk_track *r = &s->v[i];
		struct stk_entry *e;

		if (r->tab == NULL)
			continue;
		e = stk_take(r->tab, r->entry);
		stk_ref_drop(r->tab->shm, e, r->slot);
		stk_touch(r->tab, e);
		stk_put_changed(r->tab, e);
	}
	if (!s->in_arena)
		free(s);
}

/* ---- events ---- */

struct event {                  /* a count and its rate */
	uint8_t cnt, rate;
};
static const struct event
    ev_conn = { STK_CONN_CNT, STK_CONN_RATE },
    ev_sess = { STK_SESS_CNT, STK_SESS_RATE },
    ev_req = { STK_HTTP_REQ_CNT, STK_HTTP_REQ_RATE },
    ev_err = { STK_HTTP_ERR_CNT, STK_HTTP_ERR_RATE },
    ev_fail = { STK_HTTP_FAIL_CNT, STK_HTTP_FAIL_RATE },
    ev_in = { STK_BYTES_IN_CNT, STK_BYTES_IN_RATE },
    ev_out = { STK_BYTES_OUT_CNT, STK_BYTES_OUT_RATE };

static void
add(const struct stk_table *tab, struct stk_entry *e, struct event ev,
    uint64_t n, uint32_t now)
{
	stk_value_add(tab, e, ev.cnt, 0, n, now);
	stk_value_add(tab, e, ev.rate, 0, n, now);
}

static bool
stores(const struct stk_table *t, struct event ev)
{
	return (t->n[ev.cnt] != 0 || t->n[ev.rate] != 0);
}

static void
count_in(const struct stk_set *s, struct event a, uint64_t n, struct event b,
    uint64_t m)
{
	uint32_t now = stk_now();

	for (uint32_t i = 0; s != NULL && i < s->n; i++) {
		const struct stk_track *r = &s->v[i];
		struct stk_entry *e;

		if (r->tab == NULL || !((n != 0 && stores(r->tab, a)) ||
		    (m != 0 && stores(r->tab, b))))
			continue;
		e = stk_take(r->tab, r->entry);
		if (n != 0)
			add(r->tab, e, a, n, now);
		if (m != 0)
			add(r->tab, e, b, m, now);
		stk_put_changed(r->tab, e);
	}
}

static void
count(const struct txn *t, struct event ev)
{
	count_in(t->stk, ev, 1, ev, 0);
	count_in(conn_set(t), ev, 1, ev, 0);
}

void
stk_count(struct txn *t, enum stk_event ev)
{
	switch (ev) {
	case STK_EV_SESSION:
		count(t, ev_sess);
		break;
	case STK_EV_REQUEST:
		count(t, ev_req);
		break;
	case STK_EV_ERROR:
		if (t->is_http)
			count(t, ev_err);
		break;
	case STK_EV_FAILURE:
		if (t->is_http)
			count(t, ev_fail);
		break;
	}
}

void
stk_count_response(struct txn *t, unsigned status)
{
	if (stk_is_error(status))
		count(t, ev_err);
	if (stk_is_failure(status))
		count(t, ev_fail);
}

void
stk_count_bytes(struct txn *t, uint64_t in, uint64_t out)
{
	count_in(t->stk, ev_in, in, ev_out, out);
	count_in(conn_set(t), ev_in, in, ev_out, out);
}

/* ---- rules ---- */

/* What has happened already counts, when it is about what is tracked. */
static void
count_begin(const struct txn *t, const struct stk_table *tab,
    struct stk_entry *e)
{
	uint32_t now = stk_now();

	add(tab, e, ev_conn, 1, now);
	if (t->stage == TXN_CONN || t->stage == TXN_SESS || !t->is_http)
		return;
	add(tab, e, ev_req, 1, now);
	if (t->stage != TXN_RES || t->res == NULL)
		return;
	if (stk_is_error(t->res->status))
		add(tab, e, ev_err, 1, now);
	if (stk_is_failure(t->res->status))
		add(tab, e, ev_fail, 1, now);
}

void
stk_track(struct txn *t, unsigned no, struct stk_table *tab,
    const struct expr *key)
{
	struct stk_set *s;
	struct stk_track *r;
	struct stk_entry *e;
	struct stk_key k;
	struct smp smp;

	if (stk_tracked(t, no) != NULL || !expr_eval(key, t, &smp) ||
	    !stk_key_smp(tab, t, &smp, &k))
		return;
	if ((s = make_set(t)) == NULL || (e = stk_get(tab, &k, true)) == NULL)
		return;
	r = &s->v[no];
	*r = (struct stk_track){ tab, stk_index_of(tab->shm, e), 0 };
	r->slot = stk_ref_take(tab->shm, e);
	count_begin(t, tab, e);
	stk_touch(tab, e);
	stk_put_changed(tab, e);
}

void
stk_inc_gpc(struct txn *t, unsigned no, int idx, uint32_t by)
{
	const struct stk_track *r = stk_tracked(t, no);
	struct stk_entry *e;
	struct stk_gp gp;

	if (r == NULL)
		return;
	gp = stk_gpc(r->tab, idx);
	e = stk_take(r->tab, r->entry);
	stk_value_add(r->tab, e, gp.cnt, gp.i, by, stk_now());
	stk_value_add(r->tab, e, gp.rate, gp.rate_i, by, stk_now());
	stk_put_changed(r->tab, e);
}

void
stk_set_gpt(struct txn *t, unsigned no, int idx, uint32_t value)
{
	const struct stk_track *r = stk_tracked(t, no);
	struct stk_entry *e;
	struct stk_gp gp;

	if (r == NULL)
		return;
	gp = stk_gpt(r->tab, idx);
	e = stk_take(r->tab, r->entry);
	stk_value_set(r->tab, e, gp.cnt, gp.i, value, stk_now());
	stk_put_changed(r->tab, e);
}

struct stk_gp
stk_gpc(const struct stk_table *t, int idx)
{
	unsigned single = idx < 0 ? (unsigned)(-1 - idx) : 0;
	struct stk_gp gp = { STK_GPC, STK_GPC_RATE, (unsigned)idx,
		(unsigned)idx };

	if (idx >= 0)
		return (gp);
	gp.i = gp.rate_i = single;
	if (t->n[STK_GPC] == 0) {
		gp.cnt = single == 0 ? STK_GPC0 : STK_GPC1;
		gp.i = 0;
	}
	if (t->n[STK_GPC_RATE] == 0) {
		gp.rate = single == 0 ? STK_GPC0_RATE : STK_GPC1_RATE;
		gp.rate_i = 0;
	}
	return (gp);
}

struct stk_gp
stk_gpt(const struct stk_table *t, int idx)
{
	struct stk_gp gp = { STK_GPT, STK_GPT, (unsigned)idx, 0 };

	if (idx >= 0)
		return (gp);
	gp.i = 0;
	if (t->n[STK_GPT] == 0)
		gp.cnt = STK_GPT0;
	return (gp);
}
