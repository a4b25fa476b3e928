/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_state - a server's way between up and down, and the lines that say so.
 *
 * Health counts from 0 to rise+fall-1; from `rise` on the server is up. The
 * words of the log lines are those that tools look for.
 */
#include "chk_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <base/num.h>
#include <base/text.h>
#include <log/log.h>
#include <srv/algo.h>
#include <srv/state.h>


static const struct { const char *word, *desc; } statuses[CHK_STATUS_N] = {
#define STATUS(no, name, word, text) [no] = { word, text },
	CHK_STATUSES(STATUS)
#undef STATUS
};

const char *
chk_word(unsigned status)
{
	return (status < CHK_STATUS_N && statuses[status].word != NULL ?
	    statuses[status].word : "");
}

const char *
chk_desc(unsigned status)
{
	return (status < CHK_STATUS_N && statuses[status].desc != NULL ?
	    statuses[status].desc : "");
}

bool
chk_has(const struct srv *srv)
{
	return (chk_cfg_of(srv)->check);
}

int
chk_rise(const struct srv *srv)
{
	return (chk_cfg_of(srv)->rise);
}

int
chk_fall(const struct srv *srv)
{
	return (chk_cfg_of(srv)->fall);
}

const char *
chk_info(const struct srv *srv)
{
	const struct chk *c = chk_of(srv);

	return (c == NULL ? "" : c->info);
}

int
chk_full_health(const struct srv *srv)
{
	return (chk_rise(srv) + chk_fall(srv) - 1);
}

/* ---- texts ---- */

const char *
chk_kind_text(const struct srv *srv)
{
	return (srv->cfg->backup ? "Backup Server" : "Server");
}

static const char *
left_text(const struct srv *srv, char dst[CHK_LINE], const char *verb)
{
	unsigned active = be_active(srv->be), backup = be_backup(srv->be);

	snprintf(dst, CHK_LINE, "%u active and %u backup servers %s.%s", active,
	    backup, verb, active == 0 && backup > 0 ? " Running on backup." :
	    "");
	return (dst);
}

const char *
chk_reason_text(const struct chk_verdict *v, char dst[CHK_LINE])
{
	int n = snprintf(dst, CHK_LINE, ", reason: %s", chk_desc(v->status));

	if (v->status >= CHK_L7OK)
		n += snprintf(dst + n, CHK_LINE - (size_t)n, ", code: %d",
		    (int)v->code);
	if (v->info.n > 0)
		n += snprintf(dst + n, CHK_LINE - (size_t)n, ", info: \"%.*s\"",
		    SPAN_FMT(v->info));
	if (v->ms >= 0)
		snprintf(dst + n, CHK_LINE - (size_t)n, ", check duration: %dms",
		    v->ms);
	return (dst);
}

static void
down_text(char dst[CHK_LINE * 3], const struct srv *srv, const char *what,
    uint32_t requeued)
{
	char left[CHK_LINE];

	snprintf(dst, CHK_LINE * 3, "%s %s/%s %s. %s %u sessions active, "
	    "%u requeued, %u remaining in queue", chk_kind_text(srv),
	    srv->be->px->name, srv->cfg->name, what,
	    left_text(srv, left, "left"), atomic_load(&srv->shm->inflight),
	    requeued, atomic_load(&srv->shm->queued));
}

void
chk_log_down(const struct srv *srv, enum log_level level, const char *what,
    uint32_t requeued)
{
	char text[CHK_LINE * 3];

	down_text(text, srv, what, requeued);
	log_event(srv->be->px, level, "%s.", text);
}

void
chk_log_up(const struct srv *srv, const char *what, uint32_t requeued)
{
	char left[CHK_LINE], text[CHK_LINE * 3];

	snprintf(text, sizeof text, "%s %s/%s %s. %s %u sessions requeued, %u "
	    "total in queue", chk_kind_text(srv), srv->be->px->name,
	    srv->cfg->name, what, left_text(srv, left, "online"), requeued,
	    atomic_load(&srv->be->shm->queued_all));
	log_event(srv->be->px, LOG_L_NOTICE, "%s.", text);
	chk_mail(srv, LOG_L_NOTICE, text);
}

