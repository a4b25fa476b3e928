/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl_cond - named and anonymous ACLs, and the conditions made of them.
 *
 * Source: configuration manual 7.1, 7.2, 7.4.
 */
#include "acl_int.h"

#include <base/must.h>
#include <base/num.h>

struct acl_list {               /* slot of a proxy */
	const struct px *owner;         /* those of its defaults are not its */
	struct acl **bucket;
	unsigned n, n_buckets;
};
static PX_SLOT(PX_OBJ_PROXY, struct acl_list, acl_slot, NULL);

/* ---- one test ---- */

struct parse {                  /* of one ACL's words */
	struct conf_line *l;
	struct acl_term *term;
	struct span what;               /* the fetch, for `show acl` */
	int end;                        /* index behind the last word */
	bool icase, map, named_match, dashes, no_names;
	int64_t id;                     /* -u; -1: not given */
	const char *op;
	struct pat_use *words;          /* those of the line */
	struct acl_pats **tail;
};

static bool
match_find(struct conf_line *l, const struct conf_word *w, uint8_t *match)
{
	for (size_t i = 0; i < ACL_MATCH_N; i++)
		if (span_is(w->text, acl_match_names[i])) {
			*match = (uint8_t)i;
			return (true);
		}
	conf_err(l, w, "unknown match method '%.*s'", SPAN_FMT(w->text));
	conf_err_hint(l, "methods are: found, bool, int, ip, bin, len, str, "
	    "beg, sub, dir, dom, end, reg");
	return (false);
}

static void
add_use(struct parse *p, struct pat_use *use)
{
	struct acl_pats *x = arena_zget(p->l->conf->arena, sizeof *x);

	x->use = use;
	*p->tail = x;
	p->tail = &x->next;
}

/* "gt 5" is the range "6:". NULL: no number, or none is beyond. */
static const char *
range_text(struct parse *p, int64_t v)
{
	struct arena *a = p->l->conf->arena;

	if (strcmp(p->op, "ge") == 0 || strcmp(p->op, "gt") == 0) {
		if (p->op[1] == 't' && v == INT64_MAX)
			return (NULL);
		return (arena_printf(a, "%lld:",
		    (long long)(v + (p->op[1] == 't'))));
	}
	if (p->op[1] == 't' && v == INT64_MIN)
		return (NULL);
	return (arena_printf(a, ":%lld",
	    (long long)(v - (p->op[1] == 't'))));
}

/* What is no address may be the name of a host. */
static bool
is_host_name(struct span s)
{
	bool letter = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
			letter = true;
		else if (!((c >= '0' && c <= '9') || c == '.' || c == '-' ||
		    c == '_'))
			return (false);
	}
	return (letter);
}

/* A host's name becomes its address when the configuration is read, unless -n
 * forbids it. */
static bool
resolve_host(struct parse *p, const struct conf_word *w, struct span *text)
{
	struct addr_spec spec = { .need_dns = true, .host = *text, .fd = -1 };
	char ip[ADDR_TEXT];
	const char *err;

	if (p->term->match != ACL_IP || p->no_names || !is_host_name(*text))
		return (true);
	if (!addr_resolve(&spec, &err))
		return (conf_err(p->l, w, "'%.*s' is no pattern for match "
		    "method 'ip': expected an IPv4 or IPv6 address or network, "
		    "or the name of a host (%s)", SPAN_FMT(*text), err));
	*text = arena_span(p->l->conf->arena,
	    span_of(ip, addr_print(&spec.addr, ip)));
	return (true);
}

/* "3.1" is the number that the version is, 3 * 65536 + 1; also in ranges. */
static struct span
version_text(struct parse *p, struct span text)
{
	struct span rest = text, end, major = SPAN("");
	struct text out;
	uint64_t v[2];

	text_init(&out);
	while (span_cut(&rest, ':', &end)) {
		v[1] = 0;
		major = SPAN("");
		if (end.n != 0 && (!span_cut(&end, '.', &major) ||
		    !num_u64(major, &v[0]) ||
		    (end.p != NULL && !num_u64(end, &v[1])) ||
		    v[0] > 255 || v[1] > 255)) {
			text_fini(&out);
			return (text);  /* the caller says what is wrong */
		}
		if (major.n != 0)
			text_printf(&out, "%llu",
			    (unsigned long long)(v[0] << 16 | v[1]));
		if (rest.p != NULL)
			text_addc(&out, ':');
	}
	text = arena_span(p->l->conf->arena, text_span(&out));
	text_fini(&out);
	return (text);
}

