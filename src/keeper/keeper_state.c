/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_state - the state segment and the ledger: map them, clear up after
 * processes nobody cleared up after, give every object its place.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <base/must.h>
#include <base/text.h>
#include <cnt/cnt.h>
#include <ipc/say.h>
#include <px/px.h>
#include <shm/reap.h>
#include <srv/srv.h>

#include "keeper_int.h"

static uint32_t
place(enum cnt_kind kind, const char *prefix, const char *name)
{
	struct text t;
	uint32_t off;

	text_init(&t);
	text_printf(&t, "%s/%s", prefix, name);
	off = cnt_object(kind, text_span(&t));
	text_fini(&t);
	return (off);
}

static bool
place_proxies(void)
{
	bool good = true;

	PX_EACH(px, px_model) {
		if ((px->kind & PX_FE) != 0 && px->cnt_fe == 0)
			px->cnt_fe = place(CNT_KIND_FE, "fe", px->name);
		if ((px->kind & PX_BE) != 0 && px->cnt_be == 0)
			px->cnt_be = place(CNT_KIND_BE, "be", px->name);
		good = good &&
		    ((px->kind & PX_FE) == 0 || px->cnt_fe != 0) &&
		    ((px->kind & PX_BE) == 0 || px->cnt_be != 0);
	}
	if (!good)
		ipc_say(DIAG_ALERT, "no room for the counters of all proxies");
	return (good);
}

/* Processes whose keeper died before them left things behind. */
static void
clear_up(void)
{
	int no;

	while ((no = shm_proc_stale(the_shm)) >= 0) {
		shm_reap(no);
		cnt_bank_fold(no);
		shm_proc_put(the_shm, no);
	}
}

static bool
place_all(struct keeper *k, uint32_t oldest_gen, const char **err)
{
	shm_begin(the_shm, k->gen);
	if (!place_proxies())
		return (false);
	if (!srv_setup(err)) {
		ipc_say(DIAG_ALERT, "%s", *err);
		return (false);
	}
	clear_up();
	/* Those of another master that we take over from count as well. */
	(void)shm_sweep(the_shm, shm_proc_oldest(the_shm, oldest_gen));
	return (true);
}

bool
keeper_state(struct keeper *k, int state_fd, int ledger_fd,
    uint32_t oldest_gen)
{
	const char *err = NULL;
	bool good;

	if (state_fd < 0 || ledger_fd < 0) {
		ipc_say(DIAG_ALERT, "can't make shared memory: %s",
		    strerror(errno));
		return (false);
	}
	if ((the_shm = shm_attach(state_fd, &err)) == NULL) {
		ipc_say(DIAG_ALERT, "%s", err);
		return (false);
	}
	if (!cnt_attach(ledger_fd)) {
		ipc_say(DIAG_ALERT, "can't map the counters: %s",
		    strerror(errno));
		return (false);
	}
	shm_keeper_lock(the_shm);
	good = place_all(k, oldest_gen, &err);
	shm_keeper_unlock(the_shm);
	return (good);
}
