/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_servers - "show servers state", "show servers conn", "show backend".
 *
 * Source: management manual 9.3; the numbers of states are those of its
 * description of "show servers state".
 */
#include "stat_int.h"

#include <chk/chk.h>
#include <dns/dns.h>
#include <os/loop.h>
#include <srv/state.h>

#include <stdio.h>

#define PIECE 16384             /* bytes of the answer per turn, about */

struct walk {
	struct px *px;
	bool only;                      /* this one */
	uint32_t server;
};

static void
put_state(struct text *out, const struct srv *srv)
{
	const struct srv_shm *m = srv->shm;
	const struct px_server *cfg = srv->cfg;
	int64_t ago = the_loop->wall_us / 1000000 - m->changed_wall_s;
	struct span fqdn = dns_fqdn(srv), label = dns_srvrecord(srv);
	char ip[ADDR_TEXT];
	struct addr a;

	srv_addr(srv, NULL, &a);
	addr_print(&a, ip);
	text_printf(out, "%u %s %u %s %s %u %u %u %u %lld %u %u %d %u %u "
	    "%d %d ", srv->be->px->id, srv->be->px->name, cfg->id, cfg->name,
	    a.family == ADDR_V4 || a.family == ADDR_V6 ? ip : "-",
	    m->state, m->admin, m->uweight, cfg->weight,
	    (long long)(ago < 0 ? 0 : ago),
	    m->chk_status == 0 ? CHK_INI : m->chk_status, m->chk_result,
	    m->chk_health, m->chk_state, m->agent_state,
	    srv->be->px->id_given, cfg->id_given);
	if (chk_addr(srv) != NULL)
		addr_print(chk_addr(srv), ip);
	text_printf(out, "%.*s %u %.*s %d %u %s ", SPAN_FMT(fqdn), a.port,
	    SPAN_FMT(label), cfg->xprt != NULL, chk_port(srv),
	    chk_addr(srv) != NULL ? ip : "-");
	if (chk_agent_addr(srv) != NULL)
		addr_print(chk_agent_addr(srv), ip);
	text_printf(out, "%s %u\n", chk_agent_addr(srv) != NULL ? ip : "-",
	    chk_agent_port(srv));
}

static void
put_conn(struct text *out, const struct srv *srv)
{
	const struct srv_shm *m = srv->shm;
	struct addr a;
	char ip[ADDR_TEXT];

	srv_addr(srv, NULL, &a);
	addr_print(&a, ip);
	text_printf(out, "%s/%s %u/%u %s %u - %d %u %u %u 0 %u %d %u %u\n",
	    srv->be->px->name, srv->cfg->name, srv->be->px->id, srv->cfg->id,
	    a.family == ADDR_V4 || a.family == ADDR_V6 ? ip : "-", a.port,
	    srv_pool_purge_ms(srv), m->inflight, m->inflight_max,
	    m->inflight, m->idle, srv_pool_max(srv), m->idle, m->idle);
}

static bool
begin(struct cli_ctx *x, struct walk *w)
{
	w->px = px_model->all;
	if (x->at >= x->n)
		return (true);
	w->px = px_find(px_model, x->arg[x->at], PX_BE);
	w->only = true;
	if (w->px == NULL)
		cli_say(x, 3, "Can't find backend '%.*s'.",
		    SPAN_FMT(x->arg[x->at]));
	return (w->px != NULL);
}

/* One server after the other; false: that was all. */
static bool
each_server(struct cli_ctx *x, struct walk *w,
    void (*put)(struct text *, const struct srv *))
{
	size_t enough = x->out->n + PIECE;

	while (w->px != NULL && x->out->n < enough) {
		struct be *be = w->px->kind & PX_BE ? be_of(w->px) : NULL;

		if (be != NULL && w->server < be->n) {
			if (!be->srv[w->server]->gone)
				put(x->out, be->srv[w->server]);
			w->server++;
			continue;
		}
		w->px = w->only ? NULL : w->px->next;
		w->server = 0;
	}
	return (w->px != NULL);
}

static enum cli_done
list(struct cli_ctx *x, const char *head,
    void (*put)(struct text *, const struct srv *))
{
	if (x->turn == 0) {
		x->priv = cli_alloc(x, sizeof(struct walk));
		if (!begin(x, x->priv))
			return (CLI_DONE);
		text_addz(x->out, head);
	}
	return (each_server(x, x->priv, put) ? CLI_MORE : CLI_DONE);
}

static enum cli_done
run_state(struct cli_ctx *x)
{
	return (list(x, "1\n# be_id be_name srv_id srv_name srv_addr "
	    "srv_op_state srv_admin_state srv_uweight srv_iweight "
	    "srv_time_since_last_change srv_check_status srv_check_result "
	    "srv_check_health srv_check_state srv_agent_state bk_f_forced_id "
	    "srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl "
	    "srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n",
	    put_state));
}

CLI_COMMAND(show_servers_state) = {
	.name = "show servers state", .args = "[<backend>]",
	.level = PX_LEVEL_USER, .run = run_state,
	.doc = "states of servers, in the form of state files",
};

static enum cli_done
run_conn(struct cli_ctx *x)
{
	return (list(x, "# bkname/svname bkid/svid addr port - purge_delay "
	    "used_cur used_max need_est unsafe_nb safe_nb idle_lim idle_cur "
	    "idle_per_thr[1]\n", put_conn));
}

CLI_COMMAND(show_servers_conn) = {
	.name = "show servers conn", .args = "[<backend>]",
	.level = PX_LEVEL_USER, .run = run_conn,
	.doc = "connections of servers in use and idle",
};

static enum cli_done
run_backend(struct cli_ctx *x)
{
	struct walk *w = x->priv;
	size_t enough = x->out->n + PIECE;

	if (x->turn == 0) {
		w = x->priv = cli_alloc(x, sizeof *w);
		w->px = px_model->all;
		text_addz(x->out, "# name\n");
	}
	for (; w->px != NULL && x->out->n < enough; w->px = w->px->next)
		if (w->px->kind & PX_BE)
			text_printf(x->out, "%s\n", w->px->name);
	return (w->px != NULL ? CLI_MORE : CLI_DONE);
}

CLI_COMMAND(show_backend) = {
	.name = "show backend", .args = "", .level = PX_LEVEL_USER,
	.run = run_backend, .doc = "names of the backends",
};
