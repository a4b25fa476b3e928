/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_env - the environment: variables we define for the time of reading,
 * and the keywords that change it.
 *
 * Source: configuration manual, 2.3, 3.1 and 8.2 (the default formats).
 */
#include "conf_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <conf/level.h>

#define HTTP_FMT "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC "   \
	"%CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"

static const struct { const char *name, *value; } while_parsing[] = {
	{ "HAPROXY_HTTP_LOG_FMT", HTTP_FMT },
	{ "HAPROXY_HTTP_CLF_LOG_FMT",
	    "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s "
	    "%TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS "
	    "%hrl %hsl" },
	{ "HAPROXY_HTTPS_LOG_FMT", HTTP_FMT " %[fc_err]/%[ssl_fc_err,hex]/"
	    "%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] "
	    "%[ssl_fc_sni]/%sslv/%sslc" },
	{ "HAPROXY_TCP_LOG_FMT", "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts "
	    "%ac/%fc/%bc/%sc/%rc %sq/%bq" },
	{ "HAPROXY_TCP_CLF_LOG_FMT",
	    "%{+Q}o %{-Q}ci - - [%T] \"TCP \" 000 %B \"\" \"\" %cp %ms %ft "
	    "%b %s %Th %Tw %Tc %Tt %U %ts-- %ac %fc %bc %sc %rc %sq %bq "
	    "\"\" \"\" " },
};

static bool
is_name_byte(char c)
{
	return ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '_');
}

/* The variable named at the start of *rest, which moves behind it. */
static const char *
take_variable(struct arena *a, struct span *rest)
{
	bool braces = rest->n > 0 && *rest->p == '{';
	struct span name = braces ? span_skip(*rest, 1) : *rest;
	size_t n = 0;

	while (n < name.n && is_name_byte(name.p[n]))
		n++;
	*rest = span_skip(name, n);
	if (braces && rest->n > 0 && *rest->p == '}')
		*rest = span_skip(*rest, 1);
	return (getenv(arena_dup(a, span_of(name.p, n))));
}

struct span
conf_env_expand(struct arena *a, struct span in)
{
	struct text out;
	struct span all;
	const char *value;

	if (span_find(in, '$') < 0)
		return (in);
	text_init(&out);
	while (in.n > 0) {
		char c = *in.p;

		in = span_skip(in, 1);
		if (c != '$')
			text_addc(&out, c);
		else if ((value = take_variable(a, &in)) != NULL)
			text_addz(&out, value);
	}
	all = arena_span(a, text_span(&out));
	text_fini(&out);
	return (all);
}

void
conf_env_parsing(bool on)
{
	for (size_t i = 0; i < NELEM(while_parsing); i++) {
		if (on)
			setenv(while_parsing[i].name, while_parsing[i].value,
			    1);
		else
			unsetenv(while_parsing[i].name);
	}
	if (on)
		setenv("HAPROXY_BRANCH", CONF_LEVEL_BRANCH, 1);
}

/* A name that may stand behind a dollar sign. */
static bool
want_var(struct conf_line *l, struct span *name)
{
	const struct conf_word *w = conf_peek(l);

	if (!conf_want(l, "the name of a variable", name))
		return (false);
	if (name->n == 0 || span_find(*name, '=') >= 0)
		return (conf_err(l, w, "'%s' expects the name of a variable, "
		    "got '%s'", l->kw->name, name->p));
	return (true);
}

static bool
set_var(struct conf_line *l, bool replace)
{
	struct span name, value;

	if (!want_var(l, &name) || !conf_want(l, "a name and a value", &value))
		return (false);
	if (setenv(name.p, value.p, replace) != 0)
		return (conf_err(l, NULL, "'%s' cannot set '%s'", l->kw->name,
		    name.p));
	return (conf_end(l));
}

static bool
parse_setenv(struct conf_line *l, void *obj)
{
	(void)obj;
	return (set_var(l, true));
}

static bool
parse_presetenv(struct conf_line *l, void *obj)
{
	(void)obj;
	return (set_var(l, false));
}

static bool
parse_unsetenv(struct conf_line *l, void *obj)
{
	struct span name;

	(void)obj;
	do {
		if (!want_var(l, &name))
			return (false);
		unsetenv(name.p);
	} while (conf_left(l) > 0);
	return (true);
}

static void
keep_var(char **save, int *n, const char *name)
{
	const char *v = name[0] == '\0' ? NULL : getenv(name);

	if (v == NULL)
		return;
	save[(*n)++] = must_strdup(name);
	save[(*n)++] = must_strdup(v);
}

/* Ours stay whatever is asked for: a reload and the runtime API need them. */
static bool
parse_resetenv(struct conf_line *l, void *obj)
{
	static const char *const ours[] = { "HAPROXY_CFGFILES",
		"HAPROXY_LOCALPEER", "HAPROXY_MASTER_CLI", "HAPROXY_MWORKER",
		"HAPROXY_STARTUP_VERSION", "NOTIFY_SOCKET" };
	size_t max = (size_t)conf_left(l) + NELEM(ours);
	char **save = must_alloc(max * 2 * sizeof *save);
	int n = 0;

	(void)obj;
	for (size_t i = 0; i < NELEM(ours); i++)
		keep_var(save, &n, ours[i]);
	for (; l->at < l->n; l->at++)
		keep_var(save, &n, l->word[l->at].text.p);
	clearenv();
	for (int i = 0; i < n; i += 2) {
		setenv(save[i], save[i + 1], 1);
		free(save[i]);
		free(save[i + 1]);
	}
	free(save);
	conf_env_parsing(true);
	return (true);
}

KEYWORD(setenv) = {
	.name = "setenv", .in = KW_GLOBAL, .args = "<name> <value>",
	.parse = parse_setenv,
	.doc = "Sets an environment variable, replacing its value if it has "
	    "one. Later lines see it.",
	.example = "setenv SITE \"eu west\"",
};
KEYWORD(presetenv) = {
	.name = "presetenv", .in = KW_GLOBAL, .args = "<name> <value>",
	.parse = parse_presetenv,
	.doc = "Sets an environment variable unless it exists already, also "
	    "when it is empty.",
	.example = "presetenv SITE lab",
};
KEYWORD(unsetenv) = {
	.name = "unsetenv", .in = KW_GLOBAL, .args = "<name>...",
	.parse = parse_unsetenv,
	.doc = "Removes environment variables.",
	.example = "unsetenv SECRET TOKEN",
};
KEYWORD(resetenv) = {
	.name = "resetenv", .in = KW_GLOBAL, .args = "[<name>...]",
	.parse = parse_resetenv,
	.doc = "Removes all environment variables but the ones named, and "
	    "those this program defines for the configuration.",
	.example = "resetenv PATH TZ",
};
