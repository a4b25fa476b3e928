/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_guid - names that one object has in the whole configuration, whatever its
 * kind, and keeps when it is renamed or moved: "guid" of proxies and servers,
 * "guid-prefix" of bind lines. A stats-file knows objects by them.
 *
 * Source: configuration manual 4.2 "guid", 5.1 "guid-prefix", 5.2 "guid".
 */
#include "px_int.h"

#include <ctype.h>
#include <string.h>

#include <base/must.h>

#define GUID_MAX 127

struct guid {                           /* who has it */
	const char *text;
	const char *of, *name;          /* "server", "web1" */
	struct diag_pos pos;
};

static bool
is_guid(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) &&
		    memchr(".:-_", s.p[i], 4) == NULL)
			return (false);
	return (s.n > 0 && s.n <= GUID_MAX);
}

static bool
claim(struct conf_line *l, const struct conf_word *w, const char *text,
    const char *of, const char *name)
{
	uint64_t hash = span_hash(span_str(text));
	struct guid *g;
	size_t at = 0;

	if (!is_guid(span_str(text)))
		return (conf_err(l, w, "'%s' is not a guid: 1 to %d letters, "
		    "digits and '.', ':', '-', '_'", text, GUID_MAX));
	while ((g = px_hash_next(px_model->guids, hash, &at)) != NULL)
		if (strcmp(g->text, text) == 0)
			return (conf_err(l, w, "guid '%s' is already used by "
			    "%s '%s' (declared at %s:%d)", text, g->of,
			    g->name, g->pos.file, g->pos.line));
	g = arena_get(px_model->arena, sizeof *g);
	*g = (struct guid){ text, of, name, conf_pos(l, w) };
	px_hash_add(px_model->guids, hash, g);
	return (true);
}

static bool
parse_proxy(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "a name", &s) ||
	    !claim(l, w, s.p, px->section, px->name))
		return (false);
	px->guid = s.p;
	return (conf_end(l));
}

static bool
parse_server(struct conf_line *l, void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (sv->name == NULL)
		return (conf_err(l, &l->word[l->at - 1], "'guid' is not "
		    "allowed on default-server lines"));
	if (!conf_want(l, "a name", &s) ||
	    !claim(l, w, s.p, "server", sv->name))
		return (false);
	sv->guid = s.p;
	return (true);
}

/* One for each socket of the line, by its place there. */
static bool
parse_prefix(struct conf_line *l, void *obj)
{
	struct px_bind *b = OBJ(obj, struct px_bind, PX_BIND_MAGIC);
	const struct conf_word *w = conf_peek(l);
	unsigned n = 0;
	struct span s;

	if (!conf_want(l, "a name", &s))
		return (false);
	for (struct px_listen *li = b->listens; li != NULL && li->bind == b;
	    li = li->next) {
		li->guid = arena_printf(px_model->arena, "%s-%u", s.p, ++n);
		if (!claim(l, w, li->guid, "socket", li->text))
			return (false);
	}
	return (true);
}

KEYWORD(px_guid) = {
	.name = "guid", .in = KW_FRONTEND | KW_BACKEND, .args = "<name>",
	.parse = parse_proxy,
	.doc = "A name that nothing else in the configuration has, neither "
	    "proxies nor servers nor sockets: 1 to 127 letters, digits and "
	    "`.`, `:`, `-`, `_`. `dump stats-file` and `stats-file` know the "
	    "object by it, also when it is renamed.",
	.example = "guid 64aeebba-0911-483c-aa39-8f689cf3f657",
};
KEYWORD(server_guid) = {
	.name = "guid", .in = KW_SERVER, .args = "<name>",
	.parse = parse_server,
	.doc = "As the guid of a proxy. Not for servers of a template, which "
	    "would have the same, nor for `add server`.",
};
KEYWORD(bind_guid_prefix) = {
	.name = "guid-prefix", .in = KW_BIND, .args = "<name>",
	.parse = parse_prefix,
	.doc = "A guid for each socket of the line: this, '-' and its place "
	    "in the line, from 1. Sockets are counted one by one with `option "
	    "socket-stats`.",
};
