/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_pp_kw - words of server lines about PROXY headers.
 *
 * Each word has something of its own that its no- form takes back, as in
 * HAProxy 2.6: "send-proxy-v2 no-send-proxy" still sends version 2.
 */
#include "srv_pp.h"

#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <base/num.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <expr/expr.h>
#include <px/live.h>

PX_SLOT(PX_OBJ_SERVER, struct srv_pp, srv_pp_slot, NULL);

static struct srv_pp *
pp_of(void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);

	return (px_edit(&sv->slots, &srv_pp_slot));
}

static const struct expr *
sample(struct conf_line *l, const char *text)
{
	return (expr_parse(l, &l->word[l->at - 1], span_str(text),
	    SMP_AT(SERVER)));
}

/* The same for all servers. */
static const struct srv_pp_ssl *
ssl_samples(struct conf_line *l)
{
	static const struct px_model *model;
	static struct srv_pp_ssl *made;
	struct srv_pp_ssl *x;

	if (model == px_model)
		return (made);
	x = arena_zget(px_model->arena, sizeof *x);
	x->used = sample(l, "ssl_c_used");
	x->now = sample(l, "ssl_fc_has_crt");
	x->verify = sample(l, "ssl_c_verify");
	x->cn = sample(l, "ssl_c_s_dn(CN)");
	if (x->used == NULL || x->now == NULL || x->verify == NULL ||
	    x->cn == NULL)
		return (NULL);
	model = px_model;
	return (made = x);
}

static bool
add_opts(struct conf_line *l, struct srv_pp *pp, unsigned opts)
{
	if ((opts & SRV_PP_IN_SSL) != 0 && pp->ssl == NULL &&
	    (pp->ssl = ssl_samples(l)) == NULL)
		return (false);
	pp->opts |= (uint8_t)opts;
	return (true);
}

/* send-proxy-v2-ssl-cn and its kin, with or without no-. */
static bool
parse_send_proxy(struct conf_line *l, void *obj)
{
	static const struct { const char *name; bool v1, v2; uint8_t opts; }
	    words[] = {
		{ "send-proxy", true, false, 0 },
		{ "send-proxy-v2", false, true, 0 },
		{ "send-proxy-v2-ssl", false, true, SRV_PP_SSL },
		{ "send-proxy-v2-ssl-cn", false, true,
		    SRV_PP_SSL | SRV_PP_CN },
	};
	struct srv_pp *pp = pp_of(obj);
	const char *name = l->kw->name;
	bool no = strncmp(name, "no-", 3) == 0;
	size_t i = 0;

	while (strcmp(words[i].name, name + (no ? 3 : 0)) != 0)
		i++;
	if (no) {
		pp->v1 = pp->v1 && !words[i].v1;
		pp->v2 = pp->v2 && !words[i].v2;
		pp->opts &= (uint8_t)~words[i].opts;
		return (true);
	}
	pp->v1 |= words[i].v1;
	pp->v2 |= words[i].v2;
	return (add_opts(l, pp, words[i].opts));
}

static bool
parse_options(struct conf_line *l, void *obj)
{
	static const struct { const char *name; uint8_t opts; } all[] = {
		{ "ssl", SRV_PP_SSL }, { "cert-cn", SRV_PP_SSL | SRV_PP_CN },
		{ "ssl-cipher", SRV_PP_SSL | SRV_PP_CIPHER },
		{ "cert-sig", SRV_PP_SSL | SRV_PP_SIG },
		{ "cert-key", SRV_PP_SSL | SRV_PP_KEY },
		{ "authority", SRV_PP_AUTHORITY },
		{ "crc32c", SRV_PP_CRC32C },
		{ "unique-id", SRV_PP_UNIQUE_ID },
	};
	const struct conf_word *w = conf_peek(l);
	struct span list, item;
	unsigned opts = 0;
	size_t i;

	if (!conf_want(l, "a list of options", &list))
		return (false);
	while (span_cut(&list, ',', &item)) {
		for (i = 0; i < NELEM(all); i++)
			if (span_is(item, all[i].name))
				break;
		if (i == NELEM(all))
			return (conf_err(l, w, "'proxy-v2-options' : '%.*s' : "
			    "there is no such option; expected 'ssl', "
			    "'cert-cn', 'ssl-cipher', 'cert-sig', 'cert-key', "
			    "'authority', 'crc32c' or 'unique-id'",
			    SPAN_FMT(item)));
		opts |= all[i].opts;
	}
	return (add_opts(l, pp_of(obj), opts));
}

