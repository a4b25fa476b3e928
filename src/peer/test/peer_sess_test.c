/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../peer_sess.c"
#include "peer_try.h"

TEST_MAY_LEAK          /* worlds of earlier tests are left lying */

#define TABLE "type string len 20 size 1000 expire 1m store gpc0,server_key"

static struct peer_sess *
stranger(struct peer_section *sec, const char *bytes)
{
	struct peer_sess *s = peer_sess_new(sec, NULL);

	peer_sess_input(s, span_str(bytes));
	return (s);
}

/* What the session has to say goes to the other one. */
static bool
carry(struct peer_sess *from, struct peer_sess *to)
{
	struct text t;

	peer_sess_fill(from);
	if (from->out.n == 0)
		return (false);
	text_init(&t);
	text_add(&t, text_span(&from->out));
	text_clear(&from->out);
	peer_sess_input(to, text_span(&t));
	text_fini(&t);
	return (true);
}

static void
talk(struct peer_sess *a, struct peer_sess *b)
{
	int turns = 0;

	(void)peer_drain(a->sec);
	(void)peer_drain(b->sec);
	while ((carry(a, b) | carry(b, a)) && turns++ < 1000)
		;
	CHECK(turns < 1000);
}

/* Node a of section p calls node b of section q. */
static void
meet(struct peer_sess **a, struct peer_sess **b)
{
	struct peer_section *p = peer_sections, *q = p->next;

	*a = peer_sess_new(p, peer_node_find(p, SPAN("b")));
	*b = peer_sess_new(q, NULL);
	peer_sess_hello(*a);
	talk(*a, *b);
}

