/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_sess - a session from its first line on: who are you, then what they
 * tell. Bytes come by peer_sess_input(), bytes for them are in `out`.
 *
 * Two nodes may connect to each other at the same time; the connection that
 * is identified last is kept, and the other closed. As both ends may then
 * close both, who has the lesser name tells the other to come later.
 */
#include "peer_int.h"

#include <stdlib.h>

#include <agent/agent.h>
#include <base/must.h>
#include <base/num.h>
#include <base/rand.h>
#include <log/log.h>
#include <os/loop.h>

#define HELLO_MAX 1024

int64_t
peer_now_ms(void)
{
	return (the_loop->now_ms);
}

struct peer_sess *
peer_sess_new(struct peer_section *sec, struct peer_node *node)
{
	struct peer_sess *s = must_alloc(sizeof *s);

	*s = (struct peer_sess){ .magic = PEER_SESS_MAGIC, .sec = sec,
		.node = node, .outgoing = node != NULL,
		.conn = { .fd = -1 },
		.state = node != NULL ? PEER_CONNECTING : PEER_WAITS_HELLO };
	list_init(&s->link);
	list_push_back(&sec->sessions, &s->link);
	text_init(&s->in);
	text_init(&s->out);
	s->since_ms = s->in_ms = s->out_ms = peer_now_ms();
	if (node != NULL)
		node->sess = s;
	return (s);
}

void
peer_sess_free(struct peer_sess *s)
{
	list_del(&s->link);
	text_fini(&s->in);
	text_fini(&s->out);
	free(s->dict);
	free(s->theirs);
	s->magic = 0;
	free(s);
}

void
peer_section_start(struct peer_section *sec)
{
	list_init(&sec->sessions);
	for (struct peer_node *n = sec->nodes; n != NULL; n = n->next)
		if (n->at == NULL)      /* else a reload failed */
			n->at = must_alloc((sec->n_tables + 1) *
			    sizeof *n->at);
}

static bool
was_up(const struct peer_sess *s)
{
	return (s->theirs != NULL);
}

void
peer_sess_end(struct peer_sess *s, const char *why)
{
	struct peer_node *n = s->node;

	if (s->state == PEER_OVER)
		return;
	s->state = PEER_OVER;
	s->why = why;
	if (n == NULL || n->sess != s)
		return;
	n->sess = NULL;
	if (was_up(s))
		log_event(s->sec->px, LOG_L_WARNING, "peers=%s peer=%s down "
		    "reason=\"%s\" lasted_ms=%lld", s->sec->px->name, n->name,
		    why, (long long)(peer_now_ms() - n->up_ms));
	n->retry_ms = peer_now_ms() + (was_up(s) || n->status == PEER_S_LATER ?
	    PEER_AGAIN_LO_MS + (int64_t)rand_below(PEER_AGAIN_HI_MS -
	    PEER_AGAIN_LO_MS) : PEER_RETRY_MS);
	peer_resync_down(s);
}

/* They do not keep to the protocol: say so, and leave. */
static void
refuse(struct peer_sess *s, enum peer_error e, const char *why)
{
	if (s->node != NULL)
		s->node->n_bad++;
	peer_put_error(&s->out, e);
	peer_sess_end(s, why);
}

/* ---- who is who ---- */

void
peer_sess_hello(struct peer_sess *s)
{
	text_printf(&s->out, "HAProxyS 2.1\n%s\n%s %d 1\n", s->node->name,
	    s->sec->local_name, (int)agent_facts.keeper_pid);
	s->state = PEER_WAITS_STATUS;
	s->since_ms = peer_now_ms();
}

static void
put_status(struct peer_sess *s, enum peer_status st)
{
	text_printf(&s->out, "%d\n", st);
}

