/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_read - files, directories and lines: find the section, find the row,
 * call it; go on after errors.
 *
 * A file's image stays in memory while it is read, for carets and for checks
 * at the end; words that rows may keep are copied to the arena, whole lines
 * at a time.
 */
#include "conf_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/must.h>

#define FILE_MAX_BYTES ((size_t)1 << 30)

static struct conf_section_state *
state_new(void)
{
	struct conf_section_state *st = must_alloc(sizeof *st);

	kw_init();
	conf_lex_init(&st->lex);
	return (st);
}

static void
state_free(struct conf_section_state *st)
{
	struct conf_file *f;

	while ((f = st->files) != NULL) {
		st->files = f->next;
		free(f->image);
		free(f);
	}
	conf_lex_fini(&st->lex);
	free(st->word);
	free(st);
}

/* ---- sections ---- */

static void
section_end(struct conf *c)
{
	struct conf_section_state *st = c->state;

	if (st->section != NULL && st->section->end != NULL &&
	    !st->skip_section)
		st->section->end(c, st->obj);
	st->section = NULL;
	st->obj = NULL;
	st->skip_section = false;
	st->name = NULL;
}

static void
section_begin(struct conf_line *l, const struct kw_section *s)
{
	struct conf_section_state *st = l->conf->state;

	section_end(l->conf);
	st->section = s;
	st->name = l->n > 1 && l->word[1].text.n > 0 ? l->word[1].text.p :
	    s->name;
	l->at = 1;
	l->kw = NULL;
	st->obj = s->begin(l);
	st->skip_section = st->obj == NULL;
}

static unsigned
scope_of(const struct kw_section *s)
{
	unsigned in = s->in;

	if (in == KW_LISTEN)
		in |= KW_FRONTEND | KW_BACKEND;
	return (in);
}

/* "no option x", "default option x". */
static void
take_prefix(struct conf_line *l)
{
	struct span w = l->word[0].text;

	l->no = span_is(w, "no");
	l->reset = span_is(w, "default");
	if (l->no || l->reset)
		l->at = 1;
}

/* A section that we do not have: said once, its lines are passed over. */
static bool
foreign_section(struct conf_line *l)
{
	struct span w = l->word[0].text;
	const char *status = NULL, *text = NULL;

	if (kw_compat != NULL)
		status = kw_compat("section", w, &text);
	if (status == NULL)
		return (false);
	section_end(l->conf);
	l->conf->state->skip_section = true;
	conf_err(l, &l->word[0], "section '%s' is not supported%s", w.p,
	    strcmp(status, "refused") == 0 ? "" : " yet");
	if (text != NULL)
		conf_err_hint(l, "%s", text);
	return (true);
}

static void
run_row(struct conf_line *l)
{
	struct conf_section_state *st = l->conf->state;
	int n_words = 0;

	take_prefix(l);
	if (l->at == l->n) {
		kw_no_refused(l);
		return;
	}
	l->kw = kw_find(l, scope_of(st->section), &n_words);
	if (l->kw == NULL) {
		if (foreign_section(l))
			return;
		if (!l->no && !l->reset && st->section->line != NULL &&
		    st->section->line(l, st->obj))
			return;
		kw_unknown(l, scope_of(st->section), st->section->name);
		return;
	}
	if ((l->no || l->reset) && (l->kw->flags & KW_NO) == 0) {
		kw_no_refused(l);
		return;
	}
	l->at += n_words;
	l->obj = (l->kw->in & KW_PROXY) != 0 ? st->obj : NULL;
	l->kw->parse(l, st->obj);
}

static void
run_line(struct conf_line *l)
{
	struct conf_section_state *st = l->conf->state;
	const struct kw_section *s;

	if (conf_pre(l))
		return;
	s = kw_section_find(l->word[0].text);
	if (s != NULL) {
		section_begin(l, s);
		return;
	}
	if (st->section != NULL && !st->skip_section)
		run_row(l);
	else if (!foreign_section(l) && !st->skip_section)
		kw_unknown(l, 0, NULL);
}

