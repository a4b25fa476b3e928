/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STK_TRY_H
#define STK_TRY_H
/*
 * stk_try - a world for tests: a segment, a clock that stands still, and the
 * tables of a configuration text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/must.h>
#include <conf/conf.h>
#include <os/loop.h>

#include "stk_int.h"

static struct loop try_loop;
static struct arena try_arena;

static inline void
try_sink(const struct diag *d, void *arg)
{
	(void)arg;
	if (d->level >= DIAG_ALERT)
		printf("    %d:%d %s\n", d->pos.line, d->pos.col, d->text);
}

/* try_tables - the tables of a configuration, in the segment as it is. */
static inline struct stk_table *
try_tables(const char *cfg)
{
	static struct diags diags;
	struct conf conf = { .arena = &try_arena, .diags = &diags };
	const char *err = "";

	arena_init(&try_arena, 0);
	diags_init(&diags);
	diags.sink = try_sink;
	expr_forget();
	px_model_new(&try_arena);
	stk_all = NULL;
	if (!conf_load_text(&conf, "t.cfg", span_str(cfg)) ||
	    !stk_setup(&err)) {
		printf("    refused: %s\n", err);
		return (NULL);
	}
	return (stk_all);
}

/* try_world - the same in a new segment, as process number 0. */
static inline struct stk_table *
try_world(const char *cfg)
{
	const char *err;

	if (the_shm != NULL)
		shm_detach(the_shm);
	the_shm = shm_attach(shm_create("test"), &err);
	shm_begin(the_shm, 1);
	shm_proc_no = 0;
	the_loop = &try_loop;
	try_loop.now_ms = 1000000;
	return (try_tables(cfg));
}

/* try_key - of a table of strings. */
static inline struct stk_key
try_key(const struct stk_table *t, const char *text)
{
	struct stk_key k = { 0, NULL };

	MUST(stk_key_text(t, span_str(text), &k));
	return (k);
}

/* try_add - make or find; false when there is no room. */
static inline bool
try_add(const struct stk_table *t, const char *text)
{
	struct stk_key k = try_key(t, text);
	struct stk_entry *e = stk_get(t, &k, true);

	if (e == NULL)
		return (false);
	stk_touch(t, e);
	stk_put(t, e);
	return (true);
}

static inline bool
try_has(const struct stk_table *t, const char *text)
{
	struct stk_key k = try_key(t, text);
	struct stk_entry *e = stk_get(t, &k, false);

	if (e != NULL)
		stk_put(t, e);
	return (e != NULL);
}
#endif
