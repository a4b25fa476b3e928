/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_list - crt-list files: a certificate per line, settings of its own in
 * brackets, and the names it is for.
 *
 *      <file> [\[<setting>...\]] [[!]<name>...]
 *
 * A list is read once, for all bind lines that name it, and keeps its rows, so
 * that the runtime API can show and change them. A directory is a list, too.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <os/fd.h>

#include "tls_list.h"

#define LIST_MAX (64u << 20)
#define WORDS_MAX 256

static bool
is_blank(char c)
{
	return (c == ' ' || c == '\t' || c == '\r');
}

/* Words of a line; a bracket stands alone, even without blanks around it. */
static int
split(struct span s, struct conf_word *w, int max)
{
	size_t i = 0;
	int n = 0;

	while (n < max) {
		size_t from;

		while (i < s.n && is_blank(s.p[i]))
			i++;
		if (i == s.n || s.p[i] == '#')
			return (n);
		from = i;
		if (s.p[i] == '[' || s.p[i] == ']')
			i++;
		else
			while (i < s.n && !is_blank(s.p[i]) && s.p[i] != '[' &&
			    s.p[i] != ']')
				i++;
		w[n++] = (struct conf_word){
			.text = arena_span(px_model->arena,
			    span_of(s.p + from, i - from)),
			.col = (int)from + 1, .width = (int)(i - from) };
	}
	return (-1);
}

/* Words of a line, as they were written. */
static const char *
words_of(const struct conf_line *l, int from, int to)
{
	struct text t;
	const char *all;

	text_init(&t);
	for (int i = from; i < to; i++)
		text_printf(&t, "%s%s", i == from ? "" : " ",
		    l->word[i].text.p);
	all = arena_dup(px_model->arena, text_span(&t));
	text_fini(&t);
	return (all);
}

static bool
parse_settings(struct conf_line *l, struct tls_row *row)
{
	struct tls_conf *conf = NULL;
	int from = l->at, n;
	const struct kw *kw;

	while (!conf_accept(l, "]")) {
		if (conf_left(l) == 0)
			return (conf_err(l, NULL, "expected ']' at the end of "
			    "the settings"));
		if ((kw = kw_find(l, KW_CRT_LIST, &n)) == NULL)
			return (kw_unknown(l, KW_CRT_LIST, NULL));
		l->at += n;
		if (conf == NULL)
			row->conf = conf = arena_zget(px_model->arena,
			    sizeof *conf);
		if (!tls_setting(l, kw->name, conf))
			return (false);
	}
	if (conf != NULL)
		row->settings = words_of(l, from, l->at - 1);
	return (true);
}

static bool
parse_filters(struct conf_line *l, struct tls_row *row)
{
	int left = conf_left(l);

	if (left == 0)
		return (true);
	row->filters = arena_get(px_model->arena, (size_t)left *
	    sizeof *row->filters);
	for (; l->at < l->n; l->at++) {
		struct span s = l->word[l->at].text;
		char *p = (char *)(uintptr_t)s.p;

		if (span_is(s, "[") || span_is(s, "]"))
			return (conf_err(l, &l->word[l->at], "settings in "
			    "brackets belong behind the file's name"));
		for (size_t i = 0; i < s.n; i++)
			p[i] = span_lower(p[i]);
		row->filters[row->n_filters++] = s;
	}
	return (true);
}

void
tls_list_append(struct tls_list *list, struct tls_row *row)
{
	*list->tail = row;
	list->tail = &row->next;
	if (row->line > list->last_line)
		list->last_line = row->line;
}

/* What a line says of a certificate, but for which one that is. */
static bool
parse_rest(struct conf_line *l, struct tls_row *row)
{
	return ((!conf_accept(l, "[") || parse_settings(l, row)) &&
	    parse_filters(l, row));
}

