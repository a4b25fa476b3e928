/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_tcp_kw - option tcp-check and its lines.
 */
#include "chk_int.h"

#include <base/must.h>
#include <base/text.h>
#include <conf/conf.h>
#include <conf/kw.h>

static struct chk_px_cfg *
cfg_of(void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);

	return (px_edit(&px->slots, &chk_px_slot));
}

static bool
parse_option(struct conf_line *l, void *obj)
{
	struct chk_px_cfg *cfg = cfg_of(obj);

	if (!l->no)
		cfg->type = CHK_TYPE_TCP;
	else if (cfg->type == CHK_TYPE_TCP)
		cfg->type = CHK_TYPE_L4;
	return (conf_end(l));
}

/* A connect line comes first, comments aside, or not at all. */
static bool
has_only_comments(const struct chk_steps *list, const void *by)
{
	if (list->by != by)
		return (true);
	for (const struct chk_step *s = list->first; s != NULL; s = s->next)
		if (s->kind == CHK_CONNECT)
			return (true);
		else if (s->kind != CHK_COMMENT)
			return (false);
	return (true);
}

static bool
parse_connect(struct conf_line *l, void *obj)
{
	struct chk_steps *list = &cfg_of(obj)->tcp;

	if (!has_only_comments(list, obj))
		return (conf_err(l, NULL, "the first step of a tcp-check that "
		    "has 'connect' must be a 'connect'"));
	return (chk_parse_connect(l, chk_step_add(l, list, obj,
	    CHK_CONNECT)));
}

static bool
parse_comment(struct conf_line *l, void *obj)
{
	struct chk_step *s = chk_step_add(l, &cfg_of(obj)->tcp, obj,
	    CHK_COMMENT);

	return (conf_want(l, "a comment", &s->comment) && conf_end(l));
}

static bool
rest_of_send(struct conf_line *l, struct chk_step *s)
{
	s->shown = SPAN("send");
	if (conf_accept(l, "comment") &&
	    !conf_want(l, "a comment", &s->comment))
		return (false);
	return (conf_end(l));
}

static bool
parse_send(struct conf_line *l, void *obj)
{
	struct chk_step *s = chk_step_add(l, &cfg_of(obj)->tcp, obj,
	    CHK_SEND);

	return (conf_want(l, "what to send", &s->data) && rest_of_send(l, s));
}

static bool
parse_send_binary(struct conf_line *l, void *obj)
{
	struct chk_step *s = chk_step_add(l, &cfg_of(obj)->tcp, obj,
	    CHK_SEND);
	struct span shown;

	return (chk_parse_hex(l, &s->data, &shown) && rest_of_send(l, s));
}

/* "expect string 'x'", for the words about a timeout. */
static void
show(struct conf_line *l, struct chk_step *s)
{
	const struct chk_expect *x = &s->expect;
	struct text t;

	text_init(&t);
	if (x->match == CHK_MATCH_STRING || x->match == CHK_MATCH_BINARY)
		text_printf(&t, "expect %s '%.*s'", x->match ==
		    CHK_MATCH_STRING ? "string" : "binary",
		    SPAN_FMT(x->shown));
	else
		text_addz(&t, x->match == CHK_MATCH_RSTRING ?
		    "expect regex" : "expect binary regex");
	s->shown = arena_span(l->conf->arena, text_span(&t));
	text_fini(&t);
}

static bool
parse_expect(struct conf_line *l, void *obj)
{
	static const struct { const char *word; enum chk_match match; } kinds[]
	    = { { "string", CHK_MATCH_STRING }, { "rstring", CHK_MATCH_RSTRING },
	    { "binary", CHK_MATCH_BINARY }, { "rbinary", CHK_MATCH_RBINARY } };
	struct chk_step *s = chk_step_add(l, &cfg_of(obj)->tcp, obj,
	    CHK_EXPECT);
	struct chk_expect *x = &s->expect;
	bool matched = false, taken;

	while (conf_left(l) > 0) {
		const struct conf_word *w = conf_peek(l);
		size_t i = 0;

		if (!chk_parse_expect_word(l, x, s, &taken))
			return (false);
		if (taken)
			continue;
		while (i < NELEM(kinds) && !conf_accept(l, kinds[i].word))
			i++;
		if (i == NELEM(kinds) || matched)
			return (conf_err(l, w, "'tcp-check expect' expects "
			    "one of 'string', 'rstring', 'binary' and "
			    "'rbinary', found '%s'", w->text.p));
		matched = true;
		x->match = (uint8_t)kinds[i].match;
		if (!chk_parse_pattern(l, x, x->match == CHK_MATCH_RSTRING ||
		    x->match == CHK_MATCH_RBINARY,
		    x->match == CHK_MATCH_BINARY))
			return (false);
	}
	if (!matched)
		return (conf_err(l, NULL, "'tcp-check expect' expects "
		    "'string', 'rstring', 'binary' or 'rbinary' and a "
		    "pattern"));
	show(l, s);
	return (true);
}

#define LINE(ident, word, words, fn, text, sample)                           \
	KEYWORD(tcp_check_##ident) = {                                       \
		.name = "tcp-check " word, .in = KW_DEFAULTS | KW_BACKEND,   \
		.args = words, .parse = fn, .doc = text, .example = sample,  \
	}
KEYWORD(option_tcp_check) = {
	.name = "option tcp-check", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_NO, .args = "", .parse = parse_option,
	.doc = "Checks run the steps of the `tcp-check` lines in their order "
	    "and pass when all of them do; without lines a connection is "
	    "enough.",
	.example = "option tcp-check",
};
LINE(connect, "connect", "[default] [port <port>] [addr <address>] "
    "[send-proxy] [linger] [comment <text>]", parse_connect,
    "Connect, anew if there is a connection: to the server's address and "
    "port for checks or to those given. `send-proxy` begins with a PROXY "
    "header, `default` does what the server's line says, `linger` ends the "
    "connection without a reset.",
    "tcp-check connect port 6379");
LINE(send, "send", "<text> [comment <text>]", parse_send,
    "Send the text.", "tcp-check send \"PING\\r\\n\"");
LINE(send_binary, "send-binary", "<hex> [comment <text>]", parse_send_binary,
    "Send the bytes that the hexadecimal digits name.",
    "tcp-check send-binary 50494e470d0a");
LINE(expect, "expect", "[min-recv <n>] [comment <text>] [ok-status <status>] "
    "[error-status <status>] [tout-status <status>] [on-success <text>] "
    "[on-error <text>] [!] string|rstring|binary|rbinary <pattern>",
    parse_expect,
    "Wait until the pattern is in what the server sent since the last "
    "`send`, or with `!` fail when it is. `r…` take regular expressions, "
    "`binary` hexadecimal digits; `rbinary` looks at the bytes as such. With "
    "`min-recv` it is not looked at before so many bytes came, and that once.",
    "tcp-check expect string +PONG");
LINE(comment, "comment", "<text>", parse_comment,
    "Is told when the next line fails.", "tcp-check comment greeting");
