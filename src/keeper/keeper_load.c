/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_load - the configuration of this generation, and -c.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/must.h>
#include <base/text.h>
#include <compat/compat.h>
#include <conf/kw.h>
#include <conf/level.h>
#include <ipc/say.h>
#include <os/loop.h>
#include <px/px.h>
#include <version.h>

#include "keeper_int.h"

#define LOG_MAX   (1u << 20)
#define LOG_PIECE 65536u        /* IPC_LOG's limit */

static struct diags diags;
static struct arena arena;

/* ---- what was said ---- */

static struct text log_kept;

static void
keep_log(struct span s)
{
	struct ipc_chan *master = &the_keeper.master;

	if (log_kept.n + s.n <= LOG_MAX)
		text_add(&log_kept, s);
	while (master->fd >= 0 && s.n > 0) {
		size_t n = s.n < LOG_PIECE ? s.n : LOG_PIECE;

		(void)ipc_send(master, IPC_LOG, s.p, n, NULL, 0);
		s = span_skip(s, n);
	}
}

void
keeper_log_begin(void)
{
	text_init(&log_kept);
	ipc_say_also = keep_log;
}

const char *
keeper_log(void)
{
	return (log_kept.p != NULL ? log_kept.p : "");
}

/* ---- loading ---- */

/* Said before the first warning or alert, so that a report of it carries
 * which program spoke. */
static void
say_who(void)
{
	static bool said;
	char exe[PATH_MAX];
	ssize_t n;

	if (said)
		return;
	said = true;
	n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	exe[n > 0 ? n : 0] = '\0';
	ipc_say(DIAG_NOTICE, "ecluse version is %s", ECLUSE_VERSION);
	ipc_say(DIAG_NOTICE, "path to executable is %s", exe);
}

static void
on_diag(const struct diag *d, void *arg)
{
	const struct keeper_opts *o = arg;

	if (d->level == DIAG_DIAG && !o->diagnostics)
		return;
	if (o->quiet && d->level != DIAG_ALERT)
		return;
	if (d->level == DIAG_WARNING || d->level == DIAG_ALERT)
		say_who();
}

/* Hints are attached after the sink was called, so texts come at the end of
 * loading. */
static void
print_diags(const struct keeper_opts *o)
{
	struct text t;

	text_init(&t);
	LIST_EACH(it, &diags.all) {
		struct diag *d = LIST_ITEM(it, struct diag, node);

		if (d->level == DIAG_DIAG && !o->diagnostics)
			continue;
		if (o->quiet && d->level != DIAG_ALERT)
			continue;
		text_clear(&t);
		diag_render(d, (int)getpid(), &t);
		ipc_say_text(text_span(&t));
	}
	text_fini(&t);
}

void
keeper_env(const struct keeper_opts *o)
{
	char host[HOST_NAME_MAX + 1] = "localhost";
	struct text t;

	(void)gethostname(host, sizeof host - 1);
	if (o->localpeer != NULL)
		setenv("HAPROXY_LOCALPEER", o->localpeer, 1);
	else
		setenv("HAPROXY_LOCALPEER", host, 1);
	setenv("HAPROXY_STARTUP_VERSION", CONF_LEVEL_VERSION, 0);
	if (o->master)
		setenv("HAPROXY_MWORKER", "1", 1);
	if (o->n_master_sockets == 0)
		return;
	text_init(&t);
	for (size_t i = 0; i < o->n_master_sockets; i++) {
		const char *s = o->master_sockets[i];

		if (i > 0)
			text_addc(&t, ';');
		if (strchr(s, '@') == NULL && s[0] == '/')
			text_addz(&t, "unix@");
		text_add(&t, span_of(s, strcspn(s, ",")));
	}
	setenv("HAPROXY_MASTER_CLI", t.p, 1);
	text_fini(&t);
}

