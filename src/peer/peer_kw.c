/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_kw - the peers section: nodes, where this one listens, which tables
 * they share.
 *
 * A section has a proxy of its own that is not in the model: its bind line,
 * log targets and server words are those of any proxy.
 *
 * Source: configuration manual 3.5, 3.1 (localpeer), 3.2
 * (tune.peers.max-updates-at-once).
 */
#include "peer_int.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <tls/tls.h>

#define UPDATES_AT_ONCE 200

struct peer_section *peer_sections;
int64_t peer_max_updates = UPDATES_AT_ONCE;

struct peer_node *
peer_node_find(const struct peer_section *s, struct span name)
{
	for (struct peer_node *n = s->nodes; n != NULL; n = n->next)
		if (span_is(name, n->name))
			return (n);
	return (NULL);
}

static struct peer_section *
section_find(struct span name)
{
	for (struct peer_section *s = peer_sections; s != NULL; s = s->next)
		if (span_is(name, s->px->name))
			return (s);
	return (NULL);
}

static struct peer_section *
section_of(void *obj)
{
	const struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct peer_section *s = peer_sections;

	while (s->px != px)
		s = s->next;
	return (s);
}

/* ---- the section ---- */

static const char *
local_name(struct arena *a)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (px_model->global.localpeer != NULL)
		return (px_model->global.localpeer);
	(void)gethostname(host, sizeof host - 1);
	return (arena_dup(a, span_str(host)));
}

static void *
begin_peers(struct conf_line *l)
{
	const struct conf_word *w = conf_peek(l);
	struct peer_section *s, *twin, **tail = &peer_sections;
	struct span name = SPAN("");

	if (conf_want_name(l, "the name of the section", &name))
		conf_end(l);
	if ((twin = section_find(name)) != NULL && name.n > 0)
		conf_err(l, w, "peers section '%s' has the name of the one "
		    "declared at %s:%d", name.p, twin->px->pos.file,
		    twin->px->pos.line);
	s = arena_zget(l->conf->arena, sizeof *s);
	s->px = px_new(NULL, PX_FE | PX_BE);
	s->px->name = name.p;
	s->px->section = "peers";
	s->px->pos = conf_pos(l, w);
	s->px->no = UINT32_MAX;
	s->local_name = local_name(l->conf->arena);
	px_model->global.localpeer_used = true;
	while (*tail != NULL) {
		s->px->no--;
		tail = &(*tail)->next;
	}
	*tail = s;
	return (s->px);
}

/* What no row knows: true when it was said what is wrong. */
static bool
other_line(struct conf_line *l, void *obj)
{
	(void)obj;
	if (!conf_next_is(l, "stick-table"))
		return (false);
	conf_err(l, conf_peek(l), "'stick-table' is not allowed in a peers "
	    "section");
	conf_err_hint(l, "a table of the section is declared as "
	    "'table <name> type ...'");
	return (true);
}

/* ---- words that connections of peers do not have ---- */

static bool
refuse_words(struct conf_line *l, const char *const *words, size_t n)
{
	for (int i = l->at; i < l->n; i++)
		for (size_t k = 0; k < n; k++)
			if (span_is(l->word[i].text, words[k]))
				return (conf_err(l, &l->word[i], "'%s' is not "
				    "supported yet in a peers section",
				    words[k]));
	return (true);
}

static bool
bind_words_good(struct conf_line *l)
{
	static const char *const no[] = { "accept-proxy", "maxconn" };

	return (refuse_words(l, no, NELEM(no)));
}

static bool
server_words_good(struct conf_line *l)
{
	static const char *const no[] = { "send-proxy", "send-proxy-v2",
		"source", "shard", "sni" };
	static const char *const idle[] = { "check", "agent-check",
		"init-addr", "resolvers" };
	bool said = false;

	for (int i = l->at; i < l->n; i++)
		for (size_t k = 0; k < NELEM(idle); k++) {
			if (said || !span_is(l->word[i].text, idle[k]))
				continue;
			said = true;
			conf_warn(l, &l->word[i], "'%s' means nothing in a "
			    "peers section, ignored", idle[k]);
		}
	return (refuse_words(l, no, NELEM(no)));
}

/* ---- where we listen ---- */

/* The line "bind <addr> <words>", where the words are those of default-bind
 * and then its own. */
