/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_live - servers that come and go while the process runs, in all processes
 * of a generation alike.
 *
 * A server keeps its place in be->srv, as places are known to all processes
 * (struct tree of leastconn). One that leaves is replaced by a stand-in, which
 * is never usable, until another one takes the place. The memory of one that
 * left stays: streams and log lines may still point there.
 */
#include "srv_int.h"

#include <base/must.h>
#include <ipc/say.h>
#include <px/live.h>
#include <srv/live.h>
#include <srv/state.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 128

struct order {
	uint32_t op;                    /* enum srv_live_op */
	uint32_t px_no;
	uint32_t rt;                    /* of whom to delete */
	uint32_t n;                     /* words that follow, each with its
	                                 * NUL: the name is the first */
};

struct record {
	uint32_t op, serial, px_no, rt, no, id, cnt, lb_room;
	int64_t shm_at, lb_at;          /* offsets from srv_glob; 0: none */
	int64_t part_at[SRV_LIVE_PARTS];
	uint32_t n;                     /* words, as in an order */
	uint32_t spare;
};

/* By px_server.rt: the last record about it that was applied here. */
static struct kept {
	uint32_t serial;
	size_t n;
	char *record;
} *kept;
static uint32_t kept_end;               /* highest rt of them, plus 1 */
static uint32_t last_serial;            /* the keeper's */

PX_SLOT_DECLARE(srv_balance_slot);
extern const struct srv_live_part *const __start_srv_live_parts[]
    __attribute__((weak));
extern const struct srv_live_part *const __stop_srv_live_parts[]
    __attribute__((weak));
#define PARTS_EACH(p)                                                        \
	for (const struct srv_live_part *const *p = __start_srv_live_parts;  \
	    p < __stop_srv_live_parts; p++)

bool
srv_live_fits(const struct px *px)
{
	const struct lb_algo *lb = be_of(px)->lb;

	return (lb->fixed == NULL || !lb->fixed(px));
}

static struct px *
find_px(uint32_t no)
{
	struct px *px = px_by_no(no);

	return (px != NULL && (px->kind & PX_BE) != 0 ? px : NULL);
}

/* ---- words, each with its NUL ---- */

static void
put_words(struct text *out, struct span name, const struct span *word, int n)
{
	text_add(out, name);
	text_addc(out, '\0');
	for (int i = 0; i < n; i++) {
		text_add(out, word[i]);
		text_addc(out, '\0');
	}
}

/* False: there are not `n` of them. */
static bool
get_words(struct span in, uint32_t n, struct span word[WORDS_MAX])
{
	const char *nul;

	if (n < 1 || n > WORDS_MAX)
		return (false);
	for (uint32_t i = 0; i < n; i++) {
		if ((nul = memchr(in.p, '\0', in.n)) == NULL)
			return (false);
		word[i] = span_of(in.p, (size_t)(nul - in.p));
		in = span_skip(in, word[i].n + 1);
	}
	return (in.n == 0);
}

void
srv_live_order_add(struct text *out, const struct px *px, struct span name,
    const struct span *word, int n)
{
	const struct order o = { SRV_LIVE_ADD, px->no, 0, (uint32_t)n + 1 };

	text_add(out, span_of((const char *)&o, sizeof o));
	put_words(out, name, word, n);
}

void
srv_live_order_del(struct text *out, const struct srv *srv)
{
	const struct order o = { SRV_LIVE_DEL, srv->be->px->no, srv->cfg->rt,
		0 };

	text_add(out, span_of((const char *)&o, sizeof o));
}

/* ---- what is kept ---- */

static void
keep(const struct record *r, struct span whole)
{
	struct kept *k;

	if (kept == NULL)
		kept = must_alloc(px_rt_room() * sizeof *kept);
	k = &kept[r->rt];
	k->serial = r->serial;
	k->record = must_realloc(k->record, whole.n);
	memcpy(k->record, whole.p, whole.n);
	k->n = whole.n;
	if (r->rt >= kept_end)
		kept_end = r->rt + 1;
}

static bool
is_done(const struct record *r)
{
	return (kept != NULL && kept[r->rt].serial >= r->serial);
}

void
srv_live_each(void (*fn)(struct span, void *), void *arg)
{
	for (uint32_t i = 0; i < kept_end; i++)
		if (kept[i].record != NULL)
			fn(span_of(kept[i].record, kept[i].n), arg);
}

/* ---- coming ---- */

