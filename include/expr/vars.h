/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_VARS_H
#define EXPR_VARS_H
/*
 * vars - variables: named samples that rules keep for later.
 *
 * A name becomes a number when the configuration is read, so that reading a
 * variable is an array access. Those of a stream live in its arena, those of
 * a session with the client connection. Those of the process are in memory
 * which all workers and the agent of a generation share, so that they are one
 * for all; a new generation begins with what its configuration says.
 *
 * Source: configuration manual 4.2 (set-var), 7.3.1 (set-var), 7.3.2 (var).
 */
#include <stdbool.h>
#include <stdint.h>

#include <expr/expr.h>

struct wire_in;
struct wire_out;

enum expr_scope {
	EXPR_SCOPE_PROC, EXPR_SCOPE_SESS, EXPR_SCOPE_TXN, EXPR_SCOPE_REQ,
	EXPR_SCOPE_RES, EXPR_SCOPE_CHECK, EXPR_SCOPE_N
};

struct expr_var;                        /* a name */
struct expr_vars;                       /* values of a stream or session */

/* When a variable is set: all that are named must hold. */
enum expr_var_when {
	EXPR_VAR_IFEXISTS = 1, EXPR_VAR_IFNOTEXISTS = 2,
	EXPR_VAR_IFEMPTY = 4, EXPR_VAR_IFNOTEMPTY = 8,
	EXPR_VAR_IFSET = 16, EXPR_VAR_IFNOTSET = 32,
	EXPR_VAR_IFGT = 64, EXPR_VAR_IFLT = 128
};

/* expr_var_named - the variable "scope.name"; lives as long as the process.
 * NULL with *err, a sentence. */
struct expr_var *expr_var_named(struct span name, const char **err);
enum expr_scope expr_var_scope(const struct expr_var *);

/* expr_var_word - "name,cond,…", what is between the parentheses of set-var();
 * `when` NULL: no conditions allowed. */
struct expr_var *expr_var_word(struct span text, unsigned *when,
    const char **err);

/* expr_var_get - false: it is not set, or its scope is not alive here. The
 * bytes of a text may be those of the variable: valid until it is set. */
bool expr_var_get(const struct expr_var *, struct txn *, struct smp *);

/* expr_var_set - keep a copy; false: nothing happened, as the scope is not alive
 * or a condition does not hold, or a limit forbids it (then it is unset). */
bool expr_var_set(const struct expr_var *, struct txn *, unsigned when,
    const struct smp *);
void expr_var_unset(const struct expr_var *, struct txn *);

/* expr_vars_end - the stream ends: its variables do not count any more. */
void expr_vars_end(struct txn *);

/* expr_vars_free - those of a session; NULL is fine. A void pointer, as this
 * is a callback of connections. */
void expr_vars_free(void *);

/*
 * expr_vars_put - write the values, of a stream or a session, as fields of
 * the record that `out` is in; NULL: nothing. expr_vars_get - read them back:
 * those of a stream into `arena`, those of a session when it is NULL. Names
 * that this configuration does not have are passed over.
 *
 * Returns false when it is malformed or memory is short: *vars is then what
 * it was.
 */
void expr_vars_put(struct wire_out *, const struct expr_vars *);
bool expr_vars_get(struct wire_in *, struct arena *arena,
    struct expr_vars **vars);

/* expr_vars_forget - all names are gone; for tests. */
void expr_vars_forget(void);
#endif
