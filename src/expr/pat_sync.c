/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_sync - every process sees the same patterns.
 *
 * The agent is where changes get their order. The runtime API changes the
 * agent's copy and broadcasts; a rule changes its worker's copy, so that the
 * next rule sees it, and tells the agent, who passes it on to all, the sender
 * included (pat_own.c). A process that is born later is brought in step
 * (pat_agent.c, pat_worker.c).
 *
 * Here: the topic, what the runtime API and rules call.
 */
#include "pat_sync_int.h"

#include <base/must.h>
#include <expr/pat.h>

AGENT_TOPIC(pat) = { .name = "pat", .state = true, .told = pat_worker_told,
	.asked = pat_worker_asked, .said = pat_agent_said };

void
pat_sync_tell(struct agent_worker *w, const void *p, size_t n)
{
	agent_tell(w, &AGENT_TOPIC_OF(pat), p, n);
}

void
pat_sync_say(const void *p, size_t n)
{
	agent_say(&AGENT_TOPIC_OF(pat), p, n);
}

/* ---- the runtime API ---- */

void
pat_sync_begin(struct pat_sync *s)
{
	text_init(&s->text);
}

static void
flush(struct pat_sync *s)
{
	if (s->text.n > 0)
		pat_agent_broadcast(&s->text);
	text_clear(&s->text);
}

static void
sync_put(struct pat_sync *s, struct pat_frame f, struct span key, struct span val)
{
	if (s->text.n + key.n + val.n > PAT_TEXTS_MAX)
		flush(s);
	pat_frame_put(&s->text, f, key, val);
	if (s->text.n > PAT_BATCH_BYTES)
		flush(s);
}

void
pat_sync_add(struct pat_sync *s, const struct pat_ref *r, uint32_t ver,
    struct span key, struct span val)
{
	sync_put(s, (struct pat_frame){ .op = PAT_OP_ADD, .ref = r->no, .ver = ver,
	    .id = r->next_id }, key, val);
}

void
pat_sync_set(struct pat_sync *s, const struct pat_ref *r, uint32_t id,
    struct span val)
{
	sync_put(s, (struct pat_frame){ .op = PAT_OP_SET, .ref = r->no, .id = id },
	    SPAN_NONE, val);
}

void
pat_sync_del(struct pat_sync *s, const struct pat_ref *r, uint32_t id)
{
	sync_put(s, (struct pat_frame){ .op = PAT_OP_DEL, .ref = r->no, .id = id },
	    SPAN_NONE, SPAN_NONE);
}

void
pat_sync_version(struct pat_sync *s, const struct pat_ref *r,
    enum pat_sync_what what, uint32_t ver)
{
	static const uint32_t ops[] = { [PAT_SYNC_CLEAR] = PAT_OP_CLEAR,
		[PAT_SYNC_PREPARE] = PAT_OP_PREPARE,
		[PAT_SYNC_COMMIT] = PAT_OP_COMMIT };

	sync_put(s, (struct pat_frame){ .op = ops[what], .ref = r->no,
	    .ver = ver }, SPAN_NONE, SPAN_NONE);
}

uint32_t
pat_sync_end(struct pat_sync *s, int ms, void (*done)(int, void *), void *arg)
{
	flush(s);
	text_fini(&s->text);
	return (agent_ask(&AGENT_TOPIC_OF(pat), NULL, 0, ms, NULL, done,
	    arg));
}

/* ---- rules ---- */

struct pat_target {
	struct pat_target *next;
	struct span name;
	struct diag_pos pos;
	bool map;
	struct pat_ref *ref;
};
static struct pat_target *targets;

struct pat_target *
pat_target(struct conf_line *l, const struct conf_word *w, struct span file,
    bool map)
{
	struct pat_target *t = arena_zget(l->conf->arena, sizeof *t);

	t->name = span_begins(file, SPAN("file@")) ? span_skip(file, 5) :
	    file;
	t->map = map;
	t->pos = conf_pos(l, w);
	t->next = targets;
	targets = t;
	return (t);
}

static bool
resolve_targets(struct conf *conf)
{
	bool ok = true;

	for (struct pat_target *t = targets; t != NULL; t = t->next) {
		t->ref = pat_by_name(t->name);
		if (t->ref == NULL) {
			if (!span_begins(t->name, SPAN("virt@")))
				conf_fail(conf, DIAG_WARNING, t->pos, "no %s "
				    "reads '%.*s', so what this rule does is "
				    "never seen", t->map ? "map" : "ACL",
				    SPAN_FMT(t->name));
			continue;
		}
		if (t->map && !t->ref->map)
			ok = conf_fail(conf, DIAG_ALERT, t->pos, "'%.*s' is "
			    "a list of patterns without values: expected a "
			    "map", SPAN_FMT(t->name));
		MUST(pat_by_key(t->ref));
	}
	targets = NULL;
	return (ok);
}
CONF_CHECK(pat_targets, 39, resolve_targets);

bool
pat_target_put(const struct pat_target *t, struct span key, struct span val)
{
	struct pat_ref *r = t->ref;
	const struct pat_row *row;

	if (r == NULL || key.n + val.n > PAT_TEXTS_MAX)
		return (false);
	row = pat_by_text(r, key);
	if (row != NULL && (!r->map || span_eq(pat_value(row), val)))
		return (true);          /* as it was */
	return (pat_own_put(r, key, val));
}

void
pat_target_drop(const struct pat_target *t, struct span key)
{
	if (t->ref != NULL)
		(void)pat_own_drop(t->ref, key);
}
