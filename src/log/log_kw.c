/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_kw - the keywords of logs.
 *
 * Source: configuration manual 3.1 and 4.2 "log", 8.2, 8.3.
 */
#include "log_int.h"

#include <errno.h>

#include <base/must.h>

static const struct log_cfg log_initial;

PX_SLOT(PX_OBJ_PROXY, struct log_cfg, log_slot, &log_initial);
PX_SLOT(PX_OBJ_GLOBAL, struct log_global_cfg, log_global_slot, NULL);

static const char *const formats[] = { "local", "rfc3164", "rfc5424",
	"priority", "short", "timed", "iso", "raw" };
static const char *const facilities[] = { "kern", "user", "mail", "daemon",
	"auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp",
	"audit", "alert", "cron2", "local0", "local1", "local2", "local3",
	"local4", "local5", "local6", "local7" };
static const char *const levels[] = { "emerg", "alert", "crit", "err",
	"warning", "notice", "info", "debug" };

/* ---- the log line ---- */

static bool
want_of(struct conf_line *l, const char *what, const char *const *names,
    size_t n, uint8_t *out)
{
	const struct conf_word *w = conf_peek(l);
	const char *near;
	struct text all;
	struct span s;

	if (!conf_want(l, what, &s))
		return (false);
	for (size_t i = 0; i < n; i++)
		if (span_is(s, names[i])) {
			*out = (uint8_t)i;
			return (true);
		}
	conf_err(l, w, "unknown %s '%.*s'", what, SPAN_FMT(s));
	if ((near = kw_nearest(s, names, n)) != NULL) {
		conf_err_hint(l, "did you mean '%s'?", near);
		return (false);
	}
	text_init(&all);
	for (size_t i = 0; i < n; i++)
		text_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
	conf_err_hint(l, "there are %s", all.p);
	text_fini(&all);
	return (false);
}

bool
log_want_level(struct conf_line *l, uint8_t *level)
{
	return (want_of(l, "level", levels, NELEM(levels), level));
}

static bool
parse_address(struct conf_line *l, struct log_target *t)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;
	const char *err;

	if (!conf_want(l, "the address of a log server", &s))
		return (false);
	t->pos = conf_pos(l, w);
	s = conf_env_expand(l->conf->arena, s);
	t->text = s.p;
	if (span_is(s, "stdout") || span_is(s, "stderr")) {
		t->addr.addr.family = ADDR_FD;
		t->addr.fd = span_is(s, "stdout") ? 1 : 2;
		return (true);
	}
	if (span_begins(s, SPAN("ring@")) || span_begins(s, SPAN("tcp@")) ||
	    span_begins(s, SPAN("backend@")) || span_begins(s, SPAN("tcp4@")) ||
	    span_begins(s, SPAN("tcp6@")))
		return (conf_err(l, w, "log address '%.*s' is not supported "
		    "yet", SPAN_FMT(s)));
	if (!addr_parse(s, &t->addr, &err) ||
	    (t->addr.need_dns && !addr_resolve(&t->addr, &err)))
		return (conf_err(l, w, "log address '%.*s': %s", SPAN_FMT(s),
		    err));
	switch (t->addr.addr.family) {
	case ADDR_V4:
	case ADDR_V6:
		if (t->addr.any_host) {         /* ":514" is this machine */
			t->addr.addr.family = ADDR_V4;
			t->addr.addr.ip[0] = 127;
			t->addr.addr.ip[3] = 1;
		}
		if (!t->addr.port_given)
			t->addr.addr.port = 514;
		return (true);
	case ADDR_UNIX:
	case ADDR_ABNS:
	case ADDR_ABNSZ:
		t->addr.host = arena_span(l->conf->arena, t->addr.host);
		return (true);
	case ADDR_FD:
		return (true);
	default:
		return (conf_err(l, w, "'%.*s' cannot be the address of a log "
		    "server", SPAN_FMT(s)));
	}
}

static bool
parse_range(struct span part, struct log_range *r)
{
	ptrdiff_t dash = span_find(part, '-');
	struct span lo = dash < 0 ? part : span_of(part.p, (size_t)dash);
	struct span hi = dash < 0 ? part : span_skip(part, (size_t)dash + 1);
	int64_t a = 0, b = 0;

	for (size_t i = 0; i < lo.n; i++)
		a = lo.p[i] >= '0' && lo.p[i] <= '9' && a < 1000000 ?
		    a * 10 + lo.p[i] - '0' : -1;
	for (size_t i = 0; i < hi.n; i++)
		b = hi.p[i] >= '0' && hi.p[i] <= '9' && b < 1000000 ?
		    b * 10 + hi.p[i] - '0' : -1;
	r->lo = (uint32_t)a;
	r->hi = (uint32_t)b;
	return (lo.n != 0 && hi.n != 0 && a > 0 && b >= a);
}

