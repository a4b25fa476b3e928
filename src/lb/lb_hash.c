/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_hash - algorithms that send equal keys to the same server, by the map of
 * turns or by the ring (hash-type); streams without a key take turns.
 *
 * A server that a key leads to is waited for when it is full: `.sticks`.
 */
#include "lb_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>

PX_SLOT(PX_OBJ_PROXY, struct lb_hash_cfg, lb_hash_slot, NULL);
PX_SLOT(PX_OBJ_PROXY, struct lb_key_cfg, lb_key_slot, NULL);
PX_SLOT_DECLARE(srv_balance_slot);

bool
lb_passes_by(enum lb_affinity affinity, const struct srv *srv)
{
	const struct srv_shm *sh = srv->shm;

	if (affinity == LB_AFFINE_ALWAYS || srv_has_room(srv))
		return (false);
	return (affinity == LB_AFFINE_MAXCONN || (srv->cfg->maxqueue != 0 &&
	    atomic_load(&sh->queued) >= srv->cfg->maxqueue));
}

/* The turn that the hash leads to, or the next one of a server that is not
 * passed by. */
static struct srv *
map_pick(struct be *be, uint32_t hash)
{
	enum lb_affinity affinity = lb_hash_of(be)->affinity;
	const struct lb_map *m = lb_map_of(be);
	struct srv *srv;

	if (m == NULL)
		return (NULL);
	for (uint32_t i = 0; i < m->n; i++) {
		srv = be->srv[m->turn[(hash % m->n + i) % m->n]];
		if (!lb_passes_by(affinity, srv))
			return (srv);
	}
	return (be->srv[m->turn[hash % m->n]]);
}

static struct srv *
hash_pick(struct be *be, struct txn *txn, struct srv *avoid)
{
	bool ring = lb_hash_of(be)->ring;
	uint32_t hash;

	if (!lb_key_hash(be, txn, &hash))
		return (ring ? lb_ring_next(be, avoid) :
		    lb_map_next(be, avoid));
	if (ring)
		return (lb_ring_pick(be, hash, avoid));
	return (map_pick(be, hash));
}

static bool
is_map(const struct px *px)
{
	const struct lb_hash_cfg *h = px_get(&px->slots, &lb_hash_slot);

	return (!h->ring);
}

/* ---- the balance line ---- */

static struct lb_key_cfg *
begin_key(struct conf_line *l, struct px *px, enum lb_key key)
{
	struct lb_key_cfg *c = px_edit(&px->slots, &lb_key_slot);

	*c = (struct lb_key_cfg){ .key = (uint8_t)key,
	    .pos = conf_pos(l, &l->word[l->at - 1]) };
	return (c);
}

static bool
parse_source(struct conf_line *l, struct px *px)
{
	begin_key(l, px, LB_KEY_SOURCE);
	return (conf_end(l));
}

static bool
parse_uri(struct conf_line *l, struct px *px)
{
	struct lb_key_cfg *c = begin_key(l, px, LB_KEY_URI);
	int64_t n;

	while (conf_left(l) > 0) {
		if (conf_accept(l, "whole")) {
			c->whole = true;
		} else if (conf_accept(l, "path-only")) {
			c->path_only = true;
		} else if (conf_accept(l, "len")) {
			if (!conf_want_int(l, "a number of characters", 1,
			    INT32_MAX, &n))
				return (false);
			c->len = (uint32_t)n;
		} else if (conf_accept(l, "depth")) {
			if (!conf_want_int(l, "a number of slashes", 1,
			    INT32_MAX, &n))
				return (false);
			c->depth = (uint32_t)n;
		} else
			return (conf_err(l, conf_peek(l), "'balance uri' "
			    "expects 'len', 'depth', 'whole' or 'path-only', "
			    "found '%s'", conf_peek(l)->text.p));
	}
	return (true);
}

static bool
parse_url_param(struct conf_line *l, struct px *px)
{
	struct lb_key_cfg *c = begin_key(l, px, LB_KEY_PARAM);
	const struct conf_word *w;
	int64_t n;

	if (!conf_want(l, "the name of a parameter", &c->name))
		return (false);
	c->check_post = conf_accept(l, "check_post");
	if (c->check_post && conf_left(l) > 0) {
		w = conf_peek(l);
		if (!conf_want_int(l, "nothing, or a number", 0, INT32_MAX,
		    &n))
			return (false);
		conf_warn(l, w, "how much of the body 'check_post' waits for "
		    "is what fits into a buffer: the number is ignored");
	}
	return (conf_end(l));
}

