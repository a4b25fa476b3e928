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

#define LINE 512

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

unsigned
chk_port(const struct srv *srv)
{
	return (chk_cfg_of(srv)->port);
}

const struct addr *
chk_addr(const struct srv *srv)
{
	const struct chk_srv_cfg *c = chk_cfg_of(srv);

	return (c->has_addr ? &c->addr : NULL);
}

const char *
chk_info(const struct srv *srv)
{
	const struct chk *c = chk_of(srv);

	return (c == NULL ? "" : c->info);
}

static int
full_health(const struct srv *srv)
{
	return (chk_rise(srv) + chk_fall(srv) - 1);
}

/* ---- texts ---- */

static const char *
kind(const struct srv *srv)
{
	return (srv->cfg->backup ? "Backup Server" : "Server");
}

static const char *
left_text(const struct srv *srv, char dst[LINE], const char *verb)
{
	unsigned active = be_active(srv->be), backup = be_backup(srv->be);

	snprintf(dst, LINE, "%u active and %u backup servers %s.%s", active,
	    backup, verb, active == 0 && backup > 0 ? " Running on backup." :
	    "");
	return (dst);
}

/* ", reason: Layer7 wrong status, code: 404, info: "…", check duration: 3ms" */
static const char *
reason_text(const struct chk_verdict *v, char dst[LINE])
{
	int n = snprintf(dst, LINE, ", reason: %s", chk_desc(v->status));

	if (v->status >= CHK_L7OK)
		n += snprintf(dst + n, LINE - (size_t)n, ", code: %u",
		    v->code);
	if (v->info.n > 0)
		n += snprintf(dst + n, LINE - (size_t)n, ", info: \"%.*s\"",
		    SPAN_FMT(v->info));
	if (v->ms >= 0)
		snprintf(dst + n, LINE - (size_t)n, ", check duration: %dms",
		    v->ms);
	return (dst);
}

static void
log_down(const struct srv *srv, enum log_level level, const char *what,
    uint32_t requeued)
{
	char left[LINE];

	log_event(srv->be->px, level, "%s %s/%s %s. %s %u sessions active, "
	    "%u requeued, %u remaining in queue.", kind(srv),
	    srv->be->px->name, srv->cfg->name, what,
	    left_text(srv, left, "left"), atomic_load(&srv->shm->inflight),
	    requeued, atomic_load(&srv->shm->queued));
}

static void
log_up(const struct srv *srv, const char *what, uint32_t requeued)
{
	char left[LINE];

	log_event(srv->be->px, LOG_L_NOTICE, "%s %s/%s %s. %s %u sessions "
	    "requeued, %u total in queue.", kind(srv), srv->be->px->name,
	    srv->cfg->name, what, left_text(srv, left, "online"), requeued,
	    atomic_load(&srv->be->shm->queued_all));
}

static void
log_short(const struct srv *srv, const char *what)
{
	log_event(srv->be->px, LOG_L_NOTICE, "%s %s/%s %s", kind(srv),
	    srv->be->px->name, srv->cfg->name, what);
}

/* ---- the change itself ---- */

struct before {
	bool be_up, up, usable;
};

static int64_t
wall_s(void)
{
	return (clock_wall_us() / 1000000);
}

static struct before
look(const struct srv *srv)
{
	return ((struct before){ be_usable_count(srv->be) > 0, srv_is_up(srv),
	    srv_usable(srv) });
}

static void
note_time(struct srv *srv, const struct before *b)
{
	struct srv_shm *sh = srv->shm;
	int64_t now = wall_s();

	if (!b->up && srv_is_up(srv) && sh->changed_wall_s != 0)
		sh->down_ms += (now - sh->changed_wall_s) * 1000;
	if (b->up && !srv_is_up(srv))
		atomic_fetch_add(&sh->chk_down, 1);
	sh->changed_wall_s = now;
}

static void
note_backend(struct be *be, bool was_up)
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

/* State and orders were written: let the workers have it. Returns how many
 * streams must look for another server. */
