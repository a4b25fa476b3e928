/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_server - server and default-server lines.
 */
#include "px_int.h"

#include <base/must.h>
#include <base/num.h>

void
px_server_list(struct px_server *sv)
{
	struct px *px = sv->px;

	if (px->servers == NULL)
		px->servers = sv;
	else
		px->servers_last->next = sv;
	px->servers_last = sv;
	px->n_servers++;
	px_server_name_add(sv);
}

static void
append(struct px_server *sv)
{
	sv->rt = px_model->n_servers++;
	px_server_list(sv);
}

static bool
is_nowhere(const struct addr *a)
{
	static const uint8_t zero[16];

	return ((a->family == ADDR_V4 || a->family == ADDR_V6) &&
	    memcmp(a->ip, zero, sizeof zero) == 0);
}

bool
px_server_addr(struct conf_line *l, const struct conf_word *w,
    struct px_server *sv)
{
	struct span text = conf_env_expand(l->conf->arena, w->text);
	struct addr_spec a;
	const char *err;

	if (!addr_parse(text, &a, &err))
		return (conf_err(l, w, "%s in '%s'", err, text.p));
	if (span_begins(text, SPAN("udp")) || span_begins(text, SPAN("quic")))
		return (conf_err(l, w, "dgram-type address not acceptable in "
		    "'%s'", text.p));
	if (a.addr.family == ADDR_FD)
		return (conf_err(l, w, "'%s' : a server is not reached "
		    "through a descriptor; expected an address, a path or "
		    "sockpair@<fd>", text.p));
	if (a.addr.family == ADDR_SOCKPAIR)
		a.addr.port = (uint16_t)a.fd;
	if (a.port_given && !a.port_offset && a.port_last != a.addr.port)
		return (conf_err(l, w, "port range not allowed in '%s'",
		    text.p));
	if (a.need_dns) {
		sv->named = memcpy(arena_get(px_model->arena, sizeof a), &a,
		    sizeof a);
		sv->named_pos = conf_pos(l, w);
		px_model->n_named += l->conf->live == NULL;
	}
	sv->addr = a.addr;
	sv->host = text.p;
	sv->unix_path = a.addr.family == ADDR_UNIX ||
	    a.addr.family == ADDR_ABNS || a.addr.family == ADDR_ABNSZ ?
	    px_text(a.host) : NULL;
	sv->has_port_offset = a.port_offset;
	sv->port_offset = (int16_t)a.offset;
	sv->ip_from_client = !a.need_dns && is_nowhere(&a.addr);
	sv->port_from_client = a.addr.family != ADDR_SOCKPAIR &&
	    sv->unix_path == NULL && (a.port_offset || !a.port_given || a.addr.port == 0);
	return (true);
}

static void
check_double(struct conf_line *l, struct span name, struct px *px)
{
	const struct conf_word *w = &l->word[l->at - 1];
	const struct px_server *twin = px_server_find(px, name);

	if (twin != NULL)
		conf_err(l, w, "backend '%s', another server named '%s' was "
		    "already defined at line %d, please use distinct names",
		    px->name, twin->name, twin->pos.line);
}

static bool
parse_server(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *name_w = conf_peek(l), *addr_w;
	struct px_server *sv;
	struct span name;
	bool good;

	if (conf_left(l) < 2) {
		conf_err(l, name_w, "'server' expects <name> and "
		    "<addr>[:<port>] as arguments");
		return (false);
	}
	if (!conf_want_name(l, "a name", &name))
		return (false);
	check_double(l, name, px);
	addr_w = &l->word[l->at++];
	sv = px_server_new(px, name.p);
	sv->pos = conf_pos(l, name_w);
	append(sv);
	px_subject(l, "server", px->name, name.p);
	good = px_server_addr(l, addr_w, sv);
	good &= kw_words(l, KW_SERVER, sv);
	l->subject = NULL;
	return (good);
}

#define TEMPLATE_MAX 1000000    /* servers of one line */

