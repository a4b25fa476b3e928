/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_cli - "show table", "set table", "clear table".
 *
 * Entries are copied under their stripe's lock and printed behind it.
 *
 * Source: management manual 9.3.
 */
#include "stk_int.h"

#include <agent/agent.h>
#include <base/must.h>
#include <base/num.h>
#include <cli/cli.h>
#include <os/loop.h>

#define FILTERS_MAX     4
#define PIECE_BYTES     16384           /* of an answer, per turn */
#define PIECE_ENTRIES   20000           /* looked at, per turn */
#define SWEEP_EACH      1000

enum cmp { CMP_EQ, CMP_NE, CMP_LE, CMP_GE, CMP_LT, CMP_GT };

struct filter {
	enum stk_data data;
	unsigned i;
	enum cmp cmp;
	int64_t value;
};

struct walk {                           /* of one command */
	const struct stk_table *t;
	struct filter filter[FILTERS_MAX];
	unsigned n_filters;
	uint32_t at;                    /* next entry */
};

/* ---- what the words say ---- */

/* "gpc0", "gpc3_rate", "conn_cnt": what is stored, or else what there is. */
static bool
data_of(const struct stk_table *t, struct span name, enum stk_data *d,
    unsigned *i)
{
	static const struct {
		const char *head, *tail;
		uint8_t data;
	} arrays[] = { { "gpc", "", STK_GPC }, { "gpt", "", STK_GPT },
		{ "gpc", "_rate", STK_GPC_RATE } };
	struct span no;
	uint64_t n;

	for (size_t k = 0; k < NELEM(arrays); k++) {
		if (!span_begins(name, span_str(arrays[k].head)) ||
		    !span_ends(name, span_str(arrays[k].tail)))
			continue;
		no = span_skip(name, strlen(arrays[k].head));
		if (no.n < strlen(arrays[k].tail))
			continue;
		no.n -= strlen(arrays[k].tail);
		if (!num_u64(no, &n) || n >= t->n[arrays[k].data])
			continue;
		*d = arrays[k].data;
		*i = (unsigned)n;
		return (true);
	}
	*i = 0;
	for (unsigned k = 0; k < STK_DATA_N; k++)
		if (span_is(name, stk_data_rows[k].name)) {
			*d = k;
			return (true);
		}
	return (false);
}

static bool
take_filter(struct cli_ctx *x, struct walk *w, int at)
{
	static const char *const names[] = { "eq", "ne", "le", "ge", "lt",
		"gt" };
	struct filter *f = &w->filter[w->n_filters];
	unsigned no = w->n_filters + 1, c;

	if (!data_of(w->t, span_skip(cli_arg(x, at), 5), &f->data, &f->i)) {
		text_printf(x->out, "Filter entry #%u: Unknown data type\n",
		    no);
		return (false);
	}
	if (f->i >= w->t->n[f->data]) {
		text_printf(x->out, "Filter entry #%u: Data type not stored "
		    "in this table\n", no);
		return (false);
	}
	for (c = 0; c < NELEM(names); c++)
		if (cli_is(x, at + 1, names[c]))
			break;
	if (c == NELEM(names)) {
		text_printf(x->out, "Filter entry #%u: Require an operator "
		    "among \"eq\", \"ne\", \"le\", \"ge\", \"lt\", \"gt\"\n",
		    no);
		return (false);
	}
	f->cmp = c;
	if (!num_i64(cli_arg(x, at + 2), &f->value)) {
		text_printf(x->out, "Filter entry #%u: Require a valid "
		    "integer value to compare against\n", no);
		return (false);
	}
	w->n_filters++;
	return (true);
}

static bool
take_filters(struct cli_ctx *x, struct walk *w, int at, unsigned most)
{
	while (at < x->n) {
		if (!span_begins(cli_arg(x, at), SPAN("data."))) {
			text_addz(x->out, "Optional argument only supports "
			    "\"data.<store_data_type>\" <operator> <value>, "
			    "key <key> and ptr <ptr>\n");
			return (false);
		}
		if (w->n_filters == most) {
			text_printf(x->out, "At most %u filters can be "
			    "given\n", most);
			return (false);
		}
		if (!take_filter(x, w, at))
			return (false);
		at += 3;
	}
	return (true);
}

static bool
take_key(struct cli_ctx *x, const struct stk_table *t, int at,
    struct stk_key *k)
{
	if (cli_arg(x, at).n == 0) {
		text_addz(x->out, "Key value expected\n");
		return (false);
	}
	if (stk_key_text(t, cli_arg(x, at), k))
		return (true);
	text_printf(x->out, "Invalid key: expected one of type %s\n",
	    stk_type_names[t->type]);
	return (false);
}