static void
begin(struct peer_sess *s)
{
	struct peer_section *sec = s->sec;
	struct peer_node *n = s->node;

	s->state = PEER_RUNS;
	s->dict = must_alloc(sizeof *s->dict);
	s->theirs = must_alloc((sec->n_tables + 1) * sizeof *s->theirs);
	n->status = PEER_S_OK;
	n->up_ms = s->in_ms = s->out_ms = peer_now_ms();
	n->n_conn++;
	for (unsigned i = 0; i < sec->n_tables; i++) {
		n->at[i].sent = n->at[i].acked;
		n->at[i].next = peer_order_after(&sec->tables[i].order,
		    n->at[i].acked);
	}
	log_event(sec->px, LOG_L_NOTICE, "peers=%s peer=%s up by=%s",
	    sec->px->name, n->name, s->outgoing ? "us" : "them");
	peer_resync_up(s);
}

/* One line off the front of `in`, without its end; false: not there yet. */
static bool
cut_line(struct span *in, struct span *line)
{
	ptrdiff_t at = span_find(*in, '\n');

	if (at < 0)
		return (false);
	*line = span_of(in->p, (size_t)at);
	*in = span_skip(*in, (size_t)at + 1);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return (true);
}

static void
reject(struct peer_sess *s, enum peer_status st, const char *why)
{
	put_status(s, st);
	log_event(s->sec->px, LOG_L_WARNING, "peers=%s refused=%d "
	    "reason=\"%s\"", s->sec->px->name, st, why);
	peer_sess_end(s, why);
}

/* We are calling them while they call us. */
static bool
is_theirs_later(const struct peer_sess *s, const struct peer_node *n)
{
	return (n->sess != NULL && n->sess->state == PEER_WAITS_STATUS &&
	    strcmp(s->sec->local_name, n->name) < 0);
}

static void
identify(struct peer_sess *s, struct span name)
{
	struct peer_node *n = peer_node_find(s->sec, name);

	if (n == NULL) {
		reject(s, PEER_S_STRANGER, "there is no peer of the name that "
		    "it has");
		return;
	}
	if (is_theirs_later(s, n)) {
		n->n_collided++;
		put_status(s, PEER_S_LATER);
		peer_sess_end(s, "we are calling it");
		return;
	}
	if (n->sess != NULL) {
		n->n_collided++;
		peer_sess_end(n->sess, "it connected again");
	}
	s->node = n;
	n->sess = s;
	put_status(s, PEER_S_OK);
	begin(s);
}

/* Returns the bytes used; 0: more are needed, or it is over. */
static size_t
take_hello(struct peer_sess *s, struct span in)
{
	struct span rest = in, line;
	ptrdiff_t space;

	if (!cut_line(&rest, &line))
		goto more;
	if (!span_begins(line, SPAN("HAProxyS "))) {
		reject(s, PEER_S_PROTOCOL, "it does not speak the protocol");
		return (0);
	}
	line = span_skip(line, 9);
	if (!span_is(line, "2.1") && !span_is(line, "2.0")) {
		reject(s, PEER_S_VERSION, "it speaks another version, not "
		    "2.1 or 2.0");
		return (0);
	}
	if (!cut_line(&rest, &line))
		goto more;
	if (!span_is(line, s->sec->local_name)) {
		reject(s, PEER_S_NOT_ME, "it looks for a peer of another name "
		    "here");
		return (0);
	}
	if (!cut_line(&rest, &line))
		goto more;
	if ((space = span_find(line, ' ')) < 0) {
		reject(s, PEER_S_PROTOCOL, "it does not say its process");
		return (0);
	}
	identify(s, span_of(line.p, (size_t)space));
	return (s->state == PEER_RUNS ? (size_t)(rest.p - in.p) : 0);
more:
	if (in.n > HELLO_MAX)
		reject(s, PEER_S_PROTOCOL, "its first lines have no end");
	return (0);
}

static const char *
status_text(unsigned status)
{
	switch (status) {
	case PEER_S_LATER:
		return ("it asks to come later");
	case PEER_S_PROTOCOL:
		return ("it does not understand us");
	case PEER_S_VERSION:
		return ("it speaks another version");
	case PEER_S_NOT_ME:
		return ("it has another name than we call it");
	case PEER_S_STRANGER:
		return ("it has no peer of our name");
	default:
		return ("it gives no status");
	}
}

