/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_kw - the lines that declare tables.
 *
 * Source: configuration manual 3.2 (tune.stick-counters), 4.2 (stick-table).
 */
#include "stk_int.h"

#include <base/must.h>
#include <base/num.h>
#include <conf/conf.h>
#include <conf/kw.h>

#define KEY_BYTES       32              /* of text and binary, by default */
#define COUNTERS        3
#define COUNTERS_MAX    100
#define PERIOD_MAX      INT32_MAX

PX_SLOT(PX_OBJ_PROXY, struct stk_cfg, stk_slot, NULL);

struct stk_table *stk_all;
static unsigned counters = COUNTERS;

unsigned
stk_counters(void)
{
	return (counters);
}

struct stk_table *
stk_table_find(struct span name)
{
	for (struct stk_table *t = stk_all; t != NULL; t = t->next)
		if (span_is(name, t->name))
			return (t);
	return (NULL);
}

static void
each_from(const struct stk_table *t,
    void (*fn)(const struct stk_about *, void *), void *arg)
{
	if (t == NULL)
		return;
	each_from(t->next, fn, arg);
	fn(&(struct stk_about){ t->name, stk_type_names[t->type], t->size,
	    t->shm == NULL ? 0 : t->shm->used }, arg);
}

void
stk_each_table(void (*fn)(const struct stk_about *, void *), void *arg)
{
	each_from(stk_all, fn, arg);
}

const void *
stk_find(struct span name, const char **why)
{
	*why = "no proxy of that name has a 'stick-table' line";
	return (stk_table_find(name));
}

/* ---- words of the line ---- */

static bool
take_type(struct conf_line *l, struct stk_table *t)
{
	const struct conf_word *w = conf_peek(l);
	static const uint8_t bytes[STK_TYPE_N] = { 4, 16, 4, KEY_BYTES,
		KEY_BYTES };
	struct span s;
	int64_t len;

	if (!conf_want(l, "a type", &s))
		return (false);
	for (t->type = 0; t->type < STK_TYPE_N; t->type++)
		if (span_is(s, stk_type_names[t->type]))
			break;
	if (t->type == STK_TYPE_N) {
		conf_err(l, w, "unknown type '%.*s' of a stick-table",
		    SPAN_FMT(s));
		conf_err_hint(l, "types are: ip, ipv6, integer, string, "
		    "binary");
		return (false);
	}
	t->key_bytes = bytes[t->type];
	if (t->type != STK_STRING && t->type != STK_BINARY)
		return (true);
	if (conf_accept(l, "len")) {
		if (!conf_want_int(l, "a length", 1, STK_KEY_MAX - 1, &len))
			return (false);
		/* text needs room for its end */
		t->key_bytes = (uint32_t)len + (t->type == STK_STRING);
	}
	return (true);
}

static bool
take_size(struct conf_line *l, struct stk_table *t)
{
	const struct conf_word *w = conf_peek(l);
	uint64_t n;

	if (!conf_want_size(l, "a number of entries", &n))
		return (false);
	if (n == 0 || n > 1u << 30)
		return (conf_err(l, w, "'size' must be between 1 and %u",
		    1u << 30));
	t->size = (uint32_t)n;
	return (true);
}

static bool
take_expire(struct conf_line *l, struct stk_table *t)
{
	int64_t ms;

	if (!conf_want_time(l, "a time", "ms", &ms))
		return (false);
	t->expire_ms = (uint32_t)ms;
	return (true);
}

static bool
take_srvkey(struct conf_line *l, struct stk_table *t)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "'name' or 'addr'", &s))
		return (false);
	t->by_addr = span_is(s, "addr");
	if (!t->by_addr && !span_is(s, "name"))
		return (conf_err(l, w, "unknown server key '%.*s', expected "
		    "'name' or 'addr'", SPAN_FMT(s)));
	return (true);
}

static bool
take_write_to(struct conf_line *l, struct stk_table *t)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "the name of a table", &s))
		return (false);
	t->write_to = s.p;
	t->write_to_pos = conf_pos(l, w);
	return (true);
}

static bool
take_peers(struct conf_line *l, struct stk_table *t)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "the name of a peers section", &s))
		return (false);
	t->peers = s.p;
	t->peers_pos = conf_pos(l, w);
	return (true);
}

/* ---- store ---- */

static int
data_named(struct span name)
{
	for (int d = 0; d < STK_DATA_N; d++)
		if (span_is(name, stk_data_rows[d].name))
			return (d);
	return (-1);
}

static bool
unknown_data(struct conf_line *l, const struct conf_word *w, struct span name)
{
	const char *names[STK_DATA_N], *near;

	for (int d = 0; d < STK_DATA_N; d++)
		names[d] = stk_data_rows[d].name;
	conf_err(l, w, "unknown data type '%.*s' after 'store'",
	    SPAN_FMT(name));
	if ((near = kw_nearest(name, names, STK_DATA_N)) != NULL)
		conf_err_hint(l, "did you mean '%s'?", near);
	return (false);
}

