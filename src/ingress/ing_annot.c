/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_annot - from annotations to options, by the rows; whatever can't be
 * obeyed is told, and closes the Ingress where it guards something.
 */
#include <ingress/annot.h>

#include <inttypes.h>
#include <stdio.h>

#include <base/must.h>

#define OPEN   false
#define CLOSED true
#define A(key, type, dflt, scope, prio, risk, closed, refused)               \
	{ key, type, dflt, ING_SCOPE_##scope, prio, ING_##risk, closed,      \
	  refused },
const struct ing_annot ing_annots[] = {
#include "annot.def"
};
#undef A
const size_t ing_annots_n = NELEM(ing_annots);

#define VALUE_MAX 4096u

/* Rows by the hash of their key, made at the first look. */
#define FIND_SLOTS 1024u
static uint16_t find_slot[FIND_SLOTS];          /* 0: free; or 1 + index */

static uint16_t *
slot_of(const char *key)
{
	size_t i = span_hash(span_str(key)) % FIND_SLOTS;

	while (find_slot[i] != 0 &&
	    strcmp(ing_annots[find_slot[i] - 1].key, key) != 0)
		i = (i + 1) % FIND_SLOTS;
	return (&find_slot[i]);
}

const struct ing_annot *
ing_annot_find(const char *key)
{
	static bool made;
	uint16_t *slot;

	_Static_assert(NELEM(ing_annots) < FIND_SLOTS / 2, "make it larger");
	for (size_t i = 0; !made && i < ing_annots_n; i++) {
		slot = slot_of(ing_annots[i].key);
		MUST(*slot == 0);               /* a key is there once */
		*slot = (uint16_t)(i + 1);
	}
	made = true;
	slot = slot_of(key);
	return (*slot != 0 ? &ing_annots[*slot - 1] : NULL);
}

/* Walk all option rows. */
#define EACH_OPT(o)                                                          \
	for (const struct ing_opt *const *rows = ing_opt_tables;             \
	    *rows != NULL; rows++)                                           \
		for (const struct ing_opt *o = *rows; o->key != NULL ||      \
		    o->configmap != NULL; o++)

const struct ing_opt *
ing_opt_find(const char *key)
{
	EACH_OPT(o)
		if (o->key != NULL && strcmp(o->key, key) == 0)
			return (o);
	return (NULL);
}

enum ing_state
ing_annot_state(const struct ing_annot *a)
{
	if (a->refused != NULL)
		return (ING_REFUSED);
	return (ing_opt_find(a->key) != NULL || strchr(a->key, '/') != NULL ?
	    ING_DONE : ING_PLANNED);
}

static void *
field_of(const struct ing_opt *o, struct ing_opts *opts)
{
	return ((char *)opts + o->offset);
}

static const void *
const_field(const struct ing_opt *o, const struct ing_opts *opts)
{
	return ((const char *)opts + o->offset);
}

static bool
has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return (true);
	return (false);
}

/* --- reading --------------------------------------------------------------- */

struct reading {
	const struct ing_annot_ctx *ctx;
	bool open;                      /* nothing closed it so far */
};

static void tell(struct reading *, const struct ing_annot *, const char *key,
    bool closed, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void
tell(struct reading *r, const struct ing_annot *a, const char *key,
    bool closed, const char *fmt, ...)
{
	struct ing_annot_issue issue = { .annot = a, .key = key,
	    .closed = closed };
	struct text t;
	va_list ap;

	text_init(&t);
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
	issue.text = arena_dup(r->ctx->mem, text_span(&t));
	text_fini(&t);
	r->open &= !closed;
	if (r->ctx->issue != NULL)
		r->ctx->issue(&issue, r->ctx->arg);
}

/* Blanks and line ends around a value are of no account. */
static struct span
trim(struct span s)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL)
		s = span_skip(s, 1);
	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
		s.n--;
	return (s);
}

static bool
parse(const struct ing_annot_ctx *ctx, const struct ing_opt *o,
    const char *ns, struct span value, struct ing_opts *opts,
    struct ing_parse *out)
{
	struct ing_parse p = { .mem = ctx->mem, .store = ctx->store,
	    .ns = ns, .cross_namespace = ctx->cross_namespace };

	value = trim(value);
	if (value.n == 0)
		snprintf(p.why, sizeof p.why, "expected a value, found none");
	else if (value.n > VALUE_MAX)
		snprintf(p.why, sizeof p.why, "expected at most %u characters",
		    VALUE_MAX);
	else if (has_control(value))
		snprintf(p.why, sizeof p.why,
		    "holds a line end or a control character");
	else if (o->parse(&p, value, field_of(o, opts)))
		return (true);
	*out = p;
	return (false);
}

/* The key without one of our prefixes; NULL: not for us. */
static const char *
own_key(const struct ing_annot_ctx *ctx, const char *key)
{
	const char *slash = strchr(key, '/');

	for (size_t i = 0; slash != NULL && i < ctx->n_prefixes; i++)
		if (span_is(span_of(key, (size_t)(slash - key)),
		    ctx->prefixes[i]))
			return (slash + 1);
	return (NULL);
}

static const char *const risk_name[] = { "Low", "Medium", "High",
    "Critical" };

static void
read_one(struct reading *r, const char *ns, const char *key,
    struct span value, struct ing_opts *opts)
{
	const struct ing_annot *a = ing_annot_find(key);
	const struct ing_opt *o = ing_opt_find(key);
	struct ing_parse p;