static bool
add_pattern(struct parse *p, const struct conf_word *w)
{
	struct span text = w->text;
	const char *err = NULL;
	int64_t v;

	if (p->term->match == ACL_FOUND || p->term->match == ACL_BOOL) {
		conf_warn(p->l, w, "match method '%s' takes no patterns, so "
		    "'%.*s' makes no difference",
		    acl_match_names[p->term->match], SPAN_FMT(text));
		return (true);
	}
	if (!resolve_host(p, w, &text))
		return (false);
	if (p->term->match == ACL_INT && p->term->expr->fetch != NULL &&
	    p->term->expr->fetch->dotted)
		text = version_text(p, text);
	if (strcmp(p->op, "eq") != 0 && span_find(text, ':') >= 0)
		conf_warn(p->l, w, "the operator '%s' makes no difference to "
		    "the range '%.*s'", p->op, SPAN_FMT(text));
	else if (strcmp(p->op, "eq") != 0) {
		if (!num_i64(text, &v))
			return (conf_err(p->l, w, "expected a number after "
			    "'%s', found '%.*s'", p->op, SPAN_FMT(text)));
		text = span_str(range_text(p, v));
		if (text.p == NULL)
			return (true);  /* never true */
	}
	if (p->words == NULL) {
		p->words = pat_use_get(pat_ref_words(p->l, p->what),
		    p->term->match, p->icase, PAT_VIEW_ACL, &err);
		MUST(p->words != NULL);
		add_use(p, p->words);
	}
	if (pat_word(p->words, text, &err))
		return (true);
	return (conf_err(p->l, w, "'%.*s' is no pattern for match method "
	    "'%s': %s", SPAN_FMT(text), acl_match_names[p->term->match],
	    err));
}

/* -f FILE: a pattern per line. */
static bool
add_file(struct parse *p, const struct conf_word *w)
{
	struct pat_ref *r = pat_ref_file(p->l, w, w->text, p->map);
	struct pat_use *use;
	const char *err;

	if (r == NULL)
		return (false);
	use = pat_use_get(r, p->term->match, p->icase, PAT_VIEW_ACL, &err);
	if (use == NULL)
		return (conf_err(p->l, w, "%s", err));
	pat_ref_user(r, p->l, false);
	add_use(p, use);
	return (true);
}

/* The list of the line's words has a number, also while there are none. */
static bool
number_words(struct parse *p, const struct conf_word *w)
{
	const char *err;

	if (p->words == NULL && (p->id >= 0 || p->term->pats != NULL)) {
		p->words = pat_use_get(pat_ref_words(p->l, p->what),
		    p->term->match, p->icase, PAT_VIEW_ACL, &err);
		MUST(p->words != NULL);
		add_use(p, p->words);
	}
	if (p->id >= 0 && !pat_ref_number(p->words->ref, p->id))
		return (conf_err(p->l, w, "'-u %lld': another list of "
		    "patterns has this number", (long long)p->id));
	return (true);
}

/* What a value of that type is compared as, when nobody says. */
static bool
match_default(struct conf_line *l, const struct conf_word *w,
    const struct expr *e, uint8_t *match)
{
	switch (e->type) {
	case SMP_BOOL:
		*match = ACL_BOOL;
		return (true);
	case SMP_INT:
		*match = ACL_INT;
		return (true);
	case SMP_ADDR: case SMP_V4: case SMP_V6:
		*match = ACL_IP;
		return (true);
	case SMP_STR: case SMP_METH:
		*match = ACL_STR;
		return (true);
	case SMP_BIN:
		if (e->fetch != NULL && e->fetch->acl == SMP_ACL_EXACT) {
			*match = ACL_BIN;
			return (true);
		}
		/* fallthrough */
	default:
		conf_err(l, w, "a value of type %s has no match method of its "
		    "own", smp_type_name(e->type));
		conf_err_hint(l, "put '-m str', '-m bin' or another method "
		    "before the patterns");
		return (false);
	}
}

/* Bytes may be compared in many ways, and a variable may be anything. */
static bool
needs_method(const struct expr *e)
{
	return (e->type == SMP_BIN || e->type == SMP_ANY);
}

