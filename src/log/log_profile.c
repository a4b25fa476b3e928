/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_profile - sections "log-profile": other formats, tags, or silence for
 * the targets that name them, depending on when a line is written.
 *
 * Source: configuration manual 8.3.5.
 */
#include "log_int.h"

#include <conf/kw.h>

#define LINE_BYTES 65536

static struct log_profile *profiles;
static const char *const events[LOG_EVENT_N] = {
#define LOG_EVENT(ident, name) name,
	LOG_EVENTS(LOG_EVENT)
#undef LOG_EVENT
};

/* ---- lines ---- */

/* What a profile says about an event: its own line, or that of "any". */
static const struct log_profile_on *
says(const struct log_profile *p, enum log_event ev)
{
	if (p == NULL)
		return (NULL);
	return (p->on[ev].given ? &p->on[ev] :
	    p->on[LOG_AT_ANY].given ? &p->on[LOG_AT_ANY] : NULL);
}

static void
emit_one(const struct log_target *target, const struct log_profile *p,
    const struct log_cfg *c, struct txn *t, enum log_event ev,
    struct log_head h)
{
	static char line[LINE_BYTES], sd[4096];
	const struct log_profile_on *on = says(p, ev);
	struct logfmt *format = ev == LOG_AT_ERROR && c->error != NULL ?
	    c->error : c->format, *more = c->sd;
	bool greeting = ev == LOG_AT_ERROR && why_greeting(t->why);
	size_t n;

	if (on != NULL) {
		if (on->drop)
			return;
		format = on->format != NULL ? on->format : format;
		more = on->sd != NULL ? on->sd : more;
	}
	if (greeting && c->error == NULL && (on == NULL || on->format == NULL))
		format = NULL;
	if ((format == NULL && !greeting) || !log_takes(target, h.level))
		return;
	h.tag = on != NULL && on->tag != NULL ? on->tag :
	    p != NULL && p->tag != NULL ? p->tag : h.tag;
	if (more != NULL)
		h.sd = span_of(sd, logfmt_run(more, t, sd, sizeof sd));
	n = format == NULL ? log_conn_text(t, line, sizeof line) :
	    logfmt_run(format, t, line, sizeof line);
	if (n != 0)
		log_put_one(target, &h, span_of(line, n));
}

static void
emit_list(const struct log_target *list, const struct log_profile *profile,
    const struct log_cfg *c, struct txn *t, enum log_event ev,
    const struct log_head *h)
{
	for (const struct log_target *x = list; x != NULL; x = x->next)
		emit_one(x, profile != NULL ? profile : x->profile, c, t, ev,
		    *h);
}

void
log_emit(const struct log_cfg *c, struct txn *t, enum log_event ev, int level,
    const char *tag, const struct log_profile *profile)
{
	const struct log_global_cfg *g = px_get(&px_model->global.slots,
	    &log_global_slot);
	const struct log_head h = { .level = level, .tag = tag,
		.sd = SPAN_NONE };

	emit_list(c->targets, profile, c, t, ev, &h);
	if (c->global)
		emit_list(g->targets, profile, c, t, ev, &h);
	if (c->counter != NULL)
		++*c->counter;
}

/* ---- the section ---- */

const struct log_profile *
log_profile_find(struct span name)
{
	for (const struct log_profile *p = profiles; p != NULL; p = p->next)
		if (span_is(name, p->name))
			return (p);
	return (NULL);
}

bool
log_profiles_bind(struct conf *conf, struct log_target *list, bool *any)
{
	bool ok = true;

	for (struct log_target *t = list; t != NULL; t = t->next) {
		if (t->profile_name == NULL)
			continue;
		*any = true;
		t->profile = log_profile_find(span_str(t->profile_name));
		if (t->profile == NULL)
			ok = conf_fail(conf, DIAG_ALERT, t->pos, "there is no "
			    "'log-profile %s'", t->profile_name);
	}
	return (ok);
}

bool
log_profiles_late(const struct log_target *list)
{
	for (const struct log_target *t = list; t != NULL; t = t->next) {
		const struct log_profile_on *on = t->profile == NULL ? NULL :
		    t->profile->on;

		/* "close" is asked for; "any" may be what is written */
		if (on != NULL && (on[LOG_AT_CLOSE].given ||
		    log_is_late(on[LOG_AT_ANY].format) ||
		    log_is_late(on[LOG_AT_ANY].sd)))
			return (true);
	}
	return (false);
}

static void *
begin_profile(struct conf_line *l)
{
	const struct conf_word *w = conf_peek(l);
	struct log_profile *p;
	struct span name;

	if (!conf_want_name(l, "the name of a log profile", &name) ||
	    !conf_end(l))
		return (NULL);
	if (log_profile_find(name) != NULL) {
		conf_err(l, w, "there is a log profile '%.*s' already",
		    SPAN_FMT(name));
		return (NULL);
	}
	p = arena_zget(l->conf->arena, sizeof *p);
	p->name = name.p;
	p->next = profiles;
	return (profiles = p);
}

static bool
parse_tag(struct conf_line *l, void *obj)
{
	struct log_profile *p = obj;
	struct span s;

	if (!conf_want(l, "a tag", &s))
		return (false);
	p->tag = s.p;
	return (conf_end(l));
}