/* "(3)", "(10s)" or "(3,10s)", without the parentheses. */
static bool
take_data_args(struct conf_line *l, const struct conf_word *w, int d,
    struct span args, struct stk_table *t)
{
	const struct stk_data_row *row = &stk_data_rows[d];
	struct span one;
	uint64_t n = 1;
	int64_t us = 0;

	if (args.p == NULL && (row->array || row->form == STK_FORM_RATE))
		return (conf_err(l, w, "'%s' needs %s in parentheses",
		    row->name, !row->array ? "a period" :
		    row->form == STK_FORM_RATE ? "a number and a period" :
		    "a number"));
	if (row->array && (!span_cut(&args, ',', &one) ||
	    !num_u64(one, &n) || n < 1 || n > STK_ARRAY_MAX))
		return (conf_err(l, w, "the number of '%s' must be between 1 "
		    "and %d", row->name, STK_ARRAY_MAX));
	if (row->form == STK_FORM_RATE) {
		if (!span_cut(&args, ',', &one) ||
		    num_time(one, "ms", &us) != NUM_OK ||
		    us / 1000 > PERIOD_MAX)
			return (conf_err(l, w, "'%s' needs a period like 10s "
			    "in parentheses", row->name));
		t->period[d] = (uint32_t)((us + 999) / 1000);
	}
	if (args.p != NULL)
		return (conf_err(l, w, "'%s' takes no argument '%.*s'",
		    row->name, SPAN_FMT(args)));
	t->n[d] = (uint8_t)n;
	return (true);
}

static bool
take_data(struct conf_line *l, const struct conf_word *w, struct span word,
    struct stk_table *t)
{
	ptrdiff_t open = span_find(word, '(');
	struct span name = word, args = SPAN_NONE;
	int d;

	if (open >= 0) {
		name.n = (size_t)open;
		args = span_skip(word, (size_t)open + 1);
		if (args.n == 0 || args.p[args.n - 1] != ')')
			return (conf_err(l, w, "expected ')' behind '%.*s'",
			    SPAN_FMT(word)));
		args.n--;
	}
	if ((d = data_named(name)) < 0)
		return (unknown_data(l, w, name));
	if (t->n[d] != 0) {
		conf_warn(l, w, "'%s' is stored already", stk_data_rows[d].name);
		return (true);
	}
	return (take_data_args(l, w, d, args, t));
}

/* A list by commas; those within parentheses do not part it. */
static bool
take_store(struct conf_line *l, struct stk_table *t)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "data types", &s))
		return (false);
	for (size_t from = 0, i = 0, deep = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] == '(')
			deep++;
		else if (i < s.n && s.p[i] == ')' && deep > 0)
			deep--;
		if (i < s.n && (s.p[i] != ',' || deep > 0))
			continue;
		if (!take_data(l, w, span_of(s.p + from, i - from), t))
			return (false);
		from = i + 1;
	}
	return (true);
}

/* An array stands for the single ones. */
static bool
check_arrays(struct conf_line *l, const struct stk_table *t)
{
	static const struct {
		uint8_t array, single;
	} pairs[] = {
		{ STK_GPC, STK_GPC0 }, { STK_GPC, STK_GPC1 },
		{ STK_GPC_RATE, STK_GPC0_RATE },
		{ STK_GPC_RATE, STK_GPC1_RATE }, { STK_GPT, STK_GPT0 },
	};

	for (size_t i = 0; i < NELEM(pairs); i++)
		if (t->n[pairs[i].array] != 0 && t->n[pairs[i].single] != 0)
			return (conf_err(l, NULL, "'%s' and '%s' can't be "
			    "stored in the same table: the array has the "
			    "single one as well",
			    stk_data_rows[pairs[i].array].name,
			    stk_data_rows[pairs[i].single].name));
	return (true);
}

/* ---- the line ---- */

static bool
take_word(struct conf_line *l, struct stk_table *t)
{
	const struct conf_word *w = conf_peek(l);

	if (conf_accept(l, "type"))
		return (take_type(l, t));
	if (conf_accept(l, "size"))
		return (take_size(l, t));
	if (conf_accept(l, "expire"))
		return (take_expire(l, t));
	if (conf_accept(l, "store"))
		return (take_store(l, t));
	if (conf_accept(l, "srvkey"))
		return (take_srvkey(l, t));
	if (conf_accept(l, "write-to"))
		return (take_write_to(l, t));
	if (conf_accept(l, "nopurge")) {
		t->nopurge = true;
		return (true);
	}
	if (conf_accept(l, "recv-only")) {
		t->recv_only = true;
		return (true);
	}
	if (t->peers == NULL && conf_accept(l, "peers"))
		return (take_peers(l, t));
	conf_err(l, w, "'%s' knows no '%.*s'", l->kw->name,
	    SPAN_FMT(w->text));
	conf_err_hint(l, "words are: type, size, expire, nopurge, store, "
	    "srvkey, write-to, recv-only, and once 'peers' where it is not "
	    "clear");
	return (false);
}