static uint32_t
act(struct srv *srv, const struct before *b)
{
	uint32_t n = 0;

	note_time(srv, b);
	if (!srv_is_up(srv))
		atomic_store(&srv->shm->slow_from_ms, 0);
	be_refresh(srv->be);
	if (!srv_usable(srv))
		n = srv_requeue(srv);
	note_backend(srv->be, b->be_up);
	return (n);
}

/* After the line that says so: connections and, if wanted, sessions end. */
static void
leave_server(struct srv *srv, const struct before *b)
{
	if (b->up && !srv_is_up(srv))
		chk_tell(srv, srv_down_shuts(srv) ? WHY_SRV_KILLED : WHY_OK);
}

/* After the server's own line. */
static void
log_backend(const struct srv *srv, const struct before *b)
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
		if (be->srv[i].cfg->backup)
			chk_tell(&be->srv[i], WHY_BACKUP_KILLED);
}

static void
go_down(struct srv *srv, const char *why)
{
	struct before b = look(srv);
	char what[LINE];
	uint32_t n;

	atomic_store(&srv->shm->state, SRV_STOPPED);
	n = act(srv, &b);
	snprintf(what, sizeof what, "is DOWN%s", why);
	log_down(srv, LOG_L_ALERT, what, n);
	log_backend(srv, &b);
	leave_server(srv, &b);
}

static void
go_up(struct srv *srv, const char *why)
{
	struct before b = look(srv);
	char what[LINE];

	atomic_store(&srv->shm->state, SRV_RUNNING);
	if (!b.up) {
		srv_slow_start(srv);
		chk_slow(srv);
	}
	(void)act(srv, &b);
	if (srv_up_shuts_backup(srv) && !srv->cfg->backup && srv_usable(srv))
		kill_backups(srv->be);
	snprintf(what, sizeof what, "is UP%s", why);
	log_up(srv, what, 0);
}

/* Persistent sessions only. */
static void
go_stopping(struct srv *srv, const char *why)
{
	struct before b = look(srv);
	char what[LINE];
	uint32_t n;

	atomic_store(&srv->shm->state, SRV_STOPPING);
	n = act(srv, &b);
	snprintf(what, sizeof what, "is stopping%s", why);
	log_up(srv, what, n);
	log_backend(srv, &b);
}

/* ---- what a check found ---- */

static bool
is_good(enum chk_status s)
{
	return (s == CHK_L4OK || s == CHK_L6OK || s == CHK_L7OK ||
	    s == CHK_L7OKC);
}

static void
log_check(const struct srv *srv, const struct chk_verdict *v)
{
	char reason[LINE];
	int health = srv->shm->chk_health, rise = chk_rise(srv);
	bool up = health >= rise;

	log_event(srv->be->px, LOG_L_NOTICE, "Health check for %sserver %s/%s "
	    "%s%s, status: %d/%d %s.", srv->cfg->backup ? "backup " : "",
	    srv->be->px->name, srv->cfg->name, is_good(v->status) ?
	    "succeeded" : "failed", reason_text(v, reason), up ? health -
	    rise + 1 : health, up ? chk_fall(srv) : rise, up ? "UP" : "DOWN");
}

/* One more or one less; a lone failure or success is forgotten. */
static int
next_health(const struct srv *srv, bool good)
{
	int health = srv->shm->chk_health, rise = chk_rise(srv);

	if (good)
		return (health + 1 >= rise ? full_health(srv) : health + 1);
	return (health - 1 < rise ? 0 : health - 1);
}

static void
keep_verdict(struct chk *c, const struct chk_verdict *v)
{
	struct srv_shm *sh = c->srv->shm;

	sh->chk_status = (uint8_t)v->status;
	sh->chk_result = v->status == CHK_L7OKC ? CHK_RES_COND :
	    is_good(v->status) ? CHK_RES_PASSED : CHK_RES_FAILED;
	sh->chk_code = (uint16_t)v->code;
	sh->chk_ms = v->ms;
	snprintf(c->info, sizeof c->info, "%.*s", SPAN_FMT(v->info));
}

