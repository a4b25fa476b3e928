/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONF_CONF_INT_H
#define CONF_CONF_INT_H
/*
 * conf_int - what the files of the room share: the lexer, the state of a
 * load, and how a keyword table is searched.
 */
#include <conf/conf.h>
#include <conf/kw.h>

/* ---- lexer ---- */

struct conf_lex_word {
	size_t off, n;          /* in `out` */
	int col, width;         /* in the source line, col from 1 */
};

struct conf_lex {
	struct text out;        /* unquoted words, each followed by a NUL */
	struct conf_lex_word *word;
	int n, cap;
	const char *err;        /* what is wrong, NULL: nothing */
	int err_col;
	/* pseudo-variables */
	const char *file;
	int line;
	const char *section;
};

void conf_lex_init(struct conf_lex *);
void conf_lex_fini(struct conf_lex *);

/* conf_lex_line - split a line without its newline; false with err set. */
bool conf_lex_line(struct conf_lex *, struct span line);

/* conf_lex_copy - copy the words' bytes into the arena and fill `w`, which has
 * room for lex->n. */
void conf_lex_copy(const struct conf_lex *, struct arena *,
    struct conf_word *w);

/* ---- the load ---- */

#define CONF_IF_MAX 64

enum conf_if {                  /* state of one .if level */
	CONF_IF_TAKE,           /* lines are read */
	CONF_IF_SKIP,           /* not yet: an .elif or .else may be */
	CONF_IF_DONE,           /* one branch was read; or all is skipped */
};

struct conf_if_level {
	enum conf_if state;
	bool had_else;
	int line;               /* of the .if */
};

struct conf_file {
	const char *path;
	char *image;
	size_t n;
	size_t at;                      /* where line at_line begins */
	int at_line;
	struct conf_file *next;
};

enum conf_path_mode { CONF_PATH_CURRENT, CONF_PATH_CONFIG, CONF_PATH_PARENT,
	CONF_PATH_ORIGIN };

struct conf_section_state {
	struct conf_lex lex;
	struct conf_word *word;         /* of the current line, reused */
	int cap_word;
	struct conf_if_level ifs[CONF_IF_MAX];
	int n_if;
	const struct kw_section *section;
	void *obj;
	bool skip_section;              /* begin failed */
	const char *name;               /* for .SECTION */
	enum conf_path_mode path_mode;
	const char *path_origin;
	struct conf_file *files;
	struct diag *last;              /* for conf_err_hint */
};

/* conf_pre - a line whose first word begins with a dot, or is skipped by an
 * .if. Returns true when the line was consumed. */
bool conf_pre(struct conf_line *);
void conf_pre_end(struct conf_line *);

/* conf_env_parsing - define or remove the variables that exist while the
 * configuration is read. */
void conf_env_parsing(bool on);

/* ---- keyword table ---- */

void kw_init(void);
const struct kw_section *kw_section_find(struct span name);
void kw_no_refused(struct conf_line *);
bool kw_run_checks(struct conf *);
#endif
