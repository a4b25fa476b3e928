/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_track - servers that are judged by the checks of another one.
 *
 * A server that is tracked tells those that track it of each change at once,
 * and these tell theirs: a chain has no loops, as the configuration is
 * refused that has one.
 *
 * Source: configuration manual 5.2 "track".
 */
#include "chk_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <base/text.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <px/live.h>
#include <srv/state.h>

/* By px_server.rt: the first that tracks it, and the next one that tracks the
 * same. NULL: nobody tracks anybody. */
static struct srv **first, **next;

struct srv *
chk_tracked(const struct srv *srv)
{
	return (srv_of(chk_cfg_of(srv)->tracked));
}

const struct srv *
chk_root(const struct srv *srv)
{
	const struct srv *by;

	while ((by = chk_tracked(srv)) != NULL)
		srv = by;
	return (srv);
}

static void
add_follower(struct srv *srv)
{
	const struct srv *by = chk_tracked(srv);

	if (by == NULL)
		return;
	next[srv->cfg->rt] = first[by->cfg->rt];
	first[by->cfg->rt] = srv;
}

static void
add_followers(struct be *be, void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < be->n; i++)
		add_follower(be->srv[i]);
}

static void
make_lists(void)
{
	first = must_alloc(px_rt_room() * sizeof *first);
	next = must_alloc(px_rt_room() * sizeof *next);
}

void
chk_track_came(struct srv *srv)
{
	struct px_server *by;

	if (chk_tracked(srv) == NULL)
		return;
	by = px_server_find(chk_tracked(srv)->be->px,
	    span_str(chk_tracked(srv)->cfg->name));
	by->referred = true;
	if (first == NULL)
		make_lists();
	add_follower(srv);
}

void
chk_track_went(struct srv *srv)
{
	const struct srv *by = chk_tracked(srv);
	struct srv **at;

	if (by == NULL || first == NULL)
		return;
	for (at = &first[by->cfg->rt]; *at != NULL;
	    at = &next[(*at)->cfg->rt])
		if (*at == srv) {
			*at = next[srv->cfg->rt];
			next[srv->cfg->rt] = NULL;
			return;
		}
}

void
chk_track_begin(void)
{
	bool any = false;

	free(first);
	free(next);
	first = next = NULL;
	if (!px_said(&chk_srv_slot))
		return;
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px) {
			const struct chk_srv_cfg *cfg = px_get(&sv->slots,
			    &chk_srv_slot);

			any |= cfg->tracked != NULL;
		}
	if (!any)
		return;
	make_lists();
	srv_each_be(add_followers, NULL);
}

void
chk_each_follower(const struct srv *srv, void (*fn)(struct srv *,
    struct srv *by))
{
	if (first == NULL)
		return;
	for (struct srv *f = first[srv->cfg->rt]; f != NULL;
	    f = next[f->cfg->rt])
		fn(f, chk_tracked(f));
}

/* ---- the start of a generation ---- */

/* It tracked in the generation before: what it took over then goes. */
static void
be_free(struct srv *srv)
{
	uint32_t was;

	srv->shm->tracks = false;
	was = atomic_fetch_and(&srv->shm->admin,
	    ~(uint32_t)(SRV_IMAINT | SRV_IDRAIN));
	if (chk_has(srv))
		return;
	srv->shm->chk_health = (int16_t)chk_rise(srv);
	if ((was & SRV_MAINT & ~(uint32_t)SRV_IMAINT) == 0)
		atomic_store(&srv->shm->state, SRV_RUNNING);
	be_refresh(srv->be);
}

void
chk_take_over_track(struct srv *srv)
{
	if (srv->shm->tracks && chk_tracked(srv) == NULL)
		be_free(srv);
}

bool
chk_any_follows(void)
{
	return (first != NULL);
}

void
chk_follow(struct srv *srv)
{
	const struct srv *by = chk_tracked(srv);
	const struct srv *root = chk_root(srv);
	uint32_t admin = 0, state;

	if (by == NULL)
		return;
	for (const struct srv *s = by; s != NULL; s = chk_tracked(s))
		admin |= atomic_load(&s->shm->admin);
	atomic_fetch_and(&srv->shm->admin,
	    ~(uint32_t)(SRV_IMAINT | SRV_IDRAIN));
	atomic_fetch_or(&srv->shm->admin, (admin & SRV_MAINT ? SRV_IMAINT :
	    0) | (admin & SRV_DRAIN ? SRV_IDRAIN : 0));
	state = atomic_load(&root->shm->state);
	if (atomic_load(&srv->shm->admin) & SRV_MAINT)
		state = SRV_STOPPED;
	atomic_store(&srv->shm->state, state == SRV_STARTING ? SRV_RUNNING :
	    state);
	srv->shm->chk_health = 0;
	srv->shm->tracks = true;
	be_refresh(srv->be);
}

