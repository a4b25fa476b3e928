/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_cmdline - the command line: HAProxy's flags with their meaning.
 *
 * One row per flag. What the reference has and we do not is a row as well, so
 * that it is refused by its name.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/must.h>
#include <base/num.h>
#include <base/pool.h>
#include <base/text.h>
#include <conf/conf.h>
#include <conf/feature.h>
#include <conf/level.h>
#include <version.h>

#include "keeper_int.h"

enum arg { NONE, WORD, GLUED, PIDS, REST };

struct cmd {                    /* being read */
	struct keeper_opts *o;
	char **argv;
	int argc, at;
	int status;             /* to exit with at once; -1: go on */
};

struct flag {
	const char *name;
	enum arg arg;
	/* false: the usage and exit status 1 */
	bool (*take)(struct cmd *, const char *arg);
	const char *usage;      /* what stands behind the name */
	const char *doc;        /* NULL: an alias */
};

static bool
complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static bool
complain(const char *fmt, ...)
{
	va_list ap;

	fputs("[ALERT]    (", stderr);
	fprintf(stderr, "%d) : ", (int)getpid());
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return (false);
}

/* Refused with a sentence of its own; the usage would only hide it. */
static bool
refuse(struct cmd *c)
{
	c->status = 1;
	return (true);
}

static bool
take_int(struct cmd *c, const char *flag, const char *arg, int *out)
{
	uint64_t n;

	if (!num_u64(span_str(arg), &n) || n > INT32_MAX) {
		complain("%s expects a number, found '%s'", flag, arg);
		return (refuse(c));
	}
	*out = (int)n;
	return (true);
}

/* ---- rows' functions ---- */

static void
add_file(struct cmd *c, const char *path)
{
	c->o->files = must_realloc(c->o->files,
	    (c->o->n_files + 1) * sizeof *c->o->files);
	c->o->files[c->o->n_files++].path = path;
}

static bool
take_file(struct cmd *c, const char *arg)
{
	add_file(c, arg);
	return (true);
}

static bool
take_rest(struct cmd *c, const char *arg)
{
	(void)arg;
	while (c->at < c->argc)
		add_file(c, c->argv[c->at++]);
	return (true);
}

static bool
take_version(struct cmd *c, const char *arg)
{
	struct text t;

	text_init(&t);
	if (strcmp(arg, "q") == 0)
		text_printf(&t, "%s\n", CONF_LEVEL_VERSION);
	else if (strcmp(arg, "qs") == 0)
		text_printf(&t, "%s-ecluse\n", CONF_LEVEL_BRANCH);
	else if (strcmp(arg, "qb") == 0)
		text_printf(&t, "%s\n", CONF_LEVEL_BRANCH);
	else if (*arg == '\0' || strcmp(arg, "v") == 0)
		keeper_version(&t, *arg != '\0');
	c->status = t.n == 0 ? 1 : 0;
	if (t.n > 0)
		fwrite(t.p, 1, t.n, stdout);
	fflush(stdout);
	text_fini(&t);
	return (c->status == 0);
}

#define FLAG_TAKE(fn, statement)                                             \
	static bool                                                          \
	fn(struct cmd *c, const char *arg)                                   \
	{                                                                    \
		(void)arg;                                                   \
		statement;                                                   \
		return (true);                                               \
	}

