/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_sync - every process sees the same patterns.
 *
 * The agent is where changes get their order. The runtime API changes the
 * agent's copy and broadcasts; a rule changes its worker's copy, so that the
 * next rule sees it, and tells the agent, who passes it on to all, the sender
 * included: it then learns the number of a new row, and, when somebody else's
 * change came in between, takes its own once more. So all end with the same.
 *
 * A worker that is born later is a copy of the keeper, who changes nothing: it
 * is told the difference. An agent that is born later asks a worker for it.
 */
#include "pat_int.h"

#include <unistd.h>

#include <agent/agent.h>
#include <base/must.h>
#include <expr/pat.h>
#include <ipc/ipc.h>

#define BATCH_BYTES 32768
#define TEMPORARY 0x80000000u   /* a row that the agent has not numbered */

enum op { OP_ADD = 1, OP_SET, OP_DEL, OP_CLEAR, OP_PREPARE, OP_COMMIT,
	OP_PUT, OP_DROP, OP_WHAT_IS, OP_AFRESH, OP_THAT_IS };

struct frame {                  /* then the bytes of key and value */
	uint32_t op, ref, ver, id;
	uint32_t key_n, val_n;
	uint32_t from, seq;             /* whose rule it was; 0: nobody's */
};
_Static_assert(sizeof(struct frame) == 32, "no padding");

static uint32_t temporary;              /* the last such number */
/* ---- one change ---- */

static void
put_frame(struct text *t, struct frame f, struct span key, struct span val)
{
	f.key_n = (uint32_t)key.n;
	f.val_n = (uint32_t)val.n;
	text_add(t, span_of((const char *)&f, sizeof f));
	text_add(t, key);
	text_add(t, val);
}

/* The next of a message; false at its end, or when it is none. */
static bool
take_frame(struct span *rest, struct frame *f, struct span *key,
    struct span *val)
{
	if (rest->n < sizeof *f)
		return (false);
	memcpy(f, rest->p, sizeof *f);
	*rest = span_skip(*rest, sizeof *f);
	if (f->key_n > rest->n || f->val_n > rest->n - f->key_n)
		return (false);
	*key = span_of(rest->p, f->key_n);
	*rest = span_skip(*rest, f->key_n);
	*val = span_of(rest->p, f->val_n);
	*rest = span_skip(*rest, f->val_n);
	return (true);
}

/* The number that the agent gave to a row of ours. */
static void
number_row(struct pat_ref *r, uint32_t id, struct span key)
{
	struct pat_row *row = pat_by_text(r, key);

	if (row != NULL && (row->id & TEMPORARY) != 0)
		row->id = id;
}

/* Somebody's rule changed a row. What we sent ourselves is done already,
 * unless another change came between. */
static void
apply_rule(struct pat_ref *r, const struct frame *f, struct span key,
    struct span val)
{
	bool ours = f->from == (uint32_t)getpid();
	const char *err;

	if (!ours)
		r->foreign = r->sent;
	if (f->op == OP_PUT)
		number_row(r, f->id, key);
	if (ours && (int32_t)(r->foreign - f->seq) < 0)
		return;
	if (f->op == OP_PUT)
		(void)pat_put(r, f->id, key, val, &err);
	else
		(void)pat_drop(r, key);
}

static void
apply(const struct frame *f, struct span key, struct span val)
{
	struct pat_ref *r = pat_by_no(f->ref);
	struct pat_part *part;
	struct pat_row *row;
	const char *err;

	if (r == NULL)
		return;
	if (f->op == OP_PUT || f->op == OP_DROP) {
		apply_rule(r, f, key, val);
		return;
	}
	r->foreign = r->sent;
	switch (f->op) {
	case OP_ADD:
		(void)pat_add(r, f->ver, f->id, key, val, &err);
		break;
	case OP_SET:
		if ((row = pat_row_at(r, f->id, &part)) != NULL)
			(void)pat_set(r, row, val, &err);
		break;
	case OP_DEL:
		if ((row = pat_row_at(r, f->id, &part)) != NULL)
			pat_del(r, row, part);
		break;
	case OP_CLEAR:
		pat_clear(r, f->ver);
		break;
	case OP_PREPARE:
		r->next_ver = f->ver;
		break;
	case OP_COMMIT:
		pat_commit(r, f->ver);
		break;
	case OP_AFRESH:
		pat_forget_added(r);
		break;
	}
}

/* ---- all that was changed, for who begins with the configuration ---- */

typedef void send_fn(const void *, size_t, void *);

