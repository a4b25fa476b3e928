/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_extern - checks that are programs: the agent starts one, with the
 * server in its arguments and environment, and its exit code is the result.
 *
 * The end of the process comes as an event of its pidfd. One that takes too
 * long is killed, and its end waited for as that of any other.
 *
 * Source: configuration manual 4.2 "external-check command".
 */
#include "chk_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/must.h>
#include <base/text.h>
#include <os/fd.h>
#include <os/loop.h>
#include <os/proc.h>

#define N_ARGS 4
#define ENV_MAX 16
#define NOT_USED "NOT_USED"

extern char **environ;

/* ---- what it is told ---- */

struct words {
	char *argv[N_ARGS + 2];
	char **envp;                    /* ours, then NULL */
	size_t n_env;
};

static char *
format(const char *fmt, ...)
{
	struct text t;
	va_list ap;
	char *s;

	text_init(&t);
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
	s = must_strdup(t.p == NULL ? "" : t.p);
	text_fini(&t);
	return (s);
}

#define ENV(w, ...) ((w)->envp[(w)->n_env++] = format(__VA_ARGS__))

static void
addr_words(const struct addr *a, char ip[ADDR_TEXT], char port[8])
{
	ip[0] = port[0] = '\0';
	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return;
	addr_print(a, ip);
	snprintf(port, 8, "%u", a->port);
}

/* Its first socket, when it has one. */
static void
proxy_words(const struct px *px, struct words *w)
{
	const struct px_listen *li = px->listens;
	char ip[ADDR_TEXT] = "", port[8] = "";

	if (li != NULL)
		addr_words(&li->addr.addr, ip, port);
	w->argv[1] = format("%s", ip[0] != '\0' ? ip : NOT_USED);
	w->argv[2] = format("%s", port[0] != '\0' ? port : NOT_USED);
	ENV(w, "HAPROXY_PROXY_ADDR=%s", ip);
	ENV(w, "HAPROXY_PROXY_PORT=%s", port);
	ENV(w, "HAPROXY_PROXY_NAME=%s", px->name);
	ENV(w, "HAPROXY_PROXY_ID=%u", px->id);
}

static void
server_words(const struct srv *srv, struct words *w)
{
	const struct px_server *sv = srv->cfg;
	char ip[ADDR_TEXT], port[8], max[16] = "";
	struct addr a;

	srv_addr(srv, NULL, &a);
	addr_words(&a, ip, port);
	if (srv_maxconn(srv) != 0)
		snprintf(max, sizeof max, "%u", srv_maxconn(srv));
	w->argv[3] = format("%s", sv->unix_path != NULL ? sv->unix_path :
	    ip[0] != '\0' ? ip : NOT_USED);
	w->argv[4] = format("%s", port[0] != '\0' ? port : NOT_USED);
	ENV(w, "HAPROXY_SERVER_ADDR=%s", w->argv[3]);
	ENV(w, "HAPROXY_SERVER_PORT=%s", port);
	ENV(w, "HAPROXY_SERVER_NAME=%s", sv->name);
	ENV(w, "HAPROXY_SERVER_ID=%u", sv->id);
	ENV(w, "HAPROXY_SERVER_MAXCONN=%s", max);
	ENV(w, "HAPROXY_SERVER_CURCONN=%u",
	    (unsigned)atomic_load(&srv->shm->inflight));
	ENV(w, "HAPROXY_SERVER_SSL=0");
	ENV(w, "HAPROXY_SERVER_PROTO=%s", srv->be->px->mode == PX_HTTP ? "h1" :
	    "tcp");
}

/* With `preserve-env` also what we were started with, but for what is ours. */
static void
inherit(struct words *w)
{
	for (char **e = environ; *e != NULL; e++)
		if (strncmp(*e, "PATH=", 5) != 0 &&
		    strncmp(*e, "HAPROXY_SERVER_", 15) != 0 &&
		    strncmp(*e, "HAPROXY_PROXY_", 14) != 0)
			ENV(w, "%s", *e);
}

static void
make_words(const struct srv *srv, struct words *w)
{
	const struct chk_global_cfg *g = px_get(&px_model->global.slots,
	    &chk_global_slot);
	const struct chk_px_cfg *cfg = chk_px_of(srv);
	size_t n = ENV_MAX;

	for (char **e = environ; g->preserve_env && *e != NULL; e++)
		n++;
	w->envp = must_alloc((n + 1) * sizeof *w->envp);
	w->n_env = 0;
	w->argv[0] = format("%s", cfg->ext_command);
	w->argv[N_ARGS + 1] = NULL;
	proxy_words(srv->be->px, w);
	server_words(srv, w);
	ENV(w, "PATH=%s", cfg->ext_path == NULL ? "" : cfg->ext_path);
	if (g->preserve_env)
		inherit(w);
}

static void
free_words(struct words *w)
{
	for (int i = 0; i <= N_ARGS; i++)
		free(w->argv[i]);
	for (size_t i = 0; i < w->n_env; i++)
		free(w->envp[i]);
	free(w->envp);
}

/* ---- the process ---- */

/* Looked for in the path of the configuration, not in ours. */
static const char *
find_command(const struct chk_px_cfg *cfg, char dst[4096])
{
	struct span path = span_str(cfg->ext_path == NULL ? "" :
	    cfg->ext_path), dir;

	if (cfg->ext_command[0] == '/')
		return (cfg->ext_command);
	while (span_cut(&path, ':', &dir)) {
		snprintf(dst, 4096, "%.*s/%s", SPAN_FMT(dir),
		    cfg->ext_command);
		if (access(dst, X_OK) == 0)
			return (dst);
	}
	return (cfg->ext_command);
}

static void
on_exit_event(void *arg, unsigned events)
{
	struct chk *c = OBJ(arg, struct chk, CHK_MAGIC);
	struct chk_verdict v = { .status = CHK_PROCERR };
	siginfo_t si;

	(void)events;
	memset(&si, 0, sizeof si);
	if (waitid((idtype_t)P_PIDFD, (id_t)c->fd, &si, WEXITED | WNOHANG) ==
	    0 && si.si_pid == 0)
		return;                 /* not yet */
	c->pid = 0;
	if (c->ext_late)
		v.status = CHK_PROCTOUT;
	else if (si.si_code != CLD_EXITED)
		v.code = (unsigned)-1;
	else {
		v.code = (unsigned)si.si_status;
		if (v.code == 0)
			v.status = CHK_PROCOK;
	}
	chk_conclude(c, &v);
}

static void
give_up(struct chk *c, int err)
{
	struct chk_verdict v = { .status = CHK_PROCERR, .code = 255,
		.info = span_str(strerror(err)) };

	chk_conclude(c, &v);
}

void
chk_extern_start(struct chk *c)
{
	char path[4096];
	struct words w;
	int err;

	c->ext_late = false;
	make_words(c->srv, &w);
	err = proc_spawn(&(struct proc_program){
	    .path = find_command(chk_px_of(c->srv), path), .argv = w.argv,
	    .envp = w.envp, .out = -1 }, &c->pid);
	free_words(&w);
	if (err != 0) {
		c->pid = 0;
		give_up(c, err);
		return;
	}
	c->fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->fd < 0 || !loop_add(the_loop, c->fd, on_exit_event, c)) {
		err = errno;
		chk_extern_stop(c);
		give_up(c, err);
	}
}

/* Its end comes as an event. */
void
chk_extern_late(struct chk *c)
{
	c->ext_late = true;
	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
}

void
chk_extern_stop(struct chk *c)
{
	if (c->pid <= 0)
		return;
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	c->pid = 0;
}