static const struct stk_table *
take_table(struct cli_ctx *x)
{
	const struct stk_table *t = stk_table_find(cli_arg(x, x->at));

	if (t == NULL)
		text_addz(x->out, "No such table\n");
	return (t);
}

/* Where an entry is in its table: what is printed before it. */
static uint64_t
ptr_of(const struct stk_shm *m, uint32_t index)
{
	return (m->entries_at + (uint64_t)(index - 1) * m->entry_bytes);
}

static bool
take_ptr(struct cli_ctx *x, const struct stk_table *t, int at, uint32_t *index)
{
	const struct stk_shm *m = t->shm;
	struct span s = cli_arg(x, at);
	uint64_t v;

	if (span_begins(s, SPAN("0x")) && num_hex(span_skip(s, 2), &v) &&
	    v >= m->entries_at && (v - m->entries_at) % m->entry_bytes == 0 &&
	    (v - m->entries_at) / m->entry_bytes < m->cap) {
		*index = 1 + (uint32_t)((v - m->entries_at) / m->entry_bytes);
		return (true);
	}
	text_addz(x->out, "Invalid ptr: expected one that \"show table\" "
	    "printed\n");
	return (false);
}

/* ---- printing ---- */

static void
put_head(struct text *out, const struct stk_table *t)
{
	(void)stk_sweep(t, SWEEP_EACH);
	text_printf(out, "# table: %s, type: %s, size:%u, used:%u\n", t->name,
	    stk_type_names[t->type], t->size, t->shm->used);
}

static void
put_value(struct text *out, const struct stk_table *t,
    const struct stk_entry *e, enum stk_data d, unsigned i, uint32_t now)
{
	const struct stk_data_row *row = &stk_data_rows[d];
	uint64_t v = stk_value_get(t, e, d, i, now);
	const char *name;

	if (row->array)                 /* "gpc3", "gpc3_rate" */
		text_printf(out, " %.3s%u%s", row->name, i, row->name + 3);
	else
		text_printf(out, " %s", row->name);
	if (row->form == STK_FORM_RATE)
		text_printf(out, "(%u)", t->period[d]);
	if (row->form == STK_FORM_KEY) {
		name = stk_name(t->shm, (uint32_t)v);
		text_printf(out, "=%s", name != NULL ? name : "-");
	} else
		text_printf(out, "=%llu", (unsigned long long)v);
}

static void
put_entry(struct text *out, const struct stk_table *t,
    const struct stk_entry *e, uint32_t index, uint32_t now)
{
	int32_t left = t->expire_ms == 0 ? 0 : (int32_t)(e->due - now);

	text_printf(out, "0x%llx: key=",
	    (unsigned long long)ptr_of(t->shm, index));
	stk_key_print(t, stk_entry_key(t->shm, e), out);
	text_printf(out, " use=%u exp=%d", e->use, left < 0 ? 0 : left);
	for (int d = 0; d < STK_DATA_N; d++)
		for (unsigned i = 0; i < t->n[d]; i++)
			put_value(out, t, e, d, i, now);
	text_addc(out, '\n');
}

static bool
passes(const struct walk *w, const struct stk_entry *e, uint32_t now)
{
	for (unsigned i = 0; i < w->n_filters; i++) {
		const struct filter *f = &w->filter[i];
		int64_t v = (int64_t)stk_value_get(w->t, e, f->data, f->i,
		    now);
		bool ok = f->cmp == CMP_EQ ? v == f->value :
		    f->cmp == CMP_NE ? v != f->value :
		    f->cmp == CMP_LE ? v <= f->value :
		    f->cmp == CMP_GE ? v >= f->value :
		    f->cmp == CMP_LT ? v < f->value : v > f->value;

		if (!ok)
			return (false);
	}
	return (true);
}

/* ---- entries ---- */

