/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_fetch - samples and converters that look into tables: of the tracked
 * keys (sc_*), of the client's address (src_*), of any value (table_*).
 *
 * A key that is not there has zero of everything; without a tracked key, or
 * when the table does not store that, there is no sample. What increments
 * makes the entry.
 *
 * Source: configuration manual 7.3.1 (table_*), 7.3.3 (sc_*, src_*).
 */
#include "stk_int.h"

enum what { GET, KILO, INC, CLEAR, TRACKERS };

struct op {
	uint8_t what;                   /* enum what */
	uint8_t data;                   /* enum stk_data */
	bool gp, rate;                  /* a general purpose counter, its rate */
	bool tag;                       /* a general purpose tag */
	int8_t idx;                     /* gp, tag: -1, -2; 0: an argument */
};

/* ---- one entry ---- */

static struct stk_gp
place_of(const struct op *op, const struct stk_table *t, unsigned arg)
{
	struct stk_gp gp = { op->data, op->data, 0, 0 };
	int idx = op->idx < 0 ? op->idx : (int)arg;

	if (op->tag)
		return (stk_gpt(t, idx));
	if (!op->gp)
		return (gp);
	gp = stk_gpc(t, idx);
	if (op->rate) {
		gp.cnt = gp.rate;
		gp.i = gp.rate_i;
	}
	return (gp);
}

static bool
has(const struct stk_table *t, enum stk_data d, unsigned i)
{
	return (i < t->n[d]);
}

/* The operation on an entry (locked), or NULL: there is none. */
static bool
apply(const struct op *op, const struct stk_table *t, struct stk_entry *e,
    unsigned arg, struct smp *s)
{
	struct stk_gp gp = place_of(op, t, arg);
	uint32_t now = stk_now();

	s->num = 0;
	if (op->what == TRACKERS) {
		s->num = e != NULL ? e->use : 0;
		return (true);
	}
	if (op->what == INC) {
		if (e == NULL || (!has(t, gp.cnt, gp.i) &&
		    !has(t, gp.rate, gp.rate_i)))
			return (true);
		stk_value_add(t, e, gp.cnt, gp.i, 1, now);
		stk_value_add(t, e, gp.rate, gp.rate_i, 1, now);
	}
	if (e == NULL)
		return (true);          /* whatever the table stores */
	if (op->what != INC && !has(t, gp.cnt, gp.i))
		return (false);
	if (op->what == INC && !has(t, gp.cnt, gp.i))
		s->num = (int64_t)stk_value_get(t, e, gp.rate, gp.rate_i, now);
	else
		s->num = (int64_t)stk_value_get(t, e, gp.cnt, gp.i, now);
	if (op->what == KILO)
		s->num >>= 10;
	if (op->what == CLEAR)
		stk_value_set(t, e, gp.cnt, gp.i, 0, now);
	return (true);
}

static bool
makes(const struct op *op)
{
	return (op->what == INC || op->what == CLEAR);
}

static void
put(const struct op *op, const struct stk_table *t, struct stk_entry *e)
{
	if (makes(op))
		stk_put_changed(t, e);
	else
		stk_put(t, e);
}

/* `make`: an entry, when there is none. */
static bool
apply_key(const struct op *op, const struct stk_table *t,
    const struct stk_key *k, bool make, unsigned arg, struct smp *s)
{
	struct stk_entry *e = stk_get(t, k, make);
	bool has_it;

	if (e != NULL && makes(op))
		stk_touch(t, e);
	has_it = apply(op, t, e, arg, s);
	if (e != NULL)
		put(op, t, e);
	return (has_it);
}

/* ---- whose entry ---- */

/* The key that a counter follows, in another table of such keys. */
static bool
key_in(const struct stk_track *r, const struct stk_table *t,
    struct stk_key *k)
{
	static uint8_t bytes[STK_KEY_MAX];
	struct stk_entry *e;

	if (t->type != r->tab->type || t->key_bytes != r->tab->key_bytes)
		return (false);
	e = stk_take(r->tab, r->entry);
	memcpy(bytes, stk_entry_key(r->tab->shm, e), t->key_bytes);
	stk_put(r->tab, e);
	k->p = bytes;
	k->hash = stk_hash(t->shm, bytes);
	return (true);
}