/* What there is at that moment; a line of the end is always possible. */
static unsigned
stages_of(enum log_event ev)
{
	switch (ev) {
	case LOG_AT_ACCEPT:
	case LOG_AT_TCP_SESS:
		return (SMP_AT(LOG) | SMP_AT(SESS));
	case LOG_AT_TCP_CONN:
		return (SMP_AT(LOG) | SMP_AT(CONN));
	case LOG_AT_TCP_REQ:
		return (SMP_AT(LOG) | SMP_CONTENT);
	case LOG_AT_REQUEST:
	case LOG_AT_HTTP_REQ:
		return (SMP_AT(LOG) | SMP_REQ_HEAD);
	case LOG_AT_TCP_RES:
		return (SMP_AT(LOG) | SMP_AT(RES_CONTENT));
	case LOG_AT_RESPONSE:
	case LOG_AT_HTTP_RES:
	case LOG_AT_HTTP_AFTER:
		return (SMP_AT(LOG) | SMP_AT(RES));
	default:
		return (SMP_AT(LOG));
	}
}

static bool
want_format(struct conf_line *l, enum log_event ev, struct logfmt **out)
{
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, "a log format", &text))
		return (false);
	*out = logfmt_parse(l, w, text, LOGFMT_LOG, stages_of(ev));
	return (*out != NULL);
}

static bool
want_event(struct conf_line *l, enum log_event *ev)
{
	const struct conf_word *w = conf_peek(l);
	const char *near;
	struct span s;

	if (!conf_want(l, "when a line is written", &s))
		return (false);
	for (int i = 0; i < LOG_EVENT_N; i++)
		if (span_is(s, events[i])) {
			*ev = (enum log_event)i;
			return (true);
		}
	conf_err(l, w, "no line is ever written at '%.*s'", SPAN_FMT(s));
	if ((near = kw_nearest(s, events, LOG_EVENT_N)) != NULL)
		conf_err_hint(l, "did you mean '%s'?", near);
	return (false);
}

static bool
parse_on(struct conf_line *l, void *obj)
{
	struct log_profile *p = obj;
	struct log_profile_on on = { .given = true };
	enum log_event ev = LOG_AT_ANY;
	struct span s;

	if (!want_event(l, &ev))
		return (false);
	while (conf_left(l) > 0) {
		if (conf_accept(l, "drop"))
			on.drop = true;
		else if (conf_accept(l, "tag")) {
			if (!conf_want(l, "a tag", &s))
				return (false);
			on.tag = s.p;
		} else if (conf_accept(l, "format")) {
			if (!want_format(l, ev, &on.format))
				return (false);
		} else if (conf_accept(l, "sd")) {
			if (!want_format(l, ev, &on.sd))
				return (false);
		} else
			return (conf_err(l, conf_peek(l), "expected 'drop', "
			    "'tag', 'format' or 'sd', found '%.*s'",
			    SPAN_FMT(conf_peek(l)->text)));
	}
	p->on[ev] = on;
	return (true);
}

/* ---- log-steps ---- */

static bool
parse_steps(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	const struct conf_word *w = conf_peek(l);
	struct log_cfg *c = px_edit(&px->slots, &log_slot);
	struct span all, one;
	uint8_t steps = 0;
	int i;

	if (!conf_want(l, "'all', or steps with commas between them", &all) ||
	    !conf_end(l))
		return (false);
	if (span_is(all, "all"))
		steps = (1u << LOG_STEP_N) - 1;
	else while (span_cut(&all, ',', &one)) {
		for (i = 0; i < LOG_STEP_N && !span_is(one, events[i]); i++)
			;
		if (i == LOG_STEP_N)
			return (conf_err(l, w, "'%.*s' is no step; steps are "
			    "accept, request, connect, response, close",
			    SPAN_FMT(one)));
		steps |= (uint8_t)(1u << i);
	}
	c->steps = steps;
	return (true);
}

SECTION(log_profile) = {
	.name = "log-profile", .in = KW_LOG_PROFILE, .begin = begin_profile,
	.args = "<name>",
	.doc = "What log targets that name it ('log … profile <name>') get "
	    "instead of what their proxy says.",
};
KEYWORD(profile_tag) = {
	.name = "log-tag", .in = KW_LOG_PROFILE, .args = "<tag>",
	.parse = parse_tag,
	.doc = "The name of the program in the lines.",
	.example = "log-tag audit",
};
KEYWORD(profile_on) = {
	.name = "on", .in = KW_LOG_PROFILE,
	.args = "<event> [drop] [tag <tag>] [format <fmt>] [sd <fmt>]",
	.parse = parse_on,
	.doc = "What is written at that event: nothing ('drop'), or a line of "
	    "another format, structured data or tag. Events are the steps "
	    "accept, request, connect, response, close; 'error', of a "
	    "connection without a request; the rules by which 'do-log' asks "
	    "for a line, tcp-req-conn, tcp-req-sess, tcp-req-cont, "
	    "tcp-res-cont, http-req, http-res, http-after-res; and 'any', "
	    "which is all that have no line of their own.",
	.example = "on http-req format \"%ci %[path]\"",
};
KEYWORD(log_steps) = {
	.name = "log-steps", .in = KW_DEFAULTS | KW_FRONTEND,
	.args = "{ all | <step>[,<step>...] }", .parse = parse_steps,
	.doc = "At which steps of a stream a line is written: accept, of a "
	    "connection; request, when it is here; connect, to the server; "
	    "response, when its head is here; close, at the end. Without it, "
	    "at 'close'.",
	.example = "log-steps accept,close",
};
