/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_exec - when the program on disk is another one and it has served a
 * generation, become it: same process, state through a memfd.
 *
 * The state is text, a line per thing, so that another version can read it
 * and skip what it does not know.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <base/num.h>
#include <ipc/holder.h>
#include <ipc/say.h>
#include <mcli/mcli.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/proc.h>
#include <os/sock.h>

#include "master_int.h"

#define STATE_MAX (16u << 20)

void
master_exe_look(struct exe_id *e)
{
	struct stat st;

	memset(e, 0, sizeof *e);
	if (stat(the_master.a->program, &st) != 0)
		return;
	e->dev = st.st_dev;
	e->ino = st.st_ino;
	e->size = (uint64_t)st.st_size;
	e->mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u +
	    (uint64_t)st.st_mtim.tv_nsec;
}

/* ---- saving ---- */

static void
save_gen(struct text *t, struct gen *g)
{
	text_printf(t, "gen %u %d %d %u %lld %d %d %d %d %u", g->no,
	    (int)g->pid, (int)g->state, g->reloads, (long long)g->born_ms,
	    g->max_reloads, g->quiet, g->drained, g->chan.fd, g->procs.n);
	for (uint32_t i = 0; i < g->procs.n; i++)
		text_printf(t, " %d", (int)g->procs.worker[i]);
	text_printf(t, " %d %u\n", (int)g->procs.agent, g->level);
	if (g->chan.fd >= 0)
		(void)sock_set_cloexec(g->chan.fd, false);
}

static void
save_all(struct master *m, struct text *t)
{
	const int fds[] = { m->life[0], m->life[1], m->state_fd, m->ledger_fd };

	text_printf(t, "master %u %u %u %lld %lld %d %d %d %d %d %d\n",
	    m->last_gen, m->reloads, m->failed, (long long)m->born_ms,
	    (long long)m->wall_start_s, m->life[0], m->life[1], m->state_fd,
	    m->ledger_fd, m->daemonized, m->last_failed);
	for (size_t i = 0; i < NELEM(fds); i++)
		(void)sock_set_cloexec(fds[i], false);
	for (size_t i = 0; i < mcli_n_sockets; i++) {
		text_printf(t, "cli %d %d\n", mcli_sockets[i].fd,
		    mcli_sockets[i].level);
		(void)sock_set_cloexec(mcli_sockets[i].fd, false);
	}
	for (struct list *it = m->gens.prev; it != &m->gens; it = it->prev)
		save_gen(t, LIST_ITEM(it, struct gen, node));
	for (struct list *it = m->gens.next; it != &m->gens; it = it->next)
		master_give_save(t, LIST_ITEM(it, struct gen, node));
	if (m->last_change != NULL)
		text_printf(t, "change %s\n", m->last_change);
	if (m->pidfile != NULL)
		text_printf(t, "pidfile %s\n", m->pidfile);
	ipc_holder_save(t);
}

void
master_exec_if_new(struct master *m)
{
	struct exe_id now;
	struct text t;
	char number[16];
	int fd;

	master_exe_look(&now);
	if (now.ino == 0 || memcmp(&now, &m->exe, sizeof now) == 0)
		return;
	if ((fd = fd_memfd("ecluse-master")) < 0)
		return;
	text_init(&t);
	save_all(m, &t);
	snprintf(number, sizeof number, "%d", fd);
	if (fd_write_all(fd, t.p, t.n) && sock_set_cloexec(fd, false) &&
	    setenv(MASTER_ENV_RESUME, number, 1) == 0 &&
	    !fault_at("master.exec")) {
		execv(m->a->program, m->a->argv);
		ipc_say(DIAG_WARNING, "can't become the new program %s: %s; "
		    "the old one goes on", m->a->program, strerror(errno));
	}
	/* Descriptors stay inheritable until the next try: keepers get what
	 * they do not need, which does no harm. */
	unsetenv(MASTER_ENV_RESUME);
	m->exe = now;
	text_fini(&t);
	fd_close(&fd);
}

/* ---- loading ---- */

struct reader {
	struct span left;
	bool bad;
};

