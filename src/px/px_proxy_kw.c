/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_proxy_kw - the basic keywords of defaults, frontend, backend and listen.
 */
#include "px_int.h"

#include <base/must.h>
#include <base/num.h>

static bool
parse_mode(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "'tcp' or 'http'", &s))
		return (false);
	if (span_is(s, "http"))
		px->mode = PX_HTTP;
	else if (span_is(s, "tcp"))
		px->mode = PX_TCP;
	else if (span_is(s, "log") || span_is(s, "spop") ||
	    span_is(s, "health"))
		return (conf_err(l, w, "proxy mode '%s' is not supported yet",
		    s.p));
	else {
		conf_err(l, w, "unknown proxy mode '%s'", s.p);
		conf_err_hint(l, "modes are 'tcp' and 'http'");
		return (false);
	}
	return (conf_end(l));
}

static bool
parse_maxconn(struct conf_line *l, void *obj)
{
	return (px_want_u32(l, 0, INT32_MAX,
	    &OBJ(obj, struct px, PX_MAGIC)->maxconn));
}

static bool
parse_fullconn(struct conf_line *l, void *obj)
{
	return (px_want_u32(l, 0, INT32_MAX,
	    &OBJ(obj, struct px, PX_MAGIC)->fullconn));
}

static bool
parse_backlog(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	uint32_t n;

	if (!px_want_u32(l, 0, INT32_MAX, &n))
		return (false);
	px->backlog = (int)n;
	return (true);
}

static bool
parse_retries(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	uint32_t n;

	if (!px_want_u32(l, 0, INT32_MAX, &n))
		return (false);
	px->retries = (int)n;
	return (true);
}

static const uint16_t retry_statuses[] = { 401, 403, 404, 408, 421, 425, 429,
	500, 501, 502, 503, 504 };

uint32_t
px_retry_status(unsigned status)
{
	for (size_t i = 0; i < NELEM(retry_statuses); i++)
		if (retry_statuses[i] == status)
			return ((uint32_t)PX_RETRY_STATUS << i);
	return (0);
}

/* One word of retry-on; 0: it is none. */
static uint32_t
retry_bits(struct span word)
{
	static const struct { const char *word; uint32_t bits; } words[] = {
		{ "conn-failure", PX_RETRY_CONN },
		{ "empty-response", PX_RETRY_EMPTY },
		{ "junk-response", PX_RETRY_JUNK },
		{ "response-timeout", PX_RETRY_TIMEOUT },
		{ "0rtt-rejected", PX_RETRY_0RTT },
		{ "all-retryable-errors", PX_RETRY_CONN | PX_RETRY_EMPTY |
		    PX_RETRY_JUNK | PX_RETRY_TIMEOUT | PX_RETRY_0RTT },
	};
	uint64_t status;

	for (size_t i = 0; i < NELEM(words); i++)
		if (span_is(word, words[i].word))
			return (i < NELEM(words) - 1 ? words[i].bits :
			    words[i].bits | px_retry_status(500) |
			    px_retry_status(502) | px_retry_status(503) |
			    px_retry_status(504));
	return (num_u64(word, &status) && status < 600 ?
	    px_retry_status((unsigned)status) : 0);
}

static bool
parse_retry_on(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *w;
	uint32_t all = 0, bits;
	struct span word;

	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'retry-on' expects 'none' or what "
		    "to retry on"));
	if (conf_accept(l, "none")) {
		px->retry_on = 0;
		return (conf_end(l));
	}
	while ((w = conf_peek(l)) != NULL) {
		if (!conf_want(l, "what to retry on", &word))
			return (false);
		if ((bits = retry_bits(word)) == 0)
			return (conf_err(l, w, "unknown argument '%.*s' of "
			    "'retry-on': expected conn-failure, "
			    "empty-response, junk-response, response-timeout, "
			    "0rtt-rejected, all-retryable-errors, none (alone) "
			    "or one of the statuses", SPAN_FMT(word)));
		all |= bits;
	}
	px->retry_on = all;
	return (true);
}

