/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line - decides what is logged, at which level, and makes the line.
 */
#include "log_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_BYTES 65536

static char line[LINE_MAX_BYTES];       /* one process, one thread */
static char sd_text[4096];

static const struct log_cfg *
cfg_of(const struct px *px)
{
	return (px_get(&px->slots, &log_slot));
}

static const struct log_global_cfg *
global_cfg(void)
{
	return (px_get(&px_model->global.slots, &log_global_slot));
}

static const char *
tag_of(const struct log_cfg *c)
{
	const struct log_global_cfg *g = global_cfg();

	if (c != NULL && c->tag != NULL)
		return (c->tag);
	return (g->tag != NULL ? g->tag : program_invocation_short_name);
}

static void
put_all(const struct log_cfg *c, const struct log_head *h, struct span text)
{
	if (c != NULL)
		log_put(c->targets, h, text);
	if (c == NULL || c->global)
		log_put(global_cfg()->targets, h, text);
}

static bool
has_targets(const struct log_cfg *c)
{
	return (c->targets != NULL ||
	    (c->global && global_cfg()->targets != NULL));
}

bool
log_failed(const struct txn *t)
{
	char cause = t->term[0];

	return (t->redispatched || t->retries != 0 ||
	    (cause != '\0' && cause != '-' && cause != 'L') ||
	    (t->is_http && (t->status == 0 || t->status >= 500)));
}

bool
log_wanted(const struct txn *t)
{
	return (cfg_of(t->fe)->wanted);
}

uint32_t
log_line_no(const struct txn *t)
{
	const struct log_cfg *c = cfg_of(t->fe);

	return (c->counter != NULL ? *c->counter : 0);
}

/* The line of a frontend with targets. One of which no request was understood
 * is an error, which no step is about. */
static void
put_access(const struct log_cfg *c, struct txn *t, enum log_event ev,
    int level)
{
	struct log_head h = { .level = level, .tag = tag_of(c),
		.sd = SPAN_NONE };
	struct logfmt *format = c->format;
	size_t n;

	if (__builtin_expect(t->is_http && t->uri.p == NULL, 0)) {
		ev = LOG_AT_ERROR;
		if (c->error != NULL)
			format = c->error;
	}
	t->log_at = (uint8_t)(ev + 1);
	if (__builtin_expect((c->profiled | c->steps) != 0, 0)) {
		/* Beside steps that are named, an early one is the last. */
		if (c->steps != 0 && ev != LOG_AT_ERROR)
			ev = LOG_AT_CLOSE;
		if (c->steps == 0 || ev == LOG_AT_ERROR ||
		    (c->steps & 1u << LOG_AT_CLOSE) != 0)
			log_emit(c, t, ev, h.level, h.tag, NULL);
		return;
	}
	if (c->sd != NULL)
		h.sd = span_of(sd_text, logfmt_run(c->sd, t, sd_text,
		    sizeof sd_text));
	n = logfmt_run(format, t, line, sizeof line);
	if (c->counter != NULL)
		++*c->counter;
	if (n != 0)
		put_all(c, &h, span_of(line, n));
}

bool
log_access(struct txn *t, enum log_event ev)
{
	const struct log_cfg *c = cfg_of(t->fe);
	bool failed;
	int level = t->log_level;

	if (!c->wanted || level > LOG_L_DEBUG)
		return (true);
	failed = log_failed(t);
	if (!failed && px_opt(t->fe, PX_OPT_DONTLOG_NORMAL))
		return (false);
	if (level < 0)
		level = failed && px_opt(t->fe, PX_OPT_LOG_SEPARATE_ERRORS) ?
		    LOG_L_ERR : LOG_L_INFO;
	put_access(c, t, ev, level);
	return (true);
}

bool log_stepped;

void
log_at_step(struct txn *t, enum log_event ev)
{
	const struct log_cfg *c = cfg_of(t->fe);

	if ((c->steps >> ev & 1) != 0)
		log_now(t, ev, NULL);
}

void
log_now(struct txn *t, enum log_event ev, const struct log_profile *profile)
{
	const struct log_cfg *c = cfg_of(t->fe);
	int level = t->log_level >= 0 ? t->log_level : LOG_L_INFO;

	t->log_at = ev < LOG_STEP_N ? (uint8_t)(ev + 1) : 0;
	if (level <= LOG_L_DEBUG && has_targets(c))
		log_emit(c, t, ev, level, tag_of(c), profile);
}

