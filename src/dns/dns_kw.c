/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_kw - resolvers sections, and the words of server lines that use them.
 *
 * Source: configuration manual, 5.2 and 5.3.2.
 */
#include "dns_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>

#define RESOLV_CONF "/etc/resolv.conf"

PX_SLOT(PX_OBJ_SERVER, struct dns_srv_cfg, dns_srv_slot, NULL);
static const struct dns_glob glob_default = { .families = DNS_V4 | DNS_V6 };
PX_SLOT(PX_OBJ_GLOBAL, struct dns_glob, dns_glob_slot, &glob_default);

/* ---- sections ---- */

struct dns_sect *
dns_sect_find(const char *name)
{
	DNS_EACH_SECT(s)
		if (strcmp(s->name, name) == 0)
			return (s);
	return (NULL);
}

static struct dns_sect *
add_sect(const char *name, struct diag_pos pos)
{
	struct dns_sect *s = arena_zget(px_model->arena, sizeof *s), **at;
	uint32_t no = 0;

	for (at = &dns_glob_edit()->sects; *at != NULL; at = &(*at)->next)
		no++;
	*at = s;
	*s = (struct dns_sect){ .no = no, .name = name, .retries = 3, .payload = 512,
	    .resolve_ms = 1000, .retry_ms = 1000, .pos = pos,
	    .hold_ms = { [DNS_VALID] = 10000, [DNS_NX] = 30000,
	    [DNS_TIMEOUT] = 30000, [DNS_REFUSED] = 30000,
	    [DNS_OTHER] = 30000 } };
	return (s);
}

static void *
begin_resolvers(struct conf_line *l)
{
	const struct conf_word *w = conf_peek(l);
	const struct dns_sect *twin;
	struct span name;

#ifndef USE_CARES
	conf_err(l, NULL, "a 'resolvers' section needs c-ares, which this "
	    "program was built without (USE_CARES)");
	return (NULL);
#endif
	if (!conf_want_name(l, "a name", &name) || !conf_end(l))
		return (NULL);
	if ((twin = dns_sect_find(name.p)) != NULL) {
		conf_err(l, w, "resolvers '%s' has the same name as another "
		    "section at %s:%d", name.p, twin->pos.file,
		    twin->pos.line);
		return (NULL);
	}
	return (add_sect(name.p, conf_pos(l, w)));
}

static void
add_server(struct dns_sect *s, const char *name, const struct addr *a,
    bool tcp, int line)
{
	struct dns_ns *ns = arena_zget(px_model->arena, sizeof *ns), **at;

	*ns = (struct dns_ns){ .name = name, .addr = *a, .tcp = tcp,
	    .line = line };
	for (at = &s->ns; *at != NULL; at = &(*at)->next)
		;
	*at = ns;
	s->n_ns++;
}

static const struct dns_ns *
find_server(const struct dns_sect *s, const char *name)
{
	const struct dns_ns *ns = s->ns;

	while (ns != NULL && strcmp(ns->name, name) != 0)
		ns = ns->next;
	return (ns);
}

static bool
take_addr(struct conf_line *l, const struct conf_word *w, struct span text,
    struct addr_spec *a)
{
	const char *err;

	if (!addr_parse(text, a, &err))
		return (conf_err(l, w, "%s in '%s'", err, text.p));
	if (a->need_dns || a->any_host || (a->addr.family != ADDR_V4 &&
	    a->addr.family != ADDR_V6))
		return (conf_err(l, w, "'nameserver' expects an IP address "
		    "with a port, not '%s'", text.p));
	if (a->port_given && !a->port_offset && a->addr.port != 0 &&
	    a->port_last == a->addr.port)
		return (true);
	conf_err(l, w, "'nameserver' expects one port behind the address, "
	    "found '%s'", text.p);
	if (!a->port_given)
		conf_err_hint(l, "name servers listen at port 53: '%s:53'",
		    text.p);
	return (false);
}

static bool
parse_nameserver(struct conf_line *l, void *obj)
{
	struct dns_sect *s = obj;
	const struct conf_word *name_w = conf_peek(l), *w;
	const struct dns_ns *twin;
	struct span name, text;
	struct addr_spec a;

	if (!conf_want(l, "a name", &name))
		return (false);
	if ((twin = find_server(s, name.p)) != NULL)
		return (conf_err(l, name_w, "resolvers '%s' has a nameserver "
		    "'%s' already, at line %d", s->name, name.p, twin->line));
	w = conf_peek(l);
	if (!conf_want(l, "an address", &text) || !take_addr(l, w, text, &a))
		return (false);
	if (conf_left(l) > 0)
		return (conf_err(l, conf_peek(l), "words behind the address of "
		    "a nameserver are not supported yet, found '%s'",
		    conf_peek(l)->text.p));
	add_server(s, name.p, &a.addr, span_begins(text, SPAN("tcp")),
	    l->line);
	return (true);
}