/* ---- lines ---- */

static void
lex_error(struct conf_line *l)
{
	struct conf_lex *lex = &l->conf->state->lex;
	struct conf_word at = { .col = lex->err_col, .width = 1 };

	conf_err(l, &at, "%s at position %d", lex->err, lex->err_col);
}

struct diag_pos conf_here;

static void
read_line(struct conf_line *l)
{
	struct conf_section_state *st = l->conf->state;
	struct conf_lex *lex = &st->lex;

	lex->file = l->file;
	lex->line = l->line;
	lex->section = st->name;
	if (!conf_lex_line(lex, l->source)) {
		/* What an .if hides may be broken. */
		if (st->n_if == 0 ||
		    st->ifs[st->n_if - 1].state == CONF_IF_TAKE)
			lex_error(l);
		return;
	}
	if (lex->n == 0)
		return;
	if (st->cap_word < lex->n) {
		st->cap_word = lex->cap;
		st->word = must_realloc(st->word,
		    (size_t)st->cap_word * sizeof *st->word);
	}
	conf_lex_copy(lex, l->conf->arena, st->word);
	l->word = st->word;
	l->n = lex->n;
	conf_here = conf_pos(l, NULL);
	run_line(l);
	conf_here.file = NULL;
}

static void
read_text(struct conf *c, const char *path, struct span text)
{
	struct span rest = text, line;
	struct conf_line l = { .conf = c, .file = path };
	int no = 0;

	c->state->n_if = 0;
	while (rest.n > 0 && span_cut(&rest, '\n', &line)) {
		l = (struct conf_line){ .conf = c, .file = path,
		    .line = ++no, .source = line };
		if (rest.p == NULL) {
			struct conf_word at = { .col = (int)line.n + 1,
			    .width = 1 };

			conf_err(&l, &at, "Missing LF on last line, file "
			    "might have been truncated at position %zu",
			    line.n + 1);
		}
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (memchr(line.p, '\0', line.n) != NULL) {
			struct conf_word at = { .col = 1 + (int)((const char *)
			    memchr(line.p, '\0', line.n) - line.p) };

			conf_err(&l, &at, "NUL byte in the line, the file is "
			    "no text");
			continue;
		}
		read_line(&l);
	}
	l.n = 0;
	conf_pre_end(&l);
	section_end(c);
}

/* ---- files ---- */

/* Images are read plainly: a file that changes under us must not matter. */
static char *
slurp(const char *path, size_t *n)
{
	struct stat sb;
	size_t cap = 65536, got = 0;
	char *p = NULL;
	ssize_t r = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return (NULL);
	if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode) && sb.st_size >= 0 &&
	    (size_t)sb.st_size < FILE_MAX_BYTES)
		cap = (size_t)sb.st_size + 1;
	while (r > 0) {
		if (p == NULL || got == cap) {
			if (p != NULL)
				cap *= 2;
			if (cap > FILE_MAX_BYTES * 2) {
				errno = EFBIG;
				r = -1;
				break;
			}
			p = must_realloc(p, cap);
		}
		r = read(fd, p + got, cap - got);
		if (r < 0 && errno == EINTR)
			r = 1;
		else if (r > 0)
			got += (size_t)r;
	}
	if (r < 0) {
		int saved = errno;

		free(p);
		p = NULL;
		errno = saved;
	}
	close(fd);
	*n = got;
	return (p);
}

static bool
read_file(struct conf *c, const char *path)
{
	struct conf_file *f;
	size_t n = 0;
	char *image = slurp(path, &n);

	if (image == NULL)
		return (conf_fail(c, DIAG_ALERT, (struct diag_pos){ .file = NULL },
		    "Could not open configuration file %s : %s", path,
		    strerror(errno)));
	f = must_alloc(sizeof *f);
	f->path = arena_dup(c->arena, span_str(path));
	f->image = image;
	f->n = n;
	f->next = c->state->files;
	c->state->files = f;
	c->state->name = NULL;
	read_text(c, f->path, span_of(image, n));
	return (true);
}

