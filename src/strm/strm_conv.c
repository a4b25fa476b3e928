/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_conv - when(): a value only under a condition of its stream.
 *
 * Source: configuration manual 7.3.1.
 */
#include "strm_int.h"

#include <base/must.h>
#include <expr/expr.h>
#include <log/log.h>

enum when { WHEN_ERROR, WHEN_NORMAL, WHEN_FORWARDED, WHEN_PROCESSED,
	WHEN_STOPPING, WHEN_APPLET, WHEN_ACL };

static const char *const when_names[] = { "error", "normal", "forwarded",
	"processed", "stopping", "toapplet", "acl" };

static bool
is_forwarded(const struct txn *t)
{
	return (t->srv != NULL && t->t.connected != 0);
}

/* As 'option dontlog-normal' sees it; a status that is not known yet says
 * nothing. */
static bool
went_wrong(const struct txn *t)
{
	if (t->is_http && t->status == 0 && t->stage != TXN_LOG)
		return (t->redispatched || t->retries != 0 ||
		    t->why != WHY_OK);
	return (log_failed(t));
}

static bool
holds(struct txn *t, enum when when, const struct acl *acl)
{
	switch (when) {
	case WHEN_ERROR:
		return (went_wrong(t));
	case WHEN_NORMAL:
		return (!went_wrong(t));
	case WHEN_ACL:
		return (acl_true(acl, t));
	case WHEN_FORWARDED:
		return (is_forwarded(t));
	case WHEN_PROCESSED:
		return (is_forwarded(t) || t->service != NULL);
	case WHEN_STOPPING:
		return (mux_leaving);
	default:
		return (t->service != NULL);
	}
}

static bool
conv_when(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)s;
	return (holds(t, (enum when)(arg[0].num >> 1), arg[1].ptr) !=
	    ((arg[0].num & 1) != 0));
}

/* arg[0].num: the condition, and in bit 0 whether it is negated. */
static bool
check_when(struct arg *arg, const char **err)
{
	struct span name = arg[0].str;
	bool negated = name.n > 0 && *name.p == '!';

	if (negated)
		name = span_skip(name, 1);
	*err = "'acl' is followed by the name of one";
	if (span_is(name, "acl") && arg[1].type == ARG_NONE)
		return (false);
	*err = "this condition has no arguments";
	if (!span_is(name, "acl") && arg[1].type != ARG_NONE)
		return (false);
	*err = "expected error, normal, forwarded, processed, stopping, "
	    "toapplet or acl, or '!' and one of them";
	for (size_t i = 0; i < NELEM(when_names); i++)
		if (span_is(name, when_names[i])) {
			arg[0].num = (int64_t)(i << 1 | negated);
			return (true);
		}
	return (false);
}

static bool
setup_when(struct conf_line *l, const struct conf_word *w,
    const struct smp_conv *conv, struct arg *arg)
{
	struct span name = arg[0].str;

	(void)conv;
	if (name.n > 0 && *name.p == '!')
		name = span_skip(name, 1);
	if (!span_is(name, "acl") || arg[1].type == ARG_NONE)
		return (true);          /* check_when() says what is wrong */
	arg[1].ptr = (void *)(uintptr_t)acl_named(l, w, arg[1].str);
	return (arg[1].ptr != NULL);
}

CONVERTER(when) = {
	.name = "when", .args = "str condition, str acl=",
	.in = SMP_ANY, .out = SMP_ANY, .run = conv_when, .check = check_when,
	.setup = setup_when, .fresh = true, .live = true,
	.doc = "The value as it is while the condition holds, or no result: "
	    "'error': something went wrong, in the sense of 'option "
	    "dontlog-normal'; 'normal': nothing did; 'forwarded': the request "
	    "reached a server; 'toapplet': a service of this program answered "
	    "it; 'processed': one of both; 'stopping': this worker leaves; "
	    "'acl': the ACL <acl>, declared above, holds. '!' in front "
	    "negates. The value is computed in any case.",
	.example = { "src,when(!normal)", "10.0.0.7" },
};
