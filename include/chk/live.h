/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CHK_LIVE_H
#define CHK_LIVE_H
/*
 * live - "add server" and "del server": the agent's side, which asks the keeper
 * and then tells the workers.
 */
#include <base/span.h>
#include <srv/srv.h>

/* chk_live_done_fn - it is done in all processes, or `why` says why it can't be
 * done. */
typedef void chk_live_done_fn(const char *why, void *arg);

/*
 * chk_live_add - a server of `px` with that name, from the words of its line
 * behind it. chk_live_del - this one goes. One after the other; `done` is called
 * from the loop.
 *
 * Returns a number for chk_live_drop(): nobody waits for it any more.
 */
uint32_t chk_live_add(const struct px *, struct span name,
    const struct span *word, int n, chk_live_done_fn *done, void *arg);
uint32_t chk_live_del(const struct srv *, chk_live_done_fn *done, void *arg);
void chk_live_drop(uint32_t no);

/* chk_live_busy - what keeps it from being deleted now, or NULL. */
const char *chk_live_busy(const struct srv *);
#endif