/* "5" is 1-5. */
static bool
want_range(struct conf_line *l, uint64_t *lo, uint64_t *hi)
{
	const struct conf_word *w = conf_peek(l);
	struct span s, first;

	if (!conf_want(l, "a number or a range of numbers", &s))
		return (false);
	if (!span_cut(&s, '-', &first) || !num_u64(first, lo) ||
	    (first.n + 1 < w->text.n ? !num_u64(s, hi) :
	    first.n != w->text.n))
		return (conf_err(l, w, "'server-template' expects <n> or "
		    "<low>-<high>, found '%s'", w->text.p));
	if (first.n == w->text.n) {
		*hi = *lo;
		*lo = 1;
	}
	if (*lo > *hi || *hi - *lo >= TEMPLATE_MAX || *hi > INT32_MAX)
		return (conf_err(l, w, "'%s' is an empty range, or one of "
		    "more than %d servers", w->text.p, TEMPLATE_MAX));
	return (true);
}

/* The words are read again for each server: what they say is each one's. */
static bool
parse_template(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *prefix_w = conf_peek(l), *addr_w;
	struct span prefix;
	struct px_server *sv;
	uint64_t lo, hi;
	bool good = true;
	int from;

	if (conf_left(l) < 3)
		return (conf_err(l, prefix_w, "'server-template' expects "
		    "<prefix>, <n> or <low>-<high>, and <name>[:<port>]"));
	if (!conf_want_name(l, "a prefix", &prefix) ||
	    !want_range(l, &lo, &hi))
		return (false);
	addr_w = &l->word[l->at++];
	for (from = l->at; good && lo <= hi; lo++) {
		const char *name = arena_printf(px_model->arena, "%s%llu",
		    prefix.p, (unsigned long long)lo);

		check_double(l, span_str(name), px);
		sv = px_server_new(px, name);
		sv->pos = conf_pos(l, prefix_w);
		append(sv);
		l->at = from;
		px_subject(l, "server", px->name, name);
		good = px_server_addr(l, addr_w, sv);
		good &= kw_words(l, KW_SERVER, sv);
		l->subject = NULL;
	}
	return (good);
}

static bool
parse_default_server(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	bool good;

	if (px->server_defaults == NULL || px->server_defaults->px != px)
		px->server_defaults = px_server_new(px, NULL);
	px_subject(l, "default-server",
	    px->name == NULL ? "" : px->name, NULL);
	good = kw_words(l, KW_SERVER, px->server_defaults);
	l->subject = NULL;
	return (good);
}

/* ---- words ---- */

static struct px_server *
sv_of(void *obj)
{
	return (OBJ(obj, struct px_server, PX_SERVER_MAGIC));
}

static bool
parse_weight(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	int64_t n;

	if (!conf_want_int(l, "an integer", INT64_MIN, INT64_MAX, &n))
		return (false);
	if (n < 0 || n > 256)
		return (conf_err(l, w, "weight is not within 0 and 256 "
		    "(%lld)", (long long)n));
	sv_of(obj)->weight = (uint16_t)n;
	return (true);
}

static bool
want_u32(struct conf_line *l, uint32_t lo, uint32_t *out)
{
	int64_t n;

	if (!conf_want_int(l, "an integer", lo, INT32_MAX, &n))
		return (false);
	*out = (uint32_t)n;
	return (true);
}

static bool
parse_maxconn(struct conf_line *l, void *obj)
{
	return (want_u32(l, 0, &sv_of(obj)->maxconn));
}

static bool
parse_minconn(struct conf_line *l, void *obj)
{
	return (want_u32(l, 0, &sv_of(obj)->minconn));
}

static bool
parse_maxqueue(struct conf_line *l, void *obj)
{
	return (want_u32(l, 0, &sv_of(obj)->maxqueue));
}

