/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_script - what the lines of tcp-check and http-check share: steps in
 * order, the words of `connect` and those around a pattern to expect.
 */
#include "chk_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/num.h>
#include <conf/conf.h>
#include <expr/regex.h>

/* Lines of a section replace those that it inherited. */
struct chk_step *
chk_step_add(struct conf_line *l, struct chk_steps *list, const void *by,
    enum chk_kind kind)
{
	struct chk_step *s = arena_zget(l->conf->arena, sizeof *s);

	if (list->by != by)
		*list = (struct chk_steps){ .by = by };
	s->kind = (uint8_t)kind;
	s->expect = (struct chk_expect){ .ok = CHK_L7OK, .error = CHK_L7RSP,
		.tout = CHK_L7TOUT, .min_recv = -1 };
	if (list->last == NULL)
		list->first = s;
	else
		list->last->next = s;
	list->last = s;
	return (s);
}

static bool
want_addr(struct conf_line *l, struct chk_step *s)
{
	return (s->has_addr = conf_want_ip(l, "addr", false, &s->addr));
}

static bool
want_port(struct conf_line *l, struct chk_step *s)
{
	const struct conf_word *w = conf_peek(l);
	uint64_t n;

	if (w != NULL && !num_u64(w->text, &n))
		return (chk_want_expr(l, &s->port_expr));
	if (!conf_want(l, "a port", &(struct span){ NULL, 0 }))
		return (false);
	if (n < 1 || n > 65535)
		return (conf_err(l, w, "expected a port between 1 and 65535, "
		    "found '%s'", w->text.p));
	s->port = (uint16_t)n;
	return (true);
}

static bool
connect_word(struct conf_line *l, struct chk_step *s)
{
	const struct conf_word *w = conf_peek(l);
	bool taken, good = chk_parse_tls_word(l, s, &taken);

	if (taken)
		return (good);
	if (conf_accept(l, "default"))
		return (s->as_server = true);
	if (conf_accept(l, "port"))
		return (want_port(l, s));
	if (conf_accept(l, "addr"))
		return (want_addr(l, s));
	if (conf_accept(l, "send-proxy"))
		return (s->sends_proxy = true);
	if (conf_accept(l, "linger"))
		return (s->linger = true);
	if (conf_accept(l, "comment"))
		return (conf_want(l, "a comment", &s->comment));
	if (conf_accept(l, "via-socks4"))
		return (s->via_socks = true);
	if (span_is(w->text, "proto"))
		return (conf_err(l, w, "'proto' of a check's connection is not "
		    "supported yet"));
	return (conf_err(l, w, "'connect' expects 'default', 'port', 'addr', "
	    "'send-proxy', 'via-socks4', 'ssl', 'sni', 'alpn', 'linger' or "
	    "'comment', found '%s'", w->text.p));
}

bool
chk_parse_connect(struct conf_line *l, struct chk_step *s)
{
	char text[32];

	while (conf_left(l) > 0)
		if (!connect_word(l, s))
			return (false);
	if (s->port == 0)
		s->shown = SPAN("connect");
	else {
		snprintf(text, sizeof text, "connect port %u", s->port);
		s->shown = arena_span(l->conf->arena, span_str(text));
	}
	return (true);
}

/* ---- expect ---- */

static bool
want_status(struct conf_line *l, const char *const *names,
    const uint8_t *values, uint8_t *out)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "a status", &s))
		return (false);
	for (unsigned i = 0; names[i] != NULL; i++)
		if (span_is(s, names[i])) {
			*out = values[i];
			return (true);
		}
	conf_err(l, w, "'%s' is no status that can stand here", s.p);
	conf_err_hint(l, "'%s' is one that can", names[0]);
	return (false);
}

static bool
want_min_recv(struct conf_line *l, struct chk_expect *x)
{
	int64_t n;

	if (!conf_want_int(l, "a number of bytes", -1, INT32_MAX, &n))
		return (false);
	x->min_recv = (int32_t)n;
	return (true);
}

/* One of the words before the pattern; *taken: it was one. */
bool
chk_parse_expect_word(struct conf_line *l, struct chk_expect *x,
    struct chk_step *s, bool *taken)
{
	static const char *const oks[] = { "L7OK", "L7OKC", "L6OK", "L4OK",
		NULL };
	static const uint8_t ok[] = { CHK_L7OK, CHK_L7OKC, CHK_L6OK,
		CHK_L4OK };
	static const char *const bads[] = { "L7RSP", "L7STS", "L7OKC",
		"L6RSP", "L4CON", NULL };
	static const uint8_t bad[] = { CHK_L7RSP, CHK_L7STS, CHK_L7OKC,
		CHK_L6RSP, CHK_L4CON };
	static const char *const touts[] = { "L7TOUT", "L6TOUT", "L4TOUT",
		NULL };
	static const uint8_t tout[] = { CHK_L7TOUT, CHK_L6TOUT, CHK_L4TOUT };

