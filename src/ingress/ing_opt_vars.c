/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_vars - texts with $variables of nginx, as formats of the proxy.
 */
#include "ing_opt_int.h"

/* Those with a name behind them take letters, digits and '_' of it. */
static const struct variable {
	const char *name, *sample;
	bool named, header;
} variables[] = {
	{ "request_uri", "pathq", false, false },
	{ "escaped_request_uri", "pathq,url_enc", false, false },
	{ "uri", "path", false, false },
	{ "args", "query", false, false },
	{ "query_string", "query", false, false },
	{ "remote_addr", "src", false, false },
	{ "binary_remote_addr", "src", false, false },
	{ "host", "req.hdr(host),host_only", false, false },
	{ "best_http_host", "req.hdr(host)", false, false },
	{ "scheme", "var(txn.scheme)", false, false },
	{ "pass_access_scheme", "var(txn.scheme)", false, false },
	{ "request_method", "method", false, false },
	{ "http_", "req.fhdr(", true, true },
	{ "cookie_", "req.cook(", true, false },
	{ "arg_", "url_param(", true, false },
};

bool
ing_opt_is_word(char c)
{
	c = span_lower(c);
	return ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
}

bool
ing_opt_var_sample(struct text *t, struct span name)
{
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		const struct variable *v = &variables[i];
		struct span rest;

		if (!v->named && !span_is(name, v->name))
			continue;
		if (!v->named) {
			text_addz(t, v->sample);
			return (true);
		}
		if (!span_begins(name, span_str(v->name)) ||
		    name.n == strlen(v->name))
			continue;
		text_addz(t, v->sample);
		rest = span_skip(name, strlen(v->name));
		/* $http_x_forwarded_for is the header X-Forwarded-For. */
		for (size_t k = 0; k < rest.n; k++)
			text_addc(t, rest.p[k] == '_' && v->header ? '-' :
			    rest.p[k]);
		text_addc(t, ')');
		return (true);
	}
	return (false);
}

static bool
put_variable(struct text *t, struct span name)
{
	size_t before = t->n;

	text_addz(t, "%[");
	if (!ing_opt_var_sample(t, name)) {
		t->n = before;
		return (false);
	}
	text_addc(t, ']');
	return (true);
}

bool
ing_opt_var_name(struct span *v, struct span *name)
{
	bool brace = v->n > 1 && v->p[1] == '{';
	size_t n = 0;

	*v = span_skip(*v, brace ? 2 : 1);
	while (n < v->n && ing_opt_is_word(v->p[n]))
		n++;
	*name = span_of(v->p, n);
	*v = span_skip(*v, n);
	if (brace && (v->n == 0 || v->p[0] != '}'))
		return (false);
	if (brace)
		*v = span_skip(*v, 1);
	return (n > 0);
}

bool
ing_opt_vars(struct text *t, struct span v, const char *others)
{
	struct span name;

	while (v.n > 0) {
		if (v.p[0] == '$') {
			if (!ing_opt_var_name(&v, &name) ||
			    !put_variable(t, name))
				return (false);
			continue;
		}
		if (!ing_opt_is_word(v.p[0]) && strchr(others, v.p[0]) == NULL)
			return (false);
		if (v.p[0] == '%')
			text_addc(t, '%');
		text_addc(t, v.p[0]);
		v = span_skip(v, 1);
	}
	return (true);
}