static int64_t
take_int(struct reader *r)
{
	struct span word;
	int64_t v = 0;

	if (!span_cut(&r->left, ' ', &word) || !num_i64(word, &v))
		r->bad = true;
	return (v);
}

static int
take_fd(struct reader *r)
{
	int64_t fd = take_int(r);

	if (fd < 0)
		return (-1);
	if (r->bad || fd > INT32_MAX || fcntl((int)fd, F_GETFD) < 0) {
		r->bad = true;
		return (-1);
	}
	(void)sock_set_cloexec((int)fd, true);
	return ((int)fd);
}

static void
load_master(struct master *m, struct reader *r)
{
	m->last_gen = (uint32_t)take_int(r);
	m->reloads = (unsigned)take_int(r);
	m->failed = (unsigned)take_int(r);
	m->born_ms = take_int(r);
	m->wall_start_s = take_int(r);
	m->life[0] = take_fd(r);
	m->life[1] = take_fd(r);
	m->state_fd = take_fd(r);
	m->ledger_fd = take_fd(r);
	m->daemonized = take_int(r) != 0;
	m->last_failed = take_int(r) != 0;
}

static void
load_gen(struct master *m, struct reader *r)
{
	struct gen *g = must_alloc(sizeof *g);
	int fd;

	g->no = (uint32_t)take_int(r);
	g->pid = (pid_t)take_int(r);
	g->state = (enum gen_state)take_int(r);
	g->reloads = (unsigned)take_int(r);
	g->born_ms = take_int(r);
	g->max_reloads = (int)take_int(r);
	g->quiet = take_int(r) != 0;
	g->drained = take_int(r) != 0;
	fd = take_fd(r);
	g->procs.n = (uint32_t)take_int(r);
	if (r->bad || g->procs.n > IPC_PROCS_MAX) {
		r->bad = true;
		free(g);
		return;
	}
	for (uint32_t i = 0; i < g->procs.n; i++)
		g->procs.worker[i] = (int32_t)take_int(r);
	g->procs.agent = (int32_t)take_int(r);
	if (r->left.p != NULL)  /* not said by the first release */
		g->level = (uint32_t)take_int(r);
	g->state_fd = g->ledger_fd = -1;
	g->chan.fd = -1;
	list_init(&g->chan.out);
	tmr_init(&g->tick, master_on_give_tick);
	if (fd >= 0)
		master_gen_attach(g, fd);
	list_push_front(&m->gens, &g->node);
	if (g->state == GEN_SERVING)
		m->current = g;
}

/* What a worker of a generation said: GEN WORKER and the rest. */
static void
load_report(struct reader *r, struct span word)
{
	uint32_t gen = (uint32_t)take_int(r);
	int32_t worker = (int32_t)take_int(r);

	master_give_load(gen, worker, word, r->left);
}

static void
load_socket(struct reader *r)
{
	int fd = take_fd(r);

	mcli_adopt(fd, (int)take_int(r));
}

bool
master_resume(struct master *m, int fd)
{
	char path[40], *all;
	struct span left, line;
	struct reader r = { { NULL, 0 }, false };
	size_t n;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if ((all = fd_read_file(path, STATE_MAX, &n)) == NULL)
		return (false);
	left = span_of(all, n);
	while (!r.bad && span_cut(&left, '\n', &line)) {
		struct span word;

		r.left = line;
		if (line.n == 0 || !span_cut(&r.left, ' ', &word))
			continue;
		if (span_is(word, "master"))
			load_master(m, &r);
		else if (span_is(word, "gen"))
			load_gen(m, &r);
		else if (span_is(word, "cli"))
			load_socket(&r);
		else if (span_is(word, "give") || span_is(word, "row") ||
		    span_is(word, "closed"))
			load_report(&r, word);
		else if (span_is(word, "change"))
			m->last_change = span_dup(r.left);
		else if (span_is(word, "pidfile"))
			m->pidfile = span_dup(r.left);
	}
	if (!r.bad)
		r.bad = !ipc_holder_load(span_of(all, n));
	free(all);
	fd_close(&fd);
	return (!r.bad && m->life[1] >= 0 && m->state_fd >= 0);
}