/* A list that is inherited is shared: those before the new one are copied. */
static const struct srv_pp_tlv *
with_tlv(const struct srv_pp_tlv *list, struct srv_pp_tlv *add)
{
	struct srv_pp_tlv *copy;

	if (list == NULL || list->type >= add->type) {
		add->next = list != NULL && list->type == add->type ?
		    list->next : list;
		return (add);
	}
	copy = arena_zget(px_model->arena, sizeof *copy);
	*copy = *list;
	copy->next = with_tlv(list->next, add);
	return (copy);
}

/* "set-proxy-v2-tlv-fmt(0x20)": one word. */
static bool
parse_tlv(struct conf_line *l, void *obj)
{
	const struct conf_word *name = &l->word[l->at - 1], *w = conf_peek(l);
	struct srv_pp_tlv *t = arena_zget(l->conf->arena, sizeof *t);
	struct srv_pp *pp = pp_of(obj);
	ptrdiff_t open = span_find(name->text, '(');
	struct span fmt;
	char *end = NULL;
	long type = -1;

	if (open >= 0 && span_ends(name->text, SPAN(")")))
		type = strtol(name->text.p + open + 1, &end, 0);
	if (type < 0 || type > 255 || end == name->text.p + open + 1 ||
	    *end != ')' || end + 1 != name->text.p + name->text.n)
		return (conf_err(l, name, "'set-proxy-v2-tlv-fmt' expects the "
		    "type of the TLV in parentheses, 0 to 255, as in "
		    "set-proxy-v2-tlv-fmt(0xE1)"));
	if (!conf_want(l, "a format", &fmt) || (t->fmt = logfmt_parse(l, w,
	    fmt, LOGFMT_HEADER, SMP_AT(SERVER))) == NULL)
		return (false);
	t->type = (uint8_t)type;
	pp->tlvs = with_tlv(pp->tlvs, t);
	return (true);
}

static bool
parse_never_local(struct conf_line *l, void *obj)
{
	(void)obj;
	srv_pp_never_local = !l->no;
	return (conf_end(l));
}

static bool
check_server(struct conf *c, struct px_server *sv)
{
	const struct srv_pp *pp = px_get(&sv->slots, &srv_pp_slot);

	if (!pp->v2 && (pp->opts != 0 || pp->tlvs != NULL))
		conf_fail(c, DIAG_WARNING, sv->pos, "server '%s/%s' : "
		    "'proxy-v2-options' and 'set-proxy-v2-tlv-fmt' are about "
		    "the header of 'send-proxy-v2', which is not sent",
		    sv->px->name, sv->name);
	return (true);
}
PX_SERVER_CHECK(srv_pp, 40, &srv_pp_slot, check_server);

#define WORD(ident, word, bits, words, fn, text)                             \
	KEYWORD(pp_##ident) = {                                              \
		.name = word, .in = KW_SERVER, .flags = (bits),              \
		.args = words, .parse = fn, .doc = text,                     \
	}
#define BOTH(ident, word, text)                                              \
	WORD(ident, word, 0, "", parse_send_proxy, text);                    \
	WORD(no_##ident, "no-" word, 0, "", parse_send_proxy,                \
	    "Takes " word " back, whatever default-server says.")
BOTH(v1, "send-proxy",
    "Begin connections with a PROXY protocol header, version 1.");
BOTH(v2, "send-proxy-v2",
    "Begin connections with a PROXY protocol header, version 2, which also "
    "says what protocol was agreed on by ALPN.");
BOTH(v2_ssl, "send-proxy-v2-ssl",
    "As send-proxy-v2, and the header tells of the client's TLS: its version, "
    "whether there was a certificate, and whether it was good.");
BOTH(v2_ssl_cn, "send-proxy-v2-ssl-cn",
    "As send-proxy-v2-ssl, with the common name of the client's certificate.");
WORD(options, "proxy-v2-options", 0, "<option>[,<option>]...", parse_options,
    "What the header of send-proxy-v2 has besides: `ssl` and `cert-cn` as with "
    "send-proxy-v2-ssl and -ssl-cn, `ssl-cipher`, `cert-sig` and `cert-key` of "
    "our certificate, `authority` (the name that the client asked for by SNI), "
    "`crc32c`, `unique-id` (see unique-id-format). A connection is used again "
    "only for requests of the same header, so with `unique-id` for none.");
WORD(tlv, "set-proxy-v2-tlv-fmt", KW_PAREN, "<format>", parse_tlv,
    "With send-proxy-v2: one more value in the header, of the type that is in "
    "parentheses behind the word. A connection is used again only for requests "
    "with the same value.");

KEYWORD(pp_never_local) = {
	.name = "pp2-never-send-local", .in = KW_GLOBAL, .flags = KW_NO,
	.args = "", .parse = parse_never_local,
	.doc = "Checks with send-proxy-v2 call themselves clients (PROXY, with "
	    "the addresses of their connection), for servers that do not know "
	    "what LOCAL is.",
	.example = "pp2-never-send-local",
};
