/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_own - commands about the session itself, the sockets and the process's
 * surroundings.
 */
#include "cli_int.h"

#include <agent/agent.h>
#include <base/num.h>

#include <string.h>
#include <unistd.h>

extern char **environ;

static const char *const level_names[] = {
	"none", "user", "operator", "admin"
};

static enum cli_done
run_quit(struct cli_ctx *x)
{
	x->cli->silent = x->cli->quit = true;
	return (CLI_DONE);
}

CLI_COMMAND(quit) = {
	.name = "quit", .args = "", .level = PX_LEVEL_USER,
	.run = run_quit, .doc = "end the session",
};

static enum cli_done
run_prompt(struct cli_ctx *x)
{
	x->cli->prompt = !x->cli->prompt;
	return (CLI_DONE);
}

CLI_COMMAND(prompt) = {
	.name = "prompt", .args = "", .level = PX_LEVEL_USER,
	.run = run_prompt,
	.doc = "stay connected and show a prompt, or stop that",
};

static enum cli_done
run_operator(struct cli_ctx *x)
{
	if (x->level < PX_LEVEL_OPERATOR)
		cli_say(x, 3, "Permission denied");
	else
		x->cli->level = PX_LEVEL_OPERATOR;
	return (CLI_DONE);
}

CLI_COMMAND(operator) = {
	.name = "operator", .args = "", .level = PX_LEVEL_USER,
	.run = run_operator, .doc = "lower this session's level to operator",
};

static enum cli_done
run_user(struct cli_ctx *x)
{
	x->cli->level = PX_LEVEL_USER;
	return (CLI_DONE);
}

CLI_COMMAND(user) = {
	.name = "user", .args = "", .level = PX_LEVEL_USER,
	.run = run_user, .doc = "lower this session's level to user",
};

static enum cli_done
run_level(struct cli_ctx *x)
{
	text_printf(x->out, "%s\n", level_names[x->level & 3]);
	return (CLI_DONE);
}

CLI_COMMAND(show_cli_level) = {
	.name = "show cli level", .args = "", .level = PX_LEVEL_USER,
	.run = run_level, .doc = "the level of this session",
};

/* A listening address as `show cli sockets` writes it. */
static void
put_address(struct text *out, const struct agent_socket *s)
{
	const struct addr_spec *a = &s->listen->addr;
	char ip[ADDR_TEXT];

	switch (a->addr.family) {
	case ADDR_UNIX:
		text_printf(out, "unix@%.*s", SPAN_FMT(a->host));
		break;
	case ADDR_ABNS:
	case ADDR_ABNSZ:
		text_printf(out, "abns@%.*s", SPAN_FMT(a->host));
		break;
	case ADDR_V4:
		addr_print(&a->addr, ip);
		text_printf(out, "ipv4@%s:%u", ip, a->addr.port);
		break;
	case ADDR_V6:
		addr_print(&a->addr, ip);
		text_printf(out, "ipv6@[%s]:%u", ip, a->addr.port);
		break;
	default:
		text_addz(out, s->listen->text);
	}
}

/* What an inherited descriptor is bound to. */
static void
put_inherited(struct text *out, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	struct addr a;
	char ip[ADDR_TEXT];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0) {
		text_addz(out, "unknown");
		return;
	}
	addr_from_sa(&a, (struct sockaddr *)&ss, len);
	addr_print(&a, ip);
	if (a.family == ADDR_V4)
		text_printf(out, "ipv4@%s:%u", ip, a.port);
	else if (a.family == ADDR_V6)
		text_printf(out, "ipv6@[%s]:%u", ip, a.port);
	else
		text_printf(out, "unix@%s",
		    ((struct sockaddr_un *)&ss)->sun_path);
}

static enum cli_done
run_sockets(struct cli_ctx *x)
{
	text_addz(x->out, "# socket lvl processes\n");
	for (size_t i = 0; i < agent_n_sockets; i++) {
		const struct agent_socket *s = &agent_sockets[i];
		enum px_level level;

		if (!s->stats)
			continue;
		level = s->listen->bind->level;
		if (s->listen->addr.addr.family == ADDR_FD)
			put_inherited(x->out, s->fd);
		else
			put_address(x->out, s);
		text_printf(x->out, " %s all\n", level_names[
		    level == PX_LEVEL_NONE ? PX_LEVEL_OPERATOR : level & 3]);
	}
	return (CLI_DONE);
}

CLI_COMMAND(show_cli_sockets) = {
	.name = "show cli sockets", .args = "", .level = PX_LEVEL_USER,
	.run = run_sockets, .doc = "the sockets of the runtime API",
};

