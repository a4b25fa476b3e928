/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_orders - what people order about a server through the runtime API.
 */
#include "chk_int.h"

#include <stdio.h>
#include <string.h>

#include <base/num.h>
#include <base/text.h>
#include <log/log.h>
#include <srv/algo.h>
#include <srv/state.h>

static void
pause_check(struct srv *srv, bool on)
{
	struct chk *c = chk_of(srv);

	if (c == NULL)
		return;
	if (on) {
		srv->shm->chk_state |= CHK_PAUSED;
		chk_stop(c);
		return;
	}
	srv->shm->chk_state &= (uint8_t)~CHK_PAUSED;
	c->logged = false;
	if (chk_is_open() && srv->shm->chk_state & CHK_ENABLED)
		chk_plan(c, 0);
}

/* ---- maintenance ---- */

static void follow_maint(struct srv *, struct srv *by);
static void follow_ready(struct srv *, struct srv *by);

void
chk_enter_maint(struct srv *srv, uint32_t bit, const char *via)
{
	struct chk_before b = chk_look(srv);
	bool stopped = atomic_load(&srv->shm->state) == SRV_STOPPED;
	char what[CHK_LINE];
	uint32_t n;

	if (atomic_fetch_or(&srv->shm->admin, bit) & SRV_MAINT)
		return;
	atomic_store(&srv->shm->state, SRV_STOPPED);
	pause_check(srv, true);
	if (chk_has(srv))
		srv->shm->chk_health = 0;
	n = chk_act(srv, &b);
	if (stopped) {
		snprintf(what, sizeof what, "was DOWN and now enters "
		    "maintenance%s.", via);
		chk_log_short(srv, what);
	} else {
		snprintf(what, sizeof what, "is going DOWN for maintenance%s",
		    via);
		chk_log_down(srv, b.usable ? LOG_L_ALERT : LOG_L_NOTICE, what,
		    n);
	}
	chk_log_backend(srv, &b);
	chk_leave_server(srv, &b);
	chk_each_follower(srv, follow_maint);
}

static void
follow_maint(struct srv *srv, struct srv *by)
{
	char via[CHK_LINE];

	chk_enter_maint(srv, SRV_IMAINT, chk_via(by, via));
}

/* What it is when nobody wants maintenance any more. */
static uint32_t
state_now(const struct srv *srv)
{
	const struct srv *by = chk_tracked(srv);
	uint32_t state = by == NULL ? SRV_RUNNING :
	    atomic_load(&by->shm->state);

	if (!chk_agent_agrees(srv))
		return (SRV_STOPPED);
	return (state == SRV_STARTING ? SRV_RUNNING : state);
}

static const char *
leave_text(uint32_t bits)
{
	return (bits & SRV_FMAINT ? "leaving forced maintenance" :
	    bits & SRV_RMAINT ? "resolves again" : "leaving maintenance");
}

void
chk_leave_maint(struct srv *srv, uint32_t bits, const char *name)
{
	struct chk_before b = chk_look(srv);
	bool forced = bits & SRV_FMAINT;
	char what[CHK_LINE];
	uint32_t was = atomic_fetch_and(&srv->shm->admin, ~bits);

	if ((was & bits) == 0)
		return;
	if (was & ~bits & SRV_MAINT) {
		chk_log_short(srv, forced ? "is leaving forced maintenance "
		    "but remains in maintenance." :
		    "remains in forced maintenance.");
		return;
	}
	atomic_store(&srv->shm->state, state_now(srv));
	if (chk_tracked(srv) == NULL)
		srv->shm->chk_health = (int16_t)chk_rise(srv);
	if (srv_is_up(srv)) {
		srv_slow_start(srv);
		chk_slow(srv);
	}
	(void)chk_act(srv, &b);
	chk_mark_up(srv);
	snprintf(what, sizeof what, "%sis %s/%s (%s).", name,
	    srv_is_up(srv) ? "UP" : "DOWN", was & SRV_DRAIN ? "DRAIN" :
	    "READY", leave_text(bits));
	chk_log_short(srv, what);
	if (was & SRV_FDRAIN)
		chk_log_short(srv, "remains in forced drain mode.");
	pause_check(srv, false);
	chk_each_follower(srv, follow_ready);
}

static void
follow_ready(struct srv *srv, struct srv *by)
{
	(void)by;
	chk_leave_maint(srv, SRV_IMAINT, "");
}

/* ---- drain ---- */

static void follow_drain(struct srv *, struct srv *by);
static void follow_undrain(struct srv *, struct srv *by);

/* In maintenance it is only noted. */
static void
enter_drain(struct srv *srv, uint32_t bit, const char *via)
{
	struct chk_before b = chk_look(srv);
	uint32_t was = atomic_fetch_or(&srv->shm->admin, bit), n;
	char what[CHK_LINE];

	if (was & SRV_DRAIN)
		return;
	if ((was & SRV_MAINT) == 0) {
		n = chk_act(srv, &b);
		snprintf(what, sizeof what, "enters drain state%s", via);
		chk_log_up(srv, what, n);
		chk_log_backend(srv, &b);
	}
	chk_each_follower(srv, follow_drain);
}

static void
follow_drain(struct srv *srv, struct srv *by)
{
	char via[CHK_LINE];

	enter_drain(srv, SRV_IDRAIN, chk_via(by, via));
}

