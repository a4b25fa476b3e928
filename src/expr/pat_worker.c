/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_worker - the worker's side of keeping patterns the same: does what the
 * agent tells, says where it is, teaches an agent that knows nothing.
 */
#include "pat_sync_int.h"

#include <stdlib.h>

#include <base/must.h>

struct answer {
	struct answer *next;
	struct agent_answer *to;
};

static struct pat_pos here;     /* all up to this is done */
static struct text lesson;      /* done when it is complete: no request sees
				 * half of it */
static bool is_taught;
static bool in_step;
static struct answer *answers;  /* that wait until it is */

static void
say_frame(struct pat_frame f)
{
	pat_sync_say((const char *)&f, sizeof f);
}

static void
say_piece(const void *p, size_t n, void *arg)
{
	(void)arg;
	pat_sync_say(p, n);
}

/* What is not confirmed is in it in part, which the end says: it is told the
 * agent afterwards. */
static void
teach(void)
{
	(void)pat_tell_all(false, say_piece, NULL);
	say_frame((struct pat_frame){ .op = PAT_OP_THAT_IS,
	    .ref = pat_own_stats.n != 0 });
}

static void
do_frames(struct span rest)
{
	struct span key, val;
	struct pat_frame f;

	while (pat_frame_take(&rest, &f, &key, &val))
		if (f.op == PAT_OP_AT)
			here = pat_frame_pos(&f);
		else
			pat_own_told(&f, key, val);
}

static void
do_lesson(void)
{
	pat_frame_apply_all(text_span(&lesson));
	pat_own_relay();
}

static void
end_lesson(void)
{
	is_taught = false;
	text_fini(&lesson);
	text_init(&lesson);
}

void
pat_worker_asked(struct agent_answer *to, struct span query)
{
	struct answer *a;

	(void)query;
	if (in_step)
		return;
	a = must_alloc(sizeof *a);
	a->to = agent_answer_later(to);
	a->next = answers;
	answers = a;
}

static void
be_in_step(struct pat_pos at)
{
	here = at;
	in_step = true;
	while (answers != NULL) {
		struct answer *a = answers;

		answers = a->next;
		agent_answer_end(a->to);
		free(a);
	}
	pat_own_say();
}

void
pat_worker_told(struct span data)
{
	struct span rest = data, key, val;
	struct pat_frame f;

	if (!pat_frame_take(&rest, &f, &key, &val))
		return;
	switch (f.op) {
	case PAT_OP_WHERE:
		end_lesson();
		in_step = false;
		pat_own_hush();
		say_frame(pat_frame_at(PAT_OP_AT, here));
		break;
	case PAT_OP_WHAT_IS:
		teach();
		break;
	case PAT_OP_LESSON:
		end_lesson();
		is_taught = true;
		break;
	case PAT_OP_SYNCED:
		if (is_taught)
			do_lesson();
		end_lesson();
		be_in_step(pat_frame_pos(&f));
		break;
	default:
		if (is_taught)
			text_add(&lesson, data);
		else
			do_frames(data);
	}
}
