/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_TRY_H
#define PEER_TRY_H
/*
 * peer_try - a world for tests: a segment, a clock that stands still, and the
 * sections of a configuration text. Section "p" is node a, "q" is node b; both
 * have a table "t" of their own, so that they can talk to each other.
 */
#include <stdio.h>
#include <string.h>

#include <agent/agent.h>
#include <base/must.h>
#include <conf/conf.h>
#include <os/loop.h>
#include <px/px.h>
#include <shm/shm.h>

#include "peer_int.h"

extern struct stk_table *stk_all;       /* of room stk */

static struct loop try_loop;
static struct arena try_arena;

static inline void
try_sink(const struct diag *d, void *arg)
{
	(void)arg;
	if (d->level >= DIAG_ALERT)
		printf("    %d:%d %s\n", d->pos.line, d->pos.col, d->text);
}

static inline void
try_open(struct peer_section *sec)
{
	peer_section_start(sec);
	sec->resync = PEER_R_NONE;
	for (unsigned i = 0; i < sec->n_tables; i++)
		(void)stk_log_open(sec->tables[i].t, 1);
}

/* try_world - `table` is the rest of a table line. False: refused. */
static inline bool
try_world(const char *table)
{
	static struct diags diags;
	struct conf conf = { .arena = &try_arena, .diags = &diags };
	struct peer_section *q;
	char text[1024];
	const char *err;

	if (the_shm != NULL)
		shm_detach(the_shm);
	the_shm = shm_attach(shm_create("test"), &err);
	shm_begin(the_shm, 1);
	shm_proc_no = 0;
	the_loop = &try_loop;
	try_loop.now_ms = 1000000;
	agent_facts.gen = 1;
	agent_facts.keeper_pid = 77;
	arena_init(&try_arena, 0);
	diags_init(&diags);
	diags.sink = try_sink;
	expr_forget();
	px_model_new(&try_arena);
	px_model->global.localpeer = "a";
	peer_sections = NULL;
	stk_all = NULL;
	(void)snprintf(text, sizeof text,
	    "peers p\n peer a 127.0.0.1:1\n peer b 127.0.0.1:2\n table t %s\n"
	    "peers q\n peer b 127.0.0.1:2\n peer a 127.0.0.1:1\n table t %s\n",
	    table, table);
	if (!conf_load_text(&conf, "t.cfg", span_str(text)) ||
	    !stk_setup(&err))
		return (false);
	q = peer_sections->next;
	q->local_name = "b";
	q->local->local = false;
	q->local = q->nodes;
	q->local->local = true;
	try_open(peer_sections);
	try_open(q);
	return (true);
}

/* try_cell - of an image that is being made. */
static inline struct stk_cell *
try_cell(struct stk_image *im, enum stk_data d, uint64_t v)
{
	struct stk_cell *c = &im->cell[im->n++];

	*c = (struct stk_cell){ .data = (uint8_t)d, .v = v };
	return (c);
}

/* try_set - an entry of a table of strings changed here. */
static inline void
try_set(struct peer_section *sec, const char *key, uint64_t gpc0)
{
	static struct stk_image im;
	struct stk_table *t = sec->tables[0].t;
	struct stk_image now;

	im = (struct stk_image){ .key = span_str(key) };
	(void)try_cell(&im, STK_GPC0, gpc0);
	MUST(stk_image_put(t, &im));
	for (uint32_t i = 1; i <= stk_top(t); i++)
		if (stk_image_get(t, i, &now) && span_is(now.key, key))
			stk_log_note(t, i);
}

/* try_get - gpc0 of a key, -1: there is none. */
static inline long
try_get(const struct peer_section *sec, const char *key)
{
	static struct stk_image im;
	struct stk_table *t = sec->tables[0].t;

	for (uint32_t i = 1; i <= stk_top(t); i++) {
		if (!stk_image_get(t, i, &im) || !span_is(im.key, key))
			continue;
		for (uint32_t k = 0; k < im.n; k++)
			if (im.cell[k].data == STK_GPC0)
				return ((long)im.cell[k].v);
	}
	return (-1);
}
#endif
