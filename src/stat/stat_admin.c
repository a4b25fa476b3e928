/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_admin - what people order on the statistics page: the form that comes
 * back, and the way from the worker that reads it to the agent that does it.
 *
 * Every order names one server and has a ticket; the agent hands the ticket
 * back when it is done, and only then does the browser get its answer. So the
 * page that it loads next, from any worker, shows the new state.
 *
 * Source: configuration manual 4.2 "stats admin"; fields, actions and results
 * as HAProxy 2.6 was seen to take and give them.
 */
#include "stat_page.h"

#include <stdio.h>
#include <string.h>

#include <base/buf.h>
#include <base/must.h>
#include <base/num.h>
#include <chk/chk.h>
#include <os/loop.h>
#include <rule/rule.h>

#define DONE_WAIT_MS 1000       /* for the agent to do it */
#define DONE_LOOK_MS 1

/* As the page offers them. */
enum order { TO_READY, TO_DRAIN, TO_MAINT, CHK_OFF, CHK_ON, FORCE_UP,
	FORCE_NOLB, FORCE_DOWN, AGENT_OFF, AGENT_ON, AGENT_UP, AGENT_DOWN,
	KILL, N_ORDERS };
const struct stat_order stat_orders[] = {
	[TO_READY] = { "ready", "State: ready" },
	[TO_DRAIN] = { "drain", "State: drain" },
	[TO_MAINT] = { "maint", "State: maintenance" },
	[CHK_OFF] = { "dhlth", "Checks: off" },
	[CHK_ON] = { "ehlth", "Checks: on" },
	[FORCE_UP] = { "hrunn", "Health: up" },
	[FORCE_NOLB] = { "hnolb", "Health: no new sessions" },
	[FORCE_DOWN] = { "hdown", "Health: down" },
	[AGENT_OFF] = { "dagent", "Agent: off" },
	[AGENT_ON] = { "eagent", "Agent: on" },
	[AGENT_UP] = { "arunn", "Agent: up" },
	[AGENT_DOWN] = { "adown", "Agent: down" },
	[KILL] = { "shutdown", "End sessions" },
	{ NULL, NULL },
};

static const struct result {
	const char *word, *class, *text;
} results[] = {
	[STAT_DONE] = { "DONE", "up", "Done." },
	[STAT_PART] = { "PART", "warn", "Only partly done: some of these "
	    "servers are not known." },
	[STAT_NONE] = { "NONE", "warn", "Nothing was to be changed." },
	[STAT_ERRP] = { "ERRP", "down", "Not done: the action, the backend or "
	    "the servers are not known." },
	[STAT_EXCD] = { "EXCD", "down", "Not done: that was too long. Choose "
	    "fewer servers at a time." },
	[STAT_DENIED] = { "DENY", "down", "Not done: this is not allowed." },
};

struct msg {                    /* worker to agent */
	uint32_t ticket;
	uint32_t px_no;                 /* struct px.no */
	uint32_t srv_no;                /* struct srv.no */
	uint32_t order;                 /* enum order */
};

static void said(struct agent_worker *, struct span);
static void told(struct span);
AGENT_TOPIC(stat_admin) = { .name = "admin", .said = said, .told = told };

/* ---- in the agent ---- */

static void
obey(struct srv *srv, enum order order)
{
	switch (order) {
	case TO_READY:
		chk_set_admin(srv, CHK_READY);
		break;
	case TO_DRAIN:
		chk_set_admin(srv, CHK_DRAIN);
		break;
	case TO_MAINT:
		chk_set_admin(srv, CHK_MAINT);
		break;
	case CHK_OFF:
	case CHK_ON:
		(void)chk_enable(srv, order == CHK_ON);
		break;
	case FORCE_UP:
		chk_set_health(srv, CHK_UP);
		break;
	case FORCE_NOLB:
		chk_set_health(srv, CHK_STOPPING);
		break;
	case FORCE_DOWN:
		chk_set_health(srv, CHK_DOWN);
		break;
	case KILL:
		chk_kill_sessions(srv);
		break;
	case AGENT_OFF:
	case AGENT_ON:
		(void)chk_agent_enable(srv, order == AGENT_ON);
		break;
	case AGENT_UP:
	case AGENT_DOWN:
		(void)chk_agent_set_health(srv, order == AGENT_UP);
		break;
	case N_ORDERS:
		break;
	}
}

static void
said(struct agent_worker *w, struct span data)
{
	struct srv *srv;
	struct msg m;

	if (data.n != sizeof m)
		return;
	memcpy(&m, data.p, sizeof m);
	if (m.order < N_ORDERS &&
	    (srv = srv_by_no(m.px_no, m.srv_no)) != NULL)
		obey(srv, m.order);
	agent_tell(w, &AGENT_TOPIC_OF(stat_admin), &m.ticket, sizeof m.ticket);
}

/* ---- in a worker ---- */