/* "1,3-4:5" */
static bool
parse_sample(struct conf_line *l, struct log_sample *x)
{
	const struct conf_word *w = conf_peek(l);
	struct span s, part;
	struct log_range size;
	ptrdiff_t colon;
	uint32_t most = 0;

	if (!conf_want(l, "ranges and a size, as '1,3-4:5'", &s))
		return (false);
	colon = span_find(s, ':');
	if (colon <= 0 || !parse_range(span_skip(s, (size_t)colon + 1),
	    &size) || size.lo != size.hi)
		return (conf_err(l, w, "expected ranges and a size, as "
		    "'1,3-4:5', found '%.*s'", SPAN_FMT(s)));
	x->size = size.lo;
	x->range = arena_get(l->conf->arena, s.n * sizeof *x->range);
	x->at = arena_zget(l->conf->arena, sizeof *x->at);
	s.n = (size_t)colon;
	while (span_cut(&s, ',', &part)) {
		if (!parse_range(part, &x->range[x->n]))
			return (conf_err(l, w, "'%.*s' is no range, expected "
			    "'low-high' with numbers from 1 on",
			    SPAN_FMT(part)));
		if (x->range[x->n].hi > most)
			most = x->range[x->n].hi;
		x->n++;
	}
	if (most > x->size)
		return (conf_err(l, w, "the size of the sample must not be "
		    "less than the highest number, %u", most));
	return (true);
}

static bool
parse_target(struct conf_line *l, struct log_target *t)
{
	struct span profile;
	int64_t len;

	t->len = 1024;
	t->format = LOG_UNSET;
	t->max_level = LOG_L_DEBUG;
	if (!parse_address(l, t))
		return (false);
	for (;;) {
		if (conf_accept(l, "len")) {
			if (!conf_want_int(l, "a length", 80, 65535, &len))
				return (false);
			t->len = (uint32_t)len;
		} else if (conf_accept(l, "format")) {
			if (!want_of(l, "log format", formats, NELEM(formats),
			    &t->format))
				return (false);
		} else if (conf_accept(l, "sample")) {
			if (!parse_sample(l, &t->sample))
				return (false);
		} else if (conf_accept(l, "profile")) {
			t->pos = conf_pos(l, conf_peek(l));
			if (!conf_want(l, "the name of a log profile",
			    &profile))
				return (false);
			t->profile_name = profile.p;
		} else
			break;
	}
	if (!want_of(l, "log facility", facilities, NELEM(facilities),
	    &t->facility))
		return (false);
	if (conf_accept(l, ""))         /* a variable that is not set */
		return (conf_end(l));
	if (conf_left(l) > 0 && !want_of(l, "log level", levels,
	    NELEM(levels), &t->max_level))
		return (false);
	if (conf_left(l) > 0 && !want_of(l, "log level", levels,
	    NELEM(levels), &t->min_level))
		return (false);
	return (conf_end(l));
}

/* Targets may be shared with a defaults section: a longer list is a copy. */
static bool
add_target(struct conf_line *l, struct log_target **list)
{
	struct log_target t = { .addr.fd = -1 }, **at, *copy = NULL;

	if (!parse_target(l, &t))
		return (false);
	at = &copy;
	for (const struct log_target *x = *list; x != NULL; x = x->next) {
		*at = arena_get(l->conf->arena, sizeof **at);
		**at = *x;
		at = &(*at)->next;
	}
	*at = arena_get(l->conf->arena, sizeof **at);
	**at = t;
	*list = copy;
	return (true);
}

static bool
parse_global_log(struct conf_line *l, void *obj)
{
	struct px_global *g = obj;
	struct log_global_cfg *c = px_edit(&g->slots, &log_global_slot);

	if (conf_next_is(l, "global"))
		return (conf_err(l, conf_peek(l), "'log global' belongs in a "
		    "proxy section"));
	return (add_target(l, &c->targets));
}

