/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_cmd - the commands that the master answers itself. Others go to the
 * agent of a generation.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/must.h>
#include <base/num.h>

#include "master_cli_int.h"

enum level { USER = 1, OPERATOR, ADMIN };

struct cmd {
	const char *name;
	int level;
	void (*run)(struct cli *, struct span args);
	const char *doc;
};

static const char *const level_names[] = { "none", "user", "operator",
	"admin" };

/* ---- show proc ---- */

static void
put_uptime(char *out, size_t room, int64_t born_ms)
{
	int64_t s = (the_master.loop.now_ms - born_ms) / 1000;

	snprintf(out, room, "%lldd%02lldh%02lldm%02llds",
	    (long long)(s / 86400), (long long)(s / 3600 % 24),
	    (long long)(s / 60 % 60), (long long)(s % 60));
}

static void
put_row(struct text *t, long pid, const char *type, const char *reloads,
    int64_t born_ms)
{
	char uptime[40];

	put_uptime(uptime, sizeof uptime, born_ms);
	text_printf(t, "%-15ld %-15s %-15s %-15s %s\n", pid, type, reloads,
	    uptime, the_master.a->version);
}

static void
put_gen(struct text *t, const struct gen *g, bool debug)
{
	char reloads[16];

	snprintf(reloads, sizeof reloads, "%u", g->reloads);
	put_row(t, (long)g->pid, "worker", reloads, g->born_ms);
	if (!debug)
		return;
	put_row(t, g->procs.agent, "  agent", reloads, g->born_ms);
	for (uint32_t i = 0; i < g->procs.n; i++)
		put_row(t, g->procs.worker[i], "  process", reloads,
		    g->born_ms);
}

static bool
is_old(const struct gen *g)
{
	return (g->state == GEN_OLD && g->pid > 0);
}

/* Ours, as comments behind what other tools read: what was carried, what
 * stays and why. */
static void
show_handover(struct text *t, const struct master *m)
{
	char uptime[40];

	if (m->last_change == NULL)
		return;
	text_printf(t, "# handover\n# %s\n", m->last_change);
	for (struct list *it = m->gens.next; it != &m->gens; it = it->next) {
		const struct gen *g = LIST_ITEM(it, struct gen, node);
		struct ipc_carried sum = master_give_sum(g);

		if (g->state != GEN_OLD && g->state != GEN_ORPHANS)
			continue;
		put_uptime(uptime, sizeof uptime, g->born_ms);
		text_printf(t, "# generation %u (%d) age %s: %u carried, %u "
		    "stay, %u refused\n", g->no, (int)g->pid, uptime,
		    sum.carried, sum.lingering, sum.refused);
		master_give_print(t, g, "#   ", "\n");
	}
}

static void
show_proc(struct cli *c, struct span args)
{
	const struct master *m = &the_master;
	bool debug = span_is(args, "debug"), any = false;
	char reloads[40];

	text_printf(&c->out, "%-15s %-15s %-15s %-15s %-15s\n", "#<PID>",
	    "<type>", "<reloads>", "<uptime>", "<version>");
	snprintf(reloads, sizeof reloads, "%u [failed: %u]", m->reloads,
	    m->failed);
	put_row(&c->out, (long)getpid(), "master", reloads, m->born_ms);
	text_addz(&c->out, "# workers\n");
	if (m->current != NULL)
		put_gen(&c->out, m->current, debug);
	for (struct list *it = m->gens.next; it != &m->gens; it = it->next) {
		const struct gen *g = LIST_ITEM(it, struct gen, node);

		if (!is_old(g))
			continue;
		if (!any)
			text_addz(&c->out, "# old workers\n");
		any = true;
		put_gen(&c->out, g, debug);
	}
	show_handover(&c->out, m);
	text_addc(&c->out, '\n');
}

/* ---- the others ---- */

static void
do_reload(struct cli *c, struct span args)
{
	(void)args;
	if (the_master.candidate != NULL || the_master.swapping ||
	    the_master.stopping) {
		text_printf(&c->out, "Success=0\n--\n%s\n",
		    the_master.stopping ? "The master is stopping." :
		    "Another reload is still in progress.");
		c->ends = true;
		return;
	}
	c->waits = true;
	master_reload(&the_master);
}

/* Old generations are told to end at once when the new one serves. */
static void
do_hard_reload(struct cli *c, struct span args)
{
	the_master.hard = the_master.candidate == NULL &&
	    !the_master.swapping;
	do_reload(c, args);
}

static void
show_startup_logs(struct cli *c, struct span args)
{
	(void)args;
	text_add(&c->out, text_span(&the_master.log));
	text_addc(&c->out, '\n');
}

static void
show_version(struct cli *c, struct span args)
{
	(void)args;
	text_printf(&c->out, "%s\n\n", the_master.a->version);
}