static enum cli_done
run_version(struct cli_ctx *x)
{
	text_printf(x->out, "%s\n", agent_facts.version);
	return (CLI_DONE);
}

CLI_COMMAND(show_version) = {
	.name = "show version", .args = "", .level = PX_LEVEL_USER,
	.run = run_version, .doc = "the version of this process",
};

static enum cli_done
run_env(struct cli_ctx *x)
{
	const struct span want = x->at < x->n ? x->arg[x->at] : SPAN_NONE;
	bool found = want.n == 0;

	for (char **e = environ; e != NULL && *e != NULL; e++) {
		if (want.n != 0 && (strncmp(*e, want.p, want.n) != 0 ||
		    (*e)[want.n] != '='))
			continue;
		text_printf(x->out, "%s\n", *e);
		found = true;
	}
	if (!found)
		cli_say(x, 3, "Variable not found");
	return (CLI_DONE);
}

CLI_COMMAND(show_env) = {
	.name = "show env", .args = "[var]", .level = PX_LEVEL_OPERATOR,
	.run = run_env, .doc = "environment variables of the process",
};

static enum cli_done
run_severity(struct cli_ctx *x)
{
	bool number = cli_is(x, x->at, "number");
	bool string = cli_is(x, x->at, "string");

	if (!number && !string && !cli_is(x, x->at, "none")) {
		cli_say(x, 3, "one of 'none', 'number', 'string' is a "
		    "required argument");
		return (CLI_DONE);
	}
	x->cli->severity_number = number;
	x->cli->severity_string = string;
	return (CLI_DONE);
}

CLI_COMMAND(set_severity_output) = {
	.name = "set severity-output", .args = "[none|number|string]",
	.level = PX_LEVEL_USER, .run = run_severity,
	.doc = "show the severity of what is said about an outcome",
};

static enum cli_done
run_timeout(struct cli_ctx *x)
{
	int64_t us;

	if (!cli_is(x, x->at, "cli")) {
		cli_say(x, 3, "'set timeout' only supports 'cli'.");
		return (CLI_DONE);
	}
	if (x->at + 1 >= x->n || num_time(x->arg[x->at + 1], "s",
	    &us) != NUM_OK || us <= 0) {
		cli_say(x, 3, "Expects an integer value, or a time such as "
		    "'30s'; without unit it means seconds.");
		return (CLI_DONE);
	}
	x->cli->timeout_ms = us / 1000 > 0 ? us / 1000 : 1;
	return (CLI_DONE);
}

CLI_COMMAND(set_timeout) = {
	.name = "set timeout", .args = "[cli] <delay>",
	.level = PX_LEVEL_USER, .run = run_timeout,
	.doc = "how long this session may be silent",
};

static enum cli_done
set_mode(struct cli_ctx *x, const char *name, bool *mode)
{
	if (x->at >= x->n)
		text_printf(x->out, "%s is %s\n", name, *mode ? "ON" : "OFF");
	else
		*mode = cli_is(x, x->at, "on");
	return (CLI_DONE);
}

static enum cli_done
run_expert(struct cli_ctx *x)
{
	return (set_mode(x, "expert-mode", &x->cli->expert));
}

CLI_COMMAND(expert_mode) = {
	.name = "expert-mode", .args = "[on|off]",
	.level = PX_LEVEL_ADMIN, .run = run_expert,
	.doc = "the mode for commands that can do harm, in this session; there "
	    "are none",
};

static enum cli_done
run_experimental(struct cli_ctx *x)
{
	return (set_mode(x, "experimental-mode", &x->cli->experimental));
}

CLI_COMMAND(experimental_mode) = {
	.name = "experimental-mode", .args = "[on|off]",
	.level = PX_LEVEL_ADMIN, .run = run_experimental,
	.doc = "allow commands that may still change, in this session",
};

bool
cli_experimental(struct cli_ctx *x)
{
	if (!x->cli->experimental)
		cli_say(x, 3, "This command is restricted to experimental mode "
		    "only.");
	return (x->cli->experimental);
}

static enum cli_done
run_echo(struct cli_ctx *x)
{
	for (int i = x->at; i < x->n; i++) {
		text_add(x->out, x->arg[i]);
		text_addc(x->out, i + 1 < x->n ? ' ' : '\n');
	}
	return (CLI_DONE);
}

CLI_COMMAND(echo) = {
	.name = "echo", .args = "<text>", .level = PX_LEVEL_USER,
	.run = run_echo, .doc = "repeat the text",
};