static bool
parse_proxy_log(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct log_cfg *c = px_edit(&px->slots, &log_slot);

	if (l->no) {
		c->targets = NULL;
		c->global = false;
		return (conf_end(l));
	}
	if (conf_accept(l, "global")) {
		c->global = true;
		return (conf_end(l));
	}
	return (add_target(l, &c->targets));
}

/* ---- formats ---- */

static bool
parse_format(struct conf_line *l, struct logfmt **out)
{
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, "a log format", &text) || !conf_end(l))
		return (false);
	if (text.n == 0)
		return (conf_err(l, w, "expected a log format, found nothing"));
	*out = logfmt_parse(l, w, text, LOGFMT_LOG, SMP_AT(LOG));
	return (*out != NULL);
}

static bool
parse_log_format(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct log_cfg *c = px_edit(&px->slots, &log_slot);

	c->std = LOG_STD_OWN;
	c->pos = conf_pos(l, conf_peek(l));
	return (parse_format(l, &c->format));
}

static bool
parse_log_format_sd(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct log_cfg *c = px_edit(&px->slots, &log_slot);

	return (parse_format(l, &c->sd));
}

static bool
parse_error_format(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct log_cfg *c = px_edit(&px->slots, &log_slot);

	return (parse_format(l, &c->error));
}

static bool
parse_unique_format(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct log_cfg *c = px_edit(&px->slots, &log_slot);
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, "a format", &text) || !conf_end(l))
		return (false);
	c->uniq = logfmt_parse(l, w, text, LOGFMT_HEADER, SMP_REQ_HEAD);
	return (c->uniq != NULL);
}

static bool
parse_unique_header(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct log_cfg *c = px_edit(&px->slots, &log_slot);
	const struct conf_word *w = conf_peek(l);

	if (!conf_want(l, "a header name", &c->uniq_header) || !conf_end(l))
		return (false);
	if (!http_is_token(c->uniq_header))
		return (conf_err(l, w, "'%.*s' is not a header name",
		    SPAN_FMT(c->uniq_header)));
	return (true);
}

static bool
parse_std(struct conf_line *l, struct px *px, enum log_std std)
{
	struct log_cfg *c = px_edit(&px->slots, &log_slot);

	if (px->kind == PX_BE && !l->no)
		conf_warn(l, NULL, "%s '%s' : '%s' is ignored in backends, as "
		    "the line is the frontend's", px->section, px->name,
		    l->kw->name);
	c->std = (uint8_t)(l->no ? LOG_STD_NONE : std);
	c->format = NULL;
	c->pos = conf_pos(l, NULL);
	return (conf_end(l));
}

static bool
parse_httplog(struct conf_line *l, void *obj)
{
	return (parse_std(l, obj, conf_accept(l, "clf") ? LOG_STD_CLF :
	    LOG_STD_HTTP));
}

static bool
parse_httpslog(struct conf_line *l, void *obj)
{
#ifndef USE_OPENSSL
	return (conf_err(l, NULL, "'option httpslog' : this program was built "
	    "without TLS"));
#endif
	return (parse_std(l, obj, LOG_STD_HTTPS));
}

static bool
parse_tcplog(struct conf_line *l, void *obj)
{
	if (conf_next_is(l, "clf"))
		return (conf_err(l, conf_peek(l), "'option tcplog clf' is not "
		    "supported yet"));
	return (parse_std(l, obj, LOG_STD_TCP));
}

/* ---- tag and host ---- */

static bool
parse_tag(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct log_cfg *c = px_edit(&px->slots, &log_slot);
	struct span s;

	if (!conf_want(l, "a tag", &s))
		return (false);
	c->tag = s.p;
	return (conf_end(l));
}

static bool
parse_global_tag(struct conf_line *l, void *obj)
{
	struct px_global *g = obj;
	struct log_global_cfg *c = px_edit(&g->slots, &log_global_slot);
	struct span s;

	if (!conf_want(l, "a tag", &s))
		return (false);
	c->tag = s.p;
	return (conf_end(l));
}

static bool
parse_send_hostname(struct conf_line *l, void *obj)
{
	struct px_global *g = obj;
	struct log_global_cfg *c = px_edit(&g->slots, &log_global_slot);
	struct span s;

	c->send_host = true;
	c->host = log_hostname();
	if (conf_left(l) > 0) {
		if (!conf_want(l, "a host name", &s))
			return (false);
		c->host = s.p;
	}
	return (conf_end(l));
}

