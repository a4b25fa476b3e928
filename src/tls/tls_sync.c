/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_sync - every process has the same certificates.
 *
 * The runtime API changes the agent's copy, which tells the workers. Each
 * process knows what in its copy is not as the configuration had it: so the
 * agent tells a worker that is born later the difference, and an agent that is
 * born later asks a worker for it.
 *
 * A message is a part of a frame, as a certificate or a list of authorities
 * may be longer than one.
 */
#include "tls_live.h"
#include "tls_sess.h"

#ifdef USE_OPENSSL

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <agent/agent.h>
#include <base/must.h>
#include <ipc/say.h>

#define PART_BYTES 65536
#define SYNC_MS    5000         /* for a worker that does not answer */

enum op { OP_CERT = 1, OP_CERT_DROP, OP_ROW, OP_ROW_DROP, OP_CA, OP_CA_DROP,
	OP_CRL, OP_CRL_DROP, OP_TICKETS, OP_WHAT_IS };

struct frame {                  /* then the bytes of name and body */
	uint32_t op, line;
	uint32_t name_n, body_n;
};

/* ---- what a frame does ---- */

static void
row_add(struct tls_list *list, uint32_t line, struct span text)
{
	struct diags diags;
	struct conf conf = { .arena = px_model->arena, .diags = &diags,
		.live = tls_live_word };

	if (tls_list_row_no(list, line) != NULL)
		return;                         /* an agent told us already */
	diags_init(&diags);
	if (!tls_live_row_add(&conf, list, line, text))
		ipc_say(DIAG_ALERT, "crt-list '%s': the line '%.*s', which "
		    "the runtime API added, does not work here", list->path,
		    SPAN_FMT(text));
	diags_fini(&diags);
}

static void
row_drop(struct tls_list *list, uint32_t line, struct span cert)
{
	for (struct tls_row *row = list->rows; row != NULL; row = row->next)
		if (!row->gone && row->line == line &&
		    span_is(cert, row->cert->path)) {
			tls_live_row_drop(list, row);
			return;
		}
}

static void
apply(const struct frame *f, const char *name, struct span body)
{
	struct span s = span_str(name);
	struct tls_list *list = f->op == OP_ROW || f->op == OP_ROW_DROP ?
	    tls_list_find(s) : NULL;

	switch (f->op) {
	case OP_CERT:
		tls_live_cert(s, body);
		break;
	case OP_CERT_DROP:
		tls_live_cert_drop(s);
		break;
	case OP_ROW:
		if (list != NULL)
			row_add(list, f->line, body);
		break;
	case OP_ROW_DROP:
		if (list != NULL)
			row_drop(list, f->line, body);
		break;
	case OP_CA:
	case OP_CRL:
		tls_live_ca(name, f->op == OP_CRL, body);
		break;
	case OP_CA_DROP:
	case OP_CRL_DROP:
		tls_live_ca_drop(name, f->op == OP_CRL_DROP);
		break;
	case OP_TICKETS:
		tls_ticket_take(name, body);
		break;
	}
}

/* ---- frames in parts ---- */

typedef void send_fn(const void *, size_t, void *);

static void
send_frame(send_fn *send, void *arg, struct frame f, struct span name,
    struct span body)
{
	struct text t;

	f.name_n = (uint32_t)name.n;
	f.body_n = (uint32_t)body.n;
	text_init(&t);
	text_add(&t, span_of((const char *)&f, sizeof f));
	text_add(&t, name);
	text_add(&t, body);
	for (size_t at = 0; at < t.n; at += PART_BYTES)
		send(t.p + at, t.n - at < PART_BYTES ? t.n - at : PART_BYTES,
		    arg);
	cert_text_wipe(&t);
}

/* What came of a frame that is not complete. Parts of one follow each other:
 * nobody else writes to that channel in between. */
static struct text parts;

static bool
gather(struct span part, struct frame *f)
{
	text_add(&parts, part);
	if (parts.n < sizeof *f)
		return (false);
	memcpy(f, parts.p, sizeof *f);
	return (parts.n >= sizeof *f + (size_t)f->name_n + f->body_n);
}

static void
apply_parts(const struct frame *f)
{
	char *name = span_dup(span_of(parts.p + sizeof *f, f->name_n));

	apply(f, name, span_of(parts.p + sizeof *f + f->name_n, f->body_n));
	free(name);
	cert_text_wipe(&parts);
	text_init(&parts);
}