	if (a == NULL)
		tell(r, NULL, key, false, "nobody knows this annotation; is "
		    "it misspelt?");
	else if (a->refused != NULL)
		tell(r, a, key, a->closed, "%s", a->refused);
	else if (o == NULL)
		tell(r, a, key, a->closed, "is not supported yet");
	else if (a->risk > r->ctx->risk_limit)
		tell(r, a, key, true, "its risk is %s, above the "
		    "annotations-risk-level", risk_name[a->risk]);
	else if (!parse(r->ctx, o, ns, value, opts, &p))
		tell(r, a, key, a->closed || p.close, "%s", p.why);
}

bool
ing_annot_read(const struct ing_annot_ctx *ctx, const struct ing_ingress *ing,
    struct ing_opts *opts)
{
	struct reading r = { .ctx = ctx, .open = true };

	ING_EACH(struct ing_pair, p, ing->o.annots) {
		const char *key = own_key(ctx, p->key);

		if (key != NULL)
			read_one(&r, ing->o.ns, key, p->value, opts);
	}
	for (const struct ing_opt_end *e = ing_opt_ends; e->key != NULL; e++) {
		struct ing_parse p = { .mem = ctx->mem, .store = ctx->store,
		    .ns = ing->o.ns, .cross_namespace = ctx->cross_namespace };

		if (!e->finish(&p, opts))
			tell(&r, ing_annot_find(e->key), e->key, true, "%s",
			    p.why);
	}
	return (r.open);
}

const struct ing_opt *
ing_opt_setting(const char *key)
{
	EACH_OPT(o)
		if (o->configmap != NULL && strcmp(o->configmap, key) == 0)
			return (o);
	return (NULL);
}

#define C(key, refused) { key, refused },
static const struct { const char *key, *refused; } settings[] = {
#include "configmap.def"
};
#undef C

void
ing_settings_each(void (*fn)(const char *, const char *, void *), void *arg)
{
	for (size_t i = 0; i < NELEM(settings); i++)
		fn(settings[i].key, settings[i].refused, arg);
}

/* Keys that nothing here reads. */
static void
tell_unread(struct reading *r, const struct ing_data *configmap)
{
	ING_EACH(struct ing_pair, p, configmap->data) {
		const char *text = "nobody knows this key; is it misspelt?";

		if (ing_opt_setting(p->key) != NULL)
			continue;
		for (size_t i = 0; i < NELEM(settings); i++)
			if (strcmp(settings[i].key, p->key) == 0)
				text = settings[i].refused != NULL ?
				    settings[i].refused :
				    "is not supported yet";
		tell(r, NULL, p->key, false, "%s", text);
	}
}

void
ing_opts_defaults(const struct ing_annot_ctx *ctx,
    const struct ing_data *configmap, struct ing_opts *opts)
{
	struct reading r = { .ctx = ctx };
	struct ing_parse p;

	memset(opts, 0, sizeof *opts);
	EACH_OPT(o) {
		struct span v = SPAN_NONE;

		if (o->dflt != NULL)
			MUST(parse(ctx, o, "", span_str(o->dflt), opts, &p));
		if (configmap != NULL && o->configmap != NULL)
			v = ing_pair_find(&configmap->data, o->configmap);
		if (v.p != NULL && trim(v).n > 0 &&
		    !parse(ctx, o, configmap->o.ns, v, opts, &p))
			tell(&r, NULL, o->configmap, false, "%s", p.why);
	}
	if (configmap != NULL)
		tell_unread(&r, configmap);
}

/* --- comparing ------------------------------------------------------------- */

static bool
is_same(const struct ing_opt *o, const struct ing_opts *a,
    const struct ing_opts *b)
{
	const void *x = const_field(o, a), *y = const_field(o, b);
	const struct ing_strs *l = x, *m = y;
	const char *const *s = x, *const *t = y;

	switch (o->kind) {
	case ING_O_BOOL:
	case ING_O_INT:
		return (*(const int64_t *)x == *(const int64_t *)y);
	case ING_O_STR:
		return (*s == NULL || *t == NULL ? *s == *t :
		    strcmp(*s, *t) == 0);
	case ING_O_PTR:
		return (*(const void *const *)x == *(const void *const *)y);
	case ING_O_STRS:
		if (l->n != m->n)
			return (false);
		for (uint32_t i = 0; i < l->n; i++)
			if (strcmp(l->v[i], m->v[i]) != 0)
				return (false);
		return (true);
	}
	return (false);
}

static void
print(const struct ing_opt *o, const struct ing_opts *opts, struct text *out)
{
	const void *x = const_field(o, opts);
	const struct ing_strs *l = x;

	text_printf(out, "%s=", o->key != NULL ? o->key : o->configmap);
	switch (o->kind) {
	case ING_O_BOOL:
		text_addz(out, *(const int64_t *)x ? "true" : "false");
		break;
	case ING_O_INT:
		text_printf(out, "%" PRId64, *(const int64_t *)x);
		break;
	case ING_O_STR:
		text_json(out, span_str(*(const char *const *)x));
		break;
	case ING_O_PTR:
		text_addz(out, "set");
		break;
	case ING_O_STRS:
		for (uint32_t i = 0; i < l->n; i++) {
			text_addz(out, i > 0 ? "," : "");
			text_json(out, span_str(l->v[i]));
		}
		break;
	}
	text_addc(out, '\n');
}

void
ing_opts_text(const struct ing_opts *opts, const struct ing_opts *base,
    enum ing_opt_at at, struct text *out)
{
	static const struct ing_opts nothing;

	if (base == NULL)
		base = &nothing;
	EACH_OPT(o)
		if (o->at == at && !is_same(o, opts, base))
			print(o, opts, out);
}
