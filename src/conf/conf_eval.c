/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_eval - conditions of .if, .elif and -cc.
 *
 *   or    = and  [ "||" or ]
 *   and   = term [ "&&" and ]
 *   term  = { "!" } ( integer | "(" or ")" | name [ "(" args ")" ] )
 *
 * All of a condition is parsed, also what cannot change the answer any more.
 * Source: configuration manual, 2.4.
 */
#include <conf/conf.h>
#include <conf/feature.h>
#include <conf/level.h>

#include <stdio.h>
#include <stdlib.h>

#ifdef USE_OPENSSL
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#endif

#include <base/must.h>
#include <base/num.h>

#define DEPTH_MAX 64
#define ARG_MAX_BYTES 4096

struct eval {
	struct span in;
	size_t at;
	const char *err;
	size_t err_at;
	int depth;
	struct text arg[2];     /* of the predicate being read */
	int n_arg;
};

struct predicate {
	const char *name;
	int n_args;
	bool (*run)(const struct eval *);
};

static bool eval_or(struct eval *, bool *out);

static const char *
arg(const struct eval *e, int i)
{
	return (e->arg[i].p == NULL ? "" : e->arg[i].p);
}

static bool
is_defined(const struct eval *e)
{
	return (getenv(arg(e, 0)) != NULL);
}

static bool
is_enabled(const struct eval *e)
{
	for (size_t i = 0; i < conf_enabled_n; i++)
		if (strcmp(conf_enabled[i].name, arg(e, 0)) == 0)
			return (conf_enabled[i].on);
	return (false);
}

static bool
is_feature(const struct eval *e)
{
	for (size_t i = 0; i < conf_features_n; i++)
		if (strcmp(conf_features[i].name, arg(e, 0)) == 0)
			return (conf_features[i].on);
	return (false);
}

static bool
is_streq(const struct eval *e)
{
	return (strcmp(arg(e, 0), arg(e, 1)) == 0);
}

static bool
is_strneq(const struct eval *e)
{
	return (!is_streq(e));
}

static bool
is_strstr(const struct eval *e)
{
	return (strstr(arg(e, 0), arg(e, 1)) != NULL);
}

static bool
is_never(const struct eval *e)
{
	(void)e;
	return (false);
}

/* ---- versions ---- */

enum stage { STAGE_DEV, STAGE_RC, STAGE_RELEASE };

struct version {
	unsigned long part[6];  /* major minor patch stage number commits */
};

static unsigned long
take_number(const char **p)
{
	char *end;
	unsigned long n = strtoul(*p, &end, 10);

	*p = end;
	return (n);
}

/* "3.5-dev5-12", "2.6.12": missing parts are zero, the rest is ignored. */
static struct version
version_parse(const char *p)
{
	struct version v = { .part = { 0, 0, 0, STAGE_RELEASE, 0, 0 } };

	for (int i = 0; i < 3 && *p >= '0' && *p <= '9'; i++) {
		v.part[i] = take_number(&p);
		if (*p != '.')
			break;
		p++;
	}
	if (strncmp(p, "-dev", 4) == 0 || strncmp(p, "-pre", 4) == 0) {
		p += 4;
		v.part[3] = STAGE_DEV;
		v.part[4] = take_number(&p);
	} else if (strncmp(p, "-rc", 3) == 0) {
		p += 3;
		v.part[3] = STAGE_RC;
		v.part[4] = take_number(&p);
	}
	if (p[0] == '-' && p[1] >= '0' && p[1] <= '9') {
		p++;
		v.part[5] = take_number(&p);
	}
	return (v);
}

static int
version_cmp(const char *a, const char *b)
{
	struct version va = version_parse(a), vb = version_parse(b);

	for (size_t i = 0; i < NELEM(va.part); i++)
		if (va.part[i] != vb.part[i])
			return (va.part[i] < vb.part[i] ? -1 : 1);
	return (0);
}

static bool
is_version_atleast(const struct eval *e)
{
	return (version_cmp(CONF_LEVEL_BRANCH, arg(e, 0)) >= 0);
}