static bool
listen_on(struct conf_line *l, struct peer_section *s,
    const struct conf_word *addr, const struct conf_word *own, int n_own)
{
	const struct conf_line *d = s->bind_words;
	int n_default = d == NULL ? 0 : conf_left(d);
	struct conf_word *w = arena_get(l->conf->arena,
	    ((size_t)n_default + (size_t)n_own + 2) * sizeof *w);
	struct conf_line line = *l;

	w[0] = l->word[0];
	w[1] = *addr;
	for (int i = 0; i < n_default; i++)
		w[2 + i] = d->word[d->at + i];
	for (int i = 0; i < n_own; i++)
		w[2 + n_default + i] = own[i];
	line.word = w;
	line.n = 2 + n_default + n_own;
	line.at = 1;
	return (px_bind_parse(&line, s->px, &s->px->binds, &s->px->listens) !=
	    NULL);
}

static bool
parse_bind(struct conf_line *l, void *obj)
{
	struct peer_section *s = section_of(obj);

	if (s->has_peer_lines)
		return (conf_err(l, l->word, "'bind' and 'peer' lines can't "
		    "be in the same peers section: write 'server' for the "
		    "peers"));
	if (s->px->binds != NULL)
		return (conf_err(l, l->word, "a peers section has one 'bind' "
		    "line, and there is one at line %d already",
		    s->px->binds->pos.line));
	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'bind' expects an address"));
	if (!bind_words_good(l))
		return (false);
	return (listen_on(l, s, conf_peek(l), conf_peek(l) + 1,
	    conf_left(l) - 1));
}

static bool
parse_default_bind(struct conf_line *l, void *obj)
{
	struct peer_section *s = section_of(obj);
	size_t bytes = (size_t)l->n * sizeof *l->word;

	if (!bind_words_good(l))
		return (false);
	s->bind_words = arena_get(l->conf->arena, sizeof *s->bind_words);
	*s->bind_words = *l;
	s->bind_words->word = memcpy(arena_get(l->conf->arena, bytes),
	    l->word, bytes);
	l->at = l->n;           /* looked at where they are used */
	return (true);
}

/* ---- nodes ---- */

static struct peer_node *
node_new(struct conf_line *l, struct peer_section *s, struct span name,
    const struct conf_word *w)
{
	struct peer_node *n = peer_node_find(s, name), **tail = &s->nodes;
	int count = 0;

	if (n != NULL) {
		conf_err(l, w, "a peer '%s' is there already, at line %d",
		    name.p, n->pos.line);
		return (NULL);
	}
	for (; *tail != NULL; count++)
		tail = &(*tail)->next;
	if (count == PEER_NODES_MAX) {
		conf_err(l, w, "a peers section has %d peers at most",
		    PEER_NODES_MAX);
		return (NULL);
	}
	n = *tail = arena_zget(l->conf->arena, sizeof *n);
	n->name = name.p;
	n->pos = conf_pos(l, w);
	n->local = span_is(name, s->local_name);
	n->srv = px_server_new(s->px, name.p);
	n->srv->pos = n->pos;
	if (n->local)
		s->local = n;
	return (n);
}

static bool
take_address(struct conf_line *l, struct peer_node *n)
{
	const struct conf_word *w = conf_peek(l);
	struct addr_spec *a = &n->addr;
	const char *err;
	struct span s;
	bool inet;

	if (!conf_want(l, "an address", &s))
		return (false);
	s = conf_env_expand(l->conf->arena, s);
	if (!addr_parse(s, a, &err))
		return (conf_err(l, w, "'%s' : %s in '%s'", l->kw->name, err,
		    s.p));
	inet = a->need_dns || a->addr.family == ADDR_V4 ||
	    a->addr.family == ADDR_V6;
	if (a->dgram || (!inet && a->addr.family != ADDR_UNIX &&
	    a->addr.family != ADDR_ABNS && a->addr.family != ADDR_ABNSZ))
		return (conf_err(l, w, "'%s' is no address of a peer, "
		    "expected <ip>:<port> or a path", s.p));
	if (inet && (!a->port_given || a->addr.port == 0 || a->port_offset ||
	    a->port_last != a->addr.port))
		return (conf_err(l, w, "'%s' : expected <ip>:<port> with one "
		    "port, found '%s'", l->kw->name, s.p));
	if (a->need_dns && !addr_resolve(a, &err))
		return (conf_err(l, w, "'%s' : could not resolve address "
		    "'%.*s'", l->kw->name, SPAN_FMT(a->host)));
	n->srv->unix_path = inet ? NULL : arena_dup(l->conf->arena, a->host);
	if (!inet)
		a->host = span_str(n->srv->unix_path);
	n->srv->addr = a->addr;
	n->srv->host = s.p;
	return (true);
}

