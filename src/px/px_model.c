/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_model - the objects of the configuration, their slots, and how they are
 * found by name.
 */
#include "px_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>

extern const struct px_slot *const __start_px_slots[] __attribute__((weak));
extern const struct px_slot *const __stop_px_slots[] __attribute__((weak));

struct px_model *px_model;

/* ---- slots ---- */

#define SLOTS_MAX 64            /* bits of px_slots.own */

static const void *initial[PX_OBJ_N][SLOTS_MAX];
static const struct px_slot *slot_of[PX_OBJ_N][SLOTS_MAX];
static unsigned n_slots[PX_OBJ_N];

void
px_slots_init(void)
{
	const struct px_slot *const *s;
	static bool ready;

	if (ready)
		return;
	ready = true;
	for (s = __start_px_slots; s < __stop_px_slots; s++) {
		unsigned *n = &n_slots[(*s)->obj];

		MUST(*n < SLOTS_MAX);
		*(*s)->index = *n;
		slot_of[(*s)->obj][*n] = *s;
		initial[(*s)->obj][*n] = (*s)->initial != NULL ?
		    (*s)->initial : must_alloc((*s)->size);
		(*n)++;
	}
}

/*
 * own == 0 says that the array itself is another object's too. Who shares
 * gives up what it owned, so that a later line of it (a second
 * "default-server") does not reach into those that began before.
 */
void
px_inherit(struct px_slots *s, enum px_obj obj, const struct px_slots *from)
{
	s->own = 0;
	if (from == NULL || from->v == NULL) {
		s->v = initial[obj];
		return;
	}
	s->v = from->v;
	((struct px_slots *)(uintptr_t)from)->own = 0;
}

void *
px_edit(struct px_slots *s, const struct px_slot *slot)
{
	unsigned i = *slot->index, n = n_slots[slot->obj];
	uint64_t bit = (uint64_t)1 << i;
	const void **v;
	void *copy;

	if ((s->own & bit) != 0)
		return ((void *)(uintptr_t)s->v[i]);
	if (s->own == 0) {
		v = arena_get(px_model->arena, n * sizeof *v);
		memcpy(v, s->v, n * sizeof *v);
		s->v = v;
	}
	copy = arena_get(px_model->arena, slot->size);
	memcpy(copy, s->v[i], slot->size);
	s->v[i] = copy;
	s->own |= bit;
	px_model->said[slot->obj] |= bit;
	return (copy);
}

bool
px_said(const struct px_slot *slot)
{
	return ((px_model->said[slot->obj] >> *slot->index & 1) != 0);
}

/* ---- names ---- */

struct px_hash {
	struct cell { uint64_t hash; void *obj; } *cell;
	size_t mask, n, n_dropped;
};

struct px_hash *
px_hash_new(void)
{
	struct px_hash *h = must_alloc(sizeof *h);

	h->mask = 63;
	h->cell = must_alloc((h->mask + 1) * sizeof *h->cell);
	return (h);
}

static void
hash_free(struct px_hash *h)
{
	free(h->cell);
	free(h);
}

/* What a dropped one leaves, so that those behind it are still found. */
static char dropped;

static void
put_cell(struct px_hash *h, uint64_t hash, void *obj)
{
	size_t i = hash & h->mask;

	while (h->cell[i].obj != NULL)
		i = (i + 1) & h->mask;
	h->cell[i].hash = hash;
	h->cell[i].obj = obj;
}

void
px_hash_add(struct px_hash *h, uint64_t hash, void *obj)
{
	struct cell *old = h->cell;
	size_t n = h->mask + 1;

	if ((h->n + h->n_dropped + 1) * 4 > n * 3) {
		if (h->n_dropped < h->n)
			h->mask = n * 2 - 1;
		h->cell = must_alloc((h->mask + 1) * sizeof *h->cell);
		for (size_t i = 0; i < n; i++)
			if (old[i].obj != NULL && old[i].obj != &dropped)
				put_cell(h, old[i].hash, old[i].obj);
		h->n_dropped = 0;
		free(old);
	}
	put_cell(h, hash, obj);
	h->n++;
}