static bool
is_version_before(const struct eval *e)
{
	return (!is_version_atleast(e));
}

#ifdef USE_OPENSSL
/* "1.1.1c" has a letter; the number of version 3 has none. */
static unsigned long
openssl_number(const char *p)
{
	unsigned long part[3] = { 0, 0, 0 }, letter = 0;

	for (int i = 0; i < 3 && *p >= '0' && *p <= '9'; i++) {
		part[i] = take_number(&p);
		if (*p != '.')
			break;
		p++;
	}
	if (part[0] >= 3)
		return (part[0] << 28 | part[1] << 20 | part[2] << 4);
	if (*p >= 'a' && *p <= 'z')
		letter = (unsigned long)(*p - 'a' + 1);
	return (part[0] << 28 | part[1] << 20 | part[2] << 12 | letter << 4);
}

static bool
is_openssl_atleast(const struct eval *e)
{
	return ((OPENSSL_VERSION_NUMBER & ~0xfUL) >=
	    openssl_number(arg(e, 0)));
}

static bool
is_openssl_before(const struct eval *e)
{
	return (!is_openssl_atleast(e));
}

static bool
is_ssllib_name(const struct eval *e)
{
	const char *name = OpenSSL_version(OPENSSL_VERSION);

	return (strncmp(name, arg(e, 0), strlen(arg(e, 0))) == 0);
}
#else
#define is_openssl_atleast is_never
#define is_openssl_before is_never
#define is_ssllib_name is_never
#endif

static const struct predicate predicates[] = {
	{ "awslc_api_atleast", 1, is_never },
	{ "awslc_api_before", 1, is_never },
	{ "defined", 1, is_defined },
	{ "enabled", 1, is_enabled },
	{ "feature", 1, is_feature },
	{ "fips_mode", 0, is_never },
	{ "openssl_version_atleast", 1, is_openssl_atleast },
	{ "openssl_version_before", 1, is_openssl_before },
	{ "ssllib_name_startswith", 1, is_ssllib_name },
	{ "streq", 2, is_streq },
	{ "strneq", 2, is_strneq },
	{ "strstr", 2, is_strstr },
	{ "version_atleast", 1, is_version_atleast },
	{ "version_before", 1, is_version_before },
};

/* ---- grammar ---- */

static bool
fail(struct eval *e, size_t at, const char *what)
{
	if (e->err == NULL) {
		e->err = what;
		e->err_at = at;
	}
	return (false);
}

static char
look(const struct eval *e)
{
	return (e->at < e->in.n ? e->in.p[e->at] : '\0');
}

static void
skip_blanks(struct eval *e)
{
	while (look(e) == ' ' || look(e) == '\t')
		e->at++;
}

static bool
accept(struct eval *e, const char *op)
{
	size_t n = strlen(op);

	skip_blanks(e);
	if (e->in.n - e->at < n || memcmp(e->in.p + e->at, op, n) != 0)
		return (false);
	e->at += n;
	return (true);
}

/* A second level of quotes protects commas and parentheses. */
static bool
take_arg(struct eval *e, struct text *out)
{
	char quote = '\0';
	size_t start = e->at;

	for (; e->at < e->in.n; e->at++) {
		char c = look(e);

		if (quote == '\0' && (c == ',' || c == ')'))
			return (true);
		if (quote == '\0' && (c == '"' || c == '\'')) {
			quote = c;
			continue;
		}
		if (quote != '\0' && c == quote) {
			quote = '\0';
			continue;
		}
		if (c == '\\' && quote != '\'' && e->at + 1 < e->in.n)
			c = e->in.p[++e->at];
		text_addc(out, c);
		if (out->n > ARG_MAX_BYTES)
			return (fail(e, start, "argument is too long"));
	}
	return (fail(e, e->at, quote != '\0' ? "unmatched quote" :
	    "expected ')' after the arguments"));
}

