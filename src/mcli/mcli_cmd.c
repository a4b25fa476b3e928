/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcli_cmd - which command, for whom: those about the session are here, those
 * about processes are the owner's, others go to the agent of a generation.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/must.h>
#include <base/num.h>
#include <ipc/ipc.h>

#include "mcli_int.h"

struct cmd {
	const char *name;
	int level;
	void (*run)(struct mcli *, struct span args);
	const char *doc;
};

static const char *const level_names[] = { "none", "user", "operator",
	"admin" };

/* ---- of the owner ---- */

static void
do_reload(struct mcli *c, struct span args)
{
	(void)args;
	mcli_owner->reload(c, false);
}

/* Old generations are told to end at once when the new one serves. */
static void
do_hard_reload(struct mcli *c, struct span args)
{
	(void)args;
	mcli_owner->reload(c, true);
}

static void
show_proc(struct mcli *c, struct span args)
{
	mcli_owner->show_proc(c, args);
}

static void
show_startup_logs(struct mcli *c, struct span args)
{
	(void)args;
	text_add(&c->out, mcli_owner->startup_log());
	text_addc(&c->out, '\n');
}

static void
show_version(struct mcli *c, struct span args)
{
	(void)args;
	text_printf(&c->out, "%s\n\n", mcli_owner->version);
}

static void
show_level(struct mcli *c, struct span args)
{
	(void)args;
	text_printf(&c->out, "%s\n\n", level_names[c->level]);
}

static void
show_sockets(struct mcli *c, struct span args)
{
	(void)args;
	text_addz(&c->out, "# socket lvl processes\n");
	for (size_t i = 0; i < mcli_n_sockets; i++) {
		const char *s = mcli_args[i];

		text_printf(&c->out, "%s%.*s %s master\n",
		    s[0] == '/' ? "unix@" : "", (int)strcspn(s, ","), s,
		    level_names[mcli_sockets[i].level]);
	}
	text_addc(&c->out, '\n');
}

static void
show_load(struct mcli *c, struct span args)
{
	text_printf(&c->out, "Success=%d\n--\n", !mcli_owner->last_failed());
	show_startup_logs(c, args);
}

static void
show_env(struct mcli *c, struct span args)
{
	bool found = args.n == 0;

	for (char **e = environ; e != NULL && *e != NULL; e++) {
		struct span rest = span_str(*e), name;

		(void)span_cut(&rest, '=', &name);
		if (args.n != 0 && !span_eq(name, args))
			continue;
		text_printf(&c->out, "%s\n", *e);
		found = true;
	}
	text_addz(&c->out, found ? "\n" : "Variable not found\n\n");
}

static void
do_echo(struct mcli *c, struct span args)
{
	text_add(&c->out, args);
	text_addz(&c->out, "\n\n");
}

/* Modes are of this session, and go with each command to a worker. */
static void
turn_mode(struct mcli *c, uint32_t mode, const char *name, struct span args)
{
	if (args.n == 0)
		text_printf(&c->out, "%s is %s\n\n", name,
		    (c->modes & mode) != 0 ? "ON" : "OFF");
	else if (span_is(args, "on"))
		c->modes |= mode;
	else
		c->modes &= ~mode;
}

static void
do_experimental(struct mcli *c, struct span args)
{
	turn_mode(c, IPC_CLI_EXPERIMENTAL, "experimental-mode", args);
}

static void
do_expert(struct mcli *c, struct span args)
{
	turn_mode(c, IPC_CLI_EXPERT, "expert-mode", args);
}

static void
do_prompt(struct mcli *c, struct span args)
{
	(void)args;
	c->interactive = !c->interactive;
}

static void
do_quit(struct mcli *c, struct span args)
{
	(void)args;
	c->ends = true;
	c->interactive = false;
}

static void
lower(struct mcli *c, int level)
{
	if (c->level > level)
		c->level = level;
	if (!c->interactive)
		text_addc(&c->out, '\n');
}

static void
do_operator(struct mcli *c, struct span args)
{
	(void)args;
	lower(c, MCLI_OPERATOR);
}

