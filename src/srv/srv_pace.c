/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_pace - how many connections and sessions may come per second: of a
 * frontend, of the whole program. Who comes too early waits in the kernel's
 * queue.
 *
 * Counted are those that were accepted, by all workers together; only where
 * there is a limit.
 *
 * Source: configuration manual 3.2 "maxconnrate", "maxsessrate", 4.2
 * "rate-limit sessions".
 */
#include "srv_int.h"

#include <conf/conf.h>
#include <conf/kw.h>
#include <os/loop.h>

struct fe_pace_shm {                    /* SHM_GLOBAL */
	struct srv_rate conn, sess;
};

struct pace_cfg {                       /* slot of a proxy */
	uint32_t sess;
};
static PX_SLOT(PX_OBJ_PROXY, struct pace_cfg, fe_pace_slot, NULL);

uint32_t fe_conn_rate_limit, fe_sess_rate_limit;

static struct fe_pace_shm *all;

static bool
open_slot(struct span name, struct fe_pace_shm **out)
{
	void *at;

	if (shm_slot(the_shm, name, SHM_GLOBAL, sizeof **out, &at, NULL) ==
	    SHM_FAILED)
		return (false);
	*out = at;
	return (true);
}

bool
srv_pace_setup(void)
{
	return (open_slot(SPAN("pace"), &all));
}

bool
srv_pace_setup_fe(struct fe *fe)
{
	const struct pace_cfg *c = px_get(&fe->px->slots, &fe_pace_slot);
	char text[SRV_SLOT_NAME];

	fe->sess_rate_limit = c->sess;
	if (c->sess == 0)
		return (true);
	return (open_slot(srv_slot_name(text, "pace", fe->px->name, NULL),
	    &fe->pace));
}

/* Milliseconds until one more is within the limit: the rate is that of a
 * window of a second, which slides. */
static int64_t
wait_for(const struct srv_rate *r, uint32_t limit)
{
	int64_t ms;

	if (limit == 0 || srv_rate_now(r, the_loop->wall_us) < limit)
		return (0);
	ms = 1000 / limit;
	return (ms < 1 ? 1 : ms > 100 ? 100 : ms);
}

int64_t
fe_pace_wait_ms(const struct fe *fe)
{
	int64_t ms = wait_for(&all->conn, fe_conn_rate_limit);

	if (ms == 0)
		ms = wait_for(&all->sess, fe_sess_rate_limit);
	if (ms == 0 && fe->pace != NULL)
		ms = wait_for(&fe->pace->sess, fe->sess_rate_limit);
	return (ms);
}

void
fe_pace_conn(void)
{
	if (fe_conn_rate_limit != 0)
		srv_rate_add(&all->conn, the_loop->wall_us);
}

void
fe_pace_sess(struct fe *fe)
{
	if (fe_sess_rate_limit != 0)
		srv_rate_add(&all->sess, the_loop->wall_us);
	if (fe->pace != NULL)
		srv_rate_add(&fe->pace->sess, the_loop->wall_us);
}

/* ---- keywords ---- */

static bool
parse_limit(struct conf_line *l, uint32_t *out)
{
	int64_t n;

	if (!conf_want_int(l, "a number per second", 0, INT32_MAX, &n))
		return (false);
	*out = (uint32_t)n;
	return (conf_end(l));
}

static bool
parse_conn_rate(struct conf_line *l, void *obj)
{
	(void)obj;
	return (parse_limit(l, &fe_conn_rate_limit));
}

static bool
parse_sess_rate(struct conf_line *l, void *obj)
{
	(void)obj;
	return (parse_limit(l, &fe_sess_rate_limit));
}

static bool
parse_fe_rate(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct pace_cfg *c = px_edit(&px->slots, &fe_pace_slot);

	return (parse_limit(l, &c->sess));
}

KEYWORD(maxconnrate) = {
	.name = "maxconnrate", .in = KW_GLOBAL, .args = "<number>",
	.parse = parse_conn_rate,
	.doc = "How many connections of clients are accepted per second, by all "
	    "frontends and workers together; others wait in the system's "
	    "queue. 0: no limit.",
	.example = "maxconnrate 5000",
};
KEYWORD(maxsessrate) = {
	.name = "maxsessrate", .in = KW_GLOBAL, .args = "<number>",
	.parse = parse_sess_rate,
	.doc = "The same for sessions, which are connections that `tcp-request "
	    "connection` rules let in.",
	.example = "maxsessrate 1000",
};
KEYWORD(rate_limit_sessions) = {
	.name = "rate-limit sessions", .in = KW_DEFAULTS | KW_FRONTEND,
	.args = "<number>", .parse = parse_fe_rate,
	.doc = "How many sessions per second this frontend accepts; others wait "
	    "in the system's queue. 0: no limit.",
	.example = "rate-limit sessions 100",
};
