/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_auth - auth: ask for a name and a password.
 *
 * Source: configuration manual 4.2, "http-request auth"; RFC 7617.
 */
#include "rule_int.h"

#include <base/text.h>

struct auth_cfg {
	struct span value;              /* of the header */
};

#define ASK        SPAN("www-authenticate")
#define ASK_PROXY  SPAN("proxy-authenticate")

static bool
parse_auth(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct auth_cfg *c = arena_zget(l->conf->arena, sizeof *c);
	struct span realm = span_str(px->name);
	struct text t;

	(void)set;
	*priv = c;
	if (conf_accept(l, "realm") && !conf_want(l, "a realm", &realm))
		return (false);
	if (!http_is_field_value(realm))
		return (conf_err(l, &l->word[l->at - 1], "this realm cannot "
		    "be sent in a header"));
	text_init(&t);
	text_addz(&t, "Basic realm=\"");
	for (size_t i = 0; i < realm.n; i++) {
		if (realm.p[i] == '"' || realm.p[i] == '\\')
			text_addc(&t, '\\');    /* RFC 9110 5.6.4 */
		text_addc(&t, realm.p[i]);
	}
	text_addc(&t, '"');
	c->value = arena_span(l->conf->arena, text_span(&t));
	text_fini(&t);
	return (true);
}

/* The error's answer with the challenge, and with no other one. */
static const struct http_reply *
challenge(struct arena *a, const struct http_reply *of, struct span name,
    struct span value)
{
	struct http_reply *r = arena_get(a, sizeof *r);
	struct http_reply_hdr **at, *x;

	if (r == NULL)
		return (NULL);
	*r = *of;
	r->raw = SPAN_NONE;
	at = &r->hdrs;
	for (const struct http_reply_hdr *h = of->hdrs; h != NULL;
	    h = h->next) {
		if (span_ieq(h->name, name))
			continue;
		if ((x = arena_get(a, sizeof *x)) == NULL)
			return (NULL);
		*x = *h;
		*at = x;
		at = &x->next;
	}
	if ((x = arena_get(a, sizeof *x)) == NULL)
		return (NULL);
	*x = (struct http_reply_hdr){ NULL, name, value };
	*at = x;
	return (r);
}

static enum rule_verdict
run_auth(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct auth_cfg *c = priv;
	bool proxied = txn_is_proxied(t);

	/* 407 is for a proxy of clients, which this seldom is: HAProxy answers
	 * 401 to CONNECT and to absolute targets, too */
	run->status = proxied ? 407 : 401;
	run->reply = challenge(t->arena, rule_error_reply(run->px,
	    run->status), proxied ? ASK_PROXY : ASK, c->value);
	run->why = WHY_REPLIED;
	return (run->reply != NULL ? RULE_REPLY : rule_failed(run));
}

ACTION(auth) = {
	.name = "auth", .sets = 1u << RULE_HTTP_REQ, .args = "[realm <realm>]",
	.parse = parse_auth, .run = run_auth, .final = true,
	.doc = "Asks for a name and a password, by status 401; by 407 with `option "
	    "http-use-proxy-header`. The realm is the proxy's name when "
	    "none is given.",
	.example = "http-request auth realm staff if { path_beg /staff/ }",
};
