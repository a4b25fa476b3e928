/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_orders - what people change about servers while the process runs:
 * state, health, weight, addresses, agents, their sessions.
 *
 * Source: management manual 9.3: set server, set weight, get weight, enable
 * and disable server, health and agent, shutdown sessions server.
 */
#include "stat_int.h"

#include <base/num.h>
#include <chk/chk.h>
#include <dns/dns.h>

#include <ctype.h>

/* The server that word `i` names, or NULL: that was said. */
static struct srv *
want_srv(struct cli_ctx *x, int i)
{
	struct px_server *sv = cli_want_server(x, cli_arg(x, i));

	return (sv == NULL ? NULL : srv_of(sv));
}

/* ---- weights ---- */

/* "12", "12%": NULL, or what is wrong with it. */
static const char *
weight_fault(struct span s)
{
	size_t n = 0;

	if (s.n == 0)
		return ("Require <weight> or <weight%>.");
	if (s.p[0] == '-' && s.n > 1 && isdigit((unsigned char)s.p[1]))
		return ("Absolute weight can only be between 0 and 256 "
		    "inclusive.");
	while (n < s.n && isdigit((unsigned char)s.p[n]))
		n++;
	if (n == 0)
		return ("The weight begins with garbage: <weight> or "
		    "<weight%> is expected.");
	if (n < s.n && !(n + 1 == s.n && s.p[n] == '%'))
		return ("Garbage behind the weight: <weight> or <weight%> "
		    "is expected.");
	return (NULL);
}

static void
set_weight(struct cli_ctx *x, struct srv *srv, struct span weight)
{
	const char *fault = weight_fault(weight);

	if (fault == NULL)
		fault = chk_set_weight(srv, weight);
	if (fault != NULL)
		cli_say(x, 3, "%s", fault);
}

static enum cli_done
run_set_weight(struct cli_ctx *x)
{
	struct srv *srv = want_srv(x, x->at);

	if (srv != NULL)
		set_weight(x, srv, cli_arg(x, x->at + 1));
	return (CLI_DONE);
}

CLI_COMMAND(set_weight) = {
	.name = "set weight", .args = "<bk>/<srv> <weight>[%]",
	.level = PX_LEVEL_ADMIN, .run = run_set_weight,
	.doc = "change a server's weight",
};

static enum cli_done
run_get_weight(struct cli_ctx *x)
{
	struct srv *srv = want_srv(x, x->at);

	if (srv != NULL)
		text_printf(x->out, "%u (initial %u)\n", srv->shm->uweight,
		    srv->cfg->weight);
	return (CLI_DONE);
}

CLI_COMMAND(get_weight) = {
	.name = "get weight", .args = "<bk>/<srv>",
	.level = PX_LEVEL_USER, .run = run_get_weight,
	.doc = "a server's weight now and in the configuration",
};

/* ---- set server ---- */

static void
set_state(struct cli_ctx *x, struct srv *srv)
{
	int i = x->at + 2;

	if (cli_is(x, i, "ready"))
		chk_set_admin(srv, CHK_READY);
	else if (cli_is(x, i, "drain"))
		chk_set_admin(srv, CHK_DRAIN);
	else if (cli_is(x, i, "maint"))
		chk_set_admin(srv, CHK_MAINT);
	else
		cli_say(x, 3, "'set server <srv> state' expects 'ready', "
		    "'drain' and 'maint'.");
}

static void
set_health(struct cli_ctx *x, struct srv *srv)
{
	static const char *const words[] = { [CHK_UP] = "up",
		[CHK_STOPPING] = "stopping", [CHK_DOWN] = "down" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (!cli_is(x, x->at + 2, words[i]))
			continue;
		if (!chk_set_health(srv, (enum chk_health)i))
			cli_say(x, 3, "cannot change health on a tracking "
			    "server.");
		return;
	}
	cli_say(x, 3, "'set server <srv> health' expects 'up', 'stopping', or "
	    "'down'.");
}

static void
set_weight_of(struct cli_ctx *x, struct srv *srv)
{
	set_weight(x, srv, cli_arg(x, x->at + 2));
}

/* A port in word `i`; false: that was said. */
static bool
want_port(struct cli_ctx *x, int i, unsigned *port)
{
	uint64_t n;

	if (!num_u64(cli_arg(x, i), &n)) {
		cli_say(x, 3, "provided port is not an integer");
		return (false);
	}
	if (n < 1 || n > 65535) {
		cli_say(x, 3, "provided port is invalid");
		return (false);
	}
	*port = (unsigned)n;
	return (true);
}