static uint32_t last_asked, last_done;

static void
told(struct span data)
{
	if (data.n == sizeof last_done)
		memcpy(&last_done, data.p, sizeof last_done);
}

/* Would it change anything? */
static bool
applies(const struct srv *srv, enum order order)
{
	switch (order) {
	case CHK_OFF:
	case CHK_ON:
		return (chk_has(srv));
	case AGENT_OFF:
	case AGENT_ON:
		return (chk_has_agent(srv));
	case AGENT_UP:
	case AGENT_DOWN:
		return (chk_has_agent(srv) &&
		    (srv->shm->agent_state & CHK_ENABLED) != 0);
	default:
		return (true);
	}
}

static void
ask(const struct srv *srv, enum order order)
{
	struct msg m = { ++last_asked, srv->be->px->no, srv->no, order };

	agent_say(&AGENT_TOPIC_OF(stat_admin), &m, sizeof m);
}

/* ---- the form ---- */

/* A name or value as browsers send it, in place of `dst`. */
static struct span
form_text(struct span s, char *dst)
{
	char *end = dst;
	unsigned byte;

	for (size_t i = 0; i < s.n; i++) {
		char hex[3] = "";

		if (s.p[i] == '%' && i + 2 < s.n) {
			memcpy(hex, s.p + i + 1, 2);
			if (strspn(hex, "0123456789abcdefABCDEF") == 2 &&
			    sscanf(hex, "%2x", &byte) == 1) {
				*end++ = (char)byte;
				i += 2;
				continue;
			}
		}
		*end++ = s.p[i] == '+' ? ' ' : s.p[i];
	}
	return (span_of(dst, (size_t)(end - dst)));
}

/* The next field of the form; false: that was all. */
static bool
next_field(struct span *rest, char *room, struct span *name,
    struct span *value)
{
	struct span field;

	if (!span_cut(rest, '&', &field))
		return (false);
	(void)span_cut(&field, '=', name);
	*name = form_text(*name, room);
	*value = form_text(field, room + name->n);
	return (true);
}

static struct be *
find_be(const struct stat_page_cfg *c, const struct px *at, struct span name)
{
	uint64_t id = 0;
	bool by_id = name.n > 1 && name.p[0] == '#' &&
	    num_u64(span_trim(span_skip(name, 1)), &id);

	PX_EACH(px, px_model)
		if ((px->kind & PX_BE) != 0 && !px->disabled &&
		    (by_id ? px->id == id : span_is(name, px->name)) &&
		    stat_page_shows(c, at, px))
			return (be_of(px));
	return (NULL);
}

static struct srv *
find_named(struct be *be, struct span name)
{
	for (uint32_t i = 0; i < be->n; i++)
		if (span_is(name, be->srv[i]->cfg->name))
			return (be->srv[i]);
	return (NULL);
}

static int
find_order(struct span word)
{
	for (int i = 0; i < N_ORDERS; i++)
		if (span_is(word, stat_orders[i].word))
			return (i);
	return (-1);
}

struct wish {
	bool has_be, has_order;
	struct be *be;
	int order;                      /* enum order, or -1 */
};

static struct wish
read_wish(const struct stat_page_cfg *c, const struct px *at, struct span form,
    char *room)
{
	struct wish w = { .order = -1 };
	struct span name, value;

	while (next_field(&form, room, &name, &value)) {
		if (span_is(name, "b")) {
			w.has_be = true;
			w.be = find_be(c, at, value);
		} else if (span_is(name, "action")) {
			w.has_order = true;
			w.order = find_order(value);
		}
	}
	return (w);
}

static enum stat_result
do_wish(const struct wish *w, struct span form, char *room)
{
	unsigned named = 0, unknown = 0, changed = 0;
	struct span name, value;
	const struct srv *srv;

	if (!w->has_be || !w->has_order)
		return (STAT_NONE);
	if (w->be == NULL || w->order < 0)
		return (STAT_ERRP);
	while (next_field(&form, room, &name, &value)) {
		if (!span_is(name, "s"))
			continue;
		named++;
		if ((srv = find_named(w->be, value)) == NULL) {
			unknown++;
		} else if (applies(srv, (enum order)w->order)) {
			ask(srv, (enum order)w->order);
			changed++;
		}
	}
	if (changed > 0)
		return (unknown > 0 ? STAT_PART : STAT_DONE);
	return (named > 0 && unknown > 0 ? STAT_ERRP : STAT_NONE);
}

/* The whole form is here; what it asks for is on its way to the agent. */
static enum stat_result
take_form(const struct stat_page_cfg *c, const struct px *at, struct txn *t)
{
	struct span form = t->ops->payload(t, false);
	const struct http_head *req = t->req;
	struct wish w;
	char *room;

	/* Of one in chunks nobody says whether it goes on behind what there was
	 * room for. */
	if (req->body == HTTP_LENGTH ? form.n < req->length :
	    form.n > buf_size / 2)
		return (STAT_EXCD);
	if ((room = arena_get(t->arena, form.n + 1)) == NULL)
		return (STAT_EXCD);
	w = read_wish(c, at, form, room);
	return (do_wish(&w, form, room));
}