static bool
parse_id(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *w = conf_peek(l);
	const struct px *who;
	int64_t n;

	if (!conf_want_int(l, "an integer argument", 1, INT32_MAX, &n))
		return (false);
	px->id = (uint32_t)n;
	who = px_id_claim(PX_ID_PROXY, 0, px->id, px);
	if (who != NULL)
		return (conf_err(l, w, "custom id %u is already used by %s "
		    "'%s' (declared at %s:%d)", px->id, who->section,
		    who->name, who->pos.file, who->pos.line));
	return (conf_end(l));
}

static bool
parse_description(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct text t;
	struct span s;

	if (!conf_want(l, "a string argument", &s))
		return (false);
	if (conf_left(l) == 0) {
		px->description = s.p;
		return (true);
	}
	text_init(&t);
	text_add(&t, s);
	while (conf_left(l) > 0 && conf_want(l, "", &s)) {
		text_addc(&t, ' ');
		text_add(&t, s);
	}
	px->description = px_text(text_span(&t));
	text_fini(&t);
	return (true);
}

static bool
parse_disabled(struct conf_line *l, void *obj)
{
	OBJ(obj, struct px, PX_MAGIC)->disabled = true;
	return (conf_end(l));
}

static bool
parse_enabled(struct conf_line *l, void *obj)
{
	OBJ(obj, struct px, PX_MAGIC)->disabled = false;
	return (conf_end(l));
}

static bool
parse_unpublished(struct conf_line *l, void *obj)
{
	OBJ(obj, struct px, PX_MAGIC)->unpublished = true;
	return (conf_end(l));
}

static bool
parse_default_backend(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct diag_pos *pos = arena_get(px_model->arena, sizeof *pos);
	struct span s;

	*pos = conf_pos(l, conf_peek(l));
	if (!conf_want(l, "the name of a backend", &s))
		return (false);
	px->default_be_name = s.p;
	px->default_be_pos = pos;
	return (conf_end(l));
}

static bool
parse_bind(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);

	return (px_bind_parse(l, px, &px->binds, &px->listens) != NULL);
}

/* ---- timeouts ---- */

static const struct { const char *name; size_t at; } timeouts[] = {
#define T(word, field) { word, offsetof(struct px_timeouts, field) }
	T("check", check), T("client", client), T("client-fin", client_fin),
	T("client-hs", client_hs),
	T("connect", connect), T("http-keep-alive", http_keep_alive),
	T("http-request", http_request), T("queue", queue),
	T("retry", retry),
	T("server", server), T("server-fin", server_fin),
	T("tarpit", tarpit), T("tunnel", tunnel),
#undef T
};

static bool
parse_timeout(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const char *name = l->kw->name + sizeof "timeout";
	int64_t ms;

	if (!conf_want_time(l, "an integer value (in milliseconds)", "ms",
	    &ms) || !conf_end(l))
		return (false);
	for (size_t i = 0; i < NELEM(timeouts); i++)
		if (strcmp(name, timeouts[i].name) == 0)
			*(int *)(void *)((char *)px_timeouts_edit(px) +
			    timeouts[i].at) = (int)ms;
	return (true);
}

/* ---- how connections are kept ---- */

static bool
parse_conn_mode(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const char *name = l->kw->name + sizeof "option";
	uint8_t mode = PX_CONN_KEEP_ALIVE;

	if (strcmp(name, "httpclose") == 0)
		mode = PX_CONN_CLOSE;
	else if (strcmp(name, "http-server-close") == 0)
		mode = PX_CONN_SERVER_CLOSE;
	/* "no option httpclose" only ends that very mode. */
	if (!l->no && !l->reset)
		px->conn_mode = mode;
	else if (px->conn_mode == mode)
		px->conn_mode = PX_CONN_KEEP_ALIVE;
	return (conf_end(l));
}

