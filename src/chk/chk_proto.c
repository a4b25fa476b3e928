/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_proto - checks that speak a protocol by one option: what is sent, and
 * what the answers mean. Answers are foreign bytes: every length is checked.
 */
#include "chk_int.h"

#include <string.h>

#include <base/must.h>
#include <base/text.h>
#include <conf/conf.h>
#include <conf/kw.h>

static enum why
judged(struct chk_verdict *v, enum chk_status status, struct span info)
{
	v->status = status;
	v->info = info;
	return (WHY_OK);
}

/* Up to the end of the first line. */
static struct span
first_line(struct span in)
{
	size_t n = 0;

	while (n < in.n && in.p[n] != '\r' && in.p[n] != '\n')
		n++;
	return (span_of(in.p, n));
}

/* ---- Redis: a PING ---- */

static enum why
judge_redis(struct span in, bool eof, struct chk_verdict *v)
{
	if (span_search(in, SPAN("+PONG\r\n")) >= 0)
		return (judged(v, CHK_L7OK, SPAN("Redis server is ok")));
	if (!eof && in.n < CHK_IN_BYTES)
		return (WHY_AGAIN);
	return (judged(v, CHK_L7STS, first_line(in)));
}

/* ---- SMTP: greeting, hello, quit (RFC 5321 section 4.2) ---- */

/* The last line of a reply that is complete; false: it is not. */
static bool
last_reply_line(struct span in, struct span *line)
{
	struct span rest = in;
	ptrdiff_t nl;

	while ((nl = span_find(rest, '\n')) >= 0) {
		*line = first_line(span_of(rest.p, (size_t)nl));
		if (line->n < 4 || line->p[3] != '-')
			return (true);
		rest = span_skip(rest, (size_t)nl + 1);
	}
	return (false);
}

static bool
is_code(struct span line)
{
	for (size_t i = 0; i < 3; i++)
		if (line.n < 3 || line.p[i] < '0' || line.p[i] > '9')
			return (false);
	return (line.n == 3 || line.p[3] == ' ');
}

