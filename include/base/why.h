/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_WHY_H
#define BASE_WHY_H
/*
 * why - the reasons of why.def, as an enum and as rows.
 */
#include <stdbool.h>

enum why {
#define WHY(name, cause, status, text) WHY_##name,
#include <base/why.def>
#undef WHY
	WHY_N
};

struct why_row {
	const char *name;       /* "SRV_REFUSED" */
	const char *text;
	short status;           /* HTTP status for the client, 0: none */
	char cause;             /* first letter of the termination state */
};

extern const struct why_row why_rows[WHY_N];

static inline const char *
why_text(enum why w)
{
	return (why_rows[w].text);
}
/* why_greeting - what came before the first byte of a protocol failed: there
 * is no session, and its line in the log is another one. */
static inline bool
why_greeting(enum why w)
{
	return (__builtin_expect(w != WHY_OK, 0) &&
	    ((w >= WHY_PROXY_BAD && w <= WHY_PROXY_SHORT) ||
	    (w >= WHY_PROXY_CLOSED && w <= WHY_CIP_PROTO) ||
	    (w >= WHY_TLS_CLOSED && w <= WHY_TLS_FAILED)));
}
#endif