static bool
parse_reuse(struct conf_line *l, void *obj)
{
	static const char *const words[] = { [PX_REUSE_NEVER] = "never",
		[PX_REUSE_SAFE] = "safe",
		[PX_REUSE_AGGRESSIVE] = "aggressive",
		[PX_REUSE_ALWAYS] = "always" };
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "'never', 'safe', 'aggressive' or 'always'", &s))
		return (false);
	for (size_t i = 0; i < NELEM(words); i++) {
		if (span_is(s, words[i])) {
			px->reuse = (uint8_t)i;
			return (conf_end(l));
		}
	}
	return (conf_err(l, w, "'http-reuse' only supports 'never', 'safe', "
	    "'aggressive', 'always' (got '%s')", s.p));
}

static bool
parse_redispatch(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	int64_t n = -1;

	if (l->no || l->reset) {
		px->redispatch = 0;
		return (conf_end(l));
	}
	if (conf_left(l) > 0 && !conf_want_int(l, "an integer", INT16_MIN,
	    INT16_MAX, &n))
		return (false);
	px->redispatch = (int)n;
	return (conf_end(l));
}

/* ---- boolean options ---- */

static const struct { const char *word; enum px_opt opt; } options[] = {
#define OPT(name, word, where, flags, doc) { word, PX_OPT_##name },
#include <px/opt.def>
#undef OPT
};

static void
set_opt(struct conf_line *l, struct px *px, enum px_opt o)
{
	uint64_t bit = (uint64_t)1 << o;

	px->opt &= ~bit;
	px->opt_off &= ~bit;
	if (l->no)
		px->opt_off |= bit;
	else if (!l->reset)
		px->opt |= bit;
}

static bool
parse_option(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const char *name = l->kw->name + sizeof "option";

	for (size_t i = 0; i < NELEM(options); i++)
		if (strcmp(name, options[i].word) == 0)
			set_opt(l, px, options[i].opt);
	return (conf_end(l));
}

static bool
parse_tcpka(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);

	if ((px->kind & (PX_FE | PX_DEFAULTS)) != 0)
		set_opt(l, px, PX_OPT_CLITCPKA);
	if ((px->kind & (PX_BE | PX_DEFAULTS)) != 0)
		set_opt(l, px, PX_OPT_SRVTCPKA);
	return (conf_end(l));
}

_Static_assert(PX_OPT_N <= 64, "struct px.opt has 64 bits");

#define OPT(NAME, word, where, bits, text)                                   \
	KEYWORD(opt_##NAME) = {                                              \
		.name = "option " word, .in = (where), .flags = (bits),      \
		.args = "", .parse = parse_option, .doc = text,              \
	};
#include <px/opt.def>
#undef OPT

static bool
parse_invalid(struct conf_line *l, void *obj)
{
	set_opt(l, OBJ(obj, struct px, PX_MAGIC),
	    strcmp(l->kw->name, "option accept-invalid-http-request") == 0 ?
	    PX_OPT_ACCEPT_UNSAFE_REQUEST : PX_OPT_ACCEPT_UNSAFE_RESPONSE);
	return (conf_end(l));
}

KEYWORD(opt_invalid_request) = {
	.name = "option accept-invalid-http-request",
	.in = KW_DEFAULTS | KW_FRONTEND, .flags = KW_NO | KW_HTTP, .args = "",
	.parse = parse_invalid,
	.doc = "The old name of `option accept-unsafe-violations-in-http-request`.",
};
KEYWORD(opt_invalid_response) = {
	.name = "option accept-invalid-http-response",
	.in = KW_DEFAULTS | KW_BACKEND, .flags = KW_NO | KW_HTTP, .args = "",
	.parse = parse_invalid,
	.doc = "The old name of `option accept-unsafe-violations-in-http-response`.",
};
KEYWORD(opt_tcpka) = {
	.name = "option tcpka", .in = KW_PROXY, .flags = KW_NO, .args = "",
	.parse = parse_tcpka,
	.doc = "Send TCP keep-alive probes to clients and servers.",
};
#define CONN_MODE(ident, word, text)                                         \
	KEYWORD(ident) = {                                                   \
		.name = "option " word, .in = KW_PROXY,                      \
		.flags = KW_NO | KW_HTTP, .args = "",                        \
		.parse = parse_conn_mode, .doc = text,                       \
	}