/* Entry number `i`, its stripe locked; NULL: it is not in use. */
static struct stk_entry *
take_used(const struct stk_table *t, uint32_t i)
{
	struct stk_entry *e = stk_entry_at(t->shm, i);
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
show_one(struct text *out, const struct walk *w, const struct stk_entry *e,
    uint32_t i)
{
	static struct {
		struct stk_entry e;
		uint8_t rest[UINT16_MAX + 8];
	} copy;
	uint32_t now = stk_now();

	memcpy(&copy, e, w->t->shm->entry_bytes);
	shm_unlock(&stk_stripe_at(w->t->shm, copy.e.hash)->lock);
	if (w->t->expire_ms != 0 && copy.e.use == 0 &&
	    (int32_t)(copy.e.due - now) <= 0)
		return;
	if (passes(w, &copy.e, now))
		put_entry(out, w->t, &copy.e, i, now);
}

static enum cli_done
show_entries(struct cli_ctx *x, struct walk *w)
{
	struct stk_shm *m = w->t->shm;
	uint32_t looked = 0;
	struct stk_entry *e;

	while (w->at < m->top && w->at < m->cap) {
		if (looked++ == PIECE_ENTRIES || x->out->n > PIECE_BYTES)
			return (CLI_MORE);
		w->at++;
		if ((e = take_used(w->t, w->at)) != NULL)
			show_one(x->out, w, e, w->at);
	}
	return (CLI_DONE);
}

/* The words "key <key>" or "ptr <ptr>" at `at`: the entry, its stripe locked.
 * NULL: there is none, or *no: they are not these words. Without an entry of
 * that key one is made when `make` says so. */
static struct stk_entry *
take_entry(struct cli_ctx *x, const struct stk_table *t, int at, bool make,
    bool *no)
{
	struct stk_entry *e;
	struct stk_key k;
	uint32_t index;

	*no = false;
	if (cli_is(x, at, "key")) {
		if (!take_key(x, t, at + 1, &k))
			return (NULL);
		e = stk_get(t, &k, make);
		if (e == NULL && make)
			text_addz(x->out, "Unable to allocate a new entry\n");
		return (e);
	}
	*no = !cli_is(x, at, "ptr");
	if (*no || !take_ptr(x, t, at + 1, &index))
		return (NULL);
	e = take_used(t, index);
	if (e == NULL && make)
		text_addz(x->out, "No such entry\n");
	return (e);
}

/* ---- show ---- */

static enum cli_done
show_all(struct cli_ctx *x)
{
	for (const struct stk_table *t = stk_all; t != NULL; t = t->next)
		put_head(x->out, t);
	return (CLI_DONE);
}

/* The head says what it knows behind the stripe's lock. */
static void
show_locked(struct cli_ctx *x, const struct walk *w, struct stk_entry *e)
{
	struct text one;

	text_init(&one);
	show_one(&one, w, e, stk_index_of(w->t->shm, e));
	put_head(x->out, w->t);
	text_add(x->out, span_of(one.p, one.n));
	text_fini(&one);
}

static enum cli_done
run_show(struct cli_ctx *x)
{
	struct walk *w = x->priv;
	struct stk_entry *e;
	bool no;

	if (w != NULL)
		return (show_entries(x, w));
	if (cli_arg(x, x->at).n == 0)
		return (show_all(x));
	w = x->priv = cli_alloc(x, sizeof *w);
	if ((w->t = take_table(x)) == NULL)
		return (CLI_DONE);
	if (x->level < PX_LEVEL_OPERATOR) {
		put_head(x->out, w->t);
		text_addz(x->out, "# contents not dumped due to insufficient "
		    "privileges\n");
		return (CLI_DONE);
	}
	if ((e = take_entry(x, w->t, x->at + 1, false, &no)) != NULL)
		show_locked(x, w, e);
	if (!no || !take_filters(x, w, x->at + 1, FILTERS_MAX))
		return (CLI_DONE);
	put_head(x->out, w->t);
	return (show_entries(x, w));
}

/* ---- clear ---- */

static void
clear_one(struct cli_ctx *x, const struct stk_table *t, struct stk_entry *e,
    bool say)
{
	struct stk_stripe *s = stk_stripe_at(t->shm, e->hash);

	if (e->use == 0)
		stk_remove(t->shm, s, e);
	else if (say)
		text_addz(x->out, "Entry currently in use, cannot remove\n");
	shm_unlock(&s->lock);
}

static void
clear_many(struct cli_ctx *x, const struct walk *w)
{
	struct stk_shm *m = w->t->shm;
	uint32_t now = stk_now();

	for (uint32_t i = 1; i <= m->top && i <= m->cap; i++) {
		struct stk_entry *e = take_used(w->t, i);

		if (e == NULL)
			continue;
		if (passes(w, e, now))
			clear_one(x, w->t, e, false);
		else
			stk_put(w->t, e);
	}
}

static enum cli_done
run_clear(struct cli_ctx *x)
{
	struct walk w = { .n_filters = 0 };
	struct stk_entry *e;
	bool no;

	if (cli_arg(x, x->at).n == 0) {
		text_addz(x->out, "Required arguments: <table> "
		    "\"data.<store_data_type>\" <operator> <value> or <table> "
		    "key <key> or <table> ptr <ptr>\n");
		return (CLI_DONE);
	}
	if ((w.t = take_table(x)) == NULL)
		return (CLI_DONE);
	if ((e = take_entry(x, w.t, x->at + 1, false, &no)) != NULL)
		clear_one(x, w.t, e, true);
	if (no && take_filters(x, &w, x->at + 1, FILTERS_MAX))
		clear_many(x, &w);
	return (CLI_DONE);
}

/* ---- set ---- */

struct change {
	enum stk_data data;
	unsigned i;
	uint64_t value;
};

static bool
take_change(struct cli_ctx *x, const struct stk_table *t, int at,
    struct change *c)
{
	if (!span_begins(cli_arg(x, at), SPAN("data."))) {
		text_addz(x->out, "\"data.<type>\" followed by a value "
		    "expected\n");
		return (false);
	}
	if (!data_of(t, span_skip(cli_arg(x, at), 5), &c->data, &c->i)) {
		text_addz(x->out, "Unknown data type\n");
		return (false);
	}
	if (c->i >= t->n[c->data]) {
		text_addz(x->out, "Data type not stored in this table\n");
		return (false);
	}
	if (stk_data_rows[c->data].form == STK_FORM_KEY)
		c->value = stk_name_no(t->shm, cli_arg(x, at + 1));
	else if (!num_u64(cli_arg(x, at + 1), &c->value)) {
		text_addz(x->out, "Require a valid integer value to store\n");
		return (false);
	}
	return (true);
}

static enum cli_done
run_set(struct cli_ctx *x)
{
	const struct stk_table *t;
	struct change c[CLI_WORDS];
	struct stk_entry *e;
	unsigned n = 0;
	bool no;

	if (x->n - x->at < 2 || (!cli_is(x, x->at + 1, "key") &&
	    !cli_is(x, x->at + 1, "ptr"))) {
		if (cli_arg(x, x->at).n != 0 && take_table(x) == NULL)
			return (CLI_DONE);
		text_addz(x->out, "Required arguments: <table> key <key> (or "
		    "ptr <ptr>) [data.<store_data_type> <value>]*\n");
		return (CLI_DONE);
	}
	if ((t = take_table(x)) == NULL)
		return (CLI_DONE);
	for (int at = x->at + 3; at < x->n; at += 2)
		if (!take_change(x, t, at, &c[n++]))
			return (CLI_DONE);
	if ((e = take_entry(x, t, x->at + 1, true, &no)) == NULL)
		return (CLI_DONE);
	for (unsigned i = 0; i < n; i++)
		stk_value_set(t, e, c[i].data, c[i].i, c[i].value, stk_now());
	stk_touch(t, e);
	stk_put_changed(t, e);
	return (CLI_DONE);
}

CLI_COMMAND(show_table) = {
	.name = "show table", .level = PX_LEVEL_USER, .run = run_show,
	.args = "<table> [data.<type> <operator> <value>]* | key <key> | "
	    "ptr <ptr>",
	.doc = "report table usage stats or dump this table's contents",
};
CLI_COMMAND(set_table) = {
	.name = "set table", .level = PX_LEVEL_OPERATOR, .run = run_set,
	.args = "<table> { key <key> | ptr <ptr> } [data.<type> <value>]*",
	.doc = "update or create a table entry's data",
};
CLI_COMMAND(clear_table) = {
	.name = "clear table", .level = PX_LEVEL_OPERATOR, .run = run_clear,
	.args = "<table> [<filter>]*",
	.doc = "remove an entry from a table (filter: data/key/ptr)",
};

/* ---- old entries go, also from tables that nobody uses ---- */

#define SWEEP_MS 500

static struct tmr sweeper;

static void
sweep_all(struct tmr *tmr)
{
	for (const struct stk_table *t = stk_all; t != NULL; t = t->next)
		(void)stk_sweep(t, SWEEP_EACH);
	tmr_arm(&the_loop->wheel, tmr, the_loop->now_ms + SWEEP_MS);
}

static void
start(struct loop *l)
{
	if (stk_all == NULL)
		return;
	tmr_init(&sweeper, sweep_all);
	tmr_arm(&l->wheel, &sweeper, l->now_ms + SWEEP_MS);
}

static void
gates(bool open)
{
	if (open)
		stk_serve();
}

AGENT_PART(stk) = {
	.name = "stk", .rank = 40, .start = start, .gates = gates,
};