/* ---- the answer ---- */

struct admin_reply {
	struct http_reply reply;
	uint32_t ticket;                /* wait for this one to be done */
	int64_t until_ms;
};

/* Where the browser goes next: the same page, with the result in its URI. */
static struct span
next_page(const struct stat_view *v, enum stat_result res, struct arena *a)
{
	char *z = arena_printf(a, "%.*s;st=%s%s%s%s%s%.*s", SPAN_FMT(v->base),
	    results[res].word, v->opt.up ? ";up" : "",
	    v->opt.no_maint ? ";no-maint" : "",
	    v->norefresh ? ";norefresh" : "", v->filter.n == 0 ? "" : "?scope=",
	    SPAN_FMT(v->filter));

	return (z == NULL ? SPAN_NONE : span_str(z));
}

static struct admin_reply *
new_answer(struct txn *t, const struct stat_view *v, enum stat_result res)
{
	struct admin_reply *a = arena_zget(t->arena, sizeof *a);
	struct http_reply_hdr *h = arena_zget(t->arena, 2 * sizeof *h);

	if (a == NULL || h == NULL)
		return (NULL);
	a->ticket = last_asked;
	a->until_ms = the_loop->now_ms + DONE_WAIT_MS;
	a->reply.status = 303;
	a->reply.content_type = SPAN("text/plain");
	a->reply.hdrs = h;
	h[0] = (struct http_reply_hdr){ &h[1], SPAN("Cache-Control"),
	    SPAN("no-cache") };
	h[1].name = SPAN("Location");
	h[1].value = next_page(v, res, t->arena);
	return (h[1].value.p == NULL ? NULL : a);
}

/* The browser says of itself that another site made it send this. */
static bool
from_elsewhere(const struct txn *t)
{
	const struct http_hdr *h = http_find(t->req, HTTP_OTHER,
	    SPAN("sec-fetch-site"), NULL);

	return (h != NULL && span_is(span_of(h->value, h->value_n),
	    "cross-site"));
}

static enum rule_verdict
wait_done(struct rule_run *run)
{
	const struct admin_reply *a = HOLDER(run->reply, struct admin_reply,
	    reply);

	if ((int32_t)(last_done - a->ticket) >= 0) {
		run->paused = false;
		return (RULE_REPLY);
	}
	if (the_loop->now_ms >= a->until_ms) {  /* the agent does not answer */
		run->paused = false;
		run->reply = NULL;
		run->status = 503;
		return (RULE_DENY);
	}
	run->paused = true;
	run->until_ms = the_loop->now_ms + DONE_LOOK_MS;
	return (RULE_WAIT);
}

static enum why
read_form(struct txn *t, struct rule_run *run)
{
	enum why why = t->ops == NULL || t->ops->gather == NULL ? WHY_CLI_ABORT :
	    t->ops->gather(t, false, 0);

	if (why != WHY_AGAIN)
		return (why);
	if (!run->paused) {
		run->paused = true;
		run->until_ms = the_loop->now_ms + (run->px->timeout->client !=
		    0 ? run->px->timeout->client : DONE_WAIT_MS);
	}
	return (the_loop->now_ms >= run->until_ms ? WHY_CLI_REQ_TIMEOUT :
	    WHY_AGAIN);
}

enum rule_verdict
stat_admin_run(const struct stat_page_cfg *c, const struct stat_view *v,
    struct txn *t, struct rule_run *run)
{
	struct admin_reply *a;
	enum stat_result res;
	enum why why;

	if (run->reply != NULL)
		return (wait_done(run));
	if ((why = read_form(t, run)) == WHY_AGAIN)
		return (RULE_WAIT);
	run->paused = false;
	if (why != WHY_OK) {
		run->why = why;
		return (RULE_FAIL);
	}
	res = !stat_page_is_admin(c, t) || from_elsewhere(t) ? STAT_DENIED :
	    take_form(c, run->px, t);
	if ((a = new_answer(t, v, res)) == NULL) {
		run->status = 500;
		return (RULE_DENY);
	}
	if (res != STAT_DONE && res != STAT_PART)
		a->ticket = last_done;  /* nothing was asked for */
	run->reply = &a->reply;
	return (wait_done(run));
}

/* ---- its words in the page ---- */

int
stat_result_of(struct span word)
{
	for (int i = 0; i < (int)NELEM(results); i++)
		if (span_is(word, results[i].word))
			return (i);
	return (-1);
}

void
stat_result_put(struct text *out, int res)
{
	text_printf(out, "<p class=\"%s\" role=\"status\">%s</p>\n",
	    results[res].class, results[res].text);
}