void
px_hash_drop(struct px_hash *h, uint64_t hash, void *obj)
{
	for (size_t i = hash & h->mask; h->cell[i].obj != NULL;
	    i = (i + 1) & h->mask) {
		if (h->cell[i].obj != obj)
			continue;
		h->cell[i].obj = &dropped;
		h->n--;
		h->n_dropped++;
		return;
	}
}

/* `at` counts the cells looked at. Without doubles of a name the first hit is
 * the answer; with them the order is that of insertion only by chance. */
void *
px_hash_next(const struct px_hash *h, uint64_t hash, size_t *at)
{
	for (;;) {
		const struct cell *c = &h->cell[(hash + *at) & h->mask];

		(*at)++;
		if (c->obj == NULL)
			return (NULL);
		if (c->hash == hash && c->obj != &dropped)
			return (c->obj);
	}
}

struct px *
px_find(const struct px_model *m, struct span name, unsigned kinds)
{
	uint64_t hash = span_hash(name);
	size_t at = 0;
	struct px *px, *best = NULL;

	while ((px = px_hash_next(m->names, hash, &at)) != NULL)
		if ((px->kind & kinds) != 0 && span_is(name, px->name) &&
		    (best == NULL || px->no < best->no))
			best = px;
	return (best);
}

uint64_t
px_server_hash(const struct px *px, struct span name)
{
	return (span_hash(name) ^ px->no * 0x9e3779b97f4a7c15u);
}

/* Few are compared one by one: 10,000 backends with a handful each need no
 * hash, in which nothing lies near to what comes next. */
#define FEW 16

void
px_server_name_add(struct px_server *sv)
{
	struct px *px = sv->px;

	if (px->hashed) {
		px_hash_add(px_model->server_names, px_server_hash(px,
		    span_str(sv->name)), sv);
	} else if (px->n_servers > FEW) {
		px->hashed = true;
		PX_EACH_SERVER(s, px)
			px_hash_add(px_model->server_names, px_server_hash(px,
			    span_str(s->name)), s);
	}
}

struct px_server *
px_server_find(const struct px *px, struct span name)
{
	uint64_t hash;
	size_t at = 0;
	struct px_server *sv;

	if (!px->hashed) {
		PX_EACH_SERVER(s, px)
			if (span_is(name, s->name))
				return (s);
		return (NULL);
	}
	hash = px_server_hash(px, name);
	while ((sv = px_hash_next(px_model->server_names, hash, &at)) != NULL)
		if (sv->px == px && span_is(name, sv->name))
			return (sv);
	return (NULL);
}

/* The key is a number of 64 bits that nothing else has, stirred. */
void *
px_id_claim(enum px_id_space space, uint32_t no, uint32_t id, void *obj)
{
	uint64_t key = ((uint64_t)space << 62 | (uint64_t)no << 32 | id) *
	    0x9e3779b97f4a7c15u;
	size_t at = 0;
	void *who = px_hash_next(px_model->ids, key, &at);

	if (who == NULL)
		px_hash_add(px_model->ids, key, obj);
	return (who == obj ? NULL : who);
}

bool
px_id_any(void)
{
	return (px_model->ids->n > 0);
}

/* ---- objects ---- */

static void
global_init(struct px_global *g)
{
	g->magic = PX_GLOBAL_MAGIC;
	g->mworker_max_reloads = -1;
	g->unix_mode = g->unix_uid = g->unix_gid = -1;
	g->strict_limits = true;
	g->maxpipes = -1;
	g->renice_startup = g->renice_runtime = PX_NICE_KEPT;
	g->bufsize = 16384;
	g->maxrewrite = 1024;
	g->max_http_hdr = 101;
	g->log_uri_len = 1024;
	g->stats_maxconn = 10;
	g->stats_timeout_ms = 10000;
	px_inherit(&g->slots, PX_OBJ_GLOBAL, NULL);
}

struct px_model *
px_model_new(struct arena *a)
{
	struct px_model *m = arena_zget(a, sizeof *m);

	px_slots_init();
	m->arena = a;
	m->names = px_hash_new();
	m->server_names = px_hash_new();
	m->ids = px_hash_new();
	m->guids = px_hash_new();
	global_init(&m->global);
	px_model = m;
	return (m);
}