/* What the command line says outranks the file. */
static void
apply_options(const struct keeper_opts *o)
{
	struct px_global *g = &px_model->global;

	if (o->maxconn != 0)
		g->maxconn = (uint32_t)o->maxconn;
	if (o->pidfile != NULL)
		g->pidfile = o->pidfile;
	g->quiet = g->quiet || o->quiet;
	g->debug_mode = o->debug;
	g->master_worker = g->master_worker || o->master;
	if (o->debug || o->foreground || o->notify)
		g->daemon = false;
	else if (o->daemon)
		g->daemon = true;
	g->no_reuseport = g->no_reuseport || o->no_reuseport;
	g->no_splice = g->no_splice || o->no_splice;
	if (o->px_maxconn != 0)
		PX_EACH(px, px_model)
			if ((px->kind & PX_FE) != 0 && px->maxconn == 0)
				px->maxconn = (uint32_t)o->px_maxconn;
}

bool
keeper_load(struct keeper_opts *o, struct conf *conf)
{
	bool good;

	diags_init(&diags);
	diags.sink = on_diag;
	diags.sink_arg = o;
	arena_init(&arena, 0);
	memset(conf, 0, sizeof *conf);
	conf->arena = &arena;
	conf->diags = &diags;
	conf->check_only = o->check;
	conf->zero_warning = o->zero_warning;
	conf->diagnostics = o->diagnostics;
	compat_init();
	px_model_new(&arena);
	px_model->global.localpeer = o->localpeer;
	px_model->global.localpeer_fixed = o->localpeer != NULL;
	good = conf_load(conf, o->files, o->n_files);
	print_diags(o);
	if (!good) {
		ipc_say(DIAG_ALERT,
		    "config : Fatal errors found in configuration.");
		return (false);
	}
	if (conf->zero_warning && diags.n[DIAG_WARNING] > 0) {
		ipc_say(DIAG_ALERT, "config : warnings were found and "
		    "'zero-warning' makes them fatal");
		return (false);
	}
	apply_options(o);
	loop_no_epoll = o->no_epoll || px_model->global.no_epoll;
	if (loop_no_epoll && (o->no_poll || px_model->global.no_poll)) {
		ipc_say(DIAG_ALERT, "neither epoll nor poll may be used: take "
		    "away one of -de, -dp, 'noepoll' and 'nopoll'");
		return (false);
	}
	return (true);
}

/* ---- -c and what may come with it ---- */

static void
print_libraries(void)
{
	char line[PATH_MAX + 128], exe[PATH_MAX], last[PATH_MAX] = "";
	FILE *f = fopen("/proc/self/maps", "re");
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	char *p;

	exe[n > 0 ? n : 0] = '\0';
	puts(exe);
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		p = strchr(line, '/');
		if (p == NULL || strstr(p, ".so") == NULL ||
		    strcmp(p, last) == 0 || strcmp(p, exe) == 0)
			continue;
		snprintf(last, sizeof last, "%.*s", PATH_MAX - 1, p);
		puts(p);
	}
	if (f != NULL)
		fclose(f);
}

static int
print_extras(const struct keeper_opts *o)
{
	struct text t;
	bool good = true;

	if (o->keywords != NULL) {
		text_init(&t);
		good = kw_dump(span_str(o->keywords), &t);
		if (t.n > 0)
			fwrite(t.p, 1, t.n, stdout);
		text_fini(&t);
	}
	if (o->libraries)
		print_libraries();
	fflush(stdout);
	return (good ? 0 : 1);
}

int
keeper_check(const struct keeper_opts *opts)
{
	struct keeper_opts o = *opts;
	struct conf conf;

	keeper_env(&o);
	if (!keeper_load(&o, &conf))
		return (1);
	if (o.n_master_sockets > 0 && !px_model->global.master_worker) {
		ipc_say(DIAG_ALERT, "-S needs the master-worker mode: add -W");
		return (1);
	}
	/* Newer HAProxy says it with -V only; runners of tests and units want
	 * to read it. */
	if (o.verbose || !o.quiet) {
		if (diags.n[DIAG_WARNING] > 0)
			puts("Warnings were found.");
		puts("Configuration file is valid");
	}
	return (print_extras(&o));
}
