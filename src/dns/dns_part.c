/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_part - servers that are looked up, and look-ups as a part of the agent:
 * they begin when this generation opens, and end when the next one takes
 * over; rules of old workers are still answered then.
 */
#include "dns_int.h"

#include <stdlib.h>
#include <string.h>

#include <agent/agent.h>
#include <base/must.h>
#include <px/live.h>
#include <base/text.h>
#include <chk/chk.h>
#include <log/log.h>
#include <srv/state.h>

static struct dns_srv **by_rt;          /* by px_server.rt; NULL: none at all */
static struct dns_srv *all;
static unsigned n_all;

static const struct dns_srv_cfg *
cfg_of(const struct px_server *sv)
{
	return (px_get(&sv->slots, &dns_srv_slot));
}

static struct dns_srv *
find(const struct srv *srv)
{
	return (by_rt == NULL ? NULL : by_rt[srv->cfg->rt]);
}

/* ---- what is shared ---- */

/* The first release gave the same structs another number (layout.def). */
static void *
slot_of(struct span name, enum shm_layout layout, size_t size)
{
	const void *old;
	void *at;

	if (shm_slot(the_shm, name, layout, size, &at, &old) == SHM_FRESH &&
	    old != NULL)
		memcpy(at, old, size);
	return (at);
}

static bool
setup_sect(const struct dns_sect *s)
{
	char name[SRV_SLOT_NAME];

	for (struct dns_ns *ns = s->ns; ns != NULL; ns = ns->next) {
		ns->shm = slot_of(srv_slot_name(name, "dns-ns", s->name,
		    ns->name), SHM_DNS_NS, sizeof *ns->shm);
		if (ns->shm == NULL)
			return (false);
	}
	return (true);
}

static bool
setup_server(struct dns_srv *u, const struct px_server *sv)
{
	char name[SRV_SLOT_NAME];
	struct dns_srv_shm *at = slot_of(srv_slot_name(name, "dns-srv",
	    sv->px->name, sv->name), SHM_DNS_SRV, sizeof *at);

	if (at == NULL)
		return (false);
	*u = (struct dns_srv){ .srv = srv_of(sv), .cfg = cfg_of(sv),
	    .shm = at };
	list_init(&u->node);
	by_rt[sv->rt] = u;
	return (true);
}

bool
dns_setup(const char **err)
{
	unsigned n = 0;

	*err = "no room left in shared memory for names of servers";
	DNS_EACH_SECT(s)
		if (!setup_sect(s))
			return (false);
	if (!px_said(&dns_srv_slot))
		return (true);
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			n += cfg_of(sv)->sect != NULL;
	if (n == 0)
		return (true);
	all = must_alloc(n * sizeof *all);
	by_rt = must_alloc(px_rt_room() * sizeof(struct dns_srv *));
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			if (cfg_of(sv)->sect != NULL &&
			    !setup_server(&all[n_all++], sv))
				return (false);
	return (true);
}

/* ---- for the runtime API ---- */

struct span
dns_fqdn(const struct srv *srv)
{
	const struct dns_srv *u = find(srv);

	if (u != NULL && u->shm->fqdn[0] != '\0')
		return (span_str(u->shm->fqdn));
	if (u != NULL || srv->cfg->named == NULL)
		return (SPAN("-"));
	return (srv->cfg->named->host);
}

struct span
dns_srvrecord(const struct srv *srv)
{
	return (find(srv) != NULL && px_server_has_label(srv->cfg) ?
	    srv->cfg->named->host : SPAN("-"));
}

#ifdef USE_CARES

void
dns_srv_rename(struct dns_srv *u, const char *host, const char *by)
{
	struct srv *srv = u->srv;

	if (strcmp(u->shm->fqdn, host) == 0)
		return;
	if (by != NULL)
		log_event(srv->be->px, LOG_L_NOTICE, "%s/%s changed its FQDN "
		    "from %s to %s by '%s'", srv->be->px->name,
		    srv->cfg->name, u->shm->fqdn[0] == '\0' ? "(null)" :
		    u->shm->fqdn, host, by);
	span_copy(u->shm->fqdn, sizeof u->shm->fqdn, span_str(host));
	atomic_fetch_or(&srv->shm->admin, SRV_HMAINT);
}