FLAG_TAKE(take_check, c->o->check = true)
FLAG_TAKE(take_condition, c->o->condition = arg)
FLAG_TAKE(take_debug, c->o->debug = true)
FLAG_TAKE(take_foreground, c->o->foreground = true)
FLAG_TAKE(take_daemon, c->o->daemon = true)
FLAG_TAKE(take_master, c->o->master = true)
FLAG_TAKE(take_notify, c->o->master = c->o->notify = true)
FLAG_TAKE(take_quiet, c->o->quiet = true)
FLAG_TAKE(take_verbose, c->o->verbose = true)
FLAG_TAKE(take_zero_warning, c->o->zero_warning = true)
FLAG_TAKE(take_diagnostics, c->o->diagnostics = true)
FLAG_TAKE(take_libraries, c->o->libraries = true)
FLAG_TAKE(take_keywords, c->o->keywords = *arg == '\0' ? "all" : arg)
FLAG_TAKE(take_pidfile, c->o->pidfile = arg)
FLAG_TAKE(take_peer, c->o->localpeer = arg)
FLAG_TAKE(take_chdir, c->o->chdir = arg)
FLAG_TAKE(take_getsocks, c->o->getsocks = arg)
FLAG_TAKE(take_no_epoll, c->o->no_epoll = conf_disable("EPOLL"))
FLAG_TAKE(take_no_poll, c->o->no_poll = conf_disable("POLL"))
FLAG_TAKE(take_no_splice, c->o->no_splice = conf_disable("SPLICE"))
FLAG_TAKE(take_no_reuseport, c->o->no_reuseport = conf_disable("REUSEPORT"))

static bool
take_maxconn(struct cmd *c, const char *arg)
{
	return (take_int(c, "-n", arg, &c->o->maxconn));
}

static bool
take_px_maxconn(struct cmd *c, const char *arg)
{
	return (take_int(c, "-N", arg, &c->o->px_maxconn));
}

static bool
take_memory(struct cmd *c, const char *arg)
{
	int mb = 0;

	if (!take_int(c, "-m", arg, &mb))
		return (false);
	c->o->memory_mb = mb;
	return (true);
}

static bool
take_master_socket(struct cmd *c, const char *arg)
{
	struct keeper_opts *o = c->o;

	o->master_sockets = must_realloc(o->master_sockets,
	    (o->n_master_sockets + 1) * sizeof *o->master_sockets);
	o->master_sockets[o->n_master_sockets++] = arg;
	return (true);
}

static bool
take_pids(struct cmd *c, const char *flag, int sig)
{
	struct keeper_opts *o = c->o;
	uint64_t n;

	o->old_signal = sig;
	while (c->at < c->argc && c->argv[c->at][0] != '-') {
		const char *arg = c->argv[c->at++];

		if (*arg == '\0')
			continue;
		if (!num_u64(span_str(arg), &n) || n == 0 || n > INT32_MAX) {
			complain("%s expects numbers of processes, found '%s'",
			    flag, arg);
			return (refuse(c));
		}
		o->old_pids = must_realloc(o->old_pids,
		    (o->n_old_pids + 1) * sizeof *o->old_pids);
		o->old_pids[o->n_old_pids++] = (pid_t)n;
	}
	return (true);
}

static bool
take_finish(struct cmd *c, const char *arg)
{
	(void)arg;
	return (take_pids(c, "-sf", SIGUSR1));
}

static bool
take_terminate(struct cmd *c, const char *arg)
{
	(void)arg;
	return (take_pids(c, "-st", SIGTERM));
}

static bool
print_memory_help(struct cmd *c)
{
	puts("-dM fills memory from pools with a byte before it is used: 0x50, "
	    "or the\nnumber that follows at once (-dM85; 0 clears it). Words "
	    "may follow, separated\nby commas:\n\n"
	    "    poison       fill memory (what -dM alone does)\n"
	    "    no-poison    do not\n"
	    "    help         print this");
	fflush(stdout);
	c->status = 0;
	return (true);
}

static bool
take_memory_debug(struct cmd *c, const char *arg)
{
	struct span left = span_str(arg), word;
	uint64_t n;

	pool_poison = 0x50;
	if (*arg == '\0')
		return (true);
	while (span_cut(&left, ',', &word)) {
		if (span_is(word, "help"))
			return (print_memory_help(c));
		if (span_is(word, "poison"))
			pool_poison = 0x50;
		else if (span_is(word, "no-poison"))
			pool_poison = -1;
		else if ((num_u64(word, &n) || (span_begins(word, SPAN("0x"))
		    && num_hex(span_skip(word, 2), &n))) && n < 256)
			pool_poison = (int)n;
		else {
			complain("-dM: unknown word '%.*s'; -dMhelp lists them",
			    SPAN_FMT(word));
			return (refuse(c));
		}
	}
	return (true);
}