/* ---- configuration ---- */

static bool
parse_track(struct conf_line *l, void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);
	struct chk_srv_cfg *cfg = px_edit(&sv->slots, &chk_srv_slot);
	struct span text;

	if (!conf_want(l, "[<proxy>/]<server>", &text))
		return (false);
	cfg->track = text.p;
	return (true);
}

/* "app/web1", or "web1" of the same backend. */
static bool
find_target(struct conf *conf, const struct px_server *sv,
    struct chk_srv_cfg *cfg)
{
	struct span name = span_str(cfg->track), px_name;
	const struct px *px = sv->px;
	struct px_server *target;

	if (span_find(name, '/') >= 0) {
		(void)span_cut(&name, '/', &px_name);
		px = px_find(px_model, px_name, PX_BE);
		if (px == NULL)
			return (conf_fail(conf, DIAG_ALERT, sv->pos, "server "
			    "'%s': unable to find required proxy '%.*s' for "
			    "tracking", sv->name, SPAN_FMT(px_name)));
	}
	if ((target = px_server_find(px, name)) != NULL) {
		if (target->live)
			return (conf_fail(conf, DIAG_ALERT, sv->pos, "unable "
			    "to use %s/%s for tracking as it is a dynamic "
			    "server", px->name, target->name));
		target->referred |= !sv->live;
		cfg->tracked = target;
		return (true);
	}
	return (conf_fail(conf, DIAG_ALERT, sv->pos, "server '%s': unable to "
	    "find required server '%.*s' in '%s' for tracking", sv->name,
	    SPAN_FMT(name), px->name));
}

static const struct chk_srv_cfg *
cfg_of(const struct px_server *sv)
{
	return (px_get(&sv->slots, &chk_srv_slot));
}

static bool
takes_off_on_404(const struct px_server *sv)
{
	const struct chk_px_cfg *cfg = px_get(&sv->px->slots, &chk_px_slot);

	return (cfg->off_on_404);
}

static bool
check_chain(struct conf *conf, struct px_server *sv)
{
	const struct px_server *end = cfg_of(sv)->tracked, *slow = sv;

	/* `slow` goes one step for two: a loop makes them meet. */
	for (bool odd = false; cfg_of(end)->tracked != NULL && end != slow;
	    odd = !odd) {
		end = cfg_of(end)->tracked;
		if (odd)
			slow = cfg_of(slow)->tracked;
	}
	if (cfg_of(end)->tracked != NULL)
		return (conf_fail(conf, DIAG_ALERT, sv->pos, "server '%s': "
		    "unable to track '%s' as it belongs to a chain of "
		    "tracking that loops", sv->name, cfg_of(sv)->track));
	if (!cfg_of(end)->check && !cfg_of(end)->agent)
		return (conf_fail(conf, DIAG_ALERT, sv->pos, "server '%s': "
		    "unable to use '%s' for tracking as '%s/%s' has neither "
		    "'check' nor 'agent-check'", sv->name, cfg_of(sv)->track,
		    end->px->name, end->name));
	if (takes_off_on_404(sv) != takes_off_on_404(end))
		return (conf_fail(conf, DIAG_ALERT, sv->pos, "server '%s': "
		    "unable to use '%s' for tracking: both backends must have "
		    "'http-check disable-on-404', or none", sv->name,
		    cfg_of(sv)->track));
	return (true);
}

static bool
each_tracking(struct conf *conf, bool (*fn)(struct conf *,
    struct px_server *))
{
	bool good = true;

	if (!px_said(&chk_srv_slot))
		return (true);
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			if ((px->kind & PX_BE) && cfg_of(sv)->track != NULL)
				good &= fn(conf, sv);
	return (good);
}

static bool
resolve(struct conf *conf, struct px_server *sv)
{
	if (cfg_of(sv)->check)
		return (conf_fail(conf, DIAG_ALERT, sv->pos, "server '%s': "
		    "unable to enable checks and tracking at the same time: "
		    "remove 'check' or 'track'", sv->name));
	return (find_target(conf, sv, px_edit(&sv->slots, &chk_srv_slot)));
}

static bool
check_live(struct conf *conf, struct px_server *sv)
{
	return (cfg_of(sv)->track == NULL ||
	    (resolve(conf, sv) && check_chain(conf, sv)));
}
PX_LIVE_CHECK(chk_track, 31, check_live);

static bool
check_tracks(struct conf *conf)
{
	return (each_tracking(conf, resolve) && each_tracking(conf, check_chain));
}
CONF_CHECK(chk_tracks, 31, check_tracks);

KEYWORD(chk_track) = {
	.name = "track", .in = KW_SERVER, .args = "[<proxy>/]<server>",
	.parse = parse_track,
	.doc = "It is up, down, in maintenance or drain when that server is, "
	    "which is checked or tracks another one in its turn.",
};