/* ---- all that was changed, for who begins with the configuration ---- */

static void
tell_cas(send_fn *send, void *arg)
{
	for (const struct tls_ca *ca = tls_ca_first(); ca != NULL;
	    ca = ca->next)
		if (ca->live && !ca->gone)
			send_frame(send, arg, (struct frame){ .op = ca->crl ?
			    OP_CRL : OP_CA }, span_str(ca->path), ca->pem);
}

static void
tell_certs(send_fn *send, void *arg)
{
	struct text t;

	text_init(&t);
	for (struct cert *c = cert_each(NULL); c != NULL; c = cert_each(c)) {
		if (!c->live || c->gone)
			continue;
		text_clear(&t);
		cert_pack(c, &t);
		send_frame(send, arg, (struct frame){ .op = OP_CERT },
		    span_str(c->path), text_span(&t));
	}
	cert_text_wipe(&t);
}

static void
tell_rows(send_fn *send, void *arg)
{
	struct text t;

	text_init(&t);
	for (const struct tls_list *list = tls_list_first(); list != NULL;
	    list = list->next)
		for (const struct tls_row *row = list->rows; row != NULL;
		    row = row->next) {
			struct frame f = { .op = row->gone ? OP_ROW_DROP :
			    OP_ROW, .line = row->line };

			if (!row->gone && !row->live)
				continue;
			text_clear(&t);
			if (row->gone)
				text_addz(&t, row->cert->path);
			else
				tls_list_put_row(row, false, &t);
			send_frame(send, arg, f, span_str(list->path),
			    text_span(&t));
		}
	text_fini(&t);
}

static void
tell_gone(send_fn *send, void *arg)
{
	for (struct cert *c = cert_each(NULL); c != NULL; c = cert_each(c))
		if (c->gone)
			send_frame(send, arg, (struct frame){
			    .op = OP_CERT_DROP }, span_str(c->path),
			    SPAN_NONE);
	for (const struct tls_ca *ca = tls_ca_first(); ca != NULL;
	    ca = ca->next)
		if (ca->gone)
			send_frame(send, arg, (struct frame){ .op = ca->crl ?
			    OP_CRL_DROP : OP_CA_DROP }, span_str(ca->path),
			    SPAN_NONE);
}

static void
tell_tickets(send_fn *send, void *arg)
{
	for (const struct tls_ticket_file *f = tls_ticket_first(); f != NULL;
	    f = tls_ticket_next(f))
		if (tls_ticket_is_live(f))
			send_frame(send, arg, (struct frame){
			    .op = OP_TICKETS }, span_str(tls_ticket_path(f)),
			    tls_ticket_keys(f));
}

/* In this order: rows speak of certificates and authorities. */
static void
tell_all(send_fn *send, void *arg)
{
	tell_cas(send, arg);
	tell_certs(send, arg);
	tell_rows(send, arg);
	tell_gone(send, arg);
	tell_tickets(send, arg);
}

/* ---- in the worker ---- */

static const struct agent_topic agent_topic_cert, agent_topic_cert_end;

static void
say_part(const void *p, size_t n, void *arg)
{
	(void)arg;
	agent_say(&AGENT_TOPIC_OF(cert), p, n);
}

