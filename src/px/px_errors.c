/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_errors - answers for errors: errorfile, errorloc, errorfiles, and the
 * http-errors sections.
 *
 * What the lines say is a list, newest first, that proxies share with their
 * defaults; the table by status is made of it once all sections are known.
 * Source: configuration manual, 3.8 and 4.2.
 */
#include "px_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>
#include <http/http.h>
#include <os/fd.h>
#include <px/errors.h>

static const uint16_t statuses[] = { 200, 400, 401, 403, 404, 405, 407, 408,
	410, 413, 414, 421, 422, 425, 429, 431, 500, 501, 502, 503, 504, 505 };
#define N_STATUSES NELEM(statuses)

struct line {                           /* what one line says */
	struct line *next;              /* the one before it */
	uint32_t codes;                 /* bit per index in statuses */
	const struct http_reply *reply; /* or: */
	const char *section;            /* name of an http-errors section */
	bool listed;                    /* `codes` are named by the line */
	struct diag_pos pos;
};

struct px_error_section {
	struct px_error_section *next;
	const char *name;
	const struct http_reply *reply[N_STATUSES];
	struct diag_pos pos;
};

struct errors {                         /* the slot of a proxy */
	const struct line *lines;
	const struct http_reply *reply[N_STATUSES];
	bool resolved;
};

static PX_SLOT(PX_OBJ_PROXY, struct errors, px_errors_slot, NULL);

/* ---- for other rooms ---- */

static int
index_of(unsigned status)
{
	for (size_t i = 0; i < N_STATUSES; i++)
		if (statuses[i] == status)
			return ((int)i);
	return (-1);
}

bool
px_error_has(unsigned status)
{
	return (index_of(status) >= 0);
}

static struct line *
add_line(struct px *px)
{
	struct errors *e = px_edit(&px->slots, &px_errors_slot);
	struct line *ln = arena_zget(px_model->arena, sizeof *ln);

	ln->next = (struct line *)(uintptr_t)e->lines;
	e->lines = ln;
	return (ln);
}

void
px_error_set(struct px *px, unsigned status, const struct http_reply *r)
{
	int i = index_of(status);
	struct line *ln;

	MUST(i >= 0);
	ln = add_line(px);
	ln->codes = (uint32_t)1 << i;
	ln->reply = r;
}

void
px_error_take(struct px *px, unsigned status, const char *section,
    struct diag_pos pos)
{
	int i = index_of(status);
	struct line *ln;

	MUST(i >= 0);
	ln = add_line(px);
	ln->codes = (uint32_t)1 << i;
	ln->section = section;
	ln->listed = true;
	ln->pos = pos;
}

const struct http_reply *
px_error_reply(const struct px *px, unsigned status)
{
	const struct errors *e = px_get(&px->slots, &px_errors_slot);
	int i = index_of(status);

	return (i < 0 ? NULL : e->reply[i]);
}

/* ---- words ---- */

static bool
want_status(struct conf_line *l, unsigned *out)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;
	uint64_t n;

	if (!conf_want(l, "a status code", &s))
		return (false);
	if (!num_u64(s, &n) || n > 999 || !px_error_has((unsigned)n))
		return (conf_err(l, w, "%s : status code '%s' not handled",
		    l->kw->name, s.p));
	*out = (unsigned)n;
	return (true);
}

/* ---- files ---- */

/* The first line and headers of a message; its length, or -1. */
static ptrdiff_t
head_length(struct span m, uint64_t *content_length, bool *has_length)
{
	struct span rest = m, line, name;

	*has_length = false;
	if (!span_begins(m, SPAN("HTTP/1.")) || !span_cut(&rest, '\n', &line))
		return (-1);
	while (rest.p != NULL && span_cut(&rest, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0)
			return (rest.p == NULL ? -1 : rest.p - m.p);
		if (!span_cut(&line, ':', &name) || line.p == NULL ||
		    name.n == 0 || name.p[name.n - 1] == ' ')
			return (-1);
		if (span_iis(name, "content-length")) {
			if (!num_u64(span_trim(line), content_length))
				return (-1);
			*has_length = true;
		}
	}
	return (-1);
}

/* An empty file is an answer too: none. */
static bool
check_message(struct conf_line *l, const struct conf_word *w, struct span m)
{
	uint64_t length = 0;
	bool has_length;
	ptrdiff_t head;

	if (m.n == 0)
		return (true);
	head = head_length(m, &length, &has_length);
	if (head < 0)
		return (conf_err(l, w, "%s : '%s': unable to parse headers",
		    l->kw->name, w->text.p));
	if (has_length && length != m.n - (size_t)head)
		return (conf_err(l, w, "%s : '%s': payload size does not "
		    "match the announced content-length (%zu != %llu)",
		    l->kw->name, w->text.p, m.n - (size_t)head,
		    (unsigned long long)length));
	return (true);
}

