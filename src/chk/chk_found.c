/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_found - what the result of a check makes of its server.
 */
#include "chk_int.h"

#include <stdio.h>

#include <log/log.h>

bool
chk_is_good(enum chk_status s)
{
	return (s == CHK_L4OK || s == CHK_L6OK || s == CHK_L7OK ||
	    s == CHK_L7OKC || s == CHK_PROCOK);
}

void
chk_log_check(const struct chk *c, const struct chk_verdict *v, int health,
    int rise, int fall)
{
	const struct srv *srv = c->srv;
	bool up = health >= rise;
	char reason[CHK_LINE], text[CHK_LINE * 2];

	snprintf(text, sizeof text, "%s check for %sserver %s/%s "
	    "%s%s, status: %d/%d %s", c->agent != NULL ? "Agent" : "Health",
	    srv->cfg->backup ? "backup " : "", srv->be->px->name,
	    srv->cfg->name, v->status == CHK_L7OKC ? "conditionally succeeded"
	    : chk_is_good(v->status) ? "succeeded" : "failed",
	    chk_reason_text(v, reason), up ? health - rise + 1 : health,
	    up ? fall : rise, up ? "UP" : "DOWN");
	log_event(srv->be->px, LOG_L_NOTICE, "%s.", text);
	chk_mail(srv, LOG_L_INFO, text);
}

/* One more or one less; a lone failure or success is forgotten. */
static int
next_health(const struct srv *srv, bool good)
{
	int health = srv->shm->chk_health, rise = chk_rise(srv);

	if (good)
		return (health + 1 >= rise ? chk_full_health(srv) : health + 1);
	return (health - 1 < rise ? 0 : health - 1);
}

static void
keep_verdict(struct chk *c, const struct chk_verdict *v)
{
	struct srv_shm *sh = c->srv->shm;

	sh->chk_status = (uint8_t)v->status;
	sh->chk_result = v->status == CHK_L7OKC ? CHK_RES_COND :
	    chk_is_good(v->status) ? CHK_RES_PASSED : CHK_RES_FAILED;
	sh->chk_code = (uint16_t)v->code;
	if (v->ms >= 0)
		sh->chk_ms = v->ms;
	snprintf(c->info, sizeof c->info, "%.*s", SPAN_FMT(v->info));
}

static bool
is_stopped(const struct srv *srv)
{
	return (atomic_load(&srv->shm->state) == SRV_STOPPED);
}

void
chk_found(struct chk *c, const struct chk_verdict *v)
{
	struct srv *srv = c->srv;
	bool good = chk_is_good(v->status), logs, changed;
	int was = srv->shm->chk_health, rise = chk_rise(srv);
	/* a half success changes only those that are up */
	int now = v->status == CHK_L7OKC && was < rise ? was :
	    next_health(srv, good);
	char reason[CHK_LINE] = "";

	changed = !c->logged || srv->shm->chk_status != v->status ||
	    (was != now && (!good || was < rise));
	c->logged = true;
	keep_verdict(c, v);
	srv->shm->chk_health = (int16_t)now;
	if (!good && was >= rise)
		atomic_fetch_add(&srv->shm->chk_failed, 1);
	logs = px_opt(srv->be->px, PX_OPT_LOG_HEALTH_CHECKS);
	if (logs && changed)
		chk_log_check(c, v, now, rise, chk_fall(srv));
	if (!logs)
		chk_reason_text(v, reason);
	if (was >= rise && now < rise && !is_stopped(srv))
		chk_go_down(srv, reason);
	else if (good && now >= rise && is_stopped(srv) &&
	    (atomic_load(&srv->shm->admin) & SRV_MAINT) == 0 &&
	    chk_agent_agrees(srv))
		chk_go_up(srv, reason);
	else if (v->status == CHK_L7OKC && now >= rise &&
	    atomic_load(&srv->shm->state) == SRV_RUNNING)
		chk_go_stopping(srv, reason);
	else if (good && v->status != CHK_L7OKC &&
	    atomic_load(&srv->shm->state) == SRV_STOPPING)
		chk_go_up(srv, reason);
	if (v->status == CHK_L4TOUT && chk_timed_out != NULL)
		chk_timed_out(srv);
}