static bool
match_fits(struct conf_line *l, const struct conf_word *w,
    const struct acl_term *t)
{
	enum smp_type need = pat_type(t->match);

	if (smp_may_cast(t->expr->type, need))
		return (true);
	return (conf_err(l, w, "match method '%s' cannot be used on a %s "
	    "value", acl_match_names[t->match],
	    smp_type_name(t->expr->type)));
}

static bool
parse_flag(struct parse *p, const struct conf_word *w, bool *done)
{
	struct conf_line *l = p->l;
	char f = w->text.p[1];

	*done = false;
	l->at++;
	if (f == '-') {
		*done = true;
		return (true);
	}
	if (f == 'i') {
		p->icase = true;
		return (true);
	}
	if (f == 'n') {
		p->no_names = true;
		return (true);
	}
	if (f == 'M') {
		p->map = true;
		return (true);
	}
	if (l->at >= p->end)
		return (conf_err(l, w, "expected %s after '-%c'", f == 'f' ?
		    "a file name" : f == 'u' ? "a number" : "a match method",
		    f));
	w = &l->word[l->at++];
	if (f == 'f')
		return (add_file(p, w));
	if (f == 'u')
		return ((num_i64(w->text, &p->id) && p->id >= 0 &&
		    p->id <= INT32_MAX) || conf_err(l, w, "expected a number "
		    "after '-u', found '%.*s'", SPAN_FMT(w->text)));
	if (p->term->pats != NULL)
		return (conf_err(l, w, "'-m' must come before '-f'"));
	p->named_match = true;
	return (match_find(l, w, &p->term->match) &&
	    match_fits(l, w, p->term));
}

static bool
parse_flags(struct parse *p)
{
	struct conf_line *l = p->l;
	bool done = false;

	while (!done && l->at < p->end) {
		const struct conf_word *w = &l->word[l->at];

		if (w->text.n == 0 || w->text.p[0] != '-')
			break;
		if (w->text.n != 2 ||
		    strchr("ifmnMu-", w->text.p[1]) == NULL)
			return (conf_err(l, w, "'%.*s' is no flag of ACLs; "
			    "write '--' before a pattern that begins with '-'",
			    SPAN_FMT(w->text)));
		if (!parse_flag(p, w, &done))
			return (false);
	}
	p->dashes = done;
	return (true);
}

static bool
parse_patterns(struct parse *p)
{
	static const char *const ops[] = { "eq", "ge", "gt", "le", "lt" };
	struct conf_line *l = p->l;
	bool numbers = p->term->match == ACL_INT || p->term->match == ACL_LEN;

	while (l->at < p->end) {
		const struct conf_word *w = &l->word[l->at++];
		bool is_op = false;

		for (size_t i = 0; numbers && i < NELEM(ops); i++)
			if (span_is(w->text, ops[i])) {
				p->op = ops[i];
				is_op = true;
			}
		if (!is_op && !add_pattern(p, w))
			return (false);
		if (is_op && l->at >= p->end)
			return (conf_err(l, w, "expected a number after '%s'",
			    p->op));
	}
	return (true);
}

/* A test that wants patterns and has none: probably not what was meant. */
static bool
check_no_pattern(const struct parse *p, const struct conf_word *w)
{
	const struct acl_term *t = p->term;
	const struct smp_fetch *f = expr_fetch_of(t->expr);

	if (t->pats == NULL && f->wants_pattern)
		return (conf_err(p->l, w, "'%s' in a condition expects patterns "
		    "to compare with, found none", f->name));
	if (t->match == ACL_FOUND || t->match == ACL_BOOL || p->dashes ||
	    p->named_match || t->pats != NULL || p->id >= 0)
		return (true);
	conf_warn(p->l, w, "no pattern to match against, so this ACL will "
	    "never match");
	conf_err_hint(p->l, "'-m found' asks whether there is a value, '-m "
	    "bool' whether it is not 0; '--' silences this");
	return (true);
}

/*
 * The words of one test up to `end`: "fetch,conv flags patterns".
 */
