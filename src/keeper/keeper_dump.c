/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_dump - what SIGHUP and SIGQUIT print.
 */
#include <signal.h>
#include <unistd.h>

#include <base/pool.h>
#include <base/text.h>
#include <cnt/cnt.h>
#include <ipc/say.h>
#include <log/log.h>
#include <px/px.h>
#include <srv/srv.h>

#include "keeper_int.h"

static void
dump_server(const struct px_server *sv)
{
	const struct srv *s = srv_of(sv);
	struct cnt_srv c;

	cnt_sum(s->cnt, (uint64_t *)&c, sizeof c / sizeof(uint64_t));
	ipc_say(DIAG_WARNING, "SIGHUP: server %s/%s is %s, %llu streams so far",
	    sv->px->name, sv->name, srv_is_up(s) ? "UP" : "DOWN",
	    (unsigned long long)c.sess_tot);
}

static void
dump_proxy(const struct px *px)
{
	struct cnt_fe fe = { 0 };
	struct cnt_be be = { 0 };

	if ((px->kind & PX_FE) != 0)
		cnt_sum(px->cnt_fe, (uint64_t *)&fe, sizeof fe / 8);
	if ((px->kind & PX_BE) != 0)
		cnt_sum(px->cnt_be, (uint64_t *)&be, sizeof be / 8);
	ipc_say(DIAG_WARNING, "SIGHUP: %s %s, %u servers, connections "
	    "FE+BE: %llu+%llu", px->section, px->name, px->n_servers,
	    (unsigned long long)fe.conn_tot, (unsigned long long)be.sess_tot);
	PX_EACH_SERVER(sv, px)
		dump_server(sv);
}

static void
dump_pools(void)
{
	struct text t;

	text_init(&t);
	text_printf(&t, "Pools of process %d:\n", (int)getpid());
	for (const struct pool *p = pool_all; p != NULL; p = p->next)
		text_printf(&t, "  - Pool %s (%zu bytes) : %zu allocated "
		    "(%zu bytes), %zu used, %zu failures\n", p->name, p->size,
		    p->n_total, p->n_total * p->size, p->n_used, p->n_failed);
	ipc_say_text(text_span(&t));
	text_fini(&t);
}

void
keeper_dump(int sig)
{
	int32_t what = sig;

	if (sig == SIGHUP) {
		ipc_say(DIAG_WARNING,
		    "SIGHUP received, dumping the state of all servers");
		PX_EACH(px, px_model)
			dump_proxy(px);
	} else
		dump_pools();
	for (int i = 1; i <= the_keeper.n; i++)
		if (the_keeper.procs[i].pid > 0)
			(void)ipc_send(&the_keeper.procs[i].chan, IPC_W_DUMP,
			    &what, sizeof what, NULL, 0);
}