static struct stk_table *
table_new(struct conf_line *l, const struct px *px, const char *name)
{
	struct stk_table *t = arena_zget(l->conf->arena, sizeof *t), *twin;

	t->magic = STK_TABLE_MAGIC;
	t->type = STK_TYPE_N;
	t->px = px;
	t->name = t->wire = name;
	t->pos = conf_pos(l, NULL);
	if ((twin = stk_table_find(span_str(name))) == NULL)
		return (t);
	conf_err(l, NULL, "the table '%s' has the name of the one declared at "
	    "%s:%d", name, twin->pos.file, twin->pos.line);
	return (NULL);
}

static bool
take_table(struct conf_line *l, struct stk_table *t)
{
	while (conf_left(l) > 0)
		if (!take_word(l, t))
			return (false);
	if (t->type == STK_TYPE_N)
		return (conf_err(l, NULL, "'%s' needs a 'type'",
		    l->kw->name));
	if (t->size == 0)
		return (conf_err(l, NULL, "'%s' needs a 'size'",
		    l->kw->name));
	if (!check_arrays(l, t))
		return (false);
	t->next = stk_all;
	stk_all = t;
	return (true);
}

static bool
parse_table(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct stk_table *t = table_new(l, px, px->name);

	if (t == NULL || !take_table(l, t))
		return (false);
	((struct stk_cfg *)px_edit(&px->slots, &stk_slot))->table = t;
	return (true);
}

/* Of a peers section, whose name is before its own; its peers know it by
 * another one, so that it is not taken for the table of a proxy. */
static bool
parse_peers_table(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct stk_table *t;
	struct span s;

	if (!conf_want_name(l, "a name", &s))
		return (false);
	t = table_new(l, px, arena_printf(l->conf->arena, "%s/%s", px->name,
	    s.p));
	if (t == NULL)
		return (false);
	t->wire = arena_printf(l->conf->arena, "/%s", s.p);
	t->peers = px->name;
	t->peers_pos = t->pos;
	return (take_table(l, t));
}

static bool
parse_counters(struct conf_line *l, void *obj)
{
	int64_t n;

	(void)obj;
	if (!conf_want_int(l, "a number of counters", 0, COUNTERS_MAX, &n) ||
	    !conf_end(l))
		return (false);
	counters = (unsigned)n;
	return (true);
}

static bool
check_write_to(struct conf *c, const struct stk_table *t)
{
	const struct stk_table *to;

	if (t->write_to == NULL)
		return (true);
	to = stk_table_find(span_str(t->write_to));
	if (to == NULL)
		return (conf_fail(c, DIAG_ALERT, t->write_to_pos, "table '%s': "
		    "there is no table '%s' to write to", t->name,
		    t->write_to));
	if (to == t || to->type != t->type || to->key_bytes != t->key_bytes)
		return (conf_fail(c, DIAG_ALERT, t->write_to_pos, "table '%s' "
		    "can't write to '%s': it must be another one, with keys "
		    "of the same type and length", t->name, to->name));
	return (true);
}

static bool
check_tables(struct conf *c)
{
	bool ok = true;

	expr_find_table = stk_find;
	for (const struct stk_table *t = stk_all; t != NULL; t = t->next)
		ok &= check_write_to(c, t);
	return (ok);
}
CONF_CHECK(stk_tables, 5, check_tables);

KEYWORD(stick_table) = {
	.name = "stick-table", .in = KW_FRONTEND | KW_BACKEND,
	.args = "type {ip|ipv6|integer|string [len <n>]|binary [len <n>]} "
	    "size <entries> [expire <time>] [nopurge] [store <types>] "
	    "[srvkey {name|addr}] [peers <section>] [write-to <table>] "
	    "[recv-only]",
	.parse = parse_table,
	.doc = "A table of the proxy's name that remembers keys: which server "
	    "each was sent to, and what is counted about it (`store`, a list "
	    "by commas). All workers share it, and it outlives reloads and "
	    "crashes. A full table forgets its oldest keys, or with `nopurge` "
	    "takes no new ones. With `peers` what changes here is sent to the "
	    "nodes of that section, and what changes there is learned. "
	    "`write-to` also writes what is learned about servers and tags to "
	    "another table, `recv-only` also learns conn_cur, for a table "
	    "that nothing is counted in here.",
	.example = "stick-table type ip size 1m expire 5m store "
	    "http_req_rate(10s),gpc0",
};
KEYWORD(peers_table) = {
	.name = "table", .in = KW_PEERS,
	.args = "<name> type {ip|ipv6|integer|string [len <n>]|binary [len "
	    "<n>]} size <entries> [expire <time>] [nopurge] [store <types>] "
	    "[srvkey {name|addr}] [write-to <table>] [recv-only]",
	.parse = parse_peers_table,
	.doc = "A table that belongs to the section, and is sent to its "
	    "peers. Elsewhere in the configuration it is called by the "
	    "section's name, a slash and its own.",
	.example = "table clients type ip size 1m expire 5m store gpc0",
};
KEYWORD(stick_counters) = {
	.name = "tune.stick-counters", .in = KW_GLOBAL, .args = "<number>",
	.parse = parse_counters,
	.doc = "How many keys a connection or a request may track at once: "
	    "`track-sc0` up to one less than this. The default is 3.",
	.example = "tune.stick-counters 5",
};
