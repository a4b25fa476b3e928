/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent that replaces another: who is asked, who teaches, who is told.
 */
#include <base/test.h>

#include "../agent_lesson.c"

#include <base/must.h>

static struct agent_worker worker[4];
static char seen[256];

static void
note(const char *what, const struct agent_worker *w)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof seen - n, "%s%d ", what, w->no);
}

static void
note_ask(struct agent_worker *w)
{
	note("ask", w);
}

static void
note_tell(struct agent_worker *w)
{
	note("tell", w);
}

static void
come(struct agent_lesson *l, int no)
{
	worker[no] = (struct agent_worker){ .no = no, .pid = 100 + no,
	    .chan = { .fd = -1, .me = IPC_AGENT, .peer = IPC_WORKER } };
	list_push_back(&agent_workers, &worker[no].node);
	agent_lesson_came(l, &worker[no]);
	agent_settle();
}

static void
go(struct agent_lesson *l, int no)
{
	list_del(&worker[no].node);
	agent_lesson_gone(l, &worker[no]);
}

/* Letters with the number of a worker: c comes, g goes, p says a piece, e has
 * said all; h: the agent changes something. */
static const struct { const char *what, *steps, *seen; } rows[] = {
	{ "nobody knows anything", "c1c2e1e2",
	    "ask1 ask2 settled1 settled2 " },
	{ "the first that knows teaches", "c1c2p1p2p1e1e2",
	    "ask1 ask2 take1 take1 settled1 settled2 " },
	{ "who knows nothing is told", "c1c2e1p2e2",
	    "ask1 ask2 take2 tell1 settled1 settled2 " },
	{ "and also when it ends later", "c1c2p2e2e1",
	    "ask1 ask2 take2 settled2 tell1 settled1 " },
	{ "who comes later is told", "c1p1e1c3",
	    "ask1 take1 settled1 tell3 settled3 " },
	{ "a lesson that breaks off begins again", "c1c2p1p2g1p2e2",
	    "ask1 ask2 take1 ask2 take2 settled2 " },
	{ "one that taught may go", "c1c2p1e1e2g1",
	    "ask1 ask2 take1 settled1 tell2 settled2 " },
	{ "an agent that changed something knows best", "h0c1c2p1e1",
	    "tell1 settled1 tell2 settled2 " },
	{ "those that were asked before are told", "c1h0e1",
	    "ask1 tell1 settled1 " },
};

/* Those that were told all there is, once. */
static void
note_settled(void)
{
	static bool said[NELEM(worker)];

	for (size_t i = 0; i < NELEM(worker); i++) {
		if (worker[i].settled && !said[i])
			note("settled", &worker[i]);
		said[i] = worker[i].settled;
	}
}

static void
step(struct agent_lesson *l, char what, int no)
{
	struct agent_worker *w = &worker[no];

	if (what == 'c')
		come(l, no);
	else if (what == 'g')
		go(l, no);
	else if (what == 'p' && agent_lesson_piece(l, w))
		note("take", w);
	else if (what == 'e')
		agent_lesson_end(l, w);
	else if (what == 'h')
		l->has_history = true;
	note_settled();
}

TEST(lessons)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct agent_lesson l = { .ask = note_ask, .tell = note_tell };

		lessons = NULL;
		memset(worker, 0, sizeof worker);
		note_settled();
		seen[0] = '\0';
		list_init(&agent_workers);
		for (const char *s = rows[i].steps; *s != '\0'; s += 2)
			step(&l, s[0], s[1] - '0');
		if (!CHECK_STR(seen, rows[i].seen))
			printf("row: %s\n", rows[i].what);
	}
}