static struct acl_term *
parse_term(struct conf_line *l, int end)
{
	struct acl_term *t = arena_zget(l->conf->arena, sizeof *t);
	struct parse p = { .l = l, .term = t, .end = end, .op = "eq",
	    .id = -1, .tail = &t->pats };
	const struct conf_word *w = &l->word[l->at];
	const char *derived;
	struct span rest = w->text;
	struct conf_word at;

	p.what = rest;
	for (size_t i = 0; i < rest.n && p.what.n == rest.n; i++)
		if (rest.p[i] == '(' || rest.p[i] == ',')
			p.what.n = i;

	l->at++;
	t->expr = expr_parse_rest(l, w, &rest, &derived);
	if (t->expr == NULL)
		return (NULL);
	if (rest.n != 0) {
		at = expr_sub(w, rest);
		conf_err(l, &at, "unexpected '%.*s' after the sample "
		    "expression", SPAN_FMT(rest));
		return (NULL);
	}
	if (derived != NULL && t->expr->from == NULL)
		for (size_t i = 0; i < ACL_MATCH_N; i++)
			if (strcmp(derived, acl_match_names[i]) == 0)
				t->match = (uint8_t)i;
	t->match = derived != NULL && t->expr->from == NULL ? t->match :
	    ACL_MATCH_N;
	if (t->match == ACL_MATCH_N && l->at < end && needs_method(t->expr))
		t->match = ACL_FOUND;   /* until -m says */
	else if (t->match == ACL_MATCH_N &&
	    !match_default(l, w, t->expr, &t->match))
		return (NULL);
	if (!parse_flags(&p))
		return (NULL);
	if (needs_method(t->expr) && !p.named_match &&
	    !match_default(l, w, t->expr, &t->match))
		return (NULL);
	if (!parse_patterns(&p))
		return (NULL);
	return (check_no_pattern(&p, w) && number_words(&p, w) ? t : NULL);
}

static bool
term_has(const struct acl_term *t, struct txn *txn, struct smp *s)
{
	if (t->match == ACL_FOUND)
		return (true);
	if (!smp_cast(txn, s, pat_type(t->match)))
		return (false);
	if (t->match == ACL_BOOL)
		return (s->num != 0);
	for (const struct acl_pats *x = t->pats; x != NULL; x = x->next)
		if (pat_has(x->use, s))
			return (true);
	return (false);
}

/* Set when what did not match may still come: for cond_try(). */
static bool missed;

static bool
term_true(const struct acl_term *t, struct txn *txn)
{
	struct smp s;
	bool has = expr_eval(t->expr, txn, &s);

	for (;;) {
		if (has && term_has(t, txn, &s))
			return (true);
		if (__builtin_expect(!s.more, 1)) {
			missed |= s.waits;
			return (false);
		}
		has = expr_more(t->expr, txn, &s);
	}
}

bool
acl_true(const struct acl *a, struct txn *txn)
{
	for (const struct acl_term *t = a->terms; t != NULL; t = t->next)
		if (term_true(t, txn))
			return (true);
	return (false);
}

/* ---- names ---- */

static struct acl *
list_find(const struct acl_list *x, const struct px *px, struct span name)
{
	struct acl *a;

	if (x->owner != px || x->n == 0)
		return (NULL);
	a = x->bucket[span_hash(name) % x->n_buckets];
	for (; a != NULL; a = a->next)
		if (span_eq(a->name, name))
			return (a);
	return (NULL);
}

static void
list_push(struct acl_list *x, struct acl *a)
{
	struct acl **at = &x->bucket[span_hash(a->name) % x->n_buckets];

	a->next = *at;
	*at = a;
}

static void
list_add(struct acl_list *x, const struct px *px, struct arena *arena,
    struct acl *a)
{
	struct acl_list old = *x;

	if (x->owner != px)
		memset(&old, 0, sizeof old);
	*x = old;
	x->owner = px;
	if (x->n >= x->n_buckets) {
		x->n_buckets = x->n != 0 ? x->n * 4 : 8;
		x->bucket = arena_zget(arena,
		    x->n_buckets * sizeof(struct acl *));
		for (unsigned i = 0; i < old.n_buckets; i++)
			for (struct acl *e = old.bucket[i], *next; e != NULL;
			    e = next) {
				next = e->next;
				list_push(x, e);
			}
	}
	list_push(x, a);
	x->n++;
}

static struct acl *
acl_new(struct arena *arena, struct span name)
{
	struct acl *a = arena_zget(arena, sizeof *a);

	a->name = name;
	a->tail = &a->terms;
	return (a);
}