CONN_MODE(opt_keep_alive, "http-keep-alive",
    "Keep connections on both sides open between requests, if the peers "
    "agree. This is the default.");
CONN_MODE(opt_httpclose, "httpclose",
    "Close both connections after each response.");
CONN_MODE(opt_server_close, "http-server-close",
    "Close the server's connection after each response, keep the client's.");

KEYWORD(http_reuse) = {
	.name = "http-reuse", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_HTTP, .args = "never|safe|aggressive|always",
	.parse = parse_reuse,
	.doc = "Whose idle server connections a request may take: only those "
	    "its own client brought (never), others' unless it is the first "
	    "request of its client (safe, the default), others' that were "
	    "reused before (aggressive), or any (always).",
	.example = "http-reuse always",
};
KEYWORD(redispatch) = {
	.name = "option redispatch", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_NO, .args = "[<interval>]", .parse = parse_redispatch,
	.doc = "Try another server when connecting fails: at every "
	    "<interval>-th attempt, counted from the last one when negative. "
	    "Without a number (-1) the last attempt.",
	.example = "option redispatch 1",
};

#define TIMEOUT(ident, word, where, text)                                    \
	KEYWORD(timeout_##ident) = {                                         \
		.name = "timeout " word, .in = KW_DEFAULTS | (where),        \
		.args = "<time>", .parse = parse_timeout, .doc = text,       \
		.example = "timeout " word " 10s",                           \
	}
TIMEOUT(check, "check", KW_BACKEND,
    "For a health check's answer, once connected.");
TIMEOUT(client, "client", KW_FRONTEND, "Silence allowed to a client.");
TIMEOUT(client_fin, "client-fin", KW_FRONTEND,
    "Silence allowed to a client when one side has closed.");
TIMEOUT(client_hs, "client-hs", KW_FRONTEND,
    "For what comes before a client's first byte: its handshake. Default: as "
    "client.");
TIMEOUT(connect, "connect", KW_BACKEND,
    "For a connection to a server to be made.");
TIMEOUT(http_keep_alive, "http-keep-alive", KW_FRONTEND | KW_BACKEND,
    "For the next request of a client to begin. Default: as http-request.");
TIMEOUT(http_request, "http-request", KW_FRONTEND | KW_BACKEND,
    "For a complete request head. Default: as client.");
TIMEOUT(queue, "queue", KW_BACKEND,
    "For a server to have a free slot. Default: as connect.");
TIMEOUT(retry, "retry", KW_BACKEND,
    "After this time, counted from the end of the request's head, a request is not "
    "sent to a server again, whatever 'retries' says. A word of this program, "
    "which HAProxy lacks.");
TIMEOUT(server, "server", KW_BACKEND, "Silence allowed to a server.");
TIMEOUT(server_fin, "server-fin", KW_BACKEND,
    "Silence allowed to a server when one side has closed.");
TIMEOUT(tarpit, "tarpit", KW_FRONTEND | KW_BACKEND,
    "How long a tarpitted request is held. Default: as connect.");
TIMEOUT(tunnel, "tunnel", KW_BACKEND,
    "Silence allowed in both directions of a tunnel.");

