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
#include <stddef.h>
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

bool
master_exe_is_ours(const struct master *m)
{
	struct exe_id now;

	master_exe_look(&now);
	return (now.ino != 0 && memcmp(&now, &m->exe, sizeof now) == 0 &&
	    proc_is_current());
}

/* ---- lines of numbers: a table for both directions ---- */

enum kind { END, U32, I32, I64, BOOL, FD, PROCS };

/* New ones are added at the end: a line of an older release ends early, and in
 * one of a newer release there is more. */
struct field {
	enum kind kind;
	size_t at;
	bool may_lack;          /* not said by the first release */
};
#define FIELD(kind, type, member) { kind, offsetof(type, member), false }
#define LATER(kind, type, member) { kind, offsetof(type, member), true }

static const struct field master_fields[] = {
	FIELD(U32, struct master, last_gen),
	FIELD(U32, struct master, reloads),
	FIELD(U32, struct master, failed),
	FIELD(I64, struct master, born_ms),
	FIELD(I64, struct master, wall_start_s),
	FIELD(FD, struct master, life[0]),
	FIELD(FD, struct master, life[1]),
	FIELD(FD, struct master, state_fd),
	FIELD(FD, struct master, ledger_fd),
	FIELD(BOOL, struct master, daemonized),
	FIELD(BOOL, struct master, last_failed),
	{ END, 0, false }
};

static const struct field gen_fields[] = {
	FIELD(U32, struct gen, no),
	FIELD(I32, struct gen, pid),
	FIELD(I32, struct gen, state),
	FIELD(U32, struct gen, reloads),
	FIELD(I64, struct gen, born_ms),
	FIELD(I32, struct gen, max_reloads),
	FIELD(BOOL, struct gen, quiet),
	FIELD(BOOL, struct gen, drained),
	FIELD(FD, struct gen, chan.fd),
	FIELD(PROCS, struct gen, procs),
	LATER(U32, struct gen, level),
	{ END, 0, false }
};

static const struct field cli_fields[] = {
	FIELD(FD, struct mcli_socket, fd),
	FIELD(I32, struct mcli_socket, level),
	{ END, 0, false }
};

struct line {
	struct text *out;       /* it is saved; NULL: read */
	struct span in;         /* what is left of it */
};

static bool
number(struct line *l, int64_t *v)
{
	struct span word;

	if (l->out == NULL)
		return (span_cut(&l->in, ' ', &word) && num_i64(word, v));
	text_printf(l->out, " %lld", (long long)*v);
	return (true);
}

/* Descriptors are the next image's as well, and nobody else's. */
static bool
field(struct line *l, enum kind kind, void *at)
{
	int64_t v;

	if (kind == I64)
		v = *(int64_t *)at;
	else if (kind == BOOL)
		v = *(bool *)at;
	else if (kind == U32)
		v = *(uint32_t *)at;
	else
		v = *(int32_t *)at;
	if (!number(l, &v))
		return (false);
	if (kind == I64)
		*(int64_t *)at = v;
	else if (kind == BOOL)
		*(bool *)at = v != 0;
	else
		*(uint32_t *)at = (uint32_t)v;
	return (kind != FD || v < 0 ||
	    sock_set_cloexec(*(int *)at, l->out == NULL));
}

static bool
procs(struct line *l, struct ipc_ready *p)
{
	bool ok = field(l, U32, &p->n) && p->n <= IPC_PROCS_MAX;

	for (uint32_t i = 0; ok && i < p->n; i++)
		ok = field(l, I32, &p->worker[i]);
	return (ok && field(l, I32, &p->agent));
}

static bool
fields(struct line *l, const struct field *f, void *object)
{
	for (; f->kind != END; f++) {
		void *at = (char *)object + f->at;

		if (l->out == NULL && l->in.p == NULL)
			return (f->may_lack);
		if (!(f->kind == PROCS ? procs(l, at) : field(l, f->kind, at)))
			return (false);
	}
	return (true);
}

