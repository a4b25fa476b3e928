/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_name - what the look-up of its name means for a server: it moves, is in
 * maintenance while there is no address, and comes back.
 */
#include "chk_int.h"

#include <stdio.h>
#include <string.h>

#include <srv/state.h>

void (*chk_timed_out)(struct srv *);

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

unsigned
chk_resolved(struct srv *srv, const struct addr *ip, const char *by,
    struct span name)
{
	struct addr was, now = *ip;
	char shown_name[CHK_LINE];
	unsigned came = 0;

	srv_addr(srv, NULL, &was);
	now.port = ip->port != 0 ? ip->port : was.port;
	if (!addr_eq(&was, &now)) {
		srv_addr_set(srv, &now);
		chk_tell(srv, WHY_OK);
		log_move(srv, &was, &now, by);
		came |= CHK_MOVED;
	}
	if ((atomic_load(&srv->shm->admin) & SRV_RMAINT) != 0) {
		snprintf(shown_name, sizeof shown_name, "('%.*s') ",
		    SPAN_FMT(name));
		chk_leave_maint(srv, SRV_RMAINT, shown_name);
		if ((atomic_load(&srv->shm->admin) & SRV_MAINT) == 0)
			came |= CHK_CAME_BACK;
	}
	return (came);
}

void
chk_unresolved(struct srv *srv, const char *why)
{
	char via[CHK_LINE];
	struct addr now;

	if ((atomic_load(&srv->shm->admin) & SRV_RMAINT) != 0)
		return;
	srv_addr(srv, NULL, &now);
	srv_addr_set(srv, &(struct addr){ .family = ADDR_NONE,
	    .port = now.port });
	snprintf(via, sizeof via, " (%s)", why);
	chk_enter_maint(srv, SRV_RMAINT, via);
}
