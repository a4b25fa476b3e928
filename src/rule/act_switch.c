/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_switch - "switch-mode": a client of mode tcp speaks HTTP from here on.
 *
 * Source: configuration manual 4, "Proxies", and 4.2.
 */
#include "rule_int.h"

/* "proto NAME"; without it, what the client's first bytes are decides: always
 * HTTP/1 so far. */
static bool
parse_proto(struct conf_line *l)
{
	const struct conf_word *w;
	struct span name;

	if (!conf_accept(l, "proto"))
		return (true);
	w = conf_peek(l);
	if (!conf_want(l, "a protocol: 'h1'", &name))
		return (false);
	if (span_is(name, "h1"))
		return (true);
	if (span_is(name, "h2"))
		return (conf_err(l, w, "protocol 'h2' is not supported yet; "
		    "'h1' is"));
	return (conf_err(l, w, "expected 'h1', found '%.*s'",
	    SPAN_FMT(name)));
}

static bool
parse_switch(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	(void)set;
	(void)priv;
	if ((px->kind & (PX_FE | PX_DEFAULTS)) == 0)
		return (conf_err(l, rule_word(l), "'switch-mode' is a rule of "
		    "frontends, and '%s' is none", px->name));
	if (!conf_accept(l, "http"))
		return (conf_err(l, conf_peek(l), "expected 'http'"));
	px->may_switch = true;
	return (parse_proto(l));
}

static enum rule_verdict
run_switch(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)priv;
	(void)t;
	(void)run;
	return (RULE_SWITCH);
}

ACTION(switch_mode) = {
	.name = "switch-mode", .sets = 1u << RULE_TCP_REQ,
	.args = "http [proto h1]", .final = true,
	.parse = parse_switch, .run = run_switch,
	.doc = "The client of a frontend in mode tcp speaks HTTP from here on: "
	    "what it sent so far is the beginning of its first request, and no "
	    "further content rule runs. The rules about requests and responses "
	    "of the frontend apply, 'http-request' and the like, and a backend "
	    "of mode http must be chosen. Ends the list for later requests.",
	.example = "tcp-request content switch-mode http if HTTP",
};