static bool
parse_line(struct conf_line *l, struct tls_list *list)
{
	const struct conf_word *w = conf_peek(l);
	struct tls_row said = { .line = (uint32_t)l->line,
		.pos = conf_pos(l, w) };
	struct cert_set certs = { .n = 0 };

	if (span_is(w->text, "["))
		return (conf_err(l, w, "expected the name of a certificate "
		    "file"));
	l->at++;
	if (!cert_load(l, w, tls_path(l, tls_global()->crt_base, w->text),
	    false, &certs) || !parse_rest(l, &said))
		return (false);
	for (uint32_t i = 0; i < certs.n; i++) {        /* of a bundle */
		struct tls_row *row = arena_get(px_model->arena, sizeof *row);

		*row = said;
		row->cert = certs.v[i];
		tls_list_append(list, row);
	}
	return (true);
}

bool
tls_list_parse(struct conf_line *from, struct tls_list *list,
    struct span text)
{
	struct conf_word words[WORDS_MAX];
	struct conf_line l = { .conf = from->conf, .file = list->path,
		.kw = from->kw };
	bool good = true;

	while (span_cut(&text, '\n', &l.source)) {
		l.line++;
		l.at = 0;
		l.word = words;
		l.n = split(l.source, words, WORDS_MAX);
		if (l.n < 0)
			good = conf_err(&l, NULL, "more than %d words in a "
			    "line", WORDS_MAX);
		else if (l.n > 0)
			good &= parse_line(&l, list);
	}
	return (good);
}

/* ---- all lists ---- */

static struct tls_list *lists;
static const struct px_model *of_model;         /* which these belong to */

struct tls_list *
tls_list_first(void)
{
	return (of_model == px_model ? lists : NULL);
}

struct tls_list *
tls_list_find(struct span path)
{
	struct tls_list *list = tls_list_first();

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	while (list != NULL && !span_is(path, list->path))
		list = list->next;
	return (list);
}