/* The nameserver lines of /etc/resolv.conf, named by their addresses; false
 * when it can't be read. */
static bool
read_resolv_conf(struct dns_sect *s, struct conf_line *l)
{
	FILE *f = fopen(RESOLV_CONF, "re");
	char line[512], word[256];
	struct addr_net net;
	const char *name;

	if (f == NULL)
		return (false);
	for (int no = 1; fgets(line, sizeof line, f) != NULL; no++) {
		if (sscanf(line, " nameserver %255s", word) != 1)
			continue;
		name = arena_dup(px_model->arena, span_str(word));
		if (!addr_net_parse(span_str(word), &net)) {
			if (l != NULL)
				conf_warn(l, NULL, "'%s' at %s:%d is not an "
				    "address; it is not used", word,
				    RESOLV_CONF, no);
		} else if (find_server(s, name) != NULL) {
			if (l != NULL)
				conf_warn(l, NULL, "nameserver '%s' at %s:%d "
				    "is there already; it is not used again",
				    word, RESOLV_CONF, no);
		} else {
			net.addr.port = 53;
			add_server(s, name, &net.addr, false, no);
		}
	}
	fclose(f);
	return (true);
}

static bool
parse_resolv_conf(struct conf_line *l, void *obj)
{
	struct dns_sect *s = obj;
	unsigned n = s->n_ns;

	if (!read_resolv_conf(s, l))
		return (conf_err(l, NULL, "can't read " RESOLV_CONF ": %s",
		    strerror(errno)));
	if (s->n_ns == n)
		conf_warn(l, NULL, RESOLV_CONF " names no nameserver");
	return (conf_end(l));
}

static bool
parse_retries(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a number of questions", 0, 65535, &n))
		return (false);
	((struct dns_sect *)obj)->retries = (int32_t)n;
	return (conf_end(l));
}

static bool
parse_payload(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a number of bytes", 512, 65535, &n))
		return (false);
	((struct dns_sect *)obj)->payload = (int32_t)n;
	return (conf_end(l));
}

static bool
want_ms(struct conf_line *l, int64_t least, int64_t *out)
{
	const struct conf_word *w = conf_peek(l);
	int64_t ms;

	if (!conf_want_time(l, "a time", "ms", &ms))
		return (false);
	if (ms < least || ms > INT32_MAX)
		return (conf_err(l, w, "expected a time between %lldms and 24 "
		    "days, found '%s'", (long long)least, w->text.p));
	*out = ms;
	return (conf_end(l));
}

static bool
parse_resolve(struct conf_line *l, void *obj)
{
	return (want_ms(l, 1, &((struct dns_sect *)obj)->resolve_ms));
}

static bool
parse_retry(struct conf_line *l, void *obj)
{
	return (want_ms(l, 1, &((struct dns_sect *)obj)->retry_ms));
}

static bool
parse_hold(struct conf_line *l, void *obj)
{
	static const char *const names[DNS_STATUS_N] = {
		[DNS_VALID] = "valid", [DNS_NX] = "nx",
		[DNS_TIMEOUT] = "timeout", [DNS_REFUSED] = "refused",
		[DNS_OBSOLETE] = "obsolete", [DNS_OTHER] = "other",
	};

	for (unsigned i = 0; i < DNS_STATUS_N; i++)
		if (conf_accept(l, names[i]))
			return (want_ms(l, 0,
			    &((struct dns_sect *)obj)->hold_ms[i]));
	return (conf_err(l, conf_peek(l), "'hold' expects 'nx', 'refused', "
	    "'timeout', 'other', 'valid' or 'obsolete'"));
}

/* ---- words of servers ---- */

static struct dns_srv_cfg *
edit(void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);

	return (px_edit(&sv->slots, &dns_srv_slot));
}

static bool
parse_resolvers(struct conf_line *l, void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);
	const struct conf_word *w = conf_peek(l);
	struct span s;

#ifndef USE_CARES
	return (conf_err(l, &l->word[l->at - 1], "'resolvers' needs c-ares, "
	    "which this program was built without (USE_CARES)"));
