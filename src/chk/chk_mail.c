/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_mail - mails about changes of servers, sent by SMTP (RFC 5321), one at a
 * time to each mailer. They are written where the change is logged, so once
 * for all workers; what can't be sent is logged and given up.
 */
#include "chk_mail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <agent/agent.h>
#include <base/must.h>
#include <base/text.h>
#include <os/fd.h>
#include <os/loop.h>
#include <os/sock.h>

#define WAITING_MAX 100         /* mails for one mailer; more are given up */

struct chk_letter {
	struct chk_letter *next;
	const struct px *px;
	char *text;                     /* as it goes behind DATA */
	size_t n;
};

/* What is said after which answer. */
enum step { HELO, FROM, TO, DATA, LETTER, QUIT, OVER };
static const char *const awaited[] = { [HELO] = "220", [FROM] = "250",
	[TO] = "250", [DATA] = "250", [LETTER] = "354", [QUIT] = "250",
	[OVER] = "221" };

struct chk_talk {               /* a connection to a mailer */
	struct chk_mailer *mailer;
	struct chk_letter *letter;
	int fd;
	bool connected;
	enum step step;                 /* comes after the next answer */
	struct tmr tmr;
	char in[1024];
	size_t in_n;
	struct text out;
};

static void begin(struct chk_mailer *);

/* ---- the end of a talk ---- */

static void
end_talk(struct chk_talk *t)
{
	struct chk_mailer *m = t->mailer;

	loop_forget(the_loop, t->fd);
	fd_close(&t->fd);
	tmr_stop(&the_loop->wheel, &t->tmr);
	text_fini(&t->out);
	free(t->letter->text);
	free(t->letter);
	free(t);
	m->talk = NULL;
	begin(m);
}

/* Behind the letter was taken nothing can go wrong. */
static void
give_up(struct chk_talk *t, const char *why, struct span answer)
{
	const struct chk_mailer *m = t->mailer;

	if (t->step < OVER)
		log_event(t->letter->px, LOG_L_ERR, "Mailer %s/%s: a mail is "
		    "not sent: %s%.*s", m->in->name, m->name, why,
		    SPAN_FMT(answer));
	end_talk(t);
}

static void
on_late(struct tmr *tmr)
{
	struct chk_talk *t = HOLDER(tmr, struct chk_talk, tmr);

	give_up(t, t->connected ? "no answer in time" :
	    "no connection in time", SPAN(""));
}

/* ---- the talk ---- */

static void
say(struct chk_talk *t)
{
	const struct chk_mail_cfg *c = px_get(&t->letter->px->slots,
	    &chk_mail_slot);
	char host[256] = "localhost";

	switch (t->step++) {
	case HELO:
		(void)gethostname(host, sizeof host - 1);
		text_printf(&t->out, "HELO %s\r\n", c->hostname != NULL ?
		    c->hostname : host);
		break;
	case FROM:
		text_printf(&t->out, "MAIL FROM:<%s>\r\n", c->from);
		break;
	case TO:
		text_printf(&t->out, "RCPT TO:<%s>\r\n", c->to);
		break;
	case DATA:
		text_addz(&t->out, "DATA\r\n");
		break;
	case LETTER:
		text_add(&t->out, span_of(t->letter->text, t->letter->n));
		break;
	case QUIT:
		text_addz(&t->out, "QUIT\r\n");
		break;
	case OVER:
		break;
	}
}

/* Takes a whole answer off `in`: its last line is the one with a blank behind
 * the number. False: it is not here yet. */
static bool
take_answer(struct chk_talk *t, struct span *last)
{
	char *end;
	size_t n;

	while ((end = memchr(t->in, '\n', t->in_n)) != NULL) {
		static char line[sizeof t->in];
		bool more;

		n = (size_t)(end - t->in) + 1;
		memcpy(line, t->in, n);
		more = n > 4 && line[3] == '-';
		memmove(t->in, t->in + n, t->in_n - n);
		t->in_n -= n;
		*last = span_trim(span_of(line, n));
		if (!more)
			return (true);
	}
	return (false);
}

