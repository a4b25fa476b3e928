/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_var - the %variables of log formats.
 *
 * Source: configuration manual 8.2.6, 8.4, 8.5.
 */
#include "log_int.h"

#include <string.h>

#include <base/num.h>
#include <xprt/conn.h>

static size_t
put_bytes(char *out, size_t size, const char *p, size_t n)
{
	if (n > size)
		n = size;
	memcpy(out, p, n);
	return (n);
}

static size_t
put_number(char *out, size_t size, int64_t v)
{
	char b[24];
	size_t n = 0;

	if (v >= 0 && v <= 9 && size != 0) {    /* most numbers of a line */
		*out = (char)('0' + v);
		return (1);
	}
	if (v >= 0 && size >= sizeof b)
		return (num_put(out, (uint64_t)v));
	if (v < 0) {
		b[n++] = '-';
		v = -v;
	}
	if (size >= sizeof b) {
		if (n != 0)
			*out = '-';
		return (n + num_put(out + n, (uint64_t)v));
	}
	n += num_put(b + n, (uint64_t)v);
	return (put_bytes(out, size, b, n));
}

/* Upper-case hexadecimal, `width` digits at least. */
static size_t
put_hex(char *out, size_t size, uint64_t v, size_t width)
{
	char b[32];
	size_t n = 0;

	do {
		b[sizeof b - ++n] = "0123456789ABCDEF"[v & 15];
		v >>= 4;
	} while (v != 0 || n < width);
	return (put_bytes(out, size, b + sizeof b - n, n));
}

#define TEXT(ident, word, http, code_, doc_, ...)                            \
static struct span                                                           \
text_##ident(struct txn *t)                                                  \
{                                                                            \
	__VA_ARGS__                                                          \
}                                                                            \
LOGVAR(ident) = { .name = word, .http_only = http, .text = text_##ident,     \
	.code = code_, .doc = doc_ }

