/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_stick - stick rules: which server a key was sent to, and to which it is
 * sent again.
 *
 * A backend's rules are looked at once per request, before its balancing: the
 * first that matches an entry of a server that is up names the server, and what
 * is to be stored is noted. It is stored when the server was reached, so that
 * the table says who really served.
 *
 * Source: configuration manual 4.2 (stick match, on, store-request,
 * store-response).
 */
#include "stk_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <os/addr.h>

#define STORES_MAX 8                    /* of a request, of a response */

enum { MATCH = 1, STORE_REQ = 2, STORE_RES = 4 };

struct stk_rule {
	struct stk_rule *next;
	uint8_t what;                   /* MATCH, … */
	const struct expr *key;
	struct cond *cond;
	const char *table_name;
	struct stk_table *table;
	struct diag_pos pos;
};

bool stk_sticky;

/* ---- "non-stick" ---- */

struct stick_srv {
	bool non_stick;
};
PX_SLOT(PX_OBJ_SERVER, struct stick_srv, stk_srv_slot, NULL);

static bool
may_stick(const struct px_server *srv)
{
	const struct stick_srv *c = px_get(&srv->slots, &stk_srv_slot);

	return (!c->non_stick);
}

/* ---- lines ---- */

static bool
parse_rule(struct conf_line *l, void *obj, unsigned what)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct stk_rule *r = arena_zget(l->conf->arena, sizeof *r);
	const struct conf_word *w = conf_peek(l);
	unsigned at = what == STORE_RES ? SMP_AT(RES) | SMP_AT(RES_CONTENT) :
	    SMP_AT(SERVER);
	struct span key, table = span_str(px->name);
	struct stk_cfg *c;

	r->what = (uint8_t)what;
	r->pos = conf_pos(l, w);
	if (!conf_want(l, "a sample expression as the key", &key))
		return (false);
	if ((r->key = expr_parse_words(l, w, key, at)) == NULL)
		return (false);
	if (conf_accept(l, "table") &&
	    !conf_want(l, "the name of a table", &table))
		return (false);
	if (conf_left(l) != 0 && !conf_next_is(l, "if") &&
	    !conf_next_is(l, "unless"))
		return (conf_err(l, conf_peek(l), "'%s' expects 'table', 'if' "
		    "or 'unless' here, found '%.*s'", l->kw->name,
		    SPAN_FMT(conf_peek(l)->text)));
	if (!cond_parse(l, px, at, &r->cond) || !conf_end(l))
		return (false);
	r->table_name = table.p;
	c = px_edit(&px->slots, &stk_slot);
	if (c->rules == NULL)
		c->rules = r;
	else
		c->last->next = r;
	c->last = r;
	return (true);
}

static bool
parse_match(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, MATCH));
}

static bool
parse_on(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, MATCH | STORE_REQ));
}

static bool
parse_store_req(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, STORE_REQ));
}

static bool
parse_store_res(struct conf_line *l, void *obj)
{
	return (parse_rule(l, obj, STORE_RES));
}

static bool
parse_stick(struct conf_line *l, void *obj)
{
	struct px_server *srv = obj;
	struct stick_srv *c = px_edit(&srv->slots, &stk_srv_slot);

	c->non_stick = false;
	(void)l;
	return (true);
}

static bool
parse_non_stick(struct conf_line *l, void *obj)
{
	struct px_server *srv = obj;
	struct stick_srv *c = px_edit(&srv->slots, &stk_srv_slot);

	c->non_stick = true;
	(void)l;
	return (true);
}

static bool
check_rule(struct conf *c, struct stk_rule *r)
{
	enum smp_type type;

	r->table = stk_table_find(span_str(r->table_name));
	if (r->table == NULL)
		return (conf_fail(c, DIAG_ALERT, r->pos, "unable to find "
		    "stick-table '%s'", r->table_name));
	type = stk_type_smp(r->table->type);
	if (!smp_may_cast(expr_type(r->key), type))
		return (conf_fail(c, DIAG_ALERT, r->pos, "keys of table '%s' "
		    "are of type %s, and this sample is of type %s",
		    r->table_name, smp_type_name(type),
		    smp_type_name(expr_type(r->key))));
	if (r->table->n[STK_SERVER_ID] == 0)
		r->table->n[STK_SERVER_ID] = 1;
	r->table->n[STK_SERVER_KEY] = 1;
	stk_sticky = true;
	return (true);
}

static bool
check_rules(struct conf *conf)
{
	bool ok = true;

	PX_EACH(px, px_model) {
		const struct stk_cfg *c = px_get(&px->slots, &stk_slot);

		for (struct stk_rule *r = c->rules; r != NULL; r = r->next)
			ok &= check_rule(conf, r);
	}
	return (ok);
}
CONF_CHECK(stick, 12, check_rules);

/* ---- servers ---- */

/* What a server is called in the table; the text is static. */
static struct span
key_of(const struct stk_table *t, const struct px_server *srv)
{
	static char text[ADDR_TEXT + 8];

	if (!t->by_addr)
		return (span_str(srv->name));
	return (span_of(text, addr_print_port(&srv->addr, text)));
}

/* By the name it has in the table, else by its number. */
static const struct px_server *
server_of(const struct stk_table *t, const struct px *be, const char *name,
    uint32_t id)
{
	PX_EACH_SERVER(sv, be)
		if (name != NULL && span_is(key_of(t, sv), name))
			return (sv);
	PX_EACH_SERVER(sv, be)
		if (id != 0 && sv->id == id)
			return (sv);
	return (NULL);
}