static enum why
judge_smtp(struct span in, bool eof, struct chk_verdict *v)
{
	struct span line;

	if (!last_reply_line(in, &line)) {
		if (!eof && in.n < CHK_IN_BYTES)
			return (WHY_AGAIN);
		return (judged(v, CHK_L7RSP, SPAN_NONE));
	}
	if (!is_code(line))
		return (judged(v, CHK_L7RSP, line));
	v->code = (unsigned)((line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
	    line.p[2] - '0');
	return (judged(v, line.p[0] == '2' ? CHK_L7OK : CHK_L7STS,
	    span_skip(line, line.n > 4 ? 4 : line.n)));
}

/* ---- MySQL: the server's greeting, and what it says to a log-in ---- */

#define MYSQL_HEAD 4                    /* length (3 bytes), sequence */

/* An error's text, behind its code and the SQL state that may be there. */
static enum why
mysql_error(struct span body, struct chk_verdict *v)
{
	if (body.n < 3)
		return (judged(v, CHK_L7RSP, SPAN_NONE));
	v->code = (unsigned)(uint8_t)body.p[1] | (unsigned)(uint8_t)body.p[2]
	    << 8;
	body = span_skip(body, 3);
	if (body.n >= 6 && body.p[0] == '#')
		body = span_skip(body, 6);
	return (judged(v, CHK_L7STS, body));
}

static enum why
judge_mysql(struct span in, bool eof, struct chk_verdict *v)
{
	size_t n;

	if (in.n >= MYSQL_HEAD) {
		n = (size_t)(uint8_t)in.p[0] | (size_t)(uint8_t)in.p[1] << 8 |
		    (size_t)(uint8_t)in.p[2] << 16;
		if (n > 0 && in.n - MYSQL_HEAD >= n) {
			in = span_of(in.p + MYSQL_HEAD, n);
			if ((uint8_t)in.p[0] == 0xff)
				return (mysql_error(in, v));
			return (judged(v, CHK_L7OK, SPAN_NONE));
		}
	}
	if (!eof && in.n < CHK_IN_BYTES)
		return (WHY_AGAIN);
	return (judged(v, CHK_L7RSP, SPAN_NONE));
}

/* ---- PostgreSQL: what it says to a start-up message ---- */

static enum why
judge_pgsql(struct span in, bool eof, struct chk_verdict *v)
{
	size_t n;

	if (in.n < 9 && !eof)
		return (WHY_AGAIN);
	if (in.n >= 9 && in.p[0] == 'R')
		return (judged(v, CHK_L7OK, SPAN("PostgreSQL server is ok")));
	if (in.n < 9 || in.p[0] != 'E')
		return (judged(v, CHK_L7STS, SPAN("PostgreSQL unknown "
		    "error")));
	in = span_skip(in, 6);          /* type, length, 'S': severity */
	n = strnlen(in.p, in.n);
	if (n == in.n && !eof && in.n < CHK_INFO_BYTES)
		return (WHY_AGAIN);
	return (judged(v, CHK_L7RSP, span_of(in.p, n)));
}

/* ---- LDAP: the answer to an anonymous bind (RFC 4511 section 4.2) ---- */

/* What must come next; false: it does not, or not yet (*more). */
static bool
ber_bytes(struct span *in, struct span want, bool *more)
{
	if (in->n < want.n) {
		*more = span_begins(want, *in);
		return (false);
	}
	if (!span_begins(*in, want))
		return (false);
	*in = span_skip(*in, want.n);
	return (true);
}

/* A length, short or long. */
static bool
ber_length(struct span *in, bool *more)
{
	size_t n = 1;

	if (in->n > 0 && (uint8_t)in->p[0] & 0x80)
		n += (uint8_t)in->p[0] & 0x7f;
	if (n > 5)
		return (false);
	if (in->n < n) {
		*more = true;
		return (false);
	}
	*in = span_skip(*in, n);
	return (true);
}

/* SEQUENCE { INTEGER 1, [APPLICATION 1] { ENUMERATED code, … } } */
static enum why
judge_ldap(struct span in, bool eof, struct chk_verdict *v)
{
	bool more = false;

	if (!ber_bytes(&in, SPAN("\x30"), &more) ||
	    !ber_length(&in, &more) ||
	    !ber_bytes(&in, SPAN("\x02\x01\x01\x61"), &more) ||
	    !ber_length(&in, &more) ||
	    !ber_bytes(&in, SPAN("\x0a\x01"), &more) ||
	    (in.n == 0 && (more = true))) {
		if (more && !eof)
			return (WHY_AGAIN);
		return (judged(v, CHK_L7RSP, SPAN("Not LDAPv3 protocol")));
	}
	v->code = (uint8_t)in.p[0];
	if (v->code == 0)
		return (judged(v, CHK_L7OK, SPAN_NONE));
	return (judged(v, CHK_L7STS, SPAN("See RFC: http://tools.ietf.org/"
	    "html/rfc4511#section-4.1.9")));
}

/* ---- TLS: any answer that is a handshake or an alert ---- */

static enum why
judge_ssl(struct span in, bool eof, struct chk_verdict *v)
{
	if (in.n < 5 && !eof)
		return (WHY_AGAIN);
	return (judged(v, in.n >= 5 && (in.p[0] == 0x15 || in.p[0] == 0x16) ?
	    CHK_L6OK : CHK_L6RSP, SPAN_NONE));
}

/* ---- the lines ---- */

struct script {
	struct conf_line *l;
	struct chk_steps steps;
};

static void
say(struct script *s, struct span data)
{
	chk_step_add(s->l, &s->steps, s, CHK_SEND)->data =
	    arena_span(s->l->conf->arena, data);
}

static struct chk_expect *
hear(struct script *s, chk_judge_fn *proto)
{
	struct chk_expect *x = &chk_step_add(s->l, &s->steps, s,
	    CHK_EXPECT)->expect;

	x->match = CHK_MATCH_PROTO;
	x->proto = proto;
	return (x);
}

/* The option is in force; with "no" no longer, if it was this one. */
static bool
done(struct script *s, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct chk_px_cfg *cfg = px_edit(&px->slots, &chk_px_slot);

	if (!s->l->no) {
		cfg->type = CHK_TYPE_PROTO;
		cfg->proto = s->steps.first;
		cfg->proto_kw = s->l->kw;
	} else if (cfg->type == CHK_TYPE_PROTO && cfg->proto_kw == s->l->kw)
		cfg->type = CHK_TYPE_L4;
	return (conf_end(s->l));
}

static bool
parse_redis(struct conf_line *l, void *obj)
{
	struct script s = { .l = l };

	say(&s, SPAN("*1\r\n$4\r\nPING\r\n"));
	hear(&s, judge_redis);
	return (done(&s, obj));
}

static bool
parse_smtp(struct conf_line *l, void *obj)
{
	struct span hello = SPAN("HELO"), domain = SPAN("localhost");
	struct script s = { .l = l };
	struct text t;

	if (conf_left(l) > 0) {
		const struct conf_word *w = conf_peek(l);

		if (!conf_want(l, "HELO or EHLO", &hello))
			return (false);
		if (!span_is(hello, "HELO") && !span_is(hello, "EHLO"))
			return (conf_err(l, w, "expected 'HELO' or 'EHLO', "
			    "found '%s'", hello.p));
		if (!conf_want(l, "a domain", &domain))
			return (false);
	}
	text_init(&t);
	text_printf(&t, "%.*s %.*s\r\n", SPAN_FMT(hello), SPAN_FMT(domain));
	hear(&s, judge_smtp);
	say(&s, text_span(&t));
	text_fini(&t);
	hear(&s, judge_smtp);
	say(&s, SPAN("QUIT\r\n"));
	hear(&s, judge_smtp);
	return (done(&s, obj));
}

/* A packet: its head, then `body`. */
static void
mysql_packet(struct text *t, struct span body, char seq)
{
	text_addc(t, (char)(body.n & 0xff));
	text_addc(t, (char)(body.n >> 8));
	text_addc(t, 0);
	text_addc(t, seq);
	text_add(t, body);
}

/* A log-in without password and without database, then COM_QUIT. */
static void
mysql_login(struct script *s, struct span user, bool old)
{
	/* PROTOCOL_41 and SECURE_CONNECTION, packets up to 16 MB, utf8 */
	static const char head41[32] = { 0, (char)0x82, 0, 0, 0, (char)0x80,
		0, 1, 33 };
	static const char head320[5] = { 0, (char)0x80, 0, 0, 1 };
	struct text body, t;

	text_init(&body);
	text_init(&t);
	text_add(&body, old ? span_of(head320, sizeof head320) :
	    span_of(head41, sizeof head41));
	text_add(&body, user);
	text_add(&body, span_of("\0\0", 2));
	mysql_packet(&t, text_span(&body), 1);
	mysql_packet(&t, SPAN("\x01"), 0);
	say(s, text_span(&t));
	text_fini(&body);
	text_fini(&t);
}

static bool
parse_mysql(struct conf_line *l, void *obj)
{
	struct script s = { .l = l };
	const struct conf_word *w;
	struct span user;
	bool old = false;

	hear(&s, judge_mysql);
	if (conf_accept(l, "user")) {
		w = conf_peek(l);
		if (!conf_want(l, "a user name", &user))
			return (false);
		if (user.n > 200)
			return (conf_err(l, w, "a user name of at most 200 "
			    "characters was expected"));
		if (!conf_accept(l, "post-41"))
			old = conf_accept(l, "pre-41");
		mysql_login(&s, user, old);
		hear(&s, judge_mysql);
	}
	return (done(&s, obj));
}

static bool
parse_pgsql(struct conf_line *l, void *obj)
{
	struct script s = { .l = l };
	struct span user;
	struct text t;
	uint32_t n;

	if (!conf_accept(l, "user") && !l->no)
		return (conf_err(l, conf_peek(l), "'option pgsql-check' "
		    "expects 'user' and a user name"));
	if (l->no)
		return (done(&s, obj));
	if (!conf_want(l, "a user name", &user))
		return (false);
	/* length, protocol 3.0, "user\0name\0", the end of the list */
	n = (uint32_t)(4 + 4 + 5 + user.n + 1 + 1);
	text_init(&t);
	for (int shift = 24; shift >= 0; shift -= 8)
		text_addc(&t, (char)(n >> shift));
	text_add(&t, span_of("\0\3\0\0user", 9));
	text_add(&t, user);
	text_add(&t, span_of("\0", 2));
	say(&s, text_span(&t));
	text_fini(&t);
	hear(&s, judge_pgsql);
	return (done(&s, obj));
}

static bool
parse_ldap(struct conf_line *l, void *obj)
{
	struct script s = { .l = l };

	/* message 1: bind, version 3, no name, simple, no password */
	say(&s, span_of("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00"
	    "\x80", 14));
	hear(&s, judge_ldap);
	return (done(&s, obj));
}

static bool
parse_ssl(struct conf_line *l, void *obj)
{
	/* SSL 3.0: record, ClientHello; the random bytes need not be so */
	static const char hello[] = "\x16\x03\x00\x00\x39\x01\x00\x00\x35"
	    "\x03\x00" "01234567012345670123456701234567" "\x00"
	    "\x00\x0e\x00\x35\x00\x2f\x00\x0a\x00\x05\x00\x04\x00\x39\x00\x33"
	    "\x01\x00";
	struct script s = { .l = l };
	struct chk_expect *x;

	say(&s, span_of(hello, sizeof hello - 1));
	x = hear(&s, judge_ssl);
	x->ok = CHK_L6OK;
	x->tout = CHK_L6TOUT;
	return (done(&s, obj));
}

#define OPTION(ident, word, words, fn, text, sample)                         \
	KEYWORD(option_##ident) = {                                          \
		.name = "option " word, .in = KW_DEFAULTS | KW_BACKEND,      \
		.flags = KW_NO, .args = words, .parse = fn, .doc = text,     \
		.example = sample,                                           \
	}
OPTION(redis_check, "redis-check", "", parse_redis,
    "Checks send a Redis PING and want a PONG.", "option redis-check");
OPTION(smtpchk, "smtpchk", "[HELO|EHLO <domain>]", parse_smtp,
    "Checks greet an SMTP server, `HELO localhost` by default, and want "
    "replies of 2xx.", "option smtpchk EHLO mail.example.com");
OPTION(mysql_check, "mysql-check", "[user <name> [post-41|pre-41]]",
    parse_mysql,
    "Checks read a MySQL server's greeting and, with `user`, log in without "
    "a password; `pre-41` in the way of servers older than 4.1.",
    "option mysql-check user check");
OPTION(pgsql_check, "pgsql-check", "user <name>", parse_pgsql,
    "Checks begin a PostgreSQL session as this user and want to be asked to "
    "authenticate.", "option pgsql-check user check");
OPTION(ldap_check, "ldap-check", "", parse_ldap,
    "Checks bind to an LDAPv3 server without a name.", "option ldap-check");
OPTION(ssl_hello_chk, "ssl-hello-chk", "", parse_ssl,
    "Checks send the first message of SSL 3.0 and take any handshake or "
    "alert as a sign of life.", "option ssl-hello-chk");
