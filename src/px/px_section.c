/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_section - global, defaults, frontend, backend and listen sections.
 */
#include "px_int.h"

#include <base/must.h>

static void *
begin_global(struct conf_line *l)
{
	conf_end(l);
	return (&px_model->global);
}

static const char *
title_of(const struct px *px)
{
	return (px->kind == (PX_FE | PX_BE) ? "proxy" : px->section);
}

bool
px_takes_rules(struct conf_line *l, const struct px *px)
{
	if ((px->kind & PX_DEFAULTS) == 0 ||
	    (px->name != NULL && *px->name != '\0'))
		return (true);
	conf_err(l, l->word, "'%.*s' is not allowed in an anonymous defaults "
	    "section", SPAN_FMT(l->word->text));
	conf_err_hint(l, "give the section a name, and use it by 'from'");
	return (false);
}

/* A name stands for one frontend and one backend at most. */
static void
check_name(struct conf_line *l, const struct conf_word *w, const char *section,
    unsigned kind)
{
	struct px *twin = px_find(px_model, w->text, kind);

	if (twin != NULL)
		conf_err(l, w, "%s '%s' has the same name as %s '%s' "
		    "declared at %s:%d", section, w->text.p, title_of(twin),
		    twin->name, twin->pos.file, twin->pos.line);
}

/* The defaults section of that name; *n says how many there are. */
static struct px *
find_defaults(struct span name, struct px **other)
{
	struct px *found = NULL;

	*other = NULL;
	for (struct px *d = px_model->defaults; d != NULL; d = d->next) {
		if (d->name == NULL || !span_is(name, d->name))
			continue;
		if (found != NULL) {
			*other = d;
			return (found);
		}
		found = d;
	}
	return (found);
}

/* "from NAME"; false after an error. */
static bool
take_from(struct conf_line *l, const char *what, const char *name,
    struct px **from)
{
	const struct conf_word *w;
	struct span s;
	struct px *other;

	if (!conf_accept(l, "from"))
		return (true);
	w = conf_peek(l);
	if (!conf_want(l, "the name of a defaults section after 'from'", &s))
		return (false);
	*from = find_defaults(s, &other);
	if (*from == NULL)
		return (conf_err(l, w, "defaults section '%s' not found for "
		    "%s '%s'", s.p, what, name));
	if (other != NULL)
		return (conf_err(l, w, "ambiguous defaults section name '%s' "
		    "referenced by %s '%s' exists at least at %s:%d and "
		    "%s:%d", s.p, what, name, other->pos.file,
		    other->pos.line, (*from)->pos.file, (*from)->pos.line));
	return (true);
}

static void *
begin_defaults(struct conf_line *l)
{
	const struct conf_word *first = l->word;
	struct px *from = NULL, *px;
	struct span name = SPAN_NONE;

	if (conf_left(l) > 0 && !conf_next_is(l, "from"))
		conf_want_name(l, "a name", &name);
	if (!take_from(l, "defaults", name.p == NULL ? "" : name.p, &from) ||
	    !conf_end(l))
		from = NULL;
	px = px_new(from, PX_DEFAULTS);
	px->name = name.p;
	px->section = "defaults";
	px->pos = conf_pos(l, first);
	px->next = px_model->defaults;
	px_model->defaults = px;
	px_model->defaults_now = px;
	return (px);
}

/* What follows the name: "from NAME" and nothing else. */
static void
take_rest(struct conf_line *l, const char *section, unsigned kind,
    const char *name, struct px **from)
{
	take_from(l, section, name, from);
	if (conf_left(l) == 0)
		return;
	conf_err(l, conf_peek(l), "unexpected argument '%s' after the name of "
	    "%s '%s'", conf_peek(l)->text.p, section, name);
	if ((kind & PX_FE) != 0)
		conf_err_hint(l, "please use the 'bind' keyword for listening "
		    "addresses");
}

/* A section whose name is missing or wrong is read all the same, so that what
 * is wrong inside is told in the same run. */
static void *
begin_proxy(struct conf_line *l, const char *section, unsigned kind)
{
	const struct conf_word *w = conf_peek(l);
	struct px *from = px_model->defaults_now, *px;
	struct span name = SPAN("");

	if (w == NULL) {
		conf_err(l, NULL, "'%s' expects an <id> argument", section);
		conf_err_hint(l, "%s <name> [ from <defaults> ]", section);
	} else {
		if (conf_want_name(l, "a name", &name))
			check_name(l, w, section, kind);
		take_rest(l, section, kind, name.p, &from);
	}
	px = px_new(from, kind);
	px->name = name.p;
	px->section = section;
	px->pos = conf_pos(l, NULL);
	px_add(px);
	return (px);
}

static void *
begin_frontend(struct conf_line *l)
{
	return (begin_proxy(l, "frontend", PX_FE));
}

static void *
begin_backend(struct conf_line *l)
{
	return (begin_proxy(l, "backend", PX_BE));
}

static void *
begin_listen(struct conf_line *l)
{
	return (begin_proxy(l, "listen", PX_FE | PX_BE));
}

SECTION(global) = {
	.name = "global", .in = KW_GLOBAL, .begin = begin_global, .args = "",
	.doc = "Settings of the program as a whole. May be repeated; stands "
	    "before the other sections.",
};
SECTION(defaults) = {
	.name = "defaults", .in = KW_DEFAULTS, .begin = begin_defaults,
	.args = "[<name>] [from <defaults>]",
	.doc = "What the proxies that follow start with. Each defaults "
	    "section begins anew, or as the one named after `from`. Proxies "
	    "take the last one before them unless they name another.",
};
SECTION(frontend) = {
	.name = "frontend", .in = KW_FRONTEND, .begin = begin_frontend,
	.args = "<name> [from <defaults>]",
	.doc = "Where clients arrive: addresses to listen on, rules, and the "
	    "choice of a backend.",
};
SECTION(backend) = {
	.name = "backend", .in = KW_BACKEND, .begin = begin_backend,
	.args = "<name> [from <defaults>]",
	.doc = "Servers, and how one of them is chosen.",
};
SECTION(listen) = {
	.name = "listen", .in = KW_LISTEN, .begin = begin_listen,
	.args = "<name> [from <defaults>]",
	.doc = "A frontend and a backend in one.",
};