void
chk_found(struct chk *c, const struct chk_verdict *v)
{
	struct srv *srv = c->srv;
	bool good = is_good(v->status), logs, changed;
	int was = srv->shm->chk_health, rise = chk_rise(srv);
	/* a half success changes only those that are up */
	int now = v->status == CHK_L7OKC && was < rise ? was :
	    next_health(srv, good);
	char reason[LINE] = "";

	changed = !c->logged || srv->shm->chk_status != v->status ||
	    (was != now && (!good || was < rise));
	c->logged = true;
	keep_verdict(c, v);
	srv->shm->chk_health = (int16_t)now;
	if (!good && was >= rise)
		atomic_fetch_add(&srv->shm->chk_failed, 1);
	logs = px_opt(srv->be->px, PX_OPT_LOG_HEALTH_CHECKS);
	if (logs && changed)
		log_check(srv, v);
	if (!logs)
		reason_text(v, reason);
	if (was >= rise && now < rise)
		go_down(srv, reason);
	else if (was < rise && now >= rise)
		go_up(srv, reason);
	else if (v->status == CHK_L7OKC && now >= rise &&
	    atomic_load(&srv->shm->state) == SRV_RUNNING)
		go_stopping(srv, reason);
	else if (good && v->status != CHK_L7OKC &&
	    atomic_load(&srv->shm->state) == SRV_STOPPING)
		go_up(srv, reason);
}

/* ---- orders ---- */

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

static void
go_maint(struct srv *srv)
{
	struct before b = look(srv);
	uint32_t n;

	if (atomic_load(&srv->shm->admin) & SRV_FMAINT)
		return;
	atomic_fetch_and(&srv->shm->admin, ~(uint32_t)SRV_FDRAIN);
	atomic_fetch_or(&srv->shm->admin, SRV_FMAINT);
	atomic_store(&srv->shm->state, SRV_STOPPED);
	pause_check(srv, true);
	if (chk_has(srv))
		srv->shm->chk_health = 0;
	n = act(srv, &b);
	log_down(srv, b.usable ? LOG_L_ALERT : LOG_L_NOTICE,
	    "is going DOWN for maintenance", n);
	log_backend(srv, &b);
	leave_server(srv, &b);
}

static void
leave_maint(struct srv *srv, bool to_drain)
{
	struct before b = look(srv);

	atomic_fetch_and(&srv->shm->admin,
	    ~(uint32_t)(SRV_FMAINT | SRV_CMAINT));
	if (to_drain)
		atomic_fetch_or(&srv->shm->admin, SRV_FDRAIN);
	atomic_store(&srv->shm->state, SRV_RUNNING);
	srv->shm->chk_health = (int16_t)chk_rise(srv);
	srv_slow_start(srv);
	chk_slow(srv);
	(void)act(srv, &b);
	log_short(srv, to_drain ? "is UP/DRAIN (leaving forced maintenance)." :
	    "is UP/READY (leaving forced maintenance).");
	if (to_drain)
		log_short(srv, "remains in forced drain mode.");
	pause_check(srv, false);
}

static void
go_drain(struct srv *srv)
{
	struct before b = look(srv);
	uint32_t n;

	if (atomic_load(&srv->shm->admin) & SRV_FDRAIN)
		return;
	atomic_fetch_or(&srv->shm->admin, SRV_FDRAIN);
	n = act(srv, &b);
	log_up(srv, "enters drain state", n);
	log_backend(srv, &b);
}

static void
leave_drain(struct srv *srv)
{
	struct before b = look(srv);

	atomic_fetch_and(&srv->shm->admin, ~(uint32_t)SRV_FDRAIN);
	(void)act(srv, &b);
	log_short(srv, srv_is_up(srv) ? "is UP (leaving forced drain)." :
	    "is DOWN (leaving forced drain).");
}

void
chk_set_admin(struct srv *srv, enum chk_admin to)
{
	uint32_t admin = atomic_load(&srv->shm->admin);

	if (to == CHK_MAINT)
		go_maint(srv);
	else if (admin & (SRV_FMAINT | SRV_CMAINT))
		leave_maint(srv, to == CHK_DRAIN);
	else if (to == CHK_DRAIN)
		go_drain(srv);
	else if (admin & SRV_FDRAIN)
		leave_drain(srv);
}