static bool
parse_hdr(struct conf_line *l, struct px *px)
{
	struct lb_key_cfg *c = begin_key(l, px, LB_KEY_HDR);

	if (!lb_arg(l, &c->name))
		return (false);
	if (c->name.n == 0)
		return (conf_err(l, &l->word[l->at - 1], "'balance hdr' "
		    "expects the name of a header, as in 'hdr(host)'"));
	c->domain_only = conf_accept(l, "use_domain_only");
	return (conf_end(l));
}

static bool
parse_rdp(struct conf_line *l, struct px *px)
{
	struct lb_key_cfg *c = begin_key(l, px, LB_KEY_RDP);

	if (!lb_arg(l, &c->name))
		return (false);
	if (c->name.n == 0)
		c->name = SPAN("mstshash");
	return (conf_end(l));
}

static bool
parse_hash(struct conf_line *l, struct px *px)
{
	struct lb_key_cfg *c = begin_key(l, px, LB_KEY_EXPR);
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, "a sample expression, as 'req.hdr(host)'", &text))
		return (false);
	c->expr = expr_parse_words(l, w, text, SMP_AT(SERVER));
	return (c->expr != NULL && conf_end(l));
}

/* What needs a request can't be in mode tcp: then servers take turns. What
 * needs a body has to wait for it. */
static bool
check_modes(struct conf *conf)
{
	PX_EACH(px, px_model) {
		const struct lb_key_cfg *c = px_get(&px->slots, &lb_key_slot);
		const struct srv_balance *b = px_get(&px->slots,
		    &srv_balance_slot);

		if ((px->kind & PX_BE) == 0 || b->algo == NULL)
			continue;
		if (px->mode == PX_HTTP) {
			if (c->key == LB_KEY_PARAM && c->check_post)
				px->opt |= 1ull << PX_OPT_HTTP_BUFFER_REQUEST;
			continue;
		}
		if (c->key != LB_KEY_URI && c->key != LB_KEY_PARAM &&
		    c->key != LB_KEY_HDR)
			continue;
		conf_fail(conf, DIAG_WARNING, c->pos, "'balance %s' needs "
		    "'mode http' in backend '%s'; its servers take turns "
		    "instead", b->algo->name, px->name);
		((struct srv_balance *)px_edit(&px->slots,
		    &srv_balance_slot))->algo = srv_algo_find("roundrobin");
	}
	return (true);
}

CONF_CHECK(lb_modes, 20, check_modes);

#define HASHED(ident, word, words, fn, text)                                 \
	BALANCE(ident) = {                                                   \
		.name = word, .args = words, .parse = fn,                    \
		.pick = hash_pick, .fixed = is_map, .sticks = true,          \
		.doc = text,                                                 \
	}
HASHED(source, "source", "", parse_source,
    "The same server for the same client address.");
HASHED(uri, "uri", "[len <n>] [depth <n>] [whole] [path-only]", parse_uri,
    "The same server for the same URI up to the question mark (`whole`: all of "
    "it; `path-only`: without scheme and host; `len`, `depth`: only so many "
    "characters or slashes). For caches.");
HASHED(url_param, "url_param", "<name> [check_post]", parse_url_param,
    "The same server for the same value of a parameter of the query, or of what "
    "has come of the body of a POST; `check_post`: which is waited for, as with "
    "`option http-buffer-request`.");
HASHED(hdr, "hdr", "(<name>) [use_domain_only]", parse_hdr,
    "The same server for the same value of a header; `use_domain_only`: of the "
    "label before the last dot in it.");
HASHED(rdp_cookie, "rdp-cookie", "[(<name>)]", parse_rdp,
    "The same server for the same RDP cookie (`mstshash`).");
HASHED(hash, "hash", "<expression>", parse_hash,
    "The same server for the same value of a sample expression.");

/* ---- hash-type, hash-balance-factor ---- */

static bool
want_function(struct conf_line *l, struct lb_hash_cfg *h)
{
	static const char *const names[] = { "sdbm", "djb2", "crc32", "none" };

	for (uint8_t i = 0; i < NELEM(names); i++)
		if (conf_accept(l, names[i])) {
			h->fn = i;
			return (true);
		}
	if (conf_next_is(l, "wt6"))
		return (conf_err(l, conf_peek(l), "hash function 'wt6' is not "
		    "supported: what it computes is not documented; 'sdbm "
		    "avalanche' spreads keys as well"));
	return (conf_err(l, conf_peek(l), "'hash-type' expects the function "
	    "'sdbm', 'djb2', 'crc32' or 'none', found '%s'",
	    conf_peek(l)->text.p));
}