/* Of what goes on until the end. */
#define NUMBER(ident, word, http, doc_, value)                               \
static int64_t                                                               \
number_##ident(struct txn *t)                                                \
{                                                                            \
	return ((int64_t)(value));                                           \
}                                                                            \
LOGVAR(ident) = { .name = word, .http_only = http, .late = true,             \
	.number = number_##ident, .doc = doc_ }

/* Of what is known before; X shows it in hexadecimal of that width, if that
 * is not 0. */
#define NUMBER_X(ident, word, doc_, width, value)                            \
static int64_t                                                               \
number_##ident(struct txn *t)                                                \
{                                                                            \
	(void)t;                                                             \
	return ((int64_t)(value));                                           \
}                                                                            \
LOGVAR(ident) = { .name = word, .number = number_##ident, .hex = width,      \
	.doc = doc_ }

/* ---- names ---- */

static const char *
be_name(const struct txn *t)
{
	return (t->be != NULL ? t->be->name : t->fe->name);
}

TEXT(f, "f", false, LOGVAR_PLAIN, "Name of the frontend.",
    return (span_str(t->fe->name)););
static size_t
put_ft(struct txn *t, char *out, size_t size, bool hex)
{
	size_t n = put_bytes(out, size, t->fe->name, strlen(t->fe->name));

	(void)hex;
	if (t->tls)
		n += put_bytes(out + n, size - n, "~", 1);
	return (n);
}
LOGVAR(ft) = { .name = "ft", .put = put_ft, .quoted = true,
	.doc = "Name of the frontend, with '~' behind it for TLS." };

static struct span
tell(struct txn *t, enum conn_tell what)
{
	struct conn *c = t->ops->client_conn == NULL ? NULL :
	    t->ops->client_conn(t);

	return (c == NULL ? SPAN_NONE : conn_tell(c, what));
}

TEXT(sslc, "sslc", false, LOGVAR_PLAIN, "Name of the client's TLS cipher.",
    return (tell(t, CONN_TELL_CIPHER)););
TEXT(sslv, "sslv", false, LOGVAR_PLAIN, "Version of the client's TLS.",
    return (tell(t, CONN_TELL_VERSION)););

TEXT(b, "b", false, LOGVAR_PLAIN,
    "Name of the backend, or of the frontend when none was chosen.",
    return (span_str(be_name(t))););
TEXT(s, "s", false, LOGVAR_PLAIN,
    "Name of the server; '<NOSRV>' when none was chosen.",
    return (span_str(t->srv != NULL ? t->srv->name :
    t->service != NULL ? t->service : "<NOSRV>")););
TEXT(H, "H", false, LOGVAR_PLAIN, "Name of this machine.",
    (void)t; return (span_str(log_hostname())););
/* (as in the reference it has lines wait, and %tsc below has not) */
static struct span
text_ID(struct txn *t)
{
	/* what is no request has none */
	if (t->t.request != 0 || t->uri.p != NULL)
		log_make_id(t);
	return (t->uniq_id);
}
LOGVAR(ID) = { .name = "ID", .late = true, .text = text_ID,
	.code = LOGVAR_HTTP, .doc = "The unique id of the request." };

/* ---- addresses ---- */

static size_t
put_ip(struct txn *t, enum txn_addr which, char *out, size_t size, bool hex)
{
	const struct addr *a = txn_addr(t, which);
	char text[ADDR_TEXT];
	size_t n = 0;

	if (a->family == ADDR_NONE)
		return (0);
	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return (put_bytes(out, size, "unix", 4));
	if (!hex) {
		if (size >= ADDR_TEXT)
			return (addr_print(a, out));
		n = addr_print(a, text);
		return (put_bytes(out, size, text, n));
	}
	for (int i = 0; i < (a->family == ADDR_V4 ? 4 : 16); i++)
		n += put_hex(text + n, sizeof text - n, a->ip[i], 2);
	return (put_bytes(out, size, text, n));
}

static size_t
put_port(struct txn *t, enum txn_addr which, char *out, size_t size,
    bool hex)
{
	const struct addr *a = txn_addr(t, which);
	uint32_t port = a->port;

	if (a->family == ADDR_NONE)
		return (0);
	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		port = t->listen != NULL ? t->listen->id : 0;
	return (hex ? put_hex(out, size, port, 4) :
	    put_number(out, size, port));
}

#define ENDPOINT(ip, port, which, cond, what)                                \
static size_t                                                                \
put_##ip(struct txn *t, char *out, size_t size, bool hex)                    \
{                                                                            \
	return ((cond) ? put_ip(t, which, out, size, hex) : 0);              \
}                                                                            \
static size_t                                                                \
put_##port(struct txn *t, char *out, size_t size, bool hex)                  \
{                                                                            \
	return ((cond) ? put_port(t, which, out, size, hex) : 0);            \
}                                                                            \
LOGVAR(ip) = { .name = #ip, .put = put_##ip, .quoted = true,                 \
	.doc = "Address of " what "." };                                     \
LOGVAR(port) = { .name = #port, .put = put_##port,                           \
	.doc = "Port of " what "." }

ENDPOINT(ci, cp, TXN_SRC, true, "the client");
ENDPOINT(fi, fp, TXN_DST, true, "the frontend, which the client connected to");
ENDPOINT(bi, bp, TXN_BSRC, t->srv != NULL, "this side of the server's "
    "connection");
ENDPOINT(si, sp, TXN_BDST, t->srv != NULL, "the server");

/* ---- the request ---- */

#define BADREQ SPAN("<BADREQ>")

static struct span
method_of(const struct txn *t)
{
	return (t->meth != HTTP_METH_OTHER ? http_meth_text(t->meth) :
	    t->method_text);
}

static struct span
version_of(const struct txn *t)
{
	const char *p = t->uri.p + t->uri.n + 1;

	/* what the client said, when its line was kept */
	if (t->line.p == NULL || t->uri.p <= t->line.p ||
	    p >= t->line.p + t->line.n)
		return (t->req_minor == 0 ? SPAN("HTTP/1.0") :
		    SPAN("HTTP/1.1"));
	return (span_of(p, (size_t)(t->line.p + t->line.n - p)));
}

TEXT(HM, "HM", true, LOGVAR_HTTP, "Method of the request.",
    return (t->uri.p == NULL ? BADREQ : method_of(t)););
TEXT(HU, "HU", true, LOGVAR_HTTP, "Target of the request.",
    return (t->uri.p == NULL ? BADREQ : t->uri););
TEXT(HV, "HV", true, LOGVAR_HTTP, "Version of the request, 'HTTP/1.1'.",
    return (t->uri.p == NULL ? BADREQ : version_of(t)););
TEXT(HP, "HP", true, LOGVAR_HTTP, "Target without the query string.",
    ptrdiff_t mark;
    if (t->uri.p == NULL)
	return (BADREQ);
    mark = span_find(t->uri, '?');
    return (mark < 0 ? t->uri : span_of(t->uri.p, (size_t)mark)););

static struct span
text_HQ(struct txn *t)
{
	ptrdiff_t mark;

	if (t->uri.p == NULL)
		return (BADREQ);
	mark = span_find(t->uri, '?');
	return (mark < 0 ? SPAN_NONE : span_skip(t->uri, (size_t)mark));
}
LOGVAR(HQ) = { .name = "HQ", .http_only = true, .text = text_HQ,
	.code = LOGVAR_HTTP, .bare = true,
	.doc = "The query string with its question mark." };

static struct span
text_HPO(struct txn *t)
{
	struct http_uri u;

	if (t->uri.p == NULL)
		return (BADREQ);
	if (span_is(t->uri, "*"))
		return (SPAN_NONE);
	if (!http_uri_split(t->meth, t->uri, &u))
		return (t->uri);
	return (u.path);
}
LOGVAR(HPO) = { .name = "HPO", .http_only = true, .text = text_HPO,
	.code = LOGVAR_HTTP, .bare = true,
	.doc = "Path of the target alone." };

static struct span
text_r(struct txn *t)
{
	static char text[66000];
	struct span part[3];
	size_t n = 0;

	if (t->uri.p == NULL)
		return (BADREQ);
	if (t->line.p != NULL)
		return (t->line);
	part[0] = method_of(t);
	part[1] = t->uri;
	part[2] = version_of(t);
	for (int i = 0; i < 3; i++) {
		if (i != 0 && n < sizeof text)
			text[n++] = ' ';
		if (part[i].n != 0)
			n += put_bytes(text + n, sizeof text - n, part[i].p,
			    part[i].n);
	}
	return (span_of(text, n));
}
LOGVAR(r) = { .name = "r", .http_only = true, .text = text_r,
	.code = LOGVAR_HTTP, .doc = "The request line." };

/* ---- captures ---- */

struct capture_out {
	char *p;
	size_t n, size;
};

static void
capture_char(struct capture_out *o, char c)
{
	if (o->n < o->size)
		o->p[o->n++] = c;
}

static void
capture_value(struct capture_out *o, struct span v)
{
	o->n += logfmt_coded(o->p + o->n, o->size - o->n, v, LOGVAR_HEADER);
}

/* "{a|b}" */
static size_t
put_captures(const struct txn_capture *c, char *out, size_t size)
{
	struct capture_out o = { out, 0, size };

	if (c->n == 0)
		return (0);
	for (unsigned i = 0; i < c->n; i++) {
		capture_char(&o, i == 0 ? '{' : '|');
		capture_value(&o, c->v[i]);
	}
	capture_char(&o, '}');
	return (o.n);
}

/* Values by themselves, "-" for a missing one, nothing for one that is empty;
 * or each in quotes. */
static size_t
put_list(const struct txn_capture *c, char *out, size_t size, bool quotes)
{
	struct capture_out o = { out, 0, size };

	for (unsigned i = 0; i < c->n; i++) {
		if (i != 0)
			capture_char(&o, ' ');
		if (quotes)
			capture_char(&o, '"');
		else if (c->v[i].p == NULL)
			capture_char(&o, '-');
		capture_value(&o, c->v[i]);
		if (quotes)
			capture_char(&o, '"');
	}
	return (o.n);
}

static size_t
put_capture_list(const struct txn_capture *c, char *out, size_t size)
{
	return (put_list(c, out, size, false));
}

#define CAPTURE(ident, fn, field, ...)                                       \
static size_t                                                                \
put_##ident(struct txn *t, char *out, size_t size, bool hex)                 \
{                                                                            \
	(void)hex;                                                           \
	return (fn(&t->field, out, size));                                   \
}                                                                            \
LOGVAR(ident) = { .name = #ident, .put = put_##ident, .bare = true,          \
	.doc = __VA_ARGS__ }

static size_t
put_hrl_quoted(struct txn *t, char *out, size_t size)
{
	return (put_list(&t->cap_req, out, size, true));
}

static size_t
put_hsl_quoted(struct txn *t, char *out, size_t size)
{
	return (put_list(&t->cap_res, out, size, true));
}

CAPTURE(hr, put_captures, cap_req, "Captured request headers, '{a|b}'.",
    .quoted = true);
CAPTURE(hs, put_captures, cap_res, "Captured response headers, '{a|b}'.",
    .quoted = true);
CAPTURE(hrl, put_capture_list, cap_req,
    "Captured request headers, with spaces between them.",
    .put_quoted = put_hrl_quoted);
CAPTURE(hsl, put_capture_list, cap_res,
    "Captured response headers, with spaces between them.",
    .put_quoted = put_hsl_quoted);
TEXT(CC, "CC", true, LOGVAR_LINE, "The captured cookie of the request.",
    return (t->cap_cookie_req););
TEXT(CS, "CS", true, LOGVAR_LINE, "The captured cookie of the response.",
    return (t->cap_cookie_res););

/* ---- timers ---- */

NUMBER(Th, "Th", false, "Milliseconds of handshakes before the stream.",
    txn_timer(t, TXN_TIME_Th));
NUMBER(Ti, "Ti", true, "Idle milliseconds before the request.",
    txn_timer(t, TXN_TIME_Ti));
NUMBER(TR, "TR", true, "Milliseconds until the request head was complete.",
    txn_timer(t, TXN_TIME_TR));
NUMBER(Tq, "Tq", true, "Th + Ti + TR.", txn_timer(t, TXN_TIME_Tq));
NUMBER(Tw, "Tw", false, "Milliseconds in queues.", txn_timer(t, TXN_TIME_Tw));
NUMBER(Tc, "Tc", false, "Milliseconds to connect to the server.",
    txn_timer(t, TXN_TIME_Tc));
NUMBER(Tr, "Tr", true, "Milliseconds until the response head was complete.",
    txn_timer(t, TXN_TIME_Tr));
NUMBER(Td, "Td", false, "Milliseconds of data transfer.",
    txn_timer(t, TXN_TIME_Td));

/* A number that still grows when the line is written early. */
static size_t
put_so_far(struct txn *t, char *out, size_t size, int64_t v)
{
	size_t n = 0;

	if (px_opt(t->fe, PX_OPT_LOGASAP))
		n = put_bytes(out, size, "+", 1);
	return (n + put_number(out + n, size - n, v));
}

/* Not %U: as in the reference. */
#define SO_FAR(ident, word, http, doc_, value)                               \
static size_t                                                                \
put_##ident(struct txn *t, char *out, size_t size, bool hex)                 \
{                                                                            \
	(void)hex;                                                           \
	return (put_so_far(t, out, size, (int64_t)(value)));                 \
}                                                                            \
LOGVAR(ident) = { .name = word, .http_only = http, .late = true,             \
	.put = put_##ident, .doc = doc_ }

SO_FAR(Ta, "Ta", true, "Milliseconds from the first byte of the request.",
    txn_timer(t, TXN_TIME_Ta));
SO_FAR(Tt, "Tt", false, "Milliseconds since the accept.",
    txn_timer(t, TXN_TIME_Tt));
SO_FAR(Tu, "Tu", false, "Milliseconds as the client sees it, without idle "
    "time.", txn_timer(t, TXN_TIME_Tu));
SO_FAR(B, "B", false, "Bytes sent to the client.", t->bytes_out);
NUMBER(U, "U", false, "Bytes read from the client.", t->bytes_in);

/* ---- numbers ---- */

NUMBER_X(ST, "ST", "Status sent to the client.", 0,
    t->status != 0 || !t->is_http ? t->status : -1);
/* The stream notes them for its line; what a rule writes wants them now. */
static struct txn *
in_use(struct txn *t)
{
	if (t->stage != TXN_LOG && t->ops != NULL && t->ops->note_use != NULL)
		t->ops->note_use(t);
	return (t);
}

NUMBER(ac, "ac", false, "Connections of the process.", in_use(t)->n_act);
NUMBER(fc, "fc", false, "Connections of the frontend.", in_use(t)->n_fe);
NUMBER(bc, "bc", false, "Streams of the backend.", in_use(t)->n_be);
NUMBER(sc, "sc", false, "Streams of the server.", in_use(t)->n_srv);
NUMBER(sq, "sq", false, "Place in the server's queue.", t->q_srv);
NUMBER(bq, "bq", false, "Place in the backend's queue.", t->q_be);
NUMBER_X(lc, "lc", "Number of this frontend's log line.", 4, log_line_no(t));
NUMBER_X(rt, "rt", "Number of the request.", 4, t->req_no);
NUMBER_X(pid, "pid", "Process identifier.", 4, log_pid_shown);
NUMBER_X(Ts, "Ts", "Time of the accept in seconds since 1970.", 1,
    t->t.accept_wall / 1000000);

static size_t
put_rc(struct txn *t, char *out, size_t size, bool hex)
{
	size_t n = t->redispatched ? put_bytes(out, size, "+", 1) : 0;

	(void)hex;
	return (n + put_number(out + n, size - n, t->retries));
}
LOGVAR(rc) = { .name = "rc", .late = true, .put = put_rc,
	.doc = "Retries, with '+' when the last went to another server." };

/* ---- how it ended ---- */

static size_t
put_term(struct txn *t, char *out, size_t size, size_t letters)
{
	const char *c = t->cookie_term;
	char text[4] = { t->term[0], t->term[0] != '\0' ? t->term[1] : '\0',
	    c[0], c[0] != '\0' ? c[1] : '\0' };

	for (size_t i = 0; i < 4; i++)
		if (text[i] == '\0')
			text[i] = '-';
	return (put_bytes(out, size, text, letters));
}

static size_t
put_ts(struct txn *t, char *out, size_t size, bool hex)
{
	(void)hex;
	return (put_term(t, out, size, 2));
}
LOGVAR(ts) = { .name = "ts", .late = true, .put = put_ts,
	.doc = "How it ended: the cause and the phase." };

static size_t
put_tsc(struct txn *t, char *out, size_t size, bool hex)
{
	(void)hex;
	return (put_term(t, out, size, 4));
}
LOGVAR(tsc) = { .name = "tsc", .put = put_tsc,
	.doc = "How it ended, and what became of the cookie." };

/* ---- dates ---- */

#define DATE_TEXT 40

static size_t
put_date(int64_t wall_us, bool gmt, bool ms, bool zone, char *out,
    size_t size)
{
	int64_t second = wall_us / 1000000;
	const struct log_date *d = log_date(second, gmt);
	int v = (int)(wall_us - second * 1000000) / 1000;
	char there[DATE_TEXT], *text = size >= DATE_TEXT ? out : there;
	size_t n = 20;

	memcpy(text, d->text, n);

	if (ms) {
		text[n++] = '.';
		text[n++] = (char)('0' + v / 100);
		text[n++] = (char)('0' + v / 10 % 10);
		text[n++] = (char)('0' + v % 10);
	}
	if (zone)
		n += put_bytes(text + n, DATE_TEXT - n, d->zone, 6);
	return (text == out ? n : put_bytes(out, size, text, n));
}

static int64_t
request_wall(const struct txn *t)
{
	return (t->t.request_wall != 0 ? t->t.request_wall :
	    t->t.accept_wall);
}

#define DATE(ident, http, when, gmt, ms, zone, doc_)                         \
static size_t                                                                \
put_##ident(struct txn *t, char *out, size_t size, bool hex)                 \
{                                                                            \
	(void)hex;                                                           \
	return (put_date(when, gmt, ms, zone, out, size));                   \
}                                                                            \
LOGVAR(ident) = { .name = #ident, .http_only = http, .put = put_##ident,     \
	.doc = doc_ }

DATE(t, false, t->t.accept_wall, false, true, false,
    "Local date of the accept, with milliseconds.");
DATE(T, false, t->t.accept_wall, true, false, true,
    "GMT date of the accept.");
DATE(Tl, false, t->t.accept_wall, false, false, true,
    "Local date of the accept, with its time zone.");
DATE(tr, true, request_wall(t), false, true, false,
    "Local date of the request's first byte, with milliseconds.");
DATE(trg, true, request_wall(t), true, false, true,
    "GMT date of the request's first byte.");
DATE(trl, true, request_wall(t), false, false, true,
    "Local date of the request's first byte, with its time zone.");

static size_t
put_ms(struct txn *t, char *out, size_t size, bool hex)
{
	int v = (int)(t->t.accept_wall / 1000 % 1000);
	char text[3] = { (char)('0' + v / 100), (char)('0' + v / 10 % 10),
	    (char)('0' + v % 10) };

	(void)hex;
	return (put_bytes(out, size, text, 3));
}
/* Where the line comes from; the names are the manual's. */
static struct span
text_OG(struct txn *t)
{
	static const char *const names[] = { "unspec",
		[LOG_AT_ACCEPT + 1] = "txn_accept",
		[LOG_AT_REQUEST + 1] = "txn_request",
		[LOG_AT_CONNECT + 1] = "txn_connect",
		[LOG_AT_RESPONSE + 1] = "txn_response",
		[LOG_AT_CLOSE + 1] = "txn_close",
		[LOG_AT_ERROR + 1] = "sess_error",
	};

	return (span_str(t->log_at < NELEM(names) ? names[t->log_at] :
	    names[0]));
}
LOGVAR(OG) = { .name = "OG", .text = text_OG,
	.doc = "At which step the line is written: txn_accept, txn_request, "
	    "txn_connect, txn_response, txn_close; sess_error, of what never "
	    "was a request; unspec, because a rule says so." };

LOGVAR(ms) = { .name = "ms", .put = put_ms,
	.doc = "Milliseconds of the date of the accept, three digits." };