void
chk_set_health(struct srv *srv, enum chk_health to)
{
	uint32_t state = atomic_load(&srv->shm->state);

	if (to == CHK_DOWN) {
		srv->shm->chk_health = 0;
		if (state != SRV_STOPPED)
			go_down(srv, ", changed from CLI");
		return;
	}
	srv->shm->chk_health = (int16_t)full_health(srv);
	if (to == CHK_STOPPING && state != SRV_STOPPING)
		go_stopping(srv, ", changed from CLI");
	else if (to == CHK_UP && state != SRV_RUNNING)
		go_up(srv, ", changed from CLI");
}

bool
chk_enable(struct srv *srv, bool on)
{
	struct chk *c = chk_of(srv);

	if (c == NULL)
		return (false);
	if (on) {
		srv->shm->chk_state |= CHK_ENABLED;
		if (chk_is_open() && !c->running &&
		    (srv->shm->chk_state & CHK_PAUSED) == 0)
			chk_plan(c, 0);
	} else {
		srv->shm->chk_state &= (uint8_t)~CHK_ENABLED;
		chk_stop(c);
	}
	return (true);
}

const char *
chk_set_weight(struct srv *srv, struct span text)
{
	bool relative = text.n > 0 && text.p[text.n - 1] == '%';
	struct before b = look(srv);
	uint64_t n;

	if (relative)
		text.n--;
	if (!num_u64(text, &n))
		return ("Require <weight> or <weight%>.");
	if (srv->be->lb->fixed != NULL && srv->be->lb->fixed(srv->be->px) &&
	    (!relative || (n != 0 && n != 100)))
		return ("Backend is using a static LB algorithm and only "
		    "accepts weights '0%' and '100%'.");
	if (!relative && n > 256)
		return ("Absolute weight can only be between 0 and 256 "
		    "inclusive.");
	if (relative)
		n = n > 25600 ? 256 : srv->cfg->weight * n / 100;
	atomic_store(&srv->shm->uweight, (uint32_t)(n > 256 ? 256 : n));
	be_refresh(srv->be);
	note_backend(srv->be, b.be_up);
	log_backend(srv, &b);
	return (NULL);
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
	log_event(srv->be->px, LOG_L_NOTICE, "%s %s/%s: %s.", kind(srv),
	    srv->be->px->name, srv->cfg->name, out->p);
}

void
chk_kill_sessions(struct srv *srv)
{
	chk_tell(srv, WHY_KILLED);
}

/* ---- reading ---- */

/* The last of its kind wins: maintenance, drain, then what checks say. */
const char *
chk_status_text(const struct srv *srv, char dst[32])
{
	uint32_t admin = atomic_load(&srv->shm->admin);
	uint32_t state = atomic_load(&srv->shm->state);
	int health = srv->shm->chk_health, rise = chk_rise(srv);
	bool checked = srv->shm->chk_state & CHK_ENABLED;

	if ((admin & SRV_MAINT) == SRV_RMAINT)
		snprintf(dst, 32, "MAINT (resolution)");
	else if (admin & SRV_MAINT)
		snprintf(dst, 32, "MAINT");
	else if (admin & SRV_DRAIN || atomic_load(&srv->shm->uweight) == 0)
		snprintf(dst, 32, "DRAIN");
	else if (state == SRV_STOPPING)
		snprintf(dst, 32, "NOLB");
	else if (state == SRV_STOPPED && checked && health > 0 &&
	    health < rise)
		snprintf(dst, 32, "DOWN %d/%d", health, rise);
	else if (state == SRV_STOPPED)
		snprintf(dst, 32, "DOWN");
	else if (checked && health < full_health(srv))
		snprintf(dst, 32, "UP %d/%d", health - rise + 1,
		    chk_fall(srv));
	else
		snprintf(dst, 32, checked ? "UP" : "no check");
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
		return (full_health(srv));
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
	if (sh->chk_health > full_health(srv))
		sh->chk_health = (int16_t)full_health(srv);
	sh->chk_state &= (uint8_t)~(CHK_RUNNING | CHK_PAUSED);
	if (chk_has(srv) && atomic_load(&sh->admin) & SRV_MAINT)
		sh->chk_state |= CHK_PAUSED;
	if (atomic_load(&sh->slow_from_ms) != 0)
		chk_slow(srv);
}
