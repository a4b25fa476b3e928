/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_block - settings of the ConfigMap about who is sent away and by what
 * is counted, headers that all responses have or lack, and idle connections to
 * servers.
 */
#include "ing_opt_int.h"

#include <base/num.h>

/* All that a header's value may have beside letters, digits and '_'. */
#define PRINTABLE " !\"#%&'()*+,-./:;<=>?@[\\]^`{|}~"

/* "~regex", "~*regex" in any case, or the whole text: as an expression. */
static bool
put_expression(struct ing_parse *p, struct span one, const char **out)
{
	struct text t;
	bool good;

	text_init(&t);
	if (span_begins(one, SPAN("~*"))) {
		text_printf(&t, "(?i)%.*s", SPAN_FMT(span_skip(one, 2)));
	} else if (one.p[0] == '~') {
		text_add(&t, span_skip(one, 1));
	} else {
		text_addz(&t, "^");
		ing_regex_quote(&t, one);
		text_addc(&t, '$');
	}
	*out = arena_dup(p->mem, text_span(&t));
	text_fini(&t);
	good = ing_regex_check(*out, p->why);
	/* A lone brace would end the condition. */
	return (good && (strcmp(*out, "}") != 0 || ing_parse_bad(p, one,
	    "an expression")));
}

static bool
parse_texts(struct ing_parse *p, struct span v, void *field)
{
	const char **all = arena_get(p->mem, (v.n / 2 + 1) * sizeof *all);
	struct ing_strs *out = field;
	struct span one;
	uint32_t n = 0;

	while (span_cut(&v, ',', &one)) {
		one = span_trim(one);
		if (one.n == 0)
			continue;
		if (!put_expression(p, one, &all[n]))
			return (false);
		n++;
	}
	out->v = all;
	out->n = n;
	return (true);
}

static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = span_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_'))
			return (false);
	}
	return (s.p[0] != '-' && s.n <= 100);
}

static bool
parse_names(struct ing_parse *p, struct span v, void *field)
{
	return (ing_parse_list(p, v, field, is_name,
	    "names of headers, with commas between"));
}

static bool
parse_headers(struct ing_parse *p, struct span v, void *field)
{
	const struct ing_data *d;

	if (span_find(v, '/') <= 0)
		return (ing_parse_bad(p, v, "NAMESPACE/NAME of a ConfigMap"));
	d = ing_opt_headers(p, arena_dup(p->mem, v), NULL);
	if (d != NULL)
		*(const struct ing_data **)field = d;
	return (d != NULL);
}

/* Values may have variables of nginx, and no others. */
static bool
parse_set(struct ing_parse *p, struct span v, void *field)
{
	const struct ing_data *d;
	struct ing_header *first = NULL, **at = &first;
	struct text t;
	bool good = true;

	if (span_find(v, '/') <= 0)
		return (ing_parse_bad(p, v, "NAMESPACE/NAME of a ConfigMap"));
	if ((d = ing_opt_headers(p, arena_dup(p->mem, v), NULL)) == NULL)
		return (false);
	text_init(&t);
	ING_EACH(struct ing_pair, h, d->data) {
		t.n = 0;
		good = good && (ing_opt_vars(&t, h->value, PRINTABLE) ||
		    ing_parse_bad(p, h->value, "a text, or variables like "
		    "$host and $http_NAME"));
		*at = arena_zget(p->mem, sizeof **at);
		(*at)->name = h->key;
		(*at)->format = arena_dup(p->mem, text_span(&t));
		at = &(*at)->next;
	}
	text_fini(&t);
	if (good)
		*(const struct ing_header **)field = first;
	return (good);
}

static bool
is_word(struct span s)
{
	return (s.n <= 200);
}

static bool
parse_words(struct ing_parse *p, struct span v, void *field)
{
	return (ing_parse_list(p, v, field, is_word,
	    "words, with commas between"));
}

