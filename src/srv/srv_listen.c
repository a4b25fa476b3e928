/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_listen - connections by the socket that they came in at: dst_conn.
 *
 * Source: configuration manual 7.3.3.
 */
#include "srv_int.h"

#include <base/must.h>
#include <expr/expr.h>

struct srv_listen_shm {                 /* SHM_GLOBAL */
	SRV_COUNT(conn);
	uint32_t own;
	uint8_t spare[4];
};

struct srv_listen_shm **srv_listens;
static bool wanted;

static bool
setup_px(const struct px *px)
{
	char text[SRV_SLOT_NAME];
	void *at;

	for (const struct px_listen *l = px->listens; l != NULL; l = l->next) {
		if (shm_slot(the_shm, srv_slot_name(text, "lc", px->name,
		    l->text), SHM_GLOBAL, sizeof(struct srv_listen_shm), &at,
		    NULL) == SHM_FAILED)
			return (false);
		srv_listens[l->id] = at;
		if (srv_listens[l->id]->own == 0)
			srv_listens[l->id]->own =
			    srv_own_new(&srv_listens[l->id]->conn_word);
	}
	return (true);
}

bool
srv_listen_setup(void)
{
	if (!wanted)
		return (true);
	srv_listens = must_alloc((px_model->n_listens + 1) *
	    sizeof *srv_listens);
	PX_EACH(px, px_model)
		if (!px->disabled && !setup_px(px))
			return (false);
	return (true);
}

void
srv_listen_count(const struct px_listen *l, bool enter)
{
	struct srv_listen_shm *shm = srv_listens[l->id];
	uint32_t now;

	if (enter)
		(void)srv_count_up(&shm->conn_word, shm->own, UINT32_MAX,
		    &now);
	else
		srv_count_down(&shm->conn_word, shm->own);
}

/* Rules about a connection run before it is counted. */
static bool
fetch_dst_conn(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	if (t->listen == NULL || srv_listens == NULL)
		return (false);
	s->num = (int64_t)atomic_load(&srv_listens[t->listen->id]->conn) +
	    (t->stage == TXN_CONN);
	return (true);
}

/* Only who asks makes them count. */
static bool
count_them(struct arg *arg, const char **err)
{
	(void)arg;
	(void)err;
	wanted = true;
	return (true);
}

FETCH(dst_conn) = {
	.name = "dst_conn", .args = "", .out = SMP_INT,
	.stages = SMP_ANYWHERE & ~SMP_AT(CHECK), .run = fetch_dst_conn,
	.check = count_them, .fresh = true,
	.doc = "How many connections there are on the address that the client "
	    "connected to, of one 'bind' line, with this one, of all workers.",
	.example = "acl full dst_conn ge 1000",
};
