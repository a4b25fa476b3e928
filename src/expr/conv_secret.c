/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_secret - keys and the like as arguments (conv_secret.h).
 */
#include "conv_secret.h"

#include <stdlib.h>

#include <base/b64.h>
#include <base/must.h>
#include <expr/vars.h>

void
conv_text_check(struct arg *arg)
{
	const char *err;

	if (arg->type != ARG_STR ||
	    (arg->ptr = expr_var_named(arg->str, &err)) == NULL)
		return;
	arg->type = ARG_VAR;
}

bool
conv_text_arg(const struct arg *arg, struct txn *t, struct span *out)
{
	struct smp s;

	*out = arg->str.p != NULL ? arg->str : SPAN("");
	if (arg->type != ARG_VAR)
		return (true);
	if (!expr_var_get(arg->ptr, t, &s) || !smp_cast(t, &s, SMP_BIN))
		return (false);
	*out = s.str.p != NULL ? s.str : SPAN("");
	return (true);
}

static bool
check_b64(struct arg *arg, enum b64_kind kind, const char **err)
{
	struct span *plain;
	char *p;

	conv_text_check(arg);
	if (arg->type == ARG_VAR)
		return (true);
	plain = must_alloc(sizeof *plain + B64_DECODED(arg->str.n));
	p = (char *)(plain + 1);
	plain->p = p;
	arg->ptr = plain;
	if (b64_get(p, &plain->n, arg->str, kind))
		return (true);
	free(plain);
	*err = "expected base64, or the name of a variable which has it";
	return (false);
}

bool
conv_b64_check(struct arg *arg, const char **err)
{
	return (check_b64(arg, B64_STD, err));
}

bool
conv_b64_check_loose(struct arg *arg, const char **err)
{
	return (check_b64(arg, B64_LOOSE, err));
}

bool
conv_b64_arg(const struct arg *arg, struct txn *t, enum b64_kind kind,
    struct span *out)
{
	char *p;

	if (arg->type != ARG_VAR) {
		*out = *(const struct span *)arg->ptr;
		return (true);
	}
	if (!conv_text_arg(arg, t, out) ||
	    (p = arena_get(t->arena, B64_DECODED(out->n))) == NULL ||
	    !b64_get(p, &out->n, *out, kind))
		return (false);
	out->p = p;
	return (true);
}

bool
conv_var_check(struct arg *arg, const char **err)
{
	arg->type = ARG_VAR;
	arg->ptr = expr_var_named(arg->str, err);
	return (arg->ptr != NULL);
}
