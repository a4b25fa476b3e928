/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_fe - use of frontends and of the whole process group.
 */
#include "srv_int.h"

uint32_t fe_conn_limit;
uint32_t fe_conn_here;

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
enter(_Atomic uint64_t *word, uint32_t limit, uint32_t own)
{
	uint32_t now;

	return (srv_count_up(word, own, limit == 0 ? UINT32_MAX : limit,
	    &now));
}

bool
fe_enter(struct fe *fe)
{
	if (!enter(&srv_glob->conns_word, fe_conn_limit, OWN_CONNS))
		return (false);
	if (!enter(&fe->shm->conn_word, fe->px->maxconn, fe->shm->own)) {
		srv_count_down(&srv_glob->conns_word, OWN_CONNS);
		return (false);
	}
	atomic_fetch_add(&fe->shm->trying, 1);
	fe->n_conn++;
	fe_conn_here++;
	return (true);
}

/* Places that others took on trial and may give back are no peak. */
static void
note_peaks(struct fe *fe, uint32_t trying)
{
	uint32_t n = atomic_load(&fe->shm->conn);
	uint32_t all = atomic_load(&srv_glob->conns);

	raise_max(&fe->shm->conn_max, n > trying ? n - trying : 1);
	raise_max(&srv_glob->conns_max, all > trying ? all - trying : 1);
}

void
fe_entered(struct fe *fe)
{
	note_peaks(fe, atomic_fetch_sub(&fe->shm->trying, 1) - 1);
}

static bool
has_room(uint32_t n, uint32_t limit, uint32_t takers)
{
	return (limit == 0 || (n < limit && limit - n > takers));
}

bool
fe_has_room(const struct fe *fe, uint32_t takers)
{
	return (has_room(atomic_load(&srv_glob->conns), fe_conn_limit,
	    takers) && has_room(atomic_load(&fe->shm->conn),
	    fe->px->maxconn, takers));
}

void
fe_came(struct fe *fe)
{
	fe_adopt(fe);
	note_peaks(fe, atomic_load(&fe->shm->trying));
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
	fe_conn_here--;
	srv_count_down(&fe->shm->conn_word, fe->shm->own);
	srv_count_down(&srv_glob->conns_word, OWN_CONNS);
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
	(void)enter(&srv_glob->conns_word, 0, OWN_CONNS);
	(void)enter(&fe->shm->conn_word, 0, fe->shm->own);
	fe->n_conn++;
	fe_conn_here++;
}
