/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_path - what relative file names are relative to (default-path).
 */
#include "conf_int.h"

#include <errno.h>
#include <sys/stat.h>

#include <base/must.h>

static struct span
dir_of(const char *path)
{
	ptrdiff_t slash = span_rfind(span_str(path), '/');

	if (slash < 0)
		return (SPAN("."));
	return (span_of(path, slash == 0 ? 1 : (size_t)slash));
}

const char *
conf_path(struct conf_line *l, struct span name)
{
	struct conf_section_state *st = l->conf->state;
	struct span dir;

	if (name.n == 0 || name.p[0] == '/' || name.p[0] == '@' || st == NULL)
		return (arena_dup(l->conf->arena, name));
	switch (st->path_mode) {
	case CONF_PATH_CONFIG:
		dir = dir_of(l->file);
		return (arena_printf(l->conf->arena, "%.*s/%.*s",
		    SPAN_FMT(dir), SPAN_FMT(name)));
	case CONF_PATH_PARENT:
		dir = dir_of(l->file);
		return (arena_printf(l->conf->arena, "%.*s/../%.*s",
		    SPAN_FMT(dir), SPAN_FMT(name)));
	case CONF_PATH_ORIGIN:
		return (arena_printf(l->conf->arena, "%s/%.*s",
		    st->path_origin, SPAN_FMT(name)));
	default:
		return (arena_dup(l->conf->arena, name));
	}
}

static const char modes[] = "'current', 'config', 'parent' and 'origin'";

static bool
parse_default_path(struct conf_line *l, void *obj)
{
	struct conf_section_state *st = l->conf->state;
	const struct conf_word *w = conf_peek(l);
	struct span mode, origin;
	struct stat sb;

	(void)obj;
	if (w == NULL)
		return (conf_err(l, NULL, "missing mode for 'default-path', "
		    "supported modes include %s", modes));
	if (!conf_want(l, modes, &mode))
		return (false);
	if (span_is(mode, "current"))
		st->path_mode = CONF_PATH_CURRENT;
	else if (span_is(mode, "config"))
		st->path_mode = CONF_PATH_CONFIG;
	else if (span_is(mode, "parent"))
		st->path_mode = CONF_PATH_PARENT;
	else if (span_is(mode, "origin")) {
		if (!conf_want(l, "a directory", &origin))
			return (false);
		errno = ENOTDIR;
		if (stat(origin.p, &sb) != 0 || !S_ISDIR(sb.st_mode))
			return (conf_err(l, &l->word[l->at - 1], "'%s' is "
			    "no directory: %s", origin.p, strerror(errno)));
		st->path_mode = CONF_PATH_ORIGIN;
		st->path_origin = arena_dup(l->conf->arena, origin);
	} else
		return (conf_err(l, w, "unsupported mode '%s' for "
		    "'default-path', supported modes include %s", mode.p,
		    modes));
	return (conf_end(l));
}

KEYWORD(default_path) = {
	.name = "default-path", .in = KW_GLOBAL,
	.args = "current|config|parent|origin <path>",
	.parse = parse_default_path,
	.doc = "What relative file names in the configuration are relative "
	    "to: the directory the program was started in (current), that of "
	    "the file being read (config), the one above it (parent), or "
	    "<path> (origin).",
	.example = "default-path config",
};