static void
save(struct text *t, const char *word, const struct field *f, void *object)
{
	text_addz(t, word);
	(void)fields(&(struct line){ .out = t }, f, object);
	text_addc(t, '\n');
}

static bool
load(struct span line, const struct field *f, void *object)
{
	return (fields(&(struct line){ .in = line }, f, object));
}

/* ---- saving ---- */

static void
save_text(struct text *t, const char *word, const char *text)
{
	if (text != NULL)
		text_printf(t, "%s %s\n", word, text);
}

/* `show startup-logs` of the next image. */
static void
save_log(struct text *t, struct span log)
{
	struct span line;

	while (span_cut(&log, '\n', &line))
		if (log.p != NULL || line.n > 0)
			text_printf(t, "log %.*s\n", SPAN_FMT(line));
}

static void
save_all(struct master *m, struct text *t)
{
	save(t, "master", master_fields, m);
	for (size_t i = 0; i < mcli_n_sockets; i++)
		save(t, "cli", cli_fields, &mcli_sockets[i]);
	for (struct list *it = m->gens.prev; it != &m->gens; it = it->prev)
		save(t, "gen", gen_fields, LIST_ITEM(it, struct gen,
		    node));
	GENS_EACH(g, m)
		master_give_save(t, g);
	save_text(t, "change", m->last_change);
	save_text(t, "pidfile", m->pidfile);
	save_log(t, text_span(&m->log));
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

static bool
load_gen(struct master *m, struct span line)
{
	struct gen *g = must_alloc(sizeof *g);
	int fd;

	if (!load(line, gen_fields, g)) {
		free(g);
		return (false);
	}
	fd = g->chan.fd;
	g->state_fd = g->ledger_fd = -1;
	g->chan.fd = -1;
	list_init(&g->chan.out);
	tmr_init(&g->tick, master_on_give_tick);
	if (fd >= 0)
		master_gen_attach(g, fd);
	list_push_front(&m->gens, &g->node);
	if (g->state == GEN_SERVING)
		m->current = g;
	return (true);
}

static bool
load_socket(struct span line)
{
	struct mcli_socket s;

	if (!load(line, cli_fields, &s))
		return (false);
	mcli_adopt(s.fd, s.level);
	return (true);
}

/* What a worker of a generation said: GEN WORKER and the rest. */
static bool
load_report(struct span line, struct span word)
{
	struct line l = { .in = line };
	int64_t gen, worker;

	if (!number(&l, &gen) || !number(&l, &worker))
		return (false);
	master_give_load((uint32_t)gen, (int32_t)worker, word, l.in);
	return (true);
}

/* A line of another release that is not known is none of our business. */
static bool
load_any(struct master *m, struct span word, struct span line)
{
	if (span_is(word, "master"))
		return (load(line, master_fields, m));
	if (span_is(word, "gen"))
		return (load_gen(m, line));
	if (span_is(word, "cli"))
		return (load_socket(line));
	if (span_is(word, "give") || span_is(word, "row") ||
	    span_is(word, "closed"))
		return (load_report(line, word));
	if (span_is(word, "change"))
		m->last_change = span_dup(line);
	else if (span_is(word, "pidfile"))
		m->pidfile = span_dup(line);
	else if (span_is(word, "log")) {
		master_note(line);
		master_note(SPAN("\n"));
	}
	return (true);
}

bool
master_resume(struct master *m, int fd)
{
	char path[40], *all;
	struct span left, line, word;
	bool ok = true;
	size_t n;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if ((all = fd_read_file(path, STATE_MAX, &n)) == NULL)
		return (false);
	left = span_of(all, n);
	while (ok && span_cut(&left, '\n', &line))
		if (line.n > 0 && span_cut(&line, ' ', &word))
			ok = load_any(m, word, line);
	ok = ok && ipc_holder_load(span_of(all, n));
	free(all);
	fd_close(&fd);
	return (ok && m->life[1] >= 0 && m->state_fd >= 0);
}
