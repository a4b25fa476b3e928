/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault - the list of ECLUSE_FAULT and what it does.
 */
#include <os/fault.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/must.h>
#include <base/num.h>
#include <base/span.h>
#include <os/fd.h>

#define FAULTS_MAX 16

enum action { KILL, EXIT, STOP, SPIN, FAIL, DELAY };

static const char *const action_names[] = {
	[KILL] = "kill", [EXIT] = "exit", [STOP] = "stop", [SPIN] = "spin",
	[FAIL] = "fail", [DELAY] = "delay"
};

struct fault {
	struct span role;       /* empty: any */
	struct span point;
	uint32_t gen;           /* 0: any */
	enum action action;
	uint64_t at;            /* which time, from 1; 0: each */
	uint64_t delay_ms;
	uint64_t seen;
	struct span once;       /* path; empty: each process does it */
	bool here;              /* this process is meant */
};

static struct fault faults[FAULTS_MAX];
static unsigned n_faults;
static char scope[32] = "process";

bool fault_armed;

/* ---- the list ---- */

static bool
has_dot(struct span s)
{
	return (s.n > 0 && memchr(s.p, '.', s.n) != NULL);
}

static bool
take_scope(struct span s, struct fault *f)
{
	static const char *const roles[] = { "master", "keeper", "agent",
		"worker" };
	uint64_t gen = 0;

	if (!span_cut(&s, '/', &f->role))
		return (false);
	if (s.p != NULL && (!num_u64(s, &gen) || gen == 0 ||
	    gen > UINT32_MAX))
		return (false);
	f->gen = (uint32_t)gen;
	for (unsigned i = 0; i < NELEM(roles); i++)
		if (span_is(f->role, roles[i]))
			return (true);
	return (false);
}

static bool
take_action(struct span s, struct fault *f)
{
	struct span name;

	if (!span_cut(&s, '=', &name))
		return (false);
	for (unsigned i = 0; i < NELEM(action_names); i++)
		if (span_is(name, action_names[i])) {
			f->action = (enum action)i;
			return (i == DELAY ? s.p != NULL &&
			    num_u64(s, &f->delay_ms) : s.p == NULL);
		}
	return (false);
}

static bool
take_time(struct span s, struct fault *f)
{
	if (span_is(s, "*"))
		f->at = 0;
	else if (!num_u64(s, &f->at) || f->at == 0)
		return (false);
	return (true);
}

static bool
take_fault(struct span s, struct fault *f)
{
	struct span word, rest = s;

	*f = (struct fault){ .at = 1 };
	if (span_cut(&rest, '@', &word) && rest.p != NULL) {
		f->once = rest;
		s = word;
	}
	if (!span_cut(&s, ':', &word))
		return (false);
	if (!has_dot(word) && (!take_scope(word, f) ||
	    !span_cut(&s, ':', &word)))
		return (false);
	f->point = word;
	if (!has_dot(word) || !span_cut(&s, ':', &word))
		return (false);
	if (s.p != NULL && (!take_time(word, f) || !span_cut(&s, ':', &word)))
		return (false);
	return (s.p == NULL && take_action(word, f));
}

/* `list` lives as long as the process. */
static bool
take_list(struct span list)
{
	struct span word;

	n_faults = 0;
	while (span_cut(&list, ',', &word))
		if (n_faults == FAULTS_MAX ||
		    !take_fault(word, &faults[n_faults++]))
			return (false);
	return (true);
}

static void
read_environment(void)
{
	static bool done;
	const char *list = done ? NULL : secure_getenv("ECLUSE_FAULT");
	static const char bad[] = "ECLUSE_FAULT: expected a list of "
	    "[ROLE[/GENERATION]:]POINT[:N]:ACTION\n";

	done = true;
	if (list == NULL || take_list(span_str(must_strdup(list))))
		return;
	(void)fd_write_all(STDERR_FILENO, bad, sizeof bad - 1);
	_exit(1);
}

void
fault_scope(const char *role, uint32_t gen)
{
	read_environment();
	fault_armed = false;
	if (n_faults == 0)
		return;
	snprintf(scope, sizeof scope, "%.16s/%u", role, gen);
	for (unsigned i = 0; i < n_faults; i++) {
		struct fault *f = &faults[i];

		f->seen = 0;
		f->here = (f->role.n == 0 || span_is(f->role, role)) &&
		    (f->gen == 0 || f->gen == gen);
		fault_armed = fault_armed || f->here;
	}
}

/* ---- a point ---- */

/* Was this the process that made the file? */
static bool
is_the_one(const struct fault *f)
{
	char path[256];
	int fd;

	if (f->once.n == 0)
		return (true);
	if (!span_copy(path, sizeof path, f->once))
		return (false);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return (false);
	fd_close(&fd);
	return (true);
}

static void
say(const struct fault *f)
{
	char line[160];
	int n = snprintf(line, sizeof line, "fault: %s %.*s %llu %s\n", scope,
	    SPAN_FMT(f->point), (unsigned long long)f->seen,
	    action_names[f->action]);

	(void)fd_write_all(STDERR_FILENO, line, (size_t)n);
}

static bool
act(const struct fault *f)
{
	const struct timespec nap = { (time_t)(f->delay_ms / 1000),
		(long)(f->delay_ms % 1000) * 1000000 };

	switch (f->action) {
	case KILL:
		(void)kill(getpid(), SIGKILL);
		break;
	case EXIT:
		_exit(1);
	case STOP:
		(void)kill(getpid(), SIGSTOP);
		break;
	case SPIN:
		for (;;)
			__asm__ volatile("" ::: "memory");
	case DELAY:
		(void)nanosleep(&nap, NULL);
		break;
	case FAIL:
		return (true);
	}
	return (false);
}

bool
fault_hit(const char *point)
{
	bool fails = false;

	for (unsigned i = 0; i < n_faults; i++) {
		struct fault *f = &faults[i];

		if (!f->here || !span_is(f->point, point) ||
		    (++f->seen != f->at && f->at != 0) || !is_the_one(f))
			continue;
		say(f);
		fails = act(f) || fails;
	}
	return (fails);
}
