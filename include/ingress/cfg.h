/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_CFG_H
#define INGRESS_CFG_H
/*
 * cfg - the configuration as a tree of sections, lines and typed words.
 *
 * A word is made by what it is, never by how it is written: words of the
 * language are literals of ours, all else passes a constructor that knows what
 * may be in it. Only ing_write.c makes bytes of them, so that the lexer of the
 * proxy reads back exactly these words.
 *
 * What a constructor can't accept (a line end, a NUL) is not written: an empty
 * word stands for it, and ing_cfg_bad() tells. Nobody should come so far, as
 * the model and the annotations refuse it at the door.
 */
#include <base/arena.h>
#include <base/span.h>
#include <base/text.h>

enum ing_word_kind {
	ING_W_KEY,              /* a literal of ours, written as it is */
	ING_W_TEXT              /* any text, quoted as needed */
};

struct ing_word {
	enum ing_word_kind kind;
	struct span s;
	struct ing_word *next;
};

struct ing_line {
	struct ing_word *first, **last;
	struct ing_line *next;
};

struct ing_section {
	struct ing_line *lines, **last;         /* the first is its head */
	struct ing_section *next;
};

struct ing_cfg {
	struct arena words;                     /* all of the tree */
	struct arena *mem;                      /* of bad_what */
	bool follows;                           /* a section was written */
	struct ing_section *sections, **last;
	struct ing_section *section;            /* where lines go */
	struct ing_line *line;                  /* where words go */
	struct text fmt;                        /* a log-format being made */
	unsigned bad;
	const char *bad_what;                   /* of the first */
};

void ing_cfg_init(struct ing_cfg *, struct arena *);
void ing_cfg_fini(struct ing_cfg *);

/* ing_section - begin one; `name` may be empty. */
#define ing_section(c, kind, name)  ing_cfg_section((c), "" kind, (name))
void ing_cfg_section(struct ing_cfg *, const char *kind, struct span name);

/* ing_line - begin a line with words of the language, cut at blanks. They are
 * literals: the macro takes nothing else. */
#define ing_line(c, words)  ing_cfg_line((c), "" words)
void ing_cfg_line(struct ing_cfg *, const char *words);

/* ing_keys - more of them on the same line. */
#define ing_keys(c, words)  ing_cfg_keys((c), "" words)
void ing_cfg_keys(struct ing_cfg *, const char *words);

/* A name of ours: letters, digits, "_.:-"; anything else is bad. */
void ing_cfg_name(struct ing_cfg *, struct span);
void ing_cfg_num(struct ing_cfg *, int64_t);
void ing_cfg_ms(struct ing_cfg *, int64_t ms);

/* Any text but control characters. Where the language gives a meaning to what
 * is in a word (a log-format, a pattern), use those below. */
void ing_cfg_text(struct ing_cfg *, struct span);

/* A pattern of an ACL, with "--" before it, so that it is no flag. A lone "}"
 * would end the condition: bad. */
void ing_cfg_pattern(struct ing_cfg *, struct span);

/* Address and port; a v6 address in brackets. Checked: both are numbers. */
void ing_cfg_addr(struct ing_cfg *, const char *ip, int64_t port);

/* Where to listen: all addresses when `ip` is NULL. */
void ing_cfg_bind(struct ing_cfg *, const char *ip, int64_t port);

/* A DNS name and a port. */
void ing_cfg_host(struct ing_cfg *, const char *name, int64_t port);

/* A path of a file of ours: letters, digits, "_.:/-", relative, no "..". */
void ing_cfg_file(struct ing_cfg *, const char *path);

/*
 * A log-format word of pieces: expressions are literals of ours, as in
 * ing_fmt(c, "%[src]"); texts are written so that they mean themselves.
 */
void ing_cfg_fmt_begin(struct ing_cfg *);
#define ing_fmt(c, piece)  ing_cfg_fmt_expr((c), "" piece)
void ing_cfg_fmt_expr(struct ing_cfg *, const char *);
void ing_cfg_fmt_text(struct ing_cfg *, struct span);
/* An argument of an expression: a token of letters, digits, '-', '_', '.'. */
void ing_cfg_fmt_name(struct ing_cfg *, struct span);
void ing_cfg_fmt_num(struct ing_cfg *, int64_t);
void ing_cfg_fmt_end(struct ing_cfg *);

/* ing_cfg_bad - how many words were not accepted, and about the first. */
unsigned ing_cfg_bad(const struct ing_cfg *, const char **what);

/* ing_cfg_write - what there is so far, as bytes. The tree is empty then: a
 * large one is best written in pieces, while each is in the caches. */
void ing_cfg_write(struct ing_cfg *, struct text *out);

/* ing_line_write - one line without its end; for hashes and comparisons. */
void ing_line_write(const struct ing_line *, struct text *out);

/*
 * ing_map_write - one line of a map file: neither word may hold blanks or
 * control characters, nor the key begin with '#'. False: not written.
 */
bool ing_map_write(struct text *out, struct span key, struct span value);
#endif
