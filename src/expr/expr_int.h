/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_INT_H
#define EXPR_INT_H
/*
 * expr_int - what the files of this room share: compiled expressions, their
 * arguments, pattern sets.
 */
#include <expr/expr.h>

/*
 * A compiled expression is a chain: a fetch, or a converter of another
 * expression. Equal ones are one object, so "hdr(host)" and "hdr(host),lower"
 * share their first link.
 */
struct expr {
	const struct expr *from;        /* what `conv` converts; NULL: a fetch */
	const struct smp_fetch *fetch;
	const struct smp_conv *conv;
	const struct arg *arg;
	uint8_t type;                   /* enum smp_type of the result */
	bool fresh;                     /* differs from call to call */
	bool folded;                    /* `value` is the result */
	bool shared;                    /* used more than once: keep results */
	bool waits;                     /* more input may change it */
	bool each;                      /* each value of a list, for conditions */
	uint32_t slot;                  /* where, when shared */
	uint32_t stages;
	struct smp value;
	struct expr *next;              /* of the same hash */
	struct span key;                /* canonical text */
};

/* expr_fetch_of - what an expression begins with. */
static inline const struct smp_fetch *
expr_fetch_of(const struct expr *e)
{
	while (e->from != NULL)
		e = e->from;
	return (e->fetch);
}

/* ---- names (expr_kw.c) ---- */
const struct smp_fetch *expr_fetch_find(struct span name);
const struct smp_conv *expr_conv_find(struct span name);
const struct logvar *expr_logvar_find(struct span name);

/* expr_unknown - record that a fetch ("smp") or converter ("cnv") is not
 * known; returns false. */
bool expr_unknown(struct conf_line *, const struct conf_word *,
    const char *kind, struct span name);

/* ---- arguments (expr_arg.c) ---- */

#define EXPR_ARGS_MAX 12

/*
 * expr_args - parse "(a,b)" at the start of *rest by a row's grammar; *rest
 * moves behind it. `what` and `name` for messages: "fetch", "hdr".
 */
bool expr_args(struct conf_line *, const struct conf_word *,
    const char *grammar, const char *what, struct span name,
    struct span *rest, struct arg **out);

/* expr_resolve - find the proxies, servers, tables and lists that arguments
 * name, once all are known; false after recording who is missing. */
bool expr_resolve(struct conf *);

/* expr_args_print - "(string[,integer])" for a grammar, as -dK shows it. */
void expr_args_print(struct text *, const char *grammar);

/* expr_sub - the part of a word that `part` is, for carets. */
struct conf_word expr_sub(const struct conf_word *, struct span part);

/* ---- parsing (expr_parse.c) ---- */

/*
 * expr_parse_rest - expr_parse() on the beginning of `*rest`, which moves
 * behind it; `acl` (or NULL) gets the suffix of a derived name ("beg"), or
 * NULL.
 */
struct expr *expr_parse_rest(struct conf_line *, const struct conf_word *,
    struct span *rest, const char **acl);

/* ---- match methods (acl_match.c) ---- */

enum acl_match { ACL_FOUND, ACL_BOOL, ACL_INT, ACL_IP, ACL_BIN, ACL_LEN,
	ACL_STR, ACL_BEG, ACL_SUB, ACL_DIR, ACL_DOM, ACL_END, ACL_REG,
	ACL_MATCH_N };

extern const char *const acl_match_names[ACL_MATCH_N];
#endif
