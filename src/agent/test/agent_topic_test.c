/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling and asking: both sides in one process, over a real channel.
 */
#include <base/test.h>

#include "../agent_topic.c"
#include "../agent_client.c"

#include <os/sock.h>
#include <sys/wait.h>
#include <unistd.h>

static struct loop loop;
static int n_told, n_said, n_done, done_missing, n_came, told_before;
static char answer_text[64], texts[64];

static void
count_worker(struct agent_worker *w, bool came)
{
	(void)w;
	n_came += came ? 1 : -1;
}

static void
on_told(struct span s)
{
	n_told += (int)s.n;
	strncat(texts, s.p, s.n);
	strcat(texts, " ");
}

static void
all_is_told(void)
{
	told_before = n_told;
}

static void
on_said(struct agent_worker *w, struct span s)
{
	n_said += w->no * 10 + (int)s.n;
}

static struct agent_answer *waiting;

static void
on_asked(struct agent_answer *a, struct span q)
{
	if (span_is(q, "never"))
		waiting = agent_answer_later(a);
	else {
		agent_answer(a, "one,", 4);
		agent_answer(a, "two", 3);
	}
}

AGENT_TOPIC(other) = { .name = "other" };
AGENT_TOPIC(subject) = { .name = "subject", .told = on_told,
	.asked = on_asked, .said = on_said };

static void
on_piece(struct agent_worker *w, struct span s, void *arg)
{
	(void)w;
	(void)arg;
	strncat(answer_text, s.p, s.n);
}

static void
on_done(int missing, void *arg)
{
	(void)arg;
	n_done++;
	done_missing = missing;
}

static void
turn(int n)
{
	while (n-- > 0)
		loop_turn(&loop, 10);
}

static void
set_up(void)
{
	int fd[2];

	n_told = n_said = n_done = n_came = 0;
	done_missing = -1;
	answer_text[0] = texts[0] = '\0';
	agent_on_worker = count_worker;
	loop_open(&loop);
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	agent_client_open(&loop, fd[1]);
	agent_worker_add(&loop, 3, 4711, fd[0]);
	turn(2);                        /* what other tests had kept */
	n_told = 0;
	texts[0] = '\0';
}

static void
tear_down(void)
{
	while (!list_empty(&agent_workers))
		agent_worker_drop(LIST_ITEM(agent_workers.next,
		    struct agent_worker, node));
	ipc_close(&chan);
	loop_close(&loop);
}

TEST(workers_are_told)
{
	(void)agent_topic_other;
	set_up();
	agent_broadcast(&AGENT_TOPIC_OF(subject), "abc", 3);
	turn(2);
	CHECK_EQ(n_told, 3);
	agent_say(&AGENT_TOPIC_OF(subject), "xy", 2);
	turn(2);
	CHECK_EQ(n_said, 32);
	tear_down();
	CHECK_EQ(n_came, 0);
}

TEST(a_later_worker_is_told_what_was_kept)
{
	int fd[2];

	agent_news_open();
	set_up();
	agent_broadcast(&AGENT_TOPIC_OF(subject), "x", 1);
	turn(2);
	CHECK(!agent_news());           /* it is over when it is told */
	texts[0] = '\0';
	agent_keep(&AGENT_TOPIC_OF(subject), "a1", 2, 1);
	CHECK(agent_news());
	agent_keep(&AGENT_TOPIC_OF(subject), "b1xx", 4, 1);
	agent_keep(&AGENT_TOPIC_OF(subject), "a2x", 3, 1);
	turn(2);
	CHECK_STR(texts, "a1 b1xx a2x ");
	texts[0] = '\0';
	agent_worker_drop(agent_worker_find(4711));
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	agent_client_open(&loop, fd[1]);
	told_before = 0;
	agent_client_told(all_is_told);
	agent_worker_add(&loop, 3, 4712, fd[0]);
	turn(2);
	CHECK_STR(texts, "b1xx a2x ");
	CHECK(told_before > 0 && told_before == n_told);        /* all of it */
	texts[0] = '\0';
	agent_kept_apply();             /* in a process that was just forked */
	CHECK_STR(texts, "b1xx a2x ");
	tear_down();
}

TEST(news_are_known_to_forked_processes)
{
	int status = -1;
	pid_t pid;

	agent_news_open();
	CHECK(!agent_news());
	if ((pid = fork()) == 0) {
		agent_news_made();
		_exit(agent_news() ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK(agent_news());
	agent_news_open();              /* of another generation */
	CHECK(!agent_news());
}

TEST(who_waits_does_nothing_else)
{
	int fd[2];

	set_up();
	agent_worker_drop(agent_worker_find(4711));
	CHECK(agent_client_wait(10000));        /* for nothing */
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	agent_client_open(&loop, fd[1]);
	agent_client_told(all_is_told);
	CHECK(!agent_client_wait(20));          /* not in time */
	told_before = -1;
	agent_worker_add(&loop, 3, 4712, fd[0]);
	CHECK(agent_client_wait(10000));
	CHECK(told_before >= 0);
	agent_client_told(all_is_told);
	agent_worker_drop(agent_worker_find(4712));
	CHECK(agent_client_wait(10000));        /* there is no agent */
	agent_client_told(NULL);
	tear_down();
}

TEST(what_is_no_order_is_not_kept)
{
	uint16_t no = agent_topic_no(&AGENT_TOPIC_OF(subject));

	CHECK(!agent_kept_put(no, 0, SPAN("abc")));
	CHECK(!agent_kept_put(no, 4, SPAN("abc")));
	CHECK(!agent_kept_put(UINT16_MAX, 1, SPAN("abc")));
	texts[0] = '\0';
	agent_kept_apply();
	CHECK_STR(strstr(texts, "abc") == NULL ? "" : texts, "");
}

TEST(answers_are_gathered)
{
	set_up();
	CHECK(agent_ask(&AGENT_TOPIC_OF(subject), "q", 1, 1000, on_piece,
	    on_done, NULL) != 0);
	CHECK_EQ(n_done, 0);
	turn(3);
	CHECK_STR(answer_text, "one,two");
	CHECK(n_done == 1 && done_missing == 0);
	tear_down();
}

TEST(no_answer_in_time_is_missing)
{
	set_up();
	agent_ask(&AGENT_TOPIC_OF(subject), "never", 5, 30, on_piece, on_done,
	    NULL);
	turn(10);
	CHECK(n_done == 1 && done_missing == 1);
	agent_answer(waiting, "late", 4);
	agent_answer_end(waiting);
	turn(3);
	CHECK_STR(answer_text, "");
	CHECK_EQ(n_done, 1);
	tear_down();
}

TEST(a_dead_worker_is_not_waited_for)
{
	set_up();
	agent_ask(&AGENT_TOPIC_OF(subject), "never", 5, 5000, on_piece,
	    on_done, NULL);
	turn(1);
	agent_worker_drop(agent_worker_find(4711));
	CHECK(n_done == 1 && done_missing == 0);
	free(waiting);
	tear_down();
}

TEST(asking_nobody_is_done_later)
{
	set_up();
	agent_worker_drop(agent_worker_find(4711));
	agent_ask(&AGENT_TOPIC_OF(subject), "q", 1, 5000, on_piece, on_done,
	    NULL);
	CHECK_EQ(n_done, 0);
	turn(3);
	CHECK_EQ(n_done, 1);
	agent_ask_drop(agent_ask(&AGENT_TOPIC_OF(subject), "q", 1, 5000,
	    on_piece, on_done, NULL));
	turn(3);
	CHECK_EQ(n_done, 1);
	tear_down();
}
