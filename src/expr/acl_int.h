/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_ACL_INT_H
#define EXPR_ACL_INT_H
/*
 * acl_int - compiled ACLs and conditions, for those who evaluate them and
 * those who look for what many of them have in common.
 */
#include "pat_int.h"

struct acl_term {               /* one "acl" line */
	struct acl_term *next;
	const struct expr *expr;
	uint8_t match;                  /* enum acl_match */
	struct acl_pats {               /* words of the line, files */
		struct acl_pats *next;
		struct pat_use *use;
	} *pats;
};

struct acl {
	struct acl *next;
	struct span name;
	struct acl_term *terms, **tail;
};

/* acl_note_raw - a condition of that proxy uses this ACL: warn at the end when
 * it looks at bytes that there are not, as the proxy speaks HTTP. */
void acl_note_raw(struct conf_line *, const struct conf_word *,
    const struct px *, const struct acl *);

struct cond_test {
	const struct acl *acl;
	bool negate;
	bool last;                      /* of a group joined by "and" */
};

struct cond {
	bool unless;
	bool waits;                     /* some test may want more input */
	uint16_t n;
	unsigned stages;
	struct cond_test *test;
};
#endif
