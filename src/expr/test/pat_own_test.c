/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's own changes of patterns and what the agent tells, in every order.
 */
#include <base/test.h>

#include <agent/agent.h>

static void note_say(const struct agent_topic *, const void *, size_t);
#define agent_say note_say
#include "../pat_sync.c"
#undef agent_say
#include "../pat_own.c"
#include "../pat_worker.c"

#include "expr_try.h"

static struct pat_ref *r;
static struct pat_use *use;
static struct pat_target target;
static struct text out;                 /* what was said */
static struct pat_frame last;           /* of it */

static void
note_say(const struct agent_topic *t, const void *p, size_t n)
{
	struct span rest = span_of(p, n), key, val;
	struct pat_frame f;

	(void)t;
	while (pat_frame_take(&rest, &f, &key, &val)) {
		last = f;
		if (out.n > 0)
			text_addc(&out, ' ');
		text_printf(&out, "%s%.*s%s%.*s", f.op == PAT_OP_PUT ? "+" :
		    f.op == PAT_OP_DROP ? "-" : f.op == PAT_OP_RENEW ? "*" :
		    f.op == PAT_OP_AT ? "at" : f.op == PAT_OP_THAT_IS ?
		    "end" : f.op == PAT_OP_ADD ? "add:" :
		    f.op == PAT_OP_SET ? "set:" : f.op == PAT_OP_DEL ?
		    "del:" : ".", SPAN_FMT(key), val.n > 0 ? "=" : "",
		    SPAN_FMT(val));
	}
}

static const char *
heard(void)
{
	static char text[1024];

	snprintf(text, sizeof text, "%.*s", (int)out.n, out.n ? out.p : "");
	text_clear(&out);
	return (text);
}

static void
tell(struct pat_frame f, const char *key, const char *val)
{
	struct text t;

	text_init(&t);
	f.ref = r->no;
	pat_frame_put(&t, f, span_str(key), val == NULL ? SPAN_NONE :
	    span_str(val));
	pat_worker_told(text_span(&t));
	text_fini(&t);
}

static void
tell_pos(enum pat_op op, uint64_t agent, uint64_t n)
{
	struct pat_frame f = pat_frame_at(op, (struct pat_pos){ agent, n });
	struct text t;

	text_init(&t);
	pat_frame_put(&t, f, SPAN_NONE, SPAN_NONE);
	pat_worker_told(text_span(&t));
	text_fini(&t);
}

/* Somebody else's rule; the runtime API. */
static void
other(enum pat_op op, uint32_t id, const char *key, const char *val)
{
	tell((struct pat_frame){ .op = op, .id = id, .from = 1, .seq = 7 }, key,
	    val);
}

/* What was said, told back. */
static void
echo(struct pat_frame f, uint32_t id, const char *key, const char *val)
{
	f.from = (uint32_t)getpid();
	f.id = id;
	tell(f, key, val);
}

static void
put(const char *key, const char *val)
{
	CHECK(pat_target_put(&target, span_str(key), span_str(val)));
}

static void
drop(const char *key)
{
	pat_target_drop(&target, span_str(key));
}

/* "a=1 b=2", with the numbers of rows if `ids`. */
static const char *
list(bool ids)
{
	static char text[1024];
	const struct pat_row *row;
	uint64_t at = 0;
	size_t n = 0;

	text[0] = '\0';
	while ((row = pat_each(r, r->curr_ver, &at)) != NULL) {
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s=%.*s",
		    n > 0 ? " " : "", (int)row->key_n, row->key,
		    (int)row->val_n, row->key + row->val);
		if (ids)
			n += (size_t)snprintf(text + n, sizeof text - n, "#%s%u",
			    (row->id & PAT_TEMPORARY) != 0 ? "?" : "",
			    row->id & ~PAT_TEMPORARY);
	}
	return (text);
}

