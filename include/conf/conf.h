/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONF_CONF_H
#define CONF_CONF_H
/*
 * conf - reads the configuration language: files, lines, words, conditional
 * blocks, sections. It knows how to read a line and no room's words: these
 * come from keyword rows (conf/kw.h) of the rooms.
 *
 * Source: configuration manual, chapters 2.1 to 2.5.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/diag.h>
#include <base/span.h>

struct kw;

struct conf_word {
	struct span text;       /* unquoted, expanded, NUL-terminated, lives as
	                         * long as the configuration */
	int col;                /* of its first character in the source line */
	int width;
};

/* One configuration being loaded. */
struct conf {
	struct arena *arena;            /* lives with the generation */
	struct diags *diags;
	bool check_only;                /* -c */
	bool zero_warning;              /* -dW */
	bool diagnostics;               /* -dD */
	/* while the process runs: which words a line may have, others are
	 * refused; NULL: at start, all may */
	bool (*live)(const struct kw *);
	struct conf_section_state *state;       /* private to the room */
};

/* The line under the reader's eye. */
struct conf_line {
	struct conf *conf;
	const char *file;
	int line;
	struct span source;             /* raw text, without the newline */
	const struct conf_word *word;
	int n;                          /* words */
	int at;                         /* next word to consume */
	bool no;                        /* began with "no" */
	bool reset;                     /* began with "default" (option) */
	const struct kw *kw;            /* the row that matched */
	void *obj;                      /* the proxy, in sections of one; or
	                                 * NULL */
	const char *subject;            /* "default-server", for messages; or
	                                 * NULL */
	const char *subject_of[2];      /* names behind it, "app/web1"; or NULL */
};

/*
 * conf_load - read files and directories (-f, in order) and run the checks
 * that rooms registered for the end.
 *
 * Everything found wrong goes to conf->diags; reading goes on after errors.
 * Returns true when the result may run.
 */
struct conf_source {
	const char *path;               /* file or directory */
};
bool conf_load(struct conf *, const struct conf_source *, size_t n);

/* conf_load_text - the same for a text in memory; `name` for messages. */
bool conf_load_text(struct conf *, const char *name, struct span text);

/* conf_path - apply default-path to a file name of the current file; the
 * result is in the arena. */
const char *conf_path(struct conf_line *, struct span name);

/* conf_env_expand - $NAME and ${NAME} replaced by environment variables, as
 * addresses have it also outside of double quotes. */
struct span conf_env_expand(struct arena *, struct span);

/* conf_eval - evaluate a condition as `.if` and -cc do.
 * Returns 1 true, 0 false, -1 syntax error (*err, *err_col). */
int conf_eval(struct span cond, const char **err, int *err_col);

/* ---- words of a line, for the parse functions of rows ----
 *
 * Each returns false after it has recorded the error.
 */

/* conf_left - words not consumed yet. */
static inline int
conf_left(const struct conf_line *l)
{
	return (l->n - l->at);
}

/* conf_peek - the next word, or NULL at the end. */
static inline const struct conf_word *
conf_peek(const struct conf_line *l)
{
	return (l->at < l->n ? &l->word[l->at] : NULL);
}

static inline bool
conf_next_is(const struct conf_line *l, const char *word)
{
	return (l->at < l->n && span_is(l->word[l->at].text, word));
}

/* conf_accept - consume the next word when it is `word`. */
bool conf_accept(struct conf_line *, const char *word);

/* conf_want - consume a word; an error says that <what> was expected. */
bool conf_want(struct conf_line *, const char *what, struct span *out);

/* conf_want_int - an integer lo..hi. */
bool conf_want_int(struct conf_line *, const char *what, int64_t lo,
    int64_t hi, int64_t *out);

/* conf_want_time - a duration; `unit` when it has none ("ms", "s"). The
 * result is in milliseconds, rounded up. */
bool conf_want_time(struct conf_line *, const char *what, const char *unit,
    int64_t *out_ms);

/* conf_want_size - bytes, with k m g. */
bool conf_want_size(struct conf_line *, const char *what, uint64_t *out);

/* conf_want_name - a proxy, server, ACL… name: A-Z a-z 0-9 - _ . : only. */
bool conf_want_name(struct conf_line *, const char *what, struct span *out);

/* conf_want_ip - an IP address for `word`, or a name that has one now; with a
 * port where `port` says so, else without or with one, never with several. */
struct addr;
bool conf_want_ip(struct conf_line *, const char *word, bool port,
    struct addr *out);

/* conf_end - an error when words are left over. */
bool conf_end(struct conf_line *);

/*
 * conf_err, conf_warn - record about a word (NULL: the whole line). Both
 * return false, so that `return (conf_err(…));` reads well.
 * conf_err_hint attaches a hint to the last one recorded.
 */
bool conf_err(struct conf_line *, const struct conf_word *, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
bool conf_warn(struct conf_line *, const struct conf_word *, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
bool conf_diag(struct conf_line *, const struct conf_word *, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
void conf_err_hint(struct conf_line *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* conf_here - the line that is being read; file NULL when none is. For what is
 * made deep inside and wants to say later where it came from. */
extern struct diag_pos conf_here;

/* conf_pos - where the line is, to keep for messages at the end. */
struct diag_pos conf_pos(const struct conf_line *, const struct conf_word *);

/* conf_fail - an error or warning found by a check at the end. */
bool conf_fail(struct conf *, enum diag_level, struct diag_pos,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* conf_split - words of a text as the language splits a line (for tests, the
 * CLI and http-errors); into the arena. -1 with *err on a syntax error. */
int conf_split(struct arena *, struct span text, struct conf_word **out,
    const char **err, int *err_col);
#endif
