/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_agent - a program beside the server that says how it fares: a line of
 * words about its weight, its limit, its administrative state, up or down.
 *
 * Only what the line says changes anything; an agent that cannot be reached
 * is no reason to. The check itself is a script like any other: perhaps a
 * send, then the wait for a line.
 *
 * Source: configuration manual 5.2 "agent-check".
 */
#include "chk_int.h"

#include <stdio.h>
#include <string.h>

#include <base/must.h>
#include <base/num.h>
#include <base/text.h>
#include <srv/state.h>

struct chk_agent {
	struct chk_step send, expect;
	struct chk_agent_line line;     /* points into `text` */
	char text[512];
	bool heard;                     /* a line came this time */
};

/* ---- the line ---- */

static bool
is_gap(char c)
{
	return (c == ' ' || c == '\t' || c == ',');
}

static bool
is_weight(struct span w)
{
	uint64_t n;

	return (w.n > 1 && w.p[w.n - 1] == '%' &&
	    num_u64(span_of(w.p, w.n - 1), &n));
}

static bool
take_admin(struct span w, struct chk_agent_line *l)
{
	static const char *const words[] = { [CHK_READY] = "ready",
		[CHK_DRAIN] = "drain", [CHK_MAINT] = "maint" };

	for (size_t i = 0; i < NELEM(words); i++)
		if (span_ieq(w, span_str(words[i]))) {
			l->admin = (int)i;
			return (true);
		}
	return (false);
}

static bool
take_state(struct span w, struct chk_agent_line *l)
{
	static const char *const downs[] = { "down", "fail", "stopped" };

	if (span_ieq(w, SPAN("up"))) {
		l->state = CHK_AGENT_UP;
		l->word = w;
		return (true);
	}
	for (size_t i = 0; i < NELEM(downs); i++)
		if (span_ieq(w, span_str(downs[i]))) {
			l->state = CHK_AGENT_DOWN;
			l->word = w;
			return (true);
		}
	return (false);
}

static void
take_word(struct span w, struct chk_agent_line *l)
{
	static const struct span maxconn = SPAN("maxconn:");
	uint64_t n;

	if (is_weight(w))
		l->weight = w;
	else if (w.n > maxconn.n && span_ieq(span_of(w.p, maxconn.n),
	    maxconn) && num_u64(span_of(w.p + maxconn.n, w.n - maxconn.n),
	    &n) && n < INT32_MAX)
		l->maxconn = (int64_t)n;
	else if (!take_admin(w, l) && !take_state(w, l) && l->unknown.n == 0)
		l->unknown = w;
}

/* A word of its own that begins with '#' begins a description, which is the
 * rest of the line. */
void
chk_agent_parse(struct span in, struct chk_agent_line *l)
{
	*l = (struct chk_agent_line){ .maxconn = -1, .admin = -1 };
	while (in.n > 0) {
		size_t n = 0;

		if (is_gap(in.p[0])) {
			in = span_of(in.p + 1, in.n - 1);
			continue;
		}
		if (in.p[0] == '#') {
			l->why = span_trim(span_of(in.p + 1, in.n - 1));
			return;
		}
		while (n < in.n && !is_gap(in.p[n]))
			n++;
		take_word(span_of(in.p, n), l);
		in = span_of(in.p + n, in.n - n);
	}
}

/* ---- the check ---- */

/* A line ends with its first CR or LF; one that was cut says nothing. */
static enum why
judge_line(struct span in, bool eof, struct chk_verdict *v)
{
	size_t n = 0;

	while (n < in.n && in.p[n] != '\r' && in.p[n] != '\n')
		n++;
	if (n == in.n && !eof && n < CHK_IN_BYTES)
		return (WHY_AGAIN);
	if (n == in.n) {
		v->status = CHK_L7RSP;
		v->info = n == 0 ? SPAN("the agent did not answer") :
		    SPAN("the agent's line has no end: it is ignored");
		return (WHY_OK);
	}
	v->status = CHK_CHECKED;
	v->info = span_of(in.p, n);
	return (WHY_OK);
}