#endif
	if (!conf_want(l, "the name of a resolvers section", &s))
		return (false);
	edit(obj)->resolvers = s.p;
	edit(obj)->pos = conf_pos(l, w);
	sv->dynamic = true;
	return (true);
}

static bool
parse_prefer(struct conf_line *l, void *obj)
{
	if (conf_accept(l, "ipv4"))
		return (edit(obj)->v4_first = true);
	if (!conf_accept(l, "ipv6"))
		return (conf_err(l, conf_peek(l), "'resolve-prefer' expects "
		    "'ipv4' or 'ipv6'"));
	edit(obj)->v4_first = false;
	return (true);
}

static bool
parse_opts(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span list, word;

	if (!conf_want(l, "a list of options", &list))
		return (false);
	while (span_cut(&list, ',', &word)) {
		if (span_is(word, "allow-dup-ip"))
			edit(obj)->allow_dup = true;
		else if (span_is(word, "prevent-dup-ip"))
			edit(obj)->allow_dup = false;
		else if (span_is(word, "ignore-weight"))
			edit(obj)->ignore_weight = true;
		else
			return (conf_err(l, w, "'resolve-opts' expects "
			    "'allow-dup-ip', 'prevent-dup-ip' or "
			    "'ignore-weight', found '%.*s'",
			    SPAN_FMT(word)));
	}
	return (true);
}

static bool
parse_net(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct dns_srv_cfg *cfg = edit(obj);
	struct span list, word;

	if (!conf_want(l, "a list of networks", &list))
		return (false);
	for (cfg->n_nets = 0; span_cut(&list, ',', &word); cfg->n_nets++) {
		if (cfg->n_nets == DNS_NETS)
			return (conf_err(l, w, "'resolve-net' expects at most "
			    "%d networks", DNS_NETS));
		if (!addr_net_parse(word, &cfg->net[cfg->n_nets]))
			return (conf_err(l, w, "'resolve-net' expects "
			    "networks, found '%.*s'", SPAN_FMT(word)));
	}
	return (true);
}

/* ---- global ---- */

static bool
parse_families(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span list, word;
	unsigned may = 0;

	(void)obj;
	if (!conf_want(l, "'ipv4', 'ipv6' or both", &list))
		return (false);
	while (span_cut(&list, ',', &word)) {
		if (span_is(word, "ipv4"))
			may |= DNS_V4;
		else if (span_is(word, "ipv6"))
			may |= DNS_V6;
		else
			return (conf_err(l, w, "'dns-accept-family' expects "
			    "'ipv4', 'ipv6' or 'ipv4,ipv6', found '%.*s'%s",
			    SPAN_FMT(word), span_is(word, "auto") ?
			    ": to find out is not supported yet" : ""));
	}
	dns_glob_edit()->families = may;
	return (conf_end(l));
}

/* ---- when all was read ---- */

#ifdef USE_CARES
static void
add_default(void)
{
	struct dns_sect *s;

	if (dns_sect_find("default") != NULL || access(RESOLV_CONF, R_OK) != 0)
		return;
	s = add_sect("default", (struct diag_pos){ .file = RESOLV_CONF });
	(void)read_resolv_conf(s, NULL);
}
#endif

static bool
link_server(struct conf *c, struct px_server *sv)
{
	const struct dns_srv_cfg *cfg = px_get(&sv->slots, &dns_srv_slot);
	struct dns_sect *sect;

	if (cfg->resolvers == NULL)
		return (true);
	if ((sect = dns_sect_find(cfg->resolvers)) == NULL)
		return (conf_fail(c, DIAG_ALERT, cfg->pos, "backend '%s', "
		    "server '%s': unable to find required resolvers '%s'",
		    sv->px->name, sv->name, cfg->resolvers));
	sv->dynamic = sv->named != NULL;
	if (sv->named != NULL && !dns_host_fits(sv->named->host.n > 1 &&
	    sv->named->host.p[sv->named->host.n - 1] == '.' ?
	    span_of(sv->named->host.p, sv->named->host.n - 1) :
	    sv->named->host))
		return (conf_fail(c, DIAG_ALERT, sv->named_pos, "server "
		    "'%s/%s' : '%.*s' is not the name of a host",
		    sv->px->name, sv->name, SPAN_FMT(sv->named->host)));
	if (px_server_has_label(sv))
		sv->port_from_client = sv->has_port_offset = false;
	((struct dns_srv_cfg *)px_edit(&sv->slots, &dns_srv_slot))->sect =
	    sect;
	return (true);
}