static const struct px_server *
match(const struct stk_table *t, const struct px *be,
    const struct stk_key *key)
{
	struct stk_entry *e = stk_get(t, key, false);
	const char *name;
	uint32_t id, now;

	if (e == NULL)
		return (NULL);
	now = stk_now();
	id = (uint32_t)stk_value_get(t, e, STK_SERVER_ID, 0, now);
	name = stk_name(t->shm, (uint32_t)stk_value_get(t, e, STK_SERVER_KEY,
	    0, now));
	if (id != 0 || name != NULL) {
		stk_touch(t, e);
		stk_put_changed(t, e);
	} else
		stk_put(t, e);
	return (server_of(t, be, name, id));
}

static void
store(const struct stk_table *t, const struct stk_key *key,
    const struct px_server *srv)
{
	uint32_t name = stk_name_no(t->shm, key_of(t, srv));
	struct stk_entry *e = stk_get(t, key, true);

	if (e == NULL)
		return;
	stk_value_set(t, e, STK_SERVER_ID, 0, srv->id, 0);
	stk_value_set(t, e, STK_SERVER_KEY, 0, name, 0);
	stk_touch(t, e);
	stk_put_changed(t, e);
}

/* ---- rules at work ---- */

static bool
key_for(const struct stk_rule *r, struct txn *t, struct stk_key *k)
{
	struct smp s;

	return (cond_true(r->cond, t) && expr_eval(r->key, t, &s) &&
	    stk_key_smp(r->table, t, &s, k));
}

/* Each table learns one key of the request; the first that there is. */
static bool
is_noted(const struct txn *t, const struct stk_table *table)
{
	unsigned n = 0;

	for (const struct stk_note *x = t->stk_notes; x != NULL; x = x->next)
		if (x->table == table || ++n == STORES_MAX)
			return (true);
	return (false);
}

void
stk_note(struct txn *t, const struct stk_table *table,
    const struct stk_key *k)
{
	struct stk_note *x = arena_get(t->arena, sizeof *x);
	void *bytes = arena_get(t->arena, table->key_bytes);

	if (x == NULL || bytes == NULL)
		return;
	memcpy(bytes, k->p, table->key_bytes);
	*x = (struct stk_note){ t->stk_notes, table, { k->hash, bytes } };
	t->stk_notes = x;
}

const struct px_server *
stk_find_server(struct txn *t, stk_may_fn *may)
{
	const struct stk_cfg *c = px_get(&t->be->slots, &stk_slot);
	const struct px_server *srv = NULL, *found;
	struct stk_key k;

	if (c->rules == NULL)
		return (NULL);
	t->stk_notes = NULL;
	for (const struct stk_rule *r = c->rules; r != NULL; r = r->next) {
		bool wants = (r->what & MATCH) != 0 && srv == NULL;
		bool stores = (r->what & STORE_REQ) != 0;

		/* "on" does neither when the table has its key already */
		if ((!wants && !stores) ||
		    (stores && is_noted(t, r->table)) || !key_for(r, t, &k))
			continue;
		if (stores)
			stk_note(t, r->table, &k);
		if (wants && (found = match(r->table, t->be, &k)) != NULL &&
		    may(t, found))
			srv = found;
	}
	return (srv);
}

void
stk_store_notes(struct txn *t)
{
	if (t->srv != NULL && may_stick(t->srv))
		for (const struct stk_note *x = t->stk_notes; x != NULL;
		    x = x->next)
			store(x->table, &x->key, t->srv);
	t->stk_notes = NULL;
}

void
stk_run_response(struct txn *t)
{
	const struct stk_cfg *c = px_get(&t->be->slots, &stk_slot);
	const struct stk_table *done[STORES_MAX];
	struct stk_key k;
	unsigned n = 0, i;

	if (c->rules == NULL || t->srv == NULL || !may_stick(t->srv))
		return;
	for (const struct stk_rule *r = c->rules; r != NULL && n < STORES_MAX;
	    r = r->next) {
		if ((r->what & STORE_RES) == 0)
			continue;
		for (i = 0; i < n && done[i] != r->table; i++)
			;
		if (i < n || !key_for(r, t, &k))
			continue;
		done[n++] = r->table;
		store(r->table, &k, t->srv);
	}
}

/* ---- rows ---- */

#define STICK(ident, word, fn, doc_, ex)                                     \
KEYWORD(ident) = {                                                           \
	.name = word, .in = KW_BACKEND, .parse = fn,                         \
	.args = "<key> [table <table>] [{ if | unless } <condition>]",       \
	.doc = doc_, .example = ex,                                          \
}
STICK(stick_match, "stick match", parse_match,
    "Sends a request to the server that the table has for its key. The first "
    "rule that finds one that is up counts, and the client is then given no "
    "persistence cookie.",
    "stick match src table per_client if !LOCALHOST");
STICK(stick_on, "stick on", parse_on,
    "`stick match` and `stick store-request` in one; neither, where a rule "
    "before it has a key for the same table.",
    "stick on src table per_client");
STICK(stick_store_request, "stick store-request", parse_store_req,
    "Remembers in the table which server the request with that key went to, "
    "as soon as it was reached. At most 8 keys of a request, one per table.",
    "stick store-request req.hdr(x-sid) table sessions");
STICK(stick_store_response, "stick store-response", parse_store_res,
    "Remembers in the table which server gave the response with that key. At "
    "most 8 keys of a response, one per table.",
    "stick store-response res.hdr(x-sid) table sessions");
KEYWORD(srv_stick) = {
	.name = "stick", .in = KW_SERVER, .args = "", .parse = parse_stick,
	.doc = "Stick rules remember this server: the default.",
	.example = "stick",
};
KEYWORD(srv_non_stick) = {
	.name = "non-stick", .in = KW_SERVER, .args = "",
	.parse = parse_non_stick,
	.doc = "Stick rules never remember this server: for backup servers, "
	    "which clients are to leave when the others are back.",
	.example = "non-stick",
};