KEYWORD(mode) = {
	.name = "mode", .in = KW_PROXY, .args = "tcp|http",
	.parse = parse_mode,
	.doc = "What is spoken: bytes (tcp, the default) or HTTP.",
	.example = "mode http",
};
KEYWORD(px_maxconn) = {
	.name = "maxconn", .in = KW_DEFAULTS | KW_FRONTEND, .args = "<n>",
	.parse = parse_maxconn,
	.doc = "Connections of this frontend at a time; more wait in the "
	    "kernel. 0, the default: the global value.",
	.example = "maxconn 20000",
};
KEYWORD(fullconn) = {
	.name = "fullconn", .in = KW_DEFAULTS | KW_BACKEND, .args = "<n>",
	.parse = parse_fullconn,
	.doc = "At how many connections of the backend its servers reach "
	    "their maxconn when they also have a minconn.",
	.example = "fullconn 1000",
};
KEYWORD(px_backlog) = {
	.name = "backlog", .in = KW_DEFAULTS | KW_FRONTEND, .args = "<n>",
	.parse = parse_backlog,
	.doc = "Connections that the kernel keeps before they are accepted. "
	    "Default: maxconn.",
	.example = "backlog 10000",
};
KEYWORD(retries) = {
	.name = "retries", .in = KW_DEFAULTS | KW_BACKEND, .args = "<n>",
	.parse = parse_retries,
	.doc = "How many more times connecting to a server is tried (3).",
	.example = "retries 2",
};
KEYWORD(retry_on) = {
	.name = "retry-on", .in = KW_DEFAULTS | KW_BACKEND, .flags = KW_HTTP,
	.args = "{ none | conn-failure | empty-response | junk-response | "
	    "response-timeout | 0rtt-rejected | <status> | "
	    "all-retryable-errors }…",
	.parse = parse_retry_on,
	.doc = "After which failures a request is sent again, as often as "
	    "`retries` says. All but `conn-failure`, which is the default, send "
	    "a request that the server may have seen: only for those that do no "
	    "harm twice. Statuses are 401, 403, 404, 408, 421, 425, 429, 500, "
	    "501, 502, 503 and 504. A body is kept for that, as much as a buffer "
	    "holds; a longer one is not sent again.",
	.example = "retry-on conn-failure empty-response 503",
};
KEYWORD(px_id) = {
	.name = "id", .in = KW_FRONTEND | KW_BACKEND, .args = "<n>",
	.parse = parse_id,
	.doc = "The proxy's number in statistics. Default: the first free "
	    "one.",
	.example = "id 1001",
};
KEYWORD(px_description) = {
	.name = "description", .in = KW_FRONTEND | KW_BACKEND,
	.args = "<text>", .parse = parse_description,
	.doc = "A text for people, shown in statistics.",
	.example = "description \"the shop\"",
};
KEYWORD(px_disabled) = {
	.name = "disabled", .in = KW_PROXY, .args = "",
	.parse = parse_disabled,
	.doc = "Read the proxy and do not run it.",
};
KEYWORD(px_enabled) = {
	.name = "enabled", .in = KW_PROXY, .args = "",
	.parse = parse_enabled,
	.doc = "Run it although its defaults section says `disabled`.",
};
KEYWORD(px_unpublished) = {
	.name = "be-unpublished", .in = KW_BACKEND, .args = "",
	.parse = parse_unpublished,
	.doc = "`use_backend` and `default_backend` pass this backend by as if "
	    "their lines were not there, until `publish backend` of the runtime "
	    "API; `force-be-switch` makes exceptions. Its servers are checked "
	    "all the same.",
};
KEYWORD(default_backend) = {
	.name = "default_backend", .in = KW_DEFAULTS | KW_FRONTEND,
	.args = "<backend>", .parse = parse_default_backend,
	.doc = "Where requests go that no use_backend rule has chosen a "
	    "backend for.",
	.example = "default_backend app",
};
KEYWORD(bind) = {
	.name = "bind", .in = KW_FRONTEND,
	.args = "<address>[,...] [<word>...]", .parse = parse_bind,
	.doc = "Addresses to accept connections on: `host:port`, `*:port`, "
	    "`:port`, a range `host:first-last`, a UNIX socket's path, "
	    "`abns@name`, `fd@number`; several with commas between.",
	.example = "bind 192.0.2.1:80,[2001:db8::1]:80 name public",
};
