/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_TRY_H
#define SRV_TRY_H
/*
 * srv_try - a world for tests: a segment, counters, a loop and the backends
 * of a configuration text.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cnt/cnt.h>
#include <conf/conf.h>
#include <os/loop.h>
#include <srv/algo.h>
#include <srv/srv.h>
#include <srv/state.h>

/* Worlds of earlier tests are left lying. */
TEST_MAY_LEAK

static struct loop try_loop;
static char try_error[512];
static struct arena try_arena;

static inline void
try_sink(const struct diag *d, void *arg)
{
	(void)arg;
	snprintf(try_error, sizeof try_error, "%d:%d %s", d->pos.line,
	    d->pos.col, d->text);
}

/* try_parse - only the model; false with try_error. */
static inline bool
try_parse(const char *cfg)
{
	static struct diags diags;
	struct conf conf = { .arena = &try_arena, .diags = &diags };

	try_error[0] = '\0';
	arena_init(&try_arena, 0);
	diags_init(&diags);
	diags.sink = try_sink;
	px_model_new(&try_arena);
	return (conf_load_text(&conf, "t.cfg", span_str(cfg)));
}

/* try_setup - servers of the model, in the segment as it is. */
static inline struct be *
try_setup(const char *cfg)
{
	const char *err = "";

	if (!try_parse(cfg) || !srv_setup(&err)) {
		printf("    refused: %s %s\n", try_error, err);
		return (NULL);
	}
	PX_EACH(px, px_model)
		if (px->kind & PX_BE)
			return (be_of(px));
	return (NULL);
}

/* try_world - the same in a new segment, as worker number 0. */
static inline struct be *
try_world(const char *cfg)
{
	const char *err;
	struct be *be;

	if (the_shm != NULL)
		shm_detach(the_shm);
	the_shm = shm_attach(shm_create("test"), &err);
	shm_begin(the_shm, 1);
	if (the_loop == NULL)
		loop_open(&try_loop);
	if (!cnt_attach(cnt_create()) || (be = try_setup(cfg)) == NULL ||
	    !cnt_bank_open(0))
		return (NULL);
	return (be);
}

/* try_fork - a second process with a loop and number of its own. */
static inline pid_t
try_fork(int proc_no)
{
	pid_t pid = fork();

	if (pid != 0)
		return (pid);
	shm_lock_forked();
	loop_open(&try_loop);
	cnt_bank_open(proc_no);
	if (!srv_worker_start(proc_no))
		_exit(99);
	return (0);
}

/* try_turns - let the loop run until *flag, two seconds at most. */
static inline bool
try_turns(const volatile int *flag)
{
	int64_t end = clock_mono_us() + 2000000;

	while (*flag == 0 && clock_mono_us() < end)
		loop_turn(the_loop, 20);
	return (*flag != 0);
}

static inline bool
try_exit_ok(pid_t pid)
{
	int status;

	return (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0);
}
#endif
