/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kw_near - what to say about a word that no row knows: another section's,
 * not supported yet, or mistyped.
 */
#include "conf_int.h"

#include <limits.h>
#include <stdlib.h>

#include <base/must.h>

extern const struct kw *const __start_kw_conf[] __attribute__((weak));
extern const struct kw *const __stop_kw_conf[] __attribute__((weak));
extern const struct kw_section *const __start_kw_sections[]
    __attribute__((weak));
extern const struct kw_section *const __stop_kw_sections[]
    __attribute__((weak));

#define NEAR_MAX 64             /* longer words are not compared */
#define FAMILY_MAX 16           /* longer lists are not shown */
#define IN_LINES ((unsigned)(KW_BIND | KW_SERVER | KW_CRT_LIST | KW_CRT_LOAD))

const char *(*kw_compat)(const char *kind, struct span name,
    const char **text);

static int
min3(int a, int b, int c)
{
	if (b < a)
		a = b;
	return (c < a ? c : a);
}

/* Damerau-Levenshtein distance, neighbours swapped counting once. */
static int
distance(struct span a, struct span b)
{
	int d[3][NEAR_MAX + 1];
	int *older = d[0], *old = d[1], *now = d[2], *t;

	if (a.n > NEAR_MAX || b.n > NEAR_MAX)
		return (INT_MAX);
	for (size_t j = 0; j <= b.n; j++)
		old[j] = (int)j;
	for (size_t i = 1; i <= a.n; i++) {
		now[0] = (int)i;
		for (size_t j = 1; j <= b.n; j++) {
			int cost = a.p[i - 1] != b.p[j - 1];

			now[j] = min3(now[j - 1] + 1, old[j] + 1,
			    old[j - 1] + cost);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] &&
			    older[j - 2] + 1 < now[j])
				now[j] = older[j - 2] + 1;
		}
		t = older;
		older = old;
		old = now;
		now = t;
	}
	return (old[b.n]);
}

struct nearest {
	struct span word;
	const char *best;
	int score;
};

static void
offer(struct nearest *n, const char *name)
{
	int lengths = (int)n->word.n - (int)strlen(name), d;

	if (lengths >= n->score || -lengths >= n->score)
		return;
	d = distance(n->word, span_str(name));
	if (d < n->score) {
		n->score = d;
		n->best = name;
	}
}

static struct nearest
nearest_start(struct span word)
{
	struct nearest n = { .word = word };

	/* At most a third of its letters, but one for the shortest. */
	n.score = (int)(word.n + 2) / 3 + 1;
	if (word.n < 2)
		n.score = 0;
	return (n);
}

const char *
kw_nearest(struct span word, const char *const *names, size_t n)
{
	struct nearest near = nearest_start(word);

	for (size_t i = 0; i < n; i++)
		offer(&near, names[i]);
	return (near.best);
}

/* The words that follow, as far as a name may go: "option htpchk". */
static struct span
first_words(const struct conf_line *l, int n, struct text *t)
{
	text_clear(t);
	for (int i = 0; i < n && l->at + i < l->n; i++) {
		if (i > 0)
			text_addc(t, ' ');
		text_add(t, l->word[l->at + i].text);
	}
	return (text_span(t));
}

static const char *
find_near(const struct conf_line *l, unsigned in)
{
	const struct kw *const *k;
	const struct kw_section *const *s;
	struct nearest near;
	struct text t;

	text_init(&t);
	near = nearest_start(l->word[l->at].text);
	for (k = __start_kw_conf; k < __stop_kw_conf; k++) {
		const char *space = strchr((*k)->name, ' ');

		if (((*k)->in & in) == 0 || ((*k)->flags & KW_HIDDEN) != 0)
			continue;
		if (space == NULL) {
			near.word = l->word[l->at].text;
			offer(&near, (*k)->name);
			continue;
		}
		near.word = first_words(l, strchr(space + 1, ' ') ? 3 : 2, &t);
		if (near.word.n > 4)
			offer(&near, (*k)->name);
	}
	near.word = l->word[l->at].text;
	if ((in & (KW_BIND | KW_SERVER)) == 0)
		for (s = __start_kw_sections; s < __stop_kw_sections; s++)
			offer(&near, (*s)->name);
	text_fini(&t);
	return (near.best);
}