static void
set_up(struct try *t, const char *rows, enum acl_match match)
{
	static const char path[] = "pat_own_test.lst";
	struct conf_line *l;
	const char *err;
	FILE *f;

	try_init(t);
	if (!CHECK((f = fopen(path, "w")) != NULL))
		return;
	fputs(rows, f);
	fclose(f);
	l = try_line(t, "x pat_own_test.lst");
	r = pat_ref_file(l, &l->word[1], l->word[1].text, true);
	(void)remove(path);
	CHECK(r != NULL);
	CHECK(pat_by_key(r));
	use = pat_use_get(r, match, false, PAT_VIEW_STR, &err);
	CHECK(use != NULL);
	target.ref = r;
	text_clear(&out);
	last_temporary = 0;
	here = (struct pat_pos){ 0, 0 };
	tell_pos(PAT_OP_WHERE, 0, 0);
	CHECK_STR(heard(), "at");
	tell_pos(PAT_OP_SYNCED, 0, 0);
}

/* The agent goes: nothing is on its way. */
static void
tear_down(struct try *t)
{
	while (!list_empty(&said))
		own_free(LIST_ITEM(said.next, struct own, node));
	while (!list_empty(&unsaid))
		own_free(LIST_ITEM(unsaid.next, struct own, node));
	CHECK_EQ(pat_own_stats.bytes, 0);
	pat_own_stats.said_bytes = 0;
	text_clear(&out);
	try_fini(t);
}

TEST(an_echo_does_not_undo_a_later_change)
{
	struct pat_frame first;
	struct try t;

	set_up(&t, "", ACL_STR);
	put("a", "1");
	first = last;
	put("a", "2");
	CHECK_STR(heard(), "+a=1");             /* one at a time */
	echo(first, 5, "a", "1");
	CHECK_STR(list(true), "a=2#5");
	CHECK_STR(heard(), "+a=2");
	echo(last, 5, "a", "2");
	CHECK_STR(list(true), "a=2#5");
	CHECK_STR(heard(), "");
	CHECK_EQ(pat_own_stats.n, 0);
	CHECK_EQ(pat_own_stats.said_bytes, 0);
	tear_down(&t);
}

TEST(what_others_did_before_stays_below)
{
	struct try t;

	set_up(&t, "", ACL_STR);
	put("a", "mine");
	other(PAT_OP_PUT, 3, "a", "theirs");
	CHECK_STR(list(true), "a=mine#3");
	other(PAT_OP_DROP, 0, "a", NULL);
	CHECK_STR(list(true), "a=mine#?3");
	other(PAT_OP_ADD, 4, "a", "api");
	CHECK_STR(list(true), "a=mine#4");
	other(PAT_OP_SET, 4, "", "api2");
	CHECK_STR(list(true), "a=mine#4");
	other(PAT_OP_DEL, 4, "", NULL);
	other(PAT_OP_CLEAR, 0, "", NULL);
	CHECK_STR(list(false), "a=mine");
	echo(last, 9, "a", "mine");
	CHECK_STR(list(true), "a=mine#9");
	other(PAT_OP_PUT, 9, "a", "theirs");    /* and this was after it */
	CHECK_STR(list(true), "a=theirs#9");
	tear_down(&t);
}

TEST(a_row_that_was_dropped_stays_so)
{
	struct pat_frame first;
	struct try t;

	set_up(&t, "a 0\nb 0\n", ACL_STR);
	drop("a");
	first = last;
	other(PAT_OP_PUT, 1, "a", "theirs");
	CHECK_STR(list(false), "b=0");
	put("a", "1");
	put("a", "2");
	drop("a");
	put("a", "3");
	CHECK_STR(heard(), "-a");
	other(PAT_OP_PUT, 11, "a", "theirs");
	CHECK_STR(list(false), "b=0 a=3");
	echo(first, 0, "a", NULL);
	CHECK_STR(list(false), "b=0 a=3");
	CHECK_STR(heard(), "*a=3");
	echo(last, 12, "a", "3");
	CHECK_STR(list(true), "b=0#2 a=3#12");
	CHECK_EQ(pat_own_stats.n, 0);
	tear_down(&t);
}

