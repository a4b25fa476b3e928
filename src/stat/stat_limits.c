/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_limits - limits and frontends that are changed while the process runs.
 * Every worker keeps its own copy of them, also those forked later, but for
 * limits of servers, which are shared.
 *
 * A frontend that is stopped keeps its sockets, which the next generation may
 * want: connections to it are reset.
 *
 * Source: management manual 9.3: set maxconn, enable, disable and shutdown
 * frontend.
 */
#include "stat_int.h"

#include <agent/agent.h>
#include <base/num.h>
#include <chk/chk.h>

#include <string.h>

enum what { GLOBAL_MAXCONN, FE_MAXCONN, FE_RUN, CONN_RATE, SESS_RATE };

struct order {
	uint32_t what;                  /* enum what */
	uint32_t px_no;                 /* of struct px */
	uint32_t value;
};

static void
obey(const struct order *o)
{
	struct px *px;

	switch (o->what) {
	case GLOBAL_MAXCONN:
		fe_conn_limit = o->value;
		return;
	case CONN_RATE:
		fe_conn_rate_limit = o->value;
		return;
	case SESS_RATE:
		fe_sess_rate_limit = o->value;
		return;
	default:
		break;
	}
	if ((px = px_by_no(o->px_no)) == NULL)
		return;
	if (o->what == FE_MAXCONN)
		px->maxconn = o->value;
	else if (o->what == FE_RUN)
		fe_of(px)->run = (uint8_t)o->value;
}

static void
on_told(struct span data)
{
	struct order o;

	if (data.n != sizeof o)
		return;
	memcpy(&o, data.p, sizeof o);
	obey(&o);
}

AGENT_TOPIC(limits) = { .name = "limits", .told = on_told };

static void
order(const struct order *o)
{
	obey(o);
	agent_keep(&AGENT_TOPIC_OF(limits), o, sizeof *o,
	    offsetof(struct order, value));
}

/* A limit in word `i`; false: that was said. */
static bool
want_limit(struct cli_ctx *x, int i, uint32_t *out)
{
	uint64_t n;

	if (!num_u64(cli_arg(x, i), &n) || n > INT32_MAX) {
		cli_say(x, 3, "Expects an integer value.");
		return (false);
	}
	*out = (uint32_t)n;
	return (true);
}

uint32_t stat_hard_maxconn;

static enum cli_done
run_global(struct cli_ctx *x)
{
	struct order o = { .what = GLOBAL_MAXCONN };

	if (!want_limit(x, x->at, &o.value))
		return (CLI_DONE);
	if (o.value > stat_hard_maxconn) {
		cli_say(x, 3, "Value out of range: at most %u, the maxconn of "
		    "the start.", stat_hard_maxconn);
		return (CLI_DONE);
	}
	if (o.value == 0)
		o.value = stat_hard_maxconn;
	order(&o);
	return (CLI_DONE);
}

CLI_COMMAND(set_maxconn_global) = {
	.name = "set maxconn global", .args = "<value>",
	.level = PX_LEVEL_ADMIN, .run = run_global,
	.doc = "change how many connections the process may have",
};

static enum cli_done
run_frontend(struct cli_ctx *x)
{
	struct px *px = cli_want_frontend(x, cli_arg(x, x->at));
	struct order o = { .what = FE_MAXCONN };

	if (px == NULL || !want_limit(x, x->at + 1, &o.value))
		return (CLI_DONE);
	o.px_no = px->no;
	order(&o);
	return (CLI_DONE);
}

CLI_COMMAND(set_maxconn_frontend) = {
	.name = "set maxconn frontend", .args = "<frontend> <value>",
	.level = PX_LEVEL_ADMIN, .run = run_frontend,
	.doc = "change how many connections a frontend may have",
};

