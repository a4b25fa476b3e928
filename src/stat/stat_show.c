/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_show - "show stat": all proxies with their listeners and servers, or
 * some of them, piece by piece. "clear counters" begins again.
 *
 * Source: management manual 9.3: show stat, clear counters.
 */
#include "stat_int.h"

#include <base/num.h>
#include <cnt/cnt.h>
#include <srv/state.h>

#include <string.h>

#define PIECE 16384             /* bytes of the answer per turn, about */

enum place { AT_FE, AT_LISTENS, AT_SERVERS, AT_BE, AT_END };

struct walk {
	struct stat_opts opt;
	int64_t iid, sid;               /* -1: any */
	unsigned kinds;                 /* 1 fe, 2 be, 4 servers, 8 listeners */
	struct px *px;
	enum place place;
	uint32_t server;                /* next of the backend */
	struct px_listen *listen;       /* next of the frontend */
	bool any;                       /* something was shown */
	struct stat_row row;
};

/* "-1", "4": a number or false. */
static bool
number(struct span s, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t n;

	if (!num_u64(minus ? span_skip(s, 1) : s, &n) || n > INT32_MAX)
		return (false);
	*out = minus ? -(int64_t)n : (int64_t)n;
	return (true);
}

/* <iid>|<name> <kinds> <sid>, if they are there; false: no such proxy. */
static bool
parse_filter(struct cli_ctx *x, struct walk *w)
{
	int64_t kinds;
	struct px *px;

	w->iid = w->sid = -1;
	w->kinds = UINT32_MAX;
	if (x->at + 2 >= x->n || !number(x->arg[x->at + 1], &kinds) ||
	    !number(x->arg[x->at + 2], &w->sid)) {
		w->sid = -1;
		return (true);
	}
	w->kinds = (unsigned)kinds;
	if (number(x->arg[x->at], &w->iid))
		return (true);
	px = px_find(px_model, x->arg[x->at], PX_FE | PX_BE);
	if (px == NULL)
		return (false);
	w->iid = px->id;
	return (true);
}

/* "domain proxy" is the only one that is there. */
static bool
parse_domain(struct cli_ctx *x)
{
	if (!cli_is(x, x->at, "domain"))
		return (true);
	if (!cli_is(x, x->at + 1, "proxy"))
		return (false);
	x->at += 2;
	return (true);
}

static void
show(struct cli_ctx *x, struct walk *w)
{
	switch (w->opt.form) {
	case STAT_TYPED:
		stat_typed_row(x->out, &w->row, w->opt.desc);
		text_addc(x->out, '\n');
		break;
	case STAT_JSON:
		if (w->any)
			text_addc(x->out, ',');
		stat_json_row(x->out, &w->row, w->opt.desc);
		break;
	default:
		stat_csv_row(x->out, &w->row);
	}
	w->any = true;
}

static bool
srv_is_wanted(const struct walk *w, const struct srv *srv)
{
	if (srv->gone || (w->sid > 0 && srv->cfg->id != (uint64_t)w->sid))
		return (false);
	if (w->opt.no_maint && (srv->shm->admin & SRV_MAINT) != 0)
		return (false);
	return (!w->opt.up || srv_is_up(srv));
}

static void
show_fe(struct cli_ctx *x, struct walk *w)
{
	w->listen = w->px->listens;
	w->server = 0;
	w->place = AT_LISTENS;
	if (!(w->px->kind & PX_FE) || !(w->kinds & 1) || w->sid > 0)
		return;
	stat_fe(w->px, &w->row);
	show(x, w);
}

static void
show_listen(struct cli_ctx *x, struct walk *w)
{
	struct px_listen *l = w->listen;

	if (l == NULL || !(w->kinds & 8) ||
	    !px_opt(w->px, PX_OPT_SOCKET_STATS)) {
		w->place = AT_SERVERS;
		return;
	}
	w->listen = l->next;
	if (w->sid > 0 && l->luid != (uint64_t)w->sid)
		return;
	stat_listen(l, &w->row);
	show(x, w);
}

static void
show_server(struct cli_ctx *x, struct walk *w)
{
	struct be *be;

	if (!(w->px->kind & PX_BE) || !(w->kinds & 4) ||
	    w->server >= (be = be_of(w->px))->n) {
		w->place = AT_BE;
		return;
	}
	if (srv_is_wanted(w, be->srv[w->server])) {
		stat_srv(be->srv[w->server], &w->row);
		show(x, w);
	}
	w->server++;
}