static void
lower(char dst[DNS_HOST], struct span host)
{
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	span_copy(dst, DNS_HOST, host);
	for (char *c = dst; *c != '\0'; c++)
		*c = span_lower(*c);
}

bool
dns_set_fqdn(struct srv *srv, struct span host, struct text *said)
{
	struct dns_srv *u = find(srv);
	char name[DNS_HOST];

	if (u == NULL || u->label != NULL) {
		text_addz(said, u != NULL ? "set server <b>/<s> fqdn failed "
		    "because SRV resolution is configured." :
		    "set server <b>/<s> fqdn failed because no resolution is "
		    "configured.");
		return (false);
	}
	if (!dns_host_fits(host)) {
		text_printf(said, "set server <b>/<s> fqdn requires a FQDN, "
		    "'%.*s' is none.", SPAN_FMT(host));
		return (false);
	}
	lower(name, host);
	if (strcmp(name, u->shm->fqdn) == 0) {
		text_addz(said, "no need to change the FDQN by 'stats socket "
		    "command'");
		return (true);
	}
	text_printf(said, "%s/%s changed its FQDN from %s to %s by 'stats "
	    "socket command'", srv->be->px->name, srv->cfg->name,
	    u->shm->fqdn, name);
	dns_srv_rename(u, name, "stats socket command");
	dns_name_join(u, name);
	return (true);
}

/* ---- the part ---- */

/* The name that it begins with: the one it had, unless the configuration has
 * another address than then; for a new one that of a state file, if it was
 * changed there, or has come from a record. One with a number has none. */
static void
first_name(struct dns_srv *u)
{
	const struct px_server *sv = u->srv->cfg;
	const struct px_state *st = sv->saved;
	uint64_t host = span_hash(sv->named != NULL ? sv->named->host :
	    span_str(sv->host));
	bool fresh = u->shm->cfg_host == 0;
	char name[DNS_HOST] = "";

	if (u->shm->cfg_host == host)
		return;
	u->shm->cfg_host = host;
	if (sv->named != NULL && !px_server_has_label(sv))
		lower(name, sv->named->host);
	if (fresh && st != NULL && st->admin & SRV_HMAINT &&
	    dns_host_fits(st->fqdn) && (!px_server_has_label(sv) ||
	    span_eq(st->srvrecord, sv->named->host))) {
		lower(name, st->fqdn);
		atomic_fetch_or(&u->srv->shm->admin, SRV_HMAINT);
	}
	span_copy(u->shm->fqdn, sizeof u->shm->fqdn, span_str(name));
}

static void
begin(struct dns_srv *u)
{
	first_name(u);
	if (px_server_has_label(u->srv->cfg) && u->label == NULL)
		dns_label_join(u);
	else if (u->label == NULL && u->shm->fqdn[0] != '\0')
		dns_name_join(u, u->shm->fqdn);
}

static void
timed_out(struct srv *srv)
{
	const struct dns_srv *u = find(srv);

	if (u != NULL && u->name != NULL)
		dns_name_hurry(u->name);
}

/* After the checks, which take up the states that names change. */
static void
gates(bool open)
{
	static bool open_now;

	if (open == open_now)
		return;
	open_now = open;
	for (unsigned i = 0; open && i < n_all; i++)
		begin(&all[i]);
	chk_timed_out = open ? timed_out : NULL;
	dns_label_gates(open);
	dns_name_gates(open);
}

AGENT_PART(dns) = { .name = "dns", .rank = 25, .gates = gates };
#else

bool
dns_set_fqdn(struct srv *srv, struct span host, struct text *said)
{
	(void)srv;
	(void)host;
	text_addz(said, "This program was built without c-ares (USE_CARES): "
	    "no names are resolved.");
	return (false);
}
#endif
