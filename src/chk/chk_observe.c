/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_observe - what becomes of errors that the traffic met in a row: the
 * worker that met the last of them tells the agent, which acts as if a check
 * had failed, and has the next one come soon.
 *
 * Source: configuration manual 5.2 "observe", "error-limit", "on-error".
 */
#include "chk_int.h"

#include <stdio.h>
#include <string.h>

#include <agent/agent.h>
#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <os/loop.h>
#include <px/live.h>

struct report {                 /* worker to agent */
	uint32_t px_no;                 /* struct px.no */
	uint32_t srv_no;                /* struct srv.no */
	uint32_t seen;                  /* enum srv_seen, the last */
};

static void said(struct agent_worker *, struct span);

AGENT_TOPIC(chk_observe) = { .name = "errors", .said = said };

/* ---- in a worker ---- */

static void
tell_agent(struct srv *srv, enum srv_seen seen)
{
	struct report r = { srv->be->px->no, srv->no, seen };

	agent_say(&AGENT_TOPIC_OF(chk_observe), &r, sizeof r);
}

void
chk_observe_setup(void)
{
	srv_on_errors = tell_agent;
}

/* ---- in the agent ---- */

static const char *
seen_text(uint32_t seen)
{
	switch (seen) {
	case SRV_SEEN_UNCONNECTED:
		return ("L4 unsuccessful connection");
	case SRV_SEEN_STATUS:
		return ("Wrong http response");
	case SRV_SEEN_SILENT:
		return ("Read timeout (http)");
	case SRV_SEEN_CLOSED:
		return ("Close from server (http)");
	default:
		return ("Invalid http response (headers)");
	}
}

/* The next check comes at fastinter from now, if not sooner. */
static void
hurry(struct chk *c)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(c->srv);
	int64_t due = the_loop->now_ms + (cfg->fast_ms != 0 ? cfg->fast_ms :
	    cfg->inter_ms);

	if (c->running || c->tmr.due_ms <= due)
		return;
	tmr_stop(&the_loop->wheel, &c->tmr);
	tmr_arm(&the_loop->wheel, &c->tmr, due);
}

static void
fail(struct chk *c, uint32_t seen)
{
	struct srv_shm *sh = c->srv->shm;
	uint8_t mode = chk_cfg_of(c->srv)->on_error;
	int16_t rise = (int16_t)chk_rise(c->srv);
	char info[CHK_INFO_BYTES];
	struct chk_verdict v = { .status = CHK_HANA, .ms = -1 };

	if (mode == CHK_ON_SUDDEN_DEATH && sh->chk_health > rise)
		sh->chk_health = (int16_t)(rise + 1);
	if (mode == CHK_ON_MARK_DOWN && sh->chk_health > rise)
		sh->chk_health = rise;
	snprintf(info, sizeof info, "Detected %u consecutive errors, last one "
	    "was: %s", c->srv->cfg->error_limit, seen_text(seen));
	v.info = span_str(info);
	chk_found(c, &v);
}

void
chk_observed(struct srv *srv, uint32_t seen)
{
	struct chk *c = chk_of(srv);

	if (c == NULL || !chk_is_open() ||
	    (*c->state & (CHK_ENABLED | CHK_PAUSED)) != CHK_ENABLED)
		return;
	chk_shm_of(srv)->observed++;
	if (chk_cfg_of(srv)->on_error != CHK_ON_FASTINTER)
		fail(c, seen);
	hurry(c);
}

static void
said(struct agent_worker *w, struct span data)
{
	struct report r;
	struct srv *srv;

	(void)w;
	if (data.n != sizeof r)
		return;
	memcpy(&r, data.p, sizeof r);
	if ((srv = srv_by_no(r.px_no, r.srv_no)) != NULL)
		chk_observed(srv, r.seen);
}

uint64_t
chk_observed_fails(const struct srv *srv)
{
	const struct chk_shm *m = chk_shm_of(srv);

	return (m == NULL ? 0 : m->observed);
}

