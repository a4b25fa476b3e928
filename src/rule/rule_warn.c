/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_warn - rules that may look at a request before there is one, or that
 * count requests where connections were meant.
 */
#include "rule_int.h"

#define BEFORE_CONTENT (SMP_AT(CONN) | SMP_AT(SESS))

/* "tcp-request content" of a frontend in mode http runs for each request. */
static void
warn_rule(struct conf *conf, const struct px *px, const struct rule *r)
{
	const struct expr *e = r->action->keeps == NULL ? NULL :
	    r->action->keeps(r->priv);

	if (e == NULL)
		return;
	if (!expr_known_at(e, BEFORE_CONTENT)) {
		if (!rule_inspects(px, RULE_TCP_REQ))
			conf_fail(conf, DIAG_WARNING, r->pos, "'tcp-request "
			    "content %s' looks at what the client sends, and "
			    "without a 'tcp-request inspect-delay' in '%s' it "
			    "may not have come yet", r->action->name,
			    px->name);
		return;
	}
	if (r->action->counts && px->mode == PX_HTTP &&
	    cond_known_at(r->cond, BEFORE_CONTENT))
		conf_fail(conf, DIAG_WARNING, r->pos, "'tcp-request content "
		    "%s' depends on nothing that the client sends, and in mode "
		    "http it is done for each request: 'tcp-request session' "
		    "does it once, for invalid requests as well",
		    r->action->name);
}

static bool
check_contents(struct conf *conf)
{
	PX_EACH(px, px_model) {
		const struct rule_list *list =
		    &((const struct rule_cfg *)px_get(&px->slots,
		    &rule_slot))->set[RULE_TCP_REQ];

		if ((px->kind & PX_FE) == 0 || px->disabled)
			continue;
		for (unsigned i = 0; i < list->n; i++)
			warn_rule(conf, px, &list->v[i]);
	}
	return (true);
}
CONF_CHECK(contents, 31, check_contents);