static bool
is_framing(struct span name)
{
	return (span_iis(name, "content-length") ||
	    span_iis(name, "transfer-encoding") ||
	    span_iis(name, "connection") || span_iis(name, "keep-alive"));
}

/* Take a checked message apart: it is written anew for each client, so that
 * the connection may live on. An empty one stays raw: nothing is sent. */
static void
dissect(struct http_reply *r)
{
	struct http_reply_hdr **last = &r->hdrs, *h;
	struct span rest = r->raw, line, name;
	uint64_t status;

	if (r->raw.n == 0) {
		r->close = true;
		return;
	}
	(void)span_cut(&rest, '\n', &line);
	line = span_trim(line.n > 0 && line.p[line.n - 1] == '\r' ?
	    span_of(line.p, line.n - 1) : line);
	if (line.n >= 12 && num_u64(span_of(line.p + 9, 3), &status))
		r->status = (uint16_t)status;
	if (line.n > 13)
		r->reason = span_skip(line, 13);
	while (span_cut(&rest, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0 || !span_cut(&line, ':', &name))
			break;
		if (is_framing(name))
			continue;
		h = arena_zget(px_model->arena, sizeof *h);
		h->name = name;
		h->value = span_trim(line);
		*last = h;
		last = &h->next;
	}
	r->body = rest.p == NULL ? SPAN_NONE : rest;
	r->raw = SPAN_NONE;
}

const struct http_reply *
px_error_load(struct conf_line *l, unsigned status)
{
	const struct conf_word *w = conf_peek(l);
	struct http_reply *r;
	const char *path;
	struct span name;
	size_t n;
	char *image;

	if (!conf_want(l, "<status_code> and <file> as arguments", &name))
		return (NULL);
	path = conf_path(l, name);
	image = fd_read_file(path, px_model->global.bufsize, &n);
	if (image == NULL) {
		conf_err(l, w, "%s : error opening file '%s'", l->kw->name,
		    path);
		conf_err_hint(l, "%s", strerror(errno));
		return (NULL);
	}
	r = arena_zget(px_model->arena, sizeof *r);
	r->status = (uint16_t)status;
	r->raw = arena_span(px_model->arena, span_of(image, n));
	free(image);
	if (!check_message(l, w, r->raw))
		return (NULL);
	dissect(r);
	return (r);
}

/* ---- keywords of proxies ---- */

static bool
parse_errorfile(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct http_reply *r;
	unsigned status;

	if (!want_status(l, &status) || (r = px_error_load(l, status)) == NULL ||
	    !conf_end(l))
		return (false);
	px_error_set(px, status, r);
	return (true);
}

static bool
parse_errorloc(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct http_reply_hdr *h;
	struct http_reply *r;
	unsigned status;
	struct span url;

	if (!want_status(l, &status) || !conf_want(l, "a URL", &url))
		return (false);
	r = arena_zget(px_model->arena, sizeof *r);
	h = arena_zget(px_model->arena, 2 * sizeof *h);
	r->status = strcmp(l->kw->name, "errorloc303") == 0 ? 303 : 302;
	r->hdrs = h;
	h[0].name = SPAN("cache-control");
	h[0].value = SPAN("no-cache");
	h[0].next = &h[1];
	h[1].name = SPAN("location");
	h[1].value = url;
	px_error_set(px, status, r);
	return (conf_end(l));
}

static bool
parse_errorfiles(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct line *ln;
	struct span name;
	unsigned status;
	uint32_t codes = 0;
	struct diag_pos pos = conf_pos(l, conf_peek(l));

	if (!conf_want(l, "<name> as argument", &name))
		return (false);
	while (conf_left(l) > 0) {
		if (!want_status(l, &status))
			return (false);
		codes |= (uint32_t)1 << index_of(status);
	}
	ln = add_line(px);
	ln->section = name.p;
	ln->listed = codes != 0;
	ln->codes = codes != 0 ? codes : ~(uint32_t)0;
	ln->pos = pos;
	return (true);
}

/* ---- http-errors sections ---- */

static struct px_error_section *
section_find(const char *name)
{
	struct px_error_section *s = px_model->error_sections;

	while (s != NULL && strcmp(s->name, name) != 0)
		s = s->next;
	return (s);
}

bool
px_error_section(const char *name, unsigned status,
    const struct http_reply **out)
{
	const struct px_error_section *s = section_find(name);

	*out = s != NULL && px_error_has(status) ?
	    s->reply[index_of(status)] : NULL;
	return (s != NULL);
}