/* ---- configuration ---- */

static bool word_said;          /* a line has the word */

static struct px_server *
sv_of(void *obj)
{
	return (OBJ(obj, struct px_server, PX_SERVER_MAGIC));
}

static bool
parse_observe(struct conf_line *l, void *obj)
{
	struct px_server *sv = sv_of(obj);
	const struct conf_word *w = conf_peek(l);

	word_said = true;
	if (conf_accept(l, "none"))
		sv->observe = PX_OBSERVE_NONE;
	else if (conf_accept(l, "layer4"))
		sv->observe = PX_OBSERVE_L4;
	else if (conf_accept(l, "layer7"))
		sv->observe = PX_OBSERVE_L7;
	else
		return (conf_err(l, w, "'observe' expects 'none', 'layer4' or "
		    "'layer7'"));
	if (sv->observe == PX_OBSERVE_L7 && sv->px->mode != PX_HTTP &&
	    sv->name != NULL)
		return (conf_err(l, w, "'layer7' can only be observed in mode "
		    "http"));
	return (true);
}

static bool
parse_limit(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a number of errors", 1, INT32_MAX, &n))
		return (false);
	sv_of(obj)->error_limit = (uint32_t)n;
	return (true);
}

static bool
parse_on_error(struct conf_line *l, void *obj)
{
	static const char *const names[] = { [CHK_ON_FASTINTER] = "fastinter",
		[CHK_ON_FAIL_CHECK] = "fail-check",
		[CHK_ON_SUDDEN_DEATH] = "sudden-death",
		[CHK_ON_MARK_DOWN] = "mark-down" };
	struct chk_srv_cfg *cfg = px_edit(&sv_of(obj)->slots, &chk_srv_slot);
	const struct conf_word *w = conf_peek(l);

	for (size_t i = 0; i < NELEM(names); i++)
		if (conf_accept(l, names[i])) {
			cfg->on_error = (uint8_t)i;
			return (true);
		}
	return (conf_err(l, w, "'on-error' expects 'fastinter', "
	    "'fail-check', 'sudden-death' or 'mark-down'"));
}

/* Without checks nothing would bring it up again. */
static bool
check_server(struct conf *conf, struct px_server *sv)
{
	const struct chk_srv_cfg *cfg = px_get(&sv->slots, &chk_srv_slot);

	(void)conf;
	if (!cfg->check || (sv->observe == PX_OBSERVE_L7 &&
	    sv->px->mode != PX_HTTP))
		sv->observe = PX_OBSERVE_NONE;
	return (true);
}
PX_LIVE_CHECK(chk_observe, 31, check_server);

static bool
check_observed(struct conf *conf)
{
	if (!word_said)
		return (true);
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			(void)check_server(conf, sv);
	return (true);
}
CONF_CHECK(chk_observe, 31, check_observed);

#define SERVER_WORD(ident, word, words, fn, text)                            \
	KEYWORD(chk_##ident) = {                                             \
		.name = word, .in = KW_SERVER, .args = words, .parse = fn,   \
		.doc = text,                                                 \
	}
SERVER_WORD(observe, "observe", "none|layer4|layer7", parse_observe,
    "Let traffic count as checks, for a server that has `check`: with "
    "`layer4` connections that fail, with `layer7` also responses that time "
    "out, break, are malformed or have a status of 500 or more (501 and 505 "
    "are fine). Errors in a row of all workers are counted together.");
SERVER_WORD(error_limit, "error-limit", "<n>", parse_limit,
    "So many errors in a row make `on-error` happen (10).");
SERVER_WORD(on_error, "on-error",
    "fastinter|fail-check|sudden-death|mark-down", parse_on_error,
    "What errors in a row do, apart from making the next check come at "
    "`fastinter`: nothing more, count as a failed check (the default), take "
    "the server to where one more failed check takes it down, or take it down "
    "at once.");