static bool
take_words(struct conf_line *l, struct peer_node *n)
{
	char subject[64];
	bool good;

	if (!server_words_good(l))
		return (false);
	(void)snprintf(subject, sizeof subject, "peer '%.40s'", n->name);
	l->subject = subject;
	good = kw_words(l, KW_SERVER, n->srv);
	l->subject = NULL;
	return (good);
}

static bool
parse_peer(struct conf_line *l, void *obj)
{
	struct peer_section *s = section_of(obj);
	const struct conf_word *w = conf_peek(l);
	struct peer_node *n;
	struct span name;

	if (!conf_want_name(l, "the name of a peer", &name) ||
	    (n = node_new(l, s, name, w)) == NULL)
		return (false);
	if (s->px->binds != NULL && !s->has_peer_lines)
		return (conf_err(l, l->word, "'peer' and 'bind' lines can't "
		    "be in the same peers section: write 'server' for the "
		    "peers"));
	s->has_peer_lines = true;
	if (!n->local)
		return (take_address(l, n) && take_words(l, n));
	if (conf_left(l) == 0)
		return (true);          /* it does not listen */
	w = conf_peek(l);
	l->at++;
	return (take_words(l, n) && listen_on(l, s, w, NULL, 0));
}

static bool
parse_server(struct conf_line *l, void *obj)
{
	struct peer_section *s = section_of(obj);
	const struct conf_word *w = conf_peek(l);
	struct peer_node *n;
	struct span name;

	if (!conf_want_name(l, "the name of a peer", &name) ||
	    (n = node_new(l, s, name, w)) == NULL)
		return (false);
	if (!n->local)
		return (take_address(l, n) && take_words(l, n));
	w = conf_peek(l);
	if (w != NULL && span_find(w->text, ':') >= 0) {
		conf_err(l, w, "'server %s' is this node itself: no address "
		    "was expected", n->name);
		conf_err_hint(l, "where it listens is said by a 'bind' line");
		return (false);
	}
	return (take_words(l, n));
}

static bool
parse_default_server(struct conf_line *l, void *obj)
{
	struct peer_section *s = section_of(obj);
	bool good;

	if (!server_words_good(l))
		return (false);
	if (s->px->server_defaults == NULL)
		s->px->server_defaults = px_server_new(s->px, NULL);
	l->subject = "default-server";
	good = kw_words(l, KW_SERVER, s->px->server_defaults);
	l->subject = NULL;
	return (good);
}

static bool
parse_disabled(struct conf_line *l, void *obj)
{
	section_of(obj)->disabled = true;
	return (conf_end(l));
}

static bool
parse_enabled(struct conf_line *l, void *obj)
{
	section_of(obj)->disabled = false;
	return (conf_end(l));
}

static bool
parse_max_updates(struct conf_line *l, void *obj)
{
	(void)obj;
	return (conf_want_int(l, "a number of updates", 1, INT32_MAX,
	    &peer_max_updates) && conf_end(l));
}

/* ---- the end of the configuration ---- */

/* They come newest first, and are numbered from the oldest. */
static void
add_table(struct conf *c, struct peer_section *s, struct stk_table *t,
    const struct stk_traits *x)
{
	struct peer_table *v = arena_zget(c->arena,
	    (s->n_tables + 1) * sizeof *v);

	v->t = t;
	v->x = *x;
	if (s->n_tables > 0)
		memcpy(v + 1, s->tables, s->n_tables * sizeof *v);
	s->tables = v;
	s->n_tables++;
	for (unsigned i = 0; i < s->n_tables; i++)
		v[i].def = peer_def_of(&v[i].x, i + 1);
	stk_replicate(t);
}

static bool
check_table(struct conf *c, struct stk_table *t)
{
	struct stk_traits x = stk_traits_of(t);
	struct peer_section *s;

	if (x.peers == NULL)
		return (true);
	if ((s = section_find(span_str(x.peers))) == NULL)
		return (conf_fail(c, DIAG_ALERT, x.peers_pos, "table '%s': "
		    "unable to find the peers section '%s'", x.name, x.peers));
	if (peer_section_runs(s))
		add_table(c, s, t, &x);
	return (true);
}