static void *
begin_http_errors(struct conf_line *l)
{
	const struct conf_word *w = conf_peek(l);
	struct px_error_section *s, *twin;
	struct span name;

	if (w == NULL) {
		conf_err(l, NULL, "missing name for http-errors section");
		return (NULL);
	}
	if (conf_want_name(l, "a name", &name))
		conf_end(l);
	if ((twin = section_find(name.p)) != NULL)
		conf_err(l, w, "http-errors section '%s' already exists "
		    "(declared at %s:%d)", name.p, twin->pos.file,
		    twin->pos.line);
	s = arena_zget(px_model->arena, sizeof *s);
	s->name = name.p;
	s->pos = conf_pos(l, w);
	s->next = px_model->error_sections;
	px_model->error_sections = s;
	return (s);
}

static bool
parse_section_errorfile(struct conf_line *l, void *obj)
{
	struct px_error_section *s = obj;
	const struct http_reply *r;
	unsigned status;

	if (!want_status(l, &status) || (r = px_error_load(l, status)) == NULL ||
	    !conf_end(l))
		return (false);
	s->reply[index_of(status)] = r;
	return (true);
}

/* ---- the table by status ---- */

/* The newest line that has a status decides. */
static bool
resolve_line(struct conf *c, const struct px *px, struct errors *e,
    const struct line *ln)
{
	const struct px_error_section *s = NULL;

	if (ln->section != NULL && (s = section_find(ln->section)) == NULL)
		return (conf_fail(c, DIAG_ALERT, ln->pos, "proxy '%s': "
		    "unknown http-errors section '%s'",
		    px->name == NULL ? "" : px->name, ln->section));
	for (size_t i = 0; i < N_STATUSES; i++) {
		if ((ln->codes >> i & 1) == 0)
			continue;
		if (e->reply[i] == NULL)
			e->reply[i] = s != NULL ? s->reply[i] : ln->reply;
		if (s != NULL && ln->listed && s->reply[i] == NULL)
			conf_fail(c, DIAG_WARNING, ln->pos, "proxy '%s': "
			    "status '%u' not declared in http-errors section "
			    "'%s'", px->name == NULL ? "" : px->name,
			    statuses[i], ln->section);
	}
	return (true);
}

static bool
resolve_errors(struct conf *c)
{
	bool good = true;

	PX_EACH(px, px_model) {
		struct errors *e = (struct errors *)(uintptr_t)px_get(
		    &px->slots, &px_errors_slot);

		if (e->lines == NULL || e->resolved)
			continue;
		e->resolved = true;
		for (const struct line *ln = e->lines; ln != NULL;
		    ln = ln->next)
			good &= resolve_line(c, px, e, ln);
	}
	return (good);
}

CONF_CHECK(px_errors, 3, resolve_errors);

SECTION(http_errors) = {
	.name = "http-errors", .in = KW_HTTP_ERRORS,
	.begin = begin_http_errors, .args = "<name>",
	.doc = "A set of answers for errors, which proxies take with "
	    "`errorfiles`.",
};
KEYWORD(http_errors_errorfile) = {
	.name = "errorfile", .in = KW_HTTP_ERRORS, .args = "<code> <file>",
	.parse = parse_section_errorfile,
	.doc = "The file holds a whole HTTP response.",
	.example = "errorfile 503 /etc/haproxy/errors/503.http",
};
KEYWORD(errorfile) = {
	.name = "errorfile", .in = KW_PROXY, .flags = KW_HTTP,
	.args = "<code> <file>", .parse = parse_errorfile,
	.doc = "Answer with the file, a whole HTTP response, instead of the "
	    "built-in one. An empty file: close without an answer.",
	.example = "errorfile 408 /dev/null",
};
KEYWORD(errorfiles) = {
	.name = "errorfiles", .in = KW_PROXY, .flags = KW_HTTP,
	.args = "<name> [<code>...]", .parse = parse_errorfiles,
	.doc = "Take all answers of an http-errors section, or only those.",
	.example = "errorfiles site 503 504",
};
#define ERRORLOC(ident, word, code)                                          \
	KEYWORD(ident) = {                                                   \
		.name = word, .in = KW_PROXY, .flags = KW_HTTP,              \
		.args = "<code> <url>", .parse = parse_errorloc,             \
		.doc = "Send the client elsewhere (" code ").",              \
		.example = word " 503 https://status.example/",              \
	}
ERRORLOC(errorloc, "errorloc", "302");
ERRORLOC(errorloc302, "errorloc302", "302");
ERRORLOC(errorloc303, "errorloc303", "303");