/* A row of that name which belongs elsewhere, or NULL; in a proxy rather one of
 * other proxies. */
static const struct kw *
find_elsewhere(const struct conf_line *l, unsigned not_in)
{
	const unsigned proxies = KW_DEFAULTS | KW_FRONTEND | KW_BACKEND;
	unsigned all = ~not_in;
	const struct kw *kw;
	int n;

	if ((not_in & proxies) != 0 &&
	    (kw = kw_find(l, proxies & ~not_in, &n)) != NULL)
		return (kw);

	if ((not_in & IN_LINES) == 0)
		all &= ~IN_LINES;
	/* Words of load lines are those of others, which are better known. */
	kw = kw_find(l, all & ~(unsigned)KW_CRT_LOAD, &n);
	return (kw != NULL ? kw : kw_find(l, all, &n));
}

static const struct { unsigned bit; const char *name; } places[] = {
	{ KW_GLOBAL, "global" }, { KW_DEFAULTS, "defaults" },
	{ KW_FRONTEND, "frontend" }, { KW_BACKEND, "backend" },
	{ KW_LISTEN, "listen" }, { KW_USERLIST, "userlist" },
	{ KW_HTTP_ERRORS, "http-errors" }, { KW_PEERS, "peers" },
	{ KW_RESOLVERS, "resolvers" }, { KW_LOG_PROFILE, "log-profile" },
	{ KW_BIND, "bind" }, { KW_SERVER, "server" },
	{ KW_CRT_LIST, "crt-list" }, { KW_MAILERS, "mailers" },
	{ KW_CRT_STORE, "crt-store" }, { KW_CRT_LOAD, "crt-store load" },
};

static void
put_places(struct text *t, unsigned in)
{
	const char *sep = "";

	if ((in & (KW_FRONTEND | KW_BACKEND)) != 0)
		in |= KW_LISTEN;
	for (size_t i = 0; i < NELEM(places); i++) {
		if ((in & places[i].bit) == 0)
			continue;
		text_printf(t, "%s'%s'%s", sep, places[i].name,
		    (places[i].bit & IN_LINES) != 0 ? " lines" : "");
		sep = ", ";
	}
}

/* HAProxy lets a keyword of the other side pass with a warning, but for those
 * which define what a proxy is, or whom it lets in. */
static bool
wrong_side(struct conf_line *l, const struct kw *kw, unsigned in)
{
	const char *section = in & KW_FRONTEND ? "frontend" : "backend";
	const char *lacks = in & KW_FRONTEND ? "backend" : "frontend";
	const char *name = l->conf->state->name;
	const char *what = kw->name;

	if (strncmp(what, "option ", 7) == 0)
		what += 7;
	if ((kw->flags & KW_ONE_SIDE) != 0)
		return (conf_err(l, &l->word[l->at], "'%s' not allowed "
		    "because %s '%s' has no %s capability", what, section,
		    name, lacks));
	return (conf_warn(l, &l->word[l->at], "'%s' ignored because %s '%s' "
	    "has no %s capability", what, section, name, lacks));
}

static bool
say_elsewhere(struct conf_line *l, const struct kw *kw, unsigned in,
    const char *section)
{
	struct text t;

	if ((in == KW_FRONTEND && (kw->in & KW_BACKEND) != 0) ||
	    (in == KW_BACKEND && (kw->in & KW_FRONTEND) != 0))
		return (wrong_side(l, kw, in));
	text_init(&t);
	put_places(&t, kw->in);
	if (section != NULL)
		conf_err(l, &l->word[l->at], "'%s' not allowed in '%s' "
		    "section", kw->name, section);
	else
		conf_err(l, &l->word[l->at], "'%s' not allowed here",
		    kw->name);
	conf_err_hint(l, "'%s' is allowed in %s", kw->name, t.p);
	text_fini(&t);
	return (false);
}

static const char *
compat_kind(unsigned in)
{
	if ((in & (KW_GLOBAL | KW_PROXY)) == 0)
		for (size_t i = 0; i < NELEM(places); i++)
			if (in == places[i].bit)
				return (places[i].name);
	return ("cfg");
}