void
chk_log_short(const struct srv *srv, const char *what)
{
	log_event(srv->be->px, LOG_L_NOTICE, "%s %s/%s %s", chk_kind_text(srv),
	    srv->be->px->name, srv->cfg->name, what);
}

/* ---- the change itself ---- */

static int64_t
wall_s(void)
{
	return (clock_wall_us() / 1000000);
}

struct chk_before
chk_look(const struct srv *srv)
{
	return ((struct chk_before){ be_usable_count(srv->be) > 0, srv_is_up(srv),
	    srv_usable(srv) });
}

static void
note_time(struct srv *srv, const struct chk_before *b)
{
	struct srv_shm *sh = srv->shm;
	int64_t now = wall_s();

	if (!b->up && srv_is_up(srv) && sh->changed_wall_s != 0)
		sh->down_ms += (now - sh->changed_wall_s) * 1000;
	if (b->up && !srv_is_up(srv))
		atomic_fetch_add(&sh->chk_down, 1);
	sh->changed_wall_s = now;
}

void
chk_note_backend(struct be *be, bool was_up)
{
	bool up = be_usable_count(be) > 0;
	int64_t now = wall_s();

	if (up == was_up)
		return;
	if (up && be->shm->changed_wall_s != 0)
		be->shm->down_ms += (now - be->shm->changed_wall_s) * 1000;
	if (!up)
		atomic_fetch_add(&be->shm->n_down, 1);
	be->shm->changed_wall_s = now;
}

uint32_t
chk_act(struct srv *srv, const struct chk_before *b)
{
	uint32_t n = 0;

	note_time(srv, b);
	if (!srv_is_up(srv))
		atomic_store(&srv->shm->slow_from_ms, 0);
	be_refresh(srv->be);
	if (!srv_usable(srv))
		n = srv_requeue(srv);
	chk_note_backend(srv->be, b->be_up);
	return (n);
}

void
chk_leave_server(struct srv *srv, const struct chk_before *b)
{
	if (b->up && !srv_is_up(srv))
		chk_tell(srv, srv_down_shuts(srv) ? WHY_SRV_KILLED : WHY_OK);
}

void
chk_log_backend(const struct srv *srv, const struct chk_before *b)
{
	const struct px *px = srv->be->px;

	if (b->be_up && be_usable_count(srv->be) == 0)
		log_event(px, LOG_L_EMERG, "%s %s has no server available!",
		    px->kind & PX_FE ? "proxy" : "backend", px->name);
}

static void
kill_backups(struct be *be)
{
	for (uint32_t i = 0; i < be->n; i++)
		if (be->srv[i]->cfg->backup)
			chk_tell(be->srv[i], WHY_BACKUP_KILLED);
}

void
chk_mark_up(struct srv *srv)
{
	if (srv_up_shuts_backup(srv) && !srv->cfg->backup && srv_usable(srv))
		kill_backups(srv->be);
}

const char *
chk_via(const struct srv *by, char dst[CHK_LINE])
{
	snprintf(dst, CHK_LINE, " via %s/%s", by->be->px->name, by->cfg->name);
	return (dst);
}

static void
follow_down(struct srv *srv, struct srv *by)
{
	char via[CHK_LINE];

	if (atomic_load(&srv->shm->state) != SRV_STOPPED)
		chk_go_down(srv, chk_via(by, via));
}

static void
follow_up(struct srv *srv, struct srv *by)
{
	uint32_t state = atomic_load(&srv->shm->state);
	char via[CHK_LINE];

	if ((state == SRV_STOPPED || state == SRV_STOPPING) &&
	    (atomic_load(&srv->shm->admin) & SRV_MAINT) == 0 &&
	    chk_agent_agrees(srv))
		chk_go_up(srv, chk_via(by, via));
}

static void
follow_stopping(struct srv *srv, struct srv *by)
{
	uint32_t state = atomic_load(&srv->shm->state);
	char via[CHK_LINE];

	if (state == SRV_RUNNING || state == SRV_STARTING)
		chk_go_stopping(srv, chk_via(by, via));
}

