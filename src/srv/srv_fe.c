/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_fe - use of frontends and of the whole process group.
 */
#include "srv_int.h"

uint32_t fe_conn_limit;

uint32_t
fe_conn_total(void)
{
	return (atomic_load(&srv_glob->conns));
}

uint32_t
fe_conn_peak(void)
{
	return (atomic_load(&srv_glob->conns_max));
}

/* Count one in unless `limit` (0: none) is reached. */
static bool
enter(_Atomic uint32_t *n, uint32_t limit, uint32_t own)
{
	uint32_t now = atomic_fetch_add(n, 1) + 1;

	if (limit != 0 && now > limit) {
		atomic_fetch_sub(n, 1);
		return (false);
	}
	own_add(own);
	return (true);
}

static void
leave(_Atomic uint32_t *n, uint32_t own)
{
	own_sub(own);
	atomic_fetch_sub(n, 1);
}

bool
fe_enter(struct fe *fe)
{
	if (!enter(&srv_glob->conns, fe_conn_limit, OWN_CONNS))
		return (false);
	if (!enter(&fe->shm->conn, fe->px->maxconn, fe->shm->own)) {
		leave(&srv_glob->conns, OWN_CONNS);
		return (false);
	}
	atomic_fetch_add(&fe->shm->trying, 1);
	fe->n_conn++;
	return (true);
}

/* Places that others took on trial and may give back are no peak. */
void
fe_entered(struct fe *fe)
{
	uint32_t trying = atomic_fetch_sub(&fe->shm->trying, 1) - 1;
	uint32_t n = atomic_load(&fe->shm->conn);
	uint32_t all = atomic_load(&srv_glob->conns);

	raise_max(&fe->shm->conn_max, n > trying ? n - trying : 1);
	raise_max(&srv_glob->conns_max, all > trying ? all - trying : 1);
}

void
fe_withdraw(struct fe *fe)
{
	fe_leave(fe);
	atomic_fetch_sub(&fe->shm->trying, 1);
}

void
fe_leave(struct fe *fe)
{
	fe->n_conn--;
	leave(&fe->shm->conn, fe->shm->own);
	leave(&srv_glob->conns, OWN_CONNS);
}

void
fe_count_session(struct fe *fe, int64_t wall_us)
{
	srv_rate_add(&fe->shm->conn_rate, wall_us);
	srv_rate_add(&fe->shm->sess_rate, wall_us);
}

void
fe_count_request(struct fe *fe, int64_t wall_us)
{
	srv_rate_add(&fe->shm->req_rate, wall_us);
}

void
fe_adopt(struct fe *fe)
{
	(void)enter(&srv_glob->conns, 0, OWN_CONNS);
	(void)enter(&fe->shm->conn, 0, fe->shm->own);
	fe->n_conn++;
}