static bool
not_yet(struct cmd *c, const char *arg)
{
	(void)arg;
	complain("%s is not supported yet", c->argv[c->at - 1]);
	return (refuse(c));
}

/* ---- the table ---- */

static const struct flag flags[] = {
	{ "-f", WORD, take_file, " <file|directory>",
	    "a configuration file, or a directory of *.cfg files; repeatable" },
	{ "--", REST, take_rest, " <file>...",
	    "more configuration files, up to the end of the line" },
	{ "-c", NONE, take_check, "",
	    "check the configuration and exit: 0 when it is valid, else 1" },
	{ "-cc", WORD, take_condition, " <condition>",
	    "evaluate a condition and exit: 0 true, 1 false, 2 not understood" },
	{ "-v", GLUED, take_version, "[v|q|qb|qs]",
	    "print the version; -vv with build options; -vq short forms" },
	{ "-V", NONE, take_verbose, "", "say more (-c: that a file is valid)" },
	{ "-q", NONE, take_quiet, "", "say less: only what went wrong" },
	{ "-W", NONE, take_master, "", "run below a master that can reload" },
	{ "-Ws", NONE, take_notify, "",
	    "the same, in the foreground, telling systemd of each step" },
	{ "-S", WORD, take_master_socket, " <address>[,<bind option>...]",
	    "a socket for commands to the master; repeatable, needs -W" },
	{ "-D", NONE, take_daemon, "", "go into the background once it serves" },
	{ "-d", NONE, take_debug, "",
	    "stay in the foreground and print what streams do" },
	{ "-db", NONE, take_foreground, "", "stay in the foreground" },
	{ "-C", WORD, take_chdir, " <directory>",
	    "change to this directory before anything is read" },
	{ "-p", WORD, take_pidfile, " <file>",
	    "write the number of the top process there" },
	{ "-n", WORD, take_maxconn, " <n>", "connections at most, in total" },
	{ "-N", WORD, take_px_maxconn, " <n>",
	    "connections at most of a frontend without 'maxconn'" },
	{ "-m", WORD, take_memory, " <MB>", "limit the memory of each process" },
	{ "-L", WORD, take_peer, " <name>",
	    "name of this peer (default: the host's)" },
	{ "-sf", PIDS, take_finish, NULL, NULL },
	{ "-st", PIDS, take_terminate, NULL, NULL },
	{ "-sf/-st", PIDS, NULL, " <pid>...",
	    "once started, let these finish, or end them" },
	{ "-x", WORD, take_getsocks, " <socket>",
	    "take the listening sockets of the process behind this stats "
	    "socket" },
	{ "-dD", NONE, take_diagnostics, "",
	    "also print diagnostics, which are not warnings yet" },
	{ "-dW", NONE, take_zero_warning, "", "any warning is fatal" },
	{ "-dK", GLUED, take_keywords, "<class>[,<class>...]",
	    "list keywords by class (-dKhelp)" },
	{ "-dL", NONE, take_libraries, "", "list what this program has loaded" },
	{ "-dM", GLUED, take_memory_debug, "[<byte>|<word>,...]",
	    "fill memory before it is used (-dMhelp)" },
	{ "-de", NONE, take_no_epoll, "", "no epoll: wait with poll" },
	{ "-dp", NONE, take_no_poll, "", "no poll: epoll or nothing" },
	{ "-dS", NONE, take_no_splice, "", "do not splice" },
	{ "-dR", NONE, take_no_reuseport, "",
	    "one listening socket for all workers" },
	{ "-4", NONE, not_yet, NULL, NULL },
	{ "-dA", GLUED, not_yet, NULL, NULL },
	{ "-dC", GLUED, not_yet, NULL, NULL },
	{ "-dF", NONE, not_yet, NULL, NULL },
	{ "-dG", NONE, not_yet, NULL, NULL },
	{ "-dI", NONE, NULL, "", "(accepted: processes may always fork)" },
	{ "-dT", NONE, not_yet, NULL, NULL },
	{ "-dV", NONE, not_yet, NULL, NULL },
	{ "-dZ", NONE, not_yet, NULL, NULL },
	{ "-dc", NONE, not_yet, NULL, NULL },
	{ "-dk", NONE, not_yet, NULL, NULL },
	{ "-dr", NONE, not_yet, NULL, NULL },
	{ "-dt", GLUED, not_yet, NULL, NULL },
	{ "-dv", NONE, not_yet, NULL, NULL },
};