void
chk_go_down(struct srv *srv, const char *why)
{
	struct chk_before b = chk_look(srv);
	char what[CHK_LINE], text[CHK_LINE * 3];
	uint32_t n;

	atomic_store(&srv->shm->state, SRV_STOPPED);
	n = chk_act(srv, &b);
	snprintf(what, sizeof what, "is DOWN%s", why);
	down_text(text, srv, what, n);
	log_event(srv->be->px, LOG_L_ALERT, "%s.", text);
	chk_mail(srv, LOG_L_ALERT, text);
	if (atomic_load(&srv->shm->admin) & SRV_FDRAIN)
		chk_log_short(srv, "remains in forced drain mode.");
	chk_log_backend(srv, &b);
	chk_leave_server(srv, &b);
	chk_each_follower(srv, follow_down);
}

void
chk_go_up(struct srv *srv, const char *why)
{
	struct chk_before b = chk_look(srv);
	char what[CHK_LINE];

	atomic_store(&srv->shm->state, SRV_RUNNING);
	if (!b.up) {
		srv_slow_start(srv);
		chk_slow(srv);
	}
	(void)chk_act(srv, &b);
	chk_mark_up(srv);
	snprintf(what, sizeof what, "is UP%s", why);
	chk_log_up(srv, what, 0);
	chk_each_follower(srv, follow_up);
}

/* Persistent sessions only. */
void
chk_go_stopping(struct srv *srv, const char *why)
{
	struct chk_before b = chk_look(srv);
	char what[CHK_LINE];
	uint32_t n;

	atomic_store(&srv->shm->state, SRV_STOPPING);
	n = chk_act(srv, &b);
	snprintf(what, sizeof what, "is stopping%s", why);
	chk_log_up(srv, what, n);
	chk_log_backend(srv, &b);
	chk_each_follower(srv, follow_stopping);
}

/* ---- reading ---- */

const char *
chk_tracked_name(const struct srv *srv, char dst[CHK_STATUS_TEXT])
{
	const struct srv *by = chk_tracked(srv);

	dst[0] = '\0';
	if (by != NULL)
		snprintf(dst, CHK_STATUS_TEXT, "%s/%s", by->be->px->name,
		    by->cfg->name);
	return (dst);
}

static void
put_maint(const struct srv *srv, uint32_t admin, char dst[CHK_STATUS_TEXT])
{
	const struct srv *by = chk_tracked(srv);

	if ((admin & SRV_MAINT) == SRV_RMAINT)
		snprintf(dst, CHK_STATUS_TEXT, "MAINT (resolution)");
	else if (admin & SRV_IMAINT && by != NULL)
		snprintf(dst, CHK_STATUS_TEXT, "MAINT (via %.70s/%.70s)",
		    by->be->px->name, by->cfg->name);
	else
		snprintf(dst, CHK_STATUS_TEXT, "MAINT");
}

/* Health is that of the server whose checks count. */
static void
put_down(const struct srv *srv, char dst[CHK_STATUS_TEXT])
{
	const struct srv *root = chk_root(srv);
	int health = root->shm->chk_health, rise = chk_rise(root);

	if (!chk_agent_agrees(root))
		snprintf(dst, CHK_STATUS_TEXT, "DOWN (agent)");
	else if (root->shm->chk_state & CHK_ENABLED && health > 0 &&
	    health < rise)
		snprintf(dst, CHK_STATUS_TEXT, "DOWN %d/%d", health, rise);
	else
		snprintf(dst, CHK_STATUS_TEXT, "DOWN");
}

static void
put_up(const struct srv *srv, const char *word, char dst[CHK_STATUS_TEXT])
{
	const struct srv *root = chk_root(srv);
	int health = root->shm->chk_health, rise = chk_rise(root);

	if (root->shm->chk_state & CHK_ENABLED &&
	    health < chk_full_health(root) && health >= rise)
		snprintf(dst, CHK_STATUS_TEXT, "%s %d/%d", word, health -
		    rise + 1, chk_fall(root));
	else
		snprintf(dst, CHK_STATUS_TEXT, "%s", word);
}