/* "<addr> [port <port>]" behind `what`; *port 0: none. False: that was said. */
static bool
want_place(struct cli_ctx *x, const char *what, struct addr *to,
    unsigned *port)
{
	int i = x->at + 2;
	struct addr_spec spec;
	const char *err;

	*port = 0;
	if (i >= x->n) {
		cli_say(x, 3, "set server <b>/<s> %s requires an address and "
		    "optionally a port.", what);
		return (false);
	}
	if (!addr_parse(x->arg[i], &spec, &err) || spec.need_dns ||
	    spec.any_host || (spec.addr.family != ADDR_V4 &&
	    spec.addr.family != ADDR_V6)) {
		/* the words that tools look for differ so */
		cli_say(x, 3, "%s addr '%.*s': an IPv4 or IPv6 address is "
		    "expected", span_is(span_str(what), "addr") ? "Invalid" :
		    "invalid", SPAN_FMT(x->arg[i]));
		return (false);
	}
	*to = spec.addr;
	if (i + 1 >= x->n)
		return (true);
	if (cli_is(x, i + 1, "port"))
		return (want_port(x, i + 2, port));
	cli_say(x, 3, "set server <b>/<s> %s takes 'port' and a number behind "
	    "the address.", what);
	return (false);
}

static void
set_addr(struct cli_ctx *x, struct srv *srv)
{
	struct text said;
	struct addr to;
	unsigned port;

	if (!want_place(x, "addr", &to, &port))
		return;
	text_init(&said);
	chk_set_addr(srv, &to, port, &said);
	cli_say(x, 4, "%s", said.p);
	text_fini(&said);
}

/* ---- where checks go ---- */

static void
no_checks(struct cli_ctx *x)
{
	cli_say(x, 3, "health checks are not enabled on this server");
}

static void
no_agent(struct cli_ctx *x)
{
	cli_say(x, 3, "agent checks are not enabled on this server");
}

static void
set_check_addr(struct cli_ctx *x, struct srv *srv)
{
	struct addr to;
	unsigned port;

	if (x->at + 2 < x->n && !chk_set_check_addr(srv, NULL, 0))
		no_checks(x);
	else if (want_place(x, "check-addr", &to, &port))
		(void)chk_set_check_addr(srv, &to, port);
}

static void
set_check_port(struct cli_ctx *x, struct srv *srv)
{
	unsigned port;

	if (x->at + 2 >= x->n)
		cli_say(x, 3, "set server <b>/<s> check-port requires a "
		    "port.");
	else if (!chk_set_check_addr(srv, NULL, 0))
		no_checks(x);
	else if (want_port(x, x->at + 2, &port))
		(void)chk_set_check_addr(srv, NULL, port);
}

static void
set_agent(struct cli_ctx *x, struct srv *srv)
{
	int i = x->at + 2;

	if (!chk_agent_set_addr(srv, NULL, 0))
		no_agent(x);
	else if (cli_is(x, i, "up"))
		(void)chk_agent_set_health(srv, true);
	else if (cli_is(x, i, "down"))
		(void)chk_agent_set_health(srv, false);
	else
		cli_say(x, 3, "'set server <srv> agent' expects 'up' or "
		    "'down'.");
}

static void
set_agent_addr(struct cli_ctx *x, struct srv *srv)
{
	struct addr to;
	unsigned port;

	if (x->at + 2 < x->n && !chk_agent_set_addr(srv, NULL, 0))
		no_agent(x);
	else if (want_place(x, "agent-addr", &to, &port))
		(void)chk_agent_set_addr(srv, &to, port);
}

static void
set_agent_port(struct cli_ctx *x, struct srv *srv)
{
	unsigned port;

	if (x->at + 2 >= x->n)
		cli_say(x, 3, "set server <b>/<s> agent-port requires a "
		    "port.");
	else if (!chk_agent_set_addr(srv, NULL, 0))
		no_agent(x);
	else if (want_port(x, x->at + 2, &port))
		(void)chk_agent_set_addr(srv, NULL, port);
}

static void
set_agent_send(struct cli_ctx *x, struct srv *srv)
{
	const char *fault = chk_agent_set_send(srv, cli_arg(x, x->at + 2));

	if (fault != NULL)
		cli_say(x, 3, "%s", fault);
}

static void
set_fqdn(struct cli_ctx *x, struct srv *srv)
{
	struct text said;
	bool done;

	if (x->at + 2 >= x->n) {
		cli_say(x, 3, "set server <b>/<s> fqdn requires a FQDN.");
		return;
	}
	text_init(&said);
	done = dns_set_fqdn(srv, x->arg[x->at + 2], &said);
	cli_say(x, done ? 4 : 3, "%s", said.p);
	text_fini(&said);
}

static void
not_there(struct cli_ctx *x, struct srv *srv)
{
	(void)srv;
	cli_say(x, 3, "'set server <srv> %.*s' is not supported yet.",
	    SPAN_FMT(x->arg[x->at + 1]));
}

