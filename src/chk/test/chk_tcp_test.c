/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of tcp-check lines and of the protocol options: what they send,
 * and what they find in answers, whole and byte by byte.
 */
#include <base/test.h>

#include "../chk_judge.c"

#include "../../srv/test/srv_try.h"

#include <lb/lb.h>

static const struct chk_px_cfg *
load(const char *lines)
{
	static char cfg[1024];

	snprintf(cfg, sizeof cfg, "backend b\n%s", lines);
	if (!try_parse(cfg)) {
		printf("    refused: %s\n", try_error);
		return (NULL);
	}
	return (px_get(&px_model->all->slots, &chk_px_slot));
}

/* The `no`th step, from 1. */
static const struct chk_step *
step_at(const struct chk_px_cfg *cfg, int no)
{
	const struct chk_step *s = cfg == NULL ? NULL : cfg->script;

	while (s != NULL && --no > 0)
		s = s->next;
	return (s);
}

#define B(lit) lit, sizeof(lit) - 1
#define TCP(line) " option tcp-check\n tcp-check " line "\n"

static const struct {
	const char *lines;
	int step;
	const char *in;
	size_t n;
	bool met;
	enum chk_status status;
	unsigned code;
	const char *info;
} answers[] = {
	{ TCP("expect string +OK"), 1, B("+OK hi"), true, CHK_L7OK, 0, "" },
	{ TCP("expect string +OK"), 1, B("-ERR"), false, CHK_L7RSP, 0, "" },
	{ TCP("expect string +OK"), 1, B(""), false, CHK_L7RSP, 0, "" },
	{ TCP("expect ! string BAD"), 1, B("fine"), true, CHK_L7OK, 0, "" },
	{ TCP("expect ! string BAD"), 1, B("xBADx"), false, CHK_L7RSP, 0, "" },
	{ TCP("expect rstring ^2[0-9]+"), 1, B("220"), true, CHK_L7OK, 0, "" },
	{ TCP("expect binary 00ff"), 1, B("a\0\xff" "b"), true, CHK_L7OK, 0,
	    "" },
	{ TCP("expect rbinary ^00(FF)+$"), 1, B("\0\xff\xff"), true, CHK_L7OK,
	    0, "" },
	{ TCP("expect ok-status L7OKC string a"), 1, B("a"), true, CHK_L7OKC,
	    0, "" },
	{ TCP("expect error-status L4CON min-recv 0 string a"), 1, B("bb"),
	    false, CHK_L4CON, 0, "" },
	{ " option redis-check\n", 2, B("+PONG\r\n"), true, CHK_L7OK, 0,
	    "Redis server is ok" },
	{ " option redis-check\n", 2, B("-NOAUTH a\r\nb"), false, CHK_L7STS,
	    0, "-NOAUTH a" },
	{ " option smtpchk\n", 1, B("220 hi\r\n"), true, CHK_L7OK, 220,
	    "hi" },
	{ " option smtpchk\n", 3, B("250-a\r\n250 b\r\n"), true, CHK_L7OK,
	    250, "b" },
	{ " option smtpchk\n", 1, B("554 go away\r\n"), false, CHK_L7STS, 554,
	    "go away" },
	{ " option smtpchk\n", 1, B("hello\r\n"), false, CHK_L7RSP, 0,
	    "hello" },
	{ " option smtpchk\n", 1, B("220-cut"), false, CHK_L7RSP, 0, "" },
	{ " option mysql-check\n", 1, B("\3\0\0\0\x0a" "5\0"), true, CHK_L7OK,
	    0, "" },
	{ " option mysql-check\n", 1, B("\7\0\0\0\xff\x6a\x04" "nope"), false,
	    CHK_L7STS, 1130, "nope" },
	{ " option mysql-check user u\n", 3, B("\x0d\0\0\2\xff\x15\x04#28000"
	    "deny"), false, CHK_L7STS, 1045, "deny" },
	{ " option mysql-check\n", 1, B("\2\0\0\0\xff\x6a"), false, CHK_L7RSP,
	    0, "" },
	{ " option mysql-check\n", 1, B("\0\0\0\0"), false, CHK_L7RSP, 0,
	    "" },
	{ " option pgsql-check user u\n", 2, B("R\0\0\0\x08\0\0\0\0"), true,
	    CHK_L7OK, 0, "PostgreSQL server is ok" },
	{ " option pgsql-check user u\n", 2, B("E\0\0\0\x20SFATAL\0C2"),
	    false, CHK_L7RSP, 0, "FATAL" },
	{ " option pgsql-check user u\n", 2, B("HELLO wor"), false, CHK_L7STS,
	    0, "PostgreSQL unknown error" },
	{ " option ldap-check\n", 2, B("\x30\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0"),
	    true, CHK_L7OK, 0, "" },
	{ " option ldap-check\n", 2, B("\x30\x84\0\0\0\x10\2\1\1\x61\x84\0\0\0"
	    "\7\x0a\1\x31\4\0\4\0"), false, CHK_L7STS, 49,
	    "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9" },
	{ " option ldap-check\n", 2, B("HTTP/1.1 400 Bad"), false, CHK_L7RSP,
	    0, "Not LDAPv3 protocol" },
	{ " option ldap-check\n", 2, B("\x30\xff\2\1\1\x61\7\x0a\1\0\4\0\4\0"),
	    false, CHK_L7RSP, 0, "Not LDAPv3 protocol" },
	{ " option ssl-hello-chk\n", 2, B("\x15\3\0\0\2\2\x28"), true,
	    CHK_L6OK, 0, "" },
	{ " option ssl-hello-chk\n", 2, B("HTTP/1.1 400"), false, CHK_L6RSP,
	    0, "" },
};