/* Before servers get their first addresses (px_init_addr). */
static bool
link_all(struct conf *c)
{
	bool good = true;

#ifdef USE_CARES
	add_default();
#endif
	DNS_EACH_SECT(s)
		if (s->n_ns == 0)
			conf_fail(c, DIAG_WARNING, s->pos, "resolvers '%s' "
			    "has no nameservers configured: nothing is looked "
			    "up", s->name);
	if (!px_said(&dns_srv_slot))
		return (good);
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			good &= link_server(c, sv);
	return (good);
}

CONF_CHECK(dns_names, 3, link_all);

/* ---- rows ---- */

SECTION(resolvers) = {
	.name = "resolvers", .in = KW_RESOLVERS, .begin = begin_resolvers,
	.args = "<name>",
	.doc = "Name servers, for servers whose name is looked up while the "
	    "program runs and for `do-resolve`. Without a section `default`, "
	    "there is one with the name servers of /etc/resolv.conf.",
};

#define RESOLVERS_WORD(ident, word, words, fn, text, line)                   \
	KEYWORD(resolvers_##ident) = {                                       \
		.name = word, .in = KW_RESOLVERS, .args = words,             \
		.parse = fn, .doc = text, .example = line,                   \
	}
RESOLVERS_WORD(nameserver, "nameserver", "<name> [tcp@]<address>:<port>",
    parse_nameserver, "A name server, asked over UDP unless `tcp@` is "
    "before its address. All of a section are asked at once; the first valid "
    "answer counts.", "nameserver dns1 192.0.2.53:53");
RESOLVERS_WORD(resolv_conf, "parse-resolv-conf", "", parse_resolv_conf,
    "The name servers of /etc/resolv.conf.", "parse-resolv-conf");
RESOLVERS_WORD(retries, "resolve_retries", "<n>", parse_retries,
    "How often all is asked before a look-up has failed (3).",
    "resolve_retries 2");
RESOLVERS_WORD(payload, "accepted_payload_size", "<bytes>", parse_payload,
    "The size of answers over UDP that is announced, 512 (the default) to "
    "65535; longer ones come over TCP.", "accepted_payload_size 4096");
RESOLVERS_WORD(resolve, "timeout resolve", "<time>", parse_resolve,
    "The time between look-ups (1s).", "timeout resolve 5s");
RESOLVERS_WORD(retry, "timeout retry", "<time>", parse_retry,
    "How long to wait for an answer (1s).", "timeout retry 500ms");
RESOLVERS_WORD(hold, "hold", "valid|nx|timeout|refused|obsolete|other <time>",
    parse_hold, "How long the last valid answer counts when a look-up ends "
    "so (30s); after it servers are in maintenance. `obsolete`: how long "
    "what is missing in an answer still counts (0). `valid`: how long an "
    "answer serves `do-resolve` (10s).", "hold nx 10s");

#define SERVER_WORD(ident, word, words, fn, text)                            \
	KEYWORD(dns_##ident) = {                                             \
		.name = word, .in = KW_SERVER, .args = words, .parse = fn,   \
		.doc = text,                                                 \
	}
SERVER_WORD(resolvers, "resolvers", "<name>", parse_resolvers,
    "Look its name up again and again with this resolvers section. A name "
    "that begins with `_` has SRV records, which give servers of the same "
    "name their addresses, ports and weights.");
SERVER_WORD(prefer, "resolve-prefer", "ipv4|ipv6", parse_prefer,
    "The kind of address that is asked for first (ipv6).");
SERVER_WORD(opts, "resolve-opts",
    "allow-dup-ip|prevent-dup-ip|ignore-weight[,...]", parse_opts,
    "Whether servers of the backend with the same name may have "
    "the same address; else those without one are in maintenance. "
    "`ignore-weight`: SRV records do not set the weight.");
SERVER_WORD(net, "resolve-net", "<network>[,...]", parse_net,
    "Addresses to prefer when a name has several.");
KEYWORD(dns_accept_family) = {
	.name = "dns-accept-family", .in = KW_GLOBAL,
	.args = "ipv4|ipv6|ipv4,ipv6", .parse = parse_families,
	.doc = "The kinds of addresses that are looked up while the program "
	    "runs (both).",
	.example = "dns-accept-family ipv4",
};
