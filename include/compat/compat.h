/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPAT_COMPAT_H
#define COMPAT_COMPAT_H
/*
 * compat - the census of HAProxy's names: what to say about one that the
 * program does not have. Data; see haproxy.def and legacy.def beside it.
 */
#include <base/span.h>

/* compat_init - answer for kw_compat. */
void compat_init(void);

/*
 * compat_find - "planned", "refused" or NULL for a name of `kind`: "cfg"
 * (section, global and proxies' keywords), "section", "bind", "server",
 * "act" (with or without its rule set in front), "acl", "smp", "cnv", "cli",
 * "mcli", "flt", "svc". *text is the reason, or NULL.
 */
const char *compat_find(const char *kind, struct span name,
    const char **text);
#endif
