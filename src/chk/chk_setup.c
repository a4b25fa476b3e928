/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_setup - what this room keeps in shared memory about a server, and what
 * is in force: as configured, or as people set it since.
 */
#include "chk_int.h"

#include <stdio.h>
#include <string.h>

#include <base/must.h>
#include <px/live.h>
#include <shm/shm.h>

static struct chk_shm **by_rt;  /* by px_server.rt */

struct chk_shm *
chk_shm_of(const struct srv *srv)
{
	return (by_rt == NULL ? NULL : by_rt[srv->cfg->rt]);
}

static uint64_t
hash_all(const struct chk_srv_cfg *cfg)
{
	char a[2 * ADDR_TEXT + 32], b[ADDR_TEXT], c[ADDR_TEXT];
	int n;

	addr_print(&cfg->addr, b);
	addr_print(&cfg->agent_addr, c);
	n = snprintf(a, sizeof a, "%s:%u %s:%u", cfg->has_addr ? b : "-",
	    cfg->port, cfg->has_agent_addr ? c : "-", cfg->agent_port);
	return (span_hash(span_of(a, (size_t)n)) ^
	    span_hash(cfg->agent_send));
}

static uint32_t
hash_addr(bool has, const struct addr *a)
{
	char text[ADDR_TEXT];

	if (!has)
		return (1);
	addr_print(a, text);
	return ((uint32_t)span_hash(span_str(text)) | 1);
}

/* What the configuration says of one of them, never 0. */
static uint32_t
hash_of(const struct chk_srv_cfg *cfg, enum chk_place place)
{
	switch (place) {
	case CHK_AT:
		return (hash_addr(cfg->has_addr, &cfg->addr));
	case CHK_PORT:
		return (cfg->port + 1u);
	case CHK_AGENT_AT:
		return (hash_addr(cfg->has_agent_addr, &cfg->agent_addr));
	case CHK_AGENT_PORT:
		return (cfg->agent_port + 1u);
	default:
		return ((uint32_t)span_hash(cfg->agent_send) | 1);
	}
}

static void
forget_order(struct chk_shm *m, enum chk_place place)
{
	switch (place) {
	case CHK_AT:
		m->addr = (struct addr){ .family = ADDR_NONE };
		break;
	case CHK_PORT:
		m->port = 0;
		break;
	case CHK_AGENT_AT:
		m->agent_addr = (struct addr){ .family = ADDR_NONE };
		break;
	case CHK_AGENT_PORT:
		m->agent_port = 0;
		break;
	default:
		m->agent_sends = 0;
		break;
	}
}

/* Where a state file says that people sent checks. */
static void
apply_saved(struct chk_shm *m, const struct chk_srv_cfg *cfg,
    const struct px_state *st)
{
	m->addr = st->chk_addr;
	m->agent_addr = st->agent_addr;
	m->port = st->chk_port;
	m->agent_port = st->agent_port;
	m->cfg = hash_all(cfg);
}

static enum shm_found
place(const struct srv *srv, void **at)
{
	char name[SRV_SLOT_NAME];

	return (shm_slot(the_shm, srv_slot_name(name, "chk",
	    srv->be->px->name, srv->cfg->name), SHM_CHK,
	    sizeof(struct chk_shm), at, NULL));
}

static bool
setup_server(const struct srv *srv)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(srv);
	enum shm_found found;
	void *at;

	if (!cfg->check && !cfg->agent)
		return (true);
	if ((found = place(srv, &at)) == SHM_FAILED)
		return (false);
	by_rt[srv->cfg->rt] = at;
	if (found == SHM_FRESH && srv->cfg->saved != NULL)
		apply_saved(at, cfg, srv->cfg->saved);
	return (true);
}

bool
chk_setup(const char **err)
{
	*err = "no room left in shared memory for what checks say";
	by_rt = must_alloc(px_rt_room() * sizeof *by_rt);
	chk_observe_setup();
	if (!px_said(&chk_srv_slot))
		return (true);
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			if (px->kind & PX_BE && !setup_server(srv_of(sv)))
				return (false);
	return (true);
}

/* Of a server that comes while the process runs: nothing of one of its name is
 * kept. */
bool
chk_setup_live(const struct srv *srv, void **at)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(srv);

	if (!cfg->check && !cfg->agent)
		return (true);
	if (place(srv, at) == SHM_FAILED)
		return (false);
	memset(*at, 0, sizeof(struct chk_shm));
	return (true);
}

void
chk_setup_came(const struct srv *srv, struct chk_shm *at)
{
	by_rt[srv->cfg->rt] = at;
}

void
chk_setup_apply(const struct srv *srv)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(srv);
	struct chk_shm *m = chk_shm_of(srv);
	uint64_t all;

	if (m == NULL)
		return;
	all = hash_all(cfg);
	for (int i = 0; i < CHK_PLACES; i++) {
		enum chk_place place = (enum chk_place)i;
		uint32_t now = hash_of(cfg, place);

		if (m->said[i] != 0 ? m->said[i] != now : m->cfg != all)
			forget_order(m, place);
		m->said[i] = now;
	}
	m->cfg = all;
}

/* ---- where checks go ---- */

unsigned
chk_port(const struct srv *srv)
{
	const struct chk_shm *m = chk_shm_of(srv);

	return (m != NULL && m->port != 0 ? m->port : chk_cfg_of(srv)->port);
}

const struct addr *
chk_addr(const struct srv *srv)
{
	const struct chk_srv_cfg *c = chk_cfg_of(srv);
	const struct chk_shm *m = chk_shm_of(srv);

	if (m != NULL && m->addr.family != ADDR_NONE)
		return (&m->addr);
	return (c->has_addr ? &c->addr : NULL);
}

unsigned
chk_agent_port(const struct srv *srv)
{
	const struct chk_shm *m = chk_shm_of(srv);

	return (m != NULL && m->agent_port != 0 ? m->agent_port :
	    chk_cfg_of(srv)->agent_port);
}

const struct addr *
chk_agent_addr(const struct srv *srv)
{
	const struct chk_srv_cfg *c = chk_cfg_of(srv);
	const struct chk_shm *m = chk_shm_of(srv);

	if (m != NULL && m->agent_addr.family != ADDR_NONE)
		return (&m->agent_addr);
	return (c->has_agent_addr ? &c->agent_addr : NULL);
}