void
chk_agent_begin(struct chk *c)
{
	const struct chk_shm *m = chk_shm_of(c->srv);
	struct chk_agent *a = c->agent;

	a->send.data = m->agent_sends ? span_of(m->agent_send,
	    m->agent_send_n) : chk_cfg_of(c->srv)->agent_send;
	c->script = a->send.data.n > 0 ? &a->send : &a->expect;
}

void
chk_agent_init(struct chk *c, struct srv *srv)
{
	struct chk_agent *a = must_alloc(sizeof *a);

	*c = (struct chk){ .magic = CHK_MAGIC, .srv = srv, .fd = -1,
		.conn = { .fd = -1 },
		.agent = a, .type = CHK_TYPE_AGENT,
		.state = &srv->shm->agent_state };
	tmr_init(&c->tmr, chk_due);
	a->send = (struct chk_step){ .next = &a->expect, .kind = CHK_SEND,
		.shown = SPAN("send") };
	a->expect = (struct chk_step){ .kind = CHK_EXPECT,
		.shown = SPAN("expect"), .expect = { .match = CHK_MATCH_PROTO,
		.ok = CHK_CHECKED, .error = CHK_L7RSP, .tout = CHK_L7TOUT,
		.min_recv = -1, .proto = judge_line } };
}

void
chk_agent_heard(struct chk *c, struct chk_verdict *v)
{
	struct chk_agent *a = c->agent;
	size_t n = v->info.n < sizeof a->text ? v->info.n : sizeof a->text;

	a->heard = v->status == CHK_CHECKED;
	if (!a->heard)
		return;
	for (size_t i = 0; i < n; i++) {
		char b = v->info.p[i];

		a->text[i] = (b < ' ' && b != '\t') || b == '"' ||
		    b == 0x7f ? '.' : b;
	}
	chk_agent_parse(span_of(a->text, n), &a->line);
	if (a->line.state == CHK_AGENT_UP)
		v->status = CHK_L7OK;
	else if (a->line.state == CHK_AGENT_DOWN)
		v->status = CHK_L7STS;
}

/* "via agent : down (too hot)" */
static void
put_said(const struct chk_agent *a, struct chk_verdict *v, char *dst,
    size_t size)
{
	const struct chk_agent_line *l = &a->line;

	dst[0] = '\0';
	if (!a->heard)
		snprintf(dst, size, "%.*s", SPAN_FMT(v->info));
	else if (l->unknown.n > 0)
		snprintf(dst, size, "agent reports an error : %.*s",
		    SPAN_FMT(l->unknown));
	else if (l->state != CHK_AGENT_NONE)
		snprintf(dst, size, "via agent : %.*s%s%.*s%s",
		    SPAN_FMT(l->word), l->why.n > 0 ? " (" : "",
		    SPAN_FMT(l->why), l->why.n > 0 ? ")" : "");
	v->info = span_str(dst);
}

static void
obey(struct srv *srv, const struct chk_agent_line *l, char *said, size_t size)
{
	const char *fault;

	if (l->admin >= 0)
		chk_set_admin(srv, (enum chk_admin)l->admin);
	if (l->weight.n > 0 && (fault = chk_set_weight(srv, l->weight)) != NULL)
		snprintf(said, size, "agent warns : %s", fault);
	if (l->maxconn >= 0 && (uint32_t)l->maxconn != srv_maxconn(srv))
		chk_set_maxconn(srv, (uint32_t)l->maxconn);
}

static bool
is_stopped(const struct srv *srv)
{
	return (atomic_load(&srv->shm->state) == SRV_STOPPED);
}

/* Health checks, if there are any, see no reason against it. */
static bool
checks_agree(const struct srv *srv)
{
	return ((srv->shm->chk_state & CHK_ENABLED) == 0 ||
	    srv->shm->chk_health >= chk_rise(srv));
}

static void
apply_health(struct srv *srv, bool up, const char *reason)
{
	chk_shm_of(srv)->agent_health = up;
	if (!up && !is_stopped(srv))
		chk_go_down(srv, reason);
	else if (up && is_stopped(srv) && checks_agree(srv) &&
	    (atomic_load(&srv->shm->admin) & SRV_MAINT) == 0)
		chk_go_up(srv, reason);
}