	*taken = true;
	if (conf_accept(l, "min-recv"))
		return (want_min_recv(l, x));
	if (conf_accept(l, "comment"))
		return (conf_want(l, "a comment", &s->comment));
	if (conf_accept(l, "ok-status"))
		return (want_status(l, oks, ok, &x->ok));
	if (conf_accept(l, "error-status"))
		return (want_status(l, bads, bad, &x->error));
	if (conf_accept(l, "tout-status"))
		return (want_status(l, touts, tout, &x->tout));
	if (conf_accept(l, "on-success"))
		return (chk_want_message(l, &x->on_success,
		    &x->success_fmt));
	if (conf_accept(l, "on-error"))
		return (chk_want_message(l, &x->on_error, &x->error_fmt));
	if (conf_accept(l, "status-code"))
		return (chk_want_expr(l, &x->code));
	if (conf_accept(l, "!"))
		return (x->negate = true);
	*taken = false;
	return (true);
}

/* Pairs of hexadecimal digits. */
bool
chk_parse_hex(struct conf_line *l, struct span *out, struct span *shown)
{
	const struct conf_word *w = conf_peek(l);
	char *bytes;
	struct span s;

	if (!conf_want(l, "hexadecimal digits", &s))
		return (false);
	if (s.n % 2 != 0)
		return (conf_err(l, w, "expected an even number of "
		    "hexadecimal digits, found %zu", s.n));
	bytes = arena_zget(l->conf->arena, s.n / 2 + 1);
	for (size_t i = 0; i < s.n; i += 2) {
		int hi = num_hexval(s.p[i]), lo = num_hexval(s.p[i + 1]);

		if (hi < 0 || lo < 0)
			return (conf_err(l, w, "'%s' is not made of "
			    "hexadecimal digits: found '%c'", s.p,
			    s.p[hi < 0 ? i : i + 1]));
		bytes[i / 2] = (char)(hi << 4 | lo);
	}
	*out = span_of(bytes, s.n / 2);
	*shown = s;
	return (true);
}

bool
chk_parse_pattern(struct conf_line *l, struct chk_expect *x, bool regex,
    bool hex)
{
	const struct conf_word *w = conf_peek(l);
	const char *err;

	if (hex)
		return (chk_parse_hex(l, &x->text, &x->shown));
	if (!conf_want(l, "a pattern", &x->text))
		return (false);
	x->shown = x->text;
	if (regex && (x->regex = smp_regex_new(x->text, false, &err)) == NULL)
		return (conf_err(l, w, "bad regular expression '%s': %s",
		    x->text.p, err));
	return (true);
}

/* "name -m beg x-", behind the word itself. */
static bool
hdr_part(struct conf_line *l, struct chk_hdr_part *p, bool lf)
{
	static const char *const names[] = { [CHK_HOW_STR] = "str",
		[CHK_HOW_BEG] = "beg", [CHK_HOW_END] = "end",
		[CHK_HOW_SUB] = "sub", [CHK_HOW_REG] = "reg" };
	const struct conf_word *w;
	const char *err;
	size_t i = CHK_HOW_STR;

	if (conf_accept(l, "-m")) {
		w = conf_peek(l);
		while (i <= CHK_HOW_REG && !conf_accept(l, names[i]))
			i++;
		if (i > CHK_HOW_REG || (lf && i == CHK_HOW_REG))
			return (conf_err(l, w, "'-m' expects 'str', 'beg', "
			    "'end', 'sub'%s", lf ? "" : " or 'reg'"));
	}
	p->how = (uint8_t)i;
	if (lf)
		return (chk_want_format(l, "a pattern", &p->fmt));
	w = conf_peek(l);
	if (!conf_want(l, "a pattern", &p->text))
		return (false);
	if (i == CHK_HOW_REG &&
	    (p->regex = smp_regex_new(p->text, false, &err)) == NULL)
		return (conf_err(l, w, "bad regular expression '%s': %s",
		    p->text.p, err));
	return (true);
}

bool
chk_parse_hdr(struct conf_line *l, struct chk_expect *x, bool full)
{
	struct chk_hdr_expect *h = arena_zget(l->conf->arena, sizeof *h);
	bool lf = false;

	x->match = CHK_MATCH_HDR;
	x->hdr = h;
	h->full = full;
	if (!conf_accept(l, "name") && !(lf = conf_accept(l, "name-lf")))
		return (conf_err(l, NULL, "expected 'name' or 'name-lf' and a "
		    "header's name"));
	if (!hdr_part(l, &h->name, lf))
		return (false);
	lf = false;
	if (!conf_accept(l, "value") && !(lf = conf_accept(l, "value-lf")))
		return (true);
	return (hdr_part(l, &h->value, lf));
}