void
px_model_free(struct px_model *m)
{
	hash_free(m->names);
	hash_free(m->server_names);
	hash_free(m->ids);
	hash_free(m->guids);
	if (px_model == m)
		px_model = NULL;
}

/* Objects of one kind lie side by side: checks at the end walk over all
 * of them, one after the other. */
#define SLAB_MOST 128

static void *
slab_get(struct px_slab *s, size_t bytes)
{
	void *p;

	if (s->left == 0) {
		s->n = s->n == 0 ? 4 : s->n < SLAB_MOST ? s->n * 2 : s->n;
		s->left = s->n;
		s->at = arena_get(px_model->arena, s->n * bytes);
	}
	p = s->at;
	s->at += bytes;
	s->left--;
	return (p);
}

static const struct px_timeouts no_timeouts;

struct px *
px_new(const struct px *from, unsigned kind)
{
	struct px *px = slab_get(&px_model->px_slab, sizeof *px);

	memset(px, 0, sizeof *px);
	px->magic = PX_MAGIC;
	px->mode = PX_TCP;
	px->retries = 3;
	px->retry_on = PX_RETRY_CONN;
	px->reuse = PX_REUSE_SAFE;
	px->timeout = &no_timeouts;
	if (from != NULL) {
		px->mode = from->mode;
		px->disabled = from->disabled;
		px->opt = from->opt;
		px->opt_off = from->opt_off;
		px->maxconn = from->maxconn;
		px->fullconn = from->fullconn;
		px->backlog = from->backlog;
		px->retries = from->retries;
		px->retry_on = from->retry_on;
		px->redispatch = from->redispatch;
		px->conn_mode = from->conn_mode;
		px->reuse = from->reuse;
		px->timeout = from->timeout;
		px->default_be_name = from->default_be_name;
		px->default_be_pos = from->default_be_pos;
		px->server_defaults = from->server_defaults;
		px->from = from;
	}
	px->kind = (uint8_t)kind;
	px_inherit(&px->slots, PX_OBJ_PROXY, from != NULL ? &from->slots :
	    NULL);
	return (px);
}

void
px_add(struct px *px)
{
	struct px_model *m = px_model;

	px->no = px->rt = m->n_px++;
	if (m->last == NULL)
		m->all = px;
	else
		m->last->next = px;
	m->last = px;
	px_hash_add(m->names, span_hash(span_str(px->name)), px);
}

struct px *
px_by_no(uint32_t no)
{
	PX_EACH(px, px_model)
		if (px->no == no)
			return (px);
	return (NULL);
}

static struct px_server *
new_server(struct px *px, const char *name, const struct px_server *from)
{
	struct px_server *sv = slab_get(&px_model->server_slab, sizeof *sv);

	if (from != NULL)
		*sv = *from;
	else {
		memset(sv, 0, sizeof *sv);
		sv->weight = 1;
		sv->error_limit = 10;
	}
	sv->magic = PX_SERVER_MAGIC;
	sv->px = px;
	sv->name = name;
	sv->next = NULL;
	px_inherit(&sv->slots, PX_OBJ_SERVER, from != NULL ? &from->slots :
	    NULL);
	return (sv);
}

struct px_server *
px_server_new(struct px *px, const char *name)
{
	return (new_server(px, name, px->server_defaults));
}

struct px_server *
px_server_bare(struct px *px, const char *name)
{
	return (new_server(px, name, NULL));
}

struct px_timeouts *
px_timeouts_edit(struct px *px)
{
	struct px_timeouts *t;

	if (!px->timeout_own) {
		t = arena_get(px_model->arena, sizeof *t);
		*t = *px->timeout;
		px->timeout = t;
		px->timeout_own = true;
	}
	return ((struct px_timeouts *)(uintptr_t)px->timeout);
}

const char *
px_text(struct span s)
{
	return (arena_dup(px_model->arena, s));
}

void
px_subject(struct conf_line *l, const char *what, const char *a,
    const char *b)
{
	l->subject = what;
	l->subject_of[0] = a;
	l->subject_of[1] = b;
}