static size_t
put_end(struct txn *t, enum txn_addr which, char *dst, size_t size)
{
	const struct addr *a = txn_addr(t, which);
	char text[ADDR_TEXT];

	if (a->family == ADDR_V4 || a->family == ADDR_V6) {
		addr_print_port(a, text);
		return ((size_t)snprintf(dst, size, "%s", text));
	}
	return ((size_t)snprintf(dst, size, "unix:%u",
	    t->listen != NULL ? t->listen->id : 0));
}

void
log_accept(struct txn *t)
{
	const struct log_cfg *c = cfg_of(t->fe);
	struct log_head h = { .level = LOG_L_INFO };
	char src[80], dst[80];
	int n;

	if (c->format != NULL || c->std != LOG_STD_NONE || !has_targets(c))
		return;
	h.tag = tag_of(c);
	put_end(t, TXN_SRC, src, sizeof src);
	put_end(t, TXN_DST, dst, sizeof dst);
	n = snprintf(line, sizeof line, "Connect from %s to %s (%s/%s)", src,
	    dst, t->fe->name, t->fe->mode == PX_HTTP ? "HTTP" : "TCP");
	put_all(c, &h, span_of(line, (size_t)n));
}

size_t
log_conn_text(struct txn *t, char *dst, size_t size)
{
	const struct px_bind *b = t->listen != NULL ? t->listen->bind : NULL;
	const struct log_date *d = log_date(t->t.accept_wall / 1000000, false);
	char src[80], no[12];

	put_end(t, TXN_SRC, src, sizeof src);
	snprintf(no, sizeof no, "%u", b != NULL ? t->listen->luid : 0);
	return ((size_t)snprintf(dst, size, "%s [%s.%03d] %s/%s: %s", src,
	    d->text, (int)(t->t.accept_wall / 1000 % 1000), t->fe->name,
	    b != NULL && b->name != NULL ? b->name : no, why_text(t->why)));
}

void
log_conn_error(struct txn *t)
{
	const struct log_cfg *c = cfg_of(t->fe);
	struct log_head h = { .sd = SPAN_NONE };
	size_t n;

	if (!has_targets(c))
		return;
	t->log_at = LOG_AT_ERROR + 1;
	h.tag = tag_of(c);
	h.level = px_opt(t->fe, PX_OPT_LOG_SEPARATE_ERRORS) ? LOG_L_ERR :
	    LOG_L_INFO;
	if (c->profiled) {
		log_emit(c, t, LOG_AT_ERROR, h.level, h.tag, NULL);
		return;
	}
	if (c->error != NULL) {
		n = logfmt_run(c->error, t, line, sizeof line);
		put_all(c, &h, span_of(line, n));
		return;
	}
	put_all(c, &h, span_of(line, log_conn_text(t, line, sizeof line)));
}

void
log_event(const struct px *px, enum log_level level, const char *fmt, ...)
{
	const struct log_cfg *c = px != NULL ? cfg_of(px) : NULL;
	struct log_head h = { .level = (int)level, .tag = tag_of(c) };
	va_list ap;
	int n;

	if (c != NULL && !has_targets(c))
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof line)
		n = sizeof line - 1;
	put_all(c, &h, span_of(line, (size_t)n));
}

void
log_regex(const struct diag_pos *pos, struct span text, size_t bytes,
    unsigned times)
{
	char more[40] = "", at[300] = "";

	if (times > 1)
		snprintf(more, sizeof more, ", %u times", times);
	if (pos->file != NULL)
		snprintf(at, sizeof at, "%s:%d: ", pos->file, pos->line);
	log_event(NULL, LOG_L_WARNING, "%sregular expression '%.*s%s' gave up "
	    "on %zu bytes%s: too much to try, taken as no match", at,
	    (int)(text.n > 200 ? 200 : text.n), text.p,
	    text.n > 200 ? "..." : "", bytes, more);
}

void
log_make_id(struct txn *t)
{
	static char text[1024];         /* not `line`: %ID is within one */
	static bool busy;               /* the format may name %ID itself */
	const struct log_cfg *c = cfg_of(t->fe);

	if (c->uniq == NULL || t->uniq_id.p != NULL || busy)
		return;
	busy = true;
	t->uniq_id = arena_span(t->arena, span_of(text,
	    logfmt_run(c->uniq, t, text, sizeof text)));
	busy = false;
}

void
log_unique_id(struct txn *t)
{
	const struct log_cfg *c = cfg_of(t->fe);

	if (c->uniq == NULL)
		return;
	log_make_id(t);
	if (t->uniq_id.p != NULL && c->uniq_header.n != 0 && t->req != NULL) {
		http_set(t->req, c->uniq_header, t->uniq_id);
		txn_touch(t);
	}
}