static bool
check_tls(struct conf *c, struct peer_section *s)
{
	bool good = true;

	for (struct px_bind *b = s->px->binds; b != NULL; b = b->next)
		good &= tls_finish_bind(c, b);
	for (struct peer_node *n = s->nodes; n != NULL; n = n->next)
		good &= n->local || tls_finish_server(c, n->srv);
	return (good);
}

static bool
check_section(struct conf *c, struct peer_section *s)
{
	struct px **tail = &px_model->hidden;

	if (s->local == NULL && !s->disabled)
		(void)conf_fail(c, DIAG_WARNING, s->px->pos, "the peers "
		    "section '%s' does nothing, as no peer of it is called "
		    "'%s' like this node; the name is set by -L or "
		    "'localpeer'", s->px->name, s->local_name);
	if (!peer_section_runs(s))
		return (true);
	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = s->px;
	return (check_tls(c, s));
}

/* Behind the rules that add to what tables store. */
static bool
check_all(struct conf *c)
{
	struct stk_table *t = NULL;
	bool good = true;

	for (struct peer_section *s = peer_sections; s != NULL; s = s->next)
		good &= check_section(c, s);
	while ((t = stk_next(t)) != NULL)
		good &= check_table(c, t);
	return (good);
}
CONF_CHECK(peers, 40, check_all);

/* ---- rows ---- */

SECTION(peers) = {
	.name = "peers", .in = KW_PEERS, .begin = begin_peers,
	.line = other_line, .args = "<name>",
	.doc = "Nodes that tell each other what changes in stick tables, of "
	    "which this one is called as -L or `localpeer` say. Tables take "
	    "part by `peers <name>`, or are declared in the section. The "
	    "protocol is that of HAProxy, and both can be mixed. During a "
	    "reload the tables stay, so that nothing is learned again.",
};
KEYWORD(peers_peer) = {
	.name = "peer", .in = KW_PEERS, .args = "<name> <ip>:<port> [<word>...]",
	.parse = parse_peer,
	.doc = "A node. The one of our own name says where we listen, the "
	    "others where they are reached. Words are those of server lines "
	    "about transport.",
	.example = "peer gate1 192.0.2.1:1024",
};
KEYWORD(peers_server) = {
	.name = "server", .in = KW_PEERS,
	.args = "<name> [<ip>:<port>] [<word>...]", .parse = parse_server,
	.doc = "As `peer`, in a section that says by `bind` where this node "
	    "listens: its own line has no address.",
	.example = "server gate2 192.0.2.2:1024",
};
KEYWORD(peers_bind) = {
	.name = "bind", .in = KW_PEERS, .args = "<ip>:<port> [<word>...]",
	.parse = parse_bind,
	.doc = "Where this node listens for the others, when they are given "
	    "as `server` lines.",
	.example = "bind :1024",
};
KEYWORD(peers_default_bind) = {
	.name = "default-bind", .in = KW_PEERS, .args = "<word>...",
	.parse = parse_default_bind,
	.doc = "Words of bind lines for where this node listens.",
	.example = "default-bind backlog 20",
};
KEYWORD(peers_default_server) = {
	.name = "default-server", .in = KW_PEERS, .args = "<word>...",
	.parse = parse_default_server,
	.doc = "Words that the peers after it begin with, say for TLS.",
	.example = "default-server ssl verify none",
};
KEYWORD(peers_disabled) = {
	.name = "disabled", .in = KW_PEERS, .args = "",
	.parse = parse_disabled,
	.doc = "Nothing listens and nothing is sent; tables stay as they are.",
	.example = "disabled",
};
KEYWORD(peers_enabled) = {
	.name = "enabled", .in = KW_PEERS, .args = "", .parse = parse_enabled,
	.doc = "Takes an earlier `disabled` back.", .example = "enabled",
};
KEYWORD(peers_max_updates) = {
	.name = "tune.peers.max-updates-at-once", .in = KW_GLOBAL,
	.args = "<number>", .parse = parse_max_updates,
	.doc = "How many changes of a table are sent to a peer before the "
	    "next table has its turn. The default is 200.",
	.example = "tune.peers.max-updates-at-once 100",
};