static void
show_level(struct cli *c, struct span args)
{
	(void)args;
	text_printf(&c->out, "%s\n\n", level_names[c->level]);
}

static void
show_sockets(struct cli *c, struct span args)
{
	(void)args;
	text_addz(&c->out, "# socket lvl processes\n");
	for (size_t i = 0; i < the_master.a->n_sockets; i++) {
		const char *s = the_master.a->sockets[i];

		text_printf(&c->out, "%s%.*s %s master\n",
		    s[0] == '/' ? "unix@" : "", (int)strcspn(s, ","), s,
		    level_names[the_master.sockets[i].level]);
	}
	text_addc(&c->out, '\n');
}

static void
show_load(struct cli *c, struct span args)
{
	text_printf(&c->out, "Success=%d\n--\n", !the_master.last_failed);
	show_startup_logs(c, args);
}

static void
show_env(struct cli *c, struct span args)
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
do_echo(struct cli *c, struct span args)
{
	text_add(&c->out, args);
	text_addz(&c->out, "\n\n");
}

/* Modes are of this session, and go with each command to a worker. */
static void
turn_mode(struct cli *c, uint32_t mode, const char *name, struct span args)
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
do_experimental(struct cli *c, struct span args)
{
	turn_mode(c, IPC_CLI_EXPERIMENTAL, "experimental-mode", args);
}

static void
do_expert(struct cli *c, struct span args)
{
	turn_mode(c, IPC_CLI_EXPERT, "expert-mode", args);
}

static void
do_prompt(struct cli *c, struct span args)
{
	(void)args;
	c->interactive = !c->interactive;
}

static void
do_quit(struct cli *c, struct span args)
{
	(void)args;
	c->ends = true;
	c->interactive = false;
}

static void
lower(struct cli *c, int level)
{
	if (c->level > level)
		c->level = level;
	if (!c->interactive)
		text_addc(&c->out, '\n');
}

static void
do_operator(struct cli *c, struct span args)
{
	(void)args;
	lower(c, OPERATOR);
}

static void
do_user(struct cli *c, struct span args)
{
	(void)args;
	lower(c, USER);
}

static void do_help(struct cli *, struct span);

static const struct cmd cmds[] = {
#define MCLI(name, level, run, doc) { name, level, run, doc },
#include <ipc/mcli.def>
#undef MCLI
};

static void
list_commands(struct cli *c, struct span begin)
{
	for (size_t i = 0; i < NELEM(cmds); i++)
		if (cmds[i].level <= c->level &&
		    span_begins(span_str(cmds[i].name), begin))
			text_printf(&c->out, "  %-40s: %s\n", cmds[i].name,
			    cmds[i].doc);
	text_addc(&c->out, '\n');
}

static void
do_help(struct cli *c, struct span args)
{
	text_addz(&c->out, "The following commands are valid at this "
	    "level:\n");
	list_commands(c, args);
}

static void
say_unknown(struct cli *c)
{
	text_addz(&c->out, "Unknown command, but maybe one of the following "
	    "ones is a better match:\n");
	list_commands(c, SPAN(""));
}

/* ---- which command, for whom ---- */

static void
run_own(struct cli *c, struct span cmd)
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
	const struct gen *now = the_master.current;
	uint64_t n;

	*pid = 0;
	if (word.n == 1 || span_is(word, "@master") || span_is(word, "@0"))
		return (0);
	if (span_is(word, "@1") && now != NULL) {
		*pid = now->pid;
		return (0);
	}
	if (word.n < 3 || word.p[1] != '!' || !num_u64(span_skip(word, 2), &n)
	    || n == 0 || n > INT32_MAX)
		return (-1);
	if ((pid_t)n == getpid())
		return (0);
	*pid = (pid_t)n;
	return (master_gen_of(*pid) != NULL ? 0 : -1);
}

static void
run_for(struct cli *c, pid_t target, struct span cmd)
{
	struct gen *g = target == 0 ? NULL : master_gen_of(target);

	/* These are about the session, whoever is its target. */
	if (target == 0 || span_is(cmd, "prompt") || span_is(cmd, "quit") ||
	    span_is(cmd, "operator") || span_is(cmd, "user"))
		run_own(c, cmd);
	else if (g == NULL || !master_cli_forward(c, g, cmd))
		text_printf(&c->out, "Can't reach the process %d; it may "
		    "have just ended\n\n", (int)target);
}

void
master_cli_command(struct cli *c, struct span cmd)
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
			master_cli_prompt(c);
			return;
		}
		if (cmd.n == 0)
			c->target = target;
	}
	if (cmd.n > 0)
		run_for(c, target, cmd);
	if (c->relay < 0 && !c->waits && !c->ends)
		master_cli_prompt(c);
}