static bool
parse_id(struct conf_line *l, void *obj)
{
	struct px_server *sv = sv_of(obj);
	const struct conf_word *w = conf_peek(l);
	const struct px_server *who;

	if (sv->name == NULL)
		return (conf_err(l, &l->word[l->at - 1], "'id' is not "
		    "allowed on default-server lines"));
	if (!want_u32(l, 1, &sv->id))
		return (false);
	who = l->conf->live != NULL ? px_live_id_owner(sv->px, sv->id) :
	    px_id_claim(PX_ID_SERVER, sv->px->no, sv->id, sv);
	if (who == NULL)
		return (true);
	return (conf_err(l, w, "'id' : custom id %u already used at %s:%d "
	    "('server %s')", sv->id, who->pos.file, who->pos.line,
	    who->name));
}

static bool
parse_backup(struct conf_line *l, void *obj)
{
	sv_of(obj)->backup = !l->no;
	return (true);
}

static bool
parse_disabled(struct conf_line *l, void *obj)
{
	(void)l;
	sv_of(obj)->disabled = true;
	sv_of(obj)->ready = false;
	return (true);
}

static bool
parse_enabled(struct conf_line *l, void *obj)
{
	(void)l;
	sv_of(obj)->disabled = false;
	sv_of(obj)->ready = true;
	return (true);
}

KEYWORD(server) = {
	.name = "server", .in = KW_BACKEND, .flags = KW_ONE_SIDE,
	.args = "<name> <address>[:<port>] [<word>...]",
	.parse = parse_server,
	.doc = "A server of the backend: `host:port`, a UNIX socket's path, "
	    "`abns@name`. Without a port, or with `+n` or `-n`, the port that "
	    "the client connected to (plus n) is used.",
	.example = "server web1 192.0.2.11:8080 weight 10 maxconn 200",
};
KEYWORD(server_template) = {
	.name = "server-template", .in = KW_BACKEND,
	.args = "<prefix> <n>|<low>-<high> <name>[:<port>] [<word>...]",
	.parse = parse_template,
	.doc = "So many servers, alike but for their names: the prefix with 1 "
	    "to n, or low to high. All take the address that the name has at "
	    "start, or wait in maintenance without one (init-addr). With "
	    "`resolvers` the addresses of the name, or its SRV records, are "
	    "shared out among them.",
	.example = "server-template web 1-3 web.example.com:80 init-addr none",
};
KEYWORD(default_server) = {
	.name = "default-server", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_ONE_SIDE,
	.args = "<word>...", .parse = parse_default_server,
	.doc = "Words that the server lines after it begin with.",
	.example = "default-server maxconn 100",
};

#define SERVER_WORD(ident, word, bits, words, fn, text)                      \
	KEYWORD(server_##ident) = {                                          \
		.name = word, .in = KW_SERVER, .flags = (bits),              \
		.args = words, .parse = fn, .doc = text,                     \
	}
SERVER_WORD(weight, "weight", 0, "<n>", parse_weight,
    "Its share of the load, 0 to 256, against the others' (1).");
SERVER_WORD(maxconn, "maxconn", 0, "<n>", parse_maxconn,
    "Requests or connections it gets at a time; more wait in a queue. 0, "
    "the default: no limit.");
SERVER_WORD(minconn, "minconn", 0, "<n>", parse_minconn,
    "Makes maxconn depend on the load: so many when the backend is idle.");
SERVER_WORD(maxqueue, "maxqueue", 0, "<n>", parse_maxqueue,
    "How many may wait for it; others go elsewhere. 0: no limit.");
SERVER_WORD(id, "id", 0, "<n>", parse_id, "Its number in statistics.");
SERVER_WORD(backup, "backup", KW_NO, "", parse_backup,
    "Used only when all servers without this word are down.");
SERVER_WORD(disabled, "disabled", 0, "", parse_disabled,
    "Starts in maintenance.");
SERVER_WORD(enabled, "enabled", 0, "", parse_enabled,
    "Does not start in maintenance, whatever default-server says.");