/* False: the talk is over. */
static bool
hear(struct chk_talk *t)
{
	struct span answer;
	ssize_t got;

	for (;;) {
		while (take_answer(t, &answer)) {
			if (!span_begins(answer, span_str(awaited[t->step]))) {
				give_up(t, "the answer is: ", answer);
				return (false);
			}
			if (t->step == OVER) {
				end_talk(t);
				return (false);
			}
			say(t);
		}
		if (t->in_n == sizeof t->in) {
			give_up(t, "a line of its answer is too long",
			    SPAN(""));
			return (false);
		}
		got = recv(t->fd, t->in + t->in_n, sizeof t->in - t->in_n, 0);
		if (got < 0 && errno == EAGAIN)
			return (true);
		if (got <= 0) {
			give_up(t, got == 0 ? "the connection was closed" :
			    strerror(errno), SPAN(""));
			return (false);
		}
		t->in_n += (size_t)got;
	}
}

static void
on_event(void *arg, unsigned events)
{
	struct chk_talk *t = arg;
	ssize_t put;
	int err;

	if (!t->connected) {
		if ((events & (LOOP_OUT | LOOP_ERR)) == 0)
			return;
		if ((err = sock_error(t->fd)) != 0) {
			give_up(t, strerror(err), SPAN(""));
			return;
		}
		t->connected = true;
	}
	if (!hear(t))
		return;
	while (t->out.n > 0) {
		put = send(t->fd, t->out.p, t->out.n, MSG_NOSIGNAL);
		if (put < 0)            /* hear() finds out what it is */
			return;
		text_eat(&t->out, (size_t)put);
	}
}

static struct chk_letter *
next_letter(struct chk_mailer *m)
{
	struct chk_letter *x = m->first;

	if (x == NULL)
		return (NULL);
	m->n_waiting--;
	if ((m->first = x->next) == NULL)
		m->last = &m->first;
	return (x);
}

/* The next mail, if there is one. */
static void
begin(struct chk_mailer *m)
{
	struct chk_letter *x;
	struct chk_talk *t;

	while (m->talk == NULL && (x = next_letter(m)) != NULL) {
		t = must_alloc(sizeof *t);
		*t = (struct chk_talk){ .mailer = m, .letter = x };
		text_init(&t->out);
		t->fd = sock_connect(&m->addr, NULL);
		if (t->fd >= 0 && loop_add(the_loop, t->fd, on_event, t)) {
			tmr_init(&t->tmr, on_late);
			tmr_arm(&the_loop->wheel, &t->tmr, the_loop->now_ms +
			    m->in->timeout_ms);
			m->talk = t;
			return;
		}
		log_event(x->px, LOG_L_ERR, "Mailer %s/%s: a mail is not "
		    "sent: %s", m->in->name, m->name, strerror(errno));
		fd_close(&t->fd);
		free(x->text);
		free(x);
		free(t);
	}
}

/* ---- letters ---- */

static void
post(struct chk_mailer *m, const struct px *px, const struct text *t)
{
	struct chk_letter *x;

	if (m->n_waiting == WAITING_MAX) {
		log_event(px, LOG_L_ERR, "Mailer %s/%s: a mail is not sent: "
		    "%d wait already", m->in->name, m->name, WAITING_MAX);
		return;
	}
	x = must_alloc(sizeof *x);
	*x = (struct chk_letter){ .px = px, .n = t->n,
	    .text = memcpy(must_alloc(t->n), t->p, t->n) };
	*m->last = x;
	m->last = &x->next;
	m->n_waiting++;
	begin(m);
}

void
chk_mail(const struct srv *srv, enum log_level level, const char *what)
{
	const struct px *px = srv->be->px;
	const struct chk_mail_cfg *c = px_get(&px->slots, &chk_mail_slot);
	time_t now = (time_t)(the_loop->wall_us / 1000000);
	char date[64];
	struct text t;
	struct tm tm;

	if (c->mailers == NULL || level > c->level)
		return;
	(void)localtime_r(&now, &tm);
	(void)strftime(date, sizeof date, "%a, %d %b %Y %T %z (%Z)", &tm);
	text_init(&t);
	text_printf(&t, "From: %s\r\nTo: %s\r\nDate: %s\r\nSubject: [HAProxy "
	    "Alert] %s\r\n\r\n%s\r\n\r\n.\r\n", c->from, c->to, date, what,
	    what);
	for (struct chk_mailer *m = c->mailers->first; m != NULL; m = m->next)
		post(m, px, &t);
	text_fini(&t);
}

/* Mails that are under way keep a leaving agent for a moment. */
static bool
is_busy(void)
{
	for (struct chk_mailers *in = chk_mailers_all; in != NULL;
	    in = in->next)
		for (struct chk_mailer *m = in->first; m != NULL; m = m->next)
			if (m->talk != NULL)
				return (true);
	return (false);
}

AGENT_PART(chk_mail) = { .name = "mail", .rank = 21, .busy = is_busy };