static const struct {
	const char *name, *text;
} predefined[] = {
	{ "FALSE", "always_false" },
	{ "HTTP", "req.proto_http" },
	{ "HTTP_1.0", "req.ver 1.0" },
	{ "HTTP_1.1", "req.ver 1.1" },
	{ "HTTP_2.0", "req.ver 2.0" },
	{ "HTTP_3.0", "req.ver 3.0" },
	{ "HTTP_CONTENT", "req.hdr_val(content-length) gt 0" },
	{ "HTTP_URL_ABS", "url_reg ^[^/:]*://" },
	{ "HTTP_URL_SLASH", "url_beg /" },
	{ "HTTP_URL_STAR", "url *" },
	{ "LOCALHOST", "src 127.0.0.1/8 ::1" },
	{ "METH_CONNECT", "method CONNECT" },
	{ "METH_DELETE", "method DELETE" },
	{ "METH_GET", "method GET HEAD" },
	{ "METH_HEAD", "method HEAD" },
	{ "METH_OPTIONS", "method OPTIONS" },
	{ "METH_POST", "method POST" },
	{ "METH_PUT", "method PUT" },
	{ "METH_TRACE", "method TRACE" },
	{ "RDP_COOKIE", "req.rdp_cookie_cnt gt 0" },
	{ "REQ_CONTENT", "req.len gt 0" },
	{ "TRUE", "always_true" },
	{ "WAIT_END", "wait_end" },
};

bool
acl_predefined(size_t i, const char **name, const char **text)
{
	if (i >= NELEM(predefined))
		return (false);
	*name = predefined[i].name;
	*text = predefined[i].text;
	return (true);
}

static const struct acl *
find_predefined(struct conf_line *l, const struct conf_word *w)
{
	struct conf_line sub = *l;
	struct conf_word *words;
	const char *err;
	struct acl *a;
	int col;

	for (size_t i = 0; i < NELEM(predefined); i++) {
		if (!span_is(w->text, predefined[i].name))
			continue;
		sub.n = conf_split(l->conf->arena,
		    span_str(predefined[i].text), &words, &err, &col);
		MUST(sub.n > 0);
		for (int k = 0; k < sub.n; k++) {
			words[k].col = w->col;
			words[k].width = w->width;
		}
		sub.word = words;
		sub.at = 0;
		a = acl_new(l->conf->arena, w->text);
		a->terms = parse_term(&sub, sub.n);
		return (a->terms != NULL ? a : NULL);
	}
	conf_err(l, w, "no such ACL: '%.*s'", SPAN_FMT(w->text));
	return (NULL);
}

static bool
acl_parse(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	struct acl_list *x;
	struct acl_term *t;
	struct acl *a;
	struct span name;

	if (!px_takes_rules(l, px) || !conf_want_name(l, "an ACL name", &name))
		return (false);
	if (span_iis(name, "or"))
		return (conf_err(l, &l->word[l->at - 1], "'%.*s' is an operator "
		    "of conditions and cannot be the name of an ACL",
		    SPAN_FMT(name)));
	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "acl '%.*s': expected a sample "
		    "expression after the name", SPAN_FMT(name)));
	l->subject = arena_printf(l->conf->arena, "acl '%.*s'",
	    SPAN_FMT(name));
	if ((t = parse_term(l, l->n)) == NULL)
		return (false);
	x = px_edit(&px->slots, &acl_slot);
	if ((a = list_find(x, px, name)) == NULL) {
		a = acl_new(l->conf->arena, name);
		list_add(x, px, l->conf->arena, a);
	}
	*a->tail = t;
	a->tail = &t->next;
	return (true);
}

/* ---- conditions ---- */

static bool
is_or(struct span w)
{
	return (span_iis(w, "or") || span_is(w, "||"));
}

static const struct acl *
parse_anonymous(struct conf_line *l)
{
	const struct conf_word *open = &l->word[l->at - 1];
	struct acl *a;
	int end = l->at;

	while (end < l->n && !span_is(l->word[end].text, "}"))
		end++;
	if (end == l->n) {
		conf_err(l, open, "missing closing '}' in condition");
		return (NULL);
	}
	if (end == l->at) {
		conf_err(l, open, "expected a sample expression between the "
		    "braces");
		return (NULL);
	}
	a = acl_new(l->conf->arena, SPAN(""));
	if ((a->terms = parse_term(l, end)) == NULL)
		return (NULL);
	l->at = end + 1;
	return (a);
}