static enum cli_done
run_server(struct cli_ctx *x)
{
	struct px_server *sv = cli_want_server(x, cli_arg(x, x->at));
	uint32_t max;

	if (sv == NULL)
		return (CLI_DONE);
	if (x->at + 1 >= x->n) {
		cli_say(x, 3, "Require <maxconn>.");
		return (CLI_DONE);
	}
	if (want_limit(x, x->at + 1, &max))
		chk_set_maxconn(srv_of(sv), max);
	return (CLI_DONE);
}

CLI_COMMAND(set_maxconn_server) = {
	.name = "set maxconn server", .args = "<bk>/<srv> <value>",
	.level = PX_LEVEL_ADMIN, .run = run_server,
	.doc = "change how many streams a server may have",
};

static enum cli_done
run_rate(struct cli_ctx *x)
{
	struct order o = { .what = cli_is(x, x->at, "connections") ? CONN_RATE :
	    SESS_RATE };

	if (cli_is(x, x->at, "ssl-sessions") ||
	    cli_is(x, x->at, "http-compression")) {
		cli_say(x, 3, "'set rate-limit %.*s' is not supported yet.",
		    SPAN_FMT(x->arg[x->at]));
		return (CLI_DONE);
	}
	if (!cli_is(x, x->at, "connections") && !cli_is(x, x->at, "sessions")) {
		cli_say(x, 3, "'set rate-limit' only supports 'connections "
		    "global' and 'sessions global', and a number per second.");
		return (CLI_DONE);
	}
	if (!cli_is(x, x->at + 1, "global"))
		cli_say(x, 3, "'set rate-limit' only supports '%.*s global'.",
		    SPAN_FMT(x->arg[x->at]));
	else if (want_limit(x, x->at + 2, &o.value))
		order(&o);
	return (CLI_DONE);
}

CLI_COMMAND(set_rate_limit) = {
	.name = "set rate-limit",
	.args = "{ connections | sessions } global <number>",
	.level = PX_LEVEL_ADMIN, .run = run_rate,
	.doc = "change how many may come per second, 0: any number",
};

/* ---- frontends ---- */

static void
run_it(struct cli_ctx *x, enum fe_run to, const char *no_change)
{
	struct px *px = cli_want_frontend(x, cli_arg(x, x->at));
	struct order o = { .what = FE_RUN, .value = to };
	struct fe *fe;

	if (px == NULL)
		return;
	fe = fe_of(px);
	if (fe->run == (uint8_t)to) {
		cli_say(x, 5, "%s", no_change);
	} else if (fe->run == FE_SHUT) {
		cli_say(x, 3, "Frontend was previously shut down, cannot %s.",
		    to == FE_RUNS ? "enable" : "disable");
	} else {
		o.px_no = px->no;
		order(&o);
	}
}

static enum cli_done
run_enable(struct cli_ctx *x)
{
	run_it(x, FE_RUNS, "All sockets are already enabled.");
	return (CLI_DONE);
}

CLI_COMMAND(enable_frontend) = {
	.name = "enable frontend", .args = "<frontend>",
	.level = PX_LEVEL_ADMIN, .run = run_enable,
	.doc = "accept connections again",
};

static enum cli_done
run_disable(struct cli_ctx *x)
{
	run_it(x, FE_DISABLED, "All sockets are already disabled.");
	return (CLI_DONE);
}

CLI_COMMAND(disable_frontend) = {
	.name = "disable frontend", .args = "<frontend>",
	.level = PX_LEVEL_ADMIN, .run = run_disable,
	.doc = "reset new connections until it is enabled",
};

static enum cli_done
run_shut(struct cli_ctx *x)
{
	run_it(x, FE_SHUT, "Frontend was already shut down.");
	return (CLI_DONE);
}

CLI_COMMAND(shutdown_frontend) = {
	.name = "shutdown frontend", .args = "<frontend>",
	.level = PX_LEVEL_ADMIN, .run = run_shut,
	.doc = "reset new connections until the next reload",
};