static size_t
take_status(struct peer_sess *s, struct span in)
{
	struct peer_node *n = s->node;
	struct span rest = in, line;
	uint64_t status;

	if (!cut_line(&rest, &line)) {
		if (in.n > 16)
			peer_sess_end(s, "it gives no status");
		return (0);
	}
	if (!num_u64(line, &status) || status < 100 || status > 999)
		status = 999;
	n->status = (uint16_t)status;
	if (status == PEER_S_OK) {
		begin(s);
		return ((size_t)(rest.p - in.p));
	}
	if (status != PEER_S_LATER)
		log_event(s->sec->px, LOG_L_WARNING, "peers=%s peer=%s "
		    "status=%u reason=\"%s\"", s->sec->px->name, n->name,
		    (unsigned)status, status_text((unsigned)status));
	peer_sess_end(s, status_text((unsigned)status));
	return (0);
}

/* ---- what they tell ---- */

static void
begin_teaching(struct peer_sess *s)
{
	s->teaching = true;
	s->teach_table = 0;
	s->teach_entry = 0;
	/* What changed until now is part of it. */
	peer_drain(s->sec);
	for (unsigned i = 0; i < s->sec->n_tables; i++) {
		struct peer_progress *at = &s->node->at[i];

		at->next = 0;
		at->sent = s->sec->tables[i].order.last_id;
	}
}

static void
take_control(struct peer_sess *s, unsigned type)
{
	switch (type) {
	case PEER_RESYNC_REQ:
		if (!s->node->local)
			begin_teaching(s);
		break;
	case PEER_RESYNC_DONE:
	case PEER_RESYNC_PART:
		peer_put_control(&s->out, PEER_RESYNC_ACK);
		peer_resync_done(s, type == PEER_RESYNC_DONE);
		break;
	case PEER_RESYNC_ACK:
		s->unconfirmed = false;
		break;
	case PEER_HEARTBEAT:
		s->node->n_beats_in++;
		break;
	default:
		break;                  /* of a newer version */
	}
}

/* A period that differs makes rates that cannot be compared. */
static void
compare(struct peer_sess *s, const struct peer_table *mine,
    struct peer_theirs *t)
{
	t->learn = t->def.type == mine->def.type &&
	    t->def.key_bytes == mine->def.key_bytes;
	if (!t->learn)
		log_event(s->sec->px, LOG_L_WARNING, "peers=%s peer=%s "
		    "table=%s ignored: its keys are of another type or length",
		    s->sec->px->name, s->node->name, mine->x.name);
	for (unsigned d = 0; t->learn && d < STK_DATA_N; d++)
		if (t->def.n[d] != 0 && mine->def.n[d] != 0 &&
		    t->def.period[d] != 0 &&
		    t->def.period[d] != mine->def.period[d])
			log_event(s->sec->px, LOG_L_WARNING, "peers=%s peer=%s "
			    "table=%s data=%s ignored: its period is %u ms, "
			    "not %u", s->sec->px->name, s->node->name,
			    mine->x.name, stk_data_rows[d].name,
			    t->def.period[d], mine->def.period[d]);
}

static bool
take_def(struct peer_sess *s, struct span body)
{
	struct peer_section *sec = s->sec;
	struct peer_theirs *t;
	struct peer_def def;
	unsigned i;

	if (!peer_get_def(body, &def))
		return (false);
	for (i = 0; i < sec->n_tables; i++)
		if (strcmp(sec->tables[i].def.name, def.name) == 0)
			break;
	t = s->cur = &s->theirs[i];
	if (t->known && memcmp(&t->def, &def, sizeof def) == 0)
		return (true);
	t->def = def;
	t->known = true;
	t->learn = false;
	if (i < sec->n_tables)
		compare(s, &sec->tables[i], t);
	return (true);
}

static void
take_switch(struct peer_sess *s, struct span body)
{
	uint64_t id;

	s->cur = NULL;
	if (!peer_get_int(&body, &id))
		return;
	for (unsigned i = 0; i <= s->sec->n_tables; i++)
		if (s->theirs[i].known && s->theirs[i].def.id == id)
			s->cur = &s->theirs[i];
}