TEST(who_says_hello_is_looked_at)
{
	static const struct {
		const char *hello, *status;
	} rows[] = {
		{ "HAProxyS 2.1\na\nb 1 1\n", "200\n" },
		{ "HAProxyS 2.0\na\nb 1 1\n", "200\n" },
		{ "HAProxyS 2.1\r\na\r\nb 1 1\r\n", "200\n" },
		{ "HAProxyS 2.1\na\nb 1\n", "200\n" },
		{ "HAProxyS 2.1\na\na 1 1\n", "200\n" },        /* old self */
		{ "HAProxyS 2.2\na\nb 1 1\n", "502\n" },
		{ "HAProxyS 1.0\na\nb 1 1\n", "502\n" },
		{ "HAProxyS \na\nb 1 1\n", "502\n" },
		{ "HAProxyS 2.1\nc\nb 1 1\n", "503\n" },
		{ "HAProxyS 2.1\na\nc 1 1\n", "504\n" },
		{ "HAProxyS 2.1\na\nb\n", "501\n" },
		{ "GET / HTTP/1.0\r\n\r\n", "501\n" },
		{ "\n", "501\n" },
		{ "HAProxyS 2.1\na\nb 1 1", "" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct peer_sess *s;

		CHECK(try_world(TABLE));
		s = stranger(peer_sections, rows[i].hello);
		if (!CHECK_STR(s->out.p == NULL ? "" : s->out.p,
		    rows[i].status))
			printf("    %s\n", rows[i].hello);
		CHECK_EQ(s->state == PEER_OVER, rows[i].status[0] == '5');
	}
}

TEST(a_hello_may_come_byte_by_byte_but_not_for_ever)
{
	static const char hello[] = "HAProxyS 2.1\na\nb 1 1\n";
	struct peer_sess *s;

	CHECK(try_world(TABLE));
	s = peer_sess_new(peer_sections, NULL);
	for (size_t i = 0; i + 1 < sizeof hello; i++) {
		CHECK_EQ(s->state, PEER_WAITS_HELLO);
		peer_sess_input(s, span_of(hello + i, 1));
	}
	CHECK_EQ(s->state, PEER_RUNS);
	s = peer_sess_new(peer_sections, NULL);
	for (int i = 0; i < 2000; i++)
		peer_sess_input(s, SPAN("H"));
	CHECK_EQ(s->state, PEER_OVER);
	CHECK_SPAN(text_span(&s->out), "501\n");
}

TEST(what_changes_here_is_learned_there)
{
	struct peer_sess *a, *b;

	CHECK(try_world(TABLE));
	meet(&a, &b);
	CHECK_EQ(a->state, PEER_RUNS);
	CHECK_EQ(b->state, PEER_RUNS);
	try_set(a->sec, "k", 5);
	talk(a, b);
	CHECK_EQ(try_get(b->sec, "k"), 5);
	CHECK_EQ(a->node->at[0].acked, 1);
	try_set(a->sec, "k", 6);
	try_set(a->sec, "l", 7);
	try_set(b->sec, "m", 8);
	talk(a, b);
	CHECK_EQ(try_get(b->sec, "k"), 6);
	CHECK_EQ(try_get(b->sec, "l"), 7);
	CHECK_EQ(try_get(a->sec, "m"), 8);
	CHECK_EQ(a->node->at[0].acked, 3);
	/* what was learned is not told again */
	CHECK_EQ(b->sec->tables[0].order.last_id, 1);
}

TEST(what_was_not_acknowledged_is_sent_again)
{
	struct peer_sess *a, *b;

	CHECK(try_world(TABLE));
	meet(&a, &b);
	try_set(a->sec, "k", 5);
	talk(a, b);
	try_set(a->sec, "l", 6);
	(void)peer_drain(a->sec);
	peer_sess_fill(a);                      /* and is lost on the way */
	peer_sess_end(a, "test");
	peer_sess_end(b, "test");
	CHECK(a->node->retry_ms > peer_now_ms());
	meet(&a, &b);
	CHECK_EQ(try_get(b->sec, "l"), 6);
	CHECK_EQ(a->node->at[0].acked, 2);
	CHECK_EQ(b->theirs[0].got, 2);          /* not 1 and 2 */
}

TEST(an_empty_node_is_taught_all)
{
	struct peer_sess *a, *b;
	char key[16];

	CHECK(try_world(TABLE));
	for (int i = 0; i < 900; i++) {
		snprintf(key, sizeof key, "k%d", i);
		try_set(peer_sections, key, (uint64_t)i);
	}
	(void)peer_drain(peer_sections);
	peer_sections->next->resync = PEER_R_WANTED;
	peer_sections->next->resync_ms = peer_now_ms() + 10;
	meet(&a, &b);
	CHECK_EQ(b->sec->resync, PEER_R_NONE);
	CHECK(!a->teaching && !a->unconfirmed);
	CHECK_EQ(try_get(b->sec, "k0"), 0);
	CHECK_EQ(try_get(b->sec, "k899"), 899);
	try_set(a->sec, "k0", 77);
	talk(a, b);
	CHECK_EQ(try_get(b->sec, "k0"), 77);
}

TEST(who_lacks_entries_says_so_and_time_ends_it)
{
	struct peer_section *p, *q;
	struct peer_sess *a, *b;

	CHECK(try_world(TABLE));
	p = peer_sections;
	q = p->next;
	p->resync = q->resync = PEER_R_WANTED;
	p->resync_ms = q->resync_ms = peer_now_ms() + PEER_RESYNC_MS;
	meet(&a, &b);
	CHECK_EQ(p->resync, PEER_R_WANTED);
	CHECK(a->node->in_part && b->node->in_part);
	try_loop.now_ms += PEER_RESYNC_MS - 1;
	peer_resync_tick(p);
	CHECK_EQ(p->resync, PEER_R_WANTED);
	try_loop.now_ms += PEER_RESYNC_MS;
	peer_resync_tick(p);
	CHECK_EQ(p->resync, PEER_R_NONE);
}

TEST(who_connects_again_ends_the_session_before)
{
	struct peer_sess *a, *b, *c;

	CHECK(try_world(TABLE));
	meet(&a, &b);
	c = stranger(b->sec, "HAProxyS 2.1\nb\na 9 1\n");
	CHECK_EQ(b->state, PEER_OVER);
	CHECK_EQ(c->state, PEER_RUNS);
	CHECK(c->node->sess == c);
	CHECK_EQ(c->node->n_collided, 1);
}

TEST(of_two_that_call_each_other_one_comes_later)
{
	struct peer_section *p, *q;
	struct peer_sess *a, *b, *c, *d;

	CHECK(try_world(TABLE));
	p = peer_sections;
	q = p->next;
	a = peer_sess_new(p, peer_node_find(p, SPAN("b")));
	b = peer_sess_new(q, peer_node_find(q, SPAN("a")));
	c = peer_sess_new(p, NULL);             /* b's call, at a */
	d = peer_sess_new(q, NULL);             /* a's call, at b */
	peer_sess_hello(a);
	peer_sess_hello(b);
	(void)carry(b, c);
	(void)carry(a, d);
	CHECK_EQ(c->state, PEER_OVER);          /* "a" is less than "b" */
	CHECK_SPAN(text_span(&c->out), "300\n");
	CHECK_EQ(b->state, PEER_OVER);          /* a's call came through */
	(void)carry(d, a);
	CHECK_EQ(a->state, PEER_RUNS);
	CHECK_EQ(d->state, PEER_RUNS);
}

TEST(a_status_that_refuses_ends_it)
{
	static const char *const rows[] = { "300\n", "501\n", "502\n", "503\n",
		"504\n", "abc\n", "\n", "no newline for very long" };

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct peer_sess *a;

		CHECK(try_world(TABLE));
		a = peer_sess_new(peer_sections, peer_node_find(peer_sections,
		    SPAN("b")));
		peer_sess_hello(a);
		peer_sess_input(a, span_str(rows[i]));
		CHECK_EQ(a->state, PEER_OVER);
		CHECK(a->node->sess == NULL);
	}
}

