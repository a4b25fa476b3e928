/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_debug - show a value on its way through an expression.
 *
 * Source: configuration manual 7.3.1 (debug).
 */
#include "conv_int.h"

#include <unistd.h>

#define LINE_MAX_BYTES 4096

static const char *
type_word(const struct smp *s)
{
	static const char *const words[] = { [SMP_ANY] = "any",
	    [SMP_BOOL] = "bool", [SMP_INT] = "sint", [SMP_ADDR] = "addr",
	    [SMP_V4] = "ipv4", [SMP_V6] = "ipv6", [SMP_STR] = "str",
	    [SMP_BIN] = "bin", [SMP_METH] = "meth" };

	return (s->type < SMP_NONE ? words[s->type] : "none");
}

static bool
conv_debug(struct txn *t, const struct arg *arg, struct smp *s)
{
	char line[LINE_MAX_BYTES];
	struct smp copy = *s;
	struct text out;

	text_init(&out);
	text_printf(&out, "[debug] %.*s: type=%s <", SPAN_FMT(arg[0].str),
	    type_word(s));
	if (copy.type == SMP_BIN || smp_cast(t, &copy, SMP_STR))
		for (size_t i = 0; i < copy.str.n; i++)
			text_addc(&out, copy.str.p[i] >= ' ' &&
			    copy.str.p[i] <= '~' ? copy.str.p[i] : '.');
	text_addz(&out, ">\n");
	/* one write, so that lines of several workers do not mix; lost when
	 * nobody reads */
	if (out.n > sizeof line)
		out.n = sizeof line;
	memcpy(line, out.p, out.n);
	line[out.n - 1] = '\n';
	if (write((int)arg[1].num, line, out.n) < 0)
		line[0] = '\0';
	text_fini(&out);
	return (true);
}

static bool
check_debug(struct arg *arg, const char **err)
{
	*err = "the output of 'debug' goes to a ring by default, and rings are "
	    "not supported yet: name 'stderr' or 'stdout' as the second "
	    "argument";
	arg[1].num = span_is(arg[1].str, "stdout") ? STDOUT_FILENO :
	    STDERR_FILENO;
	return (span_is(arg[1].str, "stdout") ||
	    span_is(arg[1].str, "stderr"));
}
CONVERTER(debug) = {
	.name = "debug", .args = "str prefix=, str destination=",
	.in = SMP_ANY, .out = SMP_ANY, .run = conv_debug,
	.check = check_debug, .fresh = true, .live = true,
	.doc = "Writes the value to the file <destination>, 'stderr' or "
	    "'stdout', with <prefix> and its type before it, and gives it on "
	    "as it is.",
	.example = { "str(abc),debug(seen,stderr)", "abc" },
};