static bool
of_counter(struct txn *t, const struct op *op, int64_t no,
    const struct arg *table, int64_t idx, struct smp *s)
{
	const struct stk_track *r = stk_tracked(t, (unsigned)no);
	const struct stk_table *other = table->ptr;
	struct stk_entry *e;
	struct stk_key k;
	bool has_it;

	if (r == NULL)
		return (false);
	/* in another table only what is there counts, as in the reference */
	if (other != NULL && other != r->tab)
		return (key_in(r, other, &k) &&
		    apply_key(op, other, &k, false, (unsigned)idx, s));
	e = stk_take(r->tab, r->entry);
	has_it = apply(op, r->tab, e, (unsigned)idx, s);
	put(op, r->tab, e);
	return (has_it);
}

static bool
of_sample(struct txn *t, const struct op *op, const struct arg *table,
    int64_t idx, struct smp *s)
{
	const struct stk_table *tab = table->ptr;
	struct stk_key k;

	return (stk_key_smp(tab, t, s, &k) &&
	    apply_key(op, tab, &k, makes(op), (unsigned)idx, s));
}

static bool
source(struct txn *t, struct smp *s)
{
	const struct addr *a = txn_addr(t, TXN_SRC);

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return (false);
	s->type = a->family == ADDR_V4 ? SMP_V4 : SMP_V6;
	s->addr = *a;
	return (true);
}

static bool
of_source(struct txn *t, const struct op *op, const struct arg *table,
    int64_t idx, struct smp *s)
{
	if (!source(t, s) || !of_sample(t, op, table, idx, s))
		return (false);
	s->type = SMP_INT;
	return (true);
}

/* ---- rows ---- */

#define RUN(ident, call)                                                     \
static bool                                                                  \
run_##ident(struct txn *t, const struct arg *arg, struct smp *s)             \
{                                                                            \
	return (call);                                                       \
}
#define ROW(ident, args_, doc_, ex)                                          \
FETCH(ident) = { .name = #ident, .args = args_, .out = SMP_INT,              \
	.stages = SMP_ANYWHERE, .run = run_##ident, .fresh = true,           \
	.doc = doc_, .example = "acl many " ex " gt 10" }

#define OP(name, ...) static const struct op op_##name = { __VA_ARGS__ }

