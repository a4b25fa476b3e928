/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_VARS_INT_H
#define EXPR_VARS_INT_H
/*
 * vars_int - what the files about variables share: names, values, and the
 * places where the process keeps its own.
 */
#include <expr/vars.h>

struct var_slot;                        /* in shared memory */

struct expr_var {
	struct expr_var *next;          /* of all */
	struct span name;               /* with its scope: "txn.host" */
	uint8_t scope;                  /* enum expr_scope */
	uint32_t at;                    /* index into its struct expr_vars */
	struct var_slot *slot;          /* EXPR_SCOPE_PROC */
};

struct var_value {
	uint8_t type;                   /* enum smp_type; SMP_NONE: not set */
	uint8_t meth;
	bool exists;                    /* it was set once */
	uint32_t cap;                   /* bytes at str.p, ours */
	union {
		int64_t num;
		struct span str;
		struct addr addr;
	};
};

struct expr_vars {
	bool session;                   /* from the heap; else from an arena */
	uint32_t n;
	uint64_t bytes[EXPR_SCOPE_N];   /* kept by scope; when limits are set */
	struct var_value v[];
};

/* expr_var_first - all names, newest first. expr_var_at - the one of a value
 * of a stream or session, or NULL. */
struct expr_var *expr_var_first(void);
const struct expr_var *expr_var_at(bool session, uint32_t at);

/* expr_vars_new - no value set yet; `arena` NULL: of a session. */
struct expr_vars *expr_vars_new(struct arena *);

/* expr_var_keep - copy the sample into a value; false without memory. */
bool expr_var_keep(struct var_value *, struct arena *, const struct smp *);
void expr_var_show(const struct var_value *, struct smp *);

/* expr_var_allows - do the conditions hold? `was`: the value until now. */
bool expr_var_allows(unsigned when, const struct var_value *was,
    const struct smp *);

/* expr_var_bytes - what a value counts against the limits. */
uint64_t expr_var_bytes(uint8_t type, size_t text_bytes);

/* ---- vars_proc.c ---- */
struct var_slot *expr_slot_new(void);
bool expr_slot_get(struct var_slot *, struct arena *, struct smp *);
/* `room`: bytes that the limits leave it. */
bool expr_slot_set(struct var_slot *, unsigned when, uint64_t room,
    const struct smp *);
void expr_slot_unset(struct var_slot *);
uint64_t expr_slot_bytes(const struct var_slot *);

/* ---- vars.c ---- */
/* expr_vars_count - count what was read back against the limits. */
void expr_vars_count(struct expr_vars *);

/* The limits by scope, 0: none; the last is that of all together. */
extern uint64_t expr_vars_limit[EXPR_SCOPE_N + 1];
#define EXPR_LIMIT_ALL EXPR_SCOPE_N
extern bool expr_vars_limited;          /* there is one */
#endif