TEST(answers_are_judged_whole_and_cut)
{
	for (size_t i = 0; i < NELEM(answers); i++) {
		const struct chk_step *s = step_at(load(answers[i].lines),
		    answers[i].step);
		struct chk_verdict v = { 0 };
		enum why why = WHY_AGAIN;
		bool met = false;

		if (s == NULL || s->kind != CHK_EXPECT) {
			printf("    row %zu\n", i);
			CHECK(false);
			continue;
		}
		for (size_t k = 0; k <= answers[i].n && why == WHY_AGAIN; k++)
			why = chk_judge(&s->expect, span_of(answers[i].in, k),
			    false, &v, &met);
		if (why == WHY_AGAIN || (s->expect.negate && met))
			why = chk_judge(&s->expect, span_of(answers[i].in,
			    answers[i].n), true, &v, &met);
		if (why != WHY_OK || met != answers[i].met ||
		    v.status != answers[i].status)
			printf("    row %zu\n", i);
		CHECK_EQ(why, WHY_OK);
		CHECK_EQ(met, answers[i].met);
		CHECK_EQ(v.status, answers[i].status);
		CHECK_EQ(v.code, answers[i].code);
		CHECK_MEM(v.info.p, v.info.n, answers[i].info,
		    strlen(answers[i].info));
	}
}

static const struct {
	const char *lines;
	int step;
	const char *data;
	size_t n;
} questions[] = {
	{ TCP("send PING\\r\\n"), 1, B("PING\r\n") },
	{ TCP("send-binary 00fF41"), 1, B("\0\xff" "A") },
	{ " option smtpchk\n", 2, B("HELO localhost\r\n") },
	{ " option smtpchk EHLO a.b\n", 2, B("EHLO a.b\r\n") },
	{ " option pgsql-check user u\n", 1, B("\0\0\0\x10\0\3\0\0user\0u\0"
	    "\0") },
	{ " option mysql-check user ab pre-41\n", 2, B("\x09\0\0\1\0\x80\0\0\1"
	    "ab\0\0\1\0\0\0\1") },
	{ " option mysql-check user a\n", 2, B("\x23\0\0\1\0\x82\0\0\0\x80\0"
	    "\1\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a\0\0"
	    "\1\0\0\0\1") },
};