/* sc_NAME(counter[,table]) and the short forms of the first three. */
#define SC(name, op, text)                                                   \
RUN(sc_##name, of_counter(t, &op, arg[0].num, &arg[1], 0, s))                \
RUN(sc0_##name, of_counter(t, &op, 0, &arg[0], 0, s))                        \
RUN(sc1_##name, of_counter(t, &op, 1, &arg[0], 0, s))                        \
RUN(sc2_##name, of_counter(t, &op, 2, &arg[0], 0, s))                        \
ROW(sc_##name, "int counter [0..99], table table=",                          \
    text ", for the key that <counter> follows, in its table or another.",   \
    "sc_" #name "(0)");                                                      \
ROW(sc0_##name, "table table=", text ", for the key of counter 0.",          \
    "sc0_" #name);                                                           \
ROW(sc1_##name, "table table=", text ", for the key of counter 1.",          \
    "sc1_" #name);                                                           \
ROW(sc2_##name, "table table=", text ", for the key of counter 2.",          \
    "sc2_" #name)

#define SRC(name, op, text)                                                  \
RUN(src_##name, of_source(t, &op, &arg[0], 0, s))                            \
ROW(src_##name, "table table=.", text ", for the client's address.",         \
    "src_" #name "(per_client)")

#define CONV(ident, args_, call, doc_)                                       \
RUN(ident, call)                                                             \
CONVERTER(ident) = { .name = #ident, .args = args_, .in = SMP_ANY,           \
	.out = SMP_INT, .run = run_##ident, .fresh = true, .doc = doc_ }

#define TAB(name, op, text)                                                  \
CONV(table_##name, "table table=.",                                \
    of_sample(t, &op, &arg[0], 0, s), text ", for the value as key.")

#define ALL(name, op, text)                                                  \
SC(name, op, text);                                                          \
SRC(name, op, text);                                                         \
TAB(name, op, text)

/* With the index of an element before the other arguments. */
#define SC_AT(name, op, text)                                                \
RUN(sc_##name, of_counter(t, &op, arg[1].num, &arg[2], arg[0].num, s))       \
ROW(sc_##name, "int index [0..99], int counter [0..99], table table=",       \
    text ", for the key that <counter> follows.", "sc_" #name "(0,0)")
#define SRC_AT(name, op, text)                                               \
RUN(src_##name, of_source(t, &op, &arg[1], arg[0].num, s))                   \
ROW(src_##name, "int index [0..99], table table=.",                          \
    text ", for the client's address.", "src_" #name "(0,per_client)")
#define TAB_AT(name, op, text)                                               \
CONV(table_##name, "int index [0..99], table table=.",              \
    of_sample(t, &op, &arg[1], arg[0].num, s), text                          \
    ", for the value as key.")

OP(conn_cnt, .what = GET, .data = STK_CONN_CNT);
OP(conn_cur, .what = GET, .data = STK_CONN_CUR);
OP(conn_rate, .what = GET, .data = STK_CONN_RATE);
OP(sess_cnt, .what = GET, .data = STK_SESS_CNT);
OP(sess_rate, .what = GET, .data = STK_SESS_RATE);
OP(http_req_cnt, .what = GET, .data = STK_HTTP_REQ_CNT);
OP(http_req_rate, .what = GET, .data = STK_HTTP_REQ_RATE);
OP(http_err_cnt, .what = GET, .data = STK_HTTP_ERR_CNT);
OP(http_err_rate, .what = GET, .data = STK_HTTP_ERR_RATE);
OP(http_fail_cnt, .what = GET, .data = STK_HTTP_FAIL_CNT);
OP(http_fail_rate, .what = GET, .data = STK_HTTP_FAIL_RATE);
OP(bytes_in_rate, .what = GET, .data = STK_BYTES_IN_RATE);
OP(bytes_out_rate, .what = GET, .data = STK_BYTES_OUT_RATE);
OP(kbytes_in, .what = KILO, .data = STK_BYTES_IN_CNT);
OP(kbytes_out, .what = KILO, .data = STK_BYTES_OUT_CNT);
OP(glitch_cnt, .what = GET, .data = STK_GLITCH_CNT);
OP(glitch_rate, .what = GET, .data = STK_GLITCH_RATE);
OP(server_id, .what = GET, .data = STK_SERVER_ID);
OP(trackers, .what = TRACKERS, .data = 0);
OP(gpc0, .what = GET, .gp = true, .idx = -1);
OP(gpc1, .what = GET, .gp = true, .idx = -2);
OP(gpc, .what = GET, .gp = true);
OP(gpc0_rate, .what = GET, .gp = true, .rate = true, .idx = -1);
OP(gpc1_rate, .what = GET, .gp = true, .rate = true, .idx = -2);
OP(gpc_rate, .what = GET, .gp = true, .rate = true);
OP(inc0, .what = INC, .gp = true, .idx = -1);
OP(inc1, .what = INC, .gp = true, .idx = -2);
OP(inc, .what = INC, .gp = true);
OP(clr0, .what = CLEAR, .gp = true, .idx = -1);
OP(clr1, .what = CLEAR, .gp = true, .idx = -2);
OP(clr, .what = CLEAR, .gp = true);
OP(gpt0, .what = GET, .tag = true, .idx = -1);
OP(gpt, .what = GET, .tag = true);

ALL(conn_cnt, op_conn_cnt, "Connections so far");
ALL(conn_cur, op_conn_cur, "Connections that are open");
ALL(conn_rate, op_conn_rate, "Connections in the table's period");
ALL(sess_cnt, op_sess_cnt, "Connections that passed the rules of layer 4");
ALL(sess_rate, op_sess_rate, "Connections that passed the rules of layer 4, "
    "in the table's period");
ALL(http_req_cnt, op_http_req_cnt, "Requests so far");
ALL(http_req_rate, op_http_req_rate, "Requests in the table's period");
ALL(http_err_cnt, op_http_err_cnt, "Requests that were invalid, denied, or "
    "answered with 4xx");
ALL(http_err_rate, op_http_err_rate, "Requests that were invalid, denied, or "
    "answered with 4xx, in the table's period");
ALL(http_fail_cnt, op_http_fail_cnt, "Responses that were invalid or 5xx but "
    "501 and 505");
ALL(http_fail_rate, op_http_fail_rate, "Responses that were invalid or 5xx "
    "but 501 and 505, in the table's period");
ALL(bytes_in_rate, op_bytes_in_rate, "Bytes from clients in the table's "
    "period");
ALL(bytes_out_rate, op_bytes_out_rate, "Bytes to clients in the table's "
    "period");
ALL(kbytes_in, op_kbytes_in, "KiB from clients");
ALL(kbytes_out, op_kbytes_out, "KiB to clients");
ALL(glitch_cnt, op_glitch_cnt, "Protocol glitches of the client");
ALL(glitch_rate, op_glitch_rate, "Protocol glitches of the client in the "
    "table's period");
SC(trackers, op_trackers, "Connections and requests that follow the key now");
TAB(trackers, op_trackers, "Connections and requests that follow the key now");
TAB(server_id, op_server_id, "The number of the server it was sent to");

SC(get_gpc0, op_gpc0, "The first general purpose counter");
SRC(get_gpc0, op_gpc0, "The first general purpose counter");
TAB(gpc0, op_gpc0, "The first general purpose counter");
SC(get_gpc1, op_gpc1, "The second general purpose counter");
SRC(get_gpc1, op_gpc1, "The second general purpose counter");
TAB(gpc1, op_gpc1, "The second general purpose counter");
SC_AT(get_gpc, op_gpc, "An element of the general purpose counters");
SRC_AT(get_gpc, op_gpc, "An element of the general purpose counters");
TAB_AT(gpc, op_gpc, "An element of the general purpose counters");
ALL(gpc0_rate, op_gpc0_rate, "Increments of the first general purpose counter "
    "in the table's period");
ALL(gpc1_rate, op_gpc1_rate, "Increments of the second general purpose "
    "counter in the table's period");
SC_AT(gpc_rate, op_gpc_rate, "Increments of a general purpose counter in the "
    "table's period");
SRC_AT(gpc_rate, op_gpc_rate, "Increments of a general purpose counter in the "
    "table's period");
TAB_AT(gpc_rate, op_gpc_rate, "Increments of a general purpose counter in the "
    "table's period");
ALL(inc_gpc0, op_inc0, "The first general purpose counter, incremented by "
    "this");
ALL(inc_gpc1, op_inc1, "The second general purpose counter, incremented by "
    "this");
SC_AT(inc_gpc, op_inc, "A general purpose counter, incremented by this");
SRC_AT(inc_gpc, op_inc, "A general purpose counter, incremented by this");
TAB_AT(inc_gpc, op_inc, "A general purpose counter, incremented by this");
ALL(clr_gpc0, op_clr0, "The first general purpose counter, as it was before "
    "this set it to zero");
ALL(clr_gpc1, op_clr1, "The second general purpose counter, as it was before "
    "this set it to zero");
SC_AT(clr_gpc, op_clr, "A general purpose counter, as it was before this set "
    "it to zero");
SRC_AT(clr_gpc, op_clr, "A general purpose counter, as it was before this set "
    "it to zero");
TAB_AT(clr_gpc, op_clr, "A general purpose counter, as it was before this set "
    "it to zero");
SC(get_gpt0, op_gpt0, "The first general purpose tag");
SRC(get_gpt0, op_gpt0, "The first general purpose tag");
TAB(gpt0, op_gpt0, "The first general purpose tag");
SC_AT(get_gpt, op_gpt, "An element of the general purpose tags");
SRC_AT(get_gpt, op_gpt, "An element of the general purpose tags");
TAB_AT(gpt, op_gpt, "An element of the general purpose tags");

/* The census has this one, too. */
RUN(sc1_clr_gpc, of_counter(t, &op_clr, 1, &arg[1], arg[0].num, s))
ROW(sc1_clr_gpc, "int index [0..99], table table=", "A general purpose "
    "counter of the key of counter 1, as it was before this set it to zero.",
    "sc1_clr_gpc(0)");
