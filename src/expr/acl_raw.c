/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl_raw - conditions that look at bytes which nobody parses, in a proxy
 * that parses them all: there the samples have no value. That is said when the
 * whole configuration is known, since the line with the mode may come later.
 *
 * Source: configuration manual 7.3.5.
 */
#include "acl_int.h"

struct raw_use {
	struct raw_use *next;
	const struct px *px;
	const struct acl *acl;
	const char *fetch;
	struct diag_pos pos;
};
static struct raw_use *uses, **tail = &uses;

void
acl_note_raw(struct conf_line *l, const struct conf_word *w,
    const struct px *px, const struct acl *a)
{
	struct raw_use *u;

	for (const struct acl_term *t = a->terms; t != NULL; t = t->next) {
		if (!expr_fetch_of(t->expr)->raw)
			continue;
		u = arena_zget(l->conf->arena, sizeof *u);
		u->px = px;
		u->acl = a;
		u->fetch = expr_fetch_of(t->expr)->name;
		u->pos = conf_pos(l, w);
		*tail = u;
		tail = &u->next;
		return;
	}
}

static bool
check_raw(struct conf *c)
{
	for (struct raw_use *u = uses; u != NULL; u = u->next) {
		if (u->px->mode != PX_HTTP)
			continue;
		(void)conf_fail(c, DIAG_WARNING, u->pos, "%s%.*s%s uses '%s', "
		    "which has no value where HTTP is spoken",
		    u->acl->name.n == 0 ? "an anonymous acl" : "acl '",
		    SPAN_FMT(u->acl->name), u->acl->name.n == 0 ? "" : "'",
		    u->fetch);
	}
	uses = NULL;
	tail = &uses;
	return (true);
}
CONF_CHECK(acl_raw, 20, check_raw);