static void
told(struct span part)
{
	struct frame f;

	if (!gather(part, &f))
		return;
	if (f.op == OP_WHAT_IS) {
		tell_all(say_part, NULL);
		agent_say(&AGENT_TOPIC_OF(cert_end), NULL, 0);
	}
	apply_parts(&f);
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

static void
said(struct agent_worker *w, struct span part)
{
	struct frame f;

	if (agent_lesson_piece(&lesson, w) && gather(part, &f))
		apply_parts(&f);
}

static void
said_all(struct agent_worker *w, struct span nothing)
{
	(void)nothing;
	agent_lesson_end(&lesson, w);
}

AGENT_TOPIC(cert) = { .name = "cert", .state = true, .told = told, .asked = asked,
	.said = said };
AGENT_TOPIC(cert_end) = { .name = "cert-end", .state = true, .said = said_all };

static void
tell_part(const void *p, size_t n, void *worker)
{
	agent_tell(worker, &AGENT_TOPIC_OF(cert), p, n);
}

static void
tell_worker(struct agent_worker *w)
{
	tell_all(tell_part, w);
}

static void
ask_what(struct agent_worker *w)
{
	send_frame(tell_part, w, (struct frame){ .op = OP_WHAT_IS },
	    SPAN_NONE, SPAN_NONE);
}

static void
worker_came(struct agent_worker *w)
{
	agent_lesson_came(&lesson, w);
}

static void
worker_gone(struct agent_worker *w)
{
	if (!lesson.over && lesson.teacher == w->pid)
		cert_text_wipe(&parts);         /* half a frame */
	agent_lesson_gone(&lesson, w);
}

/* ---- the next generation reads the files again ---- */

static void
name_changes(struct text *t)
{
	for (struct cert *c = cert_each(NULL); c != NULL; c = cert_each(c))
		if (c->live || c->gone)
			text_printf(t, ", certificate '%s'", c->path);
	for (const struct tls_ca *ca = tls_ca_first(); ca != NULL;
	    ca = ca->next)
		if (ca->live || ca->gone)
			text_printf(t, ", %s '%s'", ca->crl ? "crl-file" :
			    "ca-file", ca->path);
	for (const struct tls_list *list = tls_list_first(); list != NULL;
	    list = list->next) {
		const struct tls_row *row = list->rows;

		while (row != NULL && !row->live && !row->gone)
			row = row->next;
		if (row != NULL)
			text_printf(t, ", crt-list '%s'", list->path);
	}
	for (const struct tls_ticket_file *f = tls_ticket_first(); f != NULL;
	    f = tls_ticket_next(f))
		if (tls_ticket_is_live(f))
			text_printf(t, ", tls-ticket-keys '%s'",
			    tls_ticket_path(f));
}

static void
gates(bool open)
{
	struct text t;

	if (open)
		return;
	text_init(&t);
	name_changes(&t);
	if (t.n > 0)
		ipc_say(DIAG_NOTICE, "changed by the runtime API, and now "
		    "what the files say again: %s", t.p + 2);
	text_fini(&t);
}

AGENT_PART(cert) = { .name = "cert", .rank = 31, .worker_came = worker_came,
	.worker_gone = worker_gone, .gates = gates };

static void
tell_workers(const void *p, size_t n, void *arg)
{
	(void)arg;
	agent_broadcast(&AGENT_TOPIC_OF(cert), p, n);
}

static void
change(struct frame f, struct span name, struct span body)
{
	agent_news_made();
	lesson.has_history = true;
	send_frame(tell_workers, NULL, f, name, body);
}

void
tls_sync_cert(struct span path, const struct cert *c)
{
	struct text t;

	text_init(&t);
	cert_pack(c, &t);
	tls_live_cert(path, text_span(&t));
	change((struct frame){ .op = OP_CERT }, path, text_span(&t));
	cert_text_wipe(&t);
}

void
tls_sync_cert_drop(struct span path)
{
	change((struct frame){ .op = OP_CERT_DROP }, path, SPAN_NONE);
	tls_live_cert_drop(path);
}

bool
tls_sync_row_add(struct conf *conf, struct tls_list *list, uint32_t line,
    struct span text)
{
	if (!tls_live_row_add(conf, list, line, text))
		return (false);
	change((struct frame){ .op = OP_ROW, .line = line },
	    span_str(list->path), text);
	return (true);
}

void
tls_sync_row_drop(struct tls_list *list, struct tls_row *row)
{
	change((struct frame){ .op = OP_ROW_DROP, .line = row->line },
	    span_str(list->path), span_str(row->cert->path));
	tls_live_row_drop(list, row);
}

void
tls_sync_ca(const char *path, bool crl, struct span pem)
{
	tls_live_ca(path, crl, pem);
	change((struct frame){ .op = crl ? OP_CRL : OP_CA }, span_str(path),
	    pem);
}

void
tls_sync_ca_drop(const char *path, bool crl)
{
	change((struct frame){ .op = crl ? OP_CRL_DROP : OP_CA_DROP },
	    span_str(path), SPAN_NONE);
	tls_live_ca_drop(path, crl);
}

void
tls_sync_tickets(struct tls_ticket_file *f)
{
	change((struct frame){ .op = OP_TICKETS },
	    span_str(tls_ticket_path(f)), tls_ticket_keys(f));
}

uint32_t
tls_sync_wait(void (*done)(int, void *), void *arg)
{
	return (agent_ask(&AGENT_TOPIC_OF(cert), NULL, 0, SYNC_MS, NULL, done,
	    arg));
}

#endif