struct teller {
	struct text text;
	send_fn *send;
	void *arg;
};

static void
tell_out(struct teller *t, size_t above)
{
	if (t->text.n > above) {
		t->send(t->text.p, t->text.n, t->arg);
		text_clear(&t->text);
	}
}

static void
tell_row(struct teller *t, struct frame f, const struct pat_row *row)
{
	f.id = row->id;
	put_frame(&t->text, f, pat_key(row), pat_value(row));
	tell_out(t, BATCH_BYTES);
}

static void
tell_part(struct teller *t, const struct pat_ref *r,
    const struct pat_part *p)
{
	struct frame f = { .op = OP_ADD, .ref = r->no, .ver = p->ver };

	for (uint32_t i = 0; i < p->n; i++)
		if (!p->row[i].dead)
			tell_row(t, f, &p->row[i]);
}

static void
tell_base(struct teller *t, const struct pat_ref *r)
{
	struct frame f = { .ref = r->no };

	if (r->base_gone) {
		f.op = r->curr_ver == 0 ? OP_CLEAR : OP_COMMIT;
		f.ver = r->curr_ver;
		put_frame(&t->text, f, SPAN_NONE, SPAN_NONE);
		return;
	}
	for (uint32_t i = 0; i < r->base.n; i++) {
		const struct pat_row *row = &r->base.row[i];

		f.op = row->dead ? OP_DEL : OP_SET;
		if (row->dead || (r->map && !pat_row_stable(r, row)))
			tell_row(t, f, row);
	}
}

static void
tell_all(send_fn *send, void *arg)
{
	struct teller t = { .send = send, .arg = arg };

	text_init(&t.text);
	for (const struct pat_ref *r = pat_first(); r != NULL; r = r->next) {
		struct frame f = { .op = OP_PREPARE, .ref = r->no,
		    .ver = r->next_ver };

		if (!r->changed && r->next_ver == 0)
			continue;
		/* It may have come half-way, or some rows by themselves. */
		put_frame(&t.text, (struct frame){ .op = OP_AFRESH,
		    .ref = r->no }, SPAN_NONE, SPAN_NONE);
		put_frame(&t.text, f, SPAN_NONE, SPAN_NONE);
		tell_base(&t, r);
		if (r->cur != NULL)
			tell_part(&t, r, r->cur);
		for (const struct pat_part *p = r->prepared; p != NULL;
		    p = p->next)
			tell_part(&t, r, p);
	}
	tell_out(&t, 0);
	text_fini(&t.text);
}

/* ---- in the worker ---- */

static const struct agent_topic agent_topic_pat;

static void
say_piece(const void *p, size_t n, void *arg)
{
	(void)arg;
	agent_say(&AGENT_TOPIC_OF(pat), p, n);
}

static void
told(struct span rest)
{
	const struct frame that_is = { .op = OP_THAT_IS };
	struct span key, val;
	struct frame f;

	while (take_frame(&rest, &f, &key, &val)) {
		if (f.op == OP_WHAT_IS) {
			tell_all(say_piece, NULL);
			say_piece(&that_is, sizeof that_is, NULL);
		} else
			apply(&f, key, val);
	}
}

/* All that was told before is done. */
static void
asked(struct agent_answer *a, struct span query)
{
	(void)a;
	(void)query;
}

/* ---- in the agent ---- */

static void ask_what(struct agent_worker *);
static void tell_worker(struct agent_worker *);

static struct agent_lesson lesson = { .ask = ask_what, .tell = tell_worker };

/* A rule of a worker: do it here, number the row, pass it on. */
static void
pass_on(struct frame f, struct span key, struct span val)
{
	struct pat_ref *r = pat_by_no(f.ref);
	struct pat_row *row;
	const char *err;
	struct text t;

	if (r == NULL || !r->by_key)
		return;
	lesson.has_history = true;
	if (f.op == OP_DROP)
		(void)pat_drop(r, key);
	else {
		if (!pat_put(r, 0, key, val, &err))
			return;
		row = pat_by_text(r, key);
		f.id = row != NULL ? row->id : 0;
	}
	text_init(&t);
	put_frame(&t, f, key, val);
	agent_broadcast(&AGENT_TOPIC_OF(pat), t.p, t.n);
	text_fini(&t);
}