static struct px_server *
parse(struct px *px, const struct span *word, uint32_t n, struct text *why)
{
	struct px_server *sv;
	struct diags diags;

	diags_init(&diags);
	sv = px_live_parse(px, word[0], word + 1, (int)n - 1, &diags);
	LIST_EACH(it, &diags.all) {
		const struct diag *d = LIST_ITEM(it, struct diag, node);

		if (sv == NULL && d->level == DIAG_ALERT) {
			text_addz(why, d->text);
			break;
		}
	}
	diags_fini(&diags);
	return (sv);
}

/* Room in be->srv, which is a part of srv_all at first. */
static void
make_room(struct be *be, uint32_t no)
{
	struct srv **more;

	if (no < be->n)
		return;
	more = must_alloc(((size_t)no + 8) * 2 * sizeof(struct srv *));
	memcpy(more, be->srv, be->n * sizeof(struct srv *));
	if (be->srv < srv_all || be->srv >= srv_all + px_rt_room())
		free(be->srv);
	be->srv = more;
	be->n = no + 1;
}

static void
attach(struct be *be, struct px_server *sv, struct srv *srv,
    const struct record *r)
{
	size_t i = 0;

	sv->rt = r->rt;
	sv->id = r->id;
	sv->cnt = srv->cnt = r->cnt;
	srv->no = r->no;
	srv->shm = srv_at(r->shm_at);
	if (r->lb_at != 0) {
		be->lb_shm = srv_at(r->lb_at);
		be->lb_room = r->lb_room;
	}
	make_room(be, r->no);
	be->srv[r->no] = srv_all[r->rt] = srv;
	px_live_join(sv);
	PARTS_EACH(p) {
		int64_t at = r->part_at[i++];

		(*p)->came(srv, at == 0 ? NULL : srv_at(at));
	}
}

/* ---- leaving ---- */

/* What stands where nobody is: it is stopped, and of weight 0. */
static struct srv *
stand_in(struct be *be, uint32_t no)
{
	static struct srv_shm nowhere;
	static struct px_server *nobody;
	struct srv *srv = arena_zget(px_model->arena, sizeof *srv);

	if (nobody == NULL) {
		nobody = px_server_new(px_new(NULL, PX_BE), "");
		nobody->weight = 0;
		nobody->rt = px_rt_nobody();
	}
	srv_init(srv, be, nobody, no);
	srv->shm = &nowhere;
	srv->gone = true;
	return (srv);
}

static void
detach(struct srv *srv)
{
	struct px_server *sv = px_server_find(srv->be->px,
	    span_str(srv->cfg->name));

	MUST(sv == srv->cfg);
	PARTS_EACH(p)
		(*p)->went(srv);
	srv_idle_close_all(srv);
	px_live_part(sv);
	srv_all[sv->rt] = NULL;
	srv->be->srv[srv->no] = stand_in(srv->be, srv->no);
}

/* ---- the keeper ---- */

static bool
no_room(struct text *why)
{
	text_addz(why, "No room left in shared memory for another server.");
	return (false);
}

/* The state is that of a new server, whoever had the name before. */
static void
begin_state(struct srv *srv)
{
	struct srv_shm *sh = srv->shm, was = *sh;
	const struct px_server *cfg = srv->cfg;

	memset(sh, 0, sizeof *sh);
	sh->own = was.own;
	sh->own_idle = was.own_idle;
	atomic_store(&sh->inflight_word, atomic_load(&was.inflight_word));
	atomic_store(&sh->idle_word, atomic_load(&was.idle_word));
	srv_config_fresh(srv);
	if (!cfg->ready) {
		atomic_fetch_or(&sh->admin, SRV_FMAINT);
		atomic_store(&sh->state, SRV_STOPPED);
	}
}

/* The algorithm's state is for more places than it was. */
static bool
grow_algo(struct be *be, struct record *r)
{
	char text[SRV_SLOT_NAME], kind[48];
	void *at;

	if (r->no < be->lb_room || be->lb->state_bytes == NULL)
		return (true);
	r->lb_room = (r->no + 1) * 2;
	snprintf(kind, sizeof kind, "%s/+%u", be->lb->name, r->lb_room);
	if (shm_slot(the_shm, srv_slot_name(text, kind, be->px->name, NULL),
	    SHM_LB, be->lb->state_bytes(r->lb_room), &at, NULL) == SHM_FAILED)
		return (false);
	r->lb_at = srv_off(at);
	return (true);
}

static bool
place_all(struct be *be, struct srv *srv, struct record *r)
{
	size_t i = 0;
	bool fresh;
	void *at;

	if (!srv_place(srv, &fresh) || !grow_algo(be, r))
		return (false);
	r->shm_at = srv_off(srv->shm);
	r->cnt = srv->cnt;
	PARTS_EACH(p) {
		MUST(i < SRV_LIVE_PARTS);
		at = NULL;
		if (!(*p)->place(srv, &at))
			return (false);
		r->part_at[i++] = at == NULL ? 0 : srv_off(at);
	}
	begin_state(srv);
	return (true);
}