static struct tls_list *
list_new(const char *path)
{
	struct tls_list *list = arena_zget(px_model->arena, sizeof *list);
	struct span s = span_str(path);

	while (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	list->path = arena_dup(px_model->arena, s);
	list->tail = &list->rows;
	list->next = tls_list_first();
	lists = list;
	of_model = px_model;
	return (list);
}

static void
use_list(struct tls_list *list, struct tls_bind *b)
{
	struct tls_list_user *u = arena_zget(px_model->arena, sizeof *u);

	u->bind = b;
	u->next = list->users;
	list->users = u;
	for (const struct tls_row *row = list->rows; row != NULL;
	    row = row->next)
		tls_bind_add(b, row->cert, row->pos)->row = row;
}

bool
tls_list_load(struct conf_line *l, const struct conf_word *w,
    const char *path, struct tls_bind *b)
{
	struct tls_list *list = tls_list_find(span_str(path));
	bool good;
	size_t n;
	char *p;

	if (list != NULL) {
		use_list(list, b);
		return (true);
	}
	if ((p = fd_read_file(path, LIST_MAX, &n)) == NULL)
		return (conf_err(l, w, "'%s' : unable to read '%s' : %s",
		    l->kw->name, path, strerror(errno)));
	list = list_new(path);
	/* Positions of lines are kept: the text stays. */
	good = tls_list_parse(l, list, arena_span(px_model->arena,
	    span_of(p, n)));
	free(p);
	use_list(list, b);
	if (good && list->rows == NULL && b->lines == NULL)
		return (conf_err(l, w, "'%s' : no certificate in '%s'",
		    l->kw->name, path));
	return (good);
}

bool
tls_list_load_dir(struct conf_line *l, const struct conf_word *w,
    const char *path, struct tls_bind *b)
{
	struct tls_list *list = tls_list_find(span_str(path));
	struct cert_set certs = { .n = 0 };
	bool good = true;

	if (list == NULL) {
		list = list_new(path);
		list->dir = true;
		good = cert_load(l, w, list->path, true, &certs);
		for (uint32_t i = 0; i < certs.n; i++) {
			struct tls_row *row = arena_zget(px_model->arena,
			    sizeof *row);

			row->cert = certs.v[i];
			row->pos = conf_pos(l, w);
			tls_list_append(list, row);
		}
	}
	use_list(list, b);
	return (good);
}

/* ---- a row that comes at run time ---- */

/* The words of a payload, as far as they say which certificate. */
static bool
read_words(struct conf_line *l, struct span text, struct conf_word *words)
{
	ptrdiff_t end = span_find(text, '\n');

	if (end >= 0 && span_trim(span_skip(text, (size_t)end + 1)).n > 0)
		return (conf_err(l, NULL, "only one line of payload is "
		    "supported!"));
	l->source = end < 0 ? text : span_of(text.p, (size_t)end);
	l->word = words;
	l->n = split(l->source, words, WORDS_MAX);
	if (l->n < 0 || l->n > WORDS_MAX)
		return (conf_err(l, NULL, "more than %d words in a line",
		    WORDS_MAX));
	return (l->n > 0 || conf_err(l, NULL, "expected the name of a "
	    "certificate"));
}

/* As it was written, or below crt-base. */
static struct cert *
find_cert(struct span name)
{
	const char *base = tls_global()->crt_base;
	struct cert *c = cert_find(name);

	if (c == NULL && base != NULL && name.n > 0 && name.p[0] != '/')
		c = cert_find(span_str(arena_printf(px_model->arena, "%s/%.*s",
		    base, SPAN_FMT(name))));
	return (c);
}

/* What was read is in an arena that ends soon. */
static struct tls_row *
copy_row(const struct tls_row *said)
{
	size_t bytes = sizeof *said + said->n_filters * sizeof *said->filters;
	struct tls_row *row;
	char *at;

	for (uint32_t i = 0; i < said->n_filters; i++)
		bytes += said->filters[i].n;
	bytes += said->settings == NULL ? 0 : strlen(said->settings) + 1;
	row = must_alloc(bytes);
	*row = *said;
	row->filters = (struct span *)(void *)(row + 1);
	at = (char *)(row->filters + row->n_filters);
	for (uint32_t i = 0; i < row->n_filters; i++) {
		struct span f = said->filters[i];

		memcpy(at, f.p, f.n);
		row->filters[i] = span_of(at, f.n);
		at += f.n;
	}
	if (said->settings != NULL)
		row->settings = memcpy(at, said->settings,
		    strlen(said->settings) + 1);
	return (row);
}

struct tls_row *
tls_list_row(struct conf *conf, const struct tls_list *list, uint32_t line,
    struct span text)
{
	static const struct kw kw = { .name = "crt-list" };
	struct arena scratch, *was = px_model->arena;
	struct conf_word words[WORDS_MAX];
	struct conf_line l = { .conf = conf, .file = list->path, .kw = &kw,
		.line = (int)line };
	struct tls_row said = { .line = line, .live = true }, *row = NULL;

	arena_init(&scratch, 0);
	px_model->arena = &scratch;
	if (read_words(&l, text, words)) {
		struct span name = words[l.at++].text;

		if ((said.cert = find_cert(name)) == NULL)
			(void)conf_err(&l, NULL, "certificate '%.*s' does not "
			    "exist!", SPAN_FMT(name));
		else if (said.cert->leaf.p == NULL)
			(void)conf_err(&l, NULL, "certificate '%.*s' is "
			    "empty!", SPAN_FMT(name));
		else if (parse_rest(&l, &said))
			row = copy_row(&said);
	}
	px_model->arena = was;
	if (row != NULL && row->conf != NULL)
		row->conf = tls_conf_keep(row->conf);
	arena_reset(&scratch);
	return (row);
}

struct tls_row *
tls_list_row_no(const struct tls_list *list, uint32_t line)
{
	struct tls_row *row = list->rows;

	while (row != NULL && (!row->live || row->line != line))
		row = row->next;
	return (row);
}

void
tls_list_put_row(const struct tls_row *row, bool number, struct text *t)
{
	text_addz(t, row->cert->path);
	if (number)
		text_printf(t, ":%u", row->line);
	if (row->settings != NULL)
		text_printf(t, " [%s]", row->settings);
	for (uint32_t i = 0; i < row->n_filters; i++)
		text_printf(t, " %.*s", SPAN_FMT(row->filters[i]));
}

#endif
