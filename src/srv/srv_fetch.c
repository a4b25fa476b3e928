/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_fetch - samples of how busy backends, servers and frontends are.
 *
 * Source: configuration manual 7.3.2.
 */
#include "srv_int.h"

#include <base/clock.h>
#include <expr/expr.h>
#include <srv/state.h>

/* ---- backends ---- */

static uint32_t
load(const _Atomic uint32_t *v)
{
	return (atomic_load_explicit(v, memory_order_relaxed));
}

/* Those of which one would be chosen: backups when there is nothing else. */
static bool
in_use(const struct be *be, const struct srv *srv)
{
	bool backups = be_active(be) == 0;

	return (srv_usable(srv) && srv->cfg->backup == backups);
}

static int64_t
avg_queue(const struct be *be)
{
	uint32_t n = load(&be->shm->queued_all), up = be_usable_count(be);

	return (up == 0 ? 2 * (int64_t)n : (n + up - 1) / up);
}

static int64_t
free_slots(const struct be *be)
{
	int64_t n = 0;

	for (uint32_t i = 0; i < be->n; i++) {
		const struct srv *srv = be->srv[i];
		uint32_t max = srv_max(srv), now = load(&srv->shm->inflight);

		if (!in_use(be, srv))
			continue;
		if (srv_maxconn(srv) == 0)     /* no limit */
			return (-1);
		if (max > now)
			n += max - now;
	}
	return (n);
}

/* With the places in queues. */
static int64_t
conn_slots(const struct be *be)
{
	int64_t n = 0;

	for (uint32_t i = 0; i < be->n; i++) {
		const struct srv *srv = be->srv[i];

		if (!in_use(be, srv))
			continue;
		if (srv_maxconn(srv) == 0 || srv->cfg->maxqueue == 0)
			return (-1);
		n += (int64_t)srv_maxconn(srv) - load(&srv->shm->inflight) +
		    srv->cfg->maxqueue - load(&srv->shm->queued);
	}
	return (n);
}

#define ANY (SMP_ANYWHERE | SMP_AT(CLI))

#define OF_BE(ident, word, value, doc_)                                      \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	const struct be *be = be_of(arg[0].ptr);                             \
                                                                             \
	(void)t;                                                             \
	if (be == NULL)                                                      \
		return (false);                                              \
	s->num = (int64_t)(value);                                           \
	return (true);                                                       \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = word, .args = "be backend=.", .out = SMP_INT, .stages = ANY, \
	.run = fetch_##ident, .fresh = true,                                 \
	.doc = doc_ " of a backend, by default the one whose line it is.",   \
	.example = "acl busy " word "(app) gt 100",                          \
}
OF_BE(nbsrv, "nbsrv", be_usable_count(be), "How many servers can be used");
OF_BE(be_conn, "be_conn", be_inflight(be), "The streams");
OF_BE(be_conn_free, "be_conn_free", free_slots(be),
    "How many more streams its servers take, -1 without a limit,");
OF_BE(connslots, "connslots", conn_slots(be),
    "How many more streams its servers and their queues take, -1 without a "
    "limit,");
OF_BE(queue, "queue", load(&be->shm->queued_all), "The streams in queues");
OF_BE(avg_queue, "avg_queue", avg_queue(be),
    "The streams in queues for each server that can be used");
OF_BE(be_sess_rate, "be_sess_rate", srv_rate_now(&be->shm->rate,
    clock_wall_us()), "New streams in a second");

/* ---- servers ---- */

static int64_t
srv_free(const struct srv *srv)
{
	uint32_t max = srv_max(srv), now = load(&srv->shm->inflight);

	if (srv_maxconn(srv) == 0)
		return (-1);
	return (max > now ? (int64_t)max - now : 0);
}

