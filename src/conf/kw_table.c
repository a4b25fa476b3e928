/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kw_table - keyword rows, sections and checks of all rooms, collected from
 * their linker sections and found by name.
 *
 * Rows hang in a hash by their first word, those with more words first, so
 * that "option httpchk" is met before "option".
 */
#include "conf_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>

extern const struct kw *const __start_kw_conf[] __attribute__((weak));
extern const struct kw *const __stop_kw_conf[] __attribute__((weak));
extern const struct kw_section *const __start_kw_sections[]
    __attribute__((weak));
extern const struct kw_section *const __stop_kw_sections[]
    __attribute__((weak));
extern const struct kw_check *const __start_kw_checks[]
    __attribute__((weak));
extern const struct kw_check *const __stop_kw_checks[] __attribute__((weak));

#define BUCKETS 512u            /* about one row each */
#define WORDS_MAX 3

struct entry {
	const struct kw *kw;
	struct span word[WORDS_MAX];
	int n_words;
	struct entry *next;
};

static struct entry *table[BUCKETS];
static bool ready;

static unsigned
bucket_of(struct span word)
{
	unsigned h = 2166136261u;

	for (size_t i = 0; i < word.n; i++)
		h = (h ^ (uint8_t)word.p[i]) * 16777619u;
	return ((h ^ h >> 15) % BUCKETS);
}

static void
split_name(struct entry *e)
{
	struct span rest = span_str(e->kw->name), part;

	while (span_cut(&rest, ' ', &part)) {
		MUST(e->n_words < WORDS_MAX);
		e->word[e->n_words++] = part;
	}
}

static void
refuse_double(const struct entry *a, const struct entry *b)
{
	if ((a->kw->in & b->kw->in) == 0 ||
	    strcmp(a->kw->name, b->kw->name) != 0)
		return;
	fprintf(stderr, "keyword '%s' has two rows\n", a->kw->name);
	MUST(a->kw == b->kw);
}

static void
insert(struct entry *e)
{
	struct entry **at = &table[bucket_of(e->word[0])];

	for (struct entry *o = *at; o != NULL; o = o->next)
		refuse_double(e, o);
	while (*at != NULL && (*at)->n_words >= e->n_words)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
}

void
kw_init(void)
{
	struct entry *e;
	size_t n = (size_t)(__stop_kw_conf - __start_kw_conf);

	if (ready || n == 0)
		return;
	ready = true;
	e = must_alloc(n * sizeof *e);
	for (size_t i = 0; i < n; i++) {
		e[i].kw = __start_kw_conf[i];
		split_name(&e[i]);
		insert(&e[i]);
	}
}

const struct kw_section *
kw_section_find(struct span name)
{
	const struct kw_section *const *s;
	static bool begins[256];        /* the name of one */

	if (!begins['g'])
		for (s = __start_kw_sections; s < __stop_kw_sections; s++)
			begins[(uint8_t)(*s)->name[0]] = true;
	if (name.n == 0 || !begins[(uint8_t)name.p[0]])
		return (NULL);
	for (s = __start_kw_sections; s < __stop_kw_sections; s++)
		if ( (*s)->name[0] == name.p[0] &&
		    span_is(name, (*s)->name))
			return (*s);
	return (NULL);
}

/* The word, without what is in parentheses behind it. */
static struct span
bare(struct span w)
{
	ptrdiff_t open = span_find(w, '(');

	return (open < 0 ? w : span_of(w.p, (size_t)open));
}

static bool
matches(const struct entry *e, const struct conf_line *l)
{
	if (conf_left(l) < e->n_words)
		return (false);
	for (int i = 0; i < e->n_words; i++) {
		struct span w = l->word[l->at + i].text;
		bool last = i == e->n_words - 1;

		if (!span_eq(e->word[i], e->kw->flags & KW_PAREN && last ?
		    bare(w) : w))
			return (false);
	}
	return (true);
}

const struct kw *
kw_find(const struct conf_line *l, unsigned in, int *n_words)
{
	struct entry *e;

	kw_init();
	if (conf_left(l) == 0)
		return (NULL);
	e = table[bucket_of(bare(l->word[l->at].text))];
	for (; e != NULL; e = e->next) {
		if ((e->kw->in & in) == 0 || !matches(e, l))
			continue;
		*n_words = e->n_words;
		return (e->kw);
	}
	return (NULL);
}

/* "no-backup" by the row "backup" when that one can be negated. */
static const struct kw *
find_negated(const struct conf_line *l, unsigned in)
{
	struct span w = l->word[l->at].text;
	struct entry *e;

	if (!span_begins(w, SPAN("no-")))
		return (NULL);
	w = span_skip(w, 3);
	for (e = table[bucket_of(w)]; e != NULL; e = e->next)
		if ((e->kw->in & in) != 0 && (e->kw->flags & KW_NO) != 0 &&
		    e->n_words == 1 && span_eq(e->word[0], w))
			return (e->kw);
	return (NULL);
}

static bool
is_allowed(struct conf_line *l, const struct kw *kw)
{
	if (l->conf->live == NULL || l->conf->live(kw))
		return (true);
	return (conf_err(l, &l->word[l->at - 1], "'%s' option is not accepted "
	    "for dynamic server", l->word[l->at - 1].text.p));
}

bool
kw_words(struct conf_line *l, unsigned in, void *obj)
{
	const struct kw *line_kw = l->kw, *kw;
	bool good = true, line_no = l->no;
	int n;

	while (l->n > l->at && l->word[l->n - 1].text.n == 0)
		l->n--;
	while (good && l->at < l->n) {
		l->no = false;
		if ((kw = kw_find(l, in, &n)) != NULL)
			l->at += n;
		else if ((kw = find_negated(l, in)) != NULL) {
			l->no = true;
			l->at++;
		} else {
			good = kw_unknown(l, in, NULL);
			break;
		}
		l->kw = kw;
		good = is_allowed(l, kw) && kw->parse(l, obj);
	}
	l->kw = line_kw;
	l->no = line_no;
	return (good);
}

/* ---- checks at the end ---- */

static int
by_rank(const void *a, const void *b)
{
	const struct kw_check *ca = *(const struct kw_check *const *)a;
	const struct kw_check *cb = *(const struct kw_check *const *)b;

	return ((ca->rank > cb->rank) - (ca->rank < cb->rank));
}

bool
kw_run_checks(struct conf *c)
{
	size_t n = (size_t)(__stop_kw_checks - __start_kw_checks);
	const struct kw_check **sorted;
	bool good = true;

	if (n == 0)
		return (true);
	sorted = must_alloc(n * sizeof *sorted);
	memcpy(sorted, __start_kw_checks, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_rank);
	for (size_t i = 0; i < n; i++)
		if (!sorted[i]->run(c))
			good = false;
	free(sorted);
	return (good);
}