static bool
take_args(struct eval *e, const struct predicate *p)
{
	size_t open = e->at;

	e->n_arg = 0;
	text_clear(&e->arg[0]);
	text_clear(&e->arg[1]);
	if (look(e) != '(') {
		if (p->n_args > 1)
			return (fail(e, open, "expected '(' and arguments"));
		return (true);
	}
	do {
		e->at++;
		if (e->n_arg == 2 || (p->n_args == 1 && e->n_arg == 1))
			return (fail(e, e->at - 1, "expected ')' before ','"));
		if (!take_arg(e, &e->arg[e->n_arg++]))
			return (false);
	} while (look(e) == ',');
	if (e->n_arg < p->n_args)
		return (fail(e, e->at, "too few arguments"));
	e->at++;
	return (true);
}

static bool
eval_predicate(struct eval *e, bool *out)
{
	size_t start = e->at, n;

	while ((look(e) >= 'a' && look(e) <= 'z') || look(e) == '_')
		e->at++;
	n = e->at - start;
	for (size_t i = 0; i < NELEM(predicates) && n > 0; i++) {
		if (!span_is(span_of(e->in.p + start, n), predicates[i].name))
			continue;
		if (!take_args(e, &predicates[i]))
			return (false);
		*out = predicates[i].run(e);
		return (true);
	}
	return (fail(e, start, "unparsable conditional expression"));
}

/* A number counts as what is not zero; strtol() reads it, base 0. */
static bool
eval_int(struct eval *e, bool *out)
{
	char z[32];
	char *end;

	span_copy(z, sizeof z, span_skip(e->in, e->at));
	*out = strtol(z, &end, 0) != 0;
	e->at += (size_t)(end - z);
	return (true);
}

static bool
eval_term(struct eval *e, bool *out)
{
	bool negate = false, good;
	size_t start;
	char c;

	while (accept(e, "!"))
		negate = !negate;
	skip_blanks(e);
	start = e->at;
	c = look(e);
	if ((c >= '0' && c <= '9') || ((c == '-' || c == '+') &&
	    e->at + 1 < e->in.n && e->in.p[e->at + 1] >= '0' &&
	    e->in.p[e->at + 1] <= '9')) {
		good = eval_int(e, out);
	} else if (c == '(') {
		if (++e->depth > DEPTH_MAX)
			return (fail(e, start, "too many parentheses"));
		e->at++;
		good = eval_or(e, out);
		if (good && !accept(e, ")"))
			return (fail(e, start, "expected ')' after "
			    "conditional expression"));
		e->depth--;
	} else
		good = eval_predicate(e, out);
	if (negate)
		*out = !*out;
	return (good);
}

static bool
eval_and(struct eval *e, bool *out)
{
	bool more = true, all = true;

	while (more) {
		if (!eval_term(e, out))
			return (false);
		all = all && *out;
		more = accept(e, "&&");
	}
	*out = all;
	return (true);
}

static bool
eval_or(struct eval *e, bool *out)
{
	bool more = true, any = false;

	while (more) {
		if (!eval_and(e, out))
			return (false);
		any = any || *out;
		more = accept(e, "||");
	}
	*out = any;
	return (true);
}

static bool
eval_end(struct eval *e)
{
	static char what[80];           /* for the caller until the next one */

	skip_blanks(e);
	if (e->at == e->in.n)
		return (true);
	snprintf(what, sizeof what, "unexpected character '%c' at the end of "
	    "conditional expression", look(e));
	return (fail(e, e->at, what));
}

int
conf_eval(struct span cond, const char **err, int *err_col)
{
	struct eval e = { .in = cond };
	bool out = false, good = true;

	text_init(&e.arg[0]);
	text_init(&e.arg[1]);
	if (cond.n > 0)
		good = eval_or(&e, &out) && eval_end(&e);
	text_fini(&e.arg[0]);
	text_fini(&e.arg[1]);
	if (good)
		return (out);
	if (err != NULL)
		*err = e.err;
	if (err_col != NULL)
		*err_col = (int)e.err_at + 1;
	return (-1);
}
