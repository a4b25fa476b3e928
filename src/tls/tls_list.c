/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_list - crt-list files: a certificate per line, settings of its own in
 * brackets, and the names it is for.
 *
 *      <file> [\[<setting>...\]] [[!]<name>...]
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

static bool
parse_settings(struct conf_line *l, struct tls_line *line)
{
	struct tls_conf *conf = NULL;
	const struct kw *kw;
	int n;

	while (!conf_accept(l, "]")) {
		if (conf_left(l) == 0)
			return (conf_err(l, NULL, "expected ']' at the end of "
			    "the settings"));
		if ((kw = kw_find(l, KW_CRT_LIST, &n)) == NULL)
			return (kw_unknown(l, KW_CRT_LIST, NULL));
		l->at += n;
		if (conf == NULL)
			line->conf = conf = arena_zget(px_model->arena,
			    sizeof *conf);
		if (!tls_setting(l, kw->name, conf))
			return (false);
	}
	return (true);
}

static bool
parse_filters(struct conf_line *l, struct tls_line *line)
{
	int left = conf_left(l);

	if (left == 0)
		return (true);
	line->filters = arena_get(px_model->arena, (size_t)left *
	    sizeof *line->filters);
	for (; l->at < l->n; l->at++) {
		struct span s = l->word[l->at].text;
		char *p = (char *)(uintptr_t)s.p;

		if (span_is(s, "[") || span_is(s, "]"))
			return (conf_err(l, &l->word[l->at], "settings in "
			    "brackets belong behind the file's name"));
		for (size_t i = 0; i < s.n; i++)
			p[i] = span_lower(p[i]);
		line->filters[line->n_filters++] = s;
	}
	return (true);
}

static bool
parse_line(struct conf_line *l, struct tls_bind *b)
{
	const struct conf_word *w = conf_peek(l);
	struct tls_line *line = arena_zget(px_model->arena, sizeof *line);

	if (span_is(w->text, "["))
		return (conf_err(l, w, "expected the name of a certificate "
		    "file"));
	l->at++;
	line->pos = conf_pos(l, w);
	if (!cert_load(l, w, tls_path(l, tls_global()->crt_base, w->text),
	    false, &line->certs))
		return (false);
	if (conf_accept(l, "[") && !parse_settings(l, line))
		return (false);
	if (!parse_filters(l, line))
		return (false);
	tls_bind_add(b, line);
	return (true);
}

bool
tls_list_parse(struct conf_line *from, const char *path, struct span text,
    struct tls_bind *b)
{
	struct conf_word words[WORDS_MAX];
	struct conf_line l = { .conf = from->conf, .file = path,
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
			good &= parse_line(&l, b);
	}
	return (good);
}

bool
tls_list_load(struct conf_line *l, const struct conf_word *w,
    const char *path, struct tls_bind *b)
{
	struct tls_line **last = b->tail;
	bool good;
	size_t n;
	char *p = fd_read_file(path, LIST_MAX, &n);

	if (p == NULL)
		return (conf_err(l, w, "'%s' : unable to read '%s' : %s",
		    l->kw->name, path, strerror(errno)));
	/* Positions of lines are kept: the text stays. */
	good = tls_list_parse(l, arena_dup(px_model->arena, span_str(path)),
	    arena_span(px_model->arena, span_of(p, n)), b);
	free(p);
	if (good && last == b->tail && b->lines == NULL)
		return (conf_err(l, w, "'%s' : no certificate in '%s'",
		    l->kw->name, path));
	return (good);
}

#endif