void
chk_agent_found(struct chk *c, struct chk_verdict *v)
{
	struct chk_shm *m = chk_shm_of(c->srv);
	bool logs = px_opt(c->srv->be->px, PX_OPT_LOG_HEALTH_CHECKS);
	bool changed = !c->logged || m->agent_status != v->status;
	enum chk_agent_word state = c->agent->heard ? c->agent->line.state :
	    CHK_AGENT_NONE;
	char reason[CHK_LINE] = "";

	put_said(c->agent, v, m->agent_said, sizeof m->agent_said);
	c->logged = true;
	m->agent_status = (uint8_t)v->status;
	m->agent_result = state == CHK_AGENT_UP ? CHK_RES_PASSED : state ==
	    CHK_AGENT_DOWN ? CHK_RES_FAILED : CHK_RES_NEUTRAL;
	m->agent_ms = v->ms;
	if (c->agent->heard)
		obey(c->srv, &c->agent->line, m->agent_said,
		    sizeof m->agent_said);
	if (logs && changed && v->status != CHK_CHECKED)
		chk_log_check(c, v, state == CHK_AGENT_UP ? 1 : state ==
		    CHK_AGENT_DOWN ? 0 : m->agent_health, 1, 1);
	if (!logs)
		chk_reason_text(v, reason);
	if (state != CHK_AGENT_NONE)
		apply_health(c->srv, state == CHK_AGENT_UP, reason);
}

/* ---- reading and orders ---- */

bool
chk_has_agent(const struct srv *srv)
{
	return (chk_cfg_of(srv)->agent);
}

bool
chk_agent_agrees(const struct srv *srv)
{
	return ((srv->shm->agent_state & CHK_ENABLED) == 0 ||
	    chk_shm_of(srv)->agent_health > 0);
}

struct chk_agent_now
chk_agent_now(const struct srv *srv)
{
	const struct chk_shm *m = chk_shm_of(srv);

	return ((struct chk_agent_now){ m->agent_status, m->agent_health,
	    m->agent_ms, m->agent_said });
}

bool
chk_agent_enable(struct srv *srv, bool on)
{
	struct chk *c = chk_agent_of(srv);

	if (c == NULL)
		return (false);
	if (on) {
		*c->state |= CHK_ENABLED;
		if (chk_is_open() && !c->running)
			chk_plan(c, 0);
	} else {
		*c->state &= (uint8_t)~CHK_ENABLED;
		chk_stop(c);
	}
	return (true);
}

static bool
is_on(const struct srv *srv)
{
	return (chk_has_agent(srv) && srv->shm->agent_state & CHK_ENABLED);
}

bool
chk_agent_set_health(struct srv *srv, bool up)
{
	if (!is_on(srv))
		return (false);
	apply_health(srv, up, ", changed from CLI");
	return (true);
}

bool
chk_agent_set_addr(struct srv *srv, const struct addr *to, unsigned port)
{
	struct chk_shm *m = chk_shm_of(srv);

	if (!is_on(srv))
		return (false);
	if (to != NULL)
		m->agent_addr = *to;
	if (port != 0)
		m->agent_port = (uint16_t)port;
	return (true);
}

const char *
chk_agent_set_send(struct srv *srv, struct span text)
{
	struct chk_shm *m = chk_shm_of(srv);

	if (!is_on(srv))
		return ("agent checks are not enabled on this server.");
	if (text.n > CHK_SEND_BYTES)
		return ("'agent-send' takes at most 255 bytes.");
	memcpy(m->agent_send, text.p, text.n);
	m->agent_send_n = (uint8_t)text.n;
	m->agent_sends = 1;
	return (NULL);
}

void
chk_agent_take_over(struct srv *srv)
{
	struct chk_shm *m = chk_shm_of(srv);
	uint8_t *state = &srv->shm->agent_state;

	if (!chk_has_agent(srv)) {
		*state = 0;
		return;
	}
	if ((*state & CHK_CONFIGURED) == 0) {
		*state = CHK_AGENT | CHK_CONFIGURED | CHK_ENABLED;
		m->agent_status = CHK_INI;
		m->agent_result = CHK_RES_UNKNOWN;
		m->agent_health = 1;
		m->agent_said[0] = '\0';
	}
	*state &= (uint8_t)~CHK_RUNNING;
	chk_agent_of(srv)->logged = m->agent_result != CHK_RES_UNKNOWN;
}