TEST(what_breaks_the_protocol_ends_the_session)
{
	static const struct {
		struct span bytes;
		const char *answer;     /* first bytes of it */
		bool over;
	} rows[] = {
		{ SPAN("\377\0"), "\1", true },
		{ SPAN("\x0a\x82\0"), "\1", true },
		{ SPAN("\x0a\x84\0"), "\1", true },
		{ SPAN("\x0a\x80\xff\xff\x7f"), "\1\1", true },
		{ SPAN("\x0a\x82\x04\x01\x02no"), "\1", true },
		{ SPAN("\1\0"), "", true },
		{ SPAN("\5\5"), "", false },            /* newer ones */
		{ SPAN("\0\7"), "", false },
		{ SPAN("\x0a\x90\0"), "", false },
		{ SPAN("\x0a\x80\0"), "", false },      /* of no table */
		{ SPAN("\x0a\x83\1\5"), "", false },
		{ SPAN("\x0a\x84\5\x21\0\0\0\x09"), "", false },
		{ SPAN("\0\1"), "\0\3", false },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct peer_sess *s;

		CHECK(try_world(TABLE));
		s = stranger(peer_sections, "HAProxyS 2.1\na\nb 1 1\n");
		text_clear(&s->out);
		peer_sess_input(s, rows[i].bytes);
		if (!CHECK_EQ(s->state == PEER_OVER, rows[i].over))
			printf("    row %zu\n", i);
		if (rows[i].answer[0] != '\0')
			CHECK(s->out.n >= 2 && s->out.p[0] ==
			    rows[i].answer[0]);
	}
}

/* Values of tables that differ from ours are not taken for ours. */
TEST(tables_that_differ_are_left_alone)
{
	static const struct {
		const char *what;
		struct span def;
		long got;
	} rows[] = {
		{ "as ours", SPAN("\x0a\x82\x0b\1\2/t\6\x15\4\xf0\xed\xa3\1"),
		    9 },
		{ "another length",
		    SPAN("\x0a\x82\x0b\1\2/t\6\x1f\4\xf0\xed\xa3\1"), -1 },
		{ "another type",
		    SPAN("\x0a\x82\x0b\1\2/t\4\4\4\xf0\xed\xa3\1"), -1 },
		{ "another name",
		    SPAN("\x0a\x82\x0b\1\2/u\6\x15\4\xf0\xed\xa3\1"), -1 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct peer_sess *s;

		CHECK(try_world(TABLE));
		s = stranger(peer_sections, "HAProxyS 2.1\na\nb 1 1\n");
		peer_sess_input(s, rows[i].def);
		peer_sess_input(s, SPAN("\x0a\x80\x07\0\0\0\1\1k\x09"));
		if (!CHECK_EQ(try_get(peer_sections, "k"), rows[i].got))
			printf("    %s\n", rows[i].what);
	}
}