static void
leave_drain(struct srv *srv, uint32_t bit)
{
	struct chk_before b = chk_look(srv);
	uint32_t was = atomic_fetch_and(&srv->shm->admin, ~bit);

	if ((was & bit) == 0)
		return;
	if (was & ~bit & SRV_DRAIN) {
		chk_log_short(srv, bit == SRV_FDRAIN ? "is leaving forced "
		    "drain but remains in drain mode." :
		    "remains in forced drain mode.");
		return;
	}
	if ((was & SRV_MAINT) == 0) {
		(void)chk_act(srv, &b);
		chk_log_short(srv, srv_is_up(srv) ? "is UP (leaving forced "
		    "drain)." : "is DOWN (leaving forced drain).");
	}
	chk_each_follower(srv, follow_undrain);
}

static void
follow_undrain(struct srv *srv, struct srv *by)
{
	(void)by;
	leave_drain(srv, SRV_IDRAIN);
}

/* ---- orders ---- */

void
chk_set_admin(struct srv *srv, enum chk_admin to)
{
	uint32_t forced = SRV_FMAINT | SRV_CMAINT;

	if (to == CHK_MAINT) {
		atomic_fetch_and(&srv->shm->admin, ~(uint32_t)SRV_FDRAIN);
		chk_enter_maint(srv, SRV_FMAINT, "");
		return;
	}
	if (to == CHK_DRAIN)
		enter_drain(srv, SRV_FDRAIN, "");
	chk_leave_maint(srv, forced, "");
	if (to == CHK_READY)
		leave_drain(srv, SRV_FDRAIN);
}

bool
chk_set_health(struct srv *srv, enum chk_health to)
{
	uint32_t state = atomic_load(&srv->shm->state);

	if (chk_tracked(srv) != NULL)
		return (false);
	if (to == CHK_DOWN) {
		srv->shm->chk_health = 0;
		if (state != SRV_STOPPED)
			chk_go_down(srv, ", changed from CLI");
		return (true);
	}
	srv->shm->chk_health = (int16_t)chk_full_health(srv);
	if (to == CHK_STOPPING && state != SRV_STOPPING)
		chk_go_stopping(srv, ", changed from CLI");
	else if (to == CHK_UP && state != SRV_RUNNING)
		chk_go_up(srv, ", changed from CLI");
	return (true);
}

bool
chk_enable(struct srv *srv, bool on)
{
	struct chk *c = chk_of(srv);

	if (c == NULL)
		return (false);
	if (on) {
		srv->shm->chk_state |= CHK_ENABLED |
		    (atomic_load(&srv->shm->admin) & SRV_MAINT ? CHK_PAUSED :
		    0);
		if (chk_is_open() && !c->running &&
		    (srv->shm->chk_state & CHK_PAUSED) == 0)
			chk_plan(c, 0);
	} else {
		srv->shm->chk_state &= (uint8_t)~CHK_ENABLED;
		chk_stop(c);
	}
	return (true);
}

bool
chk_set_check_addr(struct srv *srv, const struct addr *to, unsigned port)
{
	struct chk_shm *m = chk_shm_of(srv);

	if (!chk_has(srv) || !(srv->shm->chk_state & CHK_ENABLED))
		return (false);
	if (to != NULL)
		m->addr = *to;
	if (port != 0)
		m->port = (uint16_t)port;
	return (true);
}

const char *
chk_set_weight(struct srv *srv, struct span text)
{
	bool relative = text.n > 0 && text.p[text.n - 1] == '%';
	struct chk_before b = chk_look(srv);
	uint64_t n;

	if (relative)
		text.n--;
	if (!num_u64(text, &n))
		return ("Require <weight> or <weight%>.");
	if (srv->be->lb->fixed != NULL && srv->be->lb->fixed(srv->be->px) &&
	    n != 0 && n != (relative ? 100 : srv->cfg->weight))
		return ("Backend is using a static LB algorithm and only "
		    "accepts weights '0%' and '100%'.");
	if (!relative && n > 256)
		return ("Absolute weight can only be between 0 and 256 "
		    "inclusive.");
	if (relative)
		n = n > 25600 ? 256 : srv->cfg->weight * n / 100;
	atomic_store(&srv->shm->uweight, (uint32_t)(n > 256 ? 256 : n));
	be_refresh(srv->be);
	chk_note_backend(srv->be, b.be_up);
	chk_log_backend(srv, &b);
	return (NULL);
}

void
chk_set_maxconn(struct srv *srv, uint32_t max)
{
	atomic_store(&srv->shm->maxconn, max + 1);
	be_refresh(srv->be);            /* more may leave the queue now */
}

void
chk_set_addr(struct srv *srv, const struct addr *to, unsigned port,
    struct text *out)
{
	struct addr was, now = *to;
	char a[ADDR_TEXT], b[ADDR_TEXT];
	bool moved;

	srv_addr(srv, NULL, &was);
	now.port = port != 0 ? (uint16_t)port : was.port;
	addr_print(&was, a);
	addr_print(&now, b);
	moved = strcmp(a, b) != 0;
	if (moved)
		text_printf(out, "IP changed from '%s' to '%s'", a, b);
	else
		text_addz(out, "no need to change the addr");
	if (now.port != was.port)
		text_printf(out, ", port changed from '%u' to '%u'",
		    was.port, now.port);
	text_addz(out, " by 'stats socket command'");
	if (!moved && now.port == was.port)
		return;
	srv_addr_set(srv, &now);
	chk_tell(srv, WHY_OK);
	log_event(srv->be->px, LOG_L_NOTICE, "%s %s/%s: %s.", chk_kind_text(srv),
	    srv->be->px->name, srv->cfg->name, out->p);
}

void
chk_kill_sessions(struct srv *srv)
{
	chk_tell(srv, WHY_KILLED);
}