static void
show_be(struct cli_ctx *x, struct walk *w)
{
	w->place = AT_END;
	if (!(w->px->kind & PX_BE) || !(w->kinds & 2) || w->sid > 0)
		return;
	stat_be(be_of(w->px), &w->opt, &w->row);
	show(x, w);
}

static void
step(struct cli_ctx *x, struct walk *w)
{
	static void (*const places[])(struct cli_ctx *, struct walk *) = {
		[AT_FE] = show_fe, [AT_LISTENS] = show_listen,
		[AT_SERVERS] = show_server, [AT_BE] = show_be,
	};

	if (w->place == AT_END || w->px->disabled ||
	    (w->iid > 0 && w->px->id != (uint64_t)w->iid)) {
		w->px = w->px->next;
		w->place = AT_FE;
		return;
	}
	places[w->place](x, w);
}

static bool
begin(struct cli_ctx *x)
{
	struct walk *w = x->priv = cli_alloc(x, sizeof *w);

	if (!parse_domain(x)) {
		cli_say(x, 3, "Invalid stat domain: only 'proxy' is there.");
		return (false);
	}
	if (!parse_filter(x, w)) {
		cli_say(x, 3, "No such proxy.");
		return (false);
	}
	w->opt = stat_opts_parse(x, x->at);
	w->px = px_model->all;
	if (w->opt.form == STAT_PLAIN && w->opt.desc)
		w->opt.desc = false;    /* the table has no place for it */
	if (w->opt.form == STAT_PLAIN)
		stat_csv_head(x->out);
	else if (w->opt.form == STAT_JSON)
		text_addc(x->out, '[');
	return (true);
}

static enum cli_done
run_stat(struct cli_ctx *x)
{
	size_t enough = x->out->n + PIECE;
	struct walk *w;

	if (x->turn == 0 && !begin(x))
		return (CLI_DONE);
	w = x->priv;
	while (w->px != NULL && x->out->n < enough)
		step(x, w);
	if (w->px != NULL)
		return (CLI_MORE);
	if (w->opt.form == STAT_JSON)
		text_addz(x->out, "]\n");
	return (CLI_DONE);
}

CLI_COMMAND(show_stat) = {
	.name = "show stat",
	.args = "[<px> <kinds> <sid>] [desc|json|no-maint|typed|up]*",
	.level = PX_LEVEL_USER, .run = run_stat,
	.doc = "counters and states of proxies and servers",
};

/* ---- clear counters ---- */

static void
clear_rate(struct srv_rate *r)
{
	r->max = 0;
}

static void
clear_be(struct be *be, void *arg)
{
	bool all = *(bool *)arg;
	struct be_shm *b = be->shm;

	b->inflight_max = b->inflight;
	b->queued_max = b->queued_all;
	clear_rate(&b->rate);
	if (all)
		b->n_down = 0;
	for (uint32_t i = 0; i < be->n; i++) {
		struct srv_shm *s = be->srv[i]->shm;

		s->inflight_max = s->inflight;
		s->queued_max = s->queued;
		clear_rate(&s->rate);
		if (all)
			s->chk_failed = s->chk_down = 0;
	}
}

static void
clear_fe(struct fe *fe)
{
	fe->shm->conn_max = fe->shm->conn;
	clear_rate(&fe->shm->conn_rate);
	clear_rate(&fe->shm->sess_rate);
	clear_rate(&fe->shm->req_rate);
}

static enum cli_done
run_clear(struct cli_ctx *x)
{
	bool all = cli_is(x, x->at, "all");

	if (all && x->level < PX_LEVEL_ADMIN) {
		cli_say(x, 3, "Permission denied");
		return (CLI_DONE);
	}
	cnt_clear(all);
	stat_clear_peaks();
	srv_each_be(clear_be, &all);
	PX_EACH(px, px_model)
		if (px->kind & PX_FE)
			clear_fe(fe_of(px));
	return (CLI_DONE);
}

CLI_COMMAND(clear_counters) = {
	.name = "clear counters", .args = "[all]",
	.level = PX_LEVEL_OPERATOR, .run = run_clear,
	.doc = "begin again with peaks, or with all counters",
};