static int
is_cfg(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return (e->d_name[0] != '.' && n > 4 &&
	    strcmp(e->d_name + n - 4, ".cfg") == 0);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return (strcmp((*a)->d_name, (*b)->d_name));
}

struct file_list {
	const char **path;
	size_t n;
};

static void
list_add(struct file_list *fl, const char *path)
{
	fl->path = must_realloc(fl->path, (fl->n + 1) * sizeof *fl->path);
	fl->path[fl->n++] = path;
}

static bool
list_dir(struct conf *c, struct file_list *fl, const char *dir)
{
	struct dirent **e;
	struct stat sb;
	const char *path;
	int n = scandir(dir, &e, is_cfg, by_name);

	if (n < 0)
		return (conf_fail(c, DIAG_ALERT, (struct diag_pos){ .file = NULL },
		    "Could not open configuration directory %s : %s", dir,
		    strerror(errno)));
	for (int i = 0; i < n; i++) {
		path = arena_printf(c->arena, "%s%s%s", dir,
		    dir[strlen(dir) - 1] == '/' ? "" : "/", e[i]->d_name);
		if (stat(path, &sb) == 0 && S_ISREG(sb.st_mode))
			list_add(fl, path);
		free(e[i]);
	}
	free(e);
	return (true);
}

static bool
list_sources(struct conf *c, const struct conf_source *src, size_t n,
    struct file_list *fl)
{
	struct stat sb;
	bool good = true;

	for (size_t i = 0; i < n; i++) {
		if (stat(src[i].path, &sb) != 0)
			good = conf_fail(c, DIAG_ALERT,
			    (struct diag_pos){ .file = NULL }, "Cannot open "
			    "configuration file/directory %s : %s",
			    src[i].path, strerror(errno));
		else if (S_ISDIR(sb.st_mode))
			good &= list_dir(c, fl, src[i].path);
		else
			list_add(fl, src[i].path);
	}
	return (good);
}

static void
set_cfgfiles(const struct file_list *fl)
{
	struct text t;

	text_init(&t);
	for (size_t i = 0; i < fl->n; i++)
		text_printf(&t, "%s%s", i > 0 ? ";" : "", fl->path[i]);
	setenv("HAPROXY_CFGFILES", t.p == NULL ? "" : t.p, 1);
	text_fini(&t);
}

bool
conf_load(struct conf *c, const struct conf_source *src, size_t n)
{
	struct file_list fl = { NULL, 0 };
	int before = c->diags->n[DIAG_ALERT];
	int cwd;

	c->state = state_new();
	list_sources(c, src, n, &fl);
	set_cfgfiles(&fl);
	conf_env_parsing(true);
	cwd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < fl.n; i++)
		read_file(c, fl.path[i]);
	if (cwd >= 0) {
		if (fchdir(cwd) != 0)
			conf_fail(c, DIAG_ALERT, (struct diag_pos){ .file = NULL },
			    "cannot return to the initial directory: %s",
			    strerror(errno));
		close(cwd);
	}
	free(fl.path);
	kw_run_checks(c);
	conf_env_parsing(false);
	state_free(c->state);
	c->state = NULL;
	return (c->diags->n[DIAG_ALERT] == before);
}

bool
conf_load_text(struct conf *c, const char *name, struct span text)
{
	int before = c->diags->n[DIAG_ALERT];
	struct conf_file *f = must_alloc(sizeof *f);

	c->state = state_new();
	f->path = arena_dup(c->arena, span_str(name));
	f->image = must_alloc(text.n + 1);
	if (text.n > 0)
		memcpy(f->image, text.p, text.n);
	f->n = text.n;
	c->state->files = f;
	conf_env_parsing(true);
	read_text(c, f->path, span_of(f->image, f->n));
	kw_run_checks(c);
	conf_env_parsing(false);
	state_free(c->state);
	c->state = NULL;
	return (c->diags->n[DIAG_ALERT] == before);
}