static void
do_user(struct mcli *c, struct span args)
{
	(void)args;
	lower(c, MCLI_USER);
}

static void do_help(struct mcli *, struct span);

static const struct cmd cmds[] = {
#define MCLI(name, level, run, doc) { name, MCLI_##level, run, doc },
#include <ipc/mcli.def>
#undef MCLI
};

static void
list_commands(struct mcli *c, struct span begin)
{
	for (size_t i = 0; i < NELEM(cmds); i++)
		if (cmds[i].level <= c->level &&
		    span_begins(span_str(cmds[i].name), begin))
			text_printf(&c->out, "  %-40s: %s\n", cmds[i].name,
			    cmds[i].doc);
	text_addc(&c->out, '\n');
}

static void
do_help(struct mcli *c, struct span args)
{
	text_addz(&c->out, "The following commands are valid at this "
	    "level:\n");
	list_commands(c, args);
}

static void
say_unknown(struct mcli *c)
{
	text_addz(&c->out, "Unknown command, but maybe one of the following "
	    "ones is a better match:\n");
	list_commands(c, SPAN(""));
}

/* ---- which command, for whom ---- */

static void
run_own(struct mcli *c, struct span cmd)
{
	for (size_t i = 0; i < NELEM(cmds); i++) {
		struct span name = span_str(cmds[i].name);

		if (cmds[i].run == NULL || !span_begins(cmd, name) ||
		    (cmd.n > name.n && cmd.p[name.n] != ' '))
			continue;
		if (cmds[i].level > c->level)
			text_addz(&c->out, "Permission denied\n\n");
		else
			cmds[i].run(c, span_trim(span_skip(cmd, name.n)));
		return;
	}
	say_unknown(c);
}

/* "@1", "@!123", "@master": 0 and the pid (0: the master), or -1. */
static int
find_target(struct span word, pid_t *pid)
{
	uint64_t n;

	*pid = 0;
	if (word.n == 1 || span_is(word, "@master") || span_is(word, "@0"))
		return (0);
	if (span_is(word, "@1") && mcli_owner->keeper() != 0) {
		*pid = mcli_owner->keeper();
		return (0);
	}
	if (word.n < 3 || word.p[1] != '!' || !num_u64(span_skip(word, 2), &n)
	    || n == 0 || n > INT32_MAX)
		return (-1);
	if ((pid_t)n == getpid())
		return (0);
	*pid = (pid_t)n;
	return (mcli_owner->chan(*pid) != NULL ? 0 : -1);
}

static void
run_for(struct mcli *c, pid_t target, struct span cmd)
{
	/* These are about the session, whoever is its target. */
	if (target == 0 || span_is(cmd, "prompt") || span_is(cmd, "quit") ||
	    span_is(cmd, "operator") || span_is(cmd, "user"))
		run_own(c, cmd);
	else if (!mcli_forward(c, target, cmd))
		text_printf(&c->out, "Can't reach the process %d; it may "
		    "have just ended\n\n", (int)target);
}

void
mcli_command(struct mcli *c, struct span cmd)
{
	struct span word;
	pid_t target = c->target;

	cmd = span_trim(cmd);
	if (cmd.n > 0 && cmd.p[cmd.n - 1] == '\r')
		cmd = span_trim(span_of(cmd.p, cmd.n - 1));
	if (cmd.n > 0 && cmd.p[0] == '@') {
		struct span rest = cmd;

		(void)span_cut(&rest, ' ', &word);
		cmd = rest.p == NULL ? SPAN("") : span_trim(rest);
		if (find_target(word, &target) < 0) {
			text_printf(&c->out, "Can't find the target PID "
			    "matching the prefix '%.*s'\n", SPAN_FMT(word));
			mcli_prompt(c);
			return;
		}
		if (cmd.n == 0)
			c->target = target;
	}
	if (cmd.n > 0)
		run_for(c, target, cmd);
	if (c->relay < 0 && !c->waits && !c->ends)
		mcli_prompt(c);
}