/* What the census says about the longest name that the words make. */
static bool
say_compat(struct conf_line *l, unsigned in)
{
	const char *kind = compat_kind(in), *status = NULL, *text = NULL;
	struct text t;
	struct span name = SPAN_NONE;

	if (kw_compat == NULL)
		return (false);
	text_init(&t);
	for (int n = 3; n > 0 && status == NULL; n--) {
		name = first_words(l, n, &t);
		status = kw_compat(kind, name, &text);
	}
	if (status != NULL) {
		conf_err(l, &l->word[l->at], "'%s' is not supported%s", t.p,
		    strcmp(status, "refused") == 0 ? "" : " yet");
		if (text != NULL)
			conf_err_hint(l, "%s", text);
	}
	text_fini(&t);
	return (status != NULL);
}

/* "option foo": the second word is the one in doubt. */
static bool
is_family(const struct conf_line *l, unsigned in)
{
	const struct kw *const *k;
	struct span w = l->word[l->at].text;

	for (k = __start_kw_conf; k < __stop_kw_conf; k++)
		if (((*k)->in & in) != 0 &&
		    span_begins(span_str((*k)->name), w) &&
		    (*k)->name[w.n] == ' ')
			return (true);
	return (false);
}

/* "'timeout' supports 'check', 'client' …": the second words of a family;
 * false when they are too many to be read. */
static bool
put_family(struct text *t, struct span first, unsigned in)
{
	const struct kw *const *k;
	const char *sep = "";
	int n = 0;

	text_printf(t, "'%.*s' supports ", SPAN_FMT(first));
	for (k = __start_kw_conf; k < __stop_kw_conf; k++) {
		if (((*k)->in & in) == 0 ||
		    !span_begins(span_str((*k)->name), first) ||
		    (*k)->name[first.n] != ' ')
			continue;
		text_printf(t, "%s'%s'", sep, (*k)->name + first.n + 1);
		sep = ", ";
		n++;
	}
	return (n <= FAMILY_MAX);
}

static const struct conf_word *
put_unknown(struct text *t, const struct conf_line *l, unsigned in)
{
	const struct conf_word *w = &l->word[l->at];
	const char *second = conf_left(l) > 1 ? w[1].text.p : "";

	if (in == 0 || !is_family(l, in)) {
		text_printf(t, "unknown keyword '%s'", w->text.p);
		return (w);
	}
	if (put_family(t, w->text, in)) {
		text_printf(t, " (got '%s')", second);
	} else {
		text_clear(t);
		if (second[0] == '\0')
			text_printf(t, "'%s' expects one more word",
			    w->text.p);
		else
			text_printf(t, "unknown %s '%s'", w->text.p, second);
	}
	return (conf_left(l) > 1 ? w + 1 : w);
}

static bool
say_unknown(struct conf_line *l, unsigned in, const char *section)
{
	const char *near = find_near(l, in);
	const struct conf_word *w;
	struct text t;

	text_init(&t);
	w = put_unknown(&t, l, in);
	if (in == 0)
		text_addz(&t, " out of section");
	else if (section != NULL)
		text_printf(&t, " in '%s' section", section);
	if (near != NULL)
		text_printf(&t, "; did you mean '%s' maybe ?", near);
	conf_err(l, w, "%s", t.p);
	text_fini(&t);
	return (false);
}

bool
kw_unknown(struct conf_line *l, unsigned in, const char *section)
{
	const struct kw *kw;

	if (in != 0 && (kw = find_elsewhere(l, in)) != NULL)
		return (say_elsewhere(l, kw, in, section));
	if (in != 0 && say_compat(l, in))
		return (false);
	return (say_unknown(l, in, section));
}

void
kw_no_refused(struct conf_line *l)
{
	const struct kw *const *k;
	struct text t;
	bool option = false;

	text_init(&t);
	for (k = __start_kw_conf; k < __stop_kw_conf; k++) {
		if (((*k)->flags & KW_NO) == 0 ||
		    ((*k)->in & (KW_BIND | KW_SERVER)) != 0)
			continue;
		if (strncmp((*k)->name, "option ", 7) == 0)
			option = true;
		else
			text_printf(&t, ", %s", (*k)->name);
	}
	conf_err(l, &l->word[0], "negation/default currently supported only "
	    "for %s%s", option ? "options" : "",
	    t.p == NULL ? "" : t.p + (option ? 0 : 2));
	text_fini(&t);
}