static const struct acl *
parse_named(struct conf_line *l, struct px *px, const struct conf_word *w,
    struct span name)
{
	const struct acl_list *x = px_get(&px->slots, &acl_slot);
	const struct acl *a = list_find(x, px, name);
	struct conf_word at;

	if (a != NULL)
		return (a);
	at = expr_sub(w, name);
	return (find_predefined(l, &at));
}

/* One word of a condition, with the "!" before it. */
static bool
parse_test(struct conf_line *l, struct px *px, struct cond_test *t)
{
	const struct conf_word *w = &l->word[l->at++];
	struct span name = w->text;

	while (name.n > 0 && *name.p == '!') {
		t->negate = !t->negate;
		name = span_skip(name, 1);
		if (name.n == 0 && l->at < l->n) {
			w = &l->word[l->at++];
			name = w->text;
		}
	}
	if (name.n == 0)
		return (conf_err(l, w, "expected an ACL after '!'"));
	t->acl = span_is(name, "{") ? parse_anonymous(l) :
	    parse_named(l, px, w, name);
	return (t->acl != NULL);
}

static bool
acl_waits(const struct acl *a)
{
	for (const struct acl_term *t = a->terms; t != NULL; t = t->next)
		if (t->expr->waits)
			return (true);
	return (false);
}

static unsigned
acl_stages(const struct acl *a)
{
	unsigned bits = 0;

	for (const struct acl_term *t = a->terms; t != NULL; t = t->next)
		bits |= t->expr->stages;
	return (bits);
}

static void
warn_never(struct conf_line *l, const struct conf_word *w,
    const struct acl *a)
{
	const char *name = a->terms == NULL ? "" :
	    expr_fetch_of(a->terms->expr)->name;

	if (a->name.n == 0)
		conf_warn(l, w, "anonymous acl will never match because it "
		    "uses '%s', which is not available here", name);
	else
		conf_warn(l, w, "acl '%.*s' will never match because it uses "
		    "'%s', which is not available here", SPAN_FMT(a->name),
		    name);
}

static bool
parse_tests(struct conf_line *l, struct px *px, struct cond *c)
{
	bool want = true;       /* a test must come */

	while (l->at < l->n) {
		struct cond_test *t = &c->test[c->n];
		const struct conf_word *w = &l->word[l->at];

		if (is_or(w->text)) {
			if (want)
				return (conf_err(l, w, "expected an ACL before "
				    "'%.*s'", SPAN_FMT(w->text)));
			c->test[c->n - 1].last = want = true;
			l->at++;
			continue;
		}
		memset(t, 0, sizeof *t);
		if (!parse_test(l, px, t))
			return (false);
		want = false;
		if ((acl_stages(t->acl) & c->stages) == 0)
			warn_never(l, w, t->acl);
		acl_note_raw(l, w, px, t->acl);
		/* what speaks of a request waits for one in mode tcp */
		c->waits |= acl_waits(t->acl) ||
		    (c->stages & SMP_CONTENT) != 0;
		c->n++;
	}
	if (want)
		return (conf_err(l, NULL, "expected a condition after '%.*s'",
		    SPAN_FMT(l->word[l->n - 1].text)));
	c->test[c->n - 1].last = true;
	return (true);
}

bool
cond_parse(struct conf_line *l, struct px *px, unsigned stages,
    struct cond **out)
{
	bool unless = conf_next_is(l, "unless");
	struct cond *c;

	*out = NULL;
	if (!unless && !conf_next_is(l, "if"))
		return (true);
	l->at++;
	c = arena_zget(l->conf->arena, sizeof *c);
	c->unless = unless;
	c->stages = stages;
	c->test = arena_get(l->conf->arena,
	    (size_t)(conf_left(l) + 1) * sizeof *c->test);
	if (!parse_tests(l, px, c))
		return (false);
	*out = c;
	return (true);
}

bool
cond_eval(const struct cond *c, struct txn *t)
{
	bool group = true;

	for (unsigned i = 0; i < c->n; i++) {
		const struct cond_test *x = &c->test[i];

		if (group && acl_true(x->acl, t) == x->negate)
			group = false;
		if (!x->last)
			continue;
		if (group)
			return (!c->unless);
		group = true;
	}
	return (c->unless);
}