TEST(questions_are_as_the_lines_say)
{
	for (size_t i = 0; i < NELEM(questions); i++) {
		const struct chk_step *s = step_at(load(questions[i].lines),
		    questions[i].step);

		if (s == NULL || s->kind != CHK_SEND) {
			printf("    row %zu\n", i);
			CHECK(false);
			continue;
		}
		CHECK_MEM(s->data.p, s->data.n, questions[i].data,
		    questions[i].n);
	}
}

static const char five[] = " option tcp-check\n"
    " tcp-check connect port 99\n"
    " tcp-check comment hi\n"
    " tcp-check expect string abc\n"
    " tcp-check send x comment own\n"
    " tcp-check expect ! rbinary 00\n";

static const struct {
	int step;
	const char *why, *where;
} words[] = {
	{ 1, NULL, " at step 1 of tcp-check (connect port 99)" },
	{ 3, "TCPCHK did not match content 'abc' at step 3 comment: hi",
	    " at step 3 of tcp-check (expect string 'abc') comment: 'hi'" },
	{ 4, NULL, " at step 4 of tcp-check (send) comment: 'own'" },
	{ 5, "TCPCHK matched unwanted content (binary regex) at step 5",
	    " at step 5 of tcp-check (expect binary regex)" },
};

TEST(words_name_the_step)
{
	const struct chk_px_cfg *cfg = load(five);
	char text[CHK_INFO_BYTES];

	for (size_t i = 0; cfg != NULL && i < NELEM(words); i++) {
		const struct chk_step *s = step_at(cfg, words[i].step);

		chk_where_text(cfg->script, s, text, sizeof text);
		CHECK_STR(text, words[i].where);
		if (words[i].why == NULL)
			continue;
		chk_why_text(cfg->script, s, SPAN("xyz"), text);
		CHECK_STR(text, words[i].why);
	}
	CHECK(cfg != NULL);
}

static const struct {
	const char *lines;
	enum chk_type type;
} options[] = {
	{ " option redis-check\n no option redis-check\n", CHK_TYPE_L4 },
	{ " option redis-check\n no option ldap-check\n", CHK_TYPE_PROTO },
	{ " option httpchk\n no option smtpchk\n", CHK_TYPE_HTTP },
	{ " option tcp-check\n no option httpchk\n", CHK_TYPE_TCP },
	{ " option httpchk\n option tcp-check\n", CHK_TYPE_TCP },
};

TEST(no_takes_back_only_its_own_option)
{
	for (size_t i = 0; i < NELEM(options); i++) {
		const struct chk_px_cfg *cfg = load(options[i].lines);

		CHECK_EQ(cfg == NULL ? 99 : cfg->type, options[i].type);
	}
}

static const char *const bad[] = {
	TCP("foo"), TCP("connect ssl alpn"), TCP("connect port abc"),
	TCP("connect proto h1"),
	TCP("connect port 0"), TCP("connect addr /x"), TCP("connect x"),
	TCP("send"), TCP("send a b"), TCP("send a comment"),
	TCP("send-lf %[path]"), TCP("send-binary-lf"), TCP("send-binary 0"), TCP("send-binary 0x"),
	TCP("expect"), TCP("expect string"), TCP("expect foo bar"),
	TCP("expect rstring ("), TCP("expect binary 1"),
	TCP("expect string a string b"), TCP("expect min-recv -2 string a"),
	TCP("expect string a error-status FOO"),
	TCP("expect string a ok-status L7STS"),
	TCP("expect string a on-error %[path]"), TCP("comment"),
	TCP("send a\n tcp-check connect"),
	" option mysql-check foo\n", " option mysql-check user\n",
	" option pgsql-check\n", " option pgsql-check user\n",
	" option smtpchk FOO x\n", " option smtpchk EHLO\n",
	" option redis-check x\n", " option ldap-check x\n",
};

TEST(bad_lines_are_refused)
{
	char cfg[512];

	for (size_t i = 0; i < NELEM(bad); i++) {
		snprintf(cfg, sizeof cfg, "backend b\n%s", bad[i]);
		if (try_parse(cfg) || try_error[0] == '\0')
			printf("    row %zu\n", i);
		CHECK(try_error[0] != '\0');
	}
}