static enum cli_done
run_set_server(struct cli_ctx *x)
{
	static const struct {
		const char *word;
		void (*set)(struct cli_ctx *, struct srv *);
	} what[] = {
		{ "addr", set_addr }, { "health", set_health },
		{ "state", set_state }, { "weight", set_weight_of },
		{ "agent", set_agent }, { "agent-addr", set_agent_addr },
		{ "agent-port", set_agent_port },
		{ "agent-send", set_agent_send },
		{ "check-addr", set_check_addr },
		{ "check-port", set_check_port },
		{ "fqdn", set_fqdn }, { "ssl", not_there },
	};
	struct srv *srv = want_srv(x, x->at);

	if (srv == NULL)
		return (CLI_DONE);
	for (size_t i = 0; i < sizeof what / sizeof what[0]; i++)
		if (cli_is(x, x->at + 1, what[i].word)) {
			what[i].set(x, srv);
			return (CLI_DONE);
		}
	cli_say(x, 3, "usage: set server <backend>/<server> addr | agent | "
	    "agent-addr | agent-port | agent-send | check-addr | check-port | "
	    "fqdn | health | ssl | state | weight");
	return (CLI_DONE);
}

CLI_COMMAND(set_server) = {
	.name = "set server", .args = "<bk>/<srv> [opts]",
	.level = PX_LEVEL_ADMIN, .run = run_set_server,
	.doc = "change a server's state, health, weight, addresses or agent",
};

/* ---- short forms ---- */

static enum cli_done
run_enable(struct cli_ctx *x)
{
	struct srv *srv = want_srv(x, x->at);

	if (srv != NULL)
		chk_set_admin(srv, CHK_READY);
	return (CLI_DONE);
}

CLI_COMMAND(enable_server) = {
	.name = "enable server", .args = "<bk>/<srv>",
	.level = PX_LEVEL_ADMIN, .run = run_enable,
	.doc = "end a server's maintenance or drain",
};

static enum cli_done
run_disable(struct cli_ctx *x)
{
	struct srv *srv = want_srv(x, x->at);

	if (srv != NULL)
		chk_set_admin(srv, CHK_MAINT);
	return (CLI_DONE);
}

CLI_COMMAND(disable_server) = {
	.name = "disable server", .args = "<bk>/<srv>",
	.level = PX_LEVEL_ADMIN, .run = run_disable,
	.doc = "put a server into maintenance",
};

static enum cli_done
run_enable_health(struct cli_ctx *x)
{
	struct srv *srv = want_srv(x, x->at);

	if (srv != NULL && !chk_enable(srv, true))
		cli_say(x, 3, "Health check was not configured on this "
		    "server, cannot enable.");
	return (CLI_DONE);
}

CLI_COMMAND(enable_health) = {
	.name = "enable health", .args = "<bk>/<srv>",
	.level = PX_LEVEL_ADMIN, .run = run_enable_health,
	.doc = "check a server again",
};

static enum cli_done
run_disable_health(struct cli_ctx *x)
{
	struct srv *srv = want_srv(x, x->at);

	if (srv != NULL)
		(void)chk_enable(srv, false);   /* none is off already */
	return (CLI_DONE);
}

CLI_COMMAND(disable_health) = {
	.name = "disable health", .args = "<bk>/<srv>",
	.level = PX_LEVEL_ADMIN, .run = run_disable_health,
	.doc = "stop checking a server; it counts as up",
};

static enum cli_done
run_enable_agent(struct cli_ctx *x)
{
	struct srv *srv = want_srv(x, x->at);

	if (srv != NULL && !chk_agent_enable(srv, true))
		cli_say(x, 3, "Agent was not configured on this server, "
		    "cannot enable.");
	return (CLI_DONE);
}

CLI_COMMAND(enable_agent) = {
	.name = "enable agent", .args = "<bk>/<srv>",
	.level = PX_LEVEL_ADMIN, .run = run_enable_agent,
	.doc = "ask a server's agent again",
};

static enum cli_done
run_disable_agent(struct cli_ctx *x)
{
	struct srv *srv = want_srv(x, x->at);

	if (srv != NULL)
		(void)chk_agent_enable(srv, false);     /* none is off, too */
	return (CLI_DONE);
}

CLI_COMMAND(disable_agent) = {
	.name = "disable agent", .args = "<bk>/<srv>",
	.level = PX_LEVEL_ADMIN, .run = run_disable_agent,
	.doc = "stop asking a server's agent",
};

static enum cli_done
run_kill(struct cli_ctx *x)
{
	struct srv *srv = want_srv(x, x->at);

	if (srv != NULL)
		chk_kill_sessions(srv);
	return (CLI_DONE);
}

CLI_COMMAND(shutdown_sessions) = {
	.name = "shutdown sessions server", .args = "<bk>/<srv>",
	.level = PX_LEVEL_ADMIN, .run = run_kill,
	.doc = "end all sessions of a server",
};