TEST(a_lesson_keeps_what_is_not_confirmed)
{
	struct pat_frame f = { .op = PAT_OP_AFRESH };
	struct try t;

	set_up(&t, "a 0\nb 0\n", ACL_STR);
	put("a", "mine");
	put("n", "1");
	drop("b");
	CHECK_STR(heard(), "+a=mine +n=1 -b");
	/* The agent dies; so many changes while there is none. */
	tell_pos(PAT_OP_WHERE, 0, 0);
	for (int i = 0; i < 1000; i++) {
		char text[16];

		snprintf(text, sizeof text, "v%d", i);
		put("n", text);
	}
	CHECK_STR(heard(), "at");
	CHECK_EQ(pat_own_stats.n, 3);
	/* It was not the one that taught the next agent. */
	tell_pos(PAT_OP_LESSON, 0, 0);
	tell(f, "", NULL);
	f.op = PAT_OP_SET;
	f.id = 1;
	tell(f, "", "theirs");
	f.op = PAT_OP_ADD;
	f.id = 3;
	tell(f, "n", "theirs");
	f.id = 4;
	tell(f, "o", "5");
	CHECK_STR(list(false), "a=mine n=v999");        /* not half of it */
	tell_pos(PAT_OP_SYNCED, 77, 5);
	CHECK_STR(list(true), "a=mine#1 n=v999#3 o=5#4");
	CHECK_STR(heard(), "+a=mine +n=v999 -b");
	CHECK(here.agent_us == 77 && here.n == 5);
	tear_down(&t);
}

TEST(a_lesson_tells_numbered_rows_only)
{
	struct try t;

	set_up(&t, "a 0\nb 0\n", ACL_STR);
	other(PAT_OP_PUT, 3, "c", "1");
	put("d", "2");
	drop("b");
	(void)heard();
	tell_pos(PAT_OP_WHAT_IS, 0, 0);
	CHECK_STR(heard(), ". . del:b=0 add:c=1 end");
	CHECK_EQ(last.ref, 1);          /* there is more to come */
	tear_down(&t);
}

TEST(a_lesson_that_is_cut_off_does_nothing)
{
	struct try t;

	set_up(&t, "a 0\n", ACL_STR);
	tell_pos(PAT_OP_LESSON, 0, 0);
	other(PAT_OP_DEL, 1, "", NULL);
	tell_pos(PAT_OP_WHERE, 0, 0);
	(void)heard();
	tell_pos(PAT_OP_SYNCED, 9, 9);
	CHECK_STR(list(false), "a=0");
	tear_down(&t);
}

TEST(what_is_on_its_way_has_a_limit)
{
	static char big[4096];
	struct try t;
	char key[16];

	set_up(&t, "", ACL_STR);
	memset(big, 'x', sizeof big - 1);
	for (int i = 0; i < 8100; i++) {
		snprintf(key, sizeof key, "k%d", i);
		if (!pat_target_put(&target, span_str(key), span_str(big)))
			break;
	}
	CHECK(pat_own_stats.refused == 1);
	CHECK(pat_own_stats.bytes <= OWN_BYTES_MAX);
	CHECK(pat_own_stats.said_bytes < SAID_BYTES_MAX + 8192);
	CHECK(out.n < 2 * SAID_BYTES_MAX);
	CHECK(pat_by_text(r, span_str(key)) == NULL);   /* nor is it done */
	tear_down(&t);
}

/* Where the first that matches counts, rows are in the order of the agent. */
TEST(rows_are_in_the_order_of_the_agent)
{
	struct pat_frame first;
	struct try t;

	set_up(&t, "", ACL_SUB);
	put("a", "1");
	first = last;
	other(PAT_OP_PUT, 1, "b", "2");
	CHECK_STR(list(true), "a=1#?1 b=2#1");
	echo(first, 2, "a", "1");
	CHECK_STR(list(true), "b=2#1 a=1#2");
	tear_down(&t);
}