bool
cond_rest(const struct cond *c, int test, struct txn *t)
{
	if (test < 0)
		return (cond_eval(c, t));
	for (unsigned i = 0; i < c->n; i++) {
		const struct cond_test *x = &c->test[i];

		if (i != (unsigned)test && acl_true(x->acl, t) == x->negate)
			return (false);
	}
	return (true);
}

enum cond_result
cond_try(const struct cond *c, struct txn *t)
{
	enum cond_result group = COND_TRUE, all = COND_FALSE;

	if (c == NULL)
		return (COND_TRUE);
	if (!c->waits || t->wait_over)
		return (cond_eval(c, t) ? COND_TRUE : COND_FALSE);
	for (unsigned i = 0; i < c->n; i++) {
		const struct cond_test *x = &c->test[i];

		if (group != COND_FALSE) {
			bool has;

			missed = false;
			has = acl_true(x->acl, t);
			if (!has && missed)
				group = COND_WAIT;
			else if (has == x->negate)
				group = COND_FALSE;
		}
		if (!x->last)
			continue;
		if (group == COND_TRUE)
			return (c->unless ? COND_FALSE : COND_TRUE);
		if (group == COND_WAIT)
			all = COND_WAIT;
		group = COND_TRUE;
	}
	return (all == COND_WAIT ? COND_WAIT : c->unless ? COND_TRUE :
	    COND_FALSE);
}

unsigned
cond_stages(const struct cond *c)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < c->n; i++)
		bits |= acl_stages(c->test[i].acl);
	return (bits);
}

bool
cond_known_at(const struct cond *c, unsigned stages)
{
	if (c == NULL)
		return (true);
	for (unsigned i = 0; i < c->n; i++)
		if ((acl_stages(c->test[i].acl) & stages) == 0)
			return (false);
	return (true);
}

/* ---- acl(): a condition as a sample ---- */

static bool
fetch_acl(struct txn *t, const struct arg *arg, struct smp *s)
{
	s->num = 1;
	for (int i = 0; i < EXPR_ARGS_MAX && arg[i].type != ARG_NONE; i++)
		if (acl_true(arg[i].ptr, t) == (arg[i].num != 0)) {
			s->num = 0;
			break;
		}
	return (true);
}

const struct acl *
acl_named(struct conf_line *l, const struct conf_word *w, struct span name)
{
	struct px *px = l->obj;
	struct conf_word at = *w;
	const struct acl *a;

	if (px == NULL) {
		conf_err(l, w, "there are no ACLs in this section");
		return (NULL);
	}
	at.text = name;
	a = list_find(px_get(&px->slots, &acl_slot), px, name);
	return (a != NULL ? a : find_predefined(l, &at));
}

/* arg[].ptr: the ACL; arg[].num: it is negated. */
static bool
setup_acl(struct conf_line *l, const struct conf_word *w, struct arg *arg)
{
	for (int i = 0; i < EXPR_ARGS_MAX && arg[i].type != ARG_NONE; i++) {
		struct span name = span_trim(arg[i].str);

		arg[i].num = name.n > 0 && *name.p == '!';
		arg[i].ptr = acl_named(l, w, span_skip(name,
		    (size_t)arg[i].num));
		if (arg[i].ptr == NULL)
			return (false);
	}
	return (true);
}
FETCH(acl_fetch) = {
	.name = "acl", .args = "str a, str b=, str c=, str d=, str e=, str f=, "
	    "str g=, str h=, str i=, str j=, str k=, str l=",
	.out = SMP_BOOL, .stages = SMP_ANYWHERE, .run = fetch_acl,
	.setup = setup_acl, .fresh = true,
	.doc = "True when all these ACLs, declared above, are; '!' before a "
	    "name means the opposite.",
	.example = "http-request set-header X-Inside %[acl(LOCALHOST,!METH_POST)]",
};

KEYWORD(acl) = {
	.name = "acl", .in = KW_PROXY, .args =
	    "<name> <fetch>[,<converter>…] [-i] [-m <method>] [-u <id>] "
	    "[[-M] -f <file>] [--] [<pattern>…]",
	.parse = acl_parse,
	.doc = "Declares a test, or adds an alternative to the test of that "
	    "name: it is true when a value of the sample expression matches "
	    "one of the patterns.",
	.example = "acl is_api path_beg /api/ /v2/",
};
