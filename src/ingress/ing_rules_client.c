/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_rules_client - certificates of clients: who may pass, and what servers
 * are told of them.
 *
 * TLS asked for a certificate, and looked at it, by the name in its own hello
 * (SNI). A request for another host on that connection has not been looked at:
 * it is sent away (421), or one host's certificate would open another.
 */
#include "ing_render_int.h"

bool
ing_client_asks(const struct ing_client *c)
{
	return (c != NULL && !c->closed &&
	    c->opts->client_verify != ING_CLIENT_OFF);
}

static void
check_name(struct ing_rules *r)
{
	struct ing_cfg *c = r->cfg;

	ing_line(c, "http-request set-var(txn.name) "
	    "req.hdr(host),host_only");
	ing_rule_if(r, "");
	ing_line(c, "http-request deny deny_status 421 if { ssl_fc } "
	    "!{ ssl_fc_sni,lower,strcmp(txn.name) eq 0 }");
	if (r->policy->any_host)        /* without a name it is this one */
		ing_keys(c, "{ ssl_fc_sni -m found }");
	ing_rule_and(r);
}

/* To the page for that, or 400. */
static void
turn_away(struct ing_rules *r, const char *cond)
{
	const char *page = r->policy->client->opts->client_page;
	struct ing_cfg *c = r->cfg;

	if (page != NULL) {
		ing_line(c, "http-request redirect location");
		ing_cfg_fmt_begin(c);
		ing_cfg_fmt_text(c, span_str(page));
		ing_cfg_fmt_end(c);
		ing_keys(c, "code 302 if { ssl_fc }");
	} else {
		ing_line(c, "http-request deny deny_status 400 "
		    "if { ssl_fc }");
	}
	ing_cfg_keys(c, cond);
	ing_rule_and(r);
}

static void
check_subject(struct ing_rules *r)
{
	const char *cn = r->policy->client->opts->client_cn;
	struct ing_cfg *c = r->cfg;

	if (cn == NULL)
		return;
	ing_line(c, "http-request deny deny_status 403 if { ssl_fc } "
	    "!{ ssl_c_s_dn(,0,rfc2253) -m reg");
	ing_cfg_pattern(c, span_str(cn));
	ing_keys(c, "}");
	ing_rule_and(r);
}

static void
tell_certificate(struct ing_rules *r)
{
	struct ing_cfg *c = r->cfg;

	ing_line(c, "http-request del-header ssl-client-cert");
	ing_rule_if(r, "");
	if (!r->policy->client->opts->client_pass)
		return;
	/* Lines of 64 characters, then all of it as in a URL. */
	ing_line(c, "http-request set-header ssl-client-cert");
	ing_cfg_fmt_begin(c);
	ing_cfg_fmt_text(c, SPAN("-----BEGIN%20CERTIFICATE-----%0A"));
	ing_fmt(c, "%[ssl_c_der,base64,regsub(\"(.{1,64})\",\"\\1|\",g),"
	    "url_enc,regsub(%7C,%0A,g)]");
	ing_cfg_fmt_text(c, SPAN("-----END%20CERTIFICATE-----%0A"));
	ing_cfg_fmt_end(c);
	ing_rule_if(r, "{ ssl_c_used }");
}

static void
tell_servers(struct ing_rules *r)
{
	struct ing_cfg *c = r->cfg;

	ing_line(c, "http-request set-header ssl-client-verify NONE");
	ing_rule_if(r, "");
	ing_line(c, "http-request set-header ssl-client-verify SUCCESS");
	ing_rule_if(r, "{ ssl_c_used } { ssl_c_verify 0 }");
	ing_line(c, "http-request set-header ssl-client-verify "
	    "FAILED:%[ssl_c_verify]");
	ing_rule_if(r, "{ ssl_c_used } !{ ssl_c_verify 0 }");
	ing_line(c, "http-request del-header ssl-client-subject-dn");
	ing_rule_if(r, "");
	ing_line(c, "http-request del-header ssl-client-issuer-dn");
	ing_rule_if(r, "");
	ing_line(c, "http-request set-header ssl-client-subject-dn "
	    "%[ssl_c_s_dn(,0,rfc2253)]");
	ing_rule_if(r, "{ ssl_c_used }");
	ing_line(c, "http-request set-header ssl-client-issuer-dn "
	    "%[ssl_c_i_dn(,0,rfc2253)]");
	ing_rule_if(r, "{ ssl_c_used }");
	tell_certificate(r);
}

void
ing_rules_client(struct ing_rules *r)
{
	const struct ing_client *client = r->policy->client;

	if (client == NULL || client->closed)
		return;
	if (ing_client_asks(client))
		check_name(r);
	if (client->opts->client_verify == ING_CLIENT_ON)
		turn_away(r, "!{ ssl_c_used }");
	if (client->opts->client_verify == ING_CLIENT_ON ||
	    client->opts->client_verify == ING_CLIENT_OPTIONAL)
		turn_away(r, "{ ssl_c_used } !{ ssl_c_verify 0 }");
	check_subject(r);
	tell_servers(r);
}

void
ing_rules_client_plain(struct ing_rules *r)
{
	const struct ing_client *client = r->policy->client;

	if (client == NULL || client->closed ||
	    (!ing_client_asks(client) && client->opts->client_cn == NULL))
		return;
	ing_line(r->cfg, "http-request deny deny_status 403 "
	    "if !{ ssl_fc }");
	ing_rule_and(r);
}
