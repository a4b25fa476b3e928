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

/* A connect line comes first, comments and variables aside, or not at all. */
static bool
has_only_comments(const struct chk_steps *list, const void *by)
{
	if (list->by != by)
		return (true);
	for (const struct chk_step *s = list->first; s != NULL; s = s->next)
		if (s->kind == CHK_CONNECT)
			return (true);
		else if (s->kind != CHK_COMMENT && s->kind != CHK_SET)
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

static bool
parse_send_lf(struct conf_line *l, void *obj)
{
	struct chk_step *s = chk_step_add(l, &cfg_of(obj)->tcp, obj,
	    CHK_SEND);

	return (chk_want_format(l, "what to send", &s->data_fmt) &&
	    rest_of_send(l, s));
}

static bool
parse_send_binary_lf(struct conf_line *l, void *obj)
{
	struct chk_step *s = chk_step_add(l, &cfg_of(obj)->tcp, obj,
	    CHK_SEND);

	s->data_hex = true;
	return (chk_want_format(l, "hexadecimal digits", &s->data_fmt) &&
	    rest_of_send(l, s));
}

static bool
parse_set_var(struct conf_line *l, void *obj)
{
	return (chk_parse_set(l, chk_step_add(l, &cfg_of(obj)->tcp, obj,
	    CHK_SET)));
}

static bool
parse_set_var_fmt(struct conf_line *l, void *obj)
{
	return (chk_parse_set_fmt(l, chk_step_add(l, &cfg_of(obj)->tcp, obj,
	    CHK_SET)));
}

static bool
parse_unset_var(struct conf_line *l, void *obj)
{
	return (chk_parse_unset(l, chk_step_add(l, &cfg_of(obj)->tcp, obj,
	    CHK_SET)));
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
	static const struct {
		const char *word;
		enum chk_match match;
		bool lf;
	} kinds[] = {
		{ "string", CHK_MATCH_STRING, false },
		{ "rstring", CHK_MATCH_RSTRING, false },
		{ "binary", CHK_MATCH_BINARY, false },
		{ "rbinary", CHK_MATCH_RBINARY, false },
		{ "string-lf", CHK_MATCH_STRING, true },
		{ "binary-lf", CHK_MATCH_BINARY, true },
	};
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
			    "one of 'string', 'string-lf', 'rstring', "
			    "'binary', 'binary-lf' and 'rbinary', found '%s'",
			    w->text.p));
		matched = true;
		x->match = (uint8_t)kinds[i].match;
		if (kinds[i].lf) {
			x->hex = x->match == CHK_MATCH_BINARY;
			x->shown = conf_peek(l) == NULL ? SPAN_NONE :
			    conf_peek(l)->text;
			if (!chk_want_format(l, "a pattern", &x->text_fmt))
				return (false);
			continue;
		}
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

#define LINE_OF(bits, ident, word, words, fn, text, sample)                  \
	KEYWORD(tcp_check_##ident) = {                                       \
		.name = "tcp-check " word, .in = KW_DEFAULTS | KW_BACKEND,   \
		.flags = (bits), .args = words, .parse = fn, .doc = text,    \
		.example = sample,                                           \
	}
#define LINE(...) LINE_OF(0, __VA_ARGS__)
KEYWORD(option_tcp_check) = {
	.name = "option tcp-check", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_NO, .args = "", .parse = parse_option,
	.doc = "Checks run the steps of the `tcp-check` lines in their order "
	    "and pass when all of them do; without lines a connection is "
	    "enough.",
	.example = "option tcp-check",
};
LINE(connect, "connect", "[default] [port <port>|<expression>] [addr <address>] "
    "[send-proxy] [via-socks4] [ssl] [sni <name>] [alpn <protocols>] "
    "[linger] "
    "[comment <text>]", parse_connect,
    "Connect, anew if there is a connection: to the server's address and "
    "port for checks or to those given. `send-proxy` begins with a PROXY "
    "header, `via-socks4` goes through the server's SOCKS proxy, `ssl` has TLS "
    "with the server's words about it (and asks for the "
    "name of `sni`), `default` does what the server's line says, `linger` ends "
    "the connection without a reset.",
    "tcp-check connect port 6379");
LINE(send, "send", "<text> [comment <text>]", parse_send,
    "Send the text.", "tcp-check send \"PING\\r\\n\"");
LINE(send_binary, "send-binary", "<hex> [comment <text>]", parse_send_binary,
    "Send the bytes that the hexadecimal digits name.",
    "tcp-check send-binary 50494e470d0a");
LINE(expect, "expect", "[min-recv <n>] [comment <text>] [ok-status <status>] "
    "[error-status <status>] [tout-status <status>] [on-success <text>] "
    "[on-error <text>] [status-code <expression>] [!] "
    "string|string-lf|rstring|binary|binary-lf|rbinary <pattern>",
    parse_expect,
    "Wait until the pattern is in what the server sent since the last "
    "`send`, or with `!` fail when it is. `r…` take regular expressions, "
    "`binary` hexadecimal digits, `-lf` a format; `rbinary` looks at the bytes as such. With "
    "`min-recv` it is not looked at before so many bytes came, and that once.",
    "tcp-check expect string +PONG");
LINE(comment, "comment", "<text>", parse_comment,
    "Is told when the next line fails.", "tcp-check comment greeting");
LINE(send_lf, "send-lf", "<format> [comment <text>]", parse_send_lf,
    "Send the text that the format gives.",
    "tcp-check send-lf \"HELO %[var(check.name)]\\r\\n\"");
LINE(send_binary_lf, "send-binary-lf", "<format> [comment <text>]",
    parse_send_binary_lf,
    "Send the bytes that the hexadecimal digits name which the format gives.",
    "tcp-check send-binary-lf %[str(PING),hex]0d0a");
LINE_OF(KW_PAREN, set_var, "set-var", "(<name>[,<condition>...]) <expression>",
    parse_set_var,
    "Set a variable of the scope `check`, `sess` (both: of this check) or "
    "`proc`.", "tcp-check set-var(check.port) int(1234)");
LINE_OF(KW_PAREN, set_var_fmt, "set-var-fmt",
    "(<name>[,<condition>...]) <format>", parse_set_var_fmt,
    "Set a variable to the text that the format gives.",
    "tcp-check set-var-fmt(check.name) \"name=%H\"");
LINE_OF(KW_PAREN, unset_var, "unset-var", "(<name>)", parse_unset_var,
    "Forget a variable.", "tcp-check unset-var(check.port)");
