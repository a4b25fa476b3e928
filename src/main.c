/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main - which of the processes this is.
 *
 * A user's call becomes the master (-W) or a keeper on its own. The master
 * starts keepers, and its own next image, from the same program and arguments;
 * an environment variable with a descriptor tells them apart.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/must.h>
#include <base/num.h>
#include <conf/level.h>
#include <ipc/say.h>
#include <keeper/keeper.h>
#include <master/master.h>
#include <mcli/mcli.h>
#include <os/proc.h>
#include <version.h>

/* For as long as the process. */
static char **the_args, **first_environ, *the_program;
static struct keeper_opts the_opts;

/* A descriptor from the environment, which is cleaned; -1. */
static int
role_fd(const char *name)
{
	const char *v = getenv(name);
	uint64_t fd;

	if (v == NULL || !num_u64(span_str(v), &fd) || fd > INT_MAX)
		return (-1);
	unsetenv(name);
	return ((int)fd);
}

/* The path that was launched, so that a new program under the same name is
 * found; /proc/self/exe when it can't be told. */
static char *
program_path(const char *arg)
{
	char buf[PATH_MAX], cwd[PATH_MAX];
	struct span left = span_str(getenv("PATH")), dir;
	ssize_t n;

	if (arg[0] == '/')
		return (must_strdup(arg));
	if (strchr(arg, '/') != NULL && getcwd(cwd, sizeof cwd) != NULL &&
	    snprintf(buf, sizeof buf, "%s/%s", cwd, arg) < (int)sizeof buf &&
	    access(buf, X_OK) == 0)
		return (must_strdup(buf));
	while (strchr(arg, '/') == NULL && span_cut(&left, ':', &dir))
		if (dir.n > 0 && dir.p[0] == '/' && snprintf(buf, sizeof buf,
		    "%.*s/%s", SPAN_FMT(dir), arg) < (int)sizeof buf &&
		    access(buf, X_OK) == 0)
			return (must_strdup(buf));
	n = readlink("/proc/self/exe", buf, sizeof buf - 1);
	buf[n > 0 ? n : 0] = '\0';
	return (must_strdup(buf));
}

/* Of arguments or the environment: the process's title takes their memory. */
static char **
copy_strings(char **from)
{
	size_t n = 0;
	char **copy;

	while (from[n] != NULL)
		n++;
	copy = must_alloc((n + 1) * sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = must_strdup(from[i]);
	return (copy);
}

static _Noreturn void
be_keeper(int fd)
{
	keeper_candidate(&the_opts, fd);
}

static int
be_master(const struct keeper_opts *o, int resume_fd)
{
	const struct master_args a = {
		.argv = o->argv, .program = the_program,
		.version = CONF_LEVEL_VERSION, .pidfile = o->pidfile,
		.sockets = o->master_sockets, .n_sockets = o->n_master_sockets,
		.getsocks = o->getsocks, .old_pids = o->old_pids,
		.n_old_pids = o->n_old_pids, .old_signal = o->old_signal,
		.notify = o->notify, .daemon = o->daemon,
		.foreground = o->foreground, .quiet = o->quiet,
		.unlike = first_environ != NULL, .be_keeper = be_keeper
	};

	return (master_main(&a, resume_fd));
}

static int
be_whole(struct keeper_opts *o)
{
	const char *err;
	int status;

	if (!mcli_check(o->master_sockets, o->n_master_sockets,
	    &err)) {
		ipc_say(DIAG_ALERT, "-S: %s", err);
		return (1);
	}
	if (o->check)
		return (keeper_check(o));
	if (!o->master) {
		/* A master that the configuration asks for starts keepers
		 * from what was here before that was read. */
		first_environ = copy_strings(environ);
		if ((status = keeper_top(o)) != KEEPER_WANTS_MASTER)
			return (status);
		environ = first_environ;
		ipc_say_also = NULL;
	}
	return (be_master(o, -1));
}

int
main(int argc, char **argv)
{
	int keeper_fd = role_fd(MASTER_ENV_KEEPER);
	int resume_fd = role_fd(MASTER_ENV_RESUME);
	int status;

	if (argc < 1)
		return (1);
	the_args = copy_strings(argv);
	proc_title_init(argc, argv);
	proc_short_turns();
	the_program = program_path(the_args[0]);
	if ((status = keeper_cmdline(argc, the_args, &the_opts)) >= 0)
		return (status);
	ipc_say_quiet = the_opts.quiet;
	if (keeper_fd >= 0)     /* the master is in that directory already */
		keeper_candidate(&the_opts, keeper_fd);
	if (resume_fd >= 0)
		return (be_master(&the_opts, resume_fd));
	if (the_opts.chdir != NULL && chdir(the_opts.chdir) != 0) {
		ipc_say(DIAG_ALERT, "could not change to directory %s: %s",
		    the_opts.chdir, strerror(errno));
		return (1);
	}
	return (be_whole(&the_opts));
}