static bool
parse_hash_type(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct lb_hash_cfg *h = px_edit(&px->slots, &lb_hash_slot);
	const struct conf_word *w = conf_peek(l);
	struct span method;

	if (!conf_want(l, "'map-based' or 'consistent'", &method))
		return (false);
	h->ring = span_is(method, "consistent");
	if (!h->ring && !span_is(method, "map-based"))
		return (conf_err(l, w, "'hash-type' expects 'map-based' or "
		    "'consistent', found '%s'", method.p));
	h->fn = LB_SDBM;
	h->avalanche = h->ring && conf_left(l) == 0;
	if (conf_left(l) > 0 && !want_function(l, h))
		return (false);
	if (conf_accept(l, "avalanche"))
		h->avalanche = true;
	return (conf_end(l));
}

static bool
parse_factor(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct lb_hash_cfg *h = px_edit(&px->slots, &lb_hash_slot);
	const struct conf_word *w = conf_peek(l);
	int64_t n;

	if (!conf_want_int(l, "a percentage above 100, or 0", 0, 65535, &n))
		return (false);
	if (n != 0 && n <= 100)
		return (conf_err(l, w, "'hash-balance-factor' expects 0 (off) "
		    "or a percentage above 100, found %d", (int)n));
	h->factor = (uint16_t)n;
	return (conf_end(l));
}

static bool
parse_hash_key(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span what;

	(void)obj;
	if (!conf_want(l, "'id'", &what))
		return (false);
	if (span_is(what, "addr") || span_is(what, "addr-port"))
		return (conf_err(l, w, "'hash-key %s' is not supported yet; "
		    "'id' is", what.p));
	return (span_is(what, "id") || conf_err(l, w, "'hash-key' expects "
	    "'id', found '%s'", what.p));
}

static bool
parse_affinity(struct conf_line *l, void *obj)
{
	static const char *const words[] = { [LB_AFFINE_ALWAYS] = "always",
		[LB_AFFINE_MAXCONN] = "maxconn",
		[LB_AFFINE_MAXQUEUE] = "maxqueue" };
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct lb_hash_cfg *h = px_edit(&px->slots, &lb_hash_slot);
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "'always', 'maxconn' or 'maxqueue'", &s))
		return (false);
	for (uint8_t i = 0; i < NELEM(words); i++)
		if (span_is(s, words[i])) {
			h->affinity = i;
			return (conf_end(l));
		}
	return (conf_err(l, w, "'hash-preserve-affinity' expects 'always', "
	    "'maxconn' or 'maxqueue', found '%s'", s.p));
}

KEYWORD(hash_affinity) = {
	.name = "hash-preserve-affinity", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "always|maxconn|maxqueue", .parse = parse_affinity,
	.doc = "Whether the server that a key leads to is waited for when it is "
	    "full: `always` (the default), never (`maxconn`), or while there is "
	    "a place in its queue (`maxqueue`). Else the key leads to the next "
	    "server that has one.",
	.example = "hash-preserve-affinity maxconn",
};
KEYWORD(hash_type) = {
	.name = "hash-type", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "map-based|consistent [sdbm|djb2|crc32|none] [avalanche]",
	.parse = parse_hash_type,
	.doc = "How keys lead to servers: by a map of turns (`map-based`, the "
	    "default: even, but most keys move when a server comes or goes), or "
	    "by places on a circle (`consistent`: only the keys of that server "
	    "move). Then the function, and whether its result is mixed again; "
	    "`none` takes a number as it is. `consistent` alone is `consistent "
	    "sdbm avalanche`. Keys lead to the same servers as in HAProxy.",
	.example = "hash-type consistent",
};
KEYWORD(hash_balance_factor) = {
	.name = "hash-balance-factor", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "<percentage>", .parse = parse_factor,
	.doc = "With `hash-type consistent` and `balance random`: no server gets "
	    "more than so many percent of the average number of streams for its "
	    "weight; the next one on the circle takes what is above. 0: off.",
	.example = "hash-balance-factor 150",
};
KEYWORD(srv_hash_key) = {
	.name = "hash-key", .in = KW_SERVER, .args = "id",
	.parse = parse_hash_key,
	.doc = "What a server's places on the circle of `hash-type consistent` "
	    "come from: its number.",
};
