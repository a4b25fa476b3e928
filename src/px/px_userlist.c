/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_userlist - userlist sections.
 *
 * Source: configuration manual, 3.4.
 */
#include "px_int.h"

#include <px/userlist.h>

#include <base/must.h>

static struct px_userlist *
list_find(struct span name)
{
	struct px_userlist *ul = px_model->userlists;

	while (ul != NULL && !span_is(name, ul->name))
		ul = ul->next;
	return (ul);
}

const struct px_userlist *
px_userlist_find(struct span name)
{
	return (list_find(name));
}

const struct px_user *
px_user_find(const struct px_userlist *ul, struct span name)
{
	const struct px_user *u = ul->users;

	while (u != NULL && !span_is(name, u->name))
		u = u->next;
	return (u);
}

bool
px_user_is_in(const struct px_user *u, struct span group)
{
	for (const struct px_member *m = u->groups; m != NULL; m = m->next)
		if (span_is(group, m->name))
			return (true);
	return (false);
}

/* A second list of the same name is read and dropped. */
static void *
begin_userlist(struct conf_line *l)
{
	const struct conf_word *w = conf_peek(l);
	struct px_userlist *ul, *twin;
	struct span name;

	if (w == NULL) {
		conf_err(l, NULL, "'userlist' expects <name> as arguments");
		return (NULL);
	}
	if (conf_want_name(l, "a name", &name))
		conf_end(l);
	twin = list_find(name);
	if (twin != NULL)
		conf_warn(l, w, "ignoring duplicated userlist '%s'", name.p);
	ul = arena_zget(px_model->arena, sizeof *ul);
	ul->name = name.p;
	ul->pos = conf_pos(l, w);
	if (twin == NULL) {
		ul->next = px_model->userlists;
		px_model->userlists = ul;
	}
	return (ul);
}

/* "a,b,c" onto a list. */
static void
add_members(struct conf_line *l, struct px_member **to, struct span names)
{
	const struct conf_word *w = &l->word[l->at - 1];
	struct px_member *m;
	struct span name;

	while (span_cut(&names, ',', &name)) {
		if (name.n == 0)
			continue;
		m = arena_zget(px_model->arena, sizeof *m);
		m->name = px_text(name);
		m->pos = conf_pos(l, w);
		m->next = *to;
		*to = m;
	}
}

static bool
take_password(struct conf_line *l, struct px_user *u, bool hashed)
{
	struct span s;

	if (u->password != NULL)
		return (conf_err(l, &l->word[l->at - 1], "'user' : '%s' has "
		    "two passwords", u->name));
	if (!conf_want(l, "a password", &s))
		return (false);
	u->password = s.p;
	u->hashed = hashed;
	return (true);
}

static bool
parse_user(struct conf_line *l, void *obj)
{
	struct px_userlist *ul = obj;
	const struct conf_word *w = conf_peek(l);
	struct px_user *u;
	struct span s;

	if (!conf_want_name(l, "<name> as arguments", &s))
		return (false);
	if (px_user_find(ul, s) != NULL) {
		conf_warn(l, w, "ignoring duplicated user '%s' in userlist "
		    "'%s'", s.p, ul->name);
		return (true);
	}
	u = arena_zget(px_model->arena, sizeof *u);
	u->name = s.p;
	u->next = ul->users;
	ul->users = u;
	while ((w = conf_peek(l)) != NULL) {
		l->at++;
		if (span_is(w->text, "password")) {
			if (!take_password(l, u, true))
				return (false);
		} else if (span_is(w->text, "insecure-password")) {
			if (!take_password(l, u, false))
				return (false);
		} else if (span_is(w->text, "groups")) {
			if (!conf_want(l, "names of groups", &s))
				return (false);
			add_members(l, &u->groups, s);
		} else
			return (conf_err(l, w, "unknown user parameter '%s'; "
			    "there are 'password', 'insecure-password' and "
			    "'groups'", w->text.p));
	}
	return (true);
}

static bool
parse_group(struct conf_line *l, void *obj)
{
	struct px_userlist *ul = obj;
	const struct conf_word *w = conf_peek(l);
	struct px_group *g;
	struct span s;

	if (!conf_want_name(l, "<name> as arguments", &s))
		return (false);
	for (g = ul->groups; g != NULL; g = g->next) {
		if (span_is(s, g->name)) {
			conf_warn(l, w, "ignoring duplicated group '%s' in "
			    "userlist '%s'", s.p, ul->name);
			return (true);
		}
	}
	g = arena_zget(px_model->arena, sizeof *g);
	g->name = s.p;
	g->next = ul->groups;
	ul->groups = g;
	while ((w = conf_peek(l)) != NULL) {
		l->at++;
		if (!span_is(w->text, "users"))
			return (conf_err(l, w, "unknown group parameter "
			    "'%s'", w->text.p));
		if (!conf_want(l, "names of users", &s))
			return (false);
		add_members(l, &g->users, s);
	}
	return (true);
}

/* ---- both directions of membership, at the end ---- */

static struct px_group *
group_find(const struct px_userlist *ul, const char *name)
{
	struct px_group *g = ul->groups;

	while (g != NULL && strcmp(g->name, name) != 0)
		g = g->next;
	return (g);
}

static bool
join_users(struct conf *c, struct px_userlist *ul, const struct px_group *g)
{
	bool good = true;

	for (const struct px_member *m = g->users; m != NULL; m = m->next) {
		struct px_user *u = (struct px_user *)(uintptr_t)
		    px_user_find(ul, span_str(m->name));
		struct px_member *to;

		if (u == NULL) {
			good = conf_fail(c, DIAG_ALERT, m->pos, "userlist "
			    "'%s': no such user '%s' specified in group '%s'",
			    ul->name, m->name, g->name);
			continue;
		}
		if (px_user_is_in(u, span_str(g->name)))
			continue;
		to = arena_zget(px_model->arena, sizeof *to);
		to->name = g->name;
		to->next = u->groups;
		u->groups = to;
	}
	return (good);
}

static bool
join_groups(struct conf *c)
{
	bool good = true;

	for (struct px_userlist *ul = px_model->userlists; ul != NULL;
	    ul = ul->next) {
		for (struct px_user *u = ul->users; u != NULL; u = u->next)
			for (struct px_member *m = u->groups; m != NULL;
			    m = m->next)
				if (group_find(ul, m->name) == NULL)
					good = conf_fail(c, DIAG_ALERT,
					    m->pos, "userlist '%s': no such "
					    "group '%s' specified in user "
					    "'%s'", ul->name, m->name,
					    u->name);
		for (struct px_group *g = ul->groups; g != NULL; g = g->next)
			good &= join_users(c, ul, g);
	}
	return (good);
}

CONF_CHECK(px_userlists, 2, join_groups);

SECTION(userlist) = {
	.name = "userlist", .in = KW_USERLIST, .begin = begin_userlist,
	.args = "<name>",
	.doc = "Users, passwords and groups for authentication.",
};
KEYWORD(userlist_user) = {
	.name = "user", .in = KW_USERLIST, .args = "<name> "
	    "[password|insecure-password <password>] [groups <group>,...]",
	.parse = parse_user,
	.doc = "A user. `password` is as crypt(3) writes it, or "
	    "as in an htpasswd file (`$apr1$`, `{SHA}`), "
	    "`insecure-password` as it is typed.",
	.example = "user tiger insecure-password roar groups admin",
};
KEYWORD(userlist_group) = {
	.name = "group", .in = KW_USERLIST,
	.args = "<name> [users <user>,...]", .parse = parse_group,
	.doc = "A group of users of the same list.",
	.example = "group admin users tiger,scott",
};
