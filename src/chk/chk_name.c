/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_name - what the look-up of its name means for a server: it moves, is in
 * maintenance while there is no address, and comes back.
 */
#include "chk_int.h"

#include <stdio.h>
#include <string.h>

#include <base/text.h>
#include <srv/state.h>

static const char *
shown(const struct addr *a, char dst[ADDR_TEXT])
{
	if (a->family == ADDR_NONE)
		return ("(none)");
	addr_print(a, dst);
	return (dst);
}

static void
log_move(const struct srv *srv, const struct addr *was,
    const struct addr *now, const char *by)
{
	char a[ADDR_TEXT], b[ADDR_TEXT];

	log_event(srv->be->px, LOG_L_NOTICE, "%s/%s changed its IP from %s to "
	    "%s by %s.", srv->be->px->name, srv->cfg->name, shown(was, a),
	    shown(now, b), by);
}

/* False: it stays in maintenance, as people want it. */
static bool
come_back(struct srv *srv, struct span name)
{
	struct chk_before b = chk_look(srv);
	uint32_t admin = atomic_fetch_and(&srv->shm->admin,
	    ~(uint32_t)SRV_RMAINT) & ~(uint32_t)SRV_RMAINT;

	if ((admin & SRV_MAINT) != 0)
		return (false);
	atomic_store(&srv->shm->state, SRV_RUNNING);
	srv->shm->chk_health = (int16_t)chk_rise(srv);
	srv_slow_start(srv);
	chk_slow(srv);
	(void)chk_act(srv, &b);
	log_event(srv->be->px, LOG_L_NOTICE, "%s %s/%s ('%.*s') is UP/READY "
	    "(resolves again).", chk_kind_text(srv), srv->be->px->name,
	    srv->cfg->name, SPAN_FMT(name));
	chk_pause(srv, false);
	return (true);
}

unsigned
chk_resolved(struct srv *srv, const struct addr *ip, const char *by,
    struct span name)
{
	struct addr was, now = *ip;
	unsigned came = 0;

	srv_addr(srv, NULL, &was);
	now.port = ip->port != 0 ? ip->port : was.port;
	if (!addr_eq(&was, &now)) {
		srv_addr_set(srv, &now);
		chk_tell(srv, WHY_OK);
		log_move(srv, &was, &now, by);
		came |= CHK_MOVED;
	}
	if ((atomic_load(&srv->shm->admin) & SRV_RMAINT) != 0 &&
	    come_back(srv, name))
		came |= CHK_CAME_BACK;
	return (came);
}

void
chk_unresolved(struct srv *srv, const char *why)
{
	struct chk_before b = chk_look(srv);
	struct addr now;
	char what[CHK_LINE];
	uint32_t n;

	if ((atomic_load(&srv->shm->admin) & SRV_RMAINT) != 0)
		return;
	srv_addr(srv, NULL, &now);
	srv_addr_set(srv, &(struct addr){ .family = ADDR_NONE,
	    .port = now.port });
	atomic_fetch_or(&srv->shm->admin, SRV_RMAINT);
	atomic_store(&srv->shm->state, SRV_STOPPED);
	chk_pause(srv, true);
	if (chk_has(srv))
		srv->shm->chk_health = 0;
	n = chk_act(srv, &b);
	snprintf(what, sizeof what, "is going DOWN for maintenance (%s)", why);
	chk_log_down(srv, b.usable ? LOG_L_ALERT : LOG_L_NOTICE, what, n);
	chk_log_backend(srv, &b);
	chk_leave_server(srv, &b);
}