static void
drop_other_periods(const struct peer_theirs *t, const struct peer_def *mine,
    struct stk_image *im)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < im->n; i++) {
		unsigned d = im->cell[i].data;

		if (t->def.period[d] == 0 || mine->period[d] == 0 ||
		    t->def.period[d] == mine->period[d])
			im->cell[n++] = im->cell[i];
	}
	im->n = n;
}

static bool
take_update(struct peer_sess *s, unsigned type, struct span body)
{
	static struct peer_update u;
	struct peer_theirs *t = s->cur;

	if (t == NULL)
		return (true);          /* of a table that nobody defined */
	if (t->def.type == STK_TYPE_N)
		return (true);
	u.type = (uint8_t)type;
	u.id = t->got;
	if (!peer_get_update(body, &t->def, s->dict, &u))
		return (false);
	t->got = u.id;
	if (t == &s->theirs[s->sec->n_tables] || !t->learn)
		return (true);
	t->ack = true;
	drop_other_periods(t, &s->sec->tables[t - s->theirs].def, &u.image);
	(void)stk_image_put(s->sec->tables[t - s->theirs].t, &u.image);
	peer_resync_more(s);
	return (true);
}

static void
take_ack(struct peer_sess *s, struct span body)
{
	struct peer_progress *at;
	uint64_t table;
	uint32_t id;

	if (!peer_get_ack(body, &table, &id) || table == 0 ||
	    table > s->sec->n_tables)
		return;
	at = &s->node->at[table - 1];
	if ((int32_t)(id - at->acked) > 0 && (int32_t)(id - at->sent) <= 0)
		at->acked = id;
}

static bool
take_table(struct peer_sess *s, const struct peer_frame *f)
{
	switch (f->type) {
	case PEER_T_UPDATE:
	case PEER_T_NEXT:
	case PEER_T_TIMED:
	case PEER_T_TIMED_NEXT:
		return (take_update(s, f->type, f->body));
	case PEER_T_DEFINE:
		return (take_def(s, f->body));
	case PEER_T_SWITCH:
		take_switch(s, f->body);
		return (true);
	case PEER_T_ACK:
		if (f->body.n == 0)
			return (false);
		take_ack(s, f->body);
		return (true);
	default:
		return (true);          /* of a newer version */
	}
}

static void
take_frame(struct peer_sess *s, const struct peer_frame *f)
{
	switch (f->cls) {
	case PEER_C_CONTROL:
		take_control(s, f->type);
		break;
	case PEER_C_ERROR:
		s->node->n_bad++;
		peer_sess_end(s, f->type == PEER_E_SIZE ? "a message of ours "
		    "is too long for it" : "it says that we broke the "
		    "protocol");
		break;
	case PEER_C_TABLE:
		if (!take_table(s, f))
			refuse(s, PEER_E_PROTOCOL, "it sent what is no "
			    "message of the protocol");
		break;
	default:
		break;
	}
}

static size_t
take_message(struct peer_sess *s, struct span in)
{
	struct peer_frame f;
	size_t used = 0;

	switch (peer_frame_get(in, &f, &used)) {
	case PEER_GOT:
		take_frame(s, &f);
		return (used);
	case PEER_BAD:
		refuse(s, PEER_E_PROTOCOL, "it sent what is no message of the "
		    "protocol");
		return (0);
	case PEER_BIG:
		refuse(s, PEER_E_SIZE, "it sent a message that is too long");
		return (0);
	default:
		return (0);
	}
}

static size_t
take_one(struct peer_sess *s, struct span in)
{
	switch ((enum peer_state)s->state) {
	case PEER_WAITS_HELLO:
		return (take_hello(s, in));
	case PEER_WAITS_STATUS:
		return (take_status(s, in));
	case PEER_RUNS:
		return (take_message(s, in));
	default:
		return (0);
	}
}

void
peer_sess_input(struct peer_sess *s, struct span bytes)
{
	struct span in;
	size_t used;

	s->in_ms = peer_now_ms();
	text_add(&s->in, bytes);
	in = text_span(&s->in);
	while (s->state != PEER_OVER && in.n > 0 &&
	    (used = take_one(s, in)) > 0)
		in = span_skip(in, used);
	text_eat(&s->in, s->in.n - in.n);
}