/* ---- the end of the configuration ---- */

static struct logfmt *
std_format(struct conf *conf, enum log_std std)
{
	static const char *const text[] = {
		[LOG_STD_TCP] = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts "
		    "%ac/%fc/%bc/%sc/%rc %sq/%bq",
		[LOG_STD_HTTP] = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta "
		    "%ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs "
		    "%{+Q}r",
		[LOG_STD_HTTPS] = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/"
		    "%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr "
		    "%hs %{+Q}r %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/"
		    "%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/"
		    "%sslc",
		[LOG_STD_CLF] = "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" "
		    "%cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc "
		    "%sc %rc %sq %bq %CC %CS %hrl %hsl",
	};
	struct conf_line l = { .conf = conf, .file = "built-in" };
	struct conf_word w = { .text = span_str(text[std]) };
	struct logfmt *f = logfmt_parse(&l, &w, w.text, LOGFMT_LOG,
	    SMP_AT(LOG));

	MUST(f != NULL);
	return (f);
}

static bool global_profiled;            /* a target of the global section */

/*
 * Lines are written as soon as all that they tell is known, which is with the
 * head of the response, or with the connection to a server in mode tcp. Any
 * format of the frontend counts, as in the reference.
 */
static bool
is_early(const struct px *px, const struct log_cfg *c)
{
	const struct log_global_cfg *g = px_get(&px_model->global.slots,
	    &log_global_slot);

	if (px_opt(px, PX_OPT_LOGASAP))
		return (true);
	return (c->steps == 0 && !px->late_rules && !log_is_late(c->format) &&
	    !log_is_late(c->sd) && !log_is_late(c->error) &&
	    !log_is_late(c->uniq) && !log_profiles_late(c->targets) &&
	    !(c->global && log_profiles_late(g->targets)));
}

static bool
check_proxy(struct conf *conf, struct px *px, struct logfmt *std[])
{
	const struct log_global_cfg *g = px_get(&px_model->global.slots,
	    &log_global_slot);
	const struct log_cfg *have = px_get(&px->slots, &log_slot);
	struct log_cfg *c;
	const char *var;

	if ((px->kind & PX_FE) == 0 || (have->targets == NULL &&
	    !have->global && have->uniq == NULL))
		return (true);
	c = px_edit(&px->slots, &log_slot);
	c->counter = arena_zget(conf->arena, sizeof *c->counter);
	log_stepped |= (c->steps & ~(1u << LOG_AT_CLOSE)) != 0;
	if (!log_profiles_bind(conf, c->targets, &c->profiled))
		return (false);
	if (c->global)
		c->profiled |= global_profiled;
	if (px->mode == PX_TCP && (c->std == LOG_STD_HTTP ||
	    c->std == LOG_STD_CLF || c->std == LOG_STD_HTTPS)) {
		/* as in the reference: such a frontend logs as tcplog */
		conf_fail(conf, DIAG_WARNING, c->pos, "'option httplog' not "
		    "usable with %s '%s' (needs 'mode http'). Falling back to "
		    "'option tcplog'", px->section, px->name);
		c->std = LOG_STD_TCP;
	}
	if (c->std != LOG_STD_OWN && c->std != LOG_STD_NONE) {
		if (std[c->std] == NULL)
			std[c->std] = std_format(conf, c->std);
		c->format = std[c->std];
	}
	if (c->std == LOG_STD_OWN && c->format != NULL && px->mode == PX_TCP &&
	    (var = logfmt_http_only(c->format)) != NULL)
		return (conf_fail(conf, DIAG_ALERT, c->pos, "format variable "
		    "'%s' is reserved for HTTP mode, and %s '%s' is in mode "
		    "tcp", var, px->section, px->name));
	c->wanted = (c->format != NULL || c->profiled) &&
	    (c->targets != NULL || (c->global && g->targets != NULL));
	px->log_early = c->wanted && is_early(px, c);
	return (true);
}

static bool
check_logs(struct conf *conf)
{
	struct log_global_cfg *g = px_edit(&px_model->global.slots,
	    &log_global_slot);
	struct logfmt *std[LOG_STD_OWN] = { NULL };
	bool ok;

	txn_make_id = log_make_id;
	global_profiled = false;
	ok = log_profiles_bind(conf, g->targets, &global_profiled);
	PX_EACH(px, px_model)
		ok &= check_proxy(conf, px, std);
	return (ok);
}
CONF_CHECK(logs, 20, check_logs);