/* The last of its kind wins: maintenance, down, drain, then what checks say. */
const char *
chk_status_text(const struct srv *srv, char dst[CHK_STATUS_TEXT])
{
	uint32_t admin = atomic_load(&srv->shm->admin);
	uint32_t state = atomic_load(&srv->shm->state);
	const struct srv *root = chk_root(srv);

	if (admin & SRV_MAINT)
		put_maint(srv, admin, dst);
	else if (state == SRV_STOPPED)
		put_down(srv, dst);
	else if (admin & SRV_DRAIN || atomic_load(&srv->shm->uweight) == 0)
		put_up(srv, srv->shm->agent_state & CHK_ENABLED ?
		    "DRAIN (agent)" : "DRAIN", dst);
	else if (state == SRV_STOPPING)
		snprintf(dst, CHK_STATUS_TEXT, "NOLB");
	else
		put_up(srv, root->shm->chk_state & CHK_ENABLED ? "UP" :
		    "no check", dst);
	return (dst);
}

int64_t
chk_down_s(const struct srv *srv)
{
	int64_t s = srv->shm->down_ms / 1000;

	if (!srv_is_up(srv) && srv->shm->changed_wall_s != 0)
		s += wall_s() - srv->shm->changed_wall_s;
	return (s);
}

int64_t
chk_be_down_s(const struct be *be)
{
	int64_t s = be->shm->down_ms / 1000;

	if (be_usable_count(be) == 0 && be->shm->changed_wall_s != 0)
		s += wall_s() - be->shm->changed_wall_s;
	return (s);
}

/* ---- the start of a generation ---- */

static int
first_health(const struct srv *srv)
{
	switch (chk_cfg_of(srv)->init) {
	case CHK_INIT_FULLY_UP:
		return (chk_full_health(srv));
	case CHK_INIT_DOWN:
		return (chk_rise(srv) - 1);
	case CHK_INIT_FULLY_DOWN:
		return (0);
	default:
		return (chk_rise(srv));
	}
}

/* A server that was not checked before. */
static void
first_state(struct srv *srv)
{
	bool maint = atomic_load(&srv->shm->admin) & SRV_MAINT;
	bool down = atomic_load(&srv->shm->state) == SRV_STOPPED;

	/* One that is down already, by order or by a state file, comes up when
	 * checks say so. */
	srv->shm->chk_health = (int16_t)(maint || down ? 0 :
	    first_health(srv));
	srv->shm->chk_status = CHK_INI;
	srv->shm->chk_state = CHK_CONFIGURED | CHK_ENABLED |
	    (maint ? CHK_PAUSED : 0);
	if (!maint && srv->shm->chk_health < chk_rise(srv)) {
		atomic_store(&srv->shm->state, SRV_STOPPED);
		be_refresh(srv->be);
	}
}

void
chk_take_over(struct srv *srv)
{
	struct srv_shm *sh = srv->shm;
	bool had = sh->chk_state & CHK_CONFIGURED;
	struct chk *c = chk_of(srv);

	if (c != NULL)                  /* only what is new is worth a line */
		c->logged = sh->chk_result != CHK_RES_UNKNOWN;
	if (sh->changed_wall_s == 0)
		sh->changed_wall_s = wall_s();
	if (srv->be->shm->changed_wall_s == 0)
		srv->be->shm->changed_wall_s = wall_s();
	if (chk_has(srv) && !had)
		first_state(srv);
	else if (!chk_has(srv) && sh->chk_status == CHK_UNK) {
		sh->chk_status = CHK_INI;
		sh->chk_health = (int16_t)chk_rise(srv);
	} else if (!chk_has(srv) && had) {
		sh->chk_state = 0;
		sh->chk_status = CHK_INI;
		sh->chk_result = CHK_RES_UNKNOWN;
		sh->chk_health = (int16_t)chk_rise(srv);
		if ((atomic_load(&sh->admin) & SRV_MAINT) == 0)
			atomic_store(&sh->state, SRV_RUNNING);
		be_refresh(srv->be);
	}
	if (sh->chk_health > chk_full_health(srv))
		sh->chk_health = (int16_t)chk_full_health(srv);
	sh->chk_state &= (uint8_t)~(CHK_RUNNING | CHK_PAUSED);
	if (chk_has(srv) && atomic_load(&sh->admin) & SRV_MAINT)
		sh->chk_state |= CHK_PAUSED;
	if (atomic_load(&sh->slow_from_ms) != 0)
		chk_slow(srv);
	chk_setup_apply(srv);
	chk_agent_take_over(srv);
}
