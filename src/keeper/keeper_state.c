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
#include <chk/chk.h>
#include <cnt/cnt.h>
#include <dns/dns.h>
#include <ipc/say.h>
#include <os/fault.h>
#include <px/px.h>
#include <shm/reap.h>
#include <srv/srv.h>
#include <stat/file.h>
#include <stk/stk.h>
#include <tls/tls.h>

#include "keeper_int.h"

#define WATCH_MS 1000           /* until the dead of others are looked for */

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

/* Those of earlier generations may be another master's, and die with it: then
 * nobody waits for them. */
static void
on_watch(struct tmr *t)
{
	shm_keeper_lock(the_shm);
	clear_up();
	shm_keeper_unlock(the_shm);
	if (shm_proc_any(the_shm, the_keeper.gen))
		tmr_arm(&the_keeper.loop.wheel, t,
		    the_keeper.loop.now_ms + WATCH_MS);
}

void
keeper_state_watch(struct keeper *k)
{
	static struct tmr timer;

	tmr_init(&timer, on_watch);
	tmr_arm(&k->loop.wheel, &timer, k->loop.now_ms + WATCH_MS);
}

static bool
place_all(struct keeper *k, uint32_t oldest_gen, const char **err)
{
	shm_begin(the_shm, k->gen);
	if (!cnt_place_process()) {
		ipc_say(DIAG_ALERT, "no room for the counters of the "
		    "process");
		return (false);
	}
	if (!place_proxies())
		return (false);
	if (!srv_setup(err) || !chk_setup(err) || !stk_setup(err) ||
	    !tls_setup(err) || !dns_setup(err)) {
		ipc_say(DIAG_ALERT, "%s", *err);
		return (false);
	}
	clear_up();
	stat_file_load();
	/* Those of another master that we take over from count as well. */
	(void)shm_sweep(the_shm, shm_proc_oldest(the_shm, oldest_gen));
	return (true);
}

/* Both or neither: places in the ledger are written in the segment. */
static bool
attach(int state_fd, int ledger_fd, const char **err)
{
	if (fault_at("keeper.segment")) {
		*err = "another layout was pretended";
		return (false);
	}
	if ((the_shm = shm_attach(state_fd, err)) == NULL)
		return (false);
	if (cnt_attach(ledger_fd))
		return (true);
	*err = errno == EPROTO ? "the counters have another layout" :
	    strerror(errno);
	shm_detach(the_shm);
	return (false);
}

/* Those of another release, which can't be used. The master gets these when
 * they serve. */
static bool
begin_afresh(struct keeper *k, const char *why)
{
	int fds[2] = { shm_create("ecluse-state"), cnt_create() };

	ipc_say(DIAG_WARNING, "%s: counters, server states and all else that "
	    "is kept over a reload start afresh", why);
	if (fds[0] < 0 || fds[1] < 0 || !attach(fds[0], fds[1], &why)) {
		ipc_say(DIAG_ALERT, "can't make shared memory: %s",
		    strerror(errno));
		return (false);
	}
	if (k->has_master && k->master_level >= 2)
		(void)ipc_send(&k->master, IPC_STATE, NULL, 0, fds, 2);
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
	if (!attach(state_fd, ledger_fd, &err) && !begin_afresh(k, err))
		return (false);
	shm_keeper_lock(the_shm);
	good = place_all(k, oldest_gen, &err);
	shm_keeper_unlock(the_shm);
	if (shm_lost() > 0)
		ipc_say(DIAG_WARNING, "the state of %zu servers and proxies "
		    "is of another release and can't be converted: it starts "
		    "afresh", shm_lost());
	return (good);
}