/* What is counted by; the address as it is, where it is said. */
static bool
parse_key(struct ing_parse *p, struct span v, void *field)
{
	struct text t;
	bool good;

	if (span_is(v, "$binary_remote_addr")) {
		*(const char **)field = NULL;
		return (true);
	}
	text_init(&t);
	good = ing_opt_vars(&t, v, "-_.:/|");
	if (good)
		*(const char **)field = arena_dup(p->mem, text_span(&t));
	text_fini(&t);
	return (good || ing_parse_bad(p, v, "variables like "
	    "$binary_remote_addr, $host, $http_NAME"));
}

/* A number plus one, so that 0 is "not said". */
static bool
parse_said(struct ing_parse *p, struct span v, void *field)
{
	if (!ing_parse_count(p, v, field))
		return (false);
	++*(int64_t *)field;
	return (true);
}

#define PLAN .at = ING_AT_PLAN

const struct ing_opt ing_opt_block[] = {
	{ .configmap = "block-cidrs", .kind = ING_O_STRS, OPT(block_from),
	  PLAN, .parse = ing_parse_cidrs, .doc = "" },
	{ .configmap = "block-user-agents", .kind = ING_O_STRS,
	  OPT(block_agents), PLAN, .parse = parse_texts, .doc = "" },
	{ .configmap = "block-referers", .kind = ING_O_STRS,
	  OPT(block_referers), PLAN, .parse = parse_texts, .doc = "" },
	{ .configmap = "hide-headers", .kind = ING_O_STRS, OPT(hide_headers),
	  PLAN, .parse = parse_names, .doc = "" },
	{ .configmap = "add-headers", .kind = ING_O_PTR, OPT(add_headers),
	  PLAN, .parse = parse_headers, .doc = "" },
	{ .configmap = "allow-backend-server-header", .kind = ING_O_BOOL,
	  OPT(server_header), PLAN, .parse = ing_parse_bool,
	  .dflt = "false", .doc = "" },
	{ .configmap = "enable-real-ip", .kind = ING_O_BOOL, OPT(real_ip),
	  PLAN, .parse = ing_parse_bool, .dflt = "false",
	  .doc = "" },
	{ .configmap = "upstream-keepalive-connections", .kind = ING_O_INT,
	  OPT(pool_said), PLAN, .parse = parse_said,
	  .doc = "of each server; when not said there is no limit" },
	{ .configmap = "upstream-keepalive-timeout", .kind = ING_O_INT,
	  OPT(pool_s), PLAN, .parse = ing_parse_seconds,
	  .doc = "half of those that are too many close each time" },
	{ .configmap = "proxy-set-headers", .kind = ING_O_PTR,
	  OPT(set_headers), PLAN, .parse = parse_set, .doc = "" },
	{ .configmap = "annotation-value-word-blocklist",
	  .kind = ING_O_STRS, OPT(word_block), PLAN, .parse = parse_words,
	  .doc = "" },
	{ .configmap = "forwarded-for-header", .kind = ING_O_STR,
	  OPT(for_header), PLAN, .parse = ing_parse_token,
	  .dflt = "X-Forwarded-For", .doc = "" },
	{ .configmap = "forwarded-host-header", .kind = ING_O_STR,
	  OPT(host_header), PLAN, .parse = ing_parse_token,
	  .dflt = "X-Forwarded-Host", .doc = "" },
	{ .configmap = "limit-conn-zone-variable", .kind = ING_O_STR,
	  OPT(limit_key), PLAN, .parse = parse_key, .doc = "" },
	{ .configmap = "upstream-keepalive-requests", .kind = ING_O_INT,
	  OPT(pool_requests), PLAN, .parse = ing_parse_count,
	  .dflt = "10000", .doc = "" },
	{ .configmap = "disable-ipv6-dns", .kind = ING_O_BOOL,
	  OPT(ipv4_names), PLAN, .parse = ing_parse_bool, .dflt = "false",
	  .doc = "IPv6 is used where there is nothing else" },
	{ .key = NULL }
};