static void
said(struct agent_worker *w, struct span rest)
{
	struct span key, val;
	struct frame f;

	while (take_frame(&rest, &f, &key, &val)) {
		if (f.op == OP_PUT || f.op == OP_DROP) {
			f.from = (uint32_t)w->pid;
			pass_on(f, key, val);
		} else if (f.op == OP_THAT_IS)
			agent_lesson_end(&lesson, w);
		else if (agent_lesson_piece(&lesson, w))
			apply(&f, key, val);
	}
}

AGENT_TOPIC(pat) = { .name = "pat", .told = told, .asked = asked,
	.said = said };

static void
tell_piece(const void *p, size_t n, void *worker)
{
	agent_tell(worker, &AGENT_TOPIC_OF(pat), p, n);
}

static void
tell_worker(struct agent_worker *w)
{
	tell_all(tell_piece, w);
}

static void
ask_what(struct agent_worker *w)
{
	const struct frame f = { .op = OP_WHAT_IS };

	agent_tell(w, &AGENT_TOPIC_OF(pat), &f, sizeof f);
}

static void
worker_came(struct agent_worker *w)
{
	agent_lesson_came(&lesson, w);
}

static void
worker_gone(struct agent_worker *w)
{
	agent_lesson_gone(&lesson, w);
}

AGENT_PART(pat) = { .name = "pat", .rank = 30, .worker_came = worker_came,
	.worker_gone = worker_gone };

void
pat_sync_begin(struct pat_sync *s)
{
	text_init(&s->text);
}

static void
sync_put(struct pat_sync *s, struct frame f, struct span key, struct span val)
{
	lesson.has_history = true;
	put_frame(&s->text, f, key, val);
	if (s->text.n > BATCH_BYTES) {
		agent_broadcast(&AGENT_TOPIC_OF(pat), s->text.p, s->text.n);
		text_clear(&s->text);
	}
}

void
pat_sync_add(struct pat_sync *s, const struct pat_ref *r, uint32_t ver,
    struct span key, struct span val)
{
	sync_put(s, (struct frame){ .op = OP_ADD, .ref = r->no, .ver = ver,
	    .id = r->next_id }, key, val);
}

void
pat_sync_set(struct pat_sync *s, const struct pat_ref *r, uint32_t id,
    struct span val)
{
	sync_put(s, (struct frame){ .op = OP_SET, .ref = r->no, .id = id },
	    SPAN_NONE, val);
}

void
pat_sync_del(struct pat_sync *s, const struct pat_ref *r, uint32_t id)
{
	sync_put(s, (struct frame){ .op = OP_DEL, .ref = r->no, .id = id },
	    SPAN_NONE, SPAN_NONE);
}

void
pat_sync_version(struct pat_sync *s, const struct pat_ref *r,
    enum pat_sync_what what, uint32_t ver)
{
	static const uint32_t ops[] = { [PAT_SYNC_CLEAR] = OP_CLEAR,
		[PAT_SYNC_PREPARE] = OP_PREPARE,
		[PAT_SYNC_COMMIT] = OP_COMMIT };

	sync_put(s, (struct frame){ .op = ops[what], .ref = r->no,
	    .ver = ver }, SPAN_NONE, SPAN_NONE);
}

uint32_t
pat_sync_end(struct pat_sync *s, int ms, void (*done)(int, void *), void *arg)
{
	if (s->text.n > 0)
		agent_broadcast(&AGENT_TOPIC_OF(pat), s->text.p, s->text.n);
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

static void
say_change(struct pat_ref *r, uint32_t op, struct span key, struct span val)
{
	struct frame f = { .op = op, .ref = r->no, .seq = ++r->sent };
	struct text t;

	text_init(&t);
	put_frame(&t, f, key, val);
	agent_say(&AGENT_TOPIC_OF(pat), t.p, t.n);
	text_fini(&t);
}

bool
pat_target_put(const struct pat_target *t, struct span key, struct span val)
{
	struct pat_ref *r = t->ref;
	struct pat_row *row;
	const char *err;

	if (r == NULL || key.n + val.n > IPC_BYTES_MAX - sizeof(struct frame))
		return (false);
	row = pat_by_text(r, key);
	if (row != NULL && (!r->map || span_eq(pat_value(row), val)))
		return (true);          /* as it was */
	if (++temporary >= TEMPORARY)
		temporary = 1;
	if (!pat_put(r, TEMPORARY | temporary, key, val, &err))
		return (false);
	say_change(r, OP_PUT, key, val);
	return (true);
}

void
pat_target_drop(const struct pat_target *t, struct span key)
{
	if (t->ref != NULL && pat_drop(t->ref, key) > 0)
		say_change(t->ref, OP_DROP, key, SPAN_NONE);
}