/* A number of a run-time object that is free, or nobody's. */
static uint32_t
free_rt(void)
{
	uint32_t rt = px_model->n_servers, end = px_rt_nobody();

	while (rt < end && srv_all[rt] != NULL)
		rt++;
	return (rt);
}

static uint32_t
free_place(const struct be *be)
{
	uint32_t no = 0;

	while (no < be->n && !be->srv[no]->gone)
		no++;
	return (no);
}

static bool
obey_add(struct px *px, const struct span *word, uint32_t n, struct record *r,
    struct text *why)
{
	struct be *be = be_of(px);
	struct px_server *sv;
	struct srv *srv;

	if ((r->rt = free_rt()) == px_rt_nobody()) {
		text_printf(why, "There are %d dynamic servers, and there "
		    "can't be more: delete some, or write them into the "
		    "configuration and reload.", PX_LIVE_MAX);
		return (false);
	}
	if ((sv = parse(px, word, n, why)) == NULL)
		return (false);
	srv = arena_zget(px_model->arena, sizeof *srv);
	r->no = free_place(be);
	r->id = sv->id != 0 ? sv->id : px_live_id(px);
	sv->rt = r->rt;
	srv_init(srv, be, sv, r->no);
	if (!place_all(be, srv, r))
		return (no_room(why));
	attach(be, sv, srv, r);
	return (true);
}

static bool
obey_del(struct px *px, struct record *r, struct text *why)
{
	struct srv *srv = r->rt < px_rt_nobody() ? srv_all[r->rt] : NULL;

	if (srv == NULL || srv->be->px != px) {
		text_addz(why, "No such server.");
		return (false);
	}
	r->no = srv->no;
	detach(srv);
	return (true);
}

bool
srv_live_obey(struct span order, struct text *answer)
{
	struct span word[WORDS_MAX];
	struct record r = { 0 };
	struct order o;
	struct px *px;
	bool done;

	if (order.n < sizeof o)
		return (false);
	memcpy(&o, order.p, sizeof o);
	order = span_skip(order, sizeof o);
	if ((px = find_px(o.px_no)) == NULL)
		return (false);
	r.op = o.op;
	r.px_no = o.px_no;
	r.rt = o.rt;
	r.n = o.n;
	if (o.op == SRV_LIVE_ADD)
		done = get_words(order, o.n, word) &&
		    obey_add(px, word, o.n, &r, answer);
	else
		done = o.op == SRV_LIVE_DEL && obey_del(px, &r, answer);
	if (!done)
		return (false);
	r.serial = ++last_serial;
	text_add(answer, span_of((const char *)&r, sizeof r));
	text_add(answer, order);
	keep(&r, span_of(answer->p, answer->n));
	return (true);
}

/* ---- agent and workers ---- */

static bool
apply_add(struct px *px, const struct record *r, struct span words)
{
	struct span word[WORDS_MAX];
	struct be *be = be_of(px);
	struct px_server *sv;
	struct text why;
	struct srv *srv;

	text_init(&why);
	if (!get_words(words, r->n, word))
		return (false);
	if (srv_all[r->rt] != NULL)     /* its leaving was missed */
		detach(srv_all[r->rt]);
	sv = parse(px, word, r->n, &why);
	if (sv == NULL) {
		ipc_say(DIAG_ALERT, "server %s/%s is not known to process %d: "
		    "%.*s", px->name, word[0].p, shm_proc_no, (int)why.n,
		    why.n == 0 ? "" : why.p);
		text_fini(&why);
		return (false);
	}
	text_fini(&why);
	sv->rt = r->rt;
	srv = arena_zget(px_model->arena, sizeof *srv);
	srv_init(srv, be, sv, r->no);
	attach(be, sv, srv, r);
	return (true);
}

bool
srv_live_apply(struct span record, struct be **be, struct srv **srv)
{
	struct record r;
	struct px *px;

	if (record.n < sizeof r)
		return (false);
	memcpy(&r, record.p, sizeof r);
	if (r.rt >= px_rt_nobody() || (px = find_px(r.px_no)) == NULL)
		return (false);
	if (!is_done(&r)) {
		if (r.op == SRV_LIVE_ADD &&
		    !apply_add(px, &r, span_skip(record, sizeof r)))
			return (false);
		if (r.op == SRV_LIVE_DEL && srv_all[r.rt] != NULL)
			detach(srv_all[r.rt]);
		keep(&r, record);
	}
	*be = be_of(px);
	*srv = srv_all[r.rt];
	return (true);
}