static int
print_usage(const struct keeper_opts *o)
{
	struct text t;

	text_init(&t);
	keeper_version(&t, false);
	text_printf(&t, "Usage : %s [option]... {-f <file|directory>}... "
	    "[-- <file>...]\n", o->progname);
	for (size_t i = 0; i < NELEM(flags); i++) {
		char left[48];

		if (flags[i].doc == NULL)
			continue;
		snprintf(left, sizeof left, "%s%s", flags[i].name,
		    flags[i].usage);
		text_printf(&t, "  %-34s %s\n", left, flags[i].doc);
	}
	fwrite(t.p, 1, t.n, stderr);
	text_fini(&t);
	return (1);
}

/* The longest name that begins `arg`; all of it unless something may follow. */
static const struct flag *
find_flag(const char *arg)
{
	const struct flag *best = NULL;
	size_t best_n = 0;

	for (size_t i = 0; i < NELEM(flags); i++) {
		size_t n = strlen(flags[i].name);

		if (strncmp(arg, flags[i].name, n) != 0 || n < best_n ||
		    (arg[n] != '\0' && flags[i].arg != GLUED))
			continue;
		best = &flags[i];
		best_n = n;
	}
	return (best);
}

static bool
read_flag(struct cmd *c)
{
	const char *word = c->argv[c->at++], *arg = "";
	const struct flag *f = find_flag(word);

	if (f == NULL || strchr(f->name, '/') != NULL)
		return (complain("unknown option '%s'", word));
	if (f->take == NULL)
		return (true);
	if (f->arg == GLUED)
		arg = word + strlen(f->name);
	if (f->arg == WORD) {
		if (c->at >= c->argc)
			return (complain("%s expects an argument:%s", f->name,
			    f->usage));
		arg = c->argv[c->at++];
	}
	return (f->take(c, arg));
}

static int
judge_condition(const char *cond)
{
	const char *err = NULL;
	int col = 0, v = conf_eval(span_str(cond), &err, &col);

	if (v >= 0)
		return (v == 1 ? 0 : 1);
	complain("condition '%s': %s (column %d)", cond, err, col);
	return (2);
}

int
keeper_cmdline(int argc, char **argv, struct keeper_opts *o)
{
	struct cmd c = { o, argv, argc, 1, -1 };
	const char *slash = strrchr(argv[0], '/');

	memset(o, 0, sizeof *o);
	o->argc = argc;
	o->argv = argv;
	o->progname = slash != NULL ? slash + 1 : argv[0];
	while (c.at < argc) {
		if (!read_flag(&c))
			return (print_usage(o));
		if (c.status >= 0)
			return (c.status);
	}
	if (o->condition != NULL)
		return (judge_condition(o->condition));
	if (o->n_files == 0) {
		complain("no configuration file: name one with -f");
		return (print_usage(o));
	}
	if (o->notify || o->debug)
		o->foreground = true;
	if (o->keywords != NULL || o->libraries)
		o->check = true;
	return (-1);
}