/* ---- rows ---- */

#define LOG_ARGS "<address> [len <length>] [format <format>] "               \
	"[sample <ranges>:<size>] [profile <name>] <facility> "               \
	"[<max level> [<min level>]]"

KEYWORD(log_global) = {
	.name = "log", .in = KW_GLOBAL, .args = LOG_ARGS,
	.parse = parse_global_log,
	.doc = "Adds a log target for events of the process, and for proxies "
	    "with 'log global'. Formats: local, rfc3164, rfc5424, priority, "
	    "short, timed, iso, raw.",
	.example = "log 127.0.0.1:514 len 4096 local0 info",
};
KEYWORD(log_proxy) = {
	.name = "log", .in = KW_PROXY | KW_PEERS, .flags = KW_NO,
	.args = "global | " LOG_ARGS, .parse = parse_proxy_log,
	.doc = "Adds a log target, or all those of the global section; 'no log' "
	    "forgets the ones inherited from defaults.",
	.example = "log stdout format raw local0",
};
KEYWORD(log_tag) = {
	.name = "log-tag", .in = KW_GLOBAL, .args = "<tag>",
	.parse = parse_global_tag,
	.doc = "The name of the program in log lines; otherwise that by which "
	    "it was started.",
	.example = "log-tag edge",
};
KEYWORD(log_tag_px) = {
	.name = "log-tag", .in = KW_PROXY, .args = "<tag>",
	.parse = parse_tag, .doc = "The name of the program in log lines of this proxy.",
	.example = "log-tag shop",
};
KEYWORD(log_host) = {
	.name = "log-send-hostname", .in = KW_GLOBAL, .args = "[<name>]",
	.parse = parse_send_hostname,
	.doc = "Puts a host name into log lines: this one, or that of the "
	    "machine.",
	.example = "log-send-hostname edge-1",
};
KEYWORD(log_format) = {
	.name = "log-format", .in = KW_PROXY, .args = "<fmt>",
	.parse = parse_log_format,
	.doc = "The text of log lines.",
	.example = "log-format \"%ci %HM %HU %ST\"",
};
KEYWORD(log_format_sd) = {
	.name = "log-format-sd", .in = KW_PROXY, .args = "<fmt>",
	.parse = parse_log_format_sd,
	.doc = "The structured data of log lines in format rfc5424.",
	.example = "log-format-sd \"[ex@1234 status=\\\"%ST\\\"]\"",
};
KEYWORD(error_format) = {
	.name = "error-log-format", .in = KW_DEFAULTS | KW_FRONTEND,
	.args = "<fmt>", .parse = parse_error_format,
	.doc = "The text of lines about connections that failed before any "
	    "request.",
	.example = "error-log-format \"%ci:%cp [%t] %ft\"",
};
KEYWORD(unique_format) = {
	.name = "unique-id-format", .in = KW_DEFAULTS | KW_FRONTEND,
	.args = "<fmt>", .parse = parse_unique_format,
	.doc = "Gives each request an identifier, for %ID and unique-id.",
	.example = "unique-id-format %{+X}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid",
};
KEYWORD(unique_header) = {
	.name = "unique-id-header", .in = KW_DEFAULTS | KW_FRONTEND,
	.args = "<name>", .parse = parse_unique_header,
	.doc = "Sends that identifier to servers in this header.",
	.example = "unique-id-header X-Unique-ID",
};
KEYWORD(httplog) = {
	.name = "option httplog", .in = KW_PROXY, .flags = KW_NO | KW_HTTP,
	.args = "[clf]", .parse = parse_httplog,
	.doc = "Log lines in the HTTP format, or in the common log format.",
	.example = "option httplog",
};
KEYWORD(httpslog) = {
	.name = "option httpslog", .in = KW_PROXY, .flags = KW_NO | KW_HTTP,
	.args = "", .parse = parse_httpslog,
	.doc = "Log lines in the HTTP format, with what went wrong with TLS and "
	    "what was negotiated behind it.",
	.example = "option httpslog",
};
KEYWORD(tcplog) = {
	.name = "option tcplog", .in = KW_PROXY, .flags = KW_NO,
	.args = "", .parse = parse_tcplog,
	.doc = "Log lines in the TCP format.",
	.example = "option tcplog",
};