#define OF_SRV(ident, word, type, value, doc_)                               \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	const struct srv *srv = arg[0].ptr == NULL ? NULL :                  \
	    srv_of(arg[0].ptr);                                              \
                                                                             \
	(void)t;                                                             \
	if (srv == NULL)                                                     \
		return (false);                                              \
	s->num = (int64_t)(value);                                           \
	return (true);                                                       \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = word, .args = "srv server", .out = type, .stages = ANY,      \
	.run = fetch_##ident, .fresh = true, .doc = doc_,                    \
	.example = "http-request set-header X-S %[" word "(app/s)]",        \
}
OF_SRV(srv_conn, "srv_conn", SMP_INT, load(&srv->shm->inflight),
    "The streams of a server, 'backend/server' or one of this backend.");
OF_SRV(srv_conn_free, "srv_conn_free", SMP_INT, srv_free(srv),
    "How many more streams a server takes; -1 without a limit.");
OF_SRV(srv_is_up, "srv_is_up", SMP_BOOL, srv_is_up(srv),
    "True when a server is up and not in maintenance.");
OF_SRV(srv_queue, "srv_queue", SMP_INT, load(&srv->shm->queued),
    "The streams in a server's queue.");
OF_SRV(srv_sess_rate, "srv_sess_rate", SMP_INT, srv_rate_now(&srv->shm->rate,
    clock_wall_us()), "New streams of a server in a second.");
OF_SRV(srv_weight, "srv_weight", SMP_INT, srv_weight(srv),
    "The weight of a server now, in slow start less than it will be.");
OF_SRV(srv_uweight, "srv_uweight", SMP_INT, load(&srv->shm->uweight),
    "The weight of a server as people set it.");
OF_SRV(srv_iweight, "srv_iweight", SMP_INT, srv->cfg->weight,
    "The weight of a server in the configuration.");

/* ---- frontends and the process ---- */

#define OF_FE(ident, word, value, doc_)                                      \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	const struct fe *fe = fe_of(arg[0].ptr);                             \
                                                                             \
	(void)t;                                                             \
	if (fe == NULL)                                                      \
		return (false);                                              \
	s->num = (int64_t)(value);                                           \
	return (true);                                                       \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = word, .args = "fe frontend=.", .out = SMP_INT,               \
	.stages = ANY, .run = fetch_##ident, .fresh = true,                  \
	.doc = doc_ " of a frontend, by default the one whose line it is.",  \
	.example = "acl busy " word "(door) gt 100",                         \
}
OF_FE(fe_conn, "fe_conn", load(&fe->shm->conn), "The open connections");
OF_FE(fe_sess_rate, "fe_sess_rate", srv_rate_now(&fe->shm->sess_rate,
    clock_wall_us()), "New connections in a second");
OF_FE(fe_req_rate, "fe_req_rate", srv_rate_now(&fe->shm->req_rate,
    clock_wall_us()), "Requests in a second");

static bool
fetch_act_conn(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = fe_conn_total();
	return (true);
}

FETCH(act_conn) = {
	.name = "act_conn", .args = "", .out = SMP_INT, .stages = SMP_ALWAYS,
	.run = fetch_act_conn, .fresh = true,
	.doc = "The open connections of all frontends.",
	.example = "http-request deny if { act_conn gt 10000 }",
};

static bool
fetch_be_place(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->q_be;
	return (true);
}

static bool
fetch_srv_place(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->q_srv;
	return (true);
}

#define PLACE(ident, word, fn, of)                                           \
FETCH(ident) = {                                                             \
	.name = word, .args = "", .out = SMP_INT,                            \
	.stages = SMP_FROM_RES | SMP_AT(CHECK), .run = fn,                   \
	.doc = "The place that this stream had in the queue of its " of ".", \
	.example = "http-response set-header X-Q %[" word "]",               \
}
PLACE(bc_be_queue, "bc_be_queue", fetch_be_place, "backend");
PLACE(bc_srv_queue, "bc_srv_queue", fetch_srv_place, "server");
